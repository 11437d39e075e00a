/* SPDX-License-Identifier: MIT */
/* What the disk refused is written when it takes writes again, without an order and without waiting for the zone's next timers.
 *
 * Zones of which something could not be written stand in a list. One of them is tried now and then; when that is written, all
 * others are. */
#pragma once

#include "base/clock.h"
#include "server/zones_internal.h"

/* With the loop, before anything is written; and when the loop's thread has ended. */
void rewrite_init(struct server *server);
void rewrite_deinit(struct server *server);

/* Something of the zone was written, or was not. Any thread. */
void rewrite_note(struct server_zone *zone, bool is_written);
