/* SPDX-License-Identifier: MIT */
/* Long answers: messages are made when the socket can take them, a burst for one connection, then for the next.
 *
 * I1  worker->pulling holds exactly the connections that have a source and nothing left to send.
 * I2  A source is closed once, after it was taken out of its queue. */
#include "net/worker_internal.h"

/* Bursts before other connections get their turn: a millisecond of work at the most. Datagrams wait for one of them. */
#define BURSTS_PER_TURN 4

static void begin_source(struct net_connection *connection)
{
	connection->source_ms = connection->worker->reactor.now.boot_ms;
	connection->moved_ms = connection->source_ms;
}

/* Takes the first source out and closes it. */
static void end_source(struct net_connection *connection, enum net_end end)
{
	struct net_source *source = connection->sources;
	struct net_counters *counters = &connection->worker->counters;
	connection->sources = source->after;
	connection->source_count--;
	if (connection->sources == NULL) {
		connection->sources_end = &connection->sources;
	}
	source->after = NULL;
	net_count_add(end == NET_END_DONE ? &counters->sources_done : &counters->sources_cut, 1);
	source->close(source, end);
}

void net_sources_close(struct net_connection *connection, enum net_end end)
{
	while (connection->sources != NULL) {
		end_source(connection, end == NET_END_DONE ? NET_END_STOPPED : end);
	}
}

void net_connection_pull(struct net_connection *connection, struct net_source *take)
{
	take->after = NULL;
	if (connection->is_dead || connection->is_closing) {
		net_count_add(&connection->worker->counters.sources_cut, 1);
		take->close(take, NET_END_STOPPED);
		return;
	}
	bool is_first = connection->sources == NULL;
	*connection->sources_end = take;
	connection->sources_end = &take->after;
	connection->source_count++;
	if (is_first) {
		begin_source(connection);
	}
	net_connection_touch(connection);
}

/* Asks the first source for one message. False: the connection has ended. */
static bool pull_message(struct net_connection *connection, struct moment now)
{
	struct net_worker *worker = connection->worker;
	struct net_source *source = connection->sources;
	uint8_t *room = worker->gathered + worker->gathered_len;
	struct writer message = writer_of(room + NET_LENGTH_SIZE, NET_MESSAGE_MAX);
	enum net_pull outcome = source->next(source, &message, now);
	if (outcome == NET_PULL_MESSAGE && (message.failed || writer_len(&message) == 0)) {
		outcome = NET_PULL_CUT;
	}
	switch (outcome) {
	case NET_PULL_MESSAGE:
		store_u16(room, (uint16_t)writer_len(&message));
		worker->gathered_len += NET_LENGTH_SIZE + writer_len(&message);
		net_count_add(&worker->counters.messages_out, 1);
		return true;
	case NET_PULL_END:
		end_source(connection, NET_END_DONE);
		begin_source(connection);
		return true;
	case NET_PULL_CUT:
		break;
	}
	worker->gathered_len = 0;
	net_connection_end(connection, NET_END_STOPPED);
	return false;
}

/* A connection's turn ends when so much is gathered; one send takes it. */
static void pull_burst(struct net_connection *connection)
{
	struct net_worker *worker = connection->worker;
	size_t most = net_burst_size(worker);
	bool goes_on = true;
	while (goes_on && connection->sources != NULL && !connection->is_dead && worker->gathered_len < most) {
		goes_on = pull_message(connection, worker->reactor.now);
	}
	net_connection_flush(connection);
	net_connection_settle(connection);
}

void net_pull_some(struct net_worker *worker)
{
	for (unsigned int burst = 0; burst < BURSTS_PER_TURN; burst++) {
		struct net_link *next = net_link_first(&worker->pulling);
		if (next == NULL) {
			return;
		}
		/* Settling puts it at the end, if there is more to pull and the socket took all. */
		pull_burst(net_link_owner(next, struct net_connection, by_work));
		net_udp_serve_meanwhile(worker);
	}
}
