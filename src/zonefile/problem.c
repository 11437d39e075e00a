/* SPDX-License-Identifier: MIT */
#include "zonefile/zonefile.h"

#include <inttypes.h>

static const char *severity_name(enum zonefile_severity severity)
{
	switch (severity) {
	case ZONEFILE_ERROR:
		return "error";
	case ZONEFILE_WARNING:
		return "warning";
	}
	return "";
}

void zonefile_problem_to_text(const struct zonefile_problem *problem, struct text *out)
{
	if (problem->file != NULL) {
		text_format(out, "%s:", problem->file);
		if (problem->line > 0) {
			text_format(out, "%" PRIu32 ":", problem->line);
		}
		if (problem->column > 0) {
			text_format(out, "%" PRIu32 ":", problem->column);
		}
		text_add_char(out, ' ');
	}
	text_format(out, "%s: %s", severity_name(problem->severity), problem->text);
}
