/* SPDX-License-Identifier: MIT */
/* Versions of a line: what is shared, what is freed, who may look meanwhile. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "dns/type.h"
#include "model.h"
#include "unit.h"
#include "zone_text.h"

#define NAMES 20000

static const uint8_t apex[] = "\7example";

/* A change that adds the address record that name number `number` does not have at first. */
struct made_change {
	uint8_t owner[32];
	uint8_t rdata[4];
	struct zone_change change;
};

static void name_number(unsigned number, uint8_t owner[32])
{
	char label[16];
	int len = snprintf(label, sizeof label, "n%07u", number);
	owner[0] = (uint8_t)len;
	memcpy(owner + 1, label, (size_t)len);
	memcpy(owner + 1 + len, apex, sizeof apex);
}

static void make_change(struct made_change *made, unsigned number, uint32_t address, bool is_add)
{
	name_number(number, made->owner);
	store_u32(made->rdata, address);
	made->change = (struct zone_change){
	        .add = is_add, .type = 1, .ttl = 60, .rdata_len = 4, .owner = made->owner, .rdata = made->rdata};
}

static const struct zone_snapshot *many_names(void)
{
	uint8_t soa[22] = {0};
	struct zone_builder *builder = zone_builder_new(apex, 1);
	zone_builder_add(builder, apex, DNS_TYPE_SOA, 60, soa, sizeof soa);
	for (unsigned i = 0; i < NAMES; i++) {
		struct made_change made;
		make_change(&made, i, 1, true);
		zone_builder_add(builder, made.owner, 1, 60, made.rdata, 4);
	}
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	assert_non_null(zone);
	return zone;
}

static size_t addresses_of(const struct zone_snapshot *zone, unsigned number)
{
	uint8_t owner[32];
	struct zone_addresses found;
	name_number(number, owner);
	return zone_addresses(zone, owner, &found) ? found.a.count : 0;
}

TEST(a_change_copies_few_pages)
{
	const struct zone_snapshot *first = many_names();
	struct made_change made;
	struct zone_facts facts;
	make_change(&made, 7777, 2, true);
	const struct zone_snapshot *second = zone_apply(first, &made.change, 1, NULL);
	zone_facts(second, &facts);
	assert_true(facts.bytes_own < 20000);
	assert_true(facts.bytes > NAMES * 10);
	assert_int_equal(facts.records, NAMES + 2);
	assert_int_equal(addresses_of(first, 7777), 1);
	assert_int_equal(addresses_of(second, 7777), 2);
	zone_unref(first);
	quiescent_drain();
	assert_int_equal(addresses_of(second, 7777), 2);
	assert_int_equal(addresses_of(second, 19999), 1);
	model_check_pages(second);
	zone_unref(second);
	quiescent_drain();
}

TEST(growing_and_shrinking_keeps_pages_filled)
{
	const struct zone_snapshot *zone = many_names();
	struct zone_facts full;
	zone_facts(zone, &full);
	struct random_seeded seeded;
	random_seeded_init(&seeded, unit_seed());
	bool *gone = memory_new_array(NAMES, sizeof *gone);
	for (unsigned i = 0; i < NAMES - 200;) {
		struct made_change made[64];
		struct zone_change changes[64];
		size_t count = 0;
		while (count < 64 && i < NAMES - 200) {
			unsigned number = (unsigned)random_below(&seeded.source, NAMES);
			if (!gone[number]) {
				gone[number] = true;
				make_change(&made[count], number, 1, false);
				changes[count] = made[count].change;
				count++;
				i++;
			}
		}
		const struct zone_snapshot *next = zone_apply(zone, changes, count, NULL);
		assert_non_null(next);
		zone_unref(zone);
		zone = next;
	}
	quiescent_drain();
	struct zone_facts left;
	zone_facts(zone, &left);
	assert_int_equal(left.names, 201);
	/* 1 % of the names in at most 4 % of the octets: half-filled pages and some small ones. */
	assert_true(left.bytes < full.bytes / 25);
	model_check_pages(zone);
	for (unsigned i = 0; i < NAMES; i++) {
		assert_int_equal(addresses_of(zone, i), !gone[i]);
	}
	free(gone);
	zone_unref(zone);
	quiescent_drain();
}

/* All names at once, and all but every 500th: the tree loses levels, and what is left is found. */
TEST(one_change_that_empties_a_zone_leaves_what_it_leaves)
{
	static const unsigned kept_of[] = {0, 500};
	for (size_t k = 0; k < ARRAY_LENGTH(kept_of); k++) {
		const struct zone_snapshot *zone = many_names();
		struct made_change *made = memory_new_array(NAMES, sizeof *made);
		struct zone_change *changes = memory_new_array(NAMES, sizeof *changes);
		size_t count = 0;
		for (unsigned i = 0; i < NAMES; i++) {
			if (kept_of[k] == 0 || i % kept_of[k] != 0) {
				make_change(&made[count], i, 1, false);
				changes[count] = made[count].change;
				count++;
			}
		}
		const struct zone_snapshot *next = zone_apply(zone, changes, count, NULL);
		assert_non_null(next);
		model_check_pages(next);
		struct zone_facts left;
		zone_facts(next, &left);
		assert_int_equal(left.names, 1 + NAMES - count);
		for (unsigned i = 0; i < NAMES; i++) {
			assert_int_equal(addresses_of(next, i), kept_of[k] != 0 && i % kept_of[k] == 0);
			assert_int_equal(addresses_of(zone, i), 1);
		}
		/* And back again. */
		for (size_t i = 0; i < count; i++) {
			changes[i].add = true;
		}
		const struct zone_snapshot *again = zone_apply(next, changes, count, NULL);
		assert_non_null(again);
		model_check_pages(again);
		assert_int_equal(addresses_of(again, 1), 1);
		assert_int_equal(addresses_of(again, NAMES - 1), 1);
		zone_unref(again);
		zone_unref(next);
		zone_unref(zone);
		quiescent_drain();
		free(made);
		free(changes);
	}
}

TEST(record_that_is_removed_and_added_again_in_one_change_stays)
{
	const struct zone_snapshot *zone = zone_of("example.", "www A 192.0.2.1\n");
	struct made_change remove;
	struct made_change add;
	struct made_change other;
	make_change(&remove, 7, 1, false);
	make_change(&add, 7, 1, true);
	make_change(&other, 8, 1, true);
	struct zone_change changes[] = {add.change, other.change};
	const struct zone_snapshot *second = zone_apply(zone, changes, 2, NULL);
	struct zone_change both[] = {remove.change, add.change};
	const struct zone_snapshot *third = zone_apply(second, both, 2, NULL);
	assert_non_null(third);
	assert_int_equal(addresses_of(third, 7), 1);
	assert_int_equal(addresses_of(third, 8), 1);
	zone_unref(third);
	zone_unref(second);
	zone_unref(zone);
	quiescent_drain();
}

TEST(a_failed_change_makes_nothing)
{
	const struct zone_snapshot *zone = many_names();
	struct made_change made[2];
	struct error error;
	make_change(&made[0], 3, 9, true);
	make_change(&made[1], 4, 9, false);
	struct zone_change changes[] = {made[0].change, made[1].change};
	assert_null(zone_apply(zone, changes, 2, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	make_change(&made[1], 4, 1, true);
	changes[1] = made[1].change;
	assert_null(zone_apply(zone, changes, 2, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	uint8_t outside[] = "\5other";
	changes[1].owner = outside;
	assert_null(zone_apply(zone, changes, 2, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	changes[1].owner = apex;
	changes[1].type = DNS_TYPE_ANY;
	assert_null(zone_apply(zone, changes, 2, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	uint8_t soa[22] = {0};
	struct zone_change no_soa = {.type = DNS_TYPE_SOA, .owner = apex, .rdata = soa, .rdata_len = sizeof soa};
	assert_null(zone_apply(zone, &no_soa, 1, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	assert_int_equal(addresses_of(zone, 3), 1);
	zone_unref(zone);
	quiescent_drain();
}

TEST(no_change_makes_a_version_all_the_same)
{
	const struct zone_snapshot *zone = many_names();
	const struct zone_snapshot *next = zone_apply(zone, NULL, 0, NULL);
	assert_non_null(next);
	zone_unref(zone);
	quiescent_drain();
	assert_int_equal(addresses_of(next, 0), 1);
	zone_unref(next);
	quiescent_drain();
}

/* ---- readers beside a writer ---- */

struct beside {
	struct zone *zone;
	_Atomic bool stop;
	_Atomic uint64_t seen;
};

/* Every version holds as many addresses at name 1 as its serial says: a torn version would not. */
static void *read_beside(void *argument)
{
	struct beside *beside = argument;
	const struct zone_snapshot *held = NULL;
	uint64_t looks = 0;
	quiescent_register();
	while (!atomic_load(&beside->stop) || looks == 0) {
		const struct zone_snapshot *zone = zone_served(beside->zone);
		assert_int_equal(addresses_of(zone, 1), zone_serial(zone) + 1);
		if (looks % 16 == 0) {
			zone_unref(held);
			held = zone_ref(zone);
		}
		quiescent_point();
		assert_int_equal(addresses_of(held, 1), zone_serial(held) + 1);
		looks++;
		if (looks % 64 == 0) {
			quiescent_offline();
			sched_yield();
			quiescent_online();
		}
	}
	zone_unref(held);
	quiescent_unregister();
	atomic_fetch_add(&beside->seen, looks);
	return NULL;
}

static const struct zone_snapshot *next_version(const struct zone_snapshot *zone, uint32_t serial)
{
	uint8_t old_soa[22] = {0};
	uint8_t new_soa[22] = {0};
	struct made_change made[2];
	store_u32(old_soa + 2, serial);
	store_u32(new_soa + 2, serial + 1);
	make_change(&made[0], 1, 1000 + serial, true);
	make_change(&made[1], 5000 + serial, 1, false);
	struct zone_change changes[] = {
	        {.type = DNS_TYPE_SOA, .owner = apex, .rdata = old_soa, .rdata_len = 22},
	        {.add = true, .type = DNS_TYPE_SOA, .ttl = 60, .owner = apex, .rdata = new_soa, .rdata_len = 22},
	        made[0].change,
	        made[1].change,
	};
	return zone_apply(zone, changes, 4, NULL);
}

TEST(walks_of_two_versions_pass_what_they_share)
{
	const struct zone_snapshot *first = many_names();
	struct made_change made;
	make_change(&made, 7777, 2, true);
	const struct zone_snapshot *second = zone_apply(first, &made.change, 1, NULL);
	struct zone_walk a;
	struct zone_walk b;
	struct zone_node a_node;
	struct zone_node b_node;
	size_t steps = 0;
	bool seen = false;
	zone_walk(first, &a);
	zone_walk(second, &b);
	while (zone_walk_next(&a, &a_node)) {
		struct dns_name a_name;
		struct dns_name b_name;
		assert_true(zone_walk_next(&b, &b_node));
		zone_node_owner(&a_node, &a_name);
		zone_node_owner(&b_node, &b_name);
		assert_true(dns_name_same(a_name.wire, b_name.wire));
		seen = seen || dns_name_equal(b_name.wire, made.owner);
		steps++;
		(void)zone_walk_pass_shared(&a, &b);
	}
	assert_false(zone_walk_next(&b, &b_node));
	assert_true(seen);
	assert_true(steps < 20); /* not those of the page that was written anew, nor its neighbours one by one */
	zone_unref(first);
	zone_unref(second);
	quiescent_drain();
}

TEST(readers_see_whole_versions_while_a_writer_publishes)
{
	struct beside beside = {.zone = zone_new(apex, 1)};
	zone_publish(beside.zone, many_names());
	pthread_t threads[2];
	for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, read_beside, &beside), 0);
	}
	for (uint32_t serial = 0; serial < 300; serial++) {
		const struct zone_snapshot *next = next_version(zone_served(beside.zone), serial);
		assert_non_null(next);
		if (serial % 7 == 0) { /* given up, and made again */
			zone_unref(next);
			next = next_version(zone_served(beside.zone), serial);
		}
		zone_publish(beside.zone, next);
	}
	atomic_store(&beside.stop, true);
	for (size_t i = 0; i < ARRAY_LENGTH(threads); i++) {
		pthread_join(threads[i], NULL);
	}
	assert_true(atomic_load(&beside.seen) > 0);
	zone_withdraw(beside.zone, ZONE_STATE_EXPIRED);
	assert_null(zone_served(beside.zone));
	zone_free(beside.zone);
	quiescent_drain();
}
