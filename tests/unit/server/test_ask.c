/* SPDX-License-Identifier: MIT */
/* Other threads ask the replication loop: its queue has an end, and whoever asks is told what is true. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "server/server_internal.h"

#define POSTS_MAX 3

static void count(void *context, struct moment now)
{
	int *number = context;
	(void)now;
	(*number)++;
}

static void server_with_loop(struct server *server)
{
	struct net_loop_config config = net_loop_config_default();
	struct error error;
	config.posts_max = POSTS_MAX;
	*server = (struct server){.loop = net_loop_new(&config, &error)};
	assert_non_null(server->loop);
}

/* A server whose loop is asleep with its queue full. */
static void server_with_full_queue(struct server *server, int *ran)
{
	server_with_loop(server);
	for (int i = 0; i < POSTS_MAX; i++) {
		assert_true(net_loop_post(server->loop, count, ran));
	}
}

TEST(full_queue_is_told_as_such)
{
	struct server server;
	struct error error;
	int ran = 0;
	int asked = 0;
	server_with_full_queue(&server, &ran);
	assert_false(server_ask_loop(&server, count, &asked, &error));
	assert_int_equal(error.code, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "busy"));
	net_loop_free(server.loop);
	assert_int_equal(ran, POSTS_MAX);
	assert_int_equal(asked, 0);
}

static void *run_loop(void *context)
{
	net_loop_run(context);
	return NULL;
}

TEST(question_waits_for_room_in_the_queue)
{
	struct server server;
	struct error error;
	pthread_t thread;
	int ran = 0;
	int asked = 0;
	server_with_full_queue(&server, &ran);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, server.loop), 0);
	assert_true(server_ask_loop(&server, count, &asked, &error));
	assert_int_equal(asked, 1);
	net_loop_stop(server.loop);
	assert_int_equal(pthread_join(thread, NULL), 0);
	net_loop_free(server.loop);
}

TEST(stopped_loop_is_told_as_such)
{
	struct server server;
	struct error error;
	int asked = 0;
	server_with_loop(&server);
	net_loop_stop(server.loop);
	assert_false(net_loop_turn(server.loop, 0));
	assert_false(server_ask_loop(&server, count, &asked, &error));
	assert_int_equal(error.code, ERROR_STOPPED);
	net_loop_free(server.loop);
}
