/* SPDX-License-Identifier: MIT */
#include "conf_help.h"

static const char *names(uint64_t options, const char *(*name_of)(size_t index))
{
	static char text[1000];
	struct text out;
	text_init(&out, sizeof text - 1);
	conf_write_option_names(options, name_of, &out);
	strcpy(text, text_string(&out));
	text_deinit(&out);
	return text;
}

struct pair {
	struct conf *before, *after;
	struct conf_difference *difference;
};

static struct pair pair_of(const char *before, const char *after)
{
	struct pair pair = {.before = conf_of(before), .after = conf_of(after)};
	pair.difference = conf_diff(pair.before, pair.after);
	return pair;
}

static void pair_free(struct pair *pair)
{
	conf_difference_free(pair->difference);
	conf_unref(pair->before);
	conf_unref(pair->after);
}

TEST(same_meaning_in_other_words_is_no_difference)
{
	struct pair pair = pair_of("server: {tcp-idle: 10s, listen: [127.0.0.1]}\n"
	                           "zones:\n"
	                           "  - {name: a, file: a, retry-max: 1h, notify: [192.0.2.1]}\n"
	                           "  - {name: b, file: b}\n",
	                           "zones:\n"
	                           "  - {name: B., file: ./b, group: h}\n"
	                           "  - {name: a, file: /etc/tandem/a, group: g}\n"
	                           "groups:\n"
	                           "  - {name: g, retry-max: 60m, notify: 192.0.2.1@53}\n"
	                           "  - {name: h}\n"
	                           "server: {listen: 127.0.0.1@53}\n");
	assert_int_equal(pair.difference->server_options, 0);
	assert_int_equal(pair.difference->server_reload, RELOAD_NOTHING);
	assert_int_equal(pair.difference->zone_count, 0);
	pair_free(&pair);
}

TEST(zones_that_come_go_and_change_are_told)
{
	struct pair pair = pair_of("zones:\n"
	                           "  - {name: stays, file: a}\n"
	                           "  - {name: goes, file: b}\n"
	                           "  - {name: changes, file: c}\n",
	                           "zones:\n"
	                           "  - {name: comes, file: d}\n"
	                           "  - {name: changes, file: e, serial: keep}\n"
	                           "  - {name: stays, file: a}\n");
	const struct conf_difference *difference = pair.difference;
	assert_int_equal(difference->zone_count, 3);
	const struct conf_zone_difference *goes = &difference->zones[0];
	const struct conf_zone_difference *comes = &difference->zones[1];
	const struct conf_zone_difference *changes = &difference->zones[2];
	assert_int_equal(goes->change, CONF_ZONE_REMOVED);
	assert_string_equal(goes->before->name_text, "goes.");
	assert_null(goes->after);
	assert_int_equal(comes->change, CONF_ZONE_ADDED);
	assert_string_equal(comes->after->name_text, "comes.");
	assert_null(comes->before);
	assert_int_equal(changes->change, CONF_ZONE_CHANGED);
	assert_int_equal(changes->reload, RELOAD_FILE);
	assert_string_equal(names(changes->options, conf_zone_option_name), "file, serial");
	pair_free(&pair);
}

TEST(change_of_a_group_or_peer_reaches_its_zones_and_no_others)
{
	struct pair pair = pair_of("peers: [{name: p, address: 192.0.2.1}]\n"
	                           "groups: [{name: g, notify: [p]}]\n"
	                           "zones: [{name: a, file: a, group: g}, {name: b, file: b}]\n",
	                           "peers: [{name: p, address: 192.0.2.2}]\n"
	                           "groups: [{name: g, notify: [p]}]\n"
	                           "zones: [{name: a, file: a, group: g}, {name: b, file: b}]\n");
	assert_int_equal(pair.difference->zone_count, 1);
	assert_string_equal(pair.difference->zones[0].after->name_text, "a.");
	assert_int_equal(pair.difference->zones[0].reload, RELOAD_REPLICATION);
	assert_string_equal(names(pair.difference->zones[0].options, conf_zone_option_name), "notify");
	pair_free(&pair);
}

TEST(primary_that_becomes_secondary_changes_its_role)
{
	struct pair pair =
	        pair_of("zones: [{name: a, file: a}]\n", "zones: [{name: a, file: a, primaries: [192.0.2.1]}]\n");
	assert_int_equal(pair.difference->zone_count, 1);
	assert_int_equal(pair.difference->zones[0].reload, RELOAD_REPLICATION | RELOAD_ROLE);
	pair_free(&pair);
}

TEST(access_rules_are_compared_whole)
{
	struct pair pair =
	        pair_of("zones: [{name: a, file: a, allow-transfer: [{from: [10.0.0.0/8, 192.0.2.0/24]}]}]\n",
	                "zones: [{name: a, file: a, allow-transfer: [{from: [10.0.0.0/8, 192.0.2.0/25]}]}]\n");
	assert_int_equal(pair.difference->zone_count, 1);
	assert_int_equal(pair.difference->zones[0].reload, RELOAD_NOTHING);
	assert_string_equal(names(pair.difference->zones[0].options, conf_zone_option_name), "allow-transfer");
	pair_free(&pair);
}

#define KEYED(secret)                                                                                                  \
	"keys: [{name: k, algorithm: hmac-sha256, secret: " secret "}]\n"                                              \
	"peers: [{name: p, address: 192.0.2.1, key: k}]\n"                                                             \
	"zones: [{name: in, primaries: p}, {name: out, file: f, allow-transfer: {key: k}}, {name: own, file: f}]\n"

TEST(key_with_another_secret_changes_the_zones_that_rely_on_it)
{
	struct conf *before = conf_of(KEYED("AAAA"));
	struct conf *same = conf_of(KEYED("'AAAA'"));
	struct conf *after = conf_of(KEYED("AAAB"));
	struct conf_difference *none = conf_diff(before, same);
	assert_int_equal(none->zone_count, 0);
	struct conf_difference *some = conf_diff(before, after);
	assert_int_equal(some->zone_count, 2);
	assert_string_equal(some->zones[0].after->name_text, "in.");
	assert_int_equal(some->zones[0].reload, RELOAD_REPLICATION);
	assert_string_equal(some->zones[1].after->name_text, "out.");
	assert_int_equal(some->zones[1].reload, RELOAD_NOTHING);
	conf_difference_free(none);
	conf_difference_free(some);
	conf_unref(before);
	conf_unref(same);
	conf_unref(after);
}

TEST(server_options_have_their_reload_plans)
{
	struct pair pair = pair_of("server: {listen: 127.0.0.1, workers: 1}\n",
	                           "server: {listen: 127.0.0.2, workers: 2, log-level: debug, nsid: x}\n");
	assert_int_equal(pair.difference->server_reload, RELOAD_LISTEN | RELOAD_RESTART | RELOAD_SETTINGS);
	assert_string_equal(names(pair.difference->server_options, conf_server_option_name),
	                    "listen, workers, log-level, nsid");
	pair_free(&pair);
}
