/* SPDX-License-Identifier: MIT */
#include "server/writer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"
#include "source/source.h"

/* Problems of one file that are logged; `tandem check zone` tells all. */
#define PROBLEMS_LOGGED_MAX 20

/* One queued piece of work for a zone. */
struct zone_job {
	struct job job;
	struct server_zone *zone; /* a reference */
	void (*work)(struct zone_job *self);
	bool forced;
	uint32_t generation;                   /* of the machine that wants to know */
	struct transfer_in *transfer;          /* owned */
	const struct zone_snapshot *candidate; /* owned */
	char *who;
	struct transfer_timers timers;
	struct store_acknowledgement *acknowledgements; /* owned */
	size_t acknowledgement_count;
	uint32_t serial;
};

static void save_timers(struct zone_job *self);
static void save_acknowledgements(struct zone_job *self);
static void offer_transferred(struct zone_job *self);
static void offer_restored(struct zone_job *self);
static void expire(struct zone_job *self);
static void flush(struct zone_job *self);

/* From the machine of a secondary that is to be a primary by now: the machine ends only when its thread comes to it, and
 * what it still says must not touch what the file says. */
static bool is_outdated(const struct zone_job *job)
{
	bool is_of_machine = job->work == offer_transferred || job->work == offer_restored || job->work == expire ||
	                     job->work == save_timers;
	return is_of_machine && !server_zone_is_secondary(job->zone);
}

static void run_zone_job(struct job *self)
{
	struct zone_job *job = (struct zone_job *)self;
	struct server_zone *zone = job->zone;
	/* When the server stops, only what would be lost is still done: the rest is read or fetched again. */
	bool is_stopping = atomic_load(&zone->server->stopping);
	bool is_removed = atomic_load(&zone->is_removed);
	bool is_small = job->work == save_timers || job->work == save_acknowledgements || job->work == flush;
	if (is_outdated(job)) {
		log_debug("zone %s: it is a primary now; what its primaries last said is dropped", zone->name);
	} else if (is_small || (!is_stopping && !is_removed)) {
		job->work(job);
	} else {
		server_zone_finish_all(zone, is_removed ? SERVER_ZONE_REMOVED : "the server is stopping");
	}
	transfer_in_free(job->transfer);
	zone_unref(job->candidate);
	server_zone_unref(job->zone);
	free(job->who);
	free(job->acknowledgements);
	free(job);
}

static struct zone_job *new_job(struct server_zone *zone, void (*work)(struct zone_job *self))
{
	struct zone_job *job = memory_new(sizeof *job);
	job->job.run = run_zone_job;
	job->zone = server_zone_ref(zone);
	job->work = work;
	return job;
}

static void add_job(struct zone_job *job)
{
	jobs_add(job->zone->server->jobs, job->zone->lane, &job->job);
}

/* Logs the problems of a version. */
struct problem_log {
	struct zonefile_problem_sink sink;
	const char *zone_text;
	unsigned told;
};

static void log_problem(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct problem_log *problems = (struct problem_log *)self;
	enum log_level level = problem->severity == ZONEFILE_ERROR ? LOG_ERROR : LOG_WARNING;
	struct text line;
	if (++problems->told > PROBLEMS_LOGGED_MAX) {
		return;
	}
	text_init(&line, 2048);
	zonefile_problem_to_text(problem, &line);
	log_write(level, "zone %s: %s", problems->zone_text, text_string(&line));
	text_deinit(&line);
}

static void log_more_problems(const struct problem_log *problems)
{
	if (problems->told > PROBLEMS_LOGGED_MAX) {
		log_warning("zone %s: %u further problems; `tandem check zone` shows all", problems->zone_text,
		            problems->told - PROBLEMS_LOGGED_MAX);
	}
}

static const char *describe(const struct change_result *result, char *out, size_t size)
{
	if (result->outcome == CHANGE_UNCHANGED) {
		snprintf(out, size, "serial %u, nothing changed", result->serial);
	} else if (!result->had_before) {
		snprintf(out, size, "serial %u", result->serial);
	} else {
		snprintf(out, size, "serial %u to %u, %" PRIu64 " records removed, %" PRIu64 " added",
		         result->serial_before, result->serial, result->removed, result->added);
	}
	return out;
}

/* Hands a candidate to the door and tells what came of it. */
static bool offer(struct server_zone *zone, const struct server_zone_options *options, enum change_origin origin,
                  const struct zone_snapshot *candidate, const char *who, bool forced, struct change_result *result,
                  struct error *error)
{
	struct problem_log problems = {.sink = {.tell = log_problem}, .zone_text = zone->name};
	struct publish_policy policy = server_zone_policy(options->zone);
	policy.problems = &problems.sink;
	struct change_offer change = {
	        .origin = origin,
	        .zone = zone->zone,
	        .candidate = candidate,
	        .who = who,
	        .policy = &policy,
	        .forced = forced,
	        .now = clock_now(),
	        .context = zone,
	};
	struct change_sink *sink = publish_sink(zone->server->publish);
	bool done = sink->offer(sink, &change, result, error);
	log_more_problems(&problems);
	if (done) {
		/* Also when nothing changed: what could not be written before may be on disk now. */
		server_zone_set_volatile(zone, result->is_volatile ? result->volatile_because : NULL);
	}
	return done;
}

static void load_failed(struct server_zone *zone, uint64_t load, const char *path, const struct error *error)
{
	bool is_served = zone_served(zone->zone) != NULL;
	log_error("zone %s: file %s was not taken: %s; %s", zone->name, path, error->text,
	          is_served ? "the version before is served on" : "there is nothing to serve");
	server_zone_set_reason(zone, error->text);
	server_zone_finish_load(zone, load, false, error->text);
}

static void load_done(struct server_zone *zone, uint64_t load, const struct change_result *result)
{
	char text[200];
	server_zone_set_reason(zone, NULL);
	server_zone_finish_load(zone, load, true, describe(result, text, sizeof text));
}

static bool nothing_to_read(struct server_zone *zone, bool always, uint64_t load)
{
	if (always || zone->is_volatile || !zone->files_known || zone_served(zone->zone) == NULL ||
	    !zonefile_files_unchanged(&zone->files)) {
		return false;
	}
	char text[100];
	snprintf(text, sizeof text, "serial %u, the file did not change", zone_serial(zone_served(zone->zone)));
	server_zone_finish_load(zone, load, true, text);
	return true;
}

/* A file that was written within the last moments may be written once more without its times or size showing it. */
static bool files_are_settled(const struct zonefile_files *files)
{
	int64_t now_s = clock_now().wall_s;
	for (size_t i = 0; i < files->count; i++) {
		if (files->identities[i].changed.tv_sec + 2 > now_s ||
		    files->identities[i].modified.tv_sec + 2 > now_s) {
			return false;
		}
	}
	return true;
}

static void read_and_offer(struct server_zone *zone, uint64_t load, const struct server_zone_options *options)
{
	struct problem_log problems = {.sink = {.tell = log_problem}, .zone_text = zone->name};
	struct source_report report;
	struct change_result result;
	struct error error;
	const char *path = options->zone->file;
	error_clear(&error);
	const struct zone_snapshot *served = zone_served(zone->zone); /* this thread is its only writer */
	const struct zone_snapshot *candidate = source_read_zone_file(path, zone->zone->apex.wire, served,
	                                                              &problems.sink, &zone->files, &report, &error);
	log_more_problems(&problems);
	if (candidate == NULL || !offer(zone, options, CHANGE_FROM_FILE, candidate, path, false, &result, &error)) {
		zone->files_known = false;
		load_failed(zone, load, path, &error);
		return;
	}
	zone->files_known = files_are_settled(&zone->files);
	load_done(zone, load, &result);
}

static void end_loading(struct server_zone *zone)
{
	pthread_mutex_lock(&zone->lock);
	zone->load_pending = false;
	pthread_mutex_unlock(&zone->lock);
}

/* The load that waited begins: it stands for all who asked so far. Gives its number. */
static uint64_t begin_load(struct server_zone *zone, bool *always)
{
	pthread_mutex_lock(&zone->lock);
	uint64_t load = ++zone->loads_begun;
	*always = zone->load_always;
	zone->load_always = false;
	pthread_mutex_unlock(&zone->lock);
	return load;
}

static void load_file(struct zone_job *self)
{
	bool always;
	uint64_t load = begin_load(self->zone, &always);
	struct server_zone_options options = server_zone_options(self->zone);
	if (conf_zone_is_secondary(options.zone) || options.zone->file == NULL) {
		server_zone_finish_load(self->zone, load, false, "the zone has no file that it is read from");
	} else if (!nothing_to_read(self->zone, always, load)) {
		read_and_offer(self->zone, load, &options);
	}
	server_zone_options_release(&options);
	end_loading(self->zone);
}

void writer_load_file(struct server_zone *zone, bool always)
{
	pthread_mutex_lock(&zone->lock);
	bool is_queued = zone->loads_asked > zone->loads_begun;
	zone->loads_asked += !is_queued;
	zone->load_always = zone->load_always || always;
	pthread_mutex_unlock(&zone->lock);
	if (!is_queued) {
		add_job(new_job(zone, load_file));
	}
}

/* ---- secondaries ---- */

/* `done` is what the offer said. */
static void tell_offer(struct server_zone *zone, uint32_t generation, bool done, const struct error *error)
{
	if (!done) {
		follow_refused(zone, generation, error);
		return;
	}
	struct transfer_version version = transfer_version_of(zone_served(zone->zone));
	follow_published(zone, generation, &version);
}

static void log_build(const struct server_zone *zone, const char *who, const struct transfer_in_counts *counts,
                      const struct zone_build_report *build)
{
	if (counts->outside > 0) {
		log_warning("zone %s: %" PRIu64 " records outside of the zone came from %s and were dropped",
		            zone->name, counts->outside, who);
	}
	if (counts->ttls_high > 0) {
		log_warning("zone %s: %" PRIu64 " records from %s have a TTL above 2^31-1; they are kept as they came",
		            zone->name, counts->ttls_high, who);
	}
	if (build->ttls_unified > 0) {
		log_warning("zone %s: %" PRIu64 " RRsets from %s came with several TTLs; the lowest is used",
		            zone->name, build->ttls_unified, who);
	}
}

static void offer_transferred(struct zone_job *self)
{
	struct server_zone *zone = self->zone;
	struct transfer_in_counts counts = transfer_in_counts(self->transfer);
	struct zone_build_report build = {0};
	struct change_result result;
	struct error error;
	error_clear(&error);
	const struct zone_snapshot *candidate = transfer_in_finish(self->transfer, &build, &error);
	self->transfer = NULL;
	if (candidate == NULL) {
		tell_offer(zone, self->generation, false, &error);
		return;
	}
	log_build(zone, self->who, &counts, &build);
	struct server_zone_options options = server_zone_options(zone);
	bool done = offer(zone, &options, CHANGE_FROM_TRANSFER, candidate, self->who,
	                  self->forced || zone->served_from_file, &result, &error);
	tell_offer(zone, self->generation, done, &error);
	if (done && options.zone->file != NULL && result.outcome == CHANGE_PUBLISHED) {
		writer_export(zone);
	}
	server_zone_options_release(&options);
}

void writer_offer(struct server_zone *zone, struct transfer_in *take, const char *who, bool forced, uint32_t generation)
{
	struct zone_job *job = new_job(zone, offer_transferred);
	job->transfer = take;
	job->who = memory_copy_text(who);
	job->forced = forced;
	job->generation = generation;
	add_job(job);
}

static void restore(struct zone_job *self)
{
	struct store_state state = {0};
	struct error error;
	const struct zone_snapshot *snapshot =
	        store_load_version(self->zone->server->store, self->zone->zone->apex.wire, &state, &error);
	if (snapshot == NULL && error.code != ERROR_NOT_FOUND) {
		log_error("zone %s: the stored version cannot be used: %s; it will be transferred anew",
		          self->zone->name, error.text);
	}
	follow_restored(self->zone, snapshot, snapshot == NULL ? NULL : &state);
	end_loading(self->zone);
}

void writer_restore(struct server_zone *zone)
{
	add_job(new_job(zone, restore));
}

static void offer_restored(struct zone_job *self)
{
	struct change_result result;
	struct error error;
	struct server_zone_options options = server_zone_options(self->zone);
	const struct zone_snapshot *candidate = self->candidate;
	self->candidate = NULL;
	if (!offer(self->zone, &options, CHANGE_FROM_STORE, candidate, "the data folder", false, &result, &error)) {
		log_error("zone %s: the stored version cannot be used: %s", self->zone->name, error.text);
	}
	server_zone_options_release(&options);
}

void writer_offer_restored(struct server_zone *zone, const struct zone_snapshot *take)
{
	struct zone_job *job = new_job(zone, offer_restored);
	job->candidate = take;
	add_job(job);
}

static bool save_state(struct server_zone *zone, const struct transfer_timers *timers,
                       const struct zone_snapshot *snapshot, struct error *error)
{
	struct store_state state;
	const uint8_t *apex = zone->zone->apex.wire;
	if (!store_load_state(zone->server->store, apex, &state, error)) {
		if (snapshot == NULL) {
			/* No version was stored, so there is nothing that the timers would belong to. */
			return error->code == ERROR_NOT_FOUND;
		}
		state = (struct store_state){.role = STORE_SECONDARY};
	}
	if (timers != NULL) {
		state.refreshed_at_s = timers->refreshed_at_s;
		state.refresh_at_s = timers->refresh_at_s;
		state.expire_at_s = timers->expire_at_s;
	}
	if (snapshot == NULL && state.role != STORE_SECONDARY) {
		return true; /* a primary's: what was transferred is not stored yet */
	}
	if (snapshot != NULL) {
		state.has_version = true;
		state.has_records = true;
		state.serial_published = zone_serial(snapshot);
		state.serial_file = zone_serial(snapshot);
		store_content_digest(snapshot, state.content);
	}
	return store_save(zone->server->store, apex, snapshot, &state, error);
}

/* The store has this version, as far as its header tells. */
static bool is_stored(struct server_zone *zone, const struct zone_snapshot *snapshot, struct error *error)
{
	struct store_state state;
	return store_load_state(zone->server->store, zone->zone->apex.wire, &state, error) &&
	       ((state.has_records && state.serial_published == zone_serial(snapshot)) ||
	        error_set(error, ERROR_STALE, "another version is stored"));
}

/* What is served is not on disk: it could not be written, or the file was lost or broken since. */
static void store_again(struct server_zone *zone, const struct zone_snapshot *served, const char *why)
{
	struct error error;
	bool was_volatile = zone->is_volatile;
	if (save_state(zone, &zone->timers, served, &error)) {
		server_zone_set_volatile(zone, NULL);
		log_notice("zone %s: serial %u is on disk again", zone->name, zone_serial(served));
		return;
	}
	server_zone_set_volatile(zone, error.text);
	if (!was_volatile) {
		log_error("zone %s: serial %u is not on disk any more, a restart would forget it: %s; it cannot be "
		          "written: %s",
		          zone->name, zone_serial(served), why, error.text);
	}
}

static void save_timers(struct zone_job *self)
{
	struct error error;
	struct server_zone *zone = self->zone;
	const struct zone_snapshot *served = zone_served(zone->zone);
	zone->timers = self->timers;
	if (served != NULL && (zone->is_volatile || !is_stored(zone, served, &error))) {
		store_again(zone, served, zone->is_volatile ? "" : error.text);
	} else if (!save_state(zone, &self->timers, NULL, &error)) {
		log_warning("zone %s: its timers could not be stored: %s", zone->name, error.text);
	}
}

void writer_save_timers(struct server_zone *zone, const struct transfer_timers *timers)
{
	struct zone_job *job = new_job(zone, save_timers);
	job->timers = *timers;
	add_job(job);
}

static void save_acknowledgements(struct zone_job *self)
{
	struct error error;
	const struct server_zone *zone = self->zone;
	if (!store_save_acknowledgements(zone->server->store, zone->zone->apex.wire, self->serial,
	                                 self->acknowledgements, self->acknowledgement_count, &error) &&
	    error.code != ERROR_NOT_FOUND) {
		log_warning("zone %s: who acknowledged its NOTIFY could not be stored: %s", zone->name, error.text);
	}
}

void writer_save_acknowledgements(struct server_zone *zone, uint32_t serial,
                                  const struct store_acknowledgement *acknowledgements, size_t count)
{
	struct zone_job *job = new_job(zone, save_acknowledgements);
	job->serial = serial;
	job->acknowledgements = memory_copy(acknowledgements, count * sizeof *acknowledgements);
	job->acknowledgement_count = count;
	add_job(job);
}

static void expire(struct zone_job *self)
{
	zone_withdraw(self->zone->zone, ZONE_STATE_EXPIRED);
}

void writer_expire(struct server_zone *zone)
{
	add_job(new_job(zone, expire));
}

static void flush(struct zone_job *self)
{
	struct server_zone *zone = self->zone;
	struct error error;
	char text[200];
	const struct zone_snapshot *served = zone_served(zone->zone);
	bool is_secondary = server_zone_is_secondary(zone);
	if (served == NULL) {
		server_zone_finish(zone, CONTROL_FLUSH, false, "there is no version to store");
		return;
	}
	if (is_secondary && zone->is_volatile && !save_state(zone, &zone->timers, served, &error)) {
		server_zone_finish(zone, CONTROL_FLUSH, false, error.text);
		return;
	}
	if (is_secondary) {
		server_zone_set_volatile(zone, NULL);
	} else if (zone->is_volatile) {
		server_zone_finish(zone, CONTROL_FLUSH, false, "reload the zone to try again");
		return;
	}
	snprintf(text, sizeof text, "serial %u is on disk", zone_serial(served));
	server_zone_finish(zone, CONTROL_FLUSH, true, text);
}

void writer_flush(struct server_zone *zone)
{
	add_job(new_job(zone, flush));
}

static void export_version(struct zone_job *self)
{
	struct error error;
	char text[4200];
	struct server_zone_options options = server_zone_options(self->zone);
	const struct zone_snapshot *served = zone_served(self->zone->zone);
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
	server_zone_finish(self->zone, CONTROL_EXPORT, done, text);
	server_zone_options_release(&options);
}

void writer_export(struct server_zone *zone)
{
	add_job(new_job(zone, export_version));
}
