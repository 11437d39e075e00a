/* SPDX-License-Identifier: MIT */
/* What the server tells of itself and its zones. The machines' part is read on their own thread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"

static const char *copy_or_null(struct arena *arena, const char *text)
{
	return text == NULL || *text == '\0' ? NULL : arena_copy_text(arena, text);
}

static uint64_t ago(int64_t at_ms, struct moment now)
{
	return now.boot_ms > at_ms ? (uint64_t)(now.boot_ms - at_ms) : 0;
}

static const char *code_of(enum cause cause)
{
	return cause == CAUSE_NONE ? NULL : cause_name(cause);
}

static const char *advice_of(enum cause cause)
{
	return cause == CAUSE_NONE ? NULL : cause_advice(cause);
}

static void set_cause(struct control_zone_status *out, enum cause cause)
{
	out->cause = code_of(cause);
	out->advice = advice_of(cause);
}

static enum control_zone_state state_of(const struct server_zone *zone)
{
	switch (atomic_load(&zone->zone->state)) {
	case ZONE_STATE_SERVED:
		return CONTROL_SERVING;
	case ZONE_STATE_EXPIRED:
		return CONTROL_EXPIRED;
	case ZONE_STATE_EMPTY:
	case ZONE_STATE_BROKEN:
		break;
	}
	return zone->load_pending || (conf_zone_is_secondary(zone->options) && zone->reason == NULL)
	               ? CONTROL_LOADING
	               : CONTROL_NOT_LOADED;
}

static const char *digest_text(const struct change_digest *digest, struct arena *arena)
{
	char text[CHANGE_DIGEST_TEXT_MAX];
	return arena_copy_text(arena, change_digest_to_text(*digest, text));
}

/* Of a primary; a secondary that is served is judged by what its machine knows. */
static enum control_standing standing_of(const struct control_zone_status *zone)
{
	switch (zone->state) {
	case CONTROL_NOT_LOADED:
	case CONTROL_LOADING:
		return CONTROL_NOTHING;
	case CONTROL_EXPIRED:
		return CONTROL_LAPSED;
	case CONTROL_SERVING:
		break;
	}
	/* The reason of a primary is that its file, as it was read last, was not taken. */
	return zone->reason == NULL || zone->is_volatile ? CONTROL_CURRENT : CONTROL_BEHIND;
}

static uint64_t ago_s(int64_t at_s, struct moment now)
{
	return now.wall_s > at_s ? (uint64_t)(now.wall_s - at_s) : 0;
}

static enum control_standing standing_of_secondary(const struct transfer_secondary_status *status, struct moment now)
{
	if (status->owed_since_s != 0) {
		return CONTROL_BEHIND;
	}
	return ago_s(status->refreshed_at_s, now) > status->proof_lasts_s ? CONTROL_UNPROVEN : CONTROL_CURRENT;
}

/* What the zone's lock guards. */
static void fill_zone(struct server_zone *zone, struct arena *arena, struct moment now, struct control_zone_status *out)
{
	char name[DNS_NAME_TEXT_MAX];
	pthread_mutex_lock(&zone->lock);
	*out = (struct control_zone_status){
	        .name = arena_copy_text(arena, dns_name_to_text(zone->zone->apex, name)),
	        .role = conf_zone_is_secondary(zone->options) ? CONTROL_SECONDARY : CONTROL_PRIMARY,
	        .state = state_of(zone),
	        .has_serial = zone->has_facts,
	        .serial = zone->serial,
	        .digest = zone->has_facts ? digest_text(&zone->digest, arena) : NULL,
	        .records = zone->facts.records,
	        .names = zone->facts.names,
	        .memory_bytes = zone->facts.bytes,
	        .published_ago_ms = zone->has_facts ? ago(zone->published_at_ms, now) : 0,
	        .is_volatile = zone->is_volatile,
	        .reason = copy_or_null(arena, zone->reason != NULL ? zone->reason : zone->volatile_because),
	        .store_problem = copy_or_null(arena, zone->store_problem),
	        .store_cause = cause_name(CAUSE_COPY_BROKEN),
	        .store_rebuilt = copy_or_null(arena, store_problem(zone->server->store)),
	        .store_rebuilt_cause = cause_name(CAUSE_STORE_BROKEN),
	        .doing = zone->load_pending ? "loading" : NULL,
	        .file = copy_or_null(arena, zone->options->file),
	        .has_load = zone->loaded_at_ms != 0,
	        .load_ago_s = zone->loaded_at_ms != 0 ? ago(zone->loaded_at_ms, now) / 1000 : 0,
	};
	set_cause(out, zone->reason != NULL ? zone->cause : zone->is_volatile ? CAUSE_DISK_REFUSED : CAUSE_NONE);
	out->standing = standing_of(out);
	pthread_mutex_unlock(&zone->lock);
}

/* The secret is nobody's business. */
static const char *key_of(const uint8_t *name, struct arena *arena)
{
	char text[DNS_NAME_TEXT_MAX];
	return name == NULL ? NULL : arena_copy_text(arena, dns_name_to_text(name, text));
}

static const char *peer_name_of(const struct conf_targets *targets, const struct address *address, struct arena *arena)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (address_equal(&targets->items[i].address, address)) {
			return copy_or_null(arena, targets->items[i].peer_name);
		}
	}
	return NULL;
}

static void fill_primaries(const struct transfer_secondary *machine, const struct transfer_secondary_status *status,
                           const struct conf_targets *targets, struct arena *arena, struct moment now,
                           struct control_zone_status *out)
{
	struct control_primary_status *rows = arena_take(arena, status->primary_count * sizeof *rows);
	for (size_t i = 0; i < status->primary_count; i++) {
		struct transfer_primary_status primary;
		transfer_secondary_primary(machine, i, now, &primary);
		rows[i] = (struct control_primary_status){
		        .address = primary.address,
		        .peer_name = peer_name_of(targets, &primary.address, arena),
		        .key = key_of(primary.key_name, arena),
		        .asked = primary.asked,
		        .failed = primary.failed,
		        .result = primary.asked ? arena_copy_text(arena, primary.result) : "",
		        .has_serial = primary.has_serial,
		        .serial = primary.serial,
		        .ago_ms = ago(primary.at_ms, now),
		        .tried = transfer_tried_name(primary.tried),
		        .cause = code_of(primary.cause),
		        .advice = advice_of(primary.cause),
		        .whole_because = copy_or_null(arena, primary.ixfr_failure),
		        .whole_cause = code_of(primary.ixfr_cause),
		        .held_back_s = primary.held_until_ms > now.boot_ms
		                               ? (uint64_t)(primary.held_until_ms - now.boot_ms + 999) / 1000
		                               : 0,
		        .reach = transfer_reach_name(primary.reach),
		        .is_pinned = primary.is_pinned,
		};
	}
	out->primaries = rows;
	out->primary_count = status->primary_count;
}

static const char *doing_of(const struct transfer_secondary_status *status, struct arena *arena)
{
	char text[160];
	char address[ADDRESS_TEXT_MAX];
	switch (status->phase) {
	case TRANSFER_PHASE_IDLE:
		return NULL;
	case TRANSFER_PHASE_FETCHING:
		snprintf(text, sizeof text, "AXFR from %s, %" PRIu64 " records",
		         address_to_text(&status->fetching_from, address), status->fetched.records);
		return arena_copy_text(arena, text);
	case TRANSFER_PHASE_CHECKING:
	case TRANSFER_PHASE_QUEUED:
	case TRANSFER_PHASE_PUBLISHING:
		break;
	}
	return transfer_phase_name(status->phase);
}

static const char *healed_from(const struct transfer_secondary_status *status, struct arena *arena)
{
	char text[ADDRESS_TEXT_MAX];
	bool is_known = status->healed_cause != CAUSE_NONE && status->healed_from.family != ADDRESS_NONE;
	return is_known ? arena_copy_text(arena, address_to_text(&status->healed_from, text)) : NULL;
}

static void fill_secondary(const struct server_zone *zone, const struct conf_targets *targets, struct arena *arena,
                           struct moment now, struct control_zone_status *out)
{
	const struct transfer_secondary *machine = follow_machine(zone);
	struct transfer_secondary_status status;
	if (machine == NULL) {
		return;
	}
	transfer_secondary_status(machine, &status);
	out->has_timers = true;
	out->refresh_in_s = status.next_ask_ms == INT64_MAX ? 0 : (status.next_ask_ms - now.boot_ms) / 1000;
	out->expire_in_s = status.expire_at_ms == INT64_MAX ? 0 : (status.expire_at_ms - now.boot_ms) / 1000;
	if (out->doing == NULL) {
		out->doing = doing_of(&status, arena);
	}
	if (status.problem != NULL && !out->is_volatile) {
		out->reason = arena_copy_text(arena, status.problem);
		set_cause(out, status.cause);
	}
	out->proof_ago_s = ago_s(status.refreshed_at_s, now);
	out->has_owed = status.owed_since_s != 0;
	out->owed_serial = status.owed_serial;
	out->owed_for_s = ago_s(status.owed_since_s, now);
	if (out->state == CONTROL_SERVING) {
		out->standing = standing_of_secondary(&status, now);
	}
	if (status.alarm != NULL) {
		out->alarm = cause_name(status.alarm_cause);
		out->reason = arena_copy_text(arena, status.alarm);
		set_cause(out, status.alarm_cause);
	}
	out->healed = code_of(status.healed_cause);
	out->healed_serial = status.healed_serial;
	out->healed_ago_s = ago_s(status.healed_at_s, now);
	out->healed_from = healed_from(&status, arena);
	fill_primaries(machine, &status, targets, arena, now, out);
}

static void fill_targets(const struct server_zone *zone, const struct conf_targets *targets, struct arena *arena,
                         struct moment now, struct control_zone_status *out)
{
	const struct transfer_notifier *notifier = announce_machine(zone);
	size_t count = notifier == NULL ? 0 : transfer_notifier_count(notifier);
	struct control_secondary_status *rows = arena_take(arena, count * sizeof *rows);
	for (size_t i = 0; i < count; i++) {
		struct transfer_target_status target;
		transfer_notifier_target(notifier, i, now, &target);
		uint32_t known = target.has_serial ? target.serial : target.serial_acknowledged;
		bool has_serial = target.has_serial;
		rows[i] = (struct control_secondary_status){
		        .address = target.address,
		        .peer_name = peer_name_of(targets, &target.address, arena),
		        .key = key_of(target.key_name, arena),
		        .reach = transfer_reach_name(target.reach),
		        .notified = target.notified,
		        .acknowledged = target.acknowledged,
		        .serial_notified = target.serial_notified,
		        .notified_ago_ms = ago(target.notified_at_ms, now),
		        .attempts = target.attempts,
		        .problem = copy_or_null(arena, target.problem),
		        .cause = code_of(target.cause),
		        .has_serial = has_serial,
		        .serial = known,
		        .serials_behind = has_serial && out->has_serial ? out->serial - known : 0,
		        .lag_ms = target.lag_ms,
		};
	}
	out->secondaries = rows;
	out->secondary_count = count;
}

/* Zones to be filled in on the loop's thread. */
struct status_look {
	struct server_zone **zones;
	struct control_zone_status *rows;
	size_t count;
	bool with_lists;
	struct arena *arena;
};

static void look_on_loop(void *context, struct moment now)
{
	struct status_look *look = context;
	for (size_t i = 0; i < look->count; i++) {
		struct server_zone_options options = server_zone_options(look->zones[i]);
		const struct conf_zone_options *zone = options.zone->options;
		fill_zone(look->zones[i], look->arena, now, &look->rows[i]);
		fill_secondary(look->zones[i], &zone->primaries, look->arena, now, &look->rows[i]);
		if (look->with_lists) {
			fill_targets(look->zones[i], &zone->notify, look->arena, now, &look->rows[i]);
		}
		server_zone_options_release(&options);
	}
}

/* When and from whom what is served came, as it is remembered: the store's reading needs no thread of ours. */
static void fill_origin(const struct server_zone *zone, struct arena *arena, struct control_zone_status *out)
{
	struct store_head head;
	struct store_note note;
	struct error error;
	if (out->is_volatile || zone->server->store == NULL ||
	    !store_load_head(zone->server->store, zone->zone->apex, &head, NULL, &note, &error) ||
	    head.serial_published != out->serial) {
		return;
	}
	out->has_origin = true;
	out->came_at_s = note.at_s;
	out->came_ago_s = ago_s(note.at_s, clock_now());
	out->came_from = arena_copy_text(arena, note.who);
}

bool status_zone(void *self, const char *text, struct arena *arena, struct control_zone_status *out,
                 struct error *error)
{
	struct dns_name name;
	if (!dns_name_from_text(text, &name, error)) {
		return false;
	}
	struct server_zone *zone = server_find(self, name.wire);
	if (zone == NULL) {
		return error_set(error, ERROR_NOT_FOUND, "zone %s is not served here", text);
	}
	struct status_look look = {.zones = &zone, .rows = out, .count = 1, .with_lists = true, .arena = arena};
	bool done = server_ask_loop(self, look_on_loop, &look, error);
	if (done) {
		fill_origin(zone, arena, out);
	}
	server_zone_unref(zone);
	return done;
}

/* Index of the first zone whose apex comes after `name`. */
static size_t index_after(const struct zone_set *zones, const uint8_t *name)
{
	size_t low = 0;
	size_t high = zone_set_count(zones);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dns_name_compare(zone_set_at(zones, middle)->apex, name) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static size_t reference_page(struct server *server, const struct dns_name *after, size_t max, struct arena *arena,
                             struct server_zone ***out)
{
	pthread_mutex_lock(&server->lock);
	const struct zone_set *zones = atomic_load(&server->zones);
	size_t first = after == NULL ? 0 : index_after(zones, after->wire);
	size_t left = zone_set_count(zones) - first;
	size_t count = left < max ? left : max;
	*out = arena_take(arena, count * sizeof **out);
	for (size_t i = 0; i < count; i++) {
		(*out)[i] = server_zone_ref(server_zone_of(zone_set_at(zones, first + i)));
	}
	pthread_mutex_unlock(&server->lock);
	return count;
}

bool status_list(void *self, const char *after, size_t max, struct arena *arena, struct control_zone_status **out,
                 size_t *count, struct error *error)
{
	struct dns_name name;
	struct status_look look = {.arena = arena};
	if (after != NULL && !dns_name_from_text(after, &name, error)) {
		return false;
	}
	look.count = reference_page(self, after == NULL ? NULL : &name, max, arena, &look.zones);
	look.rows = arena_take(arena, look.count * sizeof *look.rows);
	bool done = server_ask_loop(self, look_on_loop, &look, error);
	for (size_t i = 0; i < look.count; i++) {
		server_zone_unref(look.zones[i]);
	}
	*out = look.rows;
	*count = look.count;
	return done;
}

static void count_zone(struct server_zone *zone, struct control_server_status *out)
{
	pthread_mutex_lock(&zone->lock);
	switch (state_of(zone)) {
	case CONTROL_SERVING:
		out->zones_serving++;
		break;
	case CONTROL_LOADING:
		out->zones_loading++;
		break;
	case CONTROL_NOT_LOADED:
		out->zones_not_loaded++;
		break;
	case CONTROL_EXPIRED:
		out->zones_expired++;
		break;
	}
	out->zones_volatile += zone->is_volatile;
	out->memory_bytes += zone->facts.bytes;
	pthread_mutex_unlock(&zone->lock);
}

static void count_workers(struct server *server, struct control_server_status *out)
{
	for (size_t i = 0; i < server->worker_count; i++) {
		const struct answer_counters *answers = answer_counters(server->workers[i].answers);
		const struct net_counters *net = net_worker_counters(server->workers[i].net);
		out->queries_udp += net_count_read(&answers->queries_udp);
		out->queries_tcp += net_count_read(&answers->queries_tcp);
		out->tcp_connections += net_count_read(&net->connections);
	}
	out->transfers_out = atomic_load(&server->transfers_out);
}

static void count_transfers(void *context, struct moment now)
{
	struct server *server = ((void **)context)[0];
	struct control_server_status *out = ((void **)context)[1];
	(void)now;
	out->transfers_in = transfer_scheduler_counts(server->edge.scheduler).transfers;
}

bool status_server(void *self, struct arena *arena, struct control_server_status *out, struct error *error)
{
	struct server *server = self;
	struct moment now = clock_now();
	*out = (struct control_server_status){
	        .version = TANDEM_VERSION,
	        .pid = (uint64_t)getpid(),
	        .uptime_s = ago(server->started_at.boot_ms, now) / 1000,
	};
	count_workers(server, out);
	pthread_mutex_lock(&server->lock);
	const struct zone_set *zones = atomic_load(&server->zones);
	out->conf_path = copy_or_null(arena, server->conf->path);
	out->conf_reason = copy_or_null(arena, server->conf_reason);
	out->store_problem = copy_or_null(arena, store_problem(server->store));
	out->zone_count = zone_set_count(zones);
	for (size_t i = 0; i < out->zone_count; i++) {
		count_zone(server_zone_of(zone_set_at(zones, i)), out);
	}
	pthread_mutex_unlock(&server->lock);
	return server_ask_loop(server, count_transfers, (void *[]){server, out}, error);
}
