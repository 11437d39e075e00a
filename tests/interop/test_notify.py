# SPDX-License-Identifier: MIT
"""NOTIFY between real processes: who is told, from where, how often, and what a crash changes in it."""

import json
import os
import pathlib
import socket
import struct
import time

import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rrset
import fake
import fake_secondary
import namespace
import pytest
import servers
import wire
import zones

ZONE = "small.example."


@pytest.fixture
def targets(world):
    """Makes secondaries that hear NOTIFYs."""
    return world.fake_secondary


def primary_with(world, *secondaries, serial=1):
    """A primary of the small zone that tells these, not started yet."""
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, serial))
    server.zone(ZONE).notify.extend(secondaries)
    return server


def row_of(server, target):
    """What status tells of a target."""
    rows = server.status(ZONE)["secondaries"]
    return next(row for row in rows if row["address"] == f"{target.address}@{target.port}")


def notify_message(zone, extra=b""):
    """A NOTIFY without a SOA, with more octets in an option of its OPT."""
    opt = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 4 + len(extra)) + struct.pack("!HH", 65001, len(extra)) + extra
    head = struct.pack("!6H", 7, dns.opcode.NOTIFY << 11 | 0x0400, 1, 0, 0, 1)
    return head + wire.wire_of_name(zone) + struct.pack("!HH", wire.SOA, 1) + opt


def flood(source, server, zone, count):
    """So many NOTIFYs from a port of this address, whoever listens there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((source, 0))
        for _ in range(count):
            udp.sendto(notify_message(zone), server.place)


# ---- Debts


def test_pending_notify_survives_a_kill_and_an_answered_one_is_not_repeated(world, targets):
    reached, deaf = targets(), targets()
    primary = primary_with(world, reached, deaf).start()
    for target in (reached, deaf):
        target.wait_for(1)
    deaf.rcode = None
    primary.change(ZONE, zones.small(world.folder, ZONE, 2))
    servers.wait_until(lambda: row_of(primary, reached)["acknowledged"], "one target acknowledges")
    deaf.wait_for(2)
    assert not row_of(primary, deaf)["acknowledged"]
    primary.run("zone", "flush", ZONE, "--wait")  # comes after whatever is to be remembered of this zone
    primary.kill()
    told = len(reached.heard)

    deaf.rcode = 0
    before = len(deaf.heard)
    primary.start()
    servers.wait_until(lambda: len(deaf.heard) > before, "the other target is told after the restart")
    servers.wait_until(lambda: row_of(primary, deaf)["acknowledged"], "it acknowledges")
    assert deaf.serials()[-1] == 2
    assert row_of(primary, reached)["acknowledged"] and not row_of(primary, reached)["notified"]
    assert "before this start" in primary.run("status", ZONE)
    primary.change(ZONE, zones.small(world.folder, ZONE, 3))
    reached.wait_for(3)
    assert set(reached.serials()[told:]) == {3}


def test_done_notifies_are_not_repeated_by_an_orderly_restart_of_a_secondary_either(world, targets):
    target = targets()
    source = world.fake_primary(ZONE)
    middle = world.new("tandem")
    middle.zones.append(servers.Zone(ZONE, primaries=[source], notify=[target]))
    middle.start()
    target.wait_for(1)
    servers.wait_until(lambda: row_of(middle, target)["acknowledged"], "the target acknowledges")
    middle.stop()
    told = len(target.heard)
    middle.start()
    middle.wait_for_serial(ZONE, 1)
    servers.wait_until(lambda: row_of(middle, target)["acknowledged"], "the target is known to have it")
    source.serial = 2
    middle.run("zone", "refresh", ZONE, "--wait")
    target.wait_for(2)
    assert set(target.serials()[told:]) == {2}


def test_changed_file_is_told_after_a_restart_and_on_sighup(world, targets):
    target = targets()
    primary = primary_with(world, target).start()
    target.wait_for(1)
    primary.stop()
    primary.put(ZONE, zones.small(world.folder, ZONE, 2))
    primary.start()
    target.wait_for(2)
    primary.change(ZONE, zones.small(world.folder, ZONE, 3))  # SIGHUP
    target.wait_for(3)


def test_first_target_of_a_running_zone_is_told_what_is_served(world, targets):
    first, second = targets(), targets()
    primary = primary_with(world).start()
    for target in (first, second):
        primary.zone(ZONE).notify.append(target)
        primary.reconfigure()
        target.wait_for(1)
    primary.change(ZONE, zones.small(world.folder, ZONE, 2))
    for target in (first, second):
        target.wait_for(2)
        assert set(target.serials()) == {1, 2}


def test_manual_notify_reaches_a_secondary_that_was_down(world, targets):
    target = targets(rcode=5)
    primary = primary_with(world, target).start()
    servers.wait_until(lambda: row_of(primary, target)["problem"], "it refuses")
    target.rcode = 0
    before = len(target.heard)
    primary.run("zone", "notify", ZONE, "--wait")
    assert len(target.heard) > before
    assert row_of(primary, target)["acknowledged"] and not row_of(primary, target)["problem"]


def test_no_notify_leaves_before_its_soa_is_answered(world, targets):
    primary = world.new("tandem")
    target = targets(asks=primary.place)
    names = [f"z{number}.example." for number in range(400)]
    for name in names:
        primary.serve(name, zones.small(world.folder, name, 7))
        primary.zone(name).notify.append(target)
    primary.server_options["startup-notify-rate"] = 100000
    primary.start()
    servers.wait_until(lambda: {heard.zone for heard in target.heard} == set(names), "all zones are told")
    assert set(target.answers) == {(name, 0, 7) for name in names}


# ---- The NS set


HOSTING = "hosting.example."


def test_ns_set_is_told_as_far_as_our_own_zones_have_its_addresses(world):
    def inside():
        targets = {last: fake_secondary.FakeSecondary(place=(f"127.0.0.{last}", 53)) for last in (1, 2, 3, 4)}
        names = f"@ NS ns2.{HOSTING}\n@ NS ns3\nns3 A 127.0.0.3\n@ NS ns.elsewhere.test.\n@ NS ns2\nns2 A 127.0.0.9"
        primary = world.new("tandem")
        primary.address = "127.0.0.9"
        primary.port = 53  # itself, as the NS set has it too
        primary.sources = {}
        primary.serve(ZONE, zones.small(world.folder, ZONE, 1, names))
        hosting = primary.serve(HOSTING, zones.small(world.folder, HOSTING, 1, "ns2 A 127.0.0.2"))
        aside = hosting.file.rename(hosting.file.with_suffix(".aside"))
        primary.zone_options["notify-ns"] = "on"
        primary.is_ready = lambda: primary.serial(ZONE)
        primary.start()
        targets[3].wait_for(1)
        told = [row["address"] for row in primary.status(ZONE)["secondaries"]]
        assert told == ["127.0.0.3@53"]  # neither the primary that the SOA names, nor ourselves, nor who is unknown

        aside.rename(hosting.file)
        primary.run("zone", "reload", HOSTING, "--wait")
        servers.wait_until(lambda: ZONE in [heard.zone for heard in targets[2].heard], "the host of another zone")
        primary.change(ZONE, zones.small(world.folder, ZONE, 2, names))
        for last in (2, 3):
            servers.wait_until(lambda heard=targets[last]: 2 in heard.serials(ZONE), "both are told of the next")
        servers.wait_until(
            lambda: all(row["acknowledged"] for row in primary.status(ZONE)["secondaries"]), "both acknowledge"
        )
        primary.run("zone", "flush", ZONE, "--wait")
        primary.kill()
        before = {last: len(target.serials(ZONE)) for last, target in targets.items()}
        primary.start()
        servers.wait_until(
            lambda: len(primary.status(ZONE)["secondaries"]) == 2
            and all(row["acknowledged"] for row in primary.status(ZONE)["secondaries"]),
            "both are known to have it",
        )
        assert {last: len(target.serials(ZONE)) for last, target in targets.items()} == before
        assert not targets[1].serials(ZONE) and not targets[4].heard

    namespace.run_inside(world, inside)


def test_zone_whose_servers_all_stand_in_a_zone_that_is_read_later_tells_them(world):
    def inside():
        target = fake_secondary.FakeSecondary(place=("127.0.0.2", 53))
        primary = world.new("tandem")
        primary.address = "127.0.0.9"
        primary.port = 53
        primary.sources = {}
        primary.serve(ZONE, zones.small(world.folder, ZONE, 1, f"@ NS ns2.{HOSTING}"))
        hosting = primary.serve(HOSTING, zones.small(world.folder, HOSTING, 1, "ns2 A 127.0.0.2"))
        aside = hosting.file.rename(hosting.file.with_suffix(".aside"))
        primary.zone_options["notify-ns"] = "on"
        primary.is_ready = lambda: primary.serial(ZONE)
        primary.start()
        assert primary.run_any("zone", "notify", ZONE).returncode == 1  # nobody is known yet
        aside.rename(hosting.file)
        primary.run("zone", "reload", HOSTING, "--wait")
        servers.wait_until(lambda: 1 in target.serials(ZONE), "it is told of what was served before")
        servers.wait_until(lambda: row_of(primary, target)["acknowledged"], "it acknowledges")
        primary.run("zone", "flush", ZONE, "--wait")
        primary.kill()
        told = target.serials(ZONE)
        primary.start()
        servers.wait_until(
            lambda: [row["acknowledged"] for row in primary.status(ZONE)["secondaries"]] == [True], "it is known"
        )
        assert target.serials(ZONE) == told

    namespace.run_inside(world, inside)


# ---- Answers


def test_reply_to_a_notify_with_and_without_a_soa_over_udp_and_tcp(world):
    source = world.fake_primary(ZONE, place=("127.0.0.1", servers.free_port("127.0.0.1")))
    secondary = world.follower(ZONE, source).start()
    secondary.wait_for_serial(ZONE, 1)
    for with_soa in (False, True):
        for tcp in (False, True):
            query = dns.message.make_query(ZONE, "SOA")
            query.set_opcode(dns.opcode.NOTIFY)
            query.flags |= dns.flags.AA
            if with_soa:
                soa = dns.rrset.from_text(ZONE, 60, "IN", "SOA", f"ns.{ZONE} h.{ZONE} 1 2 3 4 5")
                query.answer.append(soa)
            ask = dns.query.tcp if tcp else dns.query.udp
            answer = ask(query, secondary.address, port=secondary.port, timeout=servers.ANSWER_SECONDS, source="127.0.0.1")
            assert answer.rcode() == dns.rcode.NOERROR and answer.opcode() == dns.opcode.NOTIFY
            assert answer.flags & (dns.flags.QR | dns.flags.AA) == dns.flags.QR | dns.flags.AA
            assert answer.question == query.question
            assert not answer.answer and not answer.authority


def test_notify_over_tcp_with_an_option_of_64_kb_is_handled(world):
    source = world.fake_primary(ZONE)
    secondary = world.follower(ZONE, source).start()
    secondary.wait_for_serial(ZONE, 1)
    source.serial = 2
    message = notify_message(ZONE, bytes(65535 - len(notify_message(ZONE))))
    assert len(message) == 65535
    deadline = time.monotonic() + servers.ANSWER_SECONDS
    with wire.exchange(secondary.place, deadline, source.address) as connection:
        connection.settimeout(servers.ANSWER_SECONDS)
        connection.sendall(struct.pack("!H", len(message)) + message)
        answer = wire.read_message(connection, deadline)
    assert struct.unpack_from("!H", answer, 2)[0] == 0xA400
    secondary.wait_for_serial(ZONE, 2)


# ---- Floods


def test_flood_in_the_name_of_a_healthy_primary_asks_it_few_times(world):
    source = world.fake_primary(ZONE)
    source.timers = (3600, 600, 86400, 60)
    secondary = world.follower(ZONE, source).start()
    secondary.wait_for_serial(ZONE, 1)
    before = len(source.asked_from)
    start = time.monotonic()
    for _ in range(40):
        flood(source.address, secondary, ZONE, 50)
        assert secondary.serial(ZONE) == 1  # as fast as it answers
    asked = len(source.asked_from) - before
    rounds = 8 + 1 + time.monotonic() - start  # eight that cost nothing, then one in a second
    assert 1 <= asked <= fake.TIMES_ASKED * rounds
    source.serial = 2
    flood(source.address, secondary, ZONE, 1)
    secondary.wait_for_serial(ZONE, 2)


def resident_kib(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def test_flood_over_thousands_of_zones_keeps_the_server_answering_and_its_memory_bounded(world, monkeypatch):
    # The address sanitizer would keep what was freed.
    monkeypatch.setenv("ASAN_OPTIONS", f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=4")
    source = world.fake_primary(ZONE)
    source.silent = True  # so that what is asked stays under way
    names = [f"z{number}.example." for number in range(3000)]
    secondary = world.new("tandem")
    secondary.serve("own.example.", zones.small(world.folder, "own.example.", 9))
    secondary.zones += [servers.Zone(name, primaries=[source]) for name in names]
    secondary.start()
    secondary.wait_for_serial("own.example.", 9)

    def flood_all():
        for first in range(0, len(names), 100):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.bind((source.address, 0))
                for name in names[first : first + 100]:
                    udp.sendto(notify_message(name), secondary.place)
            assert secondary.serial("own.example.") == 9

    flood_all()
    before = resident_kib(secondary)
    for _ in range(20):
        flood_all()
    assert resident_kib(secondary) < before + 16 * 1024
    assert secondary.status()["server"]["zones"]["all"] == len(names) + 1


def notify_until_answered(source, target, zone):
    """Tells the target again and again, from the first moment on, until it says that it has heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((source.address, 0))
        udp.connect(target.place)
        udp.settimeout(0.02)

        def is_answered():
            try:
                udp.send(notify_message(zone))
                return udp.recv(512)[3] & 15 == dns.rcode.NOERROR
            except OSError:
                return False

        servers.wait_until(is_answered, "the NOTIFY is answered")


def test_notify_that_comes_before_the_copy_is_loaded_is_followed(world):
    """It is answered, so that its sender does not repeat it (RFC 1996 3.6); what is loaded then is not due for a day."""
    primary = primary_with(world)
    secondary = world.new("tandem", "secondary")
    secondary.follow(ZONE, primary)
    primary.zone(ZONE).notify.clear()
    secondary.zone_options.update({"refresh-min": "1d", "retry-min": "1d", "expire-min": "1w"})
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    for serial in range(2, 8):
        secondary.stop()
        primary.put(ZONE, zones.small(world.folder, ZONE, serial))
        primary.run("zone", "reload", "--wait", ZONE)
        secondary.launch()
        notify_until_answered(primary, secondary, ZONE)
        secondary.wait_for_serial(ZONE, serial)


def test_zone_why_tells_what_is_served_and_what_comes(world):
    """In sentences, over a restart too: from whom, since when, what was tried, what is owed."""
    primary = primary_with(world)
    secondary = world.new("tandem", "secondary")
    secondary.follow(ZONE, primary)
    secondary.zone_options["refresh-min"] = "1h"
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    place = f"{primary.address}@{primary.port}"

    def is_told(server, sentence):
        servers.wait_until(lambda: sentence in server.run("zone", "why", ZONE), f"it says: {sentence}")

    is_told(secondary, f"Serial 1 is served, from {place}, since 20")
    is_told(secondary, "It is current: a primary gave or confirmed it")
    is_told(primary, "Of 1 that are told of new versions, 1 have acknowledged this one.")
    since = json.loads(secondary.run("zone", "why", "--json", ZONE))[0]["came_at_s"]
    secondary.stop()
    primary.stop()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)

    def origin():
        status = json.loads(secondary.run("zone", "why", "--json", ZONE))[0]
        return status["came_at_s"], status["came_from"], status["standing"]

    servers.wait_until(lambda: origin() == (since, place, "current"), "it tells the same as before")
    secondary.run_any("zone", "refresh", "--wait", ZONE)
    why = secondary.run("zone", "why", ZONE)
    assert f"Primary {place}, asked by SOA" in why and "(primary-unreachable)" in why
    assert "The primaries are asked again in" in why and "It expires in" in why
    primary.zone(ZONE).file.write_text("@ SOA broken\n")
    primary.launch()
    servers.wait_until(lambda: "(file-broken)" in primary.run_any("zone", "why", ZONE).stdout, "the cause is told")
