/* SPDX-License-Identifier: MIT */
/* APL, lists of address prefixes (RFC 3123 4 and 5). */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"

enum {
	FAMILY_IP4 = 1,
	FAMILY_IP6 = 2,
};

#define NEGATED 0x80

static size_t address_size(unsigned family)
{
	return family == FAMILY_IP4 ? 4 : 16;
}

bool rdata_apl_skip(struct reader *in, const char **why)
{
	while (reader_left(in) > 0) {
		unsigned family = read_u16(in);
		uint8_t prefix = read_u8(in);
		size_t len = read_u8(in) & 0x7fu;
		const uint8_t *address = read_bytes(in, len);
		if (address == NULL) {
			*why = "a prefix is cut short";
			return false;
		}
		/* RFC 3123 4: trailing zero octets are not sent. */
		if (len > 0 && address[len - 1] == 0) {
			*why = "an address ends with a zero octet";
			return false;
		}
		bool known = family == FAMILY_IP4 || family == FAMILY_IP6;
		if (known && (len > address_size(family) || prefix > 8 * address_size(family))) {
			*why = "a prefix is longer than its address family allows";
			return false;
		}
	}
	return true;
}

/* [!]family:address/prefix */
static bool parse_item(const char *chars, size_t len, struct writer *out)
{
	uint8_t negated = len > 0 && chars[0] == '!' ? NEGATED : 0;
	const char *at = chars + (negated != 0);
	const char *end = chars + len;
	const char *colon = memchr(at, ':', (size_t)(end - at));
	const char *slash = memchr(at, '/', (size_t)(end - at));
	uint64_t family;
	uint64_t prefix;
	uint8_t address[16];
	if (colon == NULL || slash == NULL || slash < colon ||
	    !codec_decimal(at, (size_t)(colon - at), FAMILY_IP6, &family) || family < FAMILY_IP4 ||
	    !codec_decimal(slash + 1, (size_t)(end - slash - 1), 8 * address_size((unsigned)family), &prefix)) {
		return false;
	}
	const char *address_chars = colon + 1;
	size_t address_len = (size_t)(slash - address_chars);
	if (family == FAMILY_IP4 ? !codec_ip4(address_chars, address_len, address)
	                         : !codec_ip6(address_chars, address_len, address)) {
		return false;
	}
	size_t octets = address_size((unsigned)family);
	while (octets > 0 && address[octets - 1] == 0) {
		octets--;
	}
	write_u16(out, (uint16_t)family);
	write_u8(out, (uint8_t)prefix);
	write_u8(out, (uint8_t)(negated | octets));
	write_bytes(out, address, octets);
	return true;
}

bool rdata_apl_parse(struct rdata_parser *parser)
{
	while (rdata_more(parser)) {
		const struct dns_token *token = rdata_word(parser);
		if (token == NULL) {
			return false;
		}
		if (!parse_item(token->chars, token->len, parser->out)) {
			return rdata_fail(parser, "is not of the form 1:192.0.2.0/24 or !2:2001:db8::/32");
		}
	}
	return true;
}

bool rdata_apl_add(struct reader *in, struct text *out)
{
	for (bool first = true; reader_left(in) > 0 && !in->failed; first = false) {
		uint8_t address[16] = {0};
		unsigned family = read_u16(in);
		uint8_t prefix = read_u8(in);
		uint8_t len = read_u8(in);
		const uint8_t *octets = read_bytes(in, len & 0x7fu);
		if (octets == NULL || (family != FAMILY_IP4 && family != FAMILY_IP6) ||
		    (len & 0x7fu) > address_size(family)) {
			return false;
		}
		memcpy(address, octets, len & 0x7fu);
		text_add_string(out, first ? "" : " ");
		text_add_string(out, (len & NEGATED) != 0 ? "!" : "");
		text_add_decimal(out, family);
		text_add_char(out, ':');
		if (family == FAMILY_IP4) {
			codec_add_ip4(out, address);
		} else {
			codec_add_ip6(out, address);
		}
		text_add_char(out, '/');
		text_add_decimal(out, prefix);
	}
	return true;
}
