/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

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
	const struct change_history *history = change_history_with(take, set, newest, at_s, limits);
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

TEST(from_each_version_the_way_to_the_newest_is_found)
{
	const struct change_history *history = long_one(&wide);
	assert_int_equal(change_history_count(history), VERSIONS);
	for (uint32_t i = 0; i < VERSIONS; i++) {
		const struct changeset *const *first;
		size_t count = change_history_from(history, i * 10, &first);
		assert_int_equal(count, VERSIONS - i);
		for (uint32_t k = 0; k < count; k++) {
			assert_int_equal(changeset_facts(first[k]).serial_from, (i + k) * 10);
			assert_int_equal(changeset_facts(first[k]).serial_to, (i + k + 1) * 10);
		}
	}
	const struct changeset *const *first;
	assert_int_equal(change_history_from(history, VERSIONS * 10, &first), 0);
	assert_int_equal(change_history_from(history, 5, &first), 0);
	assert_int_equal(change_history_from(NULL, 0, &first), 0);
	change_history_unref(history);
}

TEST(way_that_has_more_octets_than_are_wanted_is_not_found)
{
	const struct change_history *history = long_one(&wide);
	for (uint32_t i = 0; i < VERSIONS; i++) {
		const struct changeset *const *first;
		size_t count = change_history_from(history, i * 10, &first);
		uint64_t octets = change_history_octets(first, count, UINT64_MAX);
		first = NULL;
		assert_int_equal(change_history_within(history, i * 10, octets, &first), count);
		assert_int_equal(changeset_facts(first[0]).serial_from, i * 10);
		assert_int_equal(change_history_within(history, i * 10, octets - 1, &first), 0);
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
		const struct changeset *const *first;
		const struct change_history *history = long_one(&limits[i]);
		assert_int_equal(change_history_count(history), 3);
		assert_int_equal(change_history_from(history, (VERSIONS - 3) * 10, &first), 3);
		assert_int_equal(change_history_from(history, (VERSIONS - 4) * 10, &first), 0);
		assert_true(change_history_octets(first, 3, UINT64_MAX) <= limits[i].octets_max);
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
	const struct changeset *const *first;
	const struct change_history *history = with(long_one(&wide), VERSIONS + 2, 0, &wide);
	assert_int_equal(change_history_count(history), 1);
	assert_int_equal(change_history_from(history, 0, &first), 0);
	assert_int_equal(change_history_from(history, (VERSIONS + 2) * 10, &first), 1);
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
