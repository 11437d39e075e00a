/* SPDX-License-Identifier: MIT */
#include "conf_help.h"

#include <stdlib.h>

#include "base/file.h"
#include "conf/rows_internal.h"

static const struct rows *const all_rows[] = {&server_rows, &key_rows,         &peer_rows, &group_rows,
                                              &zone_rows,   &zone_option_rows, &rule_rows};

TEST(every_row_has_help_that_is_a_sentence)
{
	for (size_t i = 0; i < ARRAY_LENGTH(all_rows); i++) {
		for (size_t j = 0; j < all_rows[i]->count; j++) {
			const struct row *row = &all_rows[i]->rows[j];
			assert_non_null(row->help);
			assert_int_equal(row->help[strlen(row->help) - 1], '.');
			assert_true(row->see_max == NULL || row_find(all_rows[i], row->see_max) != NULL);
		}
	}
}

TEST(manual_names_every_option)
{
	struct text manual;
	text_init(&manual, 1 << 20);
	conf_write_markdown(&manual);
	for (size_t i = 0; i < ARRAY_LENGTH(all_rows); i++) {
		for (size_t j = 0; j < all_rows[i]->count; j++) {
			char item[100];
			snprintf(item, sizeof item, "- **`%s`**", all_rows[i]->rows[j].name);
			assert_non_null(strstr(text_string(&manual), item));
		}
	}
	text_deinit(&manual);
}

TEST(configuration_page_is_what_the_rows_say)
{
	struct text manual;
	struct error error;
	uint8_t *page;
	size_t len;
	text_init(&manual, 1 << 20);
	conf_write_markdown(&manual);
	assert_true(file_read(PAGE_PATH, 1 << 20, &page, &len, &error));
	/* When this fails: build/tandem man configuration.md >doc/configuration.md */
	assert_string_equal((const char *)page, text_string(&manual));
	free(page);
	text_deinit(&manual);
}

TEST(example_in_the_manual_is_right)
{
	struct text manual;
	text_init(&manual, 1 << 20);
	conf_write_markdown(&manual);
	char *example = strstr(manual.chars, "```yaml\n") + strlen("```yaml\n");
	*strstr(example, "```") = '\0';
	struct conf *conf = conf_of(example);
	assert_int_equal(conf->zone_count, 2);
	conf_unref(conf);
	text_deinit(&manual);
}
