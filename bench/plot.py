#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws the figures of doc/benchmarks.md: bench/plot.py [PAGE]

From the tables of the page, as `bench.py --markdown` prints them, so that a plot says what its page says:

benchmarks-udp.svg    CPU time per answer over UDP, user and system, each server beside the echo
benchmarks-ahead.svg  how many times as good as the best peer each row is, with the goals
"""

import math
import pathlib
import sys

import page

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVERS = ["tandem", "knot", "nsd", "bind"]
WIDTH, LEFT, RIGHT = 760, 190, 60
BAR, STEP, TOP = 14, 18, 40
# Of middling lightness, so that they show on white and on black alike.
STYLE = """
text { font: 12px sans-serif; fill: #7d8590; }
.title { font-weight: bold; }
.user { fill: #1f77d0; } .system { fill: #8fb8de; } .behind { fill: #d0671f; }
.line { stroke: #8c959f; stroke-opacity: 0.4; } .goal { stroke: #d0301f; stroke-width: 2; }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } .system { fill: #35608c; } }
"""


def named(table):
    """The lines of a table as {column: word}; the first column has no name, and the second of the table of all rows is the
    column that it is about."""
    head = ["", *[name or "column" for name in table[0][1:]]]
    return [dict(zip(head, line)) for line in table[1:]]


class Drawing:
    def __init__(self):
        self.parts = []
        self.y = TOP

    def text(self, x, y, words, anchor="start", kind=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{words}</text>')

    def bar(self, x, width, kind):
        self.parts.append(f'<rect x="{x:.1f}" y="{self.y}" width="{max(width, 1):.1f}" height="{BAR}" class="{kind}"/>')

    def line(self, x, top, bottom, kind="line"):
        self.parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" class="{kind}"/>')

    def write(self, path):
        size = f'viewBox="0 0 {WIDTH} {self.y + 10}" width="{WIDTH}" height="{self.y + 10}"'
        body = "\n".join(self.parts)
        path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n{body}\n</svg>\n')


def draw_udp(tables):
    """A group of bars for each row over UDP; the line is the echo."""
    groups = {row: {line[""]: line for line in named(table)} for row, table in tables.items() if row.startswith("udp")}
    most = max(float(row["us"]) for group in groups.values() for row in group.values() if row[""] in SERVERS)
    scale = (WIDTH - LEFT - RIGHT) / most
    drawing = Drawing()
    drawing.text(10, 20, "CPU time per answer over UDP, us: user (dark), system (light); the line is the null echo", kind="title")
    for title, group in groups.items():
        top = drawing.y
        drawing.text(10, top + BAR - 3, title, kind="title")
        for server in (name for name in SERVERS if name in group):
            user, system = float(group[server]["us user"]), float(group[server]["us system"])
            drawing.text(LEFT - 8, drawing.y + BAR - 3, server, "end")
            drawing.bar(LEFT, user * scale, "user")
            drawing.bar(LEFT + user * scale, system * scale, "system")
            drawing.text(LEFT + (user + system) * scale + 6, drawing.y + BAR - 3, group[server]["us"])
            drawing.y += STEP
        if "null echo" in group:
            drawing.line(LEFT + float(group["null echo"]["us"]) * scale, top - 2, drawing.y, "goal")
        drawing.y += STEP // 2
    return drawing


def draw_ahead(tables):
    """A bar for each figure: to the right of 1 Tandem is ahead. Doubling is a fixed distance."""
    rows = [row for row in named(tables[page.TOTAL]) if row["ahead"].endswith("x")]
    ahead = [float(row["ahead"].rstrip("x")) for row in rows]
    low = math.floor(math.log2(min([*ahead, 1])))
    high = math.ceil(math.log2(max([*ahead, 4])))
    left = LEFT + 50
    scale = (WIDTH - left - RIGHT) / (high - low)

    def place(times):
        return left + (math.log2(times) - low) * scale

    drawing = Drawing()
    drawing.text(10, 20, "Times as good as the best peer; the red line is the goal", kind="title")
    drawing.y = top = TOP + STEP
    for power in range(low, high + 1):
        drawing.line(place(2**power), top - 4, top + STEP * len(rows))
        drawing.text(place(2**power), top - 8, f"{2**power:g}", "middle")
    for row, times in zip(rows, ahead):
        drawing.text(left - 8, drawing.y + BAR - 3, f"{row['']} {row['column']}", "end")
        drawing.bar(min(place(times), place(1)), abs(place(times) - place(1)), "user" if times >= 1 else "behind")
        drawing.text(WIDTH - 8, drawing.y + BAR - 3, row["ahead"], "end")
        if row["goal"]:
            drawing.line(place(float(row["goal"].rstrip("x"))), drawing.y - 2, drawing.y + BAR + 2, "goal")
        drawing.y += STEP
    return drawing


def main():
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "doc" / "benchmarks.md"
    tables = page.tables_of(path.read_text(encoding="utf-8"))
    draw_udp(tables).write(path.with_name("benchmarks-udp.svg"))
    draw_ahead(tables).write(path.with_name("benchmarks-ahead.svg"))


if __name__ == "__main__":
    main()
