/* SPDX-License-Identifier: MIT */
#include "base/base64.h"

#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit_of(char c)
{
	const char *at = c == '\0' ? NULL : strchr(digits, c);
	return at == NULL ? -1 : (int)(at - digits);
}

bool base64_decode(const char *chars, size_t len, uint8_t *out, size_t max, size_t *out_len)
{
	size_t padding = 0;
	while (padding < 2 && padding < len && chars[len - 1 - padding] == '=') {
		padding++;
	}
	if (len == 0 || len % 4 != 0 || len / 4 * 3 - padding > max) {
		return false;
	}
	size_t written = 0;
	uint32_t bits = 0;
	unsigned bit_count = 0;
	for (size_t i = 0; i < len - padding; i++) {
		int digit = digit_of(chars[i]);
		if (digit < 0) {
			return false;
		}
		bits = (bits << 6 | (uint32_t)digit) & 0xffff;
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			out[written++] = (uint8_t)(bits >> bit_count);
		}
	}
	*out_len = written;
	return (bits & ((1u << bit_count) - 1)) == 0;
}

void base64_encode(const uint8_t *bytes, size_t len, struct text *out)
{
	for (size_t i = 0; i < len; i += 3) {
		size_t some = len - i < 3 ? len - i : 3;
		uint32_t bits = (uint32_t)bytes[i] << 16;
		bits |= some > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
		bits |= some > 2 ? bytes[i + 2] : 0;
		for (size_t k = 0; k < 4; k++) {
			text_add_char(out, k <= some ? digits[bits >> (18 - 6 * k) & 0x3f] : '=');
		}
	}
}
