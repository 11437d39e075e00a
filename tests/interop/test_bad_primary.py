# SPDX-License-Identifier: MIT
"""A primary that stalls, lies, cuts the connection or never ends: the old version stays, and the reason is told."""

import fake
import pytest
import servers

ZONE = "bad.example."
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
]


@pytest.fixture
def primary():
    server = fake.FakePrimary(ZONE, 1, fake.honest)
    yield server
    server.end()


def follower(world, primary):
    secondary = world.new("tandem")
    secondary.zones.append(servers.Zone(ZONE, primaries=[primary]))
    secondary.zone_options.update(LIMITS)
    secondary.start()
    return secondary


@pytest.mark.parametrize("play", BAD, ids=lambda play: play.__name__)
def test_old_version_stays_and_the_next_good_one_is_taken(world, primary, play):
    secondary = follower(world, primary)
    secondary.wait_for_serial(ZONE, 1)

    before = primary.transfers
    primary.play = play
    primary.serial = 2
    servers.wait_until(lambda: primary.transfers >= before + 2, servers.CHANGE_SECONDS, "it tried twice")
    assert secondary.serial(ZONE) == 1
    assert secondary.ask(f"version.{ZONE}", "TXT").answer[0][0].strings == (b"1",)
    state = servers.wait_until(lambda: secondary.reason(ZONE), servers.CHANGE_SECONDS, "status tells a reason")
    assert len(state) > 10

    primary.play = fake.honest
    secondary.wait_for_serial(ZONE, 2)
    assert secondary.ask(f"version.{ZONE}", "TXT").answer[0][0].strings == (b"2",)


@pytest.mark.parametrize("play", [fake.cut, fake.garbage, fake.endless], ids=lambda play: play.__name__)
def test_a_zone_that_never_arrived_is_servfail_and_others_are_served(world, primary, play):
    primary.play = play
    other = fake.FakePrimary("good.example.", 5, fake.honest)
    secondary = world.new("tandem")
    secondary.zones.append(servers.Zone(ZONE, primaries=[primary]))
    secondary.zones.append(servers.Zone("good.example.", primaries=[other]))
    secondary.zone_options.update(LIMITS)
    secondary.start()
    secondary.wait_for_serial("good.example.", 5)
    servers.wait_until(lambda: primary.transfers >= 2, servers.CHANGE_SECONDS, "it tried twice")
    answer = secondary.ask(ZONE, "SOA", use_edns=True)
    assert answer.rcode() == 2
    assert [int(option.code) for option in answer.options if int(option.otype) == 15] == [14]
    other.end()
