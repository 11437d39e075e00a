# SPDX-License-Identifier: MIT
"""The same questions to Tandem and to all partners: where the partners agree, so do we; elsewhere with one of them.

An answer is compared by RCODE, AA, and the records of the answer and authority sections with their TTLs; of the
additional section we must have what all partners have. Over TCP, so that nothing depends on sizes.
"""

import itertools
import os
import random
import signal
import socket

import dns.flags
import dns.message
import dns.rdatatype
import servers
import zones

TYPES = ["A", "AAAA", "NS", "MX", "TXT", "SOA", "CNAME", "DNAME", "DS", "SRV", "DNSKEY", "NSEC"]
DIFFERENCES_SHOWN = 15


def section(rrsets):
    """Records of a section as a set that does not depend on order or letter case."""
    return {
        (rrset.name.canonicalize(), rrset.rdtype, rrset.ttl, rdata.to_digestable())
        for rrset in rrsets
        for rdata in rrset
    }


class Answer:
    def __init__(self, message):
        self.message = message
        authoritative = bool(message.flags & dns.flags.AA)
        self.face = (message.rcode(), authoritative, section(message.answer), section(message.authority))
        self.additional = section(message.additional)


def show(message):
    lines = [f"{dns.flags.to_text(message.flags)} rcode {message.rcode()}"]
    for name, rrsets in (("answer", message.answer), ("authority", message.authority), ("add.", message.additional)):
        lines += [f"      {name:10} {line[:110]}" for rrset in rrsets for line in rrset.to_text().splitlines()]
    return "\n".join(lines)


def ask_all(world, kinds, zone, files, questions):
    """Starts the servers with the zone; gives each question with the answer of each kind."""
    asked = []
    for kind in kinds:
        server = world.new(kind)
        server.serve(zone, files)
        server.start()
        asked.append(server)
    for name, rrtype, with_dnssec in questions:
        answers = {}
        for server in asked:
            message = server.ask(name, rrtype, tcp=True, want_dnssec=with_dnssec)
            assert message is not None, f"{server.name} does not answer {name} {rrtype}"
            answers[server.kind] = Answer(message)
        yield (name, rrtype, with_dnssec), answers


def judge(question, ours, others):
    """What is wrong with our answer, or None."""
    faces = [other.face for other in others.values()]
    if ours.face not in faces:
        return "like no partner"
    if all(face == faces[0] for face in faces) and ours.face != faces[0]:
        return "unlike all partners"
    missing = set.intersection(*(other.additional for other in others.values())) - ours.additional
    if missing and all(face == faces[0] for face in faces):
        return f"lacks {len(missing)} records in the additional section that all partners give"
    return None


def compare(world, zone, file, questions):
    wrong = []
    total = 0
    for question, answers in ask_all(world, ["tandem", *servers.PEERS], zone, file, questions):
        total += 1
        ours = answers.pop("tandem")
        reason = judge(question, ours, answers)
        if reason:
            texts = "\n".join(f"    {kind}: {show(answer.message)}" for kind, answer in answers.items())
            wrong.append(f"{question}: {reason}\n    tandem: {show(ours.message)}\n{texts}")
    assert not wrong, f"{len(wrong)} of {total} answers:\n" + "\n".join(wrong[:DIFFERENCES_SHOWN])


def names_of(file, zone):
    """The owners that a zone file names, and names around them."""
    found = {zone}
    for line in file.read_text().splitlines():
        if line and line[0] not in ";$ \t@":
            found.add(f"{line.split()[0]}.{zone}")
    around = set()
    for name in found:
        around |= {name, f"below.{name}", f"not.there.{name}", name.split(".", 1)[1] if name != zone else name}
    return sorted(name for name in around if name.endswith(zone))


def test_small_zone_is_answered_as_the_partners_do(world):
    file = zones.DATA / "answers.zone"
    questions = itertools.product(names_of(file, "answers.example."), TYPES, [False])
    compare(world, "answers.example.", file, questions)


def test_signed_root_zone_is_answered_as_the_partners_do(world, root_zones):
    draw = random.Random(20170821)
    file = root_zones / "root.signed.zone"
    owners = sorted({line.split()[0] for line in file.read_text().splitlines() if line})
    names = draw.sample(owners, 120)
    names += [f"www.{name}" for name in draw.sample([owner for owner in owners if owner.count(".") == 1], 60)]
    names += [f"{draw.getrandbits(40):x}.", "aaa-nothing.", "zzzz-nothing.", "a.b.c.nothing-here.", "."]
    names += [f"{draw.getrandbits(32):x}." for _ in range(60)]
    questions = [(name, draw.choice(["A", "NS", "DS", "SOA", "NSEC", "MX"]), True) for name in names]
    questions += [(name, draw.choice(["A", "NS", "DS"]), False) for name in names]
    questions += [(".", rrtype, True) for rrtype in ["SOA", "NS", "DNSKEY", "NSEC", "A", "DS", "TXT"]]
    compare(world, ".", file, questions)


def test_questions_of_a_burst_are_answered_each_from_its_own_zone(world):
    """Zones of questions that came together are looked for together: below, at and beside apexes, DS, no zone at all."""
    server = world.new("tandem")
    names = [f"z{number}.test." for number in range(30)] + ["deep.z3.test.", "deep.er.z3.test."]
    for number, name in enumerate(names):
        server.serve(name, zones.small(world.folder, name, number + 1))
    server.start()
    for number, name in enumerate(names):
        server.wait_for_serial(name, number + 1)
    questions = [(name, "SOA") for name in names] + [(f"version.{name}", "TXT") for name in names]
    questions += [(f"nothing.{name}", "A") for name in names] + [("deep.z3.test.", "DS"), ("z3.test.", "DS")]
    questions += [("elsewhere.", "A"), ("test.", "NS"), (".", "NS")]
    alone = [server.ask(name, rrtype) for name, rrtype in questions]
    random.Random(1).shuffle(order := list(range(len(questions))))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(server.place)
        udp.settimeout(servers.CHANGE_SECONDS)
        os.kill(server.process.pid, signal.SIGSTOP)  # so that they come together
        for number in order:
            query = dns.message.make_query(*questions[number], use_edns=False)
            query.id = number
            query.flags &= ~dns.flags.RD
            udp.send(query.to_wire())
        os.kill(server.process.pid, signal.SIGCONT)
        answers = [dns.message.from_wire(udp.recv(65535)) for _ in order]
    assert sorted(answer.id for answer in answers) == sorted(order)
    for answer in answers:
        assert Answer(answer).face == Answer(alone[answer.id]).face, questions[answer.id]
