#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tandem beside its peers, on one machine and in one run: only the ratios say something.

    bench/bench.py [--delegations N] [--rounds N] [--servers tandem,bind,knot,nsd] [load] [transfer] [query]

load      start of the process to the first answer, and memory (PSS of all its processes) per record
transfer  a whole zone read by a plain client, in records per second; and from NSD, start to first answer
query     CPU time per UDP answer, user and system, with dnsperf on another core: half of the names do not exist

The zone is a made-up top-level domain: two NS each, a DS for every third, glue for every fourth delegation. Rounds are
interleaved, figures are medians. Nothing else should run beside it.
"""

import argparse
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import servers
import wire

ZONE = "bench."
servers.START_SECONDS = 600
servers.POLL_ANSWER_SECONDS = 0.01
servers.POLL_SECONDS = 0.002
servers.Tandem.workers = 1
KINDS = {"tandem": servers.Tandem, **servers.PEERS}
TICKS = os.sysconf("SC_CLK_TCK")
QUERY_SECONDS = 4
PATIENCE_SECONDS = 600


def write_zone(path, delegations):
    """Writes the zone; gives the number of its records."""
    draw = random.Random(1)
    count = 3
    with open(path, "w", encoding="ascii") as file:
        file.write(f"$ORIGIN {ZONE}\n$TTL 86400\n@ SOA ns hostmaster 1 1800 900 604800 86400\n@ NS ns\nns A 127.0.0.1\n")
        for number in range(delegations):
            name = f"{draw.getrandbits(40):010x}{number:x}"
            provider = draw.randrange(5000)
            file.write(f"{name} NS ns1.provider{provider}.example.\n")
            count += 2
            if number % 4 == 0:
                file.write(f" NS ns.{name}\nns.{name} A 192.0.2.{number % 256}\n")
                count += 1
            else:
                file.write(f" NS ns2.provider{provider}.example.\n")
            if number % 3 == 0:
                file.write(f"{name} DS {number % 65536} 13 2 {draw.getrandbits(256):064x}\n")
                count += 1
    return count


def write_questions(zone_file, path, count=100000):
    """Questions for dnsperf: names below the delegations, and as many that do not exist."""
    draw = random.Random(2)
    with open(zone_file, encoding="ascii") as file:
        names = [line.split()[0] for line in file if " NS ns1.provider" in line]
    with open(path, "w", encoding="ascii") as file:
        for _ in range(count // 2):
            file.write(f"www.{draw.choice(names)}.{ZONE} A\n")
            file.write(f"{draw.getrandbits(48):012x}-.{ZONE} A\n")


def family(pid):
    """The process and all that it started."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def pss_bytes(pid):
    total = 0
    for member in family(pid):
        for line in pathlib.Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def cpu_seconds(pid):
    """User and system time of all its processes."""
    user = system = 0
    for member in family(pid):
        fields = pathlib.Path(f"/proc/{member}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / TICKS, system / TICKS


def started(kind, folder, zone_file, primary=None):
    """A server of this kind with the zone, and the seconds from its start to the first answer."""
    server = KINDS[kind](folder)
    if primary:
        server.follow(ZONE, primary)
    else:
        server.serve(ZONE, zone_file)
    start = time.monotonic()
    server.start()
    server.wait_for_serial(ZONE, 1, PATIENCE_SECONDS)
    return server, time.monotonic() - start


def measure_load(kind, folder, zone_file, records):
    server, seconds = started(kind, folder, zone_file)
    memory = pss_bytes(server.process.pid)
    server.kill()
    return {"s": seconds, "MiB": memory / 2**20, "B/record": memory / records}


def measure_transfer(kind, folder, zone_file, records):
    server, _ = started(kind, folder, zone_file)
    start = time.monotonic()
    octets = read_transfer(server)
    seconds = time.monotonic() - start
    server.kill()

    source, _ = started("nsd", folder / "from", zone_file)
    follower, in_seconds = started(kind, folder / "to", zone_file, source)
    follower.kill()
    source.kill()
    return {"out krec/s": records / seconds / 1000, "out MB": octets / 1e6, "in s": in_seconds}


def read_transfer(server):
    """Reads a transfer of many messages without looking into them, up to the SOA at its end. Gives its octets."""
    octets = 0
    for message in wire.transfer_messages(server.place, ZONE, PATIENCE_SECONDS):
        octets += len(message)
        if octets > len(message) and b"\x00\x06\x00\x01" in message[-90:]:  # type SOA, class IN
            return octets
    return octets


def measure_query(kind, folder, zone_file, _):
    questions = folder / "questions"
    write_questions(zone_file, questions)
    server, _ = started(kind, folder, zone_file)
    for member in family(server.process.pid):
        subprocess.run(["taskset", "-a", "-c", "-p", "0", str(member)], check=True, stdout=subprocess.DEVNULL)
    before = cpu_seconds(server.process.pid)
    command = ["taskset", "-c", "1", "dnsperf", "-s", server.address, "-p", str(server.port), "-d", questions]
    command += ["-l", str(QUERY_SECONDS), "-c", "16", "-q", "200"]
    report = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout
    after = cpu_seconds(server.process.pid)
    server.kill()
    answers = int(report.split("Queries completed:")[1].split()[0])
    user, system = ((after[i] - before[i]) * 1e6 / answers for i in (0, 1))
    return {"k/s": answers / QUERY_SECONDS / 1000, "us user": user, "us system": system}


MEASURES = {"load": measure_load, "transfer": measure_transfer, "query": measure_query}


def print_table(measure, results):
    columns = list(next(iter(results.values()))[0])
    print(f"\n{measure:10}" + "".join(f"{column:>14}" for column in columns))
    for kind, rounds in results.items():
        medians = [statistics.median(one[column] for one in rounds) for column in columns]
        print(f"{kind:10}" + "".join(f"{value:>14.2f}" for value in medians), flush=True)


def main():
    parser = argparse.ArgumentParser(description="Measures Tandem beside its peers.")
    parser.add_argument("measures", nargs="*", default=list(MEASURES), metavar="MEASURE", help=" ".join(MEASURES))
    parser.add_argument("--delegations", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", default=",".join(KINDS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name:
        folder = pathlib.Path(name)
        zone_file = folder / "bench.zone"
        records = write_zone(zone_file, options.delegations)
        print(f"{options.delegations} delegations, {records} records, medians of {options.rounds} rounds")
        for measure in options.measures:
            results = {kind: [] for kind in options.servers.split(",")}
            for number in range(options.rounds):
                for kind, rounds in results.items():
                    own = folder / f"{measure}-{number}-{kind}"
                    for place in (own, own / "from", own / "to"):
                        place.mkdir()
                    rounds.append(MEASURES[measure](kind, own, zone_file, records))
                    subprocess.run(["rm", "-rf", own], check=True)
            print_table(measure, results)


if __name__ == "__main__":
    main()
