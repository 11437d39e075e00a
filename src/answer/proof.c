/* SPDX-License-Identifier: MIT */
/* Denial of existence, as the zone holds it (RFC 4035 3.1.3, RFC 5155 7.2, RFC 7129). No record is ever planned twice. A
 * chain with holes gives an incomplete proof, never a fault.
 * We differ: RFC 5155 7.2.9 wants SERVFAIL where the hash of a name that does not exist is that of one that does. Two names
 * with one SHA-1 hash are nothing that a zone has by chance, and a stale chain looks the same. */
#include "answer/answer_internal.h"

#include "base/ensure.h"

static enum zone_denial denial_of(const struct answer_plan *plan)
{
	return plan->dnssec_ok ? zone_denial(plan->snapshot) : ZONE_UNSIGNED;
}

static void plan_denial(struct answer_plan *plan, const struct zone_node *node, uint16_t type)
{
	if (!plan_has(plan, node, type, owner_of_node(NULL))) {
		plan_rrset(plan, DNS_SECTION_AUTHORITY, node, type, owner_of_node(NULL), NEED_ALL);
	}
}

/* ---- NSEC ---- */

/* The NSEC that matches or covers `name`. */
static void nsec_at_or_before(struct answer_plan *plan, const uint8_t *name)
{
	struct zone_node node;
	if (zone_nsec(plan->snapshot, name, &node)) {
		plan_denial(plan, &node, DNS_TYPE_NSEC);
	}
}

/* The NSEC of `node`, whose name is `name`; that of an empty non-terminal is the one before, which spans it. */
static void nsec_of(struct answer_plan *plan, const uint8_t *name, const struct zone_node *node)
{
	struct zone_rrset unused;
	if ((node->flags & ZONE_NODE_EMPTY) == 0 && zone_node_rrset(node, DNS_TYPE_NSEC, &unused)) {
		plan_denial(plan, node, DNS_TYPE_NSEC);
	} else {
		nsec_at_or_before(plan, name);
	}
}

/* The wildcard at `encloser`; NULL: it would be too long to exist. */
static const uint8_t *wildcard_of(const uint8_t *encloser, struct dns_name *storage)
{
	return dns_name_wildcard_of(encloser, storage) ? storage->wire : NULL;
}

static const uint8_t *ancestor_with(const uint8_t *name, size_t labels)
{
	return dns_name_strip(name, dns_name_labels(name) - labels);
}

static void nsec_no_name(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels)
{
	struct dns_name storage;
	const uint8_t *wildcard = wildcard_of(ancestor_with(name, encloser_labels), &storage);
	nsec_at_or_before(plan, name);
	if (wildcard != NULL) {
		nsec_at_or_before(plan, wildcard);
	}
}

static void nsec_wildcard_no_data(struct answer_plan *plan, const uint8_t *name, const struct zone_node *node,
                                  uint8_t encloser_labels)
{
	struct dns_name storage;
	const uint8_t *wildcard = wildcard_of(ancestor_with(name, encloser_labels), &storage);
	nsec_at_or_before(plan, name);
	if (wildcard != NULL) {
		nsec_of(plan, wildcard, node);
	}
}

/* ---- NSEC3 ---- */

/* Plans the NSEC3 that matches `name`. False: none does. */
static bool nsec3_match(struct answer_plan *plan, const uint8_t *name)
{
	uint8_t hash[20];
	struct zone_node node;
	zone_nsec3_hash(plan->snapshot, name, hash);
	if (zone_nsec3(plan->snapshot, hash, &node) != ZONE_NSEC3_MATCHES) {
		return false;
	}
	plan_denial(plan, &node, DNS_TYPE_NSEC3);
	return true;
}

static void nsec3_cover(struct answer_plan *plan, const uint8_t *name)
{
	uint8_t hash[20];
	struct zone_node node;
	zone_nsec3_hash(plan->snapshot, name, hash);
	if (zone_nsec3(plan->snapshot, hash, &node) == ZONE_NSEC3_COVERS) {
		plan_denial(plan, &node, DNS_TYPE_NSEC3);
	}
}

/* RFC 5155 7.2.1: the NSEC3 that matches the closest provable encloser, and the one that covers the name one label
 * longer. With opt-out the closest encloser itself may have none, so the search goes up from it. Gives the encloser's
 * name, or NULL when not even the apex has an NSEC3. */
static const uint8_t *nsec3_encloser(struct answer_plan *plan, const uint8_t *name, size_t encloser_labels)
{
	size_t labels = dns_name_labels(name);
	size_t apex_labels = dns_name_labels(zone_name(plan->snapshot));
	ensure(encloser_labels >= apex_labels && encloser_labels < labels);
	for (size_t at = encloser_labels;; at--) {
		const uint8_t *encloser = dns_name_strip(name, labels - at);
		if (nsec3_match(plan, encloser)) {
			nsec3_cover(plan, dns_name_strip(name, labels - at - 1));
			return encloser;
		}
		if (at == apex_labels) {
			return NULL;
		}
	}
}

static void nsec3_no_name(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels)
{
	struct dns_name storage;
	const uint8_t *encloser = nsec3_encloser(plan, name, encloser_labels);
	const uint8_t *wildcard = encloser == NULL ? NULL : wildcard_of(encloser, &storage);
	if (wildcard != NULL) {
		nsec3_cover(plan, wildcard);
	}
}

/* RFC 5155 7.2.3; without a match, 7.2.4: the name is an insecure delegation, or an empty non-terminal above such, in an
 * opt-out span. */
static void nsec3_no_data(struct answer_plan *plan, const uint8_t *name)
{
	size_t labels = dns_name_labels(name);
	if (!nsec3_match(plan, name) && labels > dns_name_labels(zone_name(plan->snapshot))) {
		nsec3_encloser(plan, name, labels - 1);
	}
}

static void nsec3_wildcard_no_data(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels)
{
	struct dns_name storage;
	const uint8_t *wildcard = wildcard_of(ancestor_with(name, encloser_labels), &storage);
	nsec3_encloser(plan, name, encloser_labels);
	if (wildcard != NULL) {
		nsec3_match(plan, wildcard);
	}
}

/* ---- both ---- */

void proof_no_data(struct answer_plan *plan, const uint8_t *name, const struct zone_node *node)
{
	switch (denial_of(plan)) {
	case ZONE_UNSIGNED:
		break;
	case ZONE_NSEC:
		nsec_of(plan, name, node);
		break;
	case ZONE_NSEC3:
		nsec3_no_data(plan, name);
		break;
	}
}

void proof_no_name(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels)
{
	switch (denial_of(plan)) {
	case ZONE_UNSIGNED:
		break;
	case ZONE_NSEC:
		nsec_no_name(plan, name, encloser_labels);
		break;
	case ZONE_NSEC3:
		nsec3_no_name(plan, name, encloser_labels);
		break;
	}
}

void proof_wildcard(struct answer_plan *plan, const uint8_t *name, uint8_t encloser_labels)
{
	switch (denial_of(plan)) {
	case ZONE_UNSIGNED:
		break;
	case ZONE_NSEC:
		nsec_at_or_before(plan, name);
		break;
	case ZONE_NSEC3:
		nsec3_cover(plan, ancestor_with(name, encloser_labels + 1u));
		break;
	}
}

void proof_wildcard_no_data(struct answer_plan *plan, const uint8_t *name, const struct zone_node *node,
                            uint8_t encloser_labels)
{
	switch (denial_of(plan)) {
	case ZONE_UNSIGNED:
		break;
	case ZONE_NSEC:
		nsec_wildcard_no_data(plan, name, node, encloser_labels);
		break;
	case ZONE_NSEC3:
		nsec3_wildcard_no_data(plan, name, encloser_labels);
		break;
	}
}
