/* SPDX-License-Identifier: MIT */
/* Sockets made the way this folder wants them. All are non-blocking and closed on exec. */
#pragma once

#include <netinet/in.h>

#include "net/net.h"

/* Room for the socket calls' form of an address of either family. */
union net_socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* The length of what was written. */
socklen_t net_socket_address_set(union net_socket_address *out, const struct address *address);
/* 0.0.0.0 or ::. */
bool net_address_is_wildcard(const struct address *address);
/* The address that the socket is bound to; family ADDRESS_NONE when the system does not say. */
struct address net_socket_local(int fd);

/* A bound socket for a worker, SOCK_DGRAM or SOCK_STREAM; a stream one listens. `exclusive`: fails when anything else has
 * the address, ours too; sockets made after it, and not exclusive, share the address with it. -1 with errno. */
int net_socket_listen(const struct address *address, int type, bool exclusive, const struct net_config *config);

/* A socket for the client side, bound to `from` where that is not ADDRESS_NONE. -1 with errno. */
int net_socket_client(const struct address *to, const struct address *from, int type);
