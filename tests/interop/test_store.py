# SPDX-License-Identifier: MIT
"""What the data folder may meet: a full disk, one that cannot be written, files that are damaged, lost, or of something
else, and zone files that change while nobody looks. Service goes on, nothing wrong is served, and the reason is told."""

import os
import random
import resource
import shutil
import struct
import time

import dns.rcode
import pytest
import servers
import wire
import zones
from disks import new_disk  # noqa: F401 (a fixture)

ZONE = "small.example."
LARGE = "large.example."
SMALL = [f"zone{number}.example." for number in range(6)]


def large(folder, serial, name=LARGE):
    """More than stands in the store itself: its copy is a file of its own."""
    return zones.small(folder, name, serial, "".join(f'n{number} TXT "{serial}"\n' for number in range(1500)))


def some_octets(folder, name, serial, count):
    """All of these differ from one version to the next."""
    extra = "".join(f'n{number} TXT "{serial:0100}"\n' for number in range(count // 100))
    return zones.small(folder, name, serial, extra)


def new_primary(world, *names):
    primary = world.new("tandem")
    for name in names:
        make = large if name == LARGE else zones.small
        primary.serve(name, make(world.folder, serial=1, name=name))
    return primary


def new_secondary(world, primary, *names):
    secondary = world.new("tandem", "second")
    for name in names:
        secondary.follow(name, primary)
    return secondary


def change(server, name, file):
    """Puts the file in place and has it read; gives the ended command."""
    server.put(name, file)
    return server.run_any("zone", "reload", name, "--wait")


def volatile(server, name):
    return server.status(name)["volatile"]


def expect(server, name, serial):
    server.wait_for_serial(name, serial)
    records = wire.axfr(server.place, name)
    text = str(serial).encode()
    version = [rdata for owner, rrtype, _, rdata in records if rrtype == 16 and owner.startswith(b"\7version")]
    assert version == [bytes([len(text)]) + text], f"{name} at {server.name} has another version under serial {serial}"


# ---- A full disk


def test_full_disk_of_a_primary_takes_a_change_or_refuses_it_and_loses_nothing(world, new_disk):
    primary = new_primary(world, LARGE)
    disk = new_disk(primary)
    primary.start()
    primary.flush(LARGE)
    disk.fill()
    done = change(primary, LARGE, large(world.folder, 2))
    serial = 2 if done.returncode == 0 else 1
    if serial == 1:
        assert "No space left on device" in done.stderr, done.stderr
        assert "No space left on device" in primary.reason(LARGE)
    assert not volatile(primary, LARGE)
    expect(primary, LARGE, serial)
    primary.kill()
    primary.start()
    expect(primary, LARGE, serial)
    disk.empty()
    done = change(primary, LARGE, large(world.folder, 3))
    assert done.returncode == 0, done.stderr
    expect(primary, LARGE, 3)
    assert primary.reason(LARGE) == "" and not volatile(primary, LARGE)
    primary.kill()
    primary.start()
    expect(primary, LARGE, 3)


def test_full_history_refuses_no_change_of_any_zone_on_a_full_disk(world, new_disk):
    """What is kept for secondaries that are behind gives way to what is new."""
    primary = new_primary(world, *SMALL)
    disk = new_disk(primary)
    primary.start()
    disk.fill()
    for serial in range(2, 42):
        for name in SMALL:
            primary.put(name, some_octets(world.folder, name, serial, 8000))
        done = primary.run_any("zone", "reload", *SMALL, "--wait")
        assert done.returncode == 0, f"serial {serial}: {done.stderr}"
    for name in SMALL:
        assert not volatile(primary, name)
    primary.kill()
    primary.start()
    for name in SMALL:
        expect(primary, name, 41)


def test_secondary_on_a_full_disk_is_volatile_and_comes_back_with_what_it_could_keep(world, new_disk):
    primary = new_primary(world, LARGE, ZONE).start()
    secondary = new_secondary(world, primary, LARGE, ZONE)
    primary.reconfigure()
    disk = new_disk(secondary)
    secondary.start()
    expect(secondary, LARGE, 1)
    disk.fill()
    (primary.zone(LARGE).file).write_text(some_octets(world.folder, LARGE, 2, 3000000).read_text())
    primary.run("zone", "reload", LARGE, "--wait")
    expect(secondary, LARGE, 2)
    servers.wait_until(lambda: volatile(secondary, LARGE), "it is volatile")
    assert "No space left on device" in secondary.reason(LARGE)
    assert not volatile(secondary, ZONE), "another zone has its copy"

    secondary.kill()
    primary.stop()
    secondary.start()
    expect(secondary, LARGE, 1)  # the last that could be kept
    primary.start()
    secondary.run("zone", "refresh", LARGE, "--wait")  # else it asks again when SOA's retry says so
    expect(secondary, LARGE, 2)

    disk.empty()
    assert change(primary, LARGE, large(world.folder, 3)).returncode == 0
    expect(secondary, LARGE, 3)
    servers.wait_until(lambda: not volatile(secondary, LARGE), "it is kept again, without an order")
    assert secondary.reason(LARGE) == ""
    secondary.kill()
    primary.stop()
    secondary.start()
    expect(secondary, LARGE, 3)


def test_server_that_starts_for_the_first_time_on_a_full_disk_serves_or_says_why_not(world, new_disk):
    primary = new_primary(world, ZONE)
    disk = new_disk(primary)
    disk.fill()
    primary.launch()
    servers.wait_until(
        lambda: primary.process.poll() is not None or primary.serial(ZONE, servers.POLL_ANSWER_SECONDS) == 1,
        "it serves, or ends",
    )
    if primary.process.poll() is None:
        assert volatile(primary, ZONE) and "No space left on device" in primary.reason(ZONE)
        primary.kill()
    assert "No space left on device" in primary.log.read_text()
    primary.process = None
    disk.empty()
    primary.start()
    expect(primary, ZONE, 1)
    assert not volatile(primary, ZONE)


# ---- What cannot be written


def test_primary_with_a_read_only_data_folder_serves_its_file_and_no_serial_goes_back(world, new_disk):
    primary = new_primary(world, ZONE)
    disk = new_disk(primary)
    primary.start()
    assert change(primary, ZONE, zones.small(world.folder, ZONE, 7)).returncode == 0
    primary.stop()
    disk.let_write(False)
    primary.start()
    expect(primary, ZONE, 7)
    assert "the file system is read-only" in primary.log.read_text()
    done = change(primary, ZONE, zones.small(world.folder, ZONE, 8))
    assert done.returncode == 1 and "Read-only file system" in done.stderr, "it cannot be kept, and is refused"
    expect(primary, ZONE, 7)
    primary.stop()
    disk.let_write(True)
    primary.start()
    expect(primary, ZONE, 8)
    assert primary.reason(ZONE) == "" and not volatile(primary, ZONE)


def let_write(server, may_write):
    """Whether a running server may write to any file; its log is one."""
    _, most = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (most if may_write else 0, most))


def test_running_primary_that_may_not_write_any_more_refuses_changes_until_it_may(world):
    primary = new_primary(world, ZONE, LARGE)
    primary.start()
    let_write(primary, False)
    for name, make in ((ZONE, zones.small), (LARGE, large)):
        done = change(primary, name, make(world.folder, serial=2, name=name))
        assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
        expect(primary, name, 1)
        assert "File too large" in primary.reason(name) and not volatile(primary, name)
    let_write(primary, True)
    assert primary.run_any("zone", "reload", ZONE, LARGE, "--wait").returncode == 0
    primary.kill()
    primary.start()
    for name in (ZONE, LARGE):
        expect(primary, name, 2)
        assert primary.reason(name) == ""


def test_first_version_that_a_primary_may_not_write_is_given_to_nobody_until_it_may(world):
    """Its serial could come again with other content after the next start, and nobody would know."""
    primary = new_primary(world, LARGE)
    primary.start()
    let_write(primary, False)
    secondary = new_secondary(world, primary, LARGE)
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    secondary.follow(ZONE, primary)
    primary.reconfigure()
    servers.wait_until(lambda: primary.serial(ZONE) == 1 and volatile(primary, ZONE), "it is answered from, and volatile")
    assert "no secondary is given it" in primary.run("zone", "why", ZONE)
    with pytest.raises(wire.TransferError, match="SERVFAIL|RCODE 2"):
        wire.axfr(primary.place, ZONE)
    assert primary.run_any("zone", "notify", ZONE).returncode == 1
    secondary.start()
    expect(secondary, LARGE, 1)
    assert secondary.run_any("zone", "refresh", ZONE, "--wait").returncode == 1
    assert secondary.serial(ZONE) is None

    let_write(primary, True)
    secondary.wait_for_serial(ZONE, 1)  # without an order: the primary tries its disk again, and tells
    servers.wait_until(lambda: not volatile(primary, ZONE), "it is kept")
    assert wire.axfr(secondary.place, ZONE) == wire.axfr(primary.place, ZONE)


def test_change_that_the_disk_refused_is_taken_when_it_takes_writes_again(world):
    primary = new_primary(world, ZONE)
    primary.start()
    let_write(primary, False)
    assert change(primary, ZONE, zones.small(world.folder, ZONE, 2)).returncode == 1
    expect(primary, ZONE, 1)
    let_write(primary, True)
    primary.wait_for_serial(ZONE, 2)
    servers.wait_until(lambda: primary.reason(ZONE) == "", "nothing is wrong any more")


def test_running_secondary_that_may_not_write_any_more_is_volatile_until_it_may(world):
    primary = new_primary(world, ZONE, LARGE)
    secondary = new_secondary(world, primary, ZONE, LARGE)
    primary.start()
    secondary.start()
    for name in (ZONE, LARGE):
        expect(secondary, name, 1)
    let_write(secondary, False)
    for name, make in ((ZONE, zones.small), (LARGE, large)):
        assert change(primary, name, make(world.folder, serial=2, name=name)).returncode == 0
        expect(secondary, name, 2)
        servers.wait_until(lambda name=name: volatile(secondary, name), "it is volatile")
        assert "File too large" in secondary.reason(name)
    let_write(secondary, True)
    for name, make in ((ZONE, zones.small), (LARGE, large)):
        assert change(primary, name, make(world.folder, serial=3, name=name)).returncode == 0
        expect(secondary, name, 3)
        servers.wait_until(lambda name=name: not volatile(secondary, name), "it is kept again")
        assert secondary.reason(name) == ""
    primary.stop()
    secondary.kill()
    secondary.start()
    for name in (ZONE, LARGE):
        expect(secondary, name, 3)


def test_folder_of_copies_that_is_removed_while_it_is_used_makes_a_version_volatile(world):
    primary = new_primary(world, LARGE, ZONE).start()
    secondary = new_secondary(world, primary, LARGE, ZONE)
    primary.reconfigure()
    secondary.start()
    expect(secondary, LARGE, 1)
    expect(secondary, ZONE, 1)
    images = secondary.folder / "data" / "images"
    shutil.rmtree(images)
    (primary.zone(LARGE).file).write_text(some_octets(world.folder, LARGE, 2, 300000).read_text())
    primary.run("zone", "reload", LARGE, "--wait")
    expect(secondary, LARGE, 2)
    servers.wait_until(lambda: volatile(secondary, LARGE), "it is volatile")
    assert "No such file or directory" in secondary.reason(LARGE)
    assert change(primary, ZONE, zones.small(world.folder, ZONE, 2)).returncode == 0
    expect(secondary, ZONE, 2)
    assert not volatile(secondary, ZONE)
    images.mkdir()
    secondary.run("zone", "flush", LARGE, "--wait")
    servers.wait_until(lambda: not volatile(secondary, LARGE), "it is kept again")


# ---- Damage


def a_pair(world):
    """A secondary that has a large zone and some small ones, and was stopped in good order."""
    names = [LARGE, *SMALL]
    primary = new_primary(world, *names).start()
    secondary = new_secondary(world, primary, *names)
    primary.reconfigure()
    secondary.start()
    for name in names:
        expect(secondary, name, 1)
    assert change(primary, SMALL[0], zones.small(world.folder, SMALL[0], 2)).returncode == 0
    expect(secondary, SMALL[0], 2)
    secondary.stop()
    return primary, secondary


def expect_all(server):
    for name in [LARGE, *SMALL]:
        expect(server, name, 2 if name == SMALL[0] else 1)


def expect_all_or_raised(server):
    """As above, or where the head of a zone is broken with a serial that nobody can have had."""
    for name in [LARGE, *SMALL]:
        serial = 2 if name == SMALL[0] else 1
        servers.wait_until(lambda name=name, serial=serial: server.serial(name) in (serial, 256), f"{name} is served")
        [text] = server.ask("version." + name, "TXT").answer[0]
        assert text.strings == (str(serial).encode(),)


def used(octets):
    return len(octets.rstrip(b"\0"))


def test_bits_that_flip_anywhere_in_a_store_cost_no_service(world):
    """Of a primary and of a secondary; the unit test of the store tries many more."""
    seed = int(os.environ.get("DAMAGE_SEED", time.time_ns()))
    print(f"DAMAGE_SEED={seed}")
    draw = random.Random(seed)
    pair = a_pair(world)
    for server in pair:
        server.stop()
        store = server.folder / "data" / "store.mdb"
        sound = store.read_bytes()
        for _ in range(8):
            damaged = bytearray(sound)
            at = draw.randrange(used(sound))
            damaged[at] ^= 1 << draw.randrange(8)
            store.write_bytes(damaged)
            print(f"{server.name}: octet {at}")
            server.start()
            if server is pair[0]:
                expect_all_or_raised(server)
            else:
                expect_all(server)
            server.stop()
            (server.folder / "data" / "serials").unlink(missing_ok=True)  # a new trial
            for aside in (server.folder / "data").glob("*.broken"):
                aside.unlink()
        store.write_bytes(sound)
        if server is pair[0]:
            server.start()


STORES = {
    "empty": lambda octets: b"",
    "cut": lambda octets: octets[: 3 * 4096],
    "cut to a page": lambda octets: octets[:4096],
    "cut to less": lambda octets: octets[:100],
    "garbage inside": lambda octets: octets[:8192] + bytes([0xA5]) * (len(octets) - 8192),
    "garbage": lambda octets: random.Random(1).randbytes(len(octets)),
    "text": lambda octets: b"$ORIGIN example.\n" * 1000,
    "missing": None,
}


@pytest.mark.parametrize("what", STORES)
@pytest.mark.parametrize("is_primary", [False, True], ids=["secondary", "primary"])
def test_store_that_was_spoilt_while_nobody_used_it(world, what, is_primary):
    """A large zone comes back from its copy, the others from files and primaries."""
    primary, secondary = a_pair(world)
    server = primary if is_primary else secondary
    primary.stop()
    store = server.folder / "data" / "store.mdb"
    octets = store.read_bytes()
    store.unlink()
    if STORES[what] is not None:
        store.write_bytes(STORES[what](octets))
    server.start()
    if what not in ("empty", "missing"):
        assert "it was set aside as" in server.log.read_text()
        assert store.with_name("store.mdb.broken").exists()
    assert server.status()["server"]["store_problem"]
    if is_primary:
        for name in (LARGE, *SMALL):  # serials up to 255 may have stood for something that is lost
            server.wait_for_serial(name, 256)
            done = change(server, name, zones.small(world.folder, name, 9))
            assert done.returncode == 0 and server.serial(name) == 257
            assert "may have been given to other content" in server.log.read_text()
        server.kill()
        server.start()
        server.wait_for_serial(LARGE, 257)
        secondary.start()
        for name in (LARGE, *SMALL):
            secondary.wait_for_serial(name, 257)
            assert wire.axfr(server.place, name) == wire.axfr(secondary.place, name)
        return
    expect(server, LARGE, 1)
    assert secondary.rcode(SMALL[1], "SOA") == dns.rcode.SERVFAIL
    primary.start()
    expect_all(server)
    for name in (LARGE, SMALL[0]):
        assert change(primary, name, zones.small(world.folder, name, 9)).returncode == 0
        expect(secondary, name, 9)
    server.kill()
    server.start()
    expect(server, LARGE, 9)


COPIES = {
    "missing": None,
    "empty": lambda octets: b"",
    "cut in its head": lambda octets: octets[:300],
    "cut": lambda octets: octets[: len(octets) // 2],
    "longer": lambda octets: octets + b"more",
    "a bit of its head": lambda octets: flipped(octets, 30),
    "a bit of its records": lambda octets: flipped(octets, 5000),
    "of another zone": "other",
}


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 4]) + octets[at + 1 :]


@pytest.mark.parametrize("what", COPIES)
def test_copy_that_was_spoilt_costs_this_zone_a_transfer_and_no_other_anything(world, what):
    other = "other.example."
    primary = new_primary(world, LARGE, ZONE)
    primary.serve(other, large(world.folder, 1, other))
    secondary = new_secondary(world, primary, LARGE, ZONE, other)
    primary.start()
    secondary.start()
    for name in (LARGE, ZONE, other):
        expect(secondary, name, 1)
    secondary.stop()
    primary.stop()
    images = secondary.folder / "data" / "images"
    [copy] = images.glob("large.example.*")
    [copy_of_other] = images.glob("other.example.*")
    octets = copy.read_bytes()
    copy.unlink()
    if COPIES[what] == "other":
        copy.write_bytes(copy_of_other.read_bytes())
    elif COPIES[what] is not None:
        copy.write_bytes(COPIES[what](octets))
    secondary.start()
    expect(secondary, other, 1)
    expect(secondary, ZONE, 1)
    told = [line for line in secondary.lines("large.example", "the stored version cannot be used")]
    assert told, "the log tells it"
    assert secondary.rcode(LARGE, "SOA") == dns.rcode.SERVFAIL
    assert secondary.reason(LARGE), "status says why"
    primary.start()
    expect(secondary, LARGE, 1)
    assert not any("AXFR" in line for line in primary.lines("other.example"))


# ---- Of other versions, and of another server


def siphash(key, octets):
    """SipHash-1-3, which the store's checksums are."""
    mask = 2**64 - 1

    def turned(word, bits):
        return (word << bits | word >> (64 - bits)) & mask

    def mixed(a, b, c, d):
        a, c = (a + b) & mask, (c + d) & mask
        b, d = turned(b, 13) ^ a, turned(d, 16) ^ c
        a = turned(a, 32)
        c, a = (c + b) & mask, (a + d) & mask
        b, d = turned(b, 17) ^ c, turned(d, 21) ^ a
        return a, b, turned(c, 32), d

    a, b, c, d = (part ^ word for part, word in zip(SIP, (*key, *key)))
    tail = len(octets) % 8
    last = octets[len(octets) - tail :] + bytes(7 - tail) + bytes([len(octets) % 256])
    for word in struct.unpack(f"<{len(octets) // 8 + 1}Q", octets[: len(octets) - tail] + last):
        a, b, c, d = mixed(a, b, c, d ^ word)
        a ^= word
    c ^= 0xFF
    for _ in range(3):
        a, b, c, d = mixed(a, b, c, d)
    return a ^ b ^ c ^ d


SIP = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def note_of_format(number):
    key, body = b"v\0", struct.pack(">I", number)
    by_key = siphash((0x6B6579, 0x73746F7265), key)
    return key + body + struct.pack(">Q", siphash((by_key, len(body)), body))


def test_store_of_a_newer_version_is_refused_with_a_word_on_what_to_do(world):
    primary = new_primary(world, ZONE).start()
    primary.stop()
    store = primary.folder / "data" / "store.mdb"
    sound = store.read_bytes()
    assert note_of_format(2) in sound
    newer = sound.replace(note_of_format(2), note_of_format(3))
    store.write_bytes(newer)
    for _ in range(2):
        primary.log.write_text("")
        primary.launch()
        assert primary.process.wait(servers.START_SECONDS) == 1
        primary.process = None
        told = primary.log.read_text()
        assert "the store is of format 3, this version of Tandem knows formats up to 2; start the newer one" in told
        assert "Traceback" not in told and len(told.splitlines()) < 5
    assert used(store.read_bytes()) == used(newer), "what the newer one left is as it was"
    checked = servers.run([servers.TANDEM, "check", "store", primary.folder / "data"], primary.folder)
    assert checked.returncode == 1 and "format 3" in checked.stderr
    store.write_bytes(sound)
    primary.start()
    expect(primary, ZONE, 1)


def test_folder_of_a_running_server_is_refused_to_another_one(world):
    primary = new_primary(world, ZONE).start()
    second = servers.run(primary.command(), primary.folder)
    assert second.returncode == 1
    assert "another running server holds it" in second.stderr and str(primary.folder / "data") in second.stderr
    assert change(primary, ZONE, zones.small(world.folder, ZONE, 2)).returncode == 0
    primary.kill()
    primary.start()
    expect(primary, ZONE, 2)


@pytest.mark.parametrize("number", [1, 3])
def test_copy_of_another_format_costs_a_look_at_the_file_or_a_transfer(world, number):
    """After a change of versions, up or down."""
    primary = new_primary(world, LARGE, ZONE).start()
    secondary = new_secondary(world, primary, LARGE, ZONE).start()
    expect(secondary, LARGE, 1)
    for serial, server in enumerate((primary, secondary), start=1):
        server.flush(LARGE)
        server.stop()
        copy = server.copy_on_disk(LARGE)
        octets = copy.read_bytes()
        assert octets[:12] == b"TANDEM I" + struct.pack(">I", 2)
        head = octets[:8] + struct.pack(">I", number) + octets[12:504]
        copy.write_bytes(head + struct.pack(">Q", siphash((0x696D616765, 0x68656164), head)) + octets[512:])
        server.start()
        expect(server, LARGE, serial)
        assert f"is of format {number}, and this version of Tandem reads format 2" in server.log.read_text()
        if server is primary:
            assert f"is of format {number}" in server.status(LARGE)["store_problem"]
        expect(server, ZONE, 1)
        assert change(primary, LARGE, large(world.folder, serial + 1)).returncode == 0
        expect(secondary, LARGE, serial + 1)


# ---- Zone files that change while nobody looks


def included(folder, serial, text):
    """A file that names another one."""
    part = folder / "part"
    part.write_text(text)
    file = folder / "with-include.zone"
    file.write_text(zones.small(folder, ZONE, serial, f'$INCLUDE "{part}"').read_text())
    return file


def in_the_same_dress(server, folder):
    """Other octets, as many, and all that `ls` shows is as before."""
    file = server.zone(ZONE).file
    before = file.stat()
    file.write_text(file.read_text().replace("192.0.2.80", "192.0.2.81"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def with_the_serial_raised(server, folder):
    server.put(ZONE, zones.small(folder, ZONE, 12, "more A 192.0.2.81"))


def with_the_serial_as_it_was(server, folder):
    server.put(ZONE, zones.small(folder, ZONE, 1, "more A 192.0.2.81"))


def by_an_older_file(server, folder):
    file = zones.small(folder, ZONE, 1, "more A 192.0.2.81")
    server.put(ZONE, file)
    os.utime(server.zone(ZONE).file, (1000000000, 1000000000))


EDITS = [in_the_same_dress, with_the_serial_raised, with_the_serial_as_it_was, by_an_older_file]


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_file_that_changed_while_the_server_was_down_is_served_and_led_to(world, edit, end):
    primary = new_primary(world, ZONE)
    primary.start()
    before = wire.axfr(primary.place, ZONE)
    getattr(primary, end)()
    edit(primary, world.folder)
    primary.start()
    new = wire.wire_of_name("www." + ZONE), wire.wire_of_name("more." + ZONE)

    def is_new(records):
        return any(owner in new and rdata == b"\xc0\0\2\x51" for owner, _, _, rdata in records)

    servers.wait_until(lambda: is_new(wire.axfr(primary.place, ZONE)), "the new file is served")
    after = wire.axfr(primary.place, ZONE)
    serial = wire.serial_of(after)
    assert serial == (12 if edit is with_the_serial_raised else 2)
    answer = wire.ixfr(primary.place, ZONE, 1)
    changed = wire.after_differences(before, answer)
    assert after in (changed, set(answer)), "who has the version before is led to this one"
    getattr(primary, end)()
    primary.start()
    assert wire.axfr(primary.place, ZONE) == after, "once more nothing has changed"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_included_file_that_changed_while_the_server_was_down_is_served(world, end):
    primary = world.new("tandem")
    primary.serve(ZONE, included(world.folder, 1, "part A 192.0.2.1\n"))
    primary.start()
    getattr(primary, end)()
    included(world.folder, 1, "part A 192.0.2.2\n")
    primary.start()
    servers.wait_until(
        lambda: "192.0.2.2" in str(primary.ask("part." + ZONE, "A").answer), "what the included file has is served"
    )
    assert primary.serial(ZONE) == 2


def differences_from_each(server, versions):
    """What is answered to those who have one of these versions leads to the newest; gives how many got differences."""
    newest = versions[-1]
    count = 0
    for have in versions[:-1]:
        answer = wire.ixfr(server.place, ZONE, wire.serial_of(have))
        changed = wire.after_differences(have, answer)
        assert newest in (changed, set(answer))
        count += changed is not None
    return count


def four_versions(folder, primary, *secondaries):
    """One after the other, each of which was at every server."""
    versions = [wire.axfr(primary.place, ZONE)]
    for serial in (2, 3, 4):
        assert change(primary, ZONE, zones.small(folder, ZONE, serial)).returncode == 0
        versions.append(wire.axfr(primary.place, ZONE))
        for secondary in secondaries:
            expect(secondary, ZONE, serial)
    return versions


def test_transfers_after_a_kill_are_those_from_before_it(world):
    """Of the whole zone, and of what differs, at a primary and at its secondary."""
    primary = new_primary(world, ZONE)
    secondary = new_secondary(world, primary, ZONE)
    primary.start()
    secondary.start()
    expect(secondary, ZONE, 1)
    versions = four_versions(world.folder, primary, secondary)
    for server in (primary, secondary):
        assert differences_from_each(server, versions) == 3
        server.flush(ZONE)
        server.kill()
        server.start()
        expect(server, ZONE, 4)
        assert wire.axfr(server.place, ZONE) == versions[-1]
        assert differences_from_each(server, versions) == 3


def test_history_that_was_lost_with_the_store_costs_whole_transfers(world):
    primary = new_primary(world, ZONE)
    primary.start()
    versions = four_versions(world.folder, primary)
    primary.stop()
    (primary.folder / "data" / "store.mdb").unlink()
    primary.start()
    primary.wait_for_serial(ZONE, 256)
    newest = wire.axfr(primary.place, ZONE)
    assert differences_from_each(primary, [*versions, newest]) == 0


def test_data_folder_that_was_lost_costs_a_primary_nothing(world):
    primary = new_primary(world, ZONE, LARGE)
    primary.start()
    assert change(primary, ZONE, zones.small(world.folder, ZONE, 5)).returncode == 0
    primary.stop()
    shutil.rmtree(primary.folder / "data")
    primary.start()
    expect(primary, ZONE, 5)
    expect(primary, LARGE, 1)
