/* SPDX-License-Identifier: MIT */
/* What is asked of a peer that has a key, and which answers are believed (RFC 8945 5.3.1, 5.4). */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "access/tsig.h"
#include "crypto/crypto.h"
#include "edge.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

static struct dns_encoder encoder;

/* One zone with one primary and one target, each with a key. One question is out at a time. */
static struct bench {
	struct edge edge;
	struct follower follower; /* without a machine: nothing follows */
	struct transfer_secondary_config config;
	struct transfer_notifier *notifier;
	struct transfer_notifier_config notifier_config;
	struct address peer;
	const struct tsig_key *key;
	struct tsig tsig; /* of the peer, who answers */
	struct tsig_keys *known;
} bench;

static const struct tsig_key *key_of(const char *name, const char *secret)
{
	struct error error;
	const struct tsig_key *key = tsig_key_new(name_of(name), TSIG_HMAC_SHA256, secret, strlen(secret), 0, &error);
	assert_non_null(key);
	return key;
}

static void bench_begin(void)
{
	static const struct transfer_limits limits = {
	        .transfers_max = 1,
	        .transfers_per_primary_max = 1,
	        .queries_max = 1,
	        .notifies_max = 1,
	        .notify_rate = 10,
	        .startup_notify_rate = 10,
	};
	memset(&bench, 0, sizeof bench);
	dns_encoder_init(&encoder);
	edge_begin(&bench.edge, &limits);
	bench.key = key_of("k.", "secret");
	bench.known = tsig_keys_new(&bench.key, 1);
	bench.peer = edge_host(1);
	bench.config = follower_config(&bench.peer, 1);
	bench.config.primary_keys = &bench.key;
	bench.notifier_config =
	        (struct transfer_notifier_config){.targets = &bench.peer, .target_count = 1, .target_keys = &bench.key};
}

static void follow(void)
{
	bench_begin();
	follower_begin(&bench.follower, &bench.edge, &bench.config);
	transfer_secondary_start(bench.follower.machine, NULL, NULL, NULL, bench.edge.now);
}

static void notify(void)
{
	bench_begin();
	const struct zone_snapshot *zone = zone_of_text("example.", 5, "");
	struct zone_rrset soa;
	zone_soa(zone, &soa);
	bench.notifier = transfer_notifier_new(bench.edge.scheduler, name_of("example."), DNS_CLASS_IN,
	                                       &bench.notifier_config, NULL);
	transfer_notifier_announce(bench.notifier, &soa, TRANSFER_NOTIFY_CHANGE, bench.edge.now);
	zone_unref(zone);
}

static void bench_end(void)
{
	follower_end(&bench.follower, &bench.edge);
	transfer_notifier_free(bench.notifier, bench.edge.now);
	edge_end(&bench.edge);
	tsig_end(&bench.tsig);
	tsig_keys_free(bench.known);
	tsig_key_unref(bench.key);
}

static bool is_out(void)
{
	return edge_oldest(&bench.edge) != NULL;
}

/* What was asked last. */
static struct dns_message asked(void)
{
	return wire_read(&edge_newest(&bench.edge)->question);
}

static enum transfer_transport transport(void)
{
	return edge_newest(&bench.edge)->transport;
}

/* The question that is out is signed with the key; the peer takes it. */
static struct dns_message taken(uint16_t type)
{
	assert_true(is_out());
	struct dns_message question = asked();
	assert_int_equal(question.qtype, type);
	assert_true(question.has_tsig);
	tsig_end(&bench.tsig);
	assert_int_equal(tsig_take(&bench.tsig, bench.known, &question, EDGE_NOW_S), TSIG_GOOD);
	return question;
}

static bool feed(const struct wire *answer)
{
	assert_int_equal(edge_open_count(&bench.edge), 1);
	return edge_feed(&bench.edge, edge_oldest(&bench.edge), answer);
}

static void sign(struct wire *answer)
{
	answer->len = tsig_sign(&bench.tsig, answer->bytes, answer->len, EDGE_NOW_S);
}

/* The SOA with serial 6. */
static struct wire soa_answer(const struct dns_message *question)
{
	struct wire answer;
	const struct zone_snapshot *zone = zone_of_text("example.", 6, "a A 192.0.2.1\n");
	answer.len = transfer_out_single(question, zone, NULL, NULL, &encoder, answer.bytes, WIRE_MAX - 100);
	zone_unref(zone);
	return answer;
}

/* An answer without data. */
static struct wire rcode_answer(const struct dns_message *question, unsigned rcode)
{
	struct wire answer;
	dns_encoder_begin(&encoder, answer.bytes, WIRE_MAX - 1000, question->header.id,
	                  (uint16_t)(DNS_FLAG_QR | (question->header.flags & 0x7800u)));
	dns_encoder_set_rcode(&encoder, rcode);
	assert_true(dns_encode_question(&encoder, question->qname.wire, question->qtype, question->qclass));
	answer.len = dns_encoder_end(&encoder);
	return answer;
}

/* The SOA has come, signed: the question for the zone is out. */
static void offer(void)
{
	follow();
	struct dns_message question = taken(DNS_TYPE_SOA);
	struct wire answer = soa_answer(&question);
	sign(&answer);
	assert_true(feed(&answer));
	taken(DNS_TYPE_AXFR);
}

static const char *problem(void)
{
	static struct transfer_secondary_status status;
	transfer_secondary_status(bench.follower.machine, &status);
	return status.problem == NULL ? "" : status.problem;
}

static void expect_problem(const char *part)
{
	if (strstr(problem(), part) == NULL) {
		fail_msg("expected '%s', found '%s'", part, problem());
	}
	assert_null(bench.follower.received);
}

/* ---- SOA questions ---- */

TEST(questions_are_signed_and_a_signed_answer_is_believed)
{
	offer();
	assert_int_equal(transport(), TRANSFER_TCP);
	bench_end();
}

TEST(answer_over_udp_that_proves_nothing_only_leads_to_tcp)
{
	for (int kind = 0; kind < 4; kind++) {
		follow();
		assert_int_equal(transport(), TRANSFER_UDP);
		struct dns_message question = taken(DNS_TYPE_SOA);
		struct wire answer = kind == 1 ? rcode_answer(&question, DNS_RCODE_REFUSED) : soa_answer(&question);
		if (kind >= 2) {
			sign(&answer);
			answer.bytes[kind == 2 ? answer.len - 20 : DNS_HEADER_SIZE + 20] ^= 1; /* the MAC; data */
		}
		feed(&answer);
		if (kind == 3 && is_out() && transport() == TRANSFER_UDP) {
			bench_end(); /* no answer to this question any more, so that it was not looked at */
			continue;
		}
		assert_int_equal(transport(), TRANSFER_TCP);
		question = taken(DNS_TYPE_SOA);
		answer = soa_answer(&question);
		sign(&answer);
		feed(&answer);
		taken(DNS_TYPE_AXFR);
		bench_end();
	}
}

/* The SOA question ends with this answer over TCP, after `spoil` has been at it. */
static void expect_soa_refused(void (*spoil)(struct wire *answer, const struct dns_message *question), const char *why)
{
	follow();
	for (int i = 0; i < 2; i++) {
		struct dns_message question = taken(DNS_TYPE_SOA);
		struct wire answer = soa_answer(&question);
		spoil(&answer, &question);
		assert_true(feed(&answer));
	}
	assert_false(is_out());
	expect_problem(why);
	bench_end();
}

static void leave_unsigned(struct wire *answer, const struct dns_message *question)
{
	(void)answer;
	(void)question;
}

static void leave_refused(struct wire *answer, const struct dns_message *question)
{
	*answer = rcode_answer(question, DNS_RCODE_REFUSED);
}

/* As a peer would that knows other keys. */
static void answer_by(struct wire *answer, const struct dns_message *question, const struct tsig_key *key,
                      uint64_t now_s)
{
	struct tsig_keys *keys = tsig_keys_new(&key, 1);
	struct tsig tsig;
	*answer = rcode_answer(question, DNS_RCODE_NOTAUTH);
	tsig_take(&tsig, keys, question, now_s);
	answer->len = tsig_sign(&tsig, answer->bytes, answer->len, now_s);
	tsig_end(&tsig);
	tsig_keys_free(keys);
}

static void with_other_secret(struct wire *answer, const struct dns_message *question)
{
	const struct tsig_key *key = key_of("k.", "other");
	answer_by(answer, question, key, EDGE_NOW_S);
	tsig_key_unref(key);
}

static void without_the_key(struct wire *answer, const struct dns_message *question)
{
	const struct tsig_key *key = key_of("other.", "secret");
	answer_by(answer, question, key, EDGE_NOW_S);
	tsig_key_unref(key);
}

static void with_other_clock(struct wire *answer, const struct dns_message *question)
{
	answer_by(answer, question, bench.key, EDGE_NOW_S + 3600);
}

static void replay(struct wire *answer, const struct dns_message *question)
{
	/* Signed rightly as the answer to another question. */
	struct tsig other;
	struct dns_message message;
	struct wire query;
	struct wire signed_answer = *answer;
	wire_question(&query, "example.", DNS_TYPE_SOA, NULL, false);
	tsig_ask(&other, bench.key);
	query.len = tsig_sign(&other, query.bytes, query.len, EDGE_NOW_S);
	tsig_end(&other);
	message = wire_read(&query);
	tsig_take(&other, bench.known, &message, EDGE_NOW_S);
	signed_answer.len = tsig_sign(&other, signed_answer.bytes, signed_answer.len, EDGE_NOW_S);
	tsig_end(&other);
	*answer = signed_answer;
	(void)question;
}

TEST(what_is_wrong_with_an_answer_is_told_in_words)
{
	expect_soa_refused(leave_unsigned, "192.0.2.1@53: the answer is not signed with key k, as it must be");
	expect_soa_refused(leave_refused, "192.0.2.1@53: answered REFUSED: the answer is not signed with key k");
	expect_soa_refused(with_other_secret, "the other side has another secret for key k (BADSIG)");
	expect_soa_refused(without_the_key, "the other side does not know key k as one of hmac-sha256 (BADKEY)");
	expect_soa_refused(with_other_clock,
	                   "clock differs too much from ours (BADTIME): it says 2027-01-15 09:00:00 UTC, our "
	                   "clock says 2027-01-15 08:00:00 UTC, 3600 s less");
	expect_soa_refused(replay, "the answer's signature by key k is wrong");
}

/* ---- transfers ---- */

/* A stream of messages: the whole zone of serial 6, with `count` records, one in each message. */
static void stream_message(struct wire *out, size_t number, size_t count)
{
	char records[256];
	static const char soa[] = "example. SOA ns.other. admin.other. 6 7200 900 1209600 300\n";
	struct dns_message question = asked();
	if (number == 0) {
		snprintf(records, sizeof records, "%sexample. NS ns.other.\n", soa);
	} else if (number == count) {
		snprintf(records, sizeof records, "%s", soa);
	} else {
		snprintf(records, sizeof records, "a%zu.example. A 192.0.2.1\n", number);
	}
	wire_answer(out, number == 0 ? DNS_TYPE_AXFR : 0, records);
	store_u16(out->bytes, question.header.id);
}

/* An unsigned message of the stream, which the next that is signed proves. */
static void digest(const struct wire *message)
{
	crypto_hmac_add(bench.tsig.hmac, message->bytes, message->len);
}

TEST(stream_whose_every_message_is_signed_is_taken)
{
	offer();
	for (size_t i = 0; i <= 5; i++) {
		struct wire message;
		stream_message(&message, i, 5);
		sign(&message);
		assert_true(feed(&message) == (i == 5));
	}
	assert_non_null(bench.follower.received);
	assert_string_equal(problem(), "");
	bench_end();
}

TEST(stream_may_have_unsigned_messages_between_signed_ones)
{
	offer();
	for (size_t i = 0; i <= 100; i++) {
		struct wire message;
		stream_message(&message, i, 100);
		if (i == 0 || i == 100) {
			sign(&message);
		} else {
			digest(&message);
		}
		assert_true(feed(&message) == (i == 100));
	}
	assert_true(edge_newest(&bench.edge)->is_whole);
	assert_non_null(bench.follower.received);
	bench_end();
}

TEST(stream_with_a_hundred_unsigned_messages_in_a_row_is_refused)
{
	offer();
	for (size_t i = 0; i <= 100; i++) {
		struct wire message;
		stream_message(&message, i, 102);
		if (i == 0) {
			sign(&message);
		} else {
			digest(&message);
		}
		assert_true(feed(&message) == (i == 100));
	}
	assert_false(edge_newest(&bench.edge)->is_whole); /* what else may come is for nobody */
	expect_problem("the answer is not signed with key k, as it must be");
	bench_end();
}

TEST(stream_that_begins_or_ends_unsigned_is_refused_though_its_data_is_fine)
{
	for (size_t unsigned_one = 0; unsigned_one <= 3; unsigned_one += 3) {
		offer();
		for (size_t i = 0; i <= 3 && is_out(); i++) {
			struct wire message;
			stream_message(&message, i, 3);
			if (i != unsigned_one) {
				sign(&message);
			}
			assert_true(feed(&message) == (i == unsigned_one));
		}
		expect_problem(unsigned_one == 0 ? "the answer is not signed with key k, as it must be"
		                                 : "the last message of the answer is not signed with key k");
		bench_end();
	}
}

TEST(stream_with_a_wrong_signature_in_the_middle_is_refused_there)
{
	offer();
	for (size_t i = 0; i <= 2; i++) {
		struct wire message;
		stream_message(&message, i, 5);
		sign(&message);
		message.bytes[message.len - 10] ^= i == 2; /* the MAC's end */
		assert_true(feed(&message) == (i == 2));
	}
	assert_false(edge_newest(&bench.edge)->is_whole);
	expect_problem("the answer's signature by key k is wrong");
	bench_end();
}

TEST(refusal_of_a_transfer_is_told_whether_it_is_signed_or_not)
{
	for (int is_signed = 0; is_signed < 2; is_signed++) {
		offer();
		struct dns_message question = asked();
		struct wire answer = rcode_answer(&question, DNS_RCODE_REFUSED);
		if (is_signed) {
			sign(&answer);
		}
		assert_true(feed(&answer));
		expect_problem(is_signed ? "REFUSED" : "answered REFUSED: the answer is not signed with key k");
		bench_end();
	}
}

TEST(transfer_that_runs_ends_when_its_key_is_changed_and_goes_on_when_it_is_not)
{
	offer();
	struct wire message;
	stream_message(&message, 0, 5);
	sign(&message);
	assert_false(feed(&message));
	const struct tsig_key *same = key_of("k.", "secret");
	bench.config.primary_keys = &same;
	transfer_secondary_reconfigure(bench.follower.machine, &bench.config, bench.edge.now);
	stream_message(&message, 1, 5);
	sign(&message);
	assert_false(feed(&message));

	const struct tsig_key *other = key_of("k.", "other");
	bench.config.primary_keys = &other;
	transfer_secondary_reconfigure(bench.follower.machine, &bench.config, bench.edge.now);
	struct dns_message question = asked();
	assert_int_equal(question.qtype, DNS_TYPE_SOA); /* it begins anew */
	tsig_end(&bench.tsig);
	assert_int_equal(tsig_take(&bench.tsig, bench.known, &question, EDGE_NOW_S), TSIG_BADSIG);
	bench.config.primary_keys = NULL;
	transfer_secondary_reconfigure(bench.follower.machine, &bench.config, bench.edge.now);
	assert_false(asked().has_tsig);
	tsig_key_unref(same);
	tsig_key_unref(other);
	bench_end();
}

/* ---- NOTIFY ---- */

static struct transfer_target_status target(void)
{
	struct transfer_target_status out;
	transfer_notifier_target(bench.notifier, 0, bench.edge.now, &out);
	return out;
}

TEST(notify_is_signed_and_acknowledged_by_a_signed_answer_alone)
{
	notify();
	struct dns_message question = taken(DNS_TYPE_SOA);
	struct wire answer = rcode_answer(&question, DNS_RCODE_NOERROR);
	sign(&answer);
	assert_true(feed(&answer));
	assert_true(target().acknowledged);
	bench_end();

	notify();
	question = taken(DNS_TYPE_SOA);
	assert_int_equal(transport(), TRANSFER_UDP);
	answer = rcode_answer(&question, DNS_RCODE_NOERROR);
	assert_true(feed(&answer));
	assert_false(target().acknowledged);
	transfer_scheduler_tick(bench.edge.scheduler, bench.edge.now);
	question = taken(DNS_TYPE_SOA);
	assert_int_equal(transport(), TRANSFER_TCP);
	without_the_key(&answer, &question);
	assert_true(feed(&answer));
	assert_false(target().acknowledged);
	assert_non_null(strstr(target().problem, "the other side does not know key k"));
	bench_end();
}

TEST(target_with_another_key_is_told_again_unless_it_has_acknowledged)
{
	notify();
	const struct tsig_key *other = key_of("k.", "other");
	bench.notifier_config.target_keys = &other;
	transfer_notifier_reconfigure(bench.notifier, &bench.notifier_config, bench.edge.now);
	struct dns_message question = asked();
	assert_int_equal(tsig_take(&bench.tsig, bench.known, &question, EDGE_NOW_S), TSIG_BADSIG);
	bench.notifier_config.target_keys = &bench.key;
	transfer_notifier_reconfigure(bench.notifier, &bench.notifier_config, bench.edge.now);
	question = taken(DNS_TYPE_SOA);
	struct wire answer = rcode_answer(&question, DNS_RCODE_NOERROR);
	sign(&answer);
	assert_true(feed(&answer));
	bench.notifier_config.target_keys = &other;
	transfer_notifier_reconfigure(bench.notifier, &bench.notifier_config, bench.edge.now);
	assert_false(is_out());
	assert_true(target().acknowledged);
	tsig_key_unref(other);
	bench_end();
}
