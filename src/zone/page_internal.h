/* SPDX-License-Identifier: MIT */
/* Pages: the blocks that the tree of a snapshot is made of. A page never changes after it was written.
 *
 * A page, to the byte (numbers in the byte order of the machine; all positions count from its start):
 *
 *     0   8  birth        number of the version that wrote it (version_internal.h)
 *     8   4  size         octets in all
 *    12   1  kind         enum zone_block_kind
 *    13   1  flags        ZONE_PAGE_*
 *    14   2  count        entries, at least 1
 *    16   2  prefix_len   octets that all keys of the page begin with
 *    18   2  level        0: leaf
 *    20   4  unused
 *    24   4 * count       heads: the 4 octets of each key behind the prefix as a big-endian number, zeros behind its end
 *         2 * count       positions of the entries, ascending
 *         8 * count       inner pages only: the children, each a pointer, unaligned
 *         prefix_len      the prefix
 *                         the entries, in order of keys, without gaps:
 *         1 or 3            octets of the key behind the prefix: one octet, or 255 and two octets
 *         ...               those of them that the head does not hold
 *         ...               leaves only: the body (body_internal.h)
 *
 * A blob (a block without keys: RDATA too long for a page, or shared by many owners):
 *
 *     0  24  as above; count: RRs; prefix_len, level: 0; the 4 octets at 20: length of what follows
 *    24      that many octets: each RR as length (2 octets, big-endian) and RDATA
 *
 * P1  Keys ascend strictly within a page. In an inner page they are separators: all keys below child i are at or
 *     behind separator i and before separator i + 1; the separator of child 0 is empty and means nothing.
 * P2  Separators are the shortest that do this; they need not be keys of names.
 * P3  A leaf of more than one entry has at most ZONE_PAGE_MAX octets; one with a single large entry may have more. An
 *     inner page of more than ZONE_INNER_FEW children has at most ZONE_INNER_MAX.
 * P4  A child is never younger than its parent, nor is a blob than the leaf that refers to it: birth numbers tell how
 *     far down a version reaches for itself.
 * P5  Zero-padded heads order as keys do, and where they are equal the octets behind them and then the lengths decide. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "zone/key_internal.h"

/* Leaves: 4 KiB less the allocator's word; large enough to amortise head and place in the page above, small enough that
 * copying one is cheap. Inner pages: some 95 children, whose heads come with the first cache lines, so that a level
 * costs two misses at most and little to copy. */
#ifndef ZONE_PAGE_MAX /* tests take small pages, for deep trees of few names */
#define ZONE_PAGE_MAX  4080
#define ZONE_INNER_MAX 1600
#endif
/* However long their separators: a level has at most half the pages of the one below. */
#define ZONE_INNER_FEW 4

static inline size_t zone_page_max(bool inner)
{
	return inner ? ZONE_INNER_MAX : ZONE_PAGE_MAX;
}

/* Below this a page that was written is joined with a neighbour. */
static inline size_t zone_page_small(bool inner)
{
	return zone_page_max(inner) / 4;
}

enum zone_block_kind { ZONE_BLOCK_PAGE = 1, ZONE_BLOCK_BLOB = 2 };

enum {
	ZONE_PAGE_NSEC = 1, /* some name in or below it may have an NSEC RRset; where not set, none has */
	ZONE_PAGE_BLOB = 2, /* leaf: some entry may refer to blobs of its own; where not set, none does */
};

struct zone_block {
	uint64_t birth;
	uint32_t size;
	uint8_t kind;
	uint8_t flags;
	uint16_t count;
};

struct zone_page {
	struct zone_block block;
	uint16_t prefix_len;
	uint16_t level;
	uint32_t unused;
	uint8_t rest[];
};

struct zone_blob {
	struct zone_block block;
	uint32_t unused;
	uint32_t len;
	uint8_t bytes[];
};

static inline size_t zone_page_count(const struct zone_page *page)
{
	return page->block.count;
}

/* Asks for the head of a page, and what is searched behind it in a leaf of usual size, all at once: else they would
 * come one after the other. */
static inline void zone_page_prefetch(const struct zone_page *page)
{
	for (size_t line = 0; line < 5; line++) {
		__builtin_prefetch((const uint8_t *)page + 64 * line);
	}
}

static inline const uint32_t *zone_page_heads(const struct zone_page *page)
{
	return (const uint32_t *)(const void *)page->rest;
}

static inline const uint16_t *zone_page_positions(const struct zone_page *page)
{
	return (const uint16_t *)(zone_page_heads(page) + page->block.count);
}

/* Place of the pointers to children. */
static inline const uint8_t *zone_page_children(const struct zone_page *page)
{
	return (const uint8_t *)(zone_page_positions(page) + page->block.count);
}

static inline const struct zone_page *zone_page_child(const struct zone_page *page, size_t index)
{
	const struct zone_page *child;
	memcpy(&child, zone_page_children(page) + sizeof child * index, sizeof child);
	return child;
}

static inline const uint8_t *zone_page_prefix(const struct zone_page *page)
{
	size_t children = page->level > 0 ? sizeof(void *) * page->block.count : 0;
	return zone_page_children(page) + children;
}

/* One entry taken apart. */
struct zone_entry {
	const uint8_t *body;
	const uint8_t *tail; /* octets of the key behind prefix and head */
	uint16_t tail_len;
	uint16_t rest_len; /* octets of the key behind the prefix */
	uint32_t head;
};

static inline void zone_page_entry(const struct zone_page *page, size_t index, struct zone_entry *out)
{
	const uint8_t *at = (const uint8_t *)page + zone_page_positions(page)[index];
	uint16_t rest_len = *at++;
	if (rest_len == 255) {
		memcpy(&rest_len, at, 2);
		at += 2;
	}
	out->head = zone_page_heads(page)[index];
	out->rest_len = rest_len;
	out->tail = at;
	out->tail_len = rest_len > 4 ? (uint16_t)(rest_len - 4) : 0;
	out->body = at + out->tail_len;
}

/* Asks for an entry and the one behind it. */
static inline void zone_page_prefetch_entry(const struct zone_page *page, size_t index)
{
	const uint8_t *at = (const uint8_t *)page + zone_page_positions(page)[index];
	__builtin_prefetch(at);
	__builtin_prefetch(at + 64);
}

/* The body of a leaf's entry. */
static inline const uint8_t *zone_page_body(const struct zone_page *page, size_t index)
{
	struct zone_entry entry;
	zone_page_entry(page, index, &entry);
	return entry.body;
}

static inline size_t zone_page_body_len(const struct zone_page *page, size_t index)
{
	const uint8_t *start = (const uint8_t *)page;
	size_t end = index + 1 < zone_page_count(page) ? zone_page_positions(page)[index + 1] : page->block.size;
	return (size_t)(start + end - zone_page_body(page, index));
}

/* Writes the key of an entry to `out` (ZONE_KEY_MAX octets); gives its length. */
size_t zone_page_key(const struct zone_page *page, size_t index, uint8_t *out);
/* How many octets the key of an entry has in common with `key`; `key_len_out` gets the length of the entry's. */
size_t zone_page_common(const struct zone_page *page, size_t index, const uint8_t *key, size_t len,
                        size_t *key_len_out);
/* How many entries have keys at or before `key`; `exact`: the last of them is `key` itself. */
size_t zone_page_search(const struct zone_page *page, const uint8_t *key, size_t len, bool *exact);
/* How many entries of two leaves of one line, from these on, are the same to the octet. */
size_t zone_page_same_run(const struct zone_page *a, size_t a_from, const struct zone_page *b, size_t b_from);
/* The child of an inner page whose range holds `key`. */
size_t zone_page_route(const struct zone_page *page, const uint8_t *key, size_t len);

/* ---- writing ---- */

/* What is to become an entry. Everything is borrowed. */
struct zone_item {
	const uint8_t *key;
	const uint8_t *body; /* leaf */
	uint32_t body_len;
	uint16_t key_len;
	const struct zone_page *child; /* inner */
};

/* How large a page of a growing run of items is. Starts as zeros but for `inner`. */
struct zone_run {
	bool inner;
	size_t count;
	size_t fixed;    /* octets that do not depend on the prefix */
	size_t keys;     /* octets of the keys that count */
	size_t counted;  /* such keys: all, but for the first of an inner page */
	size_t prefix;   /* octets that these have in common */
	size_t shortest; /* of their lengths */
	const uint8_t *first;
};

void zone_run_add(struct zone_run *run, const struct zone_item *item);
/* Octets of the page, never too few. */
static inline size_t zone_run_size(const struct zone_run *run)
{
	size_t shortest_rest = run->shortest - run->prefix;
	size_t in_heads = shortest_rest < 4 ? shortest_rest : 4;
	return sizeof(struct zone_page) + run->prefix + run->fixed + run->keys -
	       run->counted * (run->prefix + in_heads);
}

/* P3 */
static inline bool zone_run_fits(const struct zone_run *run)
{
	size_t few = run->inner ? ZONE_INNER_FEW : 1;
	return run->count <= few || zone_run_size(run) <= zone_page_max(run->inner);
}

/* A page of `count` items (at least 1) in order. An inner page's first key is taken as empty. */
struct zone_page *zone_page_write(const struct zone_item *items, size_t count, uint16_t level, uint64_t birth);
/* One entry to put (in place of one with the same key) or to take out (body NULL). Borrowed. */
struct zone_edit {
	const uint8_t *key;
	const uint8_t *body;
	uint32_t body_len;
	uint16_t key_len;
	bool remove;
};

/* The page with the edits (at least one, in order, all in its range) done, by copying stretches of it; NULL: that is
 * not possible, because it would not be one page of good size with the same prefix. */
struct zone_page *zone_page_splice(const struct zone_page *page, const struct zone_edit *edits, size_t count,
                                   uint64_t birth);
/* An inner page with other children at some places. */
struct zone_page *zone_page_with_children(const struct zone_page *page, const size_t *indexes,
                                          const struct zone_page *const *children, size_t count, uint64_t birth);
/* The items of a page, appended to `items`, which has room; keys are copied to `keys`, which has room for
 * zone_page_keys_size octets; gives the octets used. */
size_t zone_page_items(const struct zone_page *page, struct zone_item *items, uint8_t *keys);
size_t zone_page_keys_size(const struct zone_page *page);
