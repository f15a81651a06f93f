# SPDX-License-Identifier: LGPL-2.1-or-later
"""A container of namespaces in which a lab lives, and with which it vanishes.

Nothing may be left behind, not even after SIGKILL. So the lab is the first process of a PID namespace, with which the kernel ends all others
in it; network namespaces, mounts and the files on the tmpfs go with the last process. setpriv ties its parent, unshare, to us, and
--kill-child ties it to unshare. /run is a tmpfs of the container's own, so the names of `ip netns` are, too. Who is not root is, in a user
namespace.
"""

import os
import signal
import subprocess
import sys

UNAVAILABLE = 77
WORK = '/run/natlab'
PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'natlab.py')
_INSIDE = 'NATLAB_INSIDE'
_PROBE = 'mount -t tmpfs tmpfs /run && ip netns add probe && nsenter --net=/run/netns/probe nft add table ip probe'


def _prefix():
    user = [] if os.geteuid() == 0 else ['--map-root-user']
    return ['setpriv', '--pdeathsig', 'KILL', 'unshare', *user, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--']


def is_inside():
    return _INSIDE in os.environ


def why_not():
    """A sentence if this machine allows no lab."""
    try:
        probe = subprocess.run([*_prefix(), 'sh', '-c', _PROBE], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return f'{error.filename} is missing; ./dev setup installs it'
    if probe.returncode == 0:
        return None
    words = probe.stderr.strip().split('\n')[-1] or f'status {probe.returncode}'
    return f'this machine allows no network namespaces with nftables ({words}); it takes root, or user namespaces'


def popen(argv, **options):
    """`natlab.py ARGV` in a container of its own."""
    return subprocess.Popen([*_prefix(), sys.executable, PROGRAM, *argv], env={**os.environ, _INSIDE: '1'}, **options)


def run(argv):
    """The exit status of that."""
    child = popen(argv)

    def end(number, _frame):
        child.kill()
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    # A terminal sends it to those inside, too, where a shell may want it.
    signal.signal(signal.SIGINT, signal.SIG_IGN if sys.stdin.isatty() else end)
    status = child.wait()
    return status if status >= 0 else 128 - status


def prepare():
    """Inside, first of all."""
    mount = ['mount', '--make-rprivate', '/'], ['mount', '-t', 'tmpfs', 'tmpfs', '/run']
    for argv in mount:
        subprocess.run(argv, check=True)
    os.mkdir(WORK, 0o755)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    signal.signal(signal.SIGINT, lambda number, _: sys.exit(128 + number))


def replace_file(path, text):
    """For those inside only."""
    own = os.path.join(WORK, os.path.basename(path))
    with open(own, 'w', encoding='utf-8') as file:
        file.write(text)
    subprocess.run(['mount', '--bind', own, path], check=True)
