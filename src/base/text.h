/* SPDX-License-Identifier: MIT */
/* Text that grows up to a stated maximum. At the maximum it is cut and says so (`failed`); it never aborts. */
#pragma once

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"

struct text {
	char *chars; /* NUL-terminated once anything was added; NULL before */
	size_t len;
	size_t capacity;
	size_t max; /* greatest len */
	bool failed;
};

void text_init(struct text *text, size_t max);
void text_deinit(struct text *text);
/* Empty again; memory is kept. */
void text_clear(struct text *text);
void text_add(struct text *text, const char *chars, size_t len);
void text_add_char(struct text *text, char c);
void text_add_string(struct text *text, const char *string);
void text_add_decimal(struct text *text, uint64_t value);
void text_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_format_list(struct text *text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
/* The text as a string: never NULL. */
const char *text_string(const struct text *text);
