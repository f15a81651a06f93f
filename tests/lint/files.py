#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""files.py ROOT: every source begins with its licence and, in C, a line of purpose; lengths stay readable."""

import os
import re
import sys
from pathlib import Path

SPDX = 'SPDX-License-Identifier: LGPL-2.1-or-later'
SUFFIXES = {'.c', '.h', '.py', '.sh'}
NAMES = {'meson.build', 'meson_options.txt', 'dev', 'run'}
PRUNED = {'.git', 'corpus', '__pycache__', 'subprojects'}
LONG = 600


def sources(root):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in PRUNED and not f.startswith('build'))
        for name in sorted(files):
            path = Path(folder) / name
            if path.suffix in SUFFIXES or name in NAMES:
                yield path


def check(path, name):
    """Returns faults and remarks."""
    lines = path.read_text(encoding='utf-8').splitlines()
    faults, remarks = [], []
    # A script's first line is its interpreter.
    if not any(SPDX in line for line in lines[:2]):
        faults.append(f'{name}:1: the first line must hold {SPDX}')
    if path.suffix in {'.c', '.h'}:
        purpose = ' '.join(line.strip(' *') for line in lines[1:3])
        if not re.match(r'^/?\*?\s*' + re.escape(path.name) + r': \S', purpose):
            faults.append(f'{name}:2: the second line must say "/* {path.name}: what it is for"')
    if path.suffix == '.h' and '#pragma once' not in lines:
        faults.append(f'{name}: a header needs #pragma once')
    if len(lines) > LONG:
        remarks.append(f'{name}: {len(lines)} lines; over {LONG} it may be two rooms')
    return faults, remarks


def main(root):
    root = Path(root).resolve()
    failed = count = 0
    for path in sources(root):
        faults, remarks = check(path, path.relative_to(root))
        count += 1
        failed += len(faults)
        for line in faults + remarks:
            print(line, file=sys.stderr)
    if count == 0:
        print(f'{root}: no source found, so nothing was checked', file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
