/* SPDX-License-Identifier: MIT */
#include "sim.h"

#include <stdlib.h>

#include "base/memory.h"

static struct sim_event **events; /* a heap */
static size_t events_len;
static size_t events_capacity;
static uint64_t event_count;

static bool goes_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->number < b->number;
}

static void swap_events(size_t a, size_t b)
{
	struct sim_event *event = events[a];
	events[a] = events[b];
	events[b] = event;
}

void sim_later(struct sim_event *event, struct sim_server *server, int64_t in_ms)
{
	event->at_ms = sim.now_ms + (in_ms < 0 ? 0 : in_ms);
	event->number = ++event_count;
	event->server = server;
	event->life = server == NULL ? 0 : server->life;
	memory_reserve((void **)&events, &events_capacity, events_len + 1, sizeof(struct sim_event *));
	size_t index = events_len++;
	events[index] = event;
	while (index > 0 && goes_before(events[index], events[(index - 1) / 2])) {
		swap_events(index, (index - 1) / 2);
		index = (index - 1) / 2;
	}
}

static struct sim_event *take_event(void)
{
	struct sim_event *event = events[0];
	events[0] = events[--events_len];
	size_t index = 0;
	while (2 * index + 1 < events_len) {
		size_t child = 2 * index + 1;
		if (child + 1 < events_len && goes_before(events[child + 1], events[child])) {
			child++;
		}
		if (!goes_before(events[child], events[index])) {
			break;
		}
		swap_events(index, child);
		index = child;
	}
	return event;
}

static bool is_of_an_earlier_life(const struct sim_event *event)
{
	return event->server != NULL && (!event->server->is_up || event->server->life != event->life);
}

static void run_one(struct sim_event *event)
{
	sim.now_ms = event->at_ms;
	if (is_of_an_earlier_life(event)) {
		event->drop(event);
		return;
	}
	sim.events++;
	sim.current = event->server;
	event->run(event);
	struct sim_server *whose = sim.current;
	sim_bury_dead();
	sim.current = NULL;
	sim_reclaim();
	sim_rules_look(whose);
}

bool sim_run_until(int64_t at_ms)
{
	while (!sim.is_violated && events_len > 0 && events[0]->at_ms <= at_ms) {
		run_one(take_event());
	}
	if (!sim.is_violated) {
		sim.now_ms = at_ms > sim.now_ms ? at_ms : sim.now_ms;
		sim_rules_look(NULL);
	}
	return !sim.is_violated;
}

void sim_drop_events(void)
{
	while (events_len > 0) {
		struct sim_event *event = take_event();
		event->drop(event);
	}
	free(events);
	events = NULL;
	events_capacity = 0;
	event_count = 0;
}
