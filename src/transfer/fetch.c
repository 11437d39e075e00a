/* SPDX-License-Identifier: MIT */
/* One transfer in of a secondary zone: its turn, its limits, and what follows when it breaks. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "dns/serial.h"
#include "transfer/breaker_internal.h"

#define FETCH_CONNECT_MS 5000
/* A rate is not judged before. */
#define FETCH_RATE_FROM_MS 10000
/* A transfer that broke is tried again after this, doubled with each further failure, at most after `retry`. */
#define FETCH_HELD_FIRST_MS 5000
/* A connection that breaks is no fault of the differences, and they are asked for again; but not without end, since some
 * servers answer what they do not know by closing the connection. */
#define FETCH_IXFR_BREAKS_MAX 3
/* So many connections in a row that gave nothing, for whatever zones, and the primary is left alone for a while. One is too
 * few: some servers answer what they do not like by closing the connection. */
#define FETCH_SILENCES_MAX 3
/* A primary that does not know IXFR is asked for differences again after this. */
#define FETCH_NO_IXFR_MS ((int64_t)86400 * 1000)

enum fetch_state fetch_state(const struct transfer_secondary *zone)
{
	return zone->fetch == NULL ? FETCH_NONE : zone->fetch->state;
}

static enum transfer_tried tried_of(const struct fetch *fetch)
{
	return fetch->asks_differences ? TRANSFER_TRIED_IXFR : TRANSFER_TRIED_AXFR;
}

/* What is asked for, and with what is known by now. */
static void fetch_decide(struct fetch *fetch, struct moment now)
{
	const struct transfer_secondary *zone = fetch->zone;
	fetch->repairs = !is_wanted(zone, fetch->source->serial) && content_wants_repair(fetch->source);
	fetch->has_wanted = fetch->repairs && content_differs(fetch->source);
	fetch->wanted = fetch->source->told;
	fetch->asks_differences = !takes_any(zone) && !fetch->repairs && !fetch->wants_whole &&
	                          !pin_wants_whole(fetch->source) && !fetch->source->whole_next &&
	                          fetch->source->no_ixfr_until_ms <= now.boot_ms;
	fetch->id = (uint16_t)random_below(transfer_scheduler_random(zone->scheduler), 0x10000);
	fetch->edns = !fetch->source->no_edns;
	fetch->is_forced = zone->is_forced;
	fetch->has_promise = fetch->source->has_serial;
	fetch->promise = fetch->source->serial;
	fetch->began_ms = now.boot_ms;
	fetch->moved_ms = now.boot_ms;
	fetch->octets = 0;
}

static uint16_t type_of(const struct fetch *fetch)
{
	return fetch->asks_differences ? DNS_TYPE_IXFR : DNS_TYPE_AXFR;
}

static bool asks_digest(const struct fetch *fetch)
{
	return fetch->edns && content_is_asked(fetch->source);
}

static struct transfer_in *in_new(const struct fetch *fetch)
{
	const struct transfer_secondary *zone = fetch->zone;
	struct transfer_in_config config = {
	        .apex = zone->apex,
	        .class = zone->class,
	        .type = type_of(fetch),
	        .id = fetch->id,
	        .asked_at_ms = fetch->began_ms,
	        .has_serial = zone->has_version,
	        .serial = zone->version.serial,
	        .any_serial = takes_any(zone) || fetch->repairs,
	        .asks_digest = asks_digest(fetch),
	        .records_max = zone->config->records_max,
	        .bytes_max = zone->config->bytes_max,
	};
	return transfer_in_new(&config);
}

/* Signed where there is a key; gives how many octets. */
static size_t write_question(struct fetch *fetch, uint8_t bytes[TRANSFER_SIGNED_MAX], struct moment now)
{
	const struct transfer_secondary *zone = fetch->zone;
	struct transfer_question question = {
	        .apex = zone->apex,
	        .class = zone->class,
	        .type = type_of(fetch),
	        .id = fetch->id,
	        .edns = fetch->edns,
	        .asks_digest = asks_digest(fetch),
	        .has_serial = fetch->asks_differences,
	        .serial = zone->version.serial,
	};
	size_t len = transfer_question_write(&question, bytes);
	return transfer_sign(&fetch->tsig, fetch->key, bytes, len, now);
}

static void fetch_send(struct fetch *fetch, struct moment now)
{
	struct transfer_secondary *zone = fetch->zone;
	uint8_t bytes[TRANSFER_SIGNED_MAX];
	struct error error;
	fetch_decide(fetch, now);
	fetch->in = in_new(fetch);
	size_t len = write_question(fetch, bytes, now);
	struct transfer_call_plan plan = {
	        .transport = TRANSFER_TCP,
	        .to = &fetch->from,
	        .source = &zone->config->transfer_source,
	        .timeout_ms = FETCH_CONNECT_MS,
	};
	if (!transfer_call_open(zone->scheduler, &fetch->call, &plan, bytes, len, &error)) {
		fetch_failed(zone, FETCH_FAULT_NETWORK, CAUSE_OWN_NETWORK, error.text, now);
	} else {
		set_timer(zone);
	}
}

/* What status tells of the step from IXFR to AXFR. */
static void note_fallback(struct transfer_primary *primary, enum cause cause, const char *why)
{
	free(primary->ixfr_failure);
	primary->ixfr_failure = why == NULL ? NULL : memory_copy_text(why);
	primary->ixfr_cause = cause;
}

static struct breaker *breaker_of(const struct fetch *fetch)
{
	return transfer_host_breaker(fetch->ticket.host, TRANSFER_LANE_FETCH);
}

static void fetch_granted(struct transfer_ticket *ticket, struct moment now)
{
	struct fetch *fetch = (struct fetch *)((uint8_t *)ticket - offsetof(struct fetch, ticket));
	struct breaker *breaker = breaker_of(fetch);
	char why[TRANSFER_RESULT_MAX];
	if (breaker_reach(breaker, now) == TRANSFER_REACH_DOWN) {
		breaker_text(breaker, why, now);
		fetch_failed(fetch->zone, FETCH_FAULT_NETWORK, CAUSE_PRIMARY_UNREACHABLE, why, now);
		return;
	}
	fetch->state = FETCH_RUNNING;
	note_fallback(fetch->source, CAUSE_NONE, NULL);
	fetch_send(fetch, now);
}

void fetch_cancel(struct transfer_secondary *zone)
{
	struct fetch *fetch = zone->fetch;
	if (fetch != NULL) {
		zone->fetch = NULL;
		transfer_call_close(&fetch->call);
		transfer_ticket_release(zone->scheduler, &fetch->ticket);
		transfer_in_free(fetch->in);
		tsig_end(&fetch->tsig);
		tsig_key_unref(fetch->key);
		free(fetch);
	}
}

void fetch_forget(struct transfer_secondary *zone, const struct transfer_primary *primary)
{
	if (zone->fetch == NULL || zone->fetch->source != primary) {
		return;
	}
	if (zone->fetch->state == FETCH_PUBLISHING) {
		zone->fetch->source = NULL;
	} else {
		fetch_cancel(zone);
	}
}

/* It answered as it should. */
static void learn_of_ixfr(const struct fetch *fetch, struct moment now)
{
	if (fetch->blames_ixfr && fetch->source != NULL) {
		fetch->source->no_ixfr_until_ms = now.boot_ms + FETCH_NO_IXFR_MS;
	}
}

/* Handed over to the owner, whole. */
static void fetch_done(struct fetch *fetch, struct moment now)
{
	const struct transfer_secondary *zone = fetch->zone;
	struct transfer_in *whole = fetch->in;
	char text[ADDRESS_TEXT_MAX];
	fetch->counts = transfer_in_counts(whole);
	learn_of_ixfr(fetch, now);
	fetch->in = NULL;
	fetch->state = FETCH_PUBLISHING;
	char difference[48] = "";
	if (fetch->counts.is_difference) {
		snprintf(difference, sizeof difference, " as what differs from %" PRIu32, zone->version.serial);
	}
	zone_log(zone, LOG_INFO,
	         "transfer of serial %" PRIu32 " from %s%s: %" PRIu64 " records, %" PRIu64 " octets, %" PRIu64
	         " messages in %" PRId64 " ms",
	         fetch->counts.version.serial, address_to_text(&fetch->from, text), difference, fetch->counts.records,
	         fetch->counts.bytes, fetch->counts.messages, now.boot_ms - fetch->began_ms);
	if (fetch->counts.outside > 0) {
		zone_log(zone, LOG_WARNING, "%s sent %" PRIu64 " records outside the zone: dropped", text,
		         fetch->counts.outside);
	}
	if (fetch->counts.ttls_high > 0) {
		zone_log(zone, LOG_WARNING, "%s sent %" PRIu64 " TTLs above 2^31-1: kept as they came", text,
		         fetch->counts.ttls_high);
	}
	zone->owner->received(zone->owner, whole, &fetch->from, fetch->is_forced);
}

/* When the primary may be asked for a transfer again, and for this very version. */
static void hold_back(struct transfer_primary *primary, enum fetch_fault fault, enum cause cause, const char *why,
                      struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	int64_t retry_ms = (int64_t)clamped_retry_s(zone) * 1000;
	free(primary->fetch_failure);
	primary->fetch_failure = memory_copy_text(why);
	primary->fetch_cause = cause;
	primary->fetch_failures++;
	primary->held_until_ms = now.boot_ms + backoff_ms(zone, FETCH_HELD_FIRST_MS, primary->fetch_failures,
	                                                  fault == FETCH_FAULT_SHORT ? backoff_max_ms(zone) : retry_ms);
	if (fault == FETCH_FAULT_CONTENT) {
		primary->has_refused = true;
		primary->refused_serial = primary->serial;
		primary->refused_until_ms =
		        now.boot_ms + backoff_ms(zone, retry_ms, primary->fetch_failures, backoff_max_ms(zone));
	}
}

/* The transfer brought an older version than the SOA answer promised. The promise stands, and is tried again ever more
 * rarely: it may be several servers behind one address, one of them late, or one that lies. */
static void fetch_fell_short(struct transfer_primary *primary, uint32_t brought, struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	char address[ADDRESS_TEXT_MAX];
	char text[TRANSFER_RESULT_MAX];
	snprintf(text, sizeof text, "promises serial %" PRIu32 ", but its transfer brings %" PRIu32, primary->serial,
	         brought);
	hold_back(primary, FETCH_FAULT_SHORT, CAUSE_PRIMARY_BROKE_PROMISE, text, now);
	zone_log(zone, LOG_NOTICE, "%s %s; asked for it again in %" PRId64 " ms",
	         address_to_text(&primary->address, address), text, primary->held_until_ms - now.boot_ms);
	set_verdict(primary, VERDICT_FAILED, CAUSE_PRIMARY_BROKE_PROMISE, text, now);
	set_problem(zone, &primary->address, CAUSE_PRIMARY_BROKE_PROMISE, text);
}

/* What is said after the question went out is for the next transfer. */
static bool had_promised_more(const struct fetch *fetch, uint32_t than)
{
	return fetch->has_promise && dns_serial_compare(fetch->promise, than) == DNS_SERIAL_NEWER;
}

static bool promises_more(const struct transfer_primary *primary, uint32_t than)
{
	return primary->has_serial && dns_serial_compare(primary->serial, than) == DNS_SERIAL_NEWER;
}

static void fetch_up_to_date(struct fetch *fetch, struct moment now)
{
	struct transfer_secondary *zone = fetch->zone;
	struct transfer_primary *primary = fetch->source;
	struct transfer_in_counts counts = transfer_in_counts(fetch->in);
	learn_of_ixfr(fetch, now);
	zone->round_confirmed = true;
	primary->tried = tried_of(fetch);
	if (had_promised_more(fetch, zone->version.serial)) {
		fetch_fell_short(primary, zone->version.serial, now);
	} else if (!promises_more(primary, zone->version.serial)) {
		primary->has_offer = false;
		set_verdict(primary, VERDICT_EQUAL, CAUSE_NONE, NULL, now);
	}
	fetch_cancel(zone);
	deadline_confirm(zone, counts.has_expire, counts.expire_s, counts.asked_at_ms, now);
	round_go_on(zone, now);
}

/* A newer SOA and nothing else: so some say that they have no differences. More may come, but not much later. */
#define FETCH_LONE_SOA_MS 3000

static bool is_lone_soa(const struct fetch *fetch)
{
	struct transfer_in_counts counts = transfer_in_counts(fetch->in);
	return fetch->asks_differences && counts.messages == 1 && counts.records == 1;
}

/* Differences that are no good are no reason to leave this primary: the whole zone from it may be. False: it was that which
 * was asked for. */
static bool fetch_falls_back(struct fetch *fetch, enum cause cause, const char *why, struct moment now)
{
	char text[ADDRESS_TEXT_MAX];
	if (!fetch->asks_differences || fetch->source == NULL) {
		return false;
	}
	zone_log(fetch->zone, LOG_NOTICE,
	         "what differs from serial %" PRIu32 " cannot be had from %s: %s; asking for the whole zone",
	         fetch->zone->version.serial, address_to_text(&fetch->from, text), why);
	note_fallback(fetch->source, cause, why);
	fetch->wants_whole = true;
	fetch->differences_bad = fetch->in == NULL || transfer_in_rcode(fetch->in) == DNS_RCODE_NOERROR;
	fetch->state = FETCH_RUNNING;
	transfer_call_close(&fetch->call);
	transfer_in_free(fetch->in);
	fetch->in = NULL;
	fetch_send(fetch, now);
	return true;
}

static enum cause cause_of_answer(const struct fetch *fetch, enum error_code code)
{
	if (transfer_in_rcode(fetch->in) != DNS_RCODE_NOERROR) {
		return fetch->asks_differences ? CAUSE_IXFR_REFUSED : CAUSE_TRANSFER_REFUSED;
	}
	if (code == ERROR_LIMIT) {
		return CAUSE_TRANSFER_TOO_LARGE;
	}
	if (code == ERROR_STALE) {
		return CAUSE_SERIAL_LOWER;
	}
	return fetch->asks_differences ? CAUSE_IXFR_BAD_CONTENT : CAUSE_TRANSFER_BAD_CONTENT;
}

/* The answer was an error, or is no good. */
static void fetch_answer_failed(struct fetch *fetch, const struct error *error, struct moment now)
{
	enum cause cause = cause_of_answer(fetch, error->code);
	bool is_not_understood = transfer_rcode_blames_edns(transfer_in_rcode(fetch->in));
	fetch->blames_ixfr = fetch->blames_ixfr || (fetch->asks_differences && is_not_understood);
	if (fetch_falls_back(fetch, cause, error->text, now)) {
		return;
	}
	if (fetch->edns && is_not_understood) {
		/* It is EDNS that it does not know (RFC 6891 6.2.2), and perhaps no more than that. */
		fetch->source->no_edns = true;
		fetch->blames_ixfr = false;
		fetch->wants_whole = false;
		transfer_in_free(fetch->in);
		fetch_send(fetch, now);
	} else {
		bool is_rcode = transfer_in_rcode(fetch->in) != DNS_RCODE_NOERROR;
		fetch_failed(fetch->zone, is_rcode ? FETCH_FAULT_RCODE : FETCH_FAULT_CONTENT, cause, error->text, now);
	}
}

/* Takes note of octets that came since the last look, of an unfinished message too. */
static void fetch_look(struct fetch *fetch, struct moment now)
{
	uint64_t octets =
	        transfer_scheduler_received(fetch->zone->scheduler, &fetch->call, transfer_in_counts(fetch->in).bytes);
	if (octets > fetch->octets) {
		fetch->octets = octets;
		fetch->moved_ms = now.boot_ms;
	}
}

/* What cannot be read as a message is left to whoever reads it closer: that proves nothing either. */
static bool is_proven(struct fetch *fetch, const uint8_t *bytes, size_t len, struct moment now, struct error *error)
{
	struct dns_message message;
	return fetch->key == NULL || dns_message_read_frame(bytes, len, &message) != DNS_READ_OK ||
	       transfer_is_proven(&fetch->tsig, fetch->key, &message, now, error);
}

static bool fetch_message(struct transfer_call *call, const uint8_t *bytes, size_t len, struct moment now)
{
	struct fetch *fetch = (struct fetch *)((uint8_t *)call - offsetof(struct fetch, call));
	struct error error;
	breaker_heard(breaker_of(fetch), now);
	if (!is_proven(fetch, bytes, len, now, &error)) {
		transfer_call_close(call);
		fetch_failed(fetch->zone, FETCH_FAULT_NETWORK, transfer_tsig_cause(&fetch->tsig), error.text, now);
		return false;
	}
	enum transfer_in_step step = transfer_in_message(fetch->in, bytes, len, &error);
	if (step == TRANSFER_IN_MORE) {
		fetch_look(fetch, now); /* the timer is not moved each time: it looks again when it expires */
		if (is_lone_soa(fetch)) {
			set_timer(fetch->zone); /* what is waited for then is due sooner */
		}
		return false;
	}
	if (step == TRANSFER_IN_FAILED) {
		transfer_call_close(call); /* more of it may come */
		fetch_answer_failed(fetch, &error, now);
		return false;
	}
	if (!transfer_is_proven_whole(&fetch->tsig, fetch->key, &error)) {
		transfer_call_close(call);
		fetch_failed(fetch->zone, FETCH_FAULT_NETWORK, transfer_tsig_cause(&fetch->tsig), error.text, now);
		return false;
	}
	call->is_open = false;
	if (step == TRANSFER_IN_DONE) {
		fetch_done(fetch, now);
	} else {
		fetch_up_to_date(fetch, now);
	}
	return true;
}

static void fetch_ended(struct transfer_call *call, const char *why, struct moment now)
{
	struct fetch *fetch = (struct fetch *)((uint8_t *)call - offsetof(struct fetch, call));
	char text[TRANSFER_RESULT_MAX];
	struct transfer_in_counts counts = transfer_in_counts(fetch->in);
	if (counts.messages == 0) {
		breaker_silent(breaker_of(fetch), why, FETCH_SILENCES_MAX, BREAKER_MOST_MS, now);
		fetch_failed(fetch->zone, FETCH_FAULT_NETWORK, CAUSE_PRIMARY_UNREACHABLE, why, now);
		return;
	}
	if (is_lone_soa(fetch) &&
	    fetch_falls_back(fetch, CAUSE_IXFR_REFUSED, "it sends a newer SOA and nothing else", now)) {
		return;
	}
	snprintf(text, sizeof text, "the transfer broke off after %" PRIu64 " records: %s", counts.records, why);
	fetch_failed(fetch->zone, FETCH_FAULT_NETWORK, CAUSE_TRANSFER_BROKE_OFF, text, now);
}

void fetch_begin(struct transfer_secondary *zone, struct transfer_primary *primary)
{
	struct fetch *fetch = memory_new(sizeof *fetch);
	ensure(zone->fetch == NULL);
	zone->fetch = fetch;
	fetch->zone = zone;
	fetch->state = FETCH_QUEUED;
	fetch->source = primary;
	fetch->from = primary->address;
	fetch->key = primary->key == NULL ? NULL : tsig_key_ref(primary->key);
	fetch->ticket.granted = fetch_granted;
	fetch->call.message = fetch_message;
	fetch->call.ended = fetch_ended;
	transfer_ticket_request(zone->scheduler, &fetch->ticket, TRANSFER_LANE_FETCH, &primary->address);
}

/* ---- limits ---- */

static int64_t rate_deadline_ms(const struct fetch *fetch)
{
	uint64_t rate = fetch->zone->config->transfer_rate_min;
	if (rate == 0) {
		return TRANSFER_NEVER;
	}
	uint64_t lasts_ms = fetch->octets * 1000 / rate;
	return fetch->began_ms + (int64_t)(lasts_ms < FETCH_RATE_FROM_MS ? FETCH_RATE_FROM_MS : lasts_ms) + 1;
}

int64_t fetch_deadline_ms(const struct transfer_secondary *zone)
{
	const struct fetch *fetch = zone->fetch;
	if (fetch_state(zone) != FETCH_RUNNING) {
		return TRANSFER_NEVER;
	}
	if (is_lone_soa(fetch)) {
		return fetch->moved_ms + FETCH_LONE_SOA_MS;
	}
	int64_t idle_ms = fetch->moved_ms + zone->config->transfer_idle_ms;
	int64_t total_ms = fetch->began_ms + zone->config->transfer_total_ms;
	int64_t rate_ms = rate_deadline_ms(fetch);
	int64_t first_ms = idle_ms < total_ms ? idle_ms : total_ms;
	return first_ms < rate_ms ? first_ms : rate_ms;
}

void fetch_check_time(struct transfer_secondary *zone, struct moment now)
{
	struct fetch *fetch = zone->fetch;
	char text[TRANSFER_RESULT_MAX];
	if (fetch_state(zone) != FETCH_RUNNING) {
		return;
	}
	fetch_look(fetch, now);
	uint64_t records = transfer_in_counts(fetch->in).records;
	if (is_lone_soa(fetch) && now.boot_ms >= fetch->moved_ms + FETCH_LONE_SOA_MS &&
	    fetch_falls_back(fetch, CAUSE_IXFR_REFUSED, "it sends a newer SOA and nothing else", now)) {
		return;
	}
	if (now.boot_ms >= fetch->began_ms + zone->config->transfer_total_ms) {
		snprintf(text, sizeof text, "the transfer took longer than %" PRIu32 " ms (%" PRIu64 " records so far)",
		         zone->config->transfer_total_ms, records);
	} else if (now.boot_ms >= fetch->moved_ms + zone->config->transfer_idle_ms) {
		snprintf(text, sizeof text, "the transfer stood still for %" PRIu32 " ms (after %" PRIu64 " records)",
		         zone->config->transfer_idle_ms, records);
	} else if (now.boot_ms >= rate_deadline_ms(fetch)) {
		snprintf(text, sizeof text,
		         "the transfer is slower than %" PRIu64 " octets per second (%" PRIu64 " octets in %" PRId64
		         " ms)",
		         zone->config->transfer_rate_min, fetch->octets, now.boot_ms - fetch->began_ms);
	} else {
		return;
	}
	fetch_failed(zone, FETCH_FAULT_NETWORK, CAUSE_TRANSFER_TOO_SLOW, text, now);
}

/* ---- ends ---- */

void fetch_failed(struct transfer_secondary *zone, enum fetch_fault fault, enum cause cause, const char *why,
                  struct moment now)
{
	const struct fetch *fetch = zone->fetch;
	struct transfer_primary *primary = fetch->source;
	char text[ADDRESS_TEXT_MAX];
	zone_log(zone, LOG_WARNING, "transfer from %s failed: %s%s", address_to_text(&fetch->from, text), why,
	         zone->has_version && !zone->has_expired ? "; the version that is served stays" : "");
	set_problem(zone, &fetch->from, cause, why);
	if (fault == FETCH_FAULT_LOCAL) {
		/* Another primary's copy would not fit our disk any better. */
		zone->round_is_barred = true;
		zone->round_is_full = true;
	} else if (primary != NULL) {
		primary->ixfr_breaks += fetch->asks_differences && fault == FETCH_FAULT_NETWORK;
		primary->whole_next = fetch->differences_bad || primary->ixfr_breaks >= FETCH_IXFR_BREAKS_MAX;
		primary->tried = tried_of(fetch);
		hold_back(primary, fault, cause, why, now);
		set_verdict(primary, VERDICT_FAILED, cause, why, now);
		/* A forced transfer knows no holding back: once around is enough. */
		primary->has_offer = primary->has_offer && !zone->is_forced;
		if (fetch->repairs && fault == FETCH_FAULT_CONTENT) {
			content_failed(fetch, now);
		}
	}
	fetch_cancel(zone);
	round_go_on(zone, now);
}

void fetch_refused(struct transfer_secondary *zone, enum fetch_fault fault, enum cause cause, const char *why,
                   struct moment now)
{
	if (fault != FETCH_FAULT_CONTENT || !fetch_falls_back(zone->fetch, cause, why, now)) {
		fetch_failed(zone, fault, cause, why, now);
	}
}

static void fetch_succeeded(const struct fetch *fetch, uint32_t serial, struct moment now)
{
	struct transfer_primary *primary = fetch->source;
	primary->fetch_failures = 0;
	free(primary->fetch_failure);
	primary->fetch_failure = NULL;
	primary->held_until_ms = 0;
	primary->has_refused = false;
	primary->whole_next = false;
	primary->ixfr_breaks = 0;
	primary->tried = tried_of(fetch);
	if (had_promised_more(fetch, serial)) {
		fetch_fell_short(primary, serial, now);
		return;
	}
	if (!promises_more(primary, serial)) {
		primary->has_serial = true;
		primary->serial = serial;
		primary->has_offer = false;
	}
	set_verdict(primary, VERDICT_TRANSFERRED, CAUSE_NONE, NULL, now);
}

void fetch_published(struct transfer_secondary *zone, const struct transfer_version *version, struct moment now)
{
	const struct fetch *fetch = zone->fetch;
	bool is_new = !fetch->repairs || version->serial != zone->version.serial;
	zone->version = *version;
	zone->origin = (struct transfer_origin){.from = fetch->from, .came_at_s = now.wall_s};
	zone->has_version = true;
	zone->has_expired = false;
	promise_served(zone);
	zone->empty_failures = 0;
	zone->round_updated = true;
	if (is_new) {
		notified_reconsider(zone, now);
	}
	if (fetch->is_forced) {
		zone->is_forced = false;
	}
	if (fetch->source != NULL) {
		fetch_succeeded(fetch, version->serial, now);
	}
	content_published(zone, fetch, now);
	deadline_restart(zone, &fetch->counts, now);
	fetch_cancel(zone);
	round_go_on(zone, now);
}
