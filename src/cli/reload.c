/* SPDX-License-Identifier: MIT */
/* `tandem reload` and `tandem stop`: the server as a whole. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli_internal.h"

static const struct cli_option options[] = {
        CLI_OPTION_CONTROL,
        CLI_OPTION_CONFIG,
        CLI_OPTION_JSON,
};

/* One POST without a body, and what came of it. */
static int post(const struct cli_command *command, const char *url_path, int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(command, argc, argv, 0, &line, &status)) {
		return status;
	}
	char *socket_path = cli_control_path(command, &line);
	json_t *reply = socket_path == NULL ? NULL : cli_ask(command, socket_path, "POST", url_path, NULL, 0, NULL);
	const char *text = json_string_value(json_object_get(reply, "text"));
	if (reply != NULL && cli_has(&line, "json")) {
		cli_print_json(reply);
	} else if (text != NULL) {
		puts(text);
	}
	status = reply == NULL ? CLI_NOT_DONE : CLI_DONE;
	json_decref(reply);
	free(socket_path);
	cli_line_deinit(&line);
	return status;
}

static int run_reload(int argc, char **argv)
{
	return post(&cli_command_reload, "/v1/reload", argc, argv);
}

static int run_stop(int argc, char **argv)
{
	return post(&cli_command_stop, "/v1/stop", argc, argv);
}

const struct cli_command cli_command_reload = {
        .name = "reload",
        .arguments = "",
        .summary = "Have the running server read its configuration and its zone files again",
        .text = "What changed is applied, and only that. A configuration with a problem is refused as a whole, with "
                "all its\n"
                "problems shown; the server goes on with the one that it has.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem reload\n"
                    "tandem reload -c /etc/tandem/tandem.yaml\n",
        .run = run_reload,
};

const struct cli_command cli_command_stop = {
        .name = "stop",
        .arguments = "",
        .summary = "Stop the running server",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem stop --control /run/tandem/tandem.sock\n",
        .run = run_stop,
};
