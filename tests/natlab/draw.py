# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lab as text: each peer's way to the public segment, with addresses and what is open on it."""

from theory import expect
from topologies import ALL, BROKEN, NATS, NETWORKS, ONLY_443, PROXY, PROXY_PORT, PUBLIC, ROUTED, SITES, TCP

_OUT = {ALL: 'everything may leave', TCP: 'TCP may leave, UDP may not', ONLY_443: 'TCP to port 443 may leave, nothing else',
        PROXY: 'nothing may leave but through the proxy'}


def _box(title, lines):
    width = max(len(line) for line in [title, *lines]) + 2
    top = f'+- {title} ' + '-' * (width - len(title) - 3) + '+'
    return [top] + [f'| {line.ljust(width - 2)} |' for line in lines] + ['+' + '-' * width + '+']


def _nat_box(name, nat, lines, network):
    hairpin = 'hairpins' if nat.hairpin else 'does not hairpin'
    return _box(name, [*lines, nat.mapping, nat.filtering, f'{hairpin}; UDP mappings live {network.timeout} s'])


def _peer_boxes(network, site, names):
    """A list of boxes: one, or two beside each other in one LAN."""
    if not network.nats and not network.ipv6:
        return [_box(names[0], [f'eth0 {site.outer}'])]
    boxes = []
    for number, name in enumerate(names):
        lines = []
        if network.ipv4:
            lan = f'192.168.{2 if network.isolated and number else site.number}'
            lines.append(f'eth0 {lan}.{3 if number and not network.isolated else 2}/24')
        if network.ipv6:
            lines.append(f'eth0 {site.prefix6}:2/64')
        boxes.append(_box(name, lines))
    return boxes


def _router_boxes(network, letter, site):
    boxes = []
    if network.nats:
        inner = f'{network.middle.format(site.number)}.2' if len(network.nats) > 1 else site.outer
        lines = [f'lan 192.168.{site.number}.1/24   wan {inner}', _OUT[network.out]]
        if network.both:
            lines.append('lan2 192.168.2.1/24, no forwarding between the two' if network.isolated else 'both peers in one LAN')
        if network.out == PROXY:
            lines.append(f'HTTP proxy at 192.168.{site.number}.1:{PROXY_PORT}: CONNECT to port 443, user and password')
        boxes.append(_nat_box(f'{letter}-nat  {network.nats[0]}', NATS[network.nats[0]], lines, network))
    if len(network.nats) > 1:
        lines = [f'lan {network.middle.format(site.number)}.1/24   wan {site.outer}']
        boxes.append(_nat_box(f'{letter}-outer  {network.nats[1]}', NATS[network.nats[1]], lines, network))
    if network.ipv6:
        does = {ROUTED: 'lets out everything, lets in answers', BROKEN: 'forwards nothing'}[network.ipv6]
        firewall = _box(f'{letter}-nat  IPv6', [f'lan {site.prefix6}:1/64', does])
        boxes[:1] = [_beside(boxes[0], firewall) if boxes else firewall]
    return boxes


def _beside(left, right):
    height = max(len(left), len(right))
    width = max(map(len, left))
    return [f"{(left[i] if i < len(left) else '').ljust(width)}  {right[i] if i < len(right) else ''}".rstrip() for i in range(height)]


def _column(boxes):
    """From top to bottom, joined."""
    lines = []
    for box in boxes:
        if lines:
            lines.append('        |')
        lines += box
    return lines


def _public():
    lines = []
    for name, host in PUBLIC.items():
        lines.append(f"{name:7} {', '.join((*host.ipv4, host.ipv6))}")
        lines.append(f"        {host.says} ({', '.join(host.names)})")
    return _box('net  the public segment', lines)


def network(name, letters):
    found, site = NETWORKS[name], SITES[letters[0]]
    peers = _peer_boxes(found, site, letters)
    first = peers[0] if len(peers) == 1 else _beside(*peers)
    return [f"{' and '.join(letters)}: {name}, {found.says}", *_column([first, *_router_boxes(found, letters[0], site)])]


def show(a, b):
    lines = network(a, 'ab' if NETWORKS[a].both else 'a')
    lines += ['        |', *_public()]
    if b:
        below = network(b, 'b')
        lines += ['        |', *_column(list(reversed([_peer_boxes(NETWORKS[b], SITES['b'], 'b')[0], *_router_boxes(NETWORKS[b], 'b', SITES['b'])]))),
                  below[0]]
    second = NETWORKS[b or a]
    without, with_turn = (expect(NETWORKS[a], second, turn) for turn in ((), ('udp', 'tcp', 'tls')))
    lines += ['', f'In theory: {without} without TURN, {with_turn} with it.']
    return lines
