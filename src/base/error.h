/* SPDX-License-Identifier: MIT */
/* Why something could not be done: a code for the program, a sentence for the operator.
 *
 * A function that can fail returns bool and takes a `struct error *` last. Each level that has something to add puts it
 * in front: "zone example.org: file zones/example.org: 3:14: ...". An outcome that a caller switches on is an enum of
 * its own, and a bug is ensure(): neither is an error. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/ensure.h"

enum error_code {
	ERROR_NONE,
	ERROR_SYNTAX,    /* text or wire that does not have the form it must have */
	ERROR_INVALID,   /* well-formed, but it says something that cannot be */
	ERROR_LIMIT,     /* larger or more than a named limit allows */
	ERROR_STALE,     /* it does not continue what is there */
	ERROR_NOT_FOUND, /* the thing that was named does not exist */
	ERROR_EXISTS,    /* it exists already */
	ERROR_DENIED,    /* not allowed to whoever asked */
	ERROR_IO,        /* file, disk or socket refused */
	ERROR_TIMEOUT,   /* it took longer than allowed */
	ERROR_STOPPED,   /* given up because the server stops or the operator said so */
};

/* Longest text, NUL included; longer texts are cut. Enough for two names of 255 octets fully escaped and a path. */
#define ERROR_TEXT_MAX 3072

struct error {
	enum error_code code;
	char text[ERROR_TEXT_MAX];
};

/* Sets code and text, replacing what was there. `error` may be NULL: nobody wants to know. Always returns false, so
 * that a failing function can end with `return error_set(...)`. */
bool error_set(struct error *error, enum error_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "<text>: " in front of what is there. Always returns false. */
bool error_context(struct error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets the text from errno: "<text>: No space left on device". Always returns false. Code ERROR_IO, or
 * ERROR_NOT_FOUND for ENOENT, ERROR_DENIED for EACCES and EPERM. */
bool error_set_errno(struct error *error, int errno_value, const char *format, ...) PRINTF_LIKE(3, 4);

/* No error: code ERROR_NONE, empty text. */
void error_clear(struct error *error);
