/* SPDX-License-Identifier: MIT */
/* One line per event, for the operator. The form is "<level> <what it is about>: <what happened, why, what to do>",
 * e.g. "warning zone example.org: refresh failed at 192.0.2.1@53: no answer within 2 s; asking again in 60 s".
 * Lines are written whole, with one write(2), by any thread. Nothing secret is ever logged. */
#pragma once

#include <stdbool.h>

#include "base/ensure.h"

enum log_level {
	LOG_ERROR,   /* something that the operator asked for does not work */
	LOG_WARNING, /* it works, but will not for ever or not as meant */
	LOG_NOTICE,  /* what an operator wants in a quiet log: start, stop, versions published, roles */
	LOG_INFO,    /* single transfers, refreshes */
	LOG_DEBUG,
};

/* Least important level that is written; LOG_NOTICE at first. Call before threads start, or at reload. */
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);
/* "error", "warning", "notice", "info", "debug". */
const char *log_level_name(enum log_level level);
bool log_level_from_name(const char *name, enum log_level *out);

/* Where lines go instead of stderr; NULL: stderr again. For tests. The line has no newline at its end. */
void log_set_sink(void (*sink)(void *context, enum log_level level, const char *line), void *context);

void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_write(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)    log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_DEBUG, __VA_ARGS__)
