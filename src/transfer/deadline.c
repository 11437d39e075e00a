/* SPDX-License-Identifier: MIT */
/* Refresh, retry, expire of a secondary zone (RFC 1034 4.3.5, RFC 1035 3.3.13, RFC 7314).
 *
 * While the process runs, deadlines count on the boot clock, which nobody sets. What is remembered over a restart is wall
 * time, which somebody may have set: a wall clock that went back, or leapt by years, is not believed.
 *
 * What a primary proves, it proved at some time between our question and its answer. All counts from the question: an answer
 * that is long on its way has aged meanwhile, and two secondaries that follow each other would give each other that time
 * again and again, and never expire. */
#include "transfer/secondary_internal.h"

#include "base/ensure.h"

/* A wall clock that is so far ahead was wrong before, or is now. */
#define LEAP_MAX_S ((int64_t)5 * 365 * 86400)
/* A zone without a version is asked for first after this, doubled up to the second. */
#define EMPTY_FIRST_MS 1000
#define EMPTY_MAX_MS   300000
/* What a zone without a version takes for its SOA's timers. */
#define EMPTY_RETRY_S   60
#define EMPTY_REFRESH_S 300
/* What is about to expire is asked for at least this part of `expire` apart, or `retry`. */
#define EXPIRE_SHARE 16
/* A primary is left out, or held back, for at most this many refreshes. */
#define BACKOFF_REFRESHES 4
#define BACKOFF_MAX_MS    ((int64_t)86400 * 1000)

static uint32_t clamp(uint32_t value, uint32_t min, uint32_t max)
{
	return value < min ? min : value > max ? max : value;
}

uint32_t clamped_refresh_s(const struct transfer_secondary *zone)
{
	uint32_t refresh_s = zone->has_version ? zone->version.refresh_s : EMPTY_REFRESH_S;
	return clamp(refresh_s, zone->config->refresh_min_s, zone->config->refresh_max_s);
}

uint32_t clamped_retry_s(const struct transfer_secondary *zone)
{
	uint32_t retry_s = zone->has_version ? zone->version.retry_s : EMPTY_RETRY_S;
	return clamp(retry_s, zone->config->retry_min_s, zone->config->retry_max_s);
}

uint32_t clamped_expire_s(const struct transfer_secondary *zone)
{
	return clamp(zone->version.expire_s, zone->config->expire_min_s, zone->config->expire_max_s);
}

int64_t first_wait_ms(const struct transfer_secondary *zone)
{
	if (zone->has_version) {
		return (int64_t)clamped_retry_s(zone) * 1000;
	}
	int64_t least_ms = (int64_t)zone->config->retry_min_s * 1000;
	return least_ms > EMPTY_FIRST_MS ? least_ms : EMPTY_FIRST_MS;
}

int64_t with_jitter(struct transfer_secondary *zone, int64_t ms)
{
	uint64_t tenth = (uint64_t)ms / 10;
	int64_t less = (int64_t)random_below(transfer_scheduler_random(zone->scheduler), tenth + 1);
	return ms - less < 1 ? 1 : ms - less;
}

int64_t backoff_ms(struct transfer_secondary *zone, int64_t first_ms, uint32_t failures, int64_t max_ms)
{
	int64_t ms = first_ms;
	for (uint32_t i = 1; i < failures && ms < max_ms; i++) {
		ms *= 2;
	}
	return with_jitter(zone, ms < max_ms ? ms : max_ms);
}

int64_t backoff_max_ms(const struct transfer_secondary *zone)
{
	uint32_t refresh_s = clamped_refresh_s(zone);
	uint32_t retry_s = clamped_retry_s(zone);
	int64_t max_ms = (int64_t)(refresh_s > retry_s ? refresh_s : retry_s) * 1000 * BACKOFF_REFRESHES;
	return max_ms < BACKOFF_MAX_MS ? max_ms : BACKOFF_MAX_MS;
}

/* What a primary says is left of its own timer, bounded by what the SOA says (`most_s`: clamped). A timer that is full, as at
 * a primary that is no secondary, is our own, clamps included. One that runs down is not lengthened: two secondaries that
 * follow each other would never expire. */
static uint32_t granted_s(uint32_t soa_s, uint32_t most_s, bool has_expire, uint32_t expire_s)
{
	bool is_full = !has_expire || expire_s >= soa_s || expire_s >= most_s;
	return is_full ? most_s : expire_s;
}

/* When what was asked for at `asked_at_ms` expires (boot clock). */
static int64_t granted_until_ms(const struct transfer_secondary *zone, bool has_expire, uint32_t expire_s,
                                int64_t asked_at_ms)
{
	uint32_t lasts_s = granted_s(zone->version.expire_s, clamped_expire_s(zone), has_expire, expire_s);
	return asked_at_ms + (int64_t)lasts_s * 1000;
}

/* The wall clock at a time of the boot clock that is over. */
static int64_t wall_s_at(int64_t boot_ms, struct moment now)
{
	return now.wall_s - (now.boot_ms - boot_ms) / 1000;
}

struct change_deadlines transfer_timers_first(const struct transfer_in_counts *counts, uint32_t expire_min_s,
                                              uint32_t expire_max_s, struct moment now)
{
	uint32_t most_s = clamp(counts->version.expire_s, expire_min_s, expire_max_s);
	int64_t asked_at_s = wall_s_at(counts->asked_at_ms, now);
	return (struct change_deadlines){
	        .refreshed_at_s = asked_at_s,
	        .refresh_at_s = now.wall_s,
	        .expire_at_s =
	                asked_at_s + granted_s(counts->version.expire_s, most_s, counts->has_expire, counts->expire_s),
	};
}

void deadline_tell(struct transfer_secondary *zone, struct moment now)
{
	content_forget_healed(zone, now);
	int64_t refresh_ms = zone->in_round ? 0 : zone->next_ask_ms - now.boot_ms;
	struct change_deadlines timers = {
	        .refreshed_at_s = zone->refreshed_at_s,
	        .refresh_at_s = now.wall_s + refresh_ms / 1000,
	        .expire_at_s = now.wall_s + (zone->expire_at_ms - now.boot_ms) / 1000,
	        .promised_at_s = zone->promised_at_s,
	        .promised_serial = zone->promised_serial,
	        .lower_since_s = zone->lower_since_s,
	        .healed_at_s = zone->healed_at_s,
	        .healed_cause = zone->healed_cause,
	        .healed_serial = zone->healed_serial,
	        .healed_from = zone->healed_from,
	};
	zone->told_healed_at_s = zone->healed_at_s;
	zone->promise_is_told = true;
	zone->told_lower_since_s = zone->lower_since_s;
	zone->wall_offset_s = now.wall_s - now.boot_ms / 1000;
	zone->told_refresh_at_s = timers.refresh_at_s;
	zone->owner->timers(zone->owner, &timers, zone->expire_at_ms);
}

bool deadline_is_sooner(const struct transfer_secondary *zone, struct moment now)
{
	int64_t refresh_at_s = now.wall_s + (zone->next_ask_ms - now.boot_ms) / 1000;
	return zone->has_version && !zone->has_expired && refresh_at_s < zone->told_refresh_at_s;
}

/* RFC 7314 4: the option of an SOA answer may lengthen the running timer, never shorten it. */
void deadline_confirm(struct transfer_secondary *zone, bool has_expire, uint32_t expire_s, int64_t asked_at_ms,
                      struct moment now)
{
	int64_t expire_at_ms = granted_until_ms(zone, has_expire, expire_s, asked_at_ms);
	if (expire_at_ms > zone->expire_at_ms) {
		zone->expire_at_ms = expire_at_ms;
	}
	zone->refreshed_at_s = wall_s_at(asked_at_ms, now);
}

/* RFC 7314 4: the option of a transfer takes the place of the SOA's field. */
void deadline_restart(struct transfer_secondary *zone, const struct transfer_in_counts *counts, struct moment now)
{
	zone->expire_at_ms = granted_until_ms(zone, counts->has_expire, counts->expire_s, counts->asked_at_ms);
	zone->refreshed_at_s = wall_s_at(counts->asked_at_ms, now);
}

/* Nothing is known of how old the version is: asked at once, and it does not last for ever. */
static bool restore_nothing(struct transfer_secondary *zone, struct moment now)
{
	zone->expire_at_ms = now.boot_ms + (int64_t)clamped_expire_s(zone) * 1000;
	zone->refreshed_at_s = now.wall_s;
	zone->next_ask_ms = now.boot_ms;
	return true;
}

/* Neither expiry nor renewal: what was left when the version was confirmed is left still. */
static bool restore_disbelieved(struct transfer_secondary *zone, const struct change_deadlines *timers,
                                struct moment now)
{
	int64_t left_s = timers->expire_at_s - timers->refreshed_at_s;
	int64_t most_s = clamped_expire_s(zone);
	left_s = left_s > most_s ? most_s : left_s;
	zone->expire_at_ms = now.boot_ms + left_s * 1000;
	zone->refreshed_at_s = now.wall_s;
	zone->next_ask_ms = now.boot_ms;
	return left_s > 0;
}

bool deadline_restore(struct transfer_secondary *zone, const struct change_deadlines *timers, struct moment now)
{
	if (timers == NULL || timers->expire_at_s == 0) {
		return restore_nothing(zone, now);
	}
	int64_t away_s = now.wall_s - timers->refreshed_at_s;
	if (away_s < 0 || away_s > LEAP_MAX_S) {
		return restore_disbelieved(zone, timers, now);
	}
	int64_t expire_s = timers->expire_at_s - now.wall_s;
	int64_t refresh_s = timers->refresh_at_s - now.wall_s;
	int64_t expire_most_s = clamped_expire_s(zone);
	int64_t refresh_most_s = clamped_refresh_s(zone);
	expire_s = expire_s > expire_most_s ? expire_most_s : expire_s;
	refresh_s = refresh_s > refresh_most_s ? refresh_most_s : refresh_s;
	zone->expire_at_ms = now.boot_ms + expire_s * 1000;
	zone->next_ask_ms = now.boot_ms + (refresh_s > 0 ? refresh_s : 0) * 1000;
	zone->refreshed_at_s = timers->refreshed_at_s;
	zone->lower_since_s = timers->lower_since_s;
	return expire_s > 0;
}

/* The next round comes after half of the time to expiry at the latest, again and again but not without end: so a version is
 * asked for before it expires even where `expire` is shorter than `refresh`, and whoever follows us and takes our EXPIRE
 * for its own is not left with the last second of it. */
static int64_t before_expiry(const struct transfer_secondary *zone, int64_t wait_ms, struct moment now)
{
	if (!zone->has_version || zone->has_expired) {
		return wait_ms;
	}
	int64_t half_ms = (zone->expire_at_ms - now.boot_ms) / 2;
	int64_t retry_ms = (int64_t)clamped_retry_s(zone) * 1000;
	int64_t share_ms = (int64_t)clamped_expire_s(zone) * 1000 / EXPIRE_SHARE;
	int64_t least_ms = retry_ms < share_ms ? retry_ms : share_ms;
	half_ms = half_ms > least_ms ? half_ms : least_ms;
	return wait_ms < half_ms ? wait_ms : half_ms;
}

/* A version that is held back for a shorter time than `retry` is asked for when that is over. */
static int64_t when_held_back(const struct transfer_secondary *zone, int64_t wait_ms, struct moment now)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		const struct transfer_primary *primary = zone->primaries[i];
		int64_t held_ms = primary->held_until_ms - now.boot_ms;
		bool is_refused = primary->has_refused && primary->refused_serial == primary->serial;
		if (primary->has_offer && !is_refused && held_ms > 0 && held_ms < wait_ms) {
			wait_ms = held_ms;
		}
	}
	return wait_ms;
}

void deadline_plan(struct transfer_secondary *zone, bool success, struct moment now)
{
	int64_t wait_ms;
	if (success) {
		wait_ms = with_jitter(zone, (int64_t)clamped_refresh_s(zone) * 1000);
	} else if (zone->has_version) {
		wait_ms = with_jitter(zone, (int64_t)clamped_retry_s(zone) * 1000);
		wait_ms = promise_wait_ms(zone, wait_ms);
		wait_ms = lower_wait_ms(zone, wait_ms, now);
		wait_ms = pin_wait_ms(zone, wait_ms, now);
		wait_ms = when_held_back(zone, wait_ms, now);
	} else {
		int64_t first_ms = first_wait_ms(zone);
		zone->empty_failures++;
		wait_ms = backoff_ms(zone, first_ms, zone->empty_failures,
		                     first_ms > EMPTY_MAX_MS ? first_ms : EMPTY_MAX_MS);
	}
	zone->next_ask_ms = now.boot_ms + before_expiry(zone, wait_ms, now);
}
