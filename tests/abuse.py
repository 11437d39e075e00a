#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a server must bear from strangers, on loopback: it answers the others meanwhile, and its memory has a bound.

    tests/abuse.py [--seconds N] [--connections N] [--markdown] [ABUSE...]

Each abuse runs for --seconds while somebody else asks over UDP, a hundred times a second, and over a new TCP connection,
ten times. The table tells how many of them were answered and the largest memory meanwhile. The exit status is 1 when the
server died, held more than it may, or did not answer well afterwards.
"""

import argparse
import contextlib
import multiprocessing
import pathlib
import random
import resource
import select
import socket
import struct
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import servers
import wire
import zones

ZONE = "abuse.example."
# All that strangers may make one server hold beyond its zones: output and input of 2 * 4096 connections at their usual
# 64 KiB would be more, and is cut by the workers' bound for buffers.
MEMORY_MAX_MB = 600
ASK_SECONDS = 0.5  # an answer that takes longer counts as none
AFTER_SECONDS = 20  # until all must be well again
PATIENCE_SECONDS = 60  # for what comes at once unless the machine has much else to do
# Loads, not waits: how fast those who are slow on purpose are, and how often a busy one comes back.
ASK_PACE_SECONDS = 0.01
OCTET_PACE_SECONDS = 0.2
HALVES_PACE_SECONDS = 0.1
BURST_PACE_SECONDS = 0.05
MEMORY_PACE_SECONDS = 0.05  # between two looks at the server's memory, of which the largest counts


# ---- Messages


def question(name, rrtype=1, identity=0x1234):
    return struct.pack("!6H", identity, 0, 1, 0, 0, 0) + wire.wire_of_name(name) + struct.pack("!HH", rrtype, 1)


def framed(message):
    return struct.pack("!H", len(message)) + message


def padded_question(length):
    """A question that an EDNS padding option makes as long as a message can be."""
    head = struct.pack("!6H", 7, 0, 1, 0, 0, 1) + question(f"www.{ZONE}")[12:]
    room = length - len(head) - 11 - 4
    option = struct.pack("!HH", 12, room) + bytes(room)
    return head + b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option)) + option


# ---- Those who only ask


def ask_udp(connection, identity):
    connection.send(question(f"www.{ZONE}", identity=identity))
    deadline = time.monotonic() + ASK_SECONDS
    while select.select([connection], [], [], max(0, deadline - time.monotonic()))[0]:
        with contextlib.suppress(ConnectionRefusedError):
            if connection.recv(4096)[:2] == struct.pack("!H", identity):
                return True
    return False


def ask_tcp(place):
    try:
        with socket.create_connection(place, timeout=ASK_SECONDS) as connection:
            connection.sendall(framed(question(f"www.{ZONE}")))
            return len(connection.recv(4096)) > 12
    except OSError:
        return False


def ask_on(place, signs, pipe):
    """Asks from begin to end; then gives asked and answered over UDP, the same over TCP, and the times over UDP."""
    counts = [0, 0, 0, 0]
    times = []
    signs.begun.wait()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect(place)
        while not signs.ended.is_set():
            begun = time.monotonic()
            counts[0] += 1
            if ask_udp(connection, counts[0] & 0xFFFF):
                counts[1] += 1
                signs.answered.set()
                times.append(time.monotonic() - begun)
            if counts[0] % 10 == 0:
                counts[2] += 1
                counts[3] += ask_tcp(place)
            signs.ended.wait(max(0, ASK_PACE_SECONDS - (time.monotonic() - begun)))
    pipe.send((counts, sorted(times)))


# ---- Abuses: each is called with (place, seconds, most connections, control socket) and gives what it did, in words


class Signs:
    """What the process of the abuse and that of those who ask tell each other."""

    def __init__(self):
        self.begun = multiprocessing.Event()  # the abuse
        self.answered = multiprocessing.Event()  # somebody else, since then
        self.ended = multiprocessing.Event()


others = None  # the Signs, in the process of the abuse


def connect(place):
    return socket.create_connection(place, timeout=PATIENCE_SECONDS)


def until(seconds):
    """So long, and until somebody else was answered meanwhile, however little of the machine is left to both."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
    while not others.answered.is_set() and time.monotonic() < deadline + PATIENCE_SECONDS:
        yield


def stay(seconds):
    """The same for whoever only is there, which is the abuse."""
    deadline = time.monotonic() + seconds
    others.answered.wait(seconds + PATIENCE_SECONDS)
    time.sleep(max(0, deadline - time.monotonic()))


def close_all(connections):
    for connection in connections:
        connection.close()


def rest(place, seconds, most, control):
    stay(seconds)
    return "nothing"


def held(place, seconds, most, control):
    """More connections than may be; each asks once and is silent then."""
    connections = []
    message = framed(question(f"www.{ZONE}"))
    for _ in range(most + most // 10):
        with contextlib.suppress(OSError):
            connections.append(connect(place))
            connections[-1].sendall(message)
    stay(seconds)
    # Who is pushed out is known when the last that came has its answer.
    answered = [connection for connection in connections if told_something(connection)]
    for connection in answered:
        connection.setblocking(False)
    alive = sum(not peer_closed(connection) for connection in answered)
    close_all(connections)
    return f"{len(connections)} opened, {alive} answered and held"


def told_something(connection):
    """Whether an answer came before the connection ended; waits for the one or the other."""
    try:
        return len(connection.recv(4096)) > 0
    except OSError:
        return False


def peer_closed(connection):
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def slow_readers(place, seconds, most, control):
    """Ask for much, again and again, and take nothing."""
    connections = [connect(place) for _ in range(200)]
    asked = 0
    burst = framed(question(ZONE, wire.AXFR)) + framed(question(f"big.{ZONE}", 16)) * 100
    for connection in connections:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
    for _ in until(seconds):
        for connection in connections:
            with contextlib.suppress(OSError):
                asked += connection.send(burst) // len(burst) * 101
        time.sleep(BURST_PACE_SECONDS)
    close_all(connections)
    return f"200 connections, {asked} questions"


def slow_writers(place, seconds, most, control):
    """One octet of a question now and then, and a new connection whenever one is closed."""
    message = framed(question(f"www.{ZONE}"))
    writers = [[connect(place), 0] for _ in range(500)]
    opened = len(writers)
    for _ in until(seconds):
        for writer in writers:
            try:
                writer[0].send(message[writer[1] : writer[1] + 1])
                writer[1] = (writer[1] + 1) % (len(message) - 1)
            except OSError:
                writer[0].close()
                with contextlib.suppress(OSError):
                    writer[:] = [connect(place), 0]
                    opened += 1
        time.sleep(OCTET_PACE_SECONDS)
    close_all(writer[0] for writer in writers)
    return f"{opened} connections, one octet per {OCTET_PACE_SECONDS} s"


def pipelined_flood(place, seconds, most, control):
    """Questions as fast as they can be sent; the answers are read."""
    burst = framed(question(f"www.{ZONE}")) * 500
    connections = [connect(place) for _ in range(50)]
    received = 0
    for connection in connections:
        connection.setblocking(False)
    for _ in until(seconds):
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.send(burst)
            with contextlib.suppress(OSError):
                received += len(connection.recv(1 << 20))
    close_all(connections)
    return f"50 connections, {received // 1048576} MiB of answers"


def largest_messages(place, seconds, most, control):
    """65,535 octets: a question with padding, and noise under a header."""
    draw = random.Random(1)
    messages = [framed(padded_question(65535)), framed(question(ZONE)[:12] + draw.randbytes(65535 - 12))]
    connections = [connect(place) for _ in range(50)]
    sent = 0
    for connection in connections:
        connection.setblocking(False)
    for number, _ in enumerate(until(seconds)):
        for at, connection in enumerate(connections):
            try:
                sent += connection.send(messages[(number + at) % 2])
                connection.recv(65536)
            except BlockingIOError:
                pass
            except OSError:
                with contextlib.suppress(OSError):
                    connections[at].close()
                    connections[at] = connect(place)
                    connections[at].setblocking(False)
    close_all(connections)
    return f"{sent // 65537} messages"


def udp_noise(place, seconds, most, control):
    """Random octets, and real questions with one octet wrong."""
    draw = random.Random(2)
    datagrams = [draw.randbytes(draw.randrange(1, 1400)) for _ in range(500)]
    for _ in range(500):
        broken = bytearray(question(f"www.{ZONE}"))
        broken[draw.randrange(len(broken))] = draw.randrange(256)
        datagrams.append(bytes(broken))
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(place)
        sender.setblocking(False)
        for _ in until(seconds):
            for datagram in datagrams:
                with contextlib.suppress(OSError):
                    sender.send(datagram)
                    sent += 1
            with contextlib.suppress(OSError):
                while True:
                    sender.recv(4096)
    return f"{sent} datagrams"


def tcp_noise(place, seconds, most, control):
    """Random octets on connections that come and go."""
    draw = random.Random(3)
    opened = 0
    for _ in until(seconds):
        connections = []
        for _ in range(20):
            with contextlib.suppress(OSError):
                connections.append(connect(place))
                connections[-1].setblocking(False)
                connections[-1].send(draw.randbytes(draw.choice([1, 2, 50, 5000, 60000])))
        opened += len(connections)
        close_all(connections)
    return f"{opened} connections"


def control_halves(place, seconds, most, control):
    """Half-sent requests to the operator's socket."""
    connections = []
    asked = answered = 0
    for _ in until(seconds):
        for _ in range(20):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(1)
            with contextlib.suppress(OSError):
                connection.connect(control)
                connection.send(b"GET /v1/sta")
            connections.append(connection)
        asked += 1
        with socket.socket(socket.AF_UNIX) as operator, contextlib.suppress(OSError):
            operator.settimeout(2)
            operator.connect(control)
            operator.send(b"GET /v1/status HTTP/1.1\r\nHost: tandem\r\n\r\n")
            answered += operator.recv(4096).startswith(b"HTTP/1.1 200")
        close_all(connections[:-300])
        connections = connections[-300:]
        time.sleep(HALVES_PACE_SECONDS)
    close_all(connections)
    return f"{asked * 20} halves; {answered} of {asked} operators answered"


ABUSES = {
    "rest": rest,
    "held": held,
    "slow-readers": slow_readers,
    "slow-writers": slow_writers,
    "pipelined-flood": pipelined_flood,
    "largest-messages": largest_messages,
    "udp-noise": udp_noise,
    "tcp-noise": tcp_noise,
    "control-halves": control_halves,
}


# ---- The run


def in_process(pipe, signs, abuse, *arguments):
    global others
    others = signs
    signs.begun.set()
    pipe.send(abuse(*arguments))


def memory_mb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class Run:
    """One server and those around it."""

    def __init__(self, folder, most):
        self.most = most
        self.server = servers.Tandem(folder)
        self.server.server_options = {
            "tcp-connections": most,
            "tcp-connections-per-address": most,
            "tcp-idle": "60s",
            "tcp-initial": "3s",  # as it is without being told
        }
        big = "\n".join(f'big TXT "{number:03} {"x" * 200}"' for number in range(200))
        many = "\n".join(f"n{number} A 192.0.2.1" for number in range(20000))
        self.server.serve(ZONE, zones.small(folder, ZONE, 1, f"{big}\n{many}"))

    def start(self):
        self.server.start()

    def bear(self, abuse, seconds):
        """Runs one abuse; gives its words, the memory at its worst and what the others got."""
        signs = Signs()
        mine, theirs = multiprocessing.Pipe()
        report, reporter = multiprocessing.Pipe()
        asking = multiprocessing.Process(target=ask_on, args=(self.server.place, signs, theirs))
        control = str(self.server.folder / "control.sock")
        arguments = (reporter, signs, abuse, self.server.place, seconds, self.most, control)
        doing = multiprocessing.Process(target=in_process, args=arguments)
        asking.start()
        doing.start()
        peak = 0
        while not report.poll(MEMORY_PACE_SECONDS) and doing.is_alive():
            peak = max(peak, memory_mb(self.server.process))
        words = report.recv() if report.poll() else "the abuser died"
        signs.ended.set()
        signs.begun.set()  # also where the abuser died before
        counts, times = mine.recv()
        doing.join()
        asking.join()
        return words, peak, counts, times

    def is_answered(self, tcp):
        answer = self.server.ask(f"www.{ZONE}", "A", tcp=tcp, seconds=AFTER_SECONDS)
        return answer is not None and len(answer.answer) == 1

    def faults(self, peak):
        """What is wrong afterwards."""
        found = []
        if self.server.process.poll() is not None:
            return [f"the server ended with {self.server.process.returncode}: {self.server.log_tail(5)}"]
        if peak > MEMORY_MAX_MB:
            found.append(f"{peak:.0f} MB of memory")
        for tcp in (False, True):
            try:
                servers.wait_until(lambda over_tcp=tcp: self.is_answered(over_tcp), "an answer", AFTER_SECONDS)
            except AssertionError:
                found.append(f"no answer over {'TCP' if tcp else 'UDP'}")
        if self.server.run_any("status").returncode != 0:
            found.append("no status")
        return found


def percentile(times, part):
    return times[min(len(times) - 1, int(len(times) * part))] * 1000 if times else float("nan")


def table_row(markdown, cells):
    if markdown:
        return "| " + " | ".join(cells) + " |"
    return f"{cells[0]:<17} {cells[1]:>8} {cells[2]:>14} {cells[3]:>10} {cells[4]:>12}  {cells[5]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("abuse", nargs="*", help=", ".join(ABUSES))
    args = parser.parse_args()
    unknown = set(args.abuse) - set(ABUSES)
    if unknown:
        parser.error(f"no such abuse: {', '.join(unknown)}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    failed = False
    with tempfile.TemporaryDirectory(prefix="tandem-abuse-") as folder:
        run = Run(folder, args.connections)
        run.start()
        print(table_row(args.markdown, ["abuse", "peak MB", "UDP answered", "p99 ms", "TCP answered", "what it did"]))
        if args.markdown:
            print("|---|---|---|---|---|---|")
        try:
            for name in args.abuse or ABUSES:
                words, peak, counts, times = run.bear(ABUSES[name], args.seconds)
                udp, tcp = f"{counts[1]}/{counts[0]}", f"{counts[3]}/{counts[2]}"
                row = [name, f"{peak:.0f}", udp, f"{percentile(times, 0.99):.1f}", tcp, words]
                print(table_row(args.markdown, row), flush=True)
                for fault in run.faults(peak):
                    print(f"FAULT {name}: {fault}", flush=True)
                    failed = True
        finally:
            run.server.stop()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
