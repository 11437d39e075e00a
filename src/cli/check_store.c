/* SPDX-License-Identifier: MIT */
/* `tandem check store`: what of a data folder or a backup is damaged, without changing it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/cli_internal.h"
#include "conf/conf.h"
#include "dns/name.h"
#include "store/store.h"

static const struct cli_option options[] = {
        {"config", 'c', "FILE", "also name zones that this configuration does not have"},
        {"json", 0, NULL, "show the result as JSON"},
};

struct store_checking {
	struct store_check_sink sink; /* first */
	const struct conf *conf;      /* NULL: none was given */
	json_t *problems;             /* of --json; else NULL */
	json_t *notes;
	size_t problem_count;
	size_t note_count;
};

/* How many octets of UTF-8 make one character here; 0: they are none. Too long forms and surrogates are none (RFC 3629 3). */
static size_t character_len(const unsigned char *at)
{
	static const struct {
		unsigned char least, most; /* the first octet */
		unsigned char least_second, most_second;
		size_t len;
	} forms[] = {
	        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
		if (at[0] < forms[i].least || at[0] > forms[i].most || at[1] < forms[i].least_second ||
		    at[1] > forms[i].most_second) {
			continue;
		}
		bool has_third = forms[i].len < 3 || (at[2] & 0xc0) == 0x80;
		bool has_fourth = forms[i].len < 4 || (has_third && (at[3] & 0xc0) == 0x80);
		return has_third && has_fourth ? forms[i].len : 0;
	}
	return 0;
}

/* A path may be any octets, and JSON is text: an octet that is no part of UTF-8 is written as \xHH, and a backslash twice. */
static json_t *json_of_octets(const char *octets)
{
	char *text = memory_new(4 * strlen(octets) + 1);
	char *to = text;
	for (const unsigned char *at = (const unsigned char *)octets; *at != '\0';) {
		size_t len = character_len(at);
		if (len == 0 || *at == '\\') {
			to += len == 0 ? sprintf(to, "\\x%02x", *at) : sprintf(to, "\\\\");
			at++;
			continue;
		}
		memcpy(to, at, len);
		to += len;
		at += len;
	}
	json_t *value = json_stringn(text, (size_t)(to - text));
	free(text);
	return value;
}

static void add_finding(json_t *list, const char *zone, const char *what, const char *then)
{
	json_t *row = json_object();
	json_object_set_new(row, "zone", zone == NULL ? json_null() : json_string(zone));
	json_object_set_new(row, "what", json_of_octets(what));
	json_object_set_new(row, "then", json_string(then));
	json_array_append_new(list, row);
}

static void take_finding(struct store_check_sink *self, const struct store_finding *finding)
{
	struct store_checking *checking = (struct store_checking *)self;
	char text[DNS_NAME_TEXT_MAX];
	const char *zone = finding->apex == NULL ? NULL : dns_name_to_text_short(finding->apex, text);
	const char *kind = finding->is_problem ? "" : "note: ";
	checking->problem_count += finding->is_problem;
	checking->note_count += !finding->is_problem;
	if (checking->problems != NULL) {
		add_finding(finding->is_problem ? checking->problems : checking->notes, zone, finding->what,
		            finding->then);
	} else if (zone != NULL) {
		fprintf(stderr, "%szone %s: %s; %s\n", kind, zone, finding->what, finding->then);
	} else {
		fprintf(stderr, "%s%s; %s\n", kind, finding->what, finding->then);
	}
}

static void see_zone(struct store_check_sink *self, const uint8_t *apex, const struct store_head *head)
{
	const struct store_checking *checking = (const struct store_checking *)self;
	char text[DNS_NAME_TEXT_MAX];
	(void)head;
	if (checking->conf != NULL && conf_find_zone(checking->conf, dns_name_to_text(apex, text)) == NULL) {
		take_finding(self, &(struct store_finding){.apex = apex,
		                                           .what = "is not in the configuration",
		                                           .then = "its data stay, and are served again when it is; "
		                                                   "`tandem zone forget` removes them"});
	}
}

static void print_result(const struct store_checking *checking, const char *folder,
                         const struct store_check_counts *counts)
{
	bool is_good = checking->problem_count == 0;
	if (checking->problems == NULL) {
		fprintf(is_good ? stdout : stderr,
		        "%s: %" PRIu64 " zone%s, of which %" PRIu64 " whole, %" PRIu64 " values, %" PRIu64
		        " images; %zu problem%s, %zu note%s\n",
		        folder, counts->zones, counts->zones == 1 ? "" : "s", counts->whole, counts->values,
		        counts->images, checking->problem_count, checking->problem_count == 1 ? "" : "s",
		        checking->note_count, checking->note_count == 1 ? "" : "s");
		return;
	}
	json_t *result = json_object();
	json_object_set_new(result, "folder", json_of_octets(folder));
	json_object_set_new(result, "good", json_boolean(is_good));
	json_object_set_new(result, "zones", json_integer((json_int_t)counts->zones));
	json_object_set_new(result, "whole", json_integer((json_int_t)counts->whole));
	json_object_set_new(result, "values", json_integer((json_int_t)counts->values));
	json_object_set_new(result, "images", json_integer((json_int_t)counts->images));
	json_object_set(result, "problems", checking->problems);
	json_object_set(result, "notes", checking->notes);
	cli_print_json(result);
	json_decref(result);
}

/* A file that LMDB cannot be trusted with is a finding like others. */
static void tell_broken(struct store_checking *checking, const struct error *error)
{
	take_finding(
	        &checking->sink,
	        &(struct store_finding){
	                .is_problem = true,
	                .what = error->text,
	                .then = "put a backup in its place, or start the server: it sets the file aside and begins "
	                        "anew with its images, zone files and primaries, and no longer knows the last "
	                        "serials"});
}

static int check_folder(struct store_checking *checking, const char *folder)
{
	struct error error;
	struct store_check_counts counts = {0};
	struct store *store = store_open_as_is(folder, &error);
	bool done = true;
	if (store != NULL) {
		done = store_check(store, &checking->sink, &counts, &error);
		store_close(store);
	} else if (error.code == ERROR_INVALID) {
		tell_broken(checking, &error);
	} else {
		done = false;
	}
	if (!done) {
		const char *advice = error.code == ERROR_EXISTS ? "; stop it, or check a backup" : "";
		return cli_not_done(&cli_command_check_store, "%s%s", error.text, advice);
	}
	print_result(checking, folder, &counts);
	return checking->problem_count == 0 ? CLI_DONE : CLI_NOT_DONE;
}

static int with_conf(const struct cli_line *line, struct conf *conf)
{
	bool json = cli_has(line, "json");
	struct store_checking checking = {
	        .sink = {.tell = take_finding, .see = see_zone},
	        .conf = conf,
	        .problems = json ? json_array() : NULL,
	        .notes = json ? json_array() : NULL,
	};
	int status = check_folder(&checking, cli_operand(line, 0));
	json_decref(checking.problems);
	json_decref(checking.notes);
	return status;
}

static int with_line(const struct cli_line *line)
{
	const char *path = cli_value(line, "config");
	if (cli_operand(line, 0) == NULL) {
		return cli_wrong_usage(&cli_command_check_store, "which folder?");
	}
	if (path == NULL) {
		return with_conf(line, NULL);
	}
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_file(path, &report);
	if (conf == NULL) {
		fputs(text_string(&report.lines), stderr);
	}
	int status = conf == NULL ? CLI_NOT_DONE : with_conf(line, conf);
	conf_unref(conf);
	conf_report_deinit(&report);
	return status;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_check_store, argc, argv, 1, &line, &status)) {
		return status;
	}
	status = with_line(&line);
	cli_line_deinit(&line);
	return status;
}

const struct cli_command cli_command_check_store = {
        .name = "check",
        .word = "store",
        .arguments = "DIR",
        .summary = "Check a data folder that no server has open, or a backup",
        .text = "Reads all of it: checksums and forms of every value and image, and whether each zone's records and "
                "changes\n"
                "lead to the version that was published last. Says for each zone what is damaged, what comes of it and "
                "what\n"
                "to do; notes are about what only takes room. Nothing is changed. Exit 1 when there is a problem.\n"
                "With --json, octets of paths that are not UTF-8 are written as \\xHH, and a backslash twice.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem check store /var/lib/tandem\n"
                    "tandem check store /var/backups/tandem/monday --json\n"
                    "tandem check store tandem-data -c tandem.yaml        also zones that are configured no more\n",
        .run = run,
};
