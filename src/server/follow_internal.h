/* SPDX-License-Identifier: MIT */
/* A secondary zone on the replication loop: between its machine (src/transfer), the zone writers and the store. */
#pragma once

#include "server/zones_internal.h"
#include "transfer/transfer.h"

/* Sets up, changes or takes down the machine as the zone's options say. Any thread; posted to the loop. */
void follow_configure(struct server_zone *zone);

/* A zone writer found what the disk has, what leads to it, its digest, and where it came from: `take` NULL: nothing. Any
 * thread. */
void follow_restored(struct server_zone *zone, const struct zone_snapshot *take,
                     const struct change_history *take_history, const struct change_digest *digest,
                     const struct transfer_origin *origin, const struct change_deadlines *timers);

/* What writer_offer_restored was given is served now. Any thread. */
void follow_restored_served(struct server_zone *zone);

/* What came of an offer of a transfer; dropped when the machine that asked is gone. `take`: what is served, or a copy;
 * `digest`: of it, NULL: not known. Any thread. */
void follow_published(struct server_zone *zone, uint32_t generation, const struct zone_snapshot *take,
                      const struct change_digest *digest);
void follow_refused(struct server_zone *zone, uint32_t generation, const struct error *error);

/* What is served was held against its ZONEMD; `problem` NULL: there is none. The rest as above. */
void follow_verified(struct server_zone *zone, uint32_t generation, const struct zone_snapshot *take,
                     const struct change_digest *digest, const struct error *problem);

/* A NOTIFY that was allowed. False: it cannot be followed now, so that it is not to be answered either: its sender repeats it.
 * Any thread. */
MUST_USE bool follow_notified(struct server_zone *zone, const struct address *from, const struct transfer_hint *hint);

/* REFRESH (also RELOAD) or RETRANSFER. False: the zone is no secondary, or has not started yet. Loop's thread. */
bool follow_order(struct server_zone *zone, enum control_action action, struct moment now);
/* Has the machine's timers remembered, if it has started. Loop's thread. */
void follow_tell_timers(struct server_zone *zone, struct moment now);
/* NULL: as above. Loop's thread. */
const struct transfer_secondary *follow_machine(const struct server_zone *zone);

/* The server stops: what is under way is remembered as still to be done, then as follow_free. */
void follow_stop(struct server_zone *zone, struct moment now);
/* Loop's thread, or after it has ended. */
void follow_free(struct server_zone *zone, struct moment now);
