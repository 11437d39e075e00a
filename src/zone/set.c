/* SPDX-License-Identifier: MIT */
/* The set of zones: a table hashed by apex, and the same zones in canonical order.
 *
 * The hash of a name goes from its right end to its left, label by label, so that one pass over a question gives the
 * hashes of all its ancestors; only those are looked up whose number of labels some zone has. The hash is keyed with
 * numbers that nobody outside knows: apexes may come from catalogs that customers fill.
 *
 * S1  `slots` is a power of two and at least 4/3 of the zones; a zone stands at its hash or behind it, with no empty
 *     slot between (linear probing).
 * S2  `tags[i]` holds the upper half of the hash of the zone in slot i, never 0; 0 is an empty slot.
 * S3  `label_counts` has bit n exactly if some apex has n labels. */
#include <stdlib.h>

#include "base/ensure.h"
#include "base/hash.h"
#include "base/memory.h"
#include "crypto/crypto.h"
#include "zone/zone.h"

struct zone_set {
	size_t count;
	struct zone **ordered;
	size_t slots;
	uint32_t *tags;
	struct zone **table;
	uint64_t label_counts[2];
	uint32_t zones_with[DNS_LABELS_MAX + 1]; /* how many apexes have so many labels */
	struct hash_key key;
};

/* ---- hashes ---- */

/* Hash of the name that gets `label` (length octet first, lower case) in front of the name with hash `behind`. */
static uint64_t hash_label(const struct hash_key *key, uint64_t behind, const uint8_t *label)
{
	struct hash_key chained = {.words = {key->words[0] ^ behind, key->words[1]}};
	return hash_bytes(&chained, label, 1u + label[0]);
}

static uint32_t tag_of(uint64_t hash)
{
	uint32_t tag = (uint32_t)(hash >> 32);
	return tag == 0 ? 1 : tag;
}

/* A question taken apart: each suffix and its hash, by number of labels. */
struct suffixes {
	struct dns_name lower;
	size_t labels;
	uint8_t starts[DNS_LABELS_MAX + 1]; /* starts[n]: of the suffix with n labels */
};

static void suffixes_of(const uint8_t *name, struct suffixes *out)
{
	uint8_t starts[DNS_LABELS_MAX];
	dns_name_lower(name, &out->lower);
	size_t labels = 0;
	size_t at = 0;
	for (; out->lower.wire[at] != 0; at += 1u + out->lower.wire[at]) {
		starts[labels++] = (uint8_t)at;
	}
	out->labels = labels;
	out->starts[0] = (uint8_t)at;
	for (size_t i = 0; i < labels; i++) {
		out->starts[labels - i] = starts[i];
	}
}

static uint64_t hash_of(const struct hash_key *key, const uint8_t *name)
{
	struct suffixes suffixes;
	suffixes_of(name, &suffixes);
	uint64_t hash = 0;
	for (size_t n = 1; n <= suffixes.labels; n++) {
		hash = hash_label(key, hash, suffixes.lower.wire + suffixes.starts[n]);
	}
	return hash;
}

/* ---- the table ---- */

static bool has_labels(const struct zone_set *set, size_t labels)
{
	return (set->label_counts[labels / 64] >> labels % 64 & 1) != 0;
}

static struct zone *table_get(const struct zone_set *set, uint64_t hash, const uint8_t *apex)
{
	uint32_t tag = tag_of(hash);
	for (size_t slot = hash & (set->slots - 1); set->tags[slot] != 0; slot = (slot + 1) & (set->slots - 1)) {
		if (set->tags[slot] == tag && dns_name_equal(set->table[slot]->apex.wire, apex)) {
			return set->table[slot];
		}
	}
	return NULL;
}

static void count_labels(struct zone_set *set, const struct zone *zone, int by)
{
	size_t labels = dns_name_labels(zone->apex.wire);
	set->zones_with[labels] += (uint32_t)by;
	uint64_t bit = UINT64_C(1) << labels % 64;
	if (set->zones_with[labels] > 0) {
		set->label_counts[labels / 64] |= bit;
	} else {
		set->label_counts[labels / 64] &= ~bit;
	}
}

static void table_put(struct zone_set *set, struct zone *zone)
{
	uint64_t hash = hash_of(&set->key, zone->apex.wire);
	ensure(table_get(set, hash, zone->apex.wire) == NULL);
	size_t slot = hash & (set->slots - 1);
	while (set->tags[slot] != 0) {
		slot = (slot + 1) & (set->slots - 1);
	}
	set->tags[slot] = tag_of(hash);
	set->table[slot] = zone;
	count_labels(set, zone, 1);
}

static size_t slots_for(size_t count)
{
	size_t slots = 8;
	while (slots * 3 / 4 < count) {
		slots *= 2;
	}
	return slots;
}

static void table_new(struct zone_set *set, size_t slots)
{
	set->slots = slots;
	set->tags = memory_new_array(slots, sizeof *set->tags);
	set->table = memory_new_array(slots, sizeof *set->table);
}

/* S1: what stands behind moves up, unless it would pass its own hash. */
static void table_remove(struct zone_set *set, const struct zone *zone)
{
	size_t mask = set->slots - 1;
	size_t hole = hash_of(&set->key, zone->apex.wire) & mask;
	while (set->table[hole] != zone) {
		ensure(set->tags[hole] != 0);
		hole = (hole + 1) & mask;
	}
	for (size_t next = (hole + 1) & mask; set->tags[next] != 0; next = (next + 1) & mask) {
		size_t home = hash_of(&set->key, set->table[next]->apex.wire) & mask;
		if (((next - home) & mask) >= ((next - hole) & mask)) {
			set->tags[hole] = set->tags[next];
			set->table[hole] = set->table[next];
			hole = next;
		}
	}
	set->tags[hole] = 0;
	set->table[hole] = NULL;
	count_labels(set, zone, -1);
}

/* ---- order ---- */

static int compare_zones(const void *a, const void *b)
{
	const struct zone *const *left = a;
	const struct zone *const *right = b;
	return dns_name_compare((*left)->apex.wire, (*right)->apex.wire);
}

/* First place in `ordered` that is not before the apex. */
static size_t place_of(const struct zone_set *set, const uint8_t *apex)
{
	size_t low = 0;
	size_t high = set->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (dns_name_compare(set->ordered[middle]->apex.wire, apex) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static struct zone **sorted_copy(struct zone *const *zones, size_t count)
{
	struct zone **copy = memory_new_array(count, sizeof(struct zone *));
	if (count > 0) {
		memcpy(copy, zones, count * sizeof *copy);
		qsort(copy, count, sizeof *copy, compare_zones);
	}
	return copy;
}

/* ---- the door ---- */

struct zone_set *zone_set_new(struct zone *const *zones, size_t count)
{
	struct zone_set *set = memory_new(sizeof *set);
	crypto_random_bytes(&set->key, sizeof set->key);
	set->count = count;
	set->ordered = sorted_copy(zones, count);
	table_new(set, slots_for(count));
	for (size_t i = 0; i < count; i++) {
		table_put(set, zones[i]);
	}
	return set;
}

/* The ordered list of `base` without `gone`, with `come`, both in order. Stretches that stay are copied as a whole. */
static void order_change(struct zone_set *set, const struct zone_set *base, struct zone **come, size_t come_count,
                         struct zone **gone, size_t gone_count)
{
	size_t from = 0;
	size_t used = 0;
	for (size_t c = 0, g = 0; c < come_count || g < gone_count;) {
		size_t come_at = c < come_count ? place_of(base, come[c]->apex.wire) : SIZE_MAX;
		size_t gone_at = g < gone_count ? place_of(base, gone[g]->apex.wire) : SIZE_MAX;
		size_t to = come_at < gone_at ? come_at : gone_at;
		to = to < from ? from : to; /* comes where one has just gone */
		memcpy(set->ordered + used, base->ordered + from, (to - from) * sizeof *set->ordered);
		used += to - from;
		from = to;
		if (gone_at <= come_at) {
			ensure(base->ordered[from] == gone[g]);
			from++;
			g++;
		} else {
			set->ordered[used++] = come[c++];
		}
	}
	memcpy(set->ordered + used, base->ordered + from, (base->count - from) * sizeof *set->ordered);
	ensure(used + base->count - from == set->count);
}

static void table_change(struct zone_set *set, const struct zone_set *base, struct zone *const *add, size_t add_count,
                         struct zone *const *remove, size_t remove_count)
{
	if (set->count > base->slots * 3 / 4 || set->count < base->slots / 8) {
		table_new(set, slots_for(set->count));
		memset(set->zones_with, 0, sizeof set->zones_with);
		memset(set->label_counts, 0, sizeof set->label_counts);
		for (size_t i = 0; i < set->count; i++) {
			table_put(set, set->ordered[i]);
		}
		return;
	}
	table_new(set, base->slots);
	memcpy(set->tags, base->tags, base->slots * sizeof *set->tags);
	memcpy(set->table, base->table, base->slots * sizeof(struct zone *));
	for (size_t i = 0; i < remove_count; i++) {
		table_remove(set, remove[i]);
	}
	for (size_t i = 0; i < add_count; i++) {
		table_put(set, add[i]);
	}
}

struct zone_set *zone_set_change(const struct zone_set *base, struct zone *const *add, size_t add_count,
                                 struct zone *const *remove, size_t remove_count)
{
	struct zone_set *set = memory_new(sizeof *set);
	*set = *base;
	set->count = base->count + add_count - remove_count;
	set->ordered = memory_new_array(set->count, sizeof(struct zone *));
	struct zone **come = sorted_copy(add, add_count);
	struct zone **gone = sorted_copy(remove, remove_count);
	order_change(set, base, come, add_count, gone, remove_count);
	free(come);
	free(gone);
	table_change(set, base, add, add_count, remove, remove_count);
	return set;
}

void zone_set_free(struct zone_set *take)
{
	if (take != NULL) {
		free(take->ordered);
		free(take->tags);
		free(take->table);
		free(take);
	}
}

size_t zone_set_count(const struct zone_set *set)
{
	return set->count;
}

/* The most specific zone with at most `labels_max` labels at or above the name. */
static struct zone *find(const struct zone_set *set, const struct suffixes *suffixes, size_t labels_max)
{
	uint64_t hashes[DNS_LABELS_MAX + 1];
	hashes[0] = 0;
	for (size_t n = 1; n <= labels_max; n++) {
		hashes[n] = hash_label(&set->key, hashes[n - 1], suffixes->lower.wire + suffixes->starts[n]);
	}
	for (size_t n = labels_max + 1; n-- > 0;) {
		if (has_labels(set, n)) {
			struct zone *zone = table_get(set, hashes[n], suffixes->lower.wire + suffixes->starts[n]);
			if (zone != NULL) {
				return zone;
			}
		}
	}
	return NULL;
}

struct zone *zone_set_find(const struct zone_set *set, const uint8_t *name)
{
	struct suffixes suffixes;
	suffixes_of(name, &suffixes);
	return find(set, &suffixes, suffixes.labels);
}

struct zone *zone_set_find_above(const struct zone_set *set, const uint8_t *name)
{
	struct suffixes suffixes;
	suffixes_of(name, &suffixes);
	return suffixes.labels == 0 ? NULL : find(set, &suffixes, suffixes.labels - 1);
}

struct zone *zone_set_get(const struct zone_set *set, const uint8_t *apex)
{
	return table_get(set, hash_of(&set->key, apex), apex);
}

struct zone *zone_set_at(const struct zone_set *set, size_t index)
{
	ensure(index < set->count);
	return set->ordered[index];
}
