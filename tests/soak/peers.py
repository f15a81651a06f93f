# SPDX-License-Identifier: LGPL-2.1-or-later
"""peers: ten peers, a full mesh of links, all sending at full rate for a while and then leaving, three times; equal sums, nothing left."""

import os

import growth
from procs import Daemon, Process, table

# Of a thousand threads' arenas some parts stay with malloc(); but not more each time.
MAX_LEFT = 8 << 20


def _rounds(process):
    """(while it ran, when all had left) of each: samples."""
    rounds, ran = [], []
    for _, text in process.find('^sample '):
        if text.startswith('sample run '):
            ran.append(growth.parse(text))
        else:
            rounds.append((ran, growth.parse(text)))
            ran = []
    return rounds


def _row(fast, number, ran, left):
    return [fast, number, max(s['fds'] for s in ran), max(s['threads'] for s in ran), f"{max(s['rss'] for s in ran) / (1 << 20):.0f}",
            left['fds'], left['threads'], f"{left['rss'] / (1 << 20):.1f}", f"{left['heap'] / (1 << 20):.1f}"]


def _judge(fast, rounds):
    """Each round as the first."""
    faults, first = [], rounds[0][1]
    for number, (_, left) in enumerate(rounds[1:], 2):
        for field, limit in (('fds', 1), ('threads', 2), ('rss', MAX_LEFT), ('heap', MAX_LEFT)):
            if left[field] > first[field] + limit:
                faults.append(f'fast={fast}: after round {number} {field} is {left[field]}, after the first {first[field]}')
    return faults


def run(work, options):
    daemon = Daemon(f'{work}/daemon')
    rows, faults = [], []
    peers, seconds, count = options.peers, options.seconds or (5 if options.quick else 20), 3
    for fast in options.fast:
        process = Process(f'mesh-{fast}', [os.environ['MESH'], '--peers', str(peers), '--seconds', str(seconds), '--rounds', str(count),
                                           '--signaling', daemon.url], f'{work}/{fast}.log', None, {'DC_FAST': fast})
        status = process.wait(120 + 5 * count * seconds)
        for _, text in process.find('^mesh: '):
            print(f'  fast={fast}: {text[6:]}')
        rounds = _rounds(process)
        if status != 0 or len(rounds) != count:
            tail = '\n    '.join(text for _, text in process.lines[-4:])
            faults.append(f'fast={fast}: exit status {status}; its last lines:\n    {tail}')
            continue
        rows += [_row(fast, number, *both) for number, both in enumerate(rounds, 1)]
        faults += _judge(fast, rounds)
    table(['fast', 'round', 'fds', 'threads', 'MiB at most', 'fds left', 'threads left', 'MiB left', 'heap MiB left'], rows)
    return faults
