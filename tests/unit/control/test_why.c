/* SPDX-License-Identifier: MIT */
/* Statuses and the sentences that say them. */
#include "unit.h"

#include "control/control.h"

static void expect_why(const struct control_zone_status *zone, const char *sentences)
{
	struct text text;
	text_init(&text, 1 << 16);
	control_why(zone, &text);
	assert_string_equal(text_string(&text), sentences);
	text_deinit(&text);
}

static const struct address primary_address = {.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, 1}};
static const struct address other_address = {.family = ADDRESS_V4, .port = 5300, .bytes = {192, 0, 2, 9}};

static struct control_zone_status secondary_of(const struct control_primary_status *primaries, size_t count)
{
	return (struct control_zone_status){
	        .name = "example.org.",
	        .role = CONTROL_SECONDARY,
	        .state = CONTROL_SERVING,
	        .standing = CONTROL_CURRENT,
	        .has_serial = true,
	        .serial = 7,
	        .has_origin = true,
	        .came_at_s = 1767225600,
	        .came_ago_s = 3 * 86400 + 4 * 3600 + 5 * 60,
	        .came_from = "192.0.2.1@53",
	        .has_timers = true,
	        .refresh_in_s = 1800,
	        .expire_in_s = 604800,
	        .proof_ago_s = 12,
	        .primaries = primaries,
	        .primary_count = count,
	};
}

TEST(secondary_that_is_current)
{
	const struct control_primary_status primary = {
	        .address = primary_address,
	        .peer_name = "ns1",
	        .asked = true,
	        .result = "serial 7, up to date",
	        .ago_ms = 12000,
	        .tried = "SOA",
	};
	struct control_zone_status zone = secondary_of(&primary, 1);
	expect_why(&zone, "Serial 7 is served, from 192.0.2.1@53, since 2026-01-01T00:00:00Z (3 days 4 h).\n"
	                  "It is current: a primary gave or confirmed it 12 s ago, and nothing newer is known.\n"
	                  "Primary 192.0.2.1@53 (ns1), asked by SOA 12 s ago: serial 7, up to date.\n"
	                  "The primaries are asked again in 30 min.\n"
	                  "It expires in 7 days, unless a primary confirms it before.\n");
}

/* What was repaired is told as long as the server runs. */
TEST(secondary_that_was_repaired)
{
	struct control_zone_status zone = secondary_of(NULL, 0);
	zone.healed = "content-differs";
	zone.healed_serial = 7;
	zone.healed_ago_s = 300;
	zone.store_problem = "the stored version cannot be used: image: checksum is wrong; it will be transferred anew";
	zone.store_cause = "copy-broken";
	zone.store_rebuilt = "store.mdb is no store; it was set aside as store.mdb.broken";
	zone.store_rebuilt_cause = "store-broken";
	expect_why(&zone,
	           "Serial 7 is served, from 192.0.2.1@53, since 2026-01-01T00:00:00Z (3 days 4 h).\n"
	           "It is current: a primary gave or confirmed it 12 s ago, and nothing newer is known.\n"
	           "Its content was not what it should be (content-differs) until 5 min ago, when serial 7 came.\n"
	           "At the last start the stored version cannot be used: image: checksum is wrong; it will be "
	           "transferred anew (copy-broken).\n"
	           "At the last start the store was broken: store.mdb is no store; it was set aside as "
	           "store.mdb.broken (store-broken).\n"
	           "The primaries are asked again in 30 min.\n"
	           "It expires in 7 days, unless a primary confirms it before.\n");
}

TEST(one_day_is_a_day)
{
	struct control_zone_status zone = secondary_of(NULL, 0);
	zone.came_ago_s = 86400 + 3600;
	expect_why(&zone, "Serial 7 is served, from 192.0.2.1@53, since 2026-01-01T00:00:00Z (1 day 1 h).\n"
	                  "It is current: a primary gave or confirmed it 12 s ago, and nothing newer is known.\n"
	                  "The primaries are asked again in 30 min.\n"
	                  "It expires in 7 days, unless a primary confirms it before.\n");
}

/* Each step with its reason, what was tried last first. */
TEST(secondary_that_is_behind)
{
	const struct control_primary_status primaries[] = {
	        {
	                .address = other_address,
	                .asked = true,
	                .failed = true,
	                .result = "no answer in time",
	                .ago_ms = 60000,
	                .tried = "SOA",
	                .cause = "primary-unreachable",
	                .advice = "look whether it runs",
	        },
	        {
	                .address = primary_address,
	                .asked = true,
	                .failed = true,
	                .result = "answered REFUSED",
	                .ago_ms = 5000,
	                .tried = "AXFR",
	                .cause = "transfer-refused",
	                .whole_because = "what is to be removed is not there",
	                .whole_cause = "ixfr-bad-content",
	                .held_back_s = 5,
	                .is_pinned = true,
	        },
	};
	struct control_zone_status zone = secondary_of(primaries, 2);
	zone.standing = CONTROL_BEHIND;
	zone.has_owed = true;
	zone.owed_serial = 9;
	zone.owed_for_s = 65;
	zone.refresh_in_s = 5;
	zone.reason = "192.0.2.1@53: answered REFUSED";
	zone.cause = "transfer-refused";
	expect_why(
	        &zone,
	        "Serial 7 is served, from 192.0.2.1@53, since 2026-01-01T00:00:00Z (3 days 4 h).\n"
	        "It is behind: serial 9 is known to exist since 1 min 5 s, and is not here yet.\n"
	        "Primary 192.0.2.1@53, asked by AXFR 5 s ago: answered REFUSED (transfer-refused); the whole zone was "
	        "asked for in place of differences: what is to be removed is not there (ixfr-bad-content); what it has "
	        "is tried for again in 5 s.\n"
	        "  What is served came from there, and the zone is pinned to it (`pin-primary`).\n"
	        "Primary 192.0.2.9@5300, asked by SOA 1 min ago: no answer in time (primary-unreachable).\n"
	        "  What can be done: look whether it runs.\n"
	        "The primaries are asked again in 5 s.\n"
	        "It expires in 7 days, unless a primary confirms it before.\n");
}

TEST(secondary_that_has_expired_or_never_had_anything)
{
	const struct control_primary_status primary = {.address = primary_address};
	struct control_zone_status zone = secondary_of(&primary, 1);
	zone.state = CONTROL_EXPIRED;
	zone.standing = CONTROL_LAPSED;
	expect_why(&zone, "Nothing is served, but SERVFAIL: serial 7 has expired.\n"
	                  "Primary 192.0.2.1@53 was not asked yet.\n"
	                  "The primaries are asked again in 30 min.\n");
	zone.state = CONTROL_LOADING;
	zone.standing = CONTROL_NOTHING;
	zone.has_serial = false;
	zone.doing = "AXFR from 192.0.2.1@53, 100 records";
	expect_why(&zone, "Nothing is served, but SERVFAIL: there is no version yet.\n"
	                  "Primary 192.0.2.1@53 was not asked yet.\n"
	                  "Under way: AXFR from 192.0.2.1@53, 100 records.\n");
}

TEST(secondary_whose_disk_is_full)
{
	struct control_zone_status zone = secondary_of(NULL, 0);
	zone.standing = CONTROL_UNPROVEN;
	zone.has_origin = false;
	zone.published_ago_ms = 90000;
	zone.proof_ago_s = 7200;
	zone.is_volatile = true;
	zone.reason = "No space left on device";
	zone.cause = "disk-refused";
	zone.advice = "make room";
	expect_why(&zone, "Serial 7 is served, since 1 min 30 s.\n"
	                  "It is unproven: no primary has confirmed it for 2 h.\n"
	                  "It is not on disk, and a restart would lose it: No space left on device (disk-refused).\n"
	                  "  What can be done: make room.\n"
	                  "The primaries are asked again in 30 min.\n"
	                  "It expires in 7 days, unless a primary confirms it before.\n");
}

TEST(primary_whose_file_was_not_taken)
{
	const struct control_secondary_status secondaries[] = {
	        {.address = primary_address, .acknowledged = true},
	        {.address = other_address,
	         .peer_name = "ns2",
	         .problem = "gave up after 6 attempts, the last one over TCP: no answer",
	         .cause = "target-unreachable"},
	};
	struct control_zone_status zone = {
	        .role = CONTROL_PRIMARY,
	        .state = CONTROL_SERVING,
	        .standing = CONTROL_BEHIND,
	        .has_serial = true,
	        .serial = 5,
	        .has_origin = true,
	        .came_at_s = 1767225600,
	        .came_ago_s = 60,
	        .came_from = "zones/example.org.zone",
	        .has_load = true,
	        .load_ago_s = 10,
	        .file = "zones/example.org.zone",
	        .reason = "zones/example.org.zone:3:14: not a TTL",
	        .cause = "file-broken",
	        .advice = "mend it",
	        .secondaries = secondaries,
	        .secondary_count = 2,
	};
	expect_why(&zone, "Serial 5 is served, from zones/example.org.zone, since 2026-01-01T00:00:00Z (1 min).\n"
	                  "Its file, zones/example.org.zone, was looked at 10 s ago, and was not taken.\n"
	                  "Last problem: zones/example.org.zone:3:14: not a TTL (file-broken).\n"
	                  "  What can be done: mend it.\n"
	                  "Of 2 that are told of new versions, 1 have acknowledged this one.\n"
	                  "  Not 192.0.2.9@5300 (ns2): gave up after 6 attempts, the last one over TCP: no answer "
	                  "(target-unreachable).\n");
}
