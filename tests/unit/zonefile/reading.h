/* SPDX-License-Identifier: MIT */
/* Reads a zone from a text in a test, with the texts that it includes, and holds what comes out of it against lines.
 * The zone is "example."; each text is read the short and the plain way, whole and a few octets at a
 * time, which must all say the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "zonefile/zonefile.h"

/* A text that $INCLUDE finds. */
struct included_text {
	const char *path;
	const char *chars;
};

struct reading {
	bool done;
	struct zonefile_result result;
	struct error error;
	char records[1 << 19];  /* "www.example. 300 A 192.0.2.1\n" each */
	char problems[1 << 16]; /* "main:3:5: error: ...\n" each */
};

/* Options for `example.`, class IN. */
struct zonefile_options example_options(void);

/* `texts` ends with a row of NULL; it may be NULL: then there is no source. The result is valid until the next call. */
const struct reading *read_texts(const char *chars, size_t len, const struct zonefile_options *options,
                                 const struct included_text *texts);
const struct reading *read_zone(const char *chars);

/* No errors, and these records, one a line. */
void expect_records(const char *chars, const char *records);
/* Exactly one problem, an error; its line begins with `place` ("main:3:5:") and has `what` in it. */
void expect_error(const char *chars, const char *place, const char *what);
/* RDATA of one record of this type: accepted or not. */
bool is_read(const char *rdata);
