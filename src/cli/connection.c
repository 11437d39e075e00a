/* SPDX-License-Identifier: MIT */
/* The way to a running server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli_internal.h"
#include "conf/conf.h"
#include "control/control.h"

static const char *const config_places[] = {"tandem.yaml", "/etc/tandem/tandem.yaml"};

const char *cli_config_default(void)
{
	for (size_t i = 0; i < ARRAY_LENGTH(config_places); i++) {
		if (access(config_places[i], F_OK) == 0) {
			return config_places[i];
		}
	}
	return NULL;
}

char *cli_control_path(const struct cli_command *command, const struct cli_line *line)
{
	struct error error;
	const char *path = cli_value(line, "control");
	const char *config = cli_value(line, "config");
	if (path == NULL && config == NULL) {
		path = getenv("TANDEM_CONTROL");
	}
	if (path == NULL && config == NULL && access("tandem.sock", F_OK) == 0) {
		path = "tandem.sock";
	}
	if (path != NULL) {
		return memory_copy_text(path);
	}
	config = config == NULL ? cli_config_default() : config;
	if (config == NULL) {
		cli_not_done(command,
		             "no server is known here: there is neither tandem.sock, tandem.yaml nor "
		             "/etc/tandem/tandem.yaml; name its socket with --control PATH or its configuration with "
		             "-c FILE");
		return NULL;
	}
	char *control = conf_find_control(config, &error);
	if (control == NULL) {
		cli_not_done(command, "%s; name the socket of the server with --control PATH", error.text);
	}
	return control;
}

int cli_read_timeout(const struct cli_command *command, const struct cli_line *line, uint32_t *timeout_ms)
{
	const char *text = cli_value(line, "timeout");
	*timeout_ms = CONTROL_WAIT_MS_DEFAULT;
	if (text == NULL) {
		return CLI_DONE;
	}
	char *end;
	double seconds = strtod(text, &end);
	if (*text == '\0' || *end != '\0' || !(seconds >= 0.001 && seconds * 1000 <= CONTROL_WAIT_MS_MAX)) {
		return cli_wrong_usage(command, "--timeout takes a number of seconds from 0.001 to 3600");
	}
	*timeout_ms = (uint32_t)(seconds * 1000);
	return CLI_DONE;
}

/* What the server says about a failure, as it is for people. */
static void tell_failure(const struct cli_command *command, const struct control_reply *reply, const json_t *body,
                         const char *subject)
{
	const char *text = NULL;
	const json_t *error = json_object_get(body, "error");
	text = json_string_value(json_object_get(error, "text"));
	const char *separator = subject == NULL ? "" : ": ";
	subject = subject == NULL ? "" : subject;
	if (text != NULL) {
		cli_not_done(command, "%s%s%s", subject, separator, text);
	} else {
		cli_not_done(command, "%s%sthe server answers with HTTP status %ld and without a reason", subject,
		             separator, reply->status);
	}
}

json_t *cli_ask(const struct cli_command *command, const char *socket_path, const char *method, const char *url_path,
                const char *body, uint32_t timeout_ms, const char *subject)
{
	struct error error;
	struct control_reply reply;
	if (!control_request(socket_path, method, url_path, body, timeout_ms, &reply, &error)) {
		cli_not_done(command, "%s", error.text);
		return NULL;
	}
	json_t *value = json_loadb(reply.body, reply.body_len, 0, NULL);
	bool fine = reply.status >= 200 && reply.status < 300 && value != NULL;
	if (!fine) {
		tell_failure(command, &reply, value, subject);
		json_decref(value);
		value = NULL;
	}
	control_reply_deinit(&reply);
	return value;
}

char *cli_zone_url(const char *zone, const char *rest)
{
	struct text url;
	text_init(&url, 65536);
	text_add_string(&url, "/v1/zones/");
	control_zone_segment(zone, &url);
	text_add_string(&url, rest);
	char *copy = memory_copy_text(text_string(&url));
	text_deinit(&url);
	return copy;
}

static char *page_url(const char *after)
{
	struct text url;
	text_init(&url, 65536);
	text_add_string(&url, "/v1/zones");
	if (after != NULL) {
		text_add_string(&url, "?after=");
		control_zone_segment(after, &url);
	}
	char *copy = memory_copy_text(text_string(&url));
	text_deinit(&url);
	return copy;
}

json_t *cli_ask_zones(const struct cli_command *command, const char *socket_path)
{
	json_t *all = json_array();
	json_t *page = NULL;
	const char *after = NULL;
	do {
		char *url = page_url(after);
		json_decref(page);
		page = cli_ask(command, socket_path, "GET", url, NULL, 60000, NULL);
		free(url);
		if (page == NULL) {
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, json_object_get(page, "zones"));
		after = json_string_value(json_object_get(page, "next"));
	} while (after != NULL);
	json_decref(page);
	return all;
}

void cli_print_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2));
	ensure(text != NULL);
	puts(text);
	free(text);
}
