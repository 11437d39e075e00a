/* SPDX-License-Identifier: MIT */
/* Listen addresses: bound on the caller's thread for all workers at once, so that a failure is told before anything
 * serves, then handed to the workers as letters.
 *
 * I1  The first socket of an address is bound alone and shared only then: had another process the address, or did
 *     we already, the bind fails. SO_REUSEPORT alone would let two servers of one user share it silently. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "net/worker_internal.h"

/* Tries to find a port that is free for both UDP and TCP. */
#define PORT_TRIES 32

/* --- Binding --- */

static void close_sockets(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
			fds[i] = -1;
		}
	}
}

static bool bind_error(const struct address *address, int type, struct error *error)
{
	int reason = errno;
	char text[ADDRESS_TEXT_MAX];
	return error_set_errno(error, reason, "listen %s (%s)", address_to_text(address, text),
	                       type == SOCK_DGRAM ? "UDP" : "TCP");
}

/* One socket of a kind per worker. On failure none is open. */
static bool bind_kind(const struct address *address, int type, const struct net_config *config, int *fds, size_t count,
                      struct error *error)
{
	struct address bound = *address;
	for (size_t i = 0; i < count; i++) {
		fds[i] = net_socket_listen(&bound, type, i == 0, config);
		if (fds[i] < 0) {
			bind_error(&bound, type, error);
			close_sockets(fds, i);
			return false;
		}
		bound.port = net_socket_local(fds[0]).port;
	}
	return true;
}

/* UDP sockets into fds[0 .. count), TCP sockets into fds[count .. 2 count). */
static bool bind_both(const struct address *address, const struct net_config *config, int *fds, size_t count,
                      struct address *bound, struct error *error)
{
	if (!bind_kind(address, SOCK_DGRAM, config, fds, count, error)) {
		return false;
	}
	*bound = *address;
	bound->port = net_socket_local(fds[0]).port;
	if (!bind_kind(bound, SOCK_STREAM, config, fds + count, count, error)) {
		close_sockets(fds, count);
		return false;
	}
	return true;
}

static bool bind_all(const struct address *address, const struct net_config *config, int *fds, size_t count,
                     struct address *bound, struct error *error)
{
	/* The port that the kernel chose for UDP may be taken on TCP; then it chooses again. */
	unsigned int tries_left = address->port == 0 ? PORT_TRIES : 1;
	bool is_bound = false;
	while (!is_bound && tries_left > 0) {
		is_bound = bind_both(address, config, fds, count, bound, error);
		tries_left--;
	}
	return is_bound;
}

/* --- Handing over --- */

struct handover {
	struct net_worker *worker;
	struct address bound;
	int udp_fd;
	int tcp_fd;
};

static void take_over(void *context, struct moment now)
{
	(void)now;
	struct handover *handover = context;
	struct net_worker *worker = handover->worker;
	bool udp = net_udp_socket_add(worker, handover->udp_fd, &handover->bound);
	bool tcp = net_acceptor_add(worker, handover->tcp_fd, &handover->bound);
	if (!udp || !tcp) {
		char text[ADDRESS_TEXT_MAX];
		log_error("listen %s: a worker cannot watch its socket; raise fs.epoll.max_user_watches",
		          address_to_text(&handover->bound, text));
	}
	free(handover);
}

static void hand_over(struct net_worker *worker, const struct address *bound, int udp_fd, int tcp_fd)
{
	struct handover *handover = memory_new(sizeof *handover);
	*handover = (struct handover){.worker = worker, .bound = *bound, .udp_fd = udp_fd, .tcp_fd = tcp_fd};
	switch (net_mailbox_claim_or_put(&worker->reactor.mailbox, take_over, handover)) {
	case NET_CLAIMED: /* its thread does not run: we are it for a moment */
		take_over(handover, worker->reactor.now);
		net_mailbox_release(&worker->reactor.mailbox);
		break;
	case NET_LETTER_PUT:
		break;
	case NET_MAILBOX_CLOSED: /* it has stopped: as if it had taken the address and closed it */
		close(udp_fd);
		close(tcp_fd);
		free(handover);
		break;
	}
}

bool net_workers_listen(struct net_worker *const *workers, size_t count, const struct address *address,
                        struct address *bound, struct error *error)
{
	ensure(count > 0 && address->family != ADDRESS_NONE);
	int *fds = memory_new_array(2 * count, sizeof *fds);
	struct address chosen;
	bool is_bound = bind_all(address, &workers[0]->config_at_birth, fds, count, &chosen, error);
	for (size_t i = 0; is_bound && i < count; i++) {
		hand_over(workers[i], &chosen, fds[i], fds[count + i]);
	}
	free(fds);
	if (is_bound && bound != NULL) {
		*bound = chosen;
	}
	return is_bound;
}

/* --- Taking away --- */

struct removal {
	struct net_worker *worker;
	const struct address *address;
	bool was_there;
	bool is_done;
	pthread_mutex_t lock; /* guards is_done and was_there */
	pthread_cond_t done;
};

static bool remove_udp(struct net_worker *worker, const struct address *address, bool serves)
{
	for (struct net_link *at = worker->udp_sockets.after; at != &worker->udp_sockets; at = at->after) {
		struct net_udp_socket *udp_socket = net_link_owner(at, struct net_udp_socket, link);
		if (address_equal(&udp_socket->bound, address)) {
			net_udp_socket_close(udp_socket, serves);
			return true;
		}
	}
	return false;
}

static bool remove_acceptor(struct net_worker *worker, const struct address *address, bool serves)
{
	for (struct net_link *at = worker->acceptors.after; at != &worker->acceptors; at = at->after) {
		struct net_acceptor *acceptor = net_link_owner(at, struct net_acceptor, link);
		if (address_equal(&acceptor->bound, address)) {
			net_acceptor_close(acceptor, serves);
			return true;
		}
	}
	return false;
}

static void remove_address(void *context, struct moment now)
{
	(void)now;
	struct removal *removal = context;
	bool had_udp = remove_udp(removal->worker, removal->address, true);
	bool had_tcp = remove_acceptor(removal->worker, removal->address, true);
	pthread_mutex_lock(&removal->lock);
	removal->was_there = had_udp || had_tcp;
	removal->is_done = true;
	pthread_cond_signal(&removal->done);
	pthread_mutex_unlock(&removal->lock);
}

static void wait_until_done(struct removal *removal)
{
	pthread_mutex_lock(&removal->lock);
	while (!removal->is_done) {
		pthread_cond_wait(&removal->done, &removal->lock);
	}
	pthread_mutex_unlock(&removal->lock);
}

static bool remove_from(struct net_worker *worker, const struct address *address)
{
	struct removal removal = {.worker = worker,
	                          .address = address,
	                          .lock = PTHREAD_MUTEX_INITIALIZER,
	                          .done = PTHREAD_COND_INITIALIZER};
	struct net_mailbox *mailbox = &worker->reactor.mailbox;
	switch (net_mailbox_claim_or_put(mailbox, remove_address, &removal)) {
	case NET_CLAIMED: /* its thread does not run, and its handler is not ours to call */
		removal.was_there = remove_udp(worker, address, false);
		removal.was_there = remove_acceptor(worker, address, false) || removal.was_there;
		net_mailbox_release(mailbox);
		break;
	case NET_LETTER_PUT:
		wait_until_done(&removal);
		break;
	case NET_MAILBOX_CLOSED:
		break;
	}
	return removal.was_there;
}

bool net_workers_unlisten(struct net_worker *const *workers, size_t count, const struct address *address)
{
	bool was_there = false;
	for (size_t i = 0; i < count; i++) {
		was_there = remove_from(workers[i], address) || was_there;
	}
	return was_there;
}
