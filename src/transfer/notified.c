/* SPDX-License-Identifier: MIT */
/* What a NOTIFY leads to (RFC 1996 3), and what NOTIFYs may cost. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>

#include "dns/serial.h"

/* What NOTIFYs may cost. Anybody can make up their senders, and each makes us ask a primary, as fast as it answers or
 * refuses, so a zone follows this many at once that find nothing new, and one more each time that so much has passed. What
 * is beyond that is followed later, together. A new version costs nothing, other content under the same serial what finding
 * nothing costs; a round that fails, all. */
#define NOTIFY_FREE_MAX 8
#define NOTIFY_EACH_MS  1000

static int64_t notify_next_ms(const struct transfer_secondary *zone)
{
	return zone->notify_paid_until_ms - (NOTIFY_FREE_MAX - 1) * NOTIFY_EACH_MS;
}

static void notify_pay(struct transfer_secondary *zone, struct moment now)
{
	if (zone->notify_paid_until_ms < now.boot_ms) {
		zone->notify_paid_until_ms = now.boot_ms;
	}
	zone->notify_paid_until_ms += NOTIFY_EACH_MS;
}

/* Sees to it that a round begins at late_notify_ms at the latest. */
static void follow_late_notify(struct transfer_secondary *zone)
{
	if (zone->has_late_notify && !zone->in_round && zone->next_ask_ms > zone->late_notify_ms) {
		zone->next_ask_ms = zone->late_notify_ms;
	}
}

void notified_round_ended(struct transfer_secondary *zone, bool success, struct moment now)
{
	if (!success) {
		zone->notify_paid_until_ms = now.boot_ms + NOTIFY_FREE_MAX * NOTIFY_EACH_MS;
		zone->late_notify_ms = notify_next_ms(zone);
	}
	follow_late_notify(zone);
}

void notified_postpone(struct transfer_secondary *zone, const struct transfer_hint *hint, struct moment now)
{
	struct transfer_hint *late = &zone->late_hint;
	if (!zone->has_late_notify) {
		zone->has_late_notify = true;
		zone->late_notify_ms = notify_next_ms(zone);
		zone->late_hint = *hint;
		notify_pay(zone, now);
	} else if (!hint->has_serial || dns_serial_compare(hint->serial, late->serial) != DNS_SERIAL_OLDER) {
		late->has_serial = late->has_serial && hint->has_serial;
		late->serial = hint->serial;
	}
}

/* Is what the hint promises here, or about to be? */
static bool hint_is_old(const struct transfer_secondary *zone, const struct transfer_hint *hint)
{
	if (!hint->has_serial || takes_any(zone)) {
		return false;
	}
	enum dns_serial_order order = dns_serial_compare(hint->serial, zone->version.serial);
	return order == DNS_SERIAL_EQUAL || order == DNS_SERIAL_OLDER;
}

void notified_reconsider(struct transfer_secondary *zone, struct moment now)
{
	zone->notify_paid_until_ms = now.boot_ms;
	zone->late_notify_ms = now.boot_ms;
	zone->has_late_notify = zone->has_late_notify && !hint_is_old(zone, &zone->late_hint);
}

static void heard_of(struct transfer_primary *primary, const struct transfer_hint *hint, struct moment now)
{
	if (primary->check_state == CHECK_NONE) {
		check_begin(primary);
		return;
	}
	if (primary->check_state != CHECK_QUEUED) {
		primary->ask_again = true;
		primary->again_hint = *hint;
		check_hurry(primary, now);
	}
}

/* Is a question to come of it, beside those that are to be asked anyway? */
static bool notify_costs(const struct transfer_secondary *zone, const struct address *from)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		const struct transfer_primary *primary = zone->primaries[i];
		if (primary->check_state != CHECK_QUEUED || !address_same_host(&primary->address, from)) {
			return true;
		}
	}
	return false;
}

/* What stands in a NOTIFY that is signed is owed; what stands in another one is asked for, and owed if it is confirmed. */
static void note_promise(struct transfer_secondary *zone, const struct transfer_hint *hint, struct moment now)
{
	if (hint->is_proven && hint->has_serial) {
		promise_made_by_notify(zone, hint->serial, now);
	}
}

/* The next round asks all primaries, and the sender too. */
static void notified_late(struct transfer_secondary *zone, const struct address *from, const struct transfer_hint *hint,
                          struct moment now)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (address_same_host(&zone->primaries[i]->address, from)) {
			zone->primaries[i]->left_out_until_ms = 0;
			hope_for(zone->primaries[i], now);
		}
	}
	notified_postpone(zone, hint, now);
	note_promise(zone, hint, now);
	follow_late_notify(zone);
	set_timer(zone);
	transfer_scheduler_run(zone->scheduler, now);
}

void transfer_secondary_notified(struct transfer_secondary *zone, const struct address *from,
                                 const struct transfer_hint *hint, struct moment now)
{
	char text[ADDRESS_TEXT_MAX];
	bool is_known = false;
	if (!zone->has_started) {
		return;
	}
	if (hint_is_old(zone, hint) && !content_may_differ(zone, from, hint)) {
		zone_log(zone, LOG_DEBUG, "NOTIFY from %s: serial %" PRIu32 ", nothing new",
		         address_to_text(from, text), hint->serial);
		return;
	}
	if (notify_costs(zone, from)) {
		if (now.boot_ms < notify_next_ms(zone)) {
			notified_late(zone, from, hint, now);
			return;
		}
		notify_pay(zone, now);
		zone_log(zone, LOG_INFO, "NOTIFY from %s", address_to_text(from, text));
	}
	round_open(zone);
	note_promise(zone, hint, now);
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (address_same_host(&zone->primaries[i]->address, from)) {
			is_known = true;
			hope_for(zone->primaries[i], now);
			heard_of(zone->primaries[i], hint, now);
		}
	}
	if (!is_known) {
		round_ask_all(zone, false, now);
	}
	set_timer(zone);
	transfer_scheduler_run(zone->scheduler, now);
}
