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

static uint64_t hash_of(const void *key, size_t key_len)
{
	return hash_bytes(&table_key, key, key_len);
}

static bool is_key(const struct table_slot *slot, uint64_t hash, const void *key, size_t key_len)
{
	return slot->hash == hash && slot->key_len == key_len && memcmp(slot->key, key, key_len) == 0;
}

/* The slot of the key, or the free one where it would go. */
static struct table_slot *slot_of(const struct table *table, uint64_t hash, const void *key, size_t key_len)
{
	size_t mask = table->slot_count - 1;
	size_t index = (size_t)hash & mask;
	while (table->slots[index].key != NULL && !is_key(&table->slots[index], hash, key, key_len)) {
		index = (index + 1) & mask;
	}
	return &table->slots[index];
}

static void grow(struct table *table)
{
	struct table larger = {.slot_count = table->slot_count == 0 ? 16 : table->slot_count * 2, .used = table->used};
	larger.slots = memory_new_array(larger.slot_count, sizeof *larger.slots);
	for (size_t i = 0; i < table->slot_count; i++) {
		const struct table_slot *slot = &table->slots[i];
		if (slot->key != NULL) {
			*slot_of(&larger, slot->hash, slot->key, slot->key_len) = *slot;
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
	uint64_t hash = hash_of(key, key_len);
	struct table_slot *slot = slot_of(table, hash, key, key_len);
	if (slot->key != NULL) {
		if (value_there != NULL) {
			*value_there = slot->value;
		}
		return false;
	}
	*slot = (struct table_slot){.key = key, .key_len = key_len, .hash = hash, .value = value};
	table->used++;
	return true;
}

bool table_find(const struct table *table, const void *key, size_t key_len, size_t *value)
{
	if (table->slot_count == 0) {
		return false;
	}
	const struct table_slot *slot = slot_of(table, hash_of(key, key_len), key, key_len);
	if (slot->key == NULL) {
		return false;
	}
	*value = slot->value;
	return true;
}
