# SPDX-License-Identifier: MIT
"""Tandem with each partner: as its secondary and as its primary, with real zones, changes and losses."""

import pytest
import servers
import wire
import zones

SIGNED = 2017082100
SMALL = "small.example."
EVERY = zones.EVERY_TYPE
PARTNERS = list(servers.PEERS) + ["tandem"]

partners = pytest.mark.parametrize("partner", PARTNERS)
both_ways = pytest.mark.parametrize("ours", ["primary", "secondary"])


def pair(world, partner, ours):
    """Primary and secondary, of which `ours` is Tandem and the other is the partner."""
    ours_first = ours == "primary"
    primary = world.new("tandem" if ours_first else partner, "first")
    secondary = world.new(partner if ours_first else "tandem", "second")
    return primary, secondary


def start_pair(world, partner, ours, zone, file):
    primary, secondary = pair(world, partner, ours)
    primary.serve(zone, file)
    secondary.follow(zone, primary)
    primary.start()
    secondary.start()
    return primary, secondary


def assert_same(primary, secondary, zone, at_least):
    """Both serve the same records, and not too few: an empty zone equals another."""
    left = wire.axfr(primary.place, zone)
    right = wire.axfr(secondary.place, zone)
    assert len(left) >= at_least
    if "nsd" in (primary.kind, secondary.kind):
        left, right = wire.as_nsd_writes(left), wire.as_nsd_writes(right)
    wire.assert_equal_zones(left, right, primary.kind, secondary.kind)


@partners
@both_ways
def test_signed_root_zone_arrives_whole(world, root_zones, partner, ours):
    primary, secondary = start_pair(world, partner, ours, ".", root_zones / "root.signed.zone")
    secondary.wait_for_serial(".", SIGNED)
    assert_same(primary, secondary, ".", 22000)


@partners
@both_ways
def test_zone_of_every_type_arrives_whole(world, partner, ours):
    primary, secondary = pair(world, partner, ours)
    primary.serve(EVERY, zones.every_type(primary.kind, world.folder))
    secondary.follow(EVERY, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(EVERY, 1)
    assert_same(primary, secondary, EVERY, 150)


def test_zone_of_every_type_is_what_its_hex_says(world):
    """Our reading of the file equals what BIND's tools made of it."""
    ours = world.new("tandem")
    reference = world.new("knot")
    ours.serve(EVERY, zones.every_type("tandem", world.folder))
    reference.serve(EVERY, zones.every_type("knot", world.folder))
    ours.start()
    reference.start()
    wire.assert_equal_zones(wire.axfr(ours.place, EVERY), wire.axfr(reference.place, EVERY), "tandem", "the hex file")


@partners
@both_ways
def test_change_is_followed_after_notify(world, partner, ours):
    primary, secondary = start_pair(world, partner, ours, SMALL, zones.small(world.folder, SMALL, 1))
    secondary.wait_for_serial(SMALL, 1)
    for serial in (2, 3, 5):
        primary.change(SMALL, zones.small(world.folder, SMALL, serial))
        secondary.wait_for_serial(SMALL, serial)
        assert_same(primary, secondary, SMALL, 5)


@partners
@both_ways
def test_root_zone_is_followed_through_real_versions(world, root_zones, partner, ours):
    files = sorted(root_zones.glob("root.20*.zone"))[:4]
    primary, secondary = start_pair(world, partner, ours, ".", files[0])
    secondary.wait_for_serial(".", zones.serial_of_file(files[0]))
    for file in files[1:]:
        primary.change(".", file)
        secondary.wait_for_serial(".", zones.serial_of_file(file))
    assert_same(primary, secondary, ".", 20000)


@partners
def test_secondary_serves_on_without_its_primary(world, root_zones, partner):
    primary, secondary = start_pair(world, partner, "secondary", ".", root_zones / "root.signed.zone")
    secondary.wait_for_serial(".", SIGNED)
    before = wire.axfr(secondary.place, ".")
    primary.kill()
    assert secondary.serial(".") == SIGNED

    secondary.stop()
    secondary.start()
    secondary.wait_for_serial(".", SIGNED)
    wire.assert_equal_zones(before, wire.axfr(secondary.place, "."), "before", "after the restart")

    secondary.kill()
    secondary.start()
    secondary.wait_for_serial(".", SIGNED)
    wire.assert_equal_zones(before, wire.axfr(secondary.place, "."), "before", "after the kill")


@partners
def test_secondary_catches_up_when_its_primary_is_back(world, partner):
    primary, secondary = start_pair(world, partner, "secondary", SMALL, zones.small(world.folder, SMALL, 1))
    secondary.wait_for_serial(SMALL, 1)
    primary.stop()
    primary.put(SMALL, zones.small(world.folder, SMALL, 7))
    primary.start()
    secondary.wait_for_serial(SMALL, 7)
    assert_same(primary, secondary, SMALL, 5)


def test_secondary_asks_at_once_after_a_crash(world):
    """A NOTIFY that it answered may have been lost with it. After a stop in good order its timers tell when to ask."""
    primary = world.new("tandem", "primary")
    secondary = world.new("tandem", "secondary")
    primary.serve(SMALL, zones.small(world.folder, SMALL, 1))
    secondary.follow(SMALL, primary)
    primary.zone(SMALL).notify.clear()
    primary.start()
    secondary.start()
    secondary.wait_for_serial(SMALL, 1)
    primary.put(SMALL, zones.small(world.folder, SMALL, 2))
    primary.run("zone", "reload", "--wait", SMALL)
    secondary.stop()
    secondary.start()
    secondary.wait_for_serial(SMALL, 1)
    secondary.kill()
    secondary.start()
    secondary.wait_for_serial(SMALL, 2)


@partners
def test_version_passes_through_us_unchanged(world, root_zones, partner):
    """Partner, Tandem, partner: what comes out at the end is what went in."""
    first = world.new(partner, "first")
    middle = world.new("tandem", "middle")
    last = world.new(partner, "last")
    first.serve(".", root_zones / "root.signed.zone")
    middle.follow(".", first)
    last.follow(".", middle)
    for server in (first, middle, last):
        server.start()
    last.wait_for_serial(".", SIGNED)
    assert_same(first, last, ".", 22000)


def test_all_partners_follow_us_at_once(world):
    primary = world.new("tandem")
    primary.serve(SMALL, zones.small(world.folder, SMALL, 1))
    others = [world.new(kind) for kind in servers.PEERS]
    for other in others:
        other.follow(SMALL, primary)
    for server in [primary, *others]:
        server.start()
    for other in others:
        other.wait_for_serial(SMALL, 1)
    primary.change(SMALL, zones.small(world.folder, SMALL, 2))
    for other in others:
        other.wait_for_serial(SMALL, 2)
        assert_same(primary, other, SMALL, 5)


def test_freshest_of_several_primaries_wins(world):
    older = world.new("bind")
    newer = world.new("knot")
    secondary = world.new("tandem")
    older.serve(SMALL, zones.small(world.folder, SMALL, 4))
    newer.serve(SMALL, zones.small(world.folder, SMALL, 9))
    secondary.follow(SMALL, older, newer)
    for server in (older, newer, secondary):
        server.start()
    secondary.wait_for_serial(SMALL, 9)
    newer.kill()
    older.change(SMALL, zones.small(world.folder, SMALL, 10))
    secondary.wait_for_serial(SMALL, 10)


@pytest.mark.parametrize("partner", list(servers.PEERS))
def test_edit_without_a_raised_serial_is_published_with_one(world, partner):
    primary, secondary = start_pair(world, partner, "primary", SMALL, zones.small(world.folder, SMALL, 1))
    secondary.wait_for_serial(SMALL, 1)
    primary.change(SMALL, zones.small(world.folder, SMALL, 1, 'more TXT "edited"'))
    secondary.wait_for_serial(SMALL, 2)
    assert_same(primary, secondary, SMALL, 6)
