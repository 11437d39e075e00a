/* SPDX-License-Identifier: MIT */
#include "server/verify_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "publish/zonemd.h"
#include "server/follow_internal.h"
#include "server/server_internal.h"

struct verify_job {
	struct job job;           /* first */
	struct server_zone *zone; /* a reference */
	uint32_t generation;
};

static void verify_served(struct server_zone *zone, uint32_t generation)
{
	struct change_digest digest;
	const struct zone_snapshot *served = publish_line_served_with(zone->line, &digest);
	struct error why;
	if (served == NULL) {
		return;
	}
	bool is_bad = publish_verify_zonemd(served, &why) == PUBLISH_ZONEMD_BAD;
	if (atomic_load(&zone->server->stopping)) {
		zone_unref(served);
	} else {
		follow_verified(zone, generation, served, &digest, is_bad ? &why : NULL);
	}
}

static void run(struct job *self)
{
	struct verify_job *job = (struct verify_job *)self;
	struct server_zone *zone = job->zone;
	atomic_store(&zone->is_to_be_verified, false); /* what comes from now on is verified again */
	if (!atomic_load(&zone->server->stopping) && !atomic_load(&zone->is_removed)) {
		verify_served(zone, job->generation);
	}
	server_zone_unref(zone);
	free(job);
}

void verify_zonemd(struct server_zone *zone, uint32_t generation)
{
	struct copies *copies = &zone->server->copies;
	if (atomic_exchange(&zone->is_to_be_verified, true)) {
		return;
	}
	struct verify_job *job = memory_new(sizeof *job);
	job->job.run = run;
	job->zone = server_zone_ref(zone);
	job->generation = generation;
	jobs_add(copies->jobs, copies->others, &job->job);
}
