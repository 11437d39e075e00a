#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds every #include in src/ against doc/layers.txt.

A file may include headers of its own folder, of any folder on a lower line, and of a neighbour that the list names.
A header whose name ends in _internal.h belongs to its folder alone. Prints TAP, one test for each folder, and first
shows on a made-up tree that a wrong include is found.
"""

import pathlib
import re
import sys
import tempfile

from tap import Tap

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


class Layers:
    """doc/layers.txt: which folder stands on which line, and which neighbours may look at each other."""

    def __init__(self, text):
        self.height = {}
        self.neighbours = set()
        rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        for number, row in enumerate(rows):
            if row[0] == "layer":
                for folder in row[1:]:
                    self.height[folder] = len(rows) - number
            elif row[0] == "neighbour" and len(row) == 4 and row[2] == "->":
                self.neighbours.add((row[1], row[3]))
            else:
                raise ValueError("cannot read this line: " + " ".join(row))

    def refusal(self, source, target):
        """Why a file of folder `source` may not include a header of folder `target`; None: it may."""
        if target not in self.height:
            return f"{target} is not in doc/layers.txt"
        if source == target or self.height[target] < self.height[source] or (source, target) in self.neighbours:
            return None
        if self.height[target] == self.height[source]:
            return f"{target} is a neighbour that doc/layers.txt does not name"
        return f"{target} stands above {source}"


def faults_of_file(path, src, layers):
    source = path.relative_to(src).parts[0]
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        included = match.group(1)
        target = included.split("/")[0]
        if "/" not in included:
            reason = 'our own headers are included as "folder/header.h"'
        elif included.endswith("_internal.h") and target != source:
            reason = f"an internal header of {target}"
        else:
            reason = layers.refusal(source, target)
        if reason:
            yield f'{path}:{number}: #include "{included}": {reason}'


def faults_of_folder(folder, src, layers):
    if folder.name not in layers.height:
        yield f"{folder}: not in doc/layers.txt"
        return
    for path in sorted(folder.rglob("*.[ch]")):
        yield from faults_of_file(path, src, layers)


def check_the_check(tap):
    """A made-up tree: which includes must be refused, and which must not."""
    layers = Layers("layer top\nlayer left right other\nlayer low\nneighbour left -> right\n")
    cases = [
        ("low", "low/low.h", True),
        ("low", "low/part_internal.h", True),
        ("top", "low/low.h", True),
        ("left", "right/right.h", True),
        ("right", "left/left.h", False),
        ("left", "other/other.h", False),
        ("low", "top/top.h", False),
        ("top", "low/part_internal.h", False),
        ("top", "low.h", False),
        ("top", "unknown/unknown.h", False),
    ]
    for source, included, allowed in cases:
        with tempfile.TemporaryDirectory() as name:
            src = pathlib.Path(name)
            (src / source).mkdir()
            (src / source / "file.c").write_text(f'#include <stdio.h>\n#include "{included}"\n')
            refused = bool(list(faults_of_folder(src / source, src, layers)))
            tap.check(refused != allowed, f"{source} {'may' if allowed else 'may not'} include {included}")


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    tap = Tap()
    check_the_check(tap)
    src = root / "src"
    layers = Layers((root / "doc/layers.txt").read_text(encoding="utf-8"))
    for folder in sorted(entry for entry in src.iterdir() if entry.is_dir()):
        faults = list(faults_of_folder(folder, src, layers))
        tap.check(not faults, f"src/{folder.name} includes only what it may", faults)
    loose = sorted(src.glob("*.[ch]"))
    tap.check(not loose, "every source file is in a folder", [str(path) for path in loose])
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
