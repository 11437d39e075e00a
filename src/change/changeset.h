/* SPDX-License-Identifier: MIT */
/* Changesets: the difference between two versions of a zone as octets, which are kept, sent and done.
 *
 * Knows   RRs that go and RRs that come, the two SOAs among them, their order.
 * Not     messages, disks, which version is served, whether a change is wise.
 *
 * A changeset has two parts, what is removed and what is added; each begins with the SOA of its version (the order of
 * RFC 1995 4). As octets, all numbers big-endian:
 *
 *   0 serial from (4)  4 serial to (4)  8 RRs removed (8)  16 RRs added (8)  24 octets of what is removed (8)
 *   32 the RRs: owner length (1; 0: same owner as before in this part), owner, TYPE (2), TTL (4), RDLENGTH (2), RDATA
 *      (uncompressed)
 *
 * I1  A changeset is well-formed: whoever made it from octets checked every one of them. */
#pragma once

#include "change/change.h"

/* Immutable and counted: any thread. */
struct changeset;

const struct changeset *changeset_ref(const struct changeset *set);
/* NULL is fine. */
void changeset_unref(const struct changeset *take);

struct changeset_facts {
	uint32_t serial_from;
	uint32_t serial_to;
	uint64_t removed; /* RRs, the SOA included */
	uint64_t added;
};
struct changeset_facts changeset_facts(const struct changeset *set);
/* As octets; borrowed, as long as the set is held. */
const uint8_t *changeset_octets(const struct changeset *set, size_t *len);
/* From octets that somebody kept; they are copied. NULL:
 * ERROR_INVALID  they are none; the text says in what */
const struct changeset *changeset_from_octets(const uint8_t *octets, size_t len, struct error *error);

/* Visits what is removed, then what is added, in the order in which it was put together. */
struct changeset_walk {
	struct reader part; /* private, like all of it */
	const uint8_t *added;
	const uint8_t *end;
	const uint8_t *owner;
	bool in_added;
};
void changeset_walk(const struct changeset *set, struct changeset_walk *walk);
/* False: at the end. What is given is borrowed from the set. */
bool changeset_walk_next(struct changeset_walk *walk, struct zone_change *out);

/* ---- making one ---- */

/* RRs as they come; a change_visitor, so that change_compare fills it. */
struct changeset_builder {
	struct change_visitor visitor; /* first */
	struct changeset_part {
		uint8_t *octets;
		size_t len;
		size_t capacity;
		size_t owner; /* where the last one stands; meaningless at count 0 */
		uint64_t count;
		uint32_t serial;
		bool begins_with_soa;
		bool has_more_soas;
	} removed, added;
};
void changeset_builder_init(struct changeset_builder *builder);
void changeset_builder_deinit(struct changeset_builder *builder);
/* Copies one RR, whose owner and RDATA are checked, to the end of its part. The first of each part is the SOA. */
void changeset_builder_add(struct changeset_builder *builder, const struct zone_change *change);
/* Octets so far: for whoever has a limit. */
size_t changeset_builder_len(const struct changeset_builder *builder);
/* The changeset; the builder is empty then. NULL:
 * ERROR_INVALID  a part does not begin with its SOA, or has two */
const struct changeset *changeset_builder_end(struct changeset_builder *builder, struct error *error);

/* What makes `to` of `from`, both of one zone and with different SOAs. NULL as changeset_builder_end: the SOA is the same. */
const struct changeset *changeset_between(const struct zone_snapshot *from, const struct zone_snapshot *to,
                                          struct error *error);
/* One for several, each of which continues the one before: what came and went in between is left out. In canonical order
 * of owners, then of types. `count` is 1 at the least. */
const struct changeset *changeset_join(const struct changeset *const *sets, size_t count);

/* The version after `base`; nothing of it is done when it cannot be done whole (RFC 1995 4). NULL:
 * ERROR_STALE    `base` has another serial than the set begins with
 * and as zone_apply, where the set is not one of this version. */
const struct zone_snapshot *changeset_apply(const struct changeset *set, const struct zone_snapshot *base,
                                            struct error *error);
