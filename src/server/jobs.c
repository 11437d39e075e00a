/* SPDX-License-Identifier: MIT */
#include "server/jobs_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/quiescent.h"

struct job_lane {
	_Atomic uint32_t references;
	/* the pool's lock guards what follows */
	struct job *first;
	struct job **last; /* NULL: empty */
	struct job_lane *next;
	bool queued; /* waits for a thread or runs on one; the pool then holds a reference */
};

struct jobs {
	pthread_mutex_t lock; /* guards everything below and the lanes */
	pthread_cond_t work;
	pthread_cond_t idle;
	struct job_lane *first;
	struct job_lane **last;
	size_t running;
	size_t done_in_a_row; /* since nothing was left to do */
	bool stopping;
	size_t thread_count;
	pthread_t *threads;
};

struct job_lane *job_lane_new(void)
{
	struct job_lane *lane = memory_new(sizeof *lane);
	atomic_init(&lane->references, 1);
	return lane;
}

struct job_lane *job_lane_ref(struct job_lane *lane)
{
	atomic_fetch_add_explicit(&lane->references, 1, memory_order_relaxed);
	return lane;
}

void job_lane_unref(struct job_lane *take)
{
	if (take != NULL && atomic_fetch_sub_explicit(&take->references, 1, memory_order_acq_rel) == 1) {
		free(take);
	}
}

bool job_lane_is_shared(const struct job_lane *lane)
{
	return atomic_load_explicit(&lane->references, memory_order_acquire) > 1;
}

static void lane_enqueue(struct jobs *jobs, struct job_lane *lane)
{
	lane->next = NULL;
	lane->queued = true;
	*jobs->last = lane;
	jobs->last = &lane->next;
}

/* So many jobs without a pause, as when a server with very many zones starts, leave behind freed memory that is worth
 * going after. */
#define MANY_IN_A_ROW 5000

/* Nothing is left to do. Called with the lock held, which is let go of meanwhile. */
static void rest(struct jobs *jobs)
{
	bool were_many = jobs->done_in_a_row >= MANY_IN_A_ROW;
	jobs->done_in_a_row = 0;
	if (were_many) {
		pthread_mutex_unlock(&jobs->lock);
		memory_give_back();
		pthread_mutex_lock(&jobs->lock);
	}
}

/* The next lane's first job; waits. NULL: the pool stops and nothing is left. Called with the lock held. */
static struct job *next_job(struct jobs *jobs, struct job_lane **lane)
{
	while (jobs->first == NULL) {
		if (jobs->stopping) {
			return NULL;
		}
		pthread_cond_wait(&jobs->work, &jobs->lock);
	}
	jobs->running++;
	*lane = jobs->first;
	jobs->first = (*lane)->next;
	if (jobs->first == NULL) {
		jobs->last = &jobs->first;
	}
	struct job *job = (*lane)->first;
	(*lane)->first = job->next;
	if (job->next == NULL) {
		(*lane)->last = NULL;
	}
	return job;
}

static void finish_job(struct jobs *jobs, struct job_lane *lane)
{
	jobs->running--;
	if (lane->first != NULL) {
		lane_enqueue(jobs, lane);
		pthread_cond_signal(&jobs->work);
	} else {
		lane->queued = false;
		job_lane_unref(lane);
	}
	jobs->done_in_a_row++;
	if (jobs->running == 0 && jobs->first == NULL) {
		pthread_cond_broadcast(&jobs->idle);
		rest(jobs);
	}
}

/* Until the pool stops and nothing is left. */
static void run_jobs(struct jobs *jobs)
{
	struct job_lane *lane;
	pthread_mutex_lock(&jobs->lock);
	for (struct job *job = next_job(jobs, &lane); job != NULL; job = next_job(jobs, &lane)) {
		pthread_mutex_unlock(&jobs->lock);
		/* Offline: a zone's writer is the only one who retires what it reads, so it needs no protection, and a
		 * long job holds up no grace period. */
		job->run(job);
		pthread_mutex_lock(&jobs->lock);
		finish_job(jobs, lane);
	}
	pthread_mutex_unlock(&jobs->lock);
}

static void *work(void *context)
{
	quiescent_register();
	quiescent_offline();
	run_jobs(context);
	quiescent_online();
	quiescent_unregister();
	return NULL;
}

struct jobs *jobs_new(size_t threads, struct error *error)
{
	struct jobs *jobs = memory_new(sizeof *jobs);
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->work, NULL);
	pthread_cond_init(&jobs->idle, NULL);
	jobs->last = &jobs->first;
	jobs->threads = memory_new_array(threads, sizeof *jobs->threads);
	for (size_t i = 0; i < threads; i++) {
		int failed = pthread_create(&jobs->threads[i], NULL, work, jobs);
		if (failed != 0) {
			error_set_errno(error, failed, "thread for zone writers");
			jobs_free(jobs);
			return NULL;
		}
		jobs->thread_count++;
	}
	return jobs;
}

void jobs_add(struct jobs *jobs, struct job_lane *lane, struct job *job)
{
	pthread_mutex_lock(&jobs->lock);
	job->next = NULL;
	if (lane->last == NULL) {
		lane->last = &lane->first;
	}
	*lane->last = job;
	lane->last = &job->next;
	if (!lane->queued) {
		lane_enqueue(jobs, job_lane_ref(lane));
		pthread_cond_signal(&jobs->work);
	}
	pthread_mutex_unlock(&jobs->lock);
}

void jobs_wait_idle(struct jobs *jobs, int64_t at_most_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(at_most_ms / 1000);
	int failed = 0;
	pthread_mutex_lock(&jobs->lock);
	while ((jobs->running > 0 || jobs->first != NULL) && failed == 0) {
		failed = pthread_cond_timedwait(&jobs->idle, &jobs->lock, &until);
	}
	pthread_mutex_unlock(&jobs->lock);
}

void jobs_end(struct jobs *jobs)
{
	if (jobs == NULL) {
		return;
	}
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->work);
	pthread_mutex_unlock(&jobs->lock);
	for (size_t i = 0; i < jobs->thread_count; i++) {
		pthread_join(jobs->threads[i], NULL);
	}
	jobs->thread_count = 0;
}

void jobs_free(struct jobs *jobs)
{
	if (jobs == NULL) {
		return;
	}
	jobs_end(jobs);
	run_jobs(jobs);
	pthread_cond_destroy(&jobs->idle);
	pthread_cond_destroy(&jobs->work);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs->threads);
	free(jobs);
}
