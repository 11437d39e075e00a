/* SPDX-License-Identifier: MIT */
#include "server/announce_internal.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/message.h"
#include "server/server_internal.h"
#include "server/writer_internal.h"

/* The replication loop's. */
struct announce {
	struct transfer_notifier_owner owner; /* first: the machine hands it back */
	struct transfer_notifier *machine;
	struct server_zone *zone;
};

/* Remembers who has acknowledged the version announced last. */
static void owner_debts_changed(struct transfer_notifier_owner *self)
{
	struct announce *announce = (struct announce *)self;
	struct store_acknowledgement acknowledgements[STORE_ACKNOWLEDGEMENTS_MAX];
	uint32_t serial = 0;
	size_t count = 0;
	size_t target_count = transfer_notifier_count(announce->machine);
	for (size_t i = 0; i < target_count && count < STORE_ACKNOWLEDGEMENTS_MAX; i++) {
		struct transfer_debt debt;
		transfer_notifier_debt(announce->machine, i, &debt);
		if (debt.acknowledged) {
			serial = debt.serial_acknowledged;
			acknowledgements[count].target = debt.target;
			acknowledgements[count++].at_s = debt.acknowledged_at_s;
		}
	}
	writer_save_acknowledgements(announce->zone, serial, acknowledgements, count);
}

/* Targets of one zone, from its options and, where `notify-ns` says so, from its NS set. 13 servers with two addresses
 * each are what a referral can name; 64 leave room. */
#define NS_TARGETS_MAX 64

struct targets {
	struct address *items;
	const struct tsig_key **keys; /* as many; NULL among them: none */
	size_t count;
	size_t capacity;
	size_t key_capacity;
};

static void add_target(struct targets *targets, const struct address *address, const struct tsig_key *key)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (address_equal(&targets->items[i], address)) {
			return;
		}
	}
	memory_reserve((void **)&targets->items, &targets->capacity, targets->count + 1, sizeof *targets->items);
	memory_reserve((void **)&targets->keys, &targets->key_capacity, targets->count + 1, sizeof(struct tsig_key *));
	targets->keys[targets->count] = key;
	targets->items[targets->count++] = *address;
}

static bool is_own_address(const struct conf *conf, const struct address *address)
{
	for (size_t i = 0; i < conf->server.listen.count; i++) {
		if (address_equal(&conf->server.listen.items[i], address)) {
			return true;
		}
	}
	return false;
}

static void add_ns_address(struct targets *targets, const struct conf *conf, enum address_family family,
                           const struct zone_rrset *rrset)
{
	const uint8_t *at = rrset->rdatas;
	for (uint16_t i = 0; i < rrset->count; i++, at += 2 + load_u16(at)) {
		struct address address = {.family = family, .port = CONF_PORT_DEFAULT};
		memcpy(address.bytes, at + 2, load_u16(at));
		if (targets->count < NS_TARGETS_MAX && !is_own_address(conf, &address)) {
			add_target(targets, &address, NULL);
		}
	}
}

/* Addresses of the NS set as far as zones of this server hold them; nothing is looked up elsewhere. The primary that
 * MNAME names is left out (RFC 1996 2.3). True: a zone that may hold some is not served yet. */
static bool add_ns_targets(struct targets *targets, const struct conf *conf, struct server *server,
                           const struct zone_snapshot *snapshot)
{
	struct zone_node apex;
	struct zone_rrset soa_rrset;
	struct zone_rrset ns;
	struct dns_soa soa;
	bool is_waiting = false;
	zone_soa(snapshot, &soa_rrset);
	dns_soa_read(soa_rrset.rdatas + 2, load_u16(soa_rrset.rdatas), &soa);
	zone_apex(snapshot, &apex);
	if (!zone_node_rrset(&apex, DNS_TYPE_NS, &ns)) {
		return false;
	}
	const uint8_t *at = ns.rdatas;
	for (uint16_t i = 0; i < ns.count; i++, at += 2 + load_u16(at)) {
		const struct zone *home = zone_set_find(atomic_load(&server->zones), at + 2);
		const struct zone_snapshot *served = home == NULL ? NULL : zone_served(home);
		struct zone_addresses addresses;
		if (served != NULL && !dns_name_equal(at + 2, soa.mname) &&
		    zone_addresses(served, at + 2, &addresses)) {
			add_ns_address(targets, conf, ADDRESS_V4, &addresses.a);
			add_ns_address(targets, conf, ADDRESS_V6, &addresses.aaaa);
		}
		is_waiting = is_waiting || (home != NULL && served == NULL);
	}
	return is_waiting;
}

/* Looks again at zones whose name servers were in zones that had not been read yet: this long after one was, so that many
 * that are read together cost one look, and so many at once, so that the loop does other things in between. */
#define NS_LOOK_MS  200
#define NS_LOOK_MAX 1000

static void ns_wait(struct server_zone *zone)
{
	struct ns_waiting *waiting = &zone->server->ns_waiting;
	if (zone->waits_for_ns) {
		return;
	}
	zone->waits_for_ns = true;
	zone->ns_next = NULL;
	*(waiting->first == NULL ? &waiting->first : &waiting->last->ns_next) = server_zone_ref(zone);
	waiting->last = zone;
	waiting->count++;
}

/* The first that waits, and there is one; with the list's reference. It counts until it has been looked at. */
static struct server_zone *ns_take(struct ns_waiting *waiting)
{
	struct server_zone *zone = waiting->first;
	ensure(zone != NULL);
	waiting->first = zone->ns_next;
	zone->waits_for_ns = false;
	return zone;
}

/* Makes the machine, or tells it who is to be told now. */
static void configure(struct server_zone *zone, struct moment now)
{
	struct targets targets = {0};
	struct server_zone_options options = server_zone_options(zone);
	const struct conf_zone_options *wanted = options.zone->options;
	const struct zone_snapshot *snapshot = zone_served(zone->zone);
	for (size_t i = 0; i < wanted->notify.count; i++) {
		const struct conf_target *target = &wanted->notify.items[i];
		add_target(&targets, &target->address, target->keys.count == 0 ? NULL : target->keys.items[0]);
	}
	bool is_waiting =
	        wanted->notify_ns && snapshot != NULL && add_ns_targets(&targets, options.conf, zone->server, snapshot);
	if (is_waiting) {
		ns_wait(zone);
	}
	struct transfer_notifier_config config = {
	        .targets = targets.items,
	        .target_count = targets.count,
	        .target_keys = targets.keys,
	        .source = {.v4 = wanted->notify_source.v4, .v6 = wanted->notify_source.v6},
	};
	if (zone->announce != NULL) {
		transfer_notifier_reconfigure(zone->announce->machine, &config, now);
	} else if ((targets.count > 0 || is_waiting) && !atomic_load(&zone->is_removed)) {
		/* While it waits it has a machine too: that knows what to tell when the addresses come. */
		zone->announce = memory_new(sizeof *zone->announce);
		atomic_store(&zone->has_announce, true);
		zone->announce->owner.debts_changed = owner_debts_changed;
		zone->announce->zone = zone;
		zone->announce->machine = transfer_notifier_new(zone->server->edge.scheduler, zone->zone->apex,
		                                                zone->zone->class, &config, &zone->announce->owner);
	}
	free(targets.items);
	free(targets.keys);
	server_zone_options_release(&options);
}

static void ns_set_timer(struct server *server, struct moment now)
{
	struct ns_waiting *waiting = &server->ns_waiting;
	if (waiting->due > 0 && !waiting->is_timed) {
		waiting->is_timed = true;
		net_timer_set(server->loop, &waiting->timer, now.boot_ms + NS_LOOK_MS);
	}
}

/* A zone was read: all that wait are looked at again, once. */
static void ns_look_later(struct server *server, struct moment now)
{
	server->ns_waiting.due = server->ns_waiting.count;
	ns_set_timer(server, now);
}

static void ns_look(struct net_timer *timer, struct moment now)
{
	struct server *server = (struct server *)((char *)timer - offsetof(struct server, ns_waiting.timer));
	struct ns_waiting *waiting = &server->ns_waiting;
	waiting->is_timed = false;
	for (size_t i = 0; i < NS_LOOK_MAX && waiting->due > 0; i++) {
		struct server_zone *zone = ns_take(waiting);
		waiting->due--;
		if (!atomic_load(&zone->is_removed)) {
			configure(zone, now);
		}
		atomic_fetch_sub(&waiting->count, 1);
		server_zone_unref(zone);
	}
	ns_set_timer(server, now);
}

void announce_init(struct server *server)
{
	server->ns_waiting.timer.expired = ns_look;
}

void announce_deinit(struct server *server)
{
	while (server->ns_waiting.first != NULL) {
		server_zone_unref(ns_take(&server->ns_waiting));
	}
}

struct announce_event {
	struct server_zone *zone; /* a reference */
	const struct zone_snapshot *snapshot;
	enum transfer_notify_reason reason;
	struct transfer_debt *restored; /* owned; what was known before the start */
	size_t restored_count;
	struct address host;
	uint32_t serial;
};

static struct announce_event *event_new(struct server_zone *zone)
{
	struct announce_event *event = memory_new(sizeof *event);
	event->zone = server_zone_ref(zone);
	return event;
}

static void event_free(struct announce_event *event)
{
	zone_unref(event->snapshot);
	server_zone_unref(event->zone);
	free(event->restored);
	free(event);
}

static void announce_on_loop(void *context, struct moment now)
{
	struct announce_event *event = context;
	struct server_zone *zone = event->zone;
	server_zone_set_announced(zone);
	configure(zone, now);
	if (zone->announce != NULL) {
		struct zone_rrset soa;
		zone_soa(event->snapshot, &soa);
		if (event->restored_count > 0) {
			transfer_notifier_restore(zone->announce->machine, event->restored, event->restored_count);
		}
		transfer_notifier_announce(zone->announce->machine, &soa, event->reason, now);
	}
	ns_look_later(zone->server, now);
	event_free(event);
}

/* Who has acknowledged this version before the server was started. */
static void load_restored(struct announce_event *event)
{
	struct store_acknowledgement known[STORE_ACKNOWLEDGEMENTS_MAX];
	uint32_t serial = zone_serial(event->snapshot);
	struct server_zone *zone = event->zone;
	size_t count = store_load_acknowledgements(zone->server->store, zone->zone->apex, serial, known);
	event->restored = memory_new_array(count, sizeof *event->restored);
	event->restored_count = count;
	for (size_t i = 0; i < count; i++) {
		event->restored[i] = (struct transfer_debt){
		        .target = known[i].target,
		        .acknowledged = true,
		        .serial_acknowledged = serial,
		        .acknowledged_at_s = known[i].at_s,
		};
	}
}

/* Neither somebody who is to be told of the zone, nor a zone that waits for the addresses in it. Who comes to be one meanwhile
 * sees that the version was announced, or is seen here. */
static bool is_nobody_to_be_told(struct server_zone *zone)
{
	struct server_zone_options options = server_zone_options(zone);
	const struct conf_zone_options *wanted = options.zone->options;
	bool has_targets = wanted->notify.count > 0 || wanted->notify_ns;
	server_zone_options_release(&options);
	if (has_targets) {
		return false;
	}
	server_zone_set_announced(zone);
	return !atomic_load(&zone->has_announce) && atomic_load(&zone->server->ns_waiting.count) == 0;
}

void announce_version(struct server_zone *zone, const struct zone_snapshot *snapshot,
                      enum transfer_notify_reason reason)
{
	if (is_nobody_to_be_told(zone)) {
		return;
	}
	struct announce_event *event = event_new(zone);
	event->snapshot = zone_ref(snapshot);
	event->reason = reason;
	if (reason == TRANSFER_NOTIFY_STARTUP) {
		load_restored(event);
	}
	server_post(zone->server, announce_on_loop, event);
}

/* False: nothing is served, or nobody is to be told. */
static bool announce_served(struct server_zone *zone, enum transfer_notify_reason reason, struct moment now)
{
	const struct zone_snapshot *snapshot = zone_served(zone->zone);
	if (snapshot == NULL || zone->announce == NULL || zone_is_held_back(snapshot)) {
		return false;
	}
	struct zone_rrset soa;
	zone_soa(snapshot, &soa);
	transfer_notifier_announce(zone->announce->machine, &soa, reason, now);
	return transfer_notifier_count(zone->announce->machine) > 0;
}

bool announce_again(struct server_zone *zone, struct moment now)
{
	configure(zone, now);
	return announce_served(zone, TRANSFER_NOTIFY_MANUAL, now);
}

static void configure_on_loop(void *context, struct moment now)
{
	struct announce_event *event = context;
	struct server_zone *zone = event->zone;
	bool had_machine = zone->announce != NULL;
	if (atomic_load(&zone->is_removed)) {
		announce_free(zone, now);
		ns_look_later(zone->server, now); /* lets go of it, if it waits */
	} else {
		configure(zone, now);
		ns_look_later(zone->server, now); /* what it waits for may have come before it was seen to wait */
	}
	if (!had_machine && server_zone_was_announced(zone)) {
		/* Its first targets: a machine that was there before knows by itself what new ones are to be told. */
		announce_served(zone, TRANSFER_NOTIFY_CHANGE, now);
	}
	event_free(event);
}

void announce_configure(struct server_zone *zone)
{
	server_post(zone->server, configure_on_loop, event_new(zone));
}

static void seen_on_loop(void *context, struct moment now)
{
	struct announce_event *event = context;
	if (event->zone->announce != NULL) {
		transfer_notifier_seen(event->zone->announce->machine, &event->host, event->serial, now);
	}
	event_free(event);
}

void announce_seen(struct server_zone *zone, const struct address *host, uint32_t serial)
{
	struct announce_event *event = event_new(zone);
	event->host = *host;
	event->serial = serial;
	/* Only status depends on it: when the queue is full it is not worth waiting. */
	if (!net_loop_post(zone->server->loop, seen_on_loop, event)) {
		event_free(event);
	}
}

void announce_save(struct server_zone *zone)
{
	if (zone->announce != NULL) {
		owner_debts_changed(&zone->announce->owner);
	}
}

const struct transfer_notifier *announce_machine(const struct server_zone *zone)
{
	return zone->announce == NULL ? NULL : zone->announce->machine;
}

void announce_free(struct server_zone *zone, struct moment now)
{
	if (zone->announce != NULL) {
		transfer_notifier_free(zone->announce->machine, now);
		free(zone->announce);
		zone->announce = NULL;
		atomic_store(&zone->has_announce, false);
	}
}
