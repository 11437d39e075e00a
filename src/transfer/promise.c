/* SPDX-License-Identifier: MIT */
/* What a zone is owed: the highest serial that a primary has shown to have, or promised by a signed NOTIFY, until a version
 * that is not older is served, or until every primary has said in one round that it has nothing of the kind.
 *
 * While something is owed no round counts as a success, whoever else is up to date, and the primaries are asked again soon,
 * then ever more rarely. It is remembered with the timers as soon as it is made, so that a restart asks at once, whatever
 * ended the server. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "dns/serial.h"

/* The first round after one in which it was not given; doubled with each that follows. */
#define PROMISE_FIRST_MS 5000
/* The owner is told of one so often at most, however fast a primary promises more. */
#define PROMISE_TELL_MS 1000

static bool is_newer(uint32_t serial, uint32_t than)
{
	return dns_serial_compare(serial, than) == DNS_SERIAL_NEWER;
}

bool promise_is_owed(const struct transfer_secondary *zone)
{
	return zone->promised_at_s != 0;
}

static void promise_clear(struct transfer_secondary *zone)
{
	zone->promised_at_s = 0;
	zone->promised_serial = 0;
	zone->promise_rounds = 0;
	zone->promise_is_fresh = false;
}

int64_t promise_tell_ms(const struct transfer_secondary *zone)
{
	return promise_is_owed(zone) && !zone->promise_is_told ? zone->promise_tell_ms : TRANSFER_NEVER;
}

void promise_tell(struct transfer_secondary *zone, struct moment now)
{
	if (promise_tell_ms(zone) <= now.boot_ms) {
		zone->promise_tell_ms = now.boot_ms + PROMISE_TELL_MS;
		deadline_tell(zone, now);
	}
}

void promise_made(struct transfer_secondary *zone, uint32_t serial, struct moment now)
{
	bool is_higher = !promise_is_owed(zone) || is_newer(serial, zone->promised_serial);
	if (!zone->has_version || !is_newer(serial, zone->version.serial) || !is_higher) {
		return;
	}
	zone->promised_at_s = promise_is_owed(zone) ? zone->promised_at_s : now.wall_s;
	zone->promised_serial = serial;
	zone->promise_rounds = 0;
	zone->promise_is_told = false;
	promise_tell(zone, now);
}

void promise_made_by_notify(struct transfer_secondary *zone, uint32_t serial, struct moment now)
{
	promise_made(zone, serial, now);
	zone->promise_is_fresh = promise_is_owed(zone);
}

void promise_served(struct transfer_secondary *zone)
{
	if (promise_is_owed(zone) && !is_newer(zone->promised_serial, zone->version.serial)) {
		promise_clear(zone);
	}
}

void promise_restore(struct transfer_secondary *zone, const struct change_deadlines *timers, struct moment now)
{
	if (timers == NULL || timers->promised_at_s == 0 || !is_newer(timers->promised_serial, zone->version.serial)) {
		return;
	}
	zone->promised_at_s = timers->promised_at_s;
	zone->promised_serial = timers->promised_serial;
	zone->promise_is_told = true;
	zone->next_ask_ms = now.boot_ms;
}

/* Has every primary answered in this round, and with something older? */
static bool is_disproved(const struct transfer_secondary *zone)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		const struct transfer_primary *primary = zone->primaries[i];
		if (!primary->has_answered || !is_newer(zone->promised_serial, primary->serial)) {
			return false;
		}
	}
	return !zone->promise_is_fresh;
}

void promise_end_round(struct transfer_secondary *zone)
{
	if (!promise_is_owed(zone)) {
		return;
	}
	if (is_disproved(zone)) {
		zone_log(zone, LOG_NOTICE,
		         "serial %" PRIu32 " was promised, but every primary says that it is not there",
		         zone->promised_serial);
		promise_clear(zone);
		return;
	}
	zone->promise_rounds++;
	if (zone->problem == NULL) {
		char text[TRANSFER_RESULT_MAX];
		snprintf(text, sizeof text, "serial %" PRIu32 " was promised, and no primary has given it yet",
		         zone->promised_serial);
		set_zone_problem(zone, CAUSE_PROMISE_OPEN, text);
	}
}

int64_t promise_wait_ms(struct transfer_secondary *zone, int64_t wait_ms)
{
	if (!promise_is_owed(zone) || zone->round_is_barred) {
		return wait_ms;
	}
	/* Somebody has confirmed what is served: then there is no hurry but for this. */
	int64_t refresh_ms = (int64_t)clamped_refresh_s(zone) * 1000;
	int64_t most_ms = zone->round_confirmed && refresh_ms > wait_ms ? refresh_ms : wait_ms;
	return backoff_ms(zone, PROMISE_FIRST_MS, zone->promise_rounds, most_ms);
}
