/* SPDX-License-Identifier: MIT */
/* Copies of what is served, made beside all else, so that the next start neither reads an unchanged file nor does long rows
 * of changes again. A first copy waits until no zone writer has anything to do: a server that starts answers first. */
#pragma once

#include "publish/publish.h"
#include "server/jobs_internal.h"

struct server;

struct copies {
	struct publish_copier copier; /* first */
	struct server *server;
	struct jobs *jobs;       /* threads of their own, of low priority */
	struct job_lane *firsts; /* of zones of which there is none */
	struct job_lane *others;
	_Atomic uint64_t made; /* so far */
};

/* Before any zone. ERROR_IO */
MUST_USE bool copies_start(struct server *server, struct error *error);
/* Ends those under way; others are left to the next start. server->stopping is set, and no zone writer runs. */
void copies_stop(struct server *server);
/* After that, when the store has told all that it was given: what it still asked for is dropped. */
void copies_free(struct server *server);
