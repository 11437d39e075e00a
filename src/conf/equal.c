/* SPDX-License-Identifier: MIT */
/* Whether two values mean the same. */
#include <string.h>

#include "access/tsig.h"
#include "conf/read_internal.h"

static bool texts_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool bytes_equal(const struct conf_bytes *a, const struct conf_bytes *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

static bool addresses_equal(const struct conf_addresses *a, const struct conf_addresses *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (!address_equal(&a->items[i], &b->items[i])) {
			return false;
		}
	}
	return true;
}

static bool keys_equal(const struct access_keys *a, const struct access_keys *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; a->items != b->items && i < a->count; i++) {
		if (!tsig_key_equal(a->items[i], b->items[i])) {
			return false;
		}
	}
	return true;
}

static bool targets_equal(const struct conf_targets *a, const struct conf_targets *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; a->items != b->items && i < a->count; i++) {
		if (!address_equal(&a->items[i].address, &b->items[i].address) ||
		    !texts_equal(a->items[i].peer_name, b->items[i].peer_name) ||
		    !keys_equal(&a->items[i].keys, &b->items[i].keys) ||
		    a->items[i].is_tandem != b->items[i].is_tandem) {
			return false;
		}
	}
	return true;
}

static bool rule_equal(const struct access_rule *a, const struct access_rule *b)
{
	if (a->prefix_count != b->prefix_count || !keys_equal(&a->keys, &b->keys)) {
		return false;
	}
	for (size_t i = 0; i < a->prefix_count; i++) {
		if (a->prefixes[i].length != b->prefixes[i].length ||
		    !address_equal(&a->prefixes[i].address, &b->prefixes[i].address)) {
			return false;
		}
	}
	return true;
}

static bool rules_equal(const struct access_rules *a, const struct access_rules *b)
{
	if (a->rule_count != b->rule_count) {
		return false;
	}
	for (size_t i = 0; a->rules != b->rules && i < a->rule_count; i++) {
		if (!rule_equal(&a->rules[i], &b->rules[i])) {
			return false;
		}
	}
	return true;
}

static bool sources_equal(const struct conf_source *a, const struct conf_source *b)
{
	return address_equal(&a->v4, &b->v4) && address_equal(&a->v6, &b->v6);
}

static bool identities_equal(const struct conf_identity *a, const struct conf_identity *b)
{
	return a->kind == b->kind && texts_equal(a->text, b->text);
}

bool value_equal(const struct row *row, const void *base_a, const void *base_b)
{
	const void *a = (const char *)base_a + row->offset;
	const void *b = (const char *)base_b + row->offset;
	switch (row->kind) {
	case ROW_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case ROW_INTEGER:
	case ROW_COUNT:
	case ROW_SECONDS:
	case ROW_MILLISECONDS:
	case ROW_PATIENCE:
	case ROW_SIZE:
		return value_number(row, base_a) == value_number(row, base_b);
	case ROW_ENUM:
		return *(const int *)a == *(const int *)b;
	case ROW_WORD:
	case ROW_PATH:
	case ROW_SOCKET_PATH:
	case ROW_GROUP:
		return texts_equal(*(const char *const *)a, *(const char *const *)b);
	case ROW_BYTES:
	case ROW_SECRET:
		return bytes_equal(a, b);
	case ROW_IDENTITY:
		return identities_equal(a, b);
	case ROW_ADDRESSES:
		return addresses_equal(a, b);
	case ROW_SOURCE:
		return sources_equal(a, b);
	case ROW_PREFIXES:
		return rule_equal(a, b);
	case ROW_TARGETS:
		return targets_equal(a, b);
	case ROW_RULES:
		return rules_equal(a, b);
	case ROW_KEYS:
		return keys_equal(a, b);
	case ROW_NAME: /* what identifies a thing does not differ */
	case ROW_PEER: /* part of rules, which are compared whole */
		return true;
	}
	ensure(row->kind == ROW_BOOL);
	return false;
}
