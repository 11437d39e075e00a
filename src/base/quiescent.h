/* SPDX-License-Identifier: MIT */
/* Readers without locks: quiescent-state-based reclamation (QSBR).
 *
 * A reader thread registers once. Between two quiescent points it may follow published pointers without any lock and
 * without writing shared memory. What a writer took out of sight is freed only after every registered thread has
 * passed a quiescent point or gone offline.
 *
 * Twin files: quiescent_urcu.c over liburcu's QSBR flavour; quiescent_atomics.c in plain C11 atomics for the thread
 * sanitizer, which cannot see liburcu's barriers. meson chooses. */
#pragma once

/* Once per thread that reads published pointers, before the first read; it starts online. */
void quiescent_register(void);
void quiescent_unregister(void);

/* "I hold no published pointer now." Cheap; once per batch. */
void quiescent_point(void);

/* Around everything that may block: while offline a thread holds no published pointer. */
void quiescent_offline(void);
void quiescent_online(void);

/* Waits until every registered online thread has passed a quiescent point. Not from an online reader. */
void quiescent_wait(void);

/* Runs `free_it(memory)` later, on a thread of its own, after a grace period; never blocks. Any thread. Things deferred
 * by one thread run in order. */
void quiescent_defer(void (*free_it)(void *memory), void *memory);
/* Waits until everything that was deferred before has run; for tests and for the end of the process. Not from an
 * online reader. */
void quiescent_drain(void);
