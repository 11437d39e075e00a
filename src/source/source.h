/* SPDX-License-Identifier: MIT */
/* The door of src/source: where a primary's content comes from. Today: zone files.
 *
 * Knows   the zone file's records and the builder.
 * Not     serial policy, the store, who publishes the result. */
#pragma once

#include "zone/zone.h"
#include "zonefile/zonefile.h"

/* A file that changes while it is read is read again so many times. */
#define SOURCE_READ_TRIES 5

struct source_report {
	struct zonefile_result file;
	struct zone_build_report build;
};

/* Reads a zone file into a candidate version. `base` (borrowed for the call; may be NULL): a version of the zone, with
 * which the candidate shares what is the same, so that reading a file that changed a little takes little memory.
 * `problems` (may be NULL) is told every error and warning, those about the zone as a whole included (mixed TTLs).
 * `files` is initialised; it gets what was read. Blocks on the disk. NULL on failure:
 * ERROR_SYNTAX, ERROR_INVALID, ERROR_LIMIT, ERROR_NOT_FOUND, ERROR_DENIED, ERROR_IO  as zonefile_read_file and
 *     zone_builder_finish say
 * ERROR_STALE  it changed during each of SOURCE_READ_TRIES tries */
const struct zone_snapshot *source_read_zone_file(const char *path, const uint8_t *apex,
                                                  const struct zone_snapshot *base,
                                                  struct zonefile_problem_sink *problems, struct zonefile_files *files,
                                                  struct source_report *report, struct error *error);

/* `files` as octets, on the heap, and back into an initialised, empty one. False, and still empty: they are none. */
uint8_t *source_files_to_octets(const struct zonefile_files *files, size_t *len);
MUST_USE bool source_files_from_octets(const uint8_t *octets, size_t len, struct zonefile_files *files);

/* Writes a version as a zone file. */
void source_write_zone(const struct zone_snapshot *snapshot, struct zonefile_output *output);
/* Same into a file, replacing it as a whole (base/file.h). */
MUST_USE bool source_write_zone_file(const struct zone_snapshot *snapshot, const char *path, struct error *error);
