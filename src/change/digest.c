/* SPDX-License-Identifier: MIT */
#include "change/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/type.h"

/* RDATA with names in it is seldom longer than two names and some fields. */
#define CANONICAL_USUAL 1024

/* The same on all servers, for ever. */
static const struct hash_key owner_key = {{0x74616e64656d2064u, 0x6967657374203031u}};

static struct hash_key key_of_owner(const uint8_t *owner)
{
	struct dns_name lower;
	dns_name_lower(owner, &lower);
	struct hash_128 hash = hash_bytes_128(&owner_key, lower.wire, lower.len);
	return (struct hash_key){{hash.words[0], hash.words[1]}};
}

/* Room for one that is not as it lies in memory. */
struct canonical {
	uint8_t usual[CANONICAL_USUAL];
	uint8_t *longer; /* owned; NULL: it is not needed */
};

/* Borrowed from what is given, or from the room. */
static struct hash_octets canonical_of(uint16_t type, const uint8_t *rdata, size_t len, struct canonical *room)
{
	room->longer = NULL;
	if (!dns_type_has_names(type)) {
		return (struct hash_octets){.bytes = rdata, .len = len};
	}
	uint8_t *octets = room->usual;
	if (len > sizeof room->usual) {
		octets = room->longer = memory_resize(NULL, 1, len);
	}
	dns_rdata_canonical(type, rdata, len, octets);
	if (type == DNS_TYPE_SOA) {
		dns_soa_set_serial(octets, len, 0);
	}
	return (struct hash_octets){.bytes = octets, .len = len};
}

/* Type and TTL are in the key, so that RDATA is hashed where it lies. */
static struct hash_key key_of_rrset(const struct hash_key *owner, uint16_t type, uint32_t ttl)
{
	return (struct hash_key){{owner->words[0] ^ ((uint64_t)type << 32 | ttl), owner->words[1]}};
}

static struct hash_128 hash_rr(const struct hash_key *key, uint16_t type, const uint8_t *rdata, size_t len)
{
	struct canonical room;
	struct hash_octets octets = canonical_of(type, rdata, len, &room);
	struct hash_128 hash = hash_bytes_128(key, octets.bytes, octets.len);
	free(room.longer);
	return hash;
}

static void add(struct change_digest *digest, struct hash_128 hash)
{
	digest->words[0] += hash.words[0];
	digest->words[1] += hash.words[1];
}

static void subtract(struct change_digest *digest, struct hash_128 hash)
{
	digest->words[0] -= hash.words[0];
	digest->words[1] -= hash.words[1];
}

static void add_list(struct change_digest *digest, const struct hash_key *owner, uint16_t type, uint32_t ttl,
                     const uint8_t *rdatas, uint16_t count)
{
	struct hash_key key = key_of_rrset(owner, type, ttl);
	for (; count >= 2; count -= 2) {
		struct canonical rooms[2];
		struct hash_octets octets[2];
		struct hash_128 hashes[2];
		for (size_t i = 0; i < 2; i++) {
			uint16_t len = load_u16(rdatas);
			octets[i] = canonical_of(type, rdatas + 2, len, &rooms[i]);
			rdatas += 2 + len;
		}
		hash_bytes_128_of_two(&key, octets, hashes);
		add(digest, hashes[0]);
		add(digest, hashes[1]);
		free(rooms[0].longer);
		free(rooms[1].longer);
	}
	if (count == 1) {
		add(digest, hash_rr(&key, type, rdatas + 2, load_u16(rdatas)));
	}
}

struct change_digest change_digest_of(const struct zone_snapshot *snapshot)
{
	struct change_digest digest = {{0}};
	struct zone_walk walk;
	struct zone_node node;
	zone_walk(snapshot, &walk);
	while (zone_walk_next(&walk, &node)) {
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		struct dns_name name;
		zone_node_owner(&node, &name);
		struct hash_key owner = key_of_owner(name.wire);
		zone_rrsets(&node, &rrsets);
		while (zone_rrsets_next(&rrsets, &rrset)) {
			add_list(&digest, &owner, rrset.type, rrset.ttl, rrset.rdatas, rrset.count);
			add_list(&digest, &owner, DNS_TYPE_RRSIG, rrset.sig_ttl, rrset.sigs, rrset.sig_count);
		}
	}
	return digest;
}

struct change_digest change_digest_after(struct change_digest before, const struct changeset *set)
{
	struct changeset_walk walk;
	struct zone_change change;
	changeset_walk(set, &walk);
	while (changeset_walk_next(&walk, &change)) {
		struct hash_key owner = key_of_owner(change.owner);
		struct hash_key key = key_of_rrset(&owner, change.type, change.ttl);
		struct hash_128 hash = hash_rr(&key, change.type, change.rdata, change.rdata_len);
		if (change.add) {
			add(&before, hash);
		} else {
			subtract(&before, hash);
		}
	}
	return before;
}

char *change_digest_to_text(struct change_digest digest, char out[CHANGE_DIGEST_TEXT_MAX])
{
	snprintf(out, CHANGE_DIGEST_TEXT_MAX, "%016" PRIx64 "%016" PRIx64, digest.words[0], digest.words[1]);
	return out;
}

void change_digest_write(struct change_digest digest, uint8_t out[CHANGE_DIGEST_SIZE])
{
	store_u64(out, digest.words[0]);
	store_u64(out + 8, digest.words[1]);
}

struct change_digest change_digest_read(const uint8_t octets[CHANGE_DIGEST_SIZE])
{
	return (struct change_digest){{load_u64(octets), load_u64(octets + 8)}};
}

/* ---- beside what is served ---- */

/* The identity is taken away while the words are changed, and whoever reads one of the new words sees that it was: so that who
 * reads the same identity before and after them has read words that belong to it. Identities never come again. */
void change_digest_show(struct zone *zone, const struct zone_snapshot *snapshot, struct change_digest digest)
{
	atomic_store_explicit(&zone->account->content[0], 0, memory_order_relaxed);
	atomic_store_explicit(&zone->account->content[1], digest.words[0], memory_order_release);
	atomic_store_explicit(&zone->account->content[2], digest.words[1], memory_order_release);
	atomic_store_explicit(&zone->account->content[0], zone_identity(snapshot), memory_order_release);
}

bool change_digest_find(const struct zone *zone, const struct zone_snapshot *snapshot, struct change_digest *digest)
{
	uint64_t before = atomic_load_explicit(&zone->account->content[0], memory_order_acquire);
	digest->words[0] = atomic_load_explicit(&zone->account->content[1], memory_order_acquire);
	digest->words[1] = atomic_load_explicit(&zone->account->content[2], memory_order_acquire);
	uint64_t after = atomic_load_explicit(&zone->account->content[0], memory_order_relaxed);
	return before == after && after == zone_identity(snapshot);
}

/* ---- told from server to server ---- */

bool change_told_is_asked(const uint8_t *value, size_t len)
{
	return value != NULL && memchr(value, CHANGE_DIGEST_SCHEME, len) != NULL;
}

void change_told_write(struct change_told told, uint8_t out[CHANGE_TOLD_SIZE])
{
	out[0] = CHANGE_DIGEST_SCHEME;
	store_u32(out + 1, told.serial);
	change_digest_write(told.digest, out + 5);
}

bool change_told_read(const uint8_t *value, size_t len, struct change_told *out)
{
	if (value == NULL || len != CHANGE_TOLD_SIZE || value[0] != CHANGE_DIGEST_SCHEME) {
		return false;
	}
	out->serial = load_u32(value + 1);
	out->digest = change_digest_read(value + 5);
	return true;
}
