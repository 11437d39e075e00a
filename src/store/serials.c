/* SPDX-License-Identifier: MIT */
/* Which serials primaries may have given, for the day on which the key-value store is lost: a file beside it, in which blocks of
 * serials are noted before the first of a block is given. So it is written once for many versions, and read on that day alone.
 *
 * I8  A primary's serial is not durable before its block is. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/serial.h"
#include "store/store_internal.h"

#define FORMAT_VERSION 1
#define HEAD_SIZE      12
/* A name, a serial and a checksum. */
#define NOTE_SIZE_MAX (DNS_NAME_MAX + 4 + STORE_CHECKSUM_SIZE)
/* Zones that change for long fill the file with notes of the same zones: it is written anew when it has so many octets more
 * than twice what it began with. */
#define GROWTH_MAX ((uint64_t)1 << 20)

static const uint8_t head_octets[HEAD_SIZE] = {'T', 'A', 'N', 'D', 'E', 'M', ' ', 'S', 0, 0, 0, FORMAT_VERSION};

static char *path_of(const struct store *store)
{
	return store_path_in(store->folder, "serials");
}

static uint64_t checksum_of(struct kv_bytes note)
{
	return store_checksum((struct kv_bytes){head_octets, HEAD_SIZE}, note);
}

/* ---- octets ---- */

struct gathered {
	uint8_t *octets;
	size_t len;
	size_t capacity;
};

static void gather(struct gathered *to, const void *octets, size_t len)
{
	memory_reserve((void **)&to->octets, &to->capacity, to->len + len, 1);
	memcpy(to->octets + to->len, octets, len);
	to->len += len;
}

static void gather_note(struct gathered *to, const uint8_t *apex, uint32_t serial)
{
	uint8_t note[NOTE_SIZE_MAX];
	struct dns_name lower;
	dns_name_lower(apex, &lower);
	memcpy(note, lower.wire, lower.len);
	store_u32(note + lower.len, serial);
	store_u64(note + lower.len + 4, checksum_of((struct kv_bytes){note, lower.len + 4}));
	gather(to, note, lower.len + 4 + STORE_CHECKSUM_SIZE);
}

/* The note that begins here; false: none does. */
static bool read_note(const uint8_t *at, size_t left, struct store_serial_note *out, size_t *len)
{
	struct reader in = reader_of(at, left);
	const uint8_t *name = dns_name_read_plain(&in);
	uint32_t serial = read_u32(&in);
	uint64_t checksum = read_u64(&in);
	if (in.failed || name == NULL) {
		return false;
	}
	*len = left - reader_left(&in);
	out->apex = name;
	out->serial = serial;
	return checksum == checksum_of((struct kv_bytes){at, *len - STORE_CHECKSUM_SIZE});
}

/* ---- reading ---- */

static int by_name_and_place(const void *a, const void *b)
{
	const struct store_serial_note *first = a;
	const struct store_serial_note *second = b;
	size_t first_len = dns_name_of(first->apex).len;
	size_t second_len = dns_name_of(second->apex).len;
	int order = memcmp(first->apex, second->apex, first_len < second_len ? first_len : second_len);
	return order != 0 ? order : (first->apex > second->apex) - (first->apex < second->apex);
}

/* Of each zone the newest; a note is newer than one before it, unless its serial says otherwise. */
static void keep_newest(struct store_serials *serials)
{
	size_t kept = 0;
	for (size_t i = 0; i < serials->count; i++) {
		const struct store_serial_note *note = &serials->notes[i];
		struct store_serial_note *last = kept == 0 ? NULL : &serials->notes[kept - 1];
		if (last == NULL || !dns_name_equal(last->apex, note->apex)) {
			serials->notes[kept++] = *note;
		} else if (dns_serial_compare(note->serial, last->serial) != DNS_SERIAL_OLDER) {
			last->serial = note->serial;
		}
	}
	serials->count = kept;
}

/* What is damaged is left out. */
static void read_notes(struct store_serials *serials, size_t len)
{
	size_t capacity = 0;
	for (size_t at = HEAD_SIZE; at < len;) {
		struct store_serial_note note;
		size_t note_len;
		if (read_note(serials->octets + at, len - at, &note, &note_len)) {
			memory_reserve((void **)&serials->notes, &capacity, serials->count + 1, sizeof note);
			serials->notes[serials->count++] = note;
			at += note_len;
		} else {
			at++;
		}
	}
}

void store_serials_read(struct store *store, struct store_serials *out)
{
	struct error error;
	size_t len;
	char *path = path_of(store);
	*out = (struct store_serials){0};
	if (store->disk->side->read(store->disk, path, &out->octets, &len, &error) && len >= HEAD_SIZE &&
	    memcmp(out->octets, head_octets, HEAD_SIZE) == 0) {
		read_notes(out, len);
	}
	if (out->count > 0) {
		qsort(out->notes, out->count, sizeof *out->notes, by_name_and_place);
		keep_newest(out);
	}
	free(path);
}

void store_serials_deinit(struct store_serials *serials)
{
	free(serials->notes);
	free(serials->octets);
}

static int by_name(const void *apex, const void *note)
{
	const uint8_t *name = ((const struct store_serial_note *)note)->apex;
	size_t len = dns_name_of(apex).len;
	size_t name_len = dns_name_of(name).len;
	int order = memcmp(apex, name, len < name_len ? len : name_len);
	return order != 0 ? order : (len > name_len) - (len < name_len);
}

const struct store_serial_note *store_serials_find(const struct store_serials *serials, const uint8_t *apex)
{
	struct dns_name lower;
	dns_name_lower(apex, &lower);
	return serials->count == 0
	               ? NULL
	               : bsearch(lower.wire, serials->notes, serials->count, sizeof *serials->notes, by_name);
}

/* A block's serials are given in their order, so whatever is before it may have been given, and of itself any. */
struct store_head store_serials_head(const struct store_serial_note *note)
{
	return (struct store_head){
	        .role = STORE_PRIMARY,
	        .class = 1,
	        .serial_published = note->serial - STORE_SERIALS_BLOCK,
	        .has_top = true,
	        .top = note->serial,
	};
}

bool store_load_serials(struct store *store, const uint8_t *apex, struct store_head *head)
{
	struct store_serials serials;
	store_serials_read(store, &serials);
	const struct store_serial_note *note = store_serials_find(&serials, apex);
	if (note != NULL) {
		*head = store_serials_head(note);
	}
	store_serials_deinit(&serials);
	return note != NULL;
}

bool store_has_serials(struct store *store)
{
	uint8_t head[HEAD_SIZE];
	int64_t written_at_s;
	char *path = path_of(store);
	bool has_some = store->disk->side->look(store->disk, path, head, sizeof head, &written_at_s) &&
	                memcmp(head, head_octets, sizeof head) == 0;
	free(path);
	return has_some;
}

/* ---- writing ---- */

uint32_t store_serials_block(uint32_t serial)
{
	return serial | (STORE_SERIALS_BLOCK - 1);
}

static void note_head(struct gathered *gathered, const uint8_t *apex, const struct store_head *head)
{
	uint32_t serial = store_serials_block(head->serial_published);
	if (head->role != STORE_PRIMARY) {
		return;
	}
	if (head->has_top && dns_serial_compare(head->top, serial) == DNS_SERIAL_NEWER) {
		serial = head->top;
	}
	gather_note(gathered, apex, serial);
}

/* What the heads say; and of zones without a head that can be read, what was noted before. */
static bool gather_all(struct store *store, struct gathered *gathered, struct error *error)
{
	struct store_zone_names names;
	struct store_serials before;
	struct store_head_value value;
	struct error none;
	if (!store_zone_names(store, &names, error)) {
		return false;
	}
	store_serials_read(store, &before);
	gather(gathered, head_octets, HEAD_SIZE);
	for (size_t at = 0; at < names.len; at += dns_name_of(names.names + at).len) {
		if (store_load_head_value(store, names.names + at, &value, &none)) {
			note_head(gathered, names.names + at, &value.head);
		}
	}
	for (size_t i = 0; i < before.count; i++) {
		if (!store_load_head_value(store, before.notes[i].apex, &value, &none)) {
			gather_note(gathered, before.notes[i].apex, before.notes[i].serial);
		}
	}
	store_serials_deinit(&before);
	free(names.names);
	return true;
}

void store_serials_end(struct store *store)
{
	if (store->serials != NULL) {
		store->disk->side->close(store->serials);
		store->serials = NULL;
	}
}

/* Beside what is there, and renamed over it. */
static bool write_all(struct store *store, const char *path, const struct gathered *all, struct error *error)
{
	const struct disk_side *side = store->disk->side;
	char *path_new = store_path_in(store->folder, "serials.new");
	store->serials = side->create(store->disk, path_new, error);
	bool done = store->serials != NULL && side->write(store->serials, 0, all->octets, all->len, error) &&
	            side->sync(store->serials, error) && side->rename(store->disk, path_new, path, error) &&
	            side->sync_folder(store->disk, path, error);
	if (!done) {
		store_serials_end(store);
		side->remove(store->disk, path_new);
	}
	free(path_new);
	return done;
}

bool store_serials_begin(struct store *store, struct error *error)
{
	struct gathered all = {0};
	char *path = path_of(store);
	store_serials_end(store);
	bool done = gather_all(store, &all, error) && write_all(store, path, &all, error);
	store->serials_len = all.len;
	store->serials_len_max = 2 * all.len + GROWTH_MAX;
	free(all.octets);
	free(path);
	return done;
}

bool store_serials_add(struct store *store, const struct store_write *first, struct error *error)
{
	const struct disk_side *side = store->disk->side;
	struct gathered notes = {0};
	for (const struct store_write *write = first; write != NULL; write = write->next) {
		if (write->block_begins) {
			gather_note(&notes, write->apex.wire, store_serials_block(write->value.head.serial_published));
		}
	}
	bool done =
	        notes.len == 0 || (side->write(store->serials, store->serials_len, notes.octets, notes.len, error) &&
	                           side->sync(store->serials, error));
	store->serials_len += notes.len;
	if (!done || store->serials_len > store->serials_len_max) {
		store_serials_end(store); /* after a sync that failed nobody knows what is there: it is written anew */
	}
	free(notes.octets);
	return done;
}
