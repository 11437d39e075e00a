/* SPDX-License-Identifier: MIT */
#include "publish/publish.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "dns/serial.h"
#include "publish/check.h"
#include "publish/commit_internal.h"

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

void publish_set_store(struct publish *publish, struct store *store)
{
	publish->store = store;
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

/* After a change of role the numbers belong to somebody else, and still a serial should not go back. */
static const struct store_head *last_published(const struct commit *commit)
{
	return commit->base.has_head ? &commit->base.head : NULL;
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

static void tell_raised(const struct commit *commit, uint32_t offered, uint32_t serial)
{
	const struct store_head *last = last_published(commit);
	if (last->has_top && dns_serial_compare(last->top, last->serial_published) == DNS_SERIAL_NEWER) {
		log_warning("zone %s: serials up to %u may have been given to other content, which is not remembered; "
		            "publishing as %u, the file says %u",
		            commit->zone_text, last->top, serial, offered);
	} else {
		log_notice(
		        "zone %s: content changed but serial %u is not newer than %u, published last; publishing as %u",
		        commit->zone_text, offered, last->serial_published, serial);
	}
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
		tell_raised(commit, offered, serial);
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
	return dns_name_equal(zone_name(commit->next.snapshot), commit->line->zone->apex) ||
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
	commit_compare(commit);
	if (commit->set == NULL || commit->policy->strict) {
		return check(commit, error);
	}
	publish_check_change(commit->next.snapshot, commit->set, commit->policy);
	return true;
}

/* check, amend, compare: what the thread of the offer does. */
static bool build(struct commit *commit, struct error *error)
{
	if (!is_this_zone(commit, error) || (!commit_is_primary(commit) && !secondary_may_take(commit, error)) ||
	    !is_as_remembered(commit, error)) {
		return false;
	}
	commit_carry_top(commit); /* is written with what is prepared */
	if (!commit_is_primary(commit)) {
		commit_leave_top(commit);
	}
	commit_prepare_begin(commit);
	bool done = commit_is_primary(commit) ? check(commit, error) : compare_and_check(commit, error);
	commit_prepare_end(commit, done);
	if (done && commit_is_primary(commit)) {
		commit->same_content = is_same_content(commit);
		done = amend_serial(commit, error);
		if (done) {
			commit_compare(commit);
		}
	}
	return done;
}

/* ---- the door ---- */

struct commit *commit_new(struct publish_line *line, const struct change_offer *offer)
{
	struct commit *commit = memory_new(sizeof *commit);
	commit->waiter.wanted = commit_is_still_wanted;
	commit->waiter.done = commit_finish;
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
	dns_name_to_text_short(line->zone->apex, commit->zone_text);
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
	commit->writes = store != NULL && !commit_is_stored(commit);
	commit->next.is_on_disk = commit->writes || store == NULL;
	drop_twin(commit);
	struct line_version head = commit->next;
	zone_ref(head.snapshot);
	change_history_ref(head.history);
	if (!line_advance(commit->line, commit->run, head)) {
		line_version_drop(&head);
		error_set(&error, ERROR_STOPPED, "a version before it could not be made durable");
		commit_settle(commit, NULL, &error);
	} else if (store == NULL || (commit->origin == CHANGE_FROM_STORE && line_is_last(commit->line))) {
		commit_finish(&commit->waiter, true, NULL); /* nothing is written, and nothing is ahead of it */
	} else {
		store_submit(commit_take_write(commit), &commit->waiter, STORE_NOW);
	}
}

void publish_offer(struct change_sink *self, const struct change_offer *offer)
{
	struct publish_line *line = (struct publish_line *)self;
	struct commit *commit = commit_new(line, offer);
	struct error error;
	error_clear(&error);
	line_recall(line);
	commit->base = line_take_head(line, &commit->run);
	if (build(commit, &error)) {
		submit(commit);
	} else {
		commit_settle(commit, NULL, &error);
	}
}
