/* SPDX-License-Identifier: MIT */
/* The machine of one secondary zone, cut into files: secondary.c (its timer, its owner, its configuration), round.c
 * (who is asked, which offer is fetched), notified.c (NOTIFYs), check.c (SOA questions), fetch.c (transfers), content.c
 * (digests), deadline.c (refresh, retry, expire), promise.c (serials that are owed), lower.c (serials that go back), pin.c (a
 * primary that is stayed with), status.c.
 *
 * Of one primary (check.c):
 *
 *   NONE --check_begin--> QUEUED --turn--> UDP --SOA--> NONE (check_answered)
 *                                           |  no answer: again, CHECK_ATTEMPTS times, then TCP
 *                                           |  TC -----> TCP --SOA--> NONE (check_answered)
 *                                           +----------------nothing--> NONE (check_failed)
 *
 * Of the zone (fetch.c); it has one transfer at a time:
 *
 *   NONE --fetch_begin--> QUEUED --turn--> RUNNING --whole--> PUBLISHING --published--> NONE (fetch_published)
 *                                           |                   +--refused------------> NONE (fetch_failed)
 *                                           +--broken, limit, deadline---------------> NONE (fetch_failed)
 *
 * A round is the time in which any of this is under way (round.c):
 *
 *   waiting --timer, NOTIFY, operator: round_begin--> round --all is NONE: round_end--> waiting
 *
 * Whenever something came to an end, round_go_on() looks at what the primaries offer: the newest version that is wanted
 * and not held back is fetched; if there is none and nothing is under way, the round ends, and with it begins the
 * waiting: for refresh, if a primary confirmed or gave our version, else for retry. */
#pragma once

#include "base/log.h"
#include "transfer/transfer_internal.h"

enum check_state { CHECK_NONE, CHECK_QUEUED, CHECK_UDP, CHECK_TCP };
enum fetch_state { FETCH_NONE, FETCH_QUEUED, FETCH_RUNNING, FETCH_PUBLISHING };

/* An SOA question that is out. Exists in CHECK_UDP and CHECK_TCP only: there may be a million zones, but few questions. */
struct check {
	struct transfer_primary *primary;
	uint16_t id;
	uint8_t attempt; /* over UDP, from 0 */
	bool edns;
	bool was_hurried;
	int64_t sent_at_ms;
	struct transfer_call call;
	struct tsig tsig;
};

/* A transfer from its wish to its publication. */
struct fetch {
	struct transfer_secondary *zone;
	enum fetch_state state;          /* never FETCH_NONE */
	struct transfer_primary *source; /* NULL when it was taken out of the configuration meanwhile */
	struct address from;
	struct transfer_ticket ticket;
	struct transfer_call call;
	struct transfer_in *in;
	const struct tsig_key *key; /* a reference: that of `source` when it was begun; NULL: none */
	struct tsig tsig;
	uint16_t id;
	bool edns;
	bool is_forced;
	bool has_promise; /* the primary had said that it has this serial when the question went out */
	uint32_t promise;
	bool repairs;    /* the serial is ours, the content is not: the whole zone is asked for */
	bool has_wanted; /* because the primary told: */
	struct change_told wanted;
	bool asks_differences; /* of the question that is out */
	bool wants_whole;      /* differences were no good: the whole zone is asked for */
	bool differences_bad;  /* what came as differences made no sense, or did not fit */
	bool blames_ixfr;      /* IXFR was not understood; so the primary does not know it, if AXFR is */
	int64_t began_ms;
	int64_t moved_ms; /* octets came */
	uint64_t octets;
	struct transfer_in_counts counts; /* of the transfer that is being published */
};

/* What a primary was last good for. */
enum verdict {
	VERDICT_NONE,
	VERDICT_EQUAL,
	VERDICT_NEWER,
	VERDICT_OLDER,
	VERDICT_INCOMPARABLE,
	VERDICT_TRANSFERRED,
	VERDICT_FAILED, /* `failure` says why */
};

/* What a ZONEMD that was not right led to; back to NONE when one from this primary is. */
enum zonemd_repair { ZONEMD_REPAIR_NONE, ZONEMD_REPAIR_WANTED, ZONEMD_REPAIR_DONE };

struct transfer_primary {
	struct transfer_secondary *zone;
	struct address address;
	const struct tsig_key *key; /* a reference; NULL: nothing is signed */
	struct transfer_host *host; /* a reference: what all zones know of it */

	enum check_state check_state;
	bool no_edns;    /* it does not know EDNS */
	bool whole_next; /* its differences were no good, or broke off too often: it is asked for the whole zone next */
	uint32_t ixfr_breaks; /* answers to IXFRs that broke off, in a row */
	bool was_asked;       /* in this round */
	bool has_answered;    /* in this round: `serial` is what it says now */
	bool ask_again;       /* notified meanwhile: what it answers may be too old */
	struct transfer_hint again_hint;
	struct transfer_ticket ticket;
	struct check *check; /* NULL: no question is out */

	bool has_serial; /* it said `serial` */
	bool has_offer;  /* and that version may be fetched */
	uint32_t serial;

	uint32_t check_failures; /* in a row */
	uint32_t fetch_failures;
	char *fetch_failure; /* why the last of these; NULL: none */
	enum cause fetch_cause;
	enum cause ixfr_cause; /* why the last transfer asked for the whole zone after all; CAUSE_NONE: it did not */
	char *ixfr_failure;
	int64_t left_out_until_ms; /* of rounds in which another primary can be asked */
	int64_t held_until_ms;     /* nothing is fetched from it before */
	int64_t no_ixfr_until_ms;  /* it does not know IXFR, as far as was seen; it may have learnt by then */
	bool has_refused;          /* `refused_serial` came from it and could not be taken: */
	uint32_t refused_serial;   /* not fetched again before */
	int64_t refused_until_ms;

	/* content.c */
	bool is_tandem;          /* as it is configured */
	bool has_told;           /* its last answer told the digest of its version: */
	struct change_told told; /* this */
	bool has_repaired;       /* the whole zone was fetched because it told: */
	bool repair_was_vain;    /* and what came is something else */
	struct change_told repaired;
	enum zonemd_repair zonemd_repair;

	enum verdict verdict;
	enum transfer_tried tried; /* and by what that was found out */
	enum cause cause;          /* why it was no good; CAUSE_NONE: it was */
	int64_t verdict_at_ms;
	char *failure;
};

struct transfer_secondary {
	struct transfer_scheduler *scheduler;
	struct transfer_secondary_owner *owner; /* borrowed */
	uint8_t *apex;
	uint16_t class;
	const struct transfer_secondary_config *config; /* shared; without its list of primaries */
	struct transfer_primary **primaries;
	size_t primary_count;
	struct transfer_timer timer;

	bool has_started;
	bool has_version;
	bool has_expired;
	bool is_forced; /* any serial is wanted */
	struct transfer_version version;
	struct transfer_origin origin; /* of it */
	int64_t refreshed_at_s;        /* wall time */
	int64_t expire_at_ms;
	int64_t next_ask_ms;            /* when the next round begins; means nothing in a round */
	int64_t wall_offset_s;          /* wall clock less boot clock when the timers were told last */
	int64_t told_refresh_at_s;      /* wall time; what the timers said last */
	int64_t notify_paid_until_ms;   /* what NOTIFYs have cost, as time: see notify_next_ms */
	bool has_late_notify;           /* one was too much, and is followed: */
	int64_t late_notify_ms;         /* at this time, or in a round before, */
	struct transfer_hint late_hint; /* unless this is here by then: the newest that such a NOTIFY promised */
	uint32_t empty_failures;        /* rounds without success, while there is no version */

	/* promise.c */
	int64_t promised_at_s; /* wall time; 0: nothing is owed */
	uint32_t promised_serial;
	uint32_t promise_rounds; /* that did not bring it */
	bool promise_is_fresh;   /* it came by NOTIFY in this round: who answered before knew nothing of it */
	bool promise_is_told;    /* to the owner, who remembers it */
	int64_t promise_tell_ms; /* he is not told of the next one before */

	int64_t told_lower_since_s;
	int64_t lower_since_s; /* wall time; 0: some primary has what we have, or something newer (lower.c) */

	/* content.c */
	struct transfer_primary *source; /* of the version that is served; NULL: not known any more */
	char *zonemd_problem;            /* NULL, or why its ZONEMD is not right */
	char *alarm;                     /* NULL, or that its content is not what it should be */
	enum cause alarm_cause;
	enum cause healed_cause; /* of the last alarm that came to its end */
	uint32_t healed_serial;
	int64_t healed_at_s;        /* wall time; 0: there was none */
	struct address healed_from; /* whose copy is right; no family: nobody knows */
	int64_t told_healed_at_s;

	bool in_round;
	bool round_is_full;   /* all primaries were asked that are worth it */
	bool round_is_barred; /* our own disk refused a version: nothing more is fetched in this round */
	bool round_confirmed; /* a primary has what we have */
	bool round_updated;   /* a version was published */
	char *problem;        /* the last failure that matters; NULL: none */
	enum cause cause;     /* of it */

	struct fetch *fetch; /* NULL: none */
};

/* ---- check.c ---- */
/* Nothing happens when a check is under way. */
void check_begin(struct transfer_primary *primary);
/* Ends it without a verdict. */
void check_cancel(struct transfer_primary *primary);
/* The primary has just been heard of: a question that waits for its answer too long is sent anew, once. */
void check_hurry(struct transfer_primary *primary, struct moment now);
/* For transfer_primary.ticket. */
void check_init(struct transfer_primary *primary);

/* ---- fetch.c ---- */
enum fetch_state fetch_state(const struct transfer_secondary *zone);
void fetch_begin(struct transfer_secondary *zone, struct transfer_primary *primary);
/* Ends it, if there is one; what is being published is left to its owner and forgotten. */
void fetch_cancel(struct transfer_secondary *zone);
/* The primary leaves the configuration. */
void fetch_forget(struct transfer_secondary *zone, const struct transfer_primary *primary);
/* Applies the limits of time and rate. */
void fetch_check_time(struct transfer_secondary *zone, struct moment now);
/* When that is wanted next. */
int64_t fetch_deadline_ms(const struct transfer_secondary *zone);

enum fetch_fault {
	FETCH_FAULT_NETWORK, /* another try may go better */
	FETCH_FAULT_RCODE,   /* the primary does not want to: another try may go better, too */
	FETCH_FAULT_CONTENT, /* this version cannot be taken */
	FETCH_FAULT_LOCAL,   /* our own disk */
	FETCH_FAULT_SHORT,   /* an older version than was promised came, and was taken */
};
/* What came whole could not be taken. */
void fetch_refused(struct transfer_secondary *zone, enum fetch_fault fault, enum cause cause, const char *why,
                   struct moment now);
void fetch_failed(struct transfer_secondary *zone, enum fetch_fault fault, enum cause cause, const char *why,
                  struct moment now);
void fetch_published(struct transfer_secondary *zone, const struct transfer_version *version, struct moment now);

/* ---- content.c ---- */
/* It is marked as a Tandem, and what it tells of its content counts. */
bool content_is_asked(const struct transfer_primary *primary);
/* It has told another content for our serial. */
bool content_differs(const struct transfer_primary *primary);
/* For that, or for a ZONEMD, its whole zone is to be fetched. */
bool content_wants_repair(const struct transfer_primary *primary);
/* What its last answer told. */
void content_told(struct transfer_primary *primary, bool has_told, const struct change_told *told);
/* Sees to the alarm. */
void content_note(struct transfer_secondary *zone, struct moment now);
/* Of an alarm that ended: what was remembered of it before the start; and what is not told any more. */
void content_restore_healed(struct transfer_secondary *zone, const struct change_deadlines *timers);
void content_forget_healed(struct transfer_secondary *zone, struct moment now);
/* What `fetch` brought is served now, as zone->version says. */
void content_published(struct transfer_secondary *zone, const struct fetch *fetch, struct moment now);
/* What was fetched for its content made no sense. Its source is still in the configuration. */
void content_failed(const struct fetch *fetch, struct moment now);
/* It leaves the configuration. */
void content_forget(struct transfer_primary *primary);
/* A NOTIFY that promises the serial that we have may be about its content. */
bool content_may_differ(const struct transfer_secondary *zone, const struct address *from,
                        const struct transfer_hint *hint);

/* ---- deadline.c ---- */
uint32_t clamped_refresh_s(const struct transfer_secondary *zone);
uint32_t clamped_retry_s(const struct transfer_secondary *zone);
uint32_t clamped_expire_s(const struct transfer_secondary *zone);
/* After a first failure; while there is no version, nobody knows what its SOA will say, and it is short. */
int64_t first_wait_ms(const struct transfer_secondary *zone);
/* `ms` less up to a tenth, so that zones spread. */
int64_t with_jitter(struct transfer_secondary *zone, int64_t ms);
/* first_ms, doubled with each further failure, at most max_ms; with jitter, at least 1. */
int64_t backoff_ms(struct transfer_secondary *zone, int64_t first_ms, uint32_t failures, int64_t max_ms);
/* The longest that a primary is left out or held back. */
int64_t backoff_max_ms(const struct transfer_secondary *zone);
/* A primary confirmed our version (RFC 7314 4), to a question that was sent at `asked_at_ms`. */
void deadline_confirm(struct transfer_secondary *zone, bool has_expire, uint32_t expire_s, int64_t asked_at_ms,
                      struct moment now);
/* A new version came, by the transfer that this is of. */
void deadline_restart(struct transfer_secondary *zone, const struct transfer_in_counts *counts, struct moment now);
/* After a restart. False: it has expired. */
bool deadline_restore(struct transfer_secondary *zone, const struct change_deadlines *timers, struct moment now);
/* Sets next_ask_ms for after a round. */
void deadline_plan(struct transfer_secondary *zone, bool success, struct moment now);
/* The next round comes before what the owner was told last: after a restart it would be late. */
bool deadline_is_sooner(const struct transfer_secondary *zone, struct moment now);
/* Tells the owner. */
void deadline_tell(struct transfer_secondary *zone, struct moment now);

/* ---- promise.c ---- */
/* Something newer than what is served is known to be somewhere. */
bool promise_is_owed(const struct transfer_secondary *zone);
/* A primary says that it has this serial. */
void promise_made(struct transfer_secondary *zone, uint32_t serial, struct moment now);
/* So does a NOTIFY that is known to be its own. */
void promise_made_by_notify(struct transfer_secondary *zone, uint32_t serial, struct moment now);
/* A version was published. */
void promise_served(struct transfer_secondary *zone);
/* After a restart. */
void promise_restore(struct transfer_secondary *zone, const struct change_deadlines *timers, struct moment now);
/* The owner is told where that has not been done, but not too often: */
void promise_tell(struct transfer_secondary *zone, struct moment now);
/* not before this. */
int64_t promise_tell_ms(const struct transfer_secondary *zone);
/* A round is over. */
void promise_end_round(struct transfer_secondary *zone);
/* How long to wait for the next one, which would be `wait_ms` without what is owed. */
int64_t promise_wait_ms(struct transfer_secondary *zone, int64_t wait_ms);

/* ---- lower.c ---- */
/* All that was asked in this round has ended. */
void lower_note(struct transfer_secondary *zone, struct moment now);
/* True: a lower serial is to be taken now, and is on offer. */
bool lower_take(struct transfer_secondary *zone, struct moment now);
/* How long to wait for the next round, which would be `wait_ms` otherwise. */
int64_t lower_wait_ms(const struct transfer_secondary *zone, int64_t wait_ms, struct moment now);
/* What becomes of a lower serial. */
void lower_say(const struct transfer_secondary *zone, struct moment now, char out[TRANSFER_RESULT_MAX]);

/* ---- pin.c ---- */
/* The zone is pinned to this primary. */
bool pin_is_here(const struct transfer_primary *primary);
/* It is pinned to another one, which has not lacked what is newer for long enough: nothing is fetched from this one. */
bool pin_forbids(const struct transfer_primary *primary, struct moment now);
/* Whom it is fetched from now will be stayed with: the first to answer is not good enough. */
bool pin_waits_for_all(const struct transfer_primary *primary);
/* Its differences might fit nothing that we have. */
bool pin_wants_whole(const struct transfer_primary *primary);
/* All that was asked in this round has ended: tells what is not taken, and until when. */
void pin_note(struct transfer_secondary *zone, struct moment now);
/* A transfer from there begins: logs where that leaves the primary that was stayed with. */
void pin_leave(const struct transfer_primary *primary, struct moment now);
/* How long to wait for the next round, which would be `wait_ms` otherwise. */
int64_t pin_wait_ms(const struct transfer_secondary *zone, int64_t wait_ms, struct moment now);

/* ---- round.c ---- */
/* Any serial is taken: no version, expired, or forced. */
bool takes_any(const struct transfer_secondary *zone);
/* Is a version with this serial to be fetched? */
bool is_wanted(const struct transfer_secondary *zone, uint32_t serial);
/* What this primary offers is not fetched before a time that follows from how often that failed; 0: it may be. */
int64_t held_back_until_ms(const struct transfer_secondary *zone, const struct transfer_primary *primary);
/* A round begins, in which nobody is asked yet; nothing where one is under way. */
void round_open(struct transfer_secondary *zone);
/* Asks every primary that was not asked in this round; those that fail are left out while another can be asked, unless
 * `left_out_too`. */
void round_ask_all(struct transfer_secondary *zone, bool left_out_too, struct moment now);
/* Both of these, and sets the timer. */
void round_begin(struct transfer_secondary *zone, bool left_out_too, struct moment now);
/* Something came to its end. */
void round_go_on(struct transfer_secondary *zone, struct moment now);

/* ---- notified.c ---- */
/* A NOTIFY is followed in a round of its own, soon. */
void notified_postpone(struct transfer_secondary *zone, const struct transfer_hint *hint, struct moment now);
/* A version came: what such a NOTIFY promised may be here. */
void notified_reconsider(struct transfer_secondary *zone, struct moment now);
/* A round ended, and next_ask_ms is set: comes sooner where a NOTIFY waits. */
void notified_round_ended(struct transfer_secondary *zone, bool success, struct moment now);

/* ---- secondary.c ---- */
/* Sets the zone's timer for the first of its deadlines. */
void set_timer(struct transfer_secondary *zone);
/* It seems to be there, or an operator knows that it is. */
void hope_for(struct transfer_primary *primary, struct moment now);
void set_verdict(struct transfer_primary *primary, enum verdict verdict, enum cause cause, const char *failure,
                 struct moment now);
void clear_zone_problem(struct transfer_secondary *zone);
void set_zone_problem(struct transfer_secondary *zone, enum cause cause, const char *text);
/* "192.0.2.1@53: why" becomes what the status shows. */
void set_problem(struct transfer_secondary *zone, const struct address *where, enum cause cause, const char *why);
void zone_log(const struct transfer_secondary *zone, enum log_level level, const char *format, ...) PRINTF_LIKE(3, 4);
