# SPDX-License-Identifier: MIT
"""The same zone files read by Tandem, BIND, Knot, NSD and ldns. Where all the others agree, Tandem agrees, or
doc/differences.md says why not."""

import re

import pytest
import zone_files
import zones

DIFFERENCES = zones.ROOT / "doc" / "differences.md"
PLACE = re.compile(r"^/\S+:\d+:\d+: error: .{12,}", re.M)
OF_THE_ZONE = re.compile(r"^error: .{12,}", re.M)


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    return zone_files.read_all(tmp_path_factory.mktemp("zone-files"))


def explained():
    """The titles of the cases in the section about zone files."""
    text = DIFFERENCES.read_text(encoding="utf-8")
    section = re.search(r"^## Zone files$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return set(re.findall(r"^\| `(.+?)` \|", section[1], re.M))


def test_readers_have_read(every):
    """None of them is broken in a way that would make the comparison empty."""
    for reader in ("tandem", "ldns", "bind", "knot", "nsd"):
        taken = sum(case.made[reader] is not zone_files.REFUSED for case in every)
        assert len(every) / 4 < taken < len(every), f"{reader} takes {taken} of {len(every)}"


def test_tandem_stands_alone_only_where_it_is_explained(every):
    known = zone_files.voters(every)
    alone = {case.title: case for case in every if zone_files.stands_alone(case, known)}
    unexplained = [zone_files.show(case, known) for title, case in alone.items() if title not in explained()]
    assert not unexplained, "\n".join(unexplained)
    assert explained() <= set(alone), "explained, but no difference any more"


def test_every_refusal_says_where_or_what(every):
    for case in every:
        if case.made["tandem"] is zone_files.REFUSED:
            assert PLACE.search(case.said) or OF_THE_ZONE.search(case.said), f"{case.title}: {case.said}"


def test_ttls_without_a_directive_are_those_that_bind_reads(every):
    """Knot and NSD know neither of the two layouts: they fill in 3600 seconds."""
    for title in ("TTL of the SOA is inherited", "last stated TTL is inherited", "no TTL at all"):
        case = next(case for case in every if case.title == title)
        zone_files.wire.assert_equal_zones(case.made["bind"], case.made["tandem"], "bind", "tandem")


def test_secondary_serves_a_digest_of_a_wrong_length_that_its_primary_took(world):
    zone = "small.example."
    digest = "60485 8 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA5"
    primary = world.new("knot")
    primary.serve(zone, zones.small(world.folder, zone, 1, f"sub NS ns.elsewhere.example.\nsub DS {digest}"))
    secondary = world.new("tandem")
    secondary.follow(zone, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(zone, 1)
    wire = zone_files.wire
    wire.assert_equal_zones(wire.axfr(primary.place, zone), wire.axfr(secondary.place, zone))


def test_whatever_was_taken_reads_back_the_same_once_it_was_written(every, world):
    """load, serve, write, load, serve: the same records."""
    taken = [case for case in every if case.made["tandem"] is not zone_files.REFUSED]
    first = world.new("tandem", "first")
    zone_files.serve(first, taken)
    for case in taken:
        case.text = first.run("zone", "export", case.zone, "-o", "-")
    first.stop()
    second = world.new("tandem", "second")
    zone_files.serve(second, taken)
    for case in taken:
        zone_files.wire.assert_equal_zones(case.made["tandem"], zone_files.fetch(second, case), case.title, "written")
