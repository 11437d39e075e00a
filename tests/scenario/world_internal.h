/* SPDX-License-Identifier: MIT */
/* What world.c (servers, clock, rules) and wire.c (network, answers) share. */
#pragma once

#include "world.h"

#include "dns/encode.h"

/* Something that happens later. Embed it first; `run` frees what it is part of. */
struct event {
	int64_t at_ms;
	uint64_t number; /* of two at one time, the older goes first */
	void (*run)(struct event *self, struct world *world);
	void (*drop)(struct event *self); /* at the end of the world */
};

/* A question that a server has under way. */
struct flight {
	struct flight *next;
	uint64_t number;
	struct world_server *client;
	struct world_server *server;
	struct transfer_call *call;
	uint64_t received;
};

struct world {
	int64_t now_ms;
	uint64_t event_count;
	uint64_t flight_count;
	struct event **events; /* a heap */
	size_t events_len;
	size_t events_capacity;
	struct random_seeded random;
	struct dns_name apex;
	struct world_server *servers[WORLD_SERVERS_MAX];
	size_t server_count;
	struct world_link links[WORLD_SERVERS_MAX][WORLD_SERVERS_MAX];
	const struct zone_snapshot **published; /* by primaries, ever */
	size_t published_count;
	size_t published_capacity;
	uint32_t expire_s;        /* the longest that any version says */
	int64_t primary_spoke_ms; /* a primary answered somebody */
	struct flight *flights;
	struct dns_encoder encoder;
	bool clocks_lie; /* W3 cannot be held any more */
	char fault[512];
};

/* `in_ms` from now. */
void world_later(struct world *world, struct event *event, int64_t in_ms);
void world_say_fault(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* wire.c */
void wire_edge_init(struct world_server *server);

/* world.c: a NOTIFY came to a server. */
void world_notified(struct world_server *server, const struct address *from, const struct transfer_hint *hint);
size_t world_write_soa(uint8_t *bytes, size_t capacity, uint32_t serial, const struct world_timers *timers);
#define WORLD_OWNER_MAX sizeof "\5h0000\7example"
/* One A record of a version. Each version differs from each other in every record. */
void world_record(uint32_t serial, size_t index, uint8_t owner[WORLD_OWNER_MAX], uint8_t rdata[4]);
