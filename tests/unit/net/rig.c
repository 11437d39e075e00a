/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

#define PULLED_LEN 16000

struct counting_source {
	struct net_source source;
	struct rig *rig;
	uint32_t next;
	uint32_t count;
};

static struct moment rig_clock(void *self)
{
	struct rig *rig = self;
	return (struct moment){.boot_ms = rig->now_ms, .wall_s = 1700000000 + rig->now_ms / 1000};
}

static void on_datagrams(void *self, struct net_datagram *batch, size_t count, struct moment now)
{
	struct rig *rig = self;
	assert_int_equal(now.boot_ms, rig->now_ms);
	rig->batches++;
	rig->messages_before_datagram = rig->messages;
	rig->pulled_before_datagram = rig->pulled;
	for (size_t i = 0; i < count; i++) {
		rig->asked = net_datagram_local(&batch[i]);
		rig->datagrams++;
		if (rig->defers_datagrams) {
			rig->ways[rig->way_count] = net_datagram_defer(&batch[i]);
			rig->way_count++;
			continue;
		}
		if (batch[i].query_len <= batch[i].answer_capacity) {
			memcpy(batch[i].answer, batch[i].query, batch[i].query_len);
			batch[i].answer_len = batch[i].query_len;
		}
	}
}

void ask_by_datagram(const struct rig *rig)
{
	assert_int_equal(send(rig->datagram_fd, "twelve octets", 12, 0), 12);
}

static enum net_pull counting_next(struct net_source *source, struct writer *message, struct moment now)
{
	(void)now;
	struct counting_source *counting = (struct counting_source *)source;
	if (counting->rig->sources_cut_themselves && counting->next == 3) {
		return NET_PULL_CUT;
	}
	if (counting->next == counting->count) {
		return NET_PULL_END;
	}
	write_u32(message, counting->next);
	memset(write_room(message, PULLED_LEN - 4), 0x5a, PULLED_LEN - 4);
	counting->next++;
	counting->rig->pulled++;
	if (counting->rig->pulled == counting->rig->pulled_at_question) {
		ask_by_datagram(counting->rig);
	}
	return NET_PULL_MESSAGE;
}

static void counting_close(struct net_source *source, enum net_end end)
{
	struct counting_source *counting = (struct counting_source *)source;
	counting->rig->source_end = end;
	counting->rig->sources_open--;
	free(counting);
}

static void echo(struct net_message *message)
{
	memcpy(message->answer, message->query, message->query_len);
	message->answer_len = message->query_len;
}

static void pull(struct rig *rig, struct net_message *message)
{
	struct counting_source *counting = memory_new(sizeof *counting);
	*counting = (struct counting_source){
	        .source = {.next = counting_next, .close = counting_close},
	        .rig = rig,
	        .count = load_u32(message->query + 13),
	};
	rig->sources_open++;
	net_connection_pull(message->connection, &counting->source);
}

static void on_message(void *self, struct net_message *message, struct moment now)
{
	(void)now;
	struct rig *rig = self;
	rig->messages++;
	rig->now_ms += rig->ms_per_message;
	if (rig->messages == 1 && rig->datagram_fd > 0 && rig->pulled_at_question == 0) {
		ask_by_datagram(rig);
	}
	if (message->query_len > rig->longest_message) {
		rig->longest_message = message->query_len;
	}
	switch (message->query_len > 12 ? message->query[12] : WISH_NOTHING) {
	case WISH_ECHO:
		echo(message);
		break;
	case WISH_DEFER:
		rig->ways[rig->way_count] = net_connection_defer(message->connection);
		rig->way_count++;
		break;
	case WISH_BIG:
		memset(message->answer, 0x42, 32000);
		memcpy(message->answer, message->query, 12);
		message->answer_len = 32000;
		break;
	case WISH_CLOSE:
		echo(message);
		net_connection_close(message->connection);
		break;
	case WISH_PATIENT:
		echo(message);
		net_connection_set_idle(message->connection, 60000);
		break;
	case WISH_PULL:
		pull(rig, message);
		break;
	default:
		break;
	}
}

static void on_ended(void *self, const struct net_connection *connection, enum net_end end)
{
	(void)connection;
	struct rig *rig = self;
	rig->connection_end = end;
	rig->connections_ended++;
}

static void on_quiescent(void *self)
{
	((struct rig *)self)->quiescent++;
}

static void on_offline(void *self)
{
	((struct rig *)self)->offline++;
}

static void on_online(void *self)
{
	((struct rig *)self)->online++;
}

struct net_config rig_config(struct rig *rig)
{
	struct net_config config = net_config_default();
	config.clock = rig_clock;
	config.clock_self = rig;
	return config;
}

void rig_init(struct rig *rig, const char *address, const struct net_config *config)
{
	*rig = (struct rig){.now_ms = 1000000, .config = config == NULL ? rig_config(rig) : *config};
	struct net_handler handler = {
	        .self = rig,
	        .datagrams = on_datagrams,
	        .message = on_message,
	        .ended = on_ended,
	        .quiescent = on_quiescent,
	        .offline = on_offline,
	        .online = on_online,
	};
	struct error error;
	rig->worker = net_worker_new(&rig->config, &handler, &error);
	assert_non_null(rig->worker);
	struct address wanted = text_address(address);
	if (!net_workers_listen(&rig->worker, 1, &wanted, &rig->bound, &error)) {
		fail_msg("%s", error.text);
	}
	rig_turn(rig);
}

void rig_deinit(struct rig *rig)
{
	net_worker_free(rig->worker);
	assert_int_equal(rig->sources_open, 0);
	assert_int_equal(rig->offline, rig->online);
}

void rig_turn(struct rig *rig)
{
	net_worker_turn(rig->worker, 0);
}

void rig_turn_soon(struct rig *rig)
{
	net_worker_turn(rig->worker, 1);
}

void rig_fill(struct rig *rig, int fd)
{
	int before = -1;
	for (int still = 0; still < 100; still++) {
		int received = 0;
		rig_turn_soon(rig);
		assert_int_equal(ioctl(fd, FIONREAD, &received), 0);
		still = received == before ? still : 0;
		before = received;
	}
}

void rig_pass(struct rig *rig, int64_t ms)
{
	rig->now_ms += ms;
	rig_turn(rig);
}

uint64_t rig_count(const _Atomic uint64_t *counter)
{
	return net_count_read(counter);
}

struct address text_address(const char *text)
{
	struct address address;
	struct error error;
	if (!address_from_text(text, 0, &address, &error)) {
		fail_msg("%s", error.text);
	}
	return address;
}

void need_ipv6(void)
{
	struct address loopback = text_address("::1");
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(&loopback, &storage);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has_ipv6 = fd >= 0 && bind(fd, (struct sockaddr *)&storage, len) == 0;
	if (fd >= 0) {
		close(fd);
	}
	if (!has_ipv6) {
		printf("# no IPv6 on loopback\n");
		skip();
	}
}

static int client(const char *from, const struct address *to, int type, size_t receive_buffer)
{
	struct sockaddr_storage storage;
	int fd = socket(to->family == ADDRESS_V4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	if (receive_buffer > 0) {
		int size = (int)receive_buffer;
		assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
	}
	if (from != NULL) {
		struct address local = text_address(from);
		socklen_t len = address_to_socket(&local, &storage);
		assert_int_equal(bind(fd, (struct sockaddr *)&storage, len), 0);
	}
	socklen_t len = address_to_socket(to, &storage);
	int outcome = connect(fd, (struct sockaddr *)&storage, len);
	assert_true(outcome == 0 || errno == EINPROGRESS);
	return fd;
}

int udp_client(const char *from, const struct address *to)
{
	return client(from, to, SOCK_DGRAM, 0);
}

int tcp_client_in_queue(struct rig *rig)
{
	int fd = client(NULL, &rig->bound, SOCK_STREAM, 0);
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	assert_int_equal(poll(&poller, 1, 20000), 1);
	return fd;
}

int tcp_client(struct rig *rig, const char *from, size_t receive_buffer)
{
	const struct net_counters *counters = net_worker_counters(rig->worker);
	uint64_t before = rig_count(&counters->connections_accepted);
	int fd = client(from, &rig->bound, SOCK_STREAM, receive_buffer);
	RIG_UNTIL(rig, rig_count(&counters->connections_accepted) > before);
	return fd;
}

size_t frame(uint8_t *out, uint16_t id, enum wish wish, uint32_t number)
{
	memset(out, 0, QUERY_LEN + 2);
	store_u16(out, QUERY_LEN);
	store_u16(out + 2, id);
	out[2 + 12] = (uint8_t)wish;
	store_u32(out + 2 + 13, number);
	return QUERY_LEN + 2;
}

void send_all(struct rig *rig, int fd, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;
	while (sent < len) {
		ssize_t taken = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
		assert_true(taken >= 0 || errno == EAGAIN);
		sent += taken > 0 ? (size_t)taken : 0;
		if (taken < 0) {
			rig_turn_soon(rig);
		}
	}
}

void send_query(struct rig *rig, int fd, uint16_t id, enum wish wish, uint32_t number)
{
	uint8_t query[QUERY_LEN + 2];
	send_all(rig, fd, query, frame(query, id, wish, number));
}

/* False: the connection has ended. */
static bool read_exactly(struct rig *rig, int fd, uint8_t *out, size_t len)
{
	size_t got = 0;
	bool ended = false;
	while (got < len && !ended) {
		ssize_t outcome = 0;
		RIG_UNTIL(rig, (outcome = recv(fd, out + got, len - got, 0)) >= 0 || errno != EAGAIN);
		ended = outcome <= 0;
		got += outcome > 0 ? (size_t)outcome : 0;
	}
	return !ended;
}

size_t read_message(struct rig *rig, int fd, uint8_t *out)
{
	uint8_t length[2];
	assert_true(read_exactly(rig, fd, length, sizeof length));
	size_t len = load_u16(length);
	assert_true(read_exactly(rig, fd, out, len));
	return len;
}

bool read_until_closed(struct rig *rig, int fd, size_t *octets)
{
	uint8_t bytes[4096];
	size_t total = 0;
	ssize_t got = 1;
	while (got > 0) {
		RIG_UNTIL(rig, (got = recv(fd, bytes, sizeof bytes, 0)) >= 0 || errno != EAGAIN);
		total += got > 0 ? (size_t)got : 0;
	}
	if (octets != NULL) {
		*octets = total;
	}
	return got == 0;
}

bool is_quiet(int fd)
{
	uint8_t byte;
	ssize_t got = recv(fd, &byte, 1, MSG_PEEK);
	return got < 0 && errno == EAGAIN;
}
