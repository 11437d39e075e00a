/* SPDX-License-Identifier: MIT */
/* The end of a build from a version before: a step through that version's leaves beside what was put aside. Leaves that
 * are as they were are shared; of all others the entries go where they belong now. */
#include <stdlib.h>

#include "base/memory.h"
#include "zone/stream_internal.h"

struct rejoining {
	struct zone_stream *stream;
	struct zone_packer *packer;
	size_t next; /* of what was put aside */
};

/* ---- leaves that stay ---- */

static bool all_ticked(const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf)
{
	for (size_t i = 0; i < zone_page_count(leaf->page); i++) {
		if (zone_reuse_kind(reuse, leaf, i, zone_page_body(leaf->page, i)) != ZONE_REUSE_ALL) {
			return false;
		}
	}
	return true;
}

/* Nothing that was put aside belongs among its entries, or before the next leaf. */
static bool nothing_between(const struct rejoining *rejoining, const struct zone_reuse_leaf *leaf)
{
	const struct zone_stream *stream = rejoining->stream;
	if (rejoining->next == stream->aside.count) {
		return true;
	}
	if (leaf + 1 == stream->reuse.leaves + stream->reuse.leaf_count) {
		return false;
	}
	uint8_t key[ZONE_KEY_MAX];
	size_t len = zone_page_key(leaf[1].page, 0, key);
	struct zone_item item = zone_aside_item(&stream->aside, rejoining->next);
	return zone_key_compare(item.key, item.key_len, key, len) >= 0;
}

static bool share_leaf(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf)
{
	struct zone_stream *stream = rejoining->stream;
	return nothing_between(rejoining, leaf) && all_ticked(&stream->reuse, leaf) &&
	       zone_leaves_share(&stream->leaves, leaf->page);
}

/* ---- entries ---- */

/* Puts an entry, and to it what was put aside under its key. */
static void put_with_aside(struct rejoining *rejoining, struct zone_item *item)
{
	struct zone_stream *stream = rejoining->stream;
	rejoining->next =
	        zone_put_together(rejoining->packer, &stream->aside, stream->in_hashes, item, rejoining->next);
	zone_leaves_put(&stream->leaves, item);
}

/* What was put aside and belongs before this key (with `too`: or under it); NULL: all that is left. */
static void put_aside_before(struct rejoining *rejoining, const struct zone_item *before, bool too)
{
	const struct zone_aside *aside = &rejoining->stream->aside;
	while (rejoining->next < aside->count) {
		struct zone_item item = zone_aside_item(aside, rejoining->next);
		int order =
		        before == NULL ? -1 : zone_key_compare(item.key, item.key_len, before->key, before->key_len);
		if (order > 0 || (order == 0 && !too)) {
			return;
		}
		rejoining->next++;
		put_with_aside(rejoining, &item);
	}
}

static void rejoin_entry(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf, size_t index,
                         struct zone_item item)
{
	struct zone_stream *stream = rejoining->stream;
	put_aside_before(rejoining, &item, false);
	switch (zone_reuse_kind(&stream->reuse, leaf, index, item.body)) {
	case ZONE_REUSE_NONE:
		zone_pack_retire(rejoining->packer, item.body);
		item.body = NULL;
		break;
	case ZONE_REUSE_SOME:
		zone_pack_ticked(rejoining->packer, &stream->reuse, leaf, index, stream->in_hashes, &item);
		break;
	case ZONE_REUSE_ALL:
		break;
	}
	if (item.body != NULL) {
		put_with_aside(rejoining, &item);
	} else {
		put_aside_before(rejoining, &item, true);
	}
}

static void rejoin_leaf(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf)
{
	size_t count = zone_page_count(leaf->page);
	struct zone_item *items = memory_new_array(count, sizeof *items);
	uint8_t *keys = memory_new_array(zone_page_keys_size(leaf->page), 1);
	zone_page_items(leaf->page, items, keys);
	for (size_t i = 0; i < count; i++) {
		rejoin_entry(rejoining, leaf, i, items[i]);
	}
	zone_pack_retire_block(rejoining->packer, &leaf->page->block);
	free(items);
	free(keys);
}

/* The pages above the leaves are written anew. */
static void retire_inner(struct zone_packer *packer, const struct zone_page *page)
{
	for (size_t i = 0; page->level > 1 && i < zone_page_count(page); i++) {
		retire_inner(packer, zone_page_child(page, i));
	}
	if (page->level > 0) {
		zone_pack_retire_block(packer, &page->block);
	}
}

void zone_stream_rejoin(struct zone_stream *stream)
{
	struct rejoining rejoining = {.stream = stream, .packer = stream->packer};
	zone_aside_sort(&stream->aside);
	for (size_t i = 0; i < stream->reuse.leaf_count; i++) {
		const struct zone_reuse_leaf *leaf = &stream->reuse.leaves[i];
		if (!share_leaf(&rejoining, leaf)) {
			rejoin_leaf(&rejoining, leaf);
		}
	}
	put_aside_before(&rejoining, NULL, false);
	if (stream->reuse.root != NULL) {
		retire_inner(stream->packer, stream->reuse.root);
	}
}
