/* SPDX-License-Identifier: MIT */
/* Inside src/answer: the plan of a response, and what a worker keeps.
 *
 * I5  A plan borrows from the snapshots that it was made from, from the question, and from its own scratch; it is good
 *     until the context's next message or the worker's next quiescent point, whichever comes first.
 * I6  Entries are written section by section, within a section in the order in which they were planned. */
#pragma once

#include "answer/answer.h"
#include "change/digest.h"

/* CNAMEs and DNAMEs that are followed; a name that repeats ends the chain earlier. */
#define ANSWER_CHAIN_MAX 16

/* Targets (of MX, SRV, the apex NS set ...) whose addresses are looked up as optional additional data. Enough for the
 * 13 servers of the root and for any MX set in use; it bounds the comparisons that keep duplicates out. */
#define ANSWER_TARGETS_MAX 64

/* Targets whose places in the message are remembered, so that their addresses find their owner written. */
#define ANSWER_PLACES_MAX 32

/* RRsets of one plan. The largest that can fit 64 KiB: a delegation whose every server has in-domain A and AAAA, at 16
 * octets for the NS (pointer, 10, one-letter label, pointer), 16 for the A and 28 for the AAAA, so 1092 servers with two
 * RRsets each. Above that come the NS and DS or its denial, a chain of ANSWER_CHAIN_MAX DNAMEs with their CNAMEs, each
 * with a proof of up to three NSEC3. An answer to ANY takes the rest and leaves out what is beyond (RFC 8482 4.1);
 * whatever else is beyond does not fit the message and is treated so. */
#define ANSWER_RRSETS_MAX 2304
_Static_assert(ANSWER_RRSETS_MAX >= 2 * (DNS_MESSAGE_MAX / 60) + 2 + (ANSWER_CHAIN_MAX + 1) * (2 + 3), "see above");

/* Octets of the smallest RR: root owner, 10, no RDATA. */
#define ANSWER_RR_MIN 11

enum planned_need {
	NEED_ALL,  /* without it the response is truncated to nothing */
	NEED_GLUE, /* RFC 9471: without it the response is truncated, what fits stays */
	NEED_NOT,  /* dropped silently */
};

enum { PART_DATA = 1, PART_SIGS = 2 };

/* What an entry's owner is called. */
struct planned_owner {
	const uint8_t *name; /* given: the owner; else a name that is the owner's if case is ignored, or NULL */
	bool given;          /* else it is the node's, in the case of the zone */
	uint8_t target;      /* the name is that in RDATA number `target` - 1 of plan->targets_of; 0: it is not */
};

struct planned_rrset {
	struct zone_rrset rrset;
	struct zone_node node; /* all zero when the RRset is no zone's */
	struct planned_owner owner;
	uint8_t section; /* enum dns_section */
	uint8_t parts;   /* PART_DATA, PART_SIGS */
	uint8_t need;    /* enum planned_need */
};

/* The CNAME of a DNAME (RFC 6672 3.1) as a one-RR RRset. */
struct synthesised_cname {
	uint8_t len[2];
	uint8_t target[DNS_NAME_MAX];
};
_Static_assert(sizeof(struct synthesised_cname) == 2 + DNS_NAME_MAX, "RDATA in the form of zone_rrset.rdatas");

/* What a kept answer answers: a question of this kind at this node, or below it. */
struct kept_key {
	uint64_t identity; /* of the snapshot; 0: no key */
	const uint8_t *page;
	uint16_t index;
	uint16_t kind;  /* a QTYPE: data or its absence; or KEPT_* */
	uint16_t flags; /* KEPT_DNSSEC, KEPT_MINIMAL */
};

enum {
	KEPT_REFERRAL = 0,           /* of the node, which is a cut */
	KEPT_NO_NAME = DNS_TYPE_ANY, /* in the zone whose apex the node is, without proof; or behind the node's NSEC */
};
enum { KEPT_DNSSEC = 1, KEPT_MINIMAL = 2 };

static inline struct kept_key kept_key_of(const struct zone_node *node, uint16_t kind, bool dnssec_ok, bool minimal)
{
	return (struct kept_key){
	        .identity = zone_identity(node->snapshot),
	        .page = node->page,
	        .index = node->index,
	        .kind = kind,
	        .flags = (uint16_t)((dnssec_ok ? KEPT_DNSSEC : 0) | (minimal ? KEPT_MINIMAL : 0)),
	};
}

struct kept;
struct keeper;

struct answer_plan {
	/* What is asked. */
	const struct zone_set *zones;
	const struct access_who *who;
	int64_t now_ms;
	const uint8_t *qname;
	const struct answer_ahead *ahead; /* of qname; NULL: nothing is known */
	uint16_t qtype;
	bool dnssec_ok;
	bool udp;

	/* Where the chain stands. */
	struct zone *zone;
	const struct zone_snapshot *snapshot;
	const struct answer_rules *rules;
	const uint8_t *names[ANSWER_CHAIN_MAX + 1]; /* the question's name and every target so far */
	size_t link_count;                          /* names but the first */

	/* Answers that were written before. */
	struct keeper *keeper;
	size_t tail_max;         /* octets that a response may have behind its question, less OPT */
	struct kept_key key;     /* under which this answer is kept, if it is whole */
	const uint8_t *key_name; /* the end of the question on which the answer depends */
	const struct kept *kept; /* the whole answer; nothing else is then planned */

	/* What is decided. */
	unsigned rcode;
	uint16_t class;
	bool authoritative;
	bool referral;
	bool overflow; /* something needed found no place: it cannot fit */
	int32_t room;  /* RRs that may still fit the response, at ANSWER_RR_MIN each */
	size_t target_count;
	size_t targets_of; /* number of the RRset whose targets are the hints of additional data */
	size_t rrset_count;
	struct planned_rrset rrsets[ANSWER_RRSETS_MAX];
	struct synthesised_cname synthesised[ANSWER_CHAIN_MAX + 1]; /* by link_count */
};

struct answer_context {
	/* The message at hand. */
	const struct answer_config *config;
	const struct zone_set *zones;
	const struct answer_request *request;
	struct answer_result *result;
	struct access_who who;
	size_t limit;    /* octets that the response may have, less its TSIG */
	bool dropped;    /* something optional did not fit */
	bool has_expire; /* the response tells when the copy expires (RFC 7314) */
	uint32_t expire_s;
	bool has_told; /* the response tells the digest of the version that it is from */
	uint8_t told[CHANGE_TOLD_SIZE];
	struct dns_message message;

	struct tsig tsig; /* of the last message that had one */

	struct answer_counters counters;
	struct answer_plan plan;
	struct dns_encoder encoder;
	struct keeper *keeper;
	const struct planned_rrset *misfit;  /* the needed entry that did not fit; NULL: none */
	struct zone_node owner_node;         /* of the entry written last; page NULL: it is none of a zone */
	const uint8_t *owner_name;           /* its owner, in the case of the zone */
	uint16_t owner_place;                /* where that stands in the message; 0: nowhere */
	uint16_t targets[ANSWER_PLACES_MAX]; /* where the targets of plan.targets_of stand */
	struct dns_name owner;
	uint8_t chaos[2 + 1 + 255]; /* a CH TXT RRset in the form of zone_rrset.rdatas */
};

/* One writer: no need for an atomic addition. */
static inline void answer_add(_Atomic uint64_t *counter)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

/* ---- answer.c ---- */

/* Counts a response that is complete. */
void answer_count(struct answer_context *context, unsigned rcode);

/* What rules a zone has; those of a zone without any. */
const struct answer_rules *answer_rules_of(const struct zone *zone);
enum access_verdict answer_access(const struct answer_rules *rules, enum access_kind kind,
                                  const struct access_who *who);
/* The zone that answers for `name`: the most specific one, but for DS the one above an apex (RFC 4035 3.1.4.1), if it
 * is ours. NULL: none. `ahead`: what is known of the name; NULL: nothing. */
struct zone *answer_zone_for(const struct zone_set *zones, const struct answer_ahead *ahead, const uint8_t *name,
                             uint16_t type);
/* What is served of a zone, or NULL: then `ede` says why not (RFC 8914). */
const struct zone_snapshot *answer_served(const struct zone *zone, int64_t now_ms, int *ede);

/* ---- plan.c ---- */

/* Decides the response to plan->qname and plan->qtype, which lead to plan->zone, plan->snapshot and plan->rules. What is
 * asked, where the chain stands, `class` and `room` are set by the caller, everything else here. */
void answer_plan(struct answer_plan *plan);
/* Empties what is decided. */
void answer_plan_reset(struct answer_plan *plan, size_t limit);

static inline struct planned_owner owner_given(const uint8_t *name)
{
	return (struct planned_owner){.name = name, .given = true};
}

/* `hint` may be NULL. */
static inline struct planned_owner owner_of_node(const uint8_t *hint)
{
	return (struct planned_owner){.name = hint};
}

/* `index`: of the RDATA of plan->targets_of whose name it is. */
static inline struct planned_owner owner_of_target(const uint8_t *hint, size_t index)
{
	uint8_t target = index < ANSWER_PLACES_MAX ? (uint8_t)(index + 1) : 0;
	return (struct planned_owner){.name = hint, .target = target};
}

/* The node of RRsets that are no zone's. */
extern const struct zone_node plan_no_node;

/* Plans an RRset, with its signatures where DO asks for them. NULL: the plan is full, and says what follows from that. */
struct planned_rrset *plan_add(struct answer_plan *plan, enum dns_section section, const struct zone_node *node,
                               const struct zone_rrset *rrset, struct planned_owner owner, enum planned_need need);
/* The same for the RRset of this type at this node. NULL: there is none, or the plan is full. */
const struct zone_rrset *plan_rrset(struct answer_plan *plan, enum dns_section section, const struct zone_node *node,
                                    uint16_t type, struct planned_owner owner, enum planned_need need);
/* The RRset of this type at this node is planned already, under this owner. */
bool plan_has(const struct answer_plan *plan, const struct zone_node *node, uint16_t type, struct planned_owner owner);

/* ---- proof.c: denial as the zone holds it. Nothing without DO or in an unsigned zone. ---- */

/* The name exists, or is an empty non-terminal, and lacks the type (RFC 4035 3.1.3.1; RFC 5155 7.2.3, 7.2.4). `node`
 * is its node, which may be empty. */
void proof_no_data(struct answer_plan *plan, const uint8_t *name, const struct zone_node *node);
/* Neither the name nor a wildcard (RFC 4035 3.1.3.2; RFC 5155 7.2.2). */
void proof_no_name(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels);
/* An answer from a wildcard: no closer match (RFC 4035 3.1.3.3; RFC 5155 7.2.6). */
void proof_wildcard(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels);
/* The wildcard lacks the type (RFC 4035 3.1.3.4; RFC 5155 7.2.5). `node` is the wildcard's. */
void proof_wildcard_no_data(struct answer_plan *plan, const uint8_t *name, const struct zone_node *node,
                            uint8_t encloser_labels);

/* ---- additional.c ---- */

/* The addresses of a delegation's servers (RFC 9471). `servers` is its NS RRset, `cut` its owner. */
void plan_glue(struct answer_plan *plan, const struct zone_rrset *servers, const uint8_t *cut);
/* Optional additional data of what the answer and authority sections hold. */
void plan_additional(struct answer_plan *plan);

/* ---- keep.c ---- */

/* Answers as octets, so that what is asked often is not looked up and compressed again. */
struct keeper *keeper_new(void);
void keeper_free(struct keeper *take);
/* The answer kept under this key; NULL: none. */
const struct kept *keeper_find(struct keeper *keeper, const struct kept_key *key);
/* Says that the answer under this key will be looked for soon. */
void keeper_soon(const struct keeper *keeper, const struct kept_key *key);
size_t kept_len(const struct kept *kept);
unsigned kept_rcode(const struct kept *kept);
bool kept_authoritative(const struct kept *kept);
/* Appends it to a response that ends with its question. There must be room. */
void kept_write(const struct kept *kept, struct dns_encoder *encoder);
/* Keeps what the encoder wrote behind the question, unless it is too long, refers to labels of the question before the
 * last `suffix_len` octets of its name, or is asked for the first time. */
void keeper_keep(struct keeper *keeper, const struct kept_key *key, const struct dns_encoder *encoder,
                 size_t question_end, size_t suffix_len, unsigned rcode, bool authoritative);

/* ---- signed.c ---- */

/* Judges the TSIG of a message. True: what it proves is in context->who, and context->limit leaves room for the TSIG of the
 * answer. False: the answer is complete. */
bool answer_verify(struct answer_context *context);
/* Signs the answer to it. */
void answer_sign(struct answer_context *context, enum answer_outcome outcome);

/* ---- encode.c ---- */

/* Writes the planned response: header flags from the question, sections, OPT. Truncates as the limit asks. */
void answer_encode(struct answer_context *context, int ede);
/* A response without data: the question (if one was read), an RCODE, OPT. */
void answer_encode_rcode(struct answer_context *context, unsigned rcode, int ede);
/* RFC 1035 7.3, RFC 6891 7: a header alone, and OPT if one was read soundly. */
void answer_encode_formerr(struct answer_context *context, int ede);
/* RFC 8945 5.3: the question, if it fits, and TC where the RCODE is NOERROR. */
void answer_encode_cramped(struct answer_context *context, unsigned rcode);
/* Our OPT, as far as the question decides it. */
struct dns_edns_reply answer_edns(const struct answer_context *context, unsigned rcode, int ede);
