/* SPDX-License-Identifier: MIT */
/* LOC (RFC 1876). Angles are thousandths of a second of arc, 2^31 is the equator or the prime meridian; altitude is in
 * centimetres above 100000 m below the WGS 84 spheroid; size and precision are a digit times a power of ten, in cm. */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/codec_internal.h"

#define LOC_LEN       16
#define ANGLE_ZERO    0x80000000u
#define MS_PER_DEGREE 3600000u
#define ALTITUDE_ZERO 10000000u /* cm */

/* RFC 1876 3: defaults of size, horizontal and vertical precision. */
#define SIZE_DEFAULT       0x12
#define HORIZONTAL_DEFAULT 0x16
#define VERTICAL_DEFAULT   0x13

#define POWER_MAX UINT64_C(9000000000) /* cm */

static bool is_power(uint8_t octet)
{
	return octet >> 4 <= 9 && (octet & 0xf) <= 9;
}

static bool is_angle(uint32_t angle, unsigned degrees)
{
	uint32_t distance = angle >= ANGLE_ZERO ? angle - ANGLE_ZERO : ANGLE_ZERO - angle;
	return distance <= degrees * MS_PER_DEGREE;
}

bool rdata_loc_skip(struct reader *in, const char **why)
{
	size_t len = reader_left(in);
	const uint8_t *loc = read_bytes(in, len);
	if (loc == NULL || len == 0) {
		*why = "it is cut short";
		return false;
	}
	/* RFC 1876 2: only version 0 has this form. */
	if (loc[0] != 0) {
		return true;
	}
	*why = "a field is out of its range (RFC 1876 2)";
	return len == LOC_LEN && is_power(loc[1]) && is_power(loc[2]) && is_power(loc[3]) &&
	       is_angle(load_u32(loc + 4), 90) && is_angle(load_u32(loc + 8), 180);
}

/* A decimal number with up to `places` decimal places, in units of the last place. Either side of the point may be
 * left out, not both. */
static bool read_decimal(const char *chars, size_t len, unsigned places, uint64_t max, uint64_t *out)
{
	const char *point = memchr(chars, '.', len);
	size_t whole = point == NULL ? len : (size_t)(point - chars);
	size_t fraction = point == NULL ? 0 : len - whole - 1;
	uint64_t value = 0;
	if (fraction > places || (point != NULL && places == 0) ||
	    (whole > 0 && !codec_decimal(chars, whole, max, &value)) || whole + fraction == 0) {
		return false;
	}
	for (size_t i = 0; i < places; i++) {
		uint64_t digit = 0;
		if (i < fraction && !codec_decimal(point + 1 + i, 1, 9, &digit)) {
			return false;
		}
		value = value * 10 + digit;
	}
	*out = value;
	return value <= max;
}

static bool is_letter(const struct dns_token *token, char positive, char negative, bool *is_negative)
{
	char upper = token->len == 1 ? (char)(token->chars[0] & ~0x20) : '\0';
	*is_negative = upper == negative;
	return upper == positive || upper == negative;
}

/* Degrees, with minutes and seconds or without, and N or S, E or W. */
static bool parse_angle(struct rdata_parser *parser, unsigned degrees_max, char positive, char negative)
{
	static const uint32_t units[] = {MS_PER_DEGREE, 60000, 1};
	uint64_t total = 0;
	for (size_t part = 0; part < 4; part++) {
		const struct dns_token *token = rdata_word(parser);
		bool below;
		uint64_t value;
		if (token == NULL) {
			return false;
		}
		if (part > 0 && is_letter(token, positive, negative, &below)) {
			if (total > (uint64_t)degrees_max * MS_PER_DEGREE) {
				break;
			}
			uint32_t angle = (uint32_t)total;
			write_u32(parser->out, below ? ANGLE_ZERO - angle : ANGLE_ZERO + angle);
			return true;
		}
		if (part == 3 || !read_decimal(token->chars, token->len, part == 2 ? 3 : 0,
		                               part == 0 ? degrees_max : (part == 1 ? 59 : 59999), &value)) {
			break;
		}
		total += value * units[part];
	}
	return rdata_fail(parser, "is not an angle from 0 to %u degrees, such as 52 22 23.000 %c", degrees_max,
	                  positive);
}

/* Without the "m" that may stand at the end. */
static size_t metres_len(const struct dns_token *token)
{
	bool has_unit = token->len > 0 && (token->chars[token->len - 1] == 'm' || token->chars[token->len - 1] == 'M');
	return token->len - has_unit;
}

static bool parse_altitude(struct rdata_parser *parser)
{
	const struct dns_token *token = rdata_word(parser);
	uint64_t centimetres;
	if (token == NULL) {
		return false;
	}
	size_t len = metres_len(token);
	bool below = len > 0 && token->chars[0] == '-';
	size_t sign = len > 0 && (below || token->chars[0] == '+');
	uint64_t max = below ? ALTITUDE_ZERO : (uint64_t)UINT32_MAX - ALTITUDE_ZERO;
	if (!read_decimal(token->chars + sign, len - sign, 2, max, &centimetres)) {
		return rdata_fail(parser, "is not from -100000.00m to 42849672.95m");
	}
	uint32_t distance = (uint32_t)centimetres;
	write_u32(parser->out, below ? ALTITUDE_ZERO - distance : ALTITUDE_ZERO + distance);
	return true;
}

static bool parse_power(struct rdata_parser *parser, uint8_t *out)
{
	if (!rdata_more(parser)) {
		return true;
	}
	const struct dns_token *token = rdata_word(parser);
	uint64_t value;
	if (token == NULL) {
		return false;
	}
	if (!read_decimal(token->chars, metres_len(token), 2, POWER_MAX, &value)) {
		return rdata_fail(parser, "is not from 0 to 90000000.00m");
	}
	unsigned exponent = 0;
	for (; value > 9; value /= 10) {
		exponent++;
	}
	*out = (uint8_t)(value << 4 | exponent);
	return true;
}

bool rdata_loc_parse(struct rdata_parser *parser)
{
	uint8_t *powers = write_room(parser->out, 4);
	uint8_t sizes[3] = {SIZE_DEFAULT, HORIZONTAL_DEFAULT, VERTICAL_DEFAULT};
	bool good = parse_angle(parser, 90, 'N', 'S') && rdata_next_label(parser) &&
	            parse_angle(parser, 180, 'E', 'W') && rdata_next_label(parser) && parse_altitude(parser);
	if (!good) {
		return false;
	}
	for (size_t i = 0; i < 3; i++) {
		rdata_next_label(parser);
		if (!parse_power(parser, &sizes[i])) {
			return false;
		}
	}
	for (size_t i = 0; powers != NULL && i < 4; i++) {
		powers[i] = i == 0 ? 0 : sizes[i - 1];
	}
	return true;
}

static void add_places(uint32_t value, uint32_t unit, struct text *out)
{
	text_add_decimal(out, value / unit);
	text_add_char(out, '.');
	for (uint32_t rest = value % unit, place = unit / 10; place > 0; place /= 10) {
		text_add_char(out, (char)('0' + rest / place % 10));
	}
}

static void add_angle(uint32_t angle, char positive, char negative, struct text *out)
{
	uint32_t distance = angle >= ANGLE_ZERO ? angle - ANGLE_ZERO : ANGLE_ZERO - angle;
	text_add_decimal(out, distance / MS_PER_DEGREE);
	text_add_char(out, ' ');
	text_add_decimal(out, distance / 60000 % 60);
	text_add_char(out, ' ');
	add_places(distance % 60000, 1000, out);
	text_add_char(out, ' ');
	text_add_char(out, angle >= ANGLE_ZERO ? positive : negative);
	text_add_char(out, ' ');
}

static void add_power(uint8_t octet, struct text *out)
{
	uint64_t centimetres = octet >> 4;
	for (unsigned i = 0; i < (octet & 0xfu); i++) {
		centimetres *= 10;
	}
	text_add_char(out, ' ');
	text_add_decimal(out, centimetres / 100);
	if (centimetres % 100 != 0) {
		text_add_char(out, '.');
		text_add_char(out, (char)('0' + centimetres / 10 % 10));
		text_add_char(out, (char)('0' + centimetres % 10));
	}
	text_add_char(out, 'm');
}

bool rdata_loc_add(struct reader *in, struct text *out)
{
	size_t len = reader_left(in);
	const uint8_t *loc = read_bytes(in, len);
	if (len != LOC_LEN || loc[0] != 0) {
		return false;
	}
	add_angle(load_u32(loc + 4), 'N', 'S', out);
	add_angle(load_u32(loc + 8), 'E', 'W', out);
	uint32_t altitude = load_u32(loc + 12);
	if (altitude < ALTITUDE_ZERO) {
		text_add_char(out, '-');
	}
	add_places(altitude >= ALTITUDE_ZERO ? altitude - ALTITUDE_ZERO : ALTITUDE_ZERO - altitude, 100, out);
	text_add_char(out, 'm');
	for (size_t i = 1; i <= 3; i++) {
		/* Nothing times a power of ten would be read back as plain nothing. */
		if (loc[i] >> 4 == 0 && loc[i] != 0) {
			return false;
		}
		add_power(loc[i], out);
	}
	return true;
}
