# SPDX-License-Identifier: MIT
"""Transfers, NOTIFY and questions that are signed (TSIG, RFC 8945): with partners in both directions, with the clients
that people use, and with keys that are wrong or change while the server runs."""

import base64
import hashlib
import pathlib
import re
import socket
import struct
import subprocess
import time

import chains
import dns.edns
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import pytest
import servers
import wire
import zones

ZONE = "example.test."
ALGORITHMS = ["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]
PARTNERS = ["bind", "knot", "nsd"]


def secret(text):
    return base64.b64encode(hashlib.sha512(text.encode()).digest()).decode()


def key(name="xfr.test.", algorithm="hmac-sha256", of="secret"):
    return servers.Key(name, algorithm, secret(of))


def zone_file(folder, serial, records=30):
    """As if an editor had written it."""
    lines = [f"@ 300 SOA ns admin {serial} 3600 2 3600 300", "@ 300 NS ns", "ns 300 A 192.0.2.53"]
    lines.append(f'now 300 TXT "{serial}"')
    lines += [f"host-{number} 300 TXT \"{'x' * 200}\"" for number in range(records)]
    file = folder / f"{serial}.zone"
    file.write_text("\n".join(lines) + "\n")
    return file


def keyring(of):
    algorithm = dns.tsig.HMAC_MD5 if of.algorithm == "hmac-md5" else of.algorithm
    return dns.tsigkeyring.from_text({of.name: (algorithm, of.secret)})


def ask(server, name, rrtype, of=None, tcp=True, fudge=300, transport=None):
    """The answer to a question, whose signature dnspython has checked if it was signed."""
    query = dns.message.make_query(name, rrtype)
    if of:
        query.use_tsig(keyring(of), fudge=fudge)
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, server.address, port=server.port, timeout=servers.ANSWER_SECONDS)


def tandem(world, name="tandem", **options):
    server = world.new("tandem", name)
    server.server_options = {"allow-hmac-md5": "on", **options}
    return server


# ---- With partners


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_partners_follow_us_signed(world, tmp_path, algorithm):
    shared = key(algorithm=algorithm)
    first = tandem(world)
    first.serve(ZONE, zone_file(tmp_path, 1))
    others = [world.new(kind) for kind in PARTNERS]
    for other in others:
        other.follow(ZONE, first, key=shared)
    for server in [first, *others]:
        server.start()
    for serial in (1, 2):
        first.change(ZONE, zone_file(tmp_path, serial))
        first.wait_for_serial(ZONE, serial)
        served = wire.as_nsd_writes(wire.axfr(first.place, ZONE, source=servers.LOOKER))
        for other in others:
            other.wait_for_serial(ZONE, serial)
            copy = wire.as_nsd_writes(wire.axfr(other.place, ZONE, source=servers.LOOKER))
            wire.assert_equal_zones(served, copy, "ours", other.name)
    servers.wait_until(
        lambda: all(target["acknowledged"] for target in first.status(ZONE)["secondaries"]),
        "all have acknowledged the NOTIFY, each with its signature",
    )
    rows = first.status(ZONE)["secondaries"]
    assert not [target["problem"] for target in rows if target["problem"]]
    assert {target["key"] for target in rows} == {shared.name}
    assert shared.secret not in first.run("status", ZONE, "--json") + first.run("zone", "why", ZONE)
    first.wait_for_lines("transferred to", count=2 * len(others))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_we_follow_partners_signed(world, tmp_path, algorithm):
    shared = key(algorithm=algorithm)
    for kind in PARTNERS:
        first = world.new(kind)
        first.serve(ZONE, zone_file(tmp_path, 1))
        second = tandem(world, f"tandem-{kind}")
        second.follow(ZONE, first, key=shared)
        first.start()
        second.start()
        second.wait_for_serial(ZONE, 1)
        first.change(ZONE, zone_file(tmp_path, 2))  # once: of two in a row BIND may load the first alone
        second.wait_for_serial(ZONE, 2)
        assert [primary["key"] for primary in second.status(ZONE)["primaries"]] == [shared.name]
        served = wire.as_nsd_writes(wire.axfr(first.place, ZONE, source=servers.LOOKER))
        copy = wire.as_nsd_writes(wire.axfr(second.place, ZONE, source=servers.LOOKER))
        wire.assert_equal_zones(served, copy, first.name, "ours")
        servers.wait_until(lambda one=second: one.reason(ZONE) == "", "all is well")
        first.stop()
        second.stop()


PAIRS = [("tandem", kind) for kind in [*PARTNERS, "tandem"]] + [(kind, "tandem") for kind in PARTNERS]


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_a_zone_of_many_messages_passes_signed(world, root_zones, kinds):
    """A hundred messages and more, of which some servers sign only some."""
    file = sorted(root_zones.glob("root.20*.zone"), key=zones.serial_of_file)[0]
    first, second = (world.new(kind, f"{kind}-{place}") for kind, place in zip(kinds, ("first", "second")))
    first.serve(".", file)
    second.follow(".", first, key=key(algorithm="hmac-sha512"))
    first.start()
    second.start()
    second.wait_for_serial(".", zones.serial_of_file(file))
    here, there = (wire.axfr(server.place, ".", source=servers.LOOKER) for server in (first, second))
    wire.assert_equal_zones(wire.as_nsd_writes(here), wire.as_nsd_writes(there), first.name, second.name)


@pytest.mark.parametrize("last", ["tandem", "bind", "knot"])
def test_differences_pass_signed(world, last):
    chain = chains.Chain(world, "tandem", chains.seed())
    chain.add(last, chain.first, "second", key=key())
    chain.start()
    chain.run(2)
    assert chain.differences() > 0


# ---- With clients


def run_client(client, server, of, question):
    how = ["-p", server.port, f"@{server.address}", "-y", f"{of.algorithm}:{of.name}:{of.secret}"]
    return servers.run([f"/usr/bin/{client}", *how, *question, "+norec"])


@pytest.mark.parametrize("client", ["dig", "kdig"])
def test_clients_agree_with_us_on_every_algorithm(world, tmp_path, client):
    server = tandem(world)
    server.serve(ZONE, zone_file(tmp_path, 1, records=200))
    keys = [key(f"{algorithm}.test.", algorithm) for algorithm in ALGORITHMS]
    # What dig calls so: the hash, and a MAC that is cut.
    cut = servers.Key("cut.test.", "hmac-sha256-128", secret("cut"))
    server.extra_keys = keys + [servers.Key(cut.name, "hmac-sha256, mac-length: 16", cut.secret)]
    server.zone_options["allow-transfer"] = "[" + ", ".join(f'{{key: "{of.name}"}}' for of in keys + [cut]) + "]"
    server.start()
    for of in keys + ([cut] if client == "dig" else []):
        for question in ([ZONE, "SOA"], [ZONE, "AXFR"], [f"host-1.{ZONE}", "TXT", "+tcp"], [f"none.{ZONE}", "A"]):
            done = run_client(client, server, of, question)
            said = done.stdout + done.stderr
            assert done.returncode == 0, said
            assert of.name in said and "TSIG" in said, said
            assert not re.search(r"verify|BADKEY|BADSIG|BADTIME|WARNING|failed", said, re.IGNORECASE), said
    wrong = servers.Key(keys[3].name, keys[3].algorithm, secret("wrong"))
    done = run_client(client, server, wrong, [ZONE, "SOA"])
    assert re.search("BADSIG|bad signature|tsig indicates error", done.stdout + done.stderr, re.IGNORECASE), done.stdout


# ---- With our own tools


def test_a_key_is_made_once_and_serves_every_tool(world, tmp_path):
    made = servers.run([servers.TANDEM, "key", "new", "tsig", "Ours.Test", "--algorithm", "hmac-sha384"], tmp_path)
    file = tmp_path / "Ours.Test.key"
    assert made.returncode == 0 and "{name:" in made.stdout, made.stderr
    text = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600 and "algorithm hmac-sha384;" in text
    again = servers.run([servers.TANDEM, "key", "new", "tsig", "Ours.Test"], tmp_path)
    assert again.returncode == 1 and "is there already" in again.stderr and file.read_text() == text
    assert re.search('secret "(.*)"', text).group(1) not in made.stdout
    refused = servers.run([servers.TANDEM, "key", "new", "tsig", "a.test", "--algorithm", "hmac-md5"], tmp_path)
    assert refused.returncode == 2 and "hmac-md5" in refused.stderr and not (tmp_path / "a.test.key").exists()

    server = world.new("tandem")
    server.serve(ZONE, zone_file(tmp_path, 1, records=200))
    server.key_files = {"ours.test.": file}
    server.zone_options["allow-transfer"] = '[{key: "ours.test"}]'
    server.start()
    for command in ([servers.TANDEM, "query"], ["/usr/bin/dig"]):
        done = servers.run([*command, f"@{server.address}", "-p", server.port, "-k", file, ZONE, "AXFR"])
        assert done.returncode == 0 and done.stdout.count("host-") == 200, done.stdout + done.stderr


def test_query_signs_and_believes_only_what_is_signed(world, tmp_path):
    server = world.new("tandem")
    server.serve(ZONE, zone_file(tmp_path, 1, records=200))
    mine = key("mine.test.", "hmac-sha1")
    server.extra_keys = [mine]
    server.zone_options["allow-transfer"] = '[{key: "mine.test"}]'
    server.start()

    def query(how, *words):
        done = servers.run([servers.TANDEM, "query", f"@{server.address}@{server.port}", "-y", how, *words])
        assert mine.secret not in done.stdout + done.stderr
        return done

    right = f"hmac-sha1:mine.test:{mine.secret}"
    for words in ([ZONE, "SOA"], [f"host-1.{ZONE}", "TXT", "+tcp"], [ZONE, "AXFR"], [ZONE, "IXFR=1"]):
        done = query(right, *words)
        assert done.returncode == 0 and not done.stderr, done.stderr
    for words, start in (([ZONE, "SOA"], "the reply is not to be believed"), ([ZONE, "AXFR"], "transfer not to be believed")):
        done = query(f"hmac-sha1:mine.test:{secret('other')}", *words)
        assert done.returncode == 1
        assert f"{start}: the other side has another secret for key mine.test (BADSIG)" in done.stderr
        done = query(f"mine.test:{mine.secret}", *words)  # hmac-sha256
        assert "does not know key mine.test as one of hmac-sha256 (BADKEY)" in done.stderr
    assert query("mine.test:nonsense!", ZONE).returncode == 2


@pytest.mark.parametrize("joined", [False, True], ids=["apart", "joined"])
def test_secret_of_a_query_is_not_in_the_list_of_processes(joined):
    """While a reply is waited for, /proc has the command line, and everybody may read it."""
    given = f"hmac-sha1:mine.test:{secret('mine')}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(servers.ANSWER_SECONDS)
        words = [f"-y{given}"] if joined else ["-y", given]
        command = [servers.TANDEM, "query", f"@127.0.0.1@{silent.getsockname()[1]}", *words, ZONE, "SOA", "+time=60"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            asked = silent.recv(65535)
            seen = pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
            process.kill()
    assert b"mine" in asked, "the question is signed"
    assert secret("mine") not in seen and ZONE in seen


# ---- Who may


def test_rules_want_keys(world, tmp_path):
    server = tandem(world)
    server.serve(ZONE, zone_file(tmp_path, 1))
    mine, other = key("mine.test."), key("other.test.")
    server.extra_keys = [mine, other]
    server.zone_options["allow-transfer"] = '[{key: "mine.test"}]'
    server.zone_options["allow-query"] = '[{from: 127.0.0.0/8, key: ["mine.test", "other.test"]}]'
    server.launch()
    servers.wait_until(lambda: server.ask(ZONE, "SOA", seconds=1), "it answers")
    servers.wait_until(lambda: ask(server, ZONE, "SOA", mine).answer, "it serves")
    assert ask(server, ZONE, "SOA", other).answer
    for rrtype in ("SOA", "AXFR"):
        refused = ask(server, ZONE, rrtype)
        assert refused.rcode() == dns.rcode.REFUSED and not refused.answer
    signed = ask(server, ZONE, "AXFR", other)
    assert signed.rcode() == dns.rcode.REFUSED and signed.had_tsig
    query = dns.message.make_query(ZONE, "AXFR")
    query.use_edns(0)
    with_edns = dns.query.tcp(query, server.address, port=server.port, timeout=servers.ANSWER_SECONDS)
    assert [option.code for option in with_edns.options if isinstance(option, dns.edns.EDEOption)] == [18]


def test_unsigned_notify_of_a_primary_with_a_key_has_it_asked(world, tmp_path):
    """It proves nothing, so that it only leads to a look."""
    first, second = world.new("tandem", "first"), world.new("tandem", "second")
    first.serve(ZONE, zone_file(tmp_path, 1))
    second.follow(ZONE, first, key=key())
    first.zone(ZONE).notify.clear()
    first.start()
    second.start()
    second.wait_for_serial(ZONE, 1)
    first.change(ZONE, zone_file(tmp_path, 2))
    first.wait_for_serial(ZONE, 2)
    notify = dns.message.make_query(ZONE, "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)

    def send(**options):
        return dns.query.udp(notify, second.address, port=second.port, timeout=servers.ANSWER_SECONDS, **options)

    assert send(source=first.address).rcode() == dns.rcode.NOERROR
    second.wait_for_serial(ZONE, 2)
    assert send().rcode() == dns.rcode.REFUSED
    notify.use_tsig(keyring(key()))
    from_elsewhere = send()
    assert from_elsewhere.rcode() == dns.rcode.NOERROR and from_elsewhere.had_tsig


# ---- What is wrong


def signed_octets(name, rrtype, of, at=None, fudge=300):
    """A question as octets, signed at a time."""
    query = dns.message.make_query(name, rrtype)
    query.use_tsig(keyring(of), fudge=fudge)
    if at is None:
        return query.to_wire(), query
    real, time.time = time.time, lambda: at
    try:
        return query.to_wire(), query
    finally:
        time.time = real


def exchange(server, octets):
    """What comes back over TCP, as octets."""
    with socket.create_connection(server.place, timeout=servers.ANSWER_SECONDS) as stream:
        stream.sendall(struct.pack("!H", len(octets)) + octets)
        file = stream.makefile("rb")
        (length,) = struct.unpack("!H", file.read(2))
        return file.read(length)


def test_wrong_keys_and_times_are_refused_as_clients_expect(world, tmp_path):
    server = tandem(world)
    server.serve(ZONE, zone_file(tmp_path, 1))
    mine = key("mine.test.")
    server.extra_keys = [mine]
    server.start()
    for wrong, expected in (
        (key("unknown.test."), dns.tsig.PeerBadKey),
        (servers.Key(mine.name, "hmac-sha512", mine.secret), dns.tsig.PeerBadKey),
        (key("mine.test.", of="other"), dns.tsig.PeerBadSignature),
    ):
        for tcp in (False, True):
            with pytest.raises(expected):
                ask(server, ZONE, "SOA", wrong, tcp)
    for apart, fudge in ((-400, 300), (400, 300), (-3, 0)):
        then = int(time.time()) + apart
        octets, query = signed_octets(ZONE, "SOA", mine, then, fudge)
        answer = exchange(server, octets)
        assert answer[3] & 15 == dns.rcode.NOTAUTH
        # Ours is signed with the client's time, so that it can be checked, and tells our own.
        assert struct.unpack("!H", answer[-10:-8])[0] == 18 and struct.unpack("!H", answer[-8:-6])[0] == 6
        assert abs(int.from_bytes(answer[-6:], "big") - time.time()) < servers.ANSWER_SECONDS
        with pytest.raises(dns.tsig.PeerBadTime):
            dns.message.from_wire(answer, keyring=query.keyring, request_mac=query.mac)
    assert server.lines("signed with key unknown.test", "refused as BADKEY: no key of this name")
    assert ask(server, ZONE, "SOA", mine).answer


def test_question_that_is_played_again_later_is_refused(world, tmp_path):
    """Within its time it is answered again, as RFC 8945 has it; what the answer proves is bound to its own question."""
    server = tandem(world)
    server.serve(ZONE, zone_file(tmp_path, 1))
    mine = key("mine.test.")
    server.extra_keys = [mine]
    server.start()
    octets, query = signed_octets(ZONE, "SOA", mine)
    first, again = exchange(server, octets), exchange(server, octets)
    for answer in (first, again):
        assert dns.message.from_wire(answer, keyring=query.keyring, request_mac=query.mac).answer
    _, other = signed_octets(ZONE, "SOA", mine, int(time.time()) - 1)
    with pytest.raises(dns.tsig.BadSignature):
        dns.message.from_wire(first, keyring=query.keyring, request_mac=other.mac)
    old, _ = signed_octets(ZONE, "SOA", mine, int(time.time()) - 301)
    assert exchange(server, old)[3] & 15 == dns.rcode.NOTAUTH


@pytest.mark.parametrize("kind", PARTNERS + ["tandem"])
def test_what_a_primary_has_against_our_key_is_told(world, tmp_path, kind):
    first = world.new(kind, "first")
    second = tandem(world, "second")
    first.serve(ZONE, zone_file(tmp_path, 1))
    second.follow(ZONE, first, key=key(of="ours"))
    second.zone(ZONE).key = key(of="theirs")
    first.start()
    second.start()

    def wait_for_reason(part):
        servers.wait_until(lambda: part in second.reason(ZONE), f"the reason is: {part}")

    wait_for_reason("has another secret for key xfr.test (BADSIG)")
    second.stop()
    second.zone(ZONE).key = key("no.test.")
    second.start()
    wait_for_reason("does not know key no.test as one of hmac-sha256 (BADKEY)")
    assert second.serial(ZONE) is None
    second.stop()
    second.zone(ZONE).key = key(of="ours")
    second.start()
    second.wait_for_serial(ZONE, 1)


# ---- Keys that change


def reconfigure(server):
    server.reconfigure()


def test_keys_change_while_the_server_runs(world, tmp_path):
    """First at one side, then at the other; a peer may have both meanwhile."""
    first, second = world.new("tandem", "first"), world.new("tandem", "second")
    first.serve(ZONE, zone_file(tmp_path, 1))
    second.follow(ZONE, first, key=key("old.test."))
    first.start()
    second.start()
    second.wait_for_serial(ZONE, 1)

    # The primary takes the new key too, and sends its NOTIFY with the old one still.
    first.extra_keys = [key("new.test.", of="new")]
    first.more_of_peers = {"second": ["new.test."]}
    first.zone_options["allow-transfer"] = f"[{{from: {servers.LOOKER}}}, {{peer: second}}]"
    reconfigure(first)
    first.change(ZONE, zone_file(tmp_path, 2))
    second.wait_for_serial(ZONE, 2)

    # The secondary signs with the new one, and takes NOTIFYs by both.
    second.zone(ZONE).key = key("new.test.", of="new")
    second.extra_keys = [key("old.test.")]
    second.more_of_peers = {"first": ["old.test."]}
    reconfigure(second)
    first.change(ZONE, zone_file(tmp_path, 3))
    second.wait_for_serial(ZONE, 3)

    # The old one goes.
    first.zone(ZONE).notify_keys["second"] = key("new.test.", of="new")
    first.extra_keys, first.more_of_peers = [], {}
    reconfigure(first)
    second.extra_keys, second.more_of_peers = [], {}
    reconfigure(second)
    first.change(ZONE, zone_file(tmp_path, 4))
    second.wait_for_serial(ZONE, 4)
    with pytest.raises(dns.tsig.PeerBadKey):
        ask(first, ZONE, "SOA", key("old.test."))


def test_key_that_goes_during_a_transfer_ends_it(world, tmp_path):
    records = 80000  # more than the kernel takes for whoever does not read
    server = world.new("tandem")
    server.serve(ZONE, zone_file(tmp_path, 1, records))
    server.extra_keys = [key("mine.test."), key("other.test.")]
    server.zone_options["allow-transfer"] = '[{key: "mine.test"}, {key: "other.test"}]'
    server.start()
    octets, _ = signed_octets(ZONE, "AXFR", key("mine.test."))
    with socket.socket() as stream:
        stream.settimeout(servers.ANSWER_SECONDS)
        stream.connect(server.place)
        stream.sendall(struct.pack("!H", len(octets)) + octets)
        assert stream.recv(2)
        server.extra_keys = [key("other.test.")]
        server.zone_options["allow-transfer"] = '[{key: "other.test"}]'
        reconfigure(server)
        size = 0
        try:
            while some := stream.recv(65536):
                size += len(some)
        except ConnectionResetError:
            pass
    assert size < records * 200
    assert server.lines("transfer out cannot go on: the key that signs it was changed or taken out")
    other = keyring(key("other.test."))
    messages = dns.query.xfr(server.address, ZONE, port=server.port, keyring=other, lifetime=servers.ANSWER_SECONDS)
    assert sum(len(rrset) for message in messages for rrset in message.answer) > records


def test_key_file_is_read_again_on_reload(world, tmp_path):
    server = world.new("tandem")
    server.serve(ZONE, zone_file(tmp_path, 1))
    server.zone_options["allow-transfer"] = '[{key: "mine.test"}]'
    server.key_files = {"mine.test.": "mine.key"}
    file = server.folder / "mine.key"
    text = 'key "mine.test" {{ algorithm hmac-sha256; secret "{}"; }};\n'
    file.write_text(text.format(secret("first")))
    file.chmod(0o600)
    server.start()
    assert ask(server, ZONE, "SOA", key("mine.test.", of="first")).answer
    file.write_text(text.format(secret("second")))
    server.run("reload")
    assert ask(server, ZONE, "SOA", key("mine.test.", of="second")).answer
    with pytest.raises(dns.tsig.PeerBadSignature):
        ask(server, ZONE, "SOA", key("mine.test.", of="first"))
    # A file that others may read is refused, and what holds goes on.
    file.chmod(0o644)
    refused = server.run_any("reload")
    assert refused.returncode != 0 and "mode is 0644" in refused.stdout + refused.stderr
    assert ask(server, ZONE, "SOA", key("mine.test.", of="second")).answer
