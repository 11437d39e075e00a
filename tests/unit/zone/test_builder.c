/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "dns/type.h"
#include "unit.h"
#include "zone_text.h"

static const uint8_t apex[] = "\7eXample";
static const uint8_t soa[22] = {0};

static enum zone_add add(struct zone_builder *builder, const char *owner_text, uint16_t type, uint32_t ttl,
                         const void *rdata, size_t len)
{
	struct dns_name owner;
	assert_true(dns_name_from_text(owner_text, &owner, NULL));
	return zone_builder_add(builder, owner.wire, type, ttl, rdata, len);
}

static void end(const struct zone_snapshot *zone)
{
	zone_unref(zone);
	quiescent_drain();
}

TEST(a_zone_without_soa_is_refused)
{
	struct zone_builder *builder = zone_builder_new(apex, 1);
	struct error error;
	add(builder, "a.example.", DNS_TYPE_A, 60, "\1\2\3\4", 4);
	assert_null(zone_builder_finish(builder, NULL, &error));
	assert_int_equal(error.code, ERROR_INVALID);
}

TEST(an_empty_zone_is_refused)
{
	struct error error;
	assert_null(zone_builder_finish(zone_builder_new(apex, 1), NULL, &error));
	assert_int_equal(error.code, ERROR_INVALID);
}

TEST(two_different_soas_are_refused_and_identical_ones_are_one)
{
	uint8_t other[22] = {0};
	other[20] = 1;
	struct error error;
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", DNS_TYPE_A, 60, "\1\2\3\4", 4);
	add(builder, "example.", DNS_TYPE_SOA, 60, other, sizeof other);
	assert_null(zone_builder_finish(builder, NULL, &error));
	assert_int_equal(error.code, ERROR_INVALID);

	struct zone_build_report report;
	builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", DNS_TYPE_A, 60, "\1\2\3\4", 4);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	const struct zone_snapshot *zone = zone_builder_finish(builder, &report, &error);
	assert_non_null(zone);
	assert_int_equal(report.duplicates, 1);
	end(zone);
}

TEST(names_outside_and_meta_types_are_told)
{
	struct zone_builder *builder = zone_builder_new(apex, 1);
	assert_int_equal(add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa), ZONE_ADDED);
	assert_int_equal(add(builder, "example.com.", DNS_TYPE_A, 60, "\1\2\3\4", 4), ZONE_ADD_OUTSIDE);
	assert_int_equal(add(builder, "xexample.", DNS_TYPE_A, 60, "\1\2\3\4", 4), ZONE_ADD_OUTSIDE);
	assert_int_equal(add(builder, ".", DNS_TYPE_A, 60, "\1\2\3\4", 4), ZONE_ADD_OUTSIDE);
	assert_int_equal(add(builder, "example.", DNS_TYPE_ANY, 60, "", 0), ZONE_ADD_META);
	assert_int_equal(add(builder, "example.", DNS_TYPE_OPT, 60, "", 0), ZONE_ADD_META);
	zone_builder_free(builder);
	quiescent_drain();
}

/* RFC 2181 5.2 */
TEST(the_lowest_ttl_of_an_rrset_counts_and_is_told)
{
	struct zone_build_report report;
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", DNS_TYPE_A, 300, "\1\2\3\4", 4);
	add(builder, "a.example.", DNS_TYPE_A, 100, "\1\2\3\5", 4);
	add(builder, "a.example.", DNS_TYPE_AAAA, 300, "\1\2\3\5\1\2\3\5\1\2\3\5\1\2\3\5", 16);
	const struct zone_snapshot *zone = zone_builder_finish(builder, &report, NULL);
	struct zone_node node;
	struct zone_rrset rrset;
	struct dns_name name;
	assert_true(dns_name_from_text("A.EXAMPLE.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_A, &rrset));
	assert_int_equal(rrset.ttl, 100);
	assert_int_equal(rrset.count, 2);
	assert_true(zone_node_rrset(&node, DNS_TYPE_AAAA, &rrset));
	assert_int_equal(rrset.ttl, 300);
	assert_int_equal(report.ttls_unified, 1);
	assert_int_equal(report.ttl_type, DNS_TYPE_A);
	assert_true(dns_name_equal(report.ttl_owner.wire, name.wire));
	end(zone);
}

TEST(an_rrset_counts_once_if_its_signatures_have_several_ttls_too)
{
	struct zone_build_report report;
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t address[] = {192, 0, 2, (uint8_t)i};
		uint8_t sig[20] = {0, DNS_TYPE_A, 13, 2, [19] = (uint8_t)i};
		add(builder, "a.example.", DNS_TYPE_A, 300 - i, address, sizeof address);
		add(builder, "a.example.", DNS_TYPE_RRSIG, 300 - i, sig, sizeof sig);
	}
	const struct zone_snapshot *zone = zone_builder_finish(builder, &report, NULL);
	assert_int_equal(report.ttls_unified, 1);
	assert_int_equal(report.ttl_type, DNS_TYPE_A);
	end(zone);
}

TEST(an_rrset_of_65535_is_kept_and_one_more_is_refused)
{
	for (unsigned count = 65535; count <= 65536; count++) {
		struct error error;
		struct zone_builder *builder = zone_builder_new(apex, 1);
		add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
		for (unsigned i = 0; i < count; i++) {
			uint8_t rdata[4];
			store_u32(rdata, (i * 2654435761u) ^ 0x55);
			add(builder, "a.example.", DNS_TYPE_A, 60, rdata, 4);
		}
		const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, &error);
		assert_int_equal(zone != NULL, count == 65535);
		if (zone == NULL) {
			assert_int_equal(error.code, ERROR_LIMIT);
			continue;
		}
		struct zone_node node;
		struct zone_rrset rrset;
		struct dns_name name;
		assert_true(dns_name_from_text("a.example.", &name, NULL));
		assert_true(zone_find(zone, name.wire, &node));
		assert_true(zone_node_rrset(&node, DNS_TYPE_A, &rrset));
		assert_int_equal(rrset.count, 65535);
		end(zone);
	}
}

TEST(rdata_of_65535_octets_and_a_name_with_thousands_of_types_are_kept)
{
	uint8_t *large = memory_new(65535);
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", 65280, 60, large, 65535);
	add(builder, "a.example.", 65280, 60, large, 65534);
	for (uint16_t type = 300; type < 20300; type++) {
		add(builder, "b.example.", type, type, "0123456789", 10);
	}
	add(builder, "c.example.", DNS_TYPE_A, 60, "\1\2\3\4", 4);
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	assert_non_null(zone);
	struct zone_node node;
	struct zone_rrset rrset;
	struct dns_name name;
	assert_true(dns_name_from_text("a.example.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	assert_true(zone_node_rrset(&node, 65280, &rrset));
	assert_int_equal(rrset.count, 2);
	assert_int_equal(rrset.rdatas_len, 2 * 65535 + 3);
	assert_true(dns_name_from_text("b.example.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	struct zone_rrset_walk walk;
	uint16_t type = 300;
	zone_rrsets(&node, &walk);
	for (; zone_rrsets_next(&walk, &rrset); type++) {
		assert_int_equal(rrset.type, type);
		assert_int_equal(rrset.ttl, type);
	}
	assert_int_equal(type, 20300);
	assert_true(dns_name_from_text("c.example.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	end(zone);
	free(large);
}

TEST(names_of_255_octets_and_127_labels_are_kept)
{
	uint8_t deep[255];
	for (size_t i = 0; i < 126; i++) {
		deep[2 * i] = 1;
		deep[2 * i + 1] = (uint8_t)i;
	}
	deep[252] = 1;
	deep[253] = 'z';
	deep[254] = 0;
	uint8_t wide[255];
	memset(wide, 0, sizeof wide);
	wide[0] = 63;
	wide[64] = 63;
	wide[128] = 63;
	wide[192] = 61;
	struct zone_builder *builder = zone_builder_new(dns_name_root, 1);
	zone_builder_add(builder, dns_name_root, DNS_TYPE_SOA, 60, soa, sizeof soa);
	assert_int_equal(zone_builder_add(builder, deep, DNS_TYPE_A, 60, soa, 4), ZONE_ADDED);
	assert_int_equal(zone_builder_add(builder, wide, DNS_TYPE_A, 60, soa, 4), ZONE_ADDED);
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	struct zone_node node;
	struct dns_name owner;
	assert_true(zone_find(zone, deep, &node));
	assert_int_equal(node.labels, 127);
	zone_node_owner(&node, &owner);
	assert_true(dns_name_same(owner.wire, deep));
	assert_true(zone_find(zone, wide, &node));
	zone_node_owner(&node, &owner);
	assert_true(dns_name_same(owner.wire, wide));
	/* An unknown name of the same lengths: the wildcard that would be too long is no name. */
	deep[1] = 'x';
	struct zone_lookup lookup_result;
	zone_lookup(zone, deep, &lookup_result);
	assert_int_equal(lookup_result.kind, ZONE_NO_NAME);
	assert_int_equal(lookup_result.encloser_labels, 126);
	end(zone);
}

TEST(the_case_of_owners_is_kept)
{
	static const char *const owners[] = {"WWW.example.", "wWw2.eXample.", "www3.EXAMPLE.", "a.B.c.Example.",
	                                     "0P9MHAVEQVM6T7VBL5LOP2U3T2RP3TOM.Example."};
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "eXample.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	for (size_t i = 0; i < ARRAY_LENGTH(owners); i++) {
		add(builder, owners[i], DNS_TYPE_A, 60, "\1\2\3\4", 4);
	}
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	for (size_t i = 0; i < ARRAY_LENGTH(owners); i++) {
		struct zone_node node;
		struct dns_name name;
		char text[DNS_NAME_TEXT_MAX];
		assert_true(dns_name_from_text(owners[i], &name, NULL));
		assert_true(zone_find(zone, name.wire, &node));
		zone_node_owner(&node, &name);
		assert_string_equal(dns_name_to_text(name.wire, text), owners[i]);
	}
	end(zone);
}

static const struct zone_snapshot *delegations_from(const struct zone_snapshot *base, size_t count, const char *first,
                                                    const char *second)
{
	struct dns_name servers[2];
	assert_true(dns_name_from_text(first, &servers[0], NULL));
	assert_true(dns_name_from_text(second, &servers[1], NULL));
	struct zone_builder *builder = zone_builder_new_from(base, apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	for (size_t i = 0; i < count; i++) {
		uint8_t owner[32] = {4, (uint8_t)('a' + i / 676), (uint8_t)('a' + i / 26 % 26), (uint8_t)('a' + i % 26),
		                     'x'};
		memcpy(owner + 5, apex, sizeof apex);
		for (size_t j = 0; j < 2; j++) {
			zone_builder_add(builder, owner, DNS_TYPE_NS, 60, servers[j].wire, servers[j].len);
		}
	}
	return zone_builder_finish(builder, NULL, NULL);
}

static const struct zone_snapshot *delegations(size_t count, const char *first, const char *second)
{
	return delegations_from(NULL, count, first, second);
}

TEST(rrsets_that_many_owners_have_alike_are_kept_once)
{
	const struct zone_snapshot *zone =
	        delegations(10000, "ns1.a-provider.example.net.", "ns2.a-provider.example.net.");
	struct zone_facts facts;
	zone_facts(zone, &facts);
	assert_int_equal(facts.records, 20001);
	assert_true(facts.bytes < 10000 * 30);
	struct dns_name name;
	struct zone_node node;
	struct zone_rrset rrset;
	assert_true(dns_name_from_text("accx.example.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_NS, &rrset));
	assert_int_equal(rrset.count, 2);
	assert_int_equal(rrset.rdatas_len, 2 * (2 + 28));

	/* A change of one of them changes nothing for the others; the shared octets outlive the version. */
	struct zone_change change = {
	        .type = DNS_TYPE_NS, .owner = name.wire, .rdata_len = 28, .rdata = rrset.rdatas + 2};
	const struct zone_snapshot *next = zone_apply(zone, &change, 1, NULL);
	assert_non_null(next);
	zone_unref(zone);
	quiescent_drain();
	assert_true(zone_find(next, name.wire, &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_NS, &rrset));
	assert_int_equal(rrset.count, 1);
	assert_true(dns_name_from_text("accy.example.", &name, NULL));
	assert_false(zone_find(next, name.wire, &node));
	assert_true(dns_name_from_text("acdx.example.", &name, NULL));
	assert_true(zone_find(next, name.wire, &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_NS, &rrset));
	assert_int_equal(rrset.count, 2);
	end(next);
}

TEST(signatures_that_cover_type_0_are_kept)
{
	/* Covers 0, algorithm 13, then numbers, the root as signer, and a signature of one octet. */
	static const uint8_t rrsig[20] = {0, 0, 13};
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", DNS_TYPE_RRSIG, 60, rrsig, sizeof rrsig);
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	assert_non_null(zone);
	struct dns_name name;
	struct zone_node node;
	struct zone_rrset_walk walk;
	struct zone_rrset rrset;
	assert_true(dns_name_from_text("a.example.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	zone_rrsets(&node, &walk);
	assert_true(zone_rrsets_next(&walk, &rrset));
	assert_int_equal(rrset.type, 0);
	assert_int_equal(rrset.count, 0);
	assert_int_equal(rrset.sig_count, 1);
	assert_false(zone_rrsets_next(&walk, &rrset));
	end(zone);
}

/* Two owners in turns, each RR a group of its own; 65535 of them differ, the rest comes again. */
static const struct zone_snapshot *two_in_turns(const struct zone_snapshot *base, struct zone_build_report *report)
{
	struct zone_builder *builder = zone_builder_new_from(base, apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	for (uint32_t i = 0; i < 70000; i++) {
		uint8_t rdata[4];
		store_u32(rdata, i % 65535);
		add(builder, "a.example.", 65280, i == 69999 ? 30 : 60, rdata, sizeof rdata);
		add(builder, "b.example.", 65280, 60, rdata, sizeof rdata);
	}
	return zone_builder_finish(builder, report, NULL);
}

/* Putting together each group with all before it would take minutes. */
TEST(an_owner_may_come_in_as_many_groups_as_it_has_records)
{
	const struct zone_snapshot *zone = NULL;
	for (unsigned round = 0; round < 2; round++) {
		struct zone_build_report report;
		const struct zone_snapshot *next = two_in_turns(zone, &report);
		assert_non_null(next);
		zone_unref(zone);
		zone = next;
		struct zone_facts facts;
		zone_facts(zone, &facts);
		assert_int_equal(facts.records, 2 * 65535 + 1);
		assert_int_equal(report.duplicates, 2 * (70000 - 65535));
		assert_int_equal(report.ttls_unified, 1);
	}
	end(zone);
}

/* ---- from the version before ---- */

/* Names "nNUMBER" with two addresses each, `first` of them in another order than the rest; one may have another address. */
static const struct zone_snapshot *numbered_zone(const struct zone_snapshot *base, unsigned count, unsigned other)
{
	struct zone_builder *builder = zone_builder_new_from(base, apex, 1);
	for (unsigned part = 0; part < 2; part++) {
		for (unsigned i = 0; i < count; i++) {
			unsigned number = i * 7919 % count; /* a prime: each comes once */
			char owner[32];
			uint8_t rdata[4];
			snprintf(owner, sizeof owner, "n%u.example.", number);
			store_u32(rdata, number == other ? 1 : number);
			add(builder, owner, part == 0 ? DNS_TYPE_A : 65280, 60, rdata, sizeof rdata);
		}
	}
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	assert_non_null(zone);
	return zone;
}

static uint64_t bytes_own(const struct zone_snapshot *zone)
{
	struct zone_facts facts;
	zone_facts(zone, &facts);
	assert_true(facts.bytes_own <= facts.bytes);
	return facts.bytes_own;
}

TEST(what_a_new_text_leaves_as_it_was_is_shared)
{
	const struct zone_snapshot *base = numbered_zone(NULL, 20000, UINT_MAX);
	const struct zone_snapshot *same = numbered_zone(base, 20000, UINT_MAX);
	const struct zone_snapshot *changed = numbered_zone(same, 20000, 4711);
	uint64_t whole = bytes_own(base);
	assert_true(whole > 20000 * 20);
	assert_true(bytes_own(same) < whole / 20);
	assert_true(bytes_own(changed) < whole / 20);
	struct zone_facts facts;
	zone_facts(changed, &facts);
	assert_int_equal(facts.records, 40001);
	assert_int_equal(facts.names, 20001);
	zone_unref(base);
	zone_unref(same);
	end(changed);
}

TEST(a_line_that_has_grown_by_changes_is_begun_anew)
{
	const struct zone_snapshot *zone = numbered_zone(NULL, 2000, UINT_MAX);
	struct zone_facts facts;
	uint64_t first = bytes_own(zone);
	/* Pages that are split and then half emptied stay so. */
	for (unsigned round = 0; round < 40; round++) {
		const struct zone_snapshot *next = numbered_zone(zone, 2000 - round % 2 * 400, UINT_MAX);
		zone_unref(zone);
		zone = next;
		zone_facts(zone, &facts);
		assert_true(facts.bytes < first * 2);
	}
	end(zone);
}

#define SETS    200
#define USES    8
#define BETWEEN 60

static void add_numbered_ns(struct zone_builder *builder, const char *kind, unsigned number, unsigned set)
{
	char owner[64];
	char server[64];
	struct dns_name name;
	snprintf(owner, sizeof owner, "%s%u.example.", kind, number);
	snprintf(server, sizeof server, "ns.%s-with-a-long-name-%u.example.net.", kind, set);
	assert_true(dns_name_from_text(server, &name, NULL));
	add(builder, owner, DNS_TYPE_NS, 60, name.wire, name.len);
}

/* SETS RRsets that many owners have, the first two uses of each at once; then, spread among their other uses or behind
 * these, so many that one owner has. Gives the octets of the zone. */
static uint64_t bytes_of_sets(bool spread)
{
	struct zone_builder *builder = zone_builder_new(apex, 1);
	struct zone_facts facts;
	unsigned once = 0;
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	for (unsigned i = 0; i < SETS * USES; i++) {
		add_numbered_ns(builder, "many", i, i < 2 * SETS ? i / 2 : i % SETS);
		for (; spread && i >= 2 * SETS && once < (i - 2 * SETS) * BETWEEN; once++) {
			add_numbered_ns(builder, "once", once, once);
		}
	}
	for (; once < SETS * USES * BETWEEN; once++) {
		add_numbered_ns(builder, "once", once, once);
	}
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	zone_facts(zone, &facts);
	end(zone);
	return facts.bytes;
}

TEST(what_is_shared_stays_so_however_much_comes_once)
{
	uint64_t together = bytes_of_sets(false);
	uint64_t spread = bytes_of_sets(true);
	/* Each set that is forgotten costs its octets twice until it is found again. */
	assert_true(spread < together + SETS * 20);
}

TEST(what_comes_newly_shares_rdata_with_what_was_there)
{
	const char *first = "ns1.a-provider.example.net.";
	const char *second = "ns2.a-provider.example.net.";
	const struct zone_snapshot *base = delegations(5000, first, second);
	const struct zone_snapshot *more = delegations_from(base, 10000, first, second);
	struct zone_facts facts;
	zone_facts(more, &facts);
	assert_int_equal(facts.records, 20001);
	assert_true(facts.bytes < 10000 * 30);
	zone_unref(base);
	end(more);
}

TEST(a_line_that_takes_much_more_for_each_record_than_at_first_is_begun_anew)
{
	const char *first = "ns1.a-provider.example.net.";
	const char *second = "ns2.a-provider.example.net.";
	struct zone_facts facts;
	const struct zone_snapshot *numbers = numbered_zone(NULL, 2000, UINT_MAX);
	const struct zone_snapshot *changed = delegations_from(numbers, 10000, first, second);
	zone_facts(changed, &facts);
	uint64_t before = facts.bytes;
	const struct zone_snapshot *anew = delegations_from(changed, 10000, first, second);
	zone_facts(anew, &facts);
	assert_int_equal(facts.records, 20001);
	assert_true(facts.bytes < before / 2);
	zone_unref(numbers);
	zone_unref(changed);
	end(anew);
}

TEST(a_build_from_a_version_that_fails_leaves_it_as_it_was)
{
	const struct zone_snapshot *base = numbered_zone(NULL, 3000, UINT_MAX);
	struct error error;
	struct zone_builder *builder = zone_builder_new_from(base, apex, 1);
	add(builder, "n1.example.", DNS_TYPE_A, 60, "\0\0\0\1", 4);
	assert_null(zone_builder_finish(builder, NULL, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	builder = zone_builder_new_from(base, apex, 1);
	add(builder, "n2.example.", DNS_TYPE_A, 60, "\0\0\0\1", 4);
	zone_builder_free(builder);
	quiescent_drain();
	const struct zone_snapshot *same = numbered_zone(base, 3000, UINT_MAX);
	assert_true(bytes_own(same) < bytes_own(base) / 20);
	zone_unref(base);
	end(same);
}

/* The first octet of the name in the NS RDATA at "a.example.". */
static char case_of_target(const struct zone_snapshot *zone)
{
	struct dns_name name;
	struct zone_node node;
	struct zone_rrset rrset;
	assert_true(dns_name_from_text("a.example.", &name, NULL));
	assert_true(zone_find(zone, name.wire, &node));
	assert_true(zone_node_rrset(&node, DNS_TYPE_NS, &rrset));
	assert_int_equal(rrset.count, 1);
	return (char)rrset.rdatas[3];
}

TEST(of_twins_that_differ_in_case_the_first_counts_whatever_was_there_before)
{
	struct zone_builder *builder = zone_builder_new(apex, 1);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", DNS_TYPE_NS, 60, "\2NS", 4);
	add(builder, "a.example.", DNS_TYPE_TXT, 60, "\1x", 2);
	const struct zone_snapshot *base = zone_builder_finish(builder, NULL, NULL);
	assert_int_equal(case_of_target(base), 'N');
	builder = zone_builder_new_from(base, apex, 1);
	add(builder, "a.example.", DNS_TYPE_TXT, 60, "\1x", 2);
	add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
	add(builder, "a.example.", DNS_TYPE_NS, 60, "\2ns", 4);
	add(builder, "b.example.", DNS_TYPE_TXT, 60, "\1x", 2);
	add(builder, "a.example.", DNS_TYPE_NS, 60, "\2NS", 4);
	struct zone_build_report report;
	const struct zone_snapshot *zone = zone_builder_finish(builder, &report, NULL);
	assert_int_equal(report.duplicates, 1);
	assert_int_equal(case_of_target(zone), 'n');
	zone_unref(base);
	end(zone);
}

TEST(what_comes_again_in_another_place_is_a_duplicate_whatever_was_there_before)
{
	const struct zone_snapshot *zone = NULL;
	for (unsigned round = 0; round < 2; round++) {
		struct zone_builder *builder = zone_builder_new_from(zone, apex, 1);
		add(builder, "a.example.", DNS_TYPE_TXT, 60, "\1x", 2);
		add(builder, "example.", DNS_TYPE_SOA, 60, soa, sizeof soa);
		add(builder, "a.example.", DNS_TYPE_TXT, 60, "\1x", 2);
		struct zone_build_report report;
		struct zone_facts facts;
		zone_unref(zone);
		zone = zone_builder_finish(builder, &report, NULL);
		assert_int_equal(report.duplicates, 1);
		zone_facts(zone, &facts);
		assert_int_equal(facts.records, 2);
	}
	end(zone);
}
