#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""soak.py: the long suites; run by `./dev soak`."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

import changes
import cuts
import cycles
import kills
import media
import peers
import pipeline
import slow
import states
from procs import Failure, stop_all

# Nothing of the user's settings gets in.
ENVIRONMENT = {'LC_ALL': 'C.UTF-8', 'GSETTINGS_BACKEND': 'memory', 'GIO_USE_VFS': 'local', 'GIO_USE_PROXY_RESOLVER': 'dummy'}
SUITES = {'cuts': cuts, 'slow': slow, 'states': states, 'kills': kills, 'cycles': cycles, 'peers': peers, 'media': media, 'pipeline': pipeline, 'changes': changes}


def parse(words):
    parser = argparse.ArgumentParser(
        prog='./dev soak', description='The long suites: real processes under fault for minutes, with what they cost measured.',
        epilog='Exit status: 0 everything held; 1 something did not, and a sentence says what; 2 wrong options.\n\n'
               + '\n'.join(suite.__doc__ for suite in SUITES.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help=f"of {', '.join(SUITES)}; all if none is named")
    parser.add_argument('--seed', type=int, default=1, help='of everything that is left to chance (1)')
    parser.add_argument('--quick', action='store_true', help='the same, shorter: a few minutes for all')
    parser.add_argument('--keep', metavar='DIRECTORY', help='leaves all logs there')
    parser.add_argument('--fast', choices=('auto', 'off'), action='append', help='of the last five: only with the fast path, or only without')
    parser.add_argument('--count', type=int, metavar='N', help='cycles: so many of each kind (1000)')
    parser.add_argument('--minutes', type=float, metavar='N', help='changes: for so long each (10)')
    parser.add_argument('--peers', type=int, default=10, metavar='N', help='peers: so many (10)')
    parser.add_argument('--seconds', type=int, metavar='N', help='peers and media: for so long each time (20, 60)')
    options = parser.parse_args(words)
    options.fast = options.fast or ['auto', 'off']
    for name in options.names:
        if name not in SUITES:
            parser.error(f'there is no suite {name}')
    return options


def run_suite(name, work, options):
    print(f'{name}: {SUITES[name].__doc__.split(": ", 1)[1]}', flush=True)
    began = time.monotonic()
    os.makedirs(work)
    try:
        faults = SUITES[name].run(work, options)
    except Failure as failure:
        faults = [str(failure)]
    for fault in faults:
        print(f'  FAULT: {fault}')
    print(f"{name}: {'failed' if faults else 'ok'} after {time.monotonic() - began:.0f} s\n", flush=True)
    return not faults


def main(words):
    options = parse(words)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: sys.exit(128 + n))
    for name in [name for name in os.environ if name.startswith('DC_') or name.lower().endswith('_proxy')]:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)
    work = options.keep or tempfile.mkdtemp(prefix='gst-datachannel-soak.')
    results = []
    try:
        for name in options.names or SUITES:
            results.append(run_suite(name, os.path.join(work, name), options))
    finally:
        stop_all()
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    return 0 if all(results) else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
