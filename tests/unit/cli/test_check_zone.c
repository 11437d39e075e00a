/* SPDX-License-Identifier: MIT */
/* `tandem check zone`: what it says, where, and how it exits. */
#include "cli_help.h"

#include "base/file.h"

static const char good_zone[] = "$TTL 300\n"
                                "@ SOA ns admin 5 7200 900 1209600 300\n"
                                "@ NS ns\n"
                                "ns A 192.0.2.1\n"
                                "b TXT x\n"
                                "B.a A 192.0.2.2\n";

static const char *put(const char *content)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/z.zone", unit_folder());
	assert_true(file_replace(path, content, strlen(content), NULL));
	return path;
}

static const struct printed *check(const char *content, const char *options)
{
	char words[400];
	snprintf(words, sizeof words, "check zone example.org %s %s", put(content), options);
	return run_cli(words);
}

TEST(good_zone_is_exit_0_and_told_in_a_line)
{
	const struct printed *printed = check(good_zone, "");
	assert_string_equal(printed->error, "");
	assert_string_equal(printed->out, "zone example.org: serial 5, 5 records, 4 names; good, 0 warnings\n");
	assert_int_equal(printed->status, 0);
}

TEST(warnings_are_told_on_stderr_and_are_exit_0)
{
	char zone[400];
	snprintf(zone, sizeof zone, "%sx.test. A 192.0.2.1\n", good_zone);
	const struct printed *printed = check(zone, "");
	expect_part(printed->error, "z.zone:7:1: warning: 'x.test.' is outside of the zone");
	expect_part(printed->out, "good, 1 warning\n");
	assert_int_equal(printed->status, 0);
}

TEST(errors_are_told_with_their_places_and_are_exit_1)
{
	char zone[400];
	snprintf(zone, sizeof zone, "%sx A 1\ny BOGUS\n", good_zone);
	const struct printed *printed = check(zone, "");
	expect_part(printed->error, "z.zone:7:5: error: A: ");
	expect_part(printed->error, "z.zone:8:3: error: 'BOGUS' is not a type\n");
	expect_part(printed->error, "zone example.org: refused: 2 errors, 0 warnings\n");
	assert_string_equal(printed->out, "");
	assert_int_equal(printed->status, 1);
}

TEST(fault_of_the_whole_zone_is_exit_1_unless_lenient)
{
	char zone[400];
	snprintf(zone, sizeof zone, "%sb CNAME a\n", good_zone);
	const struct printed *printed = check(zone, "");
	expect_part(printed->error, "error: b.example.org. CNAME: TXT at the same name");
	assert_int_equal(printed->status, 1);
	printed = check(zone, "--lenient");
	expect_part(printed->error, "warning: b.example.org. CNAME: TXT at the same name");
	assert_int_equal(printed->status, 0);
}

TEST(zone_without_soa_and_missing_file_are_exit_1)
{
	const struct printed *printed = check("@ 1 NS a\n", "");
	expect_part(printed->error, "SOA");
	assert_int_equal(printed->status, 1);
	printed = run_cli("check zone example.org /nowhere/z");
	expect_part(printed->error, "error: /nowhere/z: No such file or directory\n");
	assert_int_equal(printed->status, 1);
}

TEST(dump_has_each_record_in_canonical_order_with_rdata_in_hex)
{
	const struct printed *printed = check(good_zone, "--dump-hex");
	assert_string_equal(
	        printed->out,
	        "example.org. IN 300 NS 026E73076578616D706C65036F726700\n"
	        "example.org. IN 300 SOA 026E73076578616D706C65036F7267000561646D696E076578616D706C65036F726700"
	        "0000000500001C2000000384001275000000012C\n"
	        "B.a.example.org. IN 300 A C0000202\n"
	        "b.example.org. IN 300 TXT 0178\n"
	        "ns.example.org. IN 300 A C0000201\n");
	assert_string_equal(printed->error, "");
	assert_int_equal(printed->status, 0);
}

TEST(zonemd_must_be_there_and_right_when_asked_for)
{
	static const char zone[] =
	        "@ 86400 SOA ns1 admin 2018031900 1800 900 604800 86400\n"
	        " NS ns1\n NS ns2\n"
	        " ZONEMD 2018031900 1 1 c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9"
	        "a9713b3c9ae5cc27777f98b8e730044c\n"
	        "ns1 3600 A 203.0.113.63\nns2 3600 AAAA 2001:db8::63\n";
	char words[400];
	const struct printed *printed = check(good_zone, "--zonemd");
	expect_part(printed->error, "error: the zone has no ZONEMD");
	assert_int_equal(printed->status, 1);
	snprintf(words, sizeof words, "check zone example %s --zonemd", put(zone));
	printed = run_cli(words);
	expect_part(printed->out, "ZONEMD verified");
	assert_int_equal(printed->status, 0);
	printed = check(zone, "--zonemd");
	expect_part(printed->error, "error: the digest of the zone is not the one in its ZONEMD");
	assert_int_equal(printed->status, 1);
}

TEST(json_has_result_and_problems)
{
	char zone[400];
	snprintf(zone, sizeof zone, "%sx.test. A 192.0.2.1\n", good_zone);
	const struct printed *printed = check(zone, "--json");
	expect_part(printed->out, "\"good\": true");
	expect_part(printed->out, "\"serial\": 5");
	expect_part(printed->out, "\"line\": 7");
	assert_string_equal(printed->error, "");
}

TEST(wrong_usage_is_exit_2)
{
	assert_int_equal(run_cli("check zone")->status, 2);
	assert_int_equal(run_cli("check zone example.org")->status, 2);
	assert_int_equal(run_cli("check zone a..b /dev/null")->status, 2);
	assert_int_equal(run_cli("check zone a b c")->status, 2);
	assert_int_equal(run_cli("check zone a b --bogus")->status, 2);
}
