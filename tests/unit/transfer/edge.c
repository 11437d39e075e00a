/* SPDX-License-Identifier: MIT */
#include "edge.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "unit.h"

static bool open_call(struct transfer_edge *self, struct transfer_call *call, const uint8_t *bytes, size_t len,
                      struct error *error)
{
	struct edge *edge = (struct edge *)self;
	if (edge->no_route) {
		return error_set(error, ERROR_IO, "no route to host");
	}
	assert_true(edge->out_count < EDGE_QUESTIONS_MAX);
	struct out *out = &edge->outs[edge->out_count++];
	out->call = call;
	out->to = call->to;
	out->transport = call->transport;
	out->ends_ms = edge->now.boot_ms + call->timeout_ms;
	out->question.len = len;
	memcpy(out->question.bytes, bytes, len);
	call->handle = out;
	return true;
}

static void close_call(struct transfer_edge *self, struct transfer_call *call)
{
	struct out *out = call->handle;
	assert_ptr_equal(out->call, call);
	out->call = NULL;
	((struct edge *)self)->closed++;
}

static void wake_at(struct transfer_edge *self, int64_t at_ms)
{
	((struct edge *)self)->wake_ms = at_ms;
}

void edge_begin(struct edge *edge, const struct transfer_limits *limits)
{
	memset(edge, 0, sizeof *edge);
	log_set_level(LOG_ERROR);
	edge->edge = (struct transfer_edge){.open = open_call, .close = close_call, .wake_at = wake_at};
	edge->now = (struct moment){.boot_ms = 1000000, .wall_s = EDGE_NOW_S};
	edge->wake_ms = INT64_MAX;
	edge->outs = calloc(EDGE_QUESTIONS_MAX, sizeof *edge->outs);
	assert_non_null(edge->outs);
	random_seeded_init(&edge->random, unit_seed());
	edge->scheduler = transfer_scheduler_new(&edge->edge, &edge->random.source, limits);
}

void edge_end(struct edge *edge)
{
	transfer_scheduler_free(edge->scheduler);
	free(edge->outs);
}

size_t edge_open_count(const struct edge *edge)
{
	size_t count = 0;
	for (size_t i = 0; i < edge->out_count; i++) {
		count += edge->outs[i].call != NULL;
	}
	return count;
}

struct out *edge_oldest(struct edge *edge)
{
	for (size_t i = 0; i < edge->out_count; i++) {
		if (edge->outs[i].call != NULL) {
			return &edge->outs[i];
		}
	}
	return NULL;
}

struct out *edge_newest(struct edge *edge)
{
	assert_true(edge->out_count > 0);
	return &edge->outs[edge->out_count - 1];
}

bool edge_feed(struct edge *edge, struct out *out, const struct wire *answer)
{
	out->is_whole = transfer_call_message(out->call, answer->bytes, answer->len, edge->now);
	if (out->is_whole) {
		out->call = NULL;
	}
	return out->call == NULL;
}

void edge_fail(struct edge *edge, struct out *out, const char *why)
{
	struct transfer_call *call = out->call;
	out->call = NULL;
	transfer_call_ended(call, why, edge->now);
}

void edge_tick_at_wake(struct edge *edge)
{
	edge->now.boot_ms = edge->wake_ms;
	transfer_scheduler_tick(edge->scheduler, edge->now);
}

struct address edge_host(uint8_t number)
{
	return (struct address){.family = ADDRESS_V4, .port = 53, .bytes = {192, 0, 2, number}};
}

/* ---- an owner ---- */

static void received(struct transfer_secondary_owner *self, struct transfer_in *take, const struct address *from,
                     bool forced)
{
	struct follower *follower = (struct follower *)self;
	(void)from;
	assert_null(follower->received);
	follower->received = take;
	follower->received_forced = forced;
}

static void verify(struct transfer_secondary_owner *self)
{
	((struct follower *)self)->verifications++;
}

static void expired(struct transfer_secondary_owner *self, struct moment now)
{
	(void)now;
	((struct follower *)self)->expired++;
}

static void timers(struct transfer_secondary_owner *self, const struct change_deadlines *told, int64_t expire_at_ms)
{
	struct follower *follower = (struct follower *)self;
	(void)expire_at_ms;
	follower->timers = *told;
	follower->timers_told++;
}

static void settled(struct transfer_secondary_owner *self, enum transfer_outcome outcome, const char *text,
                    struct moment now)
{
	struct follower *follower = (struct follower *)self;
	(void)now;
	follower->settled++;
	follower->outcome = outcome;
	snprintf(follower->settled_text, sizeof follower->settled_text, "%s", text);
}

struct transfer_secondary_config follower_config(const struct address *primaries, size_t count)
{
	return (struct transfer_secondary_config){
	        .primaries = primaries,
	        .primary_count = count,
	        .refresh_max_s = 1000000,
	        .retry_max_s = 1000000,
	        .expire_max_s = 10000000,
	        .records_max = 1000,
	        .bytes_max = 1000000,
	        .transfer_idle_ms = 10000,
	        .transfer_total_ms = 60000,
	};
}

void follower_begin(struct follower *follower, struct edge *edge, const struct transfer_secondary_config *config)
{
	memset(follower, 0, sizeof *follower);
	follower->owner = (struct transfer_secondary_owner){
	        .received = received, .expired = expired, .timers = timers, .verify = verify, .settled = settled};
	follower->machine =
	        transfer_secondary_new(edge->scheduler, name_of("example."), DNS_CLASS_IN, config, &follower->owner);
}

void follower_end(struct follower *follower, struct edge *edge)
{
	transfer_secondary_free(follower->machine, edge->now);
	transfer_in_free(follower->received);
}
