#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A primary, its secondary and a secondary of that are killed at random moments while zones change, and nothing that was
told is taken back.

    TANDEM=build/tandem tests/crash.py [--kills N] [--seed N]

Threads change zone files, with and without raising their serials, and have the primary read them, one by one and several
together; others ask all servers for serials and fetch differences all the while. What was answered, what a difference led to,
and what `tandem zone reload --wait` told, is what a server may not go back behind: it is killed (kill -9), at any moment or
just when it has answered something new, started again, and everything that it serves then is held against that.

What is drawn comes from the seed, which is printed; what falls into which moment does not. A run that fails leaves its
folder, with a log of all that was seen and with the servers' logs and data, and prints what led to the failure.
"""

import argparse
import contextlib
import pathlib
import random
import re
import shutil
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))
sys.path.insert(0, str(ROOT / "tests"))

import crash_history
import servers
import wire

SMALL = [f"small{number}.example." for number in range(14)]
LARGE = [f"large{number}.example." for number in range(4)]  # over 16 KiB of records: a file in data/images
HUGE = "huge.example."
SHORT = "short.example."  # expires within seconds
JUMPING = "jumping.example."
LASTING = [*SMALL, *LARGE, HUGE]
FOLLOWED = [*LASTING, SHORT]
ALL = [*FOLLOWED, JUMPING]

WRITERS = 3
LARGE_RECORDS = 250
HUGE_RECORDS = 4000
SHORT_SECONDS = 4
KILL_CHANGES = 12  # a kill comes after up to so many changes
KILL_SECONDS = 0.03  # and up to this long after the last of them
KILL_AT_ONCE_SECONDS = 0.002  # or so soon after something new was told or answered
START_KILL_SECONDS = 0.15  # or this long after a start
IDLE_SECONDS = 0.02
SECONDS = 180  # a run of any length has so many
SECONDS_PER_KILL = 3  # and these; on a quiet machine half a second is enough


class Crash:
    """The run. A method that ends in a complaint raises AssertionError; a thread hands its own to the main one."""

    def __init__(self, folder, seed, log):
        self.draw = random.Random(seed)
        self.primary = servers.Tandem(folder, "primary")
        self.secondary = servers.Tandem(folder, "secondary")
        self.third = servers.Tandem(folder, "third")
        self.history = crash_history.History(log)
        self.zones = self.history.zones
        for name in ALL:
            self.add_zone(name, folder)
        self.may_write = False
        self.writing = 0  # writers in mid-change
        self.ended = threading.Event()
        self.failures = []
        tasks = [(self.write, number, random.Random(f"{seed} {number}")) for number in range(WRITERS)]
        for task in (self.watch, self.fetch_differences):
            tasks += [(task, server, random.Random(f"{seed} {server.name}")) for server in self.all()]
        self.threads = [threading.Thread(target=self.guarded, args=task) for task in tasks]

    def add_zone(self, name, folder):
        records = HUGE_RECORDS if name == HUGE else LARGE_RECORDS if name in LARGE else 0
        expire = SHORT_SECONDS if name == SHORT else crash_history.SECONDS
        zone = crash_history.ZoneUnderTest(name, folder, records, expire, leaps=name == JUMPING)
        self.zones[name] = zone
        self.history.edit(name, self.draw)
        self.primary.serve(name, zone.file)
        self.primary.zone(name).file = zone.file
        if name in FOLLOWED:
            self.secondary.follow(name, self.primary)
            self.third.follow(name, self.secondary)

    def all(self):
        return [self.primary, *self.followers()]

    def followers(self):
        return [self.secondary, self.third]

    def zones_of(self, server):
        return ALL if server is self.primary else FOLLOWED

    def guarded(self, task, *arguments):
        try:
            task(*arguments)
        except BaseException as failure:  # whatever it is ends the run
            self.failures.append(failure)
            self.ended.set()

    # ---- What is seen

    def fetch(self, server, name):
        """Transfers a zone that nobody changes meanwhile, and takes note; gives serial and body."""
        floor = self.history.floor(server, name)
        records = wire.axfr(server.place, name, servers.CHANGE_SECONDS)
        return self.history.see_version(server, name, records, floor, "AXFR")

    def watch(self, server, draw):
        """Asks one server for serials, whether it runs or not."""
        while not self.ended.is_set():
            name = draw.choice(self.zones_of(server))
            floor = self.history.floor(server, name)
            serial = server.serial(name, servers.POLL_ANSWER_SECONDS)
            if serial is None:
                self.ended.wait(IDLE_SECONDS)
            else:
                self.history.see_serial(server, name, serial, floor, "answer")
                self.history.count("answers")

    def fetch_differences(self, server, draw):
        """Keeps copies of one server's zones up to date by IXFR, as its secondaries do."""
        copies = {}
        while not self.ended.is_set():
            name = draw.choice(FOLLOWED)
            try:
                copies[name] = self.follow_once(server, name, copies.get(name))
            except (OSError, wire.TransferError):  # it is killed, or does not serve it yet
                self.ended.wait(IDLE_SECONDS)

    def follow_once(self, server, name, have):
        """The newest copy; None: it is to be fetched whole."""
        floor = self.history.floor(server, name)
        if have is None:
            have, how = wire.axfr(server.place, name, servers.CHANGE_SECONDS), "AXFR"
        else:
            records = wire.ixfr(server.place, name, wire.serial_of(have), servers.CHANGE_SECONDS)
            if len(records) == 1:
                self.history.see_serial(server, name, wire.serial_of(records), floor, "IXFR")
                return have if records[0] in have else None
            have, how = self.after(name, have, records)
            self.history.count(how)
        self.history.see_version(server, name, have, floor, how)
        return have

    @staticmethod
    def after(name, have, records):
        """The zone that a copy becomes by the answer to IXFR, and what kind of answer it was."""
        try:
            changed = wire.after_differences(have, records)
        except wire.TransferError as wrong:
            raise crash_history.SeenWrong(name, str(wrong)) from None
        return (changed, "IXFR with differences") if changed is not None else (set(records), "IXFR as a whole zone")

    # ---- Changes

    def write(self, number, draw):
        """Changes zones that no other thread changes, while it may."""
        own = ALL[number::WRITERS]
        while not self.ended.is_set():
            with self.history.happened:
                goes_on = self.may_write
                self.writing += goes_on
            if not goes_on:
                self.ended.wait(IDLE_SECONDS)
                continue
            try:
                self.change(draw.sample(own, draw.choice([1, 1, 1, 4])), draw)
            finally:
                with self.history.happened:
                    self.writing -= 1

    def change(self, names, draw):
        floors = {name: self.history.floor(self.primary, name) for name in names}
        for name in names:
            self.history.edit(name, draw)
        self.history.count("changes", len(names))
        if draw.random() < 0.1:
            done = self.primary.run_any("reload", "--wait")
            told = {}
        else:
            done = self.primary.run_any("zone", "reload", *names, "--wait")
            told = self.told_by(done, names)
        if done.returncode == 0:
            for name in names:
                self.check_told(name, told.get(name), floors[name])

    @staticmethod
    def told_by(done, names):
        """The serials that a reload tells of zones; of a server that was killed meanwhile there may be none."""
        told = dict(re.findall(r"^(?:(\S+): )?serial (?:\d+ to )?(\d+)", done.stdout, re.MULTILINE))
        told = {name or names[0]: int(serial) for name, serial in told.items()}
        assert done.returncode != 0 or set(told) == set(names), f"the reload of {names} tells no serials: {done.stdout}"
        return told

    def check_told(self, name, serial, floor):
        """A change that was told as done is served, for as long as the server lives."""
        if serial is not None:
            self.history.see_serial(self.primary, name, serial, floor, "told")
        self.history.count("told")
        with contextlib.suppress(OSError, wire.TransferError):  # it may be killed by now
            _, body = self.fetch(self.primary, name)
            if body != self.zones[name].body:
                raise crash_history.SeenWrong(name, "its reload was told as done, and something else is served")

    @contextlib.contextmanager
    def nobody_writes(self):
        with self.history.happened:
            self.may_write = False
        servers.wait_until(lambda: self.writing == 0, "writers have ended what they began", servers.COMMAND_SECONDS)
        self.raise_failures()
        yield
        self.may_write = True

    def raise_failures(self):
        if self.failures:
            raise self.failures[0]

    # ---- Kills

    def wait_for(self, condition, what):
        with self.history.happened:
            done = self.history.happened.wait_for(lambda: self.ended.is_set() or condition(), servers.CHANGE_SECONDS)
        self.raise_failures()
        assert done, f"after {servers.CHANGE_SECONDS} s still not: {what}"

    def wait_for_a_moment(self, victims):
        """Some changes later, at any point of the next one; or just when something was told, or seen at a victim."""
        counts, moved = self.history.counts, self.history.moved
        what = self.draw.choice(["changes", "told", "moved"])
        if what == "moved":
            name = self.draw.choice(victims).name
            wanted = moved[name] + 1 + self.draw.randrange(KILL_CHANGES)
            self.wait_for(lambda: moved[name] >= wanted, f"something new at {name}")
        else:
            wanted = counts[what] + 1 + self.draw.randrange(KILL_CHANGES)
            self.wait_for(lambda: counts[what] >= wanted, f"zones change: {what}")
        self.ended.wait(self.draw.random() * (KILL_SECONDS if what == "changes" else KILL_AT_ONCE_SECONDS))

    def kill(self, server):
        assert server.process.poll() is None, f"{server.name} has ended by itself"
        server.kill()
        self.history.note(f"{server.name} was killed")
        self.history.count("kills")

    def start(self, server, often=0.3):
        """Starts a server that was killed; now and then it is killed while it starts."""
        while self.draw.random() < often:
            server.launch()
            self.ended.wait(self.draw.random() * START_KILL_SECONDS)
            self.kill(server)
            self.history.count("of them while starting")
        server.start()
        self.history.note(f"{server.name} runs again")
        self.assert_nothing_is_broken(server)

    @staticmethod
    def assert_nothing_is_broken(server):
        broken = list((server.folder / "data").rglob("*.broken"))
        assert not broken, f"{server.name} was only killed, and set aside {broken}"

    def check_primary(self):
        """What it served is still there, and soon it is what the files say."""
        for name, zone in self.zones.items():
            servers.wait_until(
                lambda name=name, zone=zone: self.fetch(self.primary, name)[1] == zone.body,
                f"the primary serves {name} as its file has it",
            )

    def check_lonely(self, server):
        """Without those that it follows it serves what it has served, and nothing older."""
        for name in LASTING:
            if self.history.floor(server, name) is not None:
                servers.wait_until(
                    lambda name=name: server.serial(name, servers.POLL_ANSWER_SECONDS) is not None,
                    f"{server.name} serves {name} again",
                    servers.START_SECONDS,
                )
                self.fetch(server, name)

    def bring_back(self, server):
        if server is self.primary:
            for name in self.draw.sample(ALL, self.draw.randrange(4)):
                self.history.edit(name, self.draw)
            self.start(server)
            self.check_primary()
        else:
            self.start(server)
            if self.primary.process is None:
                self.check_lonely(server)

    def one_kill(self):
        """Some servers are killed together and come back, those that follow first; the others are left alone."""
        victims = self.draw.choice(
            [
                [self.primary],
                [self.secondary],
                [self.third],
                [self.primary, self.secondary],
                [self.secondary, self.third],
                self.all(),
            ]
        )
        self.wait_for_a_moment(victims)
        for server in self.draw.sample(victims, len(victims)):
            self.kill(server)
        with self.nobody_writes():
            for server in reversed(victims):
                self.bring_back(server)
            if self.draw.random() < 0.5:
                self.agree()

    # ---- The end

    def agree(self):
        """All come to serve the same, whoever was killed."""
        for name in FOLLOWED:
            serial, body = self.fetch(self.primary, name)
            for server in self.followers():
                server.wait_for_serial(name, serial)
                if self.fetch(server, name) != (serial, body):
                    raise crash_history.SeenWrong(name, f"{server.name} and the primary differ")

    def expire(self):
        """A crash renews no timer: however often the secondary is killed, a zone of seconds ends without its primary,
        and so does the copy of the copy."""
        self.primary.kill()
        deadline = time.monotonic() + servers.CHANGE_SECONDS
        expired = False
        while not expired:
            assert time.monotonic() < deadline, f"{SHORT} does not expire while its secondary is killed again and again"
            self.secondary.kill()
            self.history.count("until expiry")
            self.start(self.secondary, often=0)
            self.check_lonely(self.secondary)
            expired = self.secondary.serial(SHORT) is None
        servers.wait_until(lambda: self.third.serial(SHORT) is None, f"{SHORT} expires at the third server")
        self.start(self.primary, often=0)
        self.check_primary()

    def check_folders(self):
        """After a restart in good order no large zone has two copies, and nothing else lies about."""
        for server in self.all():
            server.stop()
            server.start()
        self.agree()
        for server in self.all():
            server.stop()
            images = [path.name.rsplit(".", 1)[0] + "." for path in (server.folder / "data" / "images").iterdir()]
            assert len(images) == len(set(images)), f"{server.name} has several copies of a zone: {sorted(images)}"
            assert set(images) <= {*LARGE, HUGE}, f"files in data/images of {server.name}: {sorted(images)}"
            rest = sorted(path.name for path in (server.folder / "data").iterdir())
            rest = [name for name in rest if name != "serials"]  # a primary's
            assert rest == ["images", "lock", "store.mdb"], f"{server.name} leaves {rest}"

    def storm(self, kills):
        """Starts everything, and kills so often at least."""
        deadline = time.monotonic() + SECONDS + kills * SECONDS_PER_KILL
        for server in self.all():
            server.start()
        self.check_primary()
        self.agree()
        self.may_write = True
        for thread in self.threads:
            thread.start()
        while self.history.counts["kills"] < kills:
            assert time.monotonic() < deadline, f"only {self.history.counts['kills']} kills in so long a time"
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
    with open(pathlib.Path(folder) / "history", "w", encoding="ascii") as log:
        crash = Crash(pathlib.Path(folder), seed, log)
        try:
            crash.run(kills)
        except BaseException as failure:
            for server in crash.all():
                print(f"-- log of {server.name}\n{server.log_tail()}")
            print(f"-- what was seen\n{crash.history.story(getattr(failure, 'zone', None))}")
            raise
    return ", ".join(f"{count} {what}" for what, count in sorted(crash.history.counts.items()))


def main():
    parser = argparse.ArgumentParser(description="Kills a primary and secondaries, and looks at what they remember.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="tandem-crash-")
    begun = time.monotonic()
    try:
        print(run(folder, options.kills, options.seed))
        print(f"{time.monotonic() - begun:.0f} s")
    except BaseException:
        print(f"everything is in {folder}", flush=True)
        raise
    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
