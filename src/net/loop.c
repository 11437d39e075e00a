/* SPDX-License-Identifier: MIT */
/* The life of a loop and what one of its turns consists of. */
#include "net/loop_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"

struct net_loop *net_loop_new(const struct net_loop_config *config, struct error *error)
{
	struct net_hooks hooks = {
	        .self = config->self,
	        .quiescent = config->quiescent,
	        .offline = config->offline,
	        .online = config->online,
	        .clock = config->clock,
	        .clock_self = config->clock_self,
	};
	struct net_loop *loop = memory_new(sizeof *loop);
	if (!net_reactor_init(&loop->reactor, &hooks, error)) {
		free(loop);
		return NULL;
	}
	loop->config = *config;
	net_link_init(&loop->exchanges);
	net_link_init(&loop->buried_exchanges);
	net_link_init(&loop->streams);
	net_link_init(&loop->buried_streams);
	net_link_init(&loop->touched);
	loop->received = memory_new(NET_LOOP_RECEIVE_SIZE);
	return loop;
}

static void bury(struct net_loop *loop)
{
	struct net_link *at;
	for (at = net_link_first(&loop->buried_exchanges); at != NULL; at = net_link_first(&loop->buried_exchanges)) {
		net_link_remove(at);
		free(net_link_owner(at, struct net_exchange, link));
	}
	for (at = net_link_first(&loop->buried_streams); at != NULL; at = net_link_first(&loop->buried_streams)) {
		net_link_remove(at);
		net_stream_free(net_link_owner(at, struct net_stream, link));
	}
}

static void end_all(struct net_loop *loop)
{
	struct net_link *at;
	for (at = net_link_first(&loop->exchanges); at != NULL; at = net_link_first(&loop->exchanges)) {
		net_exchange_end(net_link_owner(at, struct net_exchange, link));
	}
	for (at = net_link_first(&loop->streams); at != NULL; at = net_link_first(&loop->streams)) {
		net_stream_end(net_link_owner(at, struct net_stream, link));
	}
	bury(loop);
}

void net_loop_free(struct net_loop *loop)
{
	if (loop == NULL) {
		return;
	}
	net_mailbox_close(&loop->reactor.mailbox, loop->reactor.now);
	end_all(loop);
	net_reactor_deinit(&loop->reactor);
	free(loop->received);
	free(loop);
}

static void settle_touched(struct net_loop *loop)
{
	for (struct net_link *at = net_link_first(&loop->touched); at != NULL; at = net_link_first(&loop->touched)) {
		struct net_stream *stream = net_link_owner(at, struct net_stream, by_work);
		net_link_remove(at);
		net_stream_settle(stream);
	}
}

static void take_turn(struct net_loop *loop, int wait_ms)
{
	/* What was begun before the first turn, or between two, waits here. */
	loop->reactor.now = net_reactor_clock(&loop->reactor);
	settle_touched(loop);
	net_reactor_turn(&loop->reactor, wait_ms);
	settle_touched(loop);
	bury(loop);
	net_reactor_quiescent(&loop->reactor);
	if (atomic_load_explicit(&loop->reactor.mailbox.stop_asked, memory_order_relaxed)) {
		net_mailbox_close(&loop->reactor.mailbox, loop->reactor.now);
		loop->has_stopped = true;
	}
}

bool net_loop_turn(struct net_loop *loop, int wait_ms)
{
	if (!loop->has_stopped) {
		take_turn(loop, wait_ms);
	}
	return !loop->has_stopped;
}

void net_loop_run(struct net_loop *loop)
{
	while (!loop->has_stopped) {
		take_turn(loop, -1);
	}
}

void net_loop_stop(struct net_loop *loop)
{
	net_mailbox_stop(&loop->reactor.mailbox);
}

void net_loop_wake(struct net_loop *loop)
{
	net_mailbox_wake(&loop->reactor.mailbox);
}

bool net_loop_post(struct net_loop *loop, void (*run)(void *context, struct moment now), void *context)
{
	return net_mailbox_put(&loop->reactor.mailbox, loop->config.posts_max, run, context);
}

bool net_loop_has_closed(struct net_loop *loop)
{
	return net_mailbox_is_closed(&loop->reactor.mailbox);
}

struct moment net_loop_now(const struct net_loop *loop)
{
	return net_reactor_clock(&loop->reactor);
}

void net_timer_set(struct net_loop *loop, struct net_timer *timer, int64_t at_ms)
{
	net_timers_set(&loop->reactor.timers, timer, at_ms);
}

void net_timer_cancel(struct net_loop *loop, struct net_timer *timer)
{
	net_timers_cancel(&loop->reactor.timers, timer);
}

enum net_end net_end_of_errno(int reason)
{
	switch (reason) {
	case ECONNREFUSED:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case EACCES:
	case EPERM:
	case EPROTO:
	case ENOPROTOOPT:
		return NET_END_REFUSED;
	case ETIMEDOUT:
		return NET_END_TIMEOUT;
	case ECONNRESET:
	case EPIPE:
	case ECONNABORTED:
		return NET_END_CUT;
	default:
		return NET_END_SYSTEM;
	}
}
