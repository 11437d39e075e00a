/* SPDX-License-Identifier: MIT */
/* Datagrams in batches: one recvmmsg, one call of the handler, one sendmmsg. Nothing is allocated on the way.
 *
 * I1  What a slot of the batch received (bytes, sender, control data) stays until its answer is sent.
 * I2  Where answers must name the address they leave from, the control data that came in goes out again. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/worker_internal.h"

/* Batches from one socket before the others get their turn. */
#define ROUNDS_MAX 8
/* Somebody is asking by datagrams: one came within so many ms. */
#define ASKED_LATELY_MS 20
#define HUGE_PAGE       (2u * 1024 * 1024)
#define CACHE_LINE      64

union control {
	size_t alignment; /* of struct cmsghdr */
	uint8_t v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	uint8_t v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct net_path {
	struct net_udp_socket *socket;
	union net_socket_address client;
	size_t control_len;    /* 0: the socket is bound to one address, which is the one that was asked */
	union control control; /* last, because a cmsghdr ends in an array without a size */
};

struct net_udp_batch {
	struct mmsghdr in[NET_BATCH_MAX];
	struct mmsghdr out[NET_BATCH_MAX];
	struct iovec in_room[NET_BATCH_MAX];
	struct iovec out_room[NET_BATCH_MAX];
	struct net_path paths[NET_BATCH_MAX];
	struct net_datagram datagrams[NET_BATCH_MAX];
	unsigned int size; /* how many of them are used */
	uint32_t answer_max;
	size_t answer_stride;
	uint8_t *answers;
};

/* Room of at least `size` octets per datagram, in an odd number of cache lines: with an even one, the first lines of all
 * datagrams would fall into a few sets of the cache. */
static size_t stride_of(size_t size)
{
	size_t lines = (size + CACHE_LINE - 1) / CACHE_LINE;
	return (lines | 1) * CACHE_LINE;
}

struct net_udp_batch *net_udp_batch_new(const struct net_config *config)
{
	size_t in_stride = stride_of(NET_DATAGRAM_IN_MAX);
	size_t answer_stride = stride_of(config->udp_answer_max);
	size_t head = stride_of(sizeof(struct net_udp_batch));
	size_t size = head + NET_BATCH_MAX * (in_stride + answer_stride);
	size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	/* One huge page for all of it, where the system gives one: the kernel and we touch all of it all the time. */
	struct net_udp_batch *batch = aligned_alloc(HUGE_PAGE, size);
	ensure(batch != NULL);
	(void)madvise(batch, size, MADV_HUGEPAGE);
	memset(batch, 0, head);
	batch->size = config->udp_batch;
	batch->answer_max = config->udp_answer_max;
	batch->answer_stride = answer_stride;
	uint8_t *received = (uint8_t *)batch + head;
	batch->answers = received + NET_BATCH_MAX * in_stride;
	for (size_t i = 0; i < NET_BATCH_MAX; i++) {
		batch->in_room[i] =
		        (struct iovec){.iov_base = received + i * in_stride, .iov_len = NET_DATAGRAM_IN_MAX};
		batch->in[i].msg_hdr = (struct msghdr){
		        .msg_name = &batch->paths[i].client,
		        .msg_iov = &batch->in_room[i],
		        .msg_iovlen = 1,
		        .msg_control = &batch->paths[i].control,
		};
		batch->out[i].msg_hdr = (struct msghdr){.msg_iov = &batch->out_room[i], .msg_iovlen = 1};
	}
	return batch;
}

void net_udp_batch_free(struct net_udp_batch *batch)
{
	free(batch);
}

/* --- Receiving --- */

/* The number of datagrams that were there; 0: none, or the socket had an error to tell, which is no datagram's. */
static unsigned int receive(struct net_udp_batch *batch, const struct net_udp_socket *udp_socket)
{
	socklen_t control_size = udp_socket->is_wildcard ? sizeof(union control) : 0;
	for (unsigned int i = 0; i < batch->size; i++) {
		batch->in[i].msg_hdr.msg_namelen = sizeof(union net_socket_address);
		batch->in[i].msg_hdr.msg_controllen = control_size;
	}
	for (;;) {
		int count = recvmmsg(udp_socket->fd, batch->in, batch->size, MSG_DONTWAIT, NULL);
		if (count >= 0) {
			return (unsigned int)count;
		}
		if (errno != EINTR) {
			return 0;
		}
	}
}

/* Fills in what the handler sees. Returns how many datagrams it sees. */
static size_t present(struct net_udp_batch *batch, struct net_udp_socket *udp_socket, unsigned int count)
{
	struct net_counters *counters = &udp_socket->worker->counters;
	size_t presented = 0;
	for (unsigned int i = 0; i < count; i++) {
		const struct mmsghdr *in = &batch->in[i];
		if ((in->msg_hdr.msg_flags & MSG_TRUNC) != 0) {
			net_count_add(&counters->datagrams_too_long, 1);
			continue;
		}
		struct net_path *path = &batch->paths[i];
		path->socket = udp_socket;
		path->control_len = in->msg_hdr.msg_controllen;
		batch->datagrams[presented] = (struct net_datagram){
		        .query = batch->in_room[i].iov_base,
		        .query_len = in->msg_len,
		        .answer = batch->answers + presented * batch->answer_stride,
		        .answer_capacity = batch->answer_max,
		        .path = path,
		};
		presented++;
	}
	return presented;
}

/* --- Which address was asked --- */

static struct cmsghdr *find_control(const struct net_path *path, int level, int type)
{
	struct msghdr message = {.msg_control = (void *)&path->control, .msg_controllen = path->control_len};
	for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
		if (at->cmsg_level == level && at->cmsg_type == type) {
			return at;
		}
	}
	return NULL;
}

static struct in_pktinfo *find_v4(const struct net_path *path)
{
	struct cmsghdr *found = find_control(path, IPPROTO_IP, IP_PKTINFO);
	return found == NULL ? NULL : (struct in_pktinfo *)(void *)CMSG_DATA(found);
}

static struct in6_pktinfo *find_v6(const struct net_path *path)
{
	struct cmsghdr *found = find_control(path, IPPROTO_IPV6, IPV6_PKTINFO);
	return found == NULL ? NULL : (struct in6_pktinfo *)(void *)CMSG_DATA(found);
}

static bool is_link_local(const struct in6_addr *address)
{
	return IN6_IS_ADDR_LINKLOCAL(address);
}

/* Turns the control data that came in into that which goes out (I2): the same address, but any interface, since the way
 * back may be another one. A link-local address means nothing without its interface. */
static void turn_control(struct net_path *path)
{
	if (path->socket->bound.family == ADDRESS_V4) {
		struct in_pktinfo *v4 = find_v4(path);
		if (v4 != NULL) {
			v4->ipi_ifindex =
			        0; /* ipi_spec_dst is the address of ours that was meant, for a broadcast too */
			return;
		}
	} else {
		struct in6_pktinfo *v6 = find_v6(path);
		if (v6 != NULL && !IN6_IS_ADDR_MULTICAST(&v6->ipi6_addr)) {
			v6->ipi6_ifindex = is_link_local(&v6->ipi6_addr) ? v6->ipi6_ifindex : 0;
			return;
		}
	}
	path->control_len = 0;
}

struct address net_datagram_client(const struct net_datagram *datagram)
{
	return address_from_socket(&datagram->path->client.any);
}

struct address net_datagram_local(const struct net_datagram *datagram)
{
	const struct net_path *path = datagram->path;
	struct address local = path->socket->bound;
	if (path->control_len == 0) {
		return local;
	}
	const struct in_pktinfo *v4 = local.family == ADDRESS_V4 ? find_v4(path) : NULL;
	const struct in6_pktinfo *v6 = local.family == ADDRESS_V6 ? find_v6(path) : NULL;
	if (v4 != NULL) {
		memcpy(local.bytes, &v4->ipi_spec_dst, sizeof v4->ipi_spec_dst);
	} else if (v6 != NULL) {
		memcpy(local.bytes, &v6->ipi6_addr, sizeof v6->ipi6_addr);
		local.scope_id = is_link_local(&v6->ipi6_addr) ? v6->ipi6_ifindex : 0;
	}
	return local;
}

/* --- Sending --- */

static socklen_t client_len(const struct net_path *path)
{
	return path->client.any.sa_family == AF_INET ? sizeof path->client.v4 : sizeof path->client.v6;
}

/* Lines the answers up for one sendmmsg. Returns their number. */
static unsigned int line_up(struct net_udp_batch *batch, size_t count)
{
	unsigned int lined = 0;
	for (size_t i = 0; i < count; i++) {
		const struct net_datagram *datagram = &batch->datagrams[i];
		if (datagram->answer_len == 0) {
			continue;
		}
		ensure(datagram->answer_len <= datagram->answer_capacity);
		struct net_path *path = (struct net_path *)datagram->path;
		if (path->control_len != 0) {
			turn_control(path);
		}
		batch->out_room[lined] = (struct iovec){.iov_base = datagram->answer, .iov_len = datagram->answer_len};
		struct msghdr *out = &batch->out[lined].msg_hdr;
		out->msg_name = &path->client;
		out->msg_namelen = client_len(path);
		out->msg_control = path->control_len != 0 ? &path->control : NULL;
		out->msg_controllen = path->control_len;
		lined++;
	}
	return lined;
}

/* Sends `count` messages. One that the system refuses is counted and left out; when its buffer is full, all that are left
 * are: whoever asked asks again, and waiting here would make everybody wait. */
static void send_all(struct net_worker *worker, int fd, struct mmsghdr *messages, unsigned int count)
{
	unsigned int done = 0;
	unsigned int sent = 0;
	while (done < count) {
		int taken = sendmmsg(fd, messages + done, count - done, MSG_DONTWAIT);
		if (taken > 0) {
			done += (unsigned int)taken;
			sent += (unsigned int)taken;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			break;
		} else if (errno != EINTR) {
			done++;
		}
	}
	net_count_add(&worker->counters.datagrams_out, sent);
	if (sent < count) {
		net_count_add(&worker->counters.datagrams_unsent, count - sent);
	}
}

/* One batch. Returns whether the batch was full, so that more is likely to wait. */
static bool serve_batch(struct net_udp_socket *udp_socket, struct moment now)
{
	struct net_worker *worker = udp_socket->worker;
	struct net_udp_batch *batch = worker->batch;
	unsigned int count = receive(batch, udp_socket);
	if (count == 0) {
		return false;
	}
	worker->datagram_came_ms = now.boot_ms;
	net_count_add(&worker->counters.batches, 1);
	net_count_add(&worker->counters.datagrams_in, count);
	size_t presented = present(batch, udp_socket, count);
	if (presented > 0) {
		worker->handler.datagrams(worker->handler.self, batch->datagrams, presented, now);
		send_all(worker, udp_socket->fd, batch->out, line_up(batch, presented));
	}
	net_reactor_quiescent(&worker->reactor);
	return count == batch->size;
}

static void serve(struct net_udp_socket *udp_socket, struct moment now)
{
	for (unsigned int round = 0; round < ROUNDS_MAX; round++) {
		if (!serve_batch(udp_socket, now)) {
			return;
		}
		now = net_reactor_clock(&udp_socket->worker->reactor);
	}
}

/* 64 KiB of a transfer are some 200 us of work, most of it the kernel's. Where somebody asks meanwhile, they wait for one
 * message of a transfer, which has 16 KiB; a look takes half a microsecond. */
size_t net_burst_size(const struct net_worker *worker)
{
	return worker->reactor.now.boot_ms - worker->datagram_came_ms <= ASKED_LATELY_MS ? 8192 : 65536;
}

/* A round of 64 connections that all send, or are sent, as much as they can takes tens of milliseconds and more; a
 * datagram that came meanwhile waits for one of them, not for all. */
void net_udp_serve_meanwhile(struct net_worker *worker)
{
	struct moment now = net_reactor_clock(&worker->reactor);
	bool had_share = now.boot_ms != worker->datagrams_at_ms || worker->sent_meanwhile >= net_burst_size(worker);
	if (!had_share || worker->is_stopping) {
		return;
	}
	worker->datagrams_at_ms = now.boot_ms;
	worker->sent_meanwhile = 0;
	for (struct net_link *at = worker->udp_sockets.after; at != &worker->udp_sockets; at = at->after) {
		serve_batch(net_link_owner(at, struct net_udp_socket, link), now);
	}
}

static void socket_ready(struct net_watch *watch, uint32_t events, struct moment now)
{
	(void)events;
	serve(net_link_owner(watch, struct net_udp_socket, watch), now);
}

/* --- Sockets --- */

bool net_udp_socket_add(struct net_worker *worker, int fd, const struct address *bound)
{
	struct net_udp_socket *udp_socket = memory_new(sizeof *udp_socket);
	*udp_socket = (struct net_udp_socket){
	        .watch = {.ready = socket_ready},
	        .worker = worker,
	        .fd = fd,
	        .is_wildcard = net_address_is_wildcard(bound),
	        .id = worker->next_socket_id,
	        .bound = *bound,
	};
	worker->next_socket_id++;
	if (!net_reactor_watch(&worker->reactor, fd, EPOLLIN, &udp_socket->watch)) {
		int reason = errno;
		close(fd);
		free(udp_socket);
		errno = reason;
		return false;
	}
	net_link_init(&udp_socket->link);
	net_link_to_end(&worker->udp_sockets, &udp_socket->link);
	return true;
}

void net_udp_socket_hush(struct net_udp_socket *udp_socket)
{
	serve(udp_socket, udp_socket->worker->reactor.now);
	net_reactor_rewatch(&udp_socket->worker->reactor, udp_socket->fd, 0, &udp_socket->watch);
}

void net_udp_socket_close(struct net_udp_socket *udp_socket, bool answers_first)
{
	if (answers_first) {
		serve(udp_socket, udp_socket->worker->reactor.now);
	}
	close(udp_socket->fd);
	net_link_remove(&udp_socket->link);
	free(udp_socket);
}

/* --- Deferred answers --- */

struct net_return net_datagram_defer(const struct net_datagram *datagram)
{
	struct net_udp_socket *udp_socket = datagram->path->socket;
	udp_socket->worker->deferred_datagrams++;
	return (struct net_return){
	        .id = udp_socket->id,
	        .client = net_datagram_client(datagram),
	        .local = net_datagram_local(datagram),
	};
}

static struct net_udp_socket *find_socket(struct net_worker *worker, uint64_t id)
{
	for (struct net_link *at = worker->udp_sockets.after; at != &worker->udp_sockets; at = at->after) {
		struct net_udp_socket *udp_socket = net_link_owner(at, struct net_udp_socket, link);
		if (udp_socket->id == id) {
			return udp_socket;
		}
	}
	return NULL;
}

static void write_one_control(struct net_path *path, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *header = (struct cmsghdr *)(void *)&path->control;
	header->cmsg_len = CMSG_LEN(len);
	header->cmsg_level = level;
	header->cmsg_type = type;
	memcpy(CMSG_DATA(header), data, len);
	path->control_len = CMSG_SPACE(len);
}

/* Control data that lets a datagram leave from `local`. */
static void write_control(struct net_path *path, const struct address *local)
{
	if (local->family == ADDRESS_V4) {
		struct in_pktinfo v4 = {0};
		memcpy(&v4.ipi_spec_dst, local->bytes, sizeof v4.ipi_spec_dst);
		write_one_control(path, IPPROTO_IP, IP_PKTINFO, &v4, sizeof v4);
	} else {
		struct in6_pktinfo v6 = {.ipi6_ifindex = local->scope_id};
		memcpy(&v6.ipi6_addr, local->bytes, sizeof v6.ipi6_addr);
		write_one_control(path, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof v6);
	}
}

void net_udp_answer(struct net_worker *worker, const struct net_return *way, const uint8_t *answer, size_t len)
{
	if (worker->deferred_datagrams > 0) {
		worker->deferred_datagrams--;
	}
	struct net_udp_socket *udp_socket = find_socket(worker, way->id);
	if (udp_socket == NULL || len == 0) {
		return;
	}
	struct net_path path = {.socket = udp_socket};
	net_socket_address_set(&path.client, &way->client);
	if (udp_socket->is_wildcard && !net_address_is_wildcard(&way->local)) {
		write_control(&path, &way->local);
	}
	struct iovec room = {.iov_base = (void *)answer, .iov_len = len};
	struct mmsghdr message = {.msg_hdr = {.msg_name = &path.client,
	                                      .msg_namelen = client_len(&path),
	                                      .msg_iov = &room,
	                                      .msg_iovlen = 1,
	                                      .msg_control = path.control_len != 0 ? &path.control : NULL,
	                                      .msg_controllen = path.control_len}};
	send_all(worker, udp_socket->fd, &message, 1);
}
