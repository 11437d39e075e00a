#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays many seeds at once, and finds deliberate defects.

    run.py [--build DIR] [--seeds 1000] [--seed FIRST] [--defects [NAME...]]

Prints TAP: one test for all seeds, one for each defect, which must be found within as many seeds. A seed that breaks a rule is
followed by its story.
"""

import argparse
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CORES = len(os.sched_getaffinity(0))
BROKEN = 3


def play(program, first, count, options=()):
    """So many seeds from `first` on, in one process for each core. Gives the processes that said something is wrong."""
    processes = [
        subprocess.Popen(
            [program, "--seed", str(first + core), "--seeds", str(-(-(count - core) // CORES)), "--step", str(CORES), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        for core in range(min(CORES, count))
    ]
    return [(process, process.communicate()[0]) for process in processes]


def note(text):
    for line in text.splitlines():
        print(f"# {line}")


def test_seeds(number, program, first, count):
    ended = play(program, first, count)
    failed = [(process, output) for process, output in ended if process.returncode != 0]
    print(f"{'not ok' if failed else 'ok'} {number} - {count} seeds from {first} on break no rule")
    for _, output in failed or ended:
        note(output)
    return not failed


def test_defect(number, program, name, first, count):
    """Seeds in the order of their numbers, some at a time, so that what is found early costs little."""
    step = 20 * CORES
    found = None
    for begin in range(first, first + count, step):
        ended = play(program, begin, min(step, first + count - begin), ["--no-shrink"])
        found = next((output for process, output in ended if process.returncode == BROKEN), None)
        odd = [output for process, output in ended if process.returncode not in (0, BROKEN)]
        if odd:
            print(f"not ok {number} - {name} is found")
            note(odd[0])
            return False
        if found:
            break
    print(f"{'ok' if found else 'not ok'} {number} - {name} is found within {count} seeds")
    if found:
        note(found.splitlines()[0])
    return found is not None


def main():
    parser = argparse.ArgumentParser(description="Plays seeds of the simulator.")
    parser.add_argument("--build", default="build-gcc", help="the build whose simulator is run (default build-gcc)")
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="the first (default 1)")
    parser.add_argument("--defects", nargs="*", help="find these defects instead, by name; no name: all")
    options = parser.parse_args()
    folder = ROOT / options.build / "tests/sim"
    defects = options.defects
    if defects == []:
        defects = sorted(path.stem for path in (ROOT / "tests/sim/defects").glob("*.defect"))
    if defects is None:
        results = [test_seeds(1, folder / "sim", options.seed, options.seeds)]
    else:
        results = [
            test_defect(number, folder / f"sim-{name}", name, options.seed, options.seeds)
            for number, name in enumerate(defects, 1)
        ]
    print(f"1..{len(results)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
