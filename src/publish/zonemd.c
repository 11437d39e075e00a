/* SPDX-License-Identifier: MIT */
/* The digest is over all RRs in canonical form and order (RFC 8976 3.3). */
#include "publish/zonemd.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/crypto.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "publish/canonical.h"

#define SCHEME_SIMPLE 1
/* RDATA: serial, scheme, hash algorithm, digest. */
#define SERIAL_AT    0
#define SCHEME_AT    4
#define ALGORITHM_AT 5
#define DIGEST_AT    6

/* Gathered before the digest is fed; one RR fits many times. */
#define BUFFER_SIZE ((size_t)4 * (DNS_RDATA_MAX + DNS_NAME_MAX + 10))
#define RR_MAX      ((size_t)DNS_RDATA_MAX + DNS_NAME_MAX + 10)

struct digester {
	struct publish_rr_visitor visitor;
	struct crypto_digest *digest;
	struct writer buffer; /* over BUFFER_SIZE octets */
	uint16_t class;
};

/* RFC 8976 3.3.1: what the digest itself would change stays out, and so does what signs it. */
static bool is_left_out(const struct publish_rr *rr)
{
	return rr->is_apex &&
	       (rr->type == DNS_TYPE_ZONEMD || (rr->type == DNS_TYPE_RRSIG && load_u16(rr->rdata) == DNS_TYPE_ZONEMD));
}

static void feed(struct digester *digester)
{
	crypto_digest_add(digester->digest, digester->buffer.start, writer_len(&digester->buffer));
	digester->buffer.at = digester->buffer.start;
}

static void add_rr(struct publish_rr_visitor *self, const struct publish_rr *rr)
{
	struct digester *digester = (struct digester *)self;
	struct writer *buffer = &digester->buffer;
	struct dns_name owner;
	if (is_left_out(rr)) {
		return;
	}
	if (writer_left(buffer) < RR_MAX) {
		feed(digester);
	}
	dns_name_lower(rr->owner->wire, &owner);
	write_bytes(buffer, owner.wire, owner.len);
	write_u16(buffer, rr->type);
	write_u16(buffer, digester->class);
	write_u32(buffer, rr->ttl);
	write_u16(buffer, rr->rdata_len);
	dns_rdata_canonical(rr->type, rr->rdata, rr->rdata_len, write_room(buffer, rr->rdata_len));
}

size_t publish_zonemd_digest(const struct zone_snapshot *snapshot, unsigned algorithm, uint8_t out[PUBLISH_ZONEMD_MAX])
{
	enum crypto_digest_kind kind = algorithm == PUBLISH_ZONEMD_SHA512 ? CRYPTO_SHA512 : CRYPTO_SHA384;
	uint8_t *room = memory_resize(NULL, BUFFER_SIZE, 1);
	struct digester digester = {
	        .visitor = {.visit = add_rr},
	        .digest = crypto_digest_new(kind),
	        .buffer = writer_of(room, BUFFER_SIZE),
	        .class = zone_class(snapshot),
	};
	ensure(algorithm == PUBLISH_ZONEMD_SHA384 || algorithm == PUBLISH_ZONEMD_SHA512);
	publish_each_rr(snapshot, &digester.visitor);
	feed(&digester);
	ensure(!digester.buffer.failed);
	crypto_digest_end(digester.digest, out);
	crypto_digest_free(digester.digest);
	free(room);
	return crypto_digest_len(kind);
}

/* ---- verification ---- */

/* RFC 8976 2: scheme and algorithm together occur once. */
static bool has_repeated_pair(const struct zone_rrset *rrset)
{
	uint8_t seen[0x10000 / 8] = {0}; /* a bit for each pair */
	const uint8_t *at = rrset->rdatas;
	for (uint16_t i = 0; i < rrset->count; i++) {
		uint16_t pair = load_u16(at + 2 + SCHEME_AT);
		uint8_t bit = (uint8_t)(1u << (pair & 7));
		if ((seen[pair >> 3] & bit) != 0) {
			return true;
		}
		seen[pair >> 3] |= bit;
		at += 2 + load_u16(at);
	}
	return false;
}

static bool is_known(const uint8_t *rdata)
{
	return rdata[SCHEME_AT] == SCHEME_SIMPLE &&
	       (rdata[ALGORITHM_AT] == PUBLISH_ZONEMD_SHA384 || rdata[ALGORITHM_AT] == PUBLISH_ZONEMD_SHA512);
}

static enum publish_zonemd refuse(struct error *why, const char *text)
{
	error_set(why, ERROR_INVALID, "%s", text);
	return PUBLISH_ZONEMD_BAD;
}

/* One record of a known kind. */
static enum publish_zonemd verify_record(const struct zone_snapshot *snapshot, const uint8_t *rdata, size_t len,
                                         struct error *why)
{
	uint8_t digest[PUBLISH_ZONEMD_MAX];
	uint32_t serial = load_u32(rdata + SERIAL_AT);
	if (serial != zone_serial(snapshot)) {
		error_set(why, ERROR_INVALID, "ZONEMD is for serial %" PRIu32 ", the SOA has %" PRIu32, serial,
		          zone_serial(snapshot));
		return PUBLISH_ZONEMD_BAD;
	}
	size_t digest_len = publish_zonemd_digest(snapshot, rdata[ALGORITHM_AT], digest);
	if (len - DIGEST_AT != digest_len || memcmp(rdata + DIGEST_AT, digest, digest_len) != 0) {
		return refuse(
		        why,
		        "the digest of the zone is not the one in its ZONEMD: something was changed after it was made");
	}
	return PUBLISH_ZONEMD_GOOD;
}

enum publish_zonemd publish_verify_zonemd(const struct zone_snapshot *snapshot, struct error *why)
{
	struct zone_node apex;
	struct zone_rrset rrset;
	enum publish_zonemd found = PUBLISH_ZONEMD_UNSUPPORTED;
	zone_apex(snapshot, &apex);
	if (!zone_node_rrset(&apex, DNS_TYPE_ZONEMD, &rrset) || rrset.count == 0) {
		error_set(why, ERROR_NOT_FOUND, "the zone has no ZONEMD");
		return PUBLISH_ZONEMD_NONE;
	}
	if (has_repeated_pair(&rrset)) {
		return refuse(why, "two ZONEMD records have the same scheme and hash algorithm (RFC 8976 2)");
	}
	error_set(why, ERROR_INVALID, "no ZONEMD record has a scheme and a hash algorithm that are known here");
	/* RFC 8976 4: one that verifies is enough. */
	const uint8_t *at = rrset.rdatas;
	for (uint16_t i = 0; i < rrset.count && found != PUBLISH_ZONEMD_GOOD; i++) {
		if (is_known(at + 2)) {
			found = verify_record(snapshot, at + 2, load_u16(at), why);
		}
		at += 2 + load_u16(at);
	}
	if (found == PUBLISH_ZONEMD_GOOD && why != NULL) {
		error_clear(why);
	}
	return found;
}
