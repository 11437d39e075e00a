# SPDX-License-Identifier: MIT
"""IXFR out (RFC 1995): whoever has one of the last versions gets what it lacks, and has what we have then."""

import os
import random

import fake
import pytest
import servers
import wire
import zones

ZONE = "small.example."
VERSIONS = 25


def made(seed, serial):
    """The records of a version: names, RRs and TTLs that come, go, and come again; some names stay."""
    rng = random.Random(f"{seed} {serial}")
    lines = [f"stays{number} TXT \"{'x' * 60}\"" for number in range(60)]
    for name in range(25):
        ttl = 300 + rng.randrange(2)
        for host in range(3):
            if rng.random() < 0.5:
                lines.append(f"n{name} {ttl} A 192.0.2.{host}")
        if rng.random() < 0.2:
            lines.append(f"n{name} MX {rng.randrange(2)} n{rng.randrange(25)}")
    return "\n".join(lines)


def test_from_each_of_the_last_versions_differences_lead_to_the_newest(world):
    seed = int(os.environ.get("SEED", random.randrange(10**6)))
    print(f"SEED={seed}")
    primary = world.new("tandem")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1, made(seed, 1)))
    primary.start()
    versions = {}
    for serial in range(1, VERSIONS + 1):
        if serial > 1:
            primary.change(ZONE, zones.small(world.folder, ZONE, serial, made(seed, serial)))
        primary.wait_for_serial(ZONE, serial)
        versions[serial] = wire.axfr(primary.place, ZONE)
    newest = versions[VERSIONS]
    small = 0
    for serial in range(1, VERSIONS):
        reached = wire.after_differences(versions[serial], wire.ixfr(primary.place, ZONE, serial))
        if reached is None:
            # More has changed than the zone has; never from the version before.
            assert serial < VERSIONS - 1
            continue
        wire.assert_equal_zones(newest, reached, "the primary", f"a client that had serial {serial}")
        small += 1
    assert small > 0
    assert len(wire.ixfr(primary.place, ZONE, VERSIONS)) == 1
    assert len(wire.ixfr(primary.place, ZONE, VERSIONS + 1)) == 1
    assert wire.after_differences(newest, wire.ixfr(primary.place, ZONE, 0)) is None


def test_over_udp_a_small_difference_comes_at_once_and_of_a_large_one_the_soa(world):
    primary = world.new("tandem")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1, made(0, 1)))
    primary.start()
    first = wire.axfr(primary.place, ZONE)
    primary.change(ZONE, zones.small(world.folder, ZONE, 2, made(0, 1) + "\nnew A 192.0.2.9"))
    primary.wait_for_serial(ZONE, 2)
    reached = wire.after_differences(first, wire.ixfr_by_udp(primary.place, ZONE, 1))
    wire.assert_equal_zones(wire.axfr(primary.place, ZONE), reached)
    primary.change(ZONE, zones.small(world.folder, ZONE, 3, made(0, 3)))
    primary.wait_for_serial(ZONE, 3)
    (soa,) = wire.ixfr_by_udp(primary.place, ZONE, 2)
    assert wire.serial_of({soa}) == 3


def test_answer_has_the_soas_in_the_order_of_rfc_1995(world):
    primary = world.new("tandem")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    primary.start()
    primary.change(ZONE, zones.small(world.folder, ZONE, 2))
    primary.wait_for_serial(ZONE, 2)
    records = wire.ixfr(primary.place, ZONE, 1)
    assert [wire.serial_of({record}) for record in records if record[1] == wire.SOA] == [2, 1, 2, 2]
    assert [record[1] == wire.SOA for record in records] == [True, True, False, True, False, True]


@pytest.mark.parametrize("partner", ["bind", "knot", "nsd"])
def test_partner_follows_the_real_root_zone_by_differences(world, root_zones, partner):
    files = sorted(root_zones.glob("root.*.zone"), key=lambda file: file.name)
    files = [file for file in files if "signed" not in file.name][:8]
    primary, secondary = world.new("tandem", "first"), world.new(partner, "second")
    secondary.asks_for_differences = True
    primary.serve(".", files[0])
    secondary.follow(".", primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(".", zones.serial_of_file(files[0]))
    for file in files[1:]:
        primary.change(".", file)
        secondary.wait_for_serial(".", zones.serial_of_file(file))
    left, right = wire.axfr(primary.place, "."), wire.axfr(secondary.place, ".")
    if partner == "nsd":
        left, right = wire.as_nsd_writes(left), wire.as_nsd_writes(right)
    wire.assert_equal_zones(left, right)
    # A change that is noticed together with the next one makes one transfer of two.
    servers.wait_until(
        lambda: len(primary.lines("transferred", "as what differs from")) >= len(files) // 2, "transfers of differences"
    )


def test_whole_zone_that_was_received_is_handed_on_as_what_differs(world):
    """The primary knows no differences; whoever follows us gets them all the same."""
    many = [fake.record(f"n{number}.{ZONE}", 1, bytes([192, 0, 2, number])) for number in range(60)]

    def whole(connection, query_id, one):
        one.send(connection, one.message(query_id, [one.soa(), *one.body(), *many, one.soa()]))

    source = world.fake_primary(ZONE, play=whole)
    server = world.follower(ZONE, source).start()
    server.wait_for_serial(ZONE, 1)
    before = wire.axfr(server.place, ZONE)
    source.serial = 2
    server.run("zone", "refresh", ZONE, "--wait")
    records = wire.ixfr(server.place, ZONE, 1)
    assert [record[1] for record in records] == [wire.SOA, wire.SOA, fake.TXT, wire.SOA, fake.TXT, wire.SOA]
    wire.assert_equal_zones(wire.axfr(server.place, ZONE), wire.after_differences(before, records))


def test_serial_whose_octets_are_a_word_is_kept_over_a_restart(world):
    word = int.from_bytes(b"flag", "big")
    primary, secondary = world.new("tandem", "first"), world.new("tandem", "second")
    primary.serve(ZONE, zones.small(world.folder, ZONE, word, made(0, 1)))
    secondary.follow(ZONE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, word)
    primary.change(ZONE, zones.small(world.folder, ZONE, word + 1, made(0, 1)))
    secondary.wait_for_serial(ZONE, word + 1)
    for server in (primary, secondary):
        server.stop()
    secondary.start()
    secondary.wait_for_serial(ZONE, word + 1)
