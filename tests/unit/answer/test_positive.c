/* SPDX-License-Identifier: MIT */
/* Data, CNAME and DNAME chains, wildcards, empty non-terminals, negative answers: RFC 1034 4.3.2 without DNSSEC. */
#include "serve.h"

#include <stdio.h>

#include "base/random.h"
#include "base/text.h"

/* ---- the plain cases ---- */

TEST(data_is_answered_with_authority)
{
	struct server *server = server_of("www A 192.0.2.1\nwww A 192.0.2.2\nwww AAAA 2001:db8::1\n");
	expect_answer(server, "www A", "NOERROR aa answer: www 3600 A 192.0.2.1; www A 192.0.2.2");
	expect_answer(server, "www AAAA", "NOERROR aa answer: www AAAA 2001:db8::1");
	expect_answer(server, "example. SOA", "NOERROR aa answer: example. 3600 SOA");
}

TEST(rd_is_copied_and_other_flags_are_cleared)
{
	struct server *server = server_of("www A 192.0.2.1\n");
	expect_answer(server, "www A +rd +cd +ad", "NOERROR aa rd answer: www A");
	uint8_t bytes[512];
	enum answer_transport transport;
	size_t len = question_bytes("www A", bytes, sizeof bytes, &transport);
	bytes[2] |= 0x06; /* AA, TC */
	bytes[3] |= 0xff; /* RA, Z, AD, CD, RCODE 15 */
	ask_bytes(server, bytes, len, transport, 1232);
	assert_string_equal(response_text(server), "NOERROR aa\n     answer: www 3600 A 192.0.2.1");
}

TEST(soa_of_negative_answers_has_the_smaller_of_ttl_and_minimum)
{
	struct server *server = server_new();
	serve(server, "example.", "www A 192.0.2.1\n", UNSIGNED);
	serve(server, "low.", "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 300\n@ NS ns\n", UNSIGNED);
	expect_answer(server, "www TXT", "NOERROR aa authority: example. 300 SOA");
	expect_answer(server, "nowhere TXT", "NXDOMAIN aa authority: example. 300 SOA");
	expect_answer(server, "nowhere.low. TXT", "NXDOMAIN aa authority: low. 60 SOA");
	expect_answer(server, "example. SOA", "NOERROR aa answer: example. 3600 SOA");
}

TEST(owner_case_follows_the_zone)
{
	struct server *server = server_of("WwW A 192.0.2.1\n*.Wild A 192.0.2.2\nsUb NS ns.SUB\nns.sUB A 192.0.2.3\n");
	expect_answer(server, "wWw A", "NOERROR aa answer: WwW A");
	/* A synthesised owner is the name that was asked for (RFC 4592 3.3.1). */
	expect_answer(server, "FOO.wild A", "NOERROR aa answer: FOO.wild A");
	expect_answer(server, "x.SUB A", "NOERROR authority: sUb NS additional: ns.sUB A");
}

TEST(nul_octets_in_labels_do_not_cut_names)
{
	struct server *server = server_of("www A 192.0.2.1\nwww\\000x A 192.0.2.2\n\\000 A 192.0.2.3\n");
	expect_answer(server, "www\\000x A", "NOERROR aa answer: www\\000x A 192.0.2.2");
	expect_answer(server, "\\000 A", "NOERROR aa answer: \\000 A 192.0.2.3");
	expect_answer(server, "www\\000 A", "NXDOMAIN aa authority: SOA");
}

TEST(rr_types_without_a_row_are_answered)
{
	struct server *server = server_of("www TYPE65400 \\# 3 010203\nwww TYPE731 \\# 0\n");
	expect_answer(server, "www TYPE65400", "NOERROR aa answer: www TYPE65400 \\# 3 010203");
	expect_answer(server, "www TYPE731", "NOERROR aa answer: www TYPE731 \\# 0");
	expect_answer(server, "www TYPE732", "NOERROR aa authority: SOA");
}

TEST(forward_and_reverse_zones_alike)
{
	struct server *server = server_new();
	serve(server, "2.0.192.in-addr.arpa.", "1 PTR www.example.\n", UNSIGNED);
	serve(server, "8.b.d.0.1.0.0.2.ip6.arpa.", "1.0.0.0 PTR www.example.\n", UNSIGNED);
	expect_answer(server, "1.2.0.192.in-addr.arpa. PTR", "NOERROR aa answer: 1.2.0.192.in-addr.arpa. PTR www");
	expect_answer(server, "0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR", "NOERROR aa authority: SOA");
}

/* ---- wildcards (RFC 4592) ---- */

static struct server *rfc4592_server(void)
{
	return server_of("* TXT \"this is a wildcard\"\n* MX 10 host1\n"
	                 "sub.* TXT \"this is not a wildcard\"\nhost1 A 192.0.2.1\n"
	                 "_ssh._tcp.host1 SRV 0 0 22 host1\n_ssh._tcp.host2 SRV 0 0 22 host2\n"
	                 "subdel NS ns.example.com.\nsubdel NS ns.example.net.\n");
}

/* RFC 4592 2.2.1 */
TEST(wildcard_examples_of_rfc4592)
{
	struct server *server = rfc4592_server();
	expect_answer(server, "host3 MX", "NOERROR aa answer: host3 MX 10 host1");
	expect_answer(server, "host3 A", "NOERROR aa authority: SOA");
	expect_answer(server, "foo.bar TXT", "NOERROR aa answer: foo.bar TXT \"this is a wildcard\"");
	expect_answer(server, "host1 MX", "NOERROR aa authority: SOA");
	expect_answer(server, "sub.* MX", "NOERROR aa authority: SOA");
	expect_answer(server, "_telnet._tcp.host1 SRV", "NXDOMAIN aa authority: SOA");
	expect_answer(server, "host.subdel A", "NOERROR authority: subdel NS; subdel NS");
	expect_answer(server, "ghost.* MX", "NXDOMAIN aa authority: SOA");
}

TEST(name_below_an_asterisk_exists_and_is_not_synthesised)
{
	struct server *server = rfc4592_server();
	expect_answer(server, "sub.* TXT", "NOERROR aa answer: sub.* TXT \"this is not a wildcard\"");
	expect_answer(server, "ghost.* TXT", "NXDOMAIN aa authority: SOA");
	expect_answer(server, "* TXT", "NOERROR aa answer: * TXT \"this is a wildcard\"");
}

TEST(names_under_an_existing_host_do_not_match_the_zone_wildcard)
{
	struct server *server = rfc4592_server();
	expect_answer(server, "x.host1 TXT", "NXDOMAIN aa authority: SOA");
	expect_answer(server, "x._tcp.host2 TXT", "NXDOMAIN aa authority: SOA");
	expect_answer(server, "host2 TXT", "NOERROR aa authority: SOA"); /* an empty non-terminal */
}

/* RFC 4592 3.3.1 */
TEST(existing_name_stops_wildcard)
{
	struct server *server = server_of("*.sub TXT \"wild\"\na.sub A 192.0.2.1\n");
	expect_answer(server, "z.sub TXT", "NOERROR aa answer: z.sub TXT \"wild\"");
	expect_answer(server, "y.z.sub TXT", "NOERROR aa answer: y.z.sub TXT \"wild\"");
	expect_answer(server, "b.a.sub TXT", "NXDOMAIN aa authority: SOA");
}

/* What RFC 4592 3.3.1 says of a name, from the list of owners alone: the closest encloser is the longest ancestor that is
 * an owner or has one below it; the name is synthesised exactly if the encloser has a wildcard. */
static const char *expected_of(const struct records *records, const uint8_t *name)
{
	size_t longest = 0;
	bool wildcard_there = false;
	for (size_t i = 0; i < records->count; i++) {
		size_t common = dns_name_common_labels(records->items[i].owner.wire, name);
		longest = common > longest ? common : longest;
	}
	if (longest == dns_name_labels(name)) {
		return NULL; /* exists */
	}
	struct dns_name wildcard;
	assert_true(dns_name_wildcard_of(dns_name_strip(name, dns_name_labels(name) - longest), &wildcard));
	for (size_t i = 0; i < records->count; i++) {
		wildcard_there = wildcard_there || dns_name_is_within(records->items[i].owner.wire, wildcard.wire);
	}
	return wildcard_there ? "NOERROR" : "NXDOMAIN";
}

static void expect_by_encloser(struct server *server, const struct records *records, const struct dns_name *name)
{
	char text[DNS_NAME_TEXT_MAX];
	char question[DNS_NAME_TEXT_MAX + 8];
	char rcode[DNS_MNEMONIC_MAX];
	const char *expected = expected_of(records, name->wire);
	snprintf(question, sizeof question, "%s TXT", dns_name_to_text(name->wire, text));
	ask(server, question);
	dns_rcode_to_text(dns_message_rcode(&server->message), rcode);
	if (expected == NULL) {
		assert_string_equal(rcode, "NOERROR");
		return;
	}
	if (strcmp(rcode, expected) != 0) {
		fail_msg("%s: expected %s, answered %s", question, expected, response_text(server));
	}
}

static const char two_wildcards[] = "* TXT \"one\"\n*.*.* TXT \"three\"\nhost A 192.0.2.1\na.b.c TXT \"deep\"\n";

TEST(every_octet_in_a_label_is_synthesised_by_the_closest_encloser)
{
	static const char *const suffixes[] = {"", "*", "a.*", "*.*", "host", "c", "b.c", "*.c", "x.y"};
	struct records records = {0};
	struct server *server = server_of(two_wildcards);
	records_read(&records, "example.", two_wildcards);
	for (size_t s = 0; s < ARRAY_LENGTH(suffixes); s++) {
		struct dns_name suffix = name_of(suffixes[s][0] == '\0' ? "example." : suffixes[s]);
		for (unsigned octet = 0; octet < 256; octet++) {
			const uint8_t one[] = {1, (uint8_t)octet, 0};
			const uint8_t two[] = {2, (uint8_t)octet, '*', 0};
			struct dns_name name;
			assert_true(dns_name_join(one, suffix.wire, &name));
			expect_by_encloser(server, &records, &name);
			assert_true(dns_name_join(two, suffix.wire, &name));
			expect_by_encloser(server, &records, &name);
		}
	}
	records_free(&records);
}

TEST(random_names_are_synthesised_by_the_closest_encloser)
{
	static const uint8_t octets[] = {'*', 'a', 'b', 'c', 0, 255, '.', 'A'};
	struct random_seeded random;
	struct records records = {0};
	struct server *server = server_of(two_wildcards);
	random_seeded_init(&random, unit_seed());
	records_read(&records, "example.", two_wildcards);
	for (unsigned i = 0; i < 5000; i++) {
		struct dns_name name = name_of("example.");
		uint64_t labels = 1 + random_below(&random.source, 5);
		for (uint64_t k = 0; k < labels; k++) {
			uint8_t label[] = {1, octets[random_below(&random.source, sizeof octets)], 0};
			struct dns_name longer;
			assert_true(dns_name_join(label, name.wire, &longer));
			name = longer;
		}
		expect_by_encloser(server, &records, &name);
	}
	records_free(&records);
}

TEST(empty_non_terminal_is_no_data)
{
	struct server *server = server_of("a.b.c A 192.0.2.1\n");
	expect_answer(server, "b.c A", "NOERROR aa authority: SOA");
	expect_answer(server, "c ANY", "NOERROR aa authority: SOA");
	expect_answer(server, "x.c A", "NXDOMAIN aa authority: SOA");
}

TEST(empty_non_terminal_called_asterisk_holds_no_data_for_anybody)
{
	struct server *server = server_of("x.*.sub A 192.0.2.1\n");
	expect_answer(server, "*.sub A", "NOERROR aa authority: SOA");
	/* The source of synthesis exists and is empty (RFC 4592 4.9). */
	expect_answer(server, "foo.sub A", "NOERROR aa authority: SOA");
	expect_answer(server, "foo.*.sub A", "NXDOMAIN aa authority: SOA");
}

TEST(more_specific_subtree_hides_a_wildcard_higher_up)
{
	struct server *server = server_of("* A 192.0.2.1\nb.sub TXT \"x\"\n");
	expect_answer(server, "x.y A", "NOERROR aa answer: x.y A");
	expect_answer(server, "x.sub A", "NXDOMAIN aa authority: SOA");
}

TEST(delegation_beats_wildcard)
{
	struct server *server = server_of("* A 192.0.2.1\n*.sub A 192.0.2.2\nsub NS ns.other.\n");
	expect_answer(server, "x.sub A", "NOERROR authority: sub NS ns.other.");
	expect_answer(server, "sub A", "NOERROR authority: sub NS ns.other.");
	expect_answer(server, "*.sub A", "NOERROR authority: sub NS ns.other.");
}

TEST(chain_of_five_wildcard_cnames_rewrites_each_owner)
{
	struct server *server = server_of("*.a CNAME x.b\n*.b CNAME x.c\n*.c CNAME x.d\n*.d CNAME x.e\n"
	                                  "*.e CNAME x.f\n*.f A 192.0.2.1\n");
	expect_answer(server, "q.a A",
	              "NOERROR aa answer: q.a CNAME x.b; x.b CNAME x.c; x.c CNAME x.d; x.d CNAME x.e;"
	              " x.e CNAME x.f; x.f A 192.0.2.1");
}

TEST(chain_of_wildcard_cnames_crosses_two_hosted_zones)
{
	struct server *server = server_new();
	serve(server, "example.", "*.a CNAME x.b.other.\n*.c CNAME x.d.other.\n", UNSIGNED);
	serve(server, "other.", "*.b CNAME x.c.example.\n*.d A 192.0.2.1\n", UNSIGNED);
	expect_answer(server, "q.a A",
	              "NOERROR aa answer: q.a CNAME x.b.other.; x.b.other. CNAME x.c; x.c CNAME x.d.other.;"
	              " x.d.other. A 192.0.2.1");
}

/* ---- CNAME ---- */

TEST(cname_to_nowhere_is_nxdomain_with_the_soa_of_the_target_zone)
{
	struct server *server = server_new();
	serve(server, "example.", "a CNAME b\nc CNAME x.other.\n", UNSIGNED);
	serve(server, "other.", "", UNSIGNED);
	expect_answer(server, "a A", "NXDOMAIN aa answer: a CNAME b authority: example. SOA");
	expect_answer(server, "c A", "NXDOMAIN aa answer: c CNAME x.other. authority: other. SOA");
}

TEST(cname_to_another_type_adds_the_soa)
{
	struct server *server = server_of("a CNAME b\nb TXT \"x\"\n");
	expect_answer(server, "a A", "NOERROR aa answer: a CNAME b authority: example. 300 SOA");
	expect_answer(server, "a TXT", "NOERROR aa answer: a CNAME b; b TXT \"x\"");
}

TEST(qtype_cname_and_any_are_not_followed)
{
	struct server *server = server_of("a CNAME b\nb A 192.0.2.1\n*.w CNAME b\n");
	expect_answer(server, "a CNAME", "NOERROR aa answer: a CNAME b");
	expect_answer(server, "a ANY", "NOERROR aa answer: a CNAME b");
	expect_answer(server, "a ANY +tcp", "NOERROR aa answer: a CNAME b");
	expect_answer(server, "x.w CNAME", "NOERROR aa answer: x.w CNAME b");
}

/* No validator believes a denial whose types have the CNAME (RFC 6840 4.3). */
TEST(types_that_may_stand_beside_a_cname_but_do_not_are_looked_for_at_its_target)
{
	const char *zone = "here CNAME there\nthere A 192.0.2.1\nthere KEY 256 3 13 AAAA\n"
	                   "both CNAME there\nboth KEY 256 3 13 BBBB\n";
	struct server *server = server_of(zone);
	expect_answer(server, "here KEY", "NOERROR aa answer: here CNAME there; there KEY 256 3 13 AAAA");
	expect_answer(server, "both KEY", "NOERROR aa answer: both KEY 256 3 13 BBBB");
	expect_answer(server, "here NSEC", "NOERROR aa answer: here CNAME there authority: SOA");
	expect_answer(server, "here RRSIG", "NOERROR aa answer: here CNAME there authority: SOA");
	server = server_of_signed(zone, SIGNED_NSEC);
	expect_answer(server, "here NSEC", "NOERROR aa answer: here NSEC");
	expect_answer(server, "here NXT", "NOERROR aa answer: here CNAME there authority: SOA");
	server = server_of_signed(zone, SIGNED_NSEC3);
	expect_answer(server, "here NSEC", "NOERROR aa answer: here CNAME there authority: SOA");
}

TEST(cname_out_of_our_zones_ends_with_noerror)
{
	struct server *server = server_of("a CNAME www.elsewhere.\n");
	expect_answer(server, "a A", "NOERROR aa answer: a CNAME www.elsewhere.");
}

TEST(cname_into_a_zone_that_is_not_served_ends_with_noerror)
{
	struct server *server = server_of("a CNAME www.expired.\nb CNAME www.closed.\n");
	struct answer_rules closed = {.minimal_any = true};
	serve_state(server, "expired.", ZONE_STATE_EXPIRED);
	struct zone *zone = serve(server, "closed.", "www A 192.0.2.1\n", UNSIGNED);
	atomic_store(&zone->rules, &closed);
	expect_answer(server, "a A", "NOERROR aa answer: a CNAME www.expired.");
	expect_answer(server, "b A", "NOERROR aa answer: b CNAME www.closed.");
	expect_answer(server, "www.closed. A +edns", "REFUSED ede=18");
}

TEST(cname_to_a_delegation_gives_the_referral_once)
{
	struct server *server =
	        server_of("a CNAME b\nb CNAME www.sub\nsub NS ns.sub\nsub NS ns.other.\nns.sub A 192.0.2.7\n"
	                  "www.sub A 192.0.2.8\n");
	server->rules.minimal_responses = false;
	expect_answer(server, "a A",
	              "NOERROR aa answer: a CNAME b; b CNAME www.sub authority: sub NS ns.sub; sub NS ns.other."
	              " additional: ns.sub A");
}

TEST(cname_loop_ends_when_a_name_repeats)
{
	struct server *server = server_of("a CNAME b\nb CNAME c\nc CNAME a\nself CNAME self\n");
	expect_answer(server, "a A", "NOERROR aa answer: a CNAME b; b CNAME c; c CNAME a");
	expect_answer(server, "self A", "NOERROR aa answer: self CNAME self");
	expect_answer(server, "SELF A", "NOERROR aa answer: self CNAME self");
}

TEST(cname_chain_ends_after_16_links)
{
	struct text zone;
	text_init(&zone, 1 << 16);
	for (int i = 0; i < 40; i++) {
		text_format(&zone, "n%d CNAME n%d\n", i, i + 1);
	}
	text_add_string(&zone, "n40 A 192.0.2.1\n");
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "n24 A +tcp");
	assert_int_equal(server->message.header.answer_count, 17); /* 16 links and the address */
	ask(server, "n23 A +tcp");
	assert_int_equal(server->message.header.answer_count, 17); /* the 17th is told, not followed */
	ask(server, "n0 A +tcp");
	assert_int_equal(server->message.header.answer_count, 17);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
	assert_int_equal(server->message.header.authority_count, 0);
}

/* ---- DNAME (RFC 6672) ---- */

TEST(dname_synthesises_a_cname_with_its_own_ttl)
{
	struct server *server = server_of("d 777 DNAME t\nwww.t A 192.0.2.1\n");
	expect_answer(server, "www.d A", "NOERROR aa answer: d 777 DNAME t; www.d 777 CNAME www.t; www.t A 192.0.2.1");
	expect_answer(server, "x.d A", "NXDOMAIN aa answer: d DNAME t; x.d CNAME x.t authority: example. SOA");
}

TEST(qtype_cname_or_any_below_a_dname_is_the_synthesis)
{
	struct server *server = server_of("d DNAME t\nwww.t A 192.0.2.1\n");
	expect_answer(server, "www.d CNAME", "NOERROR aa answer: d DNAME t; www.d CNAME www.t");
	expect_answer(server, "www.d ANY", "NOERROR aa answer: d DNAME t; www.d CNAME www.t");
	expect_answer(server, "www.d ANY +tcp", "NOERROR aa answer: d DNAME t; www.d CNAME www.t");
}

/* What may stand beside a CNAME in a zone cannot stand beside one that was made: the chain goes on. */
TEST(synthesis_is_followed_for_types_that_stand_beside_a_cname)
{
	struct server *server = server_of("d DNAME t\nwww.t A 192.0.2.1\n");
	expect_answer(server, "www.d NSEC", "NOERROR aa answer: d DNAME t; www.d CNAME www.t authority: SOA");
	expect_answer(server, "x.d NSEC", "NXDOMAIN aa answer: d DNAME t; x.d CNAME x.t authority: SOA");
	expect_answer(server, "www.d RRSIG", "NOERROR aa answer: d DNAME t; www.d CNAME www.t authority: SOA");
}

TEST(dname_owner_itself_is_not_rewritten)
{
	struct server *server = server_of("d DNAME t\nd A 192.0.2.5\nt TXT \"x\"\n");
	expect_answer(server, "d A", "NOERROR aa answer: d A 192.0.2.5");
	expect_answer(server, "d DNAME", "NOERROR aa answer: d DNAME t");
	expect_answer(server, "d TXT", "NOERROR aa authority: SOA");
}

TEST(dname_at_the_apex_leads_to_another_hosted_zone)
{
	struct server *server = server_new();
	serve(server, "old.", "$TTL 60\n@ SOA ns hostmaster 1 2 3 4 5\n@ NS ns.example.\n@ DNAME example.\n", UNSIGNED);
	serve(server, "example.", "www A 192.0.2.1\n", UNSIGNED);
	expect_answer(server, "www.old. A",
	              "NOERROR aa answer: old. DNAME example.; www.old. CNAME www; www A 192.0.2.1");
	expect_answer(server, "old. NS", "NOERROR aa answer: old. NS");
}

TEST(dname_result_over_255_octets_is_yxdomain_with_the_dname)
{
	static const char label[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-01234567"; /* 62 */
	char zone[512];
	char question[512];
	snprintf(zone, sizeof zone, "d DNAME t.%s.%s\n", label, label);
	struct server *server = server_of(zone);
	snprintf(question, sizeof question, "%s.%s.d A", label, label);
	expect_answer(server, question, "YXDOMAIN aa answer: d DNAME");
	snprintf(question, sizeof question, "%s.d A", label);
	expect_answer(server, question, "NXDOMAIN aa answer: d DNAME; CNAME authority: SOA");
}

/* "d" becomes "t" and a label of 60 octets, "example." stays: 61 + 1 + 9 octets are given, the question has the rest. */
TEST(dname_result_of_255_octets_is_followed_and_256_is_yxdomain)
{
	static const char label[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-01234567"; /* 62 */
	char zone[512];
	char question[512];
	snprintf(zone, sizeof zone, "d DNAME %.60s\n*.%.60s A 192.0.2.1\n", label, label);
	struct server *server = server_of(zone);
	/* 63 + 63 + 59 octets in front of 61 + 9. */
	snprintf(question, sizeof question, "%s.%s.%.58s.d A +tcp", label, label, label);
	ask(server, question);
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
	assert_int_equal(server->message.header.answer_count, 3);
	struct response_walk walk;
	struct response_rr rr;
	response_walk(server, DNS_SECTION_ANSWER, &walk);
	while (response_walk_next(&walk, &rr)) {
		assert_true(rr.type != DNS_TYPE_CNAME || rr.rdata_len == 255);
	}
	snprintf(question, sizeof question, "%s.%s.%.59s.d A", label, label, label);
	expect_answer(server, question, "YXDOMAIN aa answer: d DNAME");
}

/* RFC 6672 3.2: the chain so far stays, and the RCODE is that of its end. */
TEST(dname_result_over_255_octets_at_the_end_of_a_chain_is_yxdomain_with_the_chain)
{
	static const char label[] = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-01234567"; /* 62 */
	char zone[1024];
	snprintf(zone, sizeof zone, "a CNAME %s.%s.d\nd DNAME t.%s.%s\n", label, label, label, label);
	expect_answer(server_of(zone), "a A", "YXDOMAIN aa answer: a CNAME; d DNAME");
}

TEST(cname_to_a_name_below_a_dname_is_followed)
{
	struct server *server = server_of("a CNAME www.d\nd DNAME t\nwww.t CNAME x.d\nx.t A 192.0.2.1\n");
	/* The DNAME is used twice and given once. */
	expect_answer(server, "a A",
	              "NOERROR aa answer: a CNAME www.d; d DNAME t; www.d CNAME www.t; www.t CNAME x.d; x.d CNAME x.t;"
	              " x.t A 192.0.2.1");
}

TEST(dname_to_itself_its_child_or_the_root_ends)
{
	struct server *server =
	        server_of("self DNAME self\ndown DNAME x.down\nroot DNAME .\nloop1 DNAME loop2\nloop2 DNAME loop1\n");
	expect_answer(server, "a.self A", "NOERROR aa answer: self DNAME; a.self CNAME a.self");
	ask(server, "a.down A +tcp");
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
	assert_int_equal(server->message.header.answer_count, 1 + 17); /* one DNAME, 16 links and one more */
	expect_answer(server, "a.root A", "NOERROR aa answer: root DNAME; a.root CNAME a.");
	expect_answer(server, "a.loop1 A",
	              "NOERROR aa answer: loop1 DNAME; a.loop1 CNAME a.loop2; loop2 DNAME; a.loop2 CNAME a.loop1");
}

TEST(dname_chain_of_1000_ends_with_a_bounded_partial_answer)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	for (int i = 0; i < 1000; i++) {
		text_format(&zone, "d%d DNAME d%d\n", i, i + 1);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "x.d0 A +tcp");
	assert_int_equal(dns_message_rcode(&server->message), DNS_RCODE_NOERROR);
	assert_int_equal(server->message.header.answer_count, 2 * 17);
}

TEST(dname_at_a_wildcard_is_data_and_not_followed)
{
	struct server *server = server_of("*.x DNAME y\n");
	expect_answer(server, "a.x DNAME", "NOERROR aa answer: a.x DNAME y");
	expect_answer(server, "a.x A", "NOERROR aa authority: SOA");
	expect_answer(server, "b.a.x A", "NOERROR aa authority: SOA");
	expect_answer(server, "b.a.x DNAME", "NOERROR aa answer: b.a.x DNAME y");
	expect_answer(server, "*.x DNAME", "NOERROR aa answer: *.x DNAME y");
	/* What is literally below the asterisk is below a DNAME like any other. */
	expect_answer(server, "b.*.x A", "NXDOMAIN aa answer: *.x DNAME y; b.*.x CNAME b.y authority: SOA");
}

/* ---- ANY (RFC 8482), RRSIG, MAILA ---- */

TEST(any_over_udp_is_one_rrset_where_the_zone_says_so)
{
	struct server *server = server_of("www A 192.0.2.1\nwww A 192.0.2.2\nwww TXT \"x\"\nwww MX 1 www\n");
	expect_answer(server, "www ANY", "NOERROR aa answer: www A; www A");
	expect_answer(server, "www ANY +tcp", "NOERROR aa answer: www A; www A; www TXT; www MX");
	server->rules.minimal_any = false;
	expect_answer(server, "www ANY", "NOERROR aa answer: www A; www A; www TXT; www MX");
	expect_answer(server, "none ANY", "NXDOMAIN aa authority: SOA");
}

TEST(any_gives_signatures_only_with_do)
{
	struct server *server = server_of_signed("www A 192.0.2.1\nwww TXT \"x\"\n", SIGNED_NSEC);
	expect_answer(server, "www ANY", "NOERROR aa answer: www A");
	expect_answer(server, "www ANY +do", "NOERROR aa answer: www A; www RRSIG(A)");
	expect_answer(server, "www ANY +tcp", "NOERROR aa answer: www A; www TXT; www NSEC");
	expect_answer(server, "www ANY +tcp +do",
	              "NOERROR aa answer: www A; www TXT; www NSEC; www RRSIG(A); www RRSIG(TXT); www RRSIG(NSEC)");
}

TEST(any_at_a_cut_is_a_referral)
{
	struct server *server = server_of("sub NS ns.other.\nsub TXT \"occluded\"\n");
	expect_answer(server, "sub ANY", "NOERROR authority: sub NS");
	expect_answer(server, "sub ANY +tcp", "NOERROR authority: sub NS");
}

TEST(any_that_does_not_fit_is_truncated_over_udp)
{
	struct text zone;
	text_init(&zone, 1 << 16);
	for (int i = 0; i < 20; i++) {
		text_format(&zone, "www TYPE%d \\# 40 %080d\n", 1000 + i, i);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	server->rules.minimal_any = false;
	expect_answer(server, "www ANY", "NOERROR aa tc");
	ask(server, "www ANY +tcp");
	assert_int_equal(server->message.header.answer_count, 20);
}

TEST(qtype_rrsig_gives_signatures_alone)
{
	struct server *server = server_of_signed("www A 192.0.2.1\nwww TXT \"x\"\n", SIGNED_NSEC);
	expect_answer(server, "www RRSIG", "NOERROR aa answer: www RRSIG(A)");
	expect_answer(server, "www RRSIG +tcp", "NOERROR aa answer: www RRSIG(A); www RRSIG(TXT); www RRSIG(NSEC)");
	server = server_of("www A 192.0.2.1\n");
	expect_answer(server, "www RRSIG", "NOERROR aa authority: SOA");
}

TEST(meta_qtypes_stand_for_no_data)
{
	struct server *server = server_of("www A 192.0.2.1\n");
	expect_answer(server, "www MAILA", "NOTIMP");
	expect_answer(server, "www MAILB", "NOTIMP");
	expect_answer(server, "www TKEY +edns", "REFUSED ede=21");
	expect_answer(server, "www OPT +edns", "FORMERR ede=30");
	expect_answer(server, "www TYPE128 +edns", "FORMERR ede=30");
	expect_answer(server, "www TYPE200", "FORMERR");
}

/* ---- several zones ---- */

TEST(most_specific_zone_answers)
{
	struct server *server = server_new();
	serve(server, "example.", "sub NS ns.sub\nns.sub A 192.0.2.1\nwww.sub TXT \"parent\"\n", UNSIGNED);
	serve(server, "sub.example.", "www TXT \"child\"\n", UNSIGNED);
	expect_answer(server, "www.sub TXT", "NOERROR aa answer: www.sub TXT \"child\"");
	expect_answer(server, "sub NS", "NOERROR aa answer: sub NS ns1.sub additional: ns1.sub A");
	expect_answer(server, "nothing.sub TXT", "NXDOMAIN aa authority: sub SOA");
}

TEST(ds_goes_to_the_parent_of_two_hosted_zones)
{
	struct server *server = server_new();
	serve(server, "example.",
	      "sub NS ns.sub\nns.sub A 192.0.2.1\nsub DS 1 13 2 "
	      "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
	      "plain NS ns.sub\n",
	      UNSIGNED);
	serve(server, "sub.example.", "", UNSIGNED);
	serve(server, "plain.example.", "", UNSIGNED);
	expect_answer(server, "sub DS", "NOERROR aa answer: sub DS");
	expect_answer(server, "plain DS", "NOERROR aa authority: example. SOA");
	expect_answer(server, "x.sub DS", "NXDOMAIN aa authority: sub SOA");
	/* No parent of ours: the child says that it has none (RFC 4035 3.1.4.1). */
	expect_answer(server, "example. DS", "NOERROR aa authority: example. SOA");
}

TEST(ds_at_both_sides_is_the_parents)
{
	struct server *server = server_new();
	serve(server, "example.",
	      "sub NS ns.sub\nns.sub A 192.0.2.1\nsub DS 1 13 2 "
	      "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n",
	      UNSIGNED);
	serve(server, "sub.example.", "@ DS 2 13 2 FF112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n",
	      UNSIGNED);
	expect_answer(server, "sub DS",
	              "NOERROR aa answer: sub DS 1 13 2 "
	              "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF");
}

TEST(ds_at_the_cut_is_answered_and_below_it_is_a_referral)
{
	struct server *server = server_of("sub NS ns.other.\nsub DS 1 13 2 "
	                                  "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
	                                  "plain NS ns.other.\n");
	expect_answer(server, "sub DS", "NOERROR aa answer: sub DS");
	expect_answer(server, "plain DS", "NOERROR aa authority: SOA");
	expect_answer(server, "x.sub DS", "NOERROR authority: sub NS");
}

TEST(root_ds_is_refused_without_the_root_zone_and_no_data_with_it)
{
	struct server *server = server_of("");
	expect_answer(server, ". DS +edns", "REFUSED ede=20");
	serve(server, ".", "example. NS ns1.example.\n", UNSIGNED);
	expect_answer(server, ". DS", "NOERROR aa authority: . SOA");
	expect_answer(server, "example. DS", "NOERROR aa authority: . SOA");
}

TEST(zone_that_is_not_ours_is_refused_with_not_authoritative)
{
	struct server *server = server_of("");
	expect_answer(server, "www.elsewhere. A", "REFUSED");
	expect_answer(server, "www.elsewhere. A +edns +rd", "REFUSED rd ede=20");
}

TEST(zone_never_loaded_is_servfail_not_ready)
{
	struct server *server = server_new();
	serve_state(server, "example.", ZONE_STATE_EMPTY);
	expect_answer(server, "www A +edns", "SERVFAIL ede=14");
	expect_answer(server, "www A", "SERVFAIL");
}

TEST(expired_zone_is_servfail_invalid_data_and_never_the_parents_answer)
{
	struct server *server = server_new();
	serve(server, "example.", "sub NS ns.other.\n", UNSIGNED);
	serve_state(server, "sub.example.", ZONE_STATE_EXPIRED);
	expect_answer(server, "www.sub A +edns", "SERVFAIL ede=24");
	expect_answer(server, "sub SOA +edns", "SERVFAIL ede=24");
}

TEST(copy_past_its_time_is_not_served_though_nobody_withdrew_it)
{
	struct server *server = server_new();
	struct zone *zone = serve(server, "example.", "www A 192.0.2.1\n", UNSIGNED);
	atomic_store(&zone->expires_at_ms, 5000);
	server->now_ms = 4999;
	expect_answer(server, "www A", "NOERROR aa answer: www A");
	server->now_ms = 5000;
	expect_answer(server, "www A +edns", "SERVFAIL ede=24");
}

TEST(zone_without_rules_answers_everybody)
{
	struct server *server = server_new();
	struct zone *zone = serve(server, "example.", "www A 192.0.2.1\n", UNSIGNED);
	atomic_store(&zone->rules, NULL);
	expect_answer(server, "www A", "NOERROR aa answer: www A authority: NS additional: ns1 A");
	expect_answer(server, "example. AXFR +tcp +edns", "REFUSED ede=18");
}

TEST(query_that_rules_deny_is_refused_as_prohibited)
{
	struct server *server = server_of("www A 192.0.2.1\n");
	server->rules.allow[ACCESS_QUERY] = (struct access_rules){0};
	expect_answer(server, "www A +edns", "REFUSED ede=18");
}
