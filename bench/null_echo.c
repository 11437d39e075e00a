/* SPDX-License-Identifier: MIT */
/* A UDP server that sends each query back as its own answer: the ceiling for everything that answers over sockets.
 *
 *   null_echo plain  ADDR@PORT SECONDS   nothing but recvmmsg and sendmmsg
 *   null_echo worker ADDR@PORT SECONDS   a net_worker with a handler that copies
 *
 * Prints what one datagram cost, e.g. while `dnsperf -s ADDR -p PORT -d FILE -c 20 -l SECONDS` runs. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/net.h"

#define PLAIN_SIZE 2112 /* 33 cache lines, as in the worker */

struct tally {
	uint64_t datagrams;
	uint64_t batches;
};

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void report(const char *what, const struct tally *tally)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	double datagrams = tally->datagrams == 0 ? 1 : (double)tally->datagrams;
	printf("%s: %" PRIu64 " datagrams, %.1f per batch, %.3f us user and %.3f us system each\n", what,
	       tally->datagrams, datagrams / (tally->batches == 0 ? 1 : (double)tally->batches),
	       seconds_of(usage.ru_utime) * 1e6 / datagrams, seconds_of(usage.ru_stime) * 1e6 / datagrams);
}

static int64_t now_ms(void)
{
	return clock_now().boot_ms;
}

static int bind_plain(const struct address *address)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(address, &storage);
	int size = 1024 * 1024;
	int fd = socket(storage.ss_family, SOCK_DGRAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (bind(fd, (struct sockaddr *)&storage, len) != 0) {
		perror("bind");
		exit(1);
	}
	return fd;
}

static void run_plain(const struct address *address, int64_t until_ms, struct tally *tally)
{
	static uint8_t bytes[NET_BATCH_MAX][PLAIN_SIZE];
	static struct sockaddr_in6 names[NET_BATCH_MAX];
	static struct iovec rooms[NET_BATCH_MAX];
	static struct mmsghdr messages[NET_BATCH_MAX];
	struct pollfd poller = {.fd = bind_plain(address), .events = POLLIN};
	while (now_ms() < until_ms) {
		for (size_t i = 0; i < NET_BATCH_MAX; i++) {
			rooms[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof bytes[i]};
			messages[i].msg_hdr = (struct msghdr){.msg_name = &names[i],
			                                      .msg_namelen = sizeof names[i],
			                                      .msg_iov = &rooms[i],
			                                      .msg_iovlen = 1};
		}
		poll(&poller, 1, 100);
		int count = recvmmsg(poller.fd, messages, NET_BATCH_MAX, MSG_DONTWAIT, NULL);
		if (count <= 0) {
			continue;
		}
		for (int i = 0; i < count; i++) {
			bytes[i][2] |= 0x80; /* QR, so that a load generator takes it for an answer */
			rooms[i].iov_len = messages[i].msg_len;
		}
		sendmmsg(poller.fd, messages, (unsigned int)count, MSG_DONTWAIT);
		tally->datagrams += (uint64_t)count;
		tally->batches++;
	}
	close(poller.fd);
}

static void on_datagrams(void *self, struct net_datagram *batch, size_t count, struct moment now)
{
	(void)self;
	(void)now;
	for (size_t i = 0; i < count; i++) {
		if (batch[i].query_len >= NET_MESSAGE_MIN && batch[i].query_len <= batch[i].answer_capacity) {
			memcpy(batch[i].answer, batch[i].query, batch[i].query_len);
			batch[i].answer[2] |= 0x80;
			batch[i].answer_len = batch[i].query_len;
		}
	}
}

static void on_message(void *self, struct net_message *message, struct moment now)
{
	(void)self;
	(void)now;
	memcpy(message->answer, message->query, message->query_len);
	message->answer[2] |= 0x80;
	message->answer_len = message->query_len;
}

static void run_worker(const struct address *address, int64_t until_ms, struct tally *tally)
{
	struct net_config config = net_config_default();
	struct net_handler handler = {.datagrams = on_datagrams, .message = on_message};
	struct error error;
	struct net_worker *worker = net_worker_new(&config, &handler, &error);
	if (worker == NULL || !net_workers_listen(&worker, 1, address, NULL, &error)) {
		fprintf(stderr, "null_echo: %s\n", error.text);
		exit(1);
	}
	while (now_ms() < until_ms) {
		net_worker_turn(worker, 100);
	}
	const struct net_counters *counters = net_worker_counters(worker);
	tally->datagrams = net_count_read(&counters->datagrams_in);
	tally->batches = net_count_read(&counters->batches);
	printf("worker: %" PRIu64 " messages over %" PRIu64 " connections\n", net_count_read(&counters->messages_in),
	       net_count_read(&counters->connections_accepted));
	net_worker_free(worker);
}

int main(int argc, char **argv)
{
	struct address address;
	struct error error;
	if (argc != 4 || (strcmp(argv[1], "plain") != 0 && strcmp(argv[1], "worker") != 0)) {
		fprintf(stderr, "usage: null_echo plain|worker ADDR@PORT SECONDS\n");
		return 2;
	}
	if (!address_from_text(argv[2], 0, &address, &error)) {
		fprintf(stderr, "null_echo: %s\n", error.text);
		return 2;
	}
	struct tally tally = {0};
	int64_t until_ms = now_ms() + strtoll(argv[3], NULL, 10) * 1000;
	if (strcmp(argv[1], "plain") == 0) {
		run_plain(&address, until_ms, &tally);
	} else {
		run_worker(&address, until_ms, &tally);
	}
	report(argv[1], &tally);
	return 0;
}
