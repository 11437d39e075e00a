/* SPDX-License-Identifier: MIT */
#include "conf_help.h"

static struct conf *from_flags(const struct conf_flag *flags, size_t count, const char *problems)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_from_flags(flags, count, "/home/op", &report);
	assert_string_equal(text_string(&report.lines), problems);
	conf_report_deinit(&report);
	return conf;
}

TEST(flags_alone_make_a_configuration)
{
	const struct conf_flag flags[] = {
	        {CONF_FLAG_ZONE, "example.org=zones/e.zone"},
	        {CONF_FLAG_FOLLOW, ".=192.0.2.1@5301"},
	        {CONF_FLAG_FOLLOW, ".=2001:db8::1"},
	        {CONF_FLAG_ALLOW_TRANSFER, "127.0.0.0/8"},
	        {CONF_FLAG_ALLOW_TRANSFER, "::1"},
	        {CONF_FLAG_NOTIFY, "127.0.0.1@5302"},
	        {CONF_FLAG_LISTEN, "127.0.0.1@5300"},
	        {CONF_FLAG_LISTEN, "::1@5300"},
	        {CONF_FLAG_DATA_DIR, "d"},
	        {CONF_FLAG_CONTROL, "/run/t.sock"},
	};
	struct conf *conf = from_flags(flags, ARRAY_LENGTH(flags), "");
	assert_non_null(conf);
	assert_null(conf->path);
	assert_int_equal(conf->server.listen.count, 2);
	assert_string_equal(conf->server.data_dir, "/home/op/d");
	assert_string_equal(conf->server.control, "/run/t.sock");
	assert_int_equal(conf->zone_count, 2);
	assert_string_equal(conf->zones[0].file, "/home/op/zones/e.zone");
	assert_int_equal(conf->zones[0].options->allow[ACCESS_TRANSFER].rule_count, 2);
	assert_int_equal(conf->zones[0].options->notify.count, 1);
	assert_string_equal(conf->zones[1].name_text, ".");
	assert_int_equal(conf->zones[1].options->primaries.count, 2);
	assert_string_equal(address_text(&conf->zones[1].options->primaries.items[1].address), "2001:db8::1@53");
	assert_int_equal(conf->zones[1].options->notify.count, 1);
	assert_int_equal(conf->zones[1].line, 0);
	conf_unref(conf);
}

TEST(zone_and_follow_of_one_name_make_a_secondary_with_a_file)
{
	const struct conf_flag flags[] = {{CONF_FLAG_ZONE, "a=copy"}, {CONF_FLAG_FOLLOW, "a=192.0.2.1"}};
	struct conf *conf = from_flags(flags, 2, "");
	assert_int_equal(conf->zone_count, 1);
	assert_true(conf_zone_is_secondary(&conf->zones[0]));
	assert_string_equal(conf->zones[0].file, "/home/op/copy");
	conf_unref(conf);
}

TEST(problems_of_flags_name_the_flag)
{
	const struct conf_flag flags[] = {
	        {CONF_FLAG_ZONE, "example.org"},    {CONF_FLAG_FOLLOW, "b=nowhere"},
	        {CONF_FLAG_LISTEN, "localhost@53"}, {CONF_FLAG_ALLOW_TRANSFER, "10.0.0.1/8"},
	        {CONF_FLAG_ZONE, "a..b=f"},         {CONF_FLAG_DATA_DIR, "x"},
	        {CONF_FLAG_DATA_DIR, "y"},
	};
	assert_null(from_flags(
	        flags, ARRAY_LENGTH(flags),
	        "--zone example.org: write NAME=FILE\n"
	        "--listen localhost@53: listen: 'localhost@53' is not an IPv4 or IPv6 address (ADDR or ADDR@PORT)\n"
	        "--data-dir y: `data-dir` is there twice\n"
	        "--allow-transfer 10.0.0.1/8: allow-transfer: '10.0.0.1/8' has bits set after its length; "
	        "did you mean 10.0.0.0/8?\n"
	        "--follow b=nowhere: primaries: there is no peer 'nowhere' under `peers:`, and it is no "
	        "ADDR[@PORT]\n"
	        "--zone a..b=f: name 'a..b' has an empty label\n"));
}

TEST(no_zone_at_all_is_a_problem)
{
	assert_null(from_flags(NULL, 0,
	                       "no zone to serve: give --zone NAME=FILE, --follow NAME=ADDR[@PORT], or a configuration "
	                       "with -c FILE\n"));
}
