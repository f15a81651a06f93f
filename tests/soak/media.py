# SPDX-License-Identifier: LGPL-2.1-or-later
"""media: audio and video both ways, and a data channel, between other webrtcbins of a process in which a link is at full rate."""

import os

import growth
from procs import Daemon, Process, table


def run(work, options):
    daemon = Daemon(f'{work}/daemon')
    rows, faults = [], []
    seconds = options.seconds or (10 if options.quick else 60)
    for fast in options.fast:
        process = Process(f'media-{fast}', [os.environ['MEDIA'], '--seconds', str(seconds), '--signaling', daemon.url],
                          f'{work}/{fast}.log', None, {'DC_FAST': fast})
        status = process.wait(120 + 2 * seconds)
        lines = process.find('^media: ')
        if status != 0 or not lines:
            tail = '\n    '.join(text for _, text in process.lines[-4:])
            faults.append(f'fast={fast}: exit status {status}; its last lines:\n    {tail}')
            continue
        print(f'  fast={fast}: {lines[-1][1][7:]}')
        found = growth.Growth('media', fast, growth.samples(process))
        rows.append(found.row())
        faults += found.faults(growth.Limits(rss=65536, heap=65536, slack=8 << 20))
    table(growth.HEAD, rows)
    return faults
