/* SPDX-License-Identifier: MIT */
#include "net/mailbox_internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

bool net_mailbox_init(struct net_mailbox *mailbox, struct error *error)
{
	*mailbox = (struct net_mailbox){.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (mailbox->event_fd < 0) {
		return error_set_errno(error, errno, "eventfd");
	}
	pthread_mutex_init(&mailbox->lock, NULL);
	return true;
}

void net_mailbox_deinit(struct net_mailbox *mailbox)
{
	pthread_mutex_destroy(&mailbox->lock);
	close(mailbox->event_fd);
	free(mailbox->letters);
	free(mailbox->reading);
}

void net_mailbox_wake(struct net_mailbox *mailbox)
{
	int before = errno; /* whoever a signal handler interrupts wants it unchanged */
	uint64_t one = 1;
	ssize_t written = write(mailbox->event_fd, &one, sizeof one);
	(void)written; /* full means that it is readable already */
	errno = before;
}

void net_mailbox_stop(struct net_mailbox *mailbox)
{
	atomic_store(&mailbox->stop_asked, true);
	net_mailbox_wake(mailbox);
}

/* Under the lock. */
static void append(struct net_mailbox *mailbox, struct net_letter letter)
{
	memory_reserve((void **)&mailbox->letters, &mailbox->capacity, mailbox->count + 1, sizeof letter);
	mailbox->letters[mailbox->count] = letter;
	mailbox->count++;
}

bool net_mailbox_put(struct net_mailbox *mailbox, size_t count_max, void (*run)(void *context, struct moment now),
                     void *context)
{
	pthread_mutex_lock(&mailbox->lock);
	bool taken = !mailbox->closed && mailbox->count < count_max;
	bool first = mailbox->count == 0;
	if (taken) {
		append(mailbox, (struct net_letter){.run = run, .context = context});
	}
	pthread_mutex_unlock(&mailbox->lock);
	if (taken && first) {
		net_mailbox_wake(mailbox);
	}
	return taken;
}

bool net_mailbox_is_closed(struct net_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	bool closed = mailbox->closed;
	pthread_mutex_unlock(&mailbox->lock);
	return closed;
}

void net_mailbox_claim(struct net_mailbox *mailbox)
{
	for (;;) {
		pthread_mutex_lock(&mailbox->lock);
		bool was_claimed = mailbox->claimed;
		mailbox->claimed = true;
		pthread_mutex_unlock(&mailbox->lock);
		if (!was_claimed) {
			return;
		}
		sched_yield(); /* only while an address is taken away before the thread began: a few system calls */
	}
}

void net_mailbox_release(struct net_mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->lock);
	mailbox->claimed = false;
	pthread_mutex_unlock(&mailbox->lock);
}

enum net_claim net_mailbox_claim_or_put(struct net_mailbox *mailbox, void (*run)(void *context, struct moment now),
                                        void *context)
{
	pthread_mutex_lock(&mailbox->lock);
	enum net_claim outcome = NET_LETTER_PUT;
	if (mailbox->closed) {
		outcome = NET_MAILBOX_CLOSED;
	} else if (!mailbox->claimed) {
		mailbox->claimed = true;
		outcome = NET_CLAIMED;
	} else {
		append(mailbox, (struct net_letter){.run = run, .context = context});
	}
	pthread_mutex_unlock(&mailbox->lock);
	if (outcome == NET_LETTER_PUT) {
		net_mailbox_wake(mailbox);
	}
	return outcome;
}

/* Swaps the waiting letters into `reading`; returns their number. */
static size_t take_all(struct net_mailbox *mailbox, bool closing)
{
	pthread_mutex_lock(&mailbox->lock);
	size_t count = mailbox->count;
	struct net_letter *letters = mailbox->letters;
	size_t capacity = mailbox->capacity;
	mailbox->letters = mailbox->reading;
	mailbox->capacity = mailbox->reading_capacity;
	mailbox->count = 0;
	mailbox->reading = letters;
	mailbox->reading_capacity = capacity;
	mailbox->closed = mailbox->closed || closing;
	pthread_mutex_unlock(&mailbox->lock);
	return count;
}

static void run_all(struct net_mailbox *mailbox, size_t count, struct moment now)
{
	for (size_t i = 0; i < count; i++) {
		struct net_letter letter = mailbox->reading[i];
		letter.run(letter.context, now);
	}
}

void net_mailbox_run(struct net_mailbox *mailbox, struct moment now)
{
	run_all(mailbox, take_all(mailbox, false), now);
}

void net_mailbox_close(struct net_mailbox *mailbox, struct moment now)
{
	run_all(mailbox, take_all(mailbox, true), now);
}

void net_mailbox_hush(struct net_mailbox *mailbox)
{
	uint64_t count = 0;
	ssize_t got = read(mailbox->event_fd, &count, sizeof count);
	(void)got; /* nothing there means that it is quiet already */
}
