/* SPDX-License-Identifier: MIT */
/* The thread that commits, where writes keep coming: after a group of many the next one waits for company. How long a
 * millisecond takes is the test's to say: the thread's wait is ours, and what comes meanwhile is submitted in it. */
#include "unit.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fake_kv.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "store/disk.h"
#include "store/store_internal.h"

/* What the thread takes for a burst, and how often it waits at most (commit.c). */
#define BURST 16
#define WAITS 20

/* A store, and what comes while its thread waits. */
struct burst {
	struct fake_kv *fake;
	struct store *store;
	unsigned submitted;
	unsigned told;
	unsigned commits_before;
	size_t second;          /* submitted by the thread itself when it has told the first group */
	size_t meanwhile[64];   /* during each wait */
	unsigned waits;         /* so far */
	unsigned waits_at_last; /* when the last one was told */
	unsigned last;          /* that is waited for */
	bool stops;             /* in the first wait */
	sem_t all_told;
};

static struct burst burst;

static void submit(size_t count);

static void done(struct store_waiter *self, bool is_durable, const struct error *error)
{
	(void)error;
	free(self);
	burst.told += is_durable;
	if (burst.told == burst.last) {
		burst.waits_at_last = burst.waits;
		sem_post(&burst.all_told);
	} else if (burst.second > 0) {
		size_t count = burst.second;
		burst.second = 0;
		submit(count);
	}
}

static void submit(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char name[32];
		struct dns_name apex;
		struct store_waiter *waiter = memory_new(sizeof *waiter);
		snprintf(name, sizeof name, "z%u.", burst.submitted++);
		ensure(dns_name_from_text(name, &apex, NULL));
		struct store_write *write = store_write_new(burst.store, apex.wire);
		store_write_timers(write, &(struct change_deadlines){.expire_at_s = 1});
		waiter->done = done;
		store_submit(write, waiter, STORE_NOW);
	}
}

/* A millisecond passes, in which writes come, or the server stops. */
int __wrap_pthread_cond_timedwait(pthread_cond_t *work, pthread_mutex_t *lock, const struct timespec *until);
int __wrap_pthread_cond_timedwait(pthread_cond_t *work, pthread_mutex_t *lock, const struct timespec *until)
{
	(void)work;
	(void)until;
	size_t count = burst.waits < ARRAY_LENGTH(burst.meanwhile) ? burst.meanwhile[burst.waits] : 0;
	burst.waits++;
	burst.store->queue.stopping = burst.stops;
	pthread_mutex_unlock(lock);
	submit(count);
	pthread_mutex_lock(lock);
	return ETIMEDOUT;
}

/* `first` are one group, `second` come while it is written, and `meanwhile` in each of the waits that follow: `waits` of them. */
static void begin(size_t first, size_t second, size_t waits, size_t meanwhile)
{
	struct error error;
	burst = (struct burst){.fake = fake_kv_new(), .second = second};
	sem_init(&burst.all_told, 0, 0);
	burst.store = store_new(fake_kv_side(burst.fake), disk_posix(), unit_folder(), &error);
	assert_non_null(burst.store);
	store_commit(burst.store);
	burst.commits_before = fake_kv_commits(burst.fake);
	for (size_t i = 0; i < waits; i++) {
		burst.meanwhile[i] = meanwhile;
	}
	burst.last = (unsigned)(first + second + waits * meanwhile);
	submit(first);
}

/* Gives how many commits it took. */
static unsigned end(void)
{
	struct error error;
	assert_true(store_queue_start(burst.store, &error));
	while (sem_wait(&burst.all_told) != 0) {
	}
	store_close(burst.store);
	unsigned commits = fake_kv_commits(burst.fake) - burst.commits_before;
	fake_kv_free(burst.fake);
	sem_destroy(&burst.all_told);
	assert_int_equal(burst.told, burst.submitted);
	return commits;
}

TEST(in_a_burst_one_commit_takes_all_that_keeps_coming)
{
	begin(BURST, BURST, 5, BURST);
	assert_int_equal(end(), 2);
	assert_int_equal(burst.waits_at_last, 6); /* in the last one nothing came */
}

TEST(burst_that_becomes_thin_is_committed_at_once)
{
	begin(BURST, BURST, 1, BURST - 1);
	assert_int_equal(end(), 2);
	assert_int_equal(burst.waits_at_last, 1);
}

TEST(burst_without_end_waits_for_so_long_and_no_longer)
{
	begin(BURST, BURST, WAITS, BURST);
	assert_int_equal(end(), 2);
	assert_int_equal(burst.waits_at_last, WAITS);
}

TEST(few_writes_wait_for_nobody)
{
	begin(BURST - 1, BURST, 0, 0); /* no burst went before */
	assert_int_equal(end(), 2);
	assert_int_equal(burst.waits_at_last, 0);
	begin(BURST, BURST - 1, 0, 0); /* the burst is over */
	assert_int_equal(end(), 2);
	assert_int_equal(burst.waits_at_last, 0);
}

TEST(burst_waits_no_longer_when_the_server_stops)
{
	begin(BURST, BURST, 1, BURST);
	burst.stops = true;
	assert_int_equal(end(), 2);
	assert_int_equal(burst.waits_at_last, 1);
}
