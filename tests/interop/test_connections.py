# SPDX-License-Identifier: MIT
"""A connection to a primary is used for one transfer after the other, and whatever the primary does with a used one costs no
zone anything."""

import copy
import socket
import struct
import threading

import fake
import pytest
import servers
import wire

ZONES = [f"z{number}.many.example." for number in range(12)]
ONE_AT_A_TIME = {"transfers-in-per-primary": "1"}


class Keeping(fake.FakePrimary):
    """A primary of many zones; after each transfer `after` does something with the connection, and tells whether it reads on."""

    def __init__(self, zones, serial, play, after):
        self.zones = {wire.wire_of_name(zone): zone for zone in zones}
        self.after = after
        self.connections = 0
        super().__init__(zones[0], serial, play)

    def of(self, query):
        """The same with the zone that is asked for."""
        one = copy.copy(self)
        one.zone = self.zones[wire.read_name(query, 12)[0].lower()]
        return one

    def answer_soa(self, query):
        return fake.FakePrimary.answer_soa(self.of(query), query)

    def serve_connection(self, connection):
        self.connections += 1
        was_used = False
        with connection:
            try:
                while self.serve_question(connection, was_used):
                    was_used = True
            except OSError:
                return

    def serve_question(self, connection, was_used):
        head = connection.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            return False
        query = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
        one = self.of(query)
        one.rrtype = struct.unpack_from("!H", query, wire.read_name(query, 12)[1])[0]
        self.transfers += 1
        if was_used and self.after is says_more_when_asked:
            self.send(connection, one.message(0, [one.soa()]))  # an id that is hardly ever the question's
        if was_used and self.after is says_nothing_more:
            self.ended.wait(60)
            return False
        fake.honest(connection, struct.unpack_from("!H", query)[0], one)
        return self.after(connection, one)


def reads_on(_connection, _one):
    return True


def closes(_connection, _one):
    return False


def resets(connection, _one):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def says_more(connection, one):
    fake.FakePrimary.send(connection, one.message(0, [one.soa()]))
    return True


def says_half_a_message(connection, _one):
    connection.sendall(b"\2\0half")
    return True


def says_more_when_asked(_connection, _one):
    return True


def says_nothing_more(_connection, _one):
    return True


AFTERS = [reads_on, closes, resets, says_more, says_half_a_message, says_more_when_asked, says_nothing_more]


@pytest.mark.parametrize("after", AFTERS, ids=lambda after: after.__name__)
def test_no_zone_hears_of_what_becomes_of_a_used_connection(world, after):
    primary = world.fake_primary(ZONES, kind=Keeping, after=after)
    secondary = world.follower(ZONES[0], primary)
    secondary.zones += [servers.Zone(zone, primaries=[primary]) for zone in ZONES[1:]]
    secondary.server_options |= ONE_AT_A_TIME
    secondary.start()
    for zone in ZONES:
        secondary.wait_for_serial(zone, 1)
    primary.serial = 2
    for zone in ZONES:
        secondary.wait_for_serial(zone, 2)
    assert " failed: " not in secondary.log.read_text()
    if after is reads_on:
        assert primary.connections < primary.transfers / 2


class Trickling(Keeping):
    """It says octet after octet of a message that nobody asked for, as long as somebody is there."""

    def __init__(self, *arguments, **options):
        self.left = threading.Event()
        super().__init__(*arguments, **options, after=self.trickle)

    def trickle(self, connection, _one):
        try:
            while not self.ended.wait(fake.LOOK_SECONDS):
                connection.sendall(b"\2")
        except OSError:
            self.left.set()
        return False


def test_whoever_says_what_nobody_asked_for_does_not_keep_the_connection(world):
    primary = world.fake_primary(ZONES, kind=Trickling)
    secondary = world.follower(ZONES[0], primary)
    secondary.start()
    secondary.wait_for_serial(ZONES[0], 1)
    assert primary.left.wait(30)  # a message of 0x202 octets would take longer
