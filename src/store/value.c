/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/ensure.h"
#include "base/hash.h"
#include "store/store_internal.h"

struct store_name store_key_of(enum store_key kind, const uint8_t *apex)
{
	struct store_name key;
	struct dns_name lower;
	dns_name_lower(apex, &lower);
	key.bytes[0] = (uint8_t)kind;
	memcpy(key.bytes + 1, lower.wire, lower.len);
	key.len = 1 + lower.len;
	return key;
}

struct store_name store_key_of_change(const uint8_t *apex, uint64_t number)
{
	struct store_name key = store_key_of(STORE_KEY_CHANGE, apex);
	store_u64(key.bytes + key.len, number);
	key.len += STORE_NUMBER_SIZE;
	return key;
}

uint64_t store_checksum(struct kv_bytes key, struct kv_bytes value)
{
	static const struct hash_key key_key = {{0x6b6579, 0x73746f7265}};
	struct hash_key value_key = {{hash_bytes(&key_key, key.at, key.len), value.len}};
	return hash_bytes(&value_key, value.at, value.len);
}

struct kv_bytes store_checked(struct kv_bytes key, struct kv_bytes value)
{
	if (value.len < STORE_CHECKSUM_SIZE) {
		return (struct kv_bytes){0};
	}
	struct kv_bytes body = {.at = value.at, .len = value.len - STORE_CHECKSUM_SIZE};
	if (load_u64(value.at + body.len) != store_checksum(key, body)) {
		return (struct kv_bytes){0};
	}
	return body;
}

static bool is_origin(uint8_t origin)
{
	return origin == CHANGE_FROM_FILE || origin == CHANGE_FROM_TRANSFER || origin == CHANGE_FROM_STORE;
}

/* False: too long. */
static bool read_who(struct reader *in, uint16_t len, struct store_note *note)
{
	const uint8_t *who = read_bytes(in, len);
	if (in->failed || len >= STORE_WHO_MAX) {
		return false;
	}
	memcpy(note->who, who, len);
	note->who[len] = '\0';
	return true;
}

size_t store_head_write(const struct store_head_value *value, uint8_t bytes[STORE_HEAD_SIZE_MAX])
{
	const struct store_head *head = &value->head;
	size_t who_len = strnlen(value->note.who, STORE_WHO_MAX - 1);
	bytes[0] = (uint8_t)head->role;
	bytes[1] = (uint8_t)value->place;
	store_u16(bytes + 2, head->class);
	store_u32(bytes + 4, head->serial_published);
	change_digest_write(head->content, bytes + 8);
	store_u64(bytes + 24, value->image);
	store_u64(bytes + 32, value->first);
	store_u64(bytes + 40, value->base);
	store_u64(bytes + 48, value->next);
	store_u64(bytes + 56, value->octets);
	store_u64(bytes + 64, value->behind);
	bytes[72] = head->has_top;
	bytes[73] = (uint8_t)value->note.origin;
	store_u16(bytes + 74, (uint16_t)who_len);
	store_u32(bytes + 76, head->top);
	store_u64(bytes + 80, (uint64_t)value->note.at_s);
	memcpy(bytes + STORE_HEAD_SIZE, value->note.who, who_len);
	return STORE_HEAD_SIZE + who_len;
}

bool store_head_read(struct kv_bytes bytes, struct store_head_value *out)
{
	struct store_head *head = &out->head;
	struct reader in = reader_of(bytes.at, bytes.len);
	uint8_t role = read_u8(&in);
	uint8_t place = read_u8(&in);
	head->class = read_u16(&in);
	head->serial_published = read_u32(&in);
	const uint8_t *content = read_bytes(&in, CHANGE_DIGEST_SIZE);
	out->image = read_u64(&in);
	out->first = read_u64(&in);
	out->base = read_u64(&in);
	out->next = read_u64(&in);
	out->octets = read_u64(&in);
	out->behind = read_u64(&in);
	uint8_t has_top = read_u8(&in);
	uint8_t origin = read_u8(&in);
	uint16_t who_len = read_u16(&in);
	head->top = read_u32(&in);
	out->note.at_s = (int64_t)read_u64(&in);
	if (!read_who(&in, who_len, &out->note) || reader_left(&in) > 0 ||
	    (role != STORE_PRIMARY && role != STORE_SECONDARY) || place > STORE_FORGOTTEN || has_top > 1 ||
	    !is_origin(origin) || out->first > out->base || out->base > out->next) {
		return false;
	}
	head->content = change_digest_read(content);
	head->role = role == STORE_PRIMARY ? STORE_PRIMARY : STORE_SECONDARY;
	head->has_top = has_top != 0;
	out->note.origin = (enum change_origin)origin;
	out->place = (enum store_place)place;
	return true;
}

size_t store_change_head_write(const struct store_note *note, uint8_t bytes[STORE_CHANGE_HEAD_SIZE + STORE_WHO_MAX - 1])
{
	size_t who_len = strnlen(note->who, STORE_WHO_MAX - 1);
	store_u64(bytes, (uint64_t)note->at_s);
	bytes[8] = (uint8_t)note->origin;
	bytes[9] = 0;
	store_u16(bytes + 10, (uint16_t)who_len);
	memcpy(bytes + STORE_CHANGE_HEAD_SIZE, note->who, who_len);
	return STORE_CHANGE_HEAD_SIZE + who_len;
}

bool store_change_read(struct kv_bytes bytes, struct store_note *note, struct kv_bytes *set)
{
	struct reader in = reader_of(bytes.at, bytes.len);
	note->at_s = (int64_t)read_u64(&in);
	uint8_t origin = read_u8(&in);
	read_u8(&in);
	uint16_t who_len = read_u16(&in);
	if (!read_who(&in, who_len, note) || !is_origin(origin)) {
		return false;
	}
	note->origin = (enum change_origin)origin;
	set->len = reader_left(&in);
	set->at = read_bytes(&in, set->len);
	return true;
}

enum { HEALED_CONTENT = 1, HEALED_ZONEMD = 2 };

static void write_healed(struct writer *out, const struct change_deadlines *timers)
{
	const struct address *from = &timers->healed_from;
	write_u8(out, timers->healed_cause == CAUSE_ZONEMD_DIFFERS ? HEALED_ZONEMD : HEALED_CONTENT);
	write_u8(out, (uint8_t)from->family);
	write_u16(out, from->port);
	write_u32(out, from->scope_id);
	write_bytes(out, from->bytes, sizeof from->bytes);
	write_u32(out, timers->healed_serial);
	write_u64(out, (uint64_t)timers->healed_at_s);
}

size_t store_timers_write(const struct change_deadlines *timers, uint8_t bytes[STORE_TIMERS_SIZE_MAX])
{
	struct writer out = writer_of(bytes, STORE_TIMERS_SIZE_MAX);
	write_u64(&out, (uint64_t)timers->refreshed_at_s);
	write_u64(&out, (uint64_t)timers->refresh_at_s);
	write_u64(&out, (uint64_t)timers->expire_at_s);
	write_u64(&out, (uint64_t)timers->promised_at_s);
	write_u32(&out, timers->promised_serial);
	write_u64(&out, (uint64_t)timers->lower_since_s);
	if (timers->healed_at_s != 0) {
		write_healed(&out, timers);
	}
	ensure(!out.failed);
	return writer_len(&out);
}

static void read_healed(struct reader *in, struct change_deadlines *out)
{
	struct address *from = &out->healed_from;
	out->healed_cause = read_u8(in) == HEALED_ZONEMD ? CAUSE_ZONEMD_DIFFERS : CAUSE_CONTENT_DIFFERS;
	unsigned family = read_u8(in);
	from->family = family == ADDRESS_V4 || family == ADDRESS_V6 ? (enum address_family)family : ADDRESS_NONE;
	from->port = read_u16(in);
	from->scope_id = read_u32(in);
	const uint8_t *bytes = read_bytes(in, sizeof from->bytes);
	if (bytes != NULL) {
		memcpy(from->bytes, bytes, sizeof from->bytes);
	}
	out->healed_serial = read_u32(in);
	out->healed_at_s = (int64_t)read_u64(in);
}

bool store_timers_read(struct kv_bytes bytes, struct change_deadlines *out)
{
	struct reader in = reader_of(bytes.at, bytes.len);
	*out = (struct change_deadlines){.refreshed_at_s = (int64_t)read_u64(&in)};
	out->refresh_at_s = (int64_t)read_u64(&in);
	out->expire_at_s = (int64_t)read_u64(&in);
	out->promised_at_s = (int64_t)read_u64(&in);
	out->promised_serial = read_u32(&in);
	out->lower_since_s = (int64_t)read_u64(&in);
	if (reader_left(&in) > 0) {
		read_healed(&in, out);
	}
	return !in.failed && reader_left(&in) == 0;
}

size_t store_acknowledgements_write(uint32_t serial, const struct store_acknowledgement *acknowledgements, size_t count,
                                    uint8_t bytes[STORE_ACKNOWLEDGEMENTS_SIZE])
{
	struct writer out = writer_of(bytes, STORE_ACKNOWLEDGEMENTS_SIZE);
	size_t kept = count < STORE_ACKNOWLEDGEMENTS_MAX ? count : STORE_ACKNOWLEDGEMENTS_MAX;
	write_u32(&out, serial);
	write_u16(&out, (uint16_t)kept);
	for (size_t i = 0; i < kept; i++) {
		const struct address *target = &acknowledgements[i].target;
		write_u8(&out, (uint8_t)target->family);
		write_u8(&out, 0);
		write_u16(&out, target->port);
		write_u32(&out, target->scope_id);
		write_bytes(&out, target->bytes, sizeof target->bytes);
		write_u64(&out, (uint64_t)acknowledgements[i].at_s);
	}
	ensure(!out.failed);
	return writer_len(&out);
}

size_t store_acknowledgements_read(struct kv_bytes bytes, uint32_t serial,
                                   struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX])
{
	struct reader in = reader_of(bytes.at, bytes.len);
	if (read_u32(&in) != serial || in.failed) {
		return 0;
	}
	uint16_t count = read_u16(&in);
	for (uint16_t i = 0; i < count && i < STORE_ACKNOWLEDGEMENTS_MAX; i++) {
		struct address *target = &out[i].target;
		*target = (struct address){.family = read_u8(&in) == ADDRESS_V6 ? ADDRESS_V6 : ADDRESS_V4};
		read_u8(&in);
		target->port = read_u16(&in);
		target->scope_id = read_u32(&in);
		const uint8_t *address = read_bytes(&in, sizeof target->bytes);
		out[i].at_s = (int64_t)read_u64(&in);
		if (in.failed) {
			return i;
		}
		memcpy(target->bytes, address, sizeof target->bytes);
	}
	return count < STORE_ACKNOWLEDGEMENTS_MAX ? count : STORE_ACKNOWLEDGEMENTS_MAX;
}
