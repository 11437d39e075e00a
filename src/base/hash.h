/* SPDX-License-Identifier: MIT */
/* A keyed hash for tables whose keys strangers choose: SipHash-1-3 (Aumasson, Bernstein 2012, with fewer rounds).
 * Without the key nobody can aim at one bucket. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hash_key {
	uint64_t words[2]; /* random, kept secret from peers */
};

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len);
/* hash_bytes with each of two keys, in little more time than with one. */
void hash_bytes_twice(const struct hash_key keys[2], const void *bytes, size_t len, uint64_t out[2]);

/* A hash with twice as many bits, for little more: where two things that have the same hash are taken to be the same. */
struct hash_128 {
	uint64_t words[2];
};
struct hash_128 hash_bytes_128(const struct hash_key *key, const void *bytes, size_t len);
/* Those of two with one key, in little more time than one takes where they are about as long. */
struct hash_octets {
	const uint8_t *bytes;
	size_t len;
};
void hash_bytes_128_of_two(const struct hash_key *key, const struct hash_octets in[2], struct hash_128 out[2]);
