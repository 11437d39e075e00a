#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A primary and its secondary are killed at random moments while zones change, and nothing that was told is taken back.

    TANDEM=build/tandem tests/crash.py [--kills N] [--seed N]

Threads change zone files, with and without raising their serials, and have the primary read them; others ask both
servers for serials all the while. What was answered, and what `tandem zone reload --wait` told, is what a server may
not go back behind: it is killed (kill -9), started again, and everything that it serves then is held against that.

A version is told from others by its records. The history of a zone has every serial with the version that was seen
under it, at either server: one serial is one version, until serials have come full circle.
What is drawn comes from the seed, which is printed; what falls into which moment does not.
"""

import argparse
import contextlib
import hashlib
import pathlib
import random
import re
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import servers
import wire

SMALL = [f"small{number}.example." for number in range(14)]
LARGE = [f"large{number}.example." for number in range(4)]  # over 16 KiB of records: a file in data/images
SHORT = "short.example."  # expires within seconds
JUMPING = "jumping.example."  # its serial leaps a quarter of the circle; no secondary could follow each leap
FOLLOWED = [*SMALL, *LARGE, SHORT]
ALL = [*FOLLOWED, JUMPING]
LASTING = [*SMALL, *LARGE]

WRITERS = 3
LONG_SECONDS = 604800
SHORT_SECONDS = 4
LARGE_RECORDS = 250  # with a text of 100 octets each
FIRST_SERIAL = 2**32 - 20  # so that serials wrap soon
KILL_CHANGES = 12  # a kill comes after up to so many changes
KILL_SECONDS = 0.03  # and up to this long after the last of them
START_KILL_SECONDS = 0.15  # or this long after a start
IDLE_SECONDS = 0.02


def is_older(serial, than):
    """RFC 1982 3.2; what is as far behind as ahead counts as older."""
    return serial != than and (serial - than) % 2**32 >= 2**31


def body_of(records):
    """A digest of a version without its SOA, which is what a file and what is served from it have in common."""
    rest = sorted(record for record in records if record[1] != wire.SOA)
    return hashlib.sha256(repr(rest).encode()).hexdigest()


class ZoneUnderTest:
    """The file of a zone, and what has been seen of the zone so far. Guarded by the lock of the run."""

    def __init__(self, name, folder):
        self.name = name
        self.file = folder / f"{name}zone"
        self.serial_file = FIRST_SERIAL
        self.bodies = {}  # body: the words that made it
        self.body = None  # of the file as it is
        self.body_before = None  # and before; it may be served until the primary has read the file
        self.history = {}  # serial: body
        self.floors = {}  # server: the newest serial that was seen there, or told
        self.count = 0

    def text_of(self, words):
        expire = SHORT_SECONDS if self.name == SHORT else LONG_SECONDS
        times = f"1 1 {expire} 300" if self.name == SHORT else f"3600 1 {expire} 300"
        lines = [f"$ORIGIN {self.name}", "$TTL 300", f"@ SOA ns1 hostmaster {self.serial_file} {times}", "@ NS ns1"]
        lines.append("ns1 A 127.0.0.1")
        lines += [f'{owner} TXT "{text}"' for owner, text in words]
        return "\n".join(lines) + "\n"

    def words(self, draw):
        """The records of a new version; some of a large zone change, all others stay."""
        self.count += 1
        words = [("version", f"{self.count} {draw.random()}")]
        if self.name in LARGE:
            changed = draw.sample(range(LARGE_RECORDS), 3)
            words += [(f"n{i}", f"{self.count if i in changed else 0:050}" * 2) for i in range(LARGE_RECORDS)]
        return tuple(words)

    def body_of_words(self, words):
        apex = wire.wire_of_name(self.name)
        records = {(apex, 2, 300, b"\3ns1" + apex), (b"\3ns1" + apex, 1, 300, b"\x7f\0\0\1")}
        for owner, text in words:
            label = bytes([len(owner)]) + owner.encode()
            records.add((label + apex, 16, 300, bytes([len(text)]) + text.encode()))
        return body_of(records)

    def edit(self, draw):
        """Another version of the file, most often with content that has never been, put in place at once."""
        old = draw.random() < 0.1 and len(self.bodies) > 2
        words = draw.choice(list(self.bodies.values())) if old else self.words(draw)
        served = self.floors.get("primary", FIRST_SERIAL)
        step = draw.choice([0, 0, 0, 1, 1, 7, -5]) if self.count > 1 else 0
        if step > 0:
            self.serial_file = (served + (draw.choice([step, 2**30]) if self.name == JUMPING else step)) % 2**32
        elif step < 0:
            self.serial_file = (served + step) % 2**32
        self.body_before, self.body = self.body, self.body_of_words(words)
        self.bodies[self.body] = words
        beside = self.file.with_suffix(".next")
        beside.write_text(self.text_of(words), encoding="ascii")
        beside.rename(self.file)


class Crash:
    """The run. A method that ends in a complaint raises AssertionError; a thread hands its own to the main one."""

    def __init__(self, folder, seed):
        self.draw = random.Random(seed)
        self.primary = servers.Tandem(folder, "primary")
        self.secondary = servers.Tandem(folder, "secondary")
        self.lock = threading.RLock()
        self.zones = {name: ZoneUnderTest(name, folder) for name in ALL}
        for zone in self.zones.values():
            zone.edit(self.draw)
            self.primary.serve(zone.name, zone.file)
            self.primary.zone(zone.name).file = zone.file
            if zone.name in FOLLOWED:
                self.secondary.follow(zone.name, self.primary)
        self.may_write = False
        self.writing = 0  # writers in mid-change
        self.ended = threading.Event()
        self.failures = []
        self.counts = dict.fromkeys(["kills", "of them while starting", "until expiry", "changes", "told", "answers"], 0)
        self.threads = [
            threading.Thread(target=self.guarded, args=(self.write, number, random.Random(f"{seed} {number}")))
            for number in range(WRITERS)
        ] + [
            threading.Thread(target=self.guarded, args=(self.watch, server, random.Random(f"{seed} {server.name}")))
            for server in self.all()
        ]

    def all(self):
        return [self.primary, self.secondary]

    def guarded(self, task, *arguments):
        try:
            task(*arguments)
        except BaseException as failure:  # whatever it is ends the run
            self.failures.append(failure)
            self.ended.set()

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] += by

    # ---- What was seen

    def floor(self, server, name):
        with self.lock:
            return self.zones[name].floors.get(server.name)

    def note_serial(self, server, name, serial, floor):
        """A serial that was answered, to a question that was asked when `floor` was the newest of this server."""
        with self.lock:
            assert floor is None or not is_older(serial, floor), (
                f"{server.name} went back with {name} from serial {floor} to {serial}"
            )
            newest = self.zones[name].floors.get(server.name)
            if newest is None or is_older(newest, serial):
                self.zones[name].floors[server.name] = serial

    def note_version(self, server, name, records, floor):
        """A version that was transferred: a serial has one content, and that was in the file at some time."""
        serial, body = wire.serial_of(records), body_of(records)
        zone = self.zones[name]
        with self.lock:
            known = zone.history.get(serial)
            assert body in zone.bodies, f"{server.name} serves what {name} never was, under serial {serial}"
            assert known in (None, body), f"{server.name} serves another version of {name} under the serial {serial}"
            if known is None:
                assert body in (zone.body, zone.body_before), f"{server.name} serves an old {name} as serial {serial}"
                if name == JUMPING:  # what half a circle ago was newer than this is free again
                    zone.history = {old: kept for old, kept in zone.history.items() if not is_older(serial, old)}
                zone.history[serial] = body
        self.note_serial(server, name, serial, floor)
        return serial, body

    def fetch(self, server, name):
        """Transfers a zone and takes note; gives serial and body."""
        floor = self.floor(server, name)
        return self.note_version(server, name, wire.axfr(server.place, name, servers.CHANGE_SECONDS), floor)

    def watch(self, server, draw):
        """Asks one server for serials, whether it runs or not."""
        while not self.ended.is_set():
            name = draw.choice(ALL if server is self.primary else FOLLOWED)
            floor = self.floor(server, name)
            serial = server.serial(name, servers.POLL_ANSWER_SECONDS)
            if serial is None:
                self.ended.wait(IDLE_SECONDS)
            else:
                self.note_serial(server, name, serial, floor)
                self.count("answers")

    # ---- Changes

    def count_writing(self, by):
        with self.lock:
            self.writing += by

    def write(self, number, draw):
        """Changes zones that no other thread changes, while it may."""
        own = ALL[number::WRITERS]
        while not self.ended.is_set():
            with self.lock:
                goes_on = self.may_write
                self.writing += goes_on
            if not goes_on:
                self.ended.wait(IDLE_SECONDS)
                continue
            try:
                self.change(draw.choice(own), draw)
            finally:
                self.count_writing(-1)

    def change(self, name, draw):
        zone = self.zones[name]
        with self.lock:
            zone.edit(draw)
        floor = self.floor(self.primary, name)
        self.count("changes")
        reload = self.primary.run_any("zone", "reload", name, "--wait")
        if reload.returncode != 0:
            return
        self.count("told")
        told = re.search(r"serial (?:\d+ to )?(\d+)", reload.stdout)
        assert told, f"the reload of {name} tells no serial: {reload.stdout}"
        self.note_serial(self.primary, name, int(told.group(1)), floor)
        with contextlib.suppress(OSError, wire.TransferError):  # it may be killed by now
            _, body = self.fetch(self.primary, name)
            assert body == zone.body, f"the reload of {name} was told as done, and something else is served"

    @contextlib.contextmanager
    def nobody_writes(self):
        with self.lock:
            self.may_write = False
        servers.wait_until(lambda: self.writing == 0, "writers have ended what they began", servers.COMMAND_SECONDS)
        self.raise_failures()
        yield
        self.may_write = True

    def raise_failures(self):
        if self.failures:
            raise self.failures[0]

    # ---- Kills

    def wait_for_a_moment(self):
        """Some changes later, and at any point of the next one."""
        with self.lock:
            changes = self.counts["changes"] + self.draw.randrange(KILL_CHANGES)
        servers.wait_until(
            lambda: self.ended.is_set() or self.counts["changes"] >= changes, "zones change"
        )
        self.raise_failures()
        self.ended.wait(self.draw.random() * KILL_SECONDS)

    def kill(self, server):
        assert server.process.poll() is None, f"{server.name} has ended by itself"
        server.kill()
        self.count("kills")

    def start(self, server, often=0.3):
        """Starts a server that was killed; now and then it is killed while it starts."""
        while self.draw.random() < often:
            server.launch()
            self.ended.wait(self.draw.random() * START_KILL_SECONDS)
            self.kill(server)
            self.count("of them while starting")
        server.start()
        self.assert_nothing_is_broken(server)

    @staticmethod
    def assert_nothing_is_broken(server):
        broken = list((server.folder / "data").rglob("*.broken"))
        assert not broken, f"{server.name} was only killed, and set aside {broken}"

    def check_primary(self):
        """What it served is still there, and is what the files say."""
        for name, zone in self.zones.items():
            _, body = self.fetch(self.primary, name)
            assert body == zone.body, f"{name} is not served as its file has it"

    def check_lonely_secondary(self):
        """With its primary gone it serves what it has served, and nothing older."""
        for name in LASTING:
            if self.floor(self.secondary, name) is not None:
                servers.wait_until(
                    lambda name=name: self.secondary.serial(name, servers.POLL_ANSWER_SECONDS) is not None,
                    f"the secondary serves {name} again",
                    servers.START_SECONDS,
                )
                self.fetch(self.secondary, name)

    def kill_primary(self):
        self.wait_for_a_moment()
        self.kill(self.primary)
        with self.nobody_writes():
            for name in self.draw.sample(ALL, self.draw.randrange(4)):
                self.zones[name].edit(self.draw)
            self.start(self.primary)
            self.check_primary()

    def kill_secondary(self):
        self.wait_for_a_moment()
        self.kill(self.secondary)
        self.start(self.secondary)
        with self.nobody_writes():
            self.agree()

    def kill_both(self):
        """The secondary comes back alone."""
        self.wait_for_a_moment()
        for server in self.draw.sample(self.all(), 2):
            self.kill(server)
        with self.nobody_writes():
            self.start(self.secondary)
            self.check_lonely_secondary()
            self.start(self.primary)
            self.check_primary()

    def one_kill(self):
        self.draw.choices([self.kill_primary, self.kill_secondary, self.kill_both], [2, 2, 3])[0]()

    # ---- The end

    def agree(self):
        for name in FOLLOWED:
            self.secondary.wait_for_serial(name, self.fetch(self.primary, name)[0])
            assert self.fetch(self.primary, name) == self.fetch(self.secondary, name), f"copies of {name} differ"

    def expire(self):
        """A crash renews no timer: however often the secondary is killed, a zone of seconds ends without its primary."""
        self.primary.kill()
        deadline = time.monotonic() + servers.CHANGE_SECONDS
        expired = False
        while not expired:
            assert time.monotonic() < deadline, f"{SHORT} does not expire while its secondary is killed again and again"
            self.secondary.kill()
            self.count("until expiry")
            self.start(self.secondary, often=0)
            self.check_lonely_secondary()
            expired = self.secondary.serial(SHORT) is None
        self.start(self.primary, often=0)
        self.check_primary()

    def images_of(self, server):
        return sorted(path.name.rsplit(".", 1)[0] + "." for path in (server.folder / "data" / "images").iterdir())

    def check_folders(self):
        """After a restart in good order each large copy is one file, and nothing else lies about."""
        for server in self.all():
            server.stop()
            server.start()
        self.agree()
        for server, images in ((self.primary, []), (self.secondary, sorted(LARGE))):
            server.stop()
            assert self.images_of(server) == images, f"files in data/images of {server.name}"
            rest = sorted(path.name for path in (server.folder / "data").iterdir())
            assert rest == ["images", "lock", "store.mdb"], f"{server.name} leaves {rest}"

    def storm(self, kills):
        """Starts everything, and kills so often at least."""
        for server in self.all():
            server.start()
        self.check_primary()
        self.may_write = True
        for thread in self.threads:
            thread.start()
        while self.counts["kills"] < kills:
            self.one_kill()

    def end_storm(self):
        self.ended.set()
        for thread in self.threads:
            if thread.ident is not None:
                thread.join()

    def run(self, kills):
        try:
            self.storm(kills)
            with self.nobody_writes():
                self.agree()
                self.expire()
                self.agree()
                self.ended.set()
            self.end_storm()
            self.raise_failures()
            self.check_folders()
        finally:
            self.end_storm()
            for server in self.all():
                server.kill()


def run(folder, kills, seed):
    """Gives what happened, in words."""
    crash = Crash(pathlib.Path(folder), seed)
    try:
        crash.run(kills)
    except BaseException:
        for server in crash.all():
            print(f"-- log of {server.name}\n{server.log_tail()}")
        raise
    return ", ".join(f"{count} {what}" for what, count in crash.counts.items())


def main():
    parser = argparse.ArgumentParser(description="Kills a primary and its secondary, and looks at what they remember.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="tandem-crash-") as folder:
        print(run(folder, options.kills, options.seed))


if __name__ == "__main__":
    sys.exit(main())
