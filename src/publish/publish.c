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

struct publish {
	struct change_sink sink; /* first, so that the sink is the publisher */
	struct store *store;
	struct change_listener *listeners;
	struct change_listener **listeners_end;
};

/* From so many records on, the digest of the content is made beside the checks, on a thread of its own. */
#define DIGEST_BESIDE_MIN 50000

/* The digest of a version, on its way or done. */
struct digesting {
	const struct zone_snapshot *snapshot; /* NULL: none is wanted */
	bool beside;                          /* `thread` is at it */
	pthread_t thread;
	uint8_t content[STORE_DIGEST_SIZE];
};

/* One offer on its way through the pipeline. */
struct commit {
	struct publish *publish;
	const struct change_offer *offer;
	const struct publish_policy *policy;
	const struct zone_snapshot *pending; /* owned */
	const struct zone_snapshot *served;  /* borrowed: this thread is the zone's only writer */
	struct store_state state;            /* as on disk, then as it will be */
	bool has_state;
	bool is_on_disk; /* state is what is on disk */
	struct digesting digesting;
	bool same_content; /* as what was published last, the serial aside */
	char zone_text[DNS_NAME_TEXT_MAX];
};

static bool offer_to_publish(struct change_sink *self, const struct change_offer *offer, struct change_result *result,
                             struct error *error)
{
	return publish_commit((struct publish *)self, offer, result, error);
}

struct publish *publish_new(struct store *store)
{
	struct publish *publish = memory_new(sizeof *publish);
	publish->sink.offer = offer_to_publish;
	publish->store = store;
	publish->listeners_end = &publish->listeners;
	return publish;
}

void publish_free(struct publish *take)
{
	free(take);
}

struct change_sink *publish_sink(struct publish *publish)
{
	return &publish->sink;
}

void publish_add_listener(struct publish *publish, struct change_listener *listener)
{
	listener->next = NULL;
	*publish->listeners_end = listener;
	publish->listeners_end = &listener->next;
}

static bool is_primary(const struct commit *commit)
{
	return commit->offer->origin == CHANGE_FROM_FILE;
}

/* I2 holds for what was served, also where it could not be written or the file has broken since. */
static void recall_served(struct commit *commit)
{
	struct store_state *state = &commit->state;
	uint32_t serial = zone_serial(commit->served);
	if (commit->has_state && state->has_version && state->serial_published == serial) {
		return;
	}
	commit->has_state = true;
	commit->is_on_disk = false;
	state->has_version = true;
	state->serial_published = serial;
	state->serial_file = serial;
	store_content_digest(commit->served, state->content);
}

/* What was published last: as the store remembers it and, in a zone that is served, as served. A broken file is a start
 * from nothing. */
static void recall(struct commit *commit)
{
	struct error error;
	if (commit->publish->store == NULL) {
		return;
	}
	commit->has_state =
	        store_load_state(commit->publish->store, commit->offer->zone->apex.wire, &commit->state, &error);
	commit->is_on_disk = commit->has_state;
	if (!commit->has_state && error.code != ERROR_NOT_FOUND) {
		log_warning("zone %s: what was remembered of it is lost: %s", commit->zone_text, error.text);
	}
	if (is_primary(commit) && commit->served != NULL) {
		recall_served(commit);
	}
}

/* Only a state that a primary left tells about serials; after a change of role the numbers belong to somebody else, and
 * still a serial should not go back. */
static const struct store_state *last_published(const struct commit *commit)
{
	return commit->has_state && commit->state.has_version ? &commit->state : NULL;
}

static void *make_digest(void *self)
{
	struct digesting *digesting = self;
	store_content_digest(digesting->snapshot, digesting->content);
	return NULL;
}

/* It is wanted for a primary's serial and for what is stored. */
static void digest_begin(struct commit *commit)
{
	struct digesting *digesting = &commit->digesting;
	struct zone_facts facts;
	bool is_stored = commit->publish->store != NULL && commit->offer->origin != CHANGE_FROM_STORE;
	if (!is_primary(commit) && !is_stored) {
		return;
	}
	digesting->snapshot = commit->pending;
	zone_facts(commit->pending, &facts);
	digesting->beside = facts.records >= DIGEST_BESIDE_MIN &&
	                    pthread_create(&digesting->thread, NULL, make_digest, digesting) == 0;
}

/* Before `pending` becomes another one, or is given up; then it is no longer wanted. */
static void digest_end(struct commit *commit, bool wanted)
{
	struct digesting *digesting = &commit->digesting;
	if (digesting->beside) {
		pthread_join(digesting->thread, NULL);
	} else if (wanted && digesting->snapshot != NULL) {
		make_digest(digesting);
	}
	if (wanted && digesting->snapshot != NULL) {
		const struct store_state *last = last_published(commit);
		size_t size = sizeof digesting->content;
		commit->same_content = last != NULL && memcmp(digesting->content, last->content, size) == 0;
		memcpy(commit->state.content, digesting->content, size);
	}
}

/* A primary's serial by its policy (I2). */
static bool amend_serial(struct commit *commit, struct change_result *result, struct error *error)
{
	enum publish_serial_policy policy =
	        publish_is_sealed(commit->pending) ? PUBLISH_SERIAL_KEEP : commit->policy->serial;
	const struct store_state *last = last_published(commit);
	uint32_t offered = zone_serial(commit->pending);
	uint32_t serial;
	enum publish_serial_outcome outcome =
	        publish_choose_serial(policy, last, offered, commit->same_content, commit->offer->now.wall_s, &serial);
	commit->state.serial_file = offered;
	result->serial_offered = offered;
	switch (outcome) {
	case PUBLISH_SERIAL_REFUSED:
		return error_set(error, ERROR_STALE,
		                 "serial %u is not newer than %u, which was published last, and the zone %s; raise the "
		                 "serial in the file",
		                 offered, last->serial_published,
		                 publish_is_sealed(commit->pending)
		                         ? "is signed or has a ZONEMD, so it cannot be raised here"
		                         : "has `serial: keep`");
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
	const struct zone_snapshot *amended = publish_with_serial(commit->pending, serial, error);
	zone_unref(commit->pending);
	commit->pending = amended;
	return amended != NULL;
}

/* A secondary takes what is newer; after expiry, or when told to, anything (RFC 1982 3.2). */
static bool secondary_may_take(const struct commit *commit, struct error *error)
{
	if (commit->served == NULL || commit->offer->forced || commit->offer->origin == CHANGE_FROM_STORE) {
		return true;
	}
	uint32_t served = zone_serial(commit->served);
	uint32_t offered = zone_serial(commit->pending);
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

static bool amend(struct commit *commit, struct change_result *result, struct error *error)
{
	if (is_primary(commit)) {
		return amend_serial(commit, result, error);
	}
	result->serial_offered = zone_serial(commit->pending);
	return secondary_may_take(commit, error);
}

/* Fills in what changed; CHANGE_UNCHANGED when there is nothing to do. */
static void compare(struct commit *commit, struct change_result *result)
{
	result->serial = zone_serial(commit->pending);
	result->outcome = CHANGE_PUBLISHED;
	if (commit->served == NULL) {
		return;
	}
	result->had_before = true;
	result->serial_before = zone_serial(commit->served);
	struct change_counts counts = change_count(commit->served, commit->pending);
	result->removed = counts.removed;
	result->added = counts.added;
	if (counts.removed == 0 && counts.added == 0) {
		result->outcome = CHANGE_UNCHANGED;
	}
}

/* The durable side. On a primary the zone file has the records: only serial and digest are kept. */
static bool store(struct commit *commit, struct change_result *result, struct error *error)
{
	struct store_state *state = &commit->state;
	struct error reason;
	if (commit->publish->store == NULL || commit->offer->origin == CHANGE_FROM_STORE) {
		return true;
	}
	bool keep = is_primary(commit) && commit->is_on_disk && state->has_version && commit->same_content &&
	            state->serial_published == result->serial && state->role == STORE_PRIMARY;
	state->role = is_primary(commit) ? STORE_PRIMARY : STORE_SECONDARY;
	state->has_version = true;
	state->serial_published = result->serial;
	state->has_records = !is_primary(commit);
	if (!is_primary(commit)) {
		state->serial_file = result->serial;
	}
	if (keep || store_save(commit->publish->store, commit->offer->zone->apex.wire,
	                       is_primary(commit) ? NULL : commit->pending, state, &reason)) {
		return true;
	}
	if (is_primary(commit) && commit->served != NULL) {
		return error_set(error, ERROR_IO, "serial %u could not be made durable: %s", result->serial,
		                 reason.text);
	}
	/* A secondary goes on following with what it has in memory; a primary that has nothing else to serve serves
	 * its file. Both say so. */
	result->is_volatile = true;
	snprintf(result->volatile_because, sizeof result->volatile_because, "%.199s", reason.text);
	log_error("zone %s: serial %u is served but not on disk, a restart would forget it: %s", commit->zone_text,
	          result->serial, reason.text);
	return true;
}

static void announce(struct commit *commit, const struct zone_snapshot *published, const struct change_result *result)
{
	for (struct change_listener *listener = commit->publish->listeners; listener != NULL;
	     listener = listener->next) {
		listener->published(listener, commit->offer->zone, published, commit->offer, result);
	}
}

static bool check(struct commit *commit, struct error *error)
{
	if (!dns_name_equal(zone_name(commit->pending), commit->offer->zone->apex.wire)) {
		return error_set(error, ERROR_INVALID, "the version is of another zone");
	}
	return commit->offer->origin == CHANGE_FROM_STORE || publish_check(commit->pending, commit->policy, error);
}

/* Makes `pending` the served version. */
static void publish_pending(struct commit *commit, struct change_result *result)
{
	struct zone *zone = commit->offer->zone;
	const struct zone_snapshot *published = zone_ref(commit->pending);
	enum zone_state before = atomic_load(&zone->state);
	result->expiry_lifted = before != ZONE_STATE_SERVED;
	zone_publish(zone, commit->pending);
	commit->pending = NULL;
	announce(commit, published, result);
	zone_unref(published);
}

bool publish_commit(struct publish *publish, const struct change_offer *offer, struct change_result *result,
                    struct error *error)
{
	struct commit commit = {
	        .publish = publish,
	        .offer = offer,
	        .policy = offer->policy,
	        .pending = offer->candidate,
	        .served = zone_served(offer->zone),
	};
	dns_name_to_text_short(offer->zone->apex.wire, commit.zone_text);
	*result = (struct change_result){0};
	recall(&commit);
	digest_begin(&commit);
	bool done = check(&commit, error);
	digest_end(&commit, done);
	done = done && amend(&commit, result, error);
	if (done) {
		compare(&commit, result);
		done = store(&commit, result, error);
	}
	if (done && result->outcome == CHANGE_PUBLISHED) {
		publish_pending(&commit, result);
	}
	zone_unref(commit.pending);
	return done;
}
