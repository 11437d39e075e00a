/* SPDX-License-Identifier: MIT */
/* HMACs. A key holds a context that has taken in the secret already; a MAC begins as a copy of it. */
#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/memory.h"

static const struct kind_row {
	const char *digest;
	size_t len;
} kind_rows[] = {
        [CRYPTO_HMAC_MD5] = {"MD5", 16},       [CRYPTO_HMAC_SHA1] = {"SHA1", 20},
        [CRYPTO_HMAC_SHA224] = {"SHA224", 28}, [CRYPTO_HMAC_SHA256] = {"SHA256", 32},
        [CRYPTO_HMAC_SHA384] = {"SHA384", 48}, [CRYPTO_HMAC_SHA512] = {"SHA512", 64},
};

/* I1: prints what was refused and ends the process. */
static void must(int done)
{
	if (done != 1) {
		fprintf(stderr, "tandem: OpenSSL refused an HMAC\n");
		abort();
	}
}

size_t crypto_hmac_len(enum crypto_hmac_kind kind)
{
	return kind_rows[kind].len;
}

struct crypto_hmac_key {
	EVP_MAC_CTX *keyed; /* read only, so that threads may copy it at once */
};

struct crypto_hmac_key *crypto_hmac_key_new(enum crypto_hmac_kind kind, const void *secret, size_t len)
{
	ensure(len > 0 && len <= 65535);
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(mac != NULL);
	EVP_MAC_CTX *keyed = EVP_MAC_CTX_new(mac);
	must(keyed != NULL);
	EVP_MAC_free(mac); /* the context holds it */
	char digest[8];
	snprintf(digest, sizeof digest, "%s", kind_rows[kind].digest);
	OSSL_PARAM params[] = {
	        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	        OSSL_PARAM_construct_end(),
	};
	if (EVP_MAC_init(keyed, secret, len, params) != 1) {
		EVP_MAC_CTX_free(keyed);
		return NULL;
	}
	struct crypto_hmac_key *key = memory_new(sizeof *key);
	key->keyed = keyed;
	return key;
}

void crypto_hmac_key_free(struct crypto_hmac_key *take)
{
	if (take != NULL) {
		EVP_MAC_CTX_free(take->keyed); /* which overwrites the secret */
		free(take);
	}
}

struct crypto_hmac {
	EVP_MAC_CTX *context;
};

struct crypto_hmac *crypto_hmac_new(const struct crypto_hmac_key *key)
{
	struct crypto_hmac *hmac = memory_new(sizeof *hmac);
	hmac->context = EVP_MAC_CTX_dup(key->keyed);
	must(hmac->context != NULL);
	return hmac;
}

void crypto_hmac_free(struct crypto_hmac *take)
{
	if (take != NULL) {
		EVP_MAC_CTX_free(take->context);
		free(take);
	}
}

void crypto_hmac_add(struct crypto_hmac *hmac, const void *bytes, size_t len)
{
	must(EVP_MAC_update(hmac->context, bytes, len));
}

void crypto_hmac_end(struct crypto_hmac *hmac, uint8_t *out)
{
	size_t len;
	must(EVP_MAC_final(hmac->context, out, &len, CRYPTO_DIGEST_MAX));
	must(EVP_MAC_init(hmac->context, NULL, 0, NULL));
}
