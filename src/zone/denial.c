/* SPDX-License-Identifier: MIT */
/* Denial of existence: NSEC along the tree of names, NSEC3 along the tree of hashes. Nothing is derived: what is found
 * is what the zone holds.
 *
 * D1  A chain is a set of NSEC3 parameters that an NSEC3PARAM with flags 0 at the apex names (RFC 5155 4.1.2). The
 *     served chain is the one with the most NSEC3s.
 * D2  NSEC3s of other chains may stand in the same tree (a change of salt on its way): they are passed over. */
#include "base/ensure.h"
#include "crypto/crypto.h"
#include "dns/type.h"
#include "zone/apply_internal.h"
#include "zone/node_internal.h"

enum zone_denial zone_denial(const struct zone_snapshot *zone)
{
	if (zone->chain != NULL) {
		return ZONE_NSEC3;
	}
	return (zone_page_body(zone->apex_page, 0)[0] & ZONE_BODY_NSEC) != 0 ? ZONE_NSEC : ZONE_UNSIGNED;
}

bool zone_nsec(const struct zone_snapshot *zone, const uint8_t *name, struct zone_node *out)
{
	struct zone_key key;
	struct zone_cursor cursor;
	bool within = zone_key_make(name, zone->line->apex, zone->line->apex_len, &key);
	ensure(within);
	zone_cursor_seek(&cursor, zone->names.root, key.bytes, key.len);
	if (!zone_cursor_back_to_nsec(&cursor)) {
		return false;
	}
	zone_node_at(zone, zone_cursor_page(&cursor), zone_cursor_index(&cursor), false, out);
	return true;
}

/* ---- chains ---- */

/* Algorithm, flags, iterations and salt stand alike at the beginning of NSEC3 and NSEC3PARAM (RFC 5155 3.2, 4.2). */
static bool read_params(const uint8_t *rdata, size_t len, struct zone_nsec3_params *out, uint8_t *flags)
{
	struct reader reader = reader_of(rdata, len);
	out->algorithm = read_u8(&reader);
	*flags = read_u8(&reader);
	out->iterations = read_u16(&reader);
	out->salt_len = read_u8(&reader);
	const uint8_t *salt = read_bytes(&reader, out->salt_len);
	if (salt != NULL && out->salt_len > 0) {
		memcpy(out->salt, salt, out->salt_len);
	}
	return !reader.failed;
}

static bool params_equal(const struct zone_nsec3_params *a, const struct zone_nsec3_params *b)
{
	return a->algorithm == b->algorithm && a->iterations == b->iterations && a->salt_len == b->salt_len &&
	       memcmp(a->salt, b->salt, a->salt_len) == 0;
}

size_t zone_chains_read(const struct zone_snapshot *version, struct zone_chain *chains)
{
	const struct zone_page *page = version->names.root;
	while (page->level > 0) {
		page = zone_page_child(page, 0);
	}
	struct zone_node apex;
	struct zone_rrset params;
	zone_node_at(version, page, 0, false, &apex);
	if (!zone_node_rrset(&apex, DNS_TYPE_NSEC3PARAM, &params)) {
		return 0;
	}
	size_t count = 0;
	const uint8_t *at = params.rdatas;
	for (size_t i = 0; i < params.count && count < ZONE_CHAINS_MAX; i++) {
		size_t len = load_u16(at);
		uint8_t flags;
		chains[count] = (struct zone_chain){0};
		if (read_params(at + 2, len, &chains[count].params, &flags) && flags == 0 &&
		    chains[count].params.algorithm == 1) {
			count++;
		}
		at += 2 + len;
	}
	return count;
}

bool zone_chains_same(const struct zone_chain *a, size_t a_count, const struct zone_chain *b, size_t b_count)
{
	bool same = a_count == b_count;
	for (size_t i = 0; same && i < a_count; i++) {
		same = params_equal(&a[i].params, &b[i].params);
	}
	return same;
}

/* Does an NSEC3 of this owner belong to the chain? */
static bool belongs(const uint8_t *body_bytes, const uint32_t *ttls, const struct zone_nsec3_params *params)
{
	struct zone_body body;
	struct zone_body_rrset rrset;
	zone_body_read(body_bytes, &body);
	zone_body_read_rrset(body.rrsets, ttls, &rrset); /* the only RRset of such an owner */
	const uint8_t *at = rrset.rrs.data;
	for (size_t i = 0; i < rrset.rrs.count; i++) {
		struct zone_nsec3_params own;
		uint8_t flags;
		size_t len = load_u16(at);
		if (read_params(at + 2, len, &own, &flags) && params_equal(&own, params)) {
			return true;
		}
		at += 2 + len;
	}
	return false;
}

void zone_chains_count(struct zone_chain *chains, size_t count, const uint8_t *body, const uint32_t *ttls, int sign)
{
	for (size_t i = 0; i < count; i++) {
		if (belongs(body, ttls, &chains[i].params)) {
			chains[i].nsec3s += (uint64_t)(int64_t)sign;
		}
	}
}

/* ---- NSEC3 ---- */

const struct zone_nsec3_params *zone_nsec3_params(const struct zone_snapshot *zone)
{
	return zone->chain == NULL ? NULL : &zone->chain->params;
}

void zone_nsec3_hash(const struct zone_snapshot *zone, const uint8_t *name, uint8_t hash[20])
{
	const struct zone_nsec3_params *params = zone_nsec3_params(zone);
	ensure(params != NULL);
	struct dns_name lower;
	dns_name_lower(name, &lower);
	crypto_nsec3_hash(lower.wire, lower.len, params->salt, params->salt_len, params->iterations, hash);
}

static bool belongs_here(const struct zone_snapshot *zone, const struct zone_cursor *cursor)
{
	const uint8_t *body = zone_page_body(zone_cursor_page(cursor), zone_cursor_index(cursor));
	return zone->chain->nsec3s == zone->counts.nsec3s || belongs(body, zone->line->ttls, &zone->chain->params);
}

enum zone_nsec3_find zone_nsec3(const struct zone_snapshot *zone, const uint8_t hash[20], struct zone_node *out)
{
	if (zone->chain == NULL) {
		return ZONE_NSEC3_NONE;
	}
	struct zone_cursor cursor;
	enum zone_seek seek = zone_cursor_seek(&cursor, zone->hashes.root, hash, ZONE_KEY_HASH_LEN);
	bool matches = seek == ZONE_SEEK_EXACT && belongs_here(zone, &cursor);
	/* The chain has at least one NSEC3, so this ends. */
	while (!zone_cursor_valid(&cursor) || !belongs_here(zone, &cursor)) {
		if (!zone_cursor_valid(&cursor)) {
			zone_cursor_last(&cursor, zone->hashes.root); /* RFC 5155 7.1: the last one wraps */
		} else {
			zone_cursor_previous(&cursor);
		}
	}
	zone_node_at(zone, zone_cursor_page(&cursor), zone_cursor_index(&cursor), true, out);
	return matches ? ZONE_NSEC3_MATCHES : ZONE_NSEC3_COVERS;
}
