/* SPDX-License-Identifier: MIT */
/* SHA-1 by OpenSSL's block functions, for NSEC3: a digest of a name is one block, and the provider interface costs
 * several times what the block does. The functions are marked deprecated in OpenSSL 3 in favour of that interface;
 * they use the same assembler. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"

#include <openssl/sha.h>

void crypto_sha1(const void *bytes, size_t len, uint8_t out[static CRYPTO_SHA1_LEN])
{
	SHA_CTX context;
	SHA1_Init(&context);
	SHA1_Update(&context, bytes, len);
	SHA1_Final(out, &context);
}

static void sha1_salted(const uint8_t *bytes, size_t len, const uint8_t *salt, size_t salt_len, uint8_t *out)
{
	SHA_CTX context;
	SHA1_Init(&context);
	SHA1_Update(&context, bytes, len);
	if (salt_len > 0) {
		SHA1_Update(&context, salt, salt_len);
	}
	SHA1_Final(out, &context);
}

void crypto_nsec3_hash(const uint8_t *name, size_t name_len, const uint8_t *salt, size_t salt_len, uint32_t iterations,
                       uint8_t out[static CRYPTO_SHA1_LEN])
{
	sha1_salted(name, name_len, salt, salt_len, out);
	for (uint32_t i = 0; i < iterations; i++) {
		sha1_salted(out, CRYPTO_SHA1_LEN, salt, salt_len, out);
	}
}
