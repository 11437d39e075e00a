/* SPDX-License-Identifier: MIT */
/* What the store has of a zone that left the configuration goes when an operator says so, and not before. */
#pragma once

#include "control/control.h"

struct server;

/* Removes what is stored of a zone that is not configured, once the last work for it is over; `out` gets what was removed.
 * ERROR_INVALID    it is configured
 * ERROR_NOT_FOUND  nothing is stored of it
 * ERROR_TIMEOUT    work for it is not over after the order's `timeout_ms`, or before the asker had gone; nothing was removed
 * ERROR_STOPPED    the server stops
 * and as store_forget(). Any of the API's threads. Holds up reloads while it writes. */
MUST_USE bool forget_zone(struct server *server, const struct control_order *order, struct text *out,
                          struct error *error);
/* Says that the zone is configured; false. */
bool forget_refuse(struct error *error);
