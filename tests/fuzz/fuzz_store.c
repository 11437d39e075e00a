/* SPDX-License-Identifier: MIT */
/* What a store holds of a zone, damaged. The first octet chooses what the rest is: a whole image, the records of an image
 * whose head speaks of them rightly, records in the key-value store, a changeset, a head or timers there; so that each is
 * read past every checksum and digest. Either it is refused, or it is a version, which is saved and comes back the same. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../unit/fake_kv.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "change/change.h"
#include "dns/dns.h"
#include "store/disk.h"
#include "store/store_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the first octet says. */
enum {
	WHOLE_IMAGE = 1,
	WRONG_COUNT = 2,
	OTHER_CLASS = 4,
	PRIMARY = 8,
	INLINE = 16,
	HEAD = 32,
	TIMERS = 64,
	CHANGE = 128
};

static const uint8_t apex[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static char folder[64];
static char image_path[sizeof folder + 40];
static char aside_path[sizeof image_path + 10];

static void remove_folder(void)
{
	unlink(image_path);
	unlink(aside_path);
	rmdir(folder);
}

static void make_folder(void)
{
	/* Where a sync costs nothing, if there is such a place. */
	strcpy(folder, "/dev/shm/tandem-fuzz-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/tandem-fuzz-XXXXXX");
		ensure(mkdtemp(folder) != NULL);
	}
	snprintf(image_path, sizeof image_path, "%s/example.0000000000000001", folder);
	snprintf(aside_path, sizeof aside_path, "%s.broken", image_path);
	atexit(remove_folder);
}

/* With the right checksum; `number` 0: the key has none. */
static void put(struct kv *kv, enum store_key kind, uint64_t number, const uint8_t *body, size_t len)
{
	struct error error;
	struct store_name name = store_key_of(kind, apex);
	struct kv_bytes value = {body, len};
	uint8_t *whole = memory_new(len + STORE_CHECKSUM_SIZE);
	if (len > 0) {
		memcpy(whole, body, len);
	}
	store_u64(whole + len, store_checksum(store_key_bytes(&name), value));
	if (number > 0) {
		name = store_key_of_change(apex, number);
	}
	ensure(kv->side->begin(kv, &error));
	ensure(kv->side->put(kv, store_key_bytes(&name), (struct kv_bytes){whole, len + STORE_CHECKSUM_SIZE}, &error));
	ensure(kv->side->commit(kv, &error));
	free(whole);
}

static void put_head(struct kv *kv, const struct store_head_value *value)
{
	uint8_t body[STORE_HEAD_SIZE_MAX];
	put(kv, STORE_KEY_HEAD, 0, body, store_head_write(value, body));
}

static uint16_t class_of(uint8_t choice)
{
	return (choice & OTHER_CLASS) != 0 ? DNS_CLASS_CH : DNS_CLASS_IN;
}

/* Of these records, if they are some: serial and digest are right then. */
static struct store_head_value head_of(uint8_t choice, enum store_place place, const uint8_t *records, size_t len)
{
	struct error error;
	struct store_head_value value = {
	        .head = {.role = (choice & PRIMARY) != 0 ? STORE_PRIMARY : STORE_SECONDARY, .class = class_of(choice)},
	        .place = place,
	        .image = place == STORE_IMAGE ? 1 : 0,
	        .first = 1,
	        .base = 1,
	        .next = 1,
	};
	const struct zone_snapshot *version =
	        store_records_read((struct kv_bytes){records, len}, apex, class_of(choice), &error);
	if (version != NULL) {
		value.head.serial_published = zone_serial(version);
		value.head.content = change_digest_of(version);
		zone_unref(version);
	}
	return value;
}

/* SOA, NS and A. */
static const uint8_t few_records[] = {
        9,  7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,   0,   6, 0, 0, 14, 16, 0,  22, 0, 0, 0,   0,  0, 5, 0,
        0,  0, 60,  0,   0,   0,   10,  0,   0,   2,   88,  0, 0, 0, 60, 0,  0,  2,  0, 0, 14,  16, 0, 1, 0,
        11, 1, 'a', 7,   'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0,  0,  14, 16, 0, 4, 192, 0,  2, 1,
};

static void put_change(struct kv *kv, uint8_t choice, const uint8_t *octets, size_t len)
{
	struct error error;
	struct store_note note = {.origin = CHANGE_FROM_TRANSFER, .who = "x"};
	struct store_head_value head = head_of(choice, STORE_INLINE, few_records, sizeof few_records);
	const struct changeset *set = changeset_from_octets(octets, len, &error);
	ensure(head.head.serial_published == 5);
	head.next = 2;
	if (set != NULL) {
		head.head.serial_published = changeset_facts(set).serial_to;
		head.head.content = change_digest_after(head.head.content, set);
	}
	changeset_unref(set);
	uint8_t *body = memory_new(STORE_CHANGE_HEAD_SIZE + STORE_WHO_MAX + len);
	size_t head_len = store_change_head_write(&note, body);
	if (len > 0) {
		memcpy(body + head_len, octets, len);
	}
	put_head(kv, &head);
	put(kv, STORE_KEY_RECORDS, 0, few_records, sizeof few_records);
	put(kv, STORE_KEY_CHANGE, 1, body, head_len + len);
	free(body);
}

static void write_image(const uint8_t *head, size_t head_len, const uint8_t *rest, size_t len)
{
	int fd = open(image_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ensure(fd >= 0);
	ensure(write(fd, head, head_len) == (ssize_t)head_len);
	ensure(write(fd, rest, len) == (ssize_t)len);
	close(fd);
}

/* An image of these records, if they are some; else octets that are none. */
static void write_records(uint8_t choice, const uint8_t *records, size_t len)
{
	struct error error;
	struct store_image image = {.role = STORE_SECONDARY};
	const struct zone_snapshot *version =
	        store_records_read((struct kv_bytes){records, len}, apex, class_of(choice), &error);
	if (version == NULL) {
		write_image(NULL, 0, records, len);
		return;
	}
	static const atomic_bool gives_up;
	struct change_digest digest = change_digest_of(version);
	struct store_known_content known = store_known_content(&digest);
	ensure(store_image_save(disk_posix(), image_path, &image, &known.content, zone_ref(version), &gives_up,
	                        &error));
	zone_unref(version);
}

static void damage(struct kv *kv, uint8_t choice, const uint8_t *data, size_t size)
{
	struct store_head_value head;
	if ((choice & HEAD) != 0) {
		put(kv, STORE_KEY_HEAD, 0, data, size);
	} else if ((choice & TIMERS) != 0) {
		put(kv, STORE_KEY_TIMERS, 0, data, size);
		put(kv, STORE_KEY_ACKNOWLEDGEMENTS, 0, data, size);
	} else if ((choice & CHANGE) != 0) {
		put_change(kv, choice, data, size);
	} else if ((choice & INLINE) != 0) {
		head = head_of(choice, STORE_INLINE, data, size);
		put_head(kv, &head);
		put(kv, STORE_KEY_RECORDS, 0, data, size);
	} else {
		head = head_of(choice, STORE_IMAGE, data, size);
		put_head(kv, &head);
		if ((choice & WHOLE_IMAGE) != 0) {
			write_image(NULL, 0, data, size);
		} else {
			write_records(choice, data, size);
		}
	}
}

static void save(struct store *store, const struct store_head *head, const struct zone_snapshot *version)
{
	struct store_write *write = store_write_new(store, apex);
	struct store_note note = {.origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};
	store_write_version(write, head, &note, version);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
}

static void save_and_load(struct store *store, const struct store_head *head, const struct zone_snapshot *version)
{
	struct error error;
	struct store_head found;
	save(store, head, version);
	const struct zone_snapshot *back = store_load_version(store, apex, &found, NULL, &error);
	ensure(back != NULL && zone_class(back) == zone_class(version));
	ensure(found.serial_published == head->serial_published && found.role == head->role);
	struct change_counts counts = change_count(version, back);
	ensure(counts.added + counts.removed == 0);
	zone_unref(back);
}

static void load(struct store *store)
{
	struct store_head head;
	struct error error = {.text = ""};
	struct store_acknowledgement acknowledgements[STORE_ACKNOWLEDGEMENTS_MAX];
	const struct change_history *history;
	const struct zone_snapshot *version = store_load_version(store, apex, &head, &history, &error);
	change_history_unref(history);
	store_load_timers(store, apex);
	ensure(store_load_acknowledgements(store, apex, 0, acknowledgements) <= STORE_ACKNOWLEDGEMENTS_MAX);
	if (version != NULL) {
		head.content = change_digest_of(version); /* a changeset may give another TTL to what it removes */
		save_and_load(store, &head, version);
		zone_unref(version);
		return;
	}
	ensure(error.text[0] != '\0');
	/* What was refused does not stand in the way of what comes next. */
	save(store, &(struct store_head){.role = STORE_PRIMARY, .serial_published = 7}, NULL);
	ensure(store_load_head(store, apex, &head, NULL, NULL, &error) && head.serial_published == 7);
}

static void remove_image(void *context, const struct store_image_file *file)
{
	(void)context;
	unlink(file->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error;
	if (size == 0) {
		return 0;
	}
	if (folder[0] == '\0') {
		make_folder();
	}
	struct fake_kv *fake = fake_kv_new();
	damage(fake_kv_side(fake), data[0], data + 1, size - 1);
	struct store *store = store_new(fake_kv_side(fake), disk_posix(), folder, &error);
	ensure(store != NULL);
	load(store);
	store_close(store);
	fake_kv_free(fake);
	store_images_each(disk_posix(), folder, remove_image, NULL);
	unlink(aside_path);
	return 0;
}
