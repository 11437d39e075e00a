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

/* A bucket is a cache line. The table grows with what is shared: it and the blobs are to stay in a second-level cache,
 * where nearly all of a large zone's parts are looked for. At its largest it is half a megabyte for 64k parts. */
#ifndef ZONE_POOL_BUCKETS /* tests want it to grow early */
#define ZONE_POOL_BUCKETS     1024
#define ZONE_POOL_BUCKETS_MAX 8192
#endif
#define WAYS 8

struct way {
	uint32_t hash;   /* 0 in ways never used, so that such a part counts as seen: no harm */
	uint32_t number; /* of the shared blob in line->shared, from 1; 0: seen once */
};

struct zone_pool {
	struct zone_line *line;
	uint64_t birth;
	uint64_t offered; /* small zones never get as far as a table */
	struct way (*buckets)[WAYS];
	size_t bucket_count; /* a power of two */
	size_t shared;       /* ways with a blob that were put */
	unsigned turn;       /* which way is given up next */
	bool closed;         /* only finds */
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
static uint32_t hash_octets(const uint8_t *octets, size_t len)
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
	return (uint32_t)(hash >> 32);
}

static struct way *bucket_of(const struct zone_pool *pool, uint32_t hash)
{
	return pool->buckets[hash & (pool->bucket_count - 1)];
}

/* The way that a part is put into: parts that came once make room for others before those do that are shared. */
static struct way *way_for(struct zone_pool *pool, uint32_t hash)
{
	struct way *bucket = bucket_of(pool, hash);
	for (size_t i = 0; i < WAYS; i++) {
		struct way *way = &bucket[pool->turn++ % WAYS];
		if (way->number == 0) {
			return way;
		}
	}
	return &bucket[pool->turn++ % WAYS];
}

static void take_buckets(struct zone_pool *pool, size_t count)
{
	pool->buckets = memory_new_array(count, sizeof *pool->buckets);
	pool->bucket_count = count;
}

/* Twice the buckets, with what is remembered. */
static void grow(struct zone_pool *pool)
{
	struct way(*before)[WAYS] = pool->buckets;
	size_t count = pool->bucket_count;
	take_buckets(pool, 2 * count);
	for (size_t i = 0; i < count * WAYS; i++) {
		const struct way *way = &before[i / WAYS][i % WAYS];
		if (way->hash != 0 || way->number != 0) {
			*way_for(pool, way->hash) = *way;
		}
	}
	free(before);
}

struct zone_pool *zone_pool_new_from(struct zone_line *line)
{
	struct zone_pool *pool = zone_pool_new(line, 0);
	size_t buckets = ZONE_POOL_BUCKETS;
	pool->closed = true;
	if (line->shared.count == 0) {
		return pool;
	}
	while (buckets < ZONE_POOL_BUCKETS_MAX && line->shared.count > buckets * WAYS / 2) {
		buckets *= 2;
	}
	take_buckets(pool, buckets);
	for (size_t i = 0; i < line->shared.count; i++) {
		const struct zone_blob *blob = (const struct zone_blob *)(const void *)line->shared.list[i];
		uint32_t hash = hash_octets(blob->bytes, blob->len);
		*way_for(pool, hash) = (struct way){.hash = hash, .number = (uint32_t)i + 1};
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

/* Shares what has come a second time. */
static void share(struct zone_pool *pool, struct way *way, size_t count, const uint8_t *octets, size_t len)
{
	make_shared(pool, count, octets, len);
	way->number = (uint32_t)pool->line->shared.count;
	pool->shared++;
}

const struct zone_blob *zone_pool_share(struct zone_pool *pool, size_t count, const uint8_t *octets, size_t len)
{
	if (pool->closed ? pool->buckets == NULL : ++pool->offered < ZONE_POOL_START) {
		return NULL;
	}
	if (pool->buckets == NULL) {
		take_buckets(pool, ZONE_POOL_BUCKETS);
	}
	if (pool->shared > pool->bucket_count * WAYS / 2 && pool->bucket_count < ZONE_POOL_BUCKETS_MAX) {
		grow(pool);
	}
	uint32_t hash = hash_octets(octets, len);
	struct way *bucket = bucket_of(pool, hash);
	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].hash != hash) {
			continue;
		}
		if (bucket[i].number == 0 && pool->closed) {
			return NULL; /* a way that was never used */
		}
		if (bucket[i].number == 0) {
			share(pool, &bucket[i], count, octets, len);
		}
		const struct zone_block *block = pool->line->shared.list[bucket[i].number - 1];
		const struct zone_blob *blob = (const struct zone_blob *)(const void *)block;
		bool same = blob->len == len && block->count == count && memcmp(blob->bytes, octets, len) == 0;
		return same ? blob : NULL;
	}
	if (!pool->closed) {
		*way_for(pool, hash) = (struct way){.hash = hash};
	}
	return NULL;
}
