/* SPDX-License-Identifier: MIT */
/* Keys: names relative to an apex, written so that memcmp order is canonical order (RFC 4034 6.1).
 *
 * The labels follow each other from the apex downwards, lower-cased, each ended by 0x00; inside a label 0x00 is
 * written 0x01 0x01 and 0x01 is written 0x01 0x02. The apex has the empty key.
 *
 * K1  memcmp order, shorter first, is canonical order.
 * K2  The key of an ancestor is a prefix of its descendants' keys, and no other name's key is.
 * K3  0x00 stands at the ends of labels only.
 *
 * NSEC3 owners have keys of another kind: the 20 octets of the hash. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/name.h"

/* 255 octets of name less the root label are at most 4 labels of 63 octets and less, each octet written as two at most:
 * 2 * 250 + 4 rounded up; more and shorter labels need less. */
#define ZONE_KEY_MAX      512
#define ZONE_KEY_HASH_LEN 20

struct zone_key {
	uint16_t len;
	uint8_t labels;                    /* relative to the apex */
	uint16_t ends[DNS_LABELS_MAX + 1]; /* ends[i]: length of the key of the ancestor with i labels */
	uint8_t bytes[ZONE_KEY_MAX];
};

/* False: `name` is not within `apex`, whose length is `apex_len`. */
bool zone_key_make(const uint8_t *name, const uint8_t *apex, size_t apex_len, struct zone_key *key);

/* Length of what both have in common at their beginnings. */
size_t zone_key_common(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
int zone_key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);
/* Labels of `key` that lie within its first `len` octets. */
size_t zone_key_labels_within(const struct zone_key *key, size_t len);
static inline bool zone_key_has_prefix(const uint8_t *key, size_t len, const uint8_t *prefix, size_t prefix_len)
{
	return len >= prefix_len && zone_key_common(key, prefix_len, prefix, prefix_len) == prefix_len;
}
/* One label more: "*". The result is longer than what zone_key_make gives at most by 2 octets. */
void zone_key_append_star(const uint8_t *prefix, size_t len, uint8_t labels, struct zone_key *out);
/* Is one of the labels exactly "*"? And is the last one (the first of the name)? */
bool zone_key_has_star(const uint8_t *key, size_t len);
bool zone_key_is_wildcard(const uint8_t *key, size_t len);

/* The name of a key, lower-cased up to the apex, which is written as given. Only the first `labels` labels (from the
 * apex downwards) of the key are taken. */
void zone_key_name(const uint8_t *key, size_t len, size_t labels, const uint8_t *apex, size_t apex_len,
                   struct dns_name *out);

/* The hash that stands in the first label in base32hex (RFC 5155 3), or false: the owner is not one label below the
 * apex, or the label is no hash of 20 octets. */
bool zone_key_hash_of_owner(const uint8_t *owner, const uint8_t *apex, size_t apex_len,
                            uint8_t hash[ZONE_KEY_HASH_LEN]);
/* Its owner with the label in lower case. */
void zone_key_hash_name(const uint8_t hash[ZONE_KEY_HASH_LEN], const uint8_t *apex, size_t apex_len,
                        struct dns_name *out);
