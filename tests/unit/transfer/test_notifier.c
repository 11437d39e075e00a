/* SPDX-License-Identifier: MIT */
/* NOTIFY: how many targets are told. What happens over time is in tests/scenario. */
#include "unit.h"

#include <stdlib.h>

#include "transfer/transfer.h"
#include "wire.h"
#include "zone_text.h"

static struct dns_encoder encoder;

/* The answer to a NOTIFY (RFC 1996 4.7), as we give it and others do. */
static struct wire reply_to(const struct dns_message *request, unsigned rcode)
{
	struct wire reply;
	dns_encoder_init(&encoder);
	dns_encoder_begin(&encoder, reply.bytes, DNS_UDP_SIZE_PLAIN, request->header.id,
	                  DNS_FLAG_QR | DNS_FLAG_AA | DNS_OPCODE_NOTIFY << 11);
	dns_encoder_set_rcode(&encoder, rcode);
	assert_true(dns_encode_question(&encoder, request->qname.wire, request->qtype, request->qclass));
	reply.len = dns_encoder_end(&encoder);
	return reply;
}

/* ---- telling: an edge that counts and remembers the newest question of each target ---- */

#define TARGETS_MAX 64

struct bench {
	struct transfer_edge edge;
	struct random_seeded random;
	struct transfer_scheduler *scheduler;
	struct transfer_notifier *notifier;
	struct transfer_notifier_owner owner;
	size_t debts_changed;
	struct transfer_notifier_config config;
	struct address targets[TARGETS_MAX];
	struct transfer_call *calls[256]; /* by the last octet of the address */
	struct wire questions[256];
	size_t sent;
	size_t closed;
	int64_t wake_ms;
	struct moment now;
};

static struct bench bench;

static bool open_call(struct transfer_edge *self, struct transfer_call *call, const uint8_t *bytes, size_t len,
                      struct error *error)
{
	uint8_t at = call->to.bytes[3];
	(void)self;
	(void)error;
	bench.calls[at] = call;
	bench.questions[at].len = len;
	memcpy(bench.questions[at].bytes, bytes, len);
	bench.sent++;
	return true;
}

static void close_call(struct transfer_edge *self, struct transfer_call *call)
{
	(void)self;
	bench.calls[call->to.bytes[3]] = NULL;
	bench.closed++;
}

static void wake_at(struct transfer_edge *self, int64_t at_ms)
{
	(void)self;
	bench.wake_ms = at_ms;
}

static struct address target(uint8_t number)
{
	return (struct address){.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, number}};
}

static void debts_changed(struct transfer_notifier_owner *self)
{
	assert_ptr_equal(self, &bench.owner);
	bench.debts_changed++;
}

static struct transfer_debt debt(size_t index)
{
	struct transfer_debt out;
	transfer_notifier_debt(bench.notifier, index, &out);
	return out;
}

static void bench_begin(size_t target_count)
{
	static const struct transfer_limits limits = {
	        .transfers_max = 1,
	        .transfers_per_primary_max = 1,
	        .queries_max = 1,
	        .notifies_max = 1000,
	        .notify_rate = 1000,
	        .startup_notify_rate = 10,
	};
	memset(&bench, 0, sizeof bench);
	bench.edge = (struct transfer_edge){.open = open_call, .close = close_call, .wake_at = wake_at};
	bench.owner.debts_changed = debts_changed;
	bench.wake_ms = INT64_MAX;
	bench.now = (struct moment){.boot_ms = 1000000, .wall_s = 1700000000};
	random_seeded_init(&bench.random, unit_seed());
	bench.scheduler = transfer_scheduler_new(&bench.edge, &bench.random.source, &limits);
	for (size_t i = 0; i < target_count; i++) {
		bench.targets[i] = target((uint8_t)(i + 1));
	}
	bench.config = (struct transfer_notifier_config){.targets = bench.targets, .target_count = target_count};
	bench.notifier =
	        transfer_notifier_new(bench.scheduler, name_of("example."), DNS_CLASS_IN, &bench.config, &bench.owner);
}

static void bench_end(void)
{
	transfer_notifier_free(bench.notifier, bench.now);
	transfer_scheduler_free(bench.scheduler);
}

static void announce(uint32_t serial, enum transfer_notify_reason reason)
{
	const struct zone_snapshot *zone = zone_of_text("example.", serial, "");
	struct zone_rrset soa;
	zone_soa(zone, &soa);
	transfer_notifier_announce(bench.notifier, &soa, reason, bench.now);
	zone_unref(zone);
}

static void answer(uint8_t at, unsigned rcode)
{
	struct dns_message request = wire_read(&bench.questions[at]);
	struct wire reply = reply_to(&request, rcode);
	struct transfer_call *call = bench.calls[at];
	bench.calls[at] = NULL;
	assert_true(transfer_call_message(call, reply.bytes, reply.len, bench.now));
}

static struct transfer_target_status status(size_t index)
{
	struct transfer_target_status out;
	transfer_notifier_target(bench.notifier, index, bench.now, &out);
	return out;
}

static void pass_time(int64_t ms)
{
	int64_t until_ms = bench.now.boot_ms + ms;
	while (bench.wake_ms <= until_ms) {
		bench.now.boot_ms = bench.wake_ms > bench.now.boot_ms ? bench.wake_ms : bench.now.boot_ms;
		bench.wake_ms = INT64_MAX;
		transfer_scheduler_tick(bench.scheduler, bench.now);
	}
	bench.now.boot_ms = until_ms;
}

TEST(notify_carries_the_soa_as_a_hint)
{
	uint32_t serial;
	bench_begin(1);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	assert_int_equal(bench.sent, 1);
	struct dns_message message = wire_read(&bench.questions[1]);
	assert_int_equal(message.header.flags, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA);
	assert_true(dns_message_soa_serial(&message, message.answer_offset, message.header.answer_count,
	                                   message.qname.wire, message.qclass, &serial));
	assert_int_equal(serial, 5);
	bench_end();
}

TEST(acknowledgement_is_remembered_with_its_serial)
{
	bench_begin(2);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	answer(1, DNS_RCODE_NOERROR);
	assert_true(status(0).acknowledged && !status(0).pending);
	assert_int_equal(status(0).serial_acknowledged, 5);
	assert_true(status(1).pending);
	assert_int_equal(bench.debts_changed, 1);
	assert_true(debt(0).acknowledged && !debt(1).acknowledged);
	assert_int_equal(debt(0).serial_acknowledged, 5);
	assert_int_equal(debt(0).acknowledged_at_s, 1700000000);
	bench_end();
}

/* A crash after the order must not let it be forgotten. */
TEST(manual_notify_makes_everybody_owed_again)
{
	bench_begin(2);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	answer(1, DNS_RCODE_NOERROR);
	size_t before = bench.debts_changed;
	announce(5, TRANSFER_NOTIFY_MANUAL);
	assert_true(bench.debts_changed > before);
	assert_false(debt(0).acknowledged);
	bench_end();
}

/* The addresses of an NS set are known only when the zone that holds them has been read. */
TEST(target_that_is_configured_after_the_start_is_not_told_again_either)
{
	bench_begin(1);
	struct transfer_debt debts[] = {{.target = target(2), .acknowledged = true, .serial_acknowledged = 5}};
	transfer_notifier_restore(bench.notifier, debts, 1);
	announce(5, TRANSFER_NOTIFY_STARTUP);
	bench.targets[1] = target(2);
	bench.targets[2] = target(3);
	bench.config.target_count = 3;
	transfer_notifier_reconfigure(bench.notifier, &bench.config, bench.now);
	assert_null(bench.calls[2]);
	assert_non_null(bench.calls[3]);
	assert_true(status(1).acknowledged);
	announce(6, TRANSFER_NOTIFY_CHANGE);
	assert_non_null(bench.calls[2]);
	bench_end();
}

TEST(answer_with_another_id_opcode_or_question_is_none)
{
	bench_begin(1);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	struct dns_message request = wire_read(&bench.questions[1]);
	struct wire reply = reply_to(&request, DNS_RCODE_NOERROR);
	struct wire wrong = reply;
	wrong.bytes[1] ^= 1;
	assert_false(transfer_call_message(bench.calls[1], wrong.bytes, wrong.len, bench.now));
	wrong = reply;
	wrong.bytes[2] = 0x84; /* a QUERY's answer */
	assert_false(transfer_call_message(bench.calls[1], wrong.bytes, wrong.len, bench.now));
	wrong = reply;
	wrong.bytes[2] &= 0x7f; /* no answer */
	assert_false(transfer_call_message(bench.calls[1], wrong.bytes, wrong.len, bench.now));
	wrong = reply;
	wrong.bytes[DNS_HEADER_SIZE + 1] = 'x';
	assert_false(transfer_call_message(bench.calls[1], wrong.bytes, wrong.len, bench.now));
	assert_true(status(0).pending);
	answer(1, DNS_RCODE_NOERROR);
	assert_true(status(0).acknowledged);
	bench_end();
}

TEST(startup_notifies_are_rate_limited_separately)
{
	bench_begin(60);
	announce(5, TRANSFER_NOTIFY_STARTUP);
	assert_int_equal(bench.sent, 10);
	pass_time(1000);
	assert_in_range(bench.sent, 19, 20);
	pass_time(900);
	assert_true(bench.sent < 30);
	announce(6, TRANSFER_NOTIFY_CHANGE); /* what changes while the server starts does not wait */
	assert_true(bench.sent >= 60);
	bench_end();
}

TEST(targets_that_are_known_to_have_the_version_are_not_told_again_after_a_restart)
{
	bench_begin(3);
	struct transfer_debt debts[] = {
	        {.target = target(1), .acknowledged = true, .serial_acknowledged = 5},
	        {.target = target(2), .acknowledged = true, .serial_acknowledged = 4},
	        {.target = target(99), .acknowledged = true, .serial_acknowledged = 5},
	};
	transfer_notifier_restore(bench.notifier, debts, 3);
	announce(5, TRANSFER_NOTIFY_STARTUP);
	assert_int_equal(bench.sent, 2);
	assert_true(status(0).acknowledged);
	assert_true(status(1).pending && status(2).pending);
	bench_end();
}

TEST(manual_notify_tells_everybody)
{
	bench_begin(2);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	answer(1, DNS_RCODE_NOERROR);
	answer(2, DNS_RCODE_REFUSED);
	announce(5, TRANSFER_NOTIFY_MANUAL);
	assert_int_equal(bench.sent, 4);
	bench_end();
}

TEST(new_target_is_told_of_the_version_announced_last)
{
	bench_begin(2);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	answer(1, DNS_RCODE_NOERROR);
	answer(2, DNS_RCODE_NOERROR);
	bench.targets[0] = target(7);
	transfer_notifier_reconfigure(bench.notifier, &bench.config, bench.now);
	assert_int_equal(bench.sent, 3);
	assert_non_null(bench.calls[7]);
	assert_true(status(1).acknowledged); /* 192.0.2.2 stayed and keeps what was known */
	bench_end();
}

TEST(target_that_leaves_is_not_told_any_more)
{
	bench_begin(2);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	bench.config.target_count = 1;
	transfer_notifier_reconfigure(bench.notifier, &bench.config, bench.now);
	assert_int_equal(bench.closed, 1);
	assert_null(bench.calls[2]);
	assert_int_equal(transfer_notifier_count(bench.notifier), 1);
	bench_end();
}

TEST(target_that_was_seen_with_the_version_is_not_told_any_more)
{
	bench_begin(2);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	struct address from = target(1);
	from.port = 40000;
	bench.now.boot_ms += 250;
	transfer_notifier_seen(bench.notifier, &from, 5, bench.now);
	assert_false(status(0).pending);
	assert_false(status(0).is_behind);
	assert_int_equal(status(0).lag_ms, 250);
	assert_true(status(1).is_behind);
	bench.now.boot_ms += 250;
	assert_int_equal(status(0).lag_ms, 250);
	assert_int_equal(status(1).lag_ms, 500);
	bench_end();
}

TEST(older_serial_that_was_seen_says_how_far_behind_a_target_is)
{
	bench_begin(1);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	struct address from = target(1);
	transfer_notifier_seen(bench.notifier, &from, 4, bench.now);
	assert_true(status(0).has_serial && status(0).is_behind && status(0).pending);
	assert_int_equal(status(0).serial, 4);
	bench_end();
}

TEST(host_of_several_targets_proves_none)
{
	bench_begin(2);
	bench.targets[1] = target(1);
	bench.targets[1].port = 5300;
	transfer_notifier_reconfigure(bench.notifier, &bench.config, bench.now);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	struct address from = target(1);
	transfer_notifier_seen(bench.notifier, &from, 5, bench.now);
	assert_true(status(0).is_behind && status(1).is_behind);
	bench_end();
}

/* It answers, but not to what it was asked. */
TEST(target_that_fails_without_end_is_given_up)
{
	bench_begin(1);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	for (int i = 0; i < 5; i++) {
		answer(1, DNS_RCODE_SERVFAIL);
		assert_int_equal(bench.sent, (size_t)i + 1);
		pass_time(2000 << i);
		assert_int_equal(bench.sent, (size_t)i + 2);
	}
	assert_int_equal(bench.calls[1]->transport, TRANSFER_TCP);
	answer(1, DNS_RCODE_SERVFAIL);
	assert_string_equal(status(0).problem, "gave up after 6 attempts, the last one over TCP: answered SERVFAIL");
	assert_false(status(0).pending);
	bench_end();
}

TEST(pauses_are_kept_however_quick_the_network_says_no)
{
	/* Two attempts; then the host is down, and is tried after 1, 2, 4 s and so on, at most a minute. */
	static const int64_t pauses_ms[] = {2000, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	bench_begin(1);
	announce(5, TRANSFER_NOTIFY_CHANGE);
	for (size_t i = 0; i < ARRAY_LENGTH(pauses_ms); i++) {
		struct transfer_call *call = bench.calls[1];
		bench.calls[1] = NULL;
		transfer_call_ended(call, "no route to host", bench.now);
		pass_time(pauses_ms[i] - 1);
		assert_int_equal(bench.sent, i + 1);
		pass_time(1);
		assert_int_equal(bench.sent, i + 2);
	}
	assert_true(status(0).pending);
	assert_string_equal(status(0).problem, "no route to host");
	bench_end();
}
