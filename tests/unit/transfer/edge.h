/* SPDX-License-Identifier: MIT */
/* A made-up edge for the machines of src/transfer: no sockets and no clock, a question that is asked stays until the test answers
 * it. And an owner of a secondary that counts what it is told. */
#pragma once

#include "base/random.h"
#include "transfer/transfer.h"
#include "wire.h"

#define EDGE_QUESTIONS_MAX 1000
#define EDGE_NOW_S         1800000000 /* 2027-01-15 08:00:00 UTC: the wall clock when a test begins */

/* A question that was asked. */
struct out {
	struct transfer_call *call; /* NULL: it is over, or was closed */
	struct address to;
	enum transfer_transport transport;
	int64_t ends_ms; /* when it is over without an answer */
	struct wire question;
	bool is_whole; /* its answer has ended where it should: a connection may carry another question */
};

struct edge {
	struct transfer_edge edge; /* first */
	struct random_seeded random;
	struct transfer_scheduler *scheduler;
	struct moment now;
	int64_t wake_ms;  /* INT64_MAX: no timer is set */
	bool no_route;    /* nothing can be sent */
	struct out *outs; /* in the order of asking */
	size_t out_count;
	size_t closed;
};

/* With a scheduler, its random numbers from the seed of the test; logs errors alone. `limits` is borrowed. */
void edge_begin(struct edge *edge, const struct transfer_limits *limits);
/* All machines must be freed before. */
void edge_end(struct edge *edge);

/* Questions that are out. */
size_t edge_open_count(const struct edge *edge);
/* The one that is out for the longest; NULL: none is. */
struct out *edge_oldest(struct edge *edge);
/* The one that was asked last, be it over or not; there must be one. */
struct out *edge_newest(struct edge *edge);
/* Gives an answer; true: it was the last of this question. */
bool edge_feed(struct edge *edge, struct out *out, const struct wire *answer);
/* There is no answer. */
void edge_fail(struct edge *edge, struct out *out, const char *why);
/* The time of the next timer has come. */
void edge_tick_at_wake(struct edge *edge);

/* 192.0.2.`number`, port 53. */
struct address edge_host(uint8_t number);

/* A secondary, and what its owner was told. */
struct follower {
	struct transfer_secondary_owner owner; /* first */
	struct transfer_secondary *machine;
	struct transfer_in *received; /* owned, until somebody publishes it */
	bool received_forced;
	size_t expired;
	struct change_deadlines timers;
	size_t timers_told;
	size_t verifications; /* asked for */
	size_t settled;
	enum transfer_outcome outcome;
	char settled_text[512];
};

/* These primaries, borrowed, and limits that nothing reaches. */
struct transfer_secondary_config follower_config(const struct address *primaries, size_t count);
/* Of the zone "example.". */
void follower_begin(struct follower *follower, struct edge *edge, const struct transfer_secondary_config *config);
void follower_end(struct follower *follower, struct edge *edge);
