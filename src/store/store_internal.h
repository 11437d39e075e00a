/* SPDX-License-Identifier: MIT */
/* What the files of src/store share. */
#pragma once

#include <pthread.h>

#include "base/bytes.h"
#include "store/disk.h"
#include "store/kv.h"
#include "store/store.h"

/* ---- value.c: what stands in the key-value store ---- */

enum store_key {
	STORE_KEY_ACKNOWLEDGEMENTS = 'a',
	STORE_KEY_CHANGE = 'c',
	STORE_KEY_HEAD = 'h',
	STORE_KEY_RECORDS = 'r',
	STORE_KEY_SOURCE = 's',
	STORE_KEY_TIMERS = 't',
	STORE_KEY_FORMAT = 'v',
};

#define STORE_NUMBER_SIZE 8
struct store_name {
	uint8_t bytes[1 + DNS_NAME_MAX + STORE_NUMBER_SIZE];
	size_t len;
};
_Static_assert(1 + DNS_NAME_MAX + STORE_NUMBER_SIZE <= KV_KEY_MAX, "a letter, the longest name and a number");
/* The key of a zone; the name in lower case. */
struct store_name store_key_of(enum store_key kind, const uint8_t *apex);
/* The key of one of its changesets. */
struct store_name store_key_of_change(const uint8_t *apex, uint64_t number);
static inline struct kv_bytes store_key_bytes(const struct store_name *name)
{
	return (struct kv_bytes){.at = name->bytes, .len = name->len};
}

#define STORE_CHECKSUM_SIZE 8
uint64_t store_checksum(struct kv_bytes key, struct kv_bytes value);
/* Without the checksum at its end; NULL and 0: it does not fit the rest. */
struct kv_bytes store_checked(struct kv_bytes key, struct kv_bytes value);

enum store_place {
	STORE_NOWHERE,
	STORE_INLINE,
	STORE_IMAGE,
	STORE_FORGOTTEN, /* nowhere, and an operator had the zone forgotten: which serial was published is all that is left */
};
static inline bool store_has_records(enum store_place place)
{
	return place == STORE_INLINE || place == STORE_IMAGE;
}

/* A head as it is on disk. */
struct store_head_value {
	struct store_head head;
	struct store_note note;
	enum store_place place;
	uint64_t image;
	uint64_t first; /* changesets first..next-1 are kept */
	uint64_t base;  /* those from here on lead from the records to the newest version; without records `next` */
	uint64_t next;
	uint64_t octets; /* of changesets */
	uint64_t behind; /* of those from base on */
};

/* Sizes without the checksum. */
#define STORE_HEAD_SIZE             88 /* and whom it came from */
#define STORE_HEAD_SIZE_MAX         (STORE_HEAD_SIZE + STORE_WHO_MAX - 1)
#define STORE_CHANGE_HEAD_SIZE      12 /* and whom it came from, and the changeset */
#define STORE_TIMERS_SIZE           44
#define STORE_TIMERS_SIZE_MAX       (STORE_TIMERS_SIZE + 36) /* and of an alarm that ended */
#define STORE_ACKNOWLEDGEMENTS_SIZE (6 + 32 * STORE_ACKNOWLEDGEMENTS_MAX)

/* Gives how many octets. */
size_t store_head_write(const struct store_head_value *value, uint8_t out[STORE_HEAD_SIZE_MAX]);
/* False: it is none. */
bool store_head_read(struct kv_bytes bytes, struct store_head_value *out);
/* What stands before a changeset's own octets; gives how many octets. */
size_t store_change_head_write(const struct store_note *note, uint8_t out[STORE_CHANGE_HEAD_SIZE + STORE_WHO_MAX - 1]);
/* `set` gets the changeset's own octets, borrowed. False: it is none. */
bool store_change_read(struct kv_bytes bytes, struct store_note *note, struct kv_bytes *set);
/* Gives how many octets. */
size_t store_timers_write(const struct change_deadlines *timers, uint8_t out[STORE_TIMERS_SIZE_MAX]);
bool store_timers_read(struct kv_bytes bytes, struct change_deadlines *out);
/* Gives how many octets. */
size_t store_acknowledgements_write(uint32_t serial, const struct store_acknowledgement *acknowledgements, size_t count,
                                    uint8_t out[STORE_ACKNOWLEDGEMENTS_SIZE]);
size_t store_acknowledgements_read(struct kv_bytes bytes, uint32_t serial,
                                   struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX]);

/* ---- load.c ---- */

/* One value with its checksum, as it is read; `found` false: there is none. */
struct store_value_visitor {
	struct kv_visitor visitor; /* first */
	bool found;
	bool is_broken;
	bool (*take)(struct store_value_visitor *self, struct kv_bytes body); /* false: not well-formed */
	void *out;
	uint32_t serial; /* of the acknowledgements that are wanted */
	size_t count;
};
/* False: broken, or not readable. Nothing there is fine: `found` says so. */
bool store_read_value(struct store *store, enum store_key kind, const uint8_t *apex,
                      struct store_value_visitor *visitor, struct error *error);
/* As store_load_head. */
bool store_load_head_value(struct store *store, const uint8_t *apex, struct store_head_value *out, struct error *error);

/* The zones that a head is remembered of: names in wire form, lower case, one behind the other, in the order of the keys. */
struct store_zone_names {
	uint8_t *names; /* free() */
	size_t len;
	size_t capacity;
	size_t count;
};
/* Costs one pass over the heads. ERROR_IO */
bool store_zone_names(struct store *store, struct store_zone_names *out, struct error *error);

/* ---- open.c ---- */

/* FOLDER/NAME, on the heap. */
char *store_path_in(const char *folder, const char *name);

/* ---- write.c ---- */

/* Removes an image of the zone that turned out to be the wrong one; 0: none. */
void store_image_remove(const struct store_write *write, uint64_t image);
/* One changeset that is to go, whether a head names it or not. */
void store_write_remove_change(struct store_write *write, uint64_t number);
/* One more value; its checksum is added. */
void store_write_put(struct store_write *write, enum store_key kind, const uint8_t *body, size_t len);

/* ---- merge.c: what becomes of a zone's head ---- */

/* Within a transaction: puts what `write` says of the zone's version, by the head that is there, and removes what is not kept
 * any more. Fills in write->image_before, write->block_begins and write->stand.
 * ERROR_STALE  it does not continue that head
 * and as the key-value side. */
MUST_USE bool store_merge(struct store_write *write, struct error *error);

/* ---- serials.c: which serials primaries may have given ---- */

/* Serials that are noted at once: those that have the same upper 24 bits. */
#define STORE_SERIALS_BLOCK 256u
/* The last of the block. */
uint32_t store_serials_block(uint32_t serial);

/* All up to `serial` may have been given. */
struct store_serial_note {
	const uint8_t *apex; /* lower case */
	uint32_t serial;
};
struct store_serials {
	uint8_t *octets;
	struct store_serial_note *notes; /* one for each zone, in the order of names */
	size_t count;
};
/* Nothing that can be read is as nothing there. */
void store_serials_read(struct store *store, struct store_serials *out);
void store_serials_deinit(struct store_serials *serials);
/* NULL: there is none. */
const struct store_serial_note *store_serials_find(const struct store_serials *serials, const uint8_t *apex);
/* The head of a zone of which nothing else is known. */
struct store_head store_serials_head(const struct store_serial_note *note);
bool store_has_serials(struct store *store);

/* Writes the file anew, from all heads. Whoever commits, and not within a transaction. ERROR_IO */
bool store_serials_begin(struct store *store, struct error *error);
/* Notes the blocks that begin with these writes; store->serials is there. ERROR_IO */
bool store_serials_add(struct store *store, const struct store_write *first, struct error *error);
void store_serials_end(struct store *store);

/* ---- digest.c ---- */

/* A running 128-bit digest that is fed in pieces. */
struct store_digest {
	uint64_t words[2];
	size_t buffered;
	uint8_t buffer[4096];
};
void store_digest_init(struct store_digest *digest);
void store_digest_add(struct store_digest *digest, const void *bytes, size_t len);
void store_digest_end(struct store_digest *digest, uint8_t out[STORE_DIGEST_SIZE]);

/* ---- records.c: a version as octets ---- */

/* Where the octets go. */
struct store_record_sink {
	void (*write)(struct store_record_sink *self, const void *bytes, size_t len);
};
/* Gives how many RRs were written. */
uint64_t store_records_write(const struct zone_snapshot *snapshot, struct store_record_sink *sink);
/* NULL:
 * ERROR_INVALID  they are malformed, or no zone; the text says how */
const struct zone_snapshot *store_records_read(struct kv_bytes records, const uint8_t *apex, uint16_t class,
                                               struct error *error);

/* ---- image.c: a large version's file ---- */

/* An image's head. */
struct store_image {
	enum store_role role;
	uint16_t class;
	uint32_t serial;
	uint32_t expire_s;   /* as the SOA says */
	uint64_t octets_len; /* of what zone_freeze gave */
	uint64_t records;
	uint8_t digest[STORE_DIGEST_SIZE]; /* of these octets */
	struct change_digest content;
	struct dns_name apex;
};
#define STORE_IMAGE_HEAD_SIZE 512
void store_image_head_write(const struct store_image *image, uint8_t bytes[STORE_IMAGE_HEAD_SIZE]);
/* False: not a valid head. */
bool store_image_head_read(const uint8_t bytes[STORE_IMAGE_HEAD_SIZE], struct store_image *out);

/* FOLDER/NAME.ID, on the heap. NAME: lower case, what is not a letter, digit, '-', '_' or inner '.' as %XX, the root as "@",
 * a long one cut and ended by a hash. */
char *store_image_path(const char *folder, const uint8_t *apex, uint64_t id);
/* The same without folder and ID. `out` has STORE_NAME_MAX octets. Returns `out`. */
#define STORE_NAME_MAX 240
char *store_image_name(const uint8_t *apex, char *out);
/* Writes and syncs it. `image` has its role; the rest is filled in. `take` is given up before it is synced.
 * ERROR_STOPPED: `gives_up` became true. */
bool store_image_save(struct disk *disk, const char *path, struct store_image *image, struct store_content *content,
                      const struct zone_snapshot *take, const atomic_bool *gives_up, struct error *error);
/* A digest that is known already. */
struct store_known_content {
	struct store_content content; /* first */
	struct change_digest digest;
};
struct store_known_content store_known_content(const struct change_digest *digest);
/* NULL, the file set aside where it is broken:
 * ERROR_NOT_FOUND, ERROR_IO, ERROR_INVALID */
const struct zone_snapshot *store_image_load(struct disk *disk, const char *path, const uint8_t *apex,
                                             struct store_image *image, struct error *error);
/* A file in the folder that is named like an image. */
struct store_image_file {
	const char *path;
	uint64_t id;
	int64_t written_at_s;            /* wall time */
	const struct store_image *image; /* NULL: its head is not valid */
};
/* Removes those that were never finished. */
void store_images_each(struct disk *disk, const char *folder,
                       void (*each)(void *context, const struct store_image_file *file), void *context);
/* How many files in the folder are images of this zone, also broken ones that were set aside; `removes`: they go. */
size_t store_images_of(struct disk *disk, const char *folder, const uint8_t *apex, bool removes);

/* ---- commit.c: the queue of writes and who commits them ---- */

struct store_queue {
	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t work;
	pthread_cond_t settled;
	struct store_write *first;
	struct store_write **last;
	bool has_urgent;    /* one of them is to be done now */
	int64_t soon_ms;    /* boot clock: when the first that is not urgent is due */
	uint64_t submitted; /* writes so far */
	uint64_t told;      /* of them done and told */
	size_t group_last;  /* writes of the last group */
	bool stopping;
	bool has_thread;
	pthread_t thread;
};

struct store {
	struct change_keeper keeper; /* first */
	struct kv *kv;
	struct disk *disk; /* of the images; borrowed */
	char *folder;      /* of the serials that were given */
	char *images;
	int lock_fd;   /* -1: none */
	char *problem; /* NULL: none */
	_Atomic uint64_t image_last;
	atomic_bool gives_up_images;
	struct store_serials lost; /* given by a primary before the key-value side was lost; empty: it was not */
	/* whoever commits only */
	struct disk_file *serials; /* NULL: to be written anew before anything is added */
	uint64_t serials_len;
	uint64_t serials_len_max;
	struct store_queue queue;
};

/* keep.c */
void store_keeper_init(struct store *store);

/* A put or, without value, a removal; the value already has its checksum. */
struct store_put {
	struct store_put *next;
	enum store_key kind;
	bool is_removal;
	uint64_t number; /* of a changeset */
	size_t len;
	uint8_t value[];
};

/* What a write says of the zone's version. */
enum store_step { STORE_STEP_NONE, STORE_STEP_VERSION, STORE_STEP_CHANGE, STORE_STEP_COPY, STORE_STEP_FORGET };

struct store_write {
	struct store *store;
	struct dns_name apex;
	struct store_put *puts;
	enum store_step step;
	struct store_head_value value; /* as far as it is known before the head is; FORGET: where that cannot be read */
	struct store_head before;      /* CHANGE */
	struct change_history_limits limits; /* CHANGE */
	struct store_put *change;            /* CHANGE; owned */
	bool may_begin;                      /* CHANGE */
	uint64_t number;                     /* COPY */
	uint64_t image;                      /* written for it; 0: none */
	uint64_t image_before;
	bool block_begins; /* a primary's serial is the first of its block (serials.c) */
	struct store_stand stand;
	struct error *error; /* owned; why its image could not be written; NULL: none */
	struct store_waiter *waiter;
	struct store_write *next;
};

void store_queue_init(struct store_queue *queue);
bool store_queue_start(struct store *store, struct error *error);
/* Commits what waits, and ends the thread. */
void store_queue_end(struct store *store);
