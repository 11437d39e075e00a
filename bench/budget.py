#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Instructions per answer, by kind, held against bench/budget.txt: what makes answers dearer shows at once.

    bench/budget.py [--write]

callgrind counts what bench/replay.c does for one answer, over the signed root zone (NSEC) and a made-up zone (NSEC3).
Instructions do not depend on the machine's load; a few per cent come from hash keys that are random, and the limit
leaves room for them. With --write the figures become the budget. Prints TAP.
"""

import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from tap import Tap

BUDGET = ROOT / "bench" / "budget.txt"
REPLAY = ROOT / "build" / "bench" / "replay"
ANSWERS = 8192  # QUESTIONS of bench/replay.c
LEEWAY = 1.06
SEED = 7
APEX = "signed.example."


def write_plain(path):
    """Hosts, aliases, wildcards and delegations."""
    draw = random.Random(SEED)
    lines = [f"$ORIGIN {APEX}", "$TTL 3600", "@ SOA ns1 hostmaster 1 3600 600 86400 300", "@ NS ns1", "ns1 A 192.0.2.1"]
    for number in range(300):
        host = f"h{draw.getrandbits(32):08x}"
        lines += [f"{host} A 192.0.2.{number % 256}", f"{host} AAAA 2001:db8::{number:x}"]
        if number % 3 == 0:
            lines.append(f"alias{number} CNAME {host}")
        if number % 10 == 0:
            lines.append(f'*.wild{number} TXT "made up"')
        if number % 5 == 0:
            lines += [f"below{number} NS ns.below{number}", f"ns.below{number} A 198.51.100.{number % 256}"]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def signed_zone(folder):
    """With NSEC3, no salt and no iterations more. The keys are new each time; what they sign is as long."""
    plain, signed = folder / "plain.zone", folder / "signed.zone"
    write_plain(plain)
    command = ["ldns-keygen", "-r", "/dev/urandom", "-a", "ECDSAP256SHA256", APEX]
    key = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
    command = ["ldns-signzone", "-n", "-t", "0", "-i", "20200101000000", "-e", "20370101000000", "-f", signed, plain, key]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return signed


def counted(folder, label, zone, file):
    """{kind: instructions per answer}; callgrind writes one part after each kind."""
    out = folder / f"{label}.callgrind"
    command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=counted_round"]
    command += ["--dump-after=measure", f"--callgrind-out-file={out}", REPLAY, zone, file, "0"]
    result = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    kinds = re.findall(r"^(\S+(?: \+\w+)?) +\d+ ns best", result.stdout, re.MULTILINE)
    figures = {}
    for number, kind in enumerate(kinds, 1):
        total = re.search(r"^totals: (\d+)$", pathlib.Path(f"{out}.{number}").read_text(), re.MULTILINE)
        figures[f"{label} {kind}"] = int(total.group(1)) // ANSWERS
    return figures


def zones_of(folder):
    """What is asked: label, apex, file."""
    subprocess.run([ROOT / "tools" / "unpack-data", folder / "root"], check=True)
    return [("root", ".", folder / "root" / "root.signed.zone"), ("nsec3", APEX, signed_zone(folder))]


def measured():
    with tempfile.TemporaryDirectory(prefix="tandem-budget-") as name:
        folder = pathlib.Path(name)
        figures = {}
        for zone in zones_of(folder):
            figures |= counted(folder, *zone)
        return figures


def counted_with_times():
    """The same figures, and what the program prints of each zone when it runs by itself."""
    with tempfile.TemporaryDirectory(prefix="tandem-budget-") as name:
        folder = pathlib.Path(name)
        figures, texts = {}, {}
        for label, apex, file in zones_of(folder):
            command = [str(word) for word in (REPLAY, apex, file)]
            texts[label] = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            figures |= counted(folder, label, apex, file)
        return figures, texts


def budget():
    lines = [line for line in BUDGET.read_text(encoding="ascii").splitlines() if line and not line.startswith("#")]
    return {line.rsplit(maxsplit=1)[0]: int(line.rsplit(maxsplit=1)[1]) for line in lines}


def write_budget(figures):
    head = "# Instructions per answer, in user space. Written by bench/budget.py --write; it says what the kinds are.\n"
    BUDGET.write_text(head + "".join(f"{kind:<24}{count:>8}\n" for kind, count in figures.items()), encoding="ascii")


def main():
    figures = measured()
    if "--write" in sys.argv[1:]:
        write_budget(figures)
    tap = Tap()
    allowed = budget()
    tap.check(set(allowed) == set(figures), "the budget has a figure for each kind", sorted(set(allowed) ^ set(figures)))
    for kind, count in figures.items():
        limit = allowed.get(kind, 0)
        notes = [f"{count} instructions per answer, the budget is {limit}"]
        tap.check(count <= limit * LEEWAY, f"{kind}: {count} of {limit} instructions", notes)
    return tap.finish()


if __name__ == "__main__":
    sys.exit(main())
