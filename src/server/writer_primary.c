/* SPDX-License-Identifier: MIT */
/* What a primary serves: its file, or after a restart what was read from it before. */
#include "server/writer_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/problem_log_internal.h"
#include "server/rewrite_internal.h"
#include "server/server_internal.h"
#include "server/writer_job_internal.h"
#include "source/source.h"

/* ---- how a load ends ---- */

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

/* What the disk alone was against is offered again when it takes writes. */
static void note_refusal(struct server_zone *zone, const struct error *error)
{
	if (error->code == ERROR_IO) {
		atomic_store(&zone->file_was_refused, true);
		rewrite_note(zone, false);
	}
}

static void load_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	writer_note_disk(zone, result);
	if (result != NULL) {
		load_done(zone, offered->load, result);
	} else {
		atomic_store(&zone->files_known, false);
		note_refusal(zone, error);
		load_failed(zone, offered->load, offered->path, error);
	}
	server_zone_end_loading(zone, zone_served(zone->zone) == NULL);
	offered_free(offered);
}

/* ---- is there anything to read? ---- */

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
	uint8_t *stored = store_load_source(zone->server->store, zone->zone->apex, &stored_len);
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

/* ---- from the store ---- */

static void recalled_settled(void *context, const struct change_result *result, const struct error *error)
{
	struct offered *offered = context;
	struct server_zone *zone = offered->zone;
	writer_note_disk(zone, result);
	if (result == NULL) {
		writer_note_unusable(zone, error, "the file is to be read");
		atomic_store(&zone->files_known, false);
	}
	if (offered->load != 0 && result != NULL) {
		server_zone_finish_load(zone, offered->load, true, "the file did not change");
	}
	if (offered->load != 0) {
		server_zone_end_loading(zone, zone_served(zone->zone) == NULL);
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
	const uint8_t *apex = zone->zone->apex;
	const struct change_history *history;
	struct store_head head;
	struct error error;
	const struct zone_snapshot *version = NULL;
	if (store == NULL) {
		return false;
	}
	version = store_load_version(store, apex, &head, &history, &error);
	if (version == NULL) {
		writer_note_unusable(zone, &error, "the file is read");
		return false;
	}
	if (head.role != STORE_PRIMARY) { /* it was a secondary here: the file counts */
		zone_unref(version);
		change_history_unref(history);
		return false;
	}
	bool is_whole = recall_source(zone, options->zone);
	atomic_store(&zone->files_known, is_whole);
	struct offered *offered = offered_new(zone);
	offered->load = is_whole ? load : 0;
	offered->history = history;
	offered_pass(offered, options, CHANGE_FROM_STORE, version, "the data folder", false, recalled_settled);
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

/* ---- from the file ---- */

static void read_and_offer(struct server_zone *zone, uint64_t load, const struct server_zone_options *options)
{
	struct problem_log problems = problem_log_of(zone->name);
	struct source_report report;
	struct error error;
	const char *path = options->zone->file;
	error_clear(&error);
	const struct zone_snapshot *head = publish_line_head(zone->line);
	const struct zone_snapshot *candidate =
	        source_read_zone_file(path, zone->zone->apex, head, &problems.sink, &zone->files, &report, &error);
	zone_unref(head);
	problem_log_end(&problems);
	if (candidate == NULL) {
		atomic_store(&zone->files_known, false);
		load_failed(zone, load, path, &error);
		server_zone_end_loading(zone, zone_served(zone->zone) == NULL);
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
	offered_pass(offered, options, CHANGE_FROM_FILE, candidate, path, false, load_settled);
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
		server_zone_end_loading(zone, zone_served(zone->zone) == NULL);
	} else if (nothing_to_read(zone, always, load)) {
		server_zone_end_loading(zone, zone_served(zone->zone) == NULL);
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
		zone_job_add(zone_job_new(zone, load_file));
	}
}
