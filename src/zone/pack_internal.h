/* SPDX-License-Identifier: MIT */
/* Bodies of a version that is being built: from the RRs of one owner, and from several bodies of one owner. */
#pragma once

#include "zone/aside_internal.h"
#include "zone/edit_internal.h"
#include "zone/reuse_internal.h"

/* One thread at a time. */
struct zone_packer {
	struct zone_line *line;
	struct zone_snapshot *version; /* that is being built; gets the blocks of the base that it does without */
	struct zone_editing editing;
	struct zone_blocks retired; /* blobs that the body just made does without */
	struct zone_buffer body;    /* the one made last */
	const struct zone_delta **sorted;
	size_t sorted_capacity;
	uint64_t bytes_given_up; /* of blobs that this build made, and did without later */
	uint64_t bytes_retired;  /* of blocks of the base */
	/* first failure; told at the end */
	bool failed;
	struct error error;
};

void zone_packer_init(struct zone_packer *packer, struct zone_snapshot *version, const struct zone_snapshot *base);
void zone_packer_deinit(struct zone_packer *packer);

/* Makes the body of an owner (RRs of one key, at least 1), without a cut; `item` gets it, borrowed until the next one is
 * made, and the key. False: failed. */
bool zone_pack_owner(struct zone_packer *packer, const struct zone_delta *group, size_t count, struct zone_item *item);
/* The body just made is not wanted. */
void zone_pack_undo(struct zone_packer *packer);
/* Blobs of a body that goes: those of this build are freed, those of the base retired with it. */
void zone_pack_retire(struct zone_packer *packer, const uint8_t *body);
/* The same for a block of the base. */
void zone_pack_retire_block(struct zone_packer *packer, const struct zone_block *block);

/* ---- together.c: bodies of several groups ---- */

/* Puts the RRs of what was put aside from `next` on under the key of `item` to those of `item`; the result lies in
 * packer->body. Where that fails, `item` stays as it was. Gives the number of the next one (A1). */
size_t zone_put_together(struct zone_packer *packer, const struct zone_aside *aside, bool in_hashes,
                         struct zone_item *item, size_t next);
/* Makes a body of those RRsets of an entry of the base that were ticked, and retires the entry's own blobs: what stays of
 * them was copied. `item` is the entry; its body is NULL where that failed. */
void zone_pack_ticked(struct zone_packer *packer, const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf,
                      size_t index, bool in_hashes, struct zone_item *item);

/* Makes a body of `old` (may be NULL) and RRs of the owner `key` (at least 1, any order). False: failed. */
bool zone_pack(struct zone_packer *packer, const struct zone_body *old, const struct zone_item *key,
               const struct zone_delta *deltas, size_t count, const uint8_t *case_bits);
