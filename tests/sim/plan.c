/* SPDX-License-Identifier: MIT */
/* What is to happen, drawn from the seed before anything does: servers and who follows whom, edits, faults, orders. Each
 * item is drawn with all that it needs, so that one can be left out and the others stay as they are. */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define ITEMS_MAX 160
#define MINUTE_MS ((int64_t)60000)
/* All servers are started within this. */
#define START_MS ((int64_t)10000)

enum kind {
	ITEM_EDIT,
	ITEM_KILL,
	ITEM_KILL_AT, /* at its disk's next operations */
	ITEM_STOP,
	ITEM_LOSE,    /* it is killed, and its key-value store is lost */
	ITEM_CUT,     /* one link, or one direction of it */
	ITEM_ISOLATE, /* a server from all */
	ITEM_ORPHAN,  /* all primaries of a zone from all */
	ITEM_LOSS,    /* on all links */
	ITEM_SLOW,    /* the same */
	ITEM_TWICE,   /* the same */
	ITEM_DISK,
	ITEM_LIE,
	ITEM_WALL,
	ITEM_ORDER,
};

struct item {
	uint32_t number;
	enum kind kind;
	int64_t at_ms;
	int64_t for_ms; /* how long it lasts, or how long until a server that went down is started */
	size_t server;
	size_t other;
	size_t zone;
	int64_t amount;
	uint64_t seed; /* of an edit */
};

struct sim_plan {
	struct item items[ITEMS_MAX];
	size_t count;
	int64_t end_ms;
	struct sim_content *contents[SIM_ZONES_MAX];
	bool may_leave_serial[SIM_ZONES_MAX];
	const uint32_t *left_out;
	size_t left_out_count;
};

/* ---- servers and zones ---- */

static void add_unless_there(size_t *list, size_t *count, size_t server)
{
	for (size_t i = 0; i < *count; i++) {
		if (list[i] == server) {
			return;
		}
	}
	list[(*count)++] = server;
}

static void follow(size_t zone, size_t server, size_t upstream, bool is_told)
{
	struct sim_zone *at = &sim.servers[server].zones[zone];
	struct sim_zone *above = &sim.servers[upstream].zones[zone];
	add_unless_there(at->upstreams, &at->upstream_count, upstream);
	if (is_told) {
		add_unless_there(above->targets, &above->target_count, server);
	}
	if (above->depth + 1 > at->depth) {
		at->depth = above->depth + 1;
	}
}

enum shape { SHAPE_CHAIN, SHAPE_STAR, SHAPE_TREE, SHAPE_MESH, SHAPES };

/* `order`: servers in the order in which they come, the primaries first. */
static void draw_upstreams(size_t zone, const size_t *order, size_t primaries, size_t place, enum shape shape)
{
	size_t server = order[place];
	bool is_told = !sim_chance(10);
	switch (shape) {
	case SHAPE_CHAIN:
		follow(zone, server, order[place - 1], is_told);
		break;
	case SHAPE_STAR:
		for (size_t i = 0; i < primaries; i++) {
			follow(zone, server, order[i], is_told);
		}
		break;
	case SHAPE_TREE:
		follow(zone, server, order[sim_below(place)], is_told);
		break;
	case SHAPE_MESH:
	case SHAPES:
		for (size_t i = 0, count = 1 + sim_below(3); i < count; i++) {
			follow(zone, server, order[sim_below(place)], is_told);
		}
		break;
	}
}

static void draw_zone(size_t zone)
{
	size_t order[SIM_SERVERS_MAX];
	enum shape shape = (enum shape)sim_below(SHAPES);
	size_t primaries = sim.server_count > 2 && shape != SHAPE_CHAIN && sim_chance(30) ? 2 : 1;
	const char *const policies[] = {"raise", "raise", "keep", "unixtime", "date"};
	const char *policy = primaries > 1 ? "keep" : policies[sim_below(ARRAY_LENGTH(policies))];
	for (size_t i = 0; i < sim.server_count; i++) {
		size_t at = sim_below(i + 1);
		order[i] = order[at];
		order[at] = i;
	}
	for (size_t i = 0; i < sim.server_count; i++) {
		struct sim_zone *here = &sim.servers[order[i]].zones[zone];
		here->is_here = true;
		here->is_primary = i < primaries;
		here->serial_policy = policy;
		here->history_changes = sim_chance(60) ? 1000 : (unsigned)sim_between(1, 5);
		here->pin_s = sim_chance(20) ? (unsigned)sim_between(1, 60) : 0;
		if (i >= primaries) {
			draw_upstreams(zone, order, primaries, i, shape);
		}
	}
	/* Two secondaries that follow each other, too. */
	if (sim.server_count > primaries + 1 && sim_chance(50)) {
		struct sim_zone *first = &sim.servers[order[primaries]].zones[zone];
		size_t depth = first->depth;
		follow(zone, order[primaries], order[primaries + 1], true);
		first->depth = depth;
	}
}

static void draw_servers(void)
{
	sim.server_count = 2 + sim_below(SIM_SERVERS_MAX - 1);
	sim.zone_count = 1 + sim_below(SIM_ZONES_MAX);
	for (size_t i = 0; i < sim.server_count; i++) {
		struct sim_server *server = &sim.servers[i];
		server->index = i;
		snprintf(server->name, sizeof server->name, "%c", (char)('a' + i));
		server->address =
		        (struct address){.family = ADDRESS_V4, .port = 53, .bytes = {10, 0, 0, (uint8_t)(i + 1)}};
		server->boot_shift_ms = sim_between(1000, 1000000000);
		sim.fuses[i].server = server;
		server->disk = sim_disk_new(&sim.fuses[i]);
		server->kv = sim_kv_new(&sim.fuses[i]);
		for (size_t j = 0; j < sim.server_count; j++) {
			sim.links[i][j].delay_ms = sim_between(1, 30);
			sim.links[i][j].jitter_ms = sim_between(0, 10);
		}
	}
	for (size_t i = 0; i < sim.zone_count; i++) {
		draw_zone(i);
	}
}

/* ---- items ---- */

static const struct {
	enum kind kind;
	unsigned weight;
	int64_t least_ms, most_ms; /* how long it lasts */
} kinds[] = {
        {ITEM_EDIT, 40, 0, 5000},
        {ITEM_KILL, 12, 100, 10 * MINUTE_MS},
        {ITEM_KILL_AT, 12, 1000, 10 * MINUTE_MS},
        {ITEM_STOP, 4, 100, 5 * MINUTE_MS},
        {ITEM_LOSE, 6, 100, 5 * MINUTE_MS},
        {ITEM_CUT, 8, 1000, 30 * MINUTE_MS},
        {ITEM_ISOLATE, 6, 1000, 30 * MINUTE_MS},
        {ITEM_ORPHAN, 8, 1000, 100 * MINUTE_MS},
        {ITEM_LOSS, 4, 1000, 20 * MINUTE_MS},
        {ITEM_SLOW, 4, 1000, 20 * MINUTE_MS},
        {ITEM_TWICE, 2, 1000, 20 * MINUTE_MS},
        {ITEM_DISK, 6, 1, 20 * MINUTE_MS},
        {ITEM_LIE, 10, 1000, 20 * MINUTE_MS},
        {ITEM_WALL, 2, 0, 0},
        {ITEM_ORDER, 12, 0, 0},
};

static int64_t draw_amount(enum kind kind)
{
	static const enum control_action orders[] = {CONTROL_RELOAD, CONTROL_REFRESH, CONTROL_RETRANSFER,
	                                             CONTROL_NOTIFY, CONTROL_FLUSH};
	switch (kind) {
	case ITEM_KILL_AT:
		return sim_between(1, 12);
	case ITEM_CUT:
		return sim_between(0, 2); /* there, back, both */
	case ITEM_LOSS:
		return sim_between(5, 70);
	case ITEM_SLOW:
		return sim_between(50, 3000);
	case ITEM_TWICE:
		return sim_between(10, 60);
	case ITEM_DISK:
		return sim_between(SIM_DISK_FULL, SIM_DISK_MAP_FULL);
	case ITEM_LIE:
		return sim_between(SIM_LIE_SILENT, SIM_LIES - 1);
	case ITEM_WALL:
		return sim_chance(10) ? sim_between(-400000000, 400000000) : sim_between(-20000, 20000);
	case ITEM_ORDER:
		return (int64_t)orders[sim_below(ARRAY_LENGTH(orders))];
	case ITEM_EDIT:
	case ITEM_STOP:
	case ITEM_LOSE:
	case ITEM_KILL:
	case ITEM_ISOLATE:
	case ITEM_ORPHAN:
		break;
	}
	return 0;
}

/* What a seed may have beside the rest: after these some rules cannot be held. */
struct rare {
	bool clocks;
	bool losses;
};

static enum kind common_kind(enum kind kind, const struct rare *rare)
{
	bool is_left_out = (kind == ITEM_WALL && !rare->clocks) || (kind == ITEM_LOSE && !rare->losses);
	return is_left_out ? ITEM_EDIT : kind;
}

static struct item draw_item(uint32_t number, int64_t chaos_ms, const struct rare *rare)
{
	unsigned sum = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		sum += kinds[i].weight;
	}
	size_t at = 0;
	for (uint64_t left = sim_below(sum); left >= kinds[at].weight; at++) {
		left -= kinds[at].weight;
	}
	enum kind kind = common_kind(kinds[at].kind, rare);
	/* Most faults are short. */
	int64_t most_ms =
	        sim_chance(60) ? kinds[at].least_ms + (kinds[at].most_ms - kinds[at].least_ms) / 10 : kinds[at].most_ms;
	return (struct item){
	        .number = number,
	        .kind = kind,
	        .at_ms = sim_between(1000, chaos_ms),
	        .for_ms = sim_between(kinds[at].least_ms, most_ms),
	        .server = sim_below(sim.server_count),
	        .other = sim_below(sim.server_count),
	        .zone = sim_below(sim.zone_count),
	        .amount = draw_amount(kind),
	        .seed = sim.random.source.next(&sim.random.source),
	};
}

/* A disk that is at fault before the server on it is started. */
static void draw_bad_start(struct item *item, size_t server, int64_t at_ms, int64_t start_after_ms)
{
	item->kind = ITEM_DISK;
	item->amount = draw_amount(ITEM_DISK);
	item->server = server;
	item->at_ms = at_ms;
	item->for_ms = start_after_ms + sim_between(1, 10 * MINUTE_MS);
}

/* An operator who has made room on a disk has it flushed; and then the machine goes down after all. Where a store was lost, the
 * disk may take no other one. */
static void draw_what_follows(struct item *item, const struct item *before)
{
	if (before->kind == ITEM_LOSE && sim_chance(50)) {
		draw_bad_start(item, before->server, before->at_ms, before->for_ms);
		return;
	}
	if (before->kind == ITEM_DISK && sim_chance(50)) {
		item->kind = ITEM_ORDER;
		item->amount = CONTROL_FLUSH;
		item->server = before->server;
		item->zone = before->zone;
		item->at_ms = before->at_ms + before->for_ms + sim_between(0, 20000);
		item->for_ms = 0;
	} else if (before->kind == ITEM_ORDER && before->amount == CONTROL_FLUSH && sim_chance(50)) {
		item->kind = ITEM_KILL;
		item->server = before->server;
		item->at_ms = before->at_ms + sim_between(0, 3000);
	} else if (sim_chance(35)) {
		item->at_ms = before->at_ms + sim_between(0, sim_chance(50) ? 100 : 5000);
	}
}

/* What happens shortly after something else happens is where the gaps are: some items come in twos and threes. */
static void draw_items(struct sim_plan *plan)
{
	int64_t chaos_ms = sim_between(10, 180) * MINUTE_MS;
	size_t count = 10 + sim_below(ITEMS_MAX - 40);
	const struct rare rare = {.clocks = sim_chance(20), .losses = sim_chance(30)};
	/* Signatures hold for five minutes: servers whose clocks differ by more do not believe each other. */
	sim.is_signed = !rare.clocks && sim_chance(40);
	for (size_t i = 0; i < count; i++) {
		plan->items[i] = draw_item((uint32_t)i + 1, chaos_ms, &rare);
		if (i > 0) {
			draw_what_follows(&plan->items[i], &plan->items[i - 1]);
		}
		if (i == 0 && sim_chance(20)) {
			draw_bad_start(&plan->items[0], plan->items[0].server, 0, START_MS);
		}
		int64_t end_ms = plan->items[i].at_ms + plan->items[i].for_ms;
		plan->end_ms = end_ms > plan->end_ms ? end_ms : plan->end_ms;
	}
	plan->count = count;
}

struct sim_plan *sim_plan_new(const uint32_t *left_out, size_t left_out_count)
{
	struct sim_plan *plan = memory_new(sizeof *plan);
	plan->left_out = left_out;
	plan->left_out_count = left_out_count;
	draw_servers();
	for (size_t i = 0; i < sim.zone_count; i++) {
		const char *policy = sim.servers[0].zones[i].serial_policy;
		bool is_of_clock = strcmp(policy, "unixtime") == 0 || strcmp(policy, "date") == 0;
		plan->contents[i] = sim_content_new(i, !is_of_clock, &sim.random.source);
		plan->may_leave_serial[i] = strcmp(policy, "keep") != 0;
	}
	draw_items(plan);
	return plan;
}

void sim_plan_free(struct sim_plan *take)
{
	for (size_t i = 0; i < SIM_ZONES_MAX; i++) {
		sim_content_free(take->contents[i]);
	}
	free(take);
}

int64_t sim_plan_end_ms(const struct sim_plan *plan)
{
	return plan->end_ms;
}

size_t sim_plan_count(const struct sim_plan *plan)
{
	return plan->count;
}

/* ---- doing them ---- */

struct item_event {
	struct sim_event event; /* first */
	struct sim_plan *plan;
	const struct item *item;
	size_t server;
};

static void drop_event(struct sim_event *event)
{
	free(event);
}

static void later(struct sim_plan *plan, const struct item *item, size_t server, void (*run)(struct sim_event *self),
                  int64_t in_ms)
{
	struct item_event *event = memory_new(sizeof *event);
	event->event.run = run;
	event->event.drop = drop_event;
	event->plan = plan;
	event->item = item;
	event->server = server;
	sim_later(&event->event, NULL, in_ms);
}

static void write_file(struct sim_plan *plan, size_t zone, size_t server)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s-%zu.zone", sim.folder, sim.servers[server].name, zone);
	sim_content_write(plan->contents[zone], path, sim_now(&sim.servers[server]).wall_s);
}

/* The file of one primary is replaced, and most times it is told so. */
static void run_deployment(struct sim_event *event)
{
	struct item_event *self = (struct item_event *)event;
	struct sim_server *server = &sim.servers[self->server];
	sim_tell(server, "item %u: has serial %" PRIu32 " of %s in its file", self->item->number,
	         sim_content_serial(self->plan->contents[self->item->zone]), sim_zone_names[self->item->zone]);
	write_file(self->plan, self->item->zone, self->server);
	if (self->item->seed % 8 != 0) {
		sim_order(server, self->item->zone, CONTROL_RELOAD);
	}
	sim.current = server;
	free(event);
}

static void do_edit(struct sim_plan *plan, const struct item *item)
{
	struct random_seeded random;
	random_seeded_init(&random, item->seed);
	sim_content_edit(plan->contents[item->zone], &random.source, plan->may_leave_serial[item->zone]);
	for (size_t i = 0; i < sim.server_count; i++) {
		if (sim.servers[i].zones[item->zone].is_primary) {
			int64_t in_ms = (int64_t)random_below(&random.source, (uint64_t)item->for_ms + 1);
			later(plan, item, i, run_deployment, in_ms);
		}
	}
}

static void cut(size_t from, size_t to, bool is_cut)
{
	if (from != to) {
		sim.links[from][to].cuts += is_cut ? 1u : -1u;
	}
}

static void isolate(size_t server, bool is_cut)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		cut(server, i, is_cut);
		cut(i, server, is_cut);
	}
}

static void set_all_links(const struct item *item, bool begins)
{
	for (size_t i = 0; i < SIM_SERVERS_MAX; i++) {
		for (size_t j = 0; j < SIM_SERVERS_MAX; j++) {
			struct sim_link *link = &sim.links[i][j];
			if (item->kind == ITEM_LOSS) {
				link->loss_percent = begins ? (unsigned)item->amount : 0;
			} else if (item->kind == ITEM_TWICE) {
				link->twice_percent = begins ? (unsigned)item->amount : 0;
			} else {
				link->jitter_ms = begins ? item->amount : 10;
			}
		}
	}
}

static void start_if_down(size_t index)
{
	struct sim_server *server = &sim.servers[index];
	if (!server->is_up) {
		sim_start(server);
		sim.current = server;
	}
}

static void run_end(struct sim_event *event)
{
	struct item_event *self = (struct item_event *)event;
	const struct item *item = self->item;
	struct sim_server *server = &sim.servers[item->server];
	switch (item->kind) {
	case ITEM_KILL:
	case ITEM_STOP:
	case ITEM_LOSE:
		start_if_down(item->server);
		break;
	case ITEM_KILL_AT:
		sim.fuses[item->server].left = 0;
		start_if_down(item->server);
		break;
	case ITEM_CUT:
		sim_tell(NULL, "item %u: %s and %s are connected again", item->number, server->name,
		         sim.servers[item->other].name);
		if (item->amount != 1) {
			cut(item->server, item->other, false);
		}
		if (item->amount != 0) {
			cut(item->other, item->server, false);
		}
		break;
	case ITEM_ISOLATE:
		sim_tell(server, "item %u: is connected again", item->number);
		isolate(item->server, false);
		break;
	case ITEM_ORPHAN:
		sim_tell(NULL, "item %u: the primaries of %s are connected again", item->number,
		         sim_zone_names[item->zone]);
		for (size_t i = 0; i < sim.server_count; i++) {
			if (sim.servers[i].zones[item->zone].is_primary) {
				isolate(i, false);
			}
		}
		break;
	case ITEM_LOSS:
	case ITEM_SLOW:
	case ITEM_TWICE:
		sim_tell(NULL, "item %u: the network is better again", item->number);
		set_all_links(item, false);
		break;
	case ITEM_DISK:
		sim_tell(server, "item %u: has a good disk again", item->number);
		sim.fuses[item->server].fault = SIM_DISK_GOOD;
		break;
	case ITEM_LIE:
		sim_tell(server, "item %u: tells the truth again", item->number);
		server->lie = SIM_LIE_NONE;
		break;
	case ITEM_EDIT:
	case ITEM_WALL:
	case ITEM_ORDER:
		break;
	}
	free(event);
}

static void do_disk(const struct item *item)
{
	static const char *const faults[] = {[SIM_DISK_FULL] = "a full disk",
	                                     [SIM_DISK_BROKEN] = "a broken disk",
	                                     [SIM_DISK_MAP_FULL] = "a full map"};
	sim_tell(&sim.servers[item->server], "item %u: has %s", item->number, faults[item->amount]);
	sim.fuses[item->server].fault = (enum sim_disk_fault)item->amount;
}

static void do_order(const struct item *item)
{
	struct sim_server *server = &sim.servers[item->server];
	enum control_action action = (enum control_action)item->amount;
	if (action == CONTROL_RETRANSFER && server->is_up) {
		server->zones[item->zone].may_go_back = true;
	}
	sim_order(server, item->zone, action);
	sim.current = server;
}

static void do_item(struct sim_plan *plan, const struct item *item)
{
	static const char *const directions[] = {"towards", "from", "and"};
	struct sim_server *server = &sim.servers[item->server];
	switch (item->kind) {
	case ITEM_EDIT:
		do_edit(plan, item);
		break;
	case ITEM_KILL:
		sim_tell(server, "item %u: kill", item->number);
		sim_kill(server);
		break;
	case ITEM_KILL_AT:
		if (server->is_up) {
			sim_tell(server, "item %u: will be killed at its disk's operation %" PRId64 " from now",
			         item->number, item->amount);
			sim.fuses[item->server].left = (uint32_t)item->amount;
		}
		break;
	case ITEM_STOP:
		sim_tell(server, "item %u: stop", item->number);
		sim_stop(server);
		break;
	case ITEM_LOSE:
		sim_tell(server, "item %u: kill, and its store is lost", item->number);
		sim_lose_store(server);
		break;
	case ITEM_CUT:
		sim_tell(NULL, "item %u: nothing passes between %s %s %s", item->number, server->name,
		         directions[item->amount], sim.servers[item->other].name);
		if (item->amount != 1) {
			cut(item->server, item->other, true);
		}
		if (item->amount != 0) {
			cut(item->other, item->server, true);
		}
		break;
	case ITEM_ISOLATE:
		sim_tell(server, "item %u: is cut off", item->number);
		isolate(item->server, true);
		break;
	case ITEM_ORPHAN:
		sim_tell(NULL, "item %u: the primaries of %s are cut off", item->number, sim_zone_names[item->zone]);
		for (size_t i = 0; i < sim.server_count; i++) {
			if (sim.servers[i].zones[item->zone].is_primary) {
				isolate(i, true);
			}
		}
		break;
	case ITEM_LOSS:
		sim_tell(NULL, "item %u: %" PRId64 " %% of all datagrams are lost", item->number, item->amount);
		set_all_links(item, true);
		break;
	case ITEM_SLOW:
		sim_tell(NULL, "item %u: the network takes up to %" PRId64 " ms", item->number, item->amount);
		set_all_links(item, true);
		break;
	case ITEM_TWICE:
		sim_tell(NULL, "item %u: %" PRId64 " %% of all datagrams come twice", item->number, item->amount);
		set_all_links(item, true);
		break;
	case ITEM_DISK:
		do_disk(item);
		break;
	case ITEM_LIE:
		sim_tell(server, "item %u: %s", item->number, sim_lie_name((enum sim_lie)item->amount));
		server->lie = (enum sim_lie)item->amount;
		sim.expire_lies = sim.expire_lies || server->lie == SIM_LIE_NO_EDNS;
		break;
	case ITEM_WALL:
		sim_tell(server, "item %u: its wall clock is set by %" PRId64 " s", item->number, item->amount);
		server->wall_shift_s += item->amount;
		sim.clocks_lie = true;
		break;
	case ITEM_ORDER:
		do_order(item);
		break;
	}
}

static void run_item(struct sim_event *event)
{
	struct item_event *self = (struct item_event *)event;
	do_item(self->plan, self->item);
	if (self->item->kind != ITEM_EDIT) {
		later(self->plan, self->item, self->item->server, run_end, self->item->for_ms);
	}
	free(event);
}

static bool is_left_out(const struct sim_plan *plan, uint32_t number)
{
	for (size_t i = 0; i < plan->left_out_count; i++) {
		if (plan->left_out[i] == number) {
			return true;
		}
	}
	return false;
}

static void run_start(struct sim_event *event)
{
	start_if_down(((struct item_event *)event)->server);
	free(event);
}

void sim_plan_begin(struct sim_plan *plan)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		for (size_t j = 0; j < sim.zone_count; j++) {
			if (sim.servers[i].zones[j].is_primary) {
				write_file(plan, j, i);
			}
		}
		later(plan, NULL, i, run_start, sim_between(0, START_MS));
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (!is_left_out(plan, plan->items[i].number)) {
			later(plan, &plan->items[i], plan->items[i].server, run_item, plan->items[i].at_ms);
		}
	}
}

void sim_plan_calm(struct sim_plan *plan)
{
	sim_tell(NULL, "from here on nothing is at fault");
	for (size_t i = 0; i < sim.server_count; i++) {
		start_if_down(i);
		for (size_t j = 0; j < sim.zone_count; j++) {
			if (sim.servers[i].zones[j].is_primary) {
				write_file(plan, j, i);
				sim_order(&sim.servers[i], j, CONTROL_RELOAD);
			}
		}
	}
	sim.current = NULL;
}

void sim_plan_edit_all(struct sim_plan *plan)
{
	for (size_t i = 0; i < sim.zone_count; i++) {
		sim_content_edit(plan->contents[i], &sim.random.source, false);
		for (size_t j = 0; j < sim.server_count; j++) {
			if (sim.servers[j].zones[i].is_primary) {
				write_file(plan, i, j);
				sim_order(&sim.servers[j], i, CONTROL_RELOAD);
			}
		}
	}
}
