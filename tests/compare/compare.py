#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Asks Tandem and its peers the same questions about the same zones, and reports who answers differently, by class.

    tests/compare/compare.py
    tests/compare/compare.py --seed 7 --questions 3000 --proofs 300 --all

Fails if Tandem stands alone in a class of difference that known.py does not have, breaks a rule that holds for every
response, or if a validator does not accept a proof. The seed that it prints gives the same zones and questions again.
"""

import argparse
import collections
import pathlib
import random
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "interop")]

import asking  # noqa: E402
import classes  # noqa: E402
import known  # noqa: E402
import made  # noqa: E402
import proofs  # noqa: E402
import questions  # noqa: E402
import servers  # noqa: E402
import zones  # noqa: E402

EXAMPLES_SHOWN = 25
ROOT_SHARE = 0.2  # of the questions are about the root zone


class Report:
    """Counts classes, keeping one example of each."""

    def __init__(self):
        self.asked = 0
        self.equal = 0
        self.unknown = collections.Counter()  # Tandem alone, and nobody knows why
        self.known = collections.Counter()  # Tandem alone, and known.py says why
        self.outvoted = collections.Counter()  # most others agree on something else
        self.others = collections.Counter()  # the others among themselves
        self.breaches = collections.Counter()
        self.proofs = []  # results
        self.examples = {}

    def add(self, question, octets):
        self.asked += 1
        differences = list(classes.compare(question, octets))
        self.equal += not differences
        for difference in differences:
            self.note(difference)
        for breach in classes.breaches(question, octets[classes.OURS]):
            self.count(self.breaches, breach, lambda: f"    {question.text()}")

    def note(self, difference):
        if difference.alone():
            reason = known.reason_for(difference)
            if reason:
                self.count(self.known, reason, difference.text)
            else:
                self.count(self.unknown, difference.group(), difference.text)
        elif difference.outvoted():
            self.count(self.outvoted, difference.group(), difference.text)
        else:
            self.count(self.others, difference.group(), difference.text)

    def count(self, counter, key, example):
        counter[key] += 1
        if (id(counter), key) not in self.examples:
            self.examples[(id(counter), key)] = example()

    @property
    def failed(self):
        return bool(self.unknown or self.breaches or any(result.wrong for result in self.proofs))

    def failures(self):
        yield from self.part("A response that nobody may give", self.breaches, EXAMPLES_SHOWN)
        yield from self.part("Tandem stands alone, class unknown", self.unknown, EXAMPLES_SHOWN)

    def lines(self, everything):
        yield f"{self.asked} questions, {self.equal} answered alike by all"
        for result in self.proofs:
            yield from result.lines()
        yield from self.failures()
        yield from self.part("Tandem stands alone, as doc/differences.md explains", self.known, 1000 if everything else 0)
        yield from self.part("Most others agree against Tandem", self.outvoted, 1000 if everything else 0)
        yield from self.part("Differences among the others", self.others, 1000 if everything else 0)

    def part(self, title, counter, examples):
        yield f"\n{title}: {sum(counter.values())} in {len(counter)} classes"
        for index, (key, count) in enumerate(counter.most_common()):
            yield f"  {count:6} {key}"
            if index < examples:
                yield self.examples[(id(counter), key)]


def ask(report, folder, zone_files, asked):
    """Starts every server with the zones, asks everything, and stops them."""
    started = []
    try:
        for cls in servers.KINDS.values():
            server = cls(folder)
            for name, file in zone_files:
                server.serve(name, file)
            started.append(server.start())
        for question, octets in asking.ask_all(started, asked):
            report.add(question, octets)
        for server in started:
            server.stop()
    finally:
        for server in started:
            server.kill()


def run(seed, count, proof_count, delv_share, folder):
    """Both worlds: made zones, and the root. Then the proofs about the made zones."""
    folder = pathlib.Path(folder)
    report = Report()
    for part in ("made", "root", "world-made", "world-root", "made-proofs", "root-proofs"):
        (folder / part).mkdir()
    of_root = int(count * ROOT_SHARE)
    made_zones = made.make(seed, folder / "made")
    drawn = questions.draw_questions(seed, questions.of_made(made_zones), count - of_root)
    ask(report, folder / "world-made", [(zone.name, file) for zone, file in made_zones], drawn)
    root = zones.unpacked(folder / "root") / "root.signed.zone"
    drawn = questions.draw_questions(seed, questions.of_root(root), of_root)
    ask(report, folder / "world-root", [(".", root)], drawn)
    if proof_count:
        of_root = int(proof_count * ROOT_SHARE)
        result = proofs.check(seed, made_zones, folder / "made-proofs", proof_count - of_root, delv_share)
        report.proofs = [result, proofs.check_root(seed, root, folder / "root-proofs", of_root)]
    return report


def arguments():
    parser = argparse.ArgumentParser(description="Compares the answers of Tandem and its peers.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--questions", type=int, default=100000)
    parser.add_argument("--proofs", type=int, default=5000, help="how many Unbound is asked to believe")
    parser.add_argument("--delv-share", type=float, default=0.2, help="of the proofs, those that delv sees too")
    parser.add_argument("--all", action="store_true", help="an example of every class, not only of those that fail")
    return parser.parse_args()


def main():
    options = arguments()
    print(f"seed {options.seed}", flush=True)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tandem-compare-", dir="/tmp") as folder:
        report = run(options.seed, options.questions, options.proofs, options.delv_share, folder)
    print("\n".join(report.lines(options.all)))
    print(f"\nseed {options.seed}, {time.monotonic() - start:.0f} s: {'FAILED' if report.failed else 'passed'}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
