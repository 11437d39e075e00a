/* SPDX-License-Identifier: MIT */
/* What kv_lmdb.c and lmdb_file.c share: an LMDB file that is open. */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "store/kv.h"

/* Address space, not memory or disk: so much that nobody has to think of it. */
#define MAP_SIZE_MAX ((size_t)1 << 40)

struct lmdb {
	struct kv kv; /* first */
	char *path;
	char *path_running; /* a file that is there while somebody has it open */
	bool is_read_only;
	bool is_unsure;        /* it could not be opened: who had it before is still the one who was killed */
	pthread_rwlock_t lock; /* guards env and db; held by readers, and by a writer while it begins */
	MDB_env *env;          /* NULL: read-only and no file */
	MDB_dbi db;
	MDB_txn *writing;
	pthread_mutex_t committing; /* held while a commit is written */
	_Atomic uint64_t committed; /* number of the last transaction that is durable */
	_Atomic uint32_t looked;    /* how often it was read */
	void *map;                  /* where in memory the file is mapped; guarded as env; NULL: not known */
	size_t map_size;
};

/* What LMDB's codes and the system's mean to us. Always false. */
bool lmdb_set_error(struct error *error, int code, const char *path);

/* ---- lmdb_check.c ---- */

/* Looks through the file; costs a pass over what is used of it. False:
 * ERROR_INVALID           LMDB could not live with it
 * ERROR_IO, ERROR_DENIED  as the system says */
bool lmdb_check(const char *path, struct error *error);

/* ---- lmdb_file.c ---- */

/* Opens the file at lmdb->path, which is not open, and looks through it first.
 * ERROR_INVALID           it is broken
 * ERROR_IO, ERROR_DENIED  as the system says; nothing is open then */
bool lmdb_file_open(struct lmdb *lmdb, struct error *error);
/* The same for a process that begins, after whoever had it before, and marks it as open. */
bool lmdb_file_begin(struct lmdb *lmdb, struct error *error);
/* And takes the mark away, unless somebody is to look at the file again. */
void lmdb_file_end(struct lmdb *lmdb);
