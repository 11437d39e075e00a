/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"

TEST(arena_gives_memory_that_stays_until_reset)
{
	struct arena arena;
	arena_init(&arena, 64);
	char *first = arena_copy_text(&arena, "first");
	for (int i = 0; i < 100; i++) {
		memset(arena_take(&arena, 40), 0xff, 40);
	}
	memset(arena_take(&arena, 5000), 0xff, 5000);
	assert_string_equal(first, "first");
	assert_int_equal((uintptr_t)arena_take(&arena, 1) % _Alignof(max_align_t), 0);
	arena_reset(&arena);
	assert_int_equal(arena.used, 0);
	arena_deinit(&arena);
}

TEST(text_stops_at_its_maximum_and_says_so)
{
	struct text text;
	text_init(&text, 5);
	assert_string_equal(text_string(&text), "");
	text_format(&text, "%s", "abc");
	assert_false(text.failed);
	text_add_string(&text, "def");
	assert_true(text.failed);
	assert_string_equal(text_string(&text), "abcde");
	text_deinit(&text);
}

TEST(hash_depends_on_key_and_every_byte)
{
	struct hash_key a = {{1, 2}};
	struct hash_key b = {{1, 3}};
	uint8_t bytes[40] = {0};
	uint64_t plain = hash_bytes(&a, bytes, sizeof bytes);
	assert_int_not_equal(plain, hash_bytes(&b, bytes, sizeof bytes));
	assert_int_not_equal(plain, hash_bytes(&a, bytes, sizeof bytes - 1));
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = 1;
		assert_int_not_equal(plain, hash_bytes(&a, bytes, sizeof bytes));
		bytes[i] = 0;
	}
}

TEST(hash_with_two_keys_at_once_is_that_with_each)
{
	const struct hash_key keys[2] = {{{1, 2}}, {{0x0123456789abcdef, 3}}};
	uint8_t bytes[40];
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)(i * 37 + 200);
	}
	for (size_t len = 0; len <= sizeof bytes; len++) {
		uint64_t both[2];
		hash_bytes_twice(keys, bytes, len, both);
		assert_int_equal(both[0], hash_bytes(&keys[0], bytes, len));
		assert_int_equal(both[1], hash_bytes(&keys[1], bytes, len));
	}
}

TEST(hashes_of_two_are_those_of_each)
{
	uint8_t bytes[64];
	const struct hash_key key = {{1, 2}};
	for (size_t i = 0; i < sizeof bytes; i++) {
		bytes[i] = (uint8_t)(i * 7);
	}
	for (size_t a = 0; a <= sizeof bytes; a++) {
		for (size_t b = 0; b <= sizeof bytes; b++) {
			struct hash_octets in[2] = {{.bytes = bytes, .len = a},
			                            {.bytes = bytes + sizeof bytes - b, .len = b}};
			struct hash_128 both[2];
			hash_bytes_128_of_two(&key, in, both);
			for (size_t i = 0; i < 2; i++) {
				struct hash_128 one = hash_bytes_128(&key, in[i].bytes, in[i].len);
				assert_memory_equal(&both[i], &one, sizeof one);
			}
		}
	}
}

TEST(aligned_copy_is_aligned_after_odd_bytes)
{
	struct arena arena;
	arena_init(&arena, 1024);
	for (size_t i = 0; i < 20; i++) {
		arena_copy(&arena, "x", 1);
		uint64_t number = 0x0102030405060708 + i;
		uint64_t *copy = arena_copy_aligned(&arena, &number, sizeof number);
		assert_int_equal((uintptr_t)copy % _Alignof(max_align_t), 0);
		assert_int_equal(*copy, number);
	}
	arena_deinit(&arena);
}
