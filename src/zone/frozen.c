/* SPDX-License-Identifier: MIT */
/* A version as octets: its blocks as they lie in memory, with offsets in the place of pointers. Taking it back is reading
 * it and adding where it lies to each of them, whatever the number of records.
 *
 * The octets, in the byte order of the machine, offsets from their start:
 *
 *     0   8  "TZONE 1" and the octet 1 of a number in the machine's order: octets of another kind of machine are none
 *     8      the blocks (page_internal.h), each at a multiple of 8 and behind all that it points to: the shared blobs, then
 *            names and hashes from the leaves up, each leaf behind its own blobs. Births are 1. Behind a leaf:
 *              4    how many pointers it has
 *              2 *  their positions in it (4 * in a leaf of more than 65535 octets)
 *            chains  each a struct zone_chain
 *            struct frozen_end
 *
 * F1  A block lies behind everything that it points to, so offsets lead backwards.
 * F2  Whoever keeps octets sees to it that they come back as they were: of what is damaged only offsets that lead out of
 *     the octets are noticed here. */
#include <stdlib.h>

#include "base/memory.h"
#include "zone/apply_internal.h"
#include "zone/tree_internal.h"
#include "zone/version_internal.h"

#define MAGIC_SIZE 8
#define ALIGNMENT  8

struct frozen_end {
	uint64_t size; /* of all, this included */
	uint64_t blocks_end;
	uint64_t shared_end; /* behind the shared blobs */
	uint64_t names;      /* root; 0: none */
	uint64_t hashes;
	struct zone_counts counts;
	uint64_t bytes;
	uint64_t first_bytes;
	uint64_t first_records;
	uint64_t chain_count;
	uint32_t ttls[ZONE_TTLS_MAX];
	uint32_t ttl_count;
};

static void put_magic(uint8_t out[MAGIC_SIZE])
{
	const uint16_t order = 0x3101;
	memcpy(out, "TZONE ", 6);
	memcpy(out + 6, &order, sizeof order);
}

/* Places of pointers in one leaf. */
struct places {
	uint32_t *list;
	size_t count;
	size_t capacity;
};

static void add_place(struct places *places, const uint8_t *leaf, const uint8_t *at)
{
	memory_reserve((void **)&places->list, &places->capacity, places->count + 1, sizeof *places->list);
	places->list[places->count++] = (uint32_t)(at - leaf);
}

/* A part's pointer is the last of its octets. */
static const uint8_t *find_pointer(const uint8_t *at, const uint32_t *ttls, const uint8_t *leaf, struct places *places,
                                   struct zone_part *part)
{
	at = zone_part_read(at, ttls, part);
	if (part->blob != NULL) {
		add_place(places, leaf, at - sizeof part->blob);
	}
	return at;
}

static void find_pointers(const struct zone_page *leaf, const uint32_t *ttls, struct places *places)
{
	places->count = 0;
	for (size_t i = 0; i < zone_page_count(leaf); i++) {
		struct zone_body body;
		zone_body_read(zone_page_body(leaf, i), &body);
		const uint8_t *at = body.rrsets;
		for (uint16_t r = 0; r < body.rrset_count; r++) {
			uint16_t type;
			struct zone_part part;
			at = zone_body_read_type(at, &type);
			at = find_pointer(at, ttls, (const uint8_t *)leaf, places, &part);
			if (part.signatures_follow) {
				at = find_pointer(at, ttls, (const uint8_t *)leaf, places, &part);
			}
		}
	}
}

/* ---- freezing ---- */

/* Where the shared blobs went, by their addresses. */
struct moved {
	const struct zone_block *block;
	uint64_t offset;
};

struct freezing {
	struct zone_octets *out;
	const struct zone_line *line;
	uint64_t len; /* octets so far */
	struct moved *moved;
	size_t moved_mask;
	struct places places;
	struct zone_buffer block; /* a copy that is changed */
};

static void put(struct freezing *freezing, const void *bytes, size_t len)
{
	freezing->out->write(freezing->out, bytes, len);
	freezing->len += len;
}

static void align(struct freezing *freezing)
{
	static const uint8_t zeros[ALIGNMENT];
	put(freezing, zeros, -freezing->len % ALIGNMENT);
}

static struct moved *moved_place(const struct freezing *freezing, const struct zone_block *block)
{
	size_t at = ((uintptr_t)block >> 3) * 0x9e3779b97f4a7c15u >> 20;
	while (freezing->moved[at & freezing->moved_mask].block != NULL &&
	       freezing->moved[at & freezing->moved_mask].block != block) {
		at++;
	}
	return &freezing->moved[at & freezing->moved_mask];
}

/* A copy of the block, to be changed. */
static uint8_t *copy_block(struct freezing *freezing, const struct zone_block *block)
{
	freezing->block.len = 0;
	zone_buffer_add(&freezing->block, block, block->size);
	((struct zone_block *)(void *)freezing->block.bytes)->birth = 1;
	return freezing->block.bytes;
}

/* Gives where it went. */
static uint64_t put_copy(struct freezing *freezing)
{
	align(freezing);
	uint64_t offset = freezing->len;
	put(freezing, freezing->block.bytes, freezing->block.len);
	return offset;
}

static uint64_t put_blob(struct freezing *freezing, const struct zone_block *blob)
{
	copy_block(freezing, blob);
	return put_copy(freezing);
}

static void put_shared(struct freezing *freezing)
{
	const struct zone_blocks *shared = &freezing->line->shared;
	size_t room = 16;
	while (room < 2 * shared->count) {
		room *= 2;
	}
	freezing->moved = memory_new_array(room, sizeof *freezing->moved);
	freezing->moved_mask = room - 1;
	for (size_t i = 0; i < shared->count; i++) {
		*moved_place(freezing, shared->list[i]) =
		        (struct moved){.block = shared->list[i], .offset = put_blob(freezing, shared->list[i])};
	}
}

static void put_places(struct freezing *freezing, uint32_t leaf_size)
{
	uint32_t count = (uint32_t)freezing->places.count;
	align(freezing);
	put(freezing, &count, sizeof count);
	for (size_t i = 0; i < count; i++) {
		uint16_t place = (uint16_t)freezing->places.list[i];
		if (leaf_size > UINT16_MAX) {
			put(freezing, &freezing->places.list[i], 4);
		} else {
			put(freezing, &place, sizeof place);
		}
	}
}

static uint64_t put_leaf(struct freezing *freezing, const struct zone_page *leaf)
{
	find_pointers(leaf, freezing->line->ttls, &freezing->places);
	/* Its own blobs come before it (F1), so all offsets are known before it is copied. */
	uint64_t *offsets = memory_new_array(freezing->places.count, sizeof *offsets);
	for (size_t i = 0; i < freezing->places.count; i++) {
		const struct zone_block *blob;
		memcpy(&blob, (const uint8_t *)leaf + freezing->places.list[i], sizeof blob);
		const struct moved *shared = moved_place(freezing, blob);
		offsets[i] = shared->block != NULL ? shared->offset : put_blob(freezing, blob);
	}
	uint8_t *copy = copy_block(freezing, &leaf->block);
	for (size_t i = 0; i < freezing->places.count; i++) {
		memcpy(copy + freezing->places.list[i], &offsets[i], sizeof offsets[i]);
	}
	free(offsets);
	uint64_t offset = put_copy(freezing);
	put_places(freezing, leaf->block.size);
	return offset;
}

/* NULL: 0. */
static uint64_t put_tree(struct freezing *freezing, const struct zone_page *page)
{
	if (page == NULL) {
		return 0;
	}
	if (page->level == 0) {
		return put_leaf(freezing, page);
	}
	size_t count = zone_page_count(page);
	uint64_t *offsets = memory_new_array(count, sizeof *offsets);
	for (size_t i = 0; i < count; i++) {
		offsets[i] = put_tree(freezing, zone_page_child(page, i));
	}
	uint8_t *copy = copy_block(freezing, &page->block);
	memcpy(copy + (zone_page_children(page) - (const uint8_t *)page), offsets, count * sizeof *offsets);
	free(offsets);
	return put_copy(freezing);
}

void zone_freeze(const struct zone_snapshot *zone, struct zone_octets *out)
{
	struct freezing freezing = {.out = out, .line = zone->line};
	struct frozen_end end = {.counts = zone->counts, .bytes = zone->bytes, .chain_count = zone->chain_count};
	uint8_t magic[MAGIC_SIZE];
	_Static_assert(sizeof(void *) == sizeof(uint64_t), "an offset takes the place of a pointer");
	put_magic(magic);
	put(&freezing, magic, sizeof magic);
	put_shared(&freezing);
	end.shared_end = freezing.len;
	end.names = put_tree(&freezing, zone->names.root);
	end.hashes = put_tree(&freezing, zone->hashes.root);
	align(&freezing);
	end.blocks_end = freezing.len;
	put(&freezing, zone->chains, zone->chain_count * sizeof *zone->chains);
	align(&freezing);
	end.first_bytes = zone->line->first_bytes;
	end.first_records = zone->line->first_records;
	end.ttl_count = zone->line->ttl_count;
	memcpy(end.ttls, zone->line->ttls, sizeof end.ttls);
	end.size = freezing.len + sizeof end;
	put(&freezing, &end, sizeof end);
	free(freezing.moved);
	free(freezing.places.list);
	zone_buffer_free(&freezing.block);
}

/* ---- thawing ---- */

struct thawing {
	uint8_t *octets;
	struct frozen_end end;
	uint64_t at; /* of the block that is next */
	bool failed;
};

/* An offset becomes a pointer, in place, to a block of this kind (F1). */
static void point(struct thawing *thawing, uint8_t *place, enum zone_block_kind kind)
{
	uint64_t offset;
	memcpy(&offset, place, sizeof offset);
	if (offset < MAGIC_SIZE || offset >= thawing->at || offset % ALIGNMENT != 0) {
		thawing->failed = true;
		return;
	}
	const struct zone_block *block = (const struct zone_block *)(const void *)(thawing->octets + offset);
	thawing->failed = thawing->failed || block->kind != (uint8_t)kind;
	memcpy(place, &block, sizeof block);
}

static uint64_t aligned(uint64_t at)
{
	return (at + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static bool is_within(const struct thawing *thawing, uint64_t at, uint64_t len)
{
	return at <= thawing->end.blocks_end && len <= thawing->end.blocks_end - at;
}

/* Gives where its list of places ends. */
static uint64_t thaw_leaf(struct thawing *thawing, struct zone_page *leaf)
{
	uint64_t at = aligned(thawing->at + leaf->block.size);
	uint32_t count;
	size_t width = leaf->block.size > UINT16_MAX ? 4 : 2;
	if (!is_within(thawing, at, sizeof count)) {
		thawing->failed = true;
		return at;
	}
	memcpy(&count, thawing->octets + at, sizeof count);
	at += sizeof count;
	if (!is_within(thawing, at, (uint64_t)count * width)) {
		thawing->failed = true;
		return at;
	}
	for (uint32_t i = 0; i < count; i++, at += width) {
		uint32_t place = 0;
		uint16_t narrow;
		memcpy(&narrow, thawing->octets + at, sizeof narrow);
		memcpy(&place, thawing->octets + at, width == 4 ? 4 : 0);
		place = width == 4 ? place : narrow;
		if (place + sizeof(uint64_t) > leaf->block.size) {
			thawing->failed = true;
			return at;
		}
		point(thawing, (uint8_t *)leaf + place, ZONE_BLOCK_BLOB);
	}
	return at;
}

static uint64_t thaw_inner(struct thawing *thawing, struct zone_page *page)
{
	size_t count = zone_page_count(page);
	size_t children = (size_t)(zone_page_children(page) - (const uint8_t *)page);
	if (children + count * sizeof(uint64_t) > page->block.size) {
		thawing->failed = true;
		return thawing->at;
	}
	for (size_t i = 0; i < count; i++) {
		point(thawing, (uint8_t *)page + children + i * sizeof(uint64_t), ZONE_BLOCK_PAGE);
	}
	return thawing->at + page->block.size;
}

static void thaw_block(struct thawing *thawing, struct zone_line *line)
{
	struct zone_page *page = (struct zone_page *)(void *)(thawing->octets + thawing->at);
	if (!is_within(thawing, thawing->at, sizeof *page) || page->block.size < sizeof *page ||
	    !is_within(thawing, thawing->at, page->block.size)) {
		thawing->failed = true;
		return;
	}
	uint64_t end = thawing->at + page->block.size;
	if (page->block.kind == ZONE_BLOCK_PAGE) {
		end = page->level == 0 ? thaw_leaf(thawing, page) : thaw_inner(thawing, page);
	} else if (thawing->at < thawing->end.shared_end) {
		zone_blocks_add(&line->shared, &page->block);
		line->shared_bytes += page->block.size;
	}
	thawing->at = aligned(end);
}

static const struct zone_page *root_at(struct thawing *thawing, uint64_t offset)
{
	if (offset == 0) {
		return NULL;
	}
	uint8_t place[sizeof(uint64_t)];
	const struct zone_page *root = NULL;
	memcpy(place, &offset, sizeof offset);
	point(thawing, place, ZONE_BLOCK_PAGE);
	if (!thawing->failed) {
		memcpy(&root, place, sizeof root);
	}
	return root;
}

static bool read_end(struct thawing *thawing, size_t len)
{
	uint8_t magic[MAGIC_SIZE];
	put_magic(magic);
	if (len < MAGIC_SIZE + sizeof thawing->end || memcmp(thawing->octets, magic, sizeof magic) != 0) {
		return false;
	}
	memcpy(&thawing->end, thawing->octets + len - sizeof thawing->end, sizeof thawing->end);
	uint64_t room = len - sizeof thawing->end;
	return thawing->end.size == len && thawing->end.blocks_end <= room &&
	       thawing->end.chain_count <= ZONE_CHAINS_MAX &&
	       thawing->end.chain_count * sizeof(struct zone_chain) <= room - thawing->end.blocks_end &&
	       thawing->end.ttl_count <= ZONE_TTLS_MAX;
}

static void describe(const struct thawing *thawing, struct zone_snapshot *version)
{
	struct zone_line *line = version->line;
	struct zone_chain chains[ZONE_CHAINS_MAX];
	memcpy(chains, thawing->octets + thawing->end.blocks_end, thawing->end.chain_count * sizeof *chains);
	memcpy(line->ttls, thawing->end.ttls, sizeof line->ttls);
	line->ttl_count = (uint8_t)thawing->end.ttl_count;
	line->ttls_closed = true;
	line->first_bytes = thawing->end.first_bytes;
	line->first_records = thawing->end.first_records;
	version->counts = thawing->end.counts;
	version->bytes = thawing->end.bytes;
	version->bytes_own = thawing->end.bytes;
	zone_version_set_chains(version, chains, thawing->end.chain_count);
}

const struct zone_snapshot *zone_thaw(uint8_t *take, size_t offset, size_t len, const uint8_t *apex, uint16_t class,
                                      struct error *error)
{
	struct zone_line *line = zone_line_new(apex, class);
	struct zone_snapshot *version = zone_version_new(line);
	struct thawing thawing = {.octets = take + offset, .at = MAGIC_SIZE};
	line->held = (struct zone_held){.memory = take, .from = take + offset, .to = take + offset + len};
	thawing.failed = !read_end(&thawing, len);
	while (!thawing.failed && thawing.at < thawing.end.blocks_end) {
		thaw_block(&thawing, line);
	}
	if (!thawing.failed) {
		version->names.root = root_at(&thawing, thawing.end.names);
		version->hashes.root = root_at(&thawing, thawing.end.hashes);
	}
	if (thawing.failed || !zone_tree_has_one_soa(version->names.root, thawing.end.ttls, error)) {
		zone_version_discard(version);
		error_set(error, ERROR_INVALID, "it is no version as this machine writes them");
		return NULL;
	}
	describe(&thawing, version);
	zone_version_describe(version, false);
	zone_version_link(version, NULL);
	return version;
}
