# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the NATs are what topologies.py says: asked of coturn's turnutils_natdiscovery, and of two sockets that send to each other."""

import re
import subprocess
import sys

from container import WORK
from lab import Lab
from services import HERE, Services
from topologies import ADF, APDF, APDM, EIF, EIM, NATS, NETWORKS, PUBLIC
from theory import behaviour

_WORDS = {EIM: 'Endpoint Independent Mapping', APDM: 'Address and Port Dependent Mapping',
          EIF: 'Endpoint Independent Filtering', ADF: 'Address Dependent Filtering', APDF: 'Address and Port Dependent Filtering'}
_NAMES = {words: name for name, words in _WORDS.items()}
_SERVER = PUBLIC['turn'].ipv4[0]

# Those that can tell something: behind IPv6, or without UDP, there is nothing to classify.
NAMES = [name for name, network in NETWORKS.items() if network.nats and network.out == 'all' and not network.both]


def classify(lab, site='a'):
    """Mapping and filtering, as the tool has it."""
    found = subprocess.run(lab.enter(site, ['turnutils_natdiscovery', '-m', '-f', _SERVER]), capture_output=True, text=True, check=False)
    return tuple(_NAMES.get(words) for words in re.findall(r'NAT with (.*)!', found.stdout))


def hairpins(lab, site='a'):
    """Two sockets behind one NAT, each of which sends to the outer address of the other."""
    found = subprocess.run(lab.enter(site, [sys.executable, f'{HERE}/hairpin.py', _SERVER]), capture_output=True, text=True, check=True)
    return found.stdout.strip() == 'yes'


def _expects_hairpin(network):
    nat = NATS[network.nats[-1]]
    return nat.hairpin and nat.mapping == EIM and len(network.nats) == 1


def check(name):
    """Sentences of what is not so. In a container of its own."""
    lab = Lab(name, 'none')
    lab.write_names()
    lab.build()
    services = Services(lab, WORK)
    network = NETWORKS[name]
    wanted, found = tuple(behaviour(network)), classify(lab)
    faults = [f"{name} is {' and '.join(map(str, found)) or 'no NAT'}, to be {' and '.join(wanted)}"] if found != wanted else []
    if hairpins(lab) != _expects_hairpin(network):
        faults.append(f"{name} {'does not hairpin' if _expects_hairpin(network) else 'hairpins'}")
    del services
    return faults
