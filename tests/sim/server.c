/* SPDX-License-Identifier: MIT */
/* Starting, killing and ordering servers. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "conf/conf.h"
#include "server/server_internal.h"

/* 2050-01-01: after every file of this machine was made. */
#define WALL_START_S ((int64_t)2524608000)

const char *const sim_zone_names[SIM_ZONES_MAX] = {"example", "other.example"};

struct moment sim_now(const struct sim_server *server)
{
	return (struct moment){
	        .boot_ms = sim.now_ms + server->boot_shift_ms,
	        .wall_s = WALL_START_S + sim.now_ms / 1000 + server->wall_shift_s,
	};
}

uint32_t sim_ancestors(size_t server, size_t zone)
{
	uint32_t found = 1u << server;
	for (bool grew = true; grew;) {
		grew = false;
		for (size_t i = 0; i < sim.server_count; i++) {
			const struct sim_zone *at = &sim.servers[i].zones[zone];
			for (size_t j = 0; (found >> i & 1) != 0 && j < at->upstream_count; j++) {
				grew = grew || (found >> at->upstreams[j] & 1) == 0;
				found |= 1u << at->upstreams[j];
			}
		}
	}
	return found;
}

/* ---- configuration ---- */

static void add_addresses(struct text *text, const char *option, const size_t *servers, size_t count)
{
	if (count == 0) {
		return;
	}
	text_format(text, "    %s: [", option);
	for (size_t i = 0; i < count; i++) {
		text_format(text, "%s%s", i == 0 ? "" : ", ", sim.is_signed ? "server-" : "10.0.0.");
		text_format(text, sim.is_signed ? "%zu" : "%zu@53", servers[i] + 1);
	}
	text_add_string(text, "]\n");
}

static void add_zone(struct text *text, const struct sim_server *server, size_t index)
{
	const struct sim_zone *zone = &server->zones[index];
	if (!zone->is_here) {
		return;
	}
	text_format(text, "  - name: %s\n    allow-transfer: [%s]\n    history-max-changes: %u\n",
	            sim_zone_names[index], sim.is_signed ? "{key: between.example}" : "any", zone->history_changes);
	text_format(text, "    pin-primary: %us\n", zone->pin_s);
	if (zone->is_primary) {
		text_format(text, "    file: %s/%s-%zu.zone\n    serial: %s\n", sim.folder, server->name, index,
		            zone->serial_policy);
	}
	add_addresses(text, "primaries", zone->upstreams, zone->upstream_count);
	add_addresses(text, "notify", zone->targets, zone->target_count);
}

static void add_key(struct text *text)
{
	text_add_string(text, "keys:\n  - {name: between.example, algorithm: hmac-sha256, secret: "
	                      "bWFkZSB1cCBrZXkgbWF0ZXJpYWwh}\npeers:\n");
	for (size_t i = 0; i < sim.server_count; i++) {
		text_format(text, "  - {name: server-%zu, address: [10.0.0.%zu@53], key: between.example}\n", i + 1,
		            i + 1);
	}
}

static struct conf *configuration(const struct sim_server *server)
{
	char path[128];
	struct text text;
	struct conf_report report;
	text_init(&text, 65536);
	text_format(&text,
	            "server:\n  listen: [10.0.0.%zu@53]\n  workers: 1\n  data-dir: %s/%s\n  control: %s/%s.sock\n",
	            server->index + 1, sim.folder, server->name, sim.folder, server->name);
	text_format(&text, "  log-level: %s\n", sim.wants_story ? "info" : "error");
	if (sim.is_signed) {
		add_key(&text);
	}
	text_add_string(&text, "zones:\n");
	for (size_t i = 0; i < sim.zone_count; i++) {
		add_zone(&text, server, i);
	}
	snprintf(path, sizeof path, "%s/%s.yaml", sim.folder, server->name);
	FILE *file = fopen(path, "w");
	ensure(file != NULL);
	fputs(text_string(&text), file);
	ensure(fclose(file) == 0);
	text_deinit(&text);
	conf_report_init(&report);
	struct conf *conf = conf_read_file(path, &report);
	if (conf == NULL) {
		fputs(text_string(&report.lines), stderr);
		abort();
	}
	conf_report_deinit(&report);
	return conf;
}

/* ---- life ---- */

void sim_start(struct sim_server *server)
{
	struct error error;
	struct sim_server *before = sim.current;
	struct sim_fuse *fuse = &sim.fuses[server->index];
	ensure(!server->is_up);
	sim_tell(server, "starts");
	sim.starts++;
	sim.current = server;
	server->life++;
	server->is_up = true;
	server->is_dead = false;
	server->commit_at_ms = 0;
	fuse->is_dead = false;
	server->server = server_new(configuration(server));
	if (!server_start(server->server, &error)) {
		fprintf(stderr, "%s cannot start: %s\n", server->name, error.text);
		abort();
	}
	sim.current = before;
}

static void end(struct sim_server *server)
{
	struct sim_server *before = sim.current;
	sim.current = server;
	server_end(server->server);
	sim_reclaim();
	server->is_up = false;
	server->server = NULL;
	server->store = NULL;
	sim.current = before;
	sim_rules_after_end(server);
}

void sim_kill(struct sim_server *server)
{
	if (!server->is_up || server->is_dead) {
		return;
	}
	sim_tell(server, "is killed");
	server->is_dead = true;
	sim.fuses[server->index].is_dead = true;
	sim.fuses[server->index].left = 0;
	sim_kv_crash(server->kv);
	sim_disk_crash(server->disk);
}

void sim_bury_dead(void)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		if (sim.servers[i].is_up && sim.servers[i].is_dead) {
			end(&sim.servers[i]);
		}
	}
}

void sim_lose_store(struct sim_server *server)
{
	sim_kill(server);
	sim_bury_dead();
	sim_kv_lose(server->kv);
	sim_rules_after_loss(server);
}

void sim_stop(struct sim_server *server)
{
	if (server->is_up) {
		sim_tell(server, "is stopped");
		end(server);
	}
}

void sim_order(struct sim_server *server, size_t zone, enum control_action action)
{
	struct sim_server *before = sim.current;
	struct arena arena;
	struct control_done done;
	struct error error;
	struct control_order order = {.action = action, .zone = sim_zone_names[zone]};
	if (!server->is_up || !server->zones[zone].is_here) {
		return;
	}
	sim.current = server;
	sim_tell(server, "is told to %s %s", control_action_name(action), sim_zone_names[zone]);
	arena_init(&arena, 4096);
	/* What cannot be done is refused: a transfer before the zone has started, for instance. */
	(void)server->handlers.zone_order(server->handlers.self, &order, &arena, &done, &error);
	arena_deinit(&arena);
	sim.current = before;
}
