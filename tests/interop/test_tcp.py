# SPDX-License-Identifier: MIT
"""What a client meets on a TCP connection to the whole server; limits of time are tested in tests/unit/net."""

import socket
import struct
import time

import dns.message
import dns.rcode
import pytest
import servers
import wire
import zones

ZONE = "small.example."
A = 1
EDNS_KEEPALIVE = 11


def addresses(owner, count):
    """So many A records."""
    return "\n".join(f"{owner} A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(count))


def query(query_id, name, rrtype=A, flags=0, options=None):
    """A message with one question, and with OPT where there are options (b"" for none)."""
    message = struct.pack("!6H", query_id, flags, 1, 0, 0, 0 if options is None else 1)
    message += wire.wire_of_name(name) + struct.pack("!HH", rrtype, 1)
    if options is not None:
        message += struct.pack("!BHHIH", 0, 41, 1232, 0, len(options)) + options
    return message


def framed(message):
    return struct.pack("!H", len(message)) + message


def option(code, value=b""):
    return struct.pack("!HH", code, len(value)) + value


class Client:
    """One connection to a server."""

    def __init__(self, server):
        self.deadline = time.monotonic() + servers.ANSWER_SECONDS
        self.connection = socket.create_connection(server.place, timeout=servers.ANSWER_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, octets):
        self.connection.sendall(octets)

    def read(self):
        """The next message."""
        return wire.read_message(self.connection, self.deadline)

    def is_closed(self):
        """Waits for what comes next, which is the end of the connection or an octet."""
        try:
            return self.connection.recv(1) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
def server(world):
    here = world.new("tandem")
    here.serve(ZONE, zones.small(world.folder, ZONE, 1))
    return here.start()


def test_rrset_of_4091_addresses_is_whole_and_one_beyond_64_kib_is_servfail_and_logged_once(world):
    server = world.new("tandem")
    extra = f"{addresses('fits', 4091)}\n{addresses('big', 4095)}\n"
    server.serve(ZONE, zones.small(world.folder, ZONE, 1, extra))
    server.start()
    answer = server.ask(f"fits.{ZONE}", "A", tcp=True)
    assert len(answer.answer[0]) == 4091
    for _ in range(8):  # some to each worker
        assert server.ask(f"big.{ZONE}", "A", tcp=True).rcode() == dns.rcode.SERVFAIL
    assert server.ask(f"www.{ZONE}", "A", tcp=True).rcode() == dns.rcode.NOERROR
    lines = [line for line in server.log.read_text().splitlines() if "big.small.example" in line and "served" in line]
    assert len(lines) == 1 and " A " in lines[0], lines


@pytest.mark.parametrize("length", [0, 1, 11])
def test_length_under_a_header_closes_the_connection(server, length):
    with Client(server) as client:
        client.send(framed(query(1, f"www.{ZONE}")))
        assert client.read()[:2] == b"\0\1"
        client.send(framed(b"x" * length))
        assert client.is_closed()


def test_response_closes_the_connection(server):
    with Client(server) as client:
        client.send(framed(query(1, f"www.{ZONE}")) + framed(query(2, f"www.{ZONE}", flags=0x8000)))
        assert client.read()[:2] == b"\0\1"
        assert client.is_closed()


def test_request_of_65535_octets_is_answered_and_the_connection_goes_on(server):
    with Client(server) as client:
        rest = 65535 - len(query(1, f"www.{ZONE}", options=b"")) - 4
        client.send(framed(query(1, f"www.{ZONE}", options=option(65001, bytes(rest)))))
        message = client.read()
        assert message[:2] == b"\0\1" and message[3] & 15 == dns.rcode.NOERROR
        client.send(framed(query(2, f"www.{ZONE}")))
        assert client.read()[:2] == b"\0\2"


def test_pipelined_25_queries_are_all_answered(server):
    with Client(server) as client:
        client.send(b"".join(framed(query(i, f"www.{ZONE}" if i % 2 else f"none{i}.{ZONE}")) for i in range(25)))
        messages = [client.read() for _ in range(25)]
    assert {struct.unpack_from("!H", message)[0] for message in messages} == set(range(25))
    rcodes = {struct.unpack_from("!H", message)[0]: message[3] & 15 for message in messages}
    assert all(rcode == (dns.rcode.NOERROR if i % 2 else dns.rcode.NXDOMAIN) for i, rcode in rcodes.items())


def keepalive_of(message):
    """The timeout that edns-tcp-keepalive tells, in units of 100 ms; None: it does not."""
    for found in dns.message.from_wire(message).options:
        if int(found.otype) == EDNS_KEEPALIVE:
            return struct.unpack("!H", found.to_wire())[0]
    return None


def test_keepalive_option_extends_the_idle_limit_of_who_asks(world):
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.server_options = {"tcp-idle": "100ms", "tcp-keepalive": "1h"}
    server.start()
    with Client(server) as asking, Client(server) as other:
        asking.send(framed(query(1, f"www.{ZONE}", options=option(EDNS_KEEPALIVE))))
        assert keepalive_of(asking.read()) == 36000
        other.send(framed(query(1, f"www.{ZONE}", options=b"")))
        assert keepalive_of(other.read()) is None
        assert other.is_closed()
        asking.send(framed(query(2, f"www.{ZONE}")))
        assert asking.read()[:2] == b"\0\2"
