/* SPDX-License-Identifier: MIT */
/* Finds things of the configuration by name: a hash table from octets to a number. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_slot {
	const void *key; /* borrowed; NULL: free */
	size_t key_len;
	uint64_t hash; /* of the key */
	size_t value;
};

struct table {
	struct table_slot *slots;
	size_t slot_count; /* a power of two, or 0 */
	size_t used;
};

void table_deinit(struct table *table);
/* False: the key is there already, and `*value_there` (may be NULL) is its value. */
bool table_add(struct table *table, const void *key, size_t key_len, size_t value, size_t *value_there);
bool table_find(const struct table *table, const void *key, size_t key_len, size_t *value);
