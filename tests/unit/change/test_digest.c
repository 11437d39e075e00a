/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>

#include "base/random.h"
#include "base/text.h"
#include "change/digest.h"
#include "zone_text.h"

static struct change_digest digest_of(uint32_t serial, const char *text)
{
	const struct zone_snapshot *zone = zone_of_text("example.", serial, text);
	struct change_digest digest = change_digest_of(zone);
	zone_unref(zone);
	return digest;
}

static bool is_same(const char *a, const char *b)
{
	return change_digest_equal(digest_of(1, a), digest_of(2, b));
}

TEST(every_edit_is_seen_but_for_the_serial)
{
	assert_true(is_same("a A 192.0.2.1\n", "a A 192.0.2.1\n"));
	assert_false(is_same("a A 192.0.2.1\n", "a A 192.0.2.2\n"));
	assert_false(is_same("a A 192.0.2.1\n", "b A 192.0.2.1\n"));
	assert_false(is_same("a A 192.0.2.1\n", "a 3601 A 192.0.2.1\n"));
	assert_false(is_same("a A 192.0.2.1\n", "a A 192.0.2.1\na A 192.0.2.2\n"));
	assert_false(is_same("a TXT a\n", "a SPF a\n"));
	assert_false(is_same("a TXT a\n", "a TXT A\n"));
	assert_false(is_same("a TXT a\nb TXT b\n", "a TXT b\nb TXT a\n"));
	assert_false(is_same("@ SOA ns.other. h.other. 1 2 3 4 5\n@ NS ns.other.\n",
	                     "@ SOA ns.other. h.other. 1 2 3 4 6\n@ NS ns.other.\n"));
}

/* RFC 4343, RFC 4034 6.2. */
TEST(case_of_names_is_not_content)
{
	assert_true(is_same("a A 192.0.2.1\n", "A A 192.0.2.1\n"));
	assert_true(is_same("a MX 1 mail.a\n", "a MX 1 MAIL.a\n"));
}

/* Another program may compute it: this is the form of the first version of it. */
TEST(the_digest_of_a_zone_never_changes)
{
	uint8_t octets[CHANGE_DIGEST_SIZE];
	char hex[CHANGE_DIGEST_TEXT_MAX];
	struct change_digest digest = digest_of(1, "a A 192.0.2.1\na MX 10 b\n");
	assert_string_equal(change_digest_to_text(digest, hex), "e4787233de8b35d30786075e80a009be");
	change_digest_write(digest, octets);
	for (size_t i = 0; i < sizeof octets; i++) {
		snprintf(hex + 2 * i, 3, "%02x", octets[i]);
	}
	assert_string_equal(hex, "e4787233de8b35d30786075e80a009be");
	assert_true(change_digest_equal(change_digest_read(octets), digest));
}

TEST(what_is_told_is_read_back_and_nothing_else_is_read)
{
	struct change_told told = {.serial = 0x01020304, .digest = digest_of(1, "a A 192.0.2.1\na MX 10 b\n")};
	struct change_told read;
	uint8_t value[CHANGE_TOLD_SIZE + 1];
	change_told_write(told, value);
	assert_memory_equal(value, "\1\1\2\3\4\xe4\x78\x72\x33\xde\x8b\x35\xd3\x07\x86\x07\x5e\x80\xa0\x09\xbe", 21);
	assert_true(change_told_read(value, CHANGE_TOLD_SIZE, &read));
	assert_int_equal(read.serial, 0x01020304);
	assert_true(change_digest_equal(read.digest, told.digest));
	assert_false(change_told_read(value, CHANGE_TOLD_SIZE - 1, &read));
	assert_false(change_told_read(value, CHANGE_TOLD_SIZE + 1, &read));
	assert_false(change_told_read(value, 0, &read));
	assert_false(change_told_read(NULL, 0, &read));
	value[0] = 2;
	assert_false(change_told_read(value, CHANGE_TOLD_SIZE, &read));
}

TEST(the_digest_follows_changesets)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, unit_seed());
	const struct zone_snapshot *before = zone_of_text("example.", 1, "");
	struct change_digest digest = change_digest_of(before);
	for (uint32_t serial = 2; serial < 40; serial++) {
		struct text text;
		struct error error;
		text_init(&text, 10000);
		for (size_t name = 0; name < 20; name++) {
			if (random_below(&seeded.source, 2) == 0) {
				text_format(&text, "n%zu %zu CNAME t%zu\n", name,
				            (size_t)random_below(&seeded.source, 2),
				            (size_t)random_below(&seeded.source, 3));
			}
		}
		const struct zone_snapshot *next = zone_of_text("example.", serial, text_string(&text));
		const struct changeset *set = changeset_between(before, next, &error);
		assert_non_null(set);
		digest = change_digest_after(digest, set);
		assert_true(change_digest_equal(digest, change_digest_of(next)));
		changeset_unref(set);
		text_deinit(&text);
		zone_unref(before);
		before = next;
	}
	zone_unref(before);
}
