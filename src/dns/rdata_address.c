/* SPDX-License-Identifier: MIT */
/* Addresses of other times: A6 (RFC 2874 3), NSAP (RFC 1706 5), ATMA (AF-DANS-0152.000). */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"

#define A6_PREFIX_MAX 128

static size_t a6_suffix_len(unsigned prefix)
{
	return (A6_PREFIX_MAX - prefix + 7) / 8;
}

bool rdata_a6_skip(struct reader *in, const char **why)
{
	uint8_t prefix = read_u8(in);
	*why = "its prefix length or address suffix is not as RFC 2874 3.1 says";
	if (in->failed || prefix > A6_PREFIX_MAX) {
		return false;
	}
	size_t len = a6_suffix_len(prefix);
	const uint8_t *suffix = read_bytes(in, len);
	/* Bits that belong to the prefix are zero. */
	if (suffix == NULL || (len > 0 && (suffix[0] & ~(0xffu >> prefix % 8)) != 0)) {
		return false;
	}
	return prefix == 0 || rdata_skip(RDATA_NAME_FOLDED, in, why);
}

bool rdata_a6_parse(struct rdata_parser *parser)
{
	uint64_t prefix;
	if (!rdata_number(parser, A6_PREFIX_MAX, &prefix)) {
		return false;
	}
	write_u8(parser->out, (uint8_t)prefix);
	rdata_next_label(parser);
	size_t len = a6_suffix_len((unsigned)prefix);
	if (len > 0) {
		uint8_t address[16];
		const struct dns_token *token = rdata_word(parser);
		if (token == NULL) {
			return false;
		}
		if (!codec_ip6(token->chars, token->len, address)) {
			return rdata_fail(parser, "is not an IPv6 address");
		}
		address[16 - len] &= (uint8_t)(0xffu >> prefix % 8);
		write_bytes(parser->out, address + 16 - len, len);
	}
	rdata_next_label(parser);
	return prefix == 0 || rdata_parse_name(parser);
}

bool rdata_a6_add(struct reader *in, struct text *out)
{
	uint8_t prefix = read_u8(in);
	size_t len = prefix <= A6_PREFIX_MAX ? a6_suffix_len(prefix) : 0;
	const uint8_t *suffix = read_bytes(in, len);
	if (suffix == NULL) {
		return false;
	}
	text_add_decimal(out, prefix);
	if (len > 0) {
		uint8_t address[16] = {0};
		memcpy(address + 16 - len, suffix, len);
		text_add_char(out, ' ');
		codec_add_ip6(out, address);
	}
	if (prefix > 0) {
		text_add_char(out, ' ');
		rdata_add(RDATA_NAME_FOLDED, in, out);
	}
	return true;
}

bool rdata_nsap_skip(struct reader *in, const char **why)
{
	return rdata_skip(RDATA_HEX_REST, in, why);
}

/* Hexadecimal in which dots may stand between octets or anywhere else. */
static bool parse_dotted_hex(const char *chars, size_t len, struct writer *out)
{
	uint8_t half = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t digit = codec_hex_value[(uint8_t)chars[i]];
		if (chars[i] == '.') {
			continue;
		}
		if (digit == 0) {
			return false;
		}
		if (half == 0) {
			half = digit;
		} else {
			write_u8(out, (uint8_t)(half << 4 | (digit & 0xf)));
			half = 0;
		}
	}
	return half == 0;
}

bool rdata_nsap_parse(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	const uint8_t *start = parser->out->at;
	if (token == NULL) {
		return false;
	}
	bool prefixed = token->len > 2 && token->chars[0] == '0' && (token->chars[1] | 0x20) == 'x';
	bool good = prefixed && parse_dotted_hex(token->chars + 2, token->len - 2, parser->out);
	return (good && (parser->out->at > start || parser->out->failed)) ||
	       rdata_fail(parser, "is not 0x and octets in hexadecimal");
}

bool rdata_nsap_add(struct reader *in, struct text *out)
{
	text_add(out, "0x", 2);
	return rdata_add(RDATA_HEX_REST, in, out);
}

enum atm_format {
	ATM_END_SYSTEM = 0,
	ATM_E164 = 1,
};

bool rdata_atma_skip(struct reader *in, const char **why)
{
	return rdata_skip(RDATA_U8, in, why) && rdata_skip(RDATA_HEX_REST, in, why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool are_digits(const char *chars, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(chars[i])) {
			return false;
		}
	}
	return len > 0;
}

/* Digits; dots may stand between them, but two in a row. */
static bool parse_dotted_digits(const char *chars, size_t len, struct writer *out)
{
	char last = '.';
	for (size_t i = 0; i < len; i++) {
		if (is_digit(chars[i])) {
			write_u8(out, (uint8_t)chars[i]);
		} else if (chars[i] != '.' || last == '.') {
			return false;
		}
		last = chars[i];
	}
	return last != '.';
}

bool rdata_atma_parse(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	if (token->len > 0 && token->chars[0] == '+') {
		write_u8(parser->out, ATM_E164);
		return parse_dotted_digits(token->chars + 1, token->len - 1, parser->out) ||
		       rdata_fail(parser, "is not + and digits");
	}
	write_u8(parser->out, ATM_END_SYSTEM);
	const uint8_t *start = parser->out->at;
	bool good = parse_dotted_hex(token->chars, token->len, parser->out);
	return (good && (parser->out->at > start || parser->out->failed)) ||
	       rdata_fail(parser, "is neither hexadecimal nor + and digits");
}

bool rdata_atma_add(struct reader *in, struct text *out)
{
	uint8_t format = read_u8(in);
	size_t len = reader_left(in);
	if (format == ATM_END_SYSTEM) {
		return rdata_add(RDATA_HEX_REST, in, out);
	}
	const uint8_t *digits = read_bytes(in, len);
	if (format != ATM_E164 || digits == NULL || !are_digits((const char *)digits, len)) {
		return false;
	}
	text_add_char(out, '+');
	text_add(out, (const char *)digits, len);
	return true;
}
