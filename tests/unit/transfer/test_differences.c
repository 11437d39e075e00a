/* SPDX-License-Identifier: MIT */
/* IXFR out (RFC 1995): what leads from a client's version to ours. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

static struct dns_encoder encoder;

#define SOA(serial) "example. SOA ns.other. admin.other. " #serial " 7200 900 1209600 300\n"

/* A line of versions with serials 1, 2, 3 ..., and all that leads to the newest. */
struct line {
	const struct zone_snapshot *newest;
	const struct change_history *history;
	const struct change_keeper *keeper; /* NULL: all stays in memory */
	uint32_t serial;
};

static void line_add(struct line *line, const char *text)
{
	static const struct change_history_limits limits = {
	        .count_max = 1000, .octets_max = 1 << 30, .age_max_s = 1000};
	struct error error;
	const struct zone_snapshot *next = zone_of_text("example.", ++line->serial, text);
	if (line->newest != NULL) {
		const struct changeset *set = changeset_between(line->newest, next, &error);
		const struct change_history *history =
		        change_history_with(line->history, set, next, 0, &limits, line->keeper);
		change_history_unref(line->history);
		line->history = history;
		changeset_unref(set);
	}
	zone_unref(line->newest);
	line->newest = next;
}

static void line_end(struct line *line)
{
	zone_unref(line->newest);
	change_history_unref(line->history);
}

/* Enough names that a few changes are less than the zone. */
static struct line line_of(const char *const *texts, size_t count)
{
	struct line line = {0};
	struct text text;
	for (size_t i = 0; i < count; i++) {
		text_init(&text, 1 << 20);
		for (size_t name = 0; name < 200; name++) {
			text_format(&text, "host%zu A 192.0.2.%zu\n", name, name);
		}
		text_add_string(&text, texts[i]);
		line_add(&line, text_string(&text));
		text_deinit(&text);
	}
	return line;
}

/* All records of the answer over TCP to a client with this serial. */
static char *asked(const struct line *line, uint16_t type, uint32_t serial, size_t capacity)
{
	struct wire question;
	struct wire answer;
	struct error error;
	struct text text;
	text_init(&text, SIZE_MAX / 2);
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", type, &serial, false);
	struct dns_message message = wire_read(&question);
	struct transfer_out *out = transfer_out_new(&message, line->newest, line->history, NULL);
	while (transfer_out_next(out, &encoder, answer.bytes, capacity, &answer.len, &error) == TRANSFER_OUT_MESSAGE) {
		char *part = wire_text(&answer);
		text_add_string(&text, part);
		free(part);
	}
	transfer_out_free(out);
	return text.chars;
}

static void expect(const struct line *line, uint32_t serial, const char *expected)
{
	char *text = asked(line, DNS_TYPE_IXFR, serial, WIRE_MAX);
	assert_string_equal(text, expected);
	free(text);
}

static bool is_whole(const struct line *line, uint16_t type, uint32_t serial)
{
	char *text = asked(line, type, serial, WIRE_MAX);
	bool is_it = strstr(text, "host7.example. A 192.0.2.7\n") != NULL;
	free(text);
	return is_it;
}

static const char *const three[] = {"a A 192.0.2.1\n", "a A 192.0.2.2\n", "a A 192.0.2.3\nb A 192.0.2.4\n"};

TEST(a_client_gets_what_it_lacks_between_the_newest_soas)
{
	struct line line = line_of(three, 3);
	expect(&line, 2,
	       SOA(3) SOA(2) "a.example. A 192.0.2.2\n" SOA(3) "a.example. A 192.0.2.3\nb.example. A 192.0.2.4\n" SOA(
	               3));
	line_end(&line);
}

/* What came and went in between is nothing to the client. */
TEST(several_small_differences_are_sent_as_one)
{
	struct line line = line_of(three, 3);
	expect(&line, 1,
	       SOA(3) SOA(1) "a.example. A 192.0.2.1\n" SOA(3) "a.example. A 192.0.2.3\nb.example. A 192.0.2.4\n" SOA(
	               3));
	line_end(&line);
}

TEST(whoever_asks_for_the_whole_zone_or_from_an_unknown_version_gets_the_whole_zone)
{
	struct line line = line_of(three, 3);
	assert_true(is_whole(&line, DNS_TYPE_AXFR, 2));
	assert_true(is_whole(&line, DNS_TYPE_IXFR, 0));
	assert_true(is_whole(&line, DNS_TYPE_IXFR, 4));
	assert_false(is_whole(&line, DNS_TYPE_IXFR, 1));
	line_end(&line);
}

/* For a moment, a thread may see a history that is newer than the zone. */
TEST(a_history_that_does_not_lead_to_the_version_is_not_used)
{
	struct line line = line_of(three, 2);
	struct line longer = line_of(three, 3);
	struct line mixed = {.newest = line.newest, .history = longer.history};
	assert_true(is_whole(&mixed, DNS_TYPE_IXFR, 1));
	line_end(&line);
	line_end(&longer);
}

TEST(a_difference_larger_than_the_zone_is_not_sent)
{
	struct line line = {0};
	struct text other;
	text_init(&other, 1 << 20);
	for (size_t name = 0; name < 300; name++) {
		text_format(&other, "other%zu A 192.0.2.%zu\n", name, name % 200);
	}
	line_add(&line, text_string(&other));
	line_add(&line, "host7 A 192.0.2.7\n");
	line_add(&line, "host7 A 192.0.2.7\na A 192.0.2.1\n");
	assert_true(is_whole(&line, DNS_TYPE_IXFR, 1));
	assert_false(is_whole(&line, DNS_TYPE_IXFR, 2));
	text_deinit(&other);
	line_end(&line);
}

/* Versions each of which changes many names: twenty of them are more than is joined. */
#define MANY 20

static struct line many_large(const struct change_keeper *keeper)
{
	struct line line = {.keeper = keeper};
	for (size_t version = 0; version < MANY; version++) {
		struct text text;
		text_init(&text, 1 << 22);
		for (size_t name = 0; name < 8000; name++) {
			text_format(&text, "host%zu A 192.0.2.%zu\n", name, name < 100 ? version : 1);
		}
		line_add(&line, text_string(&text));
		text_deinit(&text);
	}
	return line;
}

TEST(many_large_differences_follow_one_another_through_as_many_messages_as_they_need)
{
	struct line line = many_large(NULL);
	char *text = asked(&line, DNS_TYPE_IXFR, 1, 4096);
	const char *at = text;
	for (uint32_t version = 1; version < MANY; version++) {
		char removed[128];
		char added[128];
		snprintf(removed, sizeof removed, "admin.other. %u 7200 900 1209600 300\nhost0.example. A 192.0.2.%u\n",
		         version, version - 1);
		snprintf(added, sizeof added, "admin.other. %u 7200 900 1209600 300\nhost0.example. A 192.0.2.%u\n",
		         version + 1, version);
		at = strstr(at, removed);
		assert_non_null(at);
		at = strstr(at, added);
		assert_non_null(at);
	}
	free(text);
	line_end(&line);
}

/* ---- differences that are not in memory ---- */

/* Has all changesets that an earlier line is made of; `gone` is the serial from which one is missing, 0: none. */
struct shelf {
	struct change_keeper keeper; /* first */
	struct line line;
	uint32_t gone;
	size_t asked;
};

static const struct changeset *shelf_fetch(const struct change_keeper *self, const uint8_t *apex,
                                           const struct change_kept *what)
{
	struct shelf *shelf = (struct shelf *)(uintptr_t)self;
	(void)apex;
	shelf->asked++;
	return what->serial_from == shelf->gone
	               ? NULL
	               : changeset_ref(change_history_take(
	                         shelf->line.history, change_history_from(shelf->line.history, what->serial_from)));
}

static void shelf_fill(struct shelf *shelf)
{
	*shelf = (struct shelf){.keeper.fetch = shelf_fetch, .line = many_large(NULL)};
}

TEST(differences_that_somebody_else_keeps_are_sent_as_those_in_memory)
{
	struct shelf shelf;
	shelf_fill(&shelf);
	struct line line = many_large(&shelf.keeper);
	assert_true(change_history_octets_held(line.history) <= CHANGE_HISTORY_NEAR_LEAST * 2);
	for (uint32_t serial = 1; serial < MANY; serial++) {
		char *expected = asked(&shelf.line, DNS_TYPE_IXFR, serial, 4096);
		char *text = asked(&line, DNS_TYPE_IXFR, serial, 4096);
		assert_string_equal(text, expected);
		free(text);
		free(expected);
	}
	assert_true(shelf.asked > MANY);
	line_end(&line);
	line_end(&shelf.line);
}

TEST(where_the_first_difference_is_gone_the_whole_zone_is_sent)
{
	struct shelf shelf;
	shelf_fill(&shelf);
	struct line line = many_large(&shelf.keeper);
	shelf.gone = 2;
	for (uint32_t serial = 2; serial < 4; serial++) {
		char *text = asked(&line, DNS_TYPE_IXFR, serial, WIRE_MAX);
		assert_int_equal(strstr(text, "host7999.example.") != NULL, serial == 2);
		free(text);
	}
	line_end(&line);
	line_end(&shelf.line);
}

/* What was sent before is whole differences, and no SOA says that they are all. */
TEST(a_transfer_whose_next_difference_went_meanwhile_fails)
{
	struct shelf shelf;
	struct wire question;
	struct wire answer;
	struct error error;
	uint32_t serial = 1;
	enum transfer_out_step step;
	shelf_fill(&shelf);
	struct line line = many_large(&shelf.keeper);
	shelf.gone = 3;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_IXFR, &serial, false);
	struct dns_message message = wire_read(&question);
	struct transfer_out *out = transfer_out_new(&message, line.newest, line.history, NULL);
	do {
		step = transfer_out_next(out, &encoder, answer.bytes, 4096, &answer.len, &error);
	} while (step == TRANSFER_OUT_MESSAGE);
	assert_int_equal(step, TRANSFER_OUT_FAILED);
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_non_null(strstr(error.text, "serial 3 "));
	assert_int_equal(transfer_out_counts(out).records, 1 + 2 * (2 * (1 + 100)));
	transfer_out_free(out);
	/* Who asks again gets the whole zone, or would be cut there each time. */
	char *again = asked(&line, DNS_TYPE_IXFR, 1, WIRE_MAX);
	assert_non_null(strstr(again, "host7999.example."));
	free(again);
	line_end(&line);
	line_end(&shelf.line);
}

TEST(the_answer_is_good_after_the_zone_has_gone_on)
{
	struct line line = line_of(three, 3);
	struct wire question;
	struct wire answer;
	struct error error;
	uint32_t serial = 2;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_IXFR, &serial, false);
	struct dns_message message = wire_read(&question);
	struct transfer_out *out = transfer_out_new(&message, line.newest, line.history, NULL);
	line_end(&line);
	assert_int_equal(transfer_out_next(out, &encoder, answer.bytes, WIRE_MAX, &answer.len, &error),
	                 TRANSFER_OUT_MESSAGE);
	struct transfer_out_counts counts = transfer_out_counts(out);
	assert_true(counts.is_difference);
	assert_int_equal(counts.serial_from, 2);
	assert_int_equal(counts.serial, 3);
	assert_int_equal(counts.records, 7);
	transfer_out_free(out);
}

/* ---- over UDP ---- */

static char *asked_over_udp(const struct line *line, uint32_t serial, size_t capacity)
{
	struct wire question;
	struct wire answer;
	struct dns_edns_reply edns = {.payload_size = 1232, .ede = DNS_EDE_NONE};
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_IXFR, &serial, true);
	struct dns_message message = wire_read(&question);
	answer.len =
	        transfer_out_single(&message, line->newest, line->history, &edns, &encoder, answer.bytes, capacity);
	assert_true(answer.len <= capacity);
	assert_true(wire_read(&answer).edns.present);
	return wire_text(&answer);
}

TEST(over_udp_a_difference_is_sent_when_it_fits_and_the_soa_alone_when_it_does_not)
{
	char long_text[1024];
	snprintf(long_text, sizeof long_text, "a TXT %0200d\nb TXT %0200d\n", 1, 2);
	const char *const texts[] = {"a A 192.0.2.1\n", long_text};
	struct line line = line_of(texts, 2);
	char *small = asked_over_udp(&line, 1, DNS_UDP_SIZE_PLAIN);
	assert_string_equal(small, SOA(2));
	free(small);
	char *large = asked_over_udp(&line, 1, 1232);
	assert_non_null(strstr(large, SOA(2) SOA(1) "a.example. A 192.0.2.1\n" SOA(2) "a.example. TXT"));
	free(large);
	char *unknown = asked_over_udp(&line, 0, 1232);
	assert_string_equal(unknown, SOA(2));
	free(unknown);
	line_end(&line);
}
