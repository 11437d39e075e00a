/* SPDX-License-Identifier: MIT */
/* Sets of RR types: the windows of NSEC, NSEC3 and CSYNC (RFC 4034 4.1.2), the single bitmap of NXT (RFC 2535 5.2). */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"

#define WINDOW_OCTETS_MAX 32
#define WINDOW_COUNT      256
#define NXT_OCTETS_MAX    16 /* types 0..127 */

bool rdata_types_skip_optional(struct reader *in, const char **why)
{
	int last = -1;
	while (reader_left(in) > 0) {
		uint8_t window = read_u8(in);
		uint8_t len = read_u8(in);
		const uint8_t *bits = read_bytes(in, len);
		if (bits == NULL || len == 0 || len > WINDOW_OCTETS_MAX || window <= last || bits[len - 1] == 0) {
			*why = "its type bitmap is not as RFC 4034 4.1.2 says";
			return false;
		}
		last = window;
	}
	return true;
}

bool rdata_types_skip(struct reader *in, const char **why)
{
	*why = "its type bitmap is missing";
	return reader_left(in) > 0 && rdata_types_skip_optional(in, why);
}

/* A set of types under construction. Only windows below `window_end` with a length were ever written. */
struct type_set {
	uint8_t bits[WINDOW_COUNT][WINDOW_OCTETS_MAX];
	uint8_t lens[WINDOW_COUNT];
	size_t window_end;
};

static void set_init(struct type_set *set)
{
	set->window_end = 0;
}

static void set_add(struct type_set *set, uint16_t type)
{
	size_t window = type >> 8;
	size_t octet = (type & 0xffu) >> 3;
	for (; set->window_end <= window; set->window_end++) {
		set->lens[set->window_end] = 0;
	}
	if (set->lens[window] <= octet) {
		memset(set->bits[window] + set->lens[window], 0, octet + 1 - set->lens[window]);
		set->lens[window] = (uint8_t)(octet + 1);
	}
	set->bits[window][octet] |= (uint8_t)(0x80 >> (type & 7));
}

bool rdata_types_parse_optional(struct rdata_parser *parser)
{
	struct type_set set;
	set_init(&set);
	while (rdata_more(parser)) {
		const struct dns_token *token = rdata_word(parser);
		uint16_t type;
		if (token == NULL) {
			return false;
		}
		if (!dns_type_from_text(token->chars, token->len, &type)) {
			return rdata_fail(parser, "has an unknown RR type");
		}
		set_add(&set, type);
	}
	for (size_t window = 0; window < set.window_end; window++) {
		if (set.lens[window] > 0) {
			write_u8(parser->out, (uint8_t)window);
			write_u8(parser->out, set.lens[window]);
			write_bytes(parser->out, set.bits[window], set.lens[window]);
		}
	}
	return true;
}

bool rdata_types_parse(struct rdata_parser *parser)
{
	return rdata_more(parser) ? rdata_types_parse_optional(parser) : rdata_fail_missing(parser);
}

static void add_types(const uint8_t *bits, size_t len, unsigned first, bool *started, struct text *out)
{
	for (unsigned i = 0; i < len; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			if ((bits[i] & 0x80u >> bit) == 0) {
				continue;
			}
			char mnemonic[DNS_MNEMONIC_MAX];
			if (*started) {
				text_add_char(out, ' ');
			}
			text_add_string(out, dns_type_to_text((uint16_t)(first + i * 8 + bit), mnemonic));
			*started = true;
		}
	}
}

bool rdata_types_add(struct reader *in, struct text *out)
{
	bool started = false;
	while (reader_left(in) > 0 && !in->failed) {
		unsigned window = read_u8(in);
		uint8_t len = read_u8(in);
		const uint8_t *bits = read_bytes(in, len);
		if (bits != NULL) {
			add_types(bits, len, window << 8, &started, out);
		}
	}
	return true;
}

bool rdata_nxt_types_skip(struct reader *in, const char **why)
{
	size_t len = reader_left(in);
	const uint8_t *bits = read_bytes(in, len);
	/* RFC 2535 5.2: bit 0 would mean another format, which nobody defined. */
	*why = "its type bitmap is not as RFC 2535 5.2 says";
	return bits != NULL && len <= NXT_OCTETS_MAX && (len == 0 || (bits[0] & 0x80) == 0);
}

/* Types without a mnemonic were plain numbers before RFC 3597. */
static bool nxt_type(const struct dns_token *token, uint16_t *type)
{
	uint64_t number;
	if (codec_decimal(token->chars, token->len, UINT16_MAX, &number)) {
		*type = (uint16_t)number;
	} else if (!dns_type_from_text(token->chars, token->len, type)) {
		return false;
	}
	return *type > 0 && *type < NXT_OCTETS_MAX * 8;
}

bool rdata_nxt_types_parse(struct rdata_parser *parser)
{
	uint8_t bits[NXT_OCTETS_MAX] = {0};
	size_t len = 0;
	while (rdata_more(parser)) {
		const struct dns_token *token = rdata_word(parser);
		uint16_t type;
		if (token == NULL) {
			return false;
		}
		if (!nxt_type(token, &type)) {
			return rdata_fail(parser, "has an RR type that is not one of 1 to 127");
		}
		bits[type / 8] |= (uint8_t)(0x80 >> type % 8);
		len = type / 8u + 1 > len ? type / 8u + 1 : len;
	}
	write_bytes(parser->out, bits, len);
	return true;
}

bool rdata_nxt_types_add(struct reader *in, struct text *out)
{
	bool started = false;
	size_t len = reader_left(in);
	const uint8_t *bits = read_bytes(in, len);
	add_types(bits, len, 0, &started, out);
	/* The text has no place for a trailing octet without types. */
	return len == 0 || bits[len - 1] != 0;
}
