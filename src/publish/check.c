/* SPDX-License-Identifier: MIT */
/* One walk over a version. What is wrong with a name by itself is seen in its node; what is wrong with a target needs a
 * lookup, and targets repeat, so what was found is remembered for a while. */
#include "publish/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "dns/type.h"

/* Problems of one severity that are told; more are counted. */
#define TOLD_MAX 100
/* Targets that are remembered at most, of 260 octets each: 1 MiB. A power of two. */
#define TARGET_SLOTS_MAX 4096
/* NS RRsets that are remembered at most: 64 KiB, which stays in a second-level cache. A power of two. */
#define ELSEWHERE_SLOTS_MAX 8192
/* RFC 9276 3.2: validators may call a chain with more iterations insecure, or bogus. */
#define NSEC3_ITERATIONS_MAX 50
/* Octets of a message without its header and without the type and class of its question. */
#define MESSAGE_ROOM (65535 - 12 - 4)
/* Owner as a pointer, type, class, TTL, RDLENGTH. */
#define RR_HEAD_LEN 12
/* RDATA that has names: compressed, they may leave no more than a pointer. */
#define NAMES_LEN_MIN 2

/* What a target is. */
enum target {
	TARGET_GOOD,       /* it has an address */
	TARGET_ELSEWHERE,  /* not ours to know */
	TARGET_CNAME,      /* it is an alias */
	TARGET_DNAME,      /* it is below a DNAME, so an alias */
	TARGET_NO_GLUE,    /* below this cut, where nobody else can say its address */
	TARGET_NO_ADDRESS, /* our own name, without an address */
};

/* What was found before; the same whoever names it. */
struct known_target {
	struct dns_name name; /* len 0: nothing yet */
	enum target target;
};

struct check {
	const struct zone_snapshot *zone;
	const struct publish_policy *policy;
	struct error *error; /* the first error; may be NULL */
	const uint8_t *apex;
	size_t apex_len;
	bool has_wildcards;
	uint64_t error_count;
	uint64_t warning_count;
	struct dns_name dname;      /* the DNAME owner that the walk has passed last; len 0: none */
	struct known_target *known; /* `known_slots`, a power of two */
	size_t known_slots;
	/* NS RRsets, by where their RDATA lies, of whose targets none is inside of the zone: many owners share them. */
	const uint8_t **known_elsewhere; /* `elsewhere_slots`, a power of two */
	size_t elsewhere_slots;
};

/* A node with the RRsets that rules speak of. */
struct node_view {
	const struct zone_node *node;
	struct dns_name owner;
	bool owner_known; /* it is copied out only when something is told */
};

/* ---- telling ---- */

static const struct dns_name *owner_of(struct node_view *view)
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

/* Tells "owner TYPE: text". */
static void tell(struct check *check, enum publish_severity severity, struct node_view *view, uint16_t type,
                 const char *format, ...) PRINTF_LIKE(5, 6);
static void tell(struct check *check, enum publish_severity severity, struct node_view *view, uint16_t type,
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
	int used = snprintf(text, sizeof text, "%s %s: ", dns_name_to_text(owner_of(view)->wire, owner),
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

/* ---- targets ---- */

static bool is_inside(const struct check *check, const uint8_t *name)
{
	size_t len = dns_name_len(name);
	if (len < check->apex_len) {
		return false;
	}
	const uint8_t *at = name;
	while ((size_t)(at - name) < len - check->apex_len) {
		at += 1 + *at;
	}
	return (size_t)(at - name) == len - check->apex_len && dns_name_equal(at, check->apex);
}

/* Where a target is remembered. Names that share a slot push each other out: then they are looked up again. */
static struct known_target *known_slot(struct check *check, const uint8_t *name, size_t len)
{
	uint32_t sum = 2166136261u; /* FNV-1a: the table is small, private and only costs time when aimed at */
	for (size_t i = 0; i < len; i++) {
		sum = (sum ^ name[i]) * 16777619u;
	}
	return &check->known[sum % check->known_slots];
}

static bool has_address(const struct zone_node *node)
{
	struct zone_rrset rrset;
	return zone_node_rrset(node, DNS_TYPE_A, &rrset) || zone_node_rrset(node, DNS_TYPE_AAAA, &rrset);
}

/* What a target inside of the zone is. `cut`: the delegation whose NS names it; NULL: none does. */
static enum target look_up_target(const struct check *check, const uint8_t *name, struct node_view *cut)
{
	struct zone_lookup lookup;
	struct zone_addresses addresses;
	bool in_cut = cut != NULL && dns_name_is_within(name, owner_of(cut)->wire);
	if (in_cut && zone_addresses(check->zone, name, &addresses)) {
		return TARGET_GOOD; /* glue: nearly all of these, and found by one search */
	}
	zone_lookup(check->zone, name, &lookup);
	switch (lookup.kind) {
	case ZONE_FOUND:
	case ZONE_WILDCARD:
		if ((lookup.node.flags & ZONE_NODE_CNAME) != 0) {
			return TARGET_CNAME;
		}
		return has_address(&lookup.node) ? TARGET_GOOD : TARGET_NO_ADDRESS;
	case ZONE_DNAME:
		return TARGET_DNAME;
	case ZONE_DELEGATION:
		/* Glue counts. Without it, only names below the cut itself are in need of it (RFC 9471 2.1). */
		if (zone_addresses(check->zone, name, &addresses)) {
			return TARGET_GOOD;
		}
		return in_cut ? TARGET_NO_GLUE : TARGET_ELSEWHERE;
	case ZONE_NO_NAME:
		return TARGET_NO_ADDRESS;
	}
	return TARGET_ELSEWHERE;
}

static enum target find_target(struct check *check, const uint8_t *name, struct node_view *cut)
{
	if (!is_inside(check, name)) {
		return TARGET_ELSEWHERE;
	}
	size_t len = dns_name_len(name);
	struct known_target *known = known_slot(check, name, len);
	if (known->name.len == len && memcmp(known->name.wire, name, len) == 0) {
		return known->target;
	}
	enum target target = look_up_target(check, name, cut);
	/* That there is no glue may be right for one cut and wrong for another. */
	if (target != TARGET_NO_GLUE && target != TARGET_ELSEWHERE) {
		known->name = dns_name_of(name);
		known->target = target;
	}
	return target;
}

static bool is_small_number(const uint8_t *label)
{
	unsigned value = 0;
	for (size_t i = 1; i <= *label; i++) {
		if (label[i] < '0' || label[i] > '9') {
			return false;
		}
		value = value * 10 + (unsigned)(label[i] - '0');
	}
	return *label >= 1 && *label <= 3 && value <= 255;
}

/* "192.0.2.1" where a name was meant to be: with the origin behind it, or not. */
static bool looks_like_address(const uint8_t *name)
{
	for (int i = 0; i < 4; i++) {
		if (!is_small_number(name)) {
			return false;
		}
		name += 1 + *name;
	}
	return true;
}

/* True: it is outside of the zone, and there is nothing to say about it, whoever names it. */
static bool check_name_server(struct check *check, struct node_view *view, const uint8_t *target)
{
	char text[DNS_NAME_TEXT_MAX];
	enum publish_severity severity = check->policy->check_ns;
	bool is_cut = (view->node->flags & ZONE_NODE_CUT) != 0;
	if (looks_like_address(target)) {
		tell(check, severity, view, DNS_TYPE_NS, "%s is an address; a name server is given by its name",
		     dns_name_to_text(target, text));
		return false;
	}
	switch (find_target(check, target, is_cut ? view : NULL)) {
	case TARGET_GOOD:
		break;
	case TARGET_ELSEWHERE:
		return !is_inside(check, target);
	case TARGET_CNAME:
		tell(check, severity, view, DNS_TYPE_NS, "%s has a CNAME; a name server is no alias (RFC 2181 10.3)",
		     dns_name_to_text(target, text));
		break;
	case TARGET_DNAME:
		tell(check, severity, view, DNS_TYPE_NS,
		     "%s is below a DNAME; a name server is no alias (RFC 2181 10.3)", dns_name_to_text(target, text));
		break;
	case TARGET_NO_GLUE:
		tell(check, severity, view, DNS_TYPE_NS,
		     "%s is in the delegated zone and has no address here: without "
		     "glue nobody can find it (RFC 9471)",
		     dns_name_to_text(target, text));
		break;
	case TARGET_NO_ADDRESS:
		tell(check, severity, view, DNS_TYPE_NS, "%s is in this zone and has no address",
		     dns_name_to_text(target, text));
		break;
	}
	return false;
}

/* MX and SRV: the target stands `offset` octets into the RDATA. */
static void check_service(struct check *check, struct node_view *view, uint16_t type, const uint8_t *target)
{
	char text[DNS_NAME_TEXT_MAX];
	enum publish_severity severity = check->policy->check_mx_srv;
	if (severity == PUBLISH_IGNORE || *target == 0) {
		return;
	}
	if (looks_like_address(target)) {
		tell(check, severity, view, type, "%s is an address; the target is given by its name",
		     dns_name_to_text(target, text));
		return;
	}
	enum target found = find_target(check, target, NULL);
	if (found == TARGET_CNAME || found == TARGET_DNAME) {
		tell(check, severity, view, type,
		     "%s is an alias; the target must not be one (RFC 2181 10.3, RFC 2782)",
		     dns_name_to_text(target, text));
	}
}

/* ---- RRsets ---- */

static void check_signature(struct check *check, struct node_view *view, const struct zone_rrset *rrset,
                            const uint8_t *signature)
{
	uint8_t labels = signature[3];
	const uint8_t *signer = signature + 18;
	size_t owner_labels = view->node->labels;
	if (labels > owner_labels) {
		tell(check, PUBLISH_WARN, view, rrset->type,
		     "its RRSIG says %u labels, but the owner has %zu (RFC 4035 5.3.1)", labels, owner_labels);
	}
	if (!dns_name_equal(signer, check->apex)) {
		char text[DNS_NAME_TEXT_MAX];
		tell(check, PUBLISH_WARN, view, rrset->type, "its RRSIG is signed by %s, which is not this zone",
		     dns_name_to_text(signer, text));
	}
}

static void check_signatures(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	const uint8_t *at = rrset->sigs;
	if (rrset->count == 0) {
		tell(check, PUBLISH_WARN, view, rrset->type,
		     "has an RRSIG, but there are no records that it could cover");
	}
	for (uint16_t i = 0; i < rrset->sig_count; i++) {
		check_signature(check, view, rrset, at + 2);
		at += 2 + load_u16(at);
	}
}

/* The least that an answer with this RRset can measure: over TCP, without EDNS. */
static void check_size(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	size_t heads = (size_t)rrset->count * RR_HEAD_LEN;
	/* Each RDATA stands behind two octets of length, which RR_HEAD_LEN counts too. */
	size_t rdata = dns_type_has_names(rrset->type) ? (size_t)rrset->count * NAMES_LEN_MIN
	                                               : rrset->rdatas_len - (size_t)rrset->count * 2;
	if (owner_of(view)->len + heads + rdata > MESSAGE_ROOM) {
		tell(check, PUBLISH_WARN, view, rrset->type,
		     "%u records of %zu octets do not fit into a message: this RRset cannot be asked for", rrset->count,
		     heads + rdata);
	}
}

static void check_soa(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if ((view->node->flags & ZONE_NODE_APEX) == 0) {
		tell(check, PUBLISH_FAIL, view, DNS_TYPE_SOA, "an SOA stands at the apex of a zone only");
		return;
	}
	const uint8_t *end = rrset->rdatas + 2 + load_u16(rrset->rdatas);
	uint32_t refresh = load_u32(end - 16);
	uint32_t retry = load_u32(end - 12);
	uint32_t expire = load_u32(end - 8);
	if ((uint64_t)expire <= (uint64_t)refresh + retry) {
		tell(check, PUBLISH_WARN, view, DNS_TYPE_SOA,
		     "expire %" PRIu32 " is not greater than refresh %" PRIu32 " + retry %" PRIu32
		     ": secondaries stop serving before they have asked twice (RFC 1912 2.2)",
		     expire, refresh, retry);
	}
}

/* Where an NS RRset is remembered by its RDATA. */
static const uint8_t **elsewhere_slot(struct check *check, const uint8_t *rdatas)
{
	uint64_t hash = (uint64_t)(uintptr_t)rdatas * 0x9e3779b97f4a7c15u;
	return &check->known_elsewhere[(hash >> 32) % check->elsewhere_slots];
}

static void check_ns(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	const uint8_t *at = rrset->rdatas;
	if (check->has_wildcards && dns_name_is_wildcard(owner_of(view)->wire)) {
		tell(check, PUBLISH_WARN, view, DNS_TYPE_NS,
		     "a wildcard cannot delegate; what is answered is not defined (RFC 4592 4.2)");
	}
	if (check->policy->check_ns == PUBLISH_IGNORE) {
		return;
	}
	const uint8_t **known = elsewhere_slot(check, rrset->rdatas);
	if (*known == rrset->rdatas) {
		return;
	}
	bool elsewhere = true;
	for (uint16_t i = 0; i < rrset->count; i++) {
		elsewhere = check_name_server(check, view, at + 2) && elsewhere;
		at += 2 + load_u16(at);
	}
	if (elsewhere) {
		*known = rrset->rdatas;
	}
}

/* The name that begins `offset` octets into each RDATA. */
static void check_services(struct check *check, struct node_view *view, const struct zone_rrset *rrset, size_t offset)
{
	const uint8_t *at = rrset->rdatas;
	for (uint16_t i = 0; i < rrset->count; i++) {
		check_service(check, view, rrset->type, at + 2 + offset);
		at += 2 + load_u16(at);
	}
}

static void check_dname(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->count > 1) {
		tell(check, PUBLISH_FAIL, view, DNS_TYPE_DNAME, "more than one DNAME at a name (RFC 6672 2.4)");
	}
	if ((view->node->flags & ZONE_NODE_CUT) != 0) {
		tell(check, PUBLISH_FAIL, view, DNS_TYPE_DNAME, "beside NS, and not at the apex (RFC 6672 2.3)");
	}
	if (check->has_wildcards && dns_name_is_wildcard(owner_of(view)->wire)) {
		tell(check, PUBLISH_WARN, view, DNS_TYPE_DNAME,
		     "at a wildcard; what is answered is not defined (RFC 4592 4.4)");
	}
}

/* What a zone file could not say: it came from a primary that does not look so closely. */
static void check_rdatas(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	const uint8_t *at = rrset->rdatas;
	for (uint16_t i = 0; i < rrset->count; i++) {
		const char *why;
		size_t len = load_u16(at);
		if (!dns_rdata_check(rrset->type, at + 2, len, &why)) {
			tell(check, PUBLISH_FAIL, view, rrset->type, "one of its records is malformed: %s", why);
			return;
		}
		at += 2 + len;
	}
}

/* Types whose place the zone's apex is. */
static void check_apex_only(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if ((view->node->flags & ZONE_NODE_APEX) == 0) {
		tell(check, PUBLISH_WARN, view, rrset->type, "means something at the apex only");
	}
}

static void check_ds(struct check *check, struct node_view *view)
{
	if ((view->node->flags & ZONE_NODE_CUT) == 0) {
		tell(check, PUBLISH_WARN, view, DNS_TYPE_DS, "there is no delegation here (RFC 4035 2.4)");
	}
}

static void check_nsec3param(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	uint16_t iterations = load_u16(rrset->rdatas + 2 + 2);
	check_apex_only(check, view, rrset);
	if (iterations > NSEC3_ITERATIONS_MAX) {
		tell(check, PUBLISH_WARN, view, rrset->type,
		     "%u iterations; resolvers treat more than %d as unsigned or worse (RFC 9276)", iterations,
		     NSEC3_ITERATIONS_MAX);
	}
	if ((view->node->flags & ZONE_NODE_APEX) != 0 && zone_nsec3_params(check->zone) == NULL) {
		tell(check, PUBLISH_WARN, view, rrset->type, "there are no NSEC3 records with its parameters");
	}
}

static void check_single(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->count > 1) {
		tell(check, PUBLISH_WARN, view, rrset->type, "%u records where one is meant", rrset->count);
	}
}

static void check_cname(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->count > 1) {
		tell(check, PUBLISH_FAIL, view, DNS_TYPE_CNAME, "more than one CNAME at a name (RFC 2181 10.1)");
	}
}

static void check_rrset(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->sig_count > 0) {
		check_signatures(check, view, rrset);
	}
	if (rrset->count == 0) {
		return;
	}
	if (rrset->ttl > INT32_MAX) {
		tell(check, PUBLISH_WARN, view, rrset->type, "TTL %" PRIu32 " is greater than 2147483647 (RFC 2181 8)",
		     rrset->ttl);
	}
	if (rrset->rdatas_len > MESSAGE_ROOM / 8) {
		check_size(check, view, rrset);
	}
	switch (rrset->type) {
	case DNS_TYPE_SOA:
		check_soa(check, view, rrset);
		break;
	case DNS_TYPE_NS:
		check_ns(check, view, rrset);
		break;
	case DNS_TYPE_CNAME:
		check_cname(check, view, rrset);
		break;
	case DNS_TYPE_MX:
		check_services(check, view, rrset, 2);
		break;
	case DNS_TYPE_SRV:
		check_services(check, view, rrset, 6);
		break;
	case DNS_TYPE_DNAME:
		check_dname(check, view, rrset);
		break;
	case DNS_TYPE_DS:
		check_ds(check, view);
		check_rdatas(check, view, rrset);
		break;
	case DNS_TYPE_NSEC:
		check_single(check, view, rrset);
		break;
	case DNS_TYPE_CDS:
	case DNS_TYPE_CDNSKEY:
		check_apex_only(check, view, rrset);
		check_rdatas(check, view, rrset);
		break;
	case DNS_TYPE_ZONEMD:
		check_rdatas(check, view, rrset);
		break;
	case DNS_TYPE_NSEC3PARAM:
		check_nsec3param(check, view, rrset);
		break;
	default:
		break;
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
			tell(check, PUBLISH_FAIL, view, DNS_TYPE_CNAME,
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
	if (!dns_name_is_within(owner_of(view)->wire, check->dname.wire)) {
		return;
	}
	zone_rrsets(view->node, &walk);
	if (zone_rrsets_next(&walk, &rrset)) {
		tell(check, PUBLISH_FAIL, view, rrset.type,
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
		check->dname = *owner_of(&view);
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
		tell(check, PUBLISH_FAIL, &view, DNS_TYPE_NS, "the zone has no NS at its apex (RFC 1035 5.2)");
	}
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

/* As many slots as the zone can have use for: a small one is not to pay for clearing a megabyte. */
static size_t slots_for(uint64_t records, size_t most)
{
	size_t slots = 16;
	while (slots < most && slots < records) {
		slots *= 2;
	}
	return slots;
}

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
	        .known_slots = slots_for(facts.records, TARGET_SLOTS_MAX),
	        .elsewhere_slots = slots_for(facts.records, ELSEWHERE_SLOTS_MAX),
	};
	check->known_elsewhere = memory_new_array(check->elsewhere_slots, sizeof *check->known_elsewhere);
	check->known = memory_new_array(check->known_slots, sizeof *check->known);
}

static void check_deinit(struct check *check)
{
	free(check->known);
	free(check->known_elsewhere);
}

bool publish_check(const struct zone_snapshot *snapshot, const struct publish_policy *policy, struct error *error)
{
	struct check check;
	check_init(&check, snapshot, policy);
	check.error = error;
	check_all(&check);
	check_deinit(&check);
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
	check_deinit(&check);
}
