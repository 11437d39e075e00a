# SPDX-License-Identifier: MIT
"""What has been seen and told of zones while servers are killed, and what may therefore never be seen again.

A version is told from others by its records. The history of a zone has every serial with the version that was seen
under it, at whichever server: one serial is one version, until serials have come full circle. Below the newest serial that
a server was seen to serve it may not go.
"""

import collections
import hashlib
import threading
import time

import wire

FIRST_SERIAL = 2**32 - 20  # so that serials wrap soon
SECONDS = 604800
STORY_LINES = 60


class SeenWrong(AssertionError):
    """A server contradicts what was seen before."""

    def __init__(self, zone, text):
        super().__init__(f"{zone}: {text}")
        self.zone = zone


def is_older(serial, than):
    """RFC 1982 3.2; what is as far behind as ahead counts as older."""
    return serial != than and (serial - than) % 2**32 >= 2**31


def body_of(records):
    """A digest of a version without its SOA, which is what a file and what is served from it have in common."""
    rest = sorted(record for record in records if record[1] != wire.SOA)
    return hashlib.sha256(repr(rest).encode()).hexdigest()


class ZoneUnderTest:
    """The file of a zone, and what has been seen of the zone so far. Guarded by the lock of the history."""

    def __init__(self, name, folder, records=0, expire=SECONDS, leaps=False):
        self.name = name
        self.file = folder / f"{name}zone"
        self.records = records  # with a text of 100 octets each, beside those that every zone has
        self.expire = expire
        self.leaps = leaps  # its serial leaps a quarter of the circle; no secondary could follow each leap
        self.serial_file = FIRST_SERIAL
        self.bodies = {}  # body: the words that made it
        self.body = None  # of the file as it is
        self.unseen = []  # bodies of the file since the newest version that was seen, and that one, in order
        self.history = {}  # serial: body
        self.floors = {}  # server: the newest serial that was seen there, or told
        self.count = 0

    def text_of(self, words):
        times = f"{1 if self.expire < 3600 else 3600} 1 {self.expire} 300"
        lines = [f"$ORIGIN {self.name}", "$TTL 300", f"@ SOA ns1 hostmaster {self.serial_file} {times}", "@ NS ns1"]
        lines.append("ns1 A 127.0.0.1")
        lines += [f'{owner} TXT "{text}"' for owner, text in words]
        return "\n".join(lines) + "\n"

    def words(self, draw):
        """The records of a new version; some of a large zone change, all others stay."""
        self.count += 1
        words = [("version", f"{self.count} {draw.random()}")]
        if self.records:
            changed = draw.sample(range(self.records), 3)
            words += [(f"n{i}", f"{self.count if i in changed else 0:050}" * 2) for i in range(self.records)]
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
            self.serial_file = (served + (draw.choice([step, 2**30]) if self.leaps else step)) % 2**32
        elif step < 0:
            self.serial_file = (served + step) % 2**32
        self.body = self.body_of_words(words)
        self.unseen.append(self.body)
        self.bodies[self.body] = words
        beside = self.file.with_suffix(".next")
        beside.write_text(self.text_of(words), encoding="ascii")
        beside.rename(self.file)


class History:
    """All that was seen, and a log of it in the order in which it was. Any thread."""

    def __init__(self, log):
        self.happened = threading.Condition(threading.RLock())  # guards everything below
        self.zones = {}
        self.counts = collections.Counter()
        self.moved = collections.Counter()  # server: how often something newer was seen there
        self.begun = time.monotonic()
        self.log = log
        self.lines = collections.deque(maxlen=20000)  # zone or None, and the line

    def note(self, text, zone=None):
        with self.happened:
            line = f"{time.monotonic() - self.begun:10.4f} {zone or '*':16} {text}"
            self.lines.append((zone, line))
            print(line, file=self.log)

    def story(self, zone):
        """What led to a failure with this zone: what was seen of it, and what became of the servers."""
        with self.happened:
            return "\n".join([line for about, line in self.lines if about in (None, zone)][-STORY_LINES:])

    def count(self, what, by=1):
        with self.happened:
            self.counts[what] += by
            self.happened.notify_all()

    def edit(self, name, draw):
        with self.happened:
            zone = self.zones[name]
            zone.edit(draw)
            self.note(f"file: version {zone.body[:8]}, serial {zone.serial_file}", name)

    def floor(self, server, name):
        """To be asked for before the server is: what it answers may not be older."""
        with self.happened:
            return self.zones[name].floors.get(server.name)

    def see_serial(self, server, name, serial, floor, how):
        """A serial that was answered, to a question that was asked when `floor` was the newest of this server."""
        with self.happened:
            if floor is not None and is_older(serial, floor):
                raise SeenWrong(name, f"{server.name} went back from serial {floor} to {serial} ({how})")
            newest = self.zones[name].floors.get(server.name)
            if newest is None or is_older(newest, serial):
                self.zones[name].floors[server.name] = serial
                self.note(f"{server.name}: serial {serial} ({how})", name)
                self.moved[server.name] += 1
                self.happened.notify_all()

    @staticmethod
    def see_new_body(zone, server, serial, body, how):
        if any(is_older(serial, seen) for seen in zone.history):
            return  # of some time ago, and seen only now
        if body not in zone.unseen:
            raise SeenWrong(zone.name, f"{server.name} serves the old {body[:8]} as serial {serial} ({how})")
        zone.unseen = zone.unseen[zone.unseen.index(body) :]

    def see_version(self, server, name, records, floor, how):
        """A version that was transferred: a serial has one content, and that was in the file at some time; a new serial has
        what was not older than the newest version seen before. Gives serial and body."""
        serial, body = wire.serial_of(records), body_of(records)
        zone = self.zones[name]
        with self.happened:
            known = zone.history.get(serial)
            if body not in zone.bodies:
                raise SeenWrong(name, f"{server.name} serves what it never was, under serial {serial} ({how})")
            if known not in (None, body):
                what = f"{server.name} serves {body[:8]} under serial {serial}, which was {known[:8]} ({how})"
                raise SeenWrong(name, what)
            if known is None:
                self.see_new_body(zone, server, serial, body, how)
                if zone.leaps:  # what half a circle ago was newer than this is free again
                    zone.history = {old: kept for old, kept in zone.history.items() if not is_older(serial, old)}
                zone.history[serial] = body
                self.note(f"{server.name}: version {body[:8]} is serial {serial} ({how})", name)
            self.see_serial(server, name, serial, floor, how)
        return serial, body
