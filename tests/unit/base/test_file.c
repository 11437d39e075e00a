/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const char *path_of(const char *name)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	return path;
}

TEST(replaced_file_reads_back)
{
	struct error error;
	uint8_t *bytes;
	size_t len;
	assert_true(file_replace(path_of("a"), "old", 3, &error));
	assert_true(file_replace(path_of("a"), "newer", 5, &error));
	assert_true(file_read(path_of("a"), 5, &bytes, &len, &error));
	assert_int_equal(len, 5);
	assert_string_equal((char *)bytes, "newer");
	free(bytes);
}

TEST(abandoned_replacement_leaves_the_old_file)
{
	struct error error;
	struct file_replacement replacement;
	uint8_t *bytes;
	size_t len;
	assert_true(file_replace(path_of("b"), "old", 3, &error));
	assert_true(file_replacement_begin(&replacement, path_of("b"), &error));
	file_replacement_write(&replacement, "half", 4);
	file_replacement_abandon(&replacement);
	assert_true(file_read(path_of("b"), 100, &bytes, &len, &error));
	assert_string_equal((char *)bytes, "old");
	free(bytes);
	assert_int_not_equal(access(path_of("b.new"), F_OK), 0);
}

TEST(large_content_in_pieces_is_whole)
{
	struct error error;
	struct file_replacement replacement;
	uint8_t *bytes;
	size_t len;
	static uint8_t piece[100001];
	memset(piece, 'x', sizeof piece);
	assert_true(file_replacement_begin(&replacement, path_of("c"), &error));
	for (int i = 0; i < 10; i++) {
		file_replacement_write(&replacement, piece, sizeof piece);
	}
	assert_true(file_replacement_commit(&replacement, &error));
	assert_true(file_read(path_of("c"), 2000000, &bytes, &len, &error));
	assert_int_equal(len, 1000010);
	free(bytes);
}

TEST(reading_tells_what_is_wrong)
{
	struct error error;
	uint8_t *bytes;
	size_t len;
	assert_false(file_read(path_of("missing"), 10, &bytes, &len, &error));
	assert_int_equal(error.code, ERROR_NOT_FOUND);
	assert_false(file_read(unit_folder(), 10, &bytes, &len, &error));
	assert_int_equal(error.code, ERROR_IO);
	assert_true(file_replace(path_of("d"), "12345", 5, &error));
	assert_false(file_read(path_of("d"), 4, &bytes, &len, &error));
	assert_int_equal(error.code, ERROR_LIMIT);
}

TEST(secret_that_others_may_see_is_not_read)
{
	struct error error;
	uint8_t *bytes;
	size_t len;
	assert_true(file_replace(path_of("secret"), "hush", 4, &error));
	assert_int_equal(chmod(path_of("secret"), 0644), 0);
	assert_false(file_read_secret(path_of("secret"), 10, &bytes, &len, &error));
	assert_int_equal(error.code, ERROR_DENIED);
	assert_int_equal(chmod(path_of("secret"), 0640), 0);
	assert_true(file_read_secret(path_of("secret"), 10, &bytes, &len, &error));
	assert_string_equal((char *)bytes, "hush");
	free(bytes);
}

TEST(full_disk_is_told_and_nothing_is_left_behind)
{
	struct error error;
	/* /dev/full refuses every write with ENOSPC; the replacement is pointed at it by a link. */
	char path_new[256];
	snprintf(path_new, sizeof path_new, "%s/e.new", unit_folder());
	assert_int_equal(symlink("/dev/full", path_new), 0);
	assert_false(file_replace(path_of("e"), "x", 1, &error));
	assert_non_null(strstr(error.text, "No space left on device"));
	assert_int_not_equal(access(path_of("e"), F_OK), 0);
	assert_int_not_equal(access(path_of("e.new"), F_OK), 0);
}
