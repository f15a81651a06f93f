#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""elements.py: datachannelsink/datachannelsrc beside GStreamer's own ways between two programs. HACKING.md tells how to read it.

Each run is a sender and a receiver (bench-elements), two processes that talk over 127.0.0.1. The transports take turns within a
round, so that a busy moment of the machine meets all of them; what counts is the median over the rounds.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from benchlib import Daemon, RunError, end, heading, machine, number, percentile, progress, ratio, spread

MIB = 1 << 20
RUN_TIMEOUT = 20  # s; a run takes three
STOP_TIMEOUT = 2  # s
FIRST_SIZE = 8 * MIB  # of the run that tells how fast a transport is
MAX_SIZE = 256 * MIB  # tcpserversink keeps in memory what its clients have not yet taken
FAN_OUT = 3  # receivers


@dataclass(frozen=True)
class Transport:
    name: str
    sender: str
    receiver: str
    listens: str = 'send'  # which side starts first
    many: str | None = None  # what the sender needs beside that to serve several receivers; None: it cannot
    loses: bool = False  # by design
    bare: bool = False  # no elements, but bench-bare and its words; as fast as it goes, and to one receiver
    remark: str = ''

    def elements(self):
        return [] if self.bare else [self.sender.split()[0], self.receiver.split()[0]]


# srtsink has to be the caller: as a listener it disconnects whoever's buffer is full.
SRT = 'name=element uri=srt://127.0.0.1:{port}?mode='
SRT_LOSSLESS = '&latency=20&tlpktdrop=false'
TRANSPORTS = [
    Transport(
        'datachannel',
        'datachannelsink name=element sync=false signaling={url} room={room}',
        'datachannelsrc name=element signaling={url} room={room}',
        many='max-receivers={receivers}',
        remark='datachannelsink, datachannelsrc: encrypted, with back-pressure',
    ),
    Transport('channel', '{url} {room} link', '{url} {room} link', bare=True, remark='DcChannel in C, without a pipeline: what the elements cost'),
    Transport(
        'datachannel raw',
        'datachannelsink name=element sync=false mode=raw signaling={url} room={room}',
        'datachannelsrc name=element mode=raw signaling={url} room={room}',
        remark="the same in raw mode, without the link protocol's frames",
    ),
    Transport('channel raw', '{url} {room} raw', '{url} {room} raw', bare=True, remark='DcChannel in C, in raw mode'),
    Transport(
        'tcpserversink',
        'tcpserversink name=element sync=false host=127.0.0.1 port=0',
        'tcpclientsrc name=element host=127.0.0.1 port={port}',
        many='',
        remark='to tcpclientsrc: in clear, no back-pressure (what is not yet sent is kept in memory, without a bound)',
    ),
    Transport(
        'tcpclientsink',
        'tcpclientsink name=element sync=false host=127.0.0.1 port={port}',
        'tcpserversrc name=element host=127.0.0.1 port=0',
        listens='receive',
        remark='to tcpserversrc: in clear, with back-pressure',
    ),
    Transport(
        'srt',
        f'srtsink sync=false {SRT}caller',
        f'srtsrc {SRT}listener',
        listens='receive',
        loses=True,
        remark='srtsink to srtsrc as they are: live, 125 ms of latency, what is late is dropped; in clear',
    ),
    Transport(
        'srt 20 ms',
        f'srtsink sync=false {SRT}caller{SRT_LOSSLESS}',
        f'srtsrc {SRT}listener{SRT_LOSSLESS}',
        listens='receive',
        loses=True,
        remark='the same with latency=20 (which nothing can then undercut) and tlpktdrop=false',
    ),
]


@dataclass(frozen=True)
class Stream:
    name: str
    title: str
    length: int  # of a buffer
    interval: int = 0  # µs from one to the next; 0: as fast as they are taken
    receivers: int = 1


STREAMS = [
    Stream('64k', 'As fast as it goes, buffers of 64 KiB', 65536),
    Stream('1k', 'As fast as it goes, buffers of 1 KiB', 1024),
    Stream('64k-3', f'As fast as it goes, buffers of 64 KiB, to {FAN_OUT} receivers', 65536, receivers=FAN_OUT),
    Stream('messages', 'Paced: 1 KiB every 5 ms', 1024, 5000),
    Stream('frames', 'Paced: 20 KiB, 30 times a second', 20480, 33333),
]


@dataclass(frozen=True)
class Column:
    key: str
    title: str
    paced: bool | None = None  # None: of all streams
    only_most: bool = False  # instead of the median and the range


# "MB" and "GB" are 10^6 and 10^9 bytes.
COLUMNS = [
    Column('rate', 'MB/s', False),
    Column('cpu', 'CPU s/GB', False),
    Column('p50', 'p50 ms', True),
    Column('p99', 'p99 ms', True),
    Column('start', 'first after ms'),
    Column('setup_cpu', 'for CPU ms'),
    Column('sender_memory', 'send MiB', only_most=True),
    Column('receiver_memory', 'recv MiB', only_most=True),
]


@dataclass
class Cell:
    """All runs of one transport with one stream."""

    rounds: list = field(default_factory=list)
    errors: list = field(default_factory=list)

    def values(self, key):
        return [result[key] for result in self.rounds if result[key] is not None]

    def is_hopeless(self):
        """Whether more runs would only take time."""
        return len(self.errors) + sum(result['lost'] > 0.01 for result in self.rounds) >= 2


# --- Processes -------------------------------------------------------------------------------------------------------


class Side:
    """A bench-elements that runs. `async with` ends it, whatever happens."""

    def __init__(self, program, arguments):
        self.name = arguments[0]
        self.command = [program, *arguments]

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, limit=8 * MIB
        )
        return self

    async def __aexit__(self, *_):
        await end(self.process, signal.SIGKILL)

    async def expect(self, word):
        """The rest of the line that begins with that word. A process that ends instead tells why in its report."""
        line = (await self.process.stdout.readline()).decode()
        if line.startswith(word):
            return line[len(word) :].strip()
        if line.startswith('{'):
            raise RunError(f'{self.name}: {json.loads(line)["error"]}')
        raise RunError(f'{self.name}: no "{word}" but "{line.strip()}"')

    async def finish(self):
        """Tells it that it is not needed any more; returns its report."""
        self.process.stdin.close()
        while line := (await self.process.stdout.readline()).decode():
            if line.startswith('{'):
                break
        else:
            raise RunError(f'{self.name}: ended without a report')
        report = json.loads(line)
        if report['error']:
            raise RunError(f'{self.name}: {report["error"]}')
        # Then it stops its pipeline. srtsink and srtsrc sometimes do not come back from that; what they did counts all the same.
        try:
            await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT)
        except asyncio.TimeoutError:
            report['hangs'] = True
        return report


# --- A run -----------------------------------------------------------------------------------------------------------


def free_port():
    """A UDP port that was free a moment ago; srtsink does not tell which one it got."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


class Bench:
    def __init__(self, program, bare, daemon):
        self.program = program
        self.bare = bare
        self.daemon = daemon
        self.n_runs = 0
        self.stage = ''  # what the present run waits for

    async def run(self, transport, stream, records):
        try:
            return await asyncio.wait_for(self.run_sides(transport, stream, records), RUN_TIMEOUT)
        except asyncio.TimeoutError:
            raise RunError(f'not done within {RUN_TIMEOUT} s: {self.stage}') from None

    async def run_sides(self, transport, stream, records):
        self.n_runs += 1
        words = {
            'url': self.daemon.url,
            'room': f'bench{self.n_runs}',
            'port': free_port(),
            'receivers': stream.receivers,
        }
        options = [f'--length={stream.length}', f'--records={records}', f'--interval={stream.interval}']
        options += [f'--skip={skipped(stream)}', f'--receivers={stream.receivers}']

        def side(which, element):
            return Side(self.bare if transport.bare else self.program, [which, *options, element.format(**words)])

        sender = transport.sender
        if stream.receivers > 1:
            sender += ' ' + transport.many
        daemon_cpu = self.daemon.cpu()
        async with contextlib.AsyncExitStack() as stack:
            order = ['send'] + ['receive'] * stream.receivers
            if transport.listens == 'receive':
                order.reverse()
            sides = []
            for which in order:
                element = sender if which == 'send' else transport.receiver
                self.stage = f'{which} does not start'
                sides.append(await stack.enter_async_context(side(which, element)))
                port = int(await sides[-1].expect('ready'))
                words['port'] = port or words['port']
            sides.sort(key=lambda s: s.name)  # the receivers first
            *receivers, sender = sides
            self.stage = 'nothing more arrives'
            await self.await_complete(sender, receivers)
            # The sender first: it may still wait for the receivers to confirm the end.
            self.stage = 'send does not end'
            sent = await sender.finish()
            self.stage = 'receive does not end'
            received = [await receiver.finish() for receiver in receivers]
        return evaluate(transport, stream, records, sent, received, self.daemon.cpu() - daemon_cpu)

    @staticmethod
    async def await_complete(sender, receivers):
        """Until all receivers have what they will get. Some sender's end, too, is only known once they have it."""
        waits = [asyncio.create_task(receiver.expect('complete')) for receiver in receivers]
        watch = asyncio.create_task(sender.expect('complete'))
        try:
            pending = {watch, *waits}
            while pending & set(waits):
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in (watch, *waits):
                task.cancel()
            await asyncio.gather(watch, *waits, return_exceptions=True)


def skipped(stream):
    """The first 0.3 s of a paced stream are not counted."""
    return 300_000 // stream.interval if stream.interval else 0


def evaluate(transport, stream, records, sent, received, daemon_cpu):
    expected = records * stream.length
    arrived = min(report['records'] for report in received) * stream.length
    if arrived == 0:
        raise RunError('nothing arrived')
    if arrived != expected and not transport.loses:
        raise RunError(f'{arrived} of {expected} bytes arrived whole')
    if not transport.loses and any(report.get('hangs') for report in (sent, *received)):
        raise RunError(f'does not stop within {STOP_TIMEOUT} s')
    if not sent['eos'] and not transport.loses:
        raise RunError('the sender did not come to its end')

    first = min(report['first'] for report in received)
    seconds = (max(report['last'] for report in received) - first) / 1e9
    is_whole = arrived == expected and seconds > 0  # to drop most of it would look fast
    reports = [sent, *received]
    cpu = sum(report['cpu'] for report in reports) + daemon_cpu
    latencies = [latency for report in received for latency in report['latencies']]
    return {
        'rate': (arrived - stream.length) / seconds / 1e6 if is_whole else None,
        'cpu': cpu / 1e6 / (len(received) * arrived / 1e9) if is_whole else None,
        'p50': percentile(latencies, 50) / 1e3 if latencies else None,
        'p99': percentile(latencies, 99) / 1e3 if latencies else None,
        'start': max(r['start'] - max(r['playing'], sent['playing']) for r in received) / 1e6,
        'setup_cpu': sum(report['setup_cpu'] for report in reports) / 1e3,
        'sender_memory': sent['memory'] / 1024,
        'receiver_memory': max(report['memory'] for report in received) / 1024,
        'lost': 1 - arrived / expected,
        'hangs': any(report.get('hangs') for report in reports),
        'bytes': expected,
        'seconds': seconds,
    }


# --- All runs --------------------------------------------------------------------------------------------------------


def describe(element):
    """What gst-inspect-1.0 has to say; nothing if there is no such element."""
    return subprocess.run(['gst-inspect-1.0', element], capture_output=True, text=True, check=False).stdout


def has_property(element, name):
    return re.search(rf'^  {re.escape(name)} +:', describe(element), re.M) is not None


def find_transports(only):
    found = []
    for transport in TRANSPORTS:
        if only and transport.name not in only:
            continue
        missing = [name for name in transport.elements() if not describe(name)]
        if missing:
            print(f'{transport.name}: skipped, {" and ".join(missing)} not installed')
        else:
            found.append(transport)
    return found


def find_pairs(transports, only):
    """What is run with what."""
    pairs = []
    for stream in STREAMS:
        if only and stream.name not in only:
            continue
        for transport in transports:
            if (stream.receivers > 1 and transport.many is None) or (stream.interval and transport.bare):
                continue
            name = transport.many.split('=')[0] if stream.receivers > 1 else ''
            if name and not has_property(transport.elements()[0], name):
                print(f'{transport.name}: not to {stream.receivers} receivers, {transport.elements()[0]} has no {name}')
                continue
            pairs.append((stream, transport))
    return pairs


class Plan:
    """How much each run sends, and for how long all may go on."""

    def __init__(self, options):
        self.rounds = options.rounds or (1 if options.quick else 5)
        self.seconds = 0.5 if options.quick else 1.2
        self.paced_seconds = 1 if options.quick else 2
        self.limit = 60 if options.quick else 270
        self.sizes = {}

    def records(self, stream, transport):
        if stream.interval:
            return int(self.paced_seconds * 1e6) // stream.interval
        return max(2, self.sizes[stream.name, transport.name] // stream.length)

    def learn(self, stream, transport, rate):
        size = int(rate * 1e6 * self.seconds)
        self.sizes[stream.name, transport.name] = min(max(size, FIRST_SIZE), MAX_SIZE)


async def measure(bench, plan, pairs):
    """Returns {(stream, transport): Cell} and how many rounds there were."""
    cells = {(stream.name, transport.name): Cell() for stream, transport in pairs}
    began = time.monotonic()

    async def attempt(stream, transport, records):
        cell = cells[stream.name, transport.name]
        try:
            return await bench.run(transport, stream, records)
        except RunError as error:
            cell.errors.append(str(error))
            return None

    for stream, transport in pairs:
        if not stream.interval:
            progress(f'how fast is {transport.name} with {stream.name}?')
            result = await attempt(stream, transport, FIRST_SIZE // stream.length)
            plan.learn(stream, transport, result['rate'] if result and result['rate'] else 0)

    done = 0
    while done < plan.rounds:
        round_began = time.monotonic()
        shift = done % len(pairs)
        for stream, transport in pairs[shift:] + pairs[:shift]:
            cell = cells[stream.name, transport.name]
            if cell.is_hopeless():
                continue
            progress(f'round {done + 1} of {plan.rounds}: {transport.name} with {stream.name}')
            if result := await attempt(stream, transport, plan.records(stream, transport)):
                cell.rounds.append(result)
        done += 1
        now = time.monotonic()
        if now - began + (now - round_began) > plan.limit:
            break
    progress('')
    return cells, done


# --- The report ------------------------------------------------------------------------------------------------------


def show(column, cell):
    values = cell.values(column.key)
    if values and column.only_most:
        return number(max(values))
    return spread(values)


def print_stream(stream, transports, cells):
    columns = [column for column in COLUMNS if column.paced in (None, bool(stream.interval))]
    present = [transport for transport in transports if (stream.name, transport.name) in cells]
    if not present:
        return

    def line(name, texts):
        return f'  {name:25}' + ''.join(f'{t:>{10 if c.only_most else 20}}' for c, t in zip(columns, texts))

    print(f'\n{stream.title}')
    print(line('', [column.title for column in columns]))
    for transport in present:
        cell = cells[stream.name, transport.name]
        print(line(transport.name, [show(column, cell) for column in columns]) + remarks(cell))
    for transport in present:
        name = 'datachannel raw' if transport.name == 'channel raw' else 'datachannel'
        ours, theirs = cells.get((stream.name, name)), cells[stream.name, transport.name]
        if ours and not transport.name.startswith('datachannel'):
            ratios = [ratio(ours.values(column.key), theirs.values(column.key)) for column in columns]
            texts = ['-' if value is None else f'{value:.3g}x' for value in ratios]
            print(line(f'{name}/{transport.name}', texts))


def remarks(cell):
    text = ''
    lost = cell.values('lost')
    if any(lost):
        text += f'  LOST up to {100 * max(lost):.2g} % in {sum(map(bool, lost))} of {len(lost)}'
    if hangs := sum(cell.values('hangs')):
        text += f'  HUNG when stopped: {hangs}'
    if cell.errors:
        text += f'  FAILED {len(cell.errors)}: {cell.errors[-1]}'
    return text


def print_report(transports, cells, done):
    print(heading(done))
    for transport in transports:
        print(f'  {transport.name}: {transport.remark}')
    for stream in STREAMS:
        print_stream(stream, transports, cells)


def as_json(transports, cells, done):
    results = []
    for (stream, transport), cell in cells.items():
        medians = {c.key: statistics.median(cell.values(c.key)) if cell.values(c.key) else None for c in COLUMNS}
        results.append(
            {'stream': stream, 'transport': transport, 'median': medians, 'rounds': cell.rounds, 'errors': cell.errors}
        )
    return {
        'machine': machine(),
        'rounds': done,
        'transports': {t.name: {'sender': t.sender, 'receiver': t.receiver} for t in transports},
        'results': results,
    }


def parse():
    parser = argparse.ArgumentParser(prog='bench elements', description=__doc__.split('\n\n')[0].split(': ', 1)[1])
    parser.add_argument('--quick', action='store_true', help='one minute instead of five')
    parser.add_argument('--only', action='append', metavar='NAME', help='this transport only; repeatable')
    parser.add_argument('--stream', action='append', choices=[stream.name for stream in STREAMS], help='this one only; repeatable')
    parser.add_argument('--rounds', type=int, metavar='N', help='5, with --quick 1; fewer if time is short')
    parser.add_argument('--json', type=argparse.FileType('w'), metavar='FILE', help='all figures of all runs')
    options = parser.parse_args()
    for name in options.only or []:
        if name not in [transport.name for transport in TRANSPORTS]:
            parser.error(f'there is no transport {name}')
    if options.rounds is not None and options.rounds < 1:
        parser.error('--rounds takes a number from 1 on')
    return options


async def main():
    options = parse()
    program, bare = os.environ.get('BENCH_ELEMENTS'), os.environ.get('BENCH_BARE')
    dcsignald = os.environ.get('DCSIGNALD') or 'dcsignald'
    if not program or not bare or not shutil.which(dcsignald):
        sys.exit('elements.py: run it as ./dev bench elements')
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)

    transports = find_transports(options.only)
    async with Daemon(dcsignald) as daemon:
        cells, done = await measure(Bench(program, bare, daemon), Plan(options), find_pairs(transports, options.stream))
    print_report(transports, cells, done)
    if options.json:
        with options.json as file:
            json.dump(as_json(transports, cells, done), file, indent=1)
            file.write('\n')
    return 1 if any(cell.errors for cell in cells.values()) else 0


if __name__ == '__main__':
    try:
        sys.exit(asyncio.run(main()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
