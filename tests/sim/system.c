/* SPDX-License-Identifier: MIT */
/* What servers get from the system, made up: clock, random numbers, grace periods, the API's socket, the store's folder and
 * its thread. Functions that the linker puts in the place of others have names that begin with __wrap_ (meson.build). */
#include "sim.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/quiescent.h"
#include "crypto/crypto.h"
#include "server/server_internal.h"
#include "store/disk.h"
#include "store/kv.h"
#include "store/store.h"

/* A commit takes so long, from the first write that waits. */
#define SYNC_MS_MAX 30
#define SOON_MS     100

/* ---- the clock ---- */

struct moment clock_now(void)
{
	ensure(sim.current != NULL);
	return sim_now(sim.current);
}

/* ---- grace periods: nobody reads between two events ---- */

struct deferred {
	struct deferred *next;
	void (*free_it)(void *memory);
	void *memory;
};
static struct deferred *deferred_first;
static struct deferred **deferred_last = &deferred_first;

void sim_reclaim(void)
{
	while (deferred_first != NULL) {
		struct deferred *deferred = deferred_first;
		deferred_first = deferred->next;
		if (deferred_first == NULL) {
			deferred_last = &deferred_first;
		}
		deferred->free_it(deferred->memory);
		free(deferred);
	}
}

void quiescent_defer(void (*free_it)(void *memory), void *memory)
{
	struct deferred *deferred = memory_new(sizeof *deferred);
	deferred->free_it = free_it;
	deferred->memory = memory;
	*deferred_last = deferred;
	deferred_last = &deferred->next;
}

void quiescent_drain(void)
{
	sim_reclaim();
}

void quiescent_register(void)
{
}

void quiescent_unregister(void)
{
}

void quiescent_point(void)
{
}

void quiescent_offline(void)
{
}

void quiescent_online(void)
{
}

void quiescent_wait(void)
{
}

/* ---- random numbers ---- */

static uint64_t next_random(struct random_source *self)
{
	(void)self;
	return sim.random.source.next(&sim.random.source);
}

void crypto_random_init(struct crypto_random *random)
{
	*random = (struct crypto_random){.source = {.next = next_random}};
}

void crypto_random_bytes(void *out, size_t len)
{
	uint8_t *at = out;
	for (size_t i = 0; i < len; i++) {
		at[i] = (uint8_t)sim_below(256);
	}
}

/* ---- the API ---- */

struct control_server *control_server_start(const char *path, const struct control_handlers *handlers,
                                            struct error *error)
{
	(void)path;
	(void)error;
	sim.current->handlers = *handlers;
	return (struct control_server *)sim.current;
}

void control_server_stop(struct control_server *server)
{
	(void)server;
}

/* Everything runs on the one thread that there is. */
bool __wrap_server_ask_loop(struct server *server, void (*ask)(void *context, struct moment now), void *context,
                            struct error *error);
bool __wrap_server_ask_loop(struct server *server, void (*ask)(void *context, struct moment now), void *context,
                            struct error *error)
{
	(void)server;
	(void)error;
	ask(context, clock_now());
	return true;
}

/* ---- threads ---- */

int __wrap_setpriority(int which, unsigned who, int priority);
int __wrap_setpriority(int which, unsigned who, int priority)
{
	(void)which;
	(void)who;
	(void)priority;
	return 0;
}

/* ---- the store's folder and thread ---- */

struct store *__wrap_store_open(const char *folder, struct error *error);
struct store *__wrap_store_open(const char *folder, struct error *error)
{
	struct sim_server *server = sim.current;
	(void)folder;
	server->store = store_new_alone(sim_kv_side(server->kv), sim_disk_side(server->disk), "images", error);
	ensure(server->store != NULL);
	sim_rules_opened(server);
	return server->store;
}

static void drop_event(struct sim_event *event)
{
	free(event);
}

static void run_commit(struct sim_event *event)
{
	struct sim_server *server = event->server;
	free(event);
	if (sim.now_ms >= server->commit_at_ms) {
		server->commit_at_ms = 0;
	}
	store_commit(server->store);
}

void __real_store_submit(struct store_write *take, struct store_waiter *waiter, enum store_urgency urgency);
void __wrap_store_submit(struct store_write *take, struct store_waiter *waiter, enum store_urgency urgency);
void __wrap_store_submit(struct store_write *take, struct store_waiter *waiter, enum store_urgency urgency)
{
	struct sim_server *server = sim.current;
	int64_t in_ms = sim_between(1, urgency == STORE_NOW ? SYNC_MS_MAX : SOON_MS + SYNC_MS_MAX);
	int64_t at_ms = sim.now_ms + in_ms;
	__real_store_submit(take, waiter, urgency);
	if (server->commit_at_ms == 0 || at_ms < server->commit_at_ms) {
		struct sim_event *event = memory_new(sizeof *event);
		event->run = run_commit;
		event->drop = drop_event;
		server->commit_at_ms = at_ms;
		sim_later(event, server, in_ms);
	}
}

void __wrap_store_flush(struct store *store);
void __wrap_store_flush(struct store *store)
{
	store_commit(store);
}
