/* SPDX-License-Identifier: MIT */
/* What of a version the store is given: the changeset that leads to it, or all its records, or its head alone. */
#include "publish/commit_internal.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

/* From so many records on, what is to be stored is made beside the checks, on a thread of its own. */
#define BESIDE_MIN 50000

/* A changeset that is larger than this goes to the disk as the records of the version that it makes: LMDB holds in memory
 * what a transaction changes. */
#define CHANGE_OCTETS_MAX ((size_t)4 << 20)

/* Octets of a changeset that is worth being sent. */
static uint64_t half_of_zone(const struct zone_snapshot *snapshot)
{
	struct zone_facts facts;
	zone_facts(snapshot, &facts);
	return facts.bytes / 2 > PUBLISH_HISTORY_LEAST ? facts.bytes / 2 : PUBLISH_HISTORY_LEAST;
}

struct change_history_limits commit_history_limits(const struct commit *commit)
{
	struct change_history_limits limits = {.count_max = 0};
	if (commit->policy == NULL) {
		return limits; /* from the store: nothing was before it */
	}
	limits = commit->policy->history;
	if (limits.octets_max == PUBLISH_HISTORY_HALF) {
		limits.octets_max = half_of_zone(commit->next.snapshot);
	}
	return limits;
}

size_t commit_changeset_octets_max(const struct commit *commit, const struct change_history_limits *limits)
{
	uint64_t half = half_of_zone(commit->next.snapshot);
	return (size_t)(limits->octets_max > half ? limits->octets_max : half);
}

static struct store_note note_of(const struct line_version *version, const char *who)
{
	struct store_note note = {.at_s = version->since_s, .origin = version->origin};
	snprintf(note.who, sizeof note.who, "%.*s", (int)sizeof note.who - 1, who);
	return note;
}

void commit_write_whole(struct store_write *write, const struct line_version *version, const char *who)
{
	bool keeps_records = version->head.role == STORE_SECONDARY;
	struct store_note note = note_of(version, who);
	store_write_version(write, &version->head, &note, keeps_records ? version->snapshot : NULL);
}

bool commit_continues_on_disk(const struct commit *commit)
{
	size_t len;
	if (commit->set == NULL || !commit->base.is_on_disk) {
		return false;
	}
	changeset_octets(commit->set, &len);
	return len <= CHANGE_OCTETS_MAX;
}

static void write_version(struct store_write *write, const struct commit *commit)
{
	if (commit_continues_on_disk(commit)) {
		struct store_note note = note_of(&commit->next, commit->who);
		struct change_history_limits limits = commit_history_limits(commit);
		store_write_change(write, &commit->base.head, &commit->next.head, &note, commit->set, &limits,
		                   commit_is_primary(commit));
	} else {
		commit_write_whole(write, &commit->next, commit->who);
	}
}

/* ---- beside the checks ---- */

static void *make_digest(void *self)
{
	struct commit *commit = self;
	commit->digest = change_digest_of(commit->next.snapshot);
	return NULL;
}

static struct change_digest know_digest(struct store_content *self)
{
	struct commit *commit = (struct commit *)((char *)self - offsetof(struct commit, content));
	if (commit->is_digested_beside) {
		pthread_join(commit->digester, NULL);
		commit->is_digested_beside = false;
	}
	return commit->digest;
}

static bool writes_records(const struct commit *commit)
{
	return !commit_is_primary(commit) && commit->publish->store != NULL;
}

/* Of a version that continues none that is at hand: its digest, and all that is written of a secondary's. */
static void *prepare(void *self)
{
	struct commit *commit = self;
	if (!commit->is_digested_beside) {
		make_digest(commit);
	}
	if (writes_records(commit)) {
		struct store_note note = note_of(&commit->next, commit->who);
		commit->write = store_write_new(commit->publish->store, commit->line->zone->apex);
		store_write_version_beside(commit->write, &commit->next.head, &note, commit->next.snapshot,
		                           &commit->content);
	}
	commit->next.head.content = know_digest(&commit->content);
	return NULL;
}

/* Of a large one: its digest takes longer than writing it, which needs that only at the end. */
static void *prepare_large(void *self)
{
	struct commit *commit = self;
	commit->is_digested_beside =
	        writes_records(commit) && pthread_create(&commit->digester, NULL, make_digest, commit) == 0;
	return prepare(commit);
}

void commit_prepare_begin(struct commit *commit)
{
	struct store_head *head = &commit->next.head;
	struct zone_facts facts;
	commit->is_prepared = commit->base.snapshot == NULL && commit->origin != CHANGE_FROM_STORE;
	head->role = commit_is_primary(commit) ? STORE_PRIMARY : STORE_SECONDARY;
	head->class = commit->line->zone->class;
	head->serial_published = zone_serial(commit->next.snapshot);
	commit->content.know = know_digest;
	zone_facts(commit->next.snapshot, &facts);
	commit->is_beside = commit->is_prepared && facts.records >= BESIDE_MIN &&
	                    pthread_create(&commit->thread, NULL, prepare_large, commit) == 0;
}

void commit_prepare_end(struct commit *commit, bool wanted)
{
	if (commit->is_beside) {
		pthread_join(commit->thread, NULL);
	} else if (wanted && commit->is_prepared) {
		prepare(commit);
	}
}

/* ---- when it is known what is published ---- */

bool commit_is_stored(const struct commit *commit)
{
	const struct line_version *base = &commit->base;
	const struct store_head *head = &commit->next.head;
	bool is_same = commit_is_primary(commit) ? commit->same_content : commit->result.outcome == CHANGE_UNCHANGED;
	return commit->origin == CHANGE_FROM_STORE || (base->is_on_disk && is_same && base->head.role == head->role &&
	                                               base->head.serial_published == head->serial_published);
}

struct store_write *commit_take_write(struct commit *commit)
{
	struct store_write *write = commit->writes ? commit->write : NULL;
	if (write == NULL) {
		write = store_write_new(commit->publish->store, commit->line->zone->apex);
		if (commit->writes) {
			write_version(write, commit);
		}
	} else {
		commit->write = NULL;
	}
	if (commit->source != NULL) {
		store_write_source(write, commit->source, commit->source_len);
	}
	if (commit->deadlines.expire_at_s != 0) {
		store_write_timers(write, &commit->deadlines);
	}
	return write;
}
