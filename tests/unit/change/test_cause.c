/* SPDX-License-Identifier: MIT */
/* Codes, and the page that tells what they mean. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/text.h"
#include "change/cause.h"

TEST(every_code_has_its_name_its_sentence_and_its_advice)
{
	for (enum cause i = CAUSE_NONE; i < CAUSE_COUNT; i++) {
		const char *name = cause_name(i);
		assert_non_null(name);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
		assert_non_null(cause_sentence(i));
		assert_non_null(cause_advice(i));
		for (enum cause j = CAUSE_NONE; j < i; j++) {
			assert_string_not_equal(name, cause_name(j));
		}
	}
}

TEST(page_of_causes_is_what_the_table_says)
{
	struct error error;
	uint8_t *page;
	size_t len;
	struct text rows;
	text_init(&rows, 1 << 20);
	for (enum cause i = CAUSE_NONE + 1; i < CAUSE_COUNT; i++) {
		text_format(&rows, "| `%s` | %s | %s |\n", cause_name(i), cause_sentence(i), cause_advice(i));
	}
	assert_true(file_read(CAUSES_PATH, 1 << 20, &page, &len, &error));
	const char *table = strstr((const char *)page, "|---|---|---|\n");
	assert_non_null(table);
	/* When this fails: the rows of doc/causes.md are to say what src/change/cause.c says. */
	assert_string_equal(table + strlen("|---|---|---|\n"), text_string(&rows));
	free(page);
	text_deinit(&rows);
}

TEST(errors_of_offers_have_their_causes)
{
	assert_int_equal(cause_of_transfer_error(ERROR_IO), CAUSE_DISK_REFUSED);
	assert_int_equal(cause_of_transfer_error(ERROR_INVALID), CAUSE_CHECKS_REFUSED);
	assert_int_equal(cause_of_transfer_error(ERROR_NOT_FOUND), CAUSE_IXFR_BAD_CONTENT);
	assert_int_equal(cause_of_file_error(ERROR_NOT_FOUND), CAUSE_FILE_UNREADABLE);
	assert_int_equal(cause_of_file_error(ERROR_SYNTAX), CAUSE_FILE_BROKEN);
	assert_int_equal(cause_of_file_error(ERROR_STALE), CAUSE_SERIAL_NOT_RAISED);
	assert_int_equal(cause_of_file_error(ERROR_IO), CAUSE_DISK_REFUSED);
}
