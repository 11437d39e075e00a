/* SPDX-License-Identifier: MIT */
/* Building a version from RRs in any order: the first one of a line, or one that shares with the version before what
 * turns out to be the same.
 *
 *     zone_builder_add --> intake --> packer --> stream: leaves, aside, ticks          for each owner
 *     zone_builder_finish --> stream: aside sorted and merged, base rejoined --> tree  for each tree
 *
 *   intake.c    RRs to groups of one owner, on two threads where there are many
 *   pack.c      the RRs of an owner to its body; together.c: bodies of one owner to one
 *   stream.c    where bodies wait, and how they come into order; rejoin.c: beside the version before
 *   leaves.c    bodies in order to pages */
#include <stdlib.h>

#include "zone/apply_internal.h"
#include "zone/intake_internal.h"
#include "zone/stream_internal.h"

struct zone_builder {
	struct zone_line *line;
	struct zone_snapshot *version;
	const struct zone_snapshot *base; /* a reference; NULL: it is a line's first version */
	struct zone_intake intake;
	/* Of whoever takes from the intake, until that has ended: */
	struct zone_packer packer;
	struct zone_stream names;
	struct zone_stream hashes;
	uint64_t bytes; /* of what was made */
	bool gathered;  /* all that was made is in the version's trees */
};

static void take_group(void *context, const struct zone_delta *group, size_t count)
{
	struct zone_builder *builder = context;
	zone_stream_take(group[0].in_hashes ? &builder->hashes : &builder->names, group, count);
}

/* `base` NULL: a line's first version. */
static struct zone_builder *builder_new(struct zone_line *line, const struct zone_snapshot *base)
{
	struct zone_builder *builder = memory_new(sizeof *builder);
	builder->line = line;
	builder->version = zone_version_new(line);
	builder->base = base == NULL ? NULL : zone_ref(base);
	zone_intake_init(&builder->intake, line, take_group, builder);
	zone_packer_init(&builder->packer, builder->version, base);
	zone_stream_init(&builder->names, &builder->packer, false, base);
	zone_stream_init(&builder->hashes, &builder->packer, true, base);
	return builder;
}

struct zone_builder *zone_builder_new(const uint8_t *apex, uint16_t class)
{
	return builder_new(zone_line_new(apex, class), NULL);
}

/* What changes shares nothing new, its TTLs may have no numbers, its pages get less full: a line of many changes takes
 * more memory than it took at first, and some day it is time to begin anew. */
static bool is_worn(const struct zone_snapshot *zone)
{
	const struct zone_line *line = zone->line;
	double at_first = (double)line->first_bytes / (double)line->first_records;
	return (double)zone->bytes > 1.25 * at_first * (double)zone->counts.records;
}

struct zone_builder *zone_builder_new_from(const struct zone_snapshot *base, const uint8_t *apex, uint16_t class)
{
	bool fits = base != NULL && base->line->class == class && dns_name_same(base->line->apex, apex);
	if (!fits || is_worn(base)) {
		return zone_builder_new(apex, class);
	}
	return builder_new(base->line, base);
}

enum zone_add zone_builder_add(struct zone_builder *builder, const uint8_t *owner, uint16_t type, uint32_t ttl,
                               const uint8_t *rdata, size_t rdata_len)
{
	return zone_intake_add(&builder->intake, owner, type, ttl, rdata, rdata_len);
}

/* ---- the end ---- */

static void gather_tree(struct zone_builder *builder, struct zone_stream *stream, struct zone_tree *tree)
{
	zone_stream_finish(stream);
	tree->root = zone_tree_over(&stream->leaves.refs, builder->version->number, &builder->bytes);
	builder->bytes += stream->leaves.bytes;
}

/* Puts all that came into the version's trees. */
static void gather(struct zone_builder *builder)
{
	zone_intake_end(&builder->intake);
	gather_tree(builder, &builder->names, &builder->version->names);
	gather_tree(builder, &builder->hashes, &builder->version->hashes);
	builder->bytes += builder->packer.editing.writing.blob_bytes - builder->packer.bytes_given_up;
	builder->gathered = true;
}

static bool is_good(const struct zone_builder *builder, struct error *error)
{
	if (builder->packer.failed) {
		if (error != NULL) {
			*error = builder->packer.error;
		}
		return false;
	}
	return zone_tree_has_one_soa(builder->version->names.root, builder->line->ttls, error);
}

static void builder_free(struct zone_builder *builder)
{
	zone_stream_deinit(&builder->names);
	zone_stream_deinit(&builder->hashes);
	zone_packer_deinit(&builder->packer);
	zone_unref(builder->base);
	free(builder);
}

static struct zone_counts counts_sum(const struct zone_counts *a, const struct zone_counts *b)
{
	return (struct zone_counts){
	        .records = a->records + b->records,
	        .names = a->names + b->names,
	        .wildcards = a->wildcards + b->wildcards,
	        .cuts = a->cuts + b->cuts,
	        .stars = a->stars + b->stars,
	        .nsec3s = a->nsec3s + b->nsec3s,
	};
}

static void describe_bytes(const struct zone_builder *builder, struct zone_snapshot *version)
{
	struct zone_line *line = builder->line;
	if (builder->base != NULL) {
		version->bytes_own = builder->bytes + sizeof *version;
		version->bytes = builder->base->bytes + builder->bytes - builder->packer.bytes_retired;
		return;
	}
	version->bytes = builder->bytes + sizeof *version + sizeof *line + line->shared_bytes;
	version->bytes_own = version->bytes;
	line->first_bytes = version->bytes;
	line->first_records = version->counts.records;
}

struct zone_snapshot *zone_builder_finish(struct zone_builder *take, struct zone_build_report *report,
                                          struct error *error)
{
	struct zone_snapshot *version = take->version;
	gather(take);
	if (!is_good(take, error)) {
		zone_builder_free(take);
		return NULL;
	}
	take->line->ttls_closed = true;
	version->counts = counts_sum(&take->names.leaves.counts, &take->hashes.leaves.counts);
	describe_bytes(take, version);
	zone_version_describe(version, true);
	zone_version_link(version, (struct zone_snapshot *)(uintptr_t)take->base);
	if (report != NULL) {
		*report = take->packer.editing.report;
	}
	builder_free(take);
	return version;
}

void zone_builder_free(struct zone_builder *take)
{
	if (take == NULL) {
		return;
	}
	struct zone_snapshot *version = take->version;
	if (!take->gathered) {
		gather(take); /* whatever was made can be found and freed in the trees */
	}
	zone_tree_free(version->names.root, take->line, version->number - 1);
	zone_tree_free(version->hashes.root, take->line, version->number - 1);
	zone_version_discard(version);
	builder_free(take);
}
