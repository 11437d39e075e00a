/* SPDX-License-Identifier: MIT */
/* A zone of the server: the slot in which its versions are published. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/quiescent.h"
#include "zone/zone.h"

struct zone *zone_new(const uint8_t *apex, uint16_t class)
{
	size_t len = dns_name_len(apex);
	struct zone *zone = memory_new(sizeof *zone + len);
	memcpy(zone->apex, apex, len);
	zone->apex_len = (uint8_t)len;
	zone->account = memory_new(sizeof *zone->account);
	zone->class = class;
	atomic_init(&zone->served, NULL);
	atomic_init(&zone->state, ZONE_STATE_EMPTY);
	atomic_init(&zone->expires_at_ms, ZONE_NEVER_EXPIRES);
	atomic_init(&zone->rules, NULL);
	atomic_init(&zone->account->history, NULL);
	for (size_t i = 0; i < ARRAY_LENGTH(zone->account->content); i++) {
		atomic_init(&zone->account->content[i], 0);
	}
	return zone;
}

static void free_whole(void *memory)
{
	struct zone *zone = memory;
	free(zone->account);
	free(zone);
}

void zone_free(struct zone *take)
{
	if (take != NULL) {
		zone_unref(atomic_load_explicit(&take->served, memory_order_relaxed));
		quiescent_defer(free_whole, take);
	}
}

void zone_publish(struct zone *zone, const struct zone_snapshot *take)
{
	ensure(take != NULL);
	const struct zone_snapshot *before = atomic_exchange_explicit(&zone->served, take, memory_order_acq_rel);
	atomic_store_explicit(&zone->state, ZONE_STATE_SERVED, memory_order_release);
	zone_unref(before);
}

void zone_withdraw(struct zone *zone, enum zone_state state)
{
	ensure(state != ZONE_STATE_SERVED);
	atomic_store_explicit(&zone->state, state, memory_order_release);
	zone_unref(atomic_exchange_explicit(&zone->served, NULL, memory_order_acq_rel));
}
