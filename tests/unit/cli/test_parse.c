/* SPDX-License-Identifier: MIT */
#include "cli_help.h"

#include "base/ensure.h"
#include "cli/cli_internal.h"

static const struct cli_option options[] = {
        {"config", 'c', "FILE", "a file"},
        {"wait", 0, NULL, "waits"},
        {"zone", 0, "NAME", "a zone"},
};

static int run_nothing(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return CLI_DONE;
}

static const struct cli_command command = {.name = "test",
                                           .word = "this",
                                           .arguments = "[WORD]...",
                                           .summary = "A test",
                                           .options = options,
                                           .option_count = ARRAY_LENGTH(options),
                                           .examples = "tandem test this\n",
                                           .run = run_nothing};

/* The words as the parser took them: "config=x wait operand ...", or the exit status. */
static const char *parsed(const char *words)
{
	static char result[500];
	char *line_text = strdup(words);
	char name[] = "this";
	char *argv[20] = {name};
	int argc = 1, status;
	struct cli_line line;
	for (char *word = strtok(line_text, " "); word != NULL; word = strtok(NULL, " ")) {
		argv[argc++] = word;
	}
	result[0] = '\0';
	if (!cli_parse(&command, argc, argv, 2, &line, &status)) {
		snprintf(result, sizeof result, "exit %d", status);
	}
	for (size_t i = 0; i < line.count; i++) {
		const struct cli_word *word = &line.words[i];
		size_t len = strlen(result);
		snprintf(result + len, sizeof result - len, "%s%s%s%s", i == 0 ? "" : " ",
		         word->option == NULL ? "" : word->option->name,
		         word->option != NULL && word->value != NULL ? "=" : "",
		         word->value == NULL ? "" : word->value);
	}
	cli_line_deinit(&line);
	free(line_text);
	return result;
}

TEST(options_are_read_in_all_their_forms)
{
	assert_string_equal(parsed(""), "");
	assert_string_equal(parsed("-c a --config b --config=c -cd"), "config=a config=b config=c config=d");
	assert_string_equal(parsed("x --wait y"), "x wait y");
	assert_string_equal(parsed("--zone=a=b"), "zone=a=b");
	assert_string_equal(parsed("-- --wait -"), "--wait -");
	assert_string_equal(parsed("--zone --wait"), "zone=--wait");
}

TEST(wrong_usage_is_exit_2)
{
	assert_string_equal(parsed("--nothing"), "exit 2");
	assert_string_equal(parsed("-x"), "exit 2");
	assert_string_equal(parsed("--config"), "exit 2");
	assert_string_equal(parsed("--wait=1"), "exit 2");
	assert_string_equal(parsed("one two three"), "exit 2");
}

TEST(last_value_counts_and_operands_keep_their_order)
{
	struct cli_line line;
	int status;
	char words[5][10] = {"this", "a", "--zone=x", "--zone=y", "b"};
	char *argv[5] = {words[0], words[1], words[2], words[3], words[4]};
	assert_true(cli_parse(&command, 5, argv, 2, &line, &status));
	assert_string_equal(cli_value(&line, "zone"), "y");
	assert_null(cli_value(&line, "config"));
	assert_false(cli_has(&line, "wait"));
	assert_int_equal(cli_operand_count(&line), 2);
	assert_string_equal(cli_operand(&line, 0), "a");
	assert_string_equal(cli_operand(&line, 1), "b");
	assert_null(cli_operand(&line, 2));
	cli_line_deinit(&line);
}

TEST(durations_have_at_most_two_units)
{
	char text[CLI_DURATION_MAX];
	assert_string_equal(cli_duration(0, text), "0ms");
	assert_string_equal(cli_duration(999, text), "999ms");
	assert_string_equal(cli_duration(1999, text), "1s");
	assert_string_equal(cli_duration(150000, text), "2m30s");
	assert_string_equal(cli_duration(3600000, text), "1h");
	assert_string_equal(cli_duration(3605000, text), "1h");
	assert_string_equal(cli_duration(86400000ull * 9, text), "1w2d");
	assert_true(strlen(cli_duration(UINT64_MAX, text)) < CLI_DURATION_MAX);
}

TEST(sizes_of_small_and_large_zones_are_readable)
{
	char text[CLI_SIZE_MAX];
	assert_string_equal(cli_size(0, text), "0 octets");
	assert_string_equal(cli_size(1023, text), "1023 octets");
	assert_string_equal(cli_size(1024, text), "1.0 KiB");
	assert_string_equal(cli_size(10240 - 1, text), "9.9 KiB");
	assert_string_equal(cli_size(700 * 1024, text), "700 KiB");
	assert_string_equal(cli_size(1024 * 1024 * 5 / 2, text), "2.5 MiB");
	assert_string_equal(cli_size(3ull << 40, text), "3.0 TiB");
	assert_true(strlen(cli_size(UINT64_MAX, text)) < CLI_SIZE_MAX);
}
