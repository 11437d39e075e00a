/* SPDX-License-Identifier: MIT */
/* Looks through an LMDB file before LMDB does.
 *
 * LMDB trusts its file: a page that is not what it should be is met by SIGBUS, by a failed assertion, or by writing over what
 * somebody needs. So each page that can be reached is read here and held against what LMDB relies on. What this does not know
 * is what values mean; they have checksums of their own (value.c).
 *
 * The file, as LMDB 0.9 writes it on a machine of 64 bits; numbers in the machine's own order:
 *
 *   pages 0 and 1   the two meta pages; transaction N is written to page N modulo 2
 *   every page      0 its number (8)  8 unused (2)  10 flags (2)  12 lower (2)  14 upper (2)
 *                   or, where several pages hold one value, 12 how many (4)
 *   a meta page     16 magic (4)  20 version (4)  24 address (8)  32 size of the map (8)  40 tree 0  88 tree 1
 *                   136 last page (8)  144 transaction (8)
 *   a tree          0 in tree 0 the page size (4)  4 flags (2)  6 depth (2)  8 counts (4 of 8)  40 root (8; all ones: empty)
 *   branch, leaf    16 offsets of nodes (2 each, up to `lower`); the nodes lie between `upper` and the end
 *   a node          0 and 2 size of the value (2, 2: high half)  4 flags (2; 1: the value is on pages of its own, whose
 *                   number stands in its place)  6 size of the key (2)  8 the key, the value; in a branch the first six
 *                   octets are the page, and there is no value
 *
 * Tree 0 has free pages by transaction: a count (8), page numbers (8 each). Tree 1 has our keys and values.
 *
 * I1  Nothing is read outside of a page, and no page twice.
 * I2  A file that passes is one that LMDB can read and write. */
#include "store/lmdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

#define META_MAGIC    0xBEEFC0DEu
#define META_VERSION  1
#define META_SIZE     152
#define PAGE_HEAD     16
#define NODE_HEAD     8
#define PAGE_SIZE_MIN 512
#define PAGE_SIZE_MAX 65536
#define DEPTH_MAX     32
#define KEY_MAX       511
#define NO_PAGE       UINT64_MAX

enum { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum { NODE_BIG = 1 };

struct tree {
	bool is_free_list;
	uint16_t flags;
	uint16_t depth;
	uint64_t root;
};

struct meta {
	uint32_t page_size;
	struct tree trees[2];
	uint64_t last_page;
	uint64_t transaction;
};

struct checking {
	const char *path;
	int fd;
	size_t page_size;
	uint64_t file_pages;  /* as many as the file has */
	uint64_t last_page;   /* as the meta page says */
	uint64_t transaction; /* the last one that is durable */
	uint64_t beyond;      /* free pages that the file does not have: no transaction has written them yet */
	uint8_t *seen;        /* a bit for each page of the file */
	struct error *error;
};

/* Keys between which those of a page lie; NULL: no bound. */
struct bounds {
	struct kv_bytes low;
	struct kv_bytes high;
};

/* ---- reading ---- */

static uint16_t get_u16(const uint8_t *at)
{
	uint16_t number;
	memcpy(&number, at, sizeof number);
	return number;
}

static uint32_t get_u32(const uint8_t *at)
{
	uint32_t number;
	memcpy(&number, at, sizeof number);
	return number;
}

static uint64_t get_u64(const uint8_t *at)
{
	uint64_t number;
	memcpy(&number, at, sizeof number);
	return number;
}

static bool broken(const struct checking *checking, const char *what)
{
	return error_set(checking->error, ERROR_INVALID, "%s: is broken: %s", checking->path, what);
}

static bool read_at(const struct checking *checking, uint64_t offset, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t got = pread(checking->fd, out, len, (off_t)offset);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return error_set_errno(checking->error, errno, "%s", checking->path);
		}
		if (got == 0) {
			return broken(checking, "it is shorter than it says itself");
		}
		out += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return true;
}

/* Notes a page as used; false: it is none, or is used already. */
static bool take_page(struct checking *checking, uint64_t page)
{
	if (page < 2 || page > checking->last_page) {
		return broken(checking, "a page is none of it");
	}
	if (page >= checking->file_pages) {
		return broken(checking, "it is shorter than it says itself");
	}
	uint8_t bit = (uint8_t)(1u << (page % 8));
	if ((checking->seen[page / 8] & bit) != 0) {
		return broken(checking, "a page is used twice");
	}
	checking->seen[page / 8] |= bit;
	return true;
}

/* ---- values on pages of their own, and free pages ---- */

/* Gives the pages, on the heap; NULL: something is wrong. */
static uint8_t *read_big(struct checking *checking, uint64_t page, size_t len)
{
	uint8_t head[PAGE_HEAD];
	if (!take_page(checking, page) || !read_at(checking, page * checking->page_size, head, sizeof head)) {
		return NULL;
	}
	uint64_t count = get_u32(head + 12);
	uint64_t needed = (PAGE_HEAD - 1 + (uint64_t)len) / checking->page_size + 1;
	if (get_u64(head) != page || get_u16(head + 10) != PAGE_OVERFLOW || count < needed ||
	    count > checking->file_pages - page) {
		broken(checking, "pages of a large value are none");
		return NULL;
	}
	for (uint64_t i = 1; i < count; i++) {
		if (!take_page(checking, page + i)) {
			return NULL;
		}
	}
	uint8_t *pages = memory_resize(NULL, (size_t)needed, checking->page_size);
	if (!read_at(checking, page * checking->page_size, pages, (size_t)needed * checking->page_size)) {
		free(pages);
		return NULL;
	}
	return pages;
}

static bool check_free_pages(struct checking *checking, const uint8_t *value, size_t len)
{
	if (len < 8 || get_u64(value) > len / 8 - 1) {
		return broken(checking, "a list of free pages is none");
	}
	uint64_t count = get_u64(value);
	for (uint64_t i = 1; i <= count; i++) {
		uint64_t page = get_u64(value + i * 8);
		/* Descending. */
		if (page > checking->last_page || (i > 1 && page >= get_u64(value + (i - 1) * 8))) {
			return broken(checking, "a list of free pages is none");
		}
		if (page >= checking->file_pages) {
			checking->beyond++;
		} else if (!take_page(checking, page)) {
			return false;
		}
	}
	return true;
}

/* ---- trees ---- */

static int compare_keys(const struct tree *tree, struct kv_bytes a, struct kv_bytes b)
{
	if (tree->is_free_list) {
		uint64_t first = get_u64(a.at);
		uint64_t second = get_u64(b.at);
		return (first > second) - (first < second);
	}
	size_t len = a.len < b.len ? a.len : b.len;
	int order = memcmp(a.at, b.at, len);
	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_within(const struct tree *tree, struct kv_bytes key, const struct bounds *bounds)
{
	return (bounds->low.at == NULL || compare_keys(tree, key, bounds->low) >= 0) &&
	       (bounds->high.at == NULL || compare_keys(tree, key, bounds->high) < 0);
}

static unsigned node_count(const uint8_t *page)
{
	return (unsigned)(get_u16(page + 12) - PAGE_HEAD) / 2;
}

static const uint8_t *node_at(const uint8_t *page, unsigned index)
{
	return page + get_u16(page + PAGE_HEAD + 2 * index);
}

static struct kv_bytes key_of(const uint8_t *node)
{
	return (struct kv_bytes){.at = node + NODE_HEAD, .len = get_u16(node + 6)};
}

static size_t value_size(const uint8_t *node)
{
	return (size_t)get_u16(node) | (size_t)get_u16(node + 2) << 16;
}

static uint64_t child_of(const uint8_t *node)
{
	return (uint64_t)get_u16(node) | (uint64_t)get_u16(node + 2) << 16 | (uint64_t)get_u16(node + 4) << 32;
}

static bool is_big(const uint8_t *node)
{
	return get_u16(node + 4) == NODE_BIG;
}

/* Octets of a node whose head lies on the page. */
static size_t node_size(const uint8_t *node, bool is_leaf)
{
	size_t size = NODE_HEAD + (size_t)get_u16(node + 6);
	if (is_leaf) {
		size += is_big(node) ? 8 : value_size(node);
	}
	return size + size % 2;
}

/* Each node lies on its page, and together they fill the place that is theirs. */
static bool nodes_fit(const struct checking *checking, const uint8_t *page, bool is_leaf)
{
	size_t lower = get_u16(page + 12);
	size_t upper = get_u16(page + 14);
	size_t sum = 0;
	if (lower < PAGE_HEAD || lower % 2 != 0 || lower > upper || upper > checking->page_size) {
		return false;
	}
	for (unsigned i = 0; i < node_count(page); i++) {
		size_t at = get_u16(page + PAGE_HEAD + 2 * i);
		if (at < upper || at % 2 != 0 || at + NODE_HEAD > checking->page_size ||
		    (is_leaf && get_u16(page + at + 4) > NODE_BIG) ||
		    node_size(page + at, is_leaf) > checking->page_size - at) {
			return false;
		}
		sum += node_size(page + at, is_leaf);
	}
	return sum == checking->page_size - upper;
}

/* Pages were freed by transactions that have been. LMDB forgets a list when it has used it by the transaction before: one of
 * transaction 0 would give its pages again and again, which LMDB ends the process for. */
static bool is_of_past(const struct checking *checking, struct kv_bytes key)
{
	return key.len == 8 && get_u64(key.at) > 0 && get_u64(key.at) <= checking->transaction;
}

/* The first key of a branch is never looked at, and may be anything. */
static bool keys_fit(const struct checking *checking, const struct tree *tree, const uint8_t *page, bool is_leaf,
                     const struct bounds *bounds)
{
	unsigned first = is_leaf ? 0 : 1;
	for (unsigned i = first; i < node_count(page); i++) {
		struct kv_bytes key = key_of(node_at(page, i));
		if (key.len == 0 || key.len > KEY_MAX || (tree->is_free_list && !is_of_past(checking, key)) ||
		    !is_within(tree, key, bounds) ||
		    (i > first && compare_keys(tree, key_of(node_at(page, i - 1)), key) >= 0)) {
			return false;
		}
	}
	return true;
}

static bool check_values(struct checking *checking, const struct tree *tree, const uint8_t *page)
{
	bool done = true;
	for (unsigned i = 0; done && i < node_count(page); i++) {
		const uint8_t *node = node_at(page, i);
		const uint8_t *value = node + NODE_HEAD + get_u16(node + 6);
		uint8_t *pages = NULL;
		if (is_big(node)) {
			pages = read_big(checking, get_u64(value), value_size(node));
			done = pages != NULL;
			value = done ? pages + PAGE_HEAD : NULL;
		}
		done = done && (!tree->is_free_list || check_free_pages(checking, value, value_size(node)));
		free(pages);
	}
	return done;
}

static bool check_page(struct checking *checking, const struct tree *tree, uint64_t number, unsigned depth,
                       const struct bounds *bounds);

static bool check_children(struct checking *checking, const struct tree *tree, const uint8_t *page, unsigned depth,
                           const struct bounds *bounds)
{
	unsigned count = node_count(page);
	for (unsigned i = 0; i < count; i++) {
		struct bounds between = *bounds;
		if (i > 0) {
			between.low = key_of(node_at(page, i));
		}
		if (i + 1 < count) {
			between.high = key_of(node_at(page, i + 1));
		}
		if (!check_page(checking, tree, child_of(node_at(page, i)), depth + 1, &between)) {
			return false;
		}
	}
	return true;
}

static bool check_content(struct checking *checking, const struct tree *tree, const uint8_t *page, uint64_t number,
                          unsigned depth, const struct bounds *bounds)
{
	bool is_leaf = depth == tree->depth;
	unsigned least = is_leaf || tree->is_free_list ? 1 : 2;
	if (get_u64(page) != number || get_u16(page + 10) != (is_leaf ? PAGE_LEAF : PAGE_BRANCH) ||
	    !nodes_fit(checking, page, is_leaf) || node_count(page) < least ||
	    !keys_fit(checking, tree, page, is_leaf, bounds)) {
		return broken(checking, "a page is not what it should be");
	}
	return is_leaf ? check_values(checking, tree, page) : check_children(checking, tree, page, depth, bounds);
}

/* `depth`: 1 at the root. */
static bool check_page(struct checking *checking, const struct tree *tree, uint64_t number, unsigned depth,
                       const struct bounds *bounds)
{
	if (!take_page(checking, number)) {
		return false;
	}
	uint8_t *page = memory_resize(NULL, checking->page_size, 1);
	bool done = read_at(checking, number * checking->page_size, page, checking->page_size) &&
	            check_content(checking, tree, page, number, depth, bounds);
	free(page);
	return done;
}

static bool check_tree(struct checking *checking, const struct tree *tree)
{
	static const struct bounds none;
	/* The free list's hold those of the environment, too. */
	unsigned flags = tree->is_free_list ? MDB_INTEGERKEY | MDB_NOSUBDIR : 0;
	if (tree->flags != flags || tree->depth > DEPTH_MAX || (tree->root == NO_PAGE) != (tree->depth == 0)) {
		return broken(checking, "a tree is none");
	}
	return tree->root == NO_PAGE || check_page(checking, tree, tree->root, 1, &none);
}

/* ---- meta pages ---- */

static void read_tree(const uint8_t *at, bool is_free_list, struct tree *out)
{
	out->is_free_list = is_free_list;
	out->flags = get_u16(at + 4);
	out->depth = get_u16(at + 6);
	out->root = get_u64(at + 40);
}

static bool read_meta(const struct checking *checking, uint64_t number, uint64_t offset, struct meta *out)
{
	uint8_t page[META_SIZE];
	if (!read_at(checking, offset, page, sizeof page)) {
		return false;
	}
	out->page_size = get_u32(page + 40);
	read_tree(page + 40, true, &out->trees[0]);
	read_tree(page + 88, false, &out->trees[1]);
	out->last_page = get_u64(page + 136);
	out->transaction = get_u64(page + 144);
	bool is_meta = get_u64(page) == number && get_u16(page + 10) == PAGE_META && get_u32(page + 16) == META_MAGIC &&
	               get_u32(page + 20) == META_VERSION;
	return is_meta || broken(checking, "it does not begin as an LMDB file does");
}

/* Each transaction is written to its own page, so that they are of two that follow one another, or of none. */
static bool are_neighbours(const struct meta metas[2])
{
	uint64_t even = metas[0].transaction;
	uint64_t odd = metas[1].transaction;
	return (even == 0 && odd == 0) || (even % 2 == 0 && (odd == even + 1 || odd + 1 == even));
}

static bool read_metas(struct checking *checking, struct meta *newest)
{
	struct meta metas[2];
	if (!read_meta(checking, 0, 0, &metas[0])) {
		return false;
	}
	size_t size = metas[0].page_size;
	if (size < PAGE_SIZE_MIN || size > PAGE_SIZE_MAX || (size & (size - 1)) != 0) {
		return broken(checking, "its page size is none");
	}
	checking->page_size = size;
	if (!read_meta(checking, 1, size, &metas[1])) {
		return false;
	}
	if (metas[1].page_size != size || !are_neighbours(metas)) {
		return broken(checking, "its two meta pages do not belong together");
	}
	*newest = metas[metas[1].transaction > metas[0].transaction];
	return true;
}

static bool check_file(struct checking *checking)
{
	struct stat status;
	struct meta meta;
	if (fstat(checking->fd, &status) != 0) {
		return error_set_errno(checking->error, errno, "%s", checking->path);
	}
	if (!read_metas(checking, &meta)) {
		return false;
	}
	checking->file_pages = (uint64_t)status.st_size / checking->page_size;
	checking->last_page = meta.last_page;
	checking->transaction = meta.transaction;
	if (meta.last_page < 1 || meta.last_page >= MAP_SIZE_MAX / checking->page_size) {
		return broken(checking, "its last page is none");
	}
	checking->seen = memory_new((size_t)(checking->file_pages / 8 + 1));
	bool done = check_tree(checking, &meta.trees[0]) && check_tree(checking, &meta.trees[1]);
	free(checking->seen);
	if (done && meta.last_page >= checking->file_pages &&
	    meta.last_page + 1 - checking->file_pages != checking->beyond) {
		return broken(checking, "it is shorter than it says itself");
	}
	return done;
}

bool lmdb_check(const char *path, struct error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	struct checking checking = {.path = path, .fd = fd, .error = error};
	bool done = check_file(&checking);
	close(fd);
	return done;
}
