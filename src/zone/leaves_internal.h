/* SPDX-License-Identifier: MIT */
/* The leaves of a tree that is being built, from its first key to its last.
 *
 * L1  Keys ascend strictly.
 * L2  What a body says of the topmost cut or DNAME above it is put right here: only who sees all keys in order knows. */
#pragma once

#include "base/memory.h"
#include "zone/tree_internal.h"
#include "zone/version_internal.h"

struct zone_leaves {
	const struct zone_line *line;
	uint64_t birth;
	bool in_hashes;
	struct zone_refs refs;     /* those that are finished */
	uint64_t bytes;            /* of those of them that were written */
	struct zone_counts counts; /* of all that was put */
	struct arena separators;
	uint8_t last_key[ZONE_KEY_MAX]; /* of the newest finished leaf */
	size_t last_key_len;
	/* the leaf that is being filled */
	struct zone_run run;
	struct arena arena; /* keys and bodies of the items; reset with each leaf */
	struct zone_item *items;
	size_t item_count;
	size_t item_capacity;
	/* The topmost cut or DNAME that the present place is below. */
	bool below;
	uint8_t cut_key[ZONE_KEY_MAX];
	size_t cut_len;
	uint8_t cut_labels;
	struct zone_buffer recut; /* a body with another cut */
};

void zone_leaves_init(struct zone_leaves *leaves, const struct zone_snapshot *version, bool in_hashes);
/* The pages stay. */
void zone_leaves_deinit(struct zone_leaves *leaves);
/* Puts an entry behind the last one; its body may know no cut, or another one. Copies it. */
void zone_leaves_put(struct zone_leaves *leaves, const struct zone_item *item);
/* Would it come behind the last entry? For leaves that only took entries. */
bool zone_leaves_is_behind(const struct zone_leaves *leaves, const struct zone_item *item);
/* Puts a whole leaf of another version behind the last entry. False: its entries would stand under another cut than they
 * say, and nothing was done. */
bool zone_leaves_share(struct zone_leaves *leaves, const struct zone_page *page);
/* Finishes the leaf that is being filled. */
void zone_leaves_flush(struct zone_leaves *leaves);
