/* SPDX-License-Identifier: MIT */
/* A secondary zone: its timer, what its owner tells it, its configuration and its life. The diagrams stand in
 * secondary_internal.h. */
#include "transfer/secondary_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "transfer/breaker_internal.h"

/* The wall clock was set by more than this: the deadlines are told anew. */
#define WALL_MOVED_S 60

void zone_log(const struct transfer_secondary *zone, enum log_level level, const char *format, ...)
{
	char text[TRANSFER_RESULT_MAX * 4];
	char name[DNS_NAME_TEXT_MAX];
	va_list arguments;
	if (!log_wants(level)) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	log_write(level, "zone %s: %s", dns_name_to_text_short(zone->apex, name), text);
}

void set_verdict(struct transfer_primary *primary, enum verdict verdict, enum cause cause, const char *failure,
                 struct moment now)
{
	primary->cause = cause;
	free(primary->failure);
	primary->failure = failure == NULL ? NULL : memory_copy_text(failure);
	primary->verdict = verdict;
	primary->verdict_at_ms = now.boot_ms;
}

void clear_zone_problem(struct transfer_secondary *zone)
{
	free(zone->problem);
	zone->problem = NULL;
	zone->cause = CAUSE_NONE;
}

void set_zone_problem(struct transfer_secondary *zone, enum cause cause, const char *text)
{
	clear_zone_problem(zone);
	zone->cause = cause;
	zone->problem = memory_copy_text(text);
}

void set_problem(struct transfer_secondary *zone, const struct address *where, enum cause cause, const char *why)
{
	char text[TRANSFER_RESULT_MAX * 2 + ADDRESS_TEXT_MAX];
	char address[ADDRESS_TEXT_MAX];
	snprintf(text, sizeof text, "%s: %s", address_to_text(where, address), why);
	set_zone_problem(zone, cause, text);
}

/* ---- events ---- */

void set_timer(struct transfer_secondary *zone)
{
	int64_t at_ms = fetch_deadline_ms(zone);
	if (!zone->in_round && zone->next_ask_ms < at_ms) {
		at_ms = zone->next_ask_ms;
	}
	if (zone->has_version && !zone->has_expired && zone->expire_at_ms < at_ms) {
		at_ms = zone->expire_at_ms;
	}
	if (promise_tell_ms(zone) < at_ms) {
		at_ms = promise_tell_ms(zone);
	}
	transfer_timer_set(zone->scheduler, &zone->timer, at_ms);
}

static void expire(struct transfer_secondary *zone, struct moment now)
{
	int64_t retry_at_ms = now.boot_ms + with_jitter(zone, (int64_t)clamped_retry_s(zone) * 1000);
	zone->next_ask_ms = zone->next_ask_ms < retry_at_ms ? zone->next_ask_ms : retry_at_ms;
	zone->has_expired = true;
	zone_log(zone, LOG_ERROR,
	         "expired: no primary confirmed serial %" PRIu32
	         " within its expire time; answering SERVFAIL until one can be reached%s%s",
	         zone->version.serial,
	         zone->problem == NULL ? "" : "; last: ", zone->problem == NULL ? "" : zone->problem);
	zone->owner->expired(zone->owner, now);
}

/* Somebody set the wall clock: what is remembered would be wrong after a restart. */
static void follow_wall_clock(struct transfer_secondary *zone, struct moment now)
{
	int64_t moved_s = now.wall_s - now.boot_ms / 1000 - zone->wall_offset_s;
	if (zone->has_version && !zone->has_expired && (moved_s > WALL_MOVED_S || moved_s < -WALL_MOVED_S)) {
		zone->refreshed_at_s += moved_s;
		zone->origin.came_at_s += moved_s;
		zone->promised_at_s += promise_is_owed(zone) ? moved_s : 0;
		zone->lower_since_s += zone->lower_since_s != 0 ? moved_s : 0;
		deadline_tell(zone, now);
	}
}

static void timer_expired(struct transfer_timer *timer, struct moment now)
{
	struct transfer_secondary *zone =
	        (struct transfer_secondary *)((uint8_t *)timer - offsetof(struct transfer_secondary, timer));
	follow_wall_clock(zone, now);
	if (zone->has_version && !zone->has_expired && now.boot_ms >= zone->expire_at_ms) {
		expire(zone, now);
	}
	fetch_check_time(zone, now);
	promise_tell(zone, now);
	if (!zone->in_round && now.boot_ms >= zone->next_ask_ms) {
		/* Whoever was left out may be the one who has what is owed. */
		round_begin(zone, promise_is_owed(zone), now);
	}
	set_timer(zone);
}

bool transfer_secondary_start(struct transfer_secondary *zone, const struct transfer_version *version,
                              const struct transfer_origin *origin, const struct change_deadlines *timers,
                              struct moment now)
{
	ensure(!zone->has_started);
	zone->has_started = true;
	zone->next_ask_ms = now.boot_ms;
	if (version != NULL) {
		zone->has_version = true;
		zone->version = *version;
		zone->origin = origin == NULL ? (struct transfer_origin){0} : *origin;
		zone->has_expired = !deadline_restore(zone, timers, now);
		promise_restore(zone, timers, now);
		content_restore_healed(zone, timers);
		deadline_tell(zone, now);
	}
	if (now.boot_ms >= zone->next_ask_ms || zone->has_expired) {
		round_begin(zone, false, now);
	}
	set_timer(zone);
	transfer_scheduler_run(zone->scheduler, now);
	return zone->has_version && !zone->has_expired;
}

void transfer_secondary_published(struct transfer_secondary *zone, const struct transfer_version *version,
                                  struct moment now)
{
	ensure(fetch_state(zone) == FETCH_PUBLISHING);
	fetch_published(zone, version, now);
	if (zone->in_round) {
		deadline_tell(zone, now); /* more is under way; a restart must not miss what was reached */
	}
	transfer_scheduler_run(zone->scheduler, now);
}

void transfer_secondary_refused(struct transfer_secondary *zone, const struct error *error, struct moment now)
{
	ensure(fetch_state(zone) == FETCH_PUBLISHING);
	enum fetch_fault fault = error->code == ERROR_IO ? FETCH_FAULT_LOCAL : FETCH_FAULT_CONTENT;
	fetch_refused(zone, fault, cause_of_transfer_error(error->code), error->text, now);
	transfer_scheduler_run(zone->scheduler, now);
}

void hope_for(struct transfer_primary *primary, struct moment now)
{
	breaker_hope(transfer_host_breaker(primary->host, TRANSFER_LANE_QUERY), now);
	breaker_hope(transfer_host_breaker(primary->host, TRANSFER_LANE_FETCH), now);
}

/* ---- orders ---- */

/* An operator knows better than our memory of failures. */
static void forget_failures(struct transfer_secondary *zone, struct moment now)
{
	for (size_t i = 0; i < zone->primary_count; i++) {
		struct transfer_primary *primary = zone->primaries[i];
		hope_for(primary, now);
		primary->left_out_until_ms = 0;
		primary->held_until_ms = 0;
		primary->refused_until_ms = 0;
		primary->no_ixfr_until_ms = 0;
		primary->whole_next = false;
		primary->ixfr_breaks = 0;
		primary->was_asked = false;
	}
}

static void ask_anew(struct transfer_secondary *zone, struct moment now)
{
	forget_failures(zone, now);
	round_open(zone);
	zone->round_is_barred = false;
	round_ask_all(zone, true, now);
	set_timer(zone);
	transfer_scheduler_run(zone->scheduler, now);
}

void transfer_secondary_refresh(struct transfer_secondary *zone, struct moment now)
{
	if (!zone->has_started) {
		return;
	}
	ask_anew(zone, now);
}

void transfer_secondary_retransfer(struct transfer_secondary *zone, struct moment now)
{
	if (!zone->has_started) {
		return;
	}
	if (fetch_state(zone) != FETCH_PUBLISHING) {
		fetch_cancel(zone);
	}
	zone->is_forced = true;
	ask_anew(zone, now);
}

void transfer_secondary_flush(struct transfer_secondary *zone, struct moment now)
{
	if (zone->has_version) {
		deadline_tell(zone, now);
	}
}

/* ---- configuration ---- */

static struct transfer_primary *primary_new(struct transfer_secondary *zone, const struct address *address,
                                            const struct tsig_key *key)
{
	struct transfer_primary *primary = memory_new(sizeof *primary);
	primary->zone = zone;
	primary->address = *address;
	primary->key = key == NULL ? NULL : tsig_key_ref(key);
	primary->host = transfer_host_ref(zone->scheduler, address);
	check_init(primary);
	return primary;
}

static void primary_free(struct transfer_primary *primary)
{
	check_cancel(primary);
	content_forget(primary);
	transfer_host_unref(primary->zone->scheduler, primary->host);
	free(primary->fetch_failure);
	free(primary->ixfr_failure);
	tsig_key_unref(primary->key);
	free(primary->failure);
	free(primary);
}

static bool keys_equal(const struct tsig_key *a, const struct tsig_key *b)
{
	return a == b || (a != NULL && b != NULL && tsig_key_equal(a, b));
}

/* Takes a primary with this address and key out of a list; NULL: there is none. With another key it is another one: what was
 * asked with a key that is taken out is not to be believed any more. */
static struct transfer_primary *take_known(struct transfer_primary **list, size_t count, const struct address *address,
                                           const struct tsig_key *key)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] != NULL && address_equal(&list[i]->address, address) && keys_equal(list[i]->key, key)) {
			struct transfer_primary *primary = list[i];
			list[i] = NULL;
			return primary;
		}
	}
	return NULL;
}

/* Gives how many are new. */
static size_t take_config(struct transfer_secondary *zone, const struct transfer_secondary_config *config)
{
	struct transfer_primary **before = zone->primaries;
	size_t count_before = zone->primary_count;
	size_t added = 0;
	ensure(config->primary_count > 0);
	transfer_config_release(zone->scheduler, zone->config);
	zone->config = transfer_config_share(zone->scheduler, config);
	zone->primary_count = config->primary_count;
	zone->primaries = memory_new_array(config->primary_count, sizeof(struct transfer_primary *));
	for (size_t i = 0; i < config->primary_count; i++) {
		const struct tsig_key *key = config->primary_keys == NULL ? NULL : config->primary_keys[i];
		zone->primaries[i] = take_known(before, count_before, &config->primaries[i], key);
		if (zone->primaries[i] == NULL) {
			zone->primaries[i] = primary_new(zone, &config->primaries[i], key);
			added++;
		}
		zone->primaries[i]->is_tandem = config->primary_is_tandem != NULL && config->primary_is_tandem[i];
	}
	for (size_t i = 0; i < count_before; i++) {
		if (before[i] != NULL) {
			fetch_forget(zone, before[i]);
			primary_free(before[i]);
		}
	}
	free(before);
	return added;
}

/* Deadlines that run move by what the clamps changed. */
static void move_deadlines(struct transfer_secondary *zone, int64_t refresh_before_s, int64_t expire_before_s,
                           struct moment now)
{
	zone->expire_at_ms += (clamped_expire_s(zone) - expire_before_s) * 1000;
	int64_t refresh_at_ms = zone->next_ask_ms + (clamped_refresh_s(zone) - refresh_before_s) * 1000;
	zone->next_ask_ms = refresh_at_ms > now.boot_ms ? refresh_at_ms : now.boot_ms;
}

void transfer_secondary_reconfigure(struct transfer_secondary *zone, const struct transfer_secondary_config *config,
                                    struct moment now)
{
	int64_t refresh_before_s = clamped_refresh_s(zone);
	int64_t expire_before_s = clamped_expire_s(zone);
	size_t added = take_config(zone, config);
	if (!zone->has_started) {
		return;
	}
	if (zone->has_version) {
		move_deadlines(zone, refresh_before_s, expire_before_s, now);
	}
	if (added > 0) {
		round_open(zone);
		round_ask_all(zone, false, now);
	}
	round_go_on(zone, now);
	if (zone->has_version && !zone->has_expired) {
		deadline_tell(zone, now);
	}
	transfer_scheduler_run(zone->scheduler, now);
}

/* ---- life ---- */

struct transfer_secondary *transfer_secondary_new(struct transfer_scheduler *scheduler, const uint8_t *apex,
                                                  uint16_t class, const struct transfer_secondary_config *config,
                                                  struct transfer_secondary_owner *owner)
{
	struct transfer_secondary *zone = memory_new(sizeof *zone);
	zone->scheduler = scheduler;
	zone->owner = owner;
	zone->apex = memory_copy(apex, dns_name_len(apex));
	zone->class = class;
	zone->timer.expired = timer_expired;
	take_config(zone, config);
	return zone;
}

void transfer_secondary_free(struct transfer_secondary *take, struct moment now)
{
	if (take == NULL) {
		return;
	}
	struct transfer_scheduler *scheduler = take->scheduler;
	fetch_cancel(take);
	for (size_t i = 0; i < take->primary_count; i++) {
		primary_free(take->primaries[i]);
	}
	transfer_timer_cancel(scheduler, &take->timer);
	transfer_config_release(scheduler, take->config);
	free(take->primaries);
	free(take->problem);
	free(take->zonemd_problem);
	free(take->alarm);
	free(take->apex);
	free(take);
	transfer_scheduler_run(scheduler, now);
}
