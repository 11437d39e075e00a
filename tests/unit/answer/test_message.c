/* SPDX-License-Identifier: MIT */
/* The frame of messages: defects, opcodes, EDNS, the server's own names, NOTIFY, questions for transfers, TSIG. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "change/digest.h"

/* A message from octets in hex; blanks are skipped. */
static enum answer_outcome ask_hex(struct server *server, const char *hex, enum answer_transport transport)
{
	static uint8_t bytes[2048];
	size_t digits = 0;
	for (; *hex != '\0'; hex++) {
		if (*hex != ' ') {
			char digit[2] = {*hex, '\0'};
			unsigned value = (unsigned)strtoul(digit, NULL, 16);
			bytes[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4 : bytes[digits / 2] | value);
			digits++;
		}
	}
	return ask_bytes(server, bytes, digits / 2, transport, transport == ANSWER_TCP ? DNS_MESSAGE_MAX : 1232);
}

#define HEADER "1234 0000 0001 0000 0000 0000 "
#define WWW_A  "03777777 076578616d706c65 00 0001 0001 " /* www.example. A IN */
#define OPT    "00 0029 04d0 00000000 0000 "
#define OPT_ID "1234 0000 0001 0000 0000 0001 "

static struct server *small_server(void)
{
	return server_of("www A 192.0.2.1\n");
}

/* ---- what is not answered ---- */

TEST(message_shorter_than_a_header_is_dropped)
{
	struct server *server = small_server();
	assert_int_equal(ask_hex(server, "", ANSWER_UDP), ANSWER_DROP);
	assert_int_equal(ask_hex(server, "1234 0000 0001 0000 0000 00", ANSWER_UDP), ANSWER_DROP);
}

TEST(response_is_never_answered)
{
	struct server *server = small_server();
	assert_int_equal(ask_hex(server, "1234 8000 0001 0000 0000 0000 " WWW_A, ANSWER_UDP), ANSWER_DROP);
	assert_int_equal(ask_hex(server, "1234 8000 0001 0000 0000 0000 ff", ANSWER_TCP), ANSWER_DROP);
	assert_int_equal(atomic_load(&answer_counters(server->context)->dropped), 2);
}

/* ---- FORMERR ---- */

static void expect_formerr(struct server *server, const char *hex, size_t len)
{
	assert_int_equal(ask_hex(server, hex, ANSWER_UDP), ANSWER_SEND);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
	assert_int_equal(server->message.header.flags, DNS_FLAG_QR | DNS_RCODE_FORMERR);
	assert_int_equal(response_len(server), len);
}

TEST(formerr_is_a_header_with_only_qr_set)
{
	struct server *server = small_server();
	expect_formerr(server, "1234 07ff 0001 0000 0000 0000 03777777", 12);
	expect_formerr(server, "1234 0000 0001 0000 0000 0000", 12);
}

TEST(formerr_keeps_an_opt_that_was_read_soundly)
{
	struct server *server = small_server();
	/* Sound OPT, then an octet too many. */
	expect_formerr(server, OPT_ID WWW_A OPT "ff", 12 + 11);
	assert_true(server->message.edns.present);
	/* An OPT whose option is cut short. */
	expect_formerr(server, OPT_ID WWW_A "00 0029 04d0 00000000 0003 0003 00", 12);
}

TEST(two_questions_are_formerr)
{
	struct server *server = small_server();
	expect_formerr(server, "1234 0000 0002 0000 0000 0000 " WWW_A WWW_A, 12);
	expect_formerr(server, "1234 0000 0002 0000 0000 0000 " WWW_A "03626262 00 0001 0001", 12);
}

TEST(over_long_name_is_formerr)
{
	struct server *server = small_server();
	char hex[2048] = HEADER;
	for (int i = 0; i < 8; i++) {
		strcat(hex, "1f");
		for (int k = 0; k < 31; k++) {
			strcat(hex, "61");
		}
	}
	strcat(hex, "00 0001 0001"); /* 257 octets */
	expect_formerr(server, hex, 12);
}

TEST(name_that_points_at_itself_is_formerr)
{
	struct server *server = small_server();
	expect_formerr(server, HEADER "c00c 0001 0001", 12);
	expect_formerr(server, HEADER "0161 c00c 0001 0001", 12);
}

TEST(opt_not_at_the_root_or_twice_or_misplaced_is_formerr)
{
	struct server *server = small_server();
	expect_formerr(server, OPT_ID WWW_A "0161 00 0029 04d0 00000000 0000", 12);
	expect_formerr(server, "1234 0000 0001 0000 0000 0002 " WWW_A OPT OPT, 12 + 11);
	expect_formerr(server, "1234 0000 0001 0001 0000 0000 " WWW_A OPT, 12);
}

TEST(tsig_that_is_not_last_is_formerr)
{
	struct server *server = small_server();
	expect_formerr(server,
	               "1234 0000 0001 0000 0000 0002 " WWW_A
	               "016b 00 00fa 00ff 00000000 0011 0161 00 000000000000 012c 0000 1234 0000 0000 " OPT,
	               12);
}

TEST(truncated_rr_is_formerr)
{
	struct server *server = small_server();
	expect_formerr(server, "1234 0000 0001 0000 0000 0001 " WWW_A "c00c 0001 0001 00000000 0004 0102", 12);
	expect_formerr(server, "1234 0000 0001 0000 0000 0001 " WWW_A "c00c 0001", 12);
}

TEST(query_without_question_is_formerr_unless_it_has_a_cookie)
{
	struct server *server = small_server();
	expect_formerr(server, "1234 0000 0000 0000 0000 0000", 12);
	expect_formerr(server, "1234 0000 0000 0000 0000 0001 " OPT, 23);
	assert_int_equal(ask_hex(server,
	                         "1234 0000 0000 0000 0000 0001 00 0029 04d0 00000000 000c 000a 0008 "
	                         "0102030405060708",
	                         ANSWER_UDP),
	                 ANSWER_SEND);
	assert_string_equal(response_text(server), "NOERROR edns");
}

/* ---- opcodes ---- */

TEST(opcodes_that_are_not_served_are_notimp)
{
	struct server *server = small_server();
	for (unsigned opcode = 1; opcode < 16; opcode++) {
		char hex[160] = "1234 0000 0001 0000 0000 0000 ";
		static const char digits[] = "0123456789abcdef";
		if (opcode == DNS_OPCODE_NOTIFY || opcode == DNS_OPCODE_UPDATE) {
			continue;
		}
		hex[5] = digits[opcode >> 1];
		hex[6] = (opcode & 1) != 0 ? '9' : '1'; /* with RD */
		strcat(hex, WWW_A);
		assert_int_equal(ask_hex(server, hex, ANSWER_UDP), ANSWER_SEND);
		assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOTIMP);
		assert_int_equal(dns_flags_opcode(server->message.header.flags), opcode);
		assert_true((server->message.header.flags & DNS_FLAG_RD) != 0);
	}
}

#define UPDATE_OF(zone) "1234 2800 0001 0000 0000 0001 " zone " 00 0006 0001 " OPT

TEST(updates_are_refused_but_to_whom_the_rules_allow_them_notimp)
{
	struct server *server = small_server();
	ask_hex(server, UPDATE_OF("076578616d706c65"), ANSWER_UDP);
	assert_string_equal(response_text(server), "REFUSED edns ede=18");
	ask_hex(server, UPDATE_OF("03777777 076578616d706c65"), ANSWER_UDP);
	assert_string_equal(response_text(server), "NOTAUTH edns ede=20");
	server->rules.allow[ACCESS_UPDATE] = (struct access_rules){.rules = &server->anybody, .rule_count = 1};
	ask_hex(server, UPDATE_OF("076578616d706c65"), ANSWER_UDP);
	assert_string_equal(response_text(server), "NOTIMP edns ede=21");
	serve_state(server, "expired.", ZONE_STATE_EXPIRED);
	ask_hex(server, UPDATE_OF("0765787069726564"), ANSWER_UDP);
	assert_string_equal(response_text(server), "SERVFAIL edns ede=24");
	ask_hex(server, "1234 2800 0001 0000 0000 0000 " WWW_A, ANSWER_UDP); /* a zone is named by its SOA */
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
	ask_hex(server, "1234 2800 0000 0000 0000 0000", ANSWER_UDP);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
}

/* RFC 3425: an inverse query has no question and an answer instead. */
TEST(iquery_is_notimp)
{
	struct server *server = small_server();
	assert_int_equal(
	        ask_hex(server, "1234 0800 0000 0001 0000 0000 00 0001 0001 00000000 0004 c0000201", ANSWER_UDP),
	        ANSWER_SEND);
	assert_string_equal(response_text(server), "NOTIMP");
	/* Even when its sections are nothing that we could read. */
	assert_int_equal(ask_hex(server, "1234 0800 0000 0001 0000 0000 ffff", ANSWER_UDP), ANSWER_SEND);
	assert_string_equal(response_text(server), "NOTIMP");
}

/* ---- EDNS ---- */

TEST(edns_version_100_is_badvers_with_version_0_and_no_data)
{
	struct server *server = small_server();
	server->config.nsid = (const uint8_t *)"me";
	server->config.nsid_len = 2;
	/* Version 100, DO, NSID asked. */
	ask_hex(server, OPT_ID WWW_A "00 0029 04d0 00648000 0004 0003 0000", ANSWER_UDP);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_BADVERS);
	assert_int_equal(server->message.edns.version, 0);
	assert_int_equal(server->message.header.answer_count, 0);
	assert_true(server->message.has_question);
	assert_true(server->message.edns.nsid);
	assert_int_equal(server->message.edns.nsid_len, 2);
	assert_memory_equal(server->message.edns.nsid_bytes, "me", 2);
}

TEST(unknown_options_and_flags_are_ignored_and_not_echoed)
{
	struct server *server = small_server();
	/* All Z flags, options 65001 and 4 with content. */
	ask_hex(server, OPT_ID WWW_A "00 0029 04d0 00007fff 000c fde9 0004 01020304 0004 0000", ANSWER_UDP);
	assert_string_equal(response_text(server), "NOERROR aa edns\n     answer: www 3600 A 192.0.2.1");
	assert_int_equal(server->message.edns.options_len, 0);
	assert_false(server->message.edns.dnssec_ok);
}

TEST(do_is_copied)
{
	struct server *server = small_server();
	expect_answer(server, "www A +do", "NOERROR aa answer: www A");
	assert_true(server->message.edns.dnssec_ok);
	assert_int_equal(server->message.edns.payload_size, 1232);
	expect_answer(server, "www A +edns", "NOERROR aa answer: www A");
	assert_false(server->message.edns.dnssec_ok);
}

TEST(nsid_is_given_where_configured_and_asked)
{
	struct server *server = small_server();
	ask(server, "www A +nsid");
	assert_false(server->message.edns.nsid);
	server->config.nsid = (const uint8_t *)"ns-7";
	server->config.nsid_len = 4;
	ask(server, "www A +nsid");
	assert_int_equal(server->message.edns.nsid_len, 4);
	ask(server, "www A +edns");
	assert_false(server->message.edns.nsid);
}

TEST(keepalive_is_told_over_tcp_only_to_who_asks)
{
	struct server *server = small_server();
	ask(server, "www A +keepalive");
	assert_false(server->message.edns.keepalive);
	assert_false(server->result.keepalive);
	ask(server, "www A +keepalive +tcp");
	assert_true(server->result.keepalive);
	assert_true(server->message.edns.keepalive_has_value);
	assert_int_equal(server->message.edns.keepalive_100ms, 300);
	ask(server, "www A +edns +tcp");
	assert_false(server->message.edns.keepalive);
	assert_false(server->result.keepalive);
}

TEST(padding_is_not_answered_over_plain_transports)
{
	struct server *server = small_server();
	ask(server, "www A +padding");
	assert_int_equal(server->message.edns.options_len, 0);
	ask(server, "www A +padding +tcp");
	assert_int_equal(server->message.edns.options_len, 0);
}

/* RFC 7314 3 */
TEST(expire_is_the_soas_for_a_primary_and_the_time_left_for_a_secondary)
{
	struct server *server = small_server();
	ask(server, "example. SOA +expire");
	assert_true(server->message.edns.expire_has_value);
	assert_int_equal(server->message.edns.expire_s, 86400);
	atomic_store(&server->zones[0]->expires_at_ms, 61999);
	server->now_ms = 1000;
	ask(server, "example. SOA +expire");
	assert_int_equal(server->message.edns.expire_s, 60);
	ask(server, "www A +expire");
	assert_false(server->message.edns.expire);
	ask(server, "www SOA +expire");
	assert_false(server->message.edns.expire);
	ask(server, "example. SOA +edns");
	assert_false(server->message.edns.expire);
	ask(server, "elsewhere. SOA +expire");
	assert_false(server->message.edns.expire);
}

/* Publishes nothing: as the pipeline does before it publishes what is served. */
static struct change_digest note_digest(struct server *server)
{
	const struct zone_snapshot *snapshot = zone_served(server->zones[0]);
	struct change_digest digest = change_digest_of(snapshot);
	change_digest_show(server->zones[0], snapshot, digest);
	return digest;
}

static bool is_told(struct server *server, const char *question, struct change_told *told)
{
	ask(server, question);
	return change_told_read(server->message.edns.digest, server->message.edns.digest_len, told);
}

static void allow(struct server *server, enum access_kind kind)
{
	server->rules.allow[kind] = (struct access_rules){.rules = &server->anybody, .rule_count = 1};
}

/* doc/decisions/004-digest.md */
TEST(digest_is_told_to_who_may_fetch_the_zone_and_asks_in_its_scheme)
{
	struct server *server = small_server();
	struct change_told told;
	struct change_digest digest = note_digest(server);
	assert_false(is_told(server, "example. SOA +digest=01", &told)); /* nobody may fetch it */
	allow(server, ACCESS_TRANSFER);
	assert_true(is_told(server, "example. SOA +digest=01", &told));
	assert_int_equal(told.serial, zone_serial(zone_served(server->zones[0])));
	assert_true(change_digest_equal(told.digest, digest));
	assert_true(is_told(server, "example. SOA +digest=ff01 +expire +do", &told));
	assert_true(server->message.edns.expire_has_value);

	static const char *const others[] = {
	        "example. SOA +edns", "example. SOA +digest=", "example. SOA +digest=02",  "example. NS +digest=01",
	        "www SOA +digest=01", "www A +digest=01",      "elsewhere. SOA +digest=01"};
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		assert_false(is_told(server, others[i], &told));
		assert_null(server->message.edns.digest);
	}
	assert_int_equal(ask(server, "example. IXFR +tcp +digest=01"), ANSWER_SEND); /* without serial: FORMERR */
	assert_int_equal(ask(server, "example. AXFR +tcp +digest=01"), ANSWER_TRANSFER_OUT);
	assert_true(change_told_read(server->result.edns.digest, server->result.edns.digest_len, &told));
	assert_true(change_digest_equal(told.digest, digest));
}

TEST(digest_of_another_version_is_not_told)
{
	struct server *server = small_server();
	struct change_told told;
	allow(server, ACCESS_TRANSFER);
	assert_false(is_told(server, "example. SOA +digest=01", &told)); /* none was noted */
	const struct zone_snapshot *other = zone_ref(zone_served(server_of("other A 192.0.2.9\n")->zones[0]));
	change_digest_show(server->zones[0], other, change_digest_of(other));
	assert_false(is_told(server, "example. SOA +digest=01", &told));
	note_digest(server);
	assert_true(is_told(server, "example. SOA +digest=01", &told));
	zone_unref(other);
}

static unsigned extended_errors(const struct server *server)
{
	struct reader options = reader_of(server->message.edns.options, server->message.edns.options_len);
	unsigned count = 0;
	while (reader_left(&options) > 0) {
		count += read_u16(&options) == DNS_OPTION_EDE ? 1u : 0u;
		read_bytes(&options, read_u16(&options));
		assert_false(options.failed);
	}
	return count;
}

/* RFC 8914: at most one for each reason, and none of ours has two. */
TEST(extended_error_is_given_exactly_once_and_only_with_edns)
{
	struct server *server = small_server();
	serve_state(server, "empty.", ZONE_STATE_EMPTY);
	serve_state(server, "expired.", ZONE_STATE_EXPIRED);
	serve_state(server, "broken.", ZONE_STATE_BROKEN);
	static const struct {
		const char *question;
		const char *with_edns;
		const char *plain;
	} rows[] = {
	        {"www.empty. A", "SERVFAIL ede=14", "SERVFAIL"},
	        {"www.expired. A", "SERVFAIL ede=24", "SERVFAIL"},
	        {"www.broken. A", "SERVFAIL ede=24", "SERVFAIL"},
	        {"www.elsewhere. A", "REFUSED ede=20", "REFUSED"},
	        {"example. AXFR +tcp", "REFUSED ede=18", "REFUSED"},
	        {"example. SOA +notify", "REFUSED ede=18", "REFUSED"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		char question[64];
		snprintf(question, sizeof question, "%s +edns", rows[i].question);
		expect_answer(server, question, rows[i].with_edns);
		assert_int_equal(extended_errors(server), 1);
		expect_answer(server, rows[i].question, rows[i].plain);
		assert_false(server->message.edns.present);
	}
	expect_answer(server, "www A +edns", "NOERROR aa answer: www A");
	assert_int_equal(extended_errors(server), 0);
}

/* ---- CH (RFC 4892) ---- */

TEST(names_of_the_server_are_told_where_configured)
{
	struct server *server = small_server();
	server->config.version = (struct answer_identity){"Tandem 0.1", 10};
	server->config.identity = (struct answer_identity){"ns1", 3};
	expect_answer(server, "version.bind. TXT CH", "NOERROR aa answer: version.bind. 0 TXT \"Tandem 0.1\"");
	expect_answer(server, "Version.Server. TXT CH +edns", "NOERROR aa answer: Version.Server. TXT \"Tandem 0.1\"");
	expect_answer(server, "version.bind. ANY CH", "NOERROR aa answer: version.bind. TXT");
	expect_answer(server, "id.server. TXT CH", "NOERROR aa answer: id.server. TXT \"ns1\"");
	expect_answer(server, "hostname.bind. TXT CH", "REFUSED");
	server->config.hostname = (struct answer_identity){"", 0};
	expect_answer(server, "hostname.bind. TXT CH", "NOERROR aa answer: hostname.bind. TXT \"\"");
	expect_answer(server, "version.bind. A CH", "REFUSED");
	expect_answer(server, "other.bind. TXT CH", "REFUSED");
	expect_answer(server, "version.bind. TXT", "REFUSED");
}

TEST(other_classes_are_refused_and_class_any_lacks_aa)
{
	struct server *server = small_server();
	expect_answer(server, "www A HS", "REFUSED");
	expect_answer(server, "www A CLASS77 +edns", "REFUSED ede=20");
	expect_answer(server, "www A ANY", "NOERROR answer: www A");
}

/* ---- transfers ---- */

TEST(axfr_is_handed_over_with_zone_and_snapshot)
{
	struct server *server = small_server();
	allow(server, ACCESS_TRANSFER);
	assert_int_equal(ask(server, "example. AXFR +tcp +expire"), ANSWER_TRANSFER_OUT);
	assert_ptr_equal(server->result.zone, server->zones[0]);
	assert_ptr_equal(server->result.snapshot, zone_served(server->zones[0]));
	assert_int_equal(server->result.message->qtype, DNS_TYPE_AXFR);
	assert_true(server->result.has_edns);
	assert_true(server->result.edns.expire);
	assert_int_equal(server->result.edns.expire_s, 86400);
	assert_int_equal(ask(server, "example. AXFR +tcp"), ANSWER_TRANSFER_OUT);
	assert_false(server->result.has_edns);
}

TEST(axfr_denied_is_refused_and_elsewhere_notauth_and_unloaded_servfail)
{
	struct server *server = small_server();
	expect_answer(server, "example. AXFR +tcp +edns", "REFUSED ede=18");
	allow(server, ACCESS_TRANSFER);
	expect_answer(server, "elsewhere. AXFR +tcp +edns", "NOTAUTH ede=20");
	expect_answer(server, "www AXFR +tcp +edns", "NOTAUTH ede=20");
	serve_state(server, "empty.", ZONE_STATE_EMPTY);
	serve_state(server, "expired.", ZONE_STATE_EXPIRED);
	expect_answer(server, "empty. AXFR +tcp +edns", "SERVFAIL ede=14");
	expect_answer(server, "expired. AXFR +tcp +edns", "SERVFAIL ede=24");
}

/* A primary's that is not on disk: its serial may come again with other content. */
TEST(version_that_is_held_back_is_answered_from_and_given_to_nobody)
{
	struct server *server = small_server();
	struct zone *zone = server->zones[0];
	struct change_told told;
	struct change_digest digest = change_digest_of(zone_served(zone));
	allow(server, ACCESS_TRANSFER);
	change_digest_show(zone, zone_served(zone), digest);
	zone_hold_back(zone_served(zone));
	expect_answer(server, "example. AXFR +tcp +edns", "SERVFAIL ede=14");
	expect_answer(server, "example. SOA +edns", "NOERROR aa answer: SOA");
	assert_false(is_told(server, "example. SOA +digest=01", &told));
	zone_hand_on(zone_served(zone));
	assert_int_equal(ask(server, "example. AXFR +tcp"), ANSWER_TRANSFER_OUT);
	assert_true(is_told(server, "example. SOA +digest=01", &told));
}

TEST(axfr_over_udp_is_formerr)
{
	struct server *server = small_server();
	allow(server, ACCESS_TRANSFER);
	expect_answer(server, "example. AXFR", "FORMERR");
}

#define EXAMPLE_IXFR "1234 0000 0001 0000 0001 0000 076578616d706c65 00 00fb 0001 "
#define SOA_SERIAL_7 "c00c 0006 0001 00000000 001a 016d c00c 0172 c00c 00000007 00000000 00000000 00000000 00000000"

TEST(ixfr_is_handed_over_with_the_clients_serial_and_what_it_takes)
{
	struct server *server = small_server();
	allow(server, ACCESS_TRANSFER);
	const enum answer_transport transports[] = {ANSWER_TCP, ANSWER_UDP};
	for (size_t i = 0; i < 2; i++) {
		/* RDLENGTH: two names of 4 octets and 20. */
		assert_int_equal(ask_hex(server,
		                         EXAMPLE_IXFR "c00c 0006 0001 00000000 001c 016d c00c 0172 c00c "
		                                      "00000007 00000000 00000000 00000000 00000000",
		                         transports[i]),
		                 ANSWER_TRANSFER_OUT);
		assert_true(server->result.has_serial);
		assert_int_equal(server->result.serial, 7);
		assert_int_equal(server->result.limit,
		                 transports[i] == ANSWER_UDP ? DNS_UDP_SIZE_PLAIN : DNS_MESSAGE_MAX);
	}
	const struct answer_counters *counters = answer_counters(server->context);
	assert_int_equal(atomic_load(&counters->transfers), 2);
	assert_int_equal(atomic_load(&counters->queries_udp), 1); /* its answer is one message like any other */
	assert_int_equal(atomic_load(&counters->rcodes[DNS_RCODE_NOERROR]), 1);
}

TEST(ixfr_without_a_readable_soa_is_formerr)
{
	struct server *server = small_server();
	allow(server, ACCESS_TRANSFER);
	expect_answer(server, "example. IXFR +tcp", "FORMERR");
	ask_hex(server, EXAMPLE_IXFR SOA_SERIAL_7, ANSWER_TCP); /* RDLENGTH is two octets short */
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
}

/* ---- NOTIFY (RFC 1996) ---- */

TEST(notify_is_answered_with_qr_aa_and_its_question_alone)
{
	struct server *server = small_server();
	allow(server, ACCESS_NOTIFY);
	assert_int_equal(ask(server, "example. SOA +notify"), ANSWER_NOTIFY);
	assert_string_equal(response_text(server), "NOERROR aa");
	assert_int_equal(dns_flags_opcode(server->message.header.flags), DNS_OPCODE_NOTIFY);
	assert_true(server->message.has_question);
	assert_int_equal(server->message.qtype, DNS_TYPE_SOA);
	assert_ptr_equal(server->result.zone, server->zones[0]);
	assert_false(server->result.has_serial);
}

TEST(notify_with_soa_hands_on_the_serial)
{
	struct server *server = small_server();
	allow(server, ACCESS_NOTIFY);
	assert_int_equal(ask_hex(server,
	                         "1234 2400 0001 0001 0000 0000 076578616d706c65 00 0006 0001 "
	                         "c00c 0006 0001 00000000 001c 016d c00c 0172 c00c "
	                         "00000009 00000000 00000000 00000000 00000000",
	                         ANSWER_UDP),
	                 ANSWER_NOTIFY);
	assert_true(server->result.has_serial);
	assert_int_equal(server->result.serial, 9);
	assert_string_equal(response_text(server), "NOERROR aa");
	assert_int_equal(response_len(server), 12 + 9 + 4);
}

TEST(soa_of_another_name_says_nothing_about_the_zone)
{
	struct server *server = small_server();
	allow(server, ACCESS_NOTIFY);
	assert_int_equal(ask_hex(server,
	                         "1234 2400 0001 0001 0000 0000 076578616d706c65 00 0006 0001 "
	                         "0161 c00c 0006 0001 00000000 001c 016d c00c 0172 c00c "
	                         "00000009 00000000 00000000 00000000 00000000",
	                         ANSWER_UDP),
	                 ANSWER_NOTIFY);
	assert_false(server->result.has_serial);
}

/* A NOTIFY of as many octets as a message may have. */
TEST(notify_with_an_option_of_64_kb_is_read_and_answered)
{
	static const uint8_t head[] = {0x12, 0x34, 0x24, 0,   0,   1,   0, 0, 0, 0, 0, 1, 7, 'e',
	                               'x',  'a',  'm',  'p', 'l', 'e', 0, 0, 6, 0, 1, 0, 0, 41};
	static uint8_t bytes[65535];
	struct server *server = small_server();
	struct writer out = writer_of(bytes, sizeof bytes);
	size_t option_len = sizeof bytes - sizeof head - 12;
	allow(server, ACCESS_NOTIFY);
	write_bytes(&out, head, sizeof head);
	write_u16(&out, 1232);
	write_u32(&out, 0);
	write_u16(&out, (uint16_t)(option_len + 4));
	write_u16(&out, 65001);
	write_u16(&out, (uint16_t)option_len);
	memset(write_room(&out, option_len), 0xee, option_len);
	assert_int_equal(ask_bytes(server, bytes, sizeof bytes, ANSWER_TCP, 65535), ANSWER_NOTIFY);
	assert_string_equal(response_text(server), "NOERROR aa edns");
}

TEST(notify_is_taken_for_zones_that_have_no_version)
{
	struct server *server = server_new();
	allow(server, ACCESS_NOTIFY);
	serve_state(server, "example.", ZONE_STATE_EMPTY);
	assert_int_equal(ask(server, "example. SOA +notify"), ANSWER_NOTIFY);
	serve_state(server, "expired.", ZONE_STATE_EXPIRED);
	assert_int_equal(ask(server, "expired. SOA +notify"), ANSWER_NOTIFY);
}

TEST(notify_that_rules_deny_is_refused_as_prohibited_and_foreign_ones_notauth)
{
	struct server *server = small_server();
	expect_answer(server, "example. SOA +notify +edns", "REFUSED ede=18");
	expect_answer(server, "elsewhere. SOA +notify +edns", "NOTAUTH ede=20");
	expect_answer(server, "www SOA +notify +edns", "NOTAUTH ede=20");
	allow(server, ACCESS_NOTIFY);
	expect_answer(server, "example. SOA CH +notify", "NOTAUTH");
	expect_answer(server, "example. A +notify", "NOTIMP");
	ask_hex(server, "1234 2000 0000 0000 0000 0000", ANSWER_UDP);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
}

/* ---- TSIG (RFC 8945) ---- */

#define KEY_TSIG                                                                                                       \
	"016b 00 00fa 00ff 00000000 0024 0b 686d61632d736861323536 00 0000aabbccdd 012c 0004 deadbeef 1234 0000 0000 "

TEST(signed_message_is_notauth_badkey_while_no_key_is_known)
{
	struct server *server = small_server();
	ask_hex(server,
	        "1234 0000 0001 0000 0000 0001 " WWW_A "016b 00 00fa 00ff 00000000 0021 0b 686d61632d736861323536 00 "
	        "0000aabbccdd 012c 0004 deadbeef 1234 0000 0000",
	        ANSWER_UDP);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOTAUTH);
	assert_int_equal(server->message.header.answer_count, 0);
	assert_true(server->message.has_tsig);
	struct reader reader = dns_message_reader(&server->message, server->message.tsig_offset);
	struct dns_rr rr;
	dns_rr_read(&reader, &rr);
	assert_true(dns_name_equal(rr.owner.wire, (const uint8_t *)"\1k"));
	assert_int_equal(rr.class, DNS_CLASS_ANY);
	struct reader rdata = reader_of(rr.rdata, rr.rdata_len);
	assert_true(dns_name_equal(dns_name_read_plain(&rdata), (const uint8_t *)"\13hmac-sha256"));
	assert_memory_equal(read_bytes(&rdata, 6), "\x00\x00\xaa\xbb\xcc\xdd", 6);
	assert_int_equal(read_u16(&rdata), 300);
	assert_int_equal(read_u16(&rdata), 0); /* no MAC */
	assert_int_equal(read_u16(&rdata), 0x1234);
	assert_int_equal(read_u16(&rdata), DNS_RCODE_BADKEY);
	assert_int_equal(read_u16(&rdata), 0);
	assert_int_equal(reader_left(&rdata), 0);
}

TEST(tsig_of_another_class_or_with_broken_rdata_is_formerr)
{
	struct server *server = small_server();
	/* RDATA that is whole, but for the class or TTL; then RDATA with an octet too many and one too few. */
	static const char *const frames[] = {"0001 00000000 0021", "00ff 00000001 0021", "00ff 00000000 0022",
	                                     "00ff 00000000 0020"};
	for (size_t i = 0; i < ARRAY_LENGTH(frames); i++) {
		char hex[512];
		snprintf(hex, sizeof hex,
		         "1234 0000 0001 0000 0000 0001 " WWW_A "016b 00 00fa %s 0b 686d61632d736861323536 00 "
		         "0000aabbccdd 012c 0004 deadbeef 1234 0000 0000 %s",
		         frames[i], i == 2 ? "00" : "");
		if (i == 3) {
			hex[strlen(hex) - 3] = '\0';
		}
		ask_hex(server, hex, ANSWER_UDP);
		assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
	}
	ask_hex(server,
	        "1234 0000 0001 0000 0000 0001 " WWW_A "016b 00 00fa 0001 00000000 0011 0161 00 000000000000 012c 0000 "
	        "1234 0000 0000",
	        ANSWER_UDP);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
	ask_hex(server, "1234 0000 0001 0000 0000 0001 " WWW_A KEY_TSIG, ANSWER_UDP); /* RDLENGTH too long */
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_FORMERR);
}

/* ---- counters ---- */

TEST(every_answer_is_counted_once)
{
	struct server *server = server_of("www A 192.0.2.1\nsub NS ns.other.\n");
	const struct answer_counters *counters = answer_counters(server->context);
	ask(server, "www A");
	ask(server, "nowhere A +tcp");
	ask(server, "x.sub A");
	ask_hex(server, "1234 0000 0000 0000 0000 0000", ANSWER_UDP);
	assert_int_equal(atomic_load(&counters->messages), 4);
	assert_int_equal(atomic_load(&counters->queries_udp), 3);
	assert_int_equal(atomic_load(&counters->queries_tcp), 1);
	assert_int_equal(atomic_load(&counters->referrals), 1);
	assert_int_equal(atomic_load(&counters->rcodes[DNS_RCODE_NOERROR]), 2);
	assert_int_equal(atomic_load(&counters->rcodes[DNS_RCODE_NXDOMAIN]), 1);
	assert_int_equal(atomic_load(&counters->rcodes[DNS_RCODE_FORMERR]), 1);
}
