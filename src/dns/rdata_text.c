/* SPDX-License-Identifier: MIT */
/* From wire to presentation form. */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"
#include "dns/name.h"

static uint64_t read_number(struct reader *in, size_t octets)
{
	const uint8_t *bytes = read_bytes(in, octets);
	uint64_t value = 0;
	for (size_t i = 0; bytes != NULL && i < octets; i++) {
		value = value << 8 | bytes[i];
	}
	return value;
}

static bool add_time(struct reader *in, struct text *out)
{
	codec_add_time(out, read_u32(in));
	return true;
}

static bool add_type(struct reader *in, struct text *out)
{
	char mnemonic[DNS_MNEMONIC_MAX];
	text_add_string(out, dns_type_to_text(read_u16(in), mnemonic));
	return true;
}

static bool add_ip4(struct reader *in, struct text *out)
{
	const uint8_t *bytes = read_bytes(in, 4);
	if (bytes != NULL) {
		codec_add_ip4(out, bytes);
	}
	return true;
}

static bool add_ip6(struct reader *in, struct text *out)
{
	const uint8_t *bytes = read_bytes(in, 16);
	if (bytes != NULL) {
		codec_add_ip6(out, bytes);
	}
	return true;
}

static const char lower_digits[] = "0123456789abcdef";

static bool add_hyphened(struct reader *in, size_t octets, struct text *out)
{
	const uint8_t *bytes = read_bytes(in, octets);
	for (size_t i = 0; bytes != NULL && i < octets; i++) {
		char chars[3] = {'-', lower_digits[bytes[i] >> 4], lower_digits[bytes[i] & 0xf]};
		text_add(out, i == 0 ? chars + 1 : chars, i == 0 ? 2 : 3);
	}
	return true;
}

static bool add_eui48(struct reader *in, struct text *out)
{
	return add_hyphened(in, 6, out);
}

static bool add_eui64(struct reader *in, struct text *out)
{
	return add_hyphened(in, 8, out);
}

static bool add_locator(struct reader *in, struct text *out)
{
	for (size_t i = 0; i < 4; i++) {
		unsigned group = read_u16(in);
		char chars[5] = {':', lower_digits[group >> 12], lower_digits[group >> 8 & 0xf],
		                 lower_digits[group >> 4 & 0xf], lower_digits[group & 0xf]};
		text_add(out, i == 0 ? chars + 1 : chars, i == 0 ? 4 : 5);
	}
	return true;
}

void rdata_add_name(const uint8_t *name, struct text *out)
{
	char chars[DNS_NAME_TEXT_MAX];
	text_add(out, chars, (size_t)(dns_name_to_text_end(name, chars) - chars));
}

static bool add_name(struct reader *in, struct text *out)
{
	const uint8_t *name = dns_name_read_plain(in);
	if (name != NULL) {
		rdata_add_name(name, out);
	}
	return true;
}

static bool add_string(struct reader *in, struct text *out)
{
	uint8_t len = read_u8(in);
	const uint8_t *bytes = read_bytes(in, len);
	if (bytes != NULL) {
		codec_add_quoted(out, bytes, len);
	}
	return true;
}

static bool add_string_optional(struct reader *in, struct text *out)
{
	return reader_left(in) == 0 || add_string(in, out);
}

static bool add_strings(struct reader *in, struct text *out)
{
	add_string(in, out);
	while (reader_left(in) > 0 && !in->failed) {
		text_add_char(out, ' ');
		add_string(in, out);
	}
	return true;
}

static bool add_tag(struct reader *in, struct text *out)
{
	uint8_t len = read_u8(in);
	const uint8_t *bytes = read_bytes(in, len);
	if (bytes != NULL) {
		text_add(out, (const char *)bytes, len);
	}
	return true;
}

/* All octets that are left, in one of the notations. */
static bool add_rest(struct reader *in, struct text *out, void (*add)(struct text *, const uint8_t *, size_t))
{
	size_t len = reader_left(in);
	const uint8_t *bytes = read_bytes(in, len);
	if (bytes != NULL) {
		add(out, bytes, len);
	}
	return true;
}

static bool add_quoted_rest(struct reader *in, struct text *out)
{
	return add_rest(in, out, codec_add_quoted);
}

static bool add_hex_rest(struct reader *in, struct text *out)
{
	return add_rest(in, out, codec_add_hex);
}

static bool add_base64_rest(struct reader *in, struct text *out)
{
	return add_rest(in, out, codec_add_base64);
}

static bool add_base64_dash(struct reader *in, struct text *out)
{
	if (reader_left(in) == 0) {
		text_add_char(out, '-');
		return true;
	}
	return add_base64_rest(in, out);
}

static bool add_base64_sized(struct reader *in, struct text *out)
{
	uint16_t len = read_u16(in);
	const uint8_t *bytes = read_bytes(in, len);
	text_add_decimal(out, len);
	if (bytes != NULL && len > 0) {
		text_add_char(out, ' ');
		codec_add_base64(out, bytes, len);
	}
	return true;
}

static bool add_salt(struct reader *in, struct text *out)
{
	uint8_t len = read_u8(in);
	const uint8_t *bytes = read_bytes(in, len);
	if (len == 0) {
		text_add_char(out, '-');
	} else if (bytes != NULL) {
		codec_add_hex(out, bytes, len);
	}
	return true;
}

static bool add_hash(struct reader *in, struct text *out)
{
	uint8_t len = read_u8(in);
	const uint8_t *bytes = read_bytes(in, len);
	if (bytes != NULL) {
		codec_add_base32(out, bytes, len);
	}
	return true;
}

static bool add_nothing(struct reader *in, struct text *out)
{
	(void)in;
	(void)out;
	return false;
}

/* How each kind is written. A kind without a row here or below is a decimal number. */
static bool (*const adders[RDATA_KIND_COUNT])(struct reader *in, struct text *out) = {
        [RDATA_TIME] = add_time,
        [RDATA_TYPE] = add_type,
        [RDATA_IP4] = add_ip4,
        [RDATA_IP6] = add_ip6,
        [RDATA_EUI48] = add_eui48,
        [RDATA_EUI64] = add_eui64,
        [RDATA_LOCATOR] = add_locator,
        [RDATA_NAME_PACKED] = add_name,
        [RDATA_NAME_LENIENT] = add_name,
        [RDATA_NAME_FOLDED] = add_name,
        [RDATA_NAME_PLAIN] = add_name,
        [RDATA_STRING] = add_string,
        [RDATA_STRING_OPTIONAL] = add_string_optional,
        [RDATA_STRINGS] = add_strings,
        [RDATA_TAG] = add_tag,
        [RDATA_QUOTED_REST] = add_quoted_rest,
        [RDATA_HEX_REST] = add_hex_rest,
        [RDATA_HEX_REST_OPTIONAL] = add_hex_rest,
        [RDATA_BASE64_REST] = add_base64_rest,
        [RDATA_BASE64_REST_OPTIONAL] = add_base64_rest,
        [RDATA_BASE64_DASH] = add_base64_dash,
        [RDATA_BASE64_SIZED] = add_base64_sized,
        [RDATA_SALT] = add_salt,
        [RDATA_HASH] = add_hash,
        [RDATA_TYPES] = rdata_types_add,
        [RDATA_TYPES_OPTIONAL] = rdata_types_add,
        [RDATA_NXT_TYPES] = rdata_nxt_types_add,
        [RDATA_A6] = rdata_a6_add,
        [RDATA_AMTRELAY] = rdata_amtrelay_add,
        [RDATA_APL] = rdata_apl_add,
        [RDATA_ATMA] = rdata_atma_add,
        [RDATA_HIP] = rdata_hip_add,
        [RDATA_IPSECKEY] = rdata_ipseckey_add,
        [RDATA_LOC] = rdata_loc_add,
        [RDATA_NSAP] = rdata_nsap_add,
        [RDATA_SERVICES] = rdata_services_add,
        [RDATA_SVC_PARAMS] = rdata_svcb_add,
        [RDATA_OPAQUE] = add_nothing,
};

/* Numbers that are written as words, where there is one. */
static void (*const word_adders[RDATA_KIND_COUNT])(struct text *out, unsigned number) = {
        [RDATA_CERT_TYPE] = rdata_add_cert_type,
        [RDATA_SCHEME] = rdata_add_scheme,
        [RDATA_RCODE] = rdata_add_rcode,
};

bool rdata_add(enum rdata_field kind, struct reader *in, struct text *out)
{
	if (adders[kind] != NULL) {
		return adders[kind](in, out);
	}
	uint64_t number = read_number(in, rdata_octets[kind]);
	if (word_adders[kind] != NULL) {
		word_adders[kind](out, (unsigned)number);
	} else {
		text_add_decimal(out, number);
	}
	return true;
}

static void text_cut(struct text *text, size_t len)
{
	if (text->chars != NULL) {
		text->len = len;
		text->chars[len] = '\0';
	}
}

/* False: what was added is not the whole. */
static bool add_fields(const struct rdata_row *row, struct reader *in, struct text *out)
{
	for (size_t i = 0; row->fields[i] != RDATA_END; i++) {
		size_t before = out->len;
		if (i > 0) {
			text_add_char(out, ' ');
		}
		size_t start = out->len;
		if (!rdata_add((enum rdata_field)row->fields[i], in, out) || in->failed) {
			return false;
		}
		/* A field that may be left out takes its space with it. */
		if (out->len == start) {
			text_cut(out, before);
		}
	}
	return reader_left(in) == 0;
}

void dns_rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, struct text *out)
{
	struct reader in = reader_of(rdata, len);
	size_t start = out->len;
	if (len == 0 || !add_fields(rdata_row_get(type), &in, out)) {
		text_cut(out, start);
		dns_rdata_to_text_generic(rdata, len, out);
	}
}

void dns_rdata_to_text_generic(const uint8_t *rdata, size_t len, struct text *out)
{
	text_add(out, "\\# ", 3);
	text_add_decimal(out, len);
	if (len > 0) {
		text_add_char(out, ' ');
		codec_add_hex(out, rdata, len);
	}
}
