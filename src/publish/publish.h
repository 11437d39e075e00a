/* SPDX-License-Identifier: MIT */
/* The door of src/publish: the one way by which a version of a zone becomes visible.
 *
 *   offer -> check -> amend (serial) -> compare -> store ........ -> publish -> announce
 *   `-------- the thread of the offer -----------'  queue  `----- the store's thread ---'
 *
 * Knows   snapshots, what makes one refusable, serial policy, the store, who listens.
 * Not     where a candidate came from, sockets, timers, who runs it.
 *
 * Each zone has a line of versions. Its head is the newest that was taken: published, or on its way to the disk. What is
 * offered continues the head, so that the next version is made while the one before is being written.
 *
 * I1  Nothing is visible before it is durable, or marked volatile; nothing is announced before it is visible.
 * I2  The serial that a primary publishes never goes back, over restarts too; equal serials mean equal content.
 * I3  When an offer fails, what was served is served on.
 * I4  One offer per zone at a time; the caller sees to it. Different zones may be offered by different threads.
 * I5  A version that could not be made durable takes with it all that continue it.
 * I6  What a primary could not make durable is given to no secondary: its serial may come again with other content. */
#pragma once

#include "change/change.h"
#include "change/history.h"
#include "store/store.h"
#include "zonefile/zonefile.h"

/* How a primary's serial is raised when content changed and the file's serial did not. */
enum publish_serial_policy {
	PUBLISH_SERIAL_KEEP,     /* never: refuse such a file */
	PUBLISH_SERIAL_RAISE,    /* last published + 1 */
	PUBLISH_SERIAL_UNIXTIME, /* seconds since 1970, or last published + 1 if that is not greater */
	PUBLISH_SERIAL_DATE,     /* YYYYMMDDnn, or last published + 1 if that is not greater */
};

/* How hard one of the options of the checks bites. */
enum publish_severity { PUBLISH_IGNORE, PUBLISH_WARN, PUBLISH_FAIL };

/* What an operator configured for a zone, as far as publishing needs it. struct change_offer.policy points to one. */
struct publish_policy {
	enum publish_serial_policy serial;
	bool strict;                    /* checks refuse what they find wrong; else they only warn (a secondary) */
	enum publish_severity check_ns; /* NS that cannot work: at CNAME, below DNAME, without address */
	enum publish_severity check_mx_srv;
	/* What of the zone's history is kept. `octets_max` PUBLISH_HISTORY_HALF: a change larger than the zone is never
	 * sent, and seldom one that is half as large, so no more is kept than that, or than PUBLISH_HISTORY_LEAST where
	 * the zone is small. */
	struct change_history_limits history;
	struct zonefile_problem_sink *problems; /* may be NULL */
};

#define PUBLISH_HISTORY_HALF  UINT64_MAX
#define PUBLISH_HISTORY_LEAST 8192

struct publish;

/* `store` is borrowed and may be NULL: nothing is durable then, all is settled within the call, and no version is called
 * volatile for it (tests, tools). */
struct publish *publish_new(struct store *store);
void publish_free(struct publish *take);
/* For a store that is opened while lines are made. Before anything is offered. */
void publish_set_store(struct publish *publish, struct store *store);
/* Before threads start. `listener` is borrowed until publish_free. Called in the order of adding. */
void publish_add_listener(struct publish *publish, struct change_listener *listener);

/* Whoever has a copy made of what is served, where the store has none or a start would take long from it: a thread of the
 * caller's that calls publish_line_copy(line) later. Embed it. */
struct publish_copier {
	/* On the store's thread or an offer's; must not wait. `owner` is the line's; `is_first`: there is none yet. */
	void (*wanted)(const struct publish_copier *self, void *owner, bool is_first);
};
/* Before threads start; borrowed until publish_free. */
void publish_set_copier(struct publish *publish, const struct publish_copier *copier);

/* The line of versions of one zone. */
struct publish_line;

/* All are borrowed until publish_line_free; `owner` is for listeners. */
struct publish_line *publish_line_new(struct publish *publish, struct zone *zone, void *owner);
/* Nothing may be on its way. NULL is fine. */
void publish_line_free(struct publish_line *take);
/* The door for producers; I4. */
struct change_sink *publish_line_sink(struct publish_line *line);

/* A reference to the head, or to what is served; NULL: none. Any thread. */
const struct zone_snapshot *publish_line_head(struct publish_line *line);
const struct zone_snapshot *publish_line_served(struct publish_line *line);
/* Nothing is on its way: what is served is the head. Any thread. */
bool publish_line_is_settled(struct publish_line *line);
/* Stops serving; a version that is on its way is published still. As an offer (I4). */
void publish_line_withdraw(struct publish_line *line, enum zone_state state);
/* Writes what is served once more where it is not known to be on disk, together with `deadlines` (NULL: none). `settled` is
 * told as for an offer whose outcome is CHANGE_UNCHANGED; ERROR_NOT_FOUND: nothing is served. As an offer (I4). */
void publish_line_secure(struct publish_line *line, const struct change_deadlines *deadlines,
                         void (*settled)(void *context, const struct change_result *result, const struct error *error),
                         void *context);

/* Writes the records of what is served where the store has none or a start would take long from them; a large zone is written
 * on this thread, one that changes meanwhile. Beside offers. `settled` is told once, perhaps before this returns; `error`
 * NULL: the records are on disk, or came to be as good as that meanwhile. */
void publish_line_copy(struct publish_line *line, void (*settled)(void *context, const struct error *error),
                       void *context);
/* The digest of what is served (change/digest.h); false: nothing is. Any thread. */
bool publish_line_digest(struct publish_line *line, struct change_digest *digest);
/* The same, and a reference to it; NULL: nothing is. */
const struct zone_snapshot *publish_line_served_with(struct publish_line *line, struct change_digest *digest);

/* ---- parts, each a pure function ---- */

enum publish_serial_outcome {
	PUBLISH_SERIAL_AS_OFFERED, /* publish with the file's serial */
	PUBLISH_SERIAL_SAME,       /* content and serial as last published: publish with that serial */
	PUBLISH_SERIAL_RAISED,     /* publish with *serial, which the file does not say */
	PUBLISH_SERIAL_REFUSED,    /* policy keeps serials, and this one is not newer than the one published last */
};

/* Which serial a file's version gets (I2). `last` NULL: nothing was published before. `same_content`: as what was published
 * last, the serial aside. `wall_s`: seconds since 1970, for the policies that look at the time. */
enum publish_serial_outcome publish_choose_serial(enum publish_serial_policy policy, const struct store_head *last,
                                                  uint32_t offered, bool same_content, int64_t wall_s,
                                                  uint32_t *serial);

/* A zone whose SOA is signed, or that has a ZONEMD, breaks when its serial is touched. */
bool publish_is_sealed(const struct zone_snapshot *snapshot);

/* The same version with another serial. */
const struct zone_snapshot *publish_with_serial(const struct zone_snapshot *snapshot, uint32_t serial,
                                                struct error *error);
