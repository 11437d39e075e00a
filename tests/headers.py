#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Compiles each header of src/ alone, with gcc and with clang, with the project's warnings as errors. Prints TAP."""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

from tap import Tap

COMPILERS = ["gcc", "clang-14"]
FLAGS = (
    "-std=c17 -D_GNU_SOURCE -fsyntax-only -Werror -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum "
    "-Wmissing-prototypes -Wvla -Wstrict-prototypes -x c -"
).split()


def complaints(compiler, src, header):
    """What the compiler has to say about a file that includes this header and nothing else."""
    result = subprocess.run(
        [compiler, f"-I{src}", *FLAGS],
        input=f'#include "{header}"\n',
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if result.returncode == 0 else [result.stderr]


def main():
    src = pathlib.Path(__file__).resolve().parent.parent / "src"
    headers = sorted(str(path.relative_to(src)) for path in src.rglob("*.h"))
    cases = [(compiler, header) for header in headers for compiler in COMPILERS]
    tap = Tap()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        notes = pool.map(lambda case: complaints(case[0], src, case[1]), cases)
        for (compiler, header), note in zip(cases, notes):
            tap.check(not note, f"{header} compiles alone with {compiler}", note)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
