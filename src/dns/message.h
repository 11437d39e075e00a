/* SPDX-License-Identifier: MIT */
/* Reading messages (RFC 1035 4.1, EDNS RFC 6891). What is read points into the bytes of the message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "dns/name.h"
#include "dns/type.h"

#define DNS_HEADER_SIZE 12
#define DNS_MESSAGE_MAX 65535
/* UDP without EDNS (RFC 1035 4.2.1). */
#define DNS_UDP_SIZE_PLAIN 512
/* Default EDNS payload: no fragments on any common path (RFC 9715). */
#define DNS_UDP_SIZE_EDNS 1232

struct dns_header {
	uint16_t id;
	uint16_t flags; /* DNS_FLAG_*, opcode and RCODE in their places */
	uint16_t question_count;
	uint16_t answer_count;
	uint16_t authority_count;
	uint16_t additional_count;
};

static inline unsigned dns_flags_opcode(uint16_t flags)
{
	return (flags >> 11) & 0xfu;
}

static inline unsigned dns_flags_rcode(uint16_t flags)
{
	return flags & 0xfu;
}

/* What an OPT record said (RFC 6891 6.1). Options that we do not know are ignored (6.1.2). */
struct dns_edns {
	bool present;
	uint8_t version;
	bool dnssec_ok;        /* DO, RFC 3225 */
	uint8_t rcode_high;    /* upper 8 bits of the extended RCODE; responses only */
	uint16_t payload_size; /* as sent; less than 512 means 512 (RFC 6891 6.2.3) */
	bool nsid;             /* NSID asked (RFC 5001), or given, then nsid_bytes */
	bool expire;           /* EXPIRE asked or given (RFC 7314) */
	bool expire_has_value;
	bool keepalive; /* edns-tcp-keepalive (RFC 7828) */
	bool keepalive_has_value;
	bool padding; /* RFC 7830; its octets mean nothing */
	bool cookie;  /* a COOKIE option is there (RFC 7873) */
	uint16_t keepalive_100ms;
	uint32_t expire_s;
	int ede; /* first Extended DNS Error, or DNS_EDE_NONE (RFC 8914) */
	const uint8_t *nsid_bytes;
	const uint8_t *ede_text; /* not NUL-terminated; may be NULL */
	const uint8_t *digest;   /* the first DNS_OPTION_DIGEST; NULL: none is there */
	const uint8_t *options;  /* all options as they came, for tools; NULL without OPT */
	uint16_t nsid_len;
	uint16_t ede_text_len;
	uint16_t digest_len;
	uint16_t options_len;
};

/* One RR of a message. */
struct dns_rr {
	struct dns_name owner; /* decompressed */
	uint16_t type;
	uint16_t class;
	uint32_t ttl;         /* as sent, 32 bits */
	const uint8_t *rdata; /* still compressed: decode with dns_rdata_read at `rdata` */
	uint16_t rdata_len;
};

struct dns_message {
	const uint8_t *bytes; /* borrowed */
	size_t len;
	struct dns_header header;
	bool has_question;
	struct dns_name qname; /* in the case of the question */
	uint16_t qtype;
	uint16_t qclass;
	size_t question_end;  /* offset behind the question */
	size_t answer_offset; /* where each section begins */
	size_t authority_offset;
	size_t additional_offset;
	struct dns_edns edns;
	bool has_tsig; /* the last record is a TSIG */
	size_t tsig_offset;
};

enum dns_read_outcome {
	DNS_READ_OK,
	DNS_READ_TOO_SHORT, /* no whole header: nothing can be said about it */
	DNS_READ_FORMERR,   /* `message` holds what was read soundly: header always, edns if its OPT was sound */
};

/* Reads a whole message: header, at most one question, every record's frame (owner, type, lengths), OPT, TSIG's place.
 * FORMERR: two or more questions, a truncated or over-long record, an OPT that is not at the root, comes twice or
 * stands outside the additional section (RFC 6891 6.1.1), TSIG that is not last (RFC 8945 5.2), a record with a name that
 * cannot be read. Octets behind the last record are FORMERR too. A message without question is OK with has_question
 * false: the caller decides. RDATA is not looked into, but for OPT. Any thread, no allocation. */
enum dns_read_outcome dns_message_read(const uint8_t *bytes, size_t len, struct dns_message *message);
/* The same for who is about to read each record of the answer section: pointers in their owners are not followed yet. */
enum dns_read_outcome dns_message_read_frame(const uint8_t *bytes, size_t len, struct dns_message *message);

/* The next record; `reader` is over the whole message (its start is the header) and stands at a record. On a defect the
 * reader is failed. */
void dns_rr_read(struct reader *reader, struct dns_rr *rr);
/* The same, where `rr` is the record before it, whose owner is written at `*owner` (NULL: there is none): an owner that is a
 * pointer there need not be read again. */
void dns_rr_read_next(struct reader *reader, struct dns_rr *rr, const uint8_t **owner);

/* A reader over the whole message that stands at `offset`. */
struct reader dns_message_reader(const struct dns_message *message, size_t offset);

/* The whole RCODE of a response, EDNS bits included. */
unsigned dns_message_rcode(const struct dns_message *message);

/* The TSIG of a message (RFC 8945 4.2). */
struct dns_tsig {
	struct dns_name key;      /* the owner, as it came */
	const uint8_t *algorithm; /* all pointers lead into the message */
	uint64_t time_s;          /* seconds since 1970, 48 bits */
	uint16_t fudge_s;
	uint16_t mac_len;
	const uint8_t *mac;
	uint16_t original_id;
	uint16_t error; /* extended RCODE; 0 in requests */
	uint16_t other_len;
	const uint8_t *other;
};
/* Reads what message->tsig_offset leads to; has_tsig is set. False: it cannot be interpreted, which is a FORMERR (5.2): a
 * class that is not ANY, a TTL that is not 0, RDATA that is too short or too long. */
bool dns_message_tsig(const struct dns_message *message, struct dns_tsig *out);

/* Fields of an SOA's RDATA (RFC 1035 3.3.13), checked uncompressed form. */
struct dns_soa {
	const uint8_t *mname;
	const uint8_t *rname;
	uint32_t serial;
	uint32_t refresh_s;
	uint32_t retry_s;
	uint32_t expire_s;
	uint32_t minimum_s;
};
/* `rdata` passed dns_rdata_check as SOA. */
void dns_soa_read(const uint8_t *rdata, size_t len, struct dns_soa *out);
/* Only the serial. */
uint32_t dns_soa_serial(const uint8_t *rdata, size_t len);
/* The same for an SOA in a message. False: its RDATA is malformed. */
bool dns_rr_soa_serial(const struct dns_message *message, const struct dns_rr *rr, uint32_t *serial);
/* The serial of a zone's SOA among the `count` records that begin at `offset`: what an answer, an IXFR question
 * (RFC 1995 3) or a NOTIFY (RFC 1996 3.7) says. dns_message_read has found the message OK. False: there is none, or its
 * RDATA is malformed. */
bool dns_message_soa_serial(const struct dns_message *message, size_t offset, unsigned count, const uint8_t *apex,
                            uint16_t class, uint32_t *serial);
/* Overwrites the serial. */
void dns_soa_set_serial(uint8_t *rdata, size_t len, uint32_t serial);
