/* SPDX-License-Identifier: MIT */
/* Delegations, glue, and additional data. */
#include "serve.h"

#include <stdio.h>

#include "base/text.h"

TEST(name_below_a_cut_is_a_referral_whatever_hides_there)
{
	struct server *server = server_of("sub NS ns.sub\nns.sub A 192.0.2.1\na.b.sub A 192.0.2.2\nc.sub CNAME www\n"
	                                  "d.sub DNAME www\n");
	expect_answer(server, "sub A", "NOERROR authority: sub NS additional: ns.sub A");
	expect_answer(server, "b.sub A", "NOERROR authority: sub NS additional: ns.sub A");
	expect_answer(server, "a.b.sub A", "NOERROR authority: sub NS additional: ns.sub A");
	expect_answer(server, "c.sub A", "NOERROR authority: sub NS additional: ns.sub A");
	expect_answer(server, "x.d.sub A", "NOERROR authority: sub NS additional: ns.sub A");
	expect_answer(server, "sub NS", "NOERROR authority: sub NS additional: ns.sub A");
}

TEST(question_for_the_glue_name_is_a_referral_without_aa)
{
	struct server *server = server_of("sub NS ns.sub\nns.sub A 192.0.2.1\nns.sub AAAA 2001:db8::1\n");
	expect_answer(server, "ns.sub A", "NOERROR authority: sub NS additional: ns.sub A; ns.sub AAAA");
}

TEST(cut_below_a_cut_does_not_count)
{
	struct server *server = server_of("sub NS ns.other.\ndeep.sub NS ns.deep.sub\nns.deep.sub A 192.0.2.1\n");
	expect_answer(server, "www.deep.sub A", "NOERROR authority: sub NS ns.other.");
}

TEST(sibling_glue_comes_along_and_foreign_servers_get_none)
{
	struct server *server = server_of("a NS ns.b\na NS ns1\na NS ns.elsewhere.\nb NS ns.b\nns.b A 192.0.2.1\n");
	expect_answer(server, "x.a A",
	              "NOERROR authority: a NS ns.b; a NS ns1; a NS ns.elsewhere. additional: ns.b A; ns1 A");
}

TEST(referral_of_a_signed_zone_has_the_ds_or_its_denial_with_do)
{
	struct server *server = server_of_signed("sec NS ns.other.\nsec DS 1 13 2 "
	                                         "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
	                                         "ins NS ns.other.\n",
	                                         SIGNED_NSEC);
	expect_answer(server, "x.sec A", "NOERROR authority: sec NS");
	expect_answer(server, "x.sec A +do", "NOERROR authority: sec NS; sec DS; sec RRSIG(DS)");
	expect_answer(server, "x.ins A +do", "NOERROR authority: ins NS; ins NSEC; ins RRSIG(NSEC)");
}

/* Who cannot trust the zone has no use for it. */
TEST(referral_of_an_unsigned_zone_has_no_ds)
{
	struct server *server = server_of("sec NS ns.other.\nsec DS 1 13 2 "
	                                  "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n");
	expect_answer(server, "x.sec A +do", "NOERROR authority: sec NS");
	expect_answer(server, "sec DS +do", "NOERROR aa answer: sec DS");
}

/* ---- additional data ---- */

static struct server *server_with_additional(const char *zone)
{
	struct server *server = server_of(zone);
	server->rules.minimal_responses = false;
	return server;
}

TEST(positive_answers_carry_the_ns_set_and_addresses_unless_minimal)
{
	struct server *server = server_with_additional("www A 192.0.2.1\n");
	expect_answer(server, "www A", "NOERROR aa answer: www A authority: example. NS ns1 additional: ns1 A");
	expect_answer(server, "example. NS", "NOERROR aa answer: example. NS ns1 additional: ns1 A");
	expect_answer(server, "ns1 A", "NOERROR aa answer: ns1 A authority: example. NS");
	server->rules.minimal_responses = true;
	expect_answer(server, "www A", "NOERROR aa answer: www A");
	/* Priming (RFC 9609) has no other way to the addresses. */
	expect_answer(server, "example. NS", "NOERROR aa answer: example. NS ns1 additional: ns1 A");
}

TEST(types_with_targets_bring_their_addresses)
{
	struct server *server =
	        server_with_additional("m MX 1 www\ns SRV 0 0 1 www\nk KX 1 www\na AFSDB 1 www\nr RT 1 www\n"
	                               "na NAPTR 1 1 \"A\" \"x\" \"\" www\nns NAPTR 1 1 \"s\" \"x\" \"\" s\n"
	                               "nu NAPTR 1 1 \"u\" \"x\" \"!a!b!\" .\nlp LP 1 loc\n"
	                               "loc L32 1 10.1.2.0\nloc L64 1 2001:db8:1:2\n"
	                               "www A 192.0.2.1\nwww AAAA 2001:db8::1\n@ NS ns.elsewhere.\n"
	                               "@ SOA a b 1 2 3 4 5\n");
	const char *addresses = "www A; www AAAA";
	const struct {
		const char *question;
		const char *answer;
	} rows[] = {{"m MX", "m MX"},       {"s SRV", "s SRV"}, {"k KX", "k KX"},
	            {"a AFSDB", "a AFSDB"}, {"r RT", "r RT"},   {"na NAPTR", "na NAPTR"}};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		char expectation[256];
		snprintf(expectation, sizeof expectation, "NOERROR aa answer: %s authority: NS additional: %s",
		         rows[i].answer, addresses);
		expect_answer(server, rows[i].question, expectation);
	}
	expect_answer(server, "ns NAPTR", "NOERROR aa answer: ns NAPTR authority: NS additional: s SRV");
	expect_answer(server, "nu NAPTR", "NOERROR aa answer: nu NAPTR authority: NS");
	expect_answer(server, "lp LP", "NOERROR aa answer: lp LP authority: NS additional: loc L32; loc L64");
	server->rules.minimal_responses = true;
	expect_answer(server, "m MX", "NOERROR aa answer: m MX");
}

/* RFC 9460 4.1, 4.2 */
TEST(service_bindings_bring_what_stands_at_their_target)
{
	struct server *server = server_with_additional("svc SVCB 1 www\nself HTTPS 1 . alpn=h2\nself A 192.0.2.9\n"
	                                               "alias HTTPS 0 self\nnone HTTPS 0 .\nnone A 192.0.2.8\n"
	                                               "*.w HTTPS 1 .\n*.w A 192.0.2.7\n"
	                                               "www A 192.0.2.1\n@ NS ns.elsewhere.\n@ SOA a b 1 2 3 4 5\n");
	expect_answer(server, "svc SVCB", "NOERROR aa answer: svc SVCB authority: NS additional: www A");
	expect_answer(server, "self HTTPS", "NOERROR aa answer: self HTTPS authority: NS additional: self A");
	expect_answer(server, "alias HTTPS",
	              "NOERROR aa answer: alias HTTPS authority: NS additional: self HTTPS; self A");
	expect_answer(server, "none HTTPS", "NOERROR aa answer: none HTTPS authority: NS");
	expect_answer(server, "x.w HTTPS", "NOERROR aa answer: x.w HTTPS authority: NS additional: x.w A 192.0.2.7");
}

TEST(additional_addresses_come_from_wildcards_too)
{
	struct server *server =
	        server_with_additional("m MX 1 h.w\nm MX 2 i.w\n*.w A 192.0.2.1\n@ NS n.w\n@ SOA a b 1 2 3 4 5\n");
	expect_answer(server, "m MX",
	              "NOERROR aa answer: m MX; m MX authority: NS n.w additional: h.w A; i.w A; n.w A");
}

TEST(cname_targets_ptr_and_foreign_names_get_no_additional_data)
{
	struct server *server =
	        server_with_additional("m MX 1 c\nm MX 2 www.elsewhere.\nc CNAME www\np PTR www\nwww A 192.0.2.1\n"
	                               "b MX 1 h.sub\nsub NS ns.other.\nh.sub A 192.0.2.3\n"
	                               "@ NS ns.elsewhere.\n@ SOA a b 1 2 3 4 5\n");
	expect_answer(server, "m MX", "NOERROR aa answer: m MX; m MX authority: NS");
	expect_answer(server, "p PTR", "NOERROR aa answer: p PTR authority: NS");
	expect_answer(server, "c CNAME", "NOERROR aa answer: c CNAME authority: NS");
	/* What is below a cut is not ours to tell, but for name servers. */
	expect_answer(server, "b MX", "NOERROR aa answer: b MX authority: NS");
}

TEST(no_rrset_is_given_twice)
{
	struct server *server = server_with_additional("m MX 1 www\nm MX 2 www\nm MX 3 WWW\nm MX 4 m\nm A 192.0.2.2\n"
	                                               "www A 192.0.2.1\n@ NS www\n@ SOA a b 1 2 3 4 5\n");
	expect_answer(server, "m MX", "NOERROR aa answer: m MX; m MX; m MX; m MX authority: NS additional: www A; m A");
	expect_answer(server, "www A", "NOERROR aa answer: www A authority: NS");
	expect_answer(server, "m ANY +tcp",
	              "NOERROR aa answer: m A; m MX; m MX; m MX; m MX authority: NS additional: www A");
}

TEST(glue_of_the_apex_servers_below_a_cut_is_given)
{
	struct server *server = server_new();
	serve(server, ".",
	      "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a.root-servers.net.\nnet. NS a.gtld-servers.net.\n"
	      "a.root-servers.net. A 192.0.2.1\na.root-servers.net. AAAA 2001:db8::1\n"
	      "a.gtld-servers.net. A 192.0.2.2\n",
	      UNSIGNED);
	expect_answer(server, ". NS",
	              "NOERROR aa answer: . NS additional: a.root-servers.net. A; a.root-servers.net. AAAA");
	expect_answer(server, "x.net. A", "NOERROR authority: net. NS additional: a.gtld-servers.net. A");
}

/* ---- what does not fit ---- */

static struct server *server_with_servers(int count, const char *prefix, const char *parent)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	for (int i = 0; i < count; i++) {
		text_format(&zone, "sub NS %s%x.%s\n", prefix, i, parent);
		text_format(&zone, "%s%x.%s A 192.0.2.%d\n", prefix, i, parent, i % 250 + 1);
		text_format(&zone, "%s%x.%s AAAA 2001:db8::%x\n", prefix, i, parent, i + 1);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	return server;
}

/* RFC 9471 3 */
TEST(required_glue_that_does_not_fit_sets_tc)
{
	struct server *server = server_with_servers(13, "server-", "sub");
	ask(server, "www.sub A");
	assert_true((server->message.header.flags & DNS_FLAG_TC) != 0);
	assert_int_equal(server->message.header.authority_count, 13);
	assert_true(server->message.header.additional_count > 0);
	ask(server, "www.sub A +edns");
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
	assert_int_equal(server->message.header.additional_count, 27);
	ask(server, "www.sub A +tcp");
	assert_int_equal(server->message.header.additional_count, 26);
}

TEST(optional_glue_that_does_not_fit_is_dropped_silently)
{
	struct server *server = server_with_servers(13, "server-", "sibling");
	ask(server, "www.sub A");
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
	assert_int_equal(server->message.header.authority_count, 13);
	assert_true(server->message.header.additional_count > 0);
	assert_true(server->message.header.additional_count < 26);
}

TEST(required_glue_comes_before_optional_glue)
{
	struct text zone;
	text_init(&zone, 1 << 16);
	for (int i = 0; i < 12; i++) {
		text_format(&zone, "sub NS a%d.sibling\na%d.sibling A 192.0.2.1\na%d.sibling AAAA 2001:db8::1\n", i, i,
		            i);
	}
	text_add_string(&zone, "sub NS z.sub\nz.sub A 192.0.2.9\nz.sub AAAA 2001:db8::9\n");
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "www.sub A");
	struct response_walk walk;
	struct response_rr rr;
	response_walk(server, DNS_SECTION_ADDITIONAL, &walk);
	assert_true(response_walk_next(&walk, &rr));
	assert_true(dns_name_equal(rr.owner.wire, name_of("z.sub").wire));
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
}

/* 125 servers of one octet each: 12 + 17 + 125 * (16 + 16) + 11 = 4040. */
TEST(glue_of_many_servers_with_the_shortest_names_is_not_thought_missing)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	for (int i = 0; i < 125; i++) {
		text_format(&zone, "sub NS \\%03d.sub\n\\%03d.sub A 192.0.2.%d\n", i + 128, i + 128, i);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	server->config.udp_payload = 4096;
	ask(server, "sub A +size=4040");
	assert_int_equal(response_len(server), 4040);
	assert_int_equal(server->message.header.additional_count, 125 + 1);
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
	ask(server, "sub A +size=4039");
	assert_int_equal(server->message.header.additional_count, 124 + 1);
	assert_true((server->message.header.flags & DNS_FLAG_TC) != 0);
}

TEST(largest_delegation_that_fits_a_message_is_given_whole)
{
	/* 16 octets of NS, 16 of A and 28 of AAAA each, as the limit of a plan is computed; some labels have two letters. */
	struct server *server = server_with_servers(1000, "", "sub");
	ask(server, "x.sub A +tcp");
	assert_int_equal(server->message.header.authority_count, 1000);
	assert_int_equal(server->message.header.additional_count, 2000);
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
}

/* After so many records no octet can be left, and nobody is looked up any more. */
TEST(glue_behind_the_last_record_that_could_fit_sets_tc_without_a_search)
{
	struct server *server = server_with_servers(21, "", "sub");
	ask(server, "x.sub A");
	assert_true((server->message.header.flags & DNS_FLAG_TC) != 0);
	assert_int_equal(server->message.header.authority_count, 21);
	assert_true(server->message.header.additional_count > 0);
}

TEST(addresses_of_64_targets_at_most_are_looked_up)
{
	struct text zone;
	text_init(&zone, 1 << 16);
	for (int i = 0; i < 70; i++) {
		text_format(&zone, "m MX 1 h%02d\nh%02d A 192.0.2.%d\n", i, i, i + 1);
	}
	text_add_string(&zone, "@ NS ns.elsewhere.\n@ SOA a b 1 2 3 4 5\n");
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	server->rules.minimal_responses = false;
	ask(server, "m MX +tcp");
	assert_int_equal(server->message.header.answer_count, 70);
	assert_int_equal(server->message.header.additional_count, 64);
	assert_true((server->message.header.flags & DNS_FLAG_TC) == 0);
}

TEST(delegation_too_large_for_any_message_is_bounded)
{
	struct server *server = server_with_servers(2200, "server-", "sub");
	expect_answer(server, "x.sub A", "NOERROR tc");
	ask(server, "x.sub A +tcp");
	assert_int_equal(server->message.header.authority_count, 2200);
	assert_true((server->message.header.flags & DNS_FLAG_TC) != 0);
}
