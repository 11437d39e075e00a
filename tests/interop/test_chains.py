# SPDX-License-Identifier: MIT
"""Chains of servers, each of which follows the one before by differences, while the zone changes at random.

CHAIN_SECONDS=600 lets them run for long, `make chains` all of them; CHAIN_SEED= repeats what a run drew."""

import chains
import dns.rcode
import dns.rdatatype
import pytest
import servers
import wire
import zones

BURST_SHARE = 6  # versions that one transfer may bring together, and some transfers are of the whole zone
ALGORITHMS = ["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]
THROUGH_US = [("tandem", "tandem", "knot"), ("bind", "tandem", "nsd"), ("knot", "tandem", "bind")]


@pytest.mark.parametrize("last", ["bind", "knot", "nsd"])
def test_partner_follows_us_by_differences(world, last):
    chain = chains.Chain(world, "tandem", chains.seed())
    chain.add(last, chain.first, "second")
    chain.start()
    chain.run()
    assert chain.differences() >= len(chain.serials) // BURST_SHARE


@pytest.mark.parametrize("source", ["bind", "knot", "knot-file"])
def test_we_follow_a_partner_by_differences(world, source):
    chain = chains.Chain(world, source, chains.seed())
    chain.add("tandem", chain.first, "second")
    chain.start()
    chain.run()
    assert chain.differences() >= len(chain.serials) // BURST_SHARE


@pytest.mark.parametrize("kinds", THROUGH_US, ids="-".join)
def test_differences_pass_through_us(world, kinds):
    chain = chains.Chain(world, kinds[0], chains.seed())
    middle = chain.add(kinds[1], chain.first, "middle")
    chain.add(kinds[2], middle, "last")
    chain.start()
    chain.run()
    assert len(middle.lines("transferred", chains.BY_DIFFERENCES)) >= len(chain.serials) // BURST_SHARE


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_differences_pass_signed_with_another_key_on_each_hop(world, algorithm):
    """Nobody gets them unsigned: where there is a key only the looker of the tests may transfer without one."""
    chain = chains.Chain(world, "bind", chains.seed())
    middle = chain.add("tandem", chain.first, "middle", chains.key("up", algorithm))
    middle.server_options["allow-hmac-md5"] = "on"
    for kind in ("knot", "nsd", "tandem"):
        chain.add(kind, middle, f"last-{kind}", chains.key(kind, algorithm)).server_options = {"allow-hmac-md5": "on"}
    chain.start()
    chain.run()
    assert chain.differences() >= len(chain.serials) // BURST_SHARE
    assert len(middle.lines("transferred", chains.BY_DIFFERENCES)) >= len(chain.serials) // BURST_SHARE


ADDRESSES = [f"192.0.2.{number}" for number in range(50)]
WAYS = [(kind, "tandem") for kind in chains.SOURCES] + [("tandem", kind) for kind in ("bind", "knot", "nsd")]


@pytest.mark.parametrize("source, last", WAYS, ids=lambda kind: kind)
def test_changes_that_servers_got_wrong(world, source, last):
    """RFC 1995 4, one difference after the other; what is asked of the last server is what its lookup makes of it."""
    chain = chains.Chain(world, source, 0)
    asked = chain.add(last, chain.first, "second")
    chain.start()

    def expect(name, rrtype, rcode=dns.rcode.NOERROR, answers=0, ttl=None, refers=False):
        """NSD's former process may answer a moment longer."""

        def is_so():
            answer = asked.ask(f"{name}.{chains.ZONE}", rrtype, tcp=True)
            rdatas = [rr for rrset in answer.answer for rr in rrset]
            ttls = {rrset.ttl for rrset in answer.answer} if ttl else {None}
            has_cut = any(rrset.rdtype == dns.rdatatype.NS for rrset in answer.authority)
            return (answer.rcode(), len(rdatas), ttls, has_cut) == (rcode, answers, {ttl}, refers)

        servers.wait_until(is_so, f"{last} answers {name} {rrtype} as it should")

    chain.put(("both", "A", 300, ADDRESSES), ("both", "TXT", 300, ['"text"']))
    chain.put(("both", "TXT", 300, []))
    expect("both", "TXT")
    expect("both", "A", answers=50)
    chain.put(("both", "A", 300, ADDRESSES[1:]))
    expect("both", "A", answers=49)

    chain.put(("middle", "A", 300, ADDRESSES[:1]), ("below.middle", "A", 300, ADDRESSES[:1]))
    chain.put(("middle", "A", 300, []))
    expect("middle", "A")
    expect("below.middle", "A", answers=1)
    chain.put(("below.middle", "A", 300, []))
    expect("middle", "A", rcode=dns.rcode.NXDOMAIN)

    wild, cut = ("*.place", "TXT", 300, ['"wild"']), ("place", "NS", 300, ["ns.other.test."])
    chain.put(wild)
    expect("any.place", "TXT", answers=1)
    chain.put((*wild[:3], []), cut)
    expect("any.place", "TXT", refers=True)
    chain.put(wild, (*cut[:3], []))
    expect("any.place", "TXT", answers=1)

    chain.put(("both", "A", 77, ADDRESSES[1:]))
    expect("both", "A", answers=49, ttl=77)
    for text in ("Text", "TEXT"):
        chain.put(("case", "TXT", 300, [f'"{text}"']))
        expect("case", "TXT", answers=1)
    assert chain.differences() >= len(chain.serials) // 2


def test_every_real_version_of_the_root_zone_passes_through_three_of_us(world, root_zones):
    files = sorted(root_zones.glob("root.20*.zone"), key=zones.serial_of_file)
    assert len(files) == 60
    first, middle, last = (world.new("tandem", name) for name in ("first", "middle", "last"))
    first.serve(".", files[0])
    middle.follow(".", first)
    last.follow(".", middle)
    for server in (first, middle, last):
        server.start()
    for file in files:
        serial = zones.serial_of_file(file)
        if file != files[0]:
            first.change(".", file)
        last.wait_for_serial(".", serial)
        went_in, came_out = wire.axfr(first.place, "."), wire.axfr(last.place, ".")
        assert len(went_in) > 20000
        wire.assert_equal_zones(went_in, came_out)
    for server in (middle, last):
        assert len(server.lines("transfer of serial", chains.BY_DIFFERENCES)) == len(files) - 1
        # Whole came the first one, and once more one of them: without its RRSIGs the zone has no ZONEMD that verifies.
        assert len(server.lines("transfer of serial")) in (len(files), len(files) + 1)
