# SPDX-License-Identifier: LGPL-2.1-or-later
"""slow: a consumer of 1 MB/s before a producer of 100 MB/s: alone, and beside two fast ones in each mode of slow-consumer."""

import os
import re
import time

from procs import Daemon, Failure, Process, check_growth, mib, table

PRODUCER = 100e6
SLOW = 1e6
# Two fast ones alone, which the others are compared to.
REFERENCE_S = 15
# How far from 1 MB/s a rate may be that shall be 1 MB/s.
TOLERANCE = 0.15
# What the fast ones must have of their rate without a slow one. The machine does a third receiver's work beside them.
MIN_RATIO = 0.7


def _flow(name, work, daemon, *words):
    return Process(name, [os.environ['FLOW'], *words], f'{work}/{name}.log', env={'DC_SIGNALING': daemon.url})


def _summary(process):
    """The numbers of its last line."""
    lines = process.find(r'^flow: bytes=')
    if not lines:
        return {'bytes': 0.0, 'rate': 0.0, 'units': 0.0, 'gaps': 0.0, 'faults': 0.0}
    return {key: float(value) for key, value in re.findall(r'(\w+)=([\d.]+)', lines[-1][1])}


class _Run:
    """One producer and its receivers, of which the rates are given (0: fast)."""

    def __init__(self, label, work, daemon, seconds, mode, rates):
        self.label = label
        many = f'max-receivers={len(rates)} slow-consumer={mode}' if len(rates) > 1 else ''
        self.receivers = [
            _flow(f'{label}-{"slow" if rate else "fast"}-{i}', work, daemon, 'receive', '--rate', str(rate),
                  f'datachannelsrc room={label}') for i, rate in enumerate(rates)]
        for receiver in self.receivers:
            receiver.wait_line('datachannel-registered', 20)
        self.sender = _flow(f'{label}-sender', work, daemon, 'send', '--rate', str(PRODUCER), '--seconds', str(seconds),
                            '--receivers', str(len(rates)), f'datachannelsink room={label} {many}')
        deadline = time.monotonic() + seconds + 60
        self.status = {process: process.wait(max(1.0, deadline - time.monotonic()))
                       for process in (self.sender, *self.receivers)}
        self.numbers = {process: _summary(process) for process in self.status}

    def rows(self):
        for process in (self.sender, *self.receivers):
            numbers = self.numbers[process]
            yield [process.name, self.status[process], f"{numbers['rate'] / 1e6:.2f}", f"{numbers['units']:.0f}",
                   f"{numbers['gaps']:.0f}", f"{numbers['faults']:.0f}", mib(process.base), mib(process.growth)]

    def rate(self, process):
        return self.numbers[process]['rate']

    def slow(self):
        return [process for process in self.receivers if '-slow-' in process.name]

    def fast(self):
        return [process for process in self.receivers if '-fast-' in process.name]

    def check(self, failing=()):
        """What holds for every run; `failing` may exit with an error."""
        faults = check_growth([self.sender, *self.receivers])
        for process, status in self.status.items():
            if status != 0 and process not in failing:
                error = '; '.join(text for _, text in process.find('ERROR|came instead')[:1])
                faults.append(f'{process.name} exited with {status}: {error}')
            if self.numbers[process]['faults']:
                faults.append(f'{process.name} got what may not come there')
        return faults

    def check_pace(self, process):
        rate = self.rate(process)
        if abs(rate - SLOW) <= TOLERANCE * SLOW:
            return []
        return [f'{process.name}: {rate / 1e6:.2f} MB/s instead of {SLOW / 1e6:.0f}']


def _mean_fast(run):
    return sum(run.rate(process) for process in run.fast()) / len(run.fast())


def _check_fast(run, reference):
    """The fast ones beside those of the run without a slow one. In the mean: which of two gets more is up to chance."""
    rate, alone = _mean_fast(run), _mean_fast(reference)
    ratio = rate / alone if alone else 0
    print(f'  {run.label}: the fast ones have {rate / 1e6:.1f} MB/s in the mean, {ratio:.2f} of the {alone / 1e6:.1f} MB/s '
          'that two have without a slow one')
    return [] if ratio >= MIN_RATIO else [f'{run.label}: the fast ones have less than {MIN_RATIO} of their rate']


def _check_alone(run, _):
    return run.check() + run.check_pace(run.sender) + run.check_pace(run.slow()[0])


def _check_reference(run, _):
    return run.check()


def _check_block(run, _):
    faults = run.check()
    for process in (run.sender, *run.receivers):
        faults += run.check_pace(process)
    return faults


def _check_drop(run, reference):
    faults = run.check() + _check_fast(run, reference)
    slow = run.slow()[0]
    if not run.numbers[slow]['gaps']:
        faults.append(f'{slow.name} missed nothing')
    return faults + run.check_pace(slow)


def _check_disconnect(run, reference):
    slow = run.slow()[0]
    faults = run.check(failing=[slow]) + _check_fast(run, reference)
    if run.status[slow] == 0 or not slow.find('flow: ERROR: .*too slow'):
        faults.append(f'{slow.name} was not told that it is too slow')
    if not run.sender.find('datachannel-peer-left'):
        faults.append(f'{run.sender.name} posted no datachannel-peer-left')
    return faults


def run(work, options):
    seed, quick = options.seed, options.quick
    seconds = 15 if quick else 60
    # (label, seconds, mode, rates, check, which sees the run before it too)
    plan = [
        ('alone', seconds, '', [SLOW], _check_alone),
        ('block', seconds, 'block', [0, SLOW, 0], _check_block),
        ('drop-two', REFERENCE_S, 'drop', [0, 0], _check_reference),
        ('drop', seconds, 'drop', [0, SLOW, 0], _check_drop),
        ('disconnect-two', REFERENCE_S, 'disconnect', [0, 0], _check_reference),
        ('disconnect', max(seconds, 30), 'disconnect', [0, SLOW, 0], _check_disconnect),
    ]
    daemon = Daemon(f'{work}/daemon')
    faults, rows, reference = [], [], None
    try:
        for label, length, mode, rates, check in plan:
            try:
                this = _Run(label, work, daemon, length, mode, rates)
            except Failure as failure:
                return faults + [f'{label}: {failure}']
            rows += this.rows()
            faults += check(this, reference)
            reference = this
    finally:
        daemon.process.stop()
    table(['process', 'exit', 'MB/s', 'units', 'gaps', 'faults', 'MiB at first', 'grew by'], rows)
    return faults
