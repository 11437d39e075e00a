/* SPDX-License-Identifier: MIT */
/* Changesets in the store: what leads from the records to the newest version, what is kept for others, what goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fake_kv.h"
#include "../unit.h"
#include "../zone_text.h"
#include "base/memory.h"
#include "dns/dns.h"
#include "store/disk.h"
#include "store/store_internal.h"

static const struct change_history_limits no_limits = {
        .count_max = UINT32_MAX, .octets_max = UINT64_MAX, .age_max_s = INT64_MAX};

/* A store of one zone, and what it was given last. */
struct rig {
	struct fake_kv *fake;
	struct store *store;
	struct dns_name apex;
	const struct zone_snapshot *newest;
	struct store_head head;
	int64_t now_s;
};

struct told {
	struct store_waiter waiter; /* first */
	bool is_durable;
	enum error_code code;
};

static void note_told(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct told *told = (struct told *)self;
	told->is_durable = is_durable;
	told->code = is_durable ? ERROR_NONE : error->code;
}

static void rig_open(struct rig *rig)
{
	struct error error;
	rig->store = store_new(fake_kv_side(rig->fake), disk_posix(), unit_folder(), &error);
	assert_non_null(rig->store);
}

static void rig_start(struct rig *rig)
{
	*rig = (struct rig){.fake = fake_kv_new(), .now_s = 1000};
	assert_true(dns_name_from_text("example.", &rig->apex, NULL));
	rig_open(rig);
}

static void rig_restart(struct rig *rig)
{
	store_close(rig->store);
	rig_open(rig);
}

static void rig_stop(struct rig *rig)
{
	store_close(rig->store);
	zone_unref(rig->newest);
	fake_kv_free(rig->fake);
}

static struct told submit(struct rig *rig, struct store_write *take)
{
	struct told told = {.waiter.done = note_told};
	store_submit(take, &told.waiter, STORE_NOW);
	store_commit(rig->store);
	return told;
}

static struct store_note note_at(int64_t at_s)
{
	return (struct store_note){.at_s = at_s, .origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};
}

static struct store_head head_after(const struct zone_snapshot *version)
{
	return (struct store_head){.role = STORE_SECONDARY,
	                           .class = DNS_CLASS_IN,
	                           .serial_published = zone_serial(version),
	                           .content = change_digest_of(version)};
}

/* The whole version `serial` with so many records beside SOA and NS; `keeps` false: its head alone. */
static void save_whole(struct rig *rig, uint32_t serial, const char *text, bool keeps)
{
	const struct zone_snapshot *version = zone_of_text("example.", serial, text);
	struct store_note note = note_at(rig->now_s);
	struct store_write *write = store_write_new(rig->store, rig->apex.wire);
	rig->head = head_after(version);
	store_write_version(write, &rig->head, &note, keeps ? version : NULL);
	assert_true(submit(rig, write).is_durable);
	zone_unref(rig->newest);
	rig->newest = version;
}

static struct told try_change(struct rig *rig, uint32_t serial, const char *text,
                              const struct change_history_limits *limits)
{
	struct error error;
	const struct zone_snapshot *version = zone_of_text("example.", serial, text);
	const struct changeset *set = changeset_between(rig->newest, version, &error);
	assert_non_null(set);
	struct store_head head = head_after(version);
	struct store_note note = note_at(rig->now_s);
	struct store_write *write = store_write_new(rig->store, rig->apex.wire);
	store_write_change(write, &rig->head, &head, &note, set, limits, false);
	struct told told = submit(rig, write);
	changeset_unref(set);
	if (told.is_durable) {
		zone_unref(rig->newest);
		rig->newest = version;
		rig->head = head;
	} else {
		zone_unref(version);
	}
	return told;
}

static void save_change(struct rig *rig, uint32_t serial, const char *text, const struct change_history_limits *limits)
{
	assert_true(try_change(rig, serial, text, limits).is_durable);
}

/* Versions first..last, each with an address of its own. */
static void save_changes(struct rig *rig, uint32_t first, uint32_t last, const struct change_history_limits *limits)
{
	for (uint32_t serial = first; serial <= last; serial++) {
		char text[64];
		snprintf(text, sizeof text, "a A 192.0.2.%u\n", serial);
		save_change(rig, serial, text, limits);
	}
}

/* What comes back is what was given last; gives how many changesets lead to it. */
static size_t loads_newest(struct rig *rig)
{
	struct error error = {.text = ""};
	struct store_head head;
	const struct change_history *history;
	const struct zone_snapshot *version = store_load_version(rig->store, rig->apex.wire, &head, &history, &error);
	assert_string_equal(error.text, "");
	assert_non_null(version);
	assert_int_equal(head.serial_published, zone_serial(rig->newest));
	struct change_counts counts = change_count(rig->newest, version);
	assert_int_equal(counts.added + counts.removed, 0);
	size_t count = change_history_count(history);
	assert_true(count == 0 || change_history_leads_to(history, version));
	change_history_unref(history);
	zone_unref(version);
	return count;
}

static struct store_stand stand_of(struct rig *rig)
{
	struct error error;
	struct store_head head;
	struct store_stand stand;
	assert_true(store_load_head(rig->store, rig->apex.wire, &head, &stand, NULL, &error));
	return stand;
}

TEST(changes_lead_from_the_records_to_the_newest_version)
{
	struct rig rig;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 9, &no_limits);
	rig_restart(&rig);
	assert_int_equal(loads_newest(&rig), 8);
	assert_true(stand_of(&rig).behind > 0);
	rig_stop(&rig);
}

TEST(who_and_when_of_the_newest_version_is_remembered)
{
	struct rig rig;
	struct error error;
	struct store_head head;
	struct store_note note;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	rig.now_s = 2000;
	save_changes(&rig, 2, 2, &no_limits);
	rig_restart(&rig);
	assert_true(store_load_head(rig.store, rig.apex.wire, &head, NULL, &note, &error));
	assert_int_equal(note.at_s, 2000);
	assert_int_equal(note.origin, CHANGE_FROM_TRANSFER);
	assert_string_equal(note.who, "192.0.2.1@53");
	rig_stop(&rig);
}

/* I6 */
TEST(a_change_of_what_is_not_remembered_is_refused)
{
	struct rig rig;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	struct store_head right = rig.head;
	rig.head.serial_published = 7;
	assert_int_equal(try_change(&rig, 2, "a A 192.0.2.2\n", &no_limits).code, ERROR_STALE);
	rig.head = right;
	rig.head.content.words[0]++;
	assert_int_equal(try_change(&rig, 2, "a A 192.0.2.2\n", &no_limits).code, ERROR_STALE);
	rig.head = right;
	assert_int_equal(loads_newest(&rig), 0);
	save_changes(&rig, 2, 2, &no_limits);
	assert_int_equal(loads_newest(&rig), 1);
	rig_stop(&rig);
}

TEST(changes_that_wait_together_continue_each_other)
{
	struct rig rig;
	struct error error;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	const struct zone_snapshot *two = zone_of_text("example.", 2, "a A 192.0.2.2\n");
	const struct zone_snapshot *three = zone_of_text("example.", 3, "a A 192.0.2.3\n");
	const struct zone_snapshot *versions[] = {rig.newest, two, three};
	for (size_t i = 1; i < ARRAY_LENGTH(versions); i++) {
		const struct changeset *set = changeset_between(versions[i - 1], versions[i], &error);
		struct store_head before = head_after(versions[i - 1]);
		struct store_head head = head_after(versions[i]);
		struct store_note note = note_at(1);
		struct store_write *write = store_write_new(rig.store, rig.apex.wire);
		store_write_change(write, &before, &head, &note, set, &no_limits, false);
		store_submit(write, NULL, STORE_NOW);
		changeset_unref(set);
	}
	store_commit(rig.store);
	zone_unref(rig.newest);
	zone_unref(two);
	rig.newest = three;
	assert_int_equal(loads_newest(&rig), 2);
	rig_stop(&rig);
}

/* I7: beside the records' version there is room for two. */
TEST(history_is_trimmed_oldest_first_but_never_what_recovery_needs)
{
	struct rig rig;
	struct change_history_limits two = no_limits;
	two.count_max = 2;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 9, &two);
	assert_int_equal(loads_newest(&rig), 8); /* recovery needs them all */
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_copy(write, &rig.head, stand_of(&rig).number, zone_ref(rig.newest));
	assert_true(submit(&rig, write).is_durable);
	assert_int_equal(stand_of(&rig).behind, 0);
	save_changes(&rig, 10, 11, &two);
	assert_int_equal(loads_newest(&rig), 2);
	rig_restart(&rig);
	assert_int_equal(loads_newest(&rig), 2);
	rig_stop(&rig);
}

TEST(history_is_trimmed_by_size_and_by_age)
{
	struct rig rig;
	struct change_history_limits limits = no_limits;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", false);
	save_changes(&rig, 2, 5, &no_limits);
	limits.age_max_s = 100;
	rig.now_s += 101;
	save_changes(&rig, 6, 7, &limits);
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_copy(write, &rig.head, stand_of(&rig).number, zone_ref(rig.newest));
	assert_true(submit(&rig, write).is_durable);
	assert_int_equal(loads_newest(&rig), 2);
	limits = no_limits;
	limits.octets_max = 1;
	save_changes(&rig, 8, 8, &limits);
	assert_int_equal(loads_newest(&rig), 1); /* what the records lack */
	rig_stop(&rig);
}

TEST(a_version_that_continues_nothing_ends_what_led_to_those_before)
{
	struct rig rig;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 4, &no_limits);
	struct store_stand before = stand_of(&rig);
	save_whole(&rig, 3, "b A 192.0.2.1\n", true);
	assert_int_equal(loads_newest(&rig), 0);
	assert_true(stand_of(&rig).number > before.number);
	/* A copy of what is no more comes too late. */
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_copy(write, &rig.head, before.number, zone_ref(rig.newest));
	assert_int_equal(submit(&rig, write).code, ERROR_STALE);
	rig_restart(&rig);
	assert_int_equal(loads_newest(&rig), 0);
	rig_stop(&rig);
}

TEST(a_copy_of_an_earlier_version_is_followed_by_the_changes_since)
{
	struct rig rig;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", false);
	save_changes(&rig, 2, 3, &no_limits);
	struct store_stand stand = stand_of(&rig);
	struct store_head head = rig.head;
	const struct zone_snapshot *three = zone_ref(rig.newest);
	assert_false(stand.has_records);
	save_changes(&rig, 4, 6, &no_limits);
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_copy(write, &head, stand.number, zone_ref(three));
	assert_true(submit(&rig, write).is_durable);
	zone_unref(three);
	assert_true(stand_of(&rig).has_records);
	assert_true(stand_of(&rig).behind > 0);
	rig_restart(&rig);
	assert_int_equal(loads_newest(&rig), 5);
	rig_stop(&rig);
}

static void spoil(struct rig *rig, uint64_t number)
{
	struct error error;
	struct kv *kv = fake_kv_side(rig->fake);
	struct store_name key = store_key_of_change(rig->apex.wire, number);
	assert_true(kv->side->begin(kv, &error));
	assert_true(kv->side->remove(kv, store_key_bytes(&key), &error));
	assert_true(kv->side->commit(kv, &error));
}

TEST(a_change_that_is_lost_costs_history_or_where_it_is_needed_the_version)
{
	struct rig rig;
	struct error error = {.text = ""};
	struct store_head head;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 4, &no_limits);
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_copy(write, &rig.head, stand_of(&rig).number, zone_ref(rig.newest));
	assert_true(submit(&rig, write).is_durable);
	save_changes(&rig, 5, 6, &no_limits);
	spoil(&rig, 2); /* of 1, 2, 3 before the records and 4, 5 behind them */
	assert_int_equal(loads_newest(&rig), 3);
	spoil(&rig, 4);
	assert_null(store_load_version(rig.store, rig.apex.wire, &head, NULL, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	rig_stop(&rig);
}

/* Numbers begin anew where a head is broken, and changesets of before are still there under the same ones. */
TEST(changesets_of_before_a_broken_head_are_not_taken_for_those_of_after_it)
{
	for (uint32_t after = 0; after < 8; after++) {
		struct rig rig;
		rig_start(&rig);
		save_whole(&rig, 1, "a A 192.0.2.1\n", true);
		save_changes(&rig, 2, 6, &no_limits);
		assert_true(fake_kv_flip(rig.fake, 'h', 40));
		assert_int_equal(try_change(&rig, 7, "a A 192.0.2.7\n", &no_limits).code, ERROR_STALE);
		save_whole(&rig, 6, "a A 192.0.2.6\n", true); /* the numbers of what followed 1 are given once more */
		save_changes(&rig, 7, 6 + after, &no_limits);
		assert_int_equal(loads_newest(&rig), after);
		rig_restart(&rig);
		assert_int_equal(loads_newest(&rig), after);
		/* What was served before the head broke cannot be copied under its old number. */
		const struct zone_snapshot *old = zone_of_text("example.", 3, "a A 192.0.2.3\n");
		struct store_head head = head_after(old);
		struct store_write *write = store_write_new(rig.store, rig.apex.wire);
		store_write_copy(write, &head, 3, zone_ref(old));
		assert_int_equal(submit(&rig, write).code, ERROR_STALE);
		assert_int_equal(loads_newest(&rig), after);
		zone_unref(old);
		rig_stop(&rig);
	}
}

/* ---- one by one ---- */

static const struct change_history *history_there(struct rig *rig)
{
	struct error error;
	struct store_head head;
	const struct change_history *history;
	const struct zone_snapshot *version = store_load_version(rig->store, rig->apex.wire, &head, &history, &error);
	assert_non_null(version);
	zone_unref(version);
	return history;
}

/* What the store gives of a changeset of the history, asked as a history asks that has not got it. */
static const struct changeset *fetch(struct rig *rig, const struct change_history *history, size_t back)
{
	const struct change_keeper *keeper = store_keeper(rig->store);
	const struct changeset *set = change_history_take(history, back);
	struct changeset_facts facts = changeset_facts(set);
	struct change_kept what = {.serial_from = facts.serial_from, .serial_to = facts.serial_to, .back = back};
	size_t len;
	changeset_octets(set, &len);
	what.octets = len;
	change_history_give_back(history, set);
	return keeper->fetch(keeper, rig->apex.wire, &what);
}

static bool gives(struct rig *rig, const struct change_history *history, size_t back)
{
	const struct changeset *set = change_history_take(history, back);
	const struct changeset *fetched = fetch(rig, history, back);
	size_t len;
	size_t fetched_len;
	const uint8_t *octets = changeset_octets(set, &len);
	if (fetched != NULL) {
		const uint8_t *fetched_octets = changeset_octets(fetched, &fetched_len);
		assert_int_equal(fetched_len, len);
		assert_memory_equal(fetched_octets, octets, len);
	}
	change_history_give_back(history, set);
	changeset_unref(fetched);
	return fetched != NULL;
}

/* Also by somebody who does not know yet how far the store has come. */
TEST(each_change_that_is_kept_can_be_had_by_itself)
{
	struct rig rig;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 9, &no_limits);
	const struct change_history *history = history_there(&rig);
	for (size_t more = 0; more < 3; more++) {
		for (size_t back = 1; back <= 8; back++) {
			assert_true(gives(&rig, history, back));
		}
		save_changes(&rig, 10 + (uint32_t)more, 10 + (uint32_t)more, &no_limits);
	}
	change_history_unref(history);
	rig_stop(&rig);
}

TEST(a_change_that_was_trimmed_or_is_broken_is_not_given)
{
	static const struct change_history_limits three = {
	        .count_max = 3, .octets_max = UINT64_MAX, .age_max_s = INT64_MAX};
	struct rig rig;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 6, &no_limits);
	const struct change_history *history = history_there(&rig);
	spoil(&rig, 5);
	assert_false(gives(&rig, history, 1));
	assert_true(gives(&rig, history, 2));
	change_history_unref(history);
	rig_stop(&rig);

	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 6, &no_limits);
	history = history_there(&rig);
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_copy(write, &rig.head, stand_of(&rig).number, zone_ref(rig.newest));
	assert_true(submit(&rig, write).is_durable);
	save_changes(&rig, 7, 7, &three);
	assert_true(gives(&rig, history, 1));
	assert_true(gives(&rig, history, 2));
	for (size_t back = 3; back <= 5; back++) {
		assert_false(gives(&rig, history, back));
	}
	save_whole(&rig, 8, "a A 192.0.2.8\n", true);
	assert_false(gives(&rig, history, 1));
	change_history_unref(history);
	rig_stop(&rig);
}

TEST(a_forgotten_zone_leaves_nothing)
{
	struct rig rig;
	struct error error;
	struct store_head head;
	size_t len;
	rig_start(&rig);
	save_whole(&rig, 1, "a A 192.0.2.1\n", true);
	save_changes(&rig, 2, 4, &no_limits);
	struct store_write *write = store_write_new(rig.store, rig.apex.wire);
	store_write_source(write, (const uint8_t *)"file", 4);
	assert_true(submit(&rig, write).is_durable);
	uint8_t *source = store_load_source(rig.store, rig.apex.wire, &len);
	assert_int_equal(len, 4);
	assert_memory_equal(source, "file", 4);
	free(source);
	write = store_write_new(rig.store, rig.apex.wire);
	store_write_forget(write);
	assert_true(submit(&rig, write).is_durable);
	assert_false(store_load_head(rig.store, rig.apex.wire, &head, NULL, NULL, &error));
	assert_null(store_load_source(rig.store, rig.apex.wire, &len));
	assert_int_equal(fake_kv_count(rig.fake), 1); /* the format */
	rig_stop(&rig);
}
