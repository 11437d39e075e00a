/* SPDX-License-Identifier: MIT */
#include "zone/intake_internal.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "dns/type.h"

/* So many owners are worth a thread. */
#ifndef ZONE_INTAKE_BESIDE_MIN /* tests want the thread in small zones */
#define ZONE_INTAKE_BESIDE_MIN 10000
#define BATCH_OCTETS           ((size_t)96 * 1024) /* with its deltas it stays in a second-level cache */
#else
#define BATCH_OCTETS 1000
#endif
#define BATCHES      4
#define SMALL_OCTETS ((size_t)16 * 1024)

/* The other thread, and the batches between the two. */
struct zone_beside {
	pthread_t thread;
	zone_intake_taker *take;
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t filled;  /* one was put into `full`, or `ended` */
	pthread_cond_t emptied; /* one was put into `empty` */
	/* guarded by lock: */
	struct zone_batch *full; /* first in, first out */
	struct zone_batch **full_end;
	struct zone_batch *empty;
	bool ended;
};

static struct zone_batch *batch_new(size_t chunk)
{
	struct zone_batch *batch = memory_new(sizeof *batch);
	arena_init(&batch->arena, chunk);
	return batch;
}

static void batch_free(struct zone_batch *batch)
{
	if (batch != NULL) {
		arena_deinit(&batch->arena);
		free(batch->deltas);
		free(batch);
	}
}

static void batch_clear(struct zone_batch *batch)
{
	batch->count = 0;
	arena_reset(&batch->arena);
}

/* All owners of a batch, one after the other. */
static void take_batch(zone_intake_taker *take, void *context, const struct zone_batch *batch)
{
	for (size_t from = 0; from < batch->count;) {
		size_t to = from + 1;
		while (to < batch->count && batch->deltas[to].key == batch->deltas[from].key) {
			to++;
		}
		take(context, batch->deltas + from, to - from);
		from = to;
	}
}

/* ---- the other thread ---- */

/* The next batch; NULL: there are no more. */
static struct zone_batch *beside_next(struct zone_beside *beside)
{
	pthread_mutex_lock(&beside->lock);
	while (beside->full == NULL && !beside->ended) {
		pthread_cond_wait(&beside->filled, &beside->lock);
	}
	struct zone_batch *batch = beside->full;
	if (batch != NULL) {
		beside->full = batch->next;
		beside->full_end = beside->full == NULL ? &beside->full : beside->full_end;
	}
	pthread_mutex_unlock(&beside->lock);
	return batch;
}

static void beside_give_back(struct zone_beside *beside, struct zone_batch *batch)
{
	batch_clear(batch);
	pthread_mutex_lock(&beside->lock);
	batch->next = beside->empty;
	beside->empty = batch;
	pthread_cond_signal(&beside->emptied);
	pthread_mutex_unlock(&beside->lock);
}

static void *beside_run(void *self)
{
	struct zone_beside *beside = self;
	for (struct zone_batch *batch = beside_next(beside); batch != NULL; batch = beside_next(beside)) {
		take_batch(beside->take, beside->context, batch);
		beside_give_back(beside, batch);
	}
	return NULL;
}

static void beside_free(struct zone_beside *beside)
{
	while (beside->empty != NULL) {
		struct zone_batch *next = beside->empty->next;
		batch_free(beside->empty);
		beside->empty = next;
	}
	pthread_mutex_destroy(&beside->lock);
	pthread_cond_destroy(&beside->filled);
	pthread_cond_destroy(&beside->emptied);
	free(beside);
}

/* NULL where the system has no thread to give: one is enough, if slower. */
static struct zone_beside *beside_new(zone_intake_taker *take, void *context)
{
	struct zone_beside *beside = memory_new(sizeof *beside);
	beside->take = take;
	beside->context = context;
	beside->full_end = &beside->full;
	pthread_mutex_init(&beside->lock, NULL);
	pthread_cond_init(&beside->filled, NULL);
	pthread_cond_init(&beside->emptied, NULL);
	for (size_t i = 0; i < BATCHES; i++) {
		struct zone_batch *batch = batch_new(2 * BATCH_OCTETS);
		batch->next = beside->empty;
		beside->empty = batch;
	}
	if (pthread_create(&beside->thread, NULL, beside_run, beside) != 0) {
		beside_free(beside);
		return NULL;
	}
	return beside;
}

static void beside_put(struct zone_beside *beside, struct zone_batch *batch)
{
	batch->next = NULL;
	pthread_mutex_lock(&beside->lock);
	*beside->full_end = batch;
	beside->full_end = &batch->next;
	pthread_cond_signal(&beside->filled);
	pthread_mutex_unlock(&beside->lock);
}

/* An empty batch, as soon as there is one. */
static struct zone_batch *beside_get(struct zone_beside *beside)
{
	pthread_mutex_lock(&beside->lock);
	while (beside->empty == NULL) {
		pthread_cond_wait(&beside->emptied, &beside->lock);
	}
	struct zone_batch *batch = beside->empty;
	beside->empty = batch->next;
	pthread_mutex_unlock(&beside->lock);
	return batch;
}

/* Waits until all batches have been taken. */
static void beside_end(struct zone_beside *beside)
{
	pthread_mutex_lock(&beside->lock);
	beside->ended = true;
	pthread_cond_signal(&beside->filled);
	pthread_mutex_unlock(&beside->lock);
	pthread_join(beside->thread, NULL);
	beside_free(beside);
}

/* ---- filling batches ---- */

void zone_intake_init(struct zone_intake *intake, const struct zone_line *line, zone_intake_taker *take, void *context)
{
	*intake = (struct zone_intake){
	        .line = line,
	        .take = take,
	        .context = context,
	        .names = batch_new(SMALL_OCTETS),
	        .hashes = batch_new(SMALL_OCTETS),
	};
}

/* The present owner of a batch gets no more RRs. */
static void owner_end(struct zone_intake *intake, struct zone_batch **batch)
{
	if (++intake->owners == ZONE_INTAKE_BESIDE_MIN) {
		intake->beside = beside_new(intake->take, intake->context);
	}
	if (intake->beside == NULL) {
		take_batch(intake->take, intake->context, *batch);
		batch_clear(*batch);
	} else if ((*batch)->arena.used >= BATCH_OCTETS) {
		beside_put(intake->beside, *batch);
		*batch = beside_get(intake->beside);
	}
}

static void add_delta(struct zone_batch *batch, const struct zone_delta *delta, const uint8_t *key,
                      const uint8_t *owner)
{
	memory_reserve((void **)&batch->deltas, &batch->capacity, batch->count + 1, sizeof *delta);
	struct zone_delta *added = &batch->deltas[batch->count++];
	*added = *delta;
	added->key = key;
	added->owner = owner;
	added->rr.rdata = arena_copy(&batch->arena, delta->rr.rdata, delta->rr.len);
}

/* The newest delta; NULL: there is none. */
static const struct zone_delta *newest_of(const struct zone_batch *batch)
{
	return batch == NULL || batch->count == 0 ? NULL : &batch->deltas[batch->count - 1];
}

/* The owner of the last RR once more, octet by octet, and of the same tree: most RRs. */
static bool is_last_owner(const struct zone_delta *newest, const uint8_t *owner, uint16_t type)
{
	if (newest == NULL || newest->in_hashes || type == DNS_TYPE_NSEC3 || type == DNS_TYPE_RRSIG) {
		return false;
	}
	return dns_name_same(newest->owner, owner);
}

enum zone_add zone_intake_add(struct zone_intake *intake, const uint8_t *owner, uint16_t type, uint32_t ttl,
                              const uint8_t *rdata, size_t rdata_len)
{
	if (dns_type_is_meta(type)) {
		return ZONE_ADD_META;
	}
	ensure(rdata_len <= UINT16_MAX);
	struct zone_key key;
	struct zone_delta delta = {
	        .owner = owner,
	        .rr = {.rdata = rdata, .len = (uint32_t)rdata_len, .ttl = ttl},
	        .order = intake->order++,
	        .type = type,
	        .add = true,
	};
	const struct zone_delta *newest = newest_of(intake->last);
	if (is_last_owner(newest, owner, type)) {
		delta.key_len = newest->key_len;
		delta.labels = newest->labels;
		add_delta(intake->last, &delta, newest->key, newest->owner);
		return ZONE_ADDED;
	}
	if (!zone_delta_place(&delta, intake->line, type, &key)) {
		return ZONE_ADD_OUTSIDE;
	}
	struct zone_batch **batch = delta.in_hashes ? &intake->hashes : &intake->names;
	newest = newest_of(*batch);
	if (newest != NULL && newest->key_len == key.len && memcmp(newest->key, key.bytes, key.len) == 0) {
		add_delta(*batch, &delta, newest->key, arena_copy(&(*batch)->arena, owner, dns_name_len(owner)));
	} else {
		owner_end(intake, batch);
		const uint8_t *kept = arena_copy(&(*batch)->arena, key.bytes, key.len);
		add_delta(*batch, &delta, kept, arena_copy(&(*batch)->arena, owner, dns_name_len(owner)));
	}
	intake->last = *batch;
	return ZONE_ADDED;
}

void zone_intake_end(struct zone_intake *intake)
{
	struct zone_batch *left[] = {intake->names, intake->hashes};
	for (size_t i = 0; i < 2; i++) {
		if (intake->beside != NULL && left[i] != NULL) {
			beside_put(intake->beside, left[i]); /* which frees it with the others */
		} else if (left[i] != NULL) {
			take_batch(intake->take, intake->context, left[i]);
			batch_free(left[i]);
		}
	}
	if (intake->beside != NULL) {
		beside_end(intake->beside);
	}
	*intake = (struct zone_intake){0};
}
