/* SPDX-License-Identifier: MIT */
/* Zones and questions as tests write them. */
#pragma once

#include "zone/zone.h"

/* "OWNER TYPE RDATA" per line, RDATA of A, AAAA, NS, CNAME, DNAME, TXT, MX and so on as in a zone file, owners relative
 * to `apex`. SOA and NS of the apex are added unless a line begins with "@ SOA". */
const struct zone_snapshot *zone_of(const char *apex, const char *lines);

/* "FOUND www", "EMPTY b", "DELEGATION sub", "DNAME d", "WILDCARD *.a under a", "NO_NAME under @": the kind, the node's
 * owner relative to the apex, and the closest encloser. Static. */
const char *lookup(const struct zone_snapshot *zone, const char *name);
