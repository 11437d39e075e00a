/* SPDX-License-Identifier: MIT */
/* The content beside the serial: what primaries tell of theirs, what their ZONEMD says, and what follows. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "edge.h"
#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

#define PRIMARIES_MAX 3
#define SOA(serial)   "example. SOA ns.other. admin.other. " serial " 7200 900 1209600 300\n"

static struct dns_encoder encoder;

/* What a primary has, and what it tells of it. */
struct primary {
	uint32_t serial;
	const char *text;
	const char *told_text;   /* NULL: the same */
	const char *soa_text;    /* what its SOA answers tell; NULL: the same */
	const char *differences; /* NULL: it gives the whole zone */
	unsigned told_anew;      /* it makes up another digest each time */
	size_t asked, ixfrs, axfrs, asked_digest;
};

/* One zone, what it serves, and its primaries. */
static struct bench {
	struct edge edge;
	struct follower follower;
	struct transfer_secondary_config config;
	struct address addresses[PRIMARIES_MAX];
	bool is_tandem[PRIMARIES_MAX];
	struct primary primaries[PRIMARIES_MAX];
	const struct zone_snapshot *served;
} bench;

/* Alarms are meant to be loud. */
static void drop_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

static struct change_digest digest_of(const char *text)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 1, text);
	struct change_digest digest = change_digest_of(zone);
	zone_unref(zone);
	return digest;
}

static struct transfer_version version_of_served(void)
{
	struct transfer_version version = transfer_version_of(bench.served);
	version.has_digest = true;
	version.digest = change_digest_of(bench.served);
	return version;
}

/* Serves this, and follows so many primaries on loopback, all of them Tandem, that have nothing yet. */
static void bench_begin(uint32_t serial, const char *text, size_t primary_count)
{
	static const struct transfer_limits limits = {
	        .transfers_max = 10,
	        .transfers_per_primary_max = 4,
	        .queries_max = 100,
	        .notifies_max = 1,
	        .notify_rate = 10,
	        .startup_notify_rate = 10,
	};
	memset(&bench, 0, sizeof bench);
	dns_encoder_init(&encoder);
	edge_begin(&bench.edge, &limits);
	log_set_sink(drop_line, NULL);
	for (size_t i = 0; i < PRIMARIES_MAX; i++) {
		bench.addresses[i] =
		        (struct address){.family = ADDRESS_V4, .port = 53, .bytes = {127, 0, 2, (uint8_t)(i + 1)}};
		bench.is_tandem[i] = true;
	}
	bench.config = follower_config(bench.addresses, primary_count);
	bench.config.primary_is_tandem = bench.is_tandem;
	bench.served = zone_of_text("example.", serial, text);
}

static void start(void)
{
	struct transfer_version version = version_of_served();
	follower_begin(&bench.follower, &bench.edge, &bench.config);
	transfer_secondary_start(bench.follower.machine, &version, NULL, NULL, bench.edge.now);
}

static void bench_end(void)
{
	follower_end(&bench.follower, &bench.edge);
	edge_end(&bench.edge);
	zone_unref(bench.served);
}

static void publish(void)
{
	struct error error;
	const struct zone_snapshot *candidate = transfer_in_finish(bench.follower.received, bench.served, NULL, &error);
	bench.follower.received = NULL;
	assert_non_null(candidate);
	zone_unref(bench.served);
	bench.served = candidate;
	struct transfer_version version = version_of_served();
	transfer_secondary_published(bench.follower.machine, &version, bench.edge.now);
}

static struct dns_edns_reply edns_of(struct primary *primary, uint16_t qtype, uint8_t value[CHANGE_TOLD_SIZE])
{
	const char *text = primary->told_text == NULL ? primary->text : primary->told_text;
	text = qtype == DNS_TYPE_SOA && primary->soa_text != NULL ? primary->soa_text : text;
	struct change_told told = {.serial = primary->serial, .digest = digest_of(text)};
	if (primary->told_anew > 0) {
		told.digest.words[0] += primary->told_anew++;
	}
	change_told_write(told, value);
	return (struct dns_edns_reply){
	        .payload_size = 1232, .digest = value, .digest_len = CHANGE_TOLD_SIZE, .ede = DNS_EDE_NONE};
}

static void write_answer(struct primary *primary, const struct dns_message *question, const struct zone_snapshot *zone,
                         struct wire *reply)
{
	uint8_t value[CHANGE_TOLD_SIZE];
	struct error error;
	bool tells = change_told_is_asked(question->edns.digest, question->edns.digest_len);
	struct dns_edns_reply edns = edns_of(primary, question->qtype, value);
	primary->asked_digest += tells;
	primary->ixfrs += question->qtype == DNS_TYPE_IXFR;
	primary->axfrs += question->qtype == DNS_TYPE_AXFR;
	if (question->qtype == DNS_TYPE_SOA) {
		primary->asked++;
		reply->len = transfer_out_single(question, zone, NULL, tells ? &edns : NULL, &encoder, reply->bytes,
		                                 WIRE_MAX);
	} else if (question->qtype == DNS_TYPE_IXFR && primary->differences != NULL) {
		wire_answer(reply, DNS_TYPE_IXFR, primary->differences);
		memcpy(reply->bytes, question->bytes, 2);
	} else {
		struct transfer_out *out = transfer_out_new(question, zone, NULL, tells ? &edns : NULL);
		assert_int_equal(transfer_out_next(out, &encoder, reply->bytes, WIRE_MAX, &reply->len, &error),
		                 TRANSFER_OUT_MESSAGE);
		transfer_out_free(out);
	}
}

/* The question that is out to this primary; NULL: none is. */
static struct out *out_to(size_t index)
{
	for (size_t i = 0; i < bench.edge.out_count; i++) {
		struct out *out = &bench.edge.outs[i];
		if (out->call != NULL && address_equal(&out->to, &bench.addresses[index])) {
			return out;
		}
	}
	return NULL;
}

static void answer(size_t index)
{
	static struct wire reply;
	struct primary *primary = &bench.primaries[index];
	struct out *out = out_to(index);
	struct dns_message question = wire_read(&out->question);
	const struct zone_snapshot *zone = zone_of_text("example.", primary->serial, primary->text);
	write_answer(primary, &question, zone, &reply);
	zone_unref(zone);
	assert_true(edge_feed(&bench.edge, out, &reply));
}

/* Answers and publishes until nothing is under way; in the order of the list. */
static void run(void)
{
	bool any = true;
	for (size_t steps = 0; any; steps++) {
		any = false;
		assert_true(steps < 100);
		for (size_t i = 0; i < PRIMARIES_MAX && !any; i++) {
			any = out_to(i) != NULL;
			if (any) {
				answer(i);
			}
		}
		if (bench.follower.received != NULL) {
			publish();
			any = true;
		}
	}
}

static void refresh(void)
{
	bench.edge.now.boot_ms += 10000000;
	bench.edge.now.wall_s += 10000;
	transfer_secondary_refresh(bench.follower.machine, bench.edge.now);
	run();
}

static struct transfer_secondary_status status(void)
{
	struct transfer_secondary_status out;
	transfer_secondary_status(bench.follower.machine, &out);
	return out;
}

static bool serves(const char *text)
{
	return change_digest_equal(change_digest_of(bench.served), digest_of(text));
}

static bool alarm_says(enum cause cause, const char *words)
{
	return status().alarm_cause == cause && status().alarm != NULL && strstr(status().alarm, words) != NULL;
}

static size_t transfers(void)
{
	size_t count = 0;
	for (size_t i = 0; i < PRIMARIES_MAX; i++) {
		count += bench.primaries[i].ixfrs + bench.primaries[i].axfrs;
	}
	return count;
}

#define A "a A 192.0.2.1\n"
#define B "a A 192.0.2.2\n"
#define C "a A 192.0.2.3\n"

TEST(same_serial_and_same_content_is_nothing)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = A};
	start();
	run();
	assert_int_equal(bench.primaries[0].asked_digest, 1);
	assert_int_equal(transfers(), 0);
	assert_null(status().alarm);
	bench_end();
}

TEST(same_serial_with_other_content_is_an_alarm_until_the_whole_zone_has_come)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = B};
	start();
	answer(0);
	assert_true(alarm_says(CAUSE_CONTENT_DIFFERS, "127.0.2.1@53 tells for serial 7 the digest"));
	assert_true(alarm_says(CAUSE_CONTENT_DIFFERS, "its whole zone is fetched"));
	run();
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_int_equal(bench.primaries[0].ixfrs, 0);
	assert_true(serves(B));
	assert_null(status().alarm);
	assert_null(status().problem);
	refresh();
	assert_int_equal(transfers(), 1);
	bench_end();
}

TEST(who_is_not_marked_or_not_proven_is_not_asked_and_not_believed)
{
	for (unsigned round = 0; round < 2; round++) {
		bench_begin(7, A, 1);
		bench.is_tandem[0] = round == 0;
		if (round == 0) {
			memcpy(bench.addresses[0].bytes, (uint8_t[4]){192, 0, 2, 1}, 4);
		}
		bench.primaries[0] = (struct primary){.serial = 7, .text = B};
		start();
		run();
		assert_int_equal(bench.primaries[0].asked, 1);
		assert_int_equal(bench.primaries[0].asked_digest, 0);
		assert_int_equal(transfers(), 0);
		assert_null(status().alarm);
		bench_end();
	}
}

TEST(primary_that_lies_about_its_digest_is_fetched_once_and_the_alarm_stays)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = A, .told_text = C};
	start();
	run();
	refresh();
	refresh();
	assert_int_equal(bench.primaries[0].asked, 3);
	assert_int_equal(transfers(), 1);
	assert_true(serves(A));
	assert_true(alarm_says(CAUSE_CONTENT_DIFFERS, "does not say so either"));
	/* Another serial is another matter. */
	bench.primaries[0] = (struct primary){.serial = 8, .text = B};
	refresh();
	assert_true(serves(B));
	assert_null(status().alarm);
	bench_end();
}

TEST(primary_that_tells_another_digest_each_time_is_fetched_once_for_its_serial)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = A, .told_anew = 1};
	start();
	run();
	for (unsigned i = 0; i < 5; i++) {
		refresh();
	}
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_non_null(status().alarm);
	bench_end();
}

/* As two servers behind one address do: one answers, the other one gives the zone. */
TEST(primary_whose_answers_tell_other_content_than_its_transfers_is_fetched_once)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = A, .soa_text = C};
	start();
	run();
	for (unsigned i = 0; i < 5; i++) {
		refresh();
	}
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_true(alarm_says(CAUSE_CONTENT_DIFFERS, "does not say so either"));
	bench.primaries[0].soa_text = NULL;
	refresh();
	assert_null(status().alarm);
	bench_end();
}

/* NOTIFYs can be made up, and a repair is no new version. */
TEST(notifys_make_no_more_repairs_than_questions_when_nothing_new_is_found)
{
	struct transfer_hint hint = {.has_serial = true, .serial = 7};
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = A};
	start();
	run();
	for (unsigned i = 0; i < 100; i++) {
		bench.primaries[0].text = i % 2 == 0 ? B : A;
		transfer_secondary_notified(bench.follower.machine, &bench.addresses[0], &hint, bench.edge.now);
		run();
	}
	assert_in_range(bench.primaries[0].axfrs, 1, 10);
	bench_end();
}

TEST(content_that_changes_again_under_one_serial_is_repaired_again)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = B};
	start();
	run();
	bench.primaries[0].text = C;
	refresh();
	assert_int_equal(bench.primaries[0].axfrs, 2);
	assert_true(serves(C));
	assert_null(status().alarm);
	bench_end();
}

TEST(transfer_that_ends_with_other_content_than_was_told_is_repaired)
{
	bench_begin(7, A, 1);
	/* What it gives as differences is not what it has. */
	bench.primaries[0] = (struct primary){
	        .serial = 8,
	        .text = B,
	        .differences = SOA("8") SOA("7") SOA("8") "b.example. A 192.0.2.9\n" SOA("8"),
	};
	start();
	run();
	assert_int_equal(bench.primaries[0].ixfrs, 1);
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_int_equal(status().serial, 8);
	assert_true(serves(B));
	assert_null(status().alarm);
	assert_int_equal(bench.follower.verifications, 0); /* it tells its digest: its ZONEMD is not looked at */
	bench_end();
}

TEST(where_primaries_disagree_the_first_in_the_list_holds_and_the_alarm_stays)
{
	bench_begin(7, A, 2);
	bench.primaries[0] = (struct primary){.serial = 7, .text = A};
	bench.primaries[1] = (struct primary){.serial = 7, .text = B};
	start();
	run();
	assert_int_equal(transfers(), 0);
	assert_true(alarm_says(CAUSE_CONTENT_DIFFERS, "127.0.2.2@53"));
	assert_true(alarm_says(CAUSE_CONTENT_DIFFERS, "a primary before it in the list has ours"));
	bench.primaries[0].text = B;
	refresh();
	assert_true(serves(B));
	assert_int_equal(transfers(), 1);
	assert_null(status().alarm);
	bench_end();
}

TEST(broken_connection_is_no_repair)
{
	bench_begin(7, A, 1);
	bench.primaries[0] = (struct primary){.serial = 7, .text = B};
	start();
	answer(0);
	edge_fail(&bench.edge, out_to(0), "connection reset by peer");
	run();
	assert_non_null(status().alarm);
	refresh();
	assert_true(serves(B));
	assert_null(status().alarm);
	bench_end();
}

TEST(notify_of_the_serial_that_is_here_makes_a_tandem_be_asked)
{
	struct transfer_hint hint = {.has_serial = true, .serial = 7};
	for (unsigned round = 0; round < 2; round++) {
		bench_begin(7, A, 1);
		bench.is_tandem[0] = round == 0;
		bench.primaries[0] = (struct primary){.serial = 7, .text = A};
		start();
		run();
		bench.primaries[0].text = B;
		transfer_secondary_notified(bench.follower.machine, &bench.addresses[0], &hint, bench.edge.now);
		run();
		assert_int_equal(bench.primaries[0].asked, round == 0 ? 2 : 1);
		assert_true(serves(round == 0 ? B : A));
		bench_end();
	}
}

/* ---- ZONEMD ---- */

static const char zonemd_differences[] = SOA("8") SOA("7") SOA("8") "b.example. A 192.0.2.9\n" SOA("8");

static void be_verified(const char *problem)
{
	struct transfer_version version = version_of_served();
	bench.follower.verifications--;
	transfer_secondary_verified(bench.follower.machine, &version, problem, bench.edge.now);
	run();
}

static void come_by_differences(void)
{
	bench_begin(7, A, 1);
	bench.is_tandem[0] = false;
	bench.primaries[0] = (struct primary){.serial = 8, .text = B, .differences = zonemd_differences};
	start();
	run();
	assert_int_equal(status().serial, 8);
	assert_int_equal(bench.primaries[0].axfrs, 0);
	assert_int_equal(bench.follower.verifications, 1);
}

TEST(zonemd_that_is_right_is_nothing)
{
	come_by_differences();
	be_verified(NULL);
	assert_int_equal(bench.primaries[0].axfrs, 0);
	assert_null(status().alarm);
	bench_end();
}

TEST(zonemd_that_is_not_right_is_repaired_by_the_whole_zone)
{
	come_by_differences();
	be_verified("the digest is another one");
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_true(serves(B));
	assert_true(alarm_says(CAUSE_ZONEMD_DIFFERS, "the digest is another one")); /* until it is known better */
	assert_int_equal(bench.follower.verifications, 1);
	be_verified(NULL);
	assert_null(status().alarm);
	refresh();
	assert_int_equal(bench.primaries[0].axfrs, 1);
	bench_end();
}

TEST(zone_that_never_verifies_is_fetched_whole_once_and_served)
{
	come_by_differences();
	be_verified("the digest is another one");
	be_verified("the digest is another one");
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_true(serves(B));
	assert_true(alarm_says(CAUSE_ZONEMD_DIFFERS, "it is served"));
	bench.primaries[0].serial = 9;
	bench.primaries[0].differences = SOA("9") SOA("8") SOA("9") "c.example. A 192.0.2.9\n" SOA("9");
	refresh();
	be_verified("the digest is another one");
	assert_int_equal(bench.primaries[0].axfrs, 1);
	assert_int_equal(status().serial, 9);
	bench_end();
}

TEST(verification_of_a_version_that_is_gone_says_nothing)
{
	come_by_differences();
	struct transfer_version version = version_of_served();
	version.digest.words[0]++;
	transfer_secondary_verified(bench.follower.machine, &version, "the digest is another one", bench.edge.now);
	run();
	assert_int_equal(bench.primaries[0].axfrs, 0);
	assert_null(status().alarm);
	bench_end();
}
