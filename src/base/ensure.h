/* SPDX-License-Identifier: MIT */
/* A broken promise of our own code, checked in every build. A peer's bytes are never a reason to call this. */
#pragma once

#include <stdnoreturn.h>

/* Stops the process with the place and the broken condition on stderr; a core dump shows the rest. */
#define ensure(condition) (__builtin_expect(!!(condition), 1) ? (void)0 : ensure_failed(#condition, __FILE__, __LINE__))

noreturn void ensure_failed(const char *condition, const char *file, int line);

/* Says to the compiler and to the caller that a result must be looked at. */
#define MUST_USE __attribute__((warn_unused_result))

/* printf-like parameters, checked by the compiler. */
#define PRINTF_LIKE(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))
