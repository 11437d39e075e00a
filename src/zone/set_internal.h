/* SPDX-License-Identifier: MIT */
/* The two trees of a set of zones: by hash of the apex, for questions, and in canonical order, for lists. Both are
 * persistent: a change copies the nodes on its way and shares all others with the tree before.
 *
 * W1  A node never changes after the set that made it was given out; it may be part of many sets.
 * W2  `references` counts the nodes and sets that hold a node. Readers do not count: whoever looks into a set holds it
 *     by its quiescent point. So counts are touched by the writer and by the thread that frees old sets only. */
#pragma once

#include "base/hash.h"
#include "zone/zone.h"

/* ---- by hash ---- */

struct set_hash_node;

/* The tree with `zone`, whose apex is not in it, in exchange for `take` (NULL: empty). Nodes that only `take` holds are
 * changed in place, so that many zones can be added in a row; what others hold stays as it was. */
struct set_hash_node *set_hash_add(struct set_hash_node *take, const struct hash_key *key, struct zone *zone);
/* Likewise without `zone`, which is in it. NULL: nothing is left. */
struct set_hash_node *set_hash_remove(struct set_hash_node *take, const struct hash_key *key, const struct zone *zone);
/* An apex on its way down. */
struct set_hash_route {
	const struct hash_key *key;
	const uint8_t *apex; /* lower case */
	uint64_t hash;       /* whose lowest bits are those of the present level */
	unsigned bits_left;
	unsigned rounds;
};
/* A search that goes down one level at a time and asks for the memory of the next, so that several can take turns instead of
 * waiting each for its own. */
struct set_hash_search {
	struct set_hash_route route;
	const struct set_hash_node *node;
	struct zone *candidate; /* the zone that it can only be, if its apex is this one; not touched; NULL: none */
};
void set_hash_search_begin(struct set_hash_search *search, const struct set_hash_node *root, const struct hash_key *key,
                           uint64_t hash, const uint8_t *apex);
/* False: it is over. */
bool set_hash_search_step(struct set_hash_search *search);
/* The zone with exactly this apex. */
struct zone *set_hash_find(const struct set_hash_node *root, const struct hash_key *key, uint64_t hash,
                           const uint8_t *apex);
struct set_hash_node *set_hash_ref(struct set_hash_node *node);
/* NULL is fine. */
void set_hash_unref(struct set_hash_node *take);

/* Hash of the name that gets `label` (length octet first, lower case) in front of the name with hash `behind`; that of
 * the root is 0. So one pass from right to left gives the hashes of all ancestors. */
static inline uint64_t set_hash_label(const struct hash_key *key, uint64_t behind, const uint8_t *label)
{
	struct hash_key chained = {.words = {key->words[0] ^ behind, key->words[1]}};
	return hash_bytes(&chained, label, 1u + label[0]);
}

/* The end of a name taken apart: lower case, and where each suffix starts, by its number of labels. */
struct set_suffixes {
	struct dns_name lower;
	size_t labels;
	uint8_t starts[DNS_LABELS_MAX + 1];
};

/* Of at most the last `labels_max` labels. */
void set_suffixes_of(const uint8_t *name, size_t labels_max, struct set_suffixes *out);
uint64_t set_hash_of(const struct hash_key *key, const struct set_suffixes *suffixes);

/* ---- in canonical order ---- */

struct set_order_node;

/* The tree of zones that are in order already; NULL for none. */
struct set_order_node *set_order_new(struct zone *const *zones, size_t count);
struct set_order_node *set_order_add(const struct set_order_node *before, struct zone *zone);
struct set_order_node *set_order_remove(const struct set_order_node *before, const struct zone *zone);
/* Zone number `index`, which is below the number of zones. */
struct zone *set_order_at(const struct set_order_node *root, size_t index);
struct set_order_node *set_order_ref(struct set_order_node *node);
void set_order_unref(struct set_order_node *take);
