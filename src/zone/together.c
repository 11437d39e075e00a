/* SPDX-License-Identifier: MIT */
/* Bodies of one owner that came in several groups: taken apart into RRs, and made into one body at once. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "zone/apply_internal.h"
#include "zone/pack_internal.h"

/* RRs that are put into a body at once: it is not written again for each of many groups, nor do all of them need room. */
#define TOGETHER_MAX 65536

/* RRs of bodies on their way into another one. */
struct collected {
	const struct zone_packer *packer;
	bool in_hashes;
	struct zone_delta *deltas;
	size_t count;
	size_t capacity;
	struct dns_name owner;
};

static void collect_part(struct collected *collected, const struct zone_item *from, uint16_t type, bool is_sig,
                         const struct zone_part *part, uint8_t labels)
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
		        .in_hashes = collected->in_hashes,
		        .add = true,
		};
		collected->count++;
	}
}

/* RRs of an entry, or only of those of its RRsets that were ticked where `leaf` is not NULL. */
static void collect_body(struct collected *collected, const struct zone_item *from, const struct zone_reuse *reuse,
                         const struct zone_reuse_leaf *leaf, size_t index)
{
	const struct zone_line *line = collected->packer->line;
	struct zone_body body;
	zone_body_read(from->body, &body);
	if (collected->count == 0) {
		zone_item_owner(line, from, collected->in_hashes, &collected->owner);
	}
	const uint8_t *at = body.rrsets;
	for (size_t i = 0; i < body.rrset_count; i++) {
		struct zone_body_rrset rrset;
		at = zone_body_read_rrset(at, line->ttls, &rrset);
		if (leaf == NULL || zone_reuse_has(reuse, leaf, index, i)) {
			collect_part(collected, from, rrset.type, false, &rrset.rrs, body.labels);
			collect_part(collected, from, rrset.type, true, &rrset.sigs, body.labels);
		}
	}
}

/* Makes a body of `old` (may be NULL) and the RRs collected, and frees these. */
static bool pack_collected(struct zone_packer *packer, const struct zone_body *old, const struct zone_item *key,
                           struct collected *take, const uint8_t *case_bits)
{
	uint8_t case_room[33];
	if (case_bits != NULL) {
		memcpy(case_room, case_bits, 1u + case_bits[0]); /* they may lie in packer->body */
		case_bits = case_room;
	}
	bool done = zone_pack(packer, old, key, take->deltas, take->count, case_bits);
	free(take->deltas);
	return done;
}

static bool is_same_key(const struct zone_item *a, const struct zone_item *b)
{
	return a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

/* Some of what was put aside under the key of `item`, of which there is at least one. */
static size_t put_some_together(struct zone_packer *packer, const struct zone_aside *aside, bool in_hashes,
                                struct zone_item *item, size_t next)
{
	struct collected collected = {.packer = packer, .in_hashes = in_hashes};
	struct zone_body old;
	size_t end = next;
	for (; end < aside->count && collected.count < TOGETHER_MAX; end++) {
		struct zone_item more = zone_aside_item(aside, end);
		if (!is_same_key(item, &more)) {
			break;
		}
		collect_body(&collected, &more, NULL, NULL, 0);
	}
	zone_body_read(item->body, &old);
	if (pack_collected(packer, &old, item, &collected, old.case_bits)) {
		item->body = packer->body.bytes;
		item->body_len = (uint32_t)packer->body.len;
	}
	/* All of it has been copied, or the whole zone is refused: its blobs go either way. */
	for (; next < end; next++) {
		zone_pack_retire(packer, zone_aside_item(aside, next).body);
	}
	return end;
}

size_t zone_put_together(struct zone_packer *packer, const struct zone_aside *aside, bool in_hashes,
                         struct zone_item *item, size_t next)
{
	while (next < aside->count) {
		struct zone_item more = zone_aside_item(aside, next);
		if (!is_same_key(item, &more)) {
			break;
		}
		next = put_some_together(packer, aside, in_hashes, item, next);
	}
	return next;
}

void zone_pack_ticked(struct zone_packer *packer, const struct zone_reuse *reuse, const struct zone_reuse_leaf *leaf,
                      size_t index, bool in_hashes, struct zone_item *item)
{
	struct collected collected = {.packer = packer, .in_hashes = in_hashes};
	struct zone_body body;
	zone_body_read(item->body, &body);
	collect_body(&collected, item, reuse, leaf, index);
	bool done = pack_collected(packer, NULL, item, &collected, body.case_bits);
	zone_pack_retire(packer, item->body);
	item->body = done ? packer->body.bytes : NULL;
	item->body_len = done ? (uint32_t)packer->body.len : 0;
}
