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
