/* SPDX-License-Identifier: MIT */
/* Quiescent states over liburcu's QSBR flavour. One helper thread of liburcu runs what was deferred, in the order in
 * which it came. Not for builds with the thread sanitizer: see quiescent_atomics.c. */
#include "base/quiescent.h"

#include <stdlib.h>
#include <urcu/urcu-qsbr.h>

#include "base/memory.h"

struct deferred {
	struct rcu_head head; /* first: the callback gets its address */
	void (*free_it)(void *memory);
	void *memory;
};

void quiescent_register(void)
{
	urcu_qsbr_register_thread();
}

void quiescent_unregister(void)
{
	urcu_qsbr_unregister_thread();
}

void quiescent_point(void)
{
	urcu_qsbr_quiescent_state();
}

void quiescent_offline(void)
{
	urcu_qsbr_thread_offline();
}

void quiescent_online(void)
{
	urcu_qsbr_thread_online();
}

void quiescent_wait(void)
{
	urcu_qsbr_synchronize_rcu();
}

static void run(struct rcu_head *head)
{
	struct deferred *deferred = (struct deferred *)head;
	deferred->free_it(deferred->memory);
	free(deferred);
}

void quiescent_defer(void (*free_it)(void *memory), void *memory)
{
	struct deferred *deferred = memory_new(sizeof *deferred);
	deferred->free_it = free_it;
	deferred->memory = memory;
	urcu_qsbr_call_rcu(&deferred->head, run);
}

void quiescent_drain(void)
{
	urcu_qsbr_barrier();
}
