/* SPDX-License-Identifier: MIT */
/* SvcParams of SVCB and HTTPS (RFC 9460 2.1, 2.2, 7; dohpath RFC 9461 5; ohttp RFC 9540 4).
 *
 * A record may be well-formed on the wire and yet say what a zone file must not (RFC 9460 2.4.3 and 8): such a record is
 * passed on as it came, in text by its generic form, and is refused when somebody writes it in the type's notation. */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"

enum svc_key {
	SVC_MANDATORY = 0,
	SVC_ALPN = 1,
	SVC_NO_DEFAULT_ALPN = 2,
	SVC_PORT = 3,
	SVC_IPV4HINT = 4,
	SVC_ECH = 5,
	SVC_IPV6HINT = 6,
	SVC_DOHPATH = 7,
	SVC_OHTTP = 8,
};

#define PARAM_HEADER 4

static const char *const key_names[] = {
        [SVC_MANDATORY] = "mandatory", [SVC_ALPN] = "alpn",         [SVC_NO_DEFAULT_ALPN] = "no-default-alpn",
        [SVC_PORT] = "port",           [SVC_IPV4HINT] = "ipv4hint", [SVC_ECH] = "ech",
        [SVC_IPV6HINT] = "ipv6hint",   [SVC_DOHPATH] = "dohpath",   [SVC_OHTTP] = "ohttp",
};

struct svc_param {
	uint16_t key;
	struct reader value;
};

static bool read_param(struct reader *in, struct svc_param *param)
{
	param->key = read_u16(in);
	uint16_t len = read_u16(in);
	param->value = read_part(in, len);
	return !in->failed;
}

/* ---- wire ---- */

static bool mandatory_is_sound(struct reader value)
{
	int last = SVC_MANDATORY; /* it may not list itself */
	while (reader_left(&value) > 0) {
		int key = read_u16(&value);
		if (value.failed || key <= last) {
			return false;
		}
		last = key;
	}
	return last != SVC_MANDATORY;
}

static bool alpn_is_sound(struct reader value)
{
	bool any = false;
	while (reader_left(&value) > 0) {
		uint8_t len = read_u8(&value);
		if (len == 0 || read_bytes(&value, len) == NULL) {
			return false;
		}
		any = true;
	}
	return any;
}

static bool is_multiple(const struct reader *value, size_t size)
{
	size_t len = reader_left(value);
	return len > 0 && len % size == 0;
}

static bool value_is_sound(const struct svc_param *param)
{
	switch (param->key) {
	case SVC_MANDATORY:
		return mandatory_is_sound(param->value);
	case SVC_ALPN:
		return alpn_is_sound(param->value);
	case SVC_NO_DEFAULT_ALPN:
	case SVC_OHTTP:
		return reader_left(&param->value) == 0;
	case SVC_PORT:
		return reader_left(&param->value) == 2;
	case SVC_IPV4HINT:
		return is_multiple(&param->value, 4);
	case SVC_IPV6HINT:
		return is_multiple(&param->value, 16);
	default:
		return true;
	}
}

bool rdata_svcb_skip(struct reader *in, const char **why)
{
	int last = -1;
	while (reader_left(in) > 0) {
		struct svc_param param;
		if (!read_param(in, &param)) {
			*why = "a service parameter is cut short";
			return false;
		}
		if (param.key <= last) {
			*why = "its service parameters are not in ascending order, or one comes twice";
			return false;
		}
		if (!value_is_sound(&param)) {
			*why = "a service parameter has a malformed value";
			return false;
		}
		last = param.key;
	}
	return true;
}

static bool has_param(struct reader params, uint16_t key)
{
	struct svc_param param;
	while (reader_left(&params) > 0 && read_param(&params, &param)) {
		if (param.key == key) {
			return true;
		}
	}
	return false;
}

/* RFC 9460 8 and 7.1.1: what is mandatory is there; no-default-alpn needs alpn. NULL: consistent. */
static const char *inconsistency(struct reader params)
{
	struct reader all = params;
	struct svc_param param;
	while (reader_left(&params) > 0 && read_param(&params, &param)) {
		if (param.key == SVC_NO_DEFAULT_ALPN && !has_param(all, SVC_ALPN)) {
			return "no-default-alpn needs alpn";
		}
		while (param.key == SVC_MANDATORY && reader_left(&param.value) > 0) {
			if (!has_param(all, read_u16(&param.value))) {
				return "mandatory lists a parameter that is not there";
			}
		}
	}
	return NULL;
}

/* ---- text to wire ---- */

static bool key_from_text(const char *chars, size_t len, uint16_t *key)
{
	uint64_t number;
	for (size_t i = 0; i < ARRAY_LENGTH(key_names); i++) {
		if (strlen(key_names[i]) == len && memcmp(key_names[i], chars, len) == 0) {
			*key = (uint16_t)i;
			return true;
		}
	}
	/* RFC 9460 2.1: lower-case letters only; "key" and a number without leading zeros. */
	if (len < 4 || memcmp(chars, "key", 3) != 0 || (len > 4 && chars[3] == '0') ||
	    !codec_decimal(chars + 3, len - 3, UINT16_MAX, &number)) {
		return false;
	}
	*key = (uint16_t)number;
	return true;
}

/* The next item of a comma-separated list without escapes (RFC 9460 A.1); NULL behind the last. */
static const char *next_item(const char **at, const char *end, size_t *len)
{
	const char *item = *at;
	if (item == NULL) {
		return NULL;
	}
	const char *comma = memchr(item, ',', (size_t)(end - item));
	*len = (size_t)((comma == NULL ? end : comma) - item);
	*at = comma == NULL ? NULL : comma + 1;
	return item;
}

static bool put_mandatory(const char *value, size_t value_len, struct writer *out)
{
	uint8_t *keys = out->at;
	size_t len;
	const char *at = value;
	for (const char *item = next_item(&at, value + value_len, &len); item != NULL;
	     item = next_item(&at, value + value_len, &len)) {
		uint16_t key;
		uint8_t *place = out->at;
		if (!key_from_text(item, len, &key)) {
			return false;
		}
		write_u16(out, 0);
		if (out->failed) {
			return true;
		}
		for (; place > keys && load_u16(place - 2) > key; place -= 2) {
			memcpy(place, place - 2, 2);
		}
		store_u16(place, key);
	}
	return true;
}

/* RFC 9460 A.1: in an item, a backslash stands before a comma or a backslash. */
static bool put_alpn(const char *value, size_t value_len, struct writer *out)
{
	const char *at = value;
	const char *end = value + value_len;
	for (bool more = true; more;) {
		uint8_t *len = write_room(out, 1);
		uint8_t *start = out->at;
		for (more = false; at < end && !more; at++) {
			if (*at == ',') {
				more = true;
				continue;
			}
			if (*at == '\\') {
				at++;
				if (at == end || (*at != ',' && *at != '\\')) {
					return false;
				}
			}
			write_u8(out, (uint8_t)*at);
		}
		if (out->failed) {
			return true;
		}
		if (out->at == start || out->at - start > UINT8_MAX) {
			return false;
		}
		*len = (uint8_t)(out->at - start);
	}
	return true;
}

static bool put_port(const char *value, size_t len, struct writer *out)
{
	uint64_t port;
	if (!codec_decimal(value, len, UINT16_MAX, &port)) {
		return false;
	}
	write_u16(out, (uint16_t)port);
	return true;
}

static bool put_addresses(const char *value, size_t value_len, size_t size, struct writer *out)
{
	size_t len;
	const char *at = value;
	for (const char *item = next_item(&at, value + value_len, &len); item != NULL;
	     item = next_item(&at, value + value_len, &len)) {
		uint8_t address[16];
		if (size == 4 ? !codec_ip4(item, len, address) : !codec_ip6(item, len, address)) {
			return false;
		}
		write_bytes(out, address, size);
	}
	return true;
}

static bool put_ech(const char *value, size_t len, struct writer *out)
{
	struct codec_base64 state = {0};
	return codec_base64_add(&state, value, len, out) && codec_base64_end(&state);
}

static bool put_value(uint16_t key, bool named, const char *value, size_t len, struct writer *out)
{
	switch (named ? (int)key : -1) {
	case SVC_MANDATORY:
		return put_mandatory(value, len, out);
	case SVC_ALPN:
		return put_alpn(value, len, out);
	case SVC_PORT:
		return put_port(value, len, out);
	case SVC_IPV4HINT:
		return put_addresses(value, len, 4, out);
	case SVC_IPV6HINT:
		return put_addresses(value, len, 16, out);
	case SVC_ECH:
		return put_ech(value, len, out);
	default:
		write_bytes(out, value, len);
		return true;
	}
}

static void reverse(uint8_t *from, uint8_t *to)
{
	while (from < to && from < --to) {
		uint8_t octet = *from;
		*from++ = *to;
		*to = octet;
	}
}

/* Moves the last parameter, which begins at `param`, to its place. False: its key is there already. */
static bool sort_in(uint8_t *params, uint8_t *param, uint8_t *end)
{
	uint16_t key = load_u16(param);
	uint8_t *place = params;
	while (place < param && load_u16(place) < key) {
		place += PARAM_HEADER + load_u16(place + 2);
	}
	if (place < param && load_u16(place) == key) {
		return false;
	}
	reverse(place, param);
	reverse(param, end);
	reverse(place, end);
	return true;
}

/* A parameter as written: key, or key=value, or key="value". */
struct svc_text {
	const char *key;
	size_t key_len;
	const char *value;
	size_t value_len;
};

/* The quotes of a value may have been kept within the token, or have made a token of its own right behind the "=". */
static bool split_param(struct rdata_parser *parser, struct svc_text *split)
{
	const struct dns_token *token = rdata_word(parser);
	if (token == NULL) {
		return false;
	}
	const char *equals = memchr(token->chars, '=', token->len);
	const char *end = token->chars + token->len;
	split->key = token->chars;
	split->key_len = equals == NULL ? token->len : (size_t)(equals - token->chars);
	split->value = equals == NULL ? end : equals + 1;
	split->value_len = (size_t)(end - split->value);
	if (split->value_len >= 2 && split->value[0] == '"' && end[-1] == '"') {
		split->value++;
		split->value_len -= 2;
	} else if (equals != NULL && split->value_len == 0 && rdata_more(parser)) {
		const struct dns_token *next = &parser->tokens[parser->at];
		if (next->quoted && next->chars == end + 1) {
			parser->at++;
			split->value = next->chars;
			split->value_len = next->len;
		}
	}
	return true;
}

static bool parse_param(struct rdata_parser *parser, uint8_t *params)
{
	uint8_t unescaped[DNS_RDATA_MAX];
	struct writer scratch = writer_of(unescaped, sizeof unescaped);
	struct writer *out = parser->out;
	uint8_t *param = out->at;
	struct svc_text split;
	uint16_t key;
	if (!split_param(parser, &split)) {
		return false;
	}
	if (!key_from_text(split.key, split.key_len, &key)) {
		return rdata_fail(parser, "'%.*s' is not known", (int)(split.key_len < 40 ? split.key_len : 40),
		                  split.key);
	}
	if (!codec_unescape(split.value, split.value_len, &scratch) || scratch.failed) {
		return rdata_fail(parser, "has a bad escape or is too long");
	}
	write_u16(out, key);
	write_u16(out, 0);
	bool named = key < ARRAY_LENGTH(key_names) && memcmp(split.key, "key", 3) != 0;
	bool good = put_value(key, named, (const char *)unescaped, writer_len(&scratch), out);
	if (out->failed) {
		return true;
	}
	size_t len = (size_t)(out->at - param) - PARAM_HEADER;
	if (good && len <= UINT16_MAX) {
		store_u16(param + 2, (uint16_t)len);
		struct svc_param written = {.key = key, .value = reader_of(param + PARAM_HEADER, len)};
		good = value_is_sound(&written);
	}
	if (!good || len > UINT16_MAX) {
		return rdata_fail(parser, "%.*s has a bad value", (int)split.key_len, split.key);
	}
	return sort_in(params, param, out->at) ||
	       rdata_fail(parser, "%.*s is given twice", (int)split.key_len, split.key);
}

bool rdata_svcb_parse(struct rdata_parser *parser)
{
	uint8_t *params = parser->out->at;
	while (rdata_more(parser)) {
		if (!parse_param(parser, params)) {
			return false;
		}
	}
	if (parser->out->failed) {
		return true;
	}
	const char *wrong = inconsistency(reader_of(params, (size_t)(parser->out->at - params)));
	return wrong == NULL || rdata_fail(parser, "set is inconsistent: %s", wrong);
}

/* ---- wire to text ---- */

/* Younger words than RFC 9460's are read but not written: not every server knows them, and all know keyNNNNN. */
static void add_key(uint16_t key, struct text *out)
{
	if (key <= SVC_IPV6HINT) {
		text_add_string(out, key_names[key]);
	} else {
		text_add_string(out, "key");
		text_add_decimal(out, key);
	}
}

static void add_mandatory(struct reader *value, struct text *out)
{
	for (bool first = true; reader_left(value) > 0; first = false) {
		if (!first) {
			text_add_char(out, ',');
		}
		add_key(read_u16(value), out);
	}
}

/* One protocol, escaped as an item of a list and then as a string. */
static void add_protocol(const uint8_t *octets, size_t len, struct text *out)
{
	char chars[4 * UINT8_MAX];
	size_t used = 0;
	for (size_t i = 0; i < len; i++) {
		uint8_t octet = octets[i];
		if (octet < 0x20 || octet >= 0x7f) {
			chars[used++] = '\\';
			chars[used++] = (char)('0' + octet / 100);
			chars[used++] = (char)('0' + octet / 10 % 10);
			chars[used++] = (char)('0' + octet % 10);
			continue;
		}
		if (octet == ',' || octet == '\\') {
			chars[used++] = '\\';
			chars[used++] = '\\';
		}
		if (octet == '\\' || octet == '"') {
			chars[used++] = '\\';
		}
		chars[used++] = (char)octet;
	}
	text_add(out, chars, used);
}

static void add_alpn(struct reader *value, struct text *out)
{
	text_add_char(out, '"');
	for (bool first = true; reader_left(value) > 0; first = false) {
		if (!first) {
			text_add_char(out, ',');
		}
		uint8_t len = read_u8(value);
		const uint8_t *octets = read_bytes(value, len);
		if (octets != NULL) {
			add_protocol(octets, len, out);
		}
	}
	text_add_char(out, '"');
}

static void add_addresses(struct reader *value, size_t size, struct text *out)
{
	for (bool first = true; reader_left(value) > 0; first = false) {
		const uint8_t *address = read_bytes(value, size);
		if (!first) {
			text_add_char(out, ',');
		}
		if (address != NULL && size == 4) {
			codec_add_ip4(out, address);
		} else if (address != NULL) {
			codec_add_ip6(out, address);
		}
	}
}

static void add_value(struct svc_param *param, struct text *out)
{
	switch (param->key) {
	case SVC_MANDATORY:
		add_mandatory(&param->value, out);
		break;
	case SVC_ALPN:
		add_alpn(&param->value, out);
		break;
	case SVC_PORT:
		text_add_decimal(out, read_u16(&param->value));
		break;
	case SVC_IPV4HINT:
		add_addresses(&param->value, 4, out);
		break;
	case SVC_IPV6HINT:
		add_addresses(&param->value, 16, out);
		break;
	case SVC_ECH:
		codec_add_base64(out, param->value.at, reader_left(&param->value));
		break;
	default:
		codec_add_quoted(out, param->value.at, reader_left(&param->value));
		break;
	}
}

bool rdata_svcb_add(struct reader *in, struct text *out)
{
	if (inconsistency(*in) != NULL) {
		return false;
	}
	for (bool first = true; reader_left(in) > 0 && !in->failed; first = false) {
		struct svc_param param;
		if (!read_param(in, &param)) {
			return false;
		}
		if (!first) {
			text_add_char(out, ' ');
		}
		add_key(param.key, out);
		if (reader_left(&param.value) > 0) {
			text_add_char(out, '=');
			add_value(&param, out);
		}
	}
	return true;
}
