#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Closes a test run: counts the single cases in meson's testlog.json and prints `N passed, N failed, N skipped`.

Meson counts test programs. A program that speaks TAP holds many cases, each of which counts here; one that speaks no
TAP is one case. A program that died, hung or promised more cases than it ran is one failure beside those it told of.
Exits 1 if anything failed or nothing ran.
"""

import json
import re
import sys

CASE = re.compile(r'^\s*(?P<fail>not )?ok\b(?P<rest>.*)$')
SKIP = re.compile(r'#\s*SKIP\b', re.IGNORECASE)
SKIP_ALL = re.compile(r'^1\.\.0\s*#\s*SKIP\b', re.IGNORECASE)
GOOD = {'OK', 'EXPECTEDFAIL', 'SKIP'}


def count_tap(text):
    passed = failed = skipped = 0
    for line in text.splitlines():
        case = CASE.match(line)
        if SKIP_ALL.match(line):
            skipped += 1
        elif not case:
            continue
        elif case['fail']:
            failed += 1
        elif SKIP.search(case['rest']):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_program(test):
    passed, failed, skipped = count_tap(test.get('stdout') or '')
    good = test['result'] in GOOD
    if passed + failed + skipped == 0:
        if test['result'] == 'SKIP':
            return 0, 0, 1
        return int(good), int(not good), 0
    if not good and failed == 0:
        failed = 1
    return passed, failed, skipped


def main(path):
    total = [0, 0, 0]
    try:
        with open(path, encoding='utf-8') as log:
            for line in log:
                for i, n in enumerate(count_program(json.loads(line))):
                    total[i] += n
    except FileNotFoundError:
        print(f'No test ran: {path} does not exist.', file=sys.stderr)
    print('{} passed, {} failed, {} skipped'.format(*total))
    return 1 if total[1] or not any(total) else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
