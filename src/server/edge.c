/* SPDX-License-Identifier: MIT */
/* The sockets of the replication machines. A machine's call is an exchange of the loop (UDP) or a request (TCP). */
#include "server/server_internal.h"

static bool exchange_answered(void *self, const uint8_t *bytes, size_t len, struct moment now)
{
	return transfer_call_message(self, bytes, len, now);
}

static void exchange_failed(void *self, enum net_end end, const char *why, struct moment now)
{
	(void)end;
	transfer_call_ended(self, why, now);
}

static bool open_exchange(struct edge *edge, struct transfer_call *call, const uint8_t *bytes, size_t len,
                          struct error *error)
{
	struct net_exchange_config config = {
	        .to = call->to,
	        .from = call->from,
	        .timeout_ms = call->timeout_ms,
	        .self = call,
	        .answered = exchange_answered,
	        .failed = exchange_failed,
	};
	call->handle = net_exchange_start(edge->loop, &config, bytes, len, error);
	return call->handle != NULL;
}

static bool edge_open(struct transfer_edge *self, struct transfer_call *call, const uint8_t *bytes, size_t len,
                      struct error *error)
{
	struct edge *edge = (struct edge *)self;
	switch (call->transport) {
	case TRANSFER_UDP:
		return open_exchange(edge, call, bytes, len, error);
	case TRANSFER_TCP:
		return request_open(&edge->requests, call, bytes, len, error);
	}
	return false;
}

static void edge_close(struct transfer_edge *self, struct transfer_call *call)
{
	(void)self;
	switch (call->transport) {
	case TRANSFER_UDP:
		net_exchange_cancel(call->handle);
		break;
	case TRANSFER_TCP:
		request_close(call);
		break;
	}
}

static uint64_t edge_received(struct transfer_edge *self, const struct transfer_call *call)
{
	(void)self;
	return call->transport == TRANSFER_TCP ? request_received(call) : 0;
}

static void edge_wake_at(struct transfer_edge *self, int64_t at_ms)
{
	struct edge *edge = (struct edge *)self;
	if (at_ms == INT64_MAX) {
		net_timer_cancel(edge->loop, &edge->timer);
	} else {
		net_timer_set(edge->loop, &edge->timer, at_ms);
	}
}

static void timer_expired(struct net_timer *timer, struct moment now)
{
	struct edge *edge = (struct edge *)((char *)timer - offsetof(struct edge, timer));
	transfer_scheduler_tick(edge->scheduler, now);
}

/* NOTIFYs under way at once: each waits for its answer some seconds at most. */
#define NOTIFIES_MAX 1024

struct transfer_limits edge_limits(const struct conf_server *conf)
{
	return (struct transfer_limits){
	        .transfers_max = conf->transfers_in,
	        .transfers_per_primary_max = conf->transfers_in_per_primary,
	        .queries_max = conf->refresh_queries,
	        .notifies_max = NOTIFIES_MAX,
	        .notify_rate = conf->notify_rate,
	        .startup_notify_rate = conf->startup_notify_rate,
	};
}

static void loop_quiescent(void *self)
{
	(void)self;
	quiescent_point();
}

static void loop_offline(void *self)
{
	(void)self;
	quiescent_offline();
}

static void loop_online(void *self)
{
	(void)self;
	quiescent_online();
}

bool edge_init(struct server *server, struct error *error)
{
	struct net_loop_config config = net_loop_config_default();
	struct edge *edge = &server->edge;
	config.quiescent = loop_quiescent;
	config.offline = loop_offline;
	config.online = loop_online;
	server->loop = net_loop_new(&config, error);
	if (server->loop == NULL) {
		return false;
	}
	struct transfer_limits limits = edge_limits(&server->conf->server);
	crypto_random_init(&server->random);
	edge->edge = (struct transfer_edge){
	        .open = edge_open, .close = edge_close, .received = edge_received, .wake_at = edge_wake_at};
	edge->loop = server->loop;
	requests_init(&edge->requests, server->loop);
	edge->timer.expired = timer_expired;
	edge->scheduler = transfer_scheduler_new(&edge->edge, &server->random.source, &limits);
	return true;
}

void edge_deinit(struct server *server)
{
	transfer_scheduler_free(server->edge.scheduler);
	if (server->loop != NULL) {
		requests_deinit(&server->edge.requests);
	}
	net_loop_free(server->loop);
	server->edge.scheduler = NULL;
	server->loop = NULL;
}
