/* SPDX-License-Identifier: MIT */
#include "dns/rdata.h"
#include "dns/type.h"
#include "store/store_internal.h"

/* ---- out ---- */

/* Records on their way out. */
struct writing {
	struct store_record_sink *sink;
	const struct dns_name *owner; /* NULL: the one that was written last */
	uint64_t count;
};

static void write_record(struct writing *writing, uint16_t type, uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	uint8_t head[1 + DNS_NAME_MAX + 8];
	struct writer out = writer_of(head, sizeof head);
	if (writing->owner == NULL) {
		write_u8(&out, 0);
	} else {
		write_u8(&out, writing->owner->len);
		write_bytes(&out, writing->owner->wire, writing->owner->len);
	}
	write_u16(&out, type);
	write_u32(&out, ttl);
	write_u16(&out, len);
	writing->sink->write(writing->sink, head, writer_len(&out));
	writing->sink->write(writing->sink, rdata, len);
	writing->owner = NULL;
	writing->count++;
}

static void write_list(struct writing *writing, uint16_t type, uint32_t ttl, const uint8_t *rdatas, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		uint16_t len = load_u16(rdatas);
		write_record(writing, type, ttl, rdatas + 2, len);
		rdatas += 2 + len;
	}
}

uint64_t store_records_write(const struct zone_snapshot *snapshot, struct store_record_sink *sink)
{
	struct writing writing = {.sink = sink};
	struct zone_walk walk;
	struct zone_node node;
	struct dns_name owner;
	zone_walk(snapshot, &walk);
	while (zone_walk_next(&walk, &node)) {
		struct zone_rrset_walk rrsets;
		struct zone_rrset rrset;
		zone_node_owner(&node, &owner);
		writing.owner = &owner;
		zone_rrsets(&node, &rrsets);
		while (zone_rrsets_next(&rrsets, &rrset)) {
			write_list(&writing, rrset.type, rrset.ttl, rrset.rdatas, rrset.count);
			write_list(&writing, DNS_TYPE_RRSIG, rrset.sig_ttl, rrset.sigs, rrset.sig_count);
		}
	}
	return writing.count;
}

/* ---- in ---- */

/* Feeds the records into a builder; false: they are not well-formed. */
static bool add_records(struct reader *in, struct zone_builder *builder)
{
	const uint8_t *owner = NULL;
	while (!in->failed && reader_left(in) > 0) {
		uint8_t owner_len = read_u8(in);
		if (owner_len > 0) {
			struct reader owner_part = read_part(in, owner_len);
			owner = dns_name_read_plain(&owner_part);
			if (owner == NULL || reader_left(&owner_part) > 0) {
				return false;
			}
		}
		uint16_t type = read_u16(in);
		uint32_t ttl = read_u32(in);
		uint16_t rdata_len = read_u16(in);
		const uint8_t *rdata = read_bytes(in, rdata_len);
		if (in->failed || owner == NULL || !dns_rdata_check_form(type, rdata, rdata_len) ||
		    zone_builder_add(builder, owner, type, ttl, rdata, rdata_len) != ZONE_ADDED) {
			return false;
		}
	}
	return !in->failed;
}

const struct zone_snapshot *store_records_read(struct kv_bytes records, const uint8_t *apex, uint16_t class,
                                               struct error *error)
{
	struct zone_builder *builder = zone_builder_new(apex, class);
	struct reader in = reader_of(records.at, records.len);
	if (!add_records(&in, builder)) {
		zone_builder_free(builder);
		error_set(error, ERROR_INVALID, "its records are malformed");
		return NULL;
	}
	return zone_builder_finish(builder, NULL, error);
}
