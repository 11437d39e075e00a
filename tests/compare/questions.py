# SPDX-License-Identifier: MIT
"""Questions from a seed that aim at the edges of made zones, or at those of the real root zone."""

import dataclasses
import random
import struct

import dns.name
import messages

IN, CH, NONE, ANY = 1, 3, 254, 255
QUERY, IQUERY, STATUS, NOTIFY, UPDATE = 0, 1, 2, 4, 5
COMMON = ["A", "A", "A", "AAAA", "NS", "SOA", "MX", "TXT", "CNAME", "DS", "DS", "ANY", "DNAME", "SRV", "NSEC", "DNSKEY"]
RARE = [
    "RRSIG", "NSEC3", "NSEC3PARAM", "PTR", "CAA", "LOC", "SSHFP", "TLSA", "NAPTR", "RP", "AFSDB", "ZONEMD",
    "TYPE65280", "TYPE65279", "TYPE0", "TYPE24", "TYPE25", "TYPE30", "TYPE61", "TYPE64", "TYPE65", "TYPE255", "TYPE65535",
]  # fmt: skip
META = ["AXFR", "IXFR", "MAILA", "MAILB", "OPT", "TSIG", "TKEY", "TYPE128", "TYPE127", "TYPE3", "TYPE4"]
LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789"
PAYLOADS = [0, 511, 512, 1232, 1232, 4096, 65535]


@dataclasses.dataclass(frozen=True)
class Question:
    """One message to ask, and what it is about."""

    name: bytes
    rrtype: int
    kind: str  # what the name is
    rrclass: int = IN
    opcode: int = QUERY
    flags: int = 0
    edns: tuple = None  # version, payload size, flags, options
    tcp: bool = False
    signed: bool = True

    @property
    def is_transfer(self):
        return self.rrtype in (messages.NUMBERS["AXFR"], messages.NUMBERS["IXFR"])

    @property
    def dnssec_ok(self):
        return self.edns is not None and bool(self.edns[2] & 0x8000)

    @property
    def payload(self):
        """The size to which a UDP response may grow."""
        return max(512, self.edns[1]) if self.edns else 512

    def wire(self, query_id):
        message = struct.pack("!6H", query_id, self.opcode << 11 | self.flags, 1, 0, 0, 1 if self.edns else 0)
        message += self.name + struct.pack("!HH", self.rrtype, self.rrclass)
        if self.edns:
            version, payload, flags, options = self.edns
            message += struct.pack("!BHHBBHH", 0, messages.OPT, payload, 0, version, flags, len(options)) + options
        return message

    def text(self):
        words = [messages.name_text(self.name), messages.type_text(self.rrtype)]
        if self.rrclass != IN:
            words.append(f"class {self.rrclass}")
        if self.opcode != QUERY:
            words.append(f"opcode {self.opcode}")
        words += [name for name, bit in messages.FLAGS.items() if self.flags & bit]
        if self.edns:
            words.append(f"edns {self.edns[0]} size {self.edns[1]}" + (" do" if self.dnssec_ok else ""))
            if self.edns[2] & 0x7FFF:
                words.append(f"flags {self.edns[2]:#x}")
            if self.edns[3]:
                words.append(f"options {self.edns[3].hex()}")
        words.append("tcp" if self.tcp else "udp")
        return f"{' '.join(words)} ({self.kind})"


def type_number(text):
    return messages.NUMBERS[text] if text in messages.NUMBERS else int(text.removeprefix("TYPE"))


class Names:
    """Draws names around those of a zone."""

    def __init__(self, draw, zones):
        self.draw = draw
        self.zones = zones  # [(apex, {kind: names}, signed)]
        # A zone with more names is asked more.
        self.weights = [sum(len(names) for names in kinds.values()) ** 0.5 for _, kinds, _ in zones]

    def label(self, longest=8):
        return bytes(self.draw.choice(LETTERS) for _ in range(self.draw.randint(1, longest)))

    def octets(self):
        return bytes(self.draw.randrange(256) for _ in range(self.draw.choice([1, 2, 5, 20, 63])))

    def any(self):
        """A name, what it is, and whether it lies in a signed zone."""
        if self.draw.random() < 0.02:
            return self.foreign()
        _, kinds, signed = self.draw.choices(self.zones, self.weights)[0]
        kind = self.draw.choice(sorted(kinds))
        name = dns.name.from_text(self.draw.choice(kinds[kind])).labels
        around = self.draw.choice(AROUND)
        name = getattr(self, around)(name)
        if around != "itself":
            kind = f"{around} {kind}"
        if len(b"".join(name)) + len(name) > 255 or max(len(label) for label in name) > 63:
            return self.any()
        return name, kind, signed

    def below_wildcard(self):
        """The same of a name that a wildcard may stand for, where there are any."""
        zones = [zone for zone in self.zones if "wildcard" in zone[1]]
        if not zones:
            return self.any()
        _, kinds, signed = self.draw.choice(zones)
        name = dns.name.from_text(self.draw.choice(kinds["wildcard"])).labels
        labels = [self.label() for _ in range(self.draw.choice([1, 1, 2, 3]))]
        return (*labels, *name[1:]), "instead of wildcard", signed

    def foreign(self):
        labels = self.draw.choice([(b"",), (b"invalid", b""), (b"www", b"elsewhere", b"invalid", b""), (b"tes", b"")])
        return labels, "foreign", False

    # ---- What may be done to a name

    def itself(self, name):
        return name

    def below(self, name):
        return (self.label(), *name)

    def deep_below(self, name):
        return (*[self.label(2) for _ in range(self.draw.randint(2, 6))], *name)

    def beside(self, name):
        return (self.label(), *name[1:]) if len(name) > 1 else name

    def just_beside(self, name):
        """A neighbour in canonical order."""
        if len(name) == 1 or not name[0]:
            return name
        first = name[0]
        near = [first + b"\0", first + b"-", first[:-1] or b"a", first[:-1] + bytes([first[-1] - 1 & 255])]
        return (self.draw.choice(near), *name[1:])

    def above(self, name):
        return name[1:] or name

    def star(self, name):
        return (b"*", *name)

    def star_instead(self, name):
        return (b"*", *name[1:]) if len(name) > 1 else name

    def below_star(self, name):
        return (self.label(), b"*", *name)

    def odd_octets(self, name):
        return (self.octets(), *name)

    def longest(self, name):
        """255 octets, or one less where the last label would be empty."""
        labels = list(name)
        room = 255 - sum(len(label) + 1 for label in labels)
        while room > 1:
            size = min(63, room - 1)
            if room - 1 - size == 1:
                size -= 1
            labels.insert(0, b"l" * size)
            room -= size + 1
        return tuple(labels)

    def service(self, name):
        return (b"_25", b"_tcp", *name)


AROUND = (
    ["itself"] * 12
    + ["below"] * 5
    + ["beside"] * 3
    + ["deep_below", "just_beside", "above", "above", "star", "star_instead", "below_star"]
    + ["odd_octets", "longest", "service"]
)


def mixed_case(draw, wire_name):
    return bytes(c ^ 0x20 if chr(c).isalpha() and c < 128 and draw.random() < 0.5 else c for c in wire_name)


def draw_edns(draw):
    if draw.random() < 0.25:
        return None
    version = 1 if draw.random() < 0.01 else 0
    flags = 0x8000 if draw.random() < 0.7 else 0
    if draw.random() < 0.02:
        flags |= draw.choice([0x0001, 0x4000, 0x7FFF])
    options = b""
    if draw.random() < 0.02:
        options = struct.pack("!HH", draw.choice([3, 9, 65001]), 0)
    return version, draw.choice(PAYLOADS), flags, options


def draw_question(draw, names):
    labels, kind, signed = names.any()
    name = b"".join(bytes([len(label)]) + label for label in labels)
    if draw.random() < 0.1:
        name = mixed_case(draw, name)
    rrtype = type_number(draw.choice(COMMON if draw.random() < 0.85 else RARE))
    fields = {"edns": draw_edns(draw), "tcp": draw.random() < 0.15}
    flags = 0
    for bit, chance in ((messages.RD, 0.3), (messages.CD, 0.1), (messages.AD, 0.1)):
        flags |= bit if draw.random() < chance else 0
    odd = draw.random()
    if odd < 0.01:
        flags |= draw.choice([messages.AA, messages.TC, messages.RA, messages.Z])
    elif odd < 0.02:
        fields["rrclass"] = draw.choice([CH, NONE, ANY, 0, 2, 4, 65280])
    elif odd < 0.03:
        fields["opcode"] = draw.choice([IQUERY, STATUS, 3, NOTIFY, UPDATE, 6, 7, 15])
        rrtype = type_number(draw.choice(["SOA", "A"]))
    elif odd < 0.04:
        rrtype = type_number(draw.choice(META))
    return Question(name, rrtype, kind, flags=flags, signed=signed, **fields)


def draw_questions(seed, zones, count):
    """`zones`: [(apex, {kind: names}, signed)]."""
    draw = random.Random(f"questions {seed}")
    names = Names(draw, zones)
    return [draw_question(draw, names) for _ in range(count)]


def of_made(made):
    return [(zone.name, zone.kinds, zone.flavour is not None) for zone, _ in made]


def of_root(file):
    """The names of the signed root zone by what they are."""
    kinds = {"apex": ["."], "cut": set(), "secure cut": set(), "glue": set()}
    for line in file.read_text().splitlines():
        words = line.split()
        if len(words) < 5 or words[0] == ".":
            continue
        if words[3] == "NS":
            kinds["cut"].add(words[0])
        elif words[3] == "DS":
            kinds["secure cut"].add(words[0])
        elif words[3] in ("A", "AAAA"):
            kinds["glue"].add(words[0])
    return [(".", {kind: sorted(names) for kind, names in kinds.items()}, True)]
