/* SPDX-License-Identifier: MIT */
#include "server/forget_internal.h"

#include <inttypes.h>
#include <time.h>

#include "base/log.h"
#include "server/server_internal.h"

/* How often it looks whether a zone that was removed has wholly left: nothing tells of that. */
#define LEAVING_LOOK_MS 10

bool forget_refuse(struct error *error)
{
	return error_set(error, ERROR_INVALID,
	                 "the zone is configured here; take it out of the configuration and reload first");
}

/* True: the reload_lock is held, and nobody works for a zone of that name that was removed, so that nothing more of it is
 * written. */
static bool lock_when_left(struct server *server, const uint8_t *apex, const struct control_order *order,
                           struct error *error)
{
	int64_t deadline_ms = clock_now().boot_ms + order->timeout_ms;
	pthread_mutex_lock(&server->reload_lock);
	while (!leaving_is_over(server, apex)) {
		pthread_mutex_unlock(&server->reload_lock);
		if (atomic_load(&server->stopping)) {
			return error_set(error, ERROR_STOPPED, "the server is stopping");
		}
		if (clock_now().boot_ms >= deadline_ms || control_is_gone(order->asker)) {
			return error_set(error, ERROR_TIMEOUT,
			                 "a transfer of it or a write is still under way after %u ms; nothing was "
			                 "removed, try again",
			                 order->timeout_ms);
		}
		nanosleep(&(struct timespec){.tv_nsec = LEAVING_LOOK_MS * 1000000L}, NULL);
		pthread_mutex_lock(&server->reload_lock);
	}
	return true;
}

static void tell_forgotten(const struct store_forgotten *forgotten, struct text *out)
{
	text_format(out, "removed %" PRIu64 " value%s and %" PRIu64 " image%s", forgotten->values,
	            forgotten->values == 1 ? "" : "s", forgotten->images, forgotten->images == 1 ? "" : "s");
	if (forgotten->keeps_serial) {
		text_format(out, "; that serials up to %" PRIu32 " were given stays noted", forgotten->serial);
	}
}

/* The reload_lock is held: no zone comes or goes. */
static bool forget(struct server *server, const uint8_t *apex, struct text *out, struct error *error)
{
	struct store_forgotten forgotten;
	struct server_zone *zone = server_find(server, apex);
	if (zone != NULL) {
		server_zone_unref(zone);
		return forget_refuse(error);
	}
	if (!store_forget(server->store, apex, &forgotten, error)) {
		return false;
	}
	tell_forgotten(&forgotten, out);
	return true;
}

bool forget_zone(struct server *server, const struct control_order *order, struct text *out, struct error *error)
{
	struct dns_name apex;
	char name[DNS_NAME_TEXT_MAX];
	if (!dns_name_from_text(order->zone, &apex, error) || !lock_when_left(server, apex.wire, order, error)) {
		return false;
	}
	bool done = forget(server, apex.wire, out, error);
	pthread_mutex_unlock(&server->reload_lock);
	if (done) {
		log_notice("zone %s: forgotten: %s", dns_name_to_text_short(apex.wire, name), text_string(out));
	} else if (error->code == ERROR_NOT_FOUND) {
		error_set(error, ERROR_NOT_FOUND, "the zone is not configured, and nothing is stored of it");
	}
	return done;
}
