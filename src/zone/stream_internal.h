/* SPDX-License-Identifier: MIT */
/* One tree on its way from bodies in any order to pages.
 *
 * While owners come in canonical order, each body goes into the growing last leaf: nothing else is kept, nothing is
 * sorted. What comes out of order is put aside, packed as it is, sorted at the end and merged with the leaves in one
 * pass. With a version before (`base`), owners that are as they were there are ticked off and all others put aside; at
 * the end, leaves of the base whose owners are all ticked, and among which nothing is new, are shared.
 *
 * U1  Each RR is in exactly one of: the leaves, a body put aside, a tick.
 * U2  What was put aside came later than what a leaf holds under the same key: leaves only take keys behind all
 *     before.
 * U3  With a base nothing goes into leaves before the end; what was put aside came later than what was ticked (R2). */
#pragma once

#include "zone/leaves_internal.h"
#include "zone/pack_internal.h"

struct zone_stream {
	struct zone_packer *packer;
	bool in_hashes;
	bool has_base;
	struct zone_leaves leaves;
	struct zone_aside aside;
	struct zone_reuse reuse; /* with a base: its tree */
};

/* `root` is that of the base's tree, where there is a base. */
void zone_stream_init(struct zone_stream *stream, struct zone_packer *packer, bool in_hashes,
                      const struct zone_snapshot *base);
void zone_stream_deinit(struct zone_stream *stream);
/* Takes RRs of one owner. */
void zone_stream_take(struct zone_stream *stream, const struct zone_delta *group, size_t count);
/* Puts all that came into leaves, none of which is open any more. */
void zone_stream_finish(struct zone_stream *stream);

/* rejoin.c: the same with a base. */
void zone_stream_rejoin(struct zone_stream *stream);
