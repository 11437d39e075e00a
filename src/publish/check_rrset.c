/* SPDX-License-Identifier: MIT */
/* Rules of one RRset and its signatures. */
#include "publish/check_internal.h"

#include <inttypes.h>

#include "base/bytes.h"
#include "dns/rdata.h"
#include "dns/type.h"

/* RFC 9276 3.2: validators may call a chain with more iterations insecure, or bogus. */
#define NSEC3_ITERATIONS_MAX 50
/* Octets of a message without its header and without the type and class of its question. */
#define MESSAGE_ROOM (65535 - 12 - 4)
/* Owner as a pointer, type, class, TTL, RDLENGTH. */
#define RR_HEAD_LEN 12
/* RDATA that has names: compressed, they may leave no more than a pointer. */
#define NAMES_LEN_MIN 2

static void check_signature(struct check *check, struct node_view *view, const struct zone_rrset *rrset,
                            const uint8_t *signature)
{
	uint8_t labels = signature[3];
	const uint8_t *signer = signature + 18;
	size_t owner_labels = view->node->labels;
	if (labels > owner_labels) {
		check_tell(check, PUBLISH_WARN, view, rrset->type,
		           "its RRSIG says %u labels, but the owner has %zu (RFC 4035 5.3.1)", labels, owner_labels);
	}
	if (!dns_name_equal(signer, check->apex)) {
		char text[DNS_NAME_TEXT_MAX];
		check_tell(check, PUBLISH_WARN, view, rrset->type, "its RRSIG is signed by %s, which is not this zone",
		           dns_name_to_text(signer, text));
	}
}

static void check_signatures(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	const uint8_t *at = rrset->sigs;
	if (rrset->count == 0) {
		check_tell(check, PUBLISH_WARN, view, rrset->type,
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
	if (check_owner(view)->len + heads + rdata > MESSAGE_ROOM) {
		check_tell(check, PUBLISH_WARN, view, rrset->type,
		           "%u records of %zu octets do not fit into a message: this RRset cannot be asked for",
		           rrset->count, heads + rdata);
	}
}

static void check_soa(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if ((view->node->flags & ZONE_NODE_APEX) == 0) {
		check_tell(check, PUBLISH_FAIL, view, DNS_TYPE_SOA, "an SOA stands at the apex of a zone only");
		return;
	}
	const uint8_t *end = rrset->rdatas + 2 + load_u16(rrset->rdatas);
	uint32_t refresh = load_u32(end - 16);
	uint32_t retry = load_u32(end - 12);
	uint32_t expire = load_u32(end - 8);
	if ((uint64_t)expire <= (uint64_t)refresh + retry) {
		check_tell(check, PUBLISH_WARN, view, DNS_TYPE_SOA,
		           "expire %" PRIu32 " is not greater than refresh %" PRIu32 " + retry %" PRIu32
		           ": secondaries stop serving before they have asked twice (RFC 1912 2.2)",
		           expire, refresh, retry);
	}
}

static void check_dname(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->count > 1) {
		check_tell(check, PUBLISH_FAIL, view, DNS_TYPE_DNAME, "more than one DNAME at a name (RFC 6672 2.4)");
	}
	if ((view->node->flags & ZONE_NODE_CUT) != 0) {
		check_tell(check, PUBLISH_FAIL, view, DNS_TYPE_DNAME, "beside NS, and not at the apex (RFC 6672 2.3)");
	}
	if (check->has_wildcards && dns_name_is_wildcard(check_owner(view)->wire)) {
		check_tell(check, PUBLISH_WARN, view, DNS_TYPE_DNAME,
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
			check_tell(check, PUBLISH_FAIL, view, rrset->type, "one of its records is malformed: %s", why);
			return;
		}
		at += 2 + len;
	}
}

/* Types whose place the zone's apex is. */
static void check_apex_only(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if ((view->node->flags & ZONE_NODE_APEX) == 0) {
		check_tell(check, PUBLISH_WARN, view, rrset->type, "means something at the apex only");
	}
}

static void check_ds(struct check *check, struct node_view *view)
{
	if ((view->node->flags & ZONE_NODE_CUT) == 0) {
		check_tell(check, PUBLISH_WARN, view, DNS_TYPE_DS, "there is no delegation here (RFC 4035 2.4)");
	}
}

static void check_nsec3param(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	uint16_t iterations = load_u16(rrset->rdatas + 2 + 2);
	check_apex_only(check, view, rrset);
	if (iterations > NSEC3_ITERATIONS_MAX) {
		check_tell(check, PUBLISH_WARN, view, rrset->type,
		           "%u iterations; resolvers treat more than %d as unsigned or worse (RFC 9276)", iterations,
		           NSEC3_ITERATIONS_MAX);
	}
	if ((view->node->flags & ZONE_NODE_APEX) != 0 && zone_nsec3_params(check->zone) == NULL) {
		check_tell(check, PUBLISH_WARN, view, rrset->type, "there are no NSEC3 records with its parameters");
	}
}

static void check_single(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->count > 1) {
		check_tell(check, PUBLISH_WARN, view, rrset->type, "%u records where one is meant", rrset->count);
	}
}

static void check_cname(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->count > 1) {
		check_tell(check, PUBLISH_FAIL, view, DNS_TYPE_CNAME, "more than one CNAME at a name (RFC 2181 10.1)");
	}
}

void check_rrset(struct check *check, struct node_view *view, const struct zone_rrset *rrset)
{
	if (rrset->sig_count > 0) {
		check_signatures(check, view, rrset);
	}
	if (rrset->count == 0) {
		return;
	}
	if (rrset->ttl > INT32_MAX) {
		check_tell(check, PUBLISH_WARN, view, rrset->type,
		           "TTL %" PRIu32 " is greater than 2147483647 (RFC 2181 8)", rrset->ttl);
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
