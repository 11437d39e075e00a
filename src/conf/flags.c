/* SPDX-License-Identifier: MIT */
/* Lists that hold for every zone become a group that every zone is in. */
#include "conf/flags_internal.h"

#include <string.h>

#define GROUP_NAME "flags"

struct flag_tree {
	struct arena *arena;
	struct problems *problems;
	struct tree_node *root, *server, *group, *zones; /* group NULL: no zone needs it */
};

static struct place place_of(struct flag_tree *tree, const struct conf_flag *flag)
{
	struct text text;
	text_init(&text, 1000);
	text_format(&text, "%s %s", conf_flag_name(flag->kind), flag->value);
	struct place place = {.flag = arena_copy_text(tree->arena, text_string(&text))};
	text_deinit(&text);
	return place;
}

static struct tree_node *scalar(struct flag_tree *tree, struct place place, const char *value)
{
	struct tree_node *node = tree_new(tree->arena, TREE_SCALAR, place, value);
	node->key_place = place;
	return node;
}

/* Adds a value to the list under `key`, which is made if it is not there. */
static void add_to_list(struct flag_tree *tree, struct tree_node *map, const char *key, struct place place,
                        const char *value)
{
	struct tree_node *list = tree_find(map, key);
	if (list == NULL) {
		list = tree_new(tree->arena, TREE_LIST, place, NULL);
		list->key_place = place;
		tree_append(map, list, key);
	}
	tree_append(list, scalar(tree, place, value), NULL);
}

static void add_to_group(struct flag_tree *tree, const char *key, struct place place, const char *value)
{
	if (tree->group == NULL) {
		struct tree_node *groups = tree_new(tree->arena, TREE_LIST, place, NULL);
		tree->group = tree_new(tree->arena, TREE_MAP, place, NULL);
		tree_append(tree->group, scalar(tree, place, GROUP_NAME), "name");
		tree_append(groups, tree->group, NULL);
		tree_append(tree->root, groups, "groups");
	}
	add_to_list(tree, tree->group, key, place, value);
}

/* The first "=" that is not escaped; NULL: none. */
static const char *find_equals(const char *value)
{
	for (const char *at = value; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0') {
			at++;
		} else if (*at == '=') {
			return at;
		}
	}
	return NULL;
}

static struct tree_node *zone_of(struct flag_tree *tree, const char *name, struct place place)
{
	for (struct tree_node *zone = tree->zones->first; zone != NULL; zone = zone->next) {
		if (strcmp(tree_find(zone, "name")->text, name) == 0) {
			return zone;
		}
	}
	struct tree_node *zone = tree_new(tree->arena, TREE_MAP, place, NULL);
	tree_append(zone, scalar(tree, place, name), "name");
	tree_append(tree->zones, zone, NULL);
	return zone;
}

static void add_zone(struct flag_tree *tree, const struct conf_flag *flag, struct place place)
{
	bool follow = flag->kind == CONF_FLAG_FOLLOW;
	const char *equals = find_equals(flag->value);
	if (equals == NULL || equals == flag->value || equals[1] == '\0') {
		problem(tree->problems, place, "write %s", follow ? "NAME=ADDR[@PORT]" : "NAME=FILE");
		return;
	}
	char *name = arena_copy(tree->arena, flag->value, (size_t)(equals - flag->value) + 1);
	name[equals - flag->value] = '\0';
	struct tree_node *zone = zone_of(tree, name, place);
	const char *value = arena_copy_text(tree->arena, equals + 1);
	if (follow) {
		add_to_list(tree, zone, "primaries", place, value);
	} else {
		tree_append(zone, scalar(tree, place, value), "file");
	}
}

static void add_flag(struct flag_tree *tree, const struct conf_flag *flag)
{
	struct place place = place_of(tree, flag);
	const char *value = arena_copy_text(tree->arena, flag->value);
	switch (flag->kind) {
	case CONF_FLAG_ZONE:
	case CONF_FLAG_FOLLOW:
		add_zone(tree, flag, place);
		return;
	case CONF_FLAG_ALLOW_TRANSFER:
		add_to_group(tree, "allow-transfer", place, value);
		return;
	case CONF_FLAG_NOTIFY:
		add_to_group(tree, "notify", place, value);
		return;
	case CONF_FLAG_LISTEN:
		add_to_list(tree, tree->server, "listen", place, value);
		return;
	case CONF_FLAG_DATA_DIR:
		tree_append(tree->server, scalar(tree, place, value), "data-dir");
		return;
	case CONF_FLAG_CONTROL:
		tree_append(tree->server, scalar(tree, place, value), "control");
		return;
	}
	ensure(flag->kind == CONF_FLAG_ZONE);
}

struct tree_node *tree_from_flags(const struct conf_flag *flags, size_t count, struct arena *arena,
                                  struct problems *problems)
{
	struct flag_tree tree = {.arena = arena, .problems = problems};
	tree.root = tree_new(arena, TREE_MAP, (struct place){0}, NULL);
	tree.server = tree_new(arena, TREE_MAP, (struct place){0}, NULL);
	tree.zones = tree_new(arena, TREE_LIST, (struct place){0}, NULL);
	tree_append(tree.root, tree.server, "server");
	tree_append(tree.root, tree.zones, "zones");
	for (size_t i = 0; i < count; i++) {
		add_flag(&tree, &flags[i]);
	}
	for (struct tree_node *zone = tree.zones->first; tree.group != NULL && zone != NULL; zone = zone->next) {
		tree_append(zone, scalar(&tree, zone->place, GROUP_NAME), "group");
	}
	if (tree.zones->first == NULL && problems->report->problem_count == 0) {
		problem(problems, (struct place){0},
		        "no zone to serve: give --zone NAME=FILE, --follow NAME=ADDR[@PORT], or a configuration with "
		        "-c FILE");
	}
	return tree.root;
}
