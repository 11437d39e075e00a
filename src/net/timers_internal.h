/* SPDX-License-Identifier: MIT */
/* Timers in a heap by their time. Knows no clock: whoever owns the heap says what time it is.
 *
 * I1  heap[0] is unused; heap[i]->place == i for all i in 1..count, and nowhere else is a set timer's place.
 * I2  No timer is earlier than the one at half its place. */
#pragma once

#include "net/net.h"

struct net_timers {
	struct net_timer **heap;
	size_t count;
	size_t capacity;
};

void net_timers_deinit(struct net_timers *timers);
/* Sets, or moves one that is set. */
void net_timers_set(struct net_timers *timers, struct net_timer *timer, int64_t at_ms);
void net_timers_cancel(struct net_timers *timers, struct net_timer *timer);
/* The earliest time, or INT64_MAX. */
int64_t net_timers_next(const struct net_timers *timers);
/* Calls each timer that is due. One that is set again inside, for a time that is due too, waits for the next call. */
void net_timers_run(struct net_timers *timers, struct moment now);
