/* SPDX-License-Identifier: MIT */
/* Somebody waits for something to be done with a zone, and is told what came of it. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "server/server_internal.h"

struct bench {
	struct server server;
	struct server_zone zone;
	struct server_wait wait;
	struct text text;
	struct error error;
};

static struct bench bench;

static void bench_begin(enum control_action action)
{
	pthread_condattr_t clock;
	memset(&bench, 0, sizeof bench);
	bench.zone.server = &bench.server;
	pthread_mutex_init(&bench.zone.lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&bench.zone.waits_done, &clock);
	pthread_condattr_destroy(&clock);
	text_init(&bench.text, 4096);
	server_zone_wait_begin(&bench.zone, &bench.wait, action);
}

/* Waits for this asker, and ends the wait. */
static bool bench_end_for(const struct control_asker *asker, uint32_t timeout_ms)
{
	bool done = server_zone_wait_end(&bench.zone, &bench.wait, timeout_ms, asker, &bench.text, &bench.error);
	assert_null(bench.zone.waits);
	text_deinit(&bench.text);
	pthread_cond_destroy(&bench.zone.waits_done);
	pthread_mutex_destroy(&bench.zone.lock);
	return done;
}

/* Ends the wait, which has come to its end already or never will. */
static bool bench_end(void)
{
	return bench_end_for(NULL, 0);
}

static bool always(const struct control_asker *self)
{
	(void)self;
	return true;
}

TEST(what_is_done_is_told_even_of_a_zone_that_is_gone)
{
	bench_begin(CONTROL_RELOAD);
	server_zone_finish(&bench.zone, CONTROL_RELOAD, true, "serial 7");
	atomic_store(&bench.zone.is_removed, true);
	assert_true(bench_end());
}

TEST(what_failed_is_told_with_its_reason)
{
	bench_begin(CONTROL_RELOAD);
	server_zone_finish(&bench.zone, CONTROL_REFRESH, false, "another wait's");
	server_zone_finish(&bench.zone, CONTROL_RELOAD, false, "no SOA");
	assert_false(bench_end());
	assert_int_equal(bench.error.code, ERROR_INVALID);
	assert_string_equal(bench.error.text, "no SOA");
}

TEST(load_that_began_before_the_wait_does_not_end_it)
{
	bench_begin(CONTROL_RELOAD);
	server_zone_finish_load(&bench.zone, bench.zone.loads_begun, true, "as it was before");
	assert_false(bench_end());
	assert_int_equal(bench.error.code, ERROR_TIMEOUT);
}

/* Nobody may take it for a file that is wrong. */
TEST(removal_of_the_zone_is_told_as_that)
{
	bench_begin(CONTROL_RELOAD);
	atomic_store(&bench.zone.is_removed, true);
	server_zone_finish_all(&bench.zone, SERVER_ZONE_REMOVED);
	assert_false(bench_end());
	assert_int_equal(bench.error.code, ERROR_NOT_FOUND);
}

TEST(stop_of_the_server_is_told_as_that)
{
	bench_begin(CONTROL_RELOAD);
	atomic_store(&bench.server.stopping, true);
	server_zone_finish_all(&bench.zone, "the server is stopping");
	assert_false(bench_end());
	assert_int_equal(bench.error.code, ERROR_STOPPED);
}

/* An hour that nobody waits for any more. */
TEST(wait_ends_when_its_asker_is_gone)
{
	const struct control_asker gone = {.is_gone = always};
	bench_begin(CONTROL_RELOAD);
	assert_false(bench_end_for(&gone, CONTROL_WAIT_MS_MAX));
	assert_int_equal(bench.error.code, ERROR_TIMEOUT);
}

TEST(what_is_done_is_told_even_if_its_asker_is_gone)
{
	const struct control_asker gone = {.is_gone = always};
	bench_begin(CONTROL_RELOAD);
	server_zone_finish(&bench.zone, CONTROL_RELOAD, true, "serial 7");
	assert_true(bench_end_for(&gone, CONTROL_WAIT_MS_MAX));
}
