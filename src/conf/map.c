/* SPDX-License-Identifier: MIT */
/* A map against its rows: unknown, double, missing and wrong options. */
#include <string.h>

#include "conf/read_internal.h"

/* The row of a key and the section that it belongs to; NULL: unknown. */
static const struct row *find_row(struct section *sections, size_t section_count, const char *key,
                                  size_t *section_index)
{
	for (size_t i = 0; i < section_count; i++) {
		const struct row *row = row_find(sections[i].rows, key);
		if (row != NULL) {
			*section_index = i;
			return row;
		}
	}
	return NULL;
}

/* Where an option that does not belong here does; NULL: nowhere. */
static const char *home_of(const char *key)
{
	static const struct {
		const struct rows *rows;
		const char *place;
	} homes[] = {
	        {&server_rows, "under `server:`"}, {&zone_option_rows, "in a zone or group"}, {&zone_rows, "in a zone"},
	        {&peer_rows, "in a peer"},         {&rule_rows, "in an access rule"},         {&key_rows, "in a key"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(homes); i++) {
		if (row_find(homes[i].rows, key) != NULL) {
			return homes[i].place;
		}
	}
	return NULL;
}

static bool problem_unknown(struct reading *reading, const struct tree_node *node, struct section *sections,
                            size_t section_count)
{
	const char *title = sections[0].rows->title;
	struct place place = node->key_place;
	size_t index;
	const char *elsewhere = row_name_elsewhere(node->key);
	if (elsewhere != NULL && find_row(sections, section_count, elsewhere, &index) != NULL) {
		return problem(&reading->problems, place, "unknown option `%s` in %s: here it is called `%s`",
		               node->key, title, elsewhere);
	}
	const char *home = home_of(node->key);
	if (home != NULL) {
		return problem(&reading->problems, place, "`%s` does not belong in %s, but %s", node->key, title, home);
	}
	struct suggestion suggestion = suggestion_for(node->key);
	for (size_t i = 0; i < section_count; i++) {
		for (size_t j = 0; j < sections[i].rows->count; j++) {
			suggestion_try(&suggestion, sections[i].rows->rows[j].name);
		}
	}
	if (suggestion.best == NULL) {
		return problem(&reading->problems, place, "unknown option `%s` in %s", node->key, title);
	}
	return problem(&reading->problems, place, "unknown option `%s` in %s: did you mean `%s`?", node->key, title,
	               suggestion.best);
}

static bool read_option(struct reading *reading, const struct tree_node *map, const struct tree_node *node,
                        struct section *sections, size_t section_count)
{
	size_t index = 0;
	const struct row *row = find_row(sections, section_count, node->key, &index);
	if (row == NULL) {
		return problem_unknown(reading, node, sections, section_count);
	}
	struct section *section = &sections[index];
	uint64_t bit = (uint64_t)1 << (row - section->rows->rows);
	if ((section->seen & bit) != 0) {
		struct place first = tree_find(map, node->key)->key_place;
		return first.line == 0 ? problem(&reading->problems, node->key_place, "`%s` is there twice", node->key)
		                       : problem(&reading->problems, node->key_place,
		                                 "`%s` is there twice; first at line %u", node->key, first.line);
	}
	section->seen |= bit;
	return value_read(reading, row, node, section->base);
}

static bool has_required(struct reading *reading, const struct tree_node *map, const struct section *section)
{
	bool right = true;
	for (size_t i = 0; i < section->rows->count; i++) {
		const struct row *row = &section->rows->rows[i];
		if (row->required && (section->seen & (uint64_t)1 << i) == 0) {
			right = problem(&reading->problems, map->place, "%s needs `%s`", section->rows->title,
			                row->name);
		}
	}
	return right;
}

/* "refresh-min is 5w, but refresh-max is 4w": told once, where one of the two is written. */
static bool is_within_max(struct reading *reading, const struct tree_node *map, const struct section *section,
                          const struct row *row)
{
	const struct row *max = row_find(section->rows, row->see_max);
	const struct tree_node *low_node = tree_find(map, row->name);
	const struct tree_node *high_node = tree_find(map, max->name);
	uint64_t low_number = value_number(row, section->base);
	uint64_t high_number = value_number(max, section->base);
	const struct tree_node *node = low_node != NULL ? low_node : high_node;
	if (node == NULL || low_number <= high_number) {
		return true;
	}
	struct text low, high;
	text_init(&low, 100);
	text_init(&high, 100);
	row_write_number(row, low_number, &low);
	row_write_number(max, high_number, &high);
	problem(&reading->problems, node->place, "%s is %s, which is more than %s, %s", row->name, text_string(&low),
	        max->name, text_string(&high));
	text_deinit(&low);
	text_deinit(&high);
	return false;
}

bool read_map(struct reading *reading, const struct tree_node *node, struct section *sections, size_t section_count)
{
	if (node->kind != TREE_MAP) {
		return problem_kind(reading, node, sections[0].rows->title, "a map");
	}
	bool right = true;
	for (const struct tree_node *child = node->first; child != NULL; child = child->next) {
		right = read_option(reading, node, child, sections, section_count) && right;
	}
	for (size_t i = 0; i < section_count; i++) {
		right = has_required(reading, node, &sections[i]) && right;
		for (size_t j = 0; right && j < sections[i].rows->count; j++) {
			const struct row *row = &sections[i].rows->rows[j];
			right = row->see_max == NULL || is_within_max(reading, node, &sections[i], row);
		}
	}
	return right;
}
