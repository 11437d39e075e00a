/* SPDX-License-Identifier: MIT */
/* Copies of what is served: how many wait for the store, and those that are asked for while the server stops. */
#include "unit.h"

#include <sched.h>
#include <semaphore.h>
#include <string.h>

#include "../fake_kv.h"
#include "../zone_text.h"
#include "server/server_internal.h"
#include "store/disk.h"
#include "store/store_internal.h"

/* The store tells what it was given last when the zone writers are gone already. */
TEST(copy_that_is_asked_for_at_stop_looks_at_no_writer_that_is_gone)
{
	static struct server stopping;
	static struct server_zone zone;
	struct error error;
	zone.server = &stopping;
	zone.name = "example";
	stopping.publish = publish_new(NULL);
	stopping.jobs = jobs_new(1, &error);
	assert_non_null(stopping.jobs);
	assert_true(copies_start(&stopping, &error));
	atomic_store(&stopping.stopping, true);
	jobs_end(stopping.jobs);
	copies_stop(&stopping);
	jobs_free(stopping.jobs);
	stopping.jobs = NULL;
	atomic_store(&zone.references, 2);
	for (int is_first = 0; is_first < 2; is_first++) {
		stopping.copies.copier.wanted(&stopping.copies.copier, &zone, is_first == 1);
	}
	copies_free(&stopping);
	assert_int_equal(atomic_load(&zone.references), 2); /* it was not kept */
	publish_free(stopping.publish);
}

/* ---- a disk that takes its time ---- */

#define ZONES       3000
#define WAITING_MAX 1024

static struct server server;
static struct server_zone zones[ZONES];
static struct kv_side slow_side;
static bool (*begin)(struct kv *kv, struct error *error);
static sem_t may_begin;
static uint64_t waiting_most; /* seen by the store's thread */

static uint64_t waiting(void)
{
	struct store_queue *queue = &server.store->queue;
	pthread_mutex_lock(&queue->lock);
	uint64_t count = queue->submitted - queue->told;
	pthread_mutex_unlock(&queue->lock);
	return count;
}

static bool begin_when_allowed(struct kv *kv, struct error *error)
{
	sem_wait(&may_begin);
	sem_post(&may_begin);
	uint64_t count = waiting();
	waiting_most = count > waiting_most ? count : waiting_most;
	return begin(kv, error);
}

/* Serves a version that is on disk without its records. */
static void serve(struct server_zone *at, unsigned number)
{
	char name[32];
	struct dns_name apex;
	struct publish_policy policy = {.serial = PUBLISH_SERIAL_RAISE};
	snprintf(name, sizeof name, "zone%u.", number);
	assert_true(dns_name_from_text(name, &apex, NULL));
	at->server = &server;
	at->name = "a zone";
	at->zone = zone_new(apex.wire, 1);
	at->line = publish_line_new(server.publish, at->zone, at);
	atomic_store(&at->references, 2);
	struct change_sink *sink = publish_line_sink(at->line);
	sink->offer(sink, &(struct change_offer){
	                          .origin = CHANGE_FROM_FILE,
	                          .candidate = zone_of_text(name, 1, ""),
	                          .who = "a file",
	                          .policy = &policy,
	                  });
}

TEST(small_copies_that_wait_for_the_disk_are_bounded)
{
	struct error error;
	struct fake_kv *fake = fake_kv_new();
	struct kv *kv = fake_kv_side(fake);
	slow_side = *kv->side;
	begin = slow_side.begin;
	slow_side.begin = begin_when_allowed;
	sem_init(&may_begin, 0, 1);
	server.store = store_new(kv, disk_posix(), unit_folder(), &error);
	assert_non_null(server.store);
	server.publish = publish_new(server.store);
	for (unsigned i = 0; i < ZONES; i++) {
		serve(&zones[i], i);
	}
	store_commit(server.store);
	kv->side = &slow_side;
	assert_true(store_queue_start(server.store, &error));
	assert_true(copies_start(&server, &error));

	sem_wait(&may_begin);
	for (unsigned i = 0; i < ZONES; i++) {
		server.copies.copier.wanted(&server.copies.copier, &zones[i], false);
	}
	while (waiting() < WAITING_MAX) {
		sched_yield();
	}
	sem_post(&may_begin);
	copies_stop(&server);
	store_flush(server.store);
	copies_free(&server);
	assert_true(waiting_most <= WAITING_MAX);
	for (unsigned i = 0; i < ZONES; i++) {
		assert_int_equal(atomic_load(&zones[i].references), 2);
		publish_line_free(zones[i].line);
		zone_free(zones[i].zone);
	}
	publish_free(server.publish);
	store_close(server.store);
	quiescent_drain();
	sem_destroy(&may_begin);
	fake_kv_free(fake);
}
