/* SPDX-License-Identifier: MIT */
/* Zone files on disk: opens them for the reader and remembers which files, in which state, it was.
 *
 * Files are read into memory, never mapped: somebody who truncates a mapped file kills the process that reads it. */
#include "zonefile/zonefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* A file that is written to all the time is given up after so many tries. */
#define READ_TRIES 5

struct disk {
	struct zonefile_source source;
	struct zonefile_files *files;
	size_t size_max;
};

void zonefile_files_init(struct zonefile_files *files)
{
	*files = (struct zonefile_files){0};
}

void zonefile_files_deinit(struct zonefile_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->identities[i].path);
	}
	free(files->identities);
	zonefile_files_init(files);
}

static struct zonefile_identity identity_of(const struct stat *status)
{
	return (struct zonefile_identity){
	        .device = status->st_dev,
	        .inode = status->st_ino,
	        .size = status->st_size,
	        .modified = status->st_mtim,
	        .changed = status->st_ctim,
	};
}

static bool time_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool identity_equal(const struct zonefile_identity *a, const struct zonefile_identity *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       time_equal(&a->modified, &b->modified) && time_equal(&a->changed, &b->changed);
}

bool zonefile_files_unchanged(const struct zonefile_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct stat status;
		if (stat(files->identities[i].path, &status) != 0) {
			return false;
		}
		struct zonefile_identity now = identity_of(&status);
		if (!identity_equal(&files->identities[i], &now)) {
			return false;
		}
	}
	return true;
}

bool zonefile_files_equal(const struct zonefile_files *a, const struct zonefile_files *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->identities[i].path, b->identities[i].path) != 0 ||
		    !identity_equal(&a->identities[i], &b->identities[i])) {
			return false;
		}
	}
	return true;
}

static void remember(struct zonefile_files *files, const char *path, const struct zonefile_identity *identity)
{
	memory_reserve((void **)&files->identities, &files->capacity, files->count + 1, sizeof *files->identities);
	files->identities[files->count] = *identity;
	files->identities[files->count++].path = memory_copy_text(path);
}

/* ---- one file ---- */

static bool check_status(const char *path, const struct stat *status, size_t size_max, struct error *error)
{
	if (S_ISDIR(status->st_mode)) {
		return error_set(error, ERROR_IO, "%s: is a folder, not a file", path);
	}
	if (!S_ISREG(status->st_mode)) {
		return error_set(error, ERROR_IO, "%s: is not an ordinary file", path);
	}
	if ((uintmax_t)status->st_size > size_max) {
		return error_set(error, ERROR_LIMIT, "%s: is larger than the %zu octets allowed", path, size_max);
	}
	return true;
}

/* Reads `size` octets, or up to the end of the file where that comes earlier. */
static bool read_whole(int fd, const char *path, char *chars, size_t size, size_t *len, struct error *error)
{
	*len = 0;
	while (*len < size) {
		ssize_t got = read(fd, chars + *len, size - *len);
		if (got < 0 && errno != EINTR) {
			return error_set_errno(error, errno, "%s", path);
		}
		if (got == 0) {
			break;
		}
		*len += got > 0 ? (size_t)got : 0;
	}
	return true;
}

enum attempt { ATTEMPT_DONE, ATTEMPT_CHANGED, ATTEMPT_FAILED };

/* Reads the file as it is between two looks at its identity. */
static enum attempt read_once(const struct disk *disk, int fd, const char *path, struct zonefile_text *out,
                              struct zonefile_identity *identity, struct error *error)
{
	struct stat before;
	struct stat after;
	if (fstat(fd, &before) != 0) {
		error_set_errno(error, errno, "%s", path);
		return ATTEMPT_FAILED;
	}
	if (!check_status(path, &before, disk->size_max, error)) {
		return ATTEMPT_FAILED;
	}
	char *chars = memory_resize(NULL, (size_t)before.st_size + 1, 1);
	size_t len;
	if (!read_whole(fd, path, chars, (size_t)before.st_size, &len, error)) {
		free(chars);
		return ATTEMPT_FAILED;
	}
	if (fstat(fd, &after) != 0) {
		error_set_errno(error, errno, "%s", path);
		free(chars);
		return ATTEMPT_FAILED;
	}
	*identity = identity_of(&before);
	struct zonefile_identity now = identity_of(&after);
	if (len != (size_t)before.st_size || !identity_equal(identity, &now)) {
		free(chars);
		return ATTEMPT_CHANGED;
	}
	out->chars = chars;
	out->len = len;
	return ATTEMPT_DONE;
}

static bool read_steady(const struct disk *disk, const char *path, struct zonefile_text *out,
                        struct zonefile_identity *identity, struct error *error)
{
	/* O_NONBLOCK: a named pipe is refused below instead of waiting here for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	enum attempt attempt = ATTEMPT_CHANGED;
	for (int i = 0; i < READ_TRIES && attempt == ATTEMPT_CHANGED; i++) {
		lseek(fd, 0, SEEK_SET);
		attempt = read_once(disk, fd, path, out, identity, error);
	}
	close(fd);
	if (attempt == ATTEMPT_CHANGED) {
		error_set(error, ERROR_STALE, "%s: changed during each of %d tries to read it", path, READ_TRIES);
	}
	return attempt == ATTEMPT_DONE;
}

static bool disk_open(struct zonefile_source *self, const char *path, struct zonefile_text *out, struct error *error)
{
	struct disk *disk = (struct disk *)self;
	struct zonefile_identity identity;
	if (!read_steady(disk, path, out, &identity, error)) {
		return false;
	}
	remember(disk->files, path, &identity);
	return true;
}

static void disk_close(struct zonefile_source *self, struct zonefile_text *text)
{
	(void)self;
	free((char *)text->chars);
	text->chars = NULL;
}

static bool disk_same(struct zonefile_source *self, const char *a, const char *b)
{
	(void)self;
	struct stat a_status;
	struct stat b_status;
	return stat(a, &a_status) == 0 && stat(b, &b_status) == 0 && a_status.st_dev == b_status.st_dev &&
	       a_status.st_ino == b_status.st_ino;
}

bool zonefile_read_file(const char *path, const struct zonefile_options *options, struct zonefile_record_sink *records,
                        struct zonefile_problem_sink *problems, struct zonefile_files *files,
                        struct zonefile_result *result, struct error *error)
{
	struct disk disk = {
	        .source = {.open = disk_open, .close = disk_close, .same = disk_same},
	        .files = files,
	        .size_max = options->file_size_max == 0 ? ZONEFILE_FILE_SIZE_MAX : options->file_size_max,
	};
	struct zonefile_text text = {.name = path};
	*result = (struct zonefile_result){0};
	if (!disk_open(&disk.source, path, &text, error)) {
		return false;
	}
	bool done = zonefile_read_text(&text, options, &disk.source, records, problems, result, error);
	disk_close(&disk.source, &text);
	/* Looked at first: an error in a mixture of two states says nothing about either. */
	if (!zonefile_files_unchanged(files)) {
		return error_set(error, ERROR_STALE, "%s: it or a file that it includes changed while it was read",
		                 path);
	}
	return done;
}
