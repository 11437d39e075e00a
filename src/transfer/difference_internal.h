/* SPDX-License-Identifier: MIT */
/* The differences of an IXFR on their way in (RFC 1995 4): for each version the SOA before, what goes, the SOA after, what
 * comes.
 *
 *   begin --SOA of our version--> removing --SOA of the next--> adding --the same SOA again--> removing --> ...
 *                                                                 +--the SOA that the answer began with--> whole
 *
 * I1  The serials form a chain from ours to that of the answer, each newer than the one before. */
#pragma once

#include "change/changeset.h"
#include "transfer/transfer.h"

struct transfer_difference {
	const struct changeset **sets; /* of the versions that are whole; references */
	size_t count;
	size_t capacity;
	struct changeset_builder step; /* of the one that is coming */
	bool is_adding;
	uint32_t serial_from; /* of that step */
	uint32_t serial_to;
	uint64_t octets; /* of the sets */
};

/* More are not done one after the other: the whole zone is had sooner. */
#define TRANSFER_STEPS_MAX 1000
/* Nor are they when what they have made anew is larger than so many times the zone, and so many octets: a few tenths of a
 * second of work. */
#define TRANSFER_MADE_TIMES 4
#define TRANSFER_MADE_FREE  ((uint64_t)64 << 20)

/* What it holds in memory. */
uint64_t transfer_difference_octets(const struct transfer_difference *difference);

/* `soa` is the second record of the answer, and `serial` of our version. Ends with transfer_difference_deinit, whatever comes
 * of it. ERROR_INVALID: it is not the SOA of our version. */
MUST_USE bool transfer_difference_begin(struct transfer_difference *difference, const struct zone_change *soa,
                                        uint32_t serial, struct error *error);
void transfer_difference_deinit(struct transfer_difference *difference);

/* An RR that is no SOA. */
void transfer_difference_add(struct transfer_difference *difference, struct zone_change *rr);
/* An SOA of the apex; `last` has the RDATA of that with which the answer began.
 * ERROR_INVALID  it breaks the chain
 * ERROR_LIMIT    TRANSFER_STEPS_MAX */
enum transfer_in_step transfer_difference_turn(struct transfer_difference *difference, struct zone_change *soa,
                                               const struct zone_change *last, struct error *error);

/* All of it done on `base`, in order. NULL: as changeset_apply, and
 * ERROR_LIMIT  TRANSFER_MADE_TIMES */
const struct zone_snapshot *transfer_difference_apply(const struct transfer_difference *difference,
                                                      const struct zone_snapshot *base, struct error *error);
