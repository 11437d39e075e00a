/* SPDX-License-Identifier: MIT */
/* The pool of zone writers: work that may take long (parse, check, publish, write) away from workers and loops.
 *
 * I1  Jobs of one lane run one at a time, in the order in which they were added; a zone has one lane, so it has one
 *     writer.
 * I2  Lanes take turns: a zone with many jobs does not keep others waiting for more than one job. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ensure.h"
#include "base/error.h"

struct jobs;

/* Embed it. `run` may free it. */
struct job {
	void (*run)(struct job *self);
	struct job *next; /* the pool's own */
};

/* Counted: lives while somebody holds a reference or jobs are in it, so that a job may end its owner, and that a zone
 * which comes back goes on in the lane of the one before. */
struct job_lane;
/* One reference, the caller's. */
struct job_lane *job_lane_new(void);
struct job_lane *job_lane_ref(struct job_lane *lane);
void job_lane_unref(struct job_lane *take);
/* Somebody besides the caller holds it, or jobs are in it. */
bool job_lane_is_shared(const struct job_lane *lane);

/* NULL: threads could not be started (ERROR_IO). Each thread is a registered QSBR reader. */
struct jobs *jobs_new(size_t threads, struct error *error);
/* Any thread. */
void jobs_add(struct jobs *jobs, struct job_lane *lane, struct job *job);
/* Finishes what is queued, then ends the threads. What is added later waits for jobs_free. NULL is fine. */
void jobs_end(struct jobs *jobs);
/* The same, then runs what was added since, on the caller's thread. Nobody may add jobs meanwhile but jobs themselves.
 * NULL is fine. */
void jobs_free(struct jobs *jobs);
/* Waits until no job is queued or runs, but no longer than this. */
void jobs_wait_idle(struct jobs *jobs, int64_t at_most_ms);
