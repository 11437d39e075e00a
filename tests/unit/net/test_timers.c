/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "net/timers_internal.h"
#include "unit.h"

#define TIMERS 500

struct model_timer {
	struct net_timer timer;
	bool is_set;
	int64_t at_ms;
	size_t expired;
};

static size_t expired_count;
static int64_t newest_expiry_ms;

static void note_expiry(struct net_timer *timer, struct moment now)
{
	struct model_timer *model = (struct model_timer *)timer;
	assert_true(model->is_set);
	assert_true(model->at_ms <= now.boot_ms);
	assert_true(model->at_ms >= newest_expiry_ms); /* in order within one run */
	assert_false(net_timer_is_set(timer));
	newest_expiry_ms = model->at_ms;
	model->is_set = false;
	expired_count++;
}

static int64_t model_next(const struct model_timer *models)
{
	int64_t next_ms = INT64_MAX;
	for (size_t i = 0; i < TIMERS; i++) {
		if (models[i].is_set && models[i].at_ms < next_ms) {
			next_ms = models[i].at_ms;
		}
	}
	return next_ms;
}

static size_t model_due(const struct model_timer *models, int64_t now_ms)
{
	size_t due = 0;
	for (size_t i = 0; i < TIMERS; i++) {
		due += models[i].is_set && models[i].at_ms <= now_ms;
	}
	return due;
}

/* Sets, moves and cancels at random; what expires and when is what a plain list of all timers says. */
TEST(timers_behave_like_a_plain_list)
{
	struct random_seeded random;
	random_seeded_init(&random, unit_seed());
	struct net_timers timers = {0};
	struct model_timer *models = memory_new_array(TIMERS, sizeof *models);
	int64_t now_ms = 0;
	for (size_t i = 0; i < TIMERS; i++) {
		models[i].timer.expired = note_expiry;
	}
	for (size_t step = 0; step < 50000; step++) {
		struct model_timer *model = &models[random_below(&random.source, TIMERS)];
		uint64_t what = random_below(&random.source, 100);
		if (what < 60) {
			model->at_ms = now_ms + (int64_t)random_below(&random.source, 1000);
			model->is_set = true;
			net_timers_set(&timers, &model->timer, model->at_ms);
		} else if (what < 90) {
			model->is_set = false;
			net_timers_cancel(&timers, &model->timer);
		} else {
			now_ms += (int64_t)random_below(&random.source, 50);
			size_t due = model_due(models, now_ms);
			expired_count = 0;
			newest_expiry_ms = INT64_MIN;
			net_timers_run(&timers, (struct moment){.boot_ms = now_ms});
			assert_int_equal(expired_count, due);
		}
		assert_int_equal(net_timer_is_set(&model->timer), model->is_set);
		assert_int_equal(net_timers_next(&timers), model_next(models));
	}
	net_timers_deinit(&timers);
	free(models);
}

struct self_setting {
	struct net_timer timer;
	struct net_timers *timers;
	size_t calls;
};

static void set_again(struct net_timer *timer, struct moment now)
{
	struct self_setting *self = (struct self_setting *)timer;
	self->calls++;
	net_timers_set(self->timers, timer, now.boot_ms);
}

TEST(timer_that_sets_itself_for_now_does_not_hold_the_loop)
{
	struct net_timers timers = {0};
	struct self_setting self = {.timer = {.expired = set_again}, .timers = &timers};
	net_timers_set(&timers, &self.timer, 5);
	net_timers_run(&timers, (struct moment){.boot_ms = 7});
	assert_int_equal(self.calls, 1);
	net_timers_run(&timers, (struct moment){.boot_ms = 7});
	assert_int_equal(self.calls, 2);
	net_timers_deinit(&timers);
	assert_false(net_timer_is_set(&self.timer));
}

static struct net_timer *victim;
static struct net_timers *victims_timers;

static void cancel_victim(struct net_timer *timer, struct moment now)
{
	(void)timer;
	(void)now;
	net_timers_cancel(victims_timers, victim);
}

static void never(struct net_timer *timer, struct moment now)
{
	(void)timer;
	(void)now;
	fail();
}

TEST(timer_cancelled_by_another_that_is_due_does_not_expire)
{
	struct net_timers timers = {0};
	struct net_timer first = {.expired = cancel_victim};
	struct net_timer second = {.expired = never};
	victim = &second;
	victims_timers = &timers;
	net_timers_set(&timers, &first, 1);
	net_timers_set(&timers, &second, 2);
	net_timers_run(&timers, (struct moment){.boot_ms = 10});
	assert_int_equal(net_timers_next(&timers), INT64_MAX);
	net_timers_deinit(&timers);
}
