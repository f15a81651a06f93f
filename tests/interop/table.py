#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""table.py BUILD: the logs of `./dev interop` as a page of Markdown, on standard output."""
import json
import re
import subprocess
import sys
from pathlib import Path

STACKS = {
    'webrtcbin': ('GStreamer webrtcbin', 'gstreamer1.0-plugins-bad'),
    'wrtc': ('libwebrtc for Node', '@roamhq/wrtc'),
    'node-datachannel': ('libdatachannel', 'node-datachannel'),
    'werift': ('werift', 'werift'),
    'aiortc': ('aiortc', 'python3-aiortc'),
    'pion': ('pion', 'golang-github-pion-webrtc.v3-dev'),
    'chromium': ('Chromium', 'chromium'),
    'firefox': ('Firefox', 'firefox-esr'),
}
RESULT = re.compile(r'^(not ok|ok) \d+ /interop/[^/]+/(offers|answers)/(\S+)(?: # SKIP (.*))?$')
RECIPE = re.compile(r'^(not ok|ok) \d+ /recipe/([^/]+)/browser(Offers|Answers)( # SKIP)?')
REMARK = re.compile(r'^# (?:throughput (to them|to us): (\S+ MB/s)|death seen after (\S+ s))$')

build = Path(sys.argv[1])
packages = json.loads((Path(__file__).parent / 'package.json').read_text())['dependencies']


def version(package):
    if package in packages:
        return packages[package]
    found = subprocess.run(['dpkg-query', '-W', '-f', '${Version}', package], capture_output=True, text=True, check=False)
    return found.stdout or '?'


def read_log(name):
    log = build / 'meson-logs' / f'interop-{name}.txt'
    return log.read_text(errors='replace').splitlines() if log.exists() else []


def read_recipe():
    """{(browser, role): result}"""
    results = {}
    for line in read_log('recipe'):
        if found := RECIPE.match(line):
            word, browser, role, skipped = found.groups()
            results[browser, role.lower()] = 'not run' if skipped else 'yes' if word == 'ok' else 'FAILS'
    return results


def read(stack):
    """{(role, row): result} of one stack, in the order of the log, and what it cannot do."""
    results, flaws, remarks = {}, {}, []
    for line in read_log(stack):
        if remark := REMARK.match(line):
            remarks.append(remark.group(3) or remark.group(2))
        if result := RESULT.match(line):
            word, role, row, why = result.groups()
            if why:
                flaws[row] = why
            results[role, row] = 'no' if why else 'FAILS' if word != 'ok' else ' / '.join(remarks) or 'yes'
            remarks = []
    return results, flaws


tables = {stack: read(stack) for stack in STACKS}
rows = list(dict.fromkeys(row for results, _ in tables.values() for _, row in results))
print('# Raw data channels with other WebRTC stacks\n')
print('Made by `./dev interop`, which runs what [tests/interop/README.md](../tests/interop/README.md) tells. In each cell: the other side offers; the '
      'other side answers.\nThroughput: to them / to us, in messages of 16 KiB on the loopback interface of a small machine, both programs on it.\n')
print('| | version | ' + ' | '.join(rows) + ' |')
print('|---|---|' + '---|' * len(rows))
for stack, (results, _) in tables.items():
    name, package = STACKS[stack]
    cells = []
    for row in rows:
        both = [results.get((role, row), 'not run') for role in ('offers', 'answers')]
        cells.append(both[0] if both[0] == both[1] else '; '.join(both))
    print(f'| {name} | {version(package)} | ' + ' | '.join(cells) + ' |')
for stack, (_, flaws) in tables.items():
    for row, why in flaws.items():
        print(f'\n{STACKS[stack][0]}, {row}: {why}.')
print('\nBy copy and paste, with `dcpeer --manual` and the console of a browser:\n')
for (browser, role), result in read_recipe().items():
    print(f'- {STACKS[browser][0]} {role}: {result}')
