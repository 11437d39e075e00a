/* SPDX-License-Identifier: MIT */
/* Primaries whose serials are lower than ours: a zone that was set up anew there, or restored from a backup, or a server that
 * lies. Where that is all that any of them has, the operator's `lower-serial` says whether we follow, and after how long. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "dns/serial.h"

/* RFC 1982 3.2: older, or neither older nor newer. */
static bool has_lower(const struct transfer_primary *primary)
{
	enum dns_serial_order order = dns_serial_compare(primary->serial, primary->zone->version.serial);
	return primary->has_answered && (order == DNS_SERIAL_OLDER || order == DNS_SERIAL_INCOMPARABLE);
}

/* Every primary that has answered in this round has a lower serial, and one has. */
static bool all_are_lower(const struct transfer_secondary *zone)
{
	bool any = false;
	for (size_t i = 0; i < zone->primary_count; i++) {
		const struct transfer_primary *primary = zone->primaries[i];
		if (primary->has_answered && !has_lower(primary)) {
			return false;
		}
		any = any || has_lower(primary);
	}
	return any;
}

static int64_t due_at_s(const struct transfer_secondary *zone)
{
	return zone->lower_since_s + zone->config->lower_after_s;
}

static bool is_expected(const struct transfer_secondary *zone)
{
	return zone->lower_since_s != 0 && zone->config->follows_lower;
}

void lower_note(struct transfer_secondary *zone, struct moment now)
{
	if (zone->round_confirmed || zone->round_updated || promise_is_owed(zone) || takes_any(zone)) {
		zone->lower_since_s = 0;
	} else if (all_are_lower(zone) && zone->lower_since_s == 0) {
		zone->lower_since_s = now.wall_s;
	}
}

bool lower_take(struct transfer_secondary *zone, struct moment now)
{
	if (!is_expected(zone) || now.wall_s < due_at_s(zone) || !all_are_lower(zone)) {
		return false;
	}
	zone_log(zone, LOG_WARNING,
	         "the primaries have had nothing but serials lower than our %" PRIu32 " for %" PRId64
	         " s: following them, as `lower-serial` says",
	         zone->version.serial, now.wall_s - zone->lower_since_s);
	zone->is_forced = true;
	zone->lower_since_s = 0;
	for (size_t i = 0; i < zone->primary_count; i++) {
		zone->primaries[i]->has_offer = has_lower(zone->primaries[i]);
	}
	return true;
}

int64_t lower_wait_ms(const struct transfer_secondary *zone, int64_t wait_ms, struct moment now)
{
	int64_t left_ms = is_expected(zone) ? (due_at_s(zone) - now.wall_s) * 1000 : wait_ms;
	return left_ms < wait_ms ? (left_ms > 1000 ? left_ms : 1000) : wait_ms;
}

void lower_say(const struct transfer_secondary *zone, struct moment now, char out[TRANSFER_RESULT_MAX])
{
	uint32_t after_s = zone->config->lower_after_s;
	int64_t left_s = (zone->lower_since_s == 0 ? now.wall_s : zone->lower_since_s) + after_s - now.wall_s;
	if (!zone->config->follows_lower) {
		snprintf(out, TRANSFER_RESULT_MAX, "it is not taken, but by `tandem zone retransfer`");
	} else {
		snprintf(out, TRANSFER_RESULT_MAX, "it is taken if no primary has a newer one for %" PRId64 " s more",
		         left_s > 0 ? left_s : 0);
	}
}
