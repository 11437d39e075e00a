/* SPDX-License-Identifier: MIT */
/* The line of versions of one zone, as src/publish sees it. */
#pragma once

#include <pthread.h>

#include "publish/publish.h"

struct publish {
	struct store *store;
	const struct publish_copier *copier; /* NULL: nobody makes copies */
	struct change_listener *listeners;
	struct change_listener **listeners_end;
};

/* One version, and what is remembered of it. */
struct line_version {
	const struct zone_snapshot *snapshot; /* a reference; NULL: none */
	const struct change_history *history; /* a reference; what leads to it */
	struct store_head head;
	struct store_stand stand; /* of what is served: as the store told */
	int64_t since_s;          /* when it was published, wall time */
	enum change_origin origin;
	bool has_head;   /* something was published before; without a snapshot by another process, or it has expired */
	bool is_on_disk; /* `head` is what the store has, or will have before anything that is submitted from now on */
};

struct publish_line {
	struct change_sink sink; /* first */
	struct publish *publish;
	struct zone *zone;
	void *owner;
	bool is_recalled; /* whoever offers: the store was asked */

	pthread_mutex_t lock;     /* guards what follows, and the zone's slot */
	struct line_version head; /* the newest that was taken */
	struct line_version served;
	uint32_t pending; /* commits on their way */
	uint32_t run;     /* raised when what was on its way is given up */
	bool is_copying;  /* somebody was asked for a copy */
	bool has_failed_to_copy;
	int64_t copy_at_ms; /* and then: boot clock, the next one is not asked for before; 0: not known yet */
};

/* ---- publish.c ---- */

/* struct change_sink.offer */
void publish_offer(struct change_sink *self, const struct change_offer *offer);

/* ---- line.c ---- */

/* Drops both references. */
void line_version_drop(struct line_version *version);

/* The head, with a reference to its snapshot, and its run. */
struct line_version line_take_head(struct publish_line *line, uint32_t *run);
/* Sets the head, once, to what another process published last, without a snapshot. A broken store is a start from nothing,
 * but for the serials that were given. As an offer (I4). */
void line_recall(struct publish_line *line);
/* `version` (its reference is taken) becomes the head, if nothing was given up since `run`; false: it was. Where it is not
 * written by itself it is on disk as far as the head before it is. */
MUST_USE bool line_advance(struct publish_line *line, uint32_t run, struct line_version version);
/* Nothing else of the line is on its way to the disk. */
bool line_is_last(struct publish_line *line);
/* Something is on its way that changes no version. */
void line_begin(struct publish_line *line);
/* What is on its way since `run` is still to be done. Any thread. */
bool line_is_current(struct publish_line *line, uint32_t run);
/* One that was on its way is not any more. */
void line_end(struct publish_line *line);
/* And it has failed: what is served is the head again, and whatever continues what failed is given up. */
void line_end_refused(struct publish_line *line, uint32_t run);
/* And it is served from now on; gives the zone's state before. `version` is borrowed. `is_held_back`: until it is on disk no
 * secondary is given it (publish.h, I6). */
enum zone_state line_end_published(struct publish_line *line, const struct line_version *version, bool is_held_back);
/* And it is known whether this version, if it is the served one, is on disk. */
void line_note_disk(struct publish_line *line, const struct zone_snapshot *snapshot, bool is_on_disk);
/* `kept` is on disk with its head, and stands there as it says. */
void line_note_kept(struct publish_line *line, const struct line_version *kept);
/* What is served; its references are the caller's. False: nothing is. */
MUST_USE bool line_take_served(struct publish_line *line, struct line_version *out);
/* A copy of what is served is wanted: true once, until one of the next two. `now_ms`: boot clock. */
bool line_wants_copy(struct publish_line *line, int64_t now_ms, bool *is_first);
/* What is served, to be copied; its references are the caller's. False: there is nothing to do. */
MUST_USE bool line_take_to_copy(struct publish_line *line, struct line_version *out);
/* `stand` NULL: there was nothing to do any more. */
void line_note_copied(struct publish_line *line, const struct store_stand *stand);
/* True: the one before it had not failed. */
bool line_note_copy_failed(struct publish_line *line);
/* What is served, or was before it was withdrawn, is on disk. */
bool line_is_on_disk(struct publish_line *line);
/* This is what is served. */
bool line_serves(struct publish_line *line, const struct zone_snapshot *snapshot);
