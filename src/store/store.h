/* SPDX-License-Identifier: MIT */
/* The door of src/store: what survives a restart.
 *
 * Knows   what of a zone must be remembered, where it lies on disk, when many changes become one sync.
 * Not     why it is remembered, timers, sockets.
 *
 * Two kinds of places, in the data folder:
 *
 *   store.mdb      an LMDB file (behind kv.h) with what is small: for each zone
 *                  'h' + name        head: which version was published last, and what leads to it
 *                  'r' + name        records, where they are few
 *                  'c' + name + number (8)  changesets, each continuing the one before
 *                  's' + name        what the version was made of: the producer's octets
 *                  't' + name        a secondary's timers      'a' + name  who acknowledged its NOTIFY
 *                  The name is in wire form, lower case. 'v' alone: version of this format, 2 (4 octets).
 *   serials        which serials primaries may have given: "TANDEM S", version (4) = 1, and one after the other
 *                  zone name (wire form, lower case), serial (4), checksum (8) over both. All up to this one may have been given;
 *                  of several notes of a zone the newest counts. Read only when store.mdb was lost, or a head in it is broken
 *   images/        a large version as it lies in memory: NAME.ID, ID being 16 hexadecimal digits that a head names
 *
 * The version that was published last is its records, or those of a version before it and the changesets since. A primary's
 * records are written after it is served, so that until then its head tells only which serial was published with which
 * content: a serial never goes back, and an edit made while the server was stopped is noticed.
 *
 * Changesets have numbers that only rise. A head says which are kept, first..next-1, and from which on (base) they lead from
 * the records to the newest version. Numbers below base are history alone, for secondaries that are behind. A version that
 * continues nothing ends the line: all changesets go, and `first` rises beyond every number that was given before.
 *
 * Values, all numbers big-endian; each ends in a checksum (8) over the key (a changeset's without its number) and what stands
 * before it:
 *
 *   head     0 role (1)  1 where the records are (1: 0 nowhere, 1 under 'r', 2 in an image, 3 nowhere, the zone was forgotten:
 *            of a primary's the serial and the digest stay)  2 class (2)
 *            4 serial published (4)  8 digest of the content (16)  24 ID of the image (8)  32 first (8)  40 base (8)
 *            48 next (8)  56 octets of changesets (8)  64 of these since base (8)  72 a highest serial is known (1: 0, 1)
 *            73 origin (1)  74 length of whom it came from (2)  76 highest serial (4)  80 published at (8)
 *            88 whom it came from (0..STORE_WHO_MAX - 1)
 *   changeset 0 published at (8)  8 origin (1)  9 zero (1)  10 length of whom it came from (2)  12 whom it came from,
 *            the changeset (change/changeset.h)
 *   timers   0 refreshed at (8)  8 refresh at (8)  16 expire at (8)  24 a version promised at (8)  32 its serial (4)
 *            36 lower versions since (8)   wall seconds, 0: not set; and where an alarm about the content has ended:
 *            44 its cause (1: 1 content-differs, 2 zonemd-differs)  45 family of whom the content is from (1: 0, 4 or 6)
 *            46 port (2)  48 scope (4)  52 address (16)  68 serial (4)  72 ended at (8)
 *   acknowledgements   0 serial (4)  4 how many (2)  6 each  family (1: 4 or 6), 0 (1), port (2), scope (4), address (16),
 *            wall seconds (8)
 *   records  one after the other: owner length (1; 0: same owner as before), owner, TYPE (2), TTL (4), RDLENGTH (2),
 *            RDATA (uncompressed)
 *
 *   image    0 "TANDEM I"  8 version (4) = 2  12 role (1) 13 zero (1)  14 class (2)  16 serial (4)  20 EXPIRE of
 *            the SOA (4)  24 octets of the version (8)  32 number of records (8)  40 digest of these octets (16)  56 zero (8)
 *            64 zone name, 255 octets, zero-filled  319 zero (1)  320 digest of the content (16)  ...  504 checksum of
 *            octets 0..503 (8)  512 the version as zone_freeze gives it
 *
 * I1  What one store_write holds is remembered whole or not at all; an image is synced before a head names it.
 * I2  Writes of one zone become durable in the order in which they were submitted.
 * I3  What is read back passed its checksum, or is told as broken.
 * I4  A folder belongs to one running server: a second store_open fails.
 * I5  Writes of many zones that wait together cost one sync.
 * I6  A changeset is remembered only where the version that it continues is the newest one remembered.
 * I7  What recovery needs is never trimmed; a full history never refuses a change.
 * I8  A primary's serial is not durable before a note of its block of 256 is: what was given can be told without store.mdb. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/error.h"
#include "change/change.h"
#include "change/digest.h"
#include "change/history.h"
#include "zone/zone.h"

struct disk;
struct kv;
struct store;

#define STORE_DIGEST_SIZE 16

enum store_role { STORE_PRIMARY = 1, STORE_SECONDARY = 2 };

/* How the newest version stands on disk. */
struct store_stand {
	uint64_t number;  /* of the changeset that will continue it */
	bool has_records; /* store_load_version will give a snapshot */
	uint64_t behind;  /* octets of changesets from the records to it */
};

/* The version that was published last. */
struct store_head {
	enum store_role role;
	uint16_t class;
	uint32_t serial_published;
	struct change_digest content;
	bool has_top; /* a version before it did not go forward, or is lost: */
	uint32_t top; /* the highest serial until then, or that may have been given */
};

/* When and from whom a version came. */
#define STORE_WHO_MAX 200
struct store_note {
	int64_t at_s; /* wall time */
	enum change_origin origin;
	char who[STORE_WHO_MAX];
};

/* A target that has acknowledged the NOTIFY of a version. */
struct store_acknowledgement {
	struct address target;
	int64_t at_s; /* wall time */
};
/* Ten times what a zone with two addresses for each of 13 servers needs. */
#define STORE_ACKNOWLEDGEMENTS_MAX 260

/* Opens the folder, making it if need be, locks it and starts the thread that commits. A store that is broken is set aside
 * as store.mdb.broken; in its place, and in that of one that was lost, one is begun with what the images tell. One on a
 * read-only file system is opened too, and told in the log: what it remembers is still worth serving. NULL on failure:
 * ERROR_EXISTS              another running server holds it
 * ERROR_STALE               it was written by a newer version of Tandem, whose format this one does not know
 * ERROR_IO, ERROR_DENIED    as the system says */
struct store *store_open(const char *folder, struct error *error);
/* Opens a folder as it is, to read from it: nothing in it is made, changed or set aside, and nothing is to be written. Others may
 * have it open in this way, too. NULL on failure:
 * ERROR_NOT_FOUND  there is no store in it
 * ERROR_EXISTS     a running server holds it
 * ERROR_INVALID    its store.mdb is broken
 * ERROR_STALE, ERROR_IO, ERROR_DENIED  as above */
struct store *store_open_as_is(const char *folder, struct error *error);
/* The same over another key-value side and disk (borrowed), without lock or thread: store_commit is to be called. `images`
 * is a folder that exists; it is copied. */
struct store *store_new(struct kv *take, struct disk *disk, const char *images, struct error *error);
/* The same over a folder that nobody else has images in: those that a new key-value side knows nothing of are what is left of
 * one that was lost. */
struct store *store_new_alone(struct kv *take, struct disk *disk, const char *images, struct error *error);
/* Commits what waits. NULL is fine. */
void store_close(struct store *take);
/* The server before this one ended without store_close: what it had heard and not written yet is lost. */
bool store_was_killed(const struct store *store);
/* What was found broken when it was opened, and what was done about it; NULL: nothing. Borrowed from the store. */
const char *store_problem(const struct store *store);

/* ---- reading; any thread ---- */

/* `stand` and `note` may be NULL.
 * ERROR_NOT_FOUND  nothing is remembered of this zone
 * ERROR_INVALID    what is remembered is broken
 * ERROR_IO */
MUST_USE bool store_load_head(struct store *store, const uint8_t *apex, struct store_head *head,
                              struct store_stand *stand, struct store_note *note, struct error *error);
/* What is known of a primary's zone whose head is broken or lost: which serials may have been given, in `top`; the content is
 * not known. False: nothing. Costs a pass over the notes of all zones. */
bool store_load_serials(struct store *store, const uint8_t *apex, struct store_head *head);
/* The version that was published last. NULL and an error as above. Costs a pass over its records; an image that is broken
 * is set aside as NAME.ID.broken. `history` (NULL: nobody wants it) gets a reference to what leads to it, which may be
 * nothing. */
const struct zone_snapshot *store_load_version(struct store *store, const uint8_t *apex, struct store_head *head,
                                               const struct change_history **history, struct error *error);
/* Reads changesets one by one, for histories that have only the newest in memory; as long as the store is open. */
const struct change_keeper *store_keeper(const struct store *store);
/* What store_write_source remembered, on the heap; NULL: nothing, or it is broken. */
uint8_t *store_load_source(struct store *store, const uint8_t *apex, size_t *len);
/* All zero where none are remembered. */
struct change_deadlines store_load_timers(struct store *store, const uint8_t *apex);
/* Gives how many are remembered for the version with this serial. */
size_t store_load_acknowledgements(struct store *store, const uint8_t *apex, uint32_t serial,
                                   struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX]);

/* ---- zones that are gone ---- */

/* What was removed of a zone. */
struct store_forgotten {
	uint64_t values; /* its head among them */
	uint64_t images; /* also what was set aside as broken */
	bool keeps_serial;
	uint32_t
	        serial; /* that was published last, or that may have been: it stays remembered with its content's digest */
};
/* Forgets a zone that nobody works for, with values and images that no head names, and returns when that is durable. Nothing of
 * it is written meanwhile. What a primary gave stays remembered, here and in the serials: when the zone comes again, its serial
 * goes on from there, or stays where the content is the same.
 * ERROR_NOT_FOUND  the store knows no such zone
 * ERROR_IO, ERROR_LIMIT, ERROR_DENIED  it is not durable; what was there is there
 * Any thread but the one that commits. */
MUST_USE bool store_forget(struct store *store, const uint8_t *apex, struct store_forgotten *out, struct error *error);

/* ---- a copy ---- */

struct store_backup_counts {
	uint64_t zones;
	uint64_t images;   /* of these zones */
	uint64_t left_out; /* zones of which the store has no whole version */
	char why[1500];    /* of the first of them: "zone example.: ..." */
};
/* Copies what is remembered into `folder`, which is made if need be and must be empty: a folder that store_open takes. Each zone
 * is as it was at one moment between call and return, with its history, its timers and all else; what is broken of it is
 * told, and left out. Commits go on meanwhile, and no reading lasts longer than one value of a zone, or the list of
 * their names. On the same file system images are shared with the store by hard links; they never change.
 * All is synced when it returns. On failure what was copied is removed again:
 * ERROR_EXISTS              the folder is not empty
 * ERROR_STOPPED             `stop` (NULL: nobody) became true
 * ERROR_IO, ERROR_DENIED    as the system says; a full disk, for example
 * Any thread but the one that commits. */
MUST_USE bool store_backup(struct store *store, const char *folder, const atomic_bool *stop,
                           struct store_backup_counts *counts, struct error *error);

/* ---- looking for damage ---- */

struct store_finding {
	bool is_problem;     /* something is lost; else only room is */
	const uint8_t *apex; /* NULL: of no zone in particular */
	const char *what;    /* a clause */
	const char *then;    /* what comes of it, or what to do: a clause */
};
struct store_check_sink {
	/* Both are called on the caller's thread; what is given is borrowed for the call. */
	void (*tell)(struct store_check_sink *self, const struct store_finding *finding);
	/* Each zone whose head can be read. */
	void (*see)(struct store_check_sink *self, const uint8_t *apex, const struct store_head *head);
};
struct store_check_counts {
	uint64_t zones;
	uint64_t whole; /* of them: records and changesets make the version that was published last, by its digest */
	uint64_t values;
	uint64_t images;
	uint64_t problems;
	uint64_t notes;
};
/* Reads every value and image: checksums, forms, whether each zone's records and changesets lead to its digest, what nobody
 * needs. Nothing is changed if the store was opened as it is. Loads one zone after the other. ERROR_IO */
MUST_USE bool store_check(struct store *store, struct store_check_sink *sink, struct store_check_counts *counts,
                          struct error *error);

/* ---- writing ---- */

/* What is to be remembered of one zone at once (I1). */
struct store_write;
struct store_write *store_write_new(struct store *store, const uint8_t *apex);
/* One that is not submitted after all; an image that was written for it is removed. NULL is fine. */
void store_write_free(struct store_write *take);
/* Each write holds one of the next four at most. */

/* A version that continues nothing: the changesets remembered go. Its class follows from `records`; NULL: the head alone.
 * Acknowledgements of the version before are dropped. A large version is written and synced here, on the caller's thread; what
 * goes wrong is told when the write is done. */
void store_write_version(struct store_write *write, const struct store_head *head, const struct store_note *note,
                         const struct zone_snapshot *records);
/* Whoever is still working on a version's digest; embed it. `know` is asked on the caller's thread, as late as possible and maybe
 * more than once; it waits. */
struct store_content {
	struct change_digest (*know)(struct store_content *self);
};
/* The same of a version whose digest takes as long as writing it: `head` is without. */
void store_write_version_beside(struct store_write *write, const struct store_head *head, const struct store_note *note,
                                const struct zone_snapshot *records, struct store_content *content);
/* The version that `set` makes of `before`, which must be the newest one remembered then (I6): else it is not durable, and
 * ERROR_STALE, or with `may_begin` it is written as a version that continues nothing, its head alone. Changesets beyond
 * `limits` go, oldest first (I7). Acknowledgements as above. */
void store_write_change(struct store_write *write, const struct store_head *before, const struct store_head *head,
                        const struct store_note *note, const struct changeset *set,
                        const struct change_history_limits *limits, bool may_begin);
/* The records of a version that is remembered already: `number` is its store_stand.number. ERROR_STALE when the changesets
 * that follow it are not all kept. As store_write_version, a large one is written here; it is given up before the disk is
 * waited for. */
void store_write_copy(struct store_write *write, const struct store_head *head, uint64_t number,
                      const struct zone_snapshot *take);
/* From now on large versions are not written, nor is one that is under way: such a write is not durable, ERROR_STOPPED. For
 * whoever stops, and must not wait for the disk: what was remembered stays, with the changesets since. Any thread. */
void store_give_up_images(struct store *store);
/* Forgets the zone; of a primary's it stays remembered which serial was published with which content, and no more. */
void store_write_forget(struct store_write *write);

/* Besides. */

/* What the version was made of, in the producer's own words: the identity of a file, for example. */
void store_write_source(struct store_write *write, const uint8_t *octets, size_t len);
void store_write_timers(struct store_write *write, const struct change_deadlines *timers);
/* Who has acknowledged the version with this serial; of more than STORE_ACKNOWLEDGEMENTS_MAX the first ones. */
void store_write_acknowledgements(struct store_write *write, uint32_t serial,
                                  const struct store_acknowledgement *acknowledgements, size_t count);
/* Whoever wants to know what became of a write; embed it. Both are called on the thread that commits, and must not wait. */
struct store_waiter {
	/* Just before the write is made durable; false: not any more. NULL: it is. */
	bool (*wanted)(struct store_waiter *self);
	/* Once, after all writes that were submitted before. `is_durable` false: nothing of it is, and `error` says why.
	 * ERROR_STOPPED  it was not wanted any more, or its image was given up
	 * ERROR_STALE    it does not continue what is remembered
	 * ERROR_IO, ERROR_LIMIT, ERROR_DENIED */
	void (*done)(struct store_waiter *self, bool is_durable, const struct error *error);
	struct store_stand stand; /* before `done`: of the newest version, where the write says anything of it */
};

enum store_urgency {
	STORE_NOW,
	STORE_SOON, /* within a tenth of a second, with whatever else is committed: what a crash may take away */
};

/* Takes `write`, which may be empty: it is done then after those that were submitted before. `waiter` (NULL: nobody) lives
 * until it is told. Any thread; never waits for the disk. */
void store_submit(struct store_write *take, struct store_waiter *waiter, enum store_urgency urgency);
/* Waits until everything that was submitted before is done, and told. Not from a waiter. */
void store_flush(struct store *store);
/* Makes everything that waits durable, and tells. Only where no thread does it (store_new). */
void store_commit(struct store *store);
