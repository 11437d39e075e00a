/* SPDX-License-Identifier: MIT */
/* Octets that wait until a socket takes them.
 *
 * I1  No memory is held while nothing waits. */
#pragma once

#include "net/net.h"

struct net_output {
	uint8_t *bytes;
	size_t start; /* octets before this were sent */
	size_t end;
	size_t capacity; /* memory held */
};

static inline size_t net_output_pending(const struct net_output *output)
{
	return output->end - output->start;
}

void net_output_append(struct net_output *output, const uint8_t *bytes, size_t len);
/* One message with its two-octet length in front. */
void net_output_append_message(struct net_output *output, const uint8_t *bytes, size_t len);
/* Sends what the socket takes now. `*sent`: how many octets. False with errno: the connection is broken. */
MUST_USE bool net_output_send(struct net_output *output, int fd, size_t *sent);
void net_output_deinit(struct net_output *output);

/* One send(2) without blocking or signal: the number of octets the socket took, which may be 0; -1: broken, see errno. */
ssize_t net_send_some(int fd, const uint8_t *bytes, size_t len);
/* One recv(2): the number of octets, 0 when there is nothing now, -1 at the end of the stream, -2: broken, see errno. */
ssize_t net_receive_some(int fd, uint8_t *bytes, size_t capacity);
