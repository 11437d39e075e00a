/* SPDX-License-Identifier: MIT */
/* Who is asking, and may they? Rules are plain data that the configuration builds; checking them allocates nothing,
 * takes no lock and costs one pass over the list.
 *
 * Knows addresses and prefixes. Does not know zones, questions or configuration files. Keys join `struct access_who`
 * and `struct access_rule` together with TSIG.
 *
 * I1  An empty list allows nobody.
 * I2  A rule holds when everything that it names holds; a list allows when one of its rules holds. Rules never deny. */
#pragma once

#include <stddef.h>

#include "base/address.h"

/* What is asked for. Each has a list of its own. */
enum access_kind { ACCESS_QUERY, ACCESS_TRANSFER, ACCESS_NOTIFY };
#define ACCESS_KINDS 3

/* "query", "transfer", "notify". */
const char *access_kind_name(enum access_kind kind);

struct access_rule {
	const struct prefix *prefixes; /* the address must be in one of them; NULL with count 0: any address */
	size_t prefix_count;
};

struct access_rules {
	const struct access_rule *rules; /* NULL when there is none */
	size_t rule_count;
};

struct access_who {
	const struct address *address; /* where the packet came from; its port does not matter */
};

enum access_verdict { ACCESS_ALLOWED, ACCESS_DENIED };

/* Any thread; borrows everything for the call. */
enum access_verdict access_check(const struct access_rules *rules, const struct access_who *who);
