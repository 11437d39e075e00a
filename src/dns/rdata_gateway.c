/* SPDX-License-Identifier: MIT */
/* IPSECKEY (RFC 4025) and AMTRELAY (RFC 8777): a gateway that is nothing, an address or a name. Gateways of other types
 * are passed on unread and written in the generic form. */
#include "dns/rdata_internal.h"

#include "dns/codec_internal.h"
#include "dns/name.h"

enum gateway {
	GATEWAY_NONE = 0,
	GATEWAY_IP4 = 1,
	GATEWAY_IP6 = 2,
	GATEWAY_NAME = 3,
};

#define DISCOVERY_OPTIONAL 0x80 /* RFC 8777 4.2.2, the D bit */

static bool is_known(unsigned gateway)
{
	return gateway <= GATEWAY_NAME;
}

static bool skip_gateway(unsigned gateway, struct reader *in, const char **why)
{
	switch (gateway) {
	case GATEWAY_NONE:
		return true;
	case GATEWAY_IP4:
		return rdata_skip(RDATA_IP4, in, why);
	case GATEWAY_IP6:
		return rdata_skip(RDATA_IP6, in, why);
	case GATEWAY_NAME:
		return rdata_skip(RDATA_NAME_PLAIN, in, why);
	default:
		in->at = in->end;
		return true;
	}
}

static bool parse_gateway(struct rdata_parser *parser, unsigned gateway)
{
	const struct dns_token *token;
	uint8_t address[16];
	switch (gateway) {
	case GATEWAY_NONE:
		token = rdata_word(parser);
		return token != NULL && ((token->len == 1 && token->chars[0] == '.') ||
		                         rdata_fail(parser, "is not '.', as it must be with type 0"));
	case GATEWAY_IP4:
		token = rdata_word(parser);
		if (token == NULL || !codec_ip4(token->chars, token->len, address)) {
			return token != NULL && rdata_fail(parser, "is not an IPv4 address");
		}
		write_bytes(parser->out, address, 4);
		return true;
	case GATEWAY_IP6:
		token = rdata_word(parser);
		if (token == NULL || !codec_ip6(token->chars, token->len, address)) {
			return token != NULL && rdata_fail(parser, "is not an IPv6 address");
		}
		write_bytes(parser->out, address, 16);
		return true;
	default:
		return rdata_parse_name(parser);
	}
}

static bool add_gateway(unsigned gateway, struct reader *in, struct text *out)
{
	switch (gateway) {
	case GATEWAY_NONE:
		text_add_char(out, '.');
		return true;
	case GATEWAY_IP4:
		return rdata_add(RDATA_IP4, in, out);
	case GATEWAY_IP6:
		return rdata_add(RDATA_IP6, in, out);
	case GATEWAY_NAME:
		return rdata_add(RDATA_NAME_PLAIN, in, out);
	default:
		return false;
	}
}

bool rdata_ipseckey_skip(struct reader *in, const char **why)
{
	const uint8_t *fixed = read_bytes(in, 3);
	if (fixed == NULL) {
		*why = "it is cut short";
		return false;
	}
	/* RFC 4025 2.5 and 2.6: the key may be absent. */
	return skip_gateway(fixed[1], in, why) && rdata_skip(RDATA_BASE64_REST_OPTIONAL, in, why);
}

bool rdata_ipseckey_parse(struct rdata_parser *parser)
{
	uint64_t precedence;
	uint64_t gateway;
	uint64_t algorithm;
	size_t len;
	bool good = rdata_number(parser, UINT8_MAX, &precedence) && rdata_next_label(parser) &&
	            rdata_number(parser, GATEWAY_NAME, &gateway) && rdata_next_label(parser) &&
	            rdata_number(parser, UINT8_MAX, &algorithm) && rdata_next_label(parser);
	if (!good) {
		return false;
	}
	write_u8(parser->out, (uint8_t)precedence);
	write_u8(parser->out, (uint8_t)gateway);
	write_u8(parser->out, (uint8_t)algorithm);
	return parse_gateway(parser, (unsigned)gateway) && rdata_next_label(parser) &&
	       rdata_parse_base64_rest(parser, &len);
}

bool rdata_ipseckey_add(struct reader *in, struct text *out)
{
	const uint8_t *fixed = read_bytes(in, 3);
	if (fixed == NULL || !is_known(fixed[1])) {
		return false;
	}
	for (size_t i = 0; i < 3; i++) {
		text_add_decimal(out, fixed[i]);
		text_add_char(out, ' ');
	}
	if (!add_gateway(fixed[1], in, out) || in->failed) {
		return false;
	}
	if (reader_left(in) > 0) {
		text_add_char(out, ' ');
	}
	return rdata_add(RDATA_BASE64_REST_OPTIONAL, in, out);
}

bool rdata_amtrelay_skip(struct reader *in, const char **why)
{
	const uint8_t *fixed = read_bytes(in, 2);
	if (fixed == NULL) {
		*why = "it is cut short";
		return false;
	}
	return skip_gateway(fixed[1] & 0x7fu, in, why);
}

bool rdata_amtrelay_parse(struct rdata_parser *parser)
{
	uint64_t precedence;
	uint64_t optional;
	uint64_t relay;
	bool good = rdata_number(parser, UINT8_MAX, &precedence) && rdata_next_label(parser) &&
	            rdata_number(parser, 1, &optional) && rdata_next_label(parser) &&
	            rdata_number(parser, GATEWAY_NAME, &relay) && rdata_next_label(parser);
	if (!good) {
		return false;
	}
	write_u8(parser->out, (uint8_t)precedence);
	write_u8(parser->out, (uint8_t)((optional != 0 ? DISCOVERY_OPTIONAL : 0) | relay));
	return parse_gateway(parser, (unsigned)relay);
}

bool rdata_amtrelay_add(struct reader *in, struct text *out)
{
	const uint8_t *fixed = read_bytes(in, 2);
	if (fixed == NULL || !is_known(fixed[1] & 0x7fu)) {
		return false;
	}
	text_add_decimal(out, fixed[0]);
	text_add_string(out, (fixed[1] & DISCOVERY_OPTIONAL) != 0 ? " 1 " : " 0 ");
	text_add_decimal(out, fixed[1] & 0x7fu);
	text_add_char(out, ' ');
	return add_gateway(fixed[1] & 0x7fu, in, out);
}
