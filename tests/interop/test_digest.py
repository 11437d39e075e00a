# SPDX-License-Identifier: MIT
"""The digest of a zone's content: servers that serve the same say the same."""

import json

import zones

ZONE = "small.example."


def digest(server):
    return json.loads(server.run("status", ZONE, "--json"))["digest"]


def test_servers_that_serve_the_same_tell_the_same_digest_after_a_restart_too(world):
    primary, secondary = world.new("tandem", "first"), world.new("tandem", "second")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1, "a A 192.0.2.1"))
    secondary.follow(ZONE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    first = digest(primary)
    assert len(first) == 32 and digest(secondary) == first
    assert f"digest {first}" in secondary.run("status", ZONE)
    primary.change(ZONE, zones.small(world.folder, ZONE, 2, "a A 192.0.2.2"))
    secondary.wait_for_serial(ZONE, 2)
    assert digest(primary) == digest(secondary) != first
    before = digest(secondary)
    primary.stop()
    secondary.stop()
    secondary.start()
    secondary.wait_for_serial(ZONE, 2)
    assert digest(secondary) == before
