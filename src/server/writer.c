/* SPDX-License-Identifier: MIT */
#include "server/writer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/follow_internal.h"
#include "server/problem_log_internal.h"
#include "server/server_internal.h"
#include "source/source.h"

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
	struct change_deadlines timers;
	const struct change_history *history;           /* owned */
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
	change_history_unref(job->history);
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

/* An offer whose end is told by the store's thread. */
struct offered {
	struct server_zone *zone; /* a reference */
	uint64_t load;            /* of a primary's file */
	char *path;               /* CHANGE_FROM_FILE; owned */
	uint32_t generation;      /* CHANGE_FROM_TRANSFER: of the machine that wants to know */
	struct change_deadlines timers;
	bool is_exported;                      /* to the zone's file, when it is served */
	const struct zone_snapshot *candidate; /* CHANGE_FROM_TRANSFER; a reference */
	uint8_t *source; /* CHANGE_FROM_FILE: which files it was; owned; NULL: too young to be told */
	size_t source_len;
	const struct change_history *history; /* CHANGE_FROM_STORE; a reference */
};

static struct offered *offered_new(struct server_zone *zone)
{
	struct offered *offered = memory_new(sizeof *offered);
	offered->zone = server_zone_ref(zone);
	return offered;
}

static void offered_free(struct offered *take)
{
	server_zone_unref(take->zone);
	zone_unref(take->candidate);
	change_history_unref(take->history);
	free(take->source);
	free(take->path);
	free(take);
}

/* Also when nothing changed: what could not be written before may be on disk now. */
static void note_disk(struct server_zone *zone, const struct change_result *result)
{
	if (result != NULL) {
		server_zone_set_volatile(zone, result->is_volatile ? result->volatile_because : NULL);
	}
}

/* Hands a candidate to the door; `settled` gets `offered`, and frees it. */
static void offer(struct offered *take, const struct server_zone_options *options, enum change_origin origin,
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

static void end_loading(struct server_zone *zone)
{
	pthread_mutex_lock(&zone->lock);
	zone->load_pending = false;
	pthread_mutex_unlock(&zone->lock);
}

static void load_failed(struct server_zone *zone, uint64_t load, const char *path, const struct error *error)
{
	bool is_served = zone_served(zone->zone) != NULL;
	log_error("zone %s: file %s was not taken: %s; %s", zone->name, path, error->text,
	          is_served ? "the version before is served on" : "there is nothing to serve");
	server_zone_note_load(zone);
	server_zone_set_reason(zone, cause_of_file_error(error->code), error->text);
	server_zone_finish_load(zone, load, false, error->text);
}

static void load_done(struct server_zone *zone, uint64_t load, const struct change_result *result)
{
	char text[200];
	server_zone_note_load(zone);
	server_zone_set_reason(zone, CAUSE_NONE, NULL);
	server_zone_finish_load(zone, load, true, describe(result, text, sizeof text));
}

static void load_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	note_disk(zone, result);
	if (result != NULL) {
		load_done(zone, offered->load, result);
	} else {
		atomic_store(&zone->files_known, false);
		load_failed(zone, offered->load, offered->path, error);
	}
	end_loading(zone);
	offered_free(offered);
}

/* Something is served, and it is on disk, as far as anybody knows. */
static bool is_served_and_kept(struct server_zone *zone, uint32_t *serial)
{
	const struct zone_snapshot *served = publish_line_served(zone->line);
	if (served == NULL) {
		return false;
	}
	*serial = zone_serial(served);
	zone_unref(served);
	return !server_zone_is_volatile(zone) && publish_line_is_settled(zone->line);
}

static bool nothing_to_read(struct server_zone *zone, bool always, uint64_t load)
{
	uint32_t serial;
	if (always || !atomic_load(&zone->files_known) || !is_served_and_kept(zone, &serial) ||
	    !zonefile_files_unchanged(&zone->files)) {
		return false;
	}
	char text[100];
	snprintf(text, sizeof text, "serial %u, the file did not change", serial);
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

/* What a version was read from: which files, after what was asked of them. */
#define ASKED_SIZE 4
static uint8_t *source_of(const struct server_zone *zone, const struct conf_zone *options, size_t *len)
{
	struct publish_policy policy = server_zone_policy(options);
	uint8_t asked[ASKED_SIZE] = {(uint8_t)policy.serial, (uint8_t)policy.strict, (uint8_t)policy.check_ns,
	                             (uint8_t)policy.check_mx_srv};
	uint8_t *files = source_files_to_octets(&zone->files, len);
	files = memory_resize(files, *len + sizeof asked, 1);
	memmove(files + sizeof asked, files, *len);
	memcpy(files, asked, sizeof asked);
	*len += sizeof asked;
	return files;
}

/* The files that the stored version was read from, if they and what is asked of them are the same today. */
static bool recall_source(struct server_zone *zone, const struct conf_zone *options)
{
	size_t stored_len;
	size_t len;
	uint8_t *stored = store_load_source(zone->server->store, zone->zone->apex.wire, &stored_len);
	bool is_same = stored != NULL && stored_len > ASKED_SIZE &&
	               source_files_from_octets(stored + ASKED_SIZE, stored_len - ASKED_SIZE, &zone->files) &&
	               strcmp(zone->files.identities[0].path, options->file) == 0 &&
	               zonefile_files_unchanged(&zone->files);
	if (is_same) {
		uint8_t *today = source_of(zone, options, &len);
		is_same = len == stored_len && memcmp(today, stored, len) == 0;
		free(today);
	}
	if (!is_same) {
		zonefile_files_deinit(&zone->files);
	}
	free(stored);
	return is_same;
}

/* What is not there needs no word. */
static void note_unusable(struct server_zone *zone, const struct error *error, const char *then)
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

static void recalled_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	note_disk(zone, result);
	if (result == NULL) {
		note_unusable(zone, error, "the file is to be read");
		atomic_store(&zone->files_known, false);
	}
	if (offered->load != 0 && result != NULL) {
		server_zone_finish_load(zone, offered->load, true, "the file did not change");
	}
	if (offered->load != 0) {
		end_loading(zone);
	}
	if (offered->load != 0 && result == NULL) {
		writer_load_file(zone, true); /* and whoever waits, waits for that */
	}
	offered_free(offered);
}

/* What was served before a restart is served again at once; true: the file says the same, so it need not be read. */
static bool recall_version(struct server_zone *zone, uint64_t load, const struct server_zone_options *options)
{
	struct store *store = zone->server->store;
	const uint8_t *apex = zone->zone->apex.wire;
	const struct change_history *history;
	struct store_head head;
	struct error error;
	const struct zone_snapshot *version = NULL;
	if (store == NULL) {
		return false;
	}
	if (!store_load_head(store, apex, &head, NULL, NULL, &error)) {
		note_unusable(zone, &error, "the file is read");
		return false;
	}
	if (head.role != STORE_PRIMARY) {
		return false;
	}
	version = store_load_version(store, apex, &head, &history, &error);
	if (version == NULL) {
		note_unusable(zone, &error, "the file is read");
		return false;
	}
	bool is_whole = recall_source(zone, options->zone);
	atomic_store(&zone->files_known, is_whole);
	struct offered *offered = offered_new(zone);
	offered->load = is_whole ? load : 0;
	offered->history = history;
	offer(offered, options, CHANGE_FROM_STORE, version, "the data folder", false, recalled_settled);
	return is_whole;
}

static bool is_first_load(struct server_zone *zone)
{
	const struct zone_snapshot *head = publish_line_head(zone->line);
	zone_unref(head);
	bool is_first = !zone->was_loaded && head == NULL && !atomic_load(&zone->was_published);
	zone->was_loaded = true;
	return is_first;
}

static void read_and_offer(struct server_zone *zone, uint64_t load, const struct server_zone_options *options)
{
	struct problem_log problems = problem_log_of(zone->name);
	struct source_report report;
	struct error error;
	const char *path = options->zone->file;
	error_clear(&error);
	const struct zone_snapshot *head = publish_line_head(zone->line);
	const struct zone_snapshot *candidate =
	        source_read_zone_file(path, zone->zone->apex.wire, head, &problems.sink, &zone->files, &report, &error);
	zone_unref(head);
	problem_log_end(&problems);
	if (candidate == NULL) {
		atomic_store(&zone->files_known, false);
		load_failed(zone, load, path, &error);
		end_loading(zone);
		return;
	}
	struct offered *offered = offered_new(zone);
	offered->load = load;
	offered->path = memory_copy_text(path);
	/* Before the offer, which unsays it when it fails. */
	bool is_settled = files_are_settled(&zone->files);
	atomic_store(&zone->files_known, is_settled);
	if (is_settled) {
		offered->source = source_of(zone, options->zone, &offered->source_len);
	}
	offer(offered, options, CHANGE_FROM_FILE, candidate, path, false, load_settled);
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
	struct server_zone *zone = self->zone;
	uint64_t load = begin_load(zone, &always);
	struct server_zone_options options = server_zone_options(zone);
	if (conf_zone_is_secondary(options.zone) || options.zone->file == NULL) {
		server_zone_finish_load(zone, load, false, "the zone has no file that it is read from");
		end_loading(zone);
	} else if (nothing_to_read(zone, always, load)) {
		end_loading(zone);
	} else if (!is_first_load(zone) || !recall_version(zone, load, &options)) {
		read_and_offer(zone, load, &options);
	}
	server_zone_options_release(&options);
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

static void transfer_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	note_disk(zone, result);
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
	log_build(zone, self->who, &counts, &build);
	struct server_zone_options options = server_zone_options(zone);
	struct offered *offered = offered_new(zone);
	offered->generation = self->generation;
	offered->candidate = zone_ref(candidate);
	offered->is_exported = options.zone->file != NULL;
	offered->timers = transfer_timers_first(&counts, options.zone->options->expire_min_s,
	                                        options.zone->options->expire_max_s, clock_now());
	offer(offered, &options, CHANGE_FROM_TRANSFER, candidate, self->who,
	      self->forced || atomic_load(&zone->served_from_file), transfer_settled);
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
	struct server_zone *zone = self->zone;
	struct store *store = zone->server->store;
	const uint8_t *apex = zone->zone->apex.wire;
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
		note_unusable(zone, &error, "it will be transferred anew");
	}
	struct change_deadlines timers = store_load_timers(store, apex);
	if (store_was_killed(store) && timers.refresh_at_s > timers.refreshed_at_s) {
		/* A NOTIFY may have been answered and not followed yet, and its sender does not repeat it (RFC 1996 3.6). */
		timers.refresh_at_s = timers.refreshed_at_s;
	}
	follow_restored(zone, snapshot, history, snapshot == NULL ? NULL : &head.content,
	                snapshot == NULL ? NULL : &timers);
	end_loading(zone);
}

void writer_restore(struct server_zone *zone)
{
	add_job(new_job(zone, restore));
}

static void restored_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	if (result == NULL) {
		note_unusable(offered->zone, error, "it will be transferred anew");
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
	offer(offered, &options, CHANGE_FROM_STORE, candidate, "the data folder", false, restored_settled);
	server_zone_options_release(&options);
}

void writer_offer_restored(struct server_zone *zone, const struct zone_snapshot *take,
                           const struct change_history *take_history)
{
	struct zone_job *job = new_job(zone, offer_restored);
	job->candidate = take;
	job->history = take_history;
	add_job(job);
}

/* What was asked for may have rewritten a version that could not be written before. */
static void note_secured(struct server_zone *zone, const struct change_result *result, const struct error *error)
{
	bool was_volatile = server_zone_is_volatile(zone);
	if (was_volatile) {
		server_zone_set_volatile(zone, result == NULL ? error->text : NULL);
	}
	if (was_volatile && result != NULL) {
		log_notice("zone %s: serial %u is on disk again", zone->name, result->serial);
	}
	if (!was_volatile && result == NULL && error->code != ERROR_NOT_FOUND) {
		log_warning("zone %s: its timers could not be stored: %s", zone->name, error->text);
	}
}

static void timers_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	note_secured(offered->zone, result, error);
	offered_free(offered);
}

static void save_timers(struct zone_job *self)
{
	publish_line_secure(self->zone->line, &self->timers, timers_settled, offered_new(self->zone));
}

void writer_save_timers(struct server_zone *zone, const struct change_deadlines *timers)
{
	struct zone_job *job = new_job(zone, save_timers);
	job->timers = *timers;
	add_job(job);
}

/* Acknowledgements on their way to the disk. */
struct acknowledging {
	struct store_waiter waiter; /* first */
	struct server_zone *zone;   /* a reference */
};

static void acknowledgements_done(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct acknowledging *acknowledging = (struct acknowledging *)self;
	struct server_zone *zone = acknowledging->zone;
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
	struct store_write *write = store_write_new(zone->server->store, zone->zone->apex.wire);
	store_write_acknowledgements(write, self->serial, self->acknowledgements, self->acknowledgement_count);
	store_submit(write, &acknowledging->waiter, STORE_SOON);
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
	publish_line_withdraw(self->zone->line, ZONE_STATE_EXPIRED);
}

void writer_expire(struct server_zone *zone)
{
	add_job(new_job(zone, expire));
}

static void flush_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	char text[200];
	note_secured(zone, result, error);
	if (result != NULL) {
		snprintf(text, sizeof text, "serial %u is on disk", result->serial);
	}
	server_zone_finish(zone, CONTROL_FLUSH, result != NULL, result != NULL ? text : error->text);
	offered_free(offered);
}

static void flush(struct zone_job *self)
{
	publish_line_secure(self->zone->line, NULL, flush_settled, offered_new(self->zone));
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
	add_job(new_job(zone, export_version));
}
