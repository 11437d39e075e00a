/* SPDX-License-Identifier: MIT */
#include "server/zones_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"

struct server_zone *server_zone_new(struct server *server, struct conf *conf, const struct conf_zone *options,
                                    struct job_lane *lane)
{
	struct server_zone *zone = memory_new(sizeof *zone);
	pthread_condattr_t clock;
	char name[DNS_NAME_TEXT_MAX];
	zone->server = server;
	zone->name = memory_copy_text(dns_name_to_text_short(options->name, name));
	zone->zone = zone_new(options->name, DNS_CLASS_IN);
	zone->line = publish_line_new(server->publish, zone->zone, zone);
	atomic_init(&zone->references, 1);
	pthread_mutex_init(&zone->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&zone->waits_done, &clock);
	pthread_condattr_destroy(&clock);
	zone->conf = conf_ref(conf);
	zone->options = options;
	zone->load_pending = true;
	atomic_fetch_add(&server->loading, 1);
	zone->lane = lane == NULL ? job_lane_new() : lane;
	zonefile_files_init(&zone->files);
	return zone;
}

struct server_zone *server_zone_ref(struct server_zone *zone)
{
	atomic_fetch_add_explicit(&zone->references, 1, memory_order_relaxed);
	return zone;
}

void server_zone_unref(struct server_zone *take)
{
	if (take == NULL || atomic_fetch_sub_explicit(&take->references, 1, memory_order_acq_rel) > 1) {
		return;
	}
	ensure(take->follow == NULL && take->announce == NULL && take->waits == NULL);
	server_zone_end_loading(take, false);
	server_zone_clear_rules(take);
	publish_line_free(take->line);
	zone_free(take->zone);
	zonefile_files_deinit(&take->files);
	conf_unref(take->conf);
	job_lane_unref(take->lane);
	pthread_cond_destroy(&take->waits_done);
	pthread_mutex_destroy(&take->lock);
	free(take->name);
	free(take->reason);
	free(take->volatile_because);
	free(take->store_problem);
	free(take->doing);
	free(take);
}

static void log_loaded(const struct server *server)
{
	size_t in_vain = atomic_load(&server->loaded_in_vain);
	int64_t ms = clock_now().boot_ms - server->started_at.boot_ms;
	if (in_vain > 0) {
		log_notice("all zones were looked at, %.3f s after the start; of %zu nothing is served yet: `tandem "
		           "status`",
		           (double)ms / 1000, in_vain);
	} else {
		log_notice("all zones are served, %.3f s after the start", (double)ms / 1000);
	}
}

void server_zone_end_loading(struct server_zone *zone, bool in_vain)
{
	struct server *server = zone->server;
	pthread_mutex_lock(&zone->lock);
	bool was_pending = zone->load_pending;
	zone->load_pending = false;
	pthread_mutex_unlock(&zone->lock);
	if (!was_pending) {
		return;
	}
	if (in_vain) {
		atomic_fetch_add(&server->loaded_in_vain, 1);
	}
	bool is_last = atomic_fetch_sub(&server->loading, 1) == 1;
	if (is_last && !atomic_load(&server->stopping) && !atomic_exchange(&server->was_loaded, true)) {
		log_loaded(server);
	}
}

struct server_zone_options server_zone_options(struct server_zone *zone)
{
	struct server_zone_options options;
	pthread_mutex_lock(&zone->lock);
	options.conf = conf_ref(zone->conf);
	options.zone = zone->options;
	pthread_mutex_unlock(&zone->lock);
	return options;
}

void server_zone_options_release(struct server_zone_options *options)
{
	conf_unref(options->conf);
}

void server_zone_configure(struct server_zone *zone, struct conf *conf, const struct conf_zone *options)
{
	struct conf *before = zone->conf;
	pthread_mutex_lock(&zone->lock);
	zone->conf = conf_ref(conf);
	zone->options = options;
	pthread_mutex_unlock(&zone->lock);
	conf_unref(before);
}

void server_zone_set_announced(struct server_zone *zone)
{
	atomic_store(&zone->was_announced, true);
}

bool server_zone_was_announced(const struct server_zone *zone)
{
	return atomic_load(&zone->was_announced);
}

static enum publish_serial_policy serial_policy_of(enum conf_serial_policy policy)
{
	switch (policy) {
	case CONF_SERIAL_KEEP:
		return PUBLISH_SERIAL_KEEP;
	case CONF_SERIAL_RAISE:
		return PUBLISH_SERIAL_RAISE;
	case CONF_SERIAL_UNIXTIME:
		return PUBLISH_SERIAL_UNIXTIME;
	case CONF_SERIAL_DATE:
		return PUBLISH_SERIAL_DATE;
	}
	return PUBLISH_SERIAL_KEEP;
}

static enum publish_severity severity_of(enum conf_severity severity)
{
	switch (severity) {
	case CONF_IGNORE:
		return PUBLISH_IGNORE;
	case CONF_WARN:
		return PUBLISH_WARN;
	case CONF_FAIL:
		return PUBLISH_FAIL;
	}
	return PUBLISH_WARN;
}

static struct change_history_limits history_of(const struct conf_zone_options *options)
{
	return (struct change_history_limits){
	        .count_max = options->history_max_changes,
	        .octets_max = options->history_max_size == 0 ? PUBLISH_HISTORY_HALF : options->history_max_size,
	        .age_max_s = options->history_max_age_s,
	};
}

struct publish_policy server_zone_policy(const struct conf_zone *zone)
{
	return (struct publish_policy){
	        .history = history_of(zone->options),
	        .serial = serial_policy_of(zone->options->serial),
	        .strict = !conf_zone_is_secondary(zone) || zone->options->strict_checks,
	        .check_ns = severity_of(zone->options->check_ns),
	        .check_mx_srv = severity_of(zone->options->check_mx_srv),
	};
}

bool server_zone_is_secondary(struct server_zone *zone)
{
	pthread_mutex_lock(&zone->lock);
	bool is_secondary = conf_zone_is_secondary(zone->options);
	pthread_mutex_unlock(&zone->lock);
	return is_secondary;
}

static void replace_text(char **place, const char *text)
{
	free(*place);
	*place = text == NULL ? NULL : memory_copy_text(text);
}

void server_zone_note_load(struct server_zone *zone)
{
	pthread_mutex_lock(&zone->lock);
	zone->loaded_at_ms = clock_now().boot_ms;
	pthread_mutex_unlock(&zone->lock);
}

void server_zone_set_reason(struct server_zone *zone, enum cause cause, const char *reason)
{
	pthread_mutex_lock(&zone->lock);
	zone->cause = cause;
	replace_text(&zone->reason, reason);
	pthread_mutex_unlock(&zone->lock);
}

void server_zone_set_volatile(struct server_zone *zone, const char *because)
{
	pthread_mutex_lock(&zone->lock);
	zone->is_volatile = because != NULL;
	replace_text(&zone->volatile_because, because);
	pthread_mutex_unlock(&zone->lock);
}

void server_zone_set_store_problem(struct server_zone *zone, const char *problem)
{
	pthread_mutex_lock(&zone->lock);
	replace_text(&zone->store_problem, problem);
	pthread_mutex_unlock(&zone->lock);
}

bool server_zone_is_volatile(struct server_zone *zone)
{
	pthread_mutex_lock(&zone->lock);
	bool is_volatile = zone->is_volatile;
	pthread_mutex_unlock(&zone->lock);
	return is_volatile;
}

void server_zone_set_doing(struct server_zone *zone, const char *doing)
{
	pthread_mutex_lock(&zone->lock);
	replace_text(&zone->doing, doing);
	pthread_mutex_unlock(&zone->lock);
}

/* ---- waiting ---- */

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec time_at(int64_t monotonic_ms)
{
	return (struct timespec){.tv_sec = monotonic_ms / 1000, .tv_nsec = monotonic_ms % 1000 * 1000000};
}

void server_zone_wait_begin(struct server_zone *zone, struct server_wait *wait, enum control_action action)
{
	*wait = (struct server_wait){.action = action};
	text_init(&wait->text, 4096);
	pthread_mutex_lock(&zone->lock);
	wait->load = zone->loads_begun + 1;
	wait->next = zone->waits;
	zone->waits = wait;
	pthread_mutex_unlock(&zone->lock);
}

/* The lock is held. */
static void wait_unlink(struct server_zone *zone, struct server_wait *wait)
{
	for (struct server_wait **place = &zone->waits; *place != NULL; place = &(*place)->next) {
		if (*place == wait) {
			*place = wait->next;
			return;
		}
	}
}

static bool is_over(const struct server_zone *zone, const struct server_wait *wait)
{
	return wait->done || atomic_load(&zone->server->stopping) || atomic_load(&zone->is_removed);
}

/* The lock is held. */
static bool wait_until_done(struct server_zone *zone, struct server_wait *wait, uint32_t timeout_ms,
                            const struct control_asker *asker, struct error *error)
{
	int64_t deadline_ms = monotonic_ms() + timeout_ms;
	int64_t left_ms = timeout_ms;
	while (!is_over(zone, wait) && left_ms > 0 && !control_is_gone(asker)) {
		int64_t pause_ms = left_ms < CONTROL_LOOK_MS ? left_ms : CONTROL_LOOK_MS;
		struct timespec look = time_at(deadline_ms - left_ms + pause_ms);
		pthread_cond_timedwait(&zone->waits_done, &zone->lock, &look);
		left_ms = deadline_ms - monotonic_ms();
	}
	if (wait->done && wait->succeeded) {
		return true;
	}
	/* What ends all waits is told as that, whether they were ended already or look for themselves. */
	if (atomic_load(&zone->is_removed)) {
		return error_set(error, ERROR_NOT_FOUND, SERVER_ZONE_REMOVED);
	}
	if (atomic_load(&zone->server->stopping)) {
		return error_set(error, ERROR_STOPPED, "the server is stopping");
	}
	return wait->done ? error_set(error, ERROR_INVALID, "%s", text_string(&wait->text))
	                  : error_set(error, ERROR_TIMEOUT, "not finished after %u ms; it goes on", timeout_ms);
}

bool server_zone_wait_end(struct server_zone *zone, struct server_wait *wait, uint32_t timeout_ms,
                          const struct control_asker *asker, struct text *out, struct error *error)
{
	pthread_mutex_lock(&zone->lock);
	bool succeeded = wait_until_done(zone, wait, timeout_ms, asker, error);
	wait_unlink(zone, wait);
	pthread_mutex_unlock(&zone->lock);
	text_add_string(out, text_string(&wait->text));
	text_deinit(&wait->text);
	return succeeded;
}

void server_zone_wait_cancel(struct server_zone *zone, struct server_wait *wait)
{
	pthread_mutex_lock(&zone->lock);
	wait_unlink(zone, wait);
	pthread_mutex_unlock(&zone->lock);
	text_deinit(&wait->text);
}

/* Ends the waits for an action that want no load after this one. */
static void finish(struct server_zone *zone, enum control_action action, uint64_t load, bool succeeded,
                   const char *text)
{
	pthread_mutex_lock(&zone->lock);
	struct server_wait **place = &zone->waits;
	while (*place != NULL) {
		struct server_wait *wait = *place;
		if (wait->action != action || wait->load > load) {
			place = &wait->next;
			continue;
		}
		*place = wait->next;
		wait->done = true;
		wait->succeeded = succeeded;
		text_add_string(&wait->text, text);
	}
	pthread_cond_broadcast(&zone->waits_done);
	pthread_mutex_unlock(&zone->lock);
}

void server_zone_finish(struct server_zone *zone, enum control_action action, bool succeeded, const char *text)
{
	finish(zone, action, UINT64_MAX, succeeded, text);
}

void server_zone_finish_load(struct server_zone *zone, uint64_t load, bool succeeded, const char *text)
{
	finish(zone, CONTROL_RELOAD, load, succeeded, text);
}

void server_zone_finish_all(struct server_zone *zone, const char *text)
{
	for (int action = 0; action < CONTROL_ACTIONS; action++) {
		server_zone_finish(zone, (enum control_action)action, false, text);
	}
}
