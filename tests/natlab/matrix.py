# SPDX-License-Identifier: LGPL-2.1-or-later
"""The matrix: which cells there are, the running of them two at a time, and their table."""

import concurrent.futures
import fnmatch
import json
import os
import subprocess
import time
from typing import NamedTuple

import cell
import container
from lab import Lab
from services import CA, Services, proxy_url, rest_credentials, turn_url
from theory import expect
from topologies import FIVE, NETWORKS, PROXY

PLAIN = ('none', 'port-restricted')
SPECIAL = ('double-nat', 'cgnat', 'cgnat-symmetric', 'udp-blocked', 'only-443', 'http-proxy', 'ipv6-only', 'dual-stack', 'broken-ipv6',
           'mapping-30s')
TOGETHER = ('same-lan', 'isolated-lan', 'isolated-lan-hairpin')
# A TURN server: none; with a password, by UDP, TCP and TLS; the same with credentials that expire; none, but TCP candidates.
NO, YES, REST, ICE_TCP = 'no', 'yes', 'REST', 'no, but ICE-TCP'
# Of the tests: a hole that is punched and one that cannot be, a relay by each way, IPv6, a NAT that hairpins.
REDUCED = (('port-restricted', 'port-restricted', (NO,)), ('symmetric', 'address-restricted', (NO,)),
           ('symmetric', 'port-restricted', (NO, YES)), ('udp-blocked', 'port-restricted', (YES,)), ('http-proxy', 'none', (YES,)),
           ('ipv6-only', 'dual-stack', (NO,)), ('isolated-lan-hairpin', None, (NO,)))
_LIMIT_S = 240 * cell.SLOWNESS


class Answer(NamedTuple):
    """Of one cell."""

    a: str
    b: str
    turn: str
    expected: str
    relayed: bool
    rounds: list  # of cell.Round as dictionaries

    @property
    def name(self):
        return f"{self.a} {self.b or '(the same)'}, TURN {self.turn}"

    def faults(self):
        return [fault for one in self.rounds for fault in one['faults']]

    def sentences(self):
        return [one['says'] for one in self.rounds if one['says']]

    def times(self):
        return sorted(one['seconds'] for one in self.rounds if one['connected'])

    def kinds(self):
        return sorted({one['kind'] for one in self.rounds if one['connected']}) or ['none']


def pairs():
    """All pairs of networks, each with the cells that it makes."""
    found = [(a, b) for a in FIVE for b in FIVE]
    found += [(a, b) for a in SPECIAL for b in PLAIN]
    found += [('ipv6-only', 'dual-stack'), ('ipv6-only', 'ipv6-only'), ('broken-ipv6', 'dual-stack'), ('cgnat', 'cgnat-symmetric')]
    found += [(name, None) for name in TOGETHER]
    return [(*pair, (NO, YES)) for pair in found] + [('symmetric', 'symmetric', (REST,)), ('udp-blocked', 'none', (ICE_TCP,))]


def names(pair):
    return ' '.join(filter(None, pair[:2]))


def matching(patterns):
    """Patterns are of the two names together, such as 'symmetric *'."""
    return [pair for pair in pairs() if not patterns or any(fnmatch.fnmatch(names(pair), one) for one in patterns)]


# --- One pair, inside its container ---


def _ice_options(turn):
    """Of dcsignald, which tells the peers."""
    server = {'host': 'turn.example'}
    if turn == REST:
        user, password = rest_credentials()
        server = {'host': 'rest.example', 'user': user, 'password': password}
    urls = turn_url(**server), turn_url(transport='tcp', **server), turn_url('turns', port=443, **server)
    return ['--stun-server', 'stun:turn.example', *(word for url in urls for word in ('--turn-server', url))]


def _options(lab, turn):
    """Of dcpeer, for each site."""
    options = {}
    for site in 'ab':
        options[site] = {NO: ['--no-turn'], ICE_TCP: ['--no-turn', '--ice-tcp']}.get(turn, ['--tls-ca', CA])
        if lab.networks[site].out == PROXY:
            options[site] += ['--proxy', proxy_url(lab.gateway(site))]
    return options


def play_pair(a, b, turns, rounds, logs):
    """Prints each cell's answer as a line of JSON."""
    lab = Lab(a, b)
    lab.write_names()
    lab.build()
    services = Services(lab, logs, _ice_options(turns[-1]), rest=REST in turns)
    for turn in turns:
        expected = expect(lab.networks['a'], lab.networks['b'], ('udp', 'tcp', 'tls') if turn in (YES, REST) else (), turn == ICE_TCP)
        played = []
        for number in range(rounds if expected.connects else 1):
            name = f'{logs}/{turn}-{number}'
            played.append(cell.play(lab, services, name, _options(lab, turn), expected, payload=number == 0)._asdict())
        answer = Answer(a, b, turn, str(expected), bool(expected.ways), played)
        print(json.dumps(answer._asdict()), flush=True)


# --- All of them ---


def run_pair(pair, rounds=1, keep=None):
    """The answers, and a sentence if it broke off."""
    logs = os.path.join(keep, names(pair).replace(' ', '+')) if keep else container.WORK
    words = ['cell', *filter(None, pair[:2]), '--rounds', str(rounds), '--logs', logs, '--turn', *pair[2]]
    child = container.popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = child.communicate(timeout=_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        out, err = child.communicate()[0], f'not done in {_LIMIT_S} s'
    answers = [Answer(**json.loads(line)) for line in out.split('\n') if line.startswith('{')]
    if len(answers) < len(pair[2]) or child.returncode:
        return answers, err.strip().split('\n')[-1] or f'it ended with {child.returncode}'
    return answers, None


def percentile(times, percent):
    """Nearest rank: a time that was measured."""
    return times[max(0, -(-len(times) * percent // 100) - 1)]


def _print_answer(answer):
    times = answer.times()
    shown = f'{percentile(times, 50):6.2f} {percentile(times, 95):6.2f}' if times else '     -      -'
    faults = answer.faults()
    verdict = 'ok' if not faults else 'FAULT'
    print(f"{answer.a:22} {answer.b or '(the same)':16} {answer.turn:15} {'+'.join(answer.kinds()):14} {shown}  {verdict}",
          flush=True)
    for sentence in dict.fromkeys(faults or answer.sentences()):
        print(f'    {sentence}', flush=True)


def _collect(wanted, rounds, jobs, keep):
    answers, broken = [], 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(run_pair, pair, rounds, keep) for pair in wanted]
        for pair, future in zip(wanted, waiting):
            found, sentence = future.result()
            for answer in found:
                _print_answer(answer)
            if sentence:
                broken += 1
                print(f'{names(pair)}: {sentence}', flush=True)
            answers += found
    return answers, broken


def run(wanted, rounds=3, jobs=2, keep=None, table=None, within=None):
    """Whether every cell was as theory says."""
    began = time.monotonic()
    print(f"{'caller':22} {'called':16} {'TURN':15} {'pair':14} {'p50 s':>6} {'p95 s':>6}  as theory says", flush=True)
    answers, broken = _collect(wanted, rounds, jobs, keep)
    wrong = sum(bool(answer.faults()) for answer in answers)
    direct = sorted((percentile(answer.times(), 95), answer.name) for answer in answers if answer.times() and not answer.relayed)
    late = 0
    if direct:
        late = sum(seconds > within for seconds, _ in direct) if within else 0
        print(f"direct cells: p95 of the slowest {direct[-1][0]:.2f} s ({direct[-1][1]})"
              + (f', {late} later than {within:g} s' if within else ''))
    print(f'{len(answers) - wrong} of {len(answers)} cells were as theory says, in {time.monotonic() - began:.0f} s')
    if table and not broken:
        with open(table, 'w', encoding='utf-8') as file:
            file.write('\n'.join(markdown(answers, rounds)) + '\n')
    return not (wrong or broken or late)


# --- The table of the documentation ---


def _shown(answer):
    if answer.faults():
        return '**wrong**'
    times = answer.times()
    return f"{'+'.join(answer.kinds())} {percentile(times, 50):.1f} / {percentile(times, 95):.1f}" if times else '-'


def _grid(answers, turn):
    found = {(one.a, one.b): one for one in answers if one.turn == turn}
    lines = ['| caller \\ called | ' + ' | '.join(FIVE) + ' |', '|---' * (len(FIVE) + 1) + '|']
    for a in FIVE:
        lines.append(f'| {a} | ' + ' | '.join(_shown(found[a, b]) if (a, b) in found else '' for b in FIVE) + ' |')
    return lines


def _others(answers):
    lines = ['| caller | called | without TURN | with TURN |', '|---|---|---|---|']
    found = {(one.a, one.b, one.turn): one for one in answers}
    for a, b, turn in found:
        if turn == REST:
            lines.append(f'| {a} | {b} | | with REST credentials: {_shown(found[a, b, turn])} |')
        elif turn == ICE_TCP:
            lines.append(f'| {a} | {b} | with `--ice-tcp`: {_shown(found[a, b, turn])} | |')
        elif turn == NO and not (a in FIVE and b in FIVE):
            cells = [_shown(found[a, b, either]) if (a, b, either) in found else '' for either in (NO, YES)]
            lines.append(f"| {a} | {b or '(the same)'} | {' | '.join(cells)} |")
    return lines


def markdown(answers, rounds):
    shown = dict.fromkeys(name for one in answers for name in (one.a, one.b) if name)
    networks = [f'- **{name}**: {NETWORKS[name].says}' for name in shown]
    return ['<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->', '<!-- Made by ./dev natlab matrix -->', '# Through NATs', '',
            'What `dcpeer` comes to between two networks, as measured in `./dev natlab matrix`: the kinds of the selected pair of candidates,',
            'the caller\'s first, then the seconds from the call to the open channel, median and 95th percentile. A relay is named by how the',
            f'relayed peers speak to it. {rounds} calls a cell, the first of them with a MiB each way; - is no connection, which is what theory says.',
            '', '## Without a TURN server', '', *_grid(answers, NO), '', '## With a TURN server', '', *_grid(answers, YES), '',
            '## Other networks', '', *_others(answers), '', *networks]
