/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/store_internal.h"

#define FORMAT_VERSION 2
/* Writes of a rebuilding that are committed at once. */
#define TOGETHER_MAX 1000

/* Two paths, and why. */
#define STORE_PROBLEM_MAX (2 * ERROR_TEXT_MAX)

char *store_path_in(const char *folder, const char *name)
{
	char *path = memory_new(strlen(folder) + strlen(name) + 2);
	sprintf(path, "%s/%s", folder, name);
	return path;
}

static int lock_folder(const char *folder, struct error *error)
{
	char *path = store_path_in(folder, "lock");
	/* Not for writing: it would keep the operator from mounting the file system read-only. */
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EROFS) {
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		error_set_errno(error, errno, "%s", path);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		error_set(error, ERROR_EXISTS, "data folder %s: another running server holds it", folder);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static bool is_on_read_only_system(int lock_fd)
{
	struct statvfs system;
	return fstatvfs(lock_fd, &system) == 0 && (system.f_flag & ST_RDONLY) != 0;
}

static bool take_format(struct store_value_visitor *self, struct kv_bytes body)
{
	*(uint32_t *)self->out = body.len == 4 ? load_u32(body.at) : 0;
	return body.len == 4;
}

/* A write for all zones: the format's. */
static void submit_format(struct store *store)
{
	uint8_t version[4];
	struct store_write *write = store_write_new(store, (const uint8_t *)"");
	store_u32(version, FORMAT_VERSION);
	store_write_put(write, STORE_KEY_FORMAT, version, sizeof version);
	store_submit(write, NULL, STORE_SOON);
}

/* A key of one letter and the root's name, which is as good as none. */
static bool check_format(struct store *store, bool *is_new, struct error *error)
{
	uint32_t version = FORMAT_VERSION;
	struct store_value_visitor visitor = {.take = take_format, .out = &version};
	if (!store_read_value(store, STORE_KEY_FORMAT, (const uint8_t *)"", &visitor, error)) {
		if (!visitor.is_broken) {
			return false;
		}
		/* All else has checksums of its own. */
		log_error("the store's note of its format is broken; it is taken for format %u and noted anew",
		          FORMAT_VERSION);
		version = FORMAT_VERSION;
		submit_format(store);
	}
	*is_new = !visitor.found;
	if (version < FORMAT_VERSION) {
		return error_set(
		        error, ERROR_STALE,
		        "the store is of format %u, which is no longer read; move the data folder away, it is made "
		        "anew from zone files and primaries",
		        version);
	}
	return version <= FORMAT_VERSION ||
	       error_set(
	               error, ERROR_STALE,
	               "the store is of format %u, this version of Tandem knows formats up to %u; start the newer one",
	               version, FORMAT_VERSION);
}

/* What a file in images/ means to the store. */
struct image_look {
	struct store *store;
	bool is_rebuilding; /* the heads are lost: what the images tell is taken, and which serials were given */
	struct store_waiter waiter;
	bool has_failed; /* some of that could not be written */
	unsigned rebuilt;
};

static void note_failure(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct image_look *look = (struct image_look *)((char *)self - offsetof(struct image_look, waiter));
	if (!is_durable && !look->has_failed) {
		log_error("what is left of the store could not be written: %s; it is tried again at the next start",
		          error->text);
	}
	look->has_failed = look->has_failed || !is_durable;
}

/* A primary may have given more serials since, to versions that are lost. */
static void set_top(struct image_look *look, const uint8_t *apex, struct store_head *head)
{
	const struct store_serial_note *note = store_serials_find(&look->store->lost, apex);
	head->has_top = note != NULL && head->role == STORE_PRIMARY;
	head->top = head->has_top ? note->serial : 0;
}

/* From an image's own head and the time it was written at: it was fresh then. */
static void rebuild_head(struct image_look *look, const struct store_image_file *file)
{
	struct store *store = look->store;
	const struct store_image *image = file->image;
	struct store_head_value value = {
	        .head = {.role = image->role,
	                 .class = image->class,
	                 .serial_published = image->serial,
	                 .content = image->content},
	        .note = {.at_s = file->written_at_s, .origin = CHANGE_FROM_STORE, .who = "an image"},
	        .place = STORE_IMAGE,
	        .image = file->id,
	};
	struct change_deadlines timers = {
	        .refreshed_at_s = file->written_at_s,
	        .refresh_at_s = file->written_at_s,
	        .expire_at_s = file->written_at_s + image->expire_s,
	};
	struct store_write *write = store_write_new(store, image->apex.wire);
	write->step = STORE_STEP_VERSION;
	write->value = value;
	set_top(look, image->apex.wire, &write->value.head);
	if (image->role == STORE_SECONDARY) {
		store_write_timers(write, &timers);
	}
	store_submit(write, &look->waiter, STORE_NOW);
}

/* An image tells more than there is, unless a version was published since: an earlier rebuilding may have been cut short, or
 * the disk refused it. */
static bool is_news(const struct store_head_value *value, bool has_head, const struct store_image_file *file)
{
	return !has_head || (value->note.origin == CHANGE_FROM_STORE && value->image < file->id);
}

/* Takes note of an image, and removes one that no head names: the server was killed before it did. */
static void look_at_image(void *context, const struct store_image_file *file)
{
	struct image_look *look = context;
	struct store *store = look->store;
	struct store_head_value value;
	struct error error;
	if (file->id > atomic_load(&store->image_last)) {
		atomic_store(&store->image_last, file->id);
	}
	if (file->image == NULL) {
		return; /* told when somebody wants it */
	}
	const uint8_t *apex = file->image->apex.wire;
	bool has_head = store_load_head_value(store, apex, &value, &error);
	if (look->is_rebuilding && is_news(&value, has_head, file)) {
		rebuild_head(look, file);
		store_commit(store);
		look->rebuilt += !has_head;
	} else if (has_head && (value.place != STORE_IMAGE || value.image != file->id)) {
		store->disk->side->remove(store->disk, file->path);
	}
}

/* Of zones whose records stood in the store itself the serials alone are known. */
static void rebuild_serials(struct image_look *look)
{
	struct store_head_value value;
	struct error error;
	for (size_t i = 0; i < look->store->lost.count; i++) {
		const struct store_serial_note *note = &look->store->lost.notes[i];
		if (!store_load_head_value(look->store, note->apex, &value, &error)) {
			struct store_head head = store_serials_head(note);
			struct store_note unknown = {.origin = CHANGE_FROM_STORE, .who = "the serials that were given"};
			struct store_write *write = store_write_new(look->store, note->apex);
			store_write_version(write, &head, &unknown, NULL);
			store_submit(write, &look->waiter, STORE_NOW);
		}
		if (i % TOGETHER_MAX == TOGETHER_MAX - 1) {
			store_commit(look->store);
		}
	}
	store_commit(look->store);
}

static void note_image(void *context, const struct store_image_file *file)
{
	(void)file;
	*(bool *)context = true;
}

static bool has_images(struct disk *disk, const char *images)
{
	bool has_some = false;
	store_images_each(disk, images, note_image, &has_some);
	return has_some;
}

/* What is told of it stays in `status`. */
static void tell_rebuilt(const struct image_look *look)
{
	struct text text;
	text_init(&text, STORE_PROBLEM_MAX);
	text_format(&text,
	            "the store is a new one: %u zones are known from their images alone, as they were when these were "
	            "written; all else is read or transferred anew; the serials of %zu zones of which this server is "
	            "the primary go on behind all that it may have given them",
	            look->rebuilt, look->store->lost.count);
	log_warning("%s", text_string(&text));
	look->store->problem = memory_copy_text(text_string(&text));
	text_deinit(&text);
}

static void end_rebuilding(struct image_look *look, bool is_new)
{
	rebuild_serials(look);
	if (is_new && !look->has_failed) {
		submit_format(look->store); /* behind all that it rebuilt */
	}
	if (look->rebuilt > 0 || look->store->lost.count > 0) {
		tell_rebuilt(look);
	}
}

/* Where a store lies, and what it finds there. */
struct place {
	const char *folder;
	const char *images;
	bool is_alone; /* images without heads are of a store that was lost, or of a rebuilding that was cut short */
	bool is_rebuilding;
};

static struct store *store_make(struct kv *take, struct disk *disk, const struct place *place, struct error *error)
{
	struct store *store = memory_new(sizeof *store);
	struct image_look look = {.store = store, .waiter.done = note_failure};
	bool is_new;
	store->kv = take;
	store->disk = disk;
	store->folder = memory_copy_text(place->folder);
	store->images = memory_copy_text(place->images);
	store->lock_fd = -1;
	store_keeper_init(store);
	store_queue_init(&store->queue);
	if (!check_format(store, &is_new, error)) {
		store_close(store);
		return NULL;
	}
	/* The note stands there before the first image does, unless the store was lost or a rebuilding was cut short. */
	look.is_rebuilding = (place->is_rebuilding || (place->is_alone && is_new)) &&
	                     (has_images(disk, place->images) || store_has_serials(store));
	if (look.is_rebuilding) {
		store_serials_read(store, &store->lost);
	}
	if (is_new && !look.is_rebuilding) {
		submit_format(store);
		store_commit(store);
	}
	store_images_each(disk, place->images, look_at_image, &look);
	if (look.is_rebuilding) {
		end_rebuilding(&look, is_new);
	} else if (place->is_alone && !is_new && !store_has_serials(store)) {
		(void)!store_serials_begin(store, error); /* in vain: it is tried again with the next block */
	}
	return store;
}

struct store *store_new(struct kv *take, struct disk *disk, const char *images, struct error *error)
{
	return store_make(take, disk, &(struct place){.folder = images, .images = images}, error);
}

struct store *store_new_alone(struct kv *take, struct disk *disk, const char *images, struct error *error)
{
	const struct place place = {.folder = images, .images = images, .is_alone = true};
	return store_make(take, disk, &place, error);
}

/* Puts a broken store aside, so that a new one takes its place. `problem` gets what is told of it, on the heap. */
static bool set_aside(const char *path, char **problem, struct error *error)
{
	char *aside = memory_new(strlen(path) + sizeof ".broken");
	sprintf(aside, "%s.broken", path);
	bool done = rename(path, aside) == 0;
	if (done) {
		struct text text;
		text_init(&text, STORE_PROBLEM_MAX);
		text_format(&text,
		            "%s; it was set aside as %s, and what the images do not tell is read or transferred anew",
		            error->text, aside);
		log_error("%s", text_string(&text));
		*problem = memory_copy_text(text_string(&text));
		text_deinit(&text);
	}
	free(aside);
	return done;
}

static bool is_missing_or_empty(const char *path)
{
	struct stat file;
	return stat(path, &file) == 0 ? file.st_size == 0 : errno == ENOENT;
}

/* The key-value side; `is_rebuilding`: a new one, which may stand in the place of one that is broken or was lost. */
static struct kv *open_kv(const char *folder, bool is_read_only, bool *is_rebuilding, char **problem,
                          struct error *error)
{
	char *path = store_path_in(folder, "store.mdb");
	*is_rebuilding = !is_read_only && is_missing_or_empty(path);
	struct kv *kv = kv_lmdb_open(path, is_read_only, error);
	if (kv == NULL && error->code == ERROR_INVALID && !is_read_only && set_aside(path, problem, error)) {
		*is_rebuilding = true;
		kv = kv_lmdb_open(path, false, error);
	}
	free(path);
	return kv;
}

static struct store *open_locked(const char *folder, const char *images, int lock_fd, struct error *error)
{
	bool is_rebuilding;
	char *problem = NULL;
	bool is_read_only = is_on_read_only_system(lock_fd);
	struct kv *kv = open_kv(folder, is_read_only, &is_rebuilding, &problem, error);
	const struct place place = {
	        .folder = folder, .images = images, .is_alone = true, .is_rebuilding = is_rebuilding};
	struct store *store = kv == NULL ? NULL : store_make(kv, disk_posix(), &place, error);
	if (store == NULL) {
		error_context(error, "data folder");
		free(problem);
		close(lock_fd);
		return NULL;
	}
	store->lock_fd = lock_fd;
	if (problem != NULL) {
		free(store->problem);
		store->problem = problem;
	}
	if (is_read_only) {
		log_error("data folder %s: the file system is read-only; what changes from now on is not on disk",
		          folder);
	}
	if (!store_queue_start(store, error)) {
		store_close(store);
		return NULL;
	}
	return store;
}

struct store *store_open(const char *folder, struct error *error)
{
	char *images = store_path_in(folder, "images");
	struct store *store = NULL;
	int lock_fd = -1;
	if (folder_make(images, error)) {
		lock_fd = lock_folder(folder, error);
	} else {
		error_context(error, "data folder");
	}
	if (lock_fd >= 0) {
		store = open_locked(folder, images, lock_fd, error);
	}
	free(images);
	return store;
}

/* A folder without the file has not been a server's yet: a backup, for example. */
static int lock_as_is(const char *folder, struct error *error)
{
	char *path = store_path_in(folder, "lock");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		error_set_errno(error, errno, "%s", path);
	} else if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
		error_set(error, ERROR_EXISTS, "data folder %s: a running server holds it", folder);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static struct store *open_file_as_is(const char *folder, const char *path, struct error *error)
{
	char *images = store_path_in(folder, "images");
	struct kv *kv = kv_lmdb_open(path, true, error);
	const struct place place = {.folder = folder, .images = images};
	struct store *store = kv == NULL ? NULL : store_make(kv, disk_as_is(), &place, error);
	free(images);
	return store;
}

struct store *store_open_as_is(const char *folder, struct error *error)
{
	char *path = store_path_in(folder, "store.mdb");
	struct store *store = NULL;
	int lock_fd = -1;
	if (access(path, F_OK) != 0) {
		error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_DENIED, "there is no store in %s: %s: %s",
		          folder, path, strerror(errno));
	} else {
		lock_fd = lock_as_is(folder, error);
	}
	if (lock_fd >= 0) {
		store = open_file_as_is(folder, path, error);
	}
	if (store != NULL) {
		store->lock_fd = lock_fd;
	} else if (lock_fd >= 0) {
		close(lock_fd);
	}
	free(path);
	return store;
}

void store_close(struct store *take)
{
	if (take == NULL) {
		return;
	}
	store_queue_end(take);
	store_serials_end(take);
	store_serials_deinit(&take->lost);
	take->kv->side->close(take->kv);
	if (take->lock_fd >= 0) {
		close(take->lock_fd);
	}
	free(take->folder);
	free(take->images);
	free(take->problem);
	free(take);
}

const char *store_problem(const struct store *store)
{
	return store->problem;
}

bool store_was_killed(const struct store *store)
{
	return store->kv->was_killed;
}
