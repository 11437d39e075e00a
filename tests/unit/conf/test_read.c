/* SPDX-License-Identifier: MIT */
#include "conf_help.h"

#include <sys/stat.h>

#include "base/file.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

/* A primary, so that the rest of the file may be about something else. */
#define ZONE "zones: [{name: example.org, file: z}]\n"

static enum access_verdict ask(const struct conf_zone *zone, enum access_kind kind, const char *from)
{
	struct address address;
	assert_true(address_from_text(from, 0, &address, NULL));
	return access_check(&zone->options->allow[kind], &(struct access_who){.address = &address});
}

static uint32_t lower_serial_of(const char *value)
{
	char text[200];
	snprintf(text, sizeof text, "zones:\n  - {name: a, primaries: [192.0.2.1], lower-serial: %s}\n", value);
	struct conf *conf = conf_of(text);
	uint32_t after_s = conf->zones[0].options->lower_serial_after_s;
	conf_unref(conf);
	return after_s;
}

TEST(lower_serials_are_refused_accepted_or_accepted_after_a_time)
{
	assert_int_equal(lower_serial_of("refuse"), CONF_NEVER);
	assert_int_equal(lower_serial_of("accept"), 0);
	assert_int_equal(lower_serial_of("accept-after 1h30m"), 5400);
}

TEST(options_that_are_not_written_have_their_defaults)
{
	struct conf *conf = conf_of(ZONE);
	const struct conf_server *server = &conf->server;
	const struct conf_zone_options *options = conf->zones[0].options;
	assert_int_equal(server->listen.count, 2);
	assert_string_equal(address_text(&server->listen.items[0]), "0.0.0.0@53");
	assert_string_equal(address_text(&server->listen.items[1]), "::@53");
	assert_string_equal(server->data_dir, "/etc/tandem/tandem-data");
	assert_string_equal(server->control, "/etc/tandem/tandem.sock");
	assert_int_equal(server->workers, 0);
	assert_int_equal(server->log_level, LOG_NOTICE);
	assert_int_equal(server->edns_payload, 1232);
	assert_int_equal(server->nsid.len, 0);
	assert_int_equal(server->version.kind, CONF_IDENTITY_AUTO);
	assert_int_equal(server->tcp_idle_ms, 10000);
	assert_int_equal(server->tcp_keepalive_ms, 30000);
	assert_int_equal(options->primaries.count, 0);
	assert_false(options->notify_ns);
	assert_true(options->minimal_any);
	assert_int_equal(options->serial, CONF_SERIAL_RAISE);
	assert_int_equal(options->history_max_changes, 1000);
	assert_int_equal(options->history_max_size, 0);
	assert_int_equal(options->history_max_age_s, 30 * 86400);
	assert_int_equal(options->refresh_min_s, 2);
	assert_int_equal(options->expire_max_s, 52 * 7 * 86400);
	assert_int_equal(options->max_zone_size, (uint64_t)8 << 30);
	assert_int_equal(options->check_ns, CONF_WARN);
	assert_int_equal(options->query_source.v4.family, ADDRESS_NONE);
	conf_unref(conf);
}

TEST(query_is_open_and_transfer_and_notify_are_closed_by_default)
{
	struct conf *conf = conf_of(ZONE);
	assert_int_equal(ask(&conf->zones[0], ACCESS_QUERY, "2001:db8::1"), ACCESS_ALLOWED);
	assert_int_equal(ask(&conf->zones[0], ACCESS_TRANSFER, "127.0.0.1"), ACCESS_DENIED);
	assert_int_equal(ask(&conf->zones[0], ACCESS_NOTIFY, "127.0.0.1"), ACCESS_DENIED);
	conf_unref(conf);
}

TEST(values_of_every_kind_are_read)
{
	struct conf *conf = conf_of("server:\n"
	                            "  listen: 127.0.0.1@5300\n"
	                            "  data-dir: /var/lib/x\n"
	                            "  control: ./run/x.sock\n"
	                            "  nsid: 0x00fF7a\n"
	                            "  version: off\n"
	                            "  hostname: \"two words\"\n"
	                            "  tcp-idle: 1m500ms\n"
	                            "  log-level: debug\n"
	                            "zones:\n"
	                            "  - name: Example.ORG\n"
	                            "    file: zones/e.zone\n"
	                            "    notify-ns: yes\n"
	                            "    refresh-min: 1h30m\n"
	                            "    retry-max: 90\n"
	                            "    max-zone-size: 64K\n"
	                            "    history-max-changes: 0\n"
	                            "    history-max-size: 2M\n"
	                            "    history-max-age: 1w\n"
	                            "    query-source: [192.0.2.1, '2001:db8::1@5353']\n"
	                            "    serial: unixtime\n");
	const struct conf_zone *zone = &conf->zones[0];
	assert_string_equal(address_text(&conf->server.listen.items[0]), "127.0.0.1@5300");
	assert_string_equal(conf->server.data_dir, "/var/lib/x");
	assert_string_equal(conf->server.control, "/etc/tandem/run/x.sock");
	assert_int_equal(conf->server.nsid.len, 3);
	assert_memory_equal(conf->server.nsid.bytes, "\0\xff\x7a", 3);
	assert_int_equal(conf->server.version.kind, CONF_IDENTITY_REFUSED);
	assert_int_equal(conf->server.hostname.kind, CONF_IDENTITY_TEXT);
	assert_string_equal(conf->server.hostname.text, "two words");
	assert_int_equal(conf->server.tcp_idle_ms, 60500);
	assert_int_equal(conf->server.log_level, LOG_DEBUG);
	assert_string_equal(zone->name_text, "example.org.");
	assert_memory_equal(zone->name, "\7example\3org", 13);
	assert_string_equal(zone->file, "/etc/tandem/zones/e.zone");
	assert_int_equal(zone->line, 11);
	assert_true(zone->options->notify_ns);
	assert_int_equal(zone->options->refresh_min_s, 5400);
	assert_int_equal(zone->options->retry_max_s, 90);
	assert_int_equal(zone->options->max_zone_size, 65536);
	assert_int_equal(zone->options->serial, CONF_SERIAL_UNIXTIME);
	assert_int_equal(zone->options->history_max_changes, 0);
	assert_int_equal(zone->options->history_max_size, 2 << 20);
	assert_int_equal(zone->options->history_max_age_s, 7 * 86400);
	assert_string_equal(address_text(&zone->options->query_source.v4), "192.0.2.1");
	assert_string_equal(address_text(&zone->options->query_source.v6), "2001:db8::1@5353");
	conf_unref(conf);
}

TEST(zone_overrides_group_and_group_overrides_default)
{
	struct conf *conf = conf_of("zones:\n"
	                            "  - {name: a, file: a, group: g}\n"
	                            "  - {name: b, file: b, group: g, retry-max: 3h, notify: []}\n"
	                            "  - {name: c, file: c}\n"
	                            "  - {name: d, file: d, group: g}\n"
	                            "groups:\n"
	                            "  - {name: g, retry-max: 2h, refresh-max: 1d, notify: [192.0.2.9]}\n");
	assert_int_equal(conf->zones[0].options->retry_max_s, 7200);
	assert_int_equal(conf->zones[0].options->notify.count, 1);
	assert_int_equal(conf->zones[1].options->retry_max_s, 10800);
	assert_int_equal(conf->zones[1].options->refresh_max_s, 86400);
	assert_int_equal(conf->zones[1].options->notify.count, 0);
	assert_int_equal(conf->zones[2].options->retry_max_s, 14 * 86400);
	assert_ptr_equal(conf->zones[0].options, conf->zones[3].options);
	conf_unref(conf);
}

TEST(peers_become_their_addresses)
{
	struct conf *conf = conf_of("peers:\n"
	                            "  - {name: ns1, address: [192.0.2.1, '2001:db8::1@5300']}\n"
	                            "zones:\n"
	                            "  - {name: a, primaries: [ns1, 192.0.2.7@54], allow-transfer: {peer: ns1}}\n");
	const struct conf_targets *primaries = &conf->zones[0].options->primaries;
	assert_true(conf_zone_is_secondary(&conf->zones[0]));
	assert_null(conf->zones[0].file);
	assert_int_equal(primaries->count, 3);
	assert_string_equal(address_text(&primaries->items[0].address), "192.0.2.1@53");
	assert_string_equal(primaries->items[0].peer_name, "ns1");
	assert_string_equal(address_text(&primaries->items[1].address), "2001:db8::1@5300");
	assert_string_equal(address_text(&primaries->items[2].address), "192.0.2.7@54");
	assert_null(primaries->items[2].peer_name);
	/* Rules are about hosts: the port of a peer is where we reach it, not where it comes from. */
	assert_int_equal(ask(&conf->zones[0], ACCESS_TRANSFER, "2001:db8::1@40000"), ACCESS_ALLOWED);
	assert_int_equal(ask(&conf->zones[0], ACCESS_TRANSFER, "2001:db8::2"), ACCESS_DENIED);
	conf_unref(conf);
}

TEST(access_rules_have_three_forms)
{
	struct conf *conf = conf_of("zones:\n"
	                            "  - name: a\n"
	                            "    file: a\n"
	                            "    allow-query: [127.0.0.1, {from: [10.0.0.0/8, '2001:db8::/32']}]\n"
	                            "    allow-transfer: any\n"
	                            "    allow-notify: [{from: any}]\n");
	const struct conf_zone *zone = &conf->zones[0];
	assert_int_equal(ask(zone, ACCESS_QUERY, "127.0.0.1"), ACCESS_ALLOWED);
	assert_int_equal(ask(zone, ACCESS_QUERY, "127.0.0.2"), ACCESS_DENIED);
	assert_int_equal(ask(zone, ACCESS_QUERY, "10.255.0.1"), ACCESS_ALLOWED);
	assert_int_equal(ask(zone, ACCESS_QUERY, "2001:db8::9"), ACCESS_ALLOWED);
	assert_int_equal(ask(zone, ACCESS_TRANSFER, "203.0.113.1"), ACCESS_ALLOWED);
	assert_int_equal(ask(zone, ACCESS_NOTIFY, "203.0.113.1"), ACCESS_ALLOWED);
	conf_unref(conf);
}

TEST(section_with_nothing_behind_it_is_empty)
{
	struct conf *conf = conf_of("server:\nkeys:\npeers:\ngroups:\nzones:\n");
	assert_int_equal(conf->zone_count, 0);
	conf_unref(conf);
}

TEST(keys_are_decoded)
{
	struct conf *conf = conf_of("keys: [{name: Xfr.example, algorithm: hmac-sha256, secret: 'AQID/w=='}]\n" ZONE);
	assert_int_equal(conf->key_count, 1);
	assert_string_equal(conf->keys[0].name_text, "xfr.example.");
	assert_int_equal(conf->keys[0].algorithm, TSIG_HMAC_SHA256);
	assert_int_equal(conf->keys[0].secret.len, 4);
	assert_memory_equal(conf->keys[0].secret.bytes, "\1\2\3\xff", 4);
	conf_unref(conf);
}

/* Writes a key file into the folder of the test and gives a configuration that names it. */
static struct conf *conf_with_key_file(const char *content, mode_t mode, const char *more, struct conf_report *report)
{
	struct error error;
	char path[512];
	char text[1024];
	snprintf(path, sizeof path, "%s/k.key", unit_folder());
	assert_true(file_replace(path, content, strlen(content), &error));
	assert_int_equal(chmod(path, mode), 0);
	snprintf(text, sizeof text, "keys: [{name: K, file: k.key%s}]\n" ZONE, more);
	return conf_read_text(text, strlen(text), "t.yaml", unit_folder(), report);
}

static void expect_key_file_refused(const char *content, mode_t mode, const char *more, const char *why)
{
	struct conf_report report;
	conf_report_init(&report);
	assert_null(conf_with_key_file(content, mode, more, &report));
	if (strstr(text_string(&report.lines), why) == NULL || strstr(text_string(&report.lines), "AQID") != NULL) {
		fail_msg("expected '%s', found '%s'", why, text_string(&report.lines));
	}
	conf_report_deinit(&report);
}

TEST(key_is_read_from_a_file_of_its_own)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf =
	        conf_with_key_file("key \"k\" { algorithm hmac-sha512; secret \"AQID/w==\"; };\n", 0640, "", &report);
	assert_string_equal(text_string(&report.lines), "");
	struct conf *inline_conf = conf_of("keys: [{name: k, algorithm: hmac-sha512, secret: 'AQID/w=='}]\n" ZONE);
	assert_true(tsig_key_equal(conf->keys[0].key, inline_conf->keys[0].key));
	assert_ptr_equal(tsig_keys_find(conf->key_set, conf->keys[0].name), conf->keys[0].key);
	conf_unref(conf);
	conf_unref(inline_conf);
	conf_report_deinit(&report);
}

TEST(key_file_that_others_may_read_is_refused)
{
	static const mode_t refused[] = {0644, 0604, 0660, 0666, 0602, 0620, 0641};
	const char *content = "hmac-sha256:k:AQID/w==\n";
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
		expect_key_file_refused(content, refused[i], "",
		                        "so that others may read or change the secret; `chmod 640 ");
	}
	static const mode_t taken[] = {0640, 0600, 0400, 0440};
	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++) {
		struct conf_report report;
		conf_report_init(&report);
		struct conf *conf = conf_with_key_file(content, taken[i], ", algorithm: hmac-sha256", &report);
		assert_string_equal(text_string(&report.lines), "");
		conf_unref(conf);
		conf_report_deinit(&report);
	}
}

TEST(key_file_that_says_something_else_is_refused)
{
	expect_key_file_refused("hmac-sha256:j:AQID/w==", 0600, "", "k.key has a key called j., not k.\n");
	expect_key_file_refused("hmac-sha256:k:AQID/w==", 0600, ", algorithm: hmac-sha1", "k.key says hmac-sha256\n");
	expect_key_file_refused("hmac-md5:k:AQID/w==", 0600, "", "hmac-md5 is refused");
	expect_key_file_refused("AQID/w==", 0600, "", "it has neither the form ALGORITHM:NAME:SECRET nor key");
}

TEST(rules_and_peers_have_their_keys)
{
	struct conf *conf =
	        conf_of("keys:\n"
	                "  - {name: a, algorithm: hmac-sha256, secret: AAAA}\n"
	                "  - {name: b, algorithm: hmac-sha1, secret: AAAA}\n"
	                "peers:\n"
	                "  - {name: keyed, address: [192.0.2.1, 192.0.2.2], key: [B, a]}\n"
	                "  - {name: plain, address: 192.0.2.3}\n"
	                "zones:\n"
	                "  - name: z\n"
	                "    primaries: [keyed, plain]\n"
	                "    allow-transfer: [{peer: keyed}, {peer: plain}, {from: 192.0.2.0/24, key: a}, {key: b}]\n");
	const struct tsig_key *a = conf->keys[0].key;
	const struct tsig_key *b = conf->keys[1].key;
	const struct conf_zone_options *options = conf->zones[0].options;
	assert_int_equal(options->primaries.count, 3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(options->primaries.items[i].keys.count, 2);
		assert_ptr_equal(options->primaries.items[i].keys.items[0], b);
		assert_ptr_equal(options->primaries.items[i].keys.items[1], a);
	}
	assert_int_equal(options->primaries.items[2].keys.count, 0);

	const struct access_rule *rules = options->allow[ACCESS_TRANSFER].rules;
	/* The addresses of a peer that has keys do not count. */
	assert_int_equal(rules[0].prefix_count, 0);
	assert_int_equal(rules[0].keys.count, 2);
	assert_int_equal(rules[1].prefix_count, 1);
	assert_int_equal(rules[1].keys.count, 0);
	assert_int_equal(rules[2].prefix_count, 1);
	assert_int_equal(rules[2].keys.count, 1);
	assert_ptr_equal(rules[2].keys.items[0], a);
	assert_int_equal(rules[3].prefix_count, 0);
	assert_ptr_equal(rules[3].keys.items[0], b);
	conf_unref(conf);
}

TEST(zones_are_found_by_name_in_any_spelling)
{
	struct conf *conf = conf_of("zones: [{name: ., file: r}, {name: 'a\\.b.example', file: x}]\n");
	assert_ptr_equal(conf_find_zone(conf, "."), &conf->zones[0]);
	assert_ptr_equal(conf_find_zone(conf, "A\\.B.Example."), &conf->zones[1]);
	assert_null(conf_find_zone(conf, "a.b.example"));
	assert_null(conf_find_zone(conf, ".."));
	conf_unref(conf);
}

TEST(example_of_the_project_is_right)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_file(EXAMPLE_PATH, &report);
	assert_string_equal(text_string(&report.lines), "");
	assert_non_null(conf);
	assert_int_equal(conf->zone_count, 4);
	assert_int_equal(conf->zones[3].options->primaries.count, 3);
	conf_unref(conf);
	conf_report_deinit(&report);
}

TEST(relative_paths_resolve_against_the_file_and_not_the_current_folder)
{
	struct conf_report report;
	char path[300], expected[300];
	conf_report_init(&report);
	assert_true(folder_make(unit_folder(), NULL));
	snprintf(path, sizeof path, "%s/c.yaml", unit_folder());
	assert_true(file_replace(path, ZONE, strlen(ZONE), NULL));
	struct conf *conf = conf_read_file(path, &report);
	assert_non_null(conf);
	snprintf(expected, sizeof expected, "%s/z", unit_folder());
	assert_string_equal(conf->zones[0].file, expected);
	conf_unref(conf);

	assert_int_equal(chdir(unit_folder()), 0);
	conf = conf_read_file("c.yaml", &report);
	assert_non_null(conf);
	assert_string_equal(conf->zones[0].file, expected);
	assert_string_equal(conf->path, "c.yaml");
	conf_unref(conf);
	conf_report_deinit(&report);
}

TEST(last_reference_frees)
{
	struct conf *conf = conf_of(ZONE);
	conf_unref(conf_ref(conf));
	assert_int_equal(conf->zone_count, 1);
	conf_unref(conf);
	conf_unref(NULL);
}

static void expect_control(const char *text, const char *expected)
{
	struct error error;
	char path[300];
	snprintf(path, sizeof path, "%s/f.yaml", unit_folder());
	assert_true(file_replace(path, text, strlen(text), NULL));
	char *control = conf_find_control(path, &error);
	if (expected == NULL) {
		assert_null(control);
		assert_int_equal(error.code, ERROR_SYNTAX);
		return;
	}
	assert_non_null(control);
	assert_string_equal(control[0] == '/' && expected[0] != '/' ? strrchr(control, '/') + 1 : control, expected);
	free(control);
}

TEST(control_socket_is_found_in_a_file_with_problems)
{
	expect_control("server: {control: /run/x.sock, lisen: 1}\nzones: 7\n", "/run/x.sock");
	expect_control("server: {control: y.sock}\n", "y.sock");
	expect_control("zones: []\n", "tandem.sock");
	expect_control("[]\n", "tandem.sock");
	expect_control("server: [\n", NULL);
}
