/* SPDX-License-Identifier: MIT */
/* A whole network of servers in one process and one thread, from one seed.
 *
 * Each server is src/server as it is, with all that it stands on: replication machines, pipeline, store, answers, transfers
 * out, configuration, zone files. What is made up is what it gets from the system (README.md has the list): the clock, the
 * network behind net.h, the threads behind jobs_internal.h, random numbers, and the disk behind kv.h and disk.h, which loses
 * what was not synced when the server is killed.
 *
 *   seed -> plan (plan.c) -> events (clock.c) -> servers (server.c) over net.c, jobs.c, kv.c, disk.c, system.c
 *                                             -> rules (rules.c), held after every event -> story (story.c)
 *
 * I1  All that happens follows from the seed and the list of plan items that are left out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/random.h"
#include "change/digest.h"
#include "control/control.h"
#include "net/net.h"

#define SIM_SERVERS_MAX 9
#define SIM_ZONES_MAX   2

struct server;
struct store;
struct jobs;
struct sim_server;
struct sim_disk;
struct sim_kv;

/* ---- clock.c: what happens when ---- */

/* Embed it first. Exactly one of both is called, and frees it. */
struct sim_event {
	int64_t at_ms;
	uint64_t number;           /* of two at one time, the older goes first */
	struct sim_server *server; /* NULL: the world's */
	uint64_t life;             /* of the server: events of an earlier life are dropped */
	void (*run)(struct sim_event *self);
	void (*drop)(struct sim_event *self);
};

void sim_later(struct sim_event *event, struct sim_server *server, int64_t in_ms);
/* Runs what happens until then, and moves the clock there. False: a rule was broken. */
bool sim_run_until(int64_t at_ms);
void sim_drop_events(void);

/* ---- what a server does wrong with what it sends ---- */

enum sim_lie {
	SIM_LIE_NONE,
	SIM_LIE_SILENT,       /* takes everything, answers nothing */
	SIM_LIE_DEAF_UDP,     /* the same for UDP alone */
	SIM_LIE_REFUSED,      /* REFUSED to every question */
	SIM_LIE_SERVFAIL,     /* SERVFAIL to every question */
	SIM_LIE_NO_AUTHORITY, /* AA is missing */
	SIM_LIE_TRUNCATED,    /* TC in every answer over UDP */
	SIM_LIE_NO_EDNS,      /* FORMERR to a question with OPT */
	SIM_LIE_FORGED_FIRST, /* an answer with another id comes before the right one */
	SIM_LIE_HIGH_SERIAL,  /* SOA answers say a serial that it does not have */
	SIM_LIE_LOW_SERIAL,   /* and one that it had long ago */
	SIM_LIE_NO_TRANSFER,  /* REFUSED to AXFR and IXFR */
	SIM_LIE_NO_IXFR,      /* NOTIMP to IXFR */
	SIM_LIE_GARBAGE,      /* the second message of a transfer is noise */
	SIM_LIE_CUT,          /* the connection breaks after a message or two of a transfer */
	SIM_LIE_STALL,        /* nothing comes any more after a message or two, and it stays open */
	SIM_LIE_SLOW,         /* transfers of some octets per second */
	SIM_LIE_DEAF_NOTIFY,  /* NOTIFYs are lost on it */
	SIM_LIES,
};
const char *sim_lie_name(enum sim_lie lie);

/* ---- one server ---- */

struct sim_version {
	bool is_known;
	uint32_t serial;
	struct change_digest digest;
};

/* A zone at one server. */
struct sim_zone {
	bool is_here;
	bool is_primary;
	size_t upstreams[SIM_SERVERS_MAX]; /* whom it follows */
	size_t upstream_count;
	size_t targets[SIM_SERVERS_MAX]; /* whom it notifies */
	size_t target_count;
	size_t depth;              /* steps from a primary */
	const char *serial_policy; /* a primary's */
	unsigned history_changes;  /* so many are kept */
	unsigned pin_s;            /* of a secondary: pin-primary */

	/* what clients see */
	bool is_served;
	uint64_t identity; /* of the snapshot; 0: none */
	struct sim_version last;
	int64_t since_s;           /* wall time */
	bool may_go_back;          /* R2: the next version */
	bool is_held_back;         /* it is a primary's, and not on disk */
	int64_t volatile_since_ms; /* R8: and its disk is good */

	/* what nobody may forget: the newest that was served and on disk */
	struct sim_version kept;
	int64_t kept_refreshed_s; /* a secondary's: its timers are not older than this; wall time */

	/* what its status says is owed: R7 */
	bool is_owed;
	uint32_t owed_serial;
	int64_t owed_at_ms;
	bool is_owed_kept; /* when it ended */

	int64_t fresh_ms; /* R3: what it knows of a primary left that then */
};

struct sim_server {
	size_t index;
	char name[4];
	struct address address;
	struct sim_zone zones[SIM_ZONES_MAX];
	int64_t boot_shift_ms; /* its boot clock against the world's */
	int64_t wall_shift_s;
	struct sim_disk *disk;
	struct sim_kv *kv;

	bool is_up;
	bool is_dead; /* killed within the present event: nothing of it is seen or kept any more */
	uint64_t life;
	enum sim_lie lie;

	/* while it is up */
	struct server *server;
	struct control_handlers handlers;
	struct net_worker *worker;
	struct net_loop *loop;
	struct store *store;
	int64_t commit_at_ms; /* an event is on its way that commits; 0: none */
};

/* Starts it with what is on its disk. */
void sim_start(struct sim_server *server);
/* As kill -9: within the present event. */
void sim_kill(struct sim_server *server);
/* The same, and it does not find its key-value store when it starts. */
void sim_lose_store(struct sim_server *server);
/* As SIGTERM. */
void sim_stop(struct sim_server *server);
/* Takes down those that were killed within the present event. */
void sim_bury_dead(void);
void sim_order(struct sim_server *server, size_t zone, enum control_action action);
struct moment sim_now(const struct sim_server *server);
/* Any server that follows another one, near or far, for this zone: a bit for each, itself included. */
uint32_t sim_ancestors(size_t server, size_t zone);

/* ---- content.c: zone files ---- */

/* The operator's version of a zone, the same for all its primaries. */
struct sim_content;
/* `may_leap`: its serial goes far ahead once. */
struct sim_content *sim_content_new(size_t zone, bool may_leap, struct random_source *random);
void sim_content_free(struct sim_content *take);
/* Changes something, and raises the serial, or not where `may_leave_serial`. */
void sim_content_edit(struct sim_content *content, struct random_source *random, bool may_leave_serial);
/* Writes it to a server's zone file, as an editor does: beside, and renamed over it. */
void sim_content_write(const struct sim_content *content, const char *path, int64_t wall_s);
uint32_t sim_content_serial(const struct sim_content *content);

/* ---- plan.c: what is to happen ---- */

struct sim_plan;
/* Draws servers, zones and items. `left_out` numbers are not done. */
struct sim_plan *sim_plan_new(const uint32_t *left_out, size_t left_out_count);
void sim_plan_free(struct sim_plan *take);
/* Starts the servers, and sees to it that items happen. */
void sim_plan_begin(struct sim_plan *plan);
/* When the last fault is over. */
int64_t sim_plan_end_ms(const struct sim_plan *plan);
/* Everything that is still at fault is repaired. */
void sim_plan_calm(struct sim_plan *plan);
/* An edit of each zone, now. */
void sim_plan_edit_all(struct sim_plan *plan);
size_t sim_plan_count(const struct sim_plan *plan);

/* ---- net.c ---- */

struct sim_link {
	unsigned cuts; /* how many faults say that nothing passes */
	unsigned loss_percent;
	unsigned twice_percent;
	int64_t delay_ms;
	int64_t jitter_ms;
};

/* ---- kv.c, disk.c: what a server's disk holds ---- */

/* What is wrong with a disk. */
enum sim_disk_fault { SIM_DISK_GOOD, SIM_DISK_FULL, SIM_DISK_BROKEN, SIM_DISK_MAP_FULL };

/* Operations on a disk of a server: those of its files, and commits of its key-value store. */
struct sim_fuse {
	enum sim_disk_fault fault;
	bool is_dead;  /* the server was killed: nothing is done any more */
	uint32_t left; /* the server is killed at this operation from now; 0: it is not */
	struct sim_server *server;
};
/* Before an operation. False: the server is dead by now. */
bool sim_fuse_burn(struct sim_fuse *fuse);

struct disk;
struct kv;
struct sim_disk *sim_disk_new(struct sim_fuse *fuse);
void sim_disk_free(struct sim_disk *take);
struct disk *sim_disk_side(struct sim_disk *disk);
/* The server was killed: some of what was not synced is there, some is not. */
void sim_disk_crash(struct sim_disk *disk);
struct sim_kv *sim_kv_new(struct sim_fuse *fuse);
void sim_kv_free(struct sim_kv *take);
struct kv *sim_kv_side(struct sim_kv *kv);
void sim_kv_crash(struct sim_kv *kv);
/* All that is in it. The server does not run. */
void sim_kv_lose(struct sim_kv *kv);

/* ---- rules.c: what must always be true ---- */

/* After each event of this server; NULL: of nobody. */
void sim_rules_look(struct sim_server *server);
/* Its store was opened: what does that say? */
void sim_rules_opened(struct sim_server *server);
/* It has been killed or stopped. */
void sim_rules_after_end(struct sim_server *server);
/* And its store is lost. */
void sim_rules_after_loss(struct sim_server *server);
/* `to` answered a NOTIFY with NOERROR. */
void sim_rules_notified(struct sim_server *to, struct sim_server *from, size_t zone, uint32_t serial);
/* Something that `from` said of a zone while what it knew of a primary was of this time. */
void sim_rules_heard(struct sim_server *to, const struct sim_server *from, size_t zone, int64_t fresh_ms);
/* All serve the same. `why` (NULL: nobody asks) says who does not. */
bool sim_rules_all_agree(struct sim_server **who, size_t *zone, char *why, size_t size);
/* How long it may take until they do, once nothing is at fault. */
int64_t sim_rules_patience_ms(void);
void sim_rules_forget(void);
/* A rule is broken; the first time counts. `server` NULL: it is about nobody in particular. */
void sim_violated(const char *rule, const struct sim_server *server, size_t zone, const char *format, ...)
        PRINTF_LIKE(4, 5);

/* ---- story.c ---- */

/* A line of what happened; `server` NULL: the world's. Costs nothing unless a story is wanted. */
void sim_tell(const struct sim_server *server, const char *format, ...) PRINTF_LIKE(2, 3);
/* What it was about; those who have nothing to do with it are left out unless `all`. */
void sim_story_print(bool all);
void sim_story_forget(void);

/* ---- system.c ---- */

/* What was taken out of sight within the present event is freed. */
void sim_reclaim(void);

/* ---- the world ---- */

struct sim {
	uint64_t seed;
	struct random_seeded random;
	int64_t now_ms;
	struct sim_server *current; /* whose event runs; NULL: the world's */
	struct sim_server servers[SIM_SERVERS_MAX];
	struct sim_fuse fuses[SIM_SERVERS_MAX];
	size_t server_count;
	size_t zone_count;
	struct sim_link links[SIM_SERVERS_MAX][SIM_SERVERS_MAX]; /* from, to */
	char folder[64];
	bool clocks_lie;  /* a wall clock was set: R3 cannot be held */
	bool expire_lies; /* somebody hid EXPIRE, or lost it with his store: R3 cannot be held */
	bool is_signed;   /* all messages between servers have a TSIG */
	bool is_settled;  /* nothing is at fault any more, and all have agreed: R5 is held */
	bool wants_story;

	bool is_violated;
	char rule[8];
	size_t violator; /* SIM_SERVERS_MAX: nobody in particular */
	size_t violated_zone;
	char violation[512];

	/* for the report */
	uint64_t events;
	uint64_t starts;
	uint64_t published;   /* by primaries */
	uint64_t held_back;   /* by primaries whose disk refused it */
	uint64_t followed;    /* by secondaries */
	uint64_t differences; /* transfers in that were differences */
	uint64_t wholes;
	uint64_t expiries;
	uint64_t disk_refusals;
	int64_t agreed_after_ms;
};
extern struct sim sim;

extern const char *const sim_zone_names[SIM_ZONES_MAX];

static inline uint64_t sim_below(uint64_t bound)
{
	return random_below(&sim.random.source, bound);
}
static inline bool sim_chance(unsigned percent)
{
	return percent > 0 && sim_below(100) < percent;
}
static inline int64_t sim_between(int64_t least, int64_t most)
{
	return least + (int64_t)sim_below((uint64_t)(most - least + 1));
}
