/* SPDX-License-Identifier: MIT */
/* Writing messages with name compression (RFC 1035 4.1.4, RFC 3597 4).
 *
 * Names are compressed only where octets match exactly, case included, so that every reader sees the owner as the zone
 * writes it. Pointers lead backwards, to offsets below 2^14.
 *
 * I1  Nothing is ever written beyond the size given; a record that does not fit leaves the message as it was.
 * I2  A mark restores octets and compression together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "dns/message.h"
#include "dns/name.h"

/* Suffixes that can be pointed to. Power of two. A full message has fewer than 65536 / 12 records; when the table is
 * three quarters full, further names are written in full at their first use and lose only compression. */
#define DNS_ENCODER_SLOTS 2048

/* Pointers whose places are remembered. */
#define DNS_ENCODER_POINTERS 64

struct dns_encoder {
	uint8_t *start; /* the message; start[0] is the header's first octet */
	uint8_t *at;
	uint8_t *end;   /* room for records ends here: the limit less what is reserved */
	uint32_t epoch; /* slots of other epochs are empty, so a reset costs nothing */
	uint16_t journal_count;
	uint16_t counts[4]; /* question, answer, authority, additional */
	uint16_t flags;
	uint16_t pointer_count; /* pointers in the message; of the first DNS_ENCODER_POINTERS `pointers` tells where */
	uint16_t pointers[DNS_ENCODER_POINTERS];
	struct {
		uint32_t epoch;
		uint16_t hash;
		uint16_t offset;
	} slots[DNS_ENCODER_SLOTS];
	uint16_t journal[DNS_ENCODER_SLOTS]; /* slots in the order in which they were filled, for marks */
};

enum dns_section {
	DNS_SECTION_QUESTION,
	DNS_SECTION_ANSWER,
	DNS_SECTION_AUTHORITY,
	DNS_SECTION_ADDITIONAL,
};

struct dns_encoder_mark {
	uint8_t *at;
	uint16_t journal_count;
	uint16_t pointer_count;
	uint16_t counts[4];
};

/* Once per encoder, before first use: it is large; keep one per worker. */
void dns_encoder_init(struct dns_encoder *encoder);

/* Starts a message in `bytes`, which is `size` octets long (DNS_HEADER_SIZE..65535). The header is written at the end. */
void dns_encoder_begin(struct dns_encoder *encoder, uint8_t *bytes, size_t size, uint16_t id, uint16_t flags);
/* Keeps `len` octets at the end for OPT and TSIG: records no longer use them. */
void dns_encoder_reserve(struct dns_encoder *encoder, size_t len);
void dns_encoder_unreserve(struct dns_encoder *encoder, size_t len);

/* Writes the question (the name as given; it becomes a target of pointers). False: no room. */
bool dns_encode_question(struct dns_encoder *encoder, const uint8_t *name, uint16_t type, uint16_t class);

/* Writes one RR. `rdata` is checked uncompressed wire form. False: no room; nothing was written. */
bool dns_encode_rr(struct dns_encoder *encoder, enum dns_section section, const uint8_t *owner, uint16_t type,
                   uint16_t class, uint32_t ttl, const uint8_t *rdata, size_t rdata_len);

/* Writes a whole RRset, or nothing (false). `rdatas`: `count` times a 2-octet big-endian length and that many octets.
 * The owner is looked up once. */
bool dns_encode_rrset(struct dns_encoder *encoder, enum dns_section section, const uint8_t *owner, uint16_t type,
                      uint16_t class, uint32_t ttl, const uint8_t *rdatas, size_t count);

/* Where names stand in the message, so that they are pointed to without being looked for. A place is the offset of a
 * name that has exactly these octets; 0: not known. Places of what is taken back by a rollback must not be used. */
struct dns_encoder_places {
	uint16_t owner; /* in: of the owner; out, when it was written: where it stands */
	uint16_t *
	        targets; /* out: of the first name in each RDATA of the RRset, as far as it may be compressed; or NULL */
	size_t target_count; /* entries of `targets`; what is beyond is not told */
};

/* dns_encode_rrset for callers who know places, or want to. When it fails `places->owner` is as it was. */
bool dns_encode_rrset_placed(struct dns_encoder *encoder, enum dns_section section, const uint8_t *owner,
                             struct dns_encoder_places *places, uint16_t type, uint16_t class, uint32_t ttl,
                             const uint8_t *rdatas, size_t count);

struct dns_encoder_mark dns_encoder_mark(const struct dns_encoder *encoder);
/* Takes back what was written after the mark. */
void dns_encoder_rollback(struct dns_encoder *encoder, const struct dns_encoder_mark *mark);

/* Appends octets that are whole questions and records, as counted by section in `counts`. Their names are not pointed to
 * later, and their pointers are the caller's to set right. Gives where they were put; NULL: no room. */
uint8_t *dns_encode_raw(struct dns_encoder *encoder, const uint8_t *bytes, size_t len, const uint16_t counts[4]);

/* What our OPT record says. */
struct dns_edns_reply {
	uint16_t payload_size; /* what we accept over UDP */
	uint8_t rcode_high;
	bool dnssec_ok;      /* DO is copied (RFC 3225 3) */
	const uint8_t *nsid; /* NULL: no NSID option */
	uint16_t nsid_len;
	bool expire;     /* with expire_s */
	bool expire_ask; /* an empty EXPIRE option, in our own queries */
	uint32_t expire_s;
	bool keepalive;
	bool keepalive_ask; /* an empty option, in our own queries */
	uint16_t keepalive_100ms;
	const uint8_t *digest; /* NULL: no DNS_OPTION_DIGEST */
	uint16_t digest_len;
	int ede;              /* DNS_EDE_NONE: none */
	const char *ede_text; /* may be NULL */
};

/* Owner (root), TYPE, CLASS, TTL, RDLENGTH. */
#define DNS_OPT_HEADER_SIZE 11
/* Of an option: code and length. */
#define DNS_OPTION_HEADER_SIZE 4

/* Octets that the OPT record will take. Here because most answers know all of it but NSID when they are compiled. */
static inline size_t dns_edns_size(const struct dns_edns_reply *edns)
{
	size_t size = DNS_OPT_HEADER_SIZE;
	size += edns->nsid == NULL ? 0 : DNS_OPTION_HEADER_SIZE + (size_t)edns->nsid_len;
	size += edns->expire ? DNS_OPTION_HEADER_SIZE + 4u : 0u;
	size += edns->expire_ask ? DNS_OPTION_HEADER_SIZE : 0u;
	size += edns->keepalive ? DNS_OPTION_HEADER_SIZE + 2u : 0u;
	size += edns->keepalive_ask ? DNS_OPTION_HEADER_SIZE : 0u;
	size += edns->digest == NULL ? 0 : DNS_OPTION_HEADER_SIZE + (size_t)edns->digest_len;
	size += edns->ede == DNS_EDE_NONE ? 0 : DNS_OPTION_HEADER_SIZE + 2u;
	size += edns->ede == DNS_EDE_NONE || edns->ede_text == NULL ? 0 : strlen(edns->ede_text);
	return size;
}
/* Appends OPT to the additional section; uses reserved room if the caller unreserved it. False: no room. */
bool dns_encode_edns(struct dns_encoder *encoder, const struct dns_edns_reply *edns);

void dns_encoder_set_flag(struct dns_encoder *encoder, uint16_t flag);
/* Low 4 bits only; the rest goes into OPT. */
void dns_encoder_set_rcode(struct dns_encoder *encoder, unsigned rcode);

/* Writes the header; gives the length of the message. */
size_t dns_encoder_end(struct dns_encoder *encoder);
size_t dns_encoder_len(const struct dns_encoder *encoder);
