/* SPDX-License-Identifier: MIT */
#include "net/sockets_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

socklen_t net_socket_address_set(union net_socket_address *out, const struct address *address)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(address, &storage);
	ensure(len <= sizeof *out);
	memcpy(out, &storage, len);
	return len;
}

bool net_address_is_wildcard(const struct address *address)
{
	static const uint8_t zero[sizeof address->bytes];
	return memcmp(address->bytes, zero, sizeof zero) == 0;
}

struct address net_socket_local(int fd)
{
	union net_socket_address local = {0};
	socklen_t len = sizeof local;
	if (getsockname(fd, &local.any, &len) != 0) {
		return (struct address){.family = ADDRESS_NONE};
	}
	return address_from_socket(&local.any);
}

static int family_of(const struct address *address)
{
	return address->family == ADDRESS_V4 ? AF_INET : AF_INET6;
}

static bool set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* For options that make things better but not right. */
static void set_if_possible(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof value);
}

/* Closes without losing the reason. Always -1. */
static int give_up(int fd)
{
	int reason = errno;
	close(fd);
	errno = reason;
	return -1;
}

static void set_datagram_options(int fd, const struct address *address, const struct net_config *config)
{
	bool v4 = address->family == ADDRESS_V4;
	/* A path MTU that somebody forged must not make us fragment, and answers are small enough for any path. */
	if (v4) {
		set_if_possible(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	} else {
		set_if_possible(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
	}
	if (config->udp_buffer > 0) {
		set_if_possible(fd, SOL_SOCKET, SO_RCVBUF, (int)config->udp_buffer);
		set_if_possible(fd, SOL_SOCKET, SO_SNDBUF, (int)config->udp_buffer);
	}
}

/* Connections have these from the socket that accepts them. */
static void set_stream_options(int fd, const struct net_config *config)
{
	/* Answers are gathered before they are sent, so that there is nothing to wait for. */
	set_if_possible(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (config->tcp_send_buffer > 0) {
		set_if_possible(fd, SOL_SOCKET, SO_SNDBUF, (int)config->tcp_send_buffer);
	}
}

/* Which address was asked comes with each datagram only where it is not plain. */
static bool set_asked_address(int fd, const struct address *address)
{
	if (!net_address_is_wildcard(address)) {
		return true;
	}
	return address->family == ADDRESS_V4 ? set(fd, IPPROTO_IP, IP_PKTINFO, 1)
	                                     : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

static bool bind_to(int fd, const struct address *address, bool exclusive)
{
	union net_socket_address local;
	socklen_t len = net_socket_address_set(&local, address);
	if (address->family == ADDRESS_V6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) {
		return false;
	}
	if (!exclusive && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) {
		return false;
	}
	if (bind(fd, &local.any, len) != 0) {
		return false;
	}
	/* Shared from now on, so that the first socket of an address is one like the others; but had anybody else had
	 * the address, the bind would have failed. */
	return !exclusive || set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

int net_socket_listen(const struct address *address, int type, bool exclusive, const struct net_config *config)
{
	int fd = socket(family_of(address), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	bool ready = true;
	if (type == SOCK_STREAM) {
		/* Connections of a server that ended a moment ago linger in TIME_WAIT; they are no reason to fail. */
		ready = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		set_stream_options(fd, config);
	} else {
		set_datagram_options(fd, address, config);
		ready = set_asked_address(fd, address);
	}
	ready = ready && bind_to(fd, address, exclusive);
	ready = ready && (type != SOCK_STREAM || listen(fd, (int)config->tcp_backlog) == 0);
	return ready ? fd : give_up(fd);
}

int net_socket_client(const struct address *to, const struct address *from, int type)
{
	int fd = socket(family_of(to), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -1;
	}
	if (type == SOCK_STREAM) {
		set_if_possible(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		/* The port is chosen when the connection is made, so that one source address can have far more of them. */
		set_if_possible(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	}
	if (from->family == ADDRESS_NONE) {
		return fd;
	}
	if (from->family != to->family) {
		errno = EAFNOSUPPORT;
		return give_up(fd);
	}
	union net_socket_address local;
	socklen_t len = net_socket_address_set(&local, from);
	return bind(fd, &local.any, len) == 0 ? fd : give_up(fd);
}
