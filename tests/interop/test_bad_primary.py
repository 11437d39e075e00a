# SPDX-License-Identifier: MIT
"""A primary that stalls, lies, cuts the connection or never ends: the old version stays, and the reason is told."""

import dns.rcode
import fake
import pytest
import servers
import wire

ZONE = "bad.example."
REFUSED = dns.rcode.REFUSED
LIMITS = {"transfer-in-idle": "1s", "transfer-in-total": "4s", "max-records": "5000", "retry-max": "1s"}

BAD = [
    fake.cut,
    fake.stall,
    fake.other_end,
    fake.other_id,
    fake.garbage,
    fake.short_message,
    fake.other_class,
    fake.without_soa,
    fake.bad_rdata,
    fake.refuses,
    fake.empty,
    fake.endless,
    fake.drip,
    fake.trickle,
    fake.soa_in_the_middle,
    fake.soa_elsewhere,
    fake.first_id_is_wrong,
    fake.first_question_is_wrong,
    fake.later_question_is_wrong,
    fake.asks_back,
    fake.other_opcode,
    fake.truncated,
    fake.late_refusal,
    fake.pointer_to_itself,
    fake.pointers_in_a_ring,
    fake.more_records_than_octets,
    fake.octets_behind_the_end,
    fake.rdata_beyond_the_end,
    fake.largest_message_of_noise,
    fake.message_of_no_octets,
    fake.question_types,
]


@pytest.fixture
def primary(world):
    return world.fake_primary(ZONE)


def follower(world, primary):
    return world.follower(ZONE, primary, **LIMITS).start()


@pytest.mark.parametrize("play", BAD, ids=lambda play: play.__name__)
def test_old_version_stays_and_the_next_good_one_is_taken(world, primary, play):
    secondary = follower(world, primary)
    secondary.wait_for_serial(ZONE, 1)

    before = primary.transfers
    primary.play = play
    primary.serial = 2
    servers.wait_until(lambda: primary.transfers >= before + 2, "it tried twice")
    assert secondary.serial(ZONE) == 1
    assert secondary.ask(f"version.{ZONE}", "TXT").answer[0][0].strings == (b"1",)
    state = servers.wait_until(lambda: secondary.reason(ZONE), "status tells a reason")
    assert len(state) > 10

    primary.play = fake.honest
    secondary.wait_for_serial(ZONE, 2)
    assert secondary.ask(f"version.{ZONE}", "TXT").answer[0][0].strings == (b"2",)


@pytest.mark.parametrize("play", fake.BAD_DIFFERENCES, ids=lambda play: play.__name__)
def test_differences_that_are_no_good_are_followed_by_the_whole_zone(world, primary, play):
    secondary = world.follower(ZONE, primary, retry_max="1s").start()
    secondary.wait_for_serial(ZONE, 1)
    primary.play, primary.serial = play, 2
    secondary.wait_for_serial(ZONE, 2)
    assert primary.rrtypes == [wire.AXFR, wire.IXFR, wire.AXFR]
    wire.assert_equal_zones(primary.zone_as_sent(), wire.axfr(secondary.place, ZONE))
    servers.wait_until(lambda: secondary.reason(ZONE) == "", "all is well")


@pytest.mark.parametrize("play", [fake.cut_differences, fake.stalled_differences], ids=lambda play: play.__name__)
def test_differences_that_break_off_are_asked_for_again(world, primary, play):
    """A broken connection says nothing of differences; nothing of them is served."""
    secondary = follower(world, primary)
    secondary.wait_for_serial(ZONE, 1)
    whole = len(primary.rrtypes)  # more than one only where we were slow
    primary.play, primary.serial = play, 2
    servers.wait_until(lambda: len(primary.rrtypes) > whole, "it asks for what differs")
    primary.play = fake.differing()
    secondary.wait_for_serial(ZONE, 2)
    assert set(primary.rrtypes[:whole]) == {wire.AXFR}
    assert set(primary.rrtypes[whole:]) == {wire.IXFR}
    secondary.wait_for_lines("transfer of serial 2", "as what differs from 1")


@pytest.mark.parametrize("play", [fake.cut, fake.garbage, fake.endless], ids=lambda play: play.__name__)
def test_a_zone_that_never_arrived_is_servfail_and_others_are_served(world, primary, play):
    primary.play = play
    other = world.fake_primary("good.example.", 5)
    secondary = world.follower(ZONE, primary, **LIMITS)
    secondary.zones.append(servers.Zone("good.example.", primaries=[other]))
    secondary.start()
    secondary.wait_for_serial("good.example.", 5)
    servers.wait_until(lambda: primary.transfers >= 2, "it tried twice")
    answer = secondary.ask(ZONE, "SOA", use_edns=True)
    assert answer.rcode() == 2
    assert [int(option.code) for option in answer.options if int(option.otype) == 15] == [14]


def test_records_outside_the_zone_are_served_to_nobody(world, primary):
    primary.play = fake.out_of_zone
    secondary = follower(world, primary)
    secondary.wait_for_serial(ZONE, 1)
    for name in ("www.other.example.", "example.", "."):
        assert secondary.rcode(name, "A") == REFUSED
    records = wire.axfr(secondary.place, ZONE)
    assert len(records) == 4
    assert all(owner.endswith(wire.wire_of_name(ZONE)) for owner, _, _, _ in records)


def test_lies_before_the_answer_do_not_hurt(world, primary):
    """Whoever guesses the port may send what he likes; the answer that fits the question counts."""
    primary.lies = fake.LIES
    secondary = follower(world, primary)
    secondary.wait_for_serial(ZONE, 1)
    primary.serial = 2
    secondary.run("zone", "refresh", ZONE, "--wait")
    secondary.wait_for_serial(ZONE, 2)
    servers.wait_until(lambda: secondary.reason(ZONE) == "", "all is well")
