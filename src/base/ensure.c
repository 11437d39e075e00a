/* SPDX-License-Identifier: MIT */
#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>

noreturn void ensure_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "tandem: bug: %s:%d: not so: %s\n", file, line, condition);
	abort();
}
