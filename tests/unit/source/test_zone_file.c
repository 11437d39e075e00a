/* SPDX-License-Identifier: MIT */
/* A file to a version: what makes it one, what is told on the way, and back to a file. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/quiescent.h"
#include "dns/type.h"
#include "source/source.h"
#include "zone_text.h"

#define SOA "@ 300 SOA a b 1 7200 900 1209600 300\n"

static char told[1 << 14];
static struct error error;
static struct source_report report;
static struct zonefile_files files;

static void keep(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct text line;
	(void)self;
	text_init(&line, 4096);
	zonefile_problem_to_text(problem, &line);
	size_t used = strlen(told);
	snprintf(told + used, sizeof told - used, "%s\n", text_string(&line));
	text_deinit(&line);
}

static const char *path(void)
{
	static char text[200];
	snprintf(text, sizeof text, "%s/z", unit_folder());
	return text;
}

static const struct zone_snapshot *read_named(const char *file, const char *apex)
{
	struct zonefile_problem_sink sink = {.tell = keep};
	struct dns_name name;
	assert_true(dns_name_from_text(apex, &name, &error));
	told[0] = '\0';
	zonefile_files_init(&files);
	const struct zone_snapshot *zone = source_read_zone_file(file, name.wire, NULL, &sink, &files, &report, &error);
	zonefile_files_deinit(&files);
	return zone;
}

static const struct zone_snapshot *read_zone(const char *text)
{
	assert_true(file_replace(path(), text, strlen(text), NULL));
	return read_named(path(), "example");
}

static void release(const struct zone_snapshot *zone)
{
	zone_unref(zone);
	quiescent_drain();
}

static void expect_zone(const char *text, size_t records, const char *problems)
{
	struct zone_facts facts;
	const struct zone_snapshot *zone = read_zone(text);
	assert_non_null(zone);
	zone_facts(zone, &facts);
	assert_int_equal(facts.records, records);
	assert_string_equal(told, problems);
	release(zone);
}

static void expect_refusal(const char *text, enum error_code code, const char *part)
{
	assert_null(read_zone(text));
	assert_int_equal(error.code, code);
	if (strstr(error.text, part) == NULL) {
		fail_msg("'%s' is not in '%s'", part, error.text);
	}
}

TEST(zone_without_soa_or_with_two_is_refused)
{
	expect_refusal("@ 300 NS a\n", ERROR_INVALID, "SOA");
	expect_refusal("", ERROR_INVALID, "SOA");
	expect_refusal(SOA "@ 300 SOA a b 2 7200 900 1209600 300\n", ERROR_INVALID, "SOA");
}

TEST(identical_records_and_a_soa_that_is_not_first_are_fine)
{
	expect_zone("@ 300 NS a\n" SOA "@ 300 NS A\n" SOA "@ 300 NS a\n", 2, "");
}

TEST(different_ttls_of_an_rrset_become_the_lowest_and_are_told)
{
	struct zone_node node;
	struct zone_rrset rrset;
	const struct zone_snapshot *zone = read_zone(SOA "@ 300 NS a\na 300 A 192.0.2.1\na 60 A 192.0.2.2\n");
	assert_non_null(zone);
	assert_true(zone_find(zone, (const uint8_t *)"\1a\7example", &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_A, &rrset));
	assert_int_equal(rrset.ttl, 60);
	assert_non_null(strstr(told, "warning: a.example. A: records of one RRset have different TTLs"));
	release(zone);
}

TEST(one_bad_record_refuses_the_file_with_its_place)
{
	expect_refusal(SOA "@ 300 NS a\na 300 A 1.2.3\n", ERROR_SYNTAX, "z:3:9: A: ");
	assert_non_null(strstr(told, "z:3:9: error: A: "));
}

TEST(record_of_another_class_refuses_the_file_with_its_place)
{
	expect_refusal(SOA "@ 300 CH NS a\n", ERROR_SYNTAX, "z:2:7: class CH");
}

TEST(missing_file_is_not_found)
{
	assert_null(read_named("/nowhere/z", "example"));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
}

/* A writer that is at work: whenever an error is found, it has written on. */
static const char *next_texts[SOURCE_READ_TRIES + 1];
static size_t texts_written;

static void write_next(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	const char *text = next_texts[texts_written];
	(void)self;
	(void)problem;
	if (text != NULL) {
		texts_written++;
		assert_true(file_replace(path(), text, strlen(text), NULL));
	}
}

static unsigned forgotten;

static void count_forgotten(struct zonefile_problem_sink *self)
{
	(void)self;
	forgotten++;
}

static const struct zone_snapshot *read_while_written(const char *first)
{
	struct zonefile_problem_sink sink = {.tell = write_next, .forget = count_forgotten};
	struct dns_name name;
	assert_true(dns_name_from_text("example", &name, &error));
	assert_true(file_replace(path(), first, strlen(first), NULL));
	texts_written = 0;
	forgotten = 0;
	zonefile_files_init(&files);
	const struct zone_snapshot *zone =
	        source_read_zone_file(path(), name.wire, NULL, &sink, &files, &report, &error);
	zonefile_files_deinit(&files);
	return zone;
}

TEST(file_that_changes_while_it_is_read_is_read_again)
{
	static const char half[] = SOA "@ NS a\na A 192.0.2";
	static const char whole[] = SOA "@ NS a\na A 192.0.2.1\nb A 192.0.2.2\n";
	struct zone_facts facts;
	memset(next_texts, 0, sizeof next_texts);
	next_texts[0] = half;
	next_texts[1] = whole;
	const struct zone_snapshot *zone = read_while_written(half);
	assert_non_null(zone);
	zone_facts(zone, &facts);
	assert_int_equal(facts.records, 4);
	assert_int_equal(texts_written, 2);
	assert_int_equal(forgotten, 2); /* what both halves said */
	release(zone);
}

TEST(file_that_never_stops_changing_is_given_up_and_told)
{
	for (size_t i = 0; i < SOURCE_READ_TRIES; i++) {
		next_texts[i] = SOA "a A 192.0.2";
	}
	assert_null(read_while_written(SOA "a A 192"));
	assert_int_equal(error.code, ERROR_STALE);
	assert_non_null(strstr(error.text, "changed while it was read"));
	assert_int_equal(texts_written, SOURCE_READ_TRIES);
}

TEST(written_file_reads_back_to_an_equal_version)
{
	char again_path[200];
	snprintf(again_path, sizeof again_path, "%s/again", unit_folder());
	const struct zone_snapshot *zone = read_named(TEST_DATA "/every-type/every-type.zone", "every-type.example");
	assert_non_null(zone);
	assert_true(source_write_zone_file(zone, again_path, &error));
	const struct zone_snapshot *again = read_named(again_path, "every-type.example");
	assert_non_null(again);
	assert_string_equal(told, "");
	char *text = text_of_zone(zone);
	char *text_again = text_of_zone(again);
	assert_true(strcmp(text, text_again) == 0);
	free(text);
	free(text_again);
	zone_unref(again);
	release(zone);
}
