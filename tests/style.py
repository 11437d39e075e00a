#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a reviewer should not have to say: licence lines, formatting, promises left in the code. Prints TAP."""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

from tap import Tap

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD_FOLDERS = re.compile(r"^(\.git|build.*|__pycache__)$")
SPDX = "SPDX-License-Identifier: MIT"
WIDTH_MAX = 132  # columns, with tabs of 8; formatting breaks code at 120, but neither comments nor strings
PROMISE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")  # in two parts, so that this line does not find itself


def all_files():
    """Every file of the project; what git ignores is a build."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not BUILD_FOLDERS.match(name)]
        for name in names:
            yield (pathlib.Path(folder) / name).relative_to(ROOT)


def is_source(path):
    """Files that people write and a licence covers; data of the tests is told about in its README."""
    if path.parts[:2] in [("tests", "data"), ("tests", "fuzz")] and path.suffix not in (".c", ".h", ".py"):
        return False
    in_tools = path.parent.name in ("tools", ".ci")
    return in_tools or path.suffix in (".c", ".h", ".py", ".sh") or path.name in ("Makefile", "meson_options.txt")


def lines_of(path):
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def faults_of_lines(path):
    lines = lines_of(path)
    if not any(SPDX in line for line in lines[:2]):
        yield f"{path}:1: no {SPDX}"
    if path.suffix == ".h" and "#pragma once" not in lines:
        yield f"{path}:1: no #pragma once"
    for number, line in enumerate(lines, 1):
        if PROMISE.search(line):
            yield f"{path}:{number}: a promise: {line.strip()}"
        if line != line.rstrip():
            yield f"{path}:{number}: space at the end of the line"
        if len(line.expandtabs(8)) > WIDTH_MAX:
            yield f"{path}:{number}: wider than {WIDTH_MAX} columns"


def faults_of_format(path):
    command = ["clang-format-14", "--dry-run", "-Werror", str(path)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        yield from re.findall(r"^\S+:\d+:\d+: error:.*$", result.stderr, re.MULTILINE)[:3]


def main():
    tap = Tap()
    sources = sorted(path for path in all_files() if is_source(path))
    code = [path for path in sources if path.suffix in (".c", ".h")]
    for path in sources:
        faults = list(faults_of_lines(path))
        tap.check(not faults, f"{path} has its licence line and nothing left over", faults)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, faults in zip(code, pool.map(lambda path: list(faults_of_format(path)), code)):
            tap.check(not faults, f"{path} is formatted as .clang-format says", faults)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
