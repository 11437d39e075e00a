/* SPDX-License-Identifier: MIT */
/* A heap of timers, the earliest first. The timers are embedded in the machines and know their place. */
#pragma once

#include "transfer/transfer_internal.h"

struct transfer_timers_heap {
	struct transfer_timer **slots; /* slots[0] is the earliest */
	size_t count;
	size_t capacity;
};

void transfer_heap_set(struct transfer_timers_heap *heap, struct transfer_timer *timer, int64_t at_ms);
void transfer_heap_remove(struct transfer_timers_heap *heap, struct transfer_timer *timer);
/* TRANSFER_NEVER: it is empty. */
int64_t transfer_heap_earliest(const struct transfer_timers_heap *heap);
/* Takes out the earliest timer that is due; NULL: none is. */
struct transfer_timer *transfer_heap_take_due(struct transfer_timers_heap *heap, int64_t now_ms);
