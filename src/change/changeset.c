/* SPDX-License-Identifier: MIT */
#include "change/changeset.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/type.h"

#define HEAD_SIZE 32

struct changeset {
	_Atomic(uint32_t) refs;
	struct changeset_facts facts;
	size_t removed_len; /* octets of that part */
	size_t len;         /* of all */
	uint8_t octets[];
};

const struct changeset *changeset_ref(const struct changeset *set)
{
	atomic_fetch_add_explicit(&((struct changeset *)set)->refs, 1, memory_order_relaxed);
	return set;
}

void changeset_unref(const struct changeset *take)
{
	struct changeset *set = (struct changeset *)take;
	if (set != NULL && atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) == 1) {
		free(set);
	}
}

struct changeset_facts changeset_facts(const struct changeset *set)
{
	return set->facts;
}

const uint8_t *changeset_octets(const struct changeset *set, size_t *len)
{
	*len = set->len;
	return set->octets;
}

/* ---- walking ---- */

void changeset_walk(const struct changeset *set, struct changeset_walk *walk)
{
	const uint8_t *removed = set->octets + HEAD_SIZE;
	*walk = (struct changeset_walk){
	        .part = reader_of(removed, set->removed_len),
	        .added = removed + set->removed_len,
	        .end = set->octets + set->len,
	};
}

/* One RR of a part; on a defect the reader is failed. */
static void read_rr(struct reader *part, const uint8_t **owner, struct zone_change *out)
{
	uint8_t owner_len = read_u8(part);
	if (owner_len > 0) {
		*owner = read_bytes(part, owner_len);
	}
	out->owner = *owner;
	out->type = read_u16(part);
	out->ttl = read_u32(part);
	out->rdata_len = read_u16(part);
	out->rdata = read_bytes(part, out->rdata_len);
}

bool changeset_walk_next(struct changeset_walk *walk, struct zone_change *out)
{
	if (reader_left(&walk->part) == 0 && !walk->in_added) {
		walk->in_added = true;
		walk->part = reader_of(walk->added, (size_t)(walk->end - walk->added));
	}
	if (reader_left(&walk->part) == 0) {
		return false;
	}
	read_rr(&walk->part, &walk->owner, out);
	ensure(!walk->part.failed);
	out->add = walk->in_added;
	return true;
}

/* ---- from octets ---- */

static bool is_whole_name(const uint8_t *owner, size_t len)
{
	struct reader reader = reader_of(owner, len);
	return dns_name_read_plain(&reader) != NULL && reader_left(&reader) == 0;
}

/* `count` RRs that fill the part, the first of them the SOA with this serial, and no other. */
static bool is_sound_part(struct reader part, uint64_t count, uint32_t serial)
{
	const uint8_t *owner = NULL;
	for (uint64_t i = 0; i < count; i++) {
		struct zone_change rr;
		size_t owner_len = reader_left(&part) > 0 ? part.at[0] : 0;
		read_rr(&part, &owner, &rr);
		if (part.failed || owner == NULL || (owner_len > 0 && !is_whole_name(owner, owner_len)) ||
		    !dns_rdata_check_form(rr.type, rr.rdata, rr.rdata_len) || (rr.type == DNS_TYPE_SOA) != (i == 0)) {
			return false;
		}
		if (i == 0 && dns_soa_serial(rr.rdata, rr.rdata_len) != serial) {
			return false;
		}
	}
	return count > 0 && reader_left(&part) == 0;
}

const struct changeset *changeset_from_octets(const uint8_t *octets, size_t len, struct error *error)
{
	struct reader reader = reader_of(octets, len);
	struct changeset_facts facts;
	facts.serial_from = read_u32(&reader);
	facts.serial_to = read_u32(&reader);
	facts.removed = read_u64(&reader);
	facts.added = read_u64(&reader);
	uint64_t removed_len = read_u64(&reader);
	struct reader removed = read_part(&reader, removed_len);
	struct reader added = read_part(&reader, reader_left(&reader));
	if (reader.failed || !is_sound_part(removed, facts.removed, facts.serial_from) ||
	    !is_sound_part(added, facts.added, facts.serial_to)) {
		error_set(error, ERROR_INVALID, "a changeset of %zu octets is malformed", len);
		return NULL;
	}
	struct changeset *set = memory_new(sizeof *set + len);
	atomic_init(&set->refs, 1);
	set->facts = facts;
	set->removed_len = removed_len;
	set->len = len;
	memcpy(set->octets, octets, len);
	return set;
}

/* ---- making one ---- */

static void visit(struct change_visitor *self, const struct zone_change *change)
{
	changeset_builder_add((struct changeset_builder *)self, change);
}

void changeset_builder_init(struct changeset_builder *builder)
{
	*builder = (struct changeset_builder){.visitor.visit = visit};
}

void changeset_builder_deinit(struct changeset_builder *builder)
{
	free(builder->removed.octets);
	free(builder->added.octets);
	changeset_builder_init(builder);
}

static bool is_same_owner(const struct changeset_part *part, const uint8_t *owner)
{
	return part->count > 0 && dns_name_same(part->octets + part->owner, owner);
}

void changeset_builder_add(struct changeset_builder *builder, const struct zone_change *change)
{
	struct changeset_part *part = change->add ? &builder->added : &builder->removed;
	size_t owner_len = is_same_owner(part, change->owner) ? 0 : dns_name_len(change->owner);
	size_t len = 1 + owner_len + 8 + change->rdata_len;
	memory_reserve((void **)&part->octets, &part->capacity, part->len + len, 1);
	struct writer out = writer_of(part->octets + part->len, len);
	write_u8(&out, (uint8_t)owner_len);
	if (owner_len > 0) {
		part->owner = part->len + 1;
		write_bytes(&out, change->owner, owner_len);
	}
	write_u16(&out, change->type);
	write_u32(&out, change->ttl);
	write_u16(&out, (uint16_t)change->rdata_len);
	write_bytes(&out, change->rdata, change->rdata_len);
	ensure(!out.failed);
	if (change->type == DNS_TYPE_SOA) {
		part->begins_with_soa = part->begins_with_soa || part->count == 0;
		part->has_more_soas = part->count > 0;
		part->serial = dns_soa_serial(change->rdata, change->rdata_len);
	}
	part->len += len;
	part->count++;
}

size_t changeset_builder_len(const struct changeset_builder *builder)
{
	return HEAD_SIZE + builder->removed.len + builder->added.len;
}

static struct changeset *put_together(const struct changeset_part *removed, const struct changeset_part *added)
{
	size_t len = HEAD_SIZE + removed->len + added->len;
	struct changeset *set = memory_new(sizeof *set + len);
	atomic_init(&set->refs, 1);
	set->facts = (struct changeset_facts){removed->serial, added->serial, removed->count, added->count};
	set->removed_len = removed->len;
	set->len = len;
	struct writer out = writer_of(set->octets, len);
	write_u32(&out, removed->serial);
	write_u32(&out, added->serial);
	write_u64(&out, removed->count);
	write_u64(&out, added->count);
	write_u64(&out, removed->len);
	write_bytes(&out, removed->octets, removed->len);
	write_bytes(&out, added->octets, added->len);
	return set;
}

static bool is_sound(const struct changeset_part *part)
{
	return part->begins_with_soa && !part->has_more_soas;
}

const struct changeset *changeset_builder_end(struct changeset_builder *builder, struct error *error)
{
	struct changeset *set = NULL;
	if (is_sound(&builder->removed) && is_sound(&builder->added)) {
		set = put_together(&builder->removed, &builder->added);
	} else {
		error_set(error, ERROR_INVALID, "what is removed and what is added must each begin with the one SOA");
	}
	changeset_builder_deinit(builder);
	return set;
}

const struct changeset *changeset_between(const struct zone_snapshot *from, const struct zone_snapshot *to,
                                          struct error *error)
{
	struct changeset_builder builder;
	changeset_builder_init(&builder);
	change_compare(from, to, &builder.visitor);
	return changeset_builder_end(&builder, error);
}

/* ---- doing one ---- */

const struct zone_snapshot *changeset_apply(const struct changeset *set, const struct zone_snapshot *base,
                                            struct error *error)
{
	if (zone_serial(base) != set->facts.serial_from) {
		error_set(error, ERROR_STALE, "it continues serial %u, and this is %u", set->facts.serial_from,
		          zone_serial(base));
		return NULL;
	}
	size_t count = (size_t)(set->facts.removed + set->facts.added);
	struct zone_change *changes = memory_new_array(count, sizeof *changes);
	struct changeset_walk walk;
	changeset_walk(set, &walk);
	for (size_t i = 0; i < count; i++) {
		bool is_there = changeset_walk_next(&walk, &changes[i]);
		ensure(is_there);
	}
	const struct zone_snapshot *next = zone_apply(base, changes, count, error);
	free(changes);
	return next;
}
