/* SPDX-License-Identifier: MIT */
/* The life of a worker and what one of its turns consists of. */
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/worker_internal.h"

static void check_config(const struct net_config *config)
{
	ensure(config->udp_batch >= 1 && config->udp_batch <= NET_BATCH_MAX);
	ensure(config->udp_answer_max >= 512 && config->udp_answer_max <= 65507);
	ensure(config->connections_max >= 1 && config->connections_per_address_max >= 1);
	ensure(config->deferred_max >= 1 && config->sources_max >= 1);
}

static void init_rings(struct net_worker *worker)
{
	net_link_init(&worker->udp_sockets);
	net_link_init(&worker->acceptors);
	net_link_init(&worker->connections);
	net_link_init(&worker->touched);
	net_link_init(&worker->pulling);
	net_link_init(&worker->buried);
}

struct net_worker *net_worker_new(const struct net_config *config, const struct net_handler *handler,
                                  struct error *error)
{
	check_config(config);
	ensure(handler->datagrams != NULL && handler->message != NULL);
	struct net_hooks hooks = {
	        .self = handler->self,
	        .quiescent = handler->quiescent,
	        .offline = handler->offline,
	        .online = handler->online,
	        .clock = config->clock,
	        .clock_self = config->clock_self,
	};
	struct net_worker *worker = memory_new(sizeof *worker);
	if (!net_reactor_init(&worker->reactor, &hooks, error)) {
		free(worker);
		return NULL;
	}
	init_rings(worker);
	worker->config = *config;
	worker->config_at_birth = *config;
	worker->handler = *handler;
	worker->free_slot = NET_NO_SLOT;
	worker->batch = net_udp_batch_new(config);
	worker->received = memory_new(NET_RECEIVE_SIZE);
	worker->gathered = memory_new(NET_GATHER_SIZE);
	/* Nothing secret: without it only the length of a chain of clients could be foreseen. */
	if (getrandom(&worker->client_key, sizeof worker->client_key, 0) != sizeof worker->client_key) {
		worker->client_key.words[0] = (uint64_t)(uintptr_t)worker;
	}
	return worker;
}

static void bury(struct net_worker *worker)
{
	for (struct net_link *at = net_link_first(&worker->buried); at != NULL; at = net_link_first(&worker->buried)) {
		net_link_remove(at);
		net_connection_free(net_link_owner(at, struct net_connection, by_client));
	}
}

static void end_connections(struct net_worker *worker, enum net_end end)
{
	for (struct net_link *at = net_link_first(&worker->connections); at != NULL;
	     at = net_link_first(&worker->connections)) {
		net_connection_end(net_link_owner(at, struct net_connection, by_idleness), end);
	}
	bury(worker);
}

static void close_udp_sockets(struct net_worker *worker)
{
	for (struct net_link *at = net_link_first(&worker->udp_sockets); at != NULL;
	     at = net_link_first(&worker->udp_sockets)) {
		net_udp_socket_close(net_link_owner(at, struct net_udp_socket, link), false);
	}
}

static void close_acceptors(struct net_worker *worker)
{
	for (struct net_link *at = net_link_first(&worker->acceptors); at != NULL;
	     at = net_link_first(&worker->acceptors)) {
		net_acceptor_close(net_link_owner(at, struct net_acceptor, link), false);
	}
}

static void begin_stop(struct net_worker *worker)
{
	worker->stop_at_ms = worker->reactor.now.boot_ms + worker->config.stop_ms;
	for (struct net_link *at = worker->udp_sockets.after; at != &worker->udp_sockets; at = at->after) {
		net_udp_socket_hush(net_link_owner(at, struct net_udp_socket, link));
	}
	worker->is_stopping = true;
	close_acceptors(worker);
	for (struct net_link *at = worker->connections.after; at != &worker->connections; at = at->after) {
		net_connection_finish(net_link_owner(at, struct net_connection, by_idleness));
	}
}

/* Nothing is left to do, or the time for it is over. */
static bool stop_is_over(const struct net_worker *worker)
{
	bool is_idle = worker->connection_count == 0 && worker->deferred_datagrams == 0;
	return is_idle || worker->reactor.now.boot_ms >= worker->stop_at_ms;
}

static void close_all(struct net_worker *worker)
{
	worker->is_stopping = true;
	net_mailbox_close(&worker->reactor.mailbox, worker->reactor.now);
	close_acceptors(worker);
	end_connections(worker, NET_END_STOPPED);
	close_udp_sockets(worker);
	worker->has_stopped = true;
}

static void settle_touched(struct net_worker *worker)
{
	for (struct net_link *at = net_link_first(&worker->touched); at != NULL;
	     at = net_link_first(&worker->touched)) {
		struct net_connection *connection = net_link_owner(at, struct net_connection, by_work);
		net_link_remove(at);
		net_connection_settle(connection);
	}
}

static int time_to_wait(struct net_worker *worker, int wait_ms)
{
	if (net_link_first(&worker->pulling) != NULL) {
		return 0;
	}
	if (!worker->is_stopping) {
		return wait_ms;
	}
	int64_t left_ms = worker->stop_at_ms - worker->reactor.now.boot_ms;
	return wait_ms >= 0 && wait_ms < left_ms ? wait_ms : (int)left_ms;
}

/* Claimed, and not stopped. */
static void take_turn(struct net_worker *worker, int wait_ms)
{
	net_reactor_turn(&worker->reactor, time_to_wait(worker, wait_ms));
	settle_touched(worker);
	net_pull_some(worker);
	settle_touched(worker);
	bury(worker);
	net_reactor_quiescent(&worker->reactor);
	if (atomic_load_explicit(&worker->reactor.mailbox.stop_asked, memory_order_relaxed) && !worker->is_stopping) {
		begin_stop(worker);
		settle_touched(worker);
		bury(worker);
	}
	if (worker->is_stopping && stop_is_over(worker)) {
		close_all(worker);
	}
}

bool net_worker_turn(struct net_worker *worker, int wait_ms)
{
	net_mailbox_claim(&worker->reactor.mailbox);
	if (!worker->has_stopped) {
		take_turn(worker, wait_ms);
	}
	net_mailbox_release(&worker->reactor.mailbox);
	return !worker->has_stopped;
}

void net_worker_run(struct net_worker *worker)
{
	net_mailbox_claim(&worker->reactor.mailbox);
	while (!worker->has_stopped) {
		take_turn(worker, -1);
	}
	net_mailbox_release(&worker->reactor.mailbox);
}

void net_worker_free(struct net_worker *worker)
{
	if (worker == NULL) {
		return;
	}
	if (!worker->has_stopped) {
		close_all(worker);
	}
	net_reactor_deinit(&worker->reactor);
	net_udp_batch_free(worker->batch);
	free(worker->received);
	free(worker->gathered);
	free(worker->slots);
	free(worker);
}

void net_worker_stop(struct net_worker *worker)
{
	net_mailbox_stop(&worker->reactor.mailbox);
}

void net_worker_wake(struct net_worker *worker)
{
	net_mailbox_wake(&worker->reactor.mailbox);
}

bool net_worker_post(struct net_worker *worker, void (*run)(void *context, struct moment now), void *context)
{
	return net_mailbox_put(&worker->reactor.mailbox, worker->config_at_birth.posts_max, run, context);
}

void net_worker_set_config(struct net_worker *worker, const struct net_config *config)
{
	check_config(config);
	uint32_t old_idle_ms = worker->config.idle_ms;
	worker->config = *config;
	for (struct net_link *at = worker->connections.after; at != &worker->connections; at = at->after) {
		struct net_connection *connection = net_link_owner(at, struct net_connection, by_idleness);
		if (connection->idle_ms == old_idle_ms) {
			connection->idle_ms = config->idle_ms;
		}
		net_connection_touch(connection);
	}
}

const struct net_counters *net_worker_counters(const struct net_worker *worker)
{
	return &worker->counters;
}
