/* SPDX-License-Identifier: MIT */
/* `tandem check zone`: reads a zone file as a primary does and says what is wrong with it, without a server. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli_internal.h"
#include "dns/name.h"
#include "dns/type.h"
#include "publish/canonical.h"
#include "publish/check.h"
#include "publish/zonemd.h"
#include "source/source.h"

/* Longest line of a problem. */
#define LINE_MAX_LEN 8192

static const struct cli_option options[] = {
        {"dump-hex", 0, NULL, "print every record as OWNER CLASS TTL TYPE RDATA-IN-HEX, in canonical order"},
        {"zonemd", 0, NULL, "verify the digest that the zone carries (RFC 8976)"},
        {"lenient", 0, NULL, "check as a secondary does: refuse only what cannot be a zone"},
        {"json", 0, NULL, "show the result as JSON"},
};

/* One check of one file. */
struct zone_check {
	struct zonefile_problem_sink sink; /* prints, or collects for --json */
	const char *path;
	struct dns_name apex;
	bool lenient;
	json_t *problems; /* NULL: not --json */
	uint64_t error_count;
	uint64_t warning_count;
	const struct zone_snapshot *snapshot; /* NULL: it could not be read */
	enum publish_zonemd zonemd;
	bool zonemd_wanted;
};

/* ---- problems ---- */

static void add_json_problem(json_t *problems, const struct zonefile_problem *problem)
{
	json_t *row = json_object();
	json_object_set_new(row, "severity", json_string(problem->severity == ZONEFILE_ERROR ? "error" : "warning"));
	if (problem->file != NULL) {
		json_object_set_new(row, "file", json_string(problem->file));
		json_object_set_new(row, "line", json_integer(problem->line));
		json_object_set_new(row, "column", json_integer(problem->column));
	}
	/* NULL where the text quotes octets that are no UTF-8. */
	json_t *text = json_string(problem->text);
	json_object_set_new(row, "text", text == NULL ? json_string("") : text);
	json_array_append_new(problems, row);
}

static void take_problem(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct zone_check *check = (struct zone_check *)self;
	struct text line;
	check->error_count += problem->severity == ZONEFILE_ERROR;
	check->warning_count += problem->severity == ZONEFILE_WARNING;
	if (check->problems != NULL) {
		add_json_problem(check->problems, problem);
		return;
	}
	text_init(&line, LINE_MAX_LEN);
	zonefile_problem_to_text(problem, &line);
	fprintf(stderr, "%s\n", text_string(&line));
	text_deinit(&line);
}

static void forget_problems(struct zonefile_problem_sink *self)
{
	struct zone_check *check = (struct zone_check *)self;
	check->error_count = 0;
	check->warning_count = 0;
	if (check->problems != NULL) {
		json_array_clear(check->problems);
	} else {
		fprintf(stderr, "%s: changed while it was read; it is read again\n", check->path);
	}
}

/* A problem without a place: of the file or the zone as a whole. */
static void add_problem(struct zone_check *check, const char *text)
{
	struct zonefile_problem problem = {.severity = ZONEFILE_ERROR, .text = text};
	take_problem(&check->sink, &problem);
}

/* ---- the check ---- */

static void read_zone(struct zone_check *check)
{
	struct source_report report;
	struct zonefile_files files;
	struct error error;
	zonefile_files_init(&files);
	check->snapshot =
	        source_read_zone_file(check->path, check->apex.wire, NULL, &check->sink, &files, &report, &error);
	if (check->snapshot == NULL && check->error_count == 0) {
		add_problem(check, error.text);
	}
	zonefile_files_deinit(&files);
}

static void check_zone(struct zone_check *check)
{
	struct publish_policy policy = {
	        .strict = !check->lenient,
	        .check_ns = PUBLISH_WARN,
	        .check_mx_srv = PUBLISH_WARN,
	        .problems = &check->sink,
	};
	struct error error;
	/* Everything that makes it false was told to the sink, and counted there. */
	(void)!publish_check(check->snapshot, &policy, &error);
}

static void verify_zonemd(struct zone_check *check)
{
	struct error error;
	check->zonemd = publish_verify_zonemd(check->snapshot, &error);
	if (check->zonemd != PUBLISH_ZONEMD_GOOD) {
		add_problem(check, error.text);
	}
}

/* ---- results ---- */

struct dump {
	struct publish_rr_visitor visitor;
	struct text line;
	const char *class;
};

static void dump_rr(struct publish_rr_visitor *self, const struct publish_rr *rr)
{
	static const char digits[] = "0123456789ABCDEF";
	struct dump *dump = (struct dump *)self;
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	text_clear(&dump->line);
	text_format(&dump->line, "%s %s %" PRIu32 " %s ", dns_name_to_text(rr->owner->wire, owner), dump->class,
	            rr->ttl, dns_type_to_text(rr->type, type));
	for (size_t i = 0; i < rr->rdata_len; i++) {
		char octet[] = {digits[rr->rdata[i] >> 4], digits[rr->rdata[i] & 0xf]};
		text_add(&dump->line, octet, sizeof octet);
	}
	text_add_char(&dump->line, '\n');
	fwrite(text_string(&dump->line), 1, dump->line.len, stdout);
}

static void dump_hex(const struct zone_check *check)
{
	char class[DNS_MNEMONIC_MAX];
	struct dump dump = {
	        .visitor = {.visit = dump_rr},
	        .class = dns_class_to_text(zone_class(check->snapshot), class),
	};
	text_init(&dump.line, (size_t)256 * 1024);
	publish_each_rr(check->snapshot, &dump.visitor);
	text_deinit(&dump.line);
}

static const char *zonemd_text(const struct zone_check *check)
{
	switch (check->zonemd) {
	case PUBLISH_ZONEMD_GOOD:
		return "good";
	case PUBLISH_ZONEMD_NONE:
		return "none";
	case PUBLISH_ZONEMD_UNSUPPORTED:
		return "unsupported";
	case PUBLISH_ZONEMD_BAD:
		return "bad";
	}
	return "";
}

static void print_json(struct zone_check *check)
{
	char name[DNS_NAME_TEXT_MAX];
	json_t *result = json_object();
	json_object_set_new(result, "zone", json_string(dns_name_to_text(check->apex.wire, name)));
	json_object_set_new(result, "file", json_string(check->path));
	json_object_set_new(result, "good", json_boolean(check->error_count == 0));
	json_object_set_new(result, "errors", json_integer((json_int_t)check->error_count));
	json_object_set_new(result, "warnings", json_integer((json_int_t)check->warning_count));
	if (check->snapshot != NULL) {
		struct zone_facts facts;
		zone_facts(check->snapshot, &facts);
		json_object_set_new(result, "serial", json_integer(zone_serial(check->snapshot)));
		json_object_set_new(result, "records", json_integer((json_int_t)facts.records));
		json_object_set_new(result, "names", json_integer((json_int_t)facts.names));
	}
	if (check->snapshot != NULL && check->zonemd_wanted) {
		json_object_set_new(result, "zonemd", json_string(zonemd_text(check)));
	}
	json_object_set(result, "problems", check->problems);
	cli_print_json(result);
	json_decref(result);
}

static void print_text(const struct zone_check *check)
{
	char name[DNS_NAME_TEXT_MAX];
	struct zone_facts facts;
	dns_name_to_text_short(check->apex.wire, name);
	if (check->error_count > 0) {
		fprintf(stderr, "zone %s: refused: %" PRIu64 " error%s, %" PRIu64 " warning%s\n", name,
		        check->error_count, check->error_count == 1 ? "" : "s", check->warning_count,
		        check->warning_count == 1 ? "" : "s");
		return;
	}
	zone_facts(check->snapshot, &facts);
	printf("zone %s: serial %" PRIu32 ", %" PRIu64 " records, %" PRIu64 " names%s; good, %" PRIu64 " warning%s\n",
	       name, zone_serial(check->snapshot), facts.records, facts.names,
	       check->zonemd_wanted ? ", ZONEMD verified" : "", check->warning_count,
	       check->warning_count == 1 ? "" : "s");
}

static int run_check(struct zone_check *check, bool dump)
{
	read_zone(check);
	if (check->snapshot != NULL) {
		check_zone(check);
	}
	if (check->snapshot != NULL && check->zonemd_wanted) {
		verify_zonemd(check);
	}
	if (check->problems != NULL) {
		print_json(check);
	} else if (!dump || check->error_count > 0) {
		print_text(check);
	}
	if (check->snapshot != NULL && dump && check->problems == NULL) {
		dump_hex(check);
	}
	zone_unref(check->snapshot);
	return check->error_count == 0 ? CLI_DONE : CLI_NOT_DONE;
}

static int with_line(const struct cli_line *line)
{
	struct zone_check check = {.sink = {.tell = take_problem, .forget = forget_problems},
	                           .path = cli_operand(line, 1)};
	struct error error;
	if (check.path == NULL) {
		return cli_wrong_usage(&cli_command_check_zone, "which zone, and which file?");
	}
	if (!dns_name_from_text(cli_operand(line, 0), &check.apex, &error)) {
		return cli_wrong_usage(&cli_command_check_zone, "%s", error.text);
	}
	bool dump = cli_has(line, "dump-hex");
	bool json = cli_has(line, "json");
	if (dump && json) {
		return cli_wrong_usage(&cli_command_check_zone, "--dump-hex or --json, not both");
	}
	check.lenient = cli_has(line, "lenient");
	check.zonemd_wanted = cli_has(line, "zonemd");
	check.problems = json ? json_array() : NULL;
	int status = run_check(&check, dump);
	json_decref(check.problems);
	return status;
}

static int run(int argc, char **argv)
{
	struct cli_line line;
	int status;
	if (!cli_parse(&cli_command_check_zone, argc, argv, 2, &line, &status)) {
		return status;
	}
	status = with_line(&line);
	cli_line_deinit(&line);
	return status;
}

const struct cli_command cli_command_check_zone = {
        .name = "check",
        .word = "zone",
        .arguments = "NAME FILE",
        .summary = "Check a zone file",
        .text = "Shows every problem on stderr, with FILE:LINE:COLUMN where it has a place. Exit 1 when one of them "
                "refuses\nthe zone; warnings alone are exit 0.\n",
        .options = options,
        .option_count = ARRAY_LENGTH(options),
        .examples = "tandem check zone example.org zones/example.org.zone\n"
                    "tandem check zone . root.zone --zonemd  is the copy what its publisher digested?\n"
                    "tandem check zone example.org new.zone --dump-hex | diff old.hex -\n",
        .run = run,
};
