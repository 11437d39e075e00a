/* SPDX-License-Identifier: MIT */
/* Turns on the network, timers and rates that all zones share. */
#include "unit.h"

#include "base/random.h"
#include "transfer/breaker_internal.h"
#include "transfer/timer_internal.h"
#include "transfer/transfer_internal.h"

#define TICKETS_MAX 400

/* A scheduler whose machines are tickets alone. */
struct bench {
	struct transfer_edge edge;
	int64_t wake_ms;
	struct random_seeded random;
	struct transfer_scheduler *scheduler;
	struct transfer_ticket tickets[TICKETS_MAX];
	size_t order[TICKETS_MAX]; /* in which they had their turns */
	size_t granted;
	struct moment now;
};

static struct bench bench;

static void granted(struct transfer_ticket *self, struct moment now)
{
	(void)now;
	bench.order[bench.granted++] = (size_t)(self - bench.tickets);
}

static void wake_at(struct transfer_edge *self, int64_t at_ms)
{
	(void)self;
	bench.wake_ms = at_ms;
}

static const struct transfer_limits limits = {
        .transfers_max = 10,
        .transfers_per_primary_max = 3,
        .queries_max = 32,
        .notifies_max = 50,
        .notify_rate = 20,
        .startup_notify_rate = 5,
};

static void bench_begin(void)
{
	memset(&bench, 0, sizeof bench);
	bench.edge.wake_at = wake_at;
	bench.wake_ms = INT64_MAX;
	bench.now.boot_ms = 1000000;
	random_seeded_init(&bench.random, unit_seed());
	bench.scheduler = transfer_scheduler_new(&bench.edge, &bench.random.source, &limits);
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		bench.tickets[i].granted = granted;
	}
}

static void bench_end(void)
{
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		transfer_ticket_release(bench.scheduler, &bench.tickets[i]);
	}
	transfer_scheduler_free(bench.scheduler);
}

static struct address host(uint8_t number)
{
	return (struct address){.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, number}};
}

static void request(size_t first, size_t count, enum transfer_lane lane, uint8_t at)
{
	struct address address = host(at);
	for (size_t i = first; i < first + count; i++) {
		transfer_ticket_request(bench.scheduler, &bench.tickets[i], lane, &address);
	}
}

static void run(void)
{
	transfer_scheduler_run(bench.scheduler, bench.now);
}

static void release(size_t ticket)
{
	transfer_ticket_release(bench.scheduler, &bench.tickets[ticket]);
}

TEST(transfers_from_one_primary_keep_to_its_limit)
{
	bench_begin();
	request(0, 300, TRANSFER_LANE_FETCH, 1);
	run();
	assert_int_equal(bench.granted, 3);
	for (size_t done = 0; done < 297; done++) {
		release(done);
		run();
		assert_int_equal(bench.granted, done + 4);
		assert_int_equal(transfer_scheduler_counts(bench.scheduler).transfers, 3);
	}
	for (size_t i = 0; i < 300; i++) {
		assert_int_equal(bench.order[i], i); /* who came first goes first */
	}
	bench_end();
}

TEST(transfers_in_all_keep_to_their_limit)
{
	bench_begin();
	for (uint8_t i = 0; i < 100; i++) {
		request(i, 1, TRANSFER_LANE_FETCH, i);
	}
	run();
	assert_int_equal(bench.granted, 10);
	assert_int_equal(transfer_scheduler_counts(bench.scheduler).transfers_waiting, 90);
	bench_end();
}

TEST(primaries_take_turns)
{
	bench_begin();
	request(0, 300, TRANSFER_LANE_FETCH, 1);
	request(300, 2, TRANSFER_LANE_FETCH, 2);
	request(302, 2, TRANSFER_LANE_FETCH, 3);
	run();
	/* 1, 2, 3, 1, 2, 3, 1: the many zones of the first do not keep the others waiting. */
	assert_int_equal(bench.granted, 7);
	static const size_t expected[] = {0, 300, 302, 1, 301, 303, 2};
	assert_memory_equal(bench.order, expected, sizeof expected);
	bench_end();
}

TEST(ticket_that_leaves_the_queue_is_passed_over)
{
	bench_begin();
	request(0, 5, TRANSFER_LANE_FETCH, 1);
	run();
	release(3); /* it waits */
	release(0);
	run();
	assert_int_equal(bench.granted, 4);
	assert_int_equal(bench.order[3], 4);
	bench_end();
}

TEST(host_that_is_forgotten_while_it_stands_in_the_ring_does_no_harm)
{
	bench_begin();
	request(0, 2, TRANSFER_LANE_FETCH, 1);
	request(2, 2, TRANSFER_LANE_FETCH, 2);
	request(4, 2, TRANSFER_LANE_FETCH, 3);
	release(2);
	release(3);
	release(5);
	release(4);
	request(2, 1, TRANSFER_LANE_FETCH, 2);
	run();
	assert_int_equal(bench.granted, 3);
	bench_end();
}

/* Of NOTIFYs, as many as it likes. */
static void notifies_begin(void)
{
	struct transfer_limits many = limits;
	bench_begin();
	many.notifies_max = 32;
	many.notify_rate = 1000;
	transfer_scheduler_set_limits(bench.scheduler, &many, bench.now);
}

static struct transfer_host *host_of(size_t ticket)
{
	return bench.tickets[ticket].host;
}

/* It answers, and is remembered; ends with forget. */
static struct transfer_host *hear(uint8_t at)
{
	struct address address = host(at);
	struct transfer_host *heard = transfer_host_ref(bench.scheduler, &address);
	transfer_notify_heard(heard, false, bench.now);
	return heard;
}

static void forget(struct transfer_host *known)
{
	transfer_host_unref(bench.scheduler, known);
}

static size_t notifies_out(void)
{
	return transfer_scheduler_counts(bench.scheduler).notifies;
}

TEST(target_that_was_not_heard_of_gets_a_small_share_until_it_answers)
{
	notifies_begin();
	request(0, 100, TRANSFER_LANE_NOTIFY, 1);
	request(100, 100, TRANSFER_LANE_NOTIFY_STARTUP, 1);
	run();
	assert_int_equal(notifies_out(), 2); /* of both lanes together */
	transfer_notify_heard(host_of(0), false, bench.now);
	run();
	assert_int_equal(notifies_out(), 32);
	bench_end();
}

TEST(target_that_is_down_gets_one_notify_when_its_pause_is_over_and_all_when_it_answers)
{
	notifies_begin();
	request(0, 100, TRANSFER_LANE_NOTIFY, 1);
	run();
	transfer_notify_silent(host_of(0), "no answer", false, bench.now);
	release(0);
	run();
	assert_int_equal(notifies_out(), 2); /* one may have been lost */
	transfer_notify_silent(host_of(1), "no answer", false, bench.now);
	release(1);
	release(2);
	run();
	assert_int_equal(notifies_out(), 0);
	request(200, 1, TRANSFER_LANE_NOTIFY, 1);
	request(201, 10, TRANSFER_LANE_NOTIFY, 2);
	run();
	assert_int_equal(notifies_out(), 2); /* another host, whose turns are its own */
	bench.now.boot_ms += 1000;
	assert_true(bench.wake_ms <= bench.now.boot_ms);
	transfer_scheduler_tick(bench.scheduler, bench.now);
	assert_int_equal(notifies_out(), 3);
	size_t probe = bench.order[bench.granted - 1];
	transfer_notify_heard(host_of(probe), false, bench.now);
	run();
	assert_int_equal(notifies_out(), 32);
	bench_end();
}

/* What was sent before it was down ends later, and must not lengthen its pause. */
TEST(silence_of_what_was_sent_before_counts_once)
{
	notifies_begin();
	request(0, 100, TRANSFER_LANE_NOTIFY, 1);
	transfer_notify_heard(host_of(0), false, bench.now);
	run();
	assert_int_equal(notifies_out(), 32);
	struct breaker *breaker = transfer_host_breaker(host_of(0), TRANSFER_LANE_NOTIFY);
	for (size_t i = 0; i < 32; i++) {
		transfer_notify_silent(host_of(i), "no answer", false, bench.now);
	}
	assert_int_equal(breaker->down_until_ms, bench.now.boot_ms + BREAKER_FIRST_MS);
	transfer_notify_silent(host_of(0), "no answer", true, bench.now);
	assert_int_equal(breaker->down_until_ms, bench.now.boot_ms + 2 * BREAKER_FIRST_MS);
	bench_end();
}

TEST(notifies_that_cannot_go_out_cost_others_nothing_of_the_rate)
{
	notifies_begin();
	struct transfer_host *down = hear(1);
	transfer_notify_silent(down, "no answer", false, bench.now);
	transfer_notify_silent(down, "no answer", false, bench.now);
	for (size_t i = 0; i < 2000; i++) { /* a second's worth twice */
		request(0, 1, TRANSFER_LANE_NOTIFY, 1);
		run();
		release(0);
	}
	request(1, 1, TRANSFER_LANE_NOTIFY, 2);
	size_t before = bench.granted;
	run();
	assert_int_equal(bench.granted, before + 1);
	forget(down);
	bench_end();
}

/* ---- breakers ---- */

static struct breaker *breaker_of(size_t ticket)
{
	return transfer_host_breaker(bench.tickets[ticket].host, TRANSFER_LANE_QUERY);
}

TEST(host_that_was_not_heard_of_gets_one_question_at_a_time_until_it_answers)
{
	bench_begin();
	request(0, 100, TRANSFER_LANE_QUERY, 1);
	request(100, 2, TRANSFER_LANE_QUERY, 2);
	run();
	assert_int_equal(bench.granted, 2); /* one at each */
	breaker_heard(breaker_of(0), bench.now);
	release(0);
	run();
	assert_int_equal(transfer_scheduler_counts(bench.scheduler).queries, 32);
	/* After half a minute without an answer nobody knows. */
	bench.now.boot_ms += 30000;
	assert_int_equal(breaker_reach(breaker_of(1), bench.now), TRANSFER_REACH_UNKNOWN);
	for (size_t i = 1; i < 20; i++) {
		release(i);
	}
	size_t before = bench.granted;
	run();
	assert_int_equal(bench.granted, before);
	bench_end();
}

TEST(host_that_is_down_lets_all_have_their_turn_and_then_one)
{
	bench_begin();
	request(0, 100, TRANSFER_LANE_QUERY, 1);
	run();
	struct breaker *breaker = breaker_of(0);
	breaker_silent(breaker, "no answer", 1, 10000, bench.now);
	assert_int_equal(breaker_reach(breaker, bench.now), TRANSFER_REACH_DOWN);
	for (size_t i = 0; i < 40; i++) { /* each is told so, and gives its turn back */
		release(i);
		run();
	}
	assert_true(bench.granted >= 40);
	bench.now.boot_ms += 1000;
	assert_int_equal(breaker_reach(breaker, bench.now), TRANSFER_REACH_PROBED);
	for (size_t i = 40; i < bench.granted; i++) {
		release(i);
	}
	size_t before = bench.granted;
	run();
	assert_int_equal(bench.granted, before + 1);
	bench_end();
}

/* Whatever the caller's `now` is. */
static void expect_text(const struct breaker *breaker, int64_t later_ms, const char *expected)
{
	char text[TRANSFER_RESULT_MAX];
	struct moment at = bench.now;
	at.boot_ms += later_ms;
	breaker_text(breaker, text, at);
	assert_string_equal(text, expected);
}

TEST(text_of_a_breaker_has_no_negative_seconds)
{
	struct breaker breaker = {0};
	bench_begin();
	bench.now.boot_ms += 60000;
	breaker_silent(&breaker, "refused", 1, 10000, bench.now);
	expect_text(&breaker, 1, "refused; so for 0 s, nothing is sent there for 1 s");
	expect_text(&breaker, -3000, "refused; so for 0 s, nothing is sent there for 4 s");
	expect_text(&breaker, 5000, "refused; so for 5 s, one question is sent there to see");
	breaker_heard(&breaker, bench.now);
	expect_text(&breaker, 5000, "refused; so for 0 s, one question is sent there to see");
	breaker_deinit(&breaker);
	bench_end();
}

TEST(what_is_known_of_a_host_outlives_its_tickets)
{
	struct address address = host(1);
	bench_begin();
	struct transfer_host *kept = transfer_host_ref(bench.scheduler, &address);
	struct breaker *breaker = transfer_host_breaker(kept, TRANSFER_LANE_QUERY);
	request(0, 1, TRANSFER_LANE_QUERY, 1);
	run();
	breaker_silent(breaker_of(0), "no answer", 1, 10000, bench.now);
	release(0);
	request(1, 1, TRANSFER_LANE_QUERY, 1);
	assert_ptr_equal(bench.tickets[1].host, kept);
	assert_int_equal(breaker_reach(breaker, bench.now), TRANSFER_REACH_DOWN);
	/* Hope is good for one probe, not more. */
	breaker_hope(breaker, bench.now);
	assert_int_equal(breaker_reach(breaker, bench.now), TRANSFER_REACH_PROBED);
	breaker_hope(breaker, bench.now);
	assert_int_equal(breaker_reach(breaker, bench.now), TRANSFER_REACH_PROBED);
	breaker_heard(breaker, bench.now);
	assert_int_equal(breaker_reach(breaker, bench.now), TRANSFER_REACH_UP);
	transfer_host_unref(bench.scheduler, kept);
	bench_end();
}

/* Runs the bench for so long, waking when it wants. */
static void pass_time(int64_t ms)
{
	int64_t until_ms = bench.now.boot_ms + ms;
	while (bench.wake_ms <= until_ms) {
		bench.now.boot_ms = bench.wake_ms > bench.now.boot_ms ? bench.wake_ms : bench.now.boot_ms;
		bench.wake_ms = INT64_MAX;
		transfer_scheduler_tick(bench.scheduler, bench.now);
	}
	bench.now.boot_ms = until_ms;
}

static void release_all_granted(void)
{
	for (size_t i = 0; i < bench.granted; i++) {
		if (bench.tickets[bench.order[i]].state == TRANSFER_TICKET_HELD) {
			release(bench.order[i]);
		}
	}
	run();
}

TEST(notifies_keep_to_their_rate)
{
	bench_begin();
	struct transfer_host *known = hear(1);
	request(0, 300, TRANSFER_LANE_NOTIFY, 1);
	run();
	assert_int_equal(bench.granted, 20); /* one second's worth at once */
	for (int second = 1; second <= 5; second++) {
		for (int part = 0; part < 10; part++) {
			release_all_granted();
			pass_time(100);
		}
		assert_in_range(bench.granted, 20 + 20 * (size_t)second - 1, 20 + 20 * (size_t)second);
	}
	forget(known);
	bench_end();
}

TEST(notifies_of_the_start_have_a_rate_of_their_own)
{
	bench_begin();
	struct transfer_host *known = hear(1);
	request(0, 100, TRANSFER_LANE_NOTIFY_STARTUP, 1);
	run();
	assert_int_equal(bench.granted, 5);
	request(100, 10, TRANSFER_LANE_NOTIFY, 1);
	run();
	assert_int_equal(bench.granted, 15); /* a change does not wait behind them */
	release_all_granted();
	pass_time(2000);
	assert_in_range(bench.granted, 24, 25);
	forget(known);
	bench_end();
}

TEST(notifies_under_way_keep_to_their_limit)
{
	bench_begin();
	struct transfer_host *known = hear(1);
	request(0, 200, TRANSFER_LANE_NOTIFY, 1);
	run();
	pass_time(60000);
	assert_int_equal(bench.granted, 50);
	forget(known);
	bench_end();
}

TEST(greater_limits_take_hold_at_once)
{
	struct transfer_limits greater = limits;
	bench_begin();
	request(0, 20, TRANSFER_LANE_FETCH, 1);
	run();
	assert_int_equal(bench.granted, 3);
	greater.transfers_per_primary_max = 8;
	transfer_scheduler_set_limits(bench.scheduler, &greater, bench.now);
	assert_int_equal(bench.granted, 8);
	bench_end();
}

TEST(smaller_limits_take_hold_as_turns_end)
{
	struct transfer_limits smaller = limits;
	bench_begin();
	request(0, 20, TRANSFER_LANE_FETCH, 1);
	run();
	smaller.transfers_per_primary_max = 1;
	transfer_scheduler_set_limits(bench.scheduler, &smaller, bench.now);
	release(0);
	release(1);
	run();
	assert_int_equal(bench.granted, 3);
	release(2);
	run();
	assert_int_equal(bench.granted, 4);
	bench_end();
}

/* ---- timers ---- */

#define TIMERS_MAX 500

static int64_t newest_ms;
static size_t expired_count;

static void expired(struct transfer_timer *self, struct moment now)
{
	assert_true(self->at_ms <= now.boot_ms);
	assert_true(self->at_ms >= newest_ms);
	newest_ms = self->at_ms;
	expired_count++;
}

TEST(timers_expire_in_order_and_only_when_due)
{
	static struct transfer_timer timers[TIMERS_MAX];
	size_t set_count = 0;
	bench_begin();
	newest_ms = 0;
	expired_count = 0;
	memset(timers, 0, sizeof timers);
	for (size_t i = 0; i < 4 * TIMERS_MAX; i++) {
		struct transfer_timer *timer = &timers[random_below(&bench.random.source, TIMERS_MAX)];
		timer->expired = expired;
		if (random_below(&bench.random.source, 4) == 0) {
			transfer_timer_cancel(bench.scheduler, timer);
		} else {
			int64_t in_ms = (int64_t)random_below(&bench.random.source, 10000);
			transfer_timer_set(bench.scheduler, timer, bench.now.boot_ms + in_ms);
		}
	}
	for (size_t i = 0; i < TIMERS_MAX; i++) {
		set_count += timers[i].place != 0;
	}
	assert_int_equal(transfer_scheduler_counts(bench.scheduler).timers, set_count);
	for (int i = 0; i < 100; i++) {
		bench.now.boot_ms += 101;
		bench.wake_ms = INT64_MAX;
		transfer_scheduler_tick(bench.scheduler, bench.now);
	}
	assert_int_equal(expired_count, set_count);
	assert_int_equal(bench.wake_ms, INT64_MAX);
	bench_end();
}

TEST(edge_is_told_the_earliest_time)
{
	static struct transfer_timer first = {.expired = expired};
	static struct transfer_timer second = {.expired = expired};
	bench_begin();
	newest_ms = 0;
	transfer_timer_set(bench.scheduler, &second, 2000000);
	run();
	assert_int_equal(bench.wake_ms, 2000000);
	transfer_timer_set(bench.scheduler, &first, 1500000);
	run();
	assert_int_equal(bench.wake_ms, 1500000);
	transfer_timer_cancel(bench.scheduler, &first);
	run();
	assert_int_equal(bench.wake_ms, 2000000);
	transfer_timer_cancel(bench.scheduler, &second);
	run();
	assert_int_equal(bench.wake_ms, INT64_MAX);
	bench_end();
}
