/* SPDX-License-Identifier: MIT */
/* What the files of the client side share: loop.c (life and turns), client_udp.c (exchanges), client_tcp.c (streams). */
#pragma once

#include "net/frames_internal.h"
#include "net/links_internal.h"
#include "net/net.h"
#include "net/output_internal.h"
#include "net/reactor_internal.h"
#include "net/sockets_internal.h"

/* Octets that one recv takes in: a few messages of a transfer at once. */
#define NET_LOOP_RECEIVE_SIZE (256 * 1024)

struct net_exchange {
	struct net_watch watch;
	struct net_loop *loop;
	struct net_link link; /* in loop->exchanges, or loop->buried_exchanges once it is over */
	struct net_timer limit;
	struct net_exchange_config config;
	int fd;
	int broken; /* errno of the sending; 0: it was sent */
	bool is_over;
};

struct net_stream {
	struct net_watch watch;
	struct net_loop *loop;
	struct net_link link;    /* in loop->streams, or loop->buried_streams once it is over */
	struct net_link by_work; /* in loop->touched, or none */
	struct net_timer limit;
	struct net_stream_config config;
	int fd;
	int broken;      /* errno of a connect or send that failed; 0: none did */
	uint32_t events; /* that epoll watches for; 0: it does not know the descriptor */
	bool is_connected;
	bool is_paused;
	bool is_over;
	struct net_frames in;
	struct net_output out;
	uint64_t received;
	int64_t opened_ms;
	int64_t moved_ms; /* when an octet came or went, or since when it is awaited */
};

struct net_loop {
	struct net_reactor reactor;
	struct net_loop_config config;
	struct net_link exchanges;
	struct net_link buried_exchanges;
	uint32_t exchange_count;
	struct net_link streams;
	struct net_link buried_streams;
	struct net_link touched; /* streams to be settled in this turn */
	uint32_t stream_count;
	uint8_t *received; /* NET_LOOP_RECEIVE_SIZE octets, for whatever is read now */
	bool has_stopped;
};

/* How an errno of connect, send or recv is told. */
enum net_end net_end_of_errno(int reason);

/* client_udp.c: ends it without a call; freed at the end of the turn. */
void net_exchange_end(struct net_exchange *exchange);

/* client_tcp.c */
void net_stream_end(struct net_stream *stream);
void net_stream_settle(struct net_stream *stream);
void net_stream_free(struct net_stream *stream);
