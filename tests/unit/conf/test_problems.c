/* SPDX-License-Identifier: MIT */
#include "conf_help.h"

#include <stdlib.h>

#define ZONE "zones: [{name: example.org, file: z}]\n"

TEST(unknown_option_suggests_the_nearest_one)
{
	expect_problems("server:\n  lisen: [127.0.0.1]\n" ZONE,
	                "t.yaml:2:3: unknown option `lisen` in server: did you mean `listen`?\n");
	expect_problems("server: {data_dir: x}\n" ZONE,
	                "t.yaml:1:10: unknown option `data_dir` in server: did you mean `data-dir`?\n");
	expect_problems("server: {colour: x}\n" ZONE, "t.yaml:1:10: unknown option `colour` in server\n");
	expect_problems("zones:\n  - name: a\n    file: a\n    alow-transfer: []\n",
	                "t.yaml:4:5: unknown option `alow-transfer` in a zone: did you mean `allow-transfer`?\n");
	expect_problems("zone:\n  - name: a\n", "t.yaml:1:1: unknown section `zone`: did you mean `zones`?\n");
}

TEST(words_of_other_servers_are_translated)
{
	expect_problems("zones:\n  - {name: a, masters: [192.0.2.1]}\n",
	                "t.yaml:2:15: unknown option `masters` in a zone: here it is called `primaries`\n");
}

TEST(option_in_the_wrong_section_is_sent_home)
{
	expect_problems("server:\n  allow-query: any\n" ZONE,
	                "t.yaml:2:3: `allow-query` does not belong in server, but in a zone or group\n");
	expect_problems("listen: []\n" ZONE, "t.yaml:1:1: `listen` belongs under `server:`\n");
}

TEST(several_problems_are_told_in_one_run)
{
	expect_problems("server:\n"
	                "  workers: many\n"
	                "  edns-payload: 100\n"
	                "zones:\n"
	                "  - {name: a..b, file: x}\n"
	                "  - {name: c}\n",
	                "t.yaml:2:12: workers: expected a whole number from 0 to 256, found 'many'\n"
	                "t.yaml:3:17: edns-payload: expected a whole number from 512 to 4096, found '100'\n"
	                "t.yaml:5:12: name 'a..b' has an empty label\n"
	                "t.yaml:6:5: zone c. needs `file` (a primary) or `primaries` (a secondary)\n");
}

TEST(problems_beyond_the_limit_are_counted_only)
{
	struct text text;
	struct conf_report report;
	text_init(&text, 100000);
	conf_report_init(&report);
	text_add_string(&text, "zones:\n");
	for (int i = 0; i < 200; i++) {
		text_format(&text, "  - {name: z%d}\n", i);
	}
	assert_null(conf_read_text(text.chars, text.len, "t.yaml", "/", &report));
	assert_int_equal(report.problem_count, 200);
	size_t lines = 0;
	for (const char *at = text_string(&report.lines); *at != '\0'; at++) {
		lines += *at == '\n';
	}
	assert_int_equal(lines, CONF_PROBLEMS_SHOWN);
	conf_report_deinit(&report);
	text_deinit(&text);
}

TEST(duplicates_name_the_first_one)
{
	expect_problems("server:\n  workers: 1\n  workers: 2\n" ZONE,
	                "t.yaml:3:3: `workers` is there twice; first at line 2\n");
	expect_problems("zones:\n  - {name: a.example, file: a}\n  - {name: A.example., file: b}\n",
	                "t.yaml:3:12: zone a.example. is there twice; first at line 2\n");
	expect_problems("peers:\n  - {name: p, address: 192.0.2.1}\n  - {name: p, address: 192.0.2.2}\n",
	                "t.yaml:3:12: peer p is there twice; first at line 2\n");
	expect_problems("groups:\n  - {name: g}\n  - {name: g}\n",
	                "t.yaml:3:12: group g is there twice; first at line 2\n");
	expect_problems("server: {}\nserver: {}\n", "t.yaml:2:1: `server` is there twice; first at line 1\n");
	expect_problems("server: {listen: [127.0.0.1, 127.0.0.1@53]}\n",
	                "t.yaml:1:30: listen: '127.0.0.1@53' is there twice\n");
	expect_problems("peers: [{name: p, address: 192.0.2.1}]\n"
	                "zones: [{name: a, primaries: [192.0.2.1, p]}]\n",
	                "t.yaml:2:42: primaries: 'p' is 192.0.2.1@53, which is there already\n");
}

TEST(wrong_kinds_say_what_was_expected)
{
	expect_problems("server: [1]\n", "t.yaml:1:9: server: expected a map, found a list\n");
	expect_problems("zones: {name: a}\n", "t.yaml:1:8: zones: expected a list, found a map\n");
	expect_problems("zones: [a]\n", "t.yaml:1:9: a zone: expected a map, found a value\n");
	expect_problems("server:\n  workers: [1]\n",
	                "t.yaml:2:12: workers: expected a whole number from 0 to 256, found a list\n");
	expect_problems("server:\n  listen: [{a: b}]\n",
	                "t.yaml:2:12: listen: expected an address in this list, found a map\n");
	expect_problems("zones:\n  - {name: a, file: }\n", "t.yaml:2:15: `file` has no value\n");
	expect_problems("- a\n", "t.yaml:1:1: expected `server:`, `zones:` and so on, found a list\n");
	expect_problems("", "t.yaml: it is empty; it needs at least `zones:` or `server:`\n");
}

TEST(bad_values_are_refused)
{
	expect_problems("zones:\n  - {name: a, file: a, refresh-min: soon}\n",
	                "t.yaml:2:37: refresh-min: expected a duration from 1s to 3550w, found 'soon'\n");
	expect_problems("zones:\n  - {name: a, file: a, lower-serial: accept-after}\n",
	                "t.yaml:2:38: lower-serial: expected refuse, accept, or accept-after and a duration, found "
	                "'accept-after'\n");
	expect_problems("zones:\n  - {name: a, file: a, lower-serial: accept-after 10ms}\n",
	                "t.yaml:2:38: lower-serial: expected refuse, accept, or accept-after and a duration, found "
	                "'accept-after 10ms'\n");
	expect_problems("zones:\n  - {name: a, file: a, notify-ns: perhaps}\n",
	                "t.yaml:2:35: notify-ns: expected on or off, found 'perhaps'\n");
	expect_problems("zones:\n  - {name: a, file: a, serial: unixtme}\n",
	                "t.yaml:2:32: serial: 'unixtme' is unknown: did you mean 'unixtime'?\n");
	expect_problems("zones:\n  - {name: a, file: a, max-zone-size: 64KB}\n",
	                "t.yaml:2:39: max-zone-size: expected a size from 512 to 1T, found '64KB'\n");
	expect_problems("zones:\n  - {name: a, file: a, refresh-min: 500ms}\n",
	                "t.yaml:2:37: refresh-min: expected a duration from 1s to 3550w, found '500ms'\n");
	expect_problems(
	        "server: {workers: 99999999999999999999999}\n",
	        "t.yaml:1:19: workers: expected a whole number from 0 to 256, found '99999999999999999999999'\n");
	expect_problems("zones: [{name: a, file: a, query-source: [127.0.0.1, 127.0.0.2]}]\n",
	                "t.yaml:1:54: query-source: '127.0.0.2' is a second address of its family\n");
	expect_problems("server: {nsid: 0xabc}\n",
	                "t.yaml:1:16: nsid: expected a text or 0x and hex digits, at most 128 octets, found '0xabc'\n");
	expect_problems("server: {nsid: 0x}\n",
	                "t.yaml:1:16: nsid: expected a text or 0x and hex digits, at most 128 octets, found '0x'\n");
	expect_problems("server: {nsid: \"\"}\n", "t.yaml:1:10: `nsid` has no value\n");
}

TEST(minimum_above_its_maximum_is_refused)
{
	expect_problems("zones:\n  - {name: a, file: a, refresh-min: 5h, refresh-max: 1h}\n",
	                "t.yaml:2:37: refresh-min is 5h, which is more than refresh-max, 1h\n");
	expect_problems("groups: [{name: g, retry-max: 10}]\nzones:\n  - {name: a, file: a, group: g, retry-min: 1m}\n",
	                "t.yaml:3:45: retry-min is 1m, which is more than retry-max, 10s\n");
}

TEST(names_that_nobody_defined_are_refused)
{
	expect_problems(
	        "peers: [{name: ns1, address: 192.0.2.1}]\nzones: [{name: a, primaries: [ns2]}]\n",
	        "t.yaml:2:31: primaries: there is no peer 'ns2', and it is no ADDR[@PORT]: did you mean 'ns1'?\n");
	expect_problems("zones: [{name: a, file: a, group: hosted}]\n",
	                "t.yaml:1:35: group: there is no group 'hosted' under `groups:`\n");
	expect_problems("zones: [{name: a, file: a, allow-query: [{peer: x}]}]\n",
	                "t.yaml:1:49: peer: there is no peer 'x' under `peers:`\n");
}

#define KEY_K "keys: [{name: k, algorithm: hmac-sha256, secret: AAAA}]\n"

TEST(key_that_nobody_defined_is_refused)
{
	expect_problems(KEY_K "peers: [{name: p, address: 192.0.2.1, key: j}]\n",
	                "t.yaml:2:44: key: there is no key 'j' under `keys:`\n");
	expect_problems(
	        "keys: [{name: xfr.example, algorithm: hmac-sha256, secret: AAAA}]\n"
	        "zones: [{name: a, file: a, allow-transfer: [{key: [xfr.exampel]}]}]\n",
	        "t.yaml:2:52: key: there is no key 'xfr.exampel' under `keys:`: did you mean 'xfr.example.'?\n");
	expect_problems(KEY_K "peers: [{name: p, address: 192.0.2.1, key: []}]\n",
	                "t.yaml:2:44: key: the list is empty; leave it out where no key is needed\n");
}

TEST(key_has_its_secret_in_one_place)
{
	expect_problems("keys: [{name: k, algorithm: hmac-sha256}]\n", "t.yaml:1:8: a key needs `secret` or `file`\n");
	expect_problems("keys: [{name: k, algorithm: hmac-sha256, secret: AAAA, file: k.key}]\n",
	                "t.yaml:1:8: a key needs `secret` or `file`, not both\n");
	expect_problems("keys: [{name: k, secret: AAAA}]\n", "t.yaml:1:8: a key needs `algorithm`\n");
}

TEST(key_that_is_wrong_is_told_once)
{
	expect_problems(
	        "keys: [{name: k, algorithm: hmac-sha256}]\npeers: [{name: p, address: 192.0.2.1, key: k}]\n"
	        "zones: [{name: a, file: a, allow-transfer: [{key: k}, {peer: p}], notify: p}, {name: b, file: b}]\n",
	        "t.yaml:1:8: a key needs `secret` or `file`\n");
}

TEST(md5_is_refused_unless_it_is_allowed)
{
	expect_problems(
	        "keys: [{name: k, algorithm: hmac-md5, secret: AAAA}]\n",
	        "t.yaml:1:8: key k.: hmac-md5 is refused; if the other side knows nothing better, `server:` needs "
	        "`allow-hmac-md5: on`\n");
	conf_unref(conf_of("server: {allow-hmac-md5: on}\nkeys: [{name: k, algorithm: hmac-md5, secret: AAAA}]\n"));
}

TEST(mac_may_not_be_cut_below_half)
{
	expect_problems("keys: [{name: k, algorithm: hmac-sha256, secret: AAAA, mac-length: 15}]\n",
	                "t.yaml:1:8: key k.: a MAC of hmac-sha256 has 16 to 32 octets, not 15\n");
	expect_problems("keys: [{name: k, algorithm: hmac-sha256, secret: AAAA, mac-length: 33}]\n",
	                "t.yaml:1:8: key k.: a MAC of hmac-sha256 has 16 to 32 octets, not 33\n");
}

TEST(problems_of_secrets_do_not_show_them)
{
	expect_problems("keys: [{name: k, algorithm: hmac-sha256, secret: 'hush!'}]\n",
	                "t.yaml:1:50: secret: expected base64 of 1 to 1024 octets, padded with =\n");
	expect_problems("keys: [{name: k, algorithm: hmac-sha256, secret: 'AAB='}]\n",
	                "t.yaml:1:50: secret: expected base64 of 1 to 1024 octets, padded with =\n");
	expect_problems(
	        "keys: [{name: k, algorithm: sha256, secret: AAAA}]\n",
	        "t.yaml:1:29: algorithm: expected one of hmac-md5, hmac-sha1, hmac-sha224, hmac-sha256, "
	        "hmac-sha256-128, hmac-sha384, hmac-sha384-192, hmac-sha512, hmac-sha512-256, found 'sha256'\n");
}

TEST(access_rules_are_checked)
{
	expect_problems(
	        "zones: [{name: a, file: a, allow-query: [192.0.2.1/24]}]\n",
	        "t.yaml:1:42: allow-query: '192.0.2.1/24' has bits set after its length; did you mean 192.0.2.0/24?\n");
	expect_problems("zones: [{name: a, file: a, allow-query: [{}]}]\n",
	                "t.yaml:1:42: an access rule without a condition; write `any` for everybody\n");
	expect_problems("zones: [{name: a, file: a, allow-query: [{from: []}]}]\n",
	                "t.yaml:1:49: from: the list is empty, so this rule would never hold\n");
	expect_problems("peers: [{name: p, address: 192.0.2.1}]\n"
	                "zones: [{name: a, file: a, allow-query: [p, {peer: p, from: any}]}]\n",
	                "t.yaml:2:42: allow-query: a rule that holds for a peer is written {peer: p}\n"
	                "t.yaml:2:45: an access rule with `peer` may name nothing else; use `from` and `key`\n");
}

TEST(copy_of_a_secondary_needs_a_file_of_its_own)
{
	expect_problems(
	        "zones:\n  - {name: a, file: z}\n  - {name: b, file: ./z, primaries: 192.0.2.1}\n",
	        "t.yaml:3:21: file: /etc/tandem/z is also the file of zone a.; the copy of a secondary needs a file "
	        "of its own\n");
}

TEST(broken_yaml_has_line_and_column)
{
	expect_problems(
	        "server:\n  listen: [127.0.0.1\nzones: []\n",
	        "t.yaml:3:6: not YAML: did not find expected ',' or ']' while parsing a flow sequence that began at "
	        "line 2\n");
	expect_problems(
	        "server:\n\tworkers: 1\n",
	        "t.yaml:2:1: not YAML: found character that cannot start any token while scanning for the next token "
	        "that began at line 2; indent with spaces, and put quotes around a value that begins with @, `, % or "
	        "a tab\n");
	expect_problems("server: {listen: \xff}\n", "t.yaml: not UTF-8 text: invalid leading UTF-8 octet at byte 17\n");
}

TEST(yaml_that_can_explode_is_refused)
{
	expect_problems("a: &x [1]\nb: *x\n",
	                "t.yaml:1:4: an anchor (&x): settings that zones share go into a group instead\n");
	expect_problems(
	        "server: {nsid: *x}\n",
	        "t.yaml:1:16: an alias (*x): settings that zones share go into a group instead; a value that begins "
	        "with * needs quotes\n");
	expect_problems("server: !!map {}\n",
	                "t.yaml:1:9: a tag (tag:yaml.org,2002:map): every option knows its own type; remove it\n");
	expect_problems("a: 1\n---\nb: 1\n", "t.yaml:2:1: a second document; one is expected\n");
	expect_problems("[[[[[[[[[[[[[[1]]]]]]]]]]]]]]\n", "t.yaml:1:14: nested deeper than 12 levels\n");
}

TEST(problem_is_one_line_of_printable_text)
{
	expect_problems("server: {workers: \"a\\nb\\e[31m\"}\n",
	                "t.yaml:1:19: workers: expected a whole number from 0 to 256, found 'a\\x0ab\\x1b[31m'\n");
	expect_problems("server: {nsid: \"a\\0b\"}\n", "t.yaml:1:16: a NUL character inside a value\n");
}

TEST(missing_file_is_a_problem)
{
	struct conf_report report;
	conf_report_init(&report);
	assert_null(conf_read_file("/nowhere/t.yaml", &report));
	assert_int_equal(report.problem_count, 1);
	assert_non_null(strstr(text_string(&report.lines), "/nowhere/t.yaml"));
	assert_non_null(strstr(text_string(&report.lines), "No such file"));
	conf_report_deinit(&report);
}

TEST(socket_path_that_no_socket_can_have_is_refused)
{
	char text[300];
	snprintf(text, sizeof text, "server: {control: /%0120d}\n", 1);
	struct conf_report report;
	conf_report_init(&report);
	assert_null(conf_read_text(text, strlen(text), "t.yaml", "/", &report));
	assert_non_null(strstr(text_string(&report.lines), "t.yaml:1:19: control: "));
	assert_non_null(
	        strstr(text_string(&report.lines), "has 121 characters, but the path of a UNIX socket may have 107"));
	conf_report_deinit(&report);
}
