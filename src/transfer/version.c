/* SPDX-License-Identifier: MIT */
#include "transfer/transfer.h"

#include "base/ensure.h"

const char *transfer_phase_name(enum transfer_phase phase)
{
	static const char *const names[] = {
	        [TRANSFER_PHASE_IDLE] = "idle",
	        [TRANSFER_PHASE_CHECKING] = "checking",
	        [TRANSFER_PHASE_QUEUED] = "queued",
	        [TRANSFER_PHASE_FETCHING] = "fetching",
	        [TRANSFER_PHASE_PUBLISHING] = "publishing",
	};
	ensure((size_t)phase < ARRAY_LENGTH(names));
	return names[phase];
}

struct transfer_version transfer_version_of(const struct zone_snapshot *zone)
{
	struct zone_rrset rrset;
	struct dns_soa soa;
	zone_soa(zone, &rrset);
	dns_soa_read(rrset.rdatas + 2, load_u16(rrset.rdatas), &soa);
	return (struct transfer_version){
	        .serial = soa.serial,
	        .refresh_s = soa.refresh_s,
	        .retry_s = soa.retry_s,
	        .expire_s = soa.expire_s,
	};
}
