/* SPDX-License-Identifier: MIT */
#include "server/follow_internal.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/server_internal.h"
#include "server/verify_internal.h"
#include "server/writer_internal.h"

/* The machine's owner; the replication loop's. */
struct follow {
	struct transfer_secondary_owner owner; /* first: the machine hands it back */
	struct transfer_secondary *machine;
	struct server_zone *zone;
	bool is_started;
	bool has_expired; /* and the zone writer was told, who may come to it only after the next version is served */
	bool had_zonemd;  /* when owner_verify looked last */
	uint32_t generation; /* tells this machine from one that the zone had before a change of role */
};

/* One thing that is carried to the loop's thread. */
struct follow_event {
	struct server_zone *zone; /* a reference */
	const struct zone_snapshot *snapshot;
	const struct change_history *history; /* what leads to it; a reference */
	struct change_deadlines timers;
	struct transfer_origin origin; /* of `snapshot` */
	struct error error;
	struct address from;
	struct transfer_hint hint;
	uint32_t generation;
	bool has_digest; /* of the content of `snapshot`: */
	struct change_digest digest;
	bool is_good; /* it is what its ZONEMD says, else `error` says why not */
};

static struct follow_event *event_new(struct server_zone *zone)
{
	struct follow_event *event = memory_new(sizeof *event);
	event->zone = server_zone_ref(zone);
	return event;
}

static void event_free(struct follow_event *event)
{
	zone_unref(event->snapshot);
	change_history_unref(event->history);
	server_zone_unref(event->zone);
	free(event);
}

/* ---- NOTIFYs that come too early ---- */

/* Its sender has the answer and will not repeat it (RFC 1996 3.6), so that it is followed when the machine starts. Of several
 * one is enough: it makes us ask, and what is asked then is newer than all of them. */
static void keep_early(struct follow_event *take)
{
	struct server_zone *zone = take->zone;
	if (zone->early_notify != NULL) {
		event_free(zone->early_notify);
	}
	zone->early_notify = take;
}

static void drop_early(struct server_zone *zone)
{
	struct follow_event *early = zone->early_notify;
	zone->early_notify = NULL;
	if (early != NULL) {
		event_free(early);
	}
}

static void follow_early(struct server_zone *zone, struct moment now)
{
	const struct follow_event *early = zone->early_notify;
	if (early != NULL) {
		transfer_secondary_notified(zone->follow->machine, &early->from, &early->hint, now);
		drop_early(zone);
	}
}

/* ---- what the machine wants ---- */

static void owner_received(struct transfer_secondary_owner *self, struct transfer_in *take, const struct address *from,
                           bool forced)
{
	struct follow *follow = (struct follow *)self;
	char who[ADDRESS_TEXT_MAX];
	writer_offer(follow->zone, take, address_to_text(from, who), forced, follow->generation);
}

static void owner_expired(struct transfer_secondary_owner *self, struct moment now)
{
	struct follow *follow = (struct follow *)self;
	(void)now;
	follow->has_expired = true;
	writer_expire(follow->zone);
}

static void owner_timers(struct transfer_secondary_owner *self, const struct change_deadlines *timers,
                         int64_t expire_at_ms)
{
	struct follow *follow = (struct follow *)self;
	atomic_store_explicit(&follow->zone->zone->expires_at_ms, expire_at_ms, memory_order_relaxed);
	writer_save_timers(follow->zone, timers);
}

static void owner_verify(struct transfer_secondary_owner *self)
{
	struct follow *follow = (struct follow *)self;
	const struct zone_snapshot *served = zone_served(follow->zone->zone);
	struct zone_node apex;
	struct zone_rrset zonemd;
	if (served == NULL) {
		return;
	}
	zone_apex(served, &apex);
	bool has_zonemd = zone_node_rrset(&apex, DNS_TYPE_ZONEMD, &zonemd);
	if (has_zonemd || follow->had_zonemd) {
		verify_zonemd(follow->zone, follow->generation);
	}
	follow->had_zonemd = has_zonemd;
}

static void owner_settled(struct transfer_secondary_owner *self, enum transfer_outcome outcome, const char *text,
                          struct moment now)
{
	struct follow *follow = (struct follow *)self;
	struct server_zone *zone = follow->zone;
	bool succeeded = outcome != TRANSFER_NO_SUCCESS;
	struct transfer_secondary_status status;
	(void)now;
	transfer_secondary_status(follow->machine, &status);
	server_zone_set_reason(zone, succeeded ? CAUSE_NONE : status.cause, succeeded ? NULL : text);
	server_zone_finish(zone, CONTROL_REFRESH, succeeded, text);
	server_zone_finish(zone, CONTROL_RELOAD, succeeded, text);
	server_zone_finish(zone, CONTROL_RETRANSFER, succeeded, text);
}

/* ---- setting up ---- */

static struct transfer_source source_of(const struct conf_source *source)
{
	return (struct transfer_source){.v4 = source->v4, .v6 = source->v6};
}

/* What is signed for a peer is signed with the first of its keys. */
static const struct tsig_key *key_of(const struct conf_target *target)
{
	return target->keys.count == 0 ? NULL : target->keys.items[0];
}

/* `primaries`, `keys` and `is_tandem` have room for the zone's targets. */
static struct transfer_secondary_config config_of(const struct conf_zone_options *options, struct address *primaries,
                                                  const struct tsig_key **keys, bool *is_tandem)
{
	for (size_t i = 0; i < options->primaries.count; i++) {
		primaries[i] = options->primaries.items[i].address;
		keys[i] = key_of(&options->primaries.items[i]);
		is_tandem[i] = options->primaries.items[i].is_tandem;
	}
	return (struct transfer_secondary_config){
	        .primaries = primaries,
	        .primary_count = options->primaries.count,
	        .primary_keys = keys,
	        .primary_is_tandem = is_tandem,
	        .query_source = source_of(&options->query_source),
	        .transfer_source = source_of(&options->transfer_source),
	        .refresh_min_s = options->refresh_min_s,
	        .refresh_max_s = options->refresh_max_s,
	        .retry_min_s = options->retry_min_s,
	        .retry_max_s = options->retry_max_s,
	        .expire_min_s = options->expire_min_s,
	        .expire_max_s = options->expire_max_s,
	        .records_max = options->max_records,
	        .bytes_max = options->max_zone_size,
	        .transfer_idle_ms = options->transfer_in_idle_ms,
	        .transfer_total_ms = options->transfer_in_total_ms,
	        .transfer_rate_min = options->transfer_in_min_rate,
	        .follows_lower = options->lower_serial_after_s != CONF_NEVER,
	        .lower_after_s = options->lower_serial_after_s,
	        .pin_s = options->pin_primary_s,
	};
}

void follow_free(struct server_zone *zone, struct moment now)
{
	drop_early(zone);
	if (zone->follow != NULL) {
		transfer_secondary_free(zone->follow->machine, now);
		free(zone->follow);
		zone->follow = NULL;
	}
}

void follow_stop(struct server_zone *zone, struct moment now)
{
	struct transfer_secondary_status status;
	if (follow_machine(zone) != NULL) {
		transfer_secondary_status(zone->follow->machine, &status);
		if (status.phase != TRANSFER_PHASE_IDLE) {
			transfer_secondary_flush(zone->follow->machine, now);
		}
	}
	follow_free(zone, now);
}

static void follow_new(struct server_zone *zone, const struct transfer_secondary_config *config)
{
	struct follow *follow = memory_new(sizeof *follow);
	follow->owner = (struct transfer_secondary_owner){
	        .received = owner_received,
	        .expired = owner_expired,
	        .timers = owner_timers,
	        .verify = owner_verify,
	        .settled = owner_settled,
	};
	follow->zone = zone;
	follow->generation = ++zone->follow_generations;
	follow->machine = transfer_secondary_new(zone->server->edge.scheduler, zone->zone->apex, zone->zone->class,
	                                         config, &follow->owner);
	zone->follow = follow;
}

static void configure_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	struct server_zone *zone = event->zone;
	struct server_zone_options options = server_zone_options(zone);
	struct address *primaries = memory_new_array(options.zone->options->primaries.count, sizeof *primaries);
	const struct tsig_key **keys = memory_new_array(options.zone->options->primaries.count, sizeof *keys);
	bool *is_tandem = memory_new_array(options.zone->options->primaries.count, sizeof *is_tandem);
	struct transfer_secondary_config config = config_of(options.zone->options, primaries, keys, is_tandem);
	if (atomic_load(&zone->is_removed) || !conf_zone_is_secondary(options.zone)) {
		follow_free(zone, now);
		atomic_store_explicit(&zone->zone->expires_at_ms, ZONE_NEVER_EXPIRES, memory_order_relaxed);
	} else if (zone->follow == NULL) {
		follow_new(zone, &config);
		writer_restore(zone);
	} else {
		transfer_secondary_reconfigure(zone->follow->machine, &config, now);
	}
	free(primaries);
	free(keys);
	free(is_tandem);
	server_zone_options_release(&options);
	event_free(event);
}

void follow_configure(struct server_zone *zone)
{
	server_post(zone->server, configure_on_loop, event_new(zone));
}

static struct transfer_version version_of(const struct follow_event *event)
{
	struct transfer_version version = transfer_version_of(event->snapshot);
	version.has_digest = event->has_digest;
	version.digest = event->digest;
	return version;
}

static void note_digest(struct follow_event *event, const struct change_digest *digest)
{
	event->has_digest = digest != NULL;
	if (digest != NULL) {
		event->digest = *digest;
	}
}

static void restored_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	struct follow *follow = event->zone->follow;
	if (follow != NULL && !follow->is_started) {
		follow->is_started = true;
		if (event->snapshot == NULL) {
			transfer_secondary_start(follow->machine, NULL, NULL, NULL, now);
		} else {
			struct transfer_version version = version_of(event);
			if (transfer_secondary_start(follow->machine, &version, &event->origin, &event->timers, now)) {
				writer_offer_restored(event->zone, event->snapshot, event->history);
				event->snapshot = NULL;
				event->history = NULL;
			} else {
				writer_expire(event->zone);
				log_error("zone %s: the stored version, serial %u, expired while the server was "
				          "stopped; answering SERVFAIL until a primary can be reached",
				          event->zone->name, version.serial);
			}
		}
		follow_early(event->zone, now);
	}
	event_free(event);
}

void follow_restored(struct server_zone *zone, const struct zone_snapshot *take,
                     const struct change_history *take_history, const struct change_digest *digest,
                     const struct transfer_origin *origin, const struct change_deadlines *timers)
{
	struct follow_event *event = event_new(zone);
	event->snapshot = take;
	event->origin = *origin;
	note_digest(event, digest);
	event->history = take_history;
	if (timers != NULL) {
		event->timers = *timers;
	}
	server_post(zone->server, restored_on_loop, event);
}

static void restored_served_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	struct follow *follow = event->zone->follow;
	(void)now;
	if (follow != NULL && follow->has_expired) {
		writer_expire(event->zone); /* it may have been withdrawn while it was still on its way to be served */
	}
	event_free(event);
}

void follow_restored_served(struct server_zone *zone)
{
	server_post(zone->server, restored_served_on_loop, event_new(zone));
}

static bool is_for_machine(const struct follow_event *event)
{
	return event->zone->follow != NULL && event->zone->follow->generation == event->generation;
}

static void published_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	if (is_for_machine(event)) {
		struct follow *follow = event->zone->follow;
		struct transfer_version version = version_of(event);
		if (follow->has_expired) {
			/* In case it withdrew the version that has just lifted the expiry. */
			follow->has_expired = false;
			writer_offer_restored(event->zone, zone_ref(event->snapshot), NULL);
		}
		transfer_secondary_published(follow->machine, &version, now);
	}
	event_free(event);
}

void follow_published(struct server_zone *zone, uint32_t generation, const struct zone_snapshot *take,
                      const struct change_digest *digest)
{
	struct follow_event *event = event_new(zone);
	event->generation = generation;
	event->snapshot = take;
	note_digest(event, digest);
	server_post(zone->server, published_on_loop, event);
}

static void verified_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	if (is_for_machine(event)) {
		struct transfer_version version = version_of(event);
		transfer_secondary_verified(event->zone->follow->machine, &version,
		                            event->is_good ? NULL : event->error.text, now);
	}
	event_free(event);
}

void follow_verified(struct server_zone *zone, uint32_t generation, const struct zone_snapshot *take,
                     const struct change_digest *digest, const struct error *problem)
{
	struct follow_event *event = event_new(zone);
	event->generation = generation;
	event->snapshot = take;
	note_digest(event, digest);
	event->is_good = problem == NULL;
	if (problem != NULL) {
		event->error = *problem;
	}
	server_post(zone->server, verified_on_loop, event);
}

static void refused_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	if (is_for_machine(event)) {
		transfer_secondary_refused(event->zone->follow->machine, &event->error, now);
	}
	event_free(event);
}

void follow_refused(struct server_zone *zone, uint32_t generation, const struct error *error)
{
	struct follow_event *event = event_new(zone);
	event->generation = generation;
	event->error = *error;
	server_post(zone->server, refused_on_loop, event);
}

static void notified_on_loop(void *context, struct moment now)
{
	struct follow_event *event = context;
	struct server_zone *zone = event->zone;
	atomic_fetch_sub_explicit(&zone->notifies_queued, 1, memory_order_relaxed);
	if (zone->follow != NULL && zone->follow->is_started) {
		transfer_secondary_notified(zone->follow->machine, &event->from, &event->hint, now);
	} else if (server_zone_is_secondary(zone) && !atomic_load(&zone->is_removed)) {
		keep_early(event);
		return;
	}
	event_free(event);
}

/* NOTIFYs of one zone that may wait for the loop at once: some for each of several primaries. */
#define NOTIFIES_QUEUED_MAX 64

bool follow_notified(struct server_zone *zone, const struct address *from, const struct transfer_hint *hint)
{
	/* A flood is dropped here, so that it leaves room in the queue for other zones and for orders: those that wait
	 * lead to questions that are asked later than now, and the refresh timer and the sender's retries remain. */
	if (atomic_fetch_add_explicit(&zone->notifies_queued, 1, memory_order_relaxed) >= NOTIFIES_QUEUED_MAX) {
		atomic_fetch_sub_explicit(&zone->notifies_queued, 1, memory_order_relaxed);
		return true;
	}
	struct follow_event *event = event_new(zone);
	event->from = *from;
	event->hint = *hint;
	if (!net_loop_post(zone->server->loop, notified_on_loop, event)) {
		atomic_fetch_sub_explicit(&zone->notifies_queued, 1, memory_order_relaxed);
		event_free(event);
		return false;
	}
	return true;
}

/* ---- orders and status, on the loop's thread ---- */

bool follow_order(struct server_zone *zone, enum control_action action, struct moment now)
{
	struct follow *follow = zone->follow;
	if (follow == NULL || !follow->is_started) {
		return false;
	}
	if (action == CONTROL_RETRANSFER) {
		transfer_secondary_retransfer(follow->machine, now);
	} else {
		transfer_secondary_refresh(follow->machine, now);
	}
	return true;
}

void follow_tell_timers(struct server_zone *zone, struct moment now)
{
	if (follow_machine(zone) != NULL) {
		transfer_secondary_flush(zone->follow->machine, now);
	}
}

const struct transfer_secondary *follow_machine(const struct server_zone *zone)
{
	return zone->follow != NULL && zone->follow->is_started ? zone->follow->machine : NULL;
}
