/* SPDX-License-Identifier: MIT */
/* $ORIGIN and $INCLUDE (RFC 1035 5.1), $TTL (RFC 2308 4). */
#include "zonefile/zonefile_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/memory.h"

/* Linux's PATH_MAX. */
#define PATH_LEN_MAX 4096

static bool is_directive(const struct dns_token *token, const char *name)
{
	return token->len == strlen(name) && strncasecmp(token->chars, name, token->len) == 0;
}

/* The directive has from `min` to `max` words behind its name. False: told. */
static bool has_arguments(struct parser *parser, const struct file *file, size_t min, size_t max, const char *form)
{
	const struct entry *entry = &parser->entry;
	if (entry->count - 1 < min) {
		return tell_at_token(parser, file, &entry->tokens[entry->count - 1],
		                     "the directive ends here; its form is %s", form);
	}
	if (entry->count - 1 > max) {
		return tell_at_token(parser, file, &entry->tokens[max + 1],
		                     "one word too many; the directive's form is %s", form);
	}
	return true;
}

/* A relative $ORIGIN would mean something else each time that the lines around it move. */
static void tell_relative_origin(struct parser *parser, const struct file *file, const struct dns_token *token)
{
	struct dns_name meant;
	char text[DNS_NAME_TEXT_MAX];
	enum dns_text_form form = dns_name_parse(token->chars, token->len, file->origin.wire, &meant);
	if (form != DNS_TEXT_OK) {
		tell_name(parser, file, token, form);
		return;
	}
	tell_at_token(parser, file, token,
	              "$ORIGIN takes an absolute name, with a dot at its end; if it is meant within the present "
	              "origin, write '%s'",
	              dns_name_to_text(meant.wire, text));
}

static void read_origin(struct parser *parser, struct file *file)
{
	const struct dns_token *token = &parser->entry.tokens[1];
	struct dns_name origin;
	if (!has_arguments(parser, file, 1, 1, "$ORIGIN NAME")) {
		return;
	}
	enum dns_text_form form = dns_name_parse(token->chars, token->len, NULL, &origin);
	if (form == DNS_TEXT_NO_ORIGIN) {
		tell_relative_origin(parser, file, token);
	} else if (read_name_token(parser, file, token, NULL, &origin)) {
		file_set_origin(parser, file, &origin);
	}
}

static void read_ttl_default(struct parser *parser, const struct file *file)
{
	const struct dns_token *token = &parser->entry.tokens[1];
	const char *why;
	uint32_t ttl;
	if (!has_arguments(parser, file, 1, 1, "$TTL SECONDS")) {
		return;
	}
	if (!zonefile_ttl_from_text(token->chars, token->len, &ttl, &why)) {
		tell_at_token(parser, file, token, "the TTL %s", why);
		return;
	}
	parser->ttl_default = ttl;
	parser->ttl_default_known = true;
}

/* ---- $INCLUDE ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Resolves \DDD and \X as in a character-string. False: not a path. */
static bool unescape_path(const struct dns_token *token, struct writer *out)
{
	const char *at = token->chars;
	const char *end = at + token->len;
	while (at < end) {
		int octet = (uint8_t)*at++;
		/* The scanner saw to it that something follows a backslash. */
		if (octet == '\\' && end - at >= 3 && is_digit(at[0]) && is_digit(at[1]) && is_digit(at[2])) {
			octet = (at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0';
			at += 3;
		} else if (octet == '\\' && at < end) {
			octet = (uint8_t)*at++;
		}
		if (octet == 0 || octet > 255) {
			return false;
		}
		write_u8(out, (uint8_t)octet);
	}
	write_u8(out, 0);
	return !out->failed && token->len > 0;
}

/* The path that the token means, seen from the folder of the including file. NULL: told; else free it. */
static char *include_path(struct parser *parser, const struct file *file, const struct dns_token *token)
{
	uint8_t bytes[PATH_LEN_MAX];
	struct writer path = writer_of(bytes, sizeof bytes);
	const char *slash = strrchr(file->name, '/');
	if (slash != NULL && token->len > 0 && token->chars[0] != '/') {
		write_bytes(&path, file->name, (size_t)(slash - file->name) + 1);
	}
	if (!unescape_path(token, &path)) {
		tell_at_token(parser, file, token, "this is no path of a file");
		return NULL;
	}
	return memory_copy_text((const char *)bytes);
}

static bool is_same_file(struct zonefile_source *source, const char *a, const char *b)
{
	return strcmp(a, b) == 0 || (source->same != NULL && source->same(source, a, b));
}

/* May the file be read inside `file`? False: told. */
static bool may_include(struct parser *parser, const struct file *file, const struct dns_token *token, const char *path)
{
	if (file->depth >= ZONEFILE_INCLUDE_DEPTH_MAX) {
		return tell_at_token(parser, file, token, "%s: more than %d files within each other", path,
		                     ZONEFILE_INCLUDE_DEPTH_MAX);
	}
	for (const struct file *outer = file; outer != NULL; outer = outer->outer) {
		if (is_same_file(parser->source, path, outer->name)) {
			return tell_at_token(parser, file, token, "%s: a file cannot include itself%s", path,
			                     outer == file ? "" : ", by way of others");
		}
	}
	return true;
}

/* RFC 1035 5.1: the text is inserted here, so that a first blank owner is that of the record before; but its origin and
 * its owners do not reach out of it. TTLs do, as in other servers. */
static void read_included(struct parser *parser, const struct file *file, struct zonefile_text *text,
                          const struct dns_name *origin)
{
	struct file included;
	struct owner owner = parser->owner;
	parser->owner_handed = false;
	file_init(parser, &included, file, text, origin);
	read_entries(parser, &included);
	parser->owner = owner;
	parser->owner_handed = false;
	parser->owner_text = NULL;
}

static void include(struct parser *parser, const struct file *file, const struct dns_token *token, const char *path,
                    const struct dns_name *origin)
{
	struct zonefile_text text = {0};
	struct error error;
	if (!parser->source->open(parser->source, path, &text, &error)) {
		tell_at_token(parser, file, token, "%s", error.text);
		return;
	}
	text.name = path;
	read_included(parser, file, &text, origin);
	parser->source->close(parser->source, &text);
}

static void read_include(struct parser *parser, const struct file *file)
{
	struct dns_name origin = file->origin;
	if (!has_arguments(parser, file, 1, 2, "$INCLUDE FILE [ORIGIN]")) {
		return;
	}
	/* The tokens are overwritten by those of the included file. */
	struct dns_token token = parser->entry.tokens[1];
	if (parser->source == NULL) {
		tell_at_token(parser, file, &token, "$INCLUDE is not possible here");
		return;
	}
	if (parser->entry.count == 3 &&
	    !read_name_token(parser, file, &parser->entry.tokens[2], file->origin.wire, &origin)) {
		return;
	}
	char *path = include_path(parser, file, &token);
	if (path != NULL && may_include(parser, file, &token, path)) {
		include(parser, file, &token, path, &origin);
	}
	free(path);
}

void read_directive(struct parser *parser, struct file *file)
{
	const struct dns_token *name = &parser->entry.tokens[0];
	if (is_directive(name, "$ORIGIN")) {
		read_origin(parser, file);
	} else if (is_directive(name, "$TTL")) {
		read_ttl_default(parser, file);
	} else if (is_directive(name, "$INCLUDE")) {
		read_include(parser, file);
	} else if (is_directive(name, "$GENERATE")) {
		read_generate(parser, file);
	} else {
		char shown[SHOWN_TOKEN_MAX];
		tell_at_token(parser, file, name,
		              "'%s' is not a directive: $ORIGIN, $TTL, $INCLUDE and $GENERATE are; a name that begins "
		              "with '$' is written '\\$'",
		              show_token(name, shown));
	}
}
