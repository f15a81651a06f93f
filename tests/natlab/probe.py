#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""probe.py COMMAND ARGUMENT...: what a peer can do in its network; run there by verify.py.

  hairpin SERVER                    whether two sockets of this host reach each other by their outer addresses ("yes" or "no"). Both send, as ICE
                                    does, so that a NAT that filters lets them in; what arrives must come from the outer address (RFC 4787, REQ-9)
  reach SERVER...                   what of a STUN server answers at each address: words such as udp4, tcp4 (port 3478), tls6 (port 443)
  proxy ADDRESS PORT USER PASSWORD  whether the HTTP proxy does what it should and nothing else ("yes", or what was wrong)
"""

import base64
import concurrent.futures
import os
import select
import socket
import struct
import sys

_COOKIE = 0x2112A442
_TRIES = 5
_PATIENCE_S = 2


def _ask(sock, server):
    """The answer to a STUN binding request, without its head; None if there is none."""
    for _ in range(_TRIES):
        transaction = os.urandom(12)
        sock.sendto(struct.pack('!HHI', 1, 0, _COOKIE) + transaction, (server, 3478))
        if select.select([sock], [], [], _PATIENCE_S / _TRIES)[0]:
            answer = sock.recv(2048)
            if answer[8:20] == transaction:
                return answer[20:]
    return None


def _mapped(sock, server):
    """The outer address."""
    answer, at = _ask(sock, server) or sys.exit('probe.py: the STUN server does not answer'), 0
    while at + 4 <= len(answer):
        kind, size = struct.unpack_from('!HH', answer, at)
        if kind == 0x0020:  # XOR-MAPPED-ADDRESS
            port, address = struct.unpack_from('!HI', answer, at + 6)
            return socket.inet_ntoa(struct.pack('!I', address ^ _COOKIE)), port ^ (_COOKIE >> 16)
        at += 4 + (size + 3) // 4 * 4
    return sys.exit('probe.py: the STUN server does not say the address')


def hairpin(server):
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    mapped = [_mapped(sock, server) for sock in socks]
    heard = set()
    for _ in range(_TRIES):
        for number, sock in enumerate(socks):
            sock.sendto(b'hairpin', mapped[1 - number])
        while ready := select.select(socks, [], [], 0.1)[0]:
            for sock in ready:
                data, source = sock.recvfrom(2048)
                if data == b'hairpin' and source == mapped[1 - socks.index(sock)]:
                    heard.add(sock)
    return 'yes' if len(heard) == 2 else 'no'


def _answers(server, way):
    family = socket.AF_INET6 if ':' in server else socket.AF_INET
    try:
        if way == 'udp':
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                return _ask(sock, server) is not None
        with socket.create_connection((server, 443 if way == 'tls' else 3478), _PATIENCE_S):
            return True
    except OSError:
        return False


def reach(*servers):
    probes = [(server, way) for server in servers for way in ('udp', 'tcp', 'tls')]
    with concurrent.futures.ThreadPoolExecutor(len(probes)) as pool:
        found = pool.map(lambda probe: _answers(*probe), probes)
        return ' '.join(f"{way}{6 if ':' in server else 4}" for (server, way), good in zip(probes, found) if good)


def proxy(address, port, user, password):
    good = base64.b64encode(f'{user}:{password}'.encode()).decode()
    wrong = base64.b64encode(f'{user}:x{password}'.encode()).decode()
    requests = (('CONNECT signal.example:443', good, b'200'), ('CONNECT signal.example:443', wrong, b'407'),
                ('CONNECT signal.example:443', '', b'407'), ('CONNECT signal.example:8443', good, b'403'),
                ('GET http://signal.example:443/', good, b'405'))
    for line, credentials, status in requests:
        with socket.create_connection((address, int(port)), _PATIENCE_S) as sock:
            header = f'Proxy-Authorization: Basic {credentials}\r\n' if credentials else ''
            sock.sendall(f'{line} HTTP/1.1\r\nHost: signal.example\r\n{header}\r\n'.encode())
            found = sock.recv(2048).split()[1]
            if found != status:
                return f'{line} was answered with {found.decode()} instead of {status.decode()}'
            if status == b'200':
                sock.sendall(b'GET /healthz HTTP/1.0\r\n\r\n')
                if b'200' not in sock.recv(2048):
                    return 'nothing comes through the proxy'
    return 'yes'


if __name__ == '__main__':
    print({'hairpin': hairpin, 'reach': reach, 'proxy': proxy}[sys.argv[1]](*sys.argv[2:]))
