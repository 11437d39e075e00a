# SPDX-License-Identifier: MIT
"""Transfers of single zones between real processes: odd content, sizes, checks, slow readers."""

import time

import dns.rcode
import fake
import pytest
import servers
import wire
import zones

ZONE = "small.example."
PARENT = "example."
CNAME = 5

SIGNATURE = "13 2 300 20990101000000 20200101000000 1 small.example. AAAA"
HASH_1 = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
HASH_2 = "2t7b4g4vsa5smi47k61mv5bv1a22bojr"


def nsec3(parameters, *hashes):
    """A ring of NSEC3 records over these hashes."""
    following = dict(zip(hashes, hashes[1:] + hashes[:1]))
    lines = [f"@ NSEC3PARAM {parameters}"]
    for one in hashes:
        lines += [f"{one} NSEC3 {parameters} {following[one]} A RRSIG", f"{one} RRSIG NSEC3 {SIGNATURE}"]
    return "\n".join(lines)


APEX_SIGNED = f"@ RRSIG SOA {SIGNATURE}\n@ RRSIG NS {SIGNATURE}\n"
NSEC = f"@ NSEC www NS SOA\n@ RRSIG NSEC {SIGNATURE}\nwww NSEC @ A\nwww RRSIG NSEC {SIGNATURE}\n"
WWW = "www A 192.0.2.80\n"

# Serial and what stands beside SOA and NS.
VERSIONS = [
    (1, ""),
    (2, WWW),
    (3, APEX_SIGNED + NSEC + WWW),
    (4, WWW),
    (5, APEX_SIGNED + nsec3("1 0 0 -", HASH_1, HASH_2) + "\n" + WWW),
    (6, APEX_SIGNED + nsec3("1 0 5 abcd", HASH_2) + "\n" + WWW),
    (7, APEX_SIGNED + NSEC + WWW),
    (7 + 2**31 - 2, "*.a.b A 192.0.2.1\nsub NS ns.sub\nsub DS 1 8 2 " + "00" * 32 + "\nns.sub A 192.0.2.2\n"),
    (3, WWW),
    (4, ""),
]


def version(folder, serial, text):
    file = folder / f"version.{serial}.zone"
    file.write_text(
        f"$ORIGIN {ZONE}\n$TTL 300\n@ SOA ns.other.test. hostmaster {serial} 3600 600 86400 300\n@ NS ns.other.test.\n{text}"
    )
    return file


def test_ten_versions_in_a_row_arrive_each_whole(world):
    primary, secondary = world.new("tandem", "first"), world.new("tandem", "second")
    primary.serve(ZONE, version(world.folder, *VERSIONS[0]))
    secondary.follow(ZONE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, VERSIONS[0][0])
    for serial, text in VERSIONS[1:]:
        primary.change(ZONE, version(world.folder, serial, text))
        secondary.wait_for_serial(ZONE, serial)
        records = wire.axfr(primary.place, ZONE)
        assert len(records) == 2 + len([line for line in text.splitlines() if line])
        wire.assert_equal_zones(records, wire.axfr(secondary.place, ZONE))


def test_rr_that_fits_no_message_ends_the_transfer_is_named_and_the_server_answers_on(world):
    # 12 octets of header, 19 of the owner, 10 of the RR: one octet too many.
    big = f"big TYPE65000 \\# {65535 - 40} " + "aa" * (65535 - 40)
    primary, secondary = world.new("tandem", "first"), world.new("tandem", "second")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    secondary.follow(ZONE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    primary.change(ZONE, zones.small(world.folder, ZONE, 2, big))
    primary.wait_for_serial(ZONE, 2)
    with pytest.raises(wire.TransferError):
        wire.axfr(primary.place, ZONE)
    assert primary.lines("transfer out cannot go on", f"big.{ZONE} TYPE65000")
    assert primary.serial(ZONE) == 2
    servers.wait_until(lambda: "closed by the server" in secondary.reason(ZONE), "the secondary says why it stays behind")
    assert secondary.serial(ZONE) == 1


# ---- What a primary sends


def playing(*extra):
    """A transfer with these records before its end."""
    return lambda connection, query_id, one: one.send(
        connection, one.message(query_id, [one.soa(), *one.body(), *extra, one.soa()])
    )


@pytest.fixture
def source(world):
    return world.fake_primary(ZONE)


def test_records_above_the_apex_are_dropped_and_the_parents_data_stays(world, source):
    stranger = fake.record(f"www.{PARENT}", 1, bytes([203, 0, 113, 66]))
    apex = fake.record(PARENT, fake.NS, wire.wire_of_name("evil.test."))
    source.play = playing(stranger, apex)
    server = world.follower(ZONE, source)
    server.serve(PARENT, zones.small(world.folder, PARENT, 1, f"small NS ns.{ZONE}\nns.{ZONE} A 127.0.0.1"))
    server.start()
    server.wait_for_serial(ZONE, 1)
    assert server.lines("2 records outside the zone")
    assert len(server.lines("records outside")) == 1
    assert server.ask(f"www.{PARENT}", "A").answer[0][0].address == "192.0.2.80"
    assert not [record for record in wire.axfr(server.place, ZONE) if not record[0].endswith(wire.wire_of_name(ZONE))]
    assert "evil" not in str(server.ask(PARENT, "NS"))


BROKEN = fake.record(f"alias.{ZONE}", CNAME, wire.wire_of_name("a.test.")), fake.record(f"alias.{ZONE}", 1, bytes(4))


def test_version_that_the_checks_refuse_is_not_served_where_the_operator_wants_that(world, source):
    server = world.follower(ZONE, source, strict_checks="on", retry_max="1s")
    server.start()
    server.wait_for_serial(ZONE, 1)
    server.run("zone", "refresh", ZONE, "--wait")
    source.play, source.serial = playing(*BROKEN), 2
    assert server.run_any("zone", "refresh", ZONE, "--wait").returncode == 1
    assert server.serial(ZONE) == 1
    assert f"alias.{ZONE}" in server.reason(ZONE) or "CNAME" in server.reason(ZONE)
    source.play, source.serial = fake.honest, 3
    server.wait_for_serial(ZONE, 3)


def test_version_that_comes_by_differences_and_is_refused_by_the_checks_is_asked_for_whole(world, source):
    server = world.follower(ZONE, source, strict_checks="on", retry_max="1s").start()
    server.wait_for_serial(ZONE, 1)
    source.play, source.serial = fake.differing(*BROKEN), 2
    server.wait_for_serial(ZONE, 2)
    assert source.rrtype == wire.AXFR
    assert server.lines("what differs from serial 1 cannot be had", "asking for the whole zone")
    assert server.ask(f"alias.{ZONE}", "CNAME").rcode() == dns.rcode.NXDOMAIN


def test_version_that_the_checks_find_wrong_is_served_with_a_warning_by_default(world, source):
    source.play = playing(*BROKEN)
    server = world.follower(ZONE, source).start()
    server.wait_for_serial(ZONE, 1)
    assert server.lines("warning", f"alias.{ZONE}")
    assert server.ask(f"alias.{ZONE}", "CNAME").rcode() == dns.rcode.NOERROR


def test_ttls_of_an_rrset_are_unified_to_the_lowest_and_told(world, source):
    source.play = playing(
        fake.record(f"two.{ZONE}", 1, bytes([192, 0, 2, 1]), ttl=900), fake.record(f"two.{ZONE}", 1, bytes([192, 0, 2, 2]), ttl=40)
    )
    server = world.follower(ZONE, source).start()
    server.wait_for_serial(ZONE, 1)
    assert server.ask(f"two.{ZONE}", "A").answer[0].ttl == 40
    assert len(server.ask(f"two.{ZONE}", "A").answer[0]) == 2
    assert server.lines("several TTLs")


def test_ttl_above_31_bits_is_relayed_as_it_came_and_told(world, source):
    source.play = playing(fake.record(f"high.{ZONE}", 1, bytes([192, 0, 2, 1]), ttl=0x80000001))
    server = world.follower(ZONE, source).start()
    server.wait_for_serial(ZONE, 1)
    ttls = {ttl for owner, _, ttl, _ in wire.axfr(server.place, ZONE) if owner.startswith(b"\x04high")}
    assert ttls == {0x80000001}
    assert server.lines("2^31-1")


# ---- Slow readers


def large(world):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1, zones.many_octets()))
    return server


def test_transfer_is_not_cut_by_the_idle_limit_of_tcp_while_data_flows(world):
    server = large(world)
    server.server_options.update({"tcp-idle": "200ms", "tcp-total": "2s"})
    server.start()
    messages = wire.transfer_messages(server.place, ZONE, servers.CHANGE_SECONDS)
    count = 0
    started = time.monotonic()
    soa_end = None
    for message in messages:
        count += 1
        if count % 50 == 0 and time.monotonic() < started + 4:  # a reader that needs some seconds
            pause = time.monotonic() + 0.15
            servers.wait_until(lambda until=pause: time.monotonic() > until, "the reader is slow")
        if soa_end and message.endswith(soa_end):
            break
        soa_end = soa_end or next(wire.records_of(message))[3][-20:]  # serial and timers
    assert count > 100
    servers.wait_until(lambda: server.lines("transferred to"), "the server tells its end")
    assert not server.lines("was cut")


@pytest.mark.parametrize("option, seconds", [("transfer-out-idle", 1), ("transfer-out-total", 1)])
def test_transfer_is_cut_by_its_own_limits(world, option, seconds):
    server = large(world)
    server.server_options[option] = f"{seconds}s"
    server.start()
    messages = wire.transfer_messages(server.place, ZONE, servers.CHANGE_SECONDS)
    next(messages)  # and no more
    servers.wait_until(lambda: server.lines("was cut"), "the transfer is cut")
    assert server.serial(ZONE) == 1
    messages.close()
