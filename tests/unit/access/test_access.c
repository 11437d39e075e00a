/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "access/access.h"
#include "access/tsig.h"
#include "dns/name.h"

static struct prefix prefix_of(const char *text)
{
	struct error error;
	struct prefix prefix;
	assert_true(prefix_from_text(text, &prefix, &error));
	return prefix;
}

static enum access_verdict check(const struct access_rules *rules, const char *address_text)
{
	struct error error;
	struct address address;
	assert_true(address_from_text(address_text, 53, &address, &error));
	return access_check(rules, &(struct access_who){.address = &address});
}

TEST(empty_list_allows_nobody)
{
	struct access_rules none = {0};
	assert_int_equal(check(&none, "127.0.0.1"), ACCESS_DENIED);
}

TEST(rule_without_prefixes_allows_any_address)
{
	struct access_rule any = {0};
	struct access_rules rules = {.rules = &any, .rule_count = 1};
	assert_int_equal(check(&rules, "192.0.2.1"), ACCESS_ALLOWED);
	assert_int_equal(check(&rules, "2001:db8::1"), ACCESS_ALLOWED);
}

TEST(one_rule_that_holds_is_enough)
{
	struct prefix first = prefix_of("192.0.2.0/24");
	struct prefix second[2] = {prefix_of("2001:db8::/32"), prefix_of("198.51.100.7")};
	struct access_rule list[2] = {{.prefixes = &first, .prefix_count = 1}, {.prefixes = second, .prefix_count = 2}};
	struct access_rules rules = {.rules = list, .rule_count = 2};
	assert_int_equal(check(&rules, "192.0.2.255"), ACCESS_ALLOWED);
	assert_int_equal(check(&rules, "198.51.100.7"), ACCESS_ALLOWED);
	assert_int_equal(check(&rules, "2001:db8:ffff::1"), ACCESS_ALLOWED);
	assert_int_equal(check(&rules, "198.51.100.8"), ACCESS_DENIED);
	assert_int_equal(check(&rules, "192.0.3.0"), ACCESS_DENIED);
	assert_int_equal(check(&rules, "2001:db9::1"), ACCESS_DENIED);
}

TEST(prefix_of_one_family_does_not_hold_for_the_other)
{
	struct prefix v4 = prefix_of("0.0.0.0/0");
	struct access_rule rule = {.prefixes = &v4, .prefix_count = 1};
	struct access_rules rules = {.rules = &rule, .rule_count = 1};
	assert_int_equal(check(&rules, "203.0.113.1"), ACCESS_ALLOWED);
	assert_int_equal(check(&rules, "::1"), ACCESS_DENIED);
	/* A mapped address is the IPv4 address that it maps. */
	assert_int_equal(check(&rules, "::ffff:203.0.113.1"), ACCESS_ALLOWED);
}

static const struct tsig_key *key_of(const char *name)
{
	struct error error;
	struct dns_name wire;
	assert_true(dns_name_from_text(name, &wire, &error));
	const struct tsig_key *key = tsig_key_new(wire.wire, TSIG_HMAC_SHA256, "secret", 6, 0, &error);
	assert_non_null(key);
	return key;
}

static enum access_verdict check_signed(const struct access_rules *rules, const char *address_text,
                                        const struct tsig_key *key)
{
	struct error error;
	struct address address;
	assert_true(address_from_text(address_text, 53, &address, &error));
	struct access_who who = {.address = &address, .key = key};
	enum access_verdict verdict = access_check(rules, &who);
	if (verdict == ACCESS_DENIED) {
		assert_false(access_is_proven(rules, &who));
	}
	return verdict;
}

TEST(rule_with_keys_wants_one_of_them_and_all_else_that_it_names)
{
	const struct tsig_key *keys[2] = {key_of("a.example"), key_of("b.example")};
	const struct tsig_key *same_name = key_of("B.example");
	const struct tsig_key *other = key_of("c.example");
	struct prefix prefix = prefix_of("192.0.2.0/24");
	struct access_rule list[2] = {
	        {.keys = {.items = keys, .count = 1}},
	        {.prefixes = &prefix, .prefix_count = 1, .keys = {.items = &keys[1], .count = 1}},
	};
	struct access_rules rules = {.rules = list, .rule_count = 2};
	assert_int_equal(check_signed(&rules, "192.0.2.1", NULL), ACCESS_DENIED);
	assert_int_equal(check_signed(&rules, "192.0.2.1", other), ACCESS_DENIED);
	assert_int_equal(check_signed(&rules, "198.51.100.1", keys[0]), ACCESS_ALLOWED);
	assert_int_equal(check_signed(&rules, "192.0.2.1", keys[1]), ACCESS_ALLOWED);
	assert_int_equal(check_signed(&rules, "192.0.2.1", same_name), ACCESS_ALLOWED);
	assert_int_equal(check_signed(&rules, "198.51.100.1", keys[1]), ACCESS_DENIED);
	tsig_key_unref(keys[0]);
	tsig_key_unref(keys[1]);
	tsig_key_unref(same_name);
	tsig_key_unref(other);
}

TEST(only_a_rule_that_wants_a_key_proves_who_asks)
{
	const struct tsig_key *key = key_of("a.example");
	struct address address = {.family = ADDRESS_V4};
	struct access_rule list[2] = {{0}, {.keys = {.items = &key, .count = 1}}};
	struct access_rules rules = {.rules = list, .rule_count = 2};
	assert_true(access_is_proven(&rules, &(struct access_who){.address = &address, .key = key}));
	assert_false(access_is_proven(&rules, &(struct access_who){.address = &address}));
	rules.rule_count = 1;
	assert_false(access_is_proven(&rules, &(struct access_who){.address = &address, .key = key}));
	tsig_key_unref(key);
}
