# SPDX-License-Identifier: MIT
"""The classes of difference in which Tandem stands alone, and means it.

doc/differences.md, section "Answers", tells why, under the same names.
"""

import dataclasses
import struct
from typing import Callable

import messages
import questions
from classes import OURS

A, NS, CNAME, SOA, AAAA, DNAME, RRSIG, NSEC3 = 1, 2, 5, 6, 28, 39, 46, 50
CHAIN_MAX = 16
OUR_PAYLOAD = 1232
NEARLY_FULL = 100  # octets that an optional RRset of addresses with its signature may take

# EDE and the RCODEs that it explains.
EDES = {18: {"REFUSED"}, 20: {"REFUSED", "NOTAUTH"}, 21: {"REFUSED"}, 30: {"FORMERR"}}


@dataclasses.dataclass(frozen=True)
class Row:
    name: str  # as doc/differences.md has it
    aspects: tuple
    holds: Callable  # of a Difference


# ---- Words for a difference


def our_rcode(difference):
    return messages.RCODES.get(difference.ours.rcode)


def our_value(difference):
    return difference.values[OURS]


def asked_type(difference):
    return messages.type_text(difference.question.rrtype)


def readable(difference):
    """All responses that are messages."""
    return [response for response in difference.responses.values() if not isinstance(response, str)]


def room(question):
    return min(question.payload, OUR_PAYLOAD) if question.edns else 512


def links(response):
    return sum(record[1] == CNAME for record in response.answer)


# ---- The whole message


def bare_formerr(difference):
    return our_rcode(difference) == "FORMERR" and not difference.ours.question


def explained_by_ede(difference):
    codes = difference.ours.ede
    return len(codes) == 1 and our_rcode(difference) in EDES.get(codes[0], set())


def cd_cleared(difference):
    return not our_value(difference)


def transfer_refused(difference):
    wanted = {"AXFR": not difference.question.tcp, "IXFR": True}
    return our_rcode(difference) == "FORMERR" and wanted.get(asked_type(difference), False)


def tkey_refused(difference):
    return asked_type(difference) == "TKEY" and our_rcode(difference) == "REFUSED"


def opcode_not_implemented(difference):
    opcode = difference.question.opcode
    return opcode not in (questions.QUERY, questions.NOTIFY) and our_rcode(difference) == "NOTIMP"


def notify_of_other_types(difference):
    is_notify = difference.question.opcode == questions.NOTIFY
    return is_notify and asked_type(difference) != "SOA" and our_rcode(difference) == "NOTIMP"


def class_any(difference):
    return difference.question.rrclass == questions.ANY and our_rcode(difference) in ("NOERROR", "NXDOMAIN")


# ---- Letter case


def only_letter_case(difference):
    """But for letter case, our owners are somebody's."""
    theirs = {owner.lower() for value in difference.others.values() for owner in value}
    return all(owner.lower() in theirs for owner in our_value(difference))


def case_takes_room(difference):
    """A question in another case than the zone's costs its name once more."""
    question = difference.question
    whole = [len(response.bytes) for response in readable(difference) if not response.flags & messages.TC]
    in_other_case = question.name != question.name.lower()
    return our_value(difference) and in_other_case and max(whole, default=0) + len(question.name) > room(question)


# ---- Chains


def follows_further(difference):
    """Nobody else follows a chain just so far to the same end."""
    ours = difference.ours
    as_far = [r for r in readable(difference) if links(r) == links(ours) and r.rcode == ours.rcode]
    return links(ours) > 1 and (links(ours) >= CHAIN_MAX or as_far == [ours])


def follows_into_another_zone(difference):
    """The SOA of the zone in which the chain ends, where most of the others stay in the first zone or do not follow."""
    zones = [record[0] for record in difference.ours.authority if record[1] == SOA]
    elsewhere = bool(zones) and not difference.question.name.lower().endswith(zones[0])
    there = [value for value in difference.others.values() if any(record[0] in zones for record in value)]
    return elsewhere and links(difference.ours) > 0 and len(there) <= 1


def beside_no_cname(difference):
    """For a type that may stand beside a CNAME but does not, we go on at its target, which not all do."""
    others = [links(response) for response in readable(difference) if response is not difference.ours]
    beside = asked_type(difference) in ("NSEC", "NSEC3", "RRSIG", "TYPE24", "TYPE25", "TYPE30")
    return beside and links(difference.ours) > min(others, default=0)


def longer_chain(difference):
    """Whoever follows a chain for longer fills a message sooner."""
    return any(links(response) > 1 for response in readable(difference))


def beside_no_synthesis(difference):
    redirected = any(record[1] == DNAME for record in difference.ours.answer)
    return asked_type(difference) in ("NSEC", "RRSIG") and (redirected or our_value(difference) is True)


# ---- What is a part of all there is


def rrset_of(record):
    _, rrtype, _, rdata = record
    return struct.unpack_from("!H", rdata)[0] if rrtype == RRSIG else rrtype


def part_of_all_types(difference):
    """ANY and RRSIG ask for no RRset in particular: over UDP we give one, else what all together have."""
    if asked_type(difference) not in ("ANY", "RRSIG"):
        return False
    if difference.aspect == "flag tc":
        return not our_value(difference)
    answer = difference.ours.answer
    owners = {record[0] for record in answer}
    if not difference.question.tcp and len({rrset_of(record) for record in answer}) == 1 and len(owners) == 1:
        return owners == {difference.question.name.lower()}
    others = [response for response in readable(difference) if response is not difference.ours]
    return our_value(difference) <= set().union(*(getattr(response, difference.aspect) for response in others))


def is_glue(record, cuts):
    return record[1] in (A, AAAA) and any(record[0].endswith(cut) for cut in cuts)


def no_room(difference):
    """What is optional stays out where there is no room; which records that hits is free. Glue is not optional."""
    question, ours = difference.question, difference.ours
    every = set.intersection(*(set(value) for value in difference.others.values()))
    cuts = {record[0] for record in ours.authority if record[1] == NS and len(record[0]) > 1}
    if any(is_glue(record, cuts) for record in every - our_value(difference)):
        return False
    return not question.tcp and len(ours.bytes) > room(question) - NEARLY_FULL


def incomplete_glue(difference):
    ours = difference.ours
    referral = any(record[1] == NS for record in ours.authority) and not ours.flags & messages.AA
    return referral and our_value(difference)


# ---- Proofs


def opt_out_encloser(difference):
    """The proof goes up to the closest name that has an NSEC3; BIND has more than that, the others something else."""
    chain = [record for record in difference.ours.authority if record[1] == NSEC3]
    opt_out = bool(chain) and all(record[3][1] & 1 for record in chain)
    return opt_out and our_value(difference) < difference.others.get("bind", frozenset())


KNOWN = [
    Row("FORMERR is a bare header", ("question", "flag rd", "flag cd"), bare_formerr),
    Row("EDE says why", ("ede",), explained_by_ede),
    Row("CD is cleared", ("flag cd",), cd_cleared),
    Row("transfer questions without sense", ("rcode",), transfer_refused),
    Row("TKEY is refused", ("rcode",), tkey_refused),
    Row("opcodes that are not there", ("rcode",), opcode_not_implemented),
    Row("NOTIFY of other types", ("rcode",), notify_of_other_types),
    Row("class ANY", ("rcode", "flag aa", "answer", "authority", "additional"), class_any),
    Row("letter case is the zone's", ("case",), only_letter_case),
    Row("letter case is the zone's", ("flag tc",), case_takes_room),
    Row("chains are followed for 16 links", ("answer", "authority"), follows_further),
    Row("chains are followed into other zones", ("authority",), follows_into_another_zone),
    Row("types that a CNAME lacks beside it", ("answer", "authority"), beside_no_cname),
    Row("a longer chain fills the message", ("flag tc",), longer_chain),
    Row("NSEC and RRSIG below a DNAME", ("answer", "authority", "flag tc"), beside_no_synthesis),
    Row("ANY and RRSIG get a part", ("answer", "additional", "flag tc"), part_of_all_types),
    Row("optional data without room", ("additional",), no_room),
    Row("a referral without its glue has TC", ("flag tc",), incomplete_glue),
    Row("closest provable encloser", ("authority",), opt_out_encloser),
]


def reason_for(difference):
    for row in KNOWN:
        if difference.aspect in row.aspects and row.holds(difference):
            return row.name
    return None
