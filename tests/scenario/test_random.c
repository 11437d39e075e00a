/* SPDX-License-Identifier: MIT */
/* Scenarios out of a seed: many servers that follow each other in any way, a network and servers that go wrong in all the
 * ways that the small world knows, and W1 to W3 of world.h at every event. Then all goes well again, a last version is
 * published, and within the bound that its SOA gives every server must have it. */
#include "unit.h"
#include "world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"

#define WORLDS 40
#define STEPS  150
/* Of the trace, its end is shown with a failure. */
#define TRACE_MAX  ((size_t)100 << 20)
#define TRACE_TAIL 40000

struct story {
	struct world *world;
	struct random_seeded random;
	struct world_timers timers;
	struct world_server *primaries[2];
	size_t primary_count;
	uint32_t serial;
	struct text trace;
};

static uint64_t below(struct story *story, uint64_t bound)
{
	return random_below(&story->random.source, bound);
}

static bool chance(struct story *story, unsigned percent)
{
	return below(story, 100) < percent;
}

static void note(struct story *story, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(struct story *story, const char *format, ...)
{
	va_list arguments;
	text_format(&story->trace, "%10.3f  ", (double)world_now_ms(story->world) / 1000);
	va_start(arguments, format);
	text_format_list(&story->trace, format, arguments);
	va_end(arguments);
	text_add_char(&story->trace, '\n');
}

static void note_log(void *context, enum log_level level, const char *line)
{
	note(context, "    %s %s", log_level_name(level), line);
}

static void show_server(const struct world_server *server)
{
	uint32_t serial = 0;
	bool serves = world_serves(server, &serial);
	fprintf(stderr, "%s 10.0.0.%zu: %s, serves %" PRIu32 ", expires in %" PRId64 " ms; follows", server->name,
	        server->index + 1, server->is_up ? "up" : "down", serves ? serial : 0,
	        server->expire_at_ms - world_server_now(server).boot_ms);
	for (size_t i = 0; i < server->config.primary_count; i++) {
		fprintf(stderr, " 10.0.0.%u", server->primaries[i].bytes[3]);
	}
	fputc('\n', stderr);
}

static void show_trace(const struct story *story)
{
	size_t skip = story->trace.len > TRACE_TAIL ? story->trace.len - TRACE_TAIL : 0;
	fputs(text_string(&story->trace) + skip, stderr);
	fprintf(stderr, "at %" PRId64 " ms, refresh %" PRIu32 " retry %" PRIu32 " expire %" PRIu32 "\n",
	        world_now_ms(story->world), story->timers.refresh_s, story->timers.retry_s, story->timers.expire_s);
	for (size_t i = 0; i < world_count(story->world); i++) {
		show_server(world_at(story->world, i));
	}
}

static void check(struct story *story)
{
	if (world_fault(story->world) != NULL) {
		show_trace(story);
		fail_msg("%s", world_fault(story->world));
	}
}

static struct world_server *any_server(struct story *story)
{
	return world_at(story->world, below(story, world_count(story->world)));
}

/* ---- a world ---- */

static void publish(struct story *story)
{
	story->serial += 1 + (uint32_t)below(story, 1000);
	note(story, "serial %" PRIu32, story->serial);
	world_publish(story->primaries[0], story->serial, story->serial % 150, &story->timers);
	if (story->primary_count > 1 && chance(story, 60)) {
		world_publish(story->primaries[1], story->serial, story->serial % 150, &story->timers);
	}
}

/* Follows some of those before it, and perhaps some after it: loops are fine. */
static void choose_primaries(struct story *story, struct world_server *server)
{
	struct world_server *chosen[4];
	size_t count = 0;
	chosen[count++] = world_at(story->world, below(story, server->index));
	while (count < 4 && chance(story, 50)) {
		struct world_server *other = any_server(story);
		bool is_new = other != server;
		for (size_t i = 0; i < count; i++) {
			is_new = is_new && chosen[i] != other;
		}
		if (is_new) {
			chosen[count++] = other;
		}
	}
	world_follow(server, chosen, count);
	for (size_t i = 0; i < count; i++) {
		if (chance(story, 60) && chosen[i]->target_count < 8) {
			world_tell(chosen[i], server);
		}
	}
}

static void set_limits(struct world_server *server)
{
	server->config.transfer_idle_ms = 5000;
	server->config.transfer_total_ms = 20000;
	server->config.records_max = 500;
}

static void story_begin(struct story *story, uint64_t seed)
{
	memset(story, 0, sizeof *story);
	random_seeded_init(&story->random, seed);
	text_init(&story->trace, TRACE_MAX);
	story->world = world_new(seed);
	story->timers = (struct world_timers){
	        .refresh_s = 10 + (uint32_t)below(story, 100),
	        .retry_s = 2 + (uint32_t)below(story, 30),
	        .expire_s = 100 + (uint32_t)below(story, 1000),
	};
	story->primary_count = 1 + below(story, 2);
	for (size_t i = 0; i < story->primary_count; i++) {
		char name[32];
		snprintf(name, sizeof name, "p%zu", i);
		story->primaries[i] = world_add_primary(story->world, name);
	}
	story->serial = (uint32_t)story->random.source.next(&story->random.source);
	publish(story);
	if (story->primary_count > 1) {
		world_publish(story->primaries[1], story->serial, story->serial % 150, &story->timers);
	}
	size_t secondary_count = 2 + below(story, 8);
	for (size_t i = 0; i < secondary_count; i++) {
		char name[32];
		snprintf(name, sizeof name, "s%zu", i);
		set_limits(world_add_secondary(story->world, name));
	}
	for (size_t i = story->primary_count; i < world_count(story->world); i++) {
		choose_primaries(story, world_at(story->world, i));
	}
	for (size_t i = 0; i < world_count(story->world); i++) {
		world_start(world_at(story->world, i));
	}
}

static void story_end(struct story *story)
{
	log_set_sink(NULL, NULL);
	world_free(story->world);
	text_deinit(&story->trace);
}

/* ---- what goes wrong ---- */

static void hurt_link(struct story *story)
{
	struct world_server *from = any_server(story);
	struct world_server *to = any_server(story);
	struct world_link *link = world_link(story->world, from, to);
	link->down = chance(story, 40);
	link->loss_percent = chance(story, 50) ? (unsigned)below(story, 100) : 0;
	link->twice_percent = chance(story, 30) ? 50 : 0;
	link->delay_ms = (int64_t)below(story, 500);
	link->jitter_ms = (int64_t)below(story, 2000);
	note(story, "link %s %s: %s loss %u%% twice %u%% delay %" PRId64 " jitter %" PRId64, from->name, to->name,
	     link->down ? "down" : "up", link->loss_percent, link->twice_percent, link->delay_ms, link->jitter_ms);
}

static void heal_link(struct world *world, const struct world_server *from, const struct world_server *to)
{
	*world_link(world, from, to) = (struct world_link){.delay_ms = 5};
}

static void tell_lies(struct story *story)
{
	struct world_server *server = any_server(story);
	struct world_lies lies = {.silent = false};
	bool *flags[] = {&lies.silent,       &lies.deaf_udp,     &lies.refused,      &lies.servfail,
	                 &lies.no_authority, &lies.truncated,    &lies.no_edns,      &lies.forged_first,
	                 &lies.axfr_refused, &lies.axfr_garbage, &lies.axfr_endless, &lies.deaf_notify,
	                 &lies.disk_full,    &lies.picky};
	for (size_t i = below(story, 3); i > 0; i--) {
		*flags[below(story, ARRAY_LENGTH(flags))] = true;
	}
	switch (below(story, 6)) {
	case 0:
		lies.says_serial = true;
		lies.serial = story->serial + (uint32_t)below(story, 2000) - 1000;
		break;
	case 1:
		lies.axfr_cut = 1 + (uint32_t)below(story, 3);
		break;
	case 2:
		lies.axfr_stall = 1 + (uint32_t)below(story, 3);
		break;
	case 3:
		lies.axfr_rate = 50 + (uint32_t)below(story, 2000);
		break;
	case 4:
		lies.notify_rcode = (unsigned)below(story, 10);
		break;
	default:
		break;
	}
	/* Without EDNS a secondary cannot say when it expires, and whoever follows it does not keep to W3. */
	lies.no_edns = lies.no_edns && server->is_primary;
	server->lies = lies;
	note(story, "lies %s", server->name);
}

static void stop_or_start(struct story *story)
{
	struct world_server *server = any_server(story);
	if (server->is_up) {
		note(story, "stop %s", server->name);
		world_stop(server);
		if (!server->is_primary && chance(story, 10)) {
			note(story, "lose %s", server->name);
			world_lose_disk(server, chance(story, 50));
		}
	} else {
		note(story, "start %s", server->name);
		world_start(server);
	}
}

static void order(struct story *story)
{
	struct world_server *server = any_server(story);
	struct moment now = world_server_now(server);
	struct transfer_hint hint = {.has_serial = chance(story, 70), .serial = story->serial};
	if (server->is_primary || !server->is_up) {
		return;
	}
	switch (below(story, 5)) {
	case 0:
		note(story, "retransfer %s", server->name);
		transfer_secondary_retransfer(server->secondary, now);
		break;
	case 1:
		note(story, "refresh %s", server->name);
		transfer_secondary_refresh(server->secondary, now);
		break;
	case 2:
		note(story, "reconfigure %s", server->name);
		choose_primaries(story, server);
		break;
	default:
		note(story, "notify %s", server->name);
		hint.serial += (uint32_t)below(story, 100);
		transfer_secondary_notified(server->secondary, &any_server(story)->address, &hint, now);
		break;
	}
}

static void step(struct story *story)
{
	switch (below(story, 10)) {
	case 0:
	case 1:
		publish(story);
		break;
	case 2:
	case 3:
		hurt_link(story);
		break;
	case 4:
	case 5:
		tell_lies(story);
		break;
	case 6:
	case 7:
		stop_or_start(story);
		break;
	case 8:
		order(story);
		break;
	default:
		if (chance(story, 5)) {
			struct world_server *server = any_server(story);
			note(story, "clock %s", server->name);
			world_shift_wall(server, (int64_t)below(story, 2000000) - 1000000);
		}
		break;
	}
	world_run(story->world, (int64_t)below(story, chance(story, 10) ? 300000 : 10000));
	check(story);
}

/* ---- all is well again ---- */

static void heal(struct story *story)
{
	size_t count = world_count(story->world);
	note(story, "all is well");
	for (size_t i = 0; i < count; i++) {
		struct world_server *server = world_at(story->world, i);
		server->lies = (struct world_lies){.silent = false};
		for (size_t j = 0; j < count; j++) {
			heal_link(story->world, server, world_at(story->world, j));
		}
		if (!server->is_up) {
			world_start(server);
		}
	}
}

/* A primary that kept failing is left out for at most four refreshes while another one answers, an empty zone asks every
 * five minutes at the latest, and so on at each server on the longest way from a primary. */
static int64_t bound_ms(const struct story *story)
{
	uint32_t longest_s =
	        story->timers.refresh_s > story->timers.retry_s ? story->timers.refresh_s : story->timers.retry_s;
	return (int64_t)world_count(story->world) * (5 * (int64_t)longest_s + 300) * 1000;
}

static size_t count_behind(const struct story *story)
{
	size_t behind = 0;
	for (size_t i = 0; i < world_count(story->world); i++) {
		uint32_t serial;
		behind += !world_serves(world_at(story->world, i), &serial) || serial != story->serial;
	}
	return behind;
}

static void expect_agreement(struct story *story)
{
	heal(story);
	publish(story);
	for (size_t i = 0; i < story->primary_count; i++) {
		world_publish(story->primaries[i], story->serial, story->serial % 150, &story->timers);
	}
	world_run(story->world, bound_ms(story));
	check(story);
	if (count_behind(story) > 0) {
		show_trace(story);
		fail_msg("%zu servers do not have serial %" PRIu32, count_behind(story), story->serial);
	}
}

/* With `refresh + retry` of slack and NOTIFY everywhere, agreement comes at once: the common case. */
static void expect_quick_agreement(struct story *story)
{
	publish(story);
	for (size_t i = 0; i < story->primary_count; i++) {
		world_publish(story->primaries[i], story->serial, story->serial % 150, &story->timers);
	}
	world_run(story->world, ((int64_t)story->timers.refresh_s + 5) * 1000 * (int64_t)world_count(story->world));
	check(story);
	if (count_behind(story) > 0) {
		show_trace(story);
		fail_msg("with nothing wrong %zu servers do not have serial %" PRIu32, count_behind(story),
		         story->serial);
	}
}

TEST(random_faults_never_break_what_must_be_true_and_all_agree_after_them)
{
	struct story story;
	for (uint64_t i = 0; i < WORLDS; i++) {
		story_begin(&story, unit_seed() + i);
		log_set_sink(note_log, &story);
		log_set_level(LOG_DEBUG);
		for (int j = 0; j < STEPS; j++) {
			step(&story);
		}
		expect_agreement(&story);
		expect_quick_agreement(&story);
		story_end(&story);
	}
}

/* ---- a mesh ---- */

#define MESH_WORLDS  20
#define MESH_SERVERS 7

/* Two primaries and five secondaries that all follow each other, each with links of its own to the primaries. */
static void mesh_begin(struct story *story, uint64_t seed)
{
	memset(story, 0, sizeof *story);
	random_seeded_init(&story->random, seed);
	text_init(&story->trace, TRACE_MAX);
	story->world = world_new(seed);
	story->timers = (struct world_timers){.refresh_s = 60, .retry_s = 10, .expire_s = 3600};
	story->primary_count = 2;
	story->primaries[0] = world_add_primary(story->world, "p0");
	story->primaries[1] = world_add_primary(story->world, "p1");
	for (size_t i = 2; i < MESH_SERVERS; i++) {
		char name[32];
		snprintf(name, sizeof name, "s%zu", i);
		world_add_secondary(story->world, name);
	}
	for (size_t i = 2; i < MESH_SERVERS; i++) {
		struct world_server *followed[MESH_SERVERS];
		size_t count = 0;
		for (size_t j = 0; j < MESH_SERVERS; j++) {
			/* The first two secondaries have one primary each, of the others some have none. */
			bool is_wanted = j >= 2 ? j != i : i < 4 ? j == i - 2 : chance(story, 40);
			if (is_wanted) {
				followed[count++] = world_at(story->world, j);
			}
		}
		world_follow(world_at(story->world, i), followed, count);
	}
	story->serial = (uint32_t)story->random.source.next(&story->random.source);
	for (size_t i = 0; i < 2; i++) {
		world_publish(story->primaries[i], story->serial - (uint32_t)i, 10 + i, &story->timers);
	}
	for (size_t i = 0; i < MESH_SERVERS; i++) {
		world_start(world_at(story->world, i));
	}
}

/* One primary is ahead of the other, which keeps what it had. */
static void mesh_step(struct story *story)
{
	struct world_server *server = world_at(story->world, 2 + below(story, MESH_SERVERS - 2));
	story->serial += 1 + (uint32_t)below(story, 1000);
	world_publish(story->primaries[below(story, 2)], story->serial, story->serial % 150, &story->timers);
	if (chance(story, 50)) {
		note(story, "state of %s is lost", server->name);
		world_stop(server);
		world_lose_disk(server, false);
		world_start(server);
	}
	world_run(story->world, (int64_t)below(story, 200000));
	check(story);
}

static size_t mesh_behind(const struct story *story)
{
	size_t behind = 0;
	for (size_t i = 2; i < MESH_SERVERS; i++) {
		uint32_t serial;
		behind += !world_serves(world_at(story->world, i), &serial) || serial != story->serial;
	}
	return behind;
}

static uint64_t mesh_published(const struct story *story)
{
	uint64_t published = 0;
	for (size_t i = 2; i < MESH_SERVERS; i++) {
		published += world_at(story->world, i)->counts.published;
	}
	return published;
}

TEST(mesh_of_seven_servers_with_two_primaries_that_disagree_converges)
{
	struct story story;
	for (uint64_t i = 0; i < MESH_WORLDS; i++) {
		mesh_begin(&story, unit_seed() + i);
		log_set_sink(note_log, &story);
		log_set_level(LOG_DEBUG);
		for (int j = 0; j < 30; j++) {
			mesh_step(&story);
		}
		/* The longest way is a hop for each secondary, and each hop takes a refresh. */
		world_run(story.world, (MESH_SERVERS - 2) * ((int64_t)story.timers.refresh_s + 5) * 1000);
		check(&story);
		if (mesh_behind(&story) > 0) {
			show_trace(&story);
			fail_msg("%zu servers do not have serial %" PRIu32, mesh_behind(&story), story.serial);
		}
		uint64_t published = mesh_published(&story);
		world_run(story.world, (int64_t)story.timers.expire_s * 3000);
		check(&story);
		assert_int_equal(mesh_behind(&story), 0);
		assert_int_equal(mesh_published(&story), published);
		story_end(&story);
	}
}
