/* SPDX-License-Identifier: MIT */
/* The door of src/change: what differs between two snapshots, and the small interfaces by which a change travels.
 *
 * Knows   snapshots, RRs, origins of changes.
 * Not     files, disks, sockets, serial policy, who listens.
 *
 * Producers (zone file, transfer; later update, API, signer) fill a struct change_offer and hand it to a change_sink.
 * The one sink is src/publish. Whoever must know of a new version registers a change_listener there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "change/cause.h"
#include "zone/zone.h"

/* Where a version came from. */
enum change_origin {
	CHANGE_FROM_FILE,     /* an operator's zone file: we are the primary */
	CHANGE_FROM_TRANSFER, /* a primary: we are a secondary */
	CHANGE_FROM_STORE,    /* our own disk, at start: a version that was published before */
};

struct change_result;
struct change_history;

/* What a secondary remembers over a restart besides a version, as wall time (seconds since 1970). All 0: nothing. */
struct change_deadlines {
	int64_t refreshed_at_s; /* when a primary last confirmed or gave the version */
	int64_t refresh_at_s;   /* when the primaries are asked next */
	int64_t expire_at_s;    /* when it may be served no longer */
	/* A newer version that a primary has promised and not given yet: since when; 0: there is none. */
	int64_t promised_at_s;
	uint32_t promised_serial;
	int64_t lower_since_s; /* since when the primaries have had nothing but older versions; 0: they have not */
	/* The last alarm about the content that came to its end: when; 0: there was none. */
	int64_t healed_at_s;
	enum cause healed_cause;
	uint32_t healed_serial;     /* whose content is right */
	struct address healed_from; /* whose copy that is; no family: nobody knows */
};

static inline bool change_deadlines_equal(const struct change_deadlines *a, const struct change_deadlines *b)
{
	return a->refreshed_at_s == b->refreshed_at_s && a->refresh_at_s == b->refresh_at_s &&
	       a->expire_at_s == b->expire_at_s && a->promised_at_s == b->promised_at_s &&
	       a->promised_serial == b->promised_serial && a->lower_since_s == b->lower_since_s &&
	       a->healed_at_s == b->healed_at_s;
}

/* A whole candidate version, handed to the door. Borrowed for the call but for what says otherwise. */
struct change_offer {
	enum change_origin origin;
	const struct zone_snapshot *candidate; /* taken, whatever comes of it */
	const char *who;                       /* "zones/example.org.zone", "192.0.2.1@53": for logs */
	const void *policy;                    /* struct publish_policy */
	bool forced;                           /* an operator asked: a secondary takes a lower serial too */
	struct moment now;
	struct change_deadlines deadlines; /* to be made durable together with the version */
	/* To be made durable together with the version, in the producer's own words: what it was made of. NULL: nothing. */
	const uint8_t *source;
	size_t source_len;
	const struct change_history *history; /* CHANGE_FROM_STORE: what leads to the candidate; NULL: nothing */
	/* Told once what came of it, on whatever thread, perhaps before the door returns; NULL: nobody wants to know. It must
	 * not wait. `result` NULL: nothing changed, the version that was served is served on, and `error` says why:
	 * ERROR_INVALID  the candidate cannot be this zone, or checks refuse it
	 * ERROR_STALE    its serial is not newer than what was published, and policy forbids to raise it
	 * ERROR_IO       it could not be made durable
	 * ERROR_STOPPED  nor could a version that it was built on */
	void (*settled)(void *context, const struct change_result *result, const struct error *error);
	void *context; /* for `settled`; lives until then */
};

enum change_outcome {
	CHANGE_PUBLISHED, /* a new version is served */
	CHANGE_UNCHANGED, /* what is served says the same already; the candidate was dropped */
};

struct change_result {
	enum change_outcome outcome;
	bool had_before; /* a version was served before: serial_before means something */
	uint32_t serial_before;
	uint32_t serial;         /* served now */
	uint32_t serial_offered; /* in the candidate; differs from `serial` where policy raised it */
	uint64_t removed;        /* RRs, the SOA included; 0 without a version before */
	uint64_t added;
	bool is_volatile;           /* served, but not on disk */
	char volatile_because[200]; /* why, cut where it is longer */
	bool expiry_lifted;         /* the zone was expired, empty or broken before */
};

/* Whoever wants to change a zone ends here; each zone has its own. */
struct change_sink {
	/* Takes `offer->candidate`. Returns when the next may be offered; whether and when this one is served is told by
	 * offer->settled, in the order of offers but for refusals, which are told at once. One thread at a time. */
	void (*offer)(struct change_sink *self, const struct change_offer *offer);
};

struct change_digest;

/* What is told of a version that became visible; borrowed for the call. */
struct change_news {
	struct zone *zone;
	void *owner; /* of the zone's line of versions: whoever made it */
	const struct zone_snapshot *snapshot;
	const struct change_digest *digest; /* of its content (change/digest.h) */
	enum change_origin origin;
	const char *who;
	const struct change_result *result;
};

/* Told after a version became visible, in the order of versions; must not wait. */
struct change_listener {
	void (*published)(struct change_listener *self, const struct change_news *news);
	struct change_listener *next; /* the list's own */
};

/* Visits every difference between two versions of one zone, in canonical order of owners: RRs removed, RRs added. A
 * changed TTL removes and adds all RRs of the RRset. RRSIGs are RRs like others. Names in RDATA are compared as the
 * canonical form says, so their case makes no difference. Everything is borrowed for the call. */
struct change_visitor {
	void (*visit)(struct change_visitor *self, const struct zone_change *change);
};
void change_compare(const struct zone_snapshot *from, const struct zone_snapshot *to, struct change_visitor *visitor);

/* How many RRs differ. The SOA counts when it differs in anything. */
struct change_counts {
	uint64_t removed;
	uint64_t added;
};
struct change_counts change_count(const struct zone_snapshot *from, const struct zone_snapshot *to);

/* Both say the same, the SOA's serial aside. */
bool change_same_content(const struct zone_snapshot *a, const struct zone_snapshot *b);
