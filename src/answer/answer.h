/* SPDX-License-Identifier: MIT */
/* The door of src/answer: one message in, one message out, from published snapshots (RFC 1034 4.3.2 and what came after).
 *
 * Knows   questions, zones, who may ask, sections, truncation, proofs of non-existence as the zone holds them.
 * Not     sockets, clocks, files, configuration syntax, how a transfer is streamed; it logs nothing and allocates nothing.
 *
 * The way of a packet through here (answer.c):
 *   dns_message_read -> TSIG (signed.c) -> opcode -> EDNS version -> class -> zone_set_find -> access_check -> state of the zone ->
 *   answer_plan (which RRsets, plan.c) -> answer_encode (bytes, limits, encode.c).
 *
 * I1  Decide first, encode after: a plan never looks at bytes written, encoding never looks at a zone's tree.
 * I2  A response is never answered (RFC 1035 7.3), and nothing is ever longer than the limit of its transport.
 * I3  What is served was in the zone: no RRset, signature or proof is derived, but for the CNAME of a DNAME (RFC 6672
 *     3.1) and owners of wildcard expansions (RFC 4592).
 * I4  Work per message is bounded by the size limit of its response, never by what a zone's RRset holds. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access/access.h"
#include "access/tsig.h"
#include "base/address.h"
#include "dns/encode.h"
#include "dns/message.h"
#include "zone/zone.h"

/* ---- what the operator decides ---- */

/* A CH TXT string; its octets are borrowed. */
struct answer_identity {
	const char *text; /* NULL: REFUSED */
	uint8_t len;
};

/* Header (12), the longest question (259) and OPT (11) with EXPIRE (8), digest (25), keepalive (6) and EDE (6) leave 185 of
 * 512 octets, four of which are the option's header: every response can carry it. */
#define ANSWER_NSID_MAX 128

/* For the whole server. Never changes while a worker uses it. */
struct answer_config {
	uint16_t udp_payload; /* what we accept and the most that we send over UDP; 512..65535 */
	const uint8_t *nsid;  /* RFC 5001; NULL: not answered */
	uint16_t nsid_len;
	struct answer_identity version;  /* version.bind, version.server */
	struct answer_identity hostname; /* hostname.bind */
	struct answer_identity identity; /* id.server (RFC 4892) */
	uint16_t keepalive_100ms;        /* how long a TCP connection may idle whose client asks (RFC 7828) */
	const struct tsig_keys *keys;    /* by which questions may be signed; NULL: none */
};

/* For one zone: what `rules` of struct zone points to. Never changes after it was put there; replaced as a whole, the
 * old one freed after a grace period. A zone without rules answers questions from everybody and allows nothing else. */
struct answer_rules {
	struct access_rules allow[ACCESS_KINDS]; /* by enum access_kind */
	bool minimal_any;                        /* RFC 8482: one RRset for ANY over UDP; TCP gets all */
	bool minimal_responses;                  /* no NS set and no optional additional data in positive answers */
};

/* ---- what a worker keeps ---- */

/* Counted by the worker that owns the context; any thread may read them. */
struct answer_counters {
	_Atomic uint64_t messages;    /* everything that came */
	_Atomic uint64_t dropped;     /* not answered: too short, or a response */
	_Atomic uint64_t queries_udp; /* answered, by transport */
	_Atomic uint64_t queries_tcp;
	_Atomic uint64_t truncated; /* answers with TC */
	_Atomic uint64_t referrals;
	_Atomic uint64_t notifies;   /* taken */
	_Atomic uint64_t transfers;  /* handed over; those over UDP are answers, too */
	_Atomic uint64_t rcodes[24]; /* answers by RCODE; the last one counts all above it */
};
#define ANSWER_RCODES 24

/* Scratch of one worker: encoder, plan, counters. Large; one per worker, never shared. */
struct answer_context;
struct answer_context *answer_context_new(void);
void answer_context_free(struct answer_context *take);
const struct answer_counters *answer_counters(const struct answer_context *context);

/* ---- a message ---- */

enum answer_transport { ANSWER_UDP, ANSWER_TCP };

/* What is known of a question before its turn comes (answer_look_ahead). Good until the worker's next quiescent point. */
struct answer_ahead {
	struct zone *zone;                    /* by zone_set_find for the QNAME; NULL: none */
	const struct zone_snapshot *snapshot; /* that it served; NULL: none */
	struct zone_lookup lookup;            /* of the QNAME in `snapshot` */
};

/* What came in. Borrowed for the call; `message` in the result points into `bytes`. */
struct answer_request {
	const uint8_t *bytes;
	size_t len;
	const struct address *client;
	enum answer_transport transport;
	int64_t now_ms;                   /* boot clock: when a secondary's copy expires */
	int64_t now_s;                    /* wall clock: when a signature was made */
	const struct answer_ahead *ahead; /* by answer_look_ahead with the same zones; NULL: nothing is known */
};

enum answer_outcome {
	ANSWER_SEND, /* `len` octets are to be sent */
	ANSWER_DROP, /* no answer: shorter than a header, or itself a response. Over TCP: close (RFC 7766 has no better) */
	/* AXFR or IXFR by somebody who may, over UDP IXFR only: `zone`, `snapshot`, `message`, `limit`, and for IXFR `serial`.
	 * Nothing was encoded. */
	ANSWER_TRANSFER_OUT,
	/* A NOTIFY by somebody who may: `len` octets are to be sent, and `zone` is to be looked at; `has_serial` and
	 * `serial`, if the sender gave a hint. */
	ANSWER_NOTIFY,
};

struct answer_result {
	uint8_t *bytes;  /* in: room for the response; may not overlap the request */
	size_t capacity; /* in: octets of it, at least 512 */
	size_t len;      /* out */

	/* Out, as the outcome says; NULL where it says nothing. Borrowed: zone and snapshot until the worker's next quiescent
	 * point, message until the context's next use. */
	struct zone *zone;
	const struct zone_snapshot *snapshot;
	const struct dns_message *message;
	bool has_serial;
	uint32_t serial;
	bool is_proven; /* ANSWER_NOTIFY: a rule allows it for the key that signed it */
	size_t limit;   /* octets that the response may have, without the TSIG that is to be added to it */
	bool has_edns;  /* the asker sent OPT: then `edns` is what ours says, EXPIRE included (RFC 7314) */
	struct dns_edns_reply edns;

	/* Out, always. The question had a TSIG: what came of it (tsig_verdict), and for ANSWER_TRANSFER_OUT the exchange, whose
	 * every message is to be signed: tsig_move it away before the context's next use. NULL: it had none. */
	struct tsig *tsig;

	/* Out, always: an RRset that is too large for any message, 0: none. The answer is then SERVFAIL over TCP. Whoever
	 * logs does so once per zone version: that of `zone` and `snapshot`, where the chain from the question ended. */
	uint16_t oversized_type;
	struct dns_name oversized_owner; /* set only with oversized_type */
	bool notify_denied;              /* a NOTIFY about `zone` that its rules refused; for the log */
	bool keepalive;                  /* the client was told that the connection may idle for keepalive_100ms */
};

/* Looks the names of up to so many requests up together, before they are answered in turn: what is in no cache is then waited
 * for once for all of them. Fills in `ahead` of each request, which borrows from `aheads`, where it could. */
#define ANSWER_AHEAD_MAX 16
void answer_look_ahead(const struct answer_context *context, const struct zone_set *zones,
                       struct answer_request *requests, size_t count, struct answer_ahead *aheads);

/* Answers one message. Wait-free; no allocation; the thread of `context`, which is registered as a reader of the
 * snapshots (base/quiescent.h). */
enum answer_outcome answer_message(struct answer_context *context, const struct answer_config *config,
                                   const struct zone_set *zones, const struct answer_request *request,
                                   struct answer_result *result);
