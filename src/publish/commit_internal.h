/* SPDX-License-Identifier: MIT */
/* One offer on its way through the pipeline, cut into files: publish.c (it comes, and is checked), compare.c (what it changes),
 * stored.c (what of it the store is given), settle.c (how it ends). secure.c has one that offers nothing. */
#pragma once

#include <pthread.h>

#include "publish/line_internal.h"

struct commit {
	struct store_waiter waiter; /* first */
	struct publish_line *line;
	struct publish *publish;
	/* of the offer */
	const struct publish_policy *policy; /* borrowed while the offer is made */
	enum change_origin origin;
	bool forced;
	struct moment now;
	struct change_deadlines deadlines;
	char *who;       /* owned */
	uint8_t *source; /* owned; NULL: none */
	size_t source_len;
	void (*settled)(void *context, const struct change_result *result, const struct error *error);
	void *context;

	struct line_version base; /* what it continues; owned */
	uint32_t run;
	struct line_version next; /* what it makes; owned, and `head` is as it will be */
	bool is_prepared;         /* what is to be stored is made before it is known whether it is wanted */
	bool is_beside;           /* and `thread` makes it */
	pthread_t thread;
	struct store_content content; /* says the digest of `next`, which `digester` makes beside that */
	bool is_digested_beside;
	pthread_t digester;
	struct change_digest digest; /* the digester's until it was joined */
	bool same_content;           /* a primary's: as what was published last, the serial aside */
	const struct changeset *set; /* a reference; what makes it of `base`; NULL: none is kept */
	struct store_write *write;   /* owned; NULL: not made yet */
	bool writes;                 /* the store is given something for it */
	struct change_result result;
	char zone_text[DNS_NAME_TEXT_MAX];
};

static inline bool commit_is_primary(const struct commit *commit)
{
	return commit->origin == CHANGE_FROM_FILE;
}

/* What is said of a version that is served and was to be on disk by now. */
#define NOT_WRITTEN "it could not be written when it came"

/* ---- publish.c ---- */

/* With what is in the offer; `base` and `run` are to be filled in. */
struct commit *commit_new(struct publish_line *line, const struct change_offer *offer);

/* ---- compare.c ---- */

/* Of the serials that came twice (store_head.top): what stays of it from version to version. Where nothing is served before,
 * what was published last may be something else. */
void commit_carry_top(struct commit *commit);
/* And what is newer than all of them is led on from: nothing before it is in its history. */
void commit_leave_top(struct commit *commit);
/* Fills in what changed, the changeset and the history; CHANGE_UNCHANGED when there is nothing to do. */
void commit_compare(struct commit *commit);

/* ---- stored.c ---- */

struct change_history_limits commit_history_limits(const struct commit *commit);
/* A changeset of more octets is not made. A smaller one is, even where no history is kept: it costs the disk less than the
 * whole zone. */
size_t commit_changeset_octets_max(const struct commit *commit, const struct change_history_limits *limits);
/* What is written is the changeset: the version before it is on disk, or will be by then. */
bool commit_continues_on_disk(const struct commit *commit);
/* A version that continues none that is at hand is digested, and written as far as it can be, on a thread of its own while it
 * is checked, where it is large. */
void commit_prepare_begin(struct commit *commit);
/* Before `next` becomes another one, or is given up; then it is no longer wanted. */
void commit_prepare_end(struct commit *commit, bool wanted);
/* The store has it already, or will have it by what is on its way. */
bool commit_is_stored(const struct commit *commit);
/* What is given to the store, the caller's; may be empty. */
struct store_write *commit_take_write(struct commit *commit);
/* A whole version. On a primary the zone file has the records: what is kept of them is made when the version is served. */
void commit_write_whole(struct store_write *write, const struct line_version *version, const char *who);

/* ---- settle.c ---- */

/* Tells whoever offered it, and frees it. `result` NULL: it failed with `error`. */
void commit_settle(struct commit *take, const struct change_result *result, const struct error *error);
/* For struct store_waiter: makes `next` the served version, or gives it up, and tells. */
bool commit_is_still_wanted(struct store_waiter *self);
void commit_finish(struct store_waiter *self, bool is_durable, const struct error *error);
