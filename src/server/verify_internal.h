/* SPDX-License-Identifier: MIT */
/* What is served held against its ZONEMD (RFC 8976 4), beside all else: it takes a pass over the whole zone. */
#pragma once

#include "server/zones_internal.h"

/* The outcome goes to follow_verified with this generation. Asked again while it is queued, it is done once, of what is served
 * when its turn comes. Any thread. */
void verify_zonemd(struct server_zone *zone, uint32_t generation);
