/* SPDX-License-Identifier: MIT */
/* The notations inside RDATA, against the C library and plain models. */
#include "unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/random.h"
#include "dns/codec_internal.h"

static struct random_seeded random_state;

static struct random_source *seeded(void)
{
	random_seeded_init(&random_state, unit_seed());
	return &random_state.source;
}

static bool decimal(const char *text, uint64_t max, uint64_t *out)
{
	return codec_decimal(text, strlen(text), max, out);
}

TEST(decimal_numbers_end_at_their_maximum)
{
	uint64_t value;
	assert_true(decimal("0", 0, &value) && value == 0);
	assert_true(decimal("65535", 65535, &value) && value == 65535);
	assert_false(decimal("65536", 65535, &value));
	assert_true(decimal("00065535", 65535, &value) && value == 65535);
	assert_true(decimal("18446744073709551615", UINT64_MAX, &value) && value == UINT64_MAX);
	assert_false(decimal("18446744073709551616", UINT64_MAX, &value));
	assert_false(decimal("18446744073709551620", UINT64_MAX, &value));
	assert_false(decimal("99999999999999999999", UINT64_MAX, &value));
	assert_false(decimal("100000000000000000000", UINT64_MAX, &value));
	assert_false(decimal("", UINT64_MAX, &value));
	assert_false(decimal("+1", UINT64_MAX, &value));
	assert_false(decimal("-1", UINT64_MAX, &value));
	assert_false(decimal("1 ", UINT64_MAX, &value));
	assert_false(decimal("0x1", UINT64_MAX, &value));
}

static bool period(const char *text, uint32_t *out)
{
	return codec_period(text, strlen(text), out);
}

TEST(periods_have_units_in_any_order_and_number)
{
	uint32_t value;
	assert_true(period("1w1d1h1m1s", &value) && value == 694861);
	assert_true(period("1S1m2H1s", &value) && value == 7262);
	assert_true(period("0", &value) && value == 0);
	assert_true(period("4294967295", &value) && value == UINT32_MAX);
	assert_true(period("4294967295s", &value) && value == UINT32_MAX);
	assert_true(period("7101w", &value) && value == 4294684800);
	assert_false(period("7102w", &value));
	assert_false(period("4294967295s1s", &value));
	assert_false(period("1x", &value));
	assert_false(period("h", &value));
	assert_false(period("1h30", &value));
	assert_false(period("1hh", &value));
	assert_false(period("", &value));
	assert_false(period("-1h", &value));
}

TEST(times_are_those_of_the_c_library)
{
	struct random_source *random = seeded();
	for (unsigned round = 0; round < 100000; round++) {
		uint32_t seconds = (uint32_t)random->next(random);
		time_t time = (time_t)seconds;
		struct tm parts;
		char expected[32];
		struct text text;
		uint32_t again;
		text_init(&text, 100);
		gmtime_r(&time, &parts);
		strftime(expected, sizeof expected, "%Y%m%d%H%M%S", &parts);
		codec_add_time(&text, seconds);
		assert_string_equal(text_string(&text), expected);
		assert_true(codec_time(text.chars, text.len, &again));
		assert_int_equal(again, seconds);
		text_deinit(&text);
	}
}

static bool reads_time(const char *text, uint32_t *out)
{
	return codec_time(text, strlen(text), out);
}

TEST(times_that_are_none_are_refused)
{
	uint32_t value;
	assert_true(reads_time("20240229000000", &value));
	assert_false(reads_time("20230229000000", &value));
	assert_false(reads_time("21000229000000", &value));
	assert_true(reads_time("20000229000000", &value));
	assert_false(reads_time("20230431000000", &value));
	assert_false(reads_time("20230001000000", &value));
	assert_false(reads_time("20230100000000", &value));
	assert_false(reads_time("20230101006000", &value));
	assert_false(reads_time("2023010100000x", &value));
	assert_false(reads_time("202301010000000", &value));
	assert_false(reads_time("4294967296", &value));
	assert_true(reads_time("4294967295", &value) && value == UINT32_MAX);
	/* Serial arithmetic: 2^32 seconds after 1970 is 1970 (RFC 4034 3.1.5). */
	assert_true(reads_time("21060207062816", &value) && value == 0);
	assert_true(reads_time("19691231235959", &value) && value == UINT32_MAX);
}

TEST(ip6_addresses_are_read_as_by_the_c_library)
{
	struct random_source *random = seeded();
	static const char *const pieces[] = {":",    ":",     "::",      "0", "1", "ff",
	                                     "abcd", "12345", "1.2.3.4", "g", ".", "256.1.1.1"};
	for (unsigned round = 0; round < 300000; round++) {
		char text[128] = "";
		for (uint64_t count = 1 + random_below(random, 17); count > 0; count--) {
			strcat(text, pieces[random_below(random, 12)]);
		}
		if (strlen(text) >= INET6_ADDRSTRLEN) {
			continue;
		}
		uint8_t ours[16];
		uint8_t theirs[16];
		bool good = codec_ip6(text, strlen(text), ours);
		if (good != (inet_pton(AF_INET6, text, theirs) == 1)) {
			fail_msg("%s is %s", text, good ? "taken" : "refused");
		}
		if (good) {
			assert_memory_equal(ours, theirs, 16);
		}
	}
}

TEST(ip4_addresses_are_read_as_by_the_c_library)
{
	struct random_source *random = seeded();
	static const char *const pieces[] = {".", ".", ".", "0", "1", "25", "255", "256", "01", "1000", "x"};
	for (unsigned round = 0; round < 300000; round++) {
		char text[64] = "";
		for (uint64_t count = 1 + random_below(random, 9); count > 0; count--) {
			strcat(text, pieces[random_below(random, 11)]);
		}
		uint8_t ours[4];
		uint8_t theirs[4];
		bool good = codec_ip4(text, strlen(text), ours);
		if (good != (inet_pton(AF_INET, text, theirs) == 1)) {
			fail_msg("%s is %s", text, good ? "taken" : "refused");
		}
		if (good) {
			assert_memory_equal(ours, theirs, 4);
		}
	}
}

TEST(addresses_are_written_shortest_and_read_back)
{
	struct random_source *random = seeded();
	for (unsigned round = 0; round < 100000; round++) {
		uint8_t address[16];
		uint8_t again[16];
		char theirs[INET6_ADDRSTRLEN];
		struct text text;
		for (size_t i = 0; i < 16; i += 2) {
			store_u16(address + i, random_below(random, 2) == 0
			                               ? 0
			                               : (uint16_t)(random->next(random) >> random_below(random, 16)));
		}
		text_init(&text, 100);
		codec_add_ip6(&text, address);
		assert_true(codec_ip6(text.chars, text.len, again));
		assert_memory_equal(again, address, 16);
		inet_ntop(AF_INET6, address, theirs, sizeof theirs);
		/* Only "::1.2.3.4", which RFC 4291 2.5.5.1 deprecates, is written otherwise there. */
		if (strchr(theirs, '.') == NULL || strncmp(theirs, "::ffff:", 7) == 0) {
			assert_string_equal(text_string(&text), theirs);
		}
		text_clear(&text);
		codec_add_ip4(&text, address);
		inet_ntop(AF_INET, address, theirs, sizeof theirs);
		assert_string_equal(text_string(&text), theirs);
		text_deinit(&text);
	}
}

TEST(base64_reads_back_wherever_it_is_broken)
{
	struct random_source *random = seeded();
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t octets[200];
		uint8_t again[204];
		size_t len = random_below(random, sizeof octets);
		struct text text;
		struct codec_base64 state = {0};
		struct writer out = writer_of(again, sizeof again);
		for (size_t i = 0; i < len; i++) {
			octets[i] = (uint8_t)random->next(random);
		}
		text_init(&text, 1000);
		codec_add_base64(&text, octets, len);
		assert_int_equal(text.len, (len + 2) / 3 * 4);
		for (size_t at = 0; at < text.len;) {
			size_t piece = 1 + random_below(random, random_below(random, 2) == 0 ? 5 : 100);
			piece = piece < text.len - at ? piece : text.len - at;
			assert_true(codec_base64_add(&state, text.chars + at, piece, &out));
			at += piece;
		}
		assert_true(codec_base64_end(&state));
		assert_int_equal(writer_len(&out), len);
		assert_memory_equal(again, octets, len);
		text_deinit(&text);
	}
}

static bool is_base64(const char *text)
{
	uint8_t octets[100];
	struct codec_base64 state = {0};
	struct writer out = writer_of(octets, sizeof octets);
	return codec_base64_add(&state, text, strlen(text), &out) && codec_base64_end(&state);
}

TEST(base64_has_one_form)
{
	assert_true(is_base64(""));
	assert_true(is_base64("AA=="));
	assert_true(is_base64("AAA="));
	assert_true(is_base64("+/az"));
	assert_false(is_base64("A"));
	assert_false(is_base64("AA"));
	assert_false(is_base64("AAA"));
	assert_false(is_base64("A==="));
	assert_false(is_base64("===="));
	assert_false(is_base64("="));
	assert_false(is_base64("AB=="));
	assert_false(is_base64("AAB="));
	assert_false(is_base64("AA=A"));
	assert_false(is_base64("AA==AAAA"));
	assert_false(is_base64("AAAAAA=="
	                       "="));
	assert_false(is_base64("AA-_"));
	assert_false(is_base64("AAA\x80"));
}

TEST(base32_and_hexadecimal_read_back)
{
	struct random_source *random = seeded();
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t octets[255];
		uint8_t again[255];
		size_t len = random_below(random, 256);
		struct text text;
		for (size_t i = 0; i < len; i++) {
			octets[i] = (uint8_t)random->next(random);
		}
		text_init(&text, 1000);
		codec_add_base32(&text, octets, len);
		struct writer out = writer_of(again, sizeof again);
		assert_true(codec_base32(text_string(&text), text.len, &out));
		assert_int_equal(writer_len(&out), len);
		assert_memory_equal(again, octets, len);
		text_clear(&text);
		codec_add_hex(&text, octets, len);
		out = writer_of(again, sizeof again);
		assert_true(codec_hex(text_string(&text), text.len, &out));
		assert_int_equal(writer_len(&out), len);
		assert_memory_equal(again, octets, len);
		text_deinit(&text);
	}
}

/* RFC 4648 10. */
TEST(base32_has_the_extended_hex_alphabet)
{
	struct text text;
	uint8_t octets[10];
	struct writer out = writer_of(octets, sizeof octets);
	text_init(&text, 100);
	codec_add_base32(&text, (const uint8_t *)"foobar", 6);
	assert_string_equal(text_string(&text), "CPNMUOJ1E8");
	assert_true(codec_base32("cpnmuoj1e8", 10, &out));
	assert_memory_equal(octets, "foobar", 6);
	assert_false(codec_base32("CPNMUOJ1E9", 10, &out)); /* bits left over */
	assert_false(codec_base32("C", 1, &out));
	assert_false(codec_base32("CPN", 3, &out));
	assert_false(codec_base32("CPNMUO", 6, &out));
	assert_false(codec_base32("CW", 2, &out));
	assert_false(codec_base32("CP======", 8, &out));
	text_deinit(&text);
}

TEST(quoted_octets_are_unescaped_to_the_same)
{
	struct random_source *random = seeded();
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t octets[300];
		uint8_t again[300];
		size_t len = random_below(random, sizeof octets);
		struct text text;
		struct writer out = writer_of(again, sizeof again);
		for (size_t i = 0; i < len; i++) {
			octets[i] = random_below(random, 2) == 0 ? (uint8_t) "\\\"; \0\x7f"[random_below(random, 6)]
			                                         : (uint8_t)random->next(random);
		}
		text_init(&text, 10000);
		codec_add_quoted(&text, octets, len);
		assert_int_equal(text.chars[0], '"');
		assert_int_equal(text.chars[text.len - 1], '"');
		assert_true(codec_unescape(text.chars + 1, text.len - 2, &out));
		assert_int_equal(writer_len(&out), len);
		assert_memory_equal(again, octets, len);
		text_deinit(&text);
	}
}
