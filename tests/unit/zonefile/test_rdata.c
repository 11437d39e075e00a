/* SPDX-License-Identifier: MIT */
/* RDATA as a zone file gives it: what must be refused although it looks like RDATA, and what must not. */
#include "unit.h"

#include <stdio.h>

#include "reading.h"

static void repeat(char *out, char c, size_t count)
{
	memset(out, c, count);
	out[count] = '\0';
}

TEST(character_string_of_255_octets_is_read_and_256_is_not)
{
	char octets[300];
	char rdata[400];
	for (size_t len = 255; len <= 256; len++) {
		repeat(octets, 'x', len);
		snprintf(rdata, sizeof rdata, "TXT %s", octets);
		assert_true(is_read(rdata) == (len == 255));
		snprintf(rdata, sizeof rdata, "TXT \"%s\"", octets);
		assert_true(is_read(rdata) == (len == 255));
	}
}

TEST(empty_string_is_one_string_of_no_octets)
{
	expect_records("a 300 TYPE16 \\# 1 00\nb 300 TXT \"\"\n", "a.example. 300 TXT \"\"\nb.example. 300 TXT \"\"\n");
}

TEST(nul_octets_in_strings_survive)
{
	expect_records("a 300 TXT \"x\\000y\" \\000\n", "a.example. 300 TXT \"x\\000y\" \"\\000\"\n");
}

TEST(strings_of_more_than_65535_octets_are_refused)
{
	static char text[300 * 260];
	struct zonefile_options options = example_options();
	size_t used = (size_t)snprintf(text, sizeof text, "a 300 TXT");
	for (int i = 0; i < 257; i++) {
		text[used++] = ' ';
		repeat(text + used, 'x', 255);
		used += 255;
		/* 256 strings are 65536 octets. */
		bool fits = i < 255;
		if (i >= 254) {
			assert_true(read_texts(text, used, &options, NULL)->error.code ==
			            (fits ? ERROR_NONE : ERROR_SYNTAX));
		}
	}
}

TEST(generic_form_is_checked_as_its_type)
{
	assert_true(is_read("TYPE65535 \\# 0"));
	assert_true(is_read("TYPE65535 \\# 3 0102 03"));
	assert_true(is_read("TYPE65535 \\# 3 ( 01 02\n 03 )"));
	assert_false(is_read("TYPE65536 \\# 0"));
	assert_false(is_read("TYPE65535 \\# 2 01"));
	assert_false(is_read("TYPE65535 \\# 1 0102"));
	assert_false(is_read("TYPE65535 \\# 1"));
	assert_false(is_read("TYPE65535 \\#"));
	assert_false(is_read("TYPE65535 \\# x"));
	assert_false(is_read("TYPE65535 \\# 65536 00"));
	assert_false(is_read("TYPE65535 0102"));
	assert_true(is_read("A \\# 4 c0000201"));
	assert_false(is_read("A \\# 2 c000"));
	assert_false(is_read("TYPE1 \\# 2 c000"));
	assert_false(is_read("NS \\# 2 0161"));
	assert_true(is_read("NS \\# 3 016100"));
}

TEST(quoted_generic_mark_is_plain_text)
{
	expect_records("a 300 TXT \"\\\\#\" 4 x\n", "a.example. 300 TXT \"\\\\#\" \"4\" \"x\"\n");
	expect_records("a 300 TXT \"\\#\" 4 x\n", "a.example. 300 TXT \"#\" \"4\" \"x\"\n");
}

TEST(rdata_cut_short_in_generic_form_is_refused)
{
	assert_false(is_read("CDS \\# 2 0001"));
	assert_false(is_read("NSEC3 \\# 5 0100000100"));
	assert_false(is_read("NSEC3 \\# 6 010000010002"));
	assert_false(is_read("NSEC3PARAM \\# 4 01000001"));
	assert_false(is_read("NSEC3PARAM \\# 5 0100000104"));
	assert_false(is_read("RRSIG \\# 18 000108020000012c000000000000000000010161"));
}

TEST(digests_have_the_length_of_a_known_algorithm)
{
	char hex[200];
	char rdata[300];
	static const struct {
		int algorithm;
		size_t len;
	} known[] = {{1, 20}, {2, 32}, {4, 48}};
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
		for (size_t len = known[i].len - 1; len <= known[i].len + 1; len++) {
			repeat(hex, 'a', 2 * len);
			snprintf(rdata, sizeof rdata, "DS 1 8 %d %s", known[i].algorithm, hex);
			assert_true(is_read(rdata) == (len == known[i].len));
			snprintf(rdata, sizeof rdata, "TYPE43 \\# %zu 000108%02x%s", 4 + len, known[i].algorithm, hex);
			assert_true(is_read(rdata) == (len == known[i].len));
		}
	}
	assert_true(is_read("DS 1 8 200 aa"));
	assert_true(is_read("CDS 0 0 0 00"));
}

TEST(zonemd_digests_have_the_length_of_their_algorithm)
{
	char hex[200];
	char rdata[300];
	for (size_t len = 47; len <= 49; len++) {
		repeat(hex, 'a', 2 * len);
		snprintf(rdata, sizeof rdata, "ZONEMD 1 1 1 %s", hex);
		assert_true(is_read(rdata) == (len == 48));
	}
	repeat(hex, 'a', 128);
	snprintf(rdata, sizeof rdata, "ZONEMD 1 1 2 %s", hex);
	assert_true(is_read(rdata));
	repeat(hex, 'a', 94);
	snprintf(rdata, sizeof rdata, "TYPE63 \\# 53 000000010101%s", hex);
	assert_false(is_read(rdata));
	assert_false(is_read("ZONEMD 1 1 240 aabb")); /* RFC 8976 2.2.4: at least 12 octets */
	assert_true(is_read("ZONEMD 1 1 240 aabbccddeeff00112233445566"));
}

TEST(service_parameters_follow_rfc_9460)
{
	assert_true(is_read("SVCB 0 foo.example.com."));
	assert_true(is_read("SVCB 1 ."));
	assert_true(is_read("SVCB 16 foo.example.com. port=53"));
	assert_true(is_read("SVCB 1 foo.example.com. key667=hello"));
	assert_true(is_read("SVCB 1 foo.example.com. key667=\"hello\\210qoo\""));
	assert_true(is_read("SVCB 1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\""));
	assert_true(is_read("SVCB 16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn\n ipv4hint=192.0.2.1)"));
	assert_true(is_read("SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\""));
	assert_true(is_read("SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2"));
	assert_true(is_read("HTTPS 1 . alpn=\"h2,h3\" port=8443"));
	assert_false(is_read("SVCB 1 foo.example.com. key123=abc key123=def"));
	assert_false(is_read("SVCB 1 foo.example.com. mandatory"));
	assert_false(is_read("SVCB 1 foo.example.com. alpn"));
	assert_false(is_read("SVCB 1 foo.example.com. port"));
	assert_false(is_read("SVCB 1 foo.example.com. ipv4hint"));
	assert_false(is_read("SVCB 1 foo.example.com. ipv6hint"));
	assert_false(is_read("SVCB 1 foo.example.com. no-default-alpn=abc"));
	assert_false(is_read("SVCB 1 foo.example.com. mandatory=key123"));
	assert_false(is_read("SVCB 1 foo.example.com. mandatory=mandatory"));
	assert_false(is_read("SVCB 1 foo.example.com. mandatory=key123,key123 key123=abc"));
	assert_false(is_read("SVCB 65536 foo.example.com."));
	assert_false(is_read("SVCB 1 foo.example.com. port=65536"));
	assert_false(is_read("SVCB 1 foo.example.com. key65536=x"));
	assert_false(is_read("SVCB 1 foo.example.com. alpn=a,,b"));
}

TEST(quoted_service_parameter_belongs_to_the_key_before_it)
{
	expect_records("a 300 HTTPS 1 . alpn=\"h2,h3\"\n", "a.example. 300 HTTPS 1 . alpn=\"h2,h3\"\n");
	assert_false(is_read("HTTPS 1 . alpn= \"h2\""));
}

TEST(words_too_many_are_refused)
{
	assert_false(is_read("A 192.0.2.1 192.0.2.2"));
	assert_false(is_read("NS a b"));
	assert_false(is_read("MX 10 a b"));
	assert_false(is_read("CNAME a \"\""));
}
