# SPDX-License-Identifier: MIT
"""Questions whose answers need a proof, put to two validators that know nothing but Tandem and the key of `test.`.

For each name Tandem is asked first, to see what the question is good for. Then Unbound, as a resolver that asks Tandem
for every zone, and delv, which asks it for everything, must come to the same RCODE; where the zone is signed down from
`test.` they must find the answer secure, unless it leans on an opt-out span. Neither ever asks anybody but Tandem:
every zone is a stub of Unbound's, and it sends from a loopback address, from which no other network can be reached.
"""

import concurrent.futures
import dataclasses
import os
import random
import time

import dns.name
import messages
import questions
import servers
import wire

import asking

DELV_AT_ONCE = 4
TYPES = ["A", "A", "TXT", "MX", "DS", "NS", "TLSA", "TYPE65280", "CNAME", "DNAME", "SOA"]
DO = (0, 1232, 0x8000, b"")
TOP, ROOT = b"\4test\0", b"\0"
WILDCARD_SHARE = 0.3  # of the names are made for a wildcard
LINKS_MAX = 8  # Unbound follows no more

# What Tandem gave, by which the proofs are counted.
NO_NAME, NO_DATA, WILDCARD, DATA, NO_DS, DS = "no name", "no data", "wildcard", "data", "no DS", "DS"
SOA_TYPE, NS_TYPE, CNAME_TYPE, DNAME_TYPE, DS_TYPE, RRSIG_TYPE, NSEC_TYPE = 6, 2, 5, 39, 43, 46, 47


class Unbound(servers.Server):
    """A validating resolver that finds each zone at Tandem."""

    kind = "unbound"

    def __init__(self, folder, tandem, anchors, date=None):
        super().__init__(folder)
        self.tandem = tandem
        self.anchors = anchors  # lines
        self.date = date  # the day to believe in, for signatures of long ago

    def configure(self):
        (self.folder / "anchor").write_text("\n".join(self.anchors) + "\n")
        lines = [
            "server:",
            f'  directory: "{self.folder}"',
            '  chroot: ""',
            '  username: ""',
            '  pidfile: ""',
            "  use-syslog: no",
            "  verbosity: 1",
            "  val-log-level: 2",
            f"  interface: {self.address}@{self.port}",
            "  access-control: 127.0.0.0/8 allow",
            "  outgoing-interface: 127.0.0.1",
            "  do-not-query-localhost: no",
            "  do-ip6: no",
            '  trust-anchor-file: "anchor"',
            '  module-config: "validator iterator"',
            *(f'  local-zone: "{name}." nodefault' for name in ("test", "invalid", "onion", "localhost")),
            "  aggressive-nsec: no",  # each proof shall be asked for
            "  qname-minimisation: no",
            "  num-threads: 1",
            "  infra-cache-min-rtt: 5000",  # nothing is lost here, and what is late is no reason for SERVFAIL
            "  unknown-server-time-limit: 5000",
        ]
        if self.date:
            lines.append(f'  val-override-date: "{self.date}"')
        for name in {".", *(zone.name for zone in self.tandem.zones)}:
            lines += ["stub-zone:", f'  name: "{name}"', f"  stub-addr: {self.tandem.address}@{self.tandem.port}"]
            lines += ["  stub-prime: no"]
        (self.folder / "unbound.conf").write_text("\n".join(lines) + "\n")

    def command(self):
        return ["/usr/sbin/unbound", "-d", "-c", self.folder / "unbound.conf"]

    def why(self, case):
        """What it says about an answer that it did not believe."""
        about = f"<{messages.name_text(case.question.name)} "
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if "validation failure" in line]
        return "\n".join(line for line in lines if about in line)


@dataclasses.dataclass
class Case:
    """A question, what Tandem said, and what a validator has to find."""

    question: questions.Question
    kind: str
    rcode: int
    secure: bool  # True: must be; False: must not be; None: either
    beyond_unbound: bool

    def text(self):
        secure = {True: "secure", False: "insecure", None: "secure or not"}[self.secure]
        return f"{self.question.text()}: {self.kind}, {messages.RCODES[self.rcode]}, {secure}"


def wire_of(name):
    return dns.name.from_text(name).to_wire()


class Zones:
    """The zones by name, and which of them are signed down from the trust anchor: the root, or made zones."""

    def __init__(self, made=None):
        if made is None:
            self.flavours = {b"\0": ("root", "nsec")}
            self.secure = {b"\0"}
            return
        self.flavours = {wire_of(zone.name).lower(): zone.flavour for zone, _ in made}
        secure_children = {name for zone, _ in made for name in zone.kinds.get("secure child", [])}
        self.secure = {wire_of(name).lower() for name in secure_children} | {wire_of(made[0][0].name)}
        for zone, _ in made:  # a child of what is not signed itself is no use
            for child in zone.children:
                if wire_of(zone.name).lower() not in self.secure:
                    self.secure.discard(wire_of(child.name).lower())

    def of(self, name):
        """The apex of the zone that a name lies in, or None."""
        name = name.lower()
        while name not in self.flavours:
            if name == b"\0":
                return None
            name = name[1 + name[0] :]
        return name

    def opts_out(self, apex):
        return self.flavours[apex] is not None and self.flavours[apex][1] == "optout"


def referral_of(response):
    """The cut that a referral names, or None."""
    soa = any(record[1] == SOA_TYPE for record in response.authority)
    cuts = [record[0] for record in response.authority if record[1] == NS_TYPE]
    return cuts[0] if cuts and not soa and not response.answer else None


def is_wildcard(response):
    """Whether a signature in the answer was made for a wildcard: it counts fewer labels than its owner has."""
    for owner, rrtype, _, rdata in response.answer:
        if rrtype == RRSIG_TYPE:
            labels = len(dns.name.from_wire(owner, 0)[0].labels) - 1
            if rdata[3] < labels and not owner.startswith(b"\1*"):
                return True
    return False


def beyond_unbound(question, response):
    """What Unbound (1.17) believes from no server, though delv does: no data because the wildcard is an empty
    non-terminal, which an NSEC shows whose next name lies below the wildcard. It wants an NSEC of the wildcard's own."""
    name = question.name.lower()
    nexts = [wire.read_name(record[3], 0)[0].lower() for record in response.authority if record[1] == NSEC_TYPE]
    while len(name) > 1:
        name = name[1 + name[0] :]
        if any(next_name.endswith(b"\1*" + name) for next_name in nexts) and response.rcode == 0:
            return True
    return False


def chain_end(question, response):
    """The name at which the last CNAME of an answer arrives, or None if there is a loop."""
    name = question.name.lower()
    targets = {record[0]: record[3] for record in response.answer if record[1] == CNAME_TYPE}
    for _ in range(len(targets)):
        if name not in targets:
            break
        name = targets[name].lower()
    return None if name in targets else name


def case_of(question, response, zones):
    """What the answer of Tandem to a question is good for, or None."""
    cut = referral_of(response)
    if response.rcode not in (0, 3) or cut or question.name in (TOP, ROOT):
        return None
    chain = any(record[1] in (CNAME_TYPE, DNAME_TYPE) and record[1] != question.rrtype for record in response.answer)
    end = chain_end(question, response)
    data = [record for record in response.answer if record[1] == question.rrtype and record[0] == end]
    links = sum(record[1] == CNAME_TYPE for record in response.answer)
    if chain and (question.rrtype in (CNAME_TYPE, DNAME_TYPE) or links > LINKS_MAX):
        return None  # no validator goes there: they take the DNAME, or what it makes, for the answer
    if chain and not data:
        if end is None or zones.of(end) is None or not any(record[1] == SOA_TYPE for record in response.authority):
            return None  # it leads out, below a cut, or in a circle
    if is_wildcard(response):
        kind = WILDCARD
    elif response.rcode == 3:
        kind = NO_NAME
    elif not response.answer:
        kind = NO_DS if question.rrtype == DS_TYPE else NO_DATA
    else:
        kind = DS if question.rrtype == DS_TYPE else DATA
    apex = zones.of(question.name)
    if question.rrtype == DS_TYPE and apex == question.name.lower():
        apex = zones.of(apex[1 + apex[0] :])  # the zone above knows
    if chain:
        secure = None
    elif apex not in zones.secure:
        secure = False
    else:
        secure = None if zones.opts_out(apex) and kind in (NO_NAME, NO_DATA, WILDCARD, NO_DS) else True
    return Case(question, kind, response.rcode, secure, beyond_unbound(question, response))


def draw_cases(draw, names, zones, tandem, count):
    """Names, and what Tandem answers to them. A referral becomes a question for the DS of its cut."""
    asker = asking.Asker(tandem.place)
    cases = {}
    try:
        while len(cases) < count:
            labels, kind, _ = names.below_wildcard() if draw.random() < WILDCARD_SHARE else names.any()
            name = b"".join(bytes([len(label)]) + label for label in labels)
            rrtype = questions.type_number(draw.choice(TYPES))
            question = questions.Question(name, rrtype, kind, edns=DO, tcp=True)
            response = messages.Response(asker.over_tcp(question.wire(0)))
            cut = referral_of(response)
            if cut:
                question = questions.Question(cut, DS_TYPE, f"cut above {kind}", edns=DO, tcp=True)
                response = messages.Response(asker.over_tcp(question.wire(0)))
            case = case_of(question, response, zones)
            if case and zones.of(question.name):
                cases[(question.name.lower(), question.rrtype)] = case
    finally:
        asker.close()
    return list(cases.values())


# ---- The validators


def judge(case, rcode, secure):
    """What is wrong, or None."""
    if rcode != case.rcode:
        return f"RCODE {messages.RCODES.get(rcode, rcode)}"
    if case.secure is not None and secure != case.secure:
        return "secure" if secure else "insecure"
    return None


def ask_unbound(unbound, cases):
    """Gives (case, what is wrong) for each case that Unbound finds otherwise."""
    asker = asking.Asker(unbound.place)
    try:
        for case in cases:
            query = questions.Question(case.question.name, case.question.rrtype, "", flags=messages.RD, edns=DO)
            octets = asker.over_tcp(query.wire(0))
            if octets is None:
                yield case, "no answer"
                continue
            response = messages.Response(octets)
            wrong = judge(case, response.rcode, bool(response.flags & messages.AD))
            if wrong:
                yield case, f"{wrong} {unbound.why(case)}"
    finally:
        asker.close()


def ask_delv(tandem, anchor, case):
    name = messages.name_text(case.question.name)
    command = ["/usr/bin/delv", "-4", f"@{tandem.address}", "-p", str(tandem.port), "-a", str(anchor), "+root=test."]
    command += ["+nocrypto", "-q", name, "-t", messages.type_text(case.question.rrtype)]
    result = servers.run(command)
    output = result.stdout + result.stderr
    if "ncache nxdomain" in output:
        rcode = 3
    elif "resolution failed" in output and "ncache nxrrset" not in output:
        return case, output.strip()[:300]
    else:
        rcode = 0
    wrong = judge(case, rcode, "fully validated" in output)
    return (case, f"{wrong}: {output.strip()[:300]}") if wrong else None


def ask_delvs(tandem, made, folder, cases):
    top = made[0][0]
    anchor = folder / "delv.anchor"
    key_tag, algorithm, digest_type, digest = top.ds.split(None, 3)
    digest = digest.replace(" ", "")
    anchor.write_text(f'trust-anchors {{ "{top.name}" static-ds {key_tag} {algorithm} {digest_type} "{digest}"; }};\n')
    with concurrent.futures.ThreadPoolExecutor(min(DELV_AT_ONCE, 2 * (os.cpu_count() or 1))) as pool:
        for wrong in pool.map(lambda case: ask_delv(tandem, anchor, case), cases):
            if wrong:
                yield wrong


class Result:
    """How many proofs of each kind were asked for, and which were not accepted."""

    def __init__(self, cases):
        self.asked = len(cases)
        self.kinds = {}
        for case in cases:
            key = f"{case.kind}{' (secure)' if case.secure else ''}"
            self.kinds[key] = self.kinds.get(key, 0) + 1
        self.wrong = []  # (validator, case, what)
        self.seconds = {}

    def lines(self):
        yield f"{self.asked} proofs: " + ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        yield "  " + ", ".join(f"{name} took {seconds:.0f} s" for name, seconds in self.seconds.items())
        yield f"  {len(self.wrong)} not accepted"
        for validator, case, what in self.wrong[:40]:
            yield f"    {validator}: {case.text()}\n      {what}"


def timed(result, name, verdicts):
    """Notes what a validator found wrong and how long it took."""
    start = time.monotonic()
    result.wrong += [(name, case, what) for case, what in verdicts]
    result.seconds[name] = time.monotonic() - start


def check(seed, made, folder, count, delv_share, kind="tandem"):
    """Tandem with all made zones, `count` proofs to Unbound, and a share of them to delv. `kind`: or another server."""
    draw = random.Random(f"proofs {seed}")
    names = questions.Names(draw, [zone for zone in questions.of_made(made) if zone[2] or draw.random() < 0.5])
    tandem = servers.KINDS[kind](folder)
    top = made[0][0]
    unbound = Unbound(folder, tandem, [f"{top.name} IN DS {top.ds}"])
    try:
        for zone, file in made:
            tandem.serve(zone.name, file)
        tandem.start()
        cases = draw_cases(draw, names, Zones(made), tandem, count)
        result = Result(cases)
        unbound.start()
        timed(result, "unbound", ask_unbound(unbound, [case for case in cases if not case.beyond_unbound]))
        part = [case for i, case in enumerate(cases) if case.beyond_unbound or i < count * delv_share]
        timed(result, "delv", ask_delvs(tandem, made, folder, part))
        unbound.stop()
        tandem.stop()
    finally:
        unbound.kill()
        tandem.kill()
    return result


def check_root(seed, file, folder, count):
    """The same with the real root zone, on a day on which its signatures were good. delv knows only today."""
    draw = random.Random(f"root proofs {seed}")
    names = questions.Names(draw, questions.of_root(file))
    keys, date = root_anchor(file)
    tandem = servers.Tandem(folder)
    unbound = Unbound(folder, tandem, keys, date)
    try:
        tandem.serve(".", file)
        tandem.start()
        cases = draw_cases(draw, names, Zones(), tandem, count)
        result = Result(cases)
        unbound.start()
        timed(result, "unbound", ask_unbound(unbound, cases))
        unbound.stop()
        tandem.stop()
    finally:
        unbound.kill()
        tandem.kill()
    return result


def root_anchor(file):
    """The keys of the root that sign keys, and when the SOA was signed."""
    keys, date = [], None
    for line in file.read_text().splitlines():
        words = line.split()
        if words[:1] != ["."]:
            continue
        if words[3] == "DNSKEY" and words[4] == "257":
            keys.append(" ".join(words))
        if words[3:5] == ["RRSIG", "SOA"]:
            date = words[9]
    return keys, date
