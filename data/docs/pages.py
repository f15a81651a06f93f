#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages beside the reference, made of what is kept elsewhere, so that there is one place to change.

    pages.py overview TEMPLATE EXAMPLE...   the template, with @FILE@ replaced by the code of the example of that name
    pages.py events dc-event.h              the header's description of events and statistics
"""

import re
import sys
from pathlib import Path


def code_of(path):
    """An example without the lines that are for the file and not for the reader."""
    lines = Path(path).read_text(encoding='utf-8').splitlines()
    head = re.compile(rf'#!|.*SPDX-License-Identifier|/\* {re.escape(Path(path).name)}: ')
    while head.match(lines[0]):
        lines.pop(0)
    return '\n'.join(lines).strip()


def overview(template, *examples):
    page = Path(template).read_text(encoding='utf-8')
    for example in examples:
        page = page.replace(f'@{Path(example).name}@', code_of(example))
    return page


def events(header):
    text = Path(header).read_text(encoding='utf-8')
    comment = re.search(r'/\*\n \* (Every structure has.*?)\n \*/', text, re.DOTALL)[1]
    table = re.sub(r'^ \* ?', '', comment, flags=re.MULTILINE)
    return f'Title: Events and statistics\n\n# Events and statistics\n\n```\n{table}\n```\n'


if __name__ == '__main__':
    makers = {'overview': overview, 'events': events}
    if len(sys.argv) < 3 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    sys.stdout.reconfigure(encoding='utf-8')
    print(makers[sys.argv[1]](*sys.argv[2:]))
