/* SPDX-License-Identifier: MIT */
/* Which files, in which state, a version was read from, as octets: a start after the next looks whether they are still the
 * same. Numbers big-endian:
 *
 *   0 format (1) = 1  then each file: length of its path (2), path, device (8), inode (8), size (8),
 *   modified (8, and nanoseconds 4), changed (8, and nanoseconds 4) */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "source/source.h"

#define FORMAT     1
#define FIXED_SIZE (2 + 5 * 8 + 2 * 4)

static void write_time(struct writer *out, const struct timespec *time)
{
	write_u64(out, (uint64_t)time->tv_sec);
	write_u32(out, (uint32_t)time->tv_nsec);
}

static struct timespec read_time(struct reader *in)
{
	struct timespec time = {.tv_sec = (time_t)read_u64(in)};
	time.tv_nsec = (long)read_u32(in);
	return time;
}

static size_t octets_of(const struct zonefile_files *files)
{
	size_t len = 1;
	for (size_t i = 0; i < files->count; i++) {
		len += FIXED_SIZE + strlen(files->identities[i].path);
	}
	return len;
}

uint8_t *source_files_to_octets(const struct zonefile_files *files, size_t *len)
{
	*len = octets_of(files);
	uint8_t *octets = memory_new(*len);
	struct writer out = writer_of(octets, *len);
	write_u8(&out, FORMAT);
	for (size_t i = 0; i < files->count; i++) {
		const struct zonefile_identity *identity = &files->identities[i];
		size_t path_len = strlen(identity->path);
		write_u16(&out, (uint16_t)path_len);
		write_bytes(&out, identity->path, path_len);
		write_u64(&out, (uint64_t)identity->device);
		write_u64(&out, (uint64_t)identity->inode);
		write_u64(&out, (uint64_t)identity->size);
		write_time(&out, &identity->modified);
		write_time(&out, &identity->changed);
	}
	ensure(!out.failed); /* the system refuses paths of more than 4096 octets */
	return octets;
}

static void read_identity(struct reader *in, struct zonefile_files *files)
{
	struct zonefile_identity identity = {0};
	uint16_t path_len = read_u16(in);
	const uint8_t *path = read_bytes(in, path_len);
	identity.device = (dev_t)read_u64(in);
	identity.inode = (ino_t)read_u64(in);
	identity.size = (off_t)read_u64(in);
	identity.modified = read_time(in);
	identity.changed = read_time(in);
	if (in->failed) {
		return;
	}
	identity.path = memory_new((size_t)path_len + 1);
	memcpy(identity.path, path, path_len);
	identity.path[path_len] = '\0';
	files->identities = memory_resize(files->identities, files->count + 1, sizeof *files->identities);
	files->identities[files->count++] = identity;
}

bool source_files_from_octets(const uint8_t *octets, size_t len, struct zonefile_files *files)
{
	struct reader in = reader_of(octets, len);
	bool is_known = read_u8(&in) == FORMAT;
	while (is_known && !in.failed && reader_left(&in) > 0) {
		read_identity(&in, files);
	}
	if (is_known && !in.failed && files->count > 0) {
		return true;
	}
	zonefile_files_deinit(files);
	return false;
}
