/* SPDX-License-Identifier: MIT */
/* What the files of src/server share: the server itself. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "answer/answer.h"
#include "base/quiescent.h"
#include "crypto/crypto.h"
#include "net/net.h"
#include "server/copies_internal.h"
#include "server/requests_internal.h"
#include "server/server.h"
#include "server/zones_internal.h"
#include "store/store.h"
#include "transfer/transfer.h"

/* Lines that clients can cause as often as they like: so many in a while, the rest is counted. */
struct line_budget {
	int64_t from_ms; /* of the while that runs */
	uint32_t written;
	uint64_t left_out;
};

/* One network worker: a thread, its sockets, its scratch. */
struct worker {
	struct server *server;
	struct net_worker *net;
	struct answer_context *answers;
	struct dns_encoder *encoder; /* for transfers out */
	pthread_t thread;
	bool is_running;
	struct line_budget denied_notifies;
	struct line_budget bad_signatures;
	struct line_budget transfers; /* refused for now, or cut */
};

/* The edge of the replication machines: their questions over the loop's sockets. */
struct edge {
	struct transfer_edge edge;
	struct net_loop *loop;
	struct requests requests;
	struct net_timer timer;
	struct transfer_scheduler *scheduler;
};

/* Zones whose NS set names hosts of zones here that are not served yet; the loop's thread. */
struct ns_waiting {
	struct server_zone *first; /* a reference each */
	struct server_zone *last;
	_Atomic size_t count; /* 0: whoever publishes need not tell the loop of it */
	size_t due;           /* the first so many are looked at again when the timer is over */
	struct net_timer timer;
	bool is_timed;
};

/* Zones of which the disk refused something (rewrite.c); the loop's thread. */
struct rewrites {
	struct server_zone *first; /* a reference each */
	struct server_zone *last;
	struct net_timer timer; /* set while there is one */
	uint32_t tries;         /* one after the other */
	int64_t tried_at_ms;    /* the last one; boot clock */
};

/* Enough that of 100000 zones that are leaving, one that comes again looks at some hundred. */
#define LEAVING_LISTS 1024

struct server {
	struct moment started_at;
	struct store *store;
	struct publish *publish;
	struct change_listener listener;
	struct jobs *jobs;
	struct copies copies;

	struct net_loop *loop;
	struct edge edge;
	struct crypto_random random; /* the loop's thread */
	struct ns_waiting ns_waiting;
	struct rewrites rewrites;
	pthread_t loop_thread;
	bool loop_is_running;

	struct worker *workers;
	struct net_worker **nets; /* of the workers, as net_workers_listen wants them */
	size_t worker_count;
	_Atomic uint32_t transfers_out; /* under way */

	size_t zones_first;            /* in the configuration at the start */
	_Atomic size_t loading;        /* zones whose first load or restore has not come to its end */
	_Atomic size_t loaded_in_vain; /* of those of the start: nothing is served of them */
	_Atomic bool was_loaded;       /* all of the start have come to their ends */

	_Atomic(const struct zone_set *) zones;
	_Atomic(const struct answer_config *) answer_config;
	_Atomic bool stopping;

	pthread_mutex_t lock; /* guards conf, conf_reason, changes of `zones`; taken before any zone's lock */
	struct leaving_lane *leaving[LEAVING_LISTS]; /* by hash of the name; guarded by reload_lock */
	struct conf *conf;
	char *conf_reason; /* why the last reload was refused; NULL: it was not */

	pthread_mutex_t reload_lock; /* one reload at a time; taken before `lock` */
	struct control_server *control;
	int wake_fd; /* an eventfd that wakes the main thread */
};

/* ---- server.c ---- */

/* Takes the caller's reference to `conf`. */
struct server *server_new(struct conf *take);
/* Serves, until server_end. False: it is to be ended all the same. */
MUST_USE bool server_start(struct server *server, struct error *error);
/* Stops in good order, and frees. */
void server_end(struct server *take);

/* The zone with this apex, with a reference, or NULL. Any thread. */
struct server_zone *server_find(struct server *server, const uint8_t *apex);

/* Runs `ask(context)` on the replication loop's thread and waits for it. Not from that thread. It did not run on
 * ERROR_STOPPED  the server stops
 * ERROR_LIMIT    too much else waits for that thread, and did so for a second */
MUST_USE bool server_ask_loop(struct server *server, void (*ask)(void *context, struct moment now), void *context,
                              struct error *error);
/* Runs `run(context, now)` there later. It always runs, at the latest when the server ends. */
void server_post(struct server *server, void (*run)(void *context, struct moment now), void *context);

/* ---- edge.c ---- */
bool edge_init(struct server *server, struct error *error);
void edge_deinit(struct server *server);
struct transfer_limits edge_limits(const struct conf_server *conf);

/* ---- listen.c ---- */
/* Listens on what `after` has and `before` lacks, then gives up what `after` lacks. When one cannot be bound, nothing has
 * changed. A machine without IPv6 is served without it where nobody asked for it. */
MUST_USE bool server_listen(struct server *server, const struct conf_addresses *before,
                            const struct conf_addresses *after, struct error *error);

/* ---- descriptors.c ---- */
/* TCP connections that may be taken: what is configured, or fewer where the system's limit of open files, which is raised
 * as far as it can be, would leave too little for all else; that is told. */
uint32_t descriptors_for_connections(const struct conf_server *conf);

/* ---- worker.c ---- */
bool workers_start(struct server *server, struct error *error);
bool workers_run(struct server *server, struct error *error);
void workers_stop(struct server *server);
void workers_free(struct server *server);
/* `connections`: TCP connections of all workers at once. */
struct net_config worker_net_config(const struct conf_server *conf, uint32_t connections, size_t worker_count);
const struct answer_config *worker_answer_config(struct conf *conf);
void worker_answer_config_free(void *take);

/* ---- reload.c ---- */

/* The lane of a zone that was removed. Its last jobs may still write to the zone's stored file, so that a zone of that
 * name which is added again must come after them. */
struct leaving_lane {
	struct dns_name apex;
	struct job_lane *lane; /* a reference */
	struct leaving_lane *next;
};
void leaving_lanes_free(struct server *server);
/* False: something still works for a zone of this name that was removed. The reload_lock is held. */
bool leaving_is_over(struct server *server, const uint8_t *apex);

/* Adds the zones of a first configuration; none is loaded yet. */
void zones_create(struct server *server);
/* Sets them going. No reload before. */
void zones_begin(struct server *server);
/* Zone files that a reload has asked to be read. */
struct load_watch {
	struct server_zone **zones; /* references */
	struct server_wait *waits;
	size_t count;
};
/* Reads the configuration file again and applies what changed, and has every zone file read that changed; `out` gets one
 * sentence. `watch` (NULL: nobody waits for the zone files) is zeroed, and to be given to load_watch_end when it is true
 * that the reload was done. */
MUST_USE bool server_reload(struct server *server, struct load_watch *watch, struct text *out, struct error *error);
/* Waits until all are read, as long as `order` says; adds to `out` how many.
 * ERROR_INVALID  some were not taken: one line for each
 * ERROR_TIMEOUT, ERROR_STOPPED */
MUST_USE bool load_watch_end(struct load_watch *watch, const struct control_order *order, struct text *out,
                             struct error *error);
/* Puts what the operator configured into effect for questions. */
void server_zone_set_rules(struct server_zone *zone, struct conf *conf, const struct conf_zone *options);
/* With the zone's last reference: no reader is left. */
void server_zone_clear_rules(struct server_zone *zone);

/* ---- orders.c ---- */
struct control_handlers orders_handlers(struct server *server);

/* ---- status.c ---- */
bool status_server(void *self, struct arena *arena, struct control_server_status *out, struct error *error);
bool status_zone(void *self, const char *zone, struct arena *arena, struct control_zone_status *out,
                 struct error *error);
bool status_list(void *self, const char *after, size_t max, struct arena *arena, struct control_zone_status **out,
                 size_t *count, struct error *error);
