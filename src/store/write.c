/* SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "store/store_internal.h"

/* A version of so few octets stands in the key-value store itself: a file for each of many small zones would cost more than
 * all else of them. */
#define INLINE_MAX 16384

struct store_write *store_write_new(struct store *store, const uint8_t *apex)
{
	struct store_write *write = memory_new(sizeof *write);
	write->store = store;
	write->apex = dns_name_of(apex);
	return write;
}

void store_image_remove(const struct store_write *write, uint64_t image)
{
	if (image != 0) {
		char *path = store_image_path(write->store->images, write->apex.wire, image);
		write->store->disk->side->remove(write->store->disk, path);
		free(path);
	}
}

void store_write_free(struct store_write *take)
{
	if (take == NULL) {
		return;
	}
	store_image_remove(take, take->image);
	for (struct store_put *put = take->puts; put != NULL;) {
		struct store_put *next = put->next;
		free(put);
		put = next;
	}
	free(take->change);
	free(take->error);
	free(take);
}

/* Room for a value's body; its checksum comes behind. */
static struct store_put *put_new(enum store_key kind, size_t body_len)
{
	struct store_put *put = memory_new(sizeof *put + body_len + STORE_CHECKSUM_SIZE);
	put->kind = kind;
	put->len = body_len + STORE_CHECKSUM_SIZE;
	return put;
}

static void add(struct store_write *write, struct store_put *take)
{
	take->next = write->puts;
	write->puts = take;
}

static void seal(const struct store_write *write, struct store_put *put)
{
	struct store_name key = store_key_of(put->kind, write->apex.wire);
	struct kv_bytes body = {.at = put->value, .len = put->len - STORE_CHECKSUM_SIZE};
	store_u64(put->value + body.len, store_checksum(store_key_bytes(&key), body));
}

static void seal_and_add(struct store_write *write, struct store_put *take)
{
	seal(write, take);
	add(write, take);
}

void store_write_put(struct store_write *write, enum store_key kind, const uint8_t *body, size_t len)
{
	struct store_put *put = put_new(kind, len);
	memcpy(put->value, body, len);
	seal_and_add(write, put);
}

static void add_removal(struct store_write *write, enum store_key kind)
{
	struct store_put *put = memory_new(sizeof *put);
	put->kind = kind;
	put->is_removal = true;
	add(write, put);
}

void store_write_remove_change(struct store_write *write, uint64_t number)
{
	add_removal(write, STORE_KEY_CHANGE);
	write->puts->number = number;
}

/* Records that may be few. */
struct few_records {
	struct store_record_sink sink; /* first */
	struct store_put *put;
	size_t len;
	bool are_many;
};

static void keep_few(struct store_record_sink *self, const void *bytes, size_t len)
{
	struct few_records *records = (struct few_records *)self;
	if (records->are_many || records->len + len > INLINE_MAX) {
		records->are_many = true;
		return;
	}
	memcpy(records->put->value + records->len, bytes, len);
	records->len += len;
}

/* A record of the smallest kind, root and A, takes 12 octets or more. */
static bool may_be_few(const struct zone_snapshot *snapshot)
{
	struct zone_facts facts;
	zone_facts(snapshot, &facts);
	return facts.records <= INLINE_MAX / 8;
}

static bool add_few(struct store_write *write, const struct zone_snapshot *snapshot, struct store_head_value *value)
{
	struct few_records records = {.sink.write = keep_few};
	if (!may_be_few(snapshot)) {
		return false;
	}
	records.put = put_new(STORE_KEY_RECORDS, INLINE_MAX);
	store_records_write(snapshot, &records.sink);
	if (records.are_many) {
		free(records.put);
		return false;
	}
	value->place = STORE_INLINE;
	records.put = memory_resize(records.put, 1, sizeof *records.put + records.len + STORE_CHECKSUM_SIZE);
	records.put->len = records.len + STORE_CHECKSUM_SIZE;
	seal_and_add(write, records.put);
	return true;
}

void store_give_up_images(struct store *store)
{
	atomic_store(&store->gives_up_images, true);
}

static struct change_digest know_known(struct store_content *self)
{
	return ((struct store_known_content *)self)->digest;
}

struct store_known_content store_known_content(const struct change_digest *digest)
{
	return (struct store_known_content){.content.know = know_known, .digest = *digest};
}

static void write_image(struct store_write *write, const struct zone_snapshot *take, struct store_head_value *value,
                        struct store_content *content)
{
	struct store *store = write->store;
	struct error error;
	struct store_image image = {.role = value->head.role};
	write->image = atomic_fetch_add(&store->image_last, 1) + 1;
	char *path = store_image_path(store->images, write->apex.wire, write->image);
	if (!store_image_save(store->disk, path, &image, content, take, &store->gives_up_images, &error)) {
		write->error = memory_copy(&error, sizeof error);
		write->image = 0;
	}
	free(path);
	value->place = STORE_IMAGE;
	value->image = write->image;
	add_removal(write, STORE_KEY_RECORDS);
}

/* Where the records go, and the value says where. */
static void write_records(struct store_write *write, const struct zone_snapshot *take, struct store_content *content)
{
	struct store_head_value *value = &write->value;
	if (take == NULL) {
		value->place = STORE_NOWHERE;
		add_removal(write, STORE_KEY_RECORDS);
	} else if (add_few(write, take, value)) {
		zone_unref(take);
	} else {
		write_image(write, take, value, content);
	}
}

static void begin_step(struct store_write *write, enum store_step step)
{
	ensure(write->step == STORE_STEP_NONE);
	write->step = step;
}

void store_write_version_beside(struct store_write *write, const struct store_head *head, const struct store_note *note,
                                const struct zone_snapshot *records, struct store_content *content)
{
	begin_step(write, STORE_STEP_VERSION);
	write->value = (struct store_head_value){.head = *head, .note = *note};
	if (records != NULL) {
		write->value.head.class = zone_class(records);
	}
	write_records(write, records == NULL ? NULL : zone_ref(records), content);
	write->value.head.content = content->know(content);
	add_removal(write, STORE_KEY_ACKNOWLEDGEMENTS);
}

void store_write_version(struct store_write *write, const struct store_head *head, const struct store_note *note,
                         const struct zone_snapshot *records)
{
	struct store_known_content known = store_known_content(&head->content);
	store_write_version_beside(write, head, note, records, &known.content);
}

/* The changeset's value. Its number is not known yet, and is no part of what the checksum is of. */
static struct store_put *change_value(const struct store_write *write, const struct store_note *note,
                                      const struct changeset *set)
{
	size_t len;
	uint8_t head[STORE_CHANGE_HEAD_SIZE + STORE_WHO_MAX - 1];
	const uint8_t *octets = changeset_octets(set, &len);
	size_t head_len = store_change_head_write(note, head);
	struct store_put *put = put_new(STORE_KEY_CHANGE, head_len + len);
	memcpy(put->value, head, head_len);
	memcpy(put->value + head_len, octets, len);
	seal(write, put);
	return put;
}

void store_write_change(struct store_write *write, const struct store_head *before, const struct store_head *head,
                        const struct store_note *note, const struct changeset *set,
                        const struct change_history_limits *limits, bool may_begin)
{
	begin_step(write, STORE_STEP_CHANGE);
	write->may_begin = may_begin;
	write->value = (struct store_head_value){.head = *head, .note = *note};
	write->before = *before;
	write->limits = *limits;
	write->change = change_value(write, note, set);
	add_removal(write, STORE_KEY_ACKNOWLEDGEMENTS);
}

void store_write_copy(struct store_write *write, const struct store_head *head, uint64_t number,
                      const struct zone_snapshot *take)
{
	begin_step(write, STORE_STEP_COPY);
	write->value = (struct store_head_value){.head = *head};
	struct store_known_content known = store_known_content(&head->content);
	write->number = number;
	write_records(write, take, &known.content);
}

void store_write_source(struct store_write *write, const uint8_t *octets, size_t len)
{
	store_write_put(write, STORE_KEY_SOURCE, octets, len);
}

void store_write_timers(struct store_write *write, const struct change_deadlines *timers)
{
	uint8_t body[STORE_TIMERS_SIZE_MAX];
	store_write_put(write, STORE_KEY_TIMERS, body, store_timers_write(timers, body));
}

void store_write_acknowledgements(struct store_write *write, uint32_t serial,
                                  const struct store_acknowledgement *acknowledgements, size_t count)
{
	uint8_t body[STORE_ACKNOWLEDGEMENTS_SIZE];
	size_t len = store_acknowledgements_write(serial, acknowledgements, count, body);
	store_write_put(write, STORE_KEY_ACKNOWLEDGEMENTS, body, len);
}

void store_write_forget(struct store_write *write)
{
	static const enum store_key kinds[] = {STORE_KEY_RECORDS, STORE_KEY_SOURCE, STORE_KEY_TIMERS,
	                                       STORE_KEY_ACKNOWLEDGEMENTS};
	begin_step(write, STORE_STEP_FORGET);
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		add_removal(write, kinds[i]);
	}
}
