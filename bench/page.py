# SPDX-License-Identifier: MIT
"""The tables of doc/benchmarks.md, as `bench.py --markdown` prints them: read, and put in the place of the same row's."""

import re

TOTAL = "all rows"
TITLE = re.compile(r"^(all rows|replay|apply|zones|[\w-]+:\w+)( \(.*)?$")


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else None


def row_of(block):
    """The row that a block of lines is the table of, or None."""
    head = cells(block.split("\n", 1)[0])
    match = head and TITLE.match(head[0])
    return match.group(1) if match else None


def tables_of(page):
    """{row: [cells of a line]}, head first, without the line below it."""
    tables = {}
    for block in page.split("\n\n"):
        if row_of(block.strip()):
            lines = [cells(line) for line in block.strip().splitlines()]
            tables[row_of(block.strip())] = [lines[0], *lines[2:]]
    return tables


def figures_of(table):
    """{server: {column: figure}} of a table, without the line of ratios."""
    columns = table[0][1:]
    lines = [line for line in table[1:] if not line[0].startswith("ahead")]
    return {line[0]: {column: float(word) for column, word in zip(columns, line[1:]) if word} for line in lines}


def markdown(title, rows):
    lines = [[title, *rows[0][1:]], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def put(path, table):
    """Puts the table, as markdown, in the place of the one of the same row. False: the page has none of that row."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    places = [number for number, block in enumerate(blocks) if row_of(block.strip()) == row_of(table)]
    for number in places:
        blocks[number] = table + ("\n" if blocks[number].endswith("\n") else "")
    path.write_text("\n\n".join(blocks), encoding="utf-8")
    return bool(places)
