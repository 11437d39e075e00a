/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "zone/aside_internal.h"

#define FIRST_CHUNK   ((size_t)2 * 1024)
#define LAST_CHUNK    ((size_t)16 * 1024 * 1024)
#define FIRST_ENTRIES 64
/* What is smaller comes from the heap: for many small zones, mapping costs more than all else. */
#define MAPPED_MIN ((size_t)64 * 1024)

struct zone_aside_chunk {
	struct zone_aside_chunk *next;
	size_t size;
	uint8_t bytes[];
};

/* A record: key length (2 octets), body length (4), key, body. */
#define RECORD_START 6

static void *take(size_t size)
{
	return size < MAPPED_MIN ? memory_resize(NULL, 1, size) : memory_map(size);
}

static void give_back(void *memory, size_t size)
{
	if (size < MAPPED_MIN) {
		free(memory);
	} else {
		munmap(memory, size);
	}
}

void zone_aside_init(struct zone_aside *aside)
{
	*aside = (struct zone_aside){0};
}

void zone_aside_deinit(struct zone_aside *aside)
{
	while (aside->chunks != NULL) {
		struct zone_aside_chunk *next = aside->chunks->next;
		give_back(aside->chunks, aside->chunks->size);
		aside->chunks = next;
	}
	if (aside->entries != NULL) {
		give_back(aside->entries, aside->capacity * sizeof *aside->entries);
	}
	*aside = (struct zone_aside){0};
}

static uint8_t *room(struct zone_aside *aside, size_t len)
{
	if ((size_t)(aside->end - aside->at) < len) {
		size_t size = aside->chunks == NULL ? FIRST_CHUNK : aside->chunks->size * 2;
		size = size > LAST_CHUNK ? LAST_CHUNK : size;
		size = size < len + sizeof *aside->chunks ? len + sizeof *aside->chunks : size;
		struct zone_aside_chunk *chunk = take(size);
		chunk->size = size;
		chunk->next = aside->chunks;
		aside->chunks = chunk;
		aside->at = chunk->bytes;
		aside->end = (uint8_t *)chunk + size;
	}
	uint8_t *record = aside->at;
	aside->at += len;
	return record;
}

static void reserve_entry(struct zone_aside *aside)
{
	if (aside->count < aside->capacity) {
		return;
	}
	size_t size = aside->capacity * sizeof *aside->entries;
	size_t capacity = aside->capacity == 0 ? FIRST_ENTRIES : aside->capacity * 2;
	size_t size_after = capacity * sizeof *aside->entries;
	struct zone_aside_entry *entries;
	if (size < MAPPED_MIN) {
		entries = take(size_after);
		if (size > 0) {
			memcpy(entries, aside->entries, size);
		}
		free(aside->entries);
	} else {
		entries = mremap(aside->entries, size, size_after, MREMAP_MAYMOVE);
		entries = entries == MAP_FAILED ? memory_new(SIZE_MAX / 2) : entries;
	}
	aside->entries = entries;
	aside->capacity = capacity;
}

/* 8 octets of a key from `depth` on. */
static uint64_t head_at(const uint8_t *key, size_t len, size_t depth)
{
	if (len >= depth + 8) {
		return (uint64_t)load_u32(key + depth) << 32 | load_u32(key + depth + 4);
	}
	uint64_t head = 0;
	for (size_t i = depth; i < depth + 8; i++) {
		head = head << 8 | (i < len ? key[i] : 0);
	}
	return head;
}

void zone_aside_put(struct zone_aside *aside, const struct zone_item *item)
{
	uint8_t *record = room(aside, RECORD_START + item->key_len + (size_t)item->body_len);
	memcpy(record, &item->key_len, 2);
	memcpy(record + 2, &item->body_len, 4);
	memcpy(record + RECORD_START, item->key, item->key_len);
	memcpy(record + RECORD_START + item->key_len, item->body, item->body_len);
	reserve_entry(aside);
	aside->entries[aside->count++] = (struct zone_aside_entry){head_at(item->key, item->key_len, 0), record};
}

struct zone_item zone_aside_item(const struct zone_aside *aside, size_t index)
{
	const uint8_t *record = aside->entries[index].record;
	struct zone_item item = {.key = record + RECORD_START};
	memcpy(&item.key_len, record, 2);
	memcpy(&item.body_len, record + 2, 4);
	item.body = item.key + item.key_len;
	return item;
}

/* ---- sorting: by 8 octets at a time, then what is equal there by the next 8 ---- */

/* Least significant octet first, which keeps the order of equals; octets that all have in common are left out. */
static void sort_heads(struct zone_aside_entry *entries, size_t count, struct zone_aside_entry *spare)
{
	struct zone_aside_entry *from = entries;
	struct zone_aside_entry *to = spare;
	for (unsigned shift = 0; shift < 64; shift += 8) {
		size_t starts[257] = {0};
		for (size_t i = 0; i < count; i++) {
			starts[(from[i].head >> shift & 255) + 1]++;
		}
		if (starts[(from[0].head >> shift & 255) + 1] == count) {
			continue;
		}
		for (size_t i = 1; i < 257; i++) {
			starts[i] += starts[i - 1];
		}
		for (size_t i = 0; i < count; i++) {
			to[starts[from[i].head >> shift & 255]++] = from[i];
		}
		struct zone_aside_entry *swapped = from;
		from = to;
		to = swapped;
	}
	if (from != entries) {
		memcpy(entries, from, count * sizeof *entries);
	}
}

static void insertion_sort_heads(struct zone_aside_entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct zone_aside_entry entry = entries[i];
		size_t at = i;
		for (; at > 0 && entries[at - 1].head > entry.head; at--) {
			entries[at] = entries[at - 1];
		}
		entries[at] = entry;
	}
}

static uint16_t key_len_of(const struct zone_aside_entry *entry)
{
	uint16_t len;
	memcpy(&len, entry->record, 2);
	return len;
}

/* The first `depth` octets of all these keys are the same; `head` has the 8 behind. */
static void sort_from(struct zone_aside_entry *entries, size_t count, size_t depth, struct zone_aside_entry *spare)
{
	if (count <= 48) {
		insertion_sort_heads(entries, count);
	} else {
		sort_heads(entries, count, spare);
	}
	for (size_t from = 0; from < count;) {
		size_t to = from + 1;
		size_t longest = key_len_of(&entries[from]);
		while (to < count && entries[to].head == entries[from].head) {
			size_t len = key_len_of(&entries[to]);
			longest = len > longest ? len : longest;
			to++;
		}
		/* Zeros behind the end of a key cannot be taken for its octets: of two keys, the one that goes on has
		 * an octet above zero there (K3), or both have one length (hashes). */
		if (to - from > 1 && longest > depth + 8) {
			for (size_t i = from; i < to; i++) {
				entries[i].head =
				        head_at(entries[i].record + RECORD_START, key_len_of(&entries[i]), depth + 8);
			}
			sort_from(entries + from, to - from, depth + 8, spare);
		}
		from = to;
	}
}

void zone_aside_sort(struct zone_aside *aside)
{
	if (aside->count > 0) {
		struct zone_aside_entry *spare = take(aside->count * sizeof *spare);
		sort_from(aside->entries, aside->count, 0, spare);
		give_back(spare, aside->count * sizeof *spare);
	}
}
