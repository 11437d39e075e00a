/* SPDX-License-Identifier: MIT */
/* What refuses a version, what is told, and what is fine. */
#include "unit.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/quiescent.h"
#include "base/text.h"
#include "dns/type.h"
#include "publish/check.h"
#include "zone_text.h"

struct told {
	struct zonefile_problem_sink sink;
	char lines[1 << 16]; /* "error: ...\n", "warning: ...\n" */
	size_t count;
};

static struct told told;

static void keep(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	struct told *to = (struct told *)self;
	struct text line;
	text_init(&line, 8192);
	zonefile_problem_to_text(problem, &line);
	size_t used = strlen(to->lines);
	snprintf(to->lines + used, sizeof to->lines - used, "%s\n", text_string(&line));
	text_deinit(&line);
	to->count++;
}

static struct publish_policy strict(void)
{
	return (struct publish_policy){
	        .strict = true, .check_ns = PUBLISH_WARN, .check_mx_srv = PUBLISH_WARN, .problems = &told.sink};
}

static bool check_with(const char *text, const struct publish_policy *policy, struct error *error)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 1, text);
	told = (struct told){.sink = {.tell = keep}};
	error_clear(error);
	bool good = publish_check(zone, policy, error);
	zone_unref(zone);
	quiescent_drain();
	return good;
}

static void expect_nothing(const char *text)
{
	struct publish_policy policy = strict();
	struct error error;
	assert_true(check_with(text, &policy, &error));
	assert_string_equal(told.lines, "");
}

/* One problem, and its line is this with more behind it. */
static void expect_one(const char *text, bool good, const char *line)
{
	struct publish_policy policy = strict();
	struct error error;
	bool was_good = check_with(text, &policy, &error);
	if (was_good != good || told.count != 1 || strncmp(told.lines, line, strlen(line)) != 0) {
		fail_msg("\n%s\nwas %s and told:\n%sand not: %s", text, was_good ? "good" : "refused", told.lines,
		         line);
	}
}

/* Refused on a primary, told and served on a secondary. */
static void expect_error(const char *text, const char *rest)
{
	struct publish_policy policy = strict();
	struct error error;
	char line[512];
	snprintf(line, sizeof line, "error: %s", rest);
	expect_one(text, false, line);
	policy.strict = false;
	assert_true(check_with(text, &policy, &error));
	snprintf(line, sizeof line, "warning: %s", rest);
	assert_int_equal(strncmp(told.lines, line, strlen(line)), 0);
}

static void expect_warning(const char *text, const char *rest)
{
	char line[512];
	snprintf(line, sizeof line, "warning: %s", rest);
	expect_one(text, true, line);
}

#define APEX "@ SOA ns.other. admin.other. 1 7200 900 1209600 300\n"

TEST(plain_zone_has_nothing_to_tell)
{
	expect_nothing("www A 192.0.2.1\n* TXT x\nalias CNAME www\nm MX 10 www\n");
}

TEST(zone_without_ns_at_the_apex_is_refused)
{
	expect_error(APEX "www A 192.0.2.1\n", "example. NS: the zone has no NS");
}

TEST(soa_below_the_apex_is_refused)
{
	expect_error(APEX "@ NS ns.other.\nsub SOA a b 1 2 3 400 5\n", "sub.example. SOA: an SOA stands at the apex");
}

TEST(cname_and_other_data_is_refused)
{
	expect_error("www CNAME a.other.\nwww A 192.0.2.1\n", "www.example. CNAME: A at the same name");
	expect_error("www CNAME a.other.\nwww TXT x\n", "www.example. CNAME: TXT at the same name");
	expect_error("www CNAME a.other.\nwww NS a.other.\n", "www.example. CNAME: NS at the same name");
	expect_error("@ CNAME a.other.\n", "example. CNAME: ");
}

TEST(rrsig_nsec_key_sig_and_nxt_may_stand_beside_a_cname)
{
	expect_nothing("www CNAME a.other.\n"
	               "www RRSIG CNAME 13 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
	               "www NSEC example. CNAME RRSIG NSEC\n"
	               "www KEY 256 3 13 AAAA\n");
}

TEST(two_cnames_are_refused)
{
	expect_error("www CNAME a.other.\nwww CNAME b.other.\n", "www.example. CNAME: more than one");
}

TEST(data_below_a_dname_is_refused)
{
	expect_error("d DNAME other.\nx.d A 192.0.2.1\n", "x.d.example. A: below the DNAME of d.example.");
	expect_error("d DNAME other.\ny.x.d A 192.0.2.1\n", "y.x.d.example. A: below the DNAME of d.example.");
	expect_nothing("d DNAME other.\nd A 192.0.2.1\ne A 192.0.2.1\ndd A 192.0.2.1\n");
}

TEST(dname_at_the_apex_forbids_everything_but_nsec3)
{
	expect_error("@ DNAME other.\nwww A 192.0.2.1\n", "www.example. A: below the DNAME of example.");
	expect_nothing(APEX "@ NS ns.other.\n@ DNAME other.\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - "
	                    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS SOA\n");
}

TEST(ns_beside_dname_is_refused_except_at_the_apex)
{
	expect_error("d DNAME other.\nd NS ns.other.\n", "d.example. DNAME: beside NS");
	expect_nothing("@ DNAME other.\n");
}

TEST(two_dnames_are_refused)
{
	expect_error("d DNAME a.other.\nd DNAME b.other.\n", "d.example. DNAME: more than one");
}

TEST(missing_glue_is_told)
{
	expect_warning("sub NS ns.sub\n",
	               "sub.example. NS: ns.sub.example. is in the delegated zone and has no address");
	expect_warning("sub NS ns.deep.sub\n", "sub.example. NS: ns.deep.sub.example. is in the delegated zone");
	expect_warning("sub NS sub\n", "sub.example. NS: sub.example. is in the delegated zone");
	expect_warning("sub NS ns\n", "sub.example. NS: ns.example. is in this zone and has no address");
}

TEST(glue_satisfies_wherever_it_is)
{
	expect_nothing("sub NS ns.sub\nns.sub A 192.0.2.1\n");
	expect_nothing("sub NS ns.sub\nns.sub AAAA 2001:db8::1\n");
	expect_nothing("sub NS ns\nns A 192.0.2.1\n");
	expect_nothing("sub NS ns.sub2\nsub2 NS ns.sub2\nns.sub2 A 192.0.2.1\n");
}

TEST(wildcard_address_satisfies)
{
	expect_nothing("sub NS ns.w\n*.w A 192.0.2.1\n");
}

TEST(glue_is_not_wanted_for_foreign_names_nor_for_those_of_another_delegation)
{
	expect_nothing("sub NS ns.other.\n");
	expect_nothing("sub NS ns.sub2\nsub2 NS ns.other.\n");
}

/* So many that they share their RRset: what is told of one is told of each. The last one has what the others lack. */
TEST(name_servers_that_many_delegations_share_are_told_for_each)
{
	struct publish_policy policy = strict();
	struct error error;
	struct text zone;
	text_init(&zone, 1 << 16);
	for (unsigned i = 0; i < 90; i++) {
		text_format(&zone, "d%u NS nowhere.or.other.\n", i);
		text_format(&zone, "d%u NS ns.d89\n", i);
		text_format(&zone, "e%u NS not-there-at-all\n", i);
	}
	assert_true(check_with(text_string(&zone), &policy, &error));
	assert_int_equal(told.count, 91);
	assert_non_null(strstr(told.lines, "warning: e89.example. NS: not-there-at-all.example. is in this zone"));
	assert_non_null(strstr(told.lines, "warning: d89.example. NS: ns.d89.example. is in the delegated zone"));
	text_deinit(&zone);
}

TEST(name_server_that_is_an_alias_is_told)
{
	expect_warning("sub NS a\na CNAME b.other.\n", "sub.example. NS: a.example. has a CNAME");
	expect_warning("sub NS a.w\n*.w CNAME b.other.\n", "sub.example. NS: a.w.example. has a CNAME");
	expect_warning("sub NS a.d\nd DNAME other.\n", "sub.example. NS: a.d.example. is below a DNAME");
	expect_warning("@ NS a\na CNAME b.other.\n", "example. NS: a.example. has a CNAME");
}

TEST(name_server_that_looks_like_an_address_is_told)
{
	expect_warning("sub NS 192.0.2.1\n", "sub.example. NS: 192.0.2.1.example. is an address");
	expect_warning("sub NS 192.0.2.1.\n", "sub.example. NS: 192.0.2.1. is an address");
	expect_nothing("sub NS 192.0.2.other.\n");
}

/* A primary refuses the zone, is told, or nothing happens; a secondary is told at most. */
static void expect_severities(const char *text, enum publish_severity *option, struct publish_policy *policy)
{
	struct error error;
	*option = PUBLISH_FAIL;
	policy->strict = true;
	assert_false(check_with(text, policy, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	policy->strict = false;
	assert_true(check_with(text, policy, &error));
	assert_int_equal(told.count, 1);
	*option = PUBLISH_WARN;
	policy->strict = true;
	assert_true(check_with(text, policy, &error));
	assert_int_equal(told.count, 1);
	*option = PUBLISH_IGNORE;
	assert_true(check_with(text, policy, &error));
	assert_int_equal(told.count, 0);
}

TEST(checks_of_name_servers_fail_warn_or_are_off_as_configured)
{
	static const char *const texts[] = {
	        "sub NS ns.sub\n",                        /* no glue */
	        "sub NS ns\n",                            /* no address */
	        "sub NS a\na CNAME b.other.\n",           /* an alias */
	        "sub NS a.d\nd DNAME other.\n",           /* below a DNAME */
	        "sub NS 192.0.2.1.\n",                    /* an address */
	        APEX "@ NS ns.other.\n@ NS a\na TXT x\n", /* the same at the apex */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct publish_policy policy = strict();
		expect_severities(texts[i], &policy.check_ns, &policy);
	}
}

TEST(checks_of_mail_and_services_fail_warn_or_are_off_as_configured)
{
	static const char *const texts[] = {
	        "m MX 10 a\na CNAME b.other.\n",           "m MX 10 a.d\nd DNAME other.\n",  "m MX 10 192.0.2.1.\n",
	        "_s._tcp SRV 0 0 1 a\na CNAME b.other.\n", "_s._tcp SRV 0 0 1 192.0.2.1.\n",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		struct publish_policy policy = strict();
		expect_severities(texts[i], &policy.check_mx_srv, &policy);
	}
}

TEST(mail_or_service_at_an_alias_is_told)
{
	expect_warning("m MX 10 a\na CNAME b.other.\n", "m.example. MX: a.example. is an alias");
	expect_warning("_s._tcp SRV 0 0 1 a.w\n*.w CNAME b.other.\n", "_s._tcp.example. SRV: a.w.example. is an alias");
	expect_warning("m MX 10 192.0.2.1.\n", "m.example. MX: 192.0.2.1. is an address");
	expect_nothing("m MX 0 .\n_s._tcp SRV 0 0 0 .\nn MX 10 missing\n");
}

TEST(wildcard_that_delegates_is_told)
{
	expect_warning("*.w NS ns.other.\n", "*.w.example. NS: a wildcard cannot delegate");
	expect_warning("*.w DNAME other.\n", "*.w.example. DNAME: at a wildcard");
}

TEST(ds_without_a_delegation_is_told)
{
	expect_warning("a DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n",
	               "a.example. DS: there is no delegation");
	expect_warning("@ DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n",
	               "example. DS: there is no delegation");
	expect_nothing(
	        "a NS ns.other.\na DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n");
}

TEST(signatures_that_cannot_verify_are_told)
{
	expect_warning("a A 192.0.2.1\na RRSIG A 13 3 3600 20300101000000 20200101000000 1 example. AAAA\n",
	               "a.example. A: its RRSIG says 3 labels, but the owner has 2");
	expect_warning("a A 192.0.2.1\na RRSIG A 13 2 3600 20300101000000 20200101000000 1 other. AAAA\n",
	               "a.example. A: its RRSIG is signed by other.");
	expect_warning("a A 192.0.2.1\na RRSIG TXT 13 2 3600 20300101000000 20200101000000 1 example. AAAA\n",
	               "a.example. TXT: has an RRSIG, but there are no records");
}

TEST(nsec3param_without_its_chain_or_with_many_iterations_is_told)
{
	expect_warning("@ NSEC3PARAM 1 0 0 -\n", "example. NSEC3PARAM: there are no NSEC3 records");
	expect_warning(APEX "@ NS ns.other.\n@ NSEC3PARAM 1 0 51 -\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 51 - "
	                    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS SOA\n",
	               "example. NSEC3PARAM: 51 iterations");
	expect_nothing(APEX "@ NS ns.other.\n@ NSEC3PARAM 1 0 0 -\n0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - "
	                    "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NS SOA\n");
}

TEST(digest_of_a_wrong_length_is_told_when_a_primary_sent_it)
{
	struct zone_builder *builder = zone_builder_new((const uint8_t *)"\7example", 1);
	struct publish_policy policy = strict();
	struct error error;
	uint8_t soa[22] = {0};
	store_u32(soa + 14, 100);
	zone_builder_add(builder, (const uint8_t *)"\7example", DNS_TYPE_SOA, 300, soa, sizeof soa);
	zone_builder_add(builder, (const uint8_t *)"\7example", DNS_TYPE_NS, 300, (const uint8_t *)"\1x", 3);
	zone_builder_add(builder, (const uint8_t *)"\1a\7example", DNS_TYPE_NS, 300, (const uint8_t *)"\1x", 3);
	zone_builder_add(builder, (const uint8_t *)"\1a\7example", DNS_TYPE_DS, 300, (const uint8_t *)"\0\1\x08\2x", 5);
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, &error);
	assert_non_null(zone);
	policy.strict = false;
	told = (struct told){.sink = {.tell = keep}};
	assert_true(publish_check(zone, &policy, &error));
	assert_string_equal(told.lines,
	                    "warning: a.example. DS: one of its records is malformed: its digest has not the "
	                    "32 octets of SHA-256\n");
	policy.strict = true;
	assert_false(publish_check(zone, &policy, &error));
	zone_unref(zone);
	quiescent_drain();
}

TEST(types_of_the_apex_elsewhere_are_told)
{
	expect_warning("a CDNSKEY 257 3 13 AAAA\n", "a.example. CDNSKEY: means something at the apex only");
}

TEST(soa_whose_expire_is_too_short_is_told)
{
	expect_warning("@ SOA ns.other. admin.other. 1 7200 900 8100 300\n@ NS ns.other.\n",
	               "example. SOA: expire 8100 is not greater");
}

TEST(what_is_below_a_cut_is_not_checked)
{
	expect_nothing("sub NS ns.other.\nx.sub CNAME a.other.\nx.sub NS y.sub\n");
}

TEST(many_problems_are_counted_and_the_first_hundred_told)
{
	struct publish_policy policy = strict();
	struct error error;
	struct text text;
	text_init(&text, 1 << 20);
	for (int i = 0; i < 150; i++) {
		text_format(&text, "n%03d CNAME a.other.\nn%03d TXT x\n", i, i);
	}
	assert_false(check_with(text_string(&text), &policy, &error));
	text_deinit(&text);
	assert_int_equal(told.count, 101);
	assert_non_null(strstr(told.lines, "error: 50 more errors were not told"));
	assert_non_null(strstr(error.text, "n000.example. CNAME: TXT at the same name"));
	assert_non_null(strstr(error.text, "(and 149 more errors)"));
}

/* A zone with so many A records at one owner: 16 octets each, and the owner once in the question. */
#define BEFORE "old CNAME www\nold A 192.0.2.1\nmoved DNAME other.test.\nwww A 192.0.2.2\n"

/* What was wrong before is not told again, and not looked at: a change costs what it changes. */
TEST(of_a_change_only_the_names_that_come_are_checked)
{
	static const struct {
		const char *text;
		const char *line;
	} rows[] = {
	        {BEFORE "fine A 192.0.2.3\n", ""},
	        {"old CNAME www\nold A 192.0.2.1\nmoved DNAME other.test.\n", ""}, /* something went */
	        {BEFORE "new CNAME www\nnew A 192.0.2.3\n", "warning: new.example. CNAME: A at the same name"},
	        {BEFORE "a.moved A 192.0.2.3\n", "warning: a.moved.example. A: below the DNAME of moved.example."},
	        {BEFORE "sub NS ns.sub\n", "warning: sub.example. NS: ns.sub.example. is in the delegated zone"},
	};
	struct publish_policy policy = strict();
	policy.strict = false;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct error error;
		const struct zone_snapshot *before = zone_of_text("example.", 1, BEFORE);
		const struct zone_snapshot *after = zone_of_text("example.", 2, rows[i].text);
		const struct changeset *set = changeset_between(before, after, &error);
		assert_non_null(set);
		told = (struct told){.sink = {.tell = keep}};
		publish_check_change(after, set, &policy);
		assert_int_equal(told.count, rows[i].line[0] == '\0' ? 0 : 1);
		if (strncmp(told.lines, rows[i].line, strlen(rows[i].line)) != 0) {
			fail_msg("\n%s\ntold: %s", rows[i].text, told.lines);
		}
		changeset_unref(set);
		zone_unref(before);
		zone_unref(after);
		quiescent_drain();
	}
}

static const char *zone_with_addresses(struct text *zone, const char *owner, size_t count)
{
	text_clear(zone);
	for (size_t i = 0; i < count; i++) {
		text_format(zone, "%s A 10.0.%zu.%zu\n", owner, i >> 8, i & 255);
	}
	return text_string(zone);
}

TEST(rrset_that_fits_no_message_is_told_and_one_that_just_fits_is_not)
{
	struct text zone;
	text_init(&zone, 1 << 20);
	expect_nothing(zone_with_addresses(&zone, "big", 4094));
	expect_warning(zone_with_addresses(&zone, "big", 4095),
	               "big.example. A: 4095 records of 65520 octets do not fit");
	expect_nothing(zone_with_addresses(&zone, "biggr", 4094));
	expect_warning(zone_with_addresses(&zone, "bigger", 4094),
	               "bigger.example. A: 4094 records of 65504 octets do not fit");
	text_deinit(&zone);
}
