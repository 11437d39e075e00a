/* SPDX-License-Identifier: MIT */
/* The program: one binary, its subcommands behind a table, one file each.
 *
 * Knows the command line, terminals and exit codes. Talks to a running server through control only.
 *
 * I1  Exit 0: done; 1: not done, and stderr says what, where, why and what to do; 2: wrong usage.
 * I2  What a program may read goes to stdout, everything else to stderr.
 * I3  Parser, --help and manual page of a subcommand follow the same rows (struct cli_command). */
#pragma once

/* Runs one command line; gives the exit status. */
int cli_main(int argc, char **argv);
