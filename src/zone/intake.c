/* SPDX-License-Identifier: MIT */
#include "zone/intake_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "dns/type.h"

#define SMALL_OCTETS ((size_t)16 * 1024)

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
	take_batch(intake->take, intake->context, *batch);
	batch_clear(*batch);
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
		if (left[i] != NULL) {
			take_batch(intake->take, intake->context, left[i]);
			batch_free(left[i]);
		}
	}
	*intake = (struct zone_intake){0};
}
