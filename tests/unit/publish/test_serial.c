/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "publish/publish.h"

/* 2026-11-21 12:00:00 UTC */
#define NOON 1795262400

static const struct store_head *published(uint32_t serial)
{
	static struct store_head state;
	state = (struct store_head){.role = STORE_PRIMARY, .serial_published = serial};
	return &state;
}

static void expect(enum publish_serial_policy policy, const struct store_head *last, uint32_t offered, bool same,
                   enum publish_serial_outcome outcome, uint32_t serial)
{
	uint32_t chosen;
	assert_int_equal(publish_choose_serial(policy, last, offered, same, NOON, &chosen), outcome);
	if (outcome != PUBLISH_SERIAL_REFUSED) {
		assert_int_equal(chosen, serial);
	}
}

TEST(first_version_is_published_with_its_own_serial)
{
	expect(PUBLISH_SERIAL_RAISE, NULL, 7, false, PUBLISH_SERIAL_AS_OFFERED, 7);
	expect(PUBLISH_SERIAL_KEEP, NULL, 7, false, PUBLISH_SERIAL_AS_OFFERED, 7);
}

TEST(raised_serial_is_taken_as_it_is)
{
	expect(PUBLISH_SERIAL_DATE, published(7), 8, false, PUBLISH_SERIAL_AS_OFFERED, 8);
	expect(PUBLISH_SERIAL_KEEP, published(7), 8, true, PUBLISH_SERIAL_AS_OFFERED, 8);
	expect(PUBLISH_SERIAL_RAISE, published(0xffffffff), 0, false, PUBLISH_SERIAL_AS_OFFERED, 0);
}

TEST(edit_without_a_raised_serial_is_published_with_a_raised_one)
{
	expect(PUBLISH_SERIAL_RAISE, published(7), 7, false, PUBLISH_SERIAL_RAISED, 8);
	expect(PUBLISH_SERIAL_RAISE, published(0xffffffff), 0xffffffff, false, PUBLISH_SERIAL_RAISED, 0);
	expect(PUBLISH_SERIAL_UNIXTIME, published(7), 7, false, PUBLISH_SERIAL_RAISED, NOON);
	expect(PUBLISH_SERIAL_DATE, published(7), 7, false, PUBLISH_SERIAL_RAISED, 2026112100);
	expect(PUBLISH_SERIAL_DATE, published(2026112100), 7, false, PUBLISH_SERIAL_RAISED, 2026112101);
	expect(PUBLISH_SERIAL_UNIXTIME, published(NOON + 5), 7, false, PUBLISH_SERIAL_RAISED, NOON + 6);
}

TEST(kept_serial_refuses_an_edit_without_a_raised_one)
{
	expect(PUBLISH_SERIAL_KEEP, published(7), 7, false, PUBLISH_SERIAL_REFUSED, 0);
	expect(PUBLISH_SERIAL_KEEP, published(7), 6, true, PUBLISH_SERIAL_REFUSED, 0);
}

TEST(same_content_keeps_the_serial_that_was_published)
{
	expect(PUBLISH_SERIAL_RAISE, published(8), 7, true, PUBLISH_SERIAL_SAME, 8);
	expect(PUBLISH_SERIAL_KEEP, published(7), 7, true, PUBLISH_SERIAL_SAME, 7);
}

TEST(serial_never_goes_back)
{
	expect(PUBLISH_SERIAL_RAISE, published(8), 3, false, PUBLISH_SERIAL_RAISED, 9);
	/* Exactly 2^31 apart is not newer (RFC 1982 3.2). */
	expect(PUBLISH_SERIAL_RAISE, published(8), 8 + 0x80000000u, false, PUBLISH_SERIAL_RAISED, 9);
	expect(PUBLISH_SERIAL_KEEP, published(8), 8 + 0x80000000u, false, PUBLISH_SERIAL_REFUSED, 0);
}
