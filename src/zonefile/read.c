/* SPDX-License-Identifier: MIT */
/* One run of reading: entry by entry, text within text; what is wrong is told here and counted. */
#include "zonefile/zonefile_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "dns/type.h"

/* "\xEF\xBB\xBF": some editors begin a file with it. */
static const char byte_order_mark[] = "\xEF\xBB\xBF";

static bool is_to_be_told(struct parser *parser, enum zonefile_severity severity)
{
	struct zonefile_result *result = parser->result;
	switch (severity) {
	case ZONEFILE_ERROR:
		result->error_count++;
		return result->error_count <= parser->options.errors_max;
	case ZONEFILE_WARNING:
		result->warning_count++;
		return result->warning_count <= parser->options.warnings_max;
	}
	return false;
}

static void tell_text(struct parser *parser, enum zonefile_severity severity, const char *name, uint32_t line,
                      uint32_t column, const char *text)
{
	struct zonefile_problem problem = {
	        .severity = severity, .file = name, .line = line, .column = column, .text = text};
	if (severity == ZONEFILE_ERROR && parser->result->error_count == 1) {
		error_set(parser->error, ERROR_SYNTAX, "%s:%" PRIu32 ":%" PRIu32 ": %s", name, line, column, text);
	}
	if (parser->problems != NULL) {
		parser->problems->tell(parser->problems, &problem);
	}
}

/* Paths and quoted octets come from outside: nothing of them may steer a terminal or break a line of a log. */
static void make_printable(char *text)
{
	for (; *text != '\0'; text++) {
		if ((uint8_t)*text < 0x20 || *text == 0x7f) {
			*text = '?';
		}
	}
}

PRINTF_LIKE(6, 0)
static void tell_list(struct parser *parser, enum zonefile_severity severity, const struct file *file, uint32_t line,
                      uint32_t column, const char *format, va_list arguments)
{
	char text[ERROR_TEXT_MAX];
	if (parser->stopped || !is_to_be_told(parser, severity)) {
		return;
	}
	vsnprintf(text, sizeof text, format, arguments);
	make_printable(text);
	tell_text(parser, severity, file->name, line, column, text);
	if (parser->result->error_count == parser->options.errors_max) {
		parser->stopped = true;
		snprintf(text, sizeof text, "reading stopped after %zu errors", parser->options.errors_max);
		tell_text(parser, ZONEFILE_WARNING, file->name, line, 0, text);
	}
}

bool tell(struct parser *parser, enum zonefile_severity severity, const struct file *file, uint32_t line,
          uint32_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell_list(parser, severity, file, line, column, format, arguments);
	va_end(arguments);
	return false;
}

bool tell_at_token(struct parser *parser, const struct file *file, const struct dns_token *token, const char *format,
                   ...)
{
	va_list arguments;
	va_start(arguments, format);
	tell_list(parser, ZONEFILE_ERROR, file, token->line, token->column, format, arguments);
	va_end(arguments);
	return false;
}

void file_set_origin(const struct parser *parser, struct file *file, const struct dns_name *origin)
{
	file->origin = *origin;
	file->origin_inside = is_inside(parser, origin);
}

/* Lines that begin before the last newline, of which the octets from `from` on are new. */
static void find_quick_end(struct file *file, const char *from)
{
	const char *newline = memrchr(from, '\n', (size_t)(file->end - from));
	file->quick_end = newline == NULL ? file->quick_end : newline;
}

bool file_more(struct parser *parser, struct file *file)
{
	struct zonefile_text *text = file->text;
	if (text->more == NULL || !text->more(text, (size_t)(file->entry_start - text->chars))) {
		return false;
	}
	parser->owner_text = NULL; /* it may have been passed */
	file->end = text->chars + text->len;
	find_quick_end(file, file->at);
	return true;
}

void file_init(const struct parser *parser, struct file *file, const struct file *outer, struct zonefile_text *text,
               const struct dns_name *origin)
{
	size_t mark_len = sizeof byte_order_mark - 1;
	bool more = text->more != NULL;
	while (more && text->len < mark_len) {
		more = text->more(text, 0);
	}
	bool marked = text->len >= mark_len && memcmp(text->chars, byte_order_mark, mark_len) == 0;
	const char *start = text->chars == NULL ? "" : text->chars + (marked ? mark_len : 0);
	*file = (struct file){
	        .outer = outer,
	        .depth = outer == NULL ? 0 : outer->depth + 1,
	        .name = text->name,
	        .text = text,
	        .at = start,
	        .end = text->chars == NULL ? start : text->chars + text->len,
	        .entry_start = start,
	        .quick_end = start,
	        .line_start = start,
	        .line = 1,
	};
	find_quick_end(file, start);
	file_set_origin(parser, file, origin);
}

static void read_entry(struct parser *parser, struct file *file)
{
	const struct entry *entry = &parser->entry;
	const struct dns_token *first = &entry->tokens[0];
	parser->owner_text = NULL;
	if (!entry->blank && !first->quoted && first->len > 0 && first->chars[0] == '$') {
		read_directive(parser, file);
	} else {
		read_record(parser, file);
	}
}

void read_entries(struct parser *parser, struct file *file)
{
	enum scan scan = SCAN_ENTRY;
	while (scan != SCAN_END && !parser->stopped) {
		if (!parser->options.plain && quick_line(parser, file)) {
			continue;
		}
		scan = scan_entry(parser, file);
		if (scan == SCAN_ENTRY) {
			read_entry(parser, file);
		}
	}
}

static void options_fill(struct zonefile_options *options)
{
	options->class = options->class == 0 ? DNS_CLASS_IN : options->class;
	options->errors_max = options->errors_max == 0 ? ZONEFILE_ERRORS_MAX : options->errors_max;
	options->warnings_max = options->warnings_max == 0 ? ZONEFILE_WARNINGS_MAX : options->warnings_max;
	options->generate_max = options->generate_max == 0 ? ZONEFILE_GENERATE_MAX : options->generate_max;
	options->file_size_max = options->file_size_max == 0 ? ZONEFILE_FILE_SIZE_MAX : options->file_size_max;
}

static void tell_rest(struct parser *parser, const char *name)
{
	uint64_t untold = parser->result->warning_count;
	if (untold <= parser->options.warnings_max) {
		return;
	}
	char text[80];
	snprintf(text, sizeof text, "%" PRIu64 " more warnings were not told", untold - parser->options.warnings_max);
	tell_text(parser, ZONEFILE_WARNING, name, 0, 0, text);
}

bool zonefile_read_text(struct zonefile_text *text, const struct zonefile_options *options,
                        struct zonefile_source *source, struct zonefile_record_sink *records,
                        struct zonefile_problem_sink *problems, struct zonefile_result *result, struct error *error)
{
	/* Taking and clearing 64 KiB for each of many small files would cost more than reading them. */
	static _Thread_local uint8_t rdata[DNS_RDATA_MAX];
	struct parser *parser = memory_new(sizeof *parser);
	struct dns_name apex = dns_name_of(options->apex);
	struct file file;
	*result = (struct zonefile_result){0};
	parser->options = *options;
	options_fill(&parser->options);
	parser->source = source;
	parser->records = records;
	parser->problems = problems;
	parser->result = result;
	parser->error = error;
	parser->rdata = rdata;
	parser->apex_len = apex.len;
	file_init(parser, &file, NULL, text, &apex);
	read_entries(parser, &file);
	tell_rest(parser, text->name);
	free(parser->entry.tokens);
	free(parser);
	if (result->error_count > 1 && error != NULL) {
		struct error first = *error;
		error_set(error, first.code, "%s (and %" PRIu64 " more errors)", first.text, result->error_count - 1);
	}
	return result->error_count == 0;
}
