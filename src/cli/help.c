/* SPDX-License-Identifier: MIT */
/* --help and the manual page, from the rows of the commands. */
#include <stdio.h>
#include <string.h>

#include "cli/cli_internal.h"

#define WIDTH_MAX 30 /* of the left column */

void cli_write_command_name(const struct cli_command *command, struct text *out)
{
	text_add_string(out, command->name);
	if (command->word != NULL) {
		text_format(out, " %s", command->word);
	}
}

static void write_option_name(const struct cli_option *option, struct text *out)
{
	if (option->letter != 0) {
		text_format(out, "-%c, ", option->letter);
	}
	text_format(out, "--%s", option->name);
	if (option->value != NULL) {
		text_format(out, " %s", option->value);
	}
}

/* "  left          right" */
static void write_columns(const char *left, const char *right, int width, struct text *out)
{
	text_format(out, "  %-*s  %s\n", width, left, right);
}

static int option_width(const struct cli_command *command)
{
	size_t width = strlen("-h, --help");
	for (size_t i = 0; i < command->option_count; i++) {
		struct text name;
		text_init(&name, 100);
		write_option_name(&command->options[i], &name);
		width = name.len > width ? name.len : width;
		text_deinit(&name);
	}
	return width > WIDTH_MAX ? WIDTH_MAX : (int)width;
}

static void write_options(const struct cli_command *command, struct text *out)
{
	int width = option_width(command);
	text_add_string(out, "\nOptions:\n");
	for (size_t i = 0; i < command->option_count; i++) {
		struct text name;
		text_init(&name, 100);
		write_option_name(&command->options[i], &name);
		write_columns(text_string(&name), command->options[i].help, width, out);
		text_deinit(&name);
	}
	write_columns("-h, --help", "show this", width, out);
}

static void write_usage(const struct cli_command *command, struct text *out)
{
	text_add_string(out, "tandem ");
	cli_write_command_name(command, out);
	text_format(out, "%s%s%s", command->option_count > 0 ? " [OPTION]..." : "",
	            command->arguments[0] == '\0' ? "" : " ", command->arguments);
}

/* Each line with `indent` in front. */
static void write_indented(const char *lines, const char *indent, struct text *out)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		text_add_string(out, indent);
		text_add(out, lines, len);
		text_add_char(out, '\n');
		lines += lines[len] == '\n' ? len + 1 : len;
	}
}

void cli_write_command_help(const struct cli_command *command, struct text *out)
{
	text_add_string(out, "usage: ");
	write_usage(command, out);
	text_format(out, "\n\n%s.\n", command->summary);
	if (command->text != NULL) {
		text_format(out, "\n%s", command->text);
	}
	write_options(command, out);
	text_add_string(out, "\nExamples:\n");
	write_indented(command->examples, "  ", out);
}

void cli_write_help(struct text *out)
{
	text_add_string(out,
	                "usage: tandem COMMAND ...\n\n"
	                "Tandem serves DNS zones and keeps their copies on other servers identical.\n\nCommands:\n");
	for (size_t i = 0; i < cli_command_count; i++) {
		struct text name;
		text_init(&name, 100);
		cli_write_command_name(cli_commands[i], &name);
		write_columns(text_string(&name), cli_commands[i]->summary, 12, out);
		text_deinit(&name);
	}
	text_add_string(out, "\nOptions:\n"
	                     "  -h, --help     show this; after a command: its options and examples\n"
	                     "  -V, --version  show the version\n"
	                     "\nExit: 0 done, 1 not done (stderr says why), 2 wrong usage.\n"
	                     "\nExample: a zone file on a port of your own, and a question to it\n"
	                     "  tandem serve --zone example.org=example.org.zone --listen 127.0.0.1@5300\n"
	                     "  tandem query @127.0.0.1 -p 5300 example.org SOA\n");
}

/* --- man(7) ------------------------------------------------------------------------------------------------------ */

/* Hyphens as they are typed, backslashes escaped, no macro by accident at the start of a line. */
static void write_man_text(const char *text, struct text *out)
{
	for (const char *at = text; *at != '\0'; at++) {
		bool line_start = at == text || at[-1] == '\n';
		if (line_start && (*at == '.' || *at == '\'')) {
			text_add_string(out, "\\&");
		}
		if (*at == '\\') {
			text_add_string(out, "\\e");
		} else if (*at == '-') {
			text_add_string(out, "\\-");
		} else {
			text_add_char(out, *at);
		}
	}
}

static void write_man_example(const char *examples, struct text *out)
{
	text_add_string(out, ".PP\n.nf\n.RS 4\n");
	write_man_text(examples, out);
	text_add_string(out, ".RE\n.fi\n");
}

static void write_man_option(const struct cli_option *option, struct text *out)
{
	struct text name;
	text_init(&name, 100);
	write_option_name(option, &name);
	text_add_string(out, ".TP\n\\fB");
	write_man_text(text_string(&name), out);
	text_add_string(out, "\\fR\n");
	write_man_text(option->help, out);
	text_add_char(out, '\n');
	text_deinit(&name);
}

/* Lines that are indented are tables or lists: kept as they are. */
static void write_man_paragraphs(const char *text, struct text *out)
{
	text_add_string(out, ".PP\n");
	bool kept = false;
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		bool keep = text[0] == ' ';
		if (keep != kept) {
			text_add_string(out, keep ? ".nf\n" : ".fi\n");
			kept = keep;
		}
		struct text line;
		text_init(&line, 1000);
		text_add(&line, text, len);
		write_man_text(text_string(&line), out);
		text_add_string(out, len == 0 ? ".PP\n" : "\n");
		text_deinit(&line);
		text += text[len] == '\n' ? len + 1 : len;
	}
	if (kept) {
		text_add_string(out, ".fi\n");
	}
}

static void write_man_command(const struct cli_command *command, struct text *out)
{
	struct text usage;
	text_init(&usage, 1000);
	write_usage(command, &usage);
	text_add_string(out, ".SS \"");
	write_man_text(text_string(&usage), out);
	text_add_string(out, "\"\n");
	write_man_text(command->summary, out);
	text_add_string(out, ".\n");
	if (command->text != NULL) {
		write_man_paragraphs(command->text, out);
	}
	for (size_t i = 0; i < command->option_count; i++) {
		write_man_option(&command->options[i], out);
	}
	write_man_example(command->examples, out);
	text_deinit(&usage);
}

void cli_write_manual(struct text *out)
{
	text_format(
	        out,
	        ".\\\" Generated from the rows of the commands in src/cli.\n"
	        ".TH TANDEM 1 \"\" \"Tandem %s\" \"Tandem\"\n"
	        ".SH NAME\ntandem \\- DNS server that keeps the copies of its zones identical\n"
	        ".SH SYNOPSIS\n\\fBtandem\\fR COMMAND ...\n"
	        ".SH DESCRIPTION\n"
	        "One program serves zones, asks name servers, checks files and controls a running server. Each command "
	        "has \\-\\-help.\n"
	        ".SH COMMANDS\n",
	        TANDEM_VERSION);
	for (size_t i = 0; i < cli_command_count; i++) {
		write_man_command(cli_commands[i], out);
	}
	text_add_string(out,
	                ".SH \"EXIT STATUS\"\n0 done, 1 not done (standard error says why), 2 wrong usage.\n"
	                ".SH ENVIRONMENT\n.TP\n\\fBTANDEM_CONTROL\\fR\n"
	                "UNIX socket of the server, where neither \\-\\-control nor \\-c says it.\n"
	                ".SH FILES\n.TP\n\\fI/etc/tandem/tandem.yaml\\fR\n"
	                "The configuration, where neither a flag nor \\fItandem.yaml\\fR in the current folder is.\n"
	                ".SH SEE ALSO\n\\fBtandem.yaml\\fR(5)\n");
}
