/* SPDX-License-Identifier: MIT */
/* What a candidate changes of the version before it: counts, the changeset, the history with it, and from which serial on
 * nobody is led on. */
#include "dns/serial.h"
#include "publish/commit_internal.h"

static void raise_top(struct store_head *head, uint32_t serial)
{
	if (!head->has_top || dns_serial_compare(serial, head->top) == DNS_SERIAL_NEWER) {
		head->top = serial;
	}
	head->has_top = true;
}

void commit_carry_top(struct commit *commit)
{
	const struct line_version *base = &commit->base;
	commit->next.head.has_top = base->head.has_top;
	commit->next.head.top = base->head.top;
	if (base->snapshot == NULL && base->has_head && commit->origin != CHANGE_FROM_STORE && !commit->same_content) {
		raise_top(&commit->next.head, base->head.serial_published);
	}
}

void commit_leave_top(struct commit *commit)
{
	struct store_head *head = &commit->next.head;
	uint32_t serial = zone_serial(commit->next.snapshot);
	head->has_top = head->has_top && dns_serial_compare(serial, head->top) != DNS_SERIAL_NEWER;
}

/* A comparison that keeps what differs, as long as it is not too large to be kept. */
struct difference {
	struct change_visitor visitor; /* first */
	struct change_counts counts;
	struct changeset_builder builder;
	size_t octets_max;
	bool is_over; /* more than that: nothing is kept */
};

static void take_difference(struct change_visitor *self, const struct zone_change *change)
{
	struct difference *difference = (struct difference *)self;
	difference->counts.added += change->add;
	difference->counts.removed += !change->add;
	if (difference->is_over) {
		return;
	}
	changeset_builder_add(&difference->builder, change);
	if (changeset_builder_len(&difference->builder) > difference->octets_max) {
		difference->is_over = true;
		changeset_builder_deinit(&difference->builder);
	}
}

/* Whoever will have the changeset besides; NULL: it is not known that somebody has all that lead to it. */
static const struct change_keeper *keeper_of(const struct commit *commit)
{
	const struct store *store = commit->publish->store;
	return store != NULL && commit_continues_on_disk(commit) ? store_keeper(store) : NULL;
}

/* A version that does not go forward, or is larger a change than is kept, ends the history. After one that does not go forward
 * serials come once more that others have with other content: nobody is led on from these. */
static void keep_history(struct commit *commit, struct difference *difference,
                         const struct change_history_limits *limits)
{
	uint32_t before = commit->result.serial_before;
	bool is_forward = dns_serial_compare(commit->result.serial, before) == DNS_SERIAL_NEWER;
	const struct store_head *head = &commit->base.head;
	bool is_again = head->has_top && dns_serial_compare(before, head->top) != DNS_SERIAL_NEWER;
	struct error error;
	if (!is_forward) {
		raise_top(&commit->next.head, before);
	}
	if (is_forward && !is_again && !difference->is_over) {
		commit->set = changeset_builder_end(&difference->builder, &error);
	}
	if (commit->set != NULL) {
		commit->next.history = change_history_with(commit->base.history, commit->set, commit->next.snapshot,
		                                           commit->now.wall_s, limits, keeper_of(commit));
	}
}

/* Costs what the change costs, where that is known. */
static struct change_digest digest_of(const struct commit *commit)
{
	struct change_digest before = commit->base.head.content;
	if (commit->result.outcome == CHANGE_UNCHANGED) {
		return before;
	}
	return commit->set != NULL ? change_digest_after(before, commit->set) : change_digest_of(commit->next.snapshot);
}

void commit_compare(struct commit *commit)
{
	struct change_result *result = &commit->result;
	result->serial = zone_serial(commit->next.snapshot);
	result->outcome = CHANGE_PUBLISHED;
	if (commit_is_primary(commit)) {
		commit_carry_top(commit); /* a secondary's is known already, and somebody may be reading it */
		commit_leave_top(commit);
	}
	if (commit->base.snapshot == NULL) {
		return;
	}
	result->had_before = true;
	result->serial_before = zone_serial(commit->base.snapshot);
	struct change_history_limits limits = commit_history_limits(commit);
	struct difference difference = {.visitor.visit = take_difference,
	                                .octets_max = commit_changeset_octets_max(commit, &limits)};
	changeset_builder_init(&difference.builder);
	change_compare(commit->base.snapshot, commit->next.snapshot, &difference.visitor);
	result->removed = difference.counts.removed;
	result->added = difference.counts.added;
	if (result->removed == 0 && result->added == 0) {
		result->outcome = CHANGE_UNCHANGED;
	} else {
		keep_history(commit, &difference, &limits);
	}
	changeset_builder_deinit(&difference.builder);
	commit->next.head.content = digest_of(commit);
}
