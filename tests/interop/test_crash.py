# SPDX-License-Identifier: MIT
"""Servers that are killed while zones change: the short form of tests/crash.py."""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import crash

KILLS = 15


def test_nothing_that_was_told_is_taken_back_by_a_kill(tmp_path):
    seed = int(os.environ.get("CRASH_SEED", time.time_ns()))
    print(f"CRASH_SEED={seed}")
    crash.run(tmp_path, KILLS, seed)
