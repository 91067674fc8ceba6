#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Brings docs/benchmarks.md and its plots up to date with a run of the benchmark.

usage: plot.py BENCH.JSON [DIRECTORY]

Reads docs/benchmarks.md, replaces what is between `<!-- bench: NAME -->` and
`<!-- bench: end -->` by the table of that section, and writes it and
plots/*.svg to DIRECTORY (default: docs). Needs nothing but Python itself.
"""
import json
import math
import os
import re
import sys
from html import escape

FONT = 'font-family="sans-serif"'
INK, FAINT, PAPER = '#1f2328', '#d0d7de', '#ffffff'
OURS, OTHERS, GOAL = '#0969da', '#8c6d1f', '#cf222e'
SERIES = ('#57606a', '#0969da', '#8250df', '#bf3989', '#1a7f37', '#8c6d1f')
MARK = re.compile(r'(<!-- bench: (?!end)([a-z]+) -->\n).*?(<!-- bench: end -->)',
                  re.S)


class Svg:
    """A list of elements; coordinates are pixels."""

    def __init__(self, width, height):
        self.size = width, height
        self.parts = []

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, text, size=12, anchor='start', color=INK, extra=''):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
                 f'text-anchor="{anchor}" fill="{color}" {FONT} {extra}>'
                 f'{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, color, width=1.0, dash=''):
        dash = f' stroke-dasharray="{dash}"' if dash else ''
        self.add(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" '
                 f'y2="{y2:.1f}" stroke="{color}" '
                 f'stroke-width="{width}"{dash}/>')

    def dot(self, x, y, color, radius=4.5):
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" '
                 f'fill="{color}"/>')

    def write(self, path):
        width, height = self.size
        with open(path, 'w', encoding='utf-8') as file:
            file.write('<!-- SPDX-License-Identifier: MIT -->\n'
                       '<svg xmlns="http://www.w3.org/2000/svg" '
                       f'width="{width}" height="{height}" '
                       f'viewBox="0 0 {width} {height}">\n'
                       f'<rect width="{width}" height="{height}" '
                       f'fill="{PAPER}"/>\n')
            file.write('\n'.join(self.parts))
            file.write('\n</svg>\n')


class Axis:
    """Maps values to pixels, linearly or by logarithm."""

    def __init__(self, low, high, start, end, log):
        self.log = log
        self.low, self.high = self.scale(low), self.scale(high)
        self.start, self.end = start, end

    def scale(self, value):
        return math.log10(value) if self.log else value

    def at(self, value):
        part = (self.scale(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self):
        if self.log:
            low = math.floor(self.low + 1e-9)
            marks = [m * 10.0 ** e for e in range(low, math.ceil(self.high) + 1)
                     for m in ((1, 2, 5) if self.high - self.low < 3 else (1,))]
            return [v for v in marks
                    if self.low - 1e-9 <= math.log10(v) <= self.high + 1e-9]
        span = self.high - self.low
        step = next(s for s in (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50)
                    if span / s <= 9)
        first = math.ceil(self.low / step - 1e-9)
        return [round(i * step, 9) for i in range(first, int(self.high / step + 1e-9) + 1)]


def number(value):
    """Three digits; all of them where there are more."""
    if value == int(value) and value >= 10:
        return f'{value:.0f}'
    return f'{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}'


def tick_label(value):
    return f'{value:,.10g}'


def groups(rows):
    found = {}
    for row in rows:
        found.setdefault(row['group'], []).append(row)
    return found


def is_ours(name):
    return name.startswith(('static', 'a static', 'engine', 'bound op',
                            'alternative'))


# ---- plots of dots: one panel for each group ----

LEFT, RIGHT, ROW, HEAD = 290, 70, 21, 26


def dot_row(svg, axis, y, row, what):
    color = OURS if is_ours(row['name']) else OTHERS
    svg.text(LEFT - 12, y + 4, row['name'], anchor='end')
    stats = row[what]
    svg.line(axis.at(stats['q1']), y, axis.at(stats['q3']), y, color, 2.5)
    svg.dot(axis.at(stats['median']), y, color)
    svg.text(axis.at(stats['median']) + 9, y - 5, number(stats['median']),
             10, color=color)
    goal = row.get('goal')
    if goal and row.get('goal_of') == what:
        x = axis.at(goal)
        svg.line(x, y - 8, x, y + 8, GOAL, 2)


def panel(svg, top, title, rows, axis, what):
    bottom = top + HEAD + ROW * len(rows)
    svg.text(LEFT, top + 14, title, 13, extra='font-weight="bold"')
    for tick in axis.ticks():
        x = axis.at(tick)
        svg.line(x, top + HEAD - 4, x, bottom, FAINT)
        svg.text(x, bottom + 14, tick_label(tick), 10, 'middle')
    for i, row in enumerate(rows):
        dot_row(svg, axis, top + HEAD + ROW * i + ROW / 2, row, what)
    return bottom + 30


def dots(path, title, rows, what, log, note):
    rows = [row for row in rows if row[what]]
    panels = groups(rows)
    values = [row[what][q] for row in rows for q in ('q1', 'median', 'q3')]
    low, high = min(values), max(values)
    if log:
        low, high = low / 1.3, high * 1.5
    else:
        low, high = min(0.9, low), high + 0.08 * (high - low)
    width = 860
    height = 74 + sum(HEAD + ROW * len(r) + 30 for r in panels.values())
    svg = Svg(width, height)
    axis = Axis(low, high, LEFT, width - RIGHT, log)
    svg.text(16, 26, title, 16, extra='font-weight="bold"')
    svg.text(16, 44, note, 11)
    top = 58
    for name, members in panels.items():
        top = panel(svg, top, name, members, axis, what)
    svg.write(path)


# ---- the plot of lines: cost per site over N ----

def sites_of(group):
    match = re.match(r'(\d+) sites?(?:, (.*))?$', group)
    return (int(match.group(1)), match.group(2)) if match else (0, '')


def series_of(rows):
    """{name: [(N, median, q1, q3)]}"""
    found = {}
    for row in rows:
        nr, when = sites_of(row['group'])
        if row['section'] == 'update':
            name = 'update of one static call, ' + row['name']
        elif row['name'] in ('engine', 'by hand, no checks'):
            name = f"batch, {row['name']}, {when}"
        else:
            continue
        stats = row['value']
        found.setdefault(name, []).append(
            (nr, stats['median'], stats['q1'], stats['q3']))
    return found


def frame(svg, x_axis, y_axis):
    for tick in x_axis.ticks():
        x = x_axis.at(tick)
        svg.line(x, y_axis.start, x, y_axis.end, FAINT)
        svg.text(x, y_axis.start + 16, tick_label(tick), 10, 'middle')
    for tick in y_axis.ticks():
        y = y_axis.at(tick)
        svg.line(x_axis.start, y, x_axis.end, y, FAINT)
        svg.text(x_axis.start - 6, y + 4, tick_label(tick), 10, 'end')


def one_line(svg, x_axis, y_axis, points, color, dash):
    last = None
    for nr, median, q1, q3 in points:
        x, y = x_axis.at(nr), y_axis.at(median)
        svg.line(x, y_axis.at(q1), x, y_axis.at(q3), color, 2)
        svg.dot(x, y, color, 3.5)
        if last:
            svg.line(*last, x, y, color, 1.5, dash)
        last = x, y


def commit_lines(path, rows):
    found = series_of(rows)
    values = [v for points in found.values() for p in points for v in p[1:]]
    numbers = [p[0] for points in found.values() for p in points]
    legend = 20 * len(found)
    svg = Svg(860, 490 + legend)
    x_axis = Axis(min(numbers) / 1.5, max(numbers) * 1.5, 80, 830, True)
    y_axis = Axis(min(values) / 1.5, max(values) * 1.5, 430, 60, True)
    svg.text(16, 26, 'Changing N sites in one commit: ns per site', 16,
             extra='font-weight="bold"')
    svg.text(16, 44, 'both axes logarithmic; bars: quartiles; '
             'red: the goal of 30 ns', 11)
    frame(svg, x_axis, y_axis)
    goal = y_axis.at(30)
    svg.line(x_axis.start, goal, x_axis.end, goal, GOAL, 1.5, '6 4')
    whens = []
    for i, (name, points) in enumerate(found.items()):
        when = name.split(', ')[-1]
        if when not in whens:
            whens.append(when)
        color = SERIES[whens.index(when) % len(SERIES)]
        dash = '2 4' if 'by hand' in name else \
            '8 3' if name.startswith('update') else ''
        one_line(svg, x_axis, y_axis, points, color, dash)
        y = 486 + 20 * i
        svg.line(80, y, 120, y, color, 2, dash)
        svg.dot(100, y, color, 3.5)
        svg.text(128, y + 4, name)
    svg.text(455, 466, 'sites', 11, 'middle')
    svg.write(path)


# ---- tables ----

def cell(stats, digits=3):
    return f"{stats['median']:.{digits}f} [{stats['q1']:.{digits}f}, " \
           f"{stats['q3']:.{digits}f}]"


def verdict(row):
    if 'goal' not in row:
        return ''
    return f"{row['goal']:g}: {'met' if row['met'] else '**missed**'}"


def columns(rows):
    """Headings and functions of a row, without those that are always empty."""
    yield 'what', lambda row: row['name']
    yield 'value', lambda row: \
        f"{number(row['value']['median'])} {row['unit']}".rstrip()
    if any(row['ratio'] for row in rows):
        yield 'ratio, median [quartiles]', \
            lambda row: cell(row['ratio']) if row['ratio'] else ''
    else:
        yield 'quartiles', lambda row: \
            f"{number(row['value']['q1'])} to {number(row['value']['q3'])}" \
            if row['value']['nr'] > 1 else ''
    if any('instructions' in row for row in rows):
        yield 'instructions in a turn', \
            lambda row: f"{row['instructions']:g}" \
            if 'instructions' in row else ''
    if any('goal' in row for row in rows):
        yield 'goal', verdict


def table(rows):
    chosen = list(columns(rows))
    lines = ['| ' + ' | '.join(head for head, _ in chosen) + ' |',
             '|---' * len(chosen) + '|']
    for row in rows:
        lines.append('| ' + ' | '.join(get(row) for _, get in chosen) + ' |')
    return '\n'.join(lines)


def section(rows):
    return '\n\n'.join(f'**{name.capitalize()}**\n\n{table(members)}'
                       for name, members in groups(rows).items())


def goals(rows):
    lines = ['| what | in | goal | reached | |', '|---|---|---|---|---|']
    for row in rows:
        if 'goal' not in row:
            continue
        what = row[row['goal_of']]['median']
        unit = row['unit'] if row['goal_of'] == 'value' else 'x'
        lines.append(f"| {row['name']} | {row['group']} | {row['goal']:g} "
                     f"{unit} | {number(what)} {unit} | "
                     f"{'met' if row['met'] else '**missed**'} |")
    return '\n'.join(lines)


def machine(run):
    box = run['machine']
    return (f"{box['brand']}: {box['vendor']} family {box['family']}, model "
            f"{box['model']}, stepping {box['stepping']}; {box['cpus']} CPUs"
            f"{', a virtual machine' if box['virtual'] else ''}; "
            f"{box['kernel']}. Text is written through {box['backend']}, other "
            f"threads are synchronised by {box['sync']}, one store changes up "
            f"to {box['block']} bytes. The run took {run['seconds']:.0f} s.")


def document(text, run, rows):
    """The document with the tables of a run."""
    def block(match):
        name = match.group(2)
        if name == 'machine':
            body = machine(run)
        elif name == 'goals':
            body = goals(run['rows'])
        elif name in rows:
            body = section(rows[name])
        else:
            body = 'Not in this run.'
        return f'{match.group(1)}{body}\n{match.group(3)}'
    return MARK.sub(block, text)


def plots(directory, rows):
    os.makedirs(directory, exist_ok=True)
    bars = 'dot: median; bar: quartiles; red: goal'
    for name, title, what, log, note in (
            ('call', 'One hot call', 'ratio', True,
             'time relative to a direct call, logarithmic; ' + bars),
            ('cold', 'The pointer or flag is not in the cache', 'ratio', False,
             'time relative to a direct call; ' + bars),
            ('sites', 'Many call sites, one in 64 bytes', 'ratio', False,
             'time relative to direct calls; ' + bars),
            ('guard', 'A branch that is never taken', 'ratio', False,
             'time relative to no code at all; ' + bars),
            ('dispatch', 'Code chosen by a feature of the processor', 'ratio',
             True,
             'time relative to a direct call, logarithmic; ' + bars),
            ('real', 'A time source and a lock as patchable ops', 'ratio',
             True, 'time relative to the first row, logarithmic; ' + bars),
            ('latency', 'An update, while threads run through the site',
             'value', True, 'microseconds, logarithmic; ' + bars)):
        if name in rows:
            dots(f'{directory}/{name}.svg', title, rows[name], what, log, note)
    if 'commit' in rows or 'update' in rows:
        commit_lines(f'{directory}/commit.svg',
                     rows.get('commit', []) + rows.get('update', []))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    docs = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../docs')
    out = sys.argv[2] if len(sys.argv) == 3 else docs
    with open(sys.argv[1], encoding='utf-8') as file:
        run = json.load(file)
    rows = {}
    for row in run['rows']:
        rows.setdefault(row['section'], []).append(row)
    with open(os.path.join(docs, 'benchmarks.md'), encoding='utf-8') as file:
        text = file.read()
    plots(os.path.join(out, 'plots'), rows)
    with open(os.path.join(out, 'benchmarks.md'), 'w',
              encoding='utf-8') as file:
        file.write(document(text, run, rows))


if __name__ == '__main__':
    main()
