/* SPDX-License-Identifier: MIT */
/* What people are told about a secondary zone. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/ensure.h"
#include "transfer/breaker_internal.h"

static enum transfer_phase phase_of(const struct transfer_secondary *zone)
{
	switch (fetch_state(zone)) {
	case FETCH_NONE:
		break;
	case FETCH_QUEUED:
		return TRANSFER_PHASE_QUEUED;
	case FETCH_RUNNING:
		return TRANSFER_PHASE_FETCHING;
	case FETCH_PUBLISHING:
		return TRANSFER_PHASE_PUBLISHING;
	}
	return zone->in_round ? TRANSFER_PHASE_CHECKING : TRANSFER_PHASE_IDLE;
}

void transfer_secondary_status(const struct transfer_secondary *zone, struct transfer_secondary_status *out)
{
	*out = (struct transfer_secondary_status){
	        .phase = phase_of(zone),
	        .has_version = zone->has_version,
	        .has_expired = zone->has_expired,
	        .serial = zone->version.serial,
	        .refreshed_at_s = zone->has_version ? zone->refreshed_at_s : 0,
	        .proof_lasts_s = clamped_refresh_s(zone) + clamped_retry_s(zone),
	        .owed_since_s = zone->promised_at_s,
	        .owed_serial = zone->promised_serial,
	        .next_ask_ms = zone->in_round ? TRANSFER_NEVER : zone->next_ask_ms,
	        .expire_at_ms = zone->has_version ? zone->expire_at_ms : TRANSFER_NEVER,
	        .problem = zone->problem,
	        .cause = zone->cause,
	        .alarm = zone->alarm,
	        .alarm_cause = zone->alarm_cause,
	        .healed_cause = zone->healed_cause,
	        .healed_serial = zone->healed_serial,
	        .healed_at_s = zone->healed_at_s,
	        .healed_from = zone->healed_from,
	        .primary_count = zone->primary_count,
	};
	if (zone->fetch != NULL) {
		out->fetching_from = zone->fetch->from;
	}
	if (fetch_state(zone) == FETCH_RUNNING) {
		out->fetched = transfer_in_counts(zone->fetch->in);
	}
}

static void write_result(const struct transfer_primary *primary, struct moment now, char out[TRANSFER_RESULT_MAX])
{
	switch (primary->verdict) {
	case VERDICT_NONE:
		out[0] = '\0';
		return;
	case VERDICT_EQUAL:
		snprintf(out, TRANSFER_RESULT_MAX, "serial %" PRIu32 ", up to date", primary->serial);
		return;
	case VERDICT_NEWER:
		snprintf(out, TRANSFER_RESULT_MAX, "serial %" PRIu32 ", %s", primary->serial,
		         pin_forbids(primary, now) ? "newer; the zone is pinned to another primary"
		                                   : "to be transferred");
		return;
	case VERDICT_OLDER:
		snprintf(out, TRANSFER_RESULT_MAX, "serial %" PRIu32 ", older than ours", primary->serial);
		return;
	case VERDICT_INCOMPARABLE:
		snprintf(out, TRANSFER_RESULT_MAX, "serial %" PRIu32 ", exactly 2^31 from ours", primary->serial);
		return;
	case VERDICT_TRANSFERRED:
		snprintf(out, TRANSFER_RESULT_MAX, "serial %" PRIu32 ", transferred", primary->serial);
		return;
	case VERDICT_FAILED:
		snprintf(out, TRANSFER_RESULT_MAX, "%s", primary->failure);
		return;
	}
	ensure(false);
}

const char *transfer_tried_name(enum transfer_tried tried)
{
	switch (tried) {
	case TRANSFER_TRIED_NOTHING:
		return "";
	case TRANSFER_TRIED_SOA:
		return "SOA";
	case TRANSFER_TRIED_IXFR:
		return "IXFR";
	case TRANSFER_TRIED_AXFR:
		return "AXFR";
	}
	ensure(false);
}

const char *transfer_reach_name(enum transfer_reach reach)
{
	switch (reach) {
	case TRANSFER_REACH_UNKNOWN:
		return "unknown";
	case TRANSFER_REACH_UP:
		return "up";
	case TRANSFER_REACH_DOWN:
		return "down";
	case TRANSFER_REACH_PROBED:
		return "probed";
	}
	ensure(false);
}

void transfer_secondary_primary(const struct transfer_secondary *zone, size_t index, struct moment now,
                                struct transfer_primary_status *out)
{
	ensure(index < zone->primary_count);
	const struct transfer_primary *primary = zone->primaries[index];
	*out = (struct transfer_primary_status){
	        .address = primary->address,
	        .key_name = primary->key == NULL ? NULL : tsig_key_name(primary->key),
	        .reach = breaker_reach(transfer_host_breaker(primary->host, TRANSFER_LANE_QUERY), now),
	        .asked = primary->verdict != VERDICT_NONE,
	        .failed = primary->verdict == VERDICT_FAILED,
	        .has_serial = primary->has_serial,
	        .serial = primary->serial,
	        .at_ms = primary->verdict_at_ms,
	        .tried = primary->tried,
	        .cause = primary->cause,
	        .ixfr_cause = primary->ixfr_cause,
	        .ixfr_failure = primary->ixfr_failure,
	        .held_until_ms = primary->has_offer ? held_back_until_ms(zone, primary) : 0,
	        .is_pinned = pin_is_here(primary),
	};
	write_result(primary, now, out->result);
}
