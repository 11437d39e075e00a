/* SPDX-License-Identifier: MIT */
/* Checks of a whole version: what cannot be a zone refuses it, what will hurt is told. */
#pragma once

#include "change/changeset.h"
#include "publish/publish.h"

/* Looks at every RRset once. Problems go to policy->problems. False when a problem of severity error was found under
 * this policy: ERROR_INVALID, the text has the first one and how many more. */
MUST_USE bool publish_check(const struct zone_snapshot *snapshot, const struct publish_policy *policy,
                            struct error *error);

/* The same for a version that may not be refused (policy->strict is false) and of which `set` is what is new in it: looks at the
 * names of that alone, so that it costs what the change costs. Not told is what a change makes of names that it does not touch: an
 * NS whose address went, what lies below a DNAME that came. */
void publish_check_change(const struct zone_snapshot *snapshot, const struct changeset *set,
                          const struct publish_policy *policy);
