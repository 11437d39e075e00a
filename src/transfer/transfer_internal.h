/* SPDX-License-Identifier: MIT */
/* What the files of src/transfer share: questions and their answers, timers, tickets, calls. */
#pragma once

#include "transfer/transfer.h"

/* ---- questions (question.c) ---- */

/* Header, name, type and class, OPT with EXPIRE; NOTIFY: an SOA with the longest names. */
#define TRANSFER_QUESTION_MAX 1100
/* The same with a TSIG: name, algorithm, MAC and 26 octets. */
#define TRANSFER_SIGNED_MAX (TRANSFER_QUESTION_MAX + 255 + 26 + TSIG_MAC_MAX + 26)

/* What our OPT says that we accept over UDP. */
#define TRANSFER_PAYLOAD_SIZE DNS_UDP_SIZE_EDNS

struct transfer_question {
	const uint8_t *apex;
	uint16_t class;
	uint16_t type;
	uint16_t id;
	bool edns;        /* with an empty EXPIRE option (RFC 7314) */
	bool asks_digest; /* and one that asks for the digest of the version (doc/decisions/004-digest.md) */
	bool has_serial;  /* of the version that we have, for IXFR (RFC 1995 3) */
	uint32_t serial;
};

/* Gives the length. */
size_t transfer_question_write(const struct transfer_question *question, uint8_t bytes[TRANSFER_QUESTION_MAX]);

/* A NOTIFY request with the SOA as a hint (RFC 1996 3.7); question->type is SOA. Without OPT, since the oldest server must
 * understand it. */
size_t transfer_notify_write(const struct transfer_question *question, uint32_t ttl, const uint8_t *soa, size_t soa_len,
                             uint8_t bytes[TRANSFER_QUESTION_MAX]);

/* Reads a message and says whether it is an answer to the question: id, QR, opcode, and the question, which may be absent
 * where the RCODE says that the server did not get so far, or in the answer to a NOTIFY. */
bool transfer_answer_read(const struct transfer_question *question, unsigned opcode, const uint8_t *bytes, size_t len,
                          struct dns_message *message);

/* The answer to an SOA question. */
enum transfer_soa_outcome {
	TRANSFER_SOA_FOUND,
	TRANSFER_SOA_TRUNCATED, /* ask over TCP */
	TRANSFER_SOA_NO_EDNS,   /* the server does not know EDNS: ask without (RFC 6891 6.2.2) */
	TRANSFER_SOA_FAILED,    /* `error` says why */
};
struct transfer_soa_answer {
	uint32_t serial;
	bool has_expire;
	uint32_t expire_s;
	bool has_told; /* the digest of that version, where it was asked for */
	struct change_told told;
};
enum transfer_soa_outcome transfer_soa_read(const struct transfer_question *question, const struct dns_message *message,
                                            struct transfer_soa_answer *out, struct error *error);

/* "answered REFUSED", with the server's reason where it gives one (RFC 8914). Always false. */
bool transfer_say_rcode(const struct dns_message *message, struct error *error);

/* The server did not understand our OPT. */
bool transfer_rcode_blames_edns(unsigned rcode);

/* ---- signatures (signed.c) ---- */

/* Signs a question and begins its exchange in `tsig`, which was all 0 before or had another one. `key` NULL: it leaves the
 * question as it is. Gives the length. */
size_t transfer_sign(struct tsig *tsig, const struct tsig_key *key, uint8_t bytes[TRANSFER_SIGNED_MAX], size_t len,
                     struct moment now);
/* The next answer is signed as it must be, or may be proven by a later one of its stream. False: `error` says what is wrong;
 * over UDP the real answer may still come (RFC 8945 5.4). */
bool transfer_is_proven(struct tsig *tsig, const struct tsig_key *key, const struct dns_message *answer,
                        struct moment now, struct error *error);
/* What is wrong with the last answer, which is not proven. */
enum cause transfer_tsig_cause(const struct tsig *tsig);
/* So is the whole stream, which has come to its end (5.3.1). */
bool transfer_is_proven_whole(const struct tsig *tsig, const struct tsig_key *key, struct error *error);

/* ---- timers (timer.c): a heap by time ---- */

struct transfer_timer {
	void (*expired)(struct transfer_timer *self, struct moment now);
	int64_t at_ms;
	size_t place; /* in the heap, from 1; 0: not set */
};

#define TRANSFER_NEVER INT64_MAX

/* TRANSFER_NEVER cancels. */
void transfer_timer_set(struct transfer_scheduler *scheduler, struct transfer_timer *timer, int64_t at_ms);
void transfer_timer_cancel(struct transfer_scheduler *scheduler, struct transfer_timer *timer);

/* ---- tickets (scheduler.c): who may use the network now ---- */

enum transfer_lane {
	TRANSFER_LANE_QUERY,
	TRANSFER_LANE_FETCH,
	TRANSFER_LANE_NOTIFY,
	TRANSFER_LANE_NOTIFY_STARTUP,
};
#define TRANSFER_LANES 4

enum transfer_ticket_state { TRANSFER_TICKET_NONE, TRANSFER_TICKET_WAITS, TRANSFER_TICKET_HELD };

/* Embed it, zeroed but for `granted`. */
struct transfer_ticket {
	void (*granted)(struct transfer_ticket *self, struct moment now);
	struct transfer_host *host;
	struct transfer_ticket *next, *previous; /* while it waits */
	enum transfer_ticket_state state;
	enum transfer_lane lane;
};

/* Asks for a turn; `granted` is called later, at the next transfer_scheduler_run. The ticket is in state NONE. */
void transfer_ticket_request(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket,
                             enum transfer_lane lane, const struct address *host);
/* The same, before all that wait for this host. */
void transfer_ticket_request_first(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket,
                                   enum transfer_lane lane, const struct address *host);
/* Gives it back, or leaves the queue; fine in any state. */
void transfer_ticket_release(struct transfer_scheduler *scheduler, struct transfer_ticket *ticket);

/* The host at this address, for as long as it is referenced: what is known of it outlives tickets. */
struct transfer_host *transfer_host_ref(struct transfer_scheduler *scheduler, const struct address *address);
void transfer_host_unref(struct transfer_scheduler *scheduler, struct transfer_host *take);
/* Its breaker in this lane (breaker_internal.h); NOTIFYs have one together. */
struct breaker *transfer_host_breaker(struct transfer_host *host, enum transfer_lane lane);

/* What NOTIFYs tell of a host. It did not answer one; `is_probe`: that was sent while it was down, to see. */
void transfer_notify_silent(struct transfer_host *host, const char *why, bool is_probe, struct moment now);
/* It answered one. */
void transfer_notify_heard(struct transfer_host *host, bool is_tcp, struct moment now);
/* The next one there is best sent over UDP. To a host that is down they go over UDP and TCP in turns; to one that answered
 * over TCP then, all go so. */
bool transfer_notify_takes_udp(const struct transfer_host *host, struct moment now);
/* There is a reason to look now whether it is there: if it is down, the next one is let through. */
void transfer_notify_hope(struct transfer_host *host, struct moment now);

/* Grants what can be granted and says when it wants to be woken. Every public function that is an event of a machine ends
 * with it (I1: never nested). */
void transfer_scheduler_run(struct transfer_scheduler *scheduler, struct moment now);

struct random_source *transfer_scheduler_random(struct transfer_scheduler *scheduler);
/* Calls edge->received; `otherwise` when the edge does not know. */
uint64_t transfer_scheduler_received(struct transfer_scheduler *scheduler, const struct transfer_call *call,
                                     uint64_t otherwise);

/* ---- configurations (config.c) ---- */

/* A copy without the list of primaries, which zones with equal options share when they come one after the other, as the zones
 * of a group do. NULL is fine in the second. */
const struct transfer_secondary_config *transfer_config_share(struct transfer_scheduler *scheduler,
                                                              const struct transfer_secondary_config *config);
void transfer_config_release(struct transfer_scheduler *scheduler, const struct transfer_secondary_config *take);
/* The one that was shared last; the scheduler keeps it for config.c. */
const struct transfer_secondary_config **transfer_scheduler_newest_config(struct transfer_scheduler *scheduler);

/* ---- calls ---- */

/* Where a call goes and how; the callbacks of `call` are set before. */
struct transfer_call_plan {
	enum transfer_transport transport;
	const struct address *to;
	const struct transfer_source *source;
	uint32_t timeout_ms;
	uint32_t total_ms;
};
MUST_USE bool transfer_call_open(struct transfer_scheduler *scheduler, struct transfer_call *call,
                                 const struct transfer_call_plan *plan, const uint8_t *bytes, size_t len,
                                 struct error *error);
/* Fine when it is not open. */
void transfer_call_close(struct transfer_call *call);
