# SPDX-License-Identifier: LGPL-2.1-or-later
"""What changes or ends under a running connection: an address, a NAT that reboots, mappings that expire."""

import json
import os
import subprocess
import threading
import time

from container import WORK
from lab import Lab
from procs import Failure, Process, checksum, make_file
from services import Services
from topologies import PUBLIC, SITES

_ICE = ('--stun-server', 'stun:turn.example')
_MIB = 24
_LINK = 'rate 8mbit rtt 20ms'  # which makes of that half a minute
_OUTAGE_S = 2
_PATIENCE_S = 90


# --- A transfer under changes ---


def move_peer(lab, site):
    """The peer gets another address: in its LAN, as from another access point, or in public."""
    if lab.networks[site].nats:
        lan = f'192.168.{SITES[site].number}'
        lab.shell(site, f'ip addr flush dev eth0\nip addr add {lan}.77/24 dev eth0\nip route add default via {lan}.1')
        return
    old, new = SITES[site].outer, SITES[site].next_outer
    lab.shell('net', f'ip route add {new} dev to-{site}\nip route del {old} dev to-{site}')
    lab.shell(site, f'ip addr flush dev eth0\nip addr add {new}/32 dev eth0\nip route add 203.0.113.1 dev eth0\n'
                    f'ip route add default via 203.0.113.1 dev eth0 src {new}')


def reboot_nat(lab, site):
    """It is away for a while, has forgotten all mappings, and comes back with another public address. Conntrack forgets what was
    masqueraded to an address that goes away."""
    router, old, new = f'{site}-nat', SITES[site].outer, SITES[site].next_outer
    lab.shell(router, 'ip link set wan down\nip addr flush dev wan\nnft flush map ip nat inside\nnft flush set ip nat hosts\n'
                      'nft flush set ip nat endpoints')
    time.sleep(_OUTAGE_S)
    lab.shell('net', f'ip route add {new} dev to-{site}\nip route del {old} dev to-{site}')
    lab.shell(router, f'ip link set wan up\nip addr add {new}/32 dev wan\nip route add 203.0.113.1 dev wan\n'
                      'ip route add default via 203.0.113.1 dev wan')


def _grown(path, size):
    """Waits until a file has so much of the transfer."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if os.path.exists(path) and os.path.getsize(path) >= size:
            return
        time.sleep(0.1)
    raise Failure(f'the transfer has not come to {size} bytes in {_PATIENCE_S} s')


def _resumed(processes, times):
    for process in processes:
        deadline = time.monotonic() + _PATIENCE_S
        while len(process.find('datachannel-resumed')) < times:
            if time.monotonic() > deadline or process.ended is not None:
                raise Failure(f'{process.name} has not gone on after change {times}')
            time.sleep(0.1)


def _launch(lab, services, site, pipeline):
    return Process(f'{site}: gst-launch-1.0', lab.enter(site, ['gst-launch-1.0', '-m', *pipeline.split()]), f'{WORK}/{site}.log', None,
                   {'DC_SIGNALING': services.url(site)})


def check_changes(a, b):
    """A file through the elements, while the sender gets another address and then the receiver's NAT reboots. Sentences of what was wrong."""
    lab = Lab(a, b, {'a': _LINK})
    lab.write_names()
    lab.build()
    services = Services(lab, WORK, _ICE)
    make_file(f'{WORK}/in', _MIB << 20, 1)
    receiver = _launch(lab, services, 'b', f'datachannelsrc room=changes ! filesink buffer-mode=unbuffered location={WORK}/out')
    sender = _launch(lab, services, 'a', f'filesrc blocksize=65536 location={WORK}/in ! datachannelsink room=changes')
    for number, (part, what, change) in enumerate(((1 / 5, "the sender's address", lambda: move_peer(lab, 'a')),
                                                   (3 / 5, "the receiver's NAT", lambda: reboot_nat(lab, 'b'))), 1):
        _grown(f'{WORK}/out', int(part * (_MIB << 20)))
        began = time.monotonic()
        change()
        _resumed((sender, receiver), number)
        print(f'{what} has changed; both went on after {time.monotonic() - began:.1f} s', flush=True)
    statuses = sender.wait(_PATIENCE_S), receiver.wait(_PATIENCE_S)
    faults = [] if statuses == (0, 0) else [f'exit statuses {statuses}']
    if checksum(f'{WORK}/in') != checksum(f'{WORK}/out'):
        faults.append('what arrived is something else than what was sent')
    else:
        print(f'{_MIB} MiB have arrived, checksums are equal')
    return faults


# --- Mappings that expire ---


def _lives(lab, seconds, results):
    """Whether a mapping that nobody uses is there after so long."""
    argv = lab.enter('a', ['turnutils_natdiscovery', '-t', '-T', str(seconds), PUBLIC['turn'].ipv4[0]])
    found = subprocess.run(argv, capture_output=True, text=True, check=False)
    results[seconds] = 'RFC 5780 response 2' in found.stdout


def _idle_pair(lab, services, name, seconds, words):
    """Two peers that say a word, are silent, and say another."""
    talk = ['--room', name, '--json', '--count', '2', '--interval', str(seconds), '--no-turn', *words]
    pair = []
    for site, command in (('b', ['answer', '--once', *talk]), ('a', ['offer', *talk])):
        argv = ['dcpeer', command[0], '--signaling', services.url(site), *command[1:]]
        pair.append(Process(f'{name} {site}', lab.enter(site, argv), f'{WORK}/{name}.{site}.log', None))
        pair[0].wait_line('"registered"', _PATIENCE_S)
    return pair


def _judge_idle(process, status, seconds):
    events = [json.loads(text) for _, text in process.lines if text.startswith('{')]
    received = [event['t'] for event in events if event['event'] == 'received']
    opened = [event['t'] for event in events if event['event'] == 'channel-open']
    faults = [f'{process.name} exited with {status}'] if status else []
    if len(opened) != 1:
        faults.append(f'{process.name} had {len(opened)} connections')
    elif len(received) != 2 or received[1] - opened[0] < seconds - 1:
        faults.append(f'{process.name} received at {received}')
    return faults


def check_keepalive(seconds):
    """An idle raw and an idle link channel through NATs that forget after 30 s. Sentences of what was wrong."""
    lab = Lab('mapping-30s', 'mapping-30s')
    lab.write_names()
    lab.build()
    services = Services(lab, WORK, _ICE)
    lives = {}
    threads = [threading.Thread(target=_lives, args=(lab, after, lives)) for after in (20, 35)]
    for thread in threads:
        thread.start()
    pairs = [_idle_pair(lab, services, 'link', seconds, []), _idle_pair(lab, services, 'raw', seconds, ['--raw', '--hang-up'])]
    faults = []
    for process in (process for pair in pairs for process in reversed(pair)):
        faults += _judge_idle(process, process.wait(seconds + _PATIENCE_S), seconds)
    for thread in threads:
        thread.join()
    if lives != {20: True, 35: False}:
        faults.append(f'the NAT is not as it should be: {lives}')
    if not faults:
        print(f'after {seconds} s of silence both channels carried a message each way')
    return faults
