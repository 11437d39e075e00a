/* SPDX-License-Identifier: MIT */
/* The history of a zone: the changesets that lead to its newest version, one continuing the other. What is too old, too
 * many or too large is forgotten, oldest first: a secondary that asks from further back gets the whole zone.
 *
 * Secondaries that follow ask for the newest ones, so these stay in memory: a sixteenth of what the zone takes, and
 * CHANGE_HISTORY_NEAR_LEAST octets and the newest one of all at the least. The others are had from a keeper, if there is one.
 *
 * One that turns out to be gone ends the history there, and those of later versions too: whoever asked again from the same version
 * would be cut at the same place each time. */
#pragma once

#include "change/changeset.h"

/* Immutable, but for what turns out to be gone, and counted: any thread. NULL is the empty one, wherever one is taken or given. */
struct change_history;

#define CHANGE_HISTORY_NEAR_LEAST ((uint64_t)64 << 10)

/* What is known of a changeset that is not in memory. */
struct change_kept {
	uint32_t serial_from;
	uint32_t serial_to;
	uint64_t octets;
	size_t back; /* at least so many before the newest one that is kept; 1: that one */
};

/* Whoever has the changesets besides (the store); lives longer than all histories that know it. Embed it. */
struct change_keeper {
	/* A reference to this changeset of the zone, made anew, or to another that looks like it; NULL: it is not kept any more, or
	 * cannot be read. Any thread. */
	const struct changeset *(*fetch)(const struct change_keeper *self, const uint8_t *apex,
	                                 const struct change_kept *what);
};

struct change_history_limits {
	uint32_t count_max;
	uint64_t octets_max; /* of changesets */
	int64_t age_max_s;   /* from the newest one's time back */
};

/* `before` and one more, which leads to `newest`, as far as the limits allow; `at_s` is wall time. Nothing is left of `before`
 * where `set` does not continue it; nothing at all when the limits leave no room for `set`. All are borrowed. `keeper` has all of
 * `before`, and will have `set`; NULL: it may lack some of them, and all that is in memory stays there. */
const struct change_history *change_history_with(const struct change_history *before, const struct changeset *set,
                                                 const struct zone_snapshot *newest, int64_t at_s,
                                                 const struct change_history_limits *limits,
                                                 const struct change_keeper *keeper);
/* What was kept of one: `sets` (NULL among them: lost) and their times, oldest first, of which the last leads to `newest`. Those
 * behind the last gap. All are borrowed. `keeper` (may be NULL) has them. */
const struct change_history *change_history_of(const struct changeset *const *sets, const int64_t *at_s, size_t count,
                                               const struct zone_snapshot *newest, const struct change_keeper *keeper);
/* It leads to this very version. */
bool change_history_leads_to(const struct change_history *history, const struct zone_snapshot *version);
const struct change_history *change_history_ref(const struct change_history *history);
void change_history_unref(const struct change_history *take);

/* How many changesets lead from `serial` to the newest version; 0: it cannot be reached. */
size_t change_history_from(const struct change_history *history, uint32_t serial);
/* The same, if they have `most` octets at the most; no more than these are looked at. */
size_t change_history_within(const struct change_history *history, uint32_t serial, uint64_t most);
/* The changeset `back` before the newest version; 1: the one that leads to it; to be given back before the history is. One that is
 * not in memory is read, once for all who have taken it and have not given it back. NULL: it is gone, and nothing leads over it
 * any more. */
const struct changeset *change_history_take(const struct change_history *history, size_t back);
void change_history_give_back(const struct change_history *history, const struct changeset *take);
/* Octets of the `count` newest changesets. */
uint64_t change_history_octets(const struct change_history *history, size_t count);
/* Octets of those in memory. */
uint64_t change_history_octets_held(const struct change_history *history);
size_t change_history_count(const struct change_history *history);
