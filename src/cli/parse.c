/* SPDX-License-Identifier: MIT */
/* The option parser. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/suggest.h"
#include "cli/cli_internal.h"

static void PRINTF_LIKE(2, 0)
        say(const struct cli_command *command, const char *format, va_list arguments, const char *end)
{
	struct text line;
	text_init(&line, CLI_TEXT_MAX);
	text_add_string(&line, "tandem ");
	cli_write_command_name(command, &line);
	text_add_string(&line, ": ");
	text_format_list(&line, format, arguments);
	text_add_string(&line, end);
	fputs(text_string(&line), stderr);
	text_deinit(&line);
}

int cli_wrong_usage(const struct cli_command *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	bool is_question = format[0] != '\0' && format[strlen(format) - 1] == '?';
	say(command, format, arguments, is_question ? " See " : "; see ");
	va_end(arguments);
	fprintf(stderr, "tandem %s%s%s --help\n", command->name, command->word == NULL ? "" : " ",
	        command->word == NULL ? "" : command->word);
	return CLI_WRONG_USAGE;
}

int cli_not_done(const struct cli_command *command, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(command, format, arguments, "\n");
	va_end(arguments);
	return CLI_NOT_DONE;
}

static const struct cli_option *find_long(const struct cli_command *command, const char *name, size_t len)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const char *option_name = command->options[i].name;
		if (strlen(option_name) == len && memcmp(option_name, name, len) == 0) {
			return &command->options[i];
		}
	}
	return NULL;
}

static const struct cli_option *find_letter(const struct cli_command *command, char letter)
{
	for (size_t i = 0; i < command->option_count; i++) {
		if (command->options[i].letter == letter) {
			return &command->options[i];
		}
	}
	return NULL;
}

static int unknown_option(const struct cli_command *command, const char *word, size_t name_len)
{
	char *name = memory_copy_text(word);
	name[name_len] = '\0';
	struct suggestion suggestion = suggestion_for(name[0] == '-' && name[1] == '-' ? name + 2 : name);
	for (size_t i = 0; i < command->option_count; i++) {
		suggestion_try(&suggestion, command->options[i].name);
	}
	int status = suggestion.best == NULL
	                     ? cli_wrong_usage(command, "unknown option %s", name)
	                     : cli_wrong_usage(command, "unknown option %s, did you mean --%s?", name, suggestion.best);
	free(name);
	return status;
}

/* Where the parser stands. */
struct parsing {
	const struct cli_command *command;
	int argc;
	char **argv;
	int at;
	struct cli_line *line;
};

static void add_word(struct parsing *parsing, const struct cli_option *option, const char *value)
{
	parsing->line->words[parsing->line->count++] = (struct cli_word){.option = option, .value = value};
}

/* `attached` is what stood in the same word; NULL: nothing. */
static int take_option(struct parsing *parsing, const struct cli_option *option, const char *attached)
{
	const char *value = attached;
	if (option->value == NULL && attached != NULL) {
		return cli_wrong_usage(parsing->command, "--%s takes no value", option->name);
	}
	if (option->value != NULL && attached == NULL) {
		parsing->at++;
		if (parsing->at >= parsing->argc) {
			return cli_wrong_usage(parsing->command, "--%s needs a value: %s", option->name, option->value);
		}
		value = parsing->argv[parsing->at];
	}
	add_word(parsing, option, value);
	return CLI_DONE;
}

static int take_long(struct parsing *parsing, const char *word)
{
	const char *name = word + 2;
	size_t len = strcspn(name, "=");
	const struct cli_option *option = find_long(parsing->command, name, len);
	if (option == NULL) {
		return unknown_option(parsing->command, word, len + 2);
	}
	return take_option(parsing, option, name[len] == '=' ? name + len + 1 : NULL);
}

static int take_letter(struct parsing *parsing, const char *word)
{
	const struct cli_option *option = find_letter(parsing->command, word[1]);
	if (option == NULL) {
		return unknown_option(parsing->command, word, strlen(word));
	}
	return take_option(parsing, option, word[2] == '\0' ? NULL : word + 2);
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			return true;
		}
	}
	return false;
}

static int parse_words(struct parsing *parsing, size_t operands_max)
{
	bool options_end = false;
	for (parsing->at = 1; parsing->at < parsing->argc; parsing->at++) {
		const char *word = parsing->argv[parsing->at];
		int status = CLI_DONE;
		if (!options_end && strcmp(word, "--") == 0) {
			options_end = true;
		} else if (!options_end && strncmp(word, "--", 2) == 0) {
			status = take_long(parsing, word);
		} else if (!options_end && word[0] == '-' && word[1] != '\0') {
			status = take_letter(parsing, word);
		} else if (cli_operand_count(parsing->line) == operands_max) {
			status = cli_wrong_usage(parsing->command, "'%s' is one word too many", word);
		} else {
			add_word(parsing, NULL, word);
		}
		if (status != CLI_DONE) {
			return status;
		}
	}
	return CLI_DONE;
}

bool cli_parse(const struct cli_command *command, int argc, char **argv, size_t operands_max, struct cli_line *line,
               int *exit_status)
{
	*line = (struct cli_line){0};
	*exit_status = CLI_DONE;
	if (asks_for_help(argc, argv)) {
		struct text help;
		text_init(&help, CLI_TEXT_MAX);
		cli_write_command_help(command, &help);
		fputs(text_string(&help), stdout);
		text_deinit(&help);
		return false;
	}
	line->words = memory_new_array((size_t)argc + 1, sizeof *line->words);
	struct parsing parsing = {.command = command, .argc = argc, .argv = argv, .line = line};
	*exit_status = parse_words(&parsing, operands_max);
	if (*exit_status != CLI_DONE) {
		cli_line_deinit(line);
		return false;
	}
	return true;
}

void cli_line_deinit(struct cli_line *line)
{
	free(line->words);
	*line = (struct cli_line){0};
}

static const struct cli_word *find_last(const struct cli_line *line, const char *option_name)
{
	for (size_t i = line->count; i > 0; i--) {
		const struct cli_word *word = &line->words[i - 1];
		if (word->option != NULL && strcmp(word->option->name, option_name) == 0) {
			return word;
		}
	}
	return NULL;
}

const char *cli_value(const struct cli_line *line, const char *option_name)
{
	const struct cli_word *word = find_last(line, option_name);
	return word == NULL ? NULL : word->value;
}

bool cli_has(const struct cli_line *line, const char *option_name)
{
	return find_last(line, option_name) != NULL;
}

const char *cli_operand(const struct cli_line *line, size_t index)
{
	for (size_t i = 0; i < line->count; i++) {
		if (line->words[i].option == NULL && index-- == 0) {
			return line->words[i].value;
		}
	}
	return NULL;
}

size_t cli_operand_count(const struct cli_line *line)
{
	size_t count = 0;
	for (size_t i = 0; i < line->count; i++) {
		count += line->words[i].option == NULL;
	}
	return count;
}
