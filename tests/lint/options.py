#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""options.py ROOT PROGRAM...: is each option that a program's --help names in its man page, its completion and README.md,
and is there none in the completion that the program does not know? PROGRAM may be followed by :SUBCOMMAND,SUBCOMMAND.
"""

import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r'(?<![\w-])--[a-z][a-z0-9-]*')
# GOption's own, which every program has.
COMMON = {'--help', '--help-all', '--version'}


def help_options(program, subcommands):
    options = set()
    for arguments in [[]] + [[name] for name in subcommands]:
        text = subprocess.run([program, *arguments, '--help'], check=True, capture_output=True, text=True).stdout
        # Options stand at the beginning of a line; those in running text are of others.
        options |= set(re.findall(r'^\s+(?:-\w, )?(--[a-z][a-z0-9-]*)', text, re.MULTILINE))
    return options


def documented(path):
    if not path.is_file():
        return set()
    # In troff a dash may be written \-.
    return set(OPTION.findall(path.read_text(encoding='utf-8').replace('\\-', '-')))


def check(root, program, subcommands):
    name = Path(program).name
    known = help_options(program, subcommands)
    if not known - COMMON:
        return [f'{name} --help names no options, so nothing was checked']
    completion = root / 'data/completions' / name
    places = [root / 'data/man' / f'{name}.1', completion, root / 'README.md']
    faults = [
        f'{path.relative_to(root)}: {option} of {name} is missing'
        for path in places
        for option in sorted(known - COMMON - documented(path))
    ]
    for option in sorted(documented(completion) - known - COMMON):
        faults.append(f'{completion.relative_to(root)}: {name} has no {option}')
    return faults


def main(root, *programs):
    faults = []
    for argument in programs:
        program, _, subcommands = argument.partition(':')
        faults += check(Path(root), program, [s for s in subcommands.split(',') if s])
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
