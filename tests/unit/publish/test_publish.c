/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/log.h"
#include "base/quiescent.h"
#include "base/text.h"
#include "dns/message.h"
#include "dns/serial.h"
#include "fake_kv.h"
#include "publish/publish.h"
#include "store/disk.h"
#include "zone_text.h"

/* A server's worth of publishing: store, one zone with its line of versions, and what a listener heard. */
struct rig {
	struct fake_kv *fake; /* NULL: a real disk, and a thread that commits */
	struct store *store;
	struct publish *publish;
	struct zone *zone;
	struct publish_line *line;
	struct change_listener listener;
	unsigned heard;
	uint32_t heard_serial;
	bool served_when_heard;
	bool forced;                          /* offers are */
	struct change_history_limits history; /* all zero: usual_history */
};

static void hear(struct change_listener *self, const struct change_news *news)
{
	struct rig *rig = (struct rig *)((char *)self - offsetof(struct rig, listener));
	rig->heard++;
	rig->heard_serial = zone_serial(news->snapshot);
	rig->served_when_heard = zone_served(news->zone) == news->snapshot;
}

static const char *rig_folder(const char *name)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	return path;
}

static char logged[4096]; /* the lines of one rig */

static void keep_line(void *context, enum log_level level, const char *line)
{
	(void)context;
	(void)level;
	size_t used = strlen(logged);
	snprintf(logged + used, sizeof logged - used, "%s\n", line);
}

static void rig_begin(struct rig *rig)
{
	struct dns_name apex;
	logged[0] = '\0';
	log_set_sink(keep_line, NULL);
	assert_true(dns_name_from_text("example.", &apex, NULL));
	rig->listener.published = hear;
	rig->publish = publish_new(rig->store);
	rig->zone = zone_new(apex.wire, 1);
	rig->line = publish_line_new(rig->publish, rig->zone, NULL);
	publish_add_listener(rig->publish, &rig->listener);
}

static void rig_start(struct rig *rig, const char *name)
{
	struct error error;
	*rig = (struct rig){.store = store_open(rig_folder(name), &error)};
	assert_non_null(rig->store);
	rig_begin(rig);
}

/* Over a made-up disk; nothing is committed but by store_commit. */
static void rig_start_fake(struct rig *rig, struct fake_kv *fake)
{
	struct error error;
	*rig = (struct rig){.fake = fake, .store = store_new(fake_kv_side(fake), disk_posix(), unit_folder(), &error)};
	assert_non_null(rig->store);
	store_commit(rig->store);
	rig_begin(rig);
}

/* What a server that is killed leaves. */
static void rig_stop(struct rig *rig)
{
	store_close(rig->store);
	publish_line_free(rig->line);
	publish_free(rig->publish);
	zone_free(rig->zone);
	quiescent_drain();
}

/* What became of an offer. */
struct told {
	unsigned times;
	bool done;
	struct change_result result;
	struct error error;
};

static void settled(void *context, const struct change_result *result, const struct error *error)
{
	struct told *told = context;
	told->times++;
	told->done = result != NULL;
	if (result != NULL) {
		told->result = *result;
	} else {
		told->error = *error;
	}
}

static const struct change_history_limits usual_history = {
        .count_max = 5, .octets_max = PUBLISH_HISTORY_HALF, .age_max_s = 1000};

static void hand_in(struct rig *rig, enum change_origin origin, enum publish_serial_policy serial,
                    const struct zone_snapshot *candidate, struct told *told)
{
	struct publish_policy policy = {
	        .serial = serial,
	        .strict = origin == CHANGE_FROM_FILE,
	        .history = rig->history.age_max_s != 0 ? rig->history : usual_history,
	};
	struct change_sink *sink = publish_line_sink(rig->line);
	*told = (struct told){0};
	sink->offer(sink, &(struct change_offer){
	                          .origin = origin,
	                          .candidate = candidate,
	                          .who = "test",
	                          .policy = &policy,
	                          .forced = rig->forced,
	                          .settled = settled,
	                          .context = told,
	                  });
}

static struct change_result last_result;
static struct error last_error;

/* Waits for what becomes of it. */
static bool offer(struct rig *rig, enum change_origin origin, enum publish_serial_policy serial, uint32_t offered,
                  const char *text)
{
	struct told told;
	hand_in(rig, origin, serial, zone_of_text("example.", offered, text), &told);
	if (rig->fake != NULL) {
		store_commit(rig->store);
	} else {
		store_flush(rig->store);
	}
	assert_int_equal(told.times, 1);
	last_result = told.result;
	last_error = told.error;
	return told.done;
}

static bool offer_file(struct rig *rig, uint32_t serial, const char *text)
{
	return offer(rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_RAISE, serial, text);
}

static uint32_t served_serial(const struct rig *rig)
{
	return zone_serial(zone_served(rig->zone));
}

TEST(version_is_visible_before_it_is_announced)
{
	struct rig rig;
	rig_start(&rig, "visible");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_int_equal(rig.heard, 1);
	assert_int_equal(rig.heard_serial, 5);
	assert_true(rig.served_when_heard);
	assert_int_equal(last_result.outcome, CHANGE_PUBLISHED);
	rig_stop(&rig);
}

TEST(unchanged_file_publishes_and_announces_nothing)
{
	struct rig rig;
	rig_start(&rig, "unchanged");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 5, "A A 192.0.2.1\n"));
	assert_int_equal(last_result.outcome, CHANGE_UNCHANGED);
	assert_int_equal(rig.heard, 1);
	rig_stop(&rig);
}

TEST(file_edited_without_a_raised_serial_is_published_with_a_raised_one)
{
	struct rig rig;
	rig_start(&rig, "raised");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	assert_int_equal(last_result.serial_offered, 5);
	assert_non_null(strstr(logged,
	                       "zone example: content changed but serial 5 is not newer than 5, published last; "
	                       "publishing as 6\n"));
	/* The same file again is what is served already. */
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(last_result.outcome, CHANGE_UNCHANGED);
	/* The operator catches up. */
	assert_true(offer_file(&rig, 7, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 7);
	rig_stop(&rig);
}

TEST(serial_does_not_go_back_over_a_restart)
{
	struct rig rig;
	rig_start(&rig, "restart");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	rig_stop(&rig);
	rig_start(&rig, "restart");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
}

TEST(edit_made_while_stopped_is_noticed)
{
	struct rig rig;
	rig_start(&rig, "stopped");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	rig_stop(&rig);
	rig_start(&rig, "stopped");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.9\n"));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
}

/* The digest of a large zone is made beside the checks. */
TEST(large_zone_is_compared_with_what_was_published_like_a_small_one)
{
	struct rig rig;
	struct text text;
	text_init(&text, 8 << 20);
	for (unsigned i = 0; i < 60000; i++) {
		text_format(&text, "n%u A 192.0.2.1\n", i);
	}
	rig_start(&rig, "large");
	assert_true(offer_file(&rig, 5, text_string(&text)));
	rig_stop(&rig);
	rig_start(&rig, "large");
	assert_true(offer_file(&rig, 5, text_string(&text)));
	assert_int_equal(served_serial(&rig), 5);
	rig_stop(&rig);
	text_add_string(&text, "more A 192.0.2.1\n");
	rig_start(&rig, "large");
	assert_true(offer_file(&rig, 5, text_string(&text)));
	assert_int_equal(served_serial(&rig), 6);
	text_add_string(&text, "more NS more\nmore CNAME a\n");
	assert_false(offer_file(&rig, 7, text_string(&text)));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
	text_deinit(&text);
}

/* What is stored of a large one is made beside the checks too. */
TEST(large_copy_is_stored_as_it_was_transferred_and_what_is_refused_leaves_nothing)
{
	struct rig rig;
	struct text text;
	struct store_head head;
	text_init(&text, 8 << 20);
	for (unsigned i = 0; i < 60000; i++) {
		text_format(&text, "n%u A 192.0.2.1\n", i);
	}
	rig_start(&rig, "large-copy");
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, text_string(&text)));
	assert_false(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 4, text_string(&text)));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, text_string(&text)));
	assert_int_equal(last_result.outcome, CHANGE_UNCHANGED);
	text_add_string(&text, "more A 192.0.2.1\n"); /* a primary that lies: the same serial */
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, text_string(&text)));
	assert_int_equal(last_result.outcome, CHANGE_PUBLISHED);
	rig_stop(&rig);
	rig_start(&rig, "large-copy");
	const struct zone_snapshot *back = store_load_version(rig.store, rig.zone->apex, &head, NULL, &last_error);
	assert_non_null(back);
	const struct zone_snapshot *wanted = zone_of_text("example.", 5, text_string(&text));
	assert_true(change_digest_equal(head.content, change_digest_of(wanted)));
	struct change_counts counts = change_count(wanted, back);
	assert_int_equal(counts.added + counts.removed, 0);
	zone_unref(wanted);
	zone_unref(back);
	rig_stop(&rig);
	text_deinit(&text);
}

TEST(kept_serial_refuses_an_edit_and_the_old_version_stays)
{
	struct rig rig;
	rig_start(&rig, "kept");
	assert_true(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	assert_false(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.2\n"));
	assert_int_equal(last_error.code, ERROR_STALE);
	assert_string_equal(last_error.text, "serial 5 is not newer than 5, which was published last, and the zone has "
	                                     "`serial: keep`; write the file with 6 or more");
	/* Back, the content the same. */
	assert_false(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 4, "a A 192.0.2.1\n"));
	assert_non_null(strstr(last_error.text, "serial 4 is not newer than 5"));
	assert_int_equal(served_serial(&rig), 5);
	assert_int_equal(rig.heard, 1);
	rig_stop(&rig);
}

TEST(signed_zone_is_not_given_another_serial)
{
	static const char signature[] = "a A 192.0.2.%d\n"
	                                "@ SOA ns.other. admin.other. 5 7200 900 1209600 300\n@ NS ns.other.\n"
	                                "@ RRSIG SOA 13 1 3600 20300101000000 20200101000000 1 example. AAAA\n";
	struct rig rig;
	char text[300];
	rig_start(&rig, "signed");
	snprintf(text, sizeof text, signature, 1);
	assert_true(offer_file(&rig, 5, text));
	snprintf(text, sizeof text, signature, 2);
	assert_false(offer_file(&rig, 5, text));
	assert_int_equal(last_error.code, ERROR_STALE);
	assert_non_null(strstr(last_error.text,
	                       "is signed or has a ZONEMD, so it cannot be raised here; sign or digest it "
	                       "anew with 6 or more"));
	rig_stop(&rig);
}

TEST(zone_with_zonemd_is_not_given_another_serial)
{
	static const char digest[] = "a A 192.0.2.%d\n@ ZONEMD 5 1 1 "
	                             "0000000000000000000000000000000000000000000000000000000000000000"
	                             "00000000000000000000000000000000\n";
	struct rig rig;
	char text[300];
	rig_start(&rig, "sealed");
	snprintf(text, sizeof text, digest, 1);
	assert_true(offer_file(&rig, 5, text));
	snprintf(text, sizeof text, digest, 2);
	assert_false(offer_file(&rig, 5, text));
	assert_int_equal(last_error.code, ERROR_STALE);
	rig_stop(&rig);
}

TEST(secondary_takes_newer_serials_only)
{
	struct rig rig;
	rig_start(&rig, "secondary");
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	assert_false(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 4, "a A 192.0.2.2\n"));
	assert_int_equal(last_error.code, ERROR_STALE);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 6, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
}

TEST(expired_secondary_takes_an_older_serial)
{
	struct rig rig;
	rig_start(&rig, "expired");
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	publish_line_withdraw(rig.line, ZONE_STATE_EXPIRED);
	assert_null(zone_served(rig.zone));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 4, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 4);
	assert_true(last_result.expiry_lifted);
	rig_stop(&rig);
}

/* What was transferred with serial 5 becomes a primary's, from this file: within one run, and by a restart. */
static void expect_promoted(const char *folder, uint32_t file_serial, const char *text, uint32_t serial)
{
	char name[100];
	for (int restarts = 0; restarts < 2; restarts++) {
		struct rig rig;
		snprintf(name, sizeof name, "%s-%d", folder, restarts);
		rig_start(&rig, name);
		assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
		if (restarts > 0) {
			rig_stop(&rig);
			rig_start(&rig, name);
		}
		assert_true(offer_file(&rig, file_serial, text));
		assert_int_equal(served_serial(&rig), serial);
		rig_stop(&rig);
	}
}

TEST(zone_that_becomes_a_primarys_keeps_the_serial_of_what_it_transferred)
{
	expect_promoted("promoted", 4, "a A 192.0.2.1\n", 5);
}

TEST(zone_that_becomes_a_primarys_raises_the_serial_of_what_it_transferred)
{
	expect_promoted("promoted-and-edited", 5, "a A 192.0.2.2\n", 6);
}

TEST(secondary_that_cannot_write_follows_on_and_says_so)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	assert_false(last_result.is_volatile);
	fake_kv_fail_commits(fake, 1);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 6, "a A 192.0.2.2\n"));
	assert_true(last_result.is_volatile);
	assert_int_equal(served_serial(&rig), 6);
	assert_non_null(strstr(logged, "serial 6 is served but not on disk"));
	/* The same once more is written now. */
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 6, "a A 192.0.2.2\n"));
	assert_int_equal(last_result.outcome, CHANGE_UNCHANGED);
	assert_false(last_result.is_volatile);
	rig_stop(&rig);
	rig_start_fake(&rig, fake);
	struct store_head head;
	assert_true(store_load_head(rig.store, rig.zone->apex, &head, NULL, NULL, &last_error));
	assert_int_equal(head.serial_published, 6);
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(primary_that_cannot_write_refuses_the_change)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	fake_kv_fail_commits(fake, 1);
	assert_false(offer_file(&rig, 6, "a A 192.0.2.2\n"));
	assert_int_equal(last_error.code, ERROR_IO);
	assert_int_equal(served_serial(&rig), 5);
	assert_int_equal(rig.heard, 1);
	assert_true(offer_file(&rig, 6, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
	fake_kv_free(fake);
}

static bool is_held_back(const struct rig *rig)
{
	return zone_is_held_back(zone_served(rig->zone));
}

/* Nobody would remember it after a restart, and its serial could come again with other content. */
TEST(first_version_that_a_primary_could_not_write_is_given_to_nobody_until_it_is)
{
	struct rig rig;
	struct told told = {0};
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	fake_kv_fail_commits(fake, 2);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(last_result.is_volatile);
	assert_int_equal(served_serial(&rig), 5);
	assert_true(is_held_back(&rig));
	publish_line_secure(rig.line, NULL, settled, &told);
	store_commit(rig.store);
	assert_false(told.done);
	assert_true(is_held_back(&rig));
	publish_line_secure(rig.line, NULL, settled, &told);
	store_commit(rig.store);
	assert_true(told.done);
	assert_false(is_held_back(&rig));
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* After a start the file is as it was published last, and the disk does not take what it was read from. */
TEST(version_that_was_on_disk_before_a_start_that_could_not_write_is_written_later)
{
	struct rig rig;
	struct told told;
	struct fake_kv *fake = fake_kv_new();
	const char *text = "a A 192.0.2.1\n";
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 5, text));
	rig_stop(&rig);
	rig_start_fake(&rig, fake);
	fake_kv_fail_commits(fake, 2);
	struct publish_policy policy = {.serial = PUBLISH_SERIAL_RAISE, .strict = true, .history = usual_history};
	struct change_sink *sink = publish_line_sink(rig.line);
	told = (struct told){0};
	sink->offer(sink, &(struct change_offer){.origin = CHANGE_FROM_FILE,
	                                         .candidate = zone_of_text("example.", 5, text),
	                                         .who = "test",
	                                         .policy = &policy,
	                                         .source = (const uint8_t *)"file",
	                                         .source_len = 4,
	                                         .settled = settled,
	                                         .context = &told});
	store_commit(rig.store);
	assert_true(told.result.is_volatile);
	publish_line_secure(rig.line, NULL, settled, &told);
	store_commit(rig.store);
	assert_false(told.done);
	publish_line_secure(rig.line, NULL, settled, &told);
	store_commit(rig.store);
	assert_true(told.done);
	assert_false(is_held_back(&rig));
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(version_that_a_secondary_could_not_write_is_handed_on)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	fake_kv_fail_commits(fake, 1);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, ""));
	assert_true(last_result.is_volatile);
	assert_false(is_held_back(&rig));
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(primary_that_could_not_write_its_first_version_raises_the_next_one)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	fake_kv_fail_commits(fake, 2);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(last_result.is_volatile);
	assert_false(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 5);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	assert_false(last_result.is_volatile);
	rig_stop(&rig);
	fake_kv_free(fake);
}

static bool is_behind(uint32_t serial, uint32_t before)
{
	return dns_serial_compare(serial, before) == DNS_SERIAL_NEWER;
}

/* I2, also where the store lost what it had. */
TEST(lost_memory_does_not_let_a_served_serial_go_back)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	assert_true(fake_kv_flip(fake, 'h', 40));
	assert_true(offer_file(&rig, 5, "a A 192.0.2.3\n"));
	assert_int_equal(served_serial(&rig), 7);
	rig_stop(&rig);
	/* Over a restart with a broken memory nobody knows what the serial stood for, and that is told. */
	assert_true(fake_kv_flip(fake, 'h', 40));
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.3\n"));
	assert_true(is_behind(served_serial(&rig), 7));
	assert_non_null(strstr(logged, "what was remembered of it is lost"));
	assert_non_null(strstr(logged, "serials up to 255 may have been given"));
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* In a folder of its own; what is in `fake` is all that the key-value side has. */
static void rig_start_alone(struct rig *rig, struct fake_kv *fake, const char *name)
{
	struct error error;
	assert_true(folder_make(rig_folder(name), &error));
	*rig = (struct rig){.fake = fake};
	rig->store = store_new_alone(fake_kv_side(fake), disk_posix(), rig_folder(name), &error);
	assert_non_null(rig->store);
	store_commit(rig->store);
	rig_begin(rig);
}

/* I2 */
TEST(serial_is_not_given_to_other_content_after_the_store_was_lost)
{
	struct rig rig;
	uint32_t before = 5;
	for (int life = 0; life < 4; life++) {
		struct fake_kv *fake = fake_kv_new();
		rig_start_alone(&rig, fake, "lost");
		for (int i = 0; i < 300; i += 100) {
			char text[40];
			snprintf(text, sizeof text, "a A 192.0.%d.%d\n", life, i / 100);
			assert_true(offer_file(&rig, 5, text));
			assert_true(is_behind(served_serial(&rig), before) || (life == 0 && i == 0));
			before = served_serial(&rig);
		}
		rig_stop(&rig);
		fake_kv_free(fake);
	}
}

/* A serial that the file says itself is given as it is, once it is behind all that may have been given. */
TEST(serial_of_the_file_is_given_after_the_store_was_lost_where_nobody_can_have_had_it)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_alone(&rig, fake, "lost-file");
	assert_true(offer_file(&rig, 2024010203, "a A 192.0.2.1\n"));
	rig_stop(&rig);
	fake_kv_free(fake);
	fake = fake_kv_new();
	rig_start_alone(&rig, fake, "lost-file");
	assert_true(offer_file(&rig, 2024010600, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 2024010600);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* Whose serials the operator gives says himself what they stand for; one that is surely older is refused. */
TEST(kept_serial_is_taken_after_the_store_was_lost_unless_it_went_back)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_alone(&rig, fake, "lost-kept");
	assert_true(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 2024010203, "a A 192.0.2.1\n"));
	rig_stop(&rig);
	fake_kv_free(fake);
	fake = fake_kv_new();
	rig_start_alone(&rig, fake, "lost-kept");
	assert_false(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 2023010203, "a A 192.0.2.1\n"));
	assert_true(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 2024010203, "a A 192.0.2.1\n"));
	assert_int_equal(served_serial(&rig), 2024010203);
	rig_stop(&rig);
	fake_kv_free(fake);
}

static void copied(void *context, const struct error *error)
{
	(void)context;
	(void)error;
}

static void add_names(struct text *text, unsigned from, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		text_format(text, "n%u A 192.0.2.1\n", from + i);
	}
}

/* Secondaries may have what came after the image: they are led to what is served now, though it is as it was then. */
TEST(version_of_an_image_that_may_be_old_is_published_behind_all_that_may_have_been_given)
{
	struct rig rig;
	struct text text;
	struct told told;
	struct store_head head;
	struct error error;
	const struct change_history *history;
	struct fake_kv *fake = fake_kv_new();
	text_init(&text, 1 << 20);
	add_names(&text, 0, 2000);
	rig_start_alone(&rig, fake, "lost-image");
	assert_true(offer_file(&rig, 5, text_string(&text)));
	publish_line_copy(rig.line, copied, NULL);
	store_commit(rig.store);
	add_names(&text, 2000, 1);
	assert_true(offer_file(&rig, 5, text_string(&text)));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
	fake_kv_free(fake);

	fake = fake_kv_new();
	rig_start_alone(&rig, fake, "lost-image");
	assert_non_null(strstr(store_problem(rig.store), "the store is a new one"));
	const struct zone_snapshot *old = store_load_version(rig.store, rig.zone->apex, &head, &history, &error);
	assert_non_null(old);
	change_history_unref(history);
	hand_in(&rig, CHANGE_FROM_STORE, PUBLISH_SERIAL_RAISE, old, &told);
	store_commit(rig.store);
	assert_int_equal(served_serial(&rig), 5);
	text_deinit(&text);
	text_init(&text, 1 << 20);
	add_names(&text, 0, 2000);
	assert_true(offer_file(&rig, 5, text_string(&text)));
	assert_int_equal(served_serial(&rig), 256);
	assert_int_equal(change_history_count(atomic_load(&rig.zone->account->history)),
	                 0); /* who has 5 may have another 5 */
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_int_equal(served_serial(&rig), 257);
	rig_stop(&rig);
	text_deinit(&text);
	fake_kv_free(fake);
}

/* What cannot be noted is not durable. */
TEST(serial_whose_block_cannot_be_noted_is_refused)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	rig_start_alone(&rig, fake, "not-noted");
	assert_true(offer_file(&rig, 255, "a A 192.0.2.1\n"));
	rig_stop(&rig);
	rig_start_alone(&rig, fake, "not-noted");
	assert_true(offer_file(&rig, 255, "a A 192.0.2.1\n"));
	char path[300];
	snprintf(path, sizeof path, "%s/serials.new", rig_folder("not-noted"));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(offer_file(&rig, 255, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 255);
	assert_int_equal(rmdir(path), 0);
	assert_true(offer_file(&rig, 255, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 256);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* I1 */
TEST(version_is_not_visible_before_it_is_durable)
{
	struct rig rig;
	struct told told;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 5, ""), &told);
	assert_int_equal(told.times, 0);
	assert_null(zone_served(rig.zone));
	assert_false(publish_line_is_settled(rig.line));
	store_commit(rig.store);
	assert_int_equal(told.times, 1);
	assert_int_equal(served_serial(&rig), 5);
	assert_true(publish_line_is_settled(rig.line));
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(versions_are_made_while_those_before_are_being_written)
{
	struct rig rig;
	struct told told[3];
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	unsigned before = fake_kv_commits(fake);
	for (uint32_t i = 0; i < 3; i++) {
		char text[40];
		snprintf(text, sizeof text, "a A 192.0.2.%u\n", i);
		/* The serial of the file stays: each is one more than the one on its way. */
		hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_RAISE, zone_of_text("example.", 5, text), &told[i]);
	}
	const struct zone_snapshot *head = publish_line_head(rig.line);
	assert_int_equal(zone_serial(head), 7);
	zone_unref(head);
	store_commit(rig.store);
	assert_int_equal(fake_kv_commits(fake) - before, 1);
	assert_int_equal(rig.heard, 3);
	assert_int_equal(served_serial(&rig), 7);
	assert_true(told[0].done && told[1].done && told[2].done);
	assert_int_equal(told[2].result.serial_before, 6);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* I5 */
TEST(version_that_cannot_be_written_takes_with_it_what_continues_it)
{
	struct rig rig;
	struct told told[3];
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	fake_kv_fail_commits(fake, 2); /* together, and the first alone */
	for (uint32_t i = 0; i < 3; i++) {
		char text[40];
		snprintf(text, sizeof text, "a A 192.0.2.%u\n", 10 + i);
		hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_RAISE, zone_of_text("example.", 5, text), &told[i]);
	}
	store_commit(rig.store);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(told[i].times, 1);
		assert_false(told[i].done);
	}
	assert_int_equal(told[0].error.code, ERROR_IO);
	assert_int_equal(told[1].error.code, ERROR_STOPPED);
	assert_int_equal(served_serial(&rig), 5);
	assert_int_equal(rig.heard, 1);
	/* The next continues what is served. */
	assert_true(offer_file(&rig, 5, "a A 192.0.2.20\n"));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.20\n"));
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(unchanged_offer_is_told_after_the_version_that_it_is_like)
{
	struct rig rig;
	struct told told[2];
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 5, ""), &told[0]);
	hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 5, ""), &told[1]);
	assert_int_equal(told[1].times, 0);
	store_commit(rig.store);
	assert_int_equal(told[1].times, 1);
	assert_int_equal(told[1].result.outcome, CHANGE_UNCHANGED);
	assert_int_equal(rig.heard, 1);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* It was as good as a refresh when it was offered. */
TEST(unchanged_offer_on_its_way_lifts_an_expiry)
{
	struct rig rig;
	struct told told;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, ""));
	hand_in(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 5, ""), &told);
	publish_line_withdraw(rig.line, ZONE_STATE_EXPIRED);
	store_commit(rig.store);
	assert_true(told.done);
	assert_int_equal(served_serial(&rig), 5);
	/* And it is what the next one continues. */
	assert_false(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 4, ""));
	assert_int_equal(last_error.code, ERROR_STALE);
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(securing_writes_what_could_not_be_written_and_the_timers)
{
	struct rig rig;
	struct told told = {0};
	struct change_deadlines timers = {.expire_at_s = 99};
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	publish_line_secure(rig.line, &timers, settled, &told);
	assert_false(told.done);
	assert_int_equal(told.error.code, ERROR_NOT_FOUND);
	fake_kv_fail_commits(fake, 2);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, ""));
	assert_true(last_result.is_volatile);
	told = (struct told){0};
	publish_line_secure(rig.line, &timers, settled, &told);
	store_commit(rig.store);
	assert_false(told.done);
	assert_int_equal(told.error.code, ERROR_IO);
	assert_int_equal(served_serial(&rig), 5);
	publish_line_secure(rig.line, &timers, settled, &told);
	store_commit(rig.store);
	assert_true(told.done);
	struct store_head head;
	struct store_stand stand;
	assert_true(store_load_head(rig.store, rig.zone->apex, &head, &stand, NULL, &last_error));
	assert_true(stand.has_records);
	assert_int_equal(store_load_timers(rig.store, rig.zone->apex).expire_at_s, 99);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* What is on its way when securing begins may come to nothing: its timers are not those of what is on disk, and nobody is
 * told that it was written. */
TEST(securing_a_version_that_is_not_written_is_no_success_and_writes_no_timers)
{
	struct rig rig;
	struct told told[2];
	struct change_deadlines timers = {.expire_at_s = 99};
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, ""));
	hand_in(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 6, ""), &told[0]);
	told[1] = (struct told){0};
	publish_line_secure(rig.line, &timers, settled, &told[1]);
	fake_kv_fail_commits(fake, 2); /* together, and the version alone */
	store_commit(rig.store);
	assert_true(told[0].result.is_volatile);
	assert_int_equal(told[1].times, 1);
	assert_false(told[1].done);
	assert_int_equal(told[1].error.code, ERROR_IO);
	assert_int_equal(store_load_timers(rig.store, rig.zone->apex).expire_at_s, 0);
	/* Once more writes both. */
	publish_line_secure(rig.line, &timers, settled, &told[1]);
	store_commit(rig.store);
	assert_true(told[1].done);
	struct store_head head;
	assert_true(store_load_head(rig.store, rig.zone->apex, &head, NULL, NULL, &last_error));
	assert_int_equal(head.serial_published, 6);
	assert_int_equal(store_load_timers(rig.store, rig.zone->apex).expire_at_s, 99);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* Commits while an offer is being checked. */
struct committing_sink {
	struct zonefile_problem_sink sink; /* first */
	struct store *store;
};

static void commit_meanwhile(struct zonefile_problem_sink *self, const struct zonefile_problem *problem)
{
	(void)problem;
	store_commit(((struct committing_sink *)self)->store);
}

/* A version fails while the next offer, which says the same, is being made. */
TEST(version_that_failed_while_its_twin_was_made_is_not_taken_for_written)
{
	static const char text[] = "@ NS a.b\n"; /* without address: something to warn of */
	struct rig rig;
	struct told told[2];
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	struct committing_sink meanwhile = {.sink.tell = commit_meanwhile, .store = rig.store};
	struct publish_policy policy = {.check_ns = PUBLISH_WARN, .problems = &meanwhile.sink};
	struct change_sink *sink = publish_line_sink(rig.line);
	hand_in(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 5, text), &told[0]);
	fake_kv_fail_commits(fake, 1);
	told[1] = (struct told){0};
	sink->offer(sink, &(struct change_offer){
	                          .origin = CHANGE_FROM_TRANSFER,
	                          .candidate = zone_of_text("example.", 5, text),
	                          .who = "test",
	                          .policy = &policy,
	                          .settled = settled,
	                          .context = &told[1],
	                  });
	assert_int_equal(told[0].times, 1);
	assert_true(told[0].result.is_volatile);
	store_commit(rig.store);
	assert_true(told[1].done);
	assert_true(told[1].result.is_volatile);
	/* So that the next one is written. */
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, text));
	assert_false(last_result.is_volatile);
	struct store_head head;
	assert_true(store_load_head(rig.store, rig.zone->apex, &head, NULL, NULL, &last_error));
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(deadlines_are_durable_together_with_the_version)
{
	struct rig rig;
	struct fake_kv *fake = fake_kv_new();
	struct publish_policy policy = {.serial = PUBLISH_SERIAL_KEEP};
	rig_start_fake(&rig, fake);
	struct change_sink *sink = publish_line_sink(rig.line);
	unsigned before = fake_kv_commits(fake);
	sink->offer(sink, &(struct change_offer){
	                          .origin = CHANGE_FROM_TRANSFER,
	                          .candidate = zone_of_text("example.", 5, ""),
	                          .who = "test",
	                          .policy = &policy,
	                          .deadlines = {.expire_at_s = 77},
	                  });
	store_commit(rig.store);
	assert_int_equal(fake_kv_commits(fake) - before, 1);
	assert_int_equal(store_load_timers(rig.store, rig.zone->apex).expire_at_s, 77);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* What is on disk is not what was published last, though it has the same serial. */
TEST(zone_that_becomes_a_primarys_is_not_compared_with_a_copy_that_was_not_replaced)
{
	struct rig rig;
	struct told told;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 7, "a A 192.0.2.1\n"));
	rig.forced = true;
	hand_in(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 7, "a A 192.0.2.2\n"), &told);
	fake_kv_fail_commits(fake, 1);
	store_commit(rig.store);
	assert_true(told.done && told.result.is_volatile);
	publish_line_withdraw(rig.line, ZONE_STATE_EXPIRED);
	assert_true(offer_file(&rig, 7, "a A 192.0.2.1\n"));
	assert_int_equal(served_serial(&rig), 8);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* ---- history ---- */

/* How many changesets lead from this serial to what is served. */
static size_t steps_from(const struct rig *rig, uint32_t serial)
{
	const struct change_history *history = atomic_load(&rig->zone->account->history);
	const struct zone_snapshot *served = zone_served(rig->zone);
	assert_true(history == NULL || change_history_leads_to(history, served));
	return change_history_from(history, serial);
}

TEST(history_leads_from_the_last_versions_to_what_is_served)
{
	struct rig rig;
	rig_start(&rig, "history");
	for (uint32_t serial = 1; serial <= 9; serial++) {
		char text[40];
		snprintf(text, sizeof text, "a A 192.0.2.%u\n", serial);
		assert_true(offer_file(&rig, serial, text));
		assert_true(offer_file(&rig, serial, text)); /* unchanged */
		assert_int_equal(steps_from(&rig, serial), 0);
		for (uint32_t back = 1; back < serial; back++) {
			assert_int_equal(steps_from(&rig, serial - back), back <= 5 ? back : 0);
		}
	}
	rig_stop(&rig);
}

TEST(history_is_of_what_is_served_and_not_of_what_is_on_its_way)
{
	struct rig rig;
	struct told told;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer_file(&rig, 1, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 2, "a A 192.0.2.2\n"));
	hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, zone_of_text("example.", 3, "a A 192.0.2.3\n"), &told);
	assert_int_equal(steps_from(&rig, 1), 1);
	fake_kv_fail_commits(fake, 1);
	store_commit(rig.store);
	assert_false(told.done);
	assert_int_equal(steps_from(&rig, 1), 1);
	assert_true(offer_file(&rig, 4, "a A 192.0.2.4\n"));
	assert_int_equal(steps_from(&rig, 1), 2);
	assert_int_equal(steps_from(&rig, 3), 0);
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(history_begins_anew_where_a_version_does_not_go_forward)
{
	struct rig rig;
	rig_start(&rig, "anew");
	rig.forced = true;
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 6, "a A 192.0.2.2\n"));
	assert_int_equal(steps_from(&rig, 5), 1);
	/* Other content under the same serial: what led to 6 leads to it no more. */
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 6, "a A 192.0.2.3\n"));
	assert_int_equal(steps_from(&rig, 5), 0);
	/* Nor does anything lead on from 6: somebody may have it with its first content. */
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 7, "a A 192.0.2.4\n"));
	assert_int_equal(steps_from(&rig, 6), 0);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 8, "a A 192.0.2.5\n"));
	assert_int_equal(steps_from(&rig, 7), 1);
	assert_int_equal(steps_from(&rig, 6), 0);
	/* Back to 3: 4 to 8 come again, and nobody is led on from them. */
	for (uint32_t serial = 3; serial <= 11; serial++) {
		char text[40];
		snprintf(text, sizeof text, "a A 192.0.3.%u\n", serial);
		assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, serial, text));
		assert_int_equal(steps_from(&rig, serial - 1), serial - 1 > 8 ? 1 : 0);
	}
	publish_line_withdraw(rig.line, ZONE_STATE_EXPIRED);
	assert_null(atomic_load(&rig.zone->account->history));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 11, "a A 192.0.2.7\n"));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 12, "a A 192.0.2.8\n"));
	assert_int_equal(steps_from(&rig, 11), 0);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 13, "a A 192.0.2.9\n"));
	assert_int_equal(steps_from(&rig, 12), 1);
	rig_stop(&rig);
}

/* Serials 1 to LARGE_VERSIONS, each of other texts: some 20 KB of change from one to the next, in a zone of 2 MB. */
#define LARGE_VERSIONS 12

static void offer_large(struct rig *rig, uint32_t serial)
{
	struct text text;
	text_init(&text, 4 << 20);
	for (unsigned i = 0; i < 50000; i++) {
		text_format(&text, "n%u TXT \"text of version %u\"\n", i, i < 200 ? serial : 0);
	}
	assert_true(offer(rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, serial, text_string(&text)));
	text_deinit(&text);
}

/* How many of the changes that lead from this serial to what is served can be had. */
static size_t changes_had(const struct rig *rig, uint32_t serial)
{
	const struct change_history *history = atomic_load(&rig->zone->account->history);
	size_t had = 0;
	for (size_t back = steps_from(rig, serial); back > 0; back--) {
		const struct changeset *set = change_history_take(history, back);
		had += set != NULL && changeset_facts(set).serial_to == served_serial(rig) + 1 - back;
		change_history_give_back(history, set);
	}
	return had;
}

TEST(of_a_long_history_little_is_in_memory_and_all_can_be_had)
{
	struct rig rig;
	struct zone_facts facts;
	rig_start(&rig, "little");
	rig.history = usual_history;
	rig.history.count_max = LARGE_VERSIONS;
	for (uint32_t serial = 1; serial <= LARGE_VERSIONS; serial++) {
		offer_large(&rig, serial);
	}
	const struct change_history *history = atomic_load(&rig.zone->account->history);
	zone_facts(zone_served(rig.zone), &facts);
	assert_true(change_history_octets_held(history) <= facts.bytes / 16);
	assert_true(change_history_octets_held(history) > 0);
	assert_true(change_history_octets(history, LARGE_VERSIONS - 1) > facts.bytes / 10);
	for (uint32_t serial = 1; serial < LARGE_VERSIONS; serial++) {
		assert_int_equal(changes_had(&rig, serial), LARGE_VERSIONS - serial);
	}
	rig_stop(&rig);
}

/* Nobody would be sent such a difference: the zone is shorter. */
TEST(change_much_larger_than_the_zone_is_not_kept)
{
	struct rig rig;
	struct text text;
	rig_start(&rig, "larger");
	text_init(&text, 1 << 20);
	for (unsigned i = 0; i < 5000; i++) {
		text_format(&text, "n%u TXT \"some text to make it long\"\n", i);
	}
	assert_true(offer_file(&rig, 1, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 2, text_string(&text)));
	assert_true(offer_file(&rig, 3, "a A 192.0.2.1\n"));
	assert_int_equal(last_result.removed, 5001);
	assert_int_equal(steps_from(&rig, 2), 0);
	assert_true(offer_file(&rig, 4, "a A 192.0.2.2\n"));
	assert_int_equal(steps_from(&rig, 3), 1);
	text_deinit(&text);
	rig_stop(&rig);
}

TEST(history_has_as_many_octets_as_was_asked_for_whatever_the_size_of_the_zone)
{
	struct rig rig;
	struct text text;
	rig_start(&rig, "octets");
	rig.history = (struct change_history_limits){.count_max = 5, .octets_max = 1 << 20, .age_max_s = 1000};
	text_init(&text, 1 << 20);
	for (unsigned i = 0; i < 5000; i++) {
		text_format(&text, "n%u TXT \"some text to make it long\"\n", i);
	}
	assert_true(offer_file(&rig, 1, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 2, text_string(&text)));
	assert_true(offer_file(&rig, 3, "a A 192.0.2.1\n"));
	assert_int_equal(steps_from(&rig, 2), 1);
	/* Less from now on: what there is goes, and what is larger is not kept. */
	rig.history.octets_max = 300;
	assert_true(offer_file(&rig, 4, "a A 192.0.2.2\n"));
	assert_int_equal(steps_from(&rig, 3), 1);
	assert_int_equal(steps_from(&rig, 2), 0);
	rig.history.octets_max = 100;
	assert_true(offer_file(&rig, 5, "a A 192.0.2.3\n"));
	assert_int_equal(steps_from(&rig, 4), 0);
	text_deinit(&text);
	rig_stop(&rig);
}

/* Only the difference goes to the disk all the same. */
TEST(zone_without_history_is_changed_on_disk_by_differences)
{
	struct rig rig;
	struct error error;
	struct store_head head;
	struct store_stand before;
	struct store_stand after;
	rig_start(&rig, "nothing");
	rig.history = (struct change_history_limits){.count_max = 0, .octets_max = 1, .age_max_s = 1};
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 1, "a A 192.0.2.1\n"));
	assert_true(store_load_head(rig.store, zone_name(zone_served(rig.zone)), &head, &before, NULL, &error));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 2, "a A 192.0.2.2\n"));
	assert_int_equal(steps_from(&rig, 1), 0);
	assert_true(store_load_head(rig.store, zone_name(zone_served(rig.zone)), &head, &after, NULL, &error));
	assert_int_equal(after.number, before.number + 1);
	assert_true(after.behind > 0);
	rig_stop(&rig);
}

TEST(version_of_another_zone_is_refused)
{
	struct rig rig;
	struct told told;
	rig_start(&rig, "other");
	hand_in(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, zone_of_text("other.", 1, ""), &told);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.error.code, ERROR_INVALID);
	assert_null(zone_served(rig.zone));
	rig_stop(&rig);
}

TEST(version_of_the_store_that_was_overtaken_is_refused)
{
	struct rig rig;
	struct told told;
	struct store_head head;
	struct error error;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 1, "a A 192.0.2.1\n"));
	rig_stop(&rig);
	rig_start_fake(&rig, fake);
	const struct zone_snapshot *old = store_load_version(rig.store, rig.zone->apex, &head, NULL, &error);
	assert_non_null(old);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 2, "a A 192.0.2.2\n"));
	hand_in(&rig, CHANGE_FROM_STORE, PUBLISH_SERIAL_KEEP, old, &told);
	store_commit(rig.store);
	assert_int_equal(told.times, 1);
	assert_int_equal(told.error.code, ERROR_STALE);
	assert_int_equal(served_serial(&rig), 2);
	rig_stop(&rig);
	fake_kv_free(fake);
}

/* ---- copies ---- */

/* Counts what it is asked for. */
struct counting_copier {
	struct publish_copier copier; /* first */
	unsigned wanted;
};

static void count_wanted(const struct publish_copier *self, void *owner, bool is_first)
{
	(void)owner;
	(void)is_first;
	((struct counting_copier *)(uintptr_t)self)->wanted++;
}

TEST(a_version_that_is_written_later_is_copied_then)
{
	struct rig rig;
	struct counting_copier copier = {.copier.wanted = count_wanted};
	struct fake_kv *fake = fake_kv_new();
	struct store_head head;
	struct store_stand stand;
	struct error error;
	rig_start_fake(&rig, fake);
	publish_set_copier(rig.publish, &copier.copier);
	fake_kv_fail_commits(fake, 1);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(last_result.is_volatile);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_false(last_result.is_volatile);
	assert_int_equal(copier.wanted, 1);
	publish_line_copy(rig.line, copied, NULL);
	store_commit(rig.store);
	assert_true(store_load_head(rig.store, rig.zone->apex, &head, &stand, NULL, &error));
	assert_true(stand.has_records);
	rig_stop(&rig);
	fake_kv_free(fake);
}

TEST(records_that_are_broken_are_copied_anew_though_the_file_is_as_it_was)
{
	struct rig rig;
	struct counting_copier copier = {.copier.wanted = count_wanted};
	struct fake_kv *fake = fake_kv_new();
	struct store_head head;
	struct error error;
	rig_start_fake(&rig, fake);
	publish_set_copier(rig.publish, &copier.copier);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	publish_line_copy(rig.line, copied, NULL);
	store_commit(rig.store);
	rig_stop(&rig);
	assert_true(fake_kv_flip(fake, 'r', 40));
	for (int i = 0; i < 3; i++) {
		copier.wanted = 0;
		bool is_lost = i == 0;
		rig_start_fake(&rig, fake);
		publish_set_copier(rig.publish, &copier.copier);
		const struct zone_snapshot *version =
		        store_load_version(rig.store, rig.zone->apex, &head, NULL, &error);
		assert_true((version == NULL) == is_lost);
		zone_unref(version);
		assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
		assert_int_equal(copier.wanted, 1); /* without the version nobody knows better */
		publish_line_copy(rig.line, copied, NULL);
		store_commit(rig.store);
		rig_stop(&rig);
	}
	fake_kv_free(fake);
}

TEST(a_version_that_is_served_again_is_copied_under_its_own_number)
{
	struct rig rig;
	struct counting_copier copier = {.copier.wanted = count_wanted};
	struct store_head head;
	struct error error;
	struct text text;
	struct told told;
	struct fake_kv *fake = fake_kv_new();
	rig_start_fake(&rig, fake);
	publish_set_copier(rig.publish, &copier.copier);
	text_init(&text, 1 << 20);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 1, "a A 192.0.2.1\n"));
	for (uint32_t serial = 2; serial < 12; serial++) {
		add_names(&text, serial * 1000, 60);
		assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, serial, text_string(&text)));
	}
	rig_stop(&rig);
	rig_start_fake(&rig, fake);
	publish_set_copier(rig.publish, &copier.copier);
	hand_in(&rig, CHANGE_FROM_STORE, PUBLISH_SERIAL_KEEP,
	        store_load_version(rig.store, rig.zone->apex, &head, NULL, &error), &told);
	store_commit(rig.store);
	add_names(&text, 20000, 60);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 12, text_string(&text)));
	const struct zone_snapshot *served = zone_ref(zone_served(rig.zone));
	publish_line_withdraw(rig.line, ZONE_STATE_EXPIRED);
	hand_in(&rig, CHANGE_FROM_STORE, PUBLISH_SERIAL_KEEP, served, &told);
	store_commit(rig.store);
	assert_true(told.done);
	publish_line_copy(rig.line, copied, NULL);
	store_commit(rig.store);
	const struct zone_snapshot *back = store_load_version(rig.store, rig.zone->apex, &head, NULL, &error);
	assert_non_null(back);
	zone_unref(back);
	rig_stop(&rig);
	text_deinit(&text);
	fake_kv_free(fake);
}

/* Its serial goes around in two steps (RFC 1982). */
TEST(history_goes_on_after_an_expiry_and_a_serial_that_went_around)
{
	struct rig rig;
	rig_start(&rig, "wrap");
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 2024010100, "a A 192.0.2.1\n"));
	publish_line_withdraw(rig.line, ZONE_STATE_EXPIRED);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 2024010101, "a A 192.0.2.2\n"));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 2024010102, "a A 192.0.2.3\n"));
	assert_int_equal(change_history_count(atomic_load(&rig.zone->account->history)), 1);
	assert_true(
	        offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 2024010102u + 2147483647u, "a A 192.0.2.4\n"));
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 1, "a A 192.0.2.5\n"));
	for (uint32_t serial = 2; serial < 8; serial++) {
		char text[100];
		snprintf(text, sizeof text, "a A 192.0.3.%u\n", serial);
		assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, serial, text));
	}
	assert_int_equal(change_history_count(atomic_load(&rig.zone->account->history)), 5); /* as many as are kept */
	rig_stop(&rig);
}

TEST(a_version_that_begins_anew_on_disk_is_not_overtaken)
{
	struct rig rig;
	struct told first;
	struct told second;
	struct text text;
	struct fake_kv *fake = fake_kv_new();
	text_init(&text, 32 << 20);
	rig_start_fake(&rig, fake);
	rig.history = (struct change_history_limits){.count_max = 5, .octets_max = 1, .age_max_s = 1000};
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(fake_kv_flip(fake, 'h', 40));
	hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_RAISE, zone_of_text("example.", 6, "a A 192.0.2.2\n"), &first);
	add_names(&text, 0, 2000);
	hand_in(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_RAISE, zone_of_text("example.", 7, text_string(&text)), &second);
	store_commit(rig.store);
	assert_true(first.done && second.done);
	assert_int_equal(served_serial(&rig), 7);
	rig_stop(&rig);
	text_deinit(&text);
	fake_kv_free(fake);
}

TEST(a_copy_that_failed_is_not_tried_again_at_each_change)
{
	struct rig rig;
	struct counting_copier copier = {.copier.wanted = count_wanted};
	struct text text;
	struct fake_kv *fake = fake_kv_new();
	static const uint8_t key[] = "r\x07"
	                             "example";
	unsigned asked = 0;
	text_init(&text, 1 << 20);
	rig_start_fake(&rig, fake);
	publish_set_copier(rig.publish, &copier.copier);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 1, "a A 192.0.2.1\n"));
	for (uint32_t serial = 2; serial < 102; serial++) {
		add_names(&text, serial * 1000, 5);
		assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, serial, text_string(&text)));
		if (copier.wanted > asked) {
			asked = copier.wanted;
			fake_kv_fail_key(fake, key, sizeof key);
			publish_line_copy(rig.line, copied, NULL);
			store_commit(rig.store);
			fake_kv_fail_key(fake, NULL, 0);
		}
	}
	assert_int_equal(asked, 1);
	rig_stop(&rig);
	text_deinit(&text);
	fake_kv_free(fake);
}
