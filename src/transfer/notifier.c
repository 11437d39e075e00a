/* SPDX-License-Identifier: MIT */
/* Telling secondaries of a new version (RFC 1996). Each target has a machine of its own:
 *
 *   QUIET --announce: owe--> QUEUED --turn: target_send--> ASKED --NOERROR: target_acknowledged--> QUIET
 *                              ^                             | no answer, SERVFAIL: target_retry
 *                              +------ timer ------- WAITING +--another RCODE, or tried enough: target_give_up--> QUIET
 *
 * Attempts go over UDP, with pauses that double (RFC 1996 3.6), the last one over TCP. A new version starts all over.
 *
 * A host that answers nobody is down (breaker_internal.h): what it is owed waits in QUEUED, without timers and attempts, until
 * it has answered one NOTIFY that is sent there to see, over UDP and TCP in turns. It is never given up.
 *
 * I1  A target in QUIET has acknowledged the newest version, or `problem` says why not, or nothing was announced to it.
 * I2  What is sent is the version that was announced last.
 * I3  What is owed to a host that does not answer stays owed. */
#include "transfer/transfer_internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/serial.h"
#include "transfer/breaker_internal.h"

#define NOTIFY_UDP_ATTEMPTS 5
/* 2, 4, 8, 16, 32 s: a minute in all, as RFC 1996 3.6 has it for one attempt. */
#define NOTIFY_WAIT_FIRST_MS 2000
/* No answer takes longer; what is left of a pause is waited for without a place in the lane. */
#define NOTIFY_UDP_MOST_MS    5000
#define NOTIFY_TCP_CONNECT_MS 5000
#define NOTIFY_TCP_TOTAL_MS   10000

enum target_state { TARGET_QUIET, TARGET_QUEUED, TARGET_ASKED, TARGET_WAITING };

struct target {
	struct transfer_notifier *notifier;
	struct address address;
	struct transfer_host *host; /* a reference: what all zones know of it */
	const struct tsig_key *key; /* a reference; NULL: nothing is signed */
	struct tsig *tsig;          /* of the NOTIFY that is out; NULL: it is not signed, or there is none */
	enum target_state state;
	enum transfer_lane lane;
	struct transfer_ticket ticket;
	struct transfer_call call;
	struct transfer_timer timer;
	uint16_t id;
	uint32_t attempts; /* of the newest version */
	uint32_t tries;    /* those of them since its host was last seen to be down */
	bool wants_tcp;    /* for the next one */
	bool is_probe;     /* the one that is out: its host is down */
	bool is_tcp;       /* the one that is out */
	bool was_notified;
	bool has_newest; /* it acknowledged the newest version */
	uint32_t serial_notified;
	int64_t notified_at_ms;
	bool has_acknowledged;
	uint32_t serial_acknowledged;
	int64_t acknowledged_at_ms;
	int64_t acknowledged_at_s;
	bool has_serial; /* seen there: */
	uint32_t serial;
	bool is_proven; /* to have the newest version, */
	int64_t proven_at_ms;
	char *problem;
	enum cause cause; /* of it */
};

struct transfer_notifier {
	struct transfer_scheduler *scheduler;
	uint8_t *apex;
	uint16_t class;
	struct transfer_notifier_owner *owner; /* borrowed; NULL: none */
	struct transfer_source source;
	struct target **targets;
	size_t target_count;
	struct transfer_debt *restored; /* until a version comes that they do not speak of */
	size_t restored_count;
	bool has_announced;
	uint32_t serial;
	int64_t announced_at_ms;
	uint32_t soa_ttl;
	size_t soa_len;
	uint8_t *soa;
};

static void set_problem(struct target *target, const char *why)
{
	free(target->problem);
	target->problem = why == NULL ? NULL : memory_copy_text(why);
}

/* "zone example.org: NOTIFY of serial 7 to 192.0.2.2@53: ..." */
static void log_target(const struct target *target, enum log_level level, const char *what)
{
	char name[DNS_NAME_TEXT_MAX];
	char address[ADDRESS_TEXT_MAX];
	if (log_wants(level)) {
		log_write(level, "zone %s: NOTIFY of serial %" PRIu32 " to %s: %s",
		          dns_name_to_text_short(target->notifier->apex, name), target->notifier->serial,
		          address_to_text(&target->address, address), what);
	}
}

/* ---- one target ---- */

static void target_end_exchange(struct target *target)
{
	if (target->tsig != NULL) {
		tsig_end(target->tsig);
		free(target->tsig);
		target->tsig = NULL;
	}
}

static void target_stop(struct target *target)
{
	struct transfer_scheduler *scheduler = target->notifier->scheduler;
	transfer_call_close(&target->call);
	target_end_exchange(target);
	transfer_ticket_release(scheduler, &target->ticket);
	transfer_timer_cancel(scheduler, &target->timer);
	target->state = TARGET_QUIET;
}

static const struct breaker *target_breaker(const struct target *target)
{
	return transfer_host_breaker(target->host, TRANSFER_LANE_NOTIFY);
}

static void target_queue(struct target *target)
{
	target->state = TARGET_QUEUED;
	transfer_ticket_request(target->notifier->scheduler, &target->ticket, target->lane, &target->address);
}

/* From now on it is owed the newest version. At a host that is down it goes before what was tried there in vain: so a zone
 * that such a host answers does not wait for one that it does not. */
static void target_owe(struct target *target, enum transfer_lane lane)
{
	bool is_down = breaker_is_down(target_breaker(target));
	bool keeps_turn = target->state == TARGET_QUEUED && target->lane == lane && !is_down;
	target->attempts = 0;
	target->tries = 0;
	target->has_newest = false;
	set_problem(target, NULL);
	if (keeps_turn) {
		return;
	}
	target_stop(target);
	target->lane = lane;
	target->state = TARGET_QUEUED;
	if (is_down) {
		transfer_ticket_request_first(target->notifier->scheduler, &target->ticket, lane, &target->address);
	} else {
		transfer_ticket_request(target->notifier->scheduler, &target->ticket, lane, &target->address);
	}
}

static void tell_owner(const struct transfer_notifier *notifier)
{
	if (notifier->owner != NULL) {
		notifier->owner->debts_changed(notifier->owner);
	}
}

static void target_acknowledged(struct target *target, struct moment now)
{
	target->has_newest = true;
	target->has_acknowledged = true;
	target->serial_acknowledged = target->serial_notified;
	target->acknowledged_at_ms = now.boot_ms;
	target->acknowledged_at_s = now.wall_s;
	set_problem(target, NULL);
	log_target(target, LOG_DEBUG, "acknowledged");
	tell_owner(target->notifier);
}

static void target_give_up(struct target *target, const char *why)
{
	set_problem(target, why);
	log_target(target, LOG_WARNING, why);
	target_stop(target);
}

static int64_t wait_ms(const struct target *target)
{
	return (int64_t)NOTIFY_WAIT_FIRST_MS << (target->tries - 1);
}

/* The attempt was in vain; the next one comes when its pause is over, even if the network was quick to say no. */
static void target_retry(struct target *target, const char *why, struct moment now)
{
	struct transfer_scheduler *scheduler = target->notifier->scheduler;
	char text[TRANSFER_RESULT_MAX];
	transfer_ticket_release(scheduler, &target->ticket);
	if (target->tries > NOTIFY_UDP_ATTEMPTS) {
		snprintf(text, sizeof text, "gave up after %" PRIu32 " attempts, the last one over TCP: %s",
		         target->attempts, why);
		target_give_up(target, text);
		return;
	}
	set_problem(target, why);
	int64_t at_ms = target->notified_at_ms + wait_ms(target);
	if (at_ms <= now.boot_ms) {
		target_queue(target);
	} else {
		target->state = TARGET_WAITING;
		transfer_timer_set(scheduler, &target->timer, at_ms);
	}
}

/* Nothing came back. */
static void target_silent(struct target *target, enum cause cause, const char *why, struct moment now)
{
	char address[ADDRESS_TEXT_MAX];
	const struct breaker *breaker = target_breaker(target);
	bool was_down = breaker_is_down(breaker);
	target->cause = cause;
	transfer_notify_silent(target->host, why, target->is_probe, now);
	if (!breaker_is_down(breaker)) {
		target_retry(target, why, now);
		return;
	}
	if (!was_down) {
		log_write(LOG_NOTICE,
		          "secondary %s does not answer NOTIFYs: %s; until it does, one is sent for all zones",
		          address_to_text(&target->address, address), why);
	}
	/* Its turn comes when the host is there again (I3). */
	transfer_ticket_release(target->notifier->scheduler, &target->ticket);
	set_problem(target, why);
	target->tries = 0;
	target_queue(target);
}

static void target_heard(const struct target *target, struct moment now)
{
	char address[ADDRESS_TEXT_MAX];
	if (breaker_is_down(target_breaker(target))) {
		log_write(LOG_NOTICE, "secondary %s answers NOTIFYs again", address_to_text(&target->address, address));
	}
	transfer_notify_heard(target->host, target->is_tcp, now);
}

static struct transfer_question target_question(const struct target *target)
{
	return (struct transfer_question){
	        .apex = target->notifier->apex,
	        .class = target->notifier->class,
	        .type = DNS_TYPE_SOA,
	        .id = target->id,
	};
}

static size_t target_sign(struct target *target, uint8_t *bytes, size_t len, struct moment now)
{
	target_end_exchange(target);
	if (target->key == NULL) {
		return len;
	}
	target->tsig = memory_new(sizeof *target->tsig);
	return transfer_sign(target->tsig, target->key, bytes, len, now);
}

static bool target_takes_udp(const struct target *target, struct moment now)
{
	return target->tries <= NOTIFY_UDP_ATTEMPTS && !target->wants_tcp &&
	       transfer_notify_takes_udp(target->host, now);
}

static uint32_t udp_timeout_ms(const struct target *target)
{
	return (uint32_t)(wait_ms(target) < NOTIFY_UDP_MOST_MS ? wait_ms(target) : NOTIFY_UDP_MOST_MS);
}

static void target_send(struct target *target, struct moment now)
{
	const struct transfer_notifier *notifier = target->notifier;
	uint8_t bytes[TRANSFER_SIGNED_MAX];
	struct error error;
	target->attempts++;
	target->tries++;
	target->is_probe = breaker_is_down(target_breaker(target));
	target->state = TARGET_ASKED;
	target->id = (uint16_t)random_below(transfer_scheduler_random(notifier->scheduler), 0x10000);
	target->was_notified = true;
	target->serial_notified = notifier->serial;
	target->notified_at_ms = now.boot_ms;
	struct transfer_question question = target_question(target);
	size_t len = transfer_notify_write(&question, notifier->soa_ttl, notifier->soa, notifier->soa_len, bytes);
	len = target_sign(target, bytes, len, now);
	bool is_udp = target_takes_udp(target, now);
	target->wants_tcp = false;
	target->is_tcp = !is_udp;
	struct transfer_call_plan plan = {
	        .transport = is_udp ? TRANSFER_UDP : TRANSFER_TCP,
	        .to = &target->address,
	        .source = &notifier->source,
	        .timeout_ms = is_udp ? udp_timeout_ms(target) : NOTIFY_TCP_CONNECT_MS,
	        .total_ms = is_udp ? 0 : NOTIFY_TCP_TOTAL_MS,
	};
	if (!transfer_call_open(notifier->scheduler, &target->call, &plan, bytes, len, &error)) {
		target_silent(target, CAUSE_OWN_NETWORK, error.text, now);
	}
}

static void target_granted(struct transfer_ticket *ticket, struct moment now)
{
	target_send((struct target *)((uint8_t *)ticket - offsetof(struct target, ticket)), now);
}

static void target_pause_over(struct transfer_timer *timer, struct moment now)
{
	(void)now;
	target_queue((struct target *)((uint8_t *)timer - offsetof(struct target, timer)));
}

/* The answer does not prove who made it: over UDP that may be anybody, so it is asked over TCP what is wrong. */
static void target_unproven(struct target *target, const char *why)
{
	target->cause = transfer_tsig_cause(target->tsig);
	if (target->is_tcp) {
		target_give_up(target, why);
		return;
	}
	transfer_ticket_release(target->notifier->scheduler, &target->ticket);
	target->wants_tcp = true;
	target_queue(target);
}

static bool target_message(struct transfer_call *call, const uint8_t *bytes, size_t len, struct moment now)
{
	struct target *target = (struct target *)((uint8_t *)call - offsetof(struct target, call));
	struct transfer_question question = target_question(target);
	struct dns_message message;
	struct error error;
	if (!transfer_answer_read(&question, DNS_OPCODE_NOTIFY, bytes, len, &message)) {
		return false;
	}
	call->is_open = false;
	target_heard(target, now);
	if (!transfer_is_proven(target->tsig, target->key, &message, now, &error)) {
		target_unproven(target, error.text);
		return true;
	}
	unsigned rcode = dns_message_rcode(&message);
	target->cause = CAUSE_TARGET_REFUSED;
	if (rcode == DNS_RCODE_NOERROR) {
		target_acknowledged(target, now);
		target_stop(target);
		return true;
	}
	transfer_say_rcode(&message, &error);
	if (rcode == DNS_RCODE_SERVFAIL) {
		target_retry(target, error.text, now);
	} else {
		target_give_up(target, error.text);
	}
	return true;
}

static void target_ended(struct transfer_call *call, const char *why, struct moment now)
{
	struct target *target = (struct target *)((uint8_t *)call - offsetof(struct target, call));
	target_silent(target, CAUSE_TARGET_UNREACHABLE, why, now);
}

/* What was known of it before a restart. */
static void target_recall(struct target *target)
{
	const struct transfer_notifier *notifier = target->notifier;
	for (size_t i = 0; i < notifier->restored_count; i++) {
		const struct transfer_debt *debt = &notifier->restored[i];
		if (debt->acknowledged && address_equal(&target->address, &debt->target)) {
			target->has_acknowledged = true;
			target->serial_acknowledged = debt->serial_acknowledged;
			target->acknowledged_at_s = debt->acknowledged_at_s;
		}
	}
}

/* The newest version need not be told to whom is known to have acknowledged it. */
static void target_owe_unless_known(struct target *target, enum transfer_lane lane)
{
	if (target->has_acknowledged && target->serial_acknowledged == target->notifier->serial) {
		target->has_newest = true;
	} else {
		target_owe(target, lane);
	}
}

static struct target *target_new(struct transfer_notifier *notifier, const struct address *address,
                                 const struct tsig_key *key)
{
	struct target *target = memory_new(sizeof *target);
	target->notifier = notifier;
	target->address = *address;
	target->host = transfer_host_ref(notifier->scheduler, address);
	target->key = key == NULL ? NULL : tsig_key_ref(key);
	target->ticket.granted = target_granted;
	target->call.message = target_message;
	target->call.ended = target_ended;
	target->timer.expired = target_pause_over;
	target_recall(target);
	return target;
}

static void target_free(struct target *target)
{
	if (target != NULL) {
		target_stop(target);
		transfer_host_unref(target->notifier->scheduler, target->host);
		tsig_key_unref(target->key);
		free(target->problem);
		free(target);
	}
}

/* ---- the zone's list ---- */

static struct target *take_known(struct target **list, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] != NULL && address_equal(&list[i]->address, address)) {
			struct target *target = list[i];
			list[i] = NULL;
			return target;
		}
	}
	return NULL;
}

/* What it has acknowledged stays; what it has not is told again with another key. */
static void target_take_key(struct target *target, const struct tsig_key *key)
{
	bool is_same = target->key == key || (target->key != NULL && key != NULL && tsig_key_equal(target->key, key));
	if (is_same) {
		return;
	}
	tsig_key_unref(target->key);
	target->key = key == NULL ? NULL : tsig_key_ref(key);
	if (target->notifier->has_announced && !target->has_newest) {
		target_stop(target);
		target_owe(target, TRANSFER_LANE_NOTIFY);
	}
}

static void take_config(struct transfer_notifier *notifier, const struct transfer_notifier_config *config)
{
	struct target **before = notifier->targets;
	size_t count_before = notifier->target_count;
	notifier->source = config->source;
	notifier->target_count = config->target_count;
	notifier->targets = memory_new_array(config->target_count + 1, sizeof(struct target *));
	for (size_t i = 0; i < config->target_count; i++) {
		const struct tsig_key *key = config->target_keys == NULL ? NULL : config->target_keys[i];
		notifier->targets[i] = take_known(before, count_before, &config->targets[i]);
		if (notifier->targets[i] == NULL) {
			notifier->targets[i] = target_new(notifier, &config->targets[i], key);
			if (notifier->has_announced) {
				target_owe_unless_known(notifier->targets[i], TRANSFER_LANE_NOTIFY);
			}
		} else {
			target_take_key(notifier->targets[i], key);
		}
	}
	for (size_t i = 0; i < count_before; i++) {
		target_free(before[i]);
	}
	free(before);
}

struct transfer_notifier *transfer_notifier_new(struct transfer_scheduler *scheduler, const uint8_t *apex,
                                                uint16_t class, const struct transfer_notifier_config *config,
                                                struct transfer_notifier_owner *owner)
{
	struct transfer_notifier *notifier = memory_new(sizeof *notifier);
	notifier->owner = owner;
	notifier->scheduler = scheduler;
	notifier->apex = memory_copy(apex, dns_name_len(apex));
	notifier->class = class;
	take_config(notifier, config);
	return notifier;
}

void transfer_notifier_free(struct transfer_notifier *take, struct moment now)
{
	if (take == NULL) {
		return;
	}
	struct transfer_scheduler *scheduler = take->scheduler;
	for (size_t i = 0; i < take->target_count; i++) {
		target_free(take->targets[i]);
	}
	free(take->targets);
	free(take->restored);
	free(take->soa);
	free(take->apex);
	free(take);
	transfer_scheduler_run(scheduler, now);
}

void transfer_notifier_reconfigure(struct transfer_notifier *notifier, const struct transfer_notifier_config *config,
                                   struct moment now)
{
	take_config(notifier, config);
	transfer_scheduler_run(notifier->scheduler, now);
}

static void forget_restored(struct transfer_notifier *notifier)
{
	free(notifier->restored);
	notifier->restored = NULL;
	notifier->restored_count = 0;
}

void transfer_notifier_restore(struct transfer_notifier *notifier, const struct transfer_debt *debts, size_t count)
{
	forget_restored(notifier);
	notifier->restored = memory_copy(debts, count * sizeof *debts);
	notifier->restored_count = count;
	for (size_t i = 0; i < notifier->target_count; i++) {
		target_recall(notifier->targets[i]);
	}
}

static void take_soa(struct transfer_notifier *notifier, const struct zone_rrset *soa, struct moment now)
{
	ensure(soa->count == 1);
	free(notifier->soa);
	notifier->soa_len = load_u16(soa->rdatas);
	notifier->soa = memory_copy(soa->rdatas + 2, notifier->soa_len);
	notifier->soa_ttl = soa->ttl;
	uint32_t serial = dns_soa_serial(notifier->soa, notifier->soa_len);
	if (!notifier->has_announced || serial != notifier->serial) {
		notifier->announced_at_ms = now.boot_ms;
		if (notifier->has_announced) {
			forget_restored(notifier);
		}
		for (size_t i = 0; i < notifier->target_count; i++) {
			notifier->targets[i]->is_proven = false;
		}
	}
	notifier->has_announced = true;
	notifier->serial = serial;
}

void transfer_notifier_announce(struct transfer_notifier *notifier, const struct zone_rrset *soa,
                                enum transfer_notify_reason reason, struct moment now)
{
	enum transfer_lane lane =
	        reason == TRANSFER_NOTIFY_STARTUP ? TRANSFER_LANE_NOTIFY_STARTUP : TRANSFER_LANE_NOTIFY;
	take_soa(notifier, soa, now);
	for (size_t i = 0; i < notifier->target_count; i++) {
		if (reason == TRANSFER_NOTIFY_STARTUP) {
			target_owe_unless_known(notifier->targets[i], lane);
		} else {
			target_owe(notifier->targets[i], lane);
			transfer_notify_hope(notifier->targets[i]->host, now);
		}
	}
	if (reason == TRANSFER_NOTIFY_MANUAL) {
		tell_owner(notifier); /* whoever has acknowledged this very version is told once more */
	}
	transfer_scheduler_run(notifier->scheduler, now);
}

/* The one target at this host; NULL: there is none, or there are several and nobody can tell which it was. */
static struct target *target_at(struct transfer_notifier *notifier, const struct address *host)
{
	struct target *found = NULL;
	for (size_t i = 0; i < notifier->target_count; i++) {
		if (address_same_host(&notifier->targets[i]->address, host)) {
			if (found != NULL) {
				return NULL;
			}
			found = notifier->targets[i];
		}
	}
	return found;
}

static void target_has_newest(struct target *target, struct moment now)
{
	target->is_proven = true;
	target->proven_at_ms = now.boot_ms;
	if (target->state != TARGET_QUIET) {
		/* What it has need not be told any more. */
		target->serial_notified = target->serial;
		target_acknowledged(target, now);
		target_stop(target);
	}
}

void transfer_notifier_seen(struct transfer_notifier *notifier, const struct address *host, uint32_t serial,
                            struct moment now)
{
	struct target *target = target_at(notifier, host);
	if (target == NULL) {
		return;
	}
	target->has_serial = true;
	target->serial = serial;
	if (notifier->has_announced && !target->is_proven &&
	    dns_serial_compare(serial, notifier->serial) == DNS_SERIAL_EQUAL) {
		target_has_newest(target, now);
	}
	transfer_notify_hope(target->host, now); /* it has just asked us for something */
	transfer_scheduler_run(notifier->scheduler, now);
}

/* ---- status ---- */

size_t transfer_notifier_count(const struct transfer_notifier *notifier)
{
	return notifier->target_count;
}

static uint64_t lag_ms(const struct transfer_notifier *notifier, const struct target *target, struct moment now)
{
	if (!notifier->has_announced) {
		return 0;
	}
	int64_t until_ms = target->is_proven ? target->proven_at_ms : now.boot_ms;
	return until_ms > notifier->announced_at_ms ? (uint64_t)(until_ms - notifier->announced_at_ms) : 0;
}

void transfer_notifier_target(const struct transfer_notifier *notifier, size_t index, struct moment now,
                              struct transfer_target_status *out)
{
	ensure(index < notifier->target_count);
	const struct target *target = notifier->targets[index];
	const struct breaker *breaker = target_breaker(target);
	bool waits_for_host = target->state == TARGET_QUEUED && target->problem == NULL && breaker_is_down(breaker);
	const char *problem = waits_for_host ? breaker->why : target->problem;
	enum cause cause = waits_for_host ? CAUSE_TARGET_UNREACHABLE : target->cause;
	*out = (struct transfer_target_status){
	        .address = target->address,
	        .key_name = target->key == NULL ? NULL : tsig_key_name(target->key),
	        .reach = breaker_reach(breaker, now),
	        .notified = target->was_notified,
	        .pending = target->state != TARGET_QUIET,
	        .acknowledged = target->has_newest,
	        .serial_notified = target->was_notified ? target->serial_notified : target->serial_acknowledged,
	        .notified_at_ms = target->notified_at_ms,
	        .attempts = target->attempts,
	        .problem = problem,
	        .cause = problem == NULL ? CAUSE_NONE : cause,
	        .has_acknowledged = target->has_acknowledged,
	        .serial_acknowledged = target->serial_acknowledged,
	        .acknowledged_at_ms = target->acknowledged_at_ms,
	        .has_serial = target->has_serial,
	        .serial = target->serial,
	        .is_behind = notifier->has_announced && !target->is_proven,
	        .lag_ms = lag_ms(notifier, target, now),
	};
}

void transfer_notifier_debt(const struct transfer_notifier *notifier, size_t index, struct transfer_debt *out)
{
	ensure(index < notifier->target_count);
	const struct target *target = notifier->targets[index];
	*out = (struct transfer_debt){
	        .target = target->address,
	        .acknowledged = target->has_newest,
	        .serial_acknowledged = target->serial_acknowledged,
	        .acknowledged_at_s = target->acknowledged_at_s,
	};
}
