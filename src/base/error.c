/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, enum error_code code, const char *format, ...)
{
	if (error == NULL) {
		return false;
	}
	/* The arguments may point into the old text ("%s" of error->text), so it is replaced only at the end. */
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	error->code = code;
	memcpy(error->text, text, sizeof text);
	return false;
}

bool error_context(struct error *error, const char *format, ...)
{
	if (error == NULL) {
		return false;
	}
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	size_t used = length < 0 ? 0 : (size_t)length;
	const char *pieces[] = {": ", error->text};
	for (size_t i = 0; i < ARRAY_LENGTH(pieces) && used < sizeof text - 1; i++) {
		size_t room = sizeof text - 1 - used;
		size_t len = strnlen(pieces[i], room);
		memcpy(text + used, pieces[i], len);
		used += len;
	}
	text[used < sizeof text ? used : sizeof text - 1] = '\0';
	memcpy(error->text, text, sizeof text);
	return false;
}

static enum error_code code_of_errno(int errno_value)
{
	switch (errno_value) {
	case ENOENT:
		return ERROR_NOT_FOUND;
	case EACCES:
	case EPERM:
		return ERROR_DENIED;
	default:
		return ERROR_IO;
	}
}

bool error_set_errno(struct error *error, int errno_value, const char *format, ...)
{
	if (error == NULL) {
		return false;
	}
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return error_set(error, code_of_errno(errno_value), "%s: %s", text, strerror(errno_value));
}

void error_clear(struct error *error)
{
	error->code = ERROR_NONE;
	error->text[0] = '\0';
}
