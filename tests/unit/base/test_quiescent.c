/* SPDX-License-Identifier: MIT */
#include "base/quiescent.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"
#include "unit.h"

static _Atomic int freed;

static void count_free(void *memory)
{
	free(memory);
	atomic_fetch_add(&freed, 1);
}

TEST(what_was_deferred_has_run_after_a_drain)
{
	int before = atomic_load(&freed);
	for (int i = 0; i < 100; i++) {
		quiescent_defer(count_free, memory_new(8));
	}
	quiescent_drain();
	assert_int_equal(atomic_load(&freed), before + 100);
}

static int order[64];
static int ran;

static void note(void *memory)
{
	order[ran++] = *(int *)memory;
}

TEST(one_thread_defers_in_order)
{
	static int numbers[64];
	for (int i = 0; i < 64; i++) {
		numbers[i] = i;
		quiescent_defer(note, &numbers[i]);
	}
	quiescent_drain();
	for (int i = 0; i < 64; i++) {
		assert_int_equal(order[i], i);
	}
}

struct shared {
	_Atomic(int *) published;
	_Atomic bool reading;
	_Atomic bool release;
	_Atomic bool stop;
	long sum;
};

static void *hold_until_released(void *argument)
{
	struct shared *shared = argument;
	quiescent_register();
	int *held = atomic_load(&shared->published);
	atomic_store(&shared->reading, true);
	while (!atomic_load(&shared->release)) {
		sched_yield();
	}
	shared->sum = *held; /* must not be freed yet */
	quiescent_unregister();
	return NULL;
}

TEST(nothing_is_freed_under_a_reader)
{
	struct shared shared = {.published = NULL};
	int *old = memory_new(sizeof *old);
	*old = 42;
	atomic_store(&shared.published, old);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, hold_until_released, &shared), 0);
	while (!atomic_load(&shared.reading)) {
		sched_yield();
	}
	int before = atomic_load(&freed);
	atomic_store(&shared.published, NULL);
	quiescent_defer(count_free, old);
	for (int i = 0; i < 1000; i++) {
		sched_yield();
	}
	assert_int_equal(atomic_load(&freed), before);
	atomic_store(&shared.release, true);
	pthread_join(thread, NULL);
	quiescent_drain();
	assert_int_equal(atomic_load(&freed), before + 1);
	assert_int_equal(shared.sum, 42);
}

static void *read_in_a_loop(void *argument)
{
	struct shared *shared = argument;
	quiescent_register();
	for (int i = 0; !atomic_load(&shared->stop); i++) {
		int *seen = atomic_load_explicit(&shared->published, memory_order_acquire);
		shared->sum += *seen;
		quiescent_point();
		if (i % 64 == 0) {
			quiescent_offline();
			sched_yield();
			quiescent_online();
		}
	}
	quiescent_unregister();
	return NULL;
}

TEST(readers_follow_a_pointer_that_is_swapped)
{
	struct shared shared = {.published = NULL};
	atomic_store(&shared.published, memory_new(sizeof(int)));
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, read_in_a_loop, &shared), 0);
	for (int i = 0; i < 2000; i++) {
		int *next = memory_new(sizeof *next);
		*next = i;
		int *old = atomic_exchange_explicit(&shared.published, next, memory_order_acq_rel);
		quiescent_defer(free, old);
	}
	atomic_store(&shared.stop, true);
	pthread_join(thread, NULL);
	quiescent_drain();
	free(atomic_load(&shared.published));
}

TEST(wait_returns_with_offline_and_absent_readers)
{
	quiescent_wait();
	quiescent_register();
	quiescent_offline();
	quiescent_wait();
	quiescent_online();
	quiescent_unregister();
}
