/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <errno.h>

#include "base/error.h"

TEST(context_goes_in_front)
{
	struct error error;
	assert_false(error_set(&error, ERROR_LIMIT, "%d records", 7));
	assert_false(error_context(&error, "zone %s", "example"));
	assert_string_equal(error.text, "zone example: 7 records");
	assert_int_equal(error.code, ERROR_LIMIT);
}

TEST(text_may_be_made_from_itself)
{
	struct error error;
	error_set(&error, ERROR_IO, "inner");
	error_set(&error, ERROR_IO, "outer (%s)", error.text);
	assert_string_equal(error.text, "outer (inner)");
}

TEST(errno_is_told_in_words)
{
	struct error error;
	assert_false(error_set_errno(&error, ENOENT, "zone file %s", "x"));
	assert_string_equal(error.text, "zone file x: No such file or directory");
	assert_int_equal(error.code, ERROR_NOT_FOUND);
}

TEST(nobody_needs_to_want_the_error)
{
	assert_false(error_set(NULL, ERROR_IO, "x"));
	assert_false(error_context(NULL, "x"));
}
