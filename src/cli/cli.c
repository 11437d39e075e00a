/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "cli/cli_internal.h"
#include "conf/conf.h"

/* In the order of --help and of the manual page. */
const struct cli_command *const cli_commands[] = {
        &cli_command_serve,       &cli_command_query,  &cli_command_check_config, &cli_command_check_zone,
        &cli_command_check_store, &cli_command_status, &cli_command_zone,         &cli_command_key_new,
        &cli_command_reload,      &cli_command_backup, &cli_command_stop,
};
const size_t cli_command_count = ARRAY_LENGTH(cli_commands);

static int show(void (*write)(struct text *out))
{
	struct text text;
	text_init(&text, CLI_TEXT_MAX);
	write(&text);
	fputs(text_string(&text), stdout);
	text_deinit(&text);
	return CLI_DONE;
}

static void write_configuration_manual(struct text *out)
{
	conf_write_manual(TANDEM_VERSION, out);
}

/* For the build: the manual pages and the page about the configuration. */
static int show_manual(const char *page)
{
	if (page == NULL || strcmp(page, "tandem.1") == 0) {
		return show(cli_write_manual);
	}
	if (strcmp(page, "tandem.yaml.5") == 0) {
		return show(write_configuration_manual);
	}
	if (strcmp(page, "configuration.md") == 0) {
		return show(conf_write_markdown);
	}
	fprintf(stderr, "tandem man: no page '%s'; there are tandem.1, tandem.yaml.5 and configuration.md\n", page);
	return CLI_WRONG_USAGE;
}

/* `words` is how many words of the command line its name is. */
static const struct cli_command *find_command(int argc, char **argv, int *words)
{
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *command = cli_commands[i];
		bool second = command->word == NULL || (argc > 2 && strcmp(argv[2], command->word) == 0);
		if (strcmp(argv[1], command->name) == 0 && second) {
			*words = command->word == NULL ? 1 : 2;
			return command;
		}
	}
	return NULL;
}

/* A command of two words whose second is missing or unknown: shows what there is. True: it was one. */
static bool explain_second_word(int argc, char **argv, int *status)
{
	bool any = false;
	bool help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
	FILE *out = help ? stdout : stderr;
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct cli_command *command = cli_commands[i];
		if (strcmp(command->name, argv[1]) == 0 && command->word != NULL) {
			fprintf(out, "%s tandem %s %s %s\n", any ? "      " : "usage:", command->name, command->word,
			        command->arguments);
			any = true;
		}
	}
	*status = help ? CLI_DONE : CLI_WRONG_USAGE;
	return any;
}

static int unknown_command(const char *name)
{
	struct suggestion suggestion = suggestion_for(name);
	for (size_t i = 0; i < cli_command_count; i++) {
		suggestion_try(&suggestion, cli_commands[i]->name);
	}
	if (suggestion.best != NULL) {
		fprintf(stderr, "tandem: unknown command '%s', did you mean '%s'? See tandem --help\n", name,
		        suggestion.best);
	} else {
		fprintf(stderr, "tandem: unknown command '%s'; see tandem --help\n", name);
	}
	return CLI_WRONG_USAGE;
}

/* "tandem help zone" is "tandem zone --help". */
static int show_help(int argc, char **argv)
{
	int words;
	if (argc < 3) {
		return show(cli_write_help);
	}
	const struct cli_command *command = find_command(argc - 1, argv + 1, &words);
	int status;
	if (command == NULL) {
		return explain_second_word(argc - 1, argv + 1, &status) ? CLI_DONE : unknown_command(argv[2]);
	}
	char help[] = "--help";
	char *arguments[] = {argv[1 + words], help, NULL};
	return command->run(2, arguments);
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		struct text help;
		text_init(&help, CLI_TEXT_MAX);
		cli_write_help(&help);
		fputs(text_string(&help), stderr);
		text_deinit(&help);
		return CLI_WRONG_USAGE;
	}
	const char *first = argv[1];
	if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
		return show(cli_write_help);
	}
	if (strcmp(first, "help") == 0) {
		return show_help(argc, argv);
	}
	if (strcmp(first, "--version") == 0 || strcmp(first, "-V") == 0 || strcmp(first, "version") == 0) {
		printf("tandem %s\n", TANDEM_VERSION);
		return CLI_DONE;
	}
	if (strcmp(first, "man") == 0) {
		return show_manual(argc > 2 ? argv[2] : NULL);
	}
	int words, status;
	const struct cli_command *command = find_command(argc, argv, &words);
	if (command != NULL) {
		return command->run(argc - words, argv + words);
	}
	return explain_second_word(argc, argv, &status) ? status : unknown_command(first);
}

int cli_main(int argc, char **argv)
{
	/* Whoever reads us may leave: `tandem query ... | head` ends with an error of write, not by a signal. */
	signal(SIGPIPE, SIG_IGN);
	int status = run(argc, argv);
	bool lost = fflush(stdout) != 0 || ferror(stdout) != 0;
	if (lost && errno != EPIPE) {
		fprintf(stderr, "tandem: cannot write the output: %s\n", strerror(errno));
	}
	return lost && status == CLI_DONE ? CLI_NOT_DONE : status;
}
