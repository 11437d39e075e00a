/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* Bytes gathered before one write(2). */
#define REPLACEMENT_BUFFER_SIZE ((size_t)256 * 1024)

/* Who may do more with a file that holds a secret than its owner, and than its group by reading. */
#define SECRET_MODE_NOT 0037u

static bool is_for_few(const struct stat *status, const char *path, struct error *error)
{
	unsigned mode = status->st_mode & 07777u;
	if ((mode & SECRET_MODE_NOT) == 0) {
		return true;
	}
	return error_set(
	        error, ERROR_DENIED,
	        "%s: its mode is %04o, so that others may read or change the secret; `chmod 640 %s` makes it safe",
	        path, mode, path);
}

static bool read_opened(int fd, const char *path, size_t size_max, bool is_secret, uint8_t **bytes, size_t *len,
                        struct error *error)
{
	struct stat status;
	if (fstat(fd, &status) != 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	if (S_ISDIR(status.st_mode)) {
		return error_set(error, ERROR_IO, "%s: is a directory, not a file", path);
	}
	if (is_secret && !is_for_few(&status, path, error)) {
		return false;
	}
	size_t capacity = (size_t)status.st_size + 1;
	size_t used = 0;
	uint8_t *content = memory_resize(NULL, capacity + 1, 1);
	for (;;) {
		if (used > size_max) {
			free(content);
			return error_set(error, ERROR_LIMIT, "%s: is larger than the %zu bytes allowed", path,
			                 size_max);
		}
		if (used == capacity) {
			capacity *= 2;
			content = memory_resize(content, capacity + 1, 1);
		}
		ssize_t got = read(fd, content + used, capacity - used);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			int saved = errno;
			free(content);
			return error_set_errno(error, saved, "%s", path);
		}
		if (got == 0) {
			break;
		}
		used += (size_t)got;
	}
	content[used] = '\0';
	*bytes = content;
	*len = used;
	return true;
}

static bool read_file(const char *path, size_t size_max, bool is_secret, uint8_t **bytes, size_t *len,
                      struct error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	bool done = read_opened(fd, path, size_max, is_secret, bytes, len, error);
	close(fd);
	return done;
}

bool file_read(const char *path, size_t size_max, uint8_t **bytes, size_t *len, struct error *error)
{
	return read_file(path, size_max, false, bytes, len, error);
}

bool file_read_secret(const char *path, size_t size_max, uint8_t **bytes, size_t *len, struct error *error)
{
	return read_file(path, size_max, true, bytes, len, error);
}

bool file_replacement_begin(struct file_replacement *replacement, const char *path, struct error *error)
{
	size_t len = strlen(path);
	*replacement = (struct file_replacement){.fd = -1};
	char *path_new = memory_new(len + sizeof ".new");
	memcpy(path_new, path, len);
	memcpy(path_new + len, ".new", sizeof ".new");
	int fd = open(path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0) {
		error_set_errno(error, errno, "%s", path_new);
		free(path_new);
		return false;
	}
	replacement->fd = fd;
	replacement->path = memory_copy_text(path);
	replacement->path_new = path_new;
	replacement->buffer = memory_resize(NULL, REPLACEMENT_BUFFER_SIZE, 1);
	return true;
}

static void write_out(struct file_replacement *replacement, const uint8_t *bytes, size_t len)
{
	while (len > 0 && !replacement->failed) {
		ssize_t written = write(replacement->fd, bytes, len);
		if (written < 0 && errno != EINTR) {
			replacement->failed = true;
			replacement->failed_errno = errno;
		} else if (written > 0) {
			bytes += written;
			len -= (size_t)written;
		}
	}
}

void file_replacement_write(struct file_replacement *replacement, const void *bytes, size_t len)
{
	if (len > REPLACEMENT_BUFFER_SIZE - replacement->buffered) {
		write_out(replacement, replacement->buffer, replacement->buffered);
		replacement->buffered = 0;
	}
	if (len >= REPLACEMENT_BUFFER_SIZE) {
		write_out(replacement, bytes, len);
	} else if (len > 0) {
		memcpy(replacement->buffer + replacement->buffered, bytes, len);
		replacement->buffered += len;
	}
}

static void replacement_free(struct file_replacement *replacement)
{
	if (replacement->fd >= 0) {
		close(replacement->fd);
	}
	free(replacement->path);
	free(replacement->path_new);
	free(replacement->buffer);
	*replacement = (struct file_replacement){.fd = -1};
}

void file_replacement_abandon(struct file_replacement *replacement)
{
	if (replacement->path_new != NULL) {
		unlink(replacement->path_new);
	}
	replacement_free(replacement);
}

bool file_sync_name(const char *path)
{
	char *copy = memory_copy_text(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0) {
		return false;
	}
	bool synced = fsync(fd) == 0;
	close(fd);
	return synced;
}

bool file_replacement_commit(struct file_replacement *replacement, struct error *error)
{
	write_out(replacement, replacement->buffer, replacement->buffered);
	replacement->buffered = 0;
	if (!replacement->failed && fsync(replacement->fd) != 0) {
		replacement->failed = true;
		replacement->failed_errno = errno;
	}
	if (!replacement->failed && rename(replacement->path_new, replacement->path) != 0) {
		replacement->failed = true;
		replacement->failed_errno = errno;
	}
	if (replacement->failed) {
		error_set_errno(error, replacement->failed_errno, "%s", replacement->path_new);
		file_replacement_abandon(replacement);
		return false;
	}
	bool synced = file_sync_name(replacement->path);
	if (!synced) {
		error_set_errno(error, errno, "folder of %s", replacement->path);
	}
	replacement_free(replacement);
	return synced;
}

bool file_replace(const char *path, const void *bytes, size_t len, struct error *error)
{
	struct file_replacement replacement;
	if (!file_replacement_begin(&replacement, path, error)) {
		return false;
	}
	file_replacement_write(&replacement, bytes, len);
	return file_replacement_commit(&replacement, error);
}

static bool make_one(const char *path)
{
	bool done = mkdir(path, 0750) == 0;
	if (done) {
		(void)!file_sync_name(path); /* a disk that refuses this will refuse what is to be written there */
	}
	return done;
}

bool folder_make(const char *path, struct error *error)
{
	char *partial = memory_copy_text(path);
	for (char *at = partial + 1; *at != '\0'; at++) {
		if (*at == '/') {
			*at = '\0';
			/* A parent that cannot be made shows below, when the folder itself cannot. */
			(void)!make_one(partial);
			*at = '/';
		}
	}
	free(partial);
	struct stat status;
	if (!make_one(path) && errno != EEXIST) {
		return error_set_errno(error, errno, "%s", path);
	}
	if (stat(path, &status) != 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	if (!S_ISDIR(status.st_mode)) {
		return error_set(error, ERROR_IO, "%s: is not a folder", path);
	}
	return true;
}
