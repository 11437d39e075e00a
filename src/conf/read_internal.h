/* SPDX-License-Identifier: MIT */
/* From the tree to the structs: one reading of a configuration. */
#pragma once

#include "conf/problem_internal.h"
#include "conf/rows_internal.h"
#include "conf/table_internal.h"
#include "conf/tree_internal.h"

struct group_entry {
	const char *name;
	const struct conf_zone_options *options;
	uint32_t line;
};

struct reading {
	struct problems problems;
	const char *folder;  /* borrowed; what relative paths resolve against */
	struct arena *arena; /* of the configuration that is built */
	struct table key_table, peer_table, group_table, zone_table, file_table;
	struct conf_key *keys; /* those without a problem have a reference to what they are made into */
	size_t key_count;
	bool allow_hmac_md5;
	struct conf_peer *peers;
	size_t peer_count;
	struct group_entry *groups; /* from the heap */
	size_t group_count;
	const struct conf_zone_options *own_options; /* of the zone read last that has some; NULL: none yet */
};

/* Which rows a map may have, and where their values go. */
struct section {
	const struct rows *rows;
	void *base;
	uint64_t seen; /* out: bit i is row i */
};

/* Reads a map whose keys are rows of `sections`. Every problem is told; true when there was none. */
bool read_map(struct reading *reading, const struct tree_node *node, struct section *sections, size_t section_count);

/* Reads the value of one row into `base` + the row's offset. True: it was right. */
bool value_read(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
/* Puts the row's default there; zero bytes must be there before. */
void value_set_standard(struct reading *reading, const struct row *row, void *base);
/* Same meaning in both structs. */
bool value_equal(const struct row *row, const void *base_a, const void *base_b);
/* The number of a numeric row. */
uint64_t value_number(const struct row *row, const void *base);

/* The parts of value_read() for rows that are lists (list.c), and what they share with it. */
bool value_read_addresses(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
bool value_read_source(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
bool value_read_targets(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
bool value_read_prefixes(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
bool value_read_keys(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
bool value_read_rules(struct reading *reading, const struct row *row, const struct tree_node *node, void *base);
void *value_member(const struct row *row, void *base);
/* NULL: none of this name. */
const struct conf_peer *value_find_peer(const struct reading *reading, const char *name);
/* False: there is none of the name that `node` has. NULL: there is one, but something is wrong with it. */
bool value_find_key(struct reading *reading, const struct row *row, const struct tree_node *node,
                    const struct tsig_key **out);
/* Always false. `or_address`: an address would have done too. */
bool value_problem_no_peer(struct reading *reading, const char *row_name, const struct tree_node *node,
                           bool or_address);

/* "expected a list, found a value". Always false. */
bool problem_kind(struct reading *reading, const struct tree_node *node, const char *name, const char *expected);
