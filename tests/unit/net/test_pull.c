/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "rig.h"

static uint8_t message[NET_MESSAGE_MAX];

static struct net_config small_buffers(struct rig *rig)
{
	struct net_config config = rig_config(rig);
	config.tcp_send_buffer = 32768; /* so that the kernel does not take whole sources at once */
	return config;
}

static void expect_pulled(struct rig *rig, int fd, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++) {
		assert_int_equal(read_message(rig, fd, message), 16000);
		assert_int_equal(load_u32(message), i);
	}
}

static void expect_answered(struct rig *rig, int fd, uint16_t id)
{
	send_query(rig, fd, id, WISH_ECHO, 0);
	assert_int_equal(read_message(rig, fd, message), QUERY_LEN);
	assert_int_equal(load_u16(message), id);
}

TEST(source_of_1000_messages_reaches_a_slow_reader_while_others_are_answered)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	rig_init(&rig, "127.0.0.1", &config);
	int slow = tcp_client(&rig, NULL, 16384);
	int other = tcp_client(&rig, NULL, 0);
	send_query(&rig, slow, 1, WISH_PULL, 1000);
	RIG_UNTIL(&rig, rig.pulled > 0);
	for (uint32_t i = 0; i < 1000; i += 10) {
		/* Only what the socket takes was made. */
		assert_true(rig.pulled < i + 60);
		expect_answered(&rig, other, (uint16_t)i);
		expect_pulled(&rig, slow, i, i + 10);
		rig_pass(&rig, 5000); /* 500 s in all: no idle limit cuts it while it moves */
	}
	RIG_UNTIL(&rig, rig.sources_open == 0);
	assert_int_equal(rig.source_end, NET_END_DONE);
	expect_answered(&rig, slow, 7);
	close(slow);
	close(other);
	rig_deinit(&rig);
}

TEST(sources_of_one_connection_follow_one_another)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	int fd = tcp_client(&rig, NULL, 0);
	send_query(&rig, fd, 1, WISH_PULL, 30);
	send_query(&rig, fd, 2, WISH_PULL, 0);
	send_query(&rig, fd, 3, WISH_PULL, 20);
	expect_pulled(&rig, fd, 0, 30);
	expect_pulled(&rig, fd, 0, 20);
	RIG_UNTIL(&rig, rig.sources_open == 0);
	assert_int_equal(rig_count(&net_worker_counters(rig.worker)->sources_done), 3);
	expect_answered(&rig, fd, 4);
	close(fd);
	rig_deinit(&rig);
}

TEST(sources_of_many_connections_progress_alike)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	rig_init(&rig, "127.0.0.1", &config);
	int fds[20];
	for (size_t i = 0; i < 20; i++) {
		fds[i] = tcp_client(&rig, NULL, 0);
		send_query(&rig, fds[i], 1, WISH_PULL, 200);
	}
	for (uint32_t at = 0; at < 200; at += 20) {
		for (size_t i = 0; i < 20; i++) {
			expect_pulled(&rig, fds[i], at, at + 20);
		}
	}
	for (size_t i = 0; i < 20; i++) {
		close(fds[i]);
	}
	RIG_UNTIL(&rig, rig.sources_open == 0);
	rig_deinit(&rig);
}

/* Twenty transfers have work for every turn; a datagram comes while they are pulled. */
static void expect_to_wait(bool asked_lately, size_t pieces)
{
	enum { CONNECTIONS = 20 };
	struct rig rig;
	int fds[CONNECTIONS];
	size_t datagrams = asked_lately ? 2 : 1;
	rig_init(&rig, "127.0.0.1", NULL);
	rig.datagram_fd = udp_client(NULL, &rig.bound);
	if (asked_lately) {
		ask_by_datagram(&rig);
		RIG_UNTIL(&rig, rig.datagrams == 1);
	}
	rig.pulled_at_question = 23;
	for (size_t i = 0; i < CONNECTIONS; i++) {
		fds[i] = tcp_client(&rig, NULL, 0);
	}
	for (size_t i = 0; i < CONNECTIONS; i++) {
		send_query(&rig, fds[i], 1, WISH_PULL, 100);
	}
	RIG_UNTIL(&rig, rig.datagrams == datagrams);
	assert_in_range(rig.pulled_before_datagram, rig.pulled_at_question, rig.pulled_at_question + pieces);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		close(fds[i]);
	}
	RIG_UNTIL(&rig, rig.sources_open == 0);
	close(rig.datagram_fd);
	rig_deinit(&rig);
}

/* Whatever the time says. */
TEST(datagram_is_answered_between_two_pieces_of_sources)
{
	expect_to_wait(false, 65536 / 16000 + 1);
}

TEST(where_somebody_asks_a_datagram_waits_for_one_message)
{
	expect_to_wait(true, 1);
}

TEST(too_many_queued_sources_pause_reading)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	config.sources_max = 2;
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 8192);
	for (uint16_t i = 0; i < 6; i++) {
		send_query(&rig, fd, i, WISH_PULL, 40);
	}
	RIG_UNTIL(&rig, rig.messages == 2);
	for (size_t i = 0; i < 10; i++) {
		rig_turn(&rig);
	}
	assert_int_equal(rig.messages, 2);
	for (uint16_t i = 0; i < 6; i++) {
		expect_pulled(&rig, fd, 0, 40);
		assert_true(rig.sources_open <= 2);
	}
	close(fd);
	rig_deinit(&rig);
}

TEST(source_that_cuts_itself_cuts_the_connection)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	rig.sources_cut_themselves = true;
	int fd = tcp_client(&rig, NULL, 0);
	send_query(&rig, fd, 1, WISH_PULL, 10);
	read_until_closed(&rig, fd, NULL);
	assert_int_equal(rig.source_end, NET_END_STOPPED);
	assert_int_equal(rig_count(&net_worker_counters(rig.worker)->sources_cut), 1);
	close(fd);
	rig_deinit(&rig);
}

TEST(source_ends_when_its_client_goes)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 8192);
	send_query(&rig, fd, 1, WISH_PULL, 1000);
	expect_pulled(&rig, fd, 0, 5);
	close(fd);
	RIG_UNTIL(&rig, rig.sources_open == 0);
	assert_int_equal(rig.source_end, NET_END_CUT);
	rig_deinit(&rig);
}

TEST(source_that_its_client_does_not_take_is_cut_by_its_own_limit)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 8192);
	send_query(&rig, fd, 1, WISH_PULL, 1000);
	RIG_UNTIL(&rig, rig.pulled > 0);
	rig_fill(&rig, fd);
	rig_pass(&rig, config.source_idle_ms - 1);
	assert_int_equal(rig.sources_open, 1);
	/* What its kernel took after the last send counts as taken, once. */
	rig_pass(&rig, 1);
	rig_pass(&rig, config.source_idle_ms);
	assert_int_equal(rig.sources_open, 0);
	assert_int_equal(rig.source_end, NET_END_STALLED);
	close(fd);
	rig_deinit(&rig);
}

TEST(source_that_takes_too_long_in_all_is_cut)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	config.source_total_ms = 300000;
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 8192);
	send_query(&rig, fd, 1, WISH_PULL, 1000);
	for (uint32_t i = 0; i < 9; i++) {
		expect_pulled(&rig, fd, i * 10, (i + 1) * 10);
		rig_pass(&rig, 30000);
	}
	assert_int_equal(rig.sources_open, 1);
	rig_pass(&rig, 30000);
	assert_int_equal(rig.sources_open, 0);
	assert_int_equal(rig.source_end, NET_END_TOO_LONG);
	close(fd);
	rig_deinit(&rig);
}

TEST(connection_that_is_closed_ends_its_sources)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 8192);
	send_query(&rig, fd, 1, WISH_PULL, 1000);
	send_query(&rig, fd, 2, WISH_DEFER, 0);
	RIG_UNTIL(&rig, rig.pulled > 0 && rig.way_count == 1);
	struct net_connection *connection = net_worker_find_connection(rig.worker, &rig.ways[0]);
	assert_non_null(connection);
	net_connection_close(connection);
	rig_turn(&rig);
	assert_int_equal(rig.sources_open, 0);
	assert_int_equal(rig.source_end, NET_END_STOPPED);
	assert_true(read_until_closed(&rig, fd, NULL));
	close(fd);
	rig_deinit(&rig);
}

TEST(total_limit_of_the_connection_lets_a_source_go_on)
{
	struct rig rig;
	struct net_config config = small_buffers(&rig);
	config.total_ms = 60000;
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 8192);
	send_query(&rig, fd, 1, WISH_PULL, 50);
	for (uint32_t i = 0; i < 5; i++) {
		expect_pulled(&rig, fd, i * 10, (i + 1) * 10);
		rig_pass(&rig, 30000);
	}
	assert_true(read_until_closed(&rig, fd, NULL));
	assert_int_equal(rig.source_end, NET_END_DONE);
	close(fd);
	rig_deinit(&rig);
}
