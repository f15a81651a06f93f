# SPDX-License-Identifier: LGPL-2.1-or-later
"""changes: a stream at full rate for ten minutes whose pair of candidates is taken away five times: IPv6, direct and relayed, interfaces."""

import os
import re
import sys

import growth
from procs import Failure, Process, table

NATLAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../natlab/natlab.py')
_SAMPLE = re.compile(r'^stream (\w+): (sample .*)$')
# Parts of the first and of the last sixth: the same network, and so as many sockets. The first seconds fill what is kept.
LIKE = (1 / 20, 1 / 6), (9 / 10, 1)
# A sample each second, in which a gigabyte may have gone: a leak would be of a connection, or of a packet.
LIMITS = growth.Limits(fds=1, threads=4, rss=8192, heap=8192, slack=8 << 20)


def _series(process, side):
    found = []
    for _, text in process.find('^stream '):
        match = _SAMPLE.match(text)
        if match and match.group(1) == side:
            found.append(match.group(2))
    return [sample for sample in map(growth.parse, found) if sample]


def _print_series(name, series):
    """Twenty of them."""
    step = max(1, len(series) // 20)
    print(f'  {name}, MiB resident: ' + ' '.join(f"{sample['rss'] / (1 << 20):.0f}" for sample in series[::step]))


def _judge(process, fast):
    rows, faults = [], []
    for side in ('send', 'receive'):
        series = _series(process, side)
        _print_series(f'{side}, fast={fast}', series)
        found = growth.Growth(f'stream {side}', fast, series, *LIKE)
        rows.append(found.row())
        faults += found.faults(LIMITS)
    return rows, faults


def run(work, options):
    minutes = options.minutes or (2 if options.quick else 10)
    rows, faults, seen = [], [], []
    for fast in options.fast:
        process = Process(f'natlab-{fast}', [sys.executable, NATLAB, 'steady', '--minutes', str(minutes), '--fast', fast],
                          f'{work}/{fast}.log', None, growth.EXACT)
        status = process.wait(60 * minutes + 300)
        if status == 77:
            raise Failure('this machine allows no lab (it takes root, or user namespaces)')
        for _, text in process.find('^row '):
            seen.append([fast, *text[4:].split('|')])
        for _, text in process.find(r'^steady \w+ sum'):
            print(f'  {text[7:]}')
        if status != 0:
            faults += [f'fast={fast}: {text}' for _, text in process.lines if not re.match('row |steady |stream ', text)]
        more, found = _judge(process, fast)
        rows += more
        faults += found
    table(['fast', 'what has changed', 'moves after s', 'pair', 'addresses', 'sender', 'receiver'], seen)
    table(growth.HEAD, rows)
    return faults
