# SPDX-License-Identifier: MIT
"""A response as the comparison sees it: header, OPT, and each section as a set in canonical form.

With a reader of its own, which is quick enough for half a million messages and takes nothing on trust.
"""

import struct

import wire

QR, AA, TC, RD, RA, Z, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0040, 0x0020, 0x0010
FLAGS = {"aa": AA, "tc": TC, "rd": RD, "ra": RA, "z": Z, "ad": AD, "cd": CD}
OPT = 41
EDE = 15
RECORDS_SHOWN = 8
RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN",
    9: "NOTAUTH", 10: "NOTZONE", 16: "BADVERS", 23: "BADCOOKIE",
}  # fmt: skip
TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB", 28: "AAAA", 29: "LOC",
    33: "SRV", 35: "NAPTR", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY",
    50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 63: "ZONEMD", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR",
    253: "MAILB", 254: "MAILA", 255: "ANY", 257: "CAA",
}  # fmt: skip
NUMBERS = {text: number for number, text in TYPES.items()}


def type_text(rrtype):
    return TYPES.get(rrtype, f"TYPE{rrtype}")


def name_text(name):
    labels = []
    offset = 0
    while name[offset]:
        label = name[offset + 1 : offset + 1 + name[offset]]
        labels.append("".join(chr(c) if 33 <= c < 127 and chr(c) not in '."\\' else f"\\{c:03}" for c in label))
        offset += 1 + name[offset]
    return ".".join(labels) + "."


class Response:
    """What one server said. A record is (owner, type, class, RDATA), names in lower case; TTLs stand beside."""

    def __init__(self, message):
        self.bytes = message
        _, self.flags, questions, *counts = struct.unpack_from("!6H", message)
        offset = 12
        for _ in range(questions):
            offset = wire.read_name(message, offset)[1] + 4
        self.question = message[12:offset]
        self.opt = None
        self.owners = set()  # of the answer section, in the case they came in
        self.ttls = {}
        self.order = []
        sections = []
        for index, count in enumerate(counts):
            records, offset = self.section(offset, count, index)
            sections.append(records)
        self.answer, self.authority, self.additional = sections
        self.trailing = len(message) - offset
        self.rcode = self.flags & 0xF
        self.edns = None
        self.ede = ()
        if self.opt:
            payload, ttl, rdata = self.opt
            self.rcode |= ttl >> 24 << 4
            options = self.options(rdata)
            self.ede = tuple(sorted(struct.unpack_from("!H", data)[0] for code, data in options if code == EDE))
            others = tuple(sorted(code for code, _ in options if code != EDE))
            self.edns = (ttl >> 16 & 0xFF, payload, ttl & 0xFFFF, others)

    def section(self, offset, count, index):
        message = self.bytes
        records = set()
        for _ in range(count):
            owner, offset = wire.read_name(message, offset)
            rrtype, rrclass, ttl, length = struct.unpack_from("!HHIH", message, offset)
            offset += 10
            if rrtype == OPT:
                self.opt = (rrclass, ttl, message[offset : offset + length])
            else:
                record = (owner.lower(), rrtype, rrclass, wire.canonical_rdata(message, offset, length, rrtype))
                records.add(record)
                self.ttls.setdefault((index, record), ttl)
                if index == 0:
                    self.owners.add(owner)
                    self.order.append(record)
            offset += length
        return records, offset

    @staticmethod
    def options(rdata):
        found = []
        offset = 0
        while offset < len(rdata):
            code, length = struct.unpack_from("!HH", rdata, offset)
            found.append((code, rdata[offset + 4 : offset + 4 + length]))
            offset += 4 + length
        return found

    def ttl_of(self, index, record):
        return self.ttls[(index, record)]

    def text(self, most=RECORDS_SHOWN):
        """For a person."""
        flags = " ".join(name for name, bit in FLAGS.items() if self.flags & bit)
        edns = f" edns {self.edns}" if self.edns else ""
        ede = f" ede {self.ede}" if self.ede else ""
        lines = [f"{RCODES.get(self.rcode, self.rcode)} {flags}{edns}{ede} {len(self.bytes)} octets"]
        for index, (title, records) in enumerate(
            (("answer", self.order), ("authority", sorted(self.authority)), ("additional", sorted(self.additional)))
        ):
            for record in records:
                owner, rrtype, _, rdata = record
                data = f"{self.ttl_of(index, record)} {type_text(rrtype)} {show(rrtype, rdata)}"
                lines.append(f"  {title:10} {name_text(owner)} {data}")
        left_out = len(lines) - 1 - most
        return "\n".join(lines[: most + 1] + ([f"  and {left_out} more"] if left_out > 0 else []))


def show(rrtype, rdata):
    """RDATA in a few characters."""
    if rrtype in (2, 5, 12, 39):
        return name_text(rdata)
    if rrtype == 46:
        return f"{type_text(struct.unpack_from('!H', rdata)[0])} ..."
    if rrtype == 47:
        return f"{name_text(rdata[: wire.read_name(rdata, 0)[1]])} ..."
    return rdata.hex()[:48]
