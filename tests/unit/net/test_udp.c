/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "rig.h"

/* Fails the test when nothing comes. Returns its length and who sent it. */
static size_t receive(struct rig *rig, int fd, uint8_t *out, size_t size, struct address *from)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof storage;
	ssize_t got = -1;
	RIG_UNTIL(rig, (got = recvfrom(fd, out, size, 0, (struct sockaddr *)&storage, &len)) >= 0);
	if (from != NULL) {
		*from = address_from_socket((struct sockaddr *)&storage);
	}
	return (size_t)got;
}

static void expect_echo(struct rig *rig, int fd, const void *bytes, size_t len)
{
	uint8_t got[65536];
	assert_int_equal(send(fd, bytes, len, 0), len);
	assert_int_equal(receive(rig, fd, got, sizeof got, NULL), len);
	assert_memory_equal(got, bytes, len);
}

static void expect_batches(const char *address)
{
	struct rig rig;
	rig_init(&rig, address, NULL);
	int fd = udp_client(NULL, &rig.bound);
	uint8_t seen[200] = {0};
	for (uint8_t i = 0; i < 200; i++) {
		uint8_t query[12] = {i};
		assert_int_equal(send(fd, query, sizeof query, 0), sizeof query);
	}
	for (size_t i = 0; i < 200; i++) {
		uint8_t got[100];
		assert_int_equal(receive(&rig, fd, got, sizeof got, NULL), 12);
		seen[got[0]]++;
	}
	for (size_t i = 0; i < 200; i++) {
		assert_int_equal(seen[i], 1);
	}
	assert_in_range(rig.batches, 4, 20); /* 64 + 64 + 64 + 8, or more when some came late */
	const struct net_counters *counters = net_worker_counters(rig.worker);
	assert_int_equal(rig_count(&counters->datagrams_in), 200);
	assert_int_equal(rig_count(&counters->datagrams_out), 200);
	assert_int_equal(rig_count(&counters->datagrams_unsent), 0);
	assert_int_equal(rig_count(&counters->batches), rig.batches);
	assert_true(rig.quiescent >= 4);
	close(fd);
	rig_deinit(&rig);
}

TEST(datagrams_are_answered_in_batches_over_ipv4)
{
	expect_batches("127.0.0.1");
}

TEST(datagrams_are_answered_in_batches_over_ipv6)
{
	need_ipv6();
	expect_batches("::1");
}

/* The client's socket is connected, so that it takes the answer only from the very address that it asked. */
TEST(answer_leaves_from_the_address_that_was_asked_at_a_wildcard)
{
	struct rig rig;
	rig_init(&rig, "0.0.0.0", NULL);
	static const char *const asked[] = {"127.0.0.1", "127.0.0.2", "127.9.8.7"};
	for (size_t i = 0; i < ARRAY_LENGTH(asked); i++) {
		struct address to = text_address(asked[i]);
		to.port = rig.bound.port;
		int fd = udp_client("127.0.0.1", &to);
		expect_echo(&rig, fd, "0123456789ab", 12);
		assert_true(address_equal(&rig.asked, &to));
		close(fd);
	}
	rig_deinit(&rig);
}

TEST(answer_leaves_from_the_address_that_was_asked_at_an_ipv6_wildcard)
{
	need_ipv6();
	struct rig rig;
	rig_init(&rig, "::", NULL);
	struct address to = text_address("::1");
	to.port = rig.bound.port;
	int fd = udp_client(NULL, &to);
	expect_echo(&rig, fd, "0123456789ab", 12);
	assert_true(address_equal(&rig.asked, &to));
	close(fd);
	rig_deinit(&rig);
}

/* The kernel chose the port for IPv6; another program may have it on IPv4. */
static void init_with_both_wildcards(struct rig *rig)
{
	struct error error;
	bool has_both = false;
	for (size_t i = 0; i < 50 && !has_both; i++) {
		rig_init(rig, "::", NULL);
		struct address v4 = text_address("0.0.0.0");
		v4.port = rig->bound.port;
		has_both = net_workers_listen(&rig->worker, 1, &v4, NULL, &error);
		if (!has_both) {
			rig_deinit(rig);
		}
	}
	assert_true(has_both);
}

TEST(ipv6_wildcard_leaves_ipv4_alone)
{
	need_ipv6();
	struct rig rig;
	init_with_both_wildcards(&rig);
	struct address v4 = text_address("127.0.0.1");
	v4.port = rig.bound.port;
	int fd = udp_client(NULL, &v4);
	expect_echo(&rig, fd, "0123456789ab", 12);
	close(fd);
	rig_deinit(&rig);
}

TEST(asked_address_of_a_plain_socket_is_its_own)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.3", NULL);
	int fd = udp_client(NULL, &rig.bound);
	expect_echo(&rig, fd, "x", 1);
	assert_true(address_equal(&rig.asked, &rig.bound));
	close(fd);
	rig_deinit(&rig);
}

TEST(datagram_that_is_too_long_is_dropped_and_counted)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.udp_answer_max = 4096;
	rig_init(&rig, "127.0.0.1", &config);
	int fd = udp_client(NULL, &rig.bound);
	uint8_t bytes[NET_DATAGRAM_IN_MAX + 1] = {7};
	assert_int_equal(send(fd, bytes, sizeof bytes, 0), sizeof bytes);
	expect_echo(&rig, fd, bytes, NET_DATAGRAM_IN_MAX);
	assert_int_equal(rig.datagrams, 1);
	assert_int_equal(rig_count(&net_worker_counters(rig.worker)->datagrams_too_long), 1);
	close(fd);
	rig_deinit(&rig);
}

TEST(empty_datagram_does_no_harm)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	int fd = udp_client(NULL, &rig.bound);
	assert_int_equal(send(fd, "", 0, 0), 0);
	expect_echo(&rig, fd, "x", 1);
	assert_int_equal(rig.datagrams, 2);
	close(fd);
	rig_deinit(&rig);
}

static void expect_deferred(const char *listen, const char *asked)
{
	struct rig rig;
	rig_init(&rig, listen, NULL);
	rig.defers_datagrams = true;
	struct address to = text_address(asked);
	to.port = rig.bound.port;
	int fd = udp_client(NULL, &to);
	assert_int_equal(send(fd, "question", 8, 0), 8);
	RIG_UNTIL(&rig, rig.way_count == 1);
	assert_true(is_quiet(fd));
	net_worker_answer(rig.worker, &rig.ways[0], (const uint8_t *)"answer", 6);
	uint8_t got[100];
	assert_int_equal(receive(&rig, fd, got, sizeof got, NULL), 6);
	assert_memory_equal(got, "answer", 6);
	close(fd);
	rig_deinit(&rig);
}

TEST(deferred_answer_leaves_from_the_address_that_was_asked)
{
	expect_deferred("127.0.0.1", "127.0.0.1");
	expect_deferred("0.0.0.0", "127.0.0.2");
}

TEST(deferred_answer_leaves_from_the_ipv6_address_that_was_asked)
{
	need_ipv6();
	expect_deferred("::", "::1");
}

TEST(deferred_answer_to_an_address_that_is_gone_is_dropped)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	rig.defers_datagrams = true;
	int fd = udp_client(NULL, &rig.bound);
	assert_int_equal(send(fd, "question", 8, 0), 8);
	RIG_UNTIL(&rig, rig.way_count == 1);
	assert_true(net_workers_unlisten(&rig.worker, 1, &rig.bound));
	net_worker_answer(rig.worker, &rig.ways[0], (const uint8_t *)"answer", 6);
	assert_int_equal(rig_count(&net_worker_counters(rig.worker)->datagrams_out), 0);
	close(fd);
	rig_deinit(&rig);
}

TEST(answer_longer_than_the_path_takes_is_counted_and_the_others_are_sent)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	rig.defers_datagrams = true;
	int fd = udp_client(NULL, &rig.bound);
	assert_int_equal(send(fd, "question", 8, 0), 8);
	RIG_UNTIL(&rig, rig.way_count == 1);
	uint8_t *long_answer = calloc(1, 65536);
	net_worker_answer(rig.worker, &rig.ways[0], long_answer, 65535); /* no datagram is that long */
	assert_int_equal(rig_count(&net_worker_counters(rig.worker)->datagrams_unsent), 1);
	net_worker_answer(rig.worker, &rig.ways[0], long_answer, 65507);
	uint8_t *got = malloc(65536);
	assert_int_equal(receive(&rig, fd, got, 65536, NULL), 65507);
	free(got);
	free(long_answer);
	close(fd);
	rig_deinit(&rig);
}

/* Twenty connections have work for a turn, and a datagram comes during the first of them. */
TEST(datagram_does_not_wait_for_all_busy_connections)
{
	enum { CONNECTIONS = 20, QUERIES = 5 };
	struct rig rig;
	int fds[CONNECTIONS];
	uint8_t queries[QUERIES * (QUERY_LEN + 2)];
	size_t len = 0;
	rig_init(&rig, "127.0.0.1", NULL);
	for (uint16_t i = 0; i < QUERIES; i++) {
		len += frame(queries + len, i, WISH_ECHO, i);
	}
	for (size_t i = 0; i < CONNECTIONS; i++) {
		fds[i] = tcp_client(&rig, NULL, 0);
	}
	for (size_t i = 0; i < CONNECTIONS; i++) {
		assert_int_equal(send(fds[i], queries, len, 0), len);
	}
	rig.ms_per_message = 1;
	rig.datagram_fd = udp_client(NULL, &rig.bound);
	RIG_UNTIL(&rig, rig.messages == CONNECTIONS * QUERIES);
	assert_int_equal(rig.datagrams, 1);
	assert_in_range(rig.messages_before_datagram, 1, 2 * QUERIES);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		close(fds[i]);
	}
	close(rig.datagram_fd);
	rig_deinit(&rig);
}
