# SPDX-License-Identifier: MIT
"""A secondary that a test writes: it hears NOTIFYs, answers them or not, and may ask for the SOA at once."""

import contextlib
import dataclasses
import socket
import struct
import threading

import servers
import wire

NOTIFY_REPLY = 0xA400  # QR, opcode NOTIFY, AA


@dataclasses.dataclass
class Heard:
    """A NOTIFY as it came."""

    zone: str
    serial: int  # of the SOA in its answer section; None: there was none
    source: str
    transport: str


class FakeSecondary:
    """Listens for NOTIFYs until `end`. `rcode` answers them; None: nothing does.

    Where this answers late, a NOTIFY comes once more: how many came is known when one of them is acknowledged, since they
    are answered in order.
    """

    def __init__(self, rcode=0, place=None, asks=None):
        self.rcode = rcode
        self.asks = asks  # (address, port) of a server that is asked for the SOA before the NOTIFY is answered
        self.answers = []  # of these: (zone, RCODE, serial or None), or None for no answer
        self.heard = []
        self.name = "fake-secondary"
        (self.address, self.port), self.udp, self.tcp = servers.listening_sockets(place)
        for loop in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=loop, daemon=True).start()

    def serials(self, zone=None):
        """Of all NOTIFYs heard, in order."""
        return [heard.serial for heard in self.heard if zone in (None, heard.zone)]

    def wait_for(self, serial):
        servers.wait_until(lambda: serial in self.serials(), f"a NOTIFY of serial {serial} came")

    def take(self, message, source, transport):
        """Notes a NOTIFY; gives the answer, or None."""
        query_id, _, _, answer_count = struct.unpack_from("!4H", message)
        name, end = wire.read_name(message, 12)
        end += 4
        serial = None
        if answer_count == 1:
            _, rdata = wire.read_name(message, end)
            rdata += 10
            for _ in range(2):
                _, rdata = wire.read_name(message, rdata)
            serial = struct.unpack_from("!I", message, rdata)[0]
        if self.asks:
            self.answers.append(self.ask_soa(name))
        self.heard.append(Heard(text_of_name(name), serial, source, transport))
        if self.rcode is None:
            return None
        return struct.pack("!6H", query_id, NOTIFY_REPLY | self.rcode, 1, 0, 0, 0) + message[12:end]

    def ask_soa(self, name):
        question = struct.pack("!6H", 4711, 0, 1, 0, 0, 0) + name + struct.pack("!HH", wire.SOA, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((self.address, 0))
            udp.settimeout(servers.ANSWER_SECONDS)
            udp.sendto(question, self.asks)
            try:
                answer = udp.recv(4096)
            except TimeoutError:
                return None
        flags, _, count = struct.unpack_from("!3H", answer, 2)
        if count == 0:
            return (text_of_name(name), flags & 15, None)
        rdata = wire.read_name(answer, len(question))[1] + 10
        for _ in range(2):
            rdata = wire.read_name(answer, rdata)[1]
        return (text_of_name(name), flags & 15, struct.unpack_from("!I", answer, rdata)[0])

    def serve_udp(self):
        while True:
            try:
                message, client = self.udp.recvfrom(65535)
                if not message:
                    return
                answer = self.take(message, client[0], "udp")
                if answer:
                    self.udp.sendto(answer, client)
            except OSError:
                return

    def serve_tcp(self):
        while True:
            try:
                connection, client = self.tcp.accept()
            except OSError:
                return
            with connection:
                head = connection.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    continue
                message = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                answer = self.take(message, client[0], "tcp")
                if answer:
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    def end(self):
        for one in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits there, which else keeps the port
            one.close()


def text_of_name(name):
    labels = []
    at = 0
    while name[at] > 0:
        labels.append(name[at + 1 : at + 1 + name[at]].decode())
        at += 1 + name[at]
    return ".".join(labels) + "."
