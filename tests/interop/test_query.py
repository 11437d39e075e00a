# SPDX-License-Identifier: MIT
"""`tandem query` understands what people are used to type for dig."""

import pytest
import servers
import zones

ZONE = "small.example."


@pytest.fixture
def server(world):
    one = world.new("tandem")
    one.serve(ZONE, zones.small(world.folder, ZONE, 7, r'www TXT "a;b" "q\"uote\\" "\001\255" ""'))
    return one.start()


def query(server, *words):
    return servers.run([servers.TANDEM, "query", f"@{server.address}", "-p", server.port, *words])


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
    assert len(query(server, ZONE, "IXFR=7", "+nocmd", "+nostats").stdout.split("\n")) == 2
    assert query(server, "nosuch.example", "AXFR").returncode == 1


def test_wrong_usage_is_exit_2(server):
    for words in ([], ["+nonsense", ZONE], [ZONE, "NS", "IN", "more"], ["-t", "NONSENSE", ZONE]):
        assert query(server, *words).returncode == 2, words
