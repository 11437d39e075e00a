/* SPDX-License-Identifier: MIT */
/* Asking one primary for its SOA (RFC 1034 4.3.5): over UDP with a few attempts, over TCP when the answer is truncated or
 * UDP stays silent. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "dns/serial.h"
#include "transfer/breaker_internal.h"

#define CHECK_ATTEMPTS 3
/* The first attempt waits so long, each further one twice as long. */
#define CHECK_WAIT_MS        1000u
#define CHECK_TCP_CONNECT_MS 5000u
#define CHECK_TCP_TOTAL_MS   10000
/* A question that is younger may still be answered with what the primary has now. */
#define CHECK_HURRY_MS 250

/* Leaving out a primary that fails begins with `retry` and may skip some refreshes. */
static void leave_out(struct transfer_primary *primary, struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	primary->check_failures++;
	primary->left_out_until_ms =
	        now.boot_ms + backoff_ms(zone, first_wait_ms(zone), primary->check_failures, backoff_max_ms(zone));
}

static struct breaker *breaker_of(const struct transfer_primary *primary)
{
	return transfer_host_breaker(primary->host, TRANSFER_LANE_QUERY);
}

/* For how long a host that does not answer is left alone by all zones: for half of what the zone that asked waits till it
 * asks again, at most, so that no zone waits longer for it than its SOA says. */
static int64_t longest_pause_ms(const struct transfer_secondary *zone)
{
	int64_t half_ms = first_wait_ms(zone) / 2;
	return half_ms < BREAKER_MOST_MS ? half_ms : BREAKER_MOST_MS;
}

static void check_clear(struct transfer_primary *primary)
{
	if (primary->check != NULL) {
		transfer_call_close(&primary->check->call);
		tsig_end(&primary->check->tsig);
		free(primary->check);
		primary->check = NULL;
	}
	primary->check_state = CHECK_NONE;
	transfer_ticket_release(primary->zone->scheduler, &primary->ticket);
}

/* The check is over; the next one begins if a NOTIFY asked for it. */
static void check_end(struct transfer_primary *primary, struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	check_clear(primary);
	if (primary->ask_again) {
		primary->ask_again = false;
		check_begin(primary);
	}
	round_go_on(zone, now);
}

/* What is left to do where there is no answer, or a bad one. */
static void check_in_vain(struct transfer_primary *primary, enum cause cause, const char *why, struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	primary->has_offer = false;
	primary->tried = TRANSFER_TRIED_SOA;
	set_verdict(primary, VERDICT_FAILED, cause, why, now);
	set_problem(zone, &primary->address, cause, why);
	if (primary->ask_again) {
		/* Not at once: NOTIFYs in the name of a primary that is silent would keep all others from being asked. */
		primary->ask_again = false;
		notified_postpone(zone, &primary->again_hint, now);
	}
	check_end(primary, now);
}

static void check_failed(struct transfer_primary *primary, enum cause cause, const char *why, struct moment now)
{
	char text[ADDRESS_TEXT_MAX];
	zone_log(primary->zone, LOG_INFO, "SOA question to %s failed: %s", address_to_text(&primary->address, text),
	         why);
	leave_out(primary, now);
	check_in_vain(primary, cause, why, now);
}

/* It did not answer at all, and need not be asked for other zones. */
static void check_silent(struct transfer_primary *primary, const char *why, struct moment now)
{
	char text[ADDRESS_TEXT_MAX];
	struct breaker *breaker = breaker_of(primary);
	if (breaker->down_since_ms == 0) {
		log_write(LOG_NOTICE, "primary %s does not answer: %s; until it does, one zone asks for all",
		          address_to_text(&primary->address, text), why);
	}
	breaker_silent(breaker, why, 1, longest_pause_ms(primary->zone), now);
	check_failed(primary, CAUSE_PRIMARY_UNREACHABLE, why, now);
}

/* It did not answer others: nothing is sent. */
static void check_turned_away(struct transfer_primary *primary, struct moment now)
{
	char why[TRANSFER_RESULT_MAX];
	breaker_text(breaker_of(primary), why, now);
	check_in_vain(primary, CAUSE_PRIMARY_UNREACHABLE, why, now);
}

static struct transfer_question check_question(const struct check *check)
{
	return (struct transfer_question){
	        .apex = check->primary->zone->apex,
	        .class = check->primary->zone->class,
	        .type = DNS_TYPE_SOA,
	        .id = check->id,
	        .edns = check->edns,
	        .asks_digest = check->edns && content_is_asked(check->primary),
	};
}

/* Sends the question with a fresh id. False: it could not be sent, and the check has failed. */
static void check_send(struct transfer_primary *primary, enum transfer_transport transport, struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	struct check *check = primary->check;
	uint8_t bytes[TRANSFER_SIGNED_MAX];
	struct error error;
	primary->check_state = transport == TRANSFER_UDP ? CHECK_UDP : CHECK_TCP;
	check->id = (uint16_t)random_below(transfer_scheduler_random(zone->scheduler), 0x10000);
	check->edns = !primary->no_edns;
	check->sent_at_ms = now.boot_ms;
	struct transfer_question question = check_question(check);
	size_t len = transfer_question_write(&question, bytes);
	len = transfer_sign(&check->tsig, primary->key, bytes, len, now);
	struct transfer_call_plan plan = {
	        .transport = transport,
	        .to = &primary->address,
	        .source = &zone->config->query_source,
	        .timeout_ms = transport == TRANSFER_UDP ? CHECK_WAIT_MS << check->attempt : CHECK_TCP_CONNECT_MS,
	        .total_ms = transport == TRANSFER_UDP ? 0 : CHECK_TCP_TOTAL_MS,
	};
	if (!transfer_call_open(zone->scheduler, &check->call, &plan, bytes, len, &error)) {
		check_failed(primary, CAUSE_OWN_NETWORK, error.text, now);
	}
}

/* It answers, but what it has could not be had from it, and is not tried for again yet. */
static bool is_known_in_vain(struct transfer_primary *primary, struct moment now)
{
	return primary->fetch_failure != NULL && held_back_until_ms(primary->zone, primary) > now.boot_ms;
}

static void tell_lower(const struct transfer_primary *primary, const char *how, struct moment now)
{
	const struct transfer_secondary *zone = primary->zone;
	char address[ADDRESS_TEXT_MAX];
	char what[TRANSFER_RESULT_MAX];
	char text[TRANSFER_RESULT_MAX * 2];
	lower_say(zone, now, what);
	snprintf(text, sizeof text, "has serial %" PRIu32 ", %s our %" PRIu32 "; %s", primary->serial, how,
	         zone->version.serial, what);
	zone_log(zone, LOG_INFO, "%s %s", address_to_text(&primary->address, address), text);
	set_problem(primary->zone, &primary->address, primary->cause, text);
}

/* What the serial of a primary means for us. */
static void judge(struct transfer_primary *primary, const struct transfer_soa_answer *answer, struct moment now)
{
	struct transfer_secondary *zone = primary->zone;
	primary->tried = TRANSFER_TRIED_SOA;
	primary->has_offer = is_wanted(zone, answer->serial) || content_wants_repair(primary);
	if (takes_any(zone)) {
		set_verdict(primary, VERDICT_NEWER, CAUSE_NONE, NULL, now);
		return;
	}
	switch (dns_serial_compare(answer->serial, zone->version.serial)) {
	case DNS_SERIAL_NEWER:
		if (is_known_in_vain(primary, now)) {
			set_verdict(primary, VERDICT_FAILED, primary->fetch_cause, primary->fetch_failure, now);
			set_problem(zone, &primary->address, primary->fetch_cause, primary->fetch_failure);
		} else {
			set_verdict(primary, VERDICT_NEWER, CAUSE_NONE, NULL, now);
		}
		break;
	case DNS_SERIAL_EQUAL:
		set_verdict(primary, VERDICT_EQUAL, CAUSE_NONE, NULL, now);
		zone->round_confirmed = true;
		deadline_confirm(zone, answer->has_expire, answer->expire_s, primary->check->sent_at_ms, now);
		if (content_differs(primary)) {
			set_verdict(primary, VERDICT_FAILED, CAUSE_CONTENT_DIFFERS,
			            "tells other content for our serial", now);
		}
		break;
	case DNS_SERIAL_OLDER:
		set_verdict(primary, VERDICT_OLDER, CAUSE_SERIAL_LOWER, NULL, now);
		tell_lower(primary, "older than", now);
		break;
	case DNS_SERIAL_INCOMPARABLE:
		set_verdict(primary, VERDICT_INCOMPARABLE, CAUSE_SERIAL_INCOMPARABLE, NULL, now);
		tell_lower(primary, "exactly 2^31 from", now); /* neither older nor newer (RFC 1982 3.2) */
		break;
	}
}

/* A NOTIFY that came while the question was out promised this, and the answer has it already. */
static bool fulfils(const struct transfer_hint *hint, uint32_t serial)
{
	if (!hint->has_serial) {
		return false;
	}
	enum dns_serial_order order = dns_serial_compare(serial, hint->serial);
	return order == DNS_SERIAL_EQUAL || order == DNS_SERIAL_NEWER;
}

static void check_answered(struct transfer_primary *primary, const struct transfer_soa_answer *answer,
                           struct moment now)
{
	primary->check_failures = 0;
	primary->left_out_until_ms = 0;
	primary->has_serial = true;
	primary->has_answered = true;
	primary->serial = answer->serial;
	promise_made(primary->zone, answer->serial, now);
	if (primary->ask_again && fulfils(&primary->again_hint, answer->serial)) {
		primary->ask_again = false;
	}
	content_told(primary, answer->has_told, &answer->told);
	judge(primary, answer, now);
	content_note(primary->zone, now);
	check_end(primary, now);
}

/* The answer does not prove who made it. Over UDP that may be anybody, so that it says nothing about the primary; over TCP it
 * says at least what is wrong. */
static void check_unproven(struct transfer_primary *primary, const char *why, struct moment now)
{
	if (primary->check_state == CHECK_UDP) {
		check_send(primary, TRANSFER_TCP, now);
	} else {
		check_failed(primary, transfer_tsig_cause(&primary->check->tsig), why, now);
	}
}

/* Of one that tells no SOA. */
static enum cause cause_of_answer(const struct dns_message *message)
{
	unsigned rcode = dns_message_rcode(message);
	if (rcode == DNS_RCODE_NOERROR) {
		bool is_authority = (message->header.flags & DNS_FLAG_AA) != 0;
		return is_authority ? CAUSE_PRIMARY_BAD_ANSWER : CAUSE_PRIMARY_LACKS_ZONE;
	}
	switch (rcode) {
	case DNS_RCODE_REFUSED:
		return CAUSE_PRIMARY_REFUSED;
	case DNS_RCODE_SERVFAIL:
		return CAUSE_PRIMARY_FAILS;
	case DNS_RCODE_NOTAUTH:
	case DNS_RCODE_NXDOMAIN:
		return CAUSE_PRIMARY_LACKS_ZONE;
	}
	return CAUSE_PRIMARY_BAD_ANSWER;
}

static bool check_message(struct transfer_call *call, const uint8_t *bytes, size_t len, struct moment now)
{
	struct check *check = (struct check *)((uint8_t *)call - offsetof(struct check, call));
	struct transfer_primary *primary = check->primary;
	struct transfer_question question = check_question(check);
	struct transfer_soa_answer answer;
	struct dns_message message;
	struct error error;
	if (!transfer_answer_read(&question, DNS_OPCODE_QUERY, bytes, len, &message)) {
		return false;
	}
	call->is_open = false;
	breaker_heard(breaker_of(primary), now);
	if (!transfer_is_proven(&check->tsig, primary->key, &message, now, &error)) {
		check_unproven(primary, error.text, now);
		return true;
	}
	switch (transfer_soa_read(&question, &message, &answer, &error)) {
	case TRANSFER_SOA_FOUND:
		check_answered(primary, &answer, now);
		break;
	case TRANSFER_SOA_TRUNCATED:
		if (primary->check_state == CHECK_UDP) {
			check_send(primary, TRANSFER_TCP, now);
		} else {
			check_failed(primary, CAUSE_PRIMARY_BAD_ANSWER, "the answer over TCP is truncated", now);
		}
		break;
	case TRANSFER_SOA_NO_EDNS:
		primary->no_edns = true;
		check_send(primary, primary->check_state == CHECK_UDP ? TRANSFER_UDP : TRANSFER_TCP, now);
		break;
	case TRANSFER_SOA_FAILED:
		check_failed(primary, cause_of_answer(&message), error.text, now);
		break;
	}
	return true;
}

static void check_ended(struct transfer_call *call, const char *why, struct moment now)
{
	struct check *check = (struct check *)((uint8_t *)call - offsetof(struct check, call));
	struct transfer_primary *primary = check->primary;
	if (primary->check_state == CHECK_TCP) {
		check_silent(primary, why, now);
		return;
	}
	breaker_doubt(breaker_of(primary));
	if (++check->attempt < CHECK_ATTEMPTS) {
		check_send(primary, TRANSFER_UDP, now);
	} else {
		check_send(primary, TRANSFER_TCP, now);
	}
}

static void check_granted(struct transfer_ticket *ticket, struct moment now)
{
	struct transfer_primary *primary =
	        (struct transfer_primary *)((uint8_t *)ticket - offsetof(struct transfer_primary, ticket));
	if (breaker_reach(breaker_of(primary), now) == TRANSFER_REACH_DOWN) {
		check_turned_away(primary, now);
		return;
	}
	struct check *check = memory_new(sizeof *check);
	check->primary = primary;
	check->call.message = check_message;
	check->call.ended = check_ended;
	primary->check = check;
	primary->no_edns = false; /* it may have learnt; without EDNS we do not hear of its own expiry */
	check_send(primary, TRANSFER_UDP, now);
}

void check_init(struct transfer_primary *primary)
{
	primary->ticket.granted = check_granted;
}

void check_begin(struct transfer_primary *primary)
{
	primary->was_asked = true;
	if (primary->check_state == CHECK_NONE) {
		primary->check_state = CHECK_QUEUED;
		transfer_ticket_request(primary->zone->scheduler, &primary->ticket, TRANSFER_LANE_QUERY,
		                        &primary->address);
	}
}

void check_cancel(struct transfer_primary *primary)
{
	primary->ask_again = false;
	check_clear(primary);
}

void check_hurry(struct transfer_primary *primary, struct moment now)
{
	struct check *check = primary->check;
	if (check != NULL && !check->was_hurried && now.boot_ms - check->sent_at_ms >= CHECK_HURRY_MS) {
		transfer_call_close(&check->call);
		primary->ask_again = false;
		check->attempt = 0;
		check->was_hurried = true;
		check_send(primary, TRANSFER_UDP, now);
	}
}
