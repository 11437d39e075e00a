/* SPDX-License-Identifier: MIT */
/* Two keyed hashes in a chain over 4 KiB blocks: 2^-128 for an edit to go unnoticed, at memory speed. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
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

static void digest_block(struct store_digest *digest, const uint8_t *bytes, size_t len)
{
	struct hash_key keys[2] = {{{digest->words[0], 1}}, {{digest->words[1], 2}}};
	hash_bytes_twice(keys, bytes, len, digest->words);
}

void store_digest_add(struct store_digest *digest, const void *bytes, size_t len)
{
	const size_t block = sizeof digest->buffer;
	const uint8_t *at = bytes;
	while (len > 0) {
		if (digest->buffered == 0 && len >= block) {
			digest_block(digest, at, block); /* whole blocks need not be copied */
			at += block;
			len -= block;
			continue;
		}
		size_t room = block - digest->buffered;
		size_t piece = len < room ? len : room;
		memcpy(digest->buffer + digest->buffered, at, piece);
		digest->buffered += piece;
		at += piece;
		len -= piece;
		if (digest->buffered == block) {
			digest_block(digest, digest->buffer, block);
			digest->buffered = 0;
		}
	}
}

void store_digest_end(struct store_digest *digest, uint8_t out[STORE_DIGEST_SIZE])
{
	digest_block(digest, digest->buffer, digest->buffered);
	for (size_t i = 0; i < 2; i++) {
		store_u32(out + 8 * i, (uint32_t)(digest->words[i] >> 32));
		store_u32(out + 8 * i + 4, (uint32_t)digest->words[i]);
	}
}

/* ---- content ---- */

/* RDATA with names in it is seldom longer than two names and some fields. */
#define CANONICAL_USUAL 1024

static void add_canonical(struct store_digest *digest, uint16_t type, const uint8_t *rdatas, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		uint8_t usual[CANONICAL_USUAL];
		uint16_t len = load_u16(rdatas);
		uint8_t *canonical = len <= sizeof usual ? usual : memory_resize(NULL, 1, len);
		dns_rdata_canonical(type, rdatas + 2, len, canonical);
		if (type == DNS_TYPE_SOA) {
			dns_soa_set_serial(canonical, len, 0);
		}
		store_digest_add(digest, rdatas, 2);
		store_digest_add(digest, canonical, len);
		if (canonical != usual) {
			free(canonical);
		}
		rdatas += 2 + len;
	}
}

/* RRs of one type as the snapshot lists them, in one piece where nothing in them is to be folded. */
static void add_list(struct store_digest *digest, uint16_t type, uint32_t ttl, const uint8_t *rdatas, uint32_t len,
                     uint16_t count)
{
	uint8_t fields[12];
	if (count == 0) {
		return;
	}
	store_u16(fields, count);
	store_u16(fields + 2, type);
	store_u32(fields + 4, ttl);
	store_u32(fields + 8, len);
	store_digest_add(digest, fields, sizeof fields);
	if (dns_type_has_names(type)) {
		add_canonical(digest, type, rdatas, count);
	} else {
		store_digest_add(digest, rdatas, len);
	}
}

static void add_node(struct store_digest *digest, const struct zone_node *node)
{
	static const uint8_t end[2]; /* a count of 0, which no list has: two contents never give the same octets */
	struct zone_rrset_walk rrsets;
	struct zone_rrset rrset;
	struct dns_name owner;
	struct dns_name lower;
	zone_node_owner(node, &owner);
	dns_name_lower(owner.wire, &lower);
	store_digest_add(digest, lower.wire, lower.len);
	zone_rrsets(node, &rrsets);
	while (zone_rrsets_next(&rrsets, &rrset)) {
		add_list(digest, rrset.type, rrset.ttl, rrset.rdatas, rrset.rdatas_len, rrset.count);
		add_list(digest, DNS_TYPE_RRSIG, rrset.sig_ttl, rrset.sigs, rrset.sigs_len, rrset.sig_count);
	}
	store_digest_add(digest, end, sizeof end);
}

void store_content_digest(const struct zone_snapshot *snapshot, uint8_t out[STORE_DIGEST_SIZE])
{
	struct store_digest digest;
	struct zone_walk walk;
	struct zone_node node;
	store_digest_init(&digest);
	zone_walk(snapshot, &walk);
	while (zone_walk_next(&walk, &node)) {
		add_node(&digest, &node);
	}
	store_digest_end(&digest, out);
}
