/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include "base/memory.h"
#include "dns/rdata.h"
#include "dns/type.h"

struct collector {
	struct zonefile_record_sink records;
	struct zonefile_problem_sink problems;
	struct reading *reading;
	struct dns_name owner; /* of the record before */
	bool any;
};

static struct reading readings[2];

static const uint8_t apex[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static void append(char *out, size_t size, const char *line)
{
	size_t used = strlen(out);
	assert_true(used + strlen(line) + 2 < size);
	snprintf(out + used, size - used, "%s\n", line);
}

static bool take_record(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct collector *collector = (struct collector *)self;
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	struct text line;
	const char *why = "";
	(void)error;
	/* I3, and the promises of struct zonefile_record. */
	assert_int_equal(record->owner_len, dns_name_len(record->owner));
	assert_true(dns_rdata_check(record->type, record->rdata, record->rdata_len, &why));
	if (record->owner_repeated) {
		assert_true(collector->any && dns_name_same(collector->owner.wire, record->owner));
	}
	collector->owner = dns_name_of(record->owner);
	collector->any = true;
	text_init(&line, 1 << 20);
	text_format(&line, "%s %" PRIu32 " %s ", dns_name_to_text(record->owner, owner), record->ttl,
	            dns_type_to_text(record->type, type));
	dns_rdata_to_text(record->type, record->rdata, record->rdata_len, &line);
	append(collector->reading->records, sizeof collector->reading->records, text_string(&line));
	text_deinit(&line);
	return true;
}

static void take_problem(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct collector *collector = (struct collector *)((char *)self - offsetof(struct collector, problems));
	struct text line;
	text_init(&line, 65536);
	zonefile_problem_to_text(problem, &line);
	append(collector->reading->problems, sizeof collector->reading->problems, text_string(&line));
	text_deinit(&line);
}

/* ---- texts in memory ---- */

struct text_source {
	struct zonefile_source source;
	const struct included_text *texts;
	bool in_pieces;
	int open_count;
};

/* A text that comes a few octets at a time, the rest of it not being there; what was passed goes. */
struct pieces {
	const char *chars;
	size_t len;
	char *shown;
};

static bool show_more(struct zonefile_text *text, size_t passed)
{
	struct pieces *pieces = text->context;
	size_t left = pieces->len - text->len;
	size_t more = 1 + text->len * 7 % 23;
	more = more < left ? more : left;
	assert_true(passed <= text->len);
	memset(pieces->shown, '~', passed);
	memcpy(pieces->shown + text->len, pieces->chars + text->len, more);
	text->len += more;
	return more > 0;
}

static void give_in_pieces(struct zonefile_text *text)
{
	struct pieces *pieces = memory_new(sizeof *pieces);
	pieces->chars = text->chars;
	pieces->len = text->len;
	pieces->shown = memory_new(text->len);
	memset(pieces->shown, '~', text->len);
	text->chars = pieces->shown;
	text->len = 0;
	text->more = show_more;
	text->context = pieces;
}

static void pieces_free(struct zonefile_text *text)
{
	struct pieces *pieces = text->context;
	if (pieces != NULL) {
		free(pieces->shown);
		free(pieces);
	}
}

static bool source_open(struct zonefile_source *self, const char *path, struct zonefile_text *out, struct error *error)
{
	struct text_source *source = (struct text_source *)self;
	for (const struct included_text *text = source->texts; text->path != NULL; text++) {
		if (strcmp(text->path, path) == 0) {
			source->open_count++;
			out->chars = text->chars;
			out->len = strlen(text->chars);
			if (source->in_pieces) {
				give_in_pieces(out);
			}
			return true;
		}
	}
	return error_set(error, ERROR_NOT_FOUND, "%s: no such text", path);
}

static void source_close(struct zonefile_source *self, struct zonefile_text *text)
{
	pieces_free(text);
	((struct text_source *)self)->open_count--;
}

/* ---- readings ---- */

struct zonefile_options example_options(void)
{
	return (struct zonefile_options){.apex = apex};
}

static void read_one_way(const char *chars, size_t len, const struct zonefile_options *options,
                         const struct included_text *texts, bool in_pieces, struct reading *reading)
{
	struct collector collector = {
	        .records = {.take = take_record}, .problems = {.tell = take_problem}, .reading = reading};
	struct text_source source = {
	        .source = {.open = source_open, .close = source_close}, .texts = texts, .in_pieces = in_pieces};
	struct zonefile_text text = {.name = "main", .chars = chars, .len = len};
	if (in_pieces) {
		give_in_pieces(&text);
	}
	*reading = (struct reading){0};
	error_clear(&reading->error);
	reading->done = zonefile_read_text(&text, options, texts == NULL ? NULL : &source.source, &collector.records,
	                                   &collector.problems, &reading->result, &reading->error);
	pieces_free(&text);
	assert_int_equal(source.open_count, 0);
	assert_true(reading->done == (reading->result.error_count == 0));
	assert_true(reading->done == (reading->error.code == ERROR_NONE));
}

const struct reading *read_texts(const char *chars, size_t len, const struct zonefile_options *options,
                                 const struct included_text *texts)
{
	struct zonefile_options plain = *options;
	plain.plain = true;
	read_one_way(chars, len, options, texts, false, &readings[0]);
	for (int way = 1; way < 4; way++) {
		const struct reading *first = &readings[0];
		struct reading *other = &readings[1];
		read_one_way(chars, len, way % 2 == 1 ? &plain : options, texts, way >= 2, other);
		assert_string_equal(first->records, other->records);
		assert_string_equal(first->problems, other->problems);
		assert_string_equal(first->error.text, other->error.text);
		assert_memory_equal(&first->result, &other->result, sizeof first->result);
	}
	return &readings[0];
}

const struct reading *read_zone(const char *chars)
{
	static const struct included_text none[] = {{NULL, NULL}};
	struct zonefile_options options = example_options();
	return read_texts(chars, strlen(chars), &options, none);
}

void expect_records(const char *chars, const char *records)
{
	const struct reading *reading = read_zone(chars);
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, records);
}

void expect_error(const char *chars, const char *place, const char *what)
{
	const struct reading *reading = read_zone(chars);
	if (strncmp(reading->problems, place, strlen(place)) != 0 || strstr(reading->problems, what) == NULL ||
	    strstr(reading->problems, " error: ") == NULL || strchr(reading->problems, '\n')[1] != '\0') {
		fail_msg("\n%s\ngave:\n%sand not: %s error: ... %s", chars, reading->problems, place, what);
	}
}

bool is_read(const char *rdata)
{
	char line[8192];
	snprintf(line, sizeof line, "@ 300 %s\n", rdata);
	return read_zone(line)->done;
}
