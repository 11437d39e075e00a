/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "crypto/crypto.h"

static const char *hex(const uint8_t *bytes, size_t len)
{
	static char out[2 * CRYPTO_DIGEST_MAX + 1];
	for (size_t i = 0; i < len; i++) {
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
	}
	return out;
}

static const char *digest_hex(enum crypto_digest_kind kind, const char *text)
{
	uint8_t out[CRYPTO_DIGEST_MAX];
	crypto_digest(kind, text, strlen(text), out);
	return hex(out, crypto_digest_len(kind));
}

/* FIPS 180-4, the examples of one block. */
TEST(digests_of_abc_are_those_of_the_standard)
{
	assert_string_equal(digest_hex(CRYPTO_SHA1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_string_equal(digest_hex(CRYPTO_SHA256, "abc"),
	                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(digest_hex(CRYPTO_SHA384, "abc"),
	                    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	                    "8086072ba1e7cc2358baeca134c825a7");
	assert_string_equal(digest_hex(CRYPTO_SHA512, "abc"),
	                    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	                    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(digest_in_pieces_equals_digest_of_the_whole)
{
	uint8_t whole[CRYPTO_DIGEST_MAX];
	uint8_t pieces[CRYPTO_DIGEST_MAX];
	uint8_t again[CRYPTO_DIGEST_MAX];
	char text[300];
	memset(text, 'x', sizeof text);
	crypto_digest(CRYPTO_SHA384, text, sizeof text, whole);
	struct crypto_digest *digest = crypto_digest_new(CRYPTO_SHA384);
	for (size_t i = 0; i < sizeof text; i += 7) {
		crypto_digest_add(digest, text + i, sizeof text - i < 7 ? sizeof text - i : 7);
	}
	crypto_digest_end(digest, pieces);
	crypto_digest_add(digest, text, sizeof text);
	crypto_digest_end(digest, again);
	crypto_digest_free(digest);
	assert_memory_equal(whole, pieces, 48);
	assert_memory_equal(whole, again, 48);
}

TEST(the_short_way_to_sha1_gives_the_same)
{
	uint8_t a[CRYPTO_SHA1_LEN];
	uint8_t b[CRYPTO_SHA1_LEN];
	char text[200];
	for (size_t len = 0; len < sizeof text; len++) {
		text[len] = (char)('a' + len % 26);
		crypto_sha1(text, len, a);
		crypto_digest(CRYPTO_SHA1, text, len, b);
		assert_memory_equal(a, b, CRYPTO_SHA1_LEN);
	}
}

/* RFC 5155 appendix A: H(example) = 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom, salt aabbccdd, 12 iterations. */
TEST(nsec3_hash_is_that_of_rfc_5155)
{
	static const uint8_t name[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
	static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};
	uint8_t out[CRYPTO_SHA1_LEN];
	crypto_nsec3_hash(name, sizeof name, salt, sizeof salt, 12, out);
	assert_string_equal(hex(out, sizeof out), "065368abeed7ec6e9feba96b8c8bc3e8b791f716");
}

TEST(equal_tells_equal_from_different)
{
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
}
