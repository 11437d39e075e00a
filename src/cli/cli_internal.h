/* SPDX-License-Identifier: MIT */
/* What the subcommands share: the rows, the option parser, and the way to a running server. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"

enum cli_exit { CLI_DONE = 0, CLI_NOT_DONE = 1, CLI_WRONG_USAGE = 2 };

/* --- Rows -------------------------------------------------------------------------------------------------------- */

struct cli_option {
	const char *name;  /* without "--" */
	char letter;       /* "-c"; 0: none */
	const char *value; /* what follows, as --help shows it: "FILE"; NULL: nothing does */
	const char *help;
};

/* One subcommand. run() gets argv[0] = the last word of the command's name, then what followed it. */
struct cli_command {
	const char *name;      /* "serve", "check" */
	const char *word;      /* a second word: "config"; NULL: none */
	const char *arguments; /* after the options: "[ZONE]" */
	const char *summary;   /* one line without a full stop */
	const char *text;      /* paragraphs, each ends with a newline; NULL: the summary says it all */
	const struct cli_option *options;
	size_t option_count;
	const char *examples; /* one command per line; what follows two spaces is what it does */
	int (*run)(int argc, char **argv);
	bool own_parser; /* it reads its words and answers --help itself */
};

extern const struct cli_command *const cli_commands[];
extern const size_t cli_command_count;

extern const struct cli_command cli_command_serve;
extern const struct cli_command cli_command_query;
extern const struct cli_command cli_command_check_config;
extern const struct cli_command cli_command_check_zone;
extern const struct cli_command cli_command_key_new;
extern const struct cli_command cli_command_check_store;
extern const struct cli_command cli_command_status;
extern const struct cli_command cli_command_zone;
extern const struct cli_command cli_command_reload;
extern const struct cli_command cli_command_backup;
extern const struct cli_command cli_command_stop;

/* Own parser: query.c. */
int cli_query(int argc, char **argv);

/* --- Parsing ----------------------------------------------------------------------------------------------------- */

/* One word of the command line: an option with its value, or an operand. */
struct cli_word {
	const struct cli_option *option; /* NULL: an operand */
	const char *value;               /* NULL: an option without one. Borrowed from argv */
};

struct cli_line {
	struct cli_word *words; /* in their order; cli_line_deinit */
	size_t count;
};

/* Reads "--name value", "--name=value", "-c value", "-cvalue"; what follows "--" is operands. `operands_max` limits how
 * many there may be. False: the command is over with *exit_status: --help was shown, or the usage is wrong and
 * said. */
MUST_USE bool cli_parse(const struct cli_command *command, int argc, char **argv, size_t operands_max,
                        struct cli_line *line, int *exit_status);
void cli_line_deinit(struct cli_line *line);
/* The value of the option's last occurrence; NULL: it is not there. */
const char *cli_value(const struct cli_line *line, const char *option_name);
bool cli_has(const struct cli_line *line, const char *option_name);
/* NULL: there are not so many. */
const char *cli_operand(const struct cli_line *line, size_t index);
size_t cli_operand_count(const struct cli_line *line);

/* "tandem zone: no action; see tandem zone --help" on stderr; gives CLI_WRONG_USAGE. */
int cli_wrong_usage(const struct cli_command *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* "tandem status: ..." on stderr; gives CLI_NOT_DONE. */
int cli_not_done(const struct cli_command *command, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- Help -------------------------------------------------------------------------------------------------------- */

void cli_write_help(struct text *out);
void cli_write_command_help(const struct cli_command *command, struct text *out);
/* tandem(1) as man(7) source. */
void cli_write_manual(struct text *out);
/* "serve", "check config". */
void cli_write_command_name(const struct cli_command *command, struct text *out);

#define CLI_TEXT_MAX ((size_t)16 << 20)

/* --- The running server ------------------------------------------------------------------------------------------ */

/* The rows of the options that say which server is meant; a command that talks to one has them among its own. */
/* clang-format off */
#define CLI_OPTION_CONTROL {"control", 0, "PATH", "UNIX socket of the server"}
#define CLI_OPTION_CONFIG  {"config", 'c', "FILE", "configuration of the server, which names its socket"}
#define CLI_OPTION_JSON    {"json", 0, NULL, "show what the server says as JSON"}
#define CLI_OPTION_WAIT    {"wait", 0, NULL, "return when it is done or has failed, not when it is accepted"}
#define CLI_OPTION_TIMEOUT {"timeout", 0, "SECONDS", "with --wait: give up waiting after this; default 60"}
/* clang-format on */

/* What a client waits longer than the server, so that the server's reason arrives. */
#define CLI_WAIT_MARGIN_MS 5000

/* The value of --timeout in milliseconds, or its default. CLI_WRONG_USAGE: told. */
int cli_read_timeout(const struct cli_command *command, const struct cli_line *line, uint32_t *timeout_ms);

/* The socket by --control, -c, TANDEM_CONTROL, ./tandem.sock, ./tandem.yaml, /etc/tandem/tandem.yaml: the first that
 * says anything. free(). NULL: none does, or a file that should say it cannot be read; told on stderr. */
char *cli_control_path(const struct cli_command *command, const struct cli_line *line);

/* ./tandem.yaml, else /etc/tandem/tandem.yaml; NULL: neither is there. */
const char *cli_config_default(void);

/* One request to the server. The reply's JSON, for json_decref(); NULL: there was none or it says that it failed; told
 * on stderr, with `subject` (may be NULL) in front. */
json_t *cli_ask(const struct cli_command *command, const char *socket_path, const char *method, const char *url_path,
                const char *body, uint32_t timeout_ms, const char *subject);

/* "/v1/zones/NAME" and `rest`, for free(). */
char *cli_zone_url(const char *zone, const char *rest);

/* All zones, page after page: an array; NULL as for cli_ask(). */
json_t *cli_ask_zones(const struct cli_command *command, const char *socket_path);

/* Writes JSON for people and programs alike, with a newline. */
void cli_print_json(const json_t *value);

/* --- Tables ------------------------------------------------------------------------------------------------------ */

#define CLI_COLUMNS_MAX 8

/* Cells are collected, then printed with columns as wide as they need. Zeroed at first. */
struct cli_table {
	size_t columns;
	struct cli_row {
		char *cells[CLI_COLUMNS_MAX];
	} * rows;
	size_t count, capacity;
};

/* The first row is the heading. Cells are copied; control characters become '?'. */
void cli_table_add(struct cli_table *table, size_t columns, const char *const *cells);
/* `indent` spaces in front of each line. Frees the rows. */
void cli_table_print(struct cli_table *table, int indent);

/* "640 octets", "12 KiB", "3.4 MiB", "120 GiB": two digits at least. */
#define CLI_SIZE_MAX 40
char *cli_size(uint64_t octets, char out[static CLI_SIZE_MAX]);

/* "1d4h", "2m30s", "350ms"; at most two units. */
#define CLI_DURATION_MAX 40
char *cli_duration(uint64_t ms, char out[static CLI_DURATION_MAX]);
