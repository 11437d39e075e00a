#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Tandem beside its peers, on one machine and in one run: only the ratios say something.

    bench/bench.py [--quick] [--rounds N] [--servers tandem,bind,knot,nsd] [--markdown] [ROW...]

A row is MEASURE:WORLD, for example udp:root, or a MEASURE for all its worlds; without one all rows run but dnsperf.
Beside the peers:

load      start of the process to the first answer, CPU, memory (PSS of all its processes), and the time and the peak of
          reading a changed file of the whole zone
udp       CPU time per answer, user and system, and answers per second, of a server that is busy all the time: the load on
          the other core always has more questions (bench/saturate.c); half of the names do not exist; beside them an
          echo that answers nothing, as the floor
udp-do    the same with EDNS and DO
dnsperf   the same as udp with dnsperf as the load, which does not ask for all that a server can do
tcp       the same as udp over eight kept connections, pipelined
tcp-each  the same with a connection for each question
axfr-out  a plain reader; then 20 at once; the time in us that 50 % and 99 % of the answers take, idle and meanwhile
axfr-in   start of an empty secondary to its first answer, from NSD and from a sender that only sends
ixfr-in   differences per second that a secondary applies and serves, each announced when the one before is served: of one
          record, of one record where a thousand of them come in one transfer, of 1000 records; memory at the most, as a
          multiple of that before, while one difference comes (1, 1000), and while they come without pause (stream)
commits   zones per second where all change at once: at a secondary, and at a primary whose files were edited
restart   start to the first answer, and to answers from all zones, with zones that have not changed; peers keep nothing of
          them, so it is their first start
propagation
          from where a primary serves a change to where its secondary of the same kind does, as they are by themselves

Tandem alone, in one process:

replay    time and instructions of an answer, by kind
apply     a version with one change and with 100, in zones of several sizes
zones     finding a zone, and one out and one in, among many

Worlds: root (the real one, signed), tld (made up, 1,000,000 delegations), big (the same with 10 million records), many
(100,000 small zones), batch (10,000). Rounds are interleaved, figures are medians; big and batch have one round. At the end
comes a table of all
rows with the goals. All of it takes about an hour, --quick five minutes. Nothing else should run beside it.

Peers are Debian's; with PEERS=DIR in the environment those of DIR/sbin and DIR/bin (named, knotd and knotc, nsd).
"""

import argparse
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

import measures
import own
import page
import worlds

BESIDE_PEERS = {
    "load": (measures.load, ["root", "tld", "big", "many"]),
    "udp": (measures.udp, ["root", "tld", "many"]),
    "udp-do": (measures.udp_do, ["root", "tld", "many"]),
    "dnsperf": (measures.udp_dnsperf, ["root"]),
    "tcp": (measures.tcp, ["root", "tld"]),
    "tcp-each": (measures.tcp_each, ["root"]),
    "axfr-out": (measures.axfr_out, ["tld"]),
    "axfr-in": (measures.axfr_in, ["tld"]),
    "ixfr-in": (measures.ixfr_in, ["root", "tld", "big"]),
    "commits": (measures.commits, ["batch"]),
    "restart": (measures.restart, ["big", "many"]),
    "propagation": (measures.propagation, ["root"]),
}
ALONE = {"replay": own.replay, "apply": own.apply, "zones": own.zones}
ONLY_WHEN_NAMED = ["dnsperf"]
ONE_ROUND = ["big", "batch"]
WITH_ECHO = ["udp", "udp-do", "dnsperf"]
NOT_COMPARED = ["busy %", "20: cut", "lost %", "changes"]
MORE_IS_BETTER = ["k/s", "Mrec/s", "MB/s", "20: Mrec/s", "1: /s", "1000 of 1: /s", "1000: /s", "in: zones/s", "files: zones/s"]
SIZES = {
    "tld": 1000000,
    "big": 3870000,  # 10 million records
    "many": 100000,
    "batch": 10000,
    "apply": [1000, 1000000, 10000000],
    "zones": [1000, 100000, 1000000],
}
QUICK_SIZES = {"tld": 50000, "big": 100000, "many": 2000, "batch": 200, "apply": [1000, 100000], "zones": [1000, 100000]}

# What the last table shows of each measure, and how many times as good as the best peer it is to be; None: no goal.
SHOWN = {
    "load": [("s", 4), ("B/record", 3), ("B/zone", 3), ("reload s", None)],
    "udp": [("us user", 2), ("us", None)],
    "udp-do": [("us user", 2), ("us", None)],
    "dnsperf": [("us", None)],
    "tcp": [("k/s", 1), ("us", None)],
    "tcp-each": [("k/s", 1), ("us", None)],
    "axfr-out": [("Mrec/s", 3), ("20: Mrec/s", None), ("p99 busy", None)],
    "axfr-in": [("from nsd s", 2), ("from sender s", 3)],
    "ixfr-in": [("1: /s", None), ("1000 of 1: /s", None), ("1000: /s", None), ("stream peak", None)],
    "commits": [("in: zones/s", None), ("files: zones/s", None)],
    "restart": [("s", None), ("all s", None)],
    "propagation": [("median ms", None), ("p99 ms", None)],
}
# And how many times as good as one of them.
AGAINST = {"commits": [("in: zones/s", "knot", 10), ("files: zones/s", "knot", 10)]}
# And of what it is to be a part or a multiple, whoever the peers are: column, whose figure, its column, times at the most.
BOUNDED = {
    "load": [("peak/rest", None, None, 1.5)],
    "udp": [("us", measures.ECHO, "us", 1.15)],
    "udp-do": [("us", measures.ECHO, "us", 1.15)],
    "axfr-out": [("p99 busy", "tandem", "p99 idle", 2)],
    "ixfr-in": [("1: peak", None, None, 1.1), ("1000: peak", None, None, 1.1)],
    "restart": [("s", None, None, 1), ("all s", None, None, 1)],
    "propagation": [("p99 ms", None, None, 10)],
}
NO_GOAL = [("load", "root"), ("ixfr-in", "root")]  # so little memory that what else a server has counts most


def rows_of(words):
    """[(measure, world)] in the order of the words; the world of a measure of Tandem alone is None."""
    chosen = []
    for word in words or [name for name in (*BESIDE_PEERS, *ALONE) if name not in ONLY_WHEN_NAMED]:
        measure, _, world = word.partition(":")
        if measure in ALONE and not world:
            chosen.append((measure, None))
        elif measure in BESIDE_PEERS and (not world or world in worlds.WORLDS):
            chosen += [(measure, one) for one in ([world] if world else BESIDE_PEERS[measure][1])]
        else:
            sys.exit(f"bench: no row {word}; measures: {' '.join((*BESIDE_PEERS, *ALONE))}; worlds: {' '.join(worlds.WORLDS)}")
    return chosen


def check_servers(chosen, rows):
    """Ends with a word when a server that will be needed is not there."""
    for kind in chosen:
        if kind not in measures.kinds():
            sys.exit(f"bench: no server {kind}; there are {' '.join(measures.kinds())}")
    if os.environ.get("PEERS") and not pathlib.Path(os.environ["PEERS"]).is_dir():
        sys.exit(f"bench: PEERS={os.environ['PEERS']} is no folder")
    needed = [*chosen, *(["nsd"] if any(measure == "axfr-in" for measure, _ in rows) else [])]
    problems = {problem for problem in map(measures.program_problem, needed) if problem}
    if problems:
        sys.exit("".join(f"bench: {problem}\n" for problem in sorted(problems)).rstrip())


# ---- Figures


def medians(rounds):
    return {column: statistics.median(one[column] for one in rounds) for column in rounds[0]}


def ratio(ours, theirs, column):
    """How many times as good ours is; None: nothing to compare."""
    if not ours or not theirs:
        return None
    return ours / theirs if column in MORE_IS_BETTER else theirs / ours


def best_peer(results, column):
    """Kind and figure, or None."""
    peers = [(figures[column], kind) for kind, figures in results.items() if kind in measures.servers.PEERS]
    if not peers or column in NOT_COMPARED or "tandem" not in results:
        return None
    if column not in MORE_IS_BETTER and any(figure == 0 for figure, _ in peers):
        return None  # too small to be told from nothing
    figure, kind = max(peers) if column in MORE_IS_BETTER else min(peers)
    return kind, figure


def number(figure):
    if abs(figure) >= 1000:
        return f"{figure:.0f}"
    return f"{figure:.1f}" if abs(figure) >= 100 else f"{figure:.2f}"


def cells_of(results):
    """The table as lists of words: a head, a line for each server, and one with the ratios."""
    columns = list(next(iter(results.values())))
    yield ["", *columns]
    for kind, figures in results.items():
        yield [kind, *(number(figures[column]) if column in figures else "" for column in columns)]
    peers = {column: best_peer(results, column) for column in columns}
    if any(peers.values()):
        ratios = {
            column: peer and ratio(results["tandem"][column], peer[1], column) for column, peer in peers.items()
        }
        yield ["ahead of the best peer", *(f"{ratios[column]:.1f}x" if ratios[column] else "" for column in columns)]


def total_lines(results):
    """[row, column, ours, the other's, whose, ratio, goal, reached?] for all rows that were measured beside others."""
    for (measure, world), table in results.items():
        row = f"{measure}:{world}"
        disturbed = is_disturbed(measure, table)
        for column, goal in SHOWN.get(measure, []):
            peer = column in table.get("tandem", {}) and best_peer(table, column)
            if peer:
                goal = None if (measure, world) in NO_GOAL else goal
                yield total_line(row, column, table["tandem"][column], peer, goal, disturbed)
        for column, kind, goal in AGAINST.get(measure, []):
            if column in table.get("tandem", {}) and kind in table:
                peer = kind, table[kind][column]
                yield total_line(row, column, table["tandem"][column], peer, goal, disturbed)
        for column, whose, of_what, most in BOUNDED.get(measure, []):
            has_goal = (measure, world) not in NO_GOAL
            if has_goal and column in table.get("tandem", {}) and (whose is None or whose in table):
                yield bound_line(row, column, table, whose, of_what, most, disturbed)


def is_disturbed(measure, table):
    """Whether somebody else had too much of the cores to say that a goal was reached or missed."""
    return measure in WITH_ECHO and any(figures.get("busy %", 100) < measures.BUSY_MIN for figures in table.values())


def judged(reached, disturbed):
    return "disturbed" if disturbed else "yes" if reached else "no"


def total_line(row, column, ours, peer, goal, disturbed):
    kind, theirs = peer
    ahead = ratio(ours, theirs, column)
    reached = judged(ahead and ahead >= goal, disturbed) if goal else ""
    words = [f"{ahead:.2f}x" if ahead else "", f"{goal}x" if goal else "", reached]
    return [row, column, number(ours), number(theirs), kind, *words]


def bound_line(row, column, table, whose, of_what, most, disturbed):
    ours = table["tandem"][column]
    theirs = table[whose][of_what] if whose else 1
    name = "" if whose is None else of_what if whose == "tandem" else whose
    words = [f"{ours / theirs:.2f} of it", f"at most {most}", judged(ours <= most * theirs, disturbed)]
    return [row, column, number(ours), number(theirs) if whose else "", name, *words]


# ---- Printing


def print_table(title, rows, options):
    if options.page and not page.put(options.page, page.markdown(title, rows)):
        print(f"bench: {options.page} has no table of {title}", file=sys.stderr)
    if options.markdown:
        print("\n" + page.markdown(title, rows), flush=True)
        return
    print(f"\n{title}")
    for row in rows:
        print(f"{row[0]:24}" + "".join(f"{word:>14}" for word in row[1:]), flush=True)


def results_of_page(path):
    """What the page has of all rows that were measured beside others."""
    tables = page.tables_of(path.read_text(encoding="utf-8"))
    return {tuple(row.split(":")): page.figures_of(table) for row, table in tables.items() if ":" in row}


# ---- Measuring


class Run:
    """All that rows need which are measured one after the other."""

    def __init__(self, folder, options, sizes):
        self.folder = folder
        self.options = options
        self.sizes = sizes
        self.worlds = {}

    def world(self, name):
        if name not in self.worlds:
            self.worlds[name] = worlds.world_of(name, self.options.worlds or self.folder, self.sizes.get(name))
        return self.worlds[name]

    def beside_peers(self, measure, world_name):
        """{server: {column: median}}, and a title."""
        world = self.world(world_name)
        kinds = self.options.servers.split(",") + ([measures.ECHO] if measure in WITH_ECHO else [])
        results = {kind: [] for kind in kinds}
        count = 1 if world_name in ONE_ROUND else self.options.rounds
        for turn in range(count):
            for kind, rounds in results.items():
                folder = self.folder / f"{measure}-{turn}-{kind.replace(' ', '-')}"
                folder.mkdir()
                rounds.append(BESIDE_PEERS[measure][0](kind, folder, world))
                subprocess.run(["rm", "-rf", folder], check=True)
        title = f"{measure}:{world_name} ({world.count} {world.unit}s, medians of {count})"
        return {kind: medians(rounds) for kind, rounds in results.items()}, title

    def row(self, measure, world_name):
        if measure in ALONE:
            table, title = ALONE[measure](self.sizes), measure
        else:
            table, title = self.beside_peers(measure, world_name)
        print_table(title, list(cells_of(table)), self.options)
        return table


def options_of():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--quick", action="store_true", help="small worlds, one round, short loads")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--delegations", type=int, help="of the world tld")
    parser.add_argument("--many", type=int, help="zones of the world many")
    parser.add_argument("--servers", default=",".join(measures.kinds()))
    parser.add_argument("--worlds", type=pathlib.Path, metavar="DIR", help="keep what is served there, for the next run")
    parser.add_argument("--markdown", action="store_true", help="print tables for a page")
    parser.add_argument("--page", type=pathlib.Path, help="put them into this page, in the place of those of the same rows")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def ended(number, _frame):
    raise KeyboardInterrupt(signal.Signals(number).name)


def main():
    options = options_of()
    sizes = dict(QUICK_SIZES if options.quick else SIZES)
    sizes |= {name: size for name, size in (("tld", options.delegations), ("many", options.many)) if size}
    if options.quick:
        measures.LOAD_SECONDS = measures.LATENCY_SECONDS = measures.CHANGE_SECONDS = 1
        measures.PROPAGATIONS = 5
    rows = rows_of(options.rows)
    check_servers(options.servers.split(","), rows)
    print("\n".join(measures.version(kind) for kind in options.servers.split(",")), flush=True)
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(which, ended)
    results = {}
    with tempfile.TemporaryDirectory(prefix="tandem-bench-") as name:
        run = Run(pathlib.Path(name), options, sizes)
        try:
            for measure, world_name in rows:
                results[measure, world_name] = run.row(measure, world_name)
        finally:
            measures.end_all()  # before the folder goes, which may take long
    if options.page:
        results = results_of_page(options.page)
    total = list(total_lines(results))
    if total:
        head = ["", "", "Tandem", "the other", "who", "ahead", "goal", "reached"]
        print_table(page.TOTAL, [head, *total], options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt as interrupt:
        sys.exit(f"bench: ended by {interrupt}")  # and with it, whatever it started
