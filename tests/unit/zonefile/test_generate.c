/* SPDX-License-Identifier: MIT */
/* $GENERATE as BIND has it. */
#include "unit.h"

#include <stdio.h>

#include "reading.h"

TEST(generate_makes_a_record_for_each_number)
{
	expect_records(
	        "$GENERATE 1-3 host$ 300 IN A 192.0.2.$\n",
	        "host1.example. 300 A 192.0.2.1\nhost2.example. 300 A 192.0.2.2\nhost3.example. 300 A 192.0.2.3\n");
	expect_records("$TTL 60\n$generate 5-5 $ CNAME h$.test.\n", "5.example. 60 CNAME h5.test.\n");
}

TEST(generate_steps)
{
	expect_records(
	        "$GENERATE 0-10/5 $ 300 PTR h$\n",
	        "0.example. 300 PTR h0.example.\n5.example. 300 PTR h5.example.\n10.example. 300 PTR h10.example.\n");
	expect_records("$GENERATE 0-4/3 $ 300 PTR h\n",
	               "0.example. 300 PTR h.example.\n3.example. 300 PTR h.example.\n");
}

TEST(generate_has_offset_width_and_base)
{
	expect_records("$GENERATE 1-1 a${4}b 300 NS c\n", "a5b.example. 300 NS c.example.\n");
	expect_records("$GENERATE 5-5 a${-4}b 300 NS c\n", "a1b.example. 300 NS c.example.\n");
	expect_records("$GENERATE 1-1 a${+4}b 300 NS c\n", "a5b.example. 300 NS c.example.\n");
	expect_records("$GENERATE 7-7 ${0,3} 300 NS c\n", "007.example. 300 NS c.example.\n");
	expect_records("$GENERATE 254-254 ${0,4,d}${0,4,o}${0,4,x}${0,4,X} 300 NS c\n",
	               "0254037600fe00FE.example. 300 NS c.example.\n");
}

TEST(generate_writes_nibbles_in_reverse)
{
	expect_records("$GENERATE 18-18 ${0,0,n} 300 NS c\n", "2.1.example. 300 NS c.example.\n");
	expect_records("$GENERATE 26-26 ${0,7,n} 300 NS c\n", "a.1.0.0.example. 300 NS c.example.\n");
	expect_records("$GENERATE 26-26 ${0,7,N} 300 NS c\n", "A.1.0.0.example. 300 NS c.example.\n");
}

TEST(generate_has_two_ways_to_a_dollar_sign)
{
	expect_records("$GENERATE 1-1 a$$b\\$c$ 300 NS c\n", "a\\$b\\$c1.example. 300 NS c.example.\n");
}

TEST(generate_takes_rdata_of_several_words_with_and_without_quotes)
{
	expect_records("$GENERATE 1-1 $ 300 MX $ mail$\n", "1.example. 300 MX 1 mail1.example.\n");
	expect_records("$GENERATE 1-1 $ 300 MX \"$ mail$\"\n", "1.example. 300 MX 1 mail1.example.\n");
	expect_records("$GENERATE 1-1 $ 300 TXT \"a $\" \"b $\"\n", "1.example. 300 TXT \"a 1\" \"b 1\"\n");
	expect_records("$GENERATE 1-1 $ 300 ( MX $\n mail$ )\n", "1.example. 300 MX 1 mail1.example.\n");
}

TEST(generate_leaves_the_owner_before_it_in_place)
{
	expect_records("a 300 A 192.0.2.1\n$GENERATE 1-1 b A 192.0.2.2\n A 192.0.2.3\n",
	               "a.example. 300 A 192.0.2.1\nb.example. 300 A 192.0.2.2\na.example. 300 A 192.0.2.3\n");
}

TEST(garbage_ranges_are_errors)
{
	static const char *const ranges[] = {"x",
	                                     "1",
	                                     "1-",
	                                     "-1",
	                                     "1-x",
	                                     "2-1",
	                                     "1-2/0",
	                                     "1-2/",
	                                     "1-2/x",
	                                     "1-2x",
	                                     "1--2",
	                                     "1-2147483648",
	                                     "2147483648-2147483649",
	                                     "1-99999999999999999999",
	                                     "\"\""};
	for (size_t i = 0; i < ARRAY_LENGTH(ranges); i++) {
		char line[128];
		snprintf(line, sizeof line, "$GENERATE %s a$ 300 A 192.0.2.1\n", ranges[i]);
		expect_error(line, "main:1:11:", "a range is START-STOP");
	}
}

TEST(missing_brace_and_garbage_in_it_are_errors)
{
	expect_error("$GENERATE 1-2 a${1 300 NS c\n", "main:1:15:", "without a '}'");
	expect_error("$GENERATE 1-2 a${1,2,dx} 300 NS c\n", "main:1:15:", "without a '}'");
	expect_error("$GENERATE 1-2 a${} 300 NS c\n", "main:1:15:", "an offset");
	expect_error("$GENERATE 1-2 a${x} 300 NS c\n", "main:1:15:", "an offset");
	expect_error("$GENERATE 1-2 a${1,x} 300 NS c\n", "main:1:15:", "width");
	expect_error("$GENERATE 1-2 a${1,256} 300 NS c\n", "main:1:15:", "width");
	expect_error("$GENERATE 1-2 a${1,2,q} 300 NS c\n", "main:1:15:", "base");
	expect_error("$GENERATE 1-2 a$ 300 NS c${\n", "main:1:25:", "an offset");
}

TEST(meta_types_cannot_be_generated)
{
	expect_error("$GENERATE 1-2 a$ 300 ANY x\n", "main:1:22:", "cannot be in a zone");
	expect_error("$GENERATE 1-2 a$ 300 OPT \\# 0\n", "main:1:22:", "cannot be in a zone");
}

TEST(overflow_of_the_number_is_an_error)
{
	expect_error("$GENERATE 2147483647-2147483647 a${1} 300 NS c\n", "main:1:33:", "leaves the range");
	expect_error("$GENERATE 0-1 a${-1} 300 NS c\n", "main:1:15:", "leaves the range");
	expect_error("$GENERATE 0-1 a${2147483648} 300 NS c\n", "main:1:15:", "an offset");
	expect_records("$GENERATE 2147483645-2147483647/2 a$ 300 NS c\n",
	               "a2147483645.example. 300 NS c.example.\na2147483647.example. 300 NS c.example.\n");
}

TEST(a_range_is_limited)
{
	struct zonefile_options options = example_options();
	const char *text = "$TTL 300\n$GENERATE 1-3 a$ A 192.0.2.1\n";
	options.generate_max = 3;
	assert_true(read_texts(text, strlen(text), &options, NULL)->done);
	options.generate_max = 2;
	const struct reading *reading = read_texts(text, strlen(text), &options, NULL);
	assert_non_null(strstr(reading->problems, "main:2:11: error: the range makes more than 2 records"));
	expect_error("$GENERATE 0-2147483647 a$ 300 A 192.0.2.1\n", "main:1:11:", "more than 16777216 records");
}

TEST(first_bad_record_ends_a_generate)
{
	const struct reading *reading = read_zone("$GENERATE 254-400 a$ 300 A 192.0.2.$\nb A 192.0.2.1\n");
	assert_int_equal(reading->result.error_count, 1);
	assert_non_null(strstr(reading->problems, "main:1:28: error: A: "));
	assert_string_equal(
	        reading->records,
	        "a254.example. 300 A 192.0.2.254\na255.example. 300 A 192.0.2.255\nb.example. 300 A 192.0.2.1\n");
}

TEST(generate_needs_all_its_parts)
{
	expect_error("$GENERATE\n", "main:1:1:", "its form is");
	expect_error("$GENERATE 1-2\n", "main:1:11:", "its form is");
	expect_error("$GENERATE 1-2 a\n", "main:1:15:", "its form is");
	expect_error("$GENERATE 1-2 a A\n", "main:1:17:", "its form is");
	expect_error("$GENERATE 1-2 a 300 A\n", "main:1:21:", "its form is");
	expect_error("$GENERATE 1-2 a 300 A \"\"\n", "main:1:23:", "must hold the RDATA");
	expect_error("$GENERATE 1-2 a 300 A \"192.0.2.1\nb A 192.0.2.1\"\n", "main:1:23:", "must hold the RDATA");
	expect_error("$GENERATE 1-2 a$..b 300 A 192.0.2.1\n", "main:1:15:", "empty label");
}
