/* SPDX-License-Identifier: MIT */
/* Both names of each call that has one for large files are defined here. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/memory.h"

#define SECTOR 512

enum kind { WRITE, RESIZE, SYNC, MAKE, RENAME, REMOVE, REMARK };

struct operation {
	enum kind kind;
	unsigned node;       /* WRITE, RESIZE, SYNC, MAKE: of which file or folder */
	unsigned folder;     /* MAKE, RENAME, REMOVE: whose names change */
	bool is_synced;      /* WRITE: with O_DSYNC */
	uint64_t offset;     /* WRITE; RESIZE: the new size, REMARK: the remark */
	size_t len;          /* WRITE */
	uint8_t *bytes;      /* WRITE */
	char *name;          /* MAKE, REMOVE, RENAME: below the folder of the recording */
	char *name_to;       /* RENAME */
	bool is_folder;      /* MAKE */
	bool keeps_contents; /* RESIZE: only if it grows */
};

/* A file or folder, by the number that the system gave it. */
struct node {
	dev_t device;
	ino_t inode;
	char *name; /* a folder's */
};

static struct {
	pthread_mutex_t lock; /* guards everything here, and keeps order */
	bool is_on;
	char *folder;
	struct operation *operations;
	size_t count;
	struct node *nodes; /* 0: the folder itself */
	unsigned node_count;
	struct record_counts counts;
} record = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- taking note ---- */

static struct operation *add(enum kind kind)
{
	if ((record.count & (record.count - 1)) == 0) {
		record.operations = memory_resize(record.operations, record.count == 0 ? 1 : record.count * 2,
		                                  sizeof *record.operations);
	}
	struct operation *operation = &record.operations[record.count++];
	*operation = (struct operation){.kind = kind};
	record.counts.writes += kind == WRITE;
	record.counts.syncs += kind == SYNC;
	record.counts.names += kind == MAKE || kind == RENAME || kind == REMOVE;
	return operation;
}

static unsigned add_node(int fd, const char *name)
{
	struct stat status;
	ensure(fstat(fd, &status) == 0);
	record.nodes = memory_resize(record.nodes, record.node_count + 1, sizeof *record.nodes);
	record.nodes[record.node_count] = (struct node){
	        .device = status.st_dev,
	        .inode = status.st_ino,
	        .name = S_ISDIR(status.st_mode) ? memory_copy_text(name) : NULL,
	};
	return record.node_count++;
}

/* NULL: not below the folder. */
static const char *name_below(const char *path)
{
	size_t len = strlen(record.folder);
	return strncmp(path, record.folder, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

/* The newest of this number: the system gives those of removed files again. False: nothing of ours. */
static bool find_node(int fd, unsigned *node)
{
	struct stat status;
	if (!record.is_on || fstat(fd, &status) != 0) {
		return false;
	}
	for (unsigned i = record.node_count; i > 0; i--) {
		if (record.nodes[i - 1].inode == status.st_ino && record.nodes[i - 1].device == status.st_dev) {
			*node = i - 1;
			return true;
		}
	}
	return false;
}

static bool is_folder_of(const struct node *node, const char *name, size_t len)
{
	return node->name != NULL && strlen(node->name) == len && strncmp(node->name, name, len) == 0;
}

/* The folder that a name is in. */
static unsigned parent_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - name);
	unsigned node = 0;
	while (node < record.node_count && !is_folder_of(&record.nodes[node], name, len)) {
		node++;
	}
	ensure(node < record.node_count);
	return node;
}

static void note_made(int fd, const char *name, bool is_folder)
{
	unsigned node = add_node(fd, name);
	struct operation *operation = add(MAKE);
	operation->node = node;
	operation->folder = parent_of(name);
	operation->name = memory_copy_text(name);
	operation->is_folder = is_folder;
}

static void note_write(int fd, unsigned node, const uint8_t *bytes, size_t len, uint64_t offset)
{
	struct operation *operation = add(WRITE);
	operation->node = node;
	operation->is_synced = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
	operation->offset = offset;
	operation->len = len;
	operation->bytes = memory_resize(NULL, len + 1, 1);
	memcpy(operation->bytes, bytes, len);
}

static void note_size(unsigned node, uint64_t size, bool keeps_contents)
{
	struct operation *operation = add(RESIZE);
	operation->node = node;
	operation->offset = size;
	operation->keeps_contents = keeps_contents;
}

static void note_sync(unsigned node)
{
	add(SYNC)->node = node;
}

/* ---- the calls ---- */

#define VISIBLE __attribute__((visibility("default")))

VISIBLE int open(const char *path, int flags, ...);
VISIBLE int open64(const char *path, int flags, ...);
VISIBLE ssize_t write(int fd, const void *bytes, size_t len);
VISIBLE ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset);
VISIBLE ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset);
VISIBLE ssize_t writev(int fd, const struct iovec *pieces, int count);
VISIBLE int fsync(int fd);
VISIBLE int fdatasync(int fd);
VISIBLE int ftruncate(int fd, off_t size);
VISIBLE int ftruncate64(int fd, off_t size);
VISIBLE int fallocate(int fd, int mode, off_t offset, off_t len);
VISIBLE int fallocate64(int fd, int mode, off_t offset, off_t len);
VISIBLE int mkdir(const char *path, mode_t mode);
VISIBLE int rename(const char *from, const char *to);
VISIBLE int unlink(const char *path);

static int open_and_note(const char *path, int flags, mode_t mode)
{
	pthread_mutex_lock(&record.lock);
	const char *name = record.is_on ? name_below(path) : NULL;
	bool may_be_new = name != NULL && (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	int failed = errno;
	unsigned node;
	if (fd >= 0 && may_be_new) {
		note_made(fd, name, false);
	} else if (fd >= 0 && name != NULL && (flags & O_TRUNC) != 0 && find_node(fd, &node)) {
		note_size(node, 0, false);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return fd;
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return open_and_note(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	va_start(rest, flags);
	mode_t mode = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
	va_end(rest);
	return open_and_note(path, flags, mode);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	unsigned node;
	pthread_mutex_lock(&record.lock);
	ssize_t written = syscall(SYS_pwrite64, fd, bytes, len, offset);
	int failed = errno;
	if (written > 0 && find_node(fd, &node)) {
		note_write(fd, node, bytes, (size_t)written, (uint64_t)offset);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
	return pwrite(fd, bytes, len, offset);
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	unsigned node;
	pthread_mutex_lock(&record.lock);
	off_t offset = lseek(fd, 0, SEEK_CUR);
	ssize_t written = syscall(SYS_writev, fd, pieces, count);
	int failed = errno;
	if (written > 0 && find_node(fd, &node)) {
		size_t left = (size_t)written;
		for (int i = 0; i < count && left > 0; i++) {
			size_t len = pieces[i].iov_len < left ? pieces[i].iov_len : left;
			note_write(fd, node, pieces[i].iov_base, len, (uint64_t)offset);
			offset += (off_t)len;
			left -= len;
		}
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return written;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
	return writev(fd, &piece, 1);
}

static int sync_and_note(long call, int fd)
{
	unsigned node;
	pthread_mutex_lock(&record.lock);
	int result = (int)syscall(call, fd);
	int failed = errno;
	if (result == 0 && find_node(fd, &node)) {
		note_sync(node);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return result;
}

int fsync(int fd)
{
	return sync_and_note(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_and_note(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t size)
{
	unsigned node;
	pthread_mutex_lock(&record.lock);
	int result = (int)syscall(SYS_ftruncate, fd, size);
	int failed = errno;
	if (result == 0 && find_node(fd, &node)) {
		note_size(node, (uint64_t)size, false);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return result;
}

int ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	unsigned node;
	pthread_mutex_lock(&record.lock);
	int result = (int)syscall(SYS_fallocate, fd, mode, offset, len);
	int failed = errno;
	if (result == 0 && find_node(fd, &node)) {
		ensure(mode == 0);
		note_size(node, (uint64_t)(offset + len), true);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return result;
}

int fallocate64(int fd, int mode, off_t offset, off_t len)
{
	return fallocate(fd, mode, offset, len);
}

int mkdir(const char *path, mode_t mode)
{
	pthread_mutex_lock(&record.lock);
	int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	int failed = errno;
	const char *name = record.is_on ? name_below(path) : NULL;
	if (result == 0 && name != NULL) {
		int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
		note_made(fd, name, true);
		close(fd);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return result;
}

int rename(const char *from, const char *to)
{
	pthread_mutex_lock(&record.lock);
	int result = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
	int failed = errno;
	const char *name = record.is_on ? name_below(from) : NULL;
	if (result == 0 && name != NULL) {
		struct operation *operation = add(RENAME);
		operation->folder = parent_of(name);
		operation->name = memory_copy_text(name);
		operation->name_to = memory_copy_text(name_below(to));
		ensure(parent_of(operation->name_to) == operation->folder);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return result;
}

int unlink(const char *path)
{
	pthread_mutex_lock(&record.lock);
	int result = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	int failed = errno;
	const char *name = record.is_on ? name_below(path) : NULL;
	if (result == 0 && name != NULL) {
		struct operation *operation = add(REMOVE);
		operation->folder = parent_of(name);
		operation->name = memory_copy_text(name);
	}
	pthread_mutex_unlock(&record.lock);
	errno = failed;
	return result;
}

/* ---- begin, end ---- */

void record_begin(const char *folder)
{
	pthread_mutex_lock(&record.lock);
	ensure(!record.is_on && record.count == 0);
	record.folder = memory_copy_text(folder);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
	ensure(fd >= 0);
	add_node(fd, "");
	close(fd);
	record.is_on = true;
	pthread_mutex_unlock(&record.lock);
}

void record_end(void)
{
	pthread_mutex_lock(&record.lock);
	record.is_on = false;
	pthread_mutex_unlock(&record.lock);
}

void record_free(void)
{
	for (size_t i = 0; i < record.count; i++) {
		free(record.operations[i].bytes);
		free(record.operations[i].name);
		free(record.operations[i].name_to);
	}
	for (unsigned i = 0; i < record.node_count; i++) {
		free(record.nodes[i].name);
	}
	free(record.operations);
	free(record.nodes);
	free(record.folder);
	record.operations = NULL;
	record.nodes = NULL;
	record.folder = NULL;
	record.count = 0;
	record.node_count = 0;
	record.counts = (struct record_counts){0};
}

void record_remark(uint64_t remark)
{
	pthread_mutex_lock(&record.lock);
	if (record.is_on) {
		add(REMARK)->offset = remark;
	}
	pthread_mutex_unlock(&record.lock);
}

size_t record_length(void)
{
	return record.count;
}

uint64_t record_remark_before(size_t count)
{
	while (count > 0) {
		count--;
		if (record.operations[count].kind == REMARK) {
			return record.operations[count].offset;
		}
	}
	return 0;
}

struct record_counts record_counts(void)
{
	return record.counts;
}

const char *record_describe(size_t index)
{
	static const char *const words[] = {"write", "resize", "sync", "make", "rename", "remove", "told"};
	static char text[600];
	const struct operation *operation = &record.operations[index];
	snprintf(text, sizeof text, "%zu: %s node %u %s%s%s at %llu, %zu octets%s", index, words[operation->kind],
	         operation->node, operation->name == NULL ? "" : operation->name,
	         operation->name_to == NULL ? "" : " to ", operation->name_to == NULL ? "" : operation->name_to,
	         (unsigned long long)operation->offset, operation->len, operation->is_synced ? ", synced" : "");
	return text;
}

/* ---- replay ---- */

/* What is left of a file. */
struct remains {
	uint8_t *bytes;
	size_t size;
	size_t room;
};

struct entry {
	const char *name; /* NULL: gone */
	unsigned node;
	bool is_folder;
};

struct replay {
	struct remains *files; /* by node */
	struct entry *entries;
	unsigned entry_count;
	bool *is_sure;      /* by operation */
	bool *names_ended;  /* by folder: its names change no more */
	unsigned rest_of_8; /* so many eighths of what is not sure are there */
};

static void resize(struct remains *file, uint64_t size)
{
	if (size > file->room) {
		file->bytes = memory_resize(file->bytes, size, 1);
		file->room = size;
	}
	if (size > file->size) {
		memset(file->bytes + file->size, 0, size - file->size);
	}
	file->size = size;
}

static void put(struct remains *file, uint64_t offset, const uint8_t *bytes, size_t len)
{
	if (offset + len > file->size) {
		resize(file, offset + len);
	}
	memcpy(file->bytes + offset, bytes, len);
}

/* Sector by sector, as the disk has them: a piece that begins within one ends with it. */
static void put_torn(struct replay *replay, const struct operation *operation, struct random_source *chance)
{
	size_t done = 0;
	while (done < operation->len) {
		size_t left_of_sector = SECTOR - (size_t)((operation->offset + done) % SECTOR);
		size_t len = operation->len - done < left_of_sector ? operation->len - done : left_of_sector;
		if (random_below(chance, 8) < replay->rest_of_8) {
			put(&replay->files[operation->node], operation->offset + done, operation->bytes + done, len);
		}
		done += len;
	}
}

/* Backwards from the end: what a sync came after is there. */
static void find_what_is_sure(struct replay *replay, size_t count)
{
	bool *synced = memory_new(record.node_count * sizeof *synced);
	for (size_t i = count; i > 0; i--) {
		const struct operation *operation = &record.operations[i - 1];
		bool is_name = operation->kind == MAKE || operation->kind == RENAME || operation->kind == REMOVE;
		replay->is_sure[i - 1] = synced[is_name ? operation->folder : operation->node] || operation->is_synced;
		if (operation->kind == SYNC) {
			synced[operation->node] = true;
		}
	}
	free(synced);
}

static struct entry *entry_of(struct replay *replay, const char *name)
{
	for (unsigned i = replay->entry_count; i > 0; i--) {
		struct entry *entry = &replay->entries[i - 1];
		if (entry->name != NULL && strcmp(entry->name, name) == 0) {
			return entry;
		}
	}
	return NULL;
}

static void change_names(struct replay *replay, const struct operation *operation)
{
	struct entry *entry;
	switch (operation->kind) {
	case MAKE:
		replay->entries[replay->entry_count++] =
		        (struct entry){operation->name, operation->node, operation->is_folder};
		break;
	case RENAME:
		entry = entry_of(replay, operation->name_to);
		if (entry != NULL) {
			entry->name = NULL;
		}
		entry = entry_of(replay, operation->name);
		ensure(entry != NULL);
		entry->name = operation->name_to;
		break;
	case REMOVE:
		entry = entry_of(replay, operation->name);
		ensure(entry != NULL);
		entry->name = NULL;
		break;
	case WRITE:
	case RESIZE:
	case SYNC:
	case REMARK:
		break;
	}
}

static bool is_there(const struct replay *replay, enum record_loss loss, struct random_source *chance)
{
	switch (loss) {
	case RECORD_KILLED:
		return true;
	case RECORD_BARE:
		return false;
	case RECORD_TORN:
		break;
	}
	return random_below(chance, 8) < replay->rest_of_8;
}

static void do_again(struct replay *replay, size_t index, enum record_loss loss, struct random_source *chance)
{
	const struct operation *operation = &record.operations[index];
	struct remains *file = &replay->files[operation->node];
	bool is_sure = replay->is_sure[index] || loss == RECORD_KILLED;
	switch (operation->kind) {
	case WRITE:
		if (is_sure) {
			put(file, operation->offset, operation->bytes, operation->len);
		} else if (loss == RECORD_TORN) {
			put_torn(replay, operation, chance);
		}
		break;
	case RESIZE:
		if ((is_sure || is_there(replay, loss, chance)) &&
		    !(operation->keeps_contents && operation->offset < file->size)) {
			resize(file, operation->offset);
		}
		break;
	case MAKE:
	case RENAME:
	case REMOVE:
		replay->names_ended[operation->folder] =
		        replay->names_ended[operation->folder] || !(is_sure || is_there(replay, loss, chance));
		if (!replay->names_ended[operation->folder]) {
			change_names(replay, operation);
		}
		break;
	case SYNC:
	case REMARK:
		break;
	}
}

static void write_file(const char *path, const struct remains *file)
{
	static const uint8_t nothing[4096];
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	ensure(fd >= 0);
	ensure(syscall(SYS_ftruncate, fd, file->size) == 0);
	for (size_t at = 0; at < file->size; at += sizeof nothing) {
		size_t len = file->size - at < sizeof nothing ? file->size - at : sizeof nothing;
		if (memcmp(file->bytes + at, nothing, len) != 0) {
			ensure(syscall(SYS_pwrite64, fd, file->bytes + at, len, at) == (ssize_t)len);
		}
	}
	close(fd);
}

/* A name whose folder was lost is lost with it. */
static void write_out(const struct replay *replay, const char *folder)
{
	char path[PATH_MAX];
	ensure(syscall(SYS_mkdirat, AT_FDCWD, folder, 0700) == 0);
	for (unsigned i = 0; i < replay->entry_count; i++) {
		const struct entry *entry = &replay->entries[i];
		if (entry->name == NULL) {
			continue;
		}
		snprintf(path, sizeof path, "%s/%s", folder, entry->name);
		*strrchr(path, '/') = '\0';
		bool has_folder = access(path, F_OK) == 0;
		snprintf(path, sizeof path, "%s/%s", folder, entry->name);
		if (has_folder && entry->is_folder) {
			ensure(syscall(SYS_mkdirat, AT_FDCWD, path, 0700) == 0);
		} else if (has_folder) {
			write_file(path, &replay->files[entry->node]);
		}
	}
}

void record_replay(const char *folder, size_t count, enum record_loss loss, struct random_source *chance)
{
	struct replay replay = {
	        .files = memory_new(record.node_count * sizeof *replay.files),
	        .entries = memory_new((count + 1) * sizeof *replay.entries),
	        .is_sure = memory_new(count + 1),
	        .names_ended = memory_new(record.node_count),
	        .rest_of_8 = loss == RECORD_TORN ? 1 + (unsigned)random_below(chance, 7) : 0,
	};
	ensure(count <= record.count);
	find_what_is_sure(&replay, count);
	for (size_t i = 0; i < count; i++) {
		do_again(&replay, i, loss, chance);
	}
	write_out(&replay, folder);
	for (unsigned i = 0; i < record.node_count; i++) {
		free(replay.files[i].bytes);
	}
	free(replay.files);
	free(replay.entries);
	free(replay.is_sure);
	free(replay.names_ended);
}
