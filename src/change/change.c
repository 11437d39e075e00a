/* SPDX-License-Identifier: MIT */
/* Both snapshots are walked side by side in canonical order: owners first, then types, then RDATA. What they share is
 * passed over. */
#include "change/change.h"

#include <string.h>

#include "base/bytes.h"
#include "base/ensure.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/type.h"

/* One comparison under way. */
struct comparison {
	struct change_visitor *visitor;
	struct dns_name owner;
};

/* One RRset's worth of RRs of one type, as a list of length-prefixed RDATA. */
struct rr_list {
	uint16_t type;
	uint32_t ttl;
	uint16_t count;
	uint32_t len;
	const uint8_t *rdatas;
};

static void tell(struct comparison *comparison, bool add, const struct rr_list *list, const uint8_t *rdata)
{
	struct zone_change change = {
	        .add = add,
	        .type = list->type,
	        .ttl = list->ttl,
	        .rdata_len = load_u16(rdata),
	        .owner = comparison->owner.wire,
	        .rdata = rdata + 2,
	};
	comparison->visitor->visit(comparison->visitor, &change);
}

static const uint8_t *rdata_after(const uint8_t *rdata)
{
	return rdata + 2 + load_u16(rdata);
}

static void tell_all(struct comparison *comparison, bool add, const struct rr_list *list)
{
	const uint8_t *at = list->rdatas;
	for (uint16_t i = 0; i < list->count; i++, at = rdata_after(at)) {
		tell(comparison, add, list, at);
	}
}

/* Both lists are in canonical order without duplicates. */
static void compare_lists(struct comparison *comparison, const struct rr_list *from, const struct rr_list *to)
{
	if (from->ttl == to->ttl && from->count == to->count && from->len == to->len &&
	    (from->len == 0 || memcmp(from->rdatas, to->rdatas, from->len) == 0)) {
		return;
	}
	if (from->ttl != to->ttl) {
		tell_all(comparison, false, from);
		tell_all(comparison, true, to);
		return;
	}
	const uint8_t *a = from->rdatas;
	const uint8_t *b = to->rdatas;
	uint16_t a_left = from->count;
	uint16_t b_left = to->count;
	while (a_left > 0 || b_left > 0) {
		int order = a_left == 0   ? 1
		            : b_left == 0 ? -1
		                          : dns_rdata_compare(from->type, a + 2, load_u16(a), b + 2, load_u16(b));
		if (order < 0) {
			tell(comparison, false, from, a);
		} else if (order > 0) {
			tell(comparison, true, to, b);
		}
		if (order <= 0) {
			a = rdata_after(a);
			a_left--;
		}
		if (order >= 0) {
			b = rdata_after(b);
			b_left--;
		}
	}
}

static struct rr_list data_of(const struct zone_rrset *rrset)
{
	return (struct rr_list){rrset->type, rrset->ttl, rrset->count, rrset->rdatas_len, rrset->rdatas};
}

static struct rr_list signatures_of(const struct zone_rrset *rrset)
{
	return (struct rr_list){DNS_TYPE_RRSIG, rrset->sig_ttl, rrset->sig_count, rrset->sigs_len, rrset->sigs};
}

static const struct zone_rrset no_rrset;

/* The RRset with the same type on the other side, or an empty one. */
static void compare_rrsets(struct comparison *comparison, const struct zone_rrset *from, const struct zone_rrset *to)
{
	struct rr_list from_data = data_of(from);
	struct rr_list to_data = data_of(to);
	struct rr_list from_signatures = signatures_of(from);
	struct rr_list to_signatures = signatures_of(to);
	compare_lists(comparison, &from_data, &to_data);
	compare_lists(comparison, &from_signatures, &to_signatures);
}

/* Steps through the RRsets of a node that may be absent. */
struct rrset_steps {
	struct zone_rrset_walk walk;
	struct zone_rrset current;
	bool there;
};

static void rrset_step(struct rrset_steps *steps)
{
	steps->there = zone_rrsets_next(&steps->walk, &steps->current);
}

static void rrset_steps_begin(struct rrset_steps *steps, const struct zone_node *node)
{
	steps->there = false;
	if (node != NULL) {
		zone_rrsets(node, &steps->walk);
		rrset_step(steps);
	}
}

/* The SOA comes first at the apex, then types ascend. */
static unsigned type_rank(const struct rrset_steps *steps)
{
	return steps->current.type == DNS_TYPE_SOA ? 0 : steps->current.type;
}

static void compare_nodes(struct comparison *comparison, const struct zone_node *from, const struct zone_node *to)
{
	struct rrset_steps a;
	struct rrset_steps b;
	zone_node_owner(from != NULL ? from : to, &comparison->owner);
	rrset_steps_begin(&a, from);
	rrset_steps_begin(&b, to);
	while (a.there || b.there) {
		bool take_a = a.there && (!b.there || type_rank(&a) <= type_rank(&b));
		bool take_b = b.there && (!a.there || type_rank(&b) <= type_rank(&a));
		compare_rrsets(comparison, take_a ? &a.current : &no_rrset, take_b ? &b.current : &no_rrset);
		if (take_a) {
			rrset_step(&a);
		}
		if (take_b) {
			rrset_step(&b);
		}
	}
}

/* Steps through the nodes of a snapshot. */
struct node_steps {
	struct zone_walk walk;
	struct zone_node current;
	struct dns_name owner;
	bool there;
};

static void node_step(struct node_steps *steps)
{
	steps->there = zone_walk_next(&steps->walk, &steps->current);
	if (steps->there) {
		zone_node_owner(&steps->current, &steps->owner);
	}
}

static int node_order(const struct node_steps *a, const struct node_steps *b)
{
	if (!a->there || !b->there) {
		return (int)b->there - (int)a->there;
	}
	/* NSEC3 owners come after all others in a walk. */
	int a_nsec3 = (a->current.flags & ZONE_NODE_NSEC3) != 0;
	int b_nsec3 = (b->current.flags & ZONE_NODE_NSEC3) != 0;
	if (a_nsec3 != b_nsec3) {
		return a_nsec3 - b_nsec3;
	}
	return dns_name_compare(a->owner.wire, b->owner.wire);
}

void change_compare(const struct zone_snapshot *from, const struct zone_snapshot *to, struct change_visitor *visitor)
{
	struct comparison comparison = {.visitor = visitor};
	struct node_steps a;
	struct node_steps b;
	zone_walk(from, &a.walk);
	zone_walk(to, &b.walk);
	node_step(&a);
	node_step(&b);
	while (a.there || b.there) {
		if (a.there && b.there && zone_walk_pass_shared(&a.walk, &b.walk)) {
			node_step(&a);
			node_step(&b);
			continue;
		}
		int order = node_order(&a, &b);
		compare_nodes(&comparison, order <= 0 ? &a.current : NULL, order >= 0 ? &b.current : NULL);
		if (order <= 0) {
			node_step(&a);
		}
		if (order >= 0) {
			node_step(&b);
		}
	}
}

struct counting_visitor {
	struct change_visitor visitor;
	struct change_counts counts;
	bool ignores_soa;
};

static void count_change(struct change_visitor *self, const struct zone_change *change)
{
	struct counting_visitor *counting = (struct counting_visitor *)self;
	if (counting->ignores_soa && change->type == DNS_TYPE_SOA) {
		return;
	}
	if (change->add) {
		counting->counts.added++;
	} else {
		counting->counts.removed++;
	}
}

struct change_counts change_count(const struct zone_snapshot *from, const struct zone_snapshot *to)
{
	struct counting_visitor counting = {.visitor = {.visit = count_change}};
	change_compare(from, to, &counting.visitor);
	return counting.counts;
}

static bool same_soa_but_serial(const struct zone_snapshot *a, const struct zone_snapshot *b)
{
	struct zone_rrset a_rrset;
	struct zone_rrset b_rrset;
	zone_soa(a, &a_rrset);
	zone_soa(b, &b_rrset);
	uint8_t copy[2 * DNS_NAME_MAX + 20];
	size_t a_len = load_u16(a_rrset.rdatas);
	size_t b_len = load_u16(b_rrset.rdatas);
	ensure(a_len <= sizeof copy);
	memcpy(copy, a_rrset.rdatas + 2, a_len);
	dns_soa_set_serial(copy, a_len, zone_serial(b));
	return a_rrset.ttl == b_rrset.ttl &&
	       dns_rdata_compare(DNS_TYPE_SOA, copy, a_len, b_rrset.rdatas + 2, b_len) == 0;
}

bool change_same_content(const struct zone_snapshot *a, const struct zone_snapshot *b)
{
	if (!same_soa_but_serial(a, b)) {
		return false;
	}
	struct counting_visitor counting = {.visitor = {.visit = count_change}, .ignores_soa = true};
	change_compare(a, b, &counting.visitor);
	return counting.counts.added == 0 && counting.counts.removed == 0;
}
