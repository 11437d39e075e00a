/* SPDX-License-Identifier: MIT */
/* Serial number arithmetic of the SOA (RFC 1982 3.2, SERIAL_BITS 32). */
#pragma once

#include <stdint.h>

enum dns_serial_order {
	DNS_SERIAL_EQUAL,
	DNS_SERIAL_OLDER,        /* the first is before the second */
	DNS_SERIAL_NEWER,        /* the first is after the second */
	DNS_SERIAL_INCOMPARABLE, /* exactly 2^31 apart: neither (RFC 1982 3.2) */
};

static inline enum dns_serial_order dns_serial_compare(uint32_t first, uint32_t second)
{
	uint32_t ahead = first - second;
	if (ahead == 0) {
		return DNS_SERIAL_EQUAL;
	}
	if (ahead == 0x80000000u) {
		return DNS_SERIAL_INCOMPARABLE;
	}
	return ahead < 0x80000000u ? DNS_SERIAL_NEWER : DNS_SERIAL_OLDER;
}
