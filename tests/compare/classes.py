# SPDX-License-Identifier: MIT
"""What differs between the responses to one question, by aspect, and who stands alone with what.

An aspect is one thing to compare: the RCODE, a flag, a section. Sections are compared only between responses with the
same RCODE and without TC, since everything else follows from that difference.
"""

import dataclasses

import messages

OURS = "tandem"
SILENT = "silent"
UNREADABLE = "unreadable"
ANSWER, AUTHORITY, ADDITIONAL = 0, 1, 2


def read(octets):
    """A response, or the word for what there is instead."""
    if octets is None:
        return SILENT
    try:
        return messages.Response(octets)
    except Exception:  # whatever a reader may stumble over
        return UNREADABLE


def flag_of(bit):
    return lambda question, response: bool(response.flags & bit)


def echo(question, response):
    if not response.question:
        return "none"
    asked = question.wire(0)[12 : 12 + len(question.name) + 4]
    if response.question == asked:
        return "same"
    return "other case" if response.question.lower() == asked.lower() else "other"


def edns(question, response):
    if response.edns is None:
        return "no OPT"
    version, _, flags, _ = response.edns
    return f"version {version} flags {flags:#06x}"


def ttls(section):
    def of(question, response):
        # Who has the same records can be compared; another set of records is another aspect.
        records = (response.answer, response.authority, response.additional)[section]
        return frozenset((record, response.ttl_of(section, record)) for record in records)

    return of


# Of the whole message.
HEADER = {
    "rcode": lambda question, response: messages.RCODES.get(response.rcode, str(response.rcode)),
    **{f"flag {name}": flag_of(bit) for name, bit in messages.FLAGS.items()},
    "question": echo,
    "edns": edns,
    "payload": lambda question, response: response.edns[1] if response.edns else None,
    "options": lambda question, response: response.edns[3] if response.edns else (),
    "ede": lambda question, response: response.ede,
    "trailing": lambda question, response: response.trailing,
}

# Of responses that say the same in principle.
SECTIONS = {
    "answer": lambda question, response: frozenset(response.answer),
    "case": lambda question, response: frozenset(response.owners),
    "authority": lambda question, response: frozenset(response.authority),
    "additional": lambda question, response: frozenset(response.additional),
    "answer ttl": ttls(ANSWER),
    "authority ttl": ttls(AUTHORITY),
    "additional ttl": ttls(ADDITIONAL),
}

# Compared only where that section is the same.
DEPENDS = {
    "case": "answer",
    "answer ttl": "answer",
    "authority ttl": "authority",
    "additional ttl": "additional",
    "payload": "edns",
    "options": "edns",
    "ede": "edns",
}


@dataclasses.dataclass
class Difference:
    """One aspect of one question in which not all agree."""

    aspect: str
    question: object
    responses: dict  # kind: Response or a word
    values: dict  # kind: value, of those that can be compared

    @property
    def ours(self):
        return self.responses[OURS]

    @property
    def others(self):
        return {kind: value for kind, value in self.values.items() if kind != OURS}

    def alone(self):
        """Whether we stand alone: at least two others can be compared with, and none says what we say."""
        if OURS not in self.values or len(self.others) < 2:
            return False
        mine = self.values[OURS]
        if self.aspect == "additional":
            # What one gives and another leaves out is free, but not what nobody else gives, or all others.
            every = set.intersection(*(set(value) for value in self.others.values()))
            some = set.union(*(set(value) for value in self.others.values()))
            return bool(mine - some or every - mine)
        return mine not in self.others.values()

    def outvoted(self):
        """Whether most of the others, two at least, agree on something else than we say."""
        if len(self.others) < 2:
            return False
        against = [value for value in self.others.values() if value != self.values.get(OURS)]
        return bool(against) and max(against.count(value) for value in against) * 2 > len(self.others)

    def group(self):
        """Who says what, in short: the class of this difference."""
        values = self.values
        voices = {}
        for kind, value in values.items():
            voices.setdefault(value, []).append(kind)
        most = max(voices.values(), key=len)
        base = values[most[0]]
        words = []
        for value, kinds in sorted(voices.items(), key=lambda item: -len(item[1])):
            words.append(f"{'+'.join(kinds)} {self.short(value, base)}")
        return f"{self.aspect}: {'; '.join(words)}"

    def short(self, value, base):
        if not isinstance(value, frozenset):
            return str(value)
        if value == base:
            return "=" if value else "empty"
        if self.aspect.endswith("ttl") or self.aspect == "case":
            return "differs"
        more = sorted({messages.type_text(record[1]) for record in value - base})
        less = sorted({messages.type_text(record[1]) for record in base - value})
        return " ".join([f"+{word}" for word in more] + [f"-{word}" for word in less])

    def text(self):
        lines = [f"question   {self.question.text()}"]
        for kind, response in self.responses.items():
            shown = response if isinstance(response, str) else response.text()
            lines.append(f"{kind}: " + shown.replace("\n", "\n  "))
        return "\n".join("    " + line for line in "\n".join(lines).splitlines())


def differing(aspect, question, responses, values):
    if len(set(values.values())) > 1:
        yield Difference(aspect, question, responses, values)


def compare(question, octets):
    """All differences between the responses to one question."""
    responses = {kind: read(message) for kind, message in octets.items()}
    words = {kind: r if isinstance(r, str) else "answered" for kind, r in responses.items()}
    yield from differing("reply", question, responses, words)
    whole = {kind: response for kind, response in responses.items() if not isinstance(response, str)}
    mine = whole.get(OURS)
    if mine is None:
        return
    found = {}
    for aspect, value_of in HEADER.items():
        found[aspect] = {kind: value_of(question, response) for kind, response in whole.items()}
    comparable = {
        kind: response
        for kind, response in whole.items()
        if response.rcode == mine.rcode and not (response.flags | mine.flags) & messages.TC and not question.is_transfer
    }
    for aspect, value_of in SECTIONS.items():
        found[aspect] = {kind: value_of(question, response) for kind, response in comparable.items()}
    for aspect, values in found.items():
        if aspect in DEPENDS:
            same = found[DEPENDS[aspect]]
            values = {kind: value for kind, value in values.items() if same[kind] == same.get(OURS)}
        elif aspect.startswith("flag "):
            values = {kind: value for kind, value in values.items() if whole[kind].rcode == mine.rcode}
        yield from differing(aspect, question, responses, values)


def breaches(question, octets):
    """What no response may do, whoever else does it; about ours alone."""
    if octets is None:
        return
    if not question.tcp and len(octets) > min(question.payload, 1232 if question.edns else 512):
        yield "is larger than the asker can take"
    response = read(octets)
    if isinstance(response, str):
        yield "cannot be read"
        return
    if response.trailing:
        yield "has octets after its last record"
    seen = response.answer & response.authority
    if seen:
        yield "has a record in two sections"
