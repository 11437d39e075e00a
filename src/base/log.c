/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {
        [LOG_ERROR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info",   [LOG_DEBUG] = "debug",
};

static _Atomic int level_written = LOG_NOTICE;
static void (*line_sink)(void *context, enum log_level level, const char *line);
static void *line_sink_context;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&level_written, (int)level, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&level_written, memory_order_relaxed);
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

bool log_level_from_name(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LENGTH(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void log_set_sink(void (*sink)(void *context, enum log_level level, const char *line), void *context)
{
	line_sink = sink;
	line_sink_context = context;
}

/* A name from a packet or a file may hold anything; a log line holds no control characters. */
static void make_printable(char *text)
{
	for (char *c = text; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			*c = '?';
		}
	}
}

static void write_to_stderr(enum log_level level, const char *text)
{
	struct timespec wall;
	clock_gettime(CLOCK_REALTIME, &wall);
	struct tm parts;
	gmtime_r(&wall.tv_sec, &parts);
	char head[64];
	int head_len = snprintf(head, sizeof head, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %s ", parts.tm_year + 1900,
	                        parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
	                        wall.tv_nsec / 1000000, level_names[level]);
	struct iovec pieces[] = {
	        {.iov_base = head, .iov_len = head_len < 0 ? 0 : (size_t)head_len},
	        {.iov_base = (void *)(size_t)text, .iov_len = strlen(text)},
	        {.iov_base = (char[]){'\n'}, .iov_len = 1},
	};
	/* If stderr is gone there is nobody left to tell. */
	ssize_t written = writev(STDERR_FILENO, pieces, (int)ARRAY_LENGTH(pieces));
	(void)written;
}

void log_write(enum log_level level, const char *format, ...)
{
	if (!log_wants(level)) {
		return;
	}
	char text[4096];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	make_printable(text);
	if (line_sink != NULL) {
		line_sink(line_sink_context, level, text);
	} else {
		write_to_stderr(level, text);
	}
}
