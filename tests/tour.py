#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds doc/ against the tree: functions that doc/tour.md names must be defined, files that a page names must exist,
and doc/zone-files.md must have the RR types that we know.

In the tour `name()` is a function in src/; in every page `folder/file.c` and links to files are read. Prints TAP.
"""

import pathlib
import re
import sys

from tap import Tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEFINITION = re.compile(r"^(?!#)[A-Za-z_].*?\b([a-z_][a-z0-9_]*)\(", re.MULTILINE)
FUNCTION = re.compile(r"`([a-z_][a-z0-9_]*)\(\)`")
FILE = re.compile(r"`((?:src|tests|tools|doc|examples|bench)/[\w./-]+\w)`")
PLACEHOLDER = re.compile(r"[A-Z]{4}")  # tests/fuzz/fuzz_NAME.c
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def functions_of(text):
    """Functions that C text declares or defines at the left margin, as our formatting puts them."""
    return set(DEFINITION.findall(text))


def missing_functions(text, known):
    for number, line in enumerate(text.splitlines(), 1):
        for name in FUNCTION.findall(line):
            if name not in known:
                yield f"line {number}: no function {name}() in src/"


def missing_files(page, text):
    for number, line in enumerate(text.splitlines(), 1):
        for name in FILE.findall(line):
            if not PLACEHOLDER.search(name) and not (ROOT / name).exists():
                yield f"line {number}: no file {name}"
        for name in LINK.findall(line):
            if not (page.parent / name).exists():
                yield f"line {number}: a link to nothing: {name}"


def types_of_rows(text):
    return set(re.findall(r'NAMED\("([\w-]+)"', text))


def types_of_page(text):
    section = re.search(r"^## RR types$(.*?)^## ", text, re.M | re.S)
    return {word for cell in re.findall(r"^\| ([A-Z0-9 -]+) \|", section[1], re.M) for word in cell.split()}


def main():
    tap = Tap()
    sample = "static bool zone_find(int a)\n{\n\tother_call(a);\n}\n"
    tap.check(functions_of(sample) == {"zone_find"}, "a definition is seen, a call is not")
    tap.check(len(list(missing_functions("`zone_find()` `zone_lost()`", {"zone_find"}))) == 1, "a lost name is found")

    known = set()
    for path in (ROOT / "src").rglob("*.[ch]"):
        known |= functions_of(path.read_text(encoding="utf-8"))
    tour = (ROOT / "doc/tour.md").read_text(encoding="utf-8")
    tap.check(FUNCTION.search(tour), "the tour names functions")
    faults = list(missing_functions(tour, known))
    tap.check(not faults, "every function that doc/tour.md names exists", faults)
    rows = types_of_rows((ROOT / "src/dns/rdata_rows.c").read_text(encoding="utf-8"))
    page = types_of_page((ROOT / "doc/zone-files.md").read_text(encoding="utf-8"))
    tap.check(rows and rows == page, "doc/zone-files.md has every RR type", sorted(rows ^ page))
    for page in [ROOT / "README.md", *sorted((ROOT / "doc").rglob("*.md"))]:
        faults = list(missing_files(page, page.read_text(encoding="utf-8")))
        tap.check(not faults, f"{page.relative_to(ROOT)} names files that exist", faults)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
