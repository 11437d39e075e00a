/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "crypto/crypto.h"

TEST(numbers_do_not_repeat)
{
	struct crypto_random random;
	uint64_t seen[100];
	crypto_random_init(&random);
	for (size_t i = 0; i < ARRAY_LENGTH(seen); i++) {
		seen[i] = random.source.next(&random.source);
		for (size_t j = 0; j < i; j++) {
			assert_true(seen[i] != seen[j]);
		}
	}
}

TEST(what_was_handed_out_is_gone_from_memory)
{
	struct crypto_random random;
	crypto_random_init(&random);
	uint64_t value = random.source.next(&random.source);
	for (size_t i = 0; i < ARRAY_LENGTH(random.batch); i++) {
		assert_true(random.batch[i] != value);
	}
}

TEST(bytes_for_keys_differ)
{
	uint8_t a[32];
	uint8_t b[32];
	crypto_random_bytes(a, sizeof a);
	crypto_random_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
}
