#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A primary, its secondary and a partner for a long time: changes, stops, kill -9, in a storm of everything else.

    TANDEM=build-thread/tandem tests/soak.py [--minutes N] [--seed N] [--partner bind|knot|nsd] [--calm]

Each round draws what happens from the seed, which is printed. Afterwards all must agree: the secondary and the partner
serve the newest version, record by record, as the primary does. Memory is printed now and then.

All the while, unless it is to be calm, threads ask, transfer, send NOTIFYs, reload, and give orders to both servers,
whether these run or not: what comes of that is not looked at, but no server may end that was not ended.
"""

import argparse
import json
import pathlib
import random
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import servers
import wire
import zones

SMALL = "soak.example."
ROLE = "role.example."  # the secondary is by turns its primary, its secondary, and neither
ORDERS = ["reload", "refresh", "retransfer", "notify", "flush", "export"]
IDLE_SECONDS = 0.05  # a load, not a wait: how soon a thread of the storm, whose server may be gone, is there again


class Storm:
    """Threads that do to the servers what anybody may do at any time."""

    def __init__(self, servers_hit, seed):
        self.servers = servers_hit
        self.ended = threading.Event()
        self.counts = {}
        tasks = [self.ask, self.ask, self.transfer, self.notify, self.order, self.status]
        self.threads = [
            threading.Thread(target=self.run, args=(task, random.Random(f"{seed} {number}")))
            for number, task in enumerate(tasks)
        ]

    def start(self):
        for thread in self.threads:
            thread.start()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, task, draw):
        while not self.ended.is_set():
            try:
                task(draw.choice(self.servers), draw)
                self.counts[task.__name__] = self.counts.get(task.__name__, 0) + 1
            except (OSError, wire.TransferError, json.JSONDecodeError):
                self.ended.wait(IDLE_SECONDS)

    @staticmethod
    def ask(server, draw):
        name = draw.choice([SMALL, f"n{draw.randrange(500)}.{SMALL}", "www.example.com.", ROLE, "."])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.connect(server.place)
            udp.settimeout(IDLE_SECONDS)
            for _ in range(100):
                head = struct.pack("!6H", draw.randrange(2**16), 0, 1, 0, 0, 0)
                udp.send(head + wire.wire_of_name(name) + struct.pack("!HH", draw.choice([1, 2, 6, 16, 255]), 1))
                udp.recv(65535)

    @staticmethod
    def transfer(server, draw):
        """A whole zone, or the beginning of one."""
        zone = draw.choice([SMALL, ROLE, "."])
        if draw.choice([True, False]):
            wire.axfr(server.place, zone, seconds=10)
        else:
            next(wire.transfer_messages(server.place, zone, seconds=10))

    @staticmethod
    def notify(server, draw):
        """From an address that the server takes for a primary's, and from others."""
        names = wire.wire_of_name(draw.choice([SMALL, ROLE, "."])) + struct.pack("!HH", wire.SOA, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((draw.choice([server.address, "127.0.0.1"]), 0))
            udp.sendto(struct.pack("!6H", draw.randrange(2**16), 0x2400, 1, 0, 0, 0) + names, server.place)
            udp.settimeout(IDLE_SECONDS)
            udp.recv(65535)

    @staticmethod
    def order(server, draw):
        words = ["zone", draw.choice(ORDERS), draw.choice([SMALL, ROLE, "."]), *draw.choice([[], ["--wait"]])]
        server.run_any(*draw.choice([words, words, ["reload"]]))

    @staticmethod
    def status(server, draw):
        server.run_any("status", *draw.choice([[], [SMALL], [ROLE], ["--json"]]))


class Soak:
    def __init__(self, folder, partner, seed):
        self.folder = folder
        self.draw = random.Random(seed)
        self.primary = servers.Tandem(folder, "primary")
        self.secondary = servers.Tandem(folder, "secondary")
        self.partner = servers.PEERS[partner](folder, "partner")
        self.versions = sorted(zones.unpacked(folder / "versions").glob("root.2*.zone"))
        self.small_serial = 1
        self.expected = {SMALL: 1, ".": zones.serial_of_file(self.versions[0])}
        self.storm = Storm([self.primary, self.secondary], seed)

    def all(self):
        return [self.primary, self.secondary, self.partner]

    def start(self):
        self.primary.serve(".", self.versions.pop(0))
        self.primary.serve(SMALL, zones.small(self.folder, SMALL, 1))
        self.primary.serve(ROLE, zones.small(self.folder, ROLE, 1))
        for follower in (self.secondary, self.partner):
            follower.follow(".", self.primary)
            follower.follow(SMALL, self.primary)
        for server in self.all():
            server.start()

    def change_small(self):
        self.small_serial += self.draw.choice([1, 1, 1, 7, 2**20])
        lines = "\n".join(f"n{self.draw.randrange(500)} TXT \"{self.draw.random()}\"" for _ in range(200))
        self.primary.change(SMALL, zones.small(self.folder, SMALL, self.small_serial, lines))
        self.expected[SMALL] = self.small_serial

    def change_root(self):
        if self.versions:
            file = self.versions.pop(0)
            self.primary.change(".", file)
            self.expected["."] = zones.serial_of_file(file)

    def change_role(self):
        """The secondary's part in one zone is another one from now on."""
        others = [zone for zone in self.secondary.zones if zone.name != ROLE]
        own = self.secondary.folder / "role.zone"
        shutil.copy(self.primary.zone(ROLE).file, own)
        part = self.draw.choice([[], [servers.Zone(ROLE, file=own)], [servers.Zone(ROLE, primaries=[self.primary])]])
        self.secondary.zones = others + part
        self.secondary.configure()
        self.secondary.run("reload")
        if part:
            self.secondary.wait_for_serial(ROLE, 1)

    def restart(self, server, end):
        assert server.process.poll() is None, f"{server.name} has ended by itself"
        end()
        time.sleep(self.draw.random())  # a load, not a wait: so long the others and the storm find nobody there
        server.start()

    def one_event(self):
        """Something happens; gives its name."""
        events = {
            "small zone changes": (8, self.change_small),
            "root zone changes": (2, self.change_root),
            "role changes": (4, self.change_role),
            "primary restarts": (1, lambda: self.restart(self.primary, self.primary.stop)),
            "primary is killed": (1, lambda: self.restart(self.primary, self.primary.kill)),
            "secondary restarts": (1, lambda: self.restart(self.secondary, self.secondary.stop)),
            "secondary is killed": (1, lambda: self.restart(self.secondary, self.secondary.kill)),
        }
        names = list(events)
        name = self.draw.choices(names, [events[name][0] for name in names])[0]
        events[name][1]()
        return name

    def ask(self):
        for server in self.all():
            for name in ("www.example.com", f"n1.{SMALL}", f"{self.draw.random()}.{SMALL}"):
                assert server.ask(name, "TXT", want_dnssec=True) is not None, f"{server.name} does not answer"

    def agree(self):
        """Waits until all serve the newest version, and compares."""
        for zone, serial in self.expected.items():
            self.primary.wait_for_serial(zone, serial)
            ours = wire.axfr(self.primary.place, zone)
            for follower in (self.secondary, self.partner):
                follower.wait_for_serial(zone, serial)
                wire.assert_equal_zones(ours, wire.axfr(follower.place, zone), "the primary", follower.name)

    def memory(self):
        for server in (self.primary, self.secondary):
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            yield f"{server.name} {int(status.split('VmRSS:')[1].split()[0]) // 1024} MiB"


def main():
    parser = argparse.ArgumentParser(description="Runs a primary, its secondary and a partner for a long time.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--partner", choices=list(servers.PEERS), default="knot")
    parser.add_argument("--calm", action="store_true", help="no storm beside the events")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    end = time.monotonic() + options.minutes * 60
    rounds = 0
    with tempfile.TemporaryDirectory(prefix="tandem-soak-") as name:
        soak = Soak(pathlib.Path(name), options.partner, options.seed)
        try:
            soak.start()
            if not options.calm:
                soak.storm.start()
            while time.monotonic() < end:
                event = soak.one_event()
                soak.ask()
                soak.agree()
                rounds += 1
                if rounds % 20 == 0:
                    print(f"{rounds} rounds, last: {event}; {', '.join(soak.memory())}", flush=True)
            if not options.calm:
                soak.storm.end()
            for server in soak.all():
                server.stop()
        except Exception:
            for server in soak.all():
                print(f"-- log of {server.name}\n{server.log_tail()}")
            raise
        finally:
            soak.storm.ended.set()
            for server in soak.all():
                server.kill()
    beside = ", ".join(f"{count} times {task}" for task, count in sorted(soak.storm.counts.items()))
    print(f"{rounds} rounds, all agree; beside them {beside or 'nothing'}")


if __name__ == "__main__":
    sys.exit(main())
