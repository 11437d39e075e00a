# SPDX-License-Identifier: MIT
"""`tandem query` understands what people are used to type for dig."""

import difflib
import re
import shutil
import socket
import subprocess

import pytest
import servers
import zones

ZONE = "small.example."


@pytest.fixture
def server(world):
    one = world.new("tandem")
    one.serve(ZONE, zones.small(world.folder, ZONE, 7, r'www TXT "a;b" "q\"uote\\" "\001\255" ""'))
    return one.start()


def run_query(*words):
    return servers.run([servers.TANDEM, "query", *words])


def query(server, *words):
    return run_query(f"@{server.address}", "-p", server.port, *words)


def test_words_come_in_any_order(server):
    wanted = query(server, ZONE, "NS", "+short")
    assert wanted.returncode == 0 and wanted.stdout
    for words in (["NS", ZONE], ["-t", "ns", ZONE], [ZONE, "in", "ns"], ["IN", "NS", ZONE], ["+short", "ns", "in", ZONE]):
        assert query(server, *words, "+short").stdout == wanted.stdout, words
    version = query(server, "version.bind", "TXT", "CH", "+short").stdout
    assert "Tandem" in version
    assert query(server, "CH", "TXT", "version.bind", "+short").stdout == version


def test_any_is_asked_over_tcp_unless_told_otherwise(server):
    assert "(TCP)" in query(server, "any", ZONE).stdout
    assert "(UDP)" in query(server, "any", ZONE, "+notcp").stdout
    assert "(UDP)" in query(server, "soa", ZONE).stdout


def test_odd_octets_of_text_are_shown_as_zone_files_have_them(server):
    assert query(server, f"www.{ZONE}", "TXT", "+short").stdout == r'"a;b" "q\"uote\\" "\001\255" ""' + "\n"


def test_transfers_are_shown_record_by_record(server):
    lines = [line for line in query(server, ZONE, "AXFR", "+nocmd", "+nostats").stdout.splitlines() if line]
    assert lines[0] == lines[-1] and "SOA" in lines[0]
    assert len(query(server, ZONE, "IXFR=7", "+nocmd", "+nostats").stdout.splitlines()) == 1
    assert query(server, "nosuch.example", "AXFR").returncode == 1


def test_wrong_usage_is_exit_2(server):
    wrong = [[], ["+nonsense", ZONE], [ZONE, "NS", "IN", "more"], ["-t", "NONSENSE", ZONE]]
    wrong += [["+subnet", ZONE], ["+subnet=1.2.3.4/33", ZONE], ["+subnet=x", ZONE], ["+cookie=12", ZONE]]
    wrong += [["+cookie=xy02030405060708", ZONE], ["-b", "nobody", ZONE], ["-b"]]
    for words in wrong:
        assert query(server, *words).returncode == 2, words


# ---- Side by side with dig

RECORDS = r"""
@ MX 10 mail
mail 7200 A 192.0.2.25
long 93784 A 192.0.2.80
a.rather.long.owner.name.that.leaves.the.columns A 192.0.2.1
sub NS ns.sub
sub DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D
ns.sub A 192.0.2.99
key DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==
key TLSA 3 1 1 0D6FCE3FEA6D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237
key RRSIG TLSA 8 3 300 20300101000000 20200101000000 20326 @ AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3
key HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1
"""

# What differs by nature, in both outputs.
VARYING = [
    (re.compile(r"id: \d+"), "id: N"),
    (re.compile(r"Query time: \d+ "), "Query time: N "),
    (re.compile(r"in \d+ (ms|us)"), r"in N \1"),
    (re.compile(r"^;; WHEN: .*", re.M), ";; WHEN: W"),
    (re.compile(r"^; <<>>.*", re.M), "; <<>>"),
    (re.compile(r"COOKIE: ([0-9a-f]{16})[0-9a-f]*"), r"COOKIE: \1"),
]
# dig says these of itself and we do not.
DIG_ALONE = [re.compile(r"^; \(1 server found\)\n", re.M), re.compile(r"^;; global options:.*\n", re.M)]

USES = [
    "small.example SOA",
    "small.example MX +dnssec",
    "www.small.example +short",
    "nosuch.small.example",
    "x.sub.small.example A +norec",
    "small.example AXFR",
    "small.example AXFR +noall +answer",
    "small.example IXFR=7",
    "-x 192.0.2.1",
    "small.example ANY",
    "small.example NS +noall +question",
    "small.example NS +noall +answer",
    "www.small.example MX +noall +authority +comments",
    "www.small.example +noall +stats",
    "www.small.example +nocomments",
    "www.small.example +noquestion",
    "small.example SOA +noedns",
    "www.small.example +tcp",
    "a.rather.long.owner.name.that.leaves.the.columns.small.example",
    "small.example MX +nottlid +noclass",
    "small.example MX +nottlid",
    "small.example MX +noclass",
    "version.bind CH TXT",
    "small.example SOA +multiline",
    "key.small.example DNSKEY +multiline",
    "key.small.example TLSA +multiline +norec",
    "key.small.example RRSIG +multiline",
    "sub.small.example DS +multiline",
    "key.small.example HTTPS +multiline",
    "long.small.example +ttlunits",
    "nosuch.small.example +ttlunits +multiline +noall +authority",
    "small.example SOA +qr",
    "small.example SOA +qr +noquestion +nostats",
    "small.example MX +short +identify",
    "www.small.example +nostats +identify",
    "www.small.example -u",
    "www.small.example -4 +nocmd",
    "www.small.example +subnet=192.0.2.77/24 +qr",
    "www.small.example +subnet=2001:db8::/33 +qr",
    "www.small.example +subnet=0 +qr",
    "small.example SOA +expire +keepalive +tcp",
    "www.small.example +cookie=0102030405060708 +qr",
]


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    """A server of our own and BIND with the same zone, for all comparisons."""
    folder = tmp_path_factory.mktemp("rich")
    pair = [servers.Tandem(folder), servers.Bind(folder)]
    for one in pair:
        one.serve(ZONE, zones.small(folder, ZONE, 7, RECORDS))
        one.start()
    yield pair
    for one in pair:
        one.stop()


def normal(text, alone=()):
    for pattern in alone:
        text = pattern.sub("", text)
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text.splitlines()


def dig(server, *words):
    if shutil.which("dig") is None:
        pytest.skip("there is no dig here: install bind9-dnsutils")
    # We show long words in one piece, but for +multiline; dig wants to be told.
    split = [] if "+multiline" in words else ["+nosplit"]
    command = ["dig", "-r", *split, "+nocookie", f"@{server.address}", "-p", str(server.port), *words]
    return servers.run(command)


def assert_like_dig(server, words):
    words = [*words, "+time=60"]  # else both ask again, and dig tells that
    theirs = normal(dig(server, *words).stdout, DIG_ALONE)
    ours = normal(query(server, *words).stdout)
    assert ours == theirs, "\n" + "\n".join(difflib.unified_diff(theirs, ours, "dig", "tandem query", lineterm=""))
    assert ours


@pytest.mark.parametrize("words", USES)
def test_output_is_that_of_dig(rich, words):
    assert_like_dig(rich[0], words.split())


@pytest.mark.parametrize("words", USES[:1] + ["small.example SOA +nsid", "www.small.example +cookie=0102030405060708"])
def test_output_is_that_of_dig_when_bind_answers(rich, words):
    assert_like_dig(rich[1], words.split())


def test_cookie_is_sent_and_judged(rich):
    shown = query(rich[1], ZONE, "SOA", "+cookie", "+qr").stdout
    sent, came = re.findall(r"^; COOKIE: ([0-9a-f]+)(.*)", shown, re.M)
    assert len(sent[0]) == 16 and sent[1] == ""
    assert came[0].startswith(sent[0]) and len(came[0]) >= 32 and came[1] == " (good)"
    assert "COOKIE" not in query(rich[1], ZONE, "SOA", "+qr").stdout
    assert "COOKIE" not in query(rich[1], ZONE, "SOA", "+qr", "+cookie", "+nocookie").stdout


def test_server_may_be_named_and_the_own_address_chosen(rich):
    server = rich[1]  # at 127.0.0.1
    by_name = ["@localhost", "-4", "-p", str(server.port), f"www.{ZONE}"]
    shown = run_query(*by_name)
    assert shown.returncode == 0
    assert f"SERVER: 127.0.0.1#{server.port}(localhost)" in shown.stdout
    port = servers.free_port("127.0.0.9")
    for source in (f"127.0.0.9#{port}", f"127.0.0.9@{port}", "127.0.0.9"):
        assert query(server, f"www.{ZONE}", "+short", "-b", source).stdout == "192.0.2.80\n"
    wrong = run_query("@nosuch.invalid", "www.example")
    assert wrong.returncode == 1 and "nosuch.invalid" in wrong.stderr
    for words in (["@::1", "-4", "x"], ["@127.0.0.1", "-6", "x"], ["@127.0.0.1", "-b", "::1", "x"], ["@127.0.0.300", "x"]):
        wrong = run_query(*words)
        assert wrong.returncode == 2 and wrong.stderr.startswith("tandem query: "), words


def test_own_address_is_where_the_question_comes_from():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", servers.free_port("127.0.0.1")))
        own = servers.free_port("127.0.0.9")
        listening.settimeout(servers.ANSWER_SECONDS)
        words = ["@127.0.0.1", "-p", str(listening.getsockname()[1]), "x.example", "-b", f"127.0.0.9#{own}"]
        command = [str(servers.TANDEM), "query", *words, "+tries=1", "+time=5"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            assert listening.recvfrom(2000)[1] == ("127.0.0.9", own)
            process.kill()
