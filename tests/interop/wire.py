# SPDX-License-Identifier: MIT
"""Fetches a whole zone and brings it into canonical form, with a reader of its own.

dnspython knows too few of the old types to undo the compression in their RDATA, and takes seconds for a root zone.
A zone becomes a set of (owner, type, ttl, rdata): owners in lower case, RDATA as RFC 4034 6.2 with RFC 6840 5.1 says,
so that two zones are equal exactly if they say the same.
"""

import os
import select
import socket
import struct
import time

AXFR = 252
IXFR = 251
SOA = 6

# RDATA with names: how many octets stand before them, how many names there are. Whatever follows is copied. All of
# these names are lower-cased by RFC 4034 6.2, and compressed ones must be understood by RFC 3597 4.
NAMES_IN_RDATA = {
    2: (0, 1),  # NS
    3: (0, 1),  # MD
    4: (0, 1),  # MF
    5: (0, 1),  # CNAME
    6: (0, 2),  # SOA
    7: (0, 1),  # MB
    8: (0, 1),  # MG
    9: (0, 1),  # MR
    12: (0, 1),  # PTR
    14: (0, 2),  # MINFO
    15: (2, 1),  # MX
    17: (0, 2),  # RP
    18: (2, 1),  # AFSDB
    21: (2, 1),  # RT
    24: (18, 1),  # SIG
    26: (2, 2),  # PX
    30: (0, 1),  # NXT
    33: (6, 1),  # SRV
    36: (2, 1),  # KX
    39: (0, 1),  # DNAME
    46: (18, 1),  # RRSIG
}
NAPTR = 35
A6 = 38


class TransferError(Exception):
    """The server sent something that is not the zone."""


def read_name(message, offset):
    """The name in wire form, without compression and in the case it came in, and where it ends."""
    labels = []
    end = None
    while True:
        length = message[offset]
        if length >= 0xC0:
            if end is None:
                end = offset + 2
            target = (length & 0x3F) << 8 | message[offset + 1]
            if target >= offset:
                raise TransferError("a compression pointer that does not lead back")
            offset = target
            continue
        labels.append(message[offset : offset + 1 + length])
        offset += 1 + length
        if length == 0:
            return b"".join(labels), end if end is not None else offset


def canonical_rdata(message, offset, length, rrtype):
    """RDATA without compression, its names in lower case where the canonical form wants that."""
    end = offset + length
    if rrtype in NAMES_IN_RDATA:
        before, names = NAMES_IN_RDATA[rrtype]
    elif rrtype == NAPTR:
        before, names = 4, 1
        for _ in range(3):
            before += 1 + message[offset + before]
    elif rrtype == A6:
        before = 1 + (128 - message[offset] + 7) // 8
        names = 1 if message[offset] > 0 else 0
    else:
        before, names = length, 0
    parts = [message[offset : offset + before]]
    offset += before
    for _ in range(names):
        name, offset = read_name(message, offset)
        parts.append(name.lower())
    parts.append(message[offset:end])
    return b"".join(parts)


def records_of(message):
    """The answer section of a message: (owner, type, ttl, rdata) for each record."""
    questions, answers = struct.unpack_from("!HH", message, 4)
    offset = 12
    for _ in range(questions):
        offset = read_name(message, offset)[1] + 4
    for _ in range(answers):
        owner, offset = read_name(message, offset)
        rrtype, rrclass, ttl, length = struct.unpack_from("!HHIH", message, offset)
        offset += 10
        if rrclass != 1:
            raise TransferError(f"a record of class {rrclass}")
        yield owner.lower(), rrtype, ttl, canonical_rdata(message, offset, length, rrtype)
        offset += length


def wire_of_name(text):
    """The wire form of a name without escapes; the final dot may be left out."""
    labels = [label.encode() for label in text.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def exchange(server, deadline, source=None):
    """A TCP connection to (address, port) that gives up at the deadline."""
    own = (source, 0) if source else None
    connection = socket.create_connection(server, max(0.1, deadline - time.monotonic()), own)
    connection.setblocking(False)
    return connection


def read_exactly(connection, length, deadline):
    data = bytearray()
    while len(data) < length:
        if not select.select([connection], [], [], max(0, deadline - time.monotonic()))[0]:
            raise TransferError("the transfer takes too long")
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise TransferError("the connection was closed in mid-transfer")
        data += chunk
    return bytes(data)


def read_message(connection, deadline):
    """The next message of a stream."""
    length = struct.unpack("!H", read_exactly(connection, 2, deadline))[0]
    return read_exactly(connection, length, deadline)


def question(zone, rrtype, query_id=4711):
    """A question with the length that TCP puts in front of it."""
    query = struct.pack("!6H", query_id, 0, 1, 0, 0, 0) + wire_of_name(zone) + struct.pack("!HH", rrtype, 1)
    return struct.pack("!H", len(query)) + query


def transfer_messages(server, zone, seconds, source=None):
    """Asks for the whole zone and gives one message after the other; the caller stops when it has enough."""
    deadline = time.monotonic() + seconds
    query_id = int.from_bytes(os.urandom(2), "big")
    with exchange(server, deadline, source) as connection:
        connection.sendall(question(zone, AXFR, query_id))
        while True:
            message = read_message(connection, deadline)
            message_id, flags = struct.unpack_from("!HH", message)
            if message_id != query_id or not flags & 0x8000 or flags & 0x000F:
                raise TransferError(f"{zone} at {server}: RCODE {flags & 0xF}, id {message_id} for {query_id}")
            yield message


def axfr(server, zone, seconds=180, source=None):
    """The zone as a set of records, fetched from (address, port) by whoever has the address `source`. Complains about a
    stream that breaks RFC 5936."""
    records = set()
    first = None
    for message in transfer_messages(server, zone, seconds, source):
        for record in records_of(message):
            if first is None:
                if record[1] != SOA:
                    raise TransferError("the transfer does not begin with the SOA")
                first = record
            elif record[1] == SOA:
                if record != first:
                    raise TransferError("the transfer does not end with the SOA that it began with")
                return records
            records.add(record)
    raise TransferError("the transfer has no end")


def question_for_differences(zone, serial, query_id):
    """An IXFR question (RFC 1995 3): the SOA in the authority section says which version we have."""
    rdata = b"\0\0" + struct.pack("!5I", serial, 0, 0, 0, 0)
    header = struct.pack("!6H", query_id, 0, 1, 0, 1, 0)
    soa = b"\xc0\x0c" + struct.pack("!HHIH", SOA, 1, 0, len(rdata)) + rdata
    return header + wire_of_name(zone) + struct.pack("!HH", IXFR, 1) + soa


def ixfr_by_udp(server, zone, serial, seconds=60):
    """The records of the one message that answers over UDP."""
    query = question_for_differences(zone, serial, int.from_bytes(os.urandom(2), "big"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect(server)
        asker.settimeout(1)
        for _ in range(seconds):
            asker.send(query)
            try:
                return list(records_of(asker.recv(65535)))
            except TimeoutError:
                continue
    raise TransferError("no answer over UDP")


def ixfr(server, zone, serial, seconds=180, source=None):
    """All records of the answer, in order, up to the SOA that ends it (RFC 1995 4)."""
    deadline = time.monotonic() + seconds
    query = question_for_differences(zone, serial, int.from_bytes(os.urandom(2), "big"))
    with exchange(server, deadline, source) as connection:
        connection.sendall(struct.pack("!H", len(query)) + query)
        records = []
        while not is_whole_answer(records):
            records += records_of(read_message(connection, deadline))
    return records


def is_whole_answer(records):
    """A single SOA; or it comes once more at the end of the whole zone, or twice more at the end of differences."""
    if not records:
        return False
    times = sum(record == records[0] for record in records)
    is_difference = len(records) > 1 and records[1][1] == SOA
    return len(records) == 1 or (records[-1] == records[0] and times == (3 if is_difference else 2))


def after_differences(have, records):
    """The zone that a set of records becomes by the answer to IXFR; None where the answer is the whole zone or one SOA.
    Complains about what RFC 1995 4 forbids."""
    newest = records[0]
    if len(records) == 1 or records[1][1] != SOA:
        return None
    have = set(have)
    removing = False
    for record in records[1:-1]:
        if record[1] == SOA:
            removing = not removing
        if removing and record not in have:
            raise TransferError(f"a difference removes what is not there: {show(record)}")
        if not removing and record in have:
            raise TransferError(f"a difference adds what is there: {show(record)}")
        if removing:
            have.remove(record)
        else:
            have.add(record)
    if newest not in have or records[-1] != newest:
        raise TransferError("the differences do not lead to the SOA that they begin with")
    return have


def serial_of(records):
    """The serial of a zone that axfr() gave."""
    (rdata,) = [rdata for _, rrtype, _, rdata in records if rrtype == SOA]
    return struct.unpack("!I", rdata[-20:-16])[0]


def show(record):
    owner, rrtype, ttl, rdata = record
    labels = []
    offset = 0
    while owner[offset]:
        label = owner[offset + 1 : offset + 1 + owner[offset]]
        labels.append("".join(chr(c) if 33 <= c < 127 and chr(c) not in '."\\' else f"\\{c:03}" for c in label))
        offset += 1 + owner[offset]
    return f"{'.'.join(labels)}. {ttl} TYPE{rrtype} \\# {len(rdata)} {rdata.hex()[:160]}"


def difference(left, right, left_name, right_name, most=12):
    """What tells two zones apart, as lines for a person; empty if they are equal."""
    lines = []
    for only, name in ((left - right, left_name), (right - left, right_name)):
        if only:
            lines.append(f"only at {name}: {len(only)} records")
            lines += ["  " + show(record) for record in sorted(only)[:most]]
    return lines


def as_nsd_writes(records):
    """NSD 4.6 puts the names of these types too in lower case, which RFC 4034 6.2 does not; seen beside the others."""
    folded = {45, 64, 65, 107}  # IPSECKEY, SVCB, HTTPS, LP
    return {(o, t, ttl, rdata.lower() if t in folded else rdata) for o, t, ttl, rdata in records}


def assert_equal_zones(left, right, left_name="the primary", right_name="the secondary"):
    lines = difference(left, right, left_name, right_name)
    assert not lines, "the zones differ\n" + "\n".join(lines)
