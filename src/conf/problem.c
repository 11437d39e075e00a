/* SPDX-License-Identifier: MIT */
#include "conf/problem_internal.h"

#include <stdarg.h>

/* Long enough for every problem; a hostile file's texts are cut here. */
#define PROBLEM_LINE_MAX 8000

void conf_report_init(struct conf_report *report)
{
	*report = (struct conf_report){0};
	text_init(&report->lines, (CONF_PROBLEMS_SHOWN + 1) * (PROBLEM_LINE_MAX + 1));
}

void conf_report_deinit(struct conf_report *report)
{
	text_deinit(&report->lines);
}

static void add_place(struct text *line, const struct problems *problems, struct place place)
{
	if (place.flag != NULL) {
		text_format(line, "%s: ", place.flag);
	} else if (place.line > 0) {
		text_format(line, "%s:%u:%u: ", problems->path, place.line, place.column);
	} else if (problems->path != NULL) {
		text_format(line, "%s: ", problems->path);
	}
}

/* One problem is one line, whatever a quoted text has in it. */
static void add_printable(struct text *lines, const char *line)
{
	for (const char *at = line; *at != '\0'; at++) {
		unsigned char c = (unsigned char)*at;
		if (c < 0x20 || c == 0x7f) {
			text_format(lines, "\\x%02x", c);
		} else {
			text_add_char(lines, *at);
		}
	}
	text_add_char(lines, '\n');
}

bool problem(struct problems *problems, struct place place, const char *format, ...)
{
	struct conf_report *report = problems->report;
	report->problem_count++;
	if (report->problem_count > CONF_PROBLEMS_SHOWN) {
		return false;
	}
	struct text line;
	text_init(&line, PROBLEM_LINE_MAX / 4); /* each character may become four */
	add_place(&line, problems, place);
	va_list arguments;
	va_start(arguments, format);
	text_format_list(&line, format, arguments);
	va_end(arguments);
	add_printable(&report->lines, text_string(&line));
	text_deinit(&line);
	return false;
}
