/* SPDX-License-Identifier: MIT */
#include "net/output_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"

void net_output_append(struct net_output *output, const uint8_t *bytes, size_t len)
{
	if (len == 0) {
		return;
	}
	size_t needed = net_output_pending(output) + len;
	if (output->start > 0 && output->end + len > output->capacity) {
		memmove(output->bytes, output->bytes + output->start, net_output_pending(output));
		output->end -= output->start;
		output->start = 0;
	}
	memory_reserve((void **)&output->bytes, &output->capacity, output->start + needed, 1);
	memcpy(output->bytes + output->end, bytes, len);
	output->end += len;
}

void net_output_append_message(struct net_output *output, const uint8_t *bytes, size_t len)
{
	ensure(len >= 1 && len <= NET_MESSAGE_MAX);
	uint8_t length[2];
	store_u16(length, (uint16_t)len);
	net_output_append(output, length, sizeof length);
	net_output_append(output, bytes, len);
}

bool net_output_send(struct net_output *output, int fd, size_t *sent)
{
	*sent = 0;
	while (net_output_pending(output) > 0) {
		ssize_t taken = net_send_some(fd, output->bytes + output->start, net_output_pending(output));
		if (taken < 0) {
			return false;
		}
		if (taken == 0) {
			return true;
		}
		output->start += (size_t)taken;
		*sent += (size_t)taken;
	}
	net_output_deinit(output);
	return true;
}

void net_output_deinit(struct net_output *output)
{
	free(output->bytes);
	*output = (struct net_output){0};
}

ssize_t net_send_some(int fd, const uint8_t *bytes, size_t len)
{
	for (;;) {
		ssize_t taken = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (taken >= 0) {
			return taken;
		}
		if (errno == EAGAIN || errno == ENOBUFS) {
			return 0;
		}
		if (errno != EINTR) {
			return -1;
		}
	}
}

ssize_t net_receive_some(int fd, uint8_t *bytes, size_t capacity)
{
	for (;;) {
		ssize_t got = recv(fd, bytes, capacity, MSG_DONTWAIT);
		if (got > 0) {
			return got;
		}
		if (got == 0) {
			return -1;
		}
		if (errno == EAGAIN) {
			return 0;
		}
		if (errno != EINTR) {
			return -2;
		}
	}
}
