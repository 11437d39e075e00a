/* SPDX-License-Identifier: MIT */
/* From presentation form to wire. This is what loading a zone file mostly does, so the common kinds of fields are read
 * straight from the tokens into the output, without copies. */
#include "dns/rdata_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dns/codec_internal.h"
#include "dns/name.h"

#define STRING_MAX 255

/* The name of what is being read, out of the row's list. */
static int field_label(const struct rdata_parser *parser, const char **label)
{
	const char *at = parser->row->labels;
	for (size_t i = 0; i < parser->label; i++) {
		const char *comma = strchr(at, ',');
		if (comma == NULL) {
			break;
		}
		at = comma + 1;
	}
	*label = at;
	return (int)strcspn(at, ",");
}

bool rdata_fail(struct rdata_parser *parser, const char *format, ...)
{
	const char *label;
	int label_len = field_label(parser, &label);
	struct dns_rdata_error *error = parser->error;
	int used = snprintf(error->text, sizeof error->text, "%.*s ", label_len, label);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, arguments);
	va_end(arguments);
	error->token = parser->at > 0 ? parser->at - 1 : 0;
	return false;
}

/* An error of the whole, about the token at `token`. */
static bool fail_whole(struct dns_rdata_error *error, size_t token, const char *text)
{
	error->token = token;
	snprintf(error->text, sizeof error->text, "%s", text);
	return false;
}

bool rdata_fail_missing(struct rdata_parser *parser)
{
	rdata_fail(parser, "is missing");
	parser->error->token = parser->count;
	return false;
}

const struct dns_token *rdata_token(struct rdata_parser *parser)
{
	if (parser->at == parser->count) {
		rdata_fail_missing(parser);
		return NULL;
	}
	return &parser->tokens[parser->at++];
}

const struct dns_token *rdata_word(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_token(parser);
	if (token != NULL && token->quoted) {
		rdata_fail(parser, "may not be quoted");
		return NULL;
	}
	return token;
}

bool rdata_token_is(const struct dns_token *token, const char *word)
{
	return !token->quoted && strlen(word) == token->len && strncasecmp(token->chars, word, token->len) == 0;
}

bool rdata_number(struct rdata_parser *parser, uint64_t max, uint64_t *out)
{
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	if (!codec_decimal(token->chars, token->len, max, out)) {
		return rdata_fail(parser, "is not a number from 0 to %" PRIu64, max);
	}
	return true;
}

static void write_number(struct writer *out, uint64_t value, size_t octets)
{
	uint8_t *room = write_room(out, octets);
	for (size_t i = 0; room != NULL && i < octets; i++) {
		room[i] = (uint8_t)(value >> 8 * (octets - 1 - i));
	}
}

static bool parse_number(struct rdata_parser *parser, size_t octets)
{
	uint64_t value;
	uint64_t max = octets == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * octets) - 1;
	if (!rdata_number(parser, max, &value)) {
		return false;
	}
	write_number(parser->out, value, octets);
	return true;
}

/* A number or one of the words that stand for numbers. */
static bool parse_word(struct rdata_parser *parser, size_t octets, bool (*read)(const char *, size_t, uint64_t *))
{
	const struct dns_token *token = rdata_word(parser);
	uint64_t value;
	if (token == NULL) {
		return false;
	}
	if (!read(token->chars, token->len, &value)) {
		return rdata_fail(parser, "is neither a number nor a word for one");
	}
	write_number(parser->out, value, octets);
	return true;
}

static bool parse_period(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint32_t value;
	if (token == NULL) {
		return false;
	}
	if (!codec_period(token->chars, token->len, &value)) {
		return rdata_fail(parser, "is not a time of at most 4294967295 seconds, such as 3600 or 1h30m");
	}
	write_u32(parser->out, value);
	return true;
}

static bool parse_time(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint32_t value;
	if (token == NULL) {
		return false;
	}
	if (!codec_time(token->chars, token->len, &value)) {
		return rdata_fail(parser, "is not a time as YYYYMMDDHHmmSS or in seconds since 1970");
	}
	write_u32(parser->out, value);
	return true;
}

static bool parse_type(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint16_t type;
	if (token == NULL) {
		return false;
	}
	if (!dns_type_from_text(token->chars, token->len, &type)) {
		return rdata_fail(parser, "is no RR type");
	}
	write_u16(parser->out, type);
	return true;
}

static bool parse_ip4(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint8_t *room = write_room(parser->out, 4);
	if (token == NULL) {
		return false;
	}
	if (room != NULL && !codec_ip4(token->chars, token->len, room)) {
		return rdata_fail(parser, "is not an IPv4 address");
	}
	return true;
}

static bool parse_ip6(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint8_t *room = write_room(parser->out, 16);
	if (token == NULL) {
		return false;
	}
	if (room != NULL && !codec_ip6(token->chars, token->len, room)) {
		return rdata_fail(parser, "is not an IPv6 address");
	}
	return true;
}

/* Octets as "00-1a-...": RFC 7043 3.2. */
static bool parse_eui(struct rdata_parser *parser)
{
	size_t octets = rdata_octets[parser->row->fields[parser->field]];
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	bool good = token->len == octets * 3 - 1;
	for (size_t i = 0; good && i < octets; i++) {
		good = (i + 1 == octets || token->chars[3 * i + 2] == '-') &&
		       codec_hex(token->chars + 3 * i, 2, parser->out);
	}
	return good || rdata_fail(parser, "is not %zu octets in hexadecimal with hyphens between them", octets);
}

/* Four groups of up to four hexadecimal digits: RFC 6742 2.1.1. */
static bool parse_locator(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	size_t at = 0;
	bool good = true;
	for (size_t group = 0; good && group < 4; group++) {
		uint32_t value = 0;
		size_t start = at;
		while (at < token->len && codec_hex_value[(uint8_t)token->chars[at]] != 0 && at - start < 5) {
			value = value << 4 | (codec_hex_value[(uint8_t)token->chars[at++]] & 0xfu);
		}
		good = at > start && at - start <= 4;
		write_u16(parser->out, (uint16_t)value);
		if (group < 3) {
			good = good && at < token->len && token->chars[at] == ':';
			at++;
		}
	}
	return (good && at == token->len) ||
	       rdata_fail(parser, "is not four groups of hexadecimal digits with colons between them");
}

bool rdata_parse_name(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	struct dns_name name;
	if (token == NULL) {
		return false;
	}
	enum dns_text_form form = dns_name_parse(token->chars, token->len, parser->origin, &name);
	if (form != DNS_TEXT_OK) {
		return rdata_fail(parser, "%s", dns_text_form_text(form));
	}
	write_short(parser->out, name.wire, name.len);
	return true;
}

static bool parse_string(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_token(parser);
	if (token == NULL) {
		return false;
	}
	uint8_t *len = write_room(parser->out, 1);
	if (len == NULL) {
		return true; /* the writer tells */
	}
	uint8_t *start = parser->out->at;
	if (!codec_unescape(token->chars, token->len, parser->out)) {
		return rdata_fail(parser, "%s", dns_text_form_text(DNS_TEXT_BAD_ESCAPE));
	}
	size_t octets = (size_t)(parser->out->at - start);
	if (octets > STRING_MAX) {
		return rdata_fail(parser, "is a string longer than 255 octets");
	}
	*len = (uint8_t)octets;
	return true;
}

static bool parse_string_optional(struct rdata_parser *parser)
{
	return !rdata_more(parser) || parse_string(parser);
}

static bool parse_strings(struct rdata_parser *parser)
{
	do {
		if (!parse_string(parser)) {
			return false;
		}
	} while (rdata_more(parser));
	return true;
}

static bool parse_tag(struct rdata_parser *parser)
{
	const uint8_t *start = parser->out->at;
	if (!parse_string(parser)) {
		return false;
	}
	struct reader tag = reader_of(start, (size_t)(parser->out->at - start));
	const char *why;
	return parser->out->failed || rdata_skip(RDATA_TAG, &tag, &why) ||
	       rdata_fail(parser, "is not made of letters and digits");
}

static bool parse_quoted_rest(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_token(parser);
	if (token == NULL) {
		return false;
	}
	return codec_unescape(token->chars, token->len, parser->out) ||
	       rdata_fail(parser, "%s", dns_text_form_text(DNS_TEXT_BAD_ESCAPE));
}

/* All tokens that are left as one run of hexadecimal, wherever it was broken. */
static bool parse_hex_rest_optional(struct rdata_parser *parser)
{
	struct writer *out = parser->out;
	uint8_t half = 0; /* a digit that waits for its second */
	while (rdata_more(parser)) {
		const struct dns_token *token = rdata_word(parser);
		if (token == NULL) {
			return false;
		}
		const char *chars = token->chars;
		size_t len = token->len;
		if (half != 0 && len > 0) {
			uint8_t low = codec_hex_value[(uint8_t)*chars++];
			len--;
			write_u8(out, (uint8_t)(half << 4 | (low & 0xf)));
			half = 0;
			if (low == 0) {
				return rdata_fail(parser, "is not hexadecimal");
			}
		}
		if (!codec_hex(chars, len - len % 2, out)) {
			return rdata_fail(parser, "is not hexadecimal");
		}
		if (len % 2 == 1) {
			half = codec_hex_value[(uint8_t)chars[len - 1]];
			if (half == 0) {
				return rdata_fail(parser, "is not hexadecimal");
			}
		}
	}
	return half == 0 || rdata_fail(parser, "has an odd number of hexadecimal digits");
}

static bool parse_hex_rest(struct rdata_parser *parser)
{
	return rdata_more(parser) ? parse_hex_rest_optional(parser) : rdata_fail_missing(parser);
}

bool rdata_parse_base64_rest(struct rdata_parser *parser, size_t *len)
{
	struct codec_base64 state = {0};
	const uint8_t *start = parser->out->at;
	while (rdata_more(parser)) {
		const struct dns_token *token = rdata_word(parser);
		if (token == NULL) {
			return false;
		}
		if (!codec_base64_add(&state, token->chars, token->len, parser->out)) {
			return rdata_fail(parser, "is not base 64");
		}
	}
	*len = (size_t)(parser->out->at - start);
	return codec_base64_end(&state) || rdata_fail(parser, "is cut short: base 64 comes in groups of four");
}

static bool parse_base64_rest_optional(struct rdata_parser *parser)
{
	size_t len;
	return rdata_parse_base64_rest(parser, &len);
}

static bool parse_base64_rest(struct rdata_parser *parser)
{
	size_t len;
	if (!rdata_more(parser)) {
		return rdata_fail_missing(parser);
	}
	return rdata_parse_base64_rest(parser, &len) && (len > 0 || rdata_fail(parser, "is empty"));
}

static bool parse_base64_dash(struct rdata_parser *parser)
{
	if (rdata_more(parser) && rdata_token_is(&parser->tokens[parser->at], "-")) {
		parser->at++;
		return true;
	}
	return parse_base64_rest(parser);
}

static bool parse_base64_sized(struct rdata_parser *parser)
{
	struct codec_base64 state = {0};
	uint64_t len;
	if (!rdata_number(parser, UINT16_MAX, &len)) {
		return false;
	}
	write_u16(parser->out, (uint16_t)len);
	const uint8_t *start = parser->out->at;
	while (len > 0 && (size_t)(parser->out->at - start) < len && !parser->out->failed) {
		const struct dns_token *token = rdata_word(parser);
		if (token == NULL) {
			return false;
		}
		if (!codec_base64_add(&state, token->chars, token->len, parser->out)) {
			return rdata_fail(parser, "is not followed by base 64");
		}
	}
	return parser->out->failed || (codec_base64_end(&state) && (size_t)(parser->out->at - start) == len) ||
	       rdata_fail(parser, "is not followed by that many octets");
}

/* One octet of length, then what `read` makes of the token. */
static bool parse_counted(struct rdata_parser *parser, bool (*read)(const char *, size_t, struct writer *),
                          const char *notation)
{
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	uint8_t *len = write_room(parser->out, 1);
	if (len == NULL) {
		return true;
	}
	uint8_t *start = parser->out->at;
	if (token->len != 1 || *token->chars != '-') {
		if (!read(token->chars, token->len, parser->out)) {
			return rdata_fail(parser, "is not %s", notation);
		}
	}
	size_t octets = (size_t)(parser->out->at - start);
	if (octets > UINT8_MAX) {
		return rdata_fail(parser, "is longer than 255 octets");
	}
	*len = (uint8_t)octets;
	return true;
}

static bool parse_salt(struct rdata_parser *parser)
{
	return parse_counted(parser, codec_hex, "hexadecimal or -");
}

static bool parse_hash(struct rdata_parser *parser)
{
	const uint8_t *start = parser->out->at;
	return parse_counted(parser, codec_base32, "base 32 (RFC 4648 7)") &&
	       (parser->out->failed || *start > 0 || rdata_fail(parser, "is empty"));
}

static bool parse_opaque(struct rdata_parser *parser)
{
	return rdata_token(parser) != NULL && rdata_fail(parser, "has no notation for this type but \\# LENGTH HEX");
}

/* How each kind is read. A kind without a row here or below is a decimal number. */
static bool (*const readers[RDATA_KIND_COUNT])(struct rdata_parser *parser) = {
        [RDATA_PERIOD] = parse_period,
        [RDATA_TIME] = parse_time,
        [RDATA_TYPE] = parse_type,
        [RDATA_IP4] = parse_ip4,
        [RDATA_IP6] = parse_ip6,
        [RDATA_EUI48] = parse_eui,
        [RDATA_EUI64] = parse_eui,
        [RDATA_LOCATOR] = parse_locator,
        [RDATA_NAME_PACKED] = rdata_parse_name,
        [RDATA_NAME_LENIENT] = rdata_parse_name,
        [RDATA_NAME_FOLDED] = rdata_parse_name,
        [RDATA_NAME_PLAIN] = rdata_parse_name,
        [RDATA_STRING] = parse_string,
        [RDATA_STRING_OPTIONAL] = parse_string_optional,
        [RDATA_STRINGS] = parse_strings,
        [RDATA_TAG] = parse_tag,
        [RDATA_QUOTED_REST] = parse_quoted_rest,
        [RDATA_HEX_REST] = parse_hex_rest,
        [RDATA_HEX_REST_OPTIONAL] = parse_hex_rest_optional,
        [RDATA_BASE64_REST] = parse_base64_rest,
        [RDATA_BASE64_REST_OPTIONAL] = parse_base64_rest_optional,
        [RDATA_BASE64_DASH] = parse_base64_dash,
        [RDATA_BASE64_SIZED] = parse_base64_sized,
        [RDATA_SALT] = parse_salt,
        [RDATA_HASH] = parse_hash,
        [RDATA_TYPES] = rdata_types_parse,
        [RDATA_TYPES_OPTIONAL] = rdata_types_parse_optional,
        [RDATA_NXT_TYPES] = rdata_nxt_types_parse,
        [RDATA_A6] = rdata_a6_parse,
        [RDATA_AMTRELAY] = rdata_amtrelay_parse,
        [RDATA_APL] = rdata_apl_parse,
        [RDATA_ATMA] = rdata_atma_parse,
        [RDATA_HIP] = rdata_hip_parse,
        [RDATA_IPSECKEY] = rdata_ipseckey_parse,
        [RDATA_LOC] = rdata_loc_parse,
        [RDATA_NSAP] = rdata_nsap_parse,
        [RDATA_SERVICES] = rdata_services_parse,
        [RDATA_SVC_PARAMS] = rdata_svcb_parse,
        [RDATA_OPAQUE] = parse_opaque,
};

/* Numbers that words may stand for. */
static bool (*const word_readers[RDATA_KIND_COUNT])(const char *chars, size_t len, uint64_t *out) = {
        [RDATA_ALGORITHM] = rdata_algorithm_from_text, [RDATA_CERT_TYPE] = rdata_cert_type_from_text,
        [RDATA_SCHEME] = rdata_scheme_from_text,       [RDATA_RCODE] = rdata_rcode_from_text,
        [RDATA_KEY_FLAGS] = rdata_key_flags_from_text, [RDATA_KEY_PROTOCOL] = rdata_key_protocol_from_text,
};

static bool parse_field(struct rdata_parser *parser, enum rdata_field kind)
{
	if (readers[kind] != NULL) {
		return readers[kind](parser);
	}
	if (word_readers[kind] != NULL) {
		return parse_word(parser, rdata_octets[kind], word_readers[kind]);
	}
	return parse_number(parser, rdata_octets[kind]);
}

/* RFC 3597 5: \# LENGTH HEX, which must be good RDATA of the type too. */
static bool parse_generic(struct rdata_parser *parser)
{
	static const struct rdata_row generic = {.mnemonic = "", .labels = "RDATA length,RDATA"};
	const uint8_t *start = parser->out->at;
	const char *why;
	uint64_t len;
	parser->row = &generic;
	parser->at = 1;
	parser->label = 0;
	if (!rdata_number(parser, DNS_RDATA_MAX, &len)) {
		return false;
	}
	parser->label = 1;
	if (!parse_hex_rest_optional(parser)) {
		return false;
	}
	if (parser->out->failed) {
		return true;
	}
	size_t octets = (size_t)(parser->out->at - start);
	if (octets != len) {
		return rdata_fail(parser, "has %zu octets, not the %" PRIu64 " that it says", octets, len);
	}
	char mnemonic[DNS_MNEMONIC_MAX];
	return dns_rdata_check(parser->type, start, octets, &why) ||
	       rdata_fail(parser, "is no good %s: %s", dns_type_to_text(parser->type, mnemonic), why);
}

static bool is_generic(const struct dns_token *tokens, size_t count)
{
	return count > 0 && tokens[0].len == 2 && !tokens[0].quoted && memcmp(tokens[0].chars, "\\#", 2) == 0;
}

static bool parse_fields(struct rdata_parser *parser)
{
	const struct rdata_row *row = parser->row;
	const uint8_t *start = parser->out->at;
	for (parser->field = 0; row->fields[parser->field] != RDATA_END; parser->field++) {
		parser->label = parser->field;
		if (!parse_field(parser, (enum rdata_field)row->fields[parser->field])) {
			return false;
		}
	}
	if (rdata_more(parser)) {
		return fail_whole(parser->error, parser->at, "more text than RDATA of this type takes");
	}
	if (row->rule != RDATA_RULE_NONE && !parser->out->failed) {
		const char *why;
		if (!rdata_rule_holds((enum rdata_rule)row->rule, start, (size_t)(parser->out->at - start), &why)) {
			return fail_whole(parser->error, parser->count - 1, why);
		}
	}
	return true;
}

bool dns_rdata_parse(uint16_t type, const struct dns_token *tokens, size_t count, const uint8_t *origin,
                     struct writer *out, struct dns_rdata_error *error)
{
	struct rdata_parser parser = {
	        .type = type,
	        .row = rdata_row_get(type),
	        .tokens = tokens,
	        .count = count,
	        .origin = origin,
	        .out = out,
	        .error = error,
	};
	const uint8_t *start = out->at;
	bool good = is_generic(tokens, count) ? parse_generic(&parser) : parse_fields(&parser);
	if (good && (out->failed || out->at - start > DNS_RDATA_MAX)) {
		return fail_whole(error, count > 0 ? count - 1 : 0, "the RDATA is too long");
	}
	return good;
}
