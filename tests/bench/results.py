# SPDX-License-Identifier: LGPL-2.1-or-later
"""results.py: what ./dev bench channels has measured, as tables and as JSON."""

import statistics
from dataclasses import dataclass, field

import stacks as all_stacks
from benchlib import heading, machine, ratio, spread
from rows import METRICS

HOPELESS = 2  # failures after which more would only take time
CELL_WIDTH = 20
RATIO_WIDTH = 16


@dataclass
class Cell:
    """All runs of one row with one stack."""

    rounds: list = field(default_factory=list)  # {metric: value}
    errors: list = field(default_factory=list)
    remarks: list = field(default_factory=list)

    def values(self, key):
        return [result[key] for result in self.rounds if result.get(key) is not None]

    def is_hopeless(self):
        return len(self.errors) >= HOPELESS

    def take(self, outcome):
        """{'result': {}} or {'error': ''}, and remarks, some of which may be empty."""
        if 'error' in outcome:
            self.errors.append(outcome['error'])
        else:
            self.rounds.append(outcome['result'])
        self.remarks += [remark for remark in dict.fromkeys(outcome.get('remarks', [])) if remark and remark not in self.remarks]


class Results:
    """Cells by row and stack; they come into being when they are asked for."""

    def __init__(self, sections, stacks):
        self.sections, self.stacks = sections, stacks
        self.cells = {}

    def cell(self, row, stack):
        return self.cells.setdefault((row.full, stack.name), Cell())

    def find_best(self, row, metric):
        """The peer that is not ours with the best median, and its values; (None, []) if there is none."""
        found = []
        for stack in self.stacks:
            values = [] if stack.ours or stack.ceiling else self.cell(row, stack).values(metric.key)
            if values:
                found.append((statistics.median(values), stack, values))
        if not found:
            return None, []
        best = (max if metric.more_is_better else min)(found, key=lambda entry: entry[0])
        return best[1], best[2]

    def compare(self, row, stack, metric):
        """Our median divided by the best peer's; None where one is missing."""
        return ratio(self.cell(row, stack).values(metric.key), self.find_best(row, metric)[1])

    def has(self, row, metric):
        return any(self.cell(row, stack).values(metric.key) for stack in self.stacks)

    def tables(self):
        """Yields title, metric and [(label, row)]."""
        groups = {}
        for section in self.sections:
            groups.setdefault(section.group, []).extend((' '.join(f'{section.label} {row.label}'.split()), row) for row in section.rows)
        for group, lines in groups.items():
            for metric in METRICS.values():
                if present := [(label, row) for label, row in lines if self.has(row, metric)]:
                    yield f'{group}: {metric.title}', metric, present

    def remarks(self, row):
        for stack in self.stacks:
            cell = self.cell(row, stack)
            yield from (f'{stack.name}: {remark}' for remark in cell.remarks)
            if cell.errors:
                yield f'{stack.name} FAILED {len(cell.errors)}: {cell.errors[-1]}'

    def any_errors_of_ours(self):
        return any(self.cell(row, s).errors for section in self.sections for row in section.rows for s in self.stacks if s.ours)


# --- For people ------------------------------------------------------------------------------------------------------


def figure(value):
    """Three digits."""
    if value >= 99.95:
        return f'{value:.0f}'
    if value >= 9.995:
        return f'{value:.1f}'
    return f'{value:.2f}' if value >= 0.9995 else f'{value:.3f}'


def show_ratio(value):
    return '-' if value is None else f'{value:.3g}x'


def print_table(results, title, metric, lines):
    ours = [stack for stack in results.stacks if stack.ours]
    present = [stack for stack in results.stacks if any(results.cell(row, stack).values(metric.key) for _, row in lines)]
    width = max(len(label) for label, _ in lines) + 2

    def line(label, cells, ratios, rest=''):
        print(f'  {label:{width}}' + ''.join(f'{c:>{CELL_WIDTH}}' for c in cells) + ''.join(f'{r:>{RATIO_WIDTH}}' for r in ratios) + rest)

    print(f'\n{title}')
    line('', [stack.name for stack in present], [f'{stack.name}/best' for stack in ours], '  best')
    for label, row in lines:
        best = results.find_best(row, metric)[0]
        line(
            label,
            [spread(results.cell(row, stack).values(metric.key), figure) for stack in present],
            [show_ratio(results.compare(row, stack, metric)) for stack in ours],
            f'  {best.name if best else "-"}' + ''.join(f'; {remark}' for remark in results.remarks(row)),
        )


def print_report(results, rounds):
    print(heading(rounds))
    for stack in results.stacks:
        print(f'  {stack.name} {stack.version()}: {stack.remark}')
    print('  X/best: the median of X divided by that of the best stack that is not ours')
    for title, metric, lines in results.tables():
        print_table(results, title, metric, lines)
    # Where nothing was measured at all there is no table.
    for section in results.sections:
        for row in section.rows:
            if not any(results.cell(row, stack).rounds for stack in results.stacks):
                print(f'\n{row.full}: nothing; ' + ('; '.join(results.remarks(row)) or 'not tried'))


# --- For programs ----------------------------------------------------------------------------------------------------


def summarize(results, row, stack):
    cell = results.cell(row, stack)
    metrics = {}
    for metric in METRICS.values():
        if values := cell.values(metric.key):
            metrics[metric.key] = {'median': statistics.median(values), 'least': min(values), 'most': max(values)}
            compared = results.compare(row, stack, metric) if stack.ours else None
            if compared is not None:
                metrics[metric.key] |= {'ratio': compared, 'best': results.find_best(row, metric)[0].name}
    return {
        'row': row.full,
        'stack': stack.name,
        'metrics': metrics,
        'rounds': cell.rounds,
        'errors': cell.errors,
        'remarks': cell.remarks,
    }


def as_json(results, rounds):
    return {
        'machine': machine(),
        'rounds': rounds,
        'stacks': all_stacks.versions(results.stacks),
        'metrics': {metric.key: metric.title for metric in METRICS.values()},
        'results': [
            summarize(results, row, stack)
            for section in results.sections
            for row in section.rows
            for stack in results.stacks
            if results.cell(row, stack).rounds or results.cell(row, stack).errors
        ],
    }
