/* SPDX-License-Identifier: MIT */
/* What is served is written once more where it is not known to be on disk, and its timers with it. */
#include "publish/commit_internal.h"

/* Timers are of the version that is on disk: where the one that was on its way came to nothing, they come to nothing too. */
static bool is_worth_securing(struct store_waiter *self)
{
	const struct commit *commit = (struct commit *)self;
	return commit->writes || (line_is_current(commit->line, commit->run) && line_is_on_disk(commit->line));
}

/* A version that is served on, whatever comes of it. */
static void finish_securing(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct commit *commit = (struct commit *)self;
	struct error why;
	line_end(commit->line);
	if (is_durable && commit->writes) {
		line_note_disk(commit->line, commit->next.snapshot, true);
		commit->next.stand = self->stand;
		line_note_kept(commit->line, &commit->next);
	} else if (!is_worth_securing(self)) {
		error_set(&why, ERROR_IO, "serial %u: %s", commit->result.serial, NOT_WRITTEN);
		is_durable = false;
		error = &why;
	}
	commit_settle(commit, is_durable ? &commit->result : NULL, error);
}

void publish_line_secure(struct publish_line *line, const struct change_deadlines *deadlines,
                         void (*settled)(void *context, const struct change_result *result, const struct error *error),
                         void *context)
{
	struct store *store = line->publish->store;
	struct change_offer offer = {.who = "", .settled = settled, .context = context};
	struct commit *commit = commit_new(line, &offer);
	struct error error;
	line_recall(line);
	commit->waiter = (struct store_waiter){.wanted = is_worth_securing, .done = finish_securing};
	commit->next = line_take_head(line, &commit->run);
	commit->result.outcome = CHANGE_UNCHANGED;
	if (store == NULL || !commit->next.has_head) {
		error_set(&error, ERROR_NOT_FOUND, "there is no version to store");
		commit_settle(commit, NULL, &error);
		return;
	}
	bool is_secondary = commit->next.head.role == STORE_SECONDARY;
	struct store_write *write = store_write_new(store, line->zone->apex);
	commit->result.serial = commit->next.head.serial_published;
	commit->writes = !commit->next.is_on_disk && commit->next.snapshot != NULL;
	if (commit->writes) {
		commit_write_whole(write, &commit->next, "");
	}
	if (deadlines != NULL && is_secondary) {
		store_write_timers(write, deadlines);
	}
	line_begin(line);
	store_submit(write, &commit->waiter, commit->writes || deadlines == NULL ? STORE_NOW : STORE_SOON);
}
