/* SPDX-License-Identifier: MIT */
/* Rules of what a record names: name servers, mail exchangers, services. What is wrong with a target needs a lookup, and targets
 * repeat, so what was found is remembered for a while. */
#include "publish/check_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/type.h"

/* Targets that are remembered at most, of 260 octets each: 1 MiB. A power of two. */
#define TARGET_SLOTS_MAX 4096
/* NS RRsets that are remembered at most: 64 KiB, which stays in a second-level cache. A power of two. */
#define ELSEWHERE_SLOTS_MAX 8192

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

/* ---- what is remembered ---- */

/* As many slots as the zone can have use for: a small one is not to pay for clearing a megabyte. */
static size_t slots_for(uint64_t records, size_t most)
{
	size_t slots = 16;
	while (slots < most && slots < records) {
		slots *= 2;
	}
	return slots;
}

void check_targets_init(struct check *check, uint64_t records)
{
	check->known_slots = slots_for(records, TARGET_SLOTS_MAX);
	check->elsewhere_slots = slots_for(records, ELSEWHERE_SLOTS_MAX);
	check->known_elsewhere = memory_new_array(check->elsewhere_slots, sizeof *check->known_elsewhere);
	check->known = memory_new_array(check->known_slots, sizeof *check->known);
}

void check_targets_deinit(struct check *check)
{
	free(check->known);
	free(check->known_elsewhere);
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

/* Where an NS RRset is remembered by its RDATA. */
static const uint8_t **elsewhere_slot(struct check *check, const uint8_t *rdatas)
{
	uint64_t hash = (uint64_t)(uintptr_t)rdatas * 0x9e3779b97f4a7c15u;
	return &check->known_elsewhere[(hash >> 32) % check->elsewhere_slots];
}

/* ---- what a target is ---- */

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
	bool in_cut = cut != NULL && dns_name_is_within(name, check_owner(cut)->wire);
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

/* ---- rules ---- */

/* True: it is outside of the zone, and there is nothing to say about it, whoever names it. */
static bool check_name_server(struct check *check, struct node_view *view, const uint8_t *target)
{
	char text[DNS_NAME_TEXT_MAX];
	enum publish_severity severity = check->policy->check_ns;
	bool is_cut = (view->node->flags & ZONE_NODE_CUT) != 0;
	if (looks_like_address(target)) {
		check_tell(check, severity, view, DNS_TYPE_NS, "%s is an address; a name server is given by its name",
		           dns_name_to_text(target, text));
		return false;
	}
	switch (find_target(check, target, is_cut ? view : NULL)) {
	case TARGET_GOOD:
		break;
	case TARGET_ELSEWHERE:
		return !is_inside(check, target);
	case TARGET_CNAME:
		check_tell(check, severity, view, DNS_TYPE_NS,
		           "%s has a CNAME; a name server is no alias (RFC 2181 10.3)", dns_name_to_text(target, text));
		break;
	case TARGET_DNAME:
		check_tell(check, severity, view, DNS_TYPE_NS,
		           "%s is below a DNAME; a name server is no alias (RFC 2181 10.3)",
		           dns_name_to_text(target, text));
		break;
	case TARGET_NO_GLUE:
		check_tell(check, severity, view, DNS_TYPE_NS,
		           "%s is in the delegated zone and has no address here: without "
		           "glue nobody can find it (RFC 9471)",
		           dns_name_to_text(target, text));
		break;
	case TARGET_NO_ADDRESS:
		check_tell(check, severity, view, DNS_TYPE_NS, "%s is in this zone and has no address",
		           dns_name_to_text(target, text));
		break;
	}
	return false;
}

void check_ns(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	const uint8_t *at = rrset->rdatas;
	if (check->has_wildcards && dns_name_is_wildcard(check_owner(view)->wire)) {
		check_tell(check, PUBLISH_WARN, view, DNS_TYPE_NS,
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

/* MX and SRV. */
static void check_service(struct check *check, struct node_view *view, uint16_t type, const uint8_t *target)
{
	char text[DNS_NAME_TEXT_MAX];
	enum publish_severity severity = check->policy->check_mx_srv;
	if (severity == PUBLISH_IGNORE || *target == 0) {
		return;
	}
	if (looks_like_address(target)) {
		check_tell(check, severity, view, type, "%s is an address; the target is given by its name",
		           dns_name_to_text(target, text));
		return;
	}
	enum target found = find_target(check, target, NULL);
	if (found == TARGET_CNAME || found == TARGET_DNAME) {
		check_tell(check, severity, view, type,
		           "%s is an alias; the target must not be one (RFC 2181 10.3, RFC 2782)",
		           dns_name_to_text(target, text));
	}
}

void check_services(struct check *check, struct node_view *view, const struct zone_rrset *rrset, size_t offset)
{
	const uint8_t *at = rrset->rdatas;
	for (uint16_t i = 0; i < rrset->count; i++) {
		check_service(check, view, rrset->type, at + 2 + offset);
		at += 2 + load_u16(at);
	}
}
