/* SPDX-License-Identifier: MIT */
/* What fits and what does not: limits to the octet, truncation, 64 KiB. */
#include "serve.h"

#include <stdio.h>

#include "base/text.h"

/* A TXT RRset at "t" whose answer takes exactly `len` octets, without EDNS: header 12, question 2 + 8 + 1 + 4, and an RR
 * of 2 + 10 + strings. */
static struct server *server_with_answer_of(size_t len)
{
	struct text zone;
	text_init(&zone, 1 << 18);
	text_add_string(&zone, "t TXT");
	size_t left = len - (12 + 15 + 12);
	while (left > 0) {
		size_t string = left > 256 ? 255 : left - 1;
		/* Never leave 0 octets for a last length. */
		text_add_string(&zone, " \"");
		for (size_t i = 0; i < string; i++) {
			text_add_char(&zone, 'x');
		}
		text_add_string(&zone, "\"");
		left -= string + 1;
	}
	text_add_string(&zone, "\n");
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	return server;
}

TEST(without_edns_512_octets_fit_and_513_truncate)
{
	struct server *server = server_with_answer_of(512);
	expect_answer(server, "t TXT", "NOERROR aa answer: t TXT");
	assert_int_equal(response_len(server), 512);
	server = server_with_answer_of(513);
	expect_answer(server, "t TXT", "NOERROR aa tc");
	assert_int_equal(response_len(server), 27);
	expect_answer(server, "t TXT +tcp", "NOERROR aa answer: t TXT");
	assert_int_equal(response_len(server), 513);
}

/* One payload is configured, whatever the family of addresses that a client comes by. */
TEST(limits_are_the_same_for_clients_over_ipv6)
{
	struct server *server = server_with_answer_of(512);
	server->client = (struct address){.family = ADDRESS_V6, .port = 4242, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
	expect_answer(server, "t TXT", "NOERROR aa answer: t TXT");
	server = server_with_answer_of(513);
	server->client = (struct address){.family = ADDRESS_V6, .port = 4242, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
	expect_answer(server, "t TXT", "NOERROR aa tc");
	server->config.udp_payload = 513 + 11;
	expect_answer(server, "t TXT +size=4096", "NOERROR aa answer: t TXT");
	server->config.udp_payload = 513 + 10;
	expect_answer(server, "t TXT +size=4096", "NOERROR aa tc");
}

TEST(opt_counts_towards_the_payload_size)
{
	struct server *server = server_with_answer_of(1232 - 11);
	expect_answer(server, "t TXT +size=1232", "NOERROR aa answer: t TXT");
	assert_int_equal(response_len(server), 1232);
	expect_answer(server, "t TXT +size=1231", "NOERROR aa tc");
	assert_int_equal(response_len(server), 27 + 11);
}

TEST(configured_payload_caps_what_the_client_takes)
{
	struct server *server = server_with_answer_of(1232 - 11);
	server->config.udp_payload = 1231;
	expect_answer(server, "t TXT +size=4096", "NOERROR aa tc");
	server->config.udp_payload = 1232;
	expect_answer(server, "t TXT +size=4096", "NOERROR aa answer: t TXT");
	server->config.udp_payload = 4096;
	expect_answer(server, "t TXT +size=1000", "NOERROR aa tc");
}

TEST(payload_size_below_512_means_512)
{
	struct server *server = server_with_answer_of(512 - 11);
	expect_answer(server, "t TXT +size=0", "NOERROR aa answer: t TXT");
	expect_answer(server, "t TXT +size=511", "NOERROR aa answer: t TXT");
	assert_int_equal(response_len(server), 512);
}

TEST(truncated_answers_keep_opt_with_nsid)
{
	struct server *server = server_with_answer_of(2000);
	server->config.nsid = (const uint8_t *)"ns-7";
	server->config.nsid_len = 4;
	expect_answer(server, "t TXT +nsid +do", "NOERROR aa tc");
	assert_int_equal(server->message.edns.nsid_len, 4);
}

TEST(signatures_that_do_not_fit_truncate_though_the_data_would)
{
	struct server *server = server_of_signed("t TXT \"x\"\n", SIGNED_NSEC);
	ask(server, "t TXT +do");
	size_t whole = response_len(server);
	char zone[700];
	memset(zone, 'x', sizeof zone);
	memcpy(zone, "t TXT ", 6);
	for (size_t i = 0; i < 3; i++) {
		zone[6 + i * 200] = '"';
		zone[6 + i * 200 + 198] = '"';
		zone[6 + i * 200 + 199] = ' ';
	}
	zone[606] = '\n';
	zone[607] = '\0';
	server = server_of_signed(zone, SIGNED_NSEC);
	ask(server, "t TXT +do");
	whole = response_len(server);
	char question[64];
	snprintf(question, sizeof question, "t TXT +do +size=%zu", whole);
	expect_answer(server, question, "NOERROR aa answer: t TXT; t RRSIG(TXT)");
	snprintf(question, sizeof question, "t TXT +do +size=%zu", whole - 1);
	expect_answer(server, question, "NOERROR aa tc");
}

TEST(proof_that_does_not_fit_truncates)
{
	struct server *server = server_of_signed("a A 192.0.2.1\nb A 192.0.2.1\n", SIGNED_NSEC3);
	ask(server, "nowhere A +do");
	char question[64];
	size_t whole = response_len(server);
	assert_true(whole > 512);
	snprintf(question, sizeof question, "nowhere A +do +size=%zu", whole);
	ask(server, question);
	assert_int_equal(response_len(server), whole);
	snprintf(question, sizeof question, "nowhere A +do +size=%zu", whole - 1);
	expect_answer(server, question, "NXDOMAIN aa tc");
}

TEST(authority_ns_is_not_added_where_it_would_truncate)
{
	struct server *server = server_with_answer_of(512);
	server->rules.minimal_responses = false;
	expect_answer(server, "t TXT", "NOERROR aa answer: t TXT");
	expect_answer(server, "t TXT +tcp", "NOERROR aa answer: t TXT authority: NS additional: ns1 A");
	server = server_with_answer_of(512 - 17); /* NS: pointer, 10, label of 4, pointer; then not the address */
	server->rules.minimal_responses = false;
	ask(server, "t TXT");
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
}

TEST(optional_addresses_drop_one_by_one_to_the_octet)
{
	struct text zone;
	text_init(&zone, 1 << 16);
	for (int i = 0; i < 20; i++) {
		text_format(&zone, "m MX 1 exchange-%02d\n", i);
	}
	text_add_string(&zone, "exchange-00 A 192.0.2.1\nexchange-07 A 192.0.2.2\nexchange-07 A 192.0.2.3\n"
	                       "@ NS ns.elsewhere.\n@ SOA a b 1 2 3 4 5\n");
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	server->rules.minimal_responses = false;
	ask(server, "m MX +edns");
	size_t whole = response_len(server);
	assert_int_equal(server->message.header.additional_count, 3 + 1);
	assert_true(whole > 512 + 80);
	for (size_t size = whole; size > whole - 70; size--) {
		char question[64];
		snprintf(question, sizeof question, "m MX +size=%zu", size);
		ask(server, question);
		size_t missing = whole - size;
		/* The pair at exchange-07 takes 32 octets and goes first, then the single address with 16, then the NS set. */
		unsigned expected = missing == 0 ? 3 : missing <= 16 ? 2 : missing <= 32 ? 1 : missing <= 48 ? 0 : 99;
		assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
		assert_int_equal(server->message.header.answer_count, 20);
		if (missing == 0 || (missing > 32 && missing <= 48)) {
			assert_int_equal(server->message.header.additional_count, expected + 1);
		}
	}
}

#define DS_384                                                                                                         \
	" DS 1 13 4 00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF0011223344556677889900112233445"

/* What a response over UDP of at most `size` octets holds. */
struct held {
	bool truncated;
	unsigned answer;
	unsigned authority;
	unsigned additional; /* without OPT */
};

static struct held held_within(struct server *server, const char *question, size_t size)
{
	char text[128];
	snprintf(text, sizeof text, "%s +do +size=%zu", question, size);
	ask(server, text);
	assert_true(response_len(server) <= size);
	const struct dns_header *header = &server->message.header;
	return (struct held){
	        .truncated = (header->flags & DNS_FLAG_TC) != 0,
	        .answer = header->answer_count,
	        .authority = header->authority_count,
	        .additional = header->additional_count - 1u,
	};
}

/* A referral with DS, its signature, in-domain and sibling glue of 16 octets each: for every size, what is left. */
TEST(required_glue_sets_tc_and_sibling_glue_goes_silently_to_the_octet_with_do)
{
	struct server *server = server_of_signed("sub NS ns.sub\nsub NS ns.other\nns.sub A 192.0.2.1\n"
	                                         "other NS ns.other\nns.other A 192.0.2.2\n"
	                                         "sub" DS_384 "1\nsub" DS_384 "2\nsub" DS_384 "3\nsub" DS_384
	                                         "4\nsub" DS_384 "5\nsub" DS_384 "6\nsub" DS_384 "7\n",
	                                         SIGNED_NSEC);
	struct held all = held_within(server, "x.sub A", 1232);
	size_t whole = response_len(server);
	assert_true(whole > 512 + 40);
	assert_int_equal(all.authority, 2 + 7 + 1);
	for (size_t size = whole; size >= 512; size--) {
		struct held held = held_within(server, "x.sub A", size);
		size_t missing = whole - size;
		assert_int_equal(held.truncated, missing > 16);
		assert_int_equal(held.additional, missing == 0 ? 2 : missing <= 16 ? 1 : 0);
		assert_int_equal(held.authority, missing <= 32 ? all.authority : 0);
	}
}

/* Addresses of an MX whose signatures come along: both or neither, and never TC. */
TEST(optional_addresses_drop_with_their_signatures_and_without_tc_to_the_octet_with_do)
{
	struct server *server =
	        server_of_signed("m MX 1 mx\nm MX 2 mx2\nmx A 192.0.2.1\nmx2 A 192.0.2.1\nmx2 A 192.0.2.2\n"
	                         "m TXT \"x\"\n@ NS ns.elsewhere.\n@ SOA a b 1 2 3 4 5\n",
	                         SIGNED_NSEC);
	server->rules.minimal_responses = false;
	struct held all = held_within(server, "m MX", 1232);
	size_t whole = response_len(server);
	/* An RRSIG is an owner of 2, 10, and 18 + 9 + 64 octets: the second exchange takes 135 octets, the first 119. */
	const size_t second = 2 * 16 + 103;
	const size_t first = 16 + 103;
	const size_t servers = 12 + 14 + 103; /* ns.elsewhere */
	assert_int_equal(all.additional, 2 + 3);
	assert_int_equal(all.authority, 2);
	assert_true(whole - second - first - servers < 512);
	for (size_t size = whole; size >= 512; size--) {
		struct held held = held_within(server, "m MX", size);
		size_t missing = whole - size;
		assert_false(held.truncated);
		assert_int_equal(held.answer, 3);
		/* Where the second does not fit the first may. */
		unsigned expected = missing == 0 ? 5 : missing <= second ? 2 : missing <= second + first ? 0 : 99;
		if (missing <= second + first) {
			assert_int_equal(held.additional, expected);
			assert_int_equal(held.authority, 2);
		}
	}
}

/* 12 + 15 + 11 octets, then 2 + 10 + 2 + 5 + 2 for each exchange, whatever stands before it. */
TEST(compression_ratio_is_kept_to_the_end_of_a_big_answer)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	for (int i = 0; i < 3000; i++) {
		text_format(&zone, "m MX 1 %04d.mail.department.organisation\n", i);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "m MX +tcp +edns");
	assert_int_equal(server->message.header.answer_count, 3000);
	/* The first exchange has the names of its department and organisation in full. */
	assert_int_equal(response_len(server), 12 + 15 + 11 + 3000 * 21 + 5 + 11 + 13);
}

static struct server *server_with_addresses(size_t count)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		text_format(&zone, "big A 10.%zu.%zu.%zu\n", i >> 16, i >> 8 & 255, i & 255);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	return server;
}

/* 12 + 17 + 4093 * 16 = 65517, and one more is 65533; then 65549. */
TEST(rrset_that_fits_64_kib_over_tcp_is_given_whole_and_one_more_rr_is_servfail)
{
	struct server *server = server_with_addresses(4091);
	ask(server, "big A +tcp");
	assert_int_equal(server->message.header.answer_count, 4091);
	assert_int_equal(server->result.oversized_type, 0);
	/* Each RR is a pointer, 10 octets and the address: the ratio of compression is kept to the last. */
	assert_int_equal(response_len(server), 12 + 17 + 4091 * 16);
	expect_answer(server, "big A +edns", "NOERROR aa tc");

	server = server_with_addresses(4094);
	ask(server, "big A +tcp");
	assert_int_equal(server->message.header.answer_count, 4094);
	server = server_with_addresses(4095);
	expect_answer(server, "big A +tcp", "SERVFAIL");
	assert_int_equal(server->result.oversized_type, DNS_TYPE_A);
	assert_true(dns_name_equal(server->result.oversized_owner.wire, name_of("big").wire));
	assert_ptr_equal(server->result.zone, server->zones[0]);
	assert_ptr_equal(server->result.snapshot, zone_served(server->zones[0]));
	expect_answer(server, "big A", "NOERROR aa tc");
	/* Alive. */
	expect_answer(server, "ns1 A +tcp", "NOERROR aa answer: ns1 A");
}

TEST(any_over_tcp_leaves_out_what_does_not_fit)
{
	struct text zone;
	text_init(&zone, 1 << 22);
	for (int type = 1000; type < 1040; type++) {
		text_format(&zone, "many TYPE%d \\# 4000 %08000d\n", type, type);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "many ANY +tcp");
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
	assert_int_equal(server->message.header.answer_count, 16);
}

TEST(any_at_a_name_with_more_types_than_a_plan_holds)
{
	struct text zone;
	text_init(&zone, 1 << 22);
	for (int type = 1000; type < 6000; type++) {
		text_format(&zone, "many TYPE%d \\# 0\n", type);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "many ANY +tcp");
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
	assert_true(server->message.header.answer_count > 2000);
	server->rules.minimal_any = false;
	expect_answer(server, "many ANY", "NOERROR aa tc");
}

TEST(largest_request_is_answered)
{
	static uint8_t bytes[DNS_MESSAGE_MAX];
	enum answer_transport transport;
	struct server *server = server_of("www A 192.0.2.1\n");
	size_t len = question_bytes("www A +tcp +edns", bytes, sizeof bytes, &transport);
	/* An option of unknown code fills the message. */
	size_t option = DNS_MESSAGE_MAX - len - 4;
	store_u16(bytes + len - 2, (uint16_t)(option + 4));
	store_u16(bytes + len, 65001);
	store_u16(bytes + len + 2, (uint16_t)option);
	ask_bytes(server, bytes, sizeof bytes, ANSWER_TCP, DNS_MESSAGE_MAX);
	assert_string_equal(response_text(server), "NOERROR aa edns\n     answer: www 3600 A 192.0.2.1");
}

TEST(longest_name_leaves_room_for_every_option_in_512_octets)
{
	static uint8_t nsid[ANSWER_NSID_MAX];
	struct server *server = server_new();
	server->config.nsid = nsid;
	server->config.nsid_len = sizeof nsid;
	char question[512];
	static const char label[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-012345678"; /* 63 */
	snprintf(question, sizeof question, "%s.%s.%s.%.61s. SOA +nsid +expire +digest=01 +size=512", label, label,
	         label, label);
	ask(server, question);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_REFUSED);
	assert_int_equal(server->message.edns.nsid_len, ANSWER_NSID_MAX);
	assert_int_equal(server->message.qname.len, 255);
}
