/* SPDX-License-Identifier: MIT */
#include "fake_kv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct pair {
	struct pair *next;
	struct kv_bytes key;
	struct kv_bytes value;
	bool is_removal; /* in a transaction only */
};

struct fake_kv {
	struct kv kv;         /* first */
	struct pair *pairs;   /* committed; in order of keys */
	struct pair *pending; /* of the transaction; newest first */
	unsigned failing;
	unsigned commits;
	struct kv_bytes failing_key;
};

static int compare(struct kv_bytes a, struct kv_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void pair_free(struct pair *pair)
{
	free((void *)(uintptr_t)pair->key.at);
	free((void *)(uintptr_t)pair->value.at);
	free(pair);
}

static void pairs_free(struct pair *first)
{
	while (first != NULL) {
		struct pair *next = first->next;
		pair_free(first);
		first = next;
	}
}

static struct pair **place_of(struct fake_kv *fake, struct kv_bytes key)
{
	struct pair **place = &fake->pairs;
	while (*place != NULL && compare((*place)->key, key) < 0) {
		place = &(*place)->next;
	}
	return place;
}

static bool fake_read(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	struct pair *pair = *place_of((struct fake_kv *)kv, key);
	(void)error;
	if (pair != NULL && compare(pair->key, key) == 0) {
		found->visit(found, pair->key, pair->value);
	}
	return true;
}

static bool fake_walk(struct kv *kv, struct kv_bytes prefix, struct kv_visitor *each, struct error *error)
{
	struct pair *pair = *place_of((struct fake_kv *)kv, prefix);
	(void)error;
	while (pair != NULL && pair->key.len >= prefix.len && memcmp(pair->key.at, prefix.at, prefix.len) == 0 &&
	       each->visit(each, pair->key, pair->value)) {
		pair = pair->next;
	}
	return true;
}

static bool fake_begin(struct kv *kv, struct error *error)
{
	(void)kv;
	(void)error;
	return true;
}

static bool fake_look(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	for (struct pair *pair = ((struct fake_kv *)kv)->pending; pair != NULL; pair = pair->next) {
		if (compare(pair->key, key) == 0) {
			if (!pair->is_removal) {
				found->visit(found, pair->key, pair->value);
			}
			return true;
		}
	}
	return fake_read(kv, key, found, error);
}

static struct pair *pend(struct fake_kv *fake, struct kv_bytes key)
{
	struct pair *pair = memory_new(sizeof *pair);
	pair->key = (struct kv_bytes){memory_copy(key.at, key.len), key.len};
	pair->next = fake->pending;
	fake->pending = pair;
	return pair;
}

static bool fake_put(struct kv *kv, struct kv_bytes key, struct kv_bytes value, struct error *error)
{
	struct fake_kv *fake = (struct fake_kv *)kv;
	if (fake->failing_key.at != NULL && compare(fake->failing_key, key) == 0) {
		return error_set(error, ERROR_LIMIT, "this one cannot be put");
	}
	pend(fake, key)->value = (struct kv_bytes){memory_copy(value.at, value.len), value.len};
	return true;
}

static bool fake_remove(struct kv *kv, struct kv_bytes key, struct error *error)
{
	(void)error;
	pend((struct fake_kv *)kv, key)->is_removal = true;
	return true;
}

static void fake_abort(struct kv *kv)
{
	struct fake_kv *fake = (struct fake_kv *)kv;
	pairs_free(fake->pending);
	fake->pending = NULL;
}

/* Oldest first. */
static void apply(struct fake_kv *fake, struct pair *take)
{
	if (take == NULL) {
		return;
	}
	apply(fake, take->next);
	struct pair **place = place_of(fake, take->key);
	struct pair *before = *place;
	if (before != NULL && compare(before->key, take->key) == 0) {
		*place = before->next;
		pair_free(before);
	}
	if (take->is_removal) {
		pair_free(take);
	} else {
		take->next = *place;
		*place = take;
	}
}

static bool fake_commit(struct kv *kv, struct error *error)
{
	struct fake_kv *fake = (struct fake_kv *)kv;
	if (fake->failing > 0) {
		fake->failing--;
		fake_abort(kv);
		return error_set_errno(error, ENOSPC, "the made-up disk");
	}
	apply(fake, fake->pending);
	fake->pending = NULL;
	fake->commits++;
	return true;
}

static void fake_close(struct kv *kv)
{
	(void)kv;
}

static const struct kv_side side = {
        .read = fake_read,
        .walk = fake_walk,
        .begin = fake_begin,
        .look = fake_look,
        .put = fake_put,
        .remove = fake_remove,
        .commit = fake_commit,
        .abort = fake_abort,
        .close = fake_close,
};

struct fake_kv *fake_kv_new(void)
{
	struct fake_kv *fake = memory_new(sizeof *fake);
	fake->kv.side = &side;
	return fake;
}

struct kv *fake_kv_side(struct fake_kv *fake)
{
	return &fake->kv;
}

void fake_kv_free(struct fake_kv *take)
{
	pairs_free(take->pairs);
	free(take);
}

void fake_kv_fail_commits(struct fake_kv *fake, unsigned count)
{
	fake->failing = count;
}

void fake_kv_fail_key(struct fake_kv *fake, const uint8_t *key, size_t len)
{
	fake->failing_key = (struct kv_bytes){key, len};
}

unsigned fake_kv_commits(const struct fake_kv *fake)
{
	return fake->commits;
}

size_t fake_kv_count(const struct fake_kv *fake)
{
	size_t count = 0;
	for (const struct pair *pair = fake->pairs; pair != NULL; pair = pair->next) {
		count++;
	}
	return count;
}

bool fake_kv_flip(struct fake_kv *fake, uint8_t letter, size_t bit)
{
	struct pair *pair = fake->pairs;
	while (pair != NULL && pair->key.at[0] != letter) {
		pair = pair->next;
	}
	if (pair == NULL) {
		return false;
	}
	((uint8_t *)(uintptr_t)pair->value.at)[bit / 8 % pair->value.len] ^= (uint8_t)(1u << bit % 8);
	return true;
}
