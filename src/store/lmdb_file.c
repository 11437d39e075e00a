/* SPDX-License-Identifier: MIT */
/* Opens an LMDB file that may be broken.
 *
 * LMDB has no checksums of pages: a file that lost its end, or a page of it, is met by SIGBUS or by nonsense. So a file that is
 * shorter than its meta page says, and any file after an end that was none of ours, is walked through by a child process
 * first. Values carry checksums of their own (value.c). */
#include "store/lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

/* Address space, not memory or disk: so much that nobody has to think of it. Where the system gives less, half of it. */
#define MAP_SIZE_MAX ((size_t)1 << 40)
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
bool lmdb_file_open(struct lmdb *lmdb, struct error *error)
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
		return !has_begun || (survives_a_walk(lmdb->path, error) && lmdb_file_open(lmdb, error));
	}
	lmdb->kv.was_killed = !mark_running(lmdb);
	bool is_sound = !has_begun || !lmdb->kv.was_killed || survives_a_walk(lmdb->path, error);
	bool done = is_sound && lmdb_file_open(lmdb, error);
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
