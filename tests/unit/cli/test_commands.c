/* SPDX-License-Identifier: MIT */
/* Whole command lines, against a server whose handlers are made up. */
#include "cli_help.h"

#include "base/file.h"
#include "cli/cli_internal.h"
#include "control/control.h"

/* --- A server ---------------------------------------------------------------------------------------------------- */

static bool server_status(void *self, struct arena *arena, struct control_server_status *out, struct error *error)
{
	(void)self, (void)arena, (void)error;
	*out = (struct control_server_status){.version = "9.9",
	                                      .pid = 4711,
	                                      .uptime_s = 90,
	                                      .conf_path = "/etc/t.yaml",
	                                      .zone_count = 2,
	                                      .zones_serving = 1,
	                                      .zones_expired = 1,
	                                      .memory_bytes = 3 << 20,
	                                      .queries_udp = 12};
	return true;
}

static const struct control_zone_status zones[] = {
        {.name = ".",
         .role = CONTROL_SECONDARY,
         .state = CONTROL_EXPIRED,
         .has_serial = true,
         .serial = 7,
         .records = 100,
         .has_timers = true,
         .refresh_in_s = 30,
         .expire_in_s = -5,
         .reason = "no answer\x1b[31m from 192.0.2.1@53",
         .cause = "primary-unreachable",
         .standing = CONTROL_LAPSED},
        {.name = "example.org.",
         .role = CONTROL_PRIMARY,
         .state = CONTROL_SERVING,
         .has_serial = true,
         .serial = 4294967295,
         .digest = "0123456789abcdef0123456789abcdef",
         .records = 5,
         .names = 3,
         .memory_bytes = 2048,
         .published_ago_ms = 5000,
         .standing = CONTROL_CURRENT,
         .file = "/z/example.org"},
};

static bool zone_status(void *self, const char *zone, struct arena *arena, struct control_zone_status *out,
                        struct error *error)
{
	static struct control_secondary_status secondaries[2] = {
	        {.notified = true,
	         .acknowledged = true,
	         .serial_notified = 4294967295,
	         .notified_ago_ms = 4000,
	         .has_serial = true,
	         .serial = 4294967294,
	         .serials_behind = 1,
	         .lag_ms = 5000},
	        {.peer_name = "ns3", .notified = true, .attempts = 5, .problem = "no answer after 5 attempts"},
	};
	(void)self, (void)arena;
	if (strcmp(zone, "example.org.") != 0) {
		return error_set(error, ERROR_NOT_FOUND, "zone %s is not configured", zone);
	}
	assert_true(address_from_text("192.0.2.2@53", 0, &secondaries[0].address, NULL));
	assert_true(address_from_text("192.0.2.3@53", 0, &secondaries[1].address, NULL));
	*out = zones[1];
	out->secondaries = secondaries;
	out->secondary_count = 2;
	return true;
}

static bool zone_list(void *self, const char *after, size_t max, struct arena *arena, struct control_zone_status **out,
                      size_t *count, struct error *error)
{
	(void)self, (void)max, (void)error;
	*count = after == NULL ? 2 : 0;
	*out = arena_copy_aligned(arena, zones, sizeof zones);
	return true;
}

static bool zone_order(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                       struct error *error)
{
	(void)self, (void)arena;
	if (strcmp(order->zone, "bad.") == 0) {
		return error_set(error, ERROR_NOT_FOUND, "it is not configured");
	}
	*out = (struct control_done){.text = order->wait ? "serial 1 to 2" : NULL, .has_serial = true, .serial = 2};
	return true;
}

static bool zone_write(void *self, const char *zone, int fd, struct error *error)
{
	(void)self, (void)error;
	return dprintf(fd, "%s SOA\n", zone) > 0;
}

static bool reload(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                   struct error *error)
{
	(void)order;
	(void)self, (void)arena, (void)error;
	*out = (struct control_done){.text = "1 zone changed"};
	return true;
}

static void stop(void *self)
{
	(void)self;
}

/* Runs the words with --control behind them. */
static const struct printed *run_with_server(const char *words)
{
	static const struct control_handlers handlers = {.server_status = server_status,
	                                                 .zone_status = zone_status,
	                                                 .zone_list = zone_list,
	                                                 .zone_order = zone_order,
	                                                 .zone_write = zone_write,
	                                                 .reload = reload,
	                                                 .stop = stop};
	struct error error;
	char path[200], line[1000];
	snprintf(path, sizeof path, "%s/t.sock", unit_folder());
	snprintf(line, sizeof line, "%s --control %s", words, path);
	struct control_server *server = control_server_start(path, &handlers, &error);
	assert_non_null(server);
	const struct printed *printed = run_cli(line);
	control_server_stop(server);
	return printed;
}

static void expect_with_server(const char *words, int status, const char *out, const char *error)
{
	const struct printed *printed = run_with_server(words);
	assert_string_equal(printed->error, error);
	assert_string_equal(printed->out, out);
	assert_int_equal(printed->status, status);
}

/* --- What it prints ---------------------------------------------------------------------------------------------- */

TEST(status_is_a_table_with_why_and_next)
{
	expect_with_server("status", 0,
	                   "Tandem 9.9, process 4711, running for 1m30s, configured by /etc/t.yaml\n"
	                   "2 zones: 1 serving, 0 loading, 0 not loaded, 1 expired; 3.0 MiB\n"
	                   "12 answers over UDP, 0 over TCP; 0 transfers in, 0 out under way\n"
	                   "\n"
	                   "ZONE          ROLE       SERIAL      STATE    RECORDS  SECONDARIES        WHY AND NEXT\n"
	                   ".             secondary  7           expired  100      -                  no answer?[31m "
	                   "from 192.0.2.1@53 (primary-unreachable); "
	                   "refresh in 30s\n"
	                   "example.org.  primary    4294967295  current  5        1 of 2 behind, 5s\n",
	                   "");
}

TEST(status_of_a_zone_tells_of_its_secondaries)
{
	expect_with_server(
	        "status Example.org", 0,
	        "example.org.  primary, current, serial 4294967295\n"
	        "  5 records, 3 names, 2.0 KiB, published 5s ago\n"
	        "  digest 0123456789abcdef0123456789abcdef\n"
	        "  file /z/example.org\n"
	        "Secondaries\n"
	        "  192.0.2.2@53        told serial 4294967295 4s ago, acknowledged  has serial 4294967294, 1 behind "
	        "for 5s\n"
	        "  192.0.2.3@53 (ns3)  told serial 0 0ms ago, not acknowledged      its serial is not known"
	        "                 no answer after 5 attempts\n",
	        "");
	expect_with_server("status other", 1, "", "tandem status: zone other. is not configured\n");
}

TEST(zone_why_prints_sentences)
{
	expect_with_server("zone why Example.org", 0,
	                   "example.org.\n"
	                   "  Serial 4294967295 is served, since 5 s.\n"
	                   "  Of 2 that are told of new versions, 1 have acknowledged this one.\n"
	                   "    Not 192.0.2.3@53 (ns3): no answer after 5 attempts.\n",
	                   "");
	expect_with_server("zone why other", 1, "", "tandem zone: other: zone other. is not configured\n");
	const struct printed *printed = run_with_server("zone why --json example.org");
	json_t *list = json_loads(printed->out, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(json_array_get(list, 0), "why")), 3);
	json_decref(list);
}

TEST(status_as_json_can_be_read_back)
{
	const struct printed *printed = run_with_server("status --json");
	json_t *both = json_loads(printed->out, 0, NULL);
	assert_int_equal(printed->status, 0);
	assert_int_equal(json_array_size(json_object_get(both, "zones")), 2);
	assert_string_equal(json_string_value(json_object_get(json_object_get(both, "server"), "version")), "9.9");
	json_decref(both);
}

TEST(orders_tell_what_came_of_them)
{
	expect_with_server("zone reload --wait example.org", 0, "example.org: serial 1 to 2\n", "");
	expect_with_server("zone notify a b", 0, "a: accepted\nb: accepted\n", "");
	expect_with_server("zone refresh --wait bad a", 1, "a: serial 1 to 2\n",
	                   "tandem zone: bad: it is not configured\n");
	expect_with_server("zone flush --all --wait", 0, ".: serial 1 to 2\nexample.org.: serial 1 to 2\n", "");
	expect_with_server("zone list", 0, ".\nexample.org.\n", "");
	expect_with_server("zone export -o - .", 0, ". SOA\n", "");
	expect_with_server("reload", 0, "1 zone changed\n", "");
	expect_with_server("stop", 0, "the server stops\n", "");
}

TEST(export_writes_a_file)
{
	char words[300], path[200];
	uint8_t *bytes;
	size_t len;
	snprintf(path, sizeof path, "%s/copy.zone", unit_folder());
	snprintf(words, sizeof words, "zone export a -o %s", path);
	expect_with_server(words, 0, "", "");
	assert_true(file_read(path, 100, &bytes, &len, NULL));
	assert_string_equal((const char *)bytes, "a. SOA\n");
	free(bytes);
	expect_with_server("zone export a -o /nowhere/x", 1, "",
	                   "tandem zone: /nowhere/x: No such file or directory\n");
}

TEST(wrong_usage_says_what_to_do)
{
	expect_run("zone", 2, "", "tandem zone: which action? See tandem zone --help\n");
	expect_run("zone relod a", 2, "",
	           "tandem zone: unknown action 'relod', did you mean 'reload'? See tandem zone --help\n");
	expect_run("zone reload", 2, "", "tandem zone: reload needs either zones or --all; see tandem zone --help\n");
	expect_run("zone reload a --all", 2, "",
	           "tandem zone: reload needs either zones or --all; see tandem zone --help\n");
	expect_run("zone reload a -o x", 2, "",
	           "tandem zone: --output is for the export of one zone; see tandem zone --help\n");
	expect_run("zone reload a --wait --timeout soon", 2, "",
	           "tandem zone: --timeout takes a number of seconds from 0.001 to 3600; see tandem zone --help\n");
	expect_run("chek", 2, "", "tandem: unknown command 'chek', did you mean 'check'? See tandem --help\n");
	expect_run("key new", 2, "", "tandem key new: which kind of key? There is tsig; see tandem key new --help\n");
	expect_run("key new dnssec k", 2, "",
	           "tandem key new: which kind of key? There is tsig; see tandem key new --help\n");
	expect_run("key new tsig", 2, "", "tandem key new: which name? See tandem key new --help\n");
	expect_run("key new tsig a..b", 2, "",
	           "tandem key new: name 'a..b' has an empty label; see tandem key new --help\n");
	expect_run("key new tsig a/b", 2, "",
	           "tandem key new: this name is no file's; give an --output; see tandem key new --help\n");
	expect_run("key new tsig k -a hmac-sha256-128", 2, "",
	           "tandem key new: make a key of the whole hash; `mac-length` in the configuration cuts its MACs; see "
	           "tandem "
	           "key new --help\n");
	expect_run("check config", 2, "", "tandem check config: which file? See tandem check config --help\n");
	expect_run("serve -c x --zone a=b", 2, "",
	           "tandem serve: either -c FILE or flags, not both; see tandem serve --help\n");
	expect_run("serve --zone a", 2, "", "--zone a: write NAME=FILE\n");
}

TEST(no_server_is_not_done)
{
	expect_run(
	        "status --control /nowhere/s", 1, "",
	        "tandem status: no server at /nowhere/s: there is no such socket; start the server, or name its socket "
	        "with --control\n");
	expect_run("status -c /nowhere/t.yaml", 1, "",
	           "tandem status: /nowhere/t.yaml: No such file or directory; name the socket of the server with "
	           "--control "
	           "PATH\n");
}

TEST(check_config_shows_all_problems)
{
	char path[200], words[300];
	snprintf(path, sizeof path, "%s/c.yaml", unit_folder());
	assert_true(file_replace(path, "serve: {}\nzones: 1\n", 19, NULL));
	snprintf(words, sizeof words, "check config %s", path);
	const struct printed *printed = run_cli(words);
	assert_int_equal(printed->status, 1);
	expect_part(printed->error, "c.yaml:1:1: unknown section `serve`: did you mean `server`?\n");
	expect_part(printed->error, "c.yaml:2:8: zones: expected a list, found a value\n");
	expect_part(printed->error, "c.yaml: 2 problems\n");
	assert_true(file_replace(path, "zones: []\n", 10, NULL));
	printed = run_cli(words);
	assert_int_equal(printed->status, 0);
	expect_part(printed->out, "no problem");
}

TEST(every_command_has_help_with_an_example)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *command = cli_commands[i];
		char words[100];
		snprintf(words, sizeof words, "%s %s --help", command->name,
		         command->word == NULL ? "" : command->word);
		assert_true(strlen(command->summary) < 80);
		if (command->own_parser) {
			continue;
		}
		const struct printed *printed = run_cli(words);
		assert_int_equal(printed->status, 0);
		expect_part(printed->out, "usage: tandem");
		expect_part(printed->out, "Examples:\n  tandem ");
		for (size_t j = 0; j < command->option_count; j++) {
			expect_part(printed->out, command->options[j].help);
		}
	}
}

TEST(manual_names_every_command_and_option)
{
	const struct printed *printed = run_cli("man tandem.1");
	assert_int_equal(printed->status, 0);
	for (size_t i = 0; i < cli_command_count; i++) {
		char heading[100];
		snprintf(heading, sizeof heading, ".SS \"tandem %s", cli_commands[i]->name);
		expect_part(printed->out, heading);
	}
	expect_part(printed->out, "\\fB\\-c, \\-\\-config FILE\\fR\n");
	expect_part(printed->out, "\\fB\\-\\-allow\\-transfer PREFIX\\fR\n");
	expect_part(run_cli("man tandem.yaml.5")->out, ".TH TANDEM.YAML 5");
	expect_part(run_cli("man configuration.md")->out, "# Configuration\n");
	assert_int_equal(run_cli("man nothing")->status, 2);
}
