/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <endian.h>
#include <string.h>

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static inline void sip_round(struct sip_state *s)
{
	s->v0 += s->v1;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_word(struct sip_state *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static inline struct sip_state sip_begin(const struct hash_key *key)
{
	return (struct sip_state){
	        .v0 = key->words[0] ^ 0x736f6d6570736575u,
	        .v1 = key->words[1] ^ 0x646f72616e646f6du,
	        .v2 = key->words[0] ^ 0x6c7967656e657261u,
	        .v3 = key->words[1] ^ 0x7465646279746573u,
	};
}

static inline uint64_t sip_output(struct sip_state *s)
{
	sip_round(s);
	sip_round(s);
	sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

static inline uint64_t sip_end(struct sip_state *s, uint64_t last)
{
	sip_word(s, last);
	s->v2 ^= 0xff;
	return sip_output(s);
}

static inline uint64_t word_at(const uint8_t *at)
{
	uint64_t word;
	memcpy(&word, at, 8);
	return le64toh(word);
}

/* The octets that fill no word, and the length. */
static inline uint64_t last_word(const uint8_t *bytes, size_t len)
{
	uint64_t last = (uint64_t)(len & 0xff) << 56;
	for (size_t i = len - len % 8; i < len; i++) {
		last |= (uint64_t)bytes[i] << (8 * (i % 8));
	}
	return last;
}

uint64_t hash_bytes(const struct hash_key *key, const void *bytes, size_t len)
{
	struct sip_state s = sip_begin(key);
	const uint8_t *at = bytes;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		sip_word(&s, word_at(at + i));
	}
	return sip_end(&s, last_word(at, len));
}

/* A round waits for itself all the time: two of them at once wait together. */
void hash_bytes_twice(const struct hash_key keys[2], const void *bytes, size_t len, uint64_t out[2])
{
	struct sip_state a = sip_begin(&keys[0]);
	struct sip_state b = sip_begin(&keys[1]);
	const uint8_t *at = bytes;
	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word = word_at(at + i);
		sip_word(&a, word);
		sip_word(&b, word);
	}
	uint64_t last = last_word(at, len);
	out[0] = sip_end(&a, last);
	out[1] = sip_end(&b, last);
}

static inline struct sip_state sip_begin_128(const struct hash_key *key)
{
	struct sip_state s = sip_begin(key);
	s.v1 ^= 0xee;
	return s;
}

/* From the word at `at` on. */
static inline void sip_words(struct sip_state *s, const struct hash_octets *in, size_t at)
{
	for (; at + 8 <= in->len; at += 8) {
		sip_word(s, word_at(in->bytes + at));
	}
	sip_word(s, last_word(in->bytes, in->len));
}

struct hash_128 hash_bytes_128(const struct hash_key *key, const void *bytes, size_t len)
{
	struct hash_128 out;
	struct sip_state s = sip_begin_128(key);
	sip_words(&s, &(struct hash_octets){.bytes = bytes, .len = len}, 0);
	s.v2 ^= 0xee;
	out.words[0] = sip_output(&s);
	s.v1 ^= 0xdd;
	out.words[1] = sip_output(&s);
	return out;
}

void hash_bytes_128_of_two(const struct hash_key *key, const struct hash_octets in[2], struct hash_128 out[2])
{
	struct sip_state a = sip_begin_128(key);
	struct sip_state b = a;
	size_t both = in[0].len < in[1].len ? in[0].len : in[1].len;
	size_t at = 0;
	for (; at + 8 <= both; at += 8) {
		sip_word(&a, word_at(in[0].bytes + at));
		sip_word(&b, word_at(in[1].bytes + at));
	}
	sip_words(&a, &in[0], at);
	sip_words(&b, &in[1], at);
	a.v2 ^= 0xee;
	b.v2 ^= 0xee;
	out[0].words[0] = sip_output(&a);
	out[1].words[0] = sip_output(&b);
	a.v1 ^= 0xdd;
	b.v1 ^= 0xdd;
	out[0].words[1] = sip_output(&a);
	out[1].words[1] = sip_output(&b);
}
