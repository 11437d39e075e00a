/* SPDX-License-Identifier: MIT */
/* What the files of the checks share. */
#pragma once

#include "dns/name.h"
#include "publish/check.h"

struct known_target;

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

/* ---- check.c ---- */

/* Borrowed from `view`. */
const struct dns_name *check_owner(struct node_view *view);
/* Tells "owner TYPE: text". */
void check_tell(struct check *check, enum publish_severity severity, struct node_view *view, uint16_t type,
                const char *format, ...) PRINTF_LIKE(5, 6);

/* ---- check_rrset.c ---- */

void check_rrset(struct check *check, struct node_view *view, const struct zone_rrset *rrset);

/* ---- check_targets.c ---- */

/* What is remembered of targets: as much as a zone of so many records can have use for. */
void check_targets_init(struct check *check, uint64_t records);
void check_targets_deinit(struct check *check);
void check_ns(struct check *check, struct node_view *view, const struct zone_rrset *rrset);
/* MX and SRV: the name that begins `offset` octets into each RDATA. */
void check_services(struct check *check, struct node_view *view, const struct zone_rrset *rrset, size_t offset);
