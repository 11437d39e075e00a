/* SPDX-License-Identifier: MIT */
/* Closures from any thread to the one thread that runs a reactor, and the descriptor that wakes it.
 *
 * I1  Letters are run in the order in which they were put, once each, also those that are left when it closes. */
#pragma once

#include <pthread.h>

#include "net/net.h"

struct net_letter {
	void (*run)(void *context, struct moment now);
	void *context;
};

struct net_mailbox {
	int event_fd;
	_Atomic bool stop_asked;
	pthread_mutex_t lock; /* guards what follows, up to the blank line */
	struct net_letter *letters;
	size_t count;
	size_t capacity;
	bool closed;  /* takes no more letters */
	bool claimed; /* somebody runs the reactor now */

	struct net_letter *reading; /* the reader's: what it runs now; swapped with `letters` */
	size_t reading_capacity;
};

/* ERROR_IO  no descriptor */
MUST_USE bool net_mailbox_init(struct net_mailbox *mailbox, struct error *error);
void net_mailbox_deinit(struct net_mailbox *mailbox);

/* False: `count_max` wait already, or it is closed. Any thread. */
MUST_USE bool net_mailbox_put(struct net_mailbox *mailbox, size_t count_max,
                              void (*run)(void *context, struct moment now), void *context);
/* It takes no more letters. Any thread. */
bool net_mailbox_is_closed(struct net_mailbox *mailbox);
/* Any thread, also a signal handler. */
void net_mailbox_wake(struct net_mailbox *mailbox);
void net_mailbox_stop(struct net_mailbox *mailbox);

/* Whoever claims is the reactor's thread until the release. Waits while another one has it. */
void net_mailbox_claim(struct net_mailbox *mailbox);
void net_mailbox_release(struct net_mailbox *mailbox);
/* Claims if nobody has it; else puts the letter, whatever the number that waits. False: it is closed. */
enum net_claim { NET_CLAIMED, NET_LETTER_PUT, NET_MAILBOX_CLOSED };
enum net_claim net_mailbox_claim_or_put(struct net_mailbox *mailbox, void (*run)(void *context, struct moment now),
                                        void *context);

/* Runs what waits; what is put meanwhile waits for the next time. Claimed. */
void net_mailbox_run(struct net_mailbox *mailbox, struct moment now);
/* Takes nothing more, and runs what waits. Claimed. */
void net_mailbox_close(struct net_mailbox *mailbox, struct moment now);
/* Makes the descriptor quiet again. Claimed. */
void net_mailbox_hush(struct net_mailbox *mailbox);
