/* SPDX-License-Identifier: MIT */
#include "zone/page_internal.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "zone/body_internal.h"

_Static_assert(offsetof(struct zone_page, rest) == 24, "the format says so");
_Static_assert(offsetof(struct zone_blob, bytes) == 24, "the format says so");

/* The 4 octets that a head holds. */
static uint32_t head_of(const uint8_t *rest, size_t len)
{
	if (len >= 4) {
		return load_u32(rest);
	}
	uint32_t head = 0;
	for (size_t i = 0; i < len; i++) {
		head |= (uint32_t)rest[i] << (24 - 8 * i);
	}
	return head;
}

size_t zone_page_key(const struct zone_page *page, size_t index, uint8_t *out)
{
	struct zone_entry entry;
	zone_page_entry(page, index, &entry);
	uint8_t head[4];
	store_u32(head, entry.head);
	memcpy(out, zone_page_prefix(page), page->prefix_len);
	memcpy(out + page->prefix_len, head, entry.rest_len < 4 ? entry.rest_len : 4);
	memcpy(out + page->prefix_len + 4, entry.tail, entry.tail_len);
	return (size_t)page->prefix_len + entry.rest_len;
}

size_t zone_page_common(const struct zone_page *page, size_t index, const uint8_t *key, size_t len, size_t *key_len_out)
{
	struct zone_entry entry;
	zone_page_entry(page, index, &entry);
	*key_len_out = (size_t)page->prefix_len + entry.rest_len;
	size_t common = zone_key_common(zone_page_prefix(page), page->prefix_len, key, len);
	if (common < page->prefix_len) {
		return common;
	}
	uint8_t head[4];
	store_u32(head, entry.head);
	size_t head_len = entry.rest_len < 4 ? entry.rest_len : 4;
	size_t in_head = zone_key_common(head, head_len, key + common, len - common);
	common += in_head;
	if (in_head < head_len) {
		return common;
	}
	return common + zone_key_common(entry.tail, entry.tail_len, key + common, len - common);
}

/* Order of an entry against the key behind the prefix, their heads being equal (P5). */
static int compare_behind_head(const struct zone_page *page, size_t index, const uint8_t *rest, size_t len)
{
	struct zone_entry entry;
	zone_page_entry(page, index, &entry);
	size_t tail_len = len > 4 ? len - 4 : 0;
	size_t shorter = entry.tail_len < tail_len ? entry.tail_len : tail_len;
	int order = shorter == 0 ? 0 : memcmp(entry.tail, rest + 4, shorter);
	return order != 0 ? order : (int)entry.rest_len - (int)len;
}

/* First index in [from, count) whose head is not below `head`. */
static size_t lower_bound(const uint32_t *heads, size_t from, size_t count, uint32_t head)
{
	const uint32_t *base = heads + from;
	size_t left = count - from;
	while (left > 1) {
		size_t half = left / 2;
		/* By arithmetic, because compilers make a jump of a choice here, and nobody can foretell it. */
		base += half & ((size_t)0 - (size_t)(base[half - 1] < head));
		left -= half;
	}
	return (size_t)(base - heads) + (left == 1 && *base < head);
}

/* Entries in [from, count) at or before the key, plus `from`. */
static size_t search_from(const struct zone_page *page, size_t from, const uint8_t *rest, size_t len, bool *exact)
{
	const uint32_t *heads = zone_page_heads(page);
	size_t count = zone_page_count(page);
	uint32_t head = head_of(rest, len);
	size_t low = lower_bound(heads, from, count, head);
	size_t high = low;
	if (low == count || heads[low] != head) {
		return low;
	}
	high = head == UINT32_MAX ? count : lower_bound(heads, low, count, head + 1);
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_behind_head(page, middle, rest, len);
		if (order == 0) {
			*exact = true;
			return middle + 1;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* `from`: how many entries are passed over as lying before every key. */
static size_t search(const struct zone_page *page, size_t from, const uint8_t *key, size_t len, bool *exact)
{
	*exact = false;
	size_t prefix_len = page->prefix_len;
	const uint8_t *prefix = zone_page_prefix(page);
	if (len >= prefix_len) {
		int order = prefix_len == 0 ? 0 : memcmp(key, prefix, prefix_len);
		if (order == 0) {
			return search_from(page, from, key + prefix_len, len - prefix_len, exact);
		}
		return order < 0 ? from : zone_page_count(page);
	}
	int order = len == 0 ? 0 : memcmp(key, prefix, len);
	return order <= 0 ? from : zone_page_count(page);
}

size_t zone_page_search(const struct zone_page *page, const uint8_t *key, size_t len, bool *exact)
{
	return search(page, 0, key, len, exact);
}

size_t zone_page_route(const struct zone_page *page, const uint8_t *key, size_t len)
{
	bool exact;
	return search(page, 1, key, len, &exact) - 1;
}

static bool has_same_prefix(const struct zone_page *a, const struct zone_page *b)
{
	return a->prefix_len == b->prefix_len && memcmp(zone_page_prefix(a), zone_page_prefix(b), a->prefix_len) == 0;
}

static bool has_same_key(const struct zone_page *a, size_t a_index, const struct zone_page *b, size_t b_index)
{
	uint8_t a_key[ZONE_KEY_MAX];
	uint8_t b_key[ZONE_KEY_MAX];
	size_t a_len = zone_page_key(a, a_index, a_key);
	size_t b_len = zone_page_key(b, b_index, b_key);
	return a_len == b_len && memcmp(a_key, b_key, a_len) == 0;
}

static size_t entry_len(const struct zone_page *page, size_t index)
{
	size_t end = index + 1 < zone_page_count(page) ? zone_page_positions(page)[index + 1] : page->block.size;
	return end - zone_page_positions(page)[index];
}

/* What stands behind the prefixes of both, body included. */
static bool has_same_rest(const struct zone_page *a, size_t a_index, const struct zone_page *b, size_t b_index)
{
	size_t len = entry_len(a, a_index);
	return zone_page_heads(a)[a_index] == zone_page_heads(b)[b_index] && len == entry_len(b, b_index) &&
	       memcmp((const uint8_t *)a + zone_page_positions(a)[a_index],
	              (const uint8_t *)b + zone_page_positions(b)[b_index], len) == 0;
}

static bool has_same_key_and_body(const struct zone_page *a, size_t a_index, const struct zone_page *b, size_t b_index)
{
	size_t len = zone_page_body_len(a, a_index);
	return len == zone_page_body_len(b, b_index) &&
	       memcmp(zone_page_body(a, a_index), zone_page_body(b, b_index), len) == 0 &&
	       has_same_key(a, a_index, b, b_index);
}

size_t zone_page_same_run(const struct zone_page *a, size_t a_from, const struct zone_page *b, size_t b_from)
{
	size_t a_left = zone_page_count(a) - a_from;
	size_t b_left = zone_page_count(b) - b_from;
	size_t most = a_left < b_left ? a_left : b_left;
	bool (*is_same)(const struct zone_page *, size_t, const struct zone_page *, size_t) =
	        has_same_prefix(a, b) ? has_same_rest : has_same_key_and_body;
	size_t run = 0;
	while (run < most && is_same(a, a_from + run, b, b_from + run)) {
		run++;
	}
	return run;
}

/* ---- writing ---- */

void zone_run_add(struct zone_run *run, const struct zone_item *item)
{
	bool counts = !run->inner || run->count > 0;
	run->count++;
	run->fixed += 6 + (run->inner ? sizeof(void *) : 0) + 1 + item->body_len;
	if (!counts) {
		return;
	}
	run->fixed += item->key_len < 255 ? 0 : 2;
	run->keys += item->key_len;
	run->counted++;
	if (run->counted == 1) {
		run->first = item->key;
		run->prefix = item->key_len;
		run->shortest = item->key_len;
		return;
	}
	/* Keys ascend, so what the first and the newest have in common, all have. */
	run->prefix = zone_key_common(run->first, run->prefix, item->key, item->key_len);
	run->shortest = item->key_len < run->shortest ? item->key_len : run->shortest;
}

static uint8_t *write_entry(uint8_t *at, const struct zone_item *item, size_t prefix_len, uint32_t *head)
{
	uint16_t rest_len = item->key_len > prefix_len ? (uint16_t)(item->key_len - prefix_len) : 0;
	const uint8_t *rest = rest_len > 0 ? item->key + prefix_len : item->key;
	*head = head_of(rest, rest_len);
	if (rest_len < 255) {
		*at++ = (uint8_t)rest_len;
	} else {
		*at++ = 255;
		memcpy(at, &rest_len, 2);
		at += 2;
	}
	if (rest_len > 4) {
		memcpy(at, rest + 4, rest_len - 4u);
		at += rest_len - 4u;
	}
	if (item->body_len > 0) {
		memcpy(at, item->body, item->body_len);
	}
	return at + item->body_len;
}

static uint8_t flags_of(const struct zone_item *item, bool inner)
{
	if (inner) {
		return item->child->block.flags & ZONE_PAGE_NSEC;
	}
	uint8_t flags = item->body[0];
	return (uint8_t)((flags & ZONE_BODY_NSEC ? ZONE_PAGE_NSEC : 0) | (flags & ZONE_BODY_BLOB ? ZONE_PAGE_BLOB : 0));
}

static struct zone_page *page_take(size_t size)
{
	struct zone_page *page = malloc(size);
	return page != NULL ? page : memory_new(size); /* which ends the process with its line */
}

struct zone_page *zone_page_write(const struct zone_item *items, size_t count, uint16_t level, uint64_t birth)
{
	bool inner = level > 0;
	ensure(count > 0 && count <= UINT16_MAX);
	struct zone_run run = {.inner = inner};
	for (size_t i = 0; i < count; i++) {
		zone_run_add(&run, &items[i]);
	}
	size_t prefix_len = run.prefix;
	size_t size = zone_run_size(&run);
	ensure(size <= UINT32_MAX);
	struct zone_page *page = page_take(size);
	*page = (struct zone_page){
	        .block = {.birth = birth, .kind = ZONE_BLOCK_PAGE, .count = (uint16_t)count},
	        .prefix_len = (uint16_t)prefix_len,
	        .level = level,
	};
	uint32_t *heads = (uint32_t *)(uintptr_t)zone_page_heads(page);
	uint16_t *positions = (uint16_t *)(uintptr_t)zone_page_positions(page);
	uint8_t *children = (uint8_t *)(uintptr_t)zone_page_children(page);
	uint8_t *at = (uint8_t *)(uintptr_t)zone_page_prefix(page);
	if (prefix_len > 0) {
		memcpy(at, items[count - 1].key, prefix_len);
		at += prefix_len;
	}
	for (size_t i = 0; i < count; i++) {
		struct zone_item item = items[i];
		if (inner) {
			memcpy(children + sizeof(void *) * i, &item.child, sizeof(void *));
			if (i == 0) {
				item.key = items[count - 1].key; /* P1: means nothing, and is written with length 0 */
				item.key_len = 0;
			}
		}
		size_t position = (size_t)(at - (uint8_t *)page);
		ensure(position <= UINT16_MAX);
		positions[i] = (uint16_t)position;
		page->block.flags |= flags_of(&item, inner);
		at = write_entry(at, &item, prefix_len, &heads[i]);
	}
	page->block.size = (uint32_t)(at - (uint8_t *)page);
	ensure(page->block.size <= size);
	return page;
}

/* ---- splicing ---- */

/* A copy being put together from stretches of a page and new entries. */
struct splice {
	const struct zone_page *old;
	struct zone_page *page;
	uint32_t *heads;
	uint16_t *positions;
	uint8_t *at;
	size_t count; /* entries so far */
};

/* Entries [from, to) of the old page. */
static void splice_copy(struct splice *splice, size_t from, size_t to)
{
	if (from == to) {
		return;
	}
	const uint16_t *positions = zone_page_positions(splice->old);
	size_t start = positions[from];
	size_t end = to < zone_page_count(splice->old) ? positions[to] : splice->old->block.size;
	size_t here = (size_t)(splice->at - (uint8_t *)splice->page);
	memcpy(splice->at, (const uint8_t *)splice->old + start, end - start);
	memcpy(splice->heads + splice->count, zone_page_heads(splice->old) + from, (to - from) * sizeof(uint32_t));
	for (size_t i = from; i < to; i++) {
		splice->positions[splice->count + i - from] = (uint16_t)(positions[i] - start + here);
	}
	splice->at += end - start;
	splice->count += to - from;
}

static void splice_put(struct splice *splice, const struct zone_edit *edit)
{
	struct zone_item item = {
	        .key = edit->key, .key_len = edit->key_len, .body = edit->body, .body_len = edit->body_len};
	splice->positions[splice->count] = (uint16_t)(splice->at - (uint8_t *)splice->page);
	splice->at = write_entry(splice->at, &item, splice->old->prefix_len, &splice->heads[splice->count]);
	splice->page->block.flags |= flags_of(&item, false);
	splice->count++;
}

/* Octets that an entry of the old page takes with head and position. */
static size_t entry_octets(const struct zone_page *page, size_t index)
{
	const uint16_t *positions = zone_page_positions(page);
	size_t end = index + 1 < zone_page_count(page) ? positions[index + 1] : page->block.size;
	return 6 + end - positions[index];
}

/* Entries and octets of the page after the edits; false: an edit does not have the prefix. */
static bool splice_measure(const struct zone_page *page, const struct zone_edit *edits, size_t count, size_t *entries,
                           size_t *octets)
{
	*entries = zone_page_count(page);
	*octets = page->block.size;
	for (size_t i = 0; i < count; i++) {
		bool exact;
		size_t before = zone_page_search(page, edits[i].key, edits[i].key_len, &exact);
		ensure(exact || !edits[i].remove);
		if (exact) {
			*entries -= 1;
			*octets -= entry_octets(page, before - 1);
		}
		if (edits[i].remove) {
			continue;
		}
		if (!zone_key_has_prefix(edits[i].key, edits[i].key_len, zone_page_prefix(page), page->prefix_len)) {
			return false;
		}
		size_t rest = edits[i].key_len - (size_t)page->prefix_len;
		*entries += 1;
		*octets += 6 + (rest < 255 ? 1u : 3u) + (rest > 4 ? rest - 4 : 0) + edits[i].body_len;
	}
	return true;
}

struct zone_page *zone_page_splice(const struct zone_page *page, const struct zone_edit *edits, size_t count,
                                   uint64_t birth)
{
	size_t entries;
	size_t octets;
	if (!splice_measure(page, edits, count, &entries, &octets) || octets > ZONE_PAGE_MAX ||
	    octets < zone_page_small(false) || entries == 0) {
		return NULL;
	}
	struct splice splice = {.old = page, .page = page_take(octets)};
	*splice.page = *page;
	splice.page->block.birth = birth;
	splice.page->block.size = (uint32_t)octets;
	splice.page->block.count = (uint16_t)entries;
	splice.heads = (uint32_t *)(uintptr_t)zone_page_heads(splice.page);
	splice.positions = (uint16_t *)(uintptr_t)zone_page_positions(splice.page);
	splice.at = (uint8_t *)(uintptr_t)zone_page_prefix(splice.page);
	memcpy(splice.at, zone_page_prefix(page), page->prefix_len);
	splice.at += page->prefix_len;
	size_t next = 0;
	for (size_t i = 0; i < count; i++) {
		bool exact;
		size_t before = zone_page_search(page, edits[i].key, edits[i].key_len, &exact);
		splice_copy(&splice, next, before - exact);
		if (!edits[i].remove) {
			splice_put(&splice, &edits[i]);
		}
		next = before;
	}
	splice_copy(&splice, next, zone_page_count(page));
	ensure(splice.count == entries && splice.at == (uint8_t *)splice.page + octets);
	return splice.page;
}

struct zone_page *zone_page_with_children(const struct zone_page *page, const size_t *indexes,
                                          const struct zone_page *const *children, size_t count, uint64_t birth)
{
	struct zone_page *copy = page_take(page->block.size);
	memcpy(copy, page, page->block.size);
	uint8_t *place = (uint8_t *)(uintptr_t)zone_page_children(copy);
	copy->block.birth = birth;
	for (size_t i = 0; i < count; i++) {
		memcpy(place + sizeof(void *) * indexes[i], &children[i], sizeof(void *));
		copy->block.flags |= children[i]->block.flags & ZONE_PAGE_NSEC;
	}
	return copy;
}

size_t zone_page_keys_size(const struct zone_page *page)
{
	return zone_page_count(page) * (size_t)page->prefix_len + page->block.size;
}

size_t zone_page_items(const struct zone_page *page, struct zone_item *items, uint8_t *keys)
{
	size_t count = zone_page_count(page);
	const uint8_t *end = (const uint8_t *)page + page->block.size;
	uint8_t *at = keys;
	for (size_t i = 0; i < count; i++) {
		struct zone_entry entry;
		zone_page_entry(page, i, &entry);
		const uint8_t *entry_end =
		        i + 1 < count ? (const uint8_t *)page + zone_page_positions(page)[i + 1] : end;
		items[i] = (struct zone_item){
		        .key = at,
		        .key_len = (uint16_t)zone_page_key(page, i, at),
		        .body = entry.body,
		        .body_len = (uint32_t)(entry_end - entry.body),
		        .child = page->level > 0 ? zone_page_child(page, i) : NULL,
		};
		at += items[i].key_len;
	}
	return (size_t)(at - keys);
}
