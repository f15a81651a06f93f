# SPDX-License-Identifier: LGPL-2.1-or-later
"""benchlib.py: what all benchmarks have in common: figures and their spread, the machine, dcsignald, and the end of a process."""

import asyncio
import contextlib
import math
import os
import platform
import re
import signal
import statistics
import subprocess
import sys


class RunError(Exception):
    """A sentence: why a run has no result."""


# --- Figures ---------------------------------------------------------------------------------------------------------


def percentile(values, percent):
    """The least value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(round(percent * len(ordered) / 100, 6)) - 1]  # 99.9 % of 1000 are not a little more than 999


def number(value):
    if value >= 99.95:
        return f'{value:.0f}'
    return f'{value:.1f}' if value >= 9.995 else f'{value:.2f}'


def spread(values, show=number):
    """The median, with the least and the most of several."""
    if not values:
        return '-'
    if len(values) == 1:
        return show(values[0])
    return f'{show(statistics.median(values))} ({show(min(values))}-{show(max(values))})'


def ratio(ours, theirs):
    """Of two medians; None where there is none."""
    if not ours or not theirs or statistics.median(theirs) == 0:
        return None
    return statistics.median(ours) / statistics.median(theirs)


# --- The machine -----------------------------------------------------------------------------------------------------


def machine():
    return {'processors': os.cpu_count(), 'kernel': platform.release(), 'load': os.getloadavg()[0]}


def heading(rounds):
    said = '1 round' if rounds == 1 else f'{rounds} rounds'
    return f'{said} on {os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}: median (least-most)'


def progress(text):
    if sys.stderr.isatty():
        print(f'\r\033[K{text}', end='', file=sys.stderr, flush=True)


def debian_version(package):
    """Empty if it is not installed."""
    with contextlib.suppress(OSError):
        command = ['dpkg-query', '-W', '-f', '${db:Status-Status} ${Version}', package]
        status, _, version = subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition(' ')
        return version if status == 'installed' else ''
    return ''


# --- Processes -------------------------------------------------------------------------------------------------------


async def end(process, number):
    """Not with Process.kill(): that may collect the exit status, which asyncio then looks for in vain."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
    await process.wait()


class Daemon:
    """dcsignald on a free port."""

    def __init__(self, program, host='127.0.0.1'):
        self.program, self.host = program, host

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            self.program, '--listen', f'{self.host}:0', stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        async for line in self.process.stdout:
            if found := re.search(rb'ws://[\d.]+:\d+', line):
                self.url = found[0].decode()
                # Nobody reads its log, but it must not block in writing it.
                self.drain = asyncio.create_task(self.process.stdout.read())
                return self
        raise RunError('dcsignald does not start')

    async def __aexit__(self, *_):
        await end(self.process, signal.SIGTERM)

    def cpu(self):
        """Microseconds, of all threads."""
        total = 0
        folder = f'/proc/{self.process.pid}/task'
        for thread in os.listdir(folder):
            with contextlib.suppress(OSError), open(f'{folder}/{thread}/schedstat', encoding='ascii') as file:
                total += int(file.read().split()[0]) // 1000
        return total
