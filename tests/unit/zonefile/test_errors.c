/* SPDX-License-Identifier: MIT */
/* Where an error stands, how many are told, and where reading goes on. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "reading.h"

TEST(line_and_column_are_those_of_the_bad_word)
{
	expect_error("a 300 IN A 192.0.2.256\n", "main:1:12:", "A: ");
	expect_error("a 300 IN BOGUS x\n", "main:1:10:", "'BOGUS' is not a type");
	expect_error("\n\n   \nok 300 A 192.0.2.1\n\t300\tMX\tx mail\n", "main:5:9:", "MX: ");
	expect_error("a 300 IN MX 10\n", "main:1:13:", "MX: ");
	expect_error("a 300 IN A\n", "main:1:10:", "A: ");
	expect_error("a 300\n", "main:1:3:", "without a type");
	expect_error("a\n", "main:1:1:", "without a type");
}

TEST(lines_are_counted_across_newlines_in_quotes_escapes_and_parentheses)
{
	expect_error("a 300 TXT \"1\n2\n3\" ; c\nb 300 A x\n", "main:4:9:", "A: ");
	expect_error("a 300 TXT x\\\ny\nb 300 A x\n", "main:3:9:", "A: ");
	expect_error("a 300 TXT ( ; (\n;)\n\"x\"\n)\nb 300 A x\n", "main:5:9:", "A: ");
	expect_error("a 300 MX (\n  10\n  a..b )\n", "main:3:3:", "MX: ");
}

TEST(unterminated_quote_is_an_error_at_the_quote)
{
	expect_error("a 300 TXT \"x\n", "main:1:11:", "never closed");
	expect_error("a 300 TXT \"x\n y\n", "main:1:11:", "never closed");
	expect_error("a 300 TXT \"", "main:1:11:", "never closed");
}

TEST(parenthesis_without_its_other_half_is_an_error)
{
	expect_error("a 300 TXT ( x\n", "main:1:11:", "never closed");
	expect_error("a 300 TXT ( x\n  y\n", "main:1:11:", "never closed");
	expect_error("a 300 TXT x )\n", "main:1:13:", "without a '('");
}

TEST(reading_goes_on_behind_the_line_of_an_unclosed_parenthesis)
{
	const struct reading *reading = read_zone("@ 300 SOA a b ( 1\n"
	                                          "  2\n"
	                                          "  3 4 5\n"
	                                          "www 300 A 192.0.2.1\n"
	                                          "bad 300 A 192.0.2\n");
	assert_string_equal(reading->records, "www.example. 300 A 192.0.2.1\n");
	assert_int_equal(reading->result.error_count, 2);
	assert_non_null(strstr(reading->problems, "main:1:15: error: "));
	assert_non_null(strstr(reading->problems, "main:5:11: error: "));
}

TEST(one_run_tells_many_errors)
{
	const struct reading *reading = read_zone("a 300 A 1\n"
	                                          "b 300 A 192.0.2.1\n"
	                                          "c 300 BOGUS\n"
	                                          "d..e 300 A 192.0.2.1\n"
	                                          "$BOGUS\n"
	                                          "f 300 A 192.0.2.2\n");
	assert_false(reading->done);
	assert_int_equal(reading->result.error_count, 4);
	assert_string_equal(reading->records, "b.example. 300 A 192.0.2.1\nf.example. 300 A 192.0.2.2\n");
	assert_non_null(strstr(reading->error.text, "main:1:9: A: "));
	assert_non_null(strstr(reading->error.text, "(and 3 more errors)"));
}

TEST(records_that_would_inherit_a_refused_owner_are_not_told_again)
{
	const struct reading *reading =
	        read_zone("a..b 300 A 192.0.2.1\n A 192.0.2.2\n A 192.0.2.3\nc 300 A 192.0.2.4\n");
	assert_int_equal(reading->result.error_count, 1);
	assert_string_equal(reading->records, "c.example. 300 A 192.0.2.4\n");
}

TEST(owner_of_a_refused_record_is_inherited_all_the_same)
{
	const struct reading *reading = read_zone("a 300 A 192.0.2.1\nb 300 A x\n A 192.0.2.2\n");
	assert_string_equal(reading->records, "a.example. 300 A 192.0.2.1\nb.example. 300 A 192.0.2.2\n");
}

TEST(reading_stops_at_the_limit_of_errors)
{
	char *text = malloc(300 * 10 + 1);
	struct zonefile_options options = example_options();
	assert_non_null(text);
	text[0] = '\0';
	for (int i = 0; i < 300; i++) {
		strcat(text, "a 300 A x\n");
	}
	const struct reading *reading = read_texts(text, strlen(text), &options, NULL);
	assert_int_equal(reading->result.error_count, ZONEFILE_ERRORS_MAX);
	assert_non_null(strstr(reading->problems, "main:100: warning: reading stopped after 100 errors"));
	options.errors_max = 3;
	reading = read_texts(text, strlen(text), &options, NULL);
	assert_int_equal(reading->result.error_count, 3);
	free(text);
}

TEST(warnings_beyond_the_limit_are_counted_and_the_zone_is_read)
{
	struct zonefile_options options = example_options();
	const char *text =
	        "a.test. 300 A 192.0.2.1\nb.test. 300 A 192.0.2.1\nc.test. 300 A 192.0.2.1\nd 300 A 192.0.2.1\n";
	options.warnings_max = 1;
	const struct reading *reading = read_texts(text, strlen(text), &options, NULL);
	assert_true(reading->done);
	assert_int_equal(reading->result.warning_count, 3);
	assert_int_equal(reading->result.record_count, 1);
	assert_non_null(strstr(reading->problems, "2 more warnings"));
	assert_null(strstr(reading->problems, "b.test."));
}

TEST(nul_octets_behind_a_mnemonic_are_part_of_the_word)
{
	static const char text[] = "a 1 NS b\na 1 NS\0\0 b\na 1 IN\0 NS b\n";
	struct zonefile_options options = example_options();
	const struct reading *reading = read_texts(text, sizeof text - 1, &options, NULL);
	assert_int_equal(reading->result.error_count, 2);
	assert_non_null(strstr(reading->problems, "main:2:5: error: 'NS\\000\\000' is not a type"));
}

TEST(what_a_message_quotes_cannot_steer_a_terminal)
{
	expect_error("a 300 \033[2Jx 1\n", "main:1:7:", "'\\027[2Jx' is not a type");
	expect_error("a 300 \xC3\xBC 1\n", "main:1:7:", "'\\195\\188' is not a type");
	const struct reading *reading = read_zone("$INCLUDE \"a\033b\"\n");
	assert_null(strchr(reading->problems, '\033'));
}

TEST(other_classes_are_errors)
{
	expect_error("a 300 CH A 192.0.2.1\n", "main:1:7:", "class CH in a zone of class IN");
	expect_error("a HS 300 A 192.0.2.1\n", "main:1:3:", "class HS in a zone of class IN");
	expect_error("a 300 CLASS42 A 192.0.2.1\n", "main:1:7:", "class CLASS42 in a zone of class IN");
}

TEST(class_twice_is_no_type)
{
	expect_error("a 300 IN IN A 192.0.2.1\n", "main:1:10:", "'IN' is not a type");
}

TEST(meta_types_cannot_be_in_a_zone)
{
	static const char *const types[] = {"ANY", "AXFR", "IXFR", "MAILA", "MAILB",
	                                    "OPT", "TSIG", "TKEY", "TYPE0", "TYPE255"};
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++) {
		char line[64];
		snprintf(line, sizeof line, "a 300 IN %s \\# 0\n", types[i]);
		expect_error(line, "main:1:10:", "cannot be in a zone");
	}
	expect_error("a 300 TYPE65536 \\# 0\n", "main:1:7:", "is not a type");
}

static bool refuse_second(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	(void)self;
	return record->line != 2 || error_set(error, ERROR_LIMIT, "no more room");
}

TEST(refusal_of_the_receiver_is_told_at_the_line_of_the_record)
{
	struct zonefile_record_sink sink = {.take = refuse_second};
	struct zonefile_text text = {
	        .name = "main", .chars = "a 1 A 192.0.2.1\na 1 A 192.0.2.2\na 1 A 192.0.2.3\n", .len = 48};
	struct zonefile_options options = example_options();
	struct zonefile_result result;
	struct error error;
	assert_false(zonefile_read_text(&text, &options, NULL, &sink, NULL, &result, &error));
	assert_string_equal(error.text, "main:2:1: no more room");
	assert_int_equal(result.record_count, 2);
}

TEST(endless_word_and_endless_entry_are_errors)
{
	size_t len = 4 * 1024 * 1024;
	char *text = malloc(len);
	struct zonefile_options options = example_options();
	assert_non_null(text);
	memset(text, 'x', len);
	const struct reading *reading = read_texts(text, len, &options, NULL);
	assert_non_null(strstr(reading->problems, "main:1:1: error: the word is longer"));
	memset(text, '"', len);
	memcpy(text, "a 300 TXT ", 10);
	reading = read_texts(text, len, &options, NULL);
	assert_non_null(strstr(reading->problems, "more words than any record can have"));
	memset(text, '(', len);
	reading = read_texts(text, len, &options, NULL);
	assert_non_null(strstr(reading->problems, "main:1:1: error: the parenthesis"));
	free(text);
}
