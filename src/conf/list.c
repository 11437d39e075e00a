/* SPDX-License-Identifier: MIT */
/* Values that are lists: addresses, targets, prefixes, access rules. */
#include <stdlib.h>
#include <string.h>

#include "conf/read_internal.h"

/* --- Lists ------------------------------------------------------------------------------------------------------- */

/* A list of one may be written without its brackets: the first item and, in `*count`, how many there are. */
static const struct tree_node *list_items(const struct tree_node *node, size_t *count)
{
	if (node->kind != TREE_LIST) {
		*count = 1;
		return node;
	}
	*count = 0;
	for (const struct tree_node *item = node->first; item != NULL; item = item->next) {
		(*count)++;
	}
	return node->first;
}

/* The item after, of what list_items() gave. */
static const struct tree_node *item_after(const struct tree_node *list, const struct tree_node *item)
{
	return list->kind == TREE_LIST ? item->next : NULL;
}

static bool problem_item(struct reading *reading, const char *row_name, const struct tree_node *item)
{
	return problem(&reading->problems, item->place, "%s: expected an address in this list, found %s", row_name,
	               tree_kind_name(item->kind));
}

static bool read_address(struct reading *reading, const struct row *row, const struct tree_node *item,
                         uint16_t default_port, struct address *out)
{
	struct error error;
	if (item->kind != TREE_SCALAR) {
		return problem_item(reading, row->name, item);
	}
	if (!address_from_text(item->text, default_port, out, &error)) {
		return problem(&reading->problems, item->place, "%s: %s", row->name, error.text);
	}
	return true;
}

bool value_read_addresses(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t count;
	const struct tree_node *item = list_items(node, &count);
	struct address *addresses = arena_take(reading->arena, (count + 1) * sizeof *addresses);
	struct conf_addresses list = {.items = addresses};
	bool right = true;
	if (count < row->min) {
		return problem(&reading->problems, node->place, "%s: the list is empty; it needs at least one address",
		               row->name);
	}
	for (; item != NULL; item = item_after(node, item)) {
		struct address *address = &addresses[list.count];
		if (!read_address(reading, row, item, CONF_PORT_DEFAULT, address)) {
			right = false;
			continue;
		}
		for (size_t i = 0; i < list.count; i++) {
			if (address_equal(&addresses[i], address)) {
				right = problem(&reading->problems, item->place, "%s: '%s' is there twice", row->name,
				                item->text);
			}
		}
		list.count++;
	}
	*(struct conf_addresses *)value_member(row, base) = list;
	return right;
}

bool value_read_source(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t count;
	struct conf_source source = {0};
	bool right = true;
	for (const struct tree_node *item = list_items(node, &count); item != NULL; item = item_after(node, item)) {
		struct address address;
		if (!read_address(reading, row, item, 0, &address)) {
			right = false;
			continue;
		}
		struct address *slot = address.family == ADDRESS_V4 ? &source.v4 : &source.v6;
		if (slot->family != ADDRESS_NONE) {
			right = problem(&reading->problems, item->place, "%s: '%s' is a second address of its family",
			                row->name, item->text);
		}
		*slot = address;
	}
	*(struct conf_source *)value_member(row, base) = source;
	return right;
}

/* Grows in the heap, is copied to the arena at its end. */
struct target_list {
	struct conf_target *items;
	size_t count, capacity;
};

static bool add_target(struct reading *reading, const struct row *row, const struct tree_node *item,
                       struct target_list *list, struct address address, const struct conf_peer *peer)
{
	for (size_t i = 0; i < list->count; i++) {
		if (address_equal(&list->items[i].address, &address)) {
			char text[ADDRESS_TEXT_MAX];
			return problem(&reading->problems, item->place, "%s: '%s' is %s, which is there already",
			               row->name, item->text, address_to_text(&address, text));
		}
	}
	memory_reserve((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items);
	list->items[list->count++] = (struct conf_target){
	        .address = address,
	        .peer_name = peer == NULL ? NULL : peer->name,
	        .keys = peer == NULL ? (struct access_keys){0} : peer->keys,
	        .is_tandem = peer != NULL && peer->is_tandem,
	};
	return true;
}

static bool read_target(struct reading *reading, const struct row *row, const struct tree_node *item,
                        struct target_list *list)
{
	if (item->kind != TREE_SCALAR) {
		return problem(&reading->problems, item->place, "%s: expected a peer or an address, found %s",
		               row->name, tree_kind_name(item->kind));
	}
	const struct conf_peer *peer = value_find_peer(reading, item->text);
	if (peer != NULL) {
		bool right = true;
		for (size_t i = 0; i < peer->addresses.count; i++) {
			right = add_target(reading, row, item, list, peer->addresses.items[i], peer) && right;
		}
		return right;
	}
	struct address address;
	if (address_from_text(item->text, CONF_PORT_DEFAULT, &address, NULL)) {
		return add_target(reading, row, item, list, address, NULL);
	}
	return value_problem_no_peer(reading, row->name, item, true);
}

bool value_read_targets(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t count;
	struct target_list list = {0};
	bool right = true;
	for (const struct tree_node *item = list_items(node, &count); item != NULL; item = item_after(node, item)) {
		right = read_target(reading, row, item, &list) && right;
	}
	struct conf_targets *out = value_member(row, base);
	*out = (struct conf_targets){.count = list.count};
	if (list.count > 0) {
		out->items = arena_copy_aligned(reading->arena, list.items, list.count * sizeof *list.items);
	}
	free(list.items);
	return right;
}

/* --- Access rules ------------------------------------------------------------------------------------------------ */

static bool read_prefix(struct reading *reading, const char *row_name, const struct tree_node *item, struct prefix *out)
{
	struct error error;
	if (item->kind != TREE_SCALAR) {
		return problem(&reading->problems, item->place, "%s: expected ADDR[/LENGTH], found %s", row_name,
		               tree_kind_name(item->kind));
	}
	if (!prefix_from_text(item->text, out, &error)) {
		return problem(&reading->problems, item->place, "%s: %s", row_name, error.text);
	}
	return true;
}

static bool is_any(const struct tree_node *item)
{
	return item->kind == TREE_SCALAR && strcmp(item->text, "any") == 0;
}

bool value_read_prefixes(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t count;
	const struct tree_node *item = list_items(node, &count);
	struct access_rule *rule = value_member(row, base);
	struct prefix *prefixes = arena_take(reading->arena, (count + 1) * sizeof *prefixes);
	bool right = true;
	bool any = false;
	if (count < row->min) {
		return problem(&reading->problems, node->place, "%s: the list is empty, so this rule would never hold",
		               row->name);
	}
	*rule = (struct access_rule){.prefixes = prefixes};
	for (; item != NULL; item = item_after(node, item)) {
		if (is_any(item)) {
			any = true;
		} else if (read_prefix(reading, row->name, item, &prefixes[rule->prefix_count])) {
			rule->prefix_count++;
		} else {
			right = false;
		}
	}
	if (any) {
		*rule = (struct access_rule){0};
	}
	return right;
}

bool value_read_keys(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t count;
	const struct tree_node *item = list_items(node, &count);
	const struct tsig_key **keys = arena_take(reading->arena, (count + 1) * sizeof *keys);
	struct access_keys list = {.items = keys};
	bool right = true;
	if (count < row->min) {
		return problem(&reading->problems, node->place,
		               "%s: the list is empty; leave it out where no key is needed", row->name);
	}
	for (; item != NULL; item = item_after(node, item)) {
		if (item->kind != TREE_SCALAR) {
			right = problem(&reading->problems, item->place, "%s: expected the name of a key, found %s",
			                row->name, tree_kind_name(item->kind));
		} else if (!value_find_key(reading, row, item, &keys[list.count])) {
			right = false;
		} else if (keys[list.count] != NULL) {
			list.count++;
		}
	}
	*(struct access_keys *)value_member(row, base) = list;
	return right;
}

/* A peer is proven by its keys; without any, by its addresses. */
static struct access_rule rule_of_peer(struct reading *reading, const struct conf_peer *peer)
{
	if (peer->keys.count > 0) {
		return (struct access_rule){.keys = peer->keys};
	}
	size_t count = peer->addresses.count;
	struct prefix *prefixes = arena_take(reading->arena, count * sizeof *prefixes);
	for (size_t i = 0; i < count; i++) {
		struct address address = peer->addresses.items[i];
		address.port = 0;
		prefixes[i] = (struct prefix){.address = address, .length = address.family == ADDRESS_V4 ? 32 : 128};
	}
	return (struct access_rule){.prefixes = prefixes, .prefix_count = count};
}

static bool read_rule_map(struct reading *reading, const struct tree_node *node, struct access_rule *out)
{
	struct written_rule written = {0};
	struct section section = {.rows = &rule_rows, .base = &written};
	if (!read_map(reading, node, &section, 1)) {
		return false;
	}
	if (node->first == NULL) {
		return problem(&reading->problems, node->place,
		               "an access rule without a condition; write `any` for everybody");
	}
	if (written.peer != NULL && node->first->next != NULL) {
		return problem(&reading->problems, node->place,
		               "an access rule with `peer` may name nothing else; use `from` and `key`");
	}
	*out = written.peer != NULL ? rule_of_peer(reading, written.peer) : written.from;
	if (written.peer == NULL) {
		out->keys = written.keys;
	}
	return true;
}

static bool read_rule(struct reading *reading, const struct row *row, const struct tree_node *item,
                      struct access_rule *out)
{
	if (item->kind == TREE_MAP) {
		return read_rule_map(reading, item, out);
	}
	if (is_any(item)) {
		*out = (struct access_rule){0};
		return true;
	}
	if (item->kind == TREE_SCALAR && value_find_peer(reading, item->text) != NULL) {
		return problem(&reading->problems, item->place,
		               "%s: a rule that holds for a peer is written {peer: %s}", row->name, item->text);
	}
	struct prefix prefix;
	if (!read_prefix(reading, row->name, item, &prefix)) {
		return false;
	}
	*out = (struct access_rule){.prefixes = arena_copy_aligned(reading->arena, &prefix, sizeof prefix),
	                            .prefix_count = 1};
	return true;
}

bool value_read_rules(struct reading *reading, const struct row *row, const struct tree_node *node, void *base)
{
	size_t count;
	const struct tree_node *item = list_items(node, &count);
	struct access_rule *rules = arena_take(reading->arena, (count + 1) * sizeof *rules);
	struct access_rules list = {.rules = rules};
	bool right = true;
	for (; item != NULL; item = item_after(node, item)) {
		if (read_rule(reading, row, item, &rules[list.rule_count])) {
			list.rule_count++;
		} else {
			right = false;
		}
	}
	*(struct access_rules *)value_member(row, base) = list;
	return right;
}
