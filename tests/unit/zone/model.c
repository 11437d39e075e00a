/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdlib.h>

#include "base/memory.h"
#include "crypto/crypto.h"
#include "dns/rdata.h"
#include "dns/type.h"
#include "unit.h"
#include "zone/tree_internal.h"
#include "zone/version_internal.h"

struct model *model_new(const uint8_t *apex)
{
	struct model *model = memory_new(sizeof *model);
	model->apex = dns_name_of(apex);
	return model;
}

static struct model_rr rr_copy(const struct model_rr *rr)
{
	struct model_rr copy = *rr;
	copy.rdata = memory_copy(rr->rdata, rr->rdata_len);
	return copy;
}

struct model *model_copy(const struct model *model)
{
	struct model *copy = memory_new(sizeof *copy);
	*copy = *model;
	copy->capacity = model->count;
	copy->rrs = memory_new_array(model->count, sizeof *copy->rrs);
	for (size_t i = 0; i < model->count; i++) {
		copy->rrs[i] = rr_copy(&model->rrs[i]);
	}
	return copy;
}

void model_free(struct model *model)
{
	for (size_t i = 0; i < model->count; i++) {
		free(model->rrs[i].rdata);
	}
	free(model->rrs);
	free(model);
}

/* ---- order ---- */

static uint16_t covered(const struct model_rr *rr)
{
	return rr->type == DNS_TYPE_RRSIG ? load_u16(rr->rdata) : rr->type;
}

static int base32_value(uint8_t octet)
{
	octet = dns_lower[octet];
	return octet >= '0' && octet <= '9' ? octet - '0' : octet >= 'a' && octet <= 'v' ? octet - 'a' + 10 : -1;
}

/* Does it belong to the NSEC3 tree? */
static bool is_hashed(const struct model *model, const struct model_rr *rr)
{
	const uint8_t *owner = rr->owner.wire;
	bool looks = owner[0] == 32 && dns_name_labels(owner) == dns_name_labels(model->apex.wire) + 1;
	for (size_t i = 1; looks && i <= 32; i++) {
		looks = base32_value(owner[i]) >= 0;
	}
	return looks && covered(rr) == DNS_TYPE_NSEC3;
}

static int type_order(uint16_t type)
{
	return type == DNS_TYPE_SOA ? 0 : type;
}

static int compare_rdata(const struct model_rr *a, const struct model_rr *b)
{
	return dns_rdata_compare(a->type, a->rdata, a->rdata_len, b->rdata, b->rdata_len);
}

static int compare_rrset(const struct model *model, const struct model_rr *a, const struct model_rr *b)
{
	int order = (int)is_hashed(model, a) - (int)is_hashed(model, b);
	if (order == 0) {
		order = dns_name_compare(a->owner.wire, b->owner.wire);
	}
	if (order == 0) {
		order = type_order(covered(a)) - type_order(covered(b));
	}
	if (order == 0) {
		order = (a->type == DNS_TYPE_RRSIG) - (b->type == DNS_TYPE_RRSIG);
	}
	return order;
}

static int compare_rr(const struct model *model, const struct model_rr *a, const struct model_rr *b)
{
	int order = compare_rrset(model, a, b);
	return order != 0 ? order : compare_rdata(a, b);
}

/* ---- changing ---- */

static void insert(struct model *model, const struct model_rr *rr)
{
	memory_reserve((void **)&model->rrs, &model->capacity, model->count + 1, sizeof *model->rrs);
	size_t at = model->count;
	while (at > 0 && compare_rr(model, &model->rrs[at - 1], rr) > 0) {
		model->rrs[at] = model->rrs[at - 1];
		at--;
	}
	model->rrs[at] = rr_copy(rr);
	model->count++;
}

static void remove_at(struct model *model, size_t index)
{
	free(model->rrs[index].rdata);
	memmove(&model->rrs[index], &model->rrs[index + 1], (model->count - index - 1) * sizeof *model->rrs);
	model->count--;
}

static long find_rr(const struct model *model, const struct model_rr *rr)
{
	for (size_t i = 0; i < model->count; i++) {
		if (compare_rr(model, &model->rrs[i], rr) == 0) {
			return (long)i;
		}
	}
	return -1;
}

static bool same_node(const struct model *model, const struct model_rr *a, const struct model_rr *b)
{
	return dns_name_equal(a->owner.wire, b->owner.wire) && is_hashed(model, a) == is_hashed(model, b);
}

/* The owner's case is that of the first RR that came for this node. */
static struct model_rr in_known_case(const struct model *model, const struct model_rr *rr)
{
	struct model_rr out = *rr;
	for (size_t i = 0; i < model->count; i++) {
		if (same_node(model, &model->rrs[i], rr)) {
			out.owner = model->rrs[i].owner;
		}
	}
	return out;
}

static void set_ttl(struct model *model, const struct model_rr *of, uint32_t ttl)
{
	for (size_t i = 0; i < model->count; i++) {
		if (compare_rrset(model, &model->rrs[i], of) == 0) {
			model->rrs[i].ttl = ttl;
		}
	}
}

static const struct model_rr *any_of_rrset(const struct model *model, const struct model_rr *rr)
{
	for (size_t i = 0; i < model->count; i++) {
		if (compare_rrset(model, &model->rrs[i], rr) == 0) {
			return &model->rrs[i];
		}
	}
	return NULL;
}

bool model_add(struct model *model, const struct model_rr *rr)
{
	if (!dns_name_is_within(rr->owner.wire, model->apex.wire)) {
		return false;
	}
	const struct model_rr *known = any_of_rrset(model, rr);
	uint32_t ttl = known != NULL && known->ttl < rr->ttl ? known->ttl : rr->ttl;
	if (find_rr(model, rr) >= 0) {
		model->duplicates++;
	} else {
		struct model_rr added = in_known_case(model, rr);
		insert(model, &added);
	}
	set_ttl(model, rr, ttl);
	return true;
}

static struct model_rr rr_of_change(const struct zone_change *change)
{
	return (struct model_rr){
	        .owner = dns_name_of(change->owner),
	        .type = change->type,
	        .ttl = change->ttl,
	        .rdata_len = change->rdata_len,
	        .rdata = (uint8_t *)(uintptr_t)change->rdata,
	};
}

static enum error_code apply_removals(struct model *model, const struct zone_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct model_rr rr = rr_of_change(&changes[i]);
		if (!changes[i].add) {
			long at = find_rr(model, &rr);
			if (at < 0) {
				return ERROR_NOT_FOUND;
			}
			remove_at(model, (size_t)at);
		}
	}
	return ERROR_NONE;
}

/* `before` has the owners' cases; `present` what was there before the additions. */
static enum error_code apply_additions(struct model *model, const struct model *before, const struct model *present,
                                       const struct zone_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct model_rr rr = rr_of_change(&changes[i]);
		if (!changes[i].add) {
			continue;
		}
		/* The TTL of a present RR is what it was before all additions, of an added one its own. */
		long at = find_rr(present, &rr);
		if (at >= 0 && present->rrs[at].ttl == rr.ttl) {
			return ERROR_EXISTS;
		}
		for (size_t j = 0; j < i && at < 0; j++) {
			struct model_rr other = rr_of_change(&changes[j]);
			if (changes[j].add && compare_rr(model, &other, &rr) == 0) {
				if (other.ttl == rr.ttl) {
					return ERROR_EXISTS;
				}
				break; /* only the first of the same RRs counts */
			}
		}
		if (find_rr(model, &rr) < 0) {
			struct model_rr added = in_known_case(model, &rr);
			added = in_known_case(before, &added);
			insert(model, &added);
		}
	}
	return ERROR_NONE;
}

static void apply_ttls(struct model *model, const struct zone_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct model_rr rr = rr_of_change(&changes[i]);
		uint32_t lowest = UINT32_MAX;
		for (size_t j = 0; j < count; j++) {
			struct model_rr other = rr_of_change(&changes[j]);
			if (changes[j].add && compare_rrset(model, &other, &rr) == 0 && other.ttl < lowest) {
				lowest = other.ttl;
			}
		}
		if (changes[i].add) {
			set_ttl(model, &rr, lowest);
		}
	}
}

/* Where a node is new, its owner is in the case of the change that came first. */
static void apply_cases(struct model *model, const struct model *before, const struct zone_change *changes,
                        size_t count)
{
	for (size_t i = 0; i < model->count; i++) {
		struct model_rr *rr = &model->rrs[i];
		bool was_there = false;
		for (size_t j = 0; j < before->count; j++) {
			was_there = was_there || same_node(model, &before->rrs[j], rr);
		}
		for (size_t j = 0; j < count && !was_there; j++) {
			struct model_rr change = rr_of_change(&changes[j]);
			if (same_node(model, &change, rr)) {
				rr->owner = change.owner;
				break;
			}
		}
	}
}

static size_t count_soas(const struct model *model)
{
	size_t soas = 0;
	for (size_t i = 0; i < model->count; i++) {
		soas += model->rrs[i].type == DNS_TYPE_SOA &&
		        dns_name_equal(model->rrs[i].owner.wire, model->apex.wire);
	}
	return soas;
}

enum error_code model_apply(struct model *model, const struct zone_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!dns_name_is_within(changes[i].owner, model->apex.wire)) {
			return ERROR_INVALID;
		}
	}
	struct model *next = model_copy(model);
	struct model *present = NULL;
	enum error_code code = apply_removals(next, changes, count);
	if (code == ERROR_NONE) {
		present = model_copy(next);
		code = apply_additions(next, model, present, changes, count);
	}
	if (code == ERROR_NONE) {
		apply_ttls(next, changes, count);
		apply_cases(next, model, changes, count);
		code = count_soas(next) == 1 ? ERROR_NONE : ERROR_INVALID;
	}
	if (present != NULL) {
		model_free(present);
	}
	if (code == ERROR_NONE) {
		struct model swapped = *model;
		*model = *next;
		*next = swapped;
	}
	model_free(next);
	return code;
}

/* ---- what is asked, the obvious way ---- */

static bool has_type(const struct model *model, const uint8_t *name, uint16_t type)
{
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		if (rr->type == type && !is_hashed(model, rr) && dns_name_equal(rr->owner.wire, name)) {
			return true;
		}
	}
	return false;
}

/* Holds RRs of its own. */
static bool has_entry(const struct model *model, const uint8_t *name)
{
	for (size_t i = 0; i < model->count; i++) {
		if (!is_hashed(model, &model->rrs[i]) && dns_name_equal(model->rrs[i].owner.wire, name)) {
			return true;
		}
	}
	return false;
}

static bool exists(const struct model *model, const uint8_t *name)
{
	for (size_t i = 0; i < model->count; i++) {
		if (!is_hashed(model, &model->rrs[i]) && dns_name_is_within(model->rrs[i].owner.wire, name)) {
			return true;
		}
	}
	return false;
}

static bool is_cut(const struct model *model, const uint8_t *name)
{
	return has_type(model, name, DNS_TYPE_NS) && !dns_name_equal(name, model->apex.wire);
}

static bool is_dname(const struct model *model, const uint8_t *name)
{
	return has_type(model, name, DNS_TYPE_DNAME);
}

/* Topmost cut or DNAME strictly above `name`; NULL: none. */
static const uint8_t *topmost_above(const struct model *model, const uint8_t *name)
{
	size_t labels = dns_name_labels(name);
	for (size_t n = dns_name_labels(model->apex.wire); n < labels; n++) {
		const uint8_t *ancestor = dns_name_strip(name, labels - n);
		if (is_cut(model, ancestor) || is_dname(model, ancestor)) {
			return ancestor;
		}
	}
	return NULL;
}

static void expect_node(const struct model *model, const struct zone_node *node, const uint8_t *name)
{
	assert_int_equal(node->labels, dns_name_labels(name));
	struct dns_name owner;
	zone_node_owner(node, &owner);
	assert_true(dns_name_equal(owner.wire, name));
	assert_int_equal((node->flags & ZONE_NODE_APEX) != 0, dns_name_equal(name, model->apex.wire));
	assert_int_equal((node->flags & ZONE_NODE_CUT) != 0, is_cut(model, name));
	assert_int_equal((node->flags & ZONE_NODE_DNAME) != 0, is_dname(model, name));
	assert_int_equal((node->flags & ZONE_NODE_BELOW_CUT) != 0, topmost_above(model, name) != NULL);
	assert_int_equal((node->flags & ZONE_NODE_EMPTY) != 0, !has_entry(model, name));
	assert_int_equal((node->flags & ZONE_NODE_CNAME) != 0, has_type(model, name, DNS_TYPE_CNAME));
	assert_int_equal(node->flags & ZONE_NODE_NSEC3, 0);
}

static void expect_lookup(const struct model *model, const struct zone_snapshot *zone, const uint8_t *name)
{
	struct zone_lookup found;
	zone_lookup(zone, name, &found);
	const uint8_t *cut = topmost_above(model, name);
	if (cut == NULL && is_cut(model, name)) {
		cut = name;
	}
	if (cut != NULL) {
		assert_int_equal(found.kind, is_cut(model, cut) ? ZONE_DELEGATION : ZONE_DNAME);
		expect_node(model, &found.node, cut);
		return;
	}
	if (exists(model, name)) {
		assert_int_equal(found.kind, ZONE_FOUND);
		expect_node(model, &found.node, name);
		assert_int_equal(found.encloser_labels, dns_name_labels(name));
		return;
	}
	const uint8_t *encloser = name;
	while (!exists(model, encloser)) {
		encloser = dns_name_strip(encloser, 1);
	}
	assert_int_equal(found.encloser_labels, dns_name_labels(encloser));
	struct dns_name wildcard;
	bool fits = dns_name_wildcard_of(encloser, &wildcard);
	if (fits && exists(model, wildcard.wire)) {
		assert_int_equal(found.kind, ZONE_WILDCARD);
		expect_node(model, &found.node, wildcard.wire);
	} else {
		assert_int_equal(found.kind, ZONE_NO_NAME);
	}
}

static void expect_find(const struct model *model, const struct zone_snapshot *zone, const uint8_t *name)
{
	struct zone_node node;
	bool found = zone_find(zone, name, &node);
	assert_int_equal(found, exists(model, name));
	if (found) {
		expect_node(model, &node, name);
	}
	struct zone_addresses addresses;
	bool has_a = has_type(model, name, DNS_TYPE_A);
	bool has_aaaa = has_type(model, name, DNS_TYPE_AAAA);
	assert_int_equal(zone_addresses(zone, name, &addresses), has_a || has_aaaa);
	assert_int_equal(addresses.a.count > 0, has_a);
	assert_int_equal(addresses.aaaa.count > 0, has_aaaa);
}

static void expect_nsec(const struct model *model, const struct zone_snapshot *zone, const uint8_t *name)
{
	const uint8_t *best = NULL;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		if (rr->type == DNS_TYPE_NSEC && dns_name_compare(rr->owner.wire, name) <= 0) {
			best = rr->owner.wire; /* they ascend */
		}
	}
	struct zone_node node;
	bool found = zone_nsec(zone, name, &node);
	assert_int_equal(found, best != NULL);
	if (found) {
		expect_node(model, &node, best);
	}
}

/* ---- NSEC3 ---- */

static bool same_chain(const struct model_rr *nsec3, const struct model_rr *params)
{
	return nsec3->rdata[0] == params->rdata[0] && memcmp(nsec3->rdata + 2, params->rdata + 2, 2) == 0 &&
	       nsec3->rdata[4] == params->rdata[4] &&
	       memcmp(nsec3->rdata + 5, params->rdata + 5, params->rdata[4]) == 0;
}

static size_t chain_len(const struct model *model, const struct model_rr *params)
{
	size_t len = 0;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		bool first = i == 0 || compare_rrset(model, rr, rr - 1) != 0;
		bool counts = rr->type == DNS_TYPE_NSEC3 && is_hashed(model, rr);
		for (size_t j = i; first && counts && j < model->count; j++) {
			if (compare_rrset(model, &model->rrs[j], rr) == 0 && same_chain(&model->rrs[j], params)) {
				len++;
				break;
			}
		}
	}
	return len;
}

/* The NSEC3PARAM whose chain is served; NULL: none. */
static const struct model_rr *served_chain(const struct model *model)
{
	const struct model_rr *best = NULL;
	size_t best_len = 0;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		if (rr->type == DNS_TYPE_NSEC3PARAM && dns_name_equal(rr->owner.wire, model->apex.wire)) {
			size_t len = chain_len(model, rr);
			if (len > best_len) {
				best = rr;
				best_len = len;
			}
		}
	}
	return best;
}

static void hash_of_owner(const uint8_t *owner, uint8_t hash[20])
{
	uint64_t bits = 0;
	for (size_t i = 0; i < 32; i++) {
		bits = bits << 5 | (uint64_t)base32_value(owner[1 + i]);
		if (i % 8 == 7) {
			for (size_t j = 0; j < 5; j++) {
				hash[i / 8 * 5 + j] = (uint8_t)(bits >> (32 - 8 * j));
			}
			bits = 0;
		}
	}
}

static void expect_nsec3(const struct model *model, const struct zone_snapshot *zone, const uint8_t hash[20])
{
	const struct model_rr *params = served_chain(model);
	struct zone_node node;
	enum zone_nsec3_find found = zone_nsec3(zone, hash, &node);
	if (params == NULL) {
		assert_int_equal(found, ZONE_NSEC3_NONE);
		assert_null(zone_nsec3_params(zone));
		return;
	}
	const uint8_t *best = NULL;
	const uint8_t *last = NULL;
	bool matches = false;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		uint8_t own[20];
		if (rr->type != DNS_TYPE_NSEC3 || !is_hashed(model, rr) || !same_chain(rr, params)) {
			continue;
		}
		hash_of_owner(rr->owner.wire, own);
		int order = memcmp(own, hash, 20);
		matches = matches || order == 0;
		best = order <= 0 ? rr->owner.wire : best;
		last = rr->owner.wire;
	}
	assert_int_equal(found, matches ? ZONE_NSEC3_MATCHES : ZONE_NSEC3_COVERS);
	struct dns_name owner;
	zone_node_owner(&node, &owner);
	assert_true(dns_name_equal(owner.wire, best == NULL ? last : best));
	assert_int_equal(node.flags, ZONE_NODE_NSEC3);
	assert_int_equal(zone_denial(zone), ZONE_NSEC3);
}

/* ---- the walk ---- */

/* RRs [from, result) are one RRset or its signatures. */
static size_t rrset_end(const struct model *model, size_t from)
{
	size_t to = from;
	while (to < model->count && compare_rrset(model, &model->rrs[from], &model->rrs[to]) == 0) {
		to++;
	}
	return to;
}

static void expect_rdatas(const struct model *model, size_t from, size_t to, uint32_t ttl, uint16_t count, uint32_t len,
                          const uint8_t *rdatas)
{
	assert_int_equal(count, to - from);
	const uint8_t *at = rdatas;
	for (size_t i = from; i < to; i++) {
		const struct model_rr *rr = &model->rrs[i];
		assert_int_equal(rr->ttl, ttl);
		assert_int_equal(load_u16(at), rr->rdata_len);
		/* Of duplicates that differ in the case of names, either may have been kept. */
		assert_int_equal(dns_rdata_compare(rr->type, at + 2, rr->rdata_len, rr->rdata, rr->rdata_len), 0);
		at += 2 + rr->rdata_len;
	}
	assert_int_equal(at - rdatas, len);
}

/* One RRset of the snapshot against the RRs from `from` on; gives the first RR behind. */
static size_t expect_rrset(const struct model *model, size_t from, const struct zone_rrset *rrset)
{
	const struct model_rr *first = &model->rrs[from];
	assert_int_equal(covered(first), rrset->type);
	size_t to = from;
	if (first->type == DNS_TYPE_RRSIG) {
		assert_int_equal(rrset->count, 0);
	} else {
		to = rrset_end(model, from);
		expect_rdatas(model, from, to, rrset->ttl, rrset->count, rrset->rdatas_len, rrset->rdatas);
	}
	bool has_sigs = to < model->count && model->rrs[to].type == DNS_TYPE_RRSIG &&
	                covered(&model->rrs[to]) == rrset->type && same_node(model, &model->rrs[to], first);
	if (!has_sigs) {
		assert_int_equal(rrset->sig_count, 0);
		return to;
	}
	size_t end = rrset_end(model, to);
	expect_rdatas(model, to, end, rrset->sig_ttl, rrset->sig_count, rrset->sigs_len, rrset->sigs);
	return end;
}

static void expect_walk(const struct model *model, const struct zone_snapshot *zone, uint64_t *names)
{
	struct zone_walk walk;
	struct zone_node node;
	size_t at = 0;
	zone_walk(zone, &walk);
	while (zone_walk_next(&walk, &node)) {
		(*names)++;
		assert_true(at < model->count);
		const struct model_rr *first = &model->rrs[at];
		struct dns_name owner;
		zone_node_owner(&node, &owner);
		assert_int_equal(owner.len, first->owner.len);
		assert_memory_equal(owner.wire, first->owner.wire, owner.len);
		assert_int_equal((node.flags & ZONE_NODE_NSEC3) != 0, is_hashed(model, first));
		if (!is_hashed(model, first)) {
			expect_node(model, &node, first->owner.wire);
		}
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		struct zone_rrset same;
		zone_rrsets(&node, &rrsets);
		while (zone_rrsets_next(&rrsets, &rrset)) {
			at = expect_rrset(model, at, &rrset);
			assert_true(zone_node_rrset(&node, rrset.type, &same));
			assert_ptr_equal(same.rdatas, rrset.rdatas);
			assert_int_equal(same.ttl, rrset.ttl);
			assert_int_equal(same.sig_count, rrset.sig_count);
		}
		assert_false(zone_node_rrset(&node, 65399, &same));
	}
	assert_int_equal(at, model->count);
	assert_false(zone_walk_next(&walk, &node));
}

static void expect_facts(const struct model *model, const struct zone_snapshot *zone, uint64_t names)
{
	struct zone_facts facts;
	zone_facts(zone, &facts);
	assert_int_equal(facts.records, model->count);
	assert_int_equal(facts.names, names);
	uint64_t cuts = 0;
	uint64_t wildcards = 0;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		bool first = i == 0 || !same_node(model, rr, rr - 1);
		if (first && !is_hashed(model, rr)) {
			const uint8_t *owner = rr->owner.wire;
			cuts += is_cut(model, owner) && topmost_above(model, owner) == NULL;
			wildcards += dns_name_is_wildcard(owner) && !dns_name_equal(owner, model->apex.wire);
		}
	}
	assert_int_equal(facts.cuts, cuts);
	assert_int_equal(facts.wildcards, wildcards);
}

void model_check(const struct model *model, const struct zone_snapshot *zone, const struct dns_name *names,
                 size_t count)
{
	uint64_t walked = 0;
	expect_walk(model, zone, &walked);
	expect_facts(model, zone, walked);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *name = names[i].wire;
		uint8_t hash[20];
		expect_lookup(model, zone, name);
		expect_find(model, zone, name);
		expect_nsec(model, zone, name);
		crypto_sha1(name, names[i].len, hash);
		expect_nsec3(model, zone, hash);
	}
	for (size_t i = 0; i < model->count; i++) {
		const struct model_rr *rr = &model->rrs[i];
		bool first = i == 0 || !same_node(model, rr, rr - 1);
		if (first && is_hashed(model, rr)) {
			uint8_t hash[20];
			hash_of_owner(rr->owner.wire, hash);
			expect_nsec3(model, zone, hash);
		} else if (first) {
			expect_lookup(model, zone, rr->owner.wire);
			expect_find(model, zone, rr->owner.wire);
			expect_nsec(model, zone, rr->owner.wire);
		}
	}
}

/* ---- pages ---- */

struct page_check {
	const struct zone_snapshot *zone;
	uint64_t bytes;
	uint8_t low[ZONE_KEY_MAX]; /* the last key seen */
	size_t low_len;
	bool has_low;
};

static void check_blob(struct page_check *check, const struct zone_part *part, uint64_t leaf_birth)
{
	if (part->blob != NULL) {
		assert_int_equal(part->blob->block.kind, ZONE_BLOCK_BLOB);
		assert_true(part->place != ZONE_PLACE_BLOB || part->blob->block.birth <= leaf_birth); /* P4 */
		check->bytes += part->place == ZONE_PLACE_BLOB ? part->blob->block.size : 0;
	}
}

static void check_leaf(struct page_check *check, const struct zone_page *page)
{
	for (size_t i = 0; i < zone_page_count(page); i++) {
		uint8_t key[ZONE_KEY_MAX];
		size_t len = zone_page_key(page, i, key);
		if (check->has_low) {
			assert_true(zone_key_compare(check->low, check->low_len, key, len) < 0);
		}
		memcpy(check->low, key, len);
		check->low_len = len;
		check->has_low = true;
		struct zone_body body;
		const uint8_t *start = zone_page_body(page, i);
		zone_body_read(start, &body);
		const uint8_t *at = body.rrsets;
		bool own_blob = false;
		assert_true(body.rrset_count > 0);
		for (size_t r = 0; r < body.rrset_count; r++) {
			struct zone_body_rrset rrset;
			at = zone_body_read_rrset(at, check->zone->line->ttls, &rrset);
			check_blob(check, &rrset.rrs, page->block.birth);
			check_blob(check, &rrset.sigs, page->block.birth);
			own_blob =
			        own_blob || rrset.rrs.place == ZONE_PLACE_BLOB || rrset.sigs.place == ZONE_PLACE_BLOB;
			assert_true(rrset.rrs.count + rrset.sigs.count > 0);
		}
		assert_int_equal(at - start, zone_page_body_len(page, i));
		assert_int_equal(own_blob, (body.flags & ZONE_BODY_BLOB) != 0);
		assert_true(!own_blob || (page->block.flags & ZONE_PAGE_BLOB) != 0);
	}
}

static void check_page(struct page_check *check, const struct zone_page *page, const uint8_t *separator, size_t len,
                       uint64_t parent_birth, int level)
{
	assert_int_equal(page->level, level);
	assert_true(page->block.birth <= parent_birth); /* P4 */
	assert_true(zone_page_count(page) > 0);
	size_t few = page->level > 0 ? ZONE_INNER_FEW : 1;
	assert_true(zone_page_count(page) <= few || page->block.size <= zone_page_max(page->level > 0)); /* P3 */
	check->bytes += page->block.size;
	if (page->level == 0) {
		uint8_t first[ZONE_KEY_MAX];
		size_t first_len = zone_page_key(page, 0, first);
		assert_true(zone_key_compare(separator, len, first, first_len) <= 0);
		assert_true(!check->has_low || zone_key_compare(check->low, check->low_len, separator, len) < 0);
		check_leaf(check, page);
		return;
	}
	for (size_t i = 0; i < zone_page_count(page); i++) {
		uint8_t key[ZONE_KEY_MAX];
		size_t key_len = zone_page_key(page, i, key);
		if (i == 0) {
			memcpy(key, separator, len);
			key_len = len;
		}
		check_page(check, zone_page_child(page, i), key, key_len, page->block.birth, level - 1);
	}
}

void model_check_pages(const struct zone_snapshot *zone)
{
	struct page_check check = {.zone = zone};
	const struct zone_page *roots[] = {zone->names.root, zone->hashes.root};
	for (size_t i = 0; i < 2; i++) {
		check.has_low = false;
		if (roots[i] != NULL) {
			check_page(&check, roots[i], (const uint8_t *)"", 0, UINT64_MAX, roots[i]->level);
		}
	}
	struct zone_facts facts;
	zone_facts(zone, &facts);
	assert_int_equal(facts.bytes, check.bytes + zone->line->shared_bytes + sizeof(struct zone_snapshot) +
	                                      sizeof(struct zone_line));
	assert_true(facts.bytes_own <= facts.bytes);
}

/* ---- random material ---- */

static const struct {
	uint8_t len;
	const char *octets;
} label_pool[] = {
        {1, "a"},        {1, "b"},    {1, "A"},      {1, "*"},    {1, "\0"},   {1, "\1"},       {1, "\xff"},
        {2, "a\0"},      {2, "a\1"},  {2, "\0\0"},   {2, "\1\1"}, {2, "ab"},   {2, "AB"},       {2, "*a"},
        {3, "ns1"},      {3, "wWw"},  {3, "a-b"},    {3, "a.b"},  {4, "mail"}, {5, "deleg"},    {2, "aa"},
        {1, "c"},        {1, "d"},    {3, "\0\1\2"}, {1, "\2"},   {2, "b\0"},  {7, "longer1"},  {7, "longer2"},
        {2, "\xff\xff"}, {4, "host"}, {1, "z"},      {2, "zz"},   {3, "zzz"},  {8, "xn--abcd"}, {5, "_http"},
};

static bool add_label(struct dns_name *name, const char *octets, size_t len)
{
	if (name->len + 1 + len > DNS_NAME_MAX) {
		return false;
	}
	memmove(name->wire + 1 + len, name->wire, name->len);
	name->wire[0] = (uint8_t)len;
	memcpy(name->wire + 1, octets, len);
	name->len = (uint8_t)(name->len + 1 + len);
	return true;
}

struct dns_name model_random_name(struct random_source *random, const uint8_t *apex)
{
	struct dns_name name = dns_name_of(apex);
	size_t labels = random_below(random, 8) == 0 ? random_below(random, 9) : random_below(random, 4);
	for (size_t i = 0; i < labels; i++) {
		if (random_below(random, 60) == 0) {
			char octets[DNS_LABEL_MAX];
			size_t len = 1 + random_below(random, DNS_LABEL_MAX);
			memset(octets, (int)random_below(random, 3), len);
			octets[random_below(random, len)] = (char)random_below(random, 256);
			add_label(&name, octets, len);
		} else if (random_below(random, 6) == 0) {
			char octets[2] = {(char)('a' + random_below(random, 26)),
			                  (char)('a' + random_below(random, 26))};
			add_label(&name, octets, 2);
		} else {
			size_t pick = random_below(random, ARRAY_LENGTH(label_pool));
			add_label(&name, label_pool[pick].octets, label_pool[pick].len);
		}
	}
	return name;
}

static void put(struct model_rr *rr, const void *bytes, size_t len)
{
	rr->rdata = memory_resize(rr->rdata, rr->rdata_len + len, 1);
	memcpy(rr->rdata + rr->rdata_len, bytes, len);
	rr->rdata_len += (uint32_t)len;
}

static void put_random(struct model_rr *rr, struct random_source *random, size_t len, unsigned values)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t octet = (uint8_t)random_below(random, values);
		put(rr, &octet, 1);
	}
}

static void put_name(struct model_rr *rr, struct random_source *random, const uint8_t *apex)
{
	struct dns_name name = model_random_name(random, apex);
	put(rr, name.wire, name.len);
}

struct model_rr model_soa(const uint8_t *apex, uint32_t serial)
{
	struct model_rr rr = {.owner = dns_name_of(apex), .type = DNS_TYPE_SOA, .ttl = 3600};
	uint8_t numbers[20] = {0};
	store_u32(numbers, serial);
	put(&rr, dns_name_root, 1);
	put(&rr, dns_name_root, 1);
	put(&rr, numbers, sizeof numbers);
	return rr;
}

struct model_rr model_nsec3param(const uint8_t *apex, uint8_t salt)
{
	struct model_rr rr = {.owner = dns_name_of(apex), .type = DNS_TYPE_NSEC3PARAM, .ttl = 0};
	uint8_t rdata[] = {1, 0, 0, 0, 1, salt};
	put(&rr, rdata, sizeof rdata);
	return rr;
}

static void make_hash_owner(struct model_rr *rr, struct random_source *random, const uint8_t *apex)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
	static const char upper[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	char label[32];
	bool shout = random_below(random, 2) == 0;
	memset(label, '0', sizeof label);
	for (size_t i = 0; i < 2; i++) {
		label[i] = (shout ? upper : digits)[random_below(random, 32)];
	}
	if (random_below(random, 10) == 0) {
		label[31] = (shout ? upper : digits)[random_below(random, 32)];
	}
	rr->owner = dns_name_of(apex);
	add_label(&rr->owner, label, sizeof label);
}

static void make_nsec3(struct model_rr *rr, struct random_source *random, const uint8_t *apex)
{
	if (random_below(random, 20) != 0) {
		make_hash_owner(rr, random, apex);
	}
	uint8_t start[] = {1, (uint8_t)random_below(random, 2), 0, 0, 1, (uint8_t)random_below(random, 3), 20};
	put(rr, start, sizeof start);
	put_random(rr, random, 20, 2);
}

static void make_rrsig(struct model_rr *rr, struct random_source *random, const uint8_t *apex)
{
	static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_NS, DNS_TYPE_NSEC, DNS_TYPE_NSEC3, DNS_TYPE_TXT, 65280};
	uint8_t fixed[18] = {0};
	uint16_t type = types[random_below(random, ARRAY_LENGTH(types))];
	store_u16(fixed, type);
	put(rr, fixed, sizeof fixed);
	put(rr, dns_name_root, 1);
	put_random(rr, random, random_below(random, 8) == 0 ? 700 : 2, 3);
	if (type == DNS_TYPE_NSEC3) {
		make_hash_owner(rr, random, apex);
	}
}

static void make_text(struct model_rr *rr, struct random_source *random)
{
	size_t strings = random_below(random, 12) == 0 ? 1 + random_below(random, 8) : 1;
	for (size_t i = 0; i < strings; i++) {
		uint8_t len = (uint8_t)(strings > 1 ? 200 + random_below(random, 55) : random_below(random, 4));
		put(rr, &len, 1);
		put_random(rr, random, len, 3);
	}
}

struct model_rr model_random_rr(struct random_source *random, const uint8_t *apex)
{
	static const uint16_t types[] = {DNS_TYPE_A,
	                                 DNS_TYPE_A,
	                                 DNS_TYPE_A,
	                                 DNS_TYPE_AAAA,
	                                 DNS_TYPE_NS,
	                                 DNS_TYPE_NS,
	                                 DNS_TYPE_NS,
	                                 DNS_TYPE_DS,
	                                 DNS_TYPE_TXT,
	                                 DNS_TYPE_DNAME,
	                                 DNS_TYPE_CNAME,
	                                 DNS_TYPE_NSEC,
	                                 DNS_TYPE_NSEC3,
	                                 DNS_TYPE_NSEC3,
	                                 DNS_TYPE_RRSIG,
	                                 DNS_TYPE_RRSIG,
	                                 DNS_TYPE_MX,
	                                 65280,
	                                 257};
	static const uint32_t ttls[] = {0, 60, 300, 3600, 3600, 3600, 7200, 86400, 172800, 5, UINT32_MAX};
	struct model_rr rr = {
	        .owner = model_random_name(random, apex),
	        .type = types[random_below(random, ARRAY_LENGTH(types))],
	        .ttl = ttls[random_below(random, ARRAY_LENGTH(ttls))],
	};
	switch (rr.type) {
	case DNS_TYPE_NS:
	case DNS_TYPE_DNAME:
	case DNS_TYPE_CNAME:
		put_name(&rr, random, apex);
		break;
	case DNS_TYPE_MX:
		put(&rr, "\0\1", 2);
		put_name(&rr, random, apex);
		break;
	case DNS_TYPE_NSEC:
		put_name(&rr, random, apex);
		put(&rr, "\0\1\x40", 3);
		break;
	case DNS_TYPE_NSEC3:
		make_nsec3(&rr, random, apex);
		break;
	case DNS_TYPE_RRSIG:
		make_rrsig(&rr, random, apex);
		break;
	case DNS_TYPE_TXT:
		make_text(&rr, random);
		break;
	case DNS_TYPE_A:
		put_random(&rr, random, 4, 2);
		break;
	case DNS_TYPE_AAAA:
		put_random(&rr, random, 16, 2);
		break;
	case DNS_TYPE_DS:
		put(&rr, "\0\0\1\1", 4);
		put_random(&rr, random, 20, 2);
		break;
	default:
		put_random(&rr, random, random_below(random, 3), 2);
		break;
	}
	if (rr.rdata == NULL) {
		rr.rdata = memory_new(1);
	}
	return rr;
}
