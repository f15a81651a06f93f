# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipeline: what a pipeline over datachannelsink and datachannelsrc reaches of the rate of a bare channel, runs taking turns: 0.9 at 64 KiB."""

import json
import os
import sys

from procs import Failure, Process, table

ELEMENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../bench/elements.py')
LEAST = 0.9
PAIRS = (('datachannel', 'channel'), ('datachannel raw', 'channel raw'))
# Of smaller buffers GStreamer itself, fakesrc and the base classes, costs more than what is left: those are only shown.
JUDGED = {'64k'}


def _measure(work, fast, rounds):
    path = f'{work}/{fast}.json'
    words = [word for pair in PAIRS for name in pair for word in ('--only', name)]
    process = Process(f'elements-{fast}', [sys.executable, ELEMENTS, *words, '--stream', '64k', '--stream', '1k', '--rounds', str(rounds),
                                           '--json', path], f'{work}/{fast}.log', None, {'DC_FAST': fast})
    if process.wait(600) != 0:
        raise Failure('\n    '.join(text for _, text in process.lines[-12:]))
    with open(path, encoding='utf-8') as file:
        return {(result['stream'], result['transport']): result['median'] for result in json.load(file)['results']}


def run(work, options):
    rows, faults = [], []
    for fast in options.fast:
        medians = _measure(work, fast, 3 if options.quick else 9)
        for stream in ('64k', '1k'):
            for ours, bare in PAIRS:
                rates = [medians[stream, name]['rate'] for name in (ours, bare)]
                costs = [medians[stream, name]['cpu'] for name in (ours, bare)]
                ratio = rates[0] / rates[1]
                rows.append([fast, stream, ours, *(f'{rate:.1f}' for rate in rates), f'{ratio:.2f}', *(f'{cost:.2f}' for cost in costs)])
                if stream in JUDGED and ratio < LEAST:
                    faults.append(f'fast={fast}: {ours} with buffers of {stream} reaches {ratio:.2f} of the bare channel')
    table(['fast', 'buffers', 'elements', 'MB/s', 'bare MB/s', 'ratio', 'CPU s/GB', 'bare CPU s/GB'], rows)
    return faults
