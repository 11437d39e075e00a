/* SPDX-License-Identifier: MIT */
/* Which RRsets answer a question: RFC 1034 4.3.2, with wildcards (RFC 4592), DNAME (RFC 6672), negative answers (RFC 2308)
 * and DNSSEC (RFC 4035 3.1, RFC 5155 7.2). Looks names up and decides; writes no octet of a message. */
#include "answer/answer_internal.h"

#include "base/bytes.h"
#include "base/ensure.h"

void answer_plan_reset(struct answer_plan *plan, size_t limit)
{
	plan->link_count = 0;
	plan->rcode = DNS_RCODE_NOERROR;
	plan->class = DNS_CLASS_IN;
	plan->authoritative = false;
	plan->referral = false;
	plan->overflow = false;
	plan->room = (int32_t)(limit / ANSWER_RR_MIN);
	plan->target_count = 0;
	plan->targets_of = SIZE_MAX;
	plan->key.identity = 0;
	plan->kept = NULL;
	plan->rrset_count = 0;
}

const struct zone_node plan_no_node;

struct planned_rrset *plan_add(struct answer_plan *plan, enum dns_section section, const struct zone_node *node,
                               const struct zone_rrset *rrset, struct planned_owner owner, enum planned_need need)
{
	if (plan->rrset_count == ANSWER_RRSETS_MAX) {
		plan->overflow = plan->overflow || need == NEED_ALL;
		return NULL;
	}
	struct planned_rrset *planned = &plan->rrsets[plan->rrset_count++];
	planned->rrset = *rrset;
	planned->node = *node;
	planned->owner = owner;
	planned->section = (uint8_t)section;
	planned->parts = plan->dnssec_ok ? PART_DATA | PART_SIGS : PART_DATA;
	planned->need = (uint8_t)need;
	plan->room -= rrset->count;
	return planned;
}

const struct zone_rrset *plan_rrset(struct answer_plan *plan, enum dns_section section, const struct zone_node *node,
                                    uint16_t type, struct planned_owner owner, enum planned_need need)
{
	struct zone_rrset rrset;
	if (!zone_node_rrset(node, type, &rrset) || rrset.count == 0) {
		return NULL;
	}
	struct planned_rrset *planned = plan_add(plan, section, node, &rrset, owner, need);
	return planned == NULL ? NULL : &planned->rrset;
}

/* Of entries at the same node. */
static bool same_owner(const struct planned_owner *a, const struct planned_owner *b)
{
	return a->given == b->given && (!a->given || dns_name_equal(a->name, b->name));
}

bool plan_has(const struct answer_plan *plan, const struct zone_node *node, uint16_t type, struct planned_owner owner)
{
	for (size_t i = 0; i < plan->rrset_count; i++) {
		const struct planned_rrset *planned = &plan->rrsets[i];
		if (planned->rrset.type == type && zone_node_same(&planned->node, node) &&
		    same_owner(&planned->owner, &owner)) {
			return true;
		}
	}
	return false;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* The apex as the end of the name that the chain has reached. */
static const uint8_t *plan_apex_name(const struct answer_plan *plan)
{
	const uint8_t *name = plan->names[plan->link_count];
	return name + (dns_name_len(name) - dns_name_len(zone_name(plan->snapshot)));
}

/* The SOA of a negative answer: its TTL is the time for which the absence may be remembered (RFC 2308 3, 5). */
static void plan_negative_soa(struct answer_plan *plan)
{
	struct planned_owner owner = owner_of_node(plan_apex_name(plan));
	struct zone_node apex;
	struct zone_rrset soa;
	zone_apex(plan->snapshot, &apex);
	zone_soa(plan->snapshot, &soa);
	uint32_t minimum_s = load_u32(soa.rdatas + soa.rdatas_len - 4);
	soa.ttl = smaller(soa.ttl, minimum_s);
	soa.sig_ttl = smaller(soa.sig_ttl, minimum_s);
	plan_add(plan, DNS_SECTION_AUTHORITY, &apex, &soa, owner, NEED_ALL);
}

/* Asks for the whole answer, if it was written before: of this kind, for the place `at`. Of the question it depends on nothing
 * but its end, `name`, which is the name of `node`. False: it has to be planned; it will then be kept. */
static bool plan_recall_at(struct answer_plan *plan, const struct zone_node *at, uint16_t kind,
                           const struct zone_node *node, const uint8_t *name)
{
	if (plan->keeper == NULL || plan->link_count > 0 || !zone_node_owner_is(node, name)) {
		return false;
	}
	plan->key_name = name;
	plan->key = kept_key_of(at, kind, plan->dnssec_ok, plan->rules->minimal_responses);
	const struct kept *kept = keeper_find(plan->keeper, &plan->key);
	if (kept == NULL || kept_len(kept) > plan->tail_max) {
		return false;
	}
	plan->kept = kept;
	plan->rcode = kept_rcode(kept);
	plan->authoritative = kept_authoritative(kept);
	return true;
}

static bool plan_recall(struct answer_plan *plan, const struct zone_node *node, const uint8_t *name, uint16_t kind)
{
	return plan_recall_at(plan, node, kind, node, name);
}

/* The NS set of the zone, a courtesy that is dropped where it does not fit. */
static void plan_apex_servers(struct answer_plan *plan)
{
	struct zone_node apex;
	struct planned_owner owner = owner_of_node(plan_apex_name(plan));
	zone_apex(plan->snapshot, &apex);
	if (!plan->rules->minimal_responses && !plan_has(plan, &apex, DNS_TYPE_NS, owner)) {
		plan_rrset(plan, DNS_SECTION_AUTHORITY, &apex, DNS_TYPE_NS, owner, NEED_NOT);
	}
}

/* One node that the chain has reached: what it is called in the response, and how it was found. */
struct place {
	const uint8_t *name;        /* what was looked for */
	struct planned_owner owner; /* of what is answered: the node's, but of a wildcard `name` (RFC 4592 3.3.1) */
	const struct zone_lookup *found;
};

static bool from_wildcard(const struct place *place)
{
	return place->found->kind == ZONE_WILDCARD;
}

static void plan_no_data(struct answer_plan *plan, const struct place *place)
{
	plan_negative_soa(plan);
	if (from_wildcard(place)) {
		proof_wildcard_no_data(plan, place->name, &place->found->node, place->found->encloser_labels);
	} else {
		proof_no_data(plan, place->name, &place->found->node);
	}
}

/* ANY and RRSIG ask for no RRset in particular. Over UDP a zone may choose to give only one (RFC 8482 4.1, 7); what no
 * longer fits over TCP is left out too, since nobody could ask in a better way. */
static bool plan_several(struct answer_plan *plan, const struct place *place, uint8_t parts)
{
	bool only_one = plan->udp && plan->rules->minimal_any;
	bool any = false;
	struct zone_rrset_walk walk;
	struct zone_rrset rrset;
	zone_rrsets(&place->found->node, &walk);
	while (zone_rrsets_next(&walk, &rrset)) {
		if ((parts == PART_SIGS ? rrset.sig_count : rrset.count) == 0) {
			continue;
		}
		enum planned_need need = any && !plan->udp ? NEED_NOT : NEED_ALL;
		struct planned_rrset *planned =
		        plan_add(plan, DNS_SECTION_ANSWER, &place->found->node, &rrset, place->owner, need);
		if (planned == NULL) {
			break;
		}
		planned->parts = parts;
		any = true;
		if (only_one) {
			break;
		}
	}
	return any;
}

static bool plan_data(struct answer_plan *plan, const struct place *place)
{
	const struct zone_node *node = &place->found->node;
	switch (plan->qtype) {
	case DNS_TYPE_ANY:
		return plan_several(plan, place, plan->dnssec_ok ? PART_DATA | PART_SIGS : PART_DATA);
	case DNS_TYPE_RRSIG:
		return plan_several(plan, place, PART_SIGS);
	default:
		return plan_rrset(plan, DNS_SECTION_ANSWER, node, plan->qtype, place->owner, NEED_ALL) != NULL;
	}
}

/* Whether a CNAME's node has an answer of its own: the CNAME itself, or what may stand beside it (RFC 2181 10.1, RFC 4035
 * 2.5). All other types go on at its target (RFC 1034 3.6.2); no validator would believe their absence here (RFC 6840 4.3). */
static bool answers_beside_cname(const struct answer_plan *plan, const struct zone_node *node)
{
	struct zone_rrset rrset;
	switch (plan->qtype) {
	case DNS_TYPE_ANY:
		return true;
	case DNS_TYPE_RRSIG:
		return zone_node_rrset(node, DNS_TYPE_CNAME, &rrset) && rrset.sig_count > 0;
	default:
		return zone_node_rrset(node, plan->qtype, &rrset) && rrset.count > 0;
	}
}

static const uint8_t *plan_cname(struct answer_plan *plan, const struct place *place)
{
	const struct zone_rrset *cname =
	        plan_rrset(plan, DNS_SECTION_ANSWER, &place->found->node, DNS_TYPE_CNAME, place->owner, NEED_ALL);
	if (cname != NULL && from_wildcard(place)) {
		proof_wildcard(plan, place->name, place->found->encloser_labels);
	}
	return cname == NULL ? NULL : cname->rdatas + 2;
}

/* The answer depends on nothing but the node and the type: not on the transport, nor on a name that a wildcard took. */
static bool may_be_kept(const struct answer_plan *plan, const struct place *place)
{
	bool one_type = plan->qtype != DNS_TYPE_ANY && plan->qtype != DNS_TYPE_RRSIG && plan->qtype != KEPT_REFERRAL;
	return one_type && !from_wildcard(place) && (place->found->node.flags & ZONE_NODE_EMPTY) == 0;
}

/* The node is authoritative data. Gives the name at which to go on, or NULL at the end of the chain. */
static const uint8_t *plan_node(struct answer_plan *plan, const struct place *place)
{
	const struct zone_node *node = &place->found->node;
	if ((node->flags & ZONE_NODE_CNAME) != 0 && !answers_beside_cname(plan, node)) {
		return plan_cname(plan, place);
	}
	if (may_be_kept(plan, place) && plan_recall(plan, node, place->name, plan->qtype)) {
		return NULL;
	}
	if ((node->flags & ZONE_NODE_EMPTY) != 0 || !plan_data(plan, place)) {
		plan_no_data(plan, place);
		return NULL;
	}
	plan_apex_servers(plan);
	if (from_wildcard(place)) {
		proof_wildcard(plan, place->name, place->found->encloser_labels);
	}
	return NULL;
}

/* RFC 1034 4.3.2 step 3b, with the DS or its denial where DNSSEC is wanted and the zone is signed (RFC 4035 3.1.4, RFC
 * 5155 7.2.7). */
static void plan_referral(struct answer_plan *plan, const uint8_t *name, const struct zone_lookup *found)
{
	const struct zone_node *cut = &found->node;
	const uint8_t *cut_name = dns_name_strip(name, dns_name_labels(name) - cut->labels);
	plan->referral = true;
	if (plan_recall(plan, cut, cut_name, KEPT_REFERRAL)) {
		return;
	}
	plan->authoritative = plan->link_count > 0; /* AA speaks of the first owner name (RFC 1035 4.1.1) */
	struct planned_owner owner = owner_of_node(cut_name);
	const struct zone_rrset *servers = plan_rrset(plan, DNS_SECTION_AUTHORITY, cut, DNS_TYPE_NS, owner, NEED_ALL);
	ensure(servers != NULL);
	plan->targets_of = plan->rrset_count - 1;
	bool wants_proof = plan->dnssec_ok && zone_denial(plan->snapshot) != ZONE_UNSIGNED;
	if (wants_proof && plan_rrset(plan, DNS_SECTION_AUTHORITY, cut, DNS_TYPE_DS, owner, NEED_ALL) == NULL) {
		proof_no_data(plan, cut_name, cut);
	}
	plan_glue(plan, servers, cut_name);
}

static void plan_delegation(struct answer_plan *plan, const struct place *place)
{
	bool at_cut = place->found->node.labels == dns_name_labels(place->name);
	if (!at_cut || plan->qtype != DNS_TYPE_DS) {
		plan_referral(plan, place->name, place->found);
		return;
	}
	/* RFC 4035 3.1.4.1: DS is answered by the parent side. */
	if (plan_recall(plan, &place->found->node, place->name, DNS_TYPE_DS)) {
		return;
	}
	if (!plan_data(plan, place)) {
		plan_no_data(plan, place);
	}
}

/* The name is below a DNAME (RFC 6672 3.2): the DNAME, the CNAME that it makes, and where that leads. */
static const uint8_t *plan_dname(struct answer_plan *plan, const struct place *place)
{
	const struct zone_node *node = &place->found->node;
	struct zone_rrset dname;
	struct dns_name target;
	const uint8_t *dname_owner = dns_name_strip(place->name, dns_name_labels(place->name) - node->labels);
	struct planned_owner owner = owner_of_node(dname_owner);
	ensure(zone_node_rrset(node, DNS_TYPE_DNAME, &dname));
	if (!plan_has(plan, node, DNS_TYPE_DNAME, owner)) {
		plan_add(plan, DNS_SECTION_ANSWER, node, &dname, owner, NEED_ALL);
	}
	if (!dns_name_substitute(place->name, dname_owner, dname.rdatas + 2, &target)) {
		plan->rcode = DNS_RCODE_YXDOMAIN; /* RFC 6672 2.2 */
		return NULL;
	}
	struct synthesised_cname *cname = &plan->synthesised[plan->link_count];
	store_u16(cname->len, target.len);
	memcpy(cname->target, target.wire, target.len);
	const struct zone_rrset rrset = {
	        .type = DNS_TYPE_CNAME,
	        .ttl = dname.ttl, /* RFC 6672 3.1 */
	        .count = 1,
	        .rdatas_len = 2u + target.len,
	        .rdatas = cname->len,
	};
	plan_add(plan, DNS_SECTION_ANSWER, &plan_no_node, &rrset, owner_given(place->name), NEED_ALL);
	/* Nothing stands beside a CNAME that was made, so the types that may, like NSEC, are looked for at its target. */
	return plan->qtype == DNS_TYPE_CNAME || plan->qtype == DNS_TYPE_ANY ? NULL : cname->target;
}

/* Without proof there is one answer for a zone. Names in one gap of the NSECs, whose closest encloser is the apex, are denied
 * by the same two. */
static bool plan_recall_no_name(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels,
                                const struct zone_node *apex)
{
	struct zone_node before;
	if (!plan->dnssec_ok || zone_denial(plan->snapshot) == ZONE_UNSIGNED) {
		return plan_recall(plan, apex, plan_apex_name(plan), KEPT_NO_NAME);
	}
	return zone_denial(plan->snapshot) == ZONE_NSEC && encloser_labels == apex->labels &&
	       zone_nsec(plan->snapshot, name, &before) &&
	       plan_recall_at(plan, &before, KEPT_NO_NAME, apex, plan_apex_name(plan));
}

static void plan_no_name(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels)
{
	struct zone_node apex;
	zone_apex(plan->snapshot, &apex);
	if (plan_recall_no_name(plan, name, encloser_labels, &apex)) {
		return;
	}
	plan->rcode = DNS_RCODE_NXDOMAIN;
	plan_negative_soa(plan);
	proof_no_name(plan, name, encloser_labels);
}

/* The name in the zone where the chain stands: as it was found ahead, or into `room`. */
static const struct zone_lookup *look_up(const struct answer_plan *plan, const uint8_t *name, struct zone_lookup *room)
{
	if (name == plan->qname && plan->ahead != NULL && plan->ahead->snapshot == plan->snapshot) {
		return &plan->ahead->lookup;
	}
	zone_lookup(plan->snapshot, name, room);
	return room;
}

/* RFC 1034 4.3.2 step 3 for one name of the chain. */
static const uint8_t *plan_name(struct answer_plan *plan, const uint8_t *name)
{
	struct zone_lookup room;
	const struct zone_lookup *found = look_up(plan, name, &room);
	struct place place = {.name = name, .owner = owner_of_node(name), .found = found};
	switch (found->kind) {
	case ZONE_FOUND:
		return plan_node(plan, &place);
	case ZONE_WILDCARD:
		place.owner = owner_given(name);
		return plan_node(plan, &place);
	case ZONE_DELEGATION:
		plan_delegation(plan, &place);
		return NULL;
	case ZONE_DNAME:
		return plan_dname(plan, &place);
	case ZONE_NO_NAME:
		plan_no_name(plan, name, found->encloser_labels);
		return NULL;
	}
	ensure(false);
}

/* Steps to the target of a CNAME. False: the chain ends here, with what was found: the target repeats, is one too many,
 * or belongs to no zone that we may and can serve to this asker. */
static bool plan_follow(struct answer_plan *plan, const uint8_t *target)
{
	for (size_t i = 0; i <= plan->link_count; i++) {
		if (dns_name_equal(plan->names[i], target)) {
			return false;
		}
	}
	if (plan->link_count == ANSWER_CHAIN_MAX) {
		return false;
	}
	plan->names[++plan->link_count] = target;
	struct zone *zone = answer_zone_for(plan->zones, NULL, target, plan->qtype);
	if (zone == plan->zone) {
		return true;
	}
	if (zone == NULL) {
		return false;
	}
	int ede;
	const struct answer_rules *rules = answer_rules_of(zone);
	const struct zone_snapshot *snapshot = answer_served(zone, plan->now_ms, &ede);
	if (snapshot == NULL || answer_access(rules, ACCESS_QUERY, plan->who) == ACCESS_DENIED) {
		return false;
	}
	plan->zone = zone;
	plan->snapshot = snapshot;
	plan->rules = rules;
	return true;
}

void answer_plan(struct answer_plan *plan)
{
	const uint8_t *name = plan->qname;
	plan->names[0] = name;
	plan->authoritative = true;
	while (name != NULL) {
		const uint8_t *target = plan_name(plan, name);
		name = target != NULL && plan_follow(plan, target) ? target : NULL;
	}
	if (plan->kept == NULL) {
		plan_additional(plan);
	}
}
