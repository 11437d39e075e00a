/* SPDX-License-Identifier: MIT */
/* What a secondary serves: what came by transfer, or after a restart what had come before; and until when. */
#include "server/writer_internal.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"
#include "server/writer_job_internal.h"

/* From the machine of a secondary. */
static struct zone_job *machine_job_new(struct server_zone *zone, void (*work)(struct zone_job *self))
{
	struct zone_job *job = zone_job_new(zone, work);
	job->is_of_machine = true;
	return job;
}

/* ---- by transfer ---- */

/* What the transfer itself does not see, and so has not told (fetch.c). */
static void log_build(const struct server_zone *zone, const char *who, const struct zone_build_report *build)
{
	if (build->ttls_unified > 0) {
		log_warning("zone %s: %" PRIu64 " RRsets from %s came with several TTLs; the lowest is used",
		            zone->name, build->ttls_unified, who);
	}
}

static void transfer_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	writer_note_disk(zone, result);
	if (result == NULL) {
		follow_refused(zone, offered->generation, error);
	} else {
		/* On the store's thread: nothing newer is served yet. */
		struct change_digest digest;
		bool has_digest = publish_line_digest(zone->line, &digest);
		follow_published(zone, offered->generation, zone_ref(offered->candidate), has_digest ? &digest : NULL);
	}
	if (result != NULL && result->outcome == CHANGE_PUBLISHED && offered->is_exported) {
		writer_export(zone);
	}
	offered_free(offered);
}

static void offer_transferred(struct zone_job *self)
{
	struct server_zone *zone = self->zone;
	struct transfer_in_counts counts = transfer_in_counts(self->transfer);
	struct zone_build_report build = {0};
	struct error error;
	error_clear(&error);
	const struct zone_snapshot *head = publish_line_head(self->zone->line);
	const struct zone_snapshot *candidate = transfer_in_finish(self->transfer, head, &build, &error);
	zone_unref(head);
	self->transfer = NULL;
	if (candidate == NULL) {
		follow_refused(zone, self->generation, &error);
		return;
	}
	log_build(zone, self->who, &build);
	struct server_zone_options options = server_zone_options(zone);
	struct offered *offered = offered_new(zone);
	offered->generation = self->generation;
	offered->candidate = zone_ref(candidate);
	offered->is_exported = options.zone->file != NULL;
	offered->timers = transfer_timers_first(&counts, options.zone->options->expire_min_s,
	                                        options.zone->options->expire_max_s, clock_now());
	offered_pass(offered, &options, CHANGE_FROM_TRANSFER, candidate, self->who,
	             self->forced || atomic_load(&zone->served_from_file), transfer_settled);
	server_zone_options_release(&options);
}

void writer_offer(struct server_zone *zone, struct transfer_in *take, const char *who, bool forced, uint32_t generation)
{
	struct zone_job *job = machine_job_new(zone, offer_transferred);
	job->transfer = take;
	job->who = memory_copy_text(who);
	job->forced = forced;
	job->generation = generation;
	zone_job_add(job);
}

/* ---- from the store ---- */

/* From whom the newest version came. Where nobody wants to know, it is not read. */
static struct transfer_origin origin_of(struct server_zone *zone, const struct store_head *newest)
{
	struct server_zone_options options = server_zone_options(zone);
	struct transfer_origin origin = {.from = {.family = ADDRESS_NONE}};
	struct store_head head;
	struct store_note note;
	struct error error;
	bool is_wanted = options.zone->options->pin_primary_s > 0;
	server_zone_options_release(&options);
	if (is_wanted && store_load_head(zone->server->store, zone->zone->apex, &head, NULL, &note, &error) &&
	    head.serial_published == newest->serial_published && address_from_text(note.who, 0, &origin.from, &error)) {
		origin.came_at_s = note.at_s;
	}
	return origin;
}

static void restore(struct zone_job *self)
{
	struct server_zone *zone = self->zone;
	struct store *store = zone->server->store;
	const uint8_t *apex = zone->zone->apex;
	struct store_head head;
	struct error error;
	const struct change_history *history;
	const struct zone_snapshot *snapshot = store_load_version(store, apex, &head, &history, &error);
	if (snapshot != NULL && head.role != STORE_SECONDARY) {
		/* It was a primary here: what it had says nothing of what its primaries have. */
		zone_unref(snapshot);
		change_history_unref(history);
		snapshot = NULL;
		history = NULL;
		error.code = ERROR_NOT_FOUND;
	}
	if (snapshot == NULL) {
		writer_note_unusable(zone, &error, "it will be transferred anew");
	}
	struct change_deadlines timers = store_load_timers(store, apex);
	if (store_was_killed(store) && timers.refresh_at_s > timers.refreshed_at_s) {
		/* A NOTIFY may have been answered that is not on disk: an unsigned one is owed only when a primary has confirmed
		 * it, a signed one is on disk some milliseconds after its answer, and nobody repeats it (RFC 1996 3.6). That all
		 * zones ask at once is no storm: so many questions are out at a time, and one at a silent primary. */
		timers.refresh_at_s = timers.refreshed_at_s;
	}
	struct transfer_origin origin = snapshot == NULL ? (struct transfer_origin){0} : origin_of(zone, &head);
	follow_restored(zone, snapshot, history, snapshot == NULL ? NULL : &head.content, &origin,
	                snapshot == NULL ? NULL : &timers);
	server_zone_end_loading(zone, snapshot == NULL);
}

void writer_restore(struct server_zone *zone)
{
	zone_job_add(zone_job_new(zone, restore));
}

static void restored_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	if (result == NULL) {
		writer_note_unusable(offered->zone, error, "it will be transferred anew");
	} else {
		follow_restored_served(offered->zone);
	}
	offered_free(offered);
}

static void offer_restored(struct zone_job *self)
{
	struct server_zone_options options = server_zone_options(self->zone);
	const struct zone_snapshot *candidate = self->candidate;
	struct offered *offered = offered_new(self->zone);
	self->candidate = NULL;
	offered->history = self->history;
	self->history = NULL;
	offered_pass(offered, &options, CHANGE_FROM_STORE, candidate, "the data folder", false, restored_settled);
	server_zone_options_release(&options);
}

void writer_offer_restored(struct server_zone *zone, const struct zone_snapshot *take,
                           const struct change_history *take_history)
{
	struct zone_job *job = machine_job_new(zone, offer_restored);
	job->candidate = take;
	job->history = take_history;
	zone_job_add(job);
}

/* ---- until when ---- */

static void timers_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	writer_note_secured(offered->zone, result, error);
	offered_free(offered);
}

static void save_timers(struct zone_job *self)
{
	publish_line_secure(self->zone->line, &self->timers, timers_settled, offered_new(self->zone));
}

void writer_save_timers(struct server_zone *zone, const struct change_deadlines *timers)
{
	struct zone_job *job = machine_job_new(zone, save_timers);
	job->is_saving = true;
	job->timers = *timers;
	zone_job_add(job);
}

static void expire(struct zone_job *self)
{
	publish_line_withdraw(self->zone->line, ZONE_STATE_EXPIRED);
}

void writer_expire(struct server_zone *zone)
{
	zone_job_add(machine_job_new(zone, expire));
}
