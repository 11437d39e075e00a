/* SPDX-License-Identifier: MIT */
/* The problems of a version, logged when no more can come: a file that changes while it is read is read again, and what a
 * half-written one says is nobody's concern. */
#pragma once

#include "base/log.h"
#include "zonefile/zonefile.h"

/* Problems of one file that are logged; `tandem check zone` tells all. */
#define PROBLEMS_LOGGED_MAX 20

struct problem_log {
	struct zonefile_problem_sink sink;
	const char *zone_text;
	bool is_direct; /* each is logged when it is told */
	unsigned told;
	enum log_level levels[PROBLEMS_LOGGED_MAX];
	char *lines[PROBLEMS_LOGGED_MAX]; /* owned; the first ones */
};

/* `zone_text` is borrowed until the end. */
struct problem_log problem_log_of(const char *zone_text);
/* The same of a version that is checked once: what is wrong with it stands in the log before anybody can be served it. */
struct problem_log problem_log_direct(const char *zone_text);
/* Logs what was told and was not logged yet, and frees it. */
void problem_log_end(struct problem_log *problems);
