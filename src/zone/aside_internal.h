/* SPDX-License-Identifier: MIT */
/* Bodies that came out of order, kept packed until they are sorted.
 *
 * A1  Bodies of the same key come out in the order in which they went in. */
#pragma once

#include "zone/page_internal.h"

struct zone_aside_entry {
	uint64_t head; /* 8 octets of the key as a big-endian number, zeros behind its end */
	const uint8_t *record;
};

struct zone_aside {
	struct zone_aside_chunk *chunks; /* large ones are mapped: all of them goes back when the zone is built */
	uint8_t *at;
	uint8_t *end;
	struct zone_aside_entry *entries;
	size_t count;
	size_t capacity;
};

void zone_aside_init(struct zone_aside *aside);
void zone_aside_deinit(struct zone_aside *aside);
/* Copies key and body. */
void zone_aside_put(struct zone_aside *aside, const struct zone_item *item);
/* By keys. */
void zone_aside_sort(struct zone_aside *aside);
/* Borrowed from the aside. */
struct zone_item zone_aside_item(const struct zone_aside *aside, size_t index);
/* Says that an item will be wanted soon. */
static inline void zone_aside_soon(const struct zone_aside *aside, size_t index)
{
	if (index < aside->count) {
		__builtin_prefetch(aside->entries[index].record);
		__builtin_prefetch(aside->entries[index].record + 64);
	}
}
