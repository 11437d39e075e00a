/* SPDX-License-Identifier: MIT */
/* The copy-on-write B+tree over pages: descent, steps along the leaves, and rebuilding with a sorted list of edits.
 *
 * T1  All leaves are equally deep. No page of a tree is empty.
 * T2  A rebuild writes the changed leaves and the pages above them; it shares all others with the tree before. */
#pragma once

#include "zone/body_internal.h"
#include "zone/page_internal.h"
#include "zone/zone.h"

/* ---- finding ---- */

/* Where a descent ended: the cursor stands on the last entry at or before the key, or before the first entry of all
 * (false from zone_cursor_valid). */
enum zone_seek { ZONE_SEEK_EXACT, ZONE_SEEK_BEFORE };

enum zone_seek zone_cursor_seek(struct zone_cursor *cursor, const struct zone_page *root, const uint8_t *key,
                                size_t len);
/* The two halves of it: down to the leaf, which it asks for and does not touch, and within the leaf. */
void zone_cursor_seek_leaf(struct zone_cursor *cursor, const struct zone_page *root, const uint8_t *key, size_t len);
enum zone_seek zone_cursor_seek_entry(struct zone_cursor *cursor, const uint8_t *key, size_t len);
void zone_cursor_first(struct zone_cursor *cursor, const struct zone_page *root);
void zone_cursor_last(struct zone_cursor *cursor, const struct zone_page *root);
/* Where the next children of the pages at these depths are one and the same page: moves both on to it, but not into it.
 * False: they are not. */
bool zone_cursor_pass_child(struct zone_cursor *a, size_t a_depth, struct zone_cursor *b, size_t b_depth);
bool zone_cursor_next(struct zone_cursor *cursor);
bool zone_cursor_previous(struct zone_cursor *cursor);
/* The entry that zone_cursor_next would step to, without stepping. */
bool zone_cursor_peek_next(const struct zone_cursor *cursor, const struct zone_page **page, size_t *index);
/* Back to the nearest entry before with ZONE_BODY_NSEC, the present one included. */
bool zone_cursor_back_to_nsec(struct zone_cursor *cursor);

static inline bool zone_cursor_valid(const struct zone_cursor *cursor)
{
	return cursor->depth > 0;
}

static inline const struct zone_page *zone_cursor_page(const struct zone_cursor *cursor)
{
	return (const struct zone_page *)(const void *)cursor->path[cursor->depth - 1].page;
}

static inline size_t zone_cursor_index(const struct zone_cursor *cursor)
{
	return cursor->path[cursor->depth - 1].index;
}

/* The leaf and index of exactly this key; NULL: none. */
const struct zone_page *zone_tree_find(const struct zone_page *root, const uint8_t *key, size_t len, size_t *index);

/* ---- building ---- */

/* A page on its way into the level above: with the separator that stands before it (the first one's means nothing). */
struct zone_ref {
	const struct zone_page *page;
	const uint8_t *separator;
	uint16_t separator_len;
};

struct zone_refs {
	struct zone_ref *list;
	size_t count;
	size_t capacity;
};

void zone_refs_add(struct zone_refs *refs, struct zone_ref ref);

/* The inner levels over leaves (or any pages of one level): gives the root; NULL for none. */
const struct zone_page *zone_tree_over(const struct zone_refs *refs, uint64_t birth, uint64_t *bytes_new);

/* Length of the shortest beginning of `key` that lies behind `before`. */
size_t zone_separator_len(const uint8_t *before, size_t before_len, const uint8_t *key, size_t len);

struct arena;

struct zone_rebuild {
	uint64_t birth;
	struct arena *scratch; /* separators and the keys of inner pages, until the rebuild is over */
	uint8_t *keys;         /* of the leaf that is being written; NULL before and after */
	size_t keys_capacity;
	struct zone_blocks *retired; /* gets the pages that were replaced */
	uint64_t bytes_new;          /* octets of pages written */
	uint64_t bytes_retired;
};

/* The tree with `edits` (ascending, each key once) done. A key to remove must be there. NULL: nothing is left. */
const struct zone_page *zone_tree_rebuild(struct zone_rebuild *rebuild, const struct zone_page *root,
                                          const struct zone_edit *edits, size_t count);
