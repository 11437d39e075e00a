/* SPDX-License-Identifier: MIT */
/* Unpredictable numbers, drawn from OpenSSL in batches: one call for each message id would cost more than the
 * message. */
#include "crypto/crypto.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/rand.h>

void crypto_random_bytes(void *out, size_t len)
{
	if (RAND_bytes_ex(NULL, out, len, 0) != 1) {
		fprintf(stderr, "tandem: OpenSSL has no random numbers\n");
		abort();
	}
}

static uint64_t next(struct random_source *self)
{
	struct crypto_random *random = (struct crypto_random *)self;
	if (random->left == 0) {
		crypto_random_bytes(random->batch, sizeof random->batch);
		random->left = ARRAY_LENGTH(random->batch);
	}
	uint64_t value = random->batch[--random->left];
	random->batch[random->left] = 0; /* what was handed out cannot be read from memory later */
	return value;
}

void crypto_random_init(struct crypto_random *random)
{
	*random = (struct crypto_random){.source = {.next = next}};
}
