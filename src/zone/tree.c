/* SPDX-License-Identifier: MIT */
#include "zone/tree_internal.h"

#include "base/ensure.h"

static const struct zone_page *page_of(const uint8_t *bytes)
{
	return (const struct zone_page *)(const void *)bytes;
}

static void push(struct zone_cursor *cursor, const struct zone_page *page, size_t index)
{
	ensure(cursor->depth < ARRAY_LENGTH(cursor->path));
	cursor->path[cursor->depth].page = (const uint8_t *)page;
	cursor->path[cursor->depth].index = (uint32_t)index;
	cursor->depth++;
}

static void descend_first(struct zone_cursor *cursor, const struct zone_page *page)
{
	while (page->level > 0) {
		push(cursor, page, 0);
		page = zone_page_child(page, 0);
	}
	push(cursor, page, 0);
}

static void descend_last(struct zone_cursor *cursor, const struct zone_page *page)
{
	while (page->level > 0) {
		push(cursor, page, zone_page_count(page) - 1);
		page = zone_page_child(page, zone_page_count(page) - 1);
	}
	push(cursor, page, zone_page_count(page) - 1);
}

void zone_cursor_first(struct zone_cursor *cursor, const struct zone_page *root)
{
	cursor->depth = 0;
	if (root != NULL) {
		descend_first(cursor, root);
	}
}

void zone_cursor_last(struct zone_cursor *cursor, const struct zone_page *root)
{
	cursor->depth = 0;
	if (root != NULL) {
		descend_last(cursor, root);
	}
}

/* The child behind the one that the cursor is in; NULL: that is the last. */
static const struct zone_page *next_child(const struct zone_cursor *cursor, size_t depth)
{
	const struct zone_page *page = page_of(cursor->path[depth].page);
	size_t next = cursor->path[depth].index + 1u;
	return next < zone_page_count(page) ? zone_page_child(page, next) : NULL;
}

bool zone_cursor_pass_child(struct zone_cursor *a, size_t a_depth, struct zone_cursor *b, size_t b_depth)
{
	const struct zone_page *child = next_child(a, a_depth);
	if (child == NULL || child != next_child(b, b_depth)) {
		return false;
	}
	a->path[a_depth].index++;
	b->path[b_depth].index++;
	return true;
}

bool zone_cursor_next(struct zone_cursor *cursor)
{
	while (cursor->depth > 0) {
		size_t top = cursor->depth - 1u;
		const struct zone_page *page = page_of(cursor->path[top].page);
		uint32_t index = ++cursor->path[top].index;
		if (index < zone_page_count(page)) {
			if (page->level > 0) {
				descend_first(cursor, zone_page_child(page, index));
			}
			return true;
		}
		cursor->depth--;
	}
	return false;
}

bool zone_cursor_previous(struct zone_cursor *cursor)
{
	while (cursor->depth > 0) {
		size_t top = cursor->depth - 1u;
		const struct zone_page *page = page_of(cursor->path[top].page);
		if (cursor->path[top].index > 0) {
			uint32_t index = --cursor->path[top].index;
			if (page->level > 0) {
				descend_last(cursor, zone_page_child(page, index));
			}
			return true;
		}
		cursor->depth--;
	}
	return false;
}

bool zone_cursor_peek_next(const struct zone_cursor *cursor, const struct zone_page **page, size_t *index)
{
	for (size_t depth = cursor->depth; depth > 0; depth--) {
		const struct zone_page *at = page_of(cursor->path[depth - 1].page);
		size_t next = cursor->path[depth - 1].index + 1u;
		if (next < zone_page_count(at)) {
			while (at->level > 0) {
				at = zone_page_child(at, next);
				next = 0;
			}
			*page = at;
			*index = next;
			return true;
		}
	}
	return false;
}

/* Within one page: the nearest index at or before `index` whose entry (or child) has an NSEC; -1: none. */
static long nsec_at_or_before(const struct zone_page *page, long index)
{
	for (; index >= 0; index--) {
		uint8_t has = page->level > 0 ? zone_page_child(page, (size_t)index)->block.flags & ZONE_PAGE_NSEC
		                              : zone_page_body(page, (size_t)index)[0] & ZONE_BODY_NSEC;
		if (has != 0) {
			return index;
		}
	}
	return -1;
}

bool zone_cursor_back_to_nsec(struct zone_cursor *cursor)
{
	long start = cursor->depth == 0 ? -1 : (long)zone_cursor_index(cursor);
	while (cursor->depth > 0) {
		size_t top = cursor->depth - 1u;
		const struct zone_page *page = page_of(cursor->path[top].page);
		long index = nsec_at_or_before(page, start);
		if (index < 0) {
			cursor->depth--;
			start = cursor->depth == 0 ? -1 : (long)cursor->path[cursor->depth - 1].index - 1;
			continue;
		}
		cursor->path[top].index = (uint32_t)index;
		if (page->level == 0) {
			return true;
		}
		const struct zone_page *child = zone_page_child(page, (size_t)index);
		push(cursor, child, zone_page_count(child) - 1);
		start = (long)zone_page_count(child) - 1;
	}
	return false;
}

void zone_cursor_seek_leaf(struct zone_cursor *cursor, const struct zone_page *root, const uint8_t *key, size_t len)
{
	cursor->depth = 0;
	if (root == NULL) {
		return;
	}
	const struct zone_page *page = root;
	/* All leaves are equally deep (T1), so which level comes next is known without its page. */
	for (uint16_t level = root->level; level > 0; level--) {
		size_t child = zone_page_route(page, key, len);
		push(cursor, page, child);
		page = zone_page_child(page, child);
		zone_page_prefetch(page);
	}
	push(cursor, page, 0);
}

enum zone_seek zone_cursor_seek_entry(struct zone_cursor *cursor, const uint8_t *key, size_t len)
{
	if (!zone_cursor_valid(cursor)) {
		return ZONE_SEEK_BEFORE;
	}
	bool exact;
	size_t before = zone_page_search(zone_cursor_page(cursor), key, len, &exact);
	if (before == 0) {
		zone_cursor_previous(cursor);
	} else {
		cursor->path[cursor->depth - 1].index = (uint32_t)(before - 1);
	}
	return exact ? ZONE_SEEK_EXACT : ZONE_SEEK_BEFORE;
}

enum zone_seek zone_cursor_seek(struct zone_cursor *cursor, const struct zone_page *root, const uint8_t *key,
                                size_t len)
{
	zone_cursor_seek_leaf(cursor, root, key, len);
	return zone_cursor_seek_entry(cursor, key, len);
}

const struct zone_page *zone_tree_find(const struct zone_page *root, const uint8_t *key, size_t len, size_t *index)
{
	const struct zone_page *page = root;
	if (page == NULL) {
		return NULL;
	}
	while (page->level > 0) {
		page = zone_page_child(page, zone_page_route(page, key, len));
		zone_page_prefetch(page);
	}
	bool exact;
	size_t before = zone_page_search(page, key, len, &exact);
	if (!exact) {
		return NULL;
	}
	*index = before - 1;
	return page;
}
