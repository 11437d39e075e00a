/* SPDX-License-Identifier: MIT */
/* A copy of a store that is in use is a store, and has what the first one had. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fake_kv.h"
#include "../unit.h"
#include "../zone_text.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "dns/dns.h"
#include "store/store_internal.h"

static const struct change_history_limits limits = {.count_max = 20, .octets_max = 1 << 20, .age_max_s = 1000};
static const struct store_note a_note = {.at_s = 1000, .origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};

static char *path_of(const char *name)
{
	return store_path_in(unit_folder(), name);
}

static struct store *open_store(const char *path)
{
	struct error error;
	struct store *store = store_open(path, &error);
	if (store == NULL) {
		fail_msg("%s", error.text);
	}
	return store;
}

/* A zone and its newest version. */
struct line {
	struct store *store;
	struct dns_name apex;
	char name[40];
	unsigned records; /* beside SOA, NS and the one that changes */
	const struct zone_snapshot *newest;
	struct store_head head;
};

static const struct zone_snapshot *version_of(const struct line *line, uint32_t serial)
{
	struct text text;
	text_init(&text, 1 << 20);
	text_format(&text, "changing TXT \"%u\"\n", serial);
	for (unsigned i = 0; i < line->records; i++) {
		text_format(&text, "n%u TXT \"some octets that make the zone large\"\n", i);
	}
	const struct zone_snapshot *version = zone_of_text(line->name, serial, text_string(&text));
	text_deinit(&text);
	return version;
}

static void take_version(struct line *line, const struct zone_snapshot *take)
{
	line->head = (struct store_head){.role = STORE_SECONDARY,
	                                 .class = DNS_CLASS_IN,
	                                 .serial_published = zone_serial(take),
	                                 .content = change_digest_of(take)};
	zone_unref(line->newest);
	line->newest = take;
}

/* A whole version. */
static void begin_line(struct line *line, struct store *store, const char *name, unsigned records)
{
	*line = (struct line){.store = store, .records = records};
	snprintf(line->name, sizeof line->name, "%s", name);
	assert_true(dns_name_from_text(name, &line->apex, NULL));
	take_version(line, version_of(line, 1));
	struct store_write *write = store_write_new(store, line->apex.wire);
	store_write_version(write, &line->head, &a_note, line->newest);
	store_submit(write, NULL, STORE_NOW);
}

/* The next version as a change; with `whole` its records are written too. */
static void advance(struct line *line, bool whole)
{
	struct error error;
	struct store_head before = line->head;
	const struct zone_snapshot *next = version_of(line, zone_serial(line->newest) + 1);
	const struct changeset *set = changeset_between(line->newest, next, &error);
	take_version(line, next);
	struct store_write *write = store_write_new(line->store, line->apex.wire);
	if (whole) {
		store_write_version(write, &line->head, &a_note, next);
	} else {
		store_write_change(write, &before, &line->head, &a_note, set, &limits, false);
	}
	store_write_source(write, (const uint8_t *)&before.serial_published, sizeof before.serial_published);
	store_submit(write, NULL, STORE_NOW);
	changeset_unref(set);
}

static void end_line(struct line *line)
{
	zone_unref(line->newest);
}

/* The zone in this store; fails when it does not load. Gives its serial; `steps`: of its history. */
static uint32_t loaded_serial(struct store *store, const struct line *line, size_t *steps)
{
	struct error error;
	struct store_head head;
	const struct change_history *history;
	const struct zone_snapshot *version = store_load_version(store, line->apex.wire, &head, &history, &error);
	if (version == NULL) {
		fail_msg("zone %s: %s", line->name, error.text);
	}
	uint32_t serial = zone_serial(version);
	*steps = change_history_count(history);
	change_history_unref(history);
	zone_unref(version);
	return serial;
}

static void expect_same(struct store *a, struct store *b, const struct line *line)
{
	size_t steps_a;
	size_t steps_b;
	size_t len_a = 0;
	size_t len_b = 0;
	assert_int_equal(loaded_serial(a, line, &steps_a), loaded_serial(b, line, &steps_b));
	assert_int_equal(steps_a, steps_b);
	struct change_deadlines timers_a = store_load_timers(a, line->apex.wire);
	struct change_deadlines timers_b = store_load_timers(b, line->apex.wire);
	assert_true(change_deadlines_equal(&timers_a, &timers_b));
	uint8_t *source_a = store_load_source(a, line->apex.wire, &len_a);
	uint8_t *source_b = store_load_source(b, line->apex.wire, &len_b);
	assert_int_equal(len_a, len_b);
	assert_int_equal(source_a == NULL, source_b == NULL);
	assert_true(source_a == NULL || memcmp(source_a, source_b, len_a) == 0);
	free(source_a);
	free(source_b);
	static struct store_acknowledgement acknowledged_a[STORE_ACKNOWLEDGEMENTS_MAX];
	static struct store_acknowledgement acknowledged_b[STORE_ACKNOWLEDGEMENTS_MAX];
	uint32_t serial = line->head.serial_published;
	size_t count = store_load_acknowledgements(a, line->apex.wire, serial, acknowledged_a);
	assert_int_equal(count, store_load_acknowledgements(b, line->apex.wire, serial, acknowledged_b));
	assert_memory_equal(acknowledged_a, acknowledged_b, count * sizeof acknowledged_a[0]);
}

static struct store_backup_counts back_up(struct store *store, const char *path)
{
	struct error error;
	struct store_backup_counts counts;
	if (!store_backup(store, path, NULL, &counts, &error)) {
		fail_msg("%s", error.text);
	}
	return counts;
}

TEST(copy_has_versions_history_timers_sources_and_acknowledgements)
{
	struct line lines[4];
	char *copied = path_of("whole-copy");
	char *path = path_of("whole");
	struct store *store = open_store(path);
	begin_line(&lines[0], store, "small.", 3);
	begin_line(&lines[1], store, "large.", 2000);
	begin_line(&lines[2], store, "only-one.", 0);
	begin_line(&lines[3], store, ".", 0);
	for (unsigned i = 0; i < 30; i++) {
		advance(&lines[0], false);
		advance(&lines[1], false);
	}
	const struct change_deadlines timers = {.refreshed_at_s = 10, .refresh_at_s = 20, .expire_at_s = 30};
	struct store_acknowledgement acknowledged = {.at_s = 7};
	assert_true(address_from_text("192.0.2.7", 53, &acknowledged.target, NULL));
	struct store_write *write = store_write_new(store, lines[1].apex.wire);
	store_write_timers(write, &timers);
	store_write_acknowledgements(write, lines[1].head.serial_published, &acknowledged, 1);
	store_submit(write, NULL, STORE_SOON); /* not durable yet when the backup is asked for */
	struct store_backup_counts counts = back_up(store, copied);
	assert_int_equal(counts.zones, 4);
	assert_int_equal(counts.images, 1);
	assert_int_equal(counts.left_out, 0);
	struct store *copy = open_store(copied);
	assert_false(store_was_killed(copy));
	for (unsigned i = 0; i < 4; i++) {
		expect_same(store, copy, &lines[i]);
	}
	assert_int_equal(store_load_timers(copy, lines[1].apex.wire).expire_at_s, 30);
	size_t steps;
	assert_int_equal(loaded_serial(copy, &lines[1], &steps), 31);
	assert_int_equal(steps, 30); /* all of them are needed: they lead from its image to what is newest */
	/* What happens to the one after that is nothing to the other. */
	advance(&lines[1], true);
	store_flush(store);
	assert_int_equal(loaded_serial(copy, &lines[1], &steps), 31);
	for (unsigned i = 0; i < 4; i++) {
		end_line(&lines[i]);
	}
	store_close(copy);
	store_close(store);
	free(copied);
	free(path);
}

/* Changes zones until it is told to stop. */
struct changer {
	pthread_t thread;
	struct line *lines;
	size_t count;
	uint64_t seed;
	_Atomic bool stop;
	_Atomic unsigned changes;
};

static void *change_on(void *context)
{
	struct changer *changer = context;
	struct random_seeded chance;
	random_seeded_init(&chance, changer->seed);
	while (!atomic_load(&changer->stop)) {
		struct line *line = &changer->lines[random_below(&chance.source, changer->count)];
		advance(line, random_below(&chance.source, 4) == 0);
		atomic_fetch_add(&changer->changes, 1);
		if (random_below(&chance.source, 8) == 0) {
			store_flush(line->store);
		}
	}
	store_flush(changer->lines[0].store);
	return NULL;
}

#define BACKUPS 12

TEST(copy_under_a_stream_of_changes_has_each_zone_as_it_was_at_one_moment)
{
	struct line lines[3];
	struct changer changer = {.lines = lines, .count = ARRAY_LENGTH(lines), .seed = unit_seed()};
	char *path = path_of("stream");
	struct store *store = open_store(path);
	begin_line(&lines[0], store, "small.", 3);
	begin_line(&lines[1], store, "large.", 600);
	begin_line(&lines[2], store, "larger.", 900);
	store_flush(store);
	assert_int_equal(pthread_create(&changer.thread, NULL, change_on, &changer), 0);
	uint32_t least[3] = {1, 1, 1};
	for (unsigned i = 0; i < BACKUPS; i++) {
		char name[20];
		snprintf(name, sizeof name, "stream-%u", i);
		char *copied = path_of(name);
		struct store_backup_counts counts = back_up(store, copied);
		assert_int_equal(counts.zones, 3);
		struct store *copy = open_store(copied);
		for (unsigned j = 0; j < 3; j++) {
			/* Loading compares the digest of what records and changesets make. */
			size_t steps;
			uint32_t serial = loaded_serial(copy, &lines[j], &steps);
			assert_true(serial >= least[j]);
			least[j] = serial;
			/* The source is of this very version, or there is none. */
			size_t len;
			uint8_t *source = store_load_source(copy, lines[j].apex.wire, &len);
			uint32_t before = serial - 1;
			assert_true(source == NULL || memcmp(source, &before, sizeof before) == 0);
			free(source);
		}
		store_close(copy);
		free(copied);
	}
	atomic_store(&changer.stop, true);
	pthread_join(changer.thread, NULL);
	assert_true(atomic_load(&changer.changes) > 0);
	for (unsigned i = 0; i < 3; i++) {
		end_line(&lines[i]);
	}
	store_close(store);
	free(path);
}

static struct store *moving;
static bool (*read_before_moving)(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error);

/* What waits becomes durable just after a head was read. */
static bool read_and_move(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	bool done = read_before_moving(kv, key, found, error);
	if (key.at[0] == STORE_KEY_HEAD) {
		store_commit(moving);
	}
	return done;
}

/* Backs up a zone with version 1, of which version 2, with its source, becomes durable after the head was read first. `copy`
 * is to be closed. */
static struct store *back_up_moving(struct line *line, const char *name, bool whole)
{
	struct error error;
	struct fake_kv *fake = fake_kv_new();
	struct kv *kv = fake_kv_side(fake);
	struct kv_side side = *kv->side;
	char *path = path_of(name);
	char *copied = store_path_in(path, "copy");
	read_before_moving = side.read;
	assert_true(folder_make(path, &error));
	moving = store_new(kv, disk_posix(), path, &error);
	begin_line(line, moving, "example.", 600);
	store_commit(moving);
	advance(line, whole);
	side.read = read_and_move;
	kv->side = &side;
	struct store_backup_counts counts = back_up(moving, copied);
	assert_int_equal(counts.zones, 1);
	assert_int_equal(counts.images, 1);
	store_close(moving);
	fake_kv_free(fake);
	struct store *copy = open_store(copied);
	free(copied);
	free(path);
	return copy;
}

TEST(zone_whose_image_is_replaced_while_it_is_copied_is_copied_as_it_is_then)
{
	struct line line;
	size_t steps;
	size_t len;
	struct store *copy = back_up_moving(&line, "replaced", true);
	assert_int_equal(loaded_serial(copy, &line, &steps), 2);
	uint8_t *source = store_load_source(copy, line.apex.wire, &len);
	assert_non_null(source);
	free(source);
	store_close(copy);
	end_line(&line);
}

/* Else the file of version 2 would pass for that of version 1 and not be read. */
TEST(zone_that_changes_while_it_is_copied_is_copied_as_it_was_and_without_its_source)
{
	struct line line;
	size_t steps;
	size_t len;
	struct store *copy = back_up_moving(&line, "changed", false);
	assert_int_equal(loaded_serial(copy, &line, &steps), 1);
	assert_null(store_load_source(copy, line.apex.wire, &len));
	store_close(copy);
	end_line(&line);
}

TEST(folder_that_is_not_empty_is_refused_and_left_alone)
{
	struct error error;
	struct store_backup_counts counts;
	char *path = path_of("full");
	char *taken = path_of("taken");
	char *file = store_path_in(taken, "letter");
	struct stat there;
	assert_true(folder_make(taken, &error));
	assert_true(file_replace(file, "x", 1, &error));
	struct store *store = open_store(path);
	assert_false(store_backup(store, taken, NULL, &counts, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	assert_non_null(strstr(error.text, "is not empty"));
	assert_int_equal(stat(file, &there), 0);
	/* Nor is the store's own folder good for it. */
	assert_false(store_backup(store, path, NULL, &counts, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	unlink(file);
	back_up(store, taken);
	store_close(store);
	free(file);
	free(taken);
	free(path);
}

struct rival {
	pthread_t thread;
	pthread_barrier_t *start;
	struct store *store;
	const char *path;
	bool is_done;
};

static void *back_up_as_rival(void *context)
{
	struct rival *rival = context;
	struct store_backup_counts counts;
	struct error error;
	pthread_barrier_wait(rival->start);
	rival->is_done = store_backup(rival->store, rival->path, NULL, &counts, &error);
	return NULL;
}

#define RIVALS 4

/* How many of several that begin together to one folder are made. */
static unsigned back_up_at_once(struct store *store, const char *path)
{
	pthread_barrier_t start;
	struct rival rivals[RIVALS];
	unsigned done = 0;
	pthread_barrier_init(&start, NULL, RIVALS);
	for (size_t i = 0; i < RIVALS; i++) {
		rivals[i] = (struct rival){.start = &start, .store = store, .path = path};
		assert_int_equal(pthread_create(&rivals[i].thread, NULL, back_up_as_rival, &rivals[i]), 0);
	}
	for (size_t i = 0; i < RIVALS; i++) {
		pthread_join(rivals[i].thread, NULL);
		done += rivals[i].is_done;
	}
	pthread_barrier_destroy(&start);
	return done;
}

TEST(of_copies_that_begin_to_one_folder_together_one_is_made_and_whole)
{
	struct line line;
	size_t steps;
	char *path = path_of("rivals");
	struct store *store = open_store(path);
	begin_line(&line, store, "large.", 2000);
	for (unsigned round = 0; round < 60; round++) {
		char name[20];
		snprintf(name, sizeof name, "rivals-%u", round);
		char *copied = path_of(name);
		assert_int_equal(mkdir(copied, 0750), 0);
		assert_int_equal(back_up_at_once(store, copied), 1);
		struct store *copy = open_store(copied);
		assert_int_equal(loaded_serial(copy, &line, &steps), 1);
		store_close(copy);
		free(copied);
	}
	end_line(&line);
	store_close(store);
	free(path);
}

static void no_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	(void)line;
}

TEST(zone_without_a_whole_version_is_left_out_and_told)
{
	struct line lines[2];
	struct error error;
	char *path = path_of("broken");
	char *copied = path_of("broken-copy");
	struct store_head_value head;
	struct store *store = open_store(path);
	log_set_sink(no_line, NULL);
	begin_line(&lines[0], store, "good.", 3);
	begin_line(&lines[1], store, "large.", 2000);
	store_flush(store);
	assert_true(store_load_head_value(store, lines[1].apex.wire, &head, &error));
	char *image = store_image_path(store->images, lines[1].apex.wire, head.image);
	unlink(image);
	struct store_backup_counts counts = back_up(store, copied);
	assert_int_equal(counts.zones, 1);
	assert_int_equal(counts.left_out, 1);
	assert_non_null(strstr(counts.why, "zone large: "));
	assert_non_null(strstr(counts.why, "No such file"));
	struct store *copy = open_store(copied);
	size_t steps;
	assert_int_equal(loaded_serial(copy, &lines[0], &steps), 1);
	assert_false(store_load_head_value(copy, lines[1].apex.wire, &head, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	end_line(&lines[0]);
	end_line(&lines[1]);
	store_close(copy);
	store_close(store);
	free(image);
	free(copied);
	free(path);
}

TEST(copy_that_is_given_up_leaves_nothing)
{
	struct line line;
	struct error error;
	struct stat there;
	struct store_backup_counts counts;
	const atomic_bool stop = true;
	char *path = path_of("stopped");
	char *copied = path_of("stopped-copy");
	struct store *store = open_store(path);
	begin_line(&line, store, "large.", 2000);
	assert_false(store_backup(store, copied, &stop, &counts, &error));
	assert_int_equal(error.code, ERROR_STOPPED);
	assert_int_equal(stat(copied, &there), -1);
	back_up(store, copied);
	end_line(&line);
	store_close(store);
	free(copied);
	free(path);
}
