/* SPDX-License-Identifier: MIT */
#include "zone/pack_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "zone/apply_internal.h"
#include "zone/pool_internal.h"

void zone_packer_init(struct zone_packer *packer, struct zone_snapshot *version, const struct zone_snapshot *base)
{
	struct zone_line *line = version->line;
	*packer = (struct zone_packer){.line = line, .version = version};
	packer->editing = (struct zone_editing){
	        .writing = {.line = line, .birth = version->number},
	        .lenient = true,
	        .retired = &packer->retired,
	};
	packer->editing.writing.pool = base == NULL ? zone_pool_new(line, version->number) : zone_pool_new_from(line);
}

void zone_packer_deinit(struct zone_packer *packer)
{
	zone_pool_free(packer->editing.writing.pool);
	zone_editing_free(&packer->editing);
	zone_buffer_free(&packer->body);
	free(packer->retired.list);
	free(packer->sorted);
}

static void free_blocks(struct zone_blocks *blocks)
{
	for (size_t i = 0; i < blocks->count; i++) {
		free((void *)(uintptr_t)blocks->list[i]);
	}
	blocks->count = 0;
}

static void sort_deltas(struct zone_packer *packer, const struct zone_delta *deltas, size_t count)
{
	memory_reserve((void **)&packer->sorted, &packer->sorted_capacity, count, sizeof *packer->sorted);
	for (size_t i = 0; i < count; i++) {
		packer->sorted[i] = &deltas[i];
	}
	zone_deltas_sort(packer->sorted, count);
}

bool zone_pack(struct zone_packer *packer, const struct zone_body *old, const struct zone_item *key,
               const struct zone_delta *deltas, size_t count, const uint8_t *case_bits)
{
	struct zone_editing *editing = &packer->editing;
	struct zone_edited edited;
	editing->writing.blobs.count = 0; /* those of earlier owners are referred to from bodies */
	sort_deltas(packer, deltas, count);
	if (!zone_edit_rrsets(editing, old, packer->sorted, count, &edited, &packer->error)) {
		free_blocks(&editing->writing.blobs);
		packer->retired.count = 0;
		packer->failed = true;
		return false;
	}
	uint8_t flags = zone_body_flags(&edited, key->key_len, deltas[0].in_hashes);
	packer->body.len = 0;
	zone_body_put_start(&packer->body, flags, deltas[0].labels, -1, case_bits, edited.rrset_count);
	zone_buffer_add(&packer->body, editing->rrsets.bytes, editing->rrsets.len);
	ensure(packer->body.len <= UINT32_MAX);
	return true;
}

bool zone_pack_owner(struct zone_packer *packer, const struct zone_delta *group, size_t count, struct zone_item *item)
{
	uint8_t room[33];
	*item = (struct zone_item){.key = group[0].key, .key_len = group[0].key_len};
	if (packer->failed ||
	    !zone_pack(packer, NULL, item, group, count, zone_owner_case(packer->line, &group[0], room))) {
		return false;
	}
	item->body = packer->body.bytes;
	item->body_len = (uint32_t)packer->body.len;
	return true;
}

void zone_pack_undo(struct zone_packer *packer)
{
	struct zone_blocks *blobs = &packer->editing.writing.blobs;
	for (size_t i = 0; i < blobs->count; i++) {
		packer->bytes_given_up += blobs->list[i]->size;
	}
	free_blocks(blobs);
}

void zone_pack_retire_block(struct zone_packer *packer, const struct zone_block *block)
{
	if (block->birth == packer->version->number) {
		packer->bytes_given_up += block->size;
		free((void *)(uintptr_t)block);
	} else {
		packer->bytes_retired += block->size;
		zone_blocks_add(&packer->version->retired, block);
	}
}

void zone_pack_retire(struct zone_packer *packer, const uint8_t *bytes)
{
	struct zone_body body;
	zone_body_read(bytes, &body);
	zone_retire_blobs(&packer->editing, &body);
	for (size_t i = 0; i < packer->retired.count; i++) {
		zone_pack_retire_block(packer, packer->retired.list[i]);
	}
	packer->retired.count = 0;
}
