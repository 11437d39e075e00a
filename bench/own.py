# SPDX-License-Identifier: MIT
"""What Tandem's own programs measure in one process, without a server: tables {line: {column: number}}."""

import re
import subprocess

import budget
import measures

NUMBER = r"([\d.]+)"


def run(program, *words):
    command = [str(word) for word in (measures.BUILD / program, *words)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=measures.PATIENCE_SECONDS).stdout


def figures_of(text, patterns):
    """The first number after each pattern; columns that have none are left out."""
    found = {column: re.search(pattern, text) for column, pattern in patterns.items()}
    return {column: float(match.group(1)) for column, match in found.items() if match}


def apply(sizes):
    """Microseconds and memory of a version with one change, or with 100, in zones of so many delegations."""
    patterns = {
        "records": rf"records {NUMBER}",
        "1: us": rf"apply 1 changes: {NUMBER} us",
        "1: B held": rf"apply 1 changes: .*?, {NUMBER} octets",
        "100: us": rf"apply 100 changes: {NUMBER} us",
        "100: B held": rf"apply 100 changes: .*?, {NUMBER} octets",
        "B/record": rf"memory {NUMBER} octets",
        "lookup ns": rf"lookup below delegation {NUMBER} ns",
    }
    return {f"{size}": figures_of(run("snapshot", size, "sorted"), patterns) for size in sizes["apply"]}


def zones(sizes):
    """The set of all zones of a server: finding one, and one out and one in."""
    patterns = {
        "find ns": rf"find apex {NUMBER} ns",
        "find below ns": rf"find below {NUMBER} ns",
        "change us": rf"one zone out, one in {NUMBER} us",
        "B/zone": rf"{NUMBER} octets/zone",
    }
    return {f"{size}": figures_of(run("zone_set", size), patterns) for size in sizes["zones"]}


def replay(_sizes):
    """Answers by kind: time and octets, and the instructions that the budget holds."""
    instructions, texts = budget.counted_with_times()
    table = {}
    for label, text in texts.items():
        line = rf"^(\S+(?: \+\w+)?) +{NUMBER} ns best +{NUMBER} ns middle +{NUMBER} octets"
        for kind, best, middle, octets in re.findall(line, text, re.MULTILINE):
            name = f"{label} {kind}"
            table[name] = {"ns best": float(best), "ns": float(middle), "octets": float(octets)}
            table[name]["instructions"] = instructions[name]
    return table
