/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "change/changeset.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "zone_text.h"

static const struct changeset *between(const struct zone_snapshot *from, const struct zone_snapshot *to)
{
	struct error error;
	const struct changeset *set = changeset_between(from, to, &error);
	assert_non_null(set);
	return set;
}

static void expect_same(const struct zone_snapshot *a, const struct zone_snapshot *b)
{
	char *text_a = text_of_zone(a);
	char *text_b = text_of_zone(b);
	assert_string_equal(text_a, text_b);
	free(text_a);
	free(text_b);
}

static void expect_text(const struct changeset *set, const char *expected)
{
	struct text text;
	struct changeset_walk walk;
	struct zone_change change;
	text_init(&text, 100000);
	changeset_walk(set, &walk);
	while (changeset_walk_next(&walk, &change)) {
		char owner[DNS_NAME_TEXT_MAX];
		char type[DNS_MNEMONIC_MAX];
		text_format(&text, "%s%s %u %s\n", change.add ? "+" : "-", dns_name_to_text(change.owner, owner),
		            change.ttl, dns_type_to_text(change.type, type));
	}
	assert_string_equal(text_string(&text), expected);
	text_deinit(&text);
}

TEST(what_is_removed_comes_first_and_each_part_begins_with_its_soa)
{
	const struct zone_snapshot *from =
	        zone_of_text("example.", 7, "a A 192.0.2.1\na A 192.0.2.2\nz 60 A 192.0.2.3\n");
	const struct zone_snapshot *to = zone_of_text("example.", 9, "a A 192.0.2.1\na TXT x\nz 61 A 192.0.2.3\n");
	const struct changeset *set = between(from, to);
	expect_text(set, "-example. 3600 SOA\n-a.example. 3600 A\n-z.example. 60 A\n"
	                 "+example. 3600 SOA\n+a.example. 3600 TXT\n+z.example. 61 A\n");
	struct changeset_facts facts = changeset_facts(set);
	assert_int_equal(facts.serial_from, 7);
	assert_int_equal(facts.serial_to, 9);
	assert_int_equal(facts.removed, 3);
	assert_int_equal(facts.added, 3);
	changeset_unref(set);
	zone_unref(from);
	zone_unref(to);
}

TEST(a_changeset_fits_its_own_version_only)
{
	struct error error;
	const struct zone_snapshot *from = zone_of_text("example.", 7, "a A 192.0.2.1\n");
	const struct zone_snapshot *to = zone_of_text("example.", 8, "a A 192.0.2.2\n");
	const struct zone_snapshot *lacks = zone_of_text("example.", 7, "b A 192.0.2.1\n");
	const struct zone_snapshot *has = zone_of_text("example.", 7, "a A 192.0.2.1\na A 192.0.2.2\n");
	const struct changeset *set = between(from, to);
	assert_null(changeset_apply(set, to, &error));
	assert_int_equal(error.code, ERROR_STALE);
	assert_null(changeset_apply(set, lacks, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_null(changeset_apply(set, has, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	changeset_unref(set);
	zone_unref(from);
	zone_unref(to);
	zone_unref(lacks);
	zone_unref(has);
}

TEST(versions_with_the_same_soa_have_no_changeset)
{
	struct error error;
	const struct zone_snapshot *from = zone_of_text("example.", 7, "a A 192.0.2.1\n");
	const struct zone_snapshot *to = zone_of_text("example.", 7, "a A 192.0.2.2\n");
	assert_null(changeset_between(from, to, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	zone_unref(from);
	zone_unref(to);
}

TEST(a_part_with_another_soa_is_refused)
{
	const struct zone_snapshot *from = zone_of_text("example.", 7, "a A 192.0.2.1\n");
	const struct zone_snapshot *to = zone_of_text("example.", 8, "a A 192.0.2.2\n");
	const struct changeset *set = between(from, to);
	struct error error;
	/* Each SOA twice; each left out. */
	for (size_t wrong = 0; wrong < 4; wrong++) {
		struct changeset_builder builder;
		struct changeset_walk walk;
		struct zone_change change;
		changeset_builder_init(&builder);
		changeset_walk(set, &walk);
		while (changeset_walk_next(&walk, &change)) {
			bool is_meant = change.type == DNS_TYPE_SOA && change.add == (wrong % 2 == 1);
			for (size_t times = is_meant ? (wrong < 2 ? 2 : 0) : 1; times > 0; times--) {
				changeset_builder_add(&builder, &change);
			}
		}
		assert_null(changeset_builder_end(&builder, &error));
		assert_int_equal(error.code, ERROR_INVALID);
	}
	changeset_unref(set);
	zone_unref(from);
	zone_unref(to);
}

/* ---- random versions ---- */

#define VERSIONS 8

/* Few names and few data, so that RRs come, go, come again, and change their TTL. */
static const struct zone_snapshot *random_version(struct random_source *random, uint32_t serial)
{
	struct text text;
	text_init(&text, 100000);
	for (size_t name = 0; name < 12; name++) {
		unsigned ttl = 60 + (unsigned)random_below(random, 2);
		for (size_t rr = 0; rr < 3; rr++) {
			if (random_below(random, 2) == 0) {
				text_format(&text, "n%zu %u A 192.0.2.%zu\n", name, ttl, rr);
			}
		}
		if (random_below(random, 3) == 0) {
			text_format(&text, "n%zu MX 10 n%zu\n", name, (size_t)random_below(random, 3));
		}
	}
	const struct zone_snapshot *zone = zone_of_text("example.", serial, text_string(&text));
	text_deinit(&text);
	return zone;
}

static const struct zone_snapshot *applied(const struct changeset *set, const struct zone_snapshot *base)
{
	struct error error;
	error_clear(&error);
	const struct zone_snapshot *next = changeset_apply(set, base, &error);
	assert_string_equal(error.text, "");
	assert_non_null(next);
	return next;
}

TEST(changesets_lead_from_version_to_version_one_by_one_and_joined)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, unit_seed());
	for (int round = 0; round < 50; round++) {
		const struct zone_snapshot *versions[VERSIONS];
		const struct changeset *sets[VERSIONS - 1];
		for (uint32_t i = 0; i < VERSIONS; i++) {
			/* Over the end of the numbers, too. */
			versions[i] = random_version(&seeded.source, 0xfffffffcu + i);
		}
		for (size_t i = 0; i + 1 < VERSIONS; i++) {
			sets[i] = between(versions[i], versions[i + 1]);
			const struct zone_snapshot *next = applied(sets[i], versions[i]);
			expect_same(next, versions[i + 1]);
			zone_unref(next);
		}
		for (size_t count = 1; count < VERSIONS; count++) {
			const struct changeset *joined = changeset_join(sets, count);
			const struct changeset *direct = between(versions[0], versions[count]);
			const struct zone_snapshot *next = applied(joined, versions[0]);
			expect_same(next, versions[count]);
			struct changeset_facts facts = changeset_facts(joined);
			struct changeset_facts least = changeset_facts(direct);
			assert_int_equal(facts.serial_to, zone_serial(versions[count]));
			assert_int_equal(facts.removed, least.removed);
			assert_int_equal(facts.added, least.added);
			zone_unref(next);
			changeset_unref(joined);
			changeset_unref(direct);
		}
		for (size_t i = 0; i < VERSIONS; i++) {
			zone_unref(versions[i]);
			if (i + 1 < VERSIONS) {
				changeset_unref(sets[i]);
			}
		}
	}
}

TEST(octets_give_the_same_changeset_and_nothing_else_does)
{
	struct error error;
	struct random_seeded seeded;
	random_seeded_init(&seeded, unit_seed());
	const struct zone_snapshot *from = random_version(&seeded.source, 1);
	const struct zone_snapshot *to = random_version(&seeded.source, 2);
	const struct changeset *set = between(from, to);
	size_t len;
	const uint8_t *octets = changeset_octets(set, &len);
	const struct changeset *again = changeset_from_octets(octets, len, &error);
	assert_non_null(again);
	const struct zone_snapshot *next = applied(again, from);
	expect_same(next, to);
	zone_unref(next);
	changeset_unref(again);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = memory_copy(octets, cut + 1); /* of its own size, so that reading behind it is seen */
		assert_null(changeset_from_octets(copy, cut, &error));
		free(copy);
	}
	/* What was spoilt is refused, or is a well-formed changeset of something else. */
	for (size_t bit = 0; bit < len * 8; bit++) {
		uint8_t *copy = memory_copy(octets, len);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		const struct changeset *spoilt = changeset_from_octets(copy, len, &error);
		if (spoilt != NULL) {
			struct changeset_walk walk;
			struct zone_change change;
			uint64_t count = 0;
			changeset_walk(spoilt, &walk);
			while (changeset_walk_next(&walk, &change)) {
				count++;
				assert_true(dns_rdata_check_form(change.type, change.rdata, change.rdata_len));
			}
			assert_int_equal(count, changeset_facts(spoilt).removed + changeset_facts(spoilt).added);
			changeset_unref(spoilt);
		}
		free(copy);
	}
	changeset_unref(set);
	zone_unref(from);
	zone_unref(to);
}
