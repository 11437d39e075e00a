/* SPDX-License-Identifier: MIT */
/* A secondary's rounds: who is asked, which offer is fetched, when it is over. The diagram stands in secondary_internal.h. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "dns/serial.h"

/* ---- what is wanted ---- */

bool takes_any(const struct transfer_secondary *zone)
{
	return !zone->has_version || zone->has_expired || zone->is_forced;
}

bool is_wanted(const struct transfer_secondary *zone, uint32_t serial)
{
	return takes_any(zone) || dns_serial_compare(serial, zone->version.serial) == DNS_SERIAL_NEWER;
}

/* Where any serial is taken, one that would lead back waits until all primaries had the time to offer better. */
static bool leads_back(const struct transfer_secondary *zone, uint32_t serial)
{
	if (!zone->has_version) {
		return false;
	}
	enum dns_serial_order order = dns_serial_compare(serial, zone->version.serial);
	return order == DNS_SERIAL_OLDER || order == DNS_SERIAL_INCOMPARABLE;
}

int64_t held_back_until_ms(const struct transfer_secondary *zone, const struct transfer_primary *primary)
{
	if (zone->is_forced) {
		return 0;
	}
	bool is_refused = primary->has_refused && primary->refused_serial == primary->serial;
	int64_t refused_until_ms = is_refused ? primary->refused_until_ms : 0;
	return refused_until_ms > primary->held_until_ms ? refused_until_ms : primary->held_until_ms;
}

static bool is_checking(const struct transfer_secondary *zone)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (zone->primaries[i]->check_state != CHECK_NONE) {
			return true;
		}
	}
	return false;
}

/* The newest version that can be fetched now; NULL: there is none. */
static struct transfer_primary *best_offer(struct transfer_secondary *zone, struct moment now)
{
	bool checking = is_checking(zone);
	struct transfer_primary *best = NULL;
	if (zone->round_is_barred) {
		return NULL;
	}
	for (size_t i = 0; i < zone->primary_count; i++) {
		struct transfer_primary *primary = zone->primaries[i];
		primary->has_offer =
		        primary->has_offer && (is_wanted(zone, primary->serial) || content_wants_repair(primary));
		if (!primary->has_offer || held_back_until_ms(zone, primary) > now.boot_ms ||
		    pin_forbids(primary, now) ||
		    (checking && (leads_back(zone, primary->serial) || pin_waits_for_all(primary)))) {
			continue;
		}
		if (best == NULL || dns_serial_compare(primary->serial, best->serial) == DNS_SERIAL_NEWER) {
			best = primary;
		}
	}
	return best;
}

static bool has_offers(const struct transfer_secondary *zone)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (zone->primaries[i]->has_offer) {
			return true;
		}
	}
	return false;
}

/* ---- from its beginning to its end ---- */

void round_open(struct transfer_secondary *zone)
{
	if (zone->in_round) {
		return;
	}
	zone->in_round = true;
	zone->has_late_notify = false;
	zone->round_is_full = false;
	zone->round_is_barred = false;
	zone->round_confirmed = false;
	zone->round_updated = false;
	for (size_t i = 0; i < zone->primary_count; i++) {
		zone->primaries[i]->was_asked = false;
		zone->primaries[i]->has_answered = false;
	}
	zone->promise_is_fresh = false;
}

void round_ask_all(struct transfer_secondary *zone, bool left_out_too, struct moment now)
{
	bool any = false;
	zone->round_is_full = true;
	for (size_t i = 0; i < zone->primary_count; i++) {
		struct transfer_primary *primary = zone->primaries[i];
		if (!primary->was_asked && (left_out_too || primary->left_out_until_ms <= now.boot_ms)) {
			check_begin(primary);
			any = true;
		}
	}
	if (!any && !left_out_too && !is_checking(zone)) {
		round_ask_all(zone, true, now);
	}
}

void round_begin(struct transfer_secondary *zone, bool left_out_too, struct moment now)
{
	round_open(zone);
	round_ask_all(zone, left_out_too, now);
	set_timer(zone);
}

static enum transfer_outcome round_outcome(const struct transfer_secondary *zone)
{
	if (zone->round_updated) {
		return TRANSFER_UPDATED;
	}
	return zone->round_confirmed ? TRANSFER_UP_TO_DATE : TRANSFER_NO_SUCCESS;
}

static void tell_settled(struct transfer_secondary *zone, bool success, struct moment now)
{
	char text[TRANSFER_RESULT_MAX + ADDRESS_TEXT_MAX];
	enum transfer_outcome outcome = success ? round_outcome(zone) : TRANSFER_NO_SUCCESS;
	if (outcome == TRANSFER_NO_SUCCESS) {
		snprintf(text, sizeof text, "%s", zone->problem == NULL ? "no primary answered" : zone->problem);
	} else {
		snprintf(text, sizeof text, "serial %" PRIu32 "%s", zone->version.serial,
		         outcome == TRANSFER_UPDATED ? "" : ", up to date");
	}
	if (zone->owner->settled != NULL) {
		zone->owner->settled(zone->owner, outcome, text, now);
	}
}

static void round_end(struct transfer_secondary *zone, struct moment now)
{
	promise_end_round(zone);
	/* An offer that is left could not be taken: the primaries have something newer than what is served. */
	bool success = round_outcome(zone) != TRANSFER_NO_SUCCESS && !has_offers(zone) && !promise_is_owed(zone) &&
	               !zone->round_is_barred && !zone->is_forced;
	zone->is_forced = false;
	zone->in_round = false;
	deadline_plan(zone, success, now);
	if (success) {
		clear_zone_problem(zone);
	}
	notified_round_ended(zone, success, now);
	if (!success) {
		zone_log(zone, LOG_WARNING, "refresh failed: %s; asking again in %" PRId64 " ms",
		         zone->problem == NULL ? "no primary answered" : zone->problem,
		         zone->next_ask_ms - now.boot_ms);
	}
	bool is_untold = zone->has_version && (zone->told_lower_since_s != zone->lower_since_s ||
	                                       zone->told_healed_at_s != zone->healed_at_s);
	if (zone->round_confirmed || zone->round_updated || is_untold || deadline_is_sooner(zone, now)) {
		deadline_tell(zone, now);
	}
	tell_settled(zone, success, now);
}

void round_go_on(struct transfer_secondary *zone, struct moment now)
{
	if (zone->fetch == NULL) {
		struct transfer_primary *best = best_offer(zone, now);
		if (best != NULL) {
			round_open(zone);
			pin_leave(best, now);
			fetch_begin(zone, best);
		}
	}
	bool is_over = zone->in_round && zone->fetch == NULL && !is_checking(zone);
	if (is_over && !zone->round_is_full && round_outcome(zone) == TRANSFER_NO_SUCCESS) {
		/* Only whoever sent a NOTIFY was asked, in vain: the others are next. */
		round_ask_all(zone, false, now);
		is_over = !is_checking(zone);
	}
	if (is_over) {
		pin_note(zone, now);
		lower_note(zone, now);
	}
	if (is_over && lower_take(zone, now)) {
		fetch_begin(zone, best_offer(zone, now));
	} else if (is_over) {
		round_end(zone, now);
	}
	set_timer(zone);
}
