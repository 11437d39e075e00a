# SPDX-License-Identifier: MIT
"""A primary that a test writes: it answers SOA questions honestly and does with a transfer what it is told to."""

import socket
import struct
import threading

import servers
import wire

NS = 2
TXT = 16
AXFR_FLAGS = 0x8400
LOOK_SECONDS = 0.1  # how often a thread looks whether all is over


def record(owner, rrtype, rdata, ttl=300, rrclass=1):
    return wire.wire_of_name(owner) + struct.pack("!HHIH", rrtype, rrclass, ttl, len(rdata)) + rdata


class FakePrimary:
    """Serves one zone. `play` is called with (connection, query id, self) for each transfer; see the plays below."""

    def __init__(self, zone, serial, play, place=None):
        self.zone = zone
        self.serial = serial
        self.play = play
        self.timers = (2, 1, 3600, 60)  # refresh, retry, expire, minimum
        self.transfers = 0
        self.silent = False  # takes SOA questions over UDP and says nothing
        self.rcode = 0  # of the answers to SOA questions
        self.asked_from = []  # addresses that SOA questions over UDP came from
        self.transferred_from = []
        self.name = "fake"
        self.kind = "fake"
        self.address = place[0] if place else servers.addresses.next()
        self.port = place[1] if place else servers.free_port(self.address)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.udp.bind((self.address, self.port))
        self.tcp.bind((self.address, self.port))
        self.tcp.listen(16)
        self.ended = threading.Event()
        self.loops = [threading.Thread(target=loop, daemon=True) for loop in (self.serve_udp, self.serve_tcp)]
        for sock in (self.udp, self.tcp):
            sock.settimeout(LOOK_SECONDS)
        for loop in self.loops:
            loop.start()

    # ---- Records

    def soa(self, serial=None):
        names = wire.wire_of_name(f"ns.{self.zone}") + wire.wire_of_name(f"hostmaster.{self.zone}")
        timers = struct.pack("!5I", self.serial if serial is None else serial, *self.timers)
        return record(self.zone, wire.SOA, names + timers)

    def body(self):
        """What lies between the two SOAs."""
        text = b"%d" % self.serial
        return [
            record(self.zone, NS, wire.wire_of_name(f"ns.{self.zone}")),
            record(f"ns.{self.zone}", 1, bytes([127, 0, 0, 1])),
            record(f"version.{self.zone}", TXT, bytes([len(text)]) + text),
        ]

    def message(self, query_id, records, flags=AXFR_FLAGS, question=True):
        asked = wire.wire_of_name(self.zone) + struct.pack("!HH", wire.AXFR, 1) if question else b""
        head = struct.pack("!6H", query_id, flags, 1 if question else 0, len(records), 0, 0)
        return head + asked + b"".join(records)

    @staticmethod
    def send(connection, message):
        connection.sendall(struct.pack("!H", len(message)) + message)

    # ---- Sockets

    def serve_udp(self):
        while not self.ended.is_set():
            try:
                query, client = self.udp.recvfrom(65535)
                self.asked_from.append(client[0])
                if not self.silent:
                    self.udp.sendto(self.answer_soa(query), client)
            except TimeoutError:
                continue
            except OSError:
                return

    def answer_soa(self, query):
        end = wire.read_name(query, 12)[1] + 4
        if self.rcode:
            return query[:2] + struct.pack("!5H", AXFR_FLAGS | self.rcode, 1, 0, 0, 0) + query[12:end]
        head = query[:2] + struct.pack("!5H", AXFR_FLAGS, 1, 1, 0, 0)
        return head + query[12:end] + self.soa()

    def serve_tcp(self):
        while not self.ended.is_set():
            try:
                connection, _ = self.tcp.accept()
            except TimeoutError:
                continue
            connection.settimeout(None)
            threading.Thread(target=self.serve_connection, args=(connection,), daemon=True).start()

    def serve_connection(self, connection):
        with connection:
            try:
                while True:
                    head = connection.recv(2, socket.MSG_WAITALL)
                    if len(head) < 2:
                        return
                    query = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                    end = wire.read_name(query, 12)[1]
                    rrtype = struct.unpack_from("!H", query, end)[0]
                    if rrtype in (wire.AXFR, wire.IXFR):
                        self.transfers += 1
                        self.transferred_from.append(connection.getpeername()[0])
                        self.play(connection, struct.unpack_from("!H", query)[0], self)
                        return
                    self.send(connection, self.answer_soa(query))
            except OSError:
                return

    def end(self):
        """Nobody listens any more: a socket that a thread still waits at would stay open."""
        self.ended.set()
        for loop in self.loops:
            loop.join()
        self.tcp.close()
        self.udp.close()


# ---- Plays


def honest(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()]))


def cut(connection, query_id, fake):
    """Closes in the middle."""
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))


def stall(connection, query_id, fake):
    """Says no more after the beginning, and keeps the connection."""
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.ended.wait(60)


def other_end(connection, query_id, fake):
    """Ends with another SOA than it began with."""
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa(fake.serial + 1)]))


def other_id(connection, query_id, fake):
    """Changes the message id on the way."""
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.send(connection, fake.message(query_id ^ 1, [fake.soa()]))


def garbage(connection, query_id, fake):
    """A second message of noise."""
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.send(connection, struct.pack("!H", query_id) + bytes(range(256)))


def short_message(connection, query_id, fake):
    """A message that is no header."""
    fake.send(connection, struct.pack("!H", query_id))


def other_class(connection, query_id, fake):
    strange = record(f"chaos.{fake.zone}", TXT, b"\1x", rrclass=3)
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), strange, fake.soa()]))


def without_soa(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, fake.body()))


def bad_rdata(connection, query_id, fake):
    """An address record of three octets."""
    broken = record(f"broken.{fake.zone}", 1, b"\1\2\3")
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), broken, fake.soa()]))


def refuses(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [], flags=AXFR_FLAGS | 5))


def empty(connection, query_id, fake):
    """NOERROR without a record."""
    fake.send(connection, fake.message(query_id, []))


def endless(connection, query_id, fake):
    """Records without end, a few thousand in each message."""
    first = [fake.soa(), *fake.body()]
    number = 0
    while not fake.ended.is_set():
        more = [record(f"n{number + i}.{fake.zone}", 1, bytes([192, 0, 2, 1])) for i in range(1000)]
        fake.send(connection, fake.message(query_id, first + more))
        first = []
        number += 1000


def drip(connection, query_id, fake):
    """One octet now and then: never idle, never done."""
    message = fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()])
    for octet in struct.pack("!H", len(message)) + message:
        connection.sendall(bytes([octet]))
        if fake.ended.wait(0.5):
            return
