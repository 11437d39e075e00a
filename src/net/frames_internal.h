/* SPDX-License-Identifier: MIT */
/* A stream of octets cut into messages by the two-octet length in front of each (RFC 1035 4.2.2). No sockets.
 *
 * Whole messages are given in place where the octets arrived; only what must wait is copied and kept.
 *
 * I1  What is kept holds at least one octet that was not given, or no memory but that of the message given last. */
#pragma once

#include "net/net.h"

struct net_frames {
	uint8_t *kept;
	size_t start; /* octets of `kept` before this were given */
	size_t end;
	size_t capacity; /* memory held */
};

enum net_frame {
	NET_FRAME_MESSAGE, /* one whole message */
	NET_FRAME_MORE,    /* all of `fresh` is taken in; more must arrive */
	NET_FRAME_BAD,     /* a length under NET_MESSAGE_MIN: the stream cannot go on */
};

/* The next message out of what is kept, then of `fresh`. `*message` is borrowed until the next call. */
enum net_frame net_frames_next(struct net_frames *frames, struct reader *fresh, const uint8_t **message, size_t *len);
/* Keeps what is left of `fresh` for later. */
void net_frames_keep(struct net_frames *frames, struct reader *fresh);
/* A whole message, or a bad one, is kept: net_frames_next() with an empty `fresh` would say something new. */
bool net_frames_has_message(const struct net_frames *frames);
/* Octets that are kept and not given, lengths included; 0: the stream is between two messages. */
static inline size_t net_frames_kept(const struct net_frames *frames)
{
	return frames->end - frames->start;
}
void net_frames_deinit(struct net_frames *frames);
