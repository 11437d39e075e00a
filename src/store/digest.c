/* SPDX-License-Identifier: MIT */
/* Two keyed hashes in a chain over 4 KiB blocks: 2^-128 for an edit to go unnoticed, at memory speed. */
#include <string.h>

#include "base/hash.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "store/store_internal.h"

void store_digest_init(struct store_digest *digest)
{
	digest->words[0] = 0x74616e64656d2031u;
	digest->words[1] = 0x74616e64656d2032u;
	digest->buffered = 0;
}

static void digest_block(struct store_digest *digest)
{
	for (size_t i = 0; i < 2; i++) {
		struct hash_key key = {{digest->words[i], i + 1}};
		digest->words[i] = hash_bytes(&key, digest->buffer, digest->buffered);
	}
	digest->buffered = 0;
}

void store_digest_add(struct store_digest *digest, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	while (len > 0) {
		size_t room = sizeof digest->buffer - digest->buffered;
		size_t piece = len < room ? len : room;
		memcpy(digest->buffer + digest->buffered, at, piece);
		digest->buffered += piece;
		at += piece;
		len -= piece;
		if (digest->buffered == sizeof digest->buffer) {
			digest_block(digest);
		}
	}
}

void store_digest_end(struct store_digest *digest, uint8_t out[STORE_DIGEST_SIZE])
{
	digest_block(digest);
	for (size_t i = 0; i < 2; i++) {
		store_u32(out + 8 * i, (uint32_t)(digest->words[i] >> 32));
		store_u32(out + 8 * i + 4, (uint32_t)digest->words[i]);
	}
}

static void each_of_list(const uint8_t *rdatas, uint16_t count, struct store_record *record,
                         void (*each)(void *self, const struct store_record *record), void *self)
{
	for (uint16_t i = 0; i < count; i++) {
		record->rdata_len = load_u16(rdatas);
		record->rdata = rdatas + 2;
		each(self, record);
		record->same_owner = true;
		rdatas += 2 + record->rdata_len;
	}
}

void store_each_record(const struct zone_snapshot *snapshot,
                       void (*each)(void *self, const struct store_record *record), void *self)
{
	struct zone_walk walk;
	struct zone_node node;
	struct dns_name owner;
	zone_walk(snapshot, &walk);
	while (zone_walk_next(&walk, &node)) {
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		struct store_record record = {.owner = &owner};
		zone_node_owner(&node, &owner);
		zone_rrsets(&node, &rrsets);
		while (zone_rrsets_next(&rrsets, &rrset)) {
			record.type = rrset.type;
			record.ttl = rrset.ttl;
			each_of_list(rrset.rdatas, rrset.count, &record, each, self);
			record.type = DNS_TYPE_RRSIG;
			record.ttl = rrset.sig_ttl;
			each_of_list(rrset.sigs, rrset.sig_count, &record, each, self);
		}
	}
}

static void digest_record(void *self, const struct store_record *record)
{
	struct store_digest *digest = self;
	struct dns_name owner;
	uint8_t canonical[DNS_RDATA_MAX];
	uint8_t fields[8];
	dns_name_lower(record->owner->wire, &owner);
	dns_rdata_canonical(record->type, record->rdata, record->rdata_len, canonical);
	if (record->type == DNS_TYPE_SOA) {
		dns_soa_set_serial(canonical, record->rdata_len, 0);
	}
	store_u16(fields, record->type);
	store_u32(fields + 2, record->ttl);
	store_u16(fields + 6, record->rdata_len);
	store_digest_add(digest, owner.wire, owner.len);
	store_digest_add(digest, fields, sizeof fields);
	store_digest_add(digest, canonical, record->rdata_len);
}

void store_content_digest(const struct zone_snapshot *snapshot, uint8_t out[STORE_DIGEST_SIZE])
{
	struct store_digest digest;
	store_digest_init(&digest);
	store_each_record(snapshot, digest_record, &digest);
	store_digest_end(&digest, out);
}
