/* SPDX-License-Identifier: MIT */
/* RDATA of every RR type, driven by one descriptor row per type (rdata_rows.c): its wire fields, its presentation
 * form, which names it embeds and which of them a message may compress (RFC 3597 4).
 *
 * A type without a row is opaque: any octets, written as \# (RFC 3597 5). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/text.h"

#define DNS_RDATA_MAX 65535

/* Checks uncompressed wire RDATA against its row: whole fields, names within bounds, nothing left over, and what the
 * type's RFC requires of the values so that nothing later can trip over it (bitmap form, DS digest lengths of known
 * algorithms, SVCB key order, NSEC3 hash length ...). `why` (may be NULL) gets a static sentence when false. */
bool dns_rdata_check(uint16_t type, const uint8_t *rdata, size_t len, const char **why);
/* The same without what nothing of ours relies on: the digest lengths of DS and its likes and of ZONEMD, the digits of
 * X25, a KEY without a key, a URI without a target. Others serve such records, and whoever copies their zone must be
 * able to. Their text may not read back. */
bool dns_rdata_check_form(uint16_t type, const uint8_t *rdata, size_t len);

/* Reads RDATA of a message: `message` stands at its first octet, `len` is RDLENGTH. Names that may be compressed
 * (RFC 1035 types; leniently those that RFC 3597 4 lists for receiving) are expanded; the form of the result is
 * checked, and it is appended to `out`. False: malformed, or no room in `out`; the reader is then failed. On success
 * the reader stands behind the RDATA. */
bool dns_rdata_read(struct reader *message, uint16_t type, size_t len, struct writer *out);

/* One token of presentation form, borrowed from the text. A quote ends a token and begins the next one, so that
 * key="value" (RFC 9460 2.1) is two: `key=`, and a quoted one whose chars begin just one octet (the quote) behind the
 * end of the first. Tokens that do not touch like that were separated by blanks. */
struct dns_token {
	const char *chars; /* escapes not yet resolved, quotes stripped */
	uint32_t len;
	bool quoted;
	uint32_t line;   /* 1.. */
	uint32_t column; /* 1.. */
};

struct dns_rdata_error {
	size_t token;   /* index of the token that is wrong; == count: something is missing at the end */
	char text[160]; /* "preference is not a number from 0 to 65535" */
};

/* Reads presentation form of a type's RDATA, also \# (RFC 3597 5), whose octets are then checked as that type.
 * Relative names get `origin` (may be NULL: they are errors). Appends to `out`. On false `error` is set and `out` has
 * undefined content behind its old end. */
bool dns_rdata_parse(uint16_t type, const struct dns_token *tokens, size_t count, const uint8_t *origin,
                     struct writer *out, struct dns_rdata_error *error);

/* Presentation form on one line, which dns_rdata_parse reads back to the same octets. Names are absolute. */
void dns_rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, struct text *out);
/* The generic form: \# LEN HEX. */
void dns_rdata_to_text_generic(const uint8_t *rdata, size_t len, struct text *out);

/* A name inside RDATA. */
struct dns_rdata_name {
	uint16_t offset;   /* from the start of the RDATA */
	uint16_t len;      /* octets */
	bool compressible; /* a sender may compress it: RFC 1035 types only (RFC 3597 4) */
	bool case_folded;  /* the canonical form lowers it: RFC 4034 6.2 as updated by RFC 6840 5.1 */
};

#define DNS_RDATA_NAMES_MAX 2 /* SOA, RP, MINFO, TALINK; HIP's server list is uncompressed and kept as it is */

/* Embedded names that compression or the canonical form touches, in order; at most DNS_RDATA_NAMES_MAX.
 * `rdata` passed dns_rdata_check. */
size_t dns_rdata_names(uint16_t type, const uint8_t *rdata, size_t len, struct dns_rdata_name *names);
/* Quick answer, from a table: does RDATA of this type hold names that dns_rdata_names would give? */
bool dns_type_has_names(uint16_t type);

/* Canonical form (RFC 4034 6.2): a copy of the same length with case-folded names. `out` has `len` bytes and may be
 * `rdata` itself. */
void dns_rdata_canonical(uint16_t type, const uint8_t *rdata, size_t len, uint8_t *out);
/* Canonical order of two RDATA (RFC 4034 6.3): octets of the canonical forms, left-justified. */
int dns_rdata_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
