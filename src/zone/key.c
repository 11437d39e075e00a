/* SPDX-License-Identifier: MIT */
#include "zone/key_internal.h"

#include <string.h>

#include "base/ensure.h"

enum {
	LABEL_END = 0x00,
	ESCAPE = 0x01,
	ESCAPED_00 = 0x01,
	ESCAPED_01 = 0x02,
};

static bool tail_is(const uint8_t *tail, const uint8_t *apex, size_t apex_len)
{
	for (size_t i = 0; i < apex_len; i++) {
		if (dns_lower[tail[i]] != dns_lower[apex[i]]) {
			return false;
		}
	}
	return true;
}

/* Start of each label above `stop`; false when no label starts at `stop`. */
static bool label_starts(const uint8_t *name, size_t stop, uint8_t starts[DNS_LABELS_MAX], size_t *count)
{
	size_t at = 0;
	size_t labels = 0;
	while (at < stop) {
		starts[labels++] = (uint8_t)at;
		at += 1u + name[at];
	}
	*count = labels;
	return at == stop;
}

static uint8_t *append_label(uint8_t *at, const uint8_t *label)
{
	for (size_t i = 1; i <= *label; i++) {
		uint8_t octet = dns_lower[label[i]];
		if (octet <= ESCAPE) {
			*at++ = ESCAPE;
			octet = (uint8_t)(octet + 1);
		}
		*at++ = octet;
	}
	*at++ = LABEL_END;
	return at;
}

bool zone_key_make(const uint8_t *name, const uint8_t *apex, size_t apex_len, struct zone_key *key)
{
	uint8_t starts[DNS_LABELS_MAX];
	size_t labels;
	size_t name_len = dns_name_len(name);
	if (name_len < apex_len) {
		return false;
	}
	size_t stop = name_len - apex_len;
	if (!label_starts(name, stop, starts, &labels) || !tail_is(name + stop, apex, apex_len)) {
		return false;
	}
	uint8_t *at = key->bytes;
	key->ends[0] = 0;
	for (size_t i = 1; i <= labels; i++) {
		at = append_label(at, name + starts[labels - i]);
		key->ends[i] = (uint16_t)(at - key->bytes);
	}
	key->len = (uint16_t)(at - key->bytes);
	key->labels = (uint8_t)labels;
	return true;
}

size_t zone_key_common(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t shorter = a_len < b_len ? a_len : b_len;
	size_t i = 0;
	for (; i + 8 <= shorter; i += 8) {
		uint64_t x;
		uint64_t y;
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y) {
			break;
		}
	}
	while (i < shorter && a[i] == b[i]) {
		i++;
	}
	return i;
}

int zone_key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t shorter = a_len < b_len ? a_len : b_len;
	int order = shorter == 0 ? 0 : memcmp(a, b, shorter);
	if (order != 0) {
		return order;
	}
	return a_len < b_len ? -1 : a_len > b_len;
}

size_t zone_key_labels_within(const struct zone_key *key, size_t len)
{
	size_t labels = key->labels;
	while (key->ends[labels] > len) {
		labels--;
	}
	return labels;
}

void zone_key_append_star(const uint8_t *prefix, size_t len, uint8_t labels, struct zone_key *out)
{
	memcpy(out->bytes, prefix, len);
	out->bytes[len] = '*';
	out->bytes[len + 1] = LABEL_END;
	out->len = (uint16_t)(len + 2);
	out->labels = (uint8_t)(labels + 1);
	out->ends[out->labels] = out->len;
}

bool zone_key_has_star(const uint8_t *key, size_t len)
{
	bool at_start = true;
	for (size_t i = 0; i < len; i++) {
		if (at_start && key[i] == '*' && key[i + 1] == LABEL_END) {
			return true;
		}
		at_start = key[i] == LABEL_END;
	}
	return false;
}

bool zone_key_is_wildcard(const uint8_t *key, size_t len)
{
	return len >= 2 && key[len - 1] == LABEL_END && key[len - 2] == '*' && (len == 2 || key[len - 3] == LABEL_END);
}

/* Reads one label of a key into `label` (length octet first); returns the octets of key that it took. */
static size_t read_label(const uint8_t *key, size_t len, uint8_t label[1 + DNS_LABEL_MAX])
{
	size_t at = 0;
	uint8_t octets = 0;
	while (key[at] != LABEL_END) {
		uint8_t octet = key[at++];
		if (octet == ESCAPE) {
			octet = (uint8_t)(key[at++] - 1);
		}
		label[++octets] = octet;
		ensure(at < len && octets <= DNS_LABEL_MAX);
	}
	label[0] = octets;
	return at + 1;
}

void zone_key_name(const uint8_t *key, size_t len, size_t labels, const uint8_t *apex, size_t apex_len,
                   struct dns_name *out)
{
	/* Labels come from the apex downwards and the name wants them upwards: filled from the end. */
	size_t start = DNS_NAME_MAX - apex_len;
	memcpy(out->wire + start, apex, apex_len);
	size_t at = 0;
	for (size_t i = 0; i < labels; i++) {
		uint8_t label[1 + DNS_LABEL_MAX];
		at += read_label(key + at, len - at, label);
		ensure(start >= 1u + label[0]);
		start -= 1u + label[0];
		memcpy(out->wire + start, label, 1u + label[0]);
	}
	out->len = (uint8_t)(DNS_NAME_MAX - start);
	memmove(out->wire, out->wire + start, out->len);
}

#define HASH_LABEL_LEN 32 /* 20 octets in base32 */

static int base32hex_value(uint8_t octet)
{
	if (octet >= '0' && octet <= '9') {
		return octet - '0';
	}
	uint8_t lower = dns_lower[octet];
	return lower >= 'a' && lower <= 'v' ? lower - 'a' + 10 : -1;
}

bool zone_key_hash_of_owner(const uint8_t *owner, const uint8_t *apex, size_t apex_len, uint8_t hash[ZONE_KEY_HASH_LEN])
{
	if (owner[0] != HASH_LABEL_LEN || dns_name_len(owner) != 1 + HASH_LABEL_LEN + apex_len ||
	    !tail_is(owner + 1 + HASH_LABEL_LEN, apex, apex_len)) {
		return false;
	}
	uint64_t bits = 0;
	int have = 0;
	uint8_t *at = hash;
	for (size_t i = 1; i <= HASH_LABEL_LEN; i++) {
		int value = base32hex_value(owner[i]);
		if (value < 0) {
			return false;
		}
		bits = bits << 5 | (uint64_t)value;
		have += 5;
		if (have >= 8) {
			have -= 8;
			*at++ = (uint8_t)(bits >> have);
		}
	}
	return true;
}

void zone_key_hash_name(const uint8_t hash[ZONE_KEY_HASH_LEN], const uint8_t *apex, size_t apex_len,
                        struct dns_name *out)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint64_t bits = 0;
	int have = 0;
	uint8_t *at = out->wire;
	*at++ = HASH_LABEL_LEN;
	for (size_t i = 0; i < ZONE_KEY_HASH_LEN; i++) {
		bits = bits << 8 | hash[i];
		have += 8;
		while (have >= 5) {
			have -= 5;
			*at++ = (uint8_t)digits[bits >> have & 31];
		}
	}
	memcpy(at, apex, apex_len);
	out->len = (uint8_t)(1 + HASH_LABEL_LEN + apex_len);
}
