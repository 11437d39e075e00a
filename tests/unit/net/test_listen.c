/* SPDX-License-Identifier: MIT */
/* Listen addresses, several workers on threads of their own, stopping, and letters from other threads. The real clock runs
 * here; nothing waits for it but in limits that end what would otherwise hang. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rig.h"

#define WORKERS 3

struct crew {
	struct net_worker *workers[WORKERS];
	pthread_t threads[WORKERS];
	size_t running;
	struct net_return way; /* of the newest deferred question */
	_Atomic size_t deferred;
	_Atomic size_t datagrams[WORKERS];
};

struct seat {
	struct crew *crew;
	size_t number;
};

static struct seat seats[WORKERS];

static void on_datagrams(void *self, struct net_datagram *batch, size_t count, struct moment now)
{
	(void)now;
	struct seat *seat = self;
	atomic_fetch_add(&seat->crew->datagrams[seat->number], count);
	for (size_t i = 0; i < count; i++) {
		memcpy(batch[i].answer, batch[i].query, batch[i].query_len);
		batch[i].answer_len = batch[i].query_len;
	}
}

static void on_message(void *self, struct net_message *message, struct moment now)
{
	(void)now;
	struct seat *seat = self;
	if (message->query[12] == WISH_DEFER) {
		seat->crew->way = net_connection_defer(message->connection);
		atomic_fetch_add(&seat->crew->deferred, 1);
		return;
	}
	memcpy(message->answer, message->query, message->query_len);
	message->answer_len = message->query_len;
}

static void crew_init(struct crew *crew, const struct net_config *config)
{
	*crew = (struct crew){0};
	struct error error;
	for (size_t i = 0; i < WORKERS; i++) {
		seats[i] = (struct seat){.crew = crew, .number = i};
		struct net_handler handler = {.self = &seats[i], .datagrams = on_datagrams, .message = on_message};
		crew->workers[i] = net_worker_new(config, &handler, &error);
		assert_non_null(crew->workers[i]);
	}
}

static void *work(void *worker)
{
	net_worker_run(worker);
	return NULL;
}

static void crew_run(struct crew *crew, size_t count)
{
	for (crew->running = 0; crew->running < count; crew->running++) {
		assert_int_equal(
		        pthread_create(&crew->threads[crew->running], NULL, work, crew->workers[crew->running]), 0);
	}
}

static void crew_deinit(struct crew *crew)
{
	for (size_t i = 0; i < crew->running; i++) {
		net_worker_stop(crew->workers[i]);
	}
	for (size_t i = 0; i < crew->running; i++) {
		pthread_join(crew->threads[i], NULL);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		net_worker_free(crew->workers[i]);
	}
}

static struct address crew_listen(struct crew *crew, const char *text)
{
	struct address wanted = text_address(text);
	struct address bound;
	struct error error;
	if (!net_workers_listen(crew->workers, WORKERS, &wanted, &bound, &error)) {
		fail_msg("%s", error.text);
	}
	assert_true(bound.port != 0);
	return bound;
}

/* A blocking socket that gives up after some seconds. */
static int connect_to(const struct address *to, int type)
{
	struct sockaddr_storage storage;
	socklen_t len = address_to_socket(to, &storage);
	int fd = socket(to->family == ADDRESS_V4 ? AF_INET : AF_INET6, type, 0);
	struct timeval patience = {.tv_sec = 60};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
	return fd;
}

/* Asked from elsewhere: from the same address the kernel might choose the same port, and connect the socket to itself. */
static bool is_refused(const struct address *to)
{
	struct sockaddr_storage storage;
	struct address from = text_address("127.0.0.9");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = address_to_socket(&from, &storage);
	assert_int_equal(bind(fd, (struct sockaddr *)&storage, len), 0);
	len = address_to_socket(to, &storage);
	bool refused = connect(fd, (struct sockaddr *)&storage, len) != 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static void ask_by_udp(int fd, uint8_t id)
{
	uint8_t query[12] = {id};
	uint8_t answer[12] = {0};
	assert_int_equal(send(fd, query, sizeof query, 0), sizeof query);
	assert_int_equal(recv(fd, answer, sizeof answer, 0), sizeof answer);
	assert_int_equal(answer[0], id);
}

static void ask_by_tcp(int fd, uint16_t id)
{
	uint8_t query[QUERY_LEN + 2];
	uint8_t answer[QUERY_LEN + 2];
	size_t len = frame(query, id, WISH_ECHO, 0);
	assert_int_equal(send(fd, query, len, 0), len);
	assert_int_equal(recv(fd, answer, len, MSG_WAITALL), len);
	assert_memory_equal(query, answer, len);
}

static void expect_served(const struct address *to)
{
	int udp = connect_to(to, SOCK_DGRAM);
	int tcp = connect_to(to, SOCK_STREAM);
	ask_by_udp(udp, 1);
	ask_by_tcp(tcp, 2);
	close(udp);
	close(tcp);
}

static void expect_shared(const char *wanted)
{
	struct crew crew;
	struct net_config config = net_config_default();
	crew_init(&crew, &config);
	struct address bound = crew_listen(&crew, wanted);
	crew_run(&crew, WORKERS);
	for (size_t i = 0; i < 100; i++) {
		expect_served(&bound);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		assert_true(atomic_load(&crew.datagrams[i]) > 0);
	}
	crew_deinit(&crew);
}

TEST(workers_share_an_address)
{
	expect_shared("127.0.0.1");
}

TEST(workers_share_an_ipv6_address)
{
	need_ipv6();
	expect_shared("::1");
}

TEST(address_that_is_taken_is_refused_with_a_clear_line)
{
	struct crew crew;
	struct crew rival;
	struct net_config config = net_config_default();
	crew_init(&crew, &config);
	crew_init(&rival, &config);
	struct address bound = crew_listen(&crew, "127.0.0.1");
	struct error error;
	char expected[200];
	char text[ADDRESS_TEXT_MAX];
	/* Another server, and the same one again; SO_REUSEPORT alone would allow both. */
	assert_false(net_workers_listen(rival.workers, WORKERS, &bound, NULL, &error));
	snprintf(expected, sizeof expected, "listen %s (UDP): Address already in use", address_to_text(&bound, text));
	assert_string_equal(error.text, expected);
	assert_false(net_workers_listen(crew.workers, WORKERS, &bound, NULL, &error));
	assert_string_equal(error.text, expected);
	assert_int_equal(error.code, ERROR_IO);
	crew_deinit(&rival);
	crew_run(&crew, WORKERS);
	expect_served(&bound);
	crew_deinit(&crew);
}

TEST(address_taken_for_tcp_alone_is_refused_and_nothing_stays_bound)
{
	struct crew crew;
	struct net_config config = net_config_default();
	crew_init(&crew, &config);
	struct sockaddr_storage storage;
	struct address address = text_address("127.0.0.1");
	socklen_t len = address_to_socket(&address, &storage);
	int taken = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(taken, (struct sockaddr *)&storage, len), 0);
	assert_int_equal(listen(taken, 1), 0);
	len = sizeof storage;
	assert_int_equal(getsockname(taken, (struct sockaddr *)&storage, &len), 0);
	address = address_from_socket((struct sockaddr *)&storage);
	struct error error;
	assert_false(net_workers_listen(crew.workers, WORKERS, &address, NULL, &error));
	assert_non_null(strstr(error.text, "(TCP): Address already in use"));
	close(taken);
	assert_true(net_workers_listen(crew.workers, WORKERS, &address, NULL, &error));
	crew_deinit(&crew);
}

TEST(address_of_another_machine_is_refused)
{
	struct crew crew;
	struct net_config config = net_config_default();
	crew_init(&crew, &config);
	struct address address = text_address("192.0.2.1@5300");
	struct error error;
	assert_false(net_workers_listen(crew.workers, WORKERS, &address, NULL, &error));
	assert_string_equal(error.text, "listen 192.0.2.1@5300 (UDP): Cannot assign requested address");
	crew_deinit(&crew);
}

TEST(addresses_come_and_go_while_workers_run)
{
	struct crew crew;
	struct net_config config = net_config_default();
	crew_init(&crew, &config);
	crew_run(&crew, WORKERS);
	struct address kept = crew_listen(&crew, "127.0.0.1");
	int old = connect_to(&kept, SOCK_STREAM);
	ask_by_tcp(old, 1);
	for (size_t i = 0; i < 10; i++) {
		struct address passing = crew_listen(&crew, "127.0.0.2");
		expect_served(&passing);
		assert_true(net_workers_unlisten(crew.workers, WORKERS, &passing));
		assert_true(is_refused(&passing));
		assert_false(net_workers_unlisten(crew.workers, WORKERS, &passing));
		/* It is free again at once. */
		struct error error;
		assert_true(net_workers_listen(crew.workers, WORKERS, &passing, NULL, &error));
		assert_true(net_workers_unlisten(crew.workers, WORKERS, &passing));
	}
	assert_true(net_workers_unlisten(crew.workers, WORKERS, &kept));
	ask_by_tcp(old, 2); /* who is connected stays */
	close(old);
	crew_deinit(&crew);
}

TEST(address_is_taken_away_before_workers_run)
{
	struct crew crew;
	struct net_config config = net_config_default();
	crew_init(&crew, &config);
	struct address bound = crew_listen(&crew, "127.0.0.1");
	assert_true(net_workers_unlisten(crew.workers, WORKERS, &bound));
	assert_true(is_refused(&bound));
	crew_deinit(&crew);
}

static void answer_deferred(void *context, struct moment now)
{
	(void)now;
	struct crew *crew = context;
	uint8_t answer[12] = {0xaa};
	net_worker_answer(crew->workers[0], &crew->way, answer, sizeof answer);
}

TEST(stop_lets_a_deferred_answer_go_first)
{
	struct crew crew;
	struct net_config config = net_config_default();
	config.stop_ms = 20000;
	crew_init(&crew, &config);
	struct address address = text_address("127.0.0.1");
	struct address bound;
	struct error error;
	assert_true(net_workers_listen(crew.workers, 1, &address, &bound, &error));
	crew_run(&crew, 1);
	int fd = connect_to(&bound, SOCK_STREAM);
	int idle = connect_to(&bound, SOCK_STREAM);
	uint8_t query[QUERY_LEN + 2];
	size_t len = frame(query, 1, WISH_DEFER, 0);
	ask_by_tcp(idle, 7);
	assert_int_equal(send(fd, query, len, 0), len);
	while (atomic_load(&crew.deferred) == 0) {
		sched_yield();
	}
	net_worker_stop(crew.workers[0]);
	uint8_t answer[14];
	assert_int_equal(recv(idle, answer, 1, 0), 0); /* the idle one is closed at once */
	assert_true(net_worker_post(crew.workers[0], answer_deferred, &crew));
	assert_int_equal(recv(fd, answer, sizeof answer, MSG_WAITALL), sizeof answer);
	assert_int_equal(answer[2], 0xaa);
	assert_int_equal(recv(fd, answer, 1, 0), 0);
	pthread_join(crew.threads[0], NULL); /* long before stop_ms */
	crew.running = 0;
	assert_true(is_refused(&bound));
	close(fd);
	close(idle);
	crew_deinit(&crew);
}

TEST(stop_does_not_wait_longer_than_its_limit)
{
	struct crew crew;
	struct net_config config = net_config_default();
	config.stop_ms = 20;
	crew_init(&crew, &config);
	struct address bound = crew_listen(&crew, "127.0.0.1");
	crew_run(&crew, WORKERS);
	int fd = connect_to(&bound, SOCK_STREAM);
	uint8_t query[QUERY_LEN + 2];
	size_t len = frame(query, 1, WISH_DEFER, 0);
	assert_int_equal(send(fd, query, len, 0), len);
	while (atomic_load(&crew.deferred) == 0) {
		sched_yield();
	}
	crew_deinit(&crew);
	assert_int_equal(recv(fd, query, 1, 0), 0);
	close(fd);
}

/* --- Letters --- */

#define POSTERS 4
#define POSTS   20000

static size_t run_in_order[POSTERS];
static size_t posted_count;

struct post {
	size_t poster;
	size_t number;
};

static void note_post(void *context, struct moment now)
{
	(void)now;
	struct post *post = context;
	assert_int_equal(run_in_order[post->poster], post->number);
	run_in_order[post->poster]++;
	posted_count++;
	free(post);
}

struct poster {
	struct net_worker *worker;
	size_t number;
};

static void *post_all(void *context)
{
	struct poster *poster = context;
	for (size_t i = 0; i < POSTS; i++) {
		struct post *post = malloc(sizeof *post);
		*post = (struct post){.poster = poster->number, .number = i};
		while (!net_worker_post(poster->worker, note_post, post)) {
			sched_yield(); /* full for now */
		}
	}
	return NULL;
}

TEST(letters_of_each_thread_are_run_once_and_in_order)
{
	struct crew crew;
	struct net_config config = net_config_default();
	config.posts_max = 100;
	crew_init(&crew, &config);
	crew_run(&crew, 1);
	pthread_t threads[POSTERS];
	struct poster posters[POSTERS];
	for (size_t i = 0; i < POSTERS; i++) {
		posters[i] = (struct poster){.worker = crew.workers[0], .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, post_all, &posters[i]), 0);
	}
	for (size_t i = 0; i < POSTERS; i++) {
		pthread_join(threads[i], NULL);
	}
	crew_deinit(&crew); /* runs what waits */
	assert_int_equal(posted_count, POSTERS * POSTS);
}

static void count_letter(void *context, struct moment now)
{
	(void)now;
	(*(size_t *)context)++;
}

TEST(letters_are_limited_and_those_left_are_run_at_the_end)
{
	struct net_config config = net_config_default();
	config.posts_max = 5;
	struct net_handler handler = {.datagrams = on_datagrams, .message = on_message};
	struct error error;
	struct net_worker *worker = net_worker_new(&config, &handler, &error);
	size_t run = 0;
	for (size_t i = 0; i < 5; i++) {
		assert_true(net_worker_post(worker, count_letter, &run));
	}
	assert_false(net_worker_post(worker, count_letter, &run));
	net_worker_stop(worker);
	while (net_worker_turn(worker, 0)) {
	}
	assert_int_equal(run, 5);
	assert_false(net_worker_post(worker, count_letter, &run));
	net_worker_free(worker);

	worker = net_worker_new(&config, &handler, &error);
	assert_true(net_worker_post(worker, count_letter, &run));
	net_worker_free(worker);
	assert_int_equal(run, 6);
}
