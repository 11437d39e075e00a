/* SPDX-License-Identifier: MIT */
#include "zone/apply_internal.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "dns/type.h"

#define SCRATCH_CHUNK 65536

void zone_applying_init(struct zone_applying *applying, struct zone_line *line, uint64_t birth, bool lenient)
{
	*applying = (struct zone_applying){
	        .editing = {.writing = {.line = line, .birth = birth}, .lenient = lenient},
	};
	applying->editing.retired = &applying->retired;
	arena_init(&applying->arena, SCRATCH_CHUNK);
}

void zone_applying_deinit(struct zone_applying *applying, bool keep)
{
	struct zone_blocks *blobs = &applying->editing.writing.blobs;
	for (size_t i = 0; !keep && i < blobs->count; i++) {
		free((void *)(uintptr_t)blobs->list[i]);
	}
	zone_editing_free(&applying->editing);
	free(applying->retired.list);
	free(applying->name_edits.list);
	free(applying->hash_edits.list);
	free(applying->flips);
	zone_buffer_free(&applying->body);
	arena_deinit(&applying->arena);
}

/* ---- order ---- */

static int compare_owners(const struct zone_delta *a, const struct zone_delta *b)
{
	if (a->in_hashes != b->in_hashes) {
		return a->in_hashes ? 1 : -1;
	}
	return zone_key_compare(a->key, a->key_len, b->key, b->key_len);
}

struct sorting {
	uint64_t head; /* tree and first 7 octets of the key */
	const struct zone_delta *delta;
};

static uint64_t sorting_head(const struct zone_delta *delta)
{
	uint64_t head = delta->in_hashes;
	for (size_t i = 0; i < 7; i++) {
		head = head << 8 | (i < delta->key_len ? delta->key[i] : 0);
	}
	return head;
}

static int compare_sorting(const void *a, const void *b)
{
	const struct sorting *left = a;
	const struct sorting *right = b;
	if (left->head != right->head) {
		return left->head < right->head ? -1 : 1;
	}
	int order = compare_owners(left->delta, right->delta);
	return order != 0 ? order : zone_delta_compare(left->delta, right->delta);
}

void zone_applying_sort(const struct zone_delta **deltas, size_t count)
{
	struct sorting *sorting = memory_new_array(count, sizeof *sorting);
	for (size_t i = 0; i < count; i++) {
		sorting[i] = (struct sorting){sorting_head(deltas[i]), deltas[i]};
	}
	qsort(sorting, count, sizeof *sorting, compare_sorting);
	for (size_t i = 0; i < count; i++) {
		deltas[i] = sorting[i].delta;
	}
	free(sorting);
}

/* ---- what stands above a name ---- */

static bool is_cut(uint8_t flags)
{
	return (flags & (ZONE_BODY_CUT | ZONE_BODY_DNAME)) != 0;
}

static void pass_flips(const struct zone_applying *applying, struct zone_flips_above *above, const uint8_t *key,
                       size_t len)
{
	const struct zone_flip *flips = applying->flips;
	while (above->depth > 0) {
		const struct zone_flip *top = &flips[above->open[above->depth - 1]];
		if (zone_key_has_prefix(key, len, top->key, top->key_len)) {
			break;
		}
		above->depth--;
	}
	for (; above->next < applying->flip_count; above->next++) {
		const struct zone_flip *flip = &flips[above->next];
		if (zone_key_compare(flip->key, flip->key_len, key, len) >= 0) {
			break;
		}
		if (zone_key_has_prefix(key, len, flip->key, flip->key_len)) {
			above->open[above->depth++] = above->next;
		}
	}
}

/* Labels of the topmost cut above a name as it was before; -1: none. One descent: whatever is below a cut has that cut,
 * or another name below it, as its predecessor. */
static int cut_before(const struct zone_page *root, const uint8_t *key, size_t len)
{
	struct zone_cursor cursor;
	enum zone_seek seek = zone_cursor_seek(&cursor, root, key, len);
	if (!zone_cursor_valid(&cursor)) {
		return -1;
	}
	const struct zone_page *page = zone_cursor_page(&cursor);
	struct zone_body body;
	zone_body_read(zone_page_body(page, zone_cursor_index(&cursor)), &body);
	bool below = (body.flags & ZONE_BODY_BELOW) != 0;
	if (seek == ZONE_SEEK_EXACT) {
		return below ? body.cut_labels : -1;
	}
	size_t entry_len;
	size_t common = zone_page_common(page, zone_cursor_index(&cursor), key, len, &entry_len);
	size_t labels = 0;
	for (size_t i = 0; i < common; i++) {
		labels += key[i] == 0;
	}
	if (below) {
		return body.cut_labels <= labels ? body.cut_labels : -1;
	}
	return is_cut(body.flags) && common == entry_len ? body.labels : -1;
}

/* The same as it will be, where flips lie above. */
static int cut_after(const struct zone_applying *applying, const struct zone_flips_above *above, const uint8_t *key,
                     size_t len)
{
	size_t labels = 0;
	size_t open = 0;
	for (size_t end = 0; end < len; end++) {
		bool label_starts = end == 0 || key[end - 1] == 0;
		if (!label_starts) {
			continue;
		}
		/* key[0, end) is the ancestor with `labels` labels. */
		const struct zone_flip *flip = open < above->depth ? &applying->flips[above->open[open]] : NULL;
		bool cut;
		if (flip != NULL && flip->labels == labels) {
			cut = flip->is_cut;
			open++;
		} else {
			size_t index;
			const struct zone_page *page = zone_tree_find(applying->names.root, key, end, &index);
			cut = page != NULL && is_cut(zone_page_body(page, index)[0]);
		}
		if (cut) {
			return (int)labels;
		}
		labels++;
	}
	return -1;
}

static int cut_above(struct zone_applying *applying, struct zone_flips_above *above, const uint8_t *key, size_t len)
{
	pass_flips(applying, above, key, len);
	return above->depth == 0 ? cut_before(applying->names.root, key, len) : cut_after(applying, above, key, len);
}

/* ---- owners ---- */

void zone_counts_add(struct zone_counts *counts, const uint8_t *body_bytes, const uint32_t *ttls, const uint8_t *key,
                     size_t key_len, bool in_hashes, int sign)
{
	uint64_t one = (uint64_t)(int64_t)sign; /* adding it takes one away where sign is -1 */
	struct zone_body body;
	zone_body_read(body_bytes, &body);
	const uint8_t *at = body.rrsets;
	for (size_t i = 0; i < body.rrset_count; i++) {
		struct zone_body_rrset rrset;
		at = zone_body_read_rrset(at, ttls, &rrset);
		counts->records += one * (rrset.rrs.count + (uint64_t)rrset.sigs.count);
	}
	counts->names += one;
	if (in_hashes) {
		counts->nsec3s += one;
		return;
	}
	bool cut = (body.flags & ZONE_BODY_CUT) != 0 && (body.flags & ZONE_BODY_BELOW) == 0;
	counts->cuts += cut ? one : 0;
	if (zone_key_has_star(key, key_len)) {
		counts->stars += one;
		counts->wildcards += zone_key_is_wildcard(key, key_len) ? one : 0;
	}
}

uint8_t zone_body_flags(const struct zone_edited *edited, size_t key_len, bool in_hashes)
{
	unsigned never = in_hashes ? ZONE_BODY_CUT | ZONE_BODY_DNAME : key_len == 0 ? ZONE_BODY_CUT : 0;
	return (uint8_t)(edited->flags & ~never);
}

/* The usual case, told without writing the plain form: no capitals, and the apex as the line has it. */
static bool is_plain(const uint8_t *owner, const struct zone_line *line)
{
	size_t below = dns_name_len(owner) - line->apex_len;
	bool capitals = false;
	for (size_t i = 0; i < below; i++) {
		capitals |= owner[i] >= 'A' && owner[i] <= 'Z';
	}
	return !capitals && memcmp(owner + below, line->apex, line->apex_len) == 0;
}

const uint8_t *zone_owner_case(const struct zone_line *line, const struct zone_delta *delta, uint8_t *room)
{
	struct dns_name plain;
	const uint8_t *apex = line->apex;
	if (is_plain(delta->owner, line)) {
		return NULL;
	}
	if (delta->in_hashes) {
		zone_key_hash_name(delta->key, apex, line->apex_len, &plain);
	} else {
		zone_key_name(delta->key, delta->key_len, delta->labels, apex, line->apex_len, &plain);
	}
	return zone_case_of(delta->owner, plain.wire, room) ? room : NULL;
}

static void edits_add(struct zone_edits *edits, const struct zone_edit *edit)
{
	memory_reserve((void **)&edits->list, &edits->capacity, edits->count + 1, sizeof *edits->list);
	edits->list[edits->count++] = *edit;
}

static void flips_add(struct zone_applying *applying, const struct zone_delta *delta, bool cut)
{
	memory_reserve((void **)&applying->flips, &applying->flip_capacity, applying->flip_count + 1,
	               sizeof *applying->flips);
	applying->flips[applying->flip_count++] = (struct zone_flip){
	        .key = delta->key, .key_len = delta->key_len, .labels = delta->labels, .is_cut = cut};
}

/* The delta whose owner came first: its case is kept. */
static const struct zone_delta *first_to_come(const struct zone_delta *const *deltas, size_t count)
{
	const struct zone_delta *first = deltas[0];
	for (size_t i = 1; i < count; i++) {
		first = deltas[i]->order < first->order ? deltas[i] : first;
	}
	return first;
}

/* Puts a body together in the arena. */
static const uint8_t *keep_body(struct zone_applying *applying, uint8_t flags, uint8_t labels, int cut_labels,
                                const uint8_t *case_bits, size_t rrset_count, const uint8_t *rrsets, size_t rrsets_len,
                                uint32_t *len)
{
	applying->body.len = 0;
	zone_body_put_start(&applying->body, flags, labels, cut_labels, case_bits, rrset_count);
	zone_buffer_add(&applying->body, rrsets, rrsets_len);
	ensure(applying->body.len <= UINT32_MAX);
	*len = (uint32_t)applying->body.len;
	return arena_copy(&applying->arena, applying->body.bytes, applying->body.len);
}

static const uint8_t *new_body(struct zone_applying *applying, const struct zone_delta *const *deltas, size_t count,
                               const struct zone_body *old, const struct zone_edited *edited, uint32_t *len)
{
	const struct zone_delta *first = deltas[0];
	const struct zone_buffer *rrsets = &applying->editing.rrsets;
	uint8_t room[33];
	const uint8_t *case_bits =
	        old != NULL ? old->case_bits
	                    : zone_owner_case(applying->editing.writing.line, first_to_come(deltas, count), room);
	int cut = first->in_hashes ? -1 : cut_above(applying, &applying->above, first->key, first->key_len);
	uint8_t flags = zone_body_flags(edited, first->key_len, first->in_hashes);
	return keep_body(applying, flags, first->labels, cut, case_bits, edited->rrset_count, rrsets->bytes,
	                 rrsets->len, len);
}

/* Counts of version and chains go from the old to the new body; either may be NULL. */
static void recount(struct zone_applying *applying, const struct zone_edit *edit, bool in_hashes, const uint8_t *old)
{
	const uint32_t *ttls = applying->editing.writing.line->ttls;
	const uint8_t *bodies[] = {old, edit->body};
	for (int i = 0; i < 2; i++) {
		if (bodies[i] == NULL) {
			continue;
		}
		int sign = i == 0 ? -1 : 1;
		zone_counts_add(&applying->counts, bodies[i], ttls, edit->key, edit->key_len, in_hashes, sign);
		if (in_hashes) {
			zone_chains_count(applying->chains, applying->chain_count, bodies[i], ttls, sign);
		}
	}
}

/* All deltas of one owner. */
static bool edit_owner(struct zone_applying *applying, const struct zone_delta *const *deltas, size_t count,
                       struct error *error)
{
	const struct zone_delta *first = deltas[0];
	const struct zone_tree *tree = first->in_hashes ? &applying->hashes : &applying->names;
	size_t index;
	const struct zone_page *page = zone_tree_find(tree->root, first->key, first->key_len, &index);
	const uint8_t *old_bytes = page == NULL ? NULL : zone_page_body(page, index);
	struct zone_body old;
	if (page != NULL) {
		zone_body_read(old_bytes, &old);
	}
	struct zone_edited edited;
	if (!zone_edit_rrsets(&applying->editing, page == NULL ? NULL : &old, deltas, count, &edited, error)) {
		return false;
	}
	struct zone_edit edit = {.key = first->key, .key_len = first->key_len, .remove = edited.rrset_count == 0};
	if (!edit.remove) {
		edit.body = new_body(applying, deltas, count, page == NULL ? NULL : &old, &edited, &edit.body_len);
	} else {
		ensure(page != NULL); /* what is removed was there before, so nothing comes and goes within a change */
	}
	recount(applying, &edit, first->in_hashes, old_bytes);
	edits_add(first->in_hashes ? &applying->hash_edits : &applying->name_edits, &edit);
	bool was_cut = page != NULL && is_cut(old.flags);
	bool will_be_cut = !edit.remove && is_cut(edit.body[0]);
	if (was_cut != will_be_cut) {
		flips_add(applying, first, will_be_cut);
	}
	return true;
}

/* ---- names below cuts that came or went ---- */

/* The body of a name whose topmost cut is another one now; false: it is the same. */
static bool recut_entry(struct zone_applying *applying, const struct zone_page *page, size_t index, int cut,
                        struct zone_edit *edit)
{
	const uint8_t *bytes = zone_page_body(page, index);
	struct zone_body body;
	zone_body_read(bytes, &body);
	int before = (body.flags & ZONE_BODY_BELOW) != 0 ? body.cut_labels : -1;
	if (before == cut) {
		return false;
	}
	size_t rrsets_len = zone_page_body_len(page, index) - (size_t)(body.rrsets - bytes);
	edit->body = keep_body(applying, body.flags, body.labels, cut, body.case_bits, body.rrset_count, body.rrsets,
	                       rrsets_len, &edit->body_len);
	recount(applying, edit, false, bytes);
	return true;
}

/* Index of the first edit at or behind a key. */
static size_t edits_from(const struct zone_edits *edits, const uint8_t *key, size_t len)
{
	size_t low = 0;
	size_t high = edits->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct zone_edit *edit = &edits->list[middle];
		if (zone_key_compare(edit->key, edit->key_len, key, len) < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* All names below one flip that are not edited anyway. */
static void recut_below(struct zone_applying *applying, const struct zone_flip *flip, struct zone_flips_above *above,
                        struct zone_edits *out)
{
	struct zone_cursor cursor;
	zone_cursor_seek(&cursor, applying->names.root, flip->key, flip->key_len);
	bool more = true;
	if (zone_cursor_valid(&cursor)) {
		more = zone_cursor_next(&cursor);
	} else {
		zone_cursor_first(&cursor, applying->names.root);
		more = zone_cursor_valid(&cursor);
	}
	size_t edited = edits_from(&applying->name_edits, flip->key, flip->key_len);
	for (; more; more = zone_cursor_next(&cursor)) {
		uint8_t key[ZONE_KEY_MAX];
		size_t len = zone_page_key(zone_cursor_page(&cursor), zone_cursor_index(&cursor), key);
		if (!zone_key_has_prefix(key, len, flip->key, flip->key_len)) {
			return;
		}
		const struct zone_edits *edits = &applying->name_edits;
		int order = -1;
		for (; edited < edits->count; edited++) {
			order = zone_key_compare(edits->list[edited].key, edits->list[edited].key_len, key, len);
			if (order >= 0) {
				break;
			}
		}
		if (edited < edits->count && order == 0) {
			continue;
		}
		struct zone_edit edit = {.key_len = (uint16_t)len, .key = arena_copy(&applying->arena, key, len)};
		int cut = cut_above(applying, above, key, len);
		if (recut_entry(applying, zone_cursor_page(&cursor), zone_cursor_index(&cursor), cut, &edit)) {
			edits_add(out, &edit);
		}
	}
}

/* Both lists ascend and have no key in common. */
static void merge_edits(struct zone_edits *edits, const struct zone_edits *more)
{
	struct zone_edits all = {0};
	size_t m = 0;
	for (size_t i = 0; i < edits->count; i++) {
		for (; m < more->count; m++) {
			const struct zone_edit *next = &more->list[m];
			if (zone_key_compare(next->key, next->key_len, edits->list[i].key, edits->list[i].key_len) >
			    0) {
				break;
			}
			edits_add(&all, next);
		}
		edits_add(&all, &edits->list[i]);
	}
	for (; m < more->count; m++) {
		edits_add(&all, &more->list[m]);
	}
	free(edits->list);
	*edits = all;
}

static void recut(struct zone_applying *applying)
{
	struct zone_edits recuts = {0};
	struct zone_flips_above above = {0};
	const struct zone_flip *last = NULL;
	for (size_t i = 0; i < applying->flip_count; i++) {
		const struct zone_flip *flip = &applying->flips[i];
		bool done = last != NULL && zone_key_has_prefix(flip->key, flip->key_len, last->key, last->key_len);
		if (!done) {
			recut_below(applying, flip, &above, &recuts);
			last = flip;
		}
	}
	if (recuts.count > 0) {
		merge_edits(&applying->name_edits, &recuts);
	}
	free(recuts.list);
}

/* ---- steering ---- */

bool zone_applying_edit(struct zone_applying *applying, const struct zone_delta *const *deltas, size_t count,
                        struct error *error)
{
	for (size_t from = 0; from < count;) {
		size_t to = from + 1;
		while (to < count && compare_owners(deltas[from], deltas[to]) == 0) {
			to++;
		}
		if (!edit_owner(applying, deltas + from, to - from, error)) {
			return false;
		}
		from = to;
	}
	recut(applying);
	return true;
}

static void rebuild_tree(struct zone_applying *applying, struct zone_tree *tree, const struct zone_edits *edits)
{
	struct zone_rebuild rebuild = {
	        .birth = applying->editing.writing.birth,
	        .scratch = &applying->arena,
	        .retired = &applying->retired,
	};
	tree->root = zone_tree_rebuild(&rebuild, tree->root, edits->list, edits->count);
	applying->bytes_new += rebuild.bytes_new;
	applying->bytes_retired += rebuild.bytes_retired;
}

void zone_applying_rebuild(struct zone_applying *applying)
{
	rebuild_tree(applying, &applying->names, &applying->name_edits);
	rebuild_tree(applying, &applying->hashes, &applying->hash_edits);
	applying->bytes_new += applying->editing.writing.blob_bytes;
	applying->bytes_retired += applying->editing.bytes_retired;
}

/* ---- the door ---- */

static bool place_changes(const struct zone_change *changes, size_t count, struct zone_applying *applying,
                          struct zone_delta *deltas, const struct zone_delta **sorted, struct error *error)
{
	for (size_t i = 0; i < count; i++) {
		struct zone_key key;
		deltas[i] = (struct zone_delta){
		        .owner = changes[i].owner,
		        .rr = {.rdata = changes[i].rdata, .len = changes[i].rdata_len, .ttl = changes[i].ttl},
		        .order = i,
		        .add = changes[i].add,
		};
		if (dns_type_is_meta(changes[i].type)) {
			return error_set(error, ERROR_INVALID, "type %u is not for zones", changes[i].type);
		}
		if (!zone_delta_place(&deltas[i], applying->editing.writing.line, changes[i].type, &key)) {
			char owner[DNS_NAME_TEXT_MAX];
			return error_set(error, ERROR_INVALID, "%s is outside the zone",
			                 dns_name_to_text(changes[i].owner, owner));
		}
		deltas[i].key = arena_copy(&applying->arena, key.bytes, key.len);
		sorted[i] = &deltas[i];
	}
	zone_applying_sort(sorted, count);
	return true;
}

/* The apex is the first of all edits, if it is among them. */
static bool check_soa(const struct zone_applying *applying, struct error *error)
{
	const struct zone_edits *edits = &applying->name_edits;
	if (edits->count == 0 || edits->list[0].key_len > 0) {
		return true;
	}
	size_t soas = 0;
	if (!edits->list[0].remove) {
		struct zone_body body;
		struct zone_body_rrset first;
		zone_body_read(edits->list[0].body, &body);
		zone_body_read_rrset(body.rrsets, applying->editing.writing.line->ttls, &first);
		soas = first.type == DNS_TYPE_SOA ? first.rrs.count : 0;
	}
	return soas == 1 || error_set(error, ERROR_INVALID, "the apex would have %zu SOA records", soas);
}

static void take_over(struct zone_snapshot *version, struct zone_applying *applying, const struct zone_snapshot *base)
{
	version->names = applying->names;
	version->hashes = applying->hashes;
	version->counts = applying->counts;
	version->retired = applying->retired;
	applying->retired = (struct zone_blocks){0};
	version->bytes_own = applying->bytes_new + sizeof *version;
	version->bytes = base->bytes + applying->bytes_new - applying->bytes_retired;
	struct zone_chain chains[ZONE_CHAINS_MAX];
	size_t count = zone_chains_read(version, chains);
	bool same = zone_chains_same(chains, count, version->chains, version->chain_count);
	zone_version_describe(version, !same);
}

static bool edit_all(struct zone_applying *applying, const struct zone_change *changes, size_t count,
                     struct error *error)
{
	struct zone_delta *deltas = memory_new_array(count, sizeof *deltas);
	const struct zone_delta **sorted = memory_new_array(count, sizeof *sorted);
	bool done = place_changes(changes, count, applying, deltas, sorted, error) &&
	            zone_applying_edit(applying, sorted, count, error) && check_soa(applying, error);
	if (done) {
		zone_applying_rebuild(applying);
	}
	free(deltas);
	free(sorted);
	return done;
}

struct zone_snapshot *zone_apply(const struct zone_snapshot *base, const struct zone_change *changes, size_t count,
                                 struct error *error)
{
	struct zone_snapshot *version = zone_version_new(base->line);
	zone_version_set_chains(version, base->chains, base->chain_count);
	struct zone_applying applying;
	zone_applying_init(&applying, base->line, version->number, false);
	applying.names = base->names;
	applying.hashes = base->hashes;
	applying.counts = base->counts;
	applying.chains = version->chains;
	applying.chain_count = version->chain_count;
	bool done = edit_all(&applying, changes, count, error);
	if (done) {
		take_over(version, &applying, base);
	}
	zone_applying_deinit(&applying, done);
	if (!done) {
		zone_version_discard(version);
		return NULL;
	}
	zone_version_link(version, (struct zone_snapshot *)(uintptr_t)base);
	return version;
}
