# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tshark sees on the public segment of a peer that speaks to its TURN server over TLS, and whether that server has to be the one."""

import json
import os
import subprocess

import cell
from container import WORK
from lab import Lab
from procs import Process
from services import CA, OTHER_CA, Services, turn_url
from theory import expect
from topologies import PUBLIC, USER

_PATIENCE_S = 20
_TURN = f"ip.addr == {PUBLIC['turn'].ipv4[0]}"
_SEEN = {
    'TLS': f'{_TURN} && tls.record.content_type',
    'STUN': f'{_TURN} && stun',
    'the magic cookie': f'{_TURN} && frame contains 21:12:a4:42',
    'the user name': f'frame contains "{USER}"',
}


class Capture:
    """Of what a sends and gets, from where the public segment begins."""

    def __init__(self, lab, name):
        self.path = f'{WORK}/{name}.pcapng'
        self.process = Process('tshark', lab.enter('net', ['tshark', '-i', 'to-a', '-w', self.path]), f'{WORK}/{name}.tshark.log', None)
        self.process.wait_line('Capturing on', _PATIENCE_S)

    def stop(self):
        """How many frames there were of each."""
        self.process.kill(2)
        self.process.wait(_PATIENCE_S)
        return {name: self._count(wanted) for name, wanted in _SEEN.items()}

    def _count(self, wanted):
        argv = ['tshark', '-r', self.path, '-Y', wanted, '-T', 'fields', '-e', 'frame.number']
        return len(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split())


def _refusal(name):
    """Why a does not use the TURN server."""
    with open(f'{WORK}/{name}.a.log', encoding='utf-8') as file:
        events = [json.loads(line) for line in file if line.startswith('{')]
    return ', '.join(event['reason'] for event in events if event['event'] == 'turn-failed')


def _play(lab, services, name, url, ca, ways):
    """A call in which only a has a TURN server. What was seen, and the round."""
    capture = Capture(lab, name)
    options = {'a': ['--turn-server', url, '--tls-ca', ca], 'b': ['--no-turn']}
    expected = expect(lab.networks['a'], lab.networks['b'], ways)
    played = cell.play(lab, services, f'{WORK}/{name}', options, expected)
    seen = capture.stop()
    print(f"{name}: {played.kind or _refusal(name)}; frames of {', '.join(f'{what} {count}' for what, count in seen.items())}", flush=True)
    return [f'{name}: {fault}' for fault in played.faults], seen


def check():
    """Sentences of what was wrong."""
    if not any(os.access(f'{folder}/tshark', os.X_OK) for folder in os.environ['PATH'].split(':')):
        return ['tshark is not installed']
    lab = Lab('udp-blocked', 'port-restricted')
    lab.write_names()
    lab.build()
    services = Services(lab, WORK, ['--stun-server', 'stun:turn.example'])
    # Without TLS, to see that it would be seen.
    faults, seen = _play(lab, services, 'TCP', turn_url(transport='tcp'), CA, ('tcp',))
    if not (seen['STUN'] and seen['the magic cookie'] and seen['the user name']):
        faults.append('TURN over TCP is not seen; so tshark would not see a leak either')
    calls = (('TLS', 'turn.example', CA, ('tls',)), ('TLS, another name', 'other.example', CA, ()),
             ('TLS, an unknown CA', 'turn.example', OTHER_CA, ()))
    for name, host, ca, ways in calls:
        more, seen = _play(lab, services, name, turn_url('turns', host, 443), ca, ways)
        faults += more
        if not ways and 'certificate' not in _refusal(name):
            faults.append(f'{name}: that the certificate is refused was not said')
        if not seen['TLS']:
            faults.append(f'{name}: no TLS was seen')
        faults += [f'{name}: {what} was seen' for what in ('STUN', 'the magic cookie', 'the user name') if seen[what]]
    return faults
