# SPDX-License-Identifier: MIT
"""The digest of a zone's content: servers that serve the same say the same."""

import struct

import dns.message
import dns.zone
import dns.zonetypes
import fake
import servers
import wire
import zones

ZONE = "small.example."


def digest(server):
    return server.status(ZONE)["digest"]


def wait_for_digest_of(first, second):
    """Status tells what is served a moment after it is."""
    told = lambda: digest(first) is not None and digest(first) == digest(second)  # noqa: E731
    servers.wait_until(told, f"{second.name} tells the digest that {first.name} tells")


def test_servers_that_serve_the_same_tell_the_same_digest_after_a_restart_too(world):
    primary, secondary = world.new("tandem", "first"), world.new("tandem", "second")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1, "a A 192.0.2.1"))
    secondary.follow(ZONE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    first = servers.wait_until(lambda: digest(primary), "the primary tells the digest of what it serves")
    assert len(first) == 32
    wait_for_digest_of(primary, secondary)
    assert f"digest {first}" in secondary.run("status", ZONE)
    primary.change(ZONE, zones.small(world.folder, ZONE, 2, "a A 192.0.2.2"))
    secondary.wait_for_serial(ZONE, 2)
    servers.wait_until(lambda: digest(primary) != first, "the primary tells the digest of what it serves")
    wait_for_digest_of(primary, secondary)
    before = digest(secondary)
    primary.stop()
    secondary.stop()
    secondary.start()
    secondary.wait_for_serial(ZONE, 2)
    servers.wait_until(lambda: digest(secondary) == before, "it is the same after the restart")


def follow_another(secondary, primary):
    """Another server is its primary from now on, and known to be a Tandem."""
    secondary.zone(ZONE).primaries = [primary]
    secondary.tandems = [primary]
    secondary.reconfigure()


def test_other_content_under_one_serial_is_found_and_repaired_down_the_chain_and_only_once(world):
    spoilt = world.fake_primary(ZONE)
    first, third = world.new("tandem", "first"), world.new("tandem", "third")
    second = world.follower(ZONE, spoilt, name="second")
    first.serve(ZONE, zones.small(world.folder, ZONE, 1))
    third.follow(ZONE, second)
    third.tandems = [second]
    for server in (first, second, third):
        server.start()
    third.wait_for_serial(ZONE, 1)
    wait_for_digest_of(second, third)
    assert digest(third) != digest(first)
    follow_another(second, first)
    wait_for_digest_of(first, second)
    wait_for_digest_of(first, third)
    for server, primary in ((second, first), (third, second)):
        assert server.lines("content-differs", primary.address)
        servers.wait_until(lambda one=server: one.status(ZONE)["healed"], "the alarm has come and gone")
        assert server.status(ZONE)["alarm"] is None
        assert server.status(ZONE)["healed"] == "content-differs"
        assert "Its content was not what it should be (content-differs) until " in server.run("zone", "why", ZONE)
    wire.assert_equal_zones(wire.axfr(first.place, ZONE), wire.axfr(third.place, ZONE))
    second.run("zone", "refresh", ZONE, "--wait")
    assert len(first.wait_for_lines(f"transferred to {second.address}")) == 1
    assert len(second.wait_for_lines(f"transferred to {third.address}", count=2)) == 2
    # Nobody is led on from the serial that had two contents.
    assert wire.after_differences(wire.axfr(first.place, ZONE), wire.ixfr(second.place, ZONE, 0)) is None
    first.change(ZONE, zones.small(world.folder, ZONE, 2))
    first.wait_for_serial(ZONE, 2)
    second.run("zone", "refresh", ZONE, "--wait")
    third.wait_for_serial(ZONE, 2)
    wait_for_digest_of(first, second)
    wait_for_digest_of(first, third)
    second.wait_for_lines(f"transferred to {third.address}", count=3)
    assert not second.lines(f"transferred to {third.address} as what differs from 1")


def test_who_is_not_known_to_be_a_tandem_is_neither_asked_nor_repaired_from(world):
    spoilt = world.fake_primary(ZONE)
    first, second = world.new("tandem", "first"), world.follower(ZONE, spoilt, name="second")
    first.serve(ZONE, zones.small(world.folder, ZONE, 1))
    first.start()
    second.start()
    second.wait_for_serial(ZONE, 1)
    follow_another(second, first)
    wait_for_digest_of(first, second)
    second.tandems = []
    second.zone(ZONE).primaries = [spoilt]
    second.reconfigure()
    second.run("zone", "refresh", ZONE, "--wait")
    assert digest(second) == digest(first)
    assert spoilt.transfers == 1


ZONEMD = 63


class WithZonemd(fake.FakePrimary):
    """Its zone has a ZONEMD that no content has."""

    def body(self, serial=None):
        zonemd = struct.pack("!IBB", self.serial if serial is None else serial, 1, 1) + bytes(48)
        *records, last = super().body(serial)
        return [*records, fake.record(self.zone, ZONEMD, zonemd), last]


def differences(connection, query_id, server):
    """By IXFR what leads from the version before."""
    before = server.serial - 1
    away, here = server.body(before)[-2:], server.body()[-2:]
    records = [server.soa(before), *away, server.soa(), *here] if server.rrtype == wire.IXFR else server.body()
    server.send(connection, server.message(query_id, [server.soa(), *records, server.soa()]))


def test_zone_that_is_not_what_its_zonemd_says_is_fetched_whole_once_and_served_with_an_alarm(world):
    primary = world.fake_primary(ZONE, play=differences, kind=WithZonemd)
    secondary = world.follower(ZONE, primary).start()
    secondary.wait_for_serial(ZONE, 1)
    primary.serial = 2
    secondary.run("zone", "refresh", ZONE, "--wait")
    servers.wait_until(lambda: "no better" in secondary.reason(ZONE), "the whole zone was fetched in vain")
    assert secondary.status(ZONE)["alarm"] == "zonemd-differs"
    assert "alarm: zonemd-differs" in secondary.run("status", ZONE)
    assert primary.rrtypes == [wire.AXFR, wire.IXFR, wire.AXFR]
    primary.serial = 3
    secondary.run("zone", "refresh", ZONE, "--wait")
    secondary.wait_for_serial(ZONE, 3)
    servers.wait_until(lambda: "serial 3" in secondary.reason(ZONE), "the newest version was looked at")
    assert primary.rrtypes == [wire.AXFR, wire.IXFR, wire.AXFR, wire.IXFR]


class RightZonemd(fake.FakePrimary):
    """Its zone has the ZONEMD that it should have (RFC 8976), as dnspython computes it."""

    def body(self, serial=None):
        *records, last = super().body(serial)
        zone = dns.zone.Zone(self.zone)
        for rrset in dns.message.from_wire(self.message(0, [self.soa(serial), *records, last])).answer:
            zone.find_rdataset(rrset.name, rrset.rdtype, create=True).update(rrset)
        zonemd = zone.compute_digest(dns.zonetypes.DigestHashAlgorithm.SHA384).to_wire()
        return [*records, fake.record(self.zone, ZONEMD, zonemd), last]


def with_a_stowaway(connection, query_id, server):
    """The same as differences(), and a record that the zone does not have."""
    before = server.serial - 1
    away, here = server.body(before)[-2:], server.body()[-2:]
    stowaway = fake.record(f"stowaway.{server.zone}", 1, bytes([127, 0, 0, 9]))
    records = [server.soa(before), *away, server.soa(), *here, stowaway]
    records = records if server.rrtype == wire.IXFR else server.body()
    server.send(connection, server.message(query_id, [server.soa(), *records, server.soa()]))


def test_differences_that_are_not_what_the_zonemd_says_are_repaired_by_the_whole_zone(world):
    primary = world.fake_primary(ZONE, play=with_a_stowaway, kind=RightZonemd)
    secondary = world.follower(ZONE, primary).start()
    secondary.wait_for_serial(ZONE, 1)
    primary.serial = 2
    secondary.run("zone", "refresh", ZONE, "--wait")
    servers.wait_until(lambda: secondary.status(ZONE)["healed"], "the alarm has come and gone")
    status = secondary.status(ZONE)
    assert (status["healed"], status["healed_serial"], status["alarm"]) == ("zonemd-differs", 2, None)
    secondary.stop()
    secondary.start()
    again = secondary.status(ZONE)
    assert [again[key] for key in ("healed", "healed_serial", "healed_from")] == ["zonemd-differs", 2, status["healed_from"]]
    assert f"came from {status['healed_from']}" in secondary.run("zone", "why", ZONE)
    assert primary.rrtypes == [wire.AXFR, wire.IXFR, wire.AXFR]
    assert wire.axfr(secondary.place, ZONE) == primary.zone_as_sent()
