/* SPDX-License-Identifier: MIT */
/* Versions of a line, what each of them owns, and when blocks are freed.
 *
 * A line is what began with one build; zone_apply makes the next versions, mostly one after the other, but two may be
 * made from the same one (the first was given up). So versions form a tree, in which `base` points to the nearest
 * version before that is still there.
 *
 * V1  Every block (page or blob) carries the number of the version that wrote it (`birth`); numbers grow.
 * V2  `retired` of a version lists the blocks that its base reaches and it does not.
 * V3  A block is freed when the last version that reaches it goes:
 *       a version with no later one: what it reaches and its base does not, that is, what is younger than the base;
 *       a version with one later one: of what that one retired, whatever is younger than its own base; the rest of
 *       both lists becomes the later one's;
 *       a version with several later ones stays until all but one of these are gone.
 * V4  Numbers of versions, `base`, `later` and `retired` are guarded by the line's lock; all else of a version never
 *     changes after it was made. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "zone/body_internal.h"
#include "zone/page_internal.h"
#include "zone/zone.h"

/* Octets that a version was thawed from (frozen.c): its blocks lie in them and go with the line, not one by one. */
struct zone_held {
	uint8_t *memory; /* owned; NULL: none */
	const uint8_t *from;
	const uint8_t *to;
};

struct zone_line {
	pthread_mutex_t lock;
	uint64_t last_number; /* guarded by lock */
	uint64_t versions;    /* that are there; guarded by lock */
	/* Blobs that entries of many owners refer to (pool_internal.h); made while the first version is built. */
	struct zone_blocks shared;
	uint64_t shared_bytes;
	/* What the first version took, for how many records. */
	uint64_t first_bytes;
	uint64_t first_records;
	struct zone_held held;
	/* What each lookup reads, in a cache line where the apex has no more than 29 octets: with many zones it is in no cache.
	 * TTLs that parts name by number (body_internal.h). Grows only while the first version is built. */
	uint32_t ttls[ZONE_TTLS_MAX];
	uint8_t ttl_count;
	bool ttls_closed;
	uint16_t class;
	uint8_t apex_labels;
	uint8_t apex_len;
	uint8_t apex[];
};

struct zone_line *zone_line_new(const uint8_t *apex, uint16_t class);
void zone_line_free(struct zone_line *line);
/* The number of this TTL, 0: not in the list. */
unsigned zone_line_ttl_number(struct zone_line *line, uint32_t ttl);

/* The root of one tree; NULL: it is empty. */
struct zone_tree {
	const struct zone_page *root;
};

/* What is counted for a version, apart from what the door gives. */
struct zone_counts {
	uint64_t stars; /* owners with a label "*" anywhere; first, because each name that does not exist reads it */
	uint64_t records;
	uint64_t names;
	uint64_t wildcards;
	uint64_t cuts;
	uint64_t nsec3s;
};

/* A chain that an NSEC3PARAM of the apex names. */
struct zone_chain {
	struct zone_nsec3_params params;
	uint64_t nsec3s; /* of the tree that belong to it */
};

#define ZONE_CHAINS_MAX 4 /* chains that are told apart: one served, one coming, one going, one to spare */

struct zone_snapshot {
	/* What each lookup reads, in a cache line. */
	struct zone_line *line;
	uint64_t identity;
	struct zone_tree names;
	struct zone_tree hashes;
	const struct zone_page *apex_page; /* the leftmost leaf; its first entry is the apex */
	const struct zone_chain *chain;    /* the one that is served, or NULL */
	struct zone_counts counts;

	uint64_t number;
	uint64_t bytes;
	uint64_t bytes_own;
	uint32_t serial;
	_Atomic bool is_held_back; /* zone_hold_back */
	struct zone_chain *chains; /* owned; NULL: none, as in most of many zones */
	size_t chain_count;

	_Atomic uint32_t references;
	/* Guarded by the line's lock: */
	struct zone_snapshot *base;  /* nearest version before that is still there */
	struct zone_snapshot *later; /* first of the versions made from it */
	struct zone_snapshot *sibling_next;
	bool gone; /* no references left; kept because several later versions stand on it */
	struct zone_blocks retired;
};

/* Says that a lookup in it will come soon: what it reads first, then what that leads to. */
static inline void zone_soon(const struct zone_snapshot *version)
{
	__builtin_prefetch(version);
	__builtin_prefetch(&version->counts.stars);
}
static inline void zone_soon_root(const struct zone_snapshot *version)
{
	zone_page_prefetch(version->names.root); /* all of a small zone's only page */
	__builtin_prefetch(version->line->ttls);
}

/* A version with a number of its own and nothing in it; not yet linked to `base`. */
struct zone_snapshot *zone_version_new(struct zone_line *line);
/* Its chains from now on: copies. */
void zone_version_set_chains(struct zone_snapshot *version, const struct zone_chain *chains, size_t count);
/* Makes it stand on `base` (may be NULL); from now on it lives by its references. */
void zone_version_link(struct zone_snapshot *version, struct zone_snapshot *base);
/* Frees a version that was not linked, but none of its blocks. */
void zone_version_discard(struct zone_snapshot *version);

/* Frees the pages and own blobs below (and with) `page` that are younger; NULL is fine. */
void zone_tree_free(const struct zone_page *page, const struct zone_line *line, uint64_t younger_than);

struct zone_blob *zone_blob_new(uint64_t birth, size_t count, size_t len);
