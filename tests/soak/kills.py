# SPDX-License-Identifier: LGPL-2.1-or-later
"""kills: SIGKILL of the sender, of the receiver or of the daemon at random moments of a transfer."""

import concurrent.futures
import os
import random
import time

from procs import MIB, Daemon, Failure, checksum, launch, make_file, table

RESUME_TIMEOUT = 3
CONNECT_TIMEOUT = 12
LONGER_CONNECT_TIMEOUT = 30  # to find a daemon that was away: attempts are seconds apart then
LIMIT_S = 40
AT_ONCE = 4
SIZE = 24 * MIB


class _Transfer:
    """A file from one process to another, as slowly as `blocks_ms` for each 64 KiB says."""

    def __init__(self, work, name, source, daemon, pause_us, connect_timeout=CONNECT_TIMEOUT):
        self.out = f'{work}/{name}.out'
        self.source = source
        self.daemon = daemon
        options = f'room={name} resume-timeout={RESUME_TIMEOUT} connect-timeout={connect_timeout}'
        self.began = time.monotonic()
        self.sender = launch('sender', f'filesrc location={source} blocksize=65536 ! datachannelsink {options}',
                             f'{work}/{name}.sender.log', daemon.url)
        self.receiver = launch('receiver', f'datachannelsrc {options} ! identity sleep-time={pause_us} ! filesink location={self.out}',
                               f'{work}/{name}.receiver.log', daemon.url)

    def is_equal(self):
        return checksum(self.out) == checksum(self.source)

    def wait(self, process):
        return process.wait(max(1.0, self.began + LIMIT_S - time.monotonic()))

    def clean_up(self):
        for process in (self.sender, self.receiver):
            process.stop()
        if os.path.exists(self.out):
            os.remove(self.out)


def _judge_survivor(transfer, survivor, status):
    """What the survivor came to, and whether it was right."""
    if status == 0:
        if not transfer.is_equal():
            raise Failure(f'{survivor.name} exited with 0, but the files differ')
        return 'all had arrived'
    errors = survivor.find(r'ERROR: from element .*[dD]ata[cC]hannel')
    if not errors:
        raise Failure(f'{survivor.name} exited with {status} and no error of its element')
    if transfer.is_equal() and survivor.name == 'receiver':
        return 'had all, not told so'
    return errors[0][1].split(': ', 2)[-1]


def _kill_peer(transfer, victim, survivor, moment):
    time.sleep(max(0.0, transfer.began + moment - time.monotonic()))
    connected = bool(survivor.find('datachannel-connected'))
    victim.kill()
    victim.wait(10)
    status = transfer.wait(survivor)
    outcome = _judge_survivor(transfer, survivor, status)
    return ('connected' if connected else 'before') + f', exit {status}', outcome


def _kill_daemon(transfer, moment, away):
    time.sleep(max(0.0, transfer.began + moment - time.monotonic()))
    connected = bool(transfer.sender.find('datachannel-connected'))
    transfer.daemon.kill()
    time.sleep(away)
    transfer.daemon.start()
    for process in (transfer.sender, transfer.receiver):
        status = transfer.wait(process)
        if status != 0:
            errors = [text for _, text in process.find('ERROR: from')]
            raise Failure(f'{process.name} exited with {status}: {"; ".join(errors[:1])}')
    if not transfer.is_equal():
        raise Failure('the files differ')
    return 'connected' if connected else 'before', f'went on; away for {away:.1f} s'


def _run_one(work, case, source, pause_us):
    kind, number, moment, away = case
    name = f'{kind}-{number}'
    daemon = Daemon(f'{work}/{name}.daemon')
    transfer = None
    try:
        timeout = LONGER_CONNECT_TIMEOUT if kind == 'daemon' else CONNECT_TIMEOUT
        transfer = _Transfer(work, name, source, daemon, pause_us, timeout)
        if kind == 'daemon':
            result = _kill_daemon(transfer, moment, away)
        elif kind == 'sender':
            result = _kill_peer(transfer, transfer.sender, transfer.receiver, moment)
        else:
            result = _kill_peer(transfer, transfer.receiver, transfer.sender, moment)
        return *result, time.monotonic() - transfer.began
    finally:
        if transfer:
            transfer.clean_up()
        daemon.process.stop()


def _measure(work, source, pause_us):
    """How long all of it takes when nobody is killed, as many at once as later."""
    def one(number):
        daemon = Daemon(f'{work}/calm-{number}.daemon')
        transfer = _Transfer(work, f'calm-{number}', source, daemon, pause_us)
        try:
            for process in (transfer.sender, transfer.receiver):
                if transfer.wait(process) != 0:
                    raise Failure(f'{process.name} failed though nobody was killed; see {work}')
            return time.monotonic() - transfer.began
        finally:
            transfer.clean_up()
            daemon.process.stop()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return max(pool.map(one, range(AT_ONCE)))


def run(work, options):
    seed, quick = options.seed, options.quick
    count = 4 if quick else 20
    chance = random.Random(seed)
    source = f'{work}/in'
    pause_us = 8000  # 8 MB/s at the most: 3 s
    make_file(source, SIZE, seed)
    whole = _measure(work, source, pause_us)
    # From before there is a connection to where everything may be across.
    cases = [(kind, number, chance.uniform(0, whole), chance.uniform(1, 3))
             for kind in ('sender', 'receiver', 'daemon') for number in range(1, count + 1)]
    print(f'  {SIZE // MIB} MiB in {whole:.1f} s if nobody is killed; {len(cases)} runs, {AT_ONCE} at a time')
    faults, rows = [], []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [(case, pool.submit(_run_one, work, case, source, pause_us)) for case in cases]
        for (kind, number, moment, _), job in jobs:
            try:
                when, outcome, seconds = job.result()
                rows.append([kind, f'{moment:.2f}', when, f'{seconds:.1f}', outcome[:90]])
            except Failure as failure:
                rows.append([kind, f'{moment:.2f}', '-', '-', 'FAILED'])
                faults.append(f'{kind} {number}, killed at {moment:.2f} s: {failure}')
    table(['killed', 'at s', 'when', 'seconds', 'what came of it'], rows)
    return faults
