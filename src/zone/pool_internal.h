/* SPDX-License-Identifier: MIT */
/* RRset bodies that many owners share: a top-level domain has few distinct NS sets, a hosting zone few MX and TXT.
 *
 * The pool is of the builder: it notices that the octets of a part come a second time, and from then on they stand in
 * one blob of the line, to which parts refer. The first time they stay where they are, so what comes once costs
 * nothing. It remembers a bounded number of parts; what it forgets is found again later or costs its octets.
 *
 * O1  Shared blobs live as long as their line and never change, whatever versions come. zone_apply uses them and makes
 *     none, so that they cannot pile up. */
#pragma once

#include "zone/body_internal.h"

struct zone_pool;

struct zone_pool *zone_pool_new(struct zone_line *line, uint64_t birth);
/* One that finds what is shared in the line, and shares nothing more (O1). */
struct zone_pool *zone_pool_new_from(struct zone_line *line);
/* The blobs stay with the line. */
void zone_pool_free(struct zone_pool *pool);
/* Is a part of this type and length looked for in pools? */
bool zone_pool_wants(uint16_t type, size_t len);
/* The shared blob with these octets (`count` RRs), or NULL: not yet. */
const struct zone_blob *zone_pool_share(struct zone_pool *pool, size_t count, const uint8_t *octets, size_t len);
