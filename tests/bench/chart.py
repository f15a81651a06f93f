# SPDX-License-Identifier: LGPL-2.1-or-later
"""chart.py: the tables of ./dev bench channels as bars, in SVG.

A line of a table is a group of bars, a bar a stack. Lengths count within a group only, whose longest bar is the same everywhere (that of a
ceiling is cut there); a thin line goes from the least to the most.
"""

import statistics
from xml.sax.saxutils import escape

from results import figure, show_ratio

CHARTED = ('rate', 'cpu', 'p50', 'p99', 'open')
COLOURS = {
    'ours': '#1f4e9c',
    'ours-fast': '#2f80ed',
    'libdatachannel': '#e07b39',
    'libwebrtc': '#3a9d5d',
    'werift': '#8e6bbf',
    'pion': '#33a3a3',
    'aiortc': '#c2a83e',
}
OTHER_COLOUR = '#999999'
WIDTH, LABEL_WIDTH, BAR_WIDTH = 960, 250, 480
BAR, GAP, GROUP_GAP, TITLE = 11, 2, 10, 34


class Drawing:
    """Grows downwards."""

    def __init__(self):
        self.parts, self.y = [], 0

    def text(self, x, y, text, size=11, weight='normal', anchor='start'):
        self.parts.append(
            f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'
        )

    def bar(self, y, length, colour):
        self.parts.append(f'<rect x="{LABEL_WIDTH}" y="{y:.0f}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')

    def range(self, y, least, most):
        middle = y + BAR / 2
        self.parts.append(
            f'<line x1="{LABEL_WIDTH + least:.1f}" x2="{LABEL_WIDTH + most:.1f}" y1="{middle:.1f}" y2="{middle:.1f}" stroke="#222"/>'
        )

    def finish(self):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.y + 10:.0f}" font-family="sans-serif">'
        return '\n'.join([head, '<rect width="100%" height="100%" fill="white"/>', *self.parts, '</svg>', ''])


def draw_group(drawing, results, metric, label, row):
    found = [(stack, results.cell(row, stack).values(metric.key)) for stack in results.stacks]
    found = [(stack, values) for stack, values in found if values]
    scaling = [values for stack, values in found if not stack.ceiling] or [values for _, values in found]
    scale = BAR_WIDTH / max(max(values) for values in scaling)

    def length(value):
        return min(value * scale, BAR_WIDTH)

    drawing.text(LABEL_WIDTH - 110, drawing.y + BAR, label, anchor='end')
    for stack, values in found:
        median = statistics.median(values)
        drawing.text(LABEL_WIDTH - 6, drawing.y + BAR - 1, stack.name, 10, anchor='end')
        drawing.bar(drawing.y, length(median), COLOURS.get(stack.name, OTHER_COLOUR))
        drawing.range(drawing.y, length(min(values)), length(max(values)))
        said = figure(median)
        if stack.ours and (compared := results.compare(row, stack, metric)) is not None:
            said += f' ({show_ratio(compared)} of the best peer)'
        drawing.text(LABEL_WIDTH + length(max(values)) + 6, drawing.y + BAR - 1, said, 10)
        drawing.y += BAR + GAP
    drawing.y += GROUP_GAP


def draw(results, subtitle):
    drawing = Drawing()
    drawing.y = 30
    drawing.text(12, drawing.y, 'Data channels', 18, 'bold')
    drawing.text(12, drawing.y + 18, subtitle)
    drawing.y += 30
    for title, metric, lines in results.tables():
        if metric.key not in CHARTED:
            continue
        drawing.y += TITLE
        drawing.text(12, drawing.y - 10, f'{title} ({"more" if metric.more_is_better else "less"} is better)', 13, 'bold')
        for label, row in lines:
            draw_group(drawing, results, metric, label, row)
    return drawing.finish()
