/* SPDX-License-Identifier: MIT */
/* Which serial a primary's version gets. */
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "dns/message.h"
#include "dns/serial.h"
#include "dns/type.h"
#include "publish/publish.h"

static bool is_newer(uint32_t serial, uint32_t than)
{
	return dns_serial_compare(serial, than) == DNS_SERIAL_NEWER;
}

/* YYYYMMDD00 of a wall time, in UTC so that servers in different places agree. */
static uint32_t serial_of_date(int64_t wall_s)
{
	time_t seconds = (time_t)wall_s;
	struct tm parts;
	gmtime_r(&seconds, &parts);
	unsigned day = (unsigned)(parts.tm_year + 1900) * 10000u + (unsigned)(parts.tm_mon + 1) * 100u +
	               (unsigned)parts.tm_mday;
	return day * 100u;
}

static uint32_t raised(enum publish_serial_policy policy, uint32_t last, int64_t wall_s)
{
	uint32_t wanted = last + 1;
	switch (policy) {
	case PUBLISH_SERIAL_KEEP:
	case PUBLISH_SERIAL_RAISE:
		break;
	case PUBLISH_SERIAL_UNIXTIME:
		wanted = (uint32_t)wall_s;
		break;
	case PUBLISH_SERIAL_DATE:
		wanted = serial_of_date(wall_s);
		break;
	}
	return is_newer(wanted, last) ? wanted : last + 1;
}

/* Up to here serials were given, or may have been: with content that is lost, or to somebody else's. */
static uint32_t given_last(const struct store_head *last)
{
	return last->has_top && is_newer(last->top, last->serial_published) ? last->top : last->serial_published;
}

enum publish_serial_outcome publish_choose_serial(enum publish_serial_policy policy, const struct store_head *last,
                                                  uint32_t offered, bool same_content, int64_t wall_s, uint32_t *serial)
{
	*serial = offered;
	if (last == NULL) {
		return PUBLISH_SERIAL_AS_OFFERED;
	}
	/* A serial that is kept is the operator's: what it may stand for is up to him. */
	uint32_t given = policy == PUBLISH_SERIAL_KEEP ? last->serial_published : given_last(last);
	if (is_newer(offered, given)) {
		return PUBLISH_SERIAL_AS_OFFERED;
	}
	/* Somebody may have a later version with other content, and must be led to this one. */
	bool is_last = given == last->serial_published;
	if (same_content && is_last && (policy != PUBLISH_SERIAL_KEEP || offered == last->serial_published)) {
		*serial = last->serial_published;
		return PUBLISH_SERIAL_SAME;
	}
	if (policy == PUBLISH_SERIAL_KEEP) {
		return PUBLISH_SERIAL_REFUSED;
	}
	*serial = raised(policy, given, wall_s);
	return PUBLISH_SERIAL_RAISED;
}

bool publish_is_sealed(const struct zone_snapshot *snapshot)
{
	struct zone_node apex;
	struct zone_rrset rrset;
	zone_apex(snapshot, &apex);
	zone_soa(snapshot, &rrset);
	return rrset.sig_count > 0 || (zone_node_rrset(&apex, DNS_TYPE_ZONEMD, &rrset) && rrset.count > 0);
}

const struct zone_snapshot *publish_with_serial(const struct zone_snapshot *snapshot, uint32_t serial,
                                                struct error *error)
{
	struct zone_rrset soa;
	uint8_t rdata[2 * DNS_NAME_MAX + 20];
	zone_soa(snapshot, &soa);
	uint16_t len = load_u16(soa.rdatas);
	ensure(len <= sizeof rdata);
	memcpy(rdata, soa.rdatas + 2, len);
	dns_soa_set_serial(rdata, len, serial);
	struct zone_change changes[] = {
	        {.type = DNS_TYPE_SOA, .owner = zone_name(snapshot), .rdata = soa.rdatas + 2, .rdata_len = len},
	        {.add = true,
	         .type = DNS_TYPE_SOA,
	         .ttl = soa.ttl,
	         .owner = zone_name(snapshot),
	         .rdata = rdata,
	         .rdata_len = len},
	};
	return zone_apply(snapshot, changes, ARRAY_LENGTH(changes), error);
}
