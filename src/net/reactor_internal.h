/* SPDX-License-Identifier: MIT */
/* What a worker and a loop have in common: one epoll_wait, the clock, the timers, the mailbox and the QSBR hooks.
 *
 * I1  Whatever watches a descriptor may be closed inside any callback, but is freed only after the events of the turn: more
 *     of them may be in hand for it. It is the owner's part to keep it until then and to ignore such events.
 * I2  Letters and timers are run after all events of the turn. */
#pragma once

#include "net/mailbox_internal.h"
#include "net/net.h"
#include "net/timers_internal.h"

/* Embedded in whatever has a descriptor in the epoll set. */
struct net_watch {
	void (*ready)(struct net_watch *self, uint32_t events, struct moment now);
};

struct net_hooks {
	void *self;
	void (*quiescent)(void *self); /* each may be NULL */
	void (*offline)(void *self);
	void (*online)(void *self);
	struct moment (*clock)(void *clock_self); /* NULL: clock_now() */
	void *clock_self;
};

struct net_reactor {
	int epoll_fd;
	struct net_watch mail_watch;
	struct net_mailbox mailbox;
	struct net_timers timers;
	struct net_hooks hooks;
	bool has_mail;
	struct moment now; /* read once per turn, and by whoever works long */
};

MUST_USE bool net_reactor_init(struct net_reactor *reactor, const struct net_hooks *hooks, struct error *error);
void net_reactor_deinit(struct net_reactor *reactor);

/* Reads the clock. */
struct moment net_reactor_clock(const struct net_reactor *reactor);
/* Waits at most `wait_ms` (-1: until something happens), then hands out events, letters and timers. */
void net_reactor_turn(struct net_reactor *reactor, int wait_ms);
void net_reactor_quiescent(const struct net_reactor *reactor);

/* epoll_ctl; false with errno when the system refuses. `events` 0 keeps the descriptor but asks for nothing. */
MUST_USE bool net_reactor_watch(struct net_reactor *reactor, int fd, uint32_t events, struct net_watch *watch);
void net_reactor_rewatch(struct net_reactor *reactor, int fd, uint32_t events, struct net_watch *watch);
void net_reactor_unwatch(struct net_reactor *reactor, int fd);
