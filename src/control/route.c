/* SPDX-License-Identifier: MIT */
/* From the path of a request to the handler that does it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "control/control_internal.h"
#include "dns/name.h"

#define ROOT_SEGMENT "@root"

/* --- Responses --------------------------------------------------------------------------------------------------- */

void response_json(struct response *response, unsigned status, json_t *take)
{
	response->status = status;
	response->text = json_dumps(take, JSON_COMPACT);
	ensure(response->text != NULL);
	json_decref(take);
}

void response_error(struct response *response, unsigned status, const char *code, const char *text)
{
	json_t *inner = json_object();
	json_t *outer = json_object();
	ensure(json_object_set_new(inner, "code", json_of_text(code)) == 0);
	ensure(json_object_set_new(inner, "text", json_of_text(text)) == 0);
	ensure(json_object_set_new(outer, "error", inner) == 0);
	response_json(response, status, outer);
}

static void bad_request(struct response *response, const char *text)
{
	response_error(response, 400, "bad-request", text);
}

/* What a handler says, in HTTP's words. */
static void handler_failed(struct response *response, const struct error *error)
{
	static const struct {
		const char *code;
		unsigned status;
	} answers[] = {
	        [ERROR_NONE] = {"internal", 500},   [ERROR_SYNTAX] = {"syntax", 500},
	        [ERROR_INVALID] = {"invalid", 409}, [ERROR_LIMIT] = {"limit", 503},
	        [ERROR_STALE] = {"stale", 500},     [ERROR_NOT_FOUND] = {"not-found", 404},
	        [ERROR_EXISTS] = {"exists", 500},   [ERROR_DENIED] = {"denied", 403},
	        [ERROR_IO] = {"io", 500},           [ERROR_TIMEOUT] = {"timeout", 504},
	        [ERROR_STOPPED] = {"stopped", 503},
	};
	ensure((size_t)error->code < ARRAY_LENGTH(answers));
	response_error(response, answers[error->code].status, answers[error->code].code, error->text);
}

/* True: the method is right. */
static bool is_method(const struct request *request, const char *method, struct response *response)
{
	if (strcmp(request->method, method) == 0) {
		return true;
	}
	struct text text;
	text_init(&text, 200);
	text_format(&text, "this address takes %s, not %s", method, request->method);
	response_error(response, 405, "method-not-allowed", text_string(&text));
	response->allow = method;
	text_deinit(&text);
	return false;
}

/* --- Names ------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool percent_decode(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; from++) {
		char c = *from;
		if (c == '%') {
			int high = hex_digit(from[1]);
			int low = high < 0 ? -1 : hex_digit(from[2]);
			if (low < 0 || (high == 0 && low == 0)) {
				return false;
			}
			c = (char)(high << 4 | low);
			from += 2;
		}
		*to++ = c;
	}
	*to = '\0';
	return true;
}

void control_zone_segment(const char *zone, struct text *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	if (strcmp(zone, ".") == 0) {
		text_add_string(out, ROOT_SEGMENT);
		return;
	}
	for (const char *at = zone; *at != '\0'; at++) {
		if (strchr(plain, *at) != NULL) {
			text_add_char(out, *at);
		} else {
			text_format(out, "%%%02X", (unsigned char)*at);
		}
	}
}

/* The zone's name from a segment: absolute, lower case. `out` has DNS_NAME_TEXT_MAX octets. False: told. */
static bool zone_name(const char *segment, char *out, struct response *response)
{
	struct error error;
	struct dns_name name, lower;
	if (strlen(segment) > 3 * DNS_NAME_TEXT_MAX) {
		bad_request(response, "the zone name is too long");
		return false;
	}
	char *decoded = memory_copy_text(segment);
	bool right = false;
	if (strcmp(segment, ROOT_SEGMENT) == 0) {
		right = dns_name_from_text(".", &name, &error);
	} else if (!percent_decode(decoded)) {
		error_set(&error, ERROR_SYNTAX, "the zone name has a %% without two hexadecimal digits");
	} else {
		right = dns_name_from_text(decoded, &name, &error);
	}
	if (right) {
		dns_name_lower(name.wire, &lower);
		dns_name_to_text(lower.wire, out);
	} else {
		bad_request(response, error.text);
	}
	free(decoded);
	return right;
}

/* --- Bodies ------------------------------------------------------------------------------------------------------ */

static bool read_order_member(const char *key, const json_t *value, struct control_order *order, struct error *error)
{
	if (strcmp(key, "wait") == 0) {
		if (!json_is_boolean(value)) {
			return error_set(error, ERROR_SYNTAX, "\"wait\" is not true or false");
		}
		order->wait = json_is_true(value);
		return true;
	}
	if (strcmp(key, "timeout_ms") == 0) {
		json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
		if (number < 1 || number > CONTROL_WAIT_MS_MAX) {
			return error_set(error, ERROR_SYNTAX, "\"timeout_ms\" is not a number from 1 to %d",
			                 CONTROL_WAIT_MS_MAX);
		}
		order->timeout_ms = (uint32_t)number;
		return true;
	}
	return error_set(error, ERROR_SYNTAX, "unknown member \"%.100s\"; there are \"wait\" and \"timeout_ms\"", key);
}

/* An empty body is an empty object. */
static bool read_order(const struct request *request, struct control_order *order, struct error *error)
{
	order->timeout_ms = CONTROL_WAIT_MS_DEFAULT;
	order->asker = request->asker;
	if (request->body_len == 0) {
		return true;
	}
	json_error_t problem;
	json_t *body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &problem);
	if (body == NULL) {
		return error_set(error, ERROR_SYNTAX, "the body is not JSON: line %d, column %d: %s", problem.line,
		                 problem.column, problem.text);
	}
	bool right = json_is_object(body);
	if (!right) {
		error_set(error, ERROR_SYNTAX, "the body is not a JSON object");
	}
	const char *key;
	json_t *value;
	json_object_foreach(body, key, value)
	{
		right = right && read_order_member(key, value, order, error);
	}
	json_decref(body);
	return right;
}

/* --- What there is ----------------------------------------------------------------------------------------------- */

static void get_version(const struct control_handlers *handlers, struct arena *arena, struct response *response)
{
	struct error error;
	struct control_server_status status = {0};
	if (!handlers->server_status(handlers->self, arena, &status, &error)) {
		handler_failed(response, &error);
		return;
	}
	json_t *object = json_object();
	ensure(json_object_set_new(object, "version", json_of_text(status.version)) == 0);
	ensure(json_object_set_new(object, "api", json_integer(1)) == 0);
	response_json(response, 200, object);
}

static void get_status(const struct control_handlers *handlers, struct arena *arena, struct response *response)
{
	struct error error;
	struct control_server_status status = {0};
	if (handlers->server_status(handlers->self, arena, &status, &error)) {
		response_json(response, 200, json_of_server(&status));
	} else {
		handler_failed(response, &error);
	}
}

static bool read_limit(const char *text, size_t *limit)
{
	if (text == NULL) {
		return true;
	}
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	*limit = number;
	return *text >= '0' && *text <= '9' && *end == '\0' && number >= 1 && number <= CONTROL_ZONES_PAGE_MAX;
}

static void get_zones(const struct control_handlers *handlers, const struct request *request, struct arena *arena,
                      struct response *response)
{
	struct error error;
	char after[DNS_NAME_TEXT_MAX];
	size_t limit = CONTROL_ZONES_PAGE_MAX;
	struct control_zone_status *zones = NULL;
	size_t count = 0;
	if (!read_limit(request->limit, &limit)) {
		bad_request(response, "\"limit\" is not a number from 1 to 1000");
		return;
	}
	if (request->after != NULL && !zone_name(request->after, after, response)) {
		return;
	}
	if (!handlers->zone_list(handlers->self, request->after == NULL ? NULL : after, limit, arena, &zones, &count,
	                         &error)) {
		handler_failed(response, &error);
		return;
	}
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		ensure(json_array_append_new(list, json_of_zone(&zones[i], false)) == 0);
	}
	json_t *object = json_object();
	ensure(json_object_set_new(object, "zones", list) == 0);
	/* A full page may be the last one; then the next is empty. */
	ensure(json_object_set_new(object, "next", json_of_text(count == limit ? zones[count - 1].name : NULL)) == 0);
	response_json(response, 200, object);
}

static void get_zone(const struct control_handlers *handlers, const char *zone,
                     json_t *(*describe)(const struct control_zone_status *status), struct arena *arena,
                     struct response *response)
{
	struct error error;
	struct control_zone_status status = {0};
	if (handlers->zone_status(handlers->self, zone, arena, &status, &error)) {
		response_json(response, 200, describe(&status));
	} else {
		handler_failed(response, &error);
	}
}

static json_t *json_of_whole_zone(const struct control_zone_status *status)
{
	return json_of_zone(status, true);
}

/* On disk, not in memory: a zone file may be larger than what memory is left. */
static int open_nameless(void)
{
	const char *folder = getenv("TMPDIR");
	int fd = open(folder == NULL ? "/tmp" : folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return fd >= 0 ? fd : memfd_create("zone", MFD_CLOEXEC);
}

/* The zone file goes through a nameless file, so that a slow client holds no version and no thread of the server. */
static void get_text(const struct control_handlers *handlers, const char *zone, struct response *response)
{
	struct error error;
	int fd = open_nameless();
	if (fd < 0) {
		response_error(response, 503, "limit", "no room for a copy of the zone");
		return;
	}
	if (!handlers->zone_write(handlers->self, zone, fd, &error)) {
		close(fd);
		handler_failed(response, &error);
		return;
	}
	response->status = 200;
	response->fd = fd;
}

/* I1: false, and told, when so many wait already that one more could keep others out. */
static bool may_wait(const struct request *request, struct response *response)
{
	if (atomic_fetch_add(request->waits, 1) < CONTROL_WAITS_MAX) {
		return true;
	}
	atomic_fetch_sub(request->waits, 1);
	response_error(response, 503, "limit",
	               "too many requests wait for their work already; ask without waiting, or try again later");
	return false;
}

static void done_waiting(const struct request *request)
{
	atomic_fetch_sub(request->waits, 1);
}

static void post_order(const struct control_handlers *handlers, const struct request *request, const char *zone,
                       enum control_action action, struct arena *arena, struct response *response)
{
	struct error error;
	struct control_done done = {0};
	struct control_order order = {.action = action, .zone = zone};
	if (!read_order(request, &order, &error)) {
		bad_request(response, error.text);
		return;
	}
	order.wait = order.wait || action == CONTROL_FORGET; /* what is removed is told when it is gone */
	if (order.wait && !may_wait(request, response)) {
		return;
	}
	if (handlers->zone_order(handlers->self, &order, arena, &done, &error)) {
		response_json(response, order.wait ? 200 : 202, json_of_done(&done, order.wait));
	} else {
		handler_failed(response, &error);
	}
	if (order.wait) {
		done_waiting(request);
	}
}

static void post_reload(const struct control_handlers *handlers, const struct request *request, struct arena *arena,
                        struct response *response)
{
	struct error error;
	struct control_done done = {0};
	struct control_order order = {.action = CONTROL_RELOAD};
	if (!read_order(request, &order, &error)) {
		bad_request(response, error.text);
		return;
	}
	/* It waits for a reload that is under way, whatever it says. */
	if (!may_wait(request, response)) {
		return;
	}
	if (handlers->reload(handlers->self, &order, arena, &done, &error)) {
		response_json(response, 200, json_of_done(&done, true));
	} else {
		handler_failed(response, &error);
	}
	done_waiting(request);
}

/* The one member that a backup needs; NULL: told. For free(). */
static char *read_folder(const struct request *request, struct response *response)
{
	json_t *body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	const char *folder = json_string_value(json_object_get(body, "folder"));
	char *copy = NULL;
	if (folder == NULL || json_object_size(body) != 1) {
		bad_request(response, "the body is not a JSON object with \"folder\", a text, and nothing else");
	} else if (*folder != '/') {
		bad_request(response, "\"folder\" is not an absolute path");
	} else {
		copy = memory_copy_text(folder);
	}
	json_decref(body);
	return copy;
}

static void post_backup(const struct control_handlers *handlers, const struct request *request, struct arena *arena,
                        struct response *response)
{
	struct error error;
	struct control_backup backup = {0};
	char *folder = read_folder(request, response);
	if (folder == NULL || !may_wait(request, response)) {
		free(folder);
		return;
	}
	if (handlers->backup(handlers->self, folder, arena, &backup, &error)) {
		response_json(response, 200, json_of_backup(&backup, folder));
	} else {
		handler_failed(response, &error);
	}
	done_waiting(request);
	free(folder);
}

static void post_stop(struct response *response)
{
	struct control_done done = {.text = "the server stops"};
	response->then_stop = true;
	response_json(response, 202, json_of_done(&done, false));
}

/* --- Routing ----------------------------------------------------------------------------------------------------- */

static void no_such_path(struct response *response)
{
	response_error(
	        response, 404, "not-found",
	        "no such address; there are /v1/version, /v1/status, /v1/zones, /v1/zones/NAME, "
	        "/v1/zones/NAME/text, /v1/zones/NAME/why, /v1/zones/NAME/ACTION, /v1/reload, /v1/backup and /v1/stop");
}

/* What follows "/v1/zones/": NAME, NAME/text, NAME/why or NAME/ACTION. */
static void route_zone(const struct control_handlers *handlers, const struct request *request, const char *rest,
                       struct arena *arena, struct response *response)
{
	char name[DNS_NAME_TEXT_MAX];
	enum control_action action;
	size_t segment_len = strcspn(rest, "/");
	const char *word = rest[segment_len] == '/' ? rest + segment_len + 1 : NULL;
	char *segment = arena_copy(arena, rest, segment_len + 1);
	segment[segment_len] = '\0';
	bool is_text = word != NULL && strcmp(word, "text") == 0;
	bool is_why = word != NULL && strcmp(word, "why") == 0;
	bool is_action = word != NULL && control_action_from_name(word, &action);
	if (segment_len == 0 || (word != NULL && !is_text && !is_why && !is_action)) {
		no_such_path(response);
	} else if (!is_method(request, is_action ? "POST" : "GET", response) || !zone_name(segment, name, response)) {
		return;
	} else if (is_text) {
		get_text(handlers, name, response);
	} else if (is_action) {
		post_order(handlers, request, name, action, arena, response);
	} else {
		get_zone(handlers, name, is_why ? json_of_why : json_of_whole_zone, arena, response);
	}
}

static bool is_path(const struct request *request, const char *path)
{
	return strcmp(request->path, path) == 0;
}

void route_request(const struct control_handlers *handlers, const struct request *request, struct response *response)
{
	static const char zones[] = "/v1/zones/";
	struct arena arena;
	arena_init(&arena, 16384);
	*response = (struct response){.fd = -1};
	bool is_post = is_path(request, "/v1/reload") || is_path(request, "/v1/backup") || is_path(request, "/v1/stop");
	bool is_get =
	        is_path(request, "/v1/version") || is_path(request, "/v1/status") || is_path(request, "/v1/zones");
	if (strncmp(request->path, zones, strlen(zones)) == 0) {
		route_zone(handlers, request, request->path + strlen(zones), &arena, response);
	} else if (!is_post && !is_get) {
		no_such_path(response);
	} else if (!is_method(request, is_post ? "POST" : "GET", response)) {
		/* told */
	} else if (is_path(request, "/v1/reload")) {
		post_reload(handlers, request, &arena, response);
	} else if (is_path(request, "/v1/backup")) {
		post_backup(handlers, request, &arena, response);
	} else if (is_path(request, "/v1/stop")) {
		post_stop(response);
	} else if (is_path(request, "/v1/version")) {
		get_version(handlers, &arena, response);
	} else if (is_path(request, "/v1/status")) {
		get_status(handlers, &arena, response);
	} else {
		get_zones(handlers, request, &arena, response);
	}
	arena_deinit(&arena);
}
