/* SPDX-License-Identifier: MIT */
/* A made-up top-level domain, the same from the same numbers: per delegation two NS, one of 5000 providers, a DS for
 * every third, its own name server with glue for every fourth. About 2.58 records each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLD_APEX "\5bench"

struct tld {
	size_t count; /* delegations */
	char (*names)[24];
	bool sorted;
};

/* Names in canonical order, or shuffled. */
void tld_init(struct tld *tld, size_t count, bool sorted);
void tld_deinit(struct tld *tld);

/* Calls `add` for each record in order: owner and RDATA in wire form. */
void tld_records(const struct tld *tld, void *context,
                 void (*add)(void *context, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                             size_t len));

/* Wire form of `prefix`.name.bench, `prefix` may be NULL. `out` has 64 octets; gives the length. */
size_t tld_name(const char *prefix, const char *name, uint8_t *out);
