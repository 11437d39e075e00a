# SPDX-License-Identifier: MIT
"""Strangers who hold, flood, stall and send noise: the short form of tests/abuse.py."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import abuse
import servers

CONNECTIONS = 300
SECONDS = 1.0
# How fast is not the question here: builds with sanitizers are slow, and other tests run beside.
abuse.ASK_SECONDS = 2
abuse.AFTER_SECONDS = servers.CHANGE_SECONDS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    one = abuse.Run(tmp_path_factory.mktemp("abuse"), CONNECTIONS)
    one.start()
    yield one
    one.server.stop()


@pytest.mark.parametrize("name", abuse.ABUSES)
def test_abuse_is_borne(run, name):
    """The server lives, answers and is within its memory afterwards; others were answered meanwhile."""
    words, peak, counts, _ = run.bear(abuse.ABUSES[name], SECONDS)
    assert run.faults(peak) == [], words
    assert counts[1] > 0, f"nobody was answered over UDP meanwhile: {words}"


def test_connections_beyond_the_limit_push_out_the_idlest(run):
    words, _, _, _ = run.bear(abuse.held, 0)
    opened, _, held = words.split()[0], words.split()[1], int(words.split()[2])
    assert int(opened) > CONNECTIONS
    # Workers share the limit, and the kernel shares out connections among them as it likes.
    assert CONNECTIONS * 0.7 <= held <= CONNECTIONS
