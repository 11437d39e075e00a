/* SPDX-License-Identifier: MIT */
/* How a commit ends, on the store's thread or, where nothing is stored, on that of the offer: it is published and announced,
 * or given up, and whoever offered it is told. */
#include "publish/commit_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void announce(const struct commit *commit)
{
	struct change_news news = {
	        .zone = commit->line->zone,
	        .owner = commit->line->owner,
	        .snapshot = commit->next.snapshot,
	        .digest = &commit->next.head.content,
	        .origin = commit->origin,
	        .who = commit->who,
	        .result = &commit->result,
	};
	for (struct change_listener *listener = commit->publish->listeners; listener != NULL;
	     listener = listener->next) {
		listener->published(listener, &news);
	}
}

static void commit_free(struct commit *commit)
{
	line_version_drop(&commit->base);
	line_version_drop(&commit->next);
	changeset_unref(commit->set);
	store_write_free(commit->write);
	free(commit->source);
	free(commit->who);
	free(commit);
}

void commit_settle(struct commit *take, const struct change_result *result, const struct error *error)
{
	if (take->settled != NULL) {
		take->settled(take->context, result, error);
	}
	commit_free(take);
}

/* A secondary goes on following with what it has in memory; a primary that has nothing else to serve serves its file to who
 * asks, and hands it on when it is on disk (I6). Both say so. A primary that serves something refuses. */
static bool may_be_volatile(const struct commit *commit, const struct error *error)
{
	return error->code != ERROR_STOPPED && (!commit_is_primary(commit) || commit->base.snapshot == NULL);
}

static void refuse(struct commit *take, const struct error *why)
{
	struct error error = *why;
	if (error.code != ERROR_STOPPED) {
		error_set(&error, ERROR_IO, "serial %u could not be made durable: %s", take->result.serial, why->text);
	}
	line_end_refused(take->line, take->run);
	commit_settle(take, NULL, &error);
}

static void note_volatile(struct commit *commit, const struct error *error)
{
	struct change_result *result = &commit->result;
	result->is_volatile = true;
	snprintf(result->volatile_because, sizeof result->volatile_because, "%.199s", error->text);
	commit->next.is_on_disk = false;
	log_error("zone %s: serial %u is served but not on disk, a restart would forget it%s: %s", commit->zone_text,
	          result->serial, commit_is_primary(commit) ? ", so no secondary is given it" : "", error->text);
}

/* Nothing was written for it: it is on disk if what it continues is, which is served by now. */
static void note_as_before(struct commit *commit)
{
	commit->next.is_on_disk = line_is_on_disk(commit->line);
	if (!commit->next.is_on_disk) {
		commit->result.is_volatile = true;
		strcpy(commit->result.volatile_because, NOT_WRITTEN);
	}
}

bool commit_is_still_wanted(struct store_waiter *self)
{
	const struct commit *commit = (struct commit *)self;
	return line_is_current(commit->line, commit->run);
}

static void ask_for_copy(struct publish_line *line, int64_t now_ms)
{
	const struct publish_copier *copier = line->publish->copier;
	bool is_first;
	if (copier != NULL && line_wants_copy(line, now_ms, &is_first)) {
		copier->wanted(copier, line->owner, is_first);
	}
}

void commit_finish(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct commit *commit = (struct commit *)self;
	struct publish_line *line = commit->line;
	if (!is_durable && !may_be_volatile(commit, error)) {
		refuse(commit, error);
		return;
	}
	if (!is_durable) {
		note_volatile(commit, error);
	} else if (!commit->next.is_on_disk) {
		note_as_before(commit);
	}
	if (commit->writes && is_durable) {
		commit->next.stand = self->stand;
	}
	if (commit->result.outcome == CHANGE_PUBLISHED || !line_serves(line, commit->next.snapshot)) {
		bool is_held_back = commit->result.is_volatile && commit_is_primary(commit);
		enum zone_state before = line_end_published(line, &commit->next, is_held_back);
		commit->result.expiry_lifted = before != ZONE_STATE_SERVED;
		announce(commit);
	} else {
		line_end(line);
	}
	if (commit->writes || !is_durable) {
		line_note_disk(line, commit->next.snapshot, is_durable);
	}
	if (commit->writes && is_durable) {
		line_note_kept(line, &commit->next);
	}
	ask_for_copy(line, commit->now.boot_ms);
	commit_settle(commit, &commit->result, NULL);
}
