/* SPDX-License-Identifier: MIT */
/* `tandem zone`: orders to the running server about zones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "cli/cli_internal.h"
#include "control/control.h"

static const struct cli_option options[] = {
        CLI_OPTION_WAIT,
        CLI_OPTION_TIMEOUT,
        {"all", 0, NULL, "every zone of the server"},
        {"output", 'o', "FILE", "export: write the zone here, not to its file; - is standard output"},
        CLI_OPTION_JSON,
        CLI_OPTION_CONTROL,
        CLI_OPTION_CONFIG,
};

/* One run of the command. */
struct zone_run {
	const struct cli_line *line;
	const char *socket_path;
	enum control_action action; /* where it is not `why` */
	bool asks_why;
	bool json;
	bool wait;
	uint32_t timeout_ms;
	json_t *results; /* of --json */
};

/* --- list -------------------------------------------------------------------------------------------------------- */

static int list_zones(const char *socket_path, bool json)
{
	json_t *zones = cli_ask_zones(&cli_command_zone, socket_path);
	size_t index;
	json_t *zone;
	if (zones == NULL) {
		return CLI_NOT_DONE;
	}
	if (json) {
		cli_print_json(zones);
	} else {
		json_array_foreach(zones, index, zone)
		{
			puts(json_string_value(json_object_get(zone, "name")));
		}
	}
	json_decref(zones);
	return CLI_DONE;
}

/* --- why --------------------------------------------------------------------------------------------------------- */

static bool tell_why(struct zone_run *run, const char *zone)
{
	char *url = cli_zone_url(zone, "/why");
	json_t *reply = cli_ask(&cli_command_zone, run->socket_path, "GET", url, NULL, 60000, zone);
	size_t index;
	json_t *sentence;
	free(url);
	if (reply == NULL) {
		return false;
	}
	if (run->json) {
		json_array_append(run->results, reply);
	} else {
		printf("%s\n", json_string_value(json_object_get(reply, "name")));
		json_array_foreach(json_object_get(reply, "why"), index, sentence)
		{
			printf("  %s\n", json_string_value(sentence));
		}
	}
	json_decref(reply);
	return true;
}

/* --- export to a place of our own -------------------------------------------------------------------------------- */

static bool download(const char *socket_path, const char *url, FILE *out)
{
	struct error error;
	struct control_reply reply;
	if (!control_download(socket_path, url, out, &reply, &error)) {
		cli_not_done(&cli_command_zone, "%s", error.text);
		return false;
	}
	bool fine = reply.status == 200;
	if (!fine) {
		json_t *body = json_loadb(reply.body, reply.body_len, 0, NULL);
		const char *text = json_string_value(json_object_get(json_object_get(body, "error"), "text"));
		cli_not_done(&cli_command_zone, "%s", text == NULL ? "the server gives no zone and no reason" : text);
		json_decref(body);
	}
	control_reply_deinit(&reply);
	return fine;
}

static bool download_to_file(const char *socket_path, const char *url, const char *path)
{
	FILE *out = fopen(path, "we");
	if (out == NULL) {
		cli_not_done(&cli_command_zone, "%s: %s", path, strerror(errno));
		return false;
	}
	bool fine = download(socket_path, url, out);
	if (fclose(out) != 0 && fine) {
		cli_not_done(&cli_command_zone, "%s: %s", path, strerror(errno));
		return false;
	}
	return fine;
}

static bool export_here(const struct zone_run *run, const char *zone, const char *path)
{
	char *url = cli_zone_url(zone, "/text");
	bool to_stdout = strcmp(path, "-") == 0;
	bool fine = to_stdout ? download(run->socket_path, url, stdout) : download_to_file(run->socket_path, url, path);
	free(url);
	return fine;
}

/* --- Orders ------------------------------------------------------------------------------------------------------ */

static void tell_result(struct zone_run *run, const char *zone, json_t *reply)
{
	const char *text = json_string_value(json_object_get(reply, "text"));
	if (run->json) {
		json_object_set_new(reply, "zone", json_string(zone));
		json_array_append(run->results, reply);
	} else {
		printf("%s: %s\n", zone, text != NULL ? text : run->wait ? "done" : "accepted");
	}
}

static bool order_zone(struct zone_run *run, const char *zone)
{
	if (run->asks_why) {
		return tell_why(run, zone);
	}
	char rest[32];
	char body[100];
	snprintf(rest, sizeof rest, "/%s", control_action_name(run->action));
	snprintf(body, sizeof body, "{\"wait\": %s, \"timeout_ms\": %u}", run->wait ? "true" : "false",
	         run->timeout_ms);
	char *url = cli_zone_url(zone, rest);
	json_t *reply = cli_ask(&cli_command_zone, run->socket_path, "POST", url, body,
	                        run->timeout_ms + CLI_WAIT_MARGIN_MS, zone);
	if (reply != NULL) {
		tell_result(run, zone, reply);
	}
	bool fine = reply != NULL;
	json_decref(reply);
	free(url);
	return fine;
}

static bool order_all(struct zone_run *run)
{
	json_t *zones = cli_ask_zones(&cli_command_zone, run->socket_path);
	bool fine = zones != NULL;
	size_t index;
	json_t *zone;
	json_array_foreach(zones, index, zone)
	{
		fine = order_zone(run, json_string_value(json_object_get(zone, "name"))) && fine;
	}
	json_decref(zones);
	return fine;
}

static bool order_named(struct zone_run *run)
{
	bool fine = true;
	const char *output = cli_value(run->line, "output");
	for (size_t i = 1; i < cli_operand_count(run->line); i++) {
		const char *zone = cli_operand(run->line, i);
		fine = (output != NULL ? export_here(run, zone, output) : order_zone(run, zone)) && fine;
	}
	return fine;
}

static int give_orders(struct zone_run *run)
{
	run->results = json_array();
	bool fine = cli_has(run->line, "all") ? order_all(run) : order_named(run);
	if (run->json) {
		cli_print_json(run->results);
	}
	json_decref(run->results);
	return fine ? CLI_DONE : CLI_NOT_DONE;
}

/* --- Usage ------------------------------------------------------------------------------------------------------- */

static int unknown_action(const char *word)
{
	struct suggestion suggestion = suggestion_for(word);
	suggestion_try(&suggestion, "list");
	suggestion_try(&suggestion, "why");
	for (size_t i = 0; i < CONTROL_ACTIONS; i++) {
		suggestion_try(&suggestion, control_action_name((enum control_action)i));
	}
	return suggestion.best == NULL ? cli_wrong_usage(&cli_command_zone, "unknown action '%s'", word)
	                               : cli_wrong_usage(&cli_command_zone, "unknown action '%s', did you mean '%s'?",
	                                                 word, suggestion.best);
}

/* CLI_DONE: the words make sense together. */
static int check_words(const struct cli_line *line, struct zone_run *run)
{
	const char *word = cli_operand(line, 0);
	bool list = strcmp(word, "list") == 0;
	size_t zones = cli_operand_count(line) - 1;
	run->asks_why = strcmp(word, "why") == 0;
	if (!list && !run->asks_why && !control_action_from_name(word, &run->action)) {
		return unknown_action(word);
	}
	if (list && (zones > 0 || cli_has(line, "all"))) {
		return cli_wrong_usage(&cli_command_zone, "list shows all zones and takes none");
	}
	if (!list && !run->asks_why && run->action == CONTROL_FORGET && cli_has(line, "all")) {
		return cli_wrong_usage(&cli_command_zone,
		                       "forget takes zones that are configured no more, --all is those that are");
	}
	if (!list && (zones == 0) != cli_has(line, "all")) {
		return cli_wrong_usage(&cli_command_zone, "%s needs either zones or --all", word);
	}
	if (cli_has(line, "output") && (list || run->asks_why || run->action != CONTROL_EXPORT || zones != 1)) {
		return cli_wrong_usage(&cli_command_zone, "--output is for the export of one zone");
	}
	return cli_read_timeout(&cli_command_zone, line, &run->timeout_ms);
}

static int run_line(const struct cli_line *line)
{
	struct zone_run run = {.line = line, .json = cli_has(line, "json"), .wait = cli_has(line, "wait")};
	if (cli_operand(line, 0) == NULL) {
		return cli_wrong_usage(&cli_command_zone, "which action?");
	}
	int status = check_words(line, &run);
	if (status != CLI_DONE) {
		return status;
	}
	char *socket_path = cli_control_path(&cli_command_zone, line);
	if (socket_path == NULL) {
		return CLI_NOT_DONE;
	}
	run.socket_path = socket_path;
	bool list = strcmp(cli_operand(line, 0), "list") == 0;
	status = list ? list_zones(socket_path, run.json) : give_orders(&run);
	free(socket_path);
	return status;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_zone, argc, argv, SIZE_MAX, &line, &status)) {
		return status;
	}
	status = run_line(&line);
	cli_line_deinit(&line);
	return status;
}

const struct cli_command cli_command_zone = {
        .name = "zone",
        .arguments = "ACTION [ZONE]...",
        .summary = "Ask the running server about zones, and give it orders",
        .text = "Actions:\n"
                "  list         names of all zones\n"
                "  why          what is served, since when, from whom; what was tried last; what happens next\n"
                "  reload       primary: read the zone file again; secondary: ask the primaries\n"
                "  refresh      secondary: ask the primaries for a newer version now\n"
                "  retransfer   secondary: fetch the whole zone, whatever its serial\n"
                "  notify       tell all secondaries now\n"
                "  flush        write what is served to disk now\n"
                "  export       secondary: write the zone to its file; any zone with -o FILE\n"
                "  forget       remove what is stored of a zone that is configured no more\n"
                "\n"
                "Without --wait the command returns when the order is accepted. With several zones each is done, and "
                "the\n"
                "exit status is 1 when one of them failed. `forget` tells when it is done what was removed; which "
                "serials "
                "of\n"
                "a primary were given stays noted, so that none comes again with other content.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem zone list\n"
                    "tandem zone why example.org\n"
                    "tandem zone reload --wait example.org\n"
                    "tandem zone retransfer --wait --timeout 600 .\n"
                    "tandem zone export -o - example.org\n"
                    "tandem zone forget gone.example             it has left the configuration for good\n",
        .run = run,
};
