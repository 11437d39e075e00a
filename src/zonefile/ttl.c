/* SPDX-License-Identifier: MIT */
#include "zonefile/zonefile.h"

#include "dns/type.h"

/* RFC 2181 8: a TTL has 31 bits. */
#define TTL_MAX 0x7fffffffu

static bool refuse(const char **why, const char *reason)
{
	if (why != NULL) {
		*why = reason;
	}
	return false;
}

bool zonefile_ttl_from_text(const char *chars, size_t len, uint32_t *ttl, const char **why)
{
	uint64_t sum = 0;
	const char *at = chars;
	const char *end = chars + len;
	bool with_units = false;
	if (len == 0) {
		return refuse(why, "is empty");
	}
	while (at < end) {
		uint64_t number = 0;
		const char *digits = at;
		for (; at < end && *at >= '0' && *at <= '9' && number <= TTL_MAX; at++) {
			number = number * 10 + (uint64_t)(*at - '0');
		}
		uint32_t unit = at < end ? dns_unit_seconds(*at) : 1;
		if (number > TTL_MAX || number * (unit == 0 ? 1 : unit) + sum > TTL_MAX) {
			return refuse(why, "is greater than 2147483647 seconds (RFC 2181 8)");
		}
		/* "1h30" could be 30 seconds or minutes: units throughout or not at all. */
		if (at == digits || unit == 0 || (at == end && with_units)) {
			return refuse(why, "is no TTL: seconds, or numbers with the units s, m, h, d, w");
		}
		sum += number * unit;
		with_units = true;
		at += at < end ? 1 : 0;
	}
	*ttl = (uint32_t)sum;
	return true;
}
