/* SPDX-License-Identifier: MIT */
/* Keys of TSIG, and sets of them. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "access/tsig_internal.h"
#include "base/memory.h"
#include "dns/name.h"

/* RFC 8945 6, table 3. A MAC that is cut by its algorithm's name is whole when it has that many octets. */
static const struct algorithm_row {
	const char *name;
	const char *wire;
	enum crypto_hmac_kind kind;
	size_t mac_whole;
} algorithm_rows[TSIG_ALGORITHMS] = {
        [TSIG_HMAC_MD5] = {"hmac-md5", "\x08hmac-md5\x07sig-alg\x03reg\x03int", CRYPTO_HMAC_MD5, 16},
        [TSIG_HMAC_SHA1] = {"hmac-sha1", "\x09hmac-sha1", CRYPTO_HMAC_SHA1, 20},
        [TSIG_HMAC_SHA224] = {"hmac-sha224", "\x0bhmac-sha224", CRYPTO_HMAC_SHA224, 28},
        [TSIG_HMAC_SHA256] = {"hmac-sha256", "\x0bhmac-sha256", CRYPTO_HMAC_SHA256, 32},
        [TSIG_HMAC_SHA256_128] = {"hmac-sha256-128", "\x0fhmac-sha256-128", CRYPTO_HMAC_SHA256, 16},
        [TSIG_HMAC_SHA384] = {"hmac-sha384", "\x0bhmac-sha384", CRYPTO_HMAC_SHA384, 48},
        [TSIG_HMAC_SHA384_192] = {"hmac-sha384-192", "\x0fhmac-sha384-192", CRYPTO_HMAC_SHA384, 24},
        [TSIG_HMAC_SHA512] = {"hmac-sha512", "\x0bhmac-sha512", CRYPTO_HMAC_SHA512, 64},
        [TSIG_HMAC_SHA512_256] = {"hmac-sha512-256", "\x0fhmac-sha512-256", CRYPTO_HMAC_SHA512, 32},
};

#define MAC_LEAST 10

struct tsig_key {
	_Atomic(uint32_t) refs;
	enum tsig_algorithm algorithm;
	size_t mac_len;
	struct crypto_hmac_key *hmac;
	struct dns_name name;
	uint8_t mac_of_nothing[CRYPTO_DIGEST_MAX]; /* whoever has another secret has another one */
};

const char *tsig_algorithm_name(enum tsig_algorithm algorithm)
{
	return algorithm_rows[algorithm].name;
}

size_t tsig_algorithm_secret_len(enum tsig_algorithm algorithm)
{
	return crypto_hmac_len(algorithm_rows[algorithm].kind);
}

static size_t mac_least(enum tsig_algorithm algorithm)
{
	size_t half = crypto_hmac_len(algorithm_rows[algorithm].kind) / 2;
	return half > MAC_LEAST ? half : MAC_LEAST;
}

static bool check_lengths(enum tsig_algorithm algorithm, size_t secret_len, size_t mac_len, struct error *error)
{
	size_t whole = algorithm_rows[algorithm].mac_whole;
	size_t least = mac_least(algorithm);
	if (secret_len == 0 || secret_len > TSIG_SECRET_MAX) {
		return error_set(error, ERROR_LIMIT, "a secret has 1 to %d octets, not %zu", TSIG_SECRET_MAX,
		                 secret_len);
	}
	if (mac_len > whole || mac_len < least) {
		return error_set(error, ERROR_LIMIT, "a MAC of %s has %zu to %zu octets, not %zu",
		                 tsig_algorithm_name(algorithm), least, whole, mac_len);
	}
	return true;
}

static void take_mac_of_nothing(struct tsig_key *key)
{
	struct crypto_hmac *hmac = crypto_hmac_new(key->hmac);
	crypto_hmac_end(hmac, key->mac_of_nothing);
	crypto_hmac_free(hmac);
}

const struct tsig_key *tsig_key_new(const uint8_t *name, enum tsig_algorithm algorithm, const void *secret, size_t len,
                                    size_t mac_len, struct error *error)
{
	size_t wanted = mac_len == 0 ? algorithm_rows[algorithm].mac_whole : mac_len;
	if (!check_lengths(algorithm, len, wanted, error)) {
		return NULL;
	}
	struct crypto_hmac_key *hmac = crypto_hmac_key_new(algorithm_rows[algorithm].kind, secret, len);
	if (hmac == NULL) {
		error_set(error, ERROR_INVALID, "OpenSSL offers no %s here", tsig_algorithm_name(algorithm));
		return NULL;
	}
	struct tsig_key *key = memory_new(sizeof *key);
	atomic_init(&key->refs, 1);
	key->algorithm = algorithm;
	key->mac_len = wanted;
	key->hmac = hmac;
	dns_name_lower(name, &key->name);
	take_mac_of_nothing(key);
	return key;
}

const struct tsig_key *tsig_key_ref(const struct tsig_key *key)
{
	atomic_fetch_add_explicit(&((struct tsig_key *)key)->refs, 1, memory_order_relaxed);
	return key;
}

void tsig_key_unref(const struct tsig_key *take)
{
	struct tsig_key *key = (struct tsig_key *)take;
	if (key != NULL && atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) == 1) {
		crypto_hmac_key_free(key->hmac);
		free(key);
	}
}

const uint8_t *tsig_key_name(const struct tsig_key *key)
{
	return key->name.wire;
}

enum tsig_algorithm tsig_key_algorithm(const struct tsig_key *key)
{
	return key->algorithm;
}

const uint8_t *tsig_key_algorithm_wire(const struct tsig_key *key)
{
	return (const uint8_t *)algorithm_rows[key->algorithm].wire;
}

const struct crypto_hmac_key *tsig_key_hmac(const struct tsig_key *key)
{
	return key->hmac;
}

size_t tsig_key_mac_whole(const struct tsig_key *key)
{
	return algorithm_rows[key->algorithm].mac_whole;
}

size_t tsig_key_mac_len(const struct tsig_key *key)
{
	return key->mac_len;
}

size_t tsig_key_mac_least(const struct tsig_key *key)
{
	return mac_least(key->algorithm);
}

bool tsig_key_equal(const struct tsig_key *a, const struct tsig_key *b)
{
	return a == b || (a->algorithm == b->algorithm && a->mac_len == b->mac_len &&
	                  dns_name_equal(a->name.wire, b->name.wire) &&
	                  crypto_equal(a->mac_of_nothing, b->mac_of_nothing, sizeof a->mac_of_nothing));
}

/* ---- sets ---- */

struct tsig_keys {
	size_t count;
	const struct tsig_key *sorted[]; /* by name */
};

static int compare(const void *a, const void *b)
{
	const struct tsig_key *const *left = a;
	const struct tsig_key *const *right = b;
	return dns_name_compare((*left)->name.wire, (*right)->name.wire);
}

struct tsig_keys *tsig_keys_new(const struct tsig_key *const *keys, size_t count)
{
	struct tsig_keys *set = memory_new(sizeof *set + count * sizeof set->sorted[0]);
	set->count = count;
	for (size_t i = 0; i < count; i++) {
		set->sorted[i] = tsig_key_ref(keys[i]);
	}
	qsort(set->sorted, count, sizeof set->sorted[0], compare);
	return set;
}

void tsig_keys_free(struct tsig_keys *take)
{
	for (size_t i = 0; take != NULL && i < take->count; i++) {
		tsig_key_unref(take->sorted[i]);
	}
	free(take);
}

const struct tsig_key *tsig_keys_find(const struct tsig_keys *keys, const uint8_t *name)
{
	size_t low = 0;
	size_t high = keys == NULL ? 0 : keys->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = dns_name_compare(keys->sorted[middle]->name.wire, name);
		if (order == 0) {
			return keys->sorted[middle];
		}
		low = order < 0 ? middle + 1 : low;
		high = order < 0 ? high : middle;
	}
	return NULL;
}
