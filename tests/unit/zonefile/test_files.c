/* SPDX-License-Identifier: MIT */
/* Zone files on disk: folders, what cannot be read, which files it was. */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "reading.h"

static char problems[4096];

static void keep_problem(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct text line;
	(void)self;
	text_init(&line, sizeof problems);
	zonefile_problem_to_text(problem, &line);
	strncat(problems, text_string(&line), sizeof problems - strlen(problems) - 1);
	text_deinit(&line);
}

static bool take_all(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	(void)self;
	(void)record;
	(void)error;
	return true;
}

static const char *path_of(const char *name)
{
	static char paths[4][256];
	static size_t next;
	char *path = paths[next++ % ARRAY_LENGTH(paths)];
	snprintf(path, sizeof paths[0], "%s/%s", unit_folder(), name);
	return path;
}

static void put(const char *name, const char *content)
{
	struct error error;
	assert_true(file_replace(path_of(name), content, strlen(content), &error));
}

static bool read_file_into(const char *name, struct zonefile_record_sink *sink, struct zonefile_files *files,
                           struct zonefile_result *result, struct error *error)
{
	struct zonefile_problem_sink problem_sink = {.tell = keep_problem};
	struct zonefile_options options = example_options();
	problems[0] = '\0';
	error_clear(error);
	zonefile_files_init(files);
	return zonefile_read_file(path_of(name), &options, sink, &problem_sink, files, result, error);
}

static bool read_file(const char *name, struct zonefile_files *files, struct zonefile_result *result,
                      struct error *error)
{
	struct zonefile_record_sink sink = {.take = take_all};
	return read_file_into(name, &sink, files, result, error);
}

TEST(included_files_are_found_beside_the_file_and_remembered)
{
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	assert_true(folder_make(path_of("sub"), &error));
	put("main.zone", "a 300 A 192.0.2.1\n$INCLUDE sub/b.zone\n");
	put("sub/b.zone", "b 300 A 192.0.2.1\n$INCLUDE c.zone\n");
	put("sub/c.zone", "c 300 A 192.0.2.1\n");
	assert_true(read_file("main.zone", &files, &result, &error));
	assert_int_equal(result.record_count, 3);
	assert_int_equal(files.count, 3);
	assert_string_equal(files.identities[0].path, path_of("main.zone"));
	assert_string_equal(files.identities[2].path, path_of("sub/c.zone"));
	assert_int_equal(files.identities[2].size, 18);
	assert_true(zonefile_files_unchanged(&files));
	assert_true(zonefile_files_equal(&files, &files));
	zonefile_files_deinit(&files);
}

TEST(change_of_an_included_file_is_noticed)
{
	struct zonefile_files before;
	struct zonefile_files after;
	struct zonefile_result result;
	struct error error;
	put("d.zone", "$INCLUDE e.zone\n");
	put("e.zone", "a 300 A 192.0.2.1\n");
	assert_true(read_file("d.zone", &before, &result, &error));
	put("e.zone", "a 300 A 192.0.2.2\n");
	assert_false(zonefile_files_unchanged(&before));
	assert_true(read_file("d.zone", &after, &result, &error));
	assert_false(zonefile_files_equal(&before, &after));
	assert_int_equal(unlink(path_of("e.zone")), 0);
	assert_false(zonefile_files_unchanged(&after));
	zonefile_files_deinit(&before);
	zonefile_files_deinit(&after);
}

static bool change_file(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	(void)self;
	(void)record;
	(void)error;
	put("f.zone", "a 300 A 192.0.2.1\nb 300 A 192.0.2.2\n");
	return true;
}

TEST(file_that_changes_while_it_is_read_is_stale)
{
	struct zonefile_record_sink sink = {.take = change_file};
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	put("f.zone", "a 300 A 192.0.2.1\n");
	assert_false(read_file_into("f.zone", &sink, &files, &result, &error));
	assert_int_equal(error.code, ERROR_STALE);
	zonefile_files_deinit(&files);
}

/* Counts A records "nNUMBER", whose address is the number; everything else is an error. */
struct counting_sink {
	struct zonefile_record_sink sink;
	uint32_t next;
};

static bool count_in_order(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct counting_sink *sink = (struct counting_sink *)self;
	char owner[DNS_NAME_TEXT_MAX];
	char wanted[64];
	snprintf(wanted, sizeof wanted, "n%u.example.", sink->next);
	if (strcmp(dns_name_to_text(record->owner, owner), wanted) != 0 || load_u32(record->rdata) != sink->next) {
		return error_set(error, ERROR_INVALID, "%s came instead of %s", owner, wanted);
	}
	sink->next++;
	return true;
}

/* Far more than is in memory at a time; entries of many lines lie across any border. */
TEST(large_file_is_read_piece_by_piece)
{
	struct counting_sink sink = {.sink = {.take = count_in_order}};
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	struct text text;
	text_init(&text, 64 << 20);
	for (uint32_t i = 0; i < 250000; i++) {
		text_format(&text,
		            i % 3 == 0 ? "n%u 300 ( ; comment\n\n A %u.%u.%u.%u\n)\n" : "n%u 300 A %u.%u.%u.%u\n", i,
		            i >> 24, i >> 16 & 255, i >> 8 & 255, i & 255);
	}
	put("large.zone", text_string(&text));
	assert_true(text.len > (5 << 20));
	assert_true(read_file_into("large.zone", &sink.sink, &files, &result, &error));
	assert_int_equal(sink.next, 250000);
	assert_int_equal(result.record_count, 250000);
	text_deinit(&text);
	zonefile_files_deinit(&files);
}

static bool cut_file(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	(void)self;
	(void)record;
	(void)error;
	assert_int_equal(truncate(path_of("cut.zone"), 100), 0);
	return true;
}

TEST(large_file_that_is_cut_while_it_is_read_is_stale)
{
	struct zonefile_record_sink sink = {.take = cut_file};
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	struct text text;
	text_init(&text, 64 << 20);
	for (uint32_t i = 0; i < 250000; i++) {
		text_format(&text, "n%u 300 A 192.0.2.1\n", i);
	}
	put("cut.zone", text_string(&text));
	assert_false(read_file_into("cut.zone", &sink, &files, &result, &error));
	assert_int_equal(error.code, ERROR_STALE);
	text_deinit(&text);
	zonefile_files_deinit(&files);
}

TEST(including_a_folder_is_an_error_with_its_place)
{
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	put("g.zone", "$INCLUDE .\n");
	assert_false(read_file("g.zone", &files, &result, &error));
	assert_non_null(strstr(problems, "g.zone:1:10: error: "));
	assert_non_null(strstr(problems, "is a folder"));
	zonefile_files_deinit(&files);
}

TEST(file_that_includes_itself_by_a_link_is_an_error)
{
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	put("h.zone", "$INCLUDE link.zone\n");
	assert_int_equal(symlink("h.zone", path_of("link.zone")), 0);
	assert_false(read_file("h.zone", &files, &result, &error));
	assert_non_null(strstr(problems, "a file cannot include itself"));
	zonefile_files_deinit(&files);
}

TEST(missing_main_file_is_not_found_and_missing_include_has_its_place)
{
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	assert_false(read_file("missing.zone", &files, &result, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	zonefile_files_deinit(&files);
	put("i.zone", "a 300 A 192.0.2.1\n$INCLUDE missing.zone\n");
	assert_false(read_file("i.zone", &files, &result, &error));
	assert_int_equal(error.code, ERROR_SYNTAX);
	assert_non_null(strstr(error.text, "i.zone:2:10: "));
	assert_non_null(strstr(error.text, "missing.zone: No such file or directory"));
	zonefile_files_deinit(&files);
}

TEST(what_is_no_ordinary_file_is_refused)
{
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	assert_int_equal(mkfifo(path_of("pipe.zone"), 0600), 0);
	assert_false(read_file("pipe.zone", &files, &result, &error));
	assert_int_equal(error.code, ERROR_IO);
	assert_non_null(strstr(error.text, "not an ordinary file"));
	zonefile_files_deinit(&files);
	assert_false(read_file("", &files, &result, &error));
	assert_non_null(strstr(error.text, "is a folder"));
	zonefile_files_deinit(&files);
}

TEST(file_above_the_limit_is_refused)
{
	struct zonefile_record_sink sink = {.take = take_all};
	struct zonefile_options options = example_options();
	struct zonefile_files files;
	struct zonefile_result result;
	struct error error;
	put("j.zone", "a 300 A 192.0.2.1\n");
	zonefile_files_init(&files);
	options.file_size_max = 17;
	assert_false(zonefile_read_file(path_of("j.zone"), &options, &sink, NULL, &files, &result, &error));
	assert_int_equal(error.code, ERROR_LIMIT);
	options.file_size_max = 18;
	assert_true(zonefile_read_file(path_of("j.zone"), &options, &sink, NULL, &files, &result, &error));
	zonefile_files_deinit(&files);
}
