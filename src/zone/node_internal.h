/* SPDX-License-Identifier: MIT */
/* Nodes as the door shows them, made from entries. */
#pragma once

#include "zone/tree_internal.h"
#include "zone/version_internal.h"

static inline void zone_node_at(const struct zone_snapshot *zone, const struct zone_page *page, size_t index,
                                bool in_hashes, struct zone_node *out)
{
	_Static_assert(ZONE_BODY_CUT << 1 == ZONE_NODE_CUT && ZONE_BODY_DNAME << 1 == ZONE_NODE_DNAME &&
	                       ZONE_BODY_BELOW << 1 == ZONE_NODE_BELOW_CUT && ZONE_BODY_CNAME << 2 == ZONE_NODE_CNAME,
	               "flags of bodies become flags of nodes by shifting");
	const uint8_t *body = zone_page_body(page, index);
	unsigned structure = body[0] & (ZONE_BODY_CUT | ZONE_BODY_DNAME | ZONE_BODY_BELOW);
	unsigned flags = structure << 1 | (unsigned)(body[0] & ZONE_BODY_CNAME) << 2;
	flags |= body[1] == 0 ? ZONE_NODE_APEX : 0;
	flags |= in_hashes ? ZONE_NODE_NSEC3 : 0;
	*out = (struct zone_node){
	        .snapshot = zone,
	        .page = (const uint8_t *)page,
	        .body = body,
	        .index = (uint16_t)index,
	        .flags = (uint16_t)flags,
	        .labels = (uint8_t)(zone->line->apex_labels + body[1]),
	};
}
