/* SPDX-License-Identifier: MIT */
/* Checks of a whole version: what cannot be a zone refuses it, what will hurt is told. */
#pragma once

#include "publish/publish.h"

/* Looks at every RRset once. Problems go to policy->problems. False when a problem of severity error was found under
 * this policy: ERROR_INVALID, the text has the first one and how many more. */
MUST_USE bool publish_check(const struct zone_snapshot *snapshot, const struct publish_policy *policy,
                            struct error *error);
