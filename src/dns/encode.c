/* SPDX-License-Identifier: MIT */
/* The table of suffixes is open-addressed and keyed by a hash of the suffix's octets, taken from the root towards the
 * left, so that all suffixes of a name are hashed in one pass. A slot belongs to the current message only if its epoch
 * says so. */
#include "dns/encode.h"

#include <string.h>

#include "base/ensure.h"
#include "dns/rdata.h"

/* Pointers have 14 bits (RFC 1035 4.1.4). */
#define POINTER_LIMIT  0x4000u
#define SLOTS_USED_MAX (DNS_ENCODER_SLOTS * 3 / 4)
#define NO_OFFSET      UINT16_MAX

void dns_encoder_init(struct dns_encoder *encoder)
{
	memset(encoder, 0, sizeof *encoder);
}

void dns_encoder_begin(struct dns_encoder *encoder, uint8_t *bytes, size_t size, uint16_t id, uint16_t flags)
{
	ensure(size >= DNS_HEADER_SIZE && size <= DNS_MESSAGE_MAX);
	encoder->start = bytes;
	encoder->at = bytes + DNS_HEADER_SIZE;
	encoder->end = bytes + size;
	encoder->epoch++;
	if (encoder->epoch == 0) {
		/* After 2^32 messages old slots would look current. */
		memset(encoder->slots, 0, sizeof encoder->slots);
		encoder->epoch = 1;
	}
	encoder->journal_count = 0;
	encoder->pointer_count = 0;
	memset(encoder->counts, 0, sizeof encoder->counts);
	encoder->flags = flags;
	store_u16(bytes, id);
}

void dns_encoder_reserve(struct dns_encoder *encoder, size_t len)
{
	ensure((size_t)(encoder->end - encoder->at) >= len);
	encoder->end -= len;
}

void dns_encoder_unreserve(struct dns_encoder *encoder, size_t len)
{
	encoder->end += len;
}

size_t dns_encoder_len(const struct dns_encoder *encoder)
{
	return (size_t)(encoder->at - encoder->start);
}

void dns_encoder_set_flag(struct dns_encoder *encoder, uint16_t flag)
{
	encoder->flags |= flag;
}

void dns_encoder_set_rcode(struct dns_encoder *encoder, unsigned rcode)
{
	encoder->flags = (uint16_t)((encoder->flags & ~0xfu) | (rcode & 0xfu));
}

size_t dns_encoder_end(struct dns_encoder *encoder)
{
	store_u16(encoder->start + 2, encoder->flags);
	for (size_t i = 0; i < 4; i++) {
		store_u16(encoder->start + 4 + 2 * i, encoder->counts[i]);
	}
	return dns_encoder_len(encoder);
}

struct dns_encoder_mark dns_encoder_mark(const struct dns_encoder *encoder)
{
	struct dns_encoder_mark mark = {
	        .at = encoder->at, .journal_count = encoder->journal_count, .pointer_count = encoder->pointer_count};
	memcpy(mark.counts, encoder->counts, sizeof mark.counts);
	return mark;
}

void dns_encoder_rollback(struct dns_encoder *encoder, const struct dns_encoder_mark *mark)
{
	while (encoder->journal_count > mark->journal_count) {
		/* Last in, first out: no later entry probed past this slot. */
		encoder->slots[encoder->journal[--encoder->journal_count]].epoch = 0;
	}
	encoder->at = mark->at;
	encoder->pointer_count = mark->pointer_count;
	memcpy(encoder->counts, mark->counts, sizeof mark->counts);
}

/* One suffix of a name that is being written. */
struct suffix {
	uint8_t start; /* offset in the name */
	uint32_t hash;
};

static uint64_t load_word(const uint8_t *octets)
{
	uint64_t word;
	memcpy(&word, octets, sizeof word);
	return word;
}

static uint32_t load_half(const uint8_t *octets)
{
	uint32_t word;
	memcpy(&word, octets, sizeof word);
	return word;
}

#define HASH_FACTOR UINT64_C(0x9e3779b97f4a7c15)

/* Mixes a label, its length octet included, into `hash`. The last words overlap, so that nothing behind the label is
 * read. */
static uint64_t hash_label(uint64_t hash, const uint8_t *label)
{
	size_t len = 1 + (size_t)*label;
	if (len >= 8) {
		for (size_t at = 0; at + 8 < len; at += 8) {
			hash = (hash ^ load_word(label + at)) * HASH_FACTOR;
			hash ^= hash >> 32;
		}
		hash = (hash ^ load_word(label + len - 8)) * HASH_FACTOR;
	} else if (len >= 4) {
		uint64_t word = (uint64_t)load_half(label) << 32 | load_half(label + len - 4);
		hash = (hash ^ word) * HASH_FACTOR;
	} else {
		/* Two or three octets: the first is the length. */
		uint64_t word = (uint64_t)label[0] << 16 | (uint64_t)label[1] << 8 | label[len - 1];
		hash = (hash ^ word) * HASH_FACTOR;
	}
	return hash ^ hash >> 32;
}

/* All suffixes but the root, longest first; gives their number. */
static size_t suffixes_of(const uint8_t *name, struct suffix suffixes[DNS_LABELS_MAX])
{
	size_t count = 0;
	for (const uint8_t *at = name; *at != 0; at += 1 + *at) {
		suffixes[count++].start = (uint8_t)(at - name);
	}
	uint64_t hash = HASH_FACTOR;
	for (size_t i = count; i > 0; i--) {
		hash = hash_label(hash, name + suffixes[i - 1].start);
		suffixes[i - 1].hash = (uint32_t)hash;
	}
	return count;
}

/* The name in the message at `offset` has exactly these octets. Our own message: its pointers are sound. */
static bool written_name_is(const struct dns_encoder *encoder, size_t offset, const uint8_t *suffix)
{
	const uint8_t *at = encoder->start + offset;
	for (;;) {
		while (*at >= 0xc0) {
			at = encoder->start + (load_u16(at) & 0x3fffu);
		}
		size_t length = *at;
		if (length != *suffix || !equal_short(at, suffix, 1 + length)) {
			return false;
		}
		if (length == 0) {
			return true;
		}
		at += 1 + length;
		suffix += 1 + length;
	}
}

static uint16_t find_suffix(const struct dns_encoder *encoder, const uint8_t *suffix, uint32_t hash)
{
	size_t slot = hash % DNS_ENCODER_SLOTS;
	uint16_t tag = (uint16_t)(hash >> 16);
	while (encoder->slots[slot].epoch == encoder->epoch) {
		if (encoder->slots[slot].hash == tag && written_name_is(encoder, encoder->slots[slot].offset, suffix)) {
			return encoder->slots[slot].offset;
		}
		slot = (slot + 1) % DNS_ENCODER_SLOTS;
	}
	return NO_OFFSET;
}

static void remember_suffix(struct dns_encoder *encoder, size_t offset, uint32_t hash)
{
	if (offset >= POINTER_LIMIT || encoder->journal_count >= SLOTS_USED_MAX) {
		return;
	}
	size_t slot = hash % DNS_ENCODER_SLOTS;
	while (encoder->slots[slot].epoch == encoder->epoch) {
		slot = (slot + 1) % DNS_ENCODER_SLOTS;
	}
	encoder->slots[slot].epoch = encoder->epoch;
	encoder->slots[slot].hash = (uint16_t)(hash >> 16);
	encoder->slots[slot].offset = (uint16_t)offset;
	encoder->journal[encoder->journal_count++] = (uint16_t)slot;
}

static bool put_bytes(struct dns_encoder *encoder, const uint8_t *bytes, size_t len)
{
	if ((size_t)(encoder->end - encoder->at) < len) {
		return false;
	}
	copy_short(encoder->at, bytes, len);
	encoder->at += len;
	return true;
}

static bool put_pointer(struct dns_encoder *encoder, uint16_t offset)
{
	if (encoder->end - encoder->at < 2) {
		return false;
	}
	if (encoder->pointer_count < DNS_ENCODER_POINTERS) {
		encoder->pointers[encoder->pointer_count] = (uint16_t)dns_encoder_len(encoder);
	}
	encoder->pointer_count++;
	store_u16(encoder->at, (uint16_t)(0xc000u | offset));
	encoder->at += 2;
	return true;
}

/* Writes a name, compressed where possible. */
static bool put_name(struct dns_encoder *encoder, const uint8_t *name)
{
	struct suffix suffixes[DNS_LABELS_MAX];
	size_t count = suffixes_of(name, suffixes);
	size_t known = 0;
	uint16_t target = NO_OFFSET;
	while (known < count) {
		target = find_suffix(encoder, name + suffixes[known].start, suffixes[known].hash);
		if (target != NO_OFFSET) {
			break;
		}
		known++;
	}
	size_t offset = dns_encoder_len(encoder);
	if (target == NO_OFFSET) {
		size_t len = count == 0 ? 1 : suffixes[count - 1].start + 2u + name[suffixes[count - 1].start];
		if (!put_bytes(encoder, name, len)) {
			return false;
		}
	} else if (!put_bytes(encoder, name, suffixes[known].start) || !put_pointer(encoder, target)) {
		return false;
	}
	for (size_t i = 0; i < known; i++) {
		remember_suffix(encoder, offset + suffixes[i].start, suffixes[i].hash);
	}
	return true;
}

/* Where the name that was just written at `offset` can be pointed to; 0: nowhere. */
static uint16_t place_of(const struct dns_encoder *encoder, size_t offset)
{
	const uint8_t *written = encoder->start + offset;
	if (*written == 0) {
		return 0; /* the root is shorter than a pointer */
	}
	if (*written >= 0xc0) {
		return (uint16_t)(load_u16(written) & 0x3fffu);
	}
	return offset < POINTER_LIMIT ? (uint16_t)offset : 0;
}

bool dns_encode_question(struct dns_encoder *encoder, const uint8_t *name, uint16_t type, uint16_t class)
{
	struct dns_encoder_mark mark = dns_encoder_mark(encoder);
	uint8_t fields[4];
	store_u16(fields, type);
	store_u16(fields + 2, class);
	if (!put_name(encoder, name) || !put_bytes(encoder, fields, sizeof fields)) {
		dns_encoder_rollback(encoder, &mark);
		return false;
	}
	encoder->counts[DNS_SECTION_QUESTION]++;
	return true;
}

/* Writes RDATA that may hold names. `place` gets where the first of them can be pointed to; 0: nowhere. */
static bool put_rdata(struct dns_encoder *encoder, uint16_t type, const uint8_t *rdata, size_t len, uint16_t *place)
{
	struct dns_rdata_name names[DNS_RDATA_NAMES_MAX];
	size_t count = dns_rdata_names(type, rdata, len, names);
	size_t done = 0;
	*place = 0;
	for (size_t i = 0; i < count; i++) {
		if (!names[i].compressible) {
			continue;
		}
		if (!put_bytes(encoder, rdata + done, names[i].offset - done)) {
			return false;
		}
		size_t offset = dns_encoder_len(encoder);
		if (!put_name(encoder, rdata + names[i].offset)) {
			return false;
		}
		*place = i == 0 ? place_of(encoder, offset) : *place;
		done = (size_t)names[i].offset + names[i].len;
	}
	return put_bytes(encoder, rdata + done, len - done);
}

/* TYPE, CLASS, TTL, RDLENGTH. */
#define RR_FIELDS_SIZE 10

static void store_fields(uint8_t fields[RR_FIELDS_SIZE], uint16_t type, uint16_t class, uint32_t ttl, size_t rdata_len)
{
	store_u16(fields, type);
	store_u16(fields + 2, class);
	store_u32(fields + 4, ttl);
	store_u16(fields + 8, (uint16_t)rdata_len);
}

/* Everything of an RR behind its owner. */
static bool put_rr_body(struct dns_encoder *encoder, uint16_t type, uint16_t class, uint32_t ttl, const uint8_t *rdata,
                        size_t rdata_len, uint16_t *place)
{
	uint8_t fields[RR_FIELDS_SIZE];
	store_fields(fields, type, class, ttl, rdata_len);
	if (!put_bytes(encoder, fields, sizeof fields)) {
		return false;
	}
	if (!dns_type_has_names(type)) {
		return put_bytes(encoder, rdata, rdata_len);
	}
	uint8_t *rdata_start = encoder->at;
	if (!put_rdata(encoder, type, rdata, rdata_len, place)) {
		return false;
	}
	store_u16(rdata_start - 2, (uint16_t)(encoder->at - rdata_start));
	return true;
}

bool dns_encode_rr(struct dns_encoder *encoder, enum dns_section section, const uint8_t *owner, uint16_t type,
                   uint16_t class, uint32_t ttl, const uint8_t *rdata, size_t rdata_len)
{
	struct dns_encoder_mark mark = dns_encoder_mark(encoder);
	uint16_t place;
	if (!put_name(encoder, owner) || !put_rr_body(encoder, type, class, ttl, rdata, rdata_len, &place)) {
		dns_encoder_rollback(encoder, &mark);
		return false;
	}
	encoder->counts[section]++;
	return true;
}

static bool put_owner(struct dns_encoder *encoder, const uint8_t *owner, uint16_t *place)
{
	if (*place != 0) {
		return put_pointer(encoder, *place);
	}
	size_t offset = dns_encoder_len(encoder);
	if (!put_name(encoder, owner)) {
		return false;
	}
	*place = place_of(encoder, offset);
	return true;
}

bool dns_encode_rrset_placed(struct dns_encoder *encoder, enum dns_section section, const uint8_t *owner,
                             struct dns_encoder_places *places, uint16_t type, uint16_t class, uint32_t ttl,
                             const uint8_t *rdatas, size_t count)
{
	struct dns_encoder_mark mark = dns_encoder_mark(encoder);
	uint16_t owner_place = places->owner;
	size_t target_count = places->targets == NULL ? 0 : places->target_count;
	for (size_t i = 0; i < count; i++) {
		size_t len = load_u16(rdatas);
		uint16_t place = 0;
		if (!put_owner(encoder, owner, &owner_place) ||
		    !put_rr_body(encoder, type, class, ttl, rdatas + 2, len, &place)) {
			dns_encoder_rollback(encoder, &mark);
			return false;
		}
		if (i < target_count) {
			places->targets[i] = place;
		}
		rdatas += 2 + len;
	}
	encoder->counts[section] = (uint16_t)(encoder->counts[section] + count);
	places->owner = owner_place;
	return true;
}

bool dns_encode_rrset(struct dns_encoder *encoder, enum dns_section section, const uint8_t *owner, uint16_t type,
                      uint16_t class, uint32_t ttl, const uint8_t *rdatas, size_t count)
{
	struct dns_encoder_places places = {0};
	return dns_encode_rrset_placed(encoder, section, owner, &places, type, class, ttl, rdatas, count);
}

uint8_t *dns_encode_raw(struct dns_encoder *encoder, const uint8_t *bytes, size_t len, const uint16_t counts[4])
{
	uint8_t *start = encoder->at;
	if (!put_bytes(encoder, bytes, len)) {
		return NULL;
	}
	for (size_t i = 0; i < 4; i++) {
		encoder->counts[i] = (uint16_t)(encoder->counts[i] + counts[i]);
	}
	return start;
}

static void write_option(struct writer *out, uint16_t code, size_t len)
{
	write_u16(out, code);
	write_u16(out, (uint16_t)len);
}

static void write_options(struct writer *out, const struct dns_edns_reply *edns)
{
	if (edns->nsid != NULL) {
		write_option(out, DNS_OPTION_NSID, edns->nsid_len);
		write_bytes(out, edns->nsid, edns->nsid_len);
	}
	if (edns->expire) {
		write_option(out, DNS_OPTION_EXPIRE, 4);
		write_u32(out, edns->expire_s);
	}
	if (edns->expire_ask) {
		write_option(out, DNS_OPTION_EXPIRE, 0);
	}
	if (edns->keepalive) {
		write_option(out, DNS_OPTION_KEEPALIVE, 2);
		write_u16(out, edns->keepalive_100ms);
	}
	if (edns->keepalive_ask) {
		write_option(out, DNS_OPTION_KEEPALIVE, 0);
	}
	if (edns->digest != NULL) {
		write_option(out, DNS_OPTION_DIGEST, edns->digest_len);
		write_bytes(out, edns->digest, edns->digest_len);
	}
	if (edns->ede != DNS_EDE_NONE) {
		size_t text_len = edns->ede_text == NULL ? 0 : strlen(edns->ede_text);
		write_option(out, DNS_OPTION_EDE, 2 + text_len);
		write_u16(out, (uint16_t)edns->ede);
		write_bytes(out, edns->ede_text, text_len);
	}
}

bool dns_encode_edns(struct dns_encoder *encoder, const struct dns_edns_reply *edns)
{
	size_t size = dns_edns_size(edns);
	if ((size_t)(encoder->end - encoder->at) < size) {
		return false;
	}
	struct writer out = writer_of(encoder->at, size);
	write_u8(&out, 0);
	write_u16(&out, DNS_TYPE_OPT);
	write_u16(&out, edns->payload_size);
	/* Our version is 0 (RFC 6891 6.1.3). */
	write_u32(&out, (uint32_t)edns->rcode_high << 24 | (edns->dnssec_ok ? 0x8000u : 0));
	write_u16(&out, (uint16_t)(size - DNS_OPT_HEADER_SIZE));
	if (size > DNS_OPT_HEADER_SIZE) {
		write_options(&out, edns);
	}
	ensure(!out.failed && writer_left(&out) == 0);
	encoder->at += size;
	encoder->counts[DNS_SECTION_ADDITIONAL]++;
	return true;
}
