/* SPDX-License-Identifier: MIT */
/* One request: what came in and what goes out. route.c decides, json.c writes, server.c speaks HTTP. */
#pragma once

#include <stdatomic.h>

#include <jansson.h>

#include "control/control.h"

/* What HTTP gave. Everything is borrowed. */
struct request {
	const char *method;
	const char *path;  /* still escaped, without what follows '?' */
	const char *after; /* arguments of the URL, still escaped; NULL: not there */
	const char *limit;
	const char *body; /* NUL-terminated */
	size_t body_len;
	atomic_uint *waits; /* requests of all connections that wait for work now (I1) */
	const struct control_asker *asker;
};

struct response {
	unsigned status;
	const char *allow; /* of status 405: the method that would do */
	char *text;        /* JSON, from malloc; NULL: `fd` is the body */
	int fd;            /* -1: none; else its whole file is the body, and it is closed by whoever sends it */
	bool then_stop;    /* when this has been sent, the server is to be asked to stop */
};

/* Does what is asked. Any thread. */
void route_request(const struct control_handlers *handlers, const struct request *request, struct response *response);

/* {"error": {"code": ..., "text": ...}} */
void response_error(struct response *response, unsigned status, const char *code, const char *text);
void response_json(struct response *response, unsigned status, json_t *take);

/* New references. */
json_t *json_of_server(const struct control_server_status *status);
/* `whole`: with the lists of primaries and secondaries. */
json_t *json_of_zone(const struct control_zone_status *status, bool whole);
/* The same, and the sentences of control_why. */
json_t *json_of_why(const struct control_zone_status *status);
json_t *json_of_done(const struct control_done *done, bool finished);
json_t *json_of_backup(const struct control_backup *backup, const char *folder);
/* A string; NULL becomes null; octets that are not UTF-8 become '?'. */
json_t *json_of_text(const char *text);

/* Replaces %XX in place. False: a '%' that is not that, or a NUL. */
bool percent_decode(char *text);
