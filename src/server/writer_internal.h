/* SPDX-License-Identifier: MIT */
/* What the zone writers do: each function queues one job of a zone. Any thread may call; jobs of one zone run in the order
 * of calling. */
#pragma once

#include "server/zones_internal.h"
#include "store/store.h"
#include "transfer/transfer.h"

/* Reads a primary's file and publishes what it says; where the file is as it was read last, does nothing unless
 * `always`. Ends waits for CONTROL_RELOAD. A load that has not begun yet stands for all that are asked for meanwhile. */
void writer_load_file(struct server_zone *zone, bool always);

/* Brings back what a secondary had when the server stopped, then tells the replication loop (follow_restored). */
void writer_restore(struct server_zone *zone);

/* Finishes and publishes a version that came by transfer; the outcome goes to follow_published or follow_refused. Takes
 * `transfer`. `who` is copied, `generation` comes back with the outcome. */
void writer_offer(struct server_zone *zone, struct transfer_in *take, const char *who, bool forced,
                  uint32_t generation);
/* Serves the version that writer_restore found, with what leads to it (NULL: nothing). */
void writer_offer_restored(struct server_zone *zone, const struct zone_snapshot *take,
                           const struct change_history *take_history);

/* Remembers a secondary's timers. */
void writer_save_timers(struct server_zone *zone, const struct change_deadlines *timers);

/* Remembers who has acknowledged the NOTIFY of the version with this serial; the list is copied. */
void writer_save_acknowledgements(struct server_zone *zone, uint32_t serial,
                                  const struct store_acknowledgement *acknowledgements, size_t count);

/* Stops serving a zone that has expired. */
void writer_expire(struct server_zone *zone);

/* Writes the served version to the zone's file (secondaries) and ends waits for CONTROL_EXPORT. */
void writer_export(struct server_zone *zone);

/* Makes what is served durable where it is not; ends waits for CONTROL_FLUSH. */
void writer_flush(struct server_zone *zone);
