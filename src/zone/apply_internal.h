/* SPDX-License-Identifier: MIT */
/* From sorted deltas to the trees of the next version. First every touched owner gets its new body, which may fail;
 * then names below cuts that came or went get theirs; then the trees are rebuilt, which cannot fail. */
#pragma once

#include "base/memory.h"
#include "zone/edit_internal.h"
#include "zone/tree_internal.h"

struct zone_edits {
	struct zone_edit *list;
	size_t count;
	size_t capacity;
};

/* An owner that became a cut or DNAME, or ceased to be one. */
struct zone_flip {
	const uint8_t *key;
	uint16_t key_len;
	uint8_t labels;
	bool is_cut; /* from now on */
};

/* Flips that lie above a name while names pass by in canonical order. */
struct zone_flips_above {
	size_t next; /* flips before this one have been looked at */
	size_t depth;
	size_t open[DNS_LABELS_MAX + 1];
};

struct zone_applying {
	struct zone_editing editing;
	struct zone_tree names; /* before; after zone_applying_rebuild: after */
	struct zone_tree hashes;
	struct zone_counts counts; /* likewise */
	struct zone_chain *chains; /* borrowed; their counts follow */
	size_t chain_count;
	uint64_t bytes_new; /* pages; blobs are counted in editing.writing */
	uint64_t bytes_retired;
	struct zone_blocks retired;
	/* work */
	struct arena arena;
	struct zone_edits name_edits;
	struct zone_edits hash_edits;
	struct zone_flip *flips;
	size_t flip_count;
	size_t flip_capacity;
	struct zone_flips_above above;
	struct zone_buffer body;
};

void zone_applying_init(struct zone_applying *applying, struct zone_line *line, uint64_t birth, bool lenient);
/* Frees what is left of the work; blobs that were made stay when `keep`. */
void zone_applying_deinit(struct zone_applying *applying, bool keep);

/* Sorts pointers to deltas of many owners as zone_applying_edit wants them. */
void zone_applying_sort(const struct zone_delta **deltas, size_t count);
bool zone_applying_edit(struct zone_applying *applying, const struct zone_delta *const *deltas, size_t count,
                        struct error *error);
void zone_applying_rebuild(struct zone_applying *applying);

/* Counts what a body holds, `sign` 1 or -1. */
void zone_counts_add(struct zone_counts *counts, const uint8_t *body, const uint32_t *ttls, const uint8_t *key,
                     size_t key_len, bool in_hashes, int sign);

/* Flags of a body from what zone_edit_rrsets found and where the owner stands. */
uint8_t zone_body_flags(const struct zone_edited *edited, size_t key_len, bool in_hashes);
/* The owner of an item in its case. */
void zone_item_owner(const struct zone_line *line, const struct zone_item *item, bool in_hashes, struct dns_name *out);
/* The case octets of an owner against its key; NULL: plain. `room` has 33 octets. */
const uint8_t *zone_owner_case(const struct zone_line *line, const struct zone_delta *delta, uint8_t *room);

/* Fills in what a version tells about itself from its trees: apex, serial, chains. `count_chains`: their NSEC3s are
 * counted by a walk, else `chains` is right but for the choice. */
void zone_version_describe(struct zone_snapshot *version, bool count_chains);
/* True: the apex of this tree has exactly one SOA. */
bool zone_tree_has_one_soa(const struct zone_page *root, const uint32_t *ttls, struct error *error);

/* denial.c: the chains that the apex names (at most ZONE_CHAINS_MAX), their counts 0. */
size_t zone_chains_read(const struct zone_snapshot *version, struct zone_chain *chains);
bool zone_chains_same(const struct zone_chain *a, size_t a_count, const struct zone_chain *b, size_t b_count);
/* Adds `sign` to the chains that an NSEC3 owner's body belongs to. */
void zone_chains_count(struct zone_chain *chains, size_t count, const uint8_t *body, const uint32_t *ttls, int sign);
