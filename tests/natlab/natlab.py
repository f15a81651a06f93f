#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""natlab.py: peers behind NATs; run by `./dev natlab`."""

import argparse
import os
import signal
import subprocess
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../soak'))
# The container must not be entered before the imports are there to be used in it.
import changes  # noqa: E402
import container  # noqa: E402
import draw  # noqa: E402
import matrix  # noqa: E402
import steady  # noqa: E402
import verify  # noqa: E402
import wire  # noqa: E402
from lab import Lab, is_possible  # noqa: E402
from procs import Failure, Process  # noqa: E402
from services import CA, SIGNALING, Services, turn_url  # noqa: E402
from topologies import NETWORKS  # noqa: E402

# Nothing of the user's settings gets in.
ENVIRONMENT = {'LC_ALL': 'C.UTF-8', 'GSETTINGS_BACKEND': 'memory', 'GIO_USE_VFS': 'local', 'PYTHONDONTWRITEBYTECODE': '1'}
DESCRIPTION = """Two peers, each behind a NAT or another obstacle, and between them a public segment with dcsignald and coturn, as network namespaces.
Nothing of it is left, however it ends; several at once do not meet."""
EPILOG = """Exit status: 0 good; 1 something was not as it should be; 2 wrong options; 77 this machine allows no such lab."""


def _add_networks(parser, links=False):
    parser.add_argument('a', metavar='A', help="the caller's network")
    parser.add_argument('b', metavar='B', nargs='?', help="the other's; none if A is a network for both")
    if links:
        parser.add_argument('--link-a', metavar='LINK', help="what is emulated on a's access, such as 'rtt 50ms loss 1%%' (netlab run --help)")
        parser.add_argument('--link-b', metavar='LINK', help="the same of b's")


def parse(words):
    parser = argparse.ArgumentParser(prog='./dev natlab', description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    commands.add_parser('list', help='the networks')
    _add_networks(commands.add_parser('show', help='draws a lab'))
    shell = commands.add_parser('shell', help='a shell in it: `on HOST COMMAND`, `at HOST` for a prompt there')
    _add_networks(shell, links=True)
    run = commands.add_parser('run', help='commands in it')
    _add_networks(run, links=True)
    run.add_argument('--on', nargs=2, action='append', default=[], metavar=('HOST', 'COMMAND'),
                     help='started in this order; a, b, a-nat, signal, turn, host, net ...')
    run.add_argument('--timeout', type=float, default=120, metavar='SECONDS', help='end it after so long (120)')
    check = commands.add_parser('verify', help='whether the networks are what they should be')
    check.add_argument('names', nargs='*', metavar='NETWORK', help='all if none is named')
    _add_matrix(commands.add_parser('matrix', help='calls between all pairs of networks, against theory'))
    change = commands.add_parser('changes', help="a transfer while the sender's address changes and the receiver's NAT reboots")
    change.add_argument('a', metavar='A', nargs='?', default='port-restricted', help="the sender's network (port-restricted)")
    change.add_argument('b', metavar='B', nargs='?', default='port-restricted', help="the receiver's, with one NAT (port-restricted)")
    stream = commands.add_parser('steady', help='a stream at full rate while its pair of candidates is taken away five times')
    stream.add_argument('--minutes', type=float, default=10, metavar='N', help='for so long (10)')
    stream.add_argument('--fast', choices=('auto', 'off'), default='auto', help='with the fast path (auto), or without')
    keepalive = commands.add_parser('keepalive', help='idle channels through NATs that forget after 30 s')
    keepalive.add_argument('--seconds', type=int, default=600, metavar='N', help='of silence (600)')
    commands.add_parser('wire', help='TURN over TLS as tshark sees it, and refused where name or CA are wrong')
    cell = commands.add_parser('cell')
    _add_networks(cell)
    cell.add_argument('--rounds', type=int, default=1)
    cell.add_argument('--turn', nargs='+', default=(matrix.NO, matrix.YES))
    cell.add_argument('--logs', default=container.WORK)
    return parser.parse_args(words)


def _add_matrix(parser):
    parser.add_argument('--only', action='append', default=[], metavar='PATTERN', help="pairs like this, such as 'symmetric *'; repeatable")
    parser.add_argument('--list', action='store_true', help='the pairs, and no run')
    parser.add_argument('--rounds', type=int, default=5, metavar='N', help='calls in each cell (5)')
    parser.add_argument('--runs', type=int, default=1, metavar='N', help='the whole of it so often (1)')
    parser.add_argument('--jobs', type=int, default=2, metavar='N', help='pairs at a time (2)')
    parser.add_argument('--keep', metavar='DIRECTORY', help='leaves all logs there')
    parser.add_argument('--table', metavar='FILE', help='writes the table of the documentation')
    parser.add_argument('--within', type=float, metavar='SECONDS', help='direct cells must connect so fast at p95')


# --- Commands outside of a container ---


def do_list(_options):
    for name, network in NETWORKS.items():
        print(f'{name:28} {network.says}')
    return 0


def do_show(options):
    print('\n'.join(draw.show(options.a, options.b)))
    return 0


def do_matrix(options):
    wanted = matrix.matching(options.only)
    if not wanted:
        sys.exit('natlab: no pair has such names; see ./dev natlab matrix --list')
    if options.list:
        print('\n'.join(f"{matrix.names(pair):50} TURN: {' and '.join(pair[2])}" for pair in wanted))
        return 0
    good = True
    for _ in range(options.runs):
        good = matrix.run(wanted, options.rounds, options.jobs, options.keep, options.table, options.within) and good
    return 0 if good else 1


def do_verify(options):
    """Each in a container of its own, all at once: they wait most of the time."""
    names = options.names or list(NETWORKS)
    for name in names:
        if name not in NETWORKS:
            sys.exit(f'natlab: there is no network {name}; see ./dev natlab list')
    children = [(name, container.popen(['verify', name], stdout=subprocess.PIPE, text=True)) for name in names]
    good = True
    for name, child in children:
        said = child.communicate()[0].strip()
        good = good and child.returncode == 0
        print(f"{name:28} {'ok' if child.returncode == 0 else said or 'failed'}", flush=True)
    return 0 if good else 1


# --- Commands inside of one ---


def _build(options):
    links = {site: link for site, link in (('a', options.link_a), ('b', options.link_b)) if link}
    lab = Lab(options.a, options.b, links)
    lab.write_names()
    lab.build()
    services = Services(lab, container.WORK, ['--stun-server', 'stun:turn.example', '--turn-server', turn_url()], rest=True)
    return lab, services


_SHELL = """
PS1='natlab \\w> '
on () { nsenter --net=/run/netns/"$1" -- "${@:2}"; }
at () { PS1="$1> " nsenter --net=/run/netns/"$1" -- bash --norc; }
"""


def do_shell(options):
    lab, _services = _build(options)
    print('\n'.join(draw.show(options.a, options.b)))
    print(f"\nHosts: {' '.join(lab.spaces)}. `on HOST COMMAND` runs it there, `at HOST` is a prompt there; logs and {CA} are in {container.WORK}.\n"
          f"On a and b dcpeer finds the signaling server by itself: on b dcpeer answer & on a dcpeer offer")
    with open(f'{container.WORK}/bashrc', 'w', encoding='utf-8') as file:
        file.write(_SHELL)
    signal.signal(signal.SIGINT, lambda *_: None)  # not ignored, or whatever the shell starts would ignore it
    return subprocess.call(['bash', '--rcfile', f'{container.WORK}/bashrc'], env={**os.environ, 'DC_SIGNALING': SIGNALING})


def do_run(options):
    lab, services = _build(options)
    began = time.monotonic()
    processes = []
    for number, (host, command) in enumerate(options.on):
        if host not in lab.spaces:
            sys.exit(f"natlab: there is no host {host}; there are {' '.join(lab.spaces)}")
        site = host if host in 'ab' else 'a'
        argv = lab.enter(host, ['sh', '-c', command])
        processes.append(Process(host, argv, f'{container.WORK}/run-{number}.log', None, {'DC_SIGNALING': services.url(site)}))
    status = _wait_all(processes, began + options.timeout)
    for at, host, text in sorted((process.began + at - began, process.name, text) for process in processes for at, text in process.lines):
        print(f'{at:8.3f} {host}: {text}')
    return status


def _wait_all(processes, deadline):
    status = 0
    for process in processes:
        try:
            if process.wait(max(0.1, deadline - time.monotonic())):
                status = 1
        except Failure as failure:
            print(f'natlab: {failure}', file=sys.stderr)
            status = 124
    return status


def do_cell(options):
    os.makedirs(options.logs, exist_ok=True)
    matrix.play_pair(options.a, options.b, options.turn, options.rounds, options.logs)
    return 0


def _report(faults):
    print('\n'.join(faults))
    return 1 if faults else 0


def do_verify_inside(options):
    return _report(verify.check(options.names[0]))


def do_changes(options):
    return _report(changes.check_changes(options.a, options.b))


def do_steady(options):
    return _report(steady.check_steady(options.minutes, options.fast))


def do_wire(_options):
    return _report(wire.check())


def do_keepalive(options):
    return _report(changes.check_keepalive(options.seconds))


# What runs outside, and what each does in its container.
OUTSIDE = {'list': do_list, 'show': do_show, 'matrix': do_matrix, 'verify': do_verify}
INSIDE = {'shell': do_shell, 'run': do_run, 'cell': do_cell, 'verify': do_verify_inside, 'changes': do_changes, 'keepalive': do_keepalive,
          'wire': do_wire, 'steady': do_steady}
WITHOUT_LAB = ('list', 'show')


def main(words):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # natlab show ... | head
    options = parse(words)
    if 'a' in options and (sentence := is_possible(options.a, options.b)):
        sys.exit(f'natlab: {sentence}')
    if container.is_inside():
        container.prepare()
        return INSIDE[options.command](options)
    for name in [name for name in os.environ if name.startswith('DC_') or name.lower().endswith('_proxy')]:
        if name not in ('DC_SRCDIR',):
            del os.environ[name]
    os.environ.update(ENVIRONMENT, PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if options.command not in WITHOUT_LAB and (sentence := container.why_not()):
        print(f'natlab: {sentence}', file=sys.stderr)
        return container.UNAVAILABLE
    return OUTSIDE[options.command](options) if options.command in OUTSIDE else container.run(words)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
