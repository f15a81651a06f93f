#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""channels.py: our data channels beside other WebRTC stacks'. HACKING.md tells how to read it.

A row is measured with each stack in turn, on connections that last for a section; all sections together are a round, of which there are
several. A section with an emulated link runs inside `netlab run`, by this same program: --inside.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import chart
import stacks
from benchlib import Daemon, RunError, heading, progress
from results import Results, as_json, print_report
from rows import make_sections, select
from session import Session

HERE = os.path.dirname(os.path.abspath(__file__))
CELL_TIMEOUT = 45  # s; what a row with a stack may take on an emulated link, at the most
NETLAB_UNAVAILABLE = 77


@dataclass(frozen=True)
class Pace:
    """Seconds, and a number."""

    warm_up: float = 0.4
    rate: float = 1.5
    rtt: float = 1.2
    warm_up_lab: float = 1.5
    rate_lab: float = 4
    rtt_lab: float = 2.5
    rtt_interval: float = 0.002  # from one to the next
    opens: int = 3  # how many, of which the median counts; on emulated links and with many peers one


QUICK = Pace(warm_up=0.3, rate=0.7, rtt=0.6, warm_up_lab=1, rate_lab=2, rtt_lab=1, opens=1)


# --- A section -------------------------------------------------------------------------------------------------------


class Floor:
    """The sessions of one section in one round."""

    def __init__(self, section, pace, url, far_side=()):
        self.section, self.pace, self.url, self.far_side = section, pace, url, far_side
        self.sessions = {}
        self.dead = {}  # stack: why it cannot be started

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for name in list(self.sessions):
            await self.close(name)

    async def close(self, name):
        if session := self.sessions.pop(name, None):
            await session.close()

    async def get_session(self, stack):
        if stack.name in self.dead:
            raise RunError(self.dead[stack.name])
        if stack.name not in self.sessions:
            session = self.sessions[stack.name] = Session(stack, self.section, self.url, self.far_side)
            try:
                await session.start()
            except RunError as error:
                self.dead[stack.name] = f'does not open: {error}'
                raise RunError(self.dead[stack.name]) from None
        return self.sessions[stack.name]

    async def run(self, stack, row):
        """What Cell.take() takes."""
        try:
            session = await self.get_session(stack)
            result = await session.measure(row, self.pace)
            outcome = {'result': result, 'remarks': [stacks.remark_on(stack, session.greeting), *session.failures]}
            session.failures.clear()
            if session.is_spoiled:
                await self.close(stack.name)
        except RunError as error:
            await self.close(stack.name)
            outcome = {'error': str(error)}
        return outcome


async def run_section(section, present, pace, url, far_side, take):
    """take() is told of each outcome. `present`: (stack, rows that it takes part in)."""
    async with Floor(section, pace, url, far_side) as floor:

        async def step(stack, row):
            progress(f'{row.full}: {stack.name}')
            take(row, stack, await floor.run(stack, row))

        if section.peers > 1:  # one crowd at a time
            for stack, rows in present:
                for row in rows:
                    await step(stack, row)
                await floor.close(stack.name)
        else:
            for row in section.rows:
                for stack, rows in present:
                    if row in rows:
                        await step(stack, row)


# --- Emulated links --------------------------------------------------------------------------------------------------


class NoLab(Exception):
    """This machine allows none."""


async def run_in_lab(section, present, quick, take):
    netlab = os.environ['NETLAB']
    names = {stack.name: [row.full for row in rows] for stack, rows in present}
    with tempfile.TemporaryDirectory(prefix='gst-datachannel-bench.') as folder:
        path = os.path.join(folder, 'work.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump({'section': section.name, 'names': names, 'quick': quick}, file)
        inner = shlex.join([sys.executable, os.path.join(HERE, 'channels.py'), '--inside', path])
        timeout = CELL_TIMEOUT * sum(map(len, names.values()))
        command = [netlab, 'run', '--link', section.link(), '--timeout', str(timeout), '--a', f'exec {inner}']
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            said = (await process.stdout.read()).decode(errors='replace')
            await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        if process.returncode == NETLAB_UNAVAILABLE:
            raise NoLab(said.strip())
        with open(path, encoding='utf-8') as file:
            outcomes = json.load(file).get('outcomes')
        if outcomes is None:
            raise RunError(f'the lab ended with {process.returncode}: {said.strip()[-300:]}')
    by_name = {stack.name: stack for stack, _ in present}
    rows = {row.full: row for row in section.rows}
    for row, name, outcome in outcomes:
        take(rows[row], by_name[name], outcome)


async def run_inside(path):
    """On side a of a lab, with its far end on side b."""
    with open(path, encoding='utf-8') as file:
        work = json.load(file)
    section = next(section for section in make_sections() if section.name == work['section'])
    present = [
        (stack, [row for row in section.rows if row.full in work['names'][stack.name]])
        for stack in stacks.STACKS
        if stack.name in work['names']
    ]
    outcomes = []
    far_side = ('nsenter', f'--net={os.environ["NETLAB_NS_B"]}')
    async with Daemon(find_dcsignald(), os.environ['NETLAB_A']) as daemon:
        await run_section(
            section,
            present,
            QUICK if work['quick'] else Pace(),
            daemon.url,
            far_side,
            lambda row, stack, outcome: outcomes.append((row.full, stack.name, outcome)),
        )
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'outcomes': outcomes}, file)


# --- All rounds ------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, options, results, daemon):
        self.options, self.results, self.daemon = options, results, daemon
        self.no_lab = not os.environ.get('NETLAB') and 'netlab is not built'

    def find_present(self, section, shift):
        """What is run in it: those that might succeed, each round beginning with another."""
        present = []
        for stack in self.results.stacks[shift:] + self.results.stacks[:shift]:
            rows = [row for row in section.rows if stack.takes(row.full) and not self.results.cell(row, stack).is_hopeless()]
            if rows:
                present.append((stack, rows))
        return present

    def take(self, row, stack, outcome):
        self.results.cell(row, stack).take(outcome)

    async def run_section(self, section, shift):
        present = self.find_present(section, shift)
        if not present or (section.rtt and self.no_lab):
            return
        quick = self.options.quick
        if not section.rtt:
            pace = QUICK if quick else Pace()
            await run_section(section, present, pace, self.daemon.url, (), self.take)
            return
        progress(f'{section.name}: {" ".join(stack.name for stack, _ in present)}')
        try:
            await run_in_lab(section, present, quick, self.take)
        except NoLab as sentence:
            self.no_lab = str(sentence)
        except RunError as error:
            for stack, rows in present:
                for row in rows:
                    self.take(row, stack, {'error': str(error)})

    async def run(self, sections):
        """Returns the number of rounds, of which the last may have been cut short by the time."""
        began = time.monotonic()
        limit = self.options.minutes * 60
        for done in range(self.options.rounds):
            round_began = time.monotonic()
            for section in sections:
                if time.monotonic() - began > limit:
                    progress('')
                    print(f'{self.options.minutes:g} minutes are over, in round {done + 1}')
                    return done + 1
                await self.run_section(section, done % len(self.results.stacks))
            now = time.monotonic()
            if now - began + (now - round_began) > limit:
                break
        progress('')
        return done + 1


# --- The command line ------------------------------------------------------------------------------------------------


def parse():
    parser = argparse.ArgumentParser(prog='bench channels', description=__doc__.split('\n\n')[0].split(': ', 1)[1])
    parser.add_argument('--quick', action='store_true', help='a few rows, one short round: three minutes')
    parser.add_argument('--rounds', type=int, metavar='N', help='3, with --quick 1; fewer if time is short')
    parser.add_argument('--minutes', type=float, metavar='N', default=60, help='how long it may take (60); the last section is finished')
    parser.add_argument('--stacks', metavar='NAME,...', default='', help=f'only these of {" ".join(stacks.NAMES)}')
    parser.add_argument('--only', metavar='ROW', nargs='+', default=[], help='only rows that match, such as one, two/rtt or "lab/50ms-*"')
    parser.add_argument('--list', action='store_true', help='the rows, and no run')
    parser.add_argument('--json', metavar='FILE', help='all figures of all runs')
    parser.add_argument('--svg', metavar='FILE', help='a picture')
    parser.add_argument('--inside', metavar='FILE', help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.rounds = options.rounds if options.rounds is not None else 1 if options.quick else 3
    options.stacks = options.stacks.split(',') if options.stacks else stacks.NAMES
    if options.rounds < 1:
        parser.error('--rounds takes a number from 1 on')
    if unknown := set(options.stacks) - set(stacks.NAMES):
        parser.error(f'no stack {" ".join(sorted(unknown))}; there are {" ".join(stacks.NAMES)}')
    options.sections = select(make_sections(), options.only, options.quick)
    if not options.sections:
        parser.error('no row has such a name; see --list')
    return options


def find_dcsignald():
    program = os.environ.get('DCSIGNALD') or 'dcsignald'
    if not shutil.which(program):
        sys.exit('channels.py: run it as ./dev bench channels')
    return program


async def run_all(options):
    found = stacks.find(options.stacks)
    if not found:
        sys.exit('channels.py: none of the stacks is installed')
    results = Results(options.sections, found)
    async with Daemon(find_dcsignald()) as daemon:
        bench = Bench(options, results, daemon)
        rounds = await bench.run(options.sections)
    if bench.no_lab:
        print(f'no emulated links: {bench.no_lab}')
    return results, rounds


async def main():
    options = parse()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    if options.inside:
        await run_inside(options.inside)
        return 0
    if options.list:
        for section in options.sections:
            for row in section.rows:
                print(row.full)
        return 0
    results, rounds = await run_all(options)
    print_report(results, rounds)
    with contextlib.ExitStack() as files:
        if options.json:
            file = files.enter_context(open(options.json, 'w', encoding='utf-8'))
            json.dump(as_json(results, rounds), file, indent=1)
            file.write('\n')
        if options.svg:
            files.enter_context(open(options.svg, 'w', encoding='utf-8')).write(chart.draw(results, heading(rounds)))
    return 1 if results.any_errors_of_ours() else 0


if __name__ == '__main__':
    try:
        sys.exit(asyncio.run(main()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
