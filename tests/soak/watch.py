#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""watch.py NAME RESULT COMMAND...: runs it and writes to the file RESULT, as JSON: exit status, seconds, memory, and the element
messages with their times. For processes inside of a lab, where the suite itself cannot look. Exits as the command did."""

import json
import re
import signal
import sys

from procs import Failure, Process, stop_all


def main(name, result, *command):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        process = Process(name, command, f'{result}.log')
        status = process.wait(3600)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        stop_all()
    messages = [(seconds, match.group(1)) for seconds, text in process.find(r'datachannel-\w+')
                if (match := re.search(r'\(element\): (datachannel-[\w-]+)', text))]
    with open(result, 'w', encoding='utf-8') as file:
        json.dump({'status': status, 'seconds': process.ended, 'base': process.base, 'peak': process.peak,
                   'messages': messages, 'errors': [text for _, text in process.find('ERROR|WARNING')]}, file)
    return status


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
