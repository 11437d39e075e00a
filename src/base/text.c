/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void text_init(struct text *text, size_t max)
{
	*text = (struct text){.max = max};
}

void text_deinit(struct text *text)
{
	free(text->chars);
	*text = (struct text){.max = text->max};
}

void text_clear(struct text *text)
{
	text->len = 0;
	text->failed = false;
	if (text->chars != NULL) {
		text->chars[0] = '\0';
	}
}

void text_add(struct text *text, const char *chars, size_t len)
{
	if (len > text->max - text->len) {
		len = text->max - text->len;
		text->failed = true;
	}
	if (text->len + len + 1 > text->capacity) {
		memory_reserve((void **)&text->chars, &text->capacity, text->len + len + 1, 1);
	}
	if (len > 0) {
		memcpy(text->chars + text->len, chars, len);
	}
	text->len += len;
	text->chars[text->len] = '\0';
}

void text_add_char(struct text *text, char c)
{
	text_add(text, &c, 1);
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_add_decimal(struct text *text, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	text_add(text, digits + at, sizeof digits - at);
}

void text_format_list(struct text *text, const char *format, va_list arguments)
{
	va_list again;
	va_copy(again, arguments);
	char small[256];
	int needed = vsnprintf(small, sizeof small, format, arguments);
	if (needed >= 0 && (size_t)needed < sizeof small) {
		text_add(text, small, (size_t)needed);
	} else if (needed >= 0) {
		char *large = memory_new((size_t)needed + 1);
		vsnprintf(large, (size_t)needed + 1, format, again);
		text_add(text, large, (size_t)needed);
		free(large);
	} else {
		text->failed = true;
	}
	va_end(again);
}

void text_format(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	text_format_list(text, format, arguments);
	va_end(arguments);
}

const char *text_string(const struct text *text)
{
	return text->chars == NULL ? "" : text->chars;
}
