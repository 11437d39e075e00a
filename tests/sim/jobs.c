/* SPDX-License-Identifier: MIT */
/* The zone writers: each job is an event of its own, some time after it was given. */
#include "sim.h"

#include <stdlib.h>

#include "base/memory.h"
#include "server/jobs_internal.h"

/* Most jobs are done soon, some take long: a large zone, a busy machine. */
#define JOB_MS_MAX  8
#define SLOW_MS_MAX 2000

struct job_lane {
	uint32_t references;
	struct job *first;
	struct job **last;
	bool is_awaited;       /* an event comes for its first job; the pool then holds a reference */
	struct job_lane *next; /* of those that are awaited */
};

struct jobs {
	struct sim_server *owner;
	struct job_lane *awaited;
	bool has_ended; /* what is added waits for jobs_free */
};

struct job_event {
	struct sim_event event; /* first */
	struct jobs *jobs;
	struct job_lane *lane;
};

struct job_lane *job_lane_new(void)
{
	struct job_lane *lane = memory_new(sizeof *lane);
	lane->references = 1;
	lane->last = &lane->first;
	return lane;
}

struct job_lane *job_lane_ref(struct job_lane *lane)
{
	lane->references++;
	return lane;
}

void job_lane_unref(struct job_lane *take)
{
	if (take != NULL && --take->references == 0) {
		free(take);
	}
}

bool job_lane_is_shared(const struct job_lane *lane)
{
	return lane->references > 1;
}

struct jobs *jobs_new(size_t threads, struct error *error)
{
	struct jobs *jobs = memory_new(sizeof *jobs);
	(void)threads;
	(void)error;
	jobs->owner = sim.current;
	return jobs;
}

static void drop_event(struct sim_event *event)
{
	free(event);
}

static void run_first(struct job_lane *lane)
{
	struct job *job = lane->first;
	lane->first = job->next;
	if (lane->first == NULL) {
		lane->last = &lane->first;
	}
	job->run(job);
}

static void rest(struct jobs *jobs, struct job_lane *lane)
{
	struct job_lane **place = &jobs->awaited;
	while (*place != lane) {
		place = &(*place)->next;
	}
	*place = lane->next;
	lane->is_awaited = false;
	job_lane_unref(lane);
}

static void await(struct jobs *jobs, struct job_lane *lane);

static void run_job(struct sim_event *event)
{
	struct jobs *jobs = ((struct job_event *)event)->jobs;
	struct job_lane *lane = ((struct job_event *)event)->lane;
	free(event);
	run_first(lane);
	if (lane->first == NULL) {
		rest(jobs, lane);
	} else {
		await(jobs, lane);
	}
}

static void await(struct jobs *jobs, struct job_lane *lane)
{
	struct job_event *event = memory_new(sizeof *event);
	event->event.run = run_job;
	event->event.drop = drop_event;
	event->jobs = jobs;
	event->lane = lane;
	sim_later(&event->event, jobs->owner, sim_between(0, sim_chance(3) ? SLOW_MS_MAX : JOB_MS_MAX));
}

void jobs_add(struct jobs *jobs, struct job_lane *lane, struct job *job)
{
	job->next = NULL;
	*lane->last = job;
	lane->last = &job->next;
	if (!lane->is_awaited) {
		lane->is_awaited = true;
		lane->next = jobs->awaited;
		jobs->awaited = job_lane_ref(lane);
		if (!jobs->has_ended) {
			await(jobs, lane);
		}
	}
}

/* Until nothing is left; the events that were to come for them find the server gone. */
static void run_all(struct jobs *jobs)
{
	while (jobs->awaited != NULL) {
		struct job_lane *lane = jobs->awaited;
		while (lane->first != NULL) {
			run_first(lane);
		}
		rest(jobs, lane);
	}
}

void jobs_end(struct jobs *jobs)
{
	if (jobs != NULL && !jobs->has_ended) {
		run_all(jobs);
		jobs->has_ended = true;
	}
}

void jobs_free(struct jobs *jobs)
{
	if (jobs != NULL) {
		run_all(jobs);
		free(jobs);
	}
}

/* Whoever waits may be overtaken at once: so he is. */
void jobs_wait_idle(struct jobs *jobs, int64_t at_most_ms)
{
	(void)at_most_ms;
	(void)jobs;
}
