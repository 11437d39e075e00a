/* SPDX-License-Identifier: MIT */
/* Start, wait for signals, stop. */
#include "server/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "server/announce_internal.h"
#include "server/follow_internal.h"
#include "server/rewrite_internal.h"
#include "server/server_internal.h"

/* ---- other threads ask the replication loop ---- */

/* A question that its asker waits for, on the asker's stack. */
struct loop_question {
	void (*ask)(void *context, struct moment now);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t answered;
	bool done;
};

static void answer_question(void *context, struct moment now)
{
	struct loop_question *question = context;
	question->ask(question->context, now);
	pthread_mutex_lock(&question->lock);
	question->done = true;
	pthread_cond_signal(&question->answered);
	pthread_mutex_unlock(&question->lock);
}

/* A post must not be lost: many zones that start at once can fill the queue, which the loop empties quickly. */
#define POST_RETRY_US 1000
/* Somebody who asks waits so long for room in the queue, and is told then. */
#define ASK_PATIENCE_MS 1000

static bool post_question(struct server *server, struct loop_question *question, struct error *error)
{
	int64_t until_ms = clock_now().boot_ms + ASK_PATIENCE_MS;
	while (!net_loop_post(server->loop, answer_question, question)) {
		if (net_loop_has_closed(server->loop)) {
			return error_set(error, ERROR_STOPPED, "the server is stopping");
		}
		if (clock_now().boot_ms >= until_ms) {
			return error_set(error, ERROR_LIMIT,
			                 "the server is busy: the queue of the replication loop is full; nothing was "
			                 "done, try again");
		}
		usleep(POST_RETRY_US);
	}
	return true;
}

bool server_ask_loop(struct server *server, void (*ask)(void *context, struct moment now), void *context,
                     struct error *error)
{
	struct loop_question question = {
	        .ask = ask,
	        .context = context,
	        .lock = PTHREAD_MUTEX_INITIALIZER,
	        .answered = PTHREAD_COND_INITIALIZER,
	};
	if (!post_question(server, &question, error)) {
		return false;
	}
	pthread_mutex_lock(&question.lock);
	while (!question.done) {
		pthread_cond_wait(&question.answered, &question.lock);
	}
	pthread_mutex_unlock(&question.lock);
	return true;
}

void server_post(struct server *server, void (*run)(void *context, struct moment now), void *context)
{
	while (!net_loop_post(server->loop, run, context)) {
		usleep(POST_RETRY_US);
	}
}

static void *run_loop(void *context)
{
	struct server *server = context;
	quiescent_register();
	net_loop_run(server->loop);
	quiescent_unregister();
	return NULL;
}

/* ---- a version became visible ---- */

static enum transfer_notify_reason reason_of(struct server_zone *zone, const struct change_news *news)
{
	bool is_first = !atomic_exchange(&zone->was_published, true);
	return is_first && news->origin != CHANGE_FROM_TRANSFER ? TRANSFER_NOTIFY_STARTUP : TRANSFER_NOTIFY_CHANGE;
}

/* With more zones the start tells of each only at log level `info`, and at its end of all. */
#define ZONES_TOLD_EACH_MAX 1000

static void version_published(struct change_listener *self, const struct change_news *news)
{
	struct server_zone *zone = news->owner;
	const struct change_result *result = news->result;
	struct zone_facts facts;
	(void)self;
	zone_facts(news->snapshot, &facts);
	enum transfer_notify_reason reason = reason_of(zone, news);
	bool is_start_of_many = reason == TRANSFER_NOTIFY_STARTUP && zone->server->zones_first > ZONES_TOLD_EACH_MAX;
	bool is_primarys = news->origin == CHANGE_FROM_STORE && !server_zone_is_secondary(zone);
	atomic_store(&zone->served_from_file, news->origin == CHANGE_FROM_FILE || is_primarys);
	pthread_mutex_lock(&zone->lock);
	zone->facts = facts;
	zone->has_facts = true;
	zone->digest = *news->digest;
	zone->serial = result->serial;
	zone->published_at_ms = clock_now().boot_ms;
	pthread_mutex_unlock(&zone->lock);
	if (result->had_before) {
		log_notice("zone %s: serial %u served, from %s; before %u, %llu records removed, %llu added",
		           zone->name, result->serial, news->who, result->serial_before,
		           (unsigned long long)result->removed, (unsigned long long)result->added);
	} else {
		log_write(is_start_of_many ? LOG_INFO : LOG_NOTICE, "zone %s: serial %u served, from %s; %llu records",
		          zone->name, result->serial, news->who, (unsigned long long)facts.records);
	}
	/* What a primary could not write is given to nobody (publish.h, I6): who would be told would ask in vain. */
	bool is_held_back = zone_is_held_back(news->snapshot);
	atomic_store(&zone->is_held_back, is_held_back);
	if (!is_held_back) {
		announce_version(zone, news->snapshot, reason);
	}
}

/* ---- start ---- */

/* Zone writers: parsing and publishing are the processor's work, so one per core, two at least so that one large zone
 * does not hold up all others. */
static size_t writers_wanted(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores > 2 ? (size_t)cores : 2;
}

static bool start_loop(struct server *server, struct error *error)
{
	int failed = pthread_create(&server->loop_thread, NULL, run_loop, server);
	if (failed != 0) {
		return error_set_errno(error, failed, "thread for the replication loop");
	}
	server->loop_is_running = true;
	return true;
}

static bool start_control(struct server *server, struct error *error)
{
	struct control_handlers handlers = orders_handlers(server);
	server->control = control_server_start(server->conf->server.control, &handlers, error);
	return server->control != NULL;
}

/* The store, which is read through when it is opened. */
struct opening {
	struct server *server;
	struct error error;
};

static void *open_store(void *context)
{
	struct opening *opening = context;
	opening->server->store = store_open(opening->server->conf->server.data_dir, &opening->error);
	return NULL;
}

/* Opens the store and makes the zones, side by side: with very many of them, each takes a part of a second. */
static bool open_store_and_zones(struct server *server, struct error *error)
{
	pthread_t thread;
	struct opening opening = {.server = server};
	bool is_beside = pthread_create(&thread, NULL, open_store, &opening) == 0;
	zones_create(server);
	if (is_beside) {
		pthread_join(thread, NULL);
	} else {
		open_store(&opening);
	}
	publish_set_store(server->publish, server->store);
	*error = opening.error;
	return server->store != NULL;
}

/* Everything that can fail for good reasons comes before the first zone is served. */
static bool start(struct server *server, struct error *error)
{
	const struct conf_addresses nothing = {0};
	server->publish = publish_new(NULL);
	server->zones_first = server->conf->zone_count;
	atomic_store(&server->zones, zone_set_new(NULL, 0));
	if (!open_store_and_zones(server, error) || !workers_start(server, error) ||
	    !server_listen(server, &nothing, &server->conf->server.listen, error) || !edge_init(server, error)) {
		return false;
	}
	announce_init(server);
	rewrite_init(server);
	server->listener.published = version_published;
	publish_add_listener(server->publish, &server->listener);
	server->jobs = jobs_new(writers_wanted(), error);
	if (server->jobs == NULL || !copies_start(server, error) || !start_loop(server, error)) {
		return false;
	}
	atomic_store(&server->answer_config, worker_answer_config(server->conf));
	return start_control(server, error);
}

static bool begin_serving(struct server *server, struct error *error)
{
	pthread_mutex_lock(&server->reload_lock); /* the API runs already: a reload waits for the first zones */
	/* Whoever is notified asks at once, so questions are answered before the first version is announced. */
	bool done = workers_run(server, error);
	if (done) {
		zones_begin(server);
	}
	pthread_mutex_unlock(&server->reload_lock);
	return done;
}

/* ---- stop ---- */

static void wake_all_waits(struct server *server)
{
	const struct zone_set *zones = atomic_load(&server->zones);
	for (size_t i = 0; zones != NULL && i < zone_set_count(zones); i++) {
		struct server_zone *zone = server_zone_of(zone_set_at(zones, i));
		pthread_mutex_lock(&zone->lock);
		pthread_cond_broadcast(&zone->waits_done);
		pthread_mutex_unlock(&zone->lock);
	}
}

static void flush_store(struct server *server)
{
	if (server->store != NULL) {
		store_flush(server->store);
	}
}

static void free_zones(struct server *server)
{
	const struct zone_set *zones = atomic_load(&server->zones);
	struct moment now = clock_now();
	if (server->edge.scheduler != NULL) {
		transfer_scheduler_halt(server->edge.scheduler);
	}
	for (size_t i = 0; zones != NULL && i < zone_set_count(zones); i++) {
		struct server_zone *zone = server_zone_of(zone_set_at(zones, i));
		follow_stop(zone, now);
		announce_free(zone, now);
	}
	announce_deinit(server);
	rewrite_deinit(server);
	edge_deinit(server);
	/* Machines may have spoken until now; what they wanted kept is written here. */
	jobs_free(server->jobs);
	flush_store(server);
	copies_free(server);
	leaving_lanes_free(server);
	for (size_t i = 0; zones != NULL && i < zone_set_count(zones); i++) {
		server_zone_end(zone_set_at(zones, i));
	}
	zone_set_free((struct zone_set *)(uintptr_t)zones);
}

static void stop_loop(struct server *server)
{
	if (server->loop_is_running) {
		net_loop_stop(server->loop);
		pthread_join(server->loop_thread, NULL);
		server->loop_is_running = false;
	}
}

/* Answers first, then whoever changes zones, then what they stand on. */
static void stop(struct server *server)
{
	/* A reload that is under way on one of the API's threads comes to its end; no other begins. */
	pthread_mutex_lock(&server->reload_lock);
	atomic_store(&server->stopping, true);
	pthread_mutex_unlock(&server->reload_lock);
	if (server->store != NULL) {
		store_give_up_images(server->store);
	}
	wake_all_waits(server);
	control_server_stop(server->control);
	workers_stop(server);
	/* The loop takes what the last jobs, and the store that finishes what they offered, tell it; what it tells them in
	 * turn waits for jobs_free. */
	jobs_end(server->jobs);
	copies_stop(server);
	flush_store(server);
	stop_loop(server);
	workers_free(server);
	free_zones(server);
	quiescent_drain();
	publish_free(server->publish);
	store_close(server->store);
	worker_answer_config_free((void *)(uintptr_t)atomic_load(&server->answer_config));
}

/* ---- signals ---- */

void server_hold_signals(void)
{
	sigset_t hup;
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hup, NULL);
}

static int open_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	/* Before any thread starts, so that all inherit it. */
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is told as any that cannot be written */
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static void reload_by_signal(struct server *server)
{
	struct text text;
	struct error error;
	text_init(&text, 4096);
	/* Both outcomes are logged there. */
	(void)!server_reload(server, NULL, &text, &error);
	text_deinit(&text);
}

/* Until the server is to stop. */
static void wait_for_signals(struct server *server, int signal_fd)
{
	while (!atomic_load(&server->stopping)) {
		struct pollfd entries[] = {
		        {.fd = signal_fd, .events = POLLIN},
		        {.fd = server->wake_fd, .events = POLLIN},
		};
		struct signalfd_siginfo info;
		if (poll(entries, ARRAY_LENGTH(entries), -1) < 0 || entries[0].revents == 0 ||
		    read(signal_fd, &info, sizeof info) != (ssize_t)sizeof info) {
			continue;
		}
		if (info.ssi_signo == SIGHUP) {
			reload_by_signal(server);
		} else {
			log_notice("stopping: %s", strsignal((int)info.ssi_signo));
			return;
		}
	}
	log_notice("stopping: asked through the API");
}

/* ---- from outside ---- */

struct server *server_new(struct conf *take)
{
	struct server *server = memory_new(sizeof *server);
	server->conf = take;
	server->started_at = clock_now();
	server->wake_fd = eventfd(0, EFD_CLOEXEC);
	pthread_mutex_init(&server->lock, NULL);
	pthread_mutex_init(&server->reload_lock, NULL);
	log_set_level(take->server.log_level);
	return server;
}

bool server_start(struct server *server, struct error *error)
{
	return start(server, error) && begin_serving(server, error);
}

void server_end(struct server *take)
{
	stop(take);
	close(take->wake_fd);
	free(take->conf_reason);
	conf_unref(take->conf);
	pthread_mutex_destroy(&take->reload_lock);
	pthread_mutex_destroy(&take->lock);
	free(take);
}

int server_run(struct conf *take)
{
	struct error error;
	int signal_fd = open_signals();
	size_t zone_count = take->zone_count; /* a reload may have replaced `take` before "started" is logged */
	struct server *server = server_new(take);
	error_clear(&error);
	bool started = server_start(server, &error);
	if (started) {
		log_notice("started: Tandem " TANDEM_VERSION ", %zu zones, %zu workers", zone_count,
		           server->worker_count);
		wait_for_signals(server, signal_fd);
	} else {
		fprintf(stderr, "tandem: %s\n", error.text);
	}
	server_end(server);
	if (started) {
		log_notice("stopped");
	}
	close(signal_fd);
	return started ? 0 : 1;
}
