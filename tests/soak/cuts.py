# SPDX-License-Identifier: LGPL-2.1-or-later
"""cuts: a file crosses while the network is cut twice for 10 s and the receiver's address changes once."""

import json
import os
import sys

from procs import MAX_GROWTH, Failure, Process, checksum, make_file, mib, table

HERE = os.path.dirname(os.path.abspath(__file__))
CUT_S = 10


def _plan(quick):
    """MiB, Mbit/s, schedule, when its last event is over."""
    if quick:
        return 96, 40, f'4s: blackhole {CUT_S}s; 21s: address b 10.99.0.3', 21
    return 256, 80, f'5s: blackhole {CUT_S}s; 22s: address b 10.99.0.3; 32s: blackhole {CUT_S}s', 32 + CUT_S


def _watched(name, work, pipeline):
    return f"exec '{sys.executable}' '{HERE}/watch.py' {name} '{work}/{name}' gst-launch-1.0 -m {pipeline}"


def _read_result(name, work):
    try:
        with open(f'{work}/{name}', encoding='utf-8') as file:
            return json.load(file)
    except FileNotFoundError:
        raise Failure(f'{name} did not come to an end; see {work}/lab.log') from None


def _judge(name, result, last_event):
    faults = []
    names = [message for _, message in result['messages']]
    growth = result['peak'] - result['base']
    if result['status'] != 0:
        faults.append(f"{name} exited with {result['status']}: {'; '.join(result['errors'][:2])}")
    if 'datachannel-resumed' not in names:
        faults.append(f'{name} never posted datachannel-resumed')
    if not result['base'] or growth >= MAX_GROWTH:
        faults.append(f'{name} grew by {mib(growth)} MiB')
    if result['seconds'] <= last_event:
        faults.append(f'{name} was done before the last event: the file is too small for this machine')
    resumed = ', '.join(f'{at:.1f}' for at, message in result['messages'] if message == 'datachannel-resumed')
    return faults, [name, result['status'], f"{result['seconds']:.1f}", mib(result['base']), mib(growth), resumed or '-']


def run(work, options):
    seed, quick = options.seed, options.quick
    size, rate, schedule, last_event = _plan(quick)
    elements = 'signaling=ws://10.99.0.1:8443 room=cuts'
    make_file(f'{work}/in', size << 20, seed)
    lab = Process('netlab', [
        os.environ['NETLAB'], 'run', '--seed', str(seed), '--timeout', '240', '--link', f'rate {rate}mbit rtt 10ms',
        '--schedule', schedule, '--daemon-a', 'exec dcsignald --listen 10.99.0.1:8443',
        '--a', _watched('sender', work, f"filesrc location='{work}/in' blocksize=65536 ! datachannelsink {elements}"),
        '--b', _watched('receiver', work, f"datachannelsrc {elements} ! filesink location='{work}/out'"),
    ], f'{work}/lab.log', None)
    status = lab.wait(300)
    if status == 77:
        raise Failure('this machine allows no lab of two namespaces (it takes root, or user namespaces, and /dev/net/tun)')
    print(f'  {size} MiB over {rate} Mbit/s, RTT 10 ms; {schedule}')
    faults, rows = [], []
    for name in ('sender', 'receiver'):
        more, row = _judge(name, _read_result(name, work), last_event)
        faults += more
        rows.append(row)
    table(['process', 'exit', 'seconds', 'MiB at first', 'grew by', 'resumed at'], rows)
    if checksum(f'{work}/in') != checksum(f'{work}/out'):
        faults.append('the file that arrived is another one')
    else:
        print('  checksums are equal')
    return faults
