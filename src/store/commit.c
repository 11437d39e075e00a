/* SPDX-License-Identifier: MIT */
/* Writes wait in one queue. Whoever commits takes all that wait, makes them durable in one transaction, and tells each in
 * its turn. What waits meanwhile is the next group, so the busier the server, the more zones one sync serves (I5). */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "store/store_internal.h"

/* A group holds about so many octets: LMDB keeps the pages that a transaction touches in memory. */
#define GROUP_OCTETS_MAX ((size_t)16 << 20)
/* What is not urgent waits so long for company. */
#define SOON_MS 100
/* After a group of so many the next waits as long as more keep coming, a millisecond at a time: where a hundred thousand zones
 * are read, or ten thousand change at once, a sync for a few hundred serves all sooner than one for each thirty. */
#define BURST_MIN 16
#define BURST_MS  20

/* ---- one write ---- */

static struct store_name key_of(const struct store_write *write, const struct store_put *put)
{
	return put->kind == STORE_KEY_CHANGE ? store_key_of_change(write->apex.wire, put->number)
	                                     : store_key_of(put->kind, write->apex.wire);
}

static bool apply(struct store_write *write, struct error *error)
{
	struct kv *kv = write->store->kv;
	if (!store_merge(write, error)) {
		return false;
	}
	for (const struct store_put *put = write->puts; put != NULL; put = put->next) {
		struct store_name key = key_of(write, put);
		struct kv_bytes value = {.at = put->value, .len = put->len};
		if (put->is_removal ? !kv->side->remove(kv, store_key_bytes(&key), error)
		                    : !kv->side->put(kv, store_key_bytes(&key), value, error)) {
			return false;
		}
	}
	return true;
}

static void settle(struct store_write *take, bool is_durable, const struct error *error)
{
	store_image_remove(take, is_durable ? take->image_before : take->image);
	take->image = 0;
	if (take->waiter != NULL) {
		take->waiter->stand = take->stand;
		take->waiter->done(take->waiter, is_durable, error);
	}
	store_write_free(take);
}

static bool is_wanted(const struct store_write *write)
{
	struct store_waiter *waiter = write->waiter;
	return waiter == NULL || waiter->wanted == NULL || waiter->wanted(waiter);
}

/* ---- a group ---- */

static bool has_puts(const struct store_write *first)
{
	while (first != NULL && first->puts == NULL && first->step == STORE_STEP_NONE) {
		first = first->next;
	}
	return first != NULL;
}

/* Puts all of them into a transaction, which is over if it is false. */
static bool apply_all(struct kv *kv, struct store_write *first, struct error *error)
{
	if (!kv->side->begin(kv, error)) {
		return false;
	}
	for (struct store_write *write = first; write != NULL; write = write->next) {
		if (!apply(write, error)) {
			kv->side->abort(kv);
			return false;
		}
	}
	return true;
}

static bool any_begins_block(const struct store_write *first)
{
	while (first != NULL && !first->block_begins) {
		first = first->next;
	}
	return first != NULL;
}

/* All of them in one transaction, and before that the blocks of their serials (I8). */
static bool commit_all(struct kv *kv, struct store_write *first, struct error *error)
{
	if (!has_puts(first)) {
		return true;
	}
	struct store *store = first->store;
	if (!apply_all(kv, first, error)) {
		return false;
	}
	if (any_begins_block(first) && store->serials == NULL) {
		kv->side->abort(kv);
		if (!store_serials_begin(store, error) || !apply_all(kv, first, error)) {
			return false;
		}
	}
	if (any_begins_block(first) && !store_serials_add(store, first, error)) {
		kv->side->abort(kv);
		return false;
	}
	return kv->side->commit(kv, error);
}

/* Why this one is not to be made durable; false: it is. */
static bool is_given_up(const struct store_write *write, struct error *error)
{
	if (!is_wanted(write)) {
		error_set(error, ERROR_STOPPED, "what it continues could not be made durable");
		return true;
	}
	if (write->error != NULL) {
		*error = *write->error;
		return true;
	}
	return false;
}

static bool any_is_given_up(const struct store_write *first)
{
	struct error error;
	while (first != NULL && !is_given_up(first, &error)) {
		first = first->next;
	}
	return first != NULL;
}

static void settle_all(struct store_write *take)
{
	while (take != NULL) {
		struct store_write *write = take;
		take = write->next;
		settle(write, true, NULL);
	}
}

static void commit_one(struct kv *kv, struct store_write *take)
{
	struct error error;
	bool is_durable = !is_given_up(take, &error) && commit_all(kv, take, &error);
	settle(take, is_durable, &error);
}

/* Cuts the list in two; gives the second half. */
static struct store_write *split(struct store_write *first, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		first = first->next;
	}
	struct store_write *rest = first->next;
	first->next = NULL;
	return rest;
}

/* A group that cannot be written is tried in halves, so that one bad write takes no other with it; what has become of the
 * first half decides what of the second is still wanted. */
static void commit_group(struct kv *kv, struct store_write *take, size_t count)
{
	struct error error;
	if (count == 1) {
		commit_one(kv, take);
	} else if (!any_is_given_up(take) && commit_all(kv, take, &error)) {
		settle_all(take);
	} else {
		struct store_write *rest = split(take, count / 2);
		commit_group(kv, take, count / 2);
		commit_group(kv, rest, count - count / 2);
	}
}

/* ---- the queue ---- */

void store_queue_init(struct store_queue *queue)
{
	pthread_condattr_t clock;
	*queue = (struct store_queue){.last = NULL};
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->work, &clock);
	pthread_cond_init(&queue->settled, NULL);
	pthread_condattr_destroy(&clock);
	queue->last = &queue->first;
}

void store_submit(struct store_write *take, struct store_waiter *waiter, enum store_urgency urgency)
{
	struct store_queue *queue = &take->store->queue;
	take->waiter = waiter;
	pthread_mutex_lock(&queue->lock);
	bool was_empty = queue->first == NULL;
	bool wakes = was_empty || (urgency == STORE_NOW && !queue->has_urgent);
	if (was_empty && urgency == STORE_SOON) {
		queue->soon_ms = clock_now().boot_ms + SOON_MS;
	}
	queue->has_urgent = queue->has_urgent || urgency == STORE_NOW;
	*queue->last = take;
	queue->last = &take->next;
	queue->submitted++;
	if (wakes) {
		pthread_cond_signal(&queue->work);
	}
	pthread_mutex_unlock(&queue->lock);
}

static size_t octets_of(const struct store_write *write)
{
	size_t octets = write->change == NULL ? 0 : write->change->len;
	for (const struct store_put *put = write->puts; put != NULL; put = put->next) {
		octets += put->len;
	}
	return octets;
}

/* The next group, in order; the lock is held. */
static struct store_write *take_group(struct store_queue *queue, size_t *count)
{
	struct store_write *first = queue->first;
	struct store_write *last = first;
	size_t octets = first == NULL ? 0 : octets_of(first);
	*count = first == NULL ? 0 : 1;
	while (last != NULL && last->next != NULL && octets < GROUP_OCTETS_MAX) {
		last = last->next;
		octets += octets_of(last);
		++*count;
	}
	if (last == NULL || last->next == NULL) {
		queue->first = NULL;
		queue->last = &queue->first;
		queue->has_urgent = false;
	} else {
		queue->first = last->next;
		last->next = NULL;
	}
	return first;
}

/* One group. False: nothing waits. The lock is held, and let go of meanwhile. */
static bool commit_next(struct store *store)
{
	struct store_queue *queue = &store->queue;
	size_t count;
	struct store_write *group = take_group(queue, &count);
	if (group == NULL) {
		return false;
	}
	pthread_mutex_unlock(&queue->lock);
	commit_group(store->kv, group, count);
	pthread_mutex_lock(&queue->lock);
	queue->told += count;
	queue->group_last = count;
	pthread_cond_broadcast(&queue->settled);
	return true;
}

void store_commit(struct store *store)
{
	pthread_mutex_lock(&store->queue.lock);
	while (commit_next(store)) {
	}
	pthread_mutex_unlock(&store->queue.lock);
}

/* The lock is held, and let go of meanwhile. */
static void wait_ms(struct store_queue *queue, int64_t left_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t nanoseconds = until.tv_nsec + left_ms * 1000000;
	until.tv_sec += nanoseconds / 1000000000;
	until.tv_nsec = (long)(nanoseconds % 1000000000);
	pthread_cond_timedwait(&queue->work, &queue->lock, &until);
}

/* Until there is something to commit now, or the end. The lock is held. */
static void wait_for_work(struct store_queue *queue)
{
	while (!queue->stopping && !queue->has_urgent) {
		if (queue->first == NULL) {
			pthread_cond_wait(&queue->work, &queue->lock);
			continue;
		}
		int64_t left_ms = queue->soon_ms - clock_now().boot_ms;
		if (left_ms <= 0) {
			return;
		}
		wait_ms(queue, left_ms);
	}
}

/* More of a burst. The lock is held, and no group is on its way. */
static void wait_for_company(struct store_queue *queue)
{
	uint64_t before = queue->told;
	for (int i = 0; i < BURST_MS && queue->group_last >= BURST_MIN && !queue->stopping; i++) {
		if (queue->submitted - before < BURST_MIN) {
			return; /* the last of it, or nothing */
		}
		before = queue->submitted;
		wait_ms(queue, 1);
	}
}

static void *run(void *context)
{
	struct store *store = context;
	struct store_queue *queue = &store->queue;
	pthread_mutex_lock(&queue->lock);
	do {
		wait_for_work(queue);
		wait_for_company(queue);
	} while (commit_next(store) || !queue->stopping);
	pthread_mutex_unlock(&queue->lock);
	return NULL;
}

void store_flush(struct store *store)
{
	struct store_queue *queue = &store->queue;
	pthread_mutex_lock(&queue->lock);
	uint64_t submitted = queue->submitted;
	if (queue->first != NULL) {
		queue->has_urgent = true;
		pthread_cond_signal(&queue->work);
	}
	while (queue->has_thread && queue->told < submitted) {
		pthread_cond_wait(&queue->settled, &queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
}

bool store_queue_start(struct store *store, struct error *error)
{
	int failed = pthread_create(&store->queue.thread, NULL, run, store);
	store->queue.has_thread = failed == 0;
	return failed == 0 || error_set_errno(error, failed, "thread that commits");
}

void store_queue_end(struct store *store)
{
	struct store_queue *queue = &store->queue;
	if (queue->has_thread) {
		pthread_mutex_lock(&queue->lock);
		queue->stopping = true;
		pthread_cond_signal(&queue->work);
		pthread_mutex_unlock(&queue->lock);
		pthread_join(queue->thread, NULL);
	}
	store_commit(store);
	pthread_cond_destroy(&queue->settled);
	pthread_cond_destroy(&queue->work);
	pthread_mutex_destroy(&queue->lock);
}
