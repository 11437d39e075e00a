/* SPDX-License-Identifier: MIT */
/* What is left of a store whose key-value side was lost: images, and the serials that were given. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "dns/serial.h"
#include "fake_kv.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "zone_text.h"

static char folder[200];

static struct store *open_alone(struct fake_kv *fake, const char *name)
{
	struct error error;
	snprintf(folder, sizeof folder, "%s/%s", unit_folder(), name);
	assert_true(folder_make(folder, &error));
	struct store *store = store_new_alone(fake_kv_side(fake), disk_posix(), folder, &error);
	assert_non_null(store);
	store_commit(store);
	return store;
}

static const char *notes_path(void)
{
	static char path[300];
	snprintf(path, sizeof path, "%s/serials", folder);
	return path;
}

static struct dns_name zone_number(unsigned number)
{
	char text[40];
	struct dns_name name;
	snprintf(text, sizeof text, "zone%u.", number);
	assert_true(dns_name_from_text(text, &name, NULL));
	return name;
}

static const struct store_note a_note = {.at_s = 1000, .origin = CHANGE_FROM_FILE, .who = "a file"};

static void give(struct store *store, unsigned zone, uint32_t serial)
{
	struct store_head head = {.role = STORE_PRIMARY, .class = 1, .serial_published = serial};
	struct store_write *write = store_write_new(store, zone_number(zone).wire);
	store_write_version(write, &head, &a_note, NULL);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
}

static bool may_have_been_given(struct store *store, unsigned zone, uint32_t serial)
{
	struct store_head head;
	enum dns_serial_order order = store_load_serials(store, zone_number(zone).wire, &head)
	                                      ? dns_serial_compare(serial, head.top)
	                                      : DNS_SERIAL_NEWER;
	return order == DNS_SERIAL_OLDER || order == DNS_SERIAL_EQUAL;
}

static off_t size_of(const char *path)
{
	struct stat file;
	assert_int_equal(stat(path, &file), 0);
	return file.st_size;
}

TEST(serials_are_noted_once_for_a_block)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "blocks");
	give(store, 1, 1);
	off_t size = size_of(notes_path());
	for (uint32_t serial = 2; serial < 256; serial++) {
		give(store, 1, serial);
	}
	assert_int_equal(size_of(notes_path()), size);
	give(store, 1, 256);
	assert_true(size_of(notes_path()) > size);
	assert_true(may_have_been_given(store, 1, 256));
	store_close(store);
	fake_kv_free(fake);
}

/* A serial goes around within the file (RFC 1982). */
TEST(newest_note_of_a_zone_counts)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "around");
	static const uint32_t serials[] = {4000000000u, 1500000000u, 3000000000u, 4294967295u, 3u};
	for (size_t i = 0; i < sizeof serials / sizeof *serials; i++) {
		give(store, 1, serials[i]);
		assert_true(may_have_been_given(store, 1, serials[i]));
		assert_false(may_have_been_given(store, 1, serials[i] + 256));
	}
	store_close(store);
	fake_kv_free(fake);
}

TEST(notes_of_zones_that_change_for_long_do_not_fill_the_disk)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "growth");
	uint32_t serial = 1;
	give(store, 2, 77);
	for (unsigned i = 0; i < 100000; i++) {
		struct store_head head = {.role = STORE_PRIMARY, .class = 1, .serial_published = serial += 256};
		struct store_write *write = store_write_new(store, zone_number(1).wire);
		store_write_version(write, &head, &a_note, NULL);
		store_submit(write, NULL, STORE_NOW);
		if (i % 1000 == 0) {
			store_commit(store);
		}
	}
	store_commit(store);
	assert_true(size_of(notes_path()) < 1500000);
	assert_true(may_have_been_given(store, 1, serial));
	assert_true(may_have_been_given(store, 2, 77));
	store_close(store);
	fake_kv_free(fake);
}

/* Whatever octet is damaged, one zone is forgotten, or all where the beginning is. */
TEST(damaged_note_costs_no_other_one)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "flipped");
	struct error error;
	uint8_t *octets;
	size_t len;
	for (unsigned zone = 0; zone < 5; zone++) {
		give(store, zone, 100 * zone);
	}
	assert_true(file_read(notes_path(), 100000, &octets, &len, &error));
	for (size_t bit = 12 * 8; bit < len * 8; bit++) {
		unsigned known = 0;
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		FILE *file = fopen(notes_path(), "w");
		assert_non_null(file);
		assert_int_equal(fwrite(octets, 1, len, file), len);
		assert_int_equal(fclose(file), 0);
		for (unsigned zone = 0; zone < 5; zone++) {
			known += may_have_been_given(store, zone, 100 * zone);
		}
		assert_int_equal(known, 4);
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	free(octets);
	store_close(store);
	fake_kv_free(fake);
}

/* Of a store of an earlier version, or where somebody removed the file. */
TEST(notes_that_are_missing_are_made_from_what_the_store_has)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "missing");
	give(store, 1, 1000);
	store_close(store);
	assert_int_equal(remove(notes_path()), 0);
	store = open_alone(fake, "missing");
	store_close(store);
	fake_kv_free(fake);
	fake = fake_kv_new();
	store = open_alone(fake, "missing");
	assert_true(may_have_been_given(store, 1, 1000));
	store_close(store);
	fake_kv_free(fake);
}

/* ---- what is left of a store ---- */

static const struct zone_snapshot *large_zone(const char *apex)
{
	struct text text;
	text_init(&text, 1 << 20);
	for (unsigned i = 0; i < 2000; i++) {
		text_format(&text, "n%u A 192.0.2.1\n", i);
	}
	const struct zone_snapshot *zone = zone_of_text(apex, 7, text_string(&text));
	text_deinit(&text);
	return zone;
}

static bool is_whole(struct store *store, unsigned zone)
{
	struct store_head head;
	struct error error;
	const struct zone_snapshot *version = store_load_version(store, zone_number(zone).wire, &head, NULL, &error);
	bool done = version != NULL && head.serial_published == 7;
	zone_unref(version);
	return done;
}

/* A version with a later serial alone would be published with it as it is. */
static bool is_given_last(struct store *store, unsigned zone, uint32_t serial)
{
	struct store_head head;
	struct error error;
	return store_load_head(store, zone_number(zone).wire, &head, NULL, NULL, &error) && head.has_top &&
	       head.top == store_serials_block(serial);
}

/* Cut short by a kill or by a disk: it begins once more. */
TEST(rebuilding_that_was_cut_short_is_done_at_the_next_start)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "cut-short");
	for (unsigned zone = 0; zone < 3; zone++) {
		char apex[20];
		snprintf(apex, sizeof apex, "zone%u.", zone);
		const struct zone_snapshot *records = large_zone(apex);
		struct store_head head = {
		        .role = STORE_SECONDARY, .serial_published = 7, .content = change_digest_of(records)};
		struct store_write *write = store_write_new(store, zone_number(zone).wire);
		store_write_version(write, &head, &a_note, records);
		store_submit(write, NULL, STORE_NOW);
		store_commit(store);
		zone_unref(records);
	}
	give(store, 3, 1000);
	give(store, 4, 2000);
	store_close(store);
	fake_kv_free(fake);

	static const char *const lost[] = {"h\5zone1", "h\5zone4"};
	for (size_t i = 0; i < 2; i++) {
		fake = fake_kv_new();
		fake_kv_fail_key(fake, (const uint8_t *)lost[i], strlen(lost[i]) + 1);
		store = open_alone(fake, "cut-short");
		assert_true(is_whole(store, 0));
		assert_true(is_given_last(store, 3, 1000) && is_given_last(store, 4, 2000));
		store_close(store);
		fake_kv_fail_key(fake, NULL, 0);
		for (int j = 0; j < 2; j++) { /* and then no more */
			store = open_alone(fake, "cut-short");
			assert_true((store_problem(store) != NULL) == (j == 0));
			for (unsigned zone = 0; zone < 3; zone++) {
				assert_true(is_whole(store, zone));
			}
			assert_true(is_given_last(store, 3, 1000) && is_given_last(store, 4, 2000));
			store_close(store);
		}
		fake_kv_free(fake);
	}
}

/* What was published while it waited for the next start is newer than the image. */
TEST(rebuilding_that_the_disk_refused_takes_nothing_back)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "refused");
	const struct zone_snapshot *records = large_zone("zone0.");
	struct store_head head = {.role = STORE_PRIMARY, .serial_published = 7, .content = change_digest_of(records)};
	struct store_write *write = store_write_new(store, zone_number(0).wire);
	store_write_version(write, &head, &a_note, records);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
	zone_unref(records);
	give(store, 1, 1000);
	store_close(store);
	fake_kv_free(fake);

	fake = fake_kv_new();
	fake_kv_fail_commits(fake, 100);
	store = open_alone(fake, "refused");
	struct error error;
	assert_true(is_given_last(store, 0, 7) && is_given_last(store, 1, 1000));
	fake_kv_fail_commits(fake, 0);
	give(store, 0, 256);
	store_close(store);

	store = open_alone(fake, "refused");
	assert_true(store_load_head(store, zone_number(0).wire, &head, NULL, NULL, &error));
	assert_int_equal(head.serial_published, 256);
	assert_true(is_given_last(store, 1, 1000));
	store_close(store);
	fake_kv_free(fake);
}

/* ---- zones that are forgotten ---- */

static bool load_head(struct store *store, unsigned zone, struct store_head *head)
{
	struct error error;
	return store_load_head(store, zone_number(zone).wire, head, NULL, NULL, &error);
}

TEST(forgotten_zone_of_a_primary_keeps_its_serial_and_digest_alone)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "forgotten");
	struct store_forgotten forgotten;
	struct store_head head = {.role = STORE_PRIMARY, .class = 1, .serial_published = 77, .content = {{5, 6}}};
	struct error error;
	struct store_write *write = store_write_new(store, zone_number(1).wire);
	store_write_version(write, &head, &a_note, NULL);
	store_write_source(write, (const uint8_t *)"file", 4);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
	assert_true(store_forget(store, zone_number(1).wire, &forgotten, &error));
	assert_int_equal(forgotten.values, 2);
	assert_true(forgotten.keeps_serial);
	assert_int_equal(forgotten.serial, 77);
	assert_false(store_forget(store, zone_number(1).wire, &forgotten, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_true(load_head(store, 1, &head));
	assert_int_equal(head.serial_published, 77);
	assert_true(change_digest_equal(head.content, (struct change_digest){{5, 6}}));
	assert_true(may_have_been_given(store, 1, 77));
	store_close(store);
	fake_kv_free(fake);
}

TEST(zone_whose_head_is_broken_goes_on_behind_what_was_noted_when_it_was_forgotten)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "forgotten-broken");
	struct store_forgotten forgotten;
	struct store_head head;
	struct error error;
	give(store, 1, 77);
	assert_true(fake_kv_flip(fake, 'h', 40));
	assert_true(store_forget(store, zone_number(1).wire, &forgotten, &error));
	assert_true(forgotten.keeps_serial);
	assert_int_equal(forgotten.serial, 255);
	assert_true(load_head(store, 1, &head));
	assert_true(head.has_top);
	assert_int_equal(head.top, 255);
	assert_true(may_have_been_given(store, 1, 77)); /* when the store is lost */
	store_close(store);
	fake_kv_free(fake);
}

TEST(zone_that_cannot_be_forgotten_is_there_as_it_was)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = open_alone(fake, "refused");
	struct store_forgotten forgotten;
	struct error error;
	give(store, 1, 77);
	fake_kv_fail_commits(fake, 1);
	assert_false(store_forget(store, zone_number(1).wire, &forgotten, &error));
	assert_int_equal(error.code, ERROR_IO);
	assert_true(store_forget(store, zone_number(1).wire, &forgotten, &error));
	assert_int_equal(forgotten.values, 1);
	store_close(store);
	fake_kv_free(fake);
}
