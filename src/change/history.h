/* SPDX-License-Identifier: MIT */
/* The history of a zone: the changesets that lead to its newest version, one continuing the other. What is too old, too
 * many or too large is forgotten, oldest first: a secondary that asks from further back gets the whole zone. */
#pragma once

#include "change/changeset.h"

/* Immutable and counted: any thread. NULL is the empty one, wherever one is taken or given. */
struct change_history;

struct change_history_limits {
	uint32_t count_max;
	uint64_t octets_max; /* of changesets */
	int64_t age_max_s;   /* from the newest one's time back */
};

/* `before` and one more, which leads to `newest`, as far as the limits allow; `at_s` is wall time. Nothing is left of `before`
 * where `set` does not continue it; nothing at all when the limits leave no room for `set`. All are borrowed. */
const struct change_history *change_history_with(const struct change_history *before, const struct changeset *set,
                                                 const struct zone_snapshot *newest, int64_t at_s,
                                                 const struct change_history_limits *limits);
/* What was kept of one: `sets` (NULL among them: lost) and their times, oldest first, of which the last leads to `newest`. Those
 * behind the last gap. All are borrowed. */
const struct change_history *change_history_of(const struct changeset *const *sets, const int64_t *at_s, size_t count,
                                               const struct zone_snapshot *newest);
/* It leads to this very version. */
bool change_history_leads_to(const struct change_history *history, const struct zone_snapshot *version);
const struct change_history *change_history_ref(const struct change_history *history);
void change_history_unref(const struct change_history *take);

/* Those that lead from `serial` to the newest version, oldest first; 0: it cannot be reached. What is given is borrowed from
 * the history. */
size_t change_history_from(const struct change_history *history, uint32_t serial,
                           const struct changeset *const **first);
/* The same, if they have `most` octets at the most; no more than these are looked at. */
size_t change_history_within(const struct change_history *history, uint32_t serial, uint64_t most,
                             const struct changeset *const **first);
/* Octets of `count` changesets, or something above `most` where they have more: the others are not looked at then. */
uint64_t change_history_octets(const struct changeset *const *sets, size_t count, uint64_t most);
size_t change_history_count(const struct change_history *history);
