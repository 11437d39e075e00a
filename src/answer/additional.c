/* SPDX-License-Identifier: MIT */
/* The additional section: glue that a referral needs (RFC 9471), and addresses that spare the asker a question.
 *
 * I7  Nothing comes from outside the zone that answered. What is below a cut is given for name servers only.
 * I8  A CNAME at a target gives nothing, nor do PTR and CNAME as types (their targets are no hosts by themselves). */
#include "answer/answer_internal.h"

#include "base/bytes.h"
#include "base/ensure.h"

/* What is looked for: the name in an RDATA. */
struct target {
	const uint8_t *name;
	size_t index; /* of the RDATA, if its RRset is plan->targets_of; else SIZE_MAX */
};

static struct planned_owner owner_at(const struct target *target)
{
	return owner_of_target(target->name, target->index);
}

static bool in_zone(const struct answer_plan *plan, const uint8_t *name)
{
	const uint8_t *apex = zone_name(plan->snapshot);
	return *apex == 0 || dns_name_is_within(name, apex);
}

static void place_address(struct answer_plan *plan, const struct target *target, const struct zone_addresses *addresses,
                          const struct zone_rrset *rrset, enum planned_need need)
{
	if (rrset->count > 0) {
		plan_add(plan, DNS_SECTION_ADDITIONAL, &addresses->node, rrset, owner_at(target), need);
	}
}

/* Both address RRsets that stand at a server's name, glue or not. False: there are none. */
static bool place_addresses(struct answer_plan *plan, const struct target *server, enum planned_need need)
{
	struct zone_addresses addresses;
	if (!zone_addresses(plan->snapshot, server->name, &addresses)) {
		return false;
	}
	place_address(plan, server, &addresses, &addresses.a, need);
	place_address(plan, server, &addresses, &addresses.aaaa, need);
	return true;
}

static void place_optional(struct answer_plan *plan, const struct zone_node *node, uint16_t type,
                           struct planned_owner owner)
{
	if (!plan_has(plan, node, type, owner)) {
		plan_rrset(plan, DNS_SECTION_ADDITIONAL, node, type, owner, NEED_NOT);
	}
}

static void place_host(struct answer_plan *plan, const struct zone_node *node, struct planned_owner owner)
{
	place_optional(plan, node, DNS_TYPE_A, owner);
	place_optional(plan, node, DNS_TYPE_AAAA, owner);
}

/* One more target may be looked at: it is in the zone, and the response may still have room. */
static bool may_look(struct answer_plan *plan, const struct target *target)
{
	if (plan->room <= 0 || plan->target_count == ANSWER_TARGETS_MAX) {
		return false;
	}
	plan->target_count++;
	return in_zone(plan, target->name);
}

/* Authoritative data at a target, from a wildcard too. False: none; `node` and `owner` are then undefined. */
static bool find_target(const struct answer_plan *plan, const struct target *target, struct zone_node *node,
                        struct planned_owner *owner)
{
	struct zone_lookup found;
	zone_lookup(plan->snapshot, target->name, &found);
	*node = found.node;
	*owner = owner_at(target);
	owner->given = found.kind == ZONE_WILDCARD;
	return found.kind == ZONE_FOUND || found.kind == ZONE_WILDCARD;
}

static void plan_host(struct answer_plan *plan, const struct target *target)
{
	struct zone_node node;
	struct planned_owner owner;
	if (may_look(plan, target) && find_target(plan, target, &node, &owner)) {
		place_host(plan, &node, owner);
	}
}

/* ---- referrals ---- */

/* The glue of one server; `in_domain`: its name is at or below the cut, so that it must be there (RFC 9471 2.1, 3). */
static void plan_glue_of(struct answer_plan *plan, const struct target *server, bool in_domain)
{
	if (!in_zone(plan, server->name)) {
		return;
	}
	if (!place_addresses(plan, server, in_domain ? NEED_GLUE : NEED_NOT) && !in_domain) {
		plan_host(plan, server); /* perhaps a wildcard's */
	}
}

/* Of the servers that are in-domain, or of those that are not; tells whether any was of the other kind. Where no room is
 * left, what is planned does not fit already, and what of it is in-domain glue sets TC: nothing needs to be looked for any
 * more (I4). */
static bool plan_glue_where(struct answer_plan *plan, const struct zone_rrset *servers, const uint8_t *cut,
                            bool in_domain)
{
	bool any_other = false;
	const uint8_t *at = servers->rdatas;
	for (size_t i = 0; i < servers->count && plan->room > 0; i++, at += 2 + load_u16(at)) {
		if (dns_name_is_within(at + 2, cut) == in_domain) {
			plan_glue_of(plan, &(struct target){at + 2, i}, in_domain);
		} else {
			any_other = true;
		}
	}
	return any_other;
}

void plan_glue(struct answer_plan *plan, const struct zone_rrset *servers, const uint8_t *cut)
{
	if (plan_glue_where(plan, servers, cut, true)) {
		plan_glue_where(plan, servers, cut, false);
	}
}

/* ---- answers ---- */

/* A server of the zone itself, or of a delegation that was asked for as data. */
static void plan_server(struct answer_plan *plan, const struct target *server)
{
	struct zone_addresses addresses;
	struct zone_node node;
	struct planned_owner owner;
	if (!may_look(plan, server)) {
		return;
	}
	if (zone_addresses(plan->snapshot, server->name, &addresses)) {
		place_host(plan, &addresses.node, owner_at(server));
	} else if (find_target(plan, server, &node, &owner)) {
		place_host(plan, &node, owner);
	}
}

/* RFC 9460 4.1, 4.2: in AliasMode what stands at the target; in ServiceMode its addresses, "." being the owner. */
static void plan_service(struct answer_plan *plan, const struct planned_rrset *of, const uint8_t *rdata)
{
	bool alias = load_u16(rdata) == 0;
	struct target target = {rdata + 2, SIZE_MAX};
	if (*target.name == 0) {
		if (!alias) {
			place_host(plan, &of->node, of->owner);
		}
		return;
	}
	struct zone_node node;
	struct planned_owner owner;
	if (!may_look(plan, &target) || !find_target(plan, &target, &node, &owner)) {
		return;
	}
	if (alias) {
		place_optional(plan, &node, of->rrset.type, owner);
	}
	place_host(plan, &node, owner);
}

/* RFC 3403 4.1: after order, preference and three strings the replacement; by the flag it is a host or an SRV owner. */
static void plan_naptr(struct answer_plan *plan, const uint8_t *rdata)
{
	const uint8_t *flags = rdata + 4;
	const uint8_t *services = flags + 1 + *flags;
	const uint8_t *expression = services + 1 + *services;
	struct target replacement = {expression + 1 + *expression, SIZE_MAX};
	uint8_t flag = *flags == 1 ? dns_lower[flags[1]] : 0;
	struct zone_node node;
	struct planned_owner owner;
	if (flag == 'a') {
		plan_host(plan, &replacement);
	} else if (flag == 's' && may_look(plan, &replacement) && find_target(plan, &replacement, &node, &owner)) {
		place_optional(plan, &node, DNS_TYPE_SRV, owner);
	}
}

/* RFC 6742 2.4: the locators that an LP points to. */
static void plan_locators(struct answer_plan *plan, const struct target *target)
{
	struct zone_node node;
	struct planned_owner owner;
	if (may_look(plan, target) && find_target(plan, target, &node, &owner)) {
		place_optional(plan, &node, DNS_TYPE_L32, owner);
		place_optional(plan, &node, DNS_TYPE_L64, owner);
	}
}

/* `index`: as in struct target. */
static void plan_targets_of(struct answer_plan *plan, const struct planned_rrset *of, const uint8_t *rdata,
                            size_t index)
{
	switch (of->rrset.type) {
	case DNS_TYPE_NS:
		plan_server(plan, &(struct target){rdata, index});
		break;
	case DNS_TYPE_MX:
	case DNS_TYPE_AFSDB:
	case DNS_TYPE_RT:
	case DNS_TYPE_KX:
		plan_host(plan, &(struct target){rdata + 2, index});
		break;
	case DNS_TYPE_SRV:
		plan_host(plan, &(struct target){rdata + 6, index});
		break;
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
		plan_service(plan, of, rdata);
		break;
	case DNS_TYPE_NAPTR:
		plan_naptr(plan, rdata);
		break;
	case DNS_TYPE_LP:
		plan_locators(plan, &(struct target){rdata + 2, SIZE_MAX});
		break;
	default:
		ensure(false); /* has_targets() */
	}
}

static bool has_targets(uint16_t type)
{
	switch (type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_MX:
	case DNS_TYPE_AFSDB:
	case DNS_TYPE_RT:
	case DNS_TYPE_KX:
	case DNS_TYPE_SRV:
	case DNS_TYPE_SVCB:
	case DNS_TYPE_HTTPS:
	case DNS_TYPE_NAPTR:
	case DNS_TYPE_LP:
		return true;
	default:
		return false;
	}
}

/* An NS set that was asked for gets its addresses even from a server that keeps to the minimum: a resolver that primes
 * itself (RFC 9609 3.3) has no other way to them. */
static bool wants_targets(const struct answer_plan *plan, const struct planned_rrset *planned)
{
	return has_targets(planned->rrset.type) && (planned->parts & PART_DATA) != 0 &&
	       (!plan->rules->minimal_responses ||
	        (planned->rrset.type == DNS_TYPE_NS && planned->section == DNS_SECTION_ANSWER));
}

void plan_additional(struct answer_plan *plan)
{
	if (plan->referral) {
		return;
	}
	size_t count = plan->rrset_count;
	for (size_t i = 0; i < count; i++) {
		const struct planned_rrset *planned = &plan->rrsets[i];
		if (!wants_targets(plan, planned)) {
			continue;
		}
		if (plan->targets_of == SIZE_MAX) {
			plan->targets_of = i;
		}
		const uint8_t *at = planned->rrset.rdatas;
		for (size_t rr = 0; rr < planned->rrset.count && plan->room > 0; rr++, at += 2 + load_u16(at)) {
			plan_targets_of(plan, planned, at + 2, plan->targets_of == i ? rr : SIZE_MAX);
		}
	}
}
