# SPDX-License-Identifier: LGPL-2.1-or-later
"""cycles: connections, and channels of one connection, made and ended over and over, with the fast path and without; nothing may grow."""

import os

import growth
from procs import Daemon, Process, table

# What only GStreamer's own webrtcbin keeps: two threads and their bins for each closed channel before 1.24.9.
STOCK = {('channels', 'off')}
# Of heap a turn, GnuTLS keeps 448 bytes: 224 for each thread that ever asked it for random bytes, and each webrtcbin's libnice has one.
LIMITS = {what: growth.Limits(rss=1024, heap=heap, slack=64 << 10) for what, heap in (('connections', 512), ('channels', 32))}


def _run(what, fast, count, work, url, env=None, name=None):
    name = name or f'{what}-{fast}'
    process = Process(name, [os.environ['CYCLES'], what, '--count', str(count), '--signaling', url], f'{work}/{name}.log', None,
                      {'DC_FAST': fast, **(env or {})})
    status = process.wait(60 + 3 * count)
    tail = '\n    '.join(text for _, text in process.lines[-4:])
    return process, [] if status == 0 else [f'{name}: exit status {status}; its last lines:\n    {tail}']


def _channels(process):
    """DcChannels that are left, which GStreamer's tracer does not see; some may be in the hands of a thread that is just ending."""
    left = sum(int(text.partition('=')[2]) for _, text in process.find('^left channels='))
    print(f'  {process.name}: {left} channels are left')
    return [f'{process.name}: {left} channels are left, that nobody uses'] if left > 2 else []


def _leaks(what, fast, work, url):
    """Objects that are left at the end: of GStreamer's tracer. The sctpdec that keeps GStreamer's usrsctp going is one, on purpose."""
    tracer = {'GST_TRACERS': 'leaks', 'GST_DEBUG': 'GST_TRACER:7', 'GST_DEBUG_NO_COLOR': '1'}
    process, faults = _run(what, fast, 20, work, url, tracer, f'{what}-{fast}-leaks')
    ours = '' if fast == 'auto' else '(GstDataChannel|GstDc|Dc)'  # GStreamer's keep something for the process
    left = [text for _, text in process.find(rf'object-alive, type-name=\(string\){ours}\w') if 'sctpdec0' not in text]
    print(f'  {what}, fast={fast}: the leak tracer finds {len(left)} objects of {"ours" if ours else "all"} after 20 turns')
    return faults + [f'{what}, fast={fast}: {text}' for text in left[:5]]


def run(work, options):
    count = options.count or (100 if options.quick else 1000)
    daemon = Daemon(f'{work}/daemon')
    rows, faults = [], []
    for what in ('connections', 'channels'):
        for fast in options.fast:
            process, more = _run(what, fast, count, work, daemon.url, growth.EXACT)
            faults += more
            if more:
                continue
            if what == 'connections':
                faults += _channels(process)
            found = growth.Growth(what, fast, growth.samples(process))
            grown = found.faults(LIMITS[what])
            rows.append(found.row())
            if (what, fast) in STOCK:
                for text in grown:
                    print(f'  note: {text}: webrtcbin keeps what it made for a channel until 1.24.9')
            else:
                faults += grown + _leaks(what, fast, work, daemon.url)
    table(growth.HEAD, rows)
    return faults
