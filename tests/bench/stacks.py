# SPDX-License-Identifier: LGPL-2.1-or-later
"""stacks.py: the WebRTC stacks that ./dev bench channels compares, ours in its variants, and what bounds them all."""

import json
import os
import shutil
from dataclasses import dataclass, field
from fnmatch import fnmatch

from benchlib import debian_version

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'peers')
PYTHON = '/usr/bin/python3'  # Debian's, for which Debian's packages are
FAST_PATH_NOT_TAKEN = 'fast path: not taken'


@dataclass(frozen=True)
class Stack:
    name: str
    command: tuple  # in front of URL ROOM ROLE N
    remark: str
    package: str = ''  # of npm, or (where `debian` is set) Debian
    debian: bool = False
    needs: tuple = ()  # more packages of Debian, and programs
    ours: bool = False
    wants_fast: bool = False  # the row says so where the fast path is not taken
    ceiling: bool = False  # not a peer: nobody is compared with it
    loses: bool = False
    longest: int = 0  # message that it can send, in bytes; 0: it says so itself
    environment: dict = field(default_factory=dict, hash=False)
    rows: tuple = ('*',)  # patterns of those that it takes part in

    def takes(self, row):
        return any(fnmatch(row, pattern) for pattern in self.rows)

    def fit(self, length):
        """A byte less, where it takes just that."""
        return self.longest if length == self.longest + 1 else length

    def version(self):
        """Empty if it is not installed."""
        if not self.package:
            return 'this tree' if shutil.which(self.command[0]) else ''
        if self.debian:
            return debian_version(self.package)
        try:
            with open(os.path.join(packages(), 'node_modules', self.package, 'package.json'), encoding='utf-8') as file:
                return json.load(file)['version']
        except OSError:
            return ''

    def why_not(self):
        """What is missing; None if nothing is."""
        if not self.version():
            return f'{self.package or self.command[0]} is not installed; --install does that'
        for name in self.needs:
            if not (shutil.which(name) or debian_version(name)):
                return f'{name} is not installed; --install does that'
        return None


def packages():
    return os.environ.get('NODE_PACKAGES') or os.getcwd()


def node(name, package, remark):
    command = ('node', os.path.join(PEERS, 'node.mjs'), package.split('/')[-1])
    return Stack(name, command, remark, package, needs=('node',))


OURS = os.environ.get('BENCH_OURS') or 'bench-ours'
UDP = os.environ.get('BENCH_UDP') or 'bench-udp'
CEILING = {'ceiling': True, 'loses': True, 'rows': ('one/rate-64k', 'one/rtt')}

STACKS = [
    Stack('ours', (OURS,), 'DcPeer and DcChannel in C, raw channels, DC_FAST=off', ours=True, environment={'DC_FAST': 'off'}),
    Stack(
        'ours-fast', (OURS,), 'the same with DC_FAST=auto', ours=True, wants_fast=True, environment={'DC_FAST': 'auto'}
    ),
    Stack(
        'ours-link',
        (OURS,),
        'a link with DC_FAST=auto, which goes on several associations where that helps',
        ours=True,
        wants_fast=True,
        environment={'DC_FAST': 'auto', 'BENCH_LINK': os.environ.get('BENCH_LINK', '0')},
        rows=('one/*', 'lab/*'),
    ),
    node('libdatachannel', 'node-datachannel', "through Node, by the package's own interface"),
    node('libwebrtc', '@roamhq/wrtc', 'through Node'),
    node('werift', 'werift', 'TypeScript, in Node'),
    Stack(
        'pion',
        ('pion-bench',),
        'Go; 64 KiB are 65535 bytes, which is all it can send',
        'golang-github-pion-webrtc.v3-dev',
        debian=True,
        needs=('pion-bench',),
        longest=65535,
    ),
    Stack(
        'aiortc', (PYTHON, os.path.join(PEERS, 'peer.py')), 'Python', 'python3-aiortc', debian=True, needs=('python3-websockets',)
    ),
    Stack(
        'udp', (UDP,), 'no WebRTC: packets of 1200 bytes in clear, GSO and recvmmsg(); what arrives of them', **CEILING
    ),
    Stack('udp-gro', (UDP,), 'the same with GRO', environment={'BENCH_GRO': '1'}, **CEILING),
]
NAMES = [stack.name for stack in STACKS]


def find(names):
    """Those of these names that are installed; says which are not."""
    found = []
    for stack in STACKS:
        if stack.name not in names:
            continue
        if sentence := stack.why_not():
            print(f'{stack.name}: skipped, {sentence}')
        else:
            found.append(stack)
    return found


def remark_on(stack, greeting):
    """What the row has to say, by what the peers said when all was open. Of ours each end that is on the fast path counts."""
    taken = greeting.get('fast', 0) >= greeting.get('open', 1)
    return FAST_PATH_NOT_TAKEN if stack.wants_fast and not taken else ''


def versions(stacks):
    return {stack.name: {'version': stack.version(), 'remark': stack.remark} for stack in stacks}
