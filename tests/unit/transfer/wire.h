/* SPDX-License-Identifier: MIT */
/* Messages for the tests of src/transfer, written as people write them. */
#pragma once

#include "transfer/transfer.h"

#define WIRE_MAX 65535

struct wire {
	size_t len;
	uint8_t bytes[WIRE_MAX];
};

/* Static. */
const uint8_t *name_of(const char *text);

/* A question; `serial` not NULL: an SOA with it in the authority section, as IXFR has it. With `edns` an OPT with EXPIRE. */
void wire_question(struct wire *out, const char *name, uint16_t type, const uint32_t *serial, bool edns);

/* An answer with id 7, the question "example. AXFR" unless `type` is 0, and these records, one per line: "OWNER TYPE RDATA"
 * with absolute names. TTL 300, class IN. */
void wire_answer(struct wire *out, uint16_t type, const char *records);
/* Appends records of another class or TTL to the lines above. */
void wire_answer_with(struct wire *out, uint16_t type, const char *records, uint16_t class, uint32_t ttl);

struct dns_message wire_read(const struct wire *wire);

/* "example. SOA ...\n...": the records of the answer section, without TTL. Freed by the caller. */
char *wire_text(const struct wire *wire);
