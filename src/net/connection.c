/* SPDX-License-Identifier: MIT */
/* One TCP connection of a client (RFC 7766): messages in, answers out in any order, and its time limits.
 *
 *   reading --at_end--> answering what was asked --all sent--> ended
 *   reading --total limit, worker stops: net_connection_finish()--> answering what was asked --all sent--> ended
 *   reading --bad frame, net_connection_close()--> sending what was answered --all sent--> ended
 *   any --a limit of net_config, a broken connection: net_connection_end()--> ended
 *
 * Nothing but net_connection_end() ends it. Whoever changes the state elsewhere than in an event of the connection
 * itself touches it, and it is settled before the turn ends.
 *
 * I1  While it waits to send more than output_pending_max octets, or too much is deferred or queued, it is not read.
 * I2  worker->gathered belongs to the connection that is served or pulled now, and is empty otherwise.
 * I3  A dead one is in no ring but worker->buried, and is freed when the turn is over. */
#include <errno.h>
#include <stdlib.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/worker_internal.h"

/* Reads of unasked octets before a close: the kernel resets a connection that is closed with octets unread, and the
 * client might lose the last answer to that. */
#define DRAIN_READS 4

/* --- Birth and death --- */

static uint32_t take_slot(struct net_worker *worker, struct net_connection *connection)
{
	if (worker->free_slot == NET_NO_SLOT) {
		memory_reserve((void **)&worker->slots, &worker->slot_capacity, worker->slot_count + 1,
		               sizeof *worker->slots);
		worker->slots[worker->slot_count] = (struct net_slot){.next_free = NET_NO_SLOT};
		worker->free_slot = (uint32_t)worker->slot_count;
		worker->slot_count++;
	}
	uint32_t slot = worker->free_slot;
	worker->free_slot = worker->slots[slot].next_free;
	worker->slots[slot].connection = connection;
	return slot;
}

static void give_slot_back(struct net_connection *connection)
{
	struct net_worker *worker = connection->worker;
	struct net_slot *slot = &worker->slots[connection->slot];
	slot->connection = NULL;
	slot->generation++; /* ways back into the old connection do not lead into the next one */
	slot->next_free = worker->free_slot;
	worker->free_slot = connection->slot;
}

static void connection_ready(struct net_watch *watch, uint32_t events, struct moment now);
static void limit_expired(struct net_timer *timer, struct moment now);

struct net_connection *net_connection_new(struct net_worker *worker, int fd, const struct address *client)
{
	struct net_connection *connection = memory_new(sizeof *connection);
	connection->watch.ready = connection_ready;
	if (!net_reactor_watch(&worker->reactor, fd, EPOLLIN, &connection->watch)) {
		int reason = errno;
		close(fd);
		free(connection);
		errno = reason;
		return NULL;
	}
	connection->worker = worker;
	connection->fd = fd;
	connection->events = EPOLLIN;
	connection->client = *client;
	connection->limit.expired = limit_expired;
	connection->sources_end = &connection->sources;
	connection->opened_ms = worker->reactor.now.boot_ms;
	connection->active_ms = connection->opened_ms;
	connection->idle_ms = worker->config.idle_ms;
	net_link_init(&connection->by_idleness);
	net_link_init(&connection->by_client);
	net_link_init(&connection->by_work);
	connection->slot = take_slot(worker, connection);
	worker->connection_count++;
	net_count_add(&worker->counters.connections_accepted, 1);
	net_count_set(&worker->counters.connections, worker->connection_count);
	return connection;
}

static void drain(const struct net_connection *connection)
{
	for (unsigned int i = 0; i < DRAIN_READS; i++) {
		if (recv(connection->fd, NULL, NET_RECEIVE_SIZE, MSG_DONTWAIT | MSG_TRUNC) <= 0) {
			return;
		}
	}
}

/* With octets left that the client did not take, the answer is broken anyway: a reset says so, and gives back the
 * memory that the kernel would keep for them. */
static void prepare_close(const struct net_connection *connection, enum net_end end)
{
	if (net_output_pending(&connection->out) > 0) {
		struct linger at_once = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
	} else if (!connection->at_end && end != NET_END_CUT) {
		drain(connection);
	}
}

void net_connection_end(struct net_connection *connection, enum net_end end)
{
	if (connection->is_dead) {
		return;
	}
	struct net_worker *worker = connection->worker;
	connection->is_dead = true;
	net_sources_close(connection, end);
	prepare_close(connection, end);
	if (worker->handler.ended != NULL) {
		worker->handler.ended(worker->handler.self, connection, end);
	}
	close(connection->fd);
	net_timers_cancel(&worker->reactor.timers, &connection->limit);
	net_census_leave(connection);
	net_link_remove(&connection->by_work);
	give_slot_back(connection);
	worker->connection_count--;
	worker->held -= connection->held;
	connection->held = 0;
	net_count_set(&worker->counters.connections, worker->connection_count);
	net_count_set(&worker->counters.buffered, worker->held);
	net_link_to_end(&worker->buried, &connection->by_client);
}

void net_connection_free(struct net_connection *connection)
{
	net_frames_deinit(&connection->in);
	net_output_deinit(&connection->out);
	free(connection);
}

void net_connection_touch(struct net_connection *connection)
{
	if (!connection->is_dead && (connection->is_pulling || net_link_is_alone(&connection->by_work))) {
		connection->is_pulling = false;
		net_link_to_end(&connection->worker->touched, &connection->by_work);
	}
}

/* --- Messages in --- */

static bool takes_messages(const struct net_connection *connection)
{
	const struct net_config *config = &connection->worker->config;
	return !connection->is_dead && !connection->is_closing && !connection->is_finishing &&
	       net_output_pending(&connection->out) <= config->output_pending_max &&
	       connection->deferred_count < config->deferred_max && connection->source_count < config->sources_max;
}

static void close_for(struct net_connection *connection, enum net_end end)
{
	if (!connection->is_closing) {
		connection->is_closing = true;
		connection->end = end;
	}
}

static void deliver(struct net_connection *connection, const uint8_t *query, size_t len, struct moment now)
{
	struct net_worker *worker = connection->worker;
	uint8_t *room = worker->gathered + worker->gathered_len;
	struct net_message message = {
	        .query = query,
	        .query_len = (uint32_t)len,
	        .answer = room + NET_LENGTH_SIZE,
	        .answer_capacity = NET_MESSAGE_MAX,
	        .connection = connection,
	};
	connection->active_ms = now.boot_ms;
	connection->had_message = true;
	net_connection_touch_idleness(connection);
	net_count_add(&worker->counters.messages_in, 1);
	worker->handler.message(worker->handler.self, &message, now);
	if (message.answer_len > 0) {
		ensure(message.answer_len <= NET_MESSAGE_MAX);
		store_u16(room, (uint16_t)message.answer_len);
		worker->gathered_len += NET_LENGTH_SIZE + message.answer_len;
		net_count_add(&worker->counters.messages_out, 1);
	}
	if (worker->gathered_len > NET_GATHER_SIZE - NET_FRAME_SIZE) {
		net_connection_flush(connection); /* no room for the next answer */
	}
}

/* Hands the messages in what is kept and in `fresh` to the handler, as long as the connection may take more. */
static void serve(struct net_connection *connection, struct reader *fresh, struct moment now)
{
	enum net_frame frame = NET_FRAME_MESSAGE;
	const uint8_t *message = NULL;
	size_t len = 0;
	while (frame == NET_FRAME_MESSAGE && takes_messages(connection)) {
		frame = net_frames_next(&connection->in, fresh, &message, &len);
		if (frame == NET_FRAME_MESSAGE) {
			deliver(connection, message, len, now);
		}
	}
	net_connection_flush(connection);
	if (frame == NET_FRAME_BAD) {
		net_count_add(&connection->worker->counters.connections_bad, 1);
		close_for(connection, NET_END_BAD_FRAME);
	}
	if (!connection->is_dead && !connection->is_closing) {
		net_frames_keep(&connection->in, fresh);
		net_connection_account(connection);
	}
}

static void read_some(struct net_connection *connection, struct moment now)
{
	struct net_worker *worker = connection->worker;
	ssize_t got = net_receive_some(connection->fd, worker->received, NET_RECEIVE_SIZE);
	if (got > 0) {
		struct reader fresh = reader_of(worker->received, (size_t)got);
		serve(connection, &fresh, now);
	} else if (got == -1) {
		connection->at_end = true;
	} else if (got < -1) {
		net_connection_end(connection, NET_END_CUT);
	}
}

/* --- Answers out --- */

/* What the client has acknowledged. */
static uint64_t taken_by(const struct net_connection *connection)
{
	int in_kernel = 0;
	if (ioctl(connection->fd, SIOCOUTQ, &in_kernel) != 0 || in_kernel < 0) {
		in_kernel = 0;
	}
	return connection->queued - net_output_pending(&connection->out) - (uint64_t)in_kernel;
}

/* Notes from when, and from what, the client is waited for. */
static void begin_waiting(struct net_connection *connection, int64_t now_ms)
{
	connection->moved_ms = now_ms;
	connection->taken = net_output_pending(&connection->out) > 0 ? taken_by(connection) : 0;
}

/* The kernel asks for more only when much of its buffer is free again. A client that takes less, but steadily, moves too. */
static bool has_moved(const struct net_connection *connection)
{
	return net_output_pending(&connection->out) > 0 && taken_by(connection) >= connection->taken + NET_PROGRESS_MIN;
}

static void has_sent(struct net_connection *connection, size_t sent)
{
	int64_t now_ms = connection->worker->reactor.now.boot_ms;
	connection->worker->sent_meanwhile += sent;
	begin_waiting(connection, now_ms);
	connection->active_ms = now_ms;
	net_connection_touch_idleness(connection);
}

void net_connection_flush(struct net_connection *connection)
{
	struct net_worker *worker = connection->worker;
	const uint8_t *bytes = worker->gathered;
	size_t len = worker->gathered_len;
	worker->gathered_len = 0;
	if (len == 0 || connection->is_dead) {
		return;
	}
	connection->queued += len;
	if (net_output_pending(&connection->out) == 0) {
		ssize_t sent = net_send_some(connection->fd, bytes, len);
		if (sent < 0) {
			net_connection_end(connection, NET_END_CUT);
			return;
		}
		net_output_append(&connection->out, bytes + sent, len - (size_t)sent);
		has_sent(connection, (size_t)sent);
	} else {
		net_output_append(&connection->out, bytes, len);
	}
	net_connection_account(connection);
}

static void write_some(struct net_connection *connection)
{
	size_t sent = 0;
	connection->has_deferred_answer = false;
	if (!net_output_send(&connection->out, connection->fd, &sent)) {
		net_connection_end(connection, NET_END_CUT);
		return;
	}
	if (sent > 0) {
		has_sent(connection, sent);
	}
	net_connection_account(connection);
}

static void connection_ready(struct net_watch *watch, uint32_t events, struct moment now)
{
	struct net_connection *connection = net_link_owner(watch, struct net_connection, watch);
	struct net_worker *worker = connection->worker;
	if (connection->is_dead) {
		return;
	}
	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		net_connection_end(connection, NET_END_CUT); /* reset: nobody is left to read an answer */
		return;
	}
	if ((events & EPOLLOUT) != 0) {
		write_some(connection);
	}
	if ((events & EPOLLIN) != 0 && takes_messages(connection) && !connection->at_end) {
		read_some(connection, now);
	}
	net_connection_settle(connection);
	net_udp_serve_meanwhile(worker);
}

void net_connection_begin(struct net_connection *connection)
{
	if (takes_messages(connection)) {
		read_some(connection, connection->worker->reactor.now);
	}
	net_connection_settle(connection);
	net_udp_serve_meanwhile(connection->worker);
}

/* --- Limits --- */

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* When the limit that holds now is reached, and what that means. */
static int64_t limit_of(const struct net_connection *connection, enum net_end *end)
{
	const struct net_config *config = &connection->worker->config;
	*end = NET_END_STALLED;
	if (connection->sources != NULL) {
		int64_t stalled_ms = connection->moved_ms + config->source_idle_ms;
		int64_t total_ms = connection->source_ms + config->source_total_ms;
		*end = total_ms < stalled_ms ? NET_END_TOO_LONG : NET_END_STALLED;
		return earlier(stalled_ms, total_ms);
	}
	if (net_output_pending(&connection->out) > 0) {
		return connection->moved_ms + config->send_ms;
	}
	*end = NET_END_TOO_LONG;
	if (connection->is_finishing) {
		return connection->finishing_ms + config->stop_ms; /* what is deferred was promised */
	}
	int64_t total_ms = connection->opened_ms + config->total_ms;
	if (connection->deferred_count > 0) {
		return total_ms;
	}
	int64_t idle_ms = connection->had_message ? connection->active_ms + connection->idle_ms
	                                          : connection->opened_ms + config->initial_ms;
	*end = idle_ms < total_ms ? NET_END_TIMEOUT : NET_END_TOO_LONG;
	return earlier(idle_ms, total_ms);
}

static bool total_is_over(const struct net_connection *connection, struct moment now)
{
	return now.boot_ms >= connection->opened_ms + connection->worker->config.total_ms;
}

static void count_limit(struct net_counters *counters, const struct net_connection *connection)
{
	bool waits = connection->sources != NULL || net_output_pending(&connection->out) > 0;
	net_count_add(waits ? &counters->connections_stalled : &counters->connections_idle_closed, 1);
}

/* The timer is only ever moved to an earlier time, so that a busy connection costs nothing here: when it expires too
 * early, it is set again. */
static void watch_limit(struct net_connection *connection)
{
	enum net_end end;
	int64_t at_ms = limit_of(connection, &end);
	if (!net_timer_is_set(&connection->limit) || connection->limit.at_ms > at_ms) {
		net_timers_set(&connection->worker->reactor.timers, &connection->limit, at_ms);
	}
}

static void limit_expired(struct net_timer *timer, struct moment now)
{
	struct net_connection *connection = net_link_owner(timer, struct net_connection, limit);
	enum net_end end;
	if (now.boot_ms < limit_of(connection, &end)) {
		watch_limit(connection);
		return;
	}
	if (end == NET_END_STALLED && has_moved(connection)) {
		begin_waiting(connection, now.boot_ms);
		watch_limit(connection);
		return;
	}
	if (!connection->is_finishing && connection->deferred_count > 0 && total_is_over(connection, now)) {
		net_connection_finish(connection);
		return;
	}
	count_limit(&connection->worker->counters, connection);
	net_connection_end(connection, end);
}

void net_connection_finish(struct net_connection *connection)
{
	if (!connection->is_finishing) {
		connection->is_finishing = true;
		connection->finishing_ms = connection->worker->reactor.now.boot_ms;
		net_connection_touch(connection);
	}
}

/* --- Settling --- */

static bool is_over(const struct net_connection *connection)
{
	if (net_output_pending(&connection->out) > 0) {
		return false;
	}
	if (connection->is_closing) {
		return true;
	}
	bool asks_no_more =
	        connection->is_finishing || (connection->at_end && !net_frames_has_message(&connection->in));
	return asks_no_more && connection->sources == NULL && connection->deferred_count == 0;
}

static enum net_end end_of(const struct net_connection *connection)
{
	if (connection->is_closing) {
		return connection->end;
	}
	if (connection->is_finishing) {
		return NET_END_STOPPED;
	}
	return net_frames_kept(&connection->in) > 0 ? NET_END_CUT : NET_END_CLOSED;
}

static void watch_events(struct net_connection *connection)
{
	uint32_t events = 0;
	if (takes_messages(connection) && !connection->at_end) {
		events |= EPOLLIN;
	}
	if (net_output_pending(&connection->out) > 0) {
		events |= EPOLLOUT;
	}
	if (events != connection->events) {
		connection->events = events;
		net_reactor_rewatch(&connection->worker->reactor, connection->fd, events, &connection->watch);
	}
}

static void watch_work(struct net_connection *connection)
{
	struct net_worker *worker = connection->worker;
	connection->is_pulling = connection->sources != NULL && net_output_pending(&connection->out) == 0;
	if (connection->is_pulling) {
		net_link_to_end(&worker->pulling, &connection->by_work);
	} else {
		net_link_remove(&connection->by_work);
	}
}

void net_connection_settle(struct net_connection *connection)
{
	if (!connection->is_dead && connection->has_deferred_answer) {
		write_some(connection);
	}
	if (!connection->is_dead && takes_messages(connection) && net_frames_has_message(&connection->in)) {
		struct reader nothing = reader_of(NULL, 0);
		serve(connection, &nothing, connection->worker->reactor.now);
	}
	if (connection->is_dead) {
		return;
	}
	if (!connection->is_finishing && total_is_over(connection, connection->worker->reactor.now)) {
		net_connection_finish(connection);
	}
	if (connection->is_closing) {
		net_sources_close(connection, connection->end);
	}
	if (is_over(connection)) {
		net_connection_end(connection, end_of(connection));
		return;
	}
	watch_events(connection);
	watch_work(connection);
	watch_limit(connection);
}

/* --- For the handler --- */

struct address net_connection_client(const struct net_connection *connection)
{
	return connection->client;
}

struct address net_connection_local(const struct net_connection *connection)
{
	return net_socket_local(connection->fd);
}

void net_connection_set_idle(struct net_connection *connection, uint32_t idle_ms)
{
	connection->idle_ms = idle_ms;
	net_connection_touch(connection);
}

void net_connection_close(struct net_connection *connection)
{
	close_for(connection, NET_END_STOPPED);
	net_connection_touch(connection);
}

static uint64_t id_of(const struct net_connection *connection)
{
	return (uint64_t)connection->worker->slots[connection->slot].generation << 32 | connection->slot;
}

struct net_return net_connection_defer(struct net_connection *connection)
{
	connection->deferred_count++;
	net_connection_touch(connection);
	return (struct net_return){
	        .id = id_of(connection),
	        .is_stream = true,
	        .client = connection->client,
	        .local = net_connection_local(connection),
	};
}

struct net_connection *net_worker_find_connection(struct net_worker *worker, const struct net_return *way)
{
	uint32_t slot = (uint32_t)way->id;
	if (!way->is_stream || slot >= worker->slot_count || worker->slots[slot].generation != way->id >> 32) {
		return NULL;
	}
	return worker->slots[slot].connection;
}

static void connection_answer(struct net_connection *connection, const uint8_t *answer, size_t len)
{
	if (connection->deferred_count > 0) {
		connection->deferred_count--;
	}
	connection->active_ms = connection->worker->reactor.now.boot_ms;
	net_connection_touch(connection);
	if (len == 0 || connection->is_closing) {
		return;
	}
	bool is_first = net_output_pending(&connection->out) == 0;
	net_output_append_message(&connection->out, answer, len);
	connection->queued += NET_LENGTH_SIZE + len;
	if (is_first) {
		begin_waiting(connection, connection->worker->reactor.now.boot_ms);
	}
	connection->has_deferred_answer = true;
	net_count_add(&connection->worker->counters.messages_out, 1);
	net_connection_account(connection);
}

void net_worker_answer(struct net_worker *worker, const struct net_return *way, const uint8_t *answer, size_t len)
{
	if (!way->is_stream) {
		net_udp_answer(worker, way, answer, len);
		return;
	}
	struct net_connection *connection = net_worker_find_connection(worker, way);
	if (connection != NULL) {
		connection_answer(connection, answer, len);
	}
}
