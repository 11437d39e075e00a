/* SPDX-License-Identifier: MIT */
#include "zone/edit_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "dns/type.h"

#define RRSET_RRS_MAX    65535
#define RRSET_OCTETS_MAX (UINT32_C(1) << 31)

int zone_delta_compare(const struct zone_delta *a, const struct zone_delta *b)
{
	uint32_t a_type = zone_type_order(a->type);
	uint32_t b_type = zone_type_order(b->type);
	if (a_type != b_type) {
		return a_type < b_type ? -1 : 1;
	}
	if (a->is_sig != b->is_sig) {
		return a->is_sig ? 1 : -1;
	}
	if (a->add != b->add) {
		return a->add ? 1 : -1;
	}
	int order = zone_rr_compare(a->is_sig ? DNS_TYPE_RRSIG : a->type, &a->rr, &b->rr);
	if (order != 0) {
		return order;
	}
	return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_pointers(const void *a, const void *b)
{
	const struct zone_delta *const *left = a;
	const struct zone_delta *const *right = b;
	return zone_delta_compare(*left, *right);
}

void zone_deltas_sort(const struct zone_delta **deltas, size_t count)
{
	if (count > 24) {
		qsort(deltas, count, sizeof *deltas, compare_pointers);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		const struct zone_delta *delta = deltas[i];
		size_t at = i;
		for (; at > 0 && zone_delta_compare(deltas[at - 1], delta) > 0; at--) {
			deltas[at] = deltas[at - 1];
		}
		deltas[at] = delta;
	}
}

bool zone_delta_place(struct zone_delta *delta, const struct zone_line *line, uint16_t type, struct zone_key *key)
{
	delta->is_sig = type == DNS_TYPE_RRSIG;
	delta->type = type;
	if (delta->is_sig) {
		delta->type = delta->rr.len >= 2 ? load_u16(delta->rr.rdata) : 0;
	}
	delta->in_hashes = delta->type == DNS_TYPE_NSEC3 &&
	                   zone_key_hash_of_owner(delta->owner, line->apex, line->apex_len, key->bytes);
	if (delta->in_hashes) {
		key->len = ZONE_KEY_HASH_LEN;
		key->labels = 1;
	} else if (!zone_key_make(delta->owner, line->apex, line->apex_len, key)) {
		return false;
	}
	delta->key = key->bytes;
	delta->key_len = key->len;
	delta->labels = key->labels;
	return true;
}

void zone_editing_free(struct zone_editing *editing)
{
	zone_buffer_free(&editing->rrsets);
	free(editing->rrs.list);
	free(editing->sigs.list);
	free(editing->writing.blobs.list);
}

/* ---- one part ---- */

static void rrs_add(struct zone_rrs *rrs, const struct zone_rr *rr)
{
	memory_reserve((void **)&rrs->list, &rrs->capacity, rrs->count + 1, sizeof *rrs->list);
	rrs->list[rrs->count++] = *rr;
}

static bool refuse(struct error *error, enum error_code code, const struct zone_delta *delta, const char *why)
{
	char owner[DNS_NAME_TEXT_MAX];
	char type[DNS_MNEMONIC_MAX];
	dns_name_to_text(delta->owner, owner);
	dns_type_to_text(delta->type, type);
	return error_set(error, code, "%s %s%s%s %s", owner, delta->is_sig ? "RRSIG(" : "", type,
	                 delta->is_sig ? ")" : "", why);
}

/* How one part changes: what was there, and the deltas that concern it. */
struct part_edit {
	uint16_t type; /* RRSIG for signatures */
	const struct zone_part *old;
	const struct zone_delta *const *removals;
	size_t removal_count;
	const struct zone_delta *const *additions;
	size_t addition_count;
	/* result */
	struct zone_rrs *rrs;
	uint32_t ttl;
	bool has_several_ttls; /* came so; lenient */
};

/* The RRs that stay, in order. */
static bool take_out(struct part_edit *edit, struct error *error)
{
	const uint8_t *at = edit->old->data;
	size_t removed = 0;
	for (size_t i = 0; i < edit->old->count; i++) {
		struct zone_rr rr = {.rdata = at + 2, .len = load_u16(at), .ttl = edit->old->ttl};
		at += 2 + rr.len;
		int order = 1;
		if (removed < edit->removal_count) {
			order = zone_rr_compare(edit->type, &edit->removals[removed]->rr, &rr);
		}
		if (order < 0) {
			break;
		}
		if (order == 0) {
			removed++;
		} else {
			rrs_add(edit->rrs, &rr);
		}
	}
	if (removed < edit->removal_count) {
		return refuse(error, ERROR_NOT_FOUND, edit->removals[removed], "to remove is not there");
	}
	return true;
}

/* An RR to add that is there already. */
static bool take_again(struct zone_editing *editing, const struct part_edit *edit, const struct zone_delta *delta,
                       uint32_t there_ttl, struct error *error)
{
	(void)edit;
	if (editing->lenient) {
		editing->report.duplicates++;
		return true;
	}
	if (there_ttl == delta->rr.ttl) {
		return refuse(error, ERROR_EXISTS, delta, "to add is there already");
	}
	return true; /* the TTL changes */
}

/* Merges what stays (the first `stay` of edit->rrs) with the additions; the result takes its place. */
static bool put_in(struct zone_editing *editing, struct part_edit *edit, struct error *error)
{
	size_t stay = edit->rrs->count;
	size_t s = 0;
	for (size_t a = 0; a < edit->addition_count; a++) {
		const struct zone_delta *delta = edit->additions[a];
		int order = 1;
		while (s < stay) {
			order = zone_rr_compare(edit->type, &edit->rrs->list[s], &delta->rr);
			if (order >= 0) {
				break;
			}
			struct zone_rr rr = edit->rrs->list[s++];
			rrs_add(edit->rrs, &rr);
		}
		bool is_there = s < stay && order == 0;
		bool is_last = edit->rrs->count > stay &&
		               zone_rr_compare(edit->type, &edit->rrs->list[edit->rrs->count - 1], &delta->rr) == 0;
		if (is_there || is_last) {
			uint32_t ttl = is_last ? edit->rrs->list[edit->rrs->count - 1].ttl : edit->rrs->list[s].ttl;
			if (!take_again(editing, edit, delta, ttl, error)) {
				return false;
			}
			continue;
		}
		rrs_add(edit->rrs, &delta->rr);
	}
	while (s < stay) {
		struct zone_rr rr = edit->rrs->list[s++];
		rrs_add(edit->rrs, &rr);
	}
	edit->rrs->count -= stay;
	if (stay > 0 && edit->rrs->count > 0) {
		memmove(edit->rrs->list, edit->rrs->list + stay, edit->rrs->count * sizeof *edit->rrs->list);
	}
	return true;
}

/* RFC 2181 5.2: one TTL, the lowest. Strictly, that of the RRs that come in; leniently, of all. */
static void settle_ttl(struct zone_editing *editing, struct part_edit *edit)
{
	bool old_counts = edit->old->count > 0 && (editing->lenient || edit->addition_count == 0);
	uint32_t lowest = old_counts ? edit->old->ttl : UINT32_MAX;
	uint32_t highest = old_counts ? edit->old->ttl : 0;
	for (size_t i = 0; i < edit->addition_count; i++) {
		uint32_t ttl = edit->additions[i]->rr.ttl;
		lowest = ttl < lowest ? ttl : lowest;
		highest = ttl > highest ? ttl : highest;
	}
	edit->ttl = lowest;
	edit->has_several_ttls = editing->lenient && lowest < highest;
}

/* Once for an RRset, whether it is its RRs, its signatures or both. */
static void count_ttls(struct zone_build_report *report, const struct part_edit *rrs, const struct part_edit *sigs)
{
	const struct part_edit *several = rrs->has_several_ttls ? rrs : sigs;
	if (several->has_several_ttls && report->ttls_unified++ == 0) {
		report->ttl_owner = dns_name_of(several->additions[0]->owner);
		report->ttl_type = several->type;
	}
}

static bool check_limits(const struct part_edit *edit, struct error *error)
{
	uint64_t octets = 0;
	for (size_t i = 0; i < edit->rrs->count; i++) {
		octets += 2u + edit->rrs->list[i].len;
	}
	if (edit->rrs->count > RRSET_RRS_MAX || octets > RRSET_OCTETS_MAX) {
		return refuse(error, ERROR_LIMIT, edit->additions[0], "has more RRs than an RRset may have");
	}
	return true;
}

static void retire_blob(struct zone_editing *editing, const struct zone_part *part)
{
	if (part->place == ZONE_PLACE_BLOB) {
		zone_blocks_add(editing->retired, &part->blob->block);
		editing->bytes_retired += part->blob->block.size;
	}
}

static bool edit_part(struct zone_editing *editing, struct part_edit *edit, struct error *error)
{
	edit->rrs->count = 0;
	if (edit->removal_count + edit->addition_count == 0) {
		return true;
	}
	if (!take_out(edit, error) || !put_in(editing, edit, error) || !check_limits(edit, error)) {
		return false;
	}
	settle_ttl(editing, edit);
	retire_blob(editing, edit->old);
	return true;
}

/* ---- one RRset ---- */

static size_t run_of(const struct zone_delta *const *deltas, size_t count, bool is_sig, bool add)
{
	size_t run = 0;
	while (run < count && deltas[run]->is_sig == is_sig && deltas[run]->add == add) {
		run++;
	}
	return run;
}

static void part_edit_take(struct part_edit *edit, const struct zone_delta *const *deltas, size_t count, bool is_sig)
{
	edit->removals = deltas;
	edit->removal_count = run_of(deltas, count, is_sig, false);
	edit->additions = deltas + edit->removal_count;
	edit->addition_count = run_of(edit->additions, count - edit->removal_count, is_sig, true);
}

static bool is_touched(const struct part_edit *edit)
{
	return edit->removal_count + edit->addition_count > 0;
}

static size_t count_after(const struct part_edit *edit)
{
	return is_touched(edit) ? edit->rrs->count : edit->old->count;
}

static uint32_t ttl_after(const struct part_edit *edit)
{
	return is_touched(edit) ? edit->ttl : edit->old->ttl;
}

static void put_part(struct zone_editing *editing, const struct part_edit *edit, uint32_t ttl, bool signatures_follow)
{
	if (is_touched(edit)) {
		zone_body_put_part(&editing->rrsets, &editing->writing, edit->type, edit->rrs->list, edit->rrs->count,
		                   ttl, signatures_follow);
	} else {
		zone_body_put_same(&editing->rrsets, &editing->writing, edit->old, ttl, signatures_follow);
	}
}

static uint8_t flags_of_type(uint16_t type, size_t count)
{
	if (count == 0) {
		return 0;
	}
	switch (type) {
	case DNS_TYPE_NS:
		return ZONE_BODY_CUT;
	case DNS_TYPE_DNAME:
		return ZONE_BODY_DNAME;
	case DNS_TYPE_CNAME:
		return ZONE_BODY_CNAME;
	case DNS_TYPE_NSEC:
		return ZONE_BODY_NSEC;
	default:
		return 0;
	}
}

/* `old` may be NULL; the deltas are those of its type. */
static bool edit_rrset(struct zone_editing *editing, const struct zone_body_rrset *old,
                       const struct zone_delta *const *deltas, size_t count, struct zone_edited *out,
                       struct error *error)
{
	static const struct zone_part nothing;
	uint16_t type = deltas[0]->type;
	struct part_edit rrs = {.type = type, .old = old == NULL ? &nothing : &old->rrs, .rrs = &editing->rrs};
	struct part_edit sigs = {
	        .type = DNS_TYPE_RRSIG, .old = old == NULL ? &nothing : &old->sigs, .rrs = &editing->sigs};
	part_edit_take(&rrs, deltas, count, false);
	size_t used = rrs.removal_count + rrs.addition_count;
	part_edit_take(&sigs, deltas + used, count - used, true);
	if (!edit_part(editing, &rrs, error) || !edit_part(editing, &sigs, error)) {
		return false;
	}
	count_ttls(&editing->report, &rrs, &sigs);
	size_t rr_count = count_after(&rrs);
	size_t sig_count = count_after(&sigs);
	if (rr_count + sig_count == 0) {
		return true;
	}
	zone_body_put_type(&editing->rrsets, type);
	/* Where there are only signatures, their TTL stands for both. */
	put_part(editing, &rrs, ttl_after(rr_count > 0 ? &rrs : &sigs), sig_count > 0);
	if (sig_count > 0) {
		put_part(editing, &sigs, ttl_after(&sigs), false);
	}
	out->rrset_count++;
	out->flags |= flags_of_type(type, rr_count);
	return true;
}

/* An RRset that no delta concerns stays octet by octet. */
static void keep_rrset(struct zone_editing *editing, const struct zone_body_rrset *old, struct zone_edited *out)
{
	zone_buffer_add(&editing->rrsets, old->start, (size_t)(old->end - old->start));
	out->rrset_count++;
	out->flags |= flags_of_type(old->type, old->rrs.count);
}

static bool has_own_blob(const struct zone_editing *editing, size_t rrset_count)
{
	const uint8_t *at = editing->rrsets.bytes;
	for (size_t i = 0; i < rrset_count; i++) {
		struct zone_body_rrset rrset;
		at = zone_body_read_rrset(at, editing->writing.line->ttls, &rrset);
		if (rrset.rrs.place == ZONE_PLACE_BLOB || rrset.sigs.place == ZONE_PLACE_BLOB) {
			return true;
		}
	}
	return false;
}

bool zone_edit_rrsets(struct zone_editing *editing, const struct zone_body *old, const struct zone_delta *const *deltas,
                      size_t count, struct zone_edited *out, struct error *error)
{
	*out = (struct zone_edited){0};
	editing->rrsets.len = 0;
	size_t left = old == NULL ? 0 : old->rrset_count;
	const uint8_t *at = old == NULL ? NULL : old->rrsets;
	struct zone_body_rrset rrset;
	if (left > 0) {
		at = zone_body_read_rrset(at, editing->writing.line->ttls, &rrset);
	}
	for (size_t d = 0; d < count || left > 0;) {
		uint32_t old_type = left > 0 ? zone_type_order(rrset.type) : UINT32_MAX;
		uint32_t new_type = d < count ? zone_type_order(deltas[d]->type) : UINT32_MAX;
		if (new_type <= old_type) {
			size_t end = d;
			while (end < count && deltas[end]->type == deltas[d]->type) {
				end++;
			}
			const struct zone_body_rrset *same = new_type == old_type ? &rrset : NULL;
			if (!edit_rrset(editing, same, deltas + d, end - d, out, error)) {
				return false;
			}
			d = end;
		} else {
			keep_rrset(editing, &rrset, out);
		}
		if (old_type <= new_type && --left > 0) {
			at = zone_body_read_rrset(at, editing->writing.line->ttls, &rrset);
		}
	}
	if (has_own_blob(editing, out->rrset_count)) {
		out->flags |= ZONE_BODY_BLOB;
	}
	return true;
}

void zone_retire_blobs(struct zone_editing *editing, const struct zone_body *body)
{
	const uint8_t *at = body->rrsets;
	for (size_t i = 0; i < body->rrset_count; i++) {
		struct zone_body_rrset rrset;
		at = zone_body_read_rrset(at, editing->writing.line->ttls, &rrset);
		retire_blob(editing, &rrset.rrs);
		retire_blob(editing, &rrset.sigs);
	}
}
