/* SPDX-License-Identifier: MIT */
/* `tandem reload` and `tandem stop`: the server as a whole. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli_internal.h"
#include "control/control.h"

static const struct cli_option reload_options[] = {
        CLI_OPTION_WAIT, CLI_OPTION_TIMEOUT, CLI_OPTION_CONTROL, CLI_OPTION_CONFIG, CLI_OPTION_JSON,
};

static const struct cli_option stop_options[] = {
        CLI_OPTION_CONTROL,
        CLI_OPTION_CONFIG,
        CLI_OPTION_JSON,
};

/* One POST, and what came of it. `timeout_ms` 0: as long as it takes. */
static int post(const struct cli_command *command, const struct cli_line *line, const char *url_path, const char *body,
                uint32_t timeout_ms)
{
	char *socket_path = cli_control_path(command, line);
	json_t *reply =
	        socket_path == NULL ? NULL : cli_ask(command, socket_path, "POST", url_path, body, timeout_ms, NULL);
	const char *text = json_string_value(json_object_get(reply, "text"));
	if (reply != NULL && cli_has(line, "json")) {
		cli_print_json(reply);
	} else if (text != NULL) {
		puts(text);
	}
	int status = reply == NULL ? CLI_NOT_DONE : CLI_DONE;
	json_decref(reply);
	free(socket_path);
	return status;
}

static int run_reload(int argc, char **argv)
{
	struct cli_line line;
	char body[100];
	uint32_t timeout_ms;
	int status;
	if (!cli_parse(&cli_command_reload, argc, argv, 0, &line, &status)) {
		return status;
	}
	status = cli_read_timeout(&cli_command_reload, &line, &timeout_ms);
	if (status == CLI_DONE && cli_has(&line, "wait")) {
		snprintf(body, sizeof body, "{\"wait\": true, \"timeout_ms\": %u}", timeout_ms);
		status = post(&cli_command_reload, &line, "/v1/reload", body, timeout_ms + CLI_WAIT_MARGIN_MS);
	} else if (status == CLI_DONE) {
		status = post(&cli_command_reload, &line, "/v1/reload", NULL, 0);
	}
	cli_line_deinit(&line);
	return status;
}

static int run_stop(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_stop, argc, argv, 0, &line, &status)) {
		return status;
	}
	status = post(&cli_command_stop, &line, "/v1/stop", NULL, 0);
	cli_line_deinit(&line);
	return status;
}

const struct cli_command cli_command_reload = {
        .name = "reload",
        .arguments = "",
        .summary = "Have the running server read its configuration and its zone files again",
        .text = "What changed is applied, and only that. A configuration with a problem is refused as a whole, with "
                "all its\n"
                "problems shown; the server goes on with the one that it has.\n"
                "\n"
                "Zone files that changed are read after that. With --wait the command returns when they have been, and "
                "its\n"
                "exit status is 1 when one was not taken; each such zone is named with the reason, and its version "
                "before\n"
                "is served on.\n",
        .options = reload_options,
        .option_count = ARRAY_LENGTH(reload_options),
        .examples = "tandem reload\n"
                    "tandem reload --wait -c /etc/tandem/tandem.yaml\n",
        .run = run_reload,
};

const struct cli_command cli_command_stop = {
        .name = "stop",
        .arguments = "",
        .summary = "Stop the running server",
        .options = stop_options,
        .option_count = ARRAY_LENGTH(stop_options),
        .examples = "tandem stop --control /run/tandem/tandem.sock\n",
        .run = run_stop,
};
