/* SPDX-License-Identifier: MIT */
/* The LMDB side. One file, one unnamed database.
 *
 * The store's folder belongs to one process, so LMDB's own lock file, whose memory a full disk could take away, is done
 * without. In its place a writer begins only when nobody reads: LMDB then uses no page again that somebody may still see. */
#include "store/lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

bool lmdb_set_error(struct error *error, int code, const char *path)
{
	if (code == MDB_MAP_FULL) {
		return error_set(error, ERROR_LIMIT, "%s: %s", path, mdb_strerror(code));
	}
	if (code > 0) {
		return error_set_errno(error, code, "%s", path);
	}
	return error_set(error, ERROR_IO, "%s: %s", path, mdb_strerror(code));
}

static MDB_val val_of(struct kv_bytes bytes)
{
	return (MDB_val){.mv_size = bytes.len, .mv_data = (void *)(uintptr_t)bytes.at};
}

static struct kv_bytes bytes_of(const MDB_val *val)
{
	return (struct kv_bytes){.at = val->mv_data, .len = val->mv_size};
}

/* ---- reading ---- */

/* LMDB takes the newer of two meta pages. The one that a commit is just writing may be a mixture, and what it tells of is
 * not durable yet: such a start is made again when the commit has ended. */
static int begin_committed(struct lmdb *lmdb, MDB_txn **txn)
{
	int failed = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, txn);
	while (failed == 0 && mdb_txn_id(*txn) > atomic_load(&lmdb->committed)) {
		mdb_txn_abort(*txn);
		pthread_mutex_lock(&lmdb->committing);
		pthread_mutex_unlock(&lmdb->committing);
		failed = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, txn);
	}
	return failed;
}

/* A read-only file that is not there holds nothing. */
static bool is_missing(const struct lmdb *lmdb)
{
	return lmdb->is_read_only && lmdb->env == NULL;
}

static bool begin_reading(struct lmdb *lmdb, MDB_txn **txn, struct error *error)
{
	pthread_rwlock_rdlock(&lmdb->lock);
	if (lmdb->env == NULL) {
		pthread_rwlock_unlock(&lmdb->lock);
		return error_set(error, ERROR_IO, "%s: there is no store", lmdb->path);
	}
	int failed = begin_committed(lmdb, txn);
	if (failed != 0) {
		pthread_rwlock_unlock(&lmdb->lock);
		return lmdb_set_error(error, failed, lmdb->path);
	}
	return true;
}

/* Every so often the pages of the file that were looked at are taken out of this process's memory; the system still has
 * them. Else a server of many zones would seem to need the whole file. */
#define LOOKED_MAX 32768

/* The lock is held, or a transaction writes, so that the map is there. */
static void note_look(struct lmdb *lmdb)
{
	if ((atomic_fetch_add(&lmdb->looked, 1) + 1) % LOOKED_MAX == 0 && lmdb->map != NULL) {
		madvise(lmdb->map, lmdb->map_size, MADV_DONTNEED);
	}
}

static void end_reading(struct lmdb *lmdb, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	note_look(lmdb);
	pthread_rwlock_unlock(&lmdb->lock);
}

static bool get(struct lmdb *lmdb, MDB_txn *txn, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	MDB_val key_val = val_of(key);
	MDB_val value;
	int failed = mdb_get(txn, lmdb->db, &key_val, &value);
	if (failed == 0) {
		found->visit(found, key, bytes_of(&value));
		return true;
	}
	return failed == MDB_NOTFOUND || lmdb_set_error(error, failed, lmdb->path);
}

static bool begins_with(const MDB_val *key, struct kv_bytes prefix)
{
	return key->mv_size >= prefix.len && (prefix.len == 0 || memcmp(key->mv_data, prefix.at, prefix.len) == 0);
}

static bool walk(struct lmdb *lmdb, MDB_txn *txn, struct kv_bytes prefix, struct kv_visitor *each, struct error *error)
{
	MDB_cursor *cursor;
	MDB_val key = val_of(prefix);
	MDB_val value;
	int failed = mdb_cursor_open(txn, lmdb->db, &cursor);
	if (failed != 0) {
		return lmdb_set_error(error, failed, lmdb->path);
	}
	bool more = true;
	failed = mdb_cursor_get(cursor, &key, &value, prefix.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
	while (failed == 0 && more && begins_with(&key, prefix)) {
		more = each->visit(each, bytes_of(&key), bytes_of(&value));
		failed = more ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : 0;
	}
	mdb_cursor_close(cursor);
	return failed == 0 || failed == MDB_NOTFOUND || lmdb_set_error(error, failed, lmdb->path);
}

/* `look` in a transaction of its own. */
static bool look_at_committed(struct lmdb *lmdb, struct kv_bytes what, struct kv_visitor *visitor,
                              bool (*look)(struct lmdb *lmdb, MDB_txn *txn, struct kv_bytes what,
                                           struct kv_visitor *visitor, struct error *error),
                              struct error *error)
{
	MDB_txn *txn;
	if (is_missing(lmdb)) {
		return true;
	}
	if (!begin_reading(lmdb, &txn, error)) {
		return false;
	}
	bool done = look(lmdb, txn, what, visitor, error);
	end_reading(lmdb, txn);
	return done;
}

static bool lmdb_read(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	return look_at_committed((struct lmdb *)kv, key, found, get, error);
}

static bool lmdb_walk(struct kv *kv, struct kv_bytes prefix, struct kv_visitor *each, struct error *error)
{
	return look_at_committed((struct lmdb *)kv, prefix, each, walk, error);
}

/* ---- writing ---- */

/* Nobody reads. */
static bool begin_writing(struct lmdb *lmdb, struct error *error)
{
	if (lmdb->env == NULL && !lmdb_file_open(lmdb, error)) {
		return false;
	}
	int failed = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->writing);
	return failed == 0 || lmdb_set_error(error, failed, lmdb->path);
}

/* After a failure to write its meta page LMDB trusts itself no more, and gives nothing to readers either. */
static bool has_given_up(const struct lmdb *lmdb)
{
	MDB_txn *txn;
	int failed = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);
	if (failed == 0) {
		mdb_txn_abort(txn);
	}
	return failed == MDB_PANIC;
}

/* The file is as it was. */
static void open_anew(struct lmdb *lmdb)
{
	struct error error;
	pthread_rwlock_wrlock(&lmdb->lock);
	if (has_given_up(lmdb)) {
		mdb_env_close(lmdb->env);
		lmdb->env = NULL;
		lmdb->map = NULL;                    /* soon somebody else's memory may lie there */
		(void)!lmdb_file_open(lmdb, &error); /* in vain: the next writer tries again */
	}
	pthread_rwlock_unlock(&lmdb->lock);
}

static bool lmdb_begin(struct kv *kv, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	if (lmdb->is_read_only) {
		return error_set_errno(error, EROFS, "%s", lmdb->path);
	}
	pthread_rwlock_wrlock(&lmdb->lock);
	bool done = begin_writing(lmdb, error);
	pthread_rwlock_unlock(&lmdb->lock);
	return done;
}

static bool lmdb_look(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	return get(lmdb, lmdb->writing, key, found, error);
}

static bool lmdb_put(struct kv *kv, struct kv_bytes key, struct kv_bytes value, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	MDB_val key_val = val_of(key);
	MDB_val value_val = val_of(value);
	int failed = mdb_put(lmdb->writing, lmdb->db, &key_val, &value_val, 0);
	note_look(lmdb);
	return failed == 0 || lmdb_set_error(error, failed, lmdb->path);
}

static bool lmdb_remove(struct kv *kv, struct kv_bytes key, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	MDB_val key_val = val_of(key);
	int failed = mdb_del(lmdb->writing, lmdb->db, &key_val, NULL);
	return failed == 0 || failed == MDB_NOTFOUND || lmdb_set_error(error, failed, lmdb->path);
}

/* Somebody removed the file while it was open: what is written goes nowhere. */
static bool file_is_gone(const struct lmdb *lmdb)
{
	struct stat file;
	mdb_filehandle_t fd;
	return mdb_env_get_fd(lmdb->env, &fd) == 0 && fstat(fd, &file) == 0 && file.st_nlink == 0;
}

/* The file is kept this much longer than what is used of it, so that small changes find room on a full disk. */
#define RESERVE ((off_t)1 << 20)

/* As far as the disk lets it. */
static void keep_reserve(struct lmdb *lmdb)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat file;
	mdb_filehandle_t fd;
	mdb_env_info(lmdb->env, &info);
	mdb_env_stat(lmdb->env, &stat);
	off_t used = (off_t)((info.me_last_pgno + 1) * stat.ms_psize);
	if (mdb_env_get_fd(lmdb->env, &fd) == 0 && fstat(fd, &file) == 0 && file.st_size - used < RESERVE / 2) {
		/* Not posix_fallocate: where the file system cannot do it, that one touches every page of the file. */
		(void)!fallocate(fd, 0, 0, used + RESERVE);
	}
}

static bool lmdb_commit(struct kv *kv, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	uint64_t number = mdb_txn_id(lmdb->writing);
	pthread_mutex_lock(&lmdb->committing);
	int failed = mdb_txn_commit(lmdb->writing);
	if (failed == 0 && number > atomic_load(&lmdb->committed)) {
		atomic_store(&lmdb->committed, number);
	}
	pthread_mutex_unlock(&lmdb->committing);
	lmdb->writing = NULL;
	if (failed != 0) {
		open_anew(lmdb);
		return lmdb_set_error(error, failed, lmdb->path);
	}
	keep_reserve(lmdb);
	return !file_is_gone(lmdb) ||
	       error_set(error, ERROR_IO, "%s: was removed while it was in use; restart the server", lmdb->path);
}

static void lmdb_abort(struct kv *kv)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	mdb_txn_abort(lmdb->writing);
	lmdb->writing = NULL;
}

static void lmdb_close(struct kv *kv)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	lmdb_file_end(lmdb);
	pthread_rwlock_destroy(&lmdb->lock);
	pthread_mutex_destroy(&lmdb->committing);
	free(lmdb->path_running);
	free(lmdb->path);
	free(lmdb);
}

static const struct kv_side lmdb_side = {
        .read = lmdb_read,
        .walk = lmdb_walk,
        .begin = lmdb_begin,
        .look = lmdb_look,
        .put = lmdb_put,
        .remove = lmdb_remove,
        .commit = lmdb_commit,
        .abort = lmdb_abort,
        .close = lmdb_close,
};

struct kv *kv_lmdb_open(const char *path, bool is_read_only, struct error *error)
{
	struct lmdb *lmdb = memory_new(sizeof *lmdb);
	lmdb->kv.side = &lmdb_side;
	lmdb->path = memory_copy_text(path);
	lmdb->path_running = memory_new(strlen(path) + sizeof "-running");
	sprintf(lmdb->path_running, "%s-running", path);
	lmdb->is_read_only = is_read_only;
	pthread_rwlockattr_t kind;
	pthread_rwlockattr_init(&kind);
	pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&lmdb->lock, &kind);
	pthread_mutex_init(&lmdb->committing, NULL);
	pthread_rwlockattr_destroy(&kind);
	if (lmdb_file_begin(lmdb, error)) {
		return &lmdb->kv;
	}
	lmdb_close(&lmdb->kv);
	return NULL;
}
