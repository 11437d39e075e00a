/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/text.h"
#include "change/change.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "zone_text.h"

struct writing_visitor {
	struct change_visitor visitor;
	struct text text;
};

static void write_change(struct change_visitor *self, const struct zone_change *change)
{
	struct writing_visitor *writing = (struct writing_visitor *)self;
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	if (change->type == DNS_TYPE_SOA) {
		return;
	}
	text_format(&writing->text, "%s%s %u %s ", change->add ? "+" : "-", dns_name_to_text(change->owner, owner),
	            change->ttl, dns_type_to_text(change->type, type));
	dns_rdata_to_text(change->type, change->rdata, change->rdata_len, &writing->text);
	text_add_string(&writing->text, "\n");
}

static void expect_changes(const char *from_text, const char *to_text, const char *expected)
{
	struct writing_visitor writing = {.visitor = {.visit = write_change}};
	const struct zone_snapshot *from = zone_of_text("example.", 1, from_text);
	const struct zone_snapshot *to = zone_of_text("example.", 2, to_text);
	text_init(&writing.text, 100000);
	change_compare(from, to, &writing.visitor);
	assert_string_equal(text_string(&writing.text), expected);
	assert_int_equal(change_same_content(from, to), expected[0] == '\0');
	text_deinit(&writing.text);
	zone_unref(from);
	zone_unref(to);
}

TEST(equal_versions_have_no_difference)
{
	expect_changes("a A 192.0.2.1\nb TXT \"x\" \"y\"\n", "b TXT \"x\" \"y\"\na A 192.0.2.1\n", "");
}

TEST(records_that_came_and_went_are_listed_in_canonical_order)
{
	expect_changes("a A 192.0.2.1\na A 192.0.2.2\nc A 192.0.2.3\n", "a A 192.0.2.2\na A 192.0.2.9\nb A 192.0.2.4\n",
	               "-a.example. 3600 A 192.0.2.1\n+a.example. 3600 A 192.0.2.9\n+b.example. 3600 A 192.0.2.4\n"
	               "-c.example. 3600 A 192.0.2.3\n");
}

TEST(changed_ttl_replaces_the_rrset)
{
	expect_changes("a 60 A 192.0.2.1\n", "a 61 A 192.0.2.1\n",
	               "-a.example. 60 A 192.0.2.1\n+a.example. 61 A 192.0.2.1\n");
}

TEST(case_of_names_in_rdata_makes_no_difference_and_case_of_text_does)
{
	expect_changes("a MX 1 Mail.Example.\n", "a MX 1 mail.example.\n", "");
	expect_changes("a TXT \"Mail\"\n", "a TXT \"mail\"\n",
	               "-a.example. 3600 TXT \"Mail\"\n+a.example. 3600 TXT \"mail\"\n");
}

TEST(types_of_one_name_are_told_apart)
{
	expect_changes("a A 192.0.2.1\na TXT \"x\"\n", "a TXT \"x\"\na AAAA ::1\n",
	               "-a.example. 3600 A 192.0.2.1\n+a.example. 3600 AAAA ::1\n");
}

static void write_changes(const struct zone_snapshot *from, const struct zone_snapshot *to, struct text *out)
{
	struct writing_visitor writing = {.visitor = {.visit = write_change}};
	text_init(&writing.text, 1 << 20);
	change_compare(from, to, &writing.visitor);
	*out = writing.text;
}

/* What becomes of "nNUMBER A 192.0.2.1". */
enum edit { EDIT_NOTHING, EDIT_REMOVED, EDIT_OTHER_ADDRESS, EDIT_OTHER_TTL, EDIT_ADDRESS_MORE, EDIT_NAME_MORE, EDITS };

struct edited {
	struct zone_change changes[120];
	struct dns_name owners[120];
	size_t count;
};

static void put_change(struct edited *edited, bool add, const char *owner, uint32_t ttl, const char *address)
{
	struct dns_name *name = &edited->owners[edited->count];
	assert_true(dns_name_from_text(owner, name, NULL));
	edited->changes[edited->count++] = (struct zone_change){.add = add,
	                                                        .type = DNS_TYPE_A,
	                                                        .ttl = ttl,
	                                                        .rdata_len = 4,
	                                                        .owner = name->wire,
	                                                        .rdata = (const uint8_t *)address};
}

/* As text in `after`, and as changes. */
static void put_edit(struct edited *edited, struct text *after, size_t number, enum edit edit)
{
	char owner[64];
	char more[64];
	snprintf(owner, sizeof owner, "n%zu.example.", number);
	/* Behind it, or before all others: then the keys of a page begin with less in common. */
	snprintf(more, sizeof more, number % 2 == 0 ? "n%zu-x.example." : "m%zu.example.", number);
	switch (edit) {
	case EDITS:
	case EDIT_NOTHING:
		text_format(after, "%s 3600 A 192.0.2.1\n", owner);
		break;
	case EDIT_REMOVED:
		put_change(edited, false, owner, 3600, "\300\0\2\1");
		break;
	case EDIT_OTHER_ADDRESS:
		put_change(edited, false, owner, 3600, "\300\0\2\1");
		put_change(edited, true, owner, 3600, "\300\0\2\2");
		text_format(after, "%s 3600 A 192.0.2.2\n", owner);
		break;
	case EDIT_OTHER_TTL:
		put_change(edited, false, owner, 3600, "\300\0\2\1");
		put_change(edited, true, owner, 60, "\300\0\2\1");
		text_format(after, "%s 60 A 192.0.2.1\n", owner);
		break;
	case EDIT_ADDRESS_MORE:
		put_change(edited, true, owner, 3600, "\300\0\2\2");
		text_format(after, "%s 3600 A 192.0.2.1\n%s 3600 A 192.0.2.2\n", owner, owner);
		break;
	case EDIT_NAME_MORE:
		put_change(edited, true, more, 3600, "\300\0\2\1");
		text_format(after, "%s 3600 A 192.0.2.1\n%s 3600 A 192.0.2.1\n", owner, more);
		break;
	}
}

/* The version that zone_apply made shares most of its memory with the one before, the one read from text nothing: what
 * differs is the same. */
TEST(sharing_makes_no_difference)
{
	enum { NAMES = 6000 };
	struct random_seeded seeded;
	random_seeded_init(&seeded, unit_seed());
	for (int round = 0; round < 40; round++) {
		enum edit edits[NAMES] = {EDIT_NOTHING};
		struct edited edited = {.count = 0};
		size_t count = 1 + random_below(&seeded.source, 59);
		struct text before;
		struct text after;
		text_init(&before, 1 << 20);
		text_init(&after, 1 << 20);
		for (size_t i = 0; i < count; i++) {
			/* In every other round they meet: then pages are cut and joined. */
			size_t number = random_below(&seeded.source, round % 2 == 0 ? NAMES : 100);
			edits[number] = (enum edit)random_below(&seeded.source, EDITS);
		}
		for (size_t i = 0; i < NAMES; i++) {
			text_format(&before, "n%zu 3600 A 192.0.2.1\n", i);
			put_edit(&edited, &after, i, edits[i]);
		}
		const struct zone_snapshot *from = zone_of_text("example.", 1, text_string(&before));
		const struct zone_snapshot *to = zone_of_text("example.", 1, text_string(&after));
		const struct zone_snapshot *sharing = zone_apply(from, edited.changes, edited.count, NULL);
		struct text expected;
		struct text found;
		assert_non_null(sharing);
		write_changes(from, to, &expected);
		write_changes(from, sharing, &found);
		assert_string_equal(text_string(&found), text_string(&expected));
		text_deinit(&found);
		text_deinit(&expected);
		write_changes(to, from, &expected);
		write_changes(sharing, from, &found);
		assert_string_equal(text_string(&found), text_string(&expected));
		text_deinit(&found);
		write_changes(sharing, sharing, &found);
		assert_string_equal(text_string(&found), "");
		text_deinit(&found);
		text_deinit(&expected);
		text_deinit(&before);
		text_deinit(&after);
		zone_unref(from);
		zone_unref(to);
		zone_unref(sharing);
	}
}

TEST(soa_counts_as_a_change_but_its_serial_is_no_content)
{
	const struct zone_snapshot *from = zone_of_text("example.", 1, "a A 192.0.2.1\n");
	const struct zone_snapshot *to = zone_of_text("example.", 2, "a A 192.0.2.1\n");
	struct change_counts counts = change_count(from, to);
	assert_int_equal(counts.added, 1);
	assert_int_equal(counts.removed, 1);
	assert_true(change_same_content(from, to));
	zone_unref(from);
	zone_unref(to);
}
