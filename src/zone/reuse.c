/* SPDX-License-Identifier: MIT */
#include "zone/reuse_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "zone/tree_internal.h"

/* RRsets that are told apart; an owner with more is ticked as a whole. */
#define TICKS_MAX 7
#define ALL_TICKS 0x7f
#define FORBIDDEN 0x80

static void add_leaves(struct zone_reuse *reuse, const struct zone_page *page, size_t *entries)
{
	for (size_t i = 0; page->level > 0 && i < zone_page_count(page); i++) {
		add_leaves(reuse, zone_page_child(page, i), entries);
	}
	if (page->level == 0) {
		memory_reserve((void **)&reuse->leaves, &reuse->leaf_capacity, reuse->leaf_count + 1,
		               sizeof *reuse->leaves);
		reuse->leaves[reuse->leaf_count++] = (struct zone_reuse_leaf){.page = page, .start = *entries};
		*entries += zone_page_count(page);
	}
}

static size_t home_of(const struct zone_reuse *reuse, const struct zone_page *page)
{
	return (size_t)((uint64_t)(uintptr_t)page * UINT64_C(0x9e3779b97f4a7c15) >> 20) & reuse->slot_mask;
}

static void index_leaves(struct zone_reuse *reuse)
{
	size_t slots = 2;
	while (slots < 2 * reuse->leaf_count) {
		slots *= 2;
	}
	reuse->slots = memory_new_array(slots, sizeof *reuse->slots);
	reuse->slot_mask = slots - 1;
	for (size_t i = 0; i < reuse->leaf_count; i++) {
		size_t slot = home_of(reuse, reuse->leaves[i].page);
		while (reuse->slots[slot] != 0) {
			slot = (slot + 1) & reuse->slot_mask;
		}
		reuse->slots[slot] = (uint32_t)i + 1;
	}
}

void zone_reuse_init(struct zone_reuse *reuse, const struct zone_page *root, const uint32_t *ttls)
{
	size_t entries = 0;
	*reuse = (struct zone_reuse){.root = root, .ttls = ttls};
	if (root != NULL) {
		add_leaves(reuse, root, &entries);
		index_leaves(reuse);
		reuse->ticks = memory_new_array(entries, 1);
	}
}

void zone_reuse_deinit(struct zone_reuse *reuse)
{
	free(reuse->leaves);
	free(reuse->slots);
	free(reuse->ticks);
	*reuse = (struct zone_reuse){0};
}

/* The leaf of this page, which is there. */
static const struct zone_reuse_leaf *leaf_of(const struct zone_reuse *reuse, const struct zone_page *page)
{
	size_t slot = home_of(reuse, page);
	while (reuse->leaves[reuse->slots[slot] - 1].page != page) {
		slot = (slot + 1) & reuse->slot_mask;
	}
	return &reuse->leaves[reuse->slots[slot] - 1];
}

static bool same_part(const struct zone_part *a, const struct zone_part *b)
{
	return a->count == b->count && a->len == b->len && (a->count == 0 || a->ttl == b->ttl) &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool same_rrset(const struct zone_body_rrset *a, const struct zone_body_rrset *b)
{
	return a->type == b->type && same_part(&a->rrs, &b->rrs) && same_part(&a->sigs, &b->sigs);
}

static bool same_case(const struct zone_body *a, const struct zone_body *b)
{
	if (a->case_bits == NULL || b->case_bits == NULL) {
		return a->case_bits == b->case_bits;
	}
	return memcmp(a->case_bits, b->case_bits, 1u + a->case_bits[0]) == 0;
}

/* The ticks by which the new RRsets are found among the old ones, both ascending by type; 0: they are not all there. */
static unsigned find_ticks(const struct zone_reuse *reuse, const struct zone_body *old, const struct zone_body *new)
{
	const uint8_t *old_at = old->rrsets;
	const uint8_t *new_at = new->rrsets;
	unsigned ticks = 0;
	unsigned found = 0;
	struct zone_body_rrset old_rrset;
	struct zone_body_rrset new_rrset;
	new_at = zone_body_read_rrset(new_at, reuse->ttls, &new_rrset);
	for (unsigned i = 0; i < old->rrset_count && found < new->rrset_count; i++) {
		old_at = zone_body_read_rrset(old_at, reuse->ttls, &old_rrset);
		if (!same_rrset(&old_rrset, &new_rrset)) {
			continue;
		}
		ticks |= i < TICKS_MAX ? 1u << i : 0;
		if (++found < new->rrset_count) {
			new_at = zone_body_read_rrset(new_at, reuse->ttls, &new_rrset);
		}
	}
	bool can_tell = old->rrset_count <= TICKS_MAX || found == old->rrset_count;
	return found == new->rrset_count &&can_tell ? ticks : 0;
}

bool zone_reuse_tick(struct zone_reuse *reuse, const uint8_t *key, size_t key_len, const uint8_t *body)
{
	size_t index;
	const struct zone_page *page = zone_tree_find(reuse->root, key, key_len, &index);
	if (page == NULL) {
		return false;
	}
	struct zone_body old;
	struct zone_body new;
	zone_body_read(zone_page_body(page, index), &old);
	zone_body_read(body, &new);
	uint8_t *ticked = &reuse->ticks[leaf_of(reuse, page)->start + index];
	unsigned ticks = same_case(&old, &new) ? find_ticks(reuse, &old, &new) : 0;
	if ((*ticked & FORBIDDEN) != 0 || ticks == 0 || (*ticked & ticks) != 0) {
		*ticked |= FORBIDDEN;
		return false;
	}
	*ticked |= (uint8_t)ticks;
	return true;
}

enum zone_reuse_kind zone_reuse_kind(const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf, size_t index,
                                     const uint8_t *body_bytes)
{
	uint8_t ticked = reuse->ticks[leaf->start + index] & ALL_TICKS;
	struct zone_body body;
	if (ticked == 0) {
		return ZONE_REUSE_NONE;
	}
	zone_body_read(body_bytes, &body);
	uint8_t all = body.rrset_count < TICKS_MAX ? (uint8_t)((1u << body.rrset_count) - 1) : ALL_TICKS;
	return ticked == all ? ZONE_REUSE_ALL : ZONE_REUSE_SOME;
}

bool zone_reuse_has(const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf, size_t index, size_t number)
{
	return (reuse->ticks[leaf->start + index] >> number & 1) != 0;
}
