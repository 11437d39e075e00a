/* SPDX-License-Identifier: MIT */
/* The configuration as a tree of scalars, lists and maps, each with the place where it was written. It comes from YAML
 * or from flags; who reads it need not know.
 *
 * Accepted YAML: one document, block and flow style, any scalar style. Refused, with a reason: anchors, aliases, tags,
 * keys that are not plain words, more than TREE_DEPTH_MAX levels, NUL characters. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"
#include "conf/problem_internal.h"

/* zones > zone > allow-update > rule > from > prefix, and as many again for room. */
#define TREE_DEPTH_MAX 12

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
	enum tree_kind kind;
	struct place place;
	const char *text;        /* TREE_SCALAR: what was written, without quotes; else NULL */
	const char *key;         /* the key of a value in a map; else NULL */
	struct place key_place;  /* of `key` */
	struct tree_node *first; /* items of a list, values of a map, in the order of the file */
	struct tree_node *last;
	struct tree_node *next; /* in the list or map that this is part of */
};

/* All nodes and texts come from `arena`. NULL: there was a problem, which is in `problems`. An empty document is a
 * problem too. */
struct tree_node *tree_from_yaml(const char *text, size_t len, struct arena *arena, struct problems *problems);

struct tree_node *tree_new(struct arena *arena, enum tree_kind kind, struct place place, const char *text);
/* Appends to a list or map; `key` NULL in a list. */
void tree_append(struct tree_node *parent, struct tree_node *child, const char *key);
/* The value of `key` in a map; NULL: none. */
struct tree_node *tree_find(const struct tree_node *map, const char *key);

/* "a value", "a list", "a map": for problems. */
const char *tree_kind_name(enum tree_kind kind);
