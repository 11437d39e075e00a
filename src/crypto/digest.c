/* SPDX-License-Identifier: MIT */
/* Digests. The kinds are fetched from OpenSSL's providers once: looking one up by name for every digest costs more
 * than the digest of a name. */
#include "crypto/crypto.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/memory.h"

#define KIND_COUNT 4

static const struct kind_row {
	const char *name;
	size_t len;
} kind_rows[KIND_COUNT] = {
        [CRYPTO_SHA1] = {"SHA1", 20},
        [CRYPTO_SHA256] = {"SHA256", 32},
        [CRYPTO_SHA384] = {"SHA384", 48},
        [CRYPTO_SHA512] = {"SHA512", 64},
};

static pthread_once_t kinds_once = PTHREAD_ONCE_INIT;
static EVP_MD *kinds[KIND_COUNT]; /* written once, kept until the process ends */

/* I1: prints what was refused and ends the process. */
static void must(int done, const char *what)
{
	if (done != 1) {
		fprintf(stderr, "tandem: OpenSSL refused %s\n", what);
		abort();
	}
}

static void fetch_kinds(void)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		kinds[i] = EVP_MD_fetch(NULL, kind_rows[i].name, NULL);
		must(kinds[i] != NULL, kind_rows[i].name);
	}
}

static const EVP_MD *kind_get(enum crypto_digest_kind kind)
{
	pthread_once(&kinds_once, fetch_kinds);
	return kinds[kind];
}

size_t crypto_digest_len(enum crypto_digest_kind kind)
{
	return kind_rows[kind].len;
}

void crypto_digest(enum crypto_digest_kind kind, const void *bytes, size_t len, uint8_t *out)
{
	must(EVP_Digest(bytes, len, out, NULL, kind_get(kind), NULL), kind_rows[kind].name);
}

struct crypto_digest {
	EVP_MD_CTX *context;
	enum crypto_digest_kind kind;
};

static void start(struct crypto_digest *digest)
{
	must(EVP_DigestInit_ex2(digest->context, kind_get(digest->kind), NULL), kind_rows[digest->kind].name);
}

struct crypto_digest *crypto_digest_new(enum crypto_digest_kind kind)
{
	struct crypto_digest *digest = memory_new(sizeof *digest);
	digest->kind = kind;
	digest->context = EVP_MD_CTX_new();
	must(digest->context != NULL, "memory for a digest");
	start(digest);
	return digest;
}

void crypto_digest_free(struct crypto_digest *digest)
{
	if (digest != NULL) {
		EVP_MD_CTX_free(digest->context);
		free(digest);
	}
}

void crypto_digest_add(struct crypto_digest *digest, const void *bytes, size_t len)
{
	must(EVP_DigestUpdate(digest->context, bytes, len), kind_rows[digest->kind].name);
}

void crypto_digest_end(struct crypto_digest *digest, uint8_t *out)
{
	must(EVP_DigestFinal_ex(digest->context, out, NULL), kind_rows[digest->kind].name);
	start(digest);
}

int crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}
