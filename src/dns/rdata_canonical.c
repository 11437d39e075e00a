/* SPDX-License-Identifier: MIT */
/* Names inside RDATA, and the form and order that depend on them (RFC 4034 6.2 and 6.3, RFC 6840 5.1). */
#include "dns/rdata_internal.h"

#include <string.h>

#include "dns/name.h"

#define BIT(type) (UINT64_C(1) << (type))

/* Types with folded names, all below 64; a test compares it with the rows. */
static const uint64_t types_with_names = BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) |
                                         BIT(12) | BIT(14) | BIT(15) | BIT(17) | BIT(18) | BIT(21) | BIT(24) | BIT(26) |
                                         BIT(30) | BIT(33) | BIT(35) | BIT(36) | BIT(38) | BIT(39) | BIT(46);

bool dns_type_has_names(uint16_t type)
{
	return type < 64 && (types_with_names >> type & 1) != 0;
}

/* Where the first folded name begins, for the types whose fields before it differ in length; `len` if there is none. */
static size_t seek_name(uint16_t type, const uint8_t *rdata, size_t len)
{
	if (type == DNS_TYPE_NAPTR) {
		size_t at = 4;
		for (unsigned strings = 0; strings < 3; strings++) {
			at += 1u + rdata[at];
		}
		return at;
	}
	/* A6 (RFC 2874 3.1): prefix length, as many octets as hold the rest of 128 bits, and a name if there is a prefix. */
	size_t at = 1 + (128u - rdata[0] + 7) / 8;
	return rdata[0] == 0 ? len : at;
}

size_t dns_rdata_names(uint16_t type, const uint8_t *rdata, size_t len, struct dns_rdata_name *names)
{
	if (!dns_type_has_names(type)) {
		return 0;
	}
	const struct rdata_row *row = &rdata_rows[type];
	size_t at = row->name_at == RDATA_NAMES_SEEK ? seek_name(type, rdata, len) : row->name_at;
	size_t count = 0;
	while (count < row->name_count && at < len) {
		size_t name_len = dns_name_len(rdata + at);
		names[count++] = (struct dns_rdata_name){
		        .offset = (uint16_t)at,
		        .len = (uint16_t)name_len,
		        .compressible = row->names_packed,
		        .case_folded = true,
		};
		at += name_len;
	}
	return count;
}

void dns_rdata_canonical(uint16_t type, const uint8_t *rdata, size_t len, uint8_t *out)
{
	struct dns_rdata_name names[DNS_RDATA_NAMES_MAX];
	size_t count = dns_rdata_names(type, rdata, len, names);
	if (out != rdata && len > 0) {
		memcpy(out, rdata, len);
	}
	for (size_t i = 0; i < count; i++) {
		uint8_t *name = out + names[i].offset;
		dns_octets_lower(name, names[i].len, name);
	}
}

/* The first difference within [from, to), as compare gives it. */
static int compare_folded(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		int difference = (int)dns_lower[a[i]] - (int)dns_lower[b[i]];
		if (difference != 0) {
			return difference;
		}
	}
	return 0;
}

static int compare_octets(const uint8_t *a, const uint8_t *b, size_t from, size_t to)
{
	return to > from ? memcmp(a + from, b + from, to - from) : 0;
}

int dns_rdata_compare(uint16_t type, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t shorter = a_len < b_len ? a_len : b_len;
	struct dns_rdata_name names[DNS_RDATA_NAMES_MAX];
	/* Up to the first difference both have their names at the same places. */
	size_t count = dns_rdata_names(type, a, a_len, names);
	size_t at = 0;
	int order = 0;
	for (size_t i = 0; i < count && order == 0; i++) {
		size_t start = names[i].offset < shorter ? names[i].offset : shorter;
		size_t end = (size_t)names[i].offset + names[i].len;
		end = end < shorter ? end : shorter;
		order = compare_octets(a, b, at, start);
		order = order != 0 ? order : compare_folded(a, b, start, end);
		at = end;
	}
	order = order != 0 ? order : compare_octets(a, b, at, shorter);
	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}
