/* SPDX-License-Identifier: MIT */
/* AXFR out (RFC 5936), and what an IXFR question gets as long as there are no differences to send. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/text.h"
#include "change/change.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

static struct dns_encoder encoder;

/* A transfer, message by message. */
struct run {
	struct transfer_out *out;
	struct wire message;
	struct error error;
};

static void run_begin(struct run *run, const struct zone_snapshot *zone, bool edns)
{
	char nsid[] = "ns1";
	struct dns_edns_reply reply = {.payload_size = 1232,
	                               .nsid = (const uint8_t *)nsid,
	                               .nsid_len = 3,
	                               .expire = true,
	                               .expire_s = 77,
	                               .ede = DNS_EDE_NONE};
	struct wire question;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_AXFR, NULL, edns);
	struct dns_message message = wire_read(&question);
	run->out = transfer_out_new(&message, zone, NULL, edns ? &reply : NULL);
	memset(&reply, 0xff, sizeof reply); /* nothing of it is needed any more */
	memset(nsid, 0xff, sizeof nsid);
}

static enum transfer_out_step run_next(struct run *run, size_t capacity)
{
	return transfer_out_next(run->out, &encoder, run->message.bytes, capacity, &run->message.len, &run->error);
}

/* All records of the answer in one text. */
static char *run_all(struct run *run, size_t capacity)
{
	struct text text;
	text_init(&text, SIZE_MAX / 2);
	while (run_next(run, capacity) == TRANSFER_OUT_MESSAGE) {
		char *part = wire_text(&run->message);
		text_add_string(&text, part);
		free(part);
	}
	return text.chars;
}

static char *whole_text(const struct zone_snapshot *zone, size_t capacity)
{
	struct run run;
	run_begin(&run, zone, false);
	char *text = run_all(&run, capacity);
	transfer_out_free(run.out);
	return text;
}

#define SOA "example. SOA ns.other. admin.other. 5 7200 900 1209600 300\n"

TEST(stream_is_soa_everything_soa)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "b A 192.0.2.1\na TXT x\nb AAAA ::1\n");
	char *text = whole_text(zone, WIRE_MAX);
	assert_string_equal(text, SOA "example. NS ns.other.\na.example. TXT \"x\"\nb.example. A 192.0.2.1\n"
	                              "b.example. AAAA ::1\n" SOA);
	free(text);
	zone_unref(zone);
}

TEST(zone_with_an_apex_only_is_one_message)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct run run;
	run_begin(&run, zone, false);
	assert_int_equal(run_next(&run, WIRE_MAX), TRANSFER_OUT_MESSAGE);
	char *text = wire_text(&run.message);
	assert_string_equal(text, SOA "example. NS ns.other.\n" SOA);
	assert_int_equal(run_next(&run, WIRE_MAX), TRANSFER_OUT_END);
	free(text);
	transfer_out_free(run.out);
	zone_unref(zone);
}

TEST(owner_case_is_the_zones)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "WwW A 192.0.2.1\nwww.sUb MX 1 WwW\n");
	char *text = whole_text(zone, WIRE_MAX);
	assert_non_null(strstr(text, "WwW.example. A 192.0.2.1"));
	assert_non_null(strstr(text, "www.sUb.example. MX 1 WwW.example."));
	free(text);
	zone_unref(zone);
}

/* `count` hosts and a big RRset in the middle. */
static const struct zone_snapshot *large_zone(size_t count)
{
	struct text text;
	text_init(&text, SIZE_MAX / 2);
	for (size_t i = 0; i < count; i++) {
		text_format(&text, "host%zu MX 10 mail%zu.example.\nhost%zu A 192.0.2.%zu\n", i, i % 7, i, i % 256);
	}
	for (size_t i = 0; i < 9000; i++) {
		text_format(&text, "large AAAA 2001:db8::%zx\n", i + 1);
	}
	const struct zone_snapshot *zone = zone_of_text("example.", 5, text_string(&text));
	text_deinit(&text);
	return zone;
}

static void feed(const struct zone_snapshot *zone, size_t capacity)
{
	struct run run;
	struct transfer_in_config config = {
	        .apex = name_of("example."),
	        .class = DNS_CLASS_IN,
	        .type = DNS_TYPE_AXFR,
	        .id = 7,
	        .records_max = 1000000,
	        .bytes_max = 1000000000,
	};
	struct transfer_in *in = transfer_in_new(&config);
	enum transfer_in_step step = TRANSFER_IN_MORE;
	run_begin(&run, zone, false);
	while (run_next(&run, capacity) == TRANSFER_OUT_MESSAGE) {
		assert_int_equal(step, TRANSFER_IN_MORE);
		step = transfer_in_message(in, run.message.bytes, run.message.len, &run.error);
	}
	assert_int_equal(step, TRANSFER_IN_DONE);
	const struct zone_snapshot *copy = transfer_in_finish(in, NULL, NULL, &run.error);
	assert_non_null(copy);
	struct change_counts counts = change_count(zone, copy);
	assert_int_equal(counts.added + counts.removed, 0);
	struct zone_facts facts;
	zone_facts(zone, &facts);
	assert_int_equal(transfer_out_counts(run.out).records, facts.records + 1);
	transfer_out_free(run.out);
	zone_unref(copy);
}

/* Each message is read alone, so a compression pointer that leads elsewhere would be found. */
TEST(transfer_of_many_messages_makes_an_equal_copy)
{
	const struct zone_snapshot *zone = large_zone(3000);
	feed(zone, WIRE_MAX);
	feed(zone, 16384);
	feed(zone, TRANSFER_OUT_CAPACITY_MIN);
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	for (int i = 0; i < 10; i++) {
		feed(zone,
		     TRANSFER_OUT_CAPACITY_MIN + random_below(&random.source, WIRE_MAX - TRANSFER_OUT_CAPACITY_MIN));
	}
	zone_unref(zone);
}

TEST(messages_are_packed_full)
{
	const struct zone_snapshot *zone = large_zone(3000);
	struct run run;
	run_begin(&run, zone, false);
	size_t len_before = 16384;
	while (run_next(&run, WIRE_MAX) == TRANSFER_OUT_MESSAGE) {
		assert_in_range(len_before, 16384 - 100, 16384); /* no RR of the zone is longer */
		len_before = run.message.len;
	}
	assert_true(transfer_out_counts(run.out).messages > 10);
	transfer_out_free(run.out);
	zone_unref(zone);
}

TEST(question_and_opt_stand_in_the_first_message_only)
{
	const struct zone_snapshot *zone = large_zone(1000);
	struct run run;
	run_begin(&run, zone, true);
	for (uint64_t i = 0; run_next(&run, 4096) == TRANSFER_OUT_MESSAGE; i++) {
		struct dns_message message = wire_read(&run.message);
		assert_int_equal(message.header.id, 7);
		assert_int_equal(message.header.flags, DNS_FLAG_QR | DNS_FLAG_AA);
		assert_int_equal(message.has_question, i == 0);
		assert_int_equal(message.edns.present, i == 0);
		assert_true(i > 0 || (message.edns.expire_has_value && message.edns.expire_s == 77));
		assert_true(i > 0 || (message.edns.nsid_len == 3 && memcmp(message.edns.nsid_bytes, "ns1", 3) == 0));
		assert_int_equal(transfer_out_counts(run.out).messages, i + 1);
	}
	transfer_out_free(run.out);
	zone_unref(zone);
}

TEST(question_without_opt_gets_none)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct run run;
	run_begin(&run, zone, false);
	assert_int_equal(run_next(&run, WIRE_MAX), TRANSFER_OUT_MESSAGE);
	assert_false(wire_read(&run.message).edns.present);
	transfer_out_free(run.out);
	zone_unref(zone);
}

TEST(signatures_and_nsec3_are_sent)
{
	const struct zone_snapshot *zone =
	        zone_of_text("example.", 5,
	                     "@ SOA ns.other. admin.other. 5 7200 900 1209600 300\n@ NS ns.other.\n"
	                     "@ NSEC3PARAM 1 0 0 -\n"
	                     "@ RRSIG SOA 13 1 3600 20300101000000 20200101000000 1 example. AAAA\n"
	                     "lonely RRSIG A 13 2 3600 20300101000000 20200101000000 1 example. BBBB\n"
	                     "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA\n"
	                     "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom RRSIG NSEC3 13 2 3600 20300101000000 20200101000000 1 "
	                     "example. CCCC\n");
	char *text = whole_text(zone, WIRE_MAX);
	assert_non_null(strstr(text, "example. RRSIG SOA"));
	assert_non_null(strstr(text, "lonely.example. RRSIG A "));
	assert_non_null(strstr(text, ".example. NSEC3 1 0 0 -"));
	assert_non_null(strstr(text, ".example. RRSIG NSEC3"));
	free(text);
	feed(zone, WIRE_MAX);
	zone_unref(zone);
}

#define APEX(serial)     "@ SOA ns.other. admin.other. " #serial " 7200 900 1209600 300\n@ NS ns.other.\n"
#define SIG(owner, type) owner " RRSIG " type " 13 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
#define HASH_1           "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define HASH_2           "2t7b4g4vsa5smi47k61mv5bv1a22bojr"

TEST(zone_that_is_unsigned_signed_and_signed_otherwise_arrives_each_time)
{
	static const char *const versions[] = {
	        APEX(1),
	        APEX(2) "www A 192.0.2.1\n",
	        APEX(3) SIG("@", "SOA") "@ NSEC www NS SOA\n" SIG("@", "NSEC") "www A 192.0.2.1\n" SIG(
	                "www", "A") "www NSEC @ A\n" SIG("www", "NSEC"),
	        APEX(4) "www A 192.0.2.1\n",
	        APEX(5) "@ NSEC3PARAM 1 0 0 -\n" SIG("@", "SOA") HASH_1 " NSEC3 1 0 0 - " HASH_2
	                                                                " NS SOA\n" SIG(HASH_1, "NSEC3") HASH_2
	        " NSEC3 1 0 0 - " HASH_1 " A\n" SIG(HASH_2, "NSEC3") "www A 192.0.2.1\n",
	        APEX(6) "@ NSEC3PARAM 1 0 5 abcd\n" SIG("@", "SOA") HASH_2
	        " NSEC3 1 1 5 abcd " HASH_2 " NS SOA\n" SIG(HASH_2, "NSEC3") "www A 192.0.2.1\n",
	        APEX(7) SIG("@", "SOA") "@ NSEC @ NS SOA\n" SIG("@", "NSEC"),
	        APEX(8) "*.a.b A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.2\nsub DS 1 8 2 "
	                "0000000000000000000000000000000000000000000000000000000000000000\nd DNAME other.\n",
	        APEX(2147483654) "www A 192.0.2.1\n",
	        APEX(0) "www A 192.0.2.2\n",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(versions); i++) {
		const struct zone_snapshot *zone = zone_of_text("example.", 1, versions[i]);
		feed(zone, WIRE_MAX);
		zone_unref(zone);
	}
}

/* A TXT record whose RDATA has so many octets. */
static const struct zone_snapshot *zone_with_rdata(size_t rdata_len)
{
	struct text text;
	text_init(&text, SIZE_MAX / 2);
	text_format(&text, "big TYPE65000 \\# %zu ", rdata_len);
	for (size_t i = 0; i < rdata_len; i++) {
		text_add_string(&text, "aa");
	}
	text_add_string(&text, "\nsmall A 192.0.2.1\n");
	const struct zone_snapshot *zone = zone_of_text("example.", 5, text_string(&text));
	text_deinit(&text);
	return zone;
}

TEST(rr_that_just_fits_a_message_is_sent)
{
	/* Header, owner, fixed fields; the owner cannot be compressed in a message of its own. */
	size_t most = WIRE_MAX - 12 - sizeof "\3big\7example" - 10;
	const struct zone_snapshot *zone = zone_with_rdata(most);
	feed(zone, WIRE_MAX);
	zone_unref(zone);
}

TEST(rr_that_does_not_fit_a_message_ends_the_transfer_and_is_named)
{
	size_t most = WIRE_MAX - 12 - sizeof "\3big\7example" - 10;
	const struct zone_snapshot *zone = zone_with_rdata(most + 1);
	struct run run;
	run_begin(&run, zone, false);
	assert_int_equal(run_next(&run, WIRE_MAX), TRANSFER_OUT_MESSAGE);
	assert_int_equal(run_next(&run, WIRE_MAX), TRANSFER_OUT_FAILED);
	assert_int_equal(run.error.code, ERROR_LIMIT);
	assert_non_null(strstr(run.error.text, "big.example. TYPE65000"));
	transfer_out_free(run.out);
	zone_unref(zone);
}

TEST(transfer_holds_its_snapshot)
{
	const struct zone_snapshot *zone = large_zone(100);
	struct run run;
	run_begin(&run, zone, false);
	zone_unref(zone); /* another version was published in its place */
	char *text = run_all(&run, 4096);
	assert_non_null(strstr(text, "host99.example. A"));
	free(text);
	transfer_out_free(run.out);
}

/* ---- IXFR questions, and AXFR over UDP ---- */

static enum transfer_reply plan(const struct zone_snapshot *zone, uint16_t type, const uint32_t *serial, bool is_udp)
{
	struct wire question;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", type, serial, false);
	struct dns_message message = wire_read(&question);
	return transfer_out_plan(&message, is_udp, zone);
}

TEST(axfr_over_udp_is_formerr)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	assert_int_equal(plan(zone, DNS_TYPE_AXFR, NULL, true), TRANSFER_REPLY_FORMERR);
	assert_int_equal(plan(zone, DNS_TYPE_AXFR, NULL, false), TRANSFER_REPLY_STREAM);
	zone_unref(zone);
}

TEST(ixfr_of_a_client_that_is_up_to_date_or_newer_gets_a_single_soa)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	static const struct {
		uint32_t serial;
		enum transfer_reply reply;
	} rows[] = {
	        {5, TRANSFER_REPLY_SINGLE},
	        {6, TRANSFER_REPLY_SINGLE},
	        {5 + 0x7fffffffu, TRANSFER_REPLY_SINGLE},
	        {5 + 0x80000000u, TRANSFER_REPLY_STREAM}, /* not comparable */
	        {5 + 0x80000001u, TRANSFER_REPLY_STREAM},
	        {4, TRANSFER_REPLY_STREAM},
	        {0, TRANSFER_REPLY_STREAM},
	        {UINT32_MAX, TRANSFER_REPLY_STREAM},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		assert_int_equal(plan(zone, DNS_TYPE_IXFR, &rows[i].serial, false), rows[i].reply);
		assert_int_equal(plan(zone, DNS_TYPE_IXFR, &rows[i].serial, true), TRANSFER_REPLY_SINGLE);
	}
	zone_unref(zone);
}

TEST(ixfr_without_a_serial_is_formerr)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	assert_int_equal(plan(zone, DNS_TYPE_IXFR, NULL, false), TRANSFER_REPLY_FORMERR);
	assert_int_equal(plan(zone, DNS_TYPE_IXFR, NULL, true), TRANSFER_REPLY_FORMERR);
	zone_unref(zone);
}

TEST(whole_zone_to_ixfr_repeats_the_ixfr_question)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct wire question;
	struct wire answer;
	struct error error;
	uint32_t serial = 4;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_IXFR, &serial, false);
	struct dns_message message = wire_read(&question);
	struct transfer_out *out = transfer_out_new(&message, zone, NULL, NULL);
	assert_int_equal(transfer_out_next(out, &encoder, answer.bytes, WIRE_MAX, &answer.len, &error),
	                 TRANSFER_OUT_MESSAGE);
	assert_int_equal(wire_read(&answer).qtype, DNS_TYPE_IXFR);
	transfer_out_free(out);
	zone_unref(zone);
}

TEST(single_soa_has_question_aa_and_opt)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct dns_edns_reply edns = {.payload_size = 1232, .ede = DNS_EDE_NONE};
	struct wire question;
	struct wire answer;
	uint32_t serial = 5;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_IXFR, &serial, true);
	struct dns_message message = wire_read(&question);
	answer.len = transfer_out_single(&message, zone, NULL, &edns, &encoder, answer.bytes, DNS_UDP_SIZE_PLAIN);
	struct dns_message read = wire_read(&answer);
	assert_int_equal(read.header.flags, DNS_FLAG_QR | DNS_FLAG_AA);
	assert_true(read.has_question && read.edns.present);
	char *text = wire_text(&answer);
	assert_string_equal(text, SOA);
	free(text);
	zone_unref(zone);
}

TEST(single_soa_that_does_not_fit_is_truncated)
{
	char labels[200];
	char soa[600];
	memset(labels, 'x', sizeof labels);
	for (size_t i = 60; i < sizeof labels; i += 61) {
		labels[i] = '.';
	}
	labels[sizeof labels - 1] = '\0';
	snprintf(soa, sizeof soa, "@ SOA %s.a. %s.b. 5 1 1 1 1\n", labels, labels);
	const struct zone_snapshot *zone = zone_of_text("example.", 5, soa);
	struct wire question;
	struct wire answer;
	uint32_t serial = 5;
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_IXFR, &serial, false);
	struct dns_message message = wire_read(&question);
	answer.len = transfer_out_single(&message, zone, NULL, NULL, &encoder, answer.bytes, 450);
	assert_true(wire_read(&answer).header.flags & DNS_FLAG_TC);
	assert_int_equal(wire_read(&answer).header.answer_count, 0);
	zone_unref(zone);
}
