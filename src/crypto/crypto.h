/* SPDX-License-Identifier: MIT */
/* The door of src/crypto: digests, HMACs and random numbers over OpenSSL, the only folder that names it.
 *
 * Knows   octets.
 * Not     names, zones, keys of DNS: what is digested, and why, is the caller's.
 *
 * I1  Nothing here fails in normal work. Where OpenSSL says no (no memory, no entropy), there is no safe way on and
 *     the process ends with a clear line. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/random.h"

enum crypto_digest_kind {
	CRYPTO_SHA1,
	CRYPTO_SHA256,
	CRYPTO_SHA384,
	CRYPTO_SHA512,
};

#define CRYPTO_DIGEST_MAX 64
#define CRYPTO_SHA1_LEN   20

/* 20, 32, 48 or 64. */
size_t crypto_digest_len(enum crypto_digest_kind kind);

/* Digest of one piece. `out` has crypto_digest_len(kind) octets. Any thread. */
void crypto_digest(enum crypto_digest_kind kind, const void *bytes, size_t len, uint8_t *out);

/* SHA-1 of one piece by the shortest way: for NSEC3 (RFC 5155 5), where it runs per query. Any thread. */
void crypto_sha1(const void *bytes, size_t len, uint8_t out[static CRYPTO_SHA1_LEN]);

/* SHA-1 of bytes | salt, then `iterations` times of digest | salt: IH of RFC 5155 5. `salt` may be NULL when
 * `salt_len` is 0; at most 255. `name` is in canonical form. Any thread. */
void crypto_nsec3_hash(const uint8_t *name, size_t name_len, const uint8_t *salt, size_t salt_len, uint32_t iterations,
                       uint8_t out[static CRYPTO_SHA1_LEN]);

/* A digest in pieces. One thread at a time. */
struct crypto_digest;
struct crypto_digest *crypto_digest_new(enum crypto_digest_kind kind);
void crypto_digest_free(struct crypto_digest *digest);
void crypto_digest_add(struct crypto_digest *digest, const void *bytes, size_t len);
/* Gives the digest and starts again with nothing. */
void crypto_digest_end(struct crypto_digest *digest, uint8_t *out);

/* HMAC (RFC 2104) with one secret. A key is made once and used by any number of threads; a MAC is made by one at a time. */
enum crypto_hmac_kind {
	CRYPTO_HMAC_MD5,
	CRYPTO_HMAC_SHA1,
	CRYPTO_HMAC_SHA224,
	CRYPTO_HMAC_SHA256,
	CRYPTO_HMAC_SHA384,
	CRYPTO_HMAC_SHA512,
};

/* 16, 20, 28, 32, 48 or 64. */
size_t crypto_hmac_len(enum crypto_hmac_kind kind);

struct crypto_hmac_key;
/* `secret` is copied; 1..65535 octets. NULL: OpenSSL is set up not to have this kind (MD5 where FIPS rules). */
struct crypto_hmac_key *crypto_hmac_key_new(enum crypto_hmac_kind kind, const void *secret, size_t len);
/* The secret is overwritten. NULL is fine. */
void crypto_hmac_key_free(struct crypto_hmac_key *take);

struct crypto_hmac;
struct crypto_hmac *crypto_hmac_new(const struct crypto_hmac_key *key);
void crypto_hmac_free(struct crypto_hmac *take);
void crypto_hmac_add(struct crypto_hmac *hmac, const void *bytes, size_t len);
/* Gives the MAC, CRYPTO_DIGEST_MAX octets at the most, and starts again with nothing. */
void crypto_hmac_end(struct crypto_hmac *hmac, uint8_t *out);

/* Equal, in a time that depends on `len` alone. */
MUST_USE int crypto_equal(const void *a, const void *b, size_t len);

/* Random numbers that nobody can guess: message ids, ports, keys. Drawn in small batches. One thread each. */
struct crypto_random {
	struct random_source source; /* hand out &x.source */
	uint64_t batch[32];
	size_t left;
};

void crypto_random_init(struct crypto_random *random);
/* `len` octets, for keys. */
void crypto_random_bytes(void *out, size_t len);
