# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two peers' networks and the public segment between them, as network namespaces.

    a --- a-nat [--- a-outer] --- net --- [b-outer ---] b-nat --- b
                                 / | \\
                            signal turn host

`net` routes between all that is public, with a device to-NAME for each, and counts (rules.counters). A device is eth0 on a host, wan
and lan on a router. Everything here runs inside a container; see container.py.
"""

import os
import subprocess

import container
import rules
from topologies import NATS, NETWORKS, PUBLIC, SITES

_NET4, _NET6 = '203.0.113.1', 'fe80::1'


class Space:
    """A network namespace before it is made: what is to be done in it, in this order."""

    def __init__(self, name, forward=False, ipv6=False):
        self.name = name
        self.forward = forward
        self.ipv6 = ipv6
        self.timeout = 0  # seconds of conntrack for UDP; 0: the kernel's
        self.ip = []  # lines for ip -batch
        self.nft = ''

    def settings(self):
        conf = '/proc/sys/net/ipv6/conf'
        if self.ipv6:
            # No address that nobody asked for, and those that are asked for at once.
            wanted = {f'{conf}/default/addr_gen_mode': 1, f'{conf}/default/accept_dad': 0, f'{conf}/all/accept_dad': 0}
        else:
            wanted = {f'{conf}/default/disable_ipv6': 1, f'{conf}/all/disable_ipv6': 1}
        if self.forward:
            wanted['/proc/sys/net/ipv4/ip_forward'] = 1
            wanted[f'{conf}/all/forwarding'] = int(self.ipv6)
        return wanted

    def conntrack(self):
        """They are there once a rule has asked for conntrack."""
        path = '/proc/sys/net/netfilter/nf_conntrack_udp_timeout'
        return {path: self.timeout, f'{path}_stream': self.timeout} if self.timeout else {}


def _shell(settings):
    return ''.join(f'echo {value} >{path}\n' for path, value in settings.items())


class Lab:
    """`b` None: both peers are in the network `a`. `links`: of the emulator, for the site's access link."""

    def __init__(self, a, b=None, links=None):
        self.names = {'a': a, 'b': b or a}
        self.networks = {site: NETWORKS[name] for site, name in self.names.items()}
        self.shared = self.networks['a'].both
        self.links = links or {}
        self.spaces = {}
        self._veths = []  # ((namespace, device), (namespace, device))
        self._joins = []  # likewise, with a LINK: by the emulator
        self._emulators = []
        self._plan()

    # --- The plan ---

    def _space(self, name, **options):
        self.spaces[name] = Space(name, **options)
        return self.spaces[name]

    def _plan(self):
        self._net = self._space('net', forward=True, ipv6=True)
        # Nobody carries private addresses.
        self._net.ip += [f'route add blackhole {prefix}' for prefix in ('10.0.0.0/8', '100.64.0.0/10', '192.168.0.0/16')]
        self._net.nft = rules.counters()
        for name, host in PUBLIC.items():
            self._attach(self._space(name, ipv6=True), 'eth0', name, host.ipv4, [host.ipv6])
        self._plan_site('a')
        if self.shared:
            self._plan_second_peer()
        else:
            self._plan_site('b')

    def _attach(self, space, device, name, ipv4, ipv6, link=None):
        """Makes the space's device its way to the public segment."""
        ends = ((space.name, device), ('net', f'to-{name}'))
        if link:
            self._joins.append((*ends, link))
        else:
            self._veths.append(ends)
        if ipv4:
            self._net.ip.append(f'addr add {_NET4}/32 dev to-{name}')
            space.ip += [f'addr add {address}/32 dev {device}' for address in ipv4]
            space.ip += [f'route add {_NET4} dev {device}', f'route add default via {_NET4} dev {device} src {ipv4[0]}']
            self._net.ip += [f'route add {address} dev to-{name}' for address in ipv4]
        if ipv6:
            self._net.ip.append(f'addr add {_NET6}/64 dev to-{name} nodad')
            space.ip += [f'addr add {address}/128 dev {device} nodad' for address in ipv6] + [f'addr add fe80::2/64 dev {device} nodad']
            space.ip.append(f'route add ::/0 via {_NET6} dev {device}')
            self._net.ip += [f'route add {address} via fe80::2 dev to-{name}' for address in ipv6]

    def _plan_site(self, name):
        network, site = self.networks[name], SITES[name]
        peer = self._space(name, ipv6=bool(network.ipv6))
        if not network.nats and not network.ipv6:
            self._attach(peer, 'eth0', name, [site.outer], [], self.links.get(name))
            return
        router = self._space(f'{name}-nat', forward=True, ipv6=bool(network.ipv6))
        self._veths.append(((peer.name, 'eth0'), (router.name, 'lan')))
        if network.ipv4:
            self._plan_ipv4(name, network, site, router)
        if network.ipv6:
            self._plan_ipv6(name, network, site, router)

    def _plan_ipv4(self, name, network, site, router):
        lan = f'192.168.{site.number}'
        router.ip.append(f'addr add {lan}.1/24 dev lan')
        self.spaces[name].ip += [f'addr add {lan}.2/24 dev eth0', f'route add default via {lan}.1']
        outermost, outer = router, site.outer
        if len(network.nats) > 1:
            middle = network.middle.format(site.number)
            outermost, outer = self._space(f'{name}-outer', forward=True), f'{middle}.2'
            self._veths.append(((router.name, 'wan'), (outermost.name, 'lan')))
            router.ip += [f'addr add {outer}/24 dev wan', f'route add default via {middle}.1']
            outermost.ip.append(f'addr add {middle}.1/24 dev lan')
            outermost.nft = rules.nat(NATS[network.nats[1]], site.outer, network, False)
        self._attach(outermost, 'wan', name, [site.outer], [], self.links.get(name))
        router.nft += rules.nat(NATS[network.nats[0]], outer, network, True)
        router.timeout = outermost.timeout = network.timeout

    def _plan_ipv6(self, name, network, site, router):
        peer = self.spaces[name]
        if not network.ipv4:
            self._attach(router, 'wan', name, [], [], self.links.get(name))
        self._net.ip += [f'addr add {_NET6}/64 dev to-{name} nodad', f'route add {site.prefix6}:/64 via fe80::2 dev to-{name}']
        router.ip += ['addr add fe80::2/64 dev wan nodad', f'route add ::/0 via {_NET6} dev wan',
                      f'addr add {site.prefix6}:1/64 dev lan nodad',
                      'addr add fe80::1/64 dev lan nodad']  # without which it asks for no neighbour on behalf of others
        peer.ip += [f'addr add {site.prefix6}:2/64 dev eth0 nodad', f'route add ::/0 via {site.prefix6}:1']
        router.nft += rules.ipv6(network)

    def _plan_second_peer(self):
        """In the first one's LAN, or in one beside it."""
        router, peer = self.spaces['a-nat'], self._space('b')
        if self.networks['a'].isolated:
            lan, last = '192.168.2', 2
            self._veths.append((('b', 'eth0'), ('a-nat', 'lan2')))
            router.ip.append(f'addr add {lan}.1/24 dev lan2')
        else:
            lan, last = '192.168.1', 3
            self._veths[self._veths.index((('a', 'eth0'), ('a-nat', 'lan')))] = (('a', 'eth0'), ('a-nat', 'port-a'))
            self._veths.append((('b', 'eth0'), ('a-nat', 'port-b')))
            router.ip[:0] = ['link add lan type bridge', 'link set port-a master lan', 'link set port-b master lan', 'link set lan up']
        peer.ip += [f'addr add {lan}.{last}/24 dev eth0', f'route add default via {lan}.1']

    # --- The making ---

    def build(self):
        for name in self.spaces:
            subprocess.run(['ip', 'netns', 'add', name], check=True)
        for space in self.spaces.values():
            self.shell(space.name, _shell(space.settings()) + 'ip link set lo up')
        lines = [f'link add name {near[1]} netns {near[0]} type veth peer name {far[1]} netns {far[0]}' for near, far in self._veths]
        subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines), text=True, check=True)
        for near, far, link in self._joins:
            self._join(near, far, link)
        for space in self.spaces.values():
            self._fill(space)

    def _devices(self, name):
        return [end[1] for ends in self._veths + [join[:2] for join in self._joins] for end in ends if end[0] == name]

    def _fill(self, space):
        lines = [f'link set {device} up' for device in self._devices(space.name)] + list(dict.fromkeys(space.ip))
        self.shell(space.name, f"nft -f - <<'END'\n{space.nft}\nEND\n" + _shell(space.conntrack())
                   + "ip -batch - <<'END'\n" + '\n'.join(lines) + '\nEND\n')

    def _join(self, near, far, link):
        """Ends when the container does."""
        ends = [f'/run/netns/{name}:{device}' for name, device in (near, far)]
        emulator = subprocess.Popen([os.environ['NETLAB'], 'join', '--a', ends[0], '--b', ends[1], '--link', link], stdout=subprocess.PIPE,
                                  text=True)
        self._emulators.append(emulator)
        if 'joined' not in emulator.stdout.readline():
            raise RuntimeError(f'netlab could not join {ends[0]} and {ends[1]}')

    # --- What is done in it ---

    @staticmethod
    def enter(name, argv):
        """The command line that runs another one there. Not `ip netns exec`: that would mount a /sys and hide files of /etc."""
        return ['nsenter', f'--net=/run/netns/{name}', '--', *argv]

    def shell(self, name, script):
        return subprocess.run(self.enter(name, ['sh', '-eu']), input=script, text=True, check=True, stdout=subprocess.PIPE).stdout

    def gateway(self, site):
        """The router's address in the LAN."""
        return f'192.168.{SITES[site].number}.1'

    def counted(self):
        """Bytes by way since the lab began; see rules.counters()."""
        counts, name = {}, None
        for line in self.shell('net', 'nft list counters table inet count').split('\n'):
            words = line.split()
            if words[:1] == ['counter']:
                name = words[1]
            elif words[:1] == ['packets']:
                counts[name] = int(words[3])
        return counts

    @staticmethod
    def write_names():
        """For all hosts the same; and nobody asks a network for a name."""
        lines = ['127.0.0.1 localhost']
        for host in PUBLIC.values():
            lines += [f'{address} {" ".join(host.names)}' for address in (host.ipv4[0], host.ipv6)]
        container.replace_file('/etc/hosts', '\n'.join(lines) + '\n')
        container.replace_file('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')


def is_possible(a, b):
    """None, or a sentence."""
    for name in (a, b):
        if name and name not in NETWORKS:
            return f'there is no network {name}; see ./dev natlab list'
    if NETWORKS[a].both:
        return f'{a} is a network for both peers; name no second one' if b else None
    if b and NETWORKS[b].both:
        return f'{b} is a network for both peers; name it alone'
    return None
