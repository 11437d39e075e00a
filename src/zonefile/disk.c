/* SPDX-License-Identifier: MIT */
/* Zone files on disk: opens them for the reader and remembers which files, in which state, it was.
 *
 * Files are read into memory, never mapped: somebody who truncates a mapped file kills the process that reads it. A
 * large one is read piece by piece into addresses set aside for all of it, and what was passed is given back, so that
 * only some pieces of it are in memory at a time. */
#include "zonefile/zonefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* Large enough that a system call for each costs nothing, and what a huge page has. */
#define PIECE ((size_t)2 * 1024 * 1024)

struct disk {
	struct zonefile_source source;
	struct zonefile_files *files;
	size_t size_max;
	struct error failed; /* the first failure to read on */
};

/* An open file. */
struct disk_file {
	struct disk *disk;
	char *path;
	int fd;
	char *chars;
	size_t size;     /* when it was opened */
	size_t released; /* octets that were given back */
	bool is_mapped;
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
	/* Room for exactly these: most zones have one file, and there may be very many zones. */
	files->identities = memory_resize(files->identities, files->count + 1, sizeof *files->identities);
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

/* Reads on, a piece at most; 0: at the end. */
static bool read_piece(const struct disk_file *file, size_t from, size_t *len, struct error *error)
{
	size_t wanted = file->size - from < PIECE ? file->size - from : PIECE;
	ssize_t got;
	do {
		got = pread(file->fd, file->chars + from, wanted, (off_t)from);
	} while (got < 0 && errno == EINTR);
	*len = got > 0 ? (size_t)got : 0;
	return got >= 0 || error_set_errno(error, errno, "%s", file->path);
}

static void release_before(struct disk_file *file, size_t passed)
{
	size_t whole_pieces = passed - passed % PIECE;
	if (whole_pieces > file->released) {
		(void)madvise(file->chars + file->released, whole_pieces - file->released, MADV_DONTNEED);
		file->released = whole_pieces;
	}
}

static bool disk_more(struct zonefile_text *text, size_t passed)
{
	struct disk_file *file = text->context;
	struct error error;
	size_t got;
	if (file->is_mapped) {
		release_before(file, passed);
	}
	if (text->len == file->size) {
		/* If it has grown since it was opened, it changed while it was read. */
		return false;
	}
	if (!read_piece(file, text->len, &got, &error)) {
		struct disk *disk = file->disk;
		disk->failed = disk->failed.code == ERROR_NONE ? error : disk->failed;
		return false;
	}
	text->len += got;
	return got > 0;
}

/* Room for all of the file; of a large one only addresses. */
static void take_room(struct disk_file *file)
{
	if (file->size <= PIECE) {
		file->chars = memory_resize(NULL, file->size + 1, 1);
		return;
	}
	file->chars = memory_map(file->size);
	file->is_mapped = true;
}

static void disk_file_free(struct disk_file *take)
{
	if (take->is_mapped) {
		munmap(take->chars, take->size);
	} else {
		free(take->chars);
	}
	close(take->fd);
	free(take->path);
	free(take);
}

static bool disk_open(struct zonefile_source *self, const char *path, struct zonefile_text *out, struct error *error)
{
	struct disk *disk = (struct disk *)self;
	struct stat status;
	/* O_NONBLOCK: a named pipe is refused below instead of waiting here for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	if (fstat(fd, &status) != 0) {
		error_set_errno(error, errno, "%s", path);
		close(fd);
		return false;
	}
	if (!check_status(path, &status, disk->size_max, error)) {
		close(fd);
		return false;
	}
	struct zonefile_identity identity = identity_of(&status);
	remember(disk->files, path, &identity);
	struct disk_file *file = memory_new(sizeof *file);
	file->disk = disk;
	file->path = memory_copy_text(path);
	file->fd = fd;
	file->size = (size_t)status.st_size;
	take_room(file);
	out->chars = file->chars;
	out->len = 0;
	out->more = disk_more;
	out->context = file;
	return true;
}

static void disk_close(struct zonefile_source *self, struct zonefile_text *text)
{
	(void)self;
	disk_file_free(text->context);
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
	if (disk.failed.code != ERROR_NONE) {
		*error = disk.failed;
		return false;
	}
	return done;
}
