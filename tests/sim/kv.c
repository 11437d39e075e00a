/* SPDX-License-Identifier: MIT */
/* The key-value side of a store: an ordered map whose transactions are kept whole or lost whole. */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/kv.h"

struct pair {
	struct kv_bytes key; /* both on the heap */
	struct kv_bytes value;
	bool is_removal; /* of a transaction */
};

struct pairs {
	struct pair *items;
	size_t count;
	size_t capacity;
};

struct sim_kv {
	struct kv kv; /* first */
	struct sim_fuse *fuse;
	struct pairs durable; /* in order of keys */
	struct pairs pending; /* in the order of doing */
	bool in_transaction;
	bool is_open;
};

static struct kv_bytes copy_of(struct kv_bytes bytes)
{
	return (struct kv_bytes){bytes.len == 0 ? memory_new(1) : memory_copy(bytes.at, bytes.len), bytes.len};
}

static void pair_free(struct pair *pair)
{
	free((void *)(uintptr_t)pair->key.at);
	free((void *)(uintptr_t)pair->value.at);
}

static void pairs_clear(struct pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		pair_free(&pairs->items[i]);
	}
	free(pairs->items);
	*pairs = (struct pairs){.items = NULL};
}

static void pairs_insert(struct pairs *pairs, size_t index, struct pair take)
{
	memory_reserve((void **)&pairs->items, &pairs->capacity, pairs->count + 1, sizeof *pairs->items);
	memmove(&pairs->items[index + 1], &pairs->items[index], (pairs->count - index) * sizeof *pairs->items);
	pairs->items[index] = take;
	pairs->count++;
}

static int compare(struct kv_bytes a, struct kv_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* The first whose key is not before this one. */
static size_t place_of(const struct pairs *pairs, struct kv_bytes key)
{
	size_t from = 0;
	size_t to = pairs->count;
	while (from < to) {
		size_t middle = (from + to) / 2;
		if (compare(pairs->items[middle].key, key) < 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from;
}

static bool is_at(const struct pairs *pairs, size_t index, struct kv_bytes key)
{
	return index < pairs->count && compare(pairs->items[index].key, key) == 0;
}

static bool sim_read(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	size_t index = place_of(&self->durable, key);
	(void)error;
	if (is_at(&self->durable, index, key)) {
		found->visit(found, self->durable.items[index].key, self->durable.items[index].value);
	}
	return true;
}

static bool sim_walk(struct kv *kv, struct kv_bytes prefix, struct kv_visitor *each, struct error *error)
{
	struct pairs *pairs = &((struct sim_kv *)kv)->durable;
	(void)error;
	for (size_t i = place_of(pairs, prefix); i < pairs->count; i++) {
		const struct pair *pair = &pairs->items[i];
		if (pair->key.len < prefix.len || memcmp(pair->key.at, prefix.at, prefix.len) != 0 ||
		    !each->visit(each, pair->key, pair->value)) {
			break;
		}
	}
	return true;
}

/* Why nothing can be written. */
static bool may_write(struct sim_kv *self, struct error *error)
{
	switch (self->fuse->is_dead ? SIM_DISK_BROKEN : self->fuse->fault) {
	case SIM_DISK_GOOD:
		return true;
	case SIM_DISK_FULL:
		return error_set_errno(error, ENOSPC, "the made-up disk");
	case SIM_DISK_BROKEN:
		return error_set_errno(error, EIO, "the made-up disk");
	case SIM_DISK_MAP_FULL:
		return error_set(error, ERROR_LIMIT, "the made-up map is full");
	}
	return false;
}

static bool sim_begin(struct kv *kv, struct error *error)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	(void)error;
	ensure(self->is_open && !self->in_transaction);
	self->in_transaction = true;
	return true;
}

static bool sim_look(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	ensure(self->in_transaction);
	for (size_t i = self->pending.count; i > 0; i--) {
		const struct pair *pair = &self->pending.items[i - 1];
		if (compare(pair->key, key) == 0) {
			if (!pair->is_removal) {
				found->visit(found, pair->key, pair->value);
			}
			return true;
		}
	}
	return sim_read(kv, key, found, error);
}

static bool sim_put(struct kv *kv, struct kv_bytes key, struct kv_bytes value, struct error *error)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	ensure(self->in_transaction && key.len > 0 && key.len <= KV_KEY_MAX);
	if ((self->fuse->is_dead || self->fuse->fault == SIM_DISK_MAP_FULL) && !may_write(self, error)) {
		return false;
	}
	pairs_insert(&self->pending, self->pending.count, (struct pair){.key = copy_of(key), .value = copy_of(value)});
	return true;
}

static bool sim_remove(struct kv *kv, struct kv_bytes key, struct error *error)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	(void)error;
	ensure(self->in_transaction);
	pairs_insert(&self->pending, self->pending.count, (struct pair){.key = copy_of(key), .is_removal = true});
	return true;
}

static void sim_abort(struct kv *kv)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	pairs_clear(&self->pending);
	self->in_transaction = false;
}

static void apply(struct pairs *durable, struct pair take)
{
	size_t index = place_of(durable, take.key);
	bool is_there = is_at(durable, index, take.key);
	if (is_there) {
		pair_free(&durable->items[index]);
		if (take.is_removal) {
			memmove(&durable->items[index], &durable->items[index + 1],
			        (durable->count - index - 1) * sizeof *durable->items);
			durable->count--;
		} else {
			durable->items[index] = take;
		}
	} else if (!take.is_removal) {
		pairs_insert(durable, index, take);
	}
	if (take.is_removal) {
		pair_free(&take);
	}
}

static void make_durable(struct sim_kv *self)
{
	for (size_t i = 0; i < self->pending.count; i++) {
		apply(&self->durable, self->pending.items[i]);
	}
	self->pending.count = 0;
}

static bool sim_commit(struct kv *kv, struct error *error)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	ensure(self->in_transaction);
	/* Killed while the transaction was written: its last page was there already, or it was not. */
	bool was_there = !self->fuse->is_dead && self->fuse->left == 1 && sim_chance(50);
	if (was_there) {
		make_durable(self);
	}
	if (!sim_fuse_burn(self->fuse) || !may_write(self, error)) {
		sim.disk_refusals++;
		sim_abort(kv);
		return error_set_errno(error, EIO, "the made-up disk");
	}
	make_durable(self);
	sim_abort(kv);
	return true;
}

static void sim_close(struct kv *kv)
{
	struct sim_kv *self = (struct sim_kv *)kv;
	if (!self->fuse->is_dead) {
		self->is_open = false;
	}
}

static const struct kv_side side = {
        .read = sim_read,
        .walk = sim_walk,
        .begin = sim_begin,
        .look = sim_look,
        .put = sim_put,
        .remove = sim_remove,
        .commit = sim_commit,
        .abort = sim_abort,
        .close = sim_close,
};

struct sim_kv *sim_kv_new(struct sim_fuse *fuse)
{
	struct sim_kv *kv = memory_new(sizeof *kv);
	kv->kv.side = &side;
	kv->fuse = fuse;
	return kv;
}

void sim_kv_free(struct sim_kv *take)
{
	if (take != NULL) {
		pairs_clear(&take->durable);
		pairs_clear(&take->pending);
		free(take);
	}
}

struct kv *sim_kv_side(struct sim_kv *kv)
{
	kv->kv.was_killed = kv->is_open;
	kv->is_open = true;
	return &kv->kv;
}

void sim_kv_lose(struct sim_kv *kv)
{
	pairs_clear(&kv->durable);
	kv->is_open = false;
}

void sim_kv_crash(struct sim_kv *kv)
{
	pairs_clear(&kv->pending);
}
