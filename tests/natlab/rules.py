# SPDX-License-Identifier: LGPL-2.1-or-later
"""NATs and firewalls as nftables rules. A router has a device "wan" and one or two, "lan" and "lan2", for those behind it.

Linux' masquerading keeps the port where it can, so it maps independently of the endpoint; and what comes back must match conntrack, so
it filters by address and port: that is port-restricted. Whoever lets in more keeps a memory of its own of what was sent out. Two traps:

- A packet from outside that nobody asked for must be dropped in `input`. Otherwise conntrack holds it for a connection to the router itself,
  which takes the port, and the peer that sends to there a moment later is mapped to another one: no hole can be punched.
- What the rules of a nat chain decide holds for a connection for good. A hairpinned packet that is not allowed yet is therefore dropped, too.
"""

from topologies import ADF, ALL, APDM, EIF, ONLY_443, PROXY, ROUTED, TCP

_FORBIDDEN = {
    ALL: '',
    TCP: 'meta l4proto udp drop',
    ONLY_443: 'meta l4proto != tcp drop; tcp dport != 443 drop',
    PROXY: 'drop',
}

# The port and address behind each outer port; who was sent to from which port.
_MEMORY = """
  map inside {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout {timeout}s; size 65535; }}
  set hosts {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout {timeout}s; size 65535; }}
  set endpoints {{ type ipv4_addr . inet_service . inet_service; flags dynamic,timeout; timeout {timeout}s; size 65535; }}
  chain learn {{
    type filter hook prerouting priority mangle;
    iifname != "lan*" return
    meta l4proto udp update @inside {{ udp sport : ip saddr . udp sport }}
    meta l4proto udp update @hosts {{ ip daddr . udp sport }}
    meta l4proto udp update @endpoints {{ ip daddr . udp dport . udp sport }}
  }}"""

_TO_INSIDE = 'dnat ip to udp dport map @inside'


def _let_in(nat):
    """Of what comes from outside and belongs to no connection."""
    if nat.filtering == EIF:
        return f'iifname "wan" meta l4proto udp {_TO_INSIDE}'
    if nat.filtering == ADF:
        return f'iifname "wan" ip saddr . udp dport @hosts {_TO_INSIDE}'
    return ''


def _let_back(nat, outer):
    """The same of what comes from inside to the outer address: the sender's outer address is that, and its outer port is its port."""
    if not nat.hairpin:
        return ''
    allowed = {EIF: 'meta l4proto udp', ADF: 'ip daddr . udp dport @hosts'}.get(
        nat.filtering, 'ip daddr . udp sport . udp dport @endpoints')
    return f'iifname "lan*" ip daddr {outer} {allowed} {_TO_INSIDE}'


def nat(nat, outer, network, innermost):
    """What `nft -f` reads. Only the innermost router forbids what the network does not let out."""
    forbidden = _FORBIDDEN[network.out] if innermost else ''
    isolated = 'iifname "lan*" oifname "lan*" ct status & dnat == 0 drop' if network.isolated else ''
    masquerade = 'masquerade fully-random' if nat.mapping == APDM else 'masquerade'
    hairpin = f'iifname "lan*" oifname "lan*" meta l4proto udp snat to {outer}' if nat.hairpin else ''
    return f"""table ip nat {{{_MEMORY.format(timeout=network.timeout)}
  chain pre {{
    type nat hook prerouting priority dstnat;
    {_let_in(nat)}
    {_let_back(nat, outer)}
  }}
  chain input {{
    type filter hook input priority filter;
    iifname "wan" ct state new drop
    meta l4proto udp ip daddr {outer} ct state new drop
  }}
  chain forward {{
    type filter hook forward priority filter;
    {isolated}
    iifname "wan" accept
    oifname "wan" jump out
  }}
  chain out {{
    {forbidden}
  }}
  chain post {{
    type nat hook postrouting priority srcnat;
    {hairpin}
    oifname "wan" {masquerade}
  }}
}}
"""


def ipv6(network):
    """Answers come in, nothing else does; or nothing gets anywhere."""
    policy = 'iifname "wan" ct state new drop' if network.ipv6 == ROUTED else 'drop'
    return f"""table ip6 firewall {{
  chain forward {{ type filter hook forward priority filter; {policy}; }}
}}
"""


# What crosses the public segment, by way: counted in bytes, from which the matrix knows a pair's kind whatever the programs say.
# The other side of a relay, which sends to a port that was lent, is in no way to its own.
_TURN = '{ "to-turn", "to-rest" }'
WAYS = {'udp': 'udp {0} 3478', 'tcp': 'tcp {0} 3478', 'tls': 'tcp {0} 443'}


def counters():
    names = [f'{site}-{way}' for site in 'ab' for way in WAYS] + ['direct']
    rules = []
    for site in 'ab':
        for way, match in WAYS.items():
            rules.append(f'iifname "to-{site}" oifname {_TURN} {match.format("dport")} counter name "{site}-{way}"')
            rules.append(f'iifname {_TURN} oifname "to-{site}" {match.format("sport")} counter name "{site}-{way}"')
    rules += ['iifname "to-a" oifname "to-b" counter name "direct"', 'iifname "to-b" oifname "to-a" counter name "direct"']
    newline = '\n    '
    return f"""table inet count {{
  {newline.join(f'counter {name} {{ }}' for name in names)}
  chain forward {{
    type filter hook forward priority filter;
    {newline.join(rules)}
  }}
}}
"""
