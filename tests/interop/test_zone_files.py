# SPDX-License-Identifier: MIT
"""The same zone files read by Tandem, BIND, Knot, NSD and ldns. Where all the others agree, Tandem agrees, or
doc/differences.md says why not."""

import json
import re

import dns.rcode
import pytest
import servers
import zone_files
import zones

ZONE = "small.example."
OTHER = "other.example."

DIFFERENCES = zones.ROOT / "doc" / "differences.md"
PLACE_OR_OWNER = re.compile(r"/\S+:\d+:\d+: .{12,}|/\S+zone: .{12,}|[\w.]+example\. [A-Z]+: .{12,}")


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
            assert PLACE_OR_OWNER.search(case.said), f"{case.title}: {case.said}"


def test_ttls_without_a_directive_are_those_that_bind_reads(every):
    """Knot and NSD know neither of the two layouts: they fill in 3600 seconds."""
    for title in ("TTL of the SOA is inherited", "last stated TTL is inherited", "no TTL at all"):
        case = next(case for case in every if case.title == title)
        zone_files.wire.assert_equal_zones(case.made["bind"], case.made["tandem"], "bind", "tandem")


@pytest.mark.parametrize(
    "extra, what",
    [
        ("bad A 192.0.2.300", ":8:7: "),
        ("bad CH A 192.0.2.1", ":8:5: "),
        ("d DNAME elsewhere.example.\nx.d A 192.0.2.1", "below the DNAME"),
        ("c CNAME www\nc A 192.0.2.1", "A at the same name"),
    ],
)
def test_refused_zone_is_servfail_and_the_others_are_served(world, extra, what):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1, extra))
    server.serve(OTHER, zones.small(world.folder, OTHER, 1))
    server.is_ready = lambda: server.serial(OTHER) == 1
    server.start()
    servers.wait_until(lambda: server.reason(ZONE), "the zone was looked at")
    assert what in server.reason(ZONE)
    for name in ("www", "d", "x.d", "c"):
        assert server.ask(f"{name}.{ZONE}", "A").rcode() == dns.rcode.SERVFAIL
    assert server.ask(f"www.{OTHER}", "A").answer


@pytest.mark.parametrize("option", ["check-ns", "check-mx-srv"])
def test_options_of_the_checks_refuse_a_zone(world, option):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1, "alias CNAME www\nsub NS alias\nsub2 MX 1 alias"))
    server.serve(OTHER, zones.small(world.folder, OTHER, 1))
    server.zone_options[option] = "fail"
    server.is_ready = lambda: server.serial(OTHER) == 1
    server.start()
    servers.wait_until(lambda: server.reason(ZONE), "the zone was looked at")
    assert server.serial(ZONE) is None
    server.zone_options[option] = "warn"
    server.configure()
    server.run("reload", "--wait")
    server.wait_for_serial(ZONE, 1)


def copy_of(world, kind, extra):
    """A zone at a primary of this kind, and the Tandem that follows it."""
    primary = world.new(kind)
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1, extra))
    secondary = world.new("tandem")
    secondary.follow(ZONE, primary)
    primary.start()
    return primary, secondary


@pytest.mark.parametrize(
    "kind, extra",
    [
        ("knot", "sub NS ns.other.example.\nsub DS 1 8 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E446"),
        ("knot", "high 2147483648 A 192.0.2.1"),
        ("bind", "d DNAME elsewhere.example.\nx.d A 192.0.2.1"),
        ("nsd", "d DNAME elsewhere.example.\nd NS ns.elsewhere.example."),
    ],
)
def test_secondary_serves_what_its_primary_took(world, kind, extra):
    primary, secondary = copy_of(world, kind, extra)
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    wire = zone_files.wire
    wire.assert_equal_zones(wire.axfr(primary.place, ZONE), wire.axfr(secondary.place, ZONE))
    assert "warn" in secondary.log_tail()


def test_strict_secondary_refuses_what_its_primary_took(world):
    _, secondary = copy_of(world, "bind", "d DNAME elsewhere.example.\nx.d A 192.0.2.1")
    secondary.zone_options["strict-checks"] = "on"
    secondary.is_ready = secondary.is_answering
    secondary.start()
    servers.wait_until(lambda: "below the DNAME" in secondary.reason(ZONE), "the refusal is told")
    assert json.loads(secondary.run("status", ZONE, "--json"))["serial"] is None


def test_whatever_was_taken_reads_back_the_same_once_it_was_written(every, world):
    """load, serve, write, load, serve: the same records."""
    taken = [case for case in every if case.made["tandem"] is not zone_files.REFUSED]
    first = world.new("tandem", "first")
    zone_files.serve(first, taken)
    for case in taken:
        case.text = zone_files.call(first, f"/v1/zones/{case.zone}/text")
    first.stop()
    second = world.new("tandem", "second")
    zone_files.serve(second, taken)
    for case in taken:
        zone_files.wire.assert_equal_zones(case.made["tandem"], zone_files.fetch(second, case), case.title, "written")
