/* SPDX-License-Identifier: MIT */
/* Rebuilding a tree with sorted edits: down to the leaves that change, new pages on the way back up. Nothing here can
 * fail: whoever made the edits has checked them. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "zone/tree_internal.h"

void zone_refs_add(struct zone_refs *refs, struct zone_ref ref)
{
	memory_reserve((void **)&refs->list, &refs->capacity, refs->count + 1, sizeof *refs->list);
	refs->list[refs->count++] = ref;
}

size_t zone_separator_len(const uint8_t *before, size_t before_len, const uint8_t *key, size_t len)
{
	size_t common = zone_key_common(before, before_len, key, len);
	ensure(common < len);
	return common + 1;
}

/* ---- runs of items into pages ---- */

/* The pages that a run of items becomes, evenly filled. The first takes `separator`. */
struct packing {
	uint64_t birth;
	uint64_t *bytes_new;
	uint16_t level;
	const uint8_t *separator;
	uint16_t separator_len;
};

static void put_page(const struct packing *packing, const struct zone_item *items, size_t from, size_t to,
                     struct zone_refs *out)
{
	struct zone_page *page = zone_page_write(items + from, to - from, packing->level, packing->birth);
	*packing->bytes_new += page->block.size;
	struct zone_ref ref = {page, packing->separator, packing->separator_len};
	if (from > 0) {
		const struct zone_item *first = &items[from];
		ref.separator = first->key;
		ref.separator_len = packing->level > 0
		                            ? first->key_len
		                            : (uint16_t)zone_separator_len(items[from - 1].key, items[from - 1].key_len,
		                                                           first->key, first->key_len);
	}
	zone_refs_add(out, ref);
}

/* Items from `from` on that make a page of about `target` octets, at most what fits. */
static size_t run_end(const struct zone_item *items, size_t from, size_t count, size_t target, bool inner)
{
	struct zone_run run = {.inner = inner};
	zone_run_add(&run, &items[from]);
	size_t to = from + 1;
	for (; to < count && zone_run_size(&run) < target; to++) {
		zone_run_add(&run, &items[to]);
		if (!zone_run_fits(&run)) {
			break;
		}
	}
	return to;
}

static void pack(const struct packing *packing, const struct zone_item *items, size_t count, struct zone_refs *out)
{
	bool inner = packing->level > 0;
	struct zone_run all = {.inner = inner};
	for (size_t i = 0; i < count; i++) {
		zone_run_add(&all, &items[i]);
	}
	size_t size = zone_run_size(&all);
	size_t max = zone_page_max(inner);
	size_t pages = zone_run_fits(&all) ? 1 : (size + max - 1) / max;
	for (size_t from = 0; from < count;) {
		size_t to = pages == 1 ? count : run_end(items, from, count, size / pages, inner);
		put_page(packing, items, from, to, out);
		from = to;
	}
}

/* ---- levels ---- */

static struct zone_item item_of_ref(const struct zone_ref *ref)
{
	return (struct zone_item){.key = ref->separator, .key_len = ref->separator_len, .child = ref->page};
}

/* Items are needed in a row; the room is taken from the heap and given back at once. */
static void pack_refs(const struct packing *packing, const struct zone_refs *refs, struct zone_refs *out)
{
	struct zone_item *items = memory_new_array(refs->count, sizeof *items);
	for (size_t i = 0; i < refs->count; i++) {
		items[i] = item_of_ref(&refs->list[i]);
	}
	pack(packing, items, refs->count, out);
	free(items);
}

const struct zone_page *zone_tree_over(const struct zone_refs *refs, uint64_t birth, uint64_t *bytes_new)
{
	if (refs->count == 0) {
		return NULL;
	}
	struct zone_refs level = {0};
	for (size_t i = 0; i < refs->count; i++) {
		zone_refs_add(&level, refs->list[i]);
	}
	while (level.count > 1) {
		struct zone_refs above = {0};
		struct packing packing = {
		        .birth = birth,
		        .bytes_new = bytes_new,
		        .level = (uint16_t)(level.list[0].page->level + 1),
		};
		pack_refs(&packing, &level, &above);
		ensure(above.count < level.count);
		free(level.list);
		level = above;
	}
	const struct zone_page *root = level.list[0].page;
	free(level.list);
	return root;
}

/* ---- rebuilding ---- */

static void retire(struct zone_rebuild *rebuild, const struct zone_page *page)
{
	if (page->block.birth == rebuild->birth) {
		rebuild->bytes_new -= page->block.size;
		free((void *)(uintptr_t)page); /* written by this very rebuild, and seen by nobody */
		return;
	}
	rebuild->bytes_retired += page->block.size;
	zone_blocks_add(rebuild->retired, &page->block);
}

/* The items of a page behind those that are there. */
static void take_items(struct zone_rebuild *rebuild, const struct zone_page *page, struct zone_item *items,
                       size_t *count)
{
	uint8_t *keys = arena_take_bytes(rebuild->scratch, zone_page_keys_size(page));
	zone_page_items(page, items + *count, keys);
	*count += zone_page_count(page);
}

static size_t merge_edits(const struct zone_item *old, size_t old_count, const struct zone_edit *edits, size_t count,
                          struct zone_item *out)
{
	size_t used = 0;
	size_t o = 0;
	for (size_t e = 0; e < count; e++) {
		const struct zone_edit *edit = &edits[e];
		int order = -1;
		while (o < old_count) {
			order = zone_key_compare(old[o].key, old[o].key_len, edit->key, edit->key_len);
			if (order >= 0) {
				break;
			}
			out[used++] = old[o++];
		}
		bool there = o < old_count && order == 0;
		ensure(there || !edit->remove);
		o += there;
		if (!edit->remove) {
			out[used++] = (struct zone_item){
			        .key = edit->key,
			        .key_len = edit->key_len,
			        .body = edit->body,
			        .body_len = edit->body_len,
			};
		}
	}
	memcpy(out + used, old + o, (old_count - o) * sizeof *out);
	return used + old_count - o;
}

/* The quick way, for most changes. */
static bool splice_leaf(struct zone_rebuild *rebuild, struct zone_ref self, const struct zone_edit *edits, size_t count,
                        struct zone_refs *out)
{
	const struct zone_page *old = self.page;
	struct zone_page *page = zone_page_splice(old, edits, count, rebuild->birth);
	if (page == NULL) {
		return false;
	}
	rebuild->bytes_new += page->block.size;
	self.page = page;
	zone_refs_add(out, self);
	retire(rebuild, old);
	return true;
}

/* `page` NULL: an empty tree. `self` is what stands for the page in the level above. */
static void rebuild_leaf(struct zone_rebuild *rebuild, struct zone_ref self, const struct zone_edit *edits,
                         size_t count, struct zone_refs *out)
{
	const struct zone_page *page = self.page;
	if (page != NULL && splice_leaf(rebuild, self, edits, count, out)) {
		return;
	}
	size_t old_count = page == NULL ? 0 : zone_page_count(page);
	struct zone_item *items = memory_new_array(2 * old_count + count, sizeof *items);
	struct zone_item *old = items + old_count + count;
	if (page != NULL) {
		memory_reserve((void **)&rebuild->keys, &rebuild->keys_capacity, zone_page_keys_size(page), 1);
		zone_page_items(page, old, rebuild->keys);
	}
	size_t item_count = merge_edits(old, old_count, edits, count, items);
	struct packing packing = {
	        .birth = rebuild->birth,
	        .bytes_new = &rebuild->bytes_new,
	        .separator = self.separator,
	        .separator_len = self.separator_len,
	};
	size_t first = out->count;
	pack(&packing, items, item_count, out);
	/* Separators are the beginnings of keys, in whose place those of the next leaf come. */
	for (size_t i = first + 1; i < out->count; i++) {
		struct zone_ref *ref = &out->list[i];
		ref->separator = arena_copy(rebuild->scratch, ref->separator, ref->separator_len);
	}
	free(items);
	if (page != NULL) {
		retire(rebuild, page);
	}
}

/* One page of both, or false: too large together. */
static bool join(struct zone_rebuild *rebuild, struct zone_ref *left, const struct zone_ref *right)
{
	if (left->page->block.size + right->page->block.size > zone_page_max(left->page->level > 0) * 3 / 4) {
		return false;
	}
	size_t count = 0;
	struct zone_item *items =
	        memory_new_array(zone_page_count(left->page) + zone_page_count(right->page), sizeof *items);
	take_items(rebuild, left->page, items, &count);
	size_t left_count = count;
	take_items(rebuild, right->page, items, &count);
	/* The first separator of an inner page means nothing within it; here it does (P1). */
	if (left->page->level > 0) {
		items[left_count].key = right->separator;
		items[left_count].key_len = right->separator_len;
	}
	struct zone_run run = {.inner = left->page->level > 0};
	for (size_t i = 0; i < count; i++) {
		zone_run_add(&run, &items[i]);
	}
	bool fits = zone_run_fits(&run);
	if (fits) {
		struct zone_page *page = zone_page_write(items, count, left->page->level, rebuild->birth);
		rebuild->bytes_new += page->block.size;
		retire(rebuild, left->page);
		retire(rebuild, right->page);
		left->page = page;
	}
	free(items);
	return fits;
}

/* Just written, and not much in it. */
static bool is_small(const struct zone_rebuild *rebuild, const struct zone_page *page)
{
	return page->block.birth == rebuild->birth && page->block.size < zone_page_small(page->level > 0);
}

/* Small pages that were just written are joined with a neighbour. */
static void join_small(struct zone_rebuild *rebuild, struct zone_refs *refs)
{
	size_t kept = 0;
	for (size_t i = 0; i < refs->count; i++) {
		struct zone_ref ref = refs->list[i];
		bool small = is_small(rebuild, ref.page);
		struct zone_ref *last = kept > 0 ? &refs->list[kept - 1] : NULL;
		bool last_small = last != NULL && is_small(rebuild, last->page);
		if (last == NULL || !(small || last_small) || !join(rebuild, last, &ref)) {
			refs->list[kept++] = ref;
		}
	}
	refs->count = kept;
}

static void rebuild_page(struct zone_rebuild *rebuild, struct zone_ref self, const struct zone_edit *edits,
                         size_t count, struct zone_refs *out);

/* How many of the edits lie before the separator of child `index`. */
static size_t edits_before(const struct zone_page *page, size_t index, const struct zone_edit *edits, size_t count)
{
	if (index == zone_page_count(page)) {
		return count;
	}
	uint8_t separator[ZONE_KEY_MAX];
	size_t len = zone_page_key(page, index, separator);
	size_t low = 0;
	size_t high = count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (zone_key_compare(edits[middle].key, edits[middle].key_len, separator, len) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* Children of an inner page that edits touch: child `indexes[i]` becomes the pages from ends[i - 1] to ends[i]. */
struct touched {
	size_t *indexes;
	size_t *ends;
	size_t count;
	struct zone_refs pages;
};

static void rebuild_touched(struct zone_rebuild *rebuild, const struct zone_page *page, const struct zone_edit *edits,
                            size_t count, struct touched *touched)
{
	size_t most = zone_page_count(page) < count ? zone_page_count(page) : count;
	touched->indexes = arena_take(rebuild->scratch, most * sizeof(size_t));
	touched->ends = arena_take(rebuild->scratch, most * sizeof(size_t));
	for (size_t done = 0; done < count;) {
		size_t index = zone_page_route(page, edits[done].key, edits[done].key_len);
		size_t here = edits_before(page, index + 1, edits + done, count - done);
		uint8_t separator[ZONE_KEY_MAX];
		size_t len = zone_page_key(page, index, separator);
		struct zone_ref child = {
		        .page = zone_page_child(page, index),
		        .separator = arena_copy(rebuild->scratch, separator, len),
		        .separator_len = (uint16_t)len,
		};
		rebuild_page(rebuild, child, edits + done, here, &touched->pages);
		touched->indexes[touched->count] = index;
		touched->ends[touched->count++] = touched->pages.count;
		done += here;
	}
}

/* The quick way: each touched child became one page of good size. */
static bool swap_children(struct zone_rebuild *rebuild, struct zone_ref self, const struct touched *touched,
                          struct zone_refs *out)
{
	if (touched->pages.count != touched->count) {
		return false;
	}
	const struct zone_page **children = arena_take(rebuild->scratch, touched->count * sizeof *children);
	for (size_t i = 0; i < touched->count; i++) {
		children[i] = touched->pages.list[i].page;
		if (touched->ends[i] != i + 1 || is_small(rebuild, children[i])) {
			return false;
		}
	}
	const struct zone_page *old = self.page;
	self.page = zone_page_with_children(old, touched->indexes, children, touched->count, rebuild->birth);
	rebuild->bytes_new += self.page->block.size;
	zone_refs_add(out, self);
	retire(rebuild, old);
	return true;
}

/* All children, the touched ones as what they became. */
static void all_children(struct zone_rebuild *rebuild, const struct zone_page *page, const struct touched *touched,
                         struct zone_refs *out)
{
	size_t child_count = 0;
	struct zone_item *items = memory_new_array(zone_page_count(page), sizeof *items);
	take_items(rebuild, page, items, &child_count);
	size_t next = 0;
	size_t taken = 0;
	for (size_t i = 0; i < child_count; i++) {
		if (next == touched->count || touched->indexes[next] != i) {
			zone_refs_add(out, (struct zone_ref){items[i].child, items[i].key, items[i].key_len});
			continue;
		}
		for (; taken < touched->ends[next]; taken++) {
			zone_refs_add(out, touched->pages.list[taken]);
		}
		next++;
	}
	free(items);
}

static void rebuild_inner(struct zone_rebuild *rebuild, struct zone_ref self, const struct zone_edit *edits,
                          size_t count, struct zone_refs *out)
{
	struct touched touched = {0};
	rebuild_touched(rebuild, self.page, edits, count, &touched);
	if (!swap_children(rebuild, self, &touched, out)) {
		struct zone_refs children = {0};
		all_children(rebuild, self.page, &touched, &children);
		join_small(rebuild, &children);
		struct packing packing = {
		        .birth = rebuild->birth,
		        .bytes_new = &rebuild->bytes_new,
		        .level = self.page->level,
		        .separator = self.separator,
		        .separator_len = self.separator_len,
		};
		pack_refs(&packing, &children, out);
		free(children.list);
		retire(rebuild, self.page);
	}
	free(touched.pages.list);
}

static void rebuild_page(struct zone_rebuild *rebuild, struct zone_ref self, const struct zone_edit *edits,
                         size_t count, struct zone_refs *out)
{
	if (self.page == NULL || self.page->level == 0) {
		rebuild_leaf(rebuild, self, edits, count, out);
	} else {
		rebuild_inner(rebuild, self, edits, count, out);
	}
}

const struct zone_page *zone_tree_rebuild(struct zone_rebuild *rebuild, const struct zone_page *root,
                                          const struct zone_edit *edits, size_t count)
{
	if (count == 0) {
		return root;
	}
	struct zone_refs refs = {0};
	rebuild_page(rebuild, (struct zone_ref){.page = root}, edits, count, &refs);
	const struct zone_page *next = zone_tree_over(&refs, rebuild->birth, &rebuild->bytes_new);
	free(refs.list);
	free(rebuild->keys);
	rebuild->keys = NULL;
	while (next != NULL && next->level > 0 && zone_page_count(next) == 1) {
		const struct zone_page *child = zone_page_child(next, 0);
		retire(rebuild, next);
		next = child;
	}
	return next;
}
