/* SPDX-License-Identifier: MIT */
/* Zones come, change and go with the configuration; and the server's own options with them. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"
#include "server/writer_internal.h"

/* Zones whose files were not taken that a reload names with the reason: as many as fit an error's text. */
#define ZONES_TOLD_MAX 8

/* What struct zone.rules points to; the configuration that its lists live in is held with it. */
struct zone_rules {
	struct answer_rules answer; /* first: src/answer reads it */
	struct server_zone *zone;   /* borrowed: the rules go before the zone */
	struct conf *conf;
	struct access_rule *notify; /* what `allow-notify` lists, and besides the primaries by address and by key */
	struct prefix *primaries;
	const struct tsig_key **keys; /* theirs; borrowed from `conf` */
};

struct server_zone *server_zone_of(const struct zone *zone)
{
	const struct zone_rules *rules = atomic_load_explicit(&zone->rules, memory_order_acquire);
	return rules->zone;
}

static void rules_free(void *memory)
{
	struct zone_rules *rules = memory;
	conf_unref(rules->conf);
	free(rules->notify);
	free(rules->primaries);
	free(rules->keys);
	free(rules);
}

/* Keys of the primaries, those of one with several addresses once. Gives how many; `keys` has room for all. */
static size_t keys_of_primaries(const struct conf_targets *primaries, const struct tsig_key **keys)
{
	size_t count = 0;
	for (size_t i = 0; i < primaries->count; i++) {
		const struct conf_target *target = &primaries->items[i];
		bool is_same_peer = i > 0 && target->keys.items == primaries->items[i - 1].keys.items;
		for (size_t k = 0; !is_same_peer && k < target->keys.count; k++) {
			keys[count++] = target->keys.items[k];
		}
	}
	return count;
}

static size_t count_keys(const struct conf_targets *targets)
{
	size_t count = 0;
	for (size_t i = 0; i < targets->count; i++) {
		count += targets->items[i].keys.count;
	}
	return count;
}

/* A zone's own primaries may notify it (RFC 1996 3.10, 4.3), whatever else is allowed: by their keys from anywhere, and
 * without from their addresses, since such a NOTIFY only has them asked. */
static void allow_primaries(struct zone_rules *rules, const struct conf_zone_options *options)
{
	const struct access_rules *listed = &options->allow[ACCESS_NOTIFY];
	const struct conf_targets *primaries = &options->primaries;
	size_t count = primaries->count;
	if (count == 0) {
		return;
	}
	rules->notify = memory_new_array(listed->rule_count + 2, sizeof *rules->notify);
	rules->primaries = memory_new_array(count, sizeof *rules->primaries);
	rules->keys = memory_new_array(count_keys(primaries) + 1, sizeof *rules->keys);
	for (size_t i = 0; i < listed->rule_count; i++) {
		rules->notify[i] = listed->rules[i];
	}
	for (size_t i = 0; i < count; i++) {
		struct address address = primaries->items[i].address;
		address.port = 0;
		rules->primaries[i].address = address;
		rules->primaries[i].length = address.family == ADDRESS_V4 ? 32 : 128;
	}
	size_t rule_count = listed->rule_count;
	rules->notify[rule_count++] = (struct access_rule){.prefixes = rules->primaries, .prefix_count = count};
	size_t key_count = keys_of_primaries(primaries, rules->keys);
	if (key_count > 0) {
		rules->notify[rule_count++] = (struct access_rule){.keys = {.items = rules->keys, .count = key_count}};
	}
	rules->answer.allow[ACCESS_NOTIFY] = (struct access_rules){.rules = rules->notify, .rule_count = rule_count};
}

void server_zone_set_rules(struct server_zone *zone, struct conf *conf, const struct conf_zone *options)
{
	struct zone_rules *rules = memory_new(sizeof *rules);
	rules->answer.minimal_any = options->options->minimal_any;
	rules->answer.minimal_responses = options->options->minimal_responses;
	memcpy(rules->answer.allow, options->options->allow, sizeof rules->answer.allow);
	allow_primaries(rules, options->options);
	rules->zone = zone;
	rules->conf = conf_ref(conf);
	const void *before = atomic_exchange(&zone->zone->rules, rules);
	if (before != NULL) {
		quiescent_defer(rules_free, (void *)(uintptr_t)before);
	}
}

/* Makes the zone do what its options say, whatever it did before. */
static void zone_begin(struct server_zone *zone, const struct conf_zone *options)
{
	announce_configure(zone);
	follow_configure(zone);
	if (!conf_zone_is_secondary(options)) {
		writer_load_file(zone, true);
	}
}

/* The same for one that did nothing before: the replication loop has nothing to take down. */
static void zone_begin_new(struct server_zone *zone)
{
	const struct conf_zone *options = zone->options;
	if (options->options->notify.count > 0) {
		announce_configure(zone); /* others are looked for when there is a version to announce */
	}
	if (conf_zone_is_secondary(options)) {
		follow_configure(zone);
	} else {
		writer_load_file(zone, true);
	}
}

static void leaving_free(struct leaving_lane *take)
{
	job_lane_unref(take->lane);
	free(take);
}

void leaving_lanes_free(struct server *server)
{
	for (size_t i = 0; i < LEAVING_LISTS; i++) {
		while (server->leaving[i] != NULL) {
			struct leaving_lane *next = server->leaving[i]->next;
			leaving_free(server->leaving[i]);
			server->leaving[i] = next;
		}
	}
}

/* The list that a zone of this name is in. */
static struct leaving_lane **leaving_list(struct server *server, const uint8_t *apex)
{
	static const struct hash_key key = {{0x6c656176, 0x696e67}};
	struct dns_name lower;
	dns_name_lower(apex, &lower);
	return &server->leaving[hash_bytes(&key, lower.wire, lower.len) % LEAVING_LISTS];
}

static void remember_leaving(struct server *server, const struct server_zone *zone)
{
	struct leaving_lane **list = leaving_list(server, zone->zone->apex);
	struct leaving_lane *leaving = memory_new(sizeof *leaving);
	leaving->apex = dns_name_of(zone->zone->apex);
	leaving->lane = job_lane_ref(zone->lane);
	leaving->next = *list;
	*list = leaving;
}

bool leaving_is_over(struct server *server, const uint8_t *apex)
{
	for (const struct leaving_lane *leaving = *leaving_list(server, apex); leaving != NULL;
	     leaving = leaving->next) {
		if (dns_name_equal(leaving->apex.wire, apex) && job_lane_is_shared(leaving->lane)) {
			return false;
		}
	}
	return true;
}

/* The lane of a zone of this name that has not wholly gone, with a reference, or NULL. Forgets those of its list
 * that have. */
static struct job_lane *take_leaving(struct server *server, const uint8_t *apex)
{
	struct job_lane *found = NULL;
	struct leaving_lane **place = leaving_list(server, apex);
	while (*place != NULL) {
		struct leaving_lane *leaving = *place;
		bool is_it = found == NULL && dns_name_equal(leaving->apex.wire, apex);
		if (!is_it && job_lane_is_shared(leaving->lane)) {
			place = &leaving->next;
			continue;
		}
		found = is_it ? job_lane_ref(leaving->lane) : found;
		*place = leaving->next;
		leaving_free(leaving);
	}
	return found;
}

static struct server_zone *zone_create(struct server *server, struct conf *conf, const struct conf_zone *options)
{
	struct server_zone *zone = server_zone_new(server, conf, options, take_leaving(server, options->name));
	server_zone_set_rules(zone, conf, options);
	return zone;
}

static void set_free(void *memory)
{
	zone_set_free(memory);
}

void server_zone_clear_rules(struct server_zone *zone)
{
	const void *rules = atomic_exchange(&zone->zone->rules, NULL);
	if (rules != NULL) {
		rules_free((void *)(uintptr_t)rules);
	}
}

static void zone_unref_deferred(void *memory)
{
	server_zone_unref(memory);
}

void server_zone_end(struct zone *zone)
{
	server_zone_unref(server_zone_of(zone));
}

/* Swaps the set that workers look into. The lock is held. */
static void publish_set(struct server *server, struct zone_set *take)
{
	const struct zone_set *before = atomic_exchange(&server->zones, take);
	quiescent_defer(set_free, (void *)(uintptr_t)before);
}

void zones_create(struct server *server)
{
	struct conf *conf = server->conf;
	struct zone **zones = memory_new_array(conf->zone_count, sizeof(struct zone *));
	for (size_t i = 0; i < conf->zone_count; i++) {
		zones[i] = zone_create(server, conf, &conf->zones[i])->zone;
	}
	pthread_mutex_lock(&server->lock);
	publish_set(server, zone_set_new(zones, conf->zone_count));
	pthread_mutex_unlock(&server->lock);
	free(zones);
}

void zones_begin(struct server *server)
{
	const struct zone_set *zones = atomic_load(&server->zones);
	for (size_t i = 0; i < zone_set_count(zones); i++) {
		zone_begin_new(server_zone_of(zone_set_at(zones, i)));
	}
}

/* ---- reload ---- */

/* A reload under way. */
struct reload {
	struct server *server;
	struct conf *before;
	struct conf *after;
	struct conf_difference *difference;
	struct zone **added;
	struct zone **removed;
	size_t added_count;
	size_t removed_count;
	size_t changed_count;
};

static void apply_zone_sets(struct reload *reload)
{
	struct server *server = reload->server;
	for (size_t i = 0; i < reload->difference->zone_count; i++) {
		const struct conf_zone_difference *zone = &reload->difference->zones[i];
		switch (zone->change) {
		case CONF_ZONE_ADDED:
			reload->added[reload->added_count++] = zone_create(server, reload->after, zone->after)->zone;
			break;
		case CONF_ZONE_REMOVED:
			reload->removed[reload->removed_count++] =
			        zone_set_get(atomic_load(&server->zones), zone->before->name);
			break;
		case CONF_ZONE_CHANGED:
			reload->changed_count++;
			break;
		}
	}
	if (reload->added_count > 0 || reload->removed_count > 0) {
		publish_set(server, zone_set_change(atomic_load(&server->zones), reload->added, reload->added_count,
		                                    reload->removed, reload->removed_count));
	}
}

static void begin_added(struct reload *reload)
{
	for (size_t i = 0; i < reload->added_count; i++) {
		zone_begin_new(server_zone_of(reload->added[i]));
	}
}

/* What is stored of the zone stays in the data folder, until an operator has it forgotten (forget.c): if the removal was a
 * mistake, nothing is lost, and a serial never goes back. */
static void end_removed(struct reload *reload)
{
	for (size_t i = 0; i < reload->removed_count; i++) {
		struct server_zone *zone = server_zone_of(reload->removed[i]);
		remember_leaving(reload->server, zone);
		atomic_store(&zone->is_removed, true);
		follow_configure(zone);
		announce_configure(zone);
		server_zone_finish_all(zone, SERVER_ZONE_REMOVED);
		log_notice("zone %s: removed", zone->name);
		quiescent_defer(zone_unref_deferred, zone);
	}
}

static void apply_change(struct server_zone *zone, const struct conf_zone_difference *difference)
{
	struct text names;
	text_init(&names, 1024);
	conf_write_option_names(difference->options, conf_zone_option_name, &names);
	log_notice("zone %s: changed: %s", zone->name, text_string(&names));
	text_deinit(&names);
	if ((difference->reload & RELOAD_ROLE) != 0) {
		zone_begin(zone, difference->after);
		return;
	}
	if ((difference->reload & RELOAD_REPLICATION) != 0) {
		announce_configure(zone);
		follow_configure(zone);
	}
	if ((difference->reload & RELOAD_FILE) != 0 && !conf_zone_is_secondary(difference->after)) {
		writer_load_file(zone, true);
	}
}

/* Every zone's options now live in the new configuration. */
static void move_zones(struct reload *reload)
{
	const struct zone_set *zones = atomic_load(&reload->server->zones);
	for (size_t i = 0; i < reload->after->zone_count; i++) {
		const struct conf_zone *options = &reload->after->zones[i];
		struct server_zone *zone = server_zone_of(zone_set_get(zones, options->name));
		server_zone_configure(zone, reload->after, options);
		server_zone_set_rules(zone, reload->after, options);
	}
}

static void change_zones(struct reload *reload)
{
	const struct zone_set *zones = atomic_load(&reload->server->zones);
	for (size_t i = 0; i < reload->difference->zone_count; i++) {
		const struct conf_zone_difference *zone = &reload->difference->zones[i];
		if (zone->change == CONF_ZONE_CHANGED) {
			apply_change(server_zone_of(zone_set_get(zones, zone->after->name)), zone);
		}
	}
}

/* Limits on their way to a worker. */
struct worker_limits {
	struct worker *worker;
	struct net_config config;
};

static void set_worker_limits(void *context, struct moment now)
{
	struct worker_limits *limits = context;
	(void)now;
	net_worker_set_config(limits->worker->net, &limits->config);
	free(limits);
}

static void set_loop_limits(void *context, struct moment now)
{
	struct server *server = context;
	pthread_mutex_lock(&server->lock);
	struct transfer_limits limits = edge_limits(&server->conf->server);
	pthread_mutex_unlock(&server->lock);
	transfer_scheduler_set_limits(server->edge.scheduler, &limits, now);
}

static void apply_server_options(struct reload *reload)
{
	struct server *server = reload->server;
	struct text names;
	log_set_level(reload->after->server.log_level);
	const struct answer_config *before =
	        atomic_exchange(&server->answer_config, worker_answer_config(reload->after));
	quiescent_defer(worker_answer_config_free, (void *)(uintptr_t)before);
	uint32_t connections = descriptors_for_connections(&reload->after->server);
	for (size_t i = 0; i < server->worker_count; i++) {
		struct worker_limits *limits = memory_new(sizeof *limits);
		limits->worker = &server->workers[i];
		limits->config = worker_net_config(&reload->after->server, connections, server->worker_count);
		if (!net_worker_post(server->workers[i].net, set_worker_limits, limits)) {
			free(limits);
		}
	}
	server_post(server, set_loop_limits, server);
	if (reload->difference->server_options != 0) {
		text_init(&names, 1024);
		conf_write_option_names(reload->difference->server_options, conf_server_option_name, &names);
		log_notice("configuration: changed: %s%s", text_string(&names),
		           (reload->difference->server_reload & RELOAD_RESTART) != 0
		                   ? "; some of these hold after a restart only"
		                   : "");
		text_deinit(&names);
	}
}

static bool apply(struct reload *reload, struct error *error)
{
	struct server *server = reload->server;
	/* First, because it can fail: then nothing has changed yet. */
	if (!server_listen(server, &reload->before->server.listen, &reload->after->server.listen, error)) {
		return false;
	}
	pthread_mutex_lock(&server->lock);
	server->conf = conf_ref(reload->after);
	apply_zone_sets(reload);
	move_zones(reload);
	pthread_mutex_unlock(&server->lock);
	apply_server_options(reload);
	begin_added(reload);
	end_removed(reload);
	change_zones(reload);
	conf_unref(reload->before);
	return true;
}

static bool reload_conf(struct server *server, struct conf *after, struct text *out, struct error *error)
{
	struct reload reload = {.server = server, .before = server->conf, .after = after};
	reload.difference = conf_diff(reload.before, after);
	reload.added = memory_new_array(reload.difference->zone_count, sizeof *reload.added);
	reload.removed = memory_new_array(reload.difference->zone_count, sizeof *reload.removed);
	/* `before` stays readable while the difference is used. */
	conf_ref(reload.before);
	bool done = apply(&reload, error);
	text_format(out, "%zu zones added, %zu removed, %zu changed", reload.added_count, reload.removed_count,
	            reload.changed_count);
	if (done && (reload.difference->server_reload & RELOAD_RESTART) != 0) {
		text_add_string(out, "; some changed options hold after a restart only: ");
		conf_write_option_names(reload.difference->server_options, conf_server_option_name, out);
	}
	conf_difference_free(reload.difference);
	conf_unref(reload.before);
	free(reload.added);
	free(reload.removed);
	return done;
}

/* ---- zone files ---- */

/* The lock is held. */
static void watch_zone(struct load_watch *watch, struct server_zone *zone)
{
	watch->zones[watch->count] = server_zone_ref(zone);
	server_zone_wait_begin(zone, &watch->waits[watch->count], CONTROL_RELOAD);
	watch->count++;
}

/* Reads every primary's file again that is not as it was. */
static void reload_files(struct server *server, struct load_watch *watch)
{
	pthread_mutex_lock(&server->lock);
	const struct zone_set *zones = atomic_load(&server->zones);
	if (watch != NULL) {
		watch->zones = memory_new_array(zone_set_count(zones), sizeof(struct server_zone *));
		watch->waits = memory_new_array(zone_set_count(zones), sizeof *watch->waits);
	}
	for (size_t i = 0; i < zone_set_count(zones); i++) {
		struct server_zone *zone = server_zone_of(zone_set_at(zones, i));
		if (conf_zone_is_secondary(zone->options)) {
			continue;
		}
		if (watch != NULL) {
			watch_zone(watch, zone);
		}
		writer_load_file(zone, false);
	}
	pthread_mutex_unlock(&server->lock);
}

/* What came of the files that were watched. */
struct load_tally {
	struct text lines; /* of what failed */
	size_t failed;
	size_t unfinished;
	bool is_stopping;
};

static void tally_failure(struct load_tally *tally, const struct server_zone *zone, const struct error *error)
{
	if (error->code == ERROR_NOT_FOUND) {
		return; /* the zone was removed since: nobody waits for its file any more */
	}
	tally->unfinished += error->code == ERROR_TIMEOUT;
	tally->is_stopping = tally->is_stopping || error->code == ERROR_STOPPED;
	if (error->code != ERROR_TIMEOUT && error->code != ERROR_STOPPED && ++tally->failed <= ZONES_TOLD_MAX) {
		text_format(&tally->lines, "\nzone %.100s: %.200s", zone->name, error->text);
	}
}

/* One after the other; they are read by several threads meanwhile. */
static void tally_loads(struct load_watch *watch, const struct control_order *order, struct load_tally *tally)
{
	int64_t deadline_ms = clock_now().boot_ms + order->timeout_ms;
	for (size_t i = 0; i < watch->count; i++) {
		struct text text;
		struct error error;
		int64_t left_ms = deadline_ms - clock_now().boot_ms;
		text_init(&text, 4096);
		if (!server_zone_wait_end(watch->zones[i], &watch->waits[i], left_ms > 0 ? (uint32_t)left_ms : 0,
		                          order->asker, &text, &error)) {
			tally_failure(tally, watch->zones[i], &error);
		}
		text_deinit(&text);
		server_zone_unref(watch->zones[i]);
	}
}

static bool tell_tally(const struct load_tally *tally, size_t count, struct text *out, struct error *error)
{
	if (tally->is_stopping) {
		return error_set(error, ERROR_STOPPED, "the server is stopping");
	}
	if (tally->failed > 0) {
		const char *more = tally->failed > ZONES_TOLD_MAX ? "\nand more; `tandem status` shows all" : "";
		return error_set(error, ERROR_INVALID, "%s; %zu of %zu zone files were not taken:%s%s",
		                 text_string(out), tally->failed, count, text_string(&tally->lines), more);
	}
	if (tally->unfinished > 0) {
		return error_set(error, ERROR_TIMEOUT, "%s; %zu of %zu zone files are still being read; it goes on",
		                 text_string(out), tally->unfinished, count);
	}
	text_format(out, "; all zone files are read");
	return true;
}

bool load_watch_end(struct load_watch *watch, const struct control_order *order, struct text *out, struct error *error)
{
	struct load_tally tally = {0};
	if (watch->zones == NULL) {
		return true; /* nobody waits */
	}
	text_init(&tally.lines, ERROR_TEXT_MAX);
	tally_loads(watch, order, &tally);
	bool done = tell_tally(&tally, watch->count, out, error);
	text_deinit(&tally.lines);
	free(watch->zones);
	free(watch->waits);
	return done;
}

/* ---- the whole ---- */

static bool read_and_apply(struct server *server, struct text *out, struct error *error)
{
	struct conf_report report;
	if (atomic_load(&server->stopping)) {
		return error_set(error, ERROR_STOPPED, "the server is stopping");
	}
	if (server->conf->path == NULL) {
		text_add_string(out, "there is no configuration file; zone files that changed are read again");
		return true;
	}
	conf_report_init(&report);
	struct conf *after = conf_read_file(server->conf->path, &report);
	bool done = false;
	if (after == NULL) {
		const char *lines = text_string(&report.lines);
		size_t len = strlen(lines);
		len -= len > 0 && lines[len - 1] == '\n';
		error_set(error, ERROR_INVALID, "%.*s", (int)len, lines);
	} else {
		done = reload_conf(server, after, out, error);
		conf_unref(after);
	}
	conf_report_deinit(&report);
	return done;
}

/* One line of the log for each problem of the file. */
static void log_refused(const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		log_error("configuration: the reload was refused, what ran before runs on: %.*s", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

bool server_reload(struct server *server, struct load_watch *watch, struct text *out, struct error *error)
{
	pthread_mutex_lock(&server->reload_lock);
	bool done = read_and_apply(server, out, error);
	if (done) {
		log_notice("configuration: reloaded: %s", text_string(out));
		reload_files(server, watch);
	} else {
		log_refused(error->text);
	}
	pthread_mutex_lock(&server->lock);
	free(server->conf_reason);
	server->conf_reason = done ? NULL : memory_copy_text(error->text);
	pthread_mutex_unlock(&server->lock);
	pthread_mutex_unlock(&server->reload_lock);
	return done;
}
