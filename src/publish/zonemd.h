/* SPDX-License-Identifier: MIT */
/* The message digest that a zone may carry over itself (RFC 8976), scheme SIMPLE with SHA-384 or SHA-512. Says whether a
 * version is what its publisher digested; who published it is a question for DNSSEC. */
#pragma once

#include "base/error.h"
#include "zone/zone.h"

#define PUBLISH_ZONEMD_MAX 64

/* Hash algorithms of RFC 8976 2.2.3. */
enum {
	PUBLISH_ZONEMD_SHA384 = 1,
	PUBLISH_ZONEMD_SHA512 = 2,
};

enum publish_zonemd {
	PUBLISH_ZONEMD_GOOD,        /* a digest of the apex ZONEMD RRset is that of the zone */
	PUBLISH_ZONEMD_NONE,        /* the zone has no ZONEMD */
	PUBLISH_ZONEMD_UNSUPPORTED, /* it has, but of schemes or algorithms that are not known here */
	PUBLISH_ZONEMD_BAD,         /* a digest differs, or the records contradict each other or the SOA */
};

/* Verifies as RFC 8976 4 says, without its DNSSEC steps. `why` (may be NULL) gets ERROR_NOT_FOUND or ERROR_INVALID and
 * a sentence for all but GOOD. Reads and sorts the whole zone once for each algorithm in use. */
enum publish_zonemd publish_verify_zonemd(const struct zone_snapshot *snapshot, struct error *why);

/* Digest of the zone as RFC 8976 3 says, its apex ZONEMD RRset and the RRSIGs of that left out. `algorithm` is one of the
 * two above; returns the octets of the digest, 48 or 64. */
size_t publish_zonemd_digest(const struct zone_snapshot *snapshot, unsigned algorithm, uint8_t out[PUBLISH_ZONEMD_MAX]);
