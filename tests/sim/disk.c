/* SPDX-License-Identifier: MIT */
/* A server's image files. What was written and not synced is there after a crash in any part, sector by sector; so are
 * changes of the folder, each whole or not at all. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/disk.h"

/* What a disk writes whole. */
#define SECTOR 512

struct octets {
	uint8_t *at;
	size_t len;
	size_t capacity;
};

/* A file, whatever its names. */
struct inode {
	struct inode *next; /* all of them; freed with the disk */
	struct octets now;
	struct octets durable;
	int64_t written_at_s;
};

struct entry {
	char *path;
	struct inode *inode;
};

struct folder {
	struct entry *items;
	size_t count;
	size_t capacity;
};

/* A change of the folder that is not synced yet. */
struct change {
	char *from; /* its name goes; NULL: none does */
	char *to;   /* and this one comes; NULL: none does */
	struct inode *inode;
};

struct sim_disk {
	struct disk disk; /* first */
	struct sim_fuse *fuse;
	struct inode *inodes;
	struct folder now;
	struct folder durable;
	struct change *changes;
	size_t change_count;
	size_t change_capacity;
};

struct disk_file {
	struct sim_disk *disk;
	struct inode *inode;
};

/* ---- folders ---- */

static size_t find(const struct folder *folder, const char *path)
{
	size_t i = 0;
	while (i < folder->count && strcmp(folder->items[i].path, path) != 0) {
		i++;
	}
	return i;
}

static void unset(struct folder *folder, const char *path)
{
	size_t i = find(folder, path);
	if (i < folder->count) {
		free(folder->items[i].path);
		folder->items[i] = folder->items[--folder->count];
	}
}

static void set(struct folder *folder, const char *path, struct inode *inode)
{
	unset(folder, path);
	memory_reserve((void **)&folder->items, &folder->capacity, folder->count + 1, sizeof *folder->items);
	folder->items[folder->count++] = (struct entry){.path = memory_copy_text(path), .inode = inode};
}

static void clear(struct folder *folder)
{
	while (folder->count > 0) {
		free(folder->items[--folder->count].path);
	}
}

static void copy(struct folder *to, const struct folder *from)
{
	clear(to);
	for (size_t i = 0; i < from->count; i++) {
		set(to, from->items[i].path, from->items[i].inode);
	}
}

static void make(struct folder *folder, const struct change *change)
{
	if (change->from != NULL) {
		unset(folder, change->from);
	}
	if (change->to != NULL) {
		set(folder, change->to, change->inode);
	}
}

static void note_change(struct sim_disk *disk, const char *from, const char *to, struct inode *inode)
{
	struct change change = {.from = from == NULL ? NULL : memory_copy_text(from),
	                        .to = to == NULL ? NULL : memory_copy_text(to),
	                        .inode = inode};
	make(&disk->now, &change);
	memory_reserve((void **)&disk->changes, &disk->change_capacity, disk->change_count + 1, sizeof change);
	disk->changes[disk->change_count++] = change;
}

static void forget_changes(struct sim_disk *disk)
{
	while (disk->change_count > 0) {
		struct change *change = &disk->changes[--disk->change_count];
		free(change->from);
		free(change->to);
	}
}

/* ---- octets ---- */

static void octets_set(struct octets *octets, size_t offset, const void *bytes, size_t len)
{
	size_t end = offset + len;
	if (end > octets->capacity) {
		octets->capacity = end * 2;
		octets->at = memory_resize(octets->at, octets->capacity, 1);
	}
	if (end > octets->len) {
		memset(octets->at + octets->len, 0, end - octets->len);
		octets->len = end;
	}
	if (len > 0) {
		memcpy(octets->at + offset, bytes, len);
	}
}

static void octets_copy(struct octets *to, const struct octets *from)
{
	to->len = 0;
	octets_set(to, 0, from->at, from->len);
}

/* Some sectors as they are now, the others as they were; it is as long as it was, or as it is. */
static void tear(struct inode *inode)
{
	struct octets *now = &inode->now;
	struct octets *durable = &inode->durable;
	if (now->len == durable->len && (now->len == 0 || memcmp(now->at, durable->at, now->len) == 0)) {
		return;
	}
	size_t len = sim_chance(50) ? now->len : durable->len;
	for (size_t at = 0; at < len; at += SECTOR) {
		size_t piece = len - at < SECTOR ? len - at : SECTOR;
		size_t there = at >= now->len ? 0 : now->len - at < piece ? now->len - at : piece;
		if (sim_chance(50)) {
			octets_set(durable, at, now->at + at, there);
		}
	}
	if (durable->len < len) {
		octets_set(durable, len, NULL, 0);
	}
	durable->len = len;
}

/* ---- the side ---- */

static bool may_write(struct sim_disk *disk, const char *what, struct error *error)
{
	struct sim_fuse *fuse = disk->fuse;
	bool is_alive = sim_fuse_burn(fuse);
	if (is_alive && (fuse->fault == SIM_DISK_GOOD || fuse->fault == SIM_DISK_MAP_FULL)) {
		return true;
	}
	sim.disk_refusals++;
	return error_set_errno(error, fuse->fault == SIM_DISK_FULL ? ENOSPC : EIO, "%s", what);
}

static struct disk_file *sim_create(struct disk *self, const char *path, struct error *error)
{
	struct sim_disk *disk = (struct sim_disk *)self;
	if (!may_write(disk, path, error)) {
		return NULL;
	}
	struct inode *inode = memory_new(sizeof *inode);
	inode->next = disk->inodes;
	disk->inodes = inode;
	note_change(disk, NULL, path, inode);
	struct disk_file *file = memory_new(sizeof *file);
	file->disk = disk;
	file->inode = inode;
	return file;
}

static bool sim_write(struct disk_file *file, uint64_t offset, const void *bytes, size_t len, struct error *error)
{
	if (!may_write(file->disk, "a file", error)) {
		return false;
	}
	octets_set(&file->inode->now, (size_t)offset, bytes, len);
	file->inode->written_at_s = sim_now(file->disk->fuse->server).wall_s;
	return true;
}

static bool sim_sync(struct disk_file *file, struct error *error)
{
	if (!may_write(file->disk, "a file", error)) {
		return false;
	}
	octets_copy(&file->inode->durable, &file->inode->now);
	return true;
}

static bool sim_push(struct disk_file *file, uint64_t offset, uint64_t len, struct error *error)
{
	(void)offset;
	(void)len;
	return may_write(file->disk, "a file", error);
}

static void sim_close(struct disk_file *take)
{
	free(take);
}

static bool sim_rename(struct disk *self, const char *from, const char *to, struct error *error)
{
	struct sim_disk *disk = (struct sim_disk *)self;
	size_t i = find(&disk->now, from);
	if (i == disk->now.count) {
		return error_set_errno(error, ENOENT, "%s", from);
	}
	if (!may_write(disk, from, error)) {
		return false;
	}
	note_change(disk, from, to, disk->now.items[i].inode);
	return true;
}

static bool sim_sync_folder(struct disk *self, const char *path, struct error *error)
{
	struct sim_disk *disk = (struct sim_disk *)self;
	if (!may_write(disk, path, error)) {
		return false;
	}
	copy(&disk->durable, &disk->now);
	forget_changes(disk);
	return true;
}

static void sim_remove(struct disk *self, const char *path)
{
	struct sim_disk *disk = (struct sim_disk *)self;
	struct error error;
	if (find(&disk->now, path) < disk->now.count && may_write(disk, path, &error)) {
		note_change(disk, path, NULL, NULL);
	}
}

static struct inode *inode_at(struct disk *self, const char *path)
{
	struct sim_disk *disk = (struct sim_disk *)self;
	size_t i = find(&disk->now, path);
	return i == disk->now.count ? NULL : disk->now.items[i].inode;
}

static bool sim_read(struct disk *self, const char *path, uint8_t **bytes, size_t *len, struct error *error)
{
	struct inode *inode = inode_at(self, path);
	if (inode == NULL) {
		return error_set_errno(error, ENOENT, "%s", path);
	}
	*len = inode->now.len;
	*bytes = memory_new(*len + 1);
	memcpy(*bytes, inode->now.at == NULL ? *bytes : inode->now.at, *len);
	return true;
}

static bool sim_look(struct disk *self, const char *path, uint8_t *out, size_t len, int64_t *written_at_s)
{
	struct inode *inode = inode_at(self, path);
	if (inode == NULL || inode->now.len < len) {
		return false;
	}
	memcpy(out, inode->now.at, len);
	*written_at_s = inode->written_at_s;
	return true;
}

static void sim_list(struct disk *self, const char *folder, struct disk_visitor *each)
{
	struct sim_disk *disk = (struct sim_disk *)self;
	struct folder names = {.items = NULL};
	size_t len = strlen(folder) + 1;
	copy(&names, &disk->now);
	for (size_t i = 0; i < names.count; i++) {
		each->visit(each, names.items[i].path + len);
	}
	clear(&names);
	free(names.items);
}

static const struct disk_side side = {
        .create = sim_create,
        .write = sim_write,
        .sync = sim_sync,
        .push = sim_push,
        .close = sim_close,
        .rename = sim_rename,
        .sync_folder = sim_sync_folder,
        .remove = sim_remove,
        .read = sim_read,
        .look = sim_look,
        .list = sim_list,
};

struct sim_disk *sim_disk_new(struct sim_fuse *fuse)
{
	struct sim_disk *disk = memory_new(sizeof *disk);
	disk->disk.side = &side;
	disk->fuse = fuse;
	return disk;
}

struct disk *sim_disk_side(struct sim_disk *disk)
{
	return &disk->disk;
}

void sim_disk_crash(struct sim_disk *disk)
{
	for (struct inode *inode = disk->inodes; inode != NULL; inode = inode->next) {
		tear(inode);
		octets_copy(&inode->now, &inode->durable);
	}
	for (size_t i = 0; i < disk->change_count; i++) {
		if (sim_chance(50)) {
			make(&disk->durable, &disk->changes[i]);
		}
	}
	forget_changes(disk);
	copy(&disk->now, &disk->durable);
}

void sim_disk_free(struct sim_disk *take)
{
	if (take == NULL) {
		return;
	}
	while (take->inodes != NULL) {
		struct inode *next = take->inodes->next;
		free(take->inodes->now.at);
		free(take->inodes->durable.at);
		free(take->inodes);
		take->inodes = next;
	}
	forget_changes(take);
	clear(&take->now);
	clear(&take->durable);
	free(take->now.items);
	free(take->durable.items);
	free(take->changes);
	free(take);
}

bool sim_fuse_burn(struct sim_fuse *fuse)
{
	if (!fuse->is_dead && fuse->left > 0 && --fuse->left == 0) {
		sim_kill(fuse->server);
	}
	return !fuse->is_dead;
}
