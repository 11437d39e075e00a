/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

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

bool store_load_head(struct store *store, const uint8_t *apex, struct store_head *head, struct store_stand *stand,
                     struct store_note *note, struct error *error)
{
	struct store_head_value value;
	const struct store_serial_note *lost;
	if (!store_load_head_value(store, apex, &value, error)) {
		/* What is left of it could not be written when the store was opened. */
		lost = error->code == ERROR_NOT_FOUND ? store_serials_find(&store->lost, apex) : NULL;
		if (lost == NULL) {
			return false;
		}
		value = (struct store_head_value){.head = store_serials_head(lost)};
	}
	*head = value.head;
	if (stand != NULL) {
		*stand = (struct store_stand){
		        .number = value.next, .has_records = store_has_records(value.place), .behind = value.behind};
	}
	if (note != NULL) {
		*note = value.note;
	}
	return true;
}

/* ---- which zones ---- */

struct name_visitor {
	struct kv_visitor visitor; /* first */
	struct store_zone_names *names;
};

static bool keep_name(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct store_zone_names *names = ((struct name_visitor *)self)->names;
	struct reader in = reader_of(key.at + 1, key.len - 1);
	const uint8_t *name = dns_name_read_plain(&in);
	(void)value;
	if (name != NULL && reader_left(&in) == 0) {
		memory_reserve((void **)&names->names, &names->capacity, names->len + key.len - 1, 1);
		memcpy(names->names + names->len, name, key.len - 1);
		names->len += key.len - 1;
		names->count++;
	}
	return true;
}

bool store_zone_names(struct store *store, struct store_zone_names *out, struct error *error)
{
	static const uint8_t heads[] = {STORE_KEY_HEAD};
	struct name_visitor visitor = {.visitor.visit = keep_name, .names = out};
	*out = (struct store_zone_names){0};
	struct kv_bytes prefix = {.at = heads, .len = sizeof heads};
	if (!store->kv->side->walk(store->kv, prefix, &visitor.visitor, error)) {
		free(out->names);
		return false;
	}
	return true;
}

/* ---- records ---- */

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
                                              struct change_digest *content, struct error *error)
{
	struct store_image image;
	char *path = store_image_path(store->images, apex, id);
	const struct zone_snapshot *snapshot = store_image_load(store->disk, path, apex, &image, error);
	if (snapshot != NULL) {
		*content = image.content;
	} else if (error->code == ERROR_NOT_FOUND) {
		/* Something is remembered, so that its absence is no start from nothing. */
		error_set(error, ERROR_INVALID, "%s: is missing", path);
	}
	free(path);
	return snapshot;
}

/* `content` gets the digest of what they are. */
static const struct zone_snapshot *load_records(struct store *store, const uint8_t *apex,
                                                const struct store_head_value *value, struct change_digest *content,
                                                struct error *error)
{
	const struct zone_snapshot *snapshot;
	switch (value->place) {
	case STORE_NOWHERE:
	case STORE_FORGOTTEN:
		break;
	case STORE_INLINE:
		snapshot = load_inline(store, apex, value->head.class, error);
		if (snapshot != NULL) {
			*content = change_digest_of(snapshot);
		}
		return snapshot;
	case STORE_IMAGE:
		return load_image(store, apex, value->image, content, error);
	}
	error_set(error, ERROR_NOT_FOUND, "no records of it are remembered");
	return NULL;
}

/* ---- changesets ---- */

/* Those that a head names, as they are read. */
struct kept_changes {
	struct kv_visitor visitor; /* first */
	struct store_head_value *head;
	struct kv_bytes *values;       /* on the heap, those of `head` in order; NULL: not there, or broken */
	const struct changeset **sets; /* references, of these; NULL: as above, or malformed */
	int64_t *at_s;
};

static bool keep_change(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct kept_changes *changes = (struct kept_changes *)self;
	const struct store_head_value *head = changes->head;
	uint64_t number = load_u64(key.at + key.len - STORE_NUMBER_SIZE);
	if (number < head->first || number >= head->next) {
		return true;
	}
	key.len -= STORE_NUMBER_SIZE;
	struct kv_bytes body = store_checked(key, value);
	if (body.at != NULL) {
		changes->values[number - head->first] =
		        (struct kv_bytes){.at = memory_copy(body.at, body.len), .len = body.len};
	}
	return true;
}

/* When nobody waits for the walk to end. */
static void read_changes(struct kept_changes *changes)
{
	struct store_note note;
	struct kv_bytes octets;
	struct error error;
	for (uint64_t i = 0; i < changes->head->next - changes->head->first; i++) {
		const struct kv_bytes *value = &changes->values[i];
		if (value->at != NULL && store_change_read(*value, &note, &octets)) {
			changes->sets[i] = changeset_from_octets(octets.at, octets.len, &error);
			changes->at_s[i] = note.at_s;
		}
	}
}

/* More than any limit lets be kept: a head that says so is not believed. */
#define CHANGES_MAX ((uint64_t)1 << 24)

static bool load_changes(struct store *store, const uint8_t *apex, struct store_head_value *value,
                         struct kept_changes *out, struct error *error)
{
	uint64_t count = value->next - value->first;
	struct store_name prefix = store_key_of(STORE_KEY_CHANGE, apex);
	*out = (struct kept_changes){.visitor.visit = keep_change, .head = value};
	if (count > CHANGES_MAX) {
		return error_set(error, ERROR_INVALID, "its head names too many changesets");
	}
	if (count == 0) {
		return true;
	}
	out->values = memory_new_array(count, sizeof *out->values);
	out->sets = memory_new_array(count, sizeof(const struct changeset *));
	out->at_s = memory_new_array(count, sizeof *out->at_s);
	if (!store->kv->side->walk(store->kv, store_key_bytes(&prefix), &out->visitor, error)) {
		return false;
	}
	read_changes(out);
	return true;
}

static void kept_changes_deinit(struct kept_changes *changes)
{
	const struct store_head_value *head = changes->head;
	for (uint64_t i = 0; changes->sets != NULL && i < head->next - head->first; i++) {
		changeset_unref(changes->sets[i]);
		free((void *)(uintptr_t)changes->values[i].at);
	}
	free(changes->values);
	free(changes->sets);
	free(changes->at_s);
}

/* Takes `base` to the newest version. NULL: it cannot be done. */
static const struct zone_snapshot *follow(const struct zone_snapshot *take, struct change_digest content,
                                          const struct kept_changes *changes, struct error *error)
{
	const struct store_head_value *head = changes->head;
	const struct zone_snapshot *version = take;
	for (uint64_t number = head->base; version != NULL && number < head->next; number++) {
		const struct changeset *set = changes->sets[number - head->first];
		const struct zone_snapshot *before = version;
		if (set == NULL) {
			error_set(error, ERROR_INVALID,
			          "a changeset that leads to it is missing or fails its checksum");
			version = NULL;
		} else {
			version = changeset_apply(set, before, error);
			content = change_digest_after(content, set);
		}
		zone_unref(before);
	}
	if (version != NULL && (zone_serial(version) != head->head.serial_published ||
	                        !change_digest_equal(content, head->head.content))) {
		error_set(error, ERROR_INVALID, "records and changesets do not make serial %u with its digest",
		          head->head.serial_published);
		zone_unref(version);
		version = NULL;
	}
	return version;
}

/* Of those that are whole, the newest ones that follow each other. */
static const struct change_history *history_of(const struct store *store, const struct kept_changes *changes,
                                               const struct zone_snapshot *newest)
{
	const struct store_head_value *head = changes->head;
	return change_history_of(changes->sets, changes->at_s, (size_t)(head->next - head->first), newest,
	                         store_keeper(store));
}

/* `history` may be NULL. */
static const struct zone_snapshot *load_version(struct store *store, const uint8_t *apex,
                                                struct store_head_value *value, const struct change_history **history,
                                                struct error *error)
{
	struct change_digest content;
	struct kept_changes changes = {.head = value};
	const struct zone_snapshot *version = load_records(store, apex, value, &content, error);
	bool wants_changes = history != NULL || value->base < value->next;
	if (version != NULL && wants_changes && !load_changes(store, apex, value, &changes, error)) {
		zone_unref(version);
		version = NULL;
	}
	if (version != NULL) {
		version = follow(version, content, &changes, error);
	}
	if (version != NULL && history != NULL) {
		*history = history_of(store, &changes, version);
	}
	kept_changes_deinit(&changes);
	return version;
}

/* A version that was on its way has been made durable since; the records of the one before are gone. */
static bool has_moved(struct store *store, const uint8_t *apex, struct store_head_value *value)
{
	struct error error;
	struct store_head_value before = *value;
	return store_load_head_value(store, apex, value, &error) &&
	       (value->next != before.next || value->base != before.base || value->image != before.image);
}

const struct zone_snapshot *store_load_version(struct store *store, const uint8_t *apex, struct store_head *head,
                                               const struct change_history **history, struct error *error)
{
	struct store_head_value value;
	if (history != NULL) {
		*history = NULL;
	}
	if (!store_load_head_value(store, apex, &value, error)) {
		return NULL;
	}
	const struct zone_snapshot *version = load_version(store, apex, &value, history, error);
	while (version == NULL && has_moved(store, apex, &value)) {
		version = load_version(store, apex, &value, history, error);
	}
	*head = value.head;
	return version;
}

/* ---- besides ---- */

struct source_octets {
	uint8_t *octets;
	size_t len;
};

static bool take_source(struct store_value_visitor *self, struct kv_bytes body)
{
	struct source_octets *source = self->out;
	source->octets = memory_copy(body.at, body.len);
	source->len = body.len;
	return true;
}

uint8_t *store_load_source(struct store *store, const uint8_t *apex, size_t *len)
{
	struct error error;
	struct source_octets source = {0};
	struct store_value_visitor visitor = {.take = take_source, .out = &source};
	if (!store_read_value(store, STORE_KEY_SOURCE, apex, &visitor, &error)) {
		return NULL;
	}
	*len = source.len;
	return source.octets;
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
