/* SPDX-License-Identifier: MIT */
/* What a key is made of, for tsig.c. */
#pragma once

#include "access/tsig.h"
#include "crypto/crypto.h"

/* Name of the algorithm in wire form, lower case. */
const uint8_t *tsig_key_algorithm_wire(const struct tsig_key *key);
const struct crypto_hmac_key *tsig_key_hmac(const struct tsig_key *key);
/* Octets of a MAC: as the algorithm has it; as the key makes and accepts it; as few as any may have (RFC 8945 5.2.2.1). */
size_t tsig_key_mac_whole(const struct tsig_key *key);
size_t tsig_key_mac_len(const struct tsig_key *key);
size_t tsig_key_mac_least(const struct tsig_key *key);
