/* SPDX-License-Identifier: MIT */
#include "server/problem_log_internal.h"

#include <stdlib.h>

#include "base/memory.h"

static void write_line(const struct problem_log *problems, unsigned number)
{
	log_write(problems->levels[number], "zone %s: %s", problems->zone_text, problems->lines[number]);
}

static void keep(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct problem_log *problems = (struct problem_log *)self;
	unsigned number = problems->told++;
	struct text line;
	if (number < PROBLEMS_LOGGED_MAX) {
		text_init(&line, 2048);
		zonefile_problem_to_text(problem, &line);
		problems->levels[number] = problem->severity == ZONEFILE_ERROR ? LOG_ERROR : LOG_WARNING;
		problems->lines[number] = memory_copy_text(text_string(&line));
		text_deinit(&line);
		if (problems->is_direct) {
			write_line(problems, number);
		}
	}
}

static void forget(struct zonefile_problem_sink *self)
{
	struct problem_log *problems = (struct problem_log *)self;
	for (unsigned i = 0; i < problems->told && i < PROBLEMS_LOGGED_MAX; i++) {
		free(problems->lines[i]);
	}
	problems->told = 0;
}

struct problem_log problem_log_of(const char *zone_text)
{
	return (struct problem_log){.sink = {.tell = keep, .forget = forget}, .zone_text = zone_text};
}

struct problem_log problem_log_direct(const char *zone_text)
{
	return (struct problem_log){.sink = {.tell = keep}, .zone_text = zone_text, .is_direct = true};
}

void problem_log_end(struct problem_log *problems)
{
	for (unsigned i = 0; i < problems->told && i < PROBLEMS_LOGGED_MAX && !problems->is_direct; i++) {
		write_line(problems, i);
	}
	if (problems->told > PROBLEMS_LOGGED_MAX) {
		log_warning("zone %s: %u further problems; `tandem check zone` shows all", problems->zone_text,
		            problems->told - PROBLEMS_LOGGED_MAX);
	}
	forget(&problems->sink);
}
