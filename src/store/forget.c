/* SPDX-License-Identifier: MIT */
/* Forgetting a zone that left the configuration: all that is there under its name, whether a head names it or not. */
#include <string.h>

#include "base/ensure.h"
#include "store/store_internal.h"

/* What there is of a zone, as it is found. */
struct forgetting {
	struct kv_visitor visitor; /* first */
	struct store_write *write;
	uint64_t values;
};

static bool take_value(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct forgetting *forgetting = (struct forgetting *)self;
	(void)key;
	(void)value;
	forgetting->values++;
	return false;
}

static bool take_change(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct forgetting *forgetting = (struct forgetting *)self;
	(void)value;
	store_write_remove_change(forgetting->write, load_u64(key.at + key.len - STORE_NUMBER_SIZE));
	forgetting->values++;
	return true;
}

static bool find_values(struct forgetting *forgetting, struct error *error)
{
	static const enum store_key kinds[] = {STORE_KEY_RECORDS, STORE_KEY_SOURCE, STORE_KEY_TIMERS,
	                                       STORE_KEY_ACKNOWLEDGEMENTS};
	struct kv *kv = forgetting->write->store->kv;
	const uint8_t *apex = forgetting->write->apex.wire;
	forgetting->visitor.visit = take_value;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		struct store_name key = store_key_of(kinds[i], apex);
		if (!kv->side->read(kv, store_key_bytes(&key), &forgetting->visitor, error)) {
			return false;
		}
	}
	struct store_name changes = store_key_of(STORE_KEY_CHANGE, apex);
	forgetting->visitor.visit = take_change;
	return kv->side->walk(kv, store_key_bytes(&changes), &forgetting->visitor, error);
}

/* Of a head that is broken or lost, the notes of serials tell what is to stay. */
static bool find_head(struct forgetting *forgetting, struct store_forgotten *out, struct error *error)
{
	struct store_write *write = forgetting->write;
	struct store_head_value head = {0};
	if (store_load_head_value(write->store, write->apex.wire, &head, error)) {
		forgetting->values += head.place != STORE_FORGOTTEN;
	} else if (error->code != ERROR_INVALID && error->code != ERROR_NOT_FOUND) {
		return false;
	} else {
		forgetting->values += error->code == ERROR_INVALID;
		head = (struct store_head_value){
		        .note = {.origin = CHANGE_FROM_STORE, .who = "the serials that were given"}};
		(void)!store_load_serials(write->store, write->apex.wire, &head.head);
		write->value = head;
	}
	out->keeps_serial = head.head.role == STORE_PRIMARY;
	out->serial = head.head.has_top ? head.head.top : head.head.serial_published;
	return true;
}

/* Whoever forgets, and waits. */
struct forgetter {
	struct store_waiter waiter; /* first */
	bool is_durable;
	struct error error; /* where it is not */
};

static void note_done(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct forgetter *forgetter = (struct forgetter *)self;
	forgetter->is_durable = is_durable;
	if (!is_durable) {
		forgetter->error = *error;
	}
}

static bool commit(struct store_write *take, struct error *error)
{
	struct store *store = take->store;
	struct forgetter forgetter = {.waiter.done = note_done};
	store_submit(take, &forgetter.waiter, STORE_NOW);
	if (store->queue.has_thread) {
		store_flush(store);
	} else {
		store_commit(store);
	}
	if (!forgetter.is_durable) {
		*error = forgetter.error;
	}
	return forgetter.is_durable;
}

bool store_forget(struct store *store, const uint8_t *apex, struct store_forgotten *out, struct error *error)
{
	struct forgetting forgetting = {.write = store_write_new(store, apex)};
	*out = (struct store_forgotten){0};
	if (!find_head(&forgetting, out, error) || !find_values(&forgetting, error)) {
		store_write_free(forgetting.write);
		return false;
	}
	out->values = forgetting.values;
	out->images = store_images_of(store->disk, store->images, apex, false);
	if (out->values + out->images == 0) {
		store_write_free(forgetting.write);
		return error_set(error, ERROR_NOT_FOUND, "nothing is remembered of it");
	}
	store_write_forget(forgetting.write);
	if (!commit(forgetting.write, error)) {
		return false;
	}
	(void)store_images_of(store->disk, store->images, apex, true); /* what no head named; the rest is gone */
	return true;
}
