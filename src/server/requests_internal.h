/* SPDX-License-Identifier: MIT */
/* Questions over TCP: one question each, and the messages of its answer, on a connection that is kept for a while for the next
 * question to the same server (RFC 7766 6.2.1, RFC 9103 6.2).
 *
 * Where ten thousand zones of one primary change at once, or a hundred thousand are fetched from it for the first time, it
 * takes as many connections as transfers run at a time, not as many as there are zones: each would cost its setting up, and a
 * port of ours for a minute after its end, of which there are some 28,000.
 *
 * I1  A connection has one question at a time. It is kept only if its answer has ended where it should, and no octet came since.
 * I2  What a server does with a used connection never costs a question: where it closes it, says nothing for a while, or sends
 *     what belongs to something else, before the first message of the answer, the question is sent once more over a
 *     connection of its own, and whoever asked hears nothing of that.
 * I3  Who said nothing on a used connection is asked on fresh ones only, for some minutes. */
#pragma once

#include <stddef.h>

#include "net/net.h"
#include "transfer/transfer.h"

#define REQUESTS_KEPT_MAX   128  /* connections that wait for a next question */
#define REQUESTS_KEPT_MS    4000 /* for so long; servers close idle ones after 10 s and more */
#define REQUESTS_USED_MS    2000 /* for the first octet of an answer on a used connection */
#define REQUESTS_UNKIND_MAX 32   /* servers that are known to say nothing on used ones */
#define REQUESTS_UNKIND_MS  600000

struct kept;

/* The loop's thread. */
struct requests {
	struct net_loop *loop;
	struct kept *kept[REQUESTS_KEPT_MAX]; /* the longest kept first */
	size_t kept_count;
	struct {
		struct address host; /* family ADDRESS_NONE: nobody */
		int64_t until_ms;
	} unkind[REQUESTS_UNKIND_MAX];
	size_t unkind_next;
};

void requests_init(struct requests *requests, struct net_loop *loop);
/* No call is open any more. */
void requests_deinit(struct requests *requests);

/* struct transfer_edge: open, close, received of a call over TCP. */
MUST_USE bool request_open(struct requests *requests, struct transfer_call *call, const uint8_t *bytes, size_t len,
                           struct error *error);
void request_close(struct transfer_call *call);
uint64_t request_received(const struct transfer_call *call);
