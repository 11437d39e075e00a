/* SPDX-License-Identifier: MIT */
/* `tandem check config`: everything that is wrong with a configuration, without running it. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_internal.h"
#include "conf/conf.h"

static const struct cli_option options[] = {
        {"json", 0, NULL, "show the result as JSON"},
};

static void print_json(const struct conf *conf, const struct conf_report *report)
{
	json_t *problems = json_array();
	for (const char *at = text_string(&report->lines); *at != '\0';) {
		size_t len = strcspn(at, "\n");
		json_array_append_new(problems, json_stringn(at, len));
		at += at[len] == '\n' ? len + 1 : len;
	}
	json_t *result = json_object();
	json_object_set_new(result, "valid", json_boolean(conf != NULL));
	json_object_set_new(result, "zones", json_integer(conf == NULL ? 0 : (json_int_t)conf->zone_count));
	json_object_set_new(result, "problem_count", json_integer((json_int_t)report->problem_count));
	json_object_set_new(result, "problems", problems);
	cli_print_json(result);
	json_decref(result);
}

static void print_text(const char *path, const struct conf *conf, const struct conf_report *report)
{
	if (conf == NULL) {
		fputs(text_string(&report->lines), stderr);
		fprintf(stderr, "%s: %zu problem%s%s\n", path, report->problem_count,
		        report->problem_count == 1 ? "" : "s",
		        report->problem_count > CONF_PROBLEMS_SHOWN ? ", of which the first 50 are shown" : "");
		return;
	}
	size_t secondaries = 0;
	for (size_t i = 0; i < conf->zone_count; i++) {
		secondaries += conf_zone_is_secondary(&conf->zones[i]);
	}
	printf("%s: no problem; primary for %zu zone%s, secondary for %zu\n", path, conf->zone_count - secondaries,
	       conf->zone_count - secondaries == 1 ? "" : "s", secondaries);
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_check_config, argc, argv, 1, &line, &status)) {
		return status;
	}
	const char *path = cli_operand(&line, 0);
	bool json = cli_has(&line, "json");
	cli_line_deinit(&line);
	if (path == NULL) {
		return cli_wrong_usage(&cli_command_check_config, "which file?");
	}
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_file(path, &report);
	if (json) {
		print_json(conf, &report);
	} else {
		print_text(path, conf, &report);
	}
	status = conf == NULL ? CLI_NOT_DONE : CLI_DONE;
	conf_unref(conf);
	conf_report_deinit(&report);
	return status;
}

const struct cli_command cli_command_check_config = {
        .name = "check",
        .word = "config",
        .arguments = "FILE",
        .summary = "Check a configuration file",
        .text = "Shows every problem as FILE:LINE:COLUMN: what, why. Exit 1 when there is one. Zone files are not "
                "read:\n"
                "see tandem check zone.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem check config /etc/tandem/tandem.yaml\n",
        .run = run,
};
