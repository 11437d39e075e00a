/* SPDX-License-Identifier: MIT */
/* `tandem serve`: builds the configuration and hands it to the server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli_internal.h"
#include "conf/conf.h"
#include "server/server.h"

static const struct cli_option options[] = {
        {"config", 'c', "FILE", "configuration; default: tandem.yaml, else /etc/tandem/tandem.yaml"},
        {"zone", 0, "NAME=FILE", "serve a zone from a file; may be repeated"},
        {"follow", 0, "NAME=ADDR[@PORT]", "serve a copy of a zone from that primary; may be repeated"},
        {"allow-transfer", 0, "PREFIX", "who may fetch the zones; may be repeated"},
        {"notify", 0, "ADDR[@PORT]", "whom to tell of new versions; may be repeated"},
        {"listen", 0, "ADDR@PORT", "where to answer; may be repeated; default 0.0.0.0@53 and ::@53"},
        {"data-dir", 0, "DIR", "folder for what survives a restart; default tandem-data"},
        {"control", 0, "PATH", "UNIX socket for status and control; default tandem.sock"},
};

static const struct {
	const char *name;
	enum conf_flag_kind kind;
} flag_kinds[] = {
        {"zone", CONF_FLAG_ZONE},       {"follow", CONF_FLAG_FOLLOW}, {"allow-transfer", CONF_FLAG_ALLOW_TRANSFER},
        {"notify", CONF_FLAG_NOTIFY},   {"listen", CONF_FLAG_LISTEN}, {"data-dir", CONF_FLAG_DATA_DIR},
        {"control", CONF_FLAG_CONTROL},
};

static enum conf_flag_kind flag_kind(const char *name)
{
	size_t i = 0;
	while (i < ARRAY_LENGTH(flag_kinds) && strcmp(flag_kinds[i].name, name) != 0) {
		i++;
	}
	ensure(i < ARRAY_LENGTH(flag_kinds));
	return flag_kinds[i].kind;
}

/* All words but -c; gives how many. */
static size_t collect_flags(const struct cli_line *line, struct conf_flag *flags)
{
	size_t count = 0;
	for (size_t i = 0; i < line->count; i++) {
		const struct cli_word *word = &line->words[i];
		if (strcmp(word->option->name, "config") != 0) {
			flags[count++] =
			        (struct conf_flag){.kind = flag_kind(word->option->name), .value = word->value};
		}
	}
	return count;
}

static struct conf *read_flags(const struct conf_flag *flags, size_t count, struct conf_report *report)
{
	char *folder = getcwd(NULL, 0);
	struct conf *conf = conf_from_flags(flags, count, folder == NULL ? "/" : folder, report);
	free(folder);
	return conf;
}

/* NULL: told. */
static struct conf *read_configuration(const struct cli_line *line, const struct conf_flag *flags, size_t flag_count,
                                       int *status)
{
	const char *path = cli_value(line, "config");
	struct conf_report report;
	if (path != NULL && flag_count > 0) {
		*status = cli_wrong_usage(&cli_command_serve, "either -c FILE or flags, not both");
		return NULL;
	}
	path = path == NULL && flag_count == 0 ? cli_config_default() : path;
	conf_report_init(&report);
	struct conf *conf = path != NULL ? conf_read_file(path, &report) : read_flags(flags, flag_count, &report);
	if (conf == NULL) {
		fputs(text_string(&report.lines), stderr);
		*status = path != NULL ? CLI_NOT_DONE : CLI_WRONG_USAGE;
	}
	conf_report_deinit(&report);
	return conf;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_serve, argc, argv, 0, &line, &status)) {
		return status;
	}
	server_hold_signals();
	struct conf_flag *flags = memory_new_array(line.count + 1, sizeof *flags);
	size_t count = collect_flags(&line, flags);
	struct conf *conf = read_configuration(&line, flags, count, &status);
	free(flags);
	cli_line_deinit(&line);
	return conf == NULL ? status : server_run(conf);
}

const struct cli_command cli_command_serve = {
        .name = "serve",
        .arguments = "",
        .summary = "Run the server in the foreground",
        .text = "With a configuration file, or with flags alone. Ends with SIGTERM or SIGINT; SIGHUP has the "
                "configuration\n"
                "and the zone files read again. Relative paths of flags resolve against the current folder. Zones "
                "that\n"
                "are followed keep their copies in the data folder, and are served from there while a primary is "
                "gone.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem serve -c /etc/tandem/tandem.yaml\n"
                    "tandem serve --zone example.org=example.org.zone --listen 127.0.0.1@5300 --allow-transfer "
                    "127.0.0.0/8 --notify 127.0.0.1@5301\n"
                    "tandem serve --follow example.org=127.0.0.1@5300 --listen 127.0.0.1@5301 --data-dir second "
                    "--control second.sock\n",
        .run = run,
};
