/* SPDX-License-Identifier: MIT */
/* The door of src/transfer: how versions of a zone travel between servers, as generators and state machines.
 *
 *   transfer_out        AXFR and IXFR out (RFC 5936, RFC 1995): a snapshot, or what leads to it, becomes messages
 *   transfer_in         AXFR and IXFR in: messages become a candidate snapshot
 *   transfer_secondary  one zone that follows its primaries: SOA questions, transfers, refresh, retry, expire
 *   transfer_notifier   one zone that tells its secondaries of a new version (RFC 1996)
 *   transfer_scheduler  what the machines of all zones share: the edge, timers, limits, fairness
 *
 * Knows   messages, snapshots, serials, SOA timers, who was asked what and when.
 * Not     sockets, files, clocks, threads, configuration files, who may ask. `now`, randomness and bytes come in; what is
 *         to be done goes out through `struct transfer_edge` (all machines) and `struct transfer_secondary_owner`.
 *
 * I1  A machine calls out from within its own events only, and nobody calls a machine from within such a call.
 * I2  The version that is served stays until a whole, checked candidate was published in its place, or it expired.
 * I3  A secondary's serial goes forward only (RFC 1982), but after expiry or when an operator forces a transfer.
 * I4  Whatever a peer does to one zone's machine has no effect on another zone's but the time that it takes.
 * I5  Every failure has one sentence for people, which the status shows until something succeeds.
 *
 * Threads: a scheduler and its machines belong to one thread, the replication loop. A transfer_out belongs to whoever
 * pulls it; a transfer_in is handed over whole (transfer_secondary_owner.received). Different ones may be in different
 * threads.
 *
 * How a server drives one secondary zone:
 *
 *   once      edge = {open, close, received, wake_at}: `open` starts a net_exchange (UDP), or opens a net_stream (TCP) or
 *             takes one whose last answer is whole, and sends the octets; what comes in goes to transfer_call_message() and
 *             transfer_call_ended(); `wake_at` sets the one timer of the loop, which calls transfer_scheduler_tick().
 *             scheduler = transfer_scheduler_new(&edge, random, &limits)
 *   start     zone = transfer_secondary_new(scheduler, apex, class, &config, &owner)
 *             The disk has a version:  if (transfer_secondary_start(zone, &version, &origin, &timers, now)) serve it
 *             It has none:             transfer_secondary_start(zone, NULL, NULL, NULL, now)
 *             From here on the machine asks for what it wants:
 *   SOA       edge.open(UDP question) ... transfer_call_message(call, answer) == true: the exchange is over
 *   newer     edge.open(TCP question) ... transfer_call_message(call, message) == false: more must come; ...
 *             == true: the connection is free. In between owner.received(transfer): give it to a zone writer, which calls
 *             transfer_in_finish() and offers the snapshot to the publish door; then, back on the loop's thread,
 *             transfer_secondary_published(zone, &version, now), or transfer_secondary_refused(zone, &error, now).
 *             owner.timers(): remember them beside the version. owner.settled(): what `--wait` waits for.
 *   NOTIFY    answered by whoever answers questions, then transfer_secondary_notified()
 *   operator  transfer_secondary_refresh(), _retransfer(), _flush(); reload: _reconfigure(); `status`: _status()
 *   too long  owner.expired(): stop serving
 *   end       transfer_secondary_free() closes what is open. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/tsig.h"
#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "change/cause.h"
#include "change/change.h"
#include "change/digest.h"
#include "change/history.h"
#include "dns/encode.h"
#include "dns/message.h"
#include "zone/zone.h"

/* What the machines need to know of a version; a value that may be carried between threads. */
struct transfer_version {
	uint32_t serial;
	uint32_t refresh_s; /* as the SOA says, not clamped */
	uint32_t retry_s;
	uint32_t expire_s;
	bool has_digest;
	struct change_digest digest; /* of its content; transfer_version_of leaves it to whoever knows it */
};
struct transfer_version transfer_version_of(const struct zone_snapshot *zone);

/* ---- AXFR and IXFR out ---- */

enum transfer_reply {
	TRANSFER_REPLY_STREAM,  /* one message or more: transfer_out_new */
	TRANSFER_REPLY_SINGLE,  /* exactly one: transfer_out_single */
	TRANSFER_REPLY_FORMERR, /* AXFR over UDP, or IXFR that does not say which version the client has */
};

/* What to answer to a question whose QTYPE is AXFR or IXFR (RFC 1995 2, 4): an IXFR of a client that is up to date or newer
 * gets a single message, and so does every one over UDP. Any thread. */
enum transfer_reply transfer_out_plan(const struct dns_message *question, bool is_udp,
                                      const struct zone_snapshot *zone);

/* The message of TRANSFER_REPLY_SINGLE: what leads from the client's version to ours, if the history knows it and if it fits
 * `capacity` (DNS_UDP_SIZE_PLAIN..DNS_MESSAGE_MAX); else our SOA alone, so that a client that is behind comes back over TCP
 * (RFC 1995 2). Id and question as asked, QR, AA; TC when not even the SOA fits. `history` leads to `zone`. `edns` NULL: the
 * question had no OPT. Gives the length. Any thread. */
size_t transfer_out_single(const struct dns_message *question, const struct zone_snapshot *zone,
                           const struct change_history *history, const struct dns_edns_reply *edns,
                           struct dns_encoder *encoder, uint8_t *bytes, size_t capacity);

struct transfer_out;

/* A generator for a question with QTYPE AXFR or IXFR: of the differences from the client's version to ours, if it asked for
 * them, the history (which leads to `zone`) knows them, and they are not larger than the zone (RFC 1995 4); else of the whole
 * zone (RFC 5936 2.2). Takes references to `zone` and to what it needs of the history, copies the rest, and what `edns` points
 * to. `edns` NULL: the question had no OPT. */
struct transfer_out *transfer_out_new(const struct dns_message *question, const struct zone_snapshot *zone,
                                      const struct change_history *history, const struct dns_edns_reply *edns);
/* At any time; NULL is fine. */
void transfer_out_free(struct transfer_out *take);

enum transfer_out_step {
	TRANSFER_OUT_MESSAGE, /* one message was written */
	TRANSFER_OUT_END,     /* none was written: the last one has been before */
	/* It cannot go on; what is gone was forgotten while the transfer was under way.
	 * ERROR_LIMIT      an RR does not fit a message; the text names it
	 * ERROR_NOT_FOUND  a changeset is gone */
	TRANSFER_OUT_FAILED,
};
/* Header, question and an SOA with the longest names, and OPT. */
#define TRANSFER_OUT_CAPACITY_MIN 2048

/* Writes the next message into `bytes`, as full as possible up to 16 KiB, beyond which compression no longer works; longer
 * only for an RR that needs it. `capacity` is at least TRANSFER_OUT_CAPACITY_MIN octets; to be able to send every RR it is
 * DNS_MESSAGE_MAX. `encoder` is any initialised encoder of the caller's thread, free for use between two calls. */
enum transfer_out_step transfer_out_next(struct transfer_out *out, struct dns_encoder *encoder, uint8_t *bytes,
                                         size_t capacity, size_t *len, struct error *error);

/* What has been written so far. */
struct transfer_out_counts {
	uint64_t records; /* RRs, both SOAs included */
	uint64_t messages;
	uint64_t bytes; /* of messages, without TCP's lengths */
	uint32_t serial;
	bool is_difference; /* from serial_from */
	uint32_t serial_from;
};
struct transfer_out_counts transfer_out_counts(const struct transfer_out *out);

/* ---- AXFR and IXFR in ---- */

struct transfer_in;

struct transfer_in_config {
	const uint8_t *apex; /* borrowed for the call */
	uint16_t class;
	uint16_t type;       /* of our question: AXFR, or IXFR with `serial`, whose answer may be differences */
	uint16_t id;         /* of our question */
	int64_t asked_at_ms; /* boot clock: when that was sent */
	bool has_serial;
	uint32_t serial;      /* of the version that we have */
	bool any_serial;      /* take an equal or older version too */
	bool asks_digest;     /* our question asked for the digest */
	uint64_t records_max; /* more refuse the transfer */
	uint64_t bytes_max;   /* octets of messages; more refuse the transfer. Bounds memory too */
};

struct transfer_in *transfer_in_new(const struct transfer_in_config *config);
/* NULL is fine. */
void transfer_in_free(struct transfer_in *take);

enum transfer_in_step {
	TRANSFER_IN_MORE,       /* go on */
	TRANSFER_IN_DONE,       /* it is whole: transfer_in_finish */
	TRANSFER_IN_UP_TO_DATE, /* the primary has the serial that we have: nothing to do */
	TRANSFER_IN_FAILED,     /* `error` says why; what came is good for nothing */
};
/* Takes the next message of the answer (RFC 5936 2.2, 3, RFC 1995 4). Not after a step other than TRANSFER_IN_MORE.
 * ERROR_SYNTAX   a message, name or RDATA that cannot be read
 * ERROR_INVALID  wrong id, question, class or order of records, or an RCODE (transfer_in_rcode)
 * ERROR_STALE    the version is older than ours, or cannot be compared with it (RFC 1982 3.2)
 * ERROR_LIMIT    records_max, bytes_max */
enum transfer_in_step transfer_in_message(struct transfer_in *in, const uint8_t *bytes, size_t len,
                                          struct error *error);

/* What came so far. */
struct transfer_in_counts {
	int64_t asked_at_ms; /* as configured */
	uint64_t records;    /* RRs, the closing SOA not counted */
	uint64_t messages;
	uint64_t bytes;
	uint64_t outside;   /* RRs outside the zone: dropped */
	uint64_t ttls_high; /* TTLs above 2^31-1: kept as they came (RFC 8767 4) */
	bool has_version;   /* the first SOA has come */
	struct transfer_version version;
	bool has_expire; /* an EDNS EXPIRE option came (RFC 7314) */
	uint32_t expire_s;
	bool is_difference; /* the answer is what leads from our version to the new one */
	bool has_told;      /* the digest of what it was made of came too, where `asks_digest` */
	struct change_told told;
};
struct transfer_in_counts transfer_in_counts(const struct transfer_in *in);
/* The RCODE that refused it; 0 when it was none. */
unsigned transfer_in_rcode(const struct transfer_in *in);

/* The candidate of a transfer that is whole (TRANSFER_IN_DONE), with one reference. Ends the transfer either way. May
 * take seconds for millions of records: not on the loop's thread. `base` (borrowed, NULL: none) is the version that
 * differences are done on, all or none of them. `report` may be NULL. NULL on failure: as zone_builder_finish; of
 * differences
 * ERROR_STALE      `base` is not the version that we said we have
 * ERROR_NOT_FOUND  an RR to remove is not there       ERROR_EXISTS  one to add is */
const struct zone_snapshot *transfer_in_finish(struct transfer_in *take, const struct zone_snapshot *base,
                                               struct zone_build_report *report, struct error *error);

/* ---- the edge ---- */

enum transfer_transport { TRANSFER_UDP, TRANSFER_TCP };

/* A question that is under way to one server. Part of a machine; the edge reads what follows and keeps `handle`. */
struct transfer_call {
	enum transfer_transport transport;
	struct address to;
	struct address from; /* family ADDRESS_NONE: any */
	uint32_t timeout_ms; /* UDP: for the answer. TCP: for the connection to stand */
	uint32_t total_ms;   /* TCP: from open to the end; 0: the machine sees to it */
	void *handle;        /* the edge's own: set by `open` */
	bool (*message)(struct transfer_call *self, const uint8_t *bytes, size_t len, struct moment now); /* private */
	void (*ended)(struct transfer_call *self, const char *why, struct moment now);                    /* private */
	bool is_open;                                                                                     /* private */
	struct transfer_scheduler *scheduler;                                                             /* private */
};

/* What the server does for the machines. All calls come from the loop's thread. */
struct transfer_edge {
	/* Sends `bytes` (borrowed for the call) as call->transport says and listens for answers. False: nothing was sent,
	 * no event follows, `error` says why. */
	bool (*open)(struct transfer_edge *self, struct transfer_call *call, const uint8_t *bytes, size_t len,
	             struct error *error);
	/* Ends it; no event follows. */
	void (*close)(struct transfer_edge *self, struct transfer_call *call);
	/* Octets that came in so far, of unfinished messages too. NULL: progress is counted in whole messages. */
	uint64_t (*received)(struct transfer_edge *self, const struct transfer_call *call);
	/* transfer_scheduler_tick() is wanted at this time (boot clock) and not before; INT64_MAX: never. Replaces what was
	 * said before. A time that has passed means soon. */
	void (*wake_at)(struct transfer_edge *self, int64_t at_ms);
};

/* A message came for this call. True: the answer is whole, the call is over, and the edge releases what it has (it reads
 * call->handle before this call, since the machine may already use `call` for its next question); a connection may carry
 * another question. False: over UDP it was not the answer, over TCP more may come: the edge goes on listening, unless it was
 * told meanwhile to close the call, as where an answer is no good. */
MUST_USE bool transfer_call_message(struct transfer_call *call, const uint8_t *bytes, size_t len, struct moment now);
/* It has ended without an answer: timeout, refused, closed by the server, ... `why` is a clause for people. */
void transfer_call_ended(struct transfer_call *call, const char *why, struct moment now);

/* ---- what all zones share ---- */

struct transfer_limits {
	uint32_t transfers_max;             /* in, at once, in all; until they are published */
	uint32_t transfers_per_primary_max; /* of these from one address */
	uint32_t queries_max;               /* SOA questions under way */
	uint32_t notifies_max;        /* NOTIFYs under way; a server that was not heard of lately gets 1/16 of them */
	uint32_t notify_rate;         /* NOTIFYs sent per second; bursts of up to one second's worth */
	uint32_t startup_notify_rate; /* the same for those that are owed because the server started */
};

struct transfer_scheduler;

/* `edge` and `random` are borrowed until transfer_scheduler_free. `random` gives message ids: not to be guessed. */
struct transfer_scheduler *transfer_scheduler_new(struct transfer_edge *edge, struct random_source *random,
                                                  const struct transfer_limits *limits);
/* Nobody gets a turn any more, so that freeing one machine after the other opens nothing for those that are left. */
void transfer_scheduler_halt(struct transfer_scheduler *scheduler);
/* All machines are gone by then. NULL is fine. */
void transfer_scheduler_free(struct transfer_scheduler *take);
void transfer_scheduler_set_limits(struct transfer_scheduler *scheduler, const struct transfer_limits *limits,
                                   struct moment now);
/* Runs what is due. Early calls do no harm. */
void transfer_scheduler_tick(struct transfer_scheduler *scheduler, struct moment now);

struct transfer_scheduler_counts {
	uint32_t transfers, transfers_waiting;
	uint32_t queries, queries_waiting;
	uint32_t notifies, notifies_waiting;
	uint64_t timers;
};
struct transfer_scheduler_counts transfer_scheduler_counts(const struct transfer_scheduler *scheduler);

/* ---- a secondary zone ---- */

struct transfer_source {
	struct address v4, v6; /* family ADDRESS_NONE: any */
};

/* Copied. */
struct transfer_secondary_config {
	const struct address *primaries; /* with ports; at least one */
	size_t primary_count;
	/* One for each primary, by which what is asked there is signed and its answers are proven; NULL among them: none. NULL:
	 * none for any. References are taken. */
	const struct tsig_key *const *primary_keys;
	/* One for each primary: it is a Tandem, and is asked for the digest of its content, which counts where it has a key or is
	 * on a loopback address. NULL: none is. */
	const bool *primary_is_tandem;
	struct transfer_source query_source;
	struct transfer_source transfer_source;
	uint32_t refresh_min_s, refresh_max_s; /* the SOA's timers are taken as at least and at most these */
	uint32_t retry_min_s, retry_max_s;
	uint32_t expire_min_s, expire_max_s;
	uint64_t records_max, bytes_max; /* of a transfer */
	uint32_t transfer_idle_ms;       /* longest silence */
	uint32_t transfer_total_ms;      /* longest transfer */
	bool follows_lower;              /* primaries that have had nothing but lower serials */
	uint32_t lower_after_s;          /* for so long */
	/* The primary that the version came from is stayed with, until it has lacked a newer one for so long; 0: the freshest
	 * primary is followed. */
	uint32_t pin_s;
	uint64_t transfer_rate_min; /* octets per second from the start, looked at after 10 s; 0: any */
};

/* What is to be remembered together with a version that has just come, until owner.timers says more: a server that is killed
 * before asks its primaries at once, and serves the version no longer than it may. `counts` of its transfer, whose SOA has
 * come; the bounds as in transfer_secondary_config. */
struct change_deadlines transfer_timers_first(const struct transfer_in_counts *counts, uint32_t expire_min_s,
                                              uint32_t expire_max_s, struct moment now);

enum transfer_outcome {
	TRANSFER_UP_TO_DATE, /* a primary has what we have */
	TRANSFER_UPDATED,    /* a new version was published */
	TRANSFER_NO_SUCCESS, /* no primary could be asked, or no version be had */
};

/* What a secondary wants of its server; filled in by the server. */
struct transfer_secondary_owner {
	/* A whole transfer: finish and publish it, then call transfer_secondary_published or _refused, once, later.
	 * `from` is borrowed for the call. `forced`: lower and equal serials are meant to be taken (I3). */
	void (*received)(struct transfer_secondary_owner *self, struct transfer_in *take, const struct address *from,
	                 bool forced);
	/* The version may be served no longer. */
	void (*expired)(struct transfer_secondary_owner *self, struct moment now);
	/* To be remembered beside the version; `expire_at_ms` is the same deadline on the boot clock, for EDNS EXPIRE in
	 * our answers. */
	void (*timers)(struct transfer_secondary_owner *self, const struct change_deadlines *timers,
	               int64_t expire_at_ms);
	/* What is served came as differences from somebody who does not tell its digest: hold it against its ZONEMD, where it
	 * has one, and call transfer_secondary_verified, later. May be NULL. */
	void (*verify)(struct transfer_secondary_owner *self);
	/* All that was under way has come to an end. `text` is one sentence, borrowed for the call. May be NULL. */
	void (*settled)(struct transfer_secondary_owner *self, enum transfer_outcome outcome, const char *text,
	                struct moment now);
};

struct transfer_secondary;

/* `owner` is borrowed until it is freed. It does nothing before transfer_secondary_start. */
struct transfer_secondary *transfer_secondary_new(struct transfer_scheduler *scheduler, const uint8_t *apex,
                                                  uint16_t class, const struct transfer_secondary_config *config,
                                                  struct transfer_secondary_owner *owner);
/* Closes its calls. A transfer that was handed to the owner is the owner's; nothing may be told of it any more. */
void transfer_secondary_free(struct transfer_secondary *take, struct moment now);

/* Where a version came from. */
struct transfer_origin {
	struct address from; /* family ADDRESS_NONE: not known */
	int64_t came_at_s;   /* wall time */
};

/* Begins. `version`: what the disk has; NULL: nothing. `origin`: of it, wanted for `pin_s` alone; NULL: not known. `timers`: what
 * was remembered with it; NULL or all 0: nothing, then the primaries are asked at once and the version expires as if it had just
 * come. A wall clock that went back, or leapt by years, means that the primaries are asked at once, with the time to expiry as
 * it was last known.
 * True: the version may be served. False: there is none or it has expired meanwhile (owner.expired is not called). */
bool transfer_secondary_start(struct transfer_secondary *zone, const struct transfer_version *version,
                              const struct transfer_origin *origin, const struct change_deadlines *timers,
                              struct moment now);

/* The candidate of owner.received is served now, as `version`. Also when it said the same as what was served. */
void transfer_secondary_published(struct transfer_secondary *zone, const struct transfer_version *version,
                                  struct moment now);
/* It was not published. ERROR_IO means that our own disk is at fault: no other primary is tried for that. */
void transfer_secondary_refused(struct transfer_secondary *zone, const struct error *error, struct moment now);

/* What came of owner.verify: `version` (with its digest) is what its ZONEMD says, or is not, as `problem` (one clause) tells. */
void transfer_secondary_verified(struct transfer_secondary *zone, const struct transfer_version *version,
                                 const char *problem, struct moment now);

/* What a NOTIFY's answer section says of the new version (RFC 1996 3.7). */
struct transfer_hint {
	bool has_serial;
	uint32_t serial;
	bool is_proven; /* a key that the zone's rules name has signed it: a promise; else anybody may have made it up */
};
/* A NOTIFY came from `from`, which was allowed to send it (RFC 1996 3.11, 4.5). */
void transfer_secondary_notified(struct transfer_secondary *zone, const struct address *from,
                                 const struct transfer_hint *hint, struct moment now);

/* An operator's wish. Ask all primaries now, also those that failed before. */
void transfer_secondary_refresh(struct transfer_secondary *zone, struct moment now);
/* Fetch the zone now, whatever its serial; a transfer that runs is given up. */
void transfer_secondary_retransfer(struct transfer_secondary *zone, struct moment now);
/* Tell owner.timers now. */
void transfer_secondary_flush(struct transfer_secondary *zone, struct moment now);
/* Other primaries, sources, limits or clamps. What is under way with a primary that stays goes on. */
void transfer_secondary_reconfigure(struct transfer_secondary *zone, const struct transfer_secondary_config *config,
                                    struct moment now);

enum transfer_phase {
	TRANSFER_PHASE_IDLE,       /* waits for the next refresh or retry */
	TRANSFER_PHASE_CHECKING,   /* SOA questions are under way */
	TRANSFER_PHASE_QUEUED,     /* waits for its turn to fetch */
	TRANSFER_PHASE_FETCHING,   /* a transfer runs */
	TRANSFER_PHASE_PUBLISHING, /* the owner has the candidate */
};
/* "idle", "checking", ... */
const char *transfer_phase_name(enum transfer_phase phase);

struct transfer_secondary_status {
	enum transfer_phase phase;
	bool has_version; /* served, or expired */
	bool has_expired;
	uint32_t serial;
	int64_t refreshed_at_s; /* wall time: when a primary last gave or confirmed it */
	uint32_t proof_lasts_s; /* that is good for so long: refresh and retry, as they are taken */
	int64_t owed_since_s;   /* wall time: a primary has, or promised, something newer; 0: nothing is known of */
	uint32_t owed_serial;
	int64_t next_ask_ms;  /* boot clock; INT64_MAX: something is under way */
	int64_t expire_at_ms; /* boot clock; INT64_MAX: no version */
	const char *problem;  /* NULL, or the last failure that still matters; borrowed until the next event */
	enum cause cause;     /* of it */
	const char *alarm;    /* NULL, or that the content is not what it should be; borrowed like it */
	enum cause alarm_cause;
	enum cause healed_cause; /* of the last alarm that came to its end, over restarts; CAUSE_NONE: there was none */
	uint32_t healed_serial;  /* whose content is what it should be */
	int64_t healed_at_s;     /* wall time */
	struct address healed_from;        /* whose copy it is; no family: nobody knows */
	struct address fetching_from;      /* TRANSFER_PHASE_QUEUED and later; else family ADDRESS_NONE */
	struct transfer_in_counts fetched; /* TRANSFER_PHASE_FETCHING */
	size_t primary_count;
};
void transfer_secondary_status(const struct transfer_secondary *zone, struct transfer_secondary_status *out);

/* Longest alarm, NUL included. */
#define TRANSFER_ALARM_MAX 512
/* Longest clause about a primary or a target, NUL included; longer ones are cut. */
#define TRANSFER_RESULT_MAX 256

/* Whether a primary can be reached, as all zones that follow it have seen. */
enum transfer_reach {
	TRANSFER_REACH_UNKNOWN, /* nothing was heard of it lately: one question at a time is sent there */
	TRANSFER_REACH_UP,      /* it has just answered */
	TRANSFER_REACH_DOWN,    /* it did not answer: nothing is sent there for a while, for no zone */
	TRANSFER_REACH_PROBED,  /* that while is over: one question is sent to see */
};
/* "unknown", "up", "down", "probed". */
const char *transfer_reach_name(enum transfer_reach reach);

/* What was tried last at a primary. */
enum transfer_tried { TRANSFER_TRIED_NOTHING, TRANSFER_TRIED_SOA, TRANSFER_TRIED_IXFR, TRANSFER_TRIED_AXFR };
/* "", "SOA", "IXFR", "AXFR". */
const char *transfer_tried_name(enum transfer_tried tried);

struct transfer_primary_status {
	struct address address;
	const uint8_t *key_name; /* of the key that signs what is asked there; NULL: none; borrowed like ixfr_failure */
	enum transfer_reach reach;
	bool asked;  /* the fields below mean something */
	bool failed; /* the last thing tried there did not work */
	bool has_serial;
	uint32_t serial; /* that it said last */
	int64_t at_ms;   /* boot clock, of `result` */
	enum transfer_tried tried;
	enum cause cause;         /* why it is no good; CAUSE_NONE: it is */
	enum cause ixfr_cause;    /* why the last transfer from there was of the whole zone after all; CAUSE_NONE */
	const char *ixfr_failure; /* the same in words; borrowed until the next event. NULL */
	int64_t held_until_ms;    /* boot clock: nothing is fetched from there before; 0: no such time */
	bool is_pinned;           /* the version came from there, and the zone stays with it */
	char result[TRANSFER_RESULT_MAX]; /* one clause: "serial 7, up to date", "no answer within 1 s" */
};
/* `index` below primary_count, in the order of the configuration. */
void transfer_secondary_primary(const struct transfer_secondary *zone, size_t index, struct moment now,
                                struct transfer_primary_status *out);

/* ---- telling secondaries ---- */

/* Copied. */
struct transfer_notifier_config {
	const struct address *targets; /* with ports */
	size_t target_count;
	const struct tsig_key *const *target_keys; /* as primary_keys */
	struct transfer_source source;
};

enum transfer_notify_reason {
	TRANSFER_NOTIFY_CHANGE,  /* a new version is served */
	TRANSFER_NOTIFY_STARTUP, /* the server started: only targets that are not known to have this serial, slowly */
	TRANSFER_NOTIFY_MANUAL,  /* an operator asked: all targets */
};

/* What is known of a target; plain, so that it can be stored. */
struct transfer_debt {
	struct address target;
	bool acknowledged; /* the version announced last; the two fields below mean something */
	uint32_t serial_acknowledged;
	int64_t acknowledged_at_s; /* wall time */
};

struct transfer_notifier;

/* What a notifier wants of its server. */
struct transfer_notifier_owner {
	/* What transfer_notifier_debt gives has changed, and is worth remembering over a restart: what is not remembered
	 * as acknowledged is told again then. A new version changes it without this call: it is acknowledged by nobody. */
	void (*debts_changed)(struct transfer_notifier_owner *self);
};

/* Quiet before the first announcement. `owner` is borrowed until it is freed; NULL: nothing is remembered. */
struct transfer_notifier *transfer_notifier_new(struct transfer_scheduler *scheduler, const uint8_t *apex,
                                                uint16_t class, const struct transfer_notifier_config *config,
                                                struct transfer_notifier_owner *owner);
void transfer_notifier_free(struct transfer_notifier *take, struct moment now);
/* Targets that stay keep their state; new ones are told of the version announced last. */
void transfer_notifier_reconfigure(struct transfer_notifier *notifier, const struct transfer_notifier_config *config,
                                   struct moment now);
/* What was known before a restart; before the first announcement. It holds for targets that are configured later too, as
 * long as that version is the newest. */
void transfer_notifier_restore(struct transfer_notifier *notifier, const struct transfer_debt *debts, size_t count);

/* Tells all targets of the version whose SOA this is (copied; it goes along as a hint, RFC 1996 3.7). It must be served
 * already. What is pending for an older version starts anew with this one. */
void transfer_notifier_announce(struct transfer_notifier *notifier, const struct zone_rrset *soa,
                                enum transfer_notify_reason reason, struct moment now);
/* A target was seen to have this serial: it asked for it by IXFR, or a transfer of it to that host was finished. */
void transfer_notifier_seen(struct transfer_notifier *notifier, const struct address *host, uint32_t serial,
                            struct moment now);

struct transfer_target_status {
	struct address address;
	const uint8_t *key_name;   /* of the key that signs what it is told; NULL: none; borrowed like `problem` */
	enum transfer_reach reach; /* as all zones that tell it something have seen */
	bool notified;             /* a NOTIFY was sent; the fields below mean something */
	bool pending;              /* it is owed and being tried */
	bool acknowledged; /* the newest serial's NOTIFY was answered with NOERROR; not notified: before this process */
	uint32_t serial_notified; /* means something when acknowledged, too */
	int64_t notified_at_ms;   /* boot clock; of the newest attempt */
	uint32_t attempts;        /* of the newest serial's NOTIFY */
	const char *problem;      /* NULL, or why it is not acknowledged; borrowed until the next event */
	enum cause cause;         /* of it */
	bool has_acknowledged;    /* of any serial */
	uint32_t serial_acknowledged;
	int64_t acknowledged_at_ms; /* boot clock; 0 when it was before this process */
	bool has_serial;            /* transfer_notifier_seen */
	uint32_t serial;
	bool is_behind;  /* not known to have the newest version */
	uint64_t lag_ms; /* announcement of the newest version to proof that it has it; while behind: to now */
};
size_t transfer_notifier_count(const struct transfer_notifier *notifier);
/* `index` below transfer_notifier_count, in the order of the configuration. */
void transfer_notifier_target(const struct transfer_notifier *notifier, size_t index, struct moment now,
                              struct transfer_target_status *out);
/* `index` as above. */
void transfer_notifier_debt(const struct transfer_notifier *notifier, size_t index, struct transfer_debt *out);
