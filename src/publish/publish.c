/* SPDX-License-Identifier: MIT */
#include "publish/publish.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "dns/serial.h"
#include "publish/check.h"
#include "publish/line_internal.h"

/* From so many records on, what is to be stored is made beside the checks, on a thread of its own. */
#define BESIDE_MIN 50000

/* One offer on its way through the pipeline. */
struct commit {
	struct store_waiter waiter; /* first */
	struct publish_line *line;
	struct publish *publish;
	/* of the offer */
	const struct publish_policy *policy; /* borrowed while the offer is made */
	enum change_origin origin;
	bool forced;
	struct moment now;
	struct change_deadlines deadlines;
	char *who;       /* owned */
	uint8_t *source; /* owned; NULL: none */
	size_t source_len;
	void (*settled)(void *context, const struct change_result *result, const struct error *error);
	void *context;

	struct line_version base; /* what it continues; owned */
	uint32_t run;
	struct line_version next; /* what it makes; owned, and `head` is as it will be */
	bool is_prepared;         /* what is to be stored is made before it is known whether it is wanted */
	bool is_beside;           /* and `thread` makes it */
	pthread_t thread;
	bool same_content;           /* a primary's: as what was published last, the serial aside */
	const struct changeset *set; /* a reference; what makes it of `base`; NULL: none is kept */
	struct store_write *write;   /* owned; NULL: not made yet */
	bool writes;                 /* the store is given something for it */
	struct change_result result;
	char zone_text[DNS_NAME_TEXT_MAX];
};

struct publish *publish_new(struct store *store)
{
	struct publish *publish = memory_new(sizeof *publish);
	publish->store = store;
	publish->listeners_end = &publish->listeners;
	return publish;
}

void publish_free(struct publish *take)
{
	free(take);
}

void publish_set_copier(struct publish *publish, const struct publish_copier *copier)
{
	publish->copier = copier;
}

void publish_add_listener(struct publish *publish, struct change_listener *listener)
{
	listener->next = NULL;
	*publish->listeners_end = listener;
	publish->listeners_end = &listener->next;
}

static bool is_primary(const struct commit *commit)
{
	return commit->origin == CHANGE_FROM_FILE;
}

/* What another process published last. A broken store is a start from nothing. */
static void recall(struct publish_line *line)
{
	struct store_head head;
	struct store_stand stand;
	struct store_note note;
	struct error error;
	if (line->is_recalled || line->publish->store == NULL) {
		return;
	}
	line->is_recalled = true;
	if (store_load_head(line->publish->store, line->zone->apex.wire, &head, &stand, &note, &error)) {
		line_set_recalled(line, &head, &stand, &note);
	} else if (error.code != ERROR_NOT_FOUND) {
		char zone_text[DNS_NAME_TEXT_MAX];
		log_warning("zone %s: what was remembered of it is lost: %s",
		            dns_name_to_text_short(line->zone->apex.wire, zone_text), error.text);
	}
}

/* After a change of role the numbers belong to somebody else, and still a serial should not go back. */
static const struct store_head *last_published(const struct commit *commit)
{
	return commit->base.has_head ? &commit->base.head : NULL;
}

/* ---- what is to be stored ---- */

/* Octets of a changeset that is worth being sent. */
static uint64_t half_of_zone(const struct zone_snapshot *snapshot)
{
	struct zone_facts facts;
	zone_facts(snapshot, &facts);
	return facts.bytes / 2 > PUBLISH_HISTORY_LEAST ? facts.bytes / 2 : PUBLISH_HISTORY_LEAST;
}

static struct change_history_limits history_limits(const struct commit *commit)
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

/* A changeset of more octets is not made. A smaller one is, even where no history is kept: it costs the disk less than the
 * whole zone. */
static size_t changeset_octets_max(const struct commit *commit, const struct change_history_limits *limits)
{
	uint64_t half = half_of_zone(commit->next.snapshot);
	return (size_t)(limits->octets_max > half ? limits->octets_max : half);
}

/* A changeset that is larger than this goes to the disk as the records of the version that it makes: LMDB holds in memory
 * what a transaction changes. */
#define CHANGE_OCTETS_MAX ((size_t)4 << 20)

static struct store_note note_of(const struct line_version *version, const char *who)
{
	struct store_note note = {.at_s = version->since_s, .origin = version->origin};
	snprintf(note.who, sizeof note.who, "%.*s", (int)sizeof note.who - 1, who);
	return note;
}

/* On a primary the zone file has the records: what is kept of them is made when the version is served. */
static void write_whole(struct store_write *write, const struct line_version *version, const char *who)
{
	bool keeps_records = version->head.role == STORE_SECONDARY;
	struct store_note note = note_of(version, who);
	store_write_version(write, &version->head, &note, keeps_records ? version->snapshot : NULL);
}

static bool continues_on_disk(const struct commit *commit)
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
	if (continues_on_disk(commit)) {
		struct store_note note = note_of(&commit->next, commit->who);
		struct change_history_limits limits = history_limits(commit);
		store_write_change(write, &commit->base.head, &commit->next.head, &note, commit->set, &limits,
		                   is_primary(commit));
	} else {
		write_whole(write, &commit->next, commit->who);
	}
}

/* Of a version that continues none that is at hand: its digest, and all that is written of a secondary's. */
static void *prepare(void *self)
{
	struct commit *commit = self;
	commit->next.head.content = change_digest_of(commit->next.snapshot);
	if (!is_primary(commit) && commit->publish->store != NULL) {
		commit->write = store_write_new(commit->publish->store, commit->line->zone->apex.wire);
		write_whole(commit->write, &commit->next, commit->who);
	}
	return NULL;
}

static void prepare_begin(struct commit *commit)
{
	struct store_head *head = &commit->next.head;
	struct zone_facts facts;
	commit->is_prepared = commit->base.snapshot == NULL && commit->origin != CHANGE_FROM_STORE;
	head->role = is_primary(commit) ? STORE_PRIMARY : STORE_SECONDARY;
	head->class = commit->line->zone->class;
	head->serial_published = zone_serial(commit->next.snapshot);
	zone_facts(commit->next.snapshot, &facts);
	commit->is_beside = commit->is_prepared && facts.records >= BESIDE_MIN &&
	                    pthread_create(&commit->thread, NULL, prepare, commit) == 0;
}

/* Before `next` becomes another one, or is given up; then it is no longer wanted. */
static void prepare_end(struct commit *commit, bool wanted)
{
	if (commit->is_beside) {
		pthread_join(commit->thread, NULL);
	} else if (wanted && commit->is_prepared) {
		prepare(commit);
	}
}

/* As what was published last, the serial aside. */
static bool is_same_content(const struct commit *commit)
{
	const struct store_head *last = last_published(commit);
	if (last == NULL) {
		return false;
	}
	if (commit->base.snapshot != NULL) {
		return change_same_content(commit->base.snapshot, commit->next.snapshot);
	}
	return change_digest_equal(commit->next.head.content, last->content);
}

/* A primary's serial by its policy (I2). */
static bool amend_serial(struct commit *commit, struct error *error)
{
	struct change_result *result = &commit->result;
	bool is_sealed = publish_is_sealed(commit->next.snapshot);
	enum publish_serial_policy policy = is_sealed ? PUBLISH_SERIAL_KEEP : commit->policy->serial;
	const struct store_head *last = last_published(commit);
	uint32_t offered = zone_serial(commit->next.snapshot);
	uint32_t serial;
	enum publish_serial_outcome outcome =
	        publish_choose_serial(policy, last, offered, commit->same_content, commit->now.wall_s, &serial);
	result->serial_offered = offered;
	switch (outcome) {
	case PUBLISH_SERIAL_REFUSED:
		return error_set(
		        error, ERROR_STALE,
		        "serial %u is not newer than %u, which was published last, and the zone %s; %s with %u or "
		        "more",
		        offered, last->serial_published,
		        is_sealed ? "is signed or has a ZONEMD, so it cannot be raised here" : "has `serial: keep`",
		        is_sealed ? "sign or digest it anew" : "write the file", last->serial_published + 1);
	case PUBLISH_SERIAL_RAISED:
		log_notice(
		        "zone %s: content changed but serial %u is not newer than %u, published last; publishing as %u",
		        commit->zone_text, offered, last->serial_published, serial);
		break;
	case PUBLISH_SERIAL_SAME:
		if (offered != serial) {
			log_info("zone %s: content as published last; keeping serial %u, the file says %u",
			         commit->zone_text, serial, offered);
		}
		break;
	case PUBLISH_SERIAL_AS_OFFERED:
		break;
	}
	if (serial == offered) {
		return true;
	}
	const struct zone_snapshot *amended = publish_with_serial(commit->next.snapshot, serial, error);
	zone_unref(commit->next.snapshot);
	commit->next.snapshot = amended;
	return amended != NULL;
}

/* A secondary takes what is newer; after expiry, or when told to, anything (RFC 1982 3.2). */
static bool secondary_may_take(const struct commit *commit, struct error *error)
{
	if (commit->base.snapshot == NULL || commit->forced || commit->origin == CHANGE_FROM_STORE) {
		return true;
	}
	uint32_t served = zone_serial(commit->base.snapshot);
	uint32_t offered = zone_serial(commit->next.snapshot);
	switch (dns_serial_compare(offered, served)) {
	case DNS_SERIAL_NEWER:
	case DNS_SERIAL_EQUAL:
		return true;
	case DNS_SERIAL_OLDER:
	case DNS_SERIAL_INCOMPARABLE:
		return error_set(error, ERROR_STALE, "serial %u is not newer than %u, which is served", offered,
		                 served);
	}
	return false;
}

/* A comparison that keeps what differs, as long as it is not too large to be kept. */
struct difference {
	struct change_visitor visitor; /* first */
	struct change_counts counts;
	struct changeset_builder builder;
	size_t octets_max;
	bool is_over; /* more than that: nothing is kept */
};

static void take_difference(struct change_visitor *self, const struct zone_change *change)
{
	struct difference *difference = (struct difference *)self;
	difference->counts.added += change->add;
	difference->counts.removed += !change->add;
	if (difference->is_over) {
		return;
	}
	changeset_builder_add(&difference->builder, change);
	if (changeset_builder_len(&difference->builder) > difference->octets_max) {
		difference->is_over = true;
		changeset_builder_deinit(&difference->builder);
	}
}

static void raise_top(struct store_head *head, uint32_t serial)
{
	if (!head->has_top || dns_serial_compare(serial, head->top) == DNS_SERIAL_NEWER) {
		head->top = serial;
	}
	head->has_top = true;
}

/* What stays of it from version to version. Where nothing is served before, what was published last may be something else. */
static void carry_top(struct commit *commit)
{
	const struct line_version *base = &commit->base;
	commit->next.head.has_top = base->head.has_top;
	commit->next.head.top = base->head.top;
	if (base->snapshot == NULL && base->has_head && commit->origin != CHANGE_FROM_STORE && !commit->same_content) {
		raise_top(&commit->next.head, base->head.serial_published);
	}
}

/* What is newer than all that ever came twice is led on from: nothing before it is in its history. */
static void leave_top(struct store_head *head, uint32_t serial)
{
	head->has_top = head->has_top && dns_serial_compare(serial, head->top) != DNS_SERIAL_NEWER;
}

/* A version that does not go forward, or is larger a change than is kept, ends the history. After one that does not go forward
 * serials come once more that others have with other content: nobody is led on from these. */
static void keep_history(struct commit *commit, struct difference *difference,
                         const struct change_history_limits *limits)
{
	uint32_t before = commit->result.serial_before;
	bool is_forward = dns_serial_compare(commit->result.serial, before) == DNS_SERIAL_NEWER;
	const struct store_head *head = &commit->base.head;
	bool is_again = head->has_top && dns_serial_compare(before, head->top) != DNS_SERIAL_NEWER;
	struct error error;
	if (!is_forward) {
		raise_top(&commit->next.head, before);
	}
	if (is_forward && !is_again && !difference->is_over) {
		commit->set = changeset_builder_end(&difference->builder, &error);
	}
	if (commit->set != NULL) {
		commit->next.history = change_history_with(commit->base.history, commit->set, commit->next.snapshot,
		                                           commit->now.wall_s, limits);
	}
}

/* Costs what the change costs, where that is known. */
static struct change_digest digest_of(const struct commit *commit)
{
	struct change_digest before = commit->base.head.content;
	if (commit->result.outcome == CHANGE_UNCHANGED) {
		return before;
	}
	return commit->set != NULL ? change_digest_after(before, commit->set) : change_digest_of(commit->next.snapshot);
}

/* Fills in what changed; CHANGE_UNCHANGED when there is nothing to do. */
static void compare(struct commit *commit)
{
	struct change_result *result = &commit->result;
	result->serial = zone_serial(commit->next.snapshot);
	result->outcome = CHANGE_PUBLISHED;
	if (is_primary(commit)) {
		carry_top(commit); /* a secondary's is known already, and somebody may be reading it */
		leave_top(&commit->next.head, result->serial);
	}
	if (commit->base.snapshot == NULL) {
		return;
	}
	result->had_before = true;
	result->serial_before = zone_serial(commit->base.snapshot);
	struct change_history_limits limits = history_limits(commit);
	struct difference difference = {.visitor.visit = take_difference,
	                                .octets_max = changeset_octets_max(commit, &limits)};
	changeset_builder_init(&difference.builder);
	change_compare(commit->base.snapshot, commit->next.snapshot, &difference.visitor);
	result->removed = difference.counts.removed;
	result->added = difference.counts.added;
	if (result->removed == 0 && result->added == 0) {
		result->outcome = CHANGE_UNCHANGED;
	} else {
		keep_history(commit, &difference, &limits);
	}
	changeset_builder_deinit(&difference.builder);
	commit->next.head.content = digest_of(commit);
}

/* What the store gave may have been overtaken since: the head would be another one's. */
static bool is_as_remembered(const struct commit *commit, struct error *error)
{
	const struct line_version *base = &commit->base;
	uint32_t serial = zone_serial(commit->next.snapshot);
	bool is_other = (base->has_head && base->head.serial_published != serial) ||
	                (base->snapshot != NULL && base->snapshot != commit->next.snapshot);
	return commit->origin != CHANGE_FROM_STORE || !is_other ||
	       error_set(error, ERROR_STALE, "serial %u was remembered, and a later one is known by now", serial);
}

static bool is_this_zone(const struct commit *commit, struct error *error)
{
	return dns_name_equal(zone_name(commit->next.snapshot), commit->line->zone->apex.wire) ||
	       error_set(error, ERROR_INVALID, "the version is of another zone");
}

static bool check(const struct commit *commit, struct error *error)
{
	return commit->origin == CHANGE_FROM_STORE || publish_check(commit->next.snapshot, commit->policy, error);
}

/* Of a secondary: what came is compared first, because of a change that is known only what is new needs to be looked at. */
static bool compare_and_check(struct commit *commit, struct error *error)
{
	commit->result.serial_offered = zone_serial(commit->next.snapshot);
	compare(commit);
	if (commit->set == NULL || commit->policy->strict) {
		return check(commit, error);
	}
	publish_check_change(commit->next.snapshot, commit->set, commit->policy);
	return true;
}

/* check, amend, compare: what the thread of the offer does. */
static bool build(struct commit *commit, struct error *error)
{
	if (!is_this_zone(commit, error) || (!is_primary(commit) && !secondary_may_take(commit, error)) ||
	    !is_as_remembered(commit, error)) {
		return false;
	}
	carry_top(commit); /* is written with what is prepared */
	if (!is_primary(commit)) {
		leave_top(&commit->next.head, zone_serial(commit->next.snapshot));
	}
	prepare_begin(commit);
	bool done = is_primary(commit) ? check(commit, error) : compare_and_check(commit, error);
	prepare_end(commit, done);
	if (done && is_primary(commit)) {
		commit->same_content = is_same_content(commit);
		done = amend_serial(commit, error);
		if (done) {
			compare(commit);
		}
	}
	return done;
}

/* ---- the durable side ---- */

/* The store has it already, or will have it by what is on its way. */
static bool is_remembered(const struct commit *commit)
{
	const struct line_version *base = &commit->base;
	const struct store_head *head = &commit->next.head;
	bool is_same = is_primary(commit) ? commit->same_content : commit->result.outcome == CHANGE_UNCHANGED;
	return commit->origin == CHANGE_FROM_STORE || (base->is_on_disk && is_same && base->head.role == head->role &&
	                                               base->head.serial_published == head->serial_published);
}

/* ---- publishing, on the store's thread ---- */

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

static void tell(struct commit *take, const struct change_result *result, const struct error *error)
{
	if (take->settled != NULL) {
		take->settled(take->context, result, error);
	}
	commit_free(take);
}

/* A secondary goes on following with what it has in memory; a primary that has nothing else to serve serves its file. Both
 * say so. A primary that serves something refuses. */
static bool may_be_volatile(const struct commit *commit, const struct error *error)
{
	return error->code != ERROR_STOPPED && (!is_primary(commit) || commit->base.snapshot == NULL);
}

static void refuse(struct commit *take, const struct error *why)
{
	struct error error = *why;
	if (error.code != ERROR_STOPPED) {
		error_set(&error, ERROR_IO, "serial %u could not be made durable: %s", take->result.serial, why->text);
	}
	line_end_refused(take->line, take->run);
	tell(take, NULL, &error);
}

static const char not_written[] = "it could not be written when it came";

static void note_volatile(struct commit *commit, const struct error *error)
{
	struct change_result *result = &commit->result;
	result->is_volatile = true;
	snprintf(result->volatile_because, sizeof result->volatile_because, "%.199s", error->text);
	commit->next.is_on_disk = false;
	log_error("zone %s: serial %u is served but not on disk, a restart would forget it: %s", commit->zone_text,
	          result->serial, error->text);
}

/* Nothing was written for it: it is on disk if what it continues is, which is served by now. */
static void note_as_before(struct commit *commit)
{
	commit->next.is_on_disk = line_is_on_disk(commit->line);
	if (!commit->next.is_on_disk) {
		commit->result.is_volatile = true;
		strcpy(commit->result.volatile_because, not_written);
	}
}

static bool is_still_wanted(struct store_waiter *self)
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

/* Makes `next` the served version, and tells. */
static void finish(struct store_waiter *self, bool is_durable, const struct error *error)
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
		enum zone_state before = line_end_published(line, &commit->next);
		commit->result.expiry_lifted = before != ZONE_STATE_SERVED;
		announce(commit);
	} else {
		line_end(line);
	}
	if (commit->writes) {
		line_note_disk(line, commit->next.snapshot, is_durable);
	}
	if (commit->writes && is_durable) {
		line_note_kept(line, &commit->next);
	}
	ask_for_copy(line, commit->now.boot_ms);
	tell(commit, &commit->result, NULL);
}

/* ---- the door ---- */

static struct commit *commit_new(struct publish_line *line, const struct change_offer *offer)
{
	struct commit *commit = memory_new(sizeof *commit);
	commit->waiter.wanted = is_still_wanted;
	commit->waiter.done = finish;
	commit->line = line;
	commit->publish = line->publish;
	commit->policy = offer->policy;
	commit->origin = offer->origin;
	commit->forced = offer->forced;
	commit->now = offer->now;
	commit->deadlines = offer->deadlines;
	commit->who = memory_copy_text(offer->who);
	commit->source = offer->source == NULL ? NULL : memory_copy(offer->source, offer->source_len);
	commit->source_len = offer->source_len;
	commit->settled = offer->settled;
	commit->context = offer->context;
	commit->next.snapshot = offer->candidate;
	commit->next.has_head = true;
	commit->next.since_s = offer->now.wall_s;
	commit->next.origin = offer->origin;
	commit->next.history = change_history_ref(offer->history);
	dns_name_to_text_short(line->zone->apex.wire, commit->zone_text);
	return commit;
}

/* What is served stays the head's snapshot when nothing changed, so that there is one of it. */
static void drop_twin(struct commit *commit)
{
	if (commit->result.outcome == CHANGE_UNCHANGED) {
		line_version_drop(&commit->next);
		commit->next.since_s = commit->base.since_s;
		commit->next.origin = commit->base.origin;
		commit->next.snapshot = zone_ref(commit->base.snapshot);
		commit->next.history = change_history_ref(commit->base.history);
	}
}

/* What is given to the store; may be empty. */
static struct store_write *take_write(struct commit *commit)
{
	struct store_write *write = commit->writes ? commit->write : NULL;
	if (write == NULL) {
		write = store_write_new(commit->publish->store, commit->line->zone->apex.wire);
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

static void submit(struct commit *commit)
{
	struct store *store = commit->publish->store;
	struct error error;
	commit->next.head.serial_published = commit->result.serial;
	commit->next.stand = commit->base.stand;
	if (commit->base.snapshot == NULL && commit->origin != CHANGE_FROM_STORE) {
		commit->next.stand.has_records = false; /* they could not be used, or this would not come */
	}
	if (commit->origin == CHANGE_FROM_STORE) {
		commit->next.head = commit->base.head;
		commit->next.since_s = commit->base.since_s;
		commit->next.origin = commit->base.origin;
	}
	commit->writes = store != NULL && !is_remembered(commit);
	commit->next.is_on_disk = commit->writes || store == NULL;
	drop_twin(commit);
	struct line_version head = commit->next;
	zone_ref(head.snapshot);
	change_history_ref(head.history);
	if (!line_advance(commit->line, commit->run, head)) {
		line_version_drop(&head);
		error_set(&error, ERROR_STOPPED, "a version before it could not be made durable");
		tell(commit, NULL, &error);
	} else if (store == NULL) {
		finish(&commit->waiter, true, NULL);
	} else {
		store_submit(take_write(commit), &commit->waiter, STORE_NOW);
	}
}

void publish_offer(struct change_sink *self, const struct change_offer *offer)
{
	struct publish_line *line = (struct publish_line *)self;
	struct commit *commit = commit_new(line, offer);
	struct error error;
	error_clear(&error);
	recall(line);
	commit->base = line_take_head(line, &commit->run);
	if (build(commit, &error)) {
		submit(commit);
	} else {
		tell(commit, NULL, &error);
	}
}

/* ---- what is served, once more ---- */

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
		error_set(&why, ERROR_IO, "serial %u: %s", commit->result.serial, not_written);
		is_durable = false;
		error = &why;
	}
	tell(commit, is_durable ? &commit->result : NULL, error);
}

void publish_line_secure(struct publish_line *line, const struct change_deadlines *deadlines,
                         void (*settled)(void *context, const struct change_result *result, const struct error *error),
                         void *context)
{
	struct store *store = line->publish->store;
	struct change_offer offer = {.who = "", .settled = settled, .context = context};
	struct commit *commit = commit_new(line, &offer);
	struct error error;
	recall(line);
	commit->waiter = (struct store_waiter){.wanted = is_worth_securing, .done = finish_securing};
	change_history_unref(commit->next.history);
	commit->next = line_take_head(line, &commit->run);
	commit->result.outcome = CHANGE_UNCHANGED;
	if (store == NULL || !commit->next.has_head) {
		error_set(&error, ERROR_NOT_FOUND, "there is no version to store");
		tell(commit, NULL, &error);
		return;
	}
	bool is_secondary = commit->next.head.role == STORE_SECONDARY;
	struct store_write *write = store_write_new(store, line->zone->apex.wire);
	commit->result.serial = commit->next.head.serial_published;
	commit->writes = !commit->next.is_on_disk && commit->next.snapshot != NULL;
	if (commit->writes) {
		write_whole(write, &commit->next, "");
	}
	if (deadlines != NULL && is_secondary) {
		store_write_timers(write, deadlines);
	}
	line_begin(line);
	store_submit(write, &commit->waiter, commit->writes || deadlines == NULL ? STORE_NOW : STORE_SOON);
}
