/* SPDX-License-Identifier: MIT */
/* The structures that a snapshot could stand on, side by side with the same keys and the same packed bodies (one per
 * owner, made by the builder of src/zone): what the index alone costs. See doc/decisions/001-snapshot.md.
 *
 *     pages   the copy-on-write B+tree of packed pages that src/zone uses
 *     qp      a copy-on-write popcount trie, one branch per key symbol (38 of them), 16-octet nodes in arrays, leaves
 *             in blocks of their own
 *     hash    one image in canonical order, an array of positions, a hash table of 8-octet slots in front; changes would
 *             go to an overlay, so that what is measured for them is the merge
 *     rbtree  a red-black tree with a heap block per name and one for its RRsets, as NSD has it without radix tree; no
 *             versions
 *
 * Of five rounds the quickest counts: what else runs on the machine can only add.
 *
 *     build/bench/candidates [DELEGATIONS [STRUCTURE]] */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/random.h"
#include "tld.h"
#include "zone/tree_internal.h"
#include "zone/version_internal.h"
#include "zone/zone.h"

#define LOOKUPS 1000000
#define CHANGES 500
#define ROUNDS  5

/* One owner; key and body borrowed from the material. */
struct owner {
	const uint8_t *key;
	const uint8_t *body;
	uint32_t body_len;
	uint16_t key_len;
};

/* A structure to be measured. `before` gives the last owner at or before a key. */
struct candidate {
	const char *name;
	void *(*build)(const struct owner *owners, size_t count);
	const uint8_t *(*before)(void *self, const uint8_t *key, size_t len); /* a body */
	const uint8_t *(*exact)(void *self, const uint8_t *key, size_t len);  /* a body, or NULL */
	void (*insert)(void *self, const struct owner *owner);                /* one version with one owner more */
};

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* ---- pages ---- */

struct pages {
	const struct zone_page *root;
	uint64_t version;
};

static void pages_edit(struct pages *pages, const struct zone_edit *edits, size_t count)
{
	struct arena scratch;
	struct zone_blocks retired = {0};
	arena_init(&scratch, 65536);
	struct zone_rebuild rebuild = {.birth = ++pages->version, .scratch = &scratch, .retired = &retired};
	pages->root = zone_tree_rebuild(&rebuild, pages->root, edits, count);
	for (size_t i = 0; i < retired.count; i++) {
		free((void *)(uintptr_t)retired.list[i]);
	}
	free(retired.list);
	arena_deinit(&scratch);
}

static struct zone_edit edit_of(const struct owner *owner)
{
	return (struct zone_edit){
	        .key = owner->key, .key_len = owner->key_len, .body = owner->body, .body_len = owner->body_len};
}

static void *pages_build(const struct owner *owners, size_t count)
{
	struct pages *pages = memory_new(sizeof *pages);
	struct zone_edit *edits = memory_new_array(count, sizeof *edits);
	for (size_t i = 0; i < count; i++) {
		edits[i] = edit_of(&owners[i]);
	}
	pages_edit(pages, edits, count);
	free(edits);
	return pages;
}

static const uint8_t *pages_before(void *self, const uint8_t *key, size_t len)
{
	struct pages *pages = self;
	struct zone_cursor cursor;
	zone_cursor_seek(&cursor, pages->root, key, len);
	return zone_page_body(zone_cursor_page(&cursor), zone_cursor_index(&cursor));
}

static const uint8_t *pages_exact(void *self, const uint8_t *key, size_t len)
{
	struct pages *pages = self;
	size_t index;
	const struct zone_page *page = zone_tree_find(pages->root, key, len, &index);
	return page == NULL ? NULL : zone_page_body(page, index);
}

static void pages_insert(void *self, const struct owner *owner)
{
	struct zone_edit edit = edit_of(owner);
	pages_edit(self, &edit, 1);
}

/* ---- qp ---- */

/* A branch: bit s of `bits` says that a twig for symbol s is there; twigs stand in order of symbols. A leaf has bits 0.
 * Symbols: 0 behind the end of the key, 1 end of a label, then hyphen, digits, underscore, letters. */
struct qp_node {
	uint64_t bits;
	void *to; /* twigs (struct qp_node *) or leaf */
};

struct qp_leaf {
	uint16_t key_len;
	uint8_t bytes[]; /* key, body */
};

struct qp_branch {
	uint16_t at; /* which octet of the key decides */
	struct qp_node twigs[];
};

struct qp {
	struct qp_node root;
};

static uint8_t symbol_of[256];

static void make_symbols(void)
{
	static const char order[] = "-0123456789_abcdefghijklmnopqrstuvwxyz";
	symbol_of[0] = 1;
	for (size_t i = 0; i < sizeof order - 1; i++) {
		symbol_of[(uint8_t)order[i]] = (uint8_t)(2 + i);
	}
}

static unsigned symbol_at(const uint8_t *key, size_t len, size_t at)
{
	return at < len ? symbol_of[key[at]] : 0;
}

static struct qp_node qp_leaf_new(const struct owner *owner)
{
	struct qp_leaf *leaf = malloc(sizeof *leaf + owner->key_len + owner->body_len);
	leaf->key_len = owner->key_len;
	memcpy(leaf->bytes, owner->key, owner->key_len);
	memcpy(leaf->bytes + owner->key_len, owner->body, owner->body_len);
	return (struct qp_node){.to = leaf};
}

static struct qp_node qp_build_range(const struct owner *owners, size_t count, size_t depth)
{
	if (count == 1) {
		return qp_leaf_new(owners);
	}
	const struct owner *last = &owners[count - 1];
	size_t at = depth + zone_key_common(owners->key + depth, owners->key_len - depth, last->key + depth,
	                                    last->key_len - depth);
	uint64_t bits = 0;
	for (size_t i = 0; i < count; i++) {
		bits |= UINT64_C(1) << symbol_at(owners[i].key, owners[i].key_len, at);
	}
	size_t twigs = (size_t)__builtin_popcountll(bits);
	struct qp_branch *branch = malloc(sizeof *branch + twigs * sizeof(struct qp_node));
	branch->at = (uint16_t)at;
	size_t from = 0;
	for (size_t t = 0; t < twigs; t++) {
		unsigned symbol = symbol_at(owners[from].key, owners[from].key_len, at);
		size_t to = from;
		while (to < count && symbol_at(owners[to].key, owners[to].key_len, at) == symbol) {
			to++;
		}
		branch->twigs[t] = qp_build_range(owners + from, to - from, at);
		from = to;
	}
	return (struct qp_node){bits, branch};
}

static void *qp_build(const struct owner *owners, size_t count)
{
	struct qp *qp = memory_new(sizeof *qp);
	qp->root = qp_build_range(owners, count, 0);
	return qp;
}

static size_t twig_of(uint64_t bits, unsigned symbol)
{
	return (size_t)__builtin_popcountll(bits & ((UINT64_C(1) << symbol) - 1));
}

static const struct qp_leaf *qp_near(const struct qp *qp, const uint8_t *key, size_t len)
{
	const struct qp_node *node = &qp->root;
	while (node->bits != 0) {
		const struct qp_branch *branch = node->to;
		__builtin_prefetch(branch->twigs);
		unsigned symbol = symbol_at(key, len, branch->at);
		bool there = (node->bits >> symbol & 1) != 0;
		node = &branch->twigs[there ? twig_of(node->bits, symbol) : 0];
	}
	return node->to;
}

static const uint8_t *qp_exact(void *self, const uint8_t *key, size_t len)
{
	const struct qp_leaf *leaf = qp_near(self, key, len);
	bool same = leaf->key_len == len && memcmp(leaf->bytes, key, len) == 0;
	return same ? leaf->bytes + leaf->key_len : NULL;
}

static const struct qp_leaf *qp_last(const struct qp_node *node)
{
	while (node->bits != 0) {
		const struct qp_branch *branch = node->to;
		node = &branch->twigs[(size_t)__builtin_popcountll(node->bits) - 1];
	}
	return node->to;
}

static const uint8_t *qp_before(void *self, const uint8_t *key, size_t len)
{
	struct qp *qp = self;
	const struct qp_leaf *near = qp_near(qp, key, len);
	size_t common = zone_key_common(near->bytes, near->key_len, key, len);
	if (common == len && common == near->key_len) {
		return near->bytes + near->key_len;
	}
	/* Down again to where the key would branch off; the last twig before that is the way to the predecessor. */
	const struct qp_node *node = &qp->root;
	const struct qp_node *less = NULL;
	while (node->bits != 0) {
		const struct qp_branch *branch = node->to;
		if (branch->at > common) {
			break;
		}
		unsigned symbol = symbol_at(key, len, branch->at);
		size_t twig = twig_of(node->bits, symbol);
		less = twig > 0 ? &branch->twigs[twig - 1] : less;
		if ((node->bits >> symbol & 1) == 0) {
			node = NULL;
			break;
		}
		node = &branch->twigs[twig];
	}
	if (node != NULL && symbol_at(near->bytes, near->key_len, common) < symbol_at(key, len, common)) {
		less = node;
	}
	const struct qp_leaf *leaf = qp_last(less);
	return leaf->bytes + leaf->key_len;
}

/* The node with one owner more; branches on the way are copied and the old ones freed (no version keeps them here). */
static struct qp_node qp_insert_at(struct qp_node node, const struct owner *owner, size_t common, unsigned old_symbol)
{
	struct qp_branch *branch = node.to;
	unsigned symbol = symbol_at(owner->key, owner->key_len, common);
	if (node.bits == 0 || branch->at > common) {
		struct qp_branch *above = malloc(sizeof *above + 2 * sizeof(struct qp_node));
		above->at = (uint16_t)common;
		above->twigs[symbol < old_symbol ? 0 : 1] = qp_leaf_new(owner);
		above->twigs[symbol < old_symbol ? 1 : 0] = node;
		return (struct qp_node){UINT64_C(1) << symbol | UINT64_C(1) << old_symbol, above};
	}
	size_t twigs = (size_t)__builtin_popcountll(node.bits);
	if (branch->at == common) {
		size_t twig = twig_of(node.bits, symbol);
		struct qp_branch *wider = malloc(sizeof *wider + (twigs + 1) * sizeof(struct qp_node));
		wider->at = branch->at;
		memcpy(wider->twigs, branch->twigs, twig * sizeof(struct qp_node));
		wider->twigs[twig] = qp_leaf_new(owner);
		memcpy(wider->twigs + twig + 1, branch->twigs + twig, (twigs - twig) * sizeof(struct qp_node));
		free(branch);
		return (struct qp_node){node.bits | UINT64_C(1) << symbol, wider};
	}
	size_t twig = twig_of(node.bits, symbol_at(owner->key, owner->key_len, branch->at));
	struct qp_branch *copy = malloc(sizeof *copy + twigs * sizeof(struct qp_node));
	memcpy(copy, branch, sizeof *copy + twigs * sizeof(struct qp_node));
	copy->twigs[twig] = qp_insert_at(branch->twigs[twig], owner, common, old_symbol);
	free(branch);
	return (struct qp_node){node.bits, copy};
}

static void qp_insert(void *self, const struct owner *owner)
{
	struct qp *qp = self;
	const struct qp_leaf *near = qp_near(qp, owner->key, owner->key_len);
	size_t common = zone_key_common(near->bytes, near->key_len, owner->key, owner->key_len);
	qp->root = qp_insert_at(qp->root, owner, common, symbol_at(near->bytes, near->key_len, common));
}

/* ---- hash ---- */

struct hash_slot {
	uint32_t tag;
	uint32_t index;
};

struct hashed {
	uint8_t *image; /* key length (2), body length (4), key, body */
	uint64_t *positions;
	size_t count;
	struct hash_slot *slots;
	size_t mask;
};

static uint64_t hash_key_octets(const uint8_t *key, size_t len)
{
	uint64_t hash = len;
	for (; len >= 8; key += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, key, 8);
		hash = (hash ^ word) * 0xff51afd7ed558ccdu;
		hash ^= hash >> 32;
	}
	uint64_t last = 0;
	memcpy(&last, key, len);
	hash = (hash ^ last) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 29;
}

static void *hashed_build(const struct owner *owners, size_t count)
{
	struct hashed *hashed = memory_new(sizeof *hashed);
	size_t size = 0;
	for (size_t i = 0; i < count; i++) {
		size += 6u + owners[i].key_len + owners[i].body_len;
	}
	size_t slots = 16;
	while (slots * 4 / 5 < count) {
		slots *= 2;
	}
	hashed->image = malloc(size);
	hashed->positions = memory_new_array(count, sizeof *hashed->positions);
	hashed->slots = memory_new_array(slots, sizeof *hashed->slots);
	hashed->mask = slots - 1;
	hashed->count = count;
	uint8_t *at = hashed->image;
	for (size_t i = 0; i < count; i++) {
		hashed->positions[i] = (uint64_t)(at - hashed->image);
		memcpy(at, &owners[i].key_len, 2);
		memcpy(at + 2, &owners[i].body_len, 4);
		memcpy(at + 6, owners[i].key, owners[i].key_len);
		memcpy(at + 6 + owners[i].key_len, owners[i].body, owners[i].body_len);
		at += 6 + owners[i].key_len + owners[i].body_len;
		uint64_t hash = hash_key_octets(owners[i].key, owners[i].key_len);
		size_t slot = hash & hashed->mask;
		while (hashed->slots[slot].tag != 0) {
			slot = (slot + 1) & hashed->mask;
		}
		hashed->slots[slot] = (struct hash_slot){(uint32_t)(hash >> 32) | 1, (uint32_t)i};
	}
	return hashed;
}

static const uint8_t *hashed_key(const struct hashed *hashed, size_t index, size_t *len)
{
	const uint8_t *entry = hashed->image + hashed->positions[index];
	uint16_t key_len;
	memcpy(&key_len, entry, 2);
	*len = key_len;
	return entry + 6;
}

static const uint8_t *hashed_exact(void *self, const uint8_t *key, size_t len)
{
	struct hashed *hashed = self;
	uint64_t hash = hash_key_octets(key, len);
	uint32_t tag = (uint32_t)(hash >> 32) | 1;
	for (size_t slot = hash & hashed->mask; hashed->slots[slot].tag != 0; slot = (slot + 1) & hashed->mask) {
		if (hashed->slots[slot].tag == tag) {
			size_t own_len;
			const uint8_t *own = hashed_key(hashed, hashed->slots[slot].index, &own_len);
			if (own_len == len && memcmp(own, key, len) == 0) {
				return own + own_len;
			}
		}
	}
	return NULL;
}

static const uint8_t *hashed_before(void *self, const uint8_t *key, size_t len)
{
	struct hashed *hashed = self;
	size_t low = 0;
	size_t high = hashed->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		size_t own_len;
		const uint8_t *own = hashed_key(hashed, middle, &own_len);
		if (zone_key_compare(own, own_len, key, len) <= 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	size_t own_len;
	const uint8_t *own = hashed_key(hashed, low - 1, &own_len);
	return own + own_len;
}

/* ---- rbtree ---- */

struct rb_node {
	struct rb_node *child[2];
	struct rb_node *parent;
	uint8_t *body;
	bool red;
	uint16_t key_len;
	uint8_t key[];
};

struct rb {
	struct rb_node *root;
};

static void rb_rotate(struct rb *rb, struct rb_node *node, int side)
{
	struct rb_node *up = node->child[!side];
	node->child[!side] = up->child[side];
	if (up->child[side] != NULL) {
		up->child[side]->parent = node;
	}
	up->parent = node->parent;
	if (node->parent == NULL) {
		rb->root = up;
	} else {
		node->parent->child[node->parent->child[1] == node] = up;
	}
	up->child[side] = node;
	node->parent = up;
}

static void rb_balance(struct rb *rb, struct rb_node *node)
{
	while (node->parent != NULL && node->parent->red) {
		struct rb_node *grand = node->parent->parent;
		int side = grand->child[1] == node->parent;
		struct rb_node *uncle = grand->child[!side];
		if (uncle != NULL && uncle->red) {
			node->parent->red = false;
			uncle->red = false;
			grand->red = true;
			node = grand;
			continue;
		}
		if (node->parent->child[!side] == node) {
			node = node->parent;
			rb_rotate(rb, node, side);
		}
		node->parent->red = false;
		grand->red = true;
		rb_rotate(rb, grand, !side);
	}
	rb->root->red = false;
}

static void rb_insert(void *self, const struct owner *owner)
{
	struct rb *rb = self;
	struct rb_node *node = malloc(sizeof *node + owner->key_len);
	*node = (struct rb_node){.red = true, .key_len = owner->key_len};
	node->body = malloc(owner->body_len);
	memcpy(node->key, owner->key, owner->key_len);
	memcpy(node->body, owner->body, owner->body_len);
	struct rb_node **at = &rb->root;
	while (*at != NULL) {
		node->parent = *at;
		at = &(*at)->child[zone_key_compare((*at)->key, (*at)->key_len, owner->key, owner->key_len) < 0];
	}
	*at = node;
	rb_balance(rb, node);
}

static void *rb_build(const struct owner *owners, size_t count)
{
	struct rb *rb = memory_new(sizeof *rb);
	for (size_t i = 0; i < count; i++) {
		rb_insert(rb, &owners[i]);
	}
	return rb;
}

static const uint8_t *rb_before(void *self, const uint8_t *key, size_t len)
{
	const struct rb *rb = self;
	const struct rb_node *best = NULL;
	for (const struct rb_node *node = rb->root; node != NULL;) {
		int order = zone_key_compare(node->key, node->key_len, key, len);
		best = order <= 0 ? node : best;
		node = node->child[order < 0 || order == 0];
	}
	return best->body;
}

static const uint8_t *rb_exact(void *self, const uint8_t *key, size_t len)
{
	const struct rb *rb = self;
	for (const struct rb_node *node = rb->root; node != NULL;) {
		int order = zone_key_compare(node->key, node->key_len, key, len);
		if (order == 0) {
			return node->body;
		}
		node = node->child[order < 0];
	}
	return NULL;
}

/* ---- material ---- */

static void add_record(void *context, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
                       size_t len)
{
	zone_builder_add(context, owner, type, ttl, rdata, len);
}

static struct owner *material(const struct tld *tld, struct arena *arena, size_t *count)
{
	struct zone_builder *builder = zone_builder_new((const uint8_t *)TLD_APEX, 1);
	tld_records(tld, builder, add_record);
	const struct zone_snapshot *zone = zone_builder_finish(builder, NULL, NULL);
	struct zone_facts facts;
	zone_facts(zone, &facts);
	printf("%zu delegations, %llu owners, %llu records\n", tld->count, (unsigned long long)facts.names,
	       (unsigned long long)facts.records);
	struct owner *owners = memory_new_array(facts.names, sizeof *owners);
	struct zone_cursor cursor;
	size_t done = 0;
	for (zone_cursor_first(&cursor, zone->names.root); zone_cursor_valid(&cursor); zone_cursor_next(&cursor)) {
		uint8_t key[ZONE_KEY_MAX];
		const struct zone_page *page = zone_cursor_page(&cursor);
		size_t index = zone_cursor_index(&cursor);
		size_t key_len = zone_page_key(page, index, key);
		size_t body_len = zone_page_body_len(page, index);
		owners[done++] = (struct owner){
		        .key = arena_copy(arena, key, key_len),
		        .key_len = (uint16_t)key_len,
		        .body = arena_copy(arena, zone_page_body(page, index), body_len),
		        .body_len = (uint32_t)body_len,
		};
	}
	*count = done; /* the snapshot stays: shared blobs are referred to */
	return owners;
}

/* Keys to ask, in a row so that only the structure is missed in the cache. */
struct question {
	uint16_t len;
	uint8_t key[46];
};

static struct question *questions(const struct owner *owners, size_t count, bool exist)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 3);
	struct question *list = memory_new_array(LOOKUPS, sizeof *list);
	for (size_t i = 0; i < LOOKUPS; i++) {
		const struct owner *owner = &owners[random_below(&seeded.source, count)];
		list[i].len = owner->key_len;
		memcpy(list[i].key, owner->key, owner->key_len);
		if (!exist && owner->key_len > 2) {
			list[i].key[owner->key_len - 2] = (uint8_t)('g' + random_below(&seeded.source, 10));
		}
	}
	return list;
}

static double ask(void *self, const uint8_t *(*find)(void *, const uint8_t *, size_t), const struct question *list,
                  uint64_t *sum)
{
	double least = 1e9;
	for (size_t round = 0; round < ROUNDS; round++) {
		double start = seconds();
		*sum = 0;
		for (size_t i = 0; i < LOOKUPS; i++) {
			const uint8_t *body = find(self, list[i].key, list[i].len);
			*sum += body == NULL ? 0 : body[1];
		}
		double took = seconds() - start;
		least = took < least ? took : least;
	}
	return least * 1e9 / LOOKUPS;
}

static double insert_some(const struct candidate *candidate, void *self, struct arena *arena,
                          const struct owner *owners, size_t count)
{
	struct random_seeded seeded;
	random_seeded_init(&seeded, 5);
	double total = 0;
	double least = 1e9;
	for (size_t i = 0; i < CHANGES * ROUNDS; i++) {
		struct owner owner = owners[1 + random_below(&seeded.source, count - 1)];
		uint8_t key[ZONE_KEY_MAX];
		int extra = snprintf((char *)key + owner.key_len, 16, "new%zu", i) + 1;
		memcpy(key, owner.key, owner.key_len);
		owner.key_len = (uint16_t)(owner.key_len + extra);
		owner.key = arena_copy(arena, key, owner.key_len);
		double start = seconds();
		candidate->insert(self, &owner);
		total += seconds() - start;
		if (i % CHANGES == CHANGES - 1) {
			least = total < least ? total : least;
			total = 0;
		}
	}
	return least * 1e6 / CHANGES;
}

static void measure(const struct candidate *candidate, const struct owner *owners, size_t count, struct arena *arena)
{
	uint64_t sums[3];
	size_t before = heap();
	double start = seconds();
	void *self = candidate->build(owners, count);
	double built = seconds() - start;
	size_t octets = heap() - before;
	struct question *there = questions(owners, count, true);
	struct question *absent = questions(owners, count, false);
	double hit = ask(self, candidate->exact, there, &sums[0]);
	double miss = ask(self, candidate->exact, absent, &sums[1]);
	double predecessor = ask(self, candidate->before, absent, &sums[2]);
	printf("%-7s build %4.0f ns/owner  memory %5.1f octets/owner  exact hit %4.0f ns  miss %4.0f ns  predecessor "
	       "%4.0f "
	       "ns  ",
	       candidate->name, built * 1e9 / (double)count, (double)octets / (double)count, hit, miss, predecessor);
	if (candidate->insert != NULL) {
		printf("change %.2f us", insert_some(candidate, self, arena, owners, count));
	} else {
		printf("change: merge of all, %.0f ms", built * 1e3);
	}
	printf("  (%llu)\n", (unsigned long long)(sums[0] + sums[1] + sums[2]));
	free(there);
	free(absent);
}

int main(int argc, char **argv)
{
	static const struct candidate candidates[] = {
	        {"pages", pages_build, pages_before, pages_exact, pages_insert},
	        {"qp", qp_build, qp_before, qp_exact, qp_insert},
	        {"hash", hashed_build, hashed_before, hashed_exact, NULL},
	        {"rbtree", rb_build, rb_before, rb_exact, rb_insert},
	};
	struct tld tld;
	struct arena arena;
	size_t count;
	make_symbols();
	arena_init(&arena, 1 << 20);
	tld_init(&tld, argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000, true);
	struct owner *owners = material(&tld, &arena, &count);
	size_t octets = 0;
	for (size_t i = 0; i < count; i++) {
		octets += (size_t)owners[i].key_len + owners[i].body_len;
	}
	printf("keys and bodies alone: %.1f octets/owner\n", (double)octets / (double)count);
	for (size_t i = 0; i < ARRAY_LENGTH(candidates); i++) {
		if (argc <= 2 || strcmp(argv[2], candidates[i].name) == 0) {
			measure(&candidates[i], owners, count, &arena);
		}
	}
	return 0;
}
