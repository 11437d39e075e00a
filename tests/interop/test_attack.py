# SPDX-License-Identifier: MIT
"""A stranger who sends what he likes, to every door that is open to him: service goes on, and the server ends in order.

With the sanitizers in the binary this says more; there whatever goes wrong inside ends the server.
"""

import base64
import hashlib
import hmac
import os
import random
import socket
import struct
import time

import dns.message
import pytest
import servers
import wire
import zones

ZONE = "small.example."
SEED = int(os.environ.get("ATTACK_SEED", random.randrange(2**32)))
DATAGRAMS = 20000
CONNECTIONS = 300
TYPES = [1, 2, 5, 6, 15, 16, 28, 41, 43, 46, 47, 50, 64, 65, 250, 251, 252, 255, 65535]


@pytest.fixture
def draw():
    print(f"ATTACK_SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture
def pair(world):
    """A primary and its secondary, which know each other."""
    primary = world.new("tandem", "first")
    secondary = world.new("tandem", "second")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    secondary.follow(ZONE, primary)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    return primary, secondary


KEY = servers.Key("shared.test.", "hmac-sha256", base64.b64encode(b"known to both, and for once to the stranger").decode())


@pytest.fixture
def signed_pair(world):
    """The same, and what they say to each other is signed."""
    primary = world.new("tandem", "first")
    secondary = world.new("tandem", "second")
    primary.serve(ZONE, zones.small(world.folder, ZONE, 1))
    secondary.follow(ZONE, primary, key=KEY)
    primary.start()
    secondary.start()
    secondary.wait_for_serial(ZONE, 1)
    return primary, secondary


def still_serve(world, primary, secondary, serial=2):
    """Both answer, and a change reaches both."""
    for server in (primary, secondary):
        assert server.process.poll() is None, f"{server.name} ended\n{server.log_tail()}"
        assert server.ask(f"www.{ZONE}", "A", tcp=True) is not None
    primary.change(ZONE, zones.small(world.folder, ZONE, serial))
    secondary.wait_for_serial(ZONE, serial)
    served, copy = (wire.axfr(server.place, ZONE, source=servers.LOOKER) for server in (primary, secondary))
    wire.assert_equal_zones(served, copy)


def question(draw):
    """A message that is nearly one that a client would send: any opcode, flags, type, class, some EDNS."""
    name = draw.choice([ZONE, f"www.{ZONE}", f"a.b.c.{ZONE}", ".", "other.example.", f"*.{ZONE}", f"{'x' * 63}.{ZONE}"])
    flags = draw.choice([0, 0, 0, 0x0100, 0x2000, 0x2400, 0x2800, draw.randrange(2**16)])
    counts = draw.choice([(1, 0, 0, 0), (1, 0, 0, 1), (1, 1, 0, 1), (0, 0, 0, 0), (2, 0, 0, 0), (1, 65535, 65535, 65535)])
    asked = wire.wire_of_name(name) + struct.pack("!HH", draw.choice(TYPES), draw.choice([1, 1, 1, 3, 254, 255, 0]))
    options = b"".join(
        struct.pack("!HH", draw.choice([3, 8, 9, 10, 11, 12, 15, 65001, 65312]), len(value)) + value
        for value in (draw.choice([b"\1", draw.randbytes(draw.choice([0, 2, 4, 8, 24, 40]))]) for _ in range(draw.randrange(4)))
    )
    opt = b"\0" + struct.pack("!HHIH", 41, draw.choice([0, 512, 1232, 65535]), draw.choice([0, 0x8000, 0x10000]), len(options))
    return struct.pack("!6H", draw.randrange(2**16), flags, *counts) + asked + opt + options


def ixfr(draw):
    """A question for what differs from some serial, which may well be one that is in the history."""
    name = wire.wire_of_name(draw.choice([ZONE, ZONE, ".", "other.example."]))
    serial = draw.choice([0, 1, 2, 3, 2**31, 2**32 - 1, draw.randrange(2**32)])
    soa = draw.choice([b"\xc0\x0c", name]) + struct.pack("!HHIHH5I", 6, 1, 0, 22, 0, serial, 0, 0, 0, 0)
    opt = b"\0" + struct.pack("!HHIH", 41, draw.choice([512, 4096]), 0, 5) + struct.pack("!HHB", 65312, 1, 1)
    return struct.pack("!6H", draw.randrange(2**16), 0, 1, 0, 1, 1) + name + struct.pack("!HH", 251, 1) + soa + opt


def signed(draw, message):
    """With a TSIG behind it, which is often as it should be."""
    if len(message) < 12 or message[10:12] == b"\xff\xff":
        return message
    name = wire.wire_of_name(draw.choice([KEY.name] * 6 + ["SHARED.test.", ".", "unknown.", ".".join(["n" * 61] * 4) + "."]))
    algorithm = wire.wire_of_name(draw.choice([KEY.algorithm] * 6 + ["hmac-md5.sig-alg.reg.int", "hmac-sha512", "."]))
    now = int(time.time())
    at = draw.choice([now] * 8 + [0, now - 1000, now + 1000, 2**48 - 1])
    times = struct.pack("!HIH", at >> 32, at & 0xFFFFFFFF, draw.choice([300, 300, 300, 0, 65535]))
    other = draw.choice([b""] * 6 + [draw.randbytes(6), draw.randbytes(400)])
    tail = struct.pack("!HH", draw.choice([0, 0, 0, 16, 18]), len(other)) + other
    variables = name.lower() + struct.pack("!HI", 255, 0) + algorithm + times + tail
    mac = hmac.new(base64.b64decode(KEY.secret), message + variables, hashlib.sha256).digest()
    mac = draw.choice([mac] * 8 + [b"", mac[:9], mac[:16], mac[:31], mac + b"x", draw.randbytes(32), draw.randbytes(300)])
    rdata = algorithm + times + struct.pack("!H", len(mac)) + mac + message[:2] + tail
    rr = name + struct.pack("!HHIH", 250, 255, 0, len(rdata)) + rdata
    return message[:10] + struct.pack("!H", struct.unpack("!H", message[10:12])[0] + 1) + message[12:] + rr


def anything_signed(draw):
    """Signed as it is, after it was spoiled, before it was spoiled, or twice."""
    message = draw.choice([question(draw), ixfr(draw)])
    how = draw.randrange(5)
    if how == 0:
        return signed(draw, spoiled(draw, message))
    if how == 1:
        return spoiled(draw, signed(draw, message))
    return signed(draw, signed(draw, message)) if how == 2 else signed(draw, message)


def spoiled(draw, message):
    """The same with octets changed, cut out, doubled, or cut off."""
    octets = bytearray(message)
    for _ in range(draw.randrange(1, 5)):
        at = draw.randrange(len(octets))
        how = draw.randrange(4)
        if how == 0:
            octets[at] = draw.choice([0, 0xC0, 0xFF, draw.randrange(256)])
        elif how == 1 and len(octets) > 1:
            del octets[at : at + draw.randrange(1, 8)]
        elif how == 2:
            octets[at:at] = octets[at : at + 16]
        else:
            del octets[at + 1 :]
        if not octets:
            return b""
    return bytes(octets)


def anything(draw):
    message = question(draw)
    return draw.choice([message, spoiled(draw, message), spoiled(draw, message), draw.randbytes(draw.randrange(600))])


def test_datagrams_of_any_octets(world, pair, draw):
    for server in pair:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            for _ in range(DATAGRAMS):
                try:
                    udp.sendto(anything(draw), server.place)
                    udp.recv(65535)
                except (BlockingIOError, ConnectionRefusedError):
                    pass
    still_serve(world, *pair)


def test_signed_messages_of_any_octets(world, signed_pair, draw):
    signed_pair[0].change(ZONE, zones.small(world.folder, ZONE, 3))
    signed_pair[1].wait_for_serial(ZONE, 3)
    for server in signed_pair:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setblocking(False)
            for _ in range(DATAGRAMS // 2):
                try:
                    udp.sendto(anything_signed(draw), server.place)
                    udp.recv(65535)
                except (BlockingIOError, ConnectionRefusedError):
                    pass
        for _ in range(CONNECTIONS // 4):
            with socket.create_connection(server.place, timeout=servers.ANSWER_SECONDS) as connection:
                messages = [anything_signed(draw) for _ in range(20)]
                try:
                    connection.sendall(b"".join(struct.pack("!H", len(message)) + message for message in messages))
                    connection.setblocking(False)
                    connection.recv(65535)
                except OSError:
                    pass
    still_serve(world, *signed_pair, serial=4)


def test_answers_that_nobody_asked_for(world, pair, draw):
    """Answers and NOTIFYs, honest but for the one who sends them."""
    forged = dns.message.make_query(ZONE, "SOA")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for number in range(2000):
            octets = bytearray(forged.to_wire())
            octets[0:2] = struct.pack("!H", draw.randrange(2**16))
            octets[2:4] = struct.pack("!H", draw.choice([0x8400, 0x2400, 0xA400, 0x8403, 0x2000]))
            udp.sendto(octets, pair[number % 2].place)
    still_serve(world, *pair)


def talk(connection, draw):
    """What one bad client does with its connection; gives whether it keeps it open."""
    how = draw.randrange(7)
    if how == 0:
        connection.send(draw.randbytes(draw.randrange(1, 3000)))
    elif how == 1:
        connection.send(struct.pack("!H", draw.choice([0, 1, 11])))
    elif how == 2:
        connection.send(struct.pack("!H", 65535) + draw.randbytes(100))
        return True
    elif how == 3:
        for message in [anything(draw) for _ in range(50)]:
            connection.send(struct.pack("!H", len(message)) + message)
    elif how == 4:
        asked = wire.wire_of_name(ZONE) + struct.pack("!HH", wire.AXFR, 1)
        message = struct.pack("!6H", 1, 0, 1, 0, 0, 0) + asked
        connection.send((struct.pack("!H", len(message)) + message) * 40)
        return True  # and never reads
    elif how == 5:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        connection.send(b"\0\x20" + draw.randbytes(20))
    else:
        connection.shutdown(socket.SHUT_WR)
        return True
    return False


def test_connections_of_any_octets(world, pair, draw):
    kept = []
    for number in range(CONNECTIONS):
        connection = socket.create_connection(pair[number % 2].place, timeout=servers.ANSWER_SECONDS)
        try:
            connection.setblocking(False)
            keep = talk(connection, draw)
        except OSError:
            keep = False
        if keep:
            kept.append(connection)
        else:
            connection.close()
    still_serve(world, *pair)
    for connection in kept:
        connection.close()


HTTP = (
    b"POST /v1/zones/small.example/reload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 13\r\n\r\n{"wait": true}'
)


def test_control_socket_of_any_octets(world, pair, draw):
    kept = []
    for server in pair:
        for number in range(200):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(servers.ANSWER_SECONDS)
            connection.connect(str(server.folder / "control.sock"))
            octets = draw.choice([HTTP, spoiled(draw, HTTP), HTTP[: draw.randrange(len(HTTP))], draw.randbytes(300)])
            try:
                connection.sendall(octets * draw.choice([1, 1, 20]))
            except OSError:
                pass
            if number % 20 == 0:
                kept.append(connection)
            else:
                connection.close()
        servers.wait_until(lambda one=server: one.status(ZONE)["serial"] == 1, "status tells what is served")
    still_serve(world, *pair)
    for connection in kept:
        connection.close()


def test_configuration_of_any_octets(world, draw):
    """A reload takes it or leaves it. The server knows no other: a spoiled address would be somebody's."""
    server = world.new("tandem")
    server.serve(ZONE, zones.small(world.folder, ZONE, 1))
    server.start()
    file = server.folder / "tandem.yaml"
    good = file.read_bytes()
    for _ in range(60):
        file.write_bytes(spoiled(draw, good))
        assert server.run_any("reload").returncode in (0, 1)
        assert server.process.poll() is None, server.log_tail()
    file.write_bytes(good)
    server.run("reload", "--wait")
    server.wait_for_serial(ZONE, 1)


def test_zone_file_of_any_octets(world, pair, draw):
    primary, secondary = pair
    good = zones.small(world.folder, ZONE, 1).read_bytes()
    for _ in range(40):
        primary.zone(ZONE).file.write_bytes(spoiled(draw, good))
        assert primary.run_any("zone", "reload", ZONE, "--wait").returncode in (0, 1)
        assert primary.process.poll() is None, primary.log_tail()
    serial = primary.serial(ZONE)
    file = zones.small(world.folder, ZONE, (serial + 1) % 2**32)
    primary.put(ZONE, file)
    primary.run("zone", "reload", ZONE, "--wait")
    secondary.wait_for_serial(ZONE, (serial + 1) % 2**32)
