# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the networks are what topologies.py says: the NATs asked of coturn's turnutils_natdiscovery and of two sockets that send to each other,
and what is open of a server that is tried."""

import re
import subprocess
import sys

from container import WORK
from lab import Lab
from services import HERE, Services
from theory import USABLE, behaviour
from topologies import ADF, ALL, APDF, APDM, EIF, EIM, NATS, NETWORKS, PASSWORD, PROXY, PROXY_PORT, PUBLIC, ROUTED, USER

_TOOL = {EIM: 'Endpoint Independent Mapping', APDM: 'Address and Port Dependent Mapping',
         EIF: 'Endpoint Independent Filtering', ADF: 'Address Dependent Filtering', APDF: 'Address and Port Dependent Filtering'}
_SERVER = PUBLIC['turn']


def _run(lab, argv):
    return subprocess.run(lab.enter('a', argv), capture_output=True, text=True, check=False).stdout.strip()


def _probe(lab, *words):
    return _run(lab, [sys.executable, f'{HERE}/probe.py', *words])


def _check_nat(lab, name, network):
    """Mapping and filtering of all its NATs together, and whether it hairpins."""
    said = _run(lab, ['turnutils_natdiscovery', '-m', '-f', _SERVER.ipv4[0]])
    found = tuple(re.findall(r'NAT with (.*)!', said))
    wanted = tuple(_TOOL[word] for word in behaviour(network))
    faults = [] if found == wanted else [f"{name} is {' and '.join(found) or 'no NAT'}, to be {' and '.join(wanted)}"]
    nat = NATS[network.nats[-1]]
    hairpins = nat.hairpin and nat.mapping == EIM and len(network.nats) == 1
    if _probe(lab, 'hairpin', _SERVER.ipv4[0]) != ('yes' if hairpins else 'no'):
        faults.append(f"{name} {'does not hairpin' if hairpins else 'hairpins'}")
    return faults


def _check_reach(lab, name, network):
    families = [family for family, there in ((4, network.ipv4), (6, network.ipv6 == ROUTED)) if there]
    wanted = [f'{way}{family}' for family in families for way in USABLE[network.out]]
    found = _probe(lab, 'reach', _SERVER.ipv4[0], _SERVER.ipv6).split()
    return [] if found == wanted else [f"from {name} there is {' '.join(found) or 'no way'}, to be {' '.join(wanted) or 'none'}"]


def check(name):
    """Sentences of what is not so."""
    network = NETWORKS[name]
    lab = Lab(name, None if network.both else 'none')
    lab.write_names()
    lab.build()
    Services(lab, WORK)
    faults = _check_reach(lab, name, network)
    if network.nats and network.out == ALL:
        faults += _check_nat(lab, name, network)
    if network.out == PROXY:
        said = _probe(lab, 'proxy', lab.gateway('a'), str(PROXY_PORT), USER, PASSWORD)
        faults += [] if said == 'yes' else [f'{name}: {said}']
    return faults
