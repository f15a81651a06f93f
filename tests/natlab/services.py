# SPDX-License-Identifier: LGPL-2.1-or-later
"""What runs on the public segment: dcsignald, coturn with a certificate of a test CA; and the proxy in a LAN."""

import base64
import hashlib
import hmac
import os
import subprocess
import sys
import time
from urllib.parse import quote

from container import WORK
from procs import Process
from topologies import ONLY_443, PASSWORD, PROXY, PROXY_PORT, PUBLIC, USER

HERE = os.path.dirname(os.path.abspath(__file__))
CA, OTHER_CA = f'{WORK}/ca.pem', f'{WORK}/other-ca.pem'
_SECRET = 'a secret of the TURN servers'
_WARM_UP_S = 20
SIGNALING = 'ws://signal.example:443'  # where everybody may go

_TURN = """
listening-port=3478
tls-listening-port=443
cert={work}/turn.pem
pkey={work}/turn.key
realm=example
lt-cred-mech
{users}
userdb={work}/{name}.db
pidfile={work}/{name}.pid
log-file=stdout
verbose
no-cli
relay-threads=1
"""


def _openssl(*words):
    subprocess.run(['openssl', *words], check=True, capture_output=True)


def make_certificates():
    """A CA with a certificate for turn.example, and a CA that nobody has heard of."""
    key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    for name in ('ca', 'other-ca'):
        _openssl('req', '-x509', *key, '-subj', f'/CN=natlab {name}', '-keyout', f'{WORK}/{name}.key', '-out', f'{WORK}/{name}.pem')
    _openssl('req', *key, '-subj', '/CN=turn.example', '-keyout', f'{WORK}/turn.key', '-out', f'{WORK}/turn.csr')
    with open(f'{WORK}/names', 'w', encoding='ascii') as file:
        file.write('subjectAltName=DNS:turn.example,DNS:rest.example')
    _openssl('x509', '-req', '-days', '2', '-in', f'{WORK}/turn.csr', '-CA', CA, '-CAkey', f'{WORK}/ca.key', '-CAcreateserial',
             '-extfile', f'{WORK}/names', '-out', f'{WORK}/turn.pem')


def rest_credentials():
    """User and password for ten minutes, as TURN servers with a shared secret make them."""
    user = f'{int(time.time()) + 600}:{USER}'
    return user, base64.b64encode(hmac.new(_SECRET.encode(), user.encode(), hashlib.sha1).digest()).decode()


def turn_url(scheme='turn', host='turn.example', port=None, transport=None, user=USER, password=PASSWORD):
    where = f'{host}:{port}' if port else host
    return f'{scheme}://{quote(user, safe="")}:{quote(password, safe="")}@{where}' + (f'?transport={transport}' if transport else '')


def proxy_url(lan):
    return f'http://{quote(USER, safe="")}:{quote(PASSWORD, safe="")}@{lan}:{PROXY_PORT}'


class Services:
    """Started in a lab that was built. `ice`: what dcsignald tells the peers, STUN and TURN URLs."""

    def __init__(self, lab, logs, ice=(), rest=False):
        self.lab = lab
        self.logs = logs
        self.signal = self._start('signal', [os.environ.get('DCSIGNALD', 'dcsignald'), *self._listen(), *ice])
        make_certificates()
        servers = [self._coturn('turn', f'user={USER}:{PASSWORD}')]
        if rest:
            servers.append(self._coturn('rest', f'use-auth-secret\nstatic-auth-secret={_SECRET}'))
        self.proxies = {site: self._proxy(site) for site, network in lab.networks.items() if network.out == PROXY}
        self.signal.wait_line(r'listening on .*:443 ', _WARM_UP_S)
        for server in servers:
            server.wait_line('Total General servers', _WARM_UP_S)
        for proxy in self.proxies.values():
            proxy.wait_line('listening', _WARM_UP_S)

    def _start(self, name, argv, host=None):
        return Process(name, self.lab.enter(host or name, argv), f'{self.logs}/{name}.log', None)

    @staticmethod
    def _listen():
        host = PUBLIC['signal']
        addresses = (*host.ipv4, f'[{host.ipv6}]')
        return [word for address in addresses for port in (8443, 443) for word in ('--listen', f'{address}:{port}')]

    def _coturn(self, name, users):
        config = _TURN.format(work=WORK, name=name, users=users)
        host = PUBLIC[name]
        config += ''.join(f'listening-ip={address}\n' for address in (*host.ipv4, host.ipv6))
        config += ''.join(f'relay-ip={address}\n' for address in (host.ipv4[0], host.ipv6))
        with open(f'{WORK}/{name}.conf', 'w', encoding='ascii') as file:
            file.write(config)
        return self._start(name, ['turnserver', '-c', f'{WORK}/{name}.conf'])

    def _proxy(self, site):
        argv = [sys.executable, f'{HERE}/connect-proxy.py', self.lab.gateway(site), str(PROXY_PORT), USER, PASSWORD]
        return self._start(f'{site}-proxy', argv, f'{site}-nat')

    def url(self, site):
        """Of dcsignald, as that site can reach it."""
        return SIGNALING if self.lab.networks[site].out in (ONLY_443, PROXY) else 'ws://signal.example:8443'
