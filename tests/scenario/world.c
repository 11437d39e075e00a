/* SPDX-License-Identifier: MIT */
/* The servers of the small world, its clock, and what must always be true. */
#include "world_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/quiescent.h"
#include "change/change.h"
#include "dns/serial.h"

#define APEX "\7example"
/* When the world begins: 2026-01-01. */
#define WALL_START_S ((int64_t)1767225600)
/* A zone writer takes so long to finish and publish. */
#define PUBLISH_MS 10
#define DELAY_MS   5
/* W3: one round of questions more, with its attempts. */
#define SPOKE_SLACK_MS 20000

/* ---- events ---- */

static bool goes_before(const struct event *a, const struct event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void swap_events(struct world *world, size_t a, size_t b)
{
	struct event *event = world->events[a];
	world->events[a] = world->events[b];
	world->events[b] = event;
}

void world_later(struct world *world, struct event *event, int64_t in_ms)
{
	event->at_ms = world->now_ms + in_ms;
	event->number = world->event_count++;
	memory_reserve((void **)&world->events, &world->events_capacity, world->events_len + 1, sizeof(struct event *));
	size_t index = world->events_len++;
	world->events[index] = event;
	while (index > 0 && goes_before(world->events[index], world->events[(index - 1) / 2])) {
		swap_events(world, index, (index - 1) / 2);
		index = (index - 1) / 2;
	}
}

static struct event *take_event(struct world *world)
{
	struct event *event = world->events[0];
	world->events[0] = world->events[--world->events_len];
	size_t index = 0;
	while (2 * index + 1 < world->events_len) {
		size_t child = 2 * index + 1;
		if (child + 1 < world->events_len && goes_before(world->events[child + 1], world->events[child])) {
			child++;
		}
		if (!goes_before(world->events[child], world->events[index])) {
			break;
		}
		swap_events(world, index, child);
		index = child;
	}
	return event;
}

void world_say_fault(struct world *world, const char *format, ...)
{
	va_list arguments;
	if (world->fault[0] == '\0') {
		va_start(arguments, format);
		vsnprintf(world->fault, sizeof world->fault, format, arguments);
		va_end(arguments);
	}
}

const char *world_fault(const struct world *world)
{
	return world->fault[0] == '\0' ? NULL : world->fault;
}

/* ---- what must always be true ---- */

static void check_served(struct world *world, const struct world_server *server)
{
	if (!server->is_up || server->is_primary || server->served == NULL || world->clocks_lie) {
		return;
	}
	int64_t silent_ms = world->now_ms - world->primary_spoke_ms;
	uint32_t least_s = server->config.expire_min_s; /* the operator's own will */
	uint32_t expire_s = world->expire_s > least_s ? world->expire_s : least_s;
	if (silent_ms > (int64_t)expire_s * 1000 + SPOKE_SLACK_MS) {
		world_say_fault(world, "W3: %s serves serial %" PRIu32 ", but no primary spoke for %" PRId64 " ms",
		                server->name, zone_serial(server->served), silent_ms);
	}
}

static bool is_same_version(const struct zone_snapshot *a, const struct zone_snapshot *b)
{
	struct change_counts counts = change_count(a, b);
	return zone_serial(a) == zone_serial(b) && counts.added == 0 && counts.removed == 0;
}

static void check_whole(struct world *world, const struct world_server *server, const struct zone_snapshot *candidate)
{
	for (size_t i = 0; i < world->published_count; i++) {
		if (is_same_version(candidate, world->published[i])) {
			return;
		}
	}
	world_say_fault(world, "W1: %s publishes a serial %" PRIu32 " that no primary ever published", server->name,
	                zone_serial(candidate));
}

static void check_forward(struct world *world, struct world_server *server, uint32_t serial)
{
	enum dns_serial_order order = dns_serial_compare(serial, server->serial_published);
	bool may_repair = false;
	for (size_t i = 0; i < world->server_count; i++) {
		may_repair = may_repair || server->thinks_tandem[i];
	}
	bool is_forward =
	        !server->has_published || order == DNS_SERIAL_NEWER || (order == DNS_SERIAL_EQUAL && may_repair);
	if (!is_forward && !server->may_go_back && !server->has_expired) {
		world_say_fault(world, "W2: %s goes from serial %" PRIu32 " to %" PRIu32, server->name,
		                server->serial_published, serial);
	}
	server->has_published = true;
	server->serial_published = serial;
	server->may_go_back = false;
}

static void check_world(struct world *world)
{
	for (size_t i = 0; i < world->server_count; i++) {
		check_served(world, world->servers[i]);
	}
}

/* ---- life ---- */

struct world *world_new(uint64_t seed)
{
	struct world *world = memory_new(sizeof *world);
	random_seeded_init(&world->random, seed);
	dns_encoder_init(&world->encoder);
	world->apex = dns_name_of((const uint8_t *)APEX);
	return world;
}

static void server_free(struct world_server *server)
{
	world_stop(server);
	zone_unref(server->served);
	zone_unref(server->disk);
	tsig_keys_free(server->known);
	for (size_t i = 0; i < WORLD_SERVERS_MAX; i++) {
		tsig_key_unref(server->keys[i]);
	}
	free(server);
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->server_count; i++) {
		server_free(world->servers[i]);
	}
	while (world->events_len > 0) {
		struct event *event = take_event(world);
		event->drop(event);
	}
	for (size_t i = 0; i < world->published_count; i++) {
		zone_unref(world->published[i]);
	}
	free(world->published);
	free(world->events);
	free(world);
	quiescent_drain();
}

struct random_source *world_random(struct world *world)
{
	return &world->random.source;
}

struct world_server *world_find(struct world *world, const char *name)
{
	for (size_t i = 0; i < world->server_count; i++) {
		if (strcmp(world->servers[i]->name, name) == 0) {
			return world->servers[i];
		}
	}
	return NULL;
}

size_t world_count(const struct world *world)
{
	return world->server_count;
}

struct world_server *world_at(struct world *world, size_t index)
{
	return world->servers[index];
}

struct world_link *world_link(struct world *world, const struct world_server *from, const struct world_server *to)
{
	return &world->links[from->index][to->index];
}

int64_t world_now_ms(const struct world *world)
{
	return world->now_ms;
}

struct moment world_server_now(const struct world_server *server)
{
	return (struct moment){
	        .boot_ms = server->world->now_ms + server->boot_shift_ms,
	        .wall_s = WALL_START_S + server->world->now_ms / 1000 + server->wall_shift_s,
	};
}

void world_shift_wall(struct world_server *server, int64_t by_s)
{
	server->wall_shift_s += by_s;
	server->world->clocks_lie = true;
}

/* ---- servers ---- */

static struct world_server *add_server(struct world *world, const char *name)
{
	ensure(world->server_count < WORLD_SERVERS_MAX);
	struct world_server *server = memory_new(sizeof *server);
	server->world = world;
	server->index = world->server_count;
	snprintf(server->name, sizeof server->name, "%s", name);
	server->address =
	        (struct address){.family = ADDRESS_V4, .port = 53, .bytes = {10, 0, 0, (uint8_t)(server->index + 1)}};
	server->boot_shift_ms = (int64_t)random_below(&world->random.source, 1000000000);
	server->limits = (struct transfer_limits){
	        .transfers_max = 10,
	        .transfers_per_primary_max = 10,
	        .queries_max = 10,
	        .notifies_max = 10,
	        .notify_rate = 100,
	        .startup_notify_rate = 100,
	};
	wire_edge_init(server);
	world->servers[world->server_count++] = server;
	for (size_t i = 0; i < world->server_count; i++) {
		world->links[i][server->index].delay_ms = DELAY_MS;
		world->links[server->index][i].delay_ms = DELAY_MS;
	}
	return server;
}

struct world_server *world_add_primary(struct world *world, const char *name)
{
	struct world_server *server = add_server(world, name);
	server->is_primary = true;
	return server;
}

struct world_server *world_add_secondary(struct world *world, const char *name)
{
	struct world_server *server = add_server(world, name);
	server->config = (struct transfer_secondary_config){
	        .refresh_min_s = 1,
	        .refresh_max_s = 1000000,
	        .retry_min_s = 1,
	        .retry_max_s = 1000000,
	        .expire_min_s = 1,
	        .expire_max_s = 10000000,
	        .records_max = 100000,
	        .bytes_max = 10000000,
	        .transfer_idle_ms = 10000,
	        .transfer_total_ms = 60000,
	        .transfer_rate_min = 0,
	};
	return server;
}

static size_t index_of(const struct address *address)
{
	return (size_t)address->bytes[3] - 1;
}

static struct transfer_secondary_config config_of(struct world_server *server)
{
	struct transfer_secondary_config config = server->config;
	for (size_t i = 0; i < config.primary_count; i++) {
		server->primary_keys[i] = server->keys[index_of(&server->primaries[i])];
		server->primary_is_tandem[i] = server->thinks_tandem[index_of(&server->primaries[i])];
	}
	config.primaries = server->primaries;
	config.primary_keys = server->primary_keys;
	config.primary_is_tandem = server->primary_is_tandem;
	return config;
}

static struct transfer_notifier_config notifier_config_of(struct world_server *server)
{
	for (size_t i = 0; i < server->target_count; i++) {
		server->target_keys[i] = server->keys[index_of(&server->targets[i])];
	}
	return (struct transfer_notifier_config){
	        .targets = server->targets,
	        .target_count = server->target_count,
	        .target_keys = server->target_keys,
	};
}

static const struct tsig_key *new_key(const char *name, const char *secret)
{
	struct dns_name owner;
	struct error error;
	ensure(dns_name_from_text(name, &owner, &error));
	const struct tsig_key *key = tsig_key_new(owner.wire, TSIG_HMAC_SHA256, secret, strlen(secret), 0, &error);
	ensure(key != NULL);
	return key;
}

static void take_key(struct world_server *server, size_t of, const struct tsig_key *take)
{
	const struct tsig_key *all[WORLD_SERVERS_MAX];
	size_t count = 0;
	tsig_key_unref(server->keys[of]);
	server->keys[of] = take;
	for (size_t i = 0; i < WORLD_SERVERS_MAX; i++) {
		if (server->keys[i] != NULL) {
			all[count++] = server->keys[i];
		}
	}
	tsig_keys_free(server->known);
	server->known = tsig_keys_new(all, count);
	world_reconfigure(server);
}

void world_share_key(struct world_server *server, struct world_server *other, const char *name,
                     enum world_sharing sharing)
{
	const char *others = sharing == WORLD_SHARE ? "the secret of both" : "another secret";
	bool is_known = name != NULL && sharing != WORLD_SHARE_UNKNOWN;
	take_key(server, other->index, name == NULL ? NULL : new_key(name, "the secret of both"));
	take_key(other, server->index, is_known ? new_key(name, others) : NULL);
}

void world_trust_digest(struct world_server *server, const struct world_server *other)
{
	server->thinks_tandem[other->index] = true;
	world_reconfigure(server);
}

void world_reconfigure(struct world_server *server)
{
	struct moment now = world_server_now(server);
	if (server->is_up && !server->is_primary) {
		struct transfer_secondary_config config = config_of(server);
		transfer_secondary_reconfigure(server->secondary, &config, now);
	}
	if (server->is_up) {
		struct transfer_notifier_config config = notifier_config_of(server);
		transfer_notifier_reconfigure(server->notifier, &config, now);
	}
}

void world_follow(struct world_server *server, struct world_server *const *primaries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		server->primaries[i] = primaries[i]->address;
	}
	server->config.primary_count = count;
	world_reconfigure(server);
}

void world_tell(struct world_server *server, const struct world_server *target)
{
	ensure(server->target_count < WORLD_SERVERS_MAX);
	server->targets[server->target_count++] = target->address;
	world_reconfigure(server);
}

/* ---- what a server does for its machines ---- */

static struct world_server *server_of(struct transfer_secondary_owner *owner)
{
	return (struct world_server *)((uint8_t *)owner - offsetof(struct world_server, owner));
}

static void serve(struct world_server *server, const struct zone_snapshot *take)
{
	zone_unref(server->served);
	server->served = take;
}

static void announce(struct world_server *server, enum transfer_notify_reason reason)
{
	struct zone_rrset soa;
	zone_soa(server->served, &soa);
	transfer_notifier_announce(server->notifier, &soa, reason, world_server_now(server));
}

/* A transfer on its way through the zone writer. */
struct publication {
	struct event event;
	struct world_server *server;
	struct transfer_in *in;
	uint64_t life;
	bool forced;
	struct address from;
};

static void drop_publication(struct event *event)
{
	struct publication *publication = (struct publication *)event;
	transfer_in_free(publication->in);
	free(publication);
}

static struct transfer_version version_of(const struct zone_snapshot *zone)
{
	struct transfer_version version = transfer_version_of(zone);
	version.has_digest = true;
	version.digest = change_digest_of(zone);
	return version;
}

static void publish(struct world_server *server, const struct zone_snapshot *take, const struct address *from)
{
	struct world *world = server->world;
	struct transfer_version version = version_of(take);
	check_whole(world, server, take);
	check_forward(world, server, version.serial);
	serve(server, take);
	zone_unref(server->disk);
	server->disk = zone_ref(take);
	server->disk_origin = (struct transfer_origin){.from = *from, .came_at_s = world_server_now(server).wall_s};
	server->disk_debt_count = 0;
	server->has_expired = false;
	server->counts.published++;
	transfer_secondary_published(server->secondary, &version, world_server_now(server));
	announce(server, TRANSFER_NOTIFY_CHANGE);
}

static void run_publication(struct event *event, struct world *world)
{
	struct publication *publication = (struct publication *)event;
	struct world_server *server = publication->server;
	struct error error;
	(void)world;
	if (!server->is_up || server->life != publication->life) {
		drop_publication(event);
		return;
	}
	const struct zone_snapshot *candidate = transfer_in_finish(publication->in, server->served, NULL, &error);
	if (candidate != NULL && server->lies.disk_full) {
		error_set(&error, ERROR_IO, "the disk is full");
	} else if (candidate != NULL && server->lies.picky && zone_serial(candidate) % 2 == 1) {
		error_set(&error, ERROR_INVALID, "the checks refuse it");
	} else if (candidate != NULL) {
		server->may_go_back = server->may_go_back || publication->forced;
		publish(server, candidate, &publication->from);
		free(publication);
		return;
	}
	zone_unref(candidate);
	transfer_secondary_refused(server->secondary, &error, world_server_now(server));
	free(publication);
}

static void owner_received(struct transfer_secondary_owner *self, struct transfer_in *take, const struct address *from,
                           bool forced)
{
	struct world_server *server = server_of(self);
	struct publication *publication = memory_new(sizeof *publication);
	publication->from = *from;
	publication->event.run = run_publication;
	publication->event.drop = drop_publication;
	publication->server = server;
	publication->in = take;
	publication->life = server->life;
	publication->forced = forced;
	world_later(server->world, &publication->event, PUBLISH_MS);
}

static void owner_expired(struct transfer_secondary_owner *self, struct moment now)
{
	struct world_server *server = server_of(self);
	(void)now;
	server->has_expired = true;
	server->counts.expired++;
	serve(server, NULL);
}

static void owner_timers(struct transfer_secondary_owner *self, const struct change_deadlines *timers,
                         int64_t expire_at_ms)
{
	struct world_server *server = server_of(self);
	server->disk_timers = *timers;
	server->expire_at_ms = expire_at_ms;
}

static void owner_settled(struct transfer_secondary_owner *self, enum transfer_outcome outcome, const char *text,
                          struct moment now)
{
	struct world_server *server = server_of(self);
	(void)now;
	server->counts.settled++;
	server->outcome = outcome;
	snprintf(server->settled_text, sizeof server->settled_text, "%s", text);
}

static void owner_debts_changed(struct transfer_notifier_owner *self)
{
	struct world_server *server =
	        (struct world_server *)((uint8_t *)self - offsetof(struct world_server, notifier_owner));
	server->disk_debt_count = transfer_notifier_count(server->notifier);
	for (size_t i = 0; i < server->disk_debt_count; i++) {
		transfer_notifier_debt(server->notifier, i, &server->disk_debts[i]);
	}
}

void world_notified(struct world_server *server, const struct address *from, const struct transfer_hint *hint)
{
	if (!server->is_primary) {
		transfer_secondary_notified(server->secondary, from, hint, world_server_now(server));
	}
}

static void start_secondary(struct world_server *server, struct moment now)
{
	struct transfer_secondary_config config = config_of(server);
	server->owner = (struct transfer_secondary_owner){
	        .received = owner_received,
	        .expired = owner_expired,
	        .timers = owner_timers,
	        .settled = owner_settled,
	};
	server->secondary = transfer_secondary_new(server->scheduler, server->world->apex.wire, DNS_CLASS_IN, &config,
	                                           &server->owner);
	if (server->disk == NULL) {
		transfer_secondary_start(server->secondary, NULL, NULL, NULL, now);
		return;
	}
	struct transfer_version version = version_of(server->disk);
	struct change_deadlines timers = server->disk_timers;
	if (transfer_secondary_start(server->secondary, &version, &server->disk_origin, &timers, now)) {
		serve(server, zone_ref(server->disk));
	} else {
		server->has_expired = true;
	}
}

void world_start(struct world_server *server)
{
	struct moment now = world_server_now(server);
	ensure(!server->is_up);
	struct transfer_notifier_config notifier_config = notifier_config_of(server);
	server->notifier_owner.debts_changed = owner_debts_changed;
	server->is_up = true;
	server->life++;
	server->has_expired = false;
	server->scheduler = transfer_scheduler_new(&server->edge, &server->world->random.source, &server->limits);
	server->notifier = transfer_notifier_new(server->scheduler, server->world->apex.wire, DNS_CLASS_IN,
	                                         &notifier_config, &server->notifier_owner);
	transfer_notifier_restore(server->notifier, server->disk_debts, server->disk_debt_count);
	if (server->is_primary) {
		serve(server, server->disk == NULL ? NULL : zone_ref(server->disk));
	} else {
		start_secondary(server, now);
	}
	if (server->served != NULL) {
		announce(server, TRANSFER_NOTIFY_STARTUP);
	}
}

void world_stop(struct world_server *server)
{
	struct moment now = world_server_now(server);
	if (!server->is_up) {
		return;
	}
	transfer_secondary_free(server->secondary, now);
	transfer_notifier_free(server->notifier, now);
	transfer_scheduler_free(server->scheduler);
	server->secondary = NULL;
	server->notifier = NULL;
	server->scheduler = NULL;
	server->is_up = false;
	serve(server, NULL);
}

void world_lose_disk(struct world_server *server, bool timers_only)
{
	server->disk_timers = (struct change_deadlines){.expire_at_s = 0};
	server->world->clocks_lie = true;
	if (!timers_only) {
		zone_unref(server->disk);
		server->disk = NULL;
		server->disk_debt_count = 0;
		server->has_published = false;
	}
}

bool world_is_same(const struct world_server *a, const struct world_server *b)
{
	return a->is_up && b->is_up && a->served != NULL && b->served != NULL && is_same_version(a->served, b->served);
}

bool world_serves(const struct world_server *server, uint32_t *serial)
{
	if (!server->is_up || server->served == NULL) {
		return false;
	}
	*serial = zone_serial(server->served);
	return true;
}

/* ---- versions ---- */

size_t world_write_soa(uint8_t *bytes, size_t capacity, uint32_t serial, const struct world_timers *timers)
{
	struct writer out = writer_of(bytes, capacity);
	write_bytes(&out, "\2ns\7example", 12);
	write_bytes(&out, "\5admin\7example", 15);
	write_u32(&out, serial);
	write_u32(&out, timers->refresh_s);
	write_u32(&out, timers->retry_s);
	write_u32(&out, timers->expire_s);
	write_u32(&out, 60);
	ensure(!out.failed);
	return writer_len(&out);
}

static void add(struct zone_builder *builder, const uint8_t *owner, uint16_t type, const void *rdata, size_t len)
{
	ensure(zone_builder_add(builder, owner, type, 300, rdata, len) == ZONE_ADDED);
}

void world_record(uint32_t serial, size_t index, uint8_t owner[WORLD_OWNER_MAX], uint8_t rdata[4])
{
	memcpy(owner, "\5h0000\7example", WORLD_OWNER_MAX);
	owner[2] = (uint8_t)('a' + index / 4096 % 16);
	owner[3] = (uint8_t)('a' + index / 256 % 16);
	owner[4] = (uint8_t)('a' + index / 16 % 16);
	owner[5] = (uint8_t)('a' + index % 16);
	store_u32(rdata, serial * 2654435761u + (uint32_t)index);
}

static const struct zone_snapshot *make_version(struct world *world, uint32_t serial, size_t records,
                                                const struct world_timers *timers)
{
	uint8_t rdata[128];
	struct error error;
	struct zone_builder *builder = zone_builder_new(world->apex.wire, DNS_CLASS_IN);
	add(builder, world->apex.wire, DNS_TYPE_SOA, rdata, world_write_soa(rdata, sizeof rdata, serial, timers));
	add(builder, world->apex.wire, DNS_TYPE_NS, "\2ns\7example", 12);
	for (size_t i = 0; i < records; i++) {
		uint8_t owner[WORLD_OWNER_MAX];
		world_record(serial, i, owner, rdata);
		add(builder, owner, DNS_TYPE_A, rdata, 4);
	}
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, &error);
	ensure(zone != NULL);
	return zone;
}

void world_publish(struct world_server *server, uint32_t serial, size_t records, const struct world_timers *timers)
{
	struct world *world = server->world;
	const struct zone_snapshot *zone = make_version(world, serial, records, timers);
	ensure(server->is_primary);
	memory_reserve((void **)&world->published, &world->published_capacity, world->published_count + 1,
	               sizeof(const struct zone_snapshot *));
	world->published[world->published_count++] = zone_ref(zone);
	world->expire_s = timers->expire_s > world->expire_s ? timers->expire_s : world->expire_s;
	zone_unref(server->disk);
	server->disk = zone;
	server->disk_debt_count = 0;
	if (server->is_up) {
		serve(server, zone_ref(zone));
		announce(server, TRANSFER_NOTIFY_CHANGE);
	}
}

/* ---- time ---- */

void world_run(struct world *world, int64_t ms)
{
	int64_t until_ms = world->now_ms + ms;
	while (world->events_len > 0 && world->events[0]->at_ms <= until_ms) {
		struct event *event = take_event(world);
		world->now_ms = event->at_ms;
		event->run(event, world);
		check_world(world);
	}
	world->now_ms = until_ms;
	check_world(world);
}
