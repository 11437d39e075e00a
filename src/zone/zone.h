/* SPDX-License-Identifier: MIT */
/* The door of src/zone: one immutable version of a zone in memory (the snapshot), how to find things in it, how to make
 * one, and the set of zones that a server serves.
 *
 * Knows   names, RRsets, zone cuts, glue, wildcards, denial of existence; canonical order.
 * Not     questions, messages, files, serial policy, who may ask; it never looks at a clock.
 *
 * I1  A snapshot never changes after it was made, but for whether it is held back (zone_hold_back). Any number of threads read it
 *     without locks or shared writes.
 * I2  Names are kept and walked in canonical order (RFC 4034 6.1), RDATA of an RRset in canonical order (6.3), without
 *     duplicates; the case of owners and of RDATA is kept as it came.
 * I3  Every RRset has one TTL. When RRs came with several, it is the lowest (RFC 2181 5.2).
 * I4  NSEC3 RRsets whose owner is a hash one label below the apex (RFC 5155 3), and their RRSIGs, live in a tree of
 *     their own: they are no part of the name space that zone_lookup sees. An NSEC3 with any other owner is plain data.
 * I5  RRSIGs are kept with the RRset that they cover; one that covers no RRset of its owner is kept all the same and
 *     comes out of every walk.
 * I6  zone_apply costs what the change costs, not what the zone costs: pages that did not change are shared.
 *
 * Life of a snapshot: made by a builder or by zone_apply with one reference; published in a struct zone, which takes
 * that reference; readers use it until their next quiescent point; a transfer takes a reference of its own. When the
 * last reference goes, what no other snapshot of the line shares is freed after a grace period (base/quiescent.h). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "dns/name.h"

struct zone_snapshot;

/* ---- what a reader sees ---- */

/* One RRset, borrowed from the snapshot. */
struct zone_rrset {
	uint16_t type;
	uint32_t ttl;
	uint16_t count; /* RRs; 0 where only signatures exist (I5) */
	uint32_t rdatas_len;
	const uint8_t *rdatas; /* `count` times: length (2 octets, big-endian), uncompressed RDATA */
	uint16_t sig_count;    /* RRSIGs that cover it */
	uint32_t sig_ttl;
	uint32_t sigs_len;
	const uint8_t *sigs; /* same form */
};

enum {
	ZONE_NODE_APEX = 1,
	ZONE_NODE_CUT = 2,       /* NS here, and not the apex: a delegation */
	ZONE_NODE_DNAME = 4,     /* DNAME here */
	ZONE_NODE_BELOW_CUT = 8, /* below a cut or a DNAME: glue or occluded */
	ZONE_NODE_EMPTY = 16,    /* an empty non-terminal: exists, but holds no RRset */
	ZONE_NODE_CNAME = 32,
	ZONE_NODE_NSEC3 = 64, /* of the NSEC3 tree */
};

/* A name of the snapshot; placed on the stack, valid as long as the snapshot. An empty non-terminal may have no entry
 * of its own in memory. */
struct zone_node {
	const struct zone_snapshot *snapshot;
	const uint8_t *page; /* private to src/zone, like `body` and `index` */
	const uint8_t *body;
	uint16_t index;
	uint16_t flags; /* ZONE_NODE_* */
	uint8_t labels; /* of its owner, root label not counted */
};

/* Two nodes of one snapshot are the same name. A node that is all zero is the same as none of a snapshot. */
static inline bool zone_node_same(const struct zone_node *a, const struct zone_node *b)
{
	return a->page == b->page && a->index == b->index;
}

enum zone_kind {
	ZONE_FOUND,      /* the name exists and is authoritative: node; it may be empty (ZONE_NODE_EMPTY) */
	ZONE_DELEGATION, /* the name is at or below a zone cut: node is the cut (its labels tell which) */
	ZONE_DNAME,      /* the name is below a DNAME owner: node is that owner */
	ZONE_WILDCARD,   /* the name does not exist; node is the source of synthesis (RFC 4592 3.3.1) */
	ZONE_NO_NAME,    /* neither the name nor a source of synthesis exists */
};

struct zone_lookup {
	enum zone_kind kind;
	struct zone_node node;   /* as the kind says; undefined for ZONE_NO_NAME */
	uint8_t encloser_labels; /* labels of the closest encloser; for ZONE_FOUND those of the name itself */
};

/* RFC 1034 4.3.2 step 3 as one descent. `name` must be within the apex. An exact match at a cut is ZONE_DELEGATION
 * (node->labels == labels of the name); the caller decides about DS. The name of a DNAME owner itself is ZONE_FOUND. A
 * DNAME at a wildcard redirects what is literally below the asterisk; of a name that the wildcard stands for it is data
 * (RFC 6672 3.3). */
void zone_lookup(const struct zone_snapshot *zone, const uint8_t *name, struct zone_lookup *out);
/* The same for up to so many names at once, each in its own zone: what is in no cache is waited for once for all of them, not
 * once for each. */
#define ZONE_LOOKUP_MAX 16
void zone_lookup_many(const struct zone_snapshot *const *zones, const uint8_t *const *names, size_t count,
                      struct zone_lookup *out);

/* The node of exactly this name, whatever lies above it: for glue. False: no such name (an empty non-terminal is one). */
bool zone_find(const struct zone_snapshot *zone, const uint8_t *name, struct zone_node *out);

void zone_apex(const struct zone_snapshot *zone, struct zone_node *out);
/* The owner in the case in which it came. */
void zone_node_owner(const struct zone_node *node, struct dns_name *out);
/* The owner has exactly the octets of `name`, of which it is known that it is the same name if case is ignored. Much
 * quicker than having the owner made and comparing. */
bool zone_node_owner_is(const struct zone_node *node, const uint8_t *name);
/* False: no such type. RRSIG is not found here but with what it covers. A type of which only signatures exist is found
 * with count 0. */
bool zone_node_rrset(const struct zone_node *node, uint16_t type, struct zone_rrset *out);

/* RRsets of a node, ascending by type (SOA first at the apex). */
struct zone_rrset_walk {
	const uint8_t *at; /* private to src/zone, like all of it */
	const uint32_t *ttls;
	uint16_t left;
};
void zone_rrsets(const struct zone_node *node, struct zone_rrset_walk *walk);
bool zone_rrsets_next(struct zone_rrset_walk *walk, struct zone_rrset *out);

/* The addresses that belong to a name server of a delegation (RFC 9471): both RRsets at `server`, which is within the
 * apex, glue or authoritative. `required`: the server's name is at or below `cut` (in-domain glue). A RRset that does not
 * exist has count 0. False: neither. */
struct zone_addresses {
	struct zone_node node;
	struct zone_rrset a;
	struct zone_rrset aaaa;
};
bool zone_addresses(const struct zone_snapshot *zone, const uint8_t *server, struct zone_addresses *out);

/* ---- denial of existence: what the zone holds, never derived ---- */

enum zone_denial { ZONE_UNSIGNED, ZONE_NSEC, ZONE_NSEC3 };
enum zone_denial zone_denial(const struct zone_snapshot *zone);

/* The node with the last NSEC whose owner is not after `name` in canonical order: it matches or covers the name. Glue
 * and other names without NSEC are passed over. False: there is none. */
bool zone_nsec(const struct zone_snapshot *zone, const uint8_t *name, struct zone_node *out);

struct zone_nsec3_params {
	uint8_t algorithm;
	uint16_t iterations;
	uint8_t salt_len;
	uint8_t salt[255];
};
/* Parameters of the chain that NSEC3PARAM at the apex names and that has NSEC3s; NULL: none. */
const struct zone_nsec3_params *zone_nsec3_params(const struct zone_snapshot *zone);
/* SHA-1 hash of RFC 5155 5 with the zone's parameters. */
void zone_nsec3_hash(const struct zone_snapshot *zone, const uint8_t *name, uint8_t hash[20]);

enum zone_nsec3_find { ZONE_NSEC3_MATCHES, ZONE_NSEC3_COVERS, ZONE_NSEC3_NONE };
/* The NSEC3 whose owner is this hash, or the one before it in hash order (the last one wraps), which covers it. */
enum zone_nsec3_find zone_nsec3(const struct zone_snapshot *zone, const uint8_t hash[20], struct zone_node *out);

/* ---- walks ---- */

/* A place in a tree; private to src/zone. Deep enough: each level has at most half the pages of the one below, and 2^31
 * leaves are more than memory holds. */
struct zone_cursor {
	uint16_t depth; /* 0: nowhere */
	struct {
		const uint8_t *page;
		uint32_t index;
	} path[32];
};

/* All nodes that hold RRsets, in canonical order, then the NSEC3 tree in hash order; stack-placed. */
struct zone_walk {
	const struct zone_snapshot *snapshot;
	bool started;
	bool in_nsec3;
	struct zone_cursor cursor;
};
void zone_walk(const struct zone_snapshot *zone, struct zone_walk *walk);
/* False: at the end. */
bool zone_walk_next(struct zone_walk *walk, struct zone_node *out);
/* Two walks, of two versions of a line, that stand at the same node where both versions share it: both are moved to the
 * end of the longest stretch that is known to be shared, so that the next step, which must follow, leads out of it. False:
 * they share nothing here, and nothing was moved. So versions are compared at the cost of what differs. */
bool zone_walk_pass_shared(struct zone_walk *a, struct zone_walk *b);

/* ---- facts ---- */

const uint8_t *zone_name(const struct zone_snapshot *zone);
uint16_t zone_class(const struct zone_snapshot *zone);
uint32_t zone_serial(const struct zone_snapshot *zone);
/* A number that no other snapshot of this process has or ever had, never 0: for whoever remembers something about a
 * snapshot without holding it. */
uint64_t zone_identity(const struct zone_snapshot *zone);
/* A version may be held back: served to who asks, and given to nobody who would serve it too. That alone of it changes, by the
 * zone's writer (publish). */
void zone_hold_back(const struct zone_snapshot *zone);
void zone_hand_on(const struct zone_snapshot *zone);
bool zone_is_held_back(const struct zone_snapshot *zone);
/* The SOA's RRset; exactly one RR. */
void zone_soa(const struct zone_snapshot *zone, struct zone_rrset *out);

struct zone_facts {
	uint64_t records;   /* RRs, RRSIGs included */
	uint64_t names;     /* owners with RRsets, NSEC3 owners included */
	uint64_t bytes;     /* memory reachable from this snapshot, shared pages included */
	uint64_t bytes_own; /* of these, not shared with the version that it was made from */
	uint64_t wildcards;
	uint64_t cuts;
};
void zone_facts(const struct zone_snapshot *zone, struct zone_facts *out);

/* ---- as octets ---- */

/* Where they go, in pieces. */
struct zone_octets {
	void (*write)(struct zone_octets *self, const void *bytes, size_t len);
};
/* A version as it lies in memory, for a later process on a machine of this kind (frozen.c says how it looks). */
void zone_freeze(const struct zone_snapshot *zone, struct zone_octets *out);
/* The version of `len` octets that stand at `offset` (a multiple of 8) of `take`, heap memory that is taken over whatever
 * comes of it; costs little more than reading them. They are to be exactly what zone_freeze gave: the caller has looked
 * (a digest). NULL:
 * ERROR_INVALID  another kind of machine, or another version of the format, wrote them */
const struct zone_snapshot *zone_thaw(uint8_t *take, size_t offset, size_t len, const uint8_t *apex, uint16_t class,
                                      struct error *error);

/* ---- making one ---- */

struct zone_builder;

/* `apex` is copied. */
struct zone_builder *zone_builder_new(const uint8_t *apex, uint16_t class);
/* The same for a zone of which there is a version (`base`, borrowed for the call; NULL: none): what turns out to be as it
 * was is shared with `base`, and takes no memory while it comes. The snapshot is of the same line as `base`, or of a new
 * one where `base` does not suit, or has got much larger by changes than it would be anew. */
struct zone_builder *zone_builder_new_from(const struct zone_snapshot *base, const uint8_t *apex, uint16_t class);
void zone_builder_free(struct zone_builder *take);

enum zone_add {
	ZONE_ADDED,
	ZONE_ADD_OUTSIDE /* owner not within the apex */,
	ZONE_ADD_META /* a type no zone holds */
};
/* Adds one RR, in any order, quickest in canonical order. `rdata` passed dns_rdata_check_form. Exact duplicates
 * (canonical form) are dropped at the end; of several TTLs the lowest is taken. Everything is copied. */
enum zone_add zone_builder_add(struct zone_builder *builder, const uint8_t *owner, uint16_t type, uint32_t ttl,
                               const uint8_t *rdata, size_t rdata_len);

struct zone_build_report {
	uint64_t duplicates;       /* dropped */
	uint64_t ttls_unified;     /* RRsets that came with several TTLs; one that came in pieces counts for each */
	struct dns_name ttl_owner; /* the first such RRset */
	uint16_t ttl_type;
};
/* Ends the builder either way. `report` may be NULL. NULL on failure:
 * ERROR_INVALID  no SOA at the apex, or two different ones
 * ERROR_LIMIT    an RRset with more than 65535 RRs or more than 2^31 octets */
struct zone_snapshot *zone_builder_finish(struct zone_builder *take, struct zone_build_report *report,
                                          struct error *error);

/* One RR removed or added. Borrowed by zone_apply. */
struct zone_change {
	bool add;
	uint16_t type;
	uint32_t ttl; /* ignored when removing */
	uint32_t rdata_len;
	const uint8_t *owner;
	const uint8_t *rdata;
};

/* The next version: `base` with all removals, then all additions done. An added RR sets its RRset's TTL (the lowest of
 * those added; RRs that stay take it too). `base` stays as it is. NULL on failure, and nothing was made:
 * ERROR_NOT_FOUND  an RR to remove is not there
 * ERROR_EXISTS     an RR to add is there after the removals (same TTL too)
 * ERROR_INVALID    outside the apex, a meta type, or the result has not exactly one SOA
 * ERROR_LIMIT      as above
 * One writer per line of snapshots; readers of `base` are not disturbed. */
struct zone_snapshot *zone_apply(const struct zone_snapshot *base, const struct zone_change *changes, size_t count,
                                 struct error *error);

/* Counted references, for holders that outlive a quiescent point: transfers, exports, the published slot. A reader that
 * holds the snapshot by QSBR may take one. Any thread; `unref` never blocks and frees on the reclaiming thread. NULL is
 * fine for unref. */
const struct zone_snapshot *zone_ref(const struct zone_snapshot *zone);
void zone_unref(const struct zone_snapshot *take);
/* For a version that nobody else ever saw, and from which another one was made: its memory can be had again at once. */
void zone_unref_unseen(const struct zone_snapshot *take);

/* ---- the set of zones ---- */

enum zone_state {
	ZONE_STATE_EMPTY, /* configured, never loaded: SERVFAIL, EDE 14 */
	ZONE_STATE_SERVED,
	ZONE_STATE_EXPIRED, /* secondary whose SOA expire has passed: SERVFAIL, EDE 24 */
	ZONE_STATE_BROKEN,  /* its only version cannot be a zone; SERVFAIL, EDE 24 */
};

#define ZONE_NEVER_EXPIRES INT64_MAX

/* What of the served version an answer seldom needs. */
struct zone_account {
	_Atomic(const void *) history; /* what leads to it; of the layers above (change), opaque here */
	/* What the layers above (change) know of the content of one version: whose it is, and two words. */
	_Atomic(uint64_t) content[3];
};

/* A zone of this server. Written by its one writer (publish) only; everyone reads. Freed after a grace period. */
struct zone {
	/* What each answer reads is in one cache line, and so is an apex of up to 25 octets. */
	_Atomic(const struct zone_snapshot *) served; /* not NULL only while ZONE_STATE_SERVED */
	_Atomic(const void *) rules;                  /* of the layers above (access, answer); opaque here */
	_Atomic(int64_t) expires_at_ms;               /* boot clock (base/clock.h); a secondary's, else never */
	struct zone_account *account;                 /* owned */
	_Atomic(enum zone_state) state;
	uint16_t class;
	uint8_t apex_len;
	uint8_t apex[]; /* as configured */
};

struct zone *zone_new(const uint8_t *apex, uint16_t class);
/* Frees it, and its reference to the served snapshot, after a grace period. It must be in no set any more. */
void zone_free(struct zone *take);
/* Puts `take` in the place of what was served (which is released after a grace period) and the state to SERVED. */
void zone_publish(struct zone *zone, const struct zone_snapshot *take);
/* Stops serving; `state` is not SERVED. */
void zone_withdraw(struct zone *zone, enum zone_state state);
/* The served snapshot or NULL; valid until the caller's next quiescent point. */
static inline const struct zone_snapshot *zone_served(const struct zone *zone)
{
	return atomic_load_explicit(&zone->served, memory_order_acquire);
}

/* Zones by name; immutable, so that it is swapped as a whole; it shares with the set before what did not change. Readers
 * hold it by their quiescent points. Sets are made and freed by one thread at a time, or by two: a maker and a freer. */
struct zone_set;

struct zone_set *zone_set_new(struct zone *const *zones, size_t count);
/* A set with some zones more and some fewer; costs what differs, whatever the size of the set. The removed go first, so
 * that one of the same name may come. `base` stays valid; sets are freed in any order. */
struct zone_set *zone_set_change(const struct zone_set *base, struct zone *const *add, size_t add_count,
                                 struct zone *const *remove, size_t remove_count);
void zone_set_free(struct zone_set *take); /* not the zones */
size_t zone_set_count(const struct zone_set *set);
/* The most specific zone whose apex is `name` or above it; NULL: none. Wait-free. */
struct zone *zone_set_find(const struct zone_set *set, const uint8_t *name);
/* The same for up to so many names at once, which costs much less than one after the other where each is in another of many
 * zones; what a lookup in them reads is then on its way to the processor. */
#define ZONE_SET_FIND_MAX 16
void zone_set_find_many(const struct zone_set *set, const uint8_t *const *names, size_t count, struct zone **out);
/* The most specific zone strictly above `name`: who answers DS (RFC 4035 3.1.4.1); NULL: none. */
struct zone *zone_set_find_above(const struct zone_set *set, const uint8_t *name);
/* The zone with exactly this apex; NULL: none. */
struct zone *zone_set_get(const struct zone_set *set, const uint8_t *apex);
/* Zone number `index` in canonical order of apexes, below zone_set_count. */
struct zone *zone_set_at(const struct zone_set *set, size_t index);
