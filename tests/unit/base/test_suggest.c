/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/suggest.h"

TEST(edit_distance_counts_single_changes)
{
	assert_int_equal(edit_distance("listen", "listen", 3), 0);
	assert_int_equal(edit_distance("lisen", "listen", 3), 1);
	assert_int_equal(edit_distance("litsen", "listen", 3), 1);
	assert_int_equal(edit_distance("DATA_DIR", "data-dir", 3), 0);
	assert_int_equal(edit_distance("", "abc", 5), 3);
	assert_int_equal(edit_distance("kitten", "sitting", 5), 3);
	assert_int_equal(edit_distance("kitten", "sitting", 2), 3);
}

TEST(suggestion_is_the_nearest_and_never_far)
{
	struct suggestion suggestion = suggestion_for("refesh");
	suggestion_try(&suggestion, "reload");
	assert_null(suggestion.best);
	suggestion_try(&suggestion, "refreshes");
	suggestion_try(&suggestion, "refresh");
	assert_string_equal(suggestion.best, "refresh");
	suggestion = suggestion_for("x");
	suggestion_try(&suggestion, "export");
	assert_null(suggestion.best);
}
