/* SPDX-License-Identifier: MIT */
/* Opens an LMDB file that may be broken.
 *
 * LMDB has no checksums of pages, and trusts what it reads: a file is looked through first (lmdb_check.c). */
#include "store/lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"

/* Where the system gives less than MAP_SIZE_MAX, half of it, and so on. */
#define MAP_SIZE_MIN ((size_t)1 << 28)

static int open_env(struct lmdb *lmdb, size_t map_size)
{
	unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | MDB_NOLOCK;
	if (lmdb->is_read_only) {
		flags |= MDB_RDONLY;
	}
	int failed = mdb_env_create(&lmdb->env);
	if (failed != 0) {
		return failed;
	}
	mdb_env_set_mapsize(lmdb->env, map_size);
	failed = mdb_env_open(lmdb->env, lmdb->path, flags, 0640);
	if (failed != 0) {
		mdb_env_close(lmdb->env);
		lmdb->env = NULL;
	}
	return failed;
}

static int open_env_in_what_there_is(struct lmdb *lmdb)
{
	size_t map_size = MAP_SIZE_MAX;
	int failed = open_env(lmdb, map_size);
	while (failed == ENOMEM && map_size > MAP_SIZE_MIN) {
		map_size /= 2;
		failed = open_env(lmdb, map_size);
	}
	return failed;
}

static int open_database(struct lmdb *lmdb)
{
	MDB_txn *txn;
	int failed = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);
	if (failed == 0) {
		failed = mdb_dbi_open(txn, NULL, 0, &lmdb->db);
		if (failed == 0) {
			failed = mdb_txn_commit(txn);
		} else {
			mdb_txn_abort(txn);
		}
	}
	return failed;
}

static void close_env(struct lmdb *lmdb)
{
	mdb_env_close(lmdb->env);
	lmdb->env = NULL;
	lmdb->map = NULL;
}

/* An empty file was made by somebody who was killed before anything was written to it. */
static bool is_begun(const char *path)
{
	struct stat file;
	return stat(path, &file) == 0 && file.st_size > 0;
}

/* LMDB does not tell where it mapped its file; the system does. Where it does not either, nothing is given back to it. */
static void find_map(struct lmdb *lmdb)
{
	char line[4200];
	struct stat file;
	mdb_filehandle_t fd;
	FILE *maps = fopen("/proc/self/maps", "re");
	bool is_known = maps != NULL && mdb_env_get_fd(lmdb->env, &fd) == 0 && fstat(fd, &file) == 0;
	while (is_known && lmdb->map == NULL && fgets(line, sizeof line, maps) != NULL) {
		uintptr_t from;
		uintptr_t to;
		unsigned dev_major;
		unsigned dev_minor;
		unsigned long inode;
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*x %x:%x %lu", &from, &to, &dev_major, &dev_minor,
		           &inode) == 5 &&
		    inode == file.st_ino && makedev(dev_major, dev_minor) == file.st_dev) {
			lmdb->map = (void *)from;
			lmdb->map_size = to - from;
		}
	}
	if (maps != NULL) {
		fclose(maps);
	}
}

bool lmdb_file_open(struct lmdb *lmdb, struct error *error)
{
	if (is_begun(lmdb->path) && !lmdb_check(lmdb->path, error)) {
		return false;
	}
	int failed = open_env_in_what_there_is(lmdb);
	if (failed == MDB_INVALID || failed == MDB_CORRUPTED || failed == MDB_VERSION_MISMATCH) {
		return error_set(error, ERROR_INVALID, "%s: is no store, or a broken one: %s", lmdb->path,
		                 mdb_strerror(failed));
	}
	if (failed != 0) {
		return lmdb_set_error(error, failed, lmdb->path);
	}
	failed = open_database(lmdb);
	if (failed != 0) {
		close_env(lmdb);
		return lmdb_set_error(error, failed, lmdb->path);
	}
	MDB_envinfo info;
	mdb_env_info(lmdb->env, &info);
	atomic_store(&lmdb->committed, info.me_last_txnid);
	find_map(lmdb);
	return true;
}

/* Notes that the file is open; false and not `error`: it was so already. */
static bool mark_running(const struct lmdb *lmdb)
{
	int fd = open(lmdb->path_running, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd >= 0) {
		close(fd);
	}
	return fd >= 0 || errno != EEXIST;
}

/* LMDB leaves this to the first commit, or does not do it at all: a file that was just made, and the names of it and of the
 * mark beside it, would go with the power. A disk that refuses this refuses what is written to it, too. */
static void make_lasting(const struct lmdb *lmdb, bool is_new)
{
	if (is_new) {
		(void)!mdb_env_sync(lmdb->env, true);
	}
	(void)!file_sync_name(lmdb->path);
}

bool lmdb_file_begin(struct lmdb *lmdb, struct error *error)
{
	bool has_begun = is_begun(lmdb->path);
	if (lmdb->is_read_only) {
		lmdb->kv.was_killed = access(lmdb->path_running, F_OK) == 0;
		return !has_begun || lmdb_file_open(lmdb, error);
	}
	lmdb->kv.was_killed = !mark_running(lmdb);
	bool done = lmdb_file_open(lmdb, error);
	if (done) {
		make_lasting(lmdb, !has_begun);
	}
	lmdb->is_unsure = !done && lmdb->kv.was_killed && error->code != ERROR_INVALID;
	return done;
}

void lmdb_file_end(struct lmdb *lmdb)
{
	if (lmdb->env != NULL) {
		close_env(lmdb);
	}
	if (!lmdb->is_read_only && !lmdb->is_unsure) {
		unlink(lmdb->path_running);
	}
}
