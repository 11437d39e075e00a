/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/quiescent.h"
#include "base/text.h"
#include "dns/message.h"
#include "publish/publish.h"
#include "zone_text.h"

/* A server's worth of publishing: store, door, one zone, and what a listener heard. */
struct rig {
	struct store *store;
	struct publish *publish;
	struct zone *zone;
	struct change_listener listener;
	unsigned heard;
	uint32_t heard_serial;
	bool served_when_heard;
};

static void hear(struct change_listener *self, struct zone *zone, const struct zone_snapshot *snapshot,
                 const struct change_offer *offer, const struct change_result *result)
{
	struct rig *rig = (struct rig *)((char *)self - offsetof(struct rig, listener));
	(void)offer;
	(void)result;
	rig->heard++;
	rig->heard_serial = zone_serial(snapshot);
	rig->served_when_heard = zone_served(zone) == snapshot;
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

static void rig_start(struct rig *rig, const char *name)
{
	struct error error;
	struct dns_name apex;
	logged[0] = '\0';
	log_set_sink(keep_line, NULL);
	assert_true(dns_name_from_text("example.", &apex, &error));
	*rig = (struct rig){.listener = {.published = hear}};
	rig->store = store_open(rig_folder(name), &error);
	assert_non_null(rig->store);
	rig->publish = publish_new(rig->store);
	rig->zone = zone_new(apex.wire, 1);
	publish_add_listener(rig->publish, &rig->listener);
}

static void rig_stop(struct rig *rig)
{
	publish_free(rig->publish);
	zone_free(rig->zone);
	store_close(rig->store);
	quiescent_drain();
}

static struct change_result last_result;
static struct error last_error;

static bool offer(struct rig *rig, enum change_origin origin, enum publish_serial_policy serial, uint32_t offered,
                  const char *text)
{
	struct publish_policy policy = {.serial = serial, .strict = origin == CHANGE_FROM_FILE};
	struct change_offer change = {
	        .origin = origin,
	        .zone = rig->zone,
	        .candidate = zone_of_text("example.", offered, text),
	        .who = "test",
	        .policy = &policy,
	};
	struct change_sink *sink = publish_sink(rig->publish);
	error_clear(&last_error);
	return sink->offer(sink, &change, &last_result, &last_error);
}

static bool offer_file(struct rig *rig, uint32_t serial, const char *text)
{
	return offer(rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_INCREMENT, serial, text);
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

TEST(kept_serial_refuses_an_edit_and_the_old_version_stays)
{
	struct rig rig;
	rig_start(&rig, "kept");
	assert_true(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	assert_false(offer(&rig, CHANGE_FROM_FILE, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.2\n"));
	assert_int_equal(last_error.code, ERROR_STALE);
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
	assert_non_null(strstr(last_error.text, "is signed or has a ZONEMD"));
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
	zone_withdraw(rig.zone, ZONE_STATE_EXPIRED);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 4, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 4);
	assert_true(last_result.expiry_lifted);
	rig_stop(&rig);
}

TEST(secondary_that_cannot_write_follows_on_and_says_so)
{
	struct rig rig;
	char path[300];
	rig_start(&rig, "full");
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 5, "a A 192.0.2.1\n"));
	assert_false(last_result.is_volatile);
	/* Whatever is written beside the zone's file meets a full disk. */
	snprintf(path, sizeof path, "%s/zones/example.zone.new", rig_folder("full"));
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_true(offer(&rig, CHANGE_FROM_TRANSFER, PUBLISH_SERIAL_KEEP, 6, "a A 192.0.2.2\n"));
	assert_true(last_result.is_volatile);
	assert_int_equal(served_serial(&rig), 6);
	rig_stop(&rig);
}

TEST(primary_that_cannot_write_refuses_the_change)
{
	struct rig rig;
	char path[300];
	rig_start(&rig, "full-primary");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	snprintf(path, sizeof path, "%s/zones/example.zone.new", rig_folder("full-primary"));
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_false(offer_file(&rig, 6, "a A 192.0.2.2\n"));
	assert_int_equal(last_error.code, ERROR_IO);
	assert_int_equal(served_serial(&rig), 5);
	rig_stop(&rig);
}

/* I2, also while what was remembered is gone. */
TEST(lost_memory_does_not_let_a_served_serial_go_back)
{
	struct rig rig;
	char path[300];
	rig_start(&rig, "lost");
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	snprintf(path, sizeof path, "%s/zones/example.zone", rig_folder("lost"));
	assert_int_equal(truncate(path, 0), 0);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.3\n"));
	assert_int_equal(served_serial(&rig), 7);
	assert_int_equal(unlink(path), 0);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.3\n"));
	assert_int_equal(last_result.outcome, CHANGE_UNCHANGED);
	/* and it is remembered again */
	assert_int_equal(access(path, F_OK), 0);
	rig_stop(&rig);
}

TEST(primary_that_could_not_write_its_first_version_raises_the_next_one)
{
	struct rig rig;
	char path[300];
	rig_start(&rig, "first");
	snprintf(path, sizeof path, "%s/zones/example.zone.new", rig_folder("first"));
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.1\n"));
	assert_true(last_result.is_volatile);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_false(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 5);
	assert_true(offer_file(&rig, 5, "a A 192.0.2.2\n"));
	assert_int_equal(served_serial(&rig), 6);
	assert_false(last_result.is_volatile);
	rig_stop(&rig);
}

TEST(version_of_another_zone_is_refused)
{
	struct rig rig;
	struct publish_policy policy = {.serial = PUBLISH_SERIAL_KEEP};
	struct change_result result;
	struct error error;
	rig_start(&rig, "other");
	struct change_offer change = {
	        .origin = CHANGE_FROM_TRANSFER,
	        .zone = rig.zone,
	        .candidate = zone_of_text("other.", 1, ""),
	        .who = "test",
	        .policy = &policy,
	};
	assert_false(publish_commit(rig.publish, &change, &result, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	assert_null(zone_served(rig.zone));
	rig_stop(&rig);
}
