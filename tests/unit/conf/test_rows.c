/* SPDX-License-Identifier: MIT */
/* What holds for every option, whatever it is: walks the rows, so that a new one is tested by being there. */
#include "conf_help.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "conf/rows_internal.h"

/* Where the options of a table are written: what stands before an option in line 2, and the lines after it. */
struct place {
	const struct rows *rows;
	const char *before;
	const char *after;
};

#define ZONE "zones: [{name: z.example, file: z}]\n"

static const struct place places[] = {
        {&server_rows, "server:\n  ", ZONE},
        {&key_rows, "keys:\n  - ", ZONE},
        {&peer_rows, "peers:\n  - ", ZONE},
        {&group_rows, "groups:\n  - ", ZONE},
        {&zone_option_rows, "groups:\n  - ", "    name: g\n" ZONE},
        {&zone_rows, "zones:\n  - ", ""},
        {&zone_option_rows, "zones:\n  - ", "    name: z.example\n    file: z\n"},
        {&rule_rows, "zones:\n  - allow-query:\n      - ", "    name: z.example\n    file: z\n"},
};

/* "t.yaml:2:5: ": where the option itself begins. */
static void position_of(const struct place *place, char *out, size_t size)
{
	unsigned line = 1;
	const char *start = place->before;
	for (const char *at = place->before; *at != '\0'; at++) {
		if (*at == '\n') {
			line++;
			start = at + 1;
		}
	}
	snprintf(out, size, "t.yaml:%u:%zu: ", line, strlen(start) + 1);
}

/* The problems of a configuration in which the option has this value; the caller frees. */
static char *problems_with(const struct place *place, const char *option, const char *value)
{
	struct conf_report report;
	struct text text;
	text_init(&text, 65536);
	conf_report_init(&report);
	text_format(&text, "%s%s: %s\n%s", place->before, option, value, place->after);
	conf_unref(conf_read_text(text_string(&text), text.len, "t.yaml", "/etc/tandem", &report));
	char *lines = memory_copy_text(text_string(&report.lines));
	conf_report_deinit(&report);
	text_deinit(&text);
	return lines;
}

static void expect_in(const char *part, const char *lines, const struct row *row)
{
	if (strstr(lines, part) == NULL) {
		fail_msg("%s: '%s' is not in '%s'", row->name, part, lines);
	}
}

static void each_row(void (*test)(const struct place *place, const struct row *row))
{
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		for (size_t k = 0; k < places[i].rows->count; k++) {
			test(&places[i], &places[i].rows->rows[k]);
		}
	}
}

/* The value stands behind the option's name, a colon and a space. */
static void expect_refused_at_value(const struct place *place, const struct row *row, const char *value)
{
	char position[64];
	char wanted[100];
	position_of(place, position, sizeof position);
	unsigned line = 0;
	unsigned column = 0;
	assert_int_equal(sscanf(position, "t.yaml:%u:%u:", &line, &column), 2);
	snprintf(wanted, sizeof wanted, "t.yaml:%u:", line);
	char *lines = problems_with(place, row->name, value);
	expect_in(wanted, lines, row);
	unsigned found = 0;
	assert_int_equal(sscanf(strstr(lines, wanted) + strlen(wanted), "%u:", &found), 1);
	if (found < column + strlen(row->name) + 2) {
		fail_msg("%s: column %u is not that of the value: %s", row->name, found, lines);
	}
	free(lines);
}

static void expect_map_refused(const struct place *place, const struct row *row)
{
	expect_refused_at_value(place, row, "{nonsense: [x]}");
}

TEST(map_in_the_place_of_a_value_is_refused_at_its_place)
{
	each_row(expect_map_refused);
}

static void expect_text_refused(const struct place *place, const struct row *row)
{
	bool any_text = row->kind == ROW_PATH || row->kind == ROW_SOCKET_PATH || row->kind == ROW_BYTES ||
	                row->kind == ROW_IDENTITY || row->kind == ROW_NAME || row->kind == ROW_WORD ||
	                row->kind == ROW_SECRET;
	if (!any_text) {
		expect_refused_at_value(place, row, "'no such thing'");
	}
}

TEST(text_that_means_nothing_is_refused_at_its_place)
{
	each_row(expect_text_refused);
}

static void expect_missing_value_told(const struct place *place, const struct row *row)
{
	char wanted[100];
	char *lines = problems_with(place, row->name, "");
	snprintf(wanted, sizeof wanted, "`%s` has no value", row->name);
	expect_in(wanted, lines, row);
	free(lines);
}

TEST(option_without_a_value_is_told)
{
	each_row(expect_missing_value_told);
}

static void expect_number_refused(const struct place *place, const struct row *row, uint64_t number)
{
	char value[40];
	char wanted[100];
	snprintf(value, sizeof value, "%" PRIu64 "%s", number, row->kind == ROW_MILLISECONDS ? "ms" : "");
	snprintf(wanted, sizeof wanted, "%s: expected ", row->name);
	char *lines = problems_with(place, row->name, value);
	expect_in(wanted, lines, row);
	free(lines);
}

static bool is_number(const struct row *row)
{
	return row->kind == ROW_INTEGER || row->kind == ROW_COUNT || row->kind == ROW_SECONDS ||
	       row->kind == ROW_MILLISECONDS || row->kind == ROW_SIZE;
}

static void expect_bounds(const struct place *place, const struct row *row)
{
	if (is_number(row) && row->min > 0) {
		expect_number_refused(place, row, row->min - 1);
	}
	if (is_number(row) && row->max < UINT64_MAX) {
		expect_number_refused(place, row, row->max + 1);
	}
}

TEST(number_beyond_its_bounds_is_refused)
{
	each_row(expect_bounds);
}

static void expect_bounds_taken(const struct place *place, const struct row *row)
{
	char value[40];
	char wanted[100];
	const uint64_t bounds[] = {row->min, row->max};
	for (size_t i = 0; i < ARRAY_LENGTH(bounds) && is_number(row); i++) {
		snprintf(value, sizeof value, "%" PRIu64 "%s", bounds[i], row->kind == ROW_MILLISECONDS ? "ms" : "");
		snprintf(wanted, sizeof wanted, "%s: expected ", row->name);
		char *lines = problems_with(place, row->name, value);
		if (strstr(lines, wanted) != NULL) {
			fail_msg("%s: %s", value, lines);
		}
		free(lines);
	}
}

TEST(numbers_at_their_bounds_are_taken)
{
	each_row(expect_bounds_taken);
}

/* With its last two letters the other way round. */
static void expect_suggestion(const struct place *place, const struct row *row)
{
	char position[64];
	char wanted[300];
	char wrong[100];
	size_t len = strlen(row->name);
	if (len < 4 || row->name[len - 1] == row->name[len - 2]) {
		return;
	}
	snprintf(wrong, sizeof wrong, "%.*s%c%c", (int)len - 2, row->name, row->name[len - 1], row->name[len - 2]);
	position_of(place, position, sizeof position);
	char *lines = problems_with(place, wrong, "1");
	snprintf(wanted, sizeof wanted, "%sunknown option `%s` in ", position, wrong);
	expect_in(wanted, lines, row);
	snprintf(wanted, sizeof wanted, "did you mean `%s`?", row->name);
	expect_in(wanted, lines, row);
	free(lines);
}

TEST(misspelt_option_is_told_with_the_right_one)
{
	each_row(expect_suggestion);
}

static void expect_duplicate(const struct place *place, const struct row *row)
{
	char position[64];
	char twice[200];
	char wanted[200];
	unsigned line = 0;
	unsigned column = 0;
	position_of(place, position, sizeof position);
	assert_int_equal(sscanf(position, "t.yaml:%u:%u:", &line, &column), 2);
	snprintf(twice, sizeof twice, "1\n%*s%s: 1", (int)column - 1, "", row->name);
	snprintf(wanted, sizeof wanted, "t.yaml:%u:%u: `%s` is there twice; first at line %u", line + 1, column,
	         row->name, line);
	char *lines = problems_with(place, row->name, twice);
	expect_in(wanted, lines, row);
	free(lines);
}

TEST(option_that_is_there_twice_is_told_with_both_lines)
{
	each_row(expect_duplicate);
}

/* A zone takes a group's value, another one overrides it, and lists are replaced, not joined. */
TEST(every_option_of_a_group_reaches_its_zones_unless_they_say_otherwise)
{
	struct conf *conf =
	        conf_of("peers: [{name: p, address: 192.0.2.1}, {name: q, address: [192.0.2.2, 192.0.2.3@5353]}]\n"
	                "groups:\n"
	                "  - {name: g, notify: [p, 192.0.2.9], refresh-min: 5m, serial: date, notify-ns: off}\n"
	                "zones:\n"
	                "  - {name: a, file: a, group: g}\n"
	                "  - {name: b, file: b, group: g, notify: [q], refresh-min: 7m, serial: keep, notify-ns: on}\n"
	                "  - {name: c, file: c, group: g, notify: []}\n");
	const struct conf_zone_options *a = conf->zones[0].options;
	const struct conf_zone_options *b = conf->zones[1].options;
	const struct conf_zone_options *c = conf->zones[2].options;
	assert_int_equal(a->notify.count, 2);
	assert_string_equal(address_text(&a->notify.items[0].address), "192.0.2.1@53");
	assert_string_equal(address_text(&a->notify.items[1].address), "192.0.2.9@53");
	assert_int_equal(b->notify.count, 2);
	assert_string_equal(address_text(&b->notify.items[0].address), "192.0.2.2@53");
	assert_string_equal(address_text(&b->notify.items[1].address), "192.0.2.3@5353");
	assert_int_equal(c->notify.count, 0);
	assert_int_equal(a->refresh_min_s, 300);
	assert_int_equal(b->refresh_min_s, 420);
	assert_int_equal(a->serial, CONF_SERIAL_DATE);
	assert_int_equal(b->serial, CONF_SERIAL_KEEP);
	assert_false(a->notify_ns);
	assert_true(b->notify_ns);
	conf_unref(conf);
}
