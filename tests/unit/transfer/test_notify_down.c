/* SPDX-License-Identifier: MIT */
/* NOTIFYs of many zones to a secondary that is down: what that costs, and that nothing of what is owed is lost. */
#include "unit.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

#define ZONES     5000
#define RATE      1000
#define CALLS_MAX 1024

/* A NOTIFY that is out, and when it ends. */
struct call {
	struct transfer_call *call;
	uint8_t bytes[512];
	size_t len;
	int64_t ends_ms;
};

enum secondary { SECONDARY_DOWN, SECONDARY_UP, SECONDARY_HEARS_TCP };

struct bench {
	struct transfer_edge edge;
	struct random_seeded random;
	struct transfer_scheduler *scheduler;
	struct transfer_notifier *zones[ZONES];
	struct call calls[CALLS_MAX];
	size_t call_count;
	size_t sent;
	size_t sent_tcp;
	enum secondary secondary;
	int64_t wake_ms;
	struct moment now;
};

static struct bench bench;
static const struct address target = {.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, 1}};

static bool is_heard(const struct transfer_call *call)
{
	return bench.secondary == SECONDARY_UP ||
	       (bench.secondary == SECONDARY_HEARS_TCP && call->transport == TRANSFER_TCP);
}

static bool open_call(struct transfer_edge *self, struct transfer_call *call, const uint8_t *bytes, size_t len,
                      struct error *error)
{
	(void)self;
	(void)error;
	assert_true(bench.call_count < CALLS_MAX && len <= sizeof bench.calls[0].bytes);
	struct call *out = &bench.calls[bench.call_count++];
	out->call = call;
	out->len = len;
	memcpy(out->bytes, bytes, len);
	out->ends_ms = bench.now.boot_ms + (is_heard(call) ? 1 : call->timeout_ms);
	bench.sent++;
	bench.sent_tcp += call->transport == TRANSFER_TCP;
	return true;
}

static void close_call(struct transfer_edge *self, struct transfer_call *call)
{
	(void)self;
	for (size_t i = 0; i < bench.call_count; i++) {
		if (bench.calls[i].call == call) {
			bench.calls[i] = bench.calls[--bench.call_count];
			return;
		}
	}
}

static void wake_at(struct transfer_edge *self, int64_t at_ms)
{
	(void)self;
	bench.wake_ms = at_ms;
}

static size_t first_to_end(void)
{
	size_t first = 0;
	for (size_t i = 1; i < bench.call_count; i++) {
		first = bench.calls[i].ends_ms < bench.calls[first].ends_ms ? i : first;
	}
	return first;
}

/* The secondary answers with NOERROR if it heard the NOTIFY when it was sent, or says nothing. */
static void end_call(size_t index)
{
	struct call ended = bench.calls[index];
	bench.calls[index] = bench.calls[--bench.call_count];
	if (!is_heard(ended.call)) {
		transfer_call_ended(ended.call, "no answer in time", bench.now);
		return;
	}
	ended.bytes[2] |= 0x80; /* QR */
	assert_true(transfer_call_message(ended.call, ended.bytes, ended.len, bench.now));
}

static void pass_time(int64_t ms)
{
	int64_t until_ms = bench.now.boot_ms + ms;
	for (;;) {
		size_t first = first_to_end();
		int64_t ends_ms = bench.call_count == 0 ? INT64_MAX : bench.calls[first].ends_ms;
		int64_t next_ms = ends_ms < bench.wake_ms ? ends_ms : bench.wake_ms;
		if (next_ms > until_ms) {
			break;
		}
		bench.now.boot_ms = next_ms > bench.now.boot_ms ? next_ms : bench.now.boot_ms;
		if (ends_ms <= bench.wake_ms) {
			end_call(first);
		} else {
			bench.wake_ms = INT64_MAX;
			transfer_scheduler_tick(bench.scheduler, bench.now);
		}
	}
	bench.now.boot_ms = until_ms;
}

static void announce(size_t zone, uint32_t serial)
{
	const struct zone_snapshot *snapshot = zone_of_text("example.", serial, "");
	struct zone_rrset soa;
	zone_soa(snapshot, &soa);
	transfer_notifier_announce(bench.zones[zone], &soa, TRANSFER_NOTIFY_CHANGE, bench.now);
	zone_unref(snapshot);
}

static void bench_begin(enum secondary secondary)
{
	static const struct transfer_limits limits = {
	        .transfers_max = 1,
	        .transfers_per_primary_max = 1,
	        .queries_max = 1,
	        .notifies_max = CALLS_MAX,
	        .notify_rate = RATE,
	        .startup_notify_rate = 10,
	};
	static const struct transfer_notifier_config config = {.targets = &target, .target_count = 1};
	memset(&bench, 0, sizeof bench);
	bench.edge = (struct transfer_edge){.open = open_call, .close = close_call, .wake_at = wake_at};
	bench.wake_ms = INT64_MAX;
	bench.now = (struct moment){.boot_ms = 1000000, .wall_s = 1700000000};
	bench.secondary = secondary;
	random_seeded_init(&bench.random, unit_seed());
	bench.scheduler = transfer_scheduler_new(&bench.edge, &bench.random.source, &limits);
	for (size_t i = 0; i < ZONES; i++) {
		bench.zones[i] =
		        transfer_notifier_new(bench.scheduler, name_of("example."), DNS_CLASS_IN, &config, NULL);
	}
	const struct zone_snapshot *snapshot = zone_of_text("example.", 5, "");
	struct zone_rrset soa;
	zone_soa(snapshot, &soa);
	for (size_t i = 0; i < ZONES; i++) {
		transfer_notifier_announce(bench.zones[i], &soa, TRANSFER_NOTIFY_CHANGE, bench.now);
	}
	zone_unref(snapshot);
}

static void bench_end(void)
{
	for (size_t i = 0; i < ZONES; i++) {
		transfer_notifier_free(bench.zones[i], bench.now);
	}
	transfer_scheduler_free(bench.scheduler);
}

static struct transfer_target_status status(size_t zone)
{
	struct transfer_target_status out;
	transfer_notifier_target(bench.zones[zone], 0, bench.now, &out);
	return out;
}

static size_t acknowledged_count(void)
{
	size_t count = 0;
	for (size_t i = 0; i < ZONES; i++) {
		count += status(i).acknowledged;
	}
	return count;
}

TEST(secondary_that_is_down_costs_all_its_zones_one_probe)
{
	bench_begin(SECONDARY_DOWN);
	pass_time(5000);
	size_t before = bench.sent;
	assert_true(before < CALLS_MAX / 8);
	pass_time(600000);
	assert_in_range(bench.sent - before, 8, 25); /* a minute apart in the end */
	for (size_t i = 0; i < ZONES; i++) {
		assert_true(status(i).pending && !status(i).acknowledged);
		assert_string_equal(status(i).problem, "no answer in time");
	}
	assert_int_equal(transfer_scheduler_counts(bench.scheduler).notifies_waiting, ZONES - bench.call_count);
	bench_end();
}

TEST(all_that_is_owed_goes_out_when_it_answers_at_the_rate_that_is_set)
{
	bench_begin(SECONDARY_DOWN);
	pass_time(600000);
	bench.secondary = SECONDARY_UP;
	pass_time(61000); /* the longest pause between two probes */
	for (int second = 0; second < ZONES / RATE; second++) {
		size_t before = bench.sent;
		pass_time(1000);
		assert_true(bench.sent - before <= RATE);
	}
	assert_int_equal(acknowledged_count(), ZONES);
	bench_end();
}

/* What one zone has in vain, or all had, does not keep another one's news back. */
TEST(new_version_is_a_reason_to_look_whether_it_is_there_again)
{
	bench_begin(SECONDARY_DOWN);
	pass_time(600000);
	while (bench.call_count > 0) {
		pass_time(1);
	}
	bench.secondary = SECONDARY_UP;
	announce(ZONES - 1, 6);
	pass_time(10);
	assert_true(status(ZONES - 1).acknowledged);
	bench_end();
}

TEST(new_versions_while_it_is_down_do_not_add_up)
{
	bench_begin(SECONDARY_DOWN);
	pass_time(60000);
	size_t before = bench.sent;
	for (size_t i = 0; i < 1000; i++) {
		announce(i, 6);
		pass_time(60);
	}
	assert_true(bench.sent - before <= 31); /* one at a time, and each is waited for */
	bench.secondary = SECONDARY_UP;
	pass_time(61000 + 1000 * (ZONES / RATE));
	assert_int_equal(acknowledged_count(), ZONES);
	assert_int_equal(status(999).serial_acknowledged, 6);
	bench_end();
}

TEST(secondary_that_hears_nothing_over_udp_is_told_over_tcp)
{
	bench_begin(SECONDARY_HEARS_TCP);
	pass_time(300000);
	assert_true(bench.sent_tcp >= ZONES);
	assert_true(bench.sent < ZONES + CALLS_MAX);
	assert_int_equal(acknowledged_count(), ZONES);
	bench_end();
}
