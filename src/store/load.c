/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/memory.h"
#include "store/store_internal.h"

static bool visit_value(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct store_value_visitor *visitor = (struct store_value_visitor *)self;
	struct kv_bytes body = store_checked(key, value);
	visitor->found = true;
	visitor->is_broken = body.at == NULL || !visitor->take(visitor, body);
	return false;
}

bool store_read_value(struct store *store, enum store_key kind, const uint8_t *apex,
                      struct store_value_visitor *visitor, struct error *error)
{
	struct store_name key = store_key_of(kind, apex);
	visitor->visitor.visit = visit_value;
	if (!store->kv->side->read(store->kv, store_key_bytes(&key), &visitor->visitor, error)) {
		return false;
	}
	return !visitor->is_broken || error_set(error, ERROR_INVALID, "what the store says of it fails its checksum");
}

static bool take_head(struct store_value_visitor *self, struct kv_bytes body)
{
	return store_head_read(body, self->out);
}

bool store_load_head_value(struct store *store, const uint8_t *apex, struct store_head_value *out, struct error *error)
{
	struct store_value_visitor visitor = {.take = take_head, .out = out};
	if (!store_read_value(store, STORE_KEY_HEAD, apex, &visitor, error)) {
		return false;
	}
	return visitor.found || error_set(error, ERROR_NOT_FOUND, "nothing is remembered of it");
}

bool store_load_head(struct store *store, const uint8_t *apex, struct store_head *head, struct error *error)
{
	struct store_head_value value;
	if (!store_load_head_value(store, apex, &value, error)) {
		return false;
	}
	*head = value.head;
	return true;
}

struct inline_version {
	const uint8_t *apex;
	uint16_t class;
	const struct zone_snapshot *snapshot;
	struct error *error;
};

static bool take_records(struct store_value_visitor *self, struct kv_bytes body)
{
	struct inline_version *version = self->out;
	version->snapshot = store_records_read(body, version->apex, version->class, version->error);
	return true;
}

static const struct zone_snapshot *load_inline(struct store *store, const uint8_t *apex, uint16_t class,
                                               struct error *error)
{
	struct inline_version version = {.apex = apex, .class = class, .error = error};
	struct store_value_visitor visitor = {.take = take_records, .out = &version};
	if (!store_read_value(store, STORE_KEY_RECORDS, apex, &visitor, error)) {
		return NULL;
	}
	if (!visitor.found) {
		error_set(error, ERROR_INVALID, "the store has a head for it, but no records");
	}
	return version.snapshot;
}

static const struct zone_snapshot *load_image(struct store *store, const uint8_t *apex, uint64_t id,
                                              struct error *error)
{
	struct store_image image;
	char *path = store_image_path(store->images, apex, id);
	const struct zone_snapshot *snapshot = store_image_load(store->disk, path, apex, &image, error);
	if (snapshot == NULL && error->code == ERROR_NOT_FOUND) {
		/* Something is remembered, so that its absence is no start from nothing. */
		error_set(error, ERROR_INVALID, "%s: is missing", path);
	}
	free(path);
	return snapshot;
}

static const struct zone_snapshot *load_records(struct store *store, const uint8_t *apex,
                                                const struct store_head_value *value, struct error *error)
{
	switch (value->place) {
	case STORE_NOWHERE:
		break;
	case STORE_INLINE:
		return load_inline(store, apex, value->head.class, error);
	case STORE_IMAGE:
		return load_image(store, apex, value->image, error);
	}
	error_set(error, ERROR_NOT_FOUND, "no records of it are remembered");
	return NULL;
}

/* A version that was on its way has been made durable since; the records of the one before are gone. */
static bool has_moved(struct store *store, const uint8_t *apex, struct store_head_value *value)
{
	struct error error;
	struct store_head_value before = *value;
	return store_load_head_value(store, apex, value, &error) &&
	       (value->place != before.place || value->image != before.image);
}

const struct zone_snapshot *store_load_version(struct store *store, const uint8_t *apex, struct store_head *head,
                                               struct error *error)
{
	struct store_head_value value;
	if (!store_load_head_value(store, apex, &value, error)) {
		return NULL;
	}
	const struct zone_snapshot *snapshot = load_records(store, apex, &value, error);
	while (snapshot == NULL && has_moved(store, apex, &value)) {
		snapshot = load_records(store, apex, &value, error);
	}
	*head = value.head;
	return snapshot;
}

static bool take_timers(struct store_value_visitor *self, struct kv_bytes body)
{
	return store_timers_read(body, self->out);
}

struct change_deadlines store_load_timers(struct store *store, const uint8_t *apex)
{
	struct error error;
	struct change_deadlines timers = {0};
	struct store_value_visitor visitor = {.take = take_timers, .out = &timers};
	return store_read_value(store, STORE_KEY_TIMERS, apex, &visitor, &error) ? timers
	                                                                         : (struct change_deadlines){0};
}

static bool take_acknowledgements(struct store_value_visitor *self, struct kv_bytes body)
{
	self->count = store_acknowledgements_read(body, self->serial, self->out);
	return true;
}

size_t store_load_acknowledgements(struct store *store, const uint8_t *apex, uint32_t serial,
                                   struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX])
{
	struct error error;
	struct store_value_visitor visitor = {.take = take_acknowledgements, .out = out, .serial = serial};
	return store_read_value(store, STORE_KEY_ACKNOWLEDGEMENTS, apex, &visitor, &error) ? visitor.count : 0;
}
