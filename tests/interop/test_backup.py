# SPDX-License-Identifier: MIT
"""`tandem backup`: a copy of the data folder that is made while zones change, and a server that goes on from it; and
`tandem check store`, which looks at either."""

import itertools
import json
import os
import re
import threading

import pytest
import servers
import wire
import zones
from test_operator import Disk

SMALL = "small.example."
LARGE = "large.example."
LARGE_LINES = "\n".join(f'n{number} TXT "some octets that make a zone large"' for number in range(1500))


def version(folder, name, serial):
    return zones.small(folder, name, serial, LARGE_LINES if name == LARGE else "")


@pytest.fixture
def pair(world):
    """A primary and its secondary, both serving both zones."""
    primary, secondary = world.new("tandem", "primary"), world.new("tandem", "secondary")
    for name in (SMALL, LARGE):
        primary.serve(name, version(world.folder, name, 1))
        secondary.follow(name, primary)
    primary.start()
    secondary.start()
    for name in (SMALL, LARGE):
        secondary.wait_for_serial(name, 1)
    return primary, secondary


class Changes:
    """Versions come one after the other until the end of the block; what each is like is remembered."""

    def __init__(self, world, primary):
        self.world = world
        self.primary = primary
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.last = 1

    def run(self):
        for serial in itertools.count(2):
            if self.stop.is_set():
                return
            for name in (SMALL, LARGE):
                self.primary.put(name, version(self.world.folder, name, serial))
                self.primary.run("zone", "reload", "--wait", name)
            self.last = serial

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def restored(world, name, backup, server):
    """A server whose data folder is the backup, with the zones of the other one; its primary is of no use to it."""
    other = world.new("tandem", name)
    backup.rename(other.folder / "data")
    for zone in server.zones:
        if zone.primaries:
            other.zones.append(servers.Zone(zone.name, primaries=[world.new("tandem", f"dead-{name}-{zone.name}")]))
        else:
            other.serve(zone.name, zone.file)
    return other


def test_backup_under_a_stream_of_changes_serves_what_was_served(world, pair):
    primary, secondary = pair
    with Changes(world, primary) as changes:
        servers.wait_until(lambda: changes.last >= 5, "some versions are there")
        backups = []
        for number in range(3):
            before = {name: secondary.serial(name) for name in (SMALL, LARGE)}
            backup = world.folder / f"backup-{number}"
            printed = secondary.run("backup", backup)
            assert printed == f"2 zones backed up to {backup}\n"
            backups.append((backup, before))
            servers.wait_until(lambda last=changes.last: changes.last > last, "versions go on")
    for number, (backup, before) in enumerate(backups):
        other = restored(world, f"restored-{number}", backup, secondary)
        other.start()
        for name in (SMALL, LARGE):
            serial = servers.wait_until(lambda name=name: other.serial(name), f"{name} is served")
            assert serial >= before[name]
            expected = world.new("tandem", f"e{number}{name[0]}")
            expected.serve(name, version(world.folder, name, serial))
            expected.start()
            wire.assert_equal_zones(wire.axfr(expected.place, name), wire.axfr(other.place, name))
            timers = other.status(name)
            assert 0 < timers["expire_in_s"] <= 86400


def test_primary_goes_on_from_a_backup_with_its_history_and_never_goes_back(world, pair):
    primary, _ = pair
    first = wire.axfr(primary.place, SMALL)
    # The file says less than what was published: only the store knows.
    for number in range(3):
        file = zones.small(world.folder, SMALL, 1, f"again{number} A 192.0.2.{number}")
        primary.put(SMALL, file)
        primary.run("zone", "reload", "--wait", SMALL)
    assert primary.serial(SMALL) == 4
    newest = wire.axfr(primary.place, SMALL)
    primary.flush(SMALL)
    backup = world.folder / "backup"
    primary.run("backup", backup)
    other = restored(world, "restored", backup, primary).start()
    assert other.serial(SMALL) == 4
    records = wire.ixfr(other.place, SMALL, 1)
    wire.assert_equal_zones(newest, wire.after_differences(first, records))


@pytest.mark.parametrize("words", [["--data-dir", "data"], ["-c", "tandem.yaml"]], ids=["by name", "by configuration"])
def test_folder_is_copied_where_no_server_runs(world, pair, words):
    _, secondary = pair
    secondary.stop()
    result = servers.run([servers.TANDEM, "backup", "backup", *words, "--json"], secondary.folder)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["zones"] == 2
    other = restored(world, "restored", secondary.folder / "backup", secondary).start()
    for name in (SMALL, LARGE):
        servers.wait_until(lambda name=name: other.serial(name) == 1, f"{name} is served")


def test_folder_of_a_server_that_runs_is_not_copied_behind_its_back(world, pair):
    _, secondary = pair
    words = [servers.TANDEM, "backup", "behind", "--data-dir", "data"]
    result = servers.run(words, secondary.folder)
    assert result.returncode == 1
    assert "a running server holds it" in result.stderr
    assert not (secondary.folder / "behind").exists()


def test_folder_that_is_not_empty_or_cannot_be_made_is_told(world, pair):
    _, secondary = pair
    taken = world.folder / "taken"
    taken.mkdir()
    (taken / "letter").write_text("x")
    result = secondary.run_any("backup", taken)
    assert result.returncode == 1
    assert f"{taken}: is not empty" in result.stderr
    assert [file.name for file in taken.iterdir()] == ["letter"]
    result = secondary.run_any("backup", taken / "letter" / "below")
    assert result.returncode == 1
    assert "letter" in result.stderr


def test_full_disk_is_told_and_the_server_serves_on(world):
    server = world.new("tandem")
    for name in (SMALL, LARGE):
        server.serve(name, version(world.folder, name, 1))
    disk = Disk(server, "small-disk")
    server.start()
    disk.fill()
    result = server.run_any("backup", disk.folder / "copy")
    assert result.returncode == 1
    assert "No space left on device" in result.stderr
    server.change(SMALL, version(world.folder, SMALL, 2))
    server.wait_for_serial(SMALL, 2)
    disk.empty()
    assert "2 zones backed up" in server.run("backup", disk.folder / "copy")


def check_store(server, *words):
    return servers.run([servers.TANDEM, "check", "store", *words], server.folder)


def unescaped(text):
    """The octets that `check store --json` has written as text."""
    octets = text.encode()
    return re.sub(rb"\\\\|\\x([0-9a-f]{2})", lambda hit: bytes.fromhex(hit[1].decode()) if hit[1] else b"\\", octets)


def test_check_store_tells_a_path_of_any_octets_so_that_it_can_be_read_back(world):
    primary = world.new("tandem")
    primary.serve(SMALL, zones.small(world.folder, SMALL, 1))
    primary.start()
    primary.stop()
    for name in (b"caf\xe9 \\x41 \xf0\x9f\xa6\x86\xed\xa0\x80", "größe".encode()):
        folder = bytes(primary.folder) + b"/" + name
        os.rename(primary.folder / "data", folder)
        found = json.loads(check_store(primary, os.fsdecode(folder), "--json").stdout)
        os.rename(folder, primary.folder / "data")
        assert unescaped(found["folder"]) == folder
    assert found["folder"].endswith("größe")


def test_check_store_tells_what_is_damaged_and_changes_nothing(world, pair):
    _, secondary = pair
    result = check_store(secondary, "data")
    assert result.returncode == 1
    assert "a running server holds it; stop it, or check a backup" in result.stderr
    secondary.run("backup", secondary.folder / "backup")
    result = check_store(secondary, "backup")
    assert (result.returncode, result.stderr) == (0, "")
    assert "backup: 2 zones, of which 2 whole" in result.stdout
    [image] = (secondary.folder / "backup" / "images").iterdir()
    octets = bytearray(image.read_bytes())
    octets[700] ^= 1
    image.unlink()  # it has a second name in the data folder
    image.write_bytes(octets)
    result = check_store(secondary, "backup")
    assert result.returncode == 1
    assert "zone large.example: " in result.stderr
    assert "the next start transfers it anew" in result.stderr
    found = json.loads(check_store(secondary, "backup", "--json").stdout)
    assert (found["good"], found["zones"], found["whole"]) == (False, 2, 1)
    assert [problem["zone"] for problem in found["problems"]] == ["large.example"]
    assert image.read_bytes() == octets
    secondary.stop()
    assert check_store(secondary, "data").returncode == 0
    # Of the store's file nothing can be told when it is broken; what to do can.
    store = secondary.folder / "data" / "store.mdb"
    store.write_bytes(store.read_bytes()[:5000])
    result = check_store(secondary, "data")
    assert result.returncode == 1
    assert "put a backup in its place, or start the server" in result.stderr
    assert len(store.read_bytes()) == 5000


def test_check_store_names_zones_that_are_configured_no_more(world, pair):
    _, secondary = pair
    secondary.stop()
    secondary.zones.remove(secondary.zone(LARGE))
    secondary.configure()
    result = check_store(secondary, "data", "-c", "tandem.yaml")
    assert result.returncode == 0
    assert result.stderr.startswith("note: zone large.example: is not in the configuration; ")
    assert check_store(secondary, "nothing-here").returncode == 1
    assert check_store(secondary).returncode == 2
