/* SPDX-License-Identifier: MIT */
/* One walk over a version, or over the names of a change: nodes here, RRsets in check_rrset.c, what records name in
 * check_targets.c. */
#include "publish/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/ensure.h"
#include "dns/type.h"
#include "publish/check_internal.h"

/* Problems of one severity that are told; more are counted. */
#define TOLD_MAX 100

/* ---- telling ---- */

const struct dns_name *check_owner(struct node_view *view)
{
	if (!view->owner_known) {
		zone_node_owner(view->node, &view->owner);
		view->owner_known = true;
	}
	return &view->owner;
}

static void tell_text(struct check *check, enum zonefile_severity severity, const char *text)
{
	struct zonefile_problem problem = {.severity = severity, .text = text};
	if (check->policy->problems != NULL) {
		check->policy->problems->tell(check->policy->problems, &problem);
	}
}

/* Counts it, and says whether its text is wanted. */
static bool is_to_be_told(struct check *check, enum zonefile_severity severity)
{
	switch (severity) {
	case ZONEFILE_ERROR:
		return ++check->error_count <= TOLD_MAX;
	case ZONEFILE_WARNING:
		return ++check->warning_count <= TOLD_MAX;
	}
	return false;
}

void check_tell(struct check *check, enum publish_severity severity, struct node_view *view, uint16_t type,
                const char *format, ...)
{
	char owner[DNS_NAME_TEXT_MAX];
	char mnemonic[DNS_MNEMONIC_MAX];
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	/* A secondary serves what its primary has; refusing it would only keep older data with other faults. */
	bool fails = severity == PUBLISH_FAIL && check->policy->strict;
	enum zonefile_severity told = fails ? ZONEFILE_ERROR : ZONEFILE_WARNING;
	if (severity == PUBLISH_IGNORE || !is_to_be_told(check, told)) {
		return;
	}
	int used = snprintf(text, sizeof text, "%s %s: ", dns_name_to_text(check_owner(view)->wire, owner),
	                    dns_type_to_text(type, mnemonic));
	va_start(arguments, format);
	vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
	va_end(arguments);
	if (fails && check->error_count == 1) {
		error_set(check->error, ERROR_INVALID, "%s", text);
	}
	tell_text(check, told, text);
}

static void tell_rest(struct check *check)
{
	char text[80];
	if (check->error_count > TOLD_MAX) {
		snprintf(text, sizeof text, "%" PRIu64 " more errors were not told", check->error_count - TOLD_MAX);
		tell_text(check, ZONEFILE_ERROR, text);
	}
	if (check->warning_count > TOLD_MAX) {
		snprintf(text, sizeof text, "%" PRIu64 " more warnings were not told", check->warning_count - TOLD_MAX);
		tell_text(check, ZONEFILE_WARNING, text);
	}
}

/* ---- nodes ---- */

/* RFC 2181 10.1, RFC 4034 3 and 4, RFC 2535 2.3.5: what may stand beside a CNAME. RRSIG comes with what it covers. */
static bool may_stand_beside_cname(uint16_t type)
{
	return type == DNS_TYPE_CNAME || type == DNS_TYPE_NSEC || type == DNS_TYPE_KEY || type == DNS_TYPE_SIG ||
	       type == DNS_TYPE_NXT;
}

static void check_beside_cname(struct check *check, struct node_view *view)
{
	struct zone_rrset_walk walk;
	struct zone_rrset rrset;
	char mnemonic[DNS_MNEMONIC_MAX];
	zone_rrsets(view->node, &walk);
	while (zone_rrsets_next(&walk, &rrset)) {
		if (rrset.count > 0 && !may_stand_beside_cname(rrset.type)) {
			check_tell(check, PUBLISH_FAIL, view, DNS_TYPE_CNAME,
			           "%s at the same name; an alias has no other data (RFC 2181 10.1)",
			           dns_type_to_text(rrset.type, mnemonic));
			return;
		}
	}
}

/* RFC 6672 2.4: nothing exists below a DNAME; what is written there can never be asked for. */
static void check_below_dname(struct check *check, struct node_view *view)
{
	struct zone_rrset_walk walk;
	struct zone_rrset rrset;
	char dname[DNS_NAME_TEXT_MAX];
	if (!dns_name_is_within(check_owner(view)->wire, check->dname.wire)) {
		return;
	}
	zone_rrsets(view->node, &walk);
	if (zone_rrsets_next(&walk, &rrset)) {
		check_tell(check, PUBLISH_FAIL, view, rrset.type,
		           "below the DNAME of %s, so it does not exist (RFC 6672 2.4)",
		           dns_name_to_text(check->dname.wire, dname));
	}
}

static void check_occluded(struct check *check, struct node_view *view)
{
	if (check->dname.len > 0) {
		check_below_dname(check, view);
	}
}

static void check_node(struct check *check, const struct zone_node *node)
{
	struct node_view view = {.node = node};
	struct zone_rrset_walk walk;
	struct zone_rrset rrset;
	if ((node->flags & ZONE_NODE_BELOW_CUT) != 0) {
		check_occluded(check, &view);
		return;
	}
	if ((node->flags & ZONE_NODE_DNAME) != 0) {
		check->dname = *check_owner(&view);
	}
	if ((node->flags & ZONE_NODE_CNAME) != 0) {
		check_beside_cname(check, &view);
	}
	zone_rrsets(node, &walk);
	while (zone_rrsets_next(&walk, &rrset)) {
		check_rrset(check, &view, &rrset);
	}
}

static void check_apex(struct check *check)
{
	struct zone_node apex;
	struct zone_rrset rrset;
	zone_apex(check->zone, &apex);
	struct node_view view = {.node = &apex};
	if (!zone_node_rrset(&apex, DNS_TYPE_NS, &rrset) || rrset.count == 0) {
		check_tell(check, PUBLISH_FAIL, &view, DNS_TYPE_NS, "the zone has no NS at its apex (RFC 1035 5.2)");
	}
}

/* ---- the whole, or what is new in it ---- */

static void check_init(struct check *check, const struct zone_snapshot *snapshot, const struct publish_policy *policy)
{
	struct zone_facts facts;
	zone_facts(snapshot, &facts);
	*check = (struct check){
	        .zone = snapshot,
	        .policy = policy,
	        .apex = zone_name(snapshot),
	        .apex_len = dns_name_len(zone_name(snapshot)),
	        .has_wildcards = facts.wildcards > 0,
	};
	check_targets_init(check, facts.records);
}

static void check_all(struct check *check)
{
	struct zone_walk walk;
	struct zone_node node;
	check_apex(check);
	zone_walk(check->zone, &walk);
	while (zone_walk_next(&walk, &node)) {
		check_node(check, &node);
	}
	tell_rest(check);
}

bool publish_check(const struct zone_snapshot *snapshot, const struct publish_policy *policy, struct error *error)
{
	struct check check;
	check_init(&check, snapshot, policy);
	check.error = error;
	check_all(&check);
	check_targets_deinit(&check);
	if (check.error_count > 1 && error != NULL) {
		struct error first = *error;
		error_set(error, first.code, "%s (and %" PRIu64 " more errors)", first.text, check.error_count - 1);
	}
	return check.error_count == 0;
}

static void check_name(struct check *check, const uint8_t *name)
{
	struct zone_lookup lookup;
	struct zone_node node;
	check->dname.len = 0;
	if (!zone_find(check->zone, name, &node)) {
		return; /* it went */
	}
	zone_lookup(check->zone, name, &lookup);
	if (lookup.kind == ZONE_DNAME) {
		zone_node_owner(&lookup.node, &check->dname);
	}
	check_node(check, &node);
}

void publish_check_change(const struct zone_snapshot *snapshot, const struct changeset *set,
                          const struct publish_policy *policy)
{
	struct check check;
	struct changeset_walk walk;
	struct zone_change change;
	const uint8_t *last = NULL;
	ensure(!policy->strict);
	check_init(&check, snapshot, policy);
	check_apex(&check);
	changeset_walk(set, &walk);
	while (changeset_walk_next(&walk, &change)) {
		if (change.add && (last == NULL || !dns_name_equal(last, change.owner))) {
			check_name(&check, change.owner);
			last = change.owner;
		}
	}
	tell_rest(&check);
	check_targets_deinit(&check);
}
