/* SPDX-License-Identifier: MIT */
/* Server and client of the API, over a UNIX socket in a folder of the test, with handlers that remember. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "base/file.h"
#include "control/control.h"

/* What the handlers were asked, and what they are to do. */
struct fake {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool waits;    /* zone_order waits until `released` */
	size_t inside; /* zone_orders that wait */
	bool released;
	bool stopped;
	bool wants_stop; /* the server was asked to stop */
	struct control_order order;
	char zone[300];
	char after[300];
	size_t max;
};

static bool server_status(void *self, struct arena *arena, struct control_server_status *out, struct error *error)
{
	(void)self;
	(void)arena;
	(void)error;
	*out = (struct control_server_status){
	        .version = "9.9", .uptime_s = 7, .zone_count = 3, .zones_serving = 3, .conf_path = "/etc/\xff.yaml"};
	return true;
}

static bool zone_status(void *self, const char *zone, struct arena *arena, struct control_zone_status *out,
                        struct error *error)
{
	static struct control_primary_status primary = {.peer_name = "ns1",
	                                                .key = "xfr.example.",
	                                                .asked = true,
	                                                .result = "serial 5",
	                                                .has_serial = true,
	                                                .serial = 5,
	                                                .ago_ms = 12};
	static struct control_secondary_status secondary = {
	        .notified = true, .acknowledged = true, .serial_notified = 5};
	struct fake *fake = self;
	assert_true(address_from_text("192.0.2.1@53", 0, &primary.address, NULL));
	assert_true(address_from_text("2001:db8::1", 0, &secondary.address, NULL));
	snprintf(fake->zone, sizeof fake->zone, "%s", zone);
	if (strcmp(zone, "missing.") == 0) {
		return error_set(error, ERROR_NOT_FOUND, "zone missing. is not configured");
	}
	*out = (struct control_zone_status){.name = arena_copy_text(arena, zone),
	                                    .role = CONTROL_SECONDARY,
	                                    .state = CONTROL_SERVING,
	                                    .has_serial = true,
	                                    .serial = 4294967295,
	                                    .digest = "0123456789abcdef0123456789abcdef",
	                                    .records = 10,
	                                    .has_timers = true,
	                                    .refresh_in_s = -3,
	                                    .expire_in_s = 600,
	                                    .primaries = &primary,
	                                    .primary_count = 1,
	                                    .secondaries = &secondary,
	                                    .secondary_count = 1};
	return true;
}

static bool zone_list(void *self, const char *after, size_t max, struct arena *arena, struct control_zone_status **out,
                      size_t *count, struct error *error)
{
	static const char *const names[] = {".", "a.example.", "b.example."};
	struct fake *fake = self;
	(void)error;
	snprintf(fake->after, sizeof fake->after, "%s", after == NULL ? "NULL" : after);
	fake->max = max;
	size_t first = after == NULL ? 0 : strcmp(after, ".") == 0 ? 1 : strcmp(after, "a.example.") == 0 ? 2 : 3;
	*out = arena_take(arena, 3 * sizeof **out);
	*count = 0;
	for (size_t i = first; i < 3 && *count < max; i++) {
		(*out)[(*count)++] = (struct control_zone_status){.name = names[i], .role = CONTROL_PRIMARY};
	}
	return true;
}

/* For a change, or until it is time to look at the asker again. */
static void wait_a_little(struct fake *fake)
{
	struct timespec look;
	clock_gettime(CLOCK_REALTIME, &look);
	look.tv_nsec += 20000000;
	look.tv_sec += look.tv_nsec / 1000000000;
	look.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&fake->changed, &fake->lock, &look);
}

static bool zone_order(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                       struct error *error)
{
	struct fake *fake = self;
	pthread_mutex_lock(&fake->lock);
	fake->order = *order;
	snprintf(fake->zone, sizeof fake->zone, "%s", order->zone);
	bool waits = fake->waits && !fake->released;
	fake->inside += waits;
	pthread_cond_broadcast(&fake->changed);
	while (fake->waits && !fake->released) {
		if (control_is_gone(order->asker)) {
			break;
		}
		wait_a_little(fake);
	}
	fake->inside -= waits;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
	if (order->action == CONTROL_EXPORT) {
		return error_set(error, ERROR_INVALID, "zone %s has no file", order->zone);
	}
	*out = (struct control_done){.text = arena_copy_text(arena, "serial 1 to 2"), .has_serial = true, .serial = 2};
	return true;
}

static bool zone_write(void *self, const char *zone, int fd, struct error *error)
{
	(void)self;
	(void)error;
	return dprintf(fd, "%s SOA\n", zone) > 0;
}

static bool reload(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                   struct error *error)
{
	(void)order;
	(void)self;
	(void)arena;
	(void)out;
	return error_set(error, ERROR_INVALID, "t.yaml:1:1: wrong\nt.yaml:2:1: also wrong");
}

static bool backup(void *self, const char *to, struct arena *arena, struct control_backup *out, struct error *error)
{
	(void)self;
	(void)arena;
	if (strcmp(to, "/taken") == 0) {
		return error_set(error, ERROR_EXISTS, "backup: /taken: is not empty");
	}
	*out = (struct control_backup){.zones = 3, .images = 1, .left_out = 1, .problem = "zone a: broken"};
	return true;
}

static void stop(void *self)
{
	struct fake *fake = self;
	fake->wants_stop = true;
}

/* A server with its fake, stopped by world_end(). */
struct world {
	struct fake fake;
	struct control_server *server;
	char path[200];
};

static struct control_handlers handlers_of(struct fake *fake)
{
	return (struct control_handlers){.self = fake,
	                                 .server_status = server_status,
	                                 .zone_status = zone_status,
	                                 .zone_list = zone_list,
	                                 .zone_order = zone_order,
	                                 .zone_write = zone_write,
	                                 .reload = reload,
	                                 .backup = backup,
	                                 .stop = stop};
}

static void world_begin(struct world *world)
{
	static int number;
	struct error error;
	*world = (struct world){0};
	pthread_mutex_init(&world->fake.lock, NULL);
	pthread_cond_init(&world->fake.changed, NULL);
	snprintf(world->path, sizeof world->path, "%s/%d.sock", unit_folder(), number++);
	struct control_handlers handlers = handlers_of(&world->fake);
	world->server = control_server_start(world->path, &handlers, &error);
	if (world->server == NULL) {
		fail_msg("%s", error.text);
	}
}

static void world_end(struct world *world)
{
	control_server_stop(world->server);
	pthread_cond_destroy(&world->fake.changed);
	pthread_mutex_destroy(&world->fake.lock);
}

/* One request that must get this status; its body, NUL-terminated, for free(). */
static char *ask(const struct world *world, const char *method, const char *path, const char *body, long status)
{
	struct error error;
	struct control_reply reply;
	if (!control_request(world->path, method, path, body, 60000, &reply, &error)) {
		fail_msg("%s", error.text);
	}
	if (reply.status != status) {
		fail_msg("%s %s: status %ld: %s", method, path, reply.status, reply.body);
	}
	return reply.body;
}

static void expect(const struct world *world, const char *method, const char *path, const char *body, long status,
                   const char *reply)
{
	char *text = ask(world, method, path, body, status);
	assert_string_equal(text, reply);
	free(text);
}

static void expect_error(const struct world *world, const char *method, const char *path, const char *body, long status,
                         const char *code, const char *part)
{
	char *text = ask(world, method, path, body, status);
	json_t *object = json_loads(text, 0, NULL);
	const char *got_code, *got_text;
	assert_int_equal(json_unpack(object, "{s:{s:s,s:s}}", "error", "code", &got_code, "text", &got_text), 0);
	assert_string_equal(got_code, code);
	if (strstr(got_text, part) == NULL) {
		fail_msg("'%s' is not in '%s'", part, got_text);
	}
	json_decref(object);
	free(text);
}

/* Every member that the page about the API shows in this section must be what the server sends, and the reverse. */
static void expect_members(const char *page, const char *section, const char *reply)
{
	char heading[100];
	snprintf(heading, sizeof heading, "\n## GET %s\n", section);
	const char *start = strstr(page, heading);
	assert_non_null(start);
	start = strstr(start, "```json\n") + strlen("```json\n");
	json_t *shown = json_loadb(start, (size_t)(strstr(start, "```") - start), 0, NULL);
	json_t *sent = json_loads(reply, 0, NULL);
	assert_non_null(shown);
	assert_non_null(sent);
	const char *key;
	json_t *value;
	json_object_foreach(shown, key, value)
	{
		if (json_object_get(sent, key) == NULL) {
			fail_msg("%s: %s is described but not sent", section, key);
		}
		json_t *inner = json_array_get(value, 0);
		json_t *inner_sent = json_array_get(json_object_get(sent, key), 0);
		const char *inner_key;
		json_t *inner_value;
		json_object_foreach(inner_sent, inner_key, inner_value)
		{
			assert_non_null(json_object_get(inner, inner_key));
		}
		assert_int_equal(json_object_size(inner), json_object_size(inner_sent));
	}
	assert_int_equal(json_object_size(shown), json_object_size(sent));
	json_decref(shown);
	json_decref(sent);
}

TEST(page_about_the_api_shows_what_is_sent)
{
	struct world world;
	uint8_t *page;
	size_t len;
	assert_true(file_read(API_PAGE_PATH, 1 << 20, &page, &len, NULL));
	world_begin(&world);
	char *version = ask(&world, "GET", "/v1/version", NULL, 200);
	char *status = ask(&world, "GET", "/v1/status", NULL, 200);
	char *list = ask(&world, "GET", "/v1/zones?limit=1", NULL, 200);
	char *zone = ask(&world, "GET", "/v1/zones/a", NULL, 200);
	char *why = ask(&world, "GET", "/v1/zones/a/why", NULL, 200);
	json_t *sentences = json_loads(why, 0, NULL);
	assert_true(json_array_size(json_object_get(sentences, "why")) > 0);
	json_decref(sentences);
	free(why);
	expect_members((const char *)page, "/v1/version", version);
	expect_members((const char *)page, "/v1/status", status);
	expect_members((const char *)page, "/v1/zones", list);
	expect_members((const char *)page, "/v1/zones/NAME", zone);
	for (size_t i = 0; i < CONTROL_ACTIONS; i++) {
		char row[50];
		snprintf(row, sizeof row, "| `%s` |", control_action_name((enum control_action)i));
		assert_non_null(strstr((const char *)page, row));
	}
	free(version);
	free(status);
	free(list);
	free(zone);
	free(page);
	world_end(&world);
}

TEST(status_and_version_are_json)
{
	struct world world;
	world_begin(&world);
	expect(&world, "GET", "/v1/version", NULL, 200, "{\"version\":\"9.9\",\"api\":1}");
	char *text = ask(&world, "GET", "/v1/status", NULL, 200);
	json_t *object = json_loads(text, 0, NULL);
	json_int_t all, uptime;
	const char *conf;
	assert_int_equal(json_unpack(object, "{s:I,s:s,s:{s:I}}", "uptime_s", &uptime, "configuration", &conf, "zones",
	                             "all", &all),
	                 0);
	assert_int_equal(uptime, 7);
	assert_int_equal(all, 3);
	/* What is not UTF-8 cannot be JSON. */
	assert_string_equal(conf, "/etc/?.yaml");
	json_decref(object);
	free(text);
	world_end(&world);
}

TEST(zone_status_tells_all)
{
	struct world world;
	world_begin(&world);
	expect(&world, "GET", "/v1/zones/Example.ORG", NULL, 200,
	       "{\"name\":\"example.org.\",\"role\":\"secondary\",\"state\":\"serving\",\"serial\":4294967295,"
	       "\"digest\":\"0123456789abcdef0123456789abcdef\",\"records\":10,"
	       "\"names\":0,\"memory_bytes\":0,\"published_ago_ms\":0,\"volatile\":false,\"alarm\":null,"
	       "\"healed\":null,\"healed_serial\":null,\"healed_ago_s\":null,\"healed_from\":null,\"reason\":"
	       "null,"
	       "\"store_problem\":null,\"cause\":"
	       "null,"
	       "\"standing\":\"not-loaded\",\"doing\":null,"
	       "\"file\":null,\"refresh_in_s\":-3,\"expire_in_s\":600,\"proof_ago_s\":0,"
	       "\"owed_serial\":null,\"owed_for_s\":null,\"came_at_s\":null,\"came_from\":null,\"load_ago_s\":null,"
	       "\"primaries\":[{\"address\":\"192.0.2.1@53\",\"peer\":\"ns1\",\"key\":\"xfr.example.\",\"asked\":true,"
	       "\"failed\":false,"
	       "\"result\":\"serial "
	       "5\",\"serial\":5,\"ago_ms\":12,\"tried\":null,\"cause\":null,\"whole_because\":null,\"whole_cause\":"
	       "null,"
	       "\"held_back_s\":0,\"reach\":null,\"pinned\":false}],"
	       "\"secondaries\":[{\"address\":\"2001:db8::1\",\"peer\":null,\"key\":null,\"notified\":true,"
	       "\"acknowledged\":true,"
	       "\"serial_notified\":5,\"notified_ago_ms\":0,\"attempts\":0,\"problem\":null,\"cause\":null,\"reach\":"
	       "null,\"serial\":"
	       "null,"
	       "\"serials_behind\":null,\"lag_ms\":null}]}");
	expect_error(&world, "GET", "/v1/zones/missing", NULL, 404, "not-found", "missing. is not configured");
	world_end(&world);
}

TEST(names_survive_their_way_through_a_url)
{
	static const char *const names[] = {
	        ".",
	        "example.org.",
	        "0/25.2.0.192.in-addr.arpa.",
	        "a\\.b.example.",
	        "\\@root.",
	        "x\\000\\255\\032y.",
	        "*.w.",
	        "a%41.",
	        "q?.",
	        "_sip._tcp.",
	};
	struct world world;
	world_begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		struct text path;
		text_init(&path, 5000);
		text_add_string(&path, "/v1/zones/");
		control_zone_segment(names[i], &path);
		free(ask(&world, "GET", text_string(&path), NULL, 200));
		assert_string_equal(world.fake.zone, names[i]);
		text_deinit(&path);
	}
	free(ask(&world, "GET", "/v1/zones/@root", NULL, 200));
	assert_string_equal(world.fake.zone, ".");
	expect_error(&world, "GET", "/v1/zones/a..b", NULL, 400, "bad-request", "empty label");
	expect_error(&world, "GET", "/v1/zones/a%4", NULL, 400, "bad-request", "hexadecimal");
	expect_error(&world, "GET", "/v1/zones/a%00b", NULL, 400, "bad-request", "hexadecimal");
	world_end(&world);
}

TEST(zones_come_in_pages)
{
	struct world world;
	world_begin(&world);
	char *text = ask(&world, "GET", "/v1/zones?limit=2", NULL, 200);
	assert_non_null(strstr(text, "\"next\":\"a.example.\""));
	assert_null(strstr(text, "b.example."));
	assert_null(strstr(text, "primaries"));
	assert_string_equal(world.fake.after, "NULL");
	free(text);
	text = ask(&world, "GET", "/v1/zones?limit=2&after=a.example.", NULL, 200);
	assert_non_null(strstr(text, "\"next\":null"));
	assert_non_null(strstr(text, "b.example."));
	free(text);
	free(ask(&world, "GET", "/v1/zones?after=@root", NULL, 200));
	assert_string_equal(world.fake.after, ".");
	assert_int_equal(world.fake.max, CONTROL_ZONES_PAGE_MAX);
	expect_error(&world, "GET", "/v1/zones?limit=0", NULL, 400, "bad-request", "limit");
	expect_error(&world, "GET", "/v1/zones?limit=1001", NULL, 400, "bad-request", "limit");
	expect_error(&world, "GET", "/v1/zones?limit=-1", NULL, 400, "bad-request", "limit");
	world_end(&world);
}

TEST(orders_reach_the_server)
{
	struct world world;
	world_begin(&world);
	for (size_t i = 0; i < CONTROL_ACTIONS; i++) {
		char path[100];
		enum control_action action = (enum control_action)i;
		snprintf(path, sizeof path, "/v1/zones/a/%s", control_action_name(action));
		if (action != CONTROL_EXPORT) {
			expect(&world, "POST", path, "{\"wait\": true, \"timeout_ms\": 1234}", 200,
			       "{\"done\":true,\"text\":\"serial 1 to 2\",\"serial\":2}");
			assert_int_equal(world.fake.order.action, action);
			assert_true(world.fake.order.wait);
			assert_int_equal(world.fake.order.timeout_ms, 1234);
		}
	}
	expect(&world, "POST", "/v1/zones/a/notify", NULL, 202,
	       "{\"done\":false,\"text\":\"serial 1 to 2\",\"serial\":2}");
	assert_false(world.fake.order.wait);
	assert_int_equal(world.fake.order.timeout_ms, CONTROL_WAIT_MS_DEFAULT);
	expect_error(&world, "POST", "/v1/zones/a/export", NULL, 409, "invalid", "zone a. has no file");
	expect_error(&world, "POST", "/v1/reload", NULL, 409, "invalid", "t.yaml:1:1: wrong\nt.yaml:2:1: also wrong");
	expect(&world, "POST", "/v1/backup", "{\"folder\": \"/x\"}", 200,
	       "{\"done\":true,\"folder\":\"/x\",\"zones\":3,\"images\":1,\"left_out\":1,\"problem\":\"zone a: "
	       "broken\"}");
	expect_error(&world, "POST", "/v1/backup", "{\"folder\": \"/taken\"}", 500, "exists", "/taken: is not empty");
	expect_error(&world, "POST", "/v1/backup", NULL, 400, "bad-request", "\"folder\"");
	expect_error(&world, "POST", "/v1/backup", "{\"folder\": \"x\"}", 400, "bad-request", "not an absolute path");
	expect(&world, "POST", "/v1/stop", NULL, 202, "{\"done\":false,\"text\":\"the server stops\",\"serial\":null}");
	/* It is asked to stop once that answer has left. */
	world_end(&world);
	assert_true(world.fake.wants_stop);
}

TEST(bad_requests_are_told_why)
{
	struct world world;
	char *large = memory_new(CONTROL_BODY_MAX + 10);
	memset(large, ' ', CONTROL_BODY_MAX + 1);
	world_begin(&world);
	expect_error(&world, "GET", "/v2/status", NULL, 404, "not-found", "/v1/status");
	expect_error(&world, "GET", "/v1/zones/", NULL, 404, "not-found", "/v1/status");
	expect_error(&world, "GET", "/v1/zones/a/b", NULL, 404, "not-found", "/v1/status");
	expect_error(&world, "GET", "/v1/zones/a/text/more", NULL, 404, "not-found", "/v1/status");
	expect_error(&world, "POST", "/v1/status", NULL, 405, "method-not-allowed", "takes GET, not POST");
	expect_error(&world, "DELETE", "/v1/zones/a", NULL, 405, "method-not-allowed", "takes GET, not DELETE");
	expect_error(&world, "POST", "/v1/reload", "{\"wait\":1}", 400, "bad-request", "not true or false");
	expect_error(&world, "GET", "/v1/zones/a/reload", NULL, 405, "method-not-allowed", "takes POST, not GET");
	expect_error(&world, "POST", "/v1/zones/a/reload", "{\"wait\":", 400, "bad-request", "not JSON: line 1");
	expect_error(&world, "POST", "/v1/zones/a/reload", "[]", 400, "bad-request", "not a JSON object");
	expect_error(&world, "POST", "/v1/zones/a/reload", "{\"wiat\":true}", 400, "bad-request",
	             "unknown member \"wiat\"");
	expect_error(&world, "POST", "/v1/zones/a/reload", "{\"wait\":1}", 400, "bad-request", "not true or false");
	expect_error(&world, "POST", "/v1/zones/a/reload", "{\"timeout_ms\":0}", 400, "bad-request", "from 1 to");
	expect_error(&world, "POST", "/v1/zones/a/reload", large, 413, "too-large", "65536");
	world_end(&world);
	free(large);
}

/* Sends octets as they are and reads until the server closes; gives what came. */
static const char *send_raw(const struct world *world, const char *octets)
{
	static char reply[65536];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	strcpy(address.sun_path, world->path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(send(fd, octets, strlen(octets), MSG_NOSIGNAL), strlen(octets));
	shutdown(fd, SHUT_WR);
	size_t len = 0;
	ssize_t more = 1;
	while (more > 0 && len + 1 < sizeof reply) {
		more = recv(fd, reply + len, sizeof reply - 1 - len, 0);
		len += more > 0 ? (size_t)more : 0;
	}
	close(fd);
	reply[len] = '\0';
	return reply;
}

TEST(garbage_does_not_hurt_the_server)
{
	struct world world;
	char *head = memory_new(100000);
	world_begin(&world);
	send_raw(&world, "");
	send_raw(&world, "\x16\x03\x01\r\n\r\n");
	send_raw(&world, "GET /v1/status HTTP/1.1\r\nHo");
	send_raw(&world, "POST /v1/zones/a/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{");
	send_raw(&world, "POST /v1/zones/a/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
	snprintf(head, 100000, "GET /v1/status HTTP/1.1\r\nHost: x\r\nX: %090000d\r\n\r\n", 1);
	assert_null(strstr(send_raw(&world, head), "HTTP/1.1 200"));
	snprintf(head, 100000, "GET /v1/zones/%05000d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
	assert_non_null(strstr(send_raw(&world, head), "HTTP/1.1 400"));
	assert_non_null(strstr(send_raw(&world, "POST /v1/zones/a/reload HTTP/1.1\r\nHost: x\r\n"
	                                        "Content-Length: 99999999999\r\n\r\n"),
	                       "HTTP/1.1 413"));
	free(ask(&world, "GET", "/v1/status", NULL, 200));
	world_end(&world);
	free(head);
}

TEST(zone_file_is_downloaded)
{
	struct world world;
	struct error error;
	struct control_reply reply;
	char *text = NULL;
	size_t len = 0;
	world_begin(&world);
	FILE *out = open_memstream(&text, &len);
	assert_true(control_download(world.path, "/v1/zones/a/text", out, &reply, &error));
	fclose(out);
	assert_int_equal(reply.status, 200);
	assert_string_equal(text, "a. SOA\n");
	assert_int_equal(reply.body_len, 0);
	control_reply_deinit(&reply);
	free(text);
	world_end(&world);
}

/* Until so many orders wait. */
static void wait_for_inside(struct world *world, size_t count)
{
	pthread_mutex_lock(&world->fake.lock);
	while (world->fake.inside != count) {
		pthread_cond_wait(&world->fake.changed, &world->fake.lock);
	}
	pthread_mutex_unlock(&world->fake.lock);
}

static void release(struct world *world)
{
	pthread_mutex_lock(&world->fake.lock);
	world->fake.released = true;
	pthread_cond_broadcast(&world->fake.changed);
	pthread_mutex_unlock(&world->fake.lock);
}

static void *ask_and_wait(void *context)
{
	free(ask(context, "POST", "/v1/zones/a/refresh", "{\"wait\":true}", 200));
	return NULL;
}

TEST(request_that_waits_holds_up_nobody)
{
	struct world world;
	pthread_t waiter;
	world_begin(&world);
	world.fake.waits = true;
	assert_int_equal(pthread_create(&waiter, NULL, ask_and_wait, &world), 0);
	wait_for_inside(&world, 1);

	free(ask(&world, "GET", "/v1/status", NULL, 200));

	release(&world);
	assert_int_equal(pthread_join(waiter, NULL), 0);
	world_end(&world);
}

/* A connection that has sent so much, less than a request or more, and is silent then. A connect that finds no room
 * fails, not hangs. */
static int connect_and_send(const struct world *world, const char *octets)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 60};
	memcpy(address.sun_path, world->path, strlen(world->path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(send(fd, octets, strlen(octets), MSG_NOSIGNAL), strlen(octets));
	return fd;
}

/* I4 */
TEST(half_requests_keep_nobody_out)
{
	static const char *const halves[] = {"", "GET /v1/sta",
	                                     "POST /v1/reload HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"};
	struct world world;
	int fds[3 * CONTROL_CONNECTIONS_MAX];
	world_begin(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		fds[i] = connect_and_send(&world, halves[i % ARRAY_LENGTH(halves)]);
	}
	free(ask(&world, "GET", "/v1/status", NULL, 200));
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		close(fds[i]);
	}
	world_end(&world);
}

/* I1 */
TEST(so_many_may_wait_that_others_are_still_answered)
{
	struct world world;
	pthread_t waiters[CONTROL_WAITS_MAX];
	world_begin(&world);
	world.fake.waits = true;
	for (size_t i = 0; i < ARRAY_LENGTH(waiters); i++) {
		assert_int_equal(pthread_create(&waiters[i], NULL, ask_and_wait, &world), 0);
	}
	wait_for_inside(&world, ARRAY_LENGTH(waiters));

	expect_error(&world, "POST", "/v1/zones/a/refresh", "{\"wait\":true}", 503, "limit", "without waiting");
	free(ask(&world, "GET", "/v1/status", NULL, 200));

	release(&world);
	for (size_t i = 0; i < ARRAY_LENGTH(waiters); i++) {
		assert_int_equal(pthread_join(waiters[i], NULL), 0);
	}
	free(ask(&world, "POST", "/v1/zones/a/refresh", "{\"wait\":true}", 200));
	world_end(&world);
}

static long status_of_order(const struct world *world)
{
	struct error error;
	struct control_reply reply;
	assert_true(
	        control_request(world->path, "POST", "/v1/zones/a/refresh", "{\"wait\":true}", 60000, &reply, &error));
	control_reply_deinit(&reply);
	return reply.status;
}

/* I1: an order of an hour whose client was interrupted keeps nobody else from giving one. */
TEST(orders_of_those_who_have_gone_give_up_their_places)
{
	static const char order[] = "POST /v1/zones/a/refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 34\r\n\r\n"
	                            "{\"wait\":true,\"timeout_ms\":3600000}";
	struct world world;
	int fds[CONTROL_WAITS_MAX];
	world_begin(&world);
	world.fake.waits = true;
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		fds[i] = connect_and_send(&world, order);
	}
	wait_for_inside(&world, ARRAY_LENGTH(fds));
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		close(fds[i]);
	}
	wait_for_inside(&world, 0);
	release(&world);
	while (status_of_order(&world) == 503) {
		/* the place of the last one is free as soon as its thread gets there */
	}
	world_end(&world);
}

/* Like `nc -N`: whoever has said all still listens. */
TEST(client_that_closes_only_its_own_direction_is_answered)
{
	static const char order[] = "POST /v1/zones/a/refresh HTTP/1.0\r\nContent-Length: 13\r\n\r\n{\"wait\":true}";
	char reply[4096] = "";
	struct world world;
	world_begin(&world);
	world.fake.waits = true;
	int fd = connect_and_send(&world, order);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	wait_for_inside(&world, 1);
	assert_false(control_is_gone(world.fake.order.asker));
	release(&world);
	assert_true(recv(fd, reply, sizeof reply - 1, MSG_WAITALL) > 0);
	assert_non_null(strstr(reply, "serial 1 to 2"));
	close(fd);
	world_end(&world);
}

TEST(socket_is_for_owner_and_group_alone)
{
	struct world world;
	struct stat info;
	mode_t umask_before = umask(0);
	world_begin(&world);
	umask(umask_before);
	assert_int_equal(stat(world.path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
	world_end(&world);
	assert_int_not_equal(stat(world.path, &info), 0);

	umask(077);
	world_begin(&world);
	umask(umask_before);
	assert_int_equal(stat(world.path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
	world_end(&world);
}

TEST(second_server_is_refused_and_the_first_one_lives)
{
	struct world world;
	struct error error;
	world_begin(&world);
	struct control_handlers handlers = handlers_of(&world.fake);
	assert_null(control_server_start(world.path, &handlers, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	assert_non_null(strstr(error.text, "another server answers there"));
	free(ask(&world, "GET", "/v1/status", NULL, 200));
	world_end(&world);
}

TEST(socket_of_a_dead_server_is_replaced)
{
	struct world world;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct error error;
	struct fake fake = {0};
	struct control_handlers handlers = handlers_of(&fake);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/dead.sock", unit_folder());
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	world.server = control_server_start(address.sun_path, &handlers, &error);
	assert_non_null(world.server);
	strcpy(world.path, address.sun_path);
	free(ask(&world, "GET", "/v1/status", NULL, 200));
	control_server_stop(world.server);
}

TEST(what_is_no_socket_is_never_removed)
{
	struct error error;
	struct fake fake = {0};
	struct control_handlers handlers = handlers_of(&fake);
	char path[200];
	snprintf(path, sizeof path, "%s/precious", unit_folder());
	assert_true(file_replace(path, "x", 1, &error));
	assert_null(control_server_start(path, &handlers, &error));
	assert_int_equal(error.code, ERROR_EXISTS);
	assert_int_equal(access(path, F_OK), 0);
}

TEST(paths_that_cannot_be_are_refused)
{
	struct error error;
	struct fake fake = {0};
	struct control_handlers handlers = handlers_of(&fake);
	char path[300];
	snprintf(path, sizeof path, "/%0200d", 1);
	assert_null(control_server_start(path, &handlers, &error));
	assert_int_equal(error.code, ERROR_LIMIT);
	snprintf(path, sizeof path, "%s/nowhere/s.sock", unit_folder());
	assert_null(control_server_start(path, &handlers, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
}

TEST(client_says_when_nobody_is_there)
{
	struct error error;
	struct control_reply reply;
	char path[200];
	snprintf(path, sizeof path, "%s/none.sock", unit_folder());
	assert_false(control_request(path, "GET", "/v1/status", NULL, 1000, &reply, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_non_null(strstr(error.text, "no such socket"));

	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof address.sun_path, "%s/gone.sock", unit_folder());
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	assert_false(control_request(address.sun_path, "GET", "/v1/status", NULL, 1000, &reply, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_non_null(strstr(error.text, "nobody answers"));
}
