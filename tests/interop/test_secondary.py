# SPDX-License-Identifier: MIT
"""A secondary as a process: whom it asks and from where, what its clamps do, several primaries, expiry, changes of role."""

import socket
import time

import dns.rcode
import fake
import fake_secondary
import pytest
import servers
import wire
import zones

ZONE = "small.example."
SERVFAIL = dns.rcode.SERVFAIL
DAY = 86400


@pytest.fixture
def primaries(world):
    """Makes primaries."""

    def new(serial=1, timers=(3600, 600, 86400, 60), play=fake.honest, **options):
        primary = world.fake_primary(ZONE, serial, play, **options)
        primary.timers = timers
        return primary

    return new


def follower(world, *sources, **options):
    """A secondary of the zone, started."""
    return world.follower(ZONE, *sources, **options).start()


# ---- Sources


def test_questions_transfers_and_notifies_leave_from_their_sources(world, primaries):
    source, target = primaries(), world.fake_secondary()
    query, transfer, notify = (servers.addresses.next() for _ in range(3))
    server = world.new("tandem")
    server.zones.append(servers.Zone(ZONE, primaries=[source], notify=[target]))
    server.sources = {"query-source": query, "transfer-source": transfer, "notify-source": notify}
    server.start()
    server.wait_for_serial(ZONE, 1)
    target.wait_for(1)
    assert set(source.asked_from) == {query}
    assert set(source.transferred_from) == {transfer}
    assert {heard.source for heard in target.heard} == {notify}

    other = servers.addresses.next()
    server.sources = {"query-source": other, "transfer-source": other, "notify-source": other}
    server.reconfigure()
    source.serial = 2
    server.run("zone", "refresh", ZONE, "--wait")
    target.wait_for(2)
    assert (source.asked_from[-1], source.transferred_from[-1], target.heard[-1].source) == (other, other, other)


# ---- Timers and their clamps


@pytest.mark.parametrize(
    "timers, options, refresh, expire",
    [
        ((2, 1, 9 * DAY, 60), {"refresh_min": "1h"}, (3200, 3600), (8 * DAY, 9 * DAY)),
        ((5 * DAY, 60, 9 * DAY, 60), {"refresh_max": "1h"}, (3200, 3600), (8 * DAY, 9 * DAY)),
        ((3600, 60, 5, 60), {"expire_min": "10h"}, (3200, 3600), (35900, 36000)),
        ((3600, 60, 9 * DAY, 60), {"expire_max": "10h"}, (3200, 3600), (35900, 36000)),
    ],
    ids=["refresh-min", "refresh-max", "expire-min", "expire-max"],
)
def test_clamps_of_refresh_and_expire(world, primaries, timers, options, refresh, expire):
    server = follower(world, primaries(timers=timers), **options)
    server.wait_for_serial(ZONE, 1)
    server.run("zone", "refresh", ZONE, "--wait")
    status = server.status(ZONE)
    assert refresh[0] <= status["refresh_in_s"] <= refresh[1]
    assert expire[0] <= status["expire_in_s"] <= expire[1]


@pytest.mark.parametrize("retry, option", [(1, "retry_min"), (9 * DAY, "retry_max")])
def test_clamps_of_retry(world, primaries, retry, option):
    source = primaries(timers=(5 * DAY, retry, 90 * DAY, 60))
    server = follower(world, source, **{option: "1h"})
    server.wait_for_serial(ZONE, 1)
    server.run("zone", "refresh", ZONE, "--wait")  # until then the next one may be taken for the one that is under way
    source.rcode = dns.rcode.REFUSED
    assert server.run_any("zone", "refresh", ZONE, "--wait").returncode == 1
    assert 3200 <= server.status(ZONE)["refresh_in_s"] <= 3600
    assert "REFUSED" in server.reason(ZONE)


def test_restart_asks_nobody_when_the_timers_say_fresh_and_a_forced_refresh_does(world, primaries):
    source = primaries()
    server = follower(world, source)
    server.wait_for_serial(ZONE, 1)
    server.run("zone", "refresh", ZONE, "--wait")
    server.stop()
    asked, transfers = len(source.asked_from), source.transfers
    server.start()
    server.wait_for_serial(ZONE, 1)
    assert 3000 <= server.status(ZONE)["refresh_in_s"] <= 3600
    assert (len(source.asked_from), source.transfers) == (asked, transfers)
    server.run("zone", "refresh", ZONE, "--wait")
    assert len(source.asked_from) > asked and source.transfers == transfers


def test_retry_that_was_pending_is_remembered_over_a_kill(world, primaries):
    source = primaries(timers=(5 * DAY, 60, 9 * DAY, 60))
    server = follower(world, source)
    server.wait_for_serial(ZONE, 1)
    server.run("zone", "refresh", ZONE, "--wait")
    source.play, source.serial = fake.refuses, 2
    assert server.run_any("zone", "refresh", ZONE, "--wait").returncode == 1
    server.run("zone", "flush", ZONE, "--wait")
    server.kill()
    server.start()
    server.wait_for_serial(ZONE, 1)
    assert server.status(ZONE)["refresh_in_s"] <= 60


# ---- Expiry


def test_down_time_counts_towards_expiry(world, primaries):
    source = primaries(timers=(2, 1, 4, 60))
    server = follower(world, source)
    server.wait_for_serial(ZONE, 1)
    source.end()
    server.kill()
    expired_at = time.monotonic() + 4
    server.is_ready = server.is_answering
    servers.wait_until(lambda: time.monotonic() > expired_at + 1, "the SOA's expire has passed")
    server.start()
    rcodes = []

    def is_expired():
        rcodes.append(server.rcode(ZONE, "SOA"))
        return server.status(ZONE)["state"] == "expired"

    servers.wait_until(is_expired, "the copy is read, and has expired")
    assert set(rcodes) == {SERVFAIL}
    server.run("reload")
    assert server.rcode(ZONE, "SOA") == SERVFAIL

    back = primaries(serial=0, timers=(2, 1, 4, 60), place=(source.address, source.port))  # an older one
    server.wait_for_serial(ZONE, back.serial)


def test_expire_shorter_than_refresh_is_asked_for_again_and_again(world, primaries):
    """Whether each time comes before the zone expires is for tests/scenario: there is no clock here to rely on."""
    source = primaries(timers=(3600, 1, 3, 60))
    server = follower(world, source)
    server.wait_for_serial(ZONE, 1)
    before = len(source.asked_from)
    servers.wait_until(lambda: len(source.asked_from) >= before + 4, "it asks again and again")
    server.wait_for_serial(ZONE, 1)


def test_expired_child_is_servfail_and_not_the_answer_of_its_parent(world, primaries):
    source = primaries(timers=(2, 1, 3, 60))
    server = world.new("tandem")
    delegation = f"{ZONE.split('.')[0]} NS ns.{ZONE}\nns.{ZONE} A 192.0.2.1"
    server.serve("example.", zones.small(world.folder, "example.", 1, delegation))
    server.zones.append(servers.Zone(ZONE, primaries=[source]))
    server.start()
    server.wait_for_serial(ZONE, 1)
    source.end()
    servers.wait_until(lambda: server.rcode(ZONE, "SOA") == SERVFAIL, "the child expires")
    assert server.rcode(f"www.{ZONE}", "A") == SERVFAIL
    assert server.serial("example.") == 1
    assert server.rcode("not-here.test.", "A") == dns.rcode.REFUSED


# ---- Several primaries


def test_all_primaries_are_asked_and_the_freshest_wins(world, primaries):
    old, fresh, dead = primaries(serial=3), primaries(serial=5), primaries(serial=9)
    dead.end()
    server = follower(world, old, dead, fresh)
    server.wait_for_serial(ZONE, 5)  # perhaps by way of 3
    server.run_any("zone", "refresh", ZONE, "--wait")
    assert old.asked_from and fresh.asked_from
    rows = {row["address"]: row for row in server.status(ZONE)["primaries"]}
    assert rows[f"{dead.address}@{dead.port}"]["failed"]
    assert rows[f"{fresh.address}@{fresh.port}"]["serial"] == 5
    old.serial = 6
    server.run_any("zone", "refresh", ZONE, "--wait")
    assert server.serial(ZONE) == 6


def test_primary_that_fails_is_asked_ever_more_rarely_while_another_answers(world, primaries):
    timers = (1, 1, DAY, 60)
    good, bad = primaries(timers=timers), primaries(timers=timers)
    bad.rcode = dns.rcode.REFUSED
    server = follower(world, bad, good, refresh_min="1s")
    server.wait_for_serial(ZONE, 1)
    first = len(good.asked_from)
    servers.wait_until(lambda: len(good.asked_from) >= first + 12, "twelve refreshes passed")
    assert 1 <= len(bad.asked_from) <= len(good.asked_from) * 3 / 4
    bad.rcode = 0
    bad.serial = 2
    server.wait_for_serial(ZONE, 2)


def test_outdated_primary_is_ignored_without_hammering(world, primaries):
    fresh, old = primaries(serial=5), primaries(serial=5)
    server = follower(world, old, fresh)
    server.wait_for_serial(ZONE, 5)
    server.run("zone", "refresh", ZONE, "--wait")
    transfers, asked = old.transfers, len(old.asked_from)
    old.serial = 2
    server.run("zone", "refresh", ZONE, "--wait")
    assert server.serial(ZONE) == 5
    assert asked < len(old.asked_from) <= asked + fake.TIMES_ASKED and old.transfers == transfers
    rows = {row["address"]: row for row in server.status(ZONE)["primaries"]}
    assert "older" in rows[f"{old.address}@{old.port}"]["result"]


def test_forced_transfer_installs_a_lower_serial_and_rewrites_the_file(world, primaries):
    source = primaries(serial=7)
    server = world.new("tandem")
    copy = server.folder / "copy.zone"
    server.zones.append(servers.Zone(ZONE, primaries=[source], file=copy))
    server.start()
    server.wait_for_serial(ZONE, 7)
    servers.wait_until(copy.exists, "the copy is written")
    source.serial = 3
    server.run_any("zone", "refresh", ZONE, "--wait")
    assert server.serial(ZONE) == 7
    server.run("zone", "retransfer", ZONE, "--wait")
    assert server.serial(ZONE) == 3
    server.run("zone", "export", ZONE, "--wait")
    assert '"3"' in copy.read_text() and '"7"' not in copy.read_text()
    server.kill()
    server.start()
    server.wait_for_serial(ZONE, 3)


def test_pinned_primary_is_kept_to_over_a_restart(world, primaries):
    """What the version came from is remembered with it, and `zone why` says what is waited for."""
    pinned, other = primaries(serial=5), primaries(serial=9)
    other.rcode = dns.rcode.REFUSED  # else it might be the first to answer
    server = follower(world, pinned, other, **{"pin-primary": "1h"})
    server.wait_for_serial(ZONE, 5)
    other.rcode = 0
    server.stop()
    server.start()
    server.wait_for_serial(ZONE, 5)
    server.run_any("zone", "refresh", ZONE, "--wait")
    told = f"{other.address}@{other.port}: has serial 9, but the zone is pinned to {pinned.address}@{pinned.port}"
    why = servers.wait_until(lambda: told in (text := server.run("zone", "why", ZONE)) and text, "it says who has more")
    assert (server.serial(ZONE), other.transfers) == (5, 0)
    assert "It is behind: serial 9 is known to exist" in why and "(primary-pinned)" in why
    rows = {row["address"]: row["pinned"] for row in server.status(ZONE)["primaries"]}
    assert rows == {f"{pinned.address}@{pinned.port}": True, f"{other.address}@{other.port}": False}
    server.run("zone", "retransfer", ZONE, "--wait")
    assert server.serial(ZONE) == 9


# ---- Changes of role


def test_role_of_a_zone_changes_at_reload_while_its_primary_is_being_asked(world, primaries):
    source = primaries(serial=5)
    server = follower(world, source)
    server.wait_for_serial(ZONE, 5)
    source.silent = True
    asked = len(source.asked_from)
    server.run("zone", "refresh", ZONE)
    servers.wait_until(lambda: len(source.asked_from) > asked, "a question is out")
    follows = server.zones.pop()
    server.serve(ZONE, zones.small(world.folder, ZONE, 8))
    server.reconfigure()
    server.wait_for_serial(ZONE, 8)
    assert server.status(ZONE)["role"] == "primary"
    assert server.run_any("zone", "refresh", ZONE, "--wait").returncode == 1

    source.silent = False
    source.serial = 9
    server.zones[:] = [follows]
    server.reconfigure()
    server.wait_for_serial(ZONE, 9)
    assert server.status(ZONE)["role"] == "secondary"
    server.stop()
    server.start()
    server.wait_for_serial(ZONE, 9)


def test_role_of_a_zone_changes_at_reload_in_the_middle_of_a_transfer(world, primaries):
    source = primaries(serial=5)
    server = follower(world, source)
    server.wait_for_serial(ZONE, 5)
    source.play, source.serial = fake.stall, 6
    server.run("zone", "refresh", ZONE)
    servers.wait_until(lambda: source.transfers >= 2, "a transfer is under way")
    server.zones.pop()
    server.serve(ZONE, zones.small(world.folder, ZONE, 8))
    server.reconfigure()
    server.wait_for_serial(ZONE, 8)
    server.change(ZONE, zones.small(world.folder, ZONE, 10))
    server.wait_for_serial(ZONE, 10)
    server.kill()
    server.start()
    assert server.serial(ZONE) == 10


# ---- Transfers out


def test_refused_transfers_do_not_eat_the_quota(world):
    friend = servers.addresses.next()
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.server_options["transfers-out"] = 1
    server.zone_options["allow-transfer"] = f"[{{from: [{friend}]}}]"
    server.start()
    strangers = [socket.create_connection(server.place) for _ in range(20)]
    question = wire.question(ZONE, wire.AXFR)
    for connection in strangers:
        connection.sendall(question * 3)
    for connection in strangers:
        for _ in range(3):
            deadline = time.monotonic() + servers.ANSWER_SECONDS
            assert wire.read_message(connection, deadline)[3] & 15 == dns.rcode.REFUSED
    for _ in range(5):
        assert len(wire.axfr(server.place, ZONE, source=friend)) > 3
        # Who has it all may be quicker with the next question than the server with what comes after a transfer.
        servers.wait_until(lambda: server.status()["server"]["transfers"]["out"] == 0, "the transfer is over")
    for connection in strangers:
        connection.close()


def test_client_that_may_transfer_cannot_fill_the_log(world):
    server = world.new("tandem")
    server.workers = 1
    server.serve(ZONE, zones.small(world.folder, ZONE, 1, zones.many_octets()))
    server.server_options["transfers-out"] = 1
    server.start()
    held = socket.create_connection(server.place)
    held.sendall(wire.question(ZONE, wire.AXFR))  # more than the sockets' buffers take
    servers.wait_until(lambda: server.status()["server"]["transfers"]["out"] == 1, "a transfer is under way")
    start = time.monotonic()
    for _ in range(50):
        with socket.create_connection(server.place) as connection:
            connection.sendall(wire.question(ZONE, wire.AXFR))
            deadline = time.monotonic() + servers.ANSWER_SECONDS
            assert wire.read_message(connection, deadline)[3] & 15 == SERVFAIL
    assert 1 <= len(server.lines("transfer to", "refused for now")) <= 4 * (1 + (time.monotonic() - start) // 10)
    held.close()
