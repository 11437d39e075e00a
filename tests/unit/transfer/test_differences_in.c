/* SPDX-License-Identifier: MIT */
/* IXFR in (RFC 1995): differences that come are a chain from our version to the newest, and are done whole or not at all. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/text.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

#define SOA(serial)   "example. SOA ns.other. admin.other. " #serial " 7200 900 1209600 300\n"
#define OTHER(serial) "example. SOA ns.other. admin.other. " #serial " 7200 900 1209600 301\n"

static struct error error;

static struct transfer_in *in_from(uint32_t serial, uint64_t records_max)
{
	struct transfer_in_config config = {
	        .apex = name_of("example."),
	        .class = DNS_CLASS_IN,
	        .type = DNS_TYPE_IXFR,
	        .id = 7,
	        .has_serial = true,
	        .serial = serial,
	        .records_max = records_max,
	        .bytes_max = 1 << 30,
	};
	return transfer_in_new(&config);
}

static enum transfer_in_step feed(struct transfer_in *in, const char *records)
{
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_IXFR, records);
	return transfer_in_message(in, wire.bytes, wire.len, &error);
}

/* Line by line, each in a message of its own. */
static enum transfer_in_step feed_apart(struct transfer_in *in, const char *records)
{
	enum transfer_in_step step = TRANSFER_IN_MORE;
	while (*records != '\0') {
		char line[256];
		size_t len = (size_t)(strchr(records, '\n') - records) + 1;
		assert_int_equal(step, TRANSFER_IN_MORE);
		snprintf(line, sizeof line, "%.*s", (int)len, records);
		step = feed(in, line);
		records += len;
	}
	return step;
}

static const char two_steps[] = SOA(6) SOA(4) "a.example. A 192.0.2.1\n" SOA(5) "a.example. A 192.0.2.2\n" SOA(5)
        SOA(6) "b.example. A 192.0.2.3\n" SOA(6);

TEST(differences_lead_over_several_versions_to_the_newest)
{
	enum transfer_in_step (*const ways[])(struct transfer_in *, const char *) = {feed, feed_apart};
	for (size_t i = 0; i < 2; i++) {
		const struct zone_snapshot *base = zone_of_text("example.", 4, "a A 192.0.2.1\nc A 192.0.2.9\n");
		struct transfer_in *in = in_from(4, 100);
		assert_int_equal(ways[i](in, two_steps), TRANSFER_IN_DONE);
		struct transfer_in_counts counts = transfer_in_counts(in);
		assert_true(counts.is_difference);
		assert_int_equal(counts.version.serial, 6);
		assert_int_equal(counts.records, 8); /* the closing SOA is not counted */
		const struct zone_snapshot *next = transfer_in_finish(in, base, NULL, &error);
		assert_non_null(next);
		assert_int_equal(zone_serial(next), 6);
		char *text = text_of_zone(next);
		assert_null(strstr(text, "192.0.2.1\n"));
		assert_non_null(strstr(text, "192.0.2.2\n"));
		assert_non_null(strstr(text, "192.0.2.3\n"));
		assert_non_null(strstr(text, "192.0.2.9\n"));
		free(text);
		zone_unref(next);
		zone_unref(base);
	}
}

TEST(what_is_no_chain_from_our_version_is_refused)
{
	static const struct {
		const char *records;
		const char *why;
	} rows[] = {
	        {SOA(6) SOA(3) SOA(6) SOA(6), "begin with serial 3, but we have 4"},
	        {SOA(6) SOA(5) SOA(6) SOA(6), "begin with serial 5, but we have 4"},
	        {SOA(6) SOA(4) SOA(4) SOA(6), "lead from serial 4 to 4"},
	        {SOA(6) SOA(4) SOA(3) SOA(6), "lead from serial 4 to 3"},
	        {SOA(6) SOA(4) SOA(5) SOA(6), "go on with serial 6 where they had reached 5"},
	        {SOA(6) SOA(4) SOA(5) SOA(4), "go on with serial 4 where they had reached 5"},
	        {SOA(6) SOA(4) OTHER(6) SOA(6), "two different SOAs have serial 6"},
	        {SOA(6) SOA(4) SOA(6) OTHER(6), "do not end with the SOA that they began with"},
	        {SOA(6) SOA(4) SOA(6) SOA(7), "do not end with the SOA that they began with"},
	        {SOA(6) SOA(4) "sub." SOA(6) SOA(6), "sub.example. SOA) is an SOA, but not the zone's"},
	        {SOA(6) SOA(4) SOA(6) SOA(6) SOA(6), "1 records follow the closing SOA"},
	        {SOA(6) SOA(4) SOA(6) SOA(6) "a.example. A 192.0.2.1\n", "1 records follow the closing SOA"},
	        {SOA(6) "other." SOA(4) SOA(6) SOA(6), "not the SOA that the transfer began with"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct transfer_in *in = in_from(4, 100);
		assert_int_equal(feed(in, rows[i].records), TRANSFER_IN_FAILED);
		if (strstr(error.text, rows[i].why) == NULL) {
			fail_msg("%s\nthe text is: %s", rows[i].records, error.text);
		}
		transfer_in_free(in);
	}
}

TEST(differences_that_do_not_fit_our_version_are_done_not_even_in_part)
{
	static const struct {
		const char *base;
		enum error_code code;
	} rows[] = {
	        {"a A 192.0.2.7\n", ERROR_NOT_FOUND},                     /* what is to go is not there */
	        {"a 300 A 192.0.2.1\na 300 A 192.0.2.2\n", ERROR_EXISTS}, /* what is to come is */
	        {"a A 192.0.2.1\nb 300 A 192.0.2.3\n", ERROR_EXISTS},     /* in the second step */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		const struct zone_snapshot *base = zone_of_text("example.", 4, rows[i].base);
		char *before = text_of_zone(base);
		struct transfer_in *in = in_from(4, 100);
		assert_int_equal(feed(in, two_steps), TRANSFER_IN_DONE);
		assert_null(transfer_in_finish(in, base, NULL, &error));
		assert_int_equal(error.code, rows[i].code);
		assert_non_null(strstr(error.text, i < 2 ? "from serial 4 to 5" : "from serial 5 to 6"));
		char *after = text_of_zone(base);
		assert_string_equal(before, after);
		free(before);
		free(after);
		zone_unref(base);
	}
}

/* It was withdrawn, or replaced, while they came. */
TEST(differences_need_the_version_that_we_said_we_have)
{
	const struct zone_snapshot *other = zone_of_text("example.", 5, "a A 192.0.2.1\n");
	const struct zone_snapshot *bases[] = {NULL, other};
	for (size_t i = 0; i < 2; i++) {
		struct transfer_in *in = in_from(4, 100);
		assert_int_equal(feed(in, two_steps), TRANSFER_IN_DONE);
		assert_null(transfer_in_finish(in, bases[i], NULL, &error));
		assert_int_equal(error.code, ERROR_STALE);
	}
	zone_unref(other);
}

/* As of a whole zone, where they are dropped: a primary's glue above its apex. */
TEST(records_outside_the_zone_neither_come_nor_go)
{
	const struct zone_snapshot *base = zone_of_text("example.", 4, "");
	struct transfer_in *in = in_from(4, 100);
	assert_int_equal(feed(in, SOA(5) SOA(4) "ns.other. A 192.0.2.1\n" SOA(5) "ns.other. A 192.0.2.2\n" SOA(5)),
	                 TRANSFER_IN_DONE);
	assert_int_equal(transfer_in_counts(in).outside, 2);
	const struct zone_snapshot *next = transfer_in_finish(in, base, NULL, &error);
	assert_non_null(next);
	zone_unref(next);
	zone_unref(base);
}

TEST(more_records_than_allowed_refuse_the_transfer)
{
	struct transfer_in *in = in_from(4, 7);
	assert_int_equal(feed(in, two_steps), TRANSFER_IN_FAILED);
	assert_int_equal(error.code, ERROR_LIMIT);
	transfer_in_free(in);
}

/* Each with nothing but its two SOAs. */
TEST(a_thousand_differences_are_taken_and_one_more_refuses_the_transfer)
{
	for (uint32_t count = 1000; count <= 1001; count++) {
		char newest[128];
		char step[256];
		enum transfer_in_step last = TRANSFER_IN_MORE;
		struct transfer_in *in = in_from(4, 10000);
		snprintf(newest, sizeof newest, "example. SOA ns.other. admin.other. %u 7200 900 1209600 300\n",
		         4 + count);
		assert_int_equal(feed(in, newest), TRANSFER_IN_MORE);
		for (uint32_t serial = 4; serial < 4 + count && last == TRANSFER_IN_MORE; serial++) {
			snprintf(step, sizeof step,
			         "example. SOA ns.other. admin.other. %u 7200 900 1209600 300\n"
			         "example. SOA ns.other. admin.other. %u 7200 900 1209600 300\n",
			         serial, serial + 1);
			last = feed(in, step);
		}
		last = last == TRANSFER_IN_MORE ? feed(in, newest) : last;
		assert_int_equal(last, count == 1000 ? TRANSFER_IN_DONE : TRANSFER_IN_FAILED);
		transfer_in_free(in);
	}
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "more than 1000 differences"));
}

/* ---- from our own sender ---- */

static const struct zone_snapshot *random_version(struct random_source *random, uint32_t serial)
{
	struct text text;
	text_init(&text, 1 << 20);
	for (size_t name = 0; name < 400; name++) {
		text_format(&text, "stays%zu TXT \"long enough that what differs is shorter\"\n", name);
	}
	for (size_t name = 0; name < 12; name++) {
		size_t ttl = 60 + (size_t)random_below(random, 2);
		for (size_t rr = 0; rr < 3; rr++) {
			if (random_below(random, 2) == 0) {
				text_format(&text, "n%zu %zu A 192.0.2.%zu\n", name, ttl, rr);
			}
		}
	}
	const struct zone_snapshot *zone = zone_of_text("example.", serial, text_string(&text));
	text_deinit(&text);
	return zone;
}

#define SOA_OF "example. SOA ns.other. admin.other. %u 7200 900 1209600 300\n"

/* Each step is two RRs, and changes what all names below the delegation are. */
static enum transfer_in_step feed_toggles(struct transfer_in *in, unsigned steps)
{
	enum transfer_in_step step = TRANSFER_IN_MORE;
	for (unsigned i = 0; i < steps; i++) {
		const char *ns = "c.example. NS ns.other.\n";
		struct text text;
		text_init(&text, 1024);
		if (i == 0) {
			text_format(&text, SOA_OF, 4 + steps);
		}
		text_format(&text, SOA_OF "%s" SOA_OF "%s", 4 + i, i % 2 == 0 ? "" : ns, 5 + i, i % 2 == 0 ? ns : "");
		if (i == steps - 1) {
			text_format(&text, SOA_OF, 4 + steps);
		}
		assert_int_equal(step, TRANSFER_IN_MORE);
		step = feed(in, text_string(&text));
		text_deinit(&text);
	}
	return step;
}

TEST(small_differences_that_are_more_work_than_the_whole_zone_are_given_up)
{
	static const struct {
		unsigned names;
		bool is_done;
	} rows[] = {{5, true}, {8000, false}};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct text text;
		text_init(&text, 1 << 20);
		for (unsigned k = 0; k < rows[i].names; k++) {
			text_format(&text, "name-%u.c TXT \"some octets that are the name's own\"\n", k);
		}
		const struct zone_snapshot *base = zone_of_text("example.", 4, text_string(&text));
		struct transfer_in *in = in_from(4, 100000);
		assert_int_equal(feed_toggles(in, 900), TRANSFER_IN_DONE);
		const struct zone_snapshot *next = transfer_in_finish(in, base, NULL, &error);
		assert_int_equal(next != NULL, rows[i].is_done);
		assert_true(rows[i].is_done || error.code == ERROR_LIMIT);
		zone_unref(next);
		zone_unref(base);
		text_deinit(&text);
	}
}

TEST(what_our_own_sender_sends_makes_the_same_zone)
{
	enum { VERSIONS = 6 };
	static struct dns_encoder encoder;
	static const struct change_history_limits limits = {.count_max = 100, .octets_max = 1 << 30, .age_max_s = 1000};
	struct random_seeded seeded;
	const struct zone_snapshot *versions[VERSIONS];
	const struct change_history *history = NULL;
	random_seeded_init(&seeded, unit_seed());
	dns_encoder_init(&encoder);
	for (uint32_t i = 0; i < VERSIONS; i++) {
		versions[i] = random_version(&seeded.source, i);
		if (i > 0) {
			const struct changeset *set = changeset_between(versions[i - 1], versions[i], &error);
			const struct change_history *longer =
			        change_history_with(history, set, versions[i], 0, &limits, NULL);
			changeset_unref(set);
			change_history_unref(history);
			history = longer;
		}
	}
	for (uint32_t from = 0; from + 1 < VERSIONS; from++) {
		struct wire question;
		struct wire message;
		wire_question(&question, "example.", DNS_TYPE_IXFR, &from, false);
		struct dns_message read = wire_read(&question);
		struct transfer_out *out = transfer_out_new(&read, versions[VERSIONS - 1], history, NULL);
		struct transfer_in *in = in_from(from, 10000);
		enum transfer_in_step step = TRANSFER_IN_MORE;
		while (transfer_out_next(out, &encoder, message.bytes, 2048, &message.len, &error) ==
		       TRANSFER_OUT_MESSAGE) {
			store_u16(message.bytes, 7);
			step = transfer_in_message(in, message.bytes, message.len, &error);
		}
		assert_int_equal(step, TRANSFER_IN_DONE);
		assert_true(transfer_in_counts(in).is_difference);
		const struct zone_snapshot *next = transfer_in_finish(in, versions[from], NULL, &error);
		assert_non_null(next);
		char *wanted = text_of_zone(versions[VERSIONS - 1]);
		char *made = text_of_zone(next);
		assert_string_equal(wanted, made);
		free(wanted);
		free(made);
		zone_unref(next);
		transfer_out_free(out);
	}
	for (uint32_t i = 0; i < VERSIONS; i++) {
		zone_unref(versions[i]);
	}
	change_history_unref(history);
}
