/* SPDX-License-Identifier: MIT */
/* The short way and the plain way say the same about lines put together at random (reading.c compares them). */
#include "unit.h"

#include <stdio.h>

#include "base/random.h"
#include "reading.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static const char *const owners[] = {"a",
                                     "b",
                                     "a.example.",
                                     "@",
                                     "*",
                                     "B",
                                     "",
                                     " ",
                                     "\t",
                                     "example.",
                                     ".",
                                     "a.test.",
                                     "a..b",
                                     "\\097",
                                     "\"a\"",
                                     "a;",
                                     "$ORIGIN sub.example.",
                                     "$ORIGIN example.",
                                     "$TTL 77",
                                     "(",
                                     "a\\",
                                     LABEL_63,
                                     LABEL_63 "x",
                                     LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63,
                                     LABEL_63 "." LABEL_63 "." LABEL_63 ".abcdefghij",
                                     "a.",
                                     "\r",
                                     "\xEF"};
static const char *const heads[] = {
        "300 IN A",    "IN 300 A",  "A",       "in a",         "NS",           "300 NS",
        "CNAME",       "IN MX",     "TXT",     "TYPE1",        "TYPE65535",    "CH A",
        "1h A",        "300 300 A", "IN IN A", "1234567890 A", "0000000300 A", "2147483648 NS",
        "300x A",      "SOA",       "5 SOA",   "AAAA",         "DS",           "NSEC3PARAM",
        "NSEC3PARAMS", "ANY",       "AXFR",    "\"A\"",        "(A",           "300\tIN\t\tA",
        "IN",          "300",       "",        "a\xFF",        "CLASS1 PTR"};
static const char *const rdatas[] = {"192.0.2.1",
                                     "192.0.2.256",
                                     "192.0.2.01",
                                     "1.2.3",
                                     "1.2.3.4.5",
                                     "1.2.3.4x",
                                     "0.0.0.0",
                                     "a",
                                     "@",
                                     ".",
                                     "a.b.",
                                     "..",
                                     "a b",
                                     "10 mail",
                                     "\"x y\"",
                                     "x y z",
                                     "\\# 4 c0000201",
                                     "\\# 1 61",
                                     "2001:db8::1",
                                     "a b 1 2 3 4 5",
                                     "a b ( 1 2 3 4 5 )",
                                     "1 0 0 -",
                                     "1 8 2 aa",
                                     "12345 8 1 6D92DD0D0DB0E392FA9D5F08EA15BBD297B8CBE2",
                                     "a\\046b",
                                     LABEL_63 ".x",
                                     LABEL_63 "y",
                                     ""};
static const char *const ends[] = {"\n",     "\n", "\n",  "\n",   " \n",  "; comment\n", " ; c \"(\n", "\r\n",
                                   "\t\r\n", "",   ")\n", "\"\n", "\\\n", "\n\n",        "\n;\n"};

#define PICK(random, list) (list)[random_below(&(random)->source, ARRAY_LENGTH(list))]

TEST(random_lines_are_read_the_same_both_ways)
{
	struct random_seeded random;
	struct zonefile_options options = example_options();
	random_seeded_init(&random, unit_seed());
	for (int run = 0; run < 20000; run++) {
		char text[8192];
		size_t used = 0;
		size_t lines = 1 + random_below(&random.source, 6);
		for (size_t i = 0; i < lines; i++) {
			int len = snprintf(text + used, sizeof text - used, "%s %s %s%s", PICK(&random, owners),
			                   PICK(&random, heads), PICK(&random, rdatas), PICK(&random, ends));
			used += (size_t)len;
		}
		assert_true(used < sizeof text);
		read_texts(text, used, &options, NULL);
	}
}
