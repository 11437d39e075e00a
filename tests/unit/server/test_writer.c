/* SPDX-License-Identifier: MIT */
/* What changes a zone, one job after the other. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/quiescent.h"
#include "server/jobs_internal.h"
#include "server/server_internal.h"
#include "../fake_kv.h"
#include "server/writer_internal.h"
#include "store/disk.h"
#include "store/store_internal.h"
#include "zone_text.h"

#define APEX "\7example"

/* Serves a version of the zone, whose machine says after that that it has expired. True: it is served still. */
static bool serves_after_expiry(const struct conf_zone_options *options)
{
	const struct conf_zone conf_zone = {.options = options};
	struct error error;
	struct server server = {.jobs = jobs_new(1, &error), .publish = publish_new(NULL)};
	struct server_zone zone = {
	        .server = &server,
	        .name = "example",
	        .lane = job_lane_new(),
	        .options = &conf_zone,
	        .zone = zone_new((const uint8_t *)APEX, DNS_CLASS_IN),
	        .references = 1,
	};
	assert_non_null(server.jobs);
	pthread_mutex_init(&zone.lock, NULL);
	zone.line = publish_line_new(server.publish, zone.zone, &zone);
	struct change_sink *sink = publish_line_sink(zone.line);
	sink->offer(sink, &(struct change_offer){
	                          .origin = CHANGE_FROM_STORE,
	                          .candidate = zone_of_text("example.", 1, ""),
	                          .who = "test",
	                  });
	writer_expire(&zone);
	jobs_free(server.jobs);
	bool is_served = zone_served(zone.zone) != NULL;
	publish_line_free(zone.line);
	publish_free(server.publish);
	zone_free(zone.zone);
	job_lane_unref(zone.lane);
	pthread_mutex_destroy(&zone.lock);
	quiescent_drain();
	return is_served;
}

TEST(copy_that_has_expired_is_served_no_more)
{
	const struct conf_zone_options secondary = {.primaries = {.count = 1}};
	assert_false(serves_after_expiry(&secondary));
}

/* The order to end the machine of a secondary reaches its thread later than the zone's file is to be read. */
TEST(expiry_of_a_copy_does_not_end_the_zone_of_its_new_primary)
{
	const struct conf_zone_options primary = {0};
	assert_true(serves_after_expiry(&primary));
}

/* Notes how many lines tell what is wrong, and whether the zone was served by then. */
struct watch {
	const struct server_zone *zone;
	unsigned lines;
	bool was_served;
};

static void watch_log(void *context, enum log_level level, const char *line)
{
	struct watch *watch = context;
	if (level == LOG_WARNING && strstr(line, "has a CNAME") != NULL) {
		watch->lines++;
		watch->was_served = watch->was_served || zone_served(watch->zone->zone) != NULL;
	}
}

static struct conf *conf_of(const char *folder)
{
	static const char text[] = "zones: [{name: example, file: example.zone, check-ns: warn}]\n";
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_text(text, strlen(text), "t.yaml", folder, &report);
	if (conf == NULL) {
		fail_msg("%s", text_string(&report.lines));
	}
	conf_report_deinit(&report);
	return conf;
}

/* And writes the file that it names. */
static struct conf *conf_with_file(void)
{
	static const char text[] = "$ORIGIN example.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 127.0.0.1\n"
	                           "sub NS alias\nalias CNAME ns\n";
	char path[200];
	struct error error;
	snprintf(path, sizeof path, "%s/example.zone", unit_folder());
	assert_true(file_replace(path, text, strlen(text), &error));
	return conf_of(unit_folder());
}

TEST(what_is_wrong_with_a_version_is_logged_before_it_is_served)
{
	struct error error;
	struct conf *conf = conf_with_file();
	struct server server = {.jobs = jobs_new(1, &error), .publish = publish_new(NULL)};
	struct server_zone *zone = server_zone_new(&server, conf, &conf->zones[0], NULL);
	struct watch watch = {.zone = zone};
	log_set_sink(watch_log, &watch);
	writer_load_file(zone, false);
	jobs_free(server.jobs);
	log_set_sink(NULL, NULL);
	assert_non_null(zone_served(zone->zone));
	assert_int_equal(watch.lines, 1);
	assert_false(watch.was_served);
	server_zone_unref(zone);
	conf_unref(conf);
	publish_free(server.publish);
	quiescent_drain();
}

/* Nobody copies anything here: the records come to the disk by the order alone. */
TEST(flush_of_a_primary_writes_its_records_too)
{
	struct error error;
	struct store_head head;
	struct store_stand stand;
	struct fake_kv *fake = fake_kv_new();
	struct server server = {.jobs = jobs_new(1, &error)};
	server.store = store_new(fake_kv_side(fake), disk_posix(), unit_folder(), &error);
	assert_non_null(server.store);
	assert_true(store_queue_start(server.store, &error));
	server.publish = publish_new(server.store);
	struct conf *conf = conf_with_file();
	struct server_zone *zone = server_zone_new(&server, conf, &conf->zones[0], NULL);
	writer_load_file(zone, false);
	writer_flush(zone);
	jobs_free(server.jobs);
	store_flush(server.store);
	assert_true(store_load_head(server.store, zone->zone->apex, &head, &stand, NULL, &error));
	assert_true(stand.has_records);
	server_zone_unref(zone);
	conf_unref(conf);
	publish_free(server.publish);
	store_close(server.store);
	quiescent_drain();
	fake_kv_free(fake);
}
