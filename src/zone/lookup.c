/* SPDX-License-Identifier: MIT */
/* Finding names (RFC 1034 4.3.2 step 3). One descent gives the entry at or before the name; with the entry behind it,
 * everything else follows from canonical order:
 *
 * L1  The name is below a cut or DNAME exactly if its predecessor is that cut, or is below it too: what lies below one
 *     name is one stretch of the order, and the cut itself stands at its beginning.
 * L2  The name exists as an empty non-terminal exactly if the entry behind it is below it.
 * L3  The closest encloser is the longer of the ancestors that the name shares with its predecessor and its
 *     successor. */
#include "base/ensure.h"
#include "dns/type.h"
#include "zone/node_internal.h"

static void make_key(const struct zone_snapshot *zone, const uint8_t *name, struct zone_key *key)
{
	bool within = zone_key_make(name, zone->line->apex, zone->line->apex_len, key);
	ensure(within);
}

/* The node of an empty non-terminal, which borrows the entry of the first name below it. */
static void empty_node(const struct zone_snapshot *zone, const struct zone_page *page, size_t index, size_t labels,
                       struct zone_node *out)
{
	struct zone_body body;
	zone_body_read(zone_page_body(page, index), &body);
	bool below = (body.flags & ZONE_BODY_BELOW) != 0 && body.cut_labels < labels;
	*out = (struct zone_node){
	        .snapshot = zone,
	        .page = (const uint8_t *)page,
	        .index = (uint16_t)index,
	        .flags = (uint16_t)(ZONE_NODE_EMPTY | (below ? ZONE_NODE_BELOW_CUT : 0)),
	        .labels = (uint8_t)(zone->line->apex_labels + labels),
	};
}

/* The name is at or below the cut or DNAME that has `labels` labels below the apex. `page`: that of an entry below it; the
 * cut stands in the same one but for few. */
static void found_cut(const struct zone_snapshot *zone, const struct zone_key *key, size_t labels,
                      const struct zone_page *page, struct zone_lookup *out)
{
	bool is_here;
	size_t index = zone_page_search(page, key->bytes, key->ends[labels], &is_here) - 1;
	if (!is_here) {
		page = zone_tree_find(zone->names.root, key->bytes, key->ends[labels], &index);
		ensure(page != NULL);
	}
	zone_node_at(zone, page, index, false, &out->node);
	out->kind = (out->node.flags & ZONE_NODE_CUT) != 0 ? ZONE_DELEGATION : ZONE_DNAME;
	out->encloser_labels = out->node.labels;
}

static void found_exact(const struct zone_snapshot *zone, const struct zone_key *key, const struct zone_cursor *cursor,
                        struct zone_lookup *out)
{
	const struct zone_page *page = zone_cursor_page(cursor);
	struct zone_body body;
	zone_body_read(zone_page_body(page, zone_cursor_index(cursor)), &body);
	if ((body.flags & ZONE_BODY_BELOW) != 0) {
		found_cut(zone, key, body.cut_labels, page, out);
		return;
	}
	zone_node_at(zone, page, zone_cursor_index(cursor), false, &out->node);
	out->kind = (body.flags & ZONE_BODY_CUT) != 0 ? ZONE_DELEGATION : ZONE_FOUND;
	out->encloser_labels = out->node.labels;
}

/* L1. `shared` gets the labels that the name has in common with its predecessor. */
static bool found_below_cut(const struct zone_snapshot *zone, const struct zone_key *key,
                            const struct zone_cursor *cursor, size_t *shared, struct zone_lookup *out)
{
	const struct zone_page *page = zone_cursor_page(cursor);
	size_t index = zone_cursor_index(cursor);
	size_t entry_len;
	size_t common = zone_page_common(page, index, key->bytes, key->len, &entry_len);
	*shared = zone_key_labels_within(key, common);
	struct zone_body body;
	zone_body_read(zone_page_body(page, index), &body);
	if ((body.flags & ZONE_BODY_BELOW) != 0) {
		if (body.cut_labels > *shared) {
			return false;
		}
		found_cut(zone, key, body.cut_labels, page, out);
		return true;
	}
	if ((body.flags & (ZONE_BODY_CUT | ZONE_BODY_DNAME)) == 0 || common < entry_len) {
		return false;
	}
	zone_node_at(zone, page, index, false, &out->node);
	out->kind = (body.flags & ZONE_BODY_CUT) != 0 ? ZONE_DELEGATION : ZONE_DNAME;
	out->encloser_labels = out->node.labels;
	return true;
}

/* L2 and the successor's half of L3: labels that the name shares with the entry behind it. */
static bool found_empty(const struct zone_snapshot *zone, const struct zone_key *key, const struct zone_cursor *cursor,
                        size_t *shared, struct zone_node *node)
{
	const struct zone_page *page;
	size_t index;
	*shared = 0;
	if (!zone_cursor_peek_next(cursor, &page, &index)) {
		return false;
	}
	size_t entry_len;
	size_t common = zone_page_common(page, index, key->bytes, key->len, &entry_len);
	*shared = zone_key_labels_within(key, common);
	if (common < key->len) {
		return false;
	}
	empty_node(zone, page, index, key->labels, node);
	return true;
}

/* The node of exactly this key, empty non-terminals included. */
static bool find_key(const struct zone_snapshot *zone, const struct zone_key *key, struct zone_node *out)
{
	struct zone_cursor cursor;
	if (zone_cursor_seek(&cursor, zone->names.root, key->bytes, key->len) == ZONE_SEEK_EXACT) {
		zone_node_at(zone, zone_cursor_page(&cursor), zone_cursor_index(&cursor), false, out);
		return true;
	}
	size_t shared;
	return found_empty(zone, key, &cursor, &shared, out);
}

/* RFC 4592 3.3.1: the wildcard right below the closest encloser, which may be an empty non-terminal itself. */
static bool found_wildcard(const struct zone_snapshot *zone, const struct zone_key *key, size_t encloser,
                           struct zone_node *out)
{
	struct zone_key star;
	if (zone->counts.stars == 0) {
		return false;
	}
	memcpy(star.ends, key->ends, (encloser + 1) * sizeof *star.ends);
	zone_key_append_star(key->bytes, key->ends[encloser], (uint8_t)encloser, &star);
	return find_key(zone, &star, out);
}

/* A name on its way. */
struct seeking {
	struct zone_key key;
	struct zone_cursor cursor;
	enum zone_seek seek;
};

static void found(const struct zone_snapshot *zone, const struct seeking *seeking, struct zone_lookup *out)
{
	const struct zone_key *key = &seeking->key;
	const struct zone_cursor *cursor = &seeking->cursor;
	if (seeking->seek == ZONE_SEEK_EXACT) {
		found_exact(zone, key, cursor, out);
		return;
	}
	size_t before;
	size_t behind;
	if (found_below_cut(zone, key, cursor, &before, out)) {
		return;
	}
	if (found_empty(zone, key, cursor, &behind, &out->node)) {
		out->kind = ZONE_FOUND;
		out->encloser_labels = out->node.labels;
		return;
	}
	size_t encloser = before > behind ? before : behind; /* L3 */
	out->encloser_labels = (uint8_t)(zone->line->apex_labels + encloser);
	out->kind = found_wildcard(zone, key, encloser, &out->node) ? ZONE_WILDCARD : ZONE_NO_NAME;
}

void zone_lookup(const struct zone_snapshot *zone, const uint8_t *name, struct zone_lookup *out)
{
	struct seeking seeking;
	make_key(zone, name, &seeking.key);
	seeking.seek = zone_cursor_seek(&seeking.cursor, zone->names.root, seeking.key.bytes, seeking.key.len);
	found(zone, &seeking, out);
}

void zone_lookup_many(const struct zone_snapshot *const *zones, const uint8_t *const *names, size_t count,
                      struct zone_lookup *out)
{
	struct seeking seekings[ZONE_LOOKUP_MAX];
	ensure(count <= ZONE_LOOKUP_MAX);
	for (size_t i = 0; i < count; i++) {
		struct seeking *seeking = &seekings[i];
		make_key(zones[i], names[i], &seeking->key);
		zone_cursor_seek_leaf(&seeking->cursor, zones[i]->names.root, seeking->key.bytes, seeking->key.len);
	}
	for (size_t i = 0; i < count; i++) {
		struct seeking *seeking = &seekings[i];
		seeking->seek = zone_cursor_seek_entry(&seeking->cursor, seeking->key.bytes, seeking->key.len);
		zone_page_prefetch_entry(zone_cursor_page(&seeking->cursor), zone_cursor_index(&seeking->cursor));
	}
	for (size_t i = 0; i < count; i++) {
		found(zones[i], &seekings[i], &out[i]);
	}
}

bool zone_find(const struct zone_snapshot *zone, const uint8_t *name, struct zone_node *out)
{
	struct zone_key key;
	make_key(zone, name, &key);
	return find_key(zone, &key, out);
}

bool zone_addresses(const struct zone_snapshot *zone, const uint8_t *server, struct zone_addresses *out)
{
	out->a = (struct zone_rrset){.type = DNS_TYPE_A};
	out->aaaa = (struct zone_rrset){.type = DNS_TYPE_AAAA};
	if (!zone_find(zone, server, &out->node)) {
		return false;
	}
	zone_node_rrset(&out->node, DNS_TYPE_A, &out->a);
	zone_node_rrset(&out->node, DNS_TYPE_AAAA, &out->aaaa);
	return out->a.count > 0 || out->aaaa.count > 0;
}
