/* SPDX-License-Identifier: MIT */
/* The addresses that questions come to: those of the first configuration, and what a reload makes of them. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "server/server_internal.h"

/* Both wildcards at port 53 are what nobody had to write: "every address that there is". */
static bool is_default(const struct conf_addresses *listen)
{
	static const uint8_t nothing[sizeof listen->items[0].bytes];
	bool all = listen->count == 2;
	for (size_t i = 0; i < listen->count; i++) {
		all = all && memcmp(listen->items[i].bytes, nothing, sizeof nothing) == 0 &&
		      listen->items[i].port == 53;
	}
	return all && listen->items[0].family != listen->items[1].family;
}

static bool machine_has_ipv6(void)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 ? bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 || errno != EADDRNOTAVAIL
	                   : errno != EAFNOSUPPORT;
	if (fd >= 0) {
		close(fd);
	}
	return has;
}

static bool has_address(const struct conf_addresses *addresses, const struct address *address)
{
	for (size_t i = 0; i < addresses->count; i++) {
		if (address_equal(&addresses->items[i], address)) {
			return true;
		}
	}
	return false;
}

static bool listen_on(struct server *server, const struct address *address, bool may_be_absent, struct error *error)
{
	struct address bound;
	char text[ADDRESS_TEXT_MAX];
	if (may_be_absent && address->family == ADDRESS_V6 && !machine_has_ipv6()) {
		log_warning("not listening on %s: this machine has no IPv6", address_to_text(address, text));
		return true;
	}
	if (!net_workers_listen(server->nets, server->worker_count, address, &bound, error)) {
		return false;
	}
	log_notice("listening on %s, UDP and TCP", address_to_text(&bound, text));
	return true;
}

/* Takes away the first `count` of `addresses` that `others` lack. */
static void unlisten(struct server *server, const struct conf_addresses *addresses, size_t count,
                     const struct conf_addresses *others)
{
	char text[ADDRESS_TEXT_MAX];
	for (size_t i = 0; i < count; i++) {
		const struct address *address = &addresses->items[i];
		if (!has_address(others, address) &&
		    net_workers_unlisten(server->nets, server->worker_count, address)) {
			log_notice("no longer listening on %s", address_to_text(address, text));
		}
	}
}

bool server_listen(struct server *server, const struct conf_addresses *before, const struct conf_addresses *after,
                   struct error *error)
{
	bool ipv6_may_be_absent = is_default(after);
	for (size_t i = 0; i < after->count; i++) {
		if (!has_address(before, &after->items[i]) &&
		    !listen_on(server, &after->items[i], ipv6_may_be_absent, error)) {
			unlisten(server, after, i, before);
			return false;
		}
	}
	unlisten(server, before, before->count, after);
	return true;
}
