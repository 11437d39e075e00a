/* SPDX-License-Identifier: MIT */
#include "publish/line_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/quiescent.h"

static struct line_version copy_of(const struct line_version *version)
{
	struct line_version copy = *version;
	if (copy.snapshot != NULL) {
		zone_ref(copy.snapshot);
	}
	change_history_ref(copy.history);
	return copy;
}

static void replace(struct line_version *place, struct line_version take)
{
	line_version_drop(place);
	*place = take;
}

static void history_unref(void *take)
{
	change_history_unref(take);
}

/* Readers may be looking at what was there. */
static void show_history(struct zone *zone, const struct change_history *history)
{
	const void *before =
	        atomic_exchange_explicit(&zone->account->history, change_history_ref(history), memory_order_acq_rel);
	if (before != NULL) {
		quiescent_defer(history_unref, (void *)(uintptr_t)before);
	}
}

void line_version_drop(struct line_version *version)
{
	zone_unref(version->snapshot);
	change_history_unref(version->history);
	version->snapshot = NULL;
	version->history = NULL;
}

struct publish_line *publish_line_new(struct publish *publish, struct zone *zone, void *owner)
{
	struct publish_line *line = memory_new(sizeof *line);
	line->sink.offer = publish_offer;
	line->publish = publish;
	line->zone = zone;
	line->owner = owner;
	pthread_mutex_init(&line->lock, NULL);
	return line;
}

void publish_line_free(struct publish_line *take)
{
	if (take == NULL) {
		return;
	}
	ensure(take->pending == 0);
	line_version_drop(&take->head);
	line_version_drop(&take->served);
	show_history(take->zone, NULL);
	pthread_mutex_destroy(&take->lock);
	free(take);
}

struct change_sink *publish_line_sink(struct publish_line *line)
{
	return &line->sink;
}

struct line_version line_take_head(struct publish_line *line, uint32_t *run)
{
	pthread_mutex_lock(&line->lock);
	struct line_version head = copy_of(&line->head);
	*run = line->run;
	pthread_mutex_unlock(&line->lock);
	return head;
}

static const struct zone_snapshot *snapshot_of(struct publish_line *line, const struct line_version *version)
{
	pthread_mutex_lock(&line->lock);
	const struct zone_snapshot *snapshot = version->snapshot == NULL ? NULL : zone_ref(version->snapshot);
	pthread_mutex_unlock(&line->lock);
	return snapshot;
}

const struct zone_snapshot *publish_line_head(struct publish_line *line)
{
	return snapshot_of(line, &line->head);
}

const struct zone_snapshot *publish_line_served(struct publish_line *line)
{
	return snapshot_of(line, &line->served);
}

bool publish_line_is_settled(struct publish_line *line)
{
	pthread_mutex_lock(&line->lock);
	bool is_settled = line->pending == 0;
	pthread_mutex_unlock(&line->lock);
	return is_settled;
}

void publish_line_withdraw(struct publish_line *line, enum zone_state state)
{
	pthread_mutex_lock(&line->lock);
	zone_withdraw(line->zone, state);
	if (line->head.snapshot == line->served.snapshot) {
		line_version_drop(&line->head);
	}
	line_version_drop(&line->served);
	show_history(line->zone, NULL);
	pthread_mutex_unlock(&line->lock);
}

static void set_recalled(struct publish_line *line, const struct store_head *head, const struct store_stand *stand,
                         const struct store_note *note)
{
	pthread_mutex_lock(&line->lock);
	line->head.head = *head;
	line->head.stand = *stand;
	line->head.since_s = note->at_s;
	line->head.origin = note->origin;
	line->head.has_head = true;
	line->head.is_on_disk = true;
	line->served = line->head;
	ensure(line->head.snapshot == NULL);
	pthread_mutex_unlock(&line->lock);
}

/* What is left of a head that is broken. */
static void recall_serials(struct publish_line *line)
{
	struct store_head head;
	const struct store_stand stand = {.number = 0};
	const struct store_note note = {.origin = CHANGE_FROM_STORE};
	if (store_load_serials(line->publish->store, line->zone->apex, &head)) {
		set_recalled(line, &head, &stand, &note);
	}
}

void line_recall(struct publish_line *line)
{
	struct store_head head;
	struct store_stand stand;
	struct store_note note;
	struct error error;
	if (line->is_recalled || line->publish->store == NULL) {
		return;
	}
	line->is_recalled = true;
	if (store_load_head(line->publish->store, line->zone->apex, &head, &stand, &note, &error)) {
		set_recalled(line, &head, &stand, &note);
	} else if (error.code != ERROR_NOT_FOUND) {
		char zone_text[DNS_NAME_TEXT_MAX];
		log_warning("zone %s: what was remembered of it is lost: %s",
		            dns_name_to_text_short(line->zone->apex, zone_text), error.text);
		recall_serials(line);
	}
}

bool line_advance(struct publish_line *line, uint32_t run, struct line_version version)
{
	pthread_mutex_lock(&line->lock);
	bool is_current = line->run == run;
	if (is_current) {
		version.is_on_disk = version.is_on_disk || line->head.is_on_disk;
		replace(&line->head, version);
		line->pending++;
	}
	pthread_mutex_unlock(&line->lock);
	return is_current;
}

bool line_is_last(struct publish_line *line)
{
	pthread_mutex_lock(&line->lock);
	bool is_last = line->pending == 1;
	pthread_mutex_unlock(&line->lock);
	return is_last;
}

void line_begin(struct publish_line *line)
{
	pthread_mutex_lock(&line->lock);
	line->pending++;
	pthread_mutex_unlock(&line->lock);
}

bool line_is_current(struct publish_line *line, uint32_t run)
{
	pthread_mutex_lock(&line->lock);
	bool is_current = line->run == run;
	pthread_mutex_unlock(&line->lock);
	return is_current;
}

void line_end(struct publish_line *line)
{
	pthread_mutex_lock(&line->lock);
	line->pending--;
	pthread_mutex_unlock(&line->lock);
}

void line_end_refused(struct publish_line *line, uint32_t run)
{
	pthread_mutex_lock(&line->lock);
	line->pending--;
	if (line->run == run) {
		line->run++;
		replace(&line->head, copy_of(&line->served));
	}
	pthread_mutex_unlock(&line->lock);
}

enum zone_state line_end_published(struct publish_line *line, const struct line_version *version, bool is_held_back)
{
	pthread_mutex_lock(&line->lock);
	enum zone_state before = atomic_load(&line->zone->state);
	line->pending--;
	replace(&line->served, copy_of(version));
	if (line->head.snapshot == NULL) {
		line->head.snapshot = zone_ref(version->snapshot); /* withdrawn while this was on its way */
		line->head.history = change_history_ref(version->history);
	}
	show_history(line->zone, version->history);
	change_digest_show(line->zone, version->snapshot, version->head.content);
	if (is_held_back) {
		zone_hold_back(version->snapshot);
	}
	zone_publish(line->zone, zone_ref(version->snapshot));
	pthread_mutex_unlock(&line->lock);
	return before;
}

void line_note_disk(struct publish_line *line, const struct zone_snapshot *snapshot, bool is_on_disk)
{
	pthread_mutex_lock(&line->lock);
	if (line->served.snapshot == snapshot) {
		line->served.is_on_disk = is_on_disk;
	}
	if (is_on_disk) {
		zone_hand_on(snapshot);
	}
	if (line->head.snapshot == snapshot) {
		line->head.is_on_disk = is_on_disk;
	}
	pthread_mutex_unlock(&line->lock);
}

/* The lock is held. */
static void note_kept(struct line_version *version, const struct line_version *kept)
{
	if (version->snapshot == kept->snapshot) {
		version->head = kept->head;
		version->stand = kept->stand;
	}
}

void line_note_kept(struct publish_line *line, const struct line_version *kept)
{
	pthread_mutex_lock(&line->lock);
	note_kept(&line->served, kept);
	note_kept(&line->head, kept);
	pthread_mutex_unlock(&line->lock);
}

bool line_take_served(struct publish_line *line, struct line_version *out)
{
	pthread_mutex_lock(&line->lock);
	bool is_served = line->served.snapshot != NULL;
	if (is_served) {
		*out = copy_of(&line->served);
	}
	pthread_mutex_unlock(&line->lock);
	return is_served;
}

/* ---- copies ---- */

/* Changesets are done again at each start: so many, beside the zone itself, that this takes little of its time. */
#define COPY_BEHIND_LEAST 8192
#define COPY_SHARE        8

static bool is_to_be_copied(const struct line_version *version)
{
	struct zone_facts facts;
	if (version->snapshot == NULL || !version->is_on_disk) {
		return false;
	}
	zone_facts(version->snapshot, &facts);
	uint64_t share = facts.bytes / COPY_SHARE;
	return !version->stand.has_records ||
	       version->stand.behind > (share > COPY_BEHIND_LEAST ? share : COPY_BEHIND_LEAST);
}

/* After a copy that failed, on a full disk for example, the next is not tried before this. */
#define COPY_PAUSE_MS 600000

bool line_wants_copy(struct publish_line *line, int64_t now_ms, bool *is_first)
{
	pthread_mutex_lock(&line->lock);
	if (line->has_failed_to_copy && line->copy_at_ms == 0) {
		line->copy_at_ms = now_ms + COPY_PAUSE_MS;
	}
	bool is_pausing = line->has_failed_to_copy && now_ms < line->copy_at_ms;
	bool wants = !line->is_copying && !is_pausing && is_to_be_copied(&line->served);
	line->is_copying = line->is_copying || wants;
	*is_first = !line->served.stand.has_records;
	pthread_mutex_unlock(&line->lock);
	return wants;
}

bool line_take_to_copy(struct publish_line *line, struct line_version *out)
{
	pthread_mutex_lock(&line->lock);
	bool is_wanted = is_to_be_copied(&line->served);
	if (is_wanted) {
		*out = copy_of(&line->served);
	}
	pthread_mutex_unlock(&line->lock);
	return is_wanted;
}

void line_note_copied(struct publish_line *line, const struct store_stand *stand)
{
	pthread_mutex_lock(&line->lock);
	bool is_settled = line->head.snapshot == line->served.snapshot;
	line->is_copying = false;
	line->has_failed_to_copy = false;
	line->copy_at_ms = 0;
	if (stand != NULL) {
		line->served.stand = *stand;
	}
	if (stand != NULL && is_settled) {
		line->head.stand = *stand;
	}
	pthread_mutex_unlock(&line->lock);
}

bool line_note_copy_failed(struct publish_line *line)
{
	pthread_mutex_lock(&line->lock);
	bool is_first_time = !line->has_failed_to_copy;
	line->is_copying = false;
	line->has_failed_to_copy = true;
	line->copy_at_ms = 0;
	pthread_mutex_unlock(&line->lock);
	return is_first_time;
}

bool line_is_on_disk(struct publish_line *line)
{
	pthread_mutex_lock(&line->lock);
	bool is_on_disk = line->served.is_on_disk;
	pthread_mutex_unlock(&line->lock);
	return is_on_disk;
}

bool line_serves(struct publish_line *line, const struct zone_snapshot *snapshot)
{
	pthread_mutex_lock(&line->lock);
	bool serves = line->served.snapshot == snapshot;
	pthread_mutex_unlock(&line->lock);
	return serves;
}

const struct zone_snapshot *publish_line_served_with(struct publish_line *line, struct change_digest *digest)
{
	struct line_version served;
	if (!line_take_served(line, &served)) {
		return NULL;
	}
	*digest = served.head.content;
	const struct zone_snapshot *snapshot = zone_ref(served.snapshot);
	line_version_drop(&served);
	return snapshot;
}

bool publish_line_digest(struct publish_line *line, struct change_digest *digest)
{
	const struct zone_snapshot *served = publish_line_served_with(line, digest);
	zone_unref(served);
	return served != NULL;
}
