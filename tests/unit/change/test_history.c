/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "change/history.h"
#include "zone_text.h"

#define VERSIONS 10

static const struct change_history_limits wide = {.count_max = 100, .octets_max = 1 << 20, .age_max_s = 1000};

/* From version number `from` to the next: serials are ten apart. `newest` NULL: it is not wanted. */
static const struct changeset *step_from(uint32_t from, const struct zone_snapshot **newest)
{
	char text[2][64];
	struct error error;
	const struct zone_snapshot *versions[2];
	for (uint32_t i = 0; i < 2; i++) {
		snprintf(text[i], sizeof text[i], "a A 192.0.2.%u\n", from + i);
		versions[i] = zone_of_text("example.", (from + i) * 10, text[i]);
	}
	const struct changeset *set = changeset_between(versions[0], versions[1], &error);
	assert_non_null(set);
	zone_unref(versions[0]);
	if (newest != NULL) {
		*newest = versions[1];
	} else {
		zone_unref(versions[1]);
	}
	return set;
}

/* `take` and the step from version number `from`. */
static const struct change_history *with(const struct change_history *take, uint32_t from, int64_t at_s,
                                         const struct change_history_limits *limits)
{
	const struct zone_snapshot *newest;
	const struct changeset *set = step_from(from, &newest);
	const struct change_history *history = change_history_with(take, set, newest, at_s, limits, NULL);
	assert_true(history == NULL || change_history_leads_to(history, newest));
	assert_true(take == NULL || !change_history_leads_to(take, newest));
	zone_unref(newest);
	changeset_unref(set);
	change_history_unref(take);
	return history;
}

static const struct change_history *long_one(const struct change_history_limits *limits)
{
	const struct change_history *history = NULL;
	for (uint32_t i = 0; i < VERSIONS; i++) {
		history = with(history, i, 100 * (int64_t)i, limits);
	}
	return history;
}

static uint32_t serial_before(const struct change_history *history, size_t back)
{
	const struct changeset *set = change_history_take(history, back);
	assert_non_null(set);
	uint32_t serial = changeset_facts(set).serial_from;
	assert_int_equal(changeset_facts(set).serial_to, serial + 10);
	change_history_give_back(history, set);
	return serial;
}

TEST(from_each_version_the_way_to_the_newest_is_found)
{
	const struct change_history *history = long_one(&wide);
	assert_int_equal(change_history_count(history), VERSIONS);
	for (uint32_t i = 0; i < VERSIONS; i++) {
		assert_int_equal(change_history_from(history, i * 10), VERSIONS - i);
		assert_int_equal(serial_before(history, VERSIONS - i), i * 10);
	}
	assert_int_equal(change_history_from(history, VERSIONS * 10), 0);
	assert_int_equal(change_history_from(history, 5), 0);
	assert_int_equal(change_history_from(NULL, 0), 0);
	change_history_unref(history);
}

TEST(way_that_has_more_octets_than_are_wanted_is_not_found)
{
	const struct change_history *history = long_one(&wide);
	for (uint32_t i = 0; i < VERSIONS; i++) {
		size_t count = change_history_from(history, i * 10);
		uint64_t octets = change_history_octets(history, count);
		assert_int_equal(change_history_within(history, i * 10, octets), count);
		assert_int_equal(change_history_within(history, i * 10, octets - 1), 0);
	}
	change_history_unref(history);
}

TEST(the_oldest_are_forgotten_first_when_they_are_too_many_too_large_or_too_old)
{
	const struct changeset *set = step_from(0, NULL);
	size_t len;
	changeset_octets(set, &len);
	changeset_unref(set);
	const struct change_history_limits limits[] = {
	        {.count_max = 3, .octets_max = 1 << 20, .age_max_s = 1000},
	        {.count_max = 100, .octets_max = 3 * len, .age_max_s = 1000},
	        {.count_max = 100, .octets_max = 1 << 20, .age_max_s = 200},
	};
	for (size_t i = 0; i < 3; i++) {
		const struct change_history *history = long_one(&limits[i]);
		assert_int_equal(change_history_count(history), 3);
		assert_int_equal(change_history_from(history, (VERSIONS - 3) * 10), 3);
		assert_int_equal(change_history_from(history, (VERSIONS - 4) * 10), 0);
		assert_true(change_history_octets(history, 3) <= limits[i].octets_max);
		change_history_unref(history);
	}
}

TEST(a_change_larger_than_the_limit_leaves_no_history)
{
	const struct change_history_limits none = {.count_max = 0, .octets_max = 1 << 20, .age_max_s = 1000};
	const struct change_history_limits small = {.count_max = 10, .octets_max = 10, .age_max_s = 1000};
	assert_null(with(NULL, 0, 0, &none));
	assert_null(with(long_one(&wide), VERSIONS, 0, &small));
}

/* Two versions lie between: nobody can be led over the gap. */
TEST(what_does_not_continue_begins_anew)
{
	const struct change_history *history = with(long_one(&wide), VERSIONS + 2, 0, &wide);
	assert_int_equal(change_history_count(history), 1);
	assert_int_equal(change_history_from(history, 0), 0);
	assert_int_equal(change_history_from(history, (VERSIONS + 2) * 10), 1);
	change_history_unref(history);
}

TEST(a_history_that_is_held_stays_as_it_was)
{
	const struct change_history *history = long_one(&wide);
	const struct change_history *held = change_history_ref(history);
	history = with(history, VERSIONS, 100000, &wide);
	assert_int_equal(change_history_count(history), 1);
	assert_int_equal(change_history_count(held), VERSIONS);
	change_history_unref(held);
	change_history_unref(history);
}

/* ---- what is not in memory ---- */

#define STEPS      40
#define STEP_TEXTS 20 /* strings of 200 octets: some 4 KiB a step, more than CHANGE_HISTORY_NEAR_LEAST in all */

/* Has all steps by their serials, and counts how often it is asked. */
struct shelf {
	struct change_keeper keeper; /* first */
	const struct changeset *sets[STEPS];
	size_t asked;
};

static const struct changeset *shelf_fetch(const struct change_keeper *self, const uint8_t *apex,
                                           const struct change_kept *what)
{
	struct shelf *shelf = (struct shelf *)(uintptr_t)self;
	const struct changeset *set = shelf->sets[what->serial_from];
	size_t octets = 0;
	shelf->asked++;
	assert_string_equal((const char *)apex, "\7example");
	assert_int_equal(what->serial_to, what->serial_from + 1);
	assert_int_equal(what->back, STEPS - what->serial_from);
	if (set != NULL) {
		changeset_octets(set, &octets);
	}
	assert_true(set == NULL || octets == what->octets);
	return set == NULL ? NULL : changeset_ref(set);
}

/* Versions 0 to STEPS of one long TXT each, whose octets tell the version; `mark` is in all of them. */
static const struct zone_snapshot *long_version(uint32_t number, char mark)
{
	char text[STEP_TEXTS * 210 + 10];
	size_t len = (size_t)sprintf(text, "a TXT");
	for (size_t i = 0; i < STEP_TEXTS; i++) {
		len += (size_t)sprintf(text + len, " \"%c%0199u\"", mark, number);
	}
	sprintf(text + len, "\n");
	return zone_of_text("example.", number, text);
}

static const struct change_history *put_on_shelf(struct shelf *shelf, const struct change_keeper *keeper, char mark)
{
	const struct change_history *history = NULL;
	const struct zone_snapshot *before = long_version(0, mark);
	struct error error;
	for (uint32_t i = 0; i < STEPS; i++) {
		const struct zone_snapshot *next = long_version(i + 1, mark);
		shelf->sets[i] = changeset_between(before, next, &error);
		assert_non_null(shelf->sets[i]);
		const struct change_history *longer =
		        change_history_with(history, shelf->sets[i], next, 0, &wide, keeper);
		change_history_unref(history);
		zone_unref(before);
		history = longer;
		before = next;
	}
	zone_unref(before);
	return history;
}

static void clear_shelf(struct shelf *shelf)
{
	for (size_t i = 0; i < STEPS; i++) {
		changeset_unref(shelf->sets[i]);
		shelf->sets[i] = NULL;
	}
}

TEST(only_the_newest_changes_stay_in_memory_where_somebody_keeps_the_others)
{
	struct shelf shelf = {.keeper.fetch = shelf_fetch};
	const struct change_history *history = put_on_shelf(&shelf, &shelf.keeper, 'a');
	uint64_t held = change_history_octets_held(history);
	assert_true(held <= CHANGE_HISTORY_NEAR_LEAST && held > CHANGE_HISTORY_NEAR_LEAST / 2);
	assert_true(change_history_octets(history, STEPS) > 2 * CHANGE_HISTORY_NEAR_LEAST);
	assert_int_equal(change_history_from(history, 0), STEPS);
	for (size_t back = 1; back <= STEPS; back++) {
		const struct changeset *set = change_history_take(history, back);
		assert_ptr_equal(set, shelf.sets[STEPS - back]);
		change_history_give_back(history, set);
	}
	assert_true(shelf.asked > STEPS / 2 && shelf.asked < STEPS);
	change_history_unref(history);
	clear_shelf(&shelf);
}

TEST(all_changes_stay_in_memory_where_nobody_is_known_to_keep_them)
{
	struct shelf shelf = {.keeper.fetch = shelf_fetch};
	const struct change_history *history = put_on_shelf(&shelf, NULL, 'a');
	assert_int_equal(change_history_octets_held(history), change_history_octets(history, STEPS));
	change_history_unref(history);
	clear_shelf(&shelf);
}

TEST(a_single_change_is_held_however_large_it_is)
{
	struct shelf shelf = {.keeper.fetch = shelf_fetch};
	const struct change_history_limits limits = {.count_max = 9, .octets_max = 1 << 20, .age_max_s = 1000};
	struct error error;
	const struct zone_snapshot *first = zone_of_text("example.", 1, "");
	char *text = malloc(200 * 1000);
	size_t len = 0;
	for (size_t i = 0; i < 4000; i++) {
		len += (size_t)sprintf(text + len, "host%zu A 192.0.2.1\n", i);
	}
	const struct zone_snapshot *second = zone_of_text("example.", 2, text);
	const struct changeset *set = changeset_between(first, second, &error);
	const struct change_history *history = change_history_with(NULL, set, second, 0, &limits, &shelf.keeper);
	assert_true(change_history_octets_held(history) > CHANGE_HISTORY_NEAR_LEAST);
	change_history_unref(history);
	changeset_unref(set);
	zone_unref(first);
	zone_unref(second);
	free(text);
}

TEST(a_change_that_is_gone_or_has_become_another_is_not_given)
{
	struct shelf shelf = {.keeper.fetch = shelf_fetch};
	struct shelf other = {.keeper.fetch = shelf_fetch};
	const struct change_history *history = put_on_shelf(&shelf, &shelf.keeper, 'a');
	change_history_unref(put_on_shelf(&other, NULL, 'b'));
	changeset_unref(shelf.sets[0]);
	changeset_unref(shelf.sets[1]);
	shelf.sets[0] = NULL;
	shelf.sets[1] = changeset_ref(other.sets[1]);
	assert_null(change_history_take(history, STEPS));
	assert_null(change_history_take(history, STEPS - 1));
	const struct changeset *third = change_history_take(history, STEPS - 2);
	assert_ptr_equal(third, shelf.sets[2]);
	change_history_give_back(history, third);
	change_history_unref(history);
	clear_shelf(&shelf);
	clear_shelf(&other);
}

/* One more, behind those on the shelf, and a history that goes on with it: made before somebody looks, as by a version that
 * comes while a transfer runs. */
struct next_step {
	const struct zone_snapshot *version;
	const struct changeset *set;
	const struct change_history *later;
};

static struct next_step next_step(struct shelf *shelf, const struct change_history *history)
{
	struct error error;
	const struct zone_snapshot *before = long_version(STEPS, 'a');
	struct next_step next = {.version = long_version(STEPS + 1, 'a')};
	next.set = changeset_between(before, next.version, &error);
	next.later = change_history_with(history, next.set, next.version, 0, &wide, &shelf->keeper);
	zone_unref(before);
	return next;
}

static void next_step_free(const struct next_step *take)
{
	change_history_unref(take->later);
	changeset_unref(take->set);
	zone_unref(take->version);
}

/* Who was cut there and asks again would be cut there again. */
TEST(nothing_leads_over_a_change_that_turned_out_to_be_gone)
{
	struct shelf shelf = {.keeper.fetch = shelf_fetch};
	const struct change_history *history = put_on_shelf(&shelf, &shelf.keeper, 'a');
	struct next_step next = next_step(&shelf, history);
	changeset_unref(shelf.sets[4]);
	shelf.sets[4] = NULL;
	assert_int_equal(change_history_from(history, 3), STEPS - 3);
	assert_null(change_history_take(history, STEPS - 4));
	assert_int_equal(change_history_from(history, 3), 0);
	assert_int_equal(change_history_from(history, 4), 0);
	assert_int_equal(change_history_from(history, 5), STEPS - 5);
	assert_int_equal(change_history_from(next.later, 4), 0);
	assert_int_equal(change_history_from(next.later, 5), STEPS + 1 - 5);
	const struct change_history *after =
	        change_history_with(history, next.set, next.version, 0, &wide, &shelf.keeper);
	assert_int_equal(change_history_count(after), STEPS + 1 - 5);
	change_history_unref(after);
	change_history_unref(history);
	next_step_free(&next);
	clear_shelf(&shelf);
}

/* Many may ask at once, and what they ask for may be half of a zone. */
TEST(a_change_that_is_not_in_memory_is_there_once_for_all_who_use_it)
{
	struct shelf shelf = {.keeper.fetch = shelf_fetch};
	const struct change_history *history = put_on_shelf(&shelf, &shelf.keeper, 'a');
	struct next_step next = next_step(&shelf, history);
	const struct changeset *first = change_history_take(history, STEPS);
	const struct changeset *second = change_history_take(next.later, STEPS + 1);
	assert_ptr_equal(second, first);
	assert_int_equal(shelf.asked, 1);
	change_history_give_back(next.later, second);
	change_history_unref(next.later);
	next.later = NULL;
	assert_int_equal(changeset_facts(first).serial_from, 0);
	assert_ptr_equal(change_history_take(history, STEPS), first);
	assert_int_equal(shelf.asked, 1);
	change_history_give_back(history, first);
	change_history_give_back(history, first);

	/* Nobody uses it: it is had anew, or is gone. */
	changeset_unref(shelf.sets[0]);
	shelf.sets[0] = NULL;
	assert_null(change_history_take(history, STEPS));
	change_history_unref(history);
	next_step_free(&next);
	clear_shelf(&shelf);
}
