/* SPDX-License-Identifier: MIT */
/* Whole answers, kept as the octets that followed the question. A referral, or data of one name, is the same for every
 * question but for where its pointers point: the question before it is longer or shorter. So the places of all pointers are
 * kept too, and moved by the difference.
 *
 * I11  An answer is found only under the identity of the snapshot that it was made from: a new version forgets all.
 * I12  Pointers of a kept answer lead into itself, or into the labels of the question that are the node's name.
 * I13  Only answers that are whole are kept: nothing was left out for want of room.
 * I14  Whoever asks for many names once pushes nothing out: an answer is kept when it is asked for again while nobody
 *      asked for another of its set. */
#include "answer/answer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/memory.h"

/* 4 * 1024 answers of 1280 octets are 5 MiB per worker, of which what is used takes memory: enough for the 1500 delegations
 * and the 1500 gaps of the root. Its servers, signed, have 1080 octets, and so has what is said of a gap. */
#define KEEPER_SETS  1024
#define KEEPER_WAYS  4
#define KEPT_OCTETS  1112
#define POINTER_BITS 0xc000u

struct kept {
	struct kept_key key;
	uint16_t base; /* offset behind the question when it was written */
	uint16_t len;
	uint16_t counts[4];
	uint16_t pointer_count;
	uint8_t rcode;
	bool authoritative;
	uint16_t pointers[DNS_ENCODER_POINTERS]; /* offsets in `octets` */
	uint8_t octets[KEPT_OCTETS];
};
_Static_assert(sizeof(struct kept) == 1280, "whole cache lines");

/* What a search looks at first; a set is within one cache line. */
struct set {
	uint32_t tags[KEEPER_WAYS]; /* of the hash of each key; 0: empty */
	uint32_t candidate;         /* tag of the key that was last looked for in vain */
	uint32_t next_way;
};

struct keeper {
	struct set sets[KEEPER_SETS];
	struct kept kept[KEEPER_SETS][KEEPER_WAYS];
};

struct keeper *keeper_new(void)
{
	return memory_new(sizeof(struct keeper));
}

void keeper_free(struct keeper *take)
{
	free(take);
}

static uint64_t hash_of(const struct kept_key *key)
{
	uint64_t hash = (uint64_t)(uintptr_t)key->page ^ key->identity << 48;
	hash = (hash ^ (uint64_t)key->index << 32 ^ (uint64_t)key->kind << 8 ^ key->flags) *
	       UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static bool same_key(const struct kept_key *a, const struct kept_key *b)
{
	return a->identity == b->identity && a->page == b->page && a->index == b->index && a->kind == b->kind &&
	       a->flags == b->flags;
}

static uint32_t tag_of(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1;
}

const struct kept *keeper_find(struct keeper *keeper, const struct kept_key *key)
{
	uint64_t hash = hash_of(key);
	size_t number = hash % KEEPER_SETS;
	const struct set *set = &keeper->sets[number];
	for (size_t way = 0; way < KEEPER_WAYS; way++) {
		if (set->tags[way] == tag_of(hash) && same_key(&keeper->kept[number][way].key, key)) {
			return &keeper->kept[number][way];
		}
	}
	return NULL;
}

/* Octets of a kept answer that are asked for: what stands before its octets, and those of a referral of usual size. */
#define KEPT_SOON 448

void keeper_soon(const struct keeper *keeper, const struct kept_key *key)
{
	uint64_t hash = hash_of(key);
	size_t number = hash % KEEPER_SETS;
	for (size_t way = 0; way < KEEPER_WAYS; way++) {
		const uint8_t *kept = (const uint8_t *)&keeper->kept[number][way];
		for (size_t at = 0; keeper->sets[number].tags[way] == tag_of(hash) && at < KEPT_SOON; at += 64) {
			__builtin_prefetch(kept + at);
		}
	}
}

size_t kept_len(const struct kept *kept)
{
	return kept->len;
}

unsigned kept_rcode(const struct kept *kept)
{
	return kept->rcode;
}

bool kept_authoritative(const struct kept *kept)
{
	return kept->authoritative;
}

void kept_write(const struct kept *kept, struct dns_encoder *encoder)
{
	size_t shift = dns_encoder_len(encoder) - kept->base; /* may wrap: only sums are used */
	uint8_t *octets = dns_encode_raw(encoder, kept->octets, kept->len, kept->counts);
	ensure(octets != NULL);
	for (size_t i = 0; i < kept->pointer_count; i++) {
		uint8_t *pointer = octets + kept->pointers[i];
		store_u16(pointer, (uint16_t)(load_u16(pointer) + shift));
	}
}

/* I12. `first`: of the labels of the question that are the node's name. */
static bool copy_pointers(struct kept *kept, const struct dns_encoder *encoder, size_t base, size_t first)
{
	kept->pointer_count = 0;
	if (encoder->pointer_count > DNS_ENCODER_POINTERS) {
		return false;
	}
	for (size_t i = 0; i < encoder->pointer_count; i++) {
		size_t place = encoder->pointers[i];
		size_t target = load_u16(encoder->start + place) & ~POINTER_BITS;
		if (place < base || target < first) {
			return false;
		}
		kept->pointers[kept->pointer_count++] = (uint16_t)(place - base);
	}
	return true;
}

/* Where a new answer goes in its set: the place of its own tag, an empty one, or each in turn. */
static size_t way_for(struct set *set, uint32_t tag)
{
	/* The key may be there though the answer was not taken: it was too long behind a long question. */
	for (size_t way = 0; way < KEEPER_WAYS; way++) {
		if (set->tags[way] == tag) {
			return way;
		}
	}
	for (size_t way = 0; way < KEEPER_WAYS; way++) {
		if (set->tags[way] == 0) {
			return way;
		}
	}
	return set->next_way++ % KEEPER_WAYS;
}

void keeper_keep(struct keeper *keeper, const struct kept_key *key, const struct dns_encoder *encoder,
                 size_t question_end, size_t suffix_len, unsigned rcode, bool authoritative)
{
	uint64_t hash = hash_of(key);
	size_t number = hash % KEEPER_SETS;
	struct set *set = &keeper->sets[number];
	size_t len = dns_encoder_len(encoder) - question_end;
	if (len > KEPT_OCTETS || set->candidate != tag_of(hash)) {
		set->candidate = tag_of(hash); /* I14 */
		return;
	}
	size_t way = way_for(set, tag_of(hash));
	struct kept *kept = &keeper->kept[number][way];
	set->tags[way] = 0;
	/* QTYPE and QCLASS stand behind the name. */
	if (!copy_pointers(kept, encoder, question_end, question_end - 4 - suffix_len)) {
		return;
	}
	kept->base = (uint16_t)question_end;
	kept->len = (uint16_t)len;
	kept->rcode = (uint8_t)rcode;
	kept->authoritative = authoritative;
	memcpy(kept->counts, encoder->counts, sizeof kept->counts);
	kept->counts[DNS_SECTION_QUESTION] = 0;
	memcpy(kept->octets, encoder->start + question_end, len);
	kept->key = *key;
	set->tags[way] = tag_of(hash);
}
