/* SPDX-License-Identifier: MIT */
/* Bodies: what a leaf's entry holds besides its key.
 *
 * A body, to the byte (numbers without another word in the byte order of the machine, unaligned):
 *
 *     1        flags         ZONE_BODY_*
 *     1        labels        of the owner, relative to the apex
 *     1        cut           only with ZONE_BODY_BELOW: labels of the topmost cut or DNAME above, relative to the apex
 *     1 + n    case          only with ZONE_BODY_CASE: n, then a bit for each octet of the owner's wire form, lowest
 *                            bit first: upper and lower case are exchanged against the plain form of the key. n is 0
 *                            where the first label is all upper case and the rest is plain
 *     1 or 3   RRsets        one octet, or 255 and two octets
 *     ...                    the RRsets, ascending by type, a SOA first:
 *       1 or 3   type        one octet, or 0 and two octets
 *       ...      RRs         a part
 *       ...      signatures  a part; there if the first part says so
 *
 * A part:
 *
 *     1        form          bits 0-1 place: 0 here, 1 here and long, 2 in a blob of its own, 3 in a shared blob
 *                            bits 2-3 how many RRs; place 0: 0 to 3; place 3: 1 to 3, or 0: the blob says it; else 0
 *                            bits 4-6 TTL: 0 spelled out, else number in the line's list of TTLs, from 1
 *                            bit 7    a part with the signatures follows
 *     4        TTL           unless it is in the list
 *     2 + 2    count, octets  place 1
 *     8        pointer        places 2 and 3: the blob
 *     ...      data           places 0 and 1: each RR as length (2 octets, big-endian) and RDATA
 *
 * B1  Parts of more than ZONE_PART_INLINE_MAX octets or 65535 octets are in blobs.
 * B2  The RRs of a part are in canonical order (RFC 4034 6.3) without duplicates.
 * B3  A part without RRs is place 0 with count 0: there are only signatures. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "zone/page_internal.h"

#define ZONE_PART_INLINE_MAX 1024
#define ZONE_TTLS_MAX        7

enum {
	ZONE_BODY_CUT = 1,   /* NS here, and not the apex */
	ZONE_BODY_DNAME = 2, /* DNAME here */
	ZONE_BODY_BELOW = 4, /* below a cut or a DNAME */
	ZONE_BODY_CNAME = 8,
	ZONE_BODY_NSEC = 16,
	ZONE_BODY_CASE = 32,
	ZONE_BODY_BLOB = 64, /* some part is in a blob of its own */
};

enum { ZONE_PLACE_HERE, ZONE_PLACE_LONG, ZONE_PLACE_BLOB, ZONE_PLACE_SHARED };

struct zone_body {
	uint8_t flags;
	uint8_t labels;
	uint8_t cut_labels;       /* with ZONE_BODY_BELOW */
	const uint8_t *case_bits; /* its octet n; with ZONE_BODY_CASE */
	uint16_t rrset_count;
	const uint8_t *rrsets;
};

static inline void zone_body_read(const uint8_t *at, struct zone_body *out)
{
	out->flags = at[0];
	out->labels = at[1];
	at += 2;
	out->cut_labels = 0;
	out->case_bits = NULL;
	if ((out->flags & ZONE_BODY_BELOW) != 0) {
		out->cut_labels = *at++;
	}
	if ((out->flags & ZONE_BODY_CASE) != 0) {
		out->case_bits = at;
		at += 1 + *at;
	}
	out->rrset_count = *at++;
	if (out->rrset_count == 255) {
		memcpy(&out->rrset_count, at, 2);
		at += 2;
	}
	out->rrsets = at;
}

static inline const uint8_t *zone_body_read_type(const uint8_t *at, uint16_t *type)
{
	*type = *at++;
	if (*type == 0) {
		memcpy(type, at, 2);
		at += 2;
	}
	return at;
}

struct zone_part {
	uint16_t count;
	uint8_t place;
	bool signatures_follow;
	uint32_t ttl;
	uint32_t len;
	const uint8_t *data;
	const struct zone_blob *blob; /* places BLOB and SHARED */
};

/* Reads a part; gives the octet behind it. */
static inline const uint8_t *zone_part_read(const uint8_t *at, const uint32_t *ttls, struct zone_part *out)
{
	uint8_t form = *at++;
	unsigned ttl_number = form >> 4 & 7;
	out->signatures_follow = (form & 0x80) != 0;
	out->place = form & 3;
	out->blob = NULL;
	if (ttl_number == 0) {
		memcpy(&out->ttl, at, 4);
		at += 4;
	} else {
		out->ttl = ttls[ttl_number - 1];
	}
	if (out->place == ZONE_PLACE_HERE) {
		out->count = form >> 2 & 3;
		out->data = at;
		for (unsigned i = 0; i < out->count; i++) {
			at += 2u + load_u16(at);
		}
		out->len = (uint32_t)(at - out->data);
		return at;
	}
	if (out->place == ZONE_PLACE_LONG) {
		uint16_t len;
		memcpy(&out->count, at, 2);
		memcpy(&len, at + 2, 2);
		out->data = at + 4;
		out->len = len;
		return out->data + len;
	}
	memcpy(&out->blob, at, sizeof out->blob);
	/* The blob lies elsewhere: who only counts is not to wait for it. */
	out->count = form >> 2 & 3;
	if (out->count == 0) {
		out->count = out->blob->block.count;
	}
	out->len = out->blob->len;
	out->data = out->blob->bytes;
	return at + sizeof out->blob;
}

/* One RRset of a body. */
struct zone_body_rrset {
	uint16_t type;
	struct zone_part rrs;
	struct zone_part sigs; /* count 0: none */
	const uint8_t *start;
	const uint8_t *end;
};

static inline const uint8_t *zone_body_read_rrset(const uint8_t *at, const uint32_t *ttls, struct zone_body_rrset *out)
{
	out->start = at;
	at = zone_body_read_type(at, &out->type);
	at = zone_part_read(at, ttls, &out->rrs);
	if (out->rrs.signatures_follow) {
		at = zone_part_read(at, ttls, &out->sigs);
	} else {
		out->sigs = (struct zone_part){0};
	}
	out->end = at;
	return at;
}

/* Asks for the first RRset of a body where it lies elsewhere: what many owners share, mostly NS, is in no cache. */
static inline void zone_body_prefetch_first(const uint8_t *bytes)
{
	struct zone_body body;
	uint16_t type;
	zone_body_read(bytes, &body);
	const uint8_t *at = zone_body_read_type(body.rrsets, &type);
	uint8_t form = *at++;
	if ((form & 3) < ZONE_PLACE_BLOB) {
		return;
	}
	const uint8_t *blob;
	memcpy(&blob, at + ((form >> 4 & 7) == 0 ? 4 : 0), sizeof blob);
	__builtin_prefetch(blob);
	__builtin_prefetch(blob + 64);
}

/* Position of a type among the RRsets of a body. */
static inline uint32_t zone_type_order(uint16_t type)
{
	return type == 6 /* SOA */ ? 0 : type;
}

/* ---- writing ---- */

struct zone_line;

/* Octets that grow. */
struct zone_buffer {
	uint8_t *bytes;
	size_t len;
	size_t capacity;
};

uint8_t *zone_buffer_room(struct zone_buffer *buffer, size_t len);
void zone_buffer_add(struct zone_buffer *buffer, const void *bytes, size_t len);
void zone_buffer_free(struct zone_buffer *buffer);

/* Blocks in a growing list. */
struct zone_blocks {
	const struct zone_block **list;
	size_t count;
	size_t capacity;
};

void zone_blocks_add(struct zone_blocks *blocks, const struct zone_block *block);

/* Who writes parts: the version being made. */
struct zone_writing {
	struct zone_line *line;
	uint64_t birth;
	struct zone_pool *pool;   /* of a builder; else NULL */
	struct zone_blocks blobs; /* that it made */
	uint64_t blob_bytes;
};

/* One RR on its way into a part; RDATA borrowed. */
struct zone_rr {
	const uint8_t *rdata;
	uint32_t len;
	uint32_t ttl;
};

/* Canonical order of RDATA (RFC 4034 6.3). */
int zone_rr_compare(uint16_t type, const struct zone_rr *a, const struct zone_rr *b);

void zone_body_put_type(struct zone_buffer *out, uint16_t type);
/* Appends a part of these RRs (in order, no duplicates, at most 65535 and 2^31 octets). */
void zone_body_put_part(struct zone_buffer *out, struct zone_writing *writing, uint16_t type, const struct zone_rr *rrs,
                        size_t count, uint32_t ttl, bool signatures_follow);
/* Appends a part that stays what it was, but for what follows it. */
void zone_body_put_same(struct zone_buffer *out, struct zone_writing *writing, const struct zone_part *part,
                        uint32_t ttl, bool signatures_follow);
/* Appends what stands before the RRsets. `case_bits`: as in the body, NULL: plain; `cut_labels`: -1: not below. */
void zone_body_put_start(struct zone_buffer *out, uint8_t flags, uint8_t labels, int cut_labels,
                         const uint8_t *case_bits, size_t rrset_count);

/* The case octets (n first) by which `owner` differs from `plain`, which is the same name, written to `out`, which has
 * 1 + 32 octets; false: it does not differ. */
bool zone_case_of(const uint8_t *owner, const uint8_t *plain, uint8_t out[33]);
/* Undoes it: `name` in plain form becomes the owner as it came. */
void zone_case_apply(const uint8_t *case_bits, struct dns_name *name);
