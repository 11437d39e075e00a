/* SPDX-License-Identifier: MIT */
/* Whoever comes to be told of a zone while a version of it becomes visible: the store's thread, which publishes, and the
 * replication loop, which knows the targets, see each other whatever comes first. Here the test is the loop, and the linker
 * gives it the places where the one thread comes between two steps of the other. The machine is made up: it is told of a
 * version, or not. */
#include "unit.h"

#include "base/ensure.h"
#include "base/quiescent.h"
#include "server/announce_internal.h"
#include "server/server_internal.h"
#include "zone_text.h"

#define NOBODY    "zones: [{name: example, file: a}, {name: host, file: b}]\n"
#define SOMEBODY  "zones: [{name: example, file: a, notify: [127.0.0.1@5300]}, {name: host, file: b}]\n"
#define ITS_HOSTS "zones: [{name: example, file: a, notify-ns: on}, {name: host, file: b}]\n"

static const struct moment now = {.boot_ms = 1000, .wall_s = 1000};

/* ---- what is made up ---- */

/* Of one zone: that of the example. */
static struct {
	bool exists;
	bool was_told; /* of a version; it tells targets that come later by itself */
	size_t targets;
} machine;

static struct {
	void (*run)(void *context, struct moment now);
	void *context;
} posted[16];
static size_t posted_count;
static struct net_timer *timer; /* that is set; NULL: none */

/* What comes between, once: after somebody has looked at options, before a zone is referred to, before the publisher says that
 * there is a version, and after the loop has looked whether there is one. */
static void (*at_options_release)(void);
static void (*at_zone_ref)(void);
static void (*at_set_announced)(void);
static void (*at_was_announced)(void);

static void come_between(void (**what)(void))
{
	void (*comes)(void) = *what;
	if (comes != NULL) {
		*what = NULL;
		comes();
	}
}

void __wrap_server_post(struct server *server, void (*run)(void *context, struct moment now), void *context);
void __wrap_server_post(struct server *server, void (*run)(void *context, struct moment now), void *context)
{
	(void)server;
	ensure(posted_count < ARRAY_LENGTH(posted));
	posted[posted_count].run = run;
	posted[posted_count++].context = context;
}

void __wrap_net_timer_set(struct net_loop *of, struct net_timer *set, int64_t at_ms);
void __wrap_net_timer_set(struct net_loop *of, struct net_timer *set, int64_t at_ms)
{
	(void)of;
	(void)at_ms;
	timer = set;
}

void __real_server_zone_options_release(struct server_zone_options *options);
void __wrap_server_zone_options_release(struct server_zone_options *options);
void __wrap_server_zone_options_release(struct server_zone_options *options)
{
	__real_server_zone_options_release(options);
	come_between(&at_options_release);
}

struct server_zone *__real_server_zone_ref(struct server_zone *zone);
struct server_zone *__wrap_server_zone_ref(struct server_zone *zone);
struct server_zone *__wrap_server_zone_ref(struct server_zone *zone)
{
	come_between(&at_zone_ref);
	return __real_server_zone_ref(zone);
}

void __real_server_zone_set_announced(struct server_zone *zone);
void __wrap_server_zone_set_announced(struct server_zone *zone);
void __wrap_server_zone_set_announced(struct server_zone *zone)
{
	come_between(&at_set_announced);
	__real_server_zone_set_announced(zone);
}

bool __real_server_zone_was_announced(const struct server_zone *zone);
bool __wrap_server_zone_was_announced(const struct server_zone *zone);
bool __wrap_server_zone_was_announced(const struct server_zone *zone)
{
	bool was_announced = __real_server_zone_was_announced(zone);
	come_between(&at_was_announced);
	return was_announced;
}

struct transfer_notifier *__wrap_transfer_notifier_new(struct transfer_scheduler *scheduler, const uint8_t *apex,
                                                       uint16_t class, const struct transfer_notifier_config *config,
                                                       struct transfer_notifier_owner *owner);
struct transfer_notifier *__wrap_transfer_notifier_new(struct transfer_scheduler *scheduler, const uint8_t *apex,
                                                       uint16_t class, const struct transfer_notifier_config *config,
                                                       struct transfer_notifier_owner *owner)
{
	(void)scheduler;
	(void)apex;
	(void)class;
	(void)owner;
	machine.exists = true;
	machine.was_told = false;
	machine.targets = config->target_count;
	return (struct transfer_notifier *)&machine;
}

void __wrap_transfer_notifier_reconfigure(struct transfer_notifier *notifier,
                                          const struct transfer_notifier_config *config, struct moment at);
void __wrap_transfer_notifier_reconfigure(struct transfer_notifier *notifier,
                                          const struct transfer_notifier_config *config, struct moment at)
{
	(void)notifier;
	(void)at;
	machine.targets = config->target_count;
}

void __wrap_transfer_notifier_announce(struct transfer_notifier *notifier, const struct zone_rrset *soa,
                                       enum transfer_notify_reason reason, struct moment at);
void __wrap_transfer_notifier_announce(struct transfer_notifier *notifier, const struct zone_rrset *soa,
                                       enum transfer_notify_reason reason, struct moment at)
{
	(void)notifier;
	(void)soa;
	(void)reason;
	(void)at;
	machine.was_told = true;
}

size_t __wrap_transfer_notifier_count(const struct transfer_notifier *notifier);
size_t __wrap_transfer_notifier_count(const struct transfer_notifier *notifier)
{
	(void)notifier;
	return machine.targets;
}

void __wrap_transfer_notifier_free(struct transfer_notifier *take, struct moment at);
void __wrap_transfer_notifier_free(struct transfer_notifier *take, struct moment at)
{
	(void)take;
	(void)at;
	machine.exists = false;
}

/* ---- the rig ---- */

static struct server server;
static struct conf *confs[3];
static struct server_zone *example;
static struct server_zone *host;

static struct conf *conf_of(const char *text)
{
	struct conf_report report;
	conf_report_init(&report);
	struct conf *conf = conf_read_text(text, strlen(text), "t.yaml", "/", &report);
	if (conf == NULL) {
		fail_msg("%s", text_string(&report.lines));
	}
	conf_report_deinit(&report);
	return conf;
}

enum targets { TARGETS_NONE, TARGETS_ONE, TARGETS_HOSTS };

static void begin(void)
{
	static const char *const texts[] = {NOBODY, SOMEBODY, ITS_HOSTS};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		confs[i] = conf_of(texts[i]);
	}
	memset(&server, 0, sizeof server);
	memset(&machine, 0, sizeof machine);
	posted_count = 0;
	timer = NULL;
	server.publish = publish_new(NULL);
	server.conf = confs[TARGETS_NONE];
	announce_init(&server);
	example = server_zone_new(&server, confs[TARGETS_NONE], &confs[TARGETS_NONE]->zones[0], NULL);
	host = server_zone_new(&server, confs[TARGETS_NONE], &confs[TARGETS_NONE]->zones[1], NULL);
	struct zone *zones[] = {example->zone, host->zone};
	atomic_store(&server.zones, zone_set_new(zones, ARRAY_LENGTH(zones)));
}

static void end(void)
{
	announce_free(example, now);
	announce_deinit(&server);
	zone_set_free((struct zone_set *)(uintptr_t)atomic_load(&server.zones));
	server_zone_unref(example);
	server_zone_unref(host);
	publish_free(server.publish);
	for (size_t i = 0; i < ARRAY_LENGTH(confs); i++) {
		conf_unref(confs[i]);
	}
	quiescent_drain();
}

/* The loop's turn: what was posted, and what that posts. */
static void run_posted(void)
{
	for (size_t i = 0; i < posted_count; i++) {
		posted[i].run(posted[i].context, now);
	}
	posted_count = 0;
}

/* And the looks at zones that wait for others, as long as some are due. */
static void run_all(void)
{
	run_posted();
	while (timer != NULL) {
		struct net_timer *expired = timer;
		timer = NULL;
		expired->expired(expired, now);
		run_posted();
	}
}

static void reload(enum targets targets)
{
	server_zone_configure(example, confs[targets], &confs[targets]->zones[0]);
	announce_configure(example);
}

/* A version becomes visible, and then this is told, as publish does it. */
static void serve(struct server_zone *zone, const struct zone_snapshot *take)
{
	zone_publish(zone->zone, take);
	announce_version(zone, zone_served(zone->zone), TRANSFER_NOTIFY_CHANGE);
}

static void serve_example(void)
{
	serve(example, zone_of_text("example.", 1, "@ NS ns.host.\n"));
}

static void serve_host(void)
{
	serve(host, zone_of_text("host.", 1, "ns A 127.0.0.2\n"));
}

static bool is_told(void)
{
	return machine.exists && machine.was_told && machine.targets > 0;
}

/* ---- the first target ---- */

static void add_target(void)
{
	reload(TARGETS_ONE);
	run_posted();
}

/* By a publisher that has looked for targets before there was one. */
static void serve_example_to_nobody(void)
{
	server_zone_configure(example, confs[TARGETS_NONE], &confs[TARGETS_NONE]->zones[0]);
	serve_example();
	server_zone_configure(example, confs[TARGETS_ONE], &confs[TARGETS_ONE]->zones[0]);
}

TEST(first_target_is_told_of_what_was_served_before)
{
	begin();
	serve_example();
	assert_int_equal(posted_count, 0); /* the loop has nothing to do with a zone that nobody is told of */
	add_target();
	assert_true(is_told());
	end();
}

TEST(first_target_that_comes_when_the_publisher_has_found_none_is_told)
{
	begin();
	at_options_release = add_target;
	serve_example();
	run_posted();
	assert_true(is_told());
	end();
}

TEST(version_that_comes_while_the_first_target_is_added_is_told)
{
	begin();
	reload(TARGETS_ONE);
	at_options_release =
	        serve_example_to_nobody; /* the loop has made the machine, and not yet looked for a version */
	run_posted();
	assert_true(is_told());
	end();
}

/* Of two who each say something and then look at what the other said, one sees it: whoever looked first would not. */
TEST(first_target_that_comes_just_before_the_publisher_says_that_there_is_a_version_is_told)
{
	begin();
	at_set_announced = add_target;
	serve_example();
	run_posted();
	assert_true(is_told());
	end();
}

TEST(version_that_comes_just_after_the_first_target_has_looked_for_one_is_told)
{
	begin();
	reload(TARGETS_ONE);
	at_was_announced = serve_example_to_nobody;
	run_posted();
	assert_null(at_was_announced);
	assert_true(is_told());
	end();
}

/* ---- servers that stand in another zone ---- */

TEST(zone_is_told_to_hosts_in_a_zone_that_is_served_later)
{
	begin();
	server_zone_configure(example, confs[TARGETS_HOSTS], &confs[TARGETS_HOSTS]->zones[0]);
	serve_example();
	run_all();
	assert_false(is_told());
	serve_host();
	assert_int_equal(posted_count, 1);
	run_all();
	assert_true(is_told());
	end();
}

/* The loop has found it not served, and not yet said that somebody waits for it. */
TEST(hosts_in_a_zone_that_is_served_just_before_somebody_waits_for_it_are_told)
{
	for (int is_configured_later = 0; is_configured_later < 2; is_configured_later++) {
		begin();
		if (is_configured_later) {
			serve_example();
			reload(TARGETS_HOSTS);
		} else {
			server_zone_configure(example, confs[TARGETS_HOSTS], &confs[TARGETS_HOSTS]->zones[0]);
			serve_example();
		}
		at_zone_ref = serve_host;
		run_all();
		assert_null(at_zone_ref);
		assert_true(is_told());
		end();
	}
}

/* The same when it is looked for once more: who waits counts until the look is over. */
TEST(hosts_in_a_zone_that_is_served_while_it_is_looked_for_again_are_told)
{
	begin();
	server_zone_configure(example, confs[TARGETS_HOSTS], &confs[TARGETS_HOSTS]->zones[0]);
	serve_example();
	run_posted();
	assert_non_null(timer);
	at_zone_ref = serve_host;
	run_all();
	assert_null(at_zone_ref);
	assert_true(is_told());
	end();
}
