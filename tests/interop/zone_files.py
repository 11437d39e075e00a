# SPDX-License-Identifier: MIT
"""What Tandem, BIND, Knot, NSD and ldns make of the same zone files: tests/data/zone-files.

Run by itself it prints every case on which they do not all agree:

    /usr/bin/python3 tests/interop/zone_files.py        what is in the folder
    /usr/bin/python3 tests/interop/zone_files.py HIP    the cases with this word
    /usr/bin/python3 tests/interop/zone_files.py --made 2000 --seed 7 --alone
                                                        these and RRs with some of their words changed; only those on which
                                                        Tandem stands alone
"""

import argparse
import dataclasses
import http.client
import json
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile

import servers
import wire
import zones

FOLDER = zones.DATA / "zone-files"
SOA_AND_NS = "$TTL 300\n@ 300 IN SOA ns.example. host.example. 1 3600 600 86400 60\n@ 300 IN NS ns.example."
MARKS = {"$SOA": SOA_AND_NS, "$EOF\n": "", "$CR": "\r", "$CTRL": "\x01"}  # of the cases; beside them the zone's name
REFUSED = None  # what a reader made of a file that it refused; else it is a set of records


@dataclasses.dataclass
class Case:
    """A zone file. Its title is the RR that it is about, or says what it is."""

    title: str
    type: str  # of the RR; empty for a whole zone
    zone: str
    text: str
    made: dict = dataclasses.field(default_factory=dict)  # reader: records or REFUSED
    said: str = ""  # by Tandem

    def file(self, folder):
        return pathlib.Path(folder) / f"{self.zone}zone"


def add_case(found, title, rrtype, text):
    zone = f"z{len(found)}.example."
    for mark, meaning in {**MARKS, "$ZONE": zone, "$UPPER": zone.upper()}.items():
        text = text.replace(mark, meaning)
    found.append(Case(title, rrtype, zone, text))


def add_rr(found, line):
    add_case(found, line, line.split()[0], f"$SOA\nrr 300 IN {line}\n")


def lines_of_rdata():
    lines = (FOLDER / "rdata.txt").read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


def cases():
    found = []
    for line in lines_of_rdata():
        add_rr(found, line)
    for block in re.split(r"^== ", (FOLDER / "zones.txt").read_text(encoding="ascii"), flags=re.M)[1:]:
        title, text = block.split("\n", 1)
        add_case(found, title, "", text)
    return found


# ---- RRs at random

EDGES = "0 1 00 255 256 65535 65536 2147483647 2147483648 4294967295 4294967296 -1 1.5 0x10 1h @ . - \"\" \"a b\"".split(" ")


def changed_number(draw, word):
    return re.sub(r"\d+", lambda match: str(max(0, int(match[0]) + draw.choice([-1, 1, 100, 1000]))), word, count=1)


def escaped(draw, word):
    at = draw.randrange(len(word))
    return word[:at] + draw.choice([f"\\{ord(word[at]):03d}", "\\" + word[at]]) + word[at + 1 :]


def cut(draw, word):
    return word[: draw.randrange(len(word))] or "0"


def broken(draw, word):
    """In two words: what is base64 or hexadecimal may be."""
    at = draw.randrange(len(word) + 1)
    return word[:at] + draw.choice([" ", " ( ", "  "]) + word[at:]


CHANGES = [
    changed_number,
    escaped,
    cut,
    broken,
    lambda draw, word: draw.choice(EDGES),
    lambda draw, word: word + draw.choice(word),
    lambda draw, word: word.swapcase(),
    lambda draw, word: f'"{word}"',
    lambda draw, word: f"{word} {word}",
    lambda draw, word: "",
]


def changed(draw, line):
    """The RR with one or two of its words changed, in one line."""
    rrtype, *words = line.split()
    for _ in range(draw.choice([1, 1, 2])):
        words = [word for word in words if word] or ["0"]
        at = draw.randrange(len(words))
        words[at] = draw.choice(CHANGES)(draw, words[at])
    if draw.random() < 0.2:
        words.sort(key=lambda word: draw.random())
    rdata = " ".join(words)
    return f"{rrtype} {rdata}" + " )" * (rdata.count("(") - rdata.count(")"))


def known_by_name(case):
    return not re.match("TYPE[0-9]|NONSENSE", case.type)


def made_cases(seed, count):
    """Behind those of the folder, which tell who knows which type. A name that is cut short in generic form is too much
    for Knot 3.2."""
    draw = random.Random(seed)
    found = cases()
    lines = [case.title for case in found if case.type and not is_generic(case) and known_by_name(case)]
    wanted = len(found) + count
    seen = set(lines)
    while len(found) < wanted:
        line = changed(draw, draw.choice(lines))
        if line not in seen:
            seen.add(line)
            add_rr(found, line)
    return found


# ---- Readers


def read_with_ldns(case):
    """ldns-read-zone has no option for the origin. It prints every record in the form of RFC 3597."""
    text = f"$ORIGIN {case.zone}\n" + case.text
    result = subprocess.run(["ldns-read-zone", "-U", "NULL"], input=text, capture_output=True, text=True, check=False)
    if result.returncode != 0 or "rror" in result.stderr:
        return REFUSED
    records = set()
    for line in result.stdout.splitlines():
        owner, ttl, _, rrtype, *rdata = re.split(r"[ \t]+", line.strip())
        octets = bytes.fromhex("".join(rdata[2:])) if rdata[:1] == ["\\#"] else None
        if octets is None:
            return REFUSED  # it printed what it cannot have read
        number = int(rrtype.replace("NULL", "TYPE10").removeprefix("TYPE"))
        records.add((name_of(owner), number, int(ttl), wire.canonical_rdata(octets, 0, len(octets), number)))
    return records


def name_of(text):
    labels = []
    for label in re.findall(r"((?:\\\d{3}|\\.|[^.\\])+)\.", text):
        octets = re.sub(r"\\(\d{3}|.)", lambda match: chr(int(match[1])) if match[1].isdigit() else match[1], label)
        labels.append(octets.encode("latin-1").lower())
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def serve(server, every):
    """Starts the server with every case as a zone of its own."""
    for case in every:
        server.zones.append(servers.Zone(case.zone, file=case.file(server.folder)))
        case.file(server.folder).write_text(case.text, encoding="ascii", newline="")
    server.start()


def fetch(server, case):
    try:
        return wire.as_nsd_writes(wire.axfr(server.place, case.zone))
    except (wire.TransferError, OSError):
        return REFUSED


def has_ended(server):
    """Whoever cut a connection is about to end, or answers on."""
    servers.wait_until(lambda: server.process.poll() is not None or server.is_answering(), f"{server.name} answers or ends")
    return server.process.poll() is not None


def read_with_server(server, every):
    """Serves every case and fetches what comes of it. These servers answer only when they have read all."""
    server.is_ready = server.is_answering
    serve(server, every)
    for case in every:
        case.made[server.kind] = fetch(server, case)
        if server.kind == "knot" and case.made[server.kind] is REFUSED and has_ended(server):
            # Knot 3.2 now and then dies of a zone that it cannot send; it is asked for the next one again.
            server.start()
            case.made[server.kind] = fetch(server, case)
    if server.kind == "knot":
        server.kill()
    server.stop()


def call(server, address):
    """The body of a reply of Tandem's API. A subcommand for each of some hundred zones would take its time."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(servers.CHANGE_SECONDS)
        connection.connect(str(server.folder / "control.sock"))
        connection.sendall(f"GET {address} HTTP/1.0\r\nHost: tandem\r\n\r\n".encode())
        reply = http.client.HTTPResponse(connection)
        reply.begin()
        assert reply.status == 200, f"{address}: {reply.status}"
        return reply.read().decode()


def read_with_tandem(server, every):
    """The same, and what it says of the files that it refuses."""
    server.is_ready = lambda: server.is_answering() and json.loads(call(server, "/v1/status"))["zones"]["loading"] == 0
    serve(server, every)
    for case in every:
        reason = json.loads(call(server, f"/v1/zones/{case.zone}"))["reason"]
        case.said = reason or ""
        case.made["tandem"] = REFUSED if reason else fetch(server, case)
    server.stop()


def read_all(folder, every=None):
    every = every or cases()
    for case in every:
        made = read_with_ldns(case)
        case.made["ldns"] = made if made is REFUSED else wire.as_nsd_writes(made)
    for kind, peer in servers.PEERS.items():
        read_with_server(peer(folder), every)
    read_with_tandem(servers.Tandem(folder), every)
    return every


# ---- Comparison


def voters(every):
    """For each type the readers that know it by name: they take some RR of it."""
    known = {}
    for case in every:
        for reader, made in case.made.items():
            if made is not REFUSED and not is_generic(case):
                known.setdefault(case.type, set()).add(reader)
    return known


def is_generic(case):
    """The form of RFC 3597 needs no knowledge of the type."""
    return "\\#" in case.title


def knows(reader, case, known):
    return is_generic(case) or case.type not in known or reader in known[case.type]


def others(case, known):
    """What the other readers that know the type made of it; without repetition."""
    made = []
    for reader, records in case.made.items():
        if reader != "tandem" and knows(reader, case, known) and records not in made:
            made.append(records)
    return made


def stands_alone(case, known):
    """Whether the others agree that this is a zone, or that it is not, and Tandem is of another mind."""
    made = others(case, known)
    if len(made) == 1:
        return made[0] != case.made["tandem"]
    if REFUSED not in made:
        return case.made["tandem"] not in made
    return False


def readers(case, known, wanted):
    return " ".join(reader for reader in sorted(case.made) if knows(reader, case, known) and wanted(case.made[reader]))


def show(case, known):
    takers = readers(case, known, lambda made: made is not REFUSED)
    refusers = readers(case, known, lambda made: made is REFUSED)
    lines = [f"{case.title} | takes: {takers} | refuses: {refusers}"]
    shown = [made for made in case.made.values() if made is not REFUSED]
    common = set.intersection(*shown) if shown else set()
    for reader in sorted(case.made):
        for record in sorted((case.made[reader] or set()) - common):
            lines.append(f"    {reader:7}{wire.show(record)}")
    return "\n".join(lines + [f"    says   {line}" for line in case.said.splitlines()[:1]])


def arguments():
    parser = argparse.ArgumentParser(description="Shows zone files that servers read differently.")
    parser.add_argument("word", nargs="?", default="", help="only cases with this word in their title")
    parser.add_argument("--made", type=int, default=0, metavar="COUNT", help="so many RRs at random, too")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--alone", action="store_true", help="only where Tandem stands alone")
    return parser.parse_args()


def main():
    options = arguments()
    every = cases()
    if options.made:
        print(f"seed {options.seed}")
        every = made_cases(options.seed, options.made)
    with tempfile.TemporaryDirectory() as folder:
        read_all(folder, every)
    known = voters(every)
    for case in every:
        made = others(case, known)
        alone = stands_alone(case, known)
        if options.word in case.title and (alone or (made != [case.made["tandem"]] and not options.alone)):
            print("ALONE " if alone else "split ", show(case, known), sep="")


if __name__ == "__main__":
    main()
