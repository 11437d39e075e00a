/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/kv.h"

static char path[300];

static const char *path_of(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	return path;
}

static struct kv *open_kv(const char *name)
{
	struct error error;
	struct kv *kv = kv_lmdb_open(path_of(name), false, &error);
	if (kv == NULL) {
		fail_msg("%s", error.text);
	}
	return kv;
}

static struct kv_bytes bytes(const char *text)
{
	return (struct kv_bytes){(const uint8_t *)text, strlen(text)};
}

/* What was visited, as text. */
struct seen {
	struct kv_visitor visitor; /* first */
	char text[1000];
};

static bool see(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct seen *seen = (struct seen *)self;
	size_t used = strlen(seen->text);
	snprintf(seen->text + used, sizeof seen->text - used, "%.*s=%.*s ", (int)key.len, (const char *)key.at,
	         (int)value.len, (const char *)value.at);
	return true;
}

static void assert_walk(struct kv *kv, const char *prefix, const char *expected)
{
	struct error error;
	struct seen seen = {.visitor.visit = see};
	assert_true(kv->side->walk(kv, bytes(prefix), &seen.visitor, &error));
	assert_string_equal(seen.text, expected);
}

static void put(struct kv *kv, const char *key, const char *value)
{
	struct error error;
	assert_true(kv->side->begin(kv, &error));
	assert_true(kv->side->put(kv, bytes(key), bytes(value), &error));
	assert_true(kv->side->commit(kv, &error));
}

TEST(what_is_committed_survives_and_what_is_aborted_does_not)
{
	struct error error;
	struct kv *kv = open_kv("survives");
	put(kv, "ab", "1");
	put(kv, "b", "2");
	put(kv, "aa", "3");
	assert_true(kv->side->begin(kv, &error));
	assert_true(kv->side->put(kv, bytes("ac"), bytes("4"), &error));
	assert_true(kv->side->remove(kv, bytes("ab"), &error));
	assert_true(kv->side->remove(kv, bytes("never"), &error));
	struct seen seen = {.visitor.visit = see};
	assert_true(kv->side->look(kv, bytes("ac"), &seen.visitor, &error));
	assert_true(kv->side->look(kv, bytes("ab"), &seen.visitor, &error));
	assert_string_equal(seen.text, "ac=4 ");
	assert_walk(kv, "", "aa=3 ab=1 b=2 "); /* others see nothing of it */
	kv->side->abort(kv);
	kv->side->close(kv);
	kv = open_kv("survives");
	assert_walk(kv, "a", "aa=3 ab=1 ");
	assert_walk(kv, "", "aa=3 ab=1 b=2 ");
	assert_walk(kv, "c", "");
	kv->side->close(kv);
}

static void fill(struct kv *kv)
{
	struct error error;
	assert_true(kv->side->begin(kv, &error));
	for (int i = 0; i < 2000; i++) {
		char key[20];
		snprintf(key, sizeof key, "key%05d", i);
		assert_true(kv->side->put(kv, bytes(key), bytes("some value of some length"), &error));
	}
	assert_true(kv->side->commit(kv, &error));
}

/* As one who was killed leaves it. */
static void mark_running(void)
{
	char running[310];
	snprintf(running, sizeof running, "%s-running", path);
	int fd = open(running, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

TEST(end_that_was_no_close_is_known_once)
{
	struct kv *kv = open_kv("killed");
	assert_false(kv->was_killed);
	put(kv, "a", "1");
	kv->side->close(kv);
	mark_running();
	kv = open_kv("killed");
	assert_true(kv->was_killed);
	assert_walk(kv, "", "a=1 ");
	kv->side->close(kv);
	kv = open_kv("killed");
	assert_false(kv->was_killed);
	kv->side->close(kv);
}

/* Killed between making the file and the first write to it. */
TEST(empty_file_is_begun_and_not_broken)
{
	int fd = open(path_of("empty"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	mark_running();
	struct kv *kv = open_kv("empty");
	put(kv, "a", "1");
	assert_walk(kv, "", "a=1 ");
	kv->side->close(kv);
}

TEST(file_that_lost_its_end_is_broken)
{
	struct error error;
	struct kv *kv = open_kv("cut");
	fill(kv);
	kv->side->close(kv);
	assert_int_equal(truncate(path, 4096 * 20), 0);
	assert_null(kv_lmdb_open(path, false, &error));
	assert_int_equal(error.code, ERROR_INVALID);
	assert_non_null(strstr(error.text, "is shorter than it says itself"));
}

/* Cut anywhere, it is broken or whole; and pages at its end that are free are nobody's loss. */
TEST(file_without_pages_at_its_end_that_are_free_is_whole)
{
	struct error error;
	struct kv *kv = open_kv("free-end");
	put(kv, "kept", "1");
	fill(kv);
	assert_true(kv->side->begin(kv, &error));
	for (int i = 0; i < 2000; i++) {
		char key[20];
		snprintf(key, sizeof key, "key%05d", i);
		assert_true(kv->side->remove(kv, bytes(key), &error));
	}
	assert_true(kv->side->commit(kv, &error));
	for (int i = 0; i < 3; i++) {
		put(kv, "kept", "1");
	}
	kv->side->close(kv);
	unsigned whole = 0;
	for (off_t pages = 60; pages > 2; pages--) {
		assert_int_equal(truncate(path, pages * 4096), 0);
		kv = kv_lmdb_open(path, false, &error);
		if (kv == NULL) {
			assert_int_equal(error.code, ERROR_INVALID);
		} else {
			assert_walk(kv, "", "kept=1 ");
			kv->side->close(kv);
			whole += pages < 30;
		}
	}
	assert_true(whole > 0);
}

TEST(file_of_something_else_is_broken)
{
	struct error error;
	int fd = open(path_of("other"), O_WRONLY | O_CREAT, 0600);
	for (int i = 0; i < 4096; i++) {
		assert_int_equal(write(fd, "nonsense", 8), 8);
	}
	close(fd);
	assert_null(kv_lmdb_open(path, false, &error));
	assert_int_equal(error.code, ERROR_INVALID);
}

/* After an end that was none of ours, a page of nonsense is met by a child that looks through all of it. */
TEST(file_that_is_nonsense_inside_is_found_after_a_crash)
{
	struct error error;
	struct kv *kv = open_kv("inside");
	fill(kv);
	kv->side->close(kv);
	int fd = open(path, O_WRONLY);
	uint8_t page[4096];
	memset(page, 0xa5, sizeof page);
	for (off_t number = 2; number < 40; number++) {
		assert_int_equal(pwrite(fd, page, sizeof page, number * 4096), sizeof page);
	}
	close(fd);
	mark_running();
	assert_null(kv_lmdb_open(path, false, &error));
	assert_int_equal(error.code, ERROR_INVALID);
}

/* LMDB's list of free pages is read by whoever writes next. */
TEST(list_of_free_pages_that_is_nonsense_is_found_after_a_crash)
{
	struct error error;
	struct kv *kv = open_kv("free");
	fill(kv);
	for (int i = 0; i < 50; i++) {
		put(kv, "key00500", "another value");
	}
	kv->side->close(kv);
	uint8_t meta[2][4096];
	int fd = open(path, O_RDWR);
	assert_int_equal(pread(fd, meta, sizeof meta, 0), sizeof meta);
	for (int i = 0; i < 2; i++) {
		/* The root of tree 0 is the last word of its description, behind the page's head, 24 octets of the meta
		 * page's own, and 40 of the tree's. */
		uint64_t root;
		memcpy(&root, meta[i] + 16 + 24 + 40, sizeof root);
		uint8_t page[4096];
		memset(page, 0xa5, sizeof page);
		assert_in_range(root, 2, 1000);
		assert_int_equal(pwrite(fd, page, sizeof page, (off_t)(root * 4096)), sizeof page);
	}
	close(fd);
	mark_running();
	assert_null(kv_lmdb_open(path, false, &error));
	assert_int_equal(error.code, ERROR_INVALID);
}

TEST(file_that_the_system_does_not_let_one_read_is_not_called_broken)
{
	struct error error;
	assert_int_equal(mkdir(path_of("folder"), 0700), 0);
	mark_running();
	assert_null(kv_lmdb_open(path, false, &error));
	assert_int_equal(error.code, ERROR_IO);
	/* Whoever opens it next looks through it. */
	strcat(path, "-running");
	assert_int_equal(access(path, F_OK), 0);
}

/* Descriptors of this process that are open on the file, the newest last. */
static int newest_descriptor(void)
{
	int newest = -1;
	struct stat file;
	struct stat other;
	assert_int_equal(stat(path, &file), 0);
	for (int fd = 0; fd < 100; fd++) {
		if (fstat(fd, &other) == 0 && other.st_ino == file.st_ino && other.st_dev == file.st_dev) {
			newest = fd;
		}
	}
	return newest;
}

/* LMDB gives up when its meta page cannot be written: what is there is read on nevertheless. */
TEST(commit_whose_last_page_cannot_be_written_keeps_nobody_from_reading)
{
	struct error error;
	struct kv *kv = open_kv("panic");
	put(kv, "a", "1");
	int full = open("/dev/full", O_RDWR);
	int meta = newest_descriptor();
	assert_true(full >= 0 && meta >= 0);
	assert_int_equal(dup2(full, meta), meta);
	close(full);
	assert_true(kv->side->begin(kv, &error));
	assert_true(kv->side->put(kv, bytes("a"), bytes("2"), &error));
	assert_false(kv->side->commit(kv, &error));
	assert_int_equal(error.code, ERROR_IO);
	assert_walk(kv, "", "a=1 ");
	put(kv, "a", "3");
	assert_walk(kv, "", "a=3 ");
	kv->side->close(kv);
}

TEST(file_that_was_removed_while_it_is_open_takes_no_more)
{
	struct error error;
	struct kv *kv = open_kv("removed");
	put(kv, "a", "1");
	assert_int_equal(unlink(path), 0);
	assert_true(kv->side->begin(kv, &error));
	assert_true(kv->side->put(kv, bytes("b"), bytes("2"), &error));
	assert_false(kv->side->commit(kv, &error));
	assert_int_equal(error.code, ERROR_IO);
	assert_non_null(strstr(error.text, "was removed while it was in use"));
	kv->side->close(kv);
}

TEST(read_only_store_may_be_missing_and_takes_nothing)
{
	struct error error;
	struct kv *kv = kv_lmdb_open(path_of("missing"), true, &error);
	assert_non_null(kv);
	assert_walk(kv, "", "");
	assert_false(kv->side->begin(kv, &error));
	assert_int_equal(error.code, ERROR_IO);
	kv->side->close(kv);
	assert_int_not_equal(access(path, F_OK), 0);

	kv = open_kv("there");
	put(kv, "a", "1");
	kv->side->close(kv);
	kv = kv_lmdb_open(path, true, &error);
	assert_non_null(kv);
	assert_walk(kv, "", "a=1 ");
	kv->side->close(kv);
}

/* Readers on threads of their own beside a writer: whatever they see was committed whole. */
static struct kv *shared;
static _Atomic bool writer_ended;

struct twins {
	struct kv_visitor visitor; /* first */
	uint32_t first;
	unsigned count;
	bool differ;
};

static bool see_twin(struct kv_visitor *self, struct kv_bytes key, struct kv_bytes value)
{
	struct twins *twins = (struct twins *)self;
	(void)key;
	uint32_t number;
	memcpy(&number, value.at, sizeof number);
	twins->first = twins->count == 0 ? number : twins->first;
	twins->differ = twins->differ || number != twins->first;
	twins->count++;
	return true;
}

static void *read_on(void *context)
{
	unsigned *wrong = context;
	uint32_t last = 0;
	while (!atomic_load(&writer_ended)) {
		struct error error;
		struct twins twins = {.visitor.visit = see_twin};
		bool done = shared->side->walk(shared, bytes("twin"), &twins.visitor, &error);
		*wrong += !done || twins.differ || (twins.count != 0 && twins.count != 40) || twins.first < last;
		last = twins.first;
	}
	return NULL;
}

TEST(readers_see_whole_transactions_in_their_order_while_somebody_writes)
{
	enum { READERS = 3 };
	pthread_t threads[READERS];
	unsigned wrong[READERS] = {0};
	struct error error;
	shared = open_kv("beside");
	atomic_store(&writer_ended, false);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, read_on, &wrong[i]), 0);
	}
	for (uint32_t number = 1; number <= 300; number++) {
		assert_true(shared->side->begin(shared, &error));
		for (unsigned i = 0; i < 40; i++) {
			char key[20];
			snprintf(key, sizeof key, "twin%05u", i * 97);
			struct kv_bytes value = {(const uint8_t *)&number, sizeof number};
			assert_true(shared->side->put(shared, bytes(key), value, &error));
		}
		assert_true(shared->side->commit(shared, &error));
	}
	atomic_store(&writer_ended, true);
	for (size_t i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
	shared->side->close(shared);
}
