/* SPDX-License-Identifier: MIT */
/* A zone as a plain array of RRs, with everything that the door of src/zone promises done the slow and obvious way:
 * what the snapshot is compared with. Also makes random RRs and names that meet often. */
#pragma once

#include "base/random.h"
#include "zone/zone.h"

struct model_rr {
	struct dns_name owner; /* in its own case */
	uint16_t type;
	uint32_t ttl;
	uint32_t rdata_len;
	uint8_t *rdata; /* owned by the model */
};

struct model {
	struct dns_name apex;
	struct model_rr *rrs; /* owner, then type (SOA first) with signatures behind what they cover, then RDATA */
	size_t count;
	size_t capacity;
	uint64_t duplicates;
};

struct model *model_new(const uint8_t *apex);
struct model *model_copy(const struct model *model);
void model_free(struct model *model);

/* As zone_builder_add. False: outside. */
bool model_add(struct model *model, const struct model_rr *rr);
/* As zone_apply: changes `model`, or leaves it alone and gives the error code. */
enum error_code model_apply(struct model *model, const struct zone_change *changes, size_t count);

/* Compares everything that can be asked, the walk first, then lookups of `names`. */
void model_check(const struct model *model, const struct zone_snapshot *zone, const struct dns_name *names,
                 size_t count);
/* The invariants of the pages, and facts.bytes, which must be what can be reached. */
void model_check_pages(const struct zone_snapshot *zone);

/* ---- random material ---- */

struct dns_name model_random_name(struct random_source *random, const uint8_t *apex);
/* A random RR of this zone, now and then outside of it. Free rdata with free(). */
struct model_rr model_random_rr(struct random_source *random, const uint8_t *apex);
struct model_rr model_soa(const uint8_t *apex, uint32_t serial);
struct model_rr model_nsec3param(const uint8_t *apex, uint8_t salt);
