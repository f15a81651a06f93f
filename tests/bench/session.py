# SPDX-License-Identifier: LGPL-2.1-or-later
"""session.py: the peers of one stack that are connected, and what is measured with them.

A session is a process, or two, that understand the commands of peers/README.md. All clocks of one figure are of one process: this one
asks, waits and divides.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import time
from dataclasses import replace

from benchlib import RunError, end, percentile

START_TIMEOUT = 15  # s, and so much more a peer:
START_TIMEOUT_PEER = 0.4
STARTS = 3  # attempts: some stacks have races
ANSWER_TIMEOUT = 10  # s
DRAIN_TIMEOUT = 4  # s
BUFFERED = 1 << 20  # bytes that may wait to be sent, of all channels together
LEAST_BUFFERED = 1 << 16
LINE_LIMIT = 32 << 20  # bytes; a line of round trips is long
MIN_FOR_P999 = 1000  # samples


class Peer:
    """A process that runs. It is ended by close()."""

    def __init__(self, process, role):
        self.process, self.role = process, role
        self.said = ''  # that was no answer

    @classmethod
    async def start(cls, command, role, environment):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            limit=LINE_LIMIT,
            env={**os.environ, **environment},
        )
        return cls(process, role)

    async def read(self, timeout):
        """The next answer. Beside them the stacks say all sorts of things."""
        try:
            while line := await asyncio.wait_for(self.process.stdout.readline(), timeout):
                text = line.decode(errors='replace').strip()
                if text.startswith('{"'):
                    return self.check(json.loads(text))
                self.said = text or self.said
        except asyncio.TimeoutError:
            raise RunError(f'the peer ({self.role}) does not answer within {timeout:g} s') from None
        raise RunError(f'the peer ({self.role}) has ended: {self.said}')

    @staticmethod
    def check(answer):
        if 'error' in answer:
            raise RunError(answer['error'])
        return answer

    async def ask(self, command, timeout=ANSWER_TIMEOUT):
        with contextlib.suppress(ConnectionError):
            self.process.stdin.write(f'{command}\n'.encode())
            await self.process.stdin.drain()
        return await self.read(timeout)

    async def close(self):
        await end(self.process, signal.SIGKILL)


class Session:
    """One stack's connected peers. `open_ms` is how long it took, from the start of the first process."""

    n_sessions = 0

    def __init__(self, stack, section, url, far_side=()):
        self.stack, self.section, self.url, self.far_side = stack, section, url, far_side
        self.peers = []
        self.is_spoiled = False  # what was sent is still under way
        self.greeting = {}
        self.open_ms = None
        self.failures = []  # sentences: starts that failed

    async def start(self):
        while True:
            try:
                await self.try_to_start()
                return
            except RunError as error:
                await self.close()
                self.failures.append(f'a start failed: {error}')
                if len(self.failures) == STARTS:
                    raise

    async def try_to_start(self):
        Session.n_sessions += 1
        room = f'bench-{os.getpid()}-{Session.n_sessions}'
        timeout = START_TIMEOUT + START_TIMEOUT_PEER * self.section.peers
        program, *arguments = self.stack.command
        command = [shutil.which(program) or program, *arguments, self.url, room]
        began = time.monotonic()
        if self.section.processes == 1:
            roles = [('both', ())]
        else:
            roles = [('answer', self.far_side), ('offer', ())]
        for role, prefix in roles:
            peer = await Peer.start([*prefix, *command, role, str(self.section.peers)], role, self.stack.environment)
            self.peers.append(peer)
        greetings = await asyncio.gather(*(peer.read(timeout) for peer in self.peers))
        self.open_ms = (time.monotonic() - began) * 1e3
        self.greeting = add_up(greetings)

    async def close(self):
        while self.peers:
            await self.peers.pop().close()

    async def ask(self, command, timeout=ANSWER_TIMEOUT):
        """All at once. Returns their answers."""
        return await asyncio.gather(*(peer.ask(command, timeout) for peer in self.peers))

    # --- What is measured --------------------------------------------------------------------------------------------

    async def measure(self, row, pace):
        return await getattr(self, f'measure_{row.kind}')(row, pace)

    async def measure_cold(self, _row, pace):
        if self.section.peers > 1:
            return {'open': self.open_ms, 'rss': resident(await self.ask('count'))}
        times = [self.open_ms]
        while len(times) < pace.opens and not self.section.rtt:
            times.append(await self.open_another())
        return {'open': statistics.median(times)}

    async def open_another(self):
        """A session that is only opened."""
        session = Session(self.stack, self.section, self.url, self.far_side)
        try:
            await session.start()
        finally:
            await session.close()
            self.failures += session.failures
        return session.open_ms

    async def time_open(self):
        """One connection more, of processes that run. In ms."""
        began = time.monotonic()
        await self.ask('open 1', START_TIMEOUT)
        return (time.monotonic() - began) * 1e3

    async def measure_first(self, _row, pace):
        """Of processes that have loaded what they are, and not yet connected: so without the start of Node, Python or the linker."""
        times = []
        while len(times) < pace.opens:
            session = Session(self.stack, replace(self.section, peers=0), self.url, self.far_side)
            try:
                await session.start()
                times.append(await session.time_open())
            finally:
                await session.close()
                self.failures += session.failures
        return {'open': statistics.median(times)}

    async def measure_warm(self, _row, pace):
        return {'open': statistics.median([await self.time_open() for _ in range(pace.opens)])}

    async def measure_rtt(self, row, pace):
        """On loopback one after the other; otherwise at fixed times, so that a loss meets those behind it."""
        interval, duration = (pace.rtt_interval, pace.rtt_lab) if self.section.rtt else (0, pace.rtt)
        await self.ask('echo 1')
        offerer = self.peers[-1]
        answer = await offerer.ask(f'ping {row.length} {int(interval * 1e6)} {int(duration * 1e3)}', duration + ANSWER_TIMEOUT)
        await self.ask('echo 0')
        return summarize(answer['rtt'])

    async def measure_rate(self, row, pace):
        high = max(BUFFERED // self.section.peers, LEAST_BUFFERED)
        warm_up, duration = (pace.warm_up_lab, pace.rate_lab) if self.section.rtt else (pace.warm_up, pace.rate)
        base = await self.ask('count')
        await self.ask(f'send {self.stack.fit(row.length)} {row.who} {high}')
        await asyncio.sleep(warm_up)
        before = await self.ask('count')
        await asyncio.sleep(duration)
        after = await self.ask('count')
        await self.ask('stop')
        result = evaluate(before, after)
        self.is_spoiled = not await self.drain(in_flight(base))
        return result

    async def drain(self, remainder):
        """Whether all that was sent has arrived in time. Of what may be lost nothing is expected."""
        began = time.monotonic()
        while not self.stack.loses:
            if in_flight(await self.ask('count')) == remainder:
                return True
            if time.monotonic() - began > DRAIN_TIMEOUT:
                return False
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        return True


# --- Figures ---------------------------------------------------------------------------------------------------------


def add_up(answers):
    """The members of several answers, which are numbers."""
    return {key: sum(answer.get(key, 0) for answer in answers) for answer in answers for key in answer}


def in_flight(counts):
    """Bytes. Round trips are received without being sent, so it may be less than none: only the difference tells something."""
    return sum(count['sent'] - count['bytes'] for count in counts)


def resident(counts):
    """MiB."""
    return sum(count['rss'] for count in counts) / 1024


def evaluate(before, after):
    """Of what each process counted at two moments of its own clock ("at", ns; "bytes" that arrived; "cpu", µs)."""
    rate = cpu = 0
    for first, last in zip(before, after):
        seconds = (last['at'] - first['at']) / 1e9
        rate += (last['bytes'] - first['bytes']) / seconds
        cpu += (last['cpu'] - first['cpu']) / 1e6 / seconds
    if rate == 0:
        raise RunError('nothing arrives')
    return {'rate': rate / 1e6, 'cpu': cpu / (rate / 1e9), 'rss': resident(after)}


def summarize(times):
    """Of round trips in µs."""
    if not times:
        raise RunError('nothing comes back')
    result = {'p50': percentile(times, 50) / 1e3, 'p99': percentile(times, 99) / 1e3, 'samples': len(times)}
    if len(times) >= MIN_FOR_P999:
        result['p999'] = percentile(times, 99.9) / 1e3
    return result
