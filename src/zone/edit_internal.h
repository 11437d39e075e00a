/* SPDX-License-Identifier: MIT */
/* Editing one owner: its RRsets as they were, and the RRs to take out and to put in, become its RRsets as they will be.
 *
 * Strict (zone_apply): what is taken out must be there, what is put in must not; RRs put in set the TTL.
 * Lenient (the builder): nothing is taken out, what is there already is dropped, the lowest TTL counts. */
#pragma once

#include "base/error.h"
#include "zone/version_internal.h"

/* One RR to take out or to put in; key, owner and RDATA borrowed. */
struct zone_delta {
	const uint8_t *key; /* of its owner, or the hash of an NSEC3 owner */
	const uint8_t *owner;
	struct zone_rr rr;
	uint64_t order; /* in which it came */
	uint16_t key_len;
	uint16_t type; /* of an RRSIG: the type that it covers */
	uint8_t labels;
	bool is_sig;
	bool in_hashes; /* of the NSEC3 tree */
	bool add;
};

/* Order within one owner: type, RRs before signatures, taking out before putting in, RDATA, then as they came. */
int zone_delta_compare(const struct zone_delta *a, const struct zone_delta *b);
/* Sorts pointers to the deltas of one owner so. */
void zone_deltas_sort(const struct zone_delta **deltas, size_t count);
/* Fills in what type, RDATA and owner say: key (written to `key`, of which the delta borrows), covered type, tree.
 * False: the owner is not within the apex. */
bool zone_delta_place(struct zone_delta *delta, const struct zone_line *line, uint16_t type, struct zone_key *key);

struct zone_rrs {
	struct zone_rr *list;
	size_t count;
	size_t capacity;
};

struct zone_editing {
	struct zone_writing writing;
	bool lenient;
	struct zone_build_report report; /* lenient: duplicates and TTLs */
	struct zone_blocks *retired;     /* gets the blobs that are no longer referred to */
	uint64_t bytes_retired;
	struct zone_buffer rrsets; /* what zone_edit_rrsets made */
	struct zone_rrs rrs;       /* work */
	struct zone_rrs sigs;
};

void zone_editing_free(struct zone_editing *editing);

struct zone_edited {
	size_t rrset_count;
	uint8_t flags; /* CUT, DNAME, CNAME, NSEC, BLOB of body_internal.h */
};

/* Makes the RRsets of one owner, in `editing->rrsets`. `old` may be NULL. `deltas` are sorted, all of one owner. */
bool zone_edit_rrsets(struct zone_editing *editing, const struct zone_body *old, const struct zone_delta *const *deltas,
                      size_t count, struct zone_edited *out, struct error *error);

/* Retires all blobs of a body that goes as a whole. */
void zone_retire_blobs(struct zone_editing *editing, const struct zone_body *body);
