/* SPDX-License-Identifier: MIT */
/* Zones by hash of their apex: a trie over the hash, six bits a level, from the lowest. A node keeps only the places that
 * are taken; each holds a zone or, where several zones share it, the node below.
 *
 * W3  Below a node there are at least two zones, but for the root: so a zone stands as high as its hash allows.
 * W4  Levels that a hash has no bits for take them from a hash with another key, so equal hashes part further down. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "zone/set_internal.h"

#define LEVEL_BITS 6
#ifndef ZONE_SET_HASH_BITS /* tests take few, so that hashes are equal */
#define ZONE_SET_HASH_BITS 60
#endif

struct set_hash_node {
	_Atomic uint32_t references;
	uint64_t taken; /* bit i: place i holds something */
	uint64_t nodes; /* bit i: and it is a node */
	union place {
		struct zone *zone;
		struct set_hash_node *node;
	} places[]; /* those that are taken, ascending */
};

/* ---- names and hashes ---- */

void set_suffixes_of(const uint8_t *name, size_t labels_max, struct set_suffixes *out)
{
	uint8_t starts[DNS_LABELS_MAX];
	size_t labels_all = dns_name_labels(name);
	size_t passed = labels_all > labels_max ? labels_all - labels_max : 0;
	dns_name_lower(dns_name_strip(name, passed), &out->lower);
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

uint64_t set_hash_of(const struct hash_key *key, const struct set_suffixes *suffixes)
{
	uint64_t hash = 0;
	for (size_t n = 1; n <= suffixes->labels; n++) {
		hash = set_hash_label(key, hash, suffixes->lower.wire + suffixes->starts[n]);
	}
	return hash;
}

static struct set_hash_route route_of(const struct hash_key *key, uint64_t hash, const uint8_t *apex)
{
	return (struct set_hash_route){.key = key, .apex = apex, .hash = hash, .bits_left = ZONE_SET_HASH_BITS};
}

/* The place on this level, as a bit; the route then stands one level below. */
static uint64_t route_step(struct set_hash_route *route)
{
	if (route->bits_left < LEVEL_BITS) { /* W4 */
		struct hash_key other = {.words = {route->key->words[0], route->key->words[1] + ++route->rounds}};
		route->hash = hash_bytes(&other, route->apex, dns_name_len(route->apex));
		route->bits_left = 64;
	}
	uint64_t bit = UINT64_C(1) << (route->hash & 63);
	route->hash >>= LEVEL_BITS;
	route->bits_left -= LEVEL_BITS;
	return bit;
}

/* ---- nodes ---- */

static size_t place_of(const struct set_hash_node *node, uint64_t bit)
{
	return (size_t)__builtin_popcountll(node->taken & (bit - 1));
}

static size_t place_count(const struct set_hash_node *node)
{
	return (size_t)__builtin_popcountll(node->taken);
}

static struct set_hash_node *node_new(uint64_t taken, uint64_t nodes)
{
	size_t count = (size_t)__builtin_popcountll(taken);
	struct set_hash_node *node = memory_new(sizeof *node + count * sizeof node->places[0]);
	atomic_init(&node->references, 1);
	node->taken = taken;
	node->nodes = nodes;
	return node;
}

struct set_hash_node *set_hash_ref(struct set_hash_node *node)
{
	if (node != NULL) {
		atomic_fetch_add_explicit(&node->references, 1, memory_order_relaxed);
	}
	return node;
}

void set_hash_unref(struct set_hash_node *take)
{
	if (take == NULL || atomic_fetch_sub_explicit(&take->references, 1, memory_order_acq_rel) > 1) {
		return;
	}
	size_t i = 0;
	for (uint64_t left = take->taken; left != 0; left &= left - 1, i++) {
		if ((take->nodes & left & -left) != 0) {
			set_hash_unref(take->places[i].node);
		}
	}
	free(take);
}

/* A node with other places that only the caller holds, in exchange for `take`: what `take` has in `taken` is there, what is
 * new there has room and is not yet filled. */
static struct set_hash_node *reshape(struct set_hash_node *take, uint64_t taken, uint64_t nodes)
{
	bool is_own = atomic_load_explicit(&take->references, memory_order_acquire) == 1; /* W1 */
	if (is_own && take->taken == taken) {
		take->nodes = nodes;
		return take;
	}
	struct set_hash_node *node = node_new(taken, nodes);
	for (uint64_t left = take->taken & taken; left != 0; left &= left - 1) {
		uint64_t bit = left & -left;
		node->places[place_of(node, bit)] = take->places[place_of(take, bit)];
		if (!is_own && (take->nodes & bit) != 0) {
			set_hash_ref(take->places[place_of(take, bit)].node);
		}
	}
	if (is_own) {
		free(take);
	} else {
		set_hash_unref(take);
	}
	return node;
}

/* ---- adding ---- */

/* The route of a zone that stands in the tree, at the level where `beside` is. */
static void route_catch_up(struct set_hash_route *route, const struct set_hash_route *beside)
{
	while (route->rounds < beside->rounds || route->bits_left > beside->bits_left) {
		route_step(route);
	}
}

/* A node of two zones. */
static struct set_hash_node *pair(struct set_hash_route *route, struct zone *zone, struct set_hash_route *other_route,
                                  struct zone *other)
{
	uint64_t bit = route_step(route);
	uint64_t other_bit = route_step(other_route);
	if (bit == other_bit) {
		struct set_hash_node *node = node_new(bit, bit);
		node->places[0].node = pair(route, zone, other_route, other);
		return node;
	}
	struct set_hash_node *node = node_new(bit | other_bit, 0);
	node->places[place_of(node, bit)].zone = zone;
	node->places[place_of(node, other_bit)].zone = other;
	return node;
}

static struct set_hash_node *pair_with(struct set_hash_route *route, struct zone *zone, struct zone *other)
{
	struct set_suffixes suffixes;
	set_suffixes_of(other->apex, DNS_LABELS_MAX, &suffixes);
	struct set_hash_route other_route =
	        route_of(route->key, set_hash_of(route->key, &suffixes), suffixes.lower.wire);
	route_catch_up(&other_route, route);
	ensure(!dns_name_equal(zone->apex, other->apex));
	return pair(route, zone, &other_route, other);
}

static struct set_hash_node *add(struct set_hash_node *take, struct set_hash_route *route, struct zone *zone)
{
	uint64_t bit = route_step(route);
	if ((take->taken & bit) == 0) {
		struct set_hash_node *node = reshape(take, take->taken | bit, take->nodes);
		node->places[place_of(node, bit)].zone = zone;
		return node;
	}
	bool was_node = (take->nodes & bit) != 0;
	struct set_hash_node *node = reshape(take, take->taken, take->nodes | bit);
	union place *place = &node->places[place_of(node, bit)];
	place->node = was_node ? add(place->node, route, zone) : pair_with(route, zone, place->zone);
	return node;
}

struct set_hash_node *set_hash_add(struct set_hash_node *take, const struct hash_key *key, struct zone *zone)
{
	struct set_suffixes suffixes;
	set_suffixes_of(zone->apex, DNS_LABELS_MAX, &suffixes);
	struct set_hash_route route = route_of(key, set_hash_of(key, &suffixes), suffixes.lower.wire);
	return add(take == NULL ? node_new(0, 0) : take, &route, zone);
}

/* ---- removing ---- */

/* The one zone that is left of a node; NULL: there are more. */
static struct zone *only_zone(const struct set_hash_node *node)
{
	return node->nodes == 0 && place_count(node) == 1 ? node->places[0].zone : NULL;
}

static struct set_hash_node *remove_from(struct set_hash_node *take, struct set_hash_route *route,
                                         const struct zone *zone)
{
	uint64_t bit = route_step(route);
	ensure((take->taken & bit) != 0);
	if ((take->nodes & bit) == 0) {
		ensure(take->places[place_of(take, bit)].zone == zone);
		return reshape(take, take->taken & ~bit, take->nodes);
	}
	struct set_hash_node *node = reshape(take, take->taken, take->nodes);
	union place *place = &node->places[place_of(node, bit)];
	place->node = remove_from(place->node, route, zone);
	struct zone *only = only_zone(place->node);
	if (only != NULL) { /* W3 */
		set_hash_unref(place->node);
		place->zone = only;
		node->nodes &= ~bit;
	}
	return node;
}

struct set_hash_node *set_hash_remove(struct set_hash_node *take, const struct hash_key *key, const struct zone *zone)
{
	struct set_suffixes suffixes;
	set_suffixes_of(zone->apex, DNS_LABELS_MAX, &suffixes);
	struct set_hash_route route = route_of(key, set_hash_of(key, &suffixes), suffixes.lower.wire);
	ensure(take != NULL);
	struct set_hash_node *node = remove_from(take, &route, zone);
	if (node->taken == 0) {
		set_hash_unref(node);
		return NULL;
	}
	return node;
}

/* ---- finding ---- */

/* Octets of a node that a search asks for: of one that stands above zones only, nearly always all. */
#define NODE_SOON 256

void set_hash_search_begin(struct set_hash_search *search, const struct set_hash_node *root, const struct hash_key *key,
                           uint64_t hash, const uint8_t *apex)
{
	*search = (struct set_hash_search){.route = route_of(key, hash, apex), .node = root};
}

bool set_hash_search_step(struct set_hash_search *search)
{
	const struct set_hash_node *node = search->node;
	uint64_t bit = node == NULL ? 0 : route_step(&search->route);
	if (node == NULL || (node->taken & bit) == 0) {
		return false;
	}
	const union place *place = &node->places[place_of(node, bit)];
	if ((node->nodes & bit) == 0) {
		search->candidate = place->zone;
		return false;
	}
	search->node = place->node;
	for (size_t at = 0; at < NODE_SOON; at += 64) {
		__builtin_prefetch((const uint8_t *)search->node + at);
	}
	return true;
}

struct zone *set_hash_find(const struct set_hash_node *root, const struct hash_key *key, uint64_t hash,
                           const uint8_t *apex)
{
	struct set_hash_search search;
	set_hash_search_begin(&search, root, key, hash, apex);
	while (set_hash_search_step(&search)) {
	}
	struct zone *zone = search.candidate;
	return zone != NULL && dns_name_equal(zone->apex, apex) ? zone : NULL;
}
