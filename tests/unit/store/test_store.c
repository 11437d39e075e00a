/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change/change.h"
#include "store/store.h"
#include "zone_text.h"

static char folder[200];

static struct store *open_store(const char *name)
{
	struct error error;
	snprintf(folder, sizeof folder, "%s/%s", unit_folder(), name);
	struct store *store = store_open(folder, &error);
	if (store == NULL) {
		fail_msg("%s", error.text);
	}
	return store;
}

static struct dns_name name_of(const char *text)
{
	struct dns_name name;
	assert_true(dns_name_from_text(text, &name, NULL));
	return name;
}

static struct store_state secondary_state(uint32_t serial)
{
	return (struct store_state){
	        .role = STORE_SECONDARY,
	        .has_version = true,
	        .serial_published = serial,
	        .serial_file = serial,
	        .refreshed_at_s = 1000,
	        .refresh_at_s = 2000,
	        .expire_at_s = 3000,
	        .has_records = true,
	};
}

static const char zone_text[] = "a A 192.0.2.1\nA.B TXT \"x\"\n*.c AAAA ::1\nd NS ns.d\nns.d A 192.0.2.9\n"
                                "h00000000000000000000000000000000 NSEC3 1 0 0 - 00000000000000000000000000000001 A\n";

TEST(version_and_timers_survive_a_restart)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct store_state found;
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("restart");
	assert_true(store_save(store, apex.wire, zone, &state, &error));
	store_close(store);
	store = open_store("restart");
	const struct zone_snapshot *back = store_load_version(store, apex.wire, &found, &error);
	assert_non_null(back);
	assert_int_equal(found.serial_published, 7);
	assert_int_equal(found.expire_at_s, 3000);
	struct change_counts counts = change_count(zone, back);
	assert_int_equal(counts.added + counts.removed, 0);
	char *before = text_of_zone(zone);
	char *after = text_of_zone(back);
	assert_string_equal(before, after);
	free(before);
	free(after);
	zone_unref(back);
	zone_unref(zone);
	store_close(store);
}

TEST(timers_are_updated_in_place_many_times)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct store_state found;
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("timers");
	assert_true(store_save(store, apex.wire, zone, &state, &error));
	for (int i = 0; i < 5; i++) {
		state.refresh_at_s = 5000 + i;
		assert_true(store_save(store, apex.wire, NULL, &state, &error));
		assert_true(store_load_state(store, apex.wire, &found, &error));
		assert_int_equal(found.refresh_at_s, 5000 + i);
		assert_true(found.has_records);
	}
	const struct zone_snapshot *back = store_load_version(store, apex.wire, &found, &error);
	assert_non_null(back);
	zone_unref(back);
	zone_unref(zone);
	store_close(store);
}

/* The system's reason may be gone a moment later; what was remembered must not be gone with it. */
TEST(file_that_cannot_be_opened_now_is_not_replaced_by_timers_alone)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct dns_name apex = name_of("example.");
	struct store *store = open_store("unopened");
	char path[300];
	snprintf(path, sizeof path, "%s/zones/example.zone", folder);
	assert_int_equal(symlink(path, path), 0); /* ELOOP */
	assert_false(store_save(store, apex.wire, NULL, &state, &error));
	assert_int_equal(error.code, ERROR_IO);
	struct stat info;
	assert_int_equal(lstat(path, &info), 0);
	assert_true(S_ISLNK(info.st_mode));
	store_close(store);
}

TEST(header_torn_by_a_crash_falls_back_to_the_one_before)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct store_state found;
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("torn");
	assert_true(store_save(store, apex.wire, zone, &state, &error));
	state.refresh_at_s = 6000;
	assert_true(store_save(store, apex.wire, NULL, &state, &error));
	char path[300];
	snprintf(path, sizeof path, "%s/zones/example.zone", folder);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "torn", 4, 4096 + 60), 4);
	close(fd);
	assert_true(store_load_state(store, apex.wire, &found, &error));
	assert_int_equal(found.refresh_at_s, 2000);
	zone_unref(zone);
	store_close(store);
}

TEST(acknowledgements_survive_a_restart_and_belong_to_one_version)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct store_acknowledgement given[STORE_ACKNOWLEDGEMENTS_MAX + 1] = {
	        {.target = {.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, 1}}, .at_s = 1700000000},
	        {.target = {.family = ADDRESS_V6, .port = 5300, .scope_id = 3, .bytes = {0xfe, 0x80, [15] = 1}}},
	};
	struct store_acknowledgement found[STORE_ACKNOWLEDGEMENTS_MAX];
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("acknowledgements");
	assert_false(store_save_acknowledgements(store, apex.wire, 7, given, 2, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 0);
	assert_true(store_save(store, apex.wire, zone, &state, &error));
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 0);
	assert_true(store_save_acknowledgements(store, apex.wire, 7, given, 2, &error));
	state.refresh_at_s = 6000;
	assert_true(store_save(store, apex.wire, NULL, &state, &error));
	store_close(store);

	store = open_store("acknowledgements");
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 8, found), 0);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(address_equal(&found[i].target, &given[i].target));
		assert_int_equal(found[i].at_s, given[i].at_s);
	}
	const struct zone_snapshot *back = store_load_version(store, apex.wire, &state, &error);
	assert_non_null(back);
	zone_unref(back);
	assert_true(store_save_acknowledgements(store, apex.wire, 7, given, ARRAY_LENGTH(given), &error));
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), STORE_ACKNOWLEDGEMENTS_MAX);
	assert_true(store_save(store, apex.wire, zone, &state, &error));
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 0);
	zone_unref(zone);
	store_close(store);
}

/* One bad sector: a header of a new file stands in it twice. */
TEST(one_broken_header_loses_nothing)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct store_state found;
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("sector");
	char path[300];
	snprintf(path, sizeof path, "%s/zones/example.zone", folder);
	for (off_t offset = 0; offset <= 4096; offset += 4096) {
		assert_true(store_save(store, apex.wire, zone, &state, &error));
		int fd = open(path, O_RDWR);
		assert_int_equal(pwrite(fd, "torn", 4, offset + 30), 4);
		close(fd);
		const struct zone_snapshot *loaded = store_load_version(store, apex.wire, &found, &error);
		assert_non_null(loaded);
		assert_int_equal(found.serial_published, 7);
		assert_int_equal(found.expire_at_s, 3000);
		zone_unref(loaded);
	}
	zone_unref(zone);
	store_close(store);
}

TEST(torn_acknowledgements_are_none)
{
	struct error error;
	struct store_state state = {.role = STORE_PRIMARY, .has_version = true, .serial_published = 7};
	struct store_acknowledgement given = {.target = {.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, 1}}};
	struct store_acknowledgement found[STORE_ACKNOWLEDGEMENTS_MAX];
	struct dns_name apex = name_of("example.");
	struct store *store = open_store("torn-acknowledgements");
	assert_true(store_save(store, apex.wire, NULL, &state, &error));
	assert_true(store_save_acknowledgements(store, apex.wire, 7, &given, 1, &error));
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 1);
	char path[300];
	snprintf(path, sizeof path, "%s/zones/example.zone", folder);
	int fd = open(path, O_RDWR);
	assert_int_equal(pwrite(fd, "torn", 4, 1024 + 16), 4);
	close(fd);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 0);
	assert_true(store_load_state(store, apex.wire, &state, &error));
	store_close(store);
}

/* Flips one octet anywhere: the file is told from a whole one, and set aside. */
TEST(broken_file_is_refused_and_set_aside)
{
	struct error error;
	struct store_state state = secondary_state(7);
	struct store_state found;
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("broken");
	char path[300];
	snprintf(path, sizeof path, "%s/zones/example.zone", folder);
	for (off_t offset = 8192; offset < 8192 + 200; offset += 7) {
		uint8_t octet;
		assert_true(store_save(store, apex.wire, zone, &state, &error));
		int fd = open(path, O_RDWR);
		assert_int_equal(pread(fd, &octet, 1, offset), 1);
		octet ^= 0x20;
		assert_int_equal(pwrite(fd, &octet, 1, offset), 1);
		close(fd);
		assert_null(store_load_version(store, apex.wire, &found, &error));
		assert_int_equal(error.code, ERROR_INVALID);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	assert_true(store_save(store, apex.wire, zone, &state, &error));
	assert_int_equal(truncate(path, 8192 + 50), 0);
	assert_null(store_load_version(store, apex.wire, &found, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	zone_unref(zone);
	store_close(store);
}

TEST(unknown_zone_is_not_found)
{
	struct error error;
	struct store_state found;
	struct store *store = open_store("unknown");
	struct dns_name apex = name_of("nowhere.");
	assert_false(store_load_state(store, apex.wire, &found, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_true(store_forget(store, apex.wire, &error));
	store_close(store);
}

TEST(folder_belongs_to_one_server)
{
	struct error error;
	struct store *store = open_store("locked");
	assert_null(store_open(folder, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	store_close(store);
	store = store_open(folder, &error);
	assert_non_null(store);
	store_close(store);
}

TEST(names_that_are_no_file_names_are_stored_safely)
{
	char out[STORE_NAME_MAX];
	assert_string_equal(store_file_name(name_of(".").wire, out), "@");
	assert_string_equal(store_file_name(name_of("Example.ORG.").wire, out), "example.org");
	assert_string_equal(store_file_name(name_of("a/b.c\\.d\\%e.").wire, out), "a%2Fb.c%2Ed%25e");
	assert_string_equal(store_file_name(name_of("\\.\\..x.").wire, out), "%2E%2E.x");
	struct dns_name longest;
	longest.len = 255;
	for (int label = 0; label < 4; label++) {
		longest.wire[label * 64] = label == 3 ? 61 : 63;
		memset(longest.wire + label * 64 + 1, '/', label == 3 ? 61 : 63);
	}
	longest.wire[254] = 0;
	char other[STORE_NAME_MAX];
	assert_true(strlen(store_file_name(longest.wire, out)) < STORE_NAME_MAX);
	longest.wire[253] = '_';
	assert_string_not_equal(out, store_file_name(longest.wire, other));
}

TEST(digest_sees_every_edit_but_not_the_serial)
{
	uint8_t a[STORE_DIGEST_SIZE];
	uint8_t b[STORE_DIGEST_SIZE];
	const struct zone_snapshot *one = zone_of_text("example.", 1, "a A 192.0.2.1\n");
	const struct zone_snapshot *two = zone_of_text("example.", 2, "A A 192.0.2.1\n");
	const struct zone_snapshot *three = zone_of_text("example.", 1, "a A 192.0.2.2\n");
	const struct zone_snapshot *four = zone_of_text("example.", 1, "a 3601 A 192.0.2.1\n");
	const struct zone_snapshot *lower = zone_of_text("example.", 1, "a MX 1 mail.a\n");
	const struct zone_snapshot *upper = zone_of_text("example.", 1, "a MX 1 MAIL.a\n");
	store_content_digest(one, a);
	store_content_digest(two, b);
	assert_memory_equal(a, b, sizeof a);
	store_content_digest(three, b);
	assert_memory_not_equal(a, b, sizeof a);
	store_content_digest(four, b);
	assert_memory_not_equal(a, b, sizeof a);
	zone_unref(one);
	zone_unref(two);
	zone_unref(three);
	zone_unref(four);
	store_content_digest(lower, a); /* names are the same in any case (RFC 4343) */
	store_content_digest(upper, b);
	assert_memory_equal(a, b, sizeof a);
	zone_unref(lower);
	zone_unref(upper);
}
