/* SPDX-License-Identifier: MIT */
/* One zone of the server, with everything that hangs on it, and what `status` tells of it.
 *
 * I1  A server_zone lives while somebody holds a reference: the table, a queued job, the replication loop, a wait.
 * I2  `conf` and what it leads to changes only on the main thread, by server_zone_configure, under the lock. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "change/cause.h"
#include "change/digest.h"
#include "conf/conf.h"
#include "control/control.h"
#include "publish/publish.h"
#include "server/jobs_internal.h"
#include "transfer/transfer.h"
#include "zone/zone.h"
#include "zonefile/zonefile.h"

struct server;
struct follow;
struct follow_event;
struct announce;

/* Somebody who waits for something to be finished with a zone; on the waiter's stack. */
struct server_wait {
	enum control_action action;
	uint64_t load; /* CONTROL_RELOAD of a primary: loads before this one do not count */
	bool done;
	bool succeeded;
	struct text text; /* one sentence, or the reason */
	struct server_wait *next;
};

struct server_zone {
	struct server *server;
	struct zone *zone;
	struct publish_line *line; /* its versions */
	char *name;                /* for people: without the final dot */
	_Atomic uint32_t references;
	_Atomic bool is_removed;          /* from the configuration: whoever finds it so takes down what it holds */
	_Atomic uint32_t notifies_queued; /* on their way to the replication loop */
	_Atomic bool is_to_be_verified;   /* it is queued (verify.c) */
	_Atomic uint64_t oversized_in;    /* identity of the version whose oversized RRset was logged last; 0: none */
	struct job_lane *lane;            /* a reference; shared with a zone of the same name that is just leaving */

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t waits_done;
	struct server_wait *waits;
	struct conf *conf; /* a reference */
	const struct conf_zone *options;
	char *reason;           /* last failure that still matters; NULL: none */
	enum cause cause;       /* of it */
	char *volatile_because; /* NULL: what is served is on disk */
	char *store_problem;    /* why what was stored could not be used at start; NULL: it could */
	char *doing;            /* what is under way; NULL: nothing */
	bool is_volatile;
	bool load_pending;    /* the first load or restore has not come to its end */
	uint64_t loads_asked; /* of the zone's file; one at most waits to begin */
	uint64_t loads_begun;
	bool load_always;        /* the load that waits reads an unchanged file too */
	int64_t published_at_ms; /* boot clock; 0: never */
	int64_t loaded_at_ms;    /* the zone's file was looked at last; boot clock; 0: never */
	bool has_facts;
	uint32_t serial;
	struct change_digest digest; /* with it */
	struct zone_facts facts;

	/* the zone's jobs only */
	struct zonefile_files files; /* what was read last */
	bool was_loaded;             /* from the store, or that was tried */

	/* the zone's jobs and the store's thread */
	_Atomic bool files_known;      /* what was read last was taken, and is too old to change unnoticed */
	_Atomic bool was_published;    /* by this process */
	_Atomic bool served_from_file; /* what is served came from a file: a secondary may replace it by anything */
	_Atomic bool is_held_back;     /* what is served is a primary's and not on disk: nobody was told of it */
	_Atomic bool file_was_refused; /* what the file says could not be made durable */

	/* rewrite.c */
	_Atomic bool is_to_rewrite; /* it is in server->rewrites, or on its way there */
	_Atomic bool is_tried;      /* it was taken from there to see whether the disk takes writes again */

	/* the store's thread and the replication loop, which tell each other (announce.c) */
	_Atomic bool was_announced; /* a version, even if nobody was to be told */
	_Atomic bool has_announce;  /* there is `announce` */

	/* the replication loop only */
	struct follow *follow; /* NULL: a primary */
	uint32_t follow_generations;
	struct follow_event *early_notify; /* owned: came before its machine was started; NULL: none */
	struct announce *announce;         /* NULL: nobody is to be told */
	bool waits_for_ns;                 /* in server->ns_waiting */
	struct server_zone *ns_next;
	struct server_zone *rewrite_next;
};

/* One reference, the caller's. `lane` is taken; NULL: a new one. */
struct server_zone *server_zone_new(struct server *server, struct conf *conf, const struct conf_zone *options,
                                    struct job_lane *lane);
struct server_zone *server_zone_ref(struct server_zone *zone);
void server_zone_unref(struct server_zone *take);

/* A version was announced, even if nobody was to be told. The store's thread and the replication loop; one who says so, or has
 * made `announce`, looks at what the other said only after that. */
void server_zone_set_announced(struct server_zone *zone);
bool server_zone_was_announced(const struct server_zone *zone);

/* The zone of a served question; valid while the caller may read the zone. */
struct server_zone *server_zone_of(const struct zone *zone);

/* Gives up the table's reference; nobody reads the zone any more. */
void server_zone_end(struct zone *zone);

/* A copy of the options that stays valid: the configuration they live in is referenced. */
struct server_zone_options {
	struct conf *conf;
	const struct conf_zone *zone;
};
struct server_zone_options server_zone_options(struct server_zone *zone);
void server_zone_options_release(struct server_zone_options *options);

/* The first load or restore has come to its end; `in_vain`: and brought nothing to serve. Any thread; later calls say
 * nothing. With the last of the start's zones the log tells it. */
void server_zone_end_loading(struct server_zone *zone, bool in_vain);
/* As the configuration has it now. Any thread. */
bool server_zone_is_secondary(struct server_zone *zone);

/* What publishing needs of them. */
struct publish_policy server_zone_policy(const struct conf_zone *zone);

/* New options from a new configuration. */
void server_zone_configure(struct server_zone *zone, struct conf *conf, const struct conf_zone *options);

/* Sets or clears (NULL) what status tells. Any thread. */
void server_zone_set_reason(struct server_zone *zone, enum cause cause, const char *reason);
/* The zone's file was read, or found unchanged. Any thread. */
void server_zone_note_load(struct server_zone *zone);
void server_zone_set_volatile(struct server_zone *zone, const char *because);
/* Notes why what was stored could not be used, for as long as the server runs. Any thread. */
void server_zone_set_store_problem(struct server_zone *zone, const char *problem);
/* What is served is not on disk. Any thread. */
bool server_zone_is_volatile(struct server_zone *zone);
void server_zone_set_doing(struct server_zone *zone, const char *doing);

#define SERVER_ZONE_REMOVED "the zone was removed from the configuration"

/* Ends all waits without success. Any thread. */
void server_zone_finish_all(struct server_zone *zone, const char *text);
/* Ends the waits for an action. Any thread. */
void server_zone_finish(struct server_zone *zone, enum control_action action, bool succeeded, const char *text);
/* Ends the waits for this load of the zone's file or one before it: whoever came since wants what the file says now. */
void server_zone_finish_load(struct server_zone *zone, uint64_t load, bool succeeded, const char *text);

/* Begins to wait; `wait` is the caller's until server_zone_wait_end. Work that is queued from now on ends it. */
void server_zone_wait_begin(struct server_zone *zone, struct server_wait *wait, enum control_action action);
/* Waits until it is done and frees what it holds. `asker` (may be NULL): for whom. `out` gets the sentence.
 * ERROR_INVALID    it was tried and failed: the sentence
 * ERROR_TIMEOUT    not done after `timeout_ms`, or before `asker` had gone; the work goes on
 * ERROR_NOT_FOUND  the zone was removed meanwhile
 * ERROR_STOPPED    the server stops */
MUST_USE bool server_zone_wait_end(struct server_zone *zone, struct server_wait *wait, uint32_t timeout_ms,
                                   const struct control_asker *asker, struct text *out, struct error *error);
/* Does not wait after all. */
void server_zone_wait_cancel(struct server_zone *zone, struct server_wait *wait);
