/* SPDX-License-Identifier: MIT */
/* The content beside the serial: what primaries tell of theirs is held against ours (doc/decisions/004-digest.md).
 *
 * A primary that is marked as a Tandem is asked for the digest of what it answers from, and what it says counts where it is
 * known to be its own word. Of the others a version that came by differences is held against its ZONEMD, where it has one.
 * Where the serial is the same and the content is not, that is said, and the whole zone is fetched from there:
 *
 * I6  once for each primary, serial and digest, and where that was in vain not for other digests of that serial either, nor
 *     for a ZONEMD until one from there is right: who lies, or has a zone that never verifies, costs no more than that;
 * I7  not while a primary that stands before it in the list has told our digest: where primaries disagree, the first one holds.
 */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

bool content_is_asked(const struct transfer_primary *primary)
{
	return primary->is_tandem && (primary->key != NULL || address_is_loopback(&primary->address));
}

/* What it told is of the serial that we have, and ours is known. */
static bool is_comparable(const struct transfer_primary *primary)
{
	const struct transfer_secondary *zone = primary->zone;
	return content_is_asked(primary) && primary->has_told && zone->has_version && zone->version.has_digest &&
	       primary->told.serial == zone->version.serial;
}

static bool agrees(const struct transfer_primary *primary)
{
	return is_comparable(primary) && change_digest_equal(primary->told.digest, primary->zone->version.digest);
}

bool content_differs(const struct transfer_primary *primary)
{
	return is_comparable(primary) && !change_digest_equal(primary->told.digest, primary->zone->version.digest);
}

/* I7 */
static bool is_outranked(const struct transfer_primary *primary)
{
	const struct transfer_secondary *zone = primary->zone;
	for (size_t i = 0; i < zone->primary_count && zone->primaries[i] != primary; i++) {
		if (agrees(zone->primaries[i])) {
			return true;
		}
	}
	return false;
}

/* I6 */
static bool is_repaired(const struct transfer_primary *primary)
{
	return primary->has_repaired && primary->repaired.serial == primary->told.serial &&
	       (primary->repair_was_vain || change_digest_equal(primary->repaired.digest, primary->told.digest));
}

bool content_wants_repair(const struct transfer_primary *primary)
{
	return primary->zonemd_repair == ZONEMD_REPAIR_WANTED ||
	       (content_differs(primary) && !is_repaired(primary) && !is_outranked(primary));
}

/* ---- what is said of it ---- */

static const char *what_follows(const struct transfer_primary *primary)
{
	if (is_repaired(primary)) {
		return "its whole zone was fetched and does not say so either; what came is served";
	}
	return is_outranked(primary) ? "a primary before it in the list has ours, which is served"
	                             : "its whole zone is fetched";
}

static void say_digests(const struct transfer_primary *primary, char out[TRANSFER_ALARM_MAX])
{
	char address[ADDRESS_TEXT_MAX];
	char theirs[CHANGE_DIGEST_TEXT_MAX];
	char ours[CHANGE_DIGEST_TEXT_MAX];
	snprintf(out, TRANSFER_ALARM_MAX, "%s tells for serial %" PRIu32 " the digest %s, ours is %s: %s",
	         address_to_text(&primary->address, address), primary->told.serial,
	         change_digest_to_text(primary->told.digest, theirs),
	         change_digest_to_text(primary->zone->version.digest, ours), what_follows(primary));
}

static void say_zonemd(const struct transfer_secondary *zone, char out[TRANSFER_ALARM_MAX])
{
	const struct transfer_primary *source = zone->source;
	bool is_under_way = source != NULL && source->zonemd_repair == ZONEMD_REPAIR_WANTED;
	snprintf(out, TRANSFER_ALARM_MAX, "serial %" PRIu32 ": %s; %s", zone->version.serial, zone->zonemd_problem,
	         is_under_way ? "the whole zone is fetched"
	                      : "the whole zone as it was fetched is no better; it is served");
}

/* What happened is told as long as that version is served, and a day. */
#define HEALED_TOLD_S 86400

void content_forget_healed(struct transfer_secondary *zone, struct moment now)
{
	if (zone->version.serial != zone->healed_serial && now.wall_s - zone->healed_at_s >= HEALED_TOLD_S) {
		zone->healed_cause = CAUSE_NONE;
		zone->healed_at_s = 0;
	}
}

void content_restore_healed(struct transfer_secondary *zone, const struct change_deadlines *timers)
{
	if (timers != NULL && timers->healed_at_s != 0) {
		zone->healed_cause = timers->healed_cause;
		zone->healed_serial = timers->healed_serial;
		zone->healed_at_s = timers->healed_at_s;
		zone->healed_from = timers->healed_from;
	}
}

static void tell(struct transfer_secondary *zone, enum cause cause, const char *alarm, struct moment now)
{
	if (alarm == NULL && zone->alarm != NULL) {
		zone->healed_cause = zone->alarm_cause;
		zone->healed_serial = zone->version.serial;
		zone->healed_at_s = now.wall_s;
		zone->healed_from = zone->source == NULL ? (struct address){0} : zone->source->address;
		zone_log(zone, LOG_NOTICE, "the content of serial %" PRIu32 " is what it should be again",
		         zone->version.serial);
	}
	if (alarm != NULL && (zone->alarm == NULL || strcmp(alarm, zone->alarm) != 0)) {
		zone_log(zone, LOG_ERROR, "%s: %s", cause_name(cause), alarm);
	}
	char *copy = alarm == NULL ? NULL : memory_copy_text(alarm);
	free(zone->alarm);
	zone->alarm = copy;
	zone->alarm_cause = cause;
}

void content_note(struct transfer_secondary *zone, struct moment now)
{
	char text[TRANSFER_ALARM_MAX];
	for (size_t i = 0; i < zone->primary_count; i++) {
		if (content_differs(zone->primaries[i])) {
			say_digests(zone->primaries[i], text);
			tell(zone, CAUSE_CONTENT_DIFFERS, text, now);
			return;
		}
	}
	if (zone->zonemd_problem == NULL) {
		tell(zone, CAUSE_NONE, NULL, now);
		return;
	}
	say_zonemd(zone, text);
	tell(zone, CAUSE_ZONEMD_DIFFERS, text, now);
}

/* ---- events ---- */

void content_told(struct transfer_primary *primary, bool has_told, const struct change_told *told)
{
	primary->has_told = has_told;
	if (has_told) {
		primary->told = *told;
	}
}

/* Its whole zone came, or made no sense. What counts is what it had told before: the transfer may be another server's, behind
 * the same address. */
static void note_repair(const struct fetch *fetch)
{
	struct transfer_primary *primary = fetch->source;
	const struct transfer_version *version = &primary->zone->version;
	if (fetch->has_wanted) {
		primary->has_repaired = true;
		primary->repaired = fetch->wanted;
		primary->repair_was_vain =
		        !version->has_digest || !change_digest_equal(version->digest, fetch->wanted.digest);
	}
	if (primary->zonemd_repair == ZONEMD_REPAIR_WANTED) {
		primary->zonemd_repair = ZONEMD_REPAIR_DONE;
	}
}

void content_failed(const struct fetch *fetch, struct moment now)
{
	struct transfer_primary *primary = fetch->source;
	note_repair(fetch);
	primary->has_offer = primary->has_offer && is_wanted(primary->zone, primary->serial);
	content_note(primary->zone, now);
}

static bool is_to_be_verified(const struct transfer_secondary *zone, const struct fetch *fetch)
{
	return (fetch->counts.is_difference || fetch->repairs || zone->zonemd_problem != NULL) &&
	       (fetch->source == NULL || !is_comparable(fetch->source));
}

void content_published(struct transfer_secondary *zone, const struct fetch *fetch, struct moment now)
{
	struct transfer_primary *source = fetch->source;
	zone->source = source;
	if (source != NULL && fetch->counts.has_told) {
		content_told(source, true, &fetch->counts.told);
	}
	if (source != NULL && fetch->repairs) {
		note_repair(fetch);
	}
	if (source != NULL && content_differs(source)) {
		set_verdict(source, VERDICT_FAILED, CAUSE_CONTENT_DIFFERS, "tells other content for our serial", now);
	}
	for (size_t i = 0; i < zone->primary_count; i++) {
		struct transfer_primary *primary = zone->primaries[i];
		primary->has_offer = primary->has_offer || content_wants_repair(primary);
	}
	content_note(zone, now);
	if (is_to_be_verified(zone, fetch) && zone->owner->verify != NULL) {
		zone->owner->verify(zone->owner);
	}
}

void content_forget(struct transfer_primary *primary)
{
	if (primary->zone->source == primary) {
		primary->zone->source = NULL;
	}
}

static bool is_of_version(const struct transfer_secondary *zone, const struct transfer_version *version)
{
	return zone->has_version && zone->version.serial == version->serial && zone->version.has_digest &&
	       version->has_digest && change_digest_equal(zone->version.digest, version->digest);
}

static void set_zonemd_problem(struct transfer_secondary *zone, const char *why)
{
	char *copy = why == NULL ? NULL : memory_copy_text(why);
	free(zone->zonemd_problem);
	zone->zonemd_problem = copy;
}

void transfer_secondary_verified(struct transfer_secondary *zone, const struct transfer_version *version,
                                 const char *problem, struct moment now)
{
	struct transfer_primary *source = zone->source;
	if (!is_of_version(zone, version)) {
		return; /* something newer is served by now, and verified next */
	}
	set_zonemd_problem(zone, problem);
	if (source != NULL && problem == NULL) {
		source->zonemd_repair = ZONEMD_REPAIR_NONE;
	} else if (source != NULL && source->zonemd_repair == ZONEMD_REPAIR_NONE) {
		source->zonemd_repair = ZONEMD_REPAIR_WANTED;
		source->has_offer = true;
	}
	content_note(zone, now);
	if (zone->told_healed_at_s != zone->healed_at_s && !zone->in_round) {
		deadline_tell(zone, now); /* a round tells it at its end */
	}
	round_go_on(zone, now);
	transfer_scheduler_run(zone->scheduler, now);
}

bool content_may_differ(const struct transfer_secondary *zone, const struct address *from,
                        const struct transfer_hint *hint)
{
	bool is_ours = hint->has_serial && zone->has_version && hint->serial == zone->version.serial;
	for (size_t i = 0; is_ours && i < zone->primary_count; i++) {
		const struct transfer_primary *primary = zone->primaries[i];
		if (content_is_asked(primary) && address_same_host(&primary->address, from)) {
			return true;
		}
	}
	return false;
}
