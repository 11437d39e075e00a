/* SPDX-License-Identifier: MIT */
/* Every RR of a version in canonical order: owners (RFC 4034 6.1), types ascending, RDATA (6.3). A snapshot keeps NSEC3
 * in a tree of its own and RRSIGs with what they cover; here they stand where the order has them. */
#pragma once

#include "dns/name.h"
#include "zone/zone.h"

/* Borrowed for the call. */
struct publish_rr {
	const struct dns_name *owner; /* as it came */
	bool is_apex;
	uint16_t type;
	uint32_t ttl;
	const uint8_t *rdata; /* as it came */
	uint16_t rdata_len;
};

/* Whoever looks. */
struct publish_rr_visitor {
	void (*visit)(struct publish_rr_visitor *self, const struct publish_rr *rr);
};

void publish_each_rr(const struct zone_snapshot *snapshot, struct publish_rr_visitor *visitor);
