/* SPDX-License-Identifier: MIT */
/* An answer that was kept is the answer that would be written: whatever the length and case of the question's name, the
 * transport, the limit, and the version of the zone. */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

static const char zone_text[] =
        "@ NS ns1\n@ NS ns2.elsewhere.\n@ SOA ns1 hostmaster 1 3600 600 86400 300\nns1 A 192.0.2.53\n"
        "sub NS ns.sub\nsub NS www.sub\nsub NS ns1\nns.sub A 192.0.2.1\nns.sub AAAA 2001:db8::1\n"
        "www.sub A 192.0.2.2\n"
        "Cased NS ns.cased\nns.Cased A 192.0.2.3\n"
        "www A 192.0.2.4\nwww MX 10 mail\nwww MX 20 mail.elsewhere.\nmail A 192.0.2.5\n"
        "alias CNAME www\nd DNAME www\n*.w A 192.0.2.6\n*.w MX 1 x.w\ne.ent A 192.0.2.7\n"
        "sec NS ns.other.\nsec DS 1 13 2 "
        "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n";

/* Sections and header in words; a copy. */
static char *answer_of(struct server *server, const char *question)
{
	ask(server, question);
	return memory_copy_text(response_text(server));
}

static void draw_question(struct random_source *random, char question[256])
{
	static const char *const names[] = {
	        "www",      "sub",     "ns.sub", "www.sub", "a.www.sub", "sec",   "x.sec",         "Cased", "ns.cased",
	        "example.", "alias",   "b.d",    "y.w",     "none",      "ent",   "x.ent",         "mail",  "SUB",
	        "www.SUB",  "WwW.sub", "0",      "mainly",  "zz",        "0.www", "0.www.EXAMPLE."};
	static const char *const prefixes[] = {"", "", "a.", "longer.", "a.much.longer.name.", "ns."};
	static const char *const types[] = {"A", "MX", "DS", "NS", "TXT", "SOA", "CNAME", "ANY"};
	static const char *const flags[] = {"",     " +edns",         " +do",     " +tcp", " +do +tcp",
	                                    " +rd", " +do +size=600", " +expire", " ANY"};
	snprintf(question, 256, "%s%s %s%s", prefixes[random_below(random, ARRAY_LENGTH(prefixes))],
	         names[random_below(random, ARRAY_LENGTH(names))], types[random_below(random, ARRAY_LENGTH(types))],
	         flags[random_below(random, ARRAY_LENGTH(flags))]);
}

/* Each question goes to a server that has answered thousands and to one that has answered nothing. */
static void compare_with_fresh(enum signing signing, bool minimal)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	struct server *old = server_of_signed(zone_text, signing);
	struct server *fresh = server_of_signed(zone_text, signing);
	old->rules.minimal_responses = minimal;
	fresh->rules.minimal_responses = minimal;
	for (unsigned i = 0; i < 4000; i++) {
		char question[256];
		draw_question(&random.source, question);
		char *kept = answer_of(old, question);
		size_t kept_len = response_len(old);
		answer_context_free(fresh->context);
		fresh->context = answer_context_new();
		char *written = answer_of(fresh, question);
		if (strcmp(kept, written) != 0) {
			fail_msg("%s\nkept: %s\nwritten: %s", question, kept, written);
		}
		/* A kept answer points only to what every question for its node has. */
		assert_true(kept_len >= response_len(fresh));
		free(kept);
		free(written);
	}
}

TEST(kept_answers_are_those_that_would_be_written)
{
	compare_with_fresh(UNSIGNED, true);
	compare_with_fresh(UNSIGNED, false);
}

TEST(kept_answers_of_signed_zones_are_those_that_would_be_written)
{
	compare_with_fresh(SIGNED_NSEC, true);
	compare_with_fresh(SIGNED_NSEC3, false);
	compare_with_fresh(SIGNED_OPT_OUT, true);
}

TEST(new_version_forgets_what_was_kept_of_the_old_one)
{
	struct server *server = server_of("www A 192.0.2.1\nsub NS ns.sub\nns.sub A 192.0.2.2\n");
	expect_answer(server, "www A", "NOERROR aa answer: www A 192.0.2.1");
	expect_answer(server, "x.sub A", "NOERROR authority: sub NS ns.sub additional: ns.sub A 192.0.2.2");
	expect_answer(server, "none A", "NXDOMAIN aa authority: SOA");
	for (unsigned version = 2; version < 20; version++) {
		char text[256];
		snprintf(text, sizeof text, "www A 192.0.2.%u\nsub NS ns.sub\nns.sub A 192.0.2.%u\nn%u A 192.0.2.1\n",
		         version, version + 100, version);
		serve_again(server->zones[0], "example.", text);
		snprintf(text, sizeof text, "NOERROR aa answer: www A 192.0.2.%u", version);
		expect_answer(server, "www A", text);
		snprintf(text, sizeof text, "NOERROR authority: sub NS ns.sub additional: ns.sub A 192.0.2.%u",
		         version + 100);
		expect_answer(server, "x.sub A", text);
		snprintf(text, sizeof text, "n%u A", version);
		expect_answer(server, text, "NOERROR aa answer: A 192.0.2.1");
	}
}

TEST(additional_data_follows_changes_of_the_zone)
{
	static const char soa[] = "@ SOA a b 1 2 3 4 5\n@ NS ns.elsewhere.\nm MX 1 h\ns SVCB 1 h\nsub NS h.sub\n";
	char text[512];
	struct server *server = server_of(soa);
	server->rules.minimal_responses = false;
	expect_answer(server, "m MX", "NOERROR aa answer: m MX authority: NS");
	expect_answer(server, "s SVCB", "NOERROR aa answer: s SVCB authority: NS");
	expect_answer(server, "x.sub A", "NOERROR authority: sub NS");
	snprintf(text, sizeof text, "%sh A 192.0.2.1\nh.sub AAAA 2001:db8::1\n", soa);
	serve_again(server->zones[0], "example.", text);
	expect_answer(server, "m MX", "NOERROR aa answer: m MX authority: NS additional: h A 192.0.2.1");
	expect_answer(server, "s SVCB", "NOERROR aa answer: s SVCB authority: NS additional: h A 192.0.2.1");
	expect_answer(server, "x.sub A", "NOERROR authority: sub NS additional: h.sub AAAA 2001:db8::1");
	snprintf(text, sizeof text, "%s* A 192.0.2.2\n", soa);
	serve_again(server->zones[0], "example.", text);
	expect_answer(server, "m MX", "NOERROR aa answer: m MX authority: NS additional: h A 192.0.2.2");
	expect_answer(server, "s SVCB", "NOERROR aa answer: s SVCB authority: NS additional: h A 192.0.2.2");
	expect_answer(server, "x.sub A", "NOERROR authority: sub NS");
	serve_again(server->zones[0], "example.", soa);
	expect_answer(server, "m MX", "NOERROR aa answer: m MX authority: NS");
}

TEST(kept_answer_that_no_longer_fits_is_planned_anew)
{
	struct text zone;
	text_init(&zone, 1 << 16);
	for (int i = 0; i < 12; i++) {
		text_format(&zone, "sub NS a%d.sub\na%d.sub A 192.0.2.1\n", i, i);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	ask(server, "x.sub A");
	size_t shortest = response_len(server);
	assert_true(shortest < 512);
	assert_int_equal(server->message.header.additional_count, 12);
	for (unsigned time = 0; time < 3; time++) {
		ask(server, "x.sub A");
	}
	/* A name so much longer that the whole no longer fits. */
	char question[300] = "";
	for (size_t len = shortest; len < 512 + 40; len += 10) {
		strcat(question, "abcdefghi.");
	}
	strcat(question, "x.sub A");
	ask(server, question);
	assert_true((server->message.header.flags & DNS_FLAG_TC) != 0);
	assert_true(response_len(server) <= 512);
	assert_true(server->message.header.additional_count < 12);
}

/* More answers than can be kept, each asked for until it is kept: every one is its own. */
TEST(answers_that_push_each_other_out_stay_right)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	for (unsigned i = 0; i < 9000; i++) {
		text_format(&zone, "n%u A 10.0.%u.%u\n", i, i >> 8, i & 255);
	}
	struct server *server = server_of(text_string(&zone));
	text_deinit(&zone);
	for (unsigned i = 0; i < 9000; i++) {
		char question[32];
		snprintf(question, sizeof question, "n%u A", i);
		for (unsigned time = 0; time < 3; time++) {
			struct response_walk walk;
			struct response_rr rr;
			ask(server, question);
			response_walk(server, DNS_SECTION_ANSWER, &walk);
			assert_true(response_walk_next(&walk, &rr));
			assert_int_equal(load_u16(rr.rdata + 2), i);
		}
	}
}
