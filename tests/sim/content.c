/* SPDX-License-Identifier: MIT */
/* The operator's zone files: names with addresses, a few of which change from version to version. */
#include "sim.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define HOSTS_MAX 1500

struct sim_content {
	size_t zone;
	uint32_t serial;
	uint32_t refresh_s, retry_s, expire_s;
	size_t host_count;
	uint32_t hosts[HOSTS_MAX]; /* address; 0: no such name */
	bool has_leapt;
};

static uint32_t below(struct random_source *random, uint32_t bound)
{
	return (uint32_t)random_below(random, bound);
}

static void draw_timers(struct sim_content *content, struct random_source *random)
{
	content->refresh_s = 30 + below(random, 570);
	content->retry_s = 10 + below(random, 80);
	content->expire_s = 600 + below(random, 3000);
}

struct sim_content *sim_content_new(size_t zone, bool may_leap, struct random_source *random)
{
	struct sim_content *content = memory_new(sizeof *content);
	/* A tenth is large enough for an image of its own, and for a transfer of many messages. */
	bool is_large = below(random, 10) == 0;
	content->zone = zone;
	content->has_leapt = !may_leap;
	content->serial = below(random, 4) == 0 ? UINT32_MAX - below(random, 20) : 1 + below(random, 1000);
	content->host_count = is_large ? 700 + below(random, HOSTS_MAX - 700) : 3 + below(random, 60);
	for (size_t i = 0; i < content->host_count; i++) {
		content->hosts[i] = 1 + below(random, UINT32_MAX - 1);
	}
	draw_timers(content, random);
	return content;
}

void sim_content_free(struct sim_content *take)
{
	free(take);
}

void sim_content_edit(struct sim_content *content, struct random_source *random, bool may_leave_serial)
{
	uint32_t kind = below(random, 12);
	size_t changes = kind == 0 ? content->host_count : kind == 1 ? 0 : 1 + below(random, 4);
	for (size_t i = 0; i < changes; i++) {
		size_t host = kind == 0 ? i : below(random, (uint32_t)content->host_count);
		content->hosts[host] = below(random, 4) == 0 ? 0 : 1 + below(random, UINT32_MAX - 1);
	}
	if (below(random, 8) == 0) {
		draw_timers(content, random);
	}
	if (!may_leave_serial || below(random, 3) != 0) {
		/* Once a leap, but not so far that somebody who missed it sees it go back (RFC 1982 3.2). */
		bool leaps = !content->has_leapt && below(random, 20) == 0;
		content->has_leapt = content->has_leapt || leaps;
		content->serial += leaps ? 0x70000000 : 1 + below(random, 3);
	}
}

uint32_t sim_content_serial(const struct sim_content *content)
{
	return content->serial;
}

static void write_text(const struct sim_content *content, struct text *text)
{
	text_format(text, "$ORIGIN %s.\n$TTL 300\n@ SOA ns admin %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " 60\n",
	            sim_zone_names[content->zone], content->serial, content->refresh_s, content->retry_s,
	            content->expire_s);
	text_add_string(text, "@ NS ns\nns A 192.0.2.1\n");
	for (size_t i = 0; i < content->host_count; i++) {
		uint32_t address = content->hosts[i];
		if (address != 0) {
			text_format(text, "h%04zu A %u.%u.%u.%u\n", i, address >> 24, address >> 16 & 0xff,
			            address >> 8 & 0xff, address & 0xff);
		}
	}
}

/* Each file has a time of its own: files follow each other more quickly here than a kernel's clock ticks. */
void sim_content_write(const struct sim_content *content, const char *path, int64_t wall_s)
{
	static long writes;
	char beside[256];
	struct text text;
	text_init(&text, 1 << 20);
	write_text(content, &text);
	snprintf(beside, sizeof beside, "%s.edited", path);
	FILE *file = fopen(beside, "w");
	ensure(file != NULL);
	fputs(text_string(&text), file);
	ensure(fclose(file) == 0);
	text_deinit(&text);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = wall_s, .tv_nsec = ++writes % 1000000000}};
	ensure(utimensat(AT_FDCWD, beside, times, 0) == 0 && rename(beside, path) == 0);
}
