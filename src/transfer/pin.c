/* SPDX-License-Identifier: MIT */
/* A zone that is pinned to a primary: primaries that sign for themselves, or make serials for themselves, have other content
 * under each serial, and what differs between two versions of one fits no version of another. Where `pin_s` is set, the zone
 * stays with the primary that its version came from, until a newer version has been known for so long and nothing has come
 * from there. Then the freshest of all is followed, by its whole zone, and is the one that the zone is pinned to.
 *
 * What is needed over a restart is remembered already: from whom the version came and when (with the version), and since when
 * something newer is owed (promise.c). */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdio.h>

/* The pin gives way when this part of `expire` is left, or a zone would expire while a newer version of it could be had. */
#define PIN_EXPIRE_SHARE 4

static bool is_in_list(const struct transfer_secondary *zone, const struct address *address)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (address_equal(&zone->primaries[i]->address, address)) {
			return true;
		}
	}
	return false;
}

/* There is a primary to stay with. */
static bool is_pinned(const struct transfer_secondary *zone)
{
	return zone->config->pin_s > 0 && !takes_any(zone) && is_in_list(zone, &zone->origin.from);
}

/* How long it is stayed with, if nothing newer comes from there; not above 0: no longer. Nothing newer is known: all of the
 * time is left. */
static int64_t left_ms(const struct transfer_secondary *zone, struct moment now)
{
	int64_t since_s = zone->promised_at_s > zone->origin.came_at_s ? zone->promised_at_s : zone->origin.came_at_s;
	since_s = promise_is_owed(zone) ? since_s : now.wall_s;
	int64_t pin_ms = (since_s + zone->config->pin_s - now.wall_s) * 1000;
	int64_t share_ms = (int64_t)clamped_expire_s(zone) * 1000 / PIN_EXPIRE_SHARE;
	int64_t expire_ms = zone->expire_at_ms - share_ms - now.boot_ms;
	return pin_ms < expire_ms ? pin_ms : expire_ms;
}

/* The version came from there. */
static bool is_source(const struct transfer_primary *primary)
{
	return address_equal(&primary->zone->origin.from, &primary->address);
}

bool pin_is_here(const struct transfer_primary *primary)
{
	return is_pinned(primary->zone) && is_source(primary);
}

static bool is_elsewhere(const struct transfer_primary *primary)
{
	return is_pinned(primary->zone) && !is_source(primary);
}

bool pin_forbids(const struct transfer_primary *primary, struct moment now)
{
	return is_elsewhere(primary) && left_ms(primary->zone, now) > 0;
}

bool pin_waits_for_all(const struct transfer_primary *primary)
{
	return primary->zone->config->pin_s > 0 && (takes_any(primary->zone) || !is_source(primary));
}

bool pin_wants_whole(const struct transfer_primary *primary)
{
	return primary->zone->config->pin_s > 0 && !is_source(primary);
}

/* The first of those whose version is not taken; NULL: there is none. */
static const struct transfer_primary *first_forbidden(const struct transfer_secondary *zone, struct moment now)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (zone->primaries[i]->has_offer && pin_forbids(zone->primaries[i], now)) {
			return zone->primaries[i];
		}
	}
	return NULL;
}

void pin_note(struct transfer_secondary *zone, struct moment now)
{
	const struct transfer_primary *other = first_forbidden(zone, now);
	char text[TRANSFER_RESULT_MAX];
	char pinned[ADDRESS_TEXT_MAX];
	if (other == NULL) {
		return;
	}
	snprintf(text, sizeof text,
	         "has serial %" PRIu32
	         ", but the zone is pinned to %s, which has not brought it; it is followed in %" PRId64
	         " s if that stays so",
	         other->serial, address_to_text(&zone->origin.from, pinned), (left_ms(zone, now) + 999) / 1000);
	set_problem(zone, &other->address, CAUSE_PRIMARY_PINNED, text);
}

void pin_leave(const struct transfer_primary *primary, struct moment now)
{
	const struct transfer_secondary *zone = primary->zone;
	char pinned[ADDRESS_TEXT_MAX];
	char other[ADDRESS_TEXT_MAX];
	if (is_elsewhere(primary)) {
		zone_log(zone, LOG_WARNING,
		         "%s, which the zone was pinned to, has brought nothing newer for %" PRId64
		         " s: following %s, by its whole zone",
		         address_to_text(&zone->origin.from, pinned), now.wall_s - zone->origin.came_at_s,
		         address_to_text(&primary->address, other));
	}
}

int64_t pin_wait_ms(const struct transfer_secondary *zone, int64_t wait_ms, struct moment now)
{
	if (first_forbidden(zone, now) == NULL) {
		return wait_ms;
	}
	int64_t pin_ms = left_ms(zone, now);
	return pin_ms < wait_ms ? pin_ms : wait_ms;
}
