/* SPDX-License-Identifier: MIT */
#include "net/reactor_internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

/* epoll counts on a clock that stands still while the machine sleeps. Timers are late by at most this after it. */
#define WAIT_MAX_MS 1000
#define EVENTS_MAX  64

static void mail_ready(struct net_watch *watch, uint32_t events, struct moment now)
{
	(void)events;
	(void)now;
	struct net_reactor *reactor = (struct net_reactor *)((char *)watch - offsetof(struct net_reactor, mail_watch));
	reactor->has_mail = true;
	net_mailbox_hush(&reactor->mailbox);
}

bool net_reactor_init(struct net_reactor *reactor, const struct net_hooks *hooks, struct error *error)
{
	*reactor = (struct net_reactor){.hooks = *hooks, .mail_watch = {.ready = mail_ready}};
	reactor->now = net_reactor_clock(reactor);
	reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (reactor->epoll_fd < 0) {
		return error_set_errno(error, errno, "epoll_create");
	}
	if (!net_mailbox_init(&reactor->mailbox, error)) {
		close(reactor->epoll_fd);
		return false;
	}
	if (!net_reactor_watch(reactor, reactor->mailbox.event_fd, EPOLLIN, &reactor->mail_watch)) {
		error_set_errno(error, errno, "epoll_ctl");
		net_reactor_deinit(reactor);
		return false;
	}
	return true;
}

void net_reactor_deinit(struct net_reactor *reactor)
{
	net_timers_deinit(&reactor->timers);
	net_mailbox_deinit(&reactor->mailbox);
	close(reactor->epoll_fd);
}

struct moment net_reactor_clock(const struct net_reactor *reactor)
{
	return reactor->hooks.clock == NULL ? clock_now() : reactor->hooks.clock(reactor->hooks.clock_self);
}

bool net_reactor_watch(struct net_reactor *reactor, int fd, uint32_t events, struct net_watch *watch)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void net_reactor_rewatch(struct net_reactor *reactor, int fd, uint32_t events, struct net_watch *watch)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	/* The descriptor is in the set, so that the kernel has nothing to allocate: a failure is ours. */
	ensure(epoll_ctl(reactor->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0);
}

void net_reactor_quiescent(const struct net_reactor *reactor)
{
	if (reactor->hooks.quiescent != NULL) {
		reactor->hooks.quiescent(reactor->hooks.self);
	}
}

static int time_to_wait(const struct net_reactor *reactor, int wait_ms)
{
	if (wait_ms < 0 || wait_ms > WAIT_MAX_MS) {
		wait_ms = WAIT_MAX_MS;
	}
	int64_t next_ms = net_timers_next(&reactor->timers);
	if (wait_ms == 0 || next_ms == INT64_MAX) {
		return wait_ms;
	}
	/* The turn before may have taken long: ask the clock again. */
	int64_t left_ms = next_ms - net_reactor_clock(reactor).boot_ms;
	if (left_ms <= 0) {
		return 0;
	}
	return left_ms < wait_ms ? (int)left_ms : wait_ms;
}

/* Sleeps offline, so that whoever waits for a grace period does not wait for us. */
static int wait_for_events(const struct net_reactor *reactor, struct epoll_event *events, int wait_ms)
{
	const struct net_hooks *hooks = &reactor->hooks;
	bool sleeps = wait_ms != 0;
	if (sleeps && hooks->offline != NULL) {
		hooks->offline(hooks->self);
	}
	int count = epoll_wait(reactor->epoll_fd, events, EVENTS_MAX, wait_ms);
	ensure(count >= 0 || errno == EINTR);
	if (sleeps && hooks->online != NULL) {
		hooks->online(hooks->self);
	}
	return count;
}

void net_reactor_turn(struct net_reactor *reactor, int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count = wait_for_events(reactor, events, time_to_wait(reactor, wait_ms));
	reactor->now = net_reactor_clock(reactor);
	for (int i = 0; i < count; i++) {
		struct net_watch *watch = events[i].data.ptr;
		watch->ready(watch, events[i].events, reactor->now);
	}
	if (reactor->has_mail) {
		reactor->has_mail = false;
		net_mailbox_run(&reactor->mailbox, reactor->now);
	}
	net_timers_run(&reactor->timers, reactor->now);
}

void net_reactor_unwatch(struct net_reactor *reactor, int fd)
{
	ensure(epoll_ctl(reactor->epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0);
}
