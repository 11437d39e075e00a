/* SPDX-License-Identifier: MIT */
/* Many secondary zones at once, and single events of one. What happens over time is in tests/scenario. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "dns/rdata.h"
#include "edge.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

#define ZONES_MAX 300

static struct dns_encoder encoder;

static struct bench {
	struct edge edge;
	struct follower zones[ZONES_MAX];
	size_t zone_count;
	struct address primaries[4];
	struct transfer_secondary_config config;
} bench;

static void bench_begin(size_t zone_count, size_t primary_count)
{
	static const struct transfer_limits limits = {
	        .transfers_max = 10,
	        .transfers_per_primary_max = 4,
	        .queries_max = 20,
	        .notifies_max = 1,
	        .notify_rate = 1,
	        .startup_notify_rate = 1,
	};
	memset(&bench, 0, sizeof bench);
	dns_encoder_init(&encoder);
	edge_begin(&bench.edge, &limits);
	for (uint8_t i = 0; i < 4; i++) {
		bench.primaries[i] = edge_host(i + 1);
	}
	bench.config = follower_config(bench.primaries, primary_count);
	bench.zone_count = zone_count;
	for (size_t i = 0; i < zone_count; i++) {
		follower_begin(&bench.zones[i], &bench.edge, &bench.config);
	}
}

static void bench_end(void)
{
	for (size_t i = 0; i < bench.zone_count; i++) {
		follower_end(&bench.zones[i], &bench.edge);
	}
	edge_end(&bench.edge);
}

static void start_all(void)
{
	for (size_t i = 0; i < bench.zone_count; i++) {
		transfer_secondary_start(bench.zones[i].machine, NULL, NULL, NULL, bench.edge.now);
	}
}

/* Answers an SOA or AXFR question as a primary with this serial. */
static void answer(struct out *out, uint32_t serial)
{
	const struct zone_snapshot *zone = zone_of_text("example.", serial, "a A 192.0.2.1\n");
	struct dns_message question = wire_read(&out->question);
	struct wire reply;
	struct error error;
	if (question.qtype == DNS_TYPE_SOA) {
		reply.len = transfer_out_single(&question, zone, NULL, NULL, &encoder, reply.bytes, WIRE_MAX);
	} else {
		struct transfer_out *stream = transfer_out_new(&question, zone, NULL, NULL);
		assert_int_equal(transfer_out_next(stream, &encoder, reply.bytes, WIRE_MAX, &reply.len, &error),
		                 TRANSFER_OUT_MESSAGE);
		transfer_out_free(stream);
	}
	assert_true(edge_feed(&bench.edge, out, &reply));
	zone_unref(zone);
}

/* The oldest question that is out. */
static struct out *next_out(void)
{
	return edge_oldest(&bench.edge);
}

static void publish(struct follower *zone)
{
	struct error error;
	const struct zone_snapshot *candidate = transfer_in_finish(zone->received, NULL, NULL, &error);
	zone->received = NULL;
	struct transfer_version version = transfer_version_of(candidate);
	transfer_secondary_published(zone->machine, &version, bench.edge.now);
	zone_unref(candidate);
}

static struct transfer_secondary_status status(size_t index)
{
	struct transfer_secondary_status out;
	transfer_secondary_status(bench.zones[index].machine, &out);
	return out;
}

static struct transfer_primary_status primary_status(size_t index)
{
	struct transfer_primary_status out;
	transfer_secondary_primary(bench.zones[0].machine, index, bench.edge.now, &out);
	return out;
}

/* ---- differences (RFC 1995) ---- */

/* One zone with serial 5, whose primary has said that it has 6: the question that follows. */
static struct out *asks_for_more(void)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 1000, .retry_s = 10, .expire_s = 100000};
	bench_begin(1, 2);
	bench.config.transfer_rate_min = 128; /* as usual */
	transfer_secondary_reconfigure(bench.zones[0].machine, &bench.config, bench.edge.now);
	transfer_secondary_start(bench.zones[0].machine, &version, NULL, NULL, bench.edge.now);
	answer(next_out(), 6);
	answer(next_out(), 6);
	return next_out();
}

static void answer_with(struct out *out, unsigned rcode, const char *records)
{
	struct dns_message question = wire_read(&out->question);
	struct wire reply;
	wire_answer(&reply, question.qtype, records);
	store_u16(reply.bytes, question.header.id);
	reply.bytes[3] = (uint8_t)((reply.bytes[3] & 0xf0) | rcode);
	edge_feed(&bench.edge, out, &reply);
}

static uint16_t type_of(const struct out *out)
{
	return wire_read(&out->question).qtype;
}

static bool is_to(const struct out *out, size_t primary)
{
	return address_equal(&out->call->to, &bench.primaries[primary]);
}

TEST(secondary_that_has_a_version_asks_for_what_differs_from_it)
{
	uint32_t serial;
	struct out *out = asks_for_more();
	struct dns_message question = wire_read(&out->question);
	assert_int_equal(question.qtype, DNS_TYPE_IXFR);
	assert_true(dns_message_soa_serial(&question, question.authority_offset, question.header.authority_count,
	                                   name_of("example."), DNS_CLASS_IN, &serial));
	assert_int_equal(serial, 5);
	answer(out, 6); /* with the whole zone, which is fine too */
	publish(&bench.zones[0]);
	assert_int_equal(status(0).serial, 6);
	bench_end();
}

#define SOA_6 "example. SOA ns.other. admin.other. 6 7200 900 1209600 300\n"

TEST(answer_without_sense_to_ixfr_is_followed_by_axfr_from_the_same_primary_at_once)
{
	static const struct {
		unsigned rcode;
		const char *records;
	} rows[] = {
	        {DNS_RCODE_NOTIMP, ""},
	        {DNS_RCODE_FORMERR, ""},
	        {DNS_RCODE_REFUSED, ""},
	        {DNS_RCODE_SERVFAIL, ""},
	        {DNS_RCODE_NOERROR, ""},
	        {DNS_RCODE_NOERROR, "a.example. A 192.0.2.1\n"},
	        {DNS_RCODE_NOERROR, SOA_6 "example. SOA ns.other. admin.other. 4 7200 900 1209600 300\n" SOA_6 SOA_6},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct out *out = asks_for_more();
		size_t primary = is_to(out, 0) ? 0 : 1;
		answer_with(out, rows[i].rcode, rows[i].records);
		assert_int_equal(edge_open_count(&bench.edge), 1);
		assert_int_equal(type_of(next_out()), DNS_TYPE_AXFR);
		assert_true(is_to(next_out(), primary));
		answer(next_out(), 6);
		publish(&bench.zones[0]);
		assert_int_equal(status(0).serial, 6);
		assert_null(status(0).problem);
		bench_end();
	}
}

TEST(lone_soa_and_an_end_is_followed_by_axfr)
{
	struct out *out = asks_for_more();
	answer_with(out, DNS_RCODE_NOERROR, SOA_6);
	assert_ptr_equal(next_out(), out); /* more may come */
	edge_fail(&bench.edge, out, "closed by the server");
	assert_int_equal(type_of(next_out()), DNS_TYPE_AXFR);
	bench_end();
}

TEST(lone_soa_and_silence_is_followed_by_axfr)
{
	struct out *out = asks_for_more();
	answer_with(out, DNS_RCODE_NOERROR, SOA_6);
	edge_tick_at_wake(&bench.edge);
	assert_int_equal(edge_open_count(&bench.edge), 1);
	assert_int_equal(type_of(next_out()), DNS_TYPE_AXFR);
	bench_end();
}

/* What a primary says of its serial after it was asked for a transfer is no promise that this transfer has to keep. */
TEST(serial_that_is_told_while_a_version_is_published_is_fetched_at_once)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 1000, .retry_s = 10, .expire_s = 100000};
	struct transfer_hint hint = {.has_serial = true, .serial = 7};
	bench_begin(1, 1);
	transfer_secondary_start(bench.zones[0].machine, &version, NULL, NULL, bench.edge.now);
	answer(next_out(), 6);
	answer(next_out(), 6); /* the transfer; it is at the zone writer now */
	transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[0], &hint, bench.edge.now);
	answer(next_out(), 7);
	publish(&bench.zones[0]);
	assert_null(status(0).problem);
	assert_int_equal(type_of(next_out()), DNS_TYPE_IXFR);
	answer(next_out(), 7);
	publish(&bench.zones[0]);
	assert_int_equal(status(0).serial, 7);
	bench_end();
}

/* Once it is the connection, but three times it may be the question, somewhere on the way. */
TEST(primary_whose_answers_to_ixfr_broke_off_three_times_is_asked_for_the_whole_zone)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 1000, .retry_s = 10, .expire_s = 100000};
	bench_begin(1, 1);
	transfer_secondary_start(bench.zones[0].machine, &version, NULL, NULL, bench.edge.now);
	answer(next_out(), 6);
	for (size_t i = 0; i < 4; i++) {
		struct out *out = next_out();
		assert_int_equal(type_of(out), i < 3 ? DNS_TYPE_IXFR : DNS_TYPE_AXFR);
		if (i < 3) {
			edge_fail(&bench.edge, out, "connection reset by peer");
			while (next_out() == NULL || type_of(next_out()) == DNS_TYPE_SOA) {
				if (next_out() != NULL) {
					answer(next_out(), 6);
				} else {
					edge_tick_at_wake(&bench.edge);
				}
			}
		} else {
			answer(out, 6);
			publish(&bench.zones[0]);
		}
	}
	assert_int_equal(status(0).serial, 6);
	bench_end();
}

/* A broken connection says nothing of differences: whoever comes next is asked for them too. */
TEST(broken_connection_leads_to_the_next_primary_and_to_ixfr)
{
	struct out *out = asks_for_more();
	size_t primary = is_to(out, 0) ? 0 : 1;
	edge_fail(&bench.edge, out, "connection reset by peer");
	assert_int_equal(type_of(next_out()), DNS_TYPE_IXFR);
	assert_true(is_to(next_out(), 1 - primary));
	bench_end();
}

TEST(differences_that_cannot_be_taken_are_followed_by_axfr_and_that_is_all)
{
	struct error error;
	struct out *out = asks_for_more();
	size_t primary = is_to(out, 0) ? 0 : 1;
	answer_with(out, DNS_RCODE_NOERROR,
	            SOA_6 "example. SOA ns.other. admin.other. 5 7200 900 1209600 300\n" SOA_6 SOA_6);
	assert_non_null(bench.zones[0].received);
	transfer_in_free(bench.zones[0].received);
	bench.zones[0].received = NULL;
	error_set(&error, ERROR_NOT_FOUND, "what is to be removed is not there");
	transfer_secondary_refused(bench.zones[0].machine, &error, bench.edge.now);
	assert_int_equal(type_of(next_out()), DNS_TYPE_AXFR);
	assert_true(is_to(next_out(), primary));
	answer(next_out(), 6);
	transfer_in_free(bench.zones[0].received);
	bench.zones[0].received = NULL;
	error_set(&error, ERROR_INVALID, "the checks refuse it");
	transfer_secondary_refused(bench.zones[0].machine, &error, bench.edge.now);
	/* Now it is the other one's turn. */
	assert_int_equal(type_of(next_out()), DNS_TYPE_IXFR);
	assert_true(is_to(next_out(), 1 - primary));
	bench_end();
}

/* A full disk is no fault of the differences. */
TEST(differences_that_could_not_be_stored_are_not_followed_by_axfr)
{
	struct error error;
	struct out *out = asks_for_more();
	answer_with(out, DNS_RCODE_NOERROR,
	            SOA_6 "example. SOA ns.other. admin.other. 5 7200 900 1209600 300\n" SOA_6 SOA_6);
	transfer_in_free(bench.zones[0].received);
	bench.zones[0].received = NULL;
	error_set(&error, ERROR_IO, "the disk is full");
	transfer_secondary_refused(bench.zones[0].machine, &error, bench.edge.now);
	assert_null(next_out());
	bench_end();
}

TEST(primary_that_does_not_know_ixfr_is_not_asked_for_it_again_until_an_operator_asks)
{
	struct out *out = asks_for_more();
	size_t primary = is_to(out, 0) ? 0 : 1;
	answer_with(out, DNS_RCODE_NOTIMP, "");
	answer(next_out(), 6);
	publish(&bench.zones[0]);
	for (uint32_t serial = 7; serial <= 8; serial++) {
		if (serial == 8) {
			transfer_secondary_refresh(bench.zones[0].machine, bench.edge.now);
		} else {
			struct transfer_hint hint = {.has_serial = true, .serial = serial};
			transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[primary], &hint,
			                            bench.edge.now);
		}
		while (type_of(next_out()) == DNS_TYPE_SOA) {
			out = next_out();
			answer(out, is_to(out, primary) ? serial : serial - 1);
		}
		assert_true(is_to(next_out(), primary));
		assert_int_equal(type_of(next_out()), serial == 8 ? DNS_TYPE_IXFR : DNS_TYPE_AXFR);
		answer(next_out(), serial);
		publish(&bench.zones[0]);
	}
	bench_end();
}

TEST(forced_transfer_asks_for_the_whole_zone)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 1000, .retry_s = 10, .expire_s = 100000};
	bench_begin(1, 1);
	transfer_secondary_start(bench.zones[0].machine, &version, NULL, NULL, bench.edge.now);
	answer(next_out(), 5);
	transfer_secondary_retransfer(bench.zones[0].machine, bench.edge.now);
	answer(next_out(), 6);
	assert_int_equal(type_of(next_out()), DNS_TYPE_AXFR);
	bench_end();
}

/* ---- many zones ---- */

TEST(hundreds_of_zones_keep_to_the_limits_and_all_arrive)
{
	bench_begin(ZONES_MAX, 1);
	start_all();
	assert_int_equal(edge_open_count(&bench.edge), 1); /* nobody knows yet whether it answers */
	answer(next_out(), 5);
	assert_int_equal(edge_open_count(&bench.edge), 20 + 1); /* queries_max, and the first transfer */
	size_t done = 0;
	while (done < ZONES_MAX) {
		struct transfer_scheduler_counts counts = transfer_scheduler_counts(bench.edge.scheduler);
		assert_true(counts.transfers <= 4 && counts.queries <= 20); /* per primary */
		struct out *out = next_out();
		if (out != NULL) {
			answer(out, 5);
		}
		for (size_t i = 0; i < ZONES_MAX; i++) {
			if (bench.zones[i].received != NULL) {
				publish(&bench.zones[i]);
				done++;
			}
		}
	}
	for (size_t i = 0; i < ZONES_MAX; i++) {
		assert_true(status(i).has_version);
		assert_int_equal(bench.zones[i].outcome, TRANSFER_UPDATED);
	}
	bench_end();
}

/* Lets so much time pass; the first primary is down, the second answers and has this serial. Gives how many questions the
 * first was sent. */
static size_t pass_time_with_one_down(int64_t ms, uint32_t serial)
{
	int64_t until_ms = bench.edge.now.boot_ms + ms;
	size_t asked = 0;
	while (bench.edge.now.boot_ms < until_ms) {
		int64_t next_ms = bench.edge.wake_ms < until_ms ? bench.edge.wake_ms : until_ms;
		size_t first = 0;
		for (size_t i = 0; i < bench.edge.out_count; i++) {
			struct out *out = &bench.edge.outs[i];
			bool is_open = out->call != NULL;
			if (is_open && is_to(out, 1)) {
				answer(out, serial);
			} else if (is_open && out->ends_ms <= bench.edge.now.boot_ms) {
				asked++;
				edge_fail(&bench.edge, out, "no answer in time");
			}
			next_ms = out->call != NULL && out->ends_ms < next_ms ? out->ends_ms : next_ms;
			if (out->call != NULL) {
				bench.edge.outs[first] = *out;
				out->call->handle = &bench.edge.outs[first++];
			}
		}
		bench.edge.out_count = first;
		for (size_t i = 0; i < ZONES_MAX; i++) {
			if (bench.zones[i].received != NULL) {
				publish(&bench.zones[i]);
			}
		}
		if (bench.edge.out_count == 0 || !is_to(&bench.edge.outs[bench.edge.out_count - 1], 1)) {
			bench.edge.now.boot_ms = next_ms > bench.edge.now.boot_ms ? next_ms : bench.edge.now.boot_ms;
			transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
		}
	}
	return asked;
}

TEST(primary_that_is_down_costs_all_its_zones_one_probe)
{
	bench_begin(ZONES_MAX, 2);
	start_all();
	/* Three attempts over UDP, one over TCP: all that 300 zones send. */
	assert_in_range(pass_time_with_one_down(12500, 5), 3, 4);
	for (size_t i = 0; i < ZONES_MAX; i++) {
		assert_int_equal(status(i).serial, 5); /* from the next primary */
		assert_int_equal(bench.zones[i].outcome, TRANSFER_UPDATED);
	}
	assert_int_equal(primary_status(0).reach, TRANSFER_REACH_DOWN);
	assert_int_equal(primary_status(1).reach, TRANSFER_REACH_UP);
	assert_non_null(strstr(primary_status(0).result, "no answer in time"));
	bench_end();
}

TEST(zones_of_a_primary_that_is_down_follow_the_next_one_by_their_own_timers)
{
	bench_begin(ZONES_MAX, 2);
	bench.config.refresh_max_s = 100;
	for (size_t i = 0; i < ZONES_MAX; i++) {
		transfer_secondary_reconfigure(bench.zones[i].machine, &bench.config, bench.edge.now);
	}
	start_all();
	pass_time_with_one_down(20000, 5);
	/* Twelve seconds for a probe, and at least half a minute between two. */
	assert_in_range(pass_time_with_one_down(1000000, 6), 4, 4 * 25);
	for (size_t i = 0; i < ZONES_MAX; i++) {
		assert_int_equal(status(i).serial, 6);
	}
	bench_end();
}

TEST(refresh_times_of_many_zones_spread_over_a_tenth)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 1000, .retry_s = 10, .expire_s = 100000};
	size_t tenths[10] = {0};
	bench_begin(ZONES_MAX, 1);
	for (size_t i = 0; i < ZONES_MAX; i++) {
		transfer_secondary_start(bench.zones[i].machine, &version, NULL, NULL, bench.edge.now);
	}
	while (next_out() != NULL) {
		answer(next_out(), 5);
	}
	for (size_t i = 0; i < ZONES_MAX; i++) {
		int64_t after_ms = status(i).next_ask_ms - bench.edge.now.boot_ms;
		assert_in_range(after_ms, 900000, 1000000);
		tenths[(after_ms - 900000) * 10 / 100001]++;
	}
	for (size_t i = 0; i < ARRAY_LENGTH(tenths); i++) {
		assert_in_range(tenths[i], 5, 80); /* 30, and chance */
	}
	bench_end();
}

TEST(transfer_that_fails_never_affects_other_zones)
{
	bench_begin(30, 1);
	start_all();
	for (size_t turn = 0; next_out() != NULL; turn++) {
		struct out *out = next_out();
		if (wire_read(&out->question).qtype == DNS_TYPE_AXFR && turn % 3 == 0) {
			edge_fail(&bench.edge, out, "connection reset by peer");
		} else {
			answer(out, 5);
		}
		for (size_t i = 0; i < 30; i++) {
			if (bench.zones[i].received != NULL) {
				publish(&bench.zones[i]);
			}
		}
	}
	size_t failed = 0;
	for (size_t i = 0; i < 30; i++) {
		assert_true(status(i).phase == TRANSFER_PHASE_IDLE);
		failed += !status(i).has_version;
		assert_true(status(i).has_version != (status(i).problem != NULL));
	}
	assert_in_range(failed, 1, 29);
	bench_end();
}

TEST(candidate_that_is_being_published_counts_as_a_transfer)
{
	bench_begin(10, 1);
	start_all();
	for (struct out *out = next_out(); out != NULL; out = next_out()) {
		answer(out, 5);
	}
	/* Four candidates wait for their zone writers; memory for more is not taken. */
	size_t waiting = 0;
	for (size_t i = 0; i < 10; i++) {
		waiting += bench.zones[i].received != NULL;
	}
	assert_int_equal(waiting, 4);
	assert_int_equal(transfer_scheduler_counts(bench.edge.scheduler).transfers_waiting, 6);
	bench_end();
}

/* ---- single events ---- */

TEST(soa_question_asks_for_expire_and_has_a_fresh_id)
{
	bench_begin(2, 1);
	start_all();
	struct dns_message first = wire_read(&bench.edge.outs[0].question);
	answer(&bench.edge.outs[0], 5);
	struct dns_message second = wire_read(&bench.edge.outs[2].question); /* after the transfer */
	assert_int_equal(first.header.flags, 0);
	assert_int_equal(first.qtype, DNS_TYPE_SOA);
	assert_true(first.edns.expire && !first.edns.expire_has_value);
	assert_true(first.header.id != second.header.id || bench.edge.random.state == 0);
	bench_end();
}

/* Every octet of the header that could make it a forgery. */
TEST(answer_that_does_not_match_is_waited_past)
{
	bench_begin(1, 1);
	start_all();
	struct out *out = next_out();
	struct dns_message question = wire_read(&out->question);
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct wire good;
	good.len = transfer_out_single(&question, zone, NULL, NULL, &encoder, good.bytes, WIRE_MAX);
	struct wire bad = good;
	bad.bytes[0] ^= 1;
	assert_false(edge_feed(&bench.edge, out, &bad)); /* id */
	bad = good;
	bad.bytes[2] &= 0x7f;
	assert_false(edge_feed(&bench.edge, out, &bad)); /* no answer */
	bad = good;
	bad.bytes[2] |= DNS_OPCODE_NOTIFY << 3;
	assert_false(edge_feed(&bench.edge, out, &bad)); /* another opcode */
	bad = good;
	bad.bytes[DNS_HEADER_SIZE + 1] = 'x';
	assert_false(edge_feed(&bench.edge, out, &bad)); /* another name */
	bad = good;
	bad.len--;
	assert_false(edge_feed(&bench.edge, out, &bad)); /* cut */
	bad = good;
	bad.len = 5;
	assert_false(edge_feed(&bench.edge, out, &bad));
	assert_int_equal(status(0).phase, TRANSFER_PHASE_CHECKING);
	assert_true(edge_feed(&bench.edge, out, &good));
	assert_int_equal(status(0).phase, TRANSFER_PHASE_FETCHING);
	zone_unref(zone);
	bench_end();
}

TEST(answer_without_the_zones_soa_is_told)
{
	bench_begin(1, 1);
	start_all();
	struct out *out = next_out();
	struct wire reply;
	wire_answer(&reply, DNS_TYPE_SOA, "other. SOA a. b. 1 2 3 4 5\n");
	memcpy(reply.bytes, out->question.bytes, 2);
	assert_true(edge_feed(&bench.edge, out, &reply));
	assert_string_equal(status(0).problem, "192.0.2.1@53: answered without the zone's SOA");
	assert_true(primary_status(0).failed);
	bench_end();
}

/* A header alone, as an answer to the question that is out. */
static struct wire bare_answer(const struct out *out, uint16_t flags)
{
	struct wire reply = {.len = DNS_HEADER_SIZE};
	memcpy(reply.bytes, out->question.bytes, 2);
	store_u16(reply.bytes + 2, (uint16_t)(DNS_FLAG_QR | flags));
	return reply;
}

/* RFC 1035 4.1.1: who cannot read a question does not repeat it. */
TEST(refusal_without_a_question_section_is_one)
{
	bench_begin(1, 1);
	start_all();
	struct out *out = next_out();
	struct wire noerror = bare_answer(out, DNS_RCODE_NOERROR);
	assert_false(edge_feed(&bench.edge, out, &noerror)); /* anybody's; it is waited past */
	struct wire refusal = bare_answer(out, DNS_RCODE_REFUSED);
	assert_true(edge_feed(&bench.edge, out, &refusal));
	assert_string_equal(status(0).problem, "192.0.2.1@53: answered REFUSED");
	bench_end();
}

static void answer_truncated(struct out *out)
{
	struct wire reply;
	wire_answer(&reply, DNS_TYPE_SOA, "");
	memcpy(reply.bytes, out->question.bytes, 2);
	reply.bytes[2] |= DNS_FLAG_TC >> 8;
	assert_true(edge_feed(&bench.edge, out, &reply));
}

TEST(answer_that_is_truncated_even_over_tcp_is_a_failure_with_its_reason)
{
	bench_begin(1, 1);
	start_all();
	assert_int_equal(next_out()->call->transport, TRANSFER_UDP);
	answer_truncated(next_out());
	assert_int_equal(next_out()->call->transport, TRANSFER_TCP);
	answer_truncated(next_out());
	assert_string_equal(status(0).problem, "192.0.2.1@53: the answer over TCP is truncated");
	bench_end();
}

TEST(whoever_is_not_started_asks_nobody)
{
	struct transfer_hint hint = {0};
	bench_begin(1, 1);
	transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[0], &hint, bench.edge.now);
	transfer_secondary_refresh(bench.zones[0].machine, bench.edge.now);
	transfer_secondary_retransfer(bench.zones[0].machine, bench.edge.now);
	assert_int_equal(bench.edge.out_count, 0);
	assert_false(primary_status(0).asked);
	assert_string_equal(primary_status(0).result, "");
	bench_end();
}

TEST(question_that_cannot_be_sent_is_a_failure_with_its_reason)
{
	bench_begin(1, 1);
	bench.edge.no_route = true;
	start_all();
	assert_string_equal(status(0).problem, "192.0.2.1@53: no route to host");
	assert_int_equal(status(0).phase, TRANSFER_PHASE_IDLE);
	assert_int_equal(bench.zones[0].outcome, TRANSFER_NO_SUCCESS);
	assert_true(bench.edge.wake_ms > bench.edge.now.boot_ms);
	bench_end();
}

TEST(flood_of_notifies_asks_a_primary_that_is_down_once_a_second)
{
	bench_begin(1, 1);
	bench.edge.no_route = true;
	start_all();
	size_t settled = bench.zones[0].settled;
	struct transfer_hint hint = {0};
	for (int i = 0; i < 100; i++) {
		transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[0], &hint, bench.edge.now);
	}
	assert_int_equal(bench.zones[0].settled, settled);
	assert_true(bench.edge.wake_ms <= bench.edge.now.boot_ms + 1000);
	bench.edge.now.boot_ms += 1000;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	assert_int_equal(bench.zones[0].settled, settled + 1);
	bench_end();
}

/* A zone that has serial 5 and nothing to do. */
static void begin_with_version(size_t primary_count)
{
	bench_begin(1, primary_count);
	start_all();
	while (next_out() != NULL) {
		answer(next_out(), 5);
	}
	publish(&bench.zones[0]);
	while (next_out() != NULL) {
		answer(next_out(), 5);
	}
	assert_int_equal(status(0).phase, TRANSFER_PHASE_IDLE);
	bench.edge.out_count = 0;
}

static void be_notified(void)
{
	struct transfer_hint none = {.has_serial = false};
	transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[0], &none, bench.edge.now);
}

static void expect_result(const char *result)
{
	assert_string_equal(primary_status(0).result, result);
}

/* A primary that has just disappointed is not asked at once. */
static void be_notified_later(void)
{
	bench.edge.now.boot_ms += 1000;
	be_notified();
}

TEST(status_tells_what_came_of_asking_a_primary)
{
	begin_with_version(1);
	expect_result("serial 5, transferred");
	be_notified_later();
	answer(next_out(), 5);
	expect_result("serial 5, up to date");
	be_notified_later();
	answer(next_out(), 4);
	expect_result("serial 4, older than ours");
	be_notified_later();
	answer(next_out(), 5 + 0x80000000u);
	expect_result("serial 2147483653, exactly 2^31 from ours");
	assert_int_equal(status(0).phase, TRANSFER_PHASE_IDLE);
	be_notified_later();
	answer(next_out(), 6); /* SOA */
	expect_result("serial 6, to be transferred");
	assert_int_equal(status(0).phase, TRANSFER_PHASE_FETCHING);
	answer(next_out(), 6); /* AXFR */
	assert_int_equal(status(0).phase, TRANSFER_PHASE_PUBLISHING);
	publish(&bench.zones[0]);
	expect_result("serial 6, transferred");
	assert_int_equal(status(0).phase, TRANSFER_PHASE_IDLE);
	bench_end();
}

/* Anybody can make up the sender of a datagram. */
TEST(flood_of_notifies_asks_a_healthy_primary_some_times_and_then_once_a_second)
{
	begin_with_version(1);
	for (int ms = 0; ms < 10000; ms++) {
		bench.edge.now.boot_ms++;
		be_notified();
		be_notified(); /* while the question is out */
		if (bench.edge.wake_ms <= bench.edge.now.boot_ms) {
			transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
		}
		if (next_out() != NULL) {
			answer(next_out(), 5);
		}
	}
	assert_in_range(bench.edge.out_count, 8, 8 + 10 + 2);
	bench_end();
}

TEST(new_version_is_found_within_a_second_in_a_flood_of_notifies)
{
	begin_with_version(1);
	for (int i = 0; i < 100; i++) {
		be_notified();
		if (next_out() != NULL) {
			answer(next_out(), 5);
		}
	}
	assert_null(next_out());
	be_notified(); /* this one is true */
	bench.edge.now.boot_ms += 1000;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	answer(next_out(), 6);
	answer(next_out(), 6);
	publish(&bench.zones[0]);
	assert_int_equal(status(0).serial, 6);
	bench_end();
}

TEST(notify_that_is_too_much_while_a_question_is_out_is_followed_within_a_second)
{
	begin_with_version(1);
	for (int i = 0; i < 100; i++) {
		be_notified();
		if (next_out() != NULL) {
			answer(next_out(), 5);
		}
	}
	bench.edge.now.boot_ms += 5000;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	answer(next_out(), 5);
	transfer_secondary_refresh(bench.zones[0].machine, bench.edge.now);
	for (int i = 0; i < 100; i++) {
		be_notified();
	}
	while (next_out() != NULL) {
		answer(next_out(), 5);
	}
	assert_int_equal(status(0).phase, TRANSFER_PHASE_IDLE);
	bench.edge.now.boot_ms += 1000;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	assert_non_null(next_out());
	bench_end();
}

/* Many primaries that tell of one version cost one look at them, not two. */
TEST(notify_that_is_too_much_is_forgotten_when_what_it_promised_is_here)
{
	begin_with_version(1);
	for (int i = 0; i < 100; i++) {
		be_notified();
		if (next_out() != NULL) {
			answer(next_out(), 5);
		}
	}
	bench.edge.now.boot_ms += 5000;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	answer(next_out(), 5);
	transfer_secondary_refresh(bench.zones[0].machine, bench.edge.now);
	for (uint32_t i = 0; i < 100; i++) {
		struct transfer_hint hint = {.has_serial = true, .serial = i % 2 == 0 ? 6 : 7};
		transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[0], &hint, bench.edge.now);
	}
	while (next_out() != NULL) {
		answer(next_out(), 7); /* SOA, AXFR, SOA */
	}
	publish(&bench.zones[0]);
	bench.edge.now.boot_ms += 1000;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	assert_null(next_out());
	bench_end();
}

/* A primary that publishes many times a second is followed each time. */
TEST(notifies_that_bring_a_new_version_cost_nothing)
{
	begin_with_version(1);
	for (uint32_t serial = 6; serial < 106; serial++) {
		be_notified();
		answer(next_out(), serial); /* SOA */
		answer(next_out(), serial); /* AXFR */
		publish(&bench.zones[0]);
		assert_int_equal(status(0).serial, serial);
		bench.edge.now.boot_ms++;
	}
	bench_end();
}

/* A primary that went silent must not hold up the others for as long as somebody sends NOTIFYs in its name. */
TEST(flood_of_notifies_in_the_name_of_a_silent_primary_ends_in_a_verdict)
{
	begin_with_version(2);
	size_t settled_before = bench.zones[0].settled;
	size_t told = 0;
	for (int ms = 0; ms < 60000 && bench.zones[0].settled == settled_before; ms += 50) {
		bench.edge.now.boot_ms += 50;
		be_notified();
		transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
		for (struct out *out = next_out(); out != NULL; out = NULL) {
			struct transfer_call *call = out->call;
			if (address_equal(&call->to, &bench.primaries[1])) {
				answer(out, 5);
				told++;
			} else if (ms % 5000 == 0) {
				out->call = NULL;
				transfer_call_ended(call, "no answer", bench.edge.now);
			}
		}
		assert_true(bench.edge.out_count < EDGE_QUESTIONS_MAX / 2);
	}
	assert_true(bench.zones[0].settled > settled_before);
	assert_true(told > 0);
	bench_end();
}

TEST(transfer_that_cannot_be_opened_is_a_failure_with_its_reason)
{
	bench_begin(1, 1);
	start_all();
	bench.edge.no_route = true;
	answer(next_out(), 5);
	assert_string_equal(status(0).problem, "192.0.2.1@53: no route to host");
	assert_int_equal(status(0).phase, TRANSFER_PHASE_IDLE);
	bench_end();
}

TEST(timers_are_told_at_once_after_a_restart_and_after_each_confirmation)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 100, .retry_s = 10, .expire_s = 1000};
	struct change_deadlines stored = {
	        .refreshed_at_s = EDGE_NOW_S - 50, .refresh_at_s = EDGE_NOW_S + 50, .expire_at_s = EDGE_NOW_S + 950};
	bench_begin(1, 1);
	assert_true(transfer_secondary_start(bench.zones[0].machine, &version, NULL, &stored, bench.edge.now));
	assert_int_equal(bench.zones[0].timers_told, 1);
	assert_true(change_deadlines_equal(&bench.zones[0].timers, &stored));
	assert_int_equal(bench.edge.out_count, 0);
	bench.edge.now.boot_ms += 50000;
	bench.edge.now.wall_s += 50;
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	answer(next_out(), 5);
	assert_int_equal(bench.zones[0].timers_told, 2);
	assert_int_equal(bench.zones[0].timers.refreshed_at_s, bench.edge.now.wall_s);
	assert_int_equal(bench.zones[0].timers.expire_at_s, bench.edge.now.wall_s + 1000);
	assert_in_range(bench.zones[0].timers.refresh_at_s, bench.edge.now.wall_s + 89, bench.edge.now.wall_s + 100);
	bench_end();
}

static void promise_by_notify(uint32_t serial)
{
	struct transfer_hint hint = {.has_serial = true, .serial = serial, .is_proven = true};
	transfer_secondary_notified(bench.zones[0].machine, &bench.primaries[0], &hint, bench.edge.now);
}

static void start_with_serial_5(void)
{
	struct transfer_version version = {.serial = 5, .refresh_s = 100, .retry_s = 10, .expire_s = 1000};
	struct change_deadlines stored = {
	        .refreshed_at_s = EDGE_NOW_S, .refresh_at_s = EDGE_NOW_S + 100, .expire_at_s = EDGE_NOW_S + 1000};
	bench_begin(1, 1);
	assert_true(transfer_secondary_start(bench.zones[0].machine, &version, NULL, &stored, bench.edge.now));
}

/* Whatever ends the server then, it knows of it. */
TEST(promise_is_told_when_it_is_made)
{
	const struct change_deadlines *told = &bench.zones[0].timers;
	start_with_serial_5();
	promise_by_notify(7);
	assert_int_equal(told->promised_serial, 7);
	assert_int_equal(told->promised_at_s, bench.edge.now.wall_s);
	assert_int_equal(told->expire_at_s, EDGE_NOW_S + 1000);
	bench_end();
	start_with_serial_5();
	transfer_secondary_refresh(bench.zones[0].machine, bench.edge.now);
	answer(next_out(), 6); /* a primary says so */
	assert_int_equal(told->promised_serial, 6);
	bench_end();
}

TEST(promises_that_grow_fast_are_told_once_a_second)
{
	const struct follower *zone = &bench.zones[0];
	start_with_serial_5();
	promise_by_notify(7);
	size_t before = zone->timers_told;
	for (uint32_t serial = 8; serial < 1000; serial++) {
		promise_by_notify(serial);
	}
	assert_int_equal(zone->timers_told, before);
	bench.edge.now.boot_ms += 1000;
	assert_true(bench.edge.wake_ms <= bench.edge.now.boot_ms);
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	assert_int_equal(zone->timers_told, before + 1);
	assert_int_equal(zone->timers.promised_serial, 999);
	bench_end();
}

TEST(zones_that_are_freed_when_the_server_stops_open_nothing)
{
	bench_begin(30, 1);
	start_all();
	size_t opened = bench.edge.out_count;
	transfer_scheduler_halt(bench.edge.scheduler);
	for (size_t i = 0; i < 30; i++) {
		transfer_secondary_free(bench.zones[i].machine, bench.edge.now);
		bench.zones[i].machine = NULL;
	}
	assert_int_equal(bench.edge.out_count, opened);
	bench_end();
}

TEST(freeing_a_zone_closes_what_is_open_and_lets_others_go_on)
{
	bench_begin(30, 1);
	start_all();
	struct transfer_call *call = bench.edge.outs[0].call;
	assert_non_null(call);
	transfer_secondary_free(bench.zones[0].machine, bench.edge.now);
	bench.zones[0].machine = NULL;
	assert_int_equal(bench.edge.closed, 1);
	assert_int_equal(edge_open_count(&bench.edge), 1); /* the next zone took the turn */
	bench_end();
}

TEST(zone_that_is_freed_while_its_candidate_is_published_is_forgotten)
{
	struct error error;
	bench_begin(1, 1);
	start_all();
	answer(next_out(), 5);
	answer(next_out(), 5);
	assert_non_null(bench.zones[0].received);
	transfer_secondary_free(bench.zones[0].machine, bench.edge.now);
	bench.zones[0].machine = NULL;
	const struct zone_snapshot *candidate = transfer_in_finish(bench.zones[0].received, NULL, NULL, &error);
	bench.zones[0].received = NULL;
	assert_non_null(candidate);
	zone_unref(candidate);
	bench_end();
}

TEST(primary_that_is_taken_out_while_its_candidate_is_published_does_no_harm)
{
	bench_begin(1, 2);
	start_all();
	answer(next_out(), 5);
	answer(next_out(), 5);
	while (bench.zones[0].received == NULL) {
		answer(next_out(), 5);
	}
	struct transfer_secondary_config config = bench.config;
	config.primaries = &bench.primaries[2];
	config.primary_count = 1;
	transfer_secondary_reconfigure(bench.zones[0].machine, &config, bench.edge.now);
	publish(&bench.zones[0]);
	assert_true(status(0).has_version);
	assert_int_equal(status(0).primary_count, 1);
	bench_end();
}

TEST(messages_go_from_the_configured_sources)
{
	bench_begin(1, 1);
	struct address from = {.family = ADDRESS_V4, .bytes = {198, 51, 100, 1}};
	bench.config.query_source.v4 = from;
	from.bytes[3] = 2;
	bench.config.transfer_source.v4 = from;
	transfer_secondary_reconfigure(bench.zones[0].machine, &bench.config, bench.edge.now);
	start_all();
	assert_int_equal(next_out()->call->from.bytes[3], 1);
	answer(next_out(), 5);
	assert_int_equal(next_out()->call->from.bytes[3], 2);
	assert_int_equal(next_out()->call->transport, TRANSFER_TCP);
	bench_end();
}

TEST(reconfiguration_of_one_zone_leaves_the_others_as_they_are)
{
	bench_begin(3, 1);
	struct transfer_secondary_config config = bench.config;
	config.query_source.v4 = (struct address){.family = ADDRESS_V4, .bytes = {198, 51, 100, 1}};
	transfer_secondary_reconfigure(bench.zones[1].machine, &config, bench.edge.now);
	transfer_secondary_reconfigure(bench.zones[1].machine, &config, bench.edge.now);
	start_all();
	assert_int_equal(bench.edge.outs[0].call->from.family, ADDRESS_NONE);
	answer(&bench.edge.outs[0], 5);
	assert_int_equal(bench.edge.outs[1].call->from.family, ADDRESS_V4);
	assert_int_equal(bench.edge.outs[2].call->from.family, ADDRESS_NONE);
	bench_end();
}

TEST(status_tells_of_zones_that_wait_for_their_transfer)
{
	size_t queued = 0;
	bench_begin(6, 1); /* four transfers per primary */
	start_all();
	for (size_t i = 0; i < 6; i++) {
		answer(&bench.edge.outs[i], 5);
	}
	for (size_t i = 0; i < 6; i++) {
		queued += status(i).phase == TRANSFER_PHASE_QUEUED;
	}
	assert_int_equal(queued, 2);
	bench_end();
}

static struct text log_lines;

static void keep_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	text_format(&log_lines, "%s\n", line);
}

TEST(log_tells_of_records_that_were_dropped_and_of_odd_ttls)
{
	static const char records[] = "example. SOA ns.example. admin.example. 5 60 10 600 30\n"
	                              "a.example. A 192.0.2.1\n"
	                              "other. A 192.0.2.1\n"
	                              "example. SOA ns.example. admin.example. 5 60 10 600 30\n";
	struct wire reply;
	bench_begin(1, 1);
	text_init(&log_lines, 100000);
	log_set_level(LOG_WARNING);
	log_set_sink(keep_line, NULL);
	start_all();
	answer(next_out(), 5);
	wire_answer_with(&reply, DNS_TYPE_AXFR, records, DNS_CLASS_IN, 0x80000001u);
	memcpy(reply.bytes, next_out()->question.bytes, 2);
	assert_true(edge_feed(&bench.edge, next_out(), &reply));
	log_set_sink(NULL, NULL);
	assert_non_null(strstr(text_string(&log_lines), "192.0.2.1@53 sent 1 records outside the zone: dropped"));
	assert_non_null(strstr(text_string(&log_lines), "192.0.2.1@53 sent 1 TTLs above 2^31-1: kept as they came"));
	text_deinit(&log_lines);
	bench_end();
}

TEST(status_tells_how_far_a_transfer_is)
{
	bench_begin(1, 1);
	start_all();
	answer(next_out(), 5);
	struct wire reply;
	struct out *out = next_out();
	wire_answer(&reply, DNS_TYPE_AXFR,
	            "example. SOA ns.example. admin.example. 5 60 10 600 30\na.example. A 192.0.2.1\n");
	memcpy(reply.bytes, out->question.bytes, 2);
	assert_false(edge_feed(&bench.edge, out, &reply));
	assert_int_equal(status(0).phase, TRANSFER_PHASE_FETCHING);
	assert_int_equal(status(0).fetched.records, 2);
	struct transfer_secondary_status now = status(0);
	assert_true(address_equal(&now.fetching_from, &bench.primaries[0]));
	bench_end();
}
