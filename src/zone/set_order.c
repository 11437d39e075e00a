/* SPDX-License-Identifier: MIT */
/* Zones in canonical order of their apexes: a B+tree whose nodes know how many zones are below them.
 *
 * W5  All leaves are equally deep, no node is empty, and none has more than NODE_MAX items. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "zone/set_internal.h"

#ifndef ZONE_SET_NODE_MAX /* tests take small nodes */
#define ZONE_SET_NODE_MAX 64
#endif
/* As many are put into a node where all come at once, so that the first to be added does not split it. */
#define NODE_FULL (ZONE_SET_NODE_MAX * 3 / 4)
/* A node with fewer is joined with a neighbour where both are at most full. */
#define NODE_SMALL (ZONE_SET_NODE_MAX / 4)

struct set_order_node {
	_Atomic uint32_t references;
	uint16_t level; /* 0: leaf */
	uint16_t count;
	union item {
		struct zone *zone;
		struct set_order_node *node;
	} items[]; /* behind them, not in leaves: for each how many zones are in and before it */
};

static const size_t *ends_of(const struct set_order_node *node)
{
	return (const size_t *)(const void *)(node->items + node->count);
}

static size_t zones_below(const struct set_order_node *node)
{
	return node->level == 0 ? node->count : ends_of(node)[node->count - 1u];
}

/* Items on their way into nodes of one level; borrowed ones are referred to once more, fresh ones taken. */
struct items {
	uint16_t level;
	size_t count;
	union item list[2 * ZONE_SET_NODE_MAX + 1];
};

struct set_order_node *set_order_ref(struct set_order_node *node)
{
	if (node != NULL) {
		atomic_fetch_add_explicit(&node->references, 1, memory_order_relaxed);
	}
	return node;
}

void set_order_unref(struct set_order_node *take)
{
	if (take == NULL || atomic_fetch_sub_explicit(&take->references, 1, memory_order_acq_rel) > 1) {
		return;
	}
	for (size_t i = 0; take->level > 0 && i < take->count; i++) {
		set_order_unref(take->items[i].node);
	}
	free(take);
}

/* Takes the items. */
static struct set_order_node *node_new(uint16_t level, const union item *items, size_t count)
{
	size_t item_size = sizeof *items + (level > 0 ? sizeof(size_t) : 0);
	struct set_order_node *node = memory_new(sizeof *node + count * item_size);
	ensure(count > 0 && count <= ZONE_SET_NODE_MAX);
	atomic_init(&node->references, 1);
	node->level = level;
	node->count = (uint16_t)count;
	memcpy(node->items, items, count * sizeof *items);
	size_t *ends = (size_t *)(uintptr_t)ends_of(node);
	size_t zones = 0;
	for (size_t i = 0; level > 0 && i < count; i++) {
		zones += zones_below(items[i].node);
		ends[i] = zones;
	}
	return node;
}

static void take_item(struct items *items, union item item)
{
	ensure(items->count < ARRAY_LENGTH(items->list));
	items->list[items->count++] = item;
}

static void take_node(struct items *items, struct set_order_node *node)
{
	take_item(items, (union item){.node = node});
}

/* Items [from, to) of a node that stays. */
static void share_items(struct items *items, const struct set_order_node *node, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		take_item(items, node->items[i]);
		if (node->level > 0) {
			set_order_ref(node->items[i].node);
		}
	}
}

/* What the items become: no node, one, or two. */
static void make_nodes(const struct items *items, struct items *out)
{
	size_t first = items->count <= ZONE_SET_NODE_MAX ? items->count : items->count / 2;
	if (first > 0) {
		take_node(out, node_new(items->level, items->list, first));
	}
	if (items->count > first) {
		take_node(out, node_new(items->level, items->list + first, items->count - first));
	}
}

/* ---- places ---- */

static const uint8_t *first_apex(const struct set_order_node *node)
{
	while (node->level > 0) {
		node = node->items[0].node;
	}
	return node->items[0].zone->apex;
}

/* How many items of the node begin before the apex, or at it. */
static size_t items_up_to(const struct set_order_node *node, const uint8_t *apex)
{
	size_t low = 0;
	size_t high = node->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const uint8_t *first =
		        node->level > 0 ? first_apex(node->items[middle].node) : node->items[middle].zone->apex;
		if (dns_name_compare(first, apex) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* The child whose zones the apex belongs among. */
static size_t child_for(const struct set_order_node *node, const uint8_t *apex)
{
	size_t up_to = items_up_to(node, apex);
	return up_to == 0 ? 0 : up_to - 1;
}

/* ---- changing ---- */

static void add(const struct set_order_node *node, struct zone *zone, struct items *out)
{
	struct items items = {.level = node->level};
	if (node->level == 0) {
		size_t place = items_up_to(node, zone->apex);
		share_items(&items, node, 0, place);
		take_item(&items, (union item){.zone = zone});
		share_items(&items, node, place, node->count);
	} else {
		size_t child = child_for(node, zone->apex);
		share_items(&items, node, 0, child);
		add(node->items[child].node, zone, &items);
		share_items(&items, node, child + 1, node->count);
	}
	make_nodes(&items, out);
}

/* Joins item `i` with the next one where one of them is small. */
static void join_small(struct items *items, size_t i)
{
	if (items->level == 0 || i + 1 >= items->count) {
		return;
	}
	struct set_order_node *left = items->list[i].node;
	struct set_order_node *right = items->list[i + 1].node;
	bool small = left->count < NODE_SMALL || right->count < NODE_SMALL;
	if (!small || (size_t)left->count + right->count > NODE_FULL) {
		return;
	}
	struct items both = {.level = left->level};
	share_items(&both, left, 0, left->count);
	share_items(&both, right, 0, right->count);
	items->list[i].node = node_new(both.level, both.list, both.count);
	memmove(items->list + i + 1, items->list + i + 2, (items->count - i - 2) * sizeof items->list[0]);
	items->count--;
	set_order_unref(left);
	set_order_unref(right);
}

static void remove_from(const struct set_order_node *node, const struct zone *zone, struct items *out)
{
	struct items items = {.level = node->level};
	if (node->level == 0) {
		size_t behind = items_up_to(node, zone->apex);
		ensure(behind > 0 && node->items[behind - 1].zone == zone);
		share_items(&items, node, 0, behind - 1);
		share_items(&items, node, behind, node->count);
	} else {
		size_t child = child_for(node, zone->apex);
		share_items(&items, node, 0, child);
		remove_from(node->items[child].node, zone, &items);
		share_items(&items, node, child + 1, node->count);
		join_small(&items, child);
		if (child > 0) {
			join_small(&items, child - 1);
		}
	}
	make_nodes(&items, out);
}

/* The root over what a change left of the old one. */
static struct set_order_node *root_over(struct items *nodes)
{
	if (nodes->count == 0) {
		return NULL;
	}
	struct set_order_node *root = nodes->list[0].node;
	if (nodes->count > 1) {
		return node_new((uint16_t)(root->level + 1), nodes->list, nodes->count);
	}
	while (root->level > 0 && root->count == 1) {
		struct set_order_node *below = set_order_ref(root->items[0].node);
		set_order_unref(root);
		root = below;
	}
	return root;
}

struct set_order_node *set_order_add(const struct set_order_node *before, struct zone *zone)
{
	if (before == NULL) {
		return set_order_new(&zone, 1);
	}
	struct items nodes = {0};
	add(before, zone, &nodes);
	return root_over(&nodes);
}

struct set_order_node *set_order_remove(const struct set_order_node *before, const struct zone *zone)
{
	struct items nodes = {0};
	ensure(before != NULL);
	remove_from(before, zone, &nodes);
	return root_over(&nodes);
}

/* ---- all at once ---- */

/* Puts `count` items into nodes, in their place; gives the number of nodes. */
static size_t pack(uint16_t level, union item *items, size_t count)
{
	size_t nodes = (count + NODE_FULL - 1) / NODE_FULL;
	size_t from = 0;
	for (size_t i = 0; i < nodes; i++) {
		size_t to = count * (i + 1) / nodes;
		items[i].node = node_new(level, items + from, to - from);
		from = to;
	}
	return nodes;
}

struct set_order_node *set_order_new(struct zone *const *zones, size_t count)
{
	if (count == 0) {
		return NULL;
	}
	union item *items = memory_new_array(count, sizeof *items);
	for (size_t i = 0; i < count; i++) {
		items[i].zone = zones[i];
	}
	uint16_t level = 0;
	do {
		count = pack(level++, items, count);
	} while (count > 1);
	struct set_order_node *root = items[0].node;
	free(items);
	return root;
}

struct zone *set_order_at(const struct set_order_node *root, size_t index)
{
	const struct set_order_node *node = root;
	while (node->level > 0) {
		const size_t *ends = ends_of(node);
		size_t child = 0;
		while (index >= ends[child]) {
			child++;
		}
		index -= child > 0 ? ends[child - 1] : 0;
		node = node->items[child].node;
	}
	return node->items[index].zone;
}
