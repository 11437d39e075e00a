/* SPDX-License-Identifier: MIT */
/* What the files of a worker share: worker.c (life and turns), udp.c (batches), accept.c (listeners and who goes when there
 * are too many), connection.c (one connection: messages in, answers out, time limits), pull.c (sources), listen.c
 * (sockets of an address for all workers). */
#pragma once

#include "base/hash.h"
#include "net/frames_internal.h"
#include "net/links_internal.h"
#include "net/net.h"
#include "net/output_internal.h"
#include "net/reactor_internal.h"
#include "net/sockets_internal.h"

#define NET_LENGTH_SIZE 2
#define NET_FRAME_SIZE  (NET_LENGTH_SIZE + NET_MESSAGE_MAX)
/* Answers are gathered before one send, as long as there is room for one more of the largest. */
#define NET_GATHER_SIZE (2 * NET_FRAME_SIZE)
/* Octets that one recv takes in. */
#define NET_RECEIVE_SIZE 65536

struct net_udp_batch;

/* A UDP socket of the worker. */
struct net_udp_socket {
	struct net_watch watch;
	struct net_worker *worker;
	struct net_link link;
	int fd;
	bool is_wildcard;
	uint64_t id;
	struct address bound;
};

/* A TCP socket that takes connections. */
struct net_acceptor {
	struct net_watch watch;
	struct net_worker *worker;
	struct net_link link;
	int fd;
	struct address bound;
	struct net_timer pause; /* set: accept failed for want of descriptors; it is tried again then */
};

/* All connections of one client address. */
struct net_client {
	struct net_client *next; /* in its bucket */
	uint64_t key[2];
	uint32_t count;
	struct net_link connections; /* the idlest first */
};

struct net_connection {
	struct net_watch watch;
	struct net_worker *worker;
	struct net_client *census;
	struct net_link by_idleness; /* in worker->connections */
	struct net_link by_client;   /* in census->connections, or in worker->buried once dead */
	struct net_link by_work;     /* in worker->touched, worker->pulling, or none */
	struct net_timer limit;
	struct address client;
	int fd;
	uint32_t slot;
	uint32_t events; /* that epoll watches for */

	struct net_frames in;
	struct net_output out;
	size_t held;                /* memory of both, as counted in the worker */
	struct net_source *sources; /* the first is being pulled */
	struct net_source **sources_end;
	uint32_t source_count;
	uint32_t deferred_count;

	int64_t opened_ms;
	int64_t active_ms;    /* last whole message, or last octet of an answer */
	int64_t moved_ms;     /* when the client last took something while there was something to take */
	uint64_t taken;       /* octets that it had taken then, of */
	uint64_t queued;      /* all octets that were ever to be sent */
	int64_t source_ms;    /* when the first source was first pulled */
	int64_t finishing_ms; /* since when it takes no more messages */
	uint32_t idle_ms;
	bool had_message;
	bool is_pulling;          /* in worker->pulling rather than worker->touched */
	bool has_deferred_answer; /* in `out`, and the socket was not asked yet whether it takes it */
	bool at_end;              /* the client sends no more */
	bool is_finishing;        /* takes no more messages; what was asked is answered */
	bool is_closing;          /* only what waits to be sent is sent */
	bool is_dead;
	enum net_end end; /* why it is closing */
};

struct net_slot {
	struct net_connection *connection; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

#define NET_CLIENT_BUCKETS 4096 /* as many as connections by default, so that a bucket holds one client or none */

struct net_worker {
	struct net_reactor reactor;
	struct net_config config;
	struct net_config config_at_birth; /* never changed: what other threads read, and what is fixed for life */
	struct net_handler handler;
	struct net_counters counters;

	struct net_link udp_sockets;
	int64_t datagrams_at_ms;  /* when they were looked at between two connections */
	size_t sent_meanwhile;    /* octets that connections were sent since then */
	int64_t datagram_came_ms; /* when there was one last */
	struct net_link acceptors;
	uint64_t next_socket_id;
	uint32_t deferred_datagrams;
	struct net_udp_batch *batch;

	struct net_link connections; /* the idlest first */
	struct net_link touched;     /* to be settled in this turn */
	struct net_link pulling;     /* have a source, and a socket that takes more */
	struct net_link buried;      /* dead, freed at the end of the turn */
	struct net_client *clients[NET_CLIENT_BUCKETS];
	struct hash_key client_key;
	uint32_t connection_count;
	size_t held;
	struct net_slot *slots;
	size_t slot_count;
	size_t slot_capacity;
	uint32_t free_slot; /* NET_NO_SLOT: none */

	uint8_t *received; /* NET_RECEIVE_SIZE octets, for the connection that is read now */
	uint8_t *gathered; /* NET_GATHER_SIZE octets, for the connection that is served or pulled now */
	size_t gathered_len;

	bool is_stopping;
	bool has_stopped;
	int64_t stop_at_ms;
};

#define NET_NO_SLOT UINT32_MAX

static inline void net_count_add(_Atomic uint64_t *counter, uint64_t number)
{
	/* One writer: no need for a locked instruction. */
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, value + number, memory_order_relaxed);
}

static inline void net_count_set(_Atomic uint64_t *counter, uint64_t number)
{
	atomic_store_explicit(counter, number, memory_order_relaxed);
}

/* udp.c */
struct net_udp_batch *net_udp_batch_new(const struct net_config *config);
void net_udp_batch_free(struct net_udp_batch *batch);
/* Takes `fd` over. False with errno: it is closed. */
MUST_USE bool net_udp_socket_add(struct net_worker *worker, int fd, const struct address *bound);
/* `answers_first`: what the kernel has queued; only on the worker's thread. */
void net_udp_socket_close(struct net_udp_socket *udp_socket, bool answers_first);
/* Between two connections of a turn: one batch of each socket, if the connections have had their share since the last
 * one: octets that were sent, or a millisecond. */
void net_udp_serve_meanwhile(struct net_worker *worker);
/* Octets that a connection may be sent before datagrams are looked at. */
size_t net_burst_size(const struct net_worker *worker);
/* Answers what the kernel has queued, then asks for no more; deferred answers can still leave. */
void net_udp_socket_hush(struct net_udp_socket *udp_socket);
void net_udp_answer(struct net_worker *worker, const struct net_return *way, const uint8_t *answer, size_t len);

/* accept.c */
/* Takes `fd` over. False with errno: it is closed. */
MUST_USE bool net_acceptor_add(struct net_worker *worker, int fd, const struct address *bound);
/* `accepts_first`: what the kernel has queued; only on the worker's thread. */
void net_acceptor_close(struct net_acceptor *acceptor, bool accepts_first);
/* The connection moved: it is now the least idle of its worker and of its client. */
void net_connection_touch_idleness(struct net_connection *connection);
/* Takes it out of the census. */
void net_census_leave(struct net_connection *connection);
/* Counts the memory of a connection; when all hold too much, the idlest that hold some go, perhaps this one. */
void net_connection_account(struct net_connection *connection);

/* connection.c */
/* Takes `fd` over. The caller has made room. NULL with errno: it is closed. */
struct net_connection *net_connection_new(struct net_worker *worker, int fd, const struct address *client);
/* Its first turn, when it is in the census. Whoever connects in order to ask has mostly asked by then: the question need not
 * wait for another turn of the loop. */
void net_connection_begin(struct net_connection *connection);
/* Ends it now; the memory stays until the end of the turn. */
void net_connection_end(struct net_connection *connection, enum net_end end);
/* Has it settled before the turn ends. */
void net_connection_touch(struct net_connection *connection);
/* Brings events, limits and work of a connection in line with its state, or ends it. */
void net_connection_settle(struct net_connection *connection);
/* Takes no more messages. */
void net_connection_finish(struct net_connection *connection);
/* Sends what was gathered for it, keeps what the socket does not take. */
void net_connection_flush(struct net_connection *connection);
void net_connection_free(struct net_connection *connection);

/* pull.c */
/* Gives some of the connections that can take more their turn. */
void net_pull_some(struct net_worker *worker);
/* Closes all sources of a connection. */
void net_sources_close(struct net_connection *connection, enum net_end end);
