# SPDX-License-Identifier: MIT
"""A zone that changes at random and is handed from server to server: what any of them serves under a serial is what the first
one served under it."""

import base64
import hashlib
import os
import random
import time

import dns.query
import dns.rcode
import dns.update
import servers
import wire

ZONE = "chain.example."
SECONDS = float(os.environ.get("CHAIN_SECONDS", 3))  # that changes go on
BY_DIFFERENCES = "as what differs from"  # in a line of the log
BURST_MAX = 4  # changes that nobody waits for
HOSTS = 24


def seed():
    """Of this run, printed for the next one that is to be the same."""
    number = int(os.environ.get("CHAIN_SEED", random.randrange(10**9)))
    print(f"CHAIN_SEED={number}")
    return number


def key(name, algorithm):
    """A key with a secret of its own."""
    secret = base64.b64encode(hashlib.sha512(f"{name} {algorithm}".encode()).digest())
    return servers.Key(f"{name}.key", algorithm, secret.decode())


# ---- What changes


class Content:
    """RRsets of a zone but for those of its apex: {(name, type): (ttl, {rdata})}, changed at random."""

    def __init__(self, draw):
        self.draw = draw
        self.sets = {}
        for number in range(60):  # that stay: without them a difference would be larger than the zone
            self.sets[f"stays{number}", "TXT"] = (300, {f'"{"x" * 40} {number}"'})
        for _ in range(40):
            self.step()

    def change(self):
        """Some steps; gives the RRsets before."""
        before = dict(self.sets)
        while self.sets == before:
            for _ in range(self.draw.choice([1, 1, 1, 2, 5, 12])):
                self.step()
        return before

    def step(self):
        draw = self.draw
        number = draw.randrange(HOSTS)
        kind = draw.choice(["address", "address", "address", "text", "exchange", "deep", "wildcard", "alias", "cut", "ttl"])
        if kind == "address":
            self.turn(f"n{number}", "A", f"192.0.2.{draw.randrange(6)}")
        elif kind == "text":
            self.turn(f"n{number}", "TXT", f'"{draw.choice(["Text", "text", "TEXT"])} {draw.randrange(3)}"')
        elif kind == "exchange":
            self.turn(f"n{number}", "MX", f"{draw.randrange(3)} n{draw.randrange(HOSTS)}.{ZONE}")
        elif kind == "deep":  # with names between that hold nothing
            self.turn(f"{draw.choice('abc')}.{draw.choice('abc')}.n{number}", "AAAA", f"2001:db8::{draw.randrange(9)}")
        elif kind == "wildcard":
            self.cut_or_wildcard(f"w{number % 4}", "*")
        elif kind == "cut":
            self.cut_or_wildcard(f"w{number % 4}", "cut")
        elif kind == "alias":
            self.set(f"c{number}", "CNAME", 300, {f"n{draw.randrange(HOSTS)}.{ZONE}"} if draw.random() < 0.7 else set())
        else:
            self.time(draw.choice(sorted(self.sets)))

    def set(self, name, rrtype, ttl, rdatas):
        self.sets.pop((name, rrtype), None)
        if rdatas:
            self.sets[name, rrtype] = (ttl, rdatas)

    def turn(self, name, rrtype, rdata):
        """One RR comes, or goes if it is there."""
        ttl, rdatas = self.sets.get((name, rrtype), (300, set()))
        self.set(name, rrtype, ttl, rdatas ^ {rdata})

    def time(self, key):
        _, rdatas = self.sets[key]
        self.set(*key, self.draw.choice([60, 300, 301, 86400]), rdatas)

    def cut_or_wildcard(self, name, which):
        """A wildcard, or in its place a delegation with its glue."""
        is_cut = which == "cut"
        self.set(f"*.{name}", "TXT", 300, set() if is_cut else {f'"wild {self.draw.randrange(3)}"'})
        self.set(name, "NS", 300, {f"ns.{name}.{ZONE}", f"ns.other{self.draw.randrange(3)}.test."} if is_cut else set())
        self.set(f"ns.{name}", "A", 300, {f"192.0.2.{self.draw.randrange(6)}"} if is_cut else set())

    def text(self, serial):
        lines = [f"$ORIGIN {ZONE}", "$TTL 300", f"@ SOA ns hostmaster {serial} 3600 600 86400 300", "@ NS ns", "ns A 127.0.0.1"]
        for (name, rrtype), (ttl, rdatas) in self.sets.items():
            lines += [f"{name} {ttl} {rrtype} {rdata}" for rdata in rdatas]
        return "\n".join(lines) + "\n"


def changed_sets(before, after):
    """[(name, type, ttl and rdatas before or None, the same after)]."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    # What goes first: an alias must be gone when something else comes at its name.
    return sorted(((*key, before.get(key), after.get(key)) for key in keys), key=lambda row: (row[3] is not None, row[:2]))


# ---- Who changes it


class FileSource:
    """Another file, which the server is told to read."""

    def __init__(self, server, content):
        self.server = server
        self.content = content
        self.serial = 1
        self.file = server.folder / "first.zone"
        self.file.write_text(content.text(1))
        server.serve(ZONE, self.file)

    def publish(self, _before):
        """What the content is now, where the server has what it was before; gives the serial that it is served under."""
        self.serial += self.content.draw.choice([1, 1, 1, 7, 2**20])
        self.file.write_text(self.content.text(self.serial))
        self.server.change(ZONE, self.file)
        self.server.wait_for_serial(ZONE, self.serial)
        return self.serial


class UpdateSource(FileSource):
    """Dynamic updates (RFC 2136); the server raises the serial."""

    def __init__(self, server, content):
        super().__init__(server, content)
        server.takes_orders = True

    def publish(self, before):
        update = dns.update.UpdateMessage(ZONE)
        for name, rrtype, old, new in changed_sets(before, self.content.sets):
            if old:
                update.delete(name, rrtype)
            for rdata in sorted(new[1]) if new else []:
                update.add(name, new[0], rrtype, rdata)
        answer = dns.query.tcp(update, self.server.address, port=self.server.port, timeout=servers.ANSWER_SECONDS)
        assert answer.rcode() == dns.rcode.NOERROR, answer
        return self.server.serial(ZONE)


class KnotSource(FileSource):
    """Transactions of knotc; the server raises the serial."""

    def __init__(self, server, content):
        super().__init__(server, content)
        server.takes_orders = server.keeps_differences = True

    def publish(self, before):
        self.server.order("zone-begin", ZONE)
        for name, rrtype, old, new in changed_sets(before, self.content.sets):
            if old:
                self.server.order("zone-unset", ZONE, name, rrtype)
            for rdata in sorted(new[1]) if new else []:
                self.server.order("zone-set", ZONE, name, str(new[0]), rrtype, rdata)
        self.server.order("-b", "zone-commit", ZONE)
        return self.server.serial(ZONE)


class KnotFileSource(FileSource):
    """Another file, which Knot compares with the zone that it has."""

    def __init__(self, server, content):
        super().__init__(server, content)
        server.keeps_differences = True


SOURCES = {"tandem": FileSource, "bind": UpdateSource, "knot": KnotSource, "knot-file": KnotFileSource}


# ---- How it is handed on


class Chain:
    """A source and those that follow it, or one another."""

    def __init__(self, world, source, number):
        self.draw = random.Random(number)
        self.world = world
        self.first = world.new(source.split("-")[0], "first")
        self.source = SOURCES[source](self.first, Content(self.draw))
        self.servers = [self.first]
        self.versions = {}  # by serial: the records that the source served
        self.serials = []
        self.looks = 0

    def add(self, kind, primary, name, key=None):
        """One more server, that follows this one."""
        server = self.world.new(kind, name)
        server.asks_for_differences = server.keeps_differences = True
        server.follow(ZONE, primary, key=key)
        self.servers.append(server)
        return server

    def start(self):
        for server in self.servers:
            server.start()
        self.note(1)
        self.agree()

    def fetch(self, server):
        """The zone as this server has it, in a form that equals that of all others."""
        while True:
            try:
                return wire.as_nsd_writes(wire.axfr(server.place, ZONE, source=servers.LOOKER))
            except (ConnectionError, wire.TransferError):
                # NSD's former process ends with what it has been asked.
                if server.kind != "nsd" or server.process.poll() is not None:
                    raise

    def note(self, serial):
        records = self.fetch(self.first)
        assert wire.serial_of(records) == serial
        assert serial not in self.versions
        self.versions[serial] = records
        self.serials.append(serial)

    def change(self):
        self.note(self.source.publish(self.source.content.change()))

    def put(self, *changes):
        """These RRsets become so: (name, type, ttl, rdatas); no rdatas: it goes."""
        content = self.source.content
        before = dict(content.sets)
        for name, rrtype, ttl, rdatas in changes:
            content.set(name, rrtype, ttl, set(rdatas))
        self.note(self.source.publish(before))
        self.agree()

    def look(self, server):
        """Whatever it serves now is a version that the source had."""
        records = self.fetch(server)
        self.looks += 1
        wire.assert_equal_zones(self.versions[wire.serial_of(records)], records, "the first", server.name)

    def agree(self):
        """All come to the newest version, and have just that."""
        for server in self.servers[1:]:
            server.wait_for_serial(ZONE, self.serials[-1])
            self.look(server)

    def ask_for_differences(self, server):
        """What leads from an older version to that which it serves leads there indeed."""
        serial = self.draw.choice(self.serials[-12:])
        if server.kind == "nsd":
            return  # it gives none
        records = wire.ixfr(server.place, ZONE, serial, source=servers.LOOKER)
        reached = wire.after_differences(self.versions[serial], records)
        if reached is not None:
            reached = wire.as_nsd_writes(reached)
            expected = self.versions[wire.serial_of(reached)]
            wire.assert_equal_zones(expected, reached, "the first", f"after what {server.name} sent")

    def run(self, seconds=None):
        """Changes at random for a time, by ones and in bursts, with looks at any moment."""
        end = time.monotonic() + (SECONDS if seconds is None else seconds)
        while time.monotonic() < end or len(self.serials) < 8:
            for _ in range(self.draw.choice([1, 1, BURST_MAX])):
                self.change()
                server = self.draw.choice(self.servers[1:])
                self.draw.choice([self.look, self.ask_for_differences, lambda _: None])(server)
            self.agree()
        print(f"{len(self.serials)} versions, {self.looks} looks, {self.differences()} transfers of differences")

    def differences(self):
        """How many transfers of differences there were, from or to a Tandem."""
        ours = [server for server in self.servers if server.kind == "tandem"]
        return sum(len(server.lines(way, BY_DIFFERENCES)) for server in ours for way in ("transfer of serial", "transferred"))
