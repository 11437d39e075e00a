/* SPDX-License-Identifier: MIT */
#include "server/copies_internal.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "server/server_internal.h"

/* Behind everything that somebody waits for. */
#define NICE 15
/* A server whose zone writers never rest has its copies made all the same. */
#define FIRST_WAIT_MS 60000

/* Small copies wait in memory until the store has them, up to 16 KiB each: no more than so many at once. */
#define WAITING_MAX 1024

struct copy_job {
	struct job job;           /* first */
	struct server_zone *zone; /* a reference */
	bool is_first;
};

static void be_nice(struct job *self)
{
	setpriority(PRIO_PROCESS, 0, NICE); /* of this thread alone, on Linux */
	free(self);
}

static void copied(void *context, const struct error *error)
{
	(void)error; /* it was logged */
	server_zone_unref(context);
}

static void make_copy(struct job *self)
{
	struct copy_job *job = (struct copy_job *)self;
	struct server *server = job->zone->server;
	if (job->is_first && !atomic_load(&server->stopping)) {
		jobs_wait_idle(server->jobs, FIRST_WAIT_MS);
	}
	if (atomic_load(&server->stopping) || atomic_load(&job->zone->is_removed)) {
		server_zone_unref(job->zone);
	} else {
		publish_line_copy(job->zone->line, copied, job->zone);
		if (atomic_fetch_add(&server->copies.made, 1) % WAITING_MAX == WAITING_MAX - 1) {
			store_flush(server->store);
		}
	}
	free(job);
}

static void wanted(const struct publish_copier *self, void *owner, bool is_first)
{
	const struct copies *copies = (const struct copies *)self;
	struct copy_job *job = memory_new(sizeof *job);
	job->job.run = make_copy;
	job->zone = server_zone_ref(owner);
	job->is_first = is_first;
	jobs_add(copies->jobs, is_first ? copies->firsts : copies->others, &job->job);
}

static void add_nice(struct copies *copies, struct job_lane *lane)
{
	struct job *job = memory_new(sizeof *job);
	job->run = be_nice;
	jobs_add(copies->jobs, lane, job);
}

bool copies_start(struct server *server, struct error *error)
{
	struct copies *copies = &server->copies;
	copies->copier.wanted = wanted;
	copies->server = server;
	copies->jobs = jobs_new(2, error);
	if (copies->jobs == NULL) {
		return false;
	}
	copies->firsts = job_lane_new();
	copies->others = job_lane_new();
	add_nice(copies, copies->firsts);
	add_nice(copies, copies->others);
	publish_set_copier(server->publish, &copies->copier);
	return true;
}

void copies_stop(struct server *server)
{
	jobs_end(server->copies.jobs);
}

void copies_free(struct server *server)
{
	struct copies *copies = &server->copies;
	if (copies->jobs != NULL) {
		jobs_free(copies->jobs);
		job_lane_unref(copies->firsts);
		job_lane_unref(copies->others);
		copies->jobs = NULL;
	}
}
