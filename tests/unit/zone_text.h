/* SPDX-License-Identifier: MIT */
/* Zones for tests, from zone-file text. */
#pragma once

#include "zone/zone.h"

/* A snapshot of `apex` from text; names are relative to it, and the default TTL is 3600. Without an SOA line one with
 * this serial and an NS (ns.other.) are added. One reference, the caller's. Fails the test when the text is wrong. */
const struct zone_snapshot *zone_of_text(const char *apex, uint32_t serial, const char *text);

/* The same zone written as a zone file; freed by the caller. */
char *text_of_zone(const struct zone_snapshot *zone);
