/* SPDX-License-Identifier: MIT */
/* Rings of embedded links: a head that is its own neighbour when the ring is empty. A link that is in no ring is its own
 * neighbour too, so that taking it out twice does no harm. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct net_link {
	struct net_link *before;
	struct net_link *after;
};

/* The structure that has `link` as its `member`. */
#define net_link_owner(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void net_link_init(struct net_link *link)
{
	link->before = link;
	link->after = link;
}

static inline bool net_link_is_alone(const struct net_link *link)
{
	return link->after == link;
}

static inline void net_link_remove(struct net_link *link)
{
	link->before->after = link->after;
	link->after->before = link->before;
	net_link_init(link);
}

/* Puts `link`, wherever it is, at the end of the ring. */
static inline void net_link_to_end(struct net_link *head, struct net_link *link)
{
	net_link_remove(link);
	link->before = head->before;
	link->after = head;
	head->before->after = link;
	head->before = link;
}

/* NULL: empty. */
static inline struct net_link *net_link_first(struct net_link *head)
{
	return head->after == head ? NULL : head->after;
}
