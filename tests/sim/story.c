/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct line {
	int64_t at_ms;
	size_t server; /* SIM_SERVERS_MAX: the world's */
	char *text;
};

static struct line *lines;
static size_t line_count;
static size_t line_capacity;

void sim_tell(const struct sim_server *server, const char *format, ...)
{
	char text[512];
	va_list arguments;
	if (!sim.wants_story) {
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	memory_reserve((void **)&lines, &line_capacity, line_count + 1, sizeof *lines);
	lines[line_count++] = (struct line){
	        .at_ms = sim.now_ms,
	        .server = server == NULL ? SIM_SERVERS_MAX : server->index,
	        .text = memory_copy_text(text),
	};
}

static void print_names(const char *what, const size_t *servers, size_t count)
{
	if (count > 0) {
		printf(", %s", what);
	}
	for (size_t i = 0; i < count; i++) {
		printf("%s%s", i == 0 ? " " : ", ", sim.servers[servers[i]].name);
	}
}

static void print_servers(uint32_t relevant)
{
	for (size_t i = 0; i < sim.server_count; i++) {
		for (size_t j = 0; j < sim.zone_count; j++) {
			const struct sim_zone *zone = &sim.servers[i].zones[j];
			if ((relevant >> i & 1) != 0 && zone->is_here) {
				printf("  %s  %s %s", sim.servers[i].name, zone->is_primary ? "primary of" : "follows",
				       sim_zone_names[j]);
				print_names("from", zone->upstreams, zone->upstream_count);
				print_names("notifies", zone->targets, zone->target_count);
				putchar('\n');
			}
		}
	}
}

static void print_time(int64_t at_ms)
{
	printf("%3" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64, at_ms / 3600000, at_ms / 60000 % 60,
	       at_ms / 1000 % 60, at_ms % 1000);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The same but for their numbers. */
static bool is_alike(const char *a, const char *b)
{
	while (*a != '\0' || *b != '\0') {
		if (is_digit(*a) && is_digit(*b)) {
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return true;
}

/* Failures that go on and on: of those in a row that are alike, the third and later ones say nothing new. */
static bool is_repetition(size_t index)
{
	unsigned before = 0;
	if (strstr(lines[index].text, "failed") == NULL && strstr(lines[index].text, "gave up") == NULL) {
		return false;
	}
	for (size_t i = index; i > 0 && before < 2; i--) {
		const struct line *line = &lines[i - 1];
		bool is_same_server = line->server == lines[index].server;
		if (is_same_server && is_alike(line->text, lines[index].text)) {
			before++;
		} else if (is_same_server && strstr(line->text, " served, ") != NULL) {
			break;
		}
	}
	return before >= 2;
}

void sim_story_print(bool all)
{
	uint32_t relevant = UINT32_MAX;
	size_t left_out = 0;
	size_t repetitions = 0;
	if (!all && sim.violator < SIM_SERVERS_MAX) {
		relevant = sim_ancestors(sim.violator, sim.violated_zone);
	}
	print_servers(relevant);
	for (size_t i = 0; i < line_count; i++) {
		const struct line *line = &lines[i];
		bool is_told = line->server == SIM_SERVERS_MAX || (relevant >> line->server & 1) != 0;
		bool is_repeated = is_told && !all && is_repetition(i);
		left_out += !is_told;
		repetitions += is_repeated;
		if (is_told && !is_repeated) {
			print_time(line->at_ms);
			printf("  %-2s %s\n", line->server == SIM_SERVERS_MAX ? "" : sim.servers[line->server].name,
			       line->text);
		}
	}
	if (sim.is_violated) {
		print_time(sim.now_ms);
		printf("  %-2s BROKEN %s: %s\n", sim.violator == SIM_SERVERS_MAX ? "" : sim.servers[sim.violator].name,
		       sim.rule, sim.violation);
	}
	if (left_out + repetitions > 0) {
		printf("(left out: %zu lines of servers that have nothing to do with it, %zu repetitions; --all shows "
		       "them)\n",
		       left_out, repetitions);
	}
}

void sim_story_forget(void)
{
	while (line_count > 0) {
		free(lines[--line_count].text);
	}
	free(lines);
	lines = NULL;
	line_capacity = 0;
}
