/* SPDX-License-Identifier: MIT */
/* RFC 8976: its examples, and what makes a digest useless. */
#include "unit.h"

#include <stdio.h>

#include "base/quiescent.h"
#include "publish/zonemd.h"
#include "zone_text.h"

#define SIMPLE_DIGEST "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c"

/* Appendix A.1. */
static const char simple_head[] = "example.      86400  IN  SOA     ns1 admin 2018031900 (\n"
                                  "                                 1800 900 604800 86400 )\n"
                                  "              86400  IN  NS      ns1\n"
                                  "              86400  IN  NS      ns2\n";
static const char simple_tail[] = "ns1           3600   IN  A       203.0.113.63\n"
                                  "ns2           3600   IN  AAAA    2001:db8::63\n";

/* Appendix A.2. */
static const char complex_zone[] = "example.      86400  IN  SOA     ns1 admin 2018031900 (\n"
                                   "                                 1800 900 604800 86400 )\n"
                                   "              86400  IN  NS      ns1\n"
                                   "              86400  IN  NS      ns2\n"
                                   "              86400  IN  ZONEMD  2018031900 1 1 (\n"
                                   "                                 a3b69bad980a3504\n"
                                   "                                 e1cffcb0fd6397f9\n"
                                   "                                 3848071c93151f55\n"
                                   "                                 2ae2f6b1711d4bd2\n"
                                   "                                 d8b39808226d7b9d\n"
                                   "                                 b71e34b72077f8fe )\n"
                                   "ns1           3600   IN  A       203.0.113.63\n"
                                   "NS2           3600   IN  AAAA    2001:db8::63\n"
                                   "occluded.sub  7200   IN  TXT     \"I'm occluded but must be digested\"\n"
                                   "sub           7200   IN  NS      ns1\n"
                                   "duplicate     300    IN  TXT     \"I must be digested just once\"\n"
                                   "duplicate     300    IN  TXT     \"I must be digested just once\"\n"
                                   "foo.test.     555    IN  TXT     \"out-of-zone data must be excluded\"\n"
                                   "UPPERCASE     3600   IN  TXT     \"canonicalize uppercase owner names\"\n"
                                   "*             777    IN  PTR     dont-forget-about-wildcards\n"
                                   "mail          3600   IN  MX      20 MAIL1\n"
                                   "mail          3600   IN  MX      10 Mail2.Example.\n"
                                   "sortme        3600   IN  AAAA    2001:db8::5:61\n"
                                   "sortme        3600   IN  AAAA    2001:db8::3:62\n"
                                   "sortme        3600   IN  AAAA    2001:db8::4:63\n"
                                   "sortme        3600   IN  AAAA    2001:db8::1:65\n"
                                   "sortme        3600   IN  AAAA    2001:db8::2:64\n"
                                   "non-apex      900    IN  ZONEMD  2018031900 1 1 (\n"
                                   "                                 616c6c6f77656420\n"
                                   "                                 6275742069676e6f\n"
                                   "                                 7265642e20616c6c\n"
                                   "                                 6f77656420627574\n"
                                   "                                 2069676e6f726564\n"
                                   "                                 2e20616c6c6f7765 )\n";

/* Appendix A.3. */
static const char several_zone[] = "example.      86400  IN  SOA     ns1 admin 2018031900 (\n"
                                   "                                 1800 900 604800 86400 )\n"
                                   "example.      86400  IN  NS      ns1.example.\n"
                                   "example.      86400  IN  NS      ns2.example.\n"
                                   "example.      86400  IN  ZONEMD  2018031900 1 1 (\n"
                                   "                                 62e6cf51b02e54b9\n"
                                   "                                 b5f967d547ce4313\n"
                                   "                                 6792901f9f88e637\n"
                                   "                                 493daaf401c92c27\n"
                                   "                                 9dd10f0edb1c56f8\n"
                                   "                                 080211f8480ee306 )\n"
                                   "example.      86400  IN  ZONEMD  2018031900 1 2 (\n"
                                   "                                 08cfa1115c7b948c\n"
                                   "                                 4163a901270395ea\n"
                                   "                                 226a930cd2cbcf2f\n"
                                   "                                 a9a5e6eb85f37c8a\n"
                                   "                                 4e114d884e66f176\n"
                                   "                                 eab121cb02db7d65\n"
                                   "                                 2e0cc4827e7a3204\n"
                                   "                                 f166b47e5613fd27 )\n"
                                   "example.      86400  IN  ZONEMD  2018031900 1 240 (\n"
                                   "                                 e2d523f654b9422a\n"
                                   "                                 96c5a8f44607bbee )\n"
                                   "example.      86400  IN  ZONEMD  2018031900 241 1 (\n"
                                   "                                 e1846540e33a9e41\n"
                                   "                                 89792d18d5d131f6\n"
                                   "                                 05fc283eaaaaaaaa\n"
                                   "                                 aaaaaaaaaaaaaaaa\n"
                                   "                                 aaaaaaaaaaaaaaaa\n"
                                   "                                 aaaaaaaaaaaaaaaa)\n"
                                   "ns1.example.  3600   IN  A       203.0.113.63\n"
                                   "ns2.example.  86400  IN  TXT     \"This example has multiple digests\"\n"
                                   "NS2.EXAMPLE.  3600   IN  AAAA    2001:db8::63\n";

static struct error why;

static enum publish_zonemd verify(const char *text)
{
	const struct zone_snapshot *zone = zone_of_text("example.", 0, text);
	enum publish_zonemd found = publish_verify_zonemd(zone, &why);
	zone_unref(zone);
	quiescent_drain();
	return found;
}

/* The zone of appendix A.1 with these records between SOA and addresses. */
static enum publish_zonemd verify_simple(const char *between)
{
	char text[4096];
	snprintf(text, sizeof text, "%s%s%s", simple_head, between, simple_tail);
	return verify(text);
}

TEST(simple_zone_of_rfc_8976_verifies)
{
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031900 1 1 " SIMPLE_DIGEST "\n"), PUBLISH_ZONEMD_GOOD);
	assert_int_equal(why.code, ERROR_NONE);
}

TEST(complex_zone_of_rfc_8976_verifies)
{
	assert_int_equal(verify(complex_zone), PUBLISH_ZONEMD_GOOD);
}

TEST(zone_with_several_digests_of_rfc_8976_verifies_by_both_algorithms)
{
	static const uint8_t sha384[] = {0x62, 0xe6, 0xcf, 0x51, 0xb0, 0x2e, 0x54, 0xb9};
	static const uint8_t sha512[] = {0x08, 0xcf, 0xa1, 0x11, 0x5c, 0x7b, 0x94, 0x8c};
	uint8_t digest[PUBLISH_ZONEMD_MAX];
	const struct zone_snapshot *zone = zone_of_text("example.", 0, several_zone);
	assert_int_equal(publish_verify_zonemd(zone, &why), PUBLISH_ZONEMD_GOOD);
	assert_int_equal(publish_zonemd_digest(zone, PUBLISH_ZONEMD_SHA384, digest), 48);
	assert_memory_equal(digest, sha384, sizeof sha384);
	assert_int_equal(publish_zonemd_digest(zone, PUBLISH_ZONEMD_SHA512, digest), 64);
	assert_memory_equal(digest, sha512, sizeof sha512);
	zone_unref(zone);
	quiescent_drain();
}

TEST(zone_without_zonemd_has_none)
{
	assert_int_equal(verify_simple(""), PUBLISH_ZONEMD_NONE);
	assert_int_equal(why.code, ERROR_NOT_FOUND);
}

TEST(any_change_is_noticed)
{
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031900 1 1 " SIMPLE_DIGEST "\nx 1 A 192.0.2.1\n"),
	                 PUBLISH_ZONEMD_BAD);
	assert_non_null(strstr(why.text, "something was changed"));
}

TEST(digest_of_another_serial_is_bad)
{
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031901 1 1 " SIMPLE_DIGEST "\n"), PUBLISH_ZONEMD_BAD);
	assert_non_null(strstr(why.text, "serial 2018031901"));
}

TEST(unknown_scheme_or_algorithm_only_is_unsupported)
{
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031900 240 1 " SIMPLE_DIGEST "\n"),
	                 PUBLISH_ZONEMD_UNSUPPORTED);
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031900 1 240 " SIMPLE_DIGEST "\n"),
	                 PUBLISH_ZONEMD_UNSUPPORTED);
}

TEST(repeated_scheme_and_algorithm_is_bad)
{
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031900 1 1 " SIMPLE_DIGEST "\n"
	                               "@ 86400 ZONEMD 2018031901 1 1 " SIMPLE_DIGEST "\n"),
	                 PUBLISH_ZONEMD_BAD);
	assert_non_null(strstr(why.text, "same scheme"));
}

TEST(one_digest_that_verifies_is_enough)
{
	char text[1024];
	char wrong[129];
	memset(wrong, 'a', 128);
	wrong[128] = '\0';
	snprintf(text, sizeof text, "@ 86400 ZONEMD 2018031900 1 1 %s\n@ 86400 ZONEMD 2018031900 1 2 %s\n",
	         SIMPLE_DIGEST, wrong);
	assert_int_equal(verify_simple(text), PUBLISH_ZONEMD_GOOD);
}

TEST(signature_of_the_zonemd_is_left_out_and_other_signatures_are_not)
{
	assert_int_equal(
	        verify_simple("@ 86400 ZONEMD 2018031900 1 1 " SIMPLE_DIGEST "\n"
	                      "@ 86400 RRSIG ZONEMD 13 1 86400 20300101000000 20200101000000 1 example. AAAA\n"),
	        PUBLISH_ZONEMD_GOOD);
	assert_int_equal(verify_simple("@ 86400 ZONEMD 2018031900 1 1 " SIMPLE_DIGEST "\n"
	                               "@ 86400 RRSIG SOA 13 1 86400 20300101000000 20200101000000 1 example. AAAA\n"),
	                 PUBLISH_ZONEMD_BAD);
}

TEST(generic_form_and_implied_ttl_make_no_difference)
{
	assert_int_equal(verify_simple("@ 86400 TYPE63 \\# 54 7848B91C 01 01 " SIMPLE_DIGEST "\n"),
	                 PUBLISH_ZONEMD_GOOD);
	assert_int_equal(verify_simple(" ZONEMD 2018031900 1 1 " SIMPLE_DIGEST "\n"), PUBLISH_ZONEMD_GOOD);
}
