#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a source file with one deliberate defect in it.

    mutate.py DEFECT ROOT OUTPUT

DEFECT says what is found in which file and what takes its place. Where it is not found exactly once, the source has changed
and the defect has to follow: this fails, and with it the build of that defect.
"""

import pathlib
import sys


def read_defect(path):
    """The file that it is about, what is to be found there, and what takes its place."""
    name, sections, lines = None, {}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        if lines is None and line.startswith("file "):
            name = line.removeprefix("file ")
        elif line in ("find", "replace") and line not in sections:
            lines = sections[line] = []
        elif lines is not None:
            lines.append(line)
    return name, "\n".join(sections["find"]), "\n".join(sections["replace"])


def main():
    defect, root, output = (pathlib.Path(word) for word in sys.argv[1:])
    name, find, replace = read_defect(defect)
    source = (root / name).read_text(encoding="utf-8")
    if source.count(find) != 1:
        sys.exit(f"{defect}: what it is to replace is {source.count(find)} times in {name}; once is wanted:\n{find}")
    output.write_text(source.replace(find, replace), encoding="utf-8")


if __name__ == "__main__":
    main()
