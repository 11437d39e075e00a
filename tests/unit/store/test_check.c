/* SPDX-License-Identifier: MIT */
/* What is said of a store that is damaged: nothing of a whole one, something wherever something is lost; and nothing dies of
 * looking, nor is anything changed by it.
 *
 * FLIPS=N tries so many (150). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit.h"
#include "../zone_text.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "dns/dns.h"
#include "store/store_internal.h"

#define ZONES 3 /* few records, many, few and a history */
static const char *const names[ZONES] = {"small.", "large.", "long."};
static const struct change_history_limits limits = {.count_max = 20, .octets_max = 1 << 20, .age_max_s = 1000};
static const struct store_note a_note = {.at_s = 1000, .origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};
static const struct change_deadlines timers = {.refreshed_at_s = 10, .refresh_at_s = 20, .expire_at_s = 30};

static struct dns_name apex_of(unsigned zone)
{
	struct dns_name apex;
	assert_true(dns_name_from_text(names[zone], &apex, NULL));
	return apex;
}

static const struct zone_snapshot *version_of(unsigned zone, uint32_t serial)
{
	struct text text;
	text_init(&text, 1 << 20);
	text_format(&text, "changing TXT \"%u\"\n", serial);
	for (unsigned i = 0; i < (zone == 1 ? 600 : 3); i++) {
		text_format(&text, "n%u TXT \"some octets that make the zone large\"\n", i);
	}
	const struct zone_snapshot *version = zone_of_text(names[zone], serial, text_string(&text));
	text_deinit(&text);
	return version;
}

static struct store_head head_of(const struct zone_snapshot *version)
{
	return (struct store_head){.role = STORE_SECONDARY,
	                           .class = DNS_CLASS_IN,
	                           .serial_published = zone_serial(version),
	                           .content = change_digest_of(version)};
}

static void write_first(struct store *store, unsigned zone)
{
	const struct zone_snapshot *version = version_of(zone, 1);
	struct store_head head = head_of(version);
	struct store_write *write = store_write_new(store, apex_of(zone).wire);
	store_write_version(write, &head, &a_note, version);
	store_write_timers(write, &timers);
	store_write_source(write, (const uint8_t *)"x", 1);
	store_submit(write, NULL, STORE_NOW);
	zone_unref(version);
}

static void write_next(struct store *store, unsigned zone, uint32_t serial, bool whole)
{
	struct error error;
	const struct zone_snapshot *before = version_of(zone, serial - 1);
	const struct zone_snapshot *version = version_of(zone, serial);
	const struct changeset *set = changeset_between(before, version, &error);
	struct store_head heads[] = {head_of(before), head_of(version)};
	struct store_write *write = store_write_new(store, apex_of(zone).wire);
	store_write_change(write, &heads[0], &heads[1], &a_note, set, &limits, false);
	store_submit(write, NULL, STORE_NOW);
	store_flush(store);
	if (whole) {
		struct store_stand stand;
		struct store_head head;
		assert_true(store_load_head(store, apex_of(zone).wire, &head, &stand, NULL, &error));
		write = store_write_new(store, apex_of(zone).wire);
		store_write_copy(write, &head, stand.number, zone_ref(version));
		store_submit(write, NULL, STORE_NOW);
	}
	changeset_unref(set);
	zone_unref(version);
	zone_unref(before);
}

#define LAST_SERIAL 9

static char *make_store(const char *name)
{
	struct error error;
	char *path = store_path_in(unit_folder(), name);
	struct store *store = store_open(path, &error);
	assert_non_null(store);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		write_first(store, zone);
	}
	for (uint32_t serial = 2; serial <= LAST_SERIAL; serial++) {
		write_next(store, 1, serial, false);
		write_next(store, 2, serial, serial == 7);
	}
	store_close(store);
	return path;
}

/* What a check said, one line each. */
struct heard {
	struct store_check_sink sink; /* first */
	struct store_check_counts counts;
	unsigned seen;
	char text[20000];
};

static void hear(struct store_check_sink *self, const struct store_finding *finding)
{
	struct heard *heard = (struct heard *)self;
	char name[DNS_NAME_TEXT_MAX] = "";
	size_t used = strlen(heard->text);
	snprintf(heard->text + used, sizeof heard->text - used, "%s %s: %s; %s\n", finding->is_problem ? "!" : "-",
	         finding->apex == NULL ? "" : dns_name_to_text(finding->apex, name), finding->what, finding->then);
}

static void see(struct store_check_sink *self, const uint8_t *apex, const struct store_head *head)
{
	(void)apex;
	assert_true(head->serial_published > 0);
	((struct heard *)self)->seen++;
}

static void ignore_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

/* False: it cannot be opened, and `heard` says why. */
static bool check_folder(const char *path, struct heard *heard)
{
	struct error error;
	*heard = (struct heard){.sink = {.tell = hear, .see = see}};
	log_set_sink(ignore_line, NULL);
	struct store *store = store_open_as_is(path, &error);
	if (store == NULL) {
		snprintf(heard->text, sizeof heard->text, "%s", error.text);
		return false;
	}
	assert_true(store_check(store, &heard->sink, &heard->counts, &error));
	store_close(store);
	return true;
}

TEST(nothing_is_said_of_a_whole_store)
{
	static struct heard heard;
	char *path = make_store("whole");
	assert_true(check_folder(path, &heard));
	assert_string_equal(heard.text, "");
	assert_int_equal(heard.seen, ZONES);
	assert_int_equal(heard.counts.zones, ZONES);
	assert_int_equal(heard.counts.whole, ZONES);
	assert_int_equal(heard.counts.images, 1);
	assert_int_equal(heard.counts.problems, 0);
	free(path);
}

TEST(folder_of_a_server_or_without_a_store_is_not_looked_at)
{
	struct error error;
	char *path = make_store("held");
	struct store *store = store_open(path, &error);
	assert_null(store_open_as_is(path, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	store_close(store);
	store = store_open_as_is(path, &error);
	assert_non_null(store);
	assert_null(store_open(path, &error)); /* nor does a server start meanwhile */
	store_close(store);
	assert_null(store_open_as_is(unit_folder(), &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	free(path);
}

/* Flips a bit of one value, the way LMDB is told to write it. */
static void spoil(const char *path, const struct store_name *key, bool is_removed)
{
	struct error error;
	char *file = store_path_in(path, "store.mdb");
	struct kv *kv = kv_lmdb_open(file, false, &error);
	static const uint8_t nonsense[60] = {1, 2, 3};
	assert_non_null(kv);
	assert_true(kv->side->begin(kv, &error));
	if (is_removed) {
		assert_true(kv->side->remove(kv, store_key_bytes(key), &error));
	} else {
		assert_true(kv->side->put(kv, store_key_bytes(key),
		                          (struct kv_bytes){.at = nonsense, .len = sizeof nonsense}, &error));
	}
	assert_true(kv->side->commit(kv, &error));
	kv->side->close(kv);
	free(file);
}

static void expect_said(const char *name, struct store_name key, bool is_removed, const char *said)
{
	static struct heard heard;
	char *path = make_store(name);
	spoil(path, &key, is_removed);
	assert_true(check_folder(path, &heard));
	if (strcmp(heard.text, said) != 0) {
		fail_msg("it says\n%sand not\n%s", heard.text, said);
	}
	free(path);
}

TEST(each_kind_of_damage_is_told_with_what_comes_of_it)
{
	const uint8_t *small = (const uint8_t *)"\5small";
	const uint8_t *large = (const uint8_t *)"\5large";
	const uint8_t *history = (const uint8_t *)"\4long";
	expect_said("head", store_key_of(STORE_KEY_HEAD, small), false,
	            "! small.: its head cannot be read: which version was published last is not known; the next start "
	            "reads "
	            "the zone file, whose serial must be above the last one that was published, or transfers the zone "
	            "anew\n");
	expect_said("records", store_key_of(STORE_KEY_RECORDS, small), false,
	            "! small.: what the store says of it fails its checksum; the next start transfers it anew; until "
	            "then it "
	            "is not served\n");
	expect_said("timers", store_key_of(STORE_KEY_TIMERS, small), false,
	            "! small.: its timers fail their checksum; its primaries are asked at the next start\n");
	expect_said("source", store_key_of(STORE_KEY_SOURCE, small), false,
	            "! small.: the note of the files that it was read from fails its checksum; its zone file is read "
	            "at the "
	            "next start\n");
	expect_said(
	        "needed", store_key_of_change(large, 3), false,
	        "! large.: a changeset that leads to it is missing or fails its checksum; the next start transfers it "
	        "anew; until then it is not served\n");
	expect_said("gap", store_key_of_change(history, 3), true,
	            "! long.: of 8 changes of its history only the last 5 can be used; the version is whole; "
	            "secondaries that "
	            "are further behind get the whole zone\n");
	expect_said("nobody", store_key_of(STORE_KEY_TIMERS, (const uint8_t *)"\6nobody"), true, "");
	expect_said(
	        "headless", store_key_of(STORE_KEY_HEAD, small), true,
	        "- small.: values of it belong to no version that is remembered; they take room, and are of no other "
	        "harm\n");
}

/* ---- forgetting ---- */

static void forget(struct store *store, unsigned zone, uint64_t values, uint64_t images)
{
	struct store_forgotten forgotten;
	struct error error;
	assert_true(store_forget(store, apex_of(zone).wire, &forgotten, &error));
	assert_int_equal(forgotten.values, values);
	assert_int_equal(forgotten.images, images);
	assert_false(forgotten.keeps_serial); /* a secondary's */
	assert_false(store_forget(store, apex_of(zone).wire, &forgotten, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
}

static void set_image_aside(const char *path)
{
	char *images = store_path_in(path, "images");
	DIR *entries = opendir(images);
	assert_non_null(entries);
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		char *image = store_path_in(images, entry->d_name);
		char aside[300];
		snprintf(aside, sizeof aside, "%s.broken", image);
		if (entry->d_name[0] != '.') {
			assert_int_equal(rename(image, aside), 0);
		}
		free(image);
	}
	closedir(entries);
	free(images);
}

/* Also what no head names, and images that were set aside. */
TEST(all_that_is_there_of_a_zone_goes_when_it_is_forgotten)
{
	static struct heard heard;
	struct error error;
	char *path = make_store("forgotten");
	struct store_name broken = store_key_of(STORE_KEY_HEAD, apex_of(0).wire);
	struct store_name gone = store_key_of(STORE_KEY_HEAD, apex_of(2).wire);
	spoil(path, &broken, false);
	spoil(path, &gone, true);
	set_image_aside(path);
	struct store *store = store_open(path, &error);
	assert_non_null(store);
	forget(store, 0, 4, 0);     /* head, records, timers, source */
	forget(store, 1, 3 + 8, 1); /* head, timers, source, changes */
	forget(store, 2, 3 + 8, 0); /* records, timers, source, changes */
	store_close(store);
	assert_true(check_folder(path, &heard));
	assert_string_equal(heard.text, "");
	assert_int_equal(heard.seen, 0);
	assert_int_equal(heard.counts.values, 1); /* the format */
	free(path);
}

/* ---- bits that flip ---- */

static void write_file(const char *path, const uint8_t *octets, size_t len)
{
	FILE *file = fopen(path, "wbe");
	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static void copy_folder(const char *from, const char *to)
{
	struct error error;
	DIR *entries = opendir(from);
	assert_non_null(entries);
	assert_true(folder_make(to, &error));
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		char *source = store_path_in(from, entry->d_name);
		char *target = store_path_in(to, entry->d_name);
		struct stat status;
		uint8_t *octets;
		size_t len;
		if (stat(source, &status) == 0 && S_ISREG(status.st_mode)) {
			assert_true(file_read(source, SIZE_MAX / 2, &octets, &len, &error));
			write_file(target, octets, len);
			free(octets);
		} else if (entry->d_name[0] != '.') {
			copy_folder(source, target);
		}
		free(source);
		free(target);
	}
	closedir(entries);
}

/* The store's file, or its only image. For free(). */
static char *choose_file(const char *path, struct random_source *chance)
{
	char *images = store_path_in(path, "images");
	char *file = store_path_in(path, "store.mdb");
	DIR *entries = opendir(images);
	assert_non_null(entries);
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		if (entry->d_name[0] != '.' && random_below(chance, 4) == 0) {
			free(file);
			file = store_path_in(images, entry->d_name);
			break;
		}
	}
	closedir(entries);
	free(images);
	return file;
}

static void flip_bits(const char *file, struct random_source *chance)
{
	struct error error;
	uint8_t *octets;
	size_t len;
	assert_true(file_read(file, SIZE_MAX / 2, &octets, &len, &error));
	for (uint64_t i = random_below(chance, 3) + 1; i > 0; i--) {
		octets[random_below(chance, len)] ^= (uint8_t)(1u << random_below(chance, 8));
	}
	write_file(file, octets, len);
	free(octets);
}

/* Each zone loads as it was, with all that belongs to it. */
static void expect_all(const char *path)
{
	struct error error;
	struct store *store = store_open_as_is(path, &error);
	assert_non_null(store);
	for (unsigned zone = 0; zone < ZONES; zone++) {
		size_t len;
		struct dns_name apex = apex_of(zone);
		struct store_head head;
		const struct change_history *history;
		const struct zone_snapshot *version = store_load_version(store, apex.wire, &head, &history, &error);
		assert_non_null(version);
		assert_int_equal(zone_serial(version), zone == 0 ? 1 : LAST_SERIAL);
		assert_true(change_digest_equal(change_digest_of(version), head.content));
		assert_int_equal(change_history_count(history), zone == 0 ? 0 : LAST_SERIAL - 1);
		struct change_deadlines kept = store_load_timers(store, apex.wire);
		assert_true(change_deadlines_equal(&kept, &timers));
		uint8_t *source = store_load_source(store, apex.wire, &len);
		assert_non_null(source);
		free(source);
		change_history_unref(history);
		zone_unref(version);
	}
	store_close(store);
}

static uint64_t hash_of(const char *file)
{
	struct error error;
	uint8_t *octets;
	size_t len;
	uint64_t hash = 0;
	assert_true(file_read(file, SIZE_MAX / 2, &octets, &len, &error));
	for (size_t i = 0; i < len; i++) {
		hash = hash * 1099511628211u + octets[i];
	}
	free(octets);
	return hash;
}

TEST(after_bits_flipped_something_is_said_or_nothing_is_lost)
{
	static struct heard heard;
	struct random_seeded chance;
	const char *wanted = getenv("FLIPS");
	unsigned flips = wanted == NULL ? 150 : (unsigned)atoi(wanted);
	unsigned told = 0;
	char *path = make_store("bits");
	random_seeded_init(&chance, unit_seed());
	for (unsigned i = 0; i < flips; i++) {
		char name[40];
		snprintf(name, sizeof name, "bits-%u", i);
		char *copy = store_path_in(unit_folder(), name);
		copy_folder(path, copy);
		char *file = choose_file(copy, &chance.source);
		flip_bits(file, &chance.source);
		uint64_t hash = hash_of(file);
		bool is_opened = check_folder(copy, &heard);
		assert_true(hash_of(file) == hash);
		if (is_opened && heard.counts.problems == 0) {
			expect_all(copy);
		} else {
			assert_true(strlen(heard.text) > 0);
			told++;
		}
		free(file);
		free(copy);
	}
	assert_true(flips < 50 || told > 0);
	free(path);
}
