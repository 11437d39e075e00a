/* SPDX-License-Identifier: MIT */
#include "server/rewrite_internal.h"

#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"
#include "server/writer_internal.h"

/* A disk is tried first after this, then ever more rarely. */
#define PAUSE_FIRST_MS 5000
#define PAUSE_MOST_MS  60000
/* Zones that a try passes over, at most. */
#define PASSED_MAX 64

static int64_t pause_ms(const struct rewrites *rewrites)
{
	int64_t ms = PAUSE_FIRST_MS;
	for (uint32_t i = 0; i < rewrites->tries && ms < PAUSE_MOST_MS; i++) {
		ms *= 2;
	}
	return ms < PAUSE_MOST_MS ? ms : PAUSE_MOST_MS;
}

static void set_timer(struct server *server, struct moment now)
{
	struct rewrites *rewrites = &server->rewrites;
	if (rewrites->first != NULL && !net_timer_is_set(&rewrites->timer)) {
		net_timer_set(server->loop, &rewrites->timer, now.boot_ms + pause_ms(rewrites));
	}
}

/* Takes the reference. */
static void append(struct rewrites *rewrites, struct server_zone *take)
{
	take->rewrite_next = NULL;
	*(rewrites->first == NULL ? &rewrites->first : &rewrites->last->rewrite_next) = take;
	rewrites->last = take;
}

/* The first, with the list's reference; there is one. */
static struct server_zone *take_first(struct rewrites *rewrites)
{
	struct server_zone *zone = rewrites->first;
	ensure(zone != NULL);
	rewrites->first = zone->rewrite_next;
	atomic_store(&zone->is_to_rewrite, false);
	return zone;
}

/* All that there is of it; what fails comes to the list again. */
static void write_again(struct server_zone *zone, struct moment now)
{
	if (atomic_load(&zone->is_removed)) {
		return;
	}
	announce_save(zone);
	if (server_zone_is_secondary(zone)) {
		follow_tell_timers(zone, now);
	} else if (server_zone_is_volatile(zone)) {
		writer_flush(zone);
	} else if (atomic_exchange(&zone->file_was_refused, false)) {
		writer_load_file(zone, false);
	}
}

static void write_first(struct server *server, bool is_trial, struct moment now)
{
	struct server_zone *zone = take_first(&server->rewrites);
	atomic_store(&zone->is_tried, is_trial);
	write_again(zone, now);
	server_zone_unref(zone);
}

/* Writing it says whether the disk takes writes: of a zone that is not served any more, or that was written meanwhile, there
 * may be nothing to write. */
static bool tells_of_disk(struct server_zone *zone)
{
	return atomic_load(&zone->file_was_refused) ||
	       (zone_served(zone->zone) != NULL && (server_zone_is_volatile(zone) || server_zone_is_secondary(zone)));
}

static void try_one(struct net_timer *timer, struct moment now)
{
	struct server *server = (struct server *)((char *)timer - offsetof(struct server, rewrites.timer));
	struct rewrites *rewrites = &server->rewrites;
	rewrites->tries++;
	rewrites->tried_at_ms = now.boot_ms;
	bool is_trial = false;
	for (int i = 0; i < PASSED_MAX && !is_trial && rewrites->first != NULL; i++) {
		is_trial = tells_of_disk(rewrites->first);
		write_first(server, is_trial, now);
	}
	set_timer(server, now);
}

static void add_on_loop(void *context, struct moment now)
{
	struct server_zone *zone = context;
	struct rewrites *rewrites = &zone->server->rewrites;
	if (now.boot_ms - rewrites->tried_at_ms > 2 * PAUSE_MOST_MS) {
		rewrites->tries = 0; /* this is another time than the last one */
	}
	append(rewrites, zone);
	set_timer(zone->server, now);
}

/* The disk takes writes again. */
static void write_all_on_loop(void *context, struct moment now)
{
	struct server_zone *zone = context;
	struct server *server = zone->server;
	while (server->rewrites.first != NULL) {
		write_first(server, false, now);
	}
	net_timer_cancel(server->loop, &server->rewrites.timer);
	server_zone_unref(zone);
}

void rewrite_init(struct server *server)
{
	server->rewrites.timer.expired = try_one;
}

void rewrite_deinit(struct server *server)
{
	while (server->rewrites.first != NULL) {
		server_zone_unref(take_first(&server->rewrites));
	}
}

void rewrite_note(struct server_zone *zone, bool is_written)
{
	bool was_tried = atomic_exchange(&zone->is_tried, false);
	if (atomic_load(&zone->server->stopping)) {
		return; /* the loop may have ended */
	}
	if (is_written && was_tried) {
		server_post(zone->server, write_all_on_loop, server_zone_ref(zone));
	} else if (!is_written && !atomic_exchange(&zone->is_to_rewrite, true)) {
		server_post(zone->server, add_on_loop, server_zone_ref(zone));
	}
}
