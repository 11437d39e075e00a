/* SPDX-License-Identifier: MIT */
/* The client half against servers that the test plays itself, on a clock that the test moves. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/net.h"
#include "unit.h"

struct player {
	struct net_loop *loop;
	int64_t now_ms;
	struct net_exchange *exchange;
	struct net_stream *stream;
	struct player *heir; /* of its stream; NULL: none */
	/* What the callbacks saw. */
	size_t answers;
	size_t ends;
	enum net_end end;
	char why[200];
	uint8_t wanted_id;
	bool cancels;
	bool closes;
	bool pauses;
	size_t connected;
	size_t messages;
	size_t octets;
	uint8_t newest[NET_MESSAGE_MAX];
};

static struct moment player_clock(void *self)
{
	return (struct moment){.boot_ms = ((struct player *)self)->now_ms};
}

static void player_init(struct player *player)
{
	*player = (struct player){.now_ms = 5000};
	struct net_loop_config config = net_loop_config_default();
	config.clock = player_clock;
	config.clock_self = player;
	struct error error;
	player->loop = net_loop_new(&config, &error);
	assert_non_null(player->loop);
}

static void player_deinit(struct player *player)
{
	net_loop_free(player->loop);
}

#define UNTIL(player, condition)                                                                                       \
	for (unsigned int left = 20000; !(condition); left--) {                                                        \
		if (left == 0) {                                                                                       \
			fail_msg("line %d: never came true: %s", __LINE__, #condition);                                \
		}                                                                                                      \
		net_loop_turn((player)->loop, 1);                                                                      \
	}

static void pass(struct player *player, int64_t ms)
{
	player->now_ms += ms;
	net_loop_turn(player->loop, 0);
}

/* --- The other side --- */

static void bind_to_loopback(int fd, struct address *address)
{
	struct sockaddr_storage storage;
	struct error error;
	assert_true(address_from_text("127.0.0.1", 0, address, &error));
	socklen_t len = address_to_socket(address, &storage);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&storage, len), 0);
	len = sizeof storage;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &len), 0);
	*address = address_from_socket((struct sockaddr *)&storage);
}

static int server_socket(int type, struct address *address)
{
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
	bind_to_loopback(fd, address);
	if (type == SOCK_STREAM) {
		assert_int_equal(listen(fd, 10), 0);
	}
	return fd;
}

/* An address where nobody listens and, as long as the socket is open, nobody can begin to. */
static int nobody(int type, struct address *address)
{
	struct address elsewhere;
	struct error error;
	int fd = socket(AF_INET, type, 0);
	bind_to_loopback(fd, address);
	/* A datagram socket that is connected takes nothing from others. */
	if (type == SOCK_DGRAM) {
		struct sockaddr_storage storage;
		assert_true(address_from_text("127.0.0.2@9", 0, &elsewhere, &error));
		socklen_t len = address_to_socket(&elsewhere, &storage);
		assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
	}
	return fd;
}

static void note_end(struct player *player, enum net_end end, const char *why)
{
	player->ends++;
	player->end = end;
	snprintf(player->why, sizeof player->why, "%s", why);
}

/* --- Exchanges --- */

static bool on_answer(void *self, const uint8_t *bytes, size_t len, struct moment now)
{
	struct player *player = self;
	assert_int_equal(now.boot_ms, player->now_ms);
	player->answers++;
	if (player->cancels) {
		net_exchange_cancel(player->exchange);
	}
	return len > 0 && bytes[0] == player->wanted_id;
}

static void on_failure(void *self, enum net_end end, const char *why, struct moment now)
{
	(void)now;
	struct player *player = self;
	note_end(player, end, why);
	if (player->cancels) {
		net_exchange_cancel(player->exchange);
	}
}

static void ask(struct player *player, const struct address *to, const struct address *from)
{
	struct net_exchange_config config = {
	        .to = *to,
	        .from = from == NULL ? (struct address){0} : *from,
	        .timeout_ms = 2000,
	        .self = player,
	        .answered = on_answer,
	        .failed = on_failure,
	};
	struct error error;
	player->exchange = net_exchange_start(player->loop, &config, (const uint8_t *)"question", 8, &error);
	if (player->exchange == NULL) {
		fail_msg("%s", error.text);
	}
}

/* Takes the question and gives its sender. */
static struct address take_question(struct player *player, int server)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof storage;
	uint8_t bytes[100];
	ssize_t got = -1;
	UNTIL(player, (got = recvfrom(server, bytes, sizeof bytes, 0, (struct sockaddr *)&storage, &len)) >= 0);
	assert_int_equal(got, 8);
	assert_memory_equal(bytes, "question", 8);
	return address_from_socket((struct sockaddr *)&storage);
}

static void answer(int server, const struct address *to, uint8_t id)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(to, &storage);
	assert_int_equal(sendto(server, &id, 1, 0, (struct sockaddr *)&storage, len), 1);
}

TEST(exchange_ends_with_the_answer_and_ignores_a_wrong_id)
{
	struct player player;
	player_init(&player);
	player.wanted_id = 42;
	struct address server_address;
	int server = server_socket(SOCK_DGRAM, &server_address);
	ask(&player, &server_address, NULL);
	struct address client = take_question(&player, server);
	answer(server, &client, 41);
	answer(server, &client, 43);
	UNTIL(&player, player.answers == 2);
	answer(server, &client, 42);
	answer(server, &client, 42); /* nobody hears the second */
	UNTIL(&player, player.answers == 3);
	pass(&player, 5000);
	assert_int_equal(player.answers, 3);
	assert_int_equal(player.ends, 0);
	close(server);
	player_deinit(&player);
}

TEST(exchange_hears_only_whom_it_asked)
{
	struct player player;
	player_init(&player);
	struct address server_address;
	struct address liar_address;
	int server = server_socket(SOCK_DGRAM, &server_address);
	int liar = server_socket(SOCK_DGRAM, &liar_address);
	ask(&player, &server_address, NULL);
	struct address client = take_question(&player, server);
	answer(liar, &client, 0);
	for (size_t i = 0; i < 10; i++) {
		net_loop_turn(player.loop, 0);
	}
	assert_int_equal(player.answers, 0);
	answer(server, &client, 0);
	UNTIL(&player, player.answers == 1);
	close(server);
	close(liar);
	player_deinit(&player);
}

TEST(exchange_leaves_from_the_address_that_was_given)
{
	struct player player;
	player_init(&player);
	struct address server_address;
	struct address from = {.family = ADDRESS_V4, .bytes = {127, 0, 0, 7}};
	int server = server_socket(SOCK_DGRAM, &server_address);
	ask(&player, &server_address, &from);
	struct address client = take_question(&player, server);
	assert_true(address_same_host(&client, &from));
	assert_true(client.port != 0);
	close(server);
	player_deinit(&player);
}

TEST(exchanges_have_ports_of_their_own)
{
	struct player player;
	player_init(&player);
	struct address server_address;
	int server = server_socket(SOCK_DGRAM, &server_address);
	uint16_t ports[20];
	for (size_t i = 0; i < 20; i++) {
		ask(&player, &server_address, NULL);
		ports[i] = take_question(&player, server).port;
		for (size_t j = 0; j < i; j++) {
			assert_int_not_equal(ports[i], ports[j]);
		}
	}
	close(server);
	player_deinit(&player);
}

TEST(exchange_without_an_answer_times_out)
{
	struct player player;
	player_init(&player);
	struct address server_address;
	int server = server_socket(SOCK_DGRAM, &server_address);
	player.cancels = true; /* too late, and harmless */
	ask(&player, &server_address, NULL);
	pass(&player, 1999);
	assert_int_equal(player.ends, 0);
	pass(&player, 1);
	assert_int_equal(player.ends, 1);
	assert_int_equal(player.end, NET_END_TIMEOUT);
	assert_string_equal(player.why, "no answer within 2000 ms");
	close(server);
	player_deinit(&player);
}

TEST(exchange_is_told_at_once_that_nobody_listens)
{
	struct player player;
	player_init(&player);
	struct address to;
	int held = nobody(SOCK_DGRAM, &to);
	ask(&player, &to, NULL);
	assert_int_equal(player.ends, 0);
	UNTIL(&player, player.ends == 1);
	assert_int_equal(player.end, NET_END_REFUSED);
	assert_string_equal(player.why, "Connection refused");
	close(held);
	player_deinit(&player);
}

TEST(exchange_may_be_cancelled_inside_its_callback)
{
	struct player player;
	player_init(&player);
	player.wanted_id = 42;
	player.cancels = true;
	struct address server_address;
	int server = server_socket(SOCK_DGRAM, &server_address);
	for (uint8_t id = 41; id <= 42; id++) {
		ask(&player, &server_address, NULL);
		struct address client = take_question(&player, server);
		answer(server, &client, id);
		size_t before = player.answers;
		UNTIL(&player, player.answers == before + 1);
	}
	pass(&player, 5000);
	assert_int_equal(player.ends, 0);
	close(server);
	player_deinit(&player);
}

TEST(exchange_from_a_foreign_address_is_an_error)
{
	struct player player;
	player_init(&player);
	struct address to;
	int held = nobody(SOCK_DGRAM, &to);
	struct net_exchange_config config = {
	        .to = to,
	        .from = {.family = ADDRESS_V4, .bytes = {192, 0, 2, 1}},
	        .timeout_ms = 1,
	        .self = &player,
	        .answered = on_answer,
	        .failed = on_failure,
	};
	struct error error;
	assert_null(net_exchange_start(player.loop, &config, (const uint8_t *)"x", 1, &error));
	assert_string_equal(error.text, "UDP socket from 192.0.2.1: Cannot assign requested address");
	config.from = (struct address){.family = ADDRESS_V6};
	assert_null(net_exchange_start(player.loop, &config, (const uint8_t *)"x", 1, &error));
	close(held);
	player_deinit(&player);
}

TEST(exchanges_are_limited)
{
	struct player player = {.now_ms = 1};
	struct net_loop_config loop_config = net_loop_config_default();
	loop_config.exchanges_max = 3;
	struct error error;
	player.loop = net_loop_new(&loop_config, &error);
	struct address server_address;
	int server = server_socket(SOCK_DGRAM, &server_address);
	struct net_exchange_config config = {
	        .to = server_address, .timeout_ms = 1000, .self = &player, .answered = on_answer, .failed = on_failure};
	struct net_exchange *last = NULL;
	for (size_t i = 0; i < 3; i++) {
		last = net_exchange_start(player.loop, &config, (const uint8_t *)"x", 1, &error);
		assert_non_null(last);
	}
	assert_null(net_exchange_start(player.loop, &config, (const uint8_t *)"x", 1, &error));
	assert_int_equal(error.code, ERROR_LIMIT);
	net_exchange_cancel(last);
	assert_non_null(net_exchange_start(player.loop, &config, (const uint8_t *)"x", 1, &error));
	close(server);
	player_deinit(&player);
}

/* --- Streams --- */

static void on_connected(void *self, struct moment now)
{
	(void)now;
	((struct player *)self)->connected++;
}

static void on_message(void *self, const uint8_t *bytes, size_t len, struct moment now)
{
	(void)now;
	struct player *player = self;
	player->messages++;
	player->octets += len;
	memcpy(player->newest, bytes, len);
	if (player->closes) {
		net_stream_close(player->stream);
	}
	if (player->pauses) {
		net_stream_pause(player->stream);
	}
}

static void on_ended(void *self, enum net_end end, const char *why, struct moment now)
{
	(void)now;
	struct player *player = self;
	note_end(player, end, why);
	net_stream_close(player->stream); /* too late, and harmless */
}

static struct net_stream_config stream_config(struct player *player, const struct address *to)
{
	return (struct net_stream_config){
	        .to = *to,
	        .connect_ms = 3000,
	        .idle_ms = 10000,
	        .total_ms = 60000,
	        .self = player,
	        .connected = on_connected,
	        .message = on_message,
	        .ended = on_ended,
	};
}

static void open_stream(struct player *player, const struct net_stream_config *config)
{
	struct error error;
	player->stream = net_stream_open(player->loop, config, &error);
	if (player->stream == NULL) {
		fail_msg("%s", error.text);
	}
}

/* Begins with a stream that stands; returns the server's side of it. */
static int begin_with_stream(struct player *player)
{
	struct address address;
	player_init(player);
	int server = server_socket(SOCK_STREAM, &address);
	struct net_stream_config config = stream_config(player, &address);
	open_stream(player, &config);
	int peer = -1;
	UNTIL(player, (peer = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	UNTIL(player, player->connected == 1);
	close(server);
	return peer;
}

static void peer_sends(struct player *player, int peer, const uint8_t *bytes, size_t len)
{
	size_t sent = 0;
	while (sent < len) {
		ssize_t taken = send(peer, bytes + sent, len - sent, MSG_NOSIGNAL);
		assert_true(taken >= 0 || errno == EAGAIN);
		sent += taken > 0 ? (size_t)taken : 0;
		net_loop_turn(player->loop, 0);
	}
}

static void peer_reads(struct player *player, int peer, uint8_t *out, size_t len)
{
	size_t read_len = 0;
	while (read_len < len) {
		ssize_t got = -1;
		UNTIL(player, (got = recv(peer, out + read_len, len - read_len, 0)) > 0);
		read_len += (size_t)got;
	}
}

TEST(stream_sends_and_receives_messages)
{
	struct player player;
	player_init(&player);
	struct address address;
	int server = server_socket(SOCK_STREAM, &address);
	struct net_stream_config config = stream_config(&player, &address);
	config.from = (struct address){.family = ADDRESS_V4, .bytes = {127, 0, 0, 9}};
	open_stream(&player, &config);
	assert_true(net_stream_send(player.stream, (const uint8_t *)"before it stands", 16));
	struct sockaddr_storage storage;
	socklen_t len = sizeof storage;
	int peer = -1;
	UNTIL(&player, (peer = accept4(server, (struct sockaddr *)&storage, &len, SOCK_NONBLOCK)) >= 0);
	struct address client = address_from_socket((struct sockaddr *)&storage);
	assert_true(address_same_host(&client, &config.from));
	uint8_t got[18];
	peer_reads(&player, peer, got, sizeof got);
	assert_memory_equal(got, "\0\20before it stands", 18);
	assert_int_equal(player.connected, 1);
	struct address local = net_stream_local(player.stream);
	assert_true(address_equal(&local, &client));

	static uint8_t frame[2 + NET_MESSAGE_MAX];
	store_u16(frame, NET_MESSAGE_MAX);
	for (uint8_t i = 0; i < 10; i++) {
		frame[2 + NET_MESSAGE_MAX - 1] = i;
		peer_sends(&player, peer, frame, sizeof frame);
	}
	UNTIL(&player, player.messages == 10);
	assert_int_equal(player.newest[NET_MESSAGE_MAX - 1], 9);
	assert_int_equal(net_stream_received(player.stream), 10 * sizeof frame);
	close(peer);
	UNTIL(&player, player.ends == 1);
	assert_int_equal(player.end, NET_END_CLOSED);
	close(server);
	player_deinit(&player);
}

/* Hands it over while a message is handed out. */
static void on_message_hand_over(void *self, const uint8_t *bytes, size_t len, struct moment now)
{
	struct player *player = self;
	on_message(self, bytes, len, now);
	if (player->heir != NULL) {
		assert_true(net_stream_is_clean(player->stream));
		struct net_stream_config config = stream_config(player->heir, &(struct address){.family = ADDRESS_V4});
		player->heir->stream = player->stream;
		net_stream_hand_over(player->stream, &config);
	}
}

TEST(stream_that_is_handed_over_tells_its_new_owner_alone)
{
	struct player player;
	struct player heir = {.now_ms = 1};
	struct address address;
	player_init(&player);
	player.heir = &heir;
	int server = server_socket(SOCK_STREAM, &address);
	struct net_stream_config config = stream_config(&player, &address);
	config.message = on_message_hand_over;
	open_stream(&player, &config);
	assert_false(net_stream_is_clean(player.stream)); /* it does not stand yet */
	int peer = -1;
	UNTIL(&player, (peer = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	UNTIL(&player, player.connected == 1);

	/* Two at once and a part of a third: the first is the old owner's, all else the new one's. */
	static const uint8_t frames[] = "\0\14first owner.\0\15second owner.\0\15half of";
	peer_sends(&player, peer, frames, sizeof frames - 1);
	UNTIL(&player, heir.messages == 1);
	assert_int_equal(player.messages, 1);
	assert_memory_equal(heir.newest, "second owner.", 13);
	UNTIL(&player, !net_stream_is_clean(heir.stream));     /* the part has come */
	assert_int_equal(net_stream_received(heir.stream), 0); /* all came before it was handed over */
	peer_sends(&player, peer, (const uint8_t *)" it is", 6);
	UNTIL(&player, heir.messages == 2);
	assert_int_equal(net_stream_received(heir.stream), 6);
	assert_true(net_stream_is_clean(heir.stream));
	close(peer);
	UNTIL(&player, heir.ends == 1);
	assert_int_equal(player.ends, 0);
	close(server);
	player_deinit(&player);
}

TEST(stream_is_told_that_nobody_listens)
{
	struct player player;
	player_init(&player);
	struct address to;
	int held = nobody(SOCK_STREAM, &to);
	struct net_stream_config config = stream_config(&player, &to);
	open_stream(&player, &config);
	assert_int_equal(player.ends, 0);
	UNTIL(&player, player.ends == 1);
	assert_int_equal(player.end, NET_END_REFUSED);
	assert_string_equal(player.why, "Connection refused");
	assert_int_equal(player.connected, 0);
	close(held);
	player_deinit(&player);
}

/* A server that takes no connection: its queue is full, so that the kernel answers nothing. */
TEST(stream_that_does_not_connect_times_out)
{
	struct player player;
	player_init(&player);
	struct address address;
	int server = server_socket(SOCK_STREAM, &address);
	assert_int_equal(listen(server, 0), 0);
	struct net_stream_config config = stream_config(&player, &address);
	struct net_stream *fillers[4];
	struct error error;
	for (size_t i = 0; i < 4; i++) {
		struct net_stream_config patient = config;
		patient.connect_ms = 1000000;
		patient.idle_ms = 0;
		patient.total_ms = 0;
		fillers[i] = net_stream_open(player.loop, &patient, &error);
		assert_non_null(fillers[i]);
		net_loop_turn(player.loop, 0);
	}
	size_t before = player.connected;
	open_stream(&player, &config);
	pass(&player, 2999);
	assert_int_equal(player.ends, 0);
	pass(&player, 1);
	assert_int_equal(player.ends, 1);
	assert_int_equal(player.end, NET_END_TIMEOUT);
	assert_string_equal(player.why, "no connection within 3000 ms");
	assert_true(before < 4);
	close(server);
	player_deinit(&player);
}

TEST(stream_to_a_stalled_server_ends_by_the_idle_limit)
{
	struct player player;
	int peer = begin_with_stream(&player);
	uint8_t frame[2 + 12] = {0, 12};
	for (size_t i = 0; i < 4; i++) {
		peer_sends(&player, peer, frame, sizeof frame);
		UNTIL(&player, player.messages == i + 1);
		pass(&player, 9999);
		assert_int_equal(player.ends, 0);
	}
	pass(&player, 1);
	assert_int_equal(player.ends, 1);
	assert_int_equal(player.end, NET_END_STALLED);
	assert_string_equal(player.why, "no octet within 10000 ms, 56 octets received before");
	close(peer);
	player_deinit(&player);
}

TEST(stream_that_never_ends_is_cut_by_the_total_limit)
{
	struct player player;
	int peer = begin_with_stream(&player);
	uint8_t frame[2 + 12] = {0, 12};
	for (size_t i = 0; i < 11; i++) {
		peer_sends(&player, peer, frame, sizeof frame);
		UNTIL(&player, player.messages == i + 1);
		pass(&player, 5000);
	}
	assert_int_equal(player.ends, 0);
	pass(&player, 5000);
	assert_int_equal(player.end, NET_END_TOO_LONG);
	assert_string_equal(player.why, "not done within 60000 ms in all, 154 octets received");
	close(peer);
	player_deinit(&player);
}

TEST(stream_cut_inside_a_message_is_told_as_cut)
{
	for (size_t part = 1; part < 5; part++) {
		struct player player;
		int peer = begin_with_stream(&player);
		const uint8_t bytes[] = {0,   12,  'a', 'b', 'c', 'd', 'e', 'f', 'g',
		                         'h', 'i', 'j', 'k', 'l', 0,   99,  1,   2};
		peer_sends(&player, peer, bytes, 14 + part);
		close(peer);
		UNTIL(&player, player.ends == 1);
		assert_int_equal(player.messages, 1);
		assert_int_equal(player.end, NET_END_CUT);
		player_deinit(&player);
	}
}

TEST(stream_that_is_reset_is_told_as_cut_after_what_came)
{
	struct player player;
	int peer = begin_with_stream(&player);
	struct linger at_once = {.l_onoff = 1};
	assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
	close(peer);
	UNTIL(&player, player.ends == 1);
	assert_int_equal(player.end, NET_END_CUT);
	assert_string_equal(player.why, "Connection reset by peer");
	player_deinit(&player);
}

TEST(stream_with_a_message_under_a_header_ends)
{
	struct player player;
	int peer = begin_with_stream(&player);
	const uint8_t bytes[] = {0, 0};
	peer_sends(&player, peer, bytes, sizeof bytes);
	UNTIL(&player, player.ends == 1);
	assert_int_equal(player.end, NET_END_BAD_FRAME);
	close(peer);
	player_deinit(&player);
}

TEST(stream_may_be_closed_inside_its_callback)
{
	struct player player;
	int peer = begin_with_stream(&player);
	player.closes = true;
	uint8_t frames[3 * (2 + 12)] = {0};
	for (size_t i = 0; i < 3; i++) {
		frames[i * 14 + 1] = 12;
	}
	peer_sends(&player, peer, frames, sizeof frames);
	UNTIL(&player, player.messages == 1);
	for (size_t i = 0; i < 10; i++) {
		net_loop_turn(player.loop, 0);
	}
	assert_int_equal(player.messages, 1);
	assert_int_equal(player.ends, 0);
	close(peer);
	player_deinit(&player);
}

TEST(paused_stream_gives_nothing_and_loses_nothing)
{
	struct player player;
	int peer = begin_with_stream(&player);
	player.pauses = true;
	uint8_t frames[5 * (2 + 12)] = {0};
	for (size_t i = 0; i < 5; i++) {
		frames[i * 14 + 1] = 12;
	}
	peer_sends(&player, peer, frames, sizeof frames);
	close(peer);
	for (size_t i = 1; i <= 5; i++) {
		UNTIL(&player, player.messages == i);
		pass(&player, 11000); /* the idle limit does not count */
		assert_int_equal(player.messages, i);
		assert_int_equal(player.ends, 0);
		net_stream_resume(player.stream);
	}
	player.pauses = false;
	UNTIL(&player, player.ends == 1);
	assert_int_equal(player.end, NET_END_CLOSED);
	player_deinit(&player);
}

TEST(stream_takes_no_more_than_its_output_limit)
{
	struct player player;
	player_init(&player);
	struct address address;
	int server = server_socket(SOCK_STREAM, &address);
	struct net_stream_config config = stream_config(&player, &address);
	config.output_max = 100;
	open_stream(&player, &config);
	uint8_t message[98] = {0};
	assert_true(net_stream_send(player.stream, message, sizeof message));
	assert_false(net_stream_send(player.stream, message, sizeof message));
	int peer = -1;
	UNTIL(&player, (peer = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0);
	uint8_t got[100];
	peer_reads(&player, peer, got, sizeof got);
	assert_true(net_stream_send(player.stream, message, sizeof message));
	close(peer);
	close(server);
	player_deinit(&player);
}

/* --- The loop itself --- */

struct alarm {
	struct net_timer timer;
	struct net_loop *loop;
	size_t rings;
};

static void ring(struct net_timer *timer, struct moment now)
{
	struct alarm *alarm = (struct alarm *)timer;
	alarm->rings++;
	if (alarm->rings < 3) {
		net_timer_set(alarm->loop, timer, now.boot_ms + 100);
	}
}

TEST(timers_of_the_loop_ring_when_their_time_comes)
{
	struct player player;
	player_init(&player);
	struct alarm alarm = {.timer = {.expired = ring}, .loop = player.loop};
	struct alarm cancelled = {.timer = {.expired = ring}, .loop = player.loop};
	net_timer_set(player.loop, &alarm.timer, player.now_ms + 100);
	net_timer_set(player.loop, &cancelled.timer, player.now_ms + 50);
	net_timer_cancel(player.loop, &cancelled.timer);
	for (size_t i = 0; i < 3; i++) {
		pass(&player, 99);
		assert_int_equal(alarm.rings, i);
		pass(&player, 1);
		assert_int_equal(alarm.rings, i + 1);
	}
	assert_false(net_timer_is_set(&alarm.timer));
	assert_int_equal(cancelled.rings, 0);
	player_deinit(&player);
}

static void *run_loop(void *loop)
{
	net_loop_run(loop);
	return NULL;
}

static void stop_loop(void *context, struct moment now)
{
	(void)now;
	net_loop_stop(context);
}

TEST(letter_from_another_thread_reaches_a_sleeping_loop)
{
	struct net_loop_config config = net_loop_config_default();
	struct error error;
	struct net_loop *loop = net_loop_new(&config, &error);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, run_loop, loop), 0);
	assert_true(net_loop_post(loop, stop_loop, loop));
	pthread_join(thread, NULL);
	assert_false(net_loop_post(loop, stop_loop, loop));
	net_loop_free(loop);
}
