# SPDX-License-Identifier: MIT
"""The partners among themselves: what is said of Tandem elsewhere is measured with instruments that work."""

import pytest
import servers
import wire
import zones

PAIRS = [(left, right) for left in servers.PEERS for right in servers.PEERS if left != right]


@pytest.mark.parametrize("primary_kind, secondary_kind", PAIRS)
def test_peers_replicate_the_signed_root_zone(world, root_zones, primary_kind, secondary_kind):
    primary = world.new(primary_kind)
    secondary = world.new(secondary_kind)
    primary.serve(".", root_zones / "root.signed.zone")
    secondary.follow(".", primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(".", 2017082100)
    wire.assert_equal_zones(wire.axfr(primary.place, "."), wire.axfr(secondary.place, "."))


@pytest.mark.parametrize("primary_kind, secondary_kind", PAIRS)
def test_peers_follow_a_change_after_notify(world, primary_kind, secondary_kind):
    zone = "small.example."
    primary = world.new(primary_kind)
    secondary = world.new(secondary_kind)
    primary.serve(zone, zones.small(world.folder, zone, 1))
    secondary.follow(zone, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(zone, 1)
    primary.change(zone, zones.small(world.folder, zone, 2))
    secondary.wait_for_serial(zone, 2)


@pytest.mark.parametrize("kind", servers.PEERS)
def test_peers_serve_the_zone_of_every_type(world, kind):
    server = world.new(kind)
    file = zones.every_type(kind, world.folder)
    server.serve(zones.EVERY_TYPE, file)
    server.start()
    lines = [line for line in file.read_text().splitlines() if not line.startswith(";")]
    assert len(wire.axfr(server.place, zones.EVERY_TYPE)) == len(lines)


def test_a_difference_is_seen():
    left = {(b"\1a\0", 1, 60, b"\1\2\3\4"), (b"\1b\0", 1, 60, b"\1\2\3\4")}
    right = {(b"\1a\0", 1, 60, b"\1\2\3\4"), (b"\1b\0", 1, 61, b"\1\2\3\4")}
    assert len(wire.difference(left, right, "left", "right")) == 4
    assert not wire.difference(left, left, "left", "right")
