/* SPDX-License-Identifier: MIT */
/* The network edge: datagrams and framed messages between sockets and whoever understands them.
 *
 * Knows addresses, sockets, the two-octet length in front of a message on TCP (RFC 1035 4.2.2, RFC 7766), and time
 * limits. Does not know what a message says: it looks at no octet of one, and only refuses those that are shorter than
 * the 12 octets of a header.
 *
 * Two halves:
 *   struct net_worker   the server side. One per core; each runs its own epoll loop on its own thread, with its own
 *                       sockets of every listen address (SO_REUSEPORT), and calls a struct net_handler.
 *   struct net_loop     the client side. One thread that has thousands of timers, exchanges (one datagram out, its
 *                       answer in) and streams (TCP connections to somebody's server) under way and never blocks.
 *
 * I1  Nothing here blocks but the one epoll_wait of a loop, and nothing is allocated per datagram.
 * I2  A callback may close, cancel or free the very thing that it was called for; what it was given stays readable
 *     until it returns.
 * I3  Whatever a peer can fill has a limit in net_config or net_loop_config.
 * I4  All functions belong to the thread of their worker or loop, but those that say "any thread".
 * I5  Time limits count on CLOCK_BOOTTIME. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdint.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/ensure.h"
#include "base/error.h"

#define NET_BATCH_MAX       64    /* datagrams per recvmmsg and sendmmsg */
#define NET_DATAGRAM_IN_MAX 2048  /* octets of a datagram that is taken; longer ones are dropped and counted */
#define NET_MESSAGE_MAX     65535 /* octets of a message on TCP, without its length */
#define NET_MESSAGE_MIN     12    /* a shorter one closes its connection */
#define NET_PROGRESS_MIN    4096  /* octets that a client must take for a waiting answer to count as moving */

/* Why an exchange, a stream, a connection or a source came to its end. */
enum net_end {
	NET_END_DONE,      /* it was finished */
	NET_END_CLOSED,    /* the peer closed, between two messages */
	NET_END_CUT,       /* the peer closed inside a message, or reset the connection */
	NET_END_REFUSED,   /* nobody listens there, or the network says that it cannot be reached */
	NET_END_TIMEOUT,   /* no answer, or no connection, within the time given */
	NET_END_STALLED,   /* nothing moved for the time given */
	NET_END_TOO_LONG,  /* it went on, but took longer in all than the time given */
	NET_END_BAD_FRAME, /* a message shorter than NET_MESSAGE_MIN */
	NET_END_LIMIT,     /* it had to make room: a limit of our own was reached */
	NET_END_STOPPED,   /* our side closed it: asked by the handler, or because the server stops */
	NET_END_SYSTEM,    /* the system refused something */
};

/* "done", "closed by the peer", ... for logs. */
const char *net_end_text(enum net_end end);

/* ------------------------------------------------------------------------------------------------------------------
 * Server side
 * --------------------------------------------------------------------------------------------------------------- */

struct net_worker;
struct net_connection;
struct net_path;

/* One datagram that came in and the room for its answer. Everything is borrowed for the call. */
struct net_datagram {
	const uint8_t *query;
	uint8_t *answer;          /* room for the answer; does not overlap `query` */
	uint32_t query_len;       /* 0..NET_DATAGRAM_IN_MAX */
	uint32_t answer_capacity; /* net_config.udp_answer_max */
	uint32_t answer_len;      /* the handler sets it; 0 (as it comes): no answer is sent */
	const struct net_path *path;
};

/* Who asked. */
struct address net_datagram_client(const struct net_datagram *datagram);
/* The address and port that were asked; the answer leaves from there. */
struct address net_datagram_local(const struct net_datagram *datagram);

/* One message that came in over TCP and the room for its answer. Everything is borrowed for the call. */
struct net_message {
	const uint8_t *query;
	uint8_t *answer;          /* room for NET_MESSAGE_MAX octets; does not overlap `query` */
	uint32_t query_len;       /* NET_MESSAGE_MIN..NET_MESSAGE_MAX */
	uint32_t answer_capacity; /* NET_MESSAGE_MAX */
	uint32_t answer_len;      /* the handler sets it; 0 (as it comes): no answer is sent now */
	struct net_connection *connection;
};

/* What the server does with what came in. `self` is handed to every call. All calls come from the worker's thread.
 * Members that may be NULL say so. */
struct net_handler {
	void *self;
	/* A batch of datagrams from one socket; count is 1..NET_BATCH_MAX. */
	void (*datagrams)(void *self, struct net_datagram *batch, size_t count, struct moment now);
	/* One message of a connection. It may also defer the answer, queue a source, change the idle limit, or close. */
	void (*message)(void *self, struct net_message *message, struct moment now);
	/* A connection has ended, for logs and counts; it is still readable. May be NULL. */
	void (*ended)(void *self, const struct net_connection *connection, enum net_end end);
	/* For QSBR: no reference into shared data is held at this point; called after each batch. May be NULL. */
	void (*quiescent)(void *self);
	/* For QSBR: the thread is about to sleep, and has woken up. May be NULL. */
	void (*offline)(void *self);
	void (*online)(void *self);
};

/* Every limit of one worker. Start from net_config_default() and change what is wanted. With W workers, whoever reads
 * a limit for the whole server divides it: a client then never has more than that in all, and never fewer than 1/W of
 * it, since the kernel spreads connections by their ports. */
struct net_config {
	uint32_t udp_batch;       /* 1..NET_BATCH_MAX; default 64 */
	uint32_t udp_answer_max;  /* room per answer in octets, 512..65507; default 1232, which no path fragments */
	uint32_t udp_buffer;      /* SO_RCVBUF and SO_SNDBUF of UDP sockets; default 1 MiB; 0: the kernel's default */
	uint32_t tcp_backlog;     /* connections that wait to be accepted; default 1024 */
	uint32_t tcp_send_buffer; /* SO_SNDBUF of connections; default 0: the kernel tunes it */

	/* How many. At a limit the idlest goes: of all, or of the client (an IPv4 address, an IPv6 /64). */
	uint32_t connections_max;             /* default 4096 */
	uint32_t connections_per_address_max; /* default 1024 */

	/* How long, in ms. A message counts when it is whole, an answer when its last octet was sent. */
	uint32_t initial_ms;      /* from accept to the first message; default 3000 */
	uint32_t idle_ms;         /* from a message or an answer to the next message; default 10000 */
	uint32_t total_ms;        /* age at which a connection takes no more messages; default 3600000 */
	uint32_t send_ms;         /* for the client to take NET_PROGRESS_MIN octets of what waits; default 5000 */
	uint32_t source_idle_ms;  /* the same while a source is pulled; default 60000 */
	uint32_t source_total_ms; /* for one source from first to last message; default 7200000 */
	uint32_t stop_ms;         /* for outstanding answers to leave when the worker stops; default 2000 */

	/* How much may wait. At a limit the connection is not read until there is less. */
	uint32_t output_pending_max; /* unsent octets; default 65536 */
	uint32_t deferred_max;       /* deferred answers; default 64 */
	uint32_t sources_max;        /* queued sources; default 16 */

	/* Octets that all connections of the worker hold between two events; beyond it the idlest of those that hold some
	 * goes. A slow transfer holds 128 KiB at most; default 256 MiB, which is 2048 of them. */
	uint64_t buffers_max;
	uint32_t posts_max; /* closures that wait in net_worker_post(); default 65536 */

	/* Tests put their own clock here; NULL: clock_now(). */
	struct moment (*clock)(void *clock_self);
	void *clock_self;
};

struct net_config net_config_default(void);

/* Counted since the worker was made. One writer, the worker; readable by any thread with net_count_read(). */
struct net_counters {
	_Atomic uint64_t datagrams_in;
	_Atomic uint64_t datagrams_out;
	_Atomic uint64_t datagrams_too_long; /* longer than NET_DATAGRAM_IN_MAX: dropped */
	_Atomic uint64_t datagrams_unsent;   /* the system refused the answer: buffer full, no route, filter */
	_Atomic uint64_t batches;            /* recvmmsg calls that brought something */
	_Atomic uint64_t connections;        /* open now */
	_Atomic uint64_t connections_accepted;
	_Atomic uint64_t connections_idle_closed;   /* by the initial, idle or total limit */
	_Atomic uint64_t connections_stalled;       /* the client did not take its answers */
	_Atomic uint64_t connections_evicted;       /* idlest when a limit was reached */
	_Atomic uint64_t connections_bad;           /* message under NET_MESSAGE_MIN */
	_Atomic uint64_t connections_failed_accept; /* out of descriptors or memory with nothing to close */
	_Atomic uint64_t messages_in;
	_Atomic uint64_t messages_out;
	_Atomic uint64_t sources_done;
	_Atomic uint64_t sources_cut;
	_Atomic uint64_t buffered; /* octets held for connections now */
};

static inline uint64_t net_count_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit((_Atomic uint64_t *)counter, memory_order_relaxed);
}

/* A worker without listen addresses. `config` and `handler` are copied; handler->self is borrowed until
 * net_worker_free().
 * ERROR_IO  the system gives no epoll or eventfd descriptor */
MUST_USE struct net_worker *net_worker_new(const struct net_config *config, const struct net_handler *handler,
                                           struct error *error);
/* After its thread has ended, or has never run. Closes what is open; posted closures that did not run yet are run.
 * NULL is fine. */
void net_worker_free(struct net_worker *worker);

/* Serves on the caller's thread until net_worker_stop(). Then: takes nothing new, lets outstanding answers and sources
 * go for at most stop_ms, closes all, returns. */
void net_worker_run(struct net_worker *worker);
/* One turn: waits at most `wait_ms` (-1: as long as it sees fit) for something to do and does it. False: the worker has
 * stopped. For tests and for whoever brings a loop of their own. */
bool net_worker_turn(struct net_worker *worker, int wait_ms);
/* Any thread, also a signal handler. */
void net_worker_stop(struct net_worker *worker);

/* Runs `run(context, now)` soon on the worker's thread, in the order of posting. False: posts_max wait already, or the
 * worker has stopped; the closure will not run. Any thread. */
MUST_USE bool net_worker_post(struct net_worker *worker, void (*run)(void *context, struct moment now), void *context);
/* Makes a sleeping worker take a turn. Any thread, also a signal handler. */
void net_worker_wake(struct net_worker *worker);
/* New limits, for old connections too; one whose idle limit the handler has set keeps that. The udp_ and tcp_ members,
 * posts_max and the clock stay as they were at net_worker_new(). From another thread: post it. */
void net_worker_set_config(struct net_worker *worker, const struct net_config *config);

/* Any thread. */
const struct net_counters *net_worker_counters(const struct net_worker *worker);

/* Binds `address` for UDP and TCP, one socket of each kind for each of the workers, and hands them over. All or nothing.
 * A port of 0: the kernel chooses one, the same for all. A wildcard address answers from the address that was asked;
 * `::` takes IPv6 alone. `bound` (may be NULL) gets the address with its port.
 * Works before the workers run and while they do. From one thread at a time, never a worker's.
 * ERROR_IO, ERROR_DENIED  it cannot be bound: the text is "listen ADDR@PORT (UDP): reason"; also when another process, or
 *                         an earlier call, has the address already */
MUST_USE bool net_workers_listen(struct net_worker *const *workers, size_t count, const struct address *address,
                                 struct address *bound, struct error *error);
/* Closes the sockets of an address as it was bound; a worker that runs first takes what the kernel has queued there. When
 * it returns the address is free. Connections that came in there stay. False: no such address. Threads: as above. */
bool net_workers_unlisten(struct net_worker *const *workers, size_t count, const struct address *address);

/* --- Connections --- */

struct address net_connection_client(const struct net_connection *connection);
struct address net_connection_local(const struct net_connection *connection);
/* The idle limit of this connection from now on (RFC 7828), in ms. */
void net_connection_set_idle(struct net_connection *connection, uint32_t idle_ms);
/* Takes no further message, sends what was answered, ends the sources that are queued (NET_END_STOPPED), and closes. */
void net_connection_close(struct net_connection *connection);

/* --- Answers that come later --- */

/* Where a deferred answer goes: a value that may be kept and carried to other threads. */
struct net_return {
	uint64_t id;
	bool is_stream;
	struct address client;
	struct address local;
};

/* The way back to a datagram's sender. Leave answer_len at 0. */
struct net_return net_datagram_defer(const struct net_datagram *datagram);
/* The way back into a connection. Each call is to be followed by one net_worker_answer(): the connection is not idle
 * until then. */
struct net_return net_connection_defer(struct net_connection *connection);
/* Sends a deferred answer; answers may come in any order (RFC 7766 7). `len` 0: there will be none. For a connection up
 * to NET_MESSAGE_MAX octets, else up to 65507. Whoever is gone by now gets nothing. On the worker that gave
 * `way`; from elsewhere: post it. */
void net_worker_answer(struct net_worker *worker, const struct net_return *way, const uint8_t *answer, size_t len);
/* NULL: it has closed, or it was a datagram. */
struct net_connection *net_worker_find_connection(struct net_worker *worker, const struct net_return *way);

/* --- Long answers --- */

enum net_pull {
	NET_PULL_MESSAGE, /* one message was written */
	NET_PULL_END,     /* none was written, and there are no more */
	NET_PULL_CUT, /* it cannot go on: the connection is closed at once, so that the client sees a broken answer */
};

/* An answer of many messages. The worker asks for the next message only when the socket can take it, and gives every
 * connection its turn. Sources of one connection are pulled one after the other; single answers may go in between.
 * Embed it; whoever queues it keeps it alive until `close`. */
struct net_source {
	/* `message` has room for NET_MESSAGE_MAX octets. An empty or failed one counts as NET_PULL_CUT. */
	enum net_pull (*next)(struct net_source *self, struct writer *message, struct moment now);
	/* Called exactly once, last. NET_END_DONE: all messages were made (the newest may still wait for the client). */
	void (*close)(struct net_source *self, enum net_end end);
	struct net_source *after; /* the worker's own */
};

/* Queues a source behind those that are there. Always taken; `close` may be called inside when the connection is closing
 * already. */
void net_connection_pull(struct net_connection *connection, struct net_source *take);

/* ------------------------------------------------------------------------------------------------------------------
 * Client side
 * --------------------------------------------------------------------------------------------------------------- */

struct net_loop;

struct net_loop_config {
	uint32_t posts_max;     /* closures that wait in net_loop_post; default 65536 */
	uint32_t exchanges_max; /* under way at once, a descriptor each; default 8192 */
	uint32_t streams_max;   /* under way at once, a descriptor each; default 4096 */
	/* For QSBR, as in net_handler; each may be NULL. */
	void *self;
	void (*quiescent)(void *self);
	void (*offline)(void *self);
	void (*online)(void *self);
	/* Tests put their own clock here; NULL: clock_now(). */
	struct moment (*clock)(void *clock_self);
	void *clock_self;
};

struct net_loop_config net_loop_config_default(void);

/* ERROR_IO  the system gives no epoll or eventfd descriptor */
MUST_USE struct net_loop *net_loop_new(const struct net_loop_config *config, struct error *error);
/* After its thread has ended, or has never run. Exchanges and streams that are still open are closed without a call;
 * posted closures that did not run yet are run. NULL is fine. */
void net_loop_free(struct net_loop *loop);
/* Runs on the caller's thread until net_loop_stop(). */
void net_loop_run(struct net_loop *loop);
/* One turn: waits at most `wait_ms` (-1: as long as it sees fit) for something to do and does it. False: the loop was
 * stopped. */
bool net_loop_turn(struct net_loop *loop, int wait_ms);
/* Any thread, also a signal handler. */
void net_loop_stop(struct net_loop *loop);
void net_loop_wake(struct net_loop *loop);
/* As net_worker_post(). Any thread. */
MUST_USE bool net_loop_post(struct net_loop *loop, void (*run)(void *context, struct moment now), void *context);
/* It has stopped and takes no more posts: what net_loop_post() refuses now is refused for ever. Any thread. */
bool net_loop_has_closed(struct net_loop *loop);
/* The loop's clock. */
struct moment net_loop_now(const struct net_loop *loop);

/* --- Timers --- */

/* Embed it, zeroed but for `expired`. It must not move and must outlive its being set. */
struct net_timer {
	void (*expired)(struct net_timer *self, struct moment now);
	int64_t at_ms; /* struct moment.boot_ms */
	size_t place;  /* the loop's own; 0: not set */
};

/* `expired` is called once, at `at_ms` or soon after; the timer is then unset and may be set again. A timer that is set
 * is moved. O(log n). Timers set for the same millisecond expire in no particular order. */
void net_timer_set(struct net_loop *loop, struct net_timer *timer, int64_t at_ms);
/* Nothing happens when it is not set. O(log n). */
void net_timer_cancel(struct net_loop *loop, struct net_timer *timer);
bool net_timer_is_set(const struct net_timer *timer);

/* --- Exchanges: one datagram out, its answer in --- */

struct net_exchange;

struct net_exchange_config {
	struct address to;   /* with its port */
	struct address from; /* family ADDRESS_NONE: any; a port of 0: a fresh random one from the kernel */
	uint32_t timeout_ms; /* 1.. */
	void *self;
	/* A datagram came from `to`. True: it is the answer, and the exchange has ended. False: it is not (a wrong id), the
	 * exchange goes on waiting. `bytes` is borrowed for the call. */
	bool (*answered)(void *self, const uint8_t *bytes, size_t len, struct moment now);
	/* There is no answer, and the exchange has ended: NET_END_TIMEOUT, NET_END_REFUSED as soon as the network tells,
	 * NET_END_SYSTEM. `why` is for people, borrowed for the call. Never called from within net_exchange_start(). */
	void (*failed)(void *self, enum net_end end, const char *why, struct moment now);
};

/* Sends `bytes` (1..65507, copied by the kernel). The handle is good until `answered` returns true, `failed` is called
 * or net_exchange_cancel(). NULL: nothing was sent and no callback follows.
 * ERROR_LIMIT             exchanges_max are under way
 * ERROR_IO, ERROR_DENIED  no descriptor left, or `from` cannot be bound here; whatever the network has against it is told
 *                         by `failed` */
MUST_USE struct net_exchange *net_exchange_start(struct net_loop *loop, const struct net_exchange_config *config,
                                                 const uint8_t *bytes, size_t len, struct error *error);
/* Ends it without a call. Also inside its own callbacks, where it does no more than is done anyway. */
void net_exchange_cancel(struct net_exchange *exchange);

/* --- Streams: a TCP connection to a server --- */

struct net_stream;

struct net_stream_config {
	struct address to;   /* with its port */
	struct address from; /* family ADDRESS_NONE: any */
	uint32_t connect_ms; /* for the connection to stand; 1.. */
	uint32_t idle_ms;    /* for any octet to come in or go out, once connected; 0: no limit */
	uint64_t total_ms;   /* from net_stream_open() to the end; 0: no limit */
	uint32_t output_max; /* octets that may wait to be sent; 0: 262144 */
	void *self;
	/* The connection stands. May be NULL: messages may be sent before. */
	void (*connected)(void *self, struct moment now);
	/* One whole message, NET_MESSAGE_MIN..NET_MESSAGE_MAX octets, borrowed for the call. */
	void (*message)(void *self, const uint8_t *bytes, size_t len, struct moment now);
	/* It has ended, by itself: never for net_stream_close(), and never from within net_stream_open(). `why` is for
	 * people ("no octet within 10000 ms, 1234 octets received before"), borrowed for the call. */
	void (*ended)(void *self, enum net_end end, const char *why, struct moment now);
};

/* Begins to connect. The handle is good until `ended` is called or net_stream_close(). NULL: no callback follows.
 * ERROR_LIMIT             streams_max are under way
 * ERROR_IO, ERROR_DENIED  no descriptor left, or `from` cannot be bound here; whatever the network has against it is told
 *                         by `ended` */
MUST_USE struct net_stream *net_stream_open(struct net_loop *loop, const struct net_stream_config *config,
                                            struct error *error);
/* Ends it without a call; what was not sent yet is lost. Also inside its own callbacks. */
void net_stream_close(struct net_stream *stream);
/* Queues one message of 1..NET_MESSAGE_MAX octets, copied, with its length in front. False: output_max octets wait
 * already; nothing was queued. */
MUST_USE bool net_stream_send(struct net_stream *stream, const uint8_t *bytes, size_t len);
/* Stops taking messages, and begins again. While paused the idle limit does not count. */
void net_stream_pause(struct net_stream *stream);
void net_stream_resume(struct net_stream *stream);
/* A new idle limit, counted from the last octet that moved; 0: none. */
void net_stream_set_idle(struct net_stream *stream, uint32_t idle_ms);
/* It stands, all that was queued has left, and no octet came that was not handed out in a message. */
bool net_stream_is_clean(const struct net_stream *stream);
/* From now on it belongs to whoever `config` says, whose `to`, `from`, `connect_ms` and `output_max` count for nothing: limits
 * and what was received count anew. It stands already. Also inside its own callbacks, and of what came together with the
 * message that is handed out now, the rest is for the new owner. */
void net_stream_hand_over(struct net_stream *stream, const struct net_stream_config *config);
/* Octets received so far, lengths included, for limits on size and on the rate. */
uint64_t net_stream_received(const struct net_stream *stream);
/* Our own address of the connection. */
struct address net_stream_local(const struct net_stream *stream);
