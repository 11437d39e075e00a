/* SPDX-License-Identifier: MIT */
/* Copies of what is served that are asked for while the server stops. */
#include "unit.h"

#include <string.h>

#include "server/server_internal.h"

/* The store tells what it was given last when the zone writers are gone already. */
TEST(copy_that_is_asked_for_at_stop_looks_at_no_writer_that_is_gone)
{
	static struct server server;
	static struct server_zone zone;
	struct error error;
	memset(&server, 0, sizeof server);
	memset(&zone, 0, sizeof zone);
	zone.server = &server;
	zone.name = "example";
	server.publish = publish_new(NULL);
	server.jobs = jobs_new(1, &error);
	assert_non_null(server.jobs);
	assert_true(copies_start(&server, &error));
	atomic_store(&server.stopping, true);
	jobs_end(server.jobs);
	copies_stop(&server);
	jobs_free(server.jobs);
	server.jobs = NULL;
	atomic_store(&zone.references, 2);
	for (int is_first = 0; is_first < 2; is_first++) {
		server.copies.copier.wanted(&server.copies.copier, &zone, is_first == 1);
	}
	copies_free(&server);
	assert_int_equal(atomic_load(&zone.references), 2); /* it was not kept */
	publish_free(server.publish);
}
