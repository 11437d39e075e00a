/* SPDX-License-Identifier: MIT */
/* What the programs share that ask servers: questions in wire form, sockets, time. Each ends the program with a word of
 * why when the system or a file refuses. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

#define QUESTIONS_MAX 65536 /* of a file; the rest of it is not read */

struct question {
	size_t len;
	uint8_t bytes[320];
};

/* A header with this id and one question, without EDNS. Gives the length. */
size_t write_query(uint8_t *bytes, size_t size, uint16_t id, const char *name_text, uint16_t type);

/* Lines "NAME TYPE", as dnsperf has them; every type is taken for A. `dnssec_ok`: each with EDNS and DO. `questions` has
 * QUESTIONS_MAX. Gives how many there are, at least one. */
size_t read_questions(const char *path, bool dnssec_ok, struct question *questions);

/* `serve`: bound, and listening if it is a stream; else connected. */
int open_socket(const struct address *address, int type, bool serve);

double seconds_now(void);

/* Says what errno says of it, and ends. */
_Noreturn void fail(const char *what);
