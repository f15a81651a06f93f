# SPDX-License-Identifier: LGPL-2.1-or-later
"""A cell of the matrix: two dcpeers in a lab call each other, several times, and exchange a MiB each way.

What is judged is what the programs say (their JSON lines), and what crossed the public segment (the counters of `net`), which knows
nothing of what programs say. A message is as large as a data channel allows; each side's have contents of its own, whose checksum the other
side must see.
"""

import hashlib
import json
import os
import random
import string
import time
from typing import NamedTuple

from procs import Failure, Process

from theory import kind_name

MESSAGE = 65536
MESSAGES = 16
_PAYLOAD = MESSAGE * MESSAGES
# Of whatever looks on, such as a sanitizer.
SLOWNESS = int(os.environ.get('DC_TEST_SLOWNESS') or 1)
_PATIENCE_S = 60 * SLOWNESS
_INTERVAL_S = 0.1  # between messages, where ICE may change over from a relay to the direct way a moment later
_FAILURE_S = 12 * SLOWNESS  # ICE says so after 8 s; a caller would go on for half a minute


class Round(NamedTuple):
    connected: bool
    seconds: float = 0  # from the call to the open channel, at the caller
    kind: str = ''
    says: str = ''  # what the caller said of its failure
    faults: tuple = ()


def _events(process):
    return [json.loads(text) for _, text in process.lines if text.startswith('{')]


def _named(events, name):
    return [event for event in events if event['event'] == name]


def _text(seed):
    return ''.join(random.Random(seed).choices(string.ascii_letters + string.digits, k=MESSAGE))


class Pair:
    """The caller in `a` and the called in `b`, started in this order: b, a."""

    def __init__(self, lab, services, logs, options, payload=True, count=None, interval=0):
        self.lab = lab
        self.texts = {site: _text(f'{logs} {site}') if payload else 'a word' for site in 'ab'}
        self.count = count or (MESSAGES if payload else 1)
        talk = ['--json', '--interval', str(interval), '--count', str(self.count)]
        self.called = self._start('b', ['answer', '--once', *talk, *options['b']], services, logs)
        self.called.wait_line('"registered"', _PATIENCE_S)
        self.caller = self._start('a', ['offer', *talk, *options['a']], services, logs)

    def _start(self, site, words, services, logs):
        argv = [os.environ.get('DCPEER', 'dcpeer'), words[0], '--signaling', services.url(site), '--message', self.texts[site], *words[1:]]
        return Process(f'dcpeer {words[0]}', self.lab.enter(site, argv), f'{logs}.{site}.log', None)

    def wait(self):
        """What each said."""
        deadline = time.monotonic() + _PATIENCE_S
        statuses = {'a': self.caller.wait(_PATIENCE_S)}
        if statuses['a'] != 0:
            self.called.kill(15)
        statuses['b'] = self.called.wait(max(5, deadline - time.monotonic()))
        return statuses, {'a': _events(self.caller), 'b': _events(self.called)}

    def stop(self):
        self.called.stop()
        self.caller.stop()

    def check_exchange(self, events):
        """Sentences of what did not arrive as it was sent."""
        faults = []
        for site, far in ('ab', 'ba'):
            digest = hashlib.sha256()
            for event in _named(events[site], 'received'):
                digest.update(event.get('text', '').encode())
            if digest.hexdigest() != hashlib.sha256((self.texts[far] * self.count).encode()).hexdigest():
                faults.append(f'{site} received something else than {far} sent')
        return faults


def _candidates(events):
    return _named(events, 'local-candidate')


def _kinds(events, expected):
    """Of the selected pair, for a and b: what the other side sends to, by the name that its owner has for it. Where a check was faster
    than the STUN server, an address is peer-reflexive that would have been server-reflexive a moment later; that is no other way."""
    kinds = []
    for number, (site, far) in enumerate(('ab', 'ba')):
        pair = (_named(events[far], 'selected-pair') or [None])[-1]
        if not pair:
            return ()
        where = pair['remote-address'], pair['remote-port']
        kind = next((one['type'] for one in _candidates(events[site]) if (one['address'], one['port']) == where), pair['remote-type'])
        early = not any(one['type'] == 'srflx' and one['protocol'] == 'UDP' for one in _candidates(events[site]))
        wanted = expected.kinds[number] if number < len(expected.kinds) else ''
        kinds.append('srflx' if kind == 'prflx' and wanted == 'srflx' and early else kind)
    return tuple(kinds)


def _ways(before, after):
    """By which way a and b spoke to their relays, and whether they spoke to each other: what carried at least one direction of the
    exchange."""
    used = {name for name, size in after.items() if size - before[name] > _PAYLOAD}
    ways = tuple(next((name[2:] for name in used if name.startswith(f'{site}-')), None) for site in 'ab')
    return ways, 'direct' in used


def _judge_kind(kinds, expected, crossed):
    """Of a connection: its name, and what is wrong with it."""
    ways, direct = crossed or (expected.ways if 'relay' in kinds else (), 'relay' not in kinds)
    name = kind_name(kinds, ways)
    if not expected.connects:
        return name, [f'connected ({name}), which theory says is impossible']
    if bool(expected.ways) == direct or ('relay' in kinds) != bool(expected.ways):
        return name, [f"was {'-'.join(kinds)}, to be {expected}"]
    if expected.ways and not all(way in (None, wanted) for way, wanted in zip(ways, expected.ways)):
        return name, [f'was {name}, to be {expected}']
    return name, [] if expected.ways or kinds == expected.kinds else [f"was {'-'.join(kinds)}, to be {expected}"]


def _judge_success(pair, events, statuses, expected, crossed):
    kind, faults = _judge_kind(_kinds(events, expected), expected, crossed)
    faults += pair.check_exchange(events)
    return kind, faults + [f'{site} exited with {status}' for site, status in statuses.items() if status]


def play(lab, services, logs, options, expected, payload=True):
    """One call. `options`: of dcpeer, for a and b."""
    if not expected.connects:
        options = {site: [*words, '--timeout', str(_FAILURE_S)] for site, words in options.items()}
    before = lab.counted()
    lasts = expected.connects and not expected.ways
    pair = Pair(lab, services, logs, options, payload, MESSAGES if lasts else None, _INTERVAL_S if lasts else 0)
    try:
        statuses, events = pair.wait()
    except Failure as failure:
        pair.stop()
        return Round(False, faults=(str(failure).split('\n', maxsplit=1)[0],))
    opened = _named(events['a'], 'channel-open')
    if not opened:
        error = (_named(events['a'], 'error') or [{'message': 'no word', 'code': statuses['a']}])[-1]
        faults = [f"did not connect, which should be {expected}"] if expected.connects else []
        if error['code'] != 4 or statuses['a'] != 4:
            faults.append(f"failed with {statuses['a']}: {error['message']}")
        return Round(False, says=error['message'], faults=tuple(faults))
    crossed = _ways(before, lab.counted()) if payload and not lab.shared else None
    kind, faults = _judge_success(pair, events, statuses, expected, crossed)
    seconds = opened[0]['t'] - _named(events['a'], 'calling')[0]['t']
    return Round(True, seconds, kind, faults=tuple(faults))
