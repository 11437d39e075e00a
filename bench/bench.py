#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tandem beside its peers, on one machine and in one run: only the ratios say something.

    bench/bench.py [--rounds N] [--delegations N] [--many N] [--servers tandem,bind,knot,nsd] [--markdown] [ROW...]

A row is MEASURE:WORLD, for example udp:root, or a MEASURE for all its worlds. Measures:

load      start of the process to the first answer, memory (PSS of all its processes), peak while a changed file is read
udp       CPU time per answer, user and system, and answers per second, of a server that is busy all the time: the load on
          the other core always has more questions (bench/saturate.c); half of the names do not exist; beside them an
          echo that answers nothing, as the floor
udp-do    the same with EDNS and DO
dnsperf   the same as udp with dnsperf as the load, which does not ask for all that a server can do
tcp       the same over kept connections, pipelined
tcp-each  the same with a connection for each question
axfr-out  a plain reader; then 20 at once, and the time that 99 % of the answers take meanwhile
axfr-in   start of an empty secondary to its first answer, from NSD and from a sender that only sends

Worlds: root (the real one, signed), tld (made up), many (small zones). Rounds are interleaved, figures are medians.
Nothing else should run beside it. Peers are the installed ones; PATH decides for knotd and nsd.
"""

import argparse
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

import measures
import worlds

ROWS = {
    "load": (measures.load, ["root", "tld", "many"]),
    "udp": (measures.udp, ["root", "tld", "many"]),
    "udp-do": (measures.udp_do, ["root", "tld", "many"]),
    "dnsperf": (measures.udp_dnsperf, ["root"]),
    "tcp": (measures.tcp, ["root", "tld"]),
    "tcp-each": (measures.tcp_each, ["root"]),
    "axfr-out": (measures.axfr_out, ["tld"]),
    "axfr-in": (measures.axfr_in, ["tld"]),
}
WITH_ECHO = ["udp", "udp-do", "dnsperf"]
NOT_COMPARED = ["busy %", "20: cut"]
MORE_IS_BETTER = ["k/s", "Mrec/s", "MB/s", "20: Mrec/s"]


def rows_of(words):
    """[(measure, world)] in the order of the words."""
    chosen = []
    for word in words or list(ROWS):
        measure, _, world = word.partition(":")
        if measure not in ROWS or (world and world not in worlds.WORLDS):
            sys.exit(f"bench: no row {word}; measures: {' '.join(ROWS)}; worlds: {' '.join(worlds.WORLDS)}")
        chosen += [(measure, one) for one in ([world] if world else ROWS[measure][1])]
    return chosen


def medians(rounds):
    return {column: statistics.median(one[column] for one in rounds) for column in rounds[0]}


def against_peers(results, column):
    """Ours beside the best peer's: "1.8x" says that much better; None: nothing to compare."""
    peers = [figures[column] for kind, figures in results.items() if kind in measures.servers.PEERS]
    if not peers or column in NOT_COMPARED or "tandem" not in results or 0 in peers or results["tandem"][column] == 0:
        return None
    ours = results["tandem"][column]
    return ours / max(peers) if column in MORE_IS_BETTER else min(peers) / ours


def cells_of(results):
    """The table as lists of words: a head, a line for each server, and one with the ratios."""
    columns = list(next(iter(results.values())))
    yield ["", *columns]
    for kind, figures in results.items():
        yield [kind, *(f"{figures[column]:.{0 if figures[column] >= 1000 else 2}f}" for column in columns)]
    ratios = [against_peers(results, column) for column in columns]
    if any(ratios):
        yield ["ahead of the best peer", *("" if ratio is None else f"{ratio:.1f}x" for ratio in ratios)]


def print_table(title, results, markdown):
    rows = list(cells_of(results))
    if markdown:
        rows[0][0] = title
        rows.insert(1, ["---"] * len(rows[0]))
        print("\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows), flush=True)
        return
    print(f"\n{title}")
    for row in rows:
        print(f"{row[0]:24}" + "".join(f"{word:>14}" for word in row[1:]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delegations", type=int, default=1000000)
    parser.add_argument("--many", type=int, default=100000)
    parser.add_argument("--servers", default=",".join(measures.kinds()))
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    options = parser.parse_args()
    sizes = {"root": None, "tld": options.delegations, "many": options.many}
    made = {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: ended from outside"))  # and end what it started
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name:
        folder = pathlib.Path(name)
        for measure, world_name in rows_of(options.rows):
            if world_name not in made:
                made[world_name] = worlds.WORLDS[world_name](folder, sizes[world_name])
            world = made[world_name]
            kinds = options.servers.split(",") + ([measures.ECHO] if measure in WITH_ECHO else [])
            results = {kind: [] for kind in kinds}
            for number in range(options.rounds):
                for kind, rounds in results.items():
                    own = folder / f"{measure}-{number}-{kind.replace(' ', '-')}"
                    own.mkdir()
                    rounds.append(ROWS[measure][0](kind, own, world))
                    subprocess.run(["rm", "-rf", own], check=True)
            title = f"{measure}:{world_name} ({world.count} {world.unit}s, medians of {options.rounds})"
            print_table(title, {kind: medians(rounds) for kind, rounds in results.items()}, options.markdown)


if __name__ == "__main__":
    main()
