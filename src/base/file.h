/* SPDX-License-Identifier: MIT */
/* Whole files: read one, replace one so that a crash leaves the old or the new one, never a mixture. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Reads a regular file of at most `size_max` bytes; `*bytes` is NUL-terminated beyond `*len` and freed with free().
 * ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO  as the system says; a directory is ERROR_IO
 * ERROR_LIMIT                              larger than `size_max` */
MUST_USE bool file_read(const char *path, size_t size_max, uint8_t **bytes, size_t *len, struct error *error);

/* The same for one that holds a secret. Besides:
 * ERROR_DENIED  others than its owner may write it, or others than its owner and group read it (mode 0640 at the most) */
MUST_USE bool file_read_secret(const char *path, size_t size_max, uint8_t **bytes, size_t *len, struct error *error);

/* Writes beside `path` (path + ".new"), syncs, renames over it and syncs the folder. On failure the old file is whole
 * and the new one removed.
 * ERROR_IO, ERROR_DENIED, ERROR_NOT_FOUND (the folder is missing) */
MUST_USE bool file_replace(const char *path, const void *bytes, size_t len, struct error *error);

/* Same, in pieces, for content that should not be in memory as a whole. */
struct file_replacement {
	char *path;
	char *path_new;
	int fd;
	uint8_t *buffer;
	size_t buffered;
	bool failed;
	int failed_errno;
};

MUST_USE bool file_replacement_begin(struct file_replacement *replacement, const char *path, struct error *error);
/* Buffered; a failure sticks and is told by the commit. */
void file_replacement_write(struct file_replacement *replacement, const void *bytes, size_t len);
/* Ends it either way; on false the old file is untouched. */
MUST_USE bool file_replacement_commit(struct file_replacement *replacement, struct error *error);
void file_replacement_abandon(struct file_replacement *replacement);

/* Syncs the folder of `path`: without that a loss of power may take away a name that is new there. `errno` says why not. */
bool file_sync_name(const char *path);

/* Makes the folder and its parents, mode 0750, and syncs their names. Existing is fine. */
MUST_USE bool folder_make(const char *path, struct error *error);
