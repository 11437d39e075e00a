/* SPDX-License-Identifier: MIT */
/* What the tests of cli share: runs a command line and keeps what it printed. */
#pragma once

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"

struct printed {
	int status;
	char out[65536];
	char error[65536];
};

static inline int redirect(int fd, int *memory)
{
	int saved = dup(fd);
	*memory = memfd_create("printed", MFD_CLOEXEC);
	assert_true(saved >= 0 && *memory >= 0 && dup2(*memory, fd) == fd);
	return saved;
}

static inline void restore(int fd, int saved, int memory, char *text, size_t capacity)
{
	assert_int_equal(dup2(saved, fd), fd);
	ssize_t len = pread(memory, text, capacity - 1, 0);
	assert_true(len >= 0);
	text[len] = '\0';
	close(saved);
	close(memory);
}

/* Words are separated by spaces; "tandem" is put in front. */
static inline const struct printed *run_cli(const char *words)
{
	static struct printed printed;
	char *line = strdup(words);
	char name[] = "tandem";
	char *argv[50] = {name};
	int argc = 1, out, error;
	for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
		argv[argc++] = word;
	}
	fflush(stdout);
	fflush(stderr);
	int saved_out = redirect(STDOUT_FILENO, &out);
	int saved_error = redirect(STDERR_FILENO, &error);
	printed.status = cli_main(argc, argv);
	fflush(stdout);
	fflush(stderr);
	restore(STDOUT_FILENO, saved_out, out, printed.out, sizeof printed.out);
	restore(STDERR_FILENO, saved_error, error, printed.error, sizeof printed.error);
	free(line);
	return &printed;
}

static inline void expect_run(const char *words, int status, const char *out, const char *error)
{
	const struct printed *printed = run_cli(words);
	assert_string_equal(printed->error, error);
	assert_string_equal(printed->out, out);
	assert_int_equal(printed->status, status);
}

static inline void expect_part(const char *text, const char *part)
{
	if (strstr(text, part) == NULL) {
		fail_msg("'%s' is not in '%s'", part, text);
	}
}
