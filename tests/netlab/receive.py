#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads standard input to its end; prints `received BYTES LATER SECONDS SHA256 MISSING`: LATER of the bytes came in SECONDS
after the first piece, of which nobody knows how long it was under way. MISSING is how many messages of PIECE bytes of FILE did
not come, if those that came did so whole and in their order; or else `wrong`.

Usage: receive.py FILE PIECE
"""

import hashlib
import os
import sys
import time


def count_missing(data, whole, size):
    at = missing = 0
    for start in range(0, len(whole), size):
        piece = whole[start:start + size]
        if data.startswith(piece, at):
            at += len(piece)
        else:
            missing += 1
    return missing if at == len(data) else 'wrong'


pieces = []
times = []
while chunk := os.read(0, 1 << 20):
    pieces.append(chunk)
    times.append(time.monotonic())
data = b''.join(pieces)
later = len(data) - len(pieces[0]) if pieces else 0
seconds = times[-1] - times[0] if pieces else 0
with open(sys.argv[1], 'rb') as file:
    missing = count_missing(data, file.read(), int(sys.argv[2]))
print('received', len(data), later, f'{seconds:.6f}', hashlib.sha256(data).hexdigest(), missing)
