/* SPDX-License-Identifier: MIT */
#include "zone/pool_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "dns/type.h"
#include "zone/version_internal.h"

#ifndef ZONE_POOL_START /* tests share from the beginning */
#define ZONE_POOL_START 64
#endif
#define LEN_MIN 12 /* below, the pointer saves nothing worth a detour */

/* 64k parts in half a megabyte, which stays in a second-level cache; a bucket is a cache line. */
#define BUCKETS 8192
#define WAYS    8

struct way {
	uint32_t hash;   /* upper half; 0 in ways never used, so that such a part counts as seen: no harm */
	uint32_t number; /* of the shared blob in line->shared, from 1; 0: seen once */
};

struct zone_pool {
	struct zone_line *line;
	uint64_t birth;
	uint64_t offered; /* small zones never get as far as a table */
	struct way (*buckets)[WAYS];
	unsigned turn; /* which way is given up next */
	bool closed;   /* only finds */
};

struct zone_pool *zone_pool_new(struct zone_line *line, uint64_t birth)
{
	struct zone_pool *pool = memory_new(sizeof *pool);
	pool->line = line;
	pool->birth = birth;
	return pool;
}

void zone_pool_free(struct zone_pool *pool)
{
	if (pool != NULL) {
		free(pool->buckets);
		free(pool);
	}
}

/* Quick, and no more: whoever writes octets that collide finds them stored one by one. */
static uint64_t hash_octets(const uint8_t *octets, size_t len)
{
	uint64_t hash = len * 0x9e3779b97f4a7c15u;
	for (; len >= 8; octets += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, octets, 8);
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	uint64_t last = 0;
	memcpy(&last, octets, len);
	hash = (hash ^ last) * 0xc4ceb9fe1a85ec53u;
	hash ^= hash >> 29;
	return hash;
}

struct zone_pool *zone_pool_new_from(struct zone_line *line)
{
	struct zone_pool *pool = zone_pool_new(line, 0);
	pool->closed = true;
	if (line->shared.count == 0) {
		return pool;
	}
	pool->buckets = memory_new_array(BUCKETS, sizeof *pool->buckets);
	for (size_t i = 0; i < line->shared.count; i++) {
		const struct zone_blob *blob = (const struct zone_blob *)(const void *)line->shared.list[i];
		uint64_t hash = hash_octets(blob->bytes, blob->len);
		struct way *bucket = pool->buckets[hash % BUCKETS];
		size_t way = 0;
		while (way < WAYS - 1 && bucket[way].number != 0) {
			way++;
		}
		bucket[way] = (struct way){.hash = (uint32_t)(hash >> 32), .number = (uint32_t)i + 1};
	}
	return pool;
}

bool zone_pool_wants(uint16_t type, size_t len)
{
	if (len < LEN_MIN || len > ZONE_PART_INLINE_MAX) {
		return false;
	}
	switch (type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_CNAME:
	case DNS_TYPE_MX:
	case DNS_TYPE_TXT:
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
	case 257: /* CAA */
		return true;
	default:
		return false; /* addresses are short; keys, digests and signatures differ */
	}
}

static void make_shared(struct zone_pool *pool, size_t count, const uint8_t *octets, size_t len)
{
	struct zone_blob *blob = zone_blob_new(pool->birth, count, len);
	memcpy(blob->bytes, octets, len);
	zone_blocks_add(&pool->line->shared, &blob->block);
	pool->line->shared_bytes += blob->block.size;
}

const struct zone_blob *zone_pool_share(struct zone_pool *pool, size_t count, const uint8_t *octets, size_t len)
{
	if (pool->closed ? pool->buckets == NULL : ++pool->offered < ZONE_POOL_START) {
		return NULL;
	}
	if (pool->buckets == NULL) {
		pool->buckets = memory_new_array(BUCKETS, sizeof *pool->buckets);
	}
	uint64_t whole_hash = hash_octets(octets, len);
	uint32_t hash = (uint32_t)(whole_hash >> 32);
	struct way *bucket = pool->buckets[whole_hash % BUCKETS];
	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].hash != hash) {
			continue;
		}
		if (bucket[i].number == 0 && pool->closed) {
			return NULL; /* a way that was never used */
		}
		if (bucket[i].number == 0) {
			make_shared(pool, count, octets, len);
			bucket[i].number = (uint32_t)pool->line->shared.count;
		}
		const struct zone_block *block = pool->line->shared.list[bucket[i].number - 1];
		const struct zone_blob *blob = (const struct zone_blob *)(const void *)block;
		bool same = blob->len == len && block->count == count && memcmp(blob->bytes, octets, len) == 0;
		return same ? blob : NULL;
	}
	if (!pool->closed) {
		bucket[pool->turn++ % WAYS] = (struct way){.hash = hash};
	}
	return NULL;
}
