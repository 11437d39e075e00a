/* SPDX-License-Identifier: MIT */
/* Any octets as a zone file. The short way and the plain way must say the same, and what they give must read back to
 * the same records once it was written. $INCLUDE finds the second half of the input, whatever it asks for. */
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "zonefile/zonefile.h"

/* Opens of one run: includes that include would multiply. */
#define OPENS_MAX    16
#define GENERATE_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t apex[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

/* Everything that a run says, one thing behind the other. */
struct transcript {
	struct zonefile_record_sink records;
	struct zonefile_problem_sink problems;
	struct text text;
};

static void add(struct text *text, const void *bytes, size_t len)
{
	text_add(text, (const char *)&len, sizeof len);
	text_add(text, bytes, len);
}

static bool take(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct transcript *to = (struct transcript *)self;
	uint32_t numbers[] = {record->type, record->class, record->ttl};
	(void)error;
	ensure(dns_rdata_check(record->type, record->rdata, record->rdata_len, NULL));
	add(&to->text, record->owner, record->owner_len);
	add(&to->text, numbers, sizeof numbers);
	add(&to->text, record->rdata, record->rdata_len);
	return true;
}

static void tell(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct transcript *to = (struct transcript *)((char *)self - offsetof(struct transcript, problems));
	zonefile_problem_to_text(problem, &to->text);
}

struct half {
	struct zonefile_source source;
	struct zonefile_text text;
	size_t opens;
};

static bool open_half(struct zonefile_source *self, const char *path, struct zonefile_text *out, struct error *error)
{
	struct half *half = (struct half *)self;
	if (half->opens++ == OPENS_MAX) {
		return error_set(error, ERROR_NOT_FOUND, "%s: not there", path);
	}
	*out = half->text;
	return true;
}

static void close_half(struct zonefile_source *self, struct zonefile_text *text)
{
	(void)self;
	(void)text;
}

static bool read_into(struct transcript *to, const char *chars, size_t len, bool plain)
{
	struct zonefile_text text = {.name = "main", .chars = chars, .len = len};
	struct half half = {
	        .source = {.open = open_half, .close = close_half},
	        .text = {.chars = len == 0 ? "" : chars + len / 2, .len = len - len / 2},
	};
	struct zonefile_options options = {.apex = apex, .plain = plain, .generate_max = GENERATE_MAX};
	struct zonefile_result result;
	struct error error;
	to->records.take = take;
	to->problems.tell = tell;
	text_init(&to->text, SIZE_MAX / 2);
	return zonefile_read_text(&text, &options, &half.source, &to->records, &to->problems, &result, &error);
}

/* ---- write what was read ---- */

struct rewrite {
	struct zonefile_record_sink records;
	struct zonefile_output output;
	struct zonefile_writer writer;
	struct text text;
};

static void keep(struct zonefile_output *self, const char *chars, size_t len)
{
	struct rewrite *rewrite = (struct rewrite *)((char *)self - offsetof(struct rewrite, output));
	text_add(&rewrite->text, chars, len);
}

static bool write_record(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct rewrite *rewrite = (struct rewrite *)self;
	(void)error;
	zonefile_writer_record(&rewrite->writer, record->owner, record->type, record->class, record->ttl, record->rdata,
	                       record->rdata_len);
	return true;
}

/* What was read without a problem is written, and reads back to the same. */
static void check_rewrite(const struct transcript *first, const char *chars, size_t len)
{
	struct zonefile_text text = {.name = "main", .chars = chars, .len = len};
	struct half half = {
	        .source = {.open = open_half, .close = close_half},
	        .text = {.chars = len == 0 ? "" : chars + len / 2, .len = len - len / 2},
	};
	struct zonefile_options options = {.apex = apex, .generate_max = GENERATE_MAX};
	struct rewrite rewrite = {.records = {.take = write_record}, .output = {.write = keep}};
	struct zonefile_result result;
	struct transcript second;
	text_init(&rewrite.text, SIZE_MAX / 2);
	zonefile_writer_begin(&rewrite.writer, apex, 1, &rewrite.output);
	ensure(zonefile_read_text(&text, &options, &half.source, &rewrite.records, NULL, &result, NULL));
	zonefile_writer_end(&rewrite.writer);
	ensure(read_into(&second, rewrite.text.chars, rewrite.text.len, false));
	ensure(result.warning_count > 0 ||
	       (first->text.len == second.text.len &&
	        memcmp(text_string(&first->text), text_string(&second.text), first->text.len) == 0));
	text_deinit(&second.text);
	text_deinit(&rewrite.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct transcript quick;
	struct transcript plain;
	bool quick_done = read_into(&quick, (const char *)data, size, false);
	bool plain_done = read_into(&plain, (const char *)data, size, true);
	ensure(quick_done == plain_done);
	ensure(quick.text.len == plain.text.len &&
	       memcmp(text_string(&quick.text), text_string(&plain.text), quick.text.len) == 0);
	if (quick_done) {
		check_rewrite(&quick, (const char *)data, size);
	}
	text_deinit(&quick.text);
	text_deinit(&plain.text);
	return 0;
}
