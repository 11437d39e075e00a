/* SPDX-License-Identifier: MIT */
#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* 2^40 octets are beyond any memory that could serve them. */
#define FILE_SIZE_MAX ((size_t)1 << 40)

struct disk_file {
	int fd;
	char *path;
};

static struct disk_file *posix_create(struct disk *disk, const char *path, struct error *error)
{
	(void)disk;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0) {
		error_set_errno(error, errno, "%s", path);
		return NULL;
	}
	struct disk_file *file = memory_new(sizeof *file);
	file->fd = fd;
	file->path = memory_copy_text(path);
	return file;
}

static bool posix_write(struct disk_file *file, uint64_t offset, const void *bytes, size_t len, struct error *error)
{
	const uint8_t *at = bytes;
	while (len > 0) {
		ssize_t written = pwrite(file->fd, at, len, (off_t)offset);
		if (written < 0 && errno != EINTR) {
			return error_set_errno(error, errno, "%s", file->path);
		}
		if (written > 0) {
			at += written;
			offset += (uint64_t)written;
			len -= (size_t)written;
		}
	}
	return true;
}

static bool posix_sync(struct disk_file *file, struct error *error)
{
	return fsync(file->fd) == 0 || error_set_errno(error, errno, "%s", file->path);
}

static bool posix_push(struct disk_file *file, uint64_t offset, uint64_t len, struct error *error)
{
	const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	return sync_file_range(file->fd, (off_t)offset, (off_t)len, all) == 0 || errno == ENOSYS ||
	       error_set_errno(error, errno, "%s", file->path);
}

static void posix_close(struct disk_file *take)
{
	close(take->fd);
	free(take->path);
	free(take);
}

static bool posix_rename(struct disk *disk, const char *from, const char *to, struct error *error)
{
	(void)disk;
	return rename(from, to) == 0 || error_set_errno(error, errno, "%s", from);
}

static bool posix_sync_folder(struct disk *disk, const char *path, struct error *error)
{
	char *copy = memory_copy_text(path);
	(void)disk;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0) {
		return error_set_errno(error, errno, "folder of %s", path);
	}
	bool synced = fsync(fd) == 0 || error_set_errno(error, errno, "folder of %s", path);
	close(fd);
	return synced;
}

static void posix_remove(struct disk *disk, const char *path)
{
	(void)disk;
	unlink(path);
}

static bool posix_read(struct disk *disk, const char *path, uint8_t **bytes, size_t *len, struct error *error)
{
	(void)disk;
	return file_read(path, FILE_SIZE_MAX, bytes, len, error);
}

static bool posix_look(struct disk *disk, const char *path, uint8_t *out, size_t len, int64_t *written_at_s)
{
	struct stat info;
	(void)disk;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	bool done = fstat(fd, &info) == 0 && read(fd, out, len) == (ssize_t)len;
	close(fd);
	if (done) {
		*written_at_s = info.st_mtim.tv_sec;
	}
	return done;
}

static void posix_list(struct disk *disk, const char *folder, struct disk_visitor *each)
{
	(void)disk;
	DIR *entries = opendir(folder);
	if (entries == NULL) {
		return;
	}
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		each->visit(each, entry->d_name);
	}
	closedir(entries);
}

static const struct disk_side side = {
        .create = posix_create,
        .write = posix_write,
        .sync = posix_sync,
        .push = posix_push,
        .close = posix_close,
        .rename = posix_rename,
        .sync_folder = posix_sync_folder,
        .remove = posix_remove,
        .read = posix_read,
        .look = posix_look,
        .list = posix_list,
};

struct disk *disk_posix(void)
{
	static struct disk disk = {.side = &side};
	return &disk;
}
