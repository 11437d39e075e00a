/* SPDX-License-Identifier: MIT */
#include "conf/table_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

/* The names are the operator's own, so the key needs no secrecy. */
static const struct hash_key table_key = {{0x7461626c65206f66, 0x20636f6e66206279}};

void table_deinit(struct table *table)
{
	free(table->slots);
	*table = (struct table){0};
}

/* The slot of the key, or the free one where it would go. */
static struct table_slot *slot_of(const struct table *table, const void *key, size_t key_len)
{
	size_t mask = table->slot_count - 1;
	size_t index = (size_t)hash_bytes(&table_key, key, key_len) & mask;
	for (;;) {
		struct table_slot *slot = &table->slots[index];
		if (slot->key == NULL || (slot->key_len == key_len && memcmp(slot->key, key, key_len) == 0)) {
			return slot;
		}
		index = (index + 1) & mask;
	}
}

static void grow(struct table *table)
{
	struct table larger = {.slot_count = table->slot_count == 0 ? 16 : table->slot_count * 2, .used = table->used};
	larger.slots = memory_new_array(larger.slot_count, sizeof *larger.slots);
	for (size_t i = 0; i < table->slot_count; i++) {
		const struct table_slot *slot = &table->slots[i];
		if (slot->key != NULL) {
			*slot_of(&larger, slot->key, slot->key_len) = *slot;
		}
	}
	free(table->slots);
	*table = larger;
}

bool table_add(struct table *table, const void *key, size_t key_len, size_t value, size_t *value_there)
{
	if ((table->used + 1) * 2 > table->slot_count) {
		grow(table);
	}
	struct table_slot *slot = slot_of(table, key, key_len);
	if (slot->key != NULL) {
		if (value_there != NULL) {
			*value_there = slot->value;
		}
		return false;
	}
	*slot = (struct table_slot){.key = key, .key_len = key_len, .value = value};
	table->used++;
	return true;
}

bool table_find(const struct table *table, const void *key, size_t key_len, size_t *value)
{
	if (table->slot_count == 0) {
		return false;
	}
	const struct table_slot *slot = slot_of(table, key, key_len);
	if (slot->key == NULL) {
		return false;
	}
	*value = slot->value;
	return true;
}
