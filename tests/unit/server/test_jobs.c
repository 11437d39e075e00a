/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "server/jobs_internal.h"

#define LANES 8
#define JOBS  500

struct counted_lane {
	struct job_lane *lane;
	_Atomic int running;
	_Atomic int next;
	bool out_of_order;
	bool overlapped;
};

struct counted_job {
	struct job job;
	struct counted_lane *lane;
	int number;
};

static void run_counted(struct job *self)
{
	struct counted_job *job = (struct counted_job *)self;
	struct counted_lane *lane = job->lane;
	lane->overlapped = atomic_fetch_add(&lane->running, 1) > 0 || lane->overlapped;
	lane->out_of_order = lane->next != job->number || lane->out_of_order;
	lane->next = job->number + 1;
	atomic_fetch_sub(&lane->running, 1);
	free(job);
}

TEST(jobs_of_a_lane_run_in_order_and_one_at_a_time)
{
	struct error error;
	struct counted_lane lanes[LANES] = {0};
	struct jobs *jobs = jobs_new(3, &error);
	assert_non_null(jobs);
	for (size_t i = 0; i < LANES; i++) {
		lanes[i].lane = job_lane_new();
	}
	for (int number = 0; number < JOBS; number++) {
		for (size_t i = 0; i < LANES; i++) {
			struct counted_job *job = memory_new(sizeof *job);
			job->job.run = run_counted;
			job->lane = &lanes[i];
			job->number = number;
			jobs_add(jobs, lanes[i].lane, &job->job);
		}
	}
	jobs_wait_idle(jobs, 600000);
	for (size_t i = 0; i < LANES; i++) {
		assert_int_equal(lanes[i].next, JOBS);
		assert_false(lanes[i].out_of_order);
		assert_false(lanes[i].overlapped);
		job_lane_unref(lanes[i].lane);
	}
	jobs_free(jobs);
}

/* A job that waits until it is let go. */
struct held_job {
	struct job job;
	pthread_mutex_t *gate;
	_Atomic bool *has_begun;
};

static void run_held(struct job *self)
{
	struct held_job *job = (struct held_job *)self;
	atomic_store(job->has_begun, true);
	pthread_mutex_lock(job->gate);
	pthread_mutex_unlock(job->gate);
}

TEST(long_job_of_one_zone_does_not_hold_up_another)
{
	struct error error;
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	_Atomic bool has_begun = false;
	struct job_lane *slow = job_lane_new();
	struct counted_lane quick = {.lane = job_lane_new()};
	struct held_job held = {.job = {.run = run_held}, .gate = &gate, .has_begun = &has_begun};
	struct jobs *jobs = jobs_new(2, &error);
	pthread_mutex_lock(&gate);
	jobs_add(jobs, slow, &held.job);
	while (!atomic_load(&has_begun)) {
	}
	struct counted_job *job = memory_new(sizeof *job);
	job->job.run = run_counted;
	job->lane = &quick;
	jobs_add(jobs, quick.lane, &job->job);
	/* Ends only if the quick lane ran while the slow one is held. */
	while (atomic_load(&quick.next) == 0) {
	}
	pthread_mutex_unlock(&gate);
	jobs_free(jobs);
	job_lane_unref(slow);
	job_lane_unref(quick.lane);
}

TEST(what_is_queued_at_the_end_is_finished)
{
	struct error error;
	struct counted_lane lane = {.lane = job_lane_new()};
	struct jobs *jobs = jobs_new(1, &error);
	for (int number = 0; number < 100; number++) {
		struct counted_job *job = memory_new(sizeof *job);
		job->job.run = run_counted;
		job->lane = &lane;
		job->number = number;
		jobs_add(jobs, lane.lane, &job->job);
	}
	jobs_free(jobs);
	assert_int_equal(lane.next, 100);
	job_lane_unref(lane.lane);
}

/* A job that holds the only reference to its lane, as one may that ends its zone. */
struct last_job {
	struct job job;
	struct job_lane *lane;
};

static void run_last(struct job *self)
{
	struct last_job *job = (struct last_job *)self;
	job_lane_unref(job->lane);
	free(job);
}

TEST(job_may_give_up_the_last_reference_to_its_lane)
{
	struct error error;
	struct jobs *jobs = jobs_new(2, &error);
	for (int number = 0; number < 100; number++) {
		struct last_job *job = memory_new(sizeof *job);
		job->job.run = run_last;
		job->lane = job_lane_new();
		jobs_add(jobs, job->lane, &job->job);
	}
	jobs_free(jobs);
}

TEST(what_is_added_after_the_end_runs_when_the_pool_is_freed)
{
	struct error error;
	struct counted_lane lane = {.lane = job_lane_new()};
	struct jobs *jobs = jobs_new(1, &error);
	jobs_end(jobs);
	for (int number = 0; number < 3; number++) {
		struct counted_job *job = memory_new(sizeof *job);
		job->job.run = run_counted;
		job->lane = &lane;
		job->number = number;
		jobs_add(jobs, lane.lane, &job->job);
	}
	assert_int_equal(lane.next, 0);
	jobs_free(jobs);
	assert_int_equal(lane.next, 3);
	assert_false(job_lane_is_shared(lane.lane));
	job_lane_unref(lane.lane);
}
