# SPDX-License-Identifier: MIT
"""Zones of the tests as files, in the form that a server can read."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DATA = ROOT / "tests" / "data"
EVERY_TYPE = "every-type.example."
REFUSED_BY_BIND = re.compile(r"^\S+ \d+ IN TYPE[34] ")  # MD and MF: tests/data/every-type/README.md


def unpacked(folder):
    """The real root zones: a folder with root.SERIAL.zone and root.signed.zone."""
    subprocess.run([ROOT / "tools" / "unpack-data", folder], check=True)
    return folder


def serial_of_file(file):
    """The serial of root.SERIAL.zone."""
    return int(file.name.split(".")[1])


def every_type(kind, folder):
    """The zone of every RR type as a server of this kind can load it."""
    if kind == "tandem":
        return DATA / "every-type" / "every-type.zone"
    lines = (DATA / "every-type" / "every-type.hex.zone").read_text(encoding="ascii").splitlines()
    if kind == "bind":
        lines = [line for line in lines if not REFUSED_BY_BIND.match(line)]
    file = pathlib.Path(folder) / f"every-type.{kind}.zone"
    file.write_text("\n".join(lines) + "\n", encoding="ascii")
    return file


def many_octets(count=75000):
    """Lines for so many records of 200 octets: quickly read, and in all more than the buffers of two sockets take."""
    return "\n".join(f'n{number} TXT "{"x" * 200}"' for number in range(count))


def small(folder, name, serial, extra=""):
    """A small zone with this serial; a version differs from others in a TXT record too."""
    file = pathlib.Path(folder) / f"{name.rstrip('.')}.{serial}.zone"
    file.write_text(
        f"$ORIGIN {name}\n$TTL 300\n"
        f"@ SOA ns1 hostmaster {serial} 3600 600 86400 300\n"
        "@ NS ns1\nns1 A 127.0.0.1\nwww A 192.0.2.80\n"
        f'version TXT "{serial}"\n{extra}\n',
        encoding="ascii",
    )
    return file
