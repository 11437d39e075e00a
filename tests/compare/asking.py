# SPDX-License-Identifier: MIT
"""Asks all servers the same questions, many at once, and gives what each said, or that it said nothing."""

import select
import socket
import struct
import time

from classes import OURS

WINDOW = 64  # questions that a server may owe us at once, so that no queue overflows
QUIET_SECONDS = [0.4, 0.4, 2]  # without an answer for so long, what is still owed is asked again
PATIENT_SECONDS = 60  # the same for whom silence would be a fault, on a machine that has much else to do
TCP_SECONDS = 60


class Asker:
    """A server to ask: one UDP socket, one TCP connection that is kept while the server keeps it."""

    def __init__(self, place, patient=False):
        self.place = place
        self.patient = patient
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.connect(place)
        self.udp.setblocking(False)
        self.tcp = None

    def close(self):
        self.udp.close()
        self.hang_up()

    def hang_up(self):
        if self.tcp:
            self.tcp.close()
            self.tcp = None

    def over_tcp(self, message, more=False):
        """The first message of the answer, or None if the server closes instead. `more`: others may follow it."""
        for fresh in (False, True):
            if fresh:
                self.hang_up()
            try:
                if self.tcp is None:
                    self.tcp = socket.create_connection(self.place, timeout=TCP_SECONDS)
                    self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.tcp.sendall(struct.pack("!H", len(message)) + message)
                length = struct.unpack("!H", self.exactly(2))[0]
                answer = self.exactly(length)
                if more:
                    self.hang_up()
                return answer
            except (OSError, EOFError):
                continue
        self.hang_up()
        return None

    def exactly(self, length):
        data = b""
        while len(data) < length:
            chunk = self.tcp.recv(length - len(data))
            if not chunk:
                raise EOFError
            data += chunk
        return data


def over_udp(askers, sent):
    """`sent`: {id: message}. Gives for each asker {id: answer}."""
    answers = {asker: {} for asker in askers}
    patient = [asker for asker in askers if asker.patient]
    for asked, quiet_seconds in [*((askers, seconds) for seconds in QUIET_SECONDS), (patient, PATIENT_SECONDS)]:
        owed = {asker: [i for i in sent if i not in answers[asker]] for asker in asked}
        if any(owed.values()):
            one_round(owed, sent, answers, quiet_seconds)
    return answers


def one_round(owed, sent, answers, quiet_seconds):
    by_socket = {asker.udp: asker for asker in owed}
    waiting = {asker: set() for asker in owed}
    last = time.monotonic()
    while True:
        for asker, ids in owed.items():
            while ids and len(waiting[asker]) < WINDOW:
                query_id = ids.pop()
                waiting[asker].add(query_id)
                asker.udp.send(sent[query_id])
        if not any(waiting.values()):
            return
        for udp in select.select(list(by_socket), [], [], quiet_seconds / 4)[0]:
            asker = by_socket[udp]
            receive(asker, sent, answers[asker], waiting[asker])
            last = time.monotonic()
        if time.monotonic() - last > quiet_seconds:
            for ids in waiting.values():
                ids.clear()  # silent; those not yet sent follow at once
            last = time.monotonic()


def receive(asker, sent, answers, waiting):
    while True:
        try:
            answer = asker.udp.recv(65535)
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            return
        query_id = struct.unpack_from("!H", answer)[0]
        if query_id in sent:
            answers[query_id] = answer
            waiting.discard(query_id)


def ask_all(servers, questions, batch=2000):
    """Gives (question, {kind: octets of the answer or None}) for each question."""
    askers = {server.kind: Asker(server.place, server.kind == OURS) for server in servers}
    try:
        for start in range(0, len(questions), batch):
            # Each batch has ids of its own, so that an answer to the one before comes too late and does no harm.
            part = [((start + i) % 0x10000, question) for i, question in enumerate(questions[start : start + batch])]
            udp = {query_id: question.wire(query_id) for query_id, question in part if not question.tcp}
            answers = over_udp(list(askers.values()), udp)
            for query_id, question in part:
                if question.tcp:
                    message, more = question.wire(query_id), question.is_transfer
                    yield question, {kind: asker.over_tcp(message, more) for kind, asker in askers.items()}
                else:
                    yield question, {kind: answers[asker].get(query_id) for kind, asker in askers.items()}
    finally:
        for asker in askers.values():
            asker.close()
