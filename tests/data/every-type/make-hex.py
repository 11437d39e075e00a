#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes every-type.hex.zone from every-type.zone with the help of BIND: make-hex.py > every-type.hex.zone

BIND reads the file and prints each record in the form of RFC 3597. Types that it does not read from a file are encoded
below by hand, so that nothing of ours takes part.
"""

import pathlib
import re
import struct
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ZONE = "every-type.example."


def name(text):
    labels = [label.encode() for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def by_hand():
    """owner, type number, RDATA"""
    text = b"TCP-v4-1"
    yield "md", 3, name(f"MailHost.{ZONE}")
    yield "mf", 4, name("MailHost.Elsewhere.EXAMPLE.")
    yield "cla", 263, bytes([len(text)]) + text
    yield "ipn", 264, struct.pack("!Q", 2**64 - 1)


def lines_of_bind():
    hand = "|".join(owner for owner, _, _ in by_hand())
    lines = (HERE / "every-type.zone").read_text(encoding="ascii").splitlines()
    rest = "\n".join(line for line in lines if not re.match(rf"({hand})\s", line)) + "\n"
    command = ["named-checkzone", "-q", "-k", "ignore", "-i", "local", "-D", "-s", "full", "-o", "-", ZONE, "/dev/stdin"]
    dump = subprocess.run(command, input=rest, capture_output=True, text=True, check=True).stdout
    for line in dump.splitlines():
        match = re.match(r"((?:\\.|[^\s;])+)\s+(\d+)\s+IN\s+(.*)", line)
        if match:  # the rest are comments of BIND
            yield match.groups()


def main():
    print("; SPDX-License-Identifier: MIT")
    print("; every-type.zone in the form of RFC 3597, written by make-hex.py")
    for owner, ttl, rest in lines_of_bind():
        command = ["named-rrchecker", "-u"]
        record = subprocess.run(command, input=f"IN {rest}\n", capture_output=True, text=True, check=True).stdout
        print(owner, ttl, re.sub(r"CLASS1\s+(\S+)\s+", r"IN \1 ", record.strip()))
    for owner, number, rdata in by_hand():
        print(f"{owner}.{ZONE} 3600 IN TYPE{number} \\# {len(rdata)} {rdata.hex().upper()}")


if __name__ == "__main__":
    main()
