/* SPDX-License-Identifier: MIT */
/* What the machines of all zones share: timers, and turns on the network.
 *
 * A machine that wants the network takes a ticket and waits for its turn. There are lanes (SOA questions, transfers,
 * NOTIFYs, NOTIFYs of the start), each with limits; in a lane the hosts take turns, and at a host the tickets are served
 * in order. So thousands of zones of one primary hold up no zone of another.
 *
 * Each host has a breaker, so that one that is down costs all its zones one probe and not a time-out each (breaker.c):
 * a host that is not known to answer gets one question at a time, and one that did not answer gets none for a while;
 * whoever has a turn then is told so and sends nothing. A NOTIFY has nobody else to turn to: while its host is down it
 * keeps its place, one is let through now and then to see, and when that is answered all have their turns.
 *
 * I1  transfer_scheduler_run is never nested: machines ask for turns, and get them when the event that made them ask is
 *     done.
 * I2  A host exists while a ticket or a machine names it. */
#include "transfer/timer_internal.h"
#include "transfer/transfer_internal.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/hash.h"
#include "base/memory.h"
#include "transfer/breaker_internal.h"

/* A host that is not known to answer NOTIFYs gets such a part of their lane only. */
#define UNKNOWN_SHARE 16
/* So many NOTIFYs in a row without an answer, and a host is down: one may have been lost. */
#define NOTIFY_SILENCES_MAX 2
/* A host that hears NOTIFYs over TCP alone is tried over UDP again after this. */
#define NOTIFY_TCP_MS 600000

/* The tickets of one host in one lane. */
struct host_lane {
	struct transfer_ticket *first;
	struct transfer_ticket *last;
	uint32_t in_use;
	bool in_ring;
	struct transfer_host *ring_next;
	struct breaker breaker; /* that of TRANSFER_LANE_NOTIFY is TRANSFER_LANE_NOTIFY_STARTUP's, too */
};

struct transfer_host {
	struct address address;
	uint32_t references;         /* I2 */
	struct transfer_timer probe; /* it is down, and the next NOTIFY is let through */
	int64_t tcp_until_ms;        /* NOTIFYs go there over TCP: it was seen to hear nothing else */
	struct transfer_scheduler *scheduler;
	struct transfer_host *next; /* in its bucket */
	struct host_lane lanes[TRANSFER_LANES];
};

/* Hosts of which a ticket may wait, in the order of their turns. */
struct lane {
	uint32_t in_use;
	uint32_t waiting;
	struct transfer_host *ring_first;
	struct transfer_host *ring_last;
};

/* Counts in thousandths of a token, so that a rate per second adds whole numbers each millisecond. */
#define TOKEN 1000

struct bucket {
	uint32_t rate; /* tokens per second; holds one second's worth */
	int64_t level;
	int64_t at_ms;
	bool used;
};

struct transfer_scheduler {
	struct transfer_edge *edge;
	struct random_source *random;
	struct transfer_limits limits;
	struct transfer_timers_heap timers;
	struct transfer_timer refill; /* a bucket will have a token again */
	int64_t told_ms;              /* what the edge's wake_at was told last */
	bool is_running;
	bool is_halted;
	struct lane lanes[TRANSFER_LANES];
	struct bucket notify_bucket;
	struct bucket startup_bucket;
	const struct transfer_secondary_config *newest_config; /* config.c; NULL: none */
	struct hash_key hash_key;
	struct transfer_host **buckets;
	size_t bucket_count; /* power of two */
	size_t host_count;
};

/* ---- hosts ---- */

static uint64_t hash_address(const struct transfer_scheduler *scheduler, const struct address *address)
{
	uint8_t bytes[2 + 4 + 16];
	struct writer out = writer_of(bytes, sizeof bytes);
	write_u16(&out, address->port);
	write_u32(&out, address->scope_id);
	write_bytes(&out, address->bytes, sizeof address->bytes);
	return hash_bytes(&scheduler->hash_key, bytes, sizeof bytes);
}

static struct transfer_host **host_bucket(const struct transfer_scheduler *scheduler, const struct address *address)
{
	return &scheduler->buckets[hash_address(scheduler, address) & (scheduler->bucket_count - 1)];
}

static void grow_buckets(struct transfer_scheduler *scheduler)
{
	struct transfer_host **old = scheduler->buckets;
	size_t old_count = scheduler->bucket_count;
	scheduler->bucket_count = old_count == 0 ? 64 : old_count * 2;
	scheduler->buckets = memory_new_array(scheduler->bucket_count, sizeof(struct transfer_host *));
	for (size_t i = 0; i < old_count; i++) {
		while (old[i] != NULL) {
			struct transfer_host *host = old[i];
			old[i] = host->next;
			struct transfer_host **bucket = host_bucket(scheduler, &host->address);
			host->next = *bucket;
			*bucket = host;
		}
	}
	free(old);
}

static void probe_is_due(struct transfer_timer *timer, struct moment now);

static struct transfer_host *host_take(struct transfer_scheduler *scheduler, const struct address *address)
{
	if (scheduler->host_count >= scheduler->bucket_count) {
		grow_buckets(scheduler);
	}
	struct transfer_host **bucket = host_bucket(scheduler, address);
	struct transfer_host *host = *bucket;
	while (host != NULL && !address_equal(&host->address, address)) {
		host = host->next;
	}
	if (host == NULL) {
		host = memory_new(sizeof *host);
		host->address = *address;
		host->scheduler = scheduler;
		host->probe.expired = probe_is_due;
		host->next = *bucket;
		*bucket = host;
		scheduler->host_count++;
	}
	host->references++;
	return host;
}

static void ring_remove(struct lane *lane, struct transfer_host *host, enum transfer_lane index)
{
	struct transfer_host *before = NULL;
	for (struct transfer_host *at = lane->ring_first; at != host; at = at->lanes[index].ring_next) {
		before = at;
	}
	if (before == NULL) {
		lane->ring_first = host->lanes[index].ring_next;
	} else {
		before->lanes[index].ring_next = host->lanes[index].ring_next;
	}
	if (lane->ring_last == host) {
		lane->ring_last = before;
	}
}

static void host_release(struct transfer_scheduler *scheduler, struct transfer_host *host)
{
	if (--host->references > 0) {
		return;
	}
	for (enum transfer_lane i = 0; i < TRANSFER_LANES; i++) {
		if (host->lanes[i].in_ring) {
			ring_remove(&scheduler->lanes[i], host, i);
		}
	}
	struct transfer_host **at = host_bucket(scheduler, &host->address);
	while (*at != host) {
		at = &(*at)->next;
	}
	*at = host->next;
	scheduler->host_count--;
	transfer_timer_cancel(scheduler, &host->probe);
	for (enum transfer_lane i = 0; i < TRANSFER_LANES; i++) {
		breaker_deinit(&host->lanes[i].breaker);
	}
	free(host);
}

/* ---- lanes ---- */

static void ring_add(struct lane *lane, struct transfer_host *host, enum transfer_lane index)
{
	struct host_lane *at = &host->lanes[index];
	if (at->in_ring || at->first == NULL) {
		return;
	}
	at->in_ring = true;
	at->ring_next = NULL;
	if (lane->ring_first == NULL) {
		lane->ring_first = host;
	} else {
		lane->ring_last->lanes[index].ring_next = host;
	}
	lane->ring_last = host;
}

/* What one of the lanes of NOTIFYs gives back, the other may have. */
static void ring_add_notify(struct transfer_scheduler *scheduler, struct transfer_host *host)
{
	ring_add(&scheduler->lanes[TRANSFER_LANE_NOTIFY], host, TRANSFER_LANE_NOTIFY);
	ring_add(&scheduler->lanes[TRANSFER_LANE_NOTIFY_STARTUP], host, TRANSFER_LANE_NOTIFY_STARTUP);
}

static struct transfer_host *ring_take(struct lane *lane, enum transfer_lane index)
{
	struct transfer_host *host = lane->ring_first;
	if (host != NULL) {
		lane->ring_first = host->lanes[index].ring_next;
		host->lanes[index].in_ring = false;
	}
	return host;
}

/* What the breaker lets through. Whoever has a turn at a host that is down sends nothing, and needs no limit. */
static uint32_t breaker_limit(const struct breaker *breaker, uint32_t most, bool is_trusted, struct moment now)
{
	switch (breaker_reach(breaker, now)) {
	case TRANSFER_REACH_UNKNOWN:
		return is_trusted ? most : 1;
	case TRANSFER_REACH_PROBED:
		return 1;
	case TRANSFER_REACH_UP:
	case TRANSFER_REACH_DOWN:
		break;
	}
	return most;
}

static uint32_t notify_limit(const struct breaker *breaker, uint32_t most, struct moment now)
{
	switch (breaker_reach(breaker, now)) {
	case TRANSFER_REACH_UNKNOWN:
		return most < UNKNOWN_SHARE ? 1 : most / UNKNOWN_SHARE;
	case TRANSFER_REACH_PROBED:
		return 1;
	case TRANSFER_REACH_DOWN:
		return 0;
	case TRANSFER_REACH_UP:
		break;
	}
	return most;
}

/* Tickets that a host may hold in a lane at once, NOTIFYs of both lanes together; whoever does not answer holds up nobody
 * else. */
static uint32_t host_limit(const struct transfer_scheduler *scheduler, const struct transfer_host *host,
                           enum transfer_lane index, struct moment now)
{
	const struct transfer_limits *limits = &scheduler->limits;
	const struct breaker *breaker = &host->lanes[index].breaker;
	switch (index) {
	case TRANSFER_LANE_QUERY:
		return breaker_limit(breaker, limits->queries_max, false, now);
	case TRANSFER_LANE_FETCH: /* it has just answered a question */
		return breaker_limit(breaker, limits->transfers_per_primary_max, true, now);
	case TRANSFER_LANE_NOTIFY:
	case TRANSFER_LANE_NOTIFY_STARTUP:
		break;
	}
	return notify_limit(&host->lanes[TRANSFER_LANE_NOTIFY].breaker, limits->notifies_max, now);
}

static uint32_t host_in_use(const struct transfer_host *host, enum transfer_lane index)
{
	switch (index) {
	case TRANSFER_LANE_QUERY:
	case TRANSFER_LANE_FETCH:
		return host->lanes[index].in_use;
	case TRANSFER_LANE_NOTIFY:
	case TRANSFER_LANE_NOTIFY_STARTUP:
		break;
	}
	return host->lanes[TRANSFER_LANE_NOTIFY].in_use + host->lanes[TRANSFER_LANE_NOTIFY_STARTUP].in_use;
}

static bool lane_is_full(const struct transfer_scheduler *scheduler, enum transfer_lane index)
{
	const struct lane *lanes = scheduler->lanes;
	switch (index) {
	case TRANSFER_LANE_QUERY:
		return lanes[index].in_use >= scheduler->limits.queries_max;
	case TRANSFER_LANE_FETCH:
		return lanes[index].in_use >= scheduler->limits.transfers_max;
	case TRANSFER_LANE_NOTIFY:
	case TRANSFER_LANE_NOTIFY_STARTUP:
		break;
	}
	return lanes[TRANSFER_LANE_NOTIFY].in_use + lanes[TRANSFER_LANE_NOTIFY_STARTUP].in_use >=
	       scheduler->limits.notifies_max;
}

/* ---- rates ---- */

static struct bucket *lane_bucket(struct transfer_scheduler *scheduler, enum transfer_lane index)
{
	switch (index) {
	case TRANSFER_LANE_NOTIFY:
		return &scheduler->notify_bucket;
	case TRANSFER_LANE_NOTIFY_STARTUP:
		return &scheduler->startup_bucket;
	case TRANSFER_LANE_QUERY:
	case TRANSFER_LANE_FETCH:
		break;
	}
	return NULL;
}

static void bucket_fill(struct bucket *bucket, int64_t now_ms)
{
	int64_t full = (int64_t)bucket->rate * TOKEN;
	if (!bucket->used) {
		bucket->used = true;
		bucket->level = full;
	} else if (now_ms > bucket->at_ms) {
		/* After a second it is full, however long ago it was filled last. */
		int64_t elapsed_ms = now_ms - bucket->at_ms < 1000 ? now_ms - bucket->at_ms : 1000;
		bucket->level += elapsed_ms * bucket->rate;
	}
	bucket->level = bucket->level < full ? bucket->level : full;
	bucket->at_ms = now_ms;
}

/* True: the lane may send one more. False: at *next_ms it may be asked again. */
static bool bucket_take(struct bucket *bucket, int64_t now_ms, int64_t *next_ms)
{
	if (bucket == NULL) {
		return true;
	}
	bucket_fill(bucket, now_ms);
	if (bucket->level >= TOKEN) {
		bucket->level -= TOKEN;
		return true;
	}
	int64_t wait_ms = (TOKEN - bucket->level + bucket->rate - 1) / bucket->rate;
	*next_ms = *next_ms < now_ms + wait_ms ? *next_ms : now_ms + wait_ms;
	return false;
}

/* There was nobody to send. */
static void bucket_give_back(struct bucket *bucket)
{
	if (bucket != NULL) {
		bucket->level += TOKEN;
	}
}

/* ---- tickets ---- */

static void join_queue(struct host_lane *at, struct transfer_ticket *ticket, bool is_first)
{
	ticket->previous = is_first ? NULL : at->last;
	ticket->next = is_first ? at->first : NULL;
	*(ticket->previous == NULL ? &at->first : &ticket->previous->next) = ticket;
	*(ticket->next == NULL ? &at->last : &ticket->next->previous) = ticket;
}

static void request(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket, enum transfer_lane lane,
                    const struct address *host, bool is_first)
{
	ensure(ticket->state == TRANSFER_TICKET_NONE);
	ticket->host = host_take(scheduler, host);
	ticket->lane = lane;
	ticket->state = TRANSFER_TICKET_WAITS;
	join_queue(&ticket->host->lanes[lane], ticket, is_first);
	scheduler->lanes[lane].waiting++;
	ring_add(&scheduler->lanes[lane], ticket->host, lane);
}

void transfer_ticket_request(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket,
                             enum transfer_lane lane, const struct address *host)
{
	request(scheduler, ticket, lane, host, false);
}

void transfer_ticket_request_first(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket,
                                   enum transfer_lane lane, const struct address *host)
{
	request(scheduler, ticket, lane, host, true);
}

static void leave_queue(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket)
{
	struct host_lane *at = &ticket->host->lanes[ticket->lane];
	if (ticket->previous == NULL) {
		at->first = ticket->next;
	} else {
		ticket->previous->next = ticket->next;
	}
	if (ticket->next == NULL) {
		at->last = ticket->previous;
	} else {
		ticket->next->previous = ticket->previous;
	}
	scheduler->lanes[ticket->lane].waiting--;
}

void transfer_ticket_release(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket)
{
	struct transfer_host *host = ticket->host;
	enum transfer_lane index = ticket->lane;
	switch (ticket->state) {
	case TRANSFER_TICKET_NONE:
		return;
	case TRANSFER_TICKET_WAITS:
		leave_queue(scheduler, ticket);
		break;
	case TRANSFER_TICKET_HELD:
		scheduler->lanes[index].in_use--;
		host->lanes[index].in_use--;
		ring_add(&scheduler->lanes[index], host, index);
		ring_add_notify(scheduler, host);
		break;
	}
	ticket->state = TRANSFER_TICKET_NONE;
	ticket->host = NULL;
	host_release(scheduler, host);
}

/* The ticket whose turn it is; NULL: nobody can go now. */
static struct transfer_ticket *next_ticket(struct transfer_scheduler *scheduler, enum transfer_lane index,
                                           struct moment now)
{
	struct lane *lane = &scheduler->lanes[index];
	struct transfer_host *host = ring_take(lane, index);
	while (host != NULL) {
		struct host_lane *at = &host->lanes[index];
		if (at->first != NULL && host_in_use(host, index) < host_limit(scheduler, host, index, now)) {
			return at->first;
		}
		/* It comes back to the ring with its next request or release. */
		host = ring_take(lane, index);
	}
	return NULL;
}

static void grant(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket, struct moment now)
{
	struct lane *lane = &scheduler->lanes[ticket->lane];
	leave_queue(scheduler, ticket);
	ticket->state = TRANSFER_TICKET_HELD;
	lane->in_use++;
	ticket->host->lanes[ticket->lane].in_use++;
	ring_add(lane, ticket->host, ticket->lane);
	ticket->granted(ticket, now);
}

/* True: somebody had a turn. */
static bool run_lane(struct transfer_scheduler *scheduler, enum transfer_lane index, struct moment now,
                     int64_t *next_ms)
{
	bool any = false;
	while (!lane_is_full(scheduler, index) && scheduler->lanes[index].ring_first != NULL) {
		if (!bucket_take(lane_bucket(scheduler, index), now.boot_ms, next_ms)) {
			break;
		}
		struct transfer_ticket *ticket = next_ticket(scheduler, index, now);
		if (ticket == NULL) {
			bucket_give_back(lane_bucket(scheduler, index));
			break;
		}
		grant(scheduler, ticket, now);
		any = true;
	}
	return any;
}

/* ---- breakers ---- */

struct transfer_host *transfer_host_ref(struct transfer_scheduler *scheduler, const struct address *address)
{
	return host_take(scheduler, address);
}

void transfer_host_unref(struct transfer_scheduler *scheduler, struct transfer_host *take)
{
	host_release(scheduler, take);
}

struct breaker *transfer_host_breaker(struct transfer_host *host, enum transfer_lane lane)
{
	return &host->lanes[lane == TRANSFER_LANE_NOTIFY_STARTUP ? TRANSFER_LANE_NOTIFY : lane].breaker;
}

static void probe_is_due(struct transfer_timer *timer, struct moment now)
{
	struct transfer_host *host = (struct transfer_host *)((uint8_t *)timer - offsetof(struct transfer_host, probe));
	(void)now;
	ring_add_notify(host->scheduler, host);
}

void transfer_notify_silent(struct transfer_host *host, const char *why, bool is_probe, struct moment now)
{
	struct breaker *breaker = transfer_host_breaker(host, TRANSFER_LANE_NOTIFY);
	if (breaker_is_down(breaker) && !is_probe) {
		return; /* it was sent when the host was thought to be there, and says nothing new */
	}
	host->tcp_until_ms = 0;
	breaker_silent(breaker, why, NOTIFY_SILENCES_MAX, BREAKER_MOST_MS, now);
	if (breaker_is_down(breaker)) {
		transfer_timer_set(host->scheduler, &host->probe, breaker->down_until_ms);
	}
}

void transfer_notify_heard(struct transfer_host *host, bool is_tcp, struct moment now)
{
	struct breaker *breaker = transfer_host_breaker(host, TRANSFER_LANE_NOTIFY);
	if (is_tcp && breaker_is_down(breaker)) {
		host->tcp_until_ms = now.boot_ms + NOTIFY_TCP_MS;
	}
	breaker_heard(breaker, now);
	transfer_timer_cancel(host->scheduler, &host->probe);
	ring_add_notify(host->scheduler, host);
}

bool transfer_notify_takes_udp(const struct transfer_host *host, struct moment now)
{
	const struct breaker *breaker = &host->lanes[TRANSFER_LANE_NOTIFY].breaker;
	return breaker_is_down(breaker) ? breaker->silences % 2 == 0 : host->tcp_until_ms <= now.boot_ms;
}

void transfer_notify_hope(struct transfer_host *host, struct moment now)
{
	struct breaker *breaker = transfer_host_breaker(host, TRANSFER_LANE_NOTIFY);
	if (breaker_is_down(breaker)) {
		breaker_hope(breaker, now);
		transfer_timer_cancel(host->scheduler, &host->probe);
		ring_add_notify(host->scheduler, host);
	}
}

static void tell_wake(struct transfer_scheduler *scheduler)
{
	int64_t at_ms = transfer_heap_earliest(&scheduler->timers);
	if (at_ms != scheduler->told_ms) {
		scheduler->told_ms = at_ms;
		scheduler->edge->wake_at(scheduler->edge, at_ms);
	}
}

void transfer_scheduler_run(struct transfer_scheduler *scheduler, struct moment now)
{
	int64_t next_ms = TRANSFER_NEVER;
	bool any = !scheduler->is_halted;
	ensure(!scheduler->is_running); /* I1 */
	scheduler->is_running = true;
	while (any) { /* who has a turn in one lane may want one in another */
		any = false;
		next_ms = TRANSFER_NEVER;
		for (enum transfer_lane i = 0; i < TRANSFER_LANES; i++) {
			any = run_lane(scheduler, i, now, &next_ms) || any;
		}
	}
	transfer_timer_set(scheduler, &scheduler->refill, next_ms);
	scheduler->is_running = false;
	tell_wake(scheduler);
}

/* ---- timers ---- */

void transfer_timer_set(struct transfer_scheduler *scheduler, struct transfer_timer *timer, int64_t at_ms)
{
	if (at_ms == TRANSFER_NEVER) {
		transfer_heap_remove(&scheduler->timers, timer);
	} else {
		transfer_heap_set(&scheduler->timers, timer, at_ms);
	}
}

void transfer_timer_cancel(struct transfer_scheduler *scheduler, struct transfer_timer *timer)
{
	transfer_heap_remove(&scheduler->timers, timer);
}

void transfer_scheduler_tick(struct transfer_scheduler *scheduler, struct moment now)
{
	scheduler->told_ms = TRANSFER_NEVER;
	struct transfer_timer *timer = transfer_heap_take_due(&scheduler->timers, now.boot_ms);
	while (timer != NULL) {
		timer->expired(timer, now);
		timer = transfer_heap_take_due(&scheduler->timers, now.boot_ms);
	}
	transfer_scheduler_run(scheduler, now);
}

/* Nothing to do: transfer_scheduler_run, which follows, looks at the lanes. */
static void refilled(struct transfer_timer *self, struct moment now)
{
	(void)self;
	(void)now;
}

/* ---- calls ---- */

bool transfer_call_open(struct transfer_scheduler *scheduler, struct transfer_call *call,
                        const struct transfer_call_plan *plan, const uint8_t *bytes, size_t len, struct error *error)
{
	ensure(!call->is_open);
	call->scheduler = scheduler;
	call->transport = plan->transport;
	call->to = *plan->to;
	call->from = plan->to->family == ADDRESS_V6 ? plan->source->v6 : plan->source->v4;
	call->timeout_ms = plan->timeout_ms;
	call->total_ms = plan->total_ms;
	call->handle = NULL;
	call->is_open = scheduler->edge->open(scheduler->edge, call, bytes, len, error);
	return call->is_open;
}

void transfer_call_close(struct transfer_call *call)
{
	if (call->is_open) {
		call->is_open = false;
		call->scheduler->edge->close(call->scheduler->edge, call);
	}
}

bool transfer_call_message(struct transfer_call *call, const uint8_t *bytes, size_t len, struct moment now)
{
	ensure(call->is_open);
	struct transfer_scheduler *scheduler = call->scheduler;
	bool is_over = call->message(call, bytes, len, now);
	transfer_scheduler_run(scheduler, now);
	return is_over;
}

void transfer_call_ended(struct transfer_call *call, const char *why, struct moment now)
{
	ensure(call->is_open);
	struct transfer_scheduler *scheduler = call->scheduler;
	call->is_open = false;
	call->ended(call, why, now);
	transfer_scheduler_run(scheduler, now);
}

struct random_source *transfer_scheduler_random(struct transfer_scheduler *scheduler)
{
	return scheduler->random;
}

const struct transfer_secondary_config **transfer_scheduler_newest_config(struct transfer_scheduler *scheduler)
{
	return &scheduler->newest_config;
}

uint64_t transfer_scheduler_received(struct transfer_scheduler *scheduler, const struct transfer_call *call,
                                     uint64_t otherwise)
{
	if (scheduler->edge->received == NULL) {
		return otherwise;
	}
	return scheduler->edge->received(scheduler->edge, call);
}

/* ---- life ---- */

static void take_limits(struct transfer_scheduler *scheduler, const struct transfer_limits *limits)
{
	ensure(limits->transfers_max > 0 && limits->transfers_per_primary_max > 0 && limits->queries_max > 0 &&
	       limits->notifies_max > 0 && limits->notify_rate > 0 && limits->startup_notify_rate > 0);
	scheduler->limits = *limits;
	scheduler->notify_bucket.rate = limits->notify_rate;
	scheduler->startup_bucket.rate = limits->startup_notify_rate;
}

/* A host that had reached an old limit waits outside of its ring. */
static void ring_all(struct transfer_scheduler *scheduler)
{
	for (size_t i = 0; i < scheduler->bucket_count; i++) {
		for (struct transfer_host *host = scheduler->buckets[i]; host != NULL; host = host->next) {
			for (enum transfer_lane lane = 0; lane < TRANSFER_LANES; lane++) {
				ring_add(&scheduler->lanes[lane], host, lane);
			}
		}
	}
}

struct transfer_scheduler *transfer_scheduler_new(struct transfer_edge *edge, struct random_source *random,
                                                  const struct transfer_limits *limits)
{
	struct transfer_scheduler *scheduler = memory_new(sizeof *scheduler);
	scheduler->edge = edge;
	scheduler->random = random;
	scheduler->refill.expired = refilled;
	scheduler->told_ms = TRANSFER_NEVER;
	scheduler->hash_key = (struct hash_key){.words = {random->next(random), random->next(random)}};
	take_limits(scheduler, limits);
	grow_buckets(scheduler);
	return scheduler;
}

void transfer_scheduler_halt(struct transfer_scheduler *scheduler)
{
	scheduler->is_halted = true;
}

void transfer_scheduler_free(struct transfer_scheduler *take)
{
	if (take != NULL) {
		ensure(take->host_count == 0 && take->newest_config == NULL);
		free(take->timers.slots);
		free(take->buckets);
		free(take);
	}
}

void transfer_scheduler_set_limits(struct transfer_scheduler *scheduler, const struct transfer_limits *limits,
                                   struct moment now)
{
	take_limits(scheduler, limits);
	ring_all(scheduler);
	transfer_scheduler_run(scheduler, now);
}

struct transfer_scheduler_counts transfer_scheduler_counts(const struct transfer_scheduler *scheduler)
{
	const struct lane *lanes = scheduler->lanes;
	const struct lane *notify = &lanes[TRANSFER_LANE_NOTIFY];
	const struct lane *startup = &lanes[TRANSFER_LANE_NOTIFY_STARTUP];
	return (struct transfer_scheduler_counts){
	        .transfers = lanes[TRANSFER_LANE_FETCH].in_use,
	        .transfers_waiting = lanes[TRANSFER_LANE_FETCH].waiting,
	        .queries = lanes[TRANSFER_LANE_QUERY].in_use,
	        .queries_waiting = lanes[TRANSFER_LANE_QUERY].waiting,
	        .notifies = notify->in_use + startup->in_use,
	        .notifies_waiting = notify->waiting + startup->waiting,
	        .timers = scheduler->timers.count,
	};
}
