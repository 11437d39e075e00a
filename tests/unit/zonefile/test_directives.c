/* SPDX-License-Identifier: MIT */
/* $ORIGIN and $INCLUDE (RFC 1035 5.1). */
#include "unit.h"

#include <stdio.h>

#include "reading.h"

static const struct reading *read_with(const char *chars, const struct included_text *texts)
{
	struct zonefile_options options = example_options();
	return read_texts(chars, strlen(chars), &options, texts);
}

TEST(origin_rules_relative_names_that_follow)
{
	expect_records("a 300 A 192.0.2.1\n"
	               "$ORIGIN sub.example.\n"
	               "a NS b\n"
	               "$origin example.\n"
	               "@ NS c\n",
	               "a.example. 300 A 192.0.2.1\n"
	               "a.sub.example. 300 NS b.sub.example.\n"
	               "example. 300 NS c.example.\n");
}

TEST(origin_may_be_the_root_or_outside_of_the_zone)
{
	expect_records("$ORIGIN .\nexample 300 NS a\n", "example. 300 NS a.\n");
	expect_records("$ORIGIN test.\na.example. 300 NS a\n", "a.example. 300 NS a.test.\n");
}

TEST(blank_owner_keeps_its_name_across_origin)
{
	expect_records("a 300 A 192.0.2.1\n$ORIGIN sub.example.\n A 192.0.2.2\na A 192.0.2.3\n",
	               "a.example. 300 A 192.0.2.1\na.example. 300 A 192.0.2.2\na.sub.example. 300 A 192.0.2.3\n");
}

TEST(origin_takes_one_absolute_name)
{
	expect_error("$ORIGIN\n", "main:1:1:", "$ORIGIN NAME");
	expect_error("$ORIGIN a. b.\n", "main:1:12:", "one word too many");
	expect_error("$ORIGIN sub\n", "main:1:9:", "write 'sub.example.'");
	expect_error("$ORIGIN a..b.\n", "main:1:9:", "empty label");
	expect_error("$ORIGIN a..b\n", "main:1:9:", "empty label");
	expect_error("$ORIGIN a\\.\n", "main:1:9:", "absolute");
	expect_error("$ORIGIN \"a.\"\n", "main:1:9:", "without quotes");
}

TEST(directives_stand_in_the_first_column)
{
	expect_error("a 300 A 192.0.2.1\n $TTL 300\n", "main:2:2:", "'$TTL' is not a type");
}

TEST(unknown_directive_is_an_error)
{
	expect_error("$BOGUS x\n", "main:1:1:", "'$BOGUS' is not a directive");
	expect_error("$ 300 A 192.0.2.1\n", "main:1:1:", "is not a directive");
}

TEST(included_records_come_where_the_directive_stands)
{
	static const struct included_text texts[] = {{"sub", "b A 192.0.2.2\nc A 192.0.2.3"}, {NULL, NULL}};
	const struct reading *reading = read_with("a 300 A 192.0.2.1\n$INCLUDE sub\nd A 192.0.2.4\n", texts);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, "a.example. 300 A 192.0.2.1\nb.example. 300 A 192.0.2.2\n"
	                                      "c.example. 300 A 192.0.2.3\nd.example. 300 A 192.0.2.4\n");
}

TEST(owner_and_origin_are_reinstated_after_an_include)
{
	static const struct included_text texts[] = {{"sub", "$ORIGIN deep.example.\nb A 192.0.2.2\n"}, {NULL, NULL}};
	const struct reading *reading = read_with("a 300 A 192.0.2.1\n"
	                                          "$INCLUDE sub sub.example. ; with an origin of its own\n"
	                                          " A 192.0.2.3\n"
	                                          "c A 192.0.2.4\n",
	                                          texts);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, "a.example. 300 A 192.0.2.1\nb.deep.example. 300 A 192.0.2.2\n"
	                                      "a.example. 300 A 192.0.2.3\nc.example. 300 A 192.0.2.4\n");
}

TEST(include_takes_an_origin_relative_to_the_present_one)
{
	static const struct included_text texts[] = {{"sub", "@ A 192.0.2.2\nx A 192.0.2.3\n"}, {NULL, NULL}};
	const struct reading *reading = read_with("$TTL 300\n$INCLUDE \"sub\" part\n", texts);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, "part.example. 300 A 192.0.2.2\nx.part.example. 300 A 192.0.2.3\n");
}

/* Records that many names share are kept in a file of their own, without owners. */
TEST(included_text_begins_with_the_owner_before_it)
{
	static const struct included_text texts[] = {{"sub", " A 192.0.2.2\n TXT x\nc A 192.0.2.4\n"}, {NULL, NULL}};
	const struct reading *reading =
	        read_with("a 300 A 192.0.2.1\n$INCLUDE sub other.example.\n A 192.0.2.3\n", texts);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, "a.example. 300 A 192.0.2.1\na.example. 300 A 192.0.2.2\n"
	                                      "a.example. 300 TXT \"x\"\nc.other.example. 300 A 192.0.2.4\n"
	                                      "a.example. 300 A 192.0.2.3\n");
}

TEST(included_text_without_any_owner_is_an_error_there)
{
	static const struct included_text texts[] = {{"sub", " 300 A 192.0.2.2\n"}, {NULL, NULL}};
	const struct reading *reading = read_with("$INCLUDE sub\n", texts);
	assert_non_null(strstr(reading->problems, "sub:1:2: error: the line begins with a blank"));
	assert_string_equal(reading->records, "");
}

TEST(empty_include_changes_nothing)
{
	static const struct included_text texts[] = {{"empty", ""}, {"comment", "; nothing"}, {NULL, NULL}};
	const struct reading *reading =
	        read_with("a 300 A 192.0.2.1\n$INCLUDE empty\n$INCLUDE comment\n A 192.0.2.3\n", texts);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, "a.example. 300 A 192.0.2.1\na.example. 300 A 192.0.2.3\n");
}

TEST(unterminated_quote_in_an_include_is_an_error_there)
{
	static const struct included_text texts[] = {{"sub", "b 300 TXT \"x\n"}, {NULL, NULL}};
	const struct reading *reading = read_with("$INCLUDE sub\nc 300 A 192.0.2.1\n", texts);
	assert_non_null(strstr(reading->problems, "sub:1:11: error: "));
	assert_string_equal(reading->records, "c.example. 300 A 192.0.2.1\n");
}

TEST(path_is_relative_to_the_including_file)
{
	static const struct included_text texts[] = {
	        {"folder/a", "$INCLUDE b\n$INCLUDE ../c\n"}, {"folder/b", "b 1 A 192.0.2.1\n"},
	        {"folder/../c", "c 1 A 192.0.2.2\n"},        {"/absolute", "d 1 A 192.0.2.3\n"},
	        {"with blank", "e 1 A 192.0.2.4\n"},         {NULL, NULL},
	};
	const struct reading *reading =
	        read_with("$INCLUDE folder/a\n$INCLUDE /absolute\n$INCLUDE \"with blank\"\n$INCLUDE with\\ blank\n"
	                  "$INCLUDE with\\032blank\n",
	                  texts);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records,
	                    "b.example. 1 A 192.0.2.1\nc.example. 1 A 192.0.2.2\nd.example. 1 A 192.0.2.3\n"
	                    "e.example. 1 A 192.0.2.4\ne.example. 1 A 192.0.2.4\ne.example. 1 A 192.0.2.4\n");
}

TEST(file_that_includes_itself_is_an_error)
{
	static const struct included_text texts[] = {
	        {"a", "$INCLUDE a\n"}, {"b", "$INCLUDE c\n"}, {"c", "$INCLUDE b\n"}, {NULL, NULL}};
	const struct reading *reading = read_with("$INCLUDE a\n", texts);
	assert_non_null(strstr(reading->problems, "a:1:10: error: a: a file cannot include itself"));
	reading = read_with("$INCLUDE b\n", texts);
	assert_non_null(strstr(reading->problems, "c:1:10: error: b: a file cannot include itself, by way of others"));
	reading = read_with("$INCLUDE main\n", texts);
	assert_non_null(strstr(reading->problems, "main:1:10: error: main: a file cannot include itself"));
}

TEST(includes_nest_to_a_limit)
{
	static char names[ZONEFILE_INCLUDE_DEPTH_MAX + 2][8];
	static char contents[ZONEFILE_INCLUDE_DEPTH_MAX + 2][64];
	static struct included_text texts[ZONEFILE_INCLUDE_DEPTH_MAX + 3];
	for (int i = 0; i < ZONEFILE_INCLUDE_DEPTH_MAX + 2; i++) {
		snprintf(names[i], sizeof names[i], "%d", i);
		snprintf(contents[i], sizeof contents[i], "a%d 300 A 192.0.2.1\n$INCLUDE %d\n", i, i + 1);
		texts[i] = (struct included_text){names[i], contents[i]};
	}
	const struct reading *reading = read_with("$INCLUDE 0\n", texts);
	assert_int_equal(reading->result.record_count, ZONEFILE_INCLUDE_DEPTH_MAX);
	assert_int_equal(reading->result.error_count, 1);
	assert_non_null(strstr(reading->problems, "15:2:10: error: 16: more than 16 files within each other"));
}

TEST(include_that_cannot_be_opened_is_an_error)
{
	expect_error("$INCLUDE nothing\n", "main:1:10:", "nothing: no such text");
	expect_error("$INCLUDE\n", "main:1:1:", "$INCLUDE FILE [ORIGIN]");
	expect_error("$INCLUDE a b c\n", "main:1:14:", "one word too many");
	expect_error("$INCLUDE a b..c\n", "main:1:12:", "empty label");
	expect_error("$INCLUDE \"\"\n", "main:1:10:", "no path");
	expect_error("$INCLUDE a\\000b\n", "main:1:10:", "no path");
}

TEST(include_without_a_source_is_an_error)
{
	struct zonefile_options options = example_options();
	const struct reading *reading = read_texts("$INCLUDE a\n", 11, &options, NULL);
	assert_non_null(strstr(reading->problems, "main:1:10: error: $INCLUDE is not possible here"));
}

TEST(ttl_of_an_include_reaches_out_of_it)
{
	static const struct included_text texts[] = {{"sub", "$TTL 77\n"}, {NULL, NULL}};
	const struct reading *reading = read_with("$INCLUDE sub\na A 192.0.2.1\n", texts);
	assert_string_equal(reading->records, "a.example. 77 A 192.0.2.1\n");
}
