/* SPDX-License-Identifier: MIT */
/* The LMDB side. One file, one unnamed database.
 *
 * The store's folder belongs to one process, so LMDB's own lock file, whose memory a full disk could take away, is done
 * without. In its place a writer begins only when nobody reads: LMDB then uses no page again that somebody may still see.
 *
 * LMDB has no checksums of pages: a file that lost its end, or a page of it, is met by SIGBUS or by nonsense. So a file that is
 * shorter than its meta page says, and any file after an end that was none of ours, is walked through by a child process
 * first. Values carry checksums of their own (value.c). */
#include "store/kv.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"

/* Address space, not memory or disk: so much that nobody has to think of it. Where the system gives less, half of it. */
#define MAP_SIZE_MAX ((size_t)1 << 40)
#define MAP_SIZE_MIN ((size_t)1 << 28)

struct lmdb {
	struct kv kv; /* first */
	char *path;
	char *path_running; /* a file that is there while somebody has it open */
	bool is_read_only;
	bool is_unsure;        /* it could not be looked through: whoever opens it next is to try */
	pthread_rwlock_t lock; /* guards env and db; held by readers, and by a writer while it begins */
	MDB_env *env;          /* NULL: read-only and no file */
	MDB_dbi db;
	MDB_txn *writing;
	pthread_mutex_t committing; /* held while a commit is written */
	_Atomic uint64_t committed; /* number of the last transaction that is durable */
};

static bool set_error(struct error *error, int code, const char *path)
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

/* ---- opening ---- */

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

/* The meta page counts pages that the file does not have. */
static bool is_cut(const struct lmdb *lmdb)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat file;
	mdb_filehandle_t fd;
	mdb_env_info(lmdb->env, &info);
	mdb_env_stat(lmdb->env, &stat);
	return mdb_env_get_fd(lmdb->env, &fd) != 0 || fstat(fd, &file) != 0 ||
	       (info.me_last_pgno + 1) * stat.ms_psize > (size_t)file.st_size;
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
}

/* Whatever its size. */
static bool open_unmeasured(struct lmdb *lmdb, struct error *error)
{
	int failed = open_env_in_what_there_is(lmdb);
	if (failed == MDB_INVALID || failed == MDB_CORRUPTED || failed == MDB_VERSION_MISMATCH) {
		return error_set(error, ERROR_INVALID, "%s: is no store, or a broken one: %s", lmdb->path,
		                 mdb_strerror(failed));
	}
	if (failed != 0) {
		return set_error(error, failed, lmdb->path);
	}
	failed = open_database(lmdb);
	if (failed != 0) {
		close_env(lmdb);
		return set_error(error, failed, lmdb->path);
	}
	MDB_envinfo info;
	mdb_env_info(lmdb->env, &info);
	atomic_store(&lmdb->committed, info.me_last_txnid);
	return true;
}

/* Reads every octet of one of the file's trees. */
static bool walk_tree(MDB_txn *txn, MDB_dbi tree)
{
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
	volatile uint8_t sum = 0;
	if (mdb_cursor_open(txn, tree, &cursor) != 0) {
		return false;
	}
	int found = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (; found == 0; found = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		for (size_t i = 0; i < value.mv_size; i++) {
			sum = (uint8_t)(sum + ((const uint8_t *)value.mv_data)[i]);
		}
	}
	return found == MDB_NOTFOUND;
}

/* LMDB's own list of pages that are free is tree 0. */
#define FREE_PAGES ((MDB_dbi)0)

enum walked { WALKED_WHOLE, WALKED_BROKEN, WALKED_REFUSED };

static enum walked walk_all(struct lmdb *lmdb)
{
	struct error error;
	MDB_txn *txn;
	if (!open_unmeasured(lmdb, &error)) {
		return error.code == ERROR_INVALID ? WALKED_BROKEN : WALKED_REFUSED;
	}
	bool is_whole = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn) == 0 && walk_tree(txn, FREE_PAGES) &&
	                walk_tree(txn, lmdb->db);
	return is_whole ? WALKED_WHOLE : WALKED_BROKEN;
}

/* Somebody from outside, or a system without memory, ended it: that says nothing of the file. */
static bool was_stopped(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) != SIGBUS && WTERMSIG(status) != SIGSEGV &&
	       WTERMSIG(status) != SIGABRT && WTERMSIG(status) != SIGFPE;
}

/* Whatever this process does about them, the child is to die of them, and to leave no core for it. */
static void die_plainly(void)
{
	static const int signals[] = {SIGBUS, SIGSEGV, SIGABRT, SIGFPE};
	for (size_t i = 0; i < ARRAY_LENGTH(signals); i++) {
		signal(signals[i], SIG_DFL);
	}
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
}

/* In a child, so that what kills it kills only that. True too where the system does not let it read: whoever opens the
 * file then is told why. */
static bool survives_a_walk(const char *path, struct error *error)
{
	pid_t child = fork();
	if (child < 0) {
		return error_set_errno(error, errno, "process to look through %s", path);
	}
	if (child == 0) {
		die_plainly();
		struct lmdb lmdb = {.path = (char *)(uintptr_t)path, .is_read_only = true};
		_exit((int)walk_all(&lmdb));
	}
	int status;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
	}
	if (was_stopped(status)) {
		return error_set(error, ERROR_IO, "%s: the process that looked through it was ended by signal %d", path,
		                 WTERMSIG(status));
	}
	bool is_broken = !WIFEXITED(status) || WEXITSTATUS(status) == WALKED_BROKEN;
	return !is_broken || error_set(error, ERROR_INVALID, "%s: is broken: it cannot be read to its end", path);
}

/* LMDB does not write pages that a transaction took and gave back, so a file may lack some at its end that nobody needs. */
static bool open_file(struct lmdb *lmdb, struct error *error)
{
	if (!open_unmeasured(lmdb, error)) {
		return false;
	}
	if (!is_cut(lmdb)) {
		return true;
	}
	close_env(lmdb);
	if (!survives_a_walk(lmdb->path, error)) {
		return error_context(error, "the file is shorter than it says itself");
	}
	return open_unmeasured(lmdb, error);
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

/* An empty file was made by somebody who was killed before anything was written to it. */
static bool is_begun(const char *path)
{
	struct stat file;
	return stat(path, &file) == 0 && file.st_size > 0;
}

static bool open_looked_through(struct lmdb *lmdb, struct error *error)
{
	bool has_begun = is_begun(lmdb->path);
	if (lmdb->is_read_only) {
		lmdb->kv.was_killed = access(lmdb->path_running, F_OK) == 0;
		return !has_begun || (survives_a_walk(lmdb->path, error) && open_file(lmdb, error));
	}
	lmdb->kv.was_killed = !mark_running(lmdb);
	bool is_sound = !has_begun || !lmdb->kv.was_killed || survives_a_walk(lmdb->path, error);
	bool done = is_sound && open_file(lmdb, error);
	lmdb->is_unsure = !done && lmdb->kv.was_killed && error->code != ERROR_INVALID;
	return done;
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
		return set_error(error, failed, lmdb->path);
	}
	return true;
}

static void end_reading(struct lmdb *lmdb, MDB_txn *txn)
{
	mdb_txn_abort(txn);
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
	return failed == MDB_NOTFOUND || set_error(error, failed, lmdb->path);
}

static bool lmdb_read(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	MDB_txn *txn;
	if (lmdb->is_read_only && lmdb->env == NULL) {
		return true;
	}
	if (!begin_reading(lmdb, &txn, error)) {
		return false;
	}
	bool done = get(lmdb, txn, key, found, error);
	end_reading(lmdb, txn);
	return done;
}

static bool begins_with(const MDB_val *key, struct kv_bytes prefix)
{
	return key->mv_size >= prefix.len && (prefix.len == 0 || memcmp(key->mv_data, prefix.at, prefix.len) == 0);
}

static int walk(struct lmdb *lmdb, MDB_txn *txn, struct kv_bytes prefix, struct kv_visitor *each)
{
	MDB_cursor *cursor;
	MDB_val key = val_of(prefix);
	MDB_val value;
	int failed = mdb_cursor_open(txn, lmdb->db, &cursor);
	if (failed != 0) {
		return failed;
	}
	bool more = true;
	failed = mdb_cursor_get(cursor, &key, &value, prefix.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
	while (failed == 0 && more && begins_with(&key, prefix)) {
		more = each->visit(each, bytes_of(&key), bytes_of(&value));
		failed = more ? mdb_cursor_get(cursor, &key, &value, MDB_NEXT) : 0;
	}
	mdb_cursor_close(cursor);
	return failed == MDB_NOTFOUND ? 0 : failed;
}

static bool lmdb_walk(struct kv *kv, struct kv_bytes prefix, struct kv_visitor *each, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	MDB_txn *txn;
	if (lmdb->is_read_only && lmdb->env == NULL) {
		return true;
	}
	if (!begin_reading(lmdb, &txn, error)) {
		return false;
	}
	int failed = walk(lmdb, txn, prefix, each);
	end_reading(lmdb, txn);
	return failed == 0 || set_error(error, failed, lmdb->path);
}

/* ---- writing ---- */

/* Nobody reads. */
static bool begin_writing(struct lmdb *lmdb, struct error *error)
{
	if (lmdb->env == NULL && !open_file(lmdb, error)) {
		return false;
	}
	int failed = mdb_txn_begin(lmdb->env, NULL, 0, &lmdb->writing);
	return failed == 0 || set_error(error, failed, lmdb->path);
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
		(void)!open_file(lmdb, &error); /* in vain: the next writer tries again */
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
	return failed == 0 || set_error(error, failed, lmdb->path);
}

static bool lmdb_remove(struct kv *kv, struct kv_bytes key, struct error *error)
{
	struct lmdb *lmdb = (struct lmdb *)kv;
	MDB_val key_val = val_of(key);
	int failed = mdb_del(lmdb->writing, lmdb->db, &key_val, NULL);
	return failed == 0 || failed == MDB_NOTFOUND || set_error(error, failed, lmdb->path);
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
		return set_error(error, failed, lmdb->path);
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
	if (lmdb->env != NULL) {
		mdb_env_close(lmdb->env);
	}
	if (!lmdb->is_read_only && !lmdb->is_unsure) {
		unlink(lmdb->path_running);
	}
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
	if (open_looked_through(lmdb, error)) {
		return &lmdb->kv;
	}
	lmdb_close(&lmdb->kv);
	return NULL;
}
