/* SPDX-License-Identifier: MIT */
#include "zone/leaves_internal.h"

#include <stdlib.h>

#include "zone/apply_internal.h"

#define LEAF_CHUNK 16384

void zone_leaves_init(struct zone_leaves *leaves, const struct zone_snapshot *version, bool in_hashes)
{
	*leaves = (struct zone_leaves){.line = version->line, .birth = version->number, .in_hashes = in_hashes};
	arena_init(&leaves->arena, LEAF_CHUNK);
	arena_init(&leaves->separators, LEAF_CHUNK);
}

void zone_leaves_deinit(struct zone_leaves *leaves)
{
	arena_deinit(&leaves->arena);
	arena_deinit(&leaves->separators);
	zone_buffer_free(&leaves->recut);
	free(leaves->items);
	free(leaves->refs.list);
}

/* ---- pages ---- */

/* Puts a leaf, whose first key this is, behind the others. */
static void put_page(struct zone_leaves *leaves, const struct zone_page *page, const uint8_t *first, size_t first_len)
{
	struct zone_ref ref = {.page = page};
	if (leaves->refs.count > 0) {
		size_t len = zone_separator_len(leaves->last_key, leaves->last_key_len, first, first_len);
		ref.separator = arena_copy(&leaves->separators, first, len);
		ref.separator_len = (uint16_t)len;
	}
	zone_refs_add(&leaves->refs, ref);
}

void zone_leaves_flush(struct zone_leaves *leaves)
{
	if (leaves->item_count == 0) {
		return;
	}
	const struct zone_item *first = &leaves->items[0];
	const struct zone_item *last = &leaves->items[leaves->item_count - 1];
	struct zone_page *page = zone_page_write(leaves->items, leaves->item_count, 0, leaves->birth);
	leaves->bytes += page->block.size;
	put_page(leaves, page, first->key, first->key_len);
	memcpy(leaves->last_key, last->key, last->key_len);
	leaves->last_key_len = last->key_len;
	leaves->item_count = 0;
	leaves->run = (struct zone_run){0};
	arena_reset(&leaves->arena);
}

static void add_item(struct zone_leaves *leaves, const struct zone_item *item)
{
	struct zone_run with = leaves->run;
	zone_run_add(&with, item);
	if (!zone_run_fits(&with)) {
		zone_leaves_flush(leaves);
	}
	struct zone_item kept = *item;
	kept.key = arena_copy(&leaves->arena, item->key, item->key_len);
	kept.body = arena_copy(&leaves->arena, item->body, item->body_len);
	zone_run_add(&leaves->run, &kept);
	memory_reserve((void **)&leaves->items, &leaves->item_capacity, leaves->item_count + 1, sizeof kept);
	leaves->items[leaves->item_count++] = kept;
}

/* ---- cuts ---- */

/* Labels of the topmost cut above a key, -1: none. Keys come in order, so the last cut seen is the one that counts as
 * long as what comes is below it. */
static int cut_above(struct zone_leaves *leaves, const uint8_t *key, size_t len)
{
	leaves->below = leaves->below && zone_key_has_prefix(key, len, leaves->cut_key, leaves->cut_len);
	return leaves->below ? leaves->cut_labels : -1;
}

static int cut_known_to(const struct zone_body *body)
{
	return (body->flags & ZONE_BODY_BELOW) != 0 ? body->cut_labels : -1;
}

static void stand_below(struct zone_leaves *leaves, const uint8_t *key, size_t len, uint8_t labels)
{
	leaves->below = true;
	leaves->cut_len = len;
	leaves->cut_labels = labels;
	memcpy(leaves->cut_key, key, len);
}

static void pass(struct zone_leaves *leaves, const uint8_t *key, size_t len, const struct zone_body *body)
{
	if (!leaves->below && (body->flags & (ZONE_BODY_CUT | ZONE_BODY_DNAME)) != 0) {
		stand_below(leaves, key, len, body->labels);
	}
}

static struct zone_item with_cut(struct zone_leaves *leaves, const struct zone_item *item, const struct zone_body *body,
                                 int cut)
{
	struct zone_buffer *out = &leaves->recut;
	struct zone_item changed = *item;
	out->len = 0;
	zone_body_put_start(out, body->flags, body->labels, cut, body->case_bits, body->rrset_count);
	zone_buffer_add(out, body->rrsets, item->body_len - (size_t)(body->rrsets - item->body));
	changed.body = out->bytes;
	changed.body_len = (uint32_t)out->len;
	return changed;
}

/* ---- entries ---- */

static void count(struct zone_leaves *leaves, const uint8_t *body, const uint8_t *key, size_t key_len)
{
	zone_counts_add(&leaves->counts, body, leaves->line->ttls, key, key_len, leaves->in_hashes, 1);
}

void zone_leaves_put(struct zone_leaves *leaves, const struct zone_item *item)
{
	struct zone_item put = *item;
	struct zone_body body;
	zone_body_read(item->body, &body);
	int cut = leaves->in_hashes ? -1 : cut_above(leaves, item->key, item->key_len);
	if (cut != cut_known_to(&body)) {
		put = with_cut(leaves, item, &body, cut);
	}
	count(leaves, put.body, put.key, put.key_len);
	add_item(leaves, &put);
	if (!leaves->in_hashes) {
		pass(leaves, put.key, put.key_len, &body);
	}
}

bool zone_leaves_is_behind(const struct zone_leaves *leaves, const struct zone_item *item)
{
	if (leaves->item_count == 0) {
		return true;
	}
	const struct zone_item *last = &leaves->items[leaves->item_count - 1];
	return zone_key_compare(last->key, last->key_len, item->key, item->key_len) < 0;
}

/* Does a leaf stand under the same cut as it did? Then so do all of its entries: a cut that begins within the leaf is the
 * same as before, and one from before it is above its first entry too. */
static bool has_same_cut(struct zone_leaves *leaves, const struct zone_page *page, const uint8_t *key, size_t len)
{
	struct zone_body body;
	zone_body_read(zone_page_body(page, 0), &body);
	return leaves->in_hashes || cut_above(leaves, key, len) == cut_known_to(&body);
}

/* What cut_above is to know behind an entry that was not put by itself. */
static void stand_behind(struct zone_leaves *leaves, const uint8_t *key, size_t key_len, const uint8_t *body_bytes)
{
	struct zone_body body;
	zone_body_read(body_bytes, &body);
	leaves->below = false;
	if ((body.flags & ZONE_BODY_BELOW) == 0) {
		pass(leaves, key, key_len, &body);
		return;
	}
	size_t len = 0;
	for (uint8_t labels = 0; labels < body.cut_labels; len++) {
		labels = (uint8_t)(labels + (key[len] == 0)); /* K3 */
	}
	stand_below(leaves, key, len, body.cut_labels);
}

bool zone_leaves_share(struct zone_leaves *leaves, const struct zone_page *page)
{
	uint8_t first[ZONE_KEY_MAX];
	size_t first_len = zone_page_key(page, 0, first);
	size_t entries = zone_page_count(page);
	if (!has_same_cut(leaves, page, first, first_len)) {
		return false;
	}
	zone_leaves_flush(leaves);
	put_page(leaves, page, first, first_len);
	for (size_t i = 0; i < entries; i++) {
		leaves->last_key_len = zone_page_key(page, i, leaves->last_key);
		count(leaves, zone_page_body(page, i), leaves->last_key, leaves->last_key_len);
	}
	if (!leaves->in_hashes) {
		stand_behind(leaves, leaves->last_key, leaves->last_key_len, zone_page_body(page, entries - 1));
	}
	return true;
}
