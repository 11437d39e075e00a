/* SPDX-License-Identifier: MIT */
/* What an operator orders through the API. Runs on the API's threads: posts the work, and waits for it where asked to. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/forget_internal.h"
#include "server/server_internal.h"
#include "server/writer_internal.h"
#include "source/source.h"

/* How often a waiting order looks whether all NOTIFYs are answered: the machines have no event for it. */
#define NOTIFY_LOOK_MS 10

struct server_zone *server_find(struct server *server, const uint8_t *apex)
{
	struct server_zone *found = NULL;
	pthread_mutex_lock(&server->lock);
	struct zone *zone = zone_set_get(atomic_load(&server->zones), apex);
	if (zone != NULL) {
		found = server_zone_ref(server_zone_of(zone));
	}
	pthread_mutex_unlock(&server->lock);
	return found;
}

static struct server_zone *find_by_text(struct server *server, const char *text, struct error *error)
{
	struct dns_name name;
	if (!dns_name_from_text(text, &name, error)) {
		return NULL;
	}
	struct server_zone *zone = server_find(server, name.wire);
	if (zone == NULL) {
		error_set(error, ERROR_NOT_FOUND, "zone %s is not served here", text);
	}
	return zone;
}

/* ---- orders ---- */

/* An order on its way to the loop. */
struct loop_order {
	struct server_zone *zone;
	enum control_action action;
	bool done;
};

static void order_on_loop(void *context, struct moment now)
{
	struct loop_order *order = context;
	if (order->action == CONTROL_NOTIFY) {
		order->done = announce_again(order->zone, now);
	} else {
		order->done = follow_order(order->zone, order->action, now);
	}
}

static bool order_loop(struct server_zone *zone, enum control_action action, const char *why_not, struct error *error)
{
	struct loop_order order = {.zone = zone, .action = action};
	if (!server_ask_loop(zone->server, order_on_loop, &order, error)) {
		return false;
	}
	return order.done || error_set(error, ERROR_INVALID, "%s", why_not);
}

static void timers_on_loop(void *context, struct moment now)
{
	follow_tell_timers(context, now);
}

/* What is served goes to disk with the timers of the machine, which tells them first: a version whose timers are those of
 * the one before would be taken for older or younger than it is. */
static bool order_flush(struct server_zone *zone, struct error *error)
{
	if (!server_ask_loop(zone->server, timers_on_loop, zone, error)) {
		return false;
	}
	writer_flush(zone);
	return true;
}

/* Sets the work going. */
static bool order_begin(struct server_zone *zone, enum control_action action, struct error *error)
{
	bool secondary = server_zone_is_secondary(zone);
	switch (action) {
	case CONTROL_RELOAD:
		if (!secondary) {
			writer_load_file(zone, true);
			return true;
		}
		return order_loop(zone, CONTROL_REFRESH, "the zone has not started yet", error);
	case CONTROL_REFRESH:
	case CONTROL_RETRANSFER:
		if (!secondary) {
			return error_set(error, ERROR_INVALID,
			                 "the zone is a primary here, there is nobody to ask; `reload` reads its file");
		}
		return order_loop(zone, action, "the zone has not started yet", error);
	case CONTROL_NOTIFY:
		return order_loop(zone, action, "there is nobody to notify, or nothing is served yet", error);
	case CONTROL_FLUSH:
		return order_flush(zone, error);
	case CONTROL_EXPORT:
		writer_export(zone);
		return true;
	case CONTROL_FORGET:
		return forget_refuse(error);
	}
	return false;
}

/* What is still owed to the zone's targets. */
struct notify_look {
	struct server_zone *zone;
	size_t pending;
	size_t failed;
	size_t count;
};

static void look_on_loop(void *context, struct moment now)
{
	struct notify_look *look = context;
	const struct transfer_notifier *notifier = announce_machine(look->zone);
	look->pending = 0;
	look->failed = 0;
	look->count = notifier == NULL ? 0 : transfer_notifier_count(notifier);
	for (size_t i = 0; i < look->count; i++) {
		struct transfer_target_status target;
		transfer_notifier_target(notifier, i, now, &target);
		look->pending += target.pending;
		look->failed += !target.pending && !target.acknowledged;
	}
}

static bool wait_notified(struct server_zone *zone, const struct control_order *order, struct text *text,
                          struct error *error)
{
	struct notify_look look = {.zone = zone};
	int64_t deadline_ms = clock_now().boot_ms + order->timeout_ms;
	for (;;) {
		if (!server_ask_loop(zone->server, look_on_loop, &look, error)) {
			return false;
		}
		if (look.pending == 0) {
			break;
		}
		if (clock_now().boot_ms >= deadline_ms || control_is_gone(order->asker)) {
			return error_set(error, ERROR_TIMEOUT,
			                 "%zu of %zu targets have not answered after %u ms; it goes on", look.pending,
			                 look.count, order->timeout_ms);
		}
		nanosleep(&(struct timespec){.tv_nsec = NOTIFY_LOOK_MS * 1000000L}, NULL);
	}
	if (look.failed > 0) {
		return error_set(error, ERROR_INVALID, "%zu of %zu targets did not acknowledge", look.failed,
		                 look.count);
	}
	text_format(text, "%zu targets acknowledged", look.count);
	return true;
}

static bool run_order(struct server_zone *zone, const struct control_order *order, struct text *text,
                      struct error *error)
{
	struct server_wait wait;
	if (!order->wait || order->action == CONTROL_NOTIFY) {
		text_add_string(text, "accepted");
		bool accepted = order_begin(zone, order->action, error);
		if (accepted && order->wait) {
			text_clear(text);
			return wait_notified(zone, order, text, error);
		}
		return accepted;
	}
	server_zone_wait_begin(zone, &wait, order->action);
	if (!order_begin(zone, order->action, error)) {
		server_zone_wait_cancel(zone, &wait);
		return false;
	}
	return server_zone_wait_end(zone, &wait, order->timeout_ms, order->asker, text, error);
}

static bool order_forget(struct server *server, const struct control_order *order, struct arena *arena,
                         struct control_done *out, struct error *error)
{
	struct text text;
	text_init(&text, 300);
	bool done = forget_zone(server, order, &text, error);
	*out = (struct control_done){.text = arena_copy_text(arena, text_string(&text))};
	text_deinit(&text);
	return done;
}

static bool order_zone(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                       struct error *error)
{
	struct text text;
	struct server_zone *zone = find_by_text(self, order->zone, error);
	if (zone == NULL) {
		return order->action == CONTROL_FORGET && error->code == ERROR_NOT_FOUND &&
		       order_forget(self, order, arena, out, error);
	}
	text_init(&text, 4096);
	bool done = run_order(zone, order, &text, error);
	pthread_mutex_lock(&zone->lock);
	*out = (struct control_done){
	        .text = arena_copy_text(arena, text_string(&text)),
	        .has_serial = zone->has_facts,
	        .serial = zone->serial,
	};
	pthread_mutex_unlock(&zone->lock);
	text_deinit(&text);
	server_zone_unref(zone);
	return done;
}

/* ---- writing a zone out ---- */

struct fd_output {
	struct zonefile_output output;
	int fd;
	int problem;
	char buffer[65536];
	size_t buffered;
};

static void fd_flush(struct fd_output *output)
{
	size_t sent = 0;
	while (sent < output->buffered && output->problem == 0) {
		ssize_t more = write(output->fd, output->buffer + sent, output->buffered - sent);
		if (more < 0 && errno != EINTR) {
			output->problem = errno;
		}
		sent += more > 0 ? (size_t)more : 0;
	}
	output->buffered = 0;
}

static void fd_write(struct zonefile_output *self, const char *chars, size_t len)
{
	struct fd_output *output = (struct fd_output *)self;
	while (len > 0 && output->problem == 0) {
		size_t room = sizeof output->buffer - output->buffered;
		size_t piece = len < room ? len : room;
		memcpy(output->buffer + output->buffered, chars, piece);
		output->buffered += piece;
		chars += piece;
		len -= piece;
		if (output->buffered == sizeof output->buffer) {
			fd_flush(output);
		}
	}
}

/* What is served, with a reference that outlives this moment. */
struct snapshot_look {
	struct server_zone *zone;
	const struct zone_snapshot *snapshot;
};

static void snapshot_on_loop(void *context, struct moment now)
{
	struct snapshot_look *look = context;
	const struct zone_snapshot *served = zone_served(look->zone->zone);
	(void)now;
	look->snapshot = served == NULL ? NULL : zone_ref(served);
}

static bool write_zone(void *self, const char *zone_text, int fd, struct error *error)
{
	struct server_zone *zone = find_by_text(self, zone_text, error);
	if (zone == NULL) {
		return false;
	}
	struct snapshot_look look = {.zone = zone};
	bool done = false;
	if (!server_ask_loop(zone->server, snapshot_on_loop, &look, error)) {
		/* told */
	} else if (look.snapshot == NULL) {
		error_set(error, ERROR_INVALID, "zone %s: there is no version to write", zone_text);
	} else {
		struct fd_output *output = memory_new(sizeof *output);
		output->output.write = fd_write;
		output->fd = fd;
		source_write_zone(look.snapshot, &output->output);
		fd_flush(output);
		done = output->problem == 0 || error_set_errno(error, output->problem, "writing the zone");
		free(output);
	}
	zone_unref(look.snapshot);
	server_zone_unref(zone);
	return done;
}

/* ---- the server ---- */

static bool order_reload(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                         struct error *error)
{
	struct text text;
	struct load_watch watch = {0};
	text_init(&text, 4096);
	bool done = server_reload(self, order->wait ? &watch : NULL, &text, error) &&
	            load_watch_end(&watch, order, &text, error);
	*out = (struct control_done){.text = arena_copy_text(arena, text_string(&text))};
	text_deinit(&text);
	return done;
}

static bool order_backup(void *self, const char *folder, struct arena *arena, struct control_backup *out,
                         struct error *error)
{
	struct server *server = self;
	struct store_backup_counts counts;
	log_notice("backup to %s begins", folder);
	if (!store_backup(server->store, folder, &server->stopping, &counts, error)) {
		log_error("%s", error->text);
		return false;
	}
	log_notice("backup to %s: %" PRIu64 " zones, %" PRIu64 " left out", folder, counts.zones, counts.left_out);
	*out = (struct control_backup){
	        .zones = counts.zones,
	        .images = counts.images,
	        .left_out = counts.left_out,
	        .problem = counts.left_out == 0 ? NULL : arena_copy_text(arena, counts.why),
	};
	return true;
}

static void order_stop(void *self)
{
	struct server *server = self;
	uint64_t one = 1;
	atomic_store(&server->stopping, true);
	(void)!write(server->wake_fd, &one, sizeof one);
}

struct control_handlers orders_handlers(struct server *server)
{
	return (struct control_handlers){
	        .self = server,
	        .server_status = status_server,
	        .zone_status = status_zone,
	        .zone_list = status_list,
	        .zone_order = order_zone,
	        .zone_write = write_zone,
	        .reload = order_reload,
	        .backup = order_backup,
	        .stop = order_stop,
	};
}
