/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/rdata.h"
#include "store/store_internal.h"

/* A whole zone file of ours; 2^40 octets is beyond any memory that could serve it. */
#define ZONE_FILE_SIZE_MAX ((size_t)1 << 40)
/* In a file name a zone's name is cut here and ended by a hash, so that it stays below 255 with its endings. */
#define NAME_PART_MAX 200

struct store {
	char *folder; /* DATA/zones */
	int lock_fd;
};

static int lock_folder(const char *folder, struct error *error)
{
	char *path = memory_new(strlen(folder) + sizeof "/lock");
	sprintf(path, "%s/lock", folder);
	/* Not for writing: it would keep the operator from mounting the file system read-only. */
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EROFS) {
		fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0) {
		error_set_errno(error, errno, "%s", path);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		error_set(error, ERROR_EXISTS, "data folder %s: another running server holds it", folder);
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

struct store *store_open(const char *folder, struct error *error)
{
	char *zones = memory_new(strlen(folder) + sizeof "/zones");
	sprintf(zones, "%s/zones", folder);
	if (!folder_make(zones, error)) {
		error_context(error, "data folder");
		free(zones);
		return NULL;
	}
	int lock_fd = lock_folder(folder, error);
	if (lock_fd < 0) {
		free(zones);
		return NULL;
	}
	struct statvfs system;
	if (fstatvfs(lock_fd, &system) == 0 && (system.f_flag & ST_RDONLY) != 0) {
		log_error("data folder %s: the file system is read-only; what changes from now on is not on disk",
		          folder);
	}
	struct store *store = memory_new(sizeof *store);
	store->folder = zones;
	store->lock_fd = lock_fd;
	return store;
}

void store_close(struct store *take)
{
	if (take != NULL) {
		close(take->lock_fd);
		free(take->folder);
		free(take);
	}
}

static bool is_plain(uint8_t octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' || octet == '_';
}

char *store_file_name(const uint8_t *apex, char *out)
{
	static const struct hash_key name_key = {{0x6e616d65, 0}};
	struct dns_name lower;
	char *at = out;
	dns_name_lower(apex, &lower);
	if (lower.len == 1) {
		return strcpy(out, "@");
	}
	for (const uint8_t *label = lower.wire; *label != 0; label += 1 + *label) {
		if (label != lower.wire) {
			*at++ = '.';
		}
		for (size_t i = 1; i <= *label; i++) {
			if (at - out > NAME_PART_MAX) {
				sprintf(at, "~%016llx",
				        (unsigned long long)hash_bytes(&name_key, lower.wire, lower.len));
				return out;
			}
			if (is_plain(label[i])) {
				*at++ = (char)label[i];
			} else {
				at += sprintf(at, "%%%02X", label[i]);
			}
		}
	}
	*at = '\0';
	return out;
}

/* DATA/zones/NAME.zone, on the heap. */
static char *path_of(const struct store *store, const uint8_t *apex, const char *ending)
{
	char name[STORE_NAME_MAX];
	store_file_name(apex, name);
	char *path = memory_new(strlen(store->folder) + strlen(name) + strlen(ending) + 2);
	sprintf(path, "%s/%s%s", store->folder, name, ending);
	return path;
}

/* Reads both headers; the newer valid one counts. `slot` tells which. */
static bool read_headers(int fd, const uint8_t *apex, struct store_header *out, unsigned *slot)
{
	bool found = false;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t bytes[STORE_HEADER_SIZE];
		struct store_header header;
		off_t offset = i == 0 ? 0 : STORE_HEADER_B;
		if (pread(fd, bytes, sizeof bytes, offset) != (ssize_t)sizeof bytes ||
		    !store_header_read(bytes, &header) || !dns_name_equal(header.apex.wire, apex)) {
			continue;
		}
		if (!found || header.sequence > out->sequence) {
			*out = header;
			*slot = i;
		}
		found = true;
	}
	return found;
}

static bool set_aside(const char *path, const char *why, struct error *error)
{
	char *aside = memory_new(strlen(path) + sizeof ".broken");
	sprintf(aside, "%s.broken", path);
	if (rename(path, aside) == 0) {
		error_set(error, ERROR_INVALID, "%s: %s; it was set aside as %s", path, why, aside);
	} else {
		error_set(error, ERROR_INVALID, "%s: %s; it cannot be set aside: %s", path, why, strerror(errno));
	}
	free(aside);
	return false;
}

static bool load_header(const char *path, const uint8_t *apex, struct store_header *header, struct error *error)
{
	unsigned slot;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return error_set_errno(error, errno, "%s", path);
	}
	bool found = read_headers(fd, apex, header, &slot);
	close(fd);
	return found || set_aside(path, "has no valid header for this zone", error);
}

bool store_load_state(struct store *store, const uint8_t *apex, struct store_state *state, struct error *error)
{
	struct store_header header;
	char *path = path_of(store, apex, ".zone");
	bool done = load_header(path, apex, &header, error);
	free(path);
	if (done) {
		*state = header.state;
	}
	return done;
}

/* Feeds the records into a builder; false: they are not well-formed. */
static bool read_records(struct reader *in, struct zone_builder *builder)
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

static bool records_are_whole(const struct store_header *header, const uint8_t *records, size_t len)
{
	struct store_digest digest;
	uint8_t found[STORE_DIGEST_SIZE];
	store_digest_init(&digest);
	store_digest_add(&digest, records, len);
	store_digest_end(&digest, found);
	return len == header->records_len && memcmp(found, header->records_digest, sizeof found) == 0;
}

static const struct zone_snapshot *snapshot_of(const char *path, const struct store_header *header,
                                               const uint8_t *bytes, size_t len, struct error *error)
{
	const uint8_t *records = bytes + STORE_RECORDS_OFFSET;
	if (len < STORE_RECORDS_OFFSET || !records_are_whole(header, records, len - STORE_RECORDS_OFFSET)) {
		set_aside(path, "its records do not have the digest that its header gives", error);
		return NULL;
	}
	struct zone_builder *builder = zone_builder_new(header->apex.wire, header->class);
	struct reader in = reader_of(records, len - STORE_RECORDS_OFFSET);
	if (!read_records(&in, builder)) {
		zone_builder_free(builder);
		set_aside(path, "its records are malformed", error);
		return NULL;
	}
	const struct zone_snapshot *snapshot = zone_builder_finish(builder, NULL, error);
	if (snapshot == NULL) {
		error_context(error, "%s", path);
	}
	return snapshot;
}

const struct zone_snapshot *store_load_version(struct store *store, const uint8_t *apex, struct store_state *state,
                                               struct error *error)
{
	struct store_header header;
	const struct zone_snapshot *snapshot = NULL;
	uint8_t *bytes = NULL;
	size_t len;
	char *path = path_of(store, apex, ".zone");
	if (!load_header(path, apex, &header, error)) {
		goto undo;
	}
	*state = header.state;
	if (!header.state.has_records) {
		error_set(error, ERROR_NOT_FOUND, "%s: holds no version of the zone", path);
		goto undo;
	}
	if (file_read(path, ZONE_FILE_SIZE_MAX, &bytes, &len, error)) {
		snapshot = snapshot_of(path, &header, bytes, len, error);
	}
undo:
	free(bytes);
	free(path);
	return snapshot;
}

/* Records on their way into a file. */
struct record_writing {
	struct file_replacement file;
	struct store_digest digest;
	uint64_t len;
	uint64_t count;
};

static void write_piece(struct record_writing *writing, const void *bytes, size_t len)
{
	file_replacement_write(&writing->file, bytes, len);
	store_digest_add(&writing->digest, bytes, len);
	writing->len += len;
}

static void write_record(void *self, const struct store_record *record)
{
	struct record_writing *writing = self;
	uint8_t head[1 + DNS_NAME_MAX + 8];
	struct writer out = writer_of(head, sizeof head);
	write_u8(&out, record->same_owner ? 0 : record->owner->len);
	if (!record->same_owner) {
		write_bytes(&out, record->owner->wire, record->owner->len);
	}
	write_u16(&out, record->type);
	write_u32(&out, record->ttl);
	write_u16(&out, record->rdata_len);
	write_piece(writing, head, writer_len(&out));
	write_piece(writing, record->rdata, record->rdata_len);
	writing->count++;
}

/* The header is known only after the records, so it is written last, into the place kept for it. */
static bool save_whole(const char *path, struct store_header *header, const struct zone_snapshot *snapshot,
                       struct error *error)
{
	static const uint8_t room[STORE_RECORDS_OFFSET];
	struct record_writing *writing = memory_new(sizeof *writing);
	if (!file_replacement_begin(&writing->file, path, error)) {
		free(writing);
		return false;
	}
	file_replacement_write(&writing->file, room, sizeof room);
	store_digest_init(&writing->digest);
	if (snapshot != NULL) {
		store_each_record(snapshot, write_record, writing);
	}
	store_digest_end(&writing->digest, header->records_digest);
	header->records_len = writing->len;
	header->state.records = writing->count;
	header->state.has_records = snapshot != NULL;
	uint8_t bytes[STORE_HEADER_SIZE];
	store_header_write(header, bytes);
	file_replacement_write_at(&writing->file, 0, bytes, sizeof bytes);
	/* A primary's serial stands nowhere else, so one bad sector must not lose it. */
	file_replacement_write_at(&writing->file, STORE_HEADER_B, bytes, sizeof bytes);
	bool done = file_replacement_commit(&writing->file, error);
	free(writing);
	return done;
}

/* Overwrites the older header in place. False and not `exists`: there is no file to update. One that cannot be opened now,
 * because descriptors ran out for example, is there still. */
static bool save_header(const char *path, const uint8_t *apex, struct store_header *header, bool *exists,
                        struct error *error)
{
	struct store_header before;
	unsigned slot = 0;
	*exists = false;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		*exists = errno != ENOENT;
		return error_set_errno(error, errno, "%s", path);
	}
	bool done = false;
	if (read_headers(fd, apex, &before, &slot) && before.state.has_records) {
		*exists = true;
		header->sequence = before.sequence + 1;
		header->records_len = before.records_len;
		header->state.records = before.state.records;
		memcpy(header->records_digest, before.records_digest, STORE_DIGEST_SIZE);
		uint8_t bytes[STORE_HEADER_SIZE];
		store_header_write(header, bytes);
		done = pwrite(fd, bytes, sizeof bytes, slot == 0 ? STORE_HEADER_B : 0) == (ssize_t)sizeof bytes &&
		       fdatasync(fd) == 0;
		if (!done) {
			error_set_errno(error, errno, "%s", path);
		}
	}
	close(fd);
	return done;
}

bool store_save(struct store *store, const uint8_t *apex, const struct zone_snapshot *snapshot,
                const struct store_state *state, struct error *error)
{
	struct store_header header = {
	        .state = *state,
	        .class = 1,
	        .sequence = 1,
	        .apex = dns_name_of(apex),
	};
	bool exists = false;
	bool done = false;
	char *path = path_of(store, apex, ".zone");
	if (snapshot != NULL) {
		header.class = zone_class(snapshot);
	} else if (state->has_records) {
		done = save_header(path, apex, &header, &exists, error);
	}
	if (!exists) {
		done = save_whole(path, &header, snapshot, error);
	}
	free(path);
	return done;
}

bool store_save_acknowledgements(struct store *store, const uint8_t *apex, uint32_t serial,
                                 const struct store_acknowledgement *acknowledgements, size_t count,
                                 struct error *error)
{
	uint8_t bytes[STORE_ACKNOWLEDGED_SIZE];
	size_t kept = count < STORE_ACKNOWLEDGEMENTS_MAX ? count : STORE_ACKNOWLEDGEMENTS_MAX;
	char *path = path_of(store, apex, ".zone");
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	store_acknowledged_write(serial, acknowledgements, kept, bytes);
	bool done = fd >= 0 && pwrite(fd, bytes, sizeof bytes, STORE_ACKNOWLEDGED) == (ssize_t)sizeof bytes;
	if (!done) {
		error_set_errno(error, errno, "%s", path);
	}
	if (fd >= 0) {
		close(fd);
	}
	free(path);
	return done;
}

size_t store_load_acknowledgements(struct store *store, const uint8_t *apex, uint32_t serial,
                                   struct store_acknowledgement out[STORE_ACKNOWLEDGEMENTS_MAX])
{
	uint8_t bytes[STORE_ACKNOWLEDGED_SIZE];
	size_t count = 0;
	char *path = path_of(store, apex, ".zone");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && pread(fd, bytes, sizeof bytes, STORE_ACKNOWLEDGED) == (ssize_t)sizeof bytes) {
		count = store_acknowledged_read(bytes, serial, out);
	}
	if (fd >= 0) {
		close(fd);
	}
	free(path);
	return count;
}

bool store_forget(struct store *store, const uint8_t *apex, struct error *error)
{
	char *path = path_of(store, apex, ".zone");
	bool done = unlink(path) == 0 || errno == ENOENT;
	if (!done) {
		error_set_errno(error, errno, "%s", path);
	}
	free(path);
	return done;
}
