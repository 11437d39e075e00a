/* SPDX-License-Identifier: MIT */
/* Telling a zone's secondaries of new versions: between publishing and the NOTIFY machine on the replication loop. */
#pragma once

#include "server/zones_internal.h"
#include "transfer/transfer.h"

/* A version is served. By the zone's jobs. */
void announce_version(struct server_zone *zone, const struct zone_snapshot *snapshot,
                      enum transfer_notify_reason reason);
/* An operator wants all targets told of what is served. False: nothing is served, or there are no targets. Loop's
 * thread. */
bool announce_again(struct server_zone *zone, struct moment now);
/* Other targets. Any thread. */
void announce_configure(struct server_zone *zone);
/* A host was given this version. Any thread. */
void announce_seen(struct server_zone *zone, const struct address *host, uint32_t serial);

/* Who has acknowledged what was announced last is written again. Loop's thread. */
void announce_save(struct server_zone *zone);

/* NULL: nobody is told yet. Loop's thread. */
const struct transfer_notifier *announce_machine(const struct server_zone *zone);

/* Loop's thread, or after it has ended. */
void announce_free(struct server_zone *zone, struct moment now);

/* Before the loop's thread starts, and after it has ended. */
void announce_init(struct server *server);
void announce_deinit(struct server *server);
