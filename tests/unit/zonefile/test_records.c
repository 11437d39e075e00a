/* SPDX-License-Identifier: MIT */
/* Owners, classes, blanks, comments, parentheses, escapes: the form of records (RFC 1035 5.1). */
#include "unit.h"

#include <stdio.h>

#include "reading.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

TEST(records_come_in_the_order_of_the_file)
{
	expect_records("b.example. 300 IN A 192.0.2.1\n"
	               "a.example. 600 IN A 192.0.2.2\n",
	               "b.example. 300 A 192.0.2.1\n"
	               "a.example. 600 A 192.0.2.2\n");
}

TEST(ttl_and_class_come_in_either_order_or_not_at_all)
{
	expect_records("a 300 IN A 192.0.2.1\n"
	               "a IN 300 A 192.0.2.2\n"
	               "a 300 A 192.0.2.3\n"
	               "a IN A 192.0.2.4\n"
	               "a A 192.0.2.5\n",
	               "a.example. 300 A 192.0.2.1\n"
	               "a.example. 300 A 192.0.2.2\n"
	               "a.example. 300 A 192.0.2.3\n"
	               "a.example. 300 A 192.0.2.4\n"
	               "a.example. 300 A 192.0.2.5\n");
}

TEST(class_and_type_mnemonics_ignore_case_and_have_generic_forms)
{
	expect_records("a 300 in a 192.0.2.1\n"
	               "a 300 CLASS1 TYPE1 192.0.2.2\n"
	               "a 300 class1 type1 \\# 4 c0000203\n",
	               "a.example. 300 A 192.0.2.1\n"
	               "a.example. 300 A 192.0.2.2\n"
	               "a.example. 300 A 192.0.2.3\n");
}

TEST(blank_owner_inherits_the_owner_before)
{
	expect_records("a 300 A 192.0.2.1\n"
	               "  300 A 192.0.2.2\n"
	               "\tA 192.0.2.3\n"
	               "b A 192.0.2.4\n"
	               " A 192.0.2.5\n",
	               "a.example. 300 A 192.0.2.1\n"
	               "a.example. 300 A 192.0.2.2\n"
	               "a.example. 300 A 192.0.2.3\n"
	               "b.example. 300 A 192.0.2.4\n"
	               "b.example. 300 A 192.0.2.5\n");
}

TEST(first_record_with_a_blank_owner_is_an_error)
{
	expect_error("  300 A 192.0.2.1\n", "main:1:3:", "begins with a blank");
	expect_error("; only a comment before\n\n\t300 A 192.0.2.1\n", "main:3:2:", "begins with a blank");
}

TEST(at_is_the_origin_as_owner_and_in_rdata)
{
	expect_records("@ 300 NS @\n", "example. 300 NS example.\n");
	expect_records("\\@ 300 NS a\n", "\\@.example. 300 NS a.example.\n");
}

TEST(relative_names_get_the_origin_and_absolute_ones_do_not)
{
	expect_records("www 300 CNAME web\n", "www.example. 300 CNAME web.example.\n");
	expect_records("www 300 CNAME web.test.\n", "www.example. 300 CNAME web.test.\n");
}

TEST(case_of_owners_is_kept)
{
	expect_records("WwW.Example. 300 A 192.0.2.1\nwWw A 192.0.2.1\n",
	               "WwW.Example. 300 A 192.0.2.1\nwWw.example. 300 A 192.0.2.1\n");
}

TEST(name_of_255_octets_is_read_and_256_is_not)
{
	char line[600];
	/* 3 * 64 + 1 + 53 + 9 for "example." are 255. */
	const char *fill = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0";
	snprintf(line, sizeof line, LABEL_63 "." LABEL_63 "." LABEL_63 ".%s 300 A 192.0.2.1\n", fill);
	assert_true(read_zone(line)->done);
	snprintf(line, sizeof line, LABEL_63 "." LABEL_63 "." LABEL_63 ".%sx.example. 300 A 192.0.2.1\n", fill);
	expect_error(line, "main:1:1:", "longer than 255 octets");
}

TEST(relative_owner_that_the_origin_makes_too_long_is_an_error)
{
	expect_error(LABEL_63 "." LABEL_63 "." LABEL_63
	                      ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01 300 A 192.0.2.1\n",
	             "main:1:1:", "longer than 255 octets");
}

TEST(label_of_63_octets_is_read_and_64_is_not)
{
	assert_true(read_zone(LABEL_63 " 300 A 192.0.2.1\n")->done);
	expect_error(LABEL_63 "x 300 A 192.0.2.1\n", "main:1:1:", "label longer than 63");
	expect_error("a 300 NS " LABEL_63 "x\n", "main:1:10:", "63");
}

TEST(empty_labels_are_errors)
{
	expect_error("a..b 300 A 192.0.2.1\n", "main:1:1:", "empty label");
	expect_error("foo.. 300 A 192.0.2.1\n", "main:1:1:", "empty label");
	expect_error(".. 300 A 192.0.2.1\n", "main:1:1:", "empty label");
	expect_error(".foo 300 A 192.0.2.1\n", "main:1:1:", "empty label");
}

TEST(escapes_cut_short_or_above_255_are_errors)
{
	expect_error("\\1 300 A 192.0.2.1\n", "main:1:1:", "bad escape");
	expect_error("\\12 300 A 192.0.2.1\n", "main:1:1:", "bad escape");
	expect_error("\\256 300 A 192.0.2.1\n", "main:1:1:", "bad escape");
}

TEST(escapes_make_any_octet_part_of_a_label)
{
	expect_records("\\000 300 A 192.0.2.1\n", "\\000.example. 300 A 192.0.2.1\n");
	expect_records("a\\ b 300 A 192.0.2.1\n", "a\\032b.example. 300 A 192.0.2.1\n");
	expect_records("a\\.b 300 A 192.0.2.1\n", "a\\.b.example. 300 A 192.0.2.1\n");
	expect_records("a\\;b 300 A 192.0.2.1\n", "a\\;b.example. 300 A 192.0.2.1\n");
	expect_records("\\$a 300 A 192.0.2.1\n", "\\$a.example. 300 A 192.0.2.1\n");
	expect_records("a\\(b\\)\\\" 300 A 192.0.2.1\n", "a\\(b\\)\\\".example. 300 A 192.0.2.1\n");
}

TEST(escaped_asterisk_is_a_real_asterisk)
{
	expect_records("\\042 300 A 192.0.2.1\n", "*.example. 300 A 192.0.2.1\n");
}

TEST(escaped_newline_is_part_of_the_word)
{
	expect_records("a\\\nb 300 A 192.0.2.1\n", "a\\010b.example. 300 A 192.0.2.1\n");
	expect_error("a\\\nb 300 A 192.0.2.1\nc 300 A 192.0.2\n", "main:3:9:", "");
}

TEST(lone_backslash_at_the_end_is_an_error)
{
	expect_error("a 300 TXT \\", "main:1:11:", "backslash");
	expect_error("\\", "main:1:1:", "backslash");
	expect_error("a 300 TXT \"\\", "main:1:11:", "never closed");
}

TEST(comments_end_with_the_line_and_blank_lines_are_nothing)
{
	expect_records("; a comment\n"
	               "\n"
	               "   \t \n"
	               "  ; another\n"
	               "a 300 A 192.0.2.1;comment\n"
	               " A 192.0.2.2 ; comment ( \"\n",
	               "a.example. 300 A 192.0.2.1\n"
	               "a.example. 300 A 192.0.2.2\n");
}

TEST(empty_file_has_no_records)
{
	expect_records("", "");
	expect_records("; comment without a newline", "");
	expect_records("\n\n", "");
	expect_records("   ", "");
	expect_records("()", "");
}

TEST(last_line_needs_no_newline)
{
	expect_records("a 300 A 192.0.2.1", "a.example. 300 A 192.0.2.1\n");
	expect_records("a 300 TXT \"x\"", "a.example. 300 TXT \"x\"\n");
}

TEST(lines_may_end_as_on_windows)
{
	expect_records("a 300 A 192.0.2.1\r\n A 192.0.2.2 ; comment\r\n\r\nb NS c\r\n",
	               "a.example. 300 A 192.0.2.1\n"
	               "a.example. 300 A 192.0.2.2\n"
	               "b.example. 300 NS c.example.\n");
}

TEST(byte_order_mark_is_passed_over)
{
	expect_records("\xEF\xBB\xBF@ 300 NS a\n", "example. 300 NS a.example.\n");
}

TEST(parentheses_hold_lines_together)
{
	expect_records("@ 300 SOA a b ( 1 ; serial\n"
	               "  2 3\n"
	               "4 5\n"
	               ")\n"
	               "a ( 300\n"
	               "A ) 192.0.2.1\n"
	               "b 300 (TXT (x\n) \"y\"(\n))\n",
	               "example. 300 SOA a.example. b.example. 1 2 3 4 5\n"
	               "a.example. 300 A 192.0.2.1\n"
	               "b.example. 300 TXT \"x\" \"y\"\n");
}

TEST(quote_ends_a_word_and_begins_one)
{
	expect_records("a 300 TXT x\"y z\"w \"\"\n", "a.example. 300 TXT \"x\" \"y z\" \"w\" \"\"\n");
}

TEST(quotes_protect_semicolons_parentheses_and_newlines)
{
	expect_records("a 300 TXT \"a;b\" \"(\" \"x\ny\"\n", "a.example. 300 TXT \"a;b\" \"(\" \"x\\010y\"\n");
}

TEST(owner_and_type_stand_without_quotes)
{
	expect_error("\"a\" 300 A 192.0.2.1\n", "main:1:1:", "without quotes");
	expect_error("a 300 \"A\" 192.0.2.1\n", "main:1:7:", "without quotes");
}

TEST(nul_octets_in_the_file_are_octets_like_others)
{
	static const char text[] = "a 300 TXT \"x\0y\"\nb\0 300 TXT z\n";
	struct zonefile_options options = example_options();
	const struct reading *reading = read_texts(text, sizeof text - 1, &options, NULL);
	assert_string_equal(reading->records, "a.example. 300 TXT \"x\\000y\"\nb\\000.example. 300 TXT \"z\"\n");
}

TEST(records_outside_of_the_zone_are_dropped_with_a_warning)
{
	const struct reading *reading = read_zone("a.test. 300 A 192.0.2.1\n"
	                                          " A 192.0.2.2\n"
	                                          "notexample. A 192.0.2.3\n"
	                                          "b A 192.0.2.4\n");
	assert_true(reading->done);
	assert_string_equal(reading->records, "b.example. 300 A 192.0.2.4\n");
	assert_int_equal(reading->result.dropped_count, 3);
	assert_int_equal(reading->result.warning_count, 3);
	assert_non_null(strstr(reading->problems, "main:3:1: warning: 'notexample.' is outside of the zone"));
}

TEST(apex_is_found_whatever_its_case)
{
	expect_records("EXAMPLE. 300 NS a\nb.eXaMple. NS a\n",
	               "EXAMPLE. 300 NS a.example.\nb.eXaMple. 300 NS a.example.\n");
}
