#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""run.py PROGRAM [ARGUMENT...]: one test under ThreadSanitizer, with the programs it starts, and what is to be said of it.

ThreadSanitizer's reports are gathered beside the test, so that exit codes that a test looks at stay what they are, and
judged after it. Exits as the program did, or with 66 where it was content and a report remains.

A data race that `tsan.supp` does not lay to a library is a fault, unless a library of UNSEEN reached for the memory,
through a function that ThreadSanitizer watches in all libraries (memcpy, free, a lock), or both accesses are THEIR_OWN.
Of inversions of the lock order GStreamer, and webrtcbin most of all, has dozens of its own: state, stream and object locks
of elements within elements. One is a fault if our code had a part in it: if it ran between the taking of the one lock and
the taking of the other, be it that one of the two is ours or that we called into a library in between. Naming libraries in
the suppressions could not tell these apart, since the whole of a stack is looked at there. Not one of ours is the order of two locks
of which neither is ours if one of them is PLAYBACK's: playbin and decodebin hold a lock while they start and stop the elements inside them, and
take it when pads appear, under whatever stream lock that is.
"""

import ctypes
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ADDR_NO_RANDOMIZE = 0x0040000
FOUND = 66

# Libraries that are not instrumented and whose threads agree in a way that is not seen: usrsctp, inside GStreamer's plugin
# sctp, hands over by counts of its own. Naming it in `tsan.supp` would either hide its locks too (called_from_lib), and
# with them who waited for whom, or our pad probes, which run on its threads (race). OpenSSL counts references likewise, and frees at exit
# the locks of what threads that have ended used.
UNSEEN = re.compile(r'\((?:libgstsctp|libcrypto)\.so[^()]*\)$')

REPORT = re.compile(r'^WARNING: ThreadSanitizer: .*?^SUMMARY: [^\n]*$', re.MULTILINE | re.DOTALL)
FRAME = re.compile(r'^ +#\d+ (.*)$', re.MULTILINE)
# A frame ends in the file that the code is in: our programs and libraries.
RUNTIME = re.compile(r'\((?:libtsan|libglib-2)[^()]*\)$')
OURS = re.compile(r'\((?:libgstdatachannel|test-|planted|dcpeer|dcsignald)[^()]*\)$')

PLAYBACK = re.compile(r'\(libgstplayback\.so[^()]*\)$')

# GStreamer's objects that lock themselves. They read, without the lock, what of their own they hold to be stable or harmless:
# the marks of a pad and what was last said on it, whether a base class flushes or plays, the last time of a clock. An access of
# ours would stand in a file of ours, or, to a structure, a segment or a list that we shared, in another of theirs.
THEIR_OWN = re.compile(
    r'/gst(?:base(?:sink|src)|bin|clock|dataqueue|element|elementfactory|flowcombiner|object|pad|padtemplate|systemclock|task)\.c:'
    r'|\(libgstcoreelements\.so[^()]*\)$')


def acquisitions(report):
    """Yields for each edge of a cycle the stacks that took the second lock and the first, innermost frame first."""
    stacks = [FRAME.findall(part) for part in report.split('\n\n') if ' acquired ' in part]
    return zip(stacks[0::2], stacks[1::2])


def taker(stack):
    return next((frame for frame in stack if not RUNTIME.search(frame)), '')


def is_of_playback(edges):
    takers = [taker(stack) for edge in edges for stack in edge]
    return any(map(PLAYBACK.search, takers)) and not any(map(OURS.search, takers))


def is_our_order(report):
    edges = list(acquisitions(report))
    if is_of_playback(edges):
        return False
    for second, first in edges:
        common = 0
        while common < min(len(second), len(first)) and second[-1 - common] == first[-1 - common]:
            common += 1
        if any(OURS.search(frame) for frame in second[:len(second) - common]):
            return True
    return False


def is_theirs(report):
    """Whether a race is UNSEEN's, in either of its two accesses, or THEIR_OWN, in both."""
    callers = [[frame for frame in FRAME.findall(access) if not RUNTIME.search(frame)] for access in report.split('\n\n')[:2]]
    innermost = [frames[0] if frames else '' for frames in callers]
    return any(map(UNSEEN.search, innermost)) or all(map(THEIR_OWN.search, innermost))


def is_fault(report):
    title = report.split('\n', 1)[0]
    if 'lock-order-inversion' in title:
        return is_our_order(report)
    return not ('data race' in title and is_theirs(report))


def main(command):
    # Of a kernel that scatters addresses widely the ThreadSanitizer of older compilers knows nothing, and gives up.
    ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE)
    with tempfile.TemporaryDirectory(prefix='dc-tsan-') as folder:
        options = [os.environ.get('TSAN_OPTIONS', ''), f'log_path={folder}/report', 'log_exe_name=1', 'exitcode=0']
        status = subprocess.run(command, env={**os.environ, 'TSAN_OPTIONS': ':'.join(options)}, check=False).returncode
        faults = [(log.name, report) for log in sorted(Path(folder).iterdir())
                  for report in REPORT.findall(log.read_text(encoding='utf-8', errors='replace')) if is_fault(report)]
    for name, report in faults:
        print(f'--- {name}\n{report}\n', file=sys.stderr)
    for name, report in faults: # once more in short: meson shows the end of what a test says
        print(f'{name}: {report.splitlines()[-1]}', file=sys.stderr)
    if status < 0: # as a shell says it
        return 128 - status
    return status or (FOUND if faults else 0)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
