#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds doc/checklist-status.md against the tree: each row names tests that exist, or says what it waits for.

A test is `path: name`, and the name must stand in that file. Prints TAP, one test for each section with its counts.
"""

import pathlib
import re
import sys

from tap import Tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = "doc/checklist-status.md"
ROW = re.compile(r"^\| (\S+) \| (.+) \| (.+) \|$")
TEST = re.compile(r"`([\w./-]+): ([^`]+)`")
WAITS = re.compile(r"waits for \w+")


def sections_of(text):
    """The rows of each section, as (row, shown by); a line of a table that is no row comes as (line, None)."""
    sections = {}
    rows = []
    for line in text.splitlines():
        if line.startswith("## "):
            rows = sections.setdefault(line[3:], [])
        elif line.startswith("|") and not line.startswith(("| row |", "|---")):
            match = ROW.match(line)
            rows.append((match.group(1), match.group(3)) if match else (line[:40], None))
    return sections


def fault_of(shown_by, content_of):
    """What is wrong with the last column of a row; None: nothing."""
    if shown_by is None:
        return "not three columns"
    tests = TEST.findall(shown_by)
    for path, name in tests:
        content = content_of(path)
        if content is None:
            return f"no file {path}"
        if name not in content:
            return f"no {name} in {path}"
    if tests or WAITS.search(shown_by):
        return None
    return "names no test and waits for nothing"


def content_in_tree(path):
    file = ROOT / path
    return file.read_text(encoding="utf-8") if file.is_file() else None


def main():
    tap = Tap()
    sample = {"a.c": "TEST(seen)"}.get
    tap.check(fault_of("`a.c: seen`", sample) is None, "a test that exists is found")
    tap.check(fault_of("`a.c: lost`", sample) and fault_of("`b.c: seen`", sample), "a lost test is noticed")
    tap.check(fault_of("someday", sample) and fault_of("waits for TSIG", sample) is None, "a row says what it waits for")

    for section, rows in sections_of((ROOT / PAGE).read_text(encoding="utf-8")).items():
        names = [row for row, _ in rows]
        faults = [f"{row}: {fault}" for row, shown_by in rows if (fault := fault_of(shown_by, content_in_tree))]
        faults += [f"{row}: stands twice" for row in sorted(set(names)) if names.count(row) > 1]
        shown = sum(1 for _, shown_by in rows if shown_by and TEST.search(shown_by))
        waiting = sum(1 for _, shown_by in rows if shown_by and not TEST.search(shown_by))
        tap.check(not faults, f"behaviours {section}: {shown} shown, {waiting} waiting", faults)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
