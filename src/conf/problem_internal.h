/* SPDX-License-Identifier: MIT */
/* Collects what is wrong, each with its place, so that one run shows it all. */
#pragma once

#include "base/ensure.h"
#include "base/suggest.h"
#include "conf/conf.h"

/* Where something was written. */
struct place {
	uint32_t line, column; /* from 1; line 0: no file, see `flag` */
	const char *flag;      /* "--zone example.org=zones/x", or NULL: the built-in default or the file as a whole */
};

struct problems {
	struct conf_report *report; /* borrowed */
	const char *path;           /* as shown; NULL: flags */
};

/* Always false. */
bool problem(struct problems *problems, struct place place, const char *format, ...) PRINTF_LIKE(3, 4);
