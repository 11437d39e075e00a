/* SPDX-License-Identifier: MIT */
/* TTLs: their form, and what a record gets that states none (RFC 1035 5.1, RFC 2308 4). */
#include "unit.h"

#include "reading.h"

static uint32_t ttl_of(const char *text)
{
	uint32_t ttl;
	const char *why;
	assert_true(zonefile_ttl_from_text(text, strlen(text), &ttl, &why));
	return ttl;
}

static bool is_ttl(const char *text)
{
	uint32_t ttl;
	return zonefile_ttl_from_text(text, strlen(text), &ttl, NULL);
}

TEST(ttl_is_seconds_or_numbers_with_units)
{
	assert_int_equal(ttl_of("0"), 0);
	assert_int_equal(ttl_of("3600"), 3600);
	assert_int_equal(ttl_of("1w1d1h1m1s"), 604800 + 86400 + 3600 + 60 + 1);
	assert_int_equal(ttl_of("1W2D"), 604800 + 2 * 86400);
	assert_int_equal(ttl_of("1h1h"), 7200);
	assert_int_equal(ttl_of("2147483647"), 2147483647);
}

TEST(other_units_and_mixtures_are_no_ttl)
{
	assert_false(is_ttl(""));
	assert_false(is_ttl("1x"));
	assert_false(is_ttl("h"));
	assert_false(is_ttl("1h30"));
	assert_false(is_ttl("-1"));
	assert_false(is_ttl("+1"));
	assert_false(is_ttl("1.5h"));
	assert_false(is_ttl("1h "));
}

TEST(ttl_above_31_bits_is_an_error_with_line_and_column)
{
	assert_false(is_ttl("2147483648"));
	assert_false(is_ttl("4294967296"));
	assert_false(is_ttl("99999999999999999999999"));
	assert_false(is_ttl("3551w"));
	expect_error("a 2147483648 A 192.0.2.1\n", "main:1:3:", "greater than 2147483647");
	expect_error("$TTL 2147483648\n", "main:1:6:", "greater than 2147483647");
}

TEST(units_work_in_records_and_in_the_directive)
{
	expect_records("$TTL 1h\na A 192.0.2.1\nb 1d IN A 192.0.2.1\nc IN 2m A 192.0.2.1\n",
	               "a.example. 3600 A 192.0.2.1\nb.example. 86400 A 192.0.2.1\nc.example. 120 A 192.0.2.1\n");
	expect_error("a 1x A 192.0.2.1\n", "main:1:3:", "is no TTL");
}

TEST(dollar_ttl_rules_what_follows_it_whatever_records_state)
{
	expect_records("$TTL 100\n"
	               "a A 192.0.2.1\n"
	               "b 200 A 192.0.2.1\n"
	               "c A 192.0.2.1\n"
	               "$TTL 300\n"
	               "d A 192.0.2.1\n",
	               "a.example. 100 A 192.0.2.1\n"
	               "b.example. 200 A 192.0.2.1\n"
	               "c.example. 100 A 192.0.2.1\n"
	               "d.example. 300 A 192.0.2.1\n");
}

/* The old layout: no $TTL, and the SOA states no TTL. Its minimum is the zone's TTL (RFC 1035 3.3.13). */
TEST(without_dollar_ttl_the_minimum_of_a_soa_without_ttl_is_the_default)
{
	expect_records("@ SOA a b 1 2 3 4 5\n"
	               "a A 192.0.2.1\n"
	               "b 7 A 192.0.2.1\n"
	               "c A 192.0.2.1\n",
	               "example. 5 SOA a.example. b.example. 1 2 3 4 5\n"
	               "a.example. 5 A 192.0.2.1\n"
	               "b.example. 7 A 192.0.2.1\n"
	               "c.example. 5 A 192.0.2.1\n");
}

/* The layout of RFC 1035 5.1: no $TTL, the SOA states its TTL. The last stated one holds. */
TEST(without_dollar_ttl_the_last_stated_ttl_holds)
{
	expect_records("@ 1 SOA a b 1 2 3 4 5\n"
	               "a A 192.0.2.1\n"
	               "b 7 A 192.0.2.1\n"
	               "c A 192.0.2.1\n",
	               "example. 1 SOA a.example. b.example. 1 2 3 4 5\n"
	               "a.example. 1 A 192.0.2.1\n"
	               "b.example. 7 A 192.0.2.1\n"
	               "c.example. 7 A 192.0.2.1\n");
}

TEST(record_without_any_ttl_to_inherit_is_an_error)
{
	expect_error("a A 192.0.2.1\n", "main:1:1:", "no TTL");
	expect_error("\n\na TXT (\n\"x\"\n)\n", "main:3:1:", "no TTL");
}

TEST(dollar_ttl_takes_one_value)
{
	expect_error("$TTL\n", "main:1:1:", "$TTL SECONDS");
	expect_error("$TTL ; 300\n", "main:1:1:", "$TTL SECONDS");
	expect_error("$TTL 300 400\n", "main:1:10:", "one word too many");
	expect_error("$TTL x\n", "main:1:6:", "is no TTL");
}

TEST(second_ttl_is_an_error)
{
	expect_error("a 300 IN 400 A 192.0.2.1\n", "main:1:10:", "second TTL");
}
