#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-natlab.py: some cells of the matrix, the classification of the NATs, and what the lab promises. Speaks TAP.

Needs in the environment: DCSIGNALD, DCPEER, NETLAB. `./dev natlab matrix` runs all cells.
"""

import concurrent.futures
import os
import select
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [HERE, os.path.join(HERE, '../soak')]
import container  # noqa: E402
import draw  # noqa: E402
import matrix  # noqa: E402
import theory  # noqa: E402
from topologies import FIVE, NETWORKS  # noqa: E402

VERIFIED = ('full-cone', 'address-restricted', 'port-restricted', 'symmetric', 'port-restricted-hairpin', 'only-443', 'http-proxy')
LIMIT_S = 120


def _natlab(*words):
    """Its last words if it failed."""
    done = subprocess.run([sys.executable, container.PROGRAM, *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def check_theory():
    """The table that all the literature has."""
    faults = []
    for a in FIVE:
        for b in FIVE:
            fails = {a, b} <= {'port-restricted', 'symmetric'} and 'symmetric' in (a, b)
            if theory.expect(NETWORKS[a], NETWORKS[b]).connects == fails:
                faults.append(f'theory is wrong of {a} and {b}')
            if not theory.expect(NETWORKS[a], NETWORKS[b], ('udp',)).connects:
                faults.append(f'theory is wrong of {a} and {b} with TURN')
    return faults


def check_drawing():
    """Every network can be drawn, with its addresses."""
    return [name for name, network in NETWORKS.items()
            if not any('eth0' in line for line in draw.show(name, None if network.both else 'none'))]


def check_link():
    """An access link is what it was asked to be: two handshakes and an answer take three round trips."""
    script = ("python3 -c 'import socket, time; t = time.monotonic(); socket.create_connection((\"host.example\", 9999)); "
              "assert 0.2 <= time.monotonic() - t < 2'")
    server = "python3 -c 'import socket; s = socket.create_server((\"203.0.113.9\", 9999)); s.accept()'"
    return _natlab('run', 'port-restricted', 'none', '--link-a', 'rtt 200ms', '--on', 'host', server, '--on', 'a', f'sleep 1; {script}')


def check_family():
    """Where the TURN server has an address of a family that we lack, nothing is gathered there, and the end of candidates is told all the same."""
    reach = "python3 -c 'import socket\nwhile socket.socket(socket.AF_INET6).connect_ex((\"host.example\", {port})): pass'"
    over = "python3 -c 'import socket\nsocket.create_server((\"::\", 9001), family=socket.AF_INET6).accept()'"
    daemon = f'"$DCSIGNALD" --listen [::]:9000 --stun-server stun:turn.example & {over}; kill $!'
    peer = '--signaling ws://host.example:9000 --json --count 10 --interval 0.2'
    called = f'{reach.format(port=9000)}; "$DCPEER" answer --once {peer}'
    caller = (f'{reach.format(port=9000)}; "$DCPEER" offer --turn-server turn://user:word@203.0.113.9 {peer} | grep local-candidates-done; '
              f'told=$?; {reach.format(port=9001)}; exit $told')
    return _natlab('run', 'ipv6-only', 'ipv6-only', '--on', 'host', daemon, '--on', 'b', called, '--on', 'a', caller)


def check_kill():
    """Killed with SIGKILL, it leaves no process: the last one that holds the FIFO is gone."""
    with tempfile.TemporaryDirectory() as directory:
        fifo = f'{directory}/fifo'
        os.mkfifo(fifo)
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        lab = subprocess.Popen([sys.executable, container.PROGRAM, 'run', 'none', 'none', '--on', 'a', f'exec >{fifo}; echo up; sleep 600'],
                               stdout=subprocess.DEVNULL)
        up = select.select([reader], [], [], LIMIT_S)[0] and os.read(reader, 16)
        lab.kill()
        lab.wait()
        gone = select.select([reader], [], [], LIMIT_S)[0] and os.read(reader, 16) == b''
        os.close(reader)
    return [] if up and gone else ['a process in the lab has survived' if up else 'there was no process in the lab']


def check_pair(pair):
    answers, sentence = matrix.run_pair(pair)
    return [f'{answer.name}: {fault}' for answer in answers for fault in answer.faults()] + ([sentence] if sentence else [])


def _cases():
    """Names and functions. Those of the lab are under way at the same time, two by two."""
    yield 'theory', check_theory
    yield 'drawing', check_drawing
    yield 'verify', lambda: _natlab('verify', *VERIFIED)
    yield 'link', check_link
    yield 'family', check_family
    yield 'kill', check_kill
    for pair in matrix.REDUCED:
        yield f"{matrix.names(pair)}, TURN {' and '.join(pair[2])}", lambda pair=pair: check_pair(pair)


def main():
    for program in ('nft', 'ip', 'turnserver', 'turnutils_natdiscovery', 'openssl'):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin"):
            print(f'1..0 # SKIP {program} is not installed')
            return 0
    if sentence := container.why_not():
        print(f'1..0 # SKIP {sentence}')
        return 0
    cases = list(_cases())
    print(f'1..{len(cases)}')
    good = True
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(case) for _, case in cases]
        for number, ((name, _), future) in enumerate(zip(cases, waiting), 1):
            faults = future.result()
            good = good and not faults
            for fault in faults:
                print('# ' + fault.replace('\n', '\n# '))
            print(f"{'not ' if faults else ''}ok {number} {name}", flush=True)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
