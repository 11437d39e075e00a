/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rig.h"

static uint16_t read_id(struct rig *rig, int fd)
{
	static uint8_t message[NET_MESSAGE_MAX];
	assert_true(read_message(rig, fd, message) >= 12);
	return load_u16(message);
}

static const struct net_counters *counters_of(const struct rig *rig)
{
	return net_worker_counters(rig->worker);
}

static bool is_open(struct rig *rig, uint64_t connections)
{
	return rig_count(&counters_of(rig)->connections) == connections;
}

/* --- Messages --- */

static void expect_pipelined(const char *address)
{
	struct rig rig;
	rig_init(&rig, address, NULL);
	int fd = tcp_client(&rig, NULL, 0);
	uint8_t queries[25 * (QUERY_LEN + 2)];
	size_t len = 0;
	for (uint16_t i = 0; i < 25; i++) {
		len += frame(queries + len, i, WISH_ECHO, i);
	}
	send_all(&rig, fd, queries, len);
	for (uint16_t i = 0; i < 25; i++) {
		assert_int_equal(read_id(&rig, fd), i);
	}
	assert_int_equal(rig.messages, 25);
	assert_int_equal(rig_count(&counters_of(&rig)->messages_in), 25);
	assert_int_equal(rig_count(&counters_of(&rig)->messages_out), 25);
	close(fd);
	RIG_UNTIL(&rig, is_open(&rig, 0));
	assert_int_equal(rig.connection_end, NET_END_CLOSED);
	rig_deinit(&rig);
}

/* A server with one client that is connected. `config` NULL: as rig_config() has it. */
static int begin_with_client(struct rig *rig, const struct net_config *config)
{
	rig_init(rig, "127.0.0.1", config);
	return tcp_client(rig, NULL, 0);
}

static void end_with_client(struct rig *rig, int fd)
{
	close(fd);
	rig_deinit(rig);
}

TEST(pipelined_25_messages_are_all_answered)
{
	expect_pipelined("127.0.0.1");
	expect_pipelined("0.0.0.0");
}

TEST(pipelined_25_messages_are_all_answered_over_ipv6)
{
	need_ipv6();
	expect_pipelined("::1");
}

TEST(question_that_is_there_when_its_connection_is_accepted_is_answered_at_once)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	int fd = tcp_client_in_queue(&rig);
	send_query(&rig, fd, 1, WISH_ECHO, 0);
	rig_turn(&rig);
	assert_int_equal(rig.messages, 1);
	assert_int_equal(read_id(&rig, fd), 1);
	end_with_client(&rig, fd);
}

TEST(client_that_sends_octet_by_octet_is_answered)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	uint8_t queries[3 * (QUERY_LEN + 2)];
	size_t len = 0;
	for (uint16_t i = 0; i < 3; i++) {
		len += frame(queries + len, i, WISH_ECHO, i);
	}
	for (size_t i = 0; i < len; i++) {
		send_all(&rig, fd, queries + i, 1);
		rig_turn(&rig);
	}
	for (uint16_t i = 0; i < 3; i++) {
		assert_int_equal(read_id(&rig, fd), i);
	}
	assert_int_equal(rig_count(&counters_of(&rig)->buffered), 0);
	end_with_client(&rig, fd);
}

TEST(message_of_65535_octets_comes_and_goes)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	uint8_t *query = calloc(1, 2 + NET_MESSAGE_MAX);
	uint8_t *answer = calloc(1, NET_MESSAGE_MAX);
	store_u16(query, NET_MESSAGE_MAX);
	query[2 + 12] = WISH_ECHO;
	query[2 + NET_MESSAGE_MAX - 1] = 0x77;
	for (size_t i = 0; i < 4; i++) {
		send_all(&rig, fd, query, 2 + NET_MESSAGE_MAX);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(read_message(&rig, fd, answer), NET_MESSAGE_MAX);
		assert_memory_equal(answer, query + 2, NET_MESSAGE_MAX);
	}
	assert_int_equal(rig.longest_message, NET_MESSAGE_MAX);
	free(query);
	free(answer);
	end_with_client(&rig, fd);
}

TEST(length_under_a_header_closes_after_what_was_answered)
{
	for (uint16_t len = 0; len < NET_MESSAGE_MIN; len++) {
		struct rig rig;
		rig_init(&rig, "127.0.0.1", NULL);
		int fd = tcp_client(&rig, NULL, 0);
		uint8_t bytes[QUERY_LEN + 2 + 2 + NET_MESSAGE_MIN] = {0};
		size_t good = frame(bytes, 5, WISH_ECHO, 0);
		store_u16(bytes + good, len);
		send_all(&rig, fd, bytes, good + 2 + len);
		assert_int_equal(read_id(&rig, fd), 5);
		size_t octets = 0;
		assert_true(read_until_closed(&rig, fd, &octets));
		assert_int_equal(octets, 0);
		assert_int_equal(rig.messages, 1);
		assert_int_equal(rig.connection_end, NET_END_BAD_FRAME);
		assert_int_equal(rig_count(&counters_of(&rig)->connections_bad), 1);
		close(fd);
		rig_deinit(&rig);
	}
}

TEST(handler_closes_after_its_answer_and_reads_no_more)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	uint8_t queries[2 * (QUERY_LEN + 2)];
	size_t len = frame(queries, 1, WISH_CLOSE, 0);
	len += frame(queries + len, 2, WISH_ECHO, 0);
	send_all(&rig, fd, queries, len);
	assert_int_equal(read_id(&rig, fd), 1);
	assert_true(read_until_closed(&rig, fd, NULL));
	assert_int_equal(rig.messages, 1);
	assert_int_equal(rig.connection_end, NET_END_STOPPED);
	end_with_client(&rig, fd);
}

/* A client may send what it has to ask, close its side, and still wants the answers. */
TEST(half_closed_client_gets_its_answers)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	send_query(&rig, fd, 1, WISH_ECHO, 0);
	send_query(&rig, fd, 2, WISH_DEFER, 0);
	send_query(&rig, fd, 3, WISH_PULL, 2);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(read_id(&rig, fd), 1);
	assert_int_equal(read_id(&rig, fd), 0);
	assert_int_equal(read_id(&rig, fd), 0); /* the high octets of message 1 */
	assert_true(is_quiet(fd));
	uint8_t answer[12] = {0, 2};
	net_worker_answer(rig.worker, &rig.ways[0], answer, sizeof answer);
	assert_int_equal(read_id(&rig, fd), 2);
	assert_true(read_until_closed(&rig, fd, NULL));
	assert_int_equal(rig.connection_end, NET_END_CLOSED);
	end_with_client(&rig, fd);
}

TEST(client_that_goes_inside_a_message_is_told_as_cut)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	const uint8_t half[] = {0, 20, 1, 2, 3};
	send_all(&rig, fd, half, sizeof half);
	close(fd);
	RIG_UNTIL(&rig, rig.connections_ended == 1);
	assert_int_equal(rig.connection_end, NET_END_CUT);
	rig_deinit(&rig);
}

/* --- Deferred answers --- */

TEST(deferred_answers_may_leave_in_any_order)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	for (uint16_t i = 0; i < 3; i++) {
		send_query(&rig, fd, i, WISH_DEFER, 0);
	}
	send_query(&rig, fd, 3, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, fd), 3);
	assert_int_equal(rig.way_count, 3);
	rig_pass(&rig, 100000); /* far beyond the idle limit: what is deferred was promised */
	for (uint8_t i = 3; i > 0; i--) {
		uint8_t answer[12] = {0, (uint8_t)(i - 1)};
		net_worker_answer(rig.worker, &rig.ways[i - 1], answer, sizeof answer);
		assert_int_equal(read_id(&rig, fd), i - 1);
	}
	rig_pass(&rig, 9999);
	assert_true(is_quiet(fd));
	rig_pass(&rig, 1);
	assert_true(read_until_closed(&rig, fd, NULL));
	end_with_client(&rig, fd);
}

TEST(way_into_a_connection_that_has_gone_leads_nowhere)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	int first = tcp_client(&rig, NULL, 0);
	send_query(&rig, first, 1, WISH_DEFER, 0);
	RIG_UNTIL(&rig, rig.way_count == 1);
	assert_non_null(net_worker_find_connection(rig.worker, &rig.ways[0]));
	close(first);
	RIG_UNTIL(&rig, rig_count(&counters_of(&rig)->connections) == 1);
	uint8_t answer[12] = {0, 1};
	net_worker_answer(rig.worker, &rig.ways[0], answer, 0);
	RIG_UNTIL(&rig, is_open(&rig, 0));
	int second = tcp_client(&rig, NULL, 0); /* takes the slot of the first */
	assert_null(net_worker_find_connection(rig.worker, &rig.ways[0]));
	net_worker_answer(rig.worker, &rig.ways[0], answer, sizeof answer);
	send_query(&rig, second, 7, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, second), 7);
	close(second);
	rig_deinit(&rig);
}

TEST(too_many_deferred_answers_pause_reading)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.deferred_max = 2;
	int fd = begin_with_client(&rig, &config);
	for (uint16_t i = 0; i < 5; i++) {
		send_query(&rig, fd, i, WISH_DEFER, 0);
	}
	RIG_UNTIL(&rig, rig.way_count == 2);
	for (size_t i = 0; i < 5; i++) {
		rig_turn(&rig);
	}
	assert_int_equal(rig.way_count, 2);
	for (uint8_t i = 0; i < 5; i++) {
		uint8_t answer[12] = {0, i};
		RIG_UNTIL(&rig, rig.way_count > i);
		net_worker_answer(rig.worker, &rig.ways[i], answer, sizeof answer);
		assert_int_equal(read_id(&rig, fd), i);
	}
	end_with_client(&rig, fd);
}

/* --- Time limits --- */

TEST(initial_limit_is_shorter_than_the_idle_limit)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	rig_pass(&rig, rig.config.initial_ms - 1);
	assert_true(is_quiet(fd));
	rig_pass(&rig, 1);
	assert_true(read_until_closed(&rig, fd, NULL));
	assert_int_equal(rig.connection_end, NET_END_TIMEOUT);
	assert_int_equal(rig_count(&counters_of(&rig)->connections_idle_closed), 1);
	end_with_client(&rig, fd);
}

TEST(idle_limit_begins_again_at_each_whole_message)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	for (uint16_t i = 0; i < 10; i++) {
		rig_pass(&rig, i == 0 ? 2000 : 9000);
		send_query(&rig, fd, i, WISH_ECHO, 0);
		assert_int_equal(read_id(&rig, fd), i);
	}
	rig_pass(&rig, 9999);
	assert_true(is_quiet(fd));
	rig_pass(&rig, 1);
	assert_true(read_until_closed(&rig, fd, NULL));
	end_with_client(&rig, fd);
}

TEST(octets_of_a_message_that_never_gets_whole_do_not_keep_the_connection)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	send_query(&rig, fd, 1, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, fd), 1);
	uint8_t query[QUERY_LEN + 2];
	frame(query, 2, WISH_ECHO, 0);
	for (size_t i = 0; i < 9; i++) {
		send_all(&rig, fd, query + i, 1);
		rig_pass(&rig, 1000);
		assert_true(is_quiet(fd));
	}
	rig_pass(&rig, 1000);
	assert_true(read_until_closed(&rig, fd, NULL));
	end_with_client(&rig, fd);
}

TEST(keepalive_gives_one_connection_a_longer_idle_limit)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	int other = tcp_client(&rig, NULL, 0);
	send_query(&rig, fd, 1, WISH_PATIENT, 0);
	send_query(&rig, other, 2, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, fd), 1);
	assert_int_equal(read_id(&rig, other), 2);
	rig_pass(&rig, 59999);
	assert_true(is_quiet(fd));
	assert_true(read_until_closed(&rig, other, NULL));
	rig_pass(&rig, 1);
	assert_true(read_until_closed(&rig, fd, NULL));
	close(fd);
	close(other);
	rig_deinit(&rig);
}

TEST(total_limit_ends_a_busy_connection_between_two_messages)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.total_ms = 60000;
	int fd = begin_with_client(&rig, &config);
	for (uint16_t i = 0; i < 7; i++) {
		rig_pass(&rig, i == 0 ? 0 : 8500);
		send_query(&rig, fd, i, WISH_ECHO, 0);
		assert_int_equal(read_id(&rig, fd), i);
	}
	rig_pass(&rig, 9000); /* the timer may be late, and then the next message finds it */
	assert_true(read_until_closed(&rig, fd, NULL));
	end_with_client(&rig, fd);
}

TEST(deferred_answer_that_never_comes_does_not_keep_the_connection_beyond_its_total)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.total_ms = 60000;
	int fd = begin_with_client(&rig, &config);
	send_query(&rig, fd, 1, WISH_DEFER, 0);
	RIG_UNTIL(&rig, rig.way_count == 1);
	rig_pass(&rig, 60000);
	rig_turn(&rig);
	assert_true(is_quiet(fd));
	rig_pass(&rig, rig.config.stop_ms);
	assert_true(read_until_closed(&rig, fd, NULL));
	end_with_client(&rig, fd);
}

TEST(new_limits_hold_for_old_connections)
{
	struct rig rig;
	int fd = begin_with_client(&rig, NULL);
	send_query(&rig, fd, 1, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, fd), 1);
	rig.config.idle_ms = 500;
	net_worker_set_config(rig.worker, &rig.config);
	rig_turn(&rig);
	rig_pass(&rig, 500);
	assert_true(read_until_closed(&rig, fd, NULL));
	end_with_client(&rig, fd);
}

/* --- Clients that do not read --- */

TEST(client_that_leaves_28_answers_of_32_kilobytes_unread_is_closed_after_the_send_timeout)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.tcp_send_buffer = 16384; /* so that the kernel does not take them all */
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 4096);
	for (uint16_t i = 0; i < 28; i++) {
		send_query(&rig, fd, i, WISH_BIG, 0);
	}
	RIG_UNTIL(&rig, rig_count(&counters_of(&rig)->buffered) > 0);
	rig_fill(&rig, fd);
	assert_true(rig.messages < 28); /* it is not read while it does not read */
	assert_true(rig_count(&counters_of(&rig)->buffered) <= 4 * 65536);
	rig_pass(&rig, rig.config.send_ms - 1);
	assert_int_equal(rig.connections_ended, 0);
	rig_pass(&rig, 1);
	assert_int_equal(rig.connections_ended, 1);
	assert_int_equal(rig.connection_end, NET_END_STALLED);
	assert_int_equal(rig_count(&counters_of(&rig)->connections_stalled), 1);
	assert_int_equal(rig_count(&counters_of(&rig)->buffered), 0);
	end_with_client(&rig, fd);
}

/* Reads so many octets a second until the end of the stream, or all 28 answers are there. Returns how many octets came. */
static size_t read_slowly(struct rig *rig, int fd, size_t per_second)
{
	uint8_t few[16384];
	size_t total = 0;
	ssize_t got = 1;
	while (got > 0 && total < 28 * 32002) {
		RIG_UNTIL(rig, (got = recv(fd, few, per_second, 0)) >= 0 || errno != EAGAIN);
		total += got > 0 ? (size_t)got : 0;
		rig_pass(rig, got * 1000 / (ssize_t)per_second);
	}
	return total;
}

static size_t get_28_answers(struct rig *rig, size_t per_second)
{
	struct net_config config = rig_config(rig);
	config.tcp_send_buffer = 131072;
	rig_init(rig, "127.0.0.1", &config);
	int fd = tcp_client(rig, NULL, 16384);
	for (uint16_t i = 0; i < 28; i++) {
		send_query(rig, fd, i, WISH_BIG, 0);
	}
	size_t total = read_slowly(rig, fd, per_second);
	close(fd);
	return total;
}

TEST(client_that_takes_a_few_octets_now_and_then_is_closed_too)
{
	struct rig rig;
	assert_true(get_28_answers(&rig, 500) < 100000);
	assert_int_equal(rig.connections_ended, 1);
	assert_int_equal(rig.connection_end, NET_END_STALLED);
	rig_deinit(&rig);
}

TEST(client_that_is_slow_but_steady_gets_all)
{
	struct rig rig;
	assert_int_equal(get_28_answers(&rig, 10000), 28 * 32002);
	assert_int_equal(rig.messages, 28);
	rig_deinit(&rig);
}

TEST(slow_reader_gets_every_answer_once)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.tcp_send_buffer = 16384;
	config.output_pending_max = 1000;
	rig_init(&rig, "127.0.0.1", &config);
	int fd = tcp_client(&rig, NULL, 4096);
	for (uint16_t i = 0; i < 100; i++) {
		send_query(&rig, fd, i, i % 3 == 0 ? WISH_BIG : WISH_ECHO, 0);
	}
	for (uint16_t i = 0; i < 100; i++) {
		assert_int_equal(read_id(&rig, fd), i);
		rig_pass(&rig, 1000);
	}
	end_with_client(&rig, fd);
}

/* --- Too many --- */

TEST(idlest_connection_goes_when_all_are_too_many)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.connections_max = 3;
	rig_init(&rig, "127.0.0.1", &config);
	int fds[4];
	for (uint16_t i = 0; i < 3; i++) {
		fds[i] = tcp_client(&rig, NULL, 0);
	}
	for (uint16_t i = 3; i > 0; i--) { /* the last is the idlest now */
		send_query(&rig, fds[i - 1], i, WISH_ECHO, 0);
		assert_int_equal(read_id(&rig, fds[i - 1]), i);
	}
	fds[3] = tcp_client(&rig, NULL, 0);
	assert_true(read_until_closed(&rig, fds[2], NULL));
	assert_int_equal(rig.connection_end, NET_END_LIMIT);
	for (size_t i = 0; i < 4; i++) {
		if (i != 2) {
			send_query(&rig, fds[i], (uint16_t)i, WISH_ECHO, 0);
			assert_int_equal(read_id(&rig, fds[i]), i);
		}
		close(fds[i]);
	}
	assert_int_equal(rig_count(&counters_of(&rig)->connections_evicted), 1);
	rig_deinit(&rig);
}

TEST(idlest_connection_of_an_address_goes_when_it_has_too_many)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.connections_per_address_max = 2;
	rig_init(&rig, "127.0.0.1", &config);
	int other = tcp_client(&rig, "127.0.0.5", 0); /* the idlest of all, but alone at its address */
	int first = tcp_client(&rig, "127.0.0.6", 0);
	int second = tcp_client(&rig, "127.0.0.6", 0);
	int third = tcp_client(&rig, "127.0.0.6", 0);
	assert_true(read_until_closed(&rig, first, NULL));
	assert_true(is_open(&rig, 3));
	int open[] = {other, second, third};
	for (size_t i = 0; i < 3; i++) {
		send_query(&rig, open[i], (uint16_t)i, WISH_ECHO, 0);
		assert_int_equal(read_id(&rig, open[i]), i);
		close(open[i]);
	}
	close(first);
	rig_deinit(&rig);
}

TEST(client_that_left_counts_no_more)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.connections_per_address_max = 1;
	rig_init(&rig, "127.0.0.1", &config);
	for (size_t i = 0; i < 20; i++) {
		int fd = tcp_client(&rig, NULL, 0);
		send_query(&rig, fd, 1, WISH_ECHO, 0);
		assert_int_equal(read_id(&rig, fd), 1);
		close(fd);
		RIG_UNTIL(&rig, is_open(&rig, 0));
	}
	assert_int_equal(rig_count(&counters_of(&rig)->connections_evicted), 0);
	rig_deinit(&rig);
}

TEST(idlest_that_holds_memory_goes_when_all_hold_too_much)
{
	struct rig rig;
	struct net_config config = rig_config(&rig);
	config.buffers_max = 3 * 20000;
	rig_init(&rig, "127.0.0.1", &config);
	uint8_t part[12000] = {0xff, 0xff};
	int idle = tcp_client(&rig, NULL, 0); /* holds nothing */
	int fds[6];
	for (size_t i = 0; i < 6; i++) {
		uint64_t before = rig_count(&counters_of(&rig)->buffered);
		fds[i] = tcp_client(&rig, NULL, 0);
		send_all(&rig, fds[i], part, sizeof part);
		RIG_UNTIL(&rig, rig_count(&counters_of(&rig)->buffered) != before || rig.connections_ended > 0);
		assert_true(rig_count(&counters_of(&rig)->buffered) <= config.buffers_max);
	}
	assert_true(rig_count(&counters_of(&rig)->connections_evicted) >= 1);
	send_query(&rig, idle, 9, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, idle), 9);
	for (size_t i = 0; i < 6; i++) {
		close(fds[i]);
	}
	close(idle);
	rig_deinit(&rig);
}

/* --- No descriptors left --- */

static rlim_t lower_descriptor_limit(int highest)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)highest + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return before;
}

static void restore_descriptor_limit(rlim_t before)
{
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = before;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* A connected socket that the worker has not seen yet. */
static int unseen_client(const struct rig *rig)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(&rig->bound, &storage);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_true(connect(fd, (struct sockaddr *)&storage, len) == 0 || errno == EINPROGRESS);
	return fd;
}

TEST(accept_without_descriptors_closes_the_idlest)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	int first = tcp_client(&rig, NULL, 0);
	int second = unseen_client(&rig);
	rlim_t before = lower_descriptor_limit(second);
	RIG_UNTIL(&rig, rig.connections_ended == 1);
	assert_int_equal(rig.connection_end, NET_END_LIMIT);
	send_query(&rig, second, 3, WISH_ECHO, 0);
	assert_int_equal(read_id(&rig, second), 3);
	restore_descriptor_limit(before);
	close(first);
	close(second);
	rig_deinit(&rig);
}

TEST(accept_without_descriptors_and_without_connections_pauses)
{
	struct rig rig;
	rig_init(&rig, "127.0.0.1", NULL);
	int fd = unseen_client(&rig);
	rlim_t before = lower_descriptor_limit(fd);
	RIG_UNTIL(&rig, rig_count(&counters_of(&rig)->connections_failed_accept) == 1);
	for (size_t i = 0; i < 20; i++) {
		rig_turn(&rig);
	}
	assert_int_equal(rig_count(&counters_of(&rig)->connections_failed_accept), 1); /* it does not spin */
	restore_descriptor_limit(before);
	send_query(&rig, fd, 3, WISH_ECHO, 0);
	rig_pass(&rig, 100);
	assert_int_equal(read_id(&rig, fd), 3);
	end_with_client(&rig, fd);
}
