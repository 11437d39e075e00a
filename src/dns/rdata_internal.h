/* SPDX-License-Identifier: MIT */
/* Inside of the RDATA engine: the descriptor rows, and what the files of the engine call in each other.
 *
 * A row is a list of fields. For each kind of field there are three things to know: how far it reaches on the wire and
 * what it may hold (rdata_check.c), how it is read from text (rdata_parse.c) and how it is written (rdata_text.c). Each
 * of these files has a table with a row for each kind; a kind of fixed width without a row of its own is a number.
 * Kinds that only one or two types have live in files of their own, with all three.
 *
 * I1  Whatever passes dns_rdata_check has a text, and that text reads back to the same octets. Octets that a type's own
 *     notation cannot express are written in the generic form. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/text.h"
#include "dns/rdata.h"
#include "dns/type.h"

enum rdata_field {
	RDATA_END,
	/* Numbers, decimal. */
	RDATA_U8,
	RDATA_U16,
	RDATA_U32,
	RDATA_U48,
	RDATA_U64,
	RDATA_PERIOD,       /* 32 bits of seconds; units are read, not written */
	RDATA_TIME,         /* 32 bits as YYYYMMDDHHmmSS (RFC 4034 3.2) */
	RDATA_TYPE,         /* 16 bits, an RR type */
	RDATA_ALGORITHM,    /* 8 bits, a DNSSEC algorithm */
	RDATA_CERT_TYPE,    /* 16 bits, RFC 4398 2.1 */
	RDATA_SCHEME,       /* 8 bits, RFC 9859 2.2 */
	RDATA_RCODE,        /* 16 bits, with the meanings of RFC 8945 3 */
	RDATA_KEY_FLAGS,    /* 16 bits, RFC 2535 3.1.2 */
	RDATA_KEY_PROTOCOL, /* 8 bits, RFC 2535 3.1.3 */
	/* Addresses. */
	RDATA_IP4,
	RDATA_IP6,
	RDATA_EUI48,
	RDATA_EUI64,
	RDATA_LOCATOR, /* 64 bits, RFC 6742 2.1 */
	/* Names. The kinds differ in who may compress them and in their canonical form (RFC 3597 4, RFC 6840 5.1). */
	RDATA_NAME_PACKED,  /* compressed by us and by others; folded */
	RDATA_NAME_LENIENT, /* compressed by others only; folded */
	RDATA_NAME_FOLDED,  /* never compressed; folded */
	RDATA_NAME_PLAIN,   /* never compressed; case kept */
	/* Strings. */
	RDATA_STRING,
	RDATA_STRING_OPTIONAL,
	RDATA_STRINGS,     /* one or more, up to the end */
	RDATA_TAG,         /* letters and digits, RFC 8659 4.1 */
	RDATA_QUOTED_REST, /* all octets that are left, as one string */
	/* Octets. */
	RDATA_HEX_REST,
	RDATA_HEX_REST_OPTIONAL,
	RDATA_BASE64_REST,
	RDATA_BASE64_REST_OPTIONAL,
	RDATA_BASE64_DASH,  /* "-" when there are none */
	RDATA_BASE64_SIZED, /* 16 bits of length before them; the length is written too */
	RDATA_SALT,         /* 8 bits of length; hexadecimal or "-" */
	RDATA_HASH,         /* 8 bits of length; base 32 */
	/* Sets of types. */
	RDATA_TYPES,
	RDATA_TYPES_OPTIONAL,
	RDATA_NXT_TYPES,
	/* Notations of one type. */
	RDATA_A6,
	RDATA_AMTRELAY,
	RDATA_APL,
	RDATA_ATMA,
	RDATA_HIP,
	RDATA_IPSECKEY,
	RDATA_LOC,
	RDATA_NSAP,
	RDATA_SERVICES, /* WKS: protocol and ports */
	RDATA_SVC_PARAMS,
	/* No notation: the generic form only. */
	RDATA_OPAQUE,
	RDATA_KIND_COUNT,
};

/* Octets of the kinds that are always equally long; 0: the length differs. */
extern const uint8_t rdata_octets[RDATA_KIND_COUNT];

/* What must hold beyond the form of the fields. */
enum rdata_rule {
	RDATA_RULE_NONE,
	RDATA_RULE_DS,
	RDATA_RULE_ZONEMD,
	RDATA_RULE_X25,
	RDATA_RULE_KEY,
	RDATA_RULE_NSEC3,
	RDATA_RULE_URI,
};

#define RDATA_FIELDS_MAX 10

struct rdata_row {
	const char *mnemonic; /* NULL: no type of this number */
	const char *labels;   /* what people call the fields, in order, separated by commas */
	uint8_t fields[RDATA_FIELDS_MAX];
	uint8_t rule;
	/* Folded names: `name_count` one behind the other, the first at `name_at`; RDATA_NAMES_SEEK: behind fields that
	 * differ in length. The fields say the same, more slowly. */
	uint8_t name_count;
	uint8_t name_at;
	bool names_packed;
};

#define RDATA_NAMES_SEEK 0xff

/* Types below RDATA_ROWS_LOW stand at their number, those from RDATA_TYPE_HIGH on behind them. */
#define RDATA_ROWS_LOW  265
#define RDATA_TYPE_HIGH 32768
#define RDATA_ROWS_HIGH 2
#define RDATA_ROW_COUNT (RDATA_ROWS_LOW + RDATA_ROWS_HIGH)

extern const struct rdata_row rdata_rows[RDATA_ROW_COUNT];
extern const struct rdata_row rdata_row_opaque;

static inline const struct rdata_row *rdata_row_find(uint16_t type)
{
	if (type < RDATA_ROWS_LOW) {
		return &rdata_rows[type];
	}
	unsigned high = (unsigned)type - RDATA_TYPE_HIGH;
	return type >= RDATA_TYPE_HIGH && high < RDATA_ROWS_HIGH ? &rdata_rows[RDATA_ROWS_LOW + high]
	                                                         : &rdata_row_opaque;
}

/* Never NULL: a type without a row is opaque. */
static inline const struct rdata_row *rdata_row_get(uint16_t type)
{
	const struct rdata_row *row = rdata_row_find(type);
	return row->mnemonic == NULL ? &rdata_row_opaque : row;
}

/* ---- wire ---- */

/* Moves `in` behind the field. False: it is not what the field must be; `*why` gets a static sentence. */
bool rdata_skip(enum rdata_field field, struct reader *in, const char **why);
bool rdata_rule_holds(enum rdata_rule rule, const uint8_t *rdata, size_t len, const char **why);

/* ---- text to wire ---- */

struct rdata_parser {
	uint16_t type;
	const struct rdata_row *row;
	size_t field; /* index in the row */
	size_t label; /* index in the row's labels: a notation of one type may read several things as its one field */
	const struct dns_token *tokens;
	size_t count;
	size_t at; /* the next token */
	const uint8_t *origin;
	struct writer *out;
	struct dns_rdata_error *error;
};

/* "<field> <text>", about the token taken last. Always false. */
bool rdata_fail(struct rdata_parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);

/* "<field> is missing", behind the last token. Always false. */
bool rdata_fail_missing(struct rdata_parser *parser);

static inline bool rdata_more(const struct rdata_parser *parser)
{
	return parser->at < parser->count;
}

/* What is read now has the next of the row's labels. Always true. */
static inline bool rdata_next_label(struct rdata_parser *parser)
{
	parser->label++;
	return true;
}

/* The next token; NULL and an error when there is none. */
const struct dns_token *rdata_token(struct rdata_parser *parser);
/* Same, and it may not be quoted. */
const struct dns_token *rdata_word(struct rdata_parser *parser);
bool rdata_number(struct rdata_parser *parser, uint64_t max, uint64_t *out);
bool rdata_parse_name(struct rdata_parser *parser);
/* All tokens that are left, as one run of base 64; gives the number of octets. */
bool rdata_parse_base64_rest(struct rdata_parser *parser, size_t *len);
bool rdata_token_is(const struct dns_token *token, const char *word); /* case ignored */

/* ---- wire to text ---- */

/* Writes the field at `in` and moves behind it. False: the type's notation cannot express it. */
bool rdata_add(enum rdata_field field, struct reader *in, struct text *out);
void rdata_add_name(const uint8_t *name, struct text *out);

/* ---- names for numbers (rdata_mnemonics.c) ---- */

struct rdata_mnemonic {
	uint16_t number;
	const char *name;
};

bool rdata_algorithm_from_text(const char *chars, size_t len, uint64_t *out);
bool rdata_cert_type_from_text(const char *chars, size_t len, uint64_t *out);
bool rdata_scheme_from_text(const char *chars, size_t len, uint64_t *out);
bool rdata_rcode_from_text(const char *chars, size_t len, uint64_t *out);
/* Words with "|" between them, each for a field of the flags of its own. */
bool rdata_key_flags_from_text(const char *chars, size_t len, uint64_t *out);
bool rdata_key_protocol_from_text(const char *chars, size_t len, uint64_t *out);
void rdata_add_cert_type(struct text *out, unsigned number);
void rdata_add_scheme(struct text *out, unsigned number);
void rdata_add_rcode(struct text *out, unsigned number);

/* ---- notations with a file of their own: skip, parse, add as above ---- */

bool rdata_types_skip(struct reader *in, const char **why);
bool rdata_types_skip_optional(struct reader *in, const char **why);
bool rdata_types_parse(struct rdata_parser *parser);
bool rdata_types_parse_optional(struct rdata_parser *parser);
bool rdata_types_add(struct reader *in, struct text *out);
bool rdata_nxt_types_skip(struct reader *in, const char **why);
bool rdata_nxt_types_parse(struct rdata_parser *parser);
bool rdata_nxt_types_add(struct reader *in, struct text *out);

bool rdata_svcb_skip(struct reader *in, const char **why);
bool rdata_svcb_parse(struct rdata_parser *parser);
bool rdata_svcb_add(struct reader *in, struct text *out);

bool rdata_loc_skip(struct reader *in, const char **why);
bool rdata_loc_parse(struct rdata_parser *parser);
bool rdata_loc_add(struct reader *in, struct text *out);

bool rdata_apl_skip(struct reader *in, const char **why);
bool rdata_apl_parse(struct rdata_parser *parser);
bool rdata_apl_add(struct reader *in, struct text *out);

bool rdata_ipseckey_skip(struct reader *in, const char **why);
bool rdata_ipseckey_parse(struct rdata_parser *parser);
bool rdata_ipseckey_add(struct reader *in, struct text *out);
bool rdata_amtrelay_skip(struct reader *in, const char **why);
bool rdata_amtrelay_parse(struct rdata_parser *parser);
bool rdata_amtrelay_add(struct reader *in, struct text *out);

bool rdata_hip_skip(struct reader *in, const char **why);
bool rdata_hip_parse(struct rdata_parser *parser);
bool rdata_hip_add(struct reader *in, struct text *out);

bool rdata_a6_skip(struct reader *in, const char **why);
bool rdata_a6_parse(struct rdata_parser *parser);
bool rdata_a6_add(struct reader *in, struct text *out);

bool rdata_nsap_skip(struct reader *in, const char **why);
bool rdata_nsap_parse(struct rdata_parser *parser);
bool rdata_nsap_add(struct reader *in, struct text *out);
bool rdata_atma_skip(struct reader *in, const char **why);
bool rdata_atma_parse(struct rdata_parser *parser);
bool rdata_atma_add(struct reader *in, struct text *out);

bool rdata_services_skip(struct reader *in, const char **why);
bool rdata_services_parse(struct rdata_parser *parser);
bool rdata_services_add(struct reader *in, struct text *out);
