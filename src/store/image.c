/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/hash.h"
#include "base/memory.h"
#include "dns/message.h"
#include "store/store_internal.h"

#define FORMAT_VERSION  2
#define NAME_OFFSET     64
#define CONTENT_OFFSET  320
#define CHECKSUM_OFFSET (STORE_IMAGE_HEAD_SIZE - 8)
/* In a file name a zone's name is cut here and ended by a hash, so that it stays below 255 with its endings. */
#define NAME_PART_MAX 200
/* ".0123456789abcdef" */
#define ID_LEN 17
/* Ends the name of an image while it is written. */
#define UNFINISHED ".new"
#define BROKEN     ".broken"
/* Octets that are hashed and written at once: whole blocks of the digest, and still in a second-level cache. */
#define SAVING_ROOM ((size_t)256 * 1024)

static const uint8_t magic[8] = {'T', 'A', 'N', 'D', 'E', 'M', ' ', 'I'};
static const struct hash_key checksum_key = {{0x696d616765, 0x68656164}};

/* ---- names ---- */

static bool is_plain(uint8_t octet)
{
	return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' || octet == '_';
}

char *store_image_name(const uint8_t *apex, char *out)
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
				sprintf(at, "~%016" PRIx64, hash_bytes(&name_key, lower.wire, lower.len));
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

char *store_image_path(const char *folder, const uint8_t *apex, uint64_t id)
{
	char name[STORE_NAME_MAX];
	store_image_name(apex, name);
	char *path = memory_new(strlen(folder) + strlen(name) + ID_LEN + 2);
	sprintf(path, "%s/%s.%016" PRIx64, folder, name, id);
	return path;
}

/* 0: the name does not end in an ID. */
static uint64_t id_of(const char *name)
{
	size_t len = strlen(name);
	char *end;
	if (len <= ID_LEN || name[len - ID_LEN] != '.') {
		return 0;
	}
	uint64_t id = strtoull(name + len - ID_LEN + 1, &end, 16);
	return *end == '\0' ? id : 0;
}

/* ---- the head ---- */

void store_image_head_write(const struct store_image *image, uint8_t bytes[STORE_IMAGE_HEAD_SIZE])
{
	struct writer out = writer_of(bytes, STORE_IMAGE_HEAD_SIZE);
	memset(bytes, 0, STORE_IMAGE_HEAD_SIZE);
	write_bytes(&out, magic, sizeof magic);
	write_u32(&out, FORMAT_VERSION);
	write_u8(&out, (uint8_t)image->role);
	write_u8(&out, 0);
	write_u16(&out, image->class);
	write_u32(&out, image->serial);
	write_u32(&out, image->expire_s);
	write_u64(&out, image->octets_len);
	write_u64(&out, image->records);
	write_bytes(&out, image->digest, STORE_DIGEST_SIZE);
	write_u64(&out, 0);
	ensure(writer_len(&out) == NAME_OFFSET);
	write_bytes(&out, image->apex.wire, image->apex.len);
	ensure(!out.failed && writer_len(&out) <= CONTENT_OFFSET);
	change_digest_write(image->content, bytes + CONTENT_OFFSET);
	store_u64(bytes + CHECKSUM_OFFSET, hash_bytes(&checksum_key, bytes, CHECKSUM_OFFSET));
}

static bool is_head(const uint8_t bytes[STORE_IMAGE_HEAD_SIZE])
{
	return memcmp(bytes, magic, sizeof magic) == 0 &&
	       load_u64(bytes + CHECKSUM_OFFSET) == hash_bytes(&checksum_key, bytes, CHECKSUM_OFFSET);
}

bool store_image_head_read(const uint8_t bytes[STORE_IMAGE_HEAD_SIZE], struct store_image *out)
{
	struct reader in = reader_of(bytes + sizeof magic, CHECKSUM_OFFSET - sizeof magic);
	if (!is_head(bytes)) {
		return false;
	}
	uint32_t version = read_u32(&in);
	uint8_t role = read_u8(&in);
	read_u8(&in);
	out->role = role == STORE_PRIMARY ? STORE_PRIMARY : STORE_SECONDARY;
	out->class = read_u16(&in);
	out->serial = read_u32(&in);
	out->expire_s = read_u32(&in);
	out->octets_len = read_u64(&in);
	out->records = read_u64(&in);
	memcpy(out->digest, read_bytes(&in, STORE_DIGEST_SIZE), STORE_DIGEST_SIZE);
	read_u64(&in);
	const uint8_t *apex = dns_name_read_plain(&in);
	if (apex == NULL || version != FORMAT_VERSION) {
		return false;
	}
	out->apex = dns_name_of(apex);
	out->content = change_digest_read(bytes + CONTENT_OFFSET);
	return true;
}

/* ---- saving ---- */

/* A version on its way into a file. */
struct saving {
	struct zone_octets sink; /* first */
	struct disk *disk;
	struct disk_file *file;
	const atomic_bool *gives_up; /* somebody is in a hurry */
	bool failed;                 /* it sticks, and `error` says why */
	struct error *error;
	struct store_digest digest;
	uint64_t len;
	size_t gathered;
	uint8_t gathering[SAVING_ROOM]; /* pieces are small */
};

static bool is_given_up(const struct saving *saving)
{
	return atomic_load(saving->gives_up) && !error_set(saving->error, ERROR_STOPPED, "the server is stopping");
}

static void write_at(struct saving *saving, uint64_t offset, const void *bytes, size_t len)
{
	const struct disk_side *side = saving->disk->side;
	saving->failed =
	        saving->failed || is_given_up(saving) || !side->write(saving->file, offset, bytes, len, saving->error);
}

static void save_gathered(struct saving *saving)
{
	write_at(saving, STORE_IMAGE_HEAD_SIZE + saving->len, saving->gathering, saving->gathered);
	if (!saving->failed) {
		store_digest_add(&saving->digest, saving->gathering, saving->gathered);
	}
	saving->len += saving->gathered;
	saving->gathered = 0;
}

static void save_piece(struct zone_octets *self, const void *bytes, size_t len)
{
	struct saving *saving = (struct saving *)self;
	const uint8_t *at = bytes;
	while (len > 0) {
		size_t room = sizeof saving->gathering - saving->gathered;
		size_t piece = len < room ? len : room;
		memcpy(saving->gathering + saving->gathered, at, piece);
		saving->gathered += piece;
		at += piece;
		len -= piece;
		if (saving->gathered == sizeof saving->gathering) {
			save_gathered(saving);
		}
	}
}

static void describe(const struct zone_snapshot *snapshot, struct store_image *image)
{
	struct zone_facts facts;
	struct zone_rrset rrset;
	struct dns_soa soa;
	zone_soa(snapshot, &rrset);
	dns_soa_read(rrset.rdatas + 2, load_u16(rrset.rdatas), &soa);
	zone_facts(snapshot, &facts);
	image->class = zone_class(snapshot);
	image->records = facts.records;
	image->serial = soa.serial;
	image->expire_s = soa.expire_s;
	image->apex = dns_name_of(zone_name(snapshot));
}

/* The head is known only after the rest, so it is written last, into the place kept for it. */
static void write_all(struct saving *saving, struct store_image *image, struct store_content *content,
                      const struct zone_snapshot *snapshot)
{
	uint8_t head[STORE_IMAGE_HEAD_SIZE];
	describe(snapshot, image);
	store_digest_init(&saving->digest);
	zone_freeze(snapshot, &saving->sink);
	save_gathered(saving);
	image->octets_len = saving->len;
	store_digest_end(&saving->digest, image->digest);
	image->content = content->know(content);
	store_image_head_write(image, head);
	write_at(saving, 0, head, sizeof head);
}

/* So much goes to the disk at once, which nobody can end. */
#define PUSHED_MAX ((uint64_t)32 << 20)

static bool sync_all(struct saving *saving)
{
	const struct disk_side *side = saving->disk->side;
	for (uint64_t at = 0; at < saving->len && !saving->failed; at += PUSHED_MAX) {
		saving->failed = is_given_up(saving) || !side->push(saving->file, at, PUSHED_MAX, saving->error);
	}
	return !saving->failed && side->sync(saving->file, saving->error);
}

/* Beside its place, so that nothing under its name is ever half an image. The version is given up before the disk is waited
 * for: changes come meanwhile, and all that they replace would stay in memory. */
static bool save_beside(struct disk *disk, const char *path, struct store_image *image, struct store_content *content,
                        const struct zone_snapshot *take, const atomic_bool *gives_up, struct error *error)
{
	struct disk_file *file = disk->side->create(disk, path, error);
	if (file == NULL) {
		zone_unref(take);
		return false;
	}
	struct saving *saving = memory_new(sizeof *saving);
	saving->sink.write = save_piece;
	saving->disk = disk;
	saving->file = file;
	saving->gives_up = gives_up;
	saving->error = error;
	write_all(saving, image, content, take);
	zone_unref(take);
	bool done = sync_all(saving);
	disk->side->close(file);
	free(saving);
	return done;
}

static char *path_with(const char *path, const char *ending)
{
	char *whole = memory_new(strlen(path) + strlen(ending) + 1);
	sprintf(whole, "%s%s", path, ending);
	return whole;
}

bool store_image_save(struct disk *disk, const char *path, struct store_image *image, struct store_content *content,
                      const struct zone_snapshot *take, const atomic_bool *gives_up, struct error *error)
{
	char *path_new = path_with(path, UNFINISHED);
	bool done = save_beside(disk, path_new, image, content, take, gives_up, error) &&
	            disk->side->rename(disk, path_new, path, error);
	if (!done) {
		disk->side->remove(disk, path_new);
	}
	free(path_new);
	return done && disk->side->sync_folder(disk, path, error);
}

/* ---- loading ---- */

static bool set_aside(struct disk *disk, const char *path, const char *why, struct error *error)
{
	struct error cause;
	char *aside = path_with(path, BROKEN);
	if (disk->side->rename(disk, path, aside, &cause)) {
		error_set(error, ERROR_INVALID, "%s: %s; it was set aside as %s", path, why, aside);
	} else {
		error_set(error, ERROR_INVALID, "%s: %s; it cannot be set aside: %s", path, why, cause.text);
	}
	free(aside);
	return false;
}

static bool is_whole(const struct store_image *image, const uint8_t *octets, size_t len)
{
	struct store_digest digest;
	uint8_t found[STORE_DIGEST_SIZE];
	store_digest_init(&digest);
	store_digest_add(&digest, octets, len);
	store_digest_end(&digest, found);
	return len == image->octets_len && memcmp(found, image->digest, sizeof found) == 0;
}

/* What is wrong with a head that is not valid for this zone. */
static const char *why_not(const uint8_t *bytes, size_t len, char *out, size_t size)
{
	uint32_t version =
	        len < STORE_IMAGE_HEAD_SIZE || !is_head(bytes) ? FORMAT_VERSION : load_u32(bytes + sizeof magic);
	if (version == FORMAT_VERSION) {
		return "has no valid head for this zone";
	}
	snprintf(out, size, "is of format %u, and this version of Tandem reads format %u", version, FORMAT_VERSION);
	return out;
}

/* NULL: it was set aside. */
static const struct zone_snapshot *snapshot_of(struct disk *disk, const char *path, const uint8_t *apex,
                                               struct store_image *image, uint8_t *take, size_t len,
                                               struct error *error)
{
	const size_t head = STORE_IMAGE_HEAD_SIZE;
	struct error why;
	if (len < head || !store_image_head_read(take, image) || !dns_name_equal(image->apex.wire, apex)) {
		char text[100];
		set_aside(disk, path, why_not(take, len, text, sizeof text), error);
		free(take);
		return NULL;
	}
	if (!is_whole(image, take + head, len - head)) {
		free(take);
		set_aside(disk, path, "its content does not have the digest that its head gives", error);
		return NULL;
	}
	const struct zone_snapshot *snapshot = zone_thaw(take, head, len - head, apex, image->class, &why);
	if (snapshot == NULL) {
		set_aside(disk, path, why.text, error);
	}
	return snapshot;
}

const struct zone_snapshot *store_image_load(struct disk *disk, const char *path, const uint8_t *apex,
                                             struct store_image *image, struct error *error)
{
	uint8_t *bytes = NULL;
	size_t len;
	if (!disk->side->read(disk, path, &bytes, &len, error)) {
		return NULL;
	}
	return snapshot_of(disk, path, apex, image, bytes, len, error);
}

/* ---- what there is ---- */

/* NAME.ID.new: the server was killed while it wrote it. */
static bool is_unfinished(const char *name)
{
	char stem[NAME_MAX + 1];
	size_t ending = sizeof UNFINISHED - 1;
	size_t len = strlen(name);
	if (len < ending || len > NAME_MAX || strcmp(name + len - ending, UNFINISHED) != 0) {
		return false;
	}
	memcpy(stem, name, len - ending);
	stem[len - ending] = '\0';
	return id_of(stem) != 0;
}

static bool is_of_zone(const char *name, const char *zone)
{
	char stem[NAME_MAX + 1];
	size_t len = strlen(zone) + ID_LEN;
	if (strlen(name) < len || len > NAME_MAX || strncmp(name, zone, strlen(zone)) != 0) {
		return false;
	}
	memcpy(stem, name, len);
	stem[len] = '\0';
	return id_of(stem) != 0 &&
	       (name[len] == '\0' || strcmp(name + len, UNFINISHED) == 0 || strcmp(name + len, BROKEN) == 0);
}

struct zone_files {
	struct disk_visitor visitor; /* first */
	struct disk *disk;
	const char *folder;
	char zone[STORE_NAME_MAX];
	bool removes;
	size_t count;
};

static void visit_file(struct disk_visitor *self, const char *name)
{
	struct zone_files *files = (struct zone_files *)self;
	if (!is_of_zone(name, files->zone)) {
		return;
	}
	files->count++;
	if (files->removes) {
		char *path = store_path_in(files->folder, name);
		files->disk->side->remove(files->disk, path);
		free(path);
	}
}

size_t store_images_of(struct disk *disk, const char *folder, const uint8_t *apex, bool removes)
{
	struct zone_files files = {.visitor.visit = visit_file, .disk = disk, .folder = folder, .removes = removes};
	store_image_name(apex, files.zone);
	disk->side->list(disk, folder, &files.visitor);
	return files.count;
}

struct image_lister {
	struct disk_visitor visitor; /* first */
	struct disk *disk;
	const char *folder;
	void (*each)(void *context, const struct store_image_file *file);
	void *context;
};

static void visit_image(struct image_lister *lister, const char *path, uint64_t id)
{
	uint8_t head[STORE_IMAGE_HEAD_SIZE];
	struct store_image image;
	int64_t written_at_s = 0;
	struct store_image_file file = {.path = path, .id = id};
	if (lister->disk->side->look(lister->disk, path, head, sizeof head, &written_at_s) &&
	    store_image_head_read(head, &image)) {
		file.image = &image;
		file.written_at_s = written_at_s;
	}
	lister->each(lister->context, &file);
}

static void visit_name(struct disk_visitor *self, const char *name)
{
	struct image_lister *lister = (struct image_lister *)self;
	uint64_t id = id_of(name);
	char *path = memory_new(strlen(lister->folder) + strlen(name) + 2);
	sprintf(path, "%s/%s", lister->folder, name);
	if (id != 0) {
		visit_image(lister, path, id);
	} else if (is_unfinished(name)) {
		lister->disk->side->remove(lister->disk, path);
	}
	free(path);
}

void store_images_each(struct disk *disk, const char *folder,
                       void (*each)(void *context, const struct store_image_file *file), void *context)
{
	struct image_lister lister = {
	        .visitor.visit = visit_name, .disk = disk, .folder = folder, .each = each, .context = context};
	disk->side->list(disk, folder, &lister.visitor);
}
