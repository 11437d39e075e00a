/* SPDX-License-Identifier: MIT */
/* The snapshot against the model, at random. Built twice: with pages as they are and with tiny ones, so that trees get
 * deep. ZONE_ROUNDS in the environment repeats longer than a quick run does. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "dns/type.h"
#include "model.h"
#include "unit.h"

#define VERSIONS_MAX 6
#define NAMES        12

struct version {
	const struct zone_snapshot *zone;
	struct model *model;
};

struct world {
	struct random_source *random;
	struct dns_name apex;
	struct version versions[VERSIONS_MAX];
	size_t count;
	uint32_t serial;
	uint64_t applied;
	uint64_t refused;
};

static size_t rounds(size_t quick)
{
	const char *text = getenv("ZONE_ROUNDS");
	return text == NULL ? quick : quick * strtoul(text, NULL, 10);
}

/* Some names at once give what each gives alone. */
static void check_together(struct world *world, const struct zone_snapshot *zone, const struct dns_name *names)
{
	const struct zone_snapshot *zones[ZONE_LOOKUP_MAX];
	const uint8_t *wires[ZONE_LOOKUP_MAX];
	struct zone_lookup together[ZONE_LOOKUP_MAX];
	size_t count = random_below(world->random, ZONE_LOOKUP_MAX + 1);
	for (size_t i = 0; i < count; i++) {
		zones[i] = zone;
		wires[i] = names[random_below(world->random, NAMES)].wire;
	}
	zone_lookup_many(zones, wires, count, together);
	for (size_t i = 0; i < count; i++) {
		struct zone_lookup alone;
		zone_lookup(zone, wires[i], &alone);
		assert_int_equal(together[i].kind, alone.kind);
		assert_int_equal(together[i].encloser_labels, alone.encloser_labels);
		if (alone.kind != ZONE_NO_NAME) {
			assert_true(zone_node_same(&together[i].node, &alone.node));
			assert_int_equal(together[i].node.flags, alone.node.flags);
		}
	}
}

static void check(struct world *world, const struct version *version)
{
	struct dns_name names[NAMES];
	for (size_t i = 0; i < NAMES; i++) {
		names[i] = model_random_name(world->random, world->apex.wire);
	}
	model_check(version->model, version->zone, names, NAMES);
	check_together(world, version->zone, names);
	model_check_pages(version->zone);
}

static void add_both(struct zone_builder *builder, struct model *model, const struct model_rr *rr)
{
	enum zone_add added = zone_builder_add(builder, rr->owner.wire, rr->type, rr->ttl, rr->rdata, rr->rdata_len);
	assert_int_equal(added == ZONE_ADDED, model_add(model, rr));
}

static void build(struct world *world, size_t rr_count, bool in_order)
{
	struct model *model = model_new(world->apex.wire);
	struct model *source = model_new(world->apex.wire);
	struct zone_builder *builder = zone_builder_new(world->apex.wire, 1);
	struct model_rr soa = model_soa(world->apex.wire, world->serial);
	for (size_t i = 0; i < rr_count; i++) {
		struct model_rr rr = model_random_rr(world->random, world->apex.wire);
		if (in_order) {
			model_add(source, &rr);
		} else {
			add_both(builder, model, &rr);
		}
		if (i == rr_count / 2 && !in_order) {
			add_both(builder, model, &soa);
		}
		free(rr.rdata);
	}
	if (in_order) {
		add_both(builder, model, &soa);
	}
	for (size_t i = 0; i < source->count; i++) {
		add_both(builder, model, &source->rrs[i]);
	}
	struct zone_build_report report;
	struct error error = {0};
	const struct zone_snapshot *zone = zone_builder_finish(builder, &report, &error);
	if (rr_count == 0) {
		zone_unref(zone);
		free(soa.rdata);
		model_free(model);
		model_free(source);
		return;
	}
	assert_non_null(zone);
	assert_int_equal(report.duplicates, model->duplicates);
	world->versions[world->count++] = (struct version){zone, model};
	free(soa.rdata);
	model_free(source);
}

/* A change that mostly can be done: removals of what is there, additions of what is not. */
static size_t make_changes(struct world *world, const struct version *version, struct zone_change *changes,
                           size_t count)
{
	struct random_source *random = world->random;
	size_t removals = random_below(random, 3) == 0 ? 0 : random_below(random, count);
	for (size_t i = 0; i < count; i++) {
		struct model_rr rr;
		size_t pick = random_below(random, version->model->count);
		bool remove = i < removals;
		bool known = remove ? random_below(random, 400) != 0 : random_below(random, 40) == 0;
		if (known) {
			rr = version->model->rrs[pick];
			rr.rdata = memory_copy(rr.rdata, rr.rdata_len);
			rr.ttl += remove ? 0 : random_below(random, 8) != 0;
		} else {
			rr = model_random_rr(random, world->apex.wire);
		}
		if (rr.type == 6 && random_below(random, 20) != 0) {
			free(rr.rdata);
			rr = model_random_rr(random, world->apex.wire);
			remove = false;
		}
		if (!known && random_below(random, 30) == 0) {
			free(rr.rdata);
			rr = model_nsec3param(world->apex.wire, (uint8_t)random_below(random, 3));
		}
		changes[i] = (struct zone_change){
		        .add = !remove,
		        .type = rr.type,
		        .ttl = rr.ttl,
		        .rdata_len = rr.rdata_len,
		        .owner = memory_copy(rr.owner.wire, rr.owner.len),
		        .rdata = rr.rdata,
		};
	}
	return count;
}

static void free_changes(struct zone_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((void *)(uintptr_t)changes[i].owner);
		free((void *)(uintptr_t)changes[i].rdata);
	}
}

static void release(struct world *world, size_t index)
{
	zone_unref(world->versions[index].zone);
	model_free(world->versions[index].model);
	world->versions[index] = world->versions[--world->count];
}

static void apply(struct world *world)
{
	struct zone_change changes[40];
	size_t from = random_below(world->random, world->count);
	size_t count = make_changes(world, &world->versions[from], changes,
	                            1 + random_below(world->random, random_below(world->random, 3) == 0 ? 40 : 4));
	struct model *model = model_copy(world->versions[from].model);
	struct error error = {0};
	enum error_code expected = model_apply(model, changes, count);
	const struct zone_snapshot *zone = zone_apply(world->versions[from].zone, changes, count, &error);
	if (zone == NULL) {
		/* Where several things are wrong, either may be told. */
		assert_int_not_equal(expected, ERROR_NONE);
		assert_int_not_equal(error.code, ERROR_NONE);
		model_free(model);
		world->refused++;
	} else {
		assert_int_equal(expected, ERROR_NONE);
		world->applied++;
		if (world->count == VERSIONS_MAX) {
			release(world, random_below(world->random, world->count));
		}
		world->versions[world->count++] = (struct version){zone, model};
	}
	free_changes(changes, count);
}

/* Once more what may have come long ago, a name in it in other letters. */
static void add_twin(struct zone_builder *builder, struct model *model, const struct model_rr *rr)
{
	struct model_rr twin = *rr;
	twin.rdata = memory_copy(rr->rdata, rr->rdata_len);
	bool has_letter = rr->rdata_len > 1 && rr->rdata[1] >= 'a' && rr->rdata[1] <= 'z';
	if (has_letter && (rr->type == DNS_TYPE_NS || rr->type == DNS_TYPE_CNAME || rr->type == DNS_TYPE_DNAME)) {
		twin.rdata[1] ^= 0x20;
	}
	add_both(builder, model, &twin);
	free(twin.rdata);
}

/* All RRs of a version, somewhat changed, come in any order, as a file that was edited does. */
static void rebuild(struct world *world)
{
	struct random_source *random = world->random;
	const struct version *from = &world->versions[random_below(random, world->count)];
	size_t count = from->model->count;
	const struct model_rr **order = memory_new_array(count, sizeof *order);
	size_t swaps = random_below(random, 3) == 0 ? count : random_below(random, 6);
	size_t dropped = random_below(random, 3) == 0 ? random_below(random, 1 + count / 2) : random_below(random, 3);
	size_t changed = random_below(random, 2) == 0 ? 0 : random_below(random, 6);
	for (size_t i = 0; i < count; i++) {
		order[i] = &from->model->rrs[i];
	}
	for (size_t i = 0; i < swaps; i++) {
		size_t a = random_below(random, count);
		size_t b = random_below(random, count);
		const struct model_rr *swapped = order[a];
		order[a] = order[b];
		order[b] = swapped;
	}
	struct model *model = model_new(world->apex.wire);
	struct zone_builder *builder = zone_builder_new_from(from->zone, world->apex.wire, 1);
	for (size_t i = 0; i < count; i++) {
		struct model_rr rr = *order[i];
		bool drop = rr.type != 6 && random_below(random, count) < dropped;
		if (drop) {
			continue;
		}
		if (random_below(random, 30) == 0) {
			rr.ttl -= rr.ttl > 0;
		}
		if (random_below(random, 30) == 0) {
			rr.owner.wire[1] ^= rr.owner.wire[1] >= 'a' && rr.owner.wire[1] <= 'z' ? 0x20 : 0;
		}
		add_both(builder, model, &rr);
		if (random_below(random, 30) == 0) {
			add_both(builder, model, &rr);
		}
		if (random_below(random, 10) == 0) {
			add_twin(builder, model, order[random_below(random, i + 1)]);
		}
		if (random_below(random, count) < changed) {
			struct model_rr more = model_random_rr(random, world->apex.wire);
			if (more.type != 6) {
				add_both(builder, model, &more);
			}
			free(more.rdata);
		}
	}
	free(order);
	struct zone_build_report report;
	struct error error = {0};
	const struct zone_snapshot *zone = zone_builder_finish(builder, &report, &error);
	assert_non_null(zone);
	assert_int_equal(report.duplicates, model->duplicates);
	if (world->count == VERSIONS_MAX) {
		release(world, random_below(random, world->count));
	}
	world->versions[world->count++] = (struct version){zone, model};
}

/* Octets that come in pieces. */
struct gathered {
	struct zone_octets sink; /* first */
	uint8_t *octets;
	size_t len;
	size_t capacity;
};

static void gather(struct zone_octets *self, const void *bytes, size_t len)
{
	struct gathered *gathered = (struct gathered *)self;
	memory_reserve((void **)&gathered->octets, &gathered->capacity, gathered->len + len + 1, 1);
	if (len > 0) {
		memcpy(gathered->octets + gathered->len, bytes, len);
		gathered->len += len;
	}
}

#define HEAD 64

/* One of the versions goes into octets, and what comes out of them lives on beside it; octets that are not all are refused. */
static void freeze_and_thaw(struct world *world)
{
	const struct version *from = &world->versions[random_below(world->random, world->count)];
	struct gathered gathered = {.sink.write = gather};
	struct error error = {0};
	static const uint8_t head[HEAD];
	gather(&gathered.sink, head, sizeof head);
	zone_freeze(from->zone, &gathered.sink);
	size_t cut = random_below(world->random, gathered.len - HEAD);
	assert_null(zone_thaw(memory_copy(gathered.octets, gathered.len), HEAD, cut, world->apex.wire, 1, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	const struct zone_snapshot *zone =
	        zone_thaw(gathered.octets, HEAD, gathered.len - HEAD, world->apex.wire, 1, &error);
	assert_non_null(zone);
	struct model *model = model_copy(from->model);
	if (world->count == VERSIONS_MAX) {
		release(world, random_below(world->random, world->count));
	}
	world->versions[world->count++] = (struct version){zone, model};
}

static void live(uint64_t seed, const char *apex_text, size_t rr_count, bool in_order, size_t steps)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, seed);
	struct world world = {.random = &seeded.source, .serial = (uint32_t)seed};
	assert_true(dns_name_from_text(apex_text, &world.apex, NULL));
	build(&world, rr_count, in_order);
	check(&world, &world.versions[0]);
	for (size_t i = 0; i < steps; i++) {
		apply(&world);
		check(&world, &world.versions[world.count - 1]);
		if (random_below(world.random, 4) == 0) {
			rebuild(&world);
			check(&world, &world.versions[world.count - 1]);
		}
		if (random_below(world.random, 8) == 0) {
			freeze_and_thaw(&world);
			check(&world, &world.versions[world.count - 1]);
		}
		if (i % 8 == 0) {
			quiescent_drain();
			check(&world, &world.versions[random_below(world.random, world.count)]);
		}
		if (world.count > 1 && random_below(world.random, 5) == 0) {
			release(&world, random_below(world.random, world.count));
		}
	}
	while (world.count > 0) {
		release(&world, random_below(world.random, world.count));
	}
	quiescent_drain();
	assert_true(steps < 20 || world.applied > steps / 4);
}

TEST(small_zones_answer_like_the_model)
{
	uint64_t seed = unit_seed();
	for (size_t i = 0; i < rounds(25); i++) {
		live(seed + i, "eXample.", 1 + i % 40, i % 3 == 0, 40);
	}
}

TEST(the_root_zone_answers_like_the_model)
{
	uint64_t seed = unit_seed() + 1000000;
	for (size_t i = 0; i < rounds(8); i++) {
		live(seed + i, ".", 30, false, 30);
	}
}

TEST(middle_zones_answer_like_the_model)
{
	uint64_t seed = unit_seed() + 2000000;
	for (size_t i = 0; i < rounds(4); i++) {
		live(seed + i, "a.*.Zone.", 200, i % 2 == 0, 24);
	}
}

TEST(large_zones_answer_like_the_model)
{
	uint64_t seed = unit_seed() + 3000000;
	for (size_t i = 0; i < rounds(1); i++) {
		live(seed + i, "ab.", 700, i % 2 == 0, 8);
	}
}
