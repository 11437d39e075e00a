/* SPDX-License-Identifier: MIT */
/* Jobs of zones, offers, and what is the same for primaries and secondaries. */
#include "server/writer_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/announce_internal.h"
#include "server/problem_log_internal.h"
#include "server/rewrite_internal.h"
#include "server/server_internal.h"
#include "server/writer_job_internal.h"
#include "source/source.h"

/* From the machine of a secondary that is to be a primary by now: the machine ends only when its thread comes to it, and
 * what it still says must not touch what the file says. */
static bool is_outdated(const struct zone_job *job)
{
	return job->is_of_machine && !server_zone_is_secondary(job->zone);
}

static void run_zone_job(struct job *self)
{
	struct zone_job *job = (struct zone_job *)self;
	struct server_zone *zone = job->zone;
	/* When the server stops, only what would be lost is still done: the rest is read or fetched again. */
	bool is_stopping = atomic_load(&zone->server->stopping);
	bool is_removed = atomic_load(&zone->is_removed);
	if (is_outdated(job)) {
		log_debug("zone %s: it is a primary now; what its primaries last said is dropped", zone->name);
	} else if (job->is_saving || (!is_stopping && !is_removed)) {
		job->work(job);
	} else {
		server_zone_finish_all(zone, is_removed ? SERVER_ZONE_REMOVED : "the server is stopping");
	}
	transfer_in_free(job->transfer);
	zone_unref(job->candidate);
	change_history_unref(job->history);
	server_zone_unref(job->zone);
	free(job->who);
	free(job->acknowledgements);
	free(job);
}

struct zone_job *zone_job_new(struct server_zone *zone, void (*work)(struct zone_job *self))
{
	struct zone_job *job = memory_new(sizeof *job);
	job->job.run = run_zone_job;
	job->zone = server_zone_ref(zone);
	job->work = work;
	return job;
}

void zone_job_add(struct zone_job *take)
{
	jobs_add(take->zone->server->jobs, take->zone->lane, &take->job);
}

/* ---- offers ---- */

struct offered *offered_new(struct server_zone *zone)
{
	struct offered *offered = memory_new(sizeof *offered);
	offered->zone = server_zone_ref(zone);
	return offered;
}

void offered_free(struct offered *take)
{
	server_zone_unref(take->zone);
	zone_unref(take->candidate);
	change_history_unref(take->history);
	free(take->source);
	free(take->path);
	free(take->why_not_copied);
	free(take);
}

void offered_pass(struct offered *take, const struct server_zone_options *options, enum change_origin origin,
                  const struct zone_snapshot *candidate, const char *who, bool forced,
                  void (*settled)(void *offered, const struct change_result *result, const struct error *error))
{
	struct server_zone *zone = server_zone_ref(take->zone);
	struct problem_log problems = problem_log_direct(zone->name);
	struct publish_policy policy = server_zone_policy(options->zone);
	policy.problems = &problems.sink;
	struct change_offer change = {
	        .origin = origin,
	        .candidate = candidate,
	        .who = who,
	        .policy = &policy,
	        .forced = forced,
	        .now = clock_now(),
	        .deadlines = take->timers,
	        .source = take->source,
	        .source_len = take->source_len,
	        .history = take->history,
	        .settled = settled,
	        .context = take,
	};
	struct change_sink *sink = publish_line_sink(zone->line);
	sink->offer(sink, &change);
	problem_log_end(&problems);
	server_zone_unref(zone);
}

/* ---- how they end ---- */

/* What was held back is on disk by now: those who were not told of it are. */
static void hand_on(struct server_zone *zone)
{
	const struct zone_snapshot *served =
	        atomic_exchange(&zone->is_held_back, false) ? publish_line_served(zone->line) : NULL;
	if (served != NULL) {
		announce_version(zone, served, TRANSFER_NOTIFY_CHANGE);
		zone_unref(served);
	}
}

void writer_note_disk(struct server_zone *zone, const struct change_result *result)
{
	if (result == NULL) {
		return;
	}
	server_zone_set_volatile(zone, result->is_volatile ? result->volatile_because : NULL);
	rewrite_note(zone, !result->is_volatile);
	if (!result->is_volatile) {
		hand_on(zone);
	}
}

void writer_note_secured(struct server_zone *zone, const struct change_result *result, const struct error *error)
{
	bool was_volatile = server_zone_is_volatile(zone);
	if (result != NULL || error->code != ERROR_NOT_FOUND) {
		rewrite_note(zone, result != NULL);
	}
	if (was_volatile) {
		server_zone_set_volatile(zone, result == NULL ? error->text : NULL);
	}
	if (was_volatile && result != NULL) {
		log_notice("zone %s: serial %u is on disk again", zone->name, result->serial);
		hand_on(zone);
	}
	if (!was_volatile && result == NULL && error->code != ERROR_NOT_FOUND) {
		log_warning("zone %s: its timers could not be stored: %s", zone->name, error->text);
	}
}

void writer_note_unusable(struct server_zone *zone, const struct error *error, const char *then)
{
	struct text text;
	if (error->code == ERROR_NOT_FOUND) {
		return;
	}
	text_init(&text, 2 * ERROR_TEXT_MAX);
	text_format(&text, "the stored version cannot be used: %s; %s", error->text, then);
	log_error("zone %s: %s", zone->name, text_string(&text));
	server_zone_set_store_problem(zone, text_string(&text));
	text_deinit(&text);
}

/* ---- acknowledgements ---- */

/* Acknowledgements on their way to the disk. */
struct acknowledging {
	struct store_waiter waiter; /* first */
	struct server_zone *zone;   /* a reference */
};

static void acknowledgements_done(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct acknowledging *acknowledging = (struct acknowledging *)self;
	struct server_zone *zone = acknowledging->zone;
	rewrite_note(zone, is_durable);
	if (!is_durable && !server_zone_is_volatile(zone)) { /* else it was told for the version */
		log_warning("zone %s: who acknowledged its NOTIFY could not be stored: %s", zone->name, error->text);
	}
	server_zone_unref(zone);
	free(acknowledging);
}

static void save_acknowledgements(struct zone_job *self)
{
	struct server_zone *zone = self->zone;
	struct acknowledging *acknowledging = memory_new(sizeof *acknowledging);
	acknowledging->waiter.done = acknowledgements_done;
	acknowledging->zone = server_zone_ref(zone);
	struct store_write *write = store_write_new(zone->server->store, zone->zone->apex);
	store_write_acknowledgements(write, self->serial, self->acknowledgements, self->acknowledgement_count);
	store_submit(write, &acknowledging->waiter, STORE_SOON);
}

void writer_save_acknowledgements(struct server_zone *zone, uint32_t serial,
                                  const struct store_acknowledgement *acknowledgements, size_t count)
{
	struct zone_job *job = zone_job_new(zone, save_acknowledgements);
	job->is_saving = true;
	job->serial = serial;
	job->acknowledgements = memory_copy(acknowledgements, count * sizeof *acknowledgements);
	job->acknowledgement_count = count;
	zone_job_add(job);
}

/* ---- flush, export ---- */

static void flush_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	char text[200];
	writer_note_secured(zone, result, error);
	error = result == NULL ? error : offered->why_not_copied;
	if (error == NULL) {
		snprintf(text, sizeof text, "serial %u is on disk", result->serial);
	}
	server_zone_finish(zone, CONTROL_FLUSH, error == NULL, error == NULL ? text : error->text);
	offered_free(offered);
}

/* Before flush_settled: the store tells in the order in which it was given. */
static void flush_copied(void *context, const struct error *error)
{
	struct offered *offered = context;
	offered->why_not_copied = error == NULL ? NULL : memory_copy(error, sizeof *error);
}

/* A primary's version is on disk without its records at first, which come when nothing else is to be done (copies.c). Whoever
 * orders this wants to start without the zone's file. */
static void flush(struct zone_job *self)
{
	struct server_zone *zone = self->zone;
	struct offered *offered = offered_new(zone);
	if (zone->server->store != NULL) {
		/* What is served is known to be on disk, or not, when all before was told. */
		store_flush(zone->server->store);
		publish_line_copy(zone->line, flush_copied, offered);
	}
	publish_line_secure(zone->line, NULL, flush_settled, offered);
}

void writer_flush(struct server_zone *zone)
{
	struct zone_job *job = zone_job_new(zone, flush);
	job->is_saving = true;
	zone_job_add(job);
}

static void export_version(struct zone_job *self)
{
	struct error error;
	char text[4200];
	struct server_zone_options options = server_zone_options(self->zone);
	const struct zone_snapshot *served = publish_line_served(self->zone->line);
	bool done = false;
	if (!conf_zone_is_secondary(options.zone)) {
		snprintf(text, sizeof text, "the zone is a primary: its file is the operator's and is not written");
	} else if (options.zone->file == NULL) {
		snprintf(text, sizeof text, "the zone has no `file` to export to");
	} else if (served == NULL) {
		snprintf(text, sizeof text, "there is no version to export");
	} else if (!source_write_zone_file(served, options.zone->file, &error)) {
		snprintf(text, sizeof text, "export failed: %s", error.text);
		log_error("zone %s: %s", options.zone->name_text, text);
	} else {
		done = true;
		snprintf(text, sizeof text, "serial %u written to %s", zone_serial(served), options.zone->file);
	}
	zone_unref(served);
	server_zone_finish(self->zone, CONTROL_EXPORT, done, text);
	server_zone_options_release(&options);
}

void writer_export(struct server_zone *zone)
{
	zone_job_add(zone_job_new(zone, export_version));
}
