/* SPDX-License-Identifier: MIT */
/* `tandem backup`: a copy of the data folder, by the running server or, where there is none, by ourselves. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli_internal.h"
#include "conf/conf.h"
#include "control/control.h"
#include "store/store.h"

static const struct cli_option options[] = {
        {"data-dir", 0, "DIR", "copy this data folder, which no server has open, and ask nobody"},
        CLI_OPTION_CONTROL,
        CLI_OPTION_CONFIG,
        CLI_OPTION_JSON,
};

/* The server is somewhere else. For free(). */
static char *absolute(const char *path)
{
	char *folder = *path == '/' ? NULL : getcwd(NULL, 0);
	char *whole = memory_new((folder == NULL ? 0 : strlen(folder)) + strlen(path) + 2);
	if (folder == NULL) {
		strcpy(whole, path);
	} else {
		sprintf(whole, "%s/%s", folder, path);
	}
	free(folder);
	return whole;
}

/* What came of it, as the server tells it. */
static int tell(const json_t *reply, bool json)
{
	json_int_t zones = json_integer_value(json_object_get(reply, "zones"));
	json_int_t left_out = json_integer_value(json_object_get(reply, "left_out"));
	const char *problem = json_string_value(json_object_get(reply, "problem"));
	if (json) {
		cli_print_json(reply);
	} else {
		printf("%" JSON_INTEGER_FORMAT " zone%s backed up to %s\n", zones, zones == 1 ? "" : "s",
		       json_string_value(json_object_get(reply, "folder")));
	}
	if (left_out == 0) {
		return CLI_DONE;
	}
	return cli_not_done(&cli_command_backup, "%" JSON_INTEGER_FORMAT " left out: %s", left_out,
	                    problem == NULL ? "the server says no reason" : problem);
}

/* ---- without a server ---- */

static int copy_folder(const char *data_dir, const char *folder, bool json)
{
	struct error error;
	struct store_backup_counts counts;
	struct store *store = store_open_as_is(data_dir, &error);
	if (store == NULL) {
		return cli_not_done(&cli_command_backup, "%s", error.text);
	}
	bool done = store_backup(store, folder, NULL, &counts, &error);
	store_close(store);
	if (!done) {
		return cli_not_done(&cli_command_backup, "%s", error.text);
	}
	json_t *reply = json_pack("{s:b, s:s, s:I, s:I, s:I, s:s?}", "done", 1, "folder", folder, "zones",
	                          (json_int_t)counts.zones, "images", (json_int_t)counts.images, "left_out",
	                          (json_int_t)counts.left_out, "problem", counts.left_out == 0 ? NULL : counts.why);
	int status = reply == NULL ? cli_not_done(&cli_command_backup, "%s is no UTF-8; the backup is done", folder)
	                           : tell(reply, json);
	json_decref(reply);
	return status;
}

/* The configuration of the server that is not there; NULL: nobody says which one it is. */
static const char *config_of(const struct cli_line *line)
{
	bool is_named = cli_has(line, "control") || getenv("TANDEM_CONTROL") != NULL;
	const char *path = cli_value(line, "config");
	return path != NULL || is_named ? path : cli_config_default();
}

static int copy_configured(const struct cli_line *line, const char *folder, const struct error *no_server)
{
	const char *path = config_of(line);
	if (path == NULL) {
		return cli_not_done(&cli_command_backup, "%s, or the data folder itself with --data-dir",
		                    no_server->text);
	}
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_file(path, &report);
	int status = CLI_NOT_DONE;
	if (conf == NULL) {
		fputs(text_string(&report.lines), stderr);
	} else {
		status = copy_folder(conf->server.data_dir, folder, cli_has(line, "json"));
	}
	conf_unref(conf);
	conf_report_deinit(&report);
	return status;
}

/* ---- by the server ---- */

static int tell_reply(const struct control_reply *reply, bool json)
{
	json_t *value = json_loadb(reply->body, reply->body_len, 0, NULL);
	const char *text = json_string_value(json_object_get(json_object_get(value, "error"), "text"));
	int status;
	if (value != NULL && reply->status == 200) {
		status = tell(value, json);
	} else {
		status = cli_not_done(&cli_command_backup, "%s",
		                      text == NULL ? "the server makes no backup and gives no reason" : text);
	}
	json_decref(value);
	return status;
}

static int ask_server(const struct cli_line *line, const char *socket_path, const char *folder)
{
	struct error error;
	struct control_reply reply;
	json_t *body = json_pack("{s:s}", "folder", folder);
	if (body == NULL) {
		return cli_not_done(&cli_command_backup, "%s is no UTF-8", folder);
	}
	char *text = json_dumps(body, JSON_COMPACT);
	bool is_answered = control_request(socket_path, "POST", "/v1/backup", text, 0, &reply, &error);
	free(text);
	json_decref(body);
	if (!is_answered) {
		return error.code == ERROR_NOT_FOUND ? copy_configured(line, folder, &error)
		                                     : cli_not_done(&cli_command_backup, "%s", error.text);
	}
	int status = tell_reply(&reply, cli_has(line, "json"));
	control_reply_deinit(&reply);
	return status;
}

static int with_line(const struct cli_line *line)
{
	const char *data_dir = cli_value(line, "data-dir");
	if (cli_operand(line, 0) == NULL) {
		return cli_wrong_usage(&cli_command_backup, "to which folder?");
	}
	char *folder = absolute(cli_operand(line, 0));
	char *socket_path = data_dir != NULL ? NULL : cli_control_path(&cli_command_backup, line);
	int status = CLI_NOT_DONE;
	if (data_dir != NULL) {
		status = copy_folder(data_dir, folder, cli_has(line, "json"));
	} else if (socket_path != NULL) {
		status = ask_server(line, socket_path, folder);
	}
	free(socket_path);
	free(folder);
	return status;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_backup, argc, argv, 1, &line, &status)) {
		return status;
	}
	status = with_line(&line);
	cli_line_deinit(&line);
	return status;
}

const struct cli_command cli_command_backup = {
        .name = "backup",
        .arguments = "DIR",
        .summary = "Copy what the server keeps on disk, while it runs",
        .text = "DIR is made if need be and must be empty. Each zone is in it as it was at one moment, with its "
                "history,\n"
                "serials and timers; a server that is started with DIR as its data-dir goes on from there. Zone files "
                "and\n"
                "the configuration are not part of it. The server writes it, as the user that it runs as. On the file\n"
                "system of the data folder, files of large zones are shared by hard links.\n"
                "\n"
                "Where no server runs, the data folder that the configuration names is copied. A zone whose stored\n"
                "version is broken is left out and named, and the exit status is 1.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem backup /var/backups/tandem/monday\n"
                    "tandem backup --data-dir /var/lib/tandem /mnt/copy  no server runs\n"
                    "tandem check store /var/backups/tandem/monday       is it whole?\n",
        .run = run,
};
