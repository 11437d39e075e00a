/* SPDX-License-Identifier: MIT */
/* A request to the API: "METHOD PATH LIMIT AFTER" in the first line, each '-' where it is not there, then the body.
 * Whatever it is, one answer comes of it, JSON or a file, and what reaches the handlers is a zone's name. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/control_internal.h"
#include "dns/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_name(const char *zone)
{
	struct dns_name name;
	char text[DNS_NAME_TEXT_MAX];
	struct error error;
	ensure(dns_name_from_text(zone, &name, &error));
	ensure(strcmp(dns_name_to_text(name.wire, text), zone) == 0);
}

static bool server_status(void *self, struct arena *arena, struct control_server_status *out, struct error *error)
{
	(void)self;
	(void)arena;
	(void)error;
	*out = (struct control_server_status){.version = "1", .zone_count = 1};
	return true;
}

static bool zone_status(void *self, const char *zone, struct arena *arena, struct control_zone_status *out,
                        struct error *error)
{
	(void)self;
	(void)error;
	expect_name(zone);
	*out = (struct control_zone_status){.name = arena_copy_text(arena, zone)};
	return true;
}

static bool zone_list(void *self, const char *after, size_t max, struct arena *arena, struct control_zone_status **out,
                      size_t *count, struct error *error)
{
	(void)self;
	ensure(max >= 1 && max <= CONTROL_ZONES_PAGE_MAX);
	if (after == NULL) {
		*count = 0;
		return true;
	}
	*out = arena_take(arena, sizeof **out);
	*count = 1;
	return zone_status(self, after, arena, *out, error);
}

static bool zone_order(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                       struct error *error)
{
	(void)self;
	expect_name(order->zone);
	ensure(order->timeout_ms >= 1 && order->timeout_ms <= CONTROL_WAIT_MS_MAX);
	if (order->action == CONTROL_EXPORT) {
		return error_set(error, ERROR_INVALID, "%s has no file", order->zone);
	}
	*out = (struct control_done){.text = arena_copy_text(arena, order->zone)};
	return true;
}

static bool zone_write(void *self, const char *zone, int fd, struct error *error)
{
	(void)self;
	expect_name(zone);
	return zone[0] != 'x' ? fd >= 0 : error_set(error, ERROR_NOT_FOUND, "no zone %s", zone);
}

static bool reload(void *self, const struct control_order *order, struct arena *arena, struct control_done *out,
                   struct error *error)
{
	(void)self;
	(void)error;
	ensure(order->timeout_ms >= 1 && order->timeout_ms <= CONTROL_WAIT_MS_MAX);
	*out = (struct control_done){.text = arena_copy_text(arena, "nothing changed")};
	return true;
}

static void stop(void *self)
{
	(void)self;
}

static void expect_json(const char *text)
{
	json_error_t problem;
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
	ensure(json_is_object(object));
	json_decref(object);
}

static void check_response(struct response *response)
{
	ensure(response->status >= 200 && response->status < 600);
	ensure((response->text == NULL) == (response->fd >= 0));
	ensure((response->allow != NULL) == (response->status == 405));
	if (response->text != NULL) {
		expect_json(response->text);
		free(response->text);
	} else {
		close(response->fd);
	}
}

/* The next word of the first line; NULL: not there. */
static const char *next_word(char **line)
{
	const char *word = strsep(line, " ");
	return word == NULL || strcmp(word, "-") == 0 ? NULL : word;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct control_handlers handlers = {.server_status = server_status,
	                                                 .zone_status = zone_status,
	                                                 .zone_list = zone_list,
	                                                 .zone_order = zone_order,
	                                                 .zone_write = zone_write,
	                                                 .reload = reload,
	                                                 .stop = stop};
	char *input = memory_new(size + 1);
	for (size_t i = 0; i < size; i++) {
		input[i] = (char)data[i];
	}
	char *end = memchr(input, '\n', size);
	size_t line_len = end == NULL ? size : (size_t)(end - input);
	input[line_len] = '\0';
	char *line = input;
	atomic_uint waits = 0;
	struct request request = {.method = next_word(&line), .path = next_word(&line), .waits = &waits};
	request.limit = next_word(&line);
	request.after = next_word(&line);
	request.body = end == NULL ? "" : end + 1;
	request.body_len = end == NULL ? 0 : size - line_len - 1;
	if (request.method != NULL && request.path != NULL && request.body_len <= CONTROL_BODY_MAX) {
		struct response response;
		route_request(&handlers, &request, &response);
		check_response(&response);
		ensure(waits == 0);
	}
	free(input);
	return 0;
}
