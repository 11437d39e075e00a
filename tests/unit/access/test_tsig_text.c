/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "access/tsig.h"
#include "dns/name.h"

static struct tsig_written read_right(const char *text)
{
	struct tsig_written written;
	struct error error;
	if (!tsig_key_read(text, strlen(text), &written, &error)) {
		fail_msg("'%s': %s", text, error.text);
	}
	return written;
}

static void expect_key(const char *text, const char *name, enum tsig_algorithm algorithm, size_t mac_len)
{
	char shown[DNS_NAME_TEXT_MAX];
	struct tsig_written written = read_right(text);
	assert_string_equal(dns_name_to_text(written.name.wire, shown), name);
	assert_int_equal(written.algorithm, algorithm);
	assert_int_equal(written.mac_len, mac_len);
	assert_int_equal(written.secret_len, 4);
	assert_memory_equal(written.secret, "\1\2\3\xff", 4);
}

TEST(key_is_read_as_dig_takes_it)
{
	expect_key("hmac-sha256:xfr.example:AQID/w==", "xfr.example.", TSIG_HMAC_SHA256, 0);
	expect_key(" HMAC-SHA1:XFR.example.:AQID/w==\n", "xfr.example.", TSIG_HMAC_SHA1, 0);
	expect_key("hmac-md5:.:AQID/w==", ".", TSIG_HMAC_MD5, 0);
}

TEST(number_behind_a_hash_cuts_the_mac_as_for_bind)
{
	expect_key("hmac-sha256-128:k:AQID/w==", "k.", TSIG_HMAC_SHA256, 16);
	expect_key("key k { algorithm hmac-sha512-256; secret \"AQID/w==\"; };", "k.", TSIG_HMAC_SHA512, 32);
}

TEST(key_is_read_as_tools_of_bind_write_it)
{
	expect_key("key \"xfr.example\" {\n\talgorithm hmac-sha384;\n\tsecret \"AQID/w==\";\n};\n", "xfr.example.",
	           TSIG_HMAC_SHA384, 0);
	expect_key("# a\n// b\n/* c\n d */ KEY Xfr.Example{secret AQID/w==;algorithm \"hmac-sha224\";}; # e",
	           "xfr.example.", TSIG_HMAC_SHA224, 0);
}

TEST(what_is_no_key_is_refused_and_never_shows_a_secret)
{
	static const char *const wrong[] = {
	        "",
	        "AQID/w==",
	        "hmac-sha256:AQID/w==",
	        "hmac-sha256:k:",
	        "hmac-sha256:k:AQID/w=",
	        "hmac-sha256:k:AQID/w==:",
	        "hmac-sha255:k:AQID/w==",
	        "hmac-sha256-:k:AQID/w==",
	        "hmac-sha256-12:k:AQID/w==",
	        "hmac-sha256-99999999999999999999:k:AQID/w==",
	        "hmac-sha256:a..b:AQID/w==",
	        "key",
	        "key \"k",
	        "key k {",
	        "key k { algorithm hmac-sha256; };",
	        "key k { secret \"AQID/w==\"; };",
	        "key k { algorithm hmac-sha256; secret \"AQID/w==\" };",
	        "key k { algorithm hmac-sha256; secret \"AQID/w==\"; }",
	        "key k { algorithm hmac-sha256; secret \"AQID/w==\"; }; key l { };",
	        "key k { algorithm hmac-sha256; algorithm hmac-sha256; secret \"AQID/w==\"; };",
	        "key k { secret \"AQID/w==\"; algorithm nonsense; };",
	        "key k { algorithm hmac-sha256; secret \"AQID/w==; };",
	        "key k { algorithm hmac-sha256; /* secret \"AQID/w==\"; };",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct tsig_written written;
		struct error error;
		if (tsig_key_read(wrong[i], strlen(wrong[i]), &written, &error)) {
			fail_msg("'%s' was taken", wrong[i]);
		}
		if (strstr(error.text, "AQID") != NULL) {
			fail_msg("'%s' shows the secret: %s", wrong[i], error.text);
		}
	}
}

TEST(what_is_written_reads_back)
{
	struct text text;
	struct error error;
	text_init(&text, 4096);
	struct tsig_written written = read_right("hmac-sha512:a\\\"b.example:AQID/w==");
	tsig_key_write(&written, &text);
	struct tsig_written back = read_right(text_string(&text));
	const struct tsig_key *first = tsig_key_of(&written, &error);
	const struct tsig_key *second = tsig_key_of(&back, &error);
	assert_true(tsig_key_equal(first, second));
	tsig_key_unref(first);
	tsig_key_unref(second);
	text_deinit(&text);
}

TEST(algorithms_have_names)
{
	for (int i = 0; i < TSIG_ALGORITHMS; i++) {
		enum tsig_algorithm algorithm;
		assert_true(tsig_algorithm_from_text(tsig_algorithm_name((enum tsig_algorithm)i), &algorithm));
		assert_int_equal(algorithm, i);
	}
	enum tsig_algorithm none;
	assert_false(tsig_algorithm_from_text("hmac-sha3", &none));
}
