/* SPDX-License-Identifier: MIT */
#include "zone/body_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "zone/pool_internal.h"
#include "zone/version_internal.h"

uint8_t *zone_buffer_room(struct zone_buffer *buffer, size_t len)
{
	memory_reserve((void **)&buffer->bytes, &buffer->capacity, buffer->len + len, 1);
	uint8_t *room = buffer->bytes + buffer->len;
	buffer->len += len;
	return room;
}

void zone_buffer_add(struct zone_buffer *buffer, const void *bytes, size_t len)
{
	if (len > 0) {
		memcpy(zone_buffer_room(buffer, len), bytes, len);
	}
}

void zone_buffer_free(struct zone_buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct zone_buffer){0};
}

void zone_blocks_add(struct zone_blocks *blocks, const struct zone_block *block)
{
	memory_reserve((void **)&blocks->list, &blocks->capacity, blocks->count + 1, sizeof *blocks->list);
	blocks->list[blocks->count++] = block;
}

/* ---- RRs ---- */

int zone_rr_compare(uint16_t type, const struct zone_rr *a, const struct zone_rr *b)
{
	if (dns_type_has_names(type)) {
		return dns_rdata_compare(type, a->rdata, a->len, b->rdata, b->len);
	}
	return zone_key_compare(a->rdata, a->len, b->rdata, b->len);
}

/* ---- parts ---- */

void zone_body_put_type(struct zone_buffer *out, uint16_t type)
{
	/* RRSIGs that cover type 0 exist: nothing forbids a primary to send them. */
	if (type >= 1 && type <= 255) {
		*zone_buffer_room(out, 1) = (uint8_t)type;
		return;
	}
	*zone_buffer_room(out, 1) = 0;
	zone_buffer_add(out, &type, 2);
}

/* Form and TTL. */
static void put_form(struct zone_buffer *out, struct zone_writing *writing, unsigned place, unsigned count,
                     uint32_t ttl, bool signatures_follow)
{
	unsigned ttl_number = zone_line_ttl_number(writing->line, ttl);
	unsigned form = place | count << 2 | ttl_number << 4 | (signatures_follow ? 0x80u : 0);
	*zone_buffer_room(out, 1) = (uint8_t)form;
	if (ttl_number == 0) {
		zone_buffer_add(out, &ttl, 4);
	}
}

/* A part whose RRs are in a blob. */
static void put_reference(struct zone_buffer *out, struct zone_writing *writing, uint8_t place,
                          const struct zone_blob *blob, uint32_t ttl, bool signatures_follow)
{
	unsigned count = blob->block.count;
	put_form(out, writing, place, place == ZONE_PLACE_SHARED && count <= 3 ? count : 0, ttl, signatures_follow);
	zone_buffer_add(out, &blob, sizeof blob);
}

static void write_rrs(uint8_t *at, const struct zone_rr *rrs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		store_u16(at, (uint16_t)rrs[i].len);
		if (rrs[i].len > 0) {
			memcpy(at + 2, rrs[i].rdata, rrs[i].len);
		}
		at += 2 + rrs[i].len;
	}
}

struct zone_blob *zone_blob_new(uint64_t birth, size_t count, size_t len)
{
	size_t size = sizeof(struct zone_blob) + len;
	ensure(size <= UINT32_MAX && count <= UINT16_MAX);
	struct zone_blob *blob = memory_new(size);
	blob->block = (struct zone_block){
	        .birth = birth, .size = (uint32_t)size, .kind = ZONE_BLOCK_BLOB, .count = (uint16_t)count};
	blob->len = (uint32_t)len;
	return blob;
}

static void put_blob(struct zone_buffer *out, struct zone_writing *writing, const struct zone_rr *rrs, size_t count,
                     size_t len, uint32_t ttl, bool signatures_follow)
{
	struct zone_blob *blob = zone_blob_new(writing->birth, count, len);
	write_rrs(blob->bytes, rrs, count);
	zone_blocks_add(&writing->blobs, &blob->block);
	writing->blob_bytes += blob->block.size;
	put_reference(out, writing, ZONE_PLACE_BLOB, blob, ttl, signatures_follow);
}

static void put_here(struct zone_buffer *out, struct zone_writing *writing, size_t count, size_t len, uint32_t ttl,
                     bool signatures_follow)
{
	if (count <= 3) {
		put_form(out, writing, ZONE_PLACE_HERE, (unsigned)count, ttl, signatures_follow);
		return;
	}
	uint16_t short_count = (uint16_t)count;
	uint16_t short_len = (uint16_t)len;
	put_form(out, writing, ZONE_PLACE_LONG, 0, ttl, signatures_follow);
	zone_buffer_add(out, &short_count, 2);
	zone_buffer_add(out, &short_len, 2);
}

void zone_body_put_part(struct zone_buffer *out, struct zone_writing *writing, uint16_t type, const struct zone_rr *rrs,
                        size_t count, uint32_t ttl, bool signatures_follow)
{
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		len += 2 + (size_t)rrs[i].len;
	}
	if (len > ZONE_PART_INLINE_MAX) {
		put_blob(out, writing, rrs, count, len, ttl, signatures_follow);
		return;
	}
	size_t start = out->len;
	put_here(out, writing, count, len, ttl, signatures_follow);
	uint8_t *octets = zone_buffer_room(out, len);
	write_rrs(octets, rrs, count);
	if (writing->pool == NULL || !zone_pool_wants(type, len)) {
		return;
	}
	const struct zone_blob *shared = zone_pool_share(writing->pool, count, octets, len);
	if (shared != NULL) {
		out->len = start;
		put_reference(out, writing, ZONE_PLACE_SHARED, shared, ttl, signatures_follow);
	}
}

void zone_body_put_same(struct zone_buffer *out, struct zone_writing *writing, const struct zone_part *part,
                        uint32_t ttl, bool signatures_follow)
{
	if (part->blob != NULL) {
		put_reference(out, writing, part->place, part->blob, ttl, signatures_follow);
		return;
	}
	put_here(out, writing, part->count, part->len, ttl, signatures_follow);
	zone_buffer_add(out, part->data, part->len);
}

void zone_body_put_start(struct zone_buffer *out, uint8_t flags, uint8_t labels, int cut_labels,
                         const uint8_t *case_bits, size_t rrset_count)
{
	flags &= (uint8_t) ~(ZONE_BODY_BELOW | ZONE_BODY_CASE);
	flags |= (uint8_t)((cut_labels >= 0 ? ZONE_BODY_BELOW : 0) | (case_bits != NULL ? ZONE_BODY_CASE : 0));
	uint8_t *at = zone_buffer_room(out, 2);
	at[0] = flags;
	at[1] = labels;
	if (cut_labels >= 0) {
		*zone_buffer_room(out, 1) = (uint8_t)cut_labels;
	}
	if (case_bits != NULL) {
		zone_buffer_add(out, case_bits, 1u + case_bits[0]);
	}
	if (rrset_count < 255) {
		*zone_buffer_room(out, 1) = (uint8_t)rrset_count;
		return;
	}
	uint16_t long_count = (uint16_t)rrset_count;
	*zone_buffer_room(out, 1) = 255;
	zone_buffer_add(out, &long_count, 2);
}

/* ---- case of owners ---- */

static bool is_letter(uint8_t octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
}

/* All letters of the first label differ in case, and nothing else does. */
static bool first_label_only(const uint8_t *owner, const uint8_t *plain, size_t len)
{
	for (size_t i = 1; i <= owner[0]; i++) {
		if (is_letter(owner[i]) && owner[i] == plain[i]) {
			return false;
		}
	}
	size_t rest = 1u + owner[0];
	return memcmp(owner + rest, plain + rest, len - rest) == 0;
}

bool zone_case_of(const uint8_t *owner, const uint8_t *plain, uint8_t out[33])
{
	size_t len = dns_name_len(owner);
	if (memcmp(owner, plain, len) == 0) {
		return false;
	}
	memset(out, 0, 33);
	if (first_label_only(owner, plain, len)) {
		return true;
	}
	for (size_t i = 0; i < len; i++) {
		if (owner[i] != plain[i]) {
			out[1 + i / 8] |= (uint8_t)(1u << i % 8);
			out[0] = (uint8_t)(i / 8 + 1);
		}
	}
	return true;
}

void zone_case_apply(const uint8_t *case_bits, struct dns_name *name)
{
	size_t octets = case_bits[0];
	if (octets == 0) {
		for (size_t i = 1; i <= name->wire[0]; i++) {
			name->wire[i] ^= is_letter(name->wire[i]) ? 0x20 : 0;
		}
		return;
	}
	for (size_t i = 0; i < octets * 8 && i < name->len; i++) {
		bool exchanged = (case_bits[1 + i / 8] >> i % 8 & 1) != 0;
		name->wire[i] ^= exchanged ? 0x20 : 0;
	}
}
