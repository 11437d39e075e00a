/* SPDX-License-Identifier: MIT */
/* What the files of src/store share. */
#pragma once

#include "base/bytes.h"
#include "store/store.h"

#define STORE_HEADER_SIZE    512
#define STORE_ACKNOWLEDGED   1024
#define STORE_HEADER_B       4096
#define STORE_RECORDS_OFFSET 8192

/* A header as it is on disk, decoded. */
struct store_header {
	struct store_state state;
	uint16_t class;
	uint64_t sequence;
	uint64_t records_len;
	uint8_t records_digest[STORE_DIGEST_SIZE];
	struct dns_name apex;
};

void store_header_write(const struct store_header *header, uint8_t bytes[STORE_HEADER_SIZE]);
/* False: not a valid header. */
bool store_header_read(const uint8_t bytes[STORE_HEADER_SIZE], struct store_header *out);

/* What stands at STORE_ACKNOWLEDGED. */
#define STORE_ACKNOWLEDGED_SIZE (STORE_HEADER_B - STORE_ACKNOWLEDGED)
/* `count` is at most STORE_ACKNOWLEDGEMENTS_MAX. */
void store_acknowledged_write(uint32_t serial, const struct store_acknowledgement *acknowledgements, size_t count,
                              uint8_t bytes[STORE_ACKNOWLEDGED_SIZE]);
/* Gives how many there are for the version with this serial. */
size_t store_acknowledged_read(const uint8_t bytes[STORE_ACKNOWLEDGED_SIZE], uint32_t serial,
                               struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX]);

/* A running 128-bit digest that is fed in pieces. */
struct store_digest {
	uint64_t words[2];
	size_t buffered;
	uint8_t buffer[4096];
};
void store_digest_init(struct store_digest *digest);
void store_digest_add(struct store_digest *digest, const void *bytes, size_t len);
void store_digest_end(struct store_digest *digest, uint8_t out[STORE_DIGEST_SIZE]);

/* Calls `each` for every RR of the snapshot in walk order. */
struct store_record {
	const struct dns_name *owner;
	bool same_owner; /* as the record before */
	uint16_t type;
	uint32_t ttl;
	const uint8_t *rdata;
	uint16_t rdata_len;
};
void store_each_record(const struct zone_snapshot *snapshot,
                       void (*each)(void *self, const struct store_record *record), void *self);
