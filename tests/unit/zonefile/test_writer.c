/* SPDX-License-Identifier: MIT */
/* What the writer writes reads back to the same octets (I4). */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "reading.h"

struct written {
	struct zonefile_output output;
	char chars[1 << 18];
	size_t len;
};

static struct written written;

static void keep(struct zonefile_output *self, const char *chars, size_t len)
{
	struct written *to = (struct written *)self;
	assert_true(to->len + len < sizeof to->chars);
	memcpy(to->chars + to->len, chars, len);
	to->len += len;
	to->chars[to->len] = '\0';
}

struct writing_sink {
	struct zonefile_record_sink sink;
	struct zonefile_writer writer;
};

static bool write_record(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct writing_sink *to = (struct writing_sink *)self;
	(void)error;
	zonefile_writer_record(&to->writer, record->owner, record->type, record->class, record->ttl, record->rdata,
	                       record->rdata_len);
	return true;
}

/* What the writer makes of a zone. */
static const char *rewrite(const char *chars, const uint8_t *apex)
{
	struct zonefile_text text = {.name = "main", .chars = chars, .len = strlen(chars)};
	struct zonefile_options options = {.apex = apex};
	struct writing_sink sink = {.sink = {.take = write_record}};
	struct zonefile_result result;
	struct error error;
	written = (struct written){.output = {.write = keep}};
	zonefile_writer_begin(&sink.writer, apex, 7, &written.output);
	bool done = zonefile_read_text(&text, &options, NULL, &sink.sink, NULL, &result, &error);
	if (!done) {
		fail_msg("%s", error.text);
	}
	zonefile_writer_end(&sink.writer);
	return written.chars;
}

static const char *rewrite_example(const char *chars)
{
	return rewrite(chars, example_options().apex);
}

TEST(written_zone_is_readable)
{
	assert_string_equal(rewrite_example("@ 3600 SOA ns1 host 7 7200 3600 1209600 300\n"
	                                    "@ 3600 NS ns1\n"
	                                    "ns1 3600 A 192.0.2.1\n"
	                                    "ns1 3600 AAAA 2001:db8::1\n"
	                                    "www.sub 60 TXT \"hello world\"\n"),
	                    "; zone example. serial 7\n"
	                    "$ORIGIN example.\n"
	                    "@\t\t\t3600\tIN SOA\t\tns1.example. host.example. (\n"
	                    "\t\t\t\t\t\t7            ; serial\n"
	                    "\t\t\t\t\t\t7200         ; refresh\n"
	                    "\t\t\t\t\t\t3600         ; retry\n"
	                    "\t\t\t\t\t\t1209600      ; expire\n"
	                    "\t\t\t\t\t\t300 )        ; minimum\n"
	                    "\t\t\t3600\tIN NS\t\tns1.example.\n"
	                    "ns1\t\t\t3600\tIN A\t\t192.0.2.1\n"
	                    "\t\t\t3600\tIN AAAA\t\t2001:db8::1\n"
	                    "www.sub\t\t\t60\tIN TXT\t\t\"hello world\"\n");
}

TEST(owner_is_written_again_when_only_its_case_differs)
{
	const char *text = rewrite_example("a 300 A 192.0.2.1\nA 300 A 192.0.2.2\n A 192.0.2.3\n");
	assert_non_null(
	        strstr(text, "\na\t\t\t300\tIN A\t\t192.0.2.1\nA\t\t\t300\tIN A\t\t192.0.2.2\n\t\t\t300\tIN A"));
}

TEST(owner_with_the_apex_in_other_case_is_written_absolute)
{
	const char *text = rewrite_example("a.EXAMPLE. 300 A 192.0.2.1\nEXAMPLE. 300 A 192.0.2.2\nb 300 A 192.0.2.3\n");
	assert_string_equal(read_zone(text)->records,
	                    "a.EXAMPLE. 300 A 192.0.2.1\nEXAMPLE. 300 A 192.0.2.2\nb.example. 300 A 192.0.2.3\n");
}

TEST(records_of_odd_form_read_back_the_same)
{
	static const char zone[] = "@ 3600 SOA a\\.b c\\ d 4294967295 0 0 0 0\n"
	                           "\\000\\255\\@\\$\\;\\(\\\"\\\\ 0 TXT \"\" \"\\000\\255\\\"\\\\\" \"x\n\"\n"
	                           "\\$ORIGIN 1 NS .\n"
	                           "\\@ 1 NS @\n"
	                           "* 1 NS \\*\n"
	                           "abcdefghijklmnopqrstuvwxyz.abcdefghijklmnopqrstuvwxyz 2147483647 A 192.0.2.1\n"
	                           "a 1 TYPE65535 \\# 0\n"
	                           "a 1 TYPE65535 \\# 3 010203\n"
	                           "a 1 HTTPS 1 . alpn=\"h2,h3\" key667=\"x y\"\n";
	static char expected[1 << 19];
	assert_true(read_zone(zone)->done);
	snprintf(expected, sizeof expected, "%s", read_zone(zone)->records);
	const struct reading *reading = read_zone(rewrite_example(zone));
	assert_string_equal(reading->problems, "");
	assert_string_equal(reading->records, expected);
}

/* More than is kept before it is handed on. */
TEST(long_zone_is_written_whole)
{
	struct text zone;
	text_init(&zone, 1 << 18);
	for (unsigned i = 0; i < 4000; i++) {
		text_format(&zone, "n%u.example. 300 A 192.0.%u.%u\n", i, i >> 8, i & 255);
	}
	const char *text = rewrite_example(text_string(&zone));
	assert_true(strlen(text) > 100000);
	assert_string_equal(read_zone(text)->records, text_string(&zone));
	text_deinit(&zone);
}

TEST(root_zone_has_relative_owners_too)
{
	const char *text = rewrite(". 1 SOA a. b. 1 2 3 4 5\ncom. 1 NS a.\n", dns_name_root);
	assert_non_null(strstr(text, "; zone . serial 7\n$ORIGIN .\n@\t"));
	assert_non_null(strstr(text, "\ncom\t\t\t1\tIN NS\t\ta.\n"));
}

/* Random octets as RDATA of every type: what passes the check must come back octet by octet. */
struct one_record {
	struct zonefile_record_sink sink;
	size_t count;
	uint16_t type;
	uint8_t rdata[512];
	size_t len;
	struct dns_name owner;
};

static bool expect_same(struct zonefile_record_sink *self, const struct zonefile_record *record, struct error *error)
{
	struct one_record *one = (struct one_record *)self;
	(void)error;
	one->count++;
	assert_int_equal(record->type, one->type);
	assert_true(dns_name_same(record->owner, one->owner.wire));
	assert_int_equal(record->rdata_len, one->len);
	assert_memory_equal(record->rdata, one->rdata, one->len);
	return true;
}

static void random_owner(struct random_seeded *random, struct dns_name *out)
{
	struct dns_name prefix = {.len = 0};
	size_t labels = random_below(&random->source, 4);
	for (size_t i = 0; i < labels; i++) {
		size_t len = 1 + random_below(&random->source, 20);
		prefix.wire[prefix.len++] = (uint8_t)len;
		for (size_t j = 0; j < len; j++) {
			prefix.wire[prefix.len++] = (uint8_t)random->source.next(&random->source);
		}
	}
	prefix.wire[prefix.len++] = 0;
	assert_true(dns_name_join(prefix.wire, example_options().apex, out));
}

static void write_and_read(struct one_record *one)
{
	struct zonefile_writer writer;
	struct zonefile_options options = example_options();
	struct zonefile_result result;
	struct error error;
	written = (struct written){.output = {.write = keep}};
	zonefile_writer_begin(&writer, options.apex, 7, &written.output);
	zonefile_writer_record(&writer, one->owner.wire, one->type, DNS_CLASS_IN, 300, one->rdata, one->len);
	zonefile_writer_end(&writer);
	for (int plain = 0; plain < 2; plain++) {
		struct zonefile_text text = {.name = "main", .chars = written.chars, .len = written.len};
		options.plain = plain == 1;
		one->count = 0;
		if (!zonefile_read_text(&text, &options, NULL, &one->sink, NULL, &result, &error)) {
			fail_msg("%s\n%s", written.chars, error.text);
		}
		assert_int_equal(one->count, 1);
	}
}

TEST(random_rdata_of_every_type_reads_back_octet_by_octet)
{
	static struct one_record one = {.sink = {.take = expect_same}};
	struct random_seeded random;
	size_t tried = 0;
	random_seeded_init(&random, unit_seed());
	for (uint32_t type = 1; type < 300; type++) {
		for (int i = 0; i < 300 && !dns_type_is_meta((uint16_t)type); i++) {
			one.type = (uint16_t)type;
			one.len = random_below(&random.source, i % 2 == 0 ? 12 : 80);
			for (size_t j = 0; j < one.len; j++) {
				/* Small numbers are lengths, labels and windows more often than not. */
				uint64_t octet = random.source.next(&random.source);
				one.rdata[j] = (uint8_t)(octet & 0x100 ? octet & 0xff : octet & 0x07);
			}
			if (dns_rdata_check(one.type, one.rdata, one.len, NULL)) {
				random_owner(&random, &one.owner);
				write_and_read(&one);
				tried++;
			}
		}
	}
	assert_true(tried > 1000);
}

/* ---- a zone with every type ---- */

static const char *read_data(const char *name)
{
	static char texts[2][1 << 17];
	static size_t next;
	char *text = texts[next++ % 2];
	FILE *file = fopen(name, "r");
	if (file == NULL) {
		fail_msg("%s is missing", name);
	}
	text[fread(text, 1, sizeof texts[0] - 1, file)] = '\0';
	fclose(file);
	return text;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The records of a zone as lines, sorted. */
static void read_lines(const char *chars, const uint8_t *apex, char *out, size_t size)
{
	static const struct included_text none[] = {{NULL, NULL}};
	struct zonefile_options options = {.apex = apex};
	const struct reading *reading = read_texts(chars, strlen(chars), &options, none);
	assert_string_equal(reading->problems, "");
	static char copy[1 << 19];
	static char *lines[4096];
	size_t count = 0;
	snprintf(copy, sizeof copy, "%s", reading->records);
	for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		assert_true(count < ARRAY_LENGTH(lines));
		lines[count++] = line;
	}
	qsort(lines, count, sizeof lines[0], compare_lines);
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		used += (size_t)snprintf(out + used, size - used, "%s\n", lines[i]);
	}
}

/* Changes some octets of each record that it is given, and writes and reads what is still RDATA. */
struct changing_sink {
	struct zonefile_record_sink sink;
	struct random_seeded random;
	bool seen[UINT16_MAX + 1];
};

static bool change_and_rewrite(struct zonefile_record_sink *self, const struct zonefile_record *record,
                               struct error *error)
{
	static struct one_record one = {.sink = {.take = expect_same}};
	struct changing_sink *to = (struct changing_sink *)self;
	struct random_source *random = &to->random.source;
	(void)error;
	to->seen[record->type] = true;
	assert_true(record->rdata_len <= sizeof one.rdata);
	for (int round = 0; round < 60; round++) {
		one.type = record->type;
		one.len = record->rdata_len;
		memcpy(one.rdata, record->rdata, record->rdata_len);
		for (int changes = round % 4; changes > 0 && one.len > 0; changes--) {
			one.rdata[random_below(random, one.len)] = (uint8_t)random_below(random, 256);
		}
		if (dns_rdata_check(one.type, one.rdata, one.len, NULL)) {
			random_owner(&to->random, &one.owner);
			write_and_read(&one);
		}
	}
	return true;
}

TEST(changed_rdata_of_every_type_reads_back_octet_by_octet)
{
	static struct changing_sink sink = {.sink = {.take = change_and_rewrite}};
	const char *chars = read_data(TEST_DATA "/every-type/every-type.hex.zone");
	struct zonefile_text text = {.name = "main", .chars = chars, .len = strlen(chars)};
	struct dns_name apex;
	struct zonefile_result result;
	struct error error;
	random_seeded_init(&sink.random, unit_seed());
	assert_true(dns_name_from_text("every-type.example", &apex, &error));
	struct zonefile_options options = {.apex = apex.wire};
	assert_true(zonefile_read_text(&text, &options, NULL, &sink.sink, NULL, &result, &error));
	for (uint32_t type = 1; type <= UINT16_MAX; type++) {
		char mnemonic[DNS_MNEMONIC_MAX];
		bool named = strncmp(dns_type_to_text((uint16_t)type, mnemonic), "TYPE", 4) != 0;
		bool without_form = type >= 100 && type <= 103; /* UINFO, UID, GID, UNSPEC: nobody knows any */
		if (named && !without_form && !dns_type_is_meta((uint16_t)type) && !sink.seen[type]) {
			fail_msg("every-type.zone has no %s", mnemonic);
		}
	}
}

TEST(zone_with_every_type_equals_its_generic_form_and_reads_back)
{
	static char named[1 << 19];
	static char generic[1 << 19];
	static char again[1 << 19];
	struct dns_name apex;
	struct error error;
	const char *zone = read_data(TEST_DATA "/every-type/every-type.zone");
	assert_true(dns_name_from_text("every-type.example", &apex, &error));
	read_lines(zone, apex.wire, named, sizeof named);
	read_lines(read_data(TEST_DATA "/every-type/every-type.hex.zone"), apex.wire, generic, sizeof generic);
	assert_true(strcmp(named, generic) == 0);
	read_lines(rewrite(zone, apex.wire), apex.wire, again, sizeof again);
	assert_true(strcmp(named, again) == 0);
}
