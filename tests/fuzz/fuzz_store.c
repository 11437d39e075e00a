/* SPDX-License-Identifier: MIT */
/* A stored zone file that was damaged. The first octet chooses: the rest is the whole file, or it is the records of a file
 * whose header speaks of them rightly, so that they are read past every checksum. Either it is refused and set aside, or
 * it is a version, which is saved and comes back the same. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "change/change.h"
#include "dns/dns.h"
#include "store/store_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the first octet says. */
enum { WHOLE_FILE = 1, WRONG_COUNT = 2, OTHER_CLASS = 4, PRIMARY = 8 };

static const uint8_t apex[] = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};

static char folder[64];
static char path[sizeof folder + sizeof "/zones/example.zone.broken"];

static const char *path_of(const char *name)
{
	snprintf(path, sizeof path, "%s%s", folder, name);
	return path;
}

static void remove_folder(void)
{
	static const char *const names[] = {"/zones/example.zone", "/zones/example.zone.broken", "/zones", "/lock", ""};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		remove(path_of(names[i]));
	}
}

static struct store *open_once(void)
{
	struct error error;
	/* Where a sync costs nothing, if there is such a place. */
	strcpy(folder, "/dev/shm/tandem-fuzz-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/tandem-fuzz-XXXXXX");
		ensure(mkdtemp(folder) != NULL);
	}
	atexit(remove_folder);
	struct store *store = store_open(folder, &error);
	ensure(store != NULL);
	return store;
}

static void write_at(int fd, off_t offset, const void *bytes, size_t len)
{
	ensure(pwrite(fd, bytes, len, offset) == (ssize_t)len);
}

static void write_records(int fd, uint8_t choice, const uint8_t *records, size_t len)
{
	uint8_t bytes[STORE_HEADER_SIZE];
	struct store_digest digest;
	struct store_header header = {
	        .state = {.role = (choice & PRIMARY) != 0 ? STORE_PRIMARY : STORE_SECONDARY,
	                  .has_version = true,
	                  .has_records = true,
	                  .records = len},
	        .class = (choice & OTHER_CLASS) != 0 ? DNS_CLASS_CH : DNS_CLASS_IN,
	        .sequence = 1,
	        .records_len = (choice & WRONG_COUNT) != 0 ? len + 1 : len,
	        .apex = dns_name_of(apex),
	};
	store_digest_init(&digest);
	store_digest_add(&digest, records, len);
	store_digest_end(&digest, header.records_digest);
	store_header_write(&header, bytes);
	write_at(fd, 0, bytes, sizeof bytes);
	ensure(ftruncate(fd, STORE_RECORDS_OFFSET) == 0);
	write_at(fd, STORE_RECORDS_OFFSET, records, len);
}

static void write_file(const uint8_t *data, size_t size)
{
	int fd = open(path_of("/zones/example.zone"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	ensure(fd >= 0);
	if ((data[0] & WHOLE_FILE) != 0) {
		write_at(fd, 0, data + 1, size - 1);
	} else {
		write_records(fd, data[0], data + 1, size - 1);
	}
	close(fd);
}

static void save_and_load(struct store *store, const struct zone_snapshot *version, const struct store_state *state)
{
	struct error error;
	struct store_state found;
	ensure(store_save(store, apex, version, state, &error));
	const struct zone_snapshot *back = store_load_version(store, apex, &found, &error);
	ensure(back != NULL && zone_class(back) == zone_class(version));
	ensure(found.refresh_at_s == state->refresh_at_s && found.role == state->role);
	struct change_counts counts = change_count(version, back);
	ensure(counts.added + counts.removed == 0);
	zone_unref(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	struct store_state state;
	struct error error = {.text = ""};
	if (store == NULL) {
		store = open_once();
	}
	if (size == 0) {
		return 0;
	}
	write_file(data, size);
	const struct zone_snapshot *version = store_load_version(store, apex, &state, &error);
	if (version != NULL) {
		save_and_load(store, version, &state);
		zone_unref(version);
	} else {
		ensure(error.text[0] != '\0');
		/* What was refused does not stand in the way of what comes next. */
		state = (struct store_state){.role = STORE_PRIMARY, .has_version = true, .serial_published = 7};
		ensure(store_save(store, apex, NULL, &state, &error));
		ensure(store_load_state(store, apex, &state, &error) && state.serial_published == 7);
	}
	return 0;
}
