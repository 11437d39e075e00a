/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/ensure.h"
#include "base/hash.h"
#include "store/store_internal.h"

#define FORMAT_VERSION  1
#define CHECKSUM_OFFSET (STORE_HEADER_SIZE - 8)
#define FLAG_VERSION    1
#define FLAG_RECORDS    2

static const uint8_t magic[8] = {'T', 'A', 'N', 'D', 'E', 'M', ' ', 'Z'};
static const struct hash_key checksum_key = {{0x68656164, 0x6572}};

#define ACKNOWLEDGED_CHECKSUM (STORE_ACKNOWLEDGED_SIZE - 8)
static const struct hash_key acknowledged_key = {{0x61636b, 0x6572}};
_Static_assert(8 + STORE_ACKNOWLEDGEMENTS_MAX * 32 <= ACKNOWLEDGED_CHECKSUM, "they fit between the headers");

static void write_u64(struct writer *out, uint64_t value)
{
	write_u32(out, (uint32_t)(value >> 32));
	write_u32(out, (uint32_t)value);
}

static uint64_t read_u64(struct reader *in)
{
	uint64_t high = read_u32(in);
	return high << 32 | read_u32(in);
}

void store_header_write(const struct store_header *header, uint8_t bytes[STORE_HEADER_SIZE])
{
	const struct store_state *state = &header->state;
	struct writer out = writer_of(bytes, STORE_HEADER_SIZE);
	memset(bytes, 0, STORE_HEADER_SIZE);
	write_bytes(&out, magic, sizeof magic);
	write_u32(&out, FORMAT_VERSION);
	write_u8(&out, (uint8_t)state->role);
	write_u8(&out, (uint8_t)((state->has_version ? FLAG_VERSION : 0) | (state->has_records ? FLAG_RECORDS : 0)));
	write_u16(&out, header->class);
	write_u64(&out, header->sequence);
	write_u32(&out, state->serial_published);
	write_u32(&out, state->serial_file);
	write_bytes(&out, state->content, STORE_DIGEST_SIZE);
	write_u64(&out, (uint64_t)state->refreshed_at_s);
	write_u64(&out, (uint64_t)state->refresh_at_s);
	write_u64(&out, (uint64_t)state->expire_at_s);
	write_u64(&out, header->records_len);
	write_u64(&out, state->records);
	write_bytes(&out, header->records_digest, STORE_DIGEST_SIZE);
	write_bytes(&out, header->apex.wire, header->apex.len);
	ensure(!out.failed && writer_len(&out) <= CHECKSUM_OFFSET);
	out.at = bytes + CHECKSUM_OFFSET;
	write_u64(&out, hash_bytes(&checksum_key, bytes, CHECKSUM_OFFSET));
}

bool store_header_read(const uint8_t bytes[STORE_HEADER_SIZE], struct store_header *out)
{
	struct reader checksum = reader_of(bytes + CHECKSUM_OFFSET, 8);
	struct reader in = reader_of(bytes, CHECKSUM_OFFSET);
	if (memcmp(bytes, magic, sizeof magic) != 0 ||
	    read_u64(&checksum) != hash_bytes(&checksum_key, bytes, CHECKSUM_OFFSET)) {
		return false;
	}
	struct store_state *state = &out->state;
	read_bytes(&in, sizeof magic);
	uint32_t version = read_u32(&in);
	uint8_t role = read_u8(&in);
	uint8_t flags = read_u8(&in);
	out->class = read_u16(&in);
	out->sequence = read_u64(&in);
	state->role = role == STORE_PRIMARY ? STORE_PRIMARY : STORE_SECONDARY;
	state->has_version = (flags & FLAG_VERSION) != 0;
	state->has_records = (flags & FLAG_RECORDS) != 0;
	state->serial_published = read_u32(&in);
	state->serial_file = read_u32(&in);
	memcpy(state->content, read_bytes(&in, STORE_DIGEST_SIZE), STORE_DIGEST_SIZE);
	state->refreshed_at_s = (int64_t)read_u64(&in);
	state->refresh_at_s = (int64_t)read_u64(&in);
	state->expire_at_s = (int64_t)read_u64(&in);
	out->records_len = read_u64(&in);
	state->records = read_u64(&in);
	memcpy(out->records_digest, read_bytes(&in, STORE_DIGEST_SIZE), STORE_DIGEST_SIZE);
	const uint8_t *apex = dns_name_read_plain(&in);
	if (apex == NULL || version != FORMAT_VERSION) {
		return false;
	}
	out->apex = dns_name_of(apex);
	return true;
}

void store_acknowledged_write(uint32_t serial, const struct store_acknowledgement *acknowledgements, size_t count,
                              uint8_t bytes[STORE_ACKNOWLEDGED_SIZE])
{
	struct writer out = writer_of(bytes, STORE_ACKNOWLEDGED_SIZE);
	memset(bytes, 0, STORE_ACKNOWLEDGED_SIZE);
	ensure(count <= STORE_ACKNOWLEDGEMENTS_MAX);
	write_u32(&out, serial);
	write_u16(&out, (uint16_t)count);
	write_u16(&out, 0);
	for (size_t i = 0; i < count; i++) {
		const struct address *target = &acknowledgements[i].target;
		write_u8(&out, (uint8_t)target->family);
		write_u8(&out, 0);
		write_u16(&out, target->port);
		write_u32(&out, target->scope_id);
		write_bytes(&out, target->bytes, sizeof target->bytes);
		write_u64(&out, (uint64_t)acknowledgements[i].at_s);
	}
	ensure(!out.failed);
	out.at = bytes + ACKNOWLEDGED_CHECKSUM;
	write_u64(&out, hash_bytes(&acknowledged_key, bytes, ACKNOWLEDGED_CHECKSUM));
}

size_t store_acknowledged_read(const uint8_t bytes[STORE_ACKNOWLEDGED_SIZE], uint32_t serial,
                               struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX])
{
	struct reader checksum = reader_of(bytes + ACKNOWLEDGED_CHECKSUM, 8);
	struct reader in = reader_of(bytes, ACKNOWLEDGED_CHECKSUM);
	if (read_u64(&checksum) != hash_bytes(&acknowledged_key, bytes, ACKNOWLEDGED_CHECKSUM) ||
	    read_u32(&in) != serial) {
		return 0;
	}
	uint16_t count = read_u16(&in);
	read_u16(&in);
	for (uint16_t i = 0; i < count && i < STORE_ACKNOWLEDGEMENTS_MAX; i++) {
		struct address *target = &out[i].target;
		*target = (struct address){.family = read_u8(&in) == ADDRESS_V6 ? ADDRESS_V6 : ADDRESS_V4};
		read_u8(&in);
		target->port = read_u16(&in);
		target->scope_id = read_u32(&in);
		memcpy(target->bytes, read_bytes(&in, sizeof target->bytes), sizeof target->bytes);
		out[i].at_s = (int64_t)read_u64(&in);
	}
	return count < STORE_ACKNOWLEDGEMENTS_MAX ? count : STORE_ACKNOWLEDGEMENTS_MAX;
}
