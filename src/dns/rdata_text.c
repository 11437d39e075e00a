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

static bool add_number(struct reader *in, size_t octets, struct text *out)
{
	codec_add_decimal(out, read_number(in, octets));
	return true;
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

static bool add_eui(struct reader *in, size_t octets, struct text *out)
{
	const uint8_t *bytes = read_bytes(in, octets);
	for (size_t i = 0; bytes != NULL && i < octets; i++) {
		char chars[3] = {'-', lower_digits[bytes[i] >> 4], lower_digits[bytes[i] & 0xf]};
		text_add(out, i == 0 ? chars + 1 : chars, i == 0 ? 2 : 3);
	}
	return true;
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

static bool add_base64_dash(struct reader *in, struct text *out)
{
	if (reader_left(in) == 0) {
		text_add_char(out, '-');
		return true;
	}
	return add_rest(in, out, codec_add_base64);
}

static bool add_base64_sized(struct reader *in, struct text *out)
{
	uint16_t len = read_u16(in);
	const uint8_t *bytes = read_bytes(in, len);
	codec_add_decimal(out, len);
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

static bool add_word(struct reader *in, size_t octets, struct text *out, void (*add)(struct text *, unsigned))
{
	add(out, (unsigned)read_number(in, octets));
	return true;
}

bool rdata_add(enum rdata_field field, struct reader *in, struct text *out)
{
	switch (field) {
	case RDATA_END:
		return true;
	case RDATA_U8:
	case RDATA_ALGORITHM:
		return add_number(in, 1, out);
	case RDATA_U16:
		return add_number(in, 2, out);
	case RDATA_U32:
	case RDATA_PERIOD:
		return add_number(in, 4, out);
	case RDATA_U48:
		return add_number(in, 6, out);
	case RDATA_U64:
		return add_number(in, 8, out);
	case RDATA_TIME:
		return add_time(in, out);
	case RDATA_TYPE:
		return add_type(in, out);
	case RDATA_CERT_TYPE:
		return add_word(in, 2, out, rdata_add_cert_type);
	case RDATA_SCHEME:
		return add_word(in, 1, out, rdata_add_scheme);
	case RDATA_RCODE:
		return add_word(in, 2, out, rdata_add_rcode);
	case RDATA_IP4:
		return add_ip4(in, out);
	case RDATA_IP6:
		return add_ip6(in, out);
	case RDATA_EUI48:
		return add_eui(in, 6, out);
	case RDATA_EUI64:
		return add_eui(in, 8, out);
	case RDATA_LOCATOR:
		return add_locator(in, out);
	case RDATA_NAME_PACKED:
	case RDATA_NAME_LENIENT:
	case RDATA_NAME_FOLDED:
	case RDATA_NAME_PLAIN:
		return add_name(in, out);
	case RDATA_STRING:
		return add_string(in, out);
	case RDATA_STRING_OPTIONAL:
		return reader_left(in) == 0 || add_string(in, out);
	case RDATA_STRINGS:
		return add_strings(in, out);
	case RDATA_TAG:
		return add_tag(in, out);
	case RDATA_QUOTED_REST:
		return add_rest(in, out, codec_add_quoted);
	case RDATA_HEX_REST:
	case RDATA_HEX_REST_OPTIONAL:
		return add_rest(in, out, codec_add_hex);
	case RDATA_BASE64_REST:
	case RDATA_BASE64_REST_OPTIONAL:
		return add_rest(in, out, codec_add_base64);
	case RDATA_BASE64_DASH:
		return add_base64_dash(in, out);
	case RDATA_BASE64_SIZED:
		return add_base64_sized(in, out);
	case RDATA_SALT:
		return add_salt(in, out);
	case RDATA_HASH:
		return add_hash(in, out);
	case RDATA_TYPES:
	case RDATA_TYPES_OPTIONAL:
		return rdata_types_add(in, out);
	case RDATA_NXT_TYPES:
		return rdata_nxt_types_add(in, out);
	case RDATA_A6:
		return rdata_a6_add(in, out);
	case RDATA_AMTRELAY:
		return rdata_amtrelay_add(in, out);
	case RDATA_APL:
		return rdata_apl_add(in, out);
	case RDATA_ATMA:
		return rdata_atma_add(in, out);
	case RDATA_HIP:
		return rdata_hip_add(in, out);
	case RDATA_IPSECKEY:
		return rdata_ipseckey_add(in, out);
	case RDATA_LOC:
		return rdata_loc_add(in, out);
	case RDATA_NSAP:
		return rdata_nsap_add(in, out);
	case RDATA_SERVICES:
		return rdata_services_add(in, out);
	case RDATA_SVC_PARAMS:
		return rdata_svcb_add(in, out);
	case RDATA_OPAQUE:
		return false;
	}
	return false;
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
	codec_add_decimal(out, len);
	if (len > 0) {
		text_add_char(out, ' ');
		codec_add_hex(out, rdata, len);
	}
}
