#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The layers: who may include whom, and what the sans-IO libraries may call.

    layers.py includes ROOT
    layers.py symbols NM ROOM=ARCHIVE ...

Arrows point down only. A room that needs more than its row says is a change of design: change the row and HACKING.md
in the same commit, with the reason.
"""

import re
import subprocess
import sys
from pathlib import Path

# Libraries, by what an #include of theirs looks like.
LIBRARIES = {
    'libc': re.compile(r'^(string|stdint|stddef|stdbool|inttypes|limits|math|errno|ctype|stdio|stdlib|locale)\.h$'),
    'posix': re.compile(r'^(unistd|fcntl|signal|time|netdb|poll|ifaddrs|termios)\.h$|^(sys|net|netinet|arpa)/\w+\.h$'),
    'glib': re.compile(r'^(glib|glib-object)\.h$|^glib/gprintf\.h$'),
    'gmodule': re.compile(r'^gmodule\.h$'),
    'glib-unix': re.compile(r'^glib-unix\.h$'),
    'gio': re.compile(r'^gio/'),
    'json': re.compile(r'^json-glib/'),
    'soup': re.compile(r'^libsoup/'),
    'gst': re.compile(r'^gst/'),
    'sodium': re.compile(r'^sodium\.h$'),
    'openssl': re.compile(r'^openssl/'),
    'usrsctp': re.compile(r'^usrsctp\.h$'),
    'linux': re.compile(r'^linux/\w+\.h$'),
    'processor': re.compile(r'^nmmintrin\.h$'),
    'nice': re.compile(r'^(nice|stun)/|^(agent|interfaces)\.h$'),
}

# Room: (libraries, rooms below). Each room may include itself. The innermost folder of a file is its room.
ROOMS = {
    'signaling/protocol': ({'libc', 'glib', 'json'}, set()),
    'signaling/hub': ({'libc', 'glib', 'json'}, {'signaling/protocol'}),
    'signaling/client': ({'libc', 'posix', 'glib', 'gio', 'json', 'soup'}, {'signaling/protocol'}),
    'signaling/daemon': (
        {'libc', 'posix', 'glib', 'glib-unix', 'gio', 'json', 'soup'},
        {'signaling/hub', 'signaling/protocol'},
    ),
    'plugins/link': ({'libc', 'glib'}, set()),
    'plugins/transport': ({'libc', 'posix', 'glib', 'gio', 'gst', 'openssl', 'usrsctp', 'linux', 'processor'}, set()),
    'plugins/peer': (
        {'libc', 'posix', 'glib', 'gmodule', 'gio', 'json', 'gst', 'nice', 'sodium'},
        {'plugins/link', 'plugins/transport', 'signaling/client', 'signaling/protocol'},
    ),
    'plugins': ({'libc', 'glib', 'gst'}, {'plugins/peer', 'plugins/link'}),
    'apps': (
        {'libc', 'posix', 'glib', 'glib-unix', 'gio', 'json', 'gst'},
        {'plugins/peer', 'plugins/link', 'signaling/client', 'signaling/protocol'},
    ),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')

# What pure computation may call of libc. Nothing that opens, reads, writes, sleeps, waits, tells the time or rolls dice.
LIBC = re.compile(
    r'^(_{0,2}(mem(cpy|move|set|cmp|chr|rchr|mem)|str(n?len|n?cmp|n?casecmp|r?chr|str|p?n?cpy|c?spn|pbrk|to(u?ll?|d)))(_chk)?'
    r'|__isoc(99|23)_(sscanf|strtou?ll?)|__(v?s?n?printf|vasprintf)_chk|v?snprintf|sscanf'
    r'|__ctype_(b|tolower|toupper)_loc|tolower|toupper|__errno_location|qsort|bsearch|abort'
    r'|f(abs|loor|min|max|mod)|ceil|l?l?round|trunc|rint|log2?|exp2?|pow|sqrt|ldexp|frexp'
    r'|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|lsan|sanitizer|gcov|sancov)_\w+|_?_?gcov\w*)$'
)
FAMILIES = {
    'plugins/link': re.compile(r'^(g_|dc_)'),
    'signaling/hub': re.compile(r'^(g_|dc_|json_)'),
    'signaling/protocol': re.compile(r'^(g_|dc_|json_)'),
}
# Of our libraries' own names those that read clocks, roll dice, touch files, processes, threads or main loops.
IMPURE = re.compile(
    r'^json_(parser_load_from_(mapped_)?(file|stream\w*)|generator_to_(file|stream))$'
    r'|^g_(get_(monotonic_time|real_time|current_time|environ|user_name|host_name|home_dir|current_dir|tmp_dir)'
    r'|date_time_new_now\w*|timer_\w+|usleep|rand_new|random_\w+|uuid_string_random'
    r'|thread_\w+|mutex_\w+|rec_mutex_\w+|rw_lock_\w+|cond_\w+|async_queue_\w+|private_\w+'
    r'|main_(loop|context)_\w+|source_\w+|timeout_\w+|idle_\w+|child_watch_\w+|io_\w+|unix_\w+|poll'
    r'|socket_\w+|inet_\w+|resolver_\w+|network_\w+|input_stream_\w+|output_stream_\w+|file_\w+|dir_\w+|mkdtemp\w*|mkstemp\w*'
    r'|open|fopen|stat|lstat|access|unlink|remove|rename|mkdir\w*|spawn_\w+|subprocess_\w+|getenv|setenv|unsetenv'
    r'|application_\w+|task_\w+|cancellable_\w+|bus_\w+|dbus_\w+|settings_\w+)$'
)
# g_once_init_*() stays allowed: registering a GType takes it.


def sources(root):
    for room in ('signaling', 'plugins', 'apps'):
        yield from sorted(p for p in (root / room).rglob('*.[ch]'))


def included_room(name):
    return str(Path(name).parent)


def check_include(path, line, kind, name, root):
    room = str(path.parent.relative_to(root))
    if room not in ROOMS:
        return f'{room} is in no layer; give it a row in {Path(__file__).name}'
    libraries, rooms = ROOMS[room]
    if kind == '<':
        library = next((l for l, pattern in LIBRARIES.items() if pattern.match(name)), None)
        if library not in libraries:
            what = f'{name} of {library}' if library else f'{name}, which no layer knows,'
            return f'{room} may not include {what}'
        return None
    if not (root / name).is_file():
        return f'"{name}" is not written as a path from the root'
    other = included_room(name)
    if other != room and other not in rooms:
        return f'{room} may not include {other}'
    return None


def check_includes(root):
    faults, count = [], 0
    for path in sources(root):
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            count += 1
            fault = check_include(path, line, include[1], include[2], root)
            if fault:
                faults.append(f'{path.relative_to(root)}:{number}: {fault}')
    if count == 0:
        faults.append(f'{root}: no #include found, so nothing was checked')
    return faults


def undefined_symbols(nm, archive):
    output = subprocess.run([nm, '-A', '-P', archive], check=True, capture_output=True, text=True).stdout
    defined, undefined = set(), {}
    for line in output.splitlines():
        where, name, kind = line.split(': ', 1)[0], *line.split(': ', 1)[1].split()[:2]
        if kind == 'U' or kind == 'w':
            undefined.setdefault(name.split('@')[0], where)
        else:
            defined.add(name)
    return {name: where for name, where in undefined.items() if name not in defined}


def symbol_fault(room, name):
    if LIBC.match(name):
        return None
    if not FAMILIES[room].match(name):
        return f'calls {name}, which is none of its libraries'
    if IMPURE.match(name):
        return f'calls {name}; clocks, chance, threads and I/O come in by parameter'
    return None


def check_symbols(nm, pairs):
    faults = []
    for pair in pairs:
        room, archive = pair.split('=', 1)
        symbols = undefined_symbols(nm, archive)
        if not symbols:
            faults.append(f'{archive}: no undefined symbol found, so nothing was checked')
        for name, where in sorted(symbols.items()):
            fault = symbol_fault(room, name)
            if fault:
                faults.append(f'{room} ({where}): {fault}')
    return faults


def main(arguments):
    if len(arguments) == 2 and arguments[0] == 'includes':
        faults = check_includes(Path(arguments[1]).resolve())
    elif len(arguments) > 2 and arguments[0] == 'symbols':
        faults = check_symbols(arguments[1], arguments[2:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
