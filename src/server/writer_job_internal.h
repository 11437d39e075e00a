/* SPDX-License-Identifier: MIT */
/* What the zone writers share, cut into files: writer.c (jobs, offers, what any zone asks for), writer_primary.c (its file),
 * writer_secondary.c (what came by transfer). */
#pragma once

#include "server/writer_internal.h"

/* One queued piece of work for a zone. */
struct zone_job {
	struct job job;
	struct server_zone *zone; /* a reference */
	void (*work)(struct zone_job *self);
	bool is_of_machine; /* that of a secondary: dropped where the zone is a primary by now */
	bool is_saving;     /* what would be lost: done when the server stops, too, and when the zone is removed */
	bool forced;
	uint32_t generation;                   /* of the machine that wants to know */
	struct transfer_in *transfer;          /* owned */
	const struct zone_snapshot *candidate; /* owned */
	char *who;
	struct change_deadlines timers;
	const struct change_history *history;           /* owned */
	struct store_acknowledgement *acknowledgements; /* owned */
	size_t acknowledgement_count;
	uint32_t serial;
};

/* `work` is done on a writer's thread, and may take what the job owns. */
struct zone_job *zone_job_new(struct server_zone *zone, void (*work)(struct zone_job *self));
/* In the zone's lane. */
void zone_job_add(struct zone_job *take);

/* An offer whose end is told by the store's thread. */
struct offered {
	struct server_zone *zone; /* a reference */
	uint64_t load;            /* of a primary's file */
	char *path;               /* CHANGE_FROM_FILE; owned */
	uint32_t generation;      /* CHANGE_FROM_TRANSFER: of the machine that wants to know */
	struct change_deadlines timers;
	bool is_exported;                      /* to the zone's file, when it is served */
	const struct zone_snapshot *candidate; /* CHANGE_FROM_TRANSFER; a reference */
	uint8_t *source; /* CHANGE_FROM_FILE: which files it was; owned; NULL: too young to be told */
	size_t source_len;
	const struct change_history *history; /* CHANGE_FROM_STORE; a reference */
	struct error *why_not_copied;         /* of a flush; owned; NULL: its records are on disk */
};

struct offered *offered_new(struct server_zone *zone);
void offered_free(struct offered *take);
/* Hands a candidate to the door; `settled` gets `take`, and frees it. Takes the candidate. */
void offered_pass(struct offered *take, const struct server_zone_options *options, enum change_origin origin,
                  const struct zone_snapshot *candidate, const char *who, bool forced,
                  void (*settled)(void *offered, const struct change_result *result, const struct error *error));

/* What an offer says of the disk; `result` NULL: it failed. Also when nothing changed: what could not be written before may be
 * on disk now. */
void writer_note_disk(struct server_zone *zone, const struct change_result *result);
/* publish_line_secure() ended: it may have rewritten a version that could not be written before. */
void writer_note_secured(struct server_zone *zone, const struct change_result *result, const struct error *error);
/* A stored version cannot be used, and what is done instead. What is not there needs no word. */
void writer_note_unusable(struct server_zone *zone, const struct error *error, const char *then);
