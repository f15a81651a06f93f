# SPDX-License-Identifier: LGPL-2.1-or-later
"""rows.py: what ./dev bench channels measures: rows, in sections that share their connections."""

from dataclasses import dataclass, replace
from fnmatch import fnmatch

LENGTHS = {'64': 64, '1k': 1024, '16k': 16384, '64k': 65536, '256k': 262144}
NAMES = {'64': '64 B', '1k': '1 KiB', '16k': '16 KiB', '64k': '64 KiB', '256k': '256 KiB'}
RTTS = (1, 20, 50, 100)  # ms
LOSSES = (0, 0.1, 1)  # percent
CROWDS = (1, 10, 100)


@dataclass(frozen=True)
class Metric:
    key: str
    title: str
    more_is_better: bool = False


# "MB" and "GB" are 10^6 and 10^9 bytes.
METRICS = {
    metric.key: metric
    for metric in (
        Metric('rate', 'MB/s', more_is_better=True),
        Metric('cpu', 'CPU s/GB'),
        Metric('rss', 'resident MiB'),
        Metric('p50', 'round trip p50, ms'),
        Metric('p99', 'round trip p99, ms'),
        Metric('p999', 'round trip p99.9, ms'),
        Metric('open', 'to open, ms'),
    )
}


@dataclass(frozen=True)
class Row:
    name: str  # within its section
    label: str
    kind: str  # 'cold', 'first', 'warm', 'rtt' or 'rate'
    length: int = 64
    who: str = 'offer'  # sends
    quick: bool = False
    full: str = ''  # with its section


@dataclass(frozen=True)
class Section:
    name: str
    group: str  # the title of the tables in which its rows are
    label: str  # of its rows in these
    processes: int
    rows: tuple
    peers: int = 1
    rtt: int = 0  # ms; 0: loopback
    loss: float = 0  # percent

    def link(self):
        """For netlab."""
        return f'rtt {self.rtt}ms loss {self.loss}%'


def rate(key, who='offer', quick=False):
    both = who == 'both'
    label = NAMES[key] + (' both ways' if both else '')
    return Row(f'{"both" if both else "rate"}-{key}', label, 'rate', LENGTHS[key], who, quick)


# The cold one is the start itself, and the warm one leaves a second connection behind: it comes last.
COLD = Row('open-cold', 'from the start of the process', 'cold', quick=True)
FIRST = Row('open-first', 'first connection', 'first', quick=True)
WARM = Row('open-warm', 'second connection', 'warm', quick=True)
RTT = Row('rtt', '64 B', 'rtt', quick=True)
LOOPBACK = (
    COLD,
    FIRST,
    RTT,
    rate('64'),
    rate('1k', quick=True),
    rate('16k'),
    rate('64k', quick=True),
    rate('256k'),
    rate('1k', 'both'),
    rate('64k', 'both', quick=True),
    WARM,
)


def lab(rtt, loss):
    quick = rtt == 50 and loss in (0, 1)
    rows = (
        replace(COLD, label='', quick=quick),
        replace(RTT, label='', quick=quick),
        # Where little arrives, long messages would make coarse steps.
        replace(rate('16k' if loss else '64k'), name='rate', label='', quick=quick),
    )
    return Section(
        f'lab/{rtt}ms-{loss:g}%', 'Two processes, emulated link', f'{rtt} ms, {loss:g} %', 2, rows, rtt=rtt, loss=loss
    )


def crowd(peers):
    rows = (
        replace(COLD, label='idle', quick=peers == 10),
        replace(rate('64k'), label='sending 64 KiB', quick=peers == 10),
    )
    label = f'{peers} {"peer" if peers == 1 else "peers"},'
    return Section(f'peers/{peers}', 'Two processes, loopback, many peers', label, 2, rows, peers=peers)


def make_sections():
    sections = [
        Section('one', 'One process, loopback', '', 1, LOOPBACK),
        Section('two', 'Two processes, loopback', '', 2, LOOPBACK),
        *(crowd(peers) for peers in CROWDS),
        *(lab(rtt, loss) for rtt in RTTS for loss in LOSSES),
    ]
    return [
        replace(section, rows=tuple(replace(row, full=f'{section.name}/{row.name}') for row in section.rows))
        for section in sections
    ]


def select(sections, patterns=(), quick=False):
    """Only the rows that match one of the patterns, if there are any; otherwise with `quick` the quick ones."""

    def wanted(row):
        if patterns:
            return any(fnmatch(row.full, pattern) or fnmatch(row.full, f'{pattern}/*') for pattern in patterns)
        return row.quick or not quick

    narrowed = (replace(section, rows=tuple(filter(wanted, section.rows))) for section in sections)
    return [section for section in narrowed if section.rows]
