# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ICE (RFC 8445) must come to between two networks, computed from how their NATs map and filter.

Nothing here knows of a table: what the matrix asserts follows from the rules of topologies.py.
"""

from typing import NamedTuple

from topologies import ADF, ALL, APDF, APDM, EIF, EIM, NATS, ONLY_443, PROXY, ROUTED, TCP


class Behaviour(NamedTuple):
    """Of all NATs between a peer and the public segment together."""

    mapping: str
    filtering: str


class Expected(NamedTuple):
    """`kinds`: of the peers a and b, as far as theory knows; empty: no connection. `ways`: how each may reach its relay."""

    kinds: tuple = ()
    ways: tuple = ()  # for a, for b: "udp", "tcp" or "tls"; empty: straight from one to the other

    @property
    def connects(self):
        return bool(self.kinds)

    def __str__(self):
        return kind_name(self.kinds, self.ways) if self.kinds else 'none'


def kind_name(kinds, ways):
    return f"relay/{'+'.join(sorted(set(filter(None, ways))))}" if any(ways) else '-'.join(kinds)


_STRICTNESS = (EIF, ADF, APDF)


def behaviour(network):
    """A chain maps like the one that depends on most, and filters like the strictest. None: no NAT."""
    if not network.nats:
        return None
    nats = [NATS[name] for name in network.nats]
    return Behaviour(max((nat.mapping for nat in nats), key=(EIM, APDM).index), max((nat.filtering for nat in nats), key=_STRICTNESS.index))


def _lets_in(to, sender):
    """Whether a check gets to the address that `to` has learnt from the STUN server, once `to` has sent checks itself."""
    if to is None:
        return True
    if to.mapping == APDM:
        return False  # that port is open to the STUN server alone
    # Who filters by port has to know the port, and that of a symmetric NAT is only known to whom it was made for.
    return to.filtering != APDF or sender is None or sender.mapping == EIM


def _kind(side):
    """Of the candidate from which its packets come."""
    if side is None:
        return 'host'
    return 'srflx' if side.mapping == EIM else 'prflx'


def _direct_ipv4(a, b):
    if a.both:
        return _direct_inside(a)
    sides = behaviour(a), behaviour(b)
    if _lets_in(sides[1], sides[0]) or _lets_in(sides[0], sides[1]):
        return _kind(sides[0]), _kind(sides[1])
    return ()


def _direct_inside(network):
    """Both behind one NAT."""
    if not network.isolated:
        return 'host', 'host'
    nat = NATS[network.nats[0]]
    return ('srflx', 'srflx') if nat.hairpin and nat.mapping == EIM else ()


def _direct_tcp(a, b):
    """RFC 6544: who may connect to any port reaches the other's passive candidate, if that has a public address."""
    for near, far in ((a, b), (b, a)):
        if near.ipv4 and near.out in (ALL, TCP) and far.ipv4 and not far.nats and far.out == ALL:
            return ('prflx' if near.nats else 'host', 'host') if near is a else ('host', 'prflx' if near.nats else 'host')
    return ()


def _direct(a, b, ice_tcp):
    # A firewall for IPv6 filters by address and port and maps nothing: host candidates, as both send.
    if a.ipv6 == b.ipv6 == ROUTED:
        return 'host', 'host'
    if a.ipv4 and b.ipv4 and a.out == b.out == ALL:
        kinds = _direct_ipv4(a, b)
        if kinds:
            return kinds
    return _direct_tcp(a, b) if ice_tcp else ()


# The ways to a server that may be used, the best one first.
USABLE = {ALL: ('udp', 'tcp', 'tls'), TCP: ('tcp', 'tls'), ONLY_443: ('tls',), PROXY: ()}


def _way(network, servers):
    """The best to a relay of those that are offered."""
    usable = ('tls',) if network.out == PROXY else USABLE[network.out]
    return next((way for way in usable if way in servers), None)


def expect(a, b, turn=(), ice_tcp=False):
    """`turn`: by which ways the TURN server is offered; `ice_tcp`: whether there are candidates of TCP."""
    kinds = _direct(a, b, ice_tcp)
    if kinds:
        return Expected(kinds)
    ways = _way(a, turn), _way(b, turn)
    # One relay will do for two where the other one sends UDP, straight to it, from an address that it has told of.
    if (ways[0] and (ways[1] or b.out == ALL)) or (ways[1] and a.out == ALL):
        return Expected(('relay',), ways)
    return Expected()
