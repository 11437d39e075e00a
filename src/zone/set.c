/* SPDX-License-Identifier: MIT */
/* The set of zones: a tree by hash of the apex for questions, another in canonical order for lists; set_internal.h.
 *
 * A question goes from its right end to its left, label by label, so that one pass gives the hashes of all its ancestors;
 * only those are looked up whose number of labels some zone has. The hash is keyed with numbers that nobody outside
 * knows: apexes may come from catalogs that customers fill.
 *
 * S1  Both trees hold the same zones.
 * S2  `label_counts` has bit n exactly if some apex has n labels, and no bit is above `labels_most`. */
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "crypto/crypto.h"
#include "zone/key_internal.h"
#include "zone/set_internal.h"
#include "zone/version_internal.h"

/* Apexes with more labels are not looked for together. */
#define SEARCH_LABELS_MAX 15

struct zone_set {
	size_t count;
	struct set_hash_node *by_hash;  /* NULL: empty */
	struct set_order_node *ordered; /* likewise */
	uint64_t label_counts[2];
	size_t labels_most;                      /* of any apex */
	uint32_t zones_with[DNS_LABELS_MAX + 1]; /* how many apexes have so many labels */
	struct hash_key key;
};

/* ---- numbers of labels ---- */

static bool has_labels(const struct zone_set *set, size_t labels)
{
	return (set->label_counts[labels / 64] >> labels % 64 & 1) != 0;
}

static size_t most_labels(const struct zone_set *set)
{
	const uint64_t *counts = set->label_counts;
	uint64_t bits = counts[1] != 0 ? counts[1] : counts[0];
	return bits == 0 ? 0 : (counts[1] != 0 ? 127u : 63u) - (size_t)__builtin_clzll(bits);
}

static void count_labels(struct zone_set *set, const struct zone *zone, int by)
{
	size_t labels = dns_name_labels(zone->apex);
	set->zones_with[labels] += (uint32_t)by;
	uint64_t bit = UINT64_C(1) << labels % 64;
	if (set->zones_with[labels] > 0) {
		set->label_counts[labels / 64] |= bit;
	} else {
		set->label_counts[labels / 64] &= ~bit;
	}
	set->labels_most = most_labels(set);
}

/* ---- making sets ---- */

static void order_tree_become(struct zone_set *set, struct set_order_node *take)
{
	set_order_unref(set->ordered);
	set->ordered = take;
}

static bool has(const struct zone_set *set, const uint8_t *apex)
{
	return zone_set_get(set, apex) != NULL;
}

static void add_by_hash(struct zone_set *set, struct zone *zone)
{
	ensure(!has(set, zone->apex));
	set->by_hash = set_hash_add(set->by_hash, &set->key, zone);
	count_labels(set, zone, 1);
	set->count++;
}

/* A zone to be sorted, and its apex as memcmp sorts it. */
struct sorted_zone {
	struct zone *zone;
	const uint8_t *key;
	size_t key_len;
};

static int compare_zones(const void *a, const void *b)
{
	const struct sorted_zone *left = a;
	const struct sorted_zone *right = b;
	return zone_key_compare(left->key, left->key_len, right->key, right->key_len);
}

/* The zones in canonical order of their apexes. */
static struct set_order_node *order_of(struct zone *const *zones, size_t count)
{
	static const uint8_t root[] = {0};
	struct arena keys;
	struct sorted_zone *sorted = memory_new_array(count, sizeof *sorted);
	struct zone **ordered = memory_new_array(count, sizeof(struct zone *));
	arena_init(&keys, 65536);
	for (size_t i = 0; i < count; i++) {
		struct zone_key key;
		ensure(zone_key_make(zones[i]->apex, root, sizeof root, &key));
		const uint8_t *copy = arena_copy(&keys, key.bytes, key.len);
		sorted[i] = (struct sorted_zone){.zone = zones[i], .key = copy, .key_len = key.len};
	}
	qsort(sorted, count, sizeof *sorted, compare_zones);
	for (size_t i = 0; i < count; i++) {
		ordered[i] = sorted[i].zone;
	}
	struct set_order_node *order = set_order_new(ordered, count);
	arena_deinit(&keys);
	free(ordered);
	free(sorted);
	return order;
}

struct zone_set *zone_set_new(struct zone *const *zones, size_t count)
{
	struct zone_set *set = memory_new(sizeof *set);
	crypto_random_bytes(&set->key, sizeof set->key);
	for (size_t i = 0; i < count; i++) {
		add_by_hash(set, zones[i]);
	}
	set->ordered = order_of(zones, count);
	return set;
}

struct zone_set *zone_set_change(const struct zone_set *base, struct zone *const *add, size_t add_count,
                                 struct zone *const *remove, size_t remove_count)
{
	struct zone_set *set = memory_new(sizeof *set);
	*set = *base;
	set_hash_ref(set->by_hash);
	set_order_ref(set->ordered);
	for (size_t i = 0; i < remove_count; i++) {
		set->by_hash = set_hash_remove(set->by_hash, &set->key, remove[i]);
		order_tree_become(set, set_order_remove(set->ordered, remove[i]));
		count_labels(set, remove[i], -1);
		set->count--;
	}
	for (size_t i = 0; i < add_count; i++) {
		add_by_hash(set, add[i]);
		order_tree_become(set, set_order_add(set->ordered, add[i]));
	}
	return set;
}

void zone_set_free(struct zone_set *take)
{
	if (take != NULL) {
		set_hash_unref(take->by_hash);
		set_order_unref(take->ordered);
		free(take);
	}
}

size_t zone_set_count(const struct zone_set *set)
{
	return set->count;
}

/* ---- finding ---- */

/* The most specific zone with at most `labels_max` labels at or above the name. */
static struct zone *find(const struct zone_set *set, const uint8_t *name, size_t labels_max)
{
	struct set_suffixes suffixes;
	uint64_t hashes[DNS_LABELS_MAX + 1];
	set_suffixes_of(name, labels_max < set->labels_most ? labels_max : set->labels_most, &suffixes);
	hashes[0] = 0;
	for (size_t n = 1; n <= suffixes.labels; n++) {
		hashes[n] = set_hash_label(&set->key, hashes[n - 1], suffixes.lower.wire + suffixes.starts[n]);
	}
	for (size_t n = suffixes.labels + 1; n-- > 0;) {
		if (has_labels(set, n)) {
			const uint8_t *apex = suffixes.lower.wire + suffixes.starts[n];
			struct zone *zone = set_hash_find(set->by_hash, &set->key, hashes[n], apex);
			if (zone != NULL) {
				return zone;
			}
		}
	}
	return NULL;
}

struct zone *zone_set_find(const struct zone_set *set, const uint8_t *name)
{
	return find(set, name, DNS_LABELS_MAX);
}

/* One of several names whose zones are looked for together. */
struct search {
	struct set_suffixes suffixes;
	uint64_t hashes[SEARCH_LABELS_MAX + 1];
	size_t n; /* labels of the apex that is looked for; above it are those below */
	struct set_hash_search at;
	bool is_over;
};

/* To the next apex above that some zone may have; without one it is over, and has no candidate. */
static void search_up(const struct zone_set *set, struct search *search)
{
	search->at.candidate = NULL;
	search->is_over = true;
	while (search->is_over && search->n > 0) {
		search->n--;
		search->is_over = !has_labels(set, search->n);
	}
	if (!search->is_over) {
		const uint8_t *apex = search->suffixes.lower.wire + search->suffixes.starts[search->n];
		set_hash_search_begin(&search->at, set->by_hash, &set->key, search->hashes[search->n], apex);
	}
}

static void search_begin(const struct zone_set *set, const uint8_t *name, struct search *search)
{
	set_suffixes_of(name, set->labels_most, &search->suffixes);
	search->hashes[0] = 0;
	for (size_t n = 1; n <= search->suffixes.labels; n++) {
		const uint8_t *label = search->suffixes.lower.wire + search->suffixes.starts[n];
		search->hashes[n] = set_hash_label(&set->key, search->hashes[n - 1], label);
	}
	search->n = search->suffixes.labels + 1;
	search_up(set, search);
}

static void search_step(const struct zone_set *set, struct search *search)
{
	if (set_hash_search_step(&search->at)) {
		return;
	}
	search->is_over = search->at.candidate != NULL;
	if (search->is_over) {
		__builtin_prefetch(search->at.candidate);
	} else {
		search_up(set, search);
	}
}

/* Whether the candidate is the zone, or there is none. */
static bool is_found(const struct search *search)
{
	const uint8_t *apex = search->suffixes.lower.wire + search->suffixes.starts[search->n];
	return search->at.candidate == NULL || dns_name_equal(search->at.candidate->apex, apex);
}

/* All searches, level by level in turn, each to a candidate that is on its way to the processor. */
static void find_candidates(const struct zone_set *set, struct search *searches, size_t count)
{
	bool goes_on = count > 0;
	while (goes_on) {
		goes_on = false;
		for (size_t i = 0; i < count; i++) {
			if (!searches[i].is_over) {
				search_step(set, &searches[i]);
				goes_on = goes_on || !searches[i].is_over;
			}
		}
	}
}

/* Memory that is in no cache is waited for once for all names, not once for each. */
static void find_some(const struct zone_set *set, const uint8_t *const *names, size_t count, struct zone **out)
{
	struct search searches[ZONE_SET_FIND_MAX];
	for (size_t i = 0; i < count; i++) {
		search_begin(set, names[i], &searches[i]);
	}
	find_candidates(set, searches, count);
	for (size_t i = 0; i < count; i++) {
		while (!is_found(&searches[i])) {
			search_up(set, &searches[i]);
			find_candidates(set, &searches[i], 1);
		}
		out[i] = searches[i].at.candidate;
		const struct zone_snapshot *served = out[i] == NULL ? NULL : zone_served(out[i]);
		if (served != NULL) {
			zone_soon(served);
		}
	}
	for (size_t i = 0; i < count; i++) {
		const struct zone_snapshot *served = out[i] == NULL ? NULL : zone_served(out[i]);
		if (served != NULL) {
			zone_soon_root(served);
		}
	}
}

void zone_set_find_many(const struct zone_set *set, const uint8_t *const *names, size_t count, struct zone **out)
{
	ensure(count <= ZONE_SET_FIND_MAX);
	if (set->labels_most <= SEARCH_LABELS_MAX) {
		find_some(set, names, count, out);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		out[i] = zone_set_find(set, names[i]);
	}
}

struct zone *zone_set_find_above(const struct zone_set *set, const uint8_t *name)
{
	size_t labels = dns_name_labels(name);
	return labels == 0 ? NULL : find(set, name, labels - 1);
}

struct zone *zone_set_get(const struct zone_set *set, const uint8_t *apex)
{
	struct set_suffixes suffixes;
	set_suffixes_of(apex, DNS_LABELS_MAX, &suffixes);
	return set_hash_find(set->by_hash, &set->key, set_hash_of(&set->key, &suffixes), suffixes.lower.wire);
}

struct zone *zone_set_at(const struct zone_set *set, size_t index)
{
	ensure(index < set->count);
	return set_order_at(set->ordered, index);
}
