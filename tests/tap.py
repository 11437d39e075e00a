# SPDX-License-Identifier: MIT
"""Writes test results as TAP, the Test Anything Protocol."""


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, passed, name, notes=()):
        """Reports one test; `notes` are printed only if it failed."""
        self.count += 1
        print(f"{'ok' if passed else 'not ok'} {self.count} - {name}")
        if not passed:
            self.failed += 1
            for note in notes:
                for line in str(note).splitlines():
                    print(f"# {line}")

    def finish(self):
        """Prints the plan; returns the exit status of the program."""
        print(f"1..{self.count}")
        return 1 if self.failed else 0
