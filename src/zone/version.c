/* SPDX-License-Identifier: MIT */
#include "zone/version_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/quiescent.h"

struct zone_line *zone_line_new(const uint8_t *apex, uint16_t class)
{
	size_t len = dns_name_len(apex);
	struct zone_line *line = memory_new(sizeof *line + len);
	pthread_mutex_init(&line->lock, NULL);
	memcpy(line->apex, apex, len);
	line->apex_len = (uint8_t)len;
	line->apex_labels = (uint8_t)dns_name_labels(apex);
	line->class = class;
	return line;
}

static bool is_held(const struct zone_line *line, const void *block)
{
	const uint8_t *at = block;
	return at >= line->held.from && at < line->held.to;
}

static void free_block(const struct zone_line *line, const struct zone_block *block)
{
	if (!is_held(line, block)) {
		free((void *)(uintptr_t)block);
	}
}

void zone_line_free(struct zone_line *line)
{
	pthread_mutex_destroy(&line->lock);
	for (size_t i = 0; i < line->shared.count; i++) {
		free_block(line, line->shared.list[i]);
	}
	free(line->shared.list);
	free(line->held.memory);
	free(line);
}

unsigned zone_line_ttl_number(struct zone_line *line, uint32_t ttl)
{
	for (unsigned i = 0; i < line->ttl_count; i++) {
		if (line->ttls[i] == ttl) {
			return i + 1;
		}
	}
	if (line->ttls_closed || line->ttl_count == ZONE_TTLS_MAX) {
		return 0;
	}
	line->ttls[line->ttl_count++] = ttl;
	return line->ttl_count;
}

struct zone_snapshot *zone_version_new(struct zone_line *line)
{
	static _Atomic uint64_t last_identity;
	struct zone_snapshot *version = memory_new(sizeof *version);
	version->line = line;
	version->identity = atomic_fetch_add_explicit(&last_identity, 1, memory_order_relaxed) + 1;
	atomic_init(&version->references, 1);
	pthread_mutex_lock(&line->lock);
	version->number = ++line->last_number;
	line->versions++;
	pthread_mutex_unlock(&line->lock);
	return version;
}

void zone_version_set_chains(struct zone_snapshot *version, const struct zone_chain *chains, size_t count)
{
	free(version->chains);
	version->chains = count == 0 ? NULL : memory_copy(chains, count * sizeof *chains);
	version->chain_count = count;
}

void zone_version_link(struct zone_snapshot *version, struct zone_snapshot *base)
{
	pthread_mutex_lock(&version->line->lock);
	version->base = base;
	if (base != NULL) {
		version->sibling_next = base->later;
		base->later = version;
	}
	pthread_mutex_unlock(&version->line->lock);
}

/* Frees the memory of the version itself; the line goes with its last one. Takes the lock over. */
static void version_free_locked(struct zone_snapshot *version)
{
	struct zone_line *line = version->line;
	bool last = --line->versions == 0;
	pthread_mutex_unlock(&line->lock);
	free(version->retired.list);
	free(version->chains);
	free(version);
	if (last) {
		zone_line_free(line);
	}
}

void zone_version_discard(struct zone_snapshot *version)
{
	pthread_mutex_lock(&version->line->lock);
	version_free_locked(version);
}

/* ---- freeing blocks (V3) ---- */

static void free_blobs_of(const struct zone_page *leaf, const struct zone_line *line, uint64_t younger_than)
{
	for (size_t i = 0; i < zone_page_count(leaf); i++) {
		struct zone_body body;
		zone_body_read(zone_page_body(leaf, i), &body);
		const uint8_t *at = body.rrsets;
		for (size_t r = 0; (body.flags & ZONE_BODY_BLOB) != 0 && r < body.rrset_count; r++) {
			struct zone_body_rrset rrset;
			at = zone_body_read_rrset(at, line->ttls, &rrset);
			const struct zone_part *parts[] = {&rrset.rrs, &rrset.sigs};
			for (size_t p = 0; p < 2; p++) {
				if (parts[p]->place == ZONE_PLACE_BLOB && parts[p]->blob->block.birth > younger_than) {
					free_block(line, &parts[p]->blob->block);
				}
			}
		}
	}
}

void zone_tree_free(const struct zone_page *page, const struct zone_line *line, uint64_t younger_than)
{
	if (page == NULL || page->block.birth <= younger_than || is_held(line, page)) {
		return; /* P4: nothing below is younger; nor is anything below what is held not held */
	}
	if (page->level > 0) {
		for (size_t i = 0; i < zone_page_count(page); i++) {
			zone_tree_free(zone_page_child(page, i), line, younger_than);
		}
	} else if ((page->block.flags & ZONE_PAGE_BLOB) != 0) {
		free_blobs_of(page, line, younger_than);
	}
	free((void *)(uintptr_t)page);
}

/* ---- versions that go ---- */

static void replace_in_base(struct zone_snapshot *version, struct zone_snapshot *by)
{
	if (version->base == NULL) {
		return;
	}
	struct zone_snapshot **at = &version->base->later;
	while (*at != version) {
		at = &(*at)->sibling_next;
	}
	if (by == NULL) {
		*at = version->sibling_next;
		return;
	}
	by->sibling_next = version->sibling_next;
	*at = by;
}

static void leave_to_later(struct zone_snapshot *version, uint64_t base_number)
{
	struct zone_snapshot *later = version->later;
	struct zone_blocks kept = version->retired;
	version->retired = (struct zone_blocks){0};
	for (size_t i = 0; i < later->retired.count; i++) {
		const struct zone_block *block = later->retired.list[i];
		if (block->birth > base_number) {
			free_block(version->line, block);
		} else {
			zone_blocks_add(&kept, block);
		}
	}
	free(later->retired.list);
	later->retired = kept;
	later->base = version->base;
	replace_in_base(version, later);
}

/* Called with the lock held; gives it back. */
static void version_go_locked(struct zone_snapshot *version)
{
	struct zone_snapshot *base = version->base;
	uint64_t base_number = base == NULL ? 0 : base->number;
	version->gone = true;
	if (version->later != NULL && version->later->sibling_next != NULL) {
		pthread_mutex_unlock(&version->line->lock);
		return;
	}
	if (version->later != NULL) {
		leave_to_later(version, base_number);
		version_free_locked(version);
		return;
	}
	zone_tree_free(version->names.root, version->line, base_number);
	zone_tree_free(version->hashes.root, version->line, base_number);
	replace_in_base(version, NULL);
	version_free_locked(version);
	if (base != NULL) {
		/* Only here can a base that waits for all but one of its later versions go on; it cannot have gone
		 * meanwhile unless this thread let it go, because a version goes on the reclaiming thread only. */
		pthread_mutex_lock(&base->line->lock);
		if (base->gone) {
			version_go_locked(base);
			return;
		}
		pthread_mutex_unlock(&base->line->lock);
	}
}

static void drop(void *memory)
{
	struct zone_snapshot *version = memory;
	if (atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) == 1) {
		pthread_mutex_lock(&version->line->lock);
		version_go_locked(version);
	}
}

const struct zone_snapshot *zone_ref(const struct zone_snapshot *zone)
{
	struct zone_snapshot *version = (struct zone_snapshot *)(uintptr_t)zone;
	uint32_t before = atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
	ensure(before > 0);
	return zone;
}

void zone_unref(const struct zone_snapshot *take)
{
	if (take != NULL) {
		/* The count itself goes down only after a grace period: a reader that found the snapshot published
		 * may take a reference until then. */
		quiescent_defer(drop, (void *)(uintptr_t)take);
	}
}

void zone_unref_unseen(const struct zone_snapshot *take)
{
	struct zone_snapshot *version = (struct zone_snapshot *)(uintptr_t)take;
	pthread_mutex_lock(&version->line->lock);
	ensure(atomic_load_explicit(&version->references, memory_order_acquire) == 1 && version->later != NULL);
	version_go_locked(version);
}
