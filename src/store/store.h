/* SPDX-License-Identifier: MIT */
/* The door of src/store: what survives a restart. One folder, one file per zone.
 *
 * Knows   files, the data folder, what of a zone must be remembered.
 * Not     why it is remembered, timers, sockets.
 *
 * A zone's file holds, for a secondary, its last published version and its timers; for a primary only which serial was
 * published last and for which content, so that a serial never goes back and an edit made while the server was stopped is
 * noticed. For both, who has acknowledged the NOTIFY of that version. File format (all numbers big-endian):
 *
 *      0  header A, 512 octets     }  the valid one with the higher sequence counts, so that timers are updated in
 *   4096  header B, 512 octets     }  place: the other header is overwritten and synced; a new file has the same twice
 *   1024  acknowledgements, 3072 octets, or zeros: none; overwritten in place, never synced
 *   8192  records, if any: each  owner length (1 octet; 0: same owner as before), owner, TYPE (2), TTL (4), RDLENGTH (2),
 *         RDATA (uncompressed)
 *
 *   header:  0 "TANDEM Z"  8 version (4) = 1  12 role (1)  13 flags (1)  14 class (2)  16 sequence (8)
 *            24 serial published (4)  28 serial of the file (4)  32 content digest (16)
 *            48 refreshed at (8)  56 refresh at (8)  64 expire at (8)   wall seconds, 0: not set
 *            72 octets of records (8)  80 number of records (8)  88 digest of the records (16)
 *            104 zone name, 255 octets, zero-filled  ...  504 checksum of octets 0..503 (8)
 *   acknowledgements:  0 serial (4)  4 how many (2)  8 each  family (1: 4 or 6), 0 (1), port (2), scope (4), address (16),
 *            wall seconds (8)  ...  3064 checksum of octets 0..3063 (8)
 *
 * I1  A version is written beside, synced and renamed: the file holds a whole version or the one before.
 * I2  Records and the header that speaks of them agree, or the file is refused as broken (checksums).
 * I3  A folder belongs to one running server: a second store_open fails. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/error.h"
#include "zone/zone.h"

struct store;

#define STORE_DIGEST_SIZE 16

enum store_role { STORE_PRIMARY = 1, STORE_SECONDARY = 2 };

/* What is remembered of a zone besides its records. */
struct store_state {
	enum store_role role;
	bool has_version; /* the serials and the digest mean something */
	uint32_t serial_published;
	uint32_t serial_file;               /* of the primary's zone file when that was published */
	uint8_t content[STORE_DIGEST_SIZE]; /* store_content_digest of what was published */
	int64_t refreshed_at_s;             /* wall time; a secondary's timers; 0: not set */
	int64_t refresh_at_s;
	int64_t expire_at_s;
	bool has_records; /* store_load_version will give a snapshot */
	uint64_t records;
};

/* Opens the folder, making it if need be, and locks it. One on a read-only file system is opened too, and told in the
 * log: what it remembers is still worth serving. NULL on failure:
 * ERROR_EXISTS              another running server holds it
 * ERROR_IO, ERROR_DENIED    as the system says */
struct store *store_open(const char *folder, struct error *error);
/* NULL is fine. */
void store_close(struct store *take);

/* ERROR_NOT_FOUND  nothing is remembered of this zone
 * ERROR_INVALID    the file is broken; the text says how. It was set aside as NAME.broken */
MUST_USE bool store_load_state(struct store *store, const uint8_t *apex, struct store_state *state,
                               struct error *error);
/* The remembered version; NULL as above. Costs a pass over the file. */
const struct zone_snapshot *store_load_version(struct store *store, const uint8_t *apex, struct store_state *state,
                                               struct error *error);

/* Remembers state and version together (I1). `snapshot` NULL: the state alone; records that were there are kept if
 * state->has_records says so, else dropped. On failure what was remembered before is remembered still.
 * ERROR_IO, ERROR_DENIED
 * One call per zone at a time; different zones from different threads. */
MUST_USE bool store_save(struct store *store, const uint8_t *apex, const struct zone_snapshot *snapshot,
                         const struct store_state *state, struct error *error);

/* A target that has acknowledged the NOTIFY of a version. */
struct store_acknowledgement {
	struct address target;
	int64_t at_s; /* wall time */
};
/* (3072 - 8 - 8) / 32 that fit between the headers; a referral names 13 servers with two addresses each. */
#define STORE_ACKNOWLEDGEMENTS_MAX 95

/* Remembers who has acknowledged the version with this serial, and nothing of any other version; store_save of another
 * version forgets it. Of more than STORE_ACKNOWLEDGEMENTS_MAX the first ones. Not synced: what a power failure takes away
 * costs a NOTIFY that was not needed. Threads as store_save.
 * ERROR_NOT_FOUND  nothing is remembered of this zone
 * ERROR_IO, ERROR_DENIED */
MUST_USE bool store_save_acknowledgements(struct store *store, const uint8_t *apex, uint32_t serial,
                                          const struct store_acknowledgement *acknowledgements, size_t count,
                                          struct error *error);
/* Gives how many are remembered for the version with this serial. */
size_t store_load_acknowledgements(struct store *store, const uint8_t *apex, uint32_t serial,
                                   struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX]);

/* Forgets the zone. Nothing there is fine. */
MUST_USE bool store_forget(struct store *store, const uint8_t *apex, struct error *error);

/* Digest of a version's content in canonical order, the SOA's serial aside. Not cryptographic: it notices edits. */
void store_content_digest(const struct zone_snapshot *snapshot, uint8_t digest[STORE_DIGEST_SIZE]);

/* The file's name for a zone: lower case, what is not a letter, digit, '-', '_' or inner '.' as %XX, the root as "@", a
 * long one cut and ended by a hash. `out` has STORE_NAME_MAX bytes. Returns `out`. */
#define STORE_NAME_MAX 240
char *store_file_name(const uint8_t *apex, char *out);
