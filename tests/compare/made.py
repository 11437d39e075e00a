# SPDX-License-Identifier: MIT
"""Zones made up from a seed, full of edges, signed in every way; and what a question should know about their names.

All lie in `test.`, which is signed and delegates to each of them, so that one trust anchor is enough for a validator.
The same seed gives the same zones but for keys and signatures.
"""

import pathlib
import random
import time

import dns.dnssec
import dns.name
import dns.rdata
import servers

TOP = "test."
SUITE = "ECDSAP256SHA256"

# How each zone below `test.` is signed: None, or a signer with the kind of denial.
FLAVOURS = {
    "plain": None,
    "nsec": ("bind", "nsec"),
    "nsec3": ("bind", "nsec3"),
    "optout": ("bind", "optout"),
    "lnsec": ("ldns", "nsec"),
    "lnsec3": ("ldns", "nsec3"),
}

TTLS = [0, 60, 300, 3600, 86400]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"

# Types whose RDATA one line gives; {h} is a host name, {n} a number below 200.
ODD_DATA = {
    "MX": "{n} {h}",
    "SRV": "1 {n} 443 {h}",
    "PTR": "{h}",
    "CAA": '0 issue "ca{n}.invalid"',
    "LOC": "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
    "SSHFP": "4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789",
    "TLSA": "3 1 1 0d6fce3d0b2d2c8f7b2b6b6d9f9a8a8d3b5e6f7a0b1c2d3e4f5061728394a5b6",
    "NAPTR": '{n} 10 "u" "E2U+sip" "!^.*$!sip:x@y.invalid!" .',
    "RP": "{h} {h}",
    "AFSDB": "1 {h}",
    "TYPE65280": "\\# 4 0A0B0C0D",
}


class MadeZone:
    """The records of a zone before it is signed, and its names by what they are."""

    def __init__(self, name, flavour, draw):
        self.name = name
        self.flavour = flavour
        self.draw = draw
        self.lines = []
        self.ttls = {}
        self.kinds = {}  # kind: list of names without the final zone, or whole
        self.key = None
        self.ds = None
        self.children = []

    def full(self, owner):
        if owner == "@":
            return self.name
        return owner if owner.endswith(".") else f"{owner}.{self.name}"

    def add(self, owner, rrtype, rdata, kind=None):
        owner = self.full(owner)
        ttl = self.ttls.setdefault((owner.lower(), rrtype), self.draw.choice(TTLS))
        self.lines.append(f"{owner} {ttl} IN {rrtype} {rdata}")
        if kind:
            self.note(kind, owner)
        return owner

    def note(self, kind, owner):
        names = self.kinds.setdefault(kind, [])
        if self.full(owner) not in names:
            names.append(self.full(owner))

    # ---- Small words

    def label(self):
        return "".join(self.draw.choice(LETTERS[:26]) for _ in range(self.draw.randint(1, 6)))

    def v4(self):
        return f"192.0.2.{self.draw.randint(1, 254)}"

    def v6(self):
        return f"2001:db8::{self.draw.randint(1, 65535):x}"

    def host(self):
        """A target: mostly one of ours."""
        return self.draw.choice(self.kinds["host"] + ["ns.elsewhere.invalid.", self.full("no.such.host")])

    # ---- Parts of a zone

    def apex(self):
        minimum, ttl = self.draw.choice([(60, 3600), (3600, 60), (300, 300)])
        self.lines.append(
            f"{self.name} {ttl} IN SOA {self.full('ns1')} hostmaster.{self.name} "
            f"{self.draw.randint(1, 2**31)} 3600 600 864000 {minimum}"
        )
        self.note("apex", "@")
        self.add("@", "NS", self.full("ns1"))
        self.add("@", "NS", "ns.elsewhere.invalid.")
        self.add("ns1", "A", self.v4(), "host")
        self.add("ns1", "AAAA", self.v6())

    def hosts(self, count):
        for _ in range(count):
            depth = self.draw.choice([1, 1, 1, 2, 3, 5])
            owner = "h" + ".".join(self.label() for _ in range(depth))
            if self.draw.random() < 0.2:
                owner = owner.title()
            self.add(owner, "A", self.v4(), "host")
            if self.draw.random() < 0.5:
                self.add(owner, "AAAA", self.v6())
            if self.draw.random() < 0.3:
                self.add(owner, "TXT", f'"{self.label()}" ""')
        self.add("ent.only.leaf", "TXT", '"leaf"', "host")
        self.add(r"w\000\.\255e\032ird", "TXT", '"octets"', "host")
        self.add(".".join(["l" * 63] * 3), "A", self.v4(), "long")

    def odd(self):
        for rrtype, rdata in {**ODD_DATA, **self.service_bindings()}.items():
            self.add(f"t-{rrtype.lower()}", rrtype, rdata.format(h=self.host(), n=self.draw.randint(0, 199)), "odd")
        for rrtype in self.draw.sample(sorted(ODD_DATA), 3):
            self.add("several", rrtype, ODD_DATA[rrtype].format(h=self.host(), n=7), "odd")
        for i in range(self.draw.randint(20, 60)):
            self.add("many", "A", f"198.51.100.{i + 1}", "large")
        for i in range(self.draw.randint(2, 7)):
            self.add("text", "TXT", f'"{chr(97 + i) * 240}"', "large")
        for i in range(10):
            self.add(f"mx{i}", "A", self.v4(), "host")
            self.add("mail", "MX", f"{i} {self.full(f'mx{i}')}", "large")

    def service_bindings(self):
        """These too bring addresses of their targets along; the signer of ldns does not know them yet."""
        by_ldns = self.flavour is not None and self.flavour[0] == "ldns"
        return {} if by_ldns else {"SVCB": "1 {h} port={n}", "HTTPS": "1 {h} alpn=h2"}

    def wildcards(self):
        self.add("*.w", "TXT", '"one"', "wildcard")
        self.add("*.w", "A", self.v4())
        self.add("exists.w", "A", self.v4(), "host")
        self.add("a.b.stops.w", "A", self.v4(), "host")
        self.add("*.x.y.w2", "MX", f"5 {self.full('any.w')}", "wildcard")
        self.add("*.*.w3", "TXT", '"two stars"', "wildcard")
        self.add("sub.*.w4", "TXT", '"below a star"', "host")
        self.note("wildcard", "*.w4")  # an empty non-terminal that is named *
        self.add("*.in.wc", "CNAME", self.host(), "wildcard")
        self.add("*.miss.wc", "CNAME", self.full("no.such"), "wildcard")
        self.add("*.out.wc", "CNAME", "target.elsewhere.invalid.", "wildcard")
        self.add("*.wild.wc", "CNAME", self.full("anything.w"), "wildcard")
        self.add("*.self.wc", "CNAME", self.full("again.self.wc"), "wildcard")
        self.add("_25._tcp.*.w5", "TLSA", ODD_DATA["TLSA"], "host")
        # With opt-out a name beside an insecure delegation below an empty non-terminal could then not be denied: the
        # closest name that has an NSEC3 is the apex, and its wildcard exists (RFC 5155 7.2.2).
        if self.draw.random() < 0.3 and self.flavour != ("bind", "optout"):
            self.add("*", "TXT", '"at the apex"', "wildcard")

    def cnames(self, others):
        targets = {
            "c-host": self.host(),
            "c-missing": self.full("not.here.at.all"),
            "c-ent": self.full("only.leaf"),
            "c-wild": self.full("x.w"),
            "c-star": self.full("*.w"),
            "c-out": "host.elsewhere.invalid.",
            "c-cut": self.full("in.cut"),
            "c-below": self.full("www.in.cut"),
            "c-dname": self.full("x.d-in"),
            "c-apex": self.name,
            "c-self": self.full("c-self"),
            "c-loop1": self.full("c-loop2"),
            "c-loop2": self.full("c-loop1"),
            "c-long0": self.full("c-long1"),
        }
        for i, other in enumerate(others):
            targets[f"c-zone{i}"] = self.draw.choice([f"c-host.{other}", f"ns1.{other}", f"nope.{other}", f"x.w.{other}"])
        for owner, target in targets.items():
            self.add(owner, "CNAME", target, "cname")
        for i in range(1, 20):
            self.add(f"c-long{i}", "CNAME", self.full(f"c-long{i + 1}"))
        self.add("c-long20", "A", self.v4())
        for i in range(12):
            self.note("cname", f"c-long{i}")

    def dnames(self, others):
        targets = {
            "d-in": self.full("w"),
            "d-host": self.full("only"),
            "d-out": "elsewhere.invalid.",
            "d-chain": self.full("d-in"),
            "d-loop": self.full("x.d-loop"),
            "d-pair1": self.full("d-pair2"),
            "d-pair2": self.full("d-pair1"),
            "d-cut": self.full("in.cut"),
            "d-root": ".",
            "*.d-wild": self.full("w"),
            "d-apex": self.name,
            "d-long": self.full(".".join(["m" * 63] * 3)),
        }
        if others:
            targets["d-zone"] = self.draw.choice(others)
        for owner, target in targets.items():
            self.add(owner, "DNAME", target, "dname")
        self.add("d-host", "A", self.v4())

    def cut(self, owner, servers, secure=False):
        for server in servers:
            self.add(owner, "NS", self.full(server), "cut")
        if secure:
            digest = "".join(self.draw.choice("0123456789ABCDEF") for _ in range(64))
            self.add(owner, "DS", f"{self.draw.randint(1, 65535)} 13 2 {digest}", "secure cut")

    def cuts(self):
        self.cut("in.cut", ["ns1.in.cut", "ns2.deep.in.cut"], secure=True)
        self.cut("free.cut", ["ns.free.cut"])
        self.cut("sibling.cut", ["ns1.in.cut", "ns.free.cut"])
        self.cut("beside.cut", ["ns1", self.host()], secure=True)
        self.cut("out.cut", ["ns.elsewhere.invalid.", "ns2.elsewhere.invalid."])
        self.cut("noglue.cut", ["ns.noglue.cut", "ns.elsewhere.invalid."], secure=True)
        self.cut("wildglue.cut", ["glue.w"])
        self.cut("only.ent.cut", ["ns.only.ent.cut"])
        self.cut("many.cut", [f"ns{i}.many.cut" for i in range(13)], secure=True)
        self.cut("cut.w6", ["ns.elsewhere.invalid."])
        self.add("*.w6", "A", self.v4(), "wildcard")
        for i in range(13):
            self.add(f"ns{i}.many.cut", "A", self.v4(), "glue")
            self.add(f"ns{i}.many.cut", "AAAA", self.v6())
        for owner in ("ns1.in.cut", "ns2.deep.in.cut", "ns.free.cut", "ns.only.ent.cut"):
            self.add(owner, "A", self.v4(), "glue")
            if self.draw.random() < 0.5:
                self.add(owner, "AAAA", self.v6())
        for i in range(self.draw.randint(3, 10)):  # so that opt-out has spans
            self.cut(f"s{i}{self.label()}.cut", ["ns.elsewhere.invalid."], secure=i % 3 == 0)

    def child(self, zone, secure):
        """Another zone of the same servers."""
        owner = zone.name
        self.add(owner, "NS", zone.full("ns1"), "child")
        self.add(zone.full("ns1"), "A", "192.0.2.53")
        if secure:
            self.add(owner, "DS", zone.ds, "secure child")
        self.children.append(zone)

    def empty_non_terminals(self):
        """Names that exist only because there are names below them."""
        owners = {line.split(" ", 1)[0].lower() for line in self.lines}
        cuts = [name.lower() for kind in ("cut", "child") for name in self.kinds.get(kind, [])]
        for owner in sorted(owners):
            if any(owner.endswith("." + cut) for cut in cuts) or "\\" in owner:
                continue
            above = owner
            while above != self.name and above.endswith(self.name):
                if above not in owners:
                    self.note("ent", above)
                above = above.split(".", 1)[1]

    def text(self):
        return "\n".join(dict.fromkeys(self.lines)) + "\n"


# ---- Signing


def run(*words, folder):
    result = servers.run(words, folder)
    assert result.returncode == 0, f"{words}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result.stdout


def make_key(zone, folder):
    """One key that signs everything; its DS, and its DNSKEY as a line."""
    base = run("dnssec-keygen", "-q", "-a", SUITE, "-f", "KSK", zone.name, folder=folder).strip()
    line = [line for line in (folder / f"{base}.key").read_text().splitlines() if line and line[0] != ";"][0]
    dnskey = dns.rdata.from_text("IN", "DNSKEY", line.split("DNSKEY", 1)[1])
    zone.key = base
    zone.dnskey = dnskey.to_text()
    zone.ds = dns.dnssec.make_ds(dns.name.from_text(zone.name), dnskey, "SHA256").to_text()


def sign(zone, folder):
    """Writes the zone's file, signed as its flavour says; gives its path."""
    draw = zone.draw
    bare = folder / f"{zone.name}bare"
    signed = folder / f"{zone.name}zone"
    text = zone.text()
    if zone.flavour is None:
        signed.write_text(text)
        return signed
    signer, denial = zone.flavour
    bare.write_text(text + f"{zone.name} 3600 IN DNSKEY {zone.dnskey}\n")
    salt = draw.choice(["-", "AB", "0123456789ABCDEF"])
    iterations = draw.choice([0, 1, 5])
    if signer == "bind":
        options = [] if denial == "nsec" else ["-3", salt, "-H", iterations]
        options += ["-A"] if denial == "optout" else []
        until = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + 30 * 86400))
        run("dnssec-signzone", "-q", "-P", "-z", "-O", "full", "-e", until, *options, "-d", folder,
            "-o", zone.name, "-f", signed, bare, zone.key, folder=folder)  # fmt: skip
    else:
        options = [] if denial == "nsec" else ["-n", "-t", iterations] + ([] if salt == "-" else ["-s", salt])
        options += ["-p"] if denial == "optout" else []
        run("ldns-signzone", "-A", *options, "-o", zone.name, "-f", signed, bare, zone.key, folder=folder)
    run("dnssec-verify", "-q", "-z", "-o", zone.name, signed, folder=folder)
    return signed


# ---- The world


def fill(zone, others, hosts):
    zone.apex()
    zone.hosts(hosts)
    zone.odd()
    zone.wildcards()
    zone.cnames(others)
    zone.dnames(others)
    zone.cuts()


def make(seed, folder, hosts=12):
    """Makes all zones of a seed; gives [(zone, file)], `test.` first."""
    folder = pathlib.Path(folder)
    draw = random.Random(f"zones {seed}")
    top = MadeZone(TOP, ("bind", draw.choice(["nsec", "nsec3", "optout"])), draw)
    zones = [MadeZone(f"{label}.{TOP}", flavour, draw) for label, flavour in FLAVOURS.items()]
    kids = []
    for zone in zones:
        kids.append((zone, MadeZone(f"kid.{zone.name}", draw.choice([None, ("bind", "nsec"), ("bind", "nsec3")]), draw)))
        kids.append((zone, MadeZone(f"free.ent.{zone.name}", None, draw)))
    every = [top, *zones, *(kid for _, kid in kids)]
    for zone in every:
        if zone.flavour:
            make_key(zone, folder)
    names = [zone.name for zone in every[1:]]
    for zone in zones:
        fill(zone, draw.sample([name for name in names if name != zone.name], 4), hosts)
    for parent, kid in kids:
        kid.apex()
        kid.hosts(3)
        kid.cnames(draw.sample(names, 2))
        kid.wildcards()
        parent.child(kid, secure=kid.flavour is not None and parent.flavour is not None)
    top.apex()
    for zone in zones:
        top.child(zone, secure=zone.flavour is not None)
    for zone in every:
        zone.empty_non_terminals()
    return [(zone, sign(zone, folder)) for zone in every]
