# SPDX-License-Identifier: LGPL-2.1-or-later
"""The networks of the lab, one row each. What a row means as nftables rules is in rules.py, as devices in lab.py, for ICE in theory.py."""

from typing import NamedTuple

# How a NAT chooses the outer port, and whom it lets in (RFC 4787):
EIM, APDM = 'endpoint-independent mapping', 'address- and port-dependent mapping'
EIF, ADF, APDF = 'endpoint-independent filtering', 'address-dependent filtering', 'address- and port-dependent filtering'


class Nat(NamedTuple):
    mapping: str
    filtering: str
    hairpin: bool = False  # two hosts behind it reach each other by its outer address


NATS = {
    'full-cone': Nat(EIM, EIF),
    'address-restricted': Nat(EIM, ADF),
    'port-restricted': Nat(EIM, APDF),
    'symmetric': Nat(APDM, APDF),
    'full-cone-hairpin': Nat(EIM, EIF, True),
    'address-restricted-hairpin': Nat(EIM, ADF, True),
    'port-restricted-hairpin': Nat(EIM, APDF, True),
    # Between two hosts behind it, it is as good as without: what the one knows of the other is a port that is open to the STUN server only.
    'symmetric-hairpin': Nat(APDM, APDF, True),
}

# What a peer may send: everything; TCP only; TCP to port 443 only; nothing, but there is an HTTP proxy in its LAN.
ALL, TCP, ONLY_443, PROXY = 'all', 'tcp', 'only 443', 'proxy'
# IPv6: a prefix behind a firewall that lets out and answers in; an address and a route that lead nowhere.
ROUTED, BROKEN = 'routed', 'broken'


class Network(NamedTuple):
    """Where a peer is. `nats` from the peer outwards; none: the peer itself has a public address."""

    says: str
    nats: tuple = ()
    out: str = ALL
    ipv4: bool = True
    ipv6: str = ''
    middle: str = '10.{}.0'  # between two NATs; the number is the site's
    timeout: int = 120  # seconds that a mapping of UDP lives
    both: bool = False  # the other peer is in it, too
    isolated: bool = False  # both: in two segments between which the router forwards nothing


NETWORKS = {
    'none': Network('a public address'),
    'full-cone': Network('everybody may send to an open port', ('full-cone',)),
    'address-restricted': Network('who was sent to may answer, from any port', ('address-restricted',)),
    'port-restricted': Network('who was sent to may answer, from that port', ('port-restricted',)),
    'symmetric': Network('another port for each destination, which alone may answer', ('symmetric',)),
    'full-cone-hairpin': Network('full-cone, and hairpins', ('full-cone-hairpin',)),
    'address-restricted-hairpin': Network('address-restricted, and hairpins', ('address-restricted-hairpin',)),
    'port-restricted-hairpin': Network('port-restricted, and hairpins', ('port-restricted-hairpin',)),
    'symmetric-hairpin': Network('symmetric, and hairpins', ('symmetric-hairpin',)),
    'double-nat': Network('a router behind a router', ('port-restricted', 'port-restricted')),
    'cgnat': Network('a carrier-grade NAT behind the home router', ('port-restricted', 'port-restricted'), middle='100.64.{}'),
    'cgnat-symmetric': Network('a symmetric carrier-grade NAT behind the home router', ('port-restricted', 'symmetric'), middle='100.64.{}'),
    'udp-blocked': Network('no UDP leaves', ('port-restricted',), out=TCP),
    'only-443': Network('nothing leaves but TCP to port 443', ('port-restricted',), out=ONLY_443),
    'http-proxy': Network('nothing leaves; an HTTP proxy connects to port 443, with user and password', ('port-restricted',), out=PROXY),
    'ipv6-only': Network('IPv6 behind a firewall, no IPv4', ipv4=False, ipv6=ROUTED),
    'dual-stack': Network('IPv4 behind a NAT, IPv6 behind a firewall', ('port-restricted',), ipv6=ROUTED),
    'broken-ipv6': Network('IPv4 behind a NAT, IPv6 with a route that leads nowhere', ('port-restricted',), ipv6=BROKEN),
    'mapping-30s': Network('the NAT forgets after 30 s of silence', ('port-restricted',), timeout=30),
    'same-lan': Network('both peers in one LAN', ('port-restricted',), both=True),
    'isolated-lan': Network('both peers behind one NAT, each in a segment of its own', ('port-restricted',), both=True, isolated=True),
    'isolated-lan-hairpin': Network('the same, and the NAT hairpins', ('port-restricted-hairpin',), both=True, isolated=True),
}

# The five behaviours, of which the matrix is made.
FIVE = ('none', 'full-cone', 'address-restricted', 'port-restricted', 'symmetric')


class Host(NamedTuple):
    """On the public segment. Its names are in /etc/hosts of the lab."""

    says: str
    ipv4: tuple
    ipv6: str
    names: tuple


PUBLIC = {
    'signal': Host('dcsignald, TCP 8443 and 443', ('203.0.113.2',), '2001:db8::2', ('signal.example',)),
    'turn': Host('coturn, UDP and TCP 3478, TLS 443', ('203.0.113.3', '203.0.113.4'), '2001:db8::3', ('turn.example', 'other.example')),
    'rest': Host('coturn, the same, with REST credentials', ('203.0.113.5',), '2001:db8::5', ('rest.example',)),
    'host': Host('a host like any other', ('203.0.113.9',), '2001:db8::9', ('host.example',)),
}


class Site(NamedTuple):
    """The numbers of a peer's network."""

    number: int
    outer: str  # the public IPv4 address
    next_outer: str  # after an address change or a NAT's reboot
    prefix6: str  # of a /64


SITES = {'a': Site(1, '198.51.100.10', '198.51.100.11', '2001:db8:a:'), 'b': Site(2, '198.51.100.20', '198.51.100.21', '2001:db8:b:')}

PROXY_PORT = 3128
USER, PASSWORD = 'natlab-user', 'p@ss/word'  # has to be escaped in a URL
