#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""peer.py URL ROOM offer|answer|both N: a peer of `./dev bench channels` (see README.md) with aiortc."""

import asyncio
import collections
import json
import os
import re
import resource
import sys
import time

import websockets

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../interop'))
import echo  # noqa: E402


def say(**fields):
    print(json.dumps(fields), flush=True)


class End:
    """One end of a channel."""

    def __init__(self, bench, offers):
        self.bench, self.offers = bench, offers
        self.channel = None
        self.bytes = self.messages = self.sent = 0
        self.opened = asyncio.Event()
        self.task = None

    def attach(self, channel):
        self.channel = channel
        channel.on('message', self.receive)
        channel.on('open', self.opened.set)
        if channel.readyState == 'open':
            self.opened.set()

    def receive(self, data):
        self.bytes += len(data)
        self.messages += 1
        if not self.bench.echoing:
            return
        if self.offers:
            self.bench.ping.back()
        else:
            self.channel.send(data)

    async def send(self, length, high):
        data = bytes(length)
        room = asyncio.Event()
        self.channel.bufferedAmountLowThreshold = high // 2
        self.channel.on('bufferedamountlow', room.set)
        while True:
            while self.channel.bufferedAmount < high:
                self.channel.send(data)
                self.sent += length
            room.clear()
            await room.wait()


class Ping:
    """Round trips on the first channel: one after the other, or with an interval (in µs) whether the one before is back or not."""

    def __init__(self, end, length, interval, duration):
        self.end, self.data, self.interval = end, bytes(length), interval / 1e6
        self.under, self.times = collections.deque(), []
        self.until = time.monotonic() + duration / 1e3
        self.more = True
        self.done = asyncio.Event()

    def send(self):
        self.under.append(time.monotonic_ns())
        self.end.channel.send(self.data)

    def back(self):
        self.times.append((time.monotonic_ns() - self.under.popleft()) / 1e3)
        if not self.interval:
            self.more = time.monotonic() < self.until
            if self.more:
                self.send()
        if not self.more and not self.under:
            self.done.set()

    async def run(self):
        due = time.monotonic()
        if not self.interval:
            self.send()
        while self.interval and self.more:
            self.send()
            due += self.interval
            self.more = due < self.until
            await asyncio.sleep(max(0, due - time.monotonic()))
        await self.done.wait()
        say(rtt=self.times)


class Bench:
    def __init__(self, url, room, role):
        self.url, self.room, self.role = url, room, role
        self.ends, self.tasks = [], []
        self.echoing, self.ping = False, None

    async def meet(self, number, end):
        channels = [{'label': 'bench'}] if end.offers else []
        arguments = (f'{self.room}-{number}', 'offer' if end.offers else 'answer', end.offers, channels)
        async with websockets.connect(f'{self.url}/v1/ws', subprotocols=['datachannel.v1']) as socket:
            await echo.Meeting(socket, *arguments, attach=end.attach).run()

    async def open(self, n):
        roles = [offers for offers in (False, True) if self.role in ('both', 'offer' if offers else 'answer')]
        begin = len(self.ends) // len(roles)
        added = [(number, End(self, offers)) for number in range(begin, begin + n) for offers in roles]
        for number, end in added:
            self.ends.append(end)
            self.tasks.append(asyncio.create_task(self.meet(number, end)))
        for _, end in added:
            await end.opened.wait()
        say(open=len(self.ends))

    def count(self):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        with open('/proc/self/status', encoding='ascii') as file:
            rss = int(re.search(r'VmRSS:\s+(\d+)', file.read())[1])
        totals = {key: sum(getattr(end, key) for end in self.ends) for key in ('bytes', 'messages', 'sent')}
        say(at=time.monotonic_ns(), cpu=int((usage.ru_utime + usage.ru_stime) * 1e6), rss=rss, **totals)

    def start(self, length, who, high):
        for end in self.ends:
            if who in ('both', 'offer' if end.offers else 'answer'):
                end.task = asyncio.create_task(end.send(int(length), int(high)))
                end.task.add_done_callback(report)
        say(sending=True)

    def stop(self):
        for end in self.ends:
            if end.task:
                end.task.cancel()
        self.count()

    def obey(self, command, *words):
        if command == 'open':
            self.spawn(self.open(int(words[0])))
        elif command == 'send':
            self.start(*words)
        elif command == 'echo':
            self.echoing = words[0] == '1'
            say(echo=self.echoing)
        elif command == 'ping':
            self.ping = Ping(next(end for end in self.ends if end.offers), *map(int, words))
            self.spawn(self.ping.run())
        else:
            {'count': self.count, 'stop': self.stop}[command]()

    def spawn(self, work):
        task = asyncio.create_task(work)
        task.add_done_callback(report)
        self.tasks.append(task)


def report(task):
    if not task.cancelled() and task.exception():
        say(error=repr(task.exception()))


async def main():
    url, room, role, n = sys.argv[1:]
    bench = Bench(url, room, role)
    loop = asyncio.get_running_loop()
    bench.spawn(bench.open(int(n)))
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        bench.obey(*line.split())


if __name__ == '__main__':
    asyncio.run(main())
