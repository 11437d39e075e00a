/* SPDX-License-Identifier: MIT */
/* HIP (RFC 8005 5 and 6): a host identity tag, its key and rendezvous servers. */
#include "dns/rdata_internal.h"

#include "dns/codec_internal.h"

bool rdata_hip_skip(struct reader *in, const char **why)
{
	uint8_t tag_len = read_u8(in);
	read_u8(in);
	uint16_t key_len = read_u16(in);
	if (read_bytes(in, (size_t)tag_len + key_len) == NULL || tag_len == 0 || key_len == 0) {
		*why = "its tag or key is empty or cut short";
		return false;
	}
	while (reader_left(in) > 0) {
		if (!rdata_skip(RDATA_NAME_PLAIN, in, why)) {
			return false;
		}
	}
	return true;
}

/* The tag in hexadecimal, the key in base 64, each one token (RFC 8005 6). */
static bool parse_identity(struct rdata_parser *parser, uint8_t *lens)
{
	struct writer *out = parser->out;
	struct codec_base64 state = {0};
	const struct dns_token *tag = rdata_word(parser);
	if (tag == NULL) {
		return false;
	}
	if (tag->len == 0 || tag->len > 2 * UINT8_MAX || !codec_hex(tag->chars, tag->len, out)) {
		return rdata_fail(parser, "is not hexadecimal of at most 255 octets");
	}
	rdata_next_label(parser);
	const uint8_t *key_start = out->at;
	const struct dns_token *key = rdata_word(parser);
	if (key == NULL) {
		return false;
	}
	bool good = codec_base64_add(&state, key->chars, key->len, out) && codec_base64_end(&state);
	size_t key_len = (size_t)(out->at - key_start);
	if (!out->failed && (!good || key_len == 0 || key_len > UINT16_MAX)) {
		return rdata_fail(parser, "is not base 64");
	}
	if (!out->failed) {
		lens[0] = (uint8_t)(tag->len / 2);
		store_u16(lens + 2, (uint16_t)key_len);
	}
	return true;
}

bool rdata_hip_parse(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint64_t algorithm;
	if (token == NULL) {
		return false;
	}
	if (!rdata_algorithm_from_text(token->chars, token->len, &algorithm)) {
		return rdata_fail(parser, "is neither a number nor a word for one");
	}
	uint8_t *lens = write_room(parser->out, 4);
	if (lens == NULL) {
		return true;
	}
	lens[1] = (uint8_t)algorithm;
	rdata_next_label(parser);
	if (!parse_identity(parser, lens)) {
		return false;
	}
	rdata_next_label(parser);
	while (rdata_more(parser)) {
		if (!rdata_parse_name(parser)) {
			return false;
		}
	}
	return true;
}

bool rdata_hip_add(struct reader *in, struct text *out)
{
	uint8_t tag_len = read_u8(in);
	uint8_t algorithm = read_u8(in);
	uint16_t key_len = read_u16(in);
	const uint8_t *tag = read_bytes(in, tag_len);
	const uint8_t *key = read_bytes(in, key_len);
	if (in->failed) {
		return false;
	}
	text_add_decimal(out, algorithm);
	text_add_char(out, ' ');
	codec_add_hex(out, tag, tag_len);
	text_add_char(out, ' ');
	codec_add_base64(out, key, key_len);
	while (reader_left(in) > 0 && !in->failed) {
		text_add_char(out, ' ');
		rdata_add(RDATA_NAME_PLAIN, in, out);
	}
	return true;
}
