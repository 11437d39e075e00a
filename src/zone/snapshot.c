/* SPDX-License-Identifier: MIT */
/* What a snapshot tells about itself and its nodes. */
#include "base/bytes.h"
#include "base/ensure.h"
#include "dns/type.h"
#include "zone/apply_internal.h"
#include "zone/node_internal.h"

/* ---- facts ---- */

const uint8_t *zone_name(const struct zone_snapshot *zone)
{
	return zone->line->apex;
}

uint16_t zone_class(const struct zone_snapshot *zone)
{
	return zone->line->class;
}

uint32_t zone_serial(const struct zone_snapshot *zone)
{
	return zone->serial;
}

uint64_t zone_identity(const struct zone_snapshot *zone)
{
	return zone->identity;
}

void zone_hold_back(const struct zone_snapshot *zone)
{
	atomic_store(&((struct zone_snapshot *)(uintptr_t)zone)->is_held_back, true);
}

void zone_hand_on(const struct zone_snapshot *zone)
{
	atomic_store(&((struct zone_snapshot *)(uintptr_t)zone)->is_held_back, false);
}

bool zone_is_held_back(const struct zone_snapshot *zone)
{
	return atomic_load(&zone->is_held_back);
}

void zone_soa(const struct zone_snapshot *zone, struct zone_rrset *out)
{
	struct zone_node apex;
	zone_apex(zone, &apex);
	bool found = zone_node_rrset(&apex, DNS_TYPE_SOA, out);
	ensure(found && out->count == 1);
}

void zone_facts(const struct zone_snapshot *zone, struct zone_facts *out)
{
	*out = (struct zone_facts){
	        .records = zone->counts.records,
	        .names = zone->counts.names,
	        .bytes = zone->bytes,
	        .bytes_own = zone->bytes_own,
	        .wildcards = zone->counts.wildcards,
	        .cuts = zone->counts.cuts,
	};
}

/* ---- nodes ---- */

void zone_apex(const struct zone_snapshot *zone, struct zone_node *out)
{
	zone_node_at(zone, zone->apex_page, 0, false, out);
}

void zone_item_owner(const struct zone_line *line, const struct zone_item *item, bool in_hashes, struct dns_name *out)
{
	struct zone_body body;
	zone_body_read(item->body, &body);
	if (in_hashes) {
		zone_key_hash_name(item->key, line->apex, line->apex_len, out);
	} else {
		zone_key_name(item->key, item->key_len, body.labels, line->apex, line->apex_len, out);
	}
	if (body.case_bits != NULL) {
		zone_case_apply(body.case_bits, out);
	}
}

void zone_node_owner(const struct zone_node *node, struct dns_name *out)
{
	const struct zone_line *line = node->snapshot->line;
	const struct zone_page *page = (const struct zone_page *)(const void *)node->page;
	uint8_t key[ZONE_KEY_MAX];
	size_t len = zone_page_key(page, node->index, key);
	struct zone_item item = {.key = key, .key_len = (uint16_t)len, .body = zone_page_body(page, node->index)};
	zone_item_owner(line, &item, (node->flags & ZONE_NODE_NSEC3) != 0, out);
	/* An empty non-terminal borrows the entry of a name below it. */
	size_t below = (size_t)line->apex_labels + item.body[1] - node->labels;
	if (below > 0) {
		*out = dns_name_of(dns_name_strip(out->wire, below));
	}
}

bool zone_node_owner_is(const struct zone_node *node, const uint8_t *name)
{
	const struct zone_line *line = node->snapshot->line;
	bool plain =
	        node->body != NULL && (node->body[0] & ZONE_BODY_CASE) == 0 && (node->flags & ZONE_NODE_NSEC3) == 0;
	if (!plain) {
		struct dns_name owner;
		zone_node_owner(node, &owner);
		return dns_name_same(owner.wire, name);
	}
	/* Lower case down to the apex, whose case is its own. */
	size_t above = (size_t)node->labels - line->apex_labels;
	for (; above > 0; above--) {
		size_t len = *name++;
		for (; len > 0; len--, name++) {
			if (dns_lower[*name] != *name) {
				return false;
			}
		}
	}
	return equal_short(name, line->apex, line->apex_len);
}

static void show(const struct zone_body_rrset *rrset, struct zone_rrset *out)
{
	*out = (struct zone_rrset){
	        .type = rrset->type,
	        .ttl = rrset->rrs.ttl,
	        .count = rrset->rrs.count,
	        .rdatas_len = rrset->rrs.len,
	        .rdatas = rrset->rrs.data,
	        .sig_count = rrset->sigs.count,
	        .sig_ttl = rrset->sigs.ttl,
	        .sigs_len = rrset->sigs.len,
	        .sigs = rrset->sigs.data,
	};
}

bool zone_node_rrset(const struct zone_node *node, uint16_t type, struct zone_rrset *out)
{
	if (node->body == NULL) {
		return false;
	}
	struct zone_body body;
	zone_body_read(node->body, &body);
	const uint32_t *ttls = node->snapshot->line->ttls;
	const uint8_t *at = body.rrsets;
	for (size_t i = 0; i < body.rrset_count; i++) {
		struct zone_body_rrset rrset;
		at = zone_body_read_rrset(at, ttls, &rrset);
		if (rrset.type == type) {
			show(&rrset, out);
			return true;
		}
	}
	return false;
}

void zone_rrsets(const struct zone_node *node, struct zone_rrset_walk *walk)
{
	*walk = (struct zone_rrset_walk){.ttls = node->snapshot->line->ttls};
	if (node->body != NULL) {
		struct zone_body body;
		zone_body_read(node->body, &body);
		walk->at = body.rrsets;
		walk->left = body.rrset_count;
	}
}

bool zone_rrsets_next(struct zone_rrset_walk *walk, struct zone_rrset *out)
{
	if (walk->left == 0) {
		return false;
	}
	walk->left--;
	struct zone_body_rrset rrset;
	walk->at = zone_body_read_rrset(walk->at, walk->ttls, &rrset);
	show(&rrset, out);
	return true;
}

/* ---- walks ---- */

/* Entries ahead whose RRsets are asked for: reading so many takes as long as waiting for memory. */
#define WALK_SOON 6

void zone_walk(const struct zone_snapshot *zone, struct zone_walk *walk)
{
	walk->snapshot = zone;
	walk->started = false;
	walk->in_nsec3 = false;
	walk->cursor.depth = 0;
}

bool zone_walk_next(struct zone_walk *walk, struct zone_node *out)
{
	const struct zone_snapshot *zone = walk->snapshot;
	if (!walk->started) {
		walk->started = true;
		zone_cursor_first(&walk->cursor, zone->names.root);
	} else if (zone_cursor_valid(&walk->cursor)) {
		zone_cursor_next(&walk->cursor);
	}
	if (!zone_cursor_valid(&walk->cursor) && !walk->in_nsec3) {
		walk->in_nsec3 = true;
		zone_cursor_first(&walk->cursor, zone->hashes.root);
	}
	if (!zone_cursor_valid(&walk->cursor)) {
		return false;
	}
	const struct zone_page *leaf = zone_cursor_page(&walk->cursor);
	size_t index = zone_cursor_index(&walk->cursor);
	if (index + WALK_SOON < zone_page_count(leaf)) {
		zone_body_prefetch_first(zone_page_body(leaf, index + WALK_SOON));
	}
	zone_node_at(zone, leaf, index, walk->in_nsec3, out);
	return true;
}

static bool same_place(const struct zone_cursor *a, size_t a_depth, const struct zone_cursor *b, size_t b_depth)
{
	return a->path[a_depth].page == b->path[b_depth].page && a->path[a_depth].index == b->path[b_depth].index;
}

/* In two leaves of which one came of the other. */
static bool pass_same_entries(struct zone_cursor *a, struct zone_cursor *b)
{
	size_t run = zone_page_same_run(zone_cursor_page(a), zone_cursor_index(a), zone_cursor_page(b),
	                                zone_cursor_index(b));
	if (run > 0) {
		a->path[a->depth - 1u].index += (uint32_t)run - 1;
		b->path[b->depth - 1u].index += (uint32_t)run - 1;
	}
	return run > 0;
}

bool zone_walk_pass_shared(struct zone_walk *a, struct zone_walk *b)
{
	if (!zone_cursor_valid(&a->cursor) || !zone_cursor_valid(&b->cursor) || a->in_nsec3 != b->in_nsec3 ||
	    a->snapshot->line != b->snapshot->line) {
		return false;
	}
	size_t a_depth = a->cursor.depth - 1u;
	size_t b_depth = b->cursor.depth - 1u;
	if (!same_place(&a->cursor, a_depth, &b->cursor, b_depth)) {
		return pass_same_entries(&a->cursor, &b->cursor);
	}
	while (a_depth > 0 && b_depth > 0 && same_place(&a->cursor, a_depth - 1, &b->cursor, b_depth - 1)) {
		a_depth--;
		b_depth--;
	}
	/* Its neighbours too, without a look at them: a change leaves most children of a page as they were. */
	while (a_depth > 0 && b_depth > 0 && zone_cursor_pass_child(&a->cursor, a_depth - 1, &b->cursor, b_depth - 1)) {
	}
	a->cursor.depth = (uint16_t)a_depth;
	b->cursor.depth = (uint16_t)b_depth;
	return true;
}

/* ---- a version describes itself ---- */

bool zone_tree_has_one_soa(const struct zone_page *root, const uint32_t *ttls, struct error *error)
{
	size_t soas = 0;
	size_t index;
	static const uint8_t apex_key[1]; /* of length 0, but not NULL: C allows no arithmetic with that */
	const struct zone_page *page = zone_tree_find(root, apex_key, 0, &index);
	if (page != NULL) {
		struct zone_body body;
		struct zone_body_rrset first;
		zone_body_read(zone_page_body(page, index), &body);
		zone_body_read_rrset(body.rrsets, ttls, &first);
		soas = first.type == DNS_TYPE_SOA ? first.rrs.count : 0;
	}
	if (soas == 1) {
		return true;
	}
	return error_set(error, ERROR_INVALID,
	                 soas == 0 ? "there is no SOA record at the apex" : "the apex has %zu different SOA records",
	                 soas);
}

/* The serial stands 20 octets before the end (RFC 1035 3.3.13). */
static uint32_t serial_of(const struct zone_rrset *soa)
{
	return soa->rdatas_len < 2 + 20 ? 0 : load_u32(soa->rdatas + soa->rdatas_len - 20);
}

static void count_chains(struct zone_snapshot *version)
{
	struct zone_cursor cursor;
	zone_cursor_first(&cursor, version->hashes.root);
	while (version->chain_count > 0 && zone_cursor_valid(&cursor)) {
		const uint8_t *body = zone_page_body(zone_cursor_page(&cursor), zone_cursor_index(&cursor));
		zone_chains_count(version->chains, version->chain_count, body, version->line->ttls, 1);
		zone_cursor_next(&cursor);
	}
}

void zone_version_describe(struct zone_snapshot *version, bool chains_anew)
{
	const struct zone_page *page = version->names.root;
	while (page->level > 0) {
		page = zone_page_child(page, 0);
	}
	version->apex_page = page;
	struct zone_rrset soa;
	zone_soa(version, &soa);
	version->serial = serial_of(&soa);
	if (chains_anew) {
		struct zone_chain chains[ZONE_CHAINS_MAX];
		size_t count = zone_chains_read(version, chains);
		zone_version_set_chains(version, chains, count);
		count_chains(version);
	}
	/* Of several complete chains each serves (RFC 5155 7.3); the largest is the one that is surely whole. */
	version->chain = NULL;
	for (size_t i = 0; i < version->chain_count; i++) {
		const struct zone_chain *chain = &version->chains[i];
		if (chain->nsec3s > 0 && (version->chain == NULL || chain->nsec3s > version->chain->nsec3s)) {
			version->chain = chain;
		}
	}
}
