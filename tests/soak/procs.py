# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the long suites share: processes whose memory and lines are watched, a signaling daemon, tables."""

import hashlib
import os
import random
import re
import signal
import subprocess
import threading
import time

MIB = 1 << 20
SAMPLE_S = 0.1
# How far a process may grow beyond what it was when its channel was connected.
MAX_GROWTH = 64 * MIB

_running = set()
_lock = threading.Lock()
_stopped = False


class Failure(Exception):
    """A sentence that says what did not hold."""


def _rss(pid):
    try:
        with open(f'/proc/{pid}/statm', encoding='ascii') as file:
            return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
    except (OSError, IndexError):
        return 0


class Process:
    """A child in a process group of its own. Its output goes to a file, line by line; its memory is sampled from the line that
    matches `baseline` on (a pattern; None: from the start)."""

    def __init__(self, name, argv, log, baseline='datachannel-connected', env=None):
        self.name = name
        self.path = log
        self.lines = []  # (seconds since the start, text)
        self.base = self.peak = 0
        self._baseline = re.compile(baseline) if baseline else None
        self._news = threading.Condition()
        self._closed = False
        self.began = time.monotonic()
        self.ended = None
        with _lock:
            if _stopped:
                raise Failure('interrupted')
            self.child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                          start_new_session=True, env={**os.environ, **(env or {})})
            _running.add(self)
        self._threads = [threading.Thread(target=job, daemon=True) for job in (self._read, self._sample)]
        for thread in self._threads:
            thread.start()

    def _read(self):
        with open(self.path, 'wb') as log, self.child.stdout as output:
            for raw in output:
                log.write(raw)
                log.flush()
                text = raw.decode('utf-8', 'replace').rstrip('\n')
                with self._news:
                    self.lines.append((time.monotonic() - self.began, text))
                    if not self.base and self._baseline and self._baseline.search(text):
                        self.base = self.peak = _rss(self.child.pid)
                    self._news.notify_all()
        with self._news:
            self._closed = True
            self._news.notify_all()

    def _sample(self):
        while self.child.poll() is None:
            rss = _rss(self.child.pid)
            with self._news:
                if not self.base and not self._baseline:
                    self.base = rss
                if self.base:
                    self.peak = max(self.peak, rss)
                self._news.wait(SAMPLE_S)
        self.ended = time.monotonic() - self.began

    @property
    def growth(self):
        return self.peak - self.base

    def find(self, pattern):
        """(seconds, text) of all lines so far that match."""
        with self._news:
            return [line for line in self.lines if re.search(pattern, line[1])]

    def wait_line(self, pattern, timeout):
        deadline = time.monotonic() + timeout
        while True:
            found = self.find(pattern)
            if found:
                return found[0]
            with self._news:
                left = deadline - time.monotonic()
                if self._closed or left <= 0:
                    tail = '\n    '.join(text for _, text in self.lines[-8:])
                    raise Failure(f'{self.name}: no line with "{pattern}" in {timeout} s; its last ones:\n    {tail}')
                self._news.wait(min(left, 1))

    def wait(self, timeout):
        """The exit status, as a shell has it."""
        try:
            status = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f'{self.name}: still running after {timeout:.0f} s') from None
        for thread in self._threads:
            thread.join(10)
        with _lock:
            _running.discard(self)
        return status if status >= 0 else 128 - status

    def kill(self, number=signal.SIGKILL):
        try:
            os.killpg(self.child.pid, number)
        except ProcessLookupError:
            pass

    def stop(self):
        self.kill()
        self.wait(10)


def stop_all():
    """Nothing that was started here is left, and nothing more is started."""
    global _stopped
    with _lock:
        _stopped = True
        running = list(_running)
    for process in running:
        process.kill()
        process.child.wait()


class Daemon:
    """dcsignald on 127.0.0.1; may be killed and come back on the same port."""

    def __init__(self, log):
        self._log = log
        self._starts = 0
        self._address = '127.0.0.1:0'
        self.start()

    def start(self):
        self._starts += 1
        self.process = Process('dcsignald', ['dcsignald', '--listen', self._address], f'{self._log}.{self._starts}.log', None)
        _, line = self.process.wait_line(r'ws://127\.0\.0\.1:\d+', 10)
        self.url = re.search(r'ws://127\.0\.0\.1:\d+', line).group()
        self._address = self.url.removeprefix('ws://')

    def kill(self):
        self.process.stop()


def launch(name, pipeline, log, url):
    """gst-launch-1.0, with all messages."""
    return Process(name, ['gst-launch-1.0', '-m', *pipeline.split()], log, env={'DC_SIGNALING': url})


def make_file(path, size, seed):
    source = random.Random(seed)
    with open(path, 'wb') as file:
        for _ in range(0, size, MIB):
            file.write(source.randbytes(min(MIB, size)))


def checksum(path):
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as file:
            while chunk := file.read(MIB):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def mib(size):
    return f'{size / MIB:.1f}'


def table(head, rows):
    rows = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        print('  ' + '  '.join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), flush=True)


def check_growth(processes):
    """A list of sentences."""
    faults = []
    for process in processes:
        if not process.base:
            faults.append(f'{process.name} never connected, so its memory was not measured')
        elif process.growth >= MAX_GROWTH:
            faults.append(f'{process.name} grew by {mib(process.growth)} MiB, more than {mib(MAX_GROWTH)}')
    return faults
