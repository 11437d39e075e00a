/* SPDX-License-Identifier: MIT */
/* Quiescent states in plain C11 atomics and one lock, for the thread sanitizer, which sees every edge here.
 *
 * I1  `now` only grows. A registered thread's `seen` is 0 while it is offline, else the value that `now` had at its
 *     last quiescent point.
 * I2  A grace period adds one to `now` and ends when each `seen` is 0 or not below the new value.
 * I3  What was deferred waits in one queue and runs in its order on one thread, which starts with the first of it and
 *     lives as long as the process. */
#include "base/quiescent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/ensure.h"
#include "base/memory.h"

struct reader_thread {
	_Atomic uint64_t seen;
	struct reader_thread *next;
};

struct deferred {
	struct deferred *next;
	void (*free_it)(void *memory);
	void *memory;
};

static _Atomic uint64_t now = 1;
static _Thread_local struct reader_thread *self;

static pthread_mutex_t readers_lock = PTHREAD_MUTEX_INITIALIZER; /* guards `readers`; taken alone */
static struct reader_thread *readers;

static struct {
	pthread_mutex_t lock; /* guards all of it; taken alone */
	pthread_cond_t changed;
	struct deferred *first;
	struct deferred **last;
	uint64_t put; /* ever deferred */
	uint64_t run; /* of these, done */
	bool started;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .last = &queue.first};

void quiescent_register(void)
{
	ensure(self == NULL);
	self = memory_new(sizeof *self);
	atomic_store(&self->seen, atomic_load(&now));
	pthread_mutex_lock(&readers_lock);
	self->next = readers;
	readers = self;
	pthread_mutex_unlock(&readers_lock);
}

void quiescent_unregister(void)
{
	ensure(self != NULL);
	pthread_mutex_lock(&readers_lock);
	struct reader_thread **at = &readers;
	while (*at != self) {
		at = &(*at)->next;
	}
	*at = self->next;
	pthread_mutex_unlock(&readers_lock);
	free(self);
	self = NULL;
}

void quiescent_point(void)
{
	atomic_store(&self->seen, atomic_load(&now));
}

void quiescent_offline(void)
{
	atomic_store(&self->seen, 0);
}

void quiescent_online(void)
{
	atomic_store(&self->seen, atomic_load(&now));
}

/* The value that the slowest online reader has passed, or UINT64_MAX. */
static uint64_t oldest_seen(void)
{
	uint64_t oldest = UINT64_MAX;
	pthread_mutex_lock(&readers_lock);
	for (struct reader_thread *reader = readers; reader != NULL; reader = reader->next) {
		uint64_t seen = atomic_load(&reader->seen);
		if (seen != 0 && seen < oldest) {
			oldest = seen;
		}
	}
	pthread_mutex_unlock(&readers_lock);
	return oldest;
}

void quiescent_wait(void)
{
	uint64_t target = atomic_fetch_add(&now, 1) + 1;
	while (oldest_seen() < target) {
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
}

static void run_all(struct deferred *list, uint64_t *count)
{
	while (list != NULL) {
		struct deferred *next = list->next;
		list->free_it(list->memory);
		free(list);
		list = next;
		(*count)++;
	}
}

static void *reclaim(void *unused)
{
	(void)unused;
	for (;;) {
		pthread_mutex_lock(&queue.lock);
		while (queue.first == NULL) {
			pthread_cond_wait(&queue.changed, &queue.lock);
		}
		struct deferred *list = queue.first;
		queue.first = NULL;
		queue.last = &queue.first;
		pthread_mutex_unlock(&queue.lock);
		quiescent_wait();
		uint64_t count = 0;
		run_all(list, &count);
		pthread_mutex_lock(&queue.lock);
		queue.run += count;
		pthread_cond_broadcast(&queue.changed);
		pthread_mutex_unlock(&queue.lock);
	}
	return NULL;
}

static void start_reclaiming(void)
{
	pthread_t thread;
	int failed = pthread_create(&thread, NULL, reclaim, NULL);
	ensure(failed == 0);
	pthread_detach(thread);
}

void quiescent_defer(void (*free_it)(void *memory), void *memory)
{
	struct deferred *deferred = memory_new(sizeof *deferred);
	deferred->free_it = free_it;
	deferred->memory = memory;
	pthread_mutex_lock(&queue.lock);
	if (!queue.started) {
		queue.started = true;
		start_reclaiming();
	}
	*queue.last = deferred;
	queue.last = &deferred->next;
	queue.put++;
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
}

void quiescent_drain(void)
{
	pthread_mutex_lock(&queue.lock);
	uint64_t target = queue.put;
	while (queue.run < target) {
		pthread_cond_wait(&queue.changed, &queue.lock);
	}
	pthread_mutex_unlock(&queue.lock);
}
