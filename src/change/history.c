/* SPDX-License-Identifier: MIT */
#include "change/history.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"

struct change_history {
	_Atomic(uint32_t) refs;
	uint64_t newest; /* zone_identity of the version to which it leads */
	size_t count;
	int64_t *at_s;                  /* of each; behind the sets in the same block */
	const struct changeset *sets[]; /* oldest first */
};

static uint64_t octets_of(const struct changeset *set)
{
	size_t len;
	changeset_octets(set, &len);
	return len;
}

uint64_t change_history_octets(const struct changeset *const *sets, size_t count, uint64_t most)
{
	uint64_t octets = 0;
	for (size_t i = 0; i < count && octets <= most; i++) {
		octets += octets_of(sets[i]);
	}
	return octets;
}

size_t change_history_count(const struct change_history *history)
{
	return history == NULL ? 0 : history->count;
}

static struct change_history *history_new(size_t count)
{
	struct change_history *history;
	size_t sets = sizeof *history + count * sizeof history->sets[0];
	history = memory_new(sets + count * sizeof history->at_s[0]);
	atomic_init(&history->refs, 1);
	history->count = count;
	history->at_s = (int64_t *)((uint8_t *)history + sets);
	return history;
}

/* `set` begins where `before` ends. */
static bool continues(const struct change_history *before, const struct changeset *set)
{
	return before != NULL && before->count > 0 &&
	       changeset_facts(before->sets[before->count - 1]).serial_to == changeset_facts(set).serial_from;
}

/* How many of `before`, its newest ones, stay beside `set`. */
static size_t count_kept(const struct change_history *before, const struct changeset *set, int64_t at_s,
                         const struct change_history_limits *limits)
{
	uint64_t octets = octets_of(set);
	size_t kept = 0;
	if (!continues(before, set)) {
		return 0;
	}
	while (kept < before->count && kept + 1 < limits->count_max) {
		size_t next = before->count - 1 - kept;
		octets += octets_of(before->sets[next]);
		if (octets > limits->octets_max || at_s - before->at_s[next] > limits->age_max_s) {
			break;
		}
		kept++;
	}
	return kept;
}

const struct change_history *change_history_with(const struct change_history *before, const struct changeset *set,
                                                 const struct zone_snapshot *newest, int64_t at_s,
                                                 const struct change_history_limits *limits)
{
	if (limits->count_max == 0 || octets_of(set) > limits->octets_max) {
		return NULL;
	}
	size_t kept = count_kept(before, set, at_s, limits);
	struct change_history *history = history_new(kept + 1);
	for (size_t i = 0; i < kept; i++) {
		size_t from = before->count - kept + i;
		history->sets[i] = changeset_ref(before->sets[from]);
		history->at_s[i] = before->at_s[from];
	}
	history->newest = zone_identity(newest);
	history->sets[kept] = changeset_ref(set);
	history->at_s[kept] = at_s;
	return history;
}

/* How many of the newest ones follow each other, and lead there. */
static size_t count_unbroken(const struct changeset *const *sets, size_t count, uint32_t serial)
{
	size_t unbroken = 0;
	while (unbroken < count) {
		const struct changeset *set = sets[count - 1 - unbroken];
		if (set == NULL || changeset_facts(set).serial_to != serial) {
			break;
		}
		serial = changeset_facts(set).serial_from;
		unbroken++;
	}
	return unbroken;
}

const struct change_history *change_history_of(const struct changeset *const *sets, const int64_t *at_s, size_t count,
                                               const struct zone_snapshot *newest)
{
	size_t kept = count_unbroken(sets, count, zone_serial(newest));
	if (kept == 0) {
		return NULL;
	}
	struct change_history *history = history_new(kept);
	for (size_t i = 0; i < kept; i++) {
		history->sets[i] = changeset_ref(sets[count - kept + i]);
		history->at_s[i] = at_s[count - kept + i];
	}
	history->newest = zone_identity(newest);
	return history;
}

bool change_history_leads_to(const struct change_history *history, const struct zone_snapshot *version)
{
	return history != NULL && history->newest == zone_identity(version);
}

const struct change_history *change_history_ref(const struct change_history *history)
{
	if (history != NULL) {
		atomic_fetch_add_explicit(&((struct change_history *)history)->refs, 1, memory_order_relaxed);
	}
	return history;
}

void change_history_unref(const struct change_history *take)
{
	struct change_history *history = (struct change_history *)take;
	if (history == NULL || atomic_fetch_sub_explicit(&history->refs, 1, memory_order_acq_rel) > 1) {
		return;
	}
	for (size_t i = 0; i < history->count; i++) {
		changeset_unref(history->sets[i]);
	}
	free(history);
}

size_t change_history_within(const struct change_history *history, uint32_t serial, uint64_t most,
                             const struct changeset *const **first)
{
	size_t count = change_history_count(history);
	uint64_t octets = 0;
	for (size_t steps = 1; steps <= count; steps++) {
		const struct changeset *const *set = &history->sets[count - steps];
		octets += octets_of(*set);
		if (octets > most) {
			break;
		}
		if (changeset_facts(*set).serial_from == serial) {
			*first = set;
			return steps;
		}
	}
	return 0;
}

size_t change_history_from(const struct change_history *history, uint32_t serial, const struct changeset *const **first)
{
	return change_history_within(history, serial, UINT64_MAX, first);
}
