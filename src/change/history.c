/* SPDX-License-Identifier: MIT */
#include "change/history.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

/* Of what a zone takes, the share that its newest changesets may take besides. */
#define NEAR_SHARE 16

/* No secret: it tells changesets apart that this server has made or taken itself. */
static const struct hash_key print_key = {{0x54616e64656d2063, 0x68616e6765736574}};

/* One changeset. */
struct step {
	const struct changeset *set; /* a reference; NULL: only the keeper has it, and this is how to know it again: */
	struct hash_128 print;       /* of its octets */
	uint64_t octets;
	int64_t at_s;
	uint32_t serial_from;
	uint32_t serial_to;
};

/* A changeset that was had from the keeper, as long as somebody uses it: another than any that a history has itself. */
struct lent {
	struct lent *next;
	const struct changeset *set; /* a reference */
	uint64_t number;             /* in its line */
	size_t users;
};

/* What the histories of one line have in common. */
struct line {
	_Atomic(uint32_t) refs;
	_Atomic(uint64_t) lost; /* number of the newest changeset that turned out to be gone; 0: none */
	pthread_mutex_t lock;
	struct lent *lent; /* guarded by lock */
};

struct change_history {
	_Atomic(uint32_t) refs;
	uint64_t newest;                    /* zone_identity of the version to which it leads */
	uint64_t number;                    /* of the newest changeset in its line, above 0 */
	struct line *line;                  /* a reference */
	const uint8_t *apex;                /* behind the steps in the same block */
	const struct change_keeper *keeper; /* borrowed; NULL: all are in memory */
	size_t count;
	struct step steps[]; /* oldest first */
};

size_t change_history_count(const struct change_history *history)
{
	return history == NULL ? 0 : history->count;
}

/* Of the line, a reference to which is taken, and with this number in it. */
static struct change_history *history_new(size_t count, const struct zone_snapshot *newest, uint64_t number,
                                          struct line *take)
{
	struct change_history *history;
	size_t apex_len = dns_name_len(zone_name(newest));
	size_t steps_len = count * sizeof history->steps[0];
	history = memory_new(sizeof *history + steps_len + apex_len);
	atomic_init(&history->refs, 1);
	history->newest = zone_identity(newest);
	history->number = number;
	history->line = take;
	history->apex = memcpy((uint8_t *)history->steps + steps_len, zone_name(newest), apex_len);
	history->count = count;
	return history;
}

static struct line *line_new(void)
{
	struct line *line = memory_new(sizeof *line);
	atomic_init(&line->refs, 1);
	atomic_init(&line->lost, 0);
	pthread_mutex_init(&line->lock, NULL);
	return line;
}

static struct line *line_ref(struct line *line)
{
	atomic_fetch_add_explicit(&line->refs, 1, memory_order_relaxed);
	return line;
}

/* Nobody uses what was lent: who does has a history of the line. */
static void line_unref(struct line *take)
{
	if (atomic_fetch_sub_explicit(&take->refs, 1, memory_order_acq_rel) == 1) {
		ensure(take->lent == NULL);
		pthread_mutex_destroy(&take->lock);
		free(take);
	}
}

/* How many of the newest ones stand before one that is gone. */
static size_t count_before_loss(const struct change_history *history)
{
	size_t count = change_history_count(history);
	if (count == 0) {
		return 0;
	}
	uint64_t lost = atomic_load_explicit(&history->line->lost, memory_order_relaxed);
	uint64_t behind = history->number > lost ? history->number - lost : 0;
	return behind < count ? (size_t)behind : count;
}

static void note_loss(const struct change_history *history, uint64_t number)
{
	uint64_t lost = atomic_load_explicit(&history->line->lost, memory_order_relaxed);
	while (lost < number && !atomic_compare_exchange_weak(&history->line->lost, &lost, number)) {
	}
}

static struct step step_of(const struct changeset *set, int64_t at_s)
{
	size_t octets;
	struct changeset_facts facts = changeset_facts(set);
	changeset_octets(set, &octets);
	return (struct step){
	        .set = changeset_ref(set),
	        .octets = octets,
	        .at_s = at_s,
	        .serial_from = facts.serial_from,
	        .serial_to = facts.serial_to,
	};
}

static struct step copy_of(const struct step *step)
{
	struct step copy = *step;
	if (copy.set != NULL) {
		changeset_ref(copy.set);
	}
	return copy;
}

static struct hash_128 print_of(const struct changeset *set)
{
	size_t len;
	const uint8_t *octets = changeset_octets(set, &len);
	return hash_bytes_128(&print_key, octets, len);
}

static void let_go(struct step *step)
{
	if (step->set != NULL) {
		step->print = print_of(step->set);
		changeset_unref(step->set);
		step->set = NULL;
	}
}

/* What is far from the newest version is left to the keeper. */
static void let_go_far(struct change_history *history, const struct zone_snapshot *newest)
{
	struct zone_facts facts;
	zone_facts(newest, &facts);
	uint64_t share = facts.bytes / NEAR_SHARE;
	uint64_t near = share > CHANGE_HISTORY_NEAR_LEAST ? share : CHANGE_HISTORY_NEAR_LEAST;
	uint64_t octets = 0;
	for (size_t back = 1; back <= history->count; back++) {
		struct step *step = &history->steps[history->count - back];
		octets += step->octets;
		if (back > 1 && octets > near) {
			let_go(step);
		}
	}
}

/* `set` begins where `before` ends. */
static bool continues(const struct change_history *before, const struct changeset *set)
{
	return before != NULL && before->count > 0 &&
	       before->steps[before->count - 1].serial_to == changeset_facts(set).serial_from;
}

/* How many of `before`, its newest ones, stay beside one of so many octets that continues it. */
static size_t count_kept(const struct change_history *before, uint64_t octets, int64_t at_s,
                         const struct change_history_limits *limits)
{
	size_t most = count_before_loss(before);
	size_t kept = 0;
	while (kept < most && kept + 1 < limits->count_max) {
		const struct step *next = &before->steps[before->count - 1 - kept];
		octets += next->octets;
		if (octets > limits->octets_max || at_s - next->at_s > limits->age_max_s) {
			break;
		}
		kept++;
	}
	return kept;
}

const struct change_history *change_history_with(const struct change_history *before, const struct changeset *set,
                                                 const struct zone_snapshot *newest, int64_t at_s,
                                                 const struct change_history_limits *limits,
                                                 const struct change_keeper *keeper)
{
	size_t octets;
	changeset_octets(set, &octets);
	if (limits->count_max == 0 || octets > limits->octets_max) {
		return NULL;
	}
	bool goes_on = continues(before, set);
	size_t kept = goes_on ? count_kept(before, octets, at_s, limits) : 0;
	struct change_history *history = history_new(kept + 1, newest, goes_on ? before->number + 1 : 1,
	                                             goes_on ? line_ref(before->line) : line_new());
	for (size_t i = 0; i < kept; i++) {
		history->steps[i] = copy_of(&before->steps[before->count - kept + i]);
	}
	history->steps[kept] = step_of(set, at_s);
	history->keeper = keeper != NULL || kept == 0 ? keeper : before->keeper;
	if (keeper != NULL) {
		let_go_far(history, newest);
	}
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
                                               const struct zone_snapshot *newest, const struct change_keeper *keeper)
{
	size_t kept = count_unbroken(sets, count, zone_serial(newest));
	if (kept == 0) {
		return NULL;
	}
	struct change_history *history = history_new(kept, newest, kept, line_new());
	for (size_t i = 0; i < kept; i++) {
		history->steps[i] = step_of(sets[count - kept + i], at_s[count - kept + i]);
	}
	history->keeper = keeper;
	if (keeper != NULL) {
		let_go_far(history, newest);
	}
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
		changeset_unref(history->steps[i].set);
	}
	line_unref(history->line);
	free(history);
}

/* ---- asking ---- */

size_t change_history_within(const struct change_history *history, uint32_t serial, uint64_t most)
{
	size_t count = count_before_loss(history);
	uint64_t octets = 0;
	for (size_t back = 1; back <= count; back++) {
		const struct step *step = &history->steps[history->count - back];
		octets += step->octets;
		if (octets > most) {
			break;
		}
		if (step->serial_from == serial) {
			return back;
		}
	}
	return 0;
}

size_t change_history_from(const struct change_history *history, uint32_t serial)
{
	return change_history_within(history, serial, UINT64_MAX);
}

/* The keeper may have begun anew meanwhile, with other content under the same serials. */
static bool is_that(const struct changeset *set, const struct step *step)
{
	struct hash_128 print = print_of(set);
	return print.words[0] == step->print.words[0] && print.words[1] == step->print.words[1];
}

/* NULL: the keeper has it no more. */
static const struct changeset *fetch(const struct change_history *history, size_t back)
{
	const struct step *step = &history->steps[history->count - back];
	const struct change_kept what = {
	        .serial_from = step->serial_from,
	        .serial_to = step->serial_to,
	        .octets = step->octets,
	        .back = back,
	};
	const struct changeset *set = history->keeper->fetch(history->keeper, history->apex, &what);
	if (set != NULL && !is_that(set, step)) {
		changeset_unref(set);
		set = NULL;
	}
	return set;
}

/* One more user of what is lent already. NULL: it is not. The lock is held. */
static const struct changeset *lent_use(struct line *line, uint64_t number)
{
	struct lent *lent = line->lent;
	while (lent != NULL && lent->number != number) {
		lent = lent->next;
	}
	if (lent == NULL) {
		return NULL;
	}
	lent->users++;
	return lent->set;
}

static const struct changeset *lent_find(struct line *line, uint64_t number)
{
	pthread_mutex_lock(&line->lock);
	const struct changeset *set = lent_use(line, number);
	pthread_mutex_unlock(&line->lock);
	return set;
}

/* Gives the one that is lent: `take`, or what somebody else had meanwhile. */
static const struct changeset *lent_add(struct line *line, uint64_t number, const struct changeset *take)
{
	pthread_mutex_lock(&line->lock);
	const struct changeset *set = lent_use(line, number);
	if (set == NULL) {
		struct lent *lent = memory_new(sizeof *lent);
		*lent = (struct lent){.next = line->lent, .set = changeset_ref(take), .number = number, .users = 1};
		line->lent = lent;
		set = take;
	}
	pthread_mutex_unlock(&line->lock);
	changeset_unref(take);
	return set;
}

const struct changeset *change_history_take(const struct change_history *history, size_t back)
{
	ensure(back >= 1 && back <= change_history_count(history));
	const struct step *step = &history->steps[history->count - back];
	uint64_t number = history->number - back + 1;
	if (step->set != NULL) {
		return step->set;
	}
	const struct changeset *set = lent_find(history->line, number);
	if (set != NULL) {
		return set;
	}
	set = fetch(history, back);
	if (set == NULL) {
		note_loss(history, number);
		return NULL;
	}
	return lent_add(history->line, number, set);
}

void change_history_give_back(const struct change_history *history, const struct changeset *take)
{
	if (history == NULL || take == NULL) {
		return;
	}
	struct line *line = history->line;
	pthread_mutex_lock(&line->lock);
	struct lent **place = &line->lent;
	while (*place != NULL && (*place)->set != take) {
		place = &(*place)->next;
	}
	struct lent *lent = *place;
	if (lent != NULL && --lent->users == 0) {
		*place = lent->next;
	} else {
		lent = NULL; /* others use it, or the history itself has it */
	}
	pthread_mutex_unlock(&line->lock);
	if (lent != NULL) {
		changeset_unref(lent->set);
		free(lent);
	}
}

uint64_t change_history_octets(const struct change_history *history, size_t count)
{
	uint64_t octets = 0;
	for (size_t back = 1; back <= count; back++) {
		octets += history->steps[history->count - back].octets;
	}
	return octets;
}

uint64_t change_history_octets_held(const struct change_history *history)
{
	uint64_t octets = 0;
	for (size_t i = 0; i < change_history_count(history); i++) {
		octets += history->steps[i].set == NULL ? 0 : history->steps[i].octets;
	}
	return octets;
}
