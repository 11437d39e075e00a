/* SPDX-License-Identifier: MIT */
/* An LMDB file, damaged: each four octets of the input are a place in a sound file and what stands there instead. Either it is
 * refused, or LMDB can read it and write to it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/file.h"
#include "store/kv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEYS 300

static char folder[64];
static char path[sizeof folder + 10];
static char path_running[sizeof path + 10];
static uint8_t *sound;
static size_t sound_len;

static void remove_folder(void)
{
	unlink(path);
	unlink(path_running);
	rmdir(folder);
	free(sound);
}

static struct kv_bytes key_of(char out[20], unsigned number)
{
	int len = snprintf(out, 20, "key%05u", number * 7 % KEYS);
	return (struct kv_bytes){(const uint8_t *)out, (size_t)len};
}

/* Gives whether all went well; what is too large for a page is there, too. */
static bool put_some(struct kv *kv, unsigned from, unsigned to)
{
	static const uint8_t octets[9000];
	struct error error;
	char key[20];
	bool done = kv->side->begin(kv, &error);
	for (unsigned i = from; done && i < to; i++) {
		struct kv_bytes value = {octets, i % 20 == 0 ? sizeof octets : i % 90};
		done = i % 5 == 3 ? kv->side->remove(kv, key_of(key, i / 2), &error)
		                  : kv->side->put(kv, key_of(key, i), value, &error);
		if (!done) {
			kv->side->abort(kv);
		}
	}
	return done && kv->side->commit(kv, &error);
}

/* Several transactions, so that there are free pages and keys in several pages. */
static void make_sound_file(void)
{
	struct error error;
	struct kv *kv = kv_lmdb_open(path, false, &error);
	ensure(kv != NULL);
	for (unsigned i = 0; i < KEYS; i += KEYS / 6) {
		ensure(put_some(kv, i, i + KEYS / 6));
	}
	kv->side->close(kv);
	ensure(file_read(path, (size_t)1 << 24, &sound, &sound_len, &error));
	while (sound_len > 4096 && sound[sound_len - 1] == 0) {
		sound_len--; /* kept in reserve */
	}
}

static void make_folder(void)
{
	/* Where a sync costs nothing, if there is such a place. */
	strcpy(folder, "/dev/shm/tandem-fuzz-XXXXXX");
	if (mkdtemp(folder) == NULL) {
		strcpy(folder, "/tmp/tandem-fuzz-XXXXXX");
		ensure(mkdtemp(folder) != NULL);
	}
	snprintf(path, sizeof path, "%s/store.mdb", folder);
	snprintf(path_running, sizeof path_running, "%s-running", path);
	atexit(remove_folder);
	make_sound_file();
}

static void write_damaged(const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ensure(fd >= 0 && write(fd, sound, sound_len) == (ssize_t)sound_len);
	for (size_t i = 0; i + 4 <= size; i += 4) {
		size_t at = ((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % sound_len;
		ensure(pwrite(fd, data + i + 3, 1, (off_t)at) == 1);
	}
	close(fd);
}

static bool read_octets(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	static volatile uint8_t sum;
	(void)self;
	(void)key;
	for (size_t i = 0; i < value.len; i++) {
		sum = (uint8_t)(sum + value.at[i]);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = {.text = ""};
	struct kv_visitor visitor = {.visit = read_octets};
	if (folder[0] == '\0') {
		make_folder();
	}
	write_damaged(data, size);
	struct kv *kv = kv_lmdb_open(path, false, &error);
	if (kv == NULL) {
		ensure(error.text[0] != '\0');
		return 0;
	}
	ensure(kv->side->walk(kv, (struct kv_bytes){NULL, 0}, &visitor, &error));
	ensure(put_some(kv, 0, 60));
	ensure(put_some(kv, 60, 90));
	kv->side->close(kv);
	kv = kv_lmdb_open(path, false, &error);
	ensure(kv != NULL);
	kv->side->close(kv);
	return 0;
}
