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
TIMES_ASKED = 3  # who gets no answer within some seconds asks again over UDP, so often in all; we may be slow


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
        self.rrtype = wire.AXFR  # that was asked for last
        self.rrtypes = []  # all, in order
        self.silent = False  # takes SOA questions over UDP and says nothing
        self.rcode = 0  # of the answers to SOA questions
        self.asked_from = []  # addresses that SOA questions over UDP came from
        self.transferred_from = []
        self.lies = []  # each makes a datagram of (query, honest answer), sent before the honest one
        self.name = "fake"
        self.kind = "fake"
        (self.address, self.port), self.udp, self.tcp = servers.listening_sockets(place)
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

    def body(self, serial=None):
        """What lies between the two SOAs."""
        text = b"%d" % (self.serial if serial is None else serial)
        return [
            record(self.zone, NS, wire.wire_of_name(f"ns.{self.zone}")),
            record(f"ns.{self.zone}", 1, bytes([127, 0, 0, 1])),
            record(f"version.{self.zone}", TXT, bytes([len(text)]) + text),
        ]

    def zone_as_sent(self):
        """As wire.axfr() gives it."""
        return set(wire.records_of(self.message(0, [self.soa(), *self.body()])))

    def message(self, query_id, records, flags=AXFR_FLAGS, question=True, name=None):
        asked = wire.wire_of_name(name or self.zone) + struct.pack("!HH", self.rrtype, 1) if question else b""
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
                answers = [lie(query, self.answer_soa(query)) for lie in self.lies] + [self.answer_soa(query)]
                for answer in [] if self.silent else answers:
                    self.udp.sendto(answer, client)
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
                        self.rrtype = rrtype
                        self.rrtypes.append(rrtype)
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


def differing(*extra):
    """By IXFR what leads from the version before, with these records more; else the whole zone without them."""

    def play(connection, query_id, fake):
        before = fake.serial - 1
        change = [fake.soa(before), fake.body(before)[-1], fake.soa(), fake.body()[-1], *extra]
        records = change if fake.rrtype == wire.IXFR else fake.body()
        fake.send(connection, fake.message(query_id, [fake.soa(), *records, fake.soa()]))

    return play


def spoilt(spoil):
    """A good difference by IXFR that `spoil` makes messages of, [[record]], with whatever is wrong; else the whole zone."""

    def play(connection, query_id, fake):
        if fake.rrtype != wire.IXFR:
            honest(connection, query_id, fake)
            return
        old, new = fake.serial - 1, fake.serial
        away, here = fake.body(old)[-1], fake.body(new)[-1]
        for records in spoil(fake, [fake.soa(), fake.soa(old), away, fake.soa(), here, fake.soa()]):
            fake.send(connection, fake.message(query_id, records) if records else b"\0" * 12)

    play.__name__ = spoil.__name__
    return play


def removes_what_is_not_there(fake, good):
    yield [*good[:2], record(f"absent.{fake.zone}", 1, bytes(4)), *good[2:]]


def adds_what_is_there(fake, good):
    yield [*good[:4], fake.body()[0], *good[4:]]


def spoils_the_second_of_two(fake, good):
    """To a version between, and from there with something that is not there."""
    between = fake.soa(fake.serial - 1)[:-20] + struct.pack("!5I", fake.serial, *fake.timers)
    newest = fake.soa(fake.serial + 1)
    yield [newest, *good[1:3], between, good[4], between, record(f"absent.{fake.zone}", 1, bytes(4)), newest, newest]


def has_a_strange_soa(fake, good):
    apex = len(wire.wire_of_name(fake.zone))
    yield [*good[:4], wire.wire_of_name(f"below.{fake.zone}") + good[0][apex:], *good[4:]]


def begins_elsewhere(fake, good):
    yield [good[0], fake.soa(fake.serial + 7), *good[2:]]


def leads_nowhere(_fake, good):
    yield [good[0], good[1], good[1], good[0]]


def ends_otherwise(fake, good):
    yield [*good[:5], fake.soa(fake.serial + 1)]


def garbles_the_end(_fake, good):
    yield good[:3]
    yield good[3:5]
    yield [b"\x3f" + good[5]]


def has_a_message_of_nothing(_fake, good):
    yield good[:3]
    yield []


def says_the_soa_alone(_fake, good):
    yield good[:1]


def cut_differences(connection, query_id, fake):
    """Closes when what goes has been said."""
    old = fake.serial - 1
    fake.send(connection, fake.message(query_id, [fake.soa(), fake.soa(old), fake.body(old)[-1], fake.soa()]))


def stalled_differences(connection, query_id, fake):
    """The same, and keeps the connection."""
    cut_differences(connection, query_id, fake)
    fake.ended.wait(60)


BAD_DIFFERENCES = [
    spoilt(spoil)
    for spoil in (
        removes_what_is_not_there,
        adds_what_is_there,
        spoils_the_second_of_two,
        has_a_strange_soa,
        begins_elsewhere,
        leads_nowhere,
        ends_otherwise,
        garbles_the_end,
        has_a_message_of_nothing,
        says_the_soa_alone,
    )
]


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


def trickle(connection, query_id, fake):
    """A few octets at a time, quick enough never to be idle, and too slow to be done in time."""
    message = fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()])
    stream = struct.pack("!H", len(message)) + message
    for start in range(0, len(stream), 4):
        connection.sendall(stream[start : start + 4])
        if fake.ended.wait(0.25):
            return


def soa_in_the_middle(connection, query_id, fake):
    """Goes on behind the SOA that ends it."""
    more = record(f"more.{fake.zone}", 1, bytes([192, 0, 2, 1]))
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa(), more, fake.soa()]))


def soa_elsewhere(connection, query_id, fake):
    """An SOA of a name below the apex."""
    apex, stray = wire.wire_of_name(fake.zone), wire.wire_of_name(f"below.{fake.zone}")
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), stray + fake.soa()[len(apex) :], fake.soa()]))


def first_id_is_wrong(connection, query_id, fake):
    fake.send(connection, fake.message(query_id ^ 0x8000, [fake.soa(), *fake.body(), fake.soa()]))


def first_question_is_wrong(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()], name="other.example."))


def later_question_is_wrong(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.send(connection, fake.message(query_id, [fake.soa()], name=f"below.{fake.zone}"))


def asks_back(connection, query_id, fake):
    """A question (QR=0) where an answer is due."""
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.send(connection, fake.message(query_id, [fake.soa()], flags=AXFR_FLAGS & 0x7FFF))


def other_opcode(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()], flags=AXFR_FLAGS | 4 << 11))


def truncated(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()], flags=AXFR_FLAGS | 0x200))


def late_refusal(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.send(connection, fake.message(query_id, [fake.soa()], flags=AXFR_FLAGS | 2))


def pointer_to_itself(connection, query_id, fake):
    """An owner that is a compression pointer to where it stands, and one that leads ahead."""
    start = len(fake.message(query_id, [fake.soa()]))
    loop = struct.pack("!H", 0xC000 | start) + struct.pack("!HHIH", 1, 1, 300, 4) + bytes([192, 0, 2, 1])
    fake.send(connection, fake.message(query_id, [fake.soa(), loop, *fake.body(), fake.soa()]))


def pointers_in_a_ring(connection, query_id, fake):
    """RDATA whose name is two pointers that lead to each other."""
    start = len(fake.message(query_id, [fake.soa(), wire.wire_of_name(f"ring.{fake.zone}")])) + 10
    ring = record(f"ring.{fake.zone}", NS, struct.pack("!HH", 0xC000 | (start + 2), 0xC000 | start))
    fake.send(connection, fake.message(query_id, [fake.soa(), ring, *fake.body(), fake.soa()]))


def more_records_than_octets(connection, query_id, fake):
    message = bytearray(fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()]))
    message[6:8] = b"\xff\xff"
    fake.send(connection, bytes(message))


def octets_behind_the_end(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), fake.soa()]) + b"and more")


def rdata_beyond_the_end(connection, query_id, fake):
    message = bytearray(fake.message(query_id, [fake.soa(), *fake.body(), record(fake.zone, TXT, b"\1x")]))
    message[-4:-2] = b"\xff\xff"
    fake.send(connection, bytes(message))


def largest_message_of_noise(connection, query_id, fake):
    fake.send(connection, struct.pack("!H", query_id) + AXFR_FLAGS.to_bytes(2, "big") + b"\xff" * 65531)


def message_of_no_octets(connection, query_id, fake):
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body()]))
    fake.send(connection, b"")
    fake.send(connection, fake.message(query_id, [fake.soa()]))


def question_types(connection, query_id, fake):
    """Records of types that only questions and messages have."""
    strange = [record(f"odd.{fake.zone}", rrtype, b"") for rrtype in (41, 249, 250, 251, 252, 255)]
    fake.send(connection, fake.message(query_id, [fake.soa(), *fake.body(), *strange, fake.soa()]))


def out_of_zone(connection, query_id, fake):
    """The right zone, and records of other people's names, which nobody may get from us."""
    foreign = [record(name, 1, bytes([203, 0, 113, 1])) for name in ("www.other.example.", "example.", ".")]
    fake.send(connection, fake.message(query_id, [fake.soa(), *foreign, *fake.body(), *foreign, fake.soa()]))


# ---- Lies


def lie_other_id(query, answer):
    return bytes([answer[0] ^ 1]) + answer[1:]


def lie_question(query, answer):
    """Our own question."""
    return query


def lie_other_question(query, answer):
    return answer[:12] + b"\5other" + answer[12:]


def lie_cut(query, answer):
    return answer[: len(answer) // 2]


def lie_no_header(query, answer):
    return answer[:3]


def lie_nothing(query, answer):
    return b""


def lie_loop(query, answer):
    """The question's name is a pointer to itself."""
    return answer[:12] + b"\xc0\x0c" + answer[12:]


def lie_noise(query, answer):
    return answer[:2] + b"\xff" * 4094


LIES = [lie_other_id, lie_question, lie_other_question, lie_cut, lie_no_header, lie_nothing, lie_loop, lie_noise]
