/* SPDX-License-Identifier: MIT */
/* Exchanges: each has a socket of its own, and with it a port that nobody can foresee (RFC 5452 9.2). It is connected, so
 * that the kernel drops what comes from elsewhere, and tells what the network says.
 *
 * I1  The timer is set as long as the exchange is not over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop_internal.h"

/* Datagrams that are looked at before others get their turn. */
#define DATAGRAMS_MAX 16

void net_exchange_end(struct net_exchange *exchange)
{
	if (exchange->is_over) {
		return;
	}
	struct net_loop *loop = exchange->loop;
	exchange->is_over = true;
	close(exchange->fd);
	net_timers_cancel(&loop->reactor.timers, &exchange->limit);
	net_link_to_end(&loop->buried_exchanges, &exchange->link);
	loop->exchange_count--;
}

void net_exchange_cancel(struct net_exchange *exchange)
{
	net_exchange_end(exchange);
}

static void fail(struct net_exchange *exchange, enum net_end end, const char *why, struct moment now)
{
	net_exchange_end(exchange);
	exchange->config.failed(exchange->config.self, end, why, now);
}

/* False: nothing is left to be read, or the exchange is over. */
static bool read_one(struct net_exchange *exchange, struct moment now)
{
	uint8_t *bytes = exchange->loop->received;
	ssize_t got = recv(exchange->fd, bytes, NET_LOOP_RECEIVE_SIZE, MSG_DONTWAIT);
	if (got >= 0) {
		bool is_answer = exchange->config.answered(exchange->config.self, bytes, (size_t)got, now);
		if (is_answer) {
			net_exchange_end(exchange);
		}
	} else if (errno != EAGAIN && errno != EINTR) {
		int reason = errno;
		fail(exchange, net_end_of_errno(reason), strerror(reason), now);
	} else {
		return errno == EINTR;
	}
	return !exchange->is_over;
}

static void exchange_ready(struct net_watch *watch, uint32_t events, struct moment now)
{
	(void)events;
	struct net_exchange *exchange = net_link_owner(watch, struct net_exchange, watch);
	bool goes_on = !exchange->is_over;
	for (unsigned int i = 0; goes_on && i < DATAGRAMS_MAX; i++) {
		goes_on = read_one(exchange, now);
	}
}

static void limit_expired(struct net_timer *timer, struct moment now)
{
	struct net_exchange *exchange = net_link_owner(timer, struct net_exchange, limit);
	if (exchange->broken != 0) {
		fail(exchange, net_end_of_errno(exchange->broken), strerror(exchange->broken), now);
		return;
	}
	char why[64];
	snprintf(why, sizeof why, "no answer within %" PRIu32 " ms", exchange->config.timeout_ms);
	fail(exchange, NET_END_TIMEOUT, why, now);
}

/* 0, or the errno. */
static int connect_and_send(int fd, const struct address *to, const uint8_t *bytes, size_t len)
{
	union net_socket_address remote;
	socklen_t remote_len = net_socket_address_set(&remote, to);
	if (connect(fd, &remote.any, remote_len) != 0 || send(fd, bytes, len, MSG_DONTWAIT) < 0) {
		return errno;
	}
	return 0;
}

static bool open_socket(struct net_loop *loop, struct net_exchange *exchange, struct error *error)
{
	char text[ADDRESS_TEXT_MAX];
	const struct address *from = &exchange->config.from;
	exchange->fd = net_socket_client(&exchange->config.to, from, SOCK_DGRAM);
	if (exchange->fd < 0) {
		return error_set_errno(error, errno, "UDP socket from %s",
		                       from->family == ADDRESS_NONE ? "any address" : address_to_text(from, text));
	}
	if (!net_reactor_watch(&loop->reactor, exchange->fd, EPOLLIN, &exchange->watch)) {
		error_set_errno(error, errno, "epoll_ctl");
		close(exchange->fd);
		return false;
	}
	return true;
}

struct net_exchange *net_exchange_start(struct net_loop *loop, const struct net_exchange_config *config,
                                        const uint8_t *bytes, size_t len, struct error *error)
{
	ensure(len >= 1 && config->timeout_ms >= 1);
	ensure(config->to.family != ADDRESS_NONE);
	if (loop->exchange_count >= loop->config.exchanges_max) {
		error_set(error, ERROR_LIMIT, "%" PRIu32 " exchanges are under way", loop->exchange_count);
		return NULL;
	}
	struct net_exchange *exchange = memory_new(sizeof *exchange);
	*exchange = (struct net_exchange){
	        .watch = {.ready = exchange_ready},
	        .loop = loop,
	        .limit = {.expired = limit_expired},
	        .config = *config,
	};
	if (!open_socket(loop, exchange, error)) {
		free(exchange);
		return NULL;
	}
	net_link_init(&exchange->link);
	net_link_to_end(&loop->exchanges, &exchange->link);
	loop->exchange_count++;
	exchange->broken = connect_and_send(exchange->fd, &config->to, bytes, len);
	int64_t now_ms = net_loop_now(loop).boot_ms;
	/* What failed here is told from the next turn, like everything else. */
	net_timers_set(&loop->reactor.timers, &exchange->limit,
	               exchange->broken != 0 ? now_ms : now_ms + config->timeout_ms);
	return exchange;
}
