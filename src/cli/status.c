/* SPDX-License-Identifier: MIT */
/* `tandem status`: what the server is, what each zone is, why, and what comes next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_internal.h"
#include "control/control.h"

#define ZONE_COLUMNS      7
#define DETAILS_MAX       200 /* zones; with more, what their secondaries do is not asked one by one */
#define PRIMARY_COLUMNS   3
#define SECONDARY_COLUMNS 4

static const struct cli_option options[] = {
        CLI_OPTION_JSON,
        CLI_OPTION_CONTROL,
        CLI_OPTION_CONFIG,
};

/* --- Members of the reply ---------------------------------------------------------------------------------------- */

static const char *string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool has(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return value != NULL && !json_is_null(value);
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static unsigned long long magnitude(long long number)
{
	return number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
}

/* "12s", or "-" where there is none. */
static char *number_text(const json_t *object, const char *key, char out[static CLI_DURATION_MAX])
{
	if (has(object, key)) {
		snprintf(out, CLI_DURATION_MAX, "%lld", number_of(object, key));
	} else {
		strcpy(out, "-");
	}
	return out;
}

/* "refresh in 5m", "refresh due since 3s". */
static void add_when(struct text *out, const char *what, long long in_s)
{
	char duration[CLI_DURATION_MAX];
	cli_duration(magnitude(in_s) * 1000, duration);
	if (in_s >= 0) {
		text_format(out, "%s in %s", what, duration);
	} else {
		text_format(out, "%s due since %s", what, duration);
	}
}

static bool is_serving(const json_t *zone)
{
	return has(zone, "state") && strcmp(string_of(zone, "state"), "serving") == 0;
}

/* What is served is told by how it stands, what is not by its state. */
static const char *state_of(const json_t *zone)
{
	return string_of(zone, is_serving(zone) && has(zone, "standing") ? "standing" : "state");
}

/* Why, and what comes next, in one line. */
static void add_what_next(const json_t *zone, struct text *out)
{
	const char *separator = "";
	if (has(zone, "reason")) {
		text_add_string(out, string_of(zone, "reason"));
		if (has(zone, "cause")) {
			text_format(out, " (%s)", string_of(zone, "cause"));
		}
		separator = "; ";
	}
	if (has(zone, "doing")) {
		text_format(out, "%s%s", separator, string_of(zone, "doing"));
		separator = "; ";
	}
	if (is_true(zone, "volatile")) {
		text_format(out, "%snot on disk, a restart would lose it", separator);
		separator = "; ";
	}
	if (has(zone, "refresh_in_s")) {
		text_add_string(out, separator);
		add_when(out, "refresh", number_of(zone, "refresh_in_s"));
		separator = ", ";
	}
	bool expired = has(zone, "state") && strcmp(string_of(zone, "state"), "expired") == 0;
	if (has(zone, "expire_in_s") && !expired) {
		text_add_string(out, separator);
		add_when(out, "expires", number_of(zone, "expire_in_s"));
	}
}

/* --- Everything -------------------------------------------------------------------------------------------------- */

/* How the secondaries of a zone stand, worst first. */
struct standing {
	size_t count, behind, unreached, current;
	long long lag_ms; /* the greatest of those that are behind, else of those that are current */
};

static struct standing standing_of(const json_t *secondaries)
{
	struct standing standing = {.count = json_array_size(secondaries)};
	size_t index;
	json_t *secondary;
	json_array_foreach(secondaries, index, secondary)
	{
		bool known = has(secondary, "serial");
		bool behind = known && number_of(secondary, "serials_behind") > 0;
		long long lag_ms = number_of(secondary, "lag_ms");
		if (behind && standing.behind == 0) {
			standing.lag_ms = 0;
		}
		standing.behind += behind;
		standing.current += known && !behind;
		standing.unreached += has(secondary, "problem");
		bool counts = known && (behind || standing.behind == 0);
		standing.lag_ms = counts && lag_ms > standing.lag_ms ? lag_ms : standing.lag_ms;
	}
	return standing;
}

static void add_standing(const json_t *zone, struct text *out)
{
	struct standing standing = standing_of(json_object_get(zone, "secondaries"));
	char lag[CLI_DURATION_MAX];
	cli_duration((uint64_t)standing.lag_ms, lag);
	if (standing.count == 0) {
		text_add_string(out, "-");
	} else if (standing.behind > 0) {
		text_format(out, "%zu of %zu behind, %s", standing.behind, standing.count, lag);
	} else if (standing.unreached > 0) {
		text_format(out, "%zu of %zu not reached", standing.unreached, standing.count);
	} else if (standing.current > 0) {
		text_format(out, "%zu of %zu current, lag %s", standing.current, standing.count, lag);
	} else {
		text_format(out, "%zu, not known", standing.count);
	}
}

static void add_zone_row(struct cli_table *table, const json_t *zone)
{
	struct text secondaries;
	text_init(&secondaries, 200);
	add_standing(zone, &secondaries);
	char serial[CLI_DURATION_MAX], records[CLI_DURATION_MAX];
	struct text next;
	text_init(&next, 65536);
	add_what_next(zone, &next);
	const char *cells[ZONE_COLUMNS] = {
	        string_of(zone, "name"),
	        string_of(zone, "role"),
	        number_text(zone, "serial", serial),
	        state_of(zone),
	        number_text(zone, "records", records),
	        text_string(&secondaries),
	        text_string(&next),
	};
	for (size_t i = 0; i < ZONE_COLUMNS; i++) {
		cells[i] = cells[i] == NULL ? "?" : cells[i];
	}
	cli_table_add(table, ZONE_COLUMNS, cells);
	text_deinit(&next);
	text_deinit(&secondaries);
}

static void print_server(const json_t *server)
{
	char uptime[CLI_DURATION_MAX];
	char memory[CLI_SIZE_MAX];
	const json_t *zones = json_object_get(server, "zones");
	const json_t *queries = json_object_get(server, "queries");
	const json_t *transfers = json_object_get(server, "transfers");
	const char *conf = string_of(server, "configuration");
	printf("Tandem %s, process %lld, running for %s, configured by %s\n", string_of(server, "version"),
	       number_of(server, "pid"), cli_duration((uint64_t)number_of(server, "uptime_s") * 1000, uptime),
	       conf == NULL ? "flags" : conf);
	if (has(server, "configuration_problem")) {
		printf("The configuration was changed, but is not taken: %s\n",
		       string_of(server, "configuration_problem"));
	}
	if (has(server, "store_problem")) {
		printf("At start the store was broken: %s\n", string_of(server, "store_problem"));
	}
	printf("%lld zones: %lld serving, %lld loading, %lld not loaded, %lld expired; %s\n", number_of(zones, "all"),
	       number_of(zones, "serving"), number_of(zones, "loading"), number_of(zones, "not_loaded"),
	       number_of(zones, "expired"), cli_size((uint64_t)number_of(server, "memory_bytes"), memory));
	printf("%lld answers over UDP, %lld over TCP; %lld transfers in, %lld out under way\n",
	       number_of(queries, "udp"), number_of(queries, "tcp"), number_of(transfers, "in"),
	       number_of(transfers, "out"));
}

static void print_zones(const json_t *zones)
{
	static const char *const heading[ZONE_COLUMNS] = {"ZONE",    "ROLE",        "SERIAL",      "STATE",
	                                                  "RECORDS", "SECONDARIES", "WHY AND NEXT"};
	struct cli_table table = {0};
	size_t index;
	json_t *zone;
	cli_table_add(&table, ZONE_COLUMNS, heading);
	json_array_foreach(zones, index, zone)
	{
		add_zone_row(&table, zone);
	}
	putchar('\n');
	cli_table_print(&table, 0);
}

/* Each zone with its lists in place of the one without. A zone that went meanwhile stays as it was. */
static void add_details(const char *socket_path, json_t *zones)
{
	for (size_t i = 0; i < json_array_size(zones) && json_array_size(zones) <= DETAILS_MAX; i++) {
		char *url = cli_zone_url(string_of(json_array_get(zones, i), "name"), "");
		struct control_reply reply;
		if (control_request(socket_path, "GET", url, NULL, 60000, &reply, NULL)) {
			json_t *zone = reply.status == 200 ? json_loadb(reply.body, reply.body_len, 0, NULL) : NULL;
			if (zone != NULL) {
				json_array_set_new(zones, i, zone);
			}
			control_reply_deinit(&reply);
		}
		free(url);
	}
}

static int show_all(const char *socket_path, bool json)
{
	json_t *server = cli_ask(&cli_command_status, socket_path, "GET", "/v1/status", NULL, 60000, NULL);
	json_t *zones = server == NULL ? NULL : cli_ask_zones(&cli_command_status, socket_path);
	int status = zones == NULL ? CLI_NOT_DONE : CLI_DONE;
	if (zones != NULL && json) {
		json_t *both = json_object();
		json_object_set(both, "server", server);
		json_object_set(both, "zones", zones);
		cli_print_json(both);
		json_decref(both);
	} else if (zones != NULL) {
		add_details(socket_path, zones);
		print_server(server);
		print_zones(zones);
	}
	json_decref(zones);
	json_decref(server);
	return status;
}

/* --- One zone ---------------------------------------------------------------------------------------------------- */

static void add_peer(struct text *out, const json_t *peer)
{
	text_add_string(out, string_of(peer, "address") == NULL ? "?" : string_of(peer, "address"));
	if (has(peer, "peer")) {
		text_format(out, " (%s)", string_of(peer, "peer"));
	}
	if (has(peer, "key")) {
		text_format(out, ", key %s", string_of(peer, "key"));
	}
}

static void add_primary_row(struct cli_table *table, const json_t *primary)
{
	struct text name;
	char ago[CLI_DURATION_MAX + 10] = "never asked";
	text_init(&name, 1000);
	add_peer(&name, primary);
	if (has(primary, "ago_ms")) {
		cli_duration((uint64_t)number_of(primary, "ago_ms"), ago);
		strcat(ago, " ago");
	}
	const char *result = string_of(primary, "result");
	const char *cells[PRIMARY_COLUMNS] = {text_string(&name), ago, result == NULL ? "" : result};
	cli_table_add(table, PRIMARY_COLUMNS, cells);
	text_deinit(&name);
}

/* "has serial 7, lag 4ms", "2 serials behind for 3s", "told serial 7 4s ago, acknowledged". */
static void add_secondary_state(struct text *out, const json_t *secondary)
{
	char duration[CLI_DURATION_MAX];
	if (has(secondary, "serial") && number_of(secondary, "serials_behind") > 0) {
		text_format(out, "has serial %lld, %lld behind for %s", number_of(secondary, "serial"),
		            number_of(secondary, "serials_behind"),
		            cli_duration((uint64_t)number_of(secondary, "lag_ms"), duration));
	} else if (has(secondary, "serial")) {
		text_format(out, "has serial %lld, lag %s", number_of(secondary, "serial"),
		            cli_duration((uint64_t)number_of(secondary, "lag_ms"), duration));
	} else {
		text_add_string(out, "its serial is not known");
	}
}

static void add_secondary_row(struct cli_table *table, const json_t *secondary)
{
	struct text name, told, state;
	char duration[CLI_DURATION_MAX];
	text_init(&name, 1000);
	text_init(&told, 1000);
	text_init(&state, 1000);
	add_peer(&name, secondary);
	if (is_true(secondary, "notified")) {
		text_format(&told, "told serial %lld %s ago, %s", number_of(secondary, "serial_notified"),
		            cli_duration((uint64_t)number_of(secondary, "notified_ago_ms"), duration),
		            is_true(secondary, "acknowledged") ? "acknowledged" : "not acknowledged");
	} else if (is_true(secondary, "acknowledged")) {
		text_format(&told, "told serial %lld before this start, acknowledged",
		            number_of(secondary, "serial_notified"));
	} else {
		text_add_string(&told, "not told yet");
	}
	add_secondary_state(&state, secondary);
	const char *problem = string_of(secondary, "problem");
	const char *cells[SECONDARY_COLUMNS] = {text_string(&name), text_string(&told), text_string(&state),
	                                        problem == NULL ? "" : problem};
	cli_table_add(table, SECONDARY_COLUMNS, cells);
	text_deinit(&name);
	text_deinit(&told);
	text_deinit(&state);
}

static void print_peers(const json_t *list, const char *title, void (*add)(struct cli_table *, const json_t *))
{
	struct cli_table table = {0};
	size_t index;
	json_t *peer;
	if (json_array_size(list) == 0) {
		return;
	}
	printf("%s\n", title);
	json_array_foreach(list, index, peer)
	{
		add(&table, peer);
	}
	cli_table_print(&table, 2);
}

static void print_zone(const json_t *zone)
{
	char serial[CLI_DURATION_MAX], ago[CLI_DURATION_MAX], memory[CLI_SIZE_MAX];
	struct cli_table table = {0};
	struct text next;
	text_init(&next, 65536);
	add_what_next(zone, &next);
	const char *const line[1] = {text_string(&next)};
	printf("%s  %s, %s, serial %s", string_of(zone, "name"), string_of(zone, "role"), state_of(zone),
	       number_text(zone, "serial", serial));
	if (has(zone, "owed_serial")) {
		printf(", but %lld is known to exist", number_of(zone, "owed_serial"));
	}
	putchar('\n');
	if (next.len > 0) {
		cli_table_add(&table, 1, line);
		cli_table_print(&table, 2);
	}
	if (has(zone, "alarm")) {
		printf("  alarm: %s\n", string_of(zone, "alarm"));
	}
	if (has(zone, "serial")) {
		printf("  %lld records, %lld names, %s", number_of(zone, "records"), number_of(zone, "names"),
		       cli_size((uint64_t)number_of(zone, "memory_bytes"), memory));
		printf(", published %s ago\n", cli_duration((uint64_t)number_of(zone, "published_ago_ms"), ago));
	}
	if (has(zone, "digest")) {
		printf("  digest %s\n", string_of(zone, "digest"));
	}
	if (has(zone, "store_problem")) {
		printf("  at start %s\n", string_of(zone, "store_problem"));
	}
	if (has(zone, "file")) {
		printf("  file %s\n", string_of(zone, "file"));
	}
	print_peers(json_object_get(zone, "primaries"), "Primaries", add_primary_row);
	print_peers(json_object_get(zone, "secondaries"), "Secondaries", add_secondary_row);
	text_deinit(&next);
}

static int show_zone(const char *socket_path, const char *name, bool json)
{
	char *url = cli_zone_url(name, "");
	json_t *zone = cli_ask(&cli_command_status, socket_path, "GET", url, NULL, 60000, NULL);
	free(url);
	if (zone == NULL) {
		return CLI_NOT_DONE;
	}
	if (json) {
		cli_print_json(zone);
	} else {
		print_zone(zone);
	}
	json_decref(zone);
	return CLI_DONE;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_status, argc, argv, 1, &line, &status)) {
		return status;
	}
	const char *name = cli_operand(&line, 0);
	bool json = cli_has(&line, "json");
	char *socket_path = cli_control_path(&cli_command_status, &line);
	cli_line_deinit(&line);
	if (socket_path == NULL) {
		return CLI_NOT_DONE;
	}
	status = name == NULL ? show_all(socket_path, json) : show_zone(socket_path, name, json);
	free(socket_path);
	return status;
}

const struct cli_command cli_command_status = {
        .name = "status",
        .arguments = "[ZONE]",
        .summary = "Show what the running server and its zones do, why, and what comes next",
        .text = "With ZONE: also its primaries with what came of asking them last, and its secondaries with what they "
                "were\n"
                "told and how far behind they are.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem status\n"
                    "tandem status example.org\n"
                    "tandem status . --json --control /run/tandem/tandem.sock\n",
        .run = run,
};
