/* SPDX-License-Identifier: MIT */
/* Small notations that RDATA is written in: decimal, hexadecimal, base 64, base 32, addresses, times, escapes.
 * Knows characters and octets, no RR types.
 *
 * What reads text takes characters that need no NUL and gives false for anything that is not wholly the notation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/text.h"

/* Decimal digits only, no sign, at most `max`. */
bool codec_decimal(const char *chars, size_t len, uint64_t max, uint64_t *out);
/* Seconds, or with units: 1w2d3h4m5s in any order and number, case ignored; at most 2^32-1. */
bool codec_period(const char *chars, size_t len, uint32_t *out);
/* YYYYMMDDHHmmSS, or seconds since 1970 (RFC 4034 3.2); later years wrap around 2^32. */
bool codec_time(const char *chars, size_t len, uint32_t *out);
/* Dotted quad. */
bool codec_ip4(const char *chars, size_t len, uint8_t out[4]);
/* RFC 4291 2.2. */
bool codec_ip6(const char *chars, size_t len, uint8_t out[16]);

/* Set in the value of a digit; other octets have the value 0. */
#define CODEC_VALID 0x80
/* CODEC_VALID and the value of a hexadecimal digit. */
extern const uint8_t codec_hex_value[256];
/* Whole octets of hexadecimal; an odd number of digits is no octets. */
bool codec_hex(const char *chars, size_t len, struct writer *out);
/* Base 32 with extended hex alphabet, without padding (RFC 4648 7, RFC 5155 3.3). */
bool codec_base32(const char *chars, size_t len, struct writer *out);

/* Base 64 (RFC 4648 4) that comes in pieces. Start with all zero. */
struct codec_base64 {
	uint32_t bits;
	uint8_t count;   /* characters of the open group of four, padding included */
	uint8_t padding; /* of these */
};
bool codec_base64_add(struct codec_base64 *state, const char *chars, size_t len, struct writer *out);
/* The last group is whole. */
bool codec_base64_end(const struct codec_base64 *state);

/* Resolves \DDD and \X (RFC 1035 5.1) and appends the octets. */
bool codec_unescape(const char *chars, size_t len, struct writer *out);

void codec_add_time(struct text *out, uint32_t seconds);
void codec_add_hex(struct text *out, const uint8_t *bytes, size_t len);
void codec_add_base64(struct text *out, const uint8_t *bytes, size_t len);
void codec_add_base32(struct text *out, const uint8_t *bytes, size_t len);
void codec_add_ip4(struct text *out, const uint8_t bytes[4]);
void codec_add_ip6(struct text *out, const uint8_t bytes[16]);
/* In quotes, with what would end or change it escaped. */
void codec_add_quoted(struct text *out, const uint8_t *bytes, size_t len);
