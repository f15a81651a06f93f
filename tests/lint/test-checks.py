#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-checks.py NM CC...: every check of this folder is shown a tree that is right and trees with one fault each."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SPDX = '/* SPDX-License-Identifier: LGPL-2.1-or-later */\n'
SHELL_HEAD = '#!/bin/bash\n# SPDX-License-Identifier: LGPL-2.1-or-later\n'


def good_tree(folder):
    """A tree that passes every check."""
    write(folder, 'plugins/link/a.h', SPDX + '/* a.h: an example. */\n#pragma once\n\n#include <glib.h>\n\nint dc_a (int a);\n')
    write(
        folder,
        'plugins/link/a.c',
        SPDX + '/* a.c: an example. */\n#include "plugins/link/a.h"\n\nint\ndc_a (int a)\n{\n  return a + 1;\n}\n',
    )
    for room in ('signaling', 'apps', 'tests'):
        (folder / room).mkdir()
    write(folder, 'tests/go.sh', SHELL_HEAD + 'echo "$1"\n').chmod(0o755)
    shutil.copy(ROOT / '.clang-format', folder)
    (folder / 'tests/lint').mkdir()
    for name in ('cppcheck.supp', 'cppcheck.cfg'):
        shutil.copy(HERE / name, folder / 'tests/lint')


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')
    return path


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def c_file(name, body):
    return name, SPDX + f'/* {Path(name).name}: an example. */\n' + body


INCLUDES = (sys.executable, HERE / 'layers.py', 'includes')
FILES = (sys.executable, HERE / 'files.py')
# check, file that is added to the good tree, its text, what the check must say
FAULTS = [
    (INCLUDES, *c_file('signaling/hub/x.c', '#include <gst/gst.h>\n'), 'may not include gst/gst.h of gst'),
    (INCLUDES, *c_file('plugins/link/x.c', '#include <gio/gio.h>\n'), 'may not include gio/gio.h of gio'),
    (INCLUDES, *c_file('plugins/link/x.c', '#include <sys/socket.h>\n'), 'may not include sys/socket.h of posix'),
    (INCLUDES, *c_file('plugins/link/x.c', '#include <foo.h>\n'), 'which no layer knows'),
    (INCLUDES, *c_file('signaling/client/x.c', '#include "plugins/link/a.h"\n'), 'may not include plugins/link'),
    (INCLUDES, *c_file('plugins/link/x.c', '#include "a.h"\n'), 'not written as a path from the root'),
    (INCLUDES, *c_file('signaling/new/x.c', '#include <glib.h>\n'), 'is in no layer'),
    (FILES, 'apps/x.c', '/* x.c: no licence. */\n', 'must hold SPDX'),
    (FILES, 'apps/x.c', SPDX + '\nint x;\n', 'the second line must say'),
    (FILES, *c_file('apps/x.h', 'extern int x;\n'), 'needs #pragma once'),
    ((HERE / 'format.sh',), *c_file('apps/x.c', 'int  x(void)  {return 1;}\n'), 'clang-format-violations'),
    ((HERE / 'cppcheck.sh',), *c_file('apps/x.c', 'int\nx (void)\n{\n  int *p = 0;\n  return *p;\n}\n'), 'nullPointer'),
    ((HERE / 'scripts.sh',), 'tests/x.sh', SHELL_HEAD + 'if true; then\n', 'syntax error'),
    ((HERE / 'scripts.sh',), 'tests/x.sh', SHELL_HEAD + 'rm -r $1\n', 'SC2086'),
]
# Body of a function of link, and what the check must say
SYMBOLS = [
    ('return strlen (s) + (g_strdup (s) != 0);', ''),
    ('return g_get_monotonic_time ();', 'calls g_get_monotonic_time; clocks'),
    ('return g_random_int ();', 'calls g_random_int'),
    ('return g_idle_add (0, 0);', 'calls g_idle_add'),
    ('static GMutex m; g_mutex_lock (&m); return 0;', 'calls g_mutex_lock'),
    ('return socket (1, 2, 3);', 'calls socket, which is none'),
    ('return time (0);', 'calls time, which is none'),
    ('return soup_session_new () != 0;', 'calls soup_session_new, which is none'),
]
# A line of meson's log, and how it counts
COUNTS = [
    ({'result': 'OK', 'stdout': '1..3\nok 1 /a\nok 2 /b # SKIP no IPv6\nok 3 /c\n'}, '2 passed, 0 failed, 1 skipped', 0),
    ({'result': 'FAIL', 'stdout': '1..2\nok 1 /a\nnot ok 2 /b\n'}, '1 passed, 1 failed, 0 skipped', 1),
    ({'result': 'ERROR', 'stdout': '1..2\nok 1 /a\n'}, '1 passed, 1 failed, 0 skipped', 1),
    ({'result': 'TIMEOUT', 'stdout': ''}, '0 passed, 1 failed, 0 skipped', 1),
    ({'result': 'OK', 'stdout': 'fine\n'}, '1 passed, 0 failed, 0 skipped', 0),
    ({'result': 'SKIP', 'stdout': ''}, '0 passed, 0 failed, 1 skipped', 0),
]


def compile_archive(folder, cc, body):
    flags = subprocess.run(['pkg-config', '--cflags', 'glib-2.0'], check=True, capture_output=True, text=True).stdout.split()
    text = '#include <string.h>\n#include <time.h>\n#include <sys/socket.h>\n#include <glib.h>\n'
    text += f'void *soup_session_new (void);\nlong dc_x (const char *s);\nlong dc_x (const char *s) {{ {body} }}\n'
    source = write(folder, 'x.c', text)
    subprocess.run([*cc, *flags, '-c', source, '-o', folder / 'x.o'], check=True)
    subprocess.run(['ar', 'rcs', folder / 'x.a', folder / 'x.o'], check=True)
    return folder / 'x.a'


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, good, output, skipped=False):
        self.count += 1
        self.failed += not good
        print(f'{"ok" if good else "not ok"} {self.count} {name}{" # SKIP" if skipped else ""}')
        if not good:
            print(''.join(f'# {line}\n' for line in output.splitlines()), end='')


def test_trees(tap):
    with tempfile.TemporaryDirectory() as name:
        good_tree(Path(name))
        for check in sorted({fault[0] for fault in FAULTS}, key=str):
            code, output = run(*check, name)
            tap.case(f'/{Path(check[-1]).stem}/good', code in (0, 77), output, code == 77)
    for check, file, text, wanted in FAULTS:
        with tempfile.TemporaryDirectory() as name:
            good_tree(Path(name))
            write(Path(name), file, text).chmod(0o755)
            code, output = run(*check, name)
            case = Path(next(c for c in reversed(check) if '/' in str(c))).stem
            tap.case(f'/{case}/{wanted}', code == 77 or (code not in (0, 77) and wanted in output), output, code == 77)


def test_symbols(tap, nm, cc):
    for body, wanted in SYMBOLS:
        with tempfile.TemporaryDirectory() as name:
            archive = compile_archive(Path(name), cc, body)
            code, output = run(sys.executable, HERE / 'layers.py', 'symbols', nm, f'plugins/link={archive}')
            tap.case(f'/symbols/{wanted or "pure"}', code == (1 if wanted else 0) and wanted in output, output)


def test_options(tap):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        program = write(root, 'bin/prog', '#!/bin/sh\necho "  -a, --alpha=X  first"; echo "  --beta  not --other"\n')
        program.chmod(0o755)
        write(root, 'README.md', '--alpha --beta')
        write(root, 'data/man/prog.1', '\\-\\-alpha --beta')
        for completion, wanted in [('--alpha --beta', ''), ('--alpha', '--beta of prog is missing'), ('--alpha --beta --gamma', 'prog has no --gamma')]:
            write(root, 'data/completions/prog', completion)
            code, output = run(sys.executable, HERE / 'options.py', root, program)
            tap.case(f'/options/{wanted or "good"}', code == (1 if wanted else 0) and wanted in output, output)


def test_counts(tap):
    for line, wanted, wanted_code in COUNTS:
        with tempfile.TemporaryDirectory() as name:
            log = write(Path(name), 'testlog.json', json.dumps(line) + '\n')
            code, output = run(sys.executable, HERE.parent / 'count.py', log)
            tap.case(f'/count/{line["result"]}: {wanted}', output == wanted + '\n' and code == wanted_code, output)
    code, output = run(sys.executable, HERE.parent / 'count.py', '/nonexistent')
    tap.case('/count/no log', code == 1 and '0 passed, 0 failed, 0 skipped\n' in output, output)


def main(nm, cc):
    tap = Tap()
    test_trees(tap)
    test_symbols(tap, nm, cc)
    test_options(tap)
    test_counts(tap)
    print(f'1..{tap.count}')
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))
