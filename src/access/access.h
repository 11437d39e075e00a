/* SPDX-License-Identifier: MIT */
/* Who is asking, and may they? Rules are plain data that the configuration builds; checking them allocates nothing,
 * takes no lock and costs one pass over the list.
 *
 * Knows addresses, prefixes, and which key has signed. Does not know zones, questions or configuration files, nor how a
 * signature is verified: that is tsig.h.
 *
 * I1  An empty list allows nobody.
 * I2  A rule holds when everything that it names holds; a list allows when one of its rules holds. Rules never deny. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"

/* What is asked for. Each has a list of its own. */
enum access_kind { ACCESS_QUERY, ACCESS_TRANSFER, ACCESS_NOTIFY, ACCESS_UPDATE };
#define ACCESS_KINDS 4

/* "query", "transfer", "notify", "update". */
const char *access_kind_name(enum access_kind kind);

struct tsig_key;

struct access_keys {
	const struct tsig_key *const *items; /* references of whoever built the list; NULL with count 0 */
	size_t count;
};

struct access_rule {
	const struct prefix *prefixes; /* the address must be in one of them; NULL with count 0: any address */
	size_t prefix_count;
	struct access_keys keys; /* one of them must have signed; count 0: nobody need have */
};

struct access_rules {
	const struct access_rule *rules; /* NULL when there is none */
	size_t rule_count;
};

struct access_who {
	const struct address *address; /* where the packet came from; its port does not matter */
	const struct tsig_key *key;    /* that signed it, and was proven to; NULL: none */
};

enum access_verdict { ACCESS_ALLOWED, ACCESS_DENIED };

/* Any thread; borrows everything for the call. */
enum access_verdict access_check(const struct access_rules *rules, const struct access_who *who);
/* A rule that wants a key holds: who it is does not hang on an address that can be made up. Any thread. */
bool access_is_proven(const struct access_rules *rules, const struct access_who *who);
