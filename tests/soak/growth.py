# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether a process that does the same thing again and again holds more and more: the mean of one part beside that of a later one."""

import re
import statistics
from dataclasses import dataclass

from procs import Failure

_SAMPLE = re.compile(r'^sample (\S+) fds=(\d+) threads=(\d+) rss=(\d+) heap=(\d+)$')
# For the environment: without what malloc and GSlice keep ready for each thread, so that the heap is what somebody holds.
EXACT = {'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=0:glibc.malloc.arena_max=1', 'G_SLICE': 'always-malloc'}
FIELDS = ('fds', 'threads', 'rss', 'heap')
HEAD = ['of', 'fast', 'turns', 'fds', 'threads', 'MiB', 'heap MiB', 'bytes a turn', 'heap bytes a turn']


@dataclass(frozen=True)
class Limits:
    """What the two means may be apart: descriptors and threads in all, bytes for each turn."""

    fds: float = 1
    threads: float = 2
    rss: float = 4096
    heap: float = 2048
    slack: float = 2 << 20  # bytes in all: what is not full after a few turns, such as caches


def parse(text):
    """A dictionary, or None."""
    match = _SAMPLE.match(text)
    return dict(zip(FIELDS, (int(value) for value in match.groups()[1:]))) if match else None


def samples(process):
    """A list of dictionaries."""
    return [sample for _, text in process.find('^sample ') if (sample := parse(text))]


class Growth:
    def __init__(self, name, fast, series, early=(1 / 4, 1 / 2), late=(3 / 4, 1)):
        """Of @series, two parts are compared: where they begin and end."""
        self.name, self.fast, self.n = name, fast, len(series)
        self.early, self.late = self._means(early, series), self._means(late, series)
        self.apart = self.n * (sum(late) - sum(early)) / 2  # turns between the middles of the two

    def _means(self, part, series):
        begin, end = (round(self.n * at) for at in part)
        if end - begin < 2:
            raise Failure(f'{self.name}: {self.n} samples are too few')
        return {field: statistics.fmean(sample[field] for sample in series[begin:end]) for field in FIELDS}

    def a_turn(self, field):
        return (self.late[field] - self.early[field]) / self.apart

    def row(self):
        def pair(field, scale=1, digits=1):
            return f'{self.early[field] / scale:.{digits}f} {self.late[field] / scale:.{digits}f}'
        return [self.name, self.fast, self.n, pair('fds'), pair('threads'), pair('rss', 1 << 20), pair('heap', 1 << 20),
                f"{self.a_turn('rss'):.0f}", f"{self.a_turn('heap'):.0f}"]

    def faults(self, limits=Limits()):
        """Sentences."""
        found = []
        for field, limit in (('fds', limits.fds), ('threads', limits.threads)):
            if self.late[field] - self.early[field] > limit:
                found.append(f'{field} grew from {self.early[field]:.1f} to {self.late[field]:.1f}')
        for field, limit in (('rss', limits.rss), ('heap', limits.heap)):
            if self.late[field] - self.early[field] > limit * self.apart + limits.slack:
                found.append(f'{field} grows by {self.a_turn(field):.0f} bytes a turn')
        return [f'{self.name}, fast={self.fast}: {text}' for text in found]
