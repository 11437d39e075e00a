/* SPDX-License-Identifier: MIT */
/* What src/store stands on: an ordered map from octets to octets whose changes become durable in transactions.
 *
 * Knows   keys, values, transactions.
 * Not     zones, what a value means, threads but the rule below.
 *
 * Two sides implement it: LMDB (kv_lmdb.c), and for tests one whose disk is made up.
 *
 * I1  A transaction is durable whole when commit says so, and not at all when it does not.
 * I2  Reading sees committed transactions only, and never waits for a writer.
 *
 * Any thread may read and walk. One thread at a time writes, from begin to commit or abort. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct kv_bytes {
	const uint8_t *at;
	size_t len;
};

/* Longest key: a letter and a name leave room for numbers behind it; LMDB takes up to 511. */
#define KV_KEY_MAX 400

struct kv_visitor {
	/* Both are valid for the call only, which must be short: it keeps old pages alive. False: enough. */
	bool (*visit)(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value);
};

struct kv {
	const struct kv_side *side;
	bool was_killed; /* whoever had it open last did not close it */
};

struct kv_side {
	/* One value, or none: the visitor is not called then.
	 * ERROR_IO */
	bool (*read)(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error);
	/* All whose key begins with `prefix`, in order of keys.
	 * ERROR_IO */
	bool (*walk)(struct kv *kv, struct kv_bytes prefix, struct kv_visitor *each, struct error *error);

	/* The transaction. After a failure of any of these it is to be aborted; a failed commit has aborted it.
	 * ERROR_IO     the system refused: a full disk, for example
	 * ERROR_LIMIT  the map has no room left
	 * ERROR_DENIED it was opened for reading only */
	bool (*begin)(struct kv *kv, struct error *error);
	/* As read, and sees what the transaction has put. */
	bool (*look)(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error);
	bool (*put)(struct kv *kv, struct kv_bytes key, struct kv_bytes value, struct error *error);
	/* Nothing there is fine. */
	bool (*remove)(struct kv *kv, struct kv_bytes key, struct error *error);
	bool (*commit)(struct kv *kv, struct error *error);
	void (*abort)(struct kv *kv);

	/* Frees `kv`. */
	void (*close)(struct kv *kv);
};

/* Opens the LMDB file at `path`, making it if need be; `is_read_only`: a file that may not be there, and is not made.
 * It is looked through first; one that is not as LMDB leaves it is ERROR_INVALID.
 * ERROR_IO, ERROR_DENIED  as the system says */
struct kv *kv_lmdb_open(const char *path, bool is_read_only, struct error *error);
