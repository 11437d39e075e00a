/* SPDX-License-Identifier: MIT */
/* What a whole new text of a zone has in common with the version before: while its owners come, in any order, those that
 * say what the version before says are ticked off there and need no memory of their own.
 *
 * An owner's RRs may come in several groups, so RRsets are ticked, each with its signatures.
 *
 * R1  What was ticked came with the octets that the entry holds: RDATA, TTL and the owner's case.
 * R2  Once something of an owner came that differs, nothing of it is ticked any more: so what was ticked came before what
 *     was put aside, and the case of the owner, and of names in RDATA, is that of whatever came first. */
#pragma once

#include "zone/body_internal.h"
#include "zone/page_internal.h"

struct zone_reuse_leaf {
	const struct zone_page *page;
	size_t start; /* number of its first entry */
};

/* One tree of the version before; borrowed. */
struct zone_reuse {
	const uint32_t *ttls;
	const struct zone_page *root; /* NULL: it is empty */
	struct zone_reuse_leaf *leaves;
	size_t leaf_count;
	size_t leaf_capacity;
	uint32_t *slots; /* leaves by address, from 1; 0: empty */
	size_t slot_mask;
	uint8_t *ticks; /* of each entry: a bit for each RRset; the highest one forbids more (R2) */
};

void zone_reuse_init(struct zone_reuse *reuse, const struct zone_page *root, const uint32_t *ttls);
void zone_reuse_deinit(struct zone_reuse *reuse);

/* Ticks the RRsets of this body; false: the entry does not have them so, or there is none, and they are to be put
 * aside. */
bool zone_reuse_tick(struct zone_reuse *reuse, const uint8_t *key, size_t key_len, const uint8_t *body);

enum zone_reuse_kind {
	ZONE_REUSE_NONE, /* nothing was ticked: the owner is gone, or all of it was put aside */
	ZONE_REUSE_SOME,
	ZONE_REUSE_ALL,
};
/* What became of an entry, `body` being its body. */
enum zone_reuse_kind zone_reuse_kind(const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf, size_t index,
                                     const uint8_t *body);
/* Was RRset `number` of an entry ticked, of which only some were? */
bool zone_reuse_has(const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf, size_t index, size_t number);
