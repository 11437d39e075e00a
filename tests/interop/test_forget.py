# SPDX-License-Identifier: MIT
"""`tandem zone forget`: what is stored of a zone that left the configuration goes when it is ordered, and only then."""

import socket

import servers
import wire
import zones
from test_backup import LARGE, SMALL, check_store
from test_backup import pair  # noqa: F401 (a fixture)


def take_out(server, name):
    """Removes a zone from the configuration of the running server; gives what puts it back."""
    zone = server.zone(name)
    server.zones.remove(zone)
    server.reconfigure()
    return zone


def put_back(server, zone):
    server.zones.append(zone)
    server.reconfigure()


def edit(file):
    """Other content under the same serial."""
    file.write_text(file.read_text() + "new A 192.0.2.81\n")


def names_gone(server):
    """What `check store` says of zones that the configuration does not have; the server is stopped for it."""
    server.stop()
    result = check_store(server, "data", "-c", "tandem.yaml")
    assert result.returncode == 0, result.stderr
    server.start()
    return result.stderr


def refused(server, *words):
    result = server.run_any("zone", "forget", *words)
    assert result.returncode == 1
    return result.stderr


def test_zone_of_a_secondary_is_forgotten_whole_when_it_is_ordered(pair):
    _, secondary = pair
    assert "the zone is configured here; take it out of the configuration and reload first" in refused(secondary, LARGE)
    take_out(secondary, LARGE)
    gone = names_gone(secondary)
    assert "zone large.example: is not in the configuration" in gone
    assert "`tandem zone forget` removes them" in gone
    assert "large.example.: removed " in secondary.run("zone", "forget", LARGE)
    assert not list((secondary.folder / "data" / "images").glob("large.example*"))
    assert secondary.lines("zone large.example: forgotten: removed ")
    assert names_gone(secondary) == ""
    assert "the zone is not configured, and nothing is stored of it" in refused(secondary, LARGE)
    assert secondary.serial(SMALL) == 1  # nothing else went


def test_zone_can_be_forgotten_as_soon_as_the_reload_that_removed_it_is_over(pair):
    primary, secondary = pair
    for server in (primary, secondary):
        take_out(server, LARGE)
        server.run("zone", "forget", LARGE)
        assert names_gone(server) == ""


def test_zone_is_not_forgotten_while_somebody_still_gets_it(world):
    server = world.new("tandem")
    server.serve(SMALL, zones.small(world.folder, SMALL, 1, zones.many_octets()))
    server.start()
    held = socket.create_connection(server.place)
    held.sendall(wire.question(SMALL, wire.AXFR))  # more than the sockets' buffers take
    servers.wait_until(lambda: server.status()["server"]["transfers"]["out"] == 1, "a transfer is under way")
    take_out(server, SMALL)
    assert "is still under way after 1000 ms; nothing was removed" in refused(server, SMALL, "--timeout", "1")
    held.close()
    assert "small.example.: removed " in server.run("zone", "forget", SMALL)


def test_zone_of_a_secondary_that_comes_again_is_transferred_anew(pair):
    _, secondary = pair
    zone = take_out(secondary, LARGE)
    secondary.run("zone", "forget", LARGE)
    before = len(secondary.lines("zone large.example: transfer of serial 1 "))
    put_back(secondary, zone)
    secondary.wait_for_serial(LARGE, 1)
    assert len(secondary.lines("zone large.example: transfer of serial 1 ")) > before


def test_primary_gives_no_serial_of_a_forgotten_zone_again_with_other_content(pair):
    primary, secondary = pair
    zone = take_out(primary, SMALL)
    assert "that serials up to 1 were given stays noted" in primary.run("zone", "forget", SMALL)
    assert names_gone(primary) == ""
    put_back(primary, zone)
    primary.wait_for_serial(SMALL, 1)  # its file is read, and says what it said
    take_out(primary, SMALL)
    primary.run("zone", "forget", SMALL)
    edit(zone.file)
    put_back(primary, zone)
    primary.wait_for_serial(SMALL, 2)
    secondary.wait_for_serial(SMALL, 2)


def test_serials_of_a_forgotten_zone_outlive_the_store_and_go_into_a_backup(pair):
    primary, _ = pair
    zone = take_out(primary, SMALL)
    primary.run("zone", "forget", SMALL)
    assert "1 zone backed up" in primary.run("backup", primary.folder / "copy")
    primary.stop()
    (primary.folder / "data").rename(primary.folder / "data-before")
    (primary.folder / "copy").rename(primary.folder / "data")
    edit(zone.file)
    primary.zones.append(zone)
    primary.configure()
    primary.start()
    primary.wait_for_serial(SMALL, 2)
    primary.stop()
    (primary.folder / "data").rename(primary.folder / "data-copy")
    (primary.folder / "data-before").rename(primary.folder / "data")
    (primary.folder / "data" / "store.mdb").unlink()
    primary.start()
    primary.wait_for_serial(SMALL, 256)  # behind all of the block that may have been given


def test_words_that_make_no_sense_for_it_are_refused(pair):
    _, secondary = pair
    result = secondary.run_any("zone", "forget", "--all")
    assert result.returncode == 2
    assert "forget takes zones that are configured no more" in result.stderr
    assert secondary.run_any("zone", "forget").returncode == 2


def test_forgotten_zone_of_a_primary_may_come_again_as_a_secondary(world):
    """Its primary's serials count then, whatever was given here."""
    server, other = world.new("tandem", "server"), world.new("tandem", "other")
    server.serve(SMALL, zones.small(world.folder, SMALL, 5))
    other.serve(SMALL, zones.small(world.folder, SMALL, 1))
    server.start()
    other.start()
    server.wait_for_serial(SMALL, 5)
    take_out(server, SMALL)
    server.run("zone", "forget", SMALL)
    server.follow(SMALL, other)
    server.reconfigure()
    server.wait_for_serial(SMALL, 1)
    assert names_gone(server) == ""
    server.wait_for_serial(SMALL, 1)
