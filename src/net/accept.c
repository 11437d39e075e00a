/* SPDX-License-Identifier: MIT */
/* New connections, and who must go when there are too many: of all, of one client, or of the memory that they hold.
 *
 * I1  worker->connections and each client's connections are in order of idleness, the idlest first.
 * I2  A client is in the census exactly while it has a connection. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/worker_internal.h"

/* Connections from one listening socket before the others get their turn. */
#define ACCEPTS_MAX 64
/* Of these so many are read from at once: each may have brought 64 KiB of questions. */
#define READS_MAX 8
/* How long no connection is accepted when the system has no descriptor left and there is nothing to close. */
#define ACCEPT_PAUSE_MS 100

/* --- The census of clients --- */

/* One IPv6 host has at least a /64 to choose its addresses from, so that counts as one client. */
static void client_key(const struct address *client, uint64_t key[2])
{
	memset(key, 0, 2 * sizeof *key);
	memcpy(key, client->bytes, client->family == ADDRESS_V4 ? 4 : 8);
	key[1] = client->family;
}

static struct net_client **find_client(struct net_worker *worker, const uint64_t key[2])
{
	uint64_t hash = hash_bytes(&worker->client_key, key, 2 * sizeof *key);
	struct net_client **at = &worker->clients[hash % NET_CLIENT_BUCKETS];
	while (*at != NULL && memcmp((*at)->key, key, sizeof(*at)->key) != 0) {
		at = &(*at)->next;
	}
	return at;
}

static void census_join(struct net_connection *connection)
{
	uint64_t key[2];
	client_key(&connection->client, key);
	struct net_client **at = find_client(connection->worker, key);
	if (*at == NULL) {
		*at = memory_new(sizeof **at);
		memcpy((*at)->key, key, sizeof key);
		net_link_init(&(*at)->connections);
	}
	connection->census = *at;
	connection->census->count++;
	net_link_to_end(&connection->census->connections, &connection->by_client);
	net_link_to_end(&connection->worker->connections, &connection->by_idleness);
}

void net_census_leave(struct net_connection *connection)
{
	struct net_client *client = connection->census;
	net_link_remove(&connection->by_client);
	net_link_remove(&connection->by_idleness);
	connection->census = NULL;
	client->count--;
	if (client->count == 0) {
		struct net_client **at = find_client(connection->worker, client->key);
		ensure(*at == client);
		*at = client->next;
		free(client);
	}
}

void net_connection_touch_idleness(struct net_connection *connection)
{
	net_link_to_end(&connection->census->connections, &connection->by_client);
	net_link_to_end(&connection->worker->connections, &connection->by_idleness);
}

static void evict(struct net_connection *connection)
{
	net_count_add(&connection->worker->counters.connections_evicted, 1);
	net_connection_end(connection, NET_END_LIMIT);
}

/* False: there is none. */
static bool evict_idlest(struct net_worker *worker)
{
	struct net_link *idlest = net_link_first(&worker->connections);
	if (idlest == NULL) {
		return false;
	}
	evict(net_link_owner(idlest, struct net_connection, by_idleness));
	return true;
}

static void make_room(struct net_worker *worker, const struct address *client)
{
	uint64_t key[2];
	client_key(client, key);
	const struct net_client *known = *find_client(worker, key);
	if (known != NULL && known->count >= worker->config.connections_per_address_max) {
		struct net_link *idlest = known->connections.after;
		evict(net_link_owner(idlest, struct net_connection, by_client));
	}
	if (worker->connection_count >= worker->config.connections_max) {
		evict_idlest(worker);
	}
}

void net_connection_account(struct net_connection *connection)
{
	struct net_worker *worker = connection->worker;
	if (connection->is_dead) {
		return;
	}
	size_t held = connection->in.capacity + connection->out.capacity;
	worker->held = worker->held - connection->held + held;
	connection->held = held;
	struct net_link *at = worker->connections.after;
	while (worker->held > worker->config.buffers_max && at != &worker->connections) {
		struct net_connection *idlest = net_link_owner(at, struct net_connection, by_idleness);
		at = at->after;
		if (idlest->held > 0) {
			evict(idlest);
		}
	}
	net_count_set(&worker->counters.buffered, worker->held);
}

/* --- Listening sockets --- */

static void pause_accepting(struct net_acceptor *acceptor)
{
	struct net_worker *worker = acceptor->worker;
	net_count_add(&worker->counters.connections_failed_accept, 1);
	net_reactor_rewatch(&worker->reactor, acceptor->fd, 0, &acceptor->watch);
	net_timers_set(&worker->reactor.timers, &acceptor->pause, worker->reactor.now.boot_ms + ACCEPT_PAUSE_MS);
}

static void pause_over(struct net_timer *timer, struct moment now)
{
	(void)now;
	struct net_acceptor *acceptor = net_link_owner(timer, struct net_acceptor, pause);
	net_reactor_rewatch(&acceptor->worker->reactor, acceptor->fd, EPOLLIN, &acceptor->watch);
}

enum accepted { ACCEPTED, ACCEPT_AGAIN, ACCEPT_NOTHING, ACCEPT_NO_RESOURCES };

static enum accepted accept_error(int reason)
{
	switch (reason) {
	case EAGAIN:
		return ACCEPT_NOTHING;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return ACCEPT_NO_RESOURCES;
	default:
		return ACCEPT_AGAIN; /* what is wrong is wrong with this one connection: accept(2), "Error handling" */
	}
}

static enum accepted accept_one(struct net_acceptor *acceptor, bool reads)
{
	struct net_worker *worker = acceptor->worker;
	union net_socket_address from = {0};
	socklen_t len = sizeof from;
	int fd = accept4(acceptor->fd, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		return accept_error(errno);
	}
	struct address client = address_from_socket(&from.any);
	make_room(worker, &client);
	struct net_connection *connection = net_connection_new(worker, fd, &client);
	if (connection == NULL) {
		return ACCEPT_NO_RESOURCES;
	}
	census_join(connection);
	if (reads) {
		net_connection_begin(connection);
	} else {
		net_connection_settle(connection);
	}
	return ACCEPTED;
}

static void accept_some(struct net_acceptor *acceptor)
{
	bool has_evicted = false;
	for (unsigned int i = 0; i < ACCEPTS_MAX; i++) {
		enum accepted outcome = accept_one(acceptor, i < READS_MAX);
		if (outcome == ACCEPT_NOTHING) {
			return;
		}
		if (outcome != ACCEPT_NO_RESOURCES) {
			continue;
		}
		/* One that goes may be enough; when it is not, it is not ours to give, and going on would end all. */
		if (has_evicted || !evict_idlest(acceptor->worker)) {
			pause_accepting(acceptor);
			return;
		}
		has_evicted = true;
	}
}

static void acceptor_ready(struct net_watch *watch, uint32_t events, struct moment now)
{
	(void)events;
	(void)now;
	struct net_acceptor *acceptor = net_link_owner(watch, struct net_acceptor, watch);
	if (!net_timer_is_set(&acceptor->pause)) {
		accept_some(acceptor);
	}
}

bool net_acceptor_add(struct net_worker *worker, int fd, const struct address *bound)
{
	struct net_acceptor *acceptor = memory_new(sizeof *acceptor);
	*acceptor = (struct net_acceptor){
	        .watch = {.ready = acceptor_ready},
	        .worker = worker,
	        .fd = fd,
	        .bound = *bound,
	        .pause = {.expired = pause_over},
	};
	if (!net_reactor_watch(&worker->reactor, fd, EPOLLIN, &acceptor->watch)) {
		int reason = errno;
		close(fd);
		free(acceptor);
		errno = reason;
		return false;
	}
	net_link_init(&acceptor->link);
	net_link_to_end(&worker->acceptors, &acceptor->link);
	return true;
}

void net_acceptor_close(struct net_acceptor *acceptor, bool accepts_first)
{
	if (accepts_first) {
		accept_some(acceptor);
	}
	net_timers_cancel(&acceptor->worker->reactor.timers, &acceptor->pause);
	close(acceptor->fd);
	net_link_remove(&acceptor->link);
	free(acceptor);
}
