/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/address.h"

static void expect_address(const char *text, const char *expected)
{
	struct address address;
	struct error error;
	char out[ADDRESS_TEXT_MAX];
	if (!address_from_text(text, 53, &address, &error)) {
		fail_msg("%s", error.text);
	}
	assert_string_equal(address_to_text(&address, out), expected);
}

TEST(address_takes_a_port_after_at_and_a_default)
{
	expect_address("192.0.2.1", "192.0.2.1@53");
	expect_address("192.0.2.1@5300", "192.0.2.1@5300");
	expect_address("::1", "::1@53");
	expect_address("2001:db8::1@1", "2001:db8::1@1");
}

TEST(mapped_address_is_ipv4)
{
	expect_address("::ffff:192.0.2.1", "192.0.2.1@53");
}

TEST(wrong_addresses_are_refused)
{
	static const char *const wrong[] = {"",           "1.2.3",     "1.2.3.4@", "1.2.3.4@0", "1.2.3.4@65536",
	                                    "1.2.3.4@5x", "host.name", "::1%@5",   "@53",       "1.2.3.4.5"};
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		struct address address;
		struct error error;
		if (address_from_text(wrong[i], 53, &address, &error)) {
			fail_msg("'%s' was accepted", wrong[i]);
		}
		assert_int_equal(error.code, ERROR_SYNTAX);
	}
}

TEST(prefix_contains_exactly_its_addresses)
{
	static const struct {
		const char *prefix, *address;
		bool inside;
	} rows[] = {
	        {"192.0.2.0/24", "192.0.2.255", true},
	        {"192.0.2.0/24", "192.0.3.0", false},
	        {"192.0.2.1", "192.0.2.1", true},
	        {"192.0.2.1", "192.0.2.2", false},
	        {"0.0.0.0/0", "203.0.113.9", true},
	        {"0.0.0.0/0", "::1", false},
	        {"192.0.2.128/25", "192.0.2.127", false},
	        {"192.0.2.128/25", "192.0.2.200", true},
	        {"2001:db8::/33", "2001:db8:7fff::1", true},
	        {"2001:db8::/33", "2001:db8:8000::1", false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct prefix prefix;
		struct address address;
		assert_true(prefix_from_text(rows[i].prefix, &prefix, NULL));
		assert_true(address_from_text(rows[i].address, 0, &address, NULL));
		if (prefix_contains(&prefix, &address) != rows[i].inside) {
			fail_msg("%s in %s", rows[i].address, rows[i].prefix);
		}
	}
}

TEST(prefix_with_host_bits_says_what_was_meant)
{
	struct prefix prefix;
	struct error error;
	assert_false(prefix_from_text("192.0.2.77/24", &prefix, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	assert_non_null(strstr(error.text, "192.0.2.0/24"));
}
