/* SPDX-License-Identifier: MIT */
/* Cursors over bytes. Both remember that something went wrong (`failed`) and then do nothing more, so that a parser or
 * encoder is written straight down and asks once, at the end. Numbers are big-endian, as on the wire of DNS.
 *
 * I1  A reader never reads outside [start, end); a writer never writes outside [start, end).
 * I2  Once `failed` is set, `at` no longer moves; reads give 0 or NULL. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Reads borrowed bytes. They must outlive the reader and every pointer it gave. */
struct reader {
	const uint8_t *start;
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

/* `bytes` may be NULL when `len` is 0: the reader then stands on a byte of its own, because C allows no arithmetic with
 * NULL, and so that NULL from a read always means that it failed. */
static inline struct reader reader_of(const uint8_t *bytes, size_t len)
{
	static const uint8_t nothing[1];
	if (bytes == NULL) {
		bytes = nothing;
	}
	return (struct reader){.start = bytes, .at = bytes, .end = bytes + len, .failed = false};
}

static inline size_t reader_left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static inline size_t reader_offset(const struct reader *reader)
{
	return (size_t)(reader->at - reader->start);
}

/* The next `len` bytes, or NULL (and failed) when fewer are left. A length of 0 gives a pointer that may not be read. */
static inline const uint8_t *read_bytes(struct reader *reader, size_t len)
{
	if (reader->failed || reader_left(reader) < len) {
		reader->failed = true;
		return NULL;
	}
	const uint8_t *bytes = reader->at;
	reader->at += len;
	return bytes;
}

static inline uint16_t load_u16(const uint8_t *bytes)
{
	return (uint16_t)((uint16_t)bytes[0] << 8 | bytes[1]);
}

static inline uint32_t load_u32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static inline uint64_t load_u64(const uint8_t *bytes)
{
	return (uint64_t)load_u32(bytes) << 32 | load_u32(bytes + 4);
}

static inline void store_u16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static inline void store_u32(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 24);
	bytes[1] = (uint8_t)(value >> 16);
	bytes[2] = (uint8_t)(value >> 8);
	bytes[3] = (uint8_t)value;
}

static inline void store_u64(uint8_t *bytes, uint64_t value)
{
	store_u32(bytes, (uint32_t)(value >> 32));
	store_u32(bytes + 4, (uint32_t)value);
}

static inline uint8_t read_u8(struct reader *reader)
{
	const uint8_t *bytes = read_bytes(reader, 1);
	return bytes == NULL ? 0 : bytes[0];
}

static inline uint16_t read_u16(struct reader *reader)
{
	const uint8_t *bytes = read_bytes(reader, 2);
	return bytes == NULL ? 0 : load_u16(bytes);
}

static inline uint32_t read_u32(struct reader *reader)
{
	const uint8_t *bytes = read_bytes(reader, 4);
	return bytes == NULL ? 0 : load_u32(bytes);
}

static inline uint64_t read_u64(struct reader *reader)
{
	const uint8_t *bytes = read_bytes(reader, 8);
	return bytes == NULL ? 0 : load_u64(bytes);
}

/* A reader over the next `len` bytes, which are consumed. Failed when fewer are left. */
static inline struct reader read_part(struct reader *reader, size_t len)
{
	const uint8_t *bytes = read_bytes(reader, len);
	struct reader part = reader_of(bytes, bytes == NULL ? 0 : len);
	part.failed = bytes == NULL;
	return part;
}

/* Copies octets that do not overlap. For the few octets of a name or an address this is several times quicker than
 * memcpy(), for which compilers choose a string instruction with a long start when they know that `len` is small. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t len)
{
	if (len >= 16) {
		for (size_t at = 0; at + 16 < len; at += 16) {
			memcpy(to + at, from + at, 16);
		}
		memcpy(to + len - 16, from + len - 16, 16);
	} else if (len >= 8) {
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	} else if (len > 0) {
		to[0] = from[0];
		to[len / 2] = from[len / 2];
		to[len - 1] = from[len - 1];
	}
}

/* The same octets? For a few of them, as copy_short. */
static inline bool equal_short(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (len >= 8) {
		uint64_t x;
		uint64_t y;
		for (size_t at = 0; at + 8 < len; at += 8) {
			memcpy(&x, a + at, 8);
			memcpy(&y, b + at, 8);
			if (x != y) {
				return false;
			}
		}
		memcpy(&x, a + len - 8, 8);
		memcpy(&y, b + len - 8, 8);
		return x == y;
	}
	if (len >= 4) {
		uint32_t c[2];
		uint32_t d[2];
		memcpy(c, a, 4);
		memcpy(c + 1, a + len - 4, 4);
		memcpy(d, b, 4);
		memcpy(d + 1, b + len - 4, 4);
		return c[0] == d[0] && c[1] == d[1];
	}
	for (size_t at = 0; at < len; at++) {
		if (a[at] != b[at]) {
			return false;
		}
	}
	return true;
}

/* Writes into memory of the caller. */
struct writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed;
};

static inline struct writer writer_of(uint8_t *bytes, size_t capacity)
{
	return (struct writer){.start = bytes, .at = bytes, .end = bytes + capacity, .failed = false};
}

static inline size_t writer_len(const struct writer *writer)
{
	return (size_t)(writer->at - writer->start);
}

static inline size_t writer_left(const struct writer *writer)
{
	return (size_t)(writer->end - writer->at);
}

/* Room for `len` bytes that the caller fills in, or NULL (and failed). */
static inline uint8_t *write_room(struct writer *writer, size_t len)
{
	if (writer->failed || writer_left(writer) < len) {
		writer->failed = true;
		return NULL;
	}
	uint8_t *room = writer->at;
	writer->at += len;
	return room;
}

static inline void write_u8(struct writer *writer, uint8_t value)
{
	uint8_t *room = write_room(writer, 1);
	if (room != NULL) {
		room[0] = value;
	}
}

static inline void write_u16(struct writer *writer, uint16_t value)
{
	uint8_t *room = write_room(writer, 2);
	if (room != NULL) {
		store_u16(room, value);
	}
}

static inline void write_u32(struct writer *writer, uint32_t value)
{
	uint8_t *room = write_room(writer, 4);
	if (room != NULL) {
		store_u32(room, value);
	}
}

static inline void write_u64(struct writer *writer, uint64_t value)
{
	uint8_t *room = write_room(writer, 8);
	if (room != NULL) {
		store_u64(room, value);
	}
}

static inline void write_bytes(struct writer *writer, const void *bytes, size_t len)
{
	uint8_t *room = write_room(writer, len);
	if (room != NULL && len > 0) {
		memcpy(room, bytes, len);
	}
}

/* Same for a few octets. */
static inline void write_short(struct writer *writer, const uint8_t *bytes, size_t len)
{
	uint8_t *room = write_room(writer, len);
	if (room != NULL) {
		copy_short(room, bytes, len);
	}
}
