/* SPDX-License-Identifier: MIT */
/* How many connections may be taken, when the process may not open files enough for all that it could do. */
#include "unit.h"

#include <sys/resource.h>

#include "server/server_internal.h"

#define FILES_MAX 200

/* What is taken of so many connections that are configured. */
static uint32_t taken_of(uint32_t configured)
{
	const struct rlimit limit = {.rlim_cur = FILES_MAX, .rlim_max = FILES_MAX};
	const struct conf_server conf = {.tcp_connections = configured, .refresh_queries = 1024, .transfers_in = 64};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	return descriptors_for_connections(&conf);
}

TEST(half_of_too_few_files_are_left_to_others)
{
	assert_int_equal(taken_of(4096), FILES_MAX / 2);
	assert_int_equal(taken_of(FILES_MAX / 2 + 1), FILES_MAX / 2);
}

TEST(no_more_connections_are_taken_than_are_configured)
{
	assert_int_equal(taken_of(FILES_MAX / 2), FILES_MAX / 2);
	assert_int_equal(taken_of(10), 10);
	assert_int_equal(taken_of(1), 1);
}
