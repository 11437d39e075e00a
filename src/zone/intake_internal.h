/* SPDX-License-Identifier: MIT */
/* The way of RRs into a builder: they are put to the keys of their owners and handed on owner by owner. Of a large zone
 * this is done on two threads: the caller's takes RRs in and fills batches, another one takes the owners out of them.
 *
 *     zone_intake_add --> batch being filled --at an owner's end--> taker          at first, on the caller's thread
 *     zone_intake_add --> batch being filled --when it is full--> queue --> taker  from ZONE_INTAKE_BESIDE_MIN owners on
 *
 * I1  The taker gets each run of RRs of one owner as one group, and the groups of a tree in the order in which they began.
 * I2  The taker is called by one thread at a time, and by none once zone_intake_end has returned.
 * I3  BATCHES batches at most are on their way; who would fill one more waits. A batch ends with an owner, so only an
 *     owner with more RRs than a batch has room for makes it larger. */
#pragma once

#include "base/memory.h"
#include "zone/edit_internal.h"
#include "zone/zone.h"

/* RRs of one owner (at least 1) on their way; all of it borrowed for the call. */
typedef void zone_intake_taker(void *context, const struct zone_delta *group, size_t count);

/* RRs of one tree, owner by owner: those of one owner have one key, by its address. */
struct zone_batch {
	struct zone_batch *next;
	struct arena arena; /* keys, owners, RDATA */
	struct zone_delta *deltas;
	size_t count;
	size_t capacity;
};

struct zone_intake {
	const struct zone_line *line;
	zone_intake_taker *take;
	void *context;
	struct zone_batch *names; /* being filled; the last of its RRs are those of the present owner */
	struct zone_batch *hashes;
	struct zone_batch *last;    /* of the two, the one that took the last RR; NULL: none yet */
	uint64_t order;             /* of the next RR */
	uint64_t owners;            /* that were begun */
	struct zone_beside *beside; /* the other thread; NULL: there is none */
};

void zone_intake_init(struct zone_intake *intake, const struct zone_line *line, zone_intake_taker *take, void *context);
enum zone_add zone_intake_add(struct zone_intake *intake, const uint8_t *owner, uint16_t type, uint32_t ttl,
                              const uint8_t *rdata, size_t rdata_len);
/* Hands on what is left, and waits until the taker has had all. */
void zone_intake_end(struct zone_intake *intake);
