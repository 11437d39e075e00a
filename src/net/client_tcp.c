/* SPDX-License-Identifier: MIT */
/* Streams: TCP connections to servers.
 *
 *   connecting --EPOLLOUT, no error: connected()--> open --all kinds of ends: finish()--> over
 *   connecting --error, connect_ms: finish()--> over
 *   any --net_stream_close(): net_stream_end()--> over
 *
 * I1  `ended` is called once, and only by finish(); after net_stream_end() nothing is called.
 * I2  One that is over is in no ring but loop->buried_streams, and is freed when the turn is over. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/loop_internal.h"

#define OUTPUT_MAX_DEFAULT 262144
#define WHY_MAX            160

/* --- Ends --- */

void net_stream_end(struct net_stream *stream)
{
	if (stream->is_over) {
		return;
	}
	struct net_loop *loop = stream->loop;
	stream->is_over = true;
	close(stream->fd);
	net_timers_cancel(&loop->reactor.timers, &stream->limit);
	net_link_remove(&stream->by_work);
	net_link_to_end(&loop->buried_streams, &stream->link);
	loop->stream_count--;
}

void net_stream_close(struct net_stream *stream)
{
	net_stream_end(stream);
}

void net_stream_free(struct net_stream *stream)
{
	net_frames_deinit(&stream->in);
	net_output_deinit(&stream->out);
	free(stream);
}

static void finish(struct net_stream *stream, enum net_end end, const char *why)
{
	net_stream_end(stream);
	stream->config.ended(stream->config.self, end, why, stream->loop->reactor.now);
}

static void finish_broken(struct net_stream *stream, int reason)
{
	finish(stream, net_end_of_errno(reason), strerror(reason));
}

static void finish_at_end(struct net_stream *stream)
{
	size_t partial = net_frames_kept(&stream->in);
	char why[WHY_MAX];
	if (partial == 0) {
		snprintf(why, sizeof why, "closed by the server after %" PRIu64 " octets", stream->received);
		finish(stream, NET_END_CLOSED, why);
	} else {
		snprintf(why, sizeof why, "closed by the server inside a message, %zu octets into it", partial);
		finish(stream, NET_END_CUT, why);
	}
}

/* --- Time limits --- */

enum limit { LIMIT_NONE, LIMIT_CONNECT, LIMIT_IDLE, LIMIT_TOTAL };

/* The limit that is reached first, and when. */
static enum limit next_limit(const struct net_stream *stream, int64_t *at_ms)
{
	const struct net_stream_config *config = &stream->config;
	enum limit limit = LIMIT_NONE;
	*at_ms = INT64_MAX;
	if (!stream->is_connected) {
		limit = LIMIT_CONNECT;
		*at_ms = stream->opened_ms + config->connect_ms;
	} else if (config->idle_ms > 0 && !stream->is_paused) {
		limit = LIMIT_IDLE;
		*at_ms = stream->moved_ms + config->idle_ms;
	}
	if (config->total_ms > 0 && stream->opened_ms + (int64_t)config->total_ms <= *at_ms) {
		limit = LIMIT_TOTAL;
		*at_ms = stream->opened_ms + (int64_t)config->total_ms;
	}
	return limit;
}

static void watch_limit(struct net_stream *stream)
{
	int64_t at_ms;
	if (next_limit(stream, &at_ms) == LIMIT_NONE) {
		return;
	}
	/* Only ever moved to an earlier time: when it expires too early, it is set again. */
	if (!net_timer_is_set(&stream->limit) || stream->limit.at_ms > at_ms) {
		net_timers_set(&stream->loop->reactor.timers, &stream->limit, at_ms);
	}
}

static void finish_by_limit(struct net_stream *stream, enum limit limit)
{
	char why[WHY_MAX];
	switch (limit) {
	case LIMIT_NONE:
		return;
	case LIMIT_CONNECT:
		snprintf(why, sizeof why, "no connection within %" PRIu32 " ms", stream->config.connect_ms);
		finish(stream, NET_END_TIMEOUT, why);
		return;
	case LIMIT_IDLE:
		snprintf(why, sizeof why, "no octet within %" PRIu32 " ms, %" PRIu64 " octets received before",
		         stream->config.idle_ms, stream->received);
		finish(stream, NET_END_STALLED, why);
		return;
	case LIMIT_TOTAL:
		snprintf(why, sizeof why, "not done within %" PRIu64 " ms in all, %" PRIu64 " octets received",
		         stream->config.total_ms, stream->received);
		finish(stream, NET_END_TOO_LONG, why);
		return;
	}
}

static void limit_expired(struct net_timer *timer, struct moment now)
{
	struct net_stream *stream = net_link_owner(timer, struct net_stream, limit);
	int64_t at_ms;
	enum limit limit = next_limit(stream, &at_ms);
	if (limit != LIMIT_NONE && now.boot_ms >= at_ms) {
		finish_by_limit(stream, limit);
	} else {
		watch_limit(stream);
	}
}

/* --- Events --- */

static void stream_ready(struct net_watch *watch, uint32_t events, struct moment now);

/* While nothing is wanted the descriptor leaves the epoll set, or a reset would be told again and again. */
static bool watch_events(struct net_stream *stream)
{
	uint32_t events = 0;
	if (stream->is_connected && !stream->is_paused) {
		events |= EPOLLIN;
	}
	if (!stream->is_connected || net_output_pending(&stream->out) > 0) {
		events |= EPOLLOUT;
	}
	if (events == stream->events) {
		return true;
	}
	struct net_reactor *reactor = &stream->loop->reactor;
	bool was_watched = stream->events != 0;
	stream->events = events;
	if (!was_watched) {
		return net_reactor_watch(reactor, stream->fd, events, &stream->watch);
	}
	if (events == 0) {
		net_reactor_unwatch(reactor, stream->fd);
	} else {
		net_reactor_rewatch(reactor, stream->fd, events, &stream->watch);
	}
	return true;
}

/* Hands out the messages in what is kept and in `fresh`. */
static void serve(struct net_stream *stream, struct reader *fresh)
{
	enum net_frame frame = NET_FRAME_MESSAGE;
	while (frame == NET_FRAME_MESSAGE && !stream->is_over && !stream->is_paused) {
		const uint8_t *message = NULL;
		size_t len = 0;
		frame = net_frames_next(&stream->in, fresh, &message, &len);
		if (frame == NET_FRAME_MESSAGE) {
			stream->config.message(stream->config.self, message, len, stream->loop->reactor.now);
		}
	}
	if (stream->is_over) {
		return;
	}
	if (frame == NET_FRAME_BAD) {
		finish(stream, NET_END_BAD_FRAME, net_end_text(NET_END_BAD_FRAME));
		return;
	}
	net_frames_keep(&stream->in, fresh);
}

static void read_some(struct net_stream *stream)
{
	struct net_loop *loop = stream->loop;
	ssize_t got = net_receive_some(stream->fd, loop->received, NET_LOOP_RECEIVE_SIZE);
	if (got > 0) {
		stream->moved_ms = loop->reactor.now.boot_ms;
		stream->received += (uint64_t)got;
		struct reader fresh = reader_of(loop->received, (size_t)got);
		serve(stream, &fresh);
	} else if (got == -1) {
		finish_at_end(stream);
	} else if (got < -1) {
		finish_broken(stream, errno);
	}
}

static void write_some(struct net_stream *stream)
{
	size_t sent = 0;
	if (!net_output_send(&stream->out, stream->fd, &sent)) {
		stream->broken = errno;
	}
	if (sent > 0) {
		stream->moved_ms = stream->loop->reactor.now.boot_ms;
	}
}

static void connect_done(struct net_stream *stream, struct moment now)
{
	int reason = 0;
	socklen_t len = sizeof reason;
	if (getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &reason, &len) != 0) {
		reason = errno;
	}
	if (reason != 0) {
		finish_broken(stream, reason);
		return;
	}
	stream->is_connected = true;
	stream->moved_ms = now.boot_ms;
	if (stream->config.connected != NULL) {
		stream->config.connected(stream->config.self, now);
	}
}

static void stream_ready(struct net_watch *watch, uint32_t events, struct moment now)
{
	struct net_stream *stream = net_link_owner(watch, struct net_stream, watch);
	if (stream->is_over) {
		return;
	}
	if (!stream->is_connected) {
		connect_done(stream, now);
	} else if (!stream->is_paused && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
		read_some(stream); /* a reset too: what came before it is still there to be read */
	} else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		finish_broken(stream, ECONNRESET);
	}
	net_stream_settle(stream);
}

void net_stream_settle(struct net_stream *stream)
{
	if (!stream->is_over && !stream->is_paused && net_frames_has_message(&stream->in)) {
		struct reader nothing = reader_of(NULL, 0);
		serve(stream, &nothing);
	}
	if (stream->is_over) {
		return;
	}
	if (stream->is_connected && stream->broken == 0) {
		write_some(stream);
	}
	if (stream->broken != 0) {
		finish_broken(stream, stream->broken);
	} else if (!watch_events(stream)) {
		finish_broken(stream, errno);
	} else {
		watch_limit(stream);
	}
}

static void touch(struct net_stream *stream)
{
	if (!stream->is_over && net_link_is_alone(&stream->by_work)) {
		net_link_to_end(&stream->loop->touched, &stream->by_work);
	}
}

/* --- Opening --- */

static int begin_connect(int fd, const struct address *to)
{
	union net_socket_address remote;
	socklen_t len = net_socket_address_set(&remote, to);
	if (connect(fd, &remote.any, len) == 0 || errno == EINPROGRESS) {
		return 0; /* EPOLLOUT tells either way */
	}
	return errno;
}

struct net_stream *net_stream_open(struct net_loop *loop, const struct net_stream_config *config, struct error *error)
{
	ensure(config->to.family != ADDRESS_NONE && config->connect_ms >= 1);
	if (loop->stream_count >= loop->config.streams_max) {
		error_set(error, ERROR_LIMIT, "%" PRIu32 " TCP connections are under way", loop->stream_count);
		return NULL;
	}
	int fd = net_socket_client(&config->to, &config->from, SOCK_STREAM);
	if (fd < 0) {
		char text[ADDRESS_TEXT_MAX];
		error_set_errno(error, errno, "TCP socket from %s",
		                config->from.family == ADDRESS_NONE ? "any address"
		                                                    : address_to_text(&config->from, text));
		return NULL;
	}
	struct net_stream *stream = memory_new(sizeof *stream);
	*stream = (struct net_stream){
	        .watch = {.ready = stream_ready},
	        .loop = loop,
	        .limit = {.expired = limit_expired},
	        .config = *config,
	        .fd = fd,
	        .opened_ms = net_loop_now(loop).boot_ms,
	};
	stream->config.output_max = config->output_max == 0 ? OUTPUT_MAX_DEFAULT : config->output_max;
	net_link_init(&stream->link);
	net_link_init(&stream->by_work);
	net_link_to_end(&loop->streams, &stream->link);
	loop->stream_count++;
	stream->broken = begin_connect(fd, &config->to);
	touch(stream); /* what failed here is told from the next turn, like everything else */
	return stream;
}

/* --- For the owner --- */

bool net_stream_send(struct net_stream *stream, const uint8_t *bytes, size_t len)
{
	if (stream->is_over || net_output_pending(&stream->out) >= stream->config.output_max) {
		return false;
	}
	net_output_append_message(&stream->out, bytes, len);
	touch(stream);
	return true;
}

void net_stream_pause(struct net_stream *stream)
{
	stream->is_paused = true;
	touch(stream);
}

void net_stream_resume(struct net_stream *stream)
{
	if (stream->is_paused) {
		stream->is_paused = false;
		stream->moved_ms = net_loop_now(stream->loop).boot_ms;
		touch(stream);
	}
}

void net_stream_set_idle(struct net_stream *stream, uint32_t idle_ms)
{
	stream->config.idle_ms = idle_ms;
	touch(stream);
}

bool net_stream_is_clean(const struct net_stream *stream)
{
	return !stream->is_over && stream->is_connected && stream->broken == 0 && !stream->is_paused &&
	       net_output_pending(&stream->out) == 0 && net_frames_kept(&stream->in) == 0;
}

void net_stream_hand_over(struct net_stream *stream, const struct net_stream_config *config)
{
	ensure(stream->is_connected && !stream->is_over);
	uint32_t output_max = stream->config.output_max;
	stream->config = *config;
	stream->config.output_max = output_max;
	stream->received = 0;
	stream->opened_ms = stream->moved_ms = net_loop_now(stream->loop).boot_ms;
	touch(stream);
}

uint64_t net_stream_received(const struct net_stream *stream)
{
	return stream->received;
}

struct address net_stream_local(const struct net_stream *stream)
{
	return net_socket_local(stream->fd);
}
