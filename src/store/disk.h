/* SPDX-License-Identifier: MIT */
/* What the images of src/store stand on: files that are written, synced and renamed.
 *
 * Knows   paths, octets, which of them a crash leaves.
 * Not     what is in a file, zones.
 *
 * Two sides implement it: the system's (disk_posix.c), and for tests one that is made up and loses what was not synced.
 *
 * I1  Octets that were written survive a crash whole once disk_side.sync said so; before that, any part of them may.
 * I2  What is in a folder (a file's being there, its name, its not being there) survives a crash once disk_side.sync_folder
 *     said so; before that, any of the changes may.
 *
 * Any thread may call; one thread at a time writes a file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A file that is being written. */
struct disk_file;

struct disk_visitor {
	/* `name` is without the folder and valid for the call. The file may be removed by it. */
	void (*visit)(struct disk_visitor *self, const char *name);
};

struct disk {
	const struct disk_side *side;
};

/* ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO as the system says; the text names the path. */
struct disk_side {
	/* An empty file for writing; what was there is gone. NULL on failure. */
	struct disk_file *(*create)(struct disk *disk, const char *path, struct error *error);
	bool (*write)(struct disk_file *file, uint64_t offset, const void *bytes, size_t len, struct error *error);
	bool (*sync)(struct disk_file *file, struct error *error);
	/* Brings a stretch to the disk, so that sync, which alone says that it survives, has less to do. */
	bool (*push)(struct disk_file *file, uint64_t offset, uint64_t len, struct error *error);
	void (*close)(struct disk_file *take);

	/* Over what may be there. */
	bool (*rename)(struct disk *disk, const char *from, const char *to, struct error *error);
	/* Syncs the folder that `path` lies in. */
	bool (*sync_folder)(struct disk *disk, const char *path, struct error *error);
	/* Nothing there is fine; so is a refusal: whoever removes has no use for the file. */
	void (*remove)(struct disk *disk, const char *path);

	/* The whole file, freed with free(). */
	bool (*read)(struct disk *disk, const char *path, uint8_t **bytes, size_t *len, struct error *error);
	/* Its first octets, and when it was written (wall seconds). False: it is shorter, or cannot be read. */
	bool (*look)(struct disk *disk, const char *path, uint8_t *out, size_t len, int64_t *written_at_s);
	/* A folder that cannot be read is as empty. */
	void (*list)(struct disk *disk, const char *folder, struct disk_visitor *each);
};

/* The system's files; never freed. */
struct disk *disk_posix(void);
/* The same to look at only: creating and renaming are refused, and what is removed stays. */
struct disk *disk_as_is(void);
