/* SPDX-License-Identifier: MIT */
#include "publish/canonical.h"

#include "base/bytes.h"
#include "dns/type.h"

/* The nodes of one owner: of the names, and of the NSEC3 tree. Either may be absent, not both. */
struct owner_nodes {
	struct dns_name name;
	const struct zone_node *nodes[2];
	size_t count;
	bool is_apex;
};

/* RRsets of an owner, ascending by type, from up to three lanes: the two nodes, and the SOA, which a walk of the apex
 * gives before its time. */
#define LANES    3
#define LANE_SOA 2

struct merged_walk {
	struct zone_rrset_walk walks[LANES];
	struct zone_rrset next[LANES];
	bool has[LANES];
};

static void lane_next(struct merged_walk *merged, size_t lane)
{
	merged->has[lane] = lane != LANE_SOA && zone_rrsets_next(&merged->walks[lane], &merged->next[lane]);
}

static void merged_begin(struct merged_walk *merged, const struct owner_nodes *owner)
{
	*merged = (struct merged_walk){0};
	for (size_t i = 0; i < owner->count; i++) {
		zone_rrsets(owner->nodes[i], &merged->walks[i]);
		lane_next(merged, i);
	}
	if (merged->has[0] && merged->next[0].type == DNS_TYPE_SOA) {
		merged->next[LANE_SOA] = merged->next[0];
		merged->has[LANE_SOA] = true;
		lane_next(merged, 0);
	}
}

static bool merged_next(struct merged_walk *merged, struct zone_rrset *out)
{
	size_t least = LANES;
	for (size_t lane = 0; lane < LANES; lane++) {
		if (merged->has[lane] && (least == LANES || merged->next[lane].type < merged->next[least].type)) {
			least = lane;
		}
	}
	if (least == LANES) {
		return false;
	}
	*out = merged->next[least];
	lane_next(merged, least);
	return true;
}

/* ---- the RRs of one owner ---- */

static void visit_list(struct publish_rr_visitor *visitor, struct publish_rr *rr, const uint8_t *rdatas, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		rr->rdata_len = load_u16(rdatas);
		rr->rdata = rdatas + 2;
		visitor->visit(visitor, rr);
		rdatas += 2 + rr->rdata_len;
	}
}

/* All RRSIGs of an owner are one RRset; the type covered comes first in their RDATA, so walking the covered RRsets by
 * type is their canonical order. */
static void visit_signatures(struct publish_rr_visitor *visitor, const struct owner_nodes *owner)
{
	struct publish_rr rr = {.owner = &owner->name, .is_apex = owner->is_apex, .type = DNS_TYPE_RRSIG};
	struct merged_walk merged;
	struct zone_rrset rrset;
	merged_begin(&merged, owner);
	while (merged_next(&merged, &rrset)) {
		rr.ttl = rrset.sig_ttl;
		visit_list(visitor, &rr, rrset.sigs, rrset.sig_count);
	}
}

static void visit_owner(struct publish_rr_visitor *visitor, const struct owner_nodes *owner)
{
	struct publish_rr rr = {.owner = &owner->name, .is_apex = owner->is_apex};
	struct merged_walk merged;
	struct zone_rrset rrset;
	bool signatures_visited = false;
	merged_begin(&merged, owner);
	while (merged_next(&merged, &rrset)) {
		if (!signatures_visited && rrset.type > DNS_TYPE_RRSIG) {
			visit_signatures(visitor, owner);
			signatures_visited = true;
		}
		rr.type = rrset.type;
		rr.ttl = rrset.ttl;
		visit_list(visitor, &rr, rrset.rdatas, rrset.count);
	}
	if (!signatures_visited) {
		visit_signatures(visitor, owner);
	}
}

/* ---- two walks as one ---- */

struct source {
	struct zone_walk walk;
	struct zone_node node;
	struct dns_name owner;
	bool has;
	bool is_nsec3; /* the walk over the NSEC3 tree; else over the names */
};

/* The walk gives the names first, then the NSEC3 tree: the one source ends there, the other begins there. */
static void source_next(struct source *source)
{
	bool of_nsec3;
	do {
		source->has = zone_walk_next(&source->walk, &source->node);
		of_nsec3 = source->has && (source->node.flags & ZONE_NODE_NSEC3) != 0;
	} while (source->has && source->is_nsec3 && !of_nsec3);
	source->has = source->has && of_nsec3 == source->is_nsec3;
	if (source->has) {
		zone_node_owner(&source->node, &source->owner);
	}
}

static void source_begin(struct source *source, const struct zone_snapshot *zone, bool is_nsec3)
{
	*source = (struct source){.is_nsec3 = is_nsec3};
	zone_walk(zone, &source->walk);
	source_next(source);
}

/* <0: the names are next, >0: the NSEC3 tree is, 0: both have this owner. */
static int source_order(const struct source *names, const struct source *nsec3)
{
	if (!names->has || !nsec3->has) {
		return names->has ? -1 : 1;
	}
	return dns_name_compare(names->owner.wire, nsec3->owner.wire);
}

void publish_each_rr(const struct zone_snapshot *snapshot, struct publish_rr_visitor *visitor)
{
	struct source names;
	struct source nsec3;
	source_begin(&names, snapshot, false);
	source_begin(&nsec3, snapshot, true);
	while (names.has || nsec3.has) {
		int order = source_order(&names, &nsec3);
		struct owner_nodes owner = {.name = order <= 0 ? names.owner : nsec3.owner};
		if (order <= 0) {
			owner.nodes[owner.count++] = &names.node;
			owner.is_apex = (names.node.flags & ZONE_NODE_APEX) != 0;
		}
		if (order >= 0) {
			owner.nodes[owner.count++] = &nsec3.node;
		}
		visit_owner(visitor, &owner);
		if (order <= 0) {
			source_next(&names);
		}
		if (order >= 0) {
			source_next(&nsec3);
		}
	}
}
