/* SPDX-License-Identifier: MIT */
/* How many files and sockets the process may have open, and who gets them. Clients come last: were they to take the last
 * descriptor, no zone could be read, written or transferred, and no operator heard. */
#include <inttypes.h>
#include <sys/resource.h>

#include "base/log.h"
#include "server/server_internal.h"

/* Connections of the API and the copies of zones that they download; what libmicrohttpd holds beside them; those that are
 * taken in the place of others, before these are gone. */
#define DESCRIPTORS_CONTROL (4 * CONTROL_CONNECTIONS_MAX + CONTROL_BACKLOG)
/* Listening sockets, epoll and event descriptors, the store, zone files and what they include, the log. */
#define DESCRIPTORS_OWN 256

static uint64_t raise_limit(uint64_t wanted)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
		return wanted;
	}
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
			getrlimit(RLIMIT_NOFILE, &limit);
		}
	}
	return limit.rlim_cur;
}

uint32_t descriptors_for_connections(const struct conf_server *conf)
{
	uint64_t others = conf->refresh_queries + conf->transfers_in + DESCRIPTORS_CONTROL + DESCRIPTORS_OWN;
	uint64_t wanted = conf->tcp_connections + others;
	uint64_t limit = raise_limit(wanted);
	if (limit >= wanted) {
		return conf->tcp_connections;
	}
	others = others < limit / 2 ? others : limit / 2;
	if (limit - others >= conf->tcp_connections) {
		return conf->tcp_connections; /* few enough as they are */
	}
	uint32_t connections = (uint32_t)(limit - others);
	log_warning("tcp-connections is %u, but this process may open %" PRIu64
	            " files only: %u connections are taken; "
	            "raise the limit (ulimit -n, LimitNOFILE)",
	            conf->tcp_connections, limit, connections);
	return connections;
}
