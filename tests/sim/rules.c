/* SPDX-License-Identifier: MIT */
/* What must always be true. README.md says the rules in words. */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "change/history.h"
#include "dns/message.h"
#include "dns/serial.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"
#include "store/store.h"
#include "transfer/transfer.h"

/* R3: what is remembered over a restart is rounded to seconds, and what takes an expired version away is a job of its zone, which
 * may be slow, behind one that is (jobs.c). Time that a message is on its way is none of it. */
#define EXPIRE_SLACK_MS 5000
/* R4: a transfer may have come so long before its version was seen. */
#define TIMERS_SLACK_S 30
/* R5: a NOTIFY that was taken is followed within this, when nothing is at fault. */
#define NOTIFIED_MS 60000
/* R7: what is owed is on disk after this: commits wait for company, disks for their turn. */
#define OWED_MS 5000
/* R7, R8: what a disk refused is on it so long after it takes writes again. */
#define REWRITTEN_MS 75000

/* A version that a primary published. */
struct published {
	size_t zone;
	uint32_t serial;
	struct change_digest digest;
};

static struct published *published;
static size_t published_count;
static size_t published_capacity;
static uint32_t expire_max_s[SIM_ZONES_MAX];
static uint32_t refresh_max_s;
static uint32_t retry_max_s;

/* A NOTIFY that was taken. */
struct debt {
	struct sim_server *to;
	struct sim_server *from;
	size_t zone;
	uint32_t serial;
	uint64_t life;
	int64_t due_ms;
};

static struct debt *debts; /* in the order of their times */
static size_t debt_count;
static size_t debt_capacity;
static size_t debts_looked_at;

void sim_violated(const char *rule, const struct sim_server *server, size_t zone, const char *format, ...)
{
	va_list arguments;
	if (sim.is_violated) {
		return;
	}
	sim.is_violated = true;
	sim.violator = server == NULL ? SIM_SERVERS_MAX : server->index;
	sim.violated_zone = zone;
	snprintf(sim.rule, sizeof sim.rule, "%s", rule);
	va_start(arguments, format);
	vsnprintf(sim.violation, sizeof sim.violation, format, arguments);
	va_end(arguments);
}

void sim_rules_forget(void)
{
	free(published);
	free(debts);
	published = NULL;
	debts = NULL;
	published_count = 0;
	published_capacity = 0;
	debt_count = 0;
	debt_capacity = 0;
	debts_looked_at = 0;
	refresh_max_s = 0;
	retry_max_s = 0;
	memset(expire_max_s, 0, sizeof expire_max_s);
}

/* ---- R1: what is served was published by a primary, whole ---- */

/* With this content, or NULL; `other`: one with this serial and other content. */
static const struct published *find_published(size_t zone, const struct sim_version *version,
                                              const struct published **other)
{
	*other = NULL;
	for (size_t i = published_count; i > 0; i--) {
		const struct published *at = &published[i - 1];
		bool has_serial = at->zone == zone && at->serial == version->serial;
		if (has_serial && change_digest_equal(at->digest, version->digest)) {
			return at;
		}
		*other = has_serial ? at : *other;
	}
	return NULL;
}

static void note_timers(size_t zone, const struct zone_snapshot *snapshot)
{
	struct transfer_version version = transfer_version_of(snapshot);
	expire_max_s[zone] = version.expire_s > expire_max_s[zone] ? version.expire_s : expire_max_s[zone];
	refresh_max_s = version.refresh_s > refresh_max_s ? version.refresh_s : refresh_max_s;
	retry_max_s = version.retry_s > retry_max_s ? version.retry_s : retry_max_s;
}

static void check_published(const struct sim_server *server, size_t zone, const struct sim_version *version,
                            const struct zone_snapshot *snapshot)
{
	const struct published *other;
	if (find_published(zone, version, &other) != NULL) {
		return;
	}
	if (other != NULL) {
		sim_violated("R1", server, zone, "publishes serial %" PRIu32 " of %s with other content than before",
		             version->serial, sim_zone_names[zone]);
	}
	memory_reserve((void **)&published, &published_capacity, published_count + 1, sizeof *published);
	published[published_count++] =
	        (struct published){.zone = zone, .serial = version->serial, .digest = version->digest};
	note_timers(zone, snapshot);
}

static void check_followed(const struct sim_server *server, size_t zone, const struct sim_version *version)
{
	const struct published *other;
	if (find_published(zone, version, &other) == NULL) {
		sim_violated(
		        "R1", server, zone, "serves serial %" PRIu32 " of %s%s", version->serial, sim_zone_names[zone],
		        other == NULL ? ", which no primary ever published" : " with other content than its primary");
	}
}

/* ---- R2: serials go forward ---- */

static void check_forward(const struct sim_server *server, size_t zone, const struct sim_zone *at,
                          const struct sim_version *version)
{
	if (!at->last.is_known || at->may_go_back) {
		return;
	}
	enum dns_serial_order order = dns_serial_compare(version->serial, at->last.serial);
	bool is_same = order == DNS_SERIAL_EQUAL && change_digest_equal(version->digest, at->last.digest);
	if (order != DNS_SERIAL_NEWER && !is_same) {
		sim_violated("R2", server, zone, "goes from serial %" PRIu32 " of %s to %" PRIu32, at->last.serial,
		             sim_zone_names[zone], version->serial);
	}
}

/* ---- R3: nothing expired is served ---- */

static void check_expiry(void)
{
	for (size_t i = 0; i < sim.server_count && !sim.clocks_lie && !sim.expire_lies; i++) {
		for (size_t j = 0; j < sim.zone_count; j++) {
			const struct sim_zone *zone = &sim.servers[i].zones[j];
			int64_t silent_ms = sim.now_ms - zone->fresh_ms;
			if (zone->is_served && !zone->is_primary &&
			    silent_ms > (int64_t)expire_max_s[j] * 1000 + EXPIRE_SLACK_MS) {
				sim_violated("R3", &sim.servers[i], j,
				             "serves %s, but what it knows of a primary is %" PRId64
				             " s old, and its SOA expires after %" PRIu32 " s",
				             sim_zone_names[j], silent_ms / 1000, expire_max_s[j]);
			}
		}
	}
}

void sim_rules_heard(struct sim_server *to, const struct sim_server *from, size_t zone, int64_t fresh_ms)
{
	struct sim_zone *at = &to->zones[zone];
	(void)from;
	at->fresh_ms = fresh_ms > at->fresh_ms ? fresh_ms : at->fresh_ms;
}

/* ---- what is served ---- */

/* What a primary could not write is, and is given to others from now on. */
static void hand_on(struct sim_server *server, size_t zone, const struct zone_snapshot *snapshot)
{
	struct sim_zone *at = &server->zones[zone];
	at->is_held_back = false;
	check_published(server, zone, &at->last, snapshot);
	sim.published++;
}

static void take_version(struct sim_server *server, size_t zone, const struct zone_snapshot *snapshot, bool is_volatile)
{
	struct sim_zone *at = &server->zones[zone];
	struct sim_version version = {
	        .is_known = true, .serial = zone_serial(snapshot), .digest = change_digest_of(snapshot)};
	at->is_held_back = at->is_primary && is_volatile;
	if (at->is_held_back) {
		sim.held_back++; /* it may be forgotten, and nobody may have it */
	} else if (at->is_primary) {
		check_published(server, zone, &version, snapshot);
		sim.published++;
	} else {
		check_followed(server, zone, &version);
		sim.followed++;
	}
	check_forward(server, zone, at, &version);
	at->last = version;
	at->since_s = sim_now(server).wall_s;
	at->may_go_back = false;
}

/* From here on it must not be forgotten. */
static void keep(struct sim_zone *at)
{
	if (!at->kept.is_known || at->kept.serial != at->last.serial) {
		at->kept = at->last;
		at->kept_refreshed_s = at->since_s - TIMERS_SLACK_S;
	}
}

/* ---- R7: what is owed is owed over a restart ---- */

static void look_at_owed(const struct sim_server *server, struct sim_zone *at, const struct server_zone *zone)
{
	const struct transfer_secondary *machine = zone == NULL ? NULL : follow_machine(zone);
	struct transfer_secondary_status status = {.owed_since_s = 0};
	if (machine != NULL) {
		transfer_secondary_status(machine, &status);
	}
	bool is_owed = status.owed_since_s != 0;
	if (is_owed && (!at->is_owed || at->owed_serial != status.owed_serial)) {
		at->owed_at_ms = sim.now_ms;
		at->owed_serial = status.owed_serial;
	}
	at->is_owed = is_owed;
	if (sim.fuses[server->index].fault != SIM_DISK_GOOD) {
		at->owed_at_ms = sim.now_ms + REWRITTEN_MS;
	}
}

static void check_owed(const struct sim_server *server, size_t zone, uint32_t stored, const uint8_t *apex)
{
	const struct sim_zone *at = &server->zones[zone];
	struct change_deadlines timers = store_load_timers(server->store, apex);
	bool is_here = dns_serial_compare(at->owed_serial, stored) != DNS_SERIAL_NEWER;
	bool is_owed = timers.promised_at_s != 0 &&
	               dns_serial_compare(at->owed_serial, timers.promised_serial) != DNS_SERIAL_NEWER;
	if (at->is_owed_kept && !is_here && !is_owed) {
		sim_violated("R7", server, zone,
		             "was owed serial %" PRIu32 " of %s, has %" PRIu32 ", and forgot it over a restart",
		             at->owed_serial, sim_zone_names[zone], stored);
	}
}

/* ---- R8: what a disk refused is written when it takes writes again ---- */

static void look_at_volatile(struct sim_server *server, size_t zone, bool is_volatile)
{
	struct sim_zone *at = &server->zones[zone];
	if (!is_volatile || at->volatile_since_ms == 0 || sim.fuses[server->index].fault != SIM_DISK_GOOD) {
		at->volatile_since_ms = sim.now_ms;
	} else if (sim.now_ms - at->volatile_since_ms > REWRITTEN_MS) {
		sim_violated("R8", server, zone,
		             "has not written serial %" PRIu32 " of %s %d s after its disk was good again",
		             at->last.serial, sim_zone_names[zone], REWRITTEN_MS / 1000);
	}
}

static void look_at_zone(struct sim_server *server, size_t index)
{
	struct sim_zone *at = &server->zones[index];
	struct dns_name name;
	ensure(dns_name_from_text(sim_zone_names[index], &name, NULL));
	const struct zone_set *zones = atomic_load(&server->server->zones);
	struct zone *zone = zones == NULL ? NULL : zone_set_get(zones, name.wire);
	const struct zone_snapshot *served = zone == NULL ? NULL : zone_served(zone);
	uint64_t identity = served == NULL ? 0 : zone_identity(served);
	bool is_volatile = served != NULL && server_zone_is_volatile(server_zone_of(zone));
	if (identity != at->identity) {
		bool was_served = at->is_served;
		at->identity = identity;
		at->is_served = served != NULL;
		if (served != NULL) {
			take_version(server, index, served, is_volatile);
		} else if (was_served) {
			sim.expiries++;
		}
	}
	if (zone != NULL && atomic_load(&zone->state) == ZONE_STATE_EXPIRED) {
		at->may_go_back = true; /* any version is better than none (RFC 1982 3.2 rules while one is served) */
	}
	if (served != NULL && !is_volatile && at->is_held_back) {
		hand_on(server, index, served);
	}
	if (served != NULL && !is_volatile) {
		keep(at);
	}
	look_at_volatile(server, index, is_volatile);
	look_at_owed(server, at, zone == NULL ? NULL : server_zone_of(zone));
}

/* ---- R4: what was served is not forgotten ---- */

/* What would be sent to somebody who has an older version makes this one of it. Some of all versions are tried. */
static void check_history(const struct sim_server *server, size_t zone, const struct sim_version *version,
                          const struct change_history *history)
{
	size_t step = published_count / 8 + 1;
	for (size_t i = sim_below(step); i < published_count; i += step) {
		const struct published *from = &published[i];
		size_t count = from->zone == zone ? change_history_from(history, from->serial) : 0;
		struct change_digest digest = from->digest;
		for (size_t back = count; back > 0; back--) {
			const struct changeset *set = change_history_take(history, back);
			if (set == NULL) {
				sim_violated("R4", server, zone, "has no changeset %zu before the newest of %s", back,
				             sim_zone_names[zone]);
				break;
			}
			digest = change_digest_after(digest, set);
			change_history_give_back(history, set);
		}
		if (count > 0 && !change_digest_equal(digest, version->digest)) {
			sim_violated("R4", server, zone,
			             "has stored %zu changesets of %s that lead from serial %" PRIu32
			             " to other content than that of %" PRIu32,
			             count, sim_zone_names[zone], from->serial, version->serial);
		}
	}
}

static void check_stored_version(struct sim_server *server, size_t zone, const uint8_t *apex)
{
	struct error error;
	struct store_head head;
	struct sim_version *kept = &server->zones[zone].kept;
	const struct change_history *history = NULL;
	const struct zone_snapshot *snapshot = store_load_version(server->store, apex, &head, &history, &error);
	if (snapshot == NULL) {
		sim_violated("R4", server, zone, "cannot read its copy of %s, serial %" PRIu32 ": %s",
		             sim_zone_names[zone], head.serial_published, error.text);
		return;
	}
	struct sim_version stored = {
	        .is_known = true, .serial = zone_serial(snapshot), .digest = change_digest_of(snapshot)};
	if (stored.serial != head.serial_published) {
		sim_violated("R4", server, zone, "has stored serial %" PRIu32 " of %s as %" PRIu32, stored.serial,
		             sim_zone_names[zone], head.serial_published);
	} else if (kept->is_known && stored.serial == kept->serial &&
	           !change_digest_equal(stored.digest, kept->digest)) {
		sim_violated("R4", server, zone, "has served serial %" PRIu32 " of %s, and stored other content",
		             stored.serial, sim_zone_names[zone]);
	} else if (!server->zones[zone].is_primary) {
		check_followed(server, zone, &stored);
	}
	check_history(server, zone, &stored, history);
	change_history_unref(history);
	if (stored.serial != kept->serial) {
		/* It was killed before anybody saw that version. */
		*kept = stored;
		server->zones[zone].kept_refreshed_s = 0;
	}
	zone_unref(snapshot);
}

static void check_stored_timers(const struct sim_server *server, size_t zone, const uint8_t *apex)
{
	struct change_deadlines timers = store_load_timers(server->store, apex);
	if (!sim.clocks_lie && timers.refreshed_at_s < server->zones[zone].kept_refreshed_s) {
		sim_violated("R4", server, zone,
		             "has stored a version of %s without its timers: they are %" PRId64 " s older than it",
		             sim_zone_names[zone],
		             server->zones[zone].kept_refreshed_s + TIMERS_SLACK_S - timers.refreshed_at_s);
	}
}

static void check_stored(struct sim_server *server, size_t zone)
{
	struct sim_zone *at = &server->zones[zone];
	struct dns_name name;
	struct store_head head;
	struct error error;
	ensure(dns_name_from_text(sim_zone_names[zone], &name, NULL));
	struct store_stand stand;
	bool has_head = store_load_head(server->store, name.wire, &head, &stand, NULL, &error);
	if (!has_head && (at->kept.is_known || error.code != ERROR_NOT_FOUND)) {
		sim_violated("R4", server, zone, "has served serial %" PRIu32 " of %s, and forgot it: %s",
		             at->kept.serial, sim_zone_names[zone], error.text);
	}
	if (!has_head) {
		return;
	}
	enum dns_serial_order order = dns_serial_compare(head.serial_published, at->kept.serial);
	if (at->kept.is_known && !at->may_go_back && order != DNS_SERIAL_NEWER && order != DNS_SERIAL_EQUAL) {
		sim_violated("R4", server, zone, "has served serial %" PRIu32 " of %s, and has stored %" PRIu32,
		             at->kept.serial, sim_zone_names[zone], head.serial_published);
	}
	/* A primary's records come later, and until then its file has them. */
	if (stand.has_records || !at->is_primary) {
		check_stored_version(server, zone, name.wire);
	}
	if (at->kept.is_known && !at->is_primary) {
		check_owed(server, zone, head.serial_published, name.wire);
		check_stored_timers(server, zone, name.wire);
	}
}

void sim_rules_opened(struct sim_server *server)
{
	for (size_t i = 0; i < sim.zone_count; i++) {
		if (server->zones[i].is_here) {
			check_stored(server, i);
		}
	}
}

/* What was served and not on disk may be gone. */
void sim_rules_after_end(struct sim_server *server)
{
	for (size_t i = 0; i < sim.zone_count; i++) {
		struct sim_zone *at = &server->zones[i];
		at->is_owed_kept = at->is_owed && sim.now_ms - at->owed_at_ms >= OWED_MS;
		at->is_owed = false;
		at->is_held_back = false;
		at->volatile_since_ms = 0;
		at->is_served = false;
		at->identity = 0;
		at->last = at->kept;
	}
}

/* What it has from images may be of long ago, and what it was owed is forgotten; so are its timers, and it asks at once. Which
 * serials it gave may not be forgotten: R1 is held. */
void sim_rules_after_loss(struct sim_server *server)
{
	for (size_t i = 0; i < sim.zone_count; i++) {
		struct sim_zone *at = &server->zones[i];
		at->kept = (struct sim_version){.is_known = false};
		at->kept_refreshed_s = 0;
		at->is_owed_kept = false;
		at->may_go_back = true;
	}
	sim.expire_lies = true; /* an image says when it was written, and not how old its primary's word was then */
}

/* ---- R5: a NOTIFY that was taken is followed ---- */

void sim_rules_notified(struct sim_server *to, struct sim_server *from, size_t zone, uint32_t serial)
{
	if (!sim.is_settled || to->zones[zone].is_primary) {
		return;
	}
	memory_reserve((void **)&debts, &debt_capacity, debt_count + 1, sizeof *debts);
	debts[debt_count++] = (struct debt){
	        .to = to,
	        .from = from,
	        .zone = zone,
	        .serial = serial,
	        .life = to->life,
	        .due_ms = sim.now_ms + NOTIFIED_MS,
	};
}

static void check_debts(void)
{
	for (; debts_looked_at < debt_count && debts[debts_looked_at].due_ms <= sim.now_ms; debts_looked_at++) {
		const struct debt *debt = &debts[debts_looked_at];
		const struct sim_zone *at = &debt->to->zones[debt->zone];
		bool has_it = at->is_served && dns_serial_compare(at->last.serial, debt->serial) != DNS_SERIAL_OLDER;
		if (!has_it && debt->to->is_up && debt->to->life == debt->life) {
			sim_violated("R5", debt->to, debt->zone,
			             "took a NOTIFY of serial %" PRIu32 " of %s from %s %d s ago, and has %" PRIu32,
			             debt->serial, sim_zone_names[debt->zone], debt->from->name, NOTIFIED_MS / 1000,
			             at->last.serial);
		}
	}
}

/* ---- R6: in the end all agree ---- */

static bool agrees(const struct sim_zone *at, const struct sim_zone *first)
{
	return at->is_served && first->is_served && at->last.serial == first->last.serial &&
	       change_digest_equal(at->last.digest, first->last.digest);
}

static const struct sim_server *primary_of(size_t zone)
{
	size_t i = 0;
	while (!sim.servers[i].zones[zone].is_primary) {
		i++;
	}
	return &sim.servers[i];
}

bool sim_rules_all_agree(struct sim_server **who, size_t *zone, char *why, size_t size)
{
	for (size_t i = 0; i < sim.zone_count; i++) {
		const struct sim_server *primary = primary_of(i);
		for (size_t j = 0; j < sim.server_count; j++) {
			const struct sim_zone *at = &sim.servers[j].zones[i];
			if (at->is_here && !agrees(at, &primary->zones[i])) {
				*who = &sim.servers[j];
				*zone = i;
				snprintf(why, size, "serves %s%" PRIu32 " of %s, its primary %s has %" PRIu32,
				         at->is_served ? "serial " : "nothing, after ", at->last.serial,
				         sim_zone_names[i], primary->name, primary->zones[i].last.serial);
				return false;
			}
		}
	}
	return true;
}

/* At each step from the primary: whoever failed may be left out for four refreshes, and then there is a round of questions
 * and a transfer with their attempts; whoever has nothing asks every five minutes. */
int64_t sim_rules_patience_ms(void)
{
	size_t depth = 1;
	for (size_t i = 0; i < sim.server_count; i++) {
		for (size_t j = 0; j < sim.zone_count; j++) {
			depth = sim.servers[i].zones[j].depth > depth ? sim.servers[i].zones[j].depth : depth;
		}
	}
	int64_t longest_s = refresh_max_s > retry_max_s ? refresh_max_s : retry_max_s;
	return (int64_t)depth * (6 * longest_s + 600) * 1000;
}

void sim_rules_look(struct sim_server *server)
{
	for (size_t i = 0; server != NULL && server->is_up && i < sim.zone_count; i++) {
		if (server->zones[i].is_here) {
			look_at_zone(server, i);
		}
	}
	check_expiry();
	check_debts();
}
