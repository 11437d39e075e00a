/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/base64.h"

/* RFC 4648 10. */
TEST(octets_become_text_and_back)
{
	static const char *const pairs[][2] = {{"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
	                                       {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		uint8_t bytes[6];
		size_t len;
		struct text text;
		text_init(&text, 100);
		base64_encode((const uint8_t *)pairs[i][0], strlen(pairs[i][0]), &text);
		assert_string_equal(text_string(&text), pairs[i][1]);
		assert_true(base64_decode(pairs[i][1], strlen(pairs[i][1]), bytes, sizeof bytes, &len));
		assert_int_equal(len, strlen(pairs[i][0]));
		assert_memory_equal(bytes, pairs[i][0], len);
		text_deinit(&text);
	}
}

TEST(all_octets_survive)
{
	uint8_t bytes[256];
	uint8_t back[256];
	size_t len;
	struct text text;
	text_init(&text, 1000);
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)(255 - i);
	}
	base64_encode(bytes, sizeof bytes, &text);
	assert_true(base64_decode(text_string(&text), text.len, back, sizeof back, &len));
	assert_int_equal(len, sizeof bytes);
	assert_memory_equal(back, bytes, len);
	text_deinit(&text);
}

TEST(what_is_no_base64_is_refused)
{
	static const char *const wrong[] = {
	        "", "A", "AA", "AAA", "=AAA", "A===", "AB==", "AAB=", "AA=A", "AA A", "AA-_", "AAAA="};
	uint8_t bytes[16];
	size_t len;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (base64_decode(wrong[i], strlen(wrong[i]), bytes, sizeof bytes, &len)) {
			fail_msg("'%s' was taken", wrong[i]);
		}
	}
	assert_true(base64_decode("AAAA", 4, bytes, 3, &len));
	assert_false(base64_decode("AAAA", 4, bytes, 2, &len));
}
