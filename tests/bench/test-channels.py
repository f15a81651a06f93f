#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-channels.py: what of the benchmarks needs no peers: figures, rows, comparison, report and picture. Speaks TAP."""

import contextlib
import io
import json
import sys
import xml.etree.ElementTree

import chart
import results
import rows
import session
import stacks
from benchlib import RunError, number, percentile, ratio, spread

OURS, FAST, THEIRS, OTHER, BOUND = (
    stacks.Stack('ours', ('true',), 'ours', ours=True),
    stacks.Stack('ours-fast', ('true',), 'ours', ours=True, wants_fast=True),
    stacks.Stack('theirs', ('true',), 'theirs'),
    stacks.Stack('other', ('true',), 'other'),
    stacks.Stack('bound', ('true',), 'bound', ceiling=True),
)
SECTIONS = rows.make_sections()
ALL_ROWS = {row.full: row for section in SECTIONS for row in section.rows}
RATE, CPU = rows.METRICS['rate'], rows.METRICS['cpu']


def raises(work, *arguments):
    try:
        work(*arguments)
    except RunError:
        return True
    return False


def make_results():
    """Three rounds; of one stack two failed."""
    made = results.Results(SECTIONS, [OURS, FAST, THEIRS, OTHER, BOUND])
    row = ALL_ROWS['one/rate-64k']
    for stack, rates in ((OURS, (90, 110, 100)), (THEIRS, (50, 40, 60)), (OTHER, (20, 200, 10)), (BOUND, (900, 900, 900))):
        for rate in rates:
            made.cell(row, stack).take({'result': {'rate': rate, 'cpu': 1000 / rate}})
    made.cell(row, FAST).take({'result': {'rate': 150, 'cpu': 3}, 'remarks': [stacks.FAST_PATH_NOT_TAKEN, '']})
    for _ in range(2):
        made.cell(row, FAST).take({'error': 'it <broke>'})
    return made, row


def check_figures():
    """Percentiles are values that occurred; a median comes with its spread."""
    values = list(range(1000, 0, -1))
    assert [percentile(values, p) for p in (50, 99, 99.9, 100)] == [500, 990, 999, 1000]
    assert percentile([7], 99.9) == 7
    assert spread([3, 1, 2]) == '2.00 (1.00-3.00)' and spread([1]) == '1.00' and spread([]) == '-'
    assert ratio([3, 1, 2], [4]) == 0.5 and ratio([], [4]) is None and ratio([1], [0]) is None
    assert [number(v) for v in (0.123, 12.34, 123.4)] == ['0.12', '12.3', '123']
    assert [results.figure(v) for v in (0.1234, 1.234, 12.34, 123.4)] == ['0.123', '1.23', '12.3', '123']


def check_rates():
    """Of two processes with clocks that have nothing in common, each second counts for its own bytes."""
    before = [{'at': 0, 'bytes': 0, 'cpu': 0, 'rss': 1024}, {'at': 10**12, 'bytes': 500, 'cpu': 10**6, 'rss': 2048}]
    after = [
        {'at': 10**9, 'bytes': 0, 'cpu': 250000, 'rss': 1024},
        {'at': 10**12 + 2 * 10**9, 'bytes': 500 + 2 * 10**8, 'cpu': 2 * 10**6, 'rss': 2048},
    ]
    assert session.evaluate(before, after) == {'rate': 100, 'cpu': (0.25 + 0.5) / 0.1, 'rss': 3}
    stopped = [before[0] | {'at': 10**9}, before[1] | {'at': 10**12 + 10**9}]
    assert raises(session.evaluate, before, stopped)


def check_round_trips():
    """p99.9 is told only of enough of them."""
    few, many = session.summarize([1000.0] * 999), session.summarize([float(v) for v in range(1, 2001)])
    assert few == {'p50': 1, 'p99': 1, 'samples': 999}
    assert (many['p50'], many['p99'], many['p999']) == (1, 1.98, 1.998)
    assert raises(session.summarize, [])


def check_answers():
    """What peers say is added up; an error is one."""
    assert session.add_up([{'open': 2, 'fast': 1}, {'open': 2}]) == {'open': 4, 'fast': 1}
    assert raises(session.Peer.check, {'error': 'no'})
    assert session.in_flight([{'sent': 10, 'bytes': 0}, {'sent': 0, 'bytes': 4}]) == 6


def check_rows():
    """The list of what is measured is complete, names are unique, and patterns find them."""
    assert len(ALL_ROWS) == sum(len(section.rows) for section in SECTIONS)
    for name in ('one/rate-64', 'two/rate-256k', 'one/both-64k', 'two/rtt', 'one/open-cold', 'one/open-first', 'two/open-warm', 'peers/100/rate-64k'):
        assert name in ALL_ROWS, name
    for rtt in (1, 20, 50, 100):
        for loss in ('0', '0.1', '1'):
            assert {f'lab/{rtt}ms-{loss}%/{row}' for row in ('rate', 'rtt', 'open-cold')} <= set(ALL_ROWS)

    def names(*arguments):
        return [row.full for section in rows.select(SECTIONS, *arguments) for row in section.rows]

    assert names(['one']) == [name for name in ALL_ROWS if name.startswith('one/')]
    assert names(['lab/50ms-1%']) == [f'lab/50ms-1%/{row}' for row in ('open-cold', 'rtt', 'rate')]
    assert names(['*/rtt'], True) == [name for name in ALL_ROWS if name.endswith('/rtt')]
    assert names(['nothing']) == []
    assert 'one/rate-64k' in names([], True) and 'one/rate-64' not in names([], True) and names() == list(ALL_ROWS)
    assert [s.link() for s in SECTIONS if s.name == 'lab/20ms-0.1%'] == ['rtt 20ms loss 0.1%']


def check_stacks():
    """Each is known by one name; the ceiling is no peer and has only rows that exist."""
    assert len(set(stacks.NAMES)) == len(stacks.STACKS)
    for stack in stacks.STACKS:
        taken = [name for name in ALL_ROWS if stack.takes(name)]
        assert taken and (len(taken) == len(ALL_ROWS)) == (stack.rows == ('*',)), stack.name
        for pattern in stack.rows:
            assert '*' in pattern or pattern in ALL_ROWS, pattern
    short = stacks.Stack('short', ('true',), '', longest=65535)
    assert [short.fit(length) for length in (64, 65536, 262144)] == [64, 65535, 262144] and OURS.fit(65536) == 65536
    missing = stacks.Stack('none', ('no-such-program',), '')
    assert missing.why_not() == 'no-such-program is not installed; --install does that'


def check_fast_path():
    """The row says so unless every end was fast."""
    for greeting, said in (({'open': 2, 'fast': 2}, ''), ({'open': 2, 'fast': 1}, 1), ({'open': 2}, 1), ({}, 1)):
        assert stacks.remark_on(FAST, greeting) == (stacks.FAST_PATH_NOT_TAKEN if said else '')
        assert stacks.remark_on(OURS, greeting) == ''


def check_comparison():
    """With the best median that is neither ours nor the ceiling, whichever way is better."""
    made, row = make_results()
    assert made.find_best(row, RATE)[0] is THEIRS and made.compare(row, OURS, RATE) == 2
    assert made.find_best(row, CPU)[0] is THEIRS and made.compare(row, OURS, CPU) == 0.5
    empty = ALL_ROWS['two/rtt']
    assert made.find_best(empty, RATE) == (None, []) and made.compare(empty, OURS, RATE) is None
    assert made.cell(row, FAST).is_hopeless() and not made.cell(row, OURS).is_hopeless()
    assert made.any_errors_of_ours()


def check_report():
    """The tables have the medians, the ratio and the remarks, and so has the JSON."""
    made, row = make_results()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        results.print_report(made, 3)
    line = next(line for line in said.getvalue().splitlines() if line.startswith('  64 KiB') and '100 (90.0-110)' in line)
    for words in ('50.0 (40.0-60.0)', '2x', '3x', 'theirs', stacks.FAST_PATH_NOT_TAKEN, 'FAILED 2: it <broke>'):
        assert words in line, (words, line)
    entries = json.loads(json.dumps(results.as_json(made, 3)))['results']
    entry = next(entry for entry in entries if entry['stack'] == 'ours')
    assert entry['row'] == row.full and len(entry['rounds']) == 3
    assert entry['metrics']['rate'] == {'median': 100, 'least': 90, 'most': 110, 'ratio': 2, 'best': 'theirs'}
    assert 'ratio' not in next(entry for entry in entries if entry['stack'] == 'bound')['metrics']['rate']


def check_picture():
    """It is XML, with a bar for each stack and metric that is charted, none longer than the room for it, the best peer's or ours as long."""
    made, _ = make_results()
    alone = results.Results(SECTIONS, [BOUND])
    alone.cell(ALL_ROWS['one/rtt'], BOUND).take({'result': {'p50': 1}})
    assert f'width="{chart.BAR_WIDTH:.1f}"' in chart.draw(alone, '')
    root = xml.etree.ElementTree.fromstring(chart.draw(made, 'a < b & c'))
    name = '{http://www.w3.org/2000/svg}'
    bars = [float(bar.get('width')) for bar in root.iter(f'{name}rect') if bar.get('height') == str(chart.BAR)]
    assert len(bars) == 2 * 5 and max(bars) == chart.BAR_WIDTH
    texts = [text.text for text in root.iter(f'{name}text')]
    assert '100 (2x of the best peer)' in texts and 'a < b & c' in texts


def main():
    checks = [value for name, value in sorted(globals().items()) if name.startswith('check_')]
    print(f'1..{len(checks)}')
    good = True
    for index, check in enumerate(checks, 1):
        try:
            check()
            fault = None
        except AssertionError as error:
            fault = f'line {error.__traceback__.tb_next.tb_lineno if error.__traceback__.tb_next else "?"}: {error}'
        good = good and not fault
        if fault:
            print(f'# {fault}')
        print(f'{"not " if fault else ""}ok {index} {check.__name__[6:]}')
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
