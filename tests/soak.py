#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A primary, its secondary and a partner for a long time: changes, stops, kill -9, and questions all the while.

    tests/soak.py [--minutes N] [--seed N] [--partner bind|knot|nsd]

Each round draws what happens from the seed, which is printed. Afterwards all must agree: the secondary and the partner
serve the newest version, record by record, as the primary does. Memory is printed now and then.
"""

import argparse
import pathlib
import random
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import servers
import wire
import zones

SMALL = "soak.example."


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

    def all(self):
        return [self.primary, self.secondary, self.partner]

    def start(self):
        self.primary.serve(".", self.versions.pop(0))
        self.primary.serve(SMALL, zones.small(self.folder, SMALL, 1))
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

    def restart(self, server, end):
        end()
        time.sleep(self.draw.random())
        server.start()

    def one_event(self):
        """Something happens; gives its name."""
        events = {
            "small zone changes": (8, self.change_small),
            "root zone changes": (2, self.change_root),
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
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    end = time.monotonic() + options.minutes * 60
    rounds = 0
    with tempfile.TemporaryDirectory(prefix="tandem-soak-") as name:
        soak = Soak(pathlib.Path(name), options.partner, options.seed)
        try:
            soak.start()
            while time.monotonic() < end:
                event = soak.one_event()
                soak.ask()
                soak.agree()
                rounds += 1
                if rounds % 20 == 0:
                    print(f"{rounds} rounds, last: {event}; {', '.join(soak.memory())}", flush=True)
            for server in soak.all():
                server.stop()
        except AssertionError:
            for server in soak.all():
                print(f"-- log of {server.name}\n{server.log_tail()}")
            raise
        finally:
            for server in soak.all():
                server.kill()
    print(f"{rounds} rounds, all agree")


if __name__ == "__main__":
    sys.exit(main())
