/* SPDX-License-Identifier: MIT */
#include "zone/stream_internal.h"

#include <stdlib.h>

#include "base/memory.h"

/* Records ahead that are asked for, where they are read in the order of keys: anywhere. */
#define SOON 8

void zone_stream_init(struct zone_stream *stream, struct zone_packer *packer, bool in_hashes,
                      const struct zone_snapshot *base)
{
	*stream = (struct zone_stream){.packer = packer, .in_hashes = in_hashes, .has_base = base != NULL};
	zone_leaves_init(&stream->leaves, packer->version, in_hashes);
	zone_aside_init(&stream->aside);
	if (base != NULL) {
		const struct zone_tree *tree = in_hashes ? &base->hashes : &base->names;
		zone_reuse_init(&stream->reuse, tree->root, packer->line->ttls);
	}
}

void zone_stream_deinit(struct zone_stream *stream)
{
	zone_leaves_deinit(&stream->leaves);
	zone_aside_deinit(&stream->aside);
	zone_reuse_deinit(&stream->reuse);
}

/* ---- as they come ---- */

static void tick_or_put_aside(struct zone_stream *stream, const struct zone_item *item)
{
	if (zone_reuse_tick(&stream->reuse, item->key, item->key_len, item->body)) {
		zone_pack_undo(stream->packer);
	} else {
		zone_aside_put(&stream->aside, item);
	}
}

void zone_stream_take(struct zone_stream *stream, const struct zone_delta *group, size_t count)
{
	struct zone_item item;
	if (!zone_pack_owner(stream->packer, group, count, &item)) {
		return;
	}
	if (stream->has_base) {
		tick_or_put_aside(stream, &item);
	} else if (zone_leaves_is_behind(&stream->leaves, &item)) {
		zone_leaves_put(&stream->leaves, &item);
	} else {
		zone_aside_put(&stream->aside, &item);
	}
}

/* ---- merging what was put aside with the leaves ---- */

/* The leaves that were written while RRs came, entry by entry. Each is freed when it has been passed. */
struct passing {
	const struct zone_refs *refs;
	size_t page;
	size_t index;
	struct zone_item *items; /* of the present page */
	uint8_t *keys;
};

/* The next entry; false: no more. */
static bool passing_peek(struct passing *passing, struct zone_item *item)
{
	if (passing->page == passing->refs->count) {
		return false;
	}
	const struct zone_page *page = passing->refs->list[passing->page].page;
	if (passing->items == NULL) {
		passing->items = memory_new_array(zone_page_count(page), sizeof *passing->items);
		passing->keys = memory_new_array(zone_page_keys_size(page), 1);
		zone_page_items(page, passing->items, passing->keys);
	}
	*item = passing->items[passing->index];
	return true;
}

static void passing_step(struct passing *passing)
{
	const struct zone_page *page = passing->refs->list[passing->page].page;
	passing->index++;
	if (passing->index == zone_page_count(page)) {
		free(passing->items);
		free(passing->keys);
		free((void *)(uintptr_t)page);
		passing->items = NULL;
		passing->keys = NULL;
		passing->page++;
		passing->index = 0;
	}
}

/* Does the entry (NULL: there is none) stand at or before what was put aside? */
static bool comes_first(const struct zone_item *entry, const struct zone_item *aside)
{
	return entry != NULL && zone_key_compare(entry->key, entry->key_len, aside->key, aside->key_len) <= 0;
}

static void merge(struct zone_stream *stream)
{
	struct zone_leaves old = stream->leaves;
	struct passing passing = {.refs = &old.refs};
	const struct zone_aside *aside = &stream->aside;
	size_t next = 0;
	zone_leaves_init(&stream->leaves, stream->packer->version, stream->in_hashes);
	zone_aside_sort(&stream->aside);
	for (;;) {
		struct zone_item item;
		struct zone_item entry;
		bool has_entry = passing_peek(&passing, &entry);
		bool has_aside = next < aside->count;
		if (!has_entry && !has_aside) {
			break;
		}
		if (has_aside) {
			item = zone_aside_item(aside, next);
			zone_aside_soon(aside, next + SOON);
		}
		bool is_entry = !has_aside || comes_first(has_entry ? &entry : NULL, &item);
		if (is_entry) {
			item = entry;
		} else {
			next++;
		}
		next = zone_put_together(stream->packer, aside, stream->in_hashes, &item, next);
		zone_leaves_put(&stream->leaves, &item);
		if (is_entry) {
			passing_step(&passing);
		}
	}
	zone_leaves_deinit(&old);
}

void zone_stream_finish(struct zone_stream *stream)
{
	zone_leaves_flush(&stream->leaves);
	if (stream->has_base) {
		zone_stream_rejoin(stream);
	} else if (stream->aside.count > 0) {
		merge(stream);
	}
	zone_leaves_flush(&stream->leaves);
	zone_aside_deinit(&stream->aside);
}
