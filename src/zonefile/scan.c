/* SPDX-License-Identifier: MIT */
/* Characters to tokens (RFC 1035 5.1). One entry at a time; nothing here knows what a record is. */
#include "zonefile/zonefile_internal.h"

#include <string.h>

#include "base/memory.h"

const uint8_t char_kinds[256] = {
        [' '] = CHAR_BLANK,   ['\t'] = CHAR_BLANK, ['\r'] = CHAR_BLANK, ['\n'] = CHAR_NEWLINE, ['"'] = CHAR_QUOTE,
        [';'] = CHAR_COMMENT, ['('] = CHAR_OPEN,   [')'] = CHAR_CLOSE,  ['\\'] = CHAR_ESCAPE,
};

/* `file->at` stands on a newline. */
static void pass_newline(struct file *file)
{
	file->at++;
	file->line++;
	file->line_start = file->at;
}

static void pass_rest_of_line(struct parser *parser, struct file *file)
{
	while (!at_end(parser, file)) {
		const char *newline = memchr(file->at, '\n', (size_t)(file->end - file->at));
		if (newline != NULL) {
			file->at = newline;
			return;
		}
		file->at = file->end;
	}
}

/* Where an entry, a quote or a parenthesis began, so that reading can go on from there after it turned out bad. */
struct place {
	const char *at;
	const char *line_start;
	uint32_t line;
};

static struct place place_of(const struct file *file)
{
	return (struct place){.at = file->at, .line_start = file->line_start, .line = file->line};
}

static uint32_t column_of(const struct place *place)
{
	size_t column = (size_t)(place->at - place->line_start) + 1;
	return column > UINT32_MAX ? UINT32_MAX : (uint32_t)column;
}

static void go_back(struct file *file, const struct place *place)
{
	file->at = place->at;
	file->line_start = place->line_start;
	file->line = place->line;
}

/* Something that was opened at `place` has no end. Whatever followed it would be read with the wrong meaning, so
 * reading goes on behind its line, at the first line that does not look like a continuation. */
static enum scan tell_open_end(struct parser *parser, struct file *file, const struct place *place, const char *what)
{
	go_back(file, place);
	tell(parser, ZONEFILE_ERROR, file, file->line, column_of(place), "%s", what);
	do {
		pass_rest_of_line(parser, file);
		if (!at_end(parser, file)) {
			pass_newline(file);
		}
	} while (!at_end(parser, file) && char_kind_of(*file->at) == CHAR_BLANK);
	return SCAN_BAD;
}

static struct dns_token *new_token(struct entry *entry)
{
	memory_reserve((void **)&entry->tokens, &entry->capacity, entry->count + 1, sizeof *entry->tokens);
	return &entry->tokens[entry->count++];
}

/* Passes a backslash and what it escapes. False: nothing follows it. */
static bool pass_escape(struct parser *parser, struct file *file)
{
	file->at++;
	if (at_end(parser, file)) {
		return false;
	}
	if (*file->at == '\n') {
		pass_newline(file);
	} else {
		file->at++;
	}
	return true;
}

static enum scan scan_quoted(struct parser *parser, struct file *file)
{
	struct place quote = place_of(file);
	const char *start = ++file->at;
	while (!at_end(parser, file) && file->at - start <= TOKEN_LEN_MAX) {
		char c = *file->at;
		if (c == '"') {
			*new_token(&parser->entry) = (struct dns_token){.chars = start,
			                                                .len = (uint32_t)(file->at - start),
			                                                .quoted = true,
			                                                .line = quote.line,
			                                                .column = column_of(&quote)};
			file->at++;
			return SCAN_ENTRY;
		}
		if (c == '\n') {
			pass_newline(file);
		} else if (c != '\\') {
			file->at++;
		} else if (!pass_escape(parser, file)) {
			break;
		}
	}
	return tell_open_end(parser, file, &quote,
	                     file->at - start > TOKEN_LEN_MAX ? "the quote is longer than any character-string can be"
	                                                      : "the quote that opens here is never closed");
}

static enum scan scan_plain(struct parser *parser, struct file *file)
{
	struct place first = place_of(file);
	while (!at_end(parser, file)) {
		enum char_kind kind = char_kind_of(*file->at);
		if (kind == CHAR_PLAIN) {
			file->at++;
		} else if (kind != CHAR_ESCAPE) {
			break;
		} else if (!pass_escape(parser, file)) {
			return tell_open_end(parser, file, &first,
			                     "a backslash ends the file: nothing follows that it could escape");
		}
	}
	if (file->at - first.at > TOKEN_LEN_MAX) {
		return tell_open_end(parser, file, &first, "the word is longer than any RDATA can be");
	}
	*new_token(&parser->entry) = (struct dns_token){.chars = first.at,
	                                                .len = (uint32_t)(file->at - first.at),
	                                                .line = first.line,
	                                                .column = column_of(&first)};
	return SCAN_ENTRY;
}

static enum scan tell_stray_close(struct parser *parser, struct file *file)
{
	struct place close = place_of(file);
	tell(parser, ZONEFILE_ERROR, file, file->line, column_of(&close), "')' without a '(' before it");
	pass_rest_of_line(parser, file);
	return SCAN_BAD;
}

static void begin_entry(struct parser *parser, struct file *file)
{
	file->entry_start = file->at;
	parser->entry.count = 0;
	parser->entry.line = file->line;
	parser->entry.blank = !at_end(parser, file) && char_kind_of(*file->at) == CHAR_BLANK;
}

enum scan scan_entry(struct parser *parser, struct file *file)
{
	struct entry *entry = &parser->entry;
	struct place first = place_of(file);
	struct place open = first; /* the outermost '(' */
	size_t depth = 0;
	enum scan scan = SCAN_ENTRY;
	begin_entry(parser, file);
	while (scan == SCAN_ENTRY && !at_end(parser, file)) {
		switch (char_kind_of(*file->at)) {
		case CHAR_BLANK:
			file->at++;
			break;
		case CHAR_NEWLINE:
			pass_newline(file);
			if (depth == 0 && entry->count > 0) {
				return SCAN_ENTRY;
			}
			if (depth == 0) {
				first = place_of(file);
				begin_entry(parser, file);
			}
			break;
		case CHAR_COMMENT:
			pass_rest_of_line(parser, file);
			break;
		case CHAR_OPEN:
			open = depth == 0 ? place_of(file) : open;
			depth++;
			file->at++;
			break;
		case CHAR_CLOSE:
			if (depth == 0) {
				return tell_stray_close(parser, file);
			}
			depth--;
			file->at++;
			break;
		case CHAR_QUOTE:
			scan = scan_quoted(parser, file);
			break;
		case CHAR_PLAIN:
		case CHAR_ESCAPE:
			scan = scan_plain(parser, file);
			break;
		}
		if (entry->count > TOKENS_MAX) {
			return tell_open_end(parser, file, depth > 0 ? &open : &first,
			                     "more words than any record can have");
		}
	}
	if (scan == SCAN_ENTRY && depth > 0) {
		return tell_open_end(parser, file, &open, "the parenthesis that opens here is never closed");
	}
	return scan == SCAN_ENTRY && entry->count == 0 ? SCAN_END : scan;
}
