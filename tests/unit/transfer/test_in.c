/* SPDX-License-Identifier: MIT */
/* AXFR in (RFC 5936): what is taken, and what is a bad transfer. */
#include "unit.h"

#include <stdlib.h>

#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

#define SOA "example. SOA ns.example. admin.example. 5 60 10 600 30\n"

/* One transfer under test. */
struct run {
	struct transfer_in_config config;
	struct transfer_in *in;
	struct error error;
	struct transfer_in_counts counts; /* after the newest message */
};

static struct run run_new(void)
{
	struct run run = {
	        .config = {.class = DNS_CLASS_IN,
	                   .type = DNS_TYPE_AXFR,
	                   .id = 7,
	                   .records_max = 1000,
	                   .bytes_max = 1000000},
	};
	error_clear(&run.error);
	return run;
}

static enum transfer_in_step feed_bytes(struct run *run, const uint8_t *bytes, size_t len)
{
	if (run->in == NULL) {
		run->config.apex = name_of("example.");
		run->in = transfer_in_new(&run->config);
	}
	enum transfer_in_step step = transfer_in_message(run->in, bytes, len, &run->error);
	run->counts = transfer_in_counts(run->in);
	return step;
}

static enum transfer_in_step feed(struct run *run, uint16_t question_type, const char *records)
{
	struct wire wire;
	wire_answer(&wire, question_type, records);
	return feed_bytes(run, wire.bytes, wire.len);
}

/* The zone as text; ends the run. Static. */
static const char *finish(struct run *run)
{
	static char *text;
	const struct zone_snapshot *zone = transfer_in_finish(run->in, NULL, NULL, &run->error);
	assert_non_null(zone);
	free(text);
	text = text_of_zone(zone);
	zone_unref(zone);
	run->in = NULL;
	return text;
}

/* The step was a failure whose text has this; ends the run. */
static void expect_failure(struct run *run, enum transfer_in_step step, enum error_code code, const char *part)
{
	assert_int_equal(step, TRANSFER_IN_FAILED);
	assert_int_equal(run->error.code, code);
	if (strstr(run->error.text, part) == NULL) {
		fail_msg("the text is: %s", run->error.text);
	}
	transfer_in_free(run->in);
	run->in = NULL;
}

/* ---- what is taken ---- */

TEST(zone_in_one_message_is_taken)
{
	struct run run = run_new();
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA "example. NS ns.example.\nns.example. A 192.0.2.1\n" SOA),
	                 TRANSFER_IN_DONE);
	assert_int_equal(run.counts.records, 3);
	assert_int_equal(run.counts.version.serial, 5);
	assert_int_equal(run.counts.version.expire_s, 600);
	assert_non_null(strstr(finish(&run), "192.0.2.1"));
}

TEST(one_record_per_message_is_taken)
{
	struct run run = run_new();
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, "example. NS ns.example.\n"), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, "ns.example. A 192.0.2.1\n"), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA), TRANSFER_IN_DONE);
	assert_non_null(strstr(finish(&run), "192.0.2.1"));
}

TEST(later_messages_may_leave_the_question_out)
{
	struct run run = run_new();
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, 0, "example. NS ns.example.\n"), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, 0, SOA), TRANSFER_IN_DONE);
	finish(&run);
}

TEST(message_without_aa_is_taken)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA "example. NS ns.example.\n" SOA);
	store_u16(wire.bytes + 2, DNS_FLAG_QR);
	assert_int_equal(feed_bytes(&run, wire.bytes, wire.len), TRANSFER_IN_DONE);
	finish(&run);
}

TEST(names_are_compared_without_case)
{
	struct run run = run_new();
	assert_int_equal(feed(&run, DNS_TYPE_AXFR,
	                      "EXAMPLE. SOA NS.example. admin.EXAMPLE. 5 60 10 600 30\nexample. NS ns.example.\n" SOA),
	                 TRANSFER_IN_DONE);
	finish(&run);
}

TEST(records_outside_the_zone_are_dropped_and_counted)
{
	struct run run = run_new();
	assert_int_equal(feed(&run, DNS_TYPE_AXFR,
	                      SOA "example. NS ns.example.\n"
	                          ". NS a.root.\n"
	                          "other. A 192.0.2.9\n"
	                          "notexample. A 192.0.2.8\n"
	                          "other. SOA a. b. 1 2 3 4 5\n" SOA),
	                 TRANSFER_IN_DONE);
	assert_int_equal(run.counts.outside, 4);
	const char *text = finish(&run);
	assert_null(strstr(text, "192.0.2.9"));
	assert_null(strstr(text, "192.0.2.8"));
}

TEST(ttl_above_31_bits_is_kept_and_counted)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer_with(&wire, DNS_TYPE_AXFR, SOA "example. NS ns.example.\n" SOA, DNS_CLASS_IN, 0x80000001u);
	assert_int_equal(feed_bytes(&run, wire.bytes, wire.len), TRANSFER_IN_DONE);
	assert_int_equal(run.counts.ttls_high, 1);
	const struct zone_snapshot *zone = transfer_in_finish(run.in, NULL, NULL, &run.error);
	struct zone_node apex;
	struct zone_rrset ns;
	zone_apex(zone, &apex);
	assert_true(zone_node_rrset(&apex, DNS_TYPE_NS, &ns));
	assert_int_equal(ns.ttl, 0x80000001u);
	zone_unref(zone);
}

TEST(different_ttls_of_an_rrset_become_the_lowest)
{
	struct run run = run_new();
	struct wire wire;
	struct zone_build_report report;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA "example. NS a.example.\n"), TRANSFER_IN_MORE);
	wire_answer_with(&wire, 0, "example. NS b.example.\n", DNS_CLASS_IN, 60);
	assert_int_equal(feed_bytes(&run, wire.bytes, wire.len), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, 0, "example. NS c.example.\n" SOA), TRANSFER_IN_DONE);
	const struct zone_snapshot *zone = transfer_in_finish(run.in, NULL, &report, &run.error);
	struct zone_node apex;
	struct zone_rrset ns;
	zone_apex(zone, &apex);
	assert_true(zone_node_rrset(&apex, DNS_TYPE_NS, &ns));
	assert_int_equal(ns.count, 3);
	assert_int_equal(ns.ttl, 60);
	assert_int_equal(report.ttls_unified, 1);
	zone_unref(zone);
}

TEST(expire_option_is_read)
{
	static struct dns_encoder encoder;
	struct dns_edns_reply edns = {.payload_size = 1232, .expire = true, .expire_s = 321, .ede = DNS_EDE_NONE};
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct wire question;
	struct wire answer;
	struct run run = run_new();
	dns_encoder_init(&encoder);
	wire_question(&question, "example.", DNS_TYPE_AXFR, NULL, true);
	struct dns_message message = wire_read(&question);
	struct transfer_out *out = transfer_out_new(&message, zone, NULL, &edns);
	assert_int_equal(transfer_out_next(out, &encoder, answer.bytes, WIRE_MAX, &answer.len, &run.error),
	                 TRANSFER_OUT_MESSAGE);
	assert_int_equal(feed_bytes(&run, answer.bytes, answer.len), TRANSFER_IN_DONE);
	assert_true(run.counts.has_expire);
	assert_int_equal(run.counts.expire_s, 321);
	transfer_in_free(run.in);
	transfer_out_free(out);
	zone_unref(zone);
}

/* ---- serials ---- */

static enum transfer_in_step feed_with_serial(struct run *run, uint32_t ours)
{
	run->config.has_serial = true;
	run->config.serial = ours;
	return feed(run, run->config.type, SOA);
}

TEST(equal_serial_is_up_to_date)
{
	struct run run = run_new();
	assert_int_equal(feed_with_serial(&run, 5), TRANSFER_IN_UP_TO_DATE);
	transfer_in_free(run.in);
}

TEST(older_serial_is_refused_with_both_numbers)
{
	struct run run = run_new();
	expect_failure(&run, feed_with_serial(&run, 6), ERROR_STALE, "serial 5, older than our 6");
}

TEST(serial_exactly_half_around_is_refused)
{
	struct run run = run_new();
	expect_failure(&run, feed_with_serial(&run, 5 + 0x80000000u), ERROR_STALE, "neither older nor newer");
}

TEST(any_serial_takes_an_older_one)
{
	struct run run = run_new();
	run.config.any_serial = true;
	assert_int_equal(feed_with_serial(&run, 6), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, 0, "example. NS ns.example.\n" SOA), TRANSFER_IN_DONE);
	finish(&run);
}

TEST(ixfr_answered_with_a_single_equal_soa_is_up_to_date)
{
	struct run run = run_new();
	run.config.type = DNS_TYPE_IXFR;
	assert_int_equal(feed_with_serial(&run, 5), TRANSFER_IN_UP_TO_DATE);
	transfer_in_free(run.in);
}

TEST(ixfr_answered_with_a_whole_zone_of_many_messages_is_taken)
{
	struct run run = run_new();
	run.config.type = DNS_TYPE_IXFR;
	assert_int_equal(feed_with_serial(&run, 4), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, DNS_TYPE_IXFR, "example. NS ns.example.\n"), TRANSFER_IN_MORE);
	assert_int_equal(feed(&run, DNS_TYPE_IXFR, "ns.example. A 192.0.2.1\n" SOA), TRANSFER_IN_DONE);
	assert_non_null(strstr(finish(&run), "192.0.2.1"));
}

/* ---- bad transfers ---- */

TEST(soa_in_the_middle_is_a_bad_transfer)
{
	struct run run = run_new();
	expect_failure(&run,
	               feed(&run, DNS_TYPE_AXFR, SOA "a.example. A 192.0.2.1\n" SOA "b.example. A 192.0.2.1\n" SOA),
	               ERROR_INVALID, "2 records follow the closing SOA");
}

TEST(soa_below_the_apex_is_a_bad_transfer)
{
	struct run run = run_new();
	expect_failure(
	        &run, feed(&run, DNS_TYPE_AXFR, SOA "sub.example. SOA ns.example. admin.example. 5 60 10 600 30\n" SOA),
	        ERROR_INVALID, "sub.example. SOA) is not the SOA that the transfer began with");
}

TEST(closing_soa_that_differs_is_a_bad_transfer)
{
	struct run run = run_new();
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA "a.example. A 192.0.2.1\n"), TRANSFER_IN_MORE);
	expect_failure(&run, feed(&run, 0, "example. SOA ns.example. admin.example. 6 60 10 600 30\n"), ERROR_INVALID,
	               "is not the SOA that the transfer began with");
}

TEST(first_record_that_is_no_soa_is_a_bad_transfer)
{
	struct run run = run_new();
	expect_failure(&run, feed(&run, DNS_TYPE_AXFR, "a.example. A 192.0.2.1\n" SOA), ERROR_INVALID,
	               "record 1 of the transfer (a.example. A) is the first, but not the SOA");
}

TEST(soa_of_another_zone_is_a_bad_transfer)
{
	struct run run = run_new();
	expect_failure(&run, feed(&run, DNS_TYPE_AXFR, "other. SOA ns.other. admin.other. 5 60 10 600 30\n"),
	               ERROR_INVALID, "not the SOA of the zone");
}

TEST(question_that_is_wrong_in_a_later_message_aborts)
{
	struct run run = run_new();
	struct wire wire;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA), TRANSFER_IN_MORE);
	wire_answer(&wire, DNS_TYPE_AXFR, "a.example. A 192.0.2.1\n");
	wire.bytes[DNS_HEADER_SIZE + 1] = 'E' + 1; /* "fxample" */
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_INVALID, "answers another question");
}

TEST(question_of_another_type_aborts)
{
	struct run run = run_new();
	expect_failure(&run, feed(&run, DNS_TYPE_SOA, SOA), ERROR_INVALID, "answers another question: example. SOA");
}

TEST(first_message_without_a_question_aborts)
{
	struct run run = run_new();
	expect_failure(&run, feed(&run, 0, SOA), ERROR_INVALID, "has no question");
}

TEST(id_that_changes_midway_aborts)
{
	struct run run = run_new();
	struct wire wire;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA), TRANSFER_IN_MORE);
	wire_answer(&wire, 0, "a.example. A 192.0.2.1\n");
	store_u16(wire.bytes, 8);
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_INVALID,
	               "message 2 of the transfer has another id");
}

/* Flags of the first message that make it none. */
static void expect_flags_refused(uint16_t flags, const char *part)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA);
	store_u16(wire.bytes + 2, flags);
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_INVALID, part);
}

TEST(message_that_is_no_answer_aborts)
{
	expect_flags_refused(DNS_FLAG_AA, "is no answer to a question");
	expect_flags_refused(DNS_FLAG_QR | DNS_OPCODE_NOTIFY << 11, "is no answer to a question");
}

TEST(truncated_message_aborts)
{
	expect_flags_refused(DNS_FLAG_QR | DNS_FLAG_TC, "is truncated");
}

TEST(rcode_is_told)
{
	expect_flags_refused(DNS_FLAG_QR | DNS_RCODE_REFUSED, "answered REFUSED");
	expect_flags_refused(DNS_FLAG_QR | DNS_RCODE_NOTAUTH, "answered NOTAUTH");
	expect_flags_refused(DNS_FLAG_QR | DNS_RCODE_SERVFAIL, "answered SERVFAIL");
}

TEST(reason_of_an_extended_error_is_told)
{
	static struct dns_encoder encoder;
	struct dns_edns_reply edns = {.payload_size = 1232, .ede = DNS_EDE_PROHIBITED};
	struct run run = run_new();
	struct wire wire;
	dns_encoder_init(&encoder);
	dns_encoder_begin(&encoder, wire.bytes, sizeof wire.bytes, 7, DNS_FLAG_QR | DNS_RCODE_REFUSED);
	assert_true(dns_encode_question(&encoder, name_of("example."), DNS_TYPE_AXFR, DNS_CLASS_IN));
	assert_true(dns_encode_edns(&encoder, &edns));
	wire.len = dns_encoder_end(&encoder);
	enum transfer_in_step step = feed_bytes(&run, wire.bytes, wire.len);
	assert_int_equal(transfer_in_rcode(run.in), DNS_RCODE_REFUSED);
	expect_failure(&run, step, ERROR_INVALID, "answered REFUSED (Prohibited)");
}

TEST(message_without_records_aborts)
{
	struct run run = run_new();
	expect_failure(&run, feed(&run, DNS_TYPE_AXFR, ""), ERROR_INVALID, "has no records");
}

TEST(short_messages_abort)
{
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA "a.example. A 192.0.2.1\n" SOA);
	for (size_t len = 0; len < wire.len; len++) {
		struct run run = run_new();
		expect_failure(&run, feed_bytes(&run, wire.bytes, len), ERROR_SYNTAX,
		               "message 1 of the transfer cannot be read");
	}
}

TEST(soa_whose_rdata_is_cut_short_is_a_bad_transfer)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA);
	/* The RDATA ends the message: its length and the message become 4 octets shorter. */
	struct dns_message message = wire_read(&wire);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	struct dns_rr rr;
	dns_rr_read(&reader, &rr);
	store_u16(wire.bytes + (rr.rdata - wire.bytes) - 2, (uint16_t)(rr.rdata_len - 4));
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len - 4), ERROR_SYNTAX, "SOA) has malformed RDATA");
}

TEST(malformed_rdata_is_a_bad_transfer_and_names_the_record)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA "a.example. APL 1:192.0.2.0/24\n" SOA);
	struct dns_message message = wire_read(&wire);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	struct dns_rr rr;
	dns_rr_read(&reader, &rr);
	dns_rr_read(&reader, &rr);
	wire.bytes[rr.rdata - wire.bytes + 2] = 200; /* a prefix longer than an IPv4 address */
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_SYNTAX,
	               "record 2 of the transfer (a.example. APL) has malformed RDATA");
}

TEST(digest_of_a_wrong_length_is_taken_as_the_primary_has_it)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA "a.example. DS 1 8 200 aabb\n" SOA);
	struct dns_message message = wire_read(&wire);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	struct dns_rr rr;
	dns_rr_read(&reader, &rr);
	dns_rr_read(&reader, &rr);
	wire.bytes[rr.rdata - wire.bytes + 3] = 2; /* SHA-256 */
	assert_int_equal(feed_bytes(&run, wire.bytes, wire.len), TRANSFER_IN_DONE);
	const struct zone_snapshot *zone = transfer_in_finish(run.in, NULL, NULL, &run.error);
	struct zone_node node;
	struct zone_rrset ds;
	assert_true(zone_find(zone, name_of("a.example."), &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_DS, &ds));
	assert_memory_equal(ds.rdatas, "\0\6\0\1\x08\2\xaa\xbb", 8);
	zone_unref(zone);
}

TEST(record_of_another_class_refuses_the_transfer)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer_with(&wire, DNS_TYPE_AXFR, SOA "a.example. TXT x\n" SOA, DNS_CLASS_CH, 300);
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_INVALID,
	               "(a.example. TXT) is of another class");
}

TEST(meta_type_refuses_the_transfer)
{
	struct run run = run_new();
	struct wire wire;
	wire_answer(&wire, DNS_TYPE_AXFR, SOA "a.example. TYPE65000 \\# 1 00\n" SOA);
	struct dns_message message = wire_read(&wire);
	struct reader reader = dns_message_reader(&message, message.answer_offset);
	struct dns_rr rr;
	dns_rr_read(&reader, &rr);
	dns_rr_read(&reader, &rr);
	store_u16(wire.bytes + (rr.rdata - wire.bytes) - 10, DNS_TYPE_ANY);
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_INVALID, "has a type that no zone holds");
}

TEST(more_than_max_records_refuse_the_transfer)
{
	struct run run = run_new();
	run.config.records_max = 3;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA "a.example. A 192.0.2.1\nb.example. A 192.0.2.1\n"),
	                 TRANSFER_IN_MORE);
	expect_failure(&run, feed(&run, 0, "c.example. A 192.0.2.1\n"), ERROR_LIMIT, "more than the 3 records allowed");
}

TEST(just_max_records_are_taken)
{
	struct run run = run_new();
	run.config.records_max = 3;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA "example. NS ns.example.\nb.example. A 192.0.2.1\n" SOA),
	                 TRANSFER_IN_DONE);
	finish(&run);
}

TEST(more_than_max_octets_refuse_the_transfer)
{
	struct run run = run_new();
	run.config.bytes_max = 120;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA), TRANSFER_IN_MORE);
	expect_failure(&run, feed(&run, DNS_TYPE_AXFR, "c.example. A 192.0.2.1\nd.example. A 192.0.2.1\n"), ERROR_LIMIT,
	               "larger than the 120 octets allowed");
}

TEST(garbled_name_in_the_last_message_is_a_bad_transfer)
{
	struct run run = run_new();
	struct wire wire;
	assert_int_equal(feed(&run, DNS_TYPE_AXFR, SOA "a.example. A 192.0.2.1\n"), TRANSFER_IN_MORE);
	wire_answer(&wire, 0, SOA);
	wire.bytes[DNS_HEADER_SIZE] = 0x80; /* neither a label nor a pointer */
	expect_failure(&run, feed_bytes(&run, wire.bytes, wire.len), ERROR_SYNTAX,
	               "message 2 of the transfer cannot be read");
}
