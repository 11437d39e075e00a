/* SPDX-License-Identifier: MIT */
#include "base/quiescent.h"
#include "dns/type.h"
#include "unit.h"
#include "zone_text.h"

static void end(const struct zone_snapshot *zone)
{
	zone_unref(zone);
	quiescent_drain();
}

#define EXPECT(zone, name, expected) assert_string_equal(lookup(zone, name), expected)

/* The zone of RFC 4592 2.2.1. */
static const struct zone_snapshot *rfc4592(void)
{
	return zone_of("example.", "@ NS ns.example.com.\n"
	                           "@ NS ns.example.net.\n"
	                           "* TXT this-is-a-wildcard\n"
	                           "* MX 10 host1\n"
	                           "sub.* TXT this-is-not-a-wildcard\n"
	                           "host1 A 192.0.2.1\n"
	                           "_ssh._tcp.host1 SRV 0 0 22 host1\n"
	                           "_ssh._tcp.host2 SRV 0 0 22 host2\n"
	                           "subdel NS ns.example.com.\n"
	                           "subdel NS ns.example.net.\n");
}

TEST(the_examples_of_rfc_4592_2_2_1_hold)
{
	const struct zone_snapshot *zone = rfc4592();
	EXPECT(zone, "host3", "WILDCARD * under @");
	EXPECT(zone, "foo.bar", "WILDCARD * under @");
	EXPECT(zone, "host1", "FOUND host1");
	EXPECT(zone, "sub.*", "FOUND sub.*");
	EXPECT(zone, "_telnet._tcp.host1", "NO_NAME under _tcp.host1");
	EXPECT(zone, "host.subdel", "DELEGATION subdel");
	EXPECT(zone, "ghost.*", "NO_NAME under *");
	EXPECT(zone, "_tcp.host1", "EMPTY _tcp.host1");
	EXPECT(zone, "host2", "EMPTY host2");
	EXPECT(zone, "*", "FOUND *");
	end(zone);
}

/* RFC 4592 2.2.2 and 3.3.1 */
TEST(a_name_that_exists_stops_a_wildcard_above_it)
{
	const struct zone_snapshot *zone = zone_of("example.", "*.sub TXT wild\n"
	                                                       "a.sub A 192.0.2.1\n");
	EXPECT(zone, "z.sub", "WILDCARD *.sub under sub");
	EXPECT(zone, "b.a.sub", "NO_NAME under a.sub");
	EXPECT(zone, "sub", "EMPTY sub");
	end(zone);
}

TEST(an_empty_nonterminal_named_by_an_asterisk_is_a_source_without_data)
{
	const struct zone_snapshot *zone = zone_of("example.", "a.* TXT below\n");
	EXPECT(zone, "*", "EMPTY *");
	EXPECT(zone, "x", "WILDCARD * under @");
	EXPECT(zone, "a.x", "WILDCARD * under @");
	EXPECT(zone, "b.*", "NO_NAME under *");
	end(zone);
}

TEST(a_more_specific_subtree_hides_a_wildcard)
{
	const struct zone_snapshot *zone = zone_of("example.", "* TXT up\n"
	                                                       "x.deep.sub A 192.0.2.1\n"
	                                                       "*.*.w TXT twice\n");
	EXPECT(zone, "y.deep.sub", "NO_NAME under deep.sub");
	EXPECT(zone, "y.sub", "NO_NAME under sub");
	EXPECT(zone, "y.nosub", "WILDCARD * under @");
	EXPECT(zone, "q.w", "WILDCARD *.w under w");
	EXPECT(zone, "q.*.w", "WILDCARD *.*.w under *.w");
	EXPECT(zone, "q.r.w", "WILDCARD *.w under w");
	end(zone);
}

TEST(delegation_beats_wildcard)
{
	const struct zone_snapshot *zone = zone_of("example.", "* A 192.0.2.1\n"
	                                                       "sub NS ns.sub\n"
	                                                       "ns.sub A 192.0.2.2\n"
	                                                       "*.sub TXT occluded\n");
	EXPECT(zone, "x.sub", "DELEGATION sub");
	EXPECT(zone, "ns.sub", "DELEGATION sub");
	EXPECT(zone, "a.ns.sub", "DELEGATION sub");
	EXPECT(zone, "sub", "DELEGATION sub");
	EXPECT(zone, "subx", "WILDCARD * under @");
	end(zone);
}

TEST(the_topmost_cut_counts)
{
	const struct zone_snapshot *zone = zone_of("example.", "b.sub NS ns.b.sub\n"
	                                                       "ns.b.sub A 192.0.2.1\n"
	                                                       "sub NS ns.b.sub\n"
	                                                       "empty.c.sub A 192.0.2.1\n");
	EXPECT(zone, "ns.b.sub", "DELEGATION sub");
	EXPECT(zone, "zz.b.sub", "DELEGATION sub");
	EXPECT(zone, "c.sub", "DELEGATION sub");
	EXPECT(zone, "zzz.sub", "DELEGATION sub");
	end(zone);
}

TEST(the_dname_owner_is_found_and_names_below_it_are_redirected)
{
	const struct zone_snapshot *zone = zone_of("example.", "d DNAME target\n"
	                                                       "occluded.d A 192.0.2.1\n"
	                                                       "*.w DNAME target\n");
	EXPECT(zone, "d", "FOUND d");
	EXPECT(zone, "x.d", "DNAME d");
	EXPECT(zone, "occluded.d", "DNAME d");
	EXPECT(zone, "*.w", "FOUND *.w");
	EXPECT(zone, "a.*.w", "DNAME *.w");
	EXPECT(zone, "q.w", "WILDCARD *.w under w");
	EXPECT(zone, "p.q.w", "WILDCARD *.w under w");
	end(zone);
}

TEST(a_dname_at_the_apex_redirects_everything_below)
{
	const struct zone_snapshot *zone = zone_of("example.", "@ DNAME other.\n"
	                                                       "a A 192.0.2.1\n");
	EXPECT(zone, "@", "FOUND @");
	EXPECT(zone, "a", "DNAME @");
	EXPECT(zone, "a.b.c", "DNAME @");
	end(zone);
}

TEST(glue_and_authoritative_addresses_are_found)
{
	const struct zone_snapshot *zone = zone_of("example.", "ns1 A 192.0.2.1\n"
	                                                       "ns1 AAAA 2001:db8::1\n"
	                                                       "sub NS ns.sub\n"
	                                                       "ns.sub AAAA 2001:db8::2\n"
	                                                       "text TXT none\n");
	struct zone_addresses found;
	struct dns_name name;
	assert_true(dns_name_from_text("NS1.example.", &name, NULL));
	assert_true(zone_addresses(zone, name.wire, &found));
	assert_int_equal(found.a.count, 1);
	assert_int_equal(found.aaaa.count, 1);
	assert_int_equal(found.node.flags, 0);
	assert_true(dns_name_from_text("ns.sub.example.", &name, NULL));
	assert_true(zone_addresses(zone, name.wire, &found));
	assert_int_equal(found.a.count, 0);
	assert_int_equal(found.aaaa.count, 1);
	assert_int_equal(found.node.flags, ZONE_NODE_BELOW_CUT);
	assert_true(dns_name_from_text("text.example.", &name, NULL));
	assert_false(zone_addresses(zone, name.wire, &found));
	assert_true(dns_name_from_text("sub.example.", &name, NULL));
	assert_false(zone_addresses(zone, name.wire, &found));
	end(zone);
}

/* RFC 1035 2.3.3, RFC 4343 3: case is that of letters only. */
TEST(all_octets_in_a_label_are_told_apart)
{
	struct dns_name apex;
	assert_true(dns_name_from_text("example.", &apex, NULL));
	struct zone_builder *builder = zone_builder_new(apex.wire, DNS_CLASS_IN);
	uint8_t soa[22] = {0};
	assert_int_equal(zone_builder_add(builder, apex.wire, DNS_TYPE_SOA, 0, soa, sizeof soa), ZONE_ADDED);
	for (unsigned octet = 0; octet < 256; octet += 2) {
		uint8_t owner[16] = {2, (uint8_t)octet, 'x'};
		memcpy(owner + 3, apex.wire, apex.len);
		zone_builder_add(builder, owner, DNS_TYPE_A, 60, (const uint8_t *)"\1\2\3\4", 4);
	}
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	for (unsigned octet = 0; octet < 256; octet++) {
		uint8_t owner[16] = {2, (uint8_t)octet, 'x'};
		memcpy(owner + 3, apex.wire, apex.len);
		struct zone_node node;
		struct dns_name shown;
		bool letter = dns_lower[octet] != octet || (octet >= 'a' && octet <= 'z');
		bool expected = letter ? (octet | 0x20) % 2 == 0 : octet % 2 == 0;
		assert_int_equal(zone_find(zone, owner, &node), expected);
		if (expected) {
			zone_node_owner(&node, &shown);
			assert_true(dns_name_equal(shown.wire, owner));
		}
	}
	end(zone);
}

TEST(nsec_is_found_before_glue_and_names_without_it)
{
	const struct zone_snapshot *zone = zone_of("example.", "@ NSEC sub SOA NS NSEC\n"
	                                                       "sub NS ns.sub\n"
	                                                       "sub NSEC z NS NSEC\n"
	                                                       "ns.sub A 192.0.2.1\n"
	                                                       "ns2.sub A 192.0.2.1\n"
	                                                       "z A 192.0.2.1\n"
	                                                       "z NSEC @ A NSEC\n");
	static const char *const cases[][2] = {
	        {"example.", "example."},         {"a.example.", "example."},
	        {"sub.example.", "sub.example."}, {"nsx.sub.example.", "sub.example."},
	        {"t.example.", "sub.example."},   {"zz.example.", "z.example."},
	};
	assert_int_equal(zone_denial(zone), ZONE_NSEC);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct dns_name name;
		struct zone_node node;
		char text[DNS_NAME_TEXT_MAX];
		assert_true(dns_name_from_text(cases[i][0], &name, NULL));
		assert_true(zone_nsec(zone, name.wire, &node));
		zone_node_owner(&node, &name);
		assert_string_equal(dns_name_to_text(name.wire, text), cases[i][1]);
	}
	end(zone);
}

/* RFC 5155 appendix A and B.1: a.c.x.w.example. is covered, x.w.example. matches. */
TEST(the_hashes_of_rfc_5155_are_found)
{
	const struct zone_snapshot *zone =
	        zone_of("example.", "@ NSEC3PARAM 1 0 12 aabbccdd\n"
	                            "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM NSEC3 1 1 12 aabbccdd "
	                            "2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM\n"
	                            "b4um86eghhds6nea196smvmlo4ors995 NSEC3 1 1 12 aabbccdd "
	                            "gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG\n");
	struct dns_name name;
	struct zone_node node;
	uint8_t hash[20];
	char text[DNS_NAME_TEXT_MAX];
	assert_int_equal(zone_denial(zone), ZONE_NSEC3);
	assert_int_equal(zone_nsec3_params(zone)->iterations, 12);
	assert_true(dns_name_from_text("X.W.example.", &name, NULL));
	zone_nsec3_hash(zone, name.wire, hash);
	assert_int_equal(zone_nsec3(zone, hash, &node), ZONE_NSEC3_MATCHES);
	zone_node_owner(&node, &name);
	assert_string_equal(dns_name_to_text(name.wire, text), "b4um86eghhds6nea196smvmlo4ors995.example.");
	assert_true(dns_name_from_text("c.x.w.example.", &name, NULL));
	zone_nsec3_hash(zone, name.wire, hash);
	assert_int_equal(zone_nsec3(zone, hash, &node), ZONE_NSEC3_COVERS);
	zone_node_owner(&node, &name);
	assert_string_equal(dns_name_to_text(name.wire, text), "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM.example.");
	memset(hash, 0, sizeof hash);
	assert_int_equal(zone_nsec3(zone, hash, &node), ZONE_NSEC3_COVERS);
	zone_node_owner(&node, &name);
	assert_string_equal(dns_name_to_text(name.wire, text), "b4um86eghhds6nea196smvmlo4ors995.example.");
	EXPECT(zone, "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "NO_NAME under @");
	end(zone);
}

TEST(a_chain_that_no_nsec3param_names_is_not_served)
{
	const struct zone_snapshot *zone = zone_of("example.", "@ NSEC3PARAM 1 0 1 aa\n"
	                                                       "@ NSEC3PARAM 1 1 0 -\n"
	                                                       "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 0 - "
	                                                       "2t7b4g4vsa5smi47k61mv5bv1a22bojr NS\n");
	struct zone_node node;
	uint8_t hash[20] = {0};
	assert_int_equal(zone_denial(zone), ZONE_UNSIGNED);
	assert_null(zone_nsec3_params(zone));
	assert_int_equal(zone_nsec3(zone, hash, &node), ZONE_NSEC3_NONE);
	end(zone);
}
