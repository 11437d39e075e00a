/* SPDX-License-Identifier: MIT */
/* The door of src/publish: the one way by which a version of a zone becomes visible.
 *
 *   offer -> check -> amend (serial) -> compare -> store -> publish -> announce        publish_commit()
 *
 * Knows   snapshots, what makes one refusable, serial policy, the store, who listens.
 * Not     where a candidate came from, sockets, timers, threads.
 *
 * I1  Nothing is visible before it is durable, or marked volatile; nothing is announced before it is visible.
 * I2  The serial that a primary publishes never goes back, over restarts too; equal serials mean equal content.
 * I3  When an offer fails, what was served is served on.
 * I4  One offer per zone at a time; the caller sees to it. Different zones may be offered by different threads. */
#pragma once

#include "change/change.h"
#include "store/store.h"
#include "zonefile/zonefile.h"

/* How a primary's serial is raised when content changed and the file's serial did not. */
enum publish_serial_policy {
	PUBLISH_SERIAL_KEEP,      /* never: refuse such a file */
	PUBLISH_SERIAL_INCREMENT, /* last published + 1 */
	PUBLISH_SERIAL_UNIXTIME,  /* seconds since 1970, or last published + 1 if that is not greater */
	PUBLISH_SERIAL_DATE,      /* YYYYMMDDnn, or last published + 1 if that is not greater */
};

/* How hard one of the options of the checks bites. */
enum publish_severity { PUBLISH_IGNORE, PUBLISH_WARN, PUBLISH_FAIL };

/* What an operator configured for a zone, as far as publishing needs it. struct change_offer.policy points to one. */
struct publish_policy {
	enum publish_serial_policy serial;
	bool strict;                    /* checks refuse what they find wrong; else they only warn (a secondary) */
	enum publish_severity check_ns; /* NS that cannot work: at CNAME, below DNAME, without address */
	enum publish_severity check_mx_srv;
	struct zonefile_problem_sink *problems; /* may be NULL */
};

struct publish;

/* `store` is borrowed and may be NULL: nothing is durable then, and no version is called volatile for it (tests, tools). */
struct publish *publish_new(struct store *store);
void publish_free(struct publish *take);
/* Hand out as the door for producers. */
struct change_sink *publish_sink(struct publish *publish);
/* Before threads start. `listener` is borrowed until publish_free. Called in the order of adding. */
void publish_add_listener(struct publish *publish, struct change_listener *listener);

/* The pipeline (struct change_sink.offer). */
bool publish_commit(struct publish *publish, const struct change_offer *offer, struct change_result *result,
                    struct error *error);

/* ---- parts, each a pure function ---- */

enum publish_serial_outcome {
	PUBLISH_SERIAL_AS_OFFERED, /* publish with the file's serial */
	PUBLISH_SERIAL_SAME,       /* content and serial as last published: publish with that serial */
	PUBLISH_SERIAL_RAISED,     /* publish with *serial, which the file does not say */
	PUBLISH_SERIAL_REFUSED,    /* policy keeps serials, and this one is not newer than the one published last */
};

/* Which serial a file's version gets (I2). `last` NULL: nothing was published before. `same_content`: as what was published
 * last, the serial aside. `wall_s`: seconds since 1970, for the policies that look at the time. */
enum publish_serial_outcome publish_choose_serial(enum publish_serial_policy policy, const struct store_state *last,
                                                  uint32_t offered, bool same_content, int64_t wall_s,
                                                  uint32_t *serial);

/* A zone whose SOA is signed, or that has a ZONEMD, breaks when its serial is touched. */
bool publish_is_sealed(const struct zone_snapshot *snapshot);

/* The same version with another serial. */
const struct zone_snapshot *publish_with_serial(const struct zone_snapshot *snapshot, uint32_t serial,
                                                struct error *error);
