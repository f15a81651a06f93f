# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stream at full rate for minutes, while the pair of candidates that carries it is taken away five times: for `./dev soak changes`.

libnice knows no other nomination of a connection that is up, so that each change is a connection that is lost and one that resumes it.
"""

import os
import re
import time

from container import WORK
from lab import Lab
from procs import Failure, Process
from services import Services, turn_url
from topologies import SITES

_ICE = ('--stun-server', 'stun:turn.example', '--turn-server', turn_url())
_PATIENCE_S = 90
_INTERRUPTION_S = 8  # longer than a link waits for a word of the other side

# {}: of which family
_CUT = """table inet cut {{
  chain forward {{
    type filter hook forward priority filter;
    iifname "to-a" oifname "to-b" {0} meta l4proto udp drop
    iifname "to-b" oifname "to-a" {0} meta l4proto udp drop
  }}
}}"""


class _Net:
    """The two sites' lines, as they are changed. Both are dual-stack: IPv4 behind a NAT, IPv6 behind a firewall."""

    def __init__(self, lab):
        self.lab = lab
        self.hosts = {'a': 2, 'b': 2}

    def ipv6_off(self):
        for site in 'ab':
            self.lab.shell(site, 'ip -6 addr flush dev eth0 scope global')

    def ipv6_on(self):
        for site in 'ab':
            prefix = SITES[site].prefix6
            self.lab.shell(site, f'ip addr add {prefix}:2/64 dev eth0 nodad\nip route replace ::/0 via {prefix}:1')

    def cut(self, family=''):
        self.lab.shell('net', f"nft -f - <<'END'\n{_CUT.format(family)}\nEND")

    def uncut(self):
        self.lab.shell('net', 'nft delete table inet cut')

    def move(self, site):
        """Another address in the LAN, as from another access point."""
        self.hosts[site] += 1
        lan = f'192.168.{SITES[site].number}'
        self.lab.shell(site, f'ip -4 addr flush dev eth0\nip addr add {lan}.{self.hosts[site]}/24 dev eth0\nip route add default via {lan}.1')

    def interrupt(self, site):
        """The interface goes down and comes up."""
        lan, prefix = f'192.168.{SITES[site].number}', SITES[site].prefix6
        self.lab.shell(site, 'ip link set eth0 down')
        time.sleep(_INTERRUPTION_S)
        self.lab.shell(site, f'ip link set eth0 up\nip route replace default via {lan}.1\n'
                             f'ip addr add {prefix}:2/64 dev eth0 nodad 2>/dev/null || true\nip route replace ::/0 via {prefix}:1')


def _changes(net):
    """What is done, and what must carry the stream then: a pattern for the selected pair's types and addresses, and whether past the elements."""
    def back():
        net.uncut()
        net.move('b')

    def to_ipv6():
        net.ipv6_on()
        net.cut('meta nfproto ipv4')  # else it is chance which of the two comes first
        net.move('a')

    return [
        ('IPv6 goes away', net.ipv6_off, r'\d+\.\d+\.\d+\.\d+', False),
        ('no UDP between the two', net.cut, 'relay', True),
        ('UDP again, and another address', back, r'\d+\.\d+\.\d+\.\d+', False),
        ('IPv6 is back, IPv4 goes', to_ipv6, '2001', False),
        ('the interface goes down and up', lambda: net.interrupt('b'), '', False),
    ]


def _count(process, name):
    return len(process.find(f'^event {name},'))


def _last_fast(process):
    found = process.find('^event transport,')
    return 'fast=(boolean)true' in found[-1][1] if found else None


def _pair(process):
    text = process.find('^event selected-pair,')[-1][1]
    fields = dict(re.findall(r'([\w-]+)=\((?:string|int|uint)\)"?([^",;]*)', text))
    types = f"{fields['local-type']}/{fields['remote-type']}"
    return types, f"{fields['local-address']} {fields['remote-address']}".replace('\\', '')


def _moved(process):
    found = process.find('^moved ')
    return int(found[-1][1].split()[1]) if found else 0


def _until(condition, sentence, processes):
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        ended = [process.name for process in processes if process.ended is not None]
        if ended or time.monotonic() > deadline:
            raise Failure(f"{sentence}{': ' + ended[0] + ' has ended' if ended else ''}")
        time.sleep(0.1)


class _Run:
    def __init__(self, minutes, fast):
        self.minutes, self.fast = minutes, fast
        self.lab = Lab('dual-stack', 'dual-stack')
        self.lab.write_names()
        self.lab.build()
        self.services = Services(self.lab, WORK, _ICE)
        self.receiver = self._start('b', 'receive')
        self.receiver.wait_line('^event registered,', _PATIENCE_S)
        self.sender = self._start('a', 'send', '--seconds', str(int(60 * minutes)))
        self.both = (self.sender, self.receiver)
        self.faults, self.rows = [], []

    def _start(self, site, *words):
        argv = [os.environ['STREAM'], *words, '--signaling', self.services.url(site)]
        return Process(f'stream {words[0]}', self.lab.enter(site, argv), f'{WORK}/{words[0]}.log', None, {'DC_FAST': self.fast})

    def look(self, what, before, since):
        """A row, once data moves again; sentences where it is not as it should be."""
        _until(lambda: _moved(self.receiver) > before + 8, f'nothing moves: {what}', self.both)
        took = time.monotonic() - since
        types, addresses = _pair(self.sender)
        fasts = [{True: 'fast', False: 'through elements', None: '-'}[_last_fast(process)] for process in self.both]
        self.rows.append((what, f'{took:.1f}', types, addresses, *fasts))
        return types, addresses

    def check(self, what, seen, pattern, relayed):
        types, addresses = seen
        if relayed != ('relay' in types):
            self.faults.append(f'{what}: the pair is {types}')
        if not relayed and not re.search(pattern, addresses):
            self.faults.append(f'{what}: the addresses are {addresses}')
        for process in self.both:
            # Who sends to the other side's relay by UDP has no relay of its own between.
            wanted = None if self.fast == 'off' else not _pair(process)[0].startswith('relay/')
            if _last_fast(process) != wanted:
                self.faults.append(f'{what}: {process.name} has told fast={_last_fast(process)} last, not {wanted}')

    def play(self):
        """Five changes, evenly spread."""
        net, began = _Net(self.lab), time.monotonic()
        self.check('at first', self.look('at first', 0, began), '', False)
        changes = _changes(net)
        for number, (what, change, pattern, relayed) in enumerate(changes, 1):
            due = began + number * 60 * self.minutes / (len(changes) + 1)
            self._rest(due)
            since, before = time.monotonic(), _count(self.sender, 'connection-resumed')
            change()
            _until(lambda n=before: all(_count(process, 'connection-resumed') > n for process in self.both), f'not resumed: {what}', self.both)
            self.check(what, self.look(what, _moved(self.receiver), since), pattern, relayed)

    def _rest(self, due):
        while time.monotonic() < due:
            if any(process.ended is not None for process in self.both):
                raise Failure('a side has ended')
            time.sleep(0.2)

    def finish(self):
        statuses = [process.wait(60 * self.minutes + _PATIENCE_S) for process in self.both]
        if statuses != [0, 0]:
            self.faults.append(f'exit statuses {statuses}')
        sums = [process.find('^stream: ')[-1][1] for process in self.both]
        print(f'steady {self.fast} sum sender {sums[0]}\nsteady {self.fast} sum receiver {sums[1]}')
        if sums[0] != sums[1]:
            self.faults.append('what arrived is something else than what was sent')


def _print_samples(process):
    """For the suite, which looks whether it grows."""
    for _, text in process.find('^sample '):
        print(f'{process.name}: {text}')


def check_steady(minutes, fast):
    """Sentences of what was wrong."""
    run = _Run(minutes, fast)
    try:
        run.play()
        run.finish()
    except Failure as failure:
        run.faults.append(str(failure))
    for row in run.rows:
        print('row ' + '|'.join(row))
    for process in run.both:
        _print_samples(process)
        for _, text in process.find('^failed: '):
            print(f'{process.name}: {text}')
    return run.faults
