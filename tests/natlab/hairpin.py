#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""hairpin.py SERVER: whether two sockets of this host reach each other by their outer addresses ("yes" or "no").

Both send, as ICE does, so that a NAT that filters lets them in; and what arrives must come from the outer address (RFC 4787, REQ-9).
"""

import os
import select
import socket
import struct
import sys

_COOKIE = 0x2112A442
_TRIES = 5


def _mapped(sock, server):
    """The outer address, by a STUN binding request."""
    for _ in range(_TRIES):
        transaction = os.urandom(12)
        sock.sendto(struct.pack('!HHI', 1, 0, _COOKIE) + transaction, (server, 3478))
        if not select.select([sock], [], [], 0.5)[0]:
            continue
        answer = sock.recv(2048)
        at = 20
        while answer[8:20] == transaction and at + 4 <= len(answer):
            kind, size = struct.unpack_from('!HH', answer, at)
            if kind == 0x0020:  # XOR-MAPPED-ADDRESS
                port, address = struct.unpack_from('!HI', answer, at + 6)
                return socket.inet_ntoa(struct.pack('!I', address ^ _COOKIE)), port ^ (_COOKIE >> 16)
            at += 4 + (size + 3) // 4 * 4
    sys.exit('hairpin.py: the STUN server does not answer')


def main(server):
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
    print('yes' if len(heard) == 2 else 'no')


if __name__ == '__main__':
    main(sys.argv[1])
