# SPDX-License-Identifier: LGPL-2.1-or-later
"""states: set_state(NULL) under every state and fault, in a loop; a part of it under valgrind, a part under GStreamer's leak tracer."""

import os

from procs import Failure, Process


def _run(label, work, argv, timeout, env=None):
    """Its lines; a fault if it did not exit with 0."""
    process = Process(label, argv, f'{work}/{label}.log', None, env)
    try:
        status = process.wait(timeout)
    except Failure as failure:
        return process, [str(failure)]
    for _, text in process.find(r'^states: '):
        print(f'  {label}: {text.removeprefix("states: ")}')
    if status == 0:
        return process, []
    tail = '\n    '.join(text for _, text in process.lines[-6:])
    return process, [f'{label}: exit status {status}; its last lines:\n    {tail}']


def run(work, options):
    seed, quick = options.seed, options.quick
    states = os.environ['STATES']
    count = 60 if quick else 1000
    _, faults = _run('loop', work, [states, '--count', str(count), '--seed', str(seed)], 60 + 4 * count)

    tracer = {'GST_TRACERS': 'leaks', 'GST_DEBUG': 'GST_TRACER:7', 'GST_DEBUG_NO_COLOR': '1'}
    traced, more = _run('leaks', work, [states, '--count', str(count // 10), '--seed', str(seed + 1)], 120 + count, tracer)
    ours = [text for _, text in traced.find(r'object-alive.*type-name=\(string\)(GstDataChannel|Dc)')]
    faults += more + [f'leaks: {text}' for text in ours[:5]]
    print(f'  leaks: {len(ours)} objects of ours are left')

    supp = os.environ['SUPPRESSIONS'].split(':')
    checked, more = _run('valgrind', work, [
        'valgrind', '--quiet', '--error-exitcode=99', '--num-callers=40', '--fair-sched=yes', '--leak-check=full',
        '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite', *(f'--suppressions={file}' for file in supp),
        states, '--count', str(count // 20), '--seed', str(seed + 2)], 300 + 2 * count,
        {'G_SLICE': 'always-malloc', 'G_DEBUG': 'gc-friendly', 'DC_TEST_SLOWNESS': '20'})
    errors = checked.find(r'^==\d+== .*(definitely lost|Invalid|uninitialised)')
    print(f'  valgrind: {len(errors)} errors')
    return faults + more + [f'valgrind: {text}' for _, text in errors[:5]]
