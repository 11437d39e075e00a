/* SPDX-License-Identifier: MIT */
#include "net/timers_internal.h"

#include <stdlib.h>

#include "base/memory.h"

void net_timers_deinit(struct net_timers *timers)
{
	for (size_t i = 1; i <= timers->count; i++) {
		timers->heap[i]->place = 0;
	}
	free(timers->heap);
	*timers = (struct net_timers){0};
}

static void put(struct net_timers *timers, size_t place, struct net_timer *timer)
{
	timers->heap[place] = timer;
	timer->place = place;
}

/* Moves `timer` from the hole at `place` towards the top until its parent is not later. Returns where it went. */
static size_t rise(struct net_timers *timers, size_t place, struct net_timer *timer)
{
	while (place > 1 && timers->heap[place / 2]->at_ms > timer->at_ms) {
		put(timers, place, timers->heap[place / 2]);
		place /= 2;
	}
	put(timers, place, timer);
	return place;
}

static void sink(struct net_timers *timers, size_t place, struct net_timer *timer)
{
	for (;;) {
		size_t child = place * 2;
		if (child > timers->count) {
			break;
		}
		if (child < timers->count && timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms) {
			child++;
		}
		if (timers->heap[child]->at_ms >= timer->at_ms) {
			break;
		}
		put(timers, place, timers->heap[child]);
		place = child;
	}
	put(timers, place, timer);
}

static void settle(struct net_timers *timers, size_t place, struct net_timer *timer)
{
	if (rise(timers, place, timer) == place) {
		sink(timers, place, timer);
	}
}

void net_timers_set(struct net_timers *timers, struct net_timer *timer, int64_t at_ms)
{
	timer->at_ms = at_ms;
	if (timer->place == 0) {
		memory_reserve((void **)&timers->heap, &timers->capacity, timers->count + 2, sizeof *timers->heap);
		timers->count++;
		rise(timers, timers->count, timer);
	} else {
		ensure(timer->place <= timers->count && timers->heap[timer->place] == timer);
		settle(timers, timer->place, timer);
	}
}

void net_timers_cancel(struct net_timers *timers, struct net_timer *timer)
{
	size_t place = timer->place;
	if (place == 0) {
		return;
	}
	ensure(place <= timers->count && timers->heap[place] == timer);
	struct net_timer *last = timers->heap[timers->count];
	timers->count--;
	timer->place = 0;
	if (last != timer) {
		settle(timers, place, last);
	}
}

int64_t net_timers_next(const struct net_timers *timers)
{
	return timers->count == 0 ? INT64_MAX : timers->heap[1]->at_ms;
}

void net_timers_run(struct net_timers *timers, struct moment now)
{
	/* A callback that always sets a timer for now must not hold the loop for ever: no more calls than timers are set. */
	size_t calls_left = timers->count;
	while (calls_left > 0 && net_timers_next(timers) <= now.boot_ms) {
		struct net_timer *timer = timers->heap[1];
		net_timers_cancel(timers, timer);
		calls_left--;
		timer->expired(timer, now);
	}
}

bool net_timer_is_set(const struct net_timer *timer)
{
	return timer->place != 0;
}
