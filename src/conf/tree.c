/* SPDX-License-Identifier: MIT */
#include "conf/tree_internal.h"

#include <string.h>

#include <yaml.h>

struct yaml_reading {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one; owned */
	struct arena *arena;
	struct problems *problems;
};

const char *tree_kind_name(enum tree_kind kind)
{
	switch (kind) {
	case TREE_SCALAR:
		return "a value";
	case TREE_LIST:
		return "a list";
	case TREE_MAP:
		return "a map";
	}
	ensure(kind == TREE_SCALAR);
	return "";
}

struct tree_node *tree_new(struct arena *arena, enum tree_kind kind, struct place place, const char *text)
{
	struct tree_node *node = arena_take(arena, sizeof *node);
	*node = (struct tree_node){.kind = kind, .place = place, .text = text};
	return node;
}

void tree_append(struct tree_node *parent, struct tree_node *child, const char *key)
{
	child->key = key;
	if (parent->last == NULL) {
		parent->first = child;
	} else {
		parent->last->next = child;
	}
	parent->last = child;
}

struct tree_node *tree_find(const struct tree_node *map, const char *key)
{
	for (struct tree_node *child = map->first; child != NULL; child = child->next) {
		if (strcmp(child->key, key) == 0) {
			return child;
		}
	}
	return NULL;
}

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){.line = (uint32_t)mark.line + 1, .column = (uint32_t)mark.column + 1};
}

/* libyaml's own words, with the reason that is behind most of them. */
static bool syntax_problem(struct yaml_reading *reading)
{
	const yaml_parser_t *parser = &reading->parser;
	struct place place = place_of(parser->problem_mark);
	const char *what = parser->problem == NULL ? "it cannot be read" : parser->problem;
	const char *hint = "";
	if (parser->error == YAML_READER_ERROR) {
		return problem(reading->problems, (struct place){0}, "not UTF-8 text: %s at byte %zu", what,
		               parser->problem_offset);
	}
	if (strstr(what, "cannot start any token") != NULL) {
		hint = "; indent with spaces, and put quotes around a value that begins with @, `, % or a tab";
	} else if (strstr(what, "mapping values are not allowed") != NULL) {
		hint = "; put quotes around a value with a colon in it, and check the indentation";
	}
	if (parser->context == NULL) {
		return problem(reading->problems, place, "not YAML: %s%s", what, hint);
	}
	return problem(reading->problems, place, "not YAML: %s %s that began at line %zu%s", what, parser->context,
	               parser->context_mark.line + 1, hint);
}

static bool advance(struct yaml_reading *reading)
{
	yaml_event_delete(&reading->event);
	if (yaml_parser_parse(&reading->parser, &reading->event) == 0) {
		memset(&reading->event, 0, sizeof reading->event);
		return syntax_problem(reading);
	}
	return true;
}

/* Anchors and tags can stand before any node. */
static bool is_plain(struct yaml_reading *reading, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct place place = place_of(reading->event.start_mark);
	if (anchor != NULL) {
		return problem(reading->problems, place,
		               "an anchor (&%s): settings that zones share go into a group instead", anchor);
	}
	if (tag != NULL) {
		return problem(reading->problems, place, "a tag (%s): every option knows its own type; remove it", tag);
	}
	return true;
}

static struct tree_node *read_node(struct yaml_reading *reading, size_t depth);

static struct tree_node *read_scalar(struct yaml_reading *reading)
{
	const yaml_event_t *event = &reading->event;
	if (!is_plain(reading, event->data.scalar.anchor, event->data.scalar.tag)) {
		return NULL;
	}
	const char *value = (const char *)event->data.scalar.value;
	if (memchr(value, '\0', event->data.scalar.length) != NULL) {
		problem(reading->problems, place_of(event->start_mark), "a NUL character inside a value");
		return NULL;
	}
	const char *text = arena_copy_text(reading->arena, value);
	return tree_new(reading->arena, TREE_SCALAR, place_of(event->start_mark), text);
}

static struct tree_node *read_list(struct yaml_reading *reading, size_t depth)
{
	const yaml_event_t *event = &reading->event;
	if (!is_plain(reading, event->data.sequence_start.anchor, event->data.sequence_start.tag)) {
		return NULL;
	}
	struct tree_node *list = tree_new(reading->arena, TREE_LIST, place_of(event->start_mark), NULL);
	while (advance(reading)) {
		if (reading->event.type == YAML_SEQUENCE_END_EVENT) {
			return list;
		}
		struct tree_node *item = read_node(reading, depth + 1);
		if (item == NULL) {
			return NULL;
		}
		tree_append(list, item, NULL);
	}
	return NULL;
}

static struct tree_node *read_map(struct yaml_reading *reading, size_t depth)
{
	const yaml_event_t *event = &reading->event;
	if (!is_plain(reading, event->data.mapping_start.anchor, event->data.mapping_start.tag)) {
		return NULL;
	}
	struct tree_node *map = tree_new(reading->arena, TREE_MAP, place_of(event->start_mark), NULL);
	while (advance(reading)) {
		if (reading->event.type == YAML_MAPPING_END_EVENT) {
			return map;
		}
		struct tree_node *key = read_node(reading, depth + 1);
		if (key == NULL) {
			return NULL;
		}
		if (key->kind != TREE_SCALAR) {
			problem(reading->problems, key->place, "%s where the name of an option is expected",
			        tree_kind_name(key->kind));
			return NULL;
		}
		struct tree_node *value = advance(reading) ? read_node(reading, depth + 1) : NULL;
		if (value == NULL) {
			return NULL;
		}
		value->key_place = key->place;
		tree_append(map, value, key->text);
	}
	return NULL;
}

/* The node that begins with the current event. */
static struct tree_node *read_node(struct yaml_reading *reading, size_t depth)
{
	struct place place = place_of(reading->event.start_mark);
	if (depth > TREE_DEPTH_MAX) {
		problem(reading->problems, place, "nested deeper than %d levels", TREE_DEPTH_MAX);
		return NULL;
	}
	switch ((int)reading->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reading);
	case YAML_SEQUENCE_START_EVENT:
		return read_list(reading, depth);
	case YAML_MAPPING_START_EVENT:
		return read_map(reading, depth);
	case YAML_ALIAS_EVENT:
		problem(reading->problems, place,
		        "an alias (*%s): settings that zones share go into a group instead; a value that begins with * "
		        "needs quotes",
		        reading->event.data.alias.anchor);
		return NULL;
	default: /* libyaml gives no other event where a node begins */
		problem(reading->problems, place, "not YAML: a value is missing here");
		return NULL;
	}
}

/* Stream start, document start, one node, document end, stream end. */
static struct tree_node *read_stream(struct yaml_reading *reading)
{
	if (!advance(reading) || !advance(reading)) {
		return NULL;
	}
	if (reading->event.type == YAML_STREAM_END_EVENT) {
		problem(reading->problems, (struct place){0}, "it is empty; it needs at least `zones:` or `server:`");
		return NULL;
	}
	struct tree_node *root = advance(reading) ? read_node(reading, 0) : NULL;
	if (root == NULL || !advance(reading) || !advance(reading)) {
		return NULL;
	}
	if (reading->event.type != YAML_STREAM_END_EVENT) {
		problem(reading->problems, place_of(reading->event.start_mark), "a second document; one is expected");
		return NULL;
	}
	return root;
}

struct tree_node *tree_from_yaml(const char *text, size_t len, struct arena *arena, struct problems *problems)
{
	struct yaml_reading reading = {.arena = arena, .problems = problems};
	if (yaml_parser_initialize(&reading.parser) == 0) {
		problem(problems, (struct place){0}, "out of memory");
		return NULL;
	}
	yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, len);
	struct tree_node *root = read_stream(&reading);
	yaml_event_delete(&reading.event);
	yaml_parser_delete(&reading.parser);
	return root;
}
