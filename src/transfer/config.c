/* SPDX-License-Identifier: MIT */
/* Configurations of secondary zones, one copy for all zones that have the same in a row: there may be a million. */
#include "transfer/transfer_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"

struct shared_config {
	struct transfer_secondary_config config; /* first: what is handed out */
	size_t users;
};

static bool same_source(const struct transfer_source *a, const struct transfer_source *b)
{
	return address_equal(&a->v4, &b->v4) && address_equal(&a->v6, &b->v6);
}

static bool same_options(const struct transfer_secondary_config *a, const struct transfer_secondary_config *b)
{
	return same_source(&a->query_source, &b->query_source) &&
	       same_source(&a->transfer_source, &b->transfer_source) && a->refresh_min_s == b->refresh_min_s &&
	       a->refresh_max_s == b->refresh_max_s && a->retry_min_s == b->retry_min_s &&
	       a->retry_max_s == b->retry_max_s && a->expire_min_s == b->expire_min_s &&
	       a->expire_max_s == b->expire_max_s && a->records_max == b->records_max && a->bytes_max == b->bytes_max &&
	       a->transfer_idle_ms == b->transfer_idle_ms && a->transfer_total_ms == b->transfer_total_ms &&
	       a->transfer_rate_min == b->transfer_rate_min && a->follows_lower == b->follows_lower &&
	       a->lower_after_s == b->lower_after_s && a->pin_s == b->pin_s;
}

const struct transfer_secondary_config *transfer_config_share(struct transfer_scheduler *scheduler,
                                                              const struct transfer_secondary_config *config)
{
	const struct transfer_secondary_config **newest = transfer_scheduler_newest_config(scheduler);
	if (*newest == NULL || !same_options(*newest, config)) {
		struct shared_config *shared = memory_new(sizeof *shared);
		shared->config = *config;
		shared->config.primaries = NULL;
		shared->config.primary_count = 0;
		shared->config.primary_keys = NULL;
		shared->config.primary_is_tandem = NULL;
		*newest = &shared->config;
	}
	((struct shared_config *)*newest)->users++;
	return *newest;
}

void transfer_config_release(struct transfer_scheduler *scheduler, const struct transfer_secondary_config *take)
{
	struct shared_config *shared = (struct shared_config *)take;
	const struct transfer_secondary_config **newest = transfer_scheduler_newest_config(scheduler);
	if (take == NULL || --shared->users > 0) {
		return;
	}
	if (*newest == take) {
		*newest = NULL;
	}
	free(shared);
}
