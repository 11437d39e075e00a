/* SPDX-License-Identifier: MIT */
/* Copies a store while it is written to.
 *
 * Nothing in the store ties one zone to another, so zones are copied one by one, each as it was at one moment. Reading keeps
 * writers from beginning (kv_lmdb.c), so every value is read by itself; what was read belongs together when the head still
 * says, afterwards, that the same records lead to the newest version: changesets never change, and one that came meanwhile
 * is simply not part of the copy.
 *
 * The file of the copy has its name only when all else is there and synced. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/store_internal.h"

/* LMDB holds in memory what a transaction changes. */
#define GROUP_OCTETS_MAX ((size_t)16 << 20)
/* A zone whose records were replaced so often while it was read is not worth waiting for. */
#define ATTEMPTS_MAX 1000

struct backup {
	struct store *store;
	struct kv *to;
	const char *folder;
	char *path; /* of the copy's file */
	char *path_unfinished;
	char *images;
	bool made_folder; /* it was not there before */
	bool owns_folder; /* what is in it is ours */
	const atomic_bool *stop;
	struct store_backup_counts *counts;
	bool is_writing; /* a transaction is open */
	size_t pending;  /* octets in it */
};

/* What became of copying one thing of a zone. */
enum copied {
	COPIED,
	COPIED_BROKEN, /* the store has it no more, or it is damaged; `error` says how */
	COPIED_FAILED, /* the copy cannot be written; `error` says why */
};

/* ---- values ---- */

/* One value as it stands, checksum and all. */
struct raw_value {
	struct kv_visitor visitor; /* first */
	uint8_t *bytes;            /* NULL: there is none, or it fails its checksum */
	size_t len;
};

static bool keep_raw(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct raw_value *raw = (struct raw_value *)self;
	if (key.at[0] == STORE_KEY_CHANGE) {
		key.len -= STORE_NUMBER_SIZE;
	}
	if (store_checked(key, value).at != NULL) {
		raw->bytes = memory_copy(value.at, value.len);
		raw->len = value.len;
	}
	return false;
}

static bool begin_group(struct backup *backup, struct error *error)
{
	backup->pending = 0;
	backup->is_writing = backup->to->side->begin(backup->to, error);
	return backup->is_writing;
}

static bool commit_group(struct backup *backup, struct error *error)
{
	backup->is_writing = false; /* a commit that fails has ended it, too */
	return backup->to->side->commit(backup->to, error);
}

static bool put(struct backup *backup, const struct store_name *key, const uint8_t *bytes, size_t len,
                struct error *error)
{
	struct kv_bytes value = {.at = bytes, .len = len};
	backup->pending += len;
	return backup->to->side->put(backup->to, store_key_bytes(key), value, error) &&
	       (backup->pending < GROUP_OCTETS_MAX || (commit_group(backup, error) && begin_group(backup, error)));
}

/* `len` (may be NULL) gets its octets. */
static enum copied copy_value(struct backup *backup, const struct store_name *key, size_t *len, struct error *error)
{
	struct kv *from = backup->store->kv;
	struct raw_value raw = {.visitor.visit = keep_raw};
	if (!from->side->read(from, store_key_bytes(key), &raw.visitor, error)) {
		return COPIED_BROKEN;
	}
	if (raw.bytes == NULL) {
		error_set(error, ERROR_INVALID, "a value of it is missing or fails its checksum");
		return COPIED_BROKEN;
	}
	bool done = put(backup, key, raw.bytes, raw.len, error);
	free(raw.bytes);
	if (len != NULL) {
		*len = raw.len;
	}
	return done ? COPIED : COPIED_FAILED;
}

/* What a zone can do without. */
static bool copy_if_whole(struct backup *backup, enum store_key kind, const uint8_t *apex, struct error *error)
{
	struct store_name key = store_key_of(kind, apex);
	return copy_value(backup, &key, NULL, error) != COPIED_FAILED;
}

/* ---- images ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t written = write(fd, bytes, len);
		if (written < 0 && errno != EINTR) {
			return false;
		}
		bytes += written > 0 ? written : 0;
		len -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

#define PIECE ((size_t)256 << 10)

static enum copied copy_octets(int from, int to, const char *path_from, const char *path_to, struct error *error)
{
	uint8_t *piece = memory_new(PIECE);
	enum copied copied = COPIED;
	ssize_t got = 1;
	while (copied == COPIED && got != 0) {
		got = read(from, piece, PIECE);
		if (got < 0 && errno != EINTR) {
			error_set_errno(error, errno, "%s", path_from);
			copied = COPIED_BROKEN;
		} else if (got > 0 && !write_all(to, piece, (size_t)got)) {
			error_set_errno(error, errno, "%s", path_to);
			copied = COPIED_FAILED;
		}
	}
	if (copied == COPIED && fsync(to) != 0) {
		error_set_errno(error, errno, "%s", path_to);
		copied = COPIED_FAILED;
	}
	free(piece);
	return copied;
}

static enum copied copy_file(const char *path_from, const char *path_to, struct error *error)
{
	int from = open(path_from, O_RDONLY | O_CLOEXEC);
	if (from < 0) {
		error_set_errno(error, errno, "%s", path_from);
		return COPIED_BROKEN;
	}
	enum copied copied = COPIED_FAILED;
	int to = open(path_to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (to < 0) {
		error_set_errno(error, errno, "%s", path_to);
	} else {
		copied = copy_octets(from, to, path_from, path_to, error);
		close(to);
	}
	close(from);
	return copied;
}

/* An image never changes, so on the same file system a second name is as good as a copy. */
static enum copied copy_image(struct backup *backup, const uint8_t *apex, uint64_t id, struct error *error)
{
	char *from = store_image_path(backup->store->images, apex, id);
	char *to = store_image_path(backup->images, apex, id);
	enum copied copied = COPIED;
	if (link(from, to) != 0) {
		copied = copy_file(from, to, error);
	}
	free(from);
	free(to);
	return copied;
}

/* ---- a zone ---- */

static enum copied copy_records(struct backup *backup, const uint8_t *apex, const struct store_head_value *head,
                                struct error *error)
{
	struct store_name key = store_key_of(STORE_KEY_RECORDS, apex);
	switch (head->place) {
	case STORE_NOWHERE:
	case STORE_FORGOTTEN:
		break;
	case STORE_INLINE:
		return copy_value(backup, &key, NULL, error);
	case STORE_IMAGE:
		return copy_image(backup, apex, head->image, error);
	}
	return COPIED;
}

/* From the newest back. Of a history that has a gap the copy has what comes after it. */
static enum copied copy_changes(struct backup *backup, const uint8_t *apex, struct store_head_value *head,
                                struct error *error)
{
	uint64_t number = head->next;
	head->octets = head->behind = 0;
	while (number > head->first) {
		size_t len = 0;
		struct store_name key = store_key_of_change(apex, number - 1);
		enum copied copied = copy_value(backup, &key, &len, error);
		if (copied == COPIED_BROKEN && number <= head->base) {
			head->first = number;
			return COPIED;
		}
		if (copied != COPIED) {
			return copied;
		}
		number--;
		head->octets += len;
		head->behind += number >= head->base ? len : 0;
	}
	return COPIED;
}

static bool put_head(struct backup *backup, const uint8_t *apex, const struct store_head_value *head,
                     struct error *error)
{
	uint8_t value[STORE_HEAD_SIZE_MAX + STORE_CHECKSUM_SIZE];
	struct store_name key = store_key_of(STORE_KEY_HEAD, apex);
	size_t len = store_head_write(head, value);
	struct kv_bytes body = {.at = value, .len = len};
	store_u64(value + len, store_checksum(store_key_bytes(&key), body));
	return put(backup, &key, value, len + STORE_CHECKSUM_SIZE, error);
}

/* Takes back what an attempt has copied. */
static bool remove_attempt(struct backup *backup, const uint8_t *apex, const struct store_head_value *head,
                           struct error *error)
{
	struct kv *to = backup->to;
	struct store_name records = store_key_of(STORE_KEY_RECORDS, apex);
	bool done = to->side->remove(to, store_key_bytes(&records), error);
	for (uint64_t number = head->first; done && number < head->next; number++) {
		struct store_name key = store_key_of_change(apex, number);
		done = to->side->remove(to, store_key_bytes(&key), error);
	}
	if (head->place == STORE_IMAGE) {
		char *path = store_image_path(backup->images, apex, head->image);
		unlink(path);
		free(path);
	}
	return done;
}

static bool leads_from_the_same(const struct store_head_value *a, const struct store_head_value *b)
{
	return a->base == b->base && a->place == b->place && a->image == b->image;
}

/* All but what is put last. `kept` gets what of the head is in the copy. */
static enum copied copy_parts(struct backup *backup, const uint8_t *apex, struct store_head_value *kept,
                              struct error *error)
{
	enum copied copied = copy_records(backup, apex, kept, error);
	if (copied == COPIED) {
		copied = copy_changes(backup, apex, kept, error);
	}
	if (copied == COPIED && !copy_if_whole(backup, STORE_KEY_SOURCE, apex, error)) {
		copied = COPIED_FAILED;
	}
	return copied;
}

/* What a later version was made of would have this one pass for it. */
static bool end_zone(struct backup *backup, const uint8_t *apex, const struct store_head_value *kept, bool is_newest,
                     struct error *error)
{
	struct store_name source = store_key_of(STORE_KEY_SOURCE, apex);
	return (is_newest || backup->to->side->remove(backup->to, store_key_bytes(&source), error)) &&
	       copy_if_whole(backup, STORE_KEY_TIMERS, apex, error) &&
	       copy_if_whole(backup, STORE_KEY_ACKNOWLEDGEMENTS, apex, error) && put_head(backup, apex, kept, error);
}

/* `was_moved`: the records were replaced meanwhile; nothing is copied. */
static enum copied try_zone(struct backup *backup, const uint8_t *apex, bool *was_moved, struct error *error)
{
	struct store_head_value head;
	struct store_head_value after;
	struct error cause;
	*was_moved = false;
	if (!store_load_head_value(backup->store, apex, &head, error)) {
		return COPIED_BROKEN;
	}
	struct store_head_value kept = head;
	enum copied copied = copy_parts(backup, apex, &kept, error);
	if (copied == COPIED_FAILED) {
		return COPIED_FAILED;
	}
	bool is_there = store_load_head_value(backup->store, apex, &after, &cause);
	*was_moved = is_there && !leads_from_the_same(&head, &after);
	if (copied == COPIED && is_there && !*was_moved) {
		backup->counts->zones += head.place != STORE_FORGOTTEN;
		backup->counts->images += head.place == STORE_IMAGE;
		return end_zone(backup, apex, &kept, after.next == head.next, error) ? COPIED : COPIED_FAILED;
	}
	if (copied == COPIED) {
		*error = cause;
	}
	if (!remove_attempt(backup, apex, &head, &cause)) {
		*error = cause;
		return COPIED_FAILED;
	}
	return COPIED_BROKEN;
}

static void leave_out(struct backup *backup, const uint8_t *apex, const struct error *error)
{
	char name[DNS_NAME_TEXT_MAX];
	dns_name_to_text_short(apex, name);
	log_error("zone %s: is left out of the backup: %s", name, error->text);
	if (backup->counts->left_out++ == 0) {
		snprintf(backup->counts->why, sizeof backup->counts->why, "zone %s: %.*s", name,
		         (int)(sizeof backup->counts->why - DNS_NAME_TEXT_MAX - 8), error->text);
	}
}

static bool copy_zone(struct backup *backup, const uint8_t *apex, struct error *error)
{
	bool was_moved = true;
	enum copied copied = COPIED_BROKEN;
	for (unsigned attempt = 0; was_moved && attempt < ATTEMPTS_MAX; attempt++) {
		copied = try_zone(backup, apex, &was_moved, error);
	}
	switch (copied) {
	case COPIED:
		return true;
	case COPIED_BROKEN:
		if (was_moved) {
			error_set(error, ERROR_LIMIT, "it is replaced faster than it can be copied");
		}
		leave_out(backup, apex, error);
		return true;
	case COPIED_FAILED:
		return false;
	}
	return false;
}

static bool copy_zones(struct backup *backup, const struct store_zone_names *names, struct error *error)
{
	const uint8_t *name = names->names;
	for (size_t i = 0; i < names->count; i++) {
		if (backup->stop != NULL && atomic_load(backup->stop)) {
			return error_set(error, ERROR_STOPPED, "the server is stopping");
		}
		if (!copy_zone(backup, name, error)) {
			return false;
		}
		name += dns_name_of(name).len;
	}
	return true;
}

/* ---- all ---- */

static bool copy_format(struct backup *backup, struct error *error)
{
	return copy_if_whole(backup, STORE_KEY_FORMAT, (const uint8_t *)"", error);
}

static bool copy_all(struct backup *backup, struct error *error)
{
	struct store_zone_names names;
	if (!store_zone_names(backup->store, &names, error)) {
		return false;
	}
	bool done = begin_group(backup, error) && copy_format(backup, error) && copy_zones(backup, &names, error) &&
	            commit_group(backup, error);
	if (backup->is_writing) {
		backup->to->side->abort(backup->to);
	}
	free(names.names);
	return done;
}

static bool is_empty(const char *folder, struct error *error)
{
	DIR *entries = opendir(folder);
	bool any = false;
	if (entries == NULL) {
		return error_set_errno(error, errno, "%s", folder);
	}
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		/* The last one is a new file system's own. */
		any = any || (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		              strcmp(entry->d_name, "lost+found") != 0);
	}
	closedir(entries);
	return !any || error_set(error, ERROR_EXISTS, "%s: is not empty; a backup needs a folder of its own", folder);
}

static bool begin(struct backup *backup, struct error *error)
{
	struct stat there;
	backup->made_folder = stat(backup->folder, &there) != 0;
	if (!folder_make(backup->folder, error) || !is_empty(backup->folder, error)) {
		return false;
	}
	/* Of two that found it empty at the same time this one goes on, and nothing of it is the other's to remove. */
	if (mkdir(backup->images, 0750) != 0) {
		return error_set_errno(error, errno, "%s", backup->images);
	}
	backup->owns_folder = true;
	backup->to = kv_lmdb_open(backup->path_unfinished, false, error);
	return backup->to != NULL;
}

/* The file gets its name; all is synced. */
static bool finish(struct backup *backup, struct error *error)
{
	struct disk *disk = disk_posix();
	char *in_images = store_path_in(backup->images, "any");
	bool done = disk->side->sync_folder(disk, in_images, error) &&
	            disk->side->rename(disk, backup->path_unfinished, backup->path, error) &&
	            disk->side->sync_folder(disk, backup->path, error);
	free(in_images);
	return done;
}

struct remover {
	struct disk_visitor visitor; /* first */
	const char *folder;
};

static void remove_one(struct disk_visitor *self, const char *name)
{
	char *path = store_path_in(((struct remover *)self)->folder, name);
	unlink(path); /* not a folder */
	free(path);
}

static void remove_all(struct backup *backup)
{
	struct remover remover = {.visitor.visit = remove_one, .folder = backup->images};
	disk_posix()->side->list(disk_posix(), backup->images, &remover.visitor);
	rmdir(backup->images);
	unlink(backup->path_unfinished);
	if (backup->made_folder) {
		rmdir(backup->folder);
	}
}

static void backup_deinit(struct backup *backup)
{
	free(backup->path);
	free(backup->path_unfinished);
	free(backup->images);
}

bool store_backup(struct store *store, const char *folder, const atomic_bool *stop, struct store_backup_counts *counts,
                  struct error *error)
{
	*counts = (struct store_backup_counts){0};
	struct backup backup = {
	        .store = store,
	        .folder = folder,
	        .path = store_path_in(folder, "store.mdb"),
	        .path_unfinished = store_path_in(folder, "store.mdb.new"),
	        .images = store_path_in(folder, "images"),
	        .stop = stop,
	        .counts = counts,
	};
	store_flush(store);
	bool done = begin(&backup, error) && copy_all(&backup, error);
	if (backup.to != NULL) {
		backup.to->side->close(backup.to);
	}
	done = done && finish(&backup, error);
	if (backup.owns_folder && !done) {
		remove_all(&backup);
	}
	backup_deinit(&backup);
	return done || error_context(error, "backup");
}
