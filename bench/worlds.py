# SPDX-License-Identifier: MIT
"""What the servers serve while they are measured, and what they are asked: made from fixed seeds, so the same each time."""

import pathlib
import pickle
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import zones

QUESTIONS = 100000


class World:
    """Zones in files; `unit` is what memory is counted per."""

    unit = "record"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.zones = []  # (name, file, serial)
        self.count = 0  # of units

    def ask(self):
        """Lines for dnsperf: names that exist and, as many, names that do not."""
        raise NotImplementedError

    def questions(self):
        """The file with the questions, written once."""
        path = self.folder / f"{self.name}.questions"
        if not path.exists():
            path.write_text("".join(f"{line}\n" for line in self.ask()), encoding="ascii")
        return path


class Root(World):
    """The real root zone with its signatures."""

    name = "root"

    def __init__(self, folder, _size):
        super().__init__(folder)
        file = zones.unpacked(self.folder / "root") / "root.signed.zone"
        records = [line.split() for line in file.read_text(encoding="ascii").splitlines()]
        serial = next(int(fields[6]) for fields in records if fields[3] == "SOA")
        self.zones = [(".", file, serial)]
        self.count = len(records)
        self.cuts = sorted({fields[0] for fields in records if fields[3] == "NS" and fields[0] != "."})

    def ask(self):
        draw = random.Random(2)
        for _ in range(QUESTIONS // 2):
            yield f"www.example.{draw.choice(self.cuts)} A"
            yield f"{draw.getrandbits(48):012x}-. A"


class Tld(World):
    """A made-up top-level domain: two NS each, a DS for every third, glue for every fourth delegation."""

    name = "tld"
    apex = "bench."

    def __init__(self, folder, delegations):
        super().__init__(folder)
        self.delegations = delegations
        file = self.folder / f"{self.name}.zone"
        self.zones = [(self.apex, file, 1)]
        draw = random.Random(1)
        self.count = 3
        with open(file, "w", encoding="ascii") as out:
            out.write(f"$ORIGIN {self.apex}\n$TTL 86400\n@ SOA ns hostmaster 1 1800 900 604800 86400\n@ NS ns\nns A 127.0.0.1\n")
            for number in range(delegations):
                self.write_delegation(out, draw, number)

    def write_delegation(self, out, draw, number):
        name = f"{draw.getrandbits(40):010x}{number:x}"
        provider = draw.randrange(5000)
        out.write(f"{name} NS ns1.provider{provider}.example.\n")
        self.count += 2
        if number % 4 == 0:
            out.write(f" NS ns.{name}\nns.{name} A 192.0.2.{number % 256}\n")
            self.count += 1
        else:
            out.write(f" NS ns2.provider{provider}.example.\n")
        if number % 3 == 0:
            out.write(f"{name} DS {number % 65536} 13 2 {draw.getrandbits(256):064x}\n")
            self.count += 1

    def changed(self):
        """Another version of the zone, one serial on and with one record more: its file, written once, and its serial."""
        path = self.folder / f"{self.name}.changed"
        if not path.exists():
            with open(self.zones[0][1], encoding="ascii") as old, open(path, "w", encoding="ascii") as new:
                for line in old:
                    new.write(line.replace(" hostmaster 1 ", " hostmaster 2 "))
                new.write('changed TXT "changed"\n')
        return path, 2

    def ask(self):
        draw = random.Random(2)
        with open(self.zones[0][1], encoding="ascii") as file:
            names = [line.split()[0] for line in file if " NS ns1.provider" in line]
        for _ in range(QUESTIONS // 2):
            yield f"www.{draw.choice(names)}.{self.apex} A"
            yield f"{draw.getrandbits(48):012x}-.{self.apex} A"


class Big(Tld):
    """The same, larger."""

    name = "big"


class Many(World):
    """Many small zones of ten records."""

    name = "many"
    unit = "zone"

    def __init__(self, folder, count):
        super().__init__(folder)
        self.count = count
        files = self.folder / self.name
        files.mkdir()
        for number in range(count):
            zone = f"z{number * 7919 % count}.many.example."
            file = files / f"{number}.zone"
            file.write_text(
                f"$ORIGIN {zone}\n$TTL 3600\n@ SOA ns1 hostmaster 1 1800 900 604800 3600\n@ NS ns1\n@ NS ns2\n@ MX 10 mail\n"
                f"ns1 A 192.0.2.{number % 256}\nns2 A 198.51.100.{number % 256}\nmail A 192.0.2.25\nwww A 192.0.2.80\n"
                f"www AAAA 2001:db8::{number % 65536:x}\n@ TXT \"zone {number}\"\n"
            )
            self.zones.append((zone, file, 1))

    def ask(self):
        draw = random.Random(2)
        for _ in range(QUESTIONS // 2):
            yield f"www.{draw.choice(self.zones)[0]} A"
            yield f"{draw.getrandbits(48):012x}.{draw.choice(self.zones)[0]} A"


class Batch(Many):
    """Fewer of them, which change all at once."""

    name = "batch"


WORLDS = {world.name: world for world in (Root, Tld, Big, Many, Batch)}


def world_of(name, folder, size):
    """Made, or taken from the folder if it was made there before."""
    kept = pathlib.Path(folder) / f"{name}-{size}.world"
    if kept.exists():
        return pickle.loads(kept.read_bytes())
    home = kept.with_suffix("")
    home.mkdir()
    world = WORLDS[name](home, size)
    kept.write_bytes(pickle.dumps(world))
    return world
