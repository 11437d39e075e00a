/* SPDX-License-Identifier: MIT */
/* Building a version from RRs in any order: the first one of a line, or one that shares with the version before what
 * turns out to be the same.
 *
 * RRs of one owner that follow each other are put together into a body as soon as another owner comes. While owners come
 * in canonical order, each body goes into the growing last leaf: nothing else is kept, nothing is sorted. What comes
 * out of order is put aside, already packed, sorted at the end and merged with the leaves in one pass.
 *
 * With a version before (`base`), owners that are as they were there are ticked off (reuse_internal.h) and all others put
 * aside; at the end, leaves of the base whose owners are all ticked, and among which nothing is new, are shared.
 *
 * U1  Per tree, the keys that went into leaves ascend strictly.
 * U2  Each RR is in exactly one of: a leaf (or its items), the present owner, a body put aside.
 * U3  What was put aside came later than what a leaf holds under the same key: leaves only take keys behind all
 *     before.
 * U4  With a base nothing goes into leaves before the end; what was put aside came later than what was ticked (R2). */
#include <stdlib.h>

#include "base/ensure.h"
#include "dns/type.h"
#include "zone/apply_internal.h"
#include "zone/builder_internal.h"
#include "zone/pool_internal.h"
#include "zone/reuse_internal.h"

#define OWNER_CHUNK 16384
#define LEAF_CHUNK  16384

/* The leaf that is being filled, and those before it. */
struct leaves {
	struct zone_run run;
	struct arena arena; /* keys and bodies of the items; reset with each leaf */
	struct zone_item *items;
	size_t item_count;
	size_t item_capacity;
	struct zone_refs refs;
	struct arena separators;
	uint8_t last_key[ZONE_KEY_MAX]; /* of the newest leaf that was written */
	size_t last_key_len;
	/* The topmost cut or DNAME that the present place is below. */
	bool below;
	uint8_t cut_key[ZONE_KEY_MAX];
	size_t cut_len;
	uint8_t cut_labels;
};

/* RRs of one tree on their way. */
struct stream {
	bool in_hashes;
	struct zone_counts counts; /* of what went into leaves */
	struct leaves leaves;
	struct zone_aside aside;
	struct zone_reuse reuse;        /* with a base: its tree */
	uint8_t last_key[ZONE_KEY_MAX]; /* that went into a leaf */
	size_t last_key_len;
	bool has_last;
	/* the present owner */
	bool has_owner;
	struct zone_key key;
	struct arena arena; /* its RDATA and owners; reset with each owner */
	struct zone_delta *deltas;
	const struct zone_delta **sorted;
	size_t delta_count;
	size_t delta_capacity;
	size_t sorted_capacity;
};

struct zone_builder {
	struct zone_line *line;
	struct zone_snapshot *version;
	const struct zone_snapshot *base; /* a reference; NULL: it is a line's first version */
	struct zone_editing editing;
	struct zone_blocks retired; /* blobs that a body just made does without */
	struct zone_buffer body;
	struct zone_buffer recut;
	struct stream names;
	struct stream hashes;
	struct stream *last; /* that took the last RR */
	uint64_t bytes;
	uint64_t bytes_retired; /* of blocks of the base */
	uint64_t order;
	/* first failure; told at the end */
	bool failed;
	struct error error;
};

static void leaves_init(struct leaves *leaves)
{
	*leaves = (struct leaves){0};
	arena_init(&leaves->arena, LEAF_CHUNK);
	arena_init(&leaves->separators, LEAF_CHUNK);
}

static void stream_init(struct stream *stream)
{
	arena_init(&stream->arena, OWNER_CHUNK);
	leaves_init(&stream->leaves);
	zone_aside_init(&stream->aside);
}

static void leaves_deinit(struct leaves *leaves)
{
	arena_deinit(&leaves->arena);
	arena_deinit(&leaves->separators);
	free(leaves->items);
	free(leaves->refs.list);
}

static void stream_deinit(struct stream *stream)
{
	leaves_deinit(&stream->leaves);
	zone_aside_deinit(&stream->aside);
	zone_reuse_deinit(&stream->reuse);
	arena_deinit(&stream->arena);
	free(stream->deltas);
	free(stream->sorted);
}

static struct zone_builder *builder_new(struct zone_line *line)
{
	struct zone_builder *builder = memory_new(sizeof *builder);
	builder->line = line;
	builder->version = zone_version_new(line);
	builder->editing = (struct zone_editing){
	        .writing = {.line = line, .birth = builder->version->number},
	        .lenient = true,
	        .retired = &builder->retired,
	};
	stream_init(&builder->names);
	stream_init(&builder->hashes);
	builder->hashes.in_hashes = true;
	return builder;
}

struct zone_builder *zone_builder_new(const uint8_t *apex, uint16_t class)
{
	struct zone_builder *builder = builder_new(zone_line_new(apex, class));
	builder->editing.writing.pool = zone_pool_new(builder->line, builder->version->number);
	return builder;
}

/* What changes shares nothing new, its TTLs may have no numbers, its pages get less full: a line of many changes takes
 * more memory than it took at first, and some day it is time to begin anew. */
static bool is_worn(const struct zone_snapshot *zone)
{
	const struct zone_line *line = zone->line;
	double at_first = (double)line->first_bytes / (double)line->first_records;
	return (double)zone->bytes > 1.25 * at_first * (double)zone->counts.records;
}

struct zone_builder *zone_builder_new_from(const struct zone_snapshot *base, const uint8_t *apex, uint16_t class)
{
	bool fits = base != NULL && base->line->class == class && dns_name_same(base->line->apex.wire, apex);
	if (!fits || is_worn(base)) {
		return zone_builder_new(apex, class);
	}
	struct zone_builder *builder = builder_new(base->line);
	builder->base = zone_ref(base);
	builder->editing.writing.pool = zone_pool_new_from(base->line);
	zone_reuse_init(&builder->names.reuse, base->names.root, base->line->ttls);
	zone_reuse_init(&builder->hashes.reuse, base->hashes.root, base->line->ttls);
	return builder;
}

/* ---- leaves ---- */

/* Puts a leaf, whose first key this is, behind the others. */
static void leaf_put_ref(struct leaves *leaves, const struct zone_page *page, const uint8_t *first, size_t first_len)
{
	struct zone_ref ref = {.page = page};
	if (leaves->refs.count > 0) {
		size_t len = zone_separator_len(leaves->last_key, leaves->last_key_len, first, first_len);
		ref.separator = arena_copy(&leaves->separators, first, len);
		ref.separator_len = (uint16_t)len;
	}
	zone_refs_add(&leaves->refs, ref);
}

static void leaf_write(struct zone_builder *builder, struct leaves *leaves)
{
	if (leaves->item_count == 0) {
		return;
	}
	const struct zone_item *first = &leaves->items[0];
	const struct zone_item *last = &leaves->items[leaves->item_count - 1];
	struct zone_page *page = zone_page_write(leaves->items, leaves->item_count, 0, builder->version->number);
	builder->bytes += page->block.size;
	leaf_put_ref(leaves, page, first->key, first->key_len);
	memcpy(leaves->last_key, last->key, last->key_len);
	leaves->last_key_len = last->key_len;
	leaves->item_count = 0;
	leaves->run = (struct zone_run){0};
	arena_reset(&leaves->arena);
}

static void leaf_add(struct zone_builder *builder, struct leaves *leaves, const struct zone_item *item)
{
	struct zone_run with = leaves->run;
	zone_run_add(&with, item);
	if (!zone_run_fits(&with)) {
		leaf_write(builder, leaves);
	}
	struct zone_item kept = *item;
	kept.key = arena_copy(&leaves->arena, item->key, item->key_len);
	kept.body = arena_copy(&leaves->arena, item->body, item->body_len);
	zone_run_add(&leaves->run, &kept);
	memory_reserve((void **)&leaves->items, &leaves->item_capacity, leaves->item_count + 1, sizeof kept);
	leaves->items[leaves->item_count++] = kept;
}

/* Labels of the topmost cut above a key, -1: none. Keys come in order, so the last cut seen is the one that counts as
 * long as what comes is below it. */
static int cut_above(struct leaves *leaves, const uint8_t *key, size_t len)
{
	leaves->below = leaves->below && zone_key_has_prefix(key, len, leaves->cut_key, leaves->cut_len);
	return leaves->below ? leaves->cut_labels : -1;
}

static void pass_cut(struct leaves *leaves, const struct zone_item *item)
{
	if (!leaves->below && (item->body[0] & (ZONE_BODY_CUT | ZONE_BODY_DNAME)) != 0) {
		leaves->below = true;
		leaves->cut_len = item->key_len;
		leaves->cut_labels = item->body[1];
		memcpy(leaves->cut_key, item->key, item->key_len);
	}
}

/* Puts a body, that knows no cut or another one, behind the last entry. */
static void leaf_put(struct zone_builder *builder, struct stream *stream, struct zone_item item)
{
	struct leaves *leaves = &stream->leaves;
	bool in_hashes = stream->in_hashes;
	int cut = in_hashes ? -1 : cut_above(leaves, item.key, item.key_len);
	struct zone_body body;
	zone_body_read(item.body, &body);
	int known = (body.flags & ZONE_BODY_BELOW) != 0 ? body.cut_labels : -1;
	if (cut != known) {
		struct zone_buffer *out = &builder->recut;
		out->len = 0;
		zone_body_put_start(out, body.flags, body.labels, cut, body.case_bits, body.rrset_count);
		zone_buffer_add(out, body.rrsets, item.body_len - (size_t)(body.rrsets - item.body));
		item.body = out->bytes;
		item.body_len = (uint32_t)out->len;
	}
	zone_counts_add(&stream->counts, item.body, builder->line->ttls, item.key, item.key_len, in_hashes, 1);
	leaf_add(builder, leaves, &item);
	if (!in_hashes) {
		pass_cut(leaves, &item);
	}
}

/* ---- the present owner ---- */

static void owner_sort(struct stream *stream)
{
	memory_reserve((void **)&stream->sorted, &stream->sorted_capacity, stream->delta_count, sizeof *stream->sorted);
	for (size_t i = 0; i < stream->delta_count; i++) {
		stream->sorted[i] = &stream->deltas[i];
	}
	zone_deltas_sort(stream->sorted, stream->delta_count);
}

static void free_blocks(struct zone_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		free((void *)(uintptr_t)blocks->list[i]);
	}
	blocks->count = 0;
}

/* What is no longer referred to: blobs of this build go, those of the base are retired with it. */
static void settle_retired(struct zone_builder *builder)
{
	for (size_t i = 0; i < builder->retired.count; i++) {
		const struct zone_block *block = builder->retired.list[i];
		if (block->birth == builder->version->number) {
			builder->bytes -= block->size;
			free((void *)(uintptr_t)block);
		} else {
			builder->bytes_retired += block->size;
			zone_blocks_add(&builder->version->retired, block);
		}
	}
	builder->retired.count = 0;
}

/* What became of an owner's RRs goes into builder->body, without a cut. False: failed. */
static bool put_body(struct zone_builder *builder, const struct zone_body *old, const struct zone_item *key,
                     const struct zone_delta *const *deltas, size_t count, const uint8_t *case_bits)
{
	struct zone_editing *editing = &builder->editing;
	struct zone_edited edited;
	editing->writing.blobs.count = 0; /* those of earlier owners are referred to from bodies */
	if (!zone_edit_rrsets(editing, old, deltas, count, &edited, &builder->error)) {
		free_blocks(&editing->writing.blobs);
		builder->retired.count = 0;
		builder->failed = true;
		return false;
	}
	bool in_hashes = deltas[0]->in_hashes;
	uint8_t flags = zone_body_flags(&edited, key->key_len, in_hashes);
	builder->body.len = 0;
	zone_body_put_start(&builder->body, flags, deltas[0]->labels, -1, case_bits, edited.rrset_count);
	zone_buffer_add(&builder->body, editing->rrsets.bytes, editing->rrsets.len);
	ensure(builder->body.len <= UINT32_MAX);
	return true;
}

/* The body just made is ticked off at the base, or put aside. */
static void owner_reuse(struct zone_builder *builder, struct stream *stream, const struct zone_item *item)
{
	if (!zone_reuse_tick(&stream->reuse, item->key, item->key_len, item->body)) {
		zone_aside_put(&stream->aside, item);
		return;
	}
	struct zone_blocks *blobs = &builder->editing.writing.blobs;
	for (size_t i = 0; i < blobs->count; i++) {
		builder->bytes -= blobs->list[i]->size;
	}
	free_blocks(blobs);
}

static void owner_write(struct zone_builder *builder, struct stream *stream)
{
	struct zone_item item = {.key = stream->key.bytes, .key_len = stream->key.len};
	uint8_t room[33];
	struct zone_delta first = stream->deltas[0];
	first.key = stream->key.bytes;
	owner_sort(stream);
	if (!put_body(builder, NULL, &item, stream->sorted, stream->delta_count,
	              zone_owner_case(builder->line, &first, room))) {
		return;
	}
	item.body = builder->body.bytes;
	item.body_len = (uint32_t)builder->body.len;
	if (builder->base != NULL) {
		owner_reuse(builder, stream, &item);
		return;
	}
	bool in_order = !stream->has_last ||
	                zone_key_compare(stream->last_key, stream->last_key_len, item.key, item.key_len) < 0;
	if (!in_order) {
		zone_aside_put(&stream->aside, &item);
		return;
	}
	stream->has_last = true;
	stream->last_key_len = item.key_len;
	memcpy(stream->last_key, item.key, item.key_len);
	leaf_put(builder, stream, item);
}

static void owner_end(struct zone_builder *builder, struct stream *stream)
{
	if (stream->has_owner && !builder->failed) {
		owner_write(builder, stream);
	}
	stream->has_owner = false;
	stream->delta_count = 0;
	arena_reset(&stream->arena);
}

static void owner_add(struct stream *stream, const struct zone_delta *delta, bool same_owner)
{
	memory_reserve((void **)&stream->deltas, &stream->delta_capacity, stream->delta_count + 1, sizeof *delta);
	struct zone_delta *added = &stream->deltas[stream->delta_count];
	*added = *delta;
	added->key = stream->key.bytes;
	added->rr.rdata = arena_copy(&stream->arena, delta->rr.rdata, delta->rr.len);
	added->owner =
	        same_owner ? added[-1].owner : arena_copy(&stream->arena, delta->owner, dns_name_len(delta->owner));
	stream->delta_count++;
}

/* The owner of the last RR once more, octet by octet, and of the same tree: most RRs. */
static bool is_last_owner(const struct zone_builder *builder, const uint8_t *owner, uint16_t type)
{
	const struct stream *stream = builder->last;
	if (stream == NULL || !stream->has_owner || type == DNS_TYPE_NSEC3 || type == DNS_TYPE_RRSIG) {
		return false;
	}
	return !stream->in_hashes && dns_name_same(stream->deltas[stream->delta_count - 1].owner, owner);
}

static void owner_begin(struct zone_builder *builder, struct stream *stream, const struct zone_key *key)
{
	owner_end(builder, stream);
	stream->has_owner = true;
	stream->key.len = key->len;
	stream->key.labels = key->labels;
	memcpy(stream->key.bytes, key->bytes, key->len);
}

enum zone_add zone_builder_add(struct zone_builder *builder, const uint8_t *owner, uint16_t type, uint32_t ttl,
                               const uint8_t *rdata, size_t rdata_len)
{
	if (dns_type_is_meta(type)) {
		return ZONE_ADD_META;
	}
	ensure(rdata_len <= UINT16_MAX);
	struct zone_key key;
	struct zone_delta delta = {
	        .owner = owner,
	        .rr = {.rdata = rdata, .len = (uint32_t)rdata_len, .ttl = ttl},
	        .order = builder->order++,
	        .type = type,
	        .add = true,
	};
	if (is_last_owner(builder, owner, type)) {
		delta.key_len = builder->last->key.len;
		delta.labels = builder->last->key.labels;
		owner_add(builder->last, &delta, true);
		return ZONE_ADDED;
	}
	if (!zone_delta_place(&delta, builder->line, type, &key)) {
		return ZONE_ADD_OUTSIDE;
	}
	struct stream *stream = delta.in_hashes ? &builder->hashes : &builder->names;
	bool same_key =
	        stream->has_owner && key.len == stream->key.len && memcmp(key.bytes, stream->key.bytes, key.len) == 0;
	if (!same_key) {
		owner_begin(builder, stream, &key);
	}
	owner_add(stream, &delta, false);
	builder->last = stream;
	return ZONE_ADDED;
}

/* ---- bodies of several groups ---- */

static int compare_items(const struct zone_item *a, const struct zone_item *b)
{
	return zone_key_compare(a->key, a->key_len, b->key, b->key_len);
}

/* RRs of a body on their way into another one. */
struct collected {
	struct zone_delta *deltas;
	size_t count;
	size_t capacity;
	struct dns_name owner;
};

static void collect_part(struct collected *collected, const struct zone_item *from, uint16_t type, bool is_sig,
                         const struct zone_part *part, uint8_t labels, bool in_hashes)
{
	const uint8_t *rr = part->data;
	for (size_t i = 0; i < part->count; i++, rr += 2 + load_u16(rr)) {
		memory_reserve((void **)&collected->deltas, &collected->capacity, collected->count + 1,
		               sizeof *collected->deltas);
		collected->deltas[collected->count] = (struct zone_delta){
		        .key = from->key,
		        .key_len = from->key_len,
		        .owner = collected->owner.wire,
		        .rr = {.rdata = rr + 2, .len = load_u16(rr), .ttl = part->ttl},
		        .order = collected->count,
		        .type = type,
		        .labels = labels,
		        .is_sig = is_sig,
		        .in_hashes = in_hashes,
		        .add = true,
		};
		collected->count++;
	}
}

/* RRs of an entry, or only of those of its RRsets that were ticked where `leaf` is not NULL. */
static void collect_body(struct zone_builder *builder, const struct stream *stream, struct collected *collected,
                         const struct zone_item *from, const struct zone_reuse_leaf *leaf, size_t index)
{
	struct zone_body body;
	zone_body_read(from->body, &body);
	if (collected->count == 0) {
		zone_item_owner(builder->line, from, stream->in_hashes, &collected->owner);
	}
	const uint8_t *at = body.rrsets;
	for (size_t i = 0; i < body.rrset_count; i++) {
		struct zone_body_rrset rrset;
		at = zone_body_read_rrset(at, builder->line->ttls, &rrset);
		if (leaf == NULL || zone_reuse_has(&stream->reuse, leaf, index, i)) {
			collect_part(collected, from, rrset.type, false, &rrset.rrs, body.labels, stream->in_hashes);
			collect_part(collected, from, rrset.type, true, &rrset.sigs, body.labels, stream->in_hashes);
		}
	}
}

/* Makes a body of `old` (may be NULL) and the RRs collected. */
static bool put_collected(struct zone_builder *builder, const struct zone_body *old, const struct zone_item *key,
                          const struct collected *collected, const uint8_t *case_bits)
{
	const struct zone_delta **sorted = memory_new_array(collected->count, sizeof *sorted);
	uint8_t case_room[33];
	if (case_bits != NULL) {
		memcpy(case_room, case_bits, 1u + case_bits[0]); /* they may lie in builder->body */
		case_bits = case_room;
	}
	for (size_t i = 0; i < collected->count; i++) {
		sorted[i] = &collected->deltas[i];
	}
	zone_deltas_sort(sorted, collected->count);
	bool done = put_body(builder, old, key, sorted, collected->count, case_bits);
	free(sorted);
	return done;
}

static void retire_body(struct zone_builder *builder, const uint8_t *bytes)
{
	struct zone_body body;
	zone_body_read(bytes, &body);
	zone_retire_blobs(&builder->editing, &body);
	settle_retired(builder);
}

/* RRs that are put into a body at once: it is not written again for each of many groups, nor do all of them need room. */
#define TOGETHER_MAX 65536

/* Puts the RRs of what was put aside from `next` on under the key of `item` to those of `item`; the result lies in
 * builder->body. Where that fails, `item` stays as it was. Gives the number of the next one (U3, A1). */
static size_t put_together(struct zone_builder *builder, const struct stream *stream, struct zone_item *item,
                           size_t next)
{
	const struct zone_aside *aside = &stream->aside;
	for (;;) {
		struct collected collected = {0};
		struct zone_body old;
		size_t end = next;
		for (; end < aside->count && collected.count < TOGETHER_MAX; end++) {
			struct zone_item more = zone_aside_item(aside, end);
			if (compare_items(item, &more) != 0) {
				break;
			}
			collect_body(builder, stream, &collected, &more, NULL, 0);
		}
		if (end == next) {
			return next;
		}
		zone_body_read(item->body, &old);
		if (put_collected(builder, &old, item, &collected, old.case_bits)) {
			item->body = builder->body.bytes;
			item->body_len = (uint32_t)builder->body.len;
		}
		/* All of it has been copied, or the whole zone is refused: its blobs go either way. */
		for (; next < end; next++) {
			retire_body(builder, zone_aside_item(aside, next).body);
		}
		free(collected.deltas);
	}
}

/* ---- merging what was put aside ---- */

/* The leaves that were written while streaming, entry by entry. Each is freed when it has been passed. */
struct passing {
	struct zone_builder *builder;
	struct leaves *leaves;
	size_t page;
	size_t index;
	struct zone_item *items; /* of the present page */
	uint8_t *keys;
};

static void passing_free_page(struct passing *passing)
{
	free(passing->items);
	free(passing->keys);
	passing->items = NULL;
	passing->keys = NULL;
}

/* The next entry; false: no more. */
static bool passing_peek(struct passing *passing, struct zone_item *item)
{
	if (passing->page == passing->leaves->refs.count) {
		return false;
	}
	const struct zone_page *page = passing->leaves->refs.list[passing->page].page;
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
	const struct zone_page *page = passing->leaves->refs.list[passing->page].page;
	passing->index++;
	if (passing->index == zone_page_count(page)) {
		passing_free_page(passing);
		passing->builder->bytes -= page->block.size;
		free((void *)(uintptr_t)page);
		passing->page++;
		passing->index = 0;
	}
}

static void merge_aside(struct zone_builder *builder, struct stream *stream)
{
	struct leaves old = stream->leaves;
	struct passing passing = {.builder = builder, .leaves = &old};
	struct zone_aside *aside = &stream->aside;
	struct zone_item item;
	leaves_init(&stream->leaves);
	stream->counts = (struct zone_counts){0};
	zone_aside_sort(aside);
	size_t next = 0;
	for (;;) {
		bool passed = passing_peek(&passing, &item);
		struct zone_item other;
		int order = passed ? -1 : 1;
		if (next == aside->count && !passed) {
			break;
		}
		if (next < aside->count) {
			other = zone_aside_item(aside, next);
			zone_aside_soon(aside, next + 8);
			order = passed ? compare_items(&item, &other) : 1;
		}
		if (order > 0) {
			item = other;
			next++;
		}
		next = put_together(builder, stream, &item, next);
		leaf_put(builder, stream, item);
		if (order <= 0) {
			passing_step(&passing);
		}
	}
	leaves_deinit(&old);
}

/* ---- merging with the base ---- */

/* The state of cut_above behind an entry. */
static void set_cut_behind(struct leaves *leaves, const uint8_t *key, size_t key_len, const uint8_t *body_bytes)
{
	struct zone_body body;
	zone_body_read(body_bytes, &body);
	leaves->below = false;
	if ((body.flags & ZONE_BODY_BELOW) != 0) {
		size_t len = 0;
		for (uint8_t labels = 0; labels < body.cut_labels; len++) {
			labels = (uint8_t)(labels + (key[len] == 0)); /* K3 */
		}
		leaves->below = true;
		leaves->cut_len = len;
		leaves->cut_labels = body.cut_labels;
		memcpy(leaves->cut_key, key, len);
		return;
	}
	struct zone_item item = {.key = key, .key_len = (uint16_t)key_len, .body = body_bytes};
	pass_cut(leaves, &item);
}

/* Does a leaf of the base stand under the same cut as before? Then so do all of its entries: a cut that begins within the
 * leaf is the same as before, and one from before it is above its first entry too. */
static bool same_cut(struct stream *stream, const struct zone_page *page, const uint8_t *key, size_t len)
{
	struct zone_body body;
	zone_body_read(zone_page_body(page, 0), &body);
	int before = (body.flags & ZONE_BODY_BELOW) != 0 ? body.cut_labels : -1;
	return stream->in_hashes || cut_above(&stream->leaves, key, len) == before;
}

/* A step through the base's leaves beside what was put aside. */
struct rejoining {
	struct zone_builder *builder;
	struct stream *stream;
	size_t next; /* of what was put aside */
};

static bool is_before(const struct zone_item *item, const uint8_t *key, size_t len)
{
	return zone_key_compare(item->key, item->key_len, key, len) < 0;
}

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
	const struct stream *stream = rejoining->stream;
	if (rejoining->next == stream->aside.count) {
		return true;
	}
	if (leaf + 1 == stream->reuse.leaves + stream->reuse.leaf_count) {
		return false;
	}
	uint8_t key[ZONE_KEY_MAX];
	size_t len = zone_page_key(leaf[1].page, 0, key);
	struct zone_item item = zone_aside_item(&stream->aside, rejoining->next);
	return !is_before(&item, key, len);
}

static bool share_leaf(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf)
{
	struct stream *stream = rejoining->stream;
	struct leaves *leaves = &stream->leaves;
	const struct zone_page *page = leaf->page;
	uint8_t first[ZONE_KEY_MAX];
	size_t first_len = zone_page_key(page, 0, first);
	if (!nothing_between(rejoining, leaf) || !all_ticked(&stream->reuse, leaf) ||
	    !same_cut(stream, page, first, first_len)) {
		return false;
	}
	leaf_write(rejoining->builder, leaves);
	leaf_put_ref(leaves, page, first, first_len);
	for (size_t i = 0; i < zone_page_count(page); i++) {
		leaves->last_key_len = zone_page_key(page, i, leaves->last_key);
		zone_counts_add(&stream->counts, zone_page_body(page, i), rejoining->builder->line->ttls,
		                leaves->last_key, leaves->last_key_len, stream->in_hashes, 1);
	}
	if (!stream->in_hashes) {
		set_cut_behind(leaves, leaves->last_key, leaves->last_key_len,
		               zone_page_body(page, zone_page_count(page) - 1));
	}
	return true;
}

/* What was put aside under this key, put together, and with `item` (body NULL: nothing there). */
static void join_aside(struct rejoining *rejoining, struct zone_item *item)
{
	const struct zone_aside *aside = &rejoining->stream->aside;
	if (item->body == NULL) {
		if (rejoining->next == aside->count) {
			return;
		}
		struct zone_item first = zone_aside_item(aside, rejoining->next);
		if (compare_items(item, &first) != 0) {
			return;
		}
		*item = first;
		rejoining->next++;
	}
	rejoining->next = put_together(rejoining->builder, rejoining->stream, item, rejoining->next);
}

/* What was put aside and belongs before this key; NULL: all that is left. */
static void put_aside_before(struct rejoining *rejoining, const struct zone_item *before)
{
	struct zone_aside *aside = &rejoining->stream->aside;
	while (rejoining->next < aside->count) {
		struct zone_item item = zone_aside_item(aside, rejoining->next);
		if (before != NULL && compare_items(&item, before) >= 0) {
			return;
		}
		item.body = NULL;
		join_aside(rejoining, &item);
		leaf_put(rejoining->builder, rejoining->stream, item);
	}
}

/* Makes a body of the RRsets of an entry that were ticked. Its blobs, copied, are retired. */
static void take_ticked(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf, size_t index,
                        struct zone_item *item)
{
	struct zone_builder *builder = rejoining->builder;
	struct collected collected = {0};
	struct zone_body body;
	zone_body_read(item->body, &body);
	collect_body(builder, rejoining->stream, &collected, item, leaf, index);
	bool done = put_collected(builder, NULL, item, &collected, body.case_bits);
	retire_body(builder, item->body);
	item->body = done ? builder->body.bytes : NULL;
	item->body_len = (uint32_t)builder->body.len;
	free(collected.deltas);
}

static void rejoin_entry(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf, size_t index,
                         struct zone_item item)
{
	put_aside_before(rejoining, &item);
	switch (zone_reuse_kind(&rejoining->stream->reuse, leaf, index, item.body)) {
	case ZONE_REUSE_NONE:
		retire_body(rejoining->builder, item.body);
		item.body = NULL;
		break;
	case ZONE_REUSE_SOME:
		take_ticked(rejoining, leaf, index, &item);
		break;
	case ZONE_REUSE_ALL:
		break;
	}
	join_aside(rejoining, &item);
	if (item.body != NULL) {
		leaf_put(rejoining->builder, rejoining->stream, item);
	}
}

static void retire_page(struct zone_builder *builder, const struct zone_page *page)
{
	builder->bytes_retired += page->block.size;
	zone_blocks_add(&builder->version->retired, &page->block);
}

/* The leaf does not stay: its entries go where they belong now. */
static void rejoin_leaf(struct rejoining *rejoining, const struct zone_reuse_leaf *leaf)
{
	size_t count = zone_page_count(leaf->page);
	struct zone_item *items = memory_new_array(count, sizeof *items);
	uint8_t *keys = memory_new_array(zone_page_keys_size(leaf->page), 1);
	zone_page_items(leaf->page, items, keys);
	for (size_t i = 0; i < count; i++) {
		rejoin_entry(rejoining, leaf, i, items[i]);
	}
	retire_page(rejoining->builder, leaf->page);
	free(items);
	free(keys);
}

static void retire_inner(struct zone_builder *builder, const struct zone_page *page)
{
	for (size_t i = 0; page->level > 1 && i < zone_page_count(page); i++) {
		retire_inner(builder, zone_page_child(page, i));
	}
	if (page->level > 0) {
		retire_page(builder, page);
	}
}

static void rejoin(struct zone_builder *builder, struct stream *stream)
{
	struct rejoining rejoining = {.builder = builder, .stream = stream};
	zone_aside_sort(&stream->aside);
	for (size_t i = 0; i < stream->reuse.leaf_count; i++) {
		const struct zone_reuse_leaf *leaf = &stream->reuse.leaves[i];
		if (!share_leaf(&rejoining, leaf)) {
			rejoin_leaf(&rejoining, leaf);
		}
	}
	put_aside_before(&rejoining, NULL);
	if (stream->reuse.root != NULL) {
		retire_inner(builder, stream->reuse.root);
	}
}

/* ---- the end ---- */

static void stream_end(struct zone_builder *builder, struct stream *stream, struct zone_tree *tree)
{
	owner_end(builder, stream);
	leaf_write(builder, &stream->leaves);
	if (builder->base != NULL) {
		rejoin(builder, stream);
		leaf_write(builder, &stream->leaves);
		zone_aside_deinit(&stream->aside);
	} else if (stream->aside.count > 0) {
		merge_aside(builder, stream);
		leaf_write(builder, &stream->leaves);
		zone_aside_deinit(&stream->aside);
	}
	tree->root = zone_tree_over(&stream->leaves.refs, builder->version->number, &builder->bytes);
}

static bool finish(struct zone_builder *builder, struct zone_snapshot *version, struct error *error)
{
	stream_end(builder, &builder->names, &version->names);
	stream_end(builder, &builder->hashes, &version->hashes);
	builder->bytes += builder->editing.writing.blob_bytes;
	if (builder->failed) {
		if (error != NULL) {
			*error = builder->error;
		}
		return false;
	}
	return zone_tree_has_one_soa(version->names.root, builder->line->ttls, error);
}

static void builder_free(struct zone_builder *builder)
{
	stream_deinit(&builder->names);
	stream_deinit(&builder->hashes);
	zone_pool_free(builder->editing.writing.pool);
	zone_editing_free(&builder->editing);
	zone_buffer_free(&builder->body);
	zone_buffer_free(&builder->recut);
	free(builder->retired.list);
	zone_unref(builder->base);
	free(builder);
}

static struct zone_counts counts_sum(const struct zone_counts *a, const struct zone_counts *b)
{
	return (struct zone_counts){
	        .records = a->records + b->records,
	        .names = a->names + b->names,
	        .wildcards = a->wildcards + b->wildcards,
	        .cuts = a->cuts + b->cuts,
	        .stars = a->stars + b->stars,
	        .nsec3s = a->nsec3s + b->nsec3s,
	};
}

static void describe_bytes(const struct zone_builder *builder, struct zone_snapshot *version)
{
	struct zone_line *line = builder->line;
	if (builder->base != NULL) {
		version->bytes_own = builder->bytes + sizeof *version;
		version->bytes = builder->base->bytes + builder->bytes - builder->bytes_retired;
		return;
	}
	version->bytes = builder->bytes + sizeof *version + sizeof *line + line->shared_bytes;
	version->bytes_own = version->bytes;
	line->first_bytes = version->bytes;
	line->first_records = version->counts.records;
}

struct zone_snapshot *zone_builder_finish(struct zone_builder *take, struct zone_build_report *report,
                                          struct error *error)
{
	struct zone_snapshot *version = take->version;
	if (!finish(take, version, error)) {
		zone_builder_free(take);
		return NULL;
	}
	take->line->ttls_closed = true;
	version->counts = counts_sum(&take->names.counts, &take->hashes.counts);
	describe_bytes(take, version);
	zone_version_describe(version, true);
	zone_version_link(version, (struct zone_snapshot *)(uintptr_t)take->base);
	if (report != NULL) {
		*report = take->editing.report;
	}
	builder_free(take);
	return version;
}

void zone_builder_free(struct zone_builder *take)
{
	if (take == NULL) {
		return;
	}
	/* Whatever was made is in the trees by now, or is put there, where it can be found and freed. */
	struct zone_snapshot *version = take->version;
	if (version->names.root == NULL && version->hashes.root == NULL) {
		stream_end(take, &take->names, &version->names);
		stream_end(take, &take->hashes, &version->hashes);
	}
	zone_tree_free(version->names.root, take->line->ttls, version->number - 1);
	zone_tree_free(version->hashes.root, take->line->ttls, version->number - 1);
	zone_version_discard(version);
	builder_free(take);
}
