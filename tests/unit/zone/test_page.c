/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "unit.h"
#include "zone/page_internal.h"

/* A leaf of these keys, ended by NULL, each with a body of its flags (none) and the octet of the same place in `bodies`. */
static struct zone_page *leaf_of(const char *const *keys, const char *bodies)
{
	struct zone_item items[8];
	uint8_t octets[8][2] = {0};
	size_t count = 0;
	for (; keys[count] != NULL; count++) {
		octets[count][1] = (uint8_t)bodies[count];
		items[count] = (struct zone_item){
		        .key = (const uint8_t *)keys[count],
		        .key_len = (uint16_t)strlen(keys[count]),
		        .body = octets[count],
		        .body_len = sizeof octets[count],
		};
	}
	return zone_page_write(items, count, 0, 1);
}

/* The pages have prefixes of these lengths, and so many entries are the same from the given ones on. */
static void assert_same_run(const char *const *a_keys, const char *a_bodies, size_t a_from, size_t a_prefix,
                            const char *const *b_keys, const char *b_bodies, size_t b_from, size_t b_prefix, size_t run)
{
	struct zone_page *a = leaf_of(a_keys, a_bodies);
	struct zone_page *b = leaf_of(b_keys, b_bodies);
	assert_int_equal(a->prefix_len, a_prefix);
	assert_int_equal(b->prefix_len, b_prefix);
	assert_int_equal(zone_page_same_run(a, a_from, b, b_from), run);
	assert_int_equal(zone_page_same_run(b, b_from, a, a_from), run);
	free(a);
	free(b);
}

static const char *const mail[] = {"mail1", "mail2", "mail3", NULL};

TEST(same_entries_of_pages_with_one_prefix_are_one_run)
{
	const char *const longer[] = {"mail1", "mail2", "mail33", NULL};
	assert_same_run(mail, "abc", 0, 4, mail, "abc", 0, 4, 3);
	assert_same_run(mail, "abc", 0, 4, mail, "axc", 0, 4, 1);
	assert_same_run(mail, "abc", 0, 4, longer, "abc", 0, 4, 2);
}

TEST(same_entries_of_pages_with_different_prefixes_are_one_run)
{
	const char *const more[] = {"ma", "mail1", "mail2", "mail3", NULL};
	const char *const behind[] = {"mail1", "mail2", "mb", NULL};
	const char *const longer[] = {"m", "mail11", "mail2", NULL};
	assert_same_run(mail, "abc", 0, 4, more, "xabc", 1, 2, 3);
	assert_same_run(mail, "abc", 1, 4, more, "xabc", 2, 2, 2);
	assert_same_run(mail, "abc", 0, 4, behind, "abc", 0, 1, 2);
	assert_same_run(mail, "abc", 0, 4, more, "xaxc", 1, 2, 1);
	assert_same_run(mail, "abc", 0, 4, longer, "xab", 1, 1, 0);
}

/* What stands behind the prefix is the same, and still they are two names. */
TEST(entries_whose_keys_differ_in_the_prefix_are_not_the_same)
{
	const char *const web[] = {"webs1", "webs2", "webs3", NULL};
	assert_same_run(mail, "abc", 0, 4, web, "abc", 0, 4, 0);
}
