/* SPDX-License-Identifier: MIT */
#include "dns/codec_internal.h"

#include <string.h>

#include "dns/type.h"

/* Characters that are written at a time. */
#define CHUNK 192

/* Values of digits; octets that are none have no VALID. */
#define VALID CODEC_VALID

const uint8_t codec_hex_value[256] = {
        ['0'] = VALID | 0,  ['1'] = VALID | 1,  ['2'] = VALID | 2,  ['3'] = VALID | 3,  ['4'] = VALID | 4,
        ['5'] = VALID | 5,  ['6'] = VALID | 6,  ['7'] = VALID | 7,  ['8'] = VALID | 8,  ['9'] = VALID | 9,
        ['A'] = VALID | 10, ['B'] = VALID | 11, ['C'] = VALID | 12, ['D'] = VALID | 13, ['E'] = VALID | 14,
        ['F'] = VALID | 15, ['a'] = VALID | 10, ['b'] = VALID | 11, ['c'] = VALID | 12, ['d'] = VALID | 13,
        ['e'] = VALID | 14, ['f'] = VALID | 15,
};

static const uint8_t base64_value[256] = {
        ['A'] = VALID | 0,  ['B'] = VALID | 1,  ['C'] = VALID | 2,  ['D'] = VALID | 3,  ['E'] = VALID | 4,
        ['F'] = VALID | 5,  ['G'] = VALID | 6,  ['H'] = VALID | 7,  ['I'] = VALID | 8,  ['J'] = VALID | 9,
        ['K'] = VALID | 10, ['L'] = VALID | 11, ['M'] = VALID | 12, ['N'] = VALID | 13, ['O'] = VALID | 14,
        ['P'] = VALID | 15, ['Q'] = VALID | 16, ['R'] = VALID | 17, ['S'] = VALID | 18, ['T'] = VALID | 19,
        ['U'] = VALID | 20, ['V'] = VALID | 21, ['W'] = VALID | 22, ['X'] = VALID | 23, ['Y'] = VALID | 24,
        ['Z'] = VALID | 25, ['a'] = VALID | 26, ['b'] = VALID | 27, ['c'] = VALID | 28, ['d'] = VALID | 29,
        ['e'] = VALID | 30, ['f'] = VALID | 31, ['g'] = VALID | 32, ['h'] = VALID | 33, ['i'] = VALID | 34,
        ['j'] = VALID | 35, ['k'] = VALID | 36, ['l'] = VALID | 37, ['m'] = VALID | 38, ['n'] = VALID | 39,
        ['o'] = VALID | 40, ['p'] = VALID | 41, ['q'] = VALID | 42, ['r'] = VALID | 43, ['s'] = VALID | 44,
        ['t'] = VALID | 45, ['u'] = VALID | 46, ['v'] = VALID | 47, ['w'] = VALID | 48, ['x'] = VALID | 49,
        ['y'] = VALID | 50, ['z'] = VALID | 51, ['0'] = VALID | 52, ['1'] = VALID | 53, ['2'] = VALID | 54,
        ['3'] = VALID | 55, ['4'] = VALID | 56, ['5'] = VALID | 57, ['6'] = VALID | 58, ['7'] = VALID | 59,
        ['8'] = VALID | 60, ['9'] = VALID | 61, ['+'] = VALID | 62, ['/'] = VALID | 63,
};

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32_digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
static const char hex_digits[] = "0123456789ABCDEF";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool codec_decimal(const char *chars, size_t len, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	for (size_t i = 0; i < len; i++) {
		uint64_t digit = (uint64_t)(uint8_t)chars[i] - '0';
		bool fits = value < UINT64_MAX / 10 || (value == UINT64_MAX / 10 && digit <= UINT64_MAX % 10);
		if (digit > 9 || !fits) {
			return false;
		}
		value = value * 10 + digit;
	}
	*out = value;
	return len > 0 && value <= max;
}

bool codec_period(const char *chars, size_t len, uint32_t *out)
{
	uint64_t total = 0;
	size_t at = 0;
	while (at < len) {
		size_t start = at;
		while (at < len && is_digit(chars[at])) {
			at++;
		}
		uint64_t value;
		if (!codec_decimal(chars + start, at - start, UINT32_MAX, &value)) {
			return false;
		}
		/* A number without unit is seconds, and must be all there is. */
		uint32_t unit = at == len && start == 0 ? 1 : 0;
		if (at < len) {
			unit = dns_unit_seconds(chars[at++]);
		}
		total += value * unit;
		if (unit == 0 || total > UINT32_MAX) {
			return false;
		}
	}
	*out = (uint32_t)total;
	return len > 0;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, counted in years that begin in March. */
static int64_t days_of_date(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = year / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

static unsigned two_digits(const char *chars)
{
	return (unsigned)(chars[0] - '0') * 10 + (unsigned)(chars[1] - '0');
}

bool codec_time(const char *chars, size_t len, uint32_t *out)
{
	uint64_t number;
	if (!codec_decimal(chars, len, len == 14 ? UINT64_MAX : UINT32_MAX, &number)) {
		return false;
	}
	if (len != 14) {
		*out = (uint32_t)number;
		return true;
	}
	unsigned year = two_digits(chars) * 100 + two_digits(chars + 2);
	unsigned month = two_digits(chars + 4);
	unsigned day = two_digits(chars + 6);
	unsigned hour = two_digits(chars + 8);
	unsigned minute = two_digits(chars + 10);
	unsigned second = two_digits(chars + 12);
	if (year < 1900 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
	    minute > 59 || second > 60) {
		return false;
	}
	int64_t seconds = days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
	*out = (uint32_t)(uint64_t)seconds;
	return true;
}

bool codec_ip4(const char *chars, size_t len, uint8_t out[4])
{
	const char *at = chars;
	const char *end = chars + len;
	for (size_t i = 0; i < 4; i++) {
		const char *start = at;
		unsigned value = 0;
		while (at < end && is_digit(*at) && at - start < 3) {
			value = value * 10 + (unsigned)(*at++ - '0');
		}
		/* "010" might be meant as octal: refused, as inet_pton does. */
		if (at == start || value > 255 || (at - start > 1 && *start == '0')) {
			return false;
		}
		out[i] = (uint8_t)value;
		if (i < 3 && (at == end || *at++ != '.')) {
			return false;
		}
	}
	return at == end;
}

bool codec_ip6(const char *chars, size_t len, uint8_t out[16])
{
	const char *at = chars;
	const char *end = chars + len;
	size_t used = 0;
	size_t gap = SIZE_MAX; /* where "::" stands */
	memset(out, 0, 16);
	if (len >= 2 && at[0] == ':' && at[1] == ':') {
		gap = 0;
		at += 2;
	}
	while (at < end) {
		const char *start = at;
		unsigned value = 0;
		while (at < end && at - start < 5 && codec_hex_value[(uint8_t)*at] != 0) {
			value = value << 4 | (codec_hex_value[(uint8_t)*at++] & 0xf);
		}
		if (at < end && *at == '.') {
			if (used > 12 || !codec_ip4(start, (size_t)(end - start), out + used)) {
				return false;
			}
			used += 4;
			break;
		}
		if (at == start || at - start > 4 || used > 14) {
			return false;
		}
		store_u16(out + used, (uint16_t)value);
		used += 2;
		if (at == end) {
			break;
		}
		if (*at++ != ':' || at == end) {
			return false;
		}
		if (*at == ':') {
			if (gap != SIZE_MAX) {
				return false;
			}
			gap = used;
			at++;
		}
	}
	if (gap == SIZE_MAX) {
		return used == 16;
	}
	if (used > 14) {
		return false;
	}
	memmove(out + 16 - (used - gap), out + gap, used - gap);
	memset(out + gap, 0, 16 - used);
	return true;
}

bool codec_hex(const char *chars, size_t len, struct writer *out)
{
	if (len % 2 != 0) {
		return false;
	}
	uint8_t *room = write_room(out, len / 2);
	if (room == NULL) {
		return true; /* the writer tells */
	}
	uint8_t valid = VALID;
	for (size_t i = 0; i < len / 2; i++) {
		uint8_t high = codec_hex_value[(uint8_t)chars[2 * i]];
		uint8_t low = codec_hex_value[(uint8_t)chars[2 * i + 1]];
		valid &= high & low;
		room[i] = (uint8_t)(high << 4 | (low & 0xf));
	}
	return valid != 0;
}

static unsigned base32_value(char c)
{
	if (is_digit(c)) {
		return (unsigned)(c - '0');
	}
	if (c >= 'A' && c <= 'V') {
		return (unsigned)(c - 'A') + 10;
	}
	return c >= 'a' && c <= 'v' ? (unsigned)(c - 'a') + 10 : UINT8_MAX;
}

bool codec_base32(const char *chars, size_t len, struct writer *out)
{
	uint32_t bits = 0;
	unsigned bit_count = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned value = base32_value(chars[i]);
		if (value == UINT8_MAX) {
			return false;
		}
		bits = bits << 5 | value;
		bit_count += 5;
		if (bit_count >= 8) {
			bit_count -= 8;
			write_u8(out, (uint8_t)(bits >> bit_count));
		}
	}
	/* Less than a whole digit may be left over, and it must be zero. */
	return bit_count < 5 && (bits & ((1u << bit_count) - 1)) == 0;
}

/* Whole groups of four without padding: all but the last. Gives the number of characters read. */
static size_t base64_groups(const uint8_t *chars, size_t len, struct writer *out)
{
	size_t room = writer_left(out) / 3;
	size_t groups = len / 4 < room ? len / 4 : room;
	size_t done = 0;
	uint8_t *to = out->at;
	for (; done < groups; done++, chars += 4, to += 3) {
		uint8_t a = base64_value[chars[0]];
		uint8_t b = base64_value[chars[1]];
		uint8_t c = base64_value[chars[2]];
		uint8_t d = base64_value[chars[3]];
		if ((a & b & c & d & VALID) == 0) {
			break;
		}
		to[0] = (uint8_t)(a << 2 | (b & 0x3f) >> 4);
		to[1] = (uint8_t)(b << 4 | (c & 0x3f) >> 2);
		to[2] = (uint8_t)(c << 6 | (d & 0x3f));
	}
	out->at = to;
	return done * 4;
}

/* The group is whole: writes its octets. Bits that padding leaves over must be zero (RFC 4648 3.5). */
static bool base64_flush(struct codec_base64 *state, struct writer *out)
{
	static const uint32_t spare[] = {0, 0xff, 0xffff};
	if (state->padding > 2 || (state->bits & spare[state->padding]) != 0) {
		return false;
	}
	for (unsigned i = 0; i < 3u - state->padding; i++) {
		write_u8(out, (uint8_t)(state->bits >> (16 - 8 * i)));
	}
	state->count = 0;
	state->bits = 0;
	return true;
}

bool codec_base64_add(struct codec_base64 *state, const char *chars, size_t len, struct writer *out)
{
	const uint8_t *octets = (const uint8_t *)chars;
	size_t at = 0;
	while (at < len) {
		if (state->count == 0 && state->padding == 0 && !out->failed) {
			at += base64_groups(octets + at, len - at, out);
			if (at == len) {
				break;
			}
		}
		uint8_t c = octets[at++];
		uint8_t value = base64_value[c];
		if (state->count == 0 && state->padding > 0) {
			return false; /* something behind the end */
		}
		if (c == '=') {
			state->padding++;
			value = 0;
		} else if (value == 0 || state->padding > 0) {
			return false;
		}
		state->bits = state->bits << 6 | (value & 0x3f);
		state->count++;
		if (state->count == 4 && !base64_flush(state, out)) {
			return false;
		}
	}
	return true;
}

bool codec_base64_end(const struct codec_base64 *state)
{
	return state->count == 0;
}

bool codec_unescape(const char *chars, size_t len, struct writer *out)
{
	if (memchr(chars, '\\', len) == NULL) {
		write_bytes(out, chars, len);
		return true;
	}
	const char *end = chars + len;
	while (chars < end) {
		if (*chars != '\\') {
			write_u8(out, (uint8_t)*chars++);
			continue;
		}
		chars++;
		if (chars == end) {
			return false;
		}
		if (!is_digit(*chars)) {
			write_u8(out, (uint8_t)*chars++);
			continue;
		}
		if (end - chars < 3 || !is_digit(chars[1]) || !is_digit(chars[2])) {
			return false;
		}
		unsigned value = (unsigned)(chars[0] - '0') * 100 + two_digits(chars + 1);
		if (value > 255) {
			return false;
		}
		write_u8(out, (uint8_t)value);
		chars += 3;
	}
	return true;
}

static void put_two_digits(char *out, unsigned value)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

void codec_add_time(struct text *out, uint32_t seconds)
{
	/* The inverse of days_of_date, within 1970..2106. */
	uint32_t days = seconds / 86400 + 719468;
	uint32_t rest = seconds % 86400;
	uint32_t era = days / 146097;
	uint32_t day_of_era = days % 146097;
	uint32_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint32_t shifted = (5 * day_of_year + 2) / 153;
	uint32_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
	uint32_t month = shifted < 10 ? shifted + 3 : shifted - 9;
	uint32_t year = year_of_era + era * 400 + (month <= 2);
	char digits[14];
	put_two_digits(digits, year / 100);
	put_two_digits(digits + 2, year % 100);
	put_two_digits(digits + 4, month);
	put_two_digits(digits + 6, day);
	put_two_digits(digits + 8, rest / 3600);
	put_two_digits(digits + 10, rest / 60 % 60);
	put_two_digits(digits + 12, rest % 60);
	text_add(out, digits, sizeof digits);
}

void codec_add_hex(struct text *out, const uint8_t *bytes, size_t len)
{
	char chunk[CHUNK];
	while (len > 0) {
		size_t part = len < CHUNK / 2 ? len : CHUNK / 2;
		for (size_t i = 0; i < part; i++) {
			chunk[2 * i] = hex_digits[bytes[i] >> 4];
			chunk[2 * i + 1] = hex_digits[bytes[i] & 0xf];
		}
		text_add(out, chunk, 2 * part);
		bytes += part;
		len -= part;
	}
}

void codec_add_base64(struct text *out, const uint8_t *bytes, size_t len)
{
	char chunk[CHUNK];
	size_t used = 0;
	for (; len > 0; used += 4) {
		if (used == CHUNK) {
			text_add(out, chunk, used);
			used = 0;
		}
		size_t part = len < 3 ? len : 3;
		uint32_t bits = (uint32_t)bytes[0] << 16;
		bits |= part > 1 ? (uint32_t)bytes[1] << 8 : 0;
		bits |= part > 2 ? bytes[2] : 0;
		chunk[used] = base64_digits[bits >> 18];
		chunk[used + 1] = base64_digits[bits >> 12 & 0x3f];
		chunk[used + 2] = part > 1 ? base64_digits[bits >> 6 & 0x3f] : '=';
		chunk[used + 3] = part > 2 ? base64_digits[bits & 0x3f] : '=';
		bytes += part;
		len -= part;
	}
	text_add(out, chunk, used);
}

void codec_add_base32(struct text *out, const uint8_t *bytes, size_t len)
{
	char chunk[(255 * 8 + 4) / 5];
	size_t used = 0;
	uint32_t bits = 0;
	unsigned bit_count = 0;
	for (size_t i = 0; i < len && i < 255; i++) {
		bits = bits << 8 | bytes[i];
		for (bit_count += 8; bit_count >= 5;) {
			bit_count -= 5;
			chunk[used++] = base32_digits[bits >> bit_count & 0x1f];
		}
	}
	if (bit_count > 0) {
		chunk[used++] = base32_digits[bits << (5 - bit_count) & 0x1f];
	}
	text_add(out, chunk, used);
}

static char *put_octet(char *at, unsigned value)
{
	if (value >= 100) {
		*at++ = (char)('0' + value / 100);
	}
	if (value >= 10) {
		*at++ = (char)('0' + value / 10 % 10);
	}
	*at++ = (char)('0' + value % 10);
	return at;
}

static char *put_ip4(char *at, const uint8_t bytes[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (i > 0) {
			*at++ = '.';
		}
		at = put_octet(at, bytes[i]);
	}
	return at;
}

void codec_add_ip4(struct text *out, const uint8_t bytes[4])
{
	char chars[16];
	text_add(out, chars, (size_t)(put_ip4(chars, bytes) - chars));
}

static char *put_group(char *at, unsigned value)
{
	static const char lower_digits[] = "0123456789abcdef";
	bool started = false;
	for (int shift = 12; shift >= 0; shift -= 4) {
		unsigned digit = value >> shift & 0xf;
		started = started || digit != 0 || shift == 0;
		if (started) {
			*at++ = lower_digits[digit];
		}
	}
	return at;
}

/* The longest run of two or more zero groups, the first of equals (RFC 5952 4.2). */
static void longest_zeros(const uint8_t bytes[16], size_t *start, size_t *count)
{
	*start = 8;
	*count = 1;
	for (size_t i = 0; i < 8;) {
		size_t run = 0;
		while (i + run < 8 && load_u16(bytes + 2 * (i + run)) == 0) {
			run++;
		}
		if (run > *count) {
			*start = i;
			*count = run;
		}
		i += run + 1;
	}
}

void codec_add_ip6(struct text *out, const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char chars[48];
	char *at = chars;
	size_t zeros;
	size_t zero_count;
	if (memcmp(bytes, mapped, sizeof mapped) == 0) {
		text_add(out, "::ffff:", 7);
		codec_add_ip4(out, bytes + 12);
		return;
	}
	longest_zeros(bytes, &zeros, &zero_count);
	for (size_t i = 0; i < 8;) {
		if (i == zeros) {
			*at++ = ':';
			*at++ = ':';
			i += zero_count;
			continue;
		}
		if (i > 0 && i != zeros + zero_count) {
			*at++ = ':';
		}
		at = put_group(at, load_u16(bytes + 2 * i));
		i++;
	}
	text_add(out, chars, (size_t)(at - chars));
}

void codec_add_quoted(struct text *out, const uint8_t *bytes, size_t len)
{
	char chunk[CHUNK];
	size_t used = 0;
	chunk[used++] = '"';
	for (size_t i = 0; i < len; i++) {
		/* The longest notation of an octet, and the closing quote. */
		if (used + 4 + 1 > CHUNK) {
			text_add(out, chunk, used);
			used = 0;
		}
		uint8_t octet = bytes[i];
		if (octet < 0x20 || octet >= 0x7f) {
			chunk[used++] = '\\';
			chunk[used++] = (char)('0' + octet / 100);
			put_two_digits(chunk + used, octet % 100u);
			used += 2;
			continue;
		}
		if (octet == '"' || octet == '\\') {
			chunk[used++] = '\\';
		}
		chunk[used++] = (char)octet;
	}
	chunk[used++] = '"';
	text_add(out, chunk, used);
}
