/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/quiescent.h"
#include "base/text.h"
#include "change/change.h"
#include "fake_kv.h"
#include "store/disk.h"
#include "store/store.h"
#include "store/store_internal.h"
#include "zone_text.h"
#include "zone/version_internal.h"

static char folder[200];

static const char *folder_of(const char *name)
{
	snprintf(folder, sizeof folder, "%s/%s", unit_folder(), name);
	return folder;
}

static struct store *open_store(const char *name)
{
	struct error error;
	struct store *store = store_open(folder_of(name), &error);
	if (store == NULL) {
		fail_msg("%s", error.text);
	}
	return store;
}

/* Over a made-up disk, committed by hand. */
static struct store *fake_store(struct fake_kv *fake, const char *name)
{
	struct error error;
	assert_true(folder_make(folder_of(name), &error));
	struct store *store = store_new(fake_kv_side(fake), disk_posix(), folder, &error);
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

static struct store_head head_of(enum store_role role, uint32_t serial)
{
	return (struct store_head){.role = role, .class = 1, .serial_published = serial};
}

/* A write, and what became of it. */
struct told {
	struct store_waiter waiter; /* first */
	unsigned times;
	bool is_durable;
	enum error_code code;
	bool is_unwanted;
	char order; /* of those that were told: 'a' first */
};

static char told_order;

static void note(struct store_waiter *self, bool is_durable, const struct error *error)
{
	struct told *told = (struct told *)self;
	told->times++;
	told->is_durable = is_durable;
	told->code = is_durable ? ERROR_NONE : error->code;
	told->order = told_order++;
}

static bool is_wanted(struct store_waiter *self)
{
	return !((struct told *)self)->is_unwanted;
}

static struct told new_told(void)
{
	return (struct told){.waiter = {.done = note, .wanted = is_wanted}};
}

static const struct store_note a_note = {.at_s = 1000, .origin = CHANGE_FROM_TRANSFER, .who = "192.0.2.1@53"};

/* The digest is that of the records. */
static void write_version(struct store_write *write, const struct store_head *head, const struct zone_snapshot *records)
{
	struct store_head whole = *head;
	if (records != NULL) {
		whole.content = change_digest_of(records);
	}
	store_write_version(write, &whole, &a_note, records);
}

static const struct zone_snapshot *load_version(struct store *store, const uint8_t *apex, struct store_head *head,
                                                struct error *error)
{
	return store_load_version(store, apex, head, NULL, error);
}

static bool load_head(struct store *store, const uint8_t *apex, struct store_head *head, struct error *error)
{
	return store_load_head(store, apex, head, NULL, NULL, error);
}

static void save(struct store *store, const char *apex, const struct store_head *head,
                 const struct zone_snapshot *records)
{
	struct told told = new_told();
	struct store_write *write = store_write_new(store, name_of(apex).wire);
	write_version(write, head, records);
	store_submit(write, &told.waiter, STORE_NOW);
	store_flush(store);
	assert_int_equal(told.times, 1);
	assert_true(told.is_durable);
}

static void save_timers(struct store *store, const char *apex, const struct change_deadlines *timers)
{
	struct store_write *write = store_write_new(store, name_of(apex).wire);
	store_write_timers(write, timers);
	store_submit(write, NULL, STORE_SOON);
	store_flush(store);
}

static const char zone_text[] = "a A 192.0.2.1\nA.B TXT \"x\"\n*.c AAAA ::1\nd NS ns.d\nns.d A 192.0.2.9\n"
                                "h00000000000000000000000000000000 NSEC3 1 0 0 - 00000000000000000000000000000001 A\n";

/* Too large to stand in the key-value store. */
static const struct zone_snapshot *large_zone(uint32_t serial)
{
	struct text text;
	text_init(&text, 1 << 20);
	for (unsigned i = 0; i < 2000; i++) {
		text_format(&text, "n%u A 192.0.2.1\n", i);
	}
	const struct zone_snapshot *zone = zone_of_text("example.", serial, text_string(&text));
	text_deinit(&text);
	return zone;
}

static void assert_same(const struct zone_snapshot *a, const struct zone_snapshot *b)
{
	char *a_text = text_of_zone(a);
	char *b_text = text_of_zone(b);
	assert_string_equal(a_text, b_text);
	free(a_text);
	free(b_text);
}

/* How many images there are, and the path of one. */
struct image_count {
	unsigned count;
	char path[400];
};

static void count_image(void *context, const struct store_image_file *file)
{
	struct image_count *count = context;
	count->count++;
	snprintf(count->path, sizeof count->path, "%s", file->path);
}

static struct image_count images(const char *in)
{
	struct image_count count = {0};
	store_images_each(disk_posix(), in, count_image, &count);
	return count;
}

static struct image_count images_of_folder(void)
{
	char path[300];
	snprintf(path, sizeof path, "%s/images", folder);
	return images(path);
}

/* ---- what comes back ---- */

static void survives_a_restart(const char *name, const struct zone_snapshot *zone)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct change_deadlines timers = {
	        .refreshed_at_s = 1000,
	        .refresh_at_s = 2000,
	        .expire_at_s = 3000,
	        .promised_at_s = 4000,
	        .promised_serial = 4000000000,
	        .lower_since_s = 5000,
	        .healed_at_s = 6000,
	        .healed_cause = CAUSE_ZONEMD_DIFFERS,
	        .healed_serial = 7,
	        .healed_from = {.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, 1}},
	};
	struct store *store = open_store(name);
	save(store, "example.", &head, zone);
	save_timers(store, "Example.", &timers);
	store_close(store);
	store = open_store(name);
	const struct zone_snapshot *back = load_version(store, name_of("example.").wire, &head, &error);
	assert_non_null(back);
	assert_same(zone, back);
	assert_int_equal(head.serial_published, 7);
	assert_int_equal(head.role, STORE_SECONDARY);
	struct change_deadlines known = store_load_timers(store, name_of("example.").wire);
	assert_int_equal(known.refreshed_at_s, 1000);
	assert_int_equal(known.refresh_at_s, 2000);
	assert_int_equal(known.expire_at_s, 3000);
	assert_int_equal(known.promised_at_s, 4000);
	assert_int_equal(known.promised_serial, 4000000000);
	assert_int_equal(known.lower_since_s, 5000);
	assert_int_equal(known.healed_at_s, 6000);
	assert_int_equal(known.healed_cause, CAUSE_ZONEMD_DIFFERS);
	assert_int_equal(known.healed_serial, 7);
	assert_true(address_equal(&known.healed_from, &timers.healed_from));
	zone_unref(back);
	zone_unref(zone);
	store_close(store);
}

TEST(small_version_and_timers_survive_a_restart)
{
	survives_a_restart("small", zone_of_text("example.", 7, zone_text));
	assert_int_equal(images_of_folder().count, 0);
}

TEST(large_version_and_timers_survive_a_restart)
{
	survives_a_restart("large", large_zone(7));
	assert_int_equal(images_of_folder().count, 1);
}

/* Says a digest when it is asked. */
struct late_content {
	struct store_content content; /* first */
	struct change_digest digest;
	unsigned asked;
};

static struct change_digest say_digest(struct store_content *self)
{
	struct late_content *late = (struct late_content *)self;
	late->asked++;
	return late->digest;
}

static void assert_image_content(void *context, const struct store_image_file *file)
{
	const struct change_digest *wanted = context;
	assert_true(change_digest_equal(file->image->content, *wanted));
}

static void digest_is_remembered(const char *name, const struct zone_snapshot *zone)
{
	struct error error;
	struct late_content late = {.content.know = say_digest, .digest = change_digest_of(zone)};
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct told told = new_told();
	char path[300];
	struct store *store = open_store(name);
	struct store_write *write = store_write_new(store, name_of("example.").wire);
	store_write_version_beside(write, &head, &a_note, zone, &late.content);
	assert_true(late.asked > 0);
	store_submit(write, &told.waiter, STORE_NOW);
	store_close(store);
	assert_true(told.is_durable);
	snprintf(path, sizeof path, "%s/images", folder);
	store_images_each(disk_posix(), path, assert_image_content, &late.digest);
	store = open_store(name);
	assert_true(load_head(store, name_of("example.").wire, &head, &error));
	assert_true(change_digest_equal(head.content, late.digest));
	zone_unref(zone);
	store_close(store);
}

TEST(digest_that_is_known_only_when_records_are_written_is_remembered)
{
	digest_is_remembered("late-small", zone_of_text("example.", 7, zone_text));
	assert_int_equal(images_of_folder().count, 0);
	digest_is_remembered("late-large", large_zone(7));
	assert_int_equal(images_of_folder().count, 1);
}

TEST(primary_is_remembered_without_records)
{
	struct error error;
	struct store_head found;
	struct store_head head = head_of(STORE_PRIMARY, 7);
	struct dns_name apex = name_of("example.");
	struct store *store = open_store("primary");
	head.content.words[1] = 3;
	save(store, "example.", &head, NULL);
	store_close(store);
	store = open_store("primary");
	assert_true(load_head(store, apex.wire, &found, &error));
	assert_int_equal(found.role, STORE_PRIMARY);
	assert_int_equal(found.serial_published, 7);
	assert_true(change_digest_equal(found.content, head.content));
	assert_null(load_version(store, apex.wire, &found, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	store_close(store);
}

TEST(timers_do_not_touch_the_version)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, zone_text);
	struct store *store = open_store("timers");
	save(store, "example.", &head, zone);
	for (int i = 0; i < 5; i++) {
		save_timers(store, "example.", &(struct change_deadlines){.refresh_at_s = 5000 + i});
		assert_int_equal(store_load_timers(store, apex.wire).refresh_at_s, 5000 + i);
	}
	const struct zone_snapshot *back = load_version(store, apex.wire, &head, &error);
	assert_non_null(back);
	zone_unref(back);
	zone_unref(zone);
	store_close(store);
}

TEST(acknowledgements_survive_a_restart_and_belong_to_one_version)
{
	struct store_head head = head_of(STORE_PRIMARY, 7);
	struct store_acknowledgement given[STORE_ACKNOWLEDGEMENTS_MAX + 1] = {
	        {.target = {.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, 1}}, .at_s = 1700000000},
	        {.target = {.family = ADDRESS_V6, .port = 5300, .scope_id = 3, .bytes = {0xfe, 0x80, [15] = 1}}},
	};
	struct store_acknowledgement found[STORE_ACKNOWLEDGEMENTS_MAX];
	struct dns_name apex = name_of("example.");
	struct store *store = open_store("acknowledgements");
	save(store, "example.", &head, NULL);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 0);
	struct store_write *write = store_write_new(store, apex.wire);
	store_write_acknowledgements(write, 7, given, 2);
	store_submit(write, NULL, STORE_SOON);
	store_close(store); /* what waits is committed */

	store = open_store("acknowledgements");
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 8, found), 0);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(address_equal(&found[i].target, &given[i].target));
		assert_int_equal(found[i].at_s, given[i].at_s);
	}
	write = store_write_new(store, apex.wire);
	store_write_acknowledgements(write, 7, given, ARRAY_LENGTH(given));
	store_submit(write, NULL, STORE_SOON);
	store_flush(store);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), STORE_ACKNOWLEDGEMENTS_MAX);
	save(store, "example.", &head, NULL);
	assert_int_equal(store_load_acknowledgements(store, apex.wire, 7, found), 0);
	store_close(store);
}

TEST(unknown_zone_is_not_found)
{
	struct error error;
	struct store_head found;
	struct store *store = open_store("unknown");
	struct dns_name apex = name_of("nowhere.");
	assert_false(load_head(store, apex.wire, &found, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_int_equal(store_load_timers(store, apex.wire).expire_at_s, 0);
	store_close(store);
}

TEST(forgotten_zone_leaves_nothing)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	const struct zone_snapshot *zone = large_zone(7);
	struct dns_name apex = name_of("example.");
	struct store *store = open_store("forget");
	save(store, "example.", &head, zone);
	save_timers(store, "example.", &(struct change_deadlines){.expire_at_s = 5});
	struct store_write *write = store_write_new(store, apex.wire);
	store_write_forget(write);
	store_submit(write, NULL, STORE_NOW);
	store_flush(store);
	assert_false(load_head(store, apex.wire, &head, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_int_equal(store_load_timers(store, apex.wire).expire_at_s, 0);
	assert_int_equal(images_of_folder().count, 0);
	zone_unref(zone);
	store_close(store);
}

/* ---- images ---- */

TEST(an_image_goes_when_the_next_version_is_durable_and_not_before)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "replaced");
	struct told told = new_told();
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = large_zone(7);
	struct store_write *write = store_write_new(store, apex.wire);
	write_version(write, &head, zone);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);

	head.serial_published = 8;
	write = store_write_new(store, apex.wire);
	write_version(write, &head, zone);
	store_submit(write, &told.waiter, STORE_NOW);
	assert_int_equal(images(folder).count, 2);
	fake_kv_fail_commits(fake, 1);
	store_commit(store);
	assert_false(told.is_durable);
	assert_int_equal(images(folder).count, 1); /* the first */
	const struct zone_snapshot *back = load_version(store, apex.wire, &head, &error);
	assert_non_null(back);
	assert_int_equal(head.serial_published, 7);
	zone_unref(back);

	head.serial_published = 9;
	zone_unref(zone);
	zone = large_zone(9);
	write = store_write_new(store, apex.wire);
	write_version(write, &head, zone);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
	assert_int_equal(images(folder).count, 1); /* the last */
	back = load_version(store, apex.wire, &head, &error);
	assert_non_null(back);
	assert_int_equal(head.serial_published, 9);
	zone_unref(back);
	zone_unref(zone);
	store_close(store);
	fake_kv_free(fake);
}

static struct store *moving;
static bool (*read_before_moving)(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error);

/* What waits becomes durable just after a head was read. */
static bool read_and_move(struct kv *kv, struct kv_bytes key, struct kv_visitor *found, struct error *error)
{
	bool done = read_before_moving(kv, key, found, error);
	if (key.at[0] == 'h') {
		store_commit(moving);
	}
	return done;
}

/* A zone that is removed and comes back at once is read while its last version is on its way. */
TEST(version_whose_image_goes_while_it_is_read_is_the_next_one)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct fake_kv *fake = fake_kv_new();
	struct kv *kv = fake_kv_side(fake);
	struct kv_side side = *kv->side;
	struct dns_name apex = name_of("example.");
	read_before_moving = side.read;
	assert_true(folder_make(folder_of("moving"), &error));
	moving = store_new(kv, disk_posix(), folder, &error);
	for (uint32_t serial = 7; serial <= 8; serial++) {
		const struct zone_snapshot *zone = large_zone(serial);
		struct store_write *write = store_write_new(moving, apex.wire);
		head.serial_published = serial;
		write_version(write, &head, zone);
		zone_unref(zone);
		store_submit(write, NULL, STORE_NOW);
		if (serial == 7) {
			store_commit(moving);
		}
	}
	side.read = read_and_move;
	kv->side = &side;
	const struct zone_snapshot *back = load_version(moving, apex.wire, &head, &error);
	assert_non_null(back);
	assert_int_equal(zone_serial(back), 8);
	assert_int_equal(head.serial_published, 8);
	zone_unref(back);
	store_close(moving);
	fake_kv_free(fake);
}

/* Killed between the image and its head. */
TEST(image_that_no_head_names_goes_at_the_next_start)
{
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "orphan");
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = large_zone(7);
	struct store_write *write = store_write_new(store, apex.wire);
	write_version(write, &head, zone);
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
	struct image_count image = images(folder);
	char orphan[420];
	snprintf(orphan, sizeof orphan, "%s", image.path);
	orphan[strlen(orphan) - 1]++; /* the next ID */
	assert_int_equal(link(image.path, orphan), 0);
	assert_int_equal(images(folder).count, 2);
	strcat(orphan, ".new"); /* and while it wrote one */
	assert_int_equal(link(image.path, orphan), 0);
	store_close(store);
	store = fake_store(fake, "orphan");
	assert_int_equal(images(folder).count, 1);
	assert_int_not_equal(access(orphan, F_OK), 0);
	struct error error;
	const struct zone_snapshot *back = load_version(store, apex.wire, &head, &error);
	assert_non_null(back);
	zone_unref(back);
	zone_unref(zone);
	store_close(store);
	fake_kv_free(fake);
}

TEST(write_that_is_given_up_leaves_no_image)
{
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "given-up");
	const struct zone_snapshot *zone = large_zone(7);
	struct store_write *write = store_write_new(store, name_of("example.").wire);
	write_version(write, &head, zone);
	assert_int_equal(images(folder).count, 1);
	store_write_free(write);
	assert_int_equal(images(folder).count, 0);
	zone_unref(zone);
	store_close(store);
	fake_kv_free(fake);
}

/* A disk that looks who holds the version when it is waited for. */
struct looking_disk {
	struct disk disk; /* first */
	const struct zone_snapshot *version;
	struct store *hurried; /* NULL: nobody is in a hurry */
	unsigned pushes;
	unsigned syncs;
};
static struct looking_disk looking;

static void look_who_holds_it(void)
{
	quiescent_drain();
	assert_int_equal(atomic_load(&looking.version->references), 1); /* the test alone */
}

static bool look_at_push(struct disk_file *file, uint64_t offset, uint64_t len, struct error *error)
{
	look_who_holds_it();
	looking.pushes++;
	if (looking.hurried != NULL) {
		store_give_up_images(looking.hurried);
	}
	return disk_posix()->side->push(file, offset, len, error);
}

static bool look_at_sync(struct disk_file *file, struct error *error)
{
	look_who_holds_it();
	looking.syncs++;
	return disk_posix()->side->sync(file, error);
}

/* Gives whether a copy of a zone of so many names was made. */
static bool copy_is_made(const char *name, unsigned names, bool is_hurried)
{
	struct error error;
	struct fake_kv *fake = fake_kv_new();
	struct disk_side side = *disk_posix()->side;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct store_note note = {.origin = CHANGE_FROM_TRANSFER, .who = "test"};
	struct told told = new_told();
	struct text text;
	side.push = look_at_push;
	side.sync = look_at_sync;
	looking = (struct looking_disk){.disk.side = &side};
	text_init(&text, 64 << 20);
	for (unsigned i = 0; i < names; i++) {
		text_format(&text, "n%u A 192.0.2.1\n", i);
	}
	looking.version = zone_of_text("example.", 7, text_string(&text));
	text_deinit(&text);
	assert_true(folder_make(folder_of(name), &error));
	struct store *store = store_new(fake_kv_side(fake), &looking.disk, folder, &error);
	assert_non_null(store);
	struct store_write *write = store_write_new(store, name_of("example.").wire);
	store_write_version(write, &head, &note, NULL);
	store_submit(write, &told.waiter, STORE_NOW);
	store_commit(store);
	looking.hurried = is_hurried ? store : NULL;
	told = new_told();
	write = store_write_new(store, name_of("example.").wire);
	store_write_copy(write, &head, told.waiter.stand.number + 1, zone_ref(looking.version));
	store_submit(write, &told.waiter, STORE_NOW);
	store_commit(store);
	zone_unref(looking.version);
	store_close(store);
	fake_kv_free(fake);
	return told.is_durable;
}

TEST(a_version_is_given_up_before_the_disk_of_its_copy_is_waited_for)
{
	assert_true(copy_is_made("given up", 100000, false));
	assert_int_equal(looking.pushes, 1);
	assert_int_equal(looking.syncs, 1);
}

TEST(a_copy_that_is_on_its_way_to_a_slow_disk_is_given_up_when_somebody_is_in_a_hurry)
{
	assert_false(copy_is_made("slow push", 2000000, true));
	assert_int_equal(looking.pushes, 1); /* of two */
	assert_int_equal(looking.syncs, 0);
}

/* A disk that is slow: somebody loses patience at its second write. */
struct slow_disk {
	struct disk disk; /* first */
	struct store *store;
	unsigned writes;
	unsigned syncs;
};
static struct slow_disk slow;

static bool slow_write(struct disk_file *file, uint64_t offset, const void *bytes, size_t len, struct error *error)
{
	if (++slow.writes == 2) {
		store_give_up_images(slow.store);
	}
	return disk_posix()->side->write(file, offset, bytes, len, error);
}

static bool slow_sync(struct disk_file *file, struct error *error)
{
	slow.syncs++;
	return disk_posix()->side->sync(file, error);
}

TEST(image_that_is_being_written_is_given_up_when_somebody_is_in_a_hurry)
{
	struct error error;
	struct fake_kv *fake = fake_kv_new();
	struct disk_side side = *disk_posix()->side;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct told told = new_told();
	struct text text;
	side.write = slow_write;
	side.sync = slow_sync;
	slow = (struct slow_disk){.disk.side = &side};
	text_init(&text, 8 << 20);
	for (unsigned i = 0; i < 100000; i++) {
		text_format(&text, "n%u A 192.0.2.1\n", i);
	}
	const struct zone_snapshot *zone = zone_of_text("example.", 7, text_string(&text));
	text_deinit(&text);
	assert_true(folder_make(folder_of("hurry"), &error));
	slow.store = store_new(fake_kv_side(fake), &slow.disk, folder, &error);
	assert_non_null(slow.store);
	struct store_write *write = store_write_new(slow.store, name_of("example.").wire);
	write_version(write, &head, zone);
	assert_int_equal(slow.writes, 2); /* of some ten */
	assert_int_equal(slow.syncs, 0);
	store_submit(write, &told.waiter, STORE_NOW);
	store_commit(slow.store);
	assert_false(told.is_durable);
	assert_int_equal(told.code, ERROR_STOPPED);
	assert_int_equal(images(folder).count, 0);
	/* Small ones are no matter of time. */
	const struct zone_snapshot *small = zone_of_text("small.", 7, "");
	told = new_told();
	write = store_write_new(slow.store, name_of("small.").wire);
	write_version(write, &head, small);
	store_submit(write, &told.waiter, STORE_NOW);
	store_commit(slow.store);
	assert_true(told.is_durable);
	zone_unref(small);
	zone_unref(zone);
	store_close(slow.store);
	fake_kv_free(fake);
}

TEST(broken_image_is_refused_and_set_aside)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = large_zone(7);
	struct store *store = open_store("broken");
	for (size_t place = 0; place < 40000; place += 1999) {
		uint8_t *bytes;
		size_t len;
		save(store, "example.", &head, zone);
		struct image_count image = images_of_folder();
		assert_int_equal(image.count, 1);
		assert_true(file_read(image.path, 1 << 20, &bytes, &len, &error));
		bytes[place % len] ^= 0x20;
		assert_true(file_replace(image.path, bytes, place % 2 == 0 ? len : len - 1, &error));
		free(bytes);
		assert_null(load_version(store, apex.wire, &head, &error));
		assert_int_equal(error.code, ERROR_INVALID);
		assert_int_equal(images_of_folder().count, 0);
		assert_int_not_equal(access(image.path, F_OK), 0);
		head = head_of(STORE_SECONDARY, 7);
	}
	zone_unref(zone);
	store_close(store);
}

TEST(every_flipped_bit_of_a_value_is_noticed)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	struct dns_name apex = name_of("example.");
	const struct zone_snapshot *zone = zone_of_text("example.", 7, "a A 192.0.2.1\n");
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "flips");
	struct store_write *write = store_write_new(store, apex.wire);
	write_version(write, &head, zone);
	store_write_timers(write, &(struct change_deadlines){.expire_at_s = 77});
	store_submit(write, NULL, STORE_NOW);
	store_commit(store);
	for (size_t bit = 0; bit < 48 * 8; bit++) {
		assert_true(fake_kv_flip(fake, 'h', bit));
		assert_null(load_version(store, apex.wire, &head, &error));
		assert_int_equal(error.code, ERROR_INVALID);
		assert_true(fake_kv_flip(fake, 'h', bit));
		assert_true(fake_kv_flip(fake, 'r', bit));
		assert_null(load_version(store, apex.wire, &head, &error));
		assert_int_equal(error.code, ERROR_INVALID);
		assert_true(fake_kv_flip(fake, 'r', bit));
		assert_true(fake_kv_flip(fake, 't', bit));
		assert_int_equal(store_load_timers(store, apex.wire).expire_at_s, 0);
		assert_true(fake_kv_flip(fake, 't', bit));
	}
	assert_int_equal(store_load_timers(store, apex.wire).expire_at_s, 77);
	zone_unref(zone);
	store_close(store);
	fake_kv_free(fake);
}

/* ---- committing ---- */

static void submit_timers(struct store *store, const char *apex, int64_t expire_at_s, struct told *told)
{
	struct store_write *write = store_write_new(store, name_of(apex).wire);
	store_write_timers(write, &(struct change_deadlines){.expire_at_s = expire_at_s});
	store_submit(write, &told->waiter, STORE_NOW);
}

TEST(many_zones_cost_one_commit)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "group");
	struct told told[100];
	store_commit(store);
	unsigned before = fake_kv_commits(fake);
	for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
		char apex[32];
		snprintf(apex, sizeof apex, "z%zu.", i);
		told[i] = new_told();
		submit_timers(store, apex, (int64_t)i + 1, &told[i]);
	}
	store_commit(store);
	assert_int_equal(fake_kv_commits(fake) - before, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
		assert_true(told[i].is_durable);
	}
	store_close(store);
	fake_kv_free(fake);
}

TEST(write_that_cannot_be_made_durable_takes_no_other_with_it)
{
	static const uint8_t bad[] = {'t', 3, 'b', 'a', 'd', 0};
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "bad");
	struct told told[9];
	fake_kv_fail_key(fake, bad, sizeof bad);
	told_order = 'a';
	for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
		char apex[32];
		snprintf(apex, sizeof apex, i == 4 ? "bad." : "z%zu.", i);
		told[i] = new_told();
		submit_timers(store, apex, (int64_t)i + 1, &told[i]);
	}
	store_commit(store);
	for (size_t i = 0; i < ARRAY_LENGTH(told); i++) {
		assert_int_equal(told[i].times, 1);
		assert_int_equal(told[i].is_durable, i != 4);
		assert_int_equal(told[i].order, 'a' + (int)i); /* in the order of submission */
	}
	assert_int_equal(told[4].code, ERROR_LIMIT);
	assert_int_equal(store_load_timers(store, name_of("z8.").wire).expire_at_s, 9);
	store_close(store);
	fake_kv_free(fake);
}

TEST(write_that_is_not_wanted_any_more_is_not_made)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "unwanted");
	struct told told[3] = {new_told(), new_told(), new_told()};
	told[1].is_unwanted = true;
	submit_timers(store, "a.", 1, &told[0]);
	submit_timers(store, "b.", 2, &told[1]);
	submit_timers(store, "c.", 3, &told[2]);
	store_commit(store);
	assert_true(told[0].is_durable && told[2].is_durable);
	assert_false(told[1].is_durable);
	assert_int_equal(told[1].code, ERROR_STOPPED);
	assert_int_equal(store_load_timers(store, name_of("b.").wire).expire_at_s, 0);
	store_close(store);
	fake_kv_free(fake);
}

TEST(empty_write_waits_its_turn_and_costs_no_commit)
{
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "empty");
	struct told told[2] = {new_told(), new_told()};
	store_commit(store);
	unsigned before = fake_kv_commits(fake);
	store_submit(store_write_new(store, name_of("a.").wire), &told[0].waiter, STORE_NOW);
	store_commit(store);
	assert_true(told[0].is_durable);
	assert_int_equal(fake_kv_commits(fake), before);
	fake_kv_fail_commits(fake, 1);
	submit_timers(store, "a.", 1, &told[1]);
	store_commit(store);
	assert_false(told[1].is_durable);
	assert_int_equal(told[1].code, ERROR_IO);
	store_close(store);
	fake_kv_free(fake);
}

/* ---- opening ---- */

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

TEST(store_of_a_newer_version_is_refused_with_a_word_on_what_to_do)
{
	static const uint8_t key[] = {'v', 0};
	static const uint8_t number[] = {0, 0, 0, 3};
	struct error error;
	struct fake_kv *fake = fake_kv_new();
	struct kv *kv = fake_kv_side(fake);
	uint8_t value[sizeof number + 8];
	struct kv_bytes key_bytes = {key, sizeof key};
	memcpy(value, number, sizeof number);
	store_u64(value + sizeof number, store_checksum(key_bytes, (struct kv_bytes){number, sizeof number}));
	assert_true(kv->side->begin(kv, &error));
	assert_true(kv->side->put(kv, key_bytes, (struct kv_bytes){value, sizeof value}, &error));
	assert_true(kv->side->commit(kv, &error));
	assert_null(store_new(kv, disk_posix(), "/nowhere", &error));
	assert_int_equal(error.code, ERROR_STALE);
	assert_non_null(strstr(error.text, "start the newer one"));
	fake_kv_free(fake);
}

/* One broken value is no reason not to start. */
TEST(store_whose_note_of_its_format_is_broken_is_opened)
{
	struct error error;
	struct store_head head = head_of(STORE_PRIMARY, 7);
	struct told told = new_told();
	struct fake_kv *fake = fake_kv_new();
	struct store *store = fake_store(fake, "format");
	struct store_write *write = store_write_new(store, name_of("example.").wire);
	write_version(write, &head, NULL);
	store_submit(write, &told.waiter, STORE_NOW);
	store_close(store);
	for (int i = 0; i < 2; i++) {
		if (i == 0) {
			assert_true(fake_kv_flip(fake, 'v', 3));
		}
		store = fake_store(fake, "format");
		assert_true(load_head(store, name_of("example.").wire, &head, &error));
		assert_int_equal(head.serial_published, 7);
		store_close(store);
	}
	fake_kv_free(fake);
}

static void spoil(const char *file, size_t keep)
{
	char path[300];
	snprintf(path, sizeof path, "%s/%s", folder, file);
	assert_int_equal(truncate(path, (off_t)keep), 0);
}

/* The large zone comes back from its image, whose time stands for the last refresh; the small one is transferred anew. */
TEST(broken_store_is_set_aside_and_begun_anew_from_images)
{
	struct error error;
	struct store_head head = head_of(STORE_SECONDARY, 7);
	const struct zone_snapshot *large = large_zone(7);
	const struct zone_snapshot *small = zone_of_text("small.", 3, "");
	char aside[300];
	struct store *store = open_store("rebuilt");
	save(store, "example.", &head, large);
	save(store, "small.", &head, small);
	store_close(store);
	spoil("store.mdb", 4096 * 3);
	store = open_store("rebuilt");
	snprintf(aside, sizeof aside, "%s/store.mdb.broken", folder);
	assert_int_equal(access(aside, F_OK), 0);
	const struct zone_snapshot *back = load_version(store, name_of("example.").wire, &head, &error);
	assert_non_null(back);
	assert_same(large, back);
	assert_int_equal(head.serial_published, 7);
	struct change_deadlines timers = store_load_timers(store, name_of("example.").wire);
	assert_true(timers.refreshed_at_s > 0 && timers.refresh_at_s == timers.refreshed_at_s);
	assert_int_equal(timers.expire_at_s - timers.refreshed_at_s, 1209600);
	assert_false(load_head(store, name_of("small.").wire, &head, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	zone_unref(back);
	zone_unref(large);
	zone_unref(small);
	store_close(store);
}

TEST(names_that_are_no_file_names_are_stored_safely)
{
	char out[STORE_NAME_MAX];
	assert_string_equal(store_image_name(name_of(".").wire, out), "@");
	assert_string_equal(store_image_name(name_of("Example.ORG.").wire, out), "example.org");
	assert_string_equal(store_image_name(name_of("a/b.c\\.d\\%e.").wire, out), "a%2Fb.c%2Ed%25e");
	assert_string_equal(store_image_name(name_of("\\.\\..x.").wire, out), "%2E%2E.x");
	struct dns_name longest;
	longest.len = 255;
	for (int label = 0; label < 4; label++) {
		longest.wire[label * 64] = label == 3 ? 61 : 63;
		memset(longest.wire + label * 64 + 1, '/', label == 3 ? 61 : 63);
	}
	longest.wire[254] = 0;
	char other[STORE_NAME_MAX];
	assert_true(strlen(store_image_name(longest.wire, out)) < STORE_NAME_MAX);
	longest.wire[253] = '_';
	assert_string_not_equal(out, store_image_name(longest.wire, other));
}
